from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest

from hub.patterns.shares import Estimate
from hub.reports.unrest import LEAST_PAIRS, ByDay, widened, wider

MONDAY = date(2026, 3, 2)


def days(number: int, *, since: date = MONDAY) -> list[date]:
    return [since + timedelta(days=n) for n in range(number)]


def places(*, own: float, seed: int, number: int = 14, error: float = 0.01) -> list[ByDay]:
    """Make 20 places with a rhythm of the week, noise of ``error`` and days of their own."""
    rng = np.random.default_rng(seed)
    rhythm = 0.05 * np.sin(np.arange(number) % 7)
    return [
        ByDay(
            f"aisle-{place}", "stop_rate",
            tuple((0.3 + rhythm + rng.normal(0, (own**2 + error**2) ** 0.5, number)).tolist()),
            (error,) * number,
        )
        for place in range(20)
    ]  # fmt: skip


def test_days_that_only_noise_sets_apart_widen_nothing_and_a_weeks_rhythm_does_not() -> None:
    got = wider(places(own=0, seed=1), places(own=0, seed=2), days=(days(14), days(14)))
    assert got["stop_rate"] == pytest.approx(1, abs=0.25)


def test_days_of_their_own_widen_by_what_they_are_and_last() -> None:
    got = wider(places(own=0.02, seed=1), places(own=0.02, seed=2), days=(days(14), days(14)))
    assert got["stop_rate"] == pytest.approx((1 + 4 * 4) ** 0.5, rel=0.1)


def test_a_change_of_all_days_is_no_unrest() -> None:
    later = [
        ByDay(one.of, one.figure, tuple((x or 0) + 0.2 for x in one.values), one.errors)
        for one in places(own=0, seed=1)
    ]
    got = wider(later, places(own=0, seed=2), days=(days(14), days(14)))
    assert got["stop_rate"] == pytest.approx(1, abs=0.25)


def test_like_weekdays_are_compared_though_periods_begin_on_others() -> None:
    wednesday = MONDAY + timedelta(days=2)
    shifted = [
        ByDay(one.of, one.figure, one.values[2:], one.errors[2:])
        for one in places(own=0, seed=1, number=16)
    ]
    then = places(own=0, seed=2)
    got = wider(shifted, then, days=(days(14, since=wednesday), days(14)))
    assert got["stop_rate"] == pytest.approx(1, abs=0.25)


def test_too_few_days_tell_nothing() -> None:
    few = LEAST_PAIRS - 1
    one, two = (places(own=0.1, seed=seed, number=few) for seed in (1, 2))
    assert wider(one, two, days=(days(few), days(few))) == {}
    holed = [ByDay(x.of, x.figure, (None,) * 14, (None,) * 14) for x in places(own=0.1, seed=1)]
    assert wider(holed, places(own=0.1, seed=2), days=(days(14), days(14))) == {}


def test_an_interval_grows_about_its_value() -> None:
    assert widened(Estimate(3, 2, 5), by=2) == Estimate(3, 1, 7)
