"""A shop's wall with four antennas and tagged goods before each, on a serial line."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from firmware_sim.firmware import Firmware
from firmware_sim.goods import TagAt, sgtin96
from firmware_sim.pty_io import SerialPort
from firmware_sim.radio import Air, Flags, Radio, RadioParams

GTIN = "80614141123458"
APART_M = 6.0
"""Antennas this far apart do not hear each other's tags at 20 dBm."""

Plug = Callable[[Firmware], AbstractContextManager[str]]


@pytest.fixture(scope="session")
def shelves() -> tuple[tuple[TagAt, ...], ...]:
    """Eight tags before each of four antennas."""
    return tuple(
        tuple(
            TagAt(
                sgtin96(GTIN, serial=100 * shelf + n),
                APART_M * shelf + 0.1 * n,
                0.5,
                1.0,
                carried=False,
            )
            for n in range(8)
        )
        for shelf in range(4)
    )


@pytest.fixture
def airs(shelves: tuple[tuple[TagAt, ...], ...]) -> tuple[Air, ...]:
    """The fields of the four antennas: misses come in bursts, flags are shared."""
    tags = tuple(tag for shelf in shelves for tag in shelf)
    flags = Flags(RadioParams(), rng=np.random.default_rng(1))
    radios = [Radio((APART_M * n, 0.0, 1.0), seed=n, flags=flags) for n in range(4)]

    def air(radio: Radio) -> Air:
        return lambda now_ms, settings: radio.round(now_ms, tags=tags, bodies=(), settings=settings)

    return tuple(air(radio) for radio in radios)


@contextmanager
def plugged(link: Path, firmware: Firmware) -> Iterator[str]:
    begun_s = time.monotonic()
    with SerialPort(
        link,
        firmware=firmware,
        scene_s=lambda: time.monotonic() - begun_s,
        speed=1.0,
        lock=threading.Lock(),
    ):
        yield str(link)


@pytest.fixture
def plug(tmp_path: Path) -> Plug:
    """Put a firmware on a line; gives the port's path."""
    return partial(plugged, tmp_path / "reader")
