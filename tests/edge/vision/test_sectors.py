from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from math import cos, radians, sin
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.vision.detection import Detection, Image
from edge.vision.onnx_io import Detector, load_detector
from edge.vision.sectors import Sectors

NET = Path(__file__).parent / "tiny_models" / "upright.onnx"
MANIFEST = """
name = "upright"
version = "1"
file = "net.onnx"
sha256 = "{digest}"
licence = "Apache-2.0"
trained_on = "nothing"
[input]
tensor = "image"
width = 128
height = 128
mean = 0
scale = 0.003921569
letterbox_value = 0
[output]
kind = "yolox"
output = "output"
strides = [8]
classes = 1
point = "foot"
point_height_m = 0.0
confidence = 0.6
"""
SIDE = 120
BELOW = (0.55, 0.45)
FOOT_PX, HEAD_PX, WIDE_PX = 30, 60, 9  # of people, from the spot below the camera


@pytest.fixture(scope="module")
def upright(tmp_path_factory: pytest.TempPathFactory) -> Detector:
    """A net that knows people only while they stand up, feet down."""
    folder, model = tmp_path_factory.mktemp("upright"), NET.read_bytes()
    (folder / "net.onnx").write_bytes(model)
    (folder / "manifest.toml").write_text(MANIFEST.format(digest=sha256(model).hexdigest()))
    return load_detector(folder / "manifest.toml")


def _ring(angles: Sequence[float], *, larger: int = 1) -> Image:
    """Draw people, red above blue, who point away from the spot below the camera."""
    image = np.zeros((larger * SIDE, larger * SIDE, 3), np.uint8)
    for angle in angles:
        for colour, near in (((255, 0, 0), FOOT_PX), ((0, 0, 255), (FOOT_PX + HEAD_PX) / 2)):
            far = near + (HEAD_PX - FOOT_PX) / 2
            corners = [
                _at(angle, out=out, aside=aside)
                for out, aside in ((near, -1), (near, 1), (far, 1), (far, -1))
            ]
            cv2.fillPoly(image, [np.round(larger * np.array(corners)).astype(np.int32)], colour)
    return image


def _at(angle: float, *, out: float, aside: float = 0.0) -> tuple[float, float]:
    """Give a place out along an angle, clockwise from up, and half widths aside."""
    turn, across = radians(angle), aside * WIDE_PX / 2
    return (
        SIDE * BELOW[0] + out * sin(turn) + across * cos(turn),
        SIDE * BELOW[1] - out * cos(turn) + across * sin(turn),
    )


def _sectors(detector: Detector, *, count: int = 6) -> Sectors:
    return Sectors(detector, count=count, below=BELOW, look_px=128)


def _away(found: Detection, angle: float, *, larger: int = 1) -> float:
    x, y = _at(angle, out=FOOT_PX)
    return float(np.hypot(found.x_px / larger - x, found.y_px / larger - y))


@pytest.mark.parametrize("larger", [1, 4])
def test_people_all_around_are_found_once_each_with_their_feet(
    upright: Detector, larger: int
) -> None:
    angles = [10.0, 62.0, 115.0, 181.0, 243.0, 300.0]
    image = _ring(angles, larger=larger)
    assert len(upright.detect(image, least=0.6)) <= 1  # as it is, but for who stands up
    found = _sectors(upright).detect(image, least=0.6)
    assert len(found) == len(angles)
    for angle in angles:
        assert min(_away(one, angle, larger=larger) for one in found) < 10


@settings(max_examples=25, deadline=None)
@given(angle=st.floats(0, 360), count=st.integers(6, 12))
def test_nobody_is_lost_or_told_twice_at_a_border(
    upright: Detector, angle: float, count: int
) -> None:
    image = _ring([angle])
    before = image.copy()
    found = _sectors(upright, count=count).detect(image, least=0.3)
    assert len(found) == 1
    assert np.array_equal(image, before)


def test_a_box_is_the_upright_one_around_a_turned_person(upright: Detector) -> None:
    (lying,) = _sectors(upright, count=4).detect(_ring([90.0]), least=0.6)
    assert lying.width_px > 1.2 * lying.height_px  # the net says 32 x 40
    middle = _at(90.0, out=(FOOT_PX + HEAD_PX) / 2)
    assert (lying.centre_x_px, lying.centre_y_px) == pytest.approx(middle, abs=8)
    assert lying.confidence > upright.confidence


def test_it_believes_what_its_detector_does(upright: Detector) -> None:
    sectors = _sectors(upright)
    assert (sectors.confidence, sectors.point_height_m) == (0.6, 0.0)
    assert sectors.detect(np.zeros((SIDE, SIDE, 3), np.uint8), least=0.1) == []
