"""A reader on a serial port, in a thread of its own: opens, reads, writes, comes back."""

from __future__ import annotations

import errno
import termios
import time
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import groupby

import serial

from edge.errors import DeviceError
from edge.rfid.driver import Driver, Empty, Info, Read, Rejected, Report
from edge.rfid.drivers import Candidate
from edge.rfid.reads import Alive, TagRead
from edge.rfid.source_io import Source

GATHER_S = 0.01
"""Bytes are gathered for this long after the first, so that a busy reader costs little CPU."""
BUSY_BYTES = 1024
"""After this many at once, nothing is waited for: a terminal holds 4 kB, and what does not fit is
lost. At 115,200 baud 115 come in that time."""
MOST_BYTES = 1 << 16
"""That many at once are enough, on a line that never pauses."""
LISTEN_S = 0.5
"""For an answer to a hello; known readers answer within a tenth of a second."""
PASSES = 2
"""Hellos to each candidate: a module asleep swallows the first, a scanning one may miss it."""
MOST_TEXT = 80
"""Characters of a module's own words that are shown."""
TURN_S = 0.05
"""Longest wait for bytes; bounds how late a time-out or the end is noticed."""
WRITE_S = 2.0
ALIVE_MS = 250
"""Empty rounds are passed on this often; an empty shelf has dozens a second. Scene time."""
BACK_OFF_S = (0.5, 1.0, 2.0, 5.0, 10.0)
SILENCES = 3
"""Starts that failed in a row, after which the port is opened anew: adapters wedge."""
LINE_ERRORS = (OSError, serial.SerialException, termios.error)
"""What a line that goes away raises; ``termios.error`` is no ``OSError``."""


