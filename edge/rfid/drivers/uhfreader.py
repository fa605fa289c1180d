"""UHFReader18, 86, 288 and Ex10 (Chafon, RRU and others): antennas in turn, CRC-16, no start byte.

Source: UHFReader288MP manual v1.14, UHFReader18 manual V2.0, UHFEx10 drivers, and frames of real
readers (tests/edge/rfid/captures).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import cycle

from edge.rfid.dialogue import Dialogue, Step, Timing
from edge.rfid.driver import (
    NOT_TOLD,
    Antenna,
    Empty,
    Info,
    Region,
    Rejected,
    Report,
    Settings,
)
from edge.rfid.epc import ProductClasses
from edge.rfid.framing import Broken, mcrf4xx_crc

ANYBODY = 0xFF
"""Broadcast address: one reader, one line."""
COMMAND_BYTES = 5
"""Len, address, command and CRC: the shortest command."""
AROUND_BYTES = 6
"""These and the status: what is around a response's data."""

ILLEGAL, INVENTORY, SINGLE, INFO, REGION, POWER, MODE_18, STOP_FAST, MODE, STOP, STREAM = (
    0x00, 0x01, 0x0F, 0x21, 0x22, 0x2F, 0x35, 0x51, 0x76, 0x93, 0xEE,
)  # fmt: skip
OK, DONE, TIMED_OUT, MORE, FULL = 0x00, 0x01, 0x02, 0x03, 0x04
NO_ANTENNA, EXECUTION, POOR_LINK, NO_TAG = 0xF8, 0xF9, 0xFA, 0xFB
ENDS = (DONE, TIMED_OUT, FULL, NO_ANTENNA, EXECUTION, POOR_LINK, NO_TAG)
"""What an inventory may end with; of others, nothing more comes than a refusal."""
TYPE_18 = 0x09
INFO_BYTES = 8
SCAN_100MS = 10
"""Longest round at one antenna; it ends sooner when all tags are read."""
FIRST_PORT = 0x80
EPC_BITS, PHASE_BIT, TID_BIT = 0x3F, 0x40, 0x80
"""Of a tag's Len. An EPC has at most 62 bytes, so the rest can be flags."""
PHASE_BYTES, TID_BYTES = 7, 12
PORTS = tuple(tuple(bit + 1 for bit in range(8) if bits >> bit & 1) for bits in range(256))
"""Antenna bits to ports, from 1; more than one if several heard a tag at once."""

CHANNELS: dict[Region, tuple[int, int, int]] = {
    "CN900": (1, 0, 19),
    "US": (2, 0, 49),
    "KR": (3, 0, 31),
    "EU": (4, 3, 12),
    "CN800": (8, 0, 19),
}
"""Band code, lowest and highest channel. EU: 865.7 to 867.5 MHz, the outer two of the four channels
in which readers may send, by ETSI EN 302 208 since 2009; nothing beyond 865.6 to 867.6 MHz. To keep
to 866.3 and 866.9 MHz in between is the reader's own part: no command of its manual says so, its
maker declares it."""

BAUDS = (57600, 115200, 38400, 19200, 9600)
TIMING = Timing(answer_ms=800, quiet_ms=2500)
"""A reader that is still scanning for somebody else loses commands, for up to 2 s: three tries last
longer. Scan time may run over by 75 ms."""

Heard = list[tuple[int, bytes, int]]
"""Antenna, EPC and level of each tag of a frame."""
Layout = Callable[[bytes], Heard | None]
"""How the tags of a frame's data are read; none if they don't fill it exactly."""


class Envelope:
    """The frame rule: any byte may be a length; only the CRC can tell."""

    def seek(self, data: bytes, at: int) -> int:
        """Look at every byte."""
        del data
        return at

    def frame(self, data: bytes, at: int) -> int | Broken:
        """Trust the length if the CRC over what it claims is right."""
        length = data[at] + 1
        if length < COMMAND_BYTES:
            return Broken("length")
        if len(data) < at + length:
            return 0
        if mcrf4xx_crc(data[at : at + length]):
            return Broken("crc", length)
        return length


def command(code: int, data: bytes = b"", *, address: int = ANYBODY) -> bytes:
    """Give a host command's frame.

    >>> command(0x2F, bytes([30]), address=0).hex()
    '05002f1e7234'
    """
    body = bytes((4 + len(data), address, code)) + data
    return body + mcrf4xx_crc(body).to_bytes(2, "little")


