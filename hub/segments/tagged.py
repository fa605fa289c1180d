"""Segments over basket tags, which are counted by the day and each by itself."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

from hub.segments.context import Surroundings, values_at
from hub.segments.rules import Rule, weight
from hub.segments.weighing import Day
from wire.messages import Release


@dataclass(frozen=True, slots=True)
class TagDay:
    """How many visits of a day had goods of a tag in their basket, noised."""

    day: date
    tag: str
    count: float
    variance: float


def tag_days(releases: Iterable[Release], *, zone: ZoneInfo) -> list[TagDay]:
    """Gather ``tags`` releases, added up over agents; other channels are ignored."""
    sums: dict[tuple[date, str], tuple[float, float]] = {}
    for release in releases:
        if release.channel != "tags":
            continue
        day = release.window_start.astimezone(zone).date()
        for tag, count in zip(release.axes[0].labels, release.counts, strict=True):
            before, noise = sums.get((day, tag), (0.0, 0.0))
            sums[day, tag] = (before + count, noise + release.sd**2)
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
        visits: the days of a rule that is always true.
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
