from __future__ import annotations

from typing import Any, Protocol

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.rfid.driver import Empty, Info, Read, Region, Rejected, Report, Settings
from edge.rfid.drivers import FAMILIES
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


def test_rounds_used_up_are_ordered_anew(driver: M100, module: Module) -> None:
    drive(driver, module, until_ms=100)
    driver.feed(FIELD_ERROR, now_ms=500)
    assert driver.due_ms() == 1500
    assert driver.advance(1500) == [Info("reissued")]
    assert driver.outgoing() == command(0xBB, 0x27, bytes.fromhex("22FFFF"))
    driver.feed(FIELD_ERROR, now_ms=1600)
    assert driver.advance(1700) == []


def test_silence_starts_it_anew(driver: M100, module: Module) -> None:
    drive(driver, module, until_ms=100)
    reports = drive(driver, module, until_ms=5000, mute=True)
    assert reports == [Info("reissued")] * 3 + [Info("silent")]
    due_ms = driver.due_ms()
    assert due_ms is not None
    driver.outgoing()
    driver.advance(due_ms)
    assert driver.outgoing() == command(0xBB, 0x28)
    assert drive(driver, module, until_ms=due_ms + 1600)[-1] == Info("reading")


def test_a_dead_line_is_silent_after_three_tries(driver: M100) -> None:
    reports = drive(driver, None, until_ms=1500)
    assert reports == [Info("silent")]
    assert driver.outgoing() == b"".join(command(h, 0x28) for h in (0xBB, 0xAA, 0xBB))


def test_tags_queued_before_the_stop_are_still_reads(driver: M100, module: Module) -> None:
    driver.advance(0)
    stop = module.frame(1, 0x28, b"\x00")
    reports = driver.feed(bytes.fromhex(SGTIN) + stop + bytes.fromhex(SGTIN), now_ms=5)
    assert [type(report) for report in reports] == [Read, Read]


PIECES = st.one_of(
    st.sampled_from(
        [
            bytes.fromhex(SGTIN),
            FIELD_ERROR,
            bytes.fromhex("BB01280001002A7E"),
            bytes.fromhex("BB0107000100097E"),
            bytes.fromhex("AA02220011C73000E28068900000500E88C6A4A7119B29DD"),
            bytes.fromhex("BB0222"),
        ]
    ),
    st.binary(max_size=6),
)


@settings(max_examples=200)
@given(stream=st.lists(PIECES, max_size=12).map(b"".join), cuts=st.lists(st.integers(0, 200)))
def test_cutting_differently_changes_nothing(stream: bytes, cuts: list[int]) -> None:
    classes = ProductClasses(bytes(32))
    for make in FAMILIES.values():
        whole, pieces = (make(Settings("EU", 20.0), classes=classes, now_ms=0) for _ in range(2))
        for driver in (whole, pieces):
            driver.advance(0)
        expected = whole.feed(stream, now_ms=7)
        found = []
        for start, end in zip([0, *sorted(cuts)], [*sorted(cuts), len(stream)], strict=True):
            found += pieces.feed(stream[start:end], now_ms=7)
        if max(cuts, default=0) <= len(stream):
            assert found == expected
            assert pieces.outgoing() == whole.outgoing()


@settings(max_examples=200)
@given(stream=st.lists(st.tuples(PIECES, st.integers(0, 900)), max_size=12))
def test_what_is_due_settles_something(stream: list[tuple[bytes, int]]) -> None:
    for make in FAMILIES.values():
        driver = make(Settings("EU", 20.0), classes=ProductClasses(bytes(32)), now_ms=0)
        now_ms = 0
        for data, pause in stream:
            now_ms += pause
            driver.feed(data, now_ms=now_ms)
            due_ms = driver.due_ms()
            assert due_ms is not None
            driver.advance(due_ms)
            after = driver.due_ms()
            assert after is not None
            assert after > due_ms or after > now_ms
            now_ms = max(now_ms, due_ms)


@given(data=st.binary(max_size=300))
def test_noise_never_raises_and_never_reads(data: bytes) -> None:
    driver = M100(Settings("EU", 20.0), classes=ProductClasses(bytes(32)), now_ms=0)
    driver.advance(0)
    reports = driver.feed(data, now_ms=1) + driver.advance(200)
    assert not [report for report in reports if isinstance(report, Read)]


def test_the_table_of_families_is_what_the_configuration_offers() -> None:
    assert set(FAMILIES) == {"m100"}


@pytest.mark.parametrize("region", ["EU", "US", "CN900", "CN800", "KR"])
def test_every_region_has_its_code(region: Region, classes: ProductClasses, module: Module) -> None:
    driver = M100(Settings(region, 20.0), classes=classes, now_ms=0)
    drive(driver, module, until_ms=100)
    codes = {"CN900": 1, "US": 2, "EU": 3, "CN800": 4, "KR": 6}
    assert (0x07, bytes((codes[region],))) in module.heard
