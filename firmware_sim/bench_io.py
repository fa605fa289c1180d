"""A reader alone on a table: its firmware on a pty, tags that rest, and a hand that pulls plugs."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

import numpy as np

from firmware_sim.firmware import firmware
from firmware_sim.goods import TagAt, sgtin96
from firmware_sim.pty_io import SerialPort
from firmware_sim.radio import Flags, Radio, RadioParams, Round, Settings
from firmware_sim.store import AntennaTable, ReaderTable

GTINS = ("04012345100013", "04012345100020", "04012345100037")
ABREAST_M = 0.08
"""Distance of two tags."""
AWAY_M = 0.5
"""Distance of the tags from their antenna."""


def run_reader(
    reader: ReaderTable,
    *,
    link: Path,
    tags: int,
    commands: Iterable[str],
    tell: Callable[[str], None],
    seed: int = 1,
) -> None:
    """Run a reader until ``commands`` end or one of them is ``end``.

    Args:
        reader: its family and antennas.
        link: path of its port.
        tags: before each antenna.
        commands: ``unplug``, ``plug``, ``off``, ``on``, ``end``, as they come.
        tell: takes what was done.
        seed: of all that is random.

    Raises:
        OSError: the port can't be made.
    """
    begun_s = time.monotonic()
    flags = Flags(RadioParams(), rng=np.random.default_rng(seed))
    lying = tuple(_lying(reader.antennas(), tags=tags))
    airs = [
        partial(_round, Radio(one.antenna, seed=seed + number, flags=flags), lying)
        for number, one in enumerate(reader.antennas())
    ]
    with SerialPort(
        link,
        firmware=firmware(reader, airs),
        scene_s=lambda: time.monotonic() - begun_s,
        speed=1.0,
        lock=threading.Lock(),
    ) as port:
        tell(f"{reader.family} at {link}, {reader.speed_baud()} baud, {len(lying)} tags")
        hand = {
            "unplug": port.unplug,
            "plug": port.replug,
            "off": port.power_off,
            "on": port.power_on,
        }
        for command in commands:
            word = command.strip()
            if word == "end":
                return
            if word in hand:
                hand[word]()
            tell(word if word in hand else f"{word!r} is none of {', '.join(hand)}, end")


def _lying(antennas: tuple[AntennaTable, ...], *, tags: int) -> Iterable[TagAt]:
    for number, one in enumerate(antennas):
        east_m, north_m, height_m = one.antenna
        for n in range(tags):
            epc = sgtin96(GTINS[n % len(GTINS)], serial=1000 * number + n)
            along_m = ABREAST_M * (n - tags / 2)
            yield TagAt(epc, east_m + along_m, north_m + AWAY_M, height_m, carried=False)


def _round(radio: Radio, lying: tuple[TagAt, ...], now_ms: int, settings: Settings) -> Round:
    return radio.round(now_ms, tags=lying, bodies=(), settings=settings)


def in_a_row(count: int, *, apart_m: float) -> tuple[tuple[float, float, float], ...]:
    """Give antennas side by side.

    >>> in_a_row(2, apart_m=0.5)
    ((0.0, 0.0, 1.0), (0.5, 0.0, 1.0))
    """
    return tuple((number * apart_m, 0.0, 1.0) for number in range(count))
