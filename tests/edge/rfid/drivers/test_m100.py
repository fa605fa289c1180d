from __future__ import annotations

from typing import Any, Protocol

import pytest

from edge.rfid.driver import Antenna, Empty, Info, Read, Region, Rejected, Report, Settings
from edge.rfid.drivers.m100 import M100, command
from edge.rfid.epc import ProductClasses

SGTIN = "BB02220011C430003074257BF7194E4000001A85AAF94D7E"
FIELD_ERROR = bytes.fromhex("BB01FF000115167E")


class Module(Protocol):
    """The conftest's module."""

    heard: list[tuple[int, bytes]]

    def frame(self, kind: int, code: int, params: bytes) -> bytes: ...

    def answer(self, commands: bytes) -> bytes: ...


def drive(
    driver: M100, module: Module | None, *, until_ms: int, mute: bool = False
) -> list[Report]:
    """Run driver and module against each other until an instant."""
    reports: list[Report] = []
    now_ms = 0
    while (due_ms := driver.due_ms()) is not None and due_ms <= until_ms:
        now_ms = max(now_ms, due_ms)
        reports += driver.advance(now_ms)
        while module and not mute and (out := driver.outgoing()):
            reports += driver.feed(module.answer(out), now_ms=now_ms)
    return reports


def test_every_captured_frame_is_read_as_it_says(
    captures: dict[str, Any], classes: ProductClasses
) -> None:
    heard = 0
    for capture in captures["frames"]:
        frame = bytes.fromhex(capture["hex"])
        if capture["direction"] == "to_reader":
            assert command(frame[0], frame[2], frame[5:-2]) == frame
            continue
        driver = M100(Settings("EU", 20.0), classes=classes, now_ms=0)
        reports = driver.feed(frame, now_ms=0)
        assert not [r for r in reports if isinstance(r, Rejected) and r.frame], capture["name"]
        if "epc" in capture["fields"]:
            heard += 1
            (report,) = reports
            if capture["fields"]["epc"].startswith("30"):
                assert isinstance(report, Read)
                assert (report.rssi_dbm, report.antenna) == (capture["fields"]["rssi_dbm"], 1)
            else:
                assert report == Rejected("unknown", frame=False)
    assert heard >= 5


def test_a_known_tag(driver: M100) -> None:
    (report,) = driver.feed(bytes.fromhex(SGTIN), now_ms=0)
    assert isinstance(report, Read)
    assert (report.product_class, report.rssi_dbm) == ("80614141123458", -60)
    assert "3074257BF7" not in repr(report).upper()
    assert report.tag.hex() not in repr(report)


def test_broken_frames_are_rejected_and_the_next_is_not_lost(
    captures: dict[str, Any], classes: ProductClasses
) -> None:
    wanted = {"stop_rsp_misprint": "sum", "flip_one_epc_bit": "sum"}
    for capture in captures["broken"]:
        driver = M100(Settings("EU", 20.0), classes=classes, now_ms=0)
        reports = driver.feed(bytes.fromhex(capture["hex"] + SGTIN), now_ms=0)
        assert reports[0] == Rejected(wanted.get(capture["name"], "epc_crc"), frame=True)
        assert isinstance(reports[-1], Read)


def test_envelope_bytes_inside_an_epc(captures: dict[str, Any], driver: M100) -> None:
    (hard,) = captures["hard"]
    reports = driver.feed(bytes.fromhex(hard["hex"] + SGTIN), now_ms=0)
    assert reports[0] == Rejected("unknown", frame=False)
    assert isinstance(reports[1], Read)


def test_lengths_that_do_not_fit_are_rejected(driver: M100, module: Module) -> None:
    short = module.frame(2, 0x22, b"\xc4\x30\x00\x00")
    lying = module.frame(2, 0x22, bytes.fromhex("C438003074257BF7194E4000001A85AAF9"))
    huge = bytes.fromhex("BB0222FFFF")
    reports = driver.feed(short + lying + huge + bytes.fromhex(SGTIN), now_ms=0)
    assert reports[:3] == [Rejected("length", frame=True)] * 3
    assert isinstance(reports[3], Read)


def test_start_up_in_the_documented_order(driver: M100, module: Module) -> None:
    reports = drive(driver, module, until_ms=100)
    assert module.heard == [
        (0x28, b""),
        (0x03, b"\x00"),
        (0x07, b"\x03"),
        (0xA9, bytes((4, 3, 6, 9, 12))),
        (0xAD, b"\xff"),
        (0xB6, (2000).to_bytes(2, "big")),
        (0x0E, bytes.fromhex("1028")),
        (0x27, bytes.fromhex("22FFFF")),
    ]
    assert reports == [Info("module", "M100 26dBm V1.0"), Info("reading")]


