"""Whether a segment's share still is what it was: a detector that knows the release's noise.

Every recent day is tried as the day of a change, and a few factors as its size: how much likelier
are the counts with it than without, each with the share before that suits it best? The evidence is
the mean over days and factors (Shiryaev's and Roberts's is the sum: Pollak 1985, Ann. Statist.
13:206). Without a change its mean is known, whatever the share and on whatever day, so that false
alarms are as rare in the first weeks as later, and evidence of several stores multiplies.
Working days and week-ends are compared with their like, and of several stores each with itself:
what is too small for one store's noise can be clear in all of them together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from hub.segments.rules import Array
from hub.segments.weighing import Day

Bools = NDArray[np.bool_]
SATURDAY = 5
KNOWN = 1e9
"""Degrees of freedom of what needs no estimate."""
FIGURES = ("visits", "members", "squares", "var_visits", "var_members", "cov")
"""Of a ``Day``, in the order of a ``_Table``."""


@dataclass(frozen=True, slots=True)
class DriftParams:
    """What counts as drift.

    Attributes:
        limit: evidence at which a change is told; set for .1 false alarms in 30 days at most, with
            the release's noise, the week's rhythm and overdispersion
            (tests/figures/segment_drift.py --calibrate).
        factors: by which shares may change. What is more is noticed by the largest; what is less
            than half of the smallest is no drift.
        unlike: standard deviations from which week-ends are taken to be unlike working days.
        learn_days: days before the first that can have brought a change.
        idle_days: so many days' weight has that nothing changed: one of few days must be clearer.
        recent_days: a change is noticed within so many days, or not at all.
        overdispersion: variance of a day's real count over what chance alone makes (1.09 measured
            on 801 households' baskets, behaviour/NOTES.md section 5); more where days show more.
        unchanging: standard deviations from which days are taken to show more.
        lucky: log of what days near the change, and chance, make of the evidence that is expected
            when a change is noticed as often as not (tests/figures/segment_drift.py --foretell).
        least_sds: a share clear of none by fewer standard deviations foretells nothing.
    """

    limit: float = 4.2
    factors: tuple[float, ...] = (1 / 2, 2 / 3, 4 / 5, 9 / 10, 10 / 9, 5 / 4, 3 / 2, 2)
    unlike: float = 2.0
    learn_days: int = 7
    idle_days: float = 2.0
    recent_days: int = 28
    overdispersion: float = 1.09
    unchanging: float = 2.33
    lucky: float = 2.0
    least_sds: float = 2.0


@dataclass(frozen=True, slots=True)
class Alarm:
    """A share that has changed.

    Attributes:
        day: on which it was noticed.
        since: the likeliest day of the change.
        before: the share until then.
        after: the share since.
        sds: how clear the likeliest change is, in standard deviations.
    """

    day: date
    since: date
    before: float
    after: float
    sds: float


@dataclass(frozen=True, slots=True)
class Foretold:
    """How soon a change would be noticed.

    Attributes:
        visits: a day, in all stores.
        members: of the segment a day.
        factor: by which they would change.
        sds: by which a single day would differ, in standard deviations of such days.
        days: after which it would be noticed as often as not; None if not within ``recent_days``.
    """

    visits: float
    members: float
    factor: float
    sds: float
    days: int | None


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


def detect_each(
    stores: Mapping[str, Sequence[Day]], *, params: DriftParams | None = None
) -> dict[str, Alarm | None]:
    """Tell what ``detect`` does of each of several stores; those known on the same days at once."""
    chosen = params or DriftParams()
    alike: dict[tuple[date, ...], list[str]] = {}
    for store, days in stores.items():
        alike.setdefault(tuple(_told(days)), []).append(store)
    found: dict[str, Alarm | None] = dict.fromkeys(stores)
    for names in alike.values():
        told = evidence([stores[name] for name in names], params=chosen) > np.log(chosen.limit)
        for name, passed in zip(names, told, strict=True):
            if passed.any():
                known = _table([stores[name]]).until(int(passed.argmax()) + 1)
                found[name] = _latest(known, params=chosen)
    return found


def evidence(stores: Sequence[Sequence[Day]], *, params: DriftParams | None = None) -> Array:
    """Give the evidence for a change in each store by itself, as it was after each of their days.

    Returns:
        (stores, days) its logs; minus infinity on days that are too early to tell.
    """
    chosen = params or DriftParams()
    table = _table(stores)
    levels = np.full(table.told.shape, -np.inf)
    for number in range(chosen.learn_days + 1, len(table.dates) + 1):
        levels[:, number - 1] = _mean(_ratios(table.until(number), params=chosen), params=chosen)
    return levels


def foretell(
    stores: Sequence[Sequence[Day]],
    *,
    factor: float = 2.0,
    known_days: int | None = None,
    params: DriftParams | None = None,
) -> Foretold | None:
    """Tell after how many days a change would be noticed, from what noise the days have.

    Args:
        stores: their days until now, looked at together.
        factor: by which the share would change.
        known_days: days before the change; as many as there are by default.
        params: what counts as drift.

    Returns:
        None where nothing is told yet, or the share is too small to be told from none.
    """
    chosen = params or DriftParams()
    table = _table(stores)
    if not table.dates:
        return None
    with np.errstate(divide="ignore", invalid="ignore"):
        weight = np.where(table.told, 1.0 / _variances(table, params=chosen), 0.0)
    told = np.maximum(table.told.sum(axis=1), 1)
    visits, members = (one.sum(axis=1) / told for one in (table.visits, table.members))
    shares = np.maximum(members, 0.0) / np.where(visits > 0, visits, 1.0)
    known = (shares**2 * weight.sum(axis=1) / told)[:, None, None]
    if float((known[:, 0, 0] * told).sum()) < chosen.least_sds**2:
        return None
    before = float(known_days or len(table.dates))
    since = np.arange(1.0, chosen.recent_days + 1)
    of_fits = np.array([*chosen.factors, 1.0])[:, None]
    fits = (before + of_fits * factor * since) ** 2 / (before + of_fits**2 * since)
    cosine = (before + of_fits * since) / np.sqrt((before + since) * (before + of_fits**2 * since))
    ratios = (known * (fits - fits[-1]) / 2 + np.log(cosine)).sum(axis=0)[:-1]
    tried = np.clip(before + since - chosen.learn_days, 1.0, chosen.recent_days)
    tried += chosen.idle_days
    top = ratios.max(axis=0)
    expected = top + np.log(np.exp(ratios - top).mean(axis=0) / tried)
    noticed = expected > np.log(chosen.limit) - chosen.lucky
    days = int(since[noticed.argmax()]) if noticed.any() else None
    sds = abs(factor - 1.0) * float(known.sum() ** 0.5)
    return Foretold(float(visits.sum()), float(members.sum()), factor, sds, days)


def _table(stores: Sequence[Sequence[Day]]) -> _Table:
    told = [_told(days) for days in stores]
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


def _told(days: Sequence[Day]) -> dict[date, Day]:
    # a day on which the rule is never true says nothing
    return {day.day: day for day in days if day.visits > 0 and (day.var_members or day.members)}


def _latest(table: _Table, *, params: DriftParams) -> Alarm | None:
    ratios = _ratios(table, params=params).sum(axis=0)
    if _mean(ratios, params=params) <= np.log(params.limit):
        return None
    likelier = np.exp(ratios - ratios.max()).sum(axis=0)
    at = len(table.dates) - len(likelier) + int(likelier.argmax())
    before, after = (
        float(table.members[:, part].sum() / table.visits[:, part].sum())
        for part in (slice(None, at), slice(at, None))
    )
    return Alarm(table.dates[-1], table.dates[at], before, after, float(np.sqrt(2 * ratios.max())))


def _mean(ratios: Array, *, params: DriftParams) -> Array:
    """Give the log of the mean over factors and days, of logs."""
    top = ratios.max(axis=(-2, -1), keepdims=True)
    of_days = np.exp(ratios - top).mean(axis=-2).sum(axis=-1)
    mean: Array = top[..., 0, 0] + np.log(of_days / (ratios.shape[-1] + params.idle_days))
    return mean


def _ratios(table: _Table, *, params: DriftParams) -> Array:
    """Give for each factor, and each day that may have brought it, how much likelier it is.

    Returns:
        (stores, factors, days up to the last) logs of likelihood ratios.
    """
    first = max(params.learn_days, len(table.dates) - params.recent_days)
    with np.errstate(divide="ignore", invalid="ignore"):
        shares = np.where(table.told, table.members / table.visits, 0.0)
        weight = np.where(table.told, 1.0 / _variances(table, params=params), 0.0)
    weekend = _weekend(table, shares, weight=weight, params=params)
    kinds = [np.where(kind, weight, 0.0) for kind in (weekend, ~weekend)]
    fits, cosines = (
        one + other
        for one, other in zip(
            *(_changed(shares, w, first=first, factors=params.factors) for w in kinds), strict=True
        )
    )
    stretch, freedom = (
        one[:, None, :]
        for one in _stretch([_jumps(shares, w) for w in kinds], first=first, params=params)
    )
    fits /= stretch
    # Student's likelihood where the scatter is itself estimated
    doubted = freedom / 2 * np.log1p(2 * np.maximum(fits, 0.0) / freedom)
    ratios: Array = np.where(fits > 0, doubted, fits) + cosines
    return ratios


def _weekend(table: _Table, shares: Array, *, weight: Array, params: DriftParams) -> Bools:
    """Tell which days are compared among themselves; none where week-ends are like others."""
    kinds = [np.where(part, weight, 0.0) for part in (table.weekend, ~table.weekend)]
    sums = np.array([kind.sum(axis=1) for kind in kinds])
    both = (sums > 0).all(axis=0)
    sums = np.where(both, sums, 1.0)
    means = np.array([(kind * shares).sum(axis=1) for kind in kinds]) / sums
    unlike = np.abs(means[0] - means[1]) > params.unlike * np.sqrt((1 / sums).sum(axis=0))
    return np.asarray((both & unlike)[:, None] & table.weekend)


def _changed(
    shares: Array, weight: Array, *, first: int, factors: Sequence[float]
) -> tuple[Array, Array]:
    """Give how much better shares are fitted with a change, whatever they were before.

    With w the weights and f what a change makes of the shares of days, 1 or a factor, the likeliest
    share before is sum(w f x) / sum(w f^2). The ratio of the likelihoods of the two fits, with and
    without a change, times the cosine of the angle between f and 1 (under w) has mean 1 if there
    was none.

    Returns:
        (stores, factors, days) the logs of that ratio and of the cosine.
    """
    factor = np.array(factors)[:, None]
    weights, sums = (np.cumsum(one, axis=1)[:, None, :] for one in (weight, weight * shares))
    before, before_sum = (one[..., first - 1 : -1] for one in (weights, sums))
    every, every_sum = (one[..., -1:] for one in (weights, sums))
    every = np.where(every > 0, every, 1.0)  # of no days the sums, and with them all ratios, are 0
    since = np.where(weights[..., -1:] > 0, every - before, 1.0)
    changed = before + factor**2 * since
    changed_sum = before_sum + factor * (every_sum - before_sum)
    cosine = (before + factor * since) / np.sqrt(every * changed)
    return (changed_sum**2 / changed - every_sum**2 / every) / 2, np.log(cosine)


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


def _jumps(shares: Array, weight: Array) -> Array:
    """Give the squared differences between days and the last before, in variances; NaN for none."""
    there = weight > 0
    last = np.maximum.accumulate(np.where(there, np.arange(shares.shape[1]), -1), axis=1)
    before = np.concatenate([np.full((len(shares), 1), -1), last[:, :-1]], axis=1)
    earlier = np.maximum(before, 0)
    variance = 1.0 / np.where(there, weight, 1.0)
    gap = shares - np.take_along_axis(shares, earlier, axis=1)
    squares = gap**2 / (variance + np.take_along_axis(variance, earlier, axis=1))
    return np.where(there & (before >= 0), squares, np.nan)


def _stretch(jumps: Sequence[Array], *, first: int, params: DriftParams) -> tuple[Array, Array]:
    """Give how many times what is known a store's days vary, from neighbours of one kind.

    Of each kind the jump is left out that would be the change's own.

    Args:
        jumps: (stores, days) squares, by kind of day.
        first: day that may have brought a change.
        params: from when on days are believed to vary more.

    Returns:
        (stores, days from ``first`` on), 1 or more, and the degrees of freedom it is known by.
    """
    days = jumps[0].shape[1]
    total, number = np.zeros((2, len(jumps[0]), days - first))
    for squares in jumps:
        there = ~np.isnan(squares)
        known = np.where(there, squares, 0.0)
        places = np.where(there, np.arange(days), days)
        of_change = np.minimum.accumulate(places[:, ::-1], axis=1)[:, ::-1][:, first:]
        own = np.take_along_axis(
            np.concatenate([known, np.zeros((len(known), 1))], axis=1), of_change, axis=1
        )
        total += known.sum(axis=1, keepdims=True) - own
        number += there.sum(axis=1, keepdims=True) - (of_change < days)
    least = np.maximum(number, 1.0)
    found = total / least
    wide = (number > 0) & (found > 1.0 + params.unchanging * np.sqrt(3.0 / least))
    freedom = 2 * least / 3  # each jump shares its days with two others
    return np.where(wide, found, 1.0), np.where(wide, freedom, KNOWN)
