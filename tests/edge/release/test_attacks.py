"""Attacks on what is released, each of which succeeds on a build with a broken part."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time, timedelta
from fractions import Fraction
from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray

from edge.release.account import auc_of
from edge.release.channels import Channels, Placing
from edge.release.goods import Goods
from edge.release.hours import Daypart, Hours
from edge.release.noise import RandBelow
from edge.release.privacy import Budget, ChannelBudget, Ledger, Rule
from edge.release.released import Released
from edge.release.windows import Windows
from edge.rfid.items import ItemEvent
from edge.visits.path import Path, Stay, Stop
from edge.visits.plan import Floor, FloorPlan, Zone
from edge.visits.visits import Visit
from edge.visits.wares import Ware
from wire.codebook import Cell, Codebook, Scaling
from wire.messages import ChannelName

NOON = datetime(2026, 3, 7, 12, tzinfo=UTC)
MINUTE = 60_000
RUNS = 600
"""Of each world; the estimate is off by less than .004 (one standard deviation)."""
CLOSE = 0.01
"""How near the attack must come to what the accountant says."""
PARTS = (Daypart("all", time(0)),)
GOODS = Goods(("wine", "cheese"), {"1": "wine", "2": "cheese"}, ("organic",))
BOOK = Codebook(
    "c1",
    (Scaling("duration_s", 60, 30), Scaling("stops", 6, 2)),
    (Cell((-1.0, 0.0), {}), Cell((2.0, 0.0), {})),
)
PLAN = FloorPlan(
    "tiny",
    ((0, 0), (3, 0), (3, 2), (0, 2)),
    (
        Zone("left", "aisle", "", ((0, 1), (1, 1), (1, 2), (0, 2))),
        Zone("right", "aisle", "", ((2, 1), (3, 1), (3, 2), (2, 2))),
        Zone("door", "entrance", "", ((0, 0), (3, 0), (3, 1), (0, 1))),
    ),
    (((1, 1.5), (2, 1.5), (2, 2), (1, 2)),),
)
SQUARES = [(east + 0.5, north + 0.5) for north in range(2) for east in range(3)]
WARE = Ware("wine", None, None, None, None, None, frozenset({"organic"}), None)
Scores = NDArray[np.float64]


def _visit(end_ms: int, *, seconds: int, order: str, squares: int) -> Visit:
    names = {"l": "left", "r": "right", "d": "door"}
    start_ms = end_ms - 1_000 * seconds
    step_ms = 1_000 * seconds // max(1, len(order))
    return Visit(
        start_ms=start_ms,
        end_ms=end_ms,
        path_m=20.0,
        start_point=(0.5, 0.5),
        end_point=(0.5, 0.5),
        stays=tuple(
            Stay(names[letter], start_ms + n * step_ms, start_ms + (n + 1) * step_ms)
            for n, letter in enumerate(order)
        ),
        stops=tuple(Stop("left", start_ms, start_ms + 4_000, *at) for at in SQUARES[:squares]),
        items=tuple(
            ItemEvent("picked", start_ms, "left", product, product.encode())
            for product in ("1", "2")[:squares]
        ),
        entered=True,
        left=True,
        path=Path(start_ms, 250, np.array(SQUARES[: max(1, squares)])),
        wares={"1": WARE, "2": WARE},
    )


OTHERS = (_visit(20 * MINUTE, seconds=50, order="dld", squares=2),)
CANARY = _visit(30 * MINUTE, seconds=170, order="dldrlrd", squares=6)
"""Touches as much of every channel as its clip allows."""


class Sloppy(Budget):
    """Says what every budget says, but its noise is too small by half: a broken part."""

    def _channel(self, rule: Rule) -> ChannelBudget:
        told = super()._channel(rule)
        return replace(told, variance=Fraction(told.variance, 4))


class Forgetful(Ledger):
    """Knows nothing of what was released: a broken part."""

    @property
    def until(self) -> None:
        return None

    def spend(self, channel: ChannelBudget, *, start: datetime, end: datetime) -> None:
        del channel, start, end


@cache
def _floor() -> Floor:
    return Floor(PLAN)


def _windows(
    randbelow: RandBelow, *, budget: Budget | None = None, ledger: Ledger | None = None
) -> Windows:
    return Windows(
        _floor(),
        codebook=BOOK,
        budget=budget or Budget(),
        hours=Hours(UTC, time(8), time(20)),
        dayparts=PARTS,
        utc_of=lambda ms: NOON + timedelta(milliseconds=ms),
        goods=GOODS,
        ledger=ledger,
        randbelow=randbelow,
    )


def _fed(windows: Windows, visits: Iterable[Visit]) -> list[Released]:
    released = [one for visit in visits for one in windows.feed(visit)]
    return [*released, *windows.flush(59 * MINUTE)]


@dataclass(frozen=True)
class Attacker:
    """Knows all other visits, the canary's record, and how the agent works.

    Attributes:
        adds: what the canary adds to every channel, flat; what the others add is ``known``.
    """

    adds: dict[ChannelName, Scores]
    known: dict[ChannelName, Scores]
    variances: dict[ChannelName, float]
    budget: Budget = field(default_factory=Budget)

    def scores(self, released: Sequence[Released]) -> dict[ChannelName, float]:
        """Give the log-likelihood ratio of the canary's presence, by channel, plus a constant."""
        found: dict[ChannelName, float] = {}
        for one in released:
            rest = np.array(one.counts, dtype=float) - self.known[one.channel]
            score = float(rest @ self.adds[one.channel]) / self.variances[one.channel]
            found[one.channel] = found.get(one.channel, 0.0) + score
        return found


