"""What a Metratec's driver makes of answers that do not come when they should."""

from __future__ import annotations

import pytest

from edge.rfid.driver import NOT_TOLD, Antenna, Empty, Info, Read, Rejected, Settings
from edge.rfid.drivers.metratec import Metratec
from edge.rfid.epc import ProductClasses
from firmware_sim import metratec as firmware
from firmware_sim.radio import Air, Round
from firmware_sim.radio import Settings as Asked

CLASSES = ProductClasses(bytes(32))
EPC = "3074257BF7194E4000001A85"


@pytest.mark.parametrize(
    ("line", "level"),
    [
        (f"+CINV: {EPC},-57", -57),
        (f"+INV: {EPC}", NOT_TOLD),
        (f"+CMINV: {EPC},E2801160200074CF,-57", -57),
        (f"+CINV: {EPC},-57,12,45", -57),
        (f"+CINVR: {EPC},-57,5", -57),
        (f"+CINVR: {EPC},5", NOT_TOLD),
        (f"+CINVR: {EPC},E2801160200074CF,-57,12,45,5", -57),
    ],
)
def test_every_form_a_tag_is_told_in(line: str, level: int) -> None:
    driver = Metratec(Settings("EU", 20.0), classes=CLASSES, now_ms=0)
    name = line[1 : line.index(":")]
    told = driver.feed(f"{line}\r+{name}: <ROUND FINISHED, ANT=12>\r\n".encode(), now_ms=0)
    (read,) = told
    assert isinstance(read, Read)
    assert (read.antenna, read.rssi_dbm) == (12, level)


@pytest.mark.parametrize(
    "line",
    [
        f"+CINV: {EPC[:-1]},-57",
        f"+CINV: {EPC[:-1]}G,-57",
        f"+CINV: {EPC},-57.5",
        f"+CINVR: {EPC}",
        f"+CINV: {EPC},",
        f"+CINV: {EPC},-57 ",
        "+CINV: ",
    ],
)
def test_a_line_that_does_not_fit_is_no_tag(line: str) -> None:
    driver = Metratec(Settings("EU", 20.0), classes=CLASSES, now_ms=0)
    told = driver.feed(f"{line}\r+CINV: <ROUND FINISHED, ANT=1>\r\n".encode(), now_ms=0)
    assert [one for one in told if not isinstance(one, Empty)] == [Rejected("line", frame=True)]


@pytest.mark.parametrize(
    "line",
    [
        f"+CINW: {EPC},-57",  # a bit of its header has turned
        f"+SW: {EPC},-57",
        f"+SW: PULSAR_LR 01{EPC[-10:]}",  # bytes between are lost
        f"+HW: {EPC[-12:]}",
    ],
)
def test_a_tag_among_the_reader_s_own_words_is_not_passed_on(line: str) -> None:
    driver = Metratec(Settings("EU", 20.0), classes=CLASSES, now_ms=0)
    answers = {
        b"ATE1": b"ATE1\r\nOK\r\n",
        b"ATI": b"ATI\r\n%b\r\n+HW: PULSAR_LR 0101\r\n%b\r\nOK\r\n" % ((line.encode(),) * 2),
    }
    told = []
    driver.advance(0)
    for _ in range(8):
        asked = driver.outgoing().strip()
        told += driver.feed(answers.get(asked, asked + b"\r\nOK\r\n"), now_ms=0)
    assert Info("module", "PULSAR_LR 0101") in told


@pytest.mark.parametrize(
    ("note", "told"),
    [("Operation Error (6AC0B)",) * 2, (f"ROUND FINI{EPC},-57", "trouble")],
)
def test_what_ails_an_antenna_is_told_without_a_tag_in_it(note: str, told: str) -> None:
    driver = Metratec(Settings("EU", 20.0), classes=CLASSES, now_ms=0)
    lines = f"+CINV: <{note}>\r+CINV: <ROUND FINISHED, ANT=1>\r\n".encode()
    assert driver.feed(lines, now_ms=0) == [Info("antenna", told, 1)]


def nobody(now_ms: int, _asked: Asked) -> Round:
    return Round(end_ms=now_ms + 50, replies=())


def test_noise_that_waits_in_the_reader_spoils_no_command() -> None:
    reader = firmware.Metratec((nobody,))
    said = reader.feed(bytes.fromhex("04FF211995BB0003000100047E"), now_ms=0)
    driver = Metratec(Settings("EU", 20.0), classes=CLASSES, now_ms=0)
    told = []
    for now_ms in range(0, 400, 5):
        told += driver.feed(said, now_ms=now_ms) + driver.advance(now_ms)
        said = reader.feed(driver.outgoing(), now_ms=now_ms)
    assert [one.kind for one in told if isinstance(one, Info)] == ["module", "reading"]


@pytest.mark.parametrize(
    ("ports", "powers", "sent"),
    [
        (4, (20.0, 12.0), [20, 12, 17, 17]),
        (2, (None, 12.0), [17, 12]),
        (1, (12.0,), [12]),
        (4, (20.0, 12.5), None),
    ],
)
def test_each_antenna_has_its_power(
    ports: int, powers: tuple[float | None, ...], sent: list[int] | None
) -> None:
    asked: dict[int, float] = {}

    def air(port: int) -> Air:
        def run(now_ms: int, settings: Asked) -> Round:
            asked[port] = settings.power_dbm
            return nobody(now_ms, settings)

        return run

    antennas = tuple(Antenna(n + 1, power_dbm=power) for n, power in enumerate(powers))
    reader = firmware.Metratec([air(n) for n in range(ports)])
    driver = Metratec(Settings("EU", 17.0, antennas), classes=CLASSES, now_ms=0)
    said, told = b"", []
    for now_ms in range(0, 1000, 5):
        told += driver.feed(said, now_ms=now_ms) + driver.advance(now_ms)
        said = reader.feed(driver.outgoing(), now_ms=now_ms)
    if sent is None:
        assert Info("refused", "power_dbm 12.5, 20") in told
        assert asked == {}
    else:
        assert asked == dict(enumerate(sent[: len(powers)]))


def test_a_reader_that_does_not_listen_while_it_reads_is_stopped_first() -> None:
    driver = Metratec(Settings("EU", 20.0), classes=CLASSES, now_ms=0)
    driver.advance(0)
    assert driver.outgoing() == b"\rATE1\r"
    refused = b"+ERR: <Inventory is running>\r\nERROR\r\n"
    assert driver.feed(refused, now_ms=5) == []
    driver.advance(1000)
    assert driver.outgoing() == b"\rAT+BMINV\rAT+BINV\rATE1\r"
