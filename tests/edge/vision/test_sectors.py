from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256
from math import cos, radians, sin
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.vision.detection import Backdrop, Detection, Fit, Fitted, Image, letterbox
from edge.vision.ground import Ground
from edge.vision.lens import Lens, View
from edge.vision.onnx_io import Detector, load_detector
from edge.vision.sectors import Sectors, looks_down

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
SIDE = 240
LENS = Lens("fisheye", 70.0, (130.0, 110.0))
DOWN = View(LENS, np.array(((1.0, 0, 0), (0, -1, 0), (0, 0, -1))), np.array((2.0, 3.0, 3.0)))
GROUND = Ground((SIDE, SIDE), DOWN, heights_known=True, residual_m=0.0)
FOOT_PX, HEAD_PX, WIDE_PX = 37, 73, 12  # of people, from the spot below the camera


@pytest.fixture(scope="module")
def upright(tmp_path_factory: pytest.TempPathFactory) -> Detector:
    """A net that knows people only while they stand up, feet down."""
    folder, model = tmp_path_factory.mktemp("upright"), NET.read_bytes()
    (folder / "net.onnx").write_bytes(model)
    (folder / "manifest.toml").write_text(MANIFEST.format(digest=sha256(model).hexdigest()))
    return load_detector(folder / "manifest.toml")


def _ring(angles: Sequence[float], *, larger: float = 1) -> Image:
    """Draw people, red above blue, who point away from the spot below the camera."""
    image = np.zeros((round(larger * SIDE), round(larger * SIDE), 3), np.uint8)
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
        LENS.centre_px[0] + out * sin(turn) + across * cos(turn),
        LENS.centre_px[1] - out * cos(turn) + across * sin(turn),
    )


def _find(sectors: Sectors, image: Image, *, least: float = 0.6) -> list[Detection]:
    return sectors.find(sectors.fit(image), least=least)


def _sectors(detector: Detector, *, count: int = 6) -> Sectors:
    return Sectors(detector, count=count, ground=GROUND, look_px=128)


@pytest.mark.parametrize("larger", [0.5, 1, 4])
def test_people_all_around_are_found_once_each(upright: Detector, larger: float) -> None:
    angles = [10.0, 62.0, 115.0, 181.0, 243.0, 300.0]
    image = _ring(angles, larger=larger)
    assert len(upright.detect(image, least=0.6)) <= 1  # as it is, but for who stands up
    found = _find(_sectors(upright), image)
    assert len(found) == len(angles)
    for angle in angles:
        x, y = _at(angle, out=(FOOT_PX + HEAD_PX) / 2)
        near = [
            np.hypot(one.centre_x_px / larger - x, one.centre_y_px / larger - y) for one in found
        ]
        assert sum(away < 12 for away in near) == 1


@settings(max_examples=25, deadline=None)
@given(angle=st.floats(0, 360), count=st.integers(5, 12))
def test_nobody_is_lost_or_told_twice_at_a_border(
    upright: Detector, angle: float, count: int
) -> None:
    image = _ring([angle])
    before = image.copy()
    found = _find(_sectors(upright, count=count), image, least=0.3)
    assert found
    assert sum(one.confidence >= upright.confidence for one in found) <= 1
    assert np.array_equal(image, before)


def test_feet_are_inwards_and_the_box_is_around_all(upright: Detector) -> None:
    (lying,) = _find(_sectors(upright, count=8), _ring([90.0]))
    assert lying.centre_x_px is not None
    assert lying.centre_y_px is not None
    assert lying.x_px < lying.centre_x_px - 10  # the net's box is 40 high
    assert lying.y_px == pytest.approx(lying.centre_y_px, abs=1)
    ends = lying.centre_x_px + np.array((-0.5, 0.5)) * lying.width_px - LENS.centre_px[0]
    assert ends == pytest.approx((FOOT_PX, HEAD_PX), abs=9)
    assert lying.confidence > upright.confidence


@pytest.mark.parametrize("tilt", [0.0, 20.0])
def test_a_camera_that_hangs_askew_sees_the_same_people(upright: Detector, tilt: float) -> None:
    turn = radians(tilt)
    askew = np.array(((1, 0, 0), (0, cos(turn), sin(turn)), (0, -sin(turn), cos(turn))))
    view = replace(DOWN, turn=askew @ DOWN.turn)
    straight, places = (
        _ring([0.0, 120.0, 240.0]),
        np.mgrid[:SIDE, :SIDE][::-1].reshape(2, -1).T + 0.5,
    )
    rays = view.lens.rays_from_image(places) @ view.turn @ DOWN.turn.T
    back = LENS.image_from_rays(rays).astype(np.float32).reshape(SIDE, SIDE, 2) - 0.5
    image = cv2.remap(straight, back, None, cv2.INTER_LINEAR)
    ground = replace(GROUND, view=view)
    assert len(_find(Sectors(upright, count=6, ground=ground, look_px=128), image)) == 3


class Changed:
    """Finds one person where most has changed, and remembers what it was shown."""

    confidence, point_height_m = 0.5, 0.0

    def __init__(self) -> None:
        self.known: list[float] = []

    def fit(self, image: Image) -> Fitted:
        return letterbox(image, fit=Fit(160, 128, 1.0), value=0)

    def find(self, fitted: Fitted, *, backdrop: Backdrop | None, least: float) -> list[Detection]:
        assert backdrop is not None
        assert backdrop.picture.shape == fitted.canvas.shape
        self.known.append(float(backdrop.known.mean()))
        changed = cv2.absdiff(fitted.canvas, backdrop.picture).max(axis=2) * backdrop.known
        y, x = np.argwhere(changed > 200).mean(axis=0) if (changed > 200).sum() > 20 else (0, 0)
        if not x:
            return []
        return [Detection(x, y, 20.0, 40.0, least + 0.1, x, y - 15, x, y)]


def test_what_changed_and_heads_are_seen_in_sectors_too() -> None:
    detector = Changed()
    sectors = Sectors(detector, count=6, ground=GROUND, look_px=128)
    room = sectors.fit(_ring([10.0, 130.0])).canvas
    known = np.ones(room.shape[:2], np.bool_)
    known[:, :40] = False
    (one,) = sectors.find(
        sectors.fit(_ring([10.0, 130.0, 250.0])), backdrop=Backdrop(room, known), least=0.5
    )
    x, y = _at(250.0, out=(FOOT_PX + HEAD_PX) / 2)
    assert (one.x_px, one.y_px) == pytest.approx((x, y), abs=3)
    assert one.head_x_px is not None
    assert one.head_x_px < one.x_px - 5  # outwards: to the left
    assert 0 < min(detector.known) < max(detector.known) <= 128 / 160


def test_it_believes_what_its_detector_does(upright: Detector) -> None:
    sectors = _sectors(upright)
    assert (sectors.confidence, sectors.point_height_m) == (0.6, 0.0)
    assert _find(sectors, np.zeros((SIDE, SIDE, 3), np.uint8), least=0.1) == []


def test_what_looks_down_is_told() -> None:
    assert looks_down(GROUND)
    assert not looks_down(replace(GROUND, heights_known=False))
    turn = radians(80)
    askew = np.array(((1, 0, 0), (0, cos(turn), -sin(turn)), (0, sin(turn), cos(turn))))
    ahead = replace(
        GROUND, view=replace(DOWN, turn=askew @ DOWN.turn, lens=replace(LENS, focal_px=200.0))
    )
    assert not looks_down(ahead)
