"""The laws of ``edge.rfid.driver``, for every family; what it sends is in ``captures``."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge.rfid.driver import Driver, Info, Read, Rejected, Report, Settings
from edge.rfid.drivers import FAMILIES
from edge.rfid.epc import ProductClasses

CAPTURES = Path(__file__).parents[1] / "captures"
CLASSES = ProductClasses(bytes(32))
CHECKED = {"m100", "uhfreader"}
"""Families whose frames have a check sum."""


def sent(name: str) -> list[bytes]:
    """Give all that readers of a family are known to send."""
    held: dict[str, Any] = json.loads((CAPTURES / f"{name}.json").read_text())
    if "answers" in held:
        return [answer["rx"].encode() for answer in held["answers"]]
    frames = [one for one in held["frames"] if one["direction"] == "from_reader"]
    return [bytes.fromhex(one["hex"]) for one in frames]


STREAMS = {name: sent(name) for name in FAMILIES}
TAGGED = {
    "m100": bytes.fromhex("BB02220011C430003074257BF7194E4000001A85AAF94D7E"),
    "uhfreader": bytes.fromhex("1500010301010C3039606303C74380001A055940F93E"),
    "metratec": b"+CINV: 3034257BF468D480000003EC,-57\r+CINV: <ROUND FINISHED, ANT=1>\r\n",
}
"""One good tag of each, which gives exactly one read."""
EVERY = pytest.mark.parametrize("name", list(FAMILIES))


def make(name: str) -> Driver:
    return FAMILIES[name].driver(Settings("EU", 20.0), classes=CLASSES, now_ms=0)


@st.composite
def streams(draw: st.DrawFn, name: str) -> list[bytes]:
    """Frames whole, broken and cut short, and noise."""
    frame = st.sampled_from([*STREAMS[name], TAGGED[name]])
    broken = st.builds(
        lambda data, at, bit: bytes(
            byte ^ (1 << bit if n == at % len(data) else 0) for n, byte in enumerate(data)
        ),
        frame,
        st.integers(0, 400),
        st.integers(0, 7),
    )
    cut = st.builds(lambda data, at: data[: at % len(data)], frame, st.integers(0, 400))
    noise = st.binary(max_size=8)
    return draw(st.lists(st.one_of(frame, frame, broken, cut, noise), max_size=12))


def reads(reports: Sequence[Report]) -> list[Read]:
    return [report for report in reports if isinstance(report, Read)]


def test_the_suite_runs_every_driver() -> None:
    assert len(FAMILIES) == len(STREAMS) == len(TAGGED) == 3
    assert all(len(frames) >= 10 for frames in STREAMS.values())


@EVERY
@settings(deadline=None, max_examples=100, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_cutting_differently_changes_nothing(name: str, data: st.DataObject) -> None:
    stream = b"".join(data.draw(streams(name)))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=20)))
    whole, pieces, again = make(name), make(name), make(name)
    for driver in (whole, pieces, again):
        driver.advance(0)
    expected = whole.feed(stream, now_ms=7)
    found: list[Report] = []
    for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        found += pieces.feed(stream[start:end], now_ms=7)
    assert found == expected
    assert again.feed(stream, now_ms=7) == expected
    assert pieces.due_ms() == whole.due_ms() == again.due_ms()
    assert pieces.advance(10_000) == whole.advance(10_000)
    assert pieces.outgoing() == whole.outgoing()


@EVERY
@settings(deadline=None, max_examples=100, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_what_is_due_settles_something(name: str, data: st.DataObject) -> None:
    driver, now_ms = make(name), 0
    for piece in data.draw(streams(name)):
        now_ms += data.draw(st.integers(0, 900))
        driver.feed(piece, now_ms=now_ms)
        due_ms = driver.due_ms()
        assert due_ms is not None
        driver.advance(due_ms)
        after_ms = driver.due_ms()
        assert after_ms is not None
        assert after_ms > due_ms
        now_ms = max(now_ms, due_ms)


@EVERY
@settings(deadline=None, max_examples=80)
@given(garbage=st.one_of(st.binary(max_size=3), st.binary(max_size=300)), count=st.integers(1, 8))
def test_no_frame_behind_garbage_is_lost(name: str, garbage: bytes, count: int) -> None:
    driver = make(name)
    found = driver.feed(garbage, now_ms=0)
    found += driver.feed(TAGGED[name] * count, now_ms=1) + driver.advance(200)
    assert len(reads(found)) == count


@EVERY
@settings(deadline=None, max_examples=80)
@given(data=st.data())
def test_half_frames_lose_none_but_themselves(name: str, data: st.DataObject) -> None:
    whole = TAGGED[name]
    first = whole.index(b"\r") if name == "metratec" else len(whole)
    half = whole[: data.draw(st.integers(1, first - 1))]
    driver = make(name)
    found = driver.feed(half + whole * 2, now_ms=0) + driver.advance(200)
    assert len(reads(found)) == 2
    late = make(name)
    found = late.feed(half, now_ms=0) + late.feed(whole * 2, now_ms=150)
    assert len(reads(found)) == 2


@EVERY
@settings(deadline=None, max_examples=80)
@given(data=st.binary(max_size=600))
def test_noise_never_raises_and_never_reads(name: str, data: bytes) -> None:
    driver = make(name)
    driver.advance(0)
    assert reads(driver.feed(data, now_ms=1) + driver.advance(200)) == []


@pytest.mark.parametrize("name", sorted(CHECKED))
@settings(deadline=None, max_examples=100)
@given(at=st.integers(0, 400), bit=st.integers(0, 7))
def test_a_flipped_bit_is_never_a_wrong_read(name: str, at: int, bit: int) -> None:
    frame = bytearray(TAGGED[name])
    frame[at % len(frame)] ^= 1 << bit
    driver = make(name)
    found = driver.feed(bytes(frame), now_ms=0) + driver.advance(200)
    assert reads(found) == []
    assert any(isinstance(report, Rejected) and report.frame for report in found)


@EVERY
def test_one_tag_is_one_read_and_shows_no_identity(name: str) -> None:
    driver = make(name)
    found = driver.feed(TAGGED[name], now_ms=0)
    (read,) = reads(found)
    assert len(read.product_class) == 14
    assert read.tag.hex() not in repr(found)
    assert "1A85" not in repr(found).upper()


@EVERY
def test_a_dead_line_is_told_and_tried_again(name: str) -> None:
    driver, told, now_ms = make(name), [], 0
    for _ in range(40):
        due_ms = driver.due_ms()
        assert due_ms is not None
        now_ms = due_ms
        told += [one.kind for one in driver.advance(now_ms) if isinstance(one, Info)]
        if told:
            break
    assert told == ["silent"]
    driver.outgoing()
    due_ms = driver.due_ms()
    assert due_ms is not None
    driver.advance(due_ms)
    assert driver.outgoing() != b""


@EVERY
def test_a_reader_is_known_by_its_words(name: str) -> None:
    for other, family in FAMILIES.items():
        assert family.knows(TAGGED[name]) == (other == name)
        assert not family.knows(b"")