HELLO = command(INFO)
"""Asks who is there."""


def is_family(frame: bytes) -> bool:
    """Tell whether only this family sends such a frame."""
    return len(frame) >= AROUND_BYTES and frame[2] in (INFO, INVENTORY, STREAM)


def tags(data: bytes) -> Heard | None:
    """Read the tags of an answer: antenna bits, count, then Len, EPC and level of each."""
    return _walk(data, 2, count=data[1]) if len(data) > 1 else None


def tags_18(data: bytes) -> Heard | None:
    """Read the tags of a UHFReader18's answer: count, then Len and EPC of each; no antenna."""
    heard: Heard = []
    at = 1
    for _ in range(data[0] if data else 0):
        if at >= len(data):
            return None
        end = at + 1 + data[at]
        heard.append((1, data[at + 1 : end], NOT_TOLD))
        at = end
    return heard if at == len(data) else None


def tag_streamed(data: bytes) -> Heard | None:
    """Read the tag of a real-time or fast report: antenna bits, Len, EPC, level."""
    return _walk(data, 1, count=1)


def _walk(data: bytes, at: int, *, count: int) -> Heard | None:
    """Give count tags; none if they don't fill the data exactly."""
    heard: Heard = []
    ports = PORTS[data[0]] if data else ()
    for _ in range(count):
        if at >= len(data):
            return None
        flags = data[at]
        end = at + 1 + (flags & EPC_BITS)
        if end >= len(data):
            return None
        epc = data[at + 1 : end - TID_BYTES if flags & TID_BIT else end]
        for port in ports:
            heard.append((port, epc, data[end]))
        at = end + 1 + (PHASE_BYTES if flags & PHASE_BIT else 0)
    return heard if at == len(data) and (ports or not count) else None


