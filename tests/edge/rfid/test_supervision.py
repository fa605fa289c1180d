"""Every family's reader over a pty, through all that goes wrong with a cable in a shop."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from edge.errors import DeviceError
from edge.rfid.driver import Antenna, Settings
from edge.rfid.drivers import AUTO, FAMILIES, Candidate, candidates
from edge.rfid.epc import ProductClasses
from edge.rfid.reader_io import Reader, detect, probe
from edge.rfid.reads import Alive, TagRead
from firmware_sim.firmware import Firmware
from firmware_sim.goods import sgtin96
from firmware_sim.m100 import M100
from firmware_sim.metratec import Metratec
from firmware_sim.pty_io import SerialPort
from firmware_sim.radio import Air, Reply, Round
from firmware_sim.radio import Settings as Sent
from firmware_sim.uhfreader import UhfReader

Until = Callable[[Callable[[], bool]], None]


@dataclass
class Shelf:
    """Four tags that always answer; what they were asked with."""

    first: int
    sent: list[Sent] = field(default_factory=list)

    def __call__(self, now_ms: int, settings: Sent) -> Round:
        self.sent.append(settings)
        epcs = [sgtin96("80614141123458", serial=10 * self.first + n) for n in range(4)]
        replies = tuple(Reply(now_ms + 10 * n, epc, -50 - n) for n, epc in enumerate(epcs))
        return Round(end_ms=now_ms + 50, replies=replies)


FIRMWARES: dict[str, Callable[[tuple[Air, ...]], Firmware]] = {
    "m100": lambda airs: M100(airs[0]),
    "r200": lambda airs: M100(airs[0], envelope="AADD", baud=38_400),
    "uhfreader": UhfReader,
    "uhfreader18": lambda airs: UhfReader(airs[:1], model="18"),
    "ex10": lambda airs: UhfReader(airs[:1], model="ex10", baud=115_200, streams=True),
    "metratec": Metratec,
}
FAMILY = {"r200": "m100", "uhfreader18": "uhfreader", "ex10": "uhfreader"}
EVERY = pytest.mark.parametrize("name", list(FIRMWARES))
ONE_EACH = pytest.mark.parametrize("name", list(FAMILIES))


@dataclass
class Line:
    """A simulated reader and ours on one cable."""

    port: SerialPort
    reader: Reader
    shelves: tuple[Shelf, ...]
    found: list[TagRead | Alive]

    def reads(self) -> list[TagRead]:
        return [one for one in self.found if isinstance(one, TagRead)]


def wall_ms() -> int:
    return time.monotonic_ns() // 1_000_000


def known(
    *, family: str = AUTO, several: bool = False, power_dbm: float = 20.0
) -> tuple[Candidate, ...]:
    numbers = (1, 2) if several else (1,)
    settings = Settings("EU", power_dbm, tuple(Antenna(number) for number in numbers))
    return candidates(settings, classes=ProductClasses(bytes(32)), family=family)


@contextmanager
def on_line(link: Path, name: str, *, several: bool = False) -> Iterator[Line]:
    begun_s = time.monotonic()
    shelves = (Shelf(1), Shelf(2))
    found: list[TagRead | Alive] = []
    with SerialPort(
        link,
        firmware=FIRMWARES[name](shelves),
        scene_s=lambda: time.monotonic() - begun_s,
        speed=1.0,
        lock=threading.Lock(),
    ) as port:
        reader = Reader(
            "wall",
            str(link),
            candidates=known(several=several),
            sink=found.extend,
            scene_ms=wall_ms,
            wall_ms=wall_ms,
        )
        reader.start()
        try:
            yield Line(port, reader, shelves, found)
        finally:
            reader.close()


@pytest.fixture
def until() -> Until:
    def wait(met: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 40
        while not met():
            assert time.monotonic() < deadline, "it never came"
            time.sleep(0.01)

    return wait


@EVERY
def test_a_reader_is_recognised_set_up_and_read(tmp_path: Path, name: str, until: Until) -> None:
    with on_line(tmp_path / "reader", name) as line:
        until(lambda: len(line.reads()) >= 12 and line.reader.state == "up")
        assert line.reader.detail != ""
        assert "restarts" not in line.reader.counters()
        until(lambda: line.shelves[0].sent[-1].power_dbm == 20)
        assert line.shelves[0].sent[-1].session == 0
    assert len({read.tag for read in line.reads()}) == 4
    assert {read.antenna for read in line.reads()} == {1}


@pytest.mark.parametrize("name", ["uhfreader", "metratec"])
def test_tags_come_from_the_antenna_that_heard_them(
    tmp_path: Path, name: str, until: Until
) -> None:
    with on_line(tmp_path / "reader", name, several=True) as line:
        until(lambda: len(line.reads()) >= 24)
    found = {(read.antenna, read.tag) for read in line.reads()}
    assert sorted(antenna for antenna, _ in found) == [1] * 4 + [2] * 4
    assert len({tag for _, tag in found}) == 8


@ONE_EACH
def test_a_pulled_cable(tmp_path: Path, name: str, until: Until) -> None:
    with on_line(tmp_path / "reader", name) as line:
        until(lambda: len(line.reads()) > 0)
        line.port.unplug()
        until(lambda: line.reader.state == "down")
        heard = len(line.reads())
        line.port.replug()
        until(lambda: len(line.reads()) > heard and line.reader.state == "up")
        assert line.reader.counters()["reconnects"] >= 1


@ONE_EACH
def test_a_power_cut_is_followed_by_a_whole_set_up(tmp_path: Path, name: str, until: Until) -> None:
    with on_line(tmp_path / "reader", name) as line:
        until(lambda: len(line.reads()) > 0)
        line.port.power_off()
        until(lambda: line.reader.counters().get("reissued", 0) > 0)
        line.port.power_on()
        heard, asked = len(line.reads()), len(line.shelves[0].sent)
        until(lambda: len(line.reads()) > heard and line.reader.state == "up")
        assert {sent.power_dbm for sent in line.shelves[0].sent[asked:]} == {20}


@ONE_EACH
def test_a_silent_reader_is_down_and_comes_back(tmp_path: Path, name: str, until: Until) -> None:
    with on_line(tmp_path / "reader", name) as line:
        until(lambda: len(line.reads()) > 0)
        line.port.power_off()
        until(lambda: line.reader.state == "down")
        assert "does not answer" in line.reader.detail
        line.port.power_on()
        until(lambda: line.reader.state == "up")
        assert line.reader.counters()["restarts"] >= 1


@pytest.mark.parametrize(("name", "text"), [("uhfreader", "antenna 2"), ("metratec", "antenna 2")])
def test_an_unplugged_antenna_is_named_while_the_other_reads_on(
    tmp_path: Path, name: str, text: str, until: Until
) -> None:
    FIRMWARES["lame"] = lambda airs: FIRMWARES[name]((airs[0], None))  # type: ignore[arg-type]
    try:
        with on_line(tmp_path / "reader", "lame", several=True) as line:
            until(lambda: len(line.reads()) >= 12)
            until(lambda: text in line.reader.detail)
            assert line.reader.state == "up"
            assert line.reader.counters()["antenna"] >= 1
    finally:
        del FIRMWARES["lame"]


@pytest.mark.parametrize("name", ["m100", "r200", "uhfreader", "metratec"])
def test_detection_and_probe(tmp_path: Path, name: str) -> None:
    begun_s = time.monotonic()
    with SerialPort(
        tmp_path / "reader",
        firmware=FIRMWARES[name]((Shelf(1), Shelf(2))),
        scene_s=lambda: time.monotonic() - begun_s,
        speed=1.0,
        lock=threading.Lock(),
    ):
        found = detect(str(tmp_path / "reader"), known())
        assert found.name == FAMILY.get(name, name)
        said = probe(str(tmp_path / "reader"), candidates=known(), wall_ms=wall_ms)
        assert said.startswith(f"{found.name} at {found.baud} baud: ")
        with pytest.raises(DeviceError, match="refuses power_dbm 33"):
            probe(
                str(tmp_path / "reader"),
                candidates=known(power_dbm=33.0),
                wall_ms=wall_ms,
            )


def test_a_line_without_a_reader_is_said() -> None:
    host, device = os.openpty()
    try:
        with pytest.raises(DeviceError, match="no reader answers at 115200 baud; check"):
            detect(os.ttyname(device), known(family="metratec") * 2)
    finally:
        os.close(host)
        os.close(device)
