from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.vision import motion
from edge.vision.motion import Floats, MotionParams

PARAMS = MotionParams()
STEP_MS = 125


def _pair(east_m: float, north_m: float) -> Floats:
    return np.array([[east_m], [north_m]])


def _watched(
    speed_m_s: float, *, steps: int = 24, noise_m: float = 0.05, seed: int = 1
) -> tuple[Floats, float]:
    """Somebody who walks east; the state, and where they are in the end."""
    chance = np.random.default_rng(seed)
    error = np.array([noise_m**2])
    state = motion.born(_pair(0.0, 0.0), error, params=PARAMS)
    east_m = 0.0
    for _ in range(steps):
        state = motion.ahead(state, STEP_MS, params=PARAMS)
        east_m += speed_m_s * STEP_MS / 1000
        seen = _pair(east_m, 0.0) + chance.normal(0, noise_m, (2, 1))
        state, _ = motion.corrected(state, seen, error)
    return state, east_m


def test_evidence_tells_standing_from_walking() -> None:
    assert _watched(0.0)[0][motion.WALKS, 0] < 0.2
    assert _watched(1.0)[0][motion.WALKS, 0] > 0.9


def test_a_walker_walks_on_and_one_who_stands_stays() -> None:
    for speed_m_s in (0.0, 1.2):
        state, east_m = _watched(speed_m_s)
        later = motion.places(motion.far_ahead(state, 1_000, params=PARAMS))[:, 0]
        assert later[0] == pytest.approx(east_m + speed_m_s, abs=0.35)
        assert later[1] == pytest.approx(0.0, abs=0.2)


def test_a_place_is_surer_than_its_sightings() -> None:
    errors = []
    for seed in range(30):
        state, east_m = _watched(0.0, noise_m=0.2, seed=seed)
        errors.append(float(np.hypot(*(motion.places(state)[:, 0] - (east_m, 0.0)))))
    assert np.mean(errors) < 0.6 * 0.2 * np.sqrt(np.pi / 2)


def test_who_is_who_is_told_by_the_way_they_go_on() -> None:
    stands, _ = _watched(0.0)
    walks, _ = _watched(1.0)
    walks[[0, 2]] -= walks[2]  # they meet where the other stands
    then = motion.far_ahead(np.hstack([stands, walks]), 1_500, params=PARAMS)
    now = np.hstack([_watched(0.0, seed=2)[0], _watched(1.0, seed=3)[0]])
    now[[0, 2], 1] += 1.5 - now[2, 1]
    same = motion.sameness(then, now, params=PARAMS)
    assert same.trace() > same[0, 1] + same[1, 0] + 6


@given(
    st.lists(st.tuples(st.floats(-9, 9), st.floats(-9, 9)), min_size=1, max_size=12),
    st.floats(0.01, 0.5),
    st.integers(1, 4_000),
)
@settings(deadline=None, max_examples=50)
def test_law_uncertainty_is_positive_and_sightings_lessen_it(
    sightings: list[tuple[float, float]], noise_m: float, step_ms: int
) -> None:
    error = np.array([noise_m**2])
    state = motion.born(_pair(0.0, 0.0), error, params=PARAMS)
    for east_m, north_m in sightings:
        before = motion.ahead(state, step_ms, params=PARAMS)
        state, _ = motion.corrected(before, _pair(east_m, north_m), error)
        assert np.isfinite(state).all()
        for row in (motion.SPOT_VAR, motion.PLACE_VAR):
            assert 0 < state[row, 0] < min(before[row, 0], error[0])
        assert state[motion.PLACE_VAR] * state[motion.PACE_VAR] > state[motion.MIXED] ** 2
        assert 0 < state[motion.WALKS, 0] < 1


def test_people_of_one_moment_do_not_touch_each_other() -> None:
    one, other = _watched(0.0)[0], _watched(1.0)[0]
    both = motion.ahead(np.hstack([one, other]), STEP_MS, params=PARAMS)
    alone = [motion.ahead(state, STEP_MS, params=PARAMS) for state in (one, other)]
    assert np.allclose(both, np.hstack(alone))
