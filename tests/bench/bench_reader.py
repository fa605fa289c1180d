"""CPU a reader costs at 400 reads a second, the serial line's ceiling.

    .venv/bin/python tests/bench/bench_reader.py

prints, per stage, microseconds a read and the share of one core at that rate; then what a whole
process costs that reads a pty at that rate: thread, wake-ups and system calls (getrusage).
"""

from __future__ import annotations

import random
import resource
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from edge.rfid.driver import Read, Settings
from edge.rfid.drivers import candidates
from edge.rfid.drivers.m100 import M100
from edge.rfid.epc import ProductClasses
from edge.rfid.framing import gen2_crc
from edge.rfid.items import ItemParams, Items, Place
from edge.rfid.reader_io import Reader
from edge.rfid.reads import Alive, TagRead
from firmware_sim import m100 as firmware
from firmware_sim.pty_io import SerialPort
from firmware_sim.radio import Reply, Round
from firmware_sim.radio import Settings as Asked

RATE = 400
SECONDS = 100
TAGS = 60
PIECE = 240
"""Bytes in one piece: what 25 ms bring."""
LIVE_S = 20.0
HEAD = bytes.fromhex("3074257BF7194E4000")
EPCS = [HEAD + n.to_bytes(3, "big") for n in range(TAGS)]


def notice(epc: bytes, rssi: int) -> bytes:
    """Give a tag notice's frame."""
    params = bytes((rssi & 0xFF,)) + b"\x30\x00" + epc
    params += gen2_crc(params[1:]).to_bytes(2, "big")
    body = b"\x02\x22" + len(params).to_bytes(2, "big") + params
    return b"\xbb" + body + bytes((sum(body) & 0xFF, 0x7E))


def main() -> None:
    """Measure and print."""
    rng = random.Random(1)
    stream = b"".join(
        notice(rng.choice(EPCS), rng.randrange(-60, -40)) for _ in range(RATE * SECONDS)
    )
    driver = M100(Settings("EU", 20.0), classes=ProductClasses(bytes(32)), now_ms=0)
    begun = time.process_time()
    heard = [
        (at * 1000 // (24 * RATE), report)
        for at in range(0, len(stream), PIECE)
        for report in driver.feed(stream[at : at + PIECE], now_ms=at)
        if isinstance(report, Read)
    ]
    _tell("driver", time.process_time() - begun, reads=len(heard))
    items = Items(ItemParams(), {"r": Place("aisle-1", "shelf")})
    begun = time.process_time()
    for scene_ms, one in heard:
        items.feed(TagRead(scene_ms, "r", 1, one.product_class, one.tag, one.rssi_dbm))
    _tell("items", time.process_time() - begun, reads=len(heard))
    with tempfile.TemporaryDirectory() as folder:
        link = Path(folder) / "reader"
        with subprocess.Popen(
            [sys.executable, __file__, str(link)], stdin=subprocess.PIPE
        ) as module:
            try:
                spent, reads = live(link)
            finally:
                module.communicate()
    _tell(f"process on a pty, {reads / LIVE_S:.0f} reads/s", spent, reads=reads)


def live(link: Path) -> tuple[float, int]:
    """Give this process's user and system seconds while it reads, and how many reads."""
    heard = 0

    def sink(found: list[TagRead | Alive]) -> None:
        nonlocal heard
        heard += len(found)

    known = candidates(
        Settings("EU", 20.0), classes=ProductClasses(bytes(32)), family="m100", baud=115_200
    )
    reader = Reader(
        "bench", str(link), candidates=known, sink=sink, scene_ms=_now_ms, wall_ms=_now_ms
    )
    while not link.exists():
        time.sleep(0.1)
    reader.start()
    while not heard:
        time.sleep(0.1)
    before, had = _spent(), heard
    time.sleep(LIVE_S)
    spent, reads = _spent() - before, heard - had
    reader.close()
    return spent, reads


def serve(link: Path) -> None:
    """Be a module that hears a tag every 2.5 ms, until standard input ends."""

    def air(now_ms: int, _asked: Asked) -> Round:
        replies = tuple(
            Reply(now_ms + n * 1000 // RATE, EPCS[n % TAGS], -50) for n in range(RATE // 5)
        )
        return Round(end_ms=now_ms + 200 - 8, replies=replies)

    with SerialPort(
        link,
        firmware=firmware.M100(air),
        scene_s=time.monotonic,
        speed=1.0,
        lock=threading.Lock(),
    ):
        sys.stdin.read()


def _now_ms() -> int:
    return time.monotonic_ns() // 1_000_000


def _spent() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _tell(stage: str, spent: float, *, reads: int) -> None:
    each_us, share = 1e6 * spent / reads, spent / reads * RATE
    sys.stdout.write(f"{stage}: {each_us:.0f} us a read, {share:.1%} of a core at {RATE}/s\n")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        serve(Path(sys.argv[1]))
    else:
        main()
