"""A place's course beside that of others: difference in differences of log shares.

A place's change is the log of its share after a day over its share before; of it is taken the
weighted mean change of control places, and what is left is the effect. Shares are ratios of sums
over days, so that noise on a single day's count does no harm. Days are the units: what they scatter
about the two shares holds noise, chance and what days have of their own, and is never taken as less
than noise and chance make by themselves. Two things make it more: that a day resembles the one
before, and that places drift apart.

Sources: Bertrand, Duflo and Mullainathan 2004 (days that resemble one another); DerSimonian and
Laird 1986 (how far places drift apart by themselves); Bloom 1995 (the least effect one can tell).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr, stdtrit

from hub.reports.trend import WEEK

Array = NDArray[np.float64]
Bools = NDArray[np.bool_]
MOST_KNOWN = 0.8
"""Of the days of the changed place, a control must be known on so many [D]."""

MOST_BIAS = 0.6
"""Part of the days' resemblance that their own mean may hide; more cannot be made good [D]."""
TINY = 1e-9
"""Counts without noise divide by no less."""


@dataclass(frozen=True, slots=True)
class PlanogramParams:
    """What is compared, and when an effect is told.

    Attributes:
        effect: the smallest change one wants to know of, as part of the figure before [D].
        power: with which it would be told; .8 is the custom (Cohen 1988).
        level: of the intervals; 1 - level is how often no change looks like one.
        before: days before the change, and
        after: from it on, if that is enough: four weeks, so that the days of the week weigh alike,
        longest: and at most, if it is not [D].
        least_before: fewer do not show the rhythm of a week twice, and
        least_after: not once.
        least_controls: with fewer, how far places drift apart by themselves cannot be told.
        most_controls: the most alike are taken.
        level_apart: factor between the shares before, beyond which a place is no control [D].
        slope_t: a place whose course differed by more than so many standard errors is none.
        support_sd: as ``ShareParams``: a sum must be so many standard deviations of its noise.
        drift_errors: standard errors by which what places drift apart is taken for more than was
            found; chosen on simulated days (tests/figures/planogram.py's, seeds 9604 to 9607).
        lags: days over which what befalls a place may last.
        dim: a day of less coverage is left out, and
        unlike: one whose coverage is further from the usual before the change [D].
        slack: part by which an error may turn out larger than foreseen; without it, every second
            time one looks again one would be told to wait further (tests/figures/planogram.py).
    """

    effect: float = 0.10
    power: float = 0.8
    level: float = 0.95
    before: int = 28
    after: int = 28
    longest: int = 84
    least_before: int = 14
    least_after: int = 7
    least_controls: int = 3
    most_controls: int = 12
    level_apart: float = 3.0
    slope_t: float = 2.0
    support_sd: float = 5.0
    drift_errors: float = 0.5
    lags: int = 7
    dim: float = 0.5
    unlike: float = 0.1
    slack: float = 0.15


@dataclass(frozen=True, slots=True)
class Place:
    """One zone of one store."""

    store: str
    zone: str
    name: str
    kind: str
    has_reader: bool


@dataclass(frozen=True, slots=True)
class Pooled:
    """A share over some days.

    Attributes:
        part: of a day, on average.
        variance: that noise and chance give the share's log.
        clear: how many standard deviations of their noise part and whole are at least.
    """

    share: float
    part: float
    variance: float
    clear: float


@dataclass(frozen=True, slots=True)
class Daily:
    """One place's share, day by day; NaN where nothing is known.

    Attributes:
        part: (D,) visits, noised.
        whole: (D,) likewise.
        noise: (D, 3) variance of the noise on the part, covariance, variance on the whole.
    """

    place: Place
    part: Array
    whole: Array
    noise: Array

    @property
    def there(self) -> Bools:
        """On which days it is known."""
        return ~np.isnan(self.part) & ~np.isnan(self.whole)

    def over(self, days: Bools) -> Pooled | None:
        """Add up some days; None if nothing positive is known of them."""
        chosen = self.there & days
        part, whole = float(self.part[chosen].sum()), float(self.whole[chosen].sum())
        if part <= 0 or whole <= 0:
            return None
        noise, share = self.noise[chosen].sum(axis=0), part / whole
        chance = max(0.0, share * (1 - share)) * whole
        made = noise[0] - 2 * share * noise[1] + share**2 * noise[2] + chance
        clear = min(part / math.sqrt(noise[0] + TINY), whole / math.sqrt(noise[2] + TINY))
        return Pooled(share, part / chosen.sum(), float(made / part**2), clear)

    def first(self, days: int) -> Daily:
        """Give some days from the first on."""
        return Daily(self.place, self.part[:days], self.whole[:days], self.noise[:days])


