from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from edge.vision.tracking import TrackEnd, TrackPoint
from edge.visits.path import Path
from edge.visits.plan import Floor, FloorPlan
from edge.visits.traits import traits_of
from edge.visits.visits import Visit, Visits

Walker = Callable[..., list[TrackPoint]]
ENTER, LEAVE = (2.0, 0.5), (10.0, 0.5)


@pytest.fixture
def visit(floor: Floor, walker: Walker) -> Callable[..., Visit]:
    """Walk through the agent's own visits."""

    def walk(*legs: tuple[float, float] | float) -> Visit:
        visits = Visits(floor)
        for point in walker(1, [ENTER, *legs, LEAVE]):
            visits.feed(point)
        visits.feed(TrackEnd(1, 10**6))
        [found] = visits.flush()
        return found

    return walk


def _traits(visit: Visit, floor: Floor) -> dict[str, float]:
    return {k: v for k, v in traits_of(visit, floor=floor).items() if v is not None}


def test_a_direct_walk(visit: Callable[..., Visit], floor: Floor) -> None:
    found = _traits(visit((2, 5), (4, 5.5), (4, 10), 8, (4, 5.5), (10, 5.3)), floor)
    assert found["moving_speed_m_s"] == pytest.approx(1.0, abs=0.1)  # smoothing cuts corners
    # the way to the shelf and back round the till is about the shortest there is
    assert found["straightness"] > 0.85
    assert found["path_m"] == pytest.approx(26.4, rel=0.08)
    assert found["coverage"] == pytest.approx(1 / 5)
    assert found["entrance_used"] == 0
    assert found["party"] == 1
    assert "carrying" not in found


def test_a_detour_is_less_straight_and_no_slower(visit: Callable[..., Visit], floor: Floor) -> None:
    direct = _traits(visit((4, 5.5), (4, 10), 8, (4, 5.5)), floor)
    detour = _traits(visit((1.5, 5.5), (1.5, 15), (4.5, 15), (4, 10), 8, (4, 5.5)), floor)
    assert detour["straightness"] < 0.7 * direct["straightness"]
    assert detour["moving_speed_m_s"] == pytest.approx(direct["moving_speed_m_s"], abs=0.05)


def test_sinuosity_tells_winding_from_straight(floor: Floor) -> None:
    def visit_of(points: np.ndarray) -> Visit:
        path = Path(0, 250, points)
        return Visit(0, 60_000, 9.0, ENTER, LEAVE, (), (), (), True, True, path=path)

    along = np.linspace(0, 16, 60)
    straight = _traits(visit_of(np.column_stack([along, np.zeros(60)])), floor)["sinuosity"]
    winding = _traits(visit_of(np.column_stack([along, 0.6 * np.sin(2 * along)])), floor)
    assert straight == pytest.approx(0, abs=1e-6)
    assert winding["sinuosity"] > 0.4
    assert "sinuosity" not in _traits(visit_of(np.column_stack([along, np.zeros(60)])[:8]), floor)
    # Benhamou's S of a random walk of even steps: sd / sqrt(step), nearly
    rng = np.random.default_rng(1)
    turns = np.cumsum(rng.normal(0, 0.3, 4_000))
    steps = 0.5 * np.exp(1j * turns)
    way = np.concatenate([[0], np.cumsum(steps)])
    walk = _traits(visit_of(np.column_stack([way.real, way.imag])), floor)
    assert walk["sinuosity"] == pytest.approx(0.3 / math.sqrt(0.5), rel=0.05)


@pytest.mark.parametrize("noise_m", [0.1, 0.2, 0.3])
def test_noise_that_lengthens_a_raw_path_hardly_moves_the_traits(
    floor: Floor, walker: Walker, noise_m: float
) -> None:
    """White noise at 5 Hz makes raw paths 1.3, 2.0, 2.9 times as long (NOTES.md section 3)."""
    legs = [ENTER, (4, 5.5), (4, 10), 10, (4, 15), (7.5, 15), (7.5, 5.5), LEAVE]
    rng = np.random.default_rng(7)
    clean, noisy = Visits(floor), Visits(floor)
    raw_m = [0.0, 0.0]
    last: list[tuple[float, float] | None] = [None, None]
    for point in walker(1, legs)[::1]:
        off = rng.normal(0, noise_m, 2)
        wrong = point._replace(
            east_m=point.east_m + float(off[0]), north_m=point.north_m + float(off[1])
        )
        for number, (one, visits) in enumerate(((point, clean), (wrong, noisy))):
            place = (one.east_m, one.north_m)
            before = last[number]
            raw_m[number] += math.dist(before, place) if before else 0.0
            last[number] = place
            visits.feed(one)
    [true], [seen] = clean.flush(), noisy.flush()
    assert raw_m[1] > 1.25 * raw_m[0]
    assert seen.path_m == pytest.approx(true.path_m, rel=0.08 if noise_m < 0.3 else 0.15)
    before, after = _traits(true, floor), _traits(seen, floor)
    assert after["moving_speed_m_s"] == pytest.approx(before["moving_speed_m_s"], rel=0.1)
    assert after["straightness"] == pytest.approx(before["straightness"], abs=0.1)


def test_zones(visit: Callable[..., Visit], floor: Floor) -> None:
    once = _traits(visit((1.5, 5.5), (1.5, 12), (1.5, 5.5)), floor)
    assert once["revisits"] == 0
    assert once["zone_entropy"] < 0.45
    there_and_back = visit((1.5, 5.2), (1.5, 12), (1.5, 5.2), (1.5, 12), (1.5, 5.2))
    assert _traits(there_and_back, floor)["revisits"] >= 1 / 3
    promo = _traits(visit((4.8, 4.0), 12, (4.8, 2)), floor)
    assert promo["promo_zone_share"] == 1
    assert "zone_entropy" in promo


def test_without_zones_or_path_it_abstains(plan: FloorPlan) -> None:
    bare = Floor(replace(plan, zones=()))
    visit = Visit(0, 60_000, 9.0, ENTER, LEAVE, (), (), (), False, False)
    found = _traits(visit, bare)
    assert {"duration_s", "path_m", "stops", "kept", "party"} <= set(found)
    for name in ("coverage", "revisits", "zone_entropy", "moving_speed_m_s", "straightness",
                 "sinuosity", "entrance_used", "promo_zone_share", "till_wait_s"):  # fmt: skip
        assert name not in found
