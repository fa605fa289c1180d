"""M100, QM100, YRM100 and R200 modules: one antenna, both envelopes (BB..7E and AA..DD).

Source: R200 user guide V2.3.3 (= MagicRF M100&QM100 firmware manual V2.3.x) and captures; where
the manual contradicts itself, the captures win (tests/edge/rfid/captures).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from edge.rfid.driver import Empty, Info, Read, Rejected, Report, Settings
from edge.rfid.epc import ProductClasses, Unread
from edge.rfid.framing import Broken, Splitter, gen2_crc

ENVELOPES = {0xBB: 0x7E, 0xAA: 0xDD}
"""Header to end byte."""
RESPONSE = 0x01
NOTICE = 0x02
HEAD_BYTES = 5
AROUND_BYTES = 7
"""Header, type, command, two of length, sum, end."""
MAX_PARAMS = 255
"""The longest known answer (a channel scan) has 54 bytes; the longest tag 67."""

STOP, INFO, REGION, HOPPING, POWER, QUERY, MULTI_POLL, POLL, FAILED = (
    0x28, 0x03, 0x07, 0xAD, 0xB6, 0x0E, 0x27, 0x22, 0xFF,
)  # fmt: skip
REGIONS = {"CN900": 1, "US": 2, "EU": 3, "CN800": 4, "KR": 6}
NO_TAG, NO_CHANNEL = 0x15, 0x20
"""What an inventory says of the field, not of a command: no tag heard; all channels busy, and so
nothing sent."""
ROUNDS = 0xFFFF
TREXT = 0x1000
ANTENNA = 1
AROUND_EPC_BYTES = 5
"""RSSI, PC and CRC of a tag notice."""
NOT_GS1 = 0x0100
"""PC bit that says the EPC memory holds an ISO 15961 number. Source: EPC Gen2 v2.1 §6.3.2.1.2.2."""


@dataclass(frozen=True, slots=True)
class Timing:
    """When patience ends, wall milliseconds.

    Attributes:
        answer_ms: to a command; with ``tries``, what known clients use.
        tries: of one command before the reader counts as silent.
        idle_ms: line silence after which an unfinished frame is given up; USB adapters hold
            bytes back for 16 ms.
        quiet_ms: without any frame while reading; an empty round ends in an error, so a live
            inventory is never quiet and this one is used up.
        rest_ms: between a start that failed and the next.
    """

    answer_ms: int = 500
    tries: int = 3
    idle_ms: int = 100
    quiet_ms: int = 1000
    rest_ms: int = 2000


class Envelope:
    """The frame rule: takes both envelopes until one has proved right."""

    head = HEAD_BYTES

    def __init__(self) -> None:
        self.header: int | None = None

    def starts(self) -> bytes:
        """Give the header bytes still in question."""
        return bytes(ENVELOPES) if self.header is None else bytes((self.header,))

    def length(self, head: bytes) -> int | str:
        """Trust the length field, within bounds: both envelope bytes may occur inside."""
        if head[1] not in (RESPONSE, NOTICE):
            return "type"
        params = head[3] << 8 | head[4]
        return "length" if params > MAX_PARAMS else AROUND_BYTES + params

    def fault(self, frame: bytes) -> str:
        """Check end and sum; the first right frame settles the envelope."""
        if frame[-1] != ENVELOPES[frame[0]]:
            return "end"
        if sum(frame[1:-2]) & 0xFF != frame[-2]:
            return "sum"
        self.header = frame[0]
        return ""


def command(header: int, code: int, params: bytes = b"") -> bytes:
    """Give a host command's frame.

    >>> command(0xBB, 0x22).hex()
    'bb00220000227e'
    """
    body = bytes((0, code)) + len(params).to_bytes(2, "big") + params
    return bytes((header, *body, sum(body) & 0xFF, ENVELOPES[header]))


@dataclass(frozen=True, slots=True)
class _Step:
    """One command of the start-up and what it sets."""

    code: int
    params: bytes
    sets: str
    needed: bool = True


class M100:
    """A module's driver: start-up, inventory without end, watchdog.

    Start-up is stop, module information, region, hopping, power, query; then a multi-poll of
    65,535 rounds, ordered anew when it is used up. Whatever goes wrong starts it anew.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        classes: ProductClasses,
        now_ms: int,
        timing: Timing = Timing(),
    ) -> None:
        self._classes = classes
        self._timing = timing
        self._envelope = Envelope()
        self._splitter = Splitter(self._envelope)
        self._steps = _start_up(settings)
        self._out = bytearray()
        self._fed_ms = now_ms
        self._do: Callable[[int], list[Report]] = self._restart
        self._at_ms = now_ms
        self._step: int | None = None
        self._tries = 0

    def feed(self, data: bytes, *, now_ms: int) -> list[Report]:
        """Take bytes the reader sent."""
        reports: list[Report] = []
        self._fed_ms = now_ms
        for found in self._splitter.feed(data):
            self._take(found if isinstance(found, Broken) else found.raw, reports, now_ms=now_ms)
        return reports

    def advance(self, now_ms: int) -> list[Report]:
        """Let time pass."""
        reports: list[Report] = []
        if self._splitter.waiting and now_ms >= self._fed_ms + self._timing.idle_ms:
            for found in self._splitter.flush():
                taken = found if isinstance(found, Broken) else found.raw
                self._take(taken, reports, now_ms=now_ms)
        if now_ms >= self._at_ms:
            reports += self._do(now_ms)
        return reports

    def due_ms(self) -> int | None:
        """Give the instant of the next time-out."""
        if self._splitter.waiting:
            return min(self._at_ms, self._fed_ms + self._timing.idle_ms)
        return self._at_ms

    def outgoing(self) -> bytes:
        """Give, once, the bytes to be sent now."""
        out = bytes(self._out)
        self._out.clear()
        return out

    def farewell(self) -> bytes:
        """Give the stop command, in both envelopes if none has proved right."""
        return b"".join(command(header, STOP) for header in self._envelope.starts())

    def _take(self, found: bytes | Broken, reports: list[Report], *, now_ms: int) -> None:
        if isinstance(found, Broken):
            reports.append(Rejected(found.why, frame=True))
            return
        kind, code, params = found[1], found[2], found[5:-2]
        if self._step is None and self._reading:
            self._wait(self._timing.quiet_ms, self._reissue, now_ms=now_ms)
            self._tries = 0
        if kind == NOTICE and code == POLL:
            reports.append(self._tag(params))
        elif kind == RESPONSE:
            reports += self._answer(code, params, now_ms=now_ms)

    @property
    def _reading(self) -> bool:
        return self._do == self._reissue

    def _tag(self, params: bytes) -> Report:
        """Turn a notice (RSSI, PC, EPC, CRC) into product class and hash."""
        if len(params) < AROUND_EPC_BYTES:
            return Rejected("length", frame=True)
        pc = params[1] << 8 | params[2]
        if len(params) != AROUND_EPC_BYTES + 2 * (pc >> 11):
            return Rejected("length", frame=True)
        if gen2_crc(params[1:-2]) != params[-2] << 8 | params[-1]:
            return Rejected("epc_crc", frame=True)
        item = Unread.UNKNOWN if pc & NOT_GS1 else self._classes.read(params[3:-2])
        if isinstance(item, Unread):
            return Rejected(item.value, frame=False)
        rssi = params[0] - 256 if params[0] > 127 else params[0]  # noqa: PLR2004 - signed byte
        return Read(ANTENNA, item.product_class, item.tag, rssi)

    def _answer(self, code: int, params: bytes, *, now_ms: int) -> list[Report]:
        error = params[0] if code == FAILED and params else None
        if error in (NO_TAG, NO_CHANNEL):
            return [Empty(ANTENNA)] if error == NO_TAG and self._reading else []
        if self._step is None:
            return [] if error is None else [Info("error", f"code {error:02X}")]
        step = self._steps[self._step]
        if error is None and code != step.code:
            return []
        refused = error is not None or (code != INFO and params[:1] != b"\x00")
        if refused and step.needed:
            return self._refuse(step, now_ms=now_ms)
        told: list[Report] = []
        if code == INFO:
            told.append(Info("module", params[1:].decode("ascii", "replace")))
        return told + self._next(now_ms)

    def _refuse(self, step: _Step, *, now_ms: int) -> list[Report]:
        self._step = None
        self._wait(self._timing.rest_ms, self._restart, now_ms=now_ms)
        return [Info("refused", step.sets)]

    def _restart(self, now_ms: int) -> list[Report]:
        self._envelope.header = None
        self._step = -1
        return self._next(now_ms)

    def _next(self, now_ms: int) -> list[Report]:
        """Go on to the next step of the start-up, or to the inventory after the last."""
        assert self._step is not None
        self._step += 1
        self._tries = 0
        if self._step < len(self._steps):
            return self._send(now_ms)
        self._step = None
        self._poll(now_ms)
        return [Info("reading")]

    def _send(self, now_ms: int) -> list[Report]:
        """Send the step's command, again if there was no answer, in turn in both envelopes."""
        assert self._step is not None
        step = self._steps[self._step]
        if self._tries == self._timing.tries:
            return self._give_up(now_ms)
        starts = self._envelope.starts()
        self._out += command(starts[self._tries % len(starts)], step.code, step.params)
        self._tries += 1
        self._wait(self._timing.answer_ms, self._send, now_ms=now_ms)
        return []

    def _poll(self, now_ms: int) -> None:
        header = self._envelope.starts()[0]
        self._out += command(header, MULTI_POLL, bytes((POLL,)) + ROUNDS.to_bytes(2, "big"))
        self._wait(self._timing.quiet_ms, self._reissue, now_ms=now_ms)

    def _reissue(self, now_ms: int) -> list[Report]:
        """Order the inventory anew: its rounds are used up, or the line is dead."""
        if self._tries == self._timing.tries:
            return self._give_up(now_ms)
        self._tries += 1
        self._poll(now_ms)
        return [Info("reissued")]

    def _give_up(self, now_ms: int) -> list[Report]:
        self._step = None
        self._wait(self._timing.rest_ms, self._restart, now_ms=now_ms)
        return [Info("silent")]

    def _wait(self, span_ms: int, do: Callable[[int], list[Report]], *, now_ms: int) -> None:
        self._at_ms = now_ms + span_ms
        self._do = do


def _start_up(settings: Settings) -> tuple[_Step, ...]:
    power = round(settings.power_dbm * 100)
    query = TREXT | settings.session << 8 | settings.q << 3
    return (
        _Step(STOP, b"", "stop", needed=False),
        _Step(INFO, b"\x00", "module information", needed=False),
        _Step(REGION, bytes((REGIONS[settings.region],)), f"region {settings.region}"),
        _Step(HOPPING, b"\xff", "channel hopping", needed=False),
        _Step(POWER, power.to_bytes(2, "big"), f"power_dbm {settings.power_dbm:g}"),
        _Step(QUERY, query.to_bytes(2, "big"), f"query Q {settings.q}"),
    )
