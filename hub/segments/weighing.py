"""From a rule's weights and the noised counts to a segment's share, by day or over a period."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np

from hub.patterns.shares import Share, ShareParams
from hub.segments.context import Surroundings, values_at
from hub.segments.hours import WHOLE_DAY_PART, CellHours
from hub.segments.rules import Array, Ints, Rule, Value, Values, weights


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
        visits: all that were placed, noised; for a tag all that were counted.
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
    bridges: Mapping[str, tuple[str, Array]] | None = None,
) -> list[Weighed]:
    """Evaluate a rule on a store's counts; those of codebooks that are not known are left out.

    Args:
        rule: compiled.
        hours: the store's.
        cells: what is known of each cell, by codebook.
        surroundings: context beside the releases.
        bridges: by codebook, the newer one in whose cells its history is read, and what part of
            each old cell's visits each new one would hold (``hub.segments.lloyd.bridge``).
    """
    weighed = []
    for table in hours:
        version, bridge = (bridges or {}).get(table.codebook, (table.codebook, None))
        known = cells.get(version)
        size = table.counts.shape[1]
        if known is None or size != (len(known) if bridge is None else len(bridge)):
            continue
        paths = rule.names.paths
        windows = _kinds(table, paths, surroundings=surroundings)
        own = np.array([day.toordinal() for day in table.days], dtype=np.int64)
        days = _day_kinds(own, paths, store=table.store, surroundings=surroundings)
        told = (
            _carried(weights(rule, cells=known, contexts=kinds), bridge)[which]
            for kinds, which in (windows, days)
        )
        weighed.append(Weighed(table, *told))
    return weighed


def every_visit(hours: Sequence[CellHours]) -> list[Weighed]:
    """Weigh every visit that was counted as 1, those in no cell too, whatever the codebook."""
    whole = [
        replace(
            table,
            counts=np.column_stack((table.counts, table.dropped)),
            day_counts=np.column_stack((table.day_counts, table.day_dropped)),
        )
        for table in hours
    ]
    return [
        Weighed(table, np.ones_like(table.counts), np.ones_like(table.day_counts))
        for table in whole
    ]


def _carried(weight: Array, bridge: Array | None) -> Array:
    """Give weights of old cells out of those of the new ones their visits would be in."""
    return weight if bridge is None else np.asarray(weight @ bridge.T, dtype=np.float64)


def _kinds(
    table: CellHours, paths: Collection[str], *, surroundings: Surroundings
) -> tuple[list[dict[str, Value]], Ints]:
    """Tell the kinds of windows that some names tell apart, and of which kind each window is."""
    if any(hour >= 0 for source in surroundings.sources for _, _, hour in source.rows):
        each = [
            values_at(at, store=table.store, daypart=part, surroundings=surroundings)
            for at, part in zip(table.starts, table.dayparts, strict=True)
        ]
        return each, np.arange(len(each))
    known, of_day = _day_kinds(table.ordinals, paths, store=table.store, surroundings=surroundings)
    hour, part = "context.hour" in paths, "context.daypart" in paths
    if not hour and not part:
        return known, of_day
    hours = table.hours if hour else np.zeros_like(of_day)
    names, parts = [""], np.zeros_like(of_day)
    if part:
        names = sorted(set(table.dayparts))
        numbers = {name: number for number, name in enumerate(names)}
        parts = np.array([numbers[name] for name in table.dayparts], dtype=np.int64)
    kinds, which = np.unique((of_day * 24 + hours) * len(names) + parts, return_inverse=True)
    told: list[dict[str, Value]] = []
    for kind in kinds.tolist():
        of_hour, name = divmod(kind, len(names))
        day, at = divmod(of_hour, 24)
        told.append({**known[day], "context.hour": at, "context.daypart": names[name]})
    return told, which


def _day_kinds(
    ordinals: Ints, paths: Collection[str], *, store: str, surroundings: Surroundings
) -> tuple[list[dict[str, Value]], Ints]:
    """Tell the kinds of days that some names tell apart, and of which kind each day is."""
    kinds: dict[tuple[tuple[str, Value], ...], int] = {}
    days, which = np.unique(ordinals, return_inverse=True)
    of_day = []
    alike: dict[object, int] = {}
    dated = "context.date" in paths or bool(surroundings.sources)
    for ordinal in days.tolist():
        day = date.fromordinal(ordinal)
        like = day if dated else (day.weekday(), day.month)
        if like not in alike:
            values = values_at(day, store=store, daypart=None, surroundings=surroundings)
            key = tuple((path, values[path]) for path in paths if path in values)
            alike[like] = kinds.setdefault(key, len(kinds))
        of_day.append(alike[like])
    return [dict(key) for key in kinds], np.array(of_day, dtype=np.int64)[which]


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
    """Give each day's sums: visits, members, squares, their noise, and how many windows told."""
    table = one.hours
    own = {day.toordinal(): number for number, day in enumerate(table.days)}
    found = _hourly(one, own=own) if len(table.ordinals) else []
    seen = set(table.ordinals.tolist())
    daily = [(day, number) for day, number in own.items() if day not in seen]
    return found + [(day, _daily(one, number=number)) for day, number in daily]


