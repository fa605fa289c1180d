"""Whether a segment's share still is what it was: a CUSUM that knows the release's noise.

Neither the share before nor the size of a change is known beforehand. So every recent day is tried
as the day of a change, and the days since it are held against all before it, each weighted by how
well it tells the share: the likelihood-ratio form of CUSUM (Siegmund & Venkatraman 1995, Ann.
Statist. 23:255), with what noise, chance and overdispersion make in every comparison. Working days
and week-ends are compared with their like.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from hub.segments.rules import Array
from hub.segments.weighing import Day, ratio

SATURDAY = 5


@dataclass(frozen=True, slots=True)
class DriftParams:
    """What counts as drift.

    Attributes:
        limit: standard deviations at which a change is told. At 3.4 a false alarm comes .07 times
            in 30 days (2,000 simulated series of 120 days); tests/figures/segment_drift.py
            measures what is kept with noise and overdispersion.
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


def detect(days: Sequence[Day], *, params: DriftParams | None = None) -> Alarm | None:
    """Tell whether, and when, a segment's share began to drift.

    Args:
        days: of one store and one version of the rule, ascending, from when it was last confirmed.
        params: what counts as drift.

    Returns:
        The first alarm; None while nothing speaks for a change.
    """
    chosen = params or DriftParams()
    # a day on which the rule is never true says nothing
    told = [day for day in days if day.visits > 0 and (day.var_members > 0 or day.members != 0)]
    for last in range(chosen.learn_days, len(told)):
        alarm = _latest(told[: last + 1], params=chosen)
        if alarm is not None:
            return alarm
    return None


def _latest(days: Sequence[Day], *, params: DriftParams) -> Alarm | None:
    shares = np.array([day.members / day.visits for day in days])
    weight = 1.0 / _variances(days, params=params)
    weekend = _weekend(days, shares, weight=weight, params=params)
    stretch = _stretch(shares, weight=weight, weekend=weekend)
    first = max(params.learn_days, len(days) - params.recent_days)
    sds = np.zeros(len(days))
    sds[first:] = _contrast(shares, weight=weight, weekend=weekend)[first:] / stretch
    at = int(np.abs(sds).argmax())
    if abs(sds[at]) <= params.limit:
        return None
    before, after = float(ratio(days[:at])[0]), float(ratio(days[at:])[0])
    return Alarm(days[-1].day, days[at].day, before, after, abs(float(sds[at])))


def _weekend(
    days: Sequence[Day], shares: Array, *, weight: Array, params: DriftParams
) -> NDArray[np.bool_]:
    """Tell which days are to be compared among themselves; none where week-ends are like others."""
    kind = np.array([day.day.weekday() >= SATURDAY for day in days])
    if kind.all() or not kind.any():
        return np.zeros(len(days), dtype=bool)
    sums = [float(weight[part].sum()) for part in (kind, ~kind)]
    means = [float((weight * shares)[part].sum()) for part in (kind, ~kind)]
    gap = means[0] / sums[0] - means[1] / sums[1]
    unlike = abs(gap) > params.unlike * (1 / sums[0] + 1 / sums[1]) ** 0.5
    return kind if unlike else np.zeros(len(days), dtype=bool)


def _contrast(shares: Array, *, weight: Array, weekend: NDArray[np.bool_]) -> Array:
    """Give, for each day, how many standard deviations the days from it on differ from before."""
    difference = np.zeros(len(shares))
    precision = np.zeros(len(shares))
    for kind in (weekend, ~weekend):
        w = np.where(kind, weight, 0.0)
        before = np.cumsum(w) - w
        after = w.sum() - before
        total = np.cumsum(w * shares) - w * shares
        rest = (w * shares).sum() - total
        both = before * after > 0
        part = np.where(both, before * after / np.where(both, before + after, 1.0), 0.0)
        gap = rest / np.where(after > 0, after, 1.0) - total / np.where(before > 0, before, 1.0)
        difference += part * gap
        precision += part
    return np.where(
        precision > 0, difference / np.sqrt(np.where(precision > 0, precision, 1.0)), 0.0
    )


def _variances(days: Sequence[Day], *, params: DriftParams) -> Array:
    """Give the variance of each day's share, if all had the same true one."""
    share = max(ratio(days)[0], 0.0)
    members = sum(day.members for day in days)
    # weights below one spread a visit over several segments: it varies less than a whole one
    hardness = sum(day.squares for day in days) / members if members > 0 else 1.0
    sampled = max(share * min(1.0, max(0.0, hardness)) - share * share, 0.0)
    return np.array(
        [
            (
                max(0.0, day.var_members - 2 * share * day.cov + share**2 * day.var_visits)
                + params.overdispersion * sampled * day.visits
                + 1e-6
            )
            / day.visits**2
            for day in days
        ]
    )


def _stretch(shares: Array, *, weight: Array, weekend: NDArray[np.bool_]) -> float:
    """Give by how much days vary beyond what is known, from neighbours of the same kind.

    Neighbours hardly feel a lasting change. What chance alone makes in 19 of 20 series is not taken
    for real.
    """
    squares: list[float] = []
    for kind in (weekend, ~weekend):
        s, v = shares[kind], 1.0 / weight[kind]
        squares += (np.diff(s) ** 2 / (v[1:] + v[:-1])).tolist()
    if not squares:
        return 1.0
    found = float(np.mean(squares))
    return found**0.5 if found > 1.0 + 1.645 * (3.0 / len(squares)) ** 0.5 else 1.0
