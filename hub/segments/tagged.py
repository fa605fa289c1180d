"""Segments over basket tags, which are counted by the day and each by itself."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from hub.segments.context import Surroundings, values_at
from hub.segments.hours import Calendar
from hub.segments.rules import Rule, weight
from hub.segments.weighing import Day
from hub.store_io.counts import Counts


@dataclass(frozen=True, slots=True)
class TagDay:
    """How many visits of a day had goods of a tag in their basket, noised."""

    day: date
    tag: str
    count: float
    variance: float


def tag_days(counts: Iterable[Counts], *, calendar: Calendar) -> list[TagDay]:
    """Gather ``tags``, added up over agents; other channels are ignored."""
    sums: dict[tuple[date, str], tuple[float, float]] = {}
    for one in counts:
        if one.channel != "tags":
            continue
        labels = one.axes[0].labels
        for window, row, sd in zip(one.windows, one.counts.tolist(), one.sd.tolist(), strict=True):
            day = calendar.local(window)[0].date()
            for tag, count in zip(labels, row, strict=True):
                before, noise = sums.get((day, tag), (0.0, 0.0))
                sums[day, tag] = (before + count, noise + sd**2)
    return [TagDay(day, tag, *both) for (day, tag), both in sorted(sums.items())]


def tagged_days(
    rule: Rule,
    *,
    tags: Sequence[TagDay],
    visits: Sequence[Day],
    store: str,
    surroundings: Surroundings,
) -> list[Day]:
    """Give the days of a segment over one tag.

    Args:
        rule: over one tag and what is known of a day.
        tags: of the store.
        visits: the days of all visits, those in no cell too, whose baskets are counted as well.
        store: whose.
        surroundings: context beside the releases.
    """
    path = next(path for path in rule.names.paths if path.startswith("tag."))
    counted = {one.day: one for one in tags if f"tag.{one.tag}" == path}
    days = []
    for whole in visits:
        tag = counted.get(whole.day)
        if tag is None:
            continue
        known = values_at(whole.day, store=store, daypart=None, surroundings=surroundings)
        held, not_held = (weight(rule, {**known, path: holds}) for holds in (True, False))
        if math.isnan(held) or math.isnan(not_held):
            continue
        days.append(
            Day(
                day=whole.day,
                visits=whole.visits,
                members=not_held * whole.visits + (held - not_held) * tag.count,
                squares=not_held**2 * whole.visits + (held**2 - not_held**2) * tag.count,
                var_visits=whole.var_visits,
                var_members=not_held**2 * whole.var_visits + (held - not_held) ** 2 * tag.variance,
                cov=not_held * whole.var_visits,
                told=whole.told,
            )
        )
    return days
