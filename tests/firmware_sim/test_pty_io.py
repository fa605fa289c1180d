import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import serial

from firmware_sim.pty_io import SerialPort, _Line
from firmware_sim.run import Simulation
from firmware_sim.store import default_store

INFO = bytes.fromhex("BB0003000100047E")
POLL = bytes.fromhex("BB0027000322FFFF4A7E")
STOP = bytes.fromhex("BB00280000287E")


class Cranked:
    """A scene clock that runs on its own, five times as fast."""

    def __init__(self) -> None:
        self._start = time.monotonic()

    def scene_s(self) -> float:
        return 5 * (time.monotonic() - self._start)


@pytest.fixture
def port(tmp_path: Path) -> Iterator[SerialPort]:
    simulation = Simulation(default_store())
    with SerialPort(
        tmp_path / "reader",
        firmware=simulation.reader("toys"),
        scene_s=Cranked().scene_s,
        speed=5.0,
        lock=threading.Lock(),
    ) as made:
        yield made


def talk(link: Path, data: bytes, *, until: bytes) -> bytes:
    with serial.Serial(str(link), 115_200, timeout=0.05) as host:
        host.write(data)
        got = b""
        for _ in range(100):
            got += host.read(4096)
            if until in got:
                return got
    raise AssertionError(f"no {until.hex()} in {len(got)} bytes")


def test_a_host_talks_to_the_module(port: SerialPort, tmp_path: Path) -> None:
    assert b"M100" in talk(tmp_path / "reader", INFO, until=b"\x7e")
    assert talk(tmp_path / "reader", POLL, until=b"\xbb\x02\x22\x00\x11").count(b"\xbb") >= 1
    talk(tmp_path / "reader", STOP, until=bytes.fromhex("BB01280001002A7E"))
    assert port.lost_bytes == 0


def ask_ten_times(host: serial.Serial) -> None:
    for _ in range(10):
        host.write(INFO)
        host.read(16)


def test_pulling_the_cable_fails_an_open_port_and_putting_it_back_mends(
    port: SerialPort, tmp_path: Path
) -> None:
    link = tmp_path / "reader"
    with serial.Serial(str(link), 115_200, timeout=0.2) as host:
        port.unplug()
        assert not os.path.lexists(link)
        with pytest.raises((serial.SerialException, OSError)):
            ask_ten_times(host)
    port.replug()
    assert b"M100" in talk(link, INFO, until=b"\x7e")


def test_the_path_is_gone_afterwards(port: SerialPort, tmp_path: Path) -> None:
    port.close()
    assert list(tmp_path.iterdir()) == []


def test_what_is_not_a_link_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "reader").write_text("somebody's")
    with pytest.raises(FileExistsError, match="is not a link"):
        SerialPort(
            tmp_path / "reader",
            firmware=Simulation(default_store()).reader("toys"),
            scene_s=Cranked().scene_s,
            speed=5.0,
            lock=threading.Lock(),
        )
    assert (tmp_path / "reader").read_text() == "somebody's"


def test_a_line_is_no_faster_than_its_baud_rate() -> None:
    line = _Line()
    line.take(baud=9600, scene_s=1.0)
    line.put(bytes(480), baud=9600)
    assert len(line.take(baud=9600, scene_s=1.1)) <= 97
    sent = sum(len(line.take(baud=9600, scene_s=1.1 + n / 100)) for n in range(1, 60))
    assert sent >= 380
    line.put(bytes(1000), baud=9600)
    assert line.lost == 520