# ---- one place -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Design:
    """Days in their order; ``columns`` are the periods, then the days of the week."""

    days: tuple[date, ...]
    after: Bools
    columns: Array

    @classmethod
    def of(cls, days: Sequence[date], *, on: date) -> Self:
        """Lay days out about the first one after a change."""
        after = np.array([day >= on for day in days])
        weekdays = np.array([day.weekday() for day in days])
        columns = [~after, after, *(weekdays == number for number in range(1, WEEK))]
        return cls(tuple(days), after, np.stack(columns, axis=1).astype(np.float64))


@dataclass(frozen=True, slots=True)
class Course:
    """One place's log share, before the change and after.

    Attributes:
        shares: before, and after if there are days of it.
        change: of the log; 0 without days after.
        left: (D,) what the days scatter about it, NaN where nothing is known.
        known: variance that noise and chance alone give a day's log share, before and after.
        variance: of the change, if days had nothing to do with one another.
        halves: the change between the halves of the time before, and its variance likewise; None
            if one of them is not known.
        days: that a share is of, on average.
    """

    daily: Daily
    shares: tuple[float, ...]
    change: float
    left: Array
    known: tuple[float, ...]
    variance: float
    halves: tuple[float, float] | None
    days: float

    @classmethod
    def of(cls, daily: Daily, *, design: Design, params: PlanogramParams) -> Self | None:
        """Fit one; None if noise could explain its counts."""
        there, logs = daily.there, np.zeros(len(daily.part))
        shares, known = [], []
        for period in (~design.after, design.after)[: 1 + bool(design.after.any())]:
            sums, chosen = daily.over(period), there & period
            if sums is None or sums.clear <= params.support_sd:
                return None
            off = (daily.part - sums.share * daily.whole)[chosen] / sums.part
            logs[chosen] = math.log(sums.share) + off
            shares.append(sums.share)
            known.append(float(sums.variance * chosen.sum()))
        left = np.full(len(there), np.nan)
        fitted, *_ = np.linalg.lstsq(design.columns[there], logs[there], rcond=None)
        left[there] = logs[there] - design.columns[there] @ fitted
        change = float(fitted[1] - fitted[0]) if len(shares) > 1 else 0.0
        spreads, days = [], []
        for period, least in zip((~design.after, design.after), known, strict=False):
            days.append(int((there & period).sum()))
            spreads.append(max(least, _scatter(left[there & period], of=int(there.sum()))))
        variance = sum(spread / number for spread, number in zip(spreads, days, strict=True))
        halves = _halves(left[~design.after], spread=spreads[0])
        return cls(
            daily, tuple(shares), change, left, tuple(known), variance, halves,
            sum(days) / len(days),
        )  # fmt: skip


