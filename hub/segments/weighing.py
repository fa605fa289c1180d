"""From a rule's weights and the noised counts to a segment's share, by day or over a period."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from hub.patterns.shares import Share, ShareParams
from hub.segments.context import Surroundings, values_at
from hub.segments.hours import WHOLE_DAY_PART, CellHours
from hub.segments.rules import Array, Rule, Values, weights


@dataclass(frozen=True, slots=True, eq=False)
class Weighed:
    """An agent's counts with what a segment's rule makes of them.

    Attributes:
        weights: (windows, cells); NaN in a row where the rule asks for what is not known.
        day_weights: (days, cells) without knowing the hour; NaN where the rule asks for it.
    """

    hours: CellHours
    weights: Array
    day_weights: Array


@dataclass(frozen=True, slots=True)
class Day:
    """A segment in one store on one day, as sums: what drift, history and any period are made of.

    Attributes:
        visits: all that were placed, noised.
        members: those of the segment, weighted.
        squares: the same with squared weights.
        var_visits: of the noise on ``visits``.
        var_members: of the noise on ``members``.
        cov: between the two.
        told: part of the day's windows for which the rule could be told.
    """

    day: date
    visits: float
    members: float
    squares: float
    var_visits: float
    var_members: float
    cov: float
    told: float = 1.0


def weigh(
    rule: Rule,
    *,
    hours: Sequence[CellHours],
    cells: Mapping[str, Sequence[Values]],
    surroundings: Surroundings,
) -> list[Weighed]:
    """Evaluate a rule on a store's counts; those of codebooks that are not known are left out."""
    weighed = []
    for table in hours:
        known = cells.get(table.codebook)
        if known is None or len(known) != table.counts.shape[1]:
            continue
        contexts = [
            values_at(at, store=table.store, daypart=part, surroundings=surroundings)
            for at, part in zip(table.starts, table.dayparts, strict=True)
        ]
        days = [
            values_at(day, store=table.store, daypart=None, surroundings=surroundings)
            for day in table.days
        ]
        weighed.append(
            Weighed(
                table,
                weights(rule, cells=known, contexts=contexts),
                weights(rule, cells=known, contexts=days),
            )
        )
    return weighed


def by_day(weighed: Sequence[Weighed]) -> list[Day]:
    """Add up each calendar day over hours, agents and codebooks.

    Hours tell how a rule that asks for the hour divides the day, the day's own count how much
    there is to divide: with w the weights of the hours and m their mean, members are
    sum (w - m) n + m c, where c joins the day's count and the hours' sum by their precision.
    A rule that does not ask for the hour thus takes the day's noise, not that of its hours. Days
    of which nothing is told are left out.
    """
    sums: dict[int, Array] = {}
    for one in weighed:
        for ordinal, row in _days_of(one):
            sums[ordinal] = sums[ordinal] + row if ordinal in sums else row
    return [
        Day(
            day=date.fromordinal(ordinal),
            visits=float(row[0]),
            members=float(row[1]),
            squares=float(row[2]),
            var_visits=float(row[3]),
            var_members=float(row[4]),
            cov=float(row[5]),
            told=float(row[6] / row[7]),
        )
        for ordinal, row in sorted(sums.items())
        if row[6] > 0
    ]


def _days_of(one: Weighed) -> list[tuple[int, Array]]:
    table = one.hours
    told = np.asarray(~np.isnan(one.weights).any(axis=1))
    whole = {day.toordinal(): number for number, day in enumerate(table.days)}
    ordinals = np.array([at.toordinal() for at in table.starts], dtype=np.int64)
    found = [
        (int(ordinal), _hourly(one, rows=ordinals == ordinal, told=told, day=whole.get(ordinal)))
        for ordinal in np.unique(ordinals)
    ]
    seen = {ordinal for ordinal, _ in found}
    found += [(o, _daily(one, day=n)) for o, n in whole.items() if o not in seen]
    return found


