"""Whether a segment's share still is what it was: a CUSUM that knows the release's noise.

Neither the share before nor the size of a change is known beforehand. So every recent day is tried
as the day of a change, and the days since it are held against all before it, each weighted by how
well it tells the share: the likelihood-ratio form of CUSUM (Siegmund & Venkatraman 1995, Ann.
Statist. 23:255), with what noise, chance and overdispersion make in every comparison. Working days
and week-ends are compared with their like, and of several stores each with itself: what is too
small for one store's noise can be clear in all of them together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from hub.segments.rules import Array
from hub.segments.weighing import Day

Bools = NDArray[np.bool_]
SATURDAY = 5
FIGURES = ("visits", "members", "squares", "var_visits", "var_members", "cov")
"""Of a ``Day``, in the order of a ``_Table``."""


@dataclass(frozen=True, slots=True)
class DriftParams:
    """What counts as drift.

    Attributes:
        limit: standard deviations at which a change is told. At 3.3 a false alarm came .10 times
            in 30 days (.06 to .14), with the release's noise, the week's rhythm and overdispersion
            (tests/figures/segment_drift.py).
        unlike: standard deviations from which week-ends are taken to be unlike working days.
        learn_days: days before the first that can have brought a change.
        recent_days: a change is noticed within so many days, or not at all.
        overdispersion: variance of a day's real count over what chance alone makes (1.09 measured
            on 801 households' baskets, behaviour/NOTES.md section 5); more where days show more.
    """

    limit: float = 3.4
    unlike: float = 2.0
    learn_days: int = 7
    recent_days: int = 28
    overdispersion: float = 1.09


@dataclass(frozen=True, slots=True)
class Alarm:
    """A share that has changed.

    Attributes:
        day: on which it was noticed.
        since: the likeliest day of the change.
        before: the share until then.
        after: the share since.
        sds: how clear the change is, in standard deviations.
    """

    day: date
    since: date
    before: float
    after: float
    sds: float


@dataclass(frozen=True, slots=True, eq=False)
class _Table:
    """Days of several stores; arrays of (stores, days) hold 0 where a store tells nothing.

    Attributes:
        weekend: (days,)
    """

    dates: tuple[date, ...]
    weekend: Bools
    told: Bools
    visits: Array
    members: Array
    squares: Array
    var_visits: Array
    var_members: Array
    cov: Array

    def until(self, number: int) -> _Table:
        """Give the first so many days."""
        rest = (getattr(self, name)[:, :number] for name in _Table.__slots__[2:])
        return _Table(self.dates[:number], self.weekend[:number], *rest)


def detect(days: Sequence[Day], *, params: DriftParams | None = None) -> Alarm | None:
    """Tell whether, and when, a segment's share began to drift.

    Args:
        days: of one store and one version of the rule, ascending, from when it was last confirmed.
        params: what counts as drift.

    Returns:
        The first alarm; None while nothing speaks for a change.
    """
    return detect_together([days], params=params)


def detect_together(
    stores: Sequence[Sequence[Day]], *, params: DriftParams | None = None
) -> Alarm | None:
    """Tell the same of several stores together, as if the change had come to all on one day."""
    chosen = params or DriftParams()
    table = _table(stores)
    for number in range(chosen.learn_days + 1, len(table.dates) + 1):
        alarm = _latest(table.until(number), params=chosen)
        if alarm is not None:
            return alarm
    return None


def _table(stores: Sequence[Sequence[Day]]) -> _Table:
    # a day on which the rule is never true says nothing
    told = [
        {day.day: day for day in days if day.visits > 0 and (day.var_members or day.members)}
        for days in stores
    ]
    dates = sorted({day for of_store in told for day in of_store})
    at = {day: number for number, day in enumerate(dates)}
    arrays = np.zeros((len(FIGURES), len(stores), len(dates)))
    there = np.zeros((len(stores), len(dates)), dtype=bool)
    for store, of_store in enumerate(told):
        places = [at[day] for day in of_store]
        there[store, places] = True
        for figure, name in enumerate(FIGURES):
            arrays[figure, store, places] = [getattr(day, name) for day in of_store.values()]
    weekend = np.array([day.weekday() >= SATURDAY for day in dates], dtype=bool)
    return _Table(tuple(dates), weekend, there, *arrays)


def _latest(table: _Table, *, params: DriftParams) -> Alarm | None:
    with np.errstate(divide="ignore", invalid="ignore"):
        shares = np.where(table.told, table.members / table.visits, 0.0)
        weight = np.where(table.told, 1.0 / _variances(table, params=params), 0.0)
    weekend = _weekend(table, shares, weight=weight, params=params)
    weight /= _stretch(shares, weight=weight, weekend=weekend)[:, None] ** 2
    first = max(params.learn_days, len(table.dates) - params.recent_days)
    sds = _contrast(shares, weight=weight, weekend=weekend)
    sds[:first] = 0.0
    at = int(np.abs(sds).argmax())
    if abs(sds[at]) <= params.limit:
        return None
    before, after = (
        float(table.members[:, part].sum() / table.visits[:, part].sum())
        for part in (slice(None, at), slice(at, None))
    )
    return Alarm(table.dates[-1], table.dates[at], before, after, abs(float(sds[at])))


def _weekend(table: _Table, shares: Array, *, weight: Array, params: DriftParams) -> Bools:
    """Tell which days are compared among themselves; none where week-ends are like others."""
    kinds = [np.where(part, weight, 0.0) for part in (table.weekend, ~table.weekend)]
    sums = np.array([kind.sum(axis=1) for kind in kinds])
    both = (sums > 0).all(axis=0)
    sums = np.where(both, sums, 1.0)
    means = np.array([(kind * shares).sum(axis=1) for kind in kinds]) / sums
    unlike = np.abs(means[0] - means[1]) > params.unlike * np.sqrt((1 / sums).sum(axis=0))
    return np.asarray((both & unlike)[:, None] & table.weekend)


def _contrast(shares: Array, *, weight: Array, weekend: Bools) -> Array:
    """Give, for each day, how many standard deviations the days from it on differ from before."""
    difference = np.zeros(shares.shape[1])
    precision = np.zeros(shares.shape[1])
    for kind in (weekend, ~weekend):
        w = np.where(kind, weight, 0.0)
        before = np.cumsum(w, axis=1) - w
        after = w.sum(axis=1, keepdims=True) - before
        total = np.cumsum(w * shares, axis=1) - w * shares
        rest = (w * shares).sum(axis=1, keepdims=True) - total
        both = before * after > 0
        part = np.where(both, before * after / np.where(both, before + after, 1.0), 0.0)
        gap = rest / np.where(after > 0, after, 1.0) - total / np.where(before > 0, before, 1.0)
        difference += (part * gap).sum(axis=0)
        precision += part.sum(axis=0)
    sds: Array = difference / np.sqrt(np.where(precision > 0, precision, 1.0))
    return sds


def _variances(table: _Table, *, params: DriftParams) -> Array:
    """Give the variance of each day's share, if all of its store's had the same true one."""
    members, visits = (x.sum(axis=1, keepdims=True) for x in (table.members, table.visits))
    squares = table.squares.sum(axis=1, keepdims=True)
    share = np.maximum(members / np.where(visits > 0, visits, 1.0), 0.0)
    # weights below one spread a visit over several segments: it varies less than a whole one
    hardness = np.where(members > 0, squares / np.where(members > 0, members, 1.0), 1.0)
    sampled = np.maximum(share * np.clip(hardness, 0.0, 1.0) - share**2, 0.0)
    noise = table.var_members - 2 * share * table.cov + share**2 * table.var_visits
    chance = params.overdispersion * sampled * table.visits
    variances: Array = (np.maximum(noise, 0.0) + chance + 1e-6) / table.visits**2
    return variances


def _stretch(shares: Array, *, weight: Array, weekend: Bools) -> Array:
    """Give by how much a store's days vary beyond what is known, from neighbours of one kind.

    Neighbours hardly feel a lasting change. What chance alone makes in 19 of 20 series is not taken
    for real.
    """
    total, jumps = np.zeros(len(shares)), np.zeros(len(shares))
    days = np.arange(shares.shape[1])
    for kind in (weekend, ~weekend):
        there = kind & (weight > 0)
        last = np.maximum.accumulate(np.where(there, days, -1), axis=1)
        before = np.concatenate([np.full((len(shares), 1), -1), last[:, :-1]], axis=1)
        both = there & (before >= 0)
        earlier = np.maximum(before, 0)
        variance = 1.0 / np.where(weight > 0, weight, 1.0)
        gap = shares - np.take_along_axis(shares, earlier, axis=1)
        squares = gap**2 / (variance + np.take_along_axis(variance, earlier, axis=1))
        total += np.where(both, squares, 0.0).sum(axis=1)
        jumps += both.sum(axis=1)
    least = np.maximum(jumps, 1.0)
    found = total / least
    wide = (jumps > 0) & (found > 1.0 + 1.645 * np.sqrt(3.0 / least))
    return np.asarray(np.where(wide, found, 1.0) ** 0.5)