def _hourly(one: Weighed, *, own: Mapping[int, int]) -> list[tuple[int, Array]]:
    table = one.hours
    days, starts = np.unique(table.ordinals, return_index=True)  # windows are in order

    def daily(rows: Array) -> Array:
        summed: Array = np.add.reduceat(rows, starts, axis=0)
        return summed

    told = np.asarray(~np.isnan(one.weights).any(axis=1))
    w = np.where(told[:, None], one.weights, 0.0)
    n = np.where(told[:, None], table.counts, 0.0)
    v = np.where(told, table.variances, 0.0)
    hours, windows = daily(told.astype(np.float64)), daily(np.ones(len(told)))
    least = np.maximum(hours, 1.0)[:, None]
    mean, mean_square = daily(w) / least, daily(w**2) / least
    sums, noise = daily(n), daily(v)
    total, total_noise = _joined(
        table,
        [
            own.get(day, -1) if every else -1
            for day, every in zip(days.tolist(), hours == windows, strict=True)
        ],
        sums=sums,
        noise=noise,
        lengths_s=daily(table.lengths_s),
    )
    # the sums of (w - m) n, of (w² - mean w²) n and of v (w - m)², by day
    members = (daily(w * n) - mean * sums).sum(axis=1)
    squares = (daily(w**2 * n) - mean_square * sums).sum(axis=1)
    apart = (
        daily(v[:, None] * w**2) - 2 * mean * daily(v[:, None] * w) + mean**2 * noise[:, None]
    ).sum(axis=1)
    rows = np.column_stack(
        (
            total.sum(axis=1),
            members + (mean * total).sum(axis=1),
            squares + (mean_square * total).sum(axis=1),
            total_noise * total.shape[1],
            np.maximum(apart, 0.0) + total_noise * (mean**2).sum(axis=1),
            total_noise * mean.sum(axis=1),
            hours,
            windows,
        )
    )
    return list(zip(days.tolist(), rows, strict=True))


def _daily(one: Weighed, *, number: int) -> Array:
    """Take a day of which no hours arrived."""
    w = one.day_weights[number]
    if np.isnan(w).any():
        return np.array([0.0] * 7 + [1.0])
    total, noise = one.hours.day_counts[number], float(one.hours.day_variances[number])
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
    table: CellHours, own: Sequence[int], *, sums: Array, noise: Array, lengths_s: Array
) -> tuple[Array, Array]:
    """Join sums of hours and the days' own counts; the latter alone where hours lack.

    Args:
        table: with the days' own counts.
        own: the number of each day's own count, -1 where there is none to use.
        sums: (days, cells) of the hours.
        noise: (days,) its variance.
        lengths_s: (days,) of the hours together.
    """
    total, total_noise = sums.copy(), noise.copy()
    mine = np.array(own, dtype=np.int64)
    there = mine >= 0
    if not there.any():
        return total, total_noise
    counts, variance = table.day_counts[mine[there]], table.day_variances[mine[there]]
    whole = lengths_s[there] >= WHOLE_DAY_PART * table.day_lengths_s[mine[there]]
    part = np.where(whole, variance / (variance + noise[there]), 0.0)
    total[there] = part[:, None] * sums[there] + (1 - part)[:, None] * counts
    total_noise[there] = np.where(
        whole, variance * noise[there] / (variance + noise[there]), variance
    )
    return total, total_noise


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
