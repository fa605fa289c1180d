from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.vision.detection import (
    Detection,
    decode_boxes,
    decode_centre_points,
    letterbox,
    suppress,
    tensor,
)

CHANNELS = ("centre_dx", "centre_dy", "width", "height", "foot_dx", "foot_dy")


@given(cols=st.integers(8, 900), rows=st.integers(8, 900))
@settings(max_examples=40, deadline=None)
def test_a_letterboxed_image_keeps_its_shape_in_the_corner(cols: int, rows: int) -> None:
    image = np.full((rows, cols, 3), 200, np.uint8)
    canvas, scale = letterbox(image, width_px=96, height_px=64, value=7)
    assert canvas.shape == (64, 96, 3)
    assert scale == min(96 / cols, 64 / rows)
    inside = canvas[: round(rows * scale), : round(cols * scale)]
    assert inside.size
    assert (inside == 200).all()
    assert (canvas == 200).sum() == inside.size
    assert ((canvas == 200) | (canvas == 7)).all()


def test_an_image_is_not_changed_by_being_looked_at() -> None:
    image = np.arange(48 * 64 * 3, dtype=np.uint32).reshape(48, 64, 3).astype(np.uint8)
    before = image.copy()
    canvas, _ = letterbox(image, width_px=64, height_px=48, value=0)
    tensor(canvas, colour="rgb", mean=(1, 2, 3), scale=(1, 1, 1))
    canvas[:] = 0
    np.testing.assert_array_equal(image, before)


def test_a_tensor_has_its_colours_in_order_and_scaled() -> None:
    canvas = np.zeros((2, 3, 3), np.uint8)
    canvas[:, :] = (10, 20, 30)
    bgr = tensor(canvas, colour="bgr", mean=(10, 10, 10), scale=(1, 0.5, 0.1))
    rgb = tensor(canvas, colour="rgb", mean=(10, 10, 10), scale=(1, 0.5, 0.1))
    assert (bgr.shape, bgr.dtype) == ((1, 3, 2, 3), np.float32)
    np.testing.assert_allclose(bgr[0, :, 0, 0], [0, 5, 2])
    np.testing.assert_allclose(rgb[0, :, 0, 0], [20, 5, 0])


def _map(*people: tuple[int, int, float]) -> tuple[np.ndarray, np.ndarray]:
    heat = np.zeros((1, 1, 8, 16), np.float32)
    geometry = np.zeros((1, 6, 8, 16), np.float32)
    for row, col, confidence in people:
        heat[0, 0, row, col] = confidence
        geometry[0, :, row, col] = (1, 2, 8, 16, 3, 10)
    return heat, geometry


@pytest.mark.parametrize(
    ("point", "x_px", "y_px"), [("foot", (20 + 3) / 2, 22 / 2), ("centre", 21 / 2, 14 / 2)]
)
def test_centre_points_come_back_in_pixels_of_the_image(
    point: str, x_px: float, y_px: float
) -> None:
    heat, geometry = _map((3, 5, 0.75), (1, 2, 0.2))
    found = decode_centre_points(
        heat, geometry, stride_px=4, channels=CHANNELS, point=point, least=0.5, scale=2.0
    )
    assert found == [Detection(x_px, y_px, 4.0, 8.0, 0.75)]


def test_the_most_confident_comes_first() -> None:
    heat, geometry = _map((1, 1, 0.5), (5, 9, 0.875), (3, 12, 0.625))
    found = decode_centre_points(
        heat, geometry, stride_px=4, channels=CHANNELS, point="foot", least=0.1, scale=1.0
    )
    assert [one.confidence for one in found] == [0.875, 0.625, 0.5]


def test_people_without_extent_or_place_are_left_out() -> None:
    heat, geometry = _map((1, 1, 0.9), (2, 2, 0.9), (3, 3, 0.9), (4, 4, 0.9))
    geometry[0, 2, 1, 1] = 0.0
    geometry[0, 3, 2, 2] = -4.0
    geometry[0, 4, 3, 3] = np.nan
    found = decode_centre_points(
        heat, geometry, stride_px=4, channels=CHANNELS, point="foot", least=0.1, scale=1.0
    )
    assert [(one.x_px, one.y_px) for one in found] == [(19.0, 26.0)]


def test_nobody_is_an_empty_list() -> None:
    heat, geometry = _map()
    assert (
        decode_centre_points(
            heat, geometry, stride_px=4, channels=CHANNELS, point="foot", least=0.1, scale=1.0
        )
        == []
    )
    boxes, scores = np.zeros((1, 0, 4), np.float32), np.zeros((1, 0), np.float32)
    assert decode_boxes(boxes, scores, point="foot", least=0.1, scale=1.0) == []


@pytest.mark.parametrize(("point", "y_px"), [("foot", 40.0), ("centre", 24.0), ("head", 8.0)])
def test_boxes_come_back_once_each_at_the_point_asked_for(point: str, y_px: float) -> None:
    boxes = np.array([[[9, 5, 17, 21], [8, 4, 16, 20], [40, 4, 48, 20], [0, 0, 8, 8]]], np.float32)
    scores = np.array([[0.75, 0.875, 0.5, 0.25]], np.float32)
    found = decode_boxes(boxes, scores, point=point, least=0.3, scale=0.5)
    assert found == [
        Detection(24.0, y_px, 16.0, 32.0, 0.875),
        Detection(88.0, y_px, 16.0, 32.0, 0.5),
    ]


def test_two_side_by_side_are_two_and_one_seen_twice_is_one() -> None:
    one = Detection(100.0, 200.0, 40.0, 100.0, 0.9)
    beside = Detection(121.0, 203.0, 40.0, 100.0, 0.8)
    again = Detection(104.0, 210.0, 44.0, 95.0, 0.7)
    assert suppress([one, beside, again]) == [one, beside]
