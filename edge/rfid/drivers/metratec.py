"""Metratec's AT protocol (PulsarLR, PLRM, QRG2, DeskID UHF v2, DwarfG2 v2): ASCII, no check sum.

Source: metratec_rfid 1.4.1 and 1.4.5 and their Java and .NET kin; the vendor's protocol guide was
not to be had. Without a check sum, a line is taken only if every field of it fits.
"""

from __future__ import annotations

import re
from binascii import unhexlify
from collections.abc import Sequence

from edge.rfid.dialogue import Dialogue, Step, Timing
from edge.rfid.driver import NOT_TOLD, Empty, Info, Region, Rejected, Report, Settings
from edge.rfid.epc import ProductClasses
from edge.rfid.framing import Broken

MOST_LINE_BYTES = 512
"""The longest line, an EPC of 62 bytes with TID, phase and count, has under 300."""
MOST_HELD = 2000
"""Tags held back until their antenna is told; more than a round can hold."""
MOST_SAID = 16
"""Lines of an answer that are kept; ATI has three."""

START = re.compile(rb"[+AOE\r\n]")
END = re.compile(rb"[\r\n]")
LINE = re.compile(
    rb"(?:\+[ -*,-~]{1,500}|AT(?:[EI][01]?|\+[A-Z]{1,8}(?:\?|=[ -*,-~]{0,480})?)?|OK|ERROR|)[\r\n]"
)
"""What a line of the reader may be: an answer or event, an echo, or the end of an answer; or empty,
between CR and LF."""
TAG = re.compile(
    rb"\+C?M?INV(?P<report>R)?: (?P<epc>(?:[0-9A-Fa-f]{4}){1,31})"  # EPC, in words
    rb"(?:,(?:[0-9A-Fa-f]{4}){2,31})?"  # TID; two words or more, or it would pass for a level
    rb"(?:,(?P<level>-?[0-9]{1,4}))?"
    rb"(?:,-?[0-9]{1,4},-?[0-9]{1,4})?"  # phases
    rb"(?(report),[0-9]{1,6})\Z"  # how often, of a report
)
TAG_ORDERED = re.compile(rb"\+CM?INV: (?P<epc>(?:[0-9A-Fa-f]{4}){1,31}),(?P<level>-?[0-9]{1,3})\Z")
"""The same as the driver has ordered it: EPC and level."""
NOTE = re.compile(rb"\+C?M?INVR?: <(.*)>\Z")
INVENTORY = re.compile(rb"\+C?M?INVR?: ")
ROUND = re.compile(r"ROUND FINISHED,? ?ANT=?([0-9]{1,3})\Z")
NOBODY = re.compile(r"NO TAGS? FOUND", re.IGNORECASE)
SPELLED = re.compile(r"(?:(?![0-9A-Fa-f]{6})[ -~]){1,60}")
"""A note that is passed on: with so few hex digits in a row no tag has run into it by noise."""
NAMED = re.compile(r"\+[SH]W: ((?:(?![0-9A-Fa-f]{6})[ -~]){1,40})")
"""Name and version that a reader says of itself, likewise."""

REGIONS: dict[Region, tuple[str, ...]] = {"EU": ("ETSI", "ETSI_LOWER"), "US": ("FCC",)}
"""What is set, and what the reader may also call it. ETSI_HIGH is another band, another law."""
REPORT = ("0", "1", "0", "0", "0", "ALL", "DUAL", "-100")
"""Wanted AT+INVS: every tag, its level, no TID, no fast start, no phase, all tags, both targets, no
threshold. Older firmware knows only the first three to five."""
SHORTEST_REPORT = 3

UNASKED = (b"+HBT", b"+IEV")
"""Heartbeat, and what an input pin does."""

ECHO = b"ATE1"
"""The first command: errors that come in now are for noise before it, which a CR has ended."""
HELLO = b"\rATI\r"
"""Ends what noise began, and asks who is there."""
BAUDS = (115200,)
TIMING = Timing(answer_ms=1000, quiet_ms=3000)
"""Known clients wait 2 s for an answer and 4 s for a round."""


