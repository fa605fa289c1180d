"""Micro-segments on a report: how large, when, where, what sets them apart, how they live."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import numpy as np

from hub.patterns.shares import Estimate, Share, ShareParams
from hub.reports.figures import Z
from hub.reports.trend import MOST_WITHHELD, WEEK, Point, Series
from hub.segments.chain import Chain, days_of, definition_of, weighed
from hub.segments.checking import missing
from hub.segments.definition import Definition
from hub.segments.desk import decays_in, overlaps, rules_of
from hub.segments.rules import Array, Rule
from hub.segments.vocabulary import words_for
from hub.segments.weighing import Day, Weighed, by_day, over
from hub.segments.words import in_words
from hub.store_io.segments import SegmentEvent, SegmentRow

APART = 0.5
"""Spreads between the means of a segment's visits and of all from which a trait is told [D]."""
MOST_APART = 3


@dataclass(frozen=True, slots=True)
class Card:
    """One segment over a period.

    Attributes:
        definition: as its operator means it.
        meaning: its rule in plain words, after "Visits for which".
        share: of all visits.
        a_day: its visits a day; None where the share is withheld.
        course: the share by day, or by the week.
        parts: the share by part of the day; ``weekdays`` by weekday (0 is Monday), and ``stores``
            by store, where there are several.
        apart: what its visits have more or less of than all visits.
        life: what befell this version and those before, the newest first.
        decays_in: days it still lives if nobody confirms it.
        abstains: why nothing is told of it; empty otherwise.
    """

    definition: Definition
    version: int
    state: str
    meaning: str
    share: Share
    a_day: Estimate | None
    course: Series
    parts: tuple[tuple[str, Share], ...]
    weekdays: tuple[tuple[int, Share], ...]
    stores: tuple[tuple[str, Share], ...]
    apart: tuple[str, ...]
    life: tuple[SegmentEvent, ...]
    decays_in: int
    abstains: str = ""


@dataclass(frozen=True, slots=True)
class Segments:
    """The segments of a period.

    Attributes:
        cards: the largest first.
        overlaps: by pair of ids, what part of the visits in either is in both; not of tags.
    """

    cards: tuple[Card, ...]
    overlaps: Mapping[tuple[str, str], float]

    @property
    def plain(self) -> dict[str, object]:
        """Give them as JSON can hold them, whose keys are never pairs."""
        pairs = [{"one": a, "other": b, "part": part} for (a, b), part in self.overlaps.items()]
        return {"cards": self.cards, "overlaps": pairs}

    def overlap(self, one: str, other: str) -> float | None:
        """Give the overlap of two segments; None where it cannot be told."""
        return self.overlaps.get((one, other), self.overlaps.get((other, one)))


def segments_of(
    rows: Sequence[SegmentRow],
    *,
    events: Mapping[str, Sequence[SegmentEvent]],
    chain: Chain,
    days: tuple[date, date],
    now: datetime,
    params: ShareParams,
) -> Segments:
    """Work out what a report says of segments.

    Args:
        rows: newest versions that live or are proposed.
        events: what befell each, by its id, oldest first.
        chain: counts of the period's days, of the stores it is about.
        days: first and last day.
        now: for how long they still live.
        params: when a share is shown.
    """
    rules = rules_of(rows)
    cards = [
        _card(
            row,
            rule=rules[row.segment],
            events=events.get(row.segment, ()),
            chain=chain,
            days=days,
            now=now,
            params=params,
        )
        for row in rows
    ]
    cards.sort(key=lambda card: -(card.share.value or 0.0))
    names = [card.definition.id for card in cards if not card.abstains]
    told = {name: rules[name] for name in names}
    return Segments(tuple(cards), overlaps(told, chain=chain, stores=list(chain.stores)))


def _card(
    row: SegmentRow,
    *,
    rule: Rule,
    events: Sequence[SegmentEvent],
    chain: Chain,
    days: tuple[date, date],
    now: datetime,
    params: ShareParams,
) -> Card:
    definition = definition_of(row)
    looked = [one for one in chain.stores if not definition.stores or one in definition.stores]
    lacking = missing(definition, vocabulary=chain.names)
    why = f"no store releases {', '.join(lacking)}" if lacking else ""
    if not why and not looked:
        why = f"it is looked for in {', '.join(definition.stores)} only"
    by_store: dict[str, list[Day]] = {}
    of_cells: list[Weighed] = []
    for one in () if why else looked:
        tables = [] if rule.tagged else weighed(chain, rule, store=one)
        by_store[one] = days_of(chain, rule, store=one) if rule.tagged else by_day(tables)
        of_cells += tables
    every = [day for of_store in by_store.values() for day in of_store]
    nothing = Share(None, None, None, why or "nothing came")
    share = over(every, params=params) if every else nothing
    return Card(
        definition=definition,
        version=row.version,
        state=row.state,
        meaning=in_words(definition.rule, vocabulary=chain.names),
        share=share,
        a_day=_a_day(share, every),
        course=_course(every, segment=row.segment, days=days, params=params),
        parts=_parts(of_cells, params=params),
        weekdays=_weekdays(every, params=params),
        stores=tuple((one, over(told, params=params)) for one, told in by_store.items() if told)
        if len(chain.stores) > 1
        else (),
        apart=_apart(of_cells, chain=chain),
        life=tuple(reversed(events)),
        decays_in=decays_in(row, events=events, definition=definition, now=now).days,
        abstains=why,
    )


