"""Bytes to reads: each family's driver against the clients of others, and through a full pty.

    .venv/bin/python tests/bench/bench_decode.py

prints frames (or lines) a second of processor time, ours with hash and product class, and of
whichever peers are installed, then ours behind a terminal that is always full. A serial line
carries at most 480 frames a second.
"""

from __future__ import annotations

import asyncio
import importlib.util
import os
import pty
import random
import subprocess
import sys
import tempfile
import time
import tty
from collections.abc import Callable
from pathlib import Path

import serial

from edge.rfid.driver import Settings
from edge.rfid.drivers import FAMILIES
from edge.rfid.epc import ProductClasses, product_class
from edge.rfid.framing import gen2_crc, mcrf4xx_crc
from edge.rfid.reader_io import BUSY_BYTES, _gather

COUNT = 20_000
TAGS = 60
PIECE = 1024
"""Bytes at a time, as a busy line's buffer gives them."""
HEAD = bytes.fromhex("3074257BF7194E4000")


def m100(epc: bytes, rssi: int, *, ends: str = "BB7E") -> bytes:
    """Give a tag notice."""
    head, tail = bytes.fromhex(ends)
    params = bytes((rssi & 0xFF,)) + b"\x30\x00" + epc
    params += gen2_crc(params[1:]).to_bytes(2, "big")
    body = b"\x02\x22" + len(params).to_bytes(2, "big") + params
    return bytes((head,)) + body + bytes((sum(body) & 0xFF, tail))


def uhfreader(epc: bytes, rssi: int) -> bytes:
    """Give an answer with one tag."""
    body = bytes((21, 0, 1, 3, 1, 1, 12)) + epc + bytes((rssi & 0x7F,))
    return body + mcrf4xx_crc(body).to_bytes(2, "little")


def metratec(epc: bytes, rssi: int) -> bytes:
    """Give a tag's line; its antenna comes with the driver's next round."""
    return b"+CINV: " + epc.hex().upper().encode() + b",%d\r" % rssi


MAKERS: dict[str, Callable[[bytes, int], bytes]] = {
    "m100": m100,
    "uhfreader": uhfreader,
    "metratec": metratec,
}


def tags() -> list[tuple[bytes, int]]:
    """Draw which tags answer, and how loud."""
    rng = random.Random(1)
    epcs = [HEAD + n.to_bytes(3, "big") for n in range(TAGS)]
    return [(rng.choice(epcs), rng.randrange(-60, -40)) for _ in range(COUNT)]


def stream(name: str) -> bytes:
    """Give a family's bytes for them; a Metratec ends a round now and then."""
    end = b"+CINV: <ROUND FINISHED, ANT=1>\r\n"
    pieces = [MAKERS[name](epc, rssi) for epc, rssi in tags()]
    if name == "metratec":
        pieces = [one + (end if n % TAGS == TAGS - 1 else b"") for n, one in enumerate(pieces)]
        pieces.append(end)
    return b"".join(pieces)


def ours(name: str, data: bytes) -> float:
    """Give processor seconds for all reads."""
    driver = FAMILIES[name].driver(
        Settings("EU", 20.0), classes=ProductClasses(bytes(32)), now_ms=0
    )
    begun = time.process_time()
    heard = 0
    for at in range(0, len(data), PIECE):
        heard += len(driver.feed(data[at : at + PIECE], now_ms=0))
    spent = time.process_time() - begun
    if heard != COUNT:
        raise SystemExit(f"{name}: {heard} of {COUNT} reads")
    return spent


def chafon(data: bytes) -> float | None:
    """Give processor seconds of ``wabson.chafon-rfid`` over the same frames."""
    if importlib.util.find_spec("chafon_rfid") is None:
        return None
    from chafon_rfid.uhfreader288m import G2InventoryResponse  # noqa: PLC0415 - if it is there

    begun = time.process_time()
    heard = sum(1 for _ in G2InventoryResponse(bytearray(data)).get_tag())
    spent = time.process_time() - begun
    return spent if heard == COUNT else None