# ---- the place beside the others -----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Beside:
    """A place's change beyond that of its controls.

    Attributes:
        weights: of the controls, together 1.
        beyond: log of the effect.
        spread: of a day's difference, before and after; a variance.
        lasting: factor by which days that resemble their neighbours tell less.
        drift: variance of what places drift apart by themselves, times the weights' part,
        doubt: part of the days' variance by which it may be more: the fewer places, the less one
            knows, and a drift that was not found may still be there;
        freedom: degrees of it that this is known with.
        days: before and after.
        slope: what the place gained on the controls in a week before the change, and its error.
    """

    own: Course
    controls: tuple[Course, ...]
    weights: Array
    beyond: float
    spread: tuple[float, float]
    lasting: float
    drift: float
    doubt: float
    freedom: int
    days: tuple[int, int]
    slope: tuple[float, float]

    @classmethod
    def of(
        cls,
        own: Course,
        *,
        controls: Sequence[Course],
        design: Design,
        params: PlanogramParams,
        lasting: float | None = None,
    ) -> Self:
        """Compare a place with its controls, each weighed by how surely its change is known.

        Args:
            own: the place.
            controls: the others.
            design: their days.
            params: how they are compared.
            lasting: if it is known already.
        """
        lasting = lasting or lasting_of([own, *controls], params=params)
        of_controls = np.array([one.variance for one in controls]) * lasting
        changes = np.array([one.change for one in controls])
        if design.after.any():
            drift, doubt, freedom = _drift(changes, of_controls, params=params)
        else:  # what is to come is judged by what the time before holds
            halves = np.array([one.halves for one in (own, *controls) if one.halves])
            drift, doubt, freedom = _drift(halves[:, 0], lasting * halves[:, 1], params=params)
        weights = 1 / (of_controls + drift)
        weights /= weights.sum()
        gap = own.left - np.nan_to_num(np.stack([one.left for one in controls])).T @ weights
        there = ~np.isnan(gap)
        known = [
            mine + float(weights**2 @ others)
            for mine, *others in zip(own.known, *(one.known for one in controls), strict=True)
        ]
        days = int((there & ~design.after).sum()), int((there & design.after).sum())
        before = max(known[0], _scatter(gap[there & ~design.after], of=sum(days)))
        after = max(known[-1], _scatter(gap[there & design.after], of=sum(days)))
        return cls(
            own=own,
            controls=tuple(controls),
            weights=weights,
            beyond=own.change - float(weights @ changes),
            spread=(before, after if days[1] else before),
            lasting=lasting,
            drift=drift * (1 + float(weights @ weights)),
            doubt=doubt,
            freedom=freedom,
            days=days,
            slope=_slope(gap, design=design, variance=lasting * before),
        )

    def error(self, after: float) -> tuple[float, float]:
        """Give standard error and degrees of freedom with so many days after the change."""
        numbers = self.days[0], after
        parts = [
            ((1 + self.doubt) * self.lasting * spread / number, _freedom(number, of=sum(numbers)))
            for spread, number in zip(self.spread, numbers, strict=True)
        ]
        parts.append((self.drift, float(self.freedom)))
        total = sum(variance for variance, _ in parts)
        freedom = total**2 / sum(variance**2 / number for variance, number in parts)
        return math.sqrt(total), freedom

    def reach(self, *, params: PlanogramParams) -> float:
        """Give half the width of the interval of ``beyond``."""
        error, freedom = self.error(self.days[1])
        return error * _quantile(freedom, params=params)

    @property
    def size(self) -> float:
        """Give how many standard errors the effect is."""
        return abs(self.beyond) / self.error(self.days[1])[0]

    @property
    def chance(self) -> float:
        """Give how often chance alone makes as much, up or down."""
        return 2 * float(stdtr(self.error(self.days[1])[1], -self.size))

    def apart(self, *, params: PlanogramParams) -> tuple[float, float]:
        """Give the weekly gain before the change, and half the width of its interval."""
        slope, error = self.slope
        freedom = _freedom(self.days[0], of=sum(self.days))
        return slope, error * _quantile(freedom, params=params)

    def least(self, after: float, *, params: PlanogramParams) -> float:
        """Give the log of the least change so many days can tell."""
        error, freedom = self.error(after)
        return error * (_quantile(freedom, params=params) + float(stdtrit(freedom, params.power)))

    def wait(self, *, params: PlanogramParams) -> int | None:
        """Give the further days that the change asked for needs; None if none would do."""
        asked, now = math.log1p(params.effect), self.days[1]
        for more in range(max(0, params.least_after - now), max(0, params.longest - now) + 1):
            if self._foreseen(more, params=params) <= asked:
                return more
        return None

    def least_told(self, *, params: PlanogramParams, ever: bool) -> float:
        """Give the log of the least change that can be told now, or ``ever``."""
        now = self.days[1]
        if ever:
            return self._foreseen(max(0, params.longest - now), params=params)
        return self.least(max(now, params.least_after), params=params)

    def _foreseen(self, more: int, *, params: PlanogramParams) -> float:
        slack = 1 + params.slack * (more > 0)
        return slack * self.least(self.days[1] + more, params=params)


def _quantile(freedom: float, *, params: PlanogramParams) -> float:
    return float(stdtrit(freedom, (1 + params.level) / 2))


def _freedom(days: float, *, of: float) -> float:
    """Give the degrees of freedom of some of the days: the days of the week took a part."""
    return max(1.0, days * (1 - (WEEK - 1) / of) - 1)


def _scatter(left: Array, *, of: int) -> float:
    """Give the variance of what is left of some of the days; 0 without any."""
    return float((left**2).sum() / _freedom(len(left), of=of)) if len(left) else 0.0


