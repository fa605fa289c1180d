from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from edge.rfid.framing import Broken, Splitter, gen2_crc, mcrf4xx_crc


class Toy:
    """``#``, length of the text, text, sum of the text."""

    def seek(self, data: bytes, at: int) -> int:
        found = data.find(b"#", at)
        return found if found >= 0 else len(data)

    def frame(self, data: bytes, at: int) -> int | Broken:
        if len(data) < at + 2:
            return 0
        length = 3 + data[at + 1]
        if length > 23:
            return Broken("length", 2)
        if len(data) < at + length:
            return 0
        text = data[at + 2 : at + length - 1]
        return length if sum(text) & 0xFF == data[at + length - 1] else Broken("sum", length)


def toy(text: bytes) -> bytes:
    return bytes((35, len(text), *text, sum(text) & 0xFF))


@settings(deadline=None)
@given(
    stream=st.lists(
        st.one_of(st.binary(max_size=20).map(toy), st.binary(max_size=8), st.just(b"#"))
    ).map(b"".join),
    cuts=st.lists(st.integers(0, 300)),
)
def test_cutting_differently_changes_nothing(stream: bytes, cuts: list[int]) -> None:
    whole = Splitter(Toy())
    expected = whole.feed(stream)
    pieces = Splitter(Toy())
    found = []
    for start, end in zip([0, *sorted(cuts)], [*sorted(cuts), len(stream)], strict=True):
        found += pieces.feed(stream[start:end])
    assert found == expected
    assert pieces.skipped == whole.skipped
    assert pieces.flush() == whole.flush()


def by_hand(stream: bytes) -> list[bytes]:
    """Look at every place: take what is a frame, else go on by one byte."""
    frames, at = [], 0
    while at < len(stream):
        frame = stream[at : at + 3 + (stream[at + 1] if at + 1 < len(stream) else 0)]
        whole = len(frame) > 2 and frame[0] == 35 and frame[1] <= 20 and len(frame) == 3 + frame[1]
        if whole and sum(frame[2:-1]) & 0xFF == frame[-1]:
            frames.append(frame)
            at += len(frame)
        else:
            at += 1
    return frames


@settings(deadline=None)
@given(
    stream=st.lists(
        st.one_of(st.binary(max_size=20).map(toy), st.binary(max_size=8), st.just(b"#\x09"))
    ).map(b"".join)
)
def test_no_frame_is_lost_behind_garbage(stream: bytes) -> None:
    splitter = Splitter(Toy())
    found = splitter.feed(stream) + splitter.flush()
    assert [f for f in found if isinstance(f, bytes)] == by_hand(stream)


def test_a_long_claim_holds_frames_only_until_the_line_is_silent() -> None:
    splitter = Splitter(Toy())
    assert splitter.feed(b"#\x14" + toy(b"abc")) == []
    assert splitter.waiting
    assert splitter.flush() == [Broken("unfinished", 8), toy(b"abc")]
    assert not splitter.waiting
    assert splitter.skipped == 2


def test_each_broken_frame_is_told_once_and_so_is_each_run_of_noise() -> None:
    broken = b"#\x05##abcX"
    found = Splitter(Toy()).feed(b"xyz" + broken + broken + toy(b"") + b"xy" + toy(b"z") + b"x")
    told = [one if isinstance(one, bytes) else one.why for one in found]
    assert told == ["noise", "sum", "sum", toy(b""), "noise", toy(b"z"), "noise"]


def test_a_sound_frame_inside_a_broken_one_is_found() -> None:
    found = Splitter(Toy()).feed(b"#\x08" + toy(b"abc") + b"12X" + b"xx" + toy(b""))
    told = [one if isinstance(one, bytes) else one.why for one in found]
    assert told == ["sum", toy(b"abc"), "noise", toy(b"")]


def test_crc_of_published_frames() -> None:
    for frame in ("04FF011BB4", "05002F1E7234", "1500010301010C3039606303C74380001A055940F93E"):
        assert mcrf4xx_crc(bytes.fromhex(frame)) == 0
    assert mcrf4xx_crc(b"123456789") == 0x6F91


def test_gen2_crc_of_a_real_tag() -> None:
    assert gen2_crc(bytes.fromhex("3000E28068900000500E88C6A4A7")) == 0x119B
