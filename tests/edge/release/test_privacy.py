from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import get_args

import pytest
from hypothesis import given, settings
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
    Spent,
    epsilon_of,
)
from wire.messages import ChannelName

totals = st.floats(FLOOR_RHO, CEILING_RHO)


def test_the_standard_split() -> None:
    budget = Budget()
    assert {one.name for one in budget.channels} == set(get_args(ChannelName)) - {"groups"}
    assert [one.name for one in budget.channels if one.period == "hour"] == ["cells"]
    assert sum(rule.share for rule in RULES) == 1
    assert sum(one.rho for one in budget.channels) == pytest.approx(budget.spent)
    assert budget.spent == pytest.approx(STANDARD_RHO)
    cells, sums = budget.channel("cells"), budget.channel("sums")
    assert (cells.clip, cells.unit, cells.rho) == (1, 1, pytest.approx(0.01))
    assert cells.sd == pytest.approx(math.sqrt(50))
    assert sums.sd / sums.unit == pytest.approx(math.sqrt(1 / (2 * sums.rho)), rel=1e-6)
    assert budget.standard
    assert budget.epsilon == pytest.approx(2.142, abs=0.001)


@settings(deadline=None)
@given(total=totals)
def test_noise_never_costs_a_visit_more_than_its_channel(total: float) -> None:
    budget = Budget(total)
    spent = Fraction(0)
    for channel in budget.channels:
        cost = Fraction(channel.clip * channel.unit**2) / (2 * channel.variance)
        rule = next(rule for rule in RULES if rule.name == channel.name)
        assert cost <= Fraction(total) * rule.share
        spent += cost
    assert spent <= Fraction(total)


@settings(deadline=None)
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
    least = Rule("cells", "day", clip=4, share=Fraction(40, 100))
    with pytest.raises(PrivacyError, match="would spend 101%"):
        Budget(0.1, (least, Rule("zones", "day", clip=4, share=Fraction(61, 100))))
    Budget(0.1, (least, Rule("zones", "day", clip=4, share=Fraction(60, 100))))
    with pytest.raises(PrivacyError, match="twice"):
        Budget(0.1, (least, least))
    for odd in (replace(least, clip=0), replace(least, share=Fraction(0)), replace(least, unit=0)):
        with pytest.raises(PrivacyError, match="must be positive"):
            Budget(0.1, (odd,))


def test_fewer_cells_to_touch_need_less_noise_for_the_same_promise() -> None:
    whole = Budget()
    small = whole.fitted({"cells": 1, "zones": 3, "walked": 10_000})
    assert [(one.name, one.clip) for one in small.channels] == [
        ("cells", 1),
        ("zones", 3),
        ("walked", whole.channel("walked").clip),
    ]
    assert small.channel("zones").rho == whole.channel("zones").rho
    assert small.channel("zones").sd < whole.channel("zones").sd
    assert small.channel("walked") == whole.channel("walked")
    assert small.spent < whole.spent
    assert small.rho == whole.rho


def test_a_channel_without_budget_is_refused() -> None:
    with pytest.raises(PrivacyError, match="'zones'"):
        Budget(0.1, RULES[:1]).channel("zones")
    assert "zones" not in {one.name for one in Budget().fitted({"cells": 1}).channels}


@settings(deadline=None)
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
    cells, zones = Budget().channel("cells"), Budget().channel("zones")
    ledger.spend(cells, start=_at(0), end=_at(1))
    ledger.spend(cells, start=_at(1), end=_at(2))
    ledger.spend(zones, start=_at(0), end=_at(1))
    again = Ledger(ledger.spent)
    for start, end in ((0, 1), (1.99, 3), (5, 5), (6, 5)):
        for one in (ledger, again):
            with pytest.raises(PrivacyError):
                one.spend(cells, start=_at(start), end=_at(end))
    again.spend(Budget(0.05).channel("cells"), start=_at(2), end=_at(3))
    assert again.spent["cells"] == Spent(_at(0), _at(3), 3, cells.rho)
    assert again.until == _at(3)
    assert ledger.spent["cells"].windows == 2
    assert Ledger().until is None


def _at(hours: float) -> datetime:
    return datetime(2026, 3, 7, tzinfo=UTC) + timedelta(hours=hours)
