"""One store's period in numbers: the JSON that ``aisle-hub report --json`` prints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from hub.patterns.cells import Patterns
from hub.patterns.days import Daypart, daypart_of
from hub.patterns.seen import Seen, estimate_seen
from hub.patterns.shares import Estimate, Share, ShareParams, share
from hub.patterns.zones import ZoneSums, add_zones, estimate_zone
from hub.reports.figures import Change, Noised, Z, add_counts, change, ratio, total_of, variance_of
from hub.reports.ground import (
    FirstWay,
    GroundParams,
    HeatMap,
    Way,
    first_ways,
    heat_map,
    ways,
)
from hub.reports.period import PeriodData
from hub.reports.shelf import ENGAGED, SpaceRow, TierRow, by_space, price_tiers, promotion
from hub.reports.trend import (
    SHOPPED,
    Day,
    Rhythm,
    Series,
    counted,
    counted_days,
    course,
    daily_patterns,
    dayparts_of,
    days_of,
    rhythm,
)
from hub.reports.unrest import ByDay, widened, wider
from wire.messages import OUTCOMES, PATTERNS, PRICE_TIERS, Meta, Release, Zone

HANDLED = ("put_back", "kept")


@dataclass(frozen=True, slots=True)
class PatternRow:
    """One pattern's share, as ``hub.patterns.shares.Share``.

    Attributes:
        of: what it is a share of.
        lasting: variance of what is wrong with it in all periods of the store alike, where that is
            much: of what no cell tells.
    """

    name: str
    value: float | None
    low: float | None
    high: float | None
    withheld: str | None
    of: Literal["visits", "baskets"] = "visits"
    lasting: float = 0.0


@dataclass(frozen=True, slots=True)
class ZoneRow:
    """One zone by the trade's definitions (behaviour/NOTES.md, section 2).

    Rates exist only where goods are, and those of what was taken in hand only where a reader is.

    Attributes:
        outcomes: visits by the strongest thing they did here.
        passers: every visit that came through.
        stop_rate: passers who stopped or took something, of all passers.
        conversion: passers who kept something, of all passers.
        exposure: visits through here, of all visits to the store.
        engagement: passers who stopped for long or took something, of all passers.
        closure: those who kept something, of the engaged.
        pick_rate: passers who took something in hand, of all passers.
        put_back: those who put all of it back, of those who took something in hand.
    """

    id: str
    name: str
    kind: str
    has_reader: bool
    outcomes: dict[str, Estimate]
    passers: Estimate
    stop_rate: Share | None
    conversion: Share | None
    exposure: Share | None = None
    engagement: Share | None = None
    pick_rate: Share | None = None
    closure: Share | None = None
    put_back: Share | None = None


RATES = (
    "exposure",
    "stop_rate",
    "engagement",
    "pick_rate",
    "closure",
    "conversion",
    "put_back",
)
"""Of a ``ZoneRow``, in the order of a way through an aisle."""


@dataclass(frozen=True, slots=True)
class DaypartRow:
    """One part of the day, over all days."""

    name: str
    visits: Estimate
    patterns: tuple[PatternRow, ...]


@dataclass(frozen=True, slots=True)
class GoodsRow:
    """Visits by what became of one class of goods; ``put_back_share`` of those who took it."""

    label: str
    kept: Estimate
    put_back: Estimate
    put_back_share: Share


@dataclass(frozen=True, slots=True)
class TagRow:
    """Visits whose basket held goods of a tag, and their share of all visits."""

    label: str
    visits: Estimate
    share: Share


@dataclass(frozen=True, slots=True)
class Summary:
    """One store's period; a day is a period of one.

    Attributes:
        day: the first one; ``until`` is the last.
        standard_privacy: false if any release was made with a weaker budget.
        rho: what one shopper's way through the store costs at most: the sum over its agents.
        epsilon: likewise, at the delta of the store's privacy parameters.
        visits: all that were counted, those that could not be placed too.
        coverage: share of the opening hours in which the agents were seeing.
        without_meta: agents whose counts are in these figures, but that have not said yet what
            they are: what they cost in privacy is not in ``rho``.
        seen: how many visits were cut by lost tracks, or in company; None if no agent tells yet.
        ways: between zones, those that noise cannot explain; ``all_ways`` is how many.
        first_ways: where visits go from the doors.
        promotion: rates of the promotion places (``now``) against the aisles' (``before``).
        space: what is kept by what space there is, of places with a reader.
        tiers: baskets by how dear they are; none where no agent tells.
        by_day: what tells how far days differ by themselves; nothing for a period of one day.
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
    until: str = ""
    days: tuple[Day, ...] = ()
    course: tuple[Series, ...] = ()
    rhythm: tuple[Rhythm, ...] = ()
    walked: HeatMap | None = None
    stood: HeatMap | None = None
    ways: tuple[Way, ...] = ()
    all_ways: int = 0
    first_ways: tuple[FirstWay, ...] = ()
    goods: tuple[GoodsRow, ...] = ()
    tags: tuple[TagRow, ...] = ()
    promotion: tuple[Change, ...] = ()
    space: tuple[SpaceRow, ...] = ()
    tiers: tuple[TierRow, ...] = ()
    by_day: tuple[ByDay, ...] = ()

    @property
    def dates(self) -> tuple[date, ...]:
        """Give every day of the period."""
        return tuple(day.day for day in self.days)

    @property
    def days_with_data(self) -> int:
        """Give how many days brought counts."""
        return sum(day.visits is not None for day in self.days)


