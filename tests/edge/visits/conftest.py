from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import pytest

from edge.vision.tracking import TrackPoint
from edge.visits.plan import Floor, FloorPlan, Polygon, Zone

Leg = tuple[float, float] | float
Walker = Callable[..., list[TrackPoint]]


def _box(west: float, south: float, east: float, north: float) -> Polygon:
    return ((west, south), (east, south), (east, north), (west, north))


@pytest.fixture
def box() -> Callable[[float, float, float, float], Polygon]:
    return _box


@pytest.fixture(scope="session")
def plan() -> FloorPlan:
    """The store everybody here uses, with its four aisles."""
    return FloorPlan(
        version="p1",
        outline=_box(0, 0, 12, 18),
        zones=(
            Zone("aisle-1", "aisle", "", _box(0.4, 6, 2.5, 14)),
            Zone("aisle-2", "aisle", "", _box(3.5, 6, 5.5, 14)),
            Zone("aisle-3", "aisle", "", _box(6.5, 6, 8.5, 14)),
            Zone("aisle-4", "aisle", "", _box(9.5, 6, 11.6, 14)),
            Zone("promo", "promo", "", _box(4.4, 2.2, 7.6, 5.2)),
            Zone("till", "till", "", _box(8.0, 1.4, 11.4, 2.6)),
            Zone("entrance", "entrance", "", _box(0.6, 0, 3.4, 1.4)),
            Zone("exit", "exit", "", _box(8.6, 0, 11.4, 1.3)),
        ),
        fixtures=(
            _box(2.5, 6, 3.5, 14),
            _box(5.5, 6, 6.5, 14),
            _box(8.5, 6, 9.5, 14),
            _box(0, 6, 0.4, 14),
            _box(11.6, 6, 12, 14),
            _box(5.4, 3.2, 6.6, 4.2),
            _box(8.2, 2.6, 10.2, 3.2),
        ),
    )


@pytest.fixture(scope="session")
def floor(plan: FloorPlan) -> Floor:
    return Floor(plan)


@pytest.fixture(scope="session")
def walker() -> Walker:
    """Walk along places at 1 m/s, six points a second; a bare number is standing that many s."""

    def go(track: int, legs: Sequence[Leg], *, start_ms: int = 0) -> list[TrackPoint]:
        place = legs[0]
        assert isinstance(place, tuple)
        points: list[tuple[float, float]] = [place]
        for leg in legs[1:]:
            if isinstance(leg, tuple):
                count = max(1, round(6 * math.dist(place, leg)))
                points += [
                    (
                        place[0] + (leg[0] - place[0]) * step / count,
                        place[1] + (leg[1] - place[1]) * step / count,
                    )
                    for step in range(1, count + 1)
                ]
                place = leg
            else:
                points += [place] * round(6 * leg)
        return [
            TrackPoint(track, start_ms + round(number * 1000 / 6), east, north)
            for number, (east, north) in enumerate(points)
        ]

    return go
