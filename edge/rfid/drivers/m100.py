"""M100, QM100, YRM100 and R200 modules: one antenna, both envelopes (BB..7E and AA..DD).

Source: R200 user guide V2.3.3 (= MagicRF M100&QM100 firmware manual V2.3.x) and captures; where
the manual contradicts itself, the captures win (tests/edge/rfid/captures).
"""

from __future__ import annotations

from collections.abc import Sequence
from zlib import adler32

from edge.rfid.dialogue import NO_CLASS, Dialogue, Step, Timing
from edge.rfid.driver import Empty, Info, Rejected, Report, Settings
from edge.rfid.epc import ProductClasses, Unread
from edge.rfid.framing import GEN2_RESIDUE, NOISE, Broken, gen2_crc

ENVELOPES = {0xBB: 0x7E, 0xAA: 0xDD}
"""Header to end byte."""
COMMAND, RESPONSE, NOTICE = 0x00, 0x01, 0x02
HEAD_BYTES = 5
AROUND_BYTES = 7
"""Header, type, command, two of length, sum, end."""
MAX_PARAMS = 252
"""The longest known answer (a channel scan) has 54 bytes; the longest tag 67. With type, command
and length, 256 bytes."""

STOP, INFO, REGION, CHANNELS, HOPPING, POWER, QUERY, MULTI_POLL, POLL, FAILED = (
    0x28, 0x03, 0x07, 0xA9, 0xAD, 0xB6, 0x0E, 0x27, 0x22, 0xFF,
)  # fmt: skip
REGIONS = {"CN900": 1, "US": 2, "EU": 3, "CN800": 4, "KR": 6}
EU_CHANNELS = bytes((3, 6, 9, 12))
"""865.7, 866.3, 866.9 and 867.5 MHz: the four in which readers may send, by ETSI EN 302 208 since
2009. By itself the module hops over all fifteen between 865.1 and 867.9 MHz."""
NO_TAG, NO_CHANNEL = 0x15, 0x20
"""What an inventory says of the field, not of a command: no tag heard; all channels busy, and so
nothing sent."""
ROUNDS = 0xFFFF
TREXT = 0x1000
ANTENNA = 1
AROUND_EPC_BYTES = AROUND_BYTES + 5
"""These and RSSI, PC and CRC: what is around a tag notice's EPC."""
NOT_GS1 = 0x01
"""Bit of PC's first byte that says the EPC memory holds an ISO 15961 number. Source: EPC Gen2 v2.1
§6.3.2.1.2.2."""

BAUDS = (115200, 57600, 38400, 19200, 9600)
"""In the order they are tried: what it leaves the factory with, then what it may be set to."""
TIMING = Timing()
"""An empty round ends in an error, so a live inventory is never quiet for a second."""


class Envelope:
    """The frame rule: takes both envelopes until one has proved right."""

    def __init__(self) -> None:
        self.ends = ENVELOPES
        """Those still in question."""

    def seek(self, data: bytes, at: int) -> int:
        """Find the next header byte."""
        places = (data.find(header, at) for header in self.ends)
        return min((place for place in places if place >= 0), default=len(data))

    def frame(self, data: bytes, at: int) -> int | Broken:
        """Trust the length field, within bounds: both envelope bytes may occur inside."""
        header = data[at]
        if header not in self.ends or len(data) < at + HEAD_BYTES:
            return 0
        if data[at + 1] > NOTICE:
            return NOISE
        end = at + AROUND_BYTES + (data[at + 3] << 8 | data[at + 4])
        if end > at + AROUND_BYTES + MAX_PARAMS:
            return Broken("length", HEAD_BYTES)
        if len(data) < end:
            return 0
        ended = data[end - 1] == self.ends[header]
        # Adler-32's low half is the bytes' sum, of up to 256 of them: sum() in a third of the time.
        if not ended or adler32(data[at + 1 : end - 2], 0) & 0xFF != data[end - 2]:
            return Broken("sum" if ended else "end", end - at)
        if len(self.ends) > 1:
            self.ends = {header: self.ends[header]}
        return end - at


def command(header: int, code: int, params: bytes = b"") -> bytes:
    """Give a host command's frame.

    >>> command(0xBB, 0x22).hex()
    'bb00220000227e'
    """
    body = bytes((COMMAND, code)) + len(params).to_bytes(2, "big") + params
    return bytes((header, *body, sum(body) & 0xFF, ENVELOPES[header]))


