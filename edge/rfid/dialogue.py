"""What all families have in common: a reader is set up one command at a time, then reads.

A family says which commands set its reader up, how a command is written, and what a frame means.
Time-outs, repetition, silence and starting anew are here, once.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto

from edge.rfid.driver import Info, Read, Rejected, Report, Settings
from edge.rfid.epc import ProductClasses, Unread
from edge.rfid.framing import Broken, Rule, Splitter

NO_CLASS = {why: Rejected(why.value, frame=False) for why in Unread}


@dataclass(frozen=True, slots=True)
class Step:
    """One command of the start-up.

    Attributes:
        command: without its frame.
        sets: what it sets, for people.
        needed: whether the reader must obey; if it refuses, nothing is sent on air.
        tries: how often it is sent before the reader counts as silent.
        skip: go on after these tries all the same: not every model knows the command.
    """

    command: bytes
    sets: str
    needed: bool = True
    tries: int = 3
    skip: bool = False


@dataclass(frozen=True, slots=True)
class Timing:
    """When patience ends, wall milliseconds.

    Attributes:
        answer_ms: to a command; with three tries, what known clients use.
        idle_ms: line silence after which an unfinished frame is given up. UHFReader's manual says
            15 ms between bytes of a frame, but USB adapters hold bytes back for 16 ms and a busy
            box for longer; a frame behind an unfinished one is only late until then, not lost.
        quiet_ms: without any frame while reading; then the reader is set up anew, for it may have
            restarted, with another region.
        rest_ms: between a start that failed and the next.
    """

    answer_ms: int = 500
    idle_ms: int = 100
    quiet_ms: int = 1000
    rest_ms: int = 2000


class _State(Enum):
    RESTING = auto()
    STARTING = auto()
    READING = auto()


class Dialogue(ABC):
    """A driver, but for what differs between families (the abstract methods)."""

    def __init__(
        self,
        rule: Rule,
        *,
        settings: Settings,
        classes: ProductClasses,
        now_ms: int,
        timing: Timing,
    ) -> None:
        self._settings = settings
        self._timing = timing
        self._splitter = Splitter(rule)
        self._classes = classes
        self._out = bytearray()
        self._state = _State.RESTING
        self._todo: list[Step] = []
        self._tries = 0
        self._fed_ms = now_ms
        self._at_ms = now_ms

    # ---- for the shell: edge.rfid.driver.Driver ----------------------------------------------

    def feed(self, data: bytes, *, now_ms: int) -> list[Report]:
        """Take bytes the reader sent."""
        reports = self._settle(now_ms)
        self._fed_ms = now_ms
        self._sort(self._splitter.feed(data), reports, now_ms=now_ms)
        return reports

    def advance(self, now_ms: int) -> list[Report]:
        """Let time pass."""
        reports = self._settle(now_ms)
        if now_ms >= self._at_ms:
            reports += self._overdue(now_ms)
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

    @abstractmethod
    def farewell(self) -> bytes:
        """Give the bytes that stop the reader."""

    # ---- what differs between families -------------------------------------------------------

    @abstractmethod
    def _start_up(self) -> Sequence[Step]:
        """Give the commands that set a reader up, all that was learnt of it forgotten."""

    @abstractmethod
    def _spell(self, step: Step, *, attempt: int) -> bytes:
        """Give a command as it goes over the line."""

    @abstractmethod
    def _begin(self, now_ms: int) -> None:
        """Order the inventory: the reader is set up."""

    @abstractmethod
    def _take(self, frame: bytes, *, now_ms: int) -> Sequence[Report]:
        """Say what a sound frame means."""

    def _hush(self) -> Sequence[Report]:
        """Give what was held back: nothing more will come of what it waited for."""
        return ()

    # ---- what families use -------------------------------------------------------------------

    @property
    def _reading(self) -> bool:
        return self._state is _State.READING

    @property
    def _step(self) -> Step | None:
        """The command that waits for its answer."""
        return self._todo[0] if self._state is _State.STARTING else None

    def _next(self, now_ms: int, *, first: Sequence[Step] = ()) -> list[Report]:
        """Take the step's answer as good and go on, with other steps first if there are any."""
        self._todo[:1] = first
        return self._say(now_ms)

    def _refuse(self, now_ms: int) -> list[Report]:
        """Take the step's answer as a refusal: go on if it was not needed, else rest."""
        step = self._todo[0]
        if not step.needed:
            return self._next(now_ms)
        return self._rest(Info("refused", step.sets), now_ms=now_ms)

    def _tag(self, epc: bytes, *, antenna: int, level: int) -> Read | Rejected:
        """Turn a tag's reply into product class and hash."""
        found = self._classes.product_class(epc)
        if isinstance(found, Unread):
            return NO_CLASS[found]
        return Read(antenna, found, self._classes.tag(epc), level)

    def _wait(self, span_ms: int, *, now_ms: int) -> None:
        """Be patient for so long from now."""
        self._at_ms = now_ms + span_ms

    def _restart(self, now_ms: int) -> list[Report]:
        """Set the reader up from the beginning."""
        held = self._hush()
        self._state = _State.STARTING
        self._todo = list(self._start_up())
        return [*held, *self._say(now_ms)]

    def _rest(self, why: Info, *, now_ms: int) -> list[Report]:
        self._state = _State.RESTING
        self._wait(self._timing.rest_ms, now_ms=now_ms)
        return [why]

    # ---- inner ------------------------------------------------------------------------------

    def _sort(self, found: list[bytes | Broken], reports: list[Report], *, now_ms: int) -> None:
        sound = False
        for one in found:
            if isinstance(one, bytes):
                sound = True
                reports += self._take(one, now_ms=now_ms)
            else:
                reports.append(Rejected(one.why, frame=True))
        if sound and self._state is _State.READING:
            self._at_ms = max(self._at_ms, now_ms + self._timing.quiet_ms)

    def _settle(self, now_ms: int) -> list[Report]:
        """Give up what is unfinished, if the line was silent for long enough."""
        reports: list[Report] = []
        if self._splitter.waiting and now_ms >= self._fed_ms + self._timing.idle_ms:
            self._sort(self._splitter.flush(), reports, now_ms=now_ms)
        return reports

    def _overdue(self, now_ms: int) -> list[Report]:
        if self._state is _State.RESTING:
            return self._restart(now_ms)
        if self._state is _State.READING:
            return [Info("reissued"), *self._restart(now_ms)]
        step = self._todo[0]
        if self._tries < step.tries:
            self._send(now_ms)
            return []
        if step.skip:
            return self._next(now_ms)
        return self._rest(Info("silent"), now_ms=now_ms)

    def _say(self, now_ms: int) -> list[Report]:
        self._tries = 0
        if self._todo:
            self._send(now_ms)
            return []
        self._state = _State.READING
        self._wait(self._timing.quiet_ms, now_ms=now_ms)
        self._begin(now_ms)
        return [Info("reading")]

    def _send(self, now_ms: int) -> None:
        self._out += self._spell(self._todo[0], attempt=self._tries)
        self._tries += 1
        self._wait(self._timing.answer_ms, now_ms=now_ms)
