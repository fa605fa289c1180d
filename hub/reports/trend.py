"""A period's course: day by day, or by the week where a day is too noisy; the week's rhythm."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Literal

from hub.patterns.cells import Patterns, add_cells, cells_of_days, estimate_patterns
from hub.patterns.days import Daypart, coverage, daypart_of, minutes, open_hours
from hub.patterns.drawn import UNTOLD, estimate_drawn
from hub.patterns.shares import Estimate, Share, ShareParams, share, total
from hub.patterns.steady import steadied
from hub.patterns.zones import NEED_READER, add_zones
from hub.reports.figures import Noised
from hub.reports.period import PeriodData
from wire.messages import OUTCOMES, Release

WEEK = 7
SHOPPED = ("aisle", "promo", "fitting-room")
"""Kinds of zones where stopping means something; at a till everybody does."""
MOST_WITHHELD = 1 / 3
"""Beyond this part of days withheld, a series is told by the week."""


@dataclass(frozen=True, slots=True)
class Day:
    """One day's data.

    Attributes:
        visits: None where no counts came.
        coverage: share of the opening hours in which the agents were seeing.
        missing: channels that came on other days of the period, and not on this one.
    """

    day: date
    visits: Estimate | None
    coverage: float
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Point:
    """A figure of some days on end; ``value`` is None if withheld, for the reason given."""

    since: date
    until: date
    value: float | None
    low: float | None
    high: float | None
    withheld: str | None = None


@dataclass(frozen=True, slots=True)
class Series:
    """A figure's course.

    Attributes:
        figure: ``visits``, ``stop_rate`` or a pattern's name.
        grain: by what it is told.
        why: why not by the day.
    """

    figure: str
    grain: Literal["day", "week"]
    points: tuple[Point, ...]
    why: str = ""


@dataclass(frozen=True, slots=True)
class Rhythm:
    """Visits a day by weekday (0 is Monday) and part of the day."""

    weekday: int
    daypart: str
    days: int
    visits: Estimate


def days_of(data: PeriodData, *, params: ShareParams) -> tuple[Day, ...]:
    """Say of every day what is there."""
    first, zone = data.newest[0], data.zone
    usual = {release.channel for release in data.releases}
    agents = len(data.newest) + len(data.without_meta)
    found = []
    for day, releases in data.by_day().items():
        hours = open_hours(day, opens=first.opens, closes=first.closes, zone=zone)
        cells = [release for release in releases if release.channel == "cells"]
        visits = visits_of(releases, params=params) if cells else None
        missing = sorted(usual - {release.channel for release in releases})
        seen = coverage(cells, hours=hours, agents=agents)
        found.append(Day(day, visits, seen, tuple(missing)))
    return tuple(found)


def course(data: PeriodData, *, params: ShareParams) -> tuple[Series, ...]:
    """Give the course of visits, stop rate and patterns; nothing for a period of one day."""
    if len(data.days) == 1:
        return ()
    by_day = data.by_day()
    spans = [(day, day, by_day[day]) for day in data.days]
    daily = _points(spans, data=data, params=params, known=daily_patterns(data, params=params))
    weekly: dict[str, list[Point]] | None = None
    found = []
    for figure, points in daily.items():
        there = [point for point in points if point.withheld != "nothing came"]
        hidden = sum(point.value is None for point in there)
        if len(data.days) >= WEEK and hidden > MOST_WITHHELD * len(there):
            weekly = weekly or _points(_weeks(data), data=data, params=params)
            why = next(point.withheld or "" for point in there if point.value is None)
            text = f"{hidden} of {len(there)} days: {why}"
            found.append(Series(figure, "week", tuple(weekly[figure]), text))
        else:
            found.append(Series(figure, "day", tuple(points)))
    return tuple(found)


def rhythm(data: PeriodData) -> tuple[Rhythm, ...]:
    """Give visits by weekday and part of the day; nothing for less than a week."""
    if len(data.days) < WEEK:
        return ()
    zone, named = data.zone, dayparts_of(data)
    sums: dict[tuple[int, Daypart], Noised] = {}
    days: dict[tuple[int, Daypart], set[date]] = {}
    for release in data.releases:
        if release.channel != "cells":
            continue
        day = release.window_start.astimezone(zone).date()
        key = day.weekday(), daypart_of(release, dayparts=named, zone=zone)
        before = sums.get(key, Noised(0.0, 0.0))
        noise = before.variance + release.sd**2 * len(release.counts)
        sums[key] = Noised(before.count + sum(release.counts), noise)
        days.setdefault(key, set()).add(day)
    ordered = sorted(sums, key=lambda key: (key[0], key[1].starts_min))
    return tuple(
        Rhythm(
            key[0],
            key[1].name,
            len(days[key]),
            Noised(
                sums[key].count / len(days[key]), sums[key].variance / len(days[key]) ** 2
            ).estimate,
        )
        for key in ordered
    )


def visits_of(releases: Sequence[Release], *, params: ShareParams) -> Estimate:
    """Count visits, those that could not be placed too."""
    sums = add_cells(cells_of_days(releases))
    return total(
        [float(n) for one in sums for n in (*one.counts, one.dropped)],
        variances=[v for one in sums for v in (*one.variances, one.dropped_variance)],
        params=params,
    )


def counted(releases: Sequence[Release], *, data: PeriodData, params: ShareParams) -> Patterns:
    """Estimate visits and patterns of some releases."""
    sums = add_cells(cells_of_days(releases))
    return estimate_patterns(sums, codebooks=data.codebooks, params=params)


def counted_days(releases: Sequence[Release], *, data: PeriodData, params: ShareParams) -> Patterns:
    """Estimate the same of whole days, and what is told by the day only."""
    found = counted(releases, data=data, params=params)
    drawn = estimate_drawn(releases, zones=data.zones, show=params)
    by_cell = {row.name for row in found.shares}  # a codebook may tell it better
    return replace(
        found, shares=(*found.shares, *(row for row in drawn if row.name not in by_cell))
    )


def daily_patterns(data: PeriodData, *, params: ShareParams) -> dict[date, Patterns]:
    """Estimate every day's patterns, with the help of the others and of the days before."""
    by_day = data.days_before() | data.by_day()
    alone = {day: counted_days(found, data=data, params=params) for day, found in by_day.items()}
    told = steadied(alone, show=params)
    return {day: told[day] for day in data.days}