def summarise(
    data: PeriodData, *, params: ShareParams, ground: GroundParams | None = None
) -> Summary:
    """Work out a period's figures.

    Args:
        data: metas and releases.
        params: when a share is shown.
        ground: what is said of the floor.
    """
    metas, zones = data.newest, data.zones
    chosen = ground or GroundParams()
    if data.since == data.until:
        patterns = daily_patterns(data, params=params)[data.since]
    else:
        patterns = counted_days(data.releases, data=data, params=params)
    days = days_of(data, params=params)
    told = course(data, params=params)
    found, all_ways = ways(data.releases, zones=zones, params=chosen)
    return Summary(
        store=data.store,
        day=data.since.isoformat(),
        standard_privacy=all(release.standard_privacy for release in data.releases)
        and all(meta.privacy.standard for meta in metas),
        simulated=any(meta.simulated for meta in metas),
        rho=sum(meta.privacy.rho for meta in metas),
        epsilon=sum(meta.privacy.epsilon for meta in metas),
        visits=patterns.visits,
        coverage=sum(day.coverage for day in days) / len(days),
        patterns=_pattern_rows(patterns),
        zones=_zone_rows(data, visits=patterns.visits, params=params),
        dayparts=_daypart_rows(data, params=params),
        without_meta=data.without_meta,
        seen=estimate_seen(data.releases, params=params),
        until=data.until.isoformat(),
        days=days,
        course=told,
        rhythm=rhythm(data),
        walked=_map(data, metas[0], channel="walked", params=chosen),
        stood=_map(data, metas[0], channel="stood", params=chosen),
        ways=found,
        all_ways=all_ways,
        first_ways=first_ways(data.releases, zones=zones, params=params),
        goods=_goods(data, params=params),
        tags=_tags(data, visits=patterns.visits, params=params),
        promotion=promotion(data, params=params),
        space=by_space(data, params=params),
        tiers=price_tiers(data, params=params),
        by_day=_by_day(data, days=days, course=told, params=params),
    )


