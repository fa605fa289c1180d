from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.errors import DeviceError
from edge.vision.mjpeg import LONGEST_PART, Parts, boundary_of

IMAGES = [
    b"\xff\xd8one\r\n\r\n\xff\xd9",
    b"\xff\xd8two\xff\xd9",
    b"\xff\xd8" + bytes(300) + b"\xff\xd9",
]


def _stream(*, lengths: bool, preamble: bytes = b"") -> bytes:
    out = preamble
    for image in IMAGES:
        length = b"Content-Length: %d\r\n" % len(image) if lengths else b""
        out += b"--edge\r\nContent-Type: image/jpeg\r\n" + length + b"\r\n" + image + b"\r\n"
    return out + b"--edge\r\n"


@pytest.mark.parametrize(
    ("content_type", "delimiter"),
    [
        ("multipart/x-mixed-replace; boundary=edge", b"--edge"),
        ("multipart/x-mixed-replace;boundary=--edge", b"--edge"),
        ('Multipart/X-Mixed-Replace; charset=x; Boundary="edge"', b"--edge"),
        ("video/mp4", None),
        ("multipart/x-mixed-replace", None),
        ("", None),
    ],
)
def test_the_delimiter_is_read_as_cameras_write_it(
    content_type: str, delimiter: bytes | None
) -> None:
    assert boundary_of(content_type) == delimiter


@given(
    cuts=st.lists(st.integers(0, 700), max_size=12),
    lengths=st.booleans(),
    preamble=st.sampled_from([b"", b"\r\n", b"noise before the first part\r\n"]),
)
def test_law_cutting_the_stream_differently_changes_nothing(
    *, cuts: list[int], lengths: bool, preamble: bytes
) -> None:
    stream = _stream(lengths=lengths, preamble=preamble)
    parts, found, last = Parts(b"--edge"), [], 0
    for cut in [*sorted(cuts), len(stream)]:
        found += parts.feed(stream[last:cut])
        last = max(last, cut)
    # Without a length the line break before the delimiter is taken as the image's; JPEG ends
    # before it.
    assert [part.removesuffix(b"\r\n") for part in found] == IMAGES


def test_byte_by_byte_is_the_same() -> None:
    for lengths in (True, False):
        stream = _stream(lengths=lengths)
        parts = Parts(b"--edge")
        found = [part for i in range(len(stream)) for part in parts.feed(stream[i : i + 1])]
        assert [part.removesuffix(b"\r\n") for part in found] == IMAGES


def test_a_part_that_never_ends_is_refused_before_it_fills_the_memory() -> None:
    parts = Parts(b"--edge")
    parts.feed(b"--edge\r\n\r\n")
    parts.feed(bytes(LONGEST_PART - 100))
    with pytest.raises(DeviceError, match="no image ends within 16 MB"):
        parts.feed(bytes(100))


def test_noise_without_a_delimiter_is_not_kept() -> None:
    parts = Parts(b"--edge")
    for _ in range(40):
        assert parts.feed(bytes(1_000_000)) == []
    assert [part.strip() for part in parts.feed(_stream(lengths=False))] == [
        i.strip() for i in IMAGES
    ]
