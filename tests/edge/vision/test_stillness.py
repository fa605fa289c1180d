from __future__ import annotations

import numpy as np
import pytest

from edge.vision.detection import Image
from edge.vision.stillness import Stillness, StillnessParams

BOX = (20.0, 20.0, 60.0, 80.0)
PARAMS = StillnessParams()


def _picture(rng: np.random.Generator, *, noise: float = 1.5) -> Image:
    return np.clip(rng.normal(128, noise, (120, 160, 3)), 0, 255).astype(np.uint8)


def _fed(*, seconds: float, moves: float = 0.0, noise: float = 1.5, fps: int = 6) -> Stillness:
    """Watch a room in which, within the box, a patch flickers for the first ``moves`` seconds."""
    stillness, rng = Stillness(), np.random.default_rng(3)
    for number in range(round(seconds * fps)):
        picture = _picture(rng, noise=noise)
        if number < moves * fps:
            picture[40:60, 30:50] = 255 * (number // 3 % 2)
        stillness.feed(round(1000 * number / fps), picture)
    return stillness


def test_what_has_not_moved_for_three_seconds_is_still() -> None:
    assert not _fed(seconds=2.5).holds(BOX)  # not watched for long enough
    assert _fed(seconds=4).holds(BOX)
    assert not _fed(seconds=4, moves=4).holds(BOX)
    assert not _fed(seconds=6, moves=4).holds(BOX)
    assert _fed(seconds=8, moves=4).holds(BOX)


def test_what_moves_beside_does_not_count() -> None:
    moving = _fed(seconds=4, moves=4)
    assert moving.holds((100.0, 20.0, 140.0, 80.0))
    assert moving.holds((48.0, 20.0, 108.0, 80.0))  # the patch is in its margin


def test_a_dim_sensors_noise_does_not_move() -> None:
    assert _fed(seconds=4, noise=4).holds(BOX)


def test_a_camera_that_repeats_its_picture_shows_nothing_still() -> None:
    stillness, picture = Stillness(), _picture(np.random.default_rng(1))
    picture[::2] += 1
    for at_ms in range(0, 10_000, 200):
        stillness.feed(at_ms, picture)
    assert not stillness.holds(BOX)


def test_pictures_of_another_size_begin_anew() -> None:
    stillness = _fed(seconds=4)
    stillness.feed(4_200, np.zeros((60, 80, 3), np.uint8))
    stillness.feed(4_800, np.zeros((60, 80, 3), np.uint8))
    assert not stillness.holds((10.0, 10.0, 30.0, 40.0))


@pytest.mark.parametrize("box", [(-50.0, -50.0, -10.0, -10.0), (500.0, 10.0, 600.0, 50.0)])
def test_a_box_outside_the_picture_is_not_still(box: tuple[float, float, float, float]) -> None:
    assert not _fed(seconds=4).holds(box)
