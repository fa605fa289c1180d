"""Whether the cells of a codebook fall into groups, and into how many: proposed only if proven.

A silhouette proves nothing by itself: eight thousand real baskets gave .17 to .18 for any number
of groups, and columns shuffled against each other .13 to .15 (behaviour/NOTES.md section 3). So a
number of groups must beat shuffled data in two measures, and be found again in other days.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import HDBSCAN, KMeans
from sklearn.decomposition import PCA
from sklearn.metrics import adjusted_rand_score, davies_bouldin_score, silhouette_score

from hub.segments.rules import Array
from wire.codebook import Codebook

Labels = NDArray[np.intp]
NO_GROUPS = 1e6
"""The Davies-Bouldin measure of what falls into no groups at all: worse than any."""


@dataclass(frozen=True, slots=True)
class ClusterParams:
    """When groups are believed.

    Attributes:
        most: groups tried, from 2.
        points: drawn from the cells by their visits, for the measures.
        shuffles: of the cells' places, each trait by itself.
        beaten: part of the shuffles that both measures must beat.
        again: least adjusted Rand index between halves of the days [D]; shuffled real baskets
            gave .27 to .69.
        explained: part of the variance the principal components keep.
        smallest: part of the visits a dense group must hold (HDBSCAN).
    """

    most: int = 6
    points: int = 600
    shuffles: int = 19
    beaten: float = 0.95
    again: float = 0.7
    explained: float = 0.9
    smallest: float = 0.05


@dataclass(frozen=True, slots=True)
class Tried:
    """One way of grouping, and what speaks for it.

    Attributes:
        method: ``k-means`` or ``HDBSCAN``.
        groups: how many.
        silhouette: of the points; higher is better.
        davies_bouldin: of the points; lower is better.
        null: the quantile of the shuffles' silhouettes that had to be beaten.
        null_davies_bouldin: likewise, of theirs.
        again: adjusted Rand index between halves of the days.
        cells: the group of each cell, -1 for none.
    """

    method: str
    groups: int
    silhouette: float
    davies_bouldin: float
    null: float
    null_davies_bouldin: float
    again: float
    cells: tuple[int, ...]

    def believed(self, params: ClusterParams) -> bool:
        """Tell whether groups are more than chance would make."""
        return (
            self.silhouette > self.null
            and self.davies_bouldin < self.null_davies_bouldin
            and self.again >= params.again
        )


def grouped(
    book: Codebook,
    halves: tuple[Array, Array],
    *,
    seed: int = 0,
    params: ClusterParams | None = None,
) -> list[Tried]:
    """Try to group a codebook's cells, the most convincing way first.

    Args:
        book: whose cells.
        halves: (cells,) visits in every other day, and in the others: their noise is independent.
        seed: of the points and shuffles.
        params: when groups are believed.
    """
    chosen = params or ClusterParams()
    rng = np.random.default_rng(seed)
    places = np.array([cell.prototype for cell in book.cells])
    whole = _Drawn.of(places, halves[0] + halves[1], rng=rng, params=chosen)
    parts = [_Drawn.of(places, half, rng=rng, params=chosen) for half in halves]
    # cells are shuffled, not points: the lumps that cells are must not speak for groups of them
    shuffled = [
        _Drawn.of(_shuffled(places, rng=rng), halves[0] + halves[1], rng=rng, params=chosen).points
        for _ in range(chosen.shuffles)
    ]
    tried = [
        _tried("k-means", number, whole=whole, parts=parts, shuffled=shuffled, params=chosen)
        for number in range(2, min(chosen.most, len(places) - 1) + 1)
    ]
    tried.append(_tried("HDBSCAN", 0, whole=whole, parts=parts, shuffled=shuffled, params=chosen))
    found = [one for one in tried if one is not None]
    return sorted(found, key=lambda one: (not one.believed(chosen), one.null - one.silhouette))


def regrouped(
    book: Codebook,
    visits: Array,
    *,
    tried: Sequence[Tried],
    least: float = 0.0,
    params: ClusterParams | None = None,
) -> tuple[int, ...]:
    """Group the cells by the visits of one period, by the method that was believed.

    The number of groups is the period's own: that whose silhouette is most above what shuffled
    visits of all days gave, or groups could neither come nor go.

    Args:
        book: whose cells.
        visits: (cells,) of the period.
        tried: as ``grouped`` gave them, the believed one first.
        least: a cell with no more visits is in no group.
        params: as ``grouped`` took them.
    """
    chosen = params or ClusterParams()
    places = np.array([cell.prototype for cell in book.cells])
    there = np.where(visits > least, visits, 0.0)
    drawn = _Drawn.of(places, there, rng=np.random.default_rng(0), params=chosen)
    best, most = np.full(len(places), -1, dtype=np.intp), -np.inf
    for one in tried:
        if one.method != tried[0].method:
            continue
        labels = _labels(one.method, drawn.points, number=one.groups, params=chosen)
        above = _measures(drawn.points, labels)[0] - one.null
        if above > most:
            best, most = _by_cell(labels, drawn=drawn), above
    return tuple(int(one) for one in np.where(there > 0, best, -1))


@dataclass(frozen=True, slots=True, eq=False)
class _Drawn:
    """Points about the prototypes as the visits are, in principal components."""

    points: Array
    cells: Labels
    places: Array

    @classmethod
    def of(
        cls, places: Array, visits: Array, *, rng: np.random.Generator, params: ClusterParams
    ) -> _Drawn:
        weight = np.maximum(visits, 0.0)
        cells = rng.choice(len(places), size=params.points, p=weight / weight.sum())
        apart = np.linalg.norm(places[:, None] - places[None], axis=2)
        np.fill_diagonal(apart, np.inf)
        # as far as half-way to the neighbour, as visits of a cell are
        spread = apart.min(axis=1) / 2 / places.shape[1] ** 0.5
        points = (
            places[cells]
            + rng.normal(size=(params.points, places.shape[1])) * (spread[cells, None])
        )
        turned = PCA(n_components=params.explained, svd_solver="full").fit(points)
        return cls(turned.transform(points), cells, turned.transform(places))


def _tried(
    method: str,
    number: int,
    *,
    whole: _Drawn,
    parts: list[_Drawn],
    shuffled: list[Array],
    params: ClusterParams,
) -> Tried | None:
    labels = _labels(method, whole.points, number=number, params=params)
    groups = len(set(labels.tolist()) - {-1})
    if groups < 2:  # noqa: PLR2004 - one group is none
        return None
    measured = _measures(whole.points, labels)
    chance = [
        _measures(points, _labels(method, points, number=number, params=params))
        for points in shuffled
    ]
    cells = _by_cell(labels, drawn=whole)
    halves = [
        _by_cell(_labels(method, part.points, number=number, params=params), drawn=part)
        for part in parts
    ]
    return Tried(
        method,
        groups,
        *measured,
        float(np.quantile([one[0] for one in chance], params.beaten)),
        float(np.quantile([one[1] for one in chance], 1 - params.beaten)),
        float(adjusted_rand_score(halves[0][whole.cells], halves[1][whole.cells])),
        tuple(int(one) for one in cells),
    )


def _labels(method: str, points: Array, *, number: int, params: ClusterParams) -> Labels:
    if method == "k-means":
        found: Labels = KMeans(number, n_init=4, random_state=0).fit_predict(points)
        return found
    least = max(5, round(params.smallest * len(points)))
    dense: Labels = HDBSCAN(min_cluster_size=least, copy=True).fit_predict(points)
    return dense


def _measures(points: Array, labels: Labels) -> tuple[float, float]:
    inside = labels >= 0
    if len(set(labels[inside].tolist())) < 2:  # noqa: PLR2004 - one group is none
        return -1.0, NO_GROUPS
    return (
        float(silhouette_score(points[inside], labels[inside])),
        float(davies_bouldin_score(points[inside], labels[inside])),
    )


def _by_cell(labels: Labels, *, drawn: _Drawn) -> Labels:
    """Give each cell the group most of its points are in; one without points its nearest's."""
    cells = np.full(len(drawn.places), -1, dtype=np.intp)
    for cell in range(len(cells)):
        own = labels[drawn.cells == cell]
        if len(own):
            values, many = np.unique(own, return_counts=True)
            cells[cell] = values[many.argmax()]
        else:
            gaps = np.linalg.norm(drawn.points - drawn.places[cell], axis=1)
            cells[cell] = labels[int(gaps.argmin())]
    return cells


def _shuffled(places: Array, *, rng: np.random.Generator) -> Array:
    """Shuffle each column by itself: the same spreads, without what holds them together."""
    return np.column_stack([rng.permutation(column) for column in places.T])
