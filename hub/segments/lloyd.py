"""Better prototypes from what is released: private Lloyd steps, and history across codebooks.

``sums`` tell by how much the visits of each cell deviate from its prototype on average, each visit
clipped to length 1. Pooled over stores and days their noise falls, and a prototype can be moved to
where its visits are. Spread within a cell is not released; a cell is too wide if it holds too many.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import msgspec
import numpy as np

from hub.segments.rules import Array
from wire.codebook import Cell, Codebook
from wire.messages import DROPPED, SUMS_UNIT, Release

MOST_CELLS = 32


@dataclass(frozen=True, slots=True)
class LloydParams:
    """How a codebook is bettered.

    Attributes:
        clear_sd: a prototype moves only if its visits' mean is so many standard deviations of the
            noise away [D].
        crowded: a cell with this many times its even part of the visits is split [D].
        empty: one with less than this part of it is left out [D].
        draws: points by which the way from one codebook to another is worked out, a cell.
    """

    clear_sd: float = 3.0
    crowded: float = 2.5
    empty: float = 0.15
    draws: int = 400


@dataclass(frozen=True, slots=True, eq=False)
class Pooled:
    """Releases of one codebook, added up over stores, agents and days.

    Attributes:
        counts: (cells,) visits.
        count_variance: of the noise on each.
        sums: (cells, traits) deviations in scaled units.
        sum_variance: of the noise on each.
    """

    counts: Array
    count_variance: float
    sums: Array
    sum_variance: float


def pool(releases: Iterable[Release], *, book: Codebook) -> Pooled:
    """Add up ``day_cells`` and ``sums`` of a codebook; whatever else is ignored."""
    size, width = len(book.cells), len(book.scaling)
    counts, sums = np.zeros(size), np.zeros((size, width))
    count_variance = sum_variance = 0.0
    for release in releases:
        if release.codebook != book.version:
            continue
        if release.channel == "day_cells":
            labels = release.axes[0].labels
            placed = [n for n, one in zip(release.counts, labels, strict=True) if one != DROPPED]
            if len(placed) == size:
                counts += placed
                count_variance += release.sd**2
        elif release.channel == "sums":
            sum_variance += _add_sums(sums, release, book=book)
    return Pooled(counts, count_variance, sums, sum_variance)


def _add_sums(sums: Array, release: Release, *, book: Codebook) -> float:
    """Add a release's deviations; one of several parts of a day adds its cells only."""
    axes = {axis.name: axis.labels for axis in release.axes}
    table = np.array(release.counts, dtype=np.float64).reshape(
        [len(axis.labels) for axis in release.axes]
    )
    if release.axes[0].name != "cell":
        table = table.T
    rows = [int(label) for label in axes["cell"] if label != DROPPED]
    traits = [scaling.trait for scaling in book.scaling]
    columns = [traits.index(label) for label in axes["trait"]]
    sums[np.ix_(rows, columns)] += table[: len(rows)] / SUMS_UNIT
    # in several parts every cell is told once, so each part adds its part of the noise
    return release.sd**2 / SUMS_UNIT**2 * len(rows) / len(book.cells)


def step(
    book: Codebook, pooled: Pooled, *, version: str, params: LloydParams | None = None
) -> tuple[Codebook, list[str]]:
    """Move prototypes to their visits, split what is crowded, leave out what is empty.

    What patterns a new cell shows is taken over from the cell it came from; measure it anew
    (models/codebook/measure_confusion.py) before the codebook is published.

    Returns:
        The codebook, and what was done, in words.
    """
    chosen = params or LloydParams()
    even = max(float(pooled.counts.sum()), 1.0) / len(book.cells)
    cells: list[Cell] = []
    done: list[str] = []
    noise_sd = pooled.count_variance**0.5
    for number, cell in enumerate(book.cells):
        visits = float(pooled.counts[number])
        if visits + chosen.clear_sd * noise_sd < chosen.empty * even:
            done.append(f"cell {number}: left out, {100 * max(0.0, visits / even):.0f} % of even")
            continue
        place = np.array(cell.prototype)
        shift = _shift(pooled, number, params=chosen)
        if shift.any():
            done.append(f"cell {number}: moved by {float(np.linalg.norm(shift)):.2f}")
        place = place + shift
        if visits > chosen.crowded * even and len(cells) < MOST_CELLS - 1:
            away = _apart(book, number)
            done.append(f"cell {number}: split, {visits / even:.1f} times even")
            cells += [_at(cell, place - away), _at(cell, place + away)]
        else:
            cells.append(_at(cell, place))
    return msgspec.structs.replace(
        book, version=version, cells=tuple(cells), source=f"{book.version}, moved to its visits"
    ), done