class Reader(Source):
    """One reader; what it hears goes to ``sink``, called in its thread.

    Args:
        name: as configured.
        port: device path.
        candidates: what the line may be; of several, the one that answers is taken, at every
            opening.
        sink: takes reads in order, and word of rounds that heard nothing.
        scene_ms: clock that dates reads; asked once per piece of bytes.
        wall_ms: clock for time-outs.
        on_crash: takes what ends the thread unforeseen, in it; without it, Python prints that.
    """

    def __init__(
        self,
        name: str,
        port: str,
        *,
        candidates: Sequence[Candidate],
        sink: Callable[[list[TagRead | Alive]], None],
        scene_ms: Callable[[], int],
        wall_ms: Callable[[], int],
        on_crash: Callable[[BaseException], None] | None = None,
    ) -> None:
        super().__init__(name, on_crash=on_crash)
        self._port = port
        self._candidates = tuple(candidates)
        self._sink = sink
        self._scene_ms = scene_ms
        self._wall_ms = wall_ms
        self._module = ""
        self._unplugged: set[int] = set()
        self._busy = False
        self._alive_ms: dict[int, int] = {}
        self._counters: Counter[str] = Counter()

    @property
    def detail(self) -> str:
        """What is wrong; if nothing is, what the module says of itself."""
        if self._trouble or not self._unplugged:
            return self._trouble or self._module
        numbers = ", ".join(map(str, sorted(self._unplugged)))
        return f"antenna {numbers} seems unplugged; check its cable"

    def counters(self) -> dict[str, int]:
        """Give counts of the line's and module's faults; none depends on who or what passes."""
        return dict(self._counters)

    def _keep_open(self) -> None:
        failures = 0
        while not self._stop.is_set():
            try:
                chosen = self._choose()
                with open_port(self._port, baud=chosen.baud) as line:
                    self._serve(line, chosen)
            except DeviceError as error:
                lost = str(error)
            except LINE_ERRORS as error:
                lost = f"{self._port} was lost: {_reason(error)}; is it plugged in?"
            else:
                return
            failures = 0 if self.state == "up" else failures + 1
            self._is_down(lost)
            self._counters["reconnects"] += 1
            self._stop.wait(BACK_OFF_S[min(failures, len(BACK_OFF_S) - 1)])

    def _choose(self) -> Candidate:
        if len(self._candidates) == 1:
            return self._candidates[0]
        return detect(self._port, self._candidates, stop=self._stop.is_set)

    def _serve(self, line: serial.Serial, chosen: Candidate) -> None:
        """Carry bytes between line and driver until the end, or until the line seems wedged."""
        driver = chosen.driver(self._wall_ms())
        self._unplugged.clear()
        silences = 0
        while not self._stop.is_set():
            for report in self._turn(line, driver):
                if isinstance(report, Info):
                    silences = self._note(report, silences=silences)
                elif isinstance(report, Rejected) and report.frame:
                    self._counters["frames_rejected"] += 1
            if silences >= SILENCES:
                raise DeviceError(f"{self._port}: {self._trouble}")
        line.write(driver.farewell())

    def _turn(self, line: serial.Serial, driver: Driver) -> list[Report]:
        """Move what there is to move, once."""
        reports = []
        data = _gather(line, busy=self._busy)
        self._busy = len(data) >= BUSY_BYTES
        scene_ms, now_ms = self._scene_ms(), self._wall_ms()
        if data:
            reports += driver.feed(data, now_ms=now_ms)
        due_ms = driver.due_ms()
        if due_ms is not None and now_ms >= due_ms:
            reports += driver.advance(now_ms)
        out = driver.outgoing()
        if out:
            line.write(out)
        found = self._heard(reports, scene_ms=scene_ms)
        if found:
            self._sink(found)
        return reports

    def _heard(self, reports: list[Report], *, scene_ms: int) -> list[TagRead | Alive]:
        """Date reads; and, now and then, the antennas whose rounds were empty."""
        found: list[TagRead | Alive] = [
            _stamp(report, self.name, scene_ms) for report in reports if isinstance(report, Read)
        ]
        self._unplugged -= {one.antenna for one in reports if isinstance(one, Read | Empty)}
        for antenna in {report.antenna for report in reports if isinstance(report, Empty)}:
            if scene_ms >= self._alive_ms.get(antenna, scene_ms - ALIVE_MS) + ALIVE_MS:
                self._alive_ms[antenna] = scene_ms
                found.append(Alive(scene_ms, self.name, antenna))
        return found

    def _note(self, info: Info, *, silences: int) -> int:
        """Keep state and counters; give how often in a row the reader was silent."""
        if info.kind == "reading":
            self._is_up()
            return 0
        if info.kind == "module":
            self._module = _printable(info.text)
        if info.kind == "silent":
            self._counters["restarts"] += 1
            self._is_down("does not answer; check its power, cable and baud")
            return silences + 1
        if info.kind == "refused":
            self._counters["refused"] += 1
            self._is_down(f"refuses {info.text}; correct the configuration")
        elif info.kind in {"error", "reissued", "full", "antenna"}:
            self._counters[info.kind] += 1
            self._unplugged |= {info.antenna} if info.kind == "antenna" else set()
        return silences


def detect(
    port: str, candidates: Sequence[Candidate], *, stop: Callable[[], bool] = lambda: False
) -> Candidate:
    """Find out which reader is on a line, and at which speed.

    Raises:
        DeviceError: as ``open_port``; or none of them answers.
    """
    for _ in range(PASSES):
        for baud, group in groupby(candidates, key=lambda candidate: candidate.baud):
            if not stop():
                found = _hello(port, tuple(group), baud=baud)
                if found is not None:
                    return found
    speeds = ", ".join(str(baud) for baud in dict.fromkeys(one.baud for one in candidates))
    raise DeviceError(f"{port}: no reader answers at {speeds} baud; check its power and its cable")


