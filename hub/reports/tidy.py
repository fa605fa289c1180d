"""All numbers of a report as one tidy table: a row for each figure, with its interval."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass, fields, replace
from typing import TYPE_CHECKING

from hub.patterns.shares import Estimate, Share
from hub.reports.chain import FIGURES, Chain
from hub.reports.figures import Change
from hub.reports.ground import HeatMap
from hub.reports.summary import RATES, Summary
from hub.reports.trend import Point

if TYPE_CHECKING:  # segments need CEL, which a table without any spares
    from hub.reports.segments import Card, Segments


@dataclass(frozen=True, slots=True)
class Row:
    """One figure.

    Attributes:
        since: first day it is of, ISO; ``until`` the last.
        subject: what kind of thing it is a figure of: ``store``, ``zone``, ``pattern``,
            ``daypart``, ``weekday``, ``way``, ``goods``, ``tag``, ``walked``, ``stood``, ``space``,
            ``promotion against aisles``, ``tier``, ``change``; of segments ``segment``,
            ``segment daypart``, ``segment weekday``, ``segment overlap``, ``segment event``.
        item: which one; ``item_2`` the second, as the goal of a way or a daypart's pattern; of a
            pattern what its share is of, where that is not visits.
        figure: what is told of it.
        unit: ``visits``, ``visits a day``, ``share`` (0 to 1), ``times``, ``days``; of what befell
            a segment ``version``, whose number the value is.
        value: None where withheld; not clamped: noise may bring it below 0.
        low: of the 95 % interval; ``high`` likewise.
        withheld: why it is.
    """

    store: str
    since: str
    until: str
    subject: str
    item: str
    item_2: str
    figure: str
    unit: str
    value: float | None
    low: float | None
    high: float | None
    withheld: str | None


COLUMNS = tuple(field.name for field in fields(Row))
NUMBERS = ("value", "low", "high")


def rows(
    summary: Summary, *, changes: Sequence[Change] = (), segments: Segments | None = None
) -> list[Row]:
    """Give every number of a period, then what changed since an earlier one, then segments'."""
    period = Row(
        summary.store, summary.day, summary.until, "", "", "", "", "", None, None, None, None
    )
    found = [
        *_store(summary, period),
        *_zones(summary, period),
        *_shelf(summary, period),
        *_parts(summary, period),
        *_goods(summary, period),
        *_ground(summary.walked, "walked", period),
        *_ground(summary.stood, "stood", period),
        *_course(summary, period),
    ]
    return [*found, *_changes(changes, period), *_segments(segments, period)]


def chain_rows(chain: Chain, *, segments: Segments | None = None) -> list[Row]:
    """Give every number of several stores: of all (an empty store), by store, then of segments."""
    since, until = chain.since.isoformat(), chain.until.isoformat()
    whole = Row("", since, until, "store", "", "", "", "", None, None, None, None)
    found = [
        _told(replace(whole, figure="visits", unit="visits"), chain.visits),
        *(_told(_figure(whole, name), one) for name, one in chain.figures.items()),
    ]
    for row in chain.rows:
        one = replace(whole, store=row.store)
        found += [
            _told(replace(one, figure="visits", unit="visits"), row.visits),
            replace(one, figure="coverage", unit="share", value=row.coverage),
            *(_told(_figure(one, name), share) for name, share in row.figures.items() if share),
        ]
        for day in row.days:
            if day.visits is not None:
                of_day = replace(one, since=day.day.isoformat(), until=day.day.isoformat())
                found.append(_told(replace(of_day, figure="visits", unit="visits"), day.visits))
        found += _changes(row.changes, one)
    return [*found, *_segments(segments, whole)]


def values(row: Row) -> tuple[str | float | None, ...]:
    """Give a row's values in the order of ``COLUMNS``."""
    return astuple(row)


def _told(row: Row, figure: Estimate | Share) -> Row:
    withheld = figure.withheld if isinstance(figure, Share) else None
    return replace(row, value=figure.value, low=figure.low, high=figure.high, withheld=withheld)


def _changes(changes: Sequence[Change], period: Row) -> Iterator[Row]:
    for one in changes:
        row = replace(period, subject="change", item=one.of, figure=one.figure, unit=one.unit)
        yield _told(row, one.difference or Share(None, None, None, "withheld"))


def _figure(row: Row, name: str) -> Row:
    """Name a store's figure; a pattern's as in a single store's table."""
    if name in FIGURES:
        return replace(row, figure=name, unit="share")
    return replace(row, subject="pattern", item=name, figure="share", unit="share")


def _store(summary: Summary, period: Row) -> Iterator[Row]:
    store = replace(period, subject="store")
    yield _told(replace(store, figure="visits", unit="visits"), summary.visits)
    yield replace(store, figure="coverage", unit="share", value=summary.coverage)
    for day in summary.days:
        one = replace(store, since=day.day.isoformat(), until=day.day.isoformat())
        yield replace(one, figure="coverage", unit="share", value=day.coverage)
    if summary.seen:
        yield _told(replace(store, figure="cut", unit="share"), summary.seen.cut)
        yield _told(replace(store, figure="in company", unit="share"), summary.seen.followed)
    for row in summary.patterns:
        share = Share(row.value, row.low, row.high, row.withheld)
        one = replace(period, subject="pattern", item=row.name, figure="share", unit="share")
        yield _told(one if row.of == "visits" else replace(one, item_2=row.of), share)