def _shift(pooled: Pooled, number: int, *, params: LloydParams) -> Array:
    """Give how far a prototype is to move, shrunk by what noise alone would make of it."""
    visits = float(pooled.counts[number])
    if visits < params.clear_sd * pooled.count_variance**0.5 or visits <= 0:
        return np.zeros(pooled.sums.shape[1])
    mean = pooled.sums[number] / visits
    noise = pooled.sum_variance / visits**2
    length = float(mean @ mean)
    if length == 0.0 or length < params.clear_sd**2 * noise * len(mean):
        return np.zeros(len(mean))
    # James and Stein's factor: the part of the length that noise explains is taken off
    shift: Array = mean * max(0.0, 1.0 - len(mean) * noise / length)
    return shift


def _apart(book: Codebook, number: int) -> Array:
    """Give half a step towards both sides of a cell: along the way to its nearest neighbour."""
    places = np.array([cell.prototype for cell in book.cells])
    gaps = places - places[number]
    lengths = np.linalg.norm(gaps, axis=1)
    lengths[number] = np.inf
    away: Array = gaps[int(lengths.argmin())] / 4.0
    return away


def _at(cell: Cell, place: Array) -> Cell:
    return Cell(tuple(round(float(x), 3) for x in place), cell.patterns)


def bridge(old: Codebook, new: Codebook, *, params: LloydParams | None = None) -> Array | None:
    """Give the part of each old cell's visits that each new cell would hold.

    Points are spread about every old prototype, as far as half-way to its nearest neighbour; those
    that would be placed there are placed anew. The same books give the same table.

    Returns:
        (old cells, new cells), rows that sum to one; None where the new one asks for traits that
        the old one does not know.
    """
    chosen = params or LloydParams()
    known = {scaling.trait: number for number, scaling in enumerate(old.scaling)}
    if any(one.trait not in known or one.log != _log(old, one.trait) for one in new.scaling):
        return None
    rng = np.random.default_rng(0)
    places = np.array([cell.prototype for cell in old.cells])
    targets = np.array([cell.prototype for cell in new.cells])
    apart = np.linalg.norm(places[:, None] - places[None], axis=2)
    np.fill_diagonal(apart, np.inf)
    table = np.zeros((len(places), len(targets)))
    for number, place in enumerate(places):
        spread = apart[number].min() / 2 / len(place) ** 0.5
        points = place + rng.normal(0, spread, (chosen.draws, len(place)))
        own = _nearest(points, places) == number
        points = np.vstack([place, points[own]])
        bent = np.column_stack(
            [
                (
                    points[:, known[one.trait]] * old.scaling[known[one.trait]].spread
                    + old.scaling[known[one.trait]].centre
                    - one.centre
                )
                / one.spread
                for one in new.scaling
            ]
        )
        found = np.bincount(_nearest(bent, targets), minlength=len(targets))
        table[number] = found / found.sum()
    return table


def _log(book: Codebook, trait: str) -> bool:
    return next(one.log for one in book.scaling if one.trait == trait)


def _nearest(points: Array, places: Array) -> Array:
    nearest: Array = np.linalg.norm(points[:, None] - places[None], axis=2).argmin(axis=1)
    return nearest