def metratec_sdk(data: bytes) -> float | None:
    """Give processor seconds of ``metratec-rfid`` from a line's bytes to its callback."""
    if importlib.util.find_spec("metratec_rfid") is None:
        return None
    from metratec_rfid import PulsarLR  # noqa: PLC0415 - if it is there

    async def read() -> tuple[float, int]:
        reader = PulsarLR("peer", "/dev/null")
        reader._config["inventory"] = {"with_tid": False, "with_rssi": True}
        reader._handle_data = reader._data_received
        line = reader._connection

        class Ending(asyncio.StreamReader):
            async def read(self, n: int = -1) -> bytes:
                piece = await super().read(n)
                if not piece:
                    line._writer, line._is_started = None, False
                return piece

        line._reader, line._writer, line._is_started = Ending(), object(), True
        line._reader.feed_data(data)
        line._reader.feed_eof()
        heard = 0

        def count(found: list[object]) -> None:
            nonlocal heard
            heard += len(found)

        reader.set_cb_inventory(count)
        begun = time.process_time()
        await line._work()
        return time.process_time() - begun, heard

    spent, heard = asyncio.run(read())
    return spent if heard == COUNT else None


def r200(_data: bytes) -> float | None:
    """Give processor seconds of ``rfid-r200`` (Python 3.12 on) over the same frames."""
    if importlib.util.find_spec("rfid_r200") is None:
        return None
    from rfid_r200 import R200  # noqa: PLC0415 - if it is there

    frames = b"".join(m100(epc, rssi, ends="AADD") for epc, rssi in tags())
    peer = R200.__new__(R200)
    peer.debug = False
    begun = time.process_time()
    heard = 0
    for at in range(0, len(frames), 24 * 40):
        answers = peer._parse_buffer(bytearray(frames[at : at + 24 * 40]))
        peer._read_tags(answers)
        heard += len(answers)
    spent = time.process_time() - begun
    return spent if heard == COUNT else None


PEERS: dict[str, tuple[str, Callable[[bytes], float | None]]] = {
    "m100": ("rfid-r200", r200),
    "uhfreader": ("wabson.chafon-rfid", chafon),
    "metratec": ("metratec-rfid", metratec_sdk),
}


def saturated(name: str, data: bytes) -> tuple[float, float, float, int]:
    """Read a pty that another process keeps full.

    Returns:
        seconds from the first byte on; of these, waited for a core that others had; our processor
        seconds, system calls included; and reads lost.
    """
    host, device = pty.openpty()
    tty.setraw(device)
    driver = FAMILIES[name].driver(
        Settings("EU", 20.0), classes=ProductClasses(bytes(32)), now_ms=0
    )
    heard = 0
    with (
        serial.Serial(os.ttyname(device), 115_200, timeout=5.0) as line,
        tempfile.TemporaryFile() as file,
    ):
        file.write(data)
        file.seek(0)
        with subprocess.Popen(["cat"], stdin=file, stdout=host):
            piece = line.read(1)
            taken = len(piece)
            begun, worked, waited = time.monotonic(), time.thread_time(), _waited()
            while taken < len(data):
                heard += len(driver.feed(piece, now_ms=0))
                piece = _gather(line, busy=len(piece) >= BUSY_BYTES)
                taken += len(piece)
            heard += len(driver.feed(piece, now_ms=0))
            spent, worked = time.monotonic() - begun, time.thread_time() - worked
            waited = _waited() - waited
    os.close(host)
    os.close(device)
    return spent, waited, worked, COUNT - heard


def _waited() -> float:
    """Give seconds for which this thread could have run, but others had the cores."""
    return int(Path("/proc/thread-self/schedstat").read_text().split()[1]) / 1e9


def main() -> None:
    """Measure and print."""
    for name, (peer, theirs) in PEERS.items():
        data = stream(name)
        mine, other = ours(name, data), theirs(data)
        for _ in range(4):  # in turn, so that neither has the quieter machine
            mine = min(mine, ours(name, data))
            other = min(other, theirs(data) or other) if other else None
        told = f"{peer} {COUNT / other / 1000:.0f} k" if other else f"{peer} not installed"
        wall, waited, worked, lost = min(saturated(name, data) for _ in range(3))
        sys.stdout.write(
            f"{name}: {COUNT / mine / 1000:.0f} k reads/s ({told}), at 400/s "
            f"{400 * mine / COUNT:.2%} of a core; saturated pty {COUNT / wall / 1000:.0f} k/s "
            f"({waited / wall:.0%} of it without a core), "
            f"{COUNT / worked / 1000:.0f} k per second of our processor time, {lost} lost\n"
        )
    begun = time.process_time()
    for n in range(100_000):
        product_class(HEAD + n.to_bytes(3, "big"))
    plain = time.process_time() - begun
    classes = ProductClasses(bytes(32))
    begun = time.process_time()
    for n in range(100_000):
        classes.read(HEAD + n.to_bytes(3, "big"))
    sys.stdout.write(
        f"SGTIN-96 to class, 100 k: {plain:.2f} s; with keyed hash, as a reader's are: "
        f"{time.process_time() - begun:.2f} s\n"
    )


if __name__ == "__main__":
    main()
