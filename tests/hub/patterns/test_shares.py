from __future__ import annotations

import math

import numpy as np
import pytest

from hub.patterns.shares import Share, ShareParams, share, total

PARAMS = ShareParams()
DRAWS = 1200
SOFT = [
    0.17,
    0.22,
    0.25,
    0.4,
    0.43,
    0.58,
    0.63,
    0.56,
    0.03,
    0.05,
    0.05,
    0.1,
    0.11,
    0.19,
    0.22,
    0.18,
]


def cover(
    weights: list[float], *, visits: int, windows: int, sd: float, seed: int
) -> tuple[float, float, float]:
    """Give how often intervals hold the expected value and the day's own share; and the support."""
    rng = np.random.default_rng(seed)
    s = np.array(weights)
    likely = rng.dirichlet(np.full(len(s), 2.0))
    expected = float(likely @ s)
    held = own = shown = 0
    for _ in range(DRAWS):
        n = rng.multinomial(visits, likely)
        realised = rng.binomial(n, s).sum() / visits
        noised = n + np.rint(rng.normal(0, sd * math.sqrt(windows), len(s)))
        got = share(
            [float(x) for x in noised],
            weights=weights,
            variances=[windows * sd**2] * len(s),
            params=PARAMS,
        )
        if got.value is None or got.low is None or got.high is None:
            continue
        shown += 1
        held += got.low <= expected <= got.high
        own += got.low <= realised <= got.high
    return held / max(1, shown), own / max(1, shown), shown / DRAWS


@pytest.mark.parametrize(("visits", "windows"), [(400, 10), (800, 10), (2400, 10), (400, 1)])
def test_intervals_hold_the_days_own_share_as_often_as_they_say(visits: int, windows: int) -> None:
    held, own, shown = cover(SOFT, visits=visits, windows=windows, sd=5.0, seed=visits + windows)
    assert shown > 0.9
    assert 0.93 <= own <= 0.98
    # which visits came varies less than which of them showed the pattern: wider than this needs
    assert held >= 0.93


@pytest.mark.parametrize(("visits", "sd"), [(300, 10.0), (1500, 10.0), (1500, 1.0)])
def test_intervals_of_plain_rates_hold_the_expected_value_as_often_as_they_say(
    visits: int, sd: float
) -> None:
    held, _own, shown = cover([0.0, 1.0, 1.0, 1.0, 1.0], visits=visits, windows=1, sd=sd, seed=7)
    assert shown > 0.9
    assert 0.93 <= held <= 0.98


def test_at_the_edge_of_support_intervals_still_hold() -> None:
    # 5 standard deviations of the total's noise: 16 cells, 10 windows
    visits = math.ceil(PARAMS.support_sd * 5.0 * math.sqrt(16 * 10))
    held, own, _ = cover(SOFT, visits=visits, windows=10, sd=5.0, seed=3)
    assert held >= 0.93
    assert 0.93 <= own <= 0.98


@pytest.mark.parametrize("counts", [[0.0, 0.0], [3.0, -4.0], [20.0, 10.0]])
def test_totals_lost_in_their_noise_are_withheld_with_a_reason(counts: list[float]) -> None:
    got = share(counts, weights=[0, 1], variances=[25.0, 25.0], params=PARAMS)
    assert got == Share(None, None, None, got.withheld)
    assert got.withheld is not None
    assert "noise" in got.withheld


def test_an_interval_too_wide_to_say_anything_is_withheld_with_its_width() -> None:
    got = share([5.0, 5.0], weights=[0, 1], variances=[0.0, 0.0], params=PARAMS)
    assert got.value is None
    assert got.withheld is not None
    assert "31 points" in got.withheld


def test_estimates_are_not_clamped() -> None:
    got = share([1010.0, -10.0], weights=[0, 1], variances=[25.0, 25.0], params=PARAMS)
    assert got.value == pytest.approx(-0.01)
    assert total([-3.0], variances=[4.0], params=PARAMS).value == -3.0


def test_a_totals_interval_is_its_noise() -> None:
    got = total([10.0, 20.0], variances=[9.0, 16.0], params=PARAMS)
    assert (got.value, got.low, got.high) == pytest.approx((30, 30 - 9.8, 30 + 9.8))
