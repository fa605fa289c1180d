from __future__ import annotations

import json
import math
from datetime import UTC, datetime, timedelta

import pytest
from scipy.stats import norm

from edge.release.account import MEANINGS, account, auc_of, lines, right_of
from edge.release.privacy import Budget, Ledger, epsilon_of
from wire.messages import AXES

NOON = datetime(2026, 3, 7, 12, tzinfo=UTC)


def test_every_channel_has_words() -> None:
    assert tuple(MEANINGS) == tuple(AXES)


@pytest.mark.parametrize("rho", [0.01, 0.1, 1.0])
def test_attackers_are_those_of_the_gaussian_mechanism(rho: float) -> None:
    far = math.sqrt(2 * rho)  # how far apart the two worlds are, in standard deviations
    assert auc_of(rho) == pytest.approx(norm.cdf(far / math.sqrt(2)))
    assert right_of(rho) == pytest.approx(norm.cdf(far / 2))


def test_what_is_told_adds_up() -> None:
    budget = Budget(0.2).tightened(0.05).fitted({"cells": 1, "zones": 4, "sums": 1})
    ledger = Ledger()
    for hour in range(3):
        start = NOON + timedelta(hours=hour)
        ledger.spend(budget.channel("cells"), start=start, end=start + timedelta(hours=1))
    told = account(budget, ledger=ledger, configured_rho=0.2, hub_rho=0.05)
    assert json.loads(json.dumps(told)) == told
    assert sum(one["rho"] for one in told["channels"]) == pytest.approx(told["per_visit"]["rho"])
    assert told["per_visit"]["epsilon"] == epsilon_of(budget.spent)
    assert sum(one["share"] for one in told["channels"]) == pytest.approx(1)
    assert told["cut_visits"][0]["rho"] == pytest.approx(4 * budget.spent)
    assert told["promise"]["rho"] == 0.05
    assert [one["windows"] for one in told["released"]] == [3]
    assert told["released_visit_at_most"]["rho"] == budget.channel("cells").rho
    said = "\n".join(lines(told, whose="store s agent a plan p"))
    for words in (
        "store s agent a plan p",
        f"epsilon {told['per_visit']['epsilon']:.2f} at delta 1e-06",
        "the hub asked for 0.05",
        "3 windows, 2026-03-07 12:00 UTC to 2026-03-07 15:00 UTC",
        *(MEANINGS[one.name] for one in budget.channels),
    ):
        assert words in said


def test_a_weak_store_is_called_weak_and_a_new_one_empty() -> None:
    told = account(Budget(0.5), ledger=Ledger(), configured_rho=0.5, hub_rho=None)
    said = "\n".join(lines(told, whose=""))
    assert "WEAKER" in said
    assert "Nothing has been released" in said
    assert "nothing stricter" in said