def _hourly(
    one: Weighed, *, rows: NDArray[np.bool_], told: NDArray[np.bool_], day: int | None
) -> Array:
    table = one.hours
    used = rows & told
    if day is not None and not np.isnan(one.day_weights[day]).any():
        return _daily(one, day=day, joined=np.flatnonzero(rows))
    w, n, v = one.weights[used], table.counts[used], table.variances[used]
    hours = int(used.sum())
    if not hours:
        return np.array([0.0] * 7 + [float(rows.sum())])
    mean = w.mean(axis=0)
    mean_square = (w**2).mean(axis=0)
    total, noise = n.sum(axis=0), float(v.sum())
    if day is not None and hours == int(rows.sum()):
        total, noise = _joined(table, day=day, total=total, noise=noise, rows=used)
    apart = w - mean
    return np.array(
        [
            total.sum(),
            (apart * n).sum() + mean @ total,
            ((w**2 - mean_square) * n).sum() + mean_square @ total,
            noise * len(total),
            v @ (apart**2).sum(axis=1) + noise * float(mean @ mean),
            noise * mean.sum(),
            hours,
            float(rows.sum()),
        ]
    )


def _daily(one: Weighed, *, day: int, joined: NDArray[np.intp] | None = None) -> Array:
    """Take a day whose hours all have the same weights, or are not known."""
    table, w = one.hours, one.day_weights[day]
    if np.isnan(w).any():
        return np.array([0.0] * 7 + [1.0])
    total, noise = table.day_counts[day], float(table.day_variances[day])
    if joined is not None:
        mask = np.zeros(len(table.starts), dtype=bool)
        mask[joined] = True
        hours, sums = table.counts[mask].sum(axis=0), float(table.variances[mask].sum())
        total, noise = _joined(table, day=day, total=hours, noise=sums, rows=mask)
    return np.array(
        [
            total.sum(),
            w @ total,
            (w**2) @ total,
            noise * len(total),
            noise * float(w @ w),
            noise * w.sum(),
            1.0,
            1.0,
        ]
    )


def _joined(
    table: CellHours, *, day: int, total: Array, noise: float, rows: NDArray[np.bool_]
) -> tuple[Array, float]:
    """Join the sum of a day's hours and the day's own count; the latter alone if hours lack."""
    own, own_noise = table.day_counts[day], float(table.day_variances[day])
    if table.lengths_s[rows].sum() < WHOLE_DAY_PART * table.day_lengths_s[day]:
        return own, own_noise
    part = own_noise / (own_noise + noise)
    return part * total + (1 - part) * own, own_noise * noise / (own_noise + noise)


def over(days: Sequence[Day], *, params: ShareParams) -> Share:
    """Estimate the share over some days, with its 95 % interval.

    Its parts are those of ``hub.patterns.shares.share``: noise by the delta method on a ratio, and
    sampling as the larger of what came and what those that came were.
    """
    visits = sum(day.visits for day in days)
    var_visits = sum(day.var_visits for day in days)
    if visits <= 0 or visits < params.support_sd * var_visits**0.5:
        return Share(None, None, None, "too few visits for the privacy noise on them")
    p, variance = ratio(days)
    half = params.z * variance**0.5
    if half > params.widest:
        return Share(None, None, None, f"known only to within {100 * half:.0f} points either way")
    return Share(p, p - half, p + half)


def ratio(days: Sequence[Day]) -> tuple[float, float]:
    """Give the share and its variance, of noise and sampling; visits must be over zero."""
    visits = sum(day.visits for day in days)
    p = sum(day.members for day in days) / visits
    squares = sum(day.squares for day in days) / visits
    noise = sum(day.var_members - 2 * p * day.cov + p * p * day.var_visits for day in days)
    # noise can push either below the zero that it cannot be
    sampling = max(0.0, squares - p * p, p - squares) / visits
    return p, max(0.0, noise) / visits**2 + sampling


def overlap(first: Sequence[Weighed], second: Sequence[Weighed]) -> float:
    """Give what part of the visits is in both segments, out of those in either.

    A visit that is in both by weights a and b is in both by min(a, b) and in either by max(a, b),
    as fuzzy sets are. Negative counts stay: their sums are not biased.
    """
    both = either = 0.0
    for left, right in zip(first, second, strict=True):
        told = ~(np.isnan(left.weights).any(axis=1) | np.isnan(right.weights).any(axis=1))
        counts = left.hours.counts[told]
        a, b = left.weights[told], right.weights[told]
        both += float((np.minimum(a, b) * counts).sum())
        either += float((np.maximum(a, b) * counts).sum())
    return max(0.0, min(1.0, both / either)) if either > 0 else 0.0