def compare(now: Summary, before: Summary) -> tuple[Change, ...]:
    """Compare a period with an earlier one, figure by figure.

    Visits are compared by the day that brought counts; to their noise comes chance, as for
    arrivals that know nothing of one another. Where days differ by themselves by more than noise
    and chance explain, intervals are as much wider.
    """
    by = wider(now.by_day, before.by_day, days=(now.dates, before.dates))

    def changed(
        of: str, figure: str, *, one: Share | Estimate | None, two: Share | Estimate | None
    ) -> None:
        pair = [each and widened(each, by=by.get(figure, 1.0)) for each in (one, two)]
        found.append(change(of, figure, before=pair[0], now=pair[1]))

    found: list[Change | None] = []
    changed("", "visits a day", one=_arrivals(before), two=_arrivals(now))
    then = {row.name: row for row in before.patterns}
    for row in now.patterns:
        one = then.get(row.name)
        if one is not None:
            alike = min(one.lasting, row.lasting)
            earlier_share, share_now = (_share(each, without=alike) for each in (one, row))
            changed(row.name, "pattern", one=earlier_share, two=share_now)
    zones = {zone.id: zone for zone in before.zones}
    for zone in now.zones:
        earlier = zones.get(zone.id)
        for rate in RATES if earlier else ():
            one_rate, two_rate = getattr(earlier, rate), getattr(zone, rate)
            changed(zone.name, rate, one=one_rate, two=two_rate)
    tags = {tag.label: tag for tag in before.tags}
    found += [
        change(tag.label, "basket", before=tags[tag.label].share, now=tag.share)
        for tag in now.tags
        if tag.label in tags
    ]
    dear = {tier.label: tier for tier in before.tiers}
    found += [
        change(tier.label, "tier", before=dear[tier.label].share, now=tier.share)
        for tier in now.tiers
        if tier.label in dear
    ]
    return tuple(one for one in found if one is not None)


def a_day(visits: Estimate, *, days: int) -> Estimate | None:
    """Give visits a day, with chance beside noise: to be compared; None without a day."""
    if not days:
        return None
    spread = (variance_of(visits) + max(0.0, visits.value)) ** 0.5
    return Estimate(
        visits.value / days, (visits.value - Z * spread) / days, (visits.value + Z * spread) / days
    )


def _arrivals(summary: Summary) -> Estimate | None:
    return a_day(summary.visits, days=summary.days_with_data)


def _by_day(
    data: PeriodData, *, days: Sequence[Day], course: Sequence[Series], params: ShareParams
) -> tuple[ByDay, ...]:
    if len(days) == 1:
        return ()
    rows: list[dict[str, ZoneRow]] = []
    for day, releases in zip(days, data.by_day().values(), strict=True):
        visits = day.visits or Estimate(0.0, 0.0, 0.0)
        zones = _zone_rows(data.only(releases), visits=visits, params=params)
        rows.append({zone.id: zone for zone in zones})
    patterns = {
        one.figure: [Share(point.value, point.low, point.high) for point in one.points]
        for one in course
        if one.grain == "day" and one.figure not in {"visits", "stop_rate"}
    }
    arrivals = [a_day(day.visits, days=1) if day.visits else None for day in days]
    return (
        ByDay.over("", "visits a day", shares=arrivals),
        *(ByDay.over(name, "pattern", shares=shares) for name, shares in patterns.items()),
        *rates_by_day(rows),
    )


def rates_by_day(days: Sequence[Mapping[str, ZoneRow]]) -> list[ByDay]:
    """Give every rate of every zone by the day.

    Args:
        days: the zones of each, by their ids.
    """
    return [
        ByDay.over(
            zone, rate, shares=[getattr(day[zone], rate) if zone in day else None for day in days]
        )
        for zone in {zone: None for day in days for zone in day}
        for rate in RATES
    ]


def _share(row: PatternRow, *, without: float) -> Share:
    """Give a share whose interval leaves out so much variance."""
    if row.value is None or row.low is None or row.high is None:
        return Share(None, None, None, row.withheld)
    half = (row.high - row.low) / 2
    own = max(0.0, half**2 - Z**2 * without) ** 0.5
    return Share(row.value, row.value - own, row.value + own)


def _pattern_rows(patterns: Patterns) -> tuple[PatternRow, ...]:
    return tuple(
        PatternRow(
            row.name,
            row.share.value,
            row.share.low,
            row.share.high,
            row.share.withheld,
            row.of,
            row.measured.lasting if row.measured and row.name not in PATTERNS else 0.0,
        )
        for row in patterns.shares
    )


def _map(data: PeriodData, meta: Meta, *, channel: str, params: GroundParams) -> HeatMap | None:
    return heat_map(
        data.releases,
        channel="walked" if channel == "walked" else "stood",
        outline=meta.outline,
        fixtures=meta.fixtures,
        params=params,
    )


