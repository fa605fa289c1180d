from __future__ import annotations

import numpy as np
import pytest

from models.evaluation.floor import score

Paths = dict[int, dict[int, tuple[float, float]]]


def _scene(seed: int) -> tuple[Paths, Paths]:
    """Five people who come and go; tracks that miss, swap, break and dream."""
    chance = np.random.default_rng(seed)
    truth, tracks = {}, {}
    starts, paces = chance.uniform(0, 6, (5, 2)), chance.uniform(-0.15, 0.15, (5, 2))
    for at in range(60):
        there = {
            p: tuple((starts[p] + at * paces[p]).tolist())
            for p in range(5)
            if 8 * p <= at < 30 + 8 * p
        }
        truth[100 * at] = there
        seen = {}
        for p, (east, north) in there.items():
            if chance.random() < 0.85:
                name = 10 * p + (at > 25 and p in (1, 2))
                if p in (3, 4) and at > 40:
                    name = 10 * (7 - p)
                right, up = chance.normal(0, 0.35, 2)
                seen[name] = (east + right, north + up)
        if chance.random() < 0.3:
            seen[99] = tuple(chance.uniform(0, 6, 2).tolist())
        tracks[100 * at] = seen
    return truth, tracks


@pytest.mark.parametrize(
    ("seed", "figures"),
    [
        (1, (0.47138, 0.59026, 0.37689, 0.57840, 0.69595, 4)),
        (2, (0.46664, 0.56367, 0.38653, 0.58305, 0.66892, 4)),
        (3, (0.46783, 0.57110, 0.38360, 0.57045, 0.64189, 4)),
    ],
)
def test_figures_are_those_of_trackeval_1_3(seed: int, figures: tuple[float, ...]) -> None:
    it = score(*_scene(seed), within_m=1.0)  # TrackEval was given similarities 1 - distance / 2 m
    found = (it.hota, it.det_a, it.ass_a, it.idf1, it.mota, it.switches)
    assert found == pytest.approx(figures, abs=1e-5)


def test_the_truth_itself_is_perfect_and_nothing_is_nothing() -> None:
    truth, _ = _scene(4)
    best, worst = score(truth, truth, within_m=1.0), score(truth, {}, within_m=1.0)
    assert (best.mota, best.idf1, best.hota) == (1.0, 1.0, pytest.approx(1.0))
    assert (worst.mota, worst.idf1, worst.hota, worst.misses) == (0.0, 0.0, 0.0, worst.people)