class Lines:
    """The frame rule: lines end in CR, LF or both; an answer holds no second ``+``."""

    def seek(self, data: bytes, at: int) -> int:
        """Find the next byte a line may begin with; a bare end is an empty line."""
        found = START.search(data, at)
        return found.start() if found else len(data)

    def frame(self, data: bytes, at: int) -> int | Broken:
        """Take a printable line that begins as the reader's lines do, with its end."""
        line = LINE.match(data, at)
        if line:
            return line.end() - at
        end = END.search(data, at, at + MOST_LINE_BYTES)
        if end is None:
            return 0 if len(data) < at + MOST_LINE_BYTES else Broken("length", MOST_LINE_BYTES)
        return Broken("line", end.end() - at)


def is_family(frame: bytes) -> bool:
    """Tell whether only this family sends such a line."""
    return frame.startswith((b"+SW: ", b"+HW: ", b"+CINV", b"+CMINV"))


class Metratec(Dialogue):
    """A reader's driver.

    Start-up stops what runs, asks who is there, sets region, power, session, report and antennas;
    then a continuous inventory. The antenna of tags is told after them, so they are held back.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        classes: ProductClasses,
        now_ms: int,
        timing: Timing = TIMING,
    ) -> None:
        super().__init__(Lines(), settings=settings, classes=classes, now_ms=now_ms, timing=timing)
        self._held: list[tuple[bytes, int]] = []
        self._trouble = ""
        self._echo = b""
        self._said: list[str] = []

    def farewell(self) -> bytes:
        """Give the command that stops the inventory."""
        return b"AT+BMINV\r" if self._several else b"AT+BINV\r"

    @property
    def _several(self) -> bool:
        return len(self._settings.antennas) > 1

    def _start_up(self) -> Sequence[Step]:
        settings = self._settings
        numbers = [str(antenna.number) for antenna in settings.antennas]
        powers = sorted({settings.power_at(antenna.number) for antenna in settings.antennas})
        use = Step(b"AT+MUX=" + ",".join(numbers).encode(), f"antennas {', '.join(numbers)}")
        if not self._several:
            alone = numbers == ["1"]  # models with one antenna don't know the command
            use = Step(b"AT+ANT=" + numbers[0].encode(), f"antenna {numbers[0]}", needed=not alone)
        session = min(antenna.session for antenna in settings.antennas)
        return (
            Step(ECHO, "echo"),
            Step(b"AT+BINV", "stop", needed=False),
            Step(b"AT+BMINV", "stop", needed=False),
            Step(b"AT+BINVR", "stop", needed=False),
            Step(b"ATI", "reader information", needed=False),
            Step(b"AT+REG?", f"region {settings.region}"),
            Step(b"AT+PWR?", f"power_dbm {', '.join(f'{power:g}' for power in powers)}"),
            Step(b"AT+SES=" + str(session).encode(), f"session {session}", needed=False),
            Step(b"AT+Q=" + str(settings.q).encode(), f"Q {settings.q}", needed=False),
            Step(b"AT+INVS?", "report"),
            use,
        )

    def _spell(self, step: Step, *, attempt: int) -> bytes:
        self._said.clear()
        self._echo = b""
        if step.command == ECHO:
            stops = b"AT+BMINV\rAT+BINV\r" if attempt else b""  # it may not listen while it reads
            return b"\r" + stops + ECHO + b"\r"
        return (b"\r" if attempt else b"") + step.command + b"\r"  # CR ends what noise began

    def _begin(self, now_ms: int) -> None:
        del now_ms
        self._said.clear()
        self._out += b"AT+CMINV\r" if self._several else b"AT+CINV\r"

    def _take(self, frame: bytes, *, now_ms: int) -> Sequence[Report]:
        line = frame[:-1]
        if not line:
            return ()
        tag = (TAG_ORDERED if self._reading else TAG).match(line)
        if tag:
            self._held.append((unhexlify(tag["epc"]), int(tag["level"] or NOT_TOLD)))
            return self._hush() if len(self._held) >= MOST_HELD else ()
        note = NOTE.match(line)
        if note:
            return self._note(note[1].decode())
        if INVENTORY.match(line):
            return (Rejected("line", frame=True),)
        return self._answer(line, now_ms=now_ms)

    def _note(self, text: str) -> list[Report]:
        """Take what an inventory says besides tags; the end of a round settles what was held."""
        ended = ROUND.match(text)
        if not ended:
            if not NOBODY.match(text):
                self._trouble = text if SPELLED.fullmatch(text) else "trouble"
            return []
        antenna = int(ended[1])
        reports = self._release(antenna)
        if self._trouble:
            reports.append(Info("antenna", self._trouble, antenna))
        elif not reports and self._reading:
            reports.append(Empty(antenna))
        self._trouble = ""
        return reports

    def _hush(self) -> Sequence[Report]:
        """Settle what was held without word of its antenna: it can only be the one that is used."""
        if not self._several:
            return self._release(self._settings.antennas[0].number)
        lost = [Rejected("antenna", frame=True)] * len(self._held)
        self._held.clear()
        return lost

    def _release(self, antenna: int) -> list[Report]:
        reports: list[Report] = [
            self._tag(epc, antenna=antenna, level=level) for epc, level in self._held
        ]
        self._held.clear()
        return reports

    def _answer(self, line: bytes, *, now_ms: int) -> Sequence[Report]:
        """Take a line of an answer: an echo, what was asked for, or the answer's end."""
        step = self._step
        if line.startswith(b"AT"):
            self._echo = line
        elif line.startswith(b"+") and not line.startswith(UNASKED):
            self._said = [*self._said[-MOST_SAID:], line.decode()]
        elif line == b"OK":
            held = self._hush()
            if step is not None and step.command in (self._echo, ECHO):
                return [*held, *self._obeyed(step, now_ms=now_ms)]
            return held
        elif line == b"ERROR" and self._is_ours(step):
            if step is not None:
                return self._refuse(now_ms)
            if self._reading:
                return self._rest(Info("refused", "inventory"), now_ms=now_ms)
        return ()

    def _is_ours(self, step: Step | None) -> bool:
        """Tell whether an error answers the command that waits, not one sent twice, or noise."""
        if step is not None and step.command == ECHO:
            return False
        if not self._said:
            return True
        asked = step.command if step else b"AT+CMINV" if self._several else b"AT+CINV"
        name = re.match(rb"AT\+?([A-Z0-9]*)", asked)
        assert name is not None
        return self._said[-1].startswith((f"+{name[1].decode()}: ", "+ERR: "))

    def _obeyed(self, step: Step, *, now_ms: int) -> list[Report]:
        """Go on; a query's answer tells what is to be set."""
        if step.command == b"ATI":
            named = [one[1] for one in map(NAMED.fullmatch, self._said) if one]
            return [Info("module", ", ".join(named[:2])), *self._next(now_ms)]
        if not step.command.endswith(b"?"):
            return self._next(now_ms)
        said = [line.partition(": ")[2] for line in self._said]
        values = said[0].split(",") if said else []
        wanted = self._wanted(step.command, values)
        if wanted is None:
            return self._rest(Info("refused", step.sets), now_ms=now_ms)
        if values == wanted:
            return self._next(now_ms)
        order = step.command[:-1] + b"=" + ",".join(wanted).encode()
        return self._next(now_ms, first=(Step(order, step.sets),))

    def _wanted(self, query: bytes, values: list[str]) -> list[str] | None:
        """Give what a setting should be, of as many values as it has; none if it can't be."""
        settings = self._settings
        if query == b"AT+REG?":
            known = REGIONS.get(settings.region, ())
            return values if values and values[0] in known else list(known[:1]) or None
        if query == b"AT+PWR?":
            return self._powers(max(1, len(values)))
        return list(REPORT[: max(SHORTEST_REPORT, len(values))])

    def _powers(self, ports: int) -> list[str] | None:
        """Give each port's power; none if the reader can't have it so."""
        settings = self._settings
        used = {settings.power_at(antenna.number) for antenna in settings.antennas}
        every = [settings.power_at(n + 1) for n in range(ports)] if ports > 1 else sorted(used)
        if len(every) != ports or not all(float(power).is_integer() for power in every):
            return None
        return [f"{power:.0f}" for power in every]