HELLO = command(0xBB, INFO, b"\0") + command(0xAA, INFO, b"\0")
"""Asks who is there, in both envelopes."""


def is_family(frame: bytes) -> bool:
    """Tell whether only this family sends such a frame."""
    return frame[1] in (RESPONSE, NOTICE)


class M100(Dialogue):
    """A module's driver.

    Start-up is stop, module information, region, channels, hopping, power, query; then a multi-poll
    of 65,535 rounds. When these are used up, or the module has restarted, it is set up anew. It
    can't ask for targets A and B in turn by itself, so A it is: S0 and S1 flags fall back soon
    enough.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        classes: ProductClasses,
        now_ms: int,
        timing: Timing = TIMING,
    ) -> None:
        self._envelope = Envelope()
        super().__init__(
            self._envelope, settings=settings, classes=classes, now_ms=now_ms, timing=timing
        )

    def farewell(self) -> bytes:
        """Give the stop command, in both envelopes if none has proved right."""
        return b"".join(command(header, STOP) for header in self._envelope.ends)

    def _start_up(self) -> Sequence[Step]:
        self._envelope.ends = ENVELOPES
        settings = self._settings
        power_dbm = settings.power_at(settings.antennas[0].number)
        power = round(power_dbm * 100).to_bytes(2, "big")
        channels = bytes((len(EU_CHANNELS),)) + EU_CHANNELS
        query = TREXT | settings.antennas[0].session << 8 | settings.q << 3
        return (
            Step(bytes((STOP,)), "stop", needed=False),
            Step(bytes((INFO, 0)), "module information", needed=False),
            Step(bytes((REGION, REGIONS[settings.region])), f"region {settings.region}"),
            *(
                [Step(bytes((CHANNELS,)) + channels, "channels", needed=False)]
                if settings.region == "EU"
                else []
            ),
            Step(bytes((HOPPING, 0xFF)), "channel hopping", needed=False),
            Step(bytes((POWER,)) + power, f"power_dbm {power_dbm:g}"),
            Step(bytes((QUERY,)) + query.to_bytes(2, "big"), f"query Q {settings.q}"),
        )

    def _spell(self, step: Step, *, attempt: int) -> bytes:
        headers = tuple(self._envelope.ends)
        return command(headers[attempt % len(headers)], step.command[0], step.command[1:])

    def _begin(self, now_ms: int) -> None:
        del now_ms
        rounds = bytes((POLL,)) + ROUNDS.to_bytes(2, "big")
        self._out += command(next(iter(self._envelope.ends)), MULTI_POLL, rounds)

    def _take(self, frame: bytes, *, now_ms: int) -> Sequence[Report]:
        kind, code = frame[1], frame[2]
        if kind == NOTICE and code == POLL:
            return (self._notice(frame),)
        if kind == RESPONSE:
            return self._answer(code, frame[5:-2], now_ms=now_ms)
        return ()  # our own command, come back over an adapter that echoes

    def _notice(self, frame: bytes) -> Report:
        """Take a tag: head, RSSI, PC, EPC, CRC, sum, end."""
        if len(frame) != AROUND_EPC_BYTES + 2 * (frame[6] >> 3):
            return Rejected("length", frame=True)
        if gen2_crc(frame[6:-2]) != GEN2_RESIDUE:
            return Rejected("epc_crc", frame=True)
        if frame[6] & NOT_GS1:
            return NO_CLASS[Unread.UNKNOWN]
        return self._tag(frame[8:-4], antenna=ANTENNA, level=(frame[5] ^ 0x80) - 0x80)

    def _answer(self, code: int, params: bytes, *, now_ms: int) -> Sequence[Report]:
        error = params[0] if code == FAILED and params else None
        if error in (NO_TAG, NO_CHANNEL):
            return (Empty(ANTENNA),) if error == NO_TAG and self._reading else ()
        step = self._step
        if step is None:
            return () if error is None else (Info("error", f"code {error:02X}"),)
        if error is None and code != step.command[0]:
            return ()
        if error is not None or (code != INFO and params[:1] != b"\0"):
            return self._refuse(now_ms)
        if code != INFO:
            return self._next(now_ms)
        return [Info("module", params[1:].decode("ascii", "replace")), *self._next(now_ms)]
