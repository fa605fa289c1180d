from __future__ import annotations

import cv2
import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from edge.setup.picture import HATCH, from_above, hatched, png
from edge.vision.ground import Ground

SIZE = (64, 48)
PICTURE: NDArray[np.uint8] = np.full((48, 64, 3), (1, 2, 3), np.uint8)


def a_ground() -> Ground:
    """A camera straight above 8 x 6 m of floor, eight pixels a metre."""
    image = np.array([[0, 48], [64, 48], [64, 0], [0, 0]], np.float64)
    floor = np.array([[0, 0], [8, 0], [8, 6], [0, 6]], np.float64)
    return Ground.from_points(image, floor, image_size=SIZE, hfov_deg=60.0)


@given(st.integers(0, 2**32 - 1))
def test_nothing_of_what_is_not_known_is_shown(seed: int) -> None:
    known = np.random.default_rng(seed).random((48, 64)) < 0.5
    shown = hatched(PICTURE, known)
    assert (shown[known] == (1, 2, 3)).all()
    assert np.isin(shown[~known], HATCH).all()


def test_a_picture_nothing_is_known_of_is_hatched_in_two_greys() -> None:
    shown = hatched(PICTURE, np.zeros((48, 64), np.bool_))
    assert set(np.unique(shown)) == set(HATCH)


def test_from_above_north_is_up_and_the_unknown_transparent() -> None:
    picture = PICTURE.copy()
    picture[:24] = (9, 9, 200)  # the northern half
    known = np.ones((48, 64), np.bool_)
    known[:, :16] = False  # west of 2 m
    above = from_above(
        picture, known, ground=a_ground(), extent=(0.0, 0.0, 8.0, 6.0), px_per_m=10.0
    )
    assert above.shape == (60, 80, 4)
    assert (above[:, :18, 3] == 0).all()
    assert (above[above[:, :, 3] == 0] == 0).all()
    assert (above[2:28, 24:78] == (9, 9, 200, 255)).all()
    assert (above[32:58, 24:78] == (1, 2, 3, 255)).all()


def test_from_above_floor_outside_the_picture_is_transparent() -> None:
    known = np.ones((48, 64), np.bool_)
    above = from_above(
        PICTURE, known, ground=a_ground(), extent=(-2.0, 0.0, 8.0, 6.0), px_per_m=10.0
    )
    assert (above[:, :19, 3] == 0).all()
    assert above[30, 60, 3] == 255


def test_from_above_mixes_nothing_of_what_is_not_known_into_its_neighbours() -> None:
    picture = PICTURE.copy()
    known = np.ones((48, 64), np.bool_)
    picture[20:30, 20:30] = 255
    known[20:30, 20:30] = False
    for px_per_m in (5.0, 7.3, 31.0):
        above = from_above(
            picture, known, ground=a_ground(), extent=(0.0, 0.0, 8.0, 6.0), px_per_m=px_per_m
        )
        assert above[:, :, :3].max() <= 3


def test_a_png_keeps_every_pixel() -> None:
    image = np.random.default_rng(1).integers(0, 256, (20, 30, 4), np.uint8)
    back = cv2.imdecode(np.frombuffer(png(image), np.uint8), cv2.IMREAD_UNCHANGED)
    assert (back == image).all()
