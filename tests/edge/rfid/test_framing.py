from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from edge.rfid.framing import Broken, Frame, Splitter, gen2_crc


class Toy:
    """``#``, length of the text, text, sum of the text."""

    head = 2

    def starts(self) -> bytes:
        return b"#"

    def length(self, head: bytes) -> int | str:
        return "length" if head[1] > 20 else 3 + head[1]

    def fault(self, frame: bytes) -> str:
        return "" if sum(frame[2:-1]) & 0xFF == frame[-1] else "sum"


def toy(text: bytes) -> bytes:
    return bytes((35, len(text), *text, sum(text) & 0xFF))


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
    frames, at, toy_rule = [], 0, Toy()
    while at < len(stream):
        frame = stream[at : at + 3 + (stream[at + 1] if at + 1 < len(stream) else 0)]
        whole = len(frame) > 2 and frame[0] == 35 and frame[1] <= 20 and len(frame) == 3 + frame[1]
        if whole and not toy_rule.fault(frame):
            frames.append(frame)
            at += len(frame)
        else:
            at += 1
    return frames


@given(
    stream=st.lists(
        st.one_of(st.binary(max_size=20).map(toy), st.binary(max_size=8), st.just(b"#\x09"))
    ).map(b"".join)
)
def test_no_frame_is_lost_behind_garbage(stream: bytes) -> None:
    splitter = Splitter(Toy())
    found = splitter.feed(stream) + splitter.flush()
    assert [f.raw for f in found if isinstance(f, Frame)] == by_hand(stream)


def test_a_long_claim_holds_frames_only_until_the_line_is_silent() -> None:
    splitter = Splitter(Toy())
    assert splitter.feed(b"#\x14" + toy(b"abc")) == []
    assert splitter.waiting
    assert splitter.flush() == [Broken("unfinished"), Frame(toy(b"abc"))]
    assert not splitter.waiting
    assert splitter.skipped == 2


def test_frames_do_not_show_their_bytes() -> None:
    assert "raw" not in repr(Frame(b"#\x03abc\x26"))


def test_gen2_crc_of_a_real_tag() -> None:
    assert gen2_crc(bytes.fromhex("3000E28068900000500E88C6A4A7")) == 0x119B
