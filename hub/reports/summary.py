"""One store's day in numbers: the JSON that ``aisle-hub report --json`` prints."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

from hub.patterns.cells import Patterns, add_cells, cells_of_days, estimate_patterns
from hub.patterns.days import Daypart, coverage, daypart_of, minutes, open_hours
from hub.patterns.seen import Seen, estimate_seen
from hub.patterns.shares import Estimate, Share, ShareParams
from hub.patterns.zones import add_zones, estimate_zone
from wire.codebook import Codebook
from wire.messages import OUTCOMES, Meta, Release, Zone

SHOPPED = ("aisle", "promo", "fitting-room")
"""Kinds of zones where stopping means something; at a till everybody does."""


@dataclass(frozen=True, slots=True)
class PatternRow:
    """One pattern's share of the visits, as ``hub.patterns.shares.Share``."""

    name: str
    value: float | None
    low: float | None
    high: float | None
    withheld: str | None


@dataclass(frozen=True, slots=True)
class ZoneRow:
    """One zone; ``stop_rate`` only where goods are, ``conversion`` only where a reader is."""

    id: str
    name: str
    kind: str
    has_reader: bool
    outcomes: dict[str, Estimate]
    passers: Estimate
    stop_rate: Share | None
    conversion: Share | None


@dataclass(frozen=True, slots=True)
class DaypartRow:
    """One part of the day."""

    name: str
    visits: Estimate
    patterns: tuple[PatternRow, ...]


@dataclass(frozen=True, slots=True)
class Summary:
    """One store's day.

    Attributes:
        standard_privacy: false if any release of the day was made with a weaker budget.
        rho: what one shopper's way through the store costs at most: the sum over its agents.
        epsilon: likewise, at the delta of the store's privacy parameters.
        visits: all that were counted, those that could not be placed too.
        coverage: share of the opening hours in which the agents were seeing.
        without_meta: agents whose counts are in these figures, but that have not said yet what
            they are: what they cost in privacy is not in ``rho``.
        seen: how many visits were cut by lost tracks, or in company; None if no agent tells yet.
    """

    store: str
    day: str
    standard_privacy: bool
    simulated: bool
    rho: float
    epsilon: float
    visits: Estimate
    coverage: float
    patterns: tuple[PatternRow, ...]
    zones: tuple[ZoneRow, ...]
    dayparts: tuple[DaypartRow, ...]
    without_meta: tuple[str, ...] = ()
    seen: Seen | None = None


@dataclass(frozen=True, slots=True)
class DayData:
    """What the database holds of one store's day.

    Attributes:
        metas: by agent, oldest first; at least one.
        releases: whose windows start on that day.
        without_meta: agents that made some of the releases, but have no meta yet.
    """

    store: str
    day: date
    metas: Mapping[str, Sequence[Meta]]
    releases: Sequence[Release]
    without_meta: tuple[str, ...] = ()

    @property
    def newest(self) -> tuple[Meta, ...]:
        """Give every agent's newest meta."""
        return tuple(metas[-1] for metas in self.metas.values())

    @property
    def codebooks(self) -> dict[str, Codebook]:
        """Give every codebook an agent of the store has used, by version."""
        return {
            meta.codebook.version: meta.codebook for metas in self.metas.values() for meta in metas
        }

    @property
    def zones(self) -> dict[str, Zone]:
        """Give the newest plan's zones by id; one has a reader if any agent hears it."""
        found: dict[str, Zone] = {}
        for meta in self.newest:
            for zone in meta.zones:
                if zone.id not in found or zone.has_reader:
                    found[zone.id] = zone
        return found


def summarise(data: DayData, *, params: ShareParams) -> Summary:
    """Work out a day's figures.

    Args:
        data: metas and releases.
        params: when a share is shown.
    """
    metas = data.newest
    first = metas[0]
    zone = ZoneInfo(first.timezone)
    cells = [release for release in data.releases if release.channel == "cells"]
    patterns = _estimate(cells_of_days(data.releases), data=data, params=params)
    hours = open_hours(data.day, opens=first.opens, closes=first.closes, zone=zone)
    return Summary(
        store=data.store,
        day=data.day.isoformat(),
        standard_privacy=all(release.standard_privacy for release in data.releases)
        and all(meta.privacy.standard for meta in metas),
        simulated=any(meta.simulated for meta in metas),
        rho=sum(meta.privacy.rho for meta in metas),
        epsilon=sum(meta.privacy.epsilon for meta in metas),
        visits=patterns.visits,
        coverage=coverage(cells, hours=hours, agents=len(metas) + len(data.without_meta)),
        patterns=_pattern_rows(patterns),
        zones=_zone_rows(data, params=params),
        dayparts=_daypart_rows(cells, data=data, params=params),
        without_meta=data.without_meta,
        seen=estimate_seen(data.releases, params=params),
    )


def _estimate(cells: Iterable[Release], *, data: DayData, params: ShareParams) -> Patterns:
    return estimate_patterns(add_cells(cells), codebooks=data.codebooks, params=params)


def _pattern_rows(patterns: Patterns) -> tuple[PatternRow, ...]:
    return tuple(
        PatternRow(row.name, row.share.value, row.share.low, row.share.high, row.share.withheld)
        for row in patterns.shares
    )


def _zone_rows(data: DayData, *, params: ShareParams) -> tuple[ZoneRow, ...]:
    known = data.zones
    rows = []
    for sums in add_zones(data.releases):
        zone = known.get(sums.zone)
        if zone is None:  # of an older plan, and gone from the newest
            zone = Zone(sums.zone, "aisle", sums.zone, ((0, 0), (0, 0), (0, 0)))
        figures = estimate_zone(sums, has_reader=zone.has_reader, params=params)
        shopped = zone.kind in SHOPPED
        rows.append(
            ZoneRow(
                id=zone.id,
                name=zone.name or zone.id,
                kind=zone.kind,
                has_reader=zone.has_reader,
                outcomes=dict(zip(OUTCOMES, figures.outcomes, strict=True)),
                passers=figures.passers,
                stop_rate=figures.stop_rate if shopped else None,
                conversion=figures.conversion if shopped else None,
            )
        )
    return tuple(rows)


def _daypart_rows(
    cells: Sequence[Release], *, data: DayData, params: ShareParams
) -> tuple[DaypartRow, ...]:
    first = data.newest[0]
    named = [
        Daypart(name, minutes(start))
        for name, start in zip(first.dayparts, first.daypart_starts, strict=False)
    ]
    zone = ZoneInfo(first.timezone)
    by_part: dict[Daypart, list[Release]] = {}
    for release in cells:
        part = daypart_of(release, dayparts=named, zone=zone)
        by_part.setdefault(part, []).append(release)
    rows = []
    for part in sorted(by_part, key=lambda part: part.starts_min):
        patterns = _estimate(by_part[part], data=data, params=params)
        rows.append(DaypartRow(part.name, patterns.visits, _pattern_rows(patterns)))
    return tuple(rows)
