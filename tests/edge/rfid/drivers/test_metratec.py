"""What a Metratec's driver makes of answers that do not come when they should."""

from __future__ import annotations

from edge.rfid.driver import Info, Settings
from edge.rfid.drivers.metratec import Metratec
from edge.rfid.epc import ProductClasses
from firmware_sim import metratec as firmware
from firmware_sim.radio import Round
from firmware_sim.radio import Settings as Asked


def nobody(now_ms: int, _asked: Asked) -> Round:
    return Round(end_ms=now_ms + 50, replies=())


def test_noise_that_waits_in_the_reader_spoils_no_command() -> None:
    reader = firmware.Metratec((nobody,))
    said = reader.feed(bytes.fromhex("04FF211995BB0003000100047E"), now_ms=0)
    driver = Metratec(Settings("EU", 20.0), classes=ProductClasses(bytes(32)), now_ms=0)
    told = []
    for now_ms in range(0, 400, 5):
        told += driver.feed(said, now_ms=now_ms) + driver.advance(now_ms)
        said = reader.feed(driver.outgoing(), now_ms=now_ms)
    assert [one.kind for one in told if isinstance(one, Info)] == ["module", "reading"]