def test_the_other_envelope_is_found(driver: M100, r200: Module) -> None:
    reports = drive(driver, r200, until_ms=600)
    assert reports[-1] == Info("reading")
    assert driver.farewell() == bytes.fromhex("AA0028000028DD")


def test_a_refused_region_is_named_and_nothing_is_sent_on_air(driver: M100, picky: Module) -> None:
    reports = drive(driver, picky, until_ms=1000)
    assert reports[-1] == Info("refused", "region EU")
    assert 0x27 not in [code for code, _ in picky.heard]
    drive(driver, picky, until_ms=3000)
    assert [code for code, _ in picky.heard].count(0x07) == 2


def test_an_empty_field_is_a_living_link(driver: M100, module: Module) -> None:
    drive(driver, module, until_ms=100)
    for now_ms in range(200, 20_000, 300):
        assert driver.feed(FIELD_ERROR, now_ms=now_ms) == [Empty(1)]
        due_ms = driver.due_ms()
        assert due_ms is not None
        assert due_ms > now_ms
    assert driver.outgoing() == b""


def test_busy_channels_are_no_look_at_the_field(driver: M100, module: Module) -> None:
    drive(driver, module, until_ms=100)
    assert driver.feed(module.frame(1, 0xFF, b"\x20"), now_ms=200) == []


def test_rounds_used_up_or_a_restart_set_it_up_anew_region_first(
    driver: M100, module: Module
) -> None:
    drive(driver, module, until_ms=100)
    driver.feed(FIELD_ERROR, now_ms=500)
    assert driver.due_ms() == 1500
    heard = len(module.heard)
    reports = drive(driver, module, until_ms=1500)
    assert [one.kind for one in reports if isinstance(one, Info)] == [
        "reissued",
        "module",
        "reading",
    ]
    again = [code for code, _ in module.heard[heard:]]
    assert again == [0x28, 0x03, 0x07, 0xA9, 0xAD, 0xB6, 0x0E, 0x27]


def test_silence_starts_it_anew(driver: M100, module: Module) -> None:
    drive(driver, module, until_ms=100)
    reports = drive(driver, module, until_ms=4000, mute=True)
    assert [one.kind for one in reports if isinstance(one, Info)] == ["reissued", "silent"]
    due_ms = driver.due_ms()
    assert due_ms is not None
    driver.outgoing()
    driver.advance(due_ms)
    assert driver.outgoing() == command(0xBB, 0x28)
    assert drive(driver, module, until_ms=due_ms + 1600)[-1] == Info("reading")


def test_our_own_command_come_back_is_no_answer(driver: M100) -> None:
    driver.advance(0)
    sent = driver.outgoing()
    assert driver.feed(sent, now_ms=1) == []
    assert driver.outgoing() == b""


def test_the_exits_session_is_set(classes: ProductClasses, module: Module) -> None:
    exits = Settings("EU", 20.0, (Antenna(session=1),))
    drive(M100(exits, classes=classes, now_ms=0), module, until_ms=100)
    assert (0x0E, bytes.fromhex("1128")) in module.heard


def test_a_dead_line_is_silent_after_three_tries(driver: M100) -> None:
    reports = drive(driver, None, until_ms=1500)
    assert reports == [Info("silent")]
    assert driver.outgoing() == b"".join(command(h, 0x28) for h in (0xBB, 0xAA, 0xBB))


def test_tags_queued_before_the_stop_are_still_reads(driver: M100, module: Module) -> None:
    driver.advance(0)
    stop = module.frame(1, 0x28, b"\x00")
    reports = driver.feed(bytes.fromhex(SGTIN) + stop + bytes.fromhex(SGTIN), now_ms=5)
    assert [type(report) for report in reports] == [Read, Read]


@pytest.mark.parametrize("region", ["EU", "US", "CN900", "CN800", "KR"])
def test_every_region_has_its_code(region: Region, classes: ProductClasses, module: Module) -> None:
    driver = M100(Settings(region, 20.0), classes=classes, now_ms=0)
    drive(driver, module, until_ms=100)
    codes = {"CN900": 1, "US": 2, "EU": 3, "CN800": 4, "KR": 6}
    assert (0x07, bytes((codes[region],))) in module.heard
