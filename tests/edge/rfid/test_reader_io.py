from __future__ import annotations

import itertools
import os
import pty
import termios
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from edge.errors import DeviceError
from edge.rfid.driver import Driver, Region, Settings
from edge.rfid.drivers import FAMILIES, Candidate, candidates
from edge.rfid.drivers.m100 import M100
from edge.rfid.epc import ProductClasses
from edge.rfid.reader_io import Reader, open_port, probe
from edge.rfid.reads import Alive, TagRead
from firmware_sim import m100 as firmware
from firmware_sim.goods import sgtin96
from firmware_sim.pty_io import SerialPort
from firmware_sim.radio import Reply, Round
from firmware_sim.radio import Settings as Air

EPCS = [sgtin96("80614141123458", serial=n) for n in range(1, 9)]


def wall_ms() -> int:
    return time.monotonic_ns() // 1_000_000


def nothing(now_ms: int, _air: Air) -> Round:
    return Round(end_ms=now_ms + 200, replies=())


def field(now_ms: int, _air: Air) -> Round:
    """Eight tags, all heard in every round of a fifth of a second."""
    replies = tuple(Reply(now_ms + 20 * n, epc, -50 - n) for n, epc in enumerate(EPCS))
    return Round(end_ms=now_ms + 200, replies=replies)


@contextmanager
def module(
    link: Path,
    *,
    envelope: firmware.Envelope = "BB7E",
    baud: int = 115_200,
    field: Callable[[int, Air], Round] = field,
) -> Iterator[SerialPort]:
    begun = time.monotonic()
    with SerialPort(
        link,
        firmware=firmware.M100(field, envelope=envelope, baud=baud),
        scene_s=lambda: time.monotonic() - begun,
        speed=1.0,
        lock=threading.Lock(),
    ) as port:
        yield port


def known(
    *, region: Region = "EU", power_dbm: float = 20.0, family: str = "m100"
) -> tuple[Candidate, ...]:
    classes = ProductClasses(bytes(range(32)))
    settings = Settings(region, power_dbm)
    return candidates(settings, classes=classes, family=family, baud=115_200)


def made(driver: Callable[[int], Driver]) -> tuple[Candidate, ...]:
    return (Candidate("m100", FAMILIES["m100"], 115_200, driver),)


@contextmanager
def reading(
    link: Path,
    sink: Callable[[list[TagRead | Alive]], None],
    *,
    candidates: tuple[Candidate, ...] | None = None,
    scene_ms: Callable[[], int] | None = None,
    on_crash: Callable[[BaseException], None] | None = None,
) -> Iterator[Reader]:
    ticks = itertools.count(1000)
    reader = Reader(
        "toys",
        str(link),
        candidates=candidates or known(),
        sink=sink,
        scene_ms=scene_ms or (lambda: next(ticks)),
        wall_ms=wall_ms,
        on_crash=on_crash,
    )
    reader.start()
    try:
        yield reader
    finally:
        reader.close()


