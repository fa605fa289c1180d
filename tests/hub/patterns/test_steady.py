"""A day's shares in the light of the store's other days."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest

from hub.patterns.cells import Measured, Patterns, PatternShare
from hub.patterns.shares import Estimate, Share, ShareParams
from hub.patterns.steady import steadied

FIRST = date(2026, 3, 2)
SD = 0.025
VISITS = 2_000.0


def month(truths: np.ndarray, *, seed: int, lasting: float = 0.0) -> dict[date, Patterns]:
    """Measure each day alone, with an error of ``SD``."""
    values = truths + np.random.default_rng(seed).normal(0, SD, len(truths))
    days = {}
    for number, value in enumerate(values.tolist()):
        share = Share(value, value - 1.96 * SD, value + 1.96 * SD)
        measured = Measured(value, SD**2, lasting, VISITS)
        row = PatternShare("wanderer", share, corrected=True, measured=measured)
        days[FIRST + timedelta(days=number)] = Patterns(Estimate(VISITS, 1_900, 2_100), (row,))
    return days


def told(days: dict[date, Patterns]) -> np.ndarray:
    """Give value, low and high by day."""
    shares = [one.shares[0].share for one in steadied(days, show=ShareParams()).values()]
    return np.array([(one.value, one.low, one.high) for one in shares], dtype=np.float64)


def chance(days: int, *, seed: int) -> np.ndarray:
    """Give what a day's own visits differ by when nothing differs."""
    return np.random.default_rng(1_000 + seed).normal(0, 0.011, days)


def test_alike_days_lend_each_other_strength_and_intervals_hold() -> None:
    truths = [0.4 + chance(28, seed=seed) for seed in range(12)]
    got = [told(month(truth, seed=seed)) for seed, truth in enumerate(truths)]
    errors = np.array([one[:, 0] - truth for one, truth in zip(got, truths, strict=True)])
    held = [(one[:, 1] <= t) & (t <= one[:, 2]) for one, t in zip(got, truths, strict=True)]
    assert np.abs(errors).mean() < 0.55 * 0.8 * SD
    assert 0.92 <= np.mean(held) <= 0.99


def test_a_lasting_change_shows_from_its_first_day() -> None:
    change = 0.1 * (np.arange(28) >= 14)
    got = np.array(
        [told(month(0.4 + change + chance(28, seed=seed), seed=seed))[:, 0] for seed in range(12)]
    ).mean(axis=0)
    assert got[13] < 0.43
    assert got[14] > 0.475


def test_one_day_unlike_all_others_shows_for_the_greater_part() -> None:
    shown, held = [], []
    for seed in range(20):
        truth = 0.4 + chance(28, seed=seed) + 0.1 * (np.arange(28) == 7 + seed % 14)
        value, low, high = told(month(truth, seed=seed))[7 + seed % 14]
        shown.append(value - 0.4)
        held.append(low <= truth[7 + seed % 14] <= high)
    assert np.mean(shown) > 0.055
    assert np.mean(held) >= 0.7


def test_a_weekday_of_its_own_is_kept() -> None:
    weekly = 0.1 * (np.arange(28) % 7 == 5)
    got = np.array([told(month(0.4 + weekly, seed=seed))[:, 0] for seed in range(6)]).mean(axis=0)
    assert got[5::7] == pytest.approx(np.full(4, 0.5), abs=0.02)


def test_what_the_correction_has_wrong_every_day_does_not_average_out() -> None:
    truth = np.full(28, 0.4)
    sure, unsure = (told(month(truth, seed=1, lasting=one)) for one in (0.0, 0.03**2))
    assert unsure[:, 0] == pytest.approx(sure[:, 0])
    assert (unsure[:, 2] - unsure[:, 1]).min() > 2 * 1.96 * 0.03


def test_a_first_day_is_told_by_itself() -> None:
    days = month(np.array([0.4]), seed=1)
    assert steadied(days, show=ShareParams()) == days


def test_a_share_that_is_not_measured_stays_as_it_is() -> None:
    days = month(np.full(5, 0.4), seed=1)
    nothing = PatternShare("wanderer", Share(None, None, None, "too few visits"), corrected=True)
    days[FIRST] = Patterns(days[FIRST].visits, (nothing,))
    assert steadied(days, show=ShareParams())[FIRST].shares == (nothing,)


def test_a_long_period_is_told_in_pieces_alike() -> None:
    truth = 0.4 + 0.1 * (np.arange(100) >= 60)
    got = told(month(truth, seed=2))
    assert np.abs(got[:, 0] - truth).max() < 0.05
    assert len(got) == len(truth)