@cache
def attacker() -> Attacker:
    channels = Channels(_floor(), dayparts=PARTS, goods=GOODS)
    budget = Budget().fitted(channels.most)

    def flat(name: ChannelName, visits: Iterable[Visit]) -> Scores:
        axes = channels[name].axes(BOOK)
        table = np.zeros([len(axis.labels) for axis in axes])
        for visit in visits:
            placing = Placing(BOOK, 0, budget.channel(name).clip)
            for cell, amount in channels[name].shares(channels.gist(visit), placing):
                table[cell] += amount
        return table.ravel()

    names = [one.name for one in budget.channels]
    return Attacker(
        adds={name: flat(name, [CANARY]) for name in names},
        known={name: flat(name, OTHERS) for name in names},
        variances={one.name: float(one.variance) for one in budget.channels},
        budget=budget,
    )


def _auc(present: Scores, absent: Scores) -> float:
    """Give how often a score with the canary beats one without; ties count half."""
    ordered = np.sort(absent)
    below = np.searchsorted(ordered, present, side="left")
    upto = np.searchsorted(ordered, present, side="right")
    return float((below + upto).mean() / (2 * len(absent)))


def _runs(
    visits: Sequence[Visit], *, budget: Budget | None = None, runs: int = RUNS, seed: int = 0
) -> dict[ChannelName, Scores]:
    """Give the attacker's scores over many days of the same visits, noise anew each day."""
    mind = attacker()
    days = [
        mind.scores(_fed(_windows(random.Random(seed + n).randrange, budget=budget), visits))
        for n in range(runs)
    ]
    return {name: np.array([day[name] for day in days]) for name in mind.adds}


@cache
def worlds() -> tuple[dict[ChannelName, Scores], dict[ChannelName, Scores]]:
    """Days with the canary and days without; the same noise in both, which steadies the estimate.

    Whether one world's score beats the other's is asked over all pairs of days, so that the noises
    compared are independent but for one pair in ``RUNS``.
    """
    return _runs([*OTHERS, CANARY]), _runs(OTHERS)


def _total(scores: dict[ChannelName, Scores]) -> Scores:
    return np.sum(list(scores.values()), axis=0)


# ---- membership ----------------------------------------------------------------------------------