def dayparts_of(data: PeriodData) -> list[Daypart]:
    """Give the named parts of the store's day."""
    first = data.newest[0]
    return [
        Daypart(name, minutes(start))
        for name, start in zip(first.dayparts, first.daypart_starts, strict=False)
    ]


def stop_rate(
    releases: Sequence[Release], *, data: PeriodData, params: ShareParams
) -> Share | None:
    """Estimate the share of all passes of places with goods in which a visit stopped."""
    known = data.zones
    counts: list[float] = []
    variances: list[float] = []
    stopped: list[float] = []
    for sums in add_zones(releases):
        zone = known.get(sums.zone)
        if zone is None or zone.kind not in SHOPPED:
            continue
        for outcome, count, variance in zip(OUTCOMES, sums.counts, sums.variances, strict=True):
            if zone.has_reader or outcome not in NEED_READER:
                counts.append(float(count))
                variances.append(variance)
                stopped.append(float(outcome != "pass"))
    if not counts:
        return None
    return share(counts, weights=stopped, variances=variances, params=params)


def _points(
    spans: Sequence[tuple[date, date, list[Release]]],
    *,
    data: PeriodData,
    params: ShareParams,
    known: Mapping[date, Patterns] | None = None,
) -> dict[str, list[Point]]:
    found: dict[str, list[Point]] = {}
    for since, until, releases in spans:
        told = known[since] if known else counted_days(releases, data=data, params=params)
        for figure, value in _figures(releases, patterns=told, data=data, params=params).items():
            withheld = value.withheld if isinstance(value, Share) else None
            point = Point(since, until, value.value, value.low, value.high, withheld)
            found.setdefault(figure, []).append(point)
    return found


def _figures(
    releases: Sequence[Release], *, patterns: Patterns, data: PeriodData, params: ShareParams
) -> dict[str, Estimate | Share]:
    nothing = Share(None, None, None, "nothing came")
    some = any(release.channel in {"cells", "day_cells"} for release in releases)
    figures: dict[str, Estimate | Share] = {"visits": patterns.visits if some else nothing}
    figures["stop_rate"] = stop_rate(releases, data=data, params=params) or nothing
    for row in patterns.shares:
        if row.share.withheld not in UNTOLD:
            figures[row.name] = row.share if some else nothing
    return figures


def _weeks(data: PeriodData) -> list[tuple[date, date, list[Release]]]:
    """Cut the period at Mondays."""
    by_day = data.by_day()
    weeks: dict[date, list[date]] = {}
    for day in data.days:
        weeks.setdefault(day - timedelta(days=day.weekday()), []).append(day)
    return [
        (days[0], days[-1], [release for day in days for release in by_day[day]])
        for days in weeks.values()
    ]
