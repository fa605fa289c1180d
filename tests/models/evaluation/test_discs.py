from __future__ import annotations

import cv2
import numpy as np
import pytest

from edge.vision.detection import Image
from edge.vision.sectors import looks_down
from models.evaluation.discs import Disc, disc_in, ground_below, turned_all_ways


def _shot(
    *, size: tuple[int, int], centre: tuple[float, float], radius: float, dark: int = 0, seed: int
) -> Image:
    """Draw a round picture of blotches on black, some as dark as what is outside."""
    rng = np.random.default_rng(seed)
    blotches = rng.integers(dark, 200, (9, 12, 3)).astype(np.uint8)
    image = cv2.resize(blotches, size, interpolation=cv2.INTER_NEAREST)
    y, x = np.mgrid[: size[1], : size[0]] + 0.5
    image[np.hypot(x - centre[0], y - centre[1]) > radius] = 0
    noisy = image + rng.normal(0, 3, image.shape)
    return np.asarray(np.clip(noisy, 0, 255), np.uint8)


@pytest.mark.parametrize(
    ("size", "centre", "radius"),
    [
        ((480, 480), (236.0, 243.0), 228.0),
        ((640, 480), (322.0, 238.0), 290.0),  # cut above and below
        ((1280, 960), (650.0, 470.0), 430.0),
    ],
)
def test_a_round_picture_is_found_where_it_is(
    size: tuple[int, int], centre: tuple[float, float], radius: float
) -> None:
    shots = [_shot(size=size, centre=centre, radius=radius, seed=seed) for seed in range(4)]
    for shot in shots:
        cv2.putText(shot, "12:03:59", (4, 14), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (255,) * 3)
    found = disc_in(shots)
    assert found is not None
    assert (found.x_px, found.y_px) == pytest.approx(centre, abs=0.005 * size[0])
    assert found.radius_px == pytest.approx(radius, rel=0.015)


def test_other_pictures_are_not_round() -> None:
    rng = np.random.default_rng(3)
    full = rng.integers(40, 200, (240, 320, 3)).astype(np.uint8)
    assert disc_in([full]) is None
    bars = full.copy()
    bars[:30], bars[-30:] = 0, 0
    assert disc_in([bars]) is None
    assert disc_in([np.zeros_like(full)]) is None
    spot = _shot(size=(320, 240), centre=(70.0, 100.0), radius=110.0, dark=40, seed=1)
    assert disc_in([spot]) is None  # a lamp, aside


def test_people_lie_all_ways_under_a_ceiling_only() -> None:
    rng = np.random.default_rng(5)
    around = np.column_stack(
        [np.ones((40, 2)), np.full(40, 20), np.full(40, 50), np.arange(40) * 9]
    )
    assert turned_all_ways(around)
    lying = around[:, [0, 1, 3, 2, 4]]
    assert turned_all_ways(lying)
    upright = around.copy()
    upright[:, 4] = rng.normal(0, 15, 40)
    assert not turned_all_ways(upright)
    upright[:, [2, 3]], upright[:, 4] = upright[:, [3, 2]], upright[:, 4] + 90
    assert not turned_all_ways(upright)
    assert not turned_all_ways(around[:3])
    assert not turned_all_ways(np.empty((0, 5)))


def test_a_disc_shows_its_angle() -> None:
    ground = ground_below(Disc(100.0, 90.0, 80.0), view_deg=180.0, size=(200, 180))
    assert looks_down(ground)
    places = ground.image_from_floor(np.array([(0.0, 0.0), (3.0, 0.0), (0.0, 3.0)]))
    assert places == pytest.approx(np.array([(100, 90), (140, 90), (100, 50)]))
