from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.vision.detection import (
    Backdrop,
    Detection,
    Fit,
    change,
    decode_boxes,
    decode_centre_points,
    decode_yolox,
    fixed_fit,
    free_fit,
    letterbox,
    suppress,
    tensor,
)

CHANNELS = ("centre_dx", "centre_dy", "width", "height", "foot_dx", "foot_dy")


@given(cols=st.integers(8, 900), rows=st.integers(8, 900))
@settings(max_examples=40, deadline=None)
def test_a_letterboxed_image_keeps_its_shape_in_the_corner(cols: int, rows: int) -> None:
    image = np.full((rows, cols, 3), 200, np.uint8)
    fit = fixed_fit(rows, cols, width_px=96, height_px=64)
    canvas = letterbox(image, fit=fit, value=7).canvas
    assert canvas.shape == (64, 96, 3)
    assert fit.scale == min(96 / cols, 64 / rows)
    inside = canvas[: round(rows * fit.scale), : round(cols * fit.scale)]
    assert inside.size
    assert (inside == 200).all()
    assert (canvas == 200).sum() == inside.size
    assert ((canvas == 200) | (canvas == 7)).all()


@given(
    cols=st.integers(1, 4000),
    rows=st.integers(1, 4000),
    pixels=st.integers(32 * 32, 200_000),
    multiple=st.sampled_from([1, 16, 32]),
)
@settings(max_examples=60, deadline=None)
def test_a_canvas_of_free_size_has_the_images_shape(
    cols: int, rows: int, pixels: int, multiple: int
) -> None:
    fit = free_fit(rows, cols, pixels=pixels, multiple=multiple)
    assert fit.width_px * fit.height_px <= pixels
    assert fit.width_px % multiple == fit.height_px % multiple == 0
    assert 0 < fit.scale <= 2
    assert fit.width_px - multiple < max(1, round(cols * fit.scale)) <= fit.width_px
    assert fit.height_px - multiple < max(1, round(rows * fit.scale)) <= fit.height_px


