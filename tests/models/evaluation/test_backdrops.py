from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from models.evaluation.backdrops import Fixed, medians_of_others, sequences, spread, way_for


def _hall(count: int, *, seed: int, moved: bool = False) -> list[np.ndarray]:
    """Give a hall's images, each with a dark square somewhere; the camera moves if asked."""
    chance = np.random.default_rng(seed)
    floor = np.kron(chance.integers(60, 200, (24, 48, 3)), np.ones((4, 4, 1))).astype(np.uint8)
    images = []
    for _ in range(count):
        image = np.roll(floor, chance.integers(0, 190), axis=1) if moved else floor.copy()
        row, col = chance.integers(0, 70), chance.integers(0, 160)
        image[row : row + 24, col : col + 24] = 0
        images.append(image[:, :160])
    return images


@pytest.mark.parametrize(("count", "way"), [(4, "none"), (12, "median"), (70, "causal")])
def test_a_fixed_camera_gets_a_background_by_how_many_images_there_are(
    count: int, way: str
) -> None:
    assert way_for(_hall(count, seed=1), count=count, fixed=Fixed()) == way


def test_a_moving_camera_gets_none() -> None:
    assert way_for(_hall(20, seed=2, moved=True), count=20, fixed=Fixed()) == "none"


@pytest.mark.parametrize("count", [5, 6])
def test_the_median_is_of_the_other_images(count: int) -> None:
    images = [np.full((2, 3, 3), level, np.uint8) for level in range(10, 10 * count + 1, 10)]
    chance = np.random.default_rng(3)
    chance.shuffle(images)
    for number, backdrop in enumerate(medians_of_others(images, alike=255)):
        others = sorted(int(each[0, 0, 0]) for index, each in enumerate(images) if index != number)
        assert (backdrop.picture == others[(count - 2) // 2]).all()
        assert backdrop.known.all()


def test_a_hall_without_its_people_is_known_except_where_nothing_stays() -> None:
    images = _hall(15, seed=4)
    for number, image in enumerate(images):
        image[90:, 150:] = 17 * number
    empty = np.median(np.stack(images), axis=0)
    for image, backdrop in zip(images, medians_of_others(images, alike=18), strict=True):
        assert not backdrop.known[90:, 150:].any()
        assert backdrop.known[:90].mean() > 0.98
        assert np.abs(backdrop.picture[:90] - empty[:90]).mean() < 2
        assert np.abs(backdrop.picture.astype(int) - image).max() > 50


def test_sequences_are_parted_by_name_and_size_and_ordered_by_number() -> None:
    names = ["b_10.png", "a_2.png", "b_9.png", "a_1.png", "big_1.png"]
    sizes = {"big_1.png": (9, 9)}
    groups = sequences([Path(name) for name in names], size_of=lambda f: sizes.get(f.name, (1, 1)))
    assert [[file.name for file in group] for group in groups] == [
        ["a_1.png", "a_2.png"],
        ["b_9.png", "b_10.png"],
        ["big_1.png"],
    ]


def test_some_are_spread_over_all() -> None:
    files = [Path(str(number)) for number in range(100)]
    some = [int(file.name) for file in spread(files, most=40)]
    assert len(some) == 40
    assert (some[0], some[-1]) == (0, 97)
    assert spread(files[:3], most=40) == files[:3]
