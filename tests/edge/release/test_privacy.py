from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.errors import PrivacyError
from edge.release.privacy import (
    CEILING_RHO,
    FLOOR_RHO,
    RULES,
    STANDARD_RHO,
    Budget,
    Ledger,
    Rule,
    epsilon_of,
)

totals = st.floats(FLOOR_RHO, CEILING_RHO)


def test_the_standard_split() -> None:
    budget = Budget()
    cells, zones = budget.channels
    assert (cells.name, cells.period, cells.clip, cells.sd) == ("cells", "hour", 1, 5.0)
    assert (zones.name, zones.period, zones.clip, zones.sd) == ("zones", "day", 8, 10.0)
    assert cells.rho == pytest.approx(0.020)
    assert zones.rho == pytest.approx(0.040)
    assert budget.standard
    assert budget.epsilon == pytest.approx(2.142, abs=0.001)


@given(total=totals)
def test_noise_never_costs_a_visit_more_than_its_channel(total: float) -> None:
    budget = Budget(total)
    spent = Fraction(0)
    for channel in budget.channels:
        cost = channel.clip / (2 * channel.variance)  # L2 sensitivity sqrt(clip)
        assert cost <= Fraction(total) * Fraction(channel.clip and 1)
        rule = next(rule for rule in RULES if rule.name == channel.name)
        assert cost <= Fraction(total) * rule.share
        spent += cost
    assert spent <= Fraction(total)


@given(total=totals)
def test_a_weaker_choice_says_so(total: float) -> None:
    budget = Budget(total)
    said = budget.message()
    assert said.standard is (total <= STANDARD_RHO)
    assert all(channel.standard is said.standard for channel in budget.channels)
    assert said.rho == total
    assert sum(channel.rho for channel in said.channels) <= total * (1 + 1e-12)


@pytest.mark.parametrize(
    "total", [0.0, -1.0, 8.1, 1e9, math.inf, -math.inf, math.nan, FLOOR_RHO / 2]
)
def test_no_budget_is_refused(total: float) -> None:
    with pytest.raises(PrivacyError, match="the standard is"):
        Budget(total)


def test_channels_may_not_exceed_the_total() -> None:
    greedy = (*RULES, Rule("cells", "day", clip=4, share=Fraction(41, 100)))
    with pytest.raises(PrivacyError, match="would spend 101%"):
        Budget(0.1, greedy)
    Budget(0.1, (*RULES, Rule("cells", "day", clip=4, share=Fraction(40, 100))))
    for odd in (Rule("cells", "day", 0, Fraction(1, 10)), Rule("cells", "day", 1, Fraction(0))):
        with pytest.raises(PrivacyError, match="must be positive"):
            Budget(0.1, (odd,))


def test_a_channel_without_budget_is_refused() -> None:
    with pytest.raises(PrivacyError, match="'zones'"):
        Budget(0.1, RULES[:1]).channel("zones")


@given(own=totals, asked=st.floats(FLOOR_RHO, 1e6))
def test_a_hub_may_only_tighten(own: float, asked: float) -> None:
    budget = Budget(own).tightened(asked)
    assert budget.rho == min(own, asked)
    before, after = Budget(own).channels, budget.channels
    assert all(new.variance >= old.variance for old, new in zip(before, after, strict=True))


@pytest.mark.parametrize("asked", [0.0, -1.0, math.nan, 1e-9])
def test_a_hub_s_nonsense_is_refused(asked: float) -> None:
    with pytest.raises(PrivacyError, match="the hub asked for"):
        Budget().tightened(asked)


@pytest.mark.parametrize("rho", [0.01, 0.1, 1.0, 8.0])
def test_epsilon_holds_for_the_gaussian_mechanism_and_beats_the_simple_bound(rho: float) -> None:
    """Source: Balle & Wang 2018, theorem 8, the exact delta of one Gaussian mechanism."""
    epsilon, half = epsilon_of(rho), math.sqrt(rho / 2)
    away = epsilon / math.sqrt(2 * rho)
    delta = _phi(half - away) - math.exp(epsilon) * _phi(-half - away)
    assert delta <= 1e-6
    assert epsilon < rho + 2 * math.sqrt(rho * math.log(1e6))


def _phi(x: float) -> float:
    return math.erfc(-x / math.sqrt(2)) / 2


def test_epsilon_grows_with_rho_and_confidence() -> None:
    assert epsilon_of(0.2) > epsilon_of(0.1)
    assert epsilon_of(0.1, delta=1e-9) > epsilon_of(0.1)


def test_a_period_is_released_once() -> None:
    ledger = Ledger()
    ledger.spend("cells", start_ms=0, end_ms=1_000)
    ledger.spend("cells", start_ms=1_000, end_ms=2_000)
    ledger.spend("zones", start_ms=0, end_ms=1_000)
    for start_ms, end_ms in ((0, 1_000), (1_999, 3_000), (5_000, 5_000)):
        with pytest.raises(PrivacyError):
            ledger.spend("cells", start_ms=start_ms, end_ms=end_ms)
    ledger.spend("cells", start_ms=2_000, end_ms=3_000)