def _halves(left: Array, *, spread: float) -> tuple[float, float] | None:
    """Give the change between the halves of the days that are known, and its variance."""
    known = left[~np.isnan(left)]
    first, second = np.split(known, [len(known) // 2])
    if not len(first):
        return None
    change = float(second.mean() - first.mean())
    return change, spread * (1 / len(first) + 1 / len(second))


def lasting_of(courses: Sequence[Course], *, params: PlanogramParams) -> float:
    """Say by what factor days tell less because they resemble their neighbours.

    1 + 2 sum of the autocorrelations, by Bartlett's weights, over all places together: one place
    has too few days for it. What all places share is taken out first, as it is of the effect.
    Scatter about a mean of the same few days looks less lasting than it is, the more the more
    lasting it is: each of the sums is short by the factor over the days, which is made good.
    """
    left = np.stack([one.left for one in courses])
    left = left[:, ~np.isnan(left).all(axis=0)]
    left = np.nan_to_num(left - np.nanmean(left, axis=0))
    variance, factor, weights = float((left**2).mean()), 1.0, 1.0
    for lag in range(1, params.lags + 1):
        weight = 2 * (1 - lag / (params.lags + 1))
        factor += weight * float((left[:, lag:] * left[:, :-lag]).mean()) / variance
        weights += weight
    return max(1.0, factor / (1 - min(MOST_BIAS, factor * weights / courses[0].days)))


def _drift(
    changes: Array, variances: Array, *, params: PlanogramParams
) -> tuple[float, float, int]:
    """Give the variance of places' changes that their own variances do not explain.

    Args:
        changes: of the places, compared with one another.
        variances: that they explain themselves.
        params: how much more it is taken to be than was found.

    Returns:
        It, by what part of the days' own variance it may be more, and its degrees of freedom.

    Source: DerSimonian and Laird 1986, "Meta-analysis in clinical trials".
    """
    weights, freedom = 1 / variances, len(changes) - 1
    mean = float(weights @ changes / weights.sum())
    excess = float(weights @ (changes - mean) ** 2) - freedom
    scale = float(weights.sum() - (weights**2).sum() / weights.sum())
    found = max(0.0, excess)
    doubt = max(0.0, excess + params.drift_errors * math.sqrt(2 * freedom)) - found
    return found / scale, doubt / freedom, freedom


def _slope(gap: Array, *, design: Design, variance: float) -> tuple[float, float]:
    """Give the weekly gain before the change and its standard error."""
    chosen = ~np.isnan(gap) & ~design.after
    weeks = np.array([day.toordinal() for day in design.days])[chosen] / WEEK
    weeks -= weeks.mean()
    squares = float((weeks**2).sum())
    return float(weeks @ gap[chosen]) / squares, math.sqrt(variance / squares)


# ---- which places are like it --------------------------------------------------------------------


def alike(
    own: Course, *, others: Sequence[Course], design: Design, params: PlanogramParams
) -> list[Course]:
    """Choose controls: of the same kind, level and course before the change."""
    mine = own.daily.place
    found = []
    for other in others:
        apart = abs(math.log(other.shares[0] / own.shares[0]))
        if other.daily.place.kind != mine.kind or apart > math.log(params.level_apart):
            continue
        there = ~np.isnan(own.left) & ~np.isnan(other.left)
        if there.sum() < MOST_KNOWN * (~np.isnan(own.left)).sum():
            continue
        gap = np.where(there, own.left - other.left, np.nan)
        before = gap[there & ~design.after]
        variance = max(own.known[0] + other.known[0], _scatter(before, of=int(there.sum())))
        slope, error = _slope(gap, design=design, variance=variance)
        if abs(slope) <= params.slope_t * error:
            place = other.daily.place
            far = place.store != mine.store, place.zone != mine.zone, apart
            found.append((far, other))
    found.sort(key=lambda row: row[0])
    return [other for _, other in found[: params.most_controls]]


def pretended(
    beside: Beside, *, design: Design, params: PlanogramParams
) -> list[tuple[float, bool]]:
    """Pretend that each control was changed, and that all places were on an earlier day.

    Returns:
        Of each, how many standard errors it looks like, and whether it would be told.
    """
    found = _each_among(beside.controls, lasting=beside.lasting, design=design, params=params)
    days = [day for day, after in zip(design.days, design.after, strict=True) if not after]
    there = [day for day, left in zip(days, beside.own.left, strict=False) if not np.isnan(left)]
    earlier = Design.of(days, on=there[len(there) // 2])
    fits = [
        Course.of(one.daily.first(len(days)), design=earlier, params=params)
        for one in (beside.own, *beside.controls)
    ]
    known = [one for one in fits if one]
    if not known:
        return found
    lasting = lasting_of(known, params=params)
    return found + _each_among(known, lasting=lasting, design=earlier, params=params)


def _each_among(
    places: Sequence[Course], *, lasting: float, design: Design, params: PlanogramParams
) -> list[tuple[float, bool]]:
    found = []
    for number, one in enumerate(places):
        others = [*places[:number], *places[number + 1 :]]
        if len(others) < params.least_controls - 1:
            continue
        beside = Beside.of(one, controls=others, design=design, params=params, lasting=lasting)
        found.append((beside.size, abs(beside.beyond) > beside.reach(params=params)))
    return found
