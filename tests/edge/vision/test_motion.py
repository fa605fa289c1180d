from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from math import pi, sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.vision.motion import Gait, MotionParams, Step, far_ahead, sameness

PARAMS = MotionParams()
STEP_MS = 125
STEP = Step.of(STEP_MS, params=PARAMS)


def _watched(
    speed_m_s: float, *, steps: int = 24, noise_m: float = 0.05, seed: int = 1
) -> tuple[Gait, float]:
    """Somebody who walks east; how they move, and where they are in the end."""
    chance = np.random.default_rng(seed)
    gait = Gait.first_seen(0j, variance_m2=noise_m**2, params=PARAMS)
    east_m = 0.0
    for _ in range(steps):
        gait.move(STEP)
        east_m += speed_m_s * STEP_MS / 1000
        gait.see(east_m + complex(*chance.normal(0, noise_m, 2)), noise_m**2)
    return gait, east_m


def _shifted(gait: Gait, by_m: complex) -> Gait:
    return replace(gait, spot_m=gait.spot_m + by_m, place_m=gait.place_m + by_m)


def test_evidence_tells_standing_from_walking() -> None:
    assert _watched(0.0)[0].walks < 0.2
    assert _watched(1.0)[0].walks > 0.9


def test_a_walker_walks_on_and_one_who_stands_stays() -> None:
    for speed_m_s in (0.0, 1.2):
        gait, east_m = _watched(speed_m_s)
        later_m = far_ahead(gait, 1_000, params=PARAMS).expected_m()
        assert later_m.real == pytest.approx(east_m + speed_m_s, abs=0.35)
        assert later_m.imag == pytest.approx(0.0, abs=0.2)


def test_a_place_is_surer_than_its_sightings() -> None:
    errors = []
    for seed in range(30):
        gait, east_m = _watched(0.0, noise_m=0.2, seed=seed)
        errors.append(abs(gait.expected_m() - east_m))
    assert np.mean(errors) < 0.6 * 0.2 * sqrt(pi / 2)


def test_looking_ahead_changes_nothing_now() -> None:
    gait, _ = _watched(1.0)
    before = replace(gait)
    assert far_ahead(gait, 2_000, params=PARAMS) != before
    assert gait == before


def test_who_is_who_is_told_by_the_way_they_go_on() -> None:
    stands, _ = _watched(0.0)
    walks, _ = _watched(1.0)
    walks = _shifted(walks, -walks.place_m.real)  # they meet where the other stands
    then = [far_ahead(one, 1_500, params=PARAMS) for one in (stands, walks)]
    stood, _ = _watched(0.0, seed=2)
    walked, _ = _watched(1.0, seed=3)
    now = [stood, _shifted(walked, 1.5 - walked.place_m.real)]
    same = [[sameness(one, other, params=PARAMS) for other in now] for one in then]
    assert same[0][0] + same[1][1] > same[0][1] + same[1][0] + 6


def test_a_sighting_is_likeliest_where_they_are_and_beyond_reach_it_is_not_likely() -> None:
    least, variance_m2 = 1e-3, 0.05**2
    far = -2 * np.log(least) - 2 * np.log(variance_m2)
    for speed_m_s in (0.0, 0.5, 1.2):
        gait = far_ahead(_watched(speed_m_s)[0], 1_000, params=PARAMS)
        densities = [gait.density(gait.place_m + off_m, variance_m2) for off_m in range(12)]
        assert all(one > other for one, other in pairwise(densities[:5]))
        reach_m = gait.reach_m(far, variance_m2)
        for turn in (1, -1, 1j, -1j):
            assert gait.density(gait.place_m + turn * reach_m, variance_m2) < least


@given(
    st.lists(st.tuples(st.floats(-9, 9), st.floats(-9, 9)), min_size=1, max_size=12),
    st.floats(0.01, 0.5),
    st.integers(1, 4_000),
)
@settings(deadline=None, max_examples=50)
def test_law_uncertainty_is_positive_and_sightings_lessen_it(
    sightings: list[tuple[float, float]], noise_m: float, step_ms: int
) -> None:
    variance_m2, step = noise_m**2, Step.of(step_ms, params=PARAMS)
    gait = Gait.first_seen(0j, variance_m2=variance_m2, params=PARAMS)
    for east_m, north_m in sightings:
        gait.move(step)
        before = replace(gait)
        gait.see(complex(east_m, north_m), variance_m2)
        assert 0 < gait.spot_m2 < min(before.spot_m2, variance_m2)
        assert 0 < gait.place_m2 < min(before.place_m2, variance_m2)
        assert gait.place_m2 * gait.pace_m2_s2 > gait.mixed_m2_s**2
        assert 0 < gait.walks < 1
        assert np.isfinite([gait.spot_m, gait.place_m, gait.pace_m_s]).all()