@pytest.fixture
def until() -> Callable[[Callable[[], bool]], None]:
    def wait(met: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 30
        while not met():
            assert time.monotonic() < deadline, "it never came"
            time.sleep(0.01)

    return wait


@pytest.mark.parametrize("envelope", ["BB7E", "AADD"])
def test_reads_of_a_module_in_either_envelope(
    tmp_path: Path, envelope: firmware.Envelope, until: Callable[[Callable[[], bool]], None]
) -> None:
    found: list[TagRead | Alive] = []
    with (
        module(tmp_path / "reader", envelope=envelope),
        reading(tmp_path / "reader", found.extend) as reader,
    ):
        until(lambda: len(found) >= 40)
        assert reader.state == "up"
        assert reader.counters() == {}
    reads = [one for one in found if isinstance(one, TagRead)]
    assert {read.product_class for read in reads} == {"80614141123458"}
    assert len({read.tag for read in reads}) == len(EPCS)
    assert {read.rssi_dbm for read in reads} == set(range(-57, -49))
    times = [read.scene_ms for read in reads]
    assert times == sorted(times)
    assert {(read.reader, read.antenna) for read in reads} == {("toys", 1)}


def test_an_unplugged_reader_comes_back(
    tmp_path: Path, until: Callable[[Callable[[], bool]], None]
) -> None:
    reads: list[TagRead | Alive] = []
    with module(tmp_path / "reader") as port, reading(tmp_path / "reader", reads.extend) as reader:
        until(lambda: len(reads) > 0)
        port.unplug()
        until(lambda: reader.state == "down")
        assert str(tmp_path / "reader") in reader.detail
        heard = len(reads)
        port.replug()
        until(lambda: len(reads) > heard and reader.state == "up")
        assert reader.detail == "M100 26dBm V1.0"
        assert reader.counters()["reconnects"] >= 1


def test_a_port_that_is_not_there_is_tried_again(
    tmp_path: Path, until: Callable[[Callable[[], bool]], None]
) -> None:
    reads: list[TagRead | Alive] = []
    with reading(tmp_path / "reader", reads.extend) as reader:
        until(lambda: reader.state == "down")
        assert "no such port" in reader.detail
        with module(tmp_path / "reader"):
            until(lambda: len(reads) > 0)


def test_counters_tell_nothing_of_tags(
    tmp_path: Path, until: Callable[[Callable[[], bool]], None]
) -> None:
    reads: list[TagRead | Alive] = []
    with module(tmp_path / "reader"), reading(tmp_path / "reader", reads.extend) as reader:
        until(lambda: len(reads) > 50)
        assert set(reader.counters()) <= {
            "frames_rejected",
            "reconnects",
            "restarts",
            "refused",
            "error",
            "reissued",
            "full",
            "antenna",
        }


def test_probe_gives_the_modules_own_words(tmp_path: Path) -> None:
    with module(tmp_path / "reader"):
        assert probe(str(tmp_path / "reader"), candidates=known(), wall_ms=wall_ms) == (
            "m100 at 115200 baud: M100 26dBm V1.0"
        )


def test_probe_names_the_mend(tmp_path: Path) -> None:
    with pytest.raises(DeviceError, match=r"ttyNone: no such port; plug"):
        probe(str(tmp_path / "ttyNone"), candidates=known(), wall_ms=wall_ms)
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(DeviceError, match="cannot be opened as a serial port"):
        probe(str(tmp_path / "file"), candidates=known(), wall_ms=wall_ms)
    with module(tmp_path / "reader"):
        strong = known(power_dbm=33.0)
        with pytest.raises(DeviceError, match="refuses power_dbm 33; correct"):
            probe(str(tmp_path / "reader"), candidates=strong, wall_ms=wall_ms)


def test_probe_of_a_deaf_line() -> None:
    host, device = pty.openpty()
    try:
        with pytest.raises(DeviceError, match="no answer at 115200 baud"):
            probe(os.ttyname(device), candidates=known(), wall_ms=wall_ms)
    finally:
        os.close(host)
        os.close(device)


def test_a_port_in_use_is_said(tmp_path: Path) -> None:
    with (
        module(tmp_path / "reader"),
        open_port(str(tmp_path / "reader"), baud=115_200),
        pytest.raises(DeviceError, match="in use by another program"),
    ):
        open_port(str(tmp_path / "reader"), baud=115_200)


class Failing(M100):
    """A driver during whose work the line, or the driver itself, fails."""

    def __init__(self, error: Exception) -> None:
        super().__init__(Settings("EU", 20.0), classes=ProductClasses(bytes(32)), now_ms=0)
        self._error = error

    def outgoing(self) -> bytes:
        raise self._error


class Talking(Failing):
    """A driver that has a megabyte to say."""

    def __init__(self) -> None:
        super().__init__(ValueError())

    def outgoing(self) -> bytes:
        return bytes(1_000_000)


@pytest.fixture
def deaf() -> Iterator[Path]:
    host, device = pty.openpty()
    yield Path(os.ttyname(device))
    os.close(host)
    os.close(device)


def test_empty_rounds_say_now_and_then_that_the_reader_lives(
    tmp_path: Path, until: Callable[[Callable[[], bool]], None]
) -> None:
    found: list[TagRead | Alive] = []
    with (
        module(tmp_path / "reader", field=nothing),
        reading(tmp_path / "reader", found.extend, scene_ms=wall_ms),
    ):
        until(lambda: len(found) >= 3)
    assert {type(one) for one in found} == {Alive}
    times = [one.scene_ms for one in found]
    assert all(later - sooner >= 250 for sooner, later in itertools.pairwise(times))


def test_a_line_that_dies_in_the_terminals_own_way_is_lost_not_fatal(
    deaf: Path, until: Callable[[Callable[[], bool]], None]
) -> None:
    opened: list[int] = []

    def failing(now_ms: int) -> Driver:
        opened.append(now_ms)
        return Failing(termios.error(5, "Input/output error"))

    crashes: list[BaseException] = []
    with reading(deaf, lambda _: None, candidates=made(failing), on_crash=crashes.append) as reader:
        until(lambda: len(opened) >= 2)
        assert reader.state == "down"
        assert "was lost: input/output error" in reader.detail
    assert crashes == []


def test_what_nobody_foresaw_is_handed_over(
    deaf: Path, until: Callable[[Callable[[], bool]], None]
) -> None:
    bug = KeyError("ours")
    crashes: list[BaseException] = []
    with reading(
        deaf, lambda _: None, candidates=made(lambda _: Failing(bug)), on_crash=crashes.append
    ) as reader:
        until(lambda: crashes == [bug])
        assert reader.state == "down"


def test_a_sink_that_blocks_does_not_hold_up_the_end(tmp_path: Path) -> None:
    entered, free = threading.Event(), threading.Event()

    def sink(_: list[TagRead | Alive]) -> None:
        entered.set()
        free.wait()

    with module(tmp_path / "reader"):
        with reading(tmp_path / "reader", sink):
            assert entered.wait(30)
        free.set()


@pytest.mark.parametrize("error", [termios.error(5, "Input/output error"), OSError(5, "i/o")])
def test_probe_of_a_line_that_dies(deaf: Path, error: Exception) -> None:
    with pytest.raises(DeviceError, match=r"was lost: i.*check that it is a reader's port"):
        probe(str(deaf), candidates=made(lambda _: Failing(error)), wall_ms=wall_ms)


def test_probe_of_a_port_that_takes_nothing(deaf: Path) -> None:
    with pytest.raises(DeviceError, match="was lost: write timeout"):
        probe(str(deaf), candidates=made(lambda _: Talking()), wall_ms=wall_ms)


@pytest.mark.parametrize("port", ["/dev/tty\0", "/dev/\udc80"])
def test_probe_of_a_name_that_is_none(port: str) -> None:
    with pytest.raises(DeviceError, match="port"):
        probe(port, candidates=known(), wall_ms=wall_ms)
