"""CPU a reader costs: driver and item events at 400 reads a second, the serial line's ceiling.

    .venv/bin/python tests/bench/bench_reader.py

prints, per stage, microseconds a read and the share of one core at 400 reads a second.
"""

from __future__ import annotations

import random
import sys
import time

from edge.rfid.driver import Read, Settings
from edge.rfid.drivers.m100 import M100
from edge.rfid.epc import ProductClasses
from edge.rfid.framing import gen2_crc
from edge.rfid.items import ItemParams, Items, Place
from edge.rfid.reads import TagRead

RATE = 400
SECONDS = 100
TAGS = 60
PIECE = 240
"""Bytes in one piece: what 25 ms bring."""


def notice(epc: bytes, rssi: int) -> bytes:
    """Give a tag notice's frame."""
    params = bytes((rssi & 0xFF,)) + b"\x30\x00" + epc
    params += gen2_crc(params[1:]).to_bytes(2, "big")
    body = b"\x02\x22" + len(params).to_bytes(2, "big") + params
    return b"\xbb" + body + bytes((sum(body) & 0xFF, 0x7E))


def main() -> None:
    """Measure and print."""
    rng = random.Random(1)
    head = bytes.fromhex("3074257BF7194E4000")
    epcs = [head + n.to_bytes(3, "big") for n in range(TAGS)]
    stream = b"".join(
        notice(rng.choice(epcs), rng.randrange(-60, -40)) for _ in range(RATE * SECONDS)
    )
    driver = M100(Settings("EU", 20.0), classes=ProductClasses(bytes(32)), now_ms=0)
    begun = time.process_time()
    heard = [
        (at * 1000 // (24 * RATE), report)
        for at in range(0, len(stream), PIECE)
        for report in driver.feed(stream[at : at + PIECE], now_ms=at)
        if isinstance(report, Read)
    ]
    _tell("driver", begun, reads=len(heard))
    items = Items(ItemParams(), {"r": Place("aisle-1", "shelf")})
    begun = time.process_time()
    for scene_ms, one in heard:
        items.feed(TagRead(scene_ms, "r", 1, one.product_class, one.tag, one.rssi_dbm))
    _tell("items", begun, reads=len(heard))


def _tell(stage: str, begun: float, *, reads: int) -> None:
    spent = time.process_time() - begun
    each_us, share = 1e6 * spent / reads, spent / reads * RATE
    sys.stdout.write(f"{stage}: {each_us:.0f} us a read, {share:.1%} of a core at {RATE}/s\n")


if __name__ == "__main__":
    main()