def _zone_rows(data: PeriodData, *, visits: Estimate, params: ShareParams) -> tuple[ZoneRow, ...]:
    known = data.zones
    rows = []
    for sums in add_zones(data.releases):
        zone = known.get(sums.zone)
        if zone is None:  # of an older plan, and gone from the newest
            zone = Zone(sums.zone, "aisle", sums.zone, ((0, 0), (0, 0), (0, 0)))
        rows.append(zone_row(sums, zone=zone, visits=visits, params=params))
    return tuple(rows)


def zone_row(sums: ZoneSums, *, zone: Zone, visits: Estimate, params: ShareParams) -> ZoneRow:
    """Estimate one zone's rates."""
    figures = estimate_zone(sums, has_reader=zone.has_reader, params=params)
    shopped = zone.kind in SHOPPED
    hands = shopped and zone.has_reader
    here = tuple(o for o in OUTCOMES if zone.has_reader or o not in HANDLED)
    return ZoneRow(
        id=zone.id,
        name=zone.name or zone.id,
        kind=zone.kind,
        has_reader=zone.has_reader,
        outcomes=dict(zip(OUTCOMES, figures.outcomes, strict=True)),
        passers=figures.passers,
        stop_rate=figures.stop_rate if shopped else None,
        conversion=figures.conversion if shopped else None,
        exposure=ratio(figures.passers, visits, params=params),
        engagement=_part(sums, ENGAGED, whole=here, params=params) if shopped else None,
        pick_rate=_part(sums, HANDLED, whole=here, params=params) if hands else None,
        closure=_part(sums, ("kept",), whole=ENGAGED, params=params) if hands else None,
        put_back=_part(sums, ("put_back",), whole=HANDLED, params=params) if hands else None,
    )


def _part(
    sums: ZoneSums, part: Sequence[str], *, whole: Sequence[str], params: ShareParams
) -> Share:
    places = [OUTCOMES.index(outcome) for outcome in whole]
    return share(
        [float(sums.counts[place]) for place in places],
        weights=[float(outcome in part) for outcome in whole],
        variances=[sums.variances[place] for place in places],
        params=params,
    )


def _daypart_rows(data: PeriodData, *, params: ShareParams) -> tuple[DaypartRow, ...]:
    named, zone = dayparts_of(data), data.zone
    by_part: dict[Daypart, list[Release]] = {}
    for release in data.releases:
        if release.channel == "cells":
            part = daypart_of(release, dayparts=named, zone=zone)
            by_part.setdefault(part, []).append(release)
    rows = []
    for part in sorted(by_part, key=lambda part: part.starts_min):
        patterns = counted(by_part[part], data=data, params=params)
        rows.append(DaypartRow(part.name, patterns.visits, _pattern_rows(patterns)))
    return tuple(rows)


def _goods(data: PeriodData, *, params: ShareParams) -> tuple[GoodsRow, ...]:
    cells = add_counts(data.releases, channel="goods")
    rows = []
    for label in dict.fromkeys(label for label, _ in cells):
        both = _row(cells, label)
        put_back = share(
            [one.count for one in both.values()],
            weights=[float(outcome == "put_back") for outcome in both],
            variances=[one.variance for one in both.values()],
            params=params,
        )
        kept, back = (both.get(outcome, Noised(0, 0)).estimate for outcome in ("kept", "put_back"))
        rows.append(GoodsRow(label, kept, back, put_back))
    rows.sort(key=lambda row: -row.kept.value)
    return tuple(rows)


def _row(cells: Mapping[tuple[str, ...], Noised], label: str) -> dict[str, Noised]:
    return {outcome: noised for (first, outcome), noised in cells.items() if first == label}


def _tags(data: PeriodData, *, visits: Estimate, params: ShareParams) -> tuple[TagRow, ...]:
    cells = add_counts(data.releases, channel="tags")
    rows = []
    for label in dict.fromkeys(first for (first,) in cells if first not in PRICE_TIERS):
        counted_here = total_of([cells[label,]]).estimate
        rows.append(TagRow(label, counted_here, ratio(counted_here, visits, params=params)))
    rows.sort(key=lambda row: -row.visits.value)
    return tuple(rows)