def _hello(port: str, group: Sequence[Candidate], *, baud: int) -> Candidate | None:
    """Greet a line in the manner of each family; give the one whose words come back."""
    with open_port(port, baud=baud) as line:
        for candidate in group:
            line.write(candidate.family.hello)
            until_s = time.monotonic() + LISTEN_S
            answer = b""
            while time.monotonic() < until_s:
                answer += line.read(max(1, line.in_waiting))
                found = next((one for one in group if one.family.knows(answer)), None)
                if found is not None:
                    return found
    return None


def probe(port: str, *, candidates: Sequence[Candidate], wall_ms: Callable[[], int]) -> str:
    """Start a reader once and give its family, speed, and what its module says of itself.

    Raises:
        DeviceError: no such port, no permission, port in use or lost, no answer, a setting
            refused.
    """
    try:
        chosen = candidates[0] if len(candidates) == 1 else detect(port, candidates)
        with open_port(port, baud=chosen.baud) as line:
            said = _module(line, port=port, driver=chosen.driver(wall_ms()), wall_ms=wall_ms)
    except LINE_ERRORS as error:
        raise DeviceError(
            f"{port} was lost: {_reason(error)}; check that it is a reader's port, its cable and "
            "its power"
        ) from error
    return f"{chosen.name} at {chosen.baud} baud: {said}"


def _module(line: serial.Serial, *, port: str, driver: Driver, wall_ms: Callable[[], int]) -> str:
    """Start a module, stop it, and give its own words."""
    said = ""
    while True:
        reports = driver.feed(_gather(line), now_ms=wall_ms())
        reports += driver.advance(wall_ms())
        line.write(driver.outgoing())
        for info in (report for report in reports if isinstance(report, Info)):
            if info.kind == "module":
                said = _printable(info.text)
            elif info.kind == "reading":
                line.write(driver.farewell())
                return said
            elif info.kind == "refused":
                raise DeviceError(f"{port}: the reader refuses {info.text}; correct that setting")
            elif info.kind == "silent":
                raise DeviceError(
                    f"{port}: no answer at {line.baudrate} baud; check the reader's power, its "
                    "cable, and family and baud in the configuration"
                )


def _printable(text: str) -> str:
    """Keep a module's words to what a line on a screen bears."""
    return "".join(one for one in text if one.isprintable())[:MOST_TEXT]


def open_port(port: str, *, baud: int) -> serial.Serial:
    """Open a serial port for this program alone.

    Raises:
        DeviceError: names the port and the mend.
    """
    try:
        return serial.Serial(port, baud, timeout=TURN_S, write_timeout=WRITE_S, exclusive=True)
    except (*LINE_ERRORS, ValueError) as error:
        raise DeviceError(_mend(port, error)) from error


def _mend(port: str, error: Exception) -> str:
    code = error.args[0] if isinstance(error, termios.error) else getattr(error, "errno", None)
    if code == errno.ENOENT:
        return f"{port}: no such port; plug the reader in, or correct the port's name"
    if code in {errno.EACCES, errno.EPERM}:
        return f"{port}: permission denied; add this user to the group that owns it (dialout)"
    if code in {errno.EBUSY, errno.EAGAIN}:
        return f"{port}: in use by another program; stop that one"
    return f"{port}: cannot be opened as a serial port: {_reason(error)}; correct the port's name"


def _reason(error: Exception) -> str:
    if isinstance(error, termios.error):
        return str(error.args[-1]).lower()
    return (getattr(error, "strerror", None) or str(error)).lower()


def _gather(line: serial.Serial, *, busy: bool = False) -> bytes:
    """Wait for bytes, not long, and take all that come within a moment; of a busy line, at once."""
    data: bytes = line.read(max(1, line.in_waiting))
    if data and not busy:
        time.sleep(GATHER_S)
    while data and len(data) < MOST_BYTES and (waiting := line.in_waiting):
        data += line.read(waiting)
    return data


def _stamp(read: Read, reader: str, scene_ms: int) -> TagRead:
    return TagRead(scene_ms, reader, read.antenna, read.product_class, read.tag, read.rssi_dbm)
