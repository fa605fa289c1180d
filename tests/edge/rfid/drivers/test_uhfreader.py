"""What a UHFReader's driver sets, and in which order."""

from __future__ import annotations

import pytest

from edge.rfid.driver import NOT_TOLD, Antenna, Info, Read, Region, Rejected, Settings
from edge.rfid.drivers.uhfreader import UhfReader
from edge.rfid.epc import ProductClasses
from edge.rfid.framing import mcrf4xx_crc
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


EPC = bytes.fromhex("3074257BF7194E4000001A85")
TID = bytes(12)


def answer(hexes: str) -> bytes:
    """Frame an answer of reader 0; ``E`` stands for an EPC, ``T`` for a TID."""
    body = bytes.fromhex("00" + hexes.replace("E", EPC.hex()).replace("T", TID.hex()))
    framed = bytes([len(body) + 2]) + body
    return framed + mcrf4xx_crc(framed).to_bytes(2, "little")


@pytest.mark.parametrize(
    ("hexes", "found"),
    [
        ("01 03 01 01 0c E 40", [(1, 0x40)]),
        ("01 01 80 01 0c E 40", [(8, 0x40)]),
        ("01 02 05 01 0c E 40", [(1, 0x40), (3, 0x40)]),  # two antennas heard it at once
        ("01 04 01 02 0c E 40 0c E 41", [(1, 0x40), (1, 0x41)]),
        ("01 03 01 01 98 E T 40", [(1, 0x40)]),
        ("01 03 01 01 4c E 40 00000000 0d3c70", [(1, 0x40)]),
        ("01 03 02 0c E 0c E", [(1, NOT_TOLD)] * 2),
        ("ee 00 02 0c E 40", [(2, 0x40)]),
        ("ee 00 02 4c E 40 00000000 0d3c70", [(2, 0x40)]),
        ("0f 01 01 01 0c E 40", [(1, 0x40)]),
    ],
)
def test_every_layout_of_tags(hexes: str, found: list[tuple[int, int]]) -> None:
    driver = UhfReader(Settings("EU", 20.0), classes=ProductClasses(bytes(32)), now_ms=0)
    told = driver.feed(answer(hexes.replace(" ", "")), now_ms=0)
    reads = [one for one in told if isinstance(one, Read)]
    assert [(read.antenna, read.rssi_dbm) for read in reads] == found
    assert {read.product_class for read in reads} == {"80614141123458"}


@pytest.mark.parametrize(
    "hexes",
    [
        "01 03 00 01 0c E 40",  # no antenna at all
        "01 03 01 02 0c E 40",  # fewer tags than told
        "01 03 01 01 0d E 40",
        "01 03 01 01 0c E 40 00",
        "ee 00 01 0c E",
    ],
)
def test_tags_that_do_not_fill_their_frame_are_rejected(hexes: str) -> None:
    driver = UhfReader(Settings("EU", 20.0), classes=ProductClasses(bytes(32)), now_ms=0)
    told = driver.feed(answer(hexes.replace(" ", "")), now_ms=0)
    assert Rejected("length", frame=True) in told
    assert not [one for one in told if isinstance(one, Read)]


@pytest.mark.parametrize(
    ("powers", "refused"), [((17.0, 17.0), False), ((17.0, 12.0), True), ((12.5, 12.5), True)]
)
def test_its_antennas_have_one_power(powers: tuple[float, ...], refused: bool) -> None:  # noqa: FBT001 - a case
    antennas = tuple(Antenna(n + 1, power_dbm=power) for n, power in enumerate(powers))
    settings = Settings("EU", 20.0, antennas)
    driver = UhfReader(settings, classes=ProductClasses(bytes(32)), now_ms=0)
    reader = firmware.UhfReader((nobody, nobody))
    said, told, sent = b"", [], b""
    for now_ms in range(0, 3000, 10):
        told += driver.feed(said, now_ms=now_ms) + driver.advance(now_ms)
        command = driver.outgoing()
        sent += command
        said = reader.feed(command, now_ms=now_ms)
    assert any(isinstance(one, Info) and one.kind == "refused" for one in told) is refused
    assert (b"\xff\x2f\x11" in sent) is not refused
