"""The floor: where visits walk and stand, between which zones they go, and what stays dead."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from hub.patterns.shares import Estimate, Share, ShareParams, share
from hub.reports.figures import Noised, above_noise, add_counts, total_of
from wire.messages import ChannelName, Release, Zone

Polygon = Sequence[tuple[float, float]]
KERNEL = np.array([[1.0, 2.0, 1.0], [2.0, 4.0, 2.0], [1.0, 2.0, 1.0]])
"""Binomial: a cell's neighbours count half, those at its corners a quarter."""


@dataclass(frozen=True, slots=True)
class GroundParams:
    """What is said of the floor.

    Attributes:
        dead: a cell is dead if surely fewer than this part of the walkable cells' mean come there
            [D]; Palexy, RetailNext and others leave the threshold to the shop.
        most_ways: arrows on the plan; more cannot be read.
    """

    dead: float = 0.25
    most_ways: int = 14


@dataclass(frozen=True, slots=True)
class MapCell:
    """One square of the floor, by its south-west corner, metres.

    Attributes:
        visits: that touched it, after smoothing over its neighbours.
        told: whether noise alone could not explain so many.
        dead: whether surely hardly anybody comes there.
    """

    east_m: float
    north_m: float
    visits: Estimate
    told: bool
    dead: bool


@dataclass(frozen=True, slots=True)
class HeatMap:
    """A floor in squares; those under fixtures and outside the walls are left out."""

    step_m: float
    cells: tuple[MapCell, ...]

    @property
    def dead_part(self) -> float:
        """Give the part of the floor that is dead."""
        return sum(cell.dead for cell in self.cells) / max(1, len(self.cells))


@dataclass(frozen=True, slots=True)
class Way:
    """Visits that went from a zone straight to another, more than noise could explain."""

    zone: str
    to_zone: str
    name: str
    to_name: str
    visits: Estimate


@dataclass(frozen=True, slots=True)
class FirstWay:
    """What share of the ways in from the doors leads to a zone.

    Attributes:
        u_turn: whether it is the way out.
    """

    to_zone: str
    to_name: str
    share: Share
    u_turn: bool


def heat_map(
    releases: Iterable[Release],
    *,
    channel: ChannelName,
    outline: Polygon,
    fixtures: Sequence[Polygon],
    params: GroundParams,
) -> HeatMap | None:
    """Map one channel of the floor; None where nothing of it was released.

    Args:
        releases: of the period; of other grids than the newest one's, none is counted.
        channel: ``walked`` or ``stood``.
        outline: the walls.
        fixtures: where nobody can be.
        params: what is said.
    """
    given = [release for release in releases if release.channel == channel]
    if not given:
        return None
    easts = _axis(given[-1], "east_m")
    same = [release for release in given if _axis(release, "east_m") == easts]
    cells = add_counts(same, channel=channel)
    columns = sorted(float(label) for label in easts)
    rows = sorted({float(north) for north, _ in cells})
    steps = [b - a for one in (columns, rows) for a, b in pairwise(one)]
    step = min(steps) if steps else 1.0
    counts, variances, open_ = (np.zeros((len(rows), len(columns))) for _ in range(3))
    for (north, east), noised in cells.items():
        at = rows.index(float(north)), columns.index(float(east))
        counts[at], variances[at] = noised.count, noised.variance
        open_[at] = _is_open(float(east), float(north), step, outline=outline, fixtures=fixtures)
    smooth, noise = _smoothed(counts, variances, open_=open_)
    return HeatMap(step, _cells(smooth, noise, open_, rows, columns, params=params))


def ways(
    releases: Iterable[Release], *, zones: Mapping[str, Zone], params: GroundParams
) -> tuple[tuple[Way, ...], int]:
    """Give the ways between zones that noise cannot explain, most used first, and of how many."""
    cells = add_counts(releases, channel="flow")
    pairs = {pair: noised for pair, noised in cells.items() if pair[0] != pair[1]}
    least = above_noise(len(pairs))
    told = [
        Way(one, other, _name(one, zones), _name(other, zones), noised.estimate)
        for (one, other), noised in pairs.items()
        if noised.count > least * noised.variance**0.5
    ]
    told.sort(key=lambda way: -way.visits.value)
    return tuple(told[: params.most_ways]), len(told)