def test_the_canary_spends_its_whole_part_of_every_channel() -> None:
    """Else the attack would be weaker than the worst case the accountant speaks of."""
    mind = attacker()
    assert len(mind.adds) == 10
    for one in mind.budget.channels:
        assert mind.adds[one.name] @ mind.adds[one.name] == one.bound
    assert mind.budget.spent == pytest.approx(0.1)


@pytest.mark.parametrize("name", attacker().adds)
def test_membership_shows_in_a_channel_as_much_as_the_accountant_says(name: ChannelName) -> None:
    present, absent = worlds()
    said = auc_of(attacker().budget.channel(name).rho)
    assert _auc(present[name], absent[name]) == pytest.approx(said, abs=CLOSE)


def test_membership_shows_in_the_whole_as_much_as_the_accountant_says() -> None:
    present, absent = worlds()
    said = auc_of(attacker().budget.spent)
    assert said == pytest.approx(0.624, abs=0.001)
    assert _auc(_total(present), _total(absent)) == pytest.approx(said, abs=CLOSE)


def test_the_attack_finds_noise_that_is_too_small() -> None:
    runs, budget = 150, Sloppy()
    present = _runs([*OTHERS, CANARY], budget=budget, runs=runs)
    absent = _runs(OTHERS, budget=budget, runs=runs)
    said = auc_of(budget.fitted(dict.fromkeys(present, 1)).spent)
    assert _auc(_total(present), _total(absent)) > said + 5 * CLOSE


# ---- differencing --------------------------------------------------------------------------------

VISITS = (*OTHERS, CANARY)
Scenario = Callable[[Ledger], list[Released]]


def _again(ledger: Ledger, *, budget: Budget | None = None, seed: int = 9) -> list[Released]:
    return _fed(_windows(random.Random(seed).randrange, budget=budget, ledger=ledger), VISITS)


def _restart(ledger: Ledger) -> list[Released]:
    """The agent ends and starts again, and is shown the same visits: from a file, or a sensor."""
    return [*_again(ledger, seed=1), *_again(Ledger(ledger.spent), seed=2)]


def _repeat(ledger: Ledger) -> list[Released]:
    """One agent is shown the same visits twice, and told to let everything out twice."""
    windows = _windows(random.Random(1).randrange, ledger=ledger)
    return [*_fed(windows, VISITS), *windows.flush(59 * MINUTE), *_fed(windows, VISITS)]


def _reconfigure(ledger: Ledger) -> list[Released]:
    """The store's file gets another budget and fewer channels between two replays."""
    other = replace(Budget(0.05), rules=Budget().rules[1:])
    return [*_again(ledger), *_again(Ledger(ledger.spent), budget=other)]


def _push(ledger: Ledger) -> list[Released]:
    """The hub publishes codebooks and budgets while visits are counted, and afterwards."""
    windows = _windows(random.Random(1).randrange, ledger=ledger)
    released = []
    for number, visit in enumerate(VISITS):
        released += windows.feed(visit)
        windows.renew(replace_book(f"c{number}"))
        windows.tighten(0.09 - 0.01 * number)
        released += windows.advance(visit.end_ms + MINUTE)
    released += windows.flush(59 * MINUTE)
    windows.renew(replace_book("c9"))
    return [*released, *windows.flush(59 * MINUTE), *windows.advance(20 * 60 * MINUTE)]


def replace_book(version: str) -> Codebook:
    return Codebook(version, BOOK.scaling, BOOK.cells)


def _tellings(released: Iterable[Released]) -> dict[ChannelName, int]:
    """Count the releases of each channel that the canary is in."""
    end = NOON + timedelta(milliseconds=CANARY.end_ms)
    found: dict[ChannelName, int] = {}
    for one in released:
        if one.window_start <= end < one.window_end:
            found[one.channel] = found.get(one.channel, 0) + 1
    return found


@pytest.mark.parametrize("scenario", [_restart, _repeat, _reconfigure, _push])
def test_the_same_visits_are_never_released_twice(scenario: Scenario) -> None:
    tellings = _tellings(scenario(Ledger()))
    assert tellings == dict.fromkeys(attacker().adds, 1)