class UhfReader(Dialogue):
    """A reader's driver: asks for one inventory after the other, antenna by antenna.

    Start-up stops what runs, asks who is there, and sets answer mode, region and power where they
    differ: the reader keeps these in its flash, which wears.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        classes: ProductClasses,
        now_ms: int,
        timing: Timing = TIMING,
    ) -> None:
        super().__init__(
            Envelope(), settings=settings, classes=classes, now_ms=now_ms, timing=timing
        )
        self._layouts: Sequence[Layout] = (tags, tags_18)
        self._turns = _turns(settings.antennas)
        self._antenna = settings.antennas[0]
        self._silent_round = True
        self._may_stream = True
        self._moded = False

    def farewell(self) -> bytes:
        """Give the stop command."""
        return command(STOP)

    def _start_up(self) -> Sequence[Step]:
        self._layouts = (tags, tags_18)
        self._moded = False
        return (
            Step(bytes((STOP,)), "stop", needed=False, tries=1, skip=True),
            Step(bytes((STOP_FAST,)), "stop", needed=False, tries=1, skip=True),
            Step(bytes((INFO,)), "reader information"),
        )

    def _spell(self, step: Step, *, attempt: int) -> bytes:
        del attempt
        return command(step.command[0], step.command[1:])

    def _begin(self, now_ms: int) -> None:
        self._turns = _turns(self._settings.antennas)
        self._ask(now_ms)

    def _ask(self, now_ms: int) -> None:
        """Order the next antenna's inventory."""
        self._antenna, target = next(self._turns)
        self._silent_round = True
        params = b""
        if tags in self._layouts:
            port = FIRST_PORT | self._antenna.number - 1
            params = bytes((self._settings.q, self._antenna.session, target, port, SCAN_100MS))
        self._out += command(INVENTORY, params)
        self._wait(self._timing.quiet_ms, now_ms=now_ms)

    def _take(self, frame: bytes, *, now_ms: int) -> Sequence[Report]:
        if len(frame) < AROUND_BYTES or frame[1] == ANYBODY:
            return ()  # a command: our own, on an adapter that echoes
        code, status, data = frame[2], frame[3], frame[4:-2]
        if code == STREAM:
            return self._stream(status, data, now_ms=now_ms)
        if code == INVENTORY and status in (MORE, *ENDS):
            return self._inventory(status, data, now_ms=now_ms)
        if code == SINGLE and status == DONE:
            return self._read(data, self._layouts)  # somebody else's, in a capture
        return self._answer(code, status, data, now_ms=now_ms)

    def _stream(self, status: int, data: bytes, *, now_ms: int) -> list[Report]:
        """Take what it reports by itself, and set it to answer mode, once per start-up."""
        reports = self._read(data, (tag_streamed, tags)) if status == OK else []
        step = self._step
        if step is not None and step.command[0] == INFO and not self._moded:
            self._moded = True
            mode = Step(bytes((MODE, 0)), "answer mode", needed=False, tries=1, skip=True)
            reports += self._next(now_ms, first=(mode, step))
        self._may_stream = True
        return reports

    def _inventory(self, status: int, data: bytes, *, now_ms: int) -> list[Report]:
        reports: list[Report] = []
        if data and status in (DONE, TIMED_OUT, MORE, FULL):
            reports += self._read(data, self._layouts)
        if status == FULL:
            reports.append(Info("full", antenna=self._antenna.number))
        elif status == NO_ANTENNA:
            reports.append(Info("antenna", "no antenna", self._antenna.number))
        elif status in (EXECUTION, POOR_LINK):
            reports.append(Info("error", f"code {status:02X}"))
        self._silent_round &= not reports
        if self._reading and status != MORE:
            if self._silent_round:
                reports.append(Empty(self._antenna.number))
            self._ask(now_ms)
        return reports

    def _read(self, data: bytes, layouts: Sequence[Layout]) -> list[Report]:
        """Turn a frame's tags into product classes and hashes."""
        heard = next((heard for layout in layouts if (heard := layout(data)) is not None), None)
        if heard is None:
            return [Rejected("length", frame=True)]
        return [self._tag(epc, antenna=antenna, level=level) for antenna, epc, level in heard]

    def _answer(self, code: int, status: int, data: bytes, *, now_ms: int) -> list[Report]:
        refused = code == ILLEGAL or status != OK
        step = self._step
        if step is None:
            if self._reading and refused and code in (ILLEGAL, INVENTORY):
                what = f"inventory at antenna {self._antenna.number}"
                return self._rest(Info("refused", what), now_ms=now_ms)
            return []
        if code not in (ILLEGAL, step.command[0]):
            return []
        if refused:
            return self._refuse(now_ms)
        if code == INFO:
            return self._met(data, now_ms=now_ms)
        return self._next(now_ms)

    def _met(self, info: bytes, *, now_ms: int) -> list[Report]:
        """Go on with what is to be set, now that the reader has said what it is."""
        if len(info) < INFO_BYTES:
            return [Rejected("length", frame=True)]
        settings = self._settings
        is_18 = info[2] == TYPE_18
        self._layouts = (tags_18,) if is_18 else (tags,)
        told: list[Report] = [Info("module", f"type {info[2]:02X}, firmware {info[0]}.{info[1]}")]
        beyond = next((one for one in settings.antennas if one.number > (1 if is_18 else 8)), None)
        if beyond is not None:
            return told + self._rest(Info("refused", f"antenna {beyond.number}"), now_ms=now_ms)
        powers = {settings.power_at(antenna.number) for antenna in settings.antennas}
        power = powers.pop()
        if powers or not float(power).is_integer():
            text = f"power_dbm {power:g}: it takes whole numbers, the same for every antenna"
            return told + self._rest(Info("refused", text), now_ms=now_ms)
        steps = []
        if self._may_stream and not self._moded:
            mode = bytes((MODE_18, 0, 0, 0, 0, 0, 0) if is_18 else (MODE, 0))
            steps.append(Step(mode, "answer mode", needed=False))
        self._may_stream = False
        band = _band(settings.region)
        if info[4:6] != band:
            steps.append(Step(bytes((REGION,)) + band, f"region {settings.region}"))
        if info[6] != power:
            steps.append(Step(bytes((POWER, round(power))), f"power_dbm {power:g}"))
        return told + self._next(now_ms, first=steps)


def _band(region: Region) -> bytes:
    """Give DMaxFre and DMinFre: two bits of the band's code each, and a channel."""
    band, lowest, highest = CHANNELS[region]
    return bytes((band >> 2 << 6 | highest, (band & 0b11) << 6 | lowest))


def _turns(antennas: Sequence[Antenna]) -> Iterator[tuple[Antenna, int]]:
    """Give antennas in turn, for ever; in each second round, target B.

    S0 flags fall back by themselves when the antenna is switched off, so B would hear nobody.
    """
    for target in cycle((0, 1)):
        for antenna in antennas:
            yield antenna, target if antenna.session else 0