def first_ways(
    releases: Iterable[Release], *, zones: Mapping[str, Zone], params: ShareParams
) -> tuple[FirstWay, ...]:
    """Say where visits go first from the doors, largest share first."""
    doors = {zone.id for zone in zones.values() if zone.kind == "entrance"}
    cells = add_counts(releases, channel="flow")
    goals = list(
        dict.fromkeys(other for one, other in cells if one in doors and other not in doors)
    )
    into = [
        total_of(cells[door, goal] for door in sorted(doors) if (door, goal) in cells)
        for goal in goals
    ]
    rows = []
    for place, goal in enumerate(goals):
        found = _one_of(into, place, params=params)
        kind = zones[goal].kind if goal in zones else ""
        rows.append(FirstWay(goal, _name(goal, zones), found, kind == "exit"))
    rows.sort(key=lambda row: -(row.share.value or 0.0))
    return tuple(rows)


def _one_of(cells: Sequence[Noised], place: int, *, params: ShareParams) -> Share:
    return share(
        [one.count for one in cells],
        weights=[float(number == place) for number in range(len(cells))],
        variances=[one.variance for one in cells],
        params=params,
    )


def _cells(
    smooth: NDArray[np.float64],
    noise: NDArray[np.float64],
    open_: NDArray[np.float64],
    rows: Sequence[float],
    columns: Sequence[float],
    *,
    params: GroundParams,
) -> tuple[MapCell, ...]:
    inside = open_ > 0
    if not inside.any():
        return ()
    least = above_noise(int(inside.sum()))
    mean = max(0.0, float(smooth[inside].mean()))
    found = []
    for row, column in zip(*np.nonzero(inside), strict=True):
        value, variance = float(smooth[row, column]), float(noise[row, column])
        estimate = Noised(value, variance).estimate
        told = value > least * variance**0.5
        dead = value + least * variance**0.5 < params.dead * mean
        found.append(MapCell(columns[column], rows[row], estimate, told, dead))
    return tuple(found)


def _smoothed(
    counts: NDArray[np.float64], variances: NDArray[np.float64], *, open_: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Average every cell with its open neighbours, and carry the noise along."""
    weight = _around(open_, KERNEL)
    divisor = np.maximum(weight, KERNEL.min())
    return (
        _around(counts * open_, KERNEL) / divisor,
        _around(variances * open_, KERNEL**2) / divisor**2,
    )


def _around(values: NDArray[np.float64], kernel: NDArray[np.float64]) -> NDArray[np.float64]:
    padded = np.pad(values, 1)
    rows, columns = values.shape
    return np.asarray(
        sum(
            kernel[down, right] * padded[down : down + rows, right : right + columns]
            for down in range(3)
            for right in range(3)
        )
    )


def _is_open(
    east: float, north: float, step: float, *, outline: Polygon, fixtures: Sequence[Polygon]
) -> bool:
    """Tell whether any quarter of a square can be walked on."""
    quarters = [(east + x * step, north + y * step) for x in (0.25, 0.75) for y in (0.25, 0.75)]
    return any(
        _within(middle, outline) and not any(_within(middle, fixture) for fixture in fixtures)
        for middle in quarters
    )


def _axis(release: Release, name: str) -> tuple[str, ...]:
    return next(axis.labels for axis in release.axes if axis.name == name)


def _within(point: tuple[float, float], polygon: Polygon) -> bool:
    """Tell whether a ray eastwards leaves a polygon (even-odd rule)."""
    x, y = point
    inside = False
    for (x1, y1), (x2, y2) in pairwise([*polygon, polygon[0]]):
        if (y1 > y) != (y2 > y) and x < x1 + (y - y1) / (y2 - y1) * (x2 - x1):
            inside = not inside
    return inside


def _name(zone: str, zones: Mapping[str, Zone]) -> str:
    return (zones[zone].name or zone) if zone in zones else zone