def _a_day(share: Share, days: Sequence[Day]) -> Estimate | None:
    if share.value is None or not days:
        return None
    number = len({day.day for day in days})
    value = sum(day.members for day in days) / number
    half = Z * sum(day.var_members for day in days) ** 0.5 / number
    return Estimate(value, value - half, value + half)


def _course(
    told: Sequence[Day], *, segment: str, days: tuple[date, date], params: ShareParams
) -> Series:
    """Give the share day by day; by the week where too many days are withheld."""
    figure = f"segment {segment}"
    dates = [days[0] + timedelta(days=n) for n in range((days[1] - days[0]).days + 1)]
    daily = [_point([one for one in told if one.day == day], (day, day), params) for day in dates]
    there = [point for point in daily if point.withheld != "nothing came"]
    hidden = [point for point in there if point.value is None]
    if len(dates) < WEEK or len(hidden) <= MOST_WITHHELD * len(there):
        return Series(figure, "day", tuple(daily))
    weeks: dict[date, list[date]] = {}
    for day in dates:
        weeks.setdefault(day - timedelta(days=day.weekday()), []).append(day)
    weekly = [
        _point([one for one in told if one.day in week], (week[0], week[-1]), params)
        for week in weeks.values()
    ]
    why = f"{len(hidden)} of {len(there)} days: {hidden[0].withheld}"
    return Series(figure, "week", tuple(weekly), why)


def _point(told: Sequence[Day], ends: tuple[date, date], params: ShareParams) -> Point:
    one = over(told, params=params) if told else Share(None, None, None, "nothing came")
    return Point(*ends, one.value, one.low, one.high, one.withheld)


def _weekdays(days: Sequence[Day], *, params: ShareParams) -> tuple[tuple[int, Share], ...]:
    known = sorted({day.day.weekday() for day in days})
    if len(known) < WEEK:
        return ()
    return tuple(
        (number, over([day for day in days if day.day.weekday() == number], params=params))
        for number in known
    )


def _parts(tables: Sequence[Weighed], *, params: ShareParams) -> tuple[tuple[str, Share], ...]:
    """Give the share by part of the day, out of the hours' counts."""
    starts: dict[str, int] = {}
    for table in tables:
        for at, part in zip(table.hours.starts, table.hours.dayparts, strict=True):
            starts[part] = min(starts.get(part, 24), at.hour)
    found = []
    for part in sorted(starts, key=starts.__getitem__):
        sums = [_of_part(table, part) for table in tables]
        share = over([one for one in sums if one is not None], params=params)
        found.append((part, share))
    return tuple(found) if len(found) > 1 else ()


def _of_part(table: Weighed, part: str) -> Day | None:
    there = np.array([one == part for one in table.hours.dayparts], dtype=bool)
    there &= ~np.isnan(table.weights).any(axis=1)
    if not there.any():
        return None
    w, n, v = table.weights[there], table.hours.counts[there], table.hours.variances[there]
    return Day(
        day=date.min,
        visits=float(n.sum()),
        members=float((w * n).sum()),
        squares=float((w**2 * n).sum()),
        var_visits=float(v.sum()) * n.shape[1],
        var_members=float((v[:, None] * w**2).sum()),
        cov=float((v[:, None] * w).sum()),
    )


def _apart(tables: Sequence[Weighed], *, chain: Chain) -> tuple[str, ...]:
    """Say by what a segment's visits differ most from all, in spreads of all visits.

    What is known of a visit is its cell's; history in older cells is left out.
    """
    books = {table.hours.codebook for table in tables if table.hours.codebook in chain.names.cells}
    if not books:
        return ()
    book = max(books, key=lambda one: _visits(tables, one))
    cells = chain.names.cells[book]
    paths = sorted(set.intersection(*(set(cell) for cell in cells)))
    values = np.array([[float(cell[path]) for path in paths] for cell in cells])
    every, mine = np.zeros(len(cells)), np.zeros(len(cells))
    for table in tables:
        if table.hours.codebook == book and table.weights.shape[1] == len(cells):
            told = ~np.isnan(table.weights).any(axis=1)
            every += table.hours.counts[told].sum(axis=0)
            mine += (table.weights[told] * table.hours.counts[told]).sum(axis=0)
    return _differences(paths, values, every=np.maximum(every, 0), mine=np.maximum(mine, 0))


def _visits(tables: Sequence[Weighed], book: str) -> float:
    return float(sum(one.hours.counts.sum() for one in tables if one.hours.codebook == book))


def _differences(
    paths: Sequence[str], values: Array, *, every: Array, mine: Array
) -> tuple[str, ...]:
    if every.sum() <= 0 or mine.sum() <= 0:
        return ()
    usual = np.average(values, axis=0, weights=every)
    spread = np.sqrt(np.average((values - usual) ** 2, axis=0, weights=every))
    here = np.average(values, axis=0, weights=mine)
    gaps = np.where(spread > 0, (here - usual) / np.where(spread > 0, spread, 1.0), 0.0)
    found = []
    for at in np.argsort(-np.abs(gaps))[:MOST_APART]:
        if abs(gaps[at]) < APART:
            continue
        path = paths[at]
        words = words_for(path).removeprefix("the ").removeprefix("typical ")
        told = (
            f"{100 * here[at]:.0f} % against {100 * usual[at]:.0f} %"
            if path.startswith("pattern.")
            else f"{_number(here[at])} against {_number(usual[at])}"
        )
        found.append(f"{'more' if gaps[at] > 0 else 'less'} {words} ({told})")
    return tuple(found)


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:.2g}"  # noqa: PLR2004 - two digits tell