@pytest.mark.parametrize("scenario", [_restart, _reconfigure])
def test_the_check_finds_a_ledger_that_forgets(scenario: Scenario) -> None:
    assert max(_tellings(scenario(Forgetful())).values()) == 2


def test_replaying_gains_an_attacker_nothing_unless_the_ledger_forgets() -> None:
    runs, turns, mind = 100, 3, attacker()

    def replayed(visits: Sequence[Visit], ledger: Callable[[], Ledger]) -> Scores:
        totals = []
        for number in range(runs):
            kept = ledger()
            days = [
                _fed(_windows(random.Random(1_000 * turn + number).randrange, ledger=kept), visits)
                for turn in range(turns)
            ]
            totals.append(sum(sum(mind.scores(day).values()) for day in days))
        return np.array(totals)

    right = _auc(replayed(VISITS, Ledger), replayed(OTHERS, Ledger))
    broken = _auc(replayed(VISITS, Forgetful), replayed(OTHERS, Forgetful))
    assert right == pytest.approx(auc_of(mind.budget.spent), abs=2 * CLOSE)
    assert broken == pytest.approx(auc_of(turns * mind.budget.spent), abs=3 * CLOSE)


# ---- linkage -------------------------------------------------------------------------------------


def _halves(scores: Scores) -> tuple[Scores, Scores]:
    return scores[: len(scores) // 2], scores[len(scores) // 2 :]


def _joined(
    one: tuple[Scores, Scores], other: tuple[Scores, Scores], how: Callable[..., Scores]
) -> float:
    """Attack the question whether the visit at two agents (or on two days) was one shopper's.

    Joined: present at both or at neither; apart: at one of them alone.

    Args:
        one: scores of an agent with the canary and without, centred.
        other: of the other agent.
        how: the attacker's statistic of both scores.
    """
    joined = np.concatenate([how(one[0], other[0]), how(one[1], other[1])])
    apart = np.concatenate([how(one[0], other[1]), how(one[1], other[0])])
    return _auc(joined, apart)


def _likely(one: Scores, other: Scores) -> Scores:
    """The likelihood ratio of joined against apart rises with this."""
    return np.tanh(one / 2) * np.tanh(other / 2)


def _alike(one: Scores, other: Scores) -> Scores:
    return -np.abs(one - other)


@pytest.mark.parametrize("how", [_likely, _alike])
def test_two_releases_are_joined_to_one_visit_no_better_than_the_bound(
    how: Callable[..., Scores],
) -> None:
    rho = attacker().budget.spent
    present, absent = (_total(one) - rho for one in worlds())  # centred between the two worlds
    (one_in, other_in), (one_out, other_out) = _halves(present), _halves(absent)
    pairs = np.random.default_rng(5).permutation(len(other_in))
    found = _joined((one_in, one_out), (other_in[pairs], other_out[pairs]), how)
    rng = np.random.default_rng(6)
    ideal = [rng.normal(sign * rho, math.sqrt(2 * rho), 200_000) for sign in (1, -1, 1, -1)]
    said = _joined((ideal[0], ideal[1]), (ideal[2], ideal[3]), how)
    assert found == pytest.approx(said, abs=3 * CLOSE)
    assert found < auc_of(2 * rho)


def test_presence_at_two_agents_costs_two_budgets_and_no_more() -> None:
    rho = attacker().budget.spent
    present, absent = (_total(one) for one in worlds())
    pairs = np.random.default_rng(5).permutation(len(present))
    both = _auc(present + present[pairs], absent + absent[pairs])
    assert both == pytest.approx(auc_of(2 * rho), abs=2 * CLOSE)


def test_the_attack_joins_agents_that_share_their_randomness() -> None:
    """The broken part: both agents' noise comes from one seed."""
    rho = attacker().budget.spent
    present, absent = (_total(one) - rho for one in worlds())
    assert _joined((present, absent), (present, absent), _alike) > 0.99
