from __future__ import annotations

import numpy as np

from hub.segments.clusters import ClusterParams, grouped, regrouped
from wire.codebook import Cell, Codebook, Scaling

QUICK = ClusterParams(most=3, points=150, shuffles=9)


def book(places: np.ndarray) -> Codebook:
    scaling = tuple(Scaling(f"trait{n}", 0.0, 1.0) for n in range(places.shape[1]))
    cells = tuple(Cell(tuple(map(float, place)), {}) for place in places)
    return Codebook("made-1", scaling, cells)


def halves(size: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    likely = rng.dirichlet(np.full(size, 5.0))
    first, second = (rng.multinomial(5_000, likely) + rng.normal(0, 30, size) for _ in range(2))
    return first, second


def test_groups_that_are_there_are_found_and_believed() -> None:
    rng = np.random.default_rng(2)
    centres = np.array([[0, 0, 0], [5, 5, 0], [0, 5, 5]])
    places = np.concatenate([centre + rng.normal(0, 0.6, (6, 3)) for centre in centres])
    tried = grouped(book(places), halves(18, 3), params=QUICK)
    best = tried[0]
    assert best.believed(QUICK)
    assert best.groups == 3
    groups = np.array(best.cells).reshape(3, 6)
    assert all(len(set(row.tolist())) == 1 for row in groups)
    visits = halves(18, 4)[0]
    again = np.array(regrouped(book(places), visits, tried=tried, params=QUICK))
    assert all(len(set(row.tolist())) == 1 for row in again.reshape(3, 6))
    # a period in which one of them does not come has two
    visits = np.where(np.arange(18) < 6, 20.0, np.maximum(visits, 100.0))
    gone = np.array(regrouped(book(places), visits, tried=tried, least=60.0, params=QUICK))
    assert set(gone[:6].tolist()) == {-1}
    assert len(set(gone[6:].tolist())) == 2
    assert all(len(set(row.tolist())) == 1 for row in gone.reshape(3, 6))


def test_one_cloud_is_not_parted() -> None:
    believed = 0
    for seed in range(3):
        places = np.random.default_rng(seed).normal(0, 1, (16, 4))
        believed += grouped(book(places), halves(16, seed), params=QUICK)[0].believed(QUICK)
    assert believed <= 1