def _zones(summary: Summary, period: Row) -> Iterator[Row]:
    for zone in summary.zones:
        one = replace(period, subject="zone", item=zone.id)
        yield _told(replace(one, figure="passers", unit="visits"), zone.passers)
        for outcome, estimate in zone.outcomes.items():
            yield _told(replace(one, figure=outcome, unit="visits"), estimate)
        for rate in RATES:
            share = getattr(zone, rate)
            if share is not None:
                yield _told(replace(one, figure=rate, unit="share"), share)


def _shelf(summary: Summary, period: Row) -> Iterator[Row]:
    for one in summary.promotion:
        row = replace(period, subject="promotion against aisles", figure=one.figure, unit="share")
        yield _told(row, one.difference or Share(None, None, None, "withheld"))
    for place in summary.space:
        row = replace(period, subject="space", item=place.id)
        yield _told(replace(row, figure="kept", unit="share"), place.kept)
        yield _told(replace(row, figure="kept by space", unit="times"), place.index)
    for tier in summary.tiers:
        row = replace(period, subject="tier", item=tier.label)
        yield _told(replace(row, figure="basket", unit="visits"), tier.visits)
        yield _told(replace(row, figure="share", unit="share"), tier.share)


def _parts(summary: Summary, period: Row) -> Iterator[Row]:
    for part in summary.dayparts:
        one = replace(period, subject="daypart", item=part.name)
        yield _told(replace(one, figure="visits", unit="visits"), part.visits)
        for row in part.patterns:
            share = Share(row.value, row.low, row.high, row.withheld)
            yield _told(replace(one, item_2=row.name, figure="share", unit="share"), share)
    for cell in summary.rhythm:
        one = replace(period, subject="weekday", item=str(cell.weekday), item_2=cell.daypart)
        yield _told(replace(one, figure="visits", unit="visits a day"), cell.visits)


def _goods(summary: Summary, period: Row) -> Iterator[Row]:
    for goods in summary.goods:
        one = replace(period, subject="goods", item=goods.label)
        yield _told(replace(one, figure="kept", unit="visits"), goods.kept)
        yield _told(replace(one, figure="put_back", unit="visits"), goods.put_back)
        yield _told(replace(one, figure="put_back_share", unit="share"), goods.put_back_share)
    for tag in summary.tags:
        one = replace(period, subject="tag", item=tag.label)
        yield _told(replace(one, figure="basket", unit="visits"), tag.visits)
        yield _told(replace(one, figure="basket", unit="share"), tag.share)
    for way in summary.ways:
        one = replace(period, subject="way", item=way.zone, item_2=way.to_zone)
        yield _told(replace(one, figure="visits", unit="visits"), way.visits)
    for first in summary.first_ways:
        one = replace(period, subject="way", item="entrance", item_2=first.to_zone)
        yield _told(replace(one, figure="first", unit="share"), first.share)


def _ground(ground: HeatMap | None, subject: str, period: Row) -> Iterator[Row]:
    for cell in ground.cells if ground else ():
        one = replace(period, subject=subject, item=f"{cell.east_m:g}", item_2=f"{cell.north_m:g}")
        yield _told(replace(one, figure="smoothed", unit="visits"), cell.visits)


def _course(summary: Summary, period: Row) -> Iterator[Row]:
    for series in summary.course:
        unit = "visits" if series.figure == "visits" else "share"
        one = replace(period, subject="store", figure=series.figure, unit=unit)
        for point in series.points:
            yield _point(one, point)


def _point(row: Row, point: Point) -> Row:
    figure = Share(point.value, point.low, point.high, point.withheld)
    return _told(replace(row, since=point.since.isoformat(), until=point.until.isoformat()), figure)


def _segments(segments: Segments | None, period: Row) -> Iterator[Row]:
    for card in segments.cards if segments else ():
        yield from _card(card, replace(period, subject="segment", item=card.definition.id))
    for (one, other), part in segments.overlaps.items() if segments else ():
        row = replace(period, subject="segment overlap", item=one, item_2=other)
        yield replace(row, figure="overlap", unit="share", value=part)


def _card(card: Card, one: Row) -> Iterator[Row]:
    """Give a segment's share in all, over time, by store, time of day and week, then its life."""
    share = replace(one, figure="share", unit="share")
    yield _told(share, card.share)
    if card.a_day is not None:
        yield _told(replace(one, figure="visits", unit="visits a day"), card.a_day)
    if len(card.course.points) > 1:
        for point in card.course.points:
            yield _point(replace(share, item_2=card.course.grain), point)
    for store, figure in card.stores:
        yield _told(replace(share, store=store), figure)
    for name, figure in card.parts:
        yield _told(replace(share, subject="segment daypart", item_2=name), figure)
    for number, figure in card.weekdays:
        yield _told(replace(share, subject="segment weekday", item_2=str(number)), figure)
    yield replace(one, item_2=card.state, figure="decays in", unit="days", value=card.decays_in)
    for event in card.life:
        on = event.at.date().isoformat()
        yield replace(
            one,
            store=event.store or one.store,
            since=on,
            until=on,
            subject="segment event",
            item_2=event.detail,
            figure=event.event,
            unit="version",
            value=event.version,
        )
