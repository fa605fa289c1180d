"""A walk's points to a smooth path, and the path to stays and stops."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge.visits.plan import Floor, ZoneKind

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class PathParams:
    """How a path is read.

    Attributes:
        step_ms: spacing of the resampled path; twice the frame rate of a small box.
        smooth_ms: moving average. Of four methods this one and ``slow_m_s`` found stops best
            under 10 to 30 cm of position noise (behaviour/NOTES.md section 5).
        slow_m_s: below this one stands.
        stop_ms: the least a stop lasts.
        stop_gap_ms: stirring for no longer than this does not end a stop.
        fixture_m: farther from any fixture, standing is not looking at goods.
        stop_free: kinds of zone in which standing is waiting, not shopping.
        flicker_ms: leaving a zone for no longer than this does not end the stay.
        stay_ms: the least a stay lasts; clipping a corner is none.
    """

    step_ms: int = 250
    smooth_ms: int = 2_000
    slow_m_s: float = 0.4
    stop_ms: int = 3_000
    stop_gap_ms: int = 1_000
    fixture_m: float = 1.2
    stop_free: tuple[ZoneKind, ...] = ("till", "entrance", "exit", "queue", "staff")
    flicker_ms: int = 1_000
    stay_ms: int = 1_000


@dataclass(frozen=True, slots=True)
class Stay:
    """A visit inside a zone; leaving for less than the flicker time does not end it."""

    zone: str
    start_ms: int
    end_ms: int


@dataclass(frozen=True, slots=True)
class Stop:
    """Standing at a fixture; ``zone`` is the zone it happened in, or empty."""

    zone: str
    start_ms: int
    end_ms: int
    east_m: float
    north_m: float


@dataclass(frozen=True, slots=True)
class Path:
    """A smooth path on even steps.

    Attributes:
        start_ms: instant of the first point.
        step_ms: spacing.
        points_m: (N, 2) float64 east, north, metres; N at least 1.
    """

    start_ms: int
    step_ms: int
    points_m: NDArray[np.float64]

    @property
    def length_m(self) -> float:
        """How far it goes."""
        return float(np.linalg.norm(np.diff(self.points_m, axis=0), axis=1).sum())

    @property
    def reach_m(self) -> float:
        """How far it gets from where it began."""
        return float(np.linalg.norm(self.points_m - self.points_m[0], axis=1).max())

    def speeds_m_s(self) -> NDArray[np.float64]:
        """Give (N,) speeds, centred; one point alone stands still."""
        if len(self.points_m) == 1:
            return np.zeros(1)
        slopes = np.gradient(self.points_m, self.step_ms / 1_000, axis=0)
        speeds: NDArray[np.float64] = np.linalg.norm(slopes, axis=1)
        return speeds


def smooth_path(
    times_ms: Sequence[int],
    east_m: Sequence[float],
    north_m: Sequence[float],
    *,
    params: PathParams,
) -> Path:
    """Even out a walk: resampled on scene time, then a centred moving average.

    Gaps are bridged straight: who was lost for a while walked on. Near both ends the average is
    over fewer points, evenly on both sides, so that ends stay where they are.
    """
    start_ms = times_ms[0]
    steps = max(0, (times_ms[-1] - start_ms) // params.step_ms)
    grid = start_ms + params.step_ms * np.arange(steps + 1)
    even = np.stack([np.interp(grid, times_ms, east_m), np.interp(grid, times_ms, north_m)], axis=1)
    half = params.smooth_ms // (2 * params.step_ms)
    index = np.arange(len(even))
    side = np.minimum(half, np.minimum(index, index[::-1]))
    sums = np.concatenate([np.zeros((1, 2)), np.cumsum(even, axis=0)])
    smooth = (sums[index + side + 1] - sums[index - side]) / (2 * side + 1)[:, None]
    return Path(start_ms, params.step_ms, smooth)


def stays_of(path: Path, *, floor: Floor, params: PathParams) -> tuple[Stay, ...]:
    """Give the stays in zones, by start."""
    zones = floor.zones_at(path.points_m)
    stays = [
        Stay(floor.plan.zones[number].id, start_ms, end_ms)
        for number in np.unique(zones[zones >= 0]).tolist()
        for start_ms, end_ms in _spans(
            np.flatnonzero(zones == number), path=path, gap_ms=params.flicker_ms
        )
        if end_ms - start_ms >= params.stay_ms
    ]
    return tuple(sorted(stays, key=lambda stay: (stay.start_ms, stay.zone)))


def stops_of(path: Path, *, floor: Floor, params: PathParams) -> tuple[Stop, ...]:
    """Give the stops at fixtures, by start."""
    slow = np.flatnonzero(path.speeds_m_s() < params.slow_m_s)
    stops = []
    for start_ms, end_ms in _spans(slow, path=path, gap_ms=params.stop_gap_ms):
        if end_ms - start_ms < params.stop_ms:
            continue
        first = (start_ms - path.start_ms) // path.step_ms
        last = (end_ms - path.start_ms) // path.step_ms
        east, north = path.points_m[first:last].mean(axis=0).tolist()
        zone = floor.zone_at(east, north)
        away_m = float(floor.goods_distance_m(np.array([[east, north]]))[0])
        if away_m <= params.fixture_m and (zone is None or zone.kind not in params.stop_free):
            stops.append(Stop(zone.id if zone else "", start_ms, end_ms, east, north))
    return tuple(stops)


def _spans(indices: NDArray[np.int64], *, path: Path, gap_ms: int) -> list[Span]:
    """Join path indices to spans [start, end) of scene time, over gaps up to ``gap_ms``."""
    if not len(indices):
        return []
    breaks = np.flatnonzero((np.diff(indices) - 1) * path.step_ms > gap_ms)
    firsts = indices[np.concatenate([[0], breaks + 1])]
    lasts = indices[np.concatenate([breaks, [len(indices) - 1]])]
    starts_ms = (path.start_ms + firsts * path.step_ms).tolist()
    ends_ms = (path.start_ms + (lasts + 1) * path.step_ms).tolist()
    return list(zip(starts_ms, ends_ms, strict=True))
