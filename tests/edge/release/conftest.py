from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from edge.release.noise import RandBelow, discrete_gaussian
from edge.release.privacy import Budget
from edge.release.released import Released
from edge.visits.path import Stay, Stop
from edge.visits.plan import Floor, FloorPlan, Polygon, Zone
from edge.visits.visits import Visit
from wire.codebook import Cell, Codebook, Scaling


def _box(west: float, south: float, east: float, north: float) -> Polygon:
    return ((west, south), (east, south), (east, north), (west, north))


@pytest.fixture(scope="session")
def plan() -> FloorPlan:
    """Ten aisles side by side, an entrance and an exit below them."""
    aisles = tuple(
        Zone(f"aisle-{number}", "aisle", "", _box(2 * number, 4, 2 * number + 2, 9))
        for number in range(10)
    )
    doors = (
        Zone("entrance", "entrance", "", _box(0, 0, 4, 2)),
        Zone("exit", "exit", "", _box(16, 0, 20, 2)),
    )
    return FloorPlan("p1", _box(0, 0, 20, 10), (*aisles, *doors), (_box(0, 9, 20, 10),))


@pytest.fixture(scope="session")
def floor(plan: FloorPlan) -> Floor:
    return Floor(plan)


@pytest.fixture(scope="session")
def codebook() -> Codebook:
    """Three cells by duration: about 30, 60 and 120 s."""
    return Codebook(
        "c1",
        (Scaling("duration_s", 60, 30), Scaling("kept", 0, 1)),
        tuple(Cell((place, 0.0), {}) for place in (-1.0, 0.0, 2.0)),
    )


@pytest.fixture(scope="session")
def visit_at() -> Callable[..., Visit]:
    def make(end_ms: int, *, seconds: int = 60, zones: int = 2, whole: bool = True) -> Visit:
        start_ms = end_ms - 1_000 * seconds
        return Visit(
            start_ms=start_ms,
            end_ms=end_ms,
            path_m=30.0,
            start_point=(1.0, 1.0),
            end_point=(19.0, 1.0),
            stays=tuple(
                Stay(f"aisle-{number}", start_ms + number, end_ms) for number in range(zones)
            ),
            stops=(Stop("aisle-0", start_ms, start_ms + 4_000, 1.0, 8.0),),
            items=(),
            entered=whole,
            left=whole,
        )

    return make


@pytest.fixture(scope="session")
def noon() -> datetime:
    return datetime(2026, 3, 7, 12, tzinfo=UTC)


@pytest.fixture(scope="session")
def utc_from() -> Callable[[datetime], Callable[[int], datetime]]:
    def make(begins: datetime) -> Callable[[int], datetime]:
        return lambda scene_ms: begins + timedelta(milliseconds=scene_ms)

    return make


@pytest.fixture
def seeded() -> Callable[[int], RandBelow]:
    def make(seed: int) -> RandBelow:
        return random.Random(seed).randrange

    return make


@pytest.fixture(scope="session")
def bare() -> Callable[..., list[list[int]]]:
    """Take the noise off again, knowing the seed: what was counted, one list a release."""

    def take_off(releases: list[Released], *, seed: int, budget: Budget) -> list[list[int]]:
        randbelow = random.Random(seed).randrange
        return [
            [
                count - discrete_gaussian(budget.channel(one.channel).variance, randbelow=randbelow)
                for count in one.counts
            ]
            for one in releases
        ]

    return take_off