@pytest.mark.parametrize(
    ("size", "canvas"),
    [
        ((640, 480), (400, 304, 0.625)),
        ((768, 576), (400, 304, 400 / 768)),
        ((640, 432), (416, 288, 0.65)),
        ((1280, 720), (464, 264 // 16 * 16, 256 / 720)),
        ((480, 640), (304, 400, 0.625)),
        ((100, 100), (208, 208, 2.0)),
    ],
)
def test_canvases_of_usual_images(size: tuple[int, int], canvas: tuple[int, int, float]) -> None:
    fit = free_fit(size[1], size[0], pixels=122_880, multiple=16)
    assert (fit.width_px, fit.height_px, fit.scale) == pytest.approx(canvas)


@pytest.mark.parametrize("scale", [0.2, 0.3, 0.5, 0.7, 1.0, 2.0])
def test_what_is_shrunk_stays_in_its_place(scale: float) -> None:
    down, right = np.mgrid[:240, :320]
    image = np.dstack([right // 2, down, down]).astype(np.uint8)
    canvas = letterbox(image, fit=Fit(640, 480, scale), value=0).canvas
    rows, cols = round(240 * scale), round(320 * scale)
    down, right = np.mgrid[:rows, :cols]
    away_x = canvas[:rows, :cols, 0] - ((right + 0.5) / scale - 0.5) / 2
    away_y = canvas[:rows, :cols, 1] - ((down + 0.5) / scale - 0.5)
    assert np.abs(away_x[4:-4, 4:-4]).max() < 1.1
    assert np.abs(away_y[4:-4, 4:-4]).max() < 1.1


def test_an_image_is_not_changed_by_being_looked_at() -> None:
    image = np.arange(48 * 64 * 3, dtype=np.uint32).reshape(48, 64, 3).astype(np.uint8)
    before = image.copy()
    canvas = letterbox(image, fit=Fit(64, 48, 1.0), value=0).canvas
    tensor(canvas, planes=("r", "g", "b"), mean=(1, 2, 3), scale=(1, 1, 1))
    canvas[:] = 0
    np.testing.assert_array_equal(image, before)


def test_a_tensor_has_its_planes_in_order_and_scaled() -> None:
    canvas = np.zeros((2, 3, 3), np.uint8)
    canvas[:, :] = (10, 20, 30)
    bgr = tensor(canvas, planes=("b", "g", "r"), mean=(10, 10, 10), scale=(1, 0.5, 0.1))
    rgb = tensor(canvas, planes=("r", "g", "b"), mean=(10, 10, 10), scale=(1, 0.5, 0.1))
    assert (bgr.shape, bgr.dtype) == ((1, 3, 2, 3), np.float32)
    np.testing.assert_allclose(bgr[0, :, 0, 0], [0, 5, 2])
    np.testing.assert_allclose(rgb[0, :, 0, 0], [20, 5, 0])


def test_change_is_the_largest_difference_of_a_colour_where_the_background_is_known() -> None:
    canvas = np.full((1, 4, 3), 100, np.uint8)
    picture = canvas.copy()
    picture[0, 1] = (99, 110, 97)
    picture[0, 2] = (100, 255, 100)
    picture[0, 3] = 0
    backdrop = Backdrop(picture, np.array([[True, True, True, False]]))
    assert change(canvas, backdrop=backdrop).tolist() == [[128, 138, 255, 0]]
    assert change(canvas, backdrop=None).tolist() == [[0, 0, 0, 0]]
    planes = tensor(
        canvas, planes=("change", "g"), mean=(128, 0), scale=(0.5, 1), backdrop=backdrop
    )
    np.testing.assert_allclose(planes[0, :, 0], [[0, 5, 63.5, -64], [100] * 4])


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
    assert found == [Detection(x_px, y_px, 4.0, 8.0, 0.75, centre_x_px=21 / 2, centre_y_px=14 / 2)]


def test_a_net_that_tells_heads_gives_them_too() -> None:
    heat, geometry = _map((3, 5, 0.75))
    names = ("head_dx", "head_dy", "width", "height", "foot_dx", "foot_dy")
    (one,) = decode_centre_points(
        heat, geometry, stride_px=4, channels=names, point="foot", least=0.5, scale=2.0
    )
    assert (one.head_x_px, one.head_y_px) == (10.5, 7.0)
    assert (one.x_px, one.y_px) == (11.5, 11.0)
    assert (one.centre_x_px, one.centre_y_px) == (None, None)


@pytest.mark.parametrize(("same_head", "left"), [(None, 4), (0.25, 3), (0.6, 2)])
def test_of_peaks_at_one_head_the_strongest_stays(same_head: float | None, left: int) -> None:
    heat, geometry = _map((2, 2, 0.5), (2, 3, 0.75), (2, 4, 0.625), (5, 9, 0.25))
    names = ("head_dx", "head_dy", "width", "height", "foot_dx", "foot_dy")
    geometry[0, 3] = 10.0  # the longer side
    geometry[0, 0, 2, 2] += 2.0  # heads 2 and 4 px from the strongest's, in boxes of 10 px
    found = decode_centre_points(
        heat,
        geometry,
        stride_px=4,
        channels=names,
        point="foot",
        least=0.1,
        scale=2.0,
        same_head=same_head,
    )
    assert len(found) == left
    assert (found[0].confidence, found[-1].confidence) == (0.75, 0.25)


@pytest.mark.parametrize(
    ("pointed", "cell", "near", "foot"),
    [
        ((14.0, 12.0), (5, 6), (3.0, 2.0), (26.5, 21.0)),  # at (26, 20), in column 6 of row 5
        ((14.0, 12.0), (5, 6), (3.0, 9.0), (26.0, 20.0)),  # farther than .3 of 20 px
        ((14.0, 12.0), (5, 6), (3.0, np.nan), (26.0, 20.0)),
        ((1.0, 26.0), (7, 3), (1.0, 8.0), (13.0, 35.0)),  # 2 px below the picture: its edge says
    ],
)
def test_a_foot_is_asked_for_again_where_it_was_pointed_to(
    pointed: tuple[float, float],
    cell: tuple[int, int],
    near: tuple[float, float],
    foot: tuple[float, float],
) -> None:
    heat, geometry = _map((2, 3, 0.5))
    geometry[0, :4, 2, 3] = *pointed, 10.0, 20.0
    geometry[0, 4:, *cell] = near
    assert [(one.x_px, one.y_px) for one in _asked_again(heat, geometry)] == [foot]


def test_whose_foot_is_nowhere_is_nobody() -> None:
    heat, geometry = _map((2, 3, 0.5))
    geometry[0, :4, 2, 3] = np.nan, 12.0, 10.0, 20.0
    assert _asked_again(heat, geometry) == []


def _asked_again(heat: np.ndarray, geometry: np.ndarray) -> list[Detection]:
    names = ("foot_dx", "foot_dy", "width", "height", "near_foot_dx", "near_foot_dy")
    return decode_centre_points(
        heat,
        geometry,
        stride_px=4,
        channels=names,
        point="foot",
        least=0.1,
        scale=1.0,
        near_foot=0.3,
    )


def test_geometry_of_coarser_cells_is_read_alike() -> None:
    heat, geometry = _map((3, 5, 0.75), (1, 2, 0.5))
    geometry += np.arange(geometry.size, dtype=np.float32).reshape(geometry.shape)
    rows, cols = (side // 2 for side in geometry.shape[2:])
    cells = geometry[:, :, : 2 * rows, : 2 * cols].reshape(1, len(CHANNELS), rows, 2, cols, 2)
    coarse = cells.transpose(0, 1, 3, 5, 2, 4).reshape(1, 4 * len(CHANNELS), rows, cols)
    fine, same = (
        decode_centre_points(
            heat[:, :, : 2 * rows, : 2 * cols],
            some,
            stride_px=4,
            channels=CHANNELS,
            point="foot",
            least=0.1,
            scale=1.0,
        )
        for some in (geometry[:, :, : 2 * rows, : 2 * cols], coarse)
    )
    assert len(fine) == 2
    assert same == fine


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
        Detection(24.0, y_px, 16.0, 32.0, 0.875, centre_x_px=24.0, centre_y_px=24.0),
        Detection(88.0, y_px, 16.0, 32.0, 0.5, centre_x_px=88.0, centre_y_px=24.0),
    ]


def _yolox_row(*, x: float, y: float, width: float, height: float, sure: float) -> list[float]:
    return [x, y, np.log(width), np.log(height), 0.8, 0.1, sure]


@pytest.mark.parametrize("decoded", [False, True])
def test_a_yolox_head_is_read(decoded: bool) -> None:  # noqa: FBT001 - a case of two
    cells = 4 * 8 + 2 * 4 + 1 * 2  # of a 64 x 32 input
    raw = np.full((1, cells, 7), -3.0, np.float32)
    raw[0, :, 4:] = 0.0
    places = {8 * 2 + 5: (8, 5, 2), 32 + 4 + 3: (16, 3, 1)}
    for cell, (stride, col, row) in places.items():
        if decoded:
            x, y, size = (col + 0.5) * stride, (row + 0.25) * stride, (2 * stride, 4 * stride)
            raw[0, cell] = [x, y, *size, 0.8, 0.1, 0.5]
        else:
            raw[0, cell] = _yolox_row(x=0.5, y=0.25, width=2, height=4, sure=0.5)
    boxes, scores = decode_yolox(raw, size=(32, 64), strides=(8, 16, 32), person=1, decoded=decoded)
    assert (boxes.shape, scores.shape) == ((1, cells, 4), (1, cells))
    np.testing.assert_allclose(boxes[0, 21], [36, 2, 52, 34], atol=1e-4)
    np.testing.assert_allclose(boxes[0, 39], [40, -12, 72, 52], atol=1e-4)
    assert np.flatnonzero(scores[0] > 0.3).tolist() == [21, 39]
    assert scores[0, 21] == pytest.approx(0.4)


def test_a_yolox_head_of_other_strides_is_refused() -> None:
    with pytest.raises(ValueError, match=r"42 cells, but strides \(8, 16\) make 40"):
        decode_yolox(
            np.zeros((1, 42, 7), np.float32),
            size=(32, 64),
            strides=(8, 16),
            person=0,
            decoded=False,
        )


def test_two_side_by_side_are_two_and_one_seen_twice_is_one() -> None:
    one = Detection(100.0, 200.0, 40.0, 100.0, 0.9)
    beside = Detection(121.0, 203.0, 40.0, 100.0, 0.8)
    again = Detection(104.0, 210.0, 44.0, 95.0, 0.7)
    assert suppress([one, beside, again]) == [one, beside]
