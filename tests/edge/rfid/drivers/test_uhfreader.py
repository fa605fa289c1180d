"""What a UHFReader's driver sets, and in which order."""

from __future__ import annotations

import pytest

from edge.rfid.driver import Region, Settings
from edge.rfid.drivers.uhfreader import UhfReader
from edge.rfid.epc import ProductClasses
from firmware_sim import uhfreader as firmware
from firmware_sim.radio import Round
from firmware_sim.radio import Settings as Asked


def nobody(now_ms: int, _asked: Asked) -> Round:
    return Round(end_ms=now_ms + 50, replies=())


@pytest.mark.parametrize(
    ("region", "lowest_mhz", "highest_mhz"),
    [("EU", 865.7, 867.5), ("US", 902.75, 927.25), ("CN900", 920.125, 924.875)],
)
def test_no_frequency_outside_the_region_is_set(
    region: Region, lowest_mhz: float, highest_mhz: float
) -> None:
    reader = firmware.UhfReader((nobody,))
    driver = UhfReader(Settings(region, 20.0), classes=ProductClasses(bytes(32)), now_ms=0)
    said = b""
    band = b""
    for now_ms in range(0, 4000, 10):
        driver.feed(said, now_ms=now_ms)
        driver.advance(now_ms)
        command = driver.outgoing()
        band = command[3:5] if command[2:3] == b"\x22" else band
        said = reader.feed(command, now_ms=now_ms)
    highest, lowest = band
    code = highest >> 6 << 2 | lowest >> 6
    first_mhz, step_mhz = {1: (920.125, 0.25), 2: (902.75, 0.5), 4: (865.1, 0.2)}[code]
    assert first_mhz + step_mhz * (lowest & 0x3F) == pytest.approx(lowest_mhz)
    assert first_mhz + step_mhz * (highest & 0x3F) == pytest.approx(highest_mhz)
