"""What the numbers mean, in the words of the trade."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING

from hub.patterns.shares import Estimate, Share
from hub.reports.canvas import DARK_FROM, INK, PAPER, tint
from hub.reports.chain import Chain, StoreRow
from hub.reports.comparison import Comparison
from hub.reports.figures import Change
from hub.reports.summary import PatternRow, Summary, ZoneRow
from hub.reports.trend import Day
from wire.messages import PATTERNS

if TYPE_CHECKING:  # segments need CEL, which a report without any spares
    from hub.reports.segments import Card, Segments

PATTERN_NAMES = {
    "showroomer": "Showroomer",
    "wanderer": "Wanderer",
    "indecisive": "Indecisive",
    "bargain": "Bargain hunter",
    "quality": "Quality seeker",
}
PATTERN_WORDS = {
    "showroomer": "looks closely and takes goods in hand, and keeps nothing",
    "wanderer": "walks much further than the goods at which the visit stopped would need",
    "indecisive": "puts goods back, and stays long before deciding",
    "bargain": "stops at promotions, where others pass",
    "quality": "keeps what is dear within its category; of the baskets whose prices are known",
}
OUTCOME_NAMES = {
    "pass": "Passed",
    "short_stop": "Short stop",
    "long_stop": "Long stop",
    "put_back": "Put back",
    "kept": "Kept",
}
PLURAL = {
    "showroomer": "showroomers",
    "wanderer": "wanderers",
    "indecisive": "the indecisive",
    "bargain": "bargain hunters",
    "quality": "quality seekers",
}
RATE_NAMES = {
    "visits a day": "Visits a day",
    "pattern": "Share of visits",
    "exposure": "Exposure",
    "stop_rate": "Stop rate",
    "engagement": "Engagement",
    "pick_rate": "Pick rate",
    "closure": "Closure",
    "conversion": "Conversion",
    "put_back": "Put-back rate",
    "basket": "Share of baskets",
    "tier": "Share of baskets",
}
TIER_NAMES = {"price-low": "Cheap", "price-middle": "Middle", "price-high": "Dear"}
RATE_WORDS = {
    "exposure": "visits that came through, of all visits to the store",
    "stop_rate": "passers who stopped, or took something in hand, of all passers",
    "engagement": "passers who stopped for long, or took something in hand, of all passers",
    "pick_rate": "passers who took something in hand, of all passers",
    "closure": "visits that kept something, of the engaged ones",
    "conversion": "passers who kept something, of all passers",
    "put_back": "visits that put all of it back, of those that took something in hand",
}
STORE_FIGURES = {
    "stop_rate": "Of all passes of a place with goods, those in which the visit stopped, or took "
    "something in hand.",
    "engagement": "Of all passes of a place with goods, those in which the visit stopped for long, "
    "or took something in hand.",
    "conversion": "Of all passes of a place with a reader, those in which something was kept.",
}
"""Of a whole store: over all its places."""
MOST_LISTED = 3
VERDICTS = {
    "up": "up",
    "down": "down",
    "same": "no change that could be told",
    "unknown": "withheld",
}
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
LEAST_DEAD = 0.005
"""Of the floor; less is not worth a headline."""
CHANNEL_NAMES = {
    "cells": "visits by the hour",
    "day_cells": "visits by the day",
    "zones": "aisles",
    "walked": "walking",
    "stood": "standing",
    "flow": "ways",
    "goods": "goods",
    "tags": "baskets",
    "visits": "how visits were seen",
}
DIM = 0.8
"""Coverage below which a day is said to lack much [D]."""
STANDS_OUT = 3.0
"""Likewise, of one among some twenty hours and weekdays: chance does so in 1 of 40 cards."""
CLEARLY = 1.96
"""Standard deviations of a difference from which two figures are said to differ (95 %)."""


def title(summary: Summary, *, against: Comparison | None = None) -> str:
    """Give the report's headline: the clearest change, or the best supported finding."""
    if against is not None and against.sure:
        one = against.sure[0]
        return f"{change_of(one)} is {one.verdict}, {_from_to(one)}"
    shown = _of_cells(summary)
    if not shown:
        return "Too few visits to tell how people shopped"
    top = max(shown, key=lambda row: row.value or 0.0)
    return f"{_how_many(top.value or 0.0)} visits looked like {PLURAL[top.name]}"


def patterns_title(summary: Summary) -> str:
    """Say what the pattern shares show."""
    shown = _of_cells(summary)
    if not shown:
        return "The shares of the patterns can't be told from so few visits"
    best = _clear_winner([(row.name, row) for row in shown])
    if best is None:
        return "No pattern stands out clearly from the others"
    return f"{PLURAL[best].capitalize()} are the largest group"


def _of_cells(summary: Summary) -> list[PatternRow]:
    """Give the shares that may be held against one another: levels of the others are a shop's."""
    return [row for row in summary.patterns if row.name in PATTERNS and row.value is not None]


def floor_title(summary: Summary) -> str:
    """Say where people stop."""
    rows = [(zone.name, zone.stop_rate) for zone in summary.zones if zone.stop_rate]
    shown = [(name, rate) for name, rate in rows if rate.value is not None]
    if not shown:
        return "Too few visits to tell where people stop"
    best = _clear_winner(shown)
    if best is None:
        return "No place stops clearly more of its passers than the others"
    rate = max(value.value or 0.0 for _, value in shown)
    return f"{best} stops the largest part of its passers: {_percent(rate)}"


def conversion_title(summary: Summary) -> str:
    """Say where goods are kept."""
    rows = [(zone.name, zone.conversion) for zone in summary.zones if zone.conversion]
    if not rows:
        return "No reader in this store, so what is kept isn't known"
    shown = [(name, rate) for name, rate in rows if rate.value is not None]
    if not shown:
        return "Too few visits to tell where passers keep something"
    name, rate = max(shown, key=lambda row: row[1].value or 0.0)
    return f"{_percent(rate.value or 0.0)} of the passers of {name} kept something"


def dayparts_title(summary: Summary) -> str:
    """Say when most visits came."""
    rows = summary.dayparts
    if not rows:
        return "No visits by part of the day"
    if len(rows) == 1:
        return f"Only one part of the day was counted: {rows[0].name}"
    first, second = sorted(rows, key=lambda row: row.visits.value, reverse=True)[:2]
    gap = first.visits.value - second.visits.value
    spread = math.hypot(_sd(first.visits), _sd(second.visits))
    if gap <= CLEARLY * spread:
        return "No part of the day was clearly the busiest"
    return f"Busiest part of the day: {first.name}"


def long_day(day: str) -> str:
    """Spell a date.

    >>> long_day("2026-03-07")
    'Saturday, 7 March 2026'
    """
    at = date.fromisoformat(day)
    return f"{at:%A}, {at.day} {at:%B %Y}"


def walked_title(summary: Summary) -> str:
    """Say where hardly anybody walks."""
    ground = summary.walked
    if ground is None or not ground.cells:
        return "No map of walking"
    if not any(cell.told for cell in ground.cells):
        return "Too few visits to tell where people walk"
    if ground.dead_part >= LEAST_DEAD:
        return f"{_percent(ground.dead_part)} of the floor is dead: hardly anybody walks there"
    return "No dead part of the floor could be told"


def stood_title(summary: Summary) -> str:
    """Say how much of the floor holds people."""
    ground = summary.stood
    if ground is None or not ground.cells:
        return "No map of standing"
    told = [cell for cell in ground.cells if cell.told]
    if not told:
        return "Too few visits to tell where people stand"
    ordered = sorted((max(0.0, cell.visits.value) for cell in ground.cells), reverse=True)
    tenth = ordered[: max(1, len(ordered) // 10)]
    part = sum(tenth) / max(1.0, sum(ordered))
    return f"A tenth of the floor holds {_percent(part)} of the standing"


def ways_title(summary: Summary) -> str:
    """Name the most used way that does not begin or end at a door or till."""
    kinds = {zone.id: zone.kind for zone in summary.zones}
    inner = [way for way in summary.ways if kinds.get(way.zone) and kinds.get(way.to_zone)]
    chosen = inner or list(summary.ways)
    if not chosen:
        return "No way between places could be told from noise"
    where = "Between the aisles, the" if inner else "The"
    return f"{where} most used way leads from {chosen[0].name} to {chosen[0].to_name}"


def first_title(summary: Summary) -> str:
    """Say where visits go first."""
    shown = [row for row in summary.first_ways if row.share.value is not None]
    if not shown:
        return "Too few visits to tell where people go first"
    best = _clear_winner([(row.to_name, row.share) for row in shown])
    if best is None:
        return "From the door, no place draws clearly the most visits"
    return f"{_percent(shown[0].share.value or 0.0)} of the ways in lead first to {best}"


def course_title(summary: Summary) -> str:
    """Say how visits went over the period."""
    visits = next((one for one in summary.course if one.figure == "visits"), None)
    shown = [point for point in visits.points if point.value is not None] if visits else []
    if not shown:
        return "No course to show"
    best = max(shown, key=lambda point: point.value or 0.0)
    day = f"{best.since:%A}, {best.since.day} {best.since:%B}"
    others = [point.value or 0.0 for point in shown if point is not best]
    if others and best.low is not None and best.low > max(others):
        return f"Most visits came on {day}"
    return "How the days went"


def rhythm_title(summary: Summary) -> str:
    """Name the busiest time of the week."""
    if not summary.rhythm:
        return "No rhythm of the week from less than a week"
    first, *rest = sorted(summary.rhythm, key=lambda one: -one.visits.value)
    names = f"{WEEKDAYS[first.weekday]}s"
    part = f", {first.daypart}" if first.daypart else ""
    clear = not rest or first.visits.value - rest[0].visits.value > CLEARLY * math.hypot(
        _sd(first.visits), _sd(rest[0].visits)
    )
    return f"Busiest: {names}{part}" if clear else f"Among the busiest times: {names}{part}"


def goods_title(summary: Summary) -> str:
    """Say which goods are put back most."""
    rows = [(row.label, row.put_back_share) for row in summary.goods]
    shown = [(label, one) for label, one in rows if one.value is not None]
    if not shown:
        return "Too few visits to tell which goods go back to the shelf"
    worst = _clear_winner(shown)
    if worst is None:
        return "No class of goods goes back to the shelf clearly most often"
    value = max(one.value or 0.0 for _, one in shown)
    return f"{worst.capitalize()} goes back to the shelf most often: {_percent(value)}"


def tags_title(summary: Summary) -> str:
    """Say what is most often in the basket."""
    shown = [row for row in summary.tags if row.share.value is not None]
    if not shown:
        return "Too few visits to tell what kinds of goods baskets hold"
    best = _clear_winner([(row.label, row.share) for row in shown])
    if best is None:
        return "No kind of goods is clearly in more baskets than the others"
    value = max(row.share.value or 0.0 for row in shown)
    return f"{_percent(value)} of the visits carry goods marked “{best}”"


def funnel_title(zone: ZoneRow) -> str:
    """Say where an aisle loses most of its passers."""
    steps = [
        ("stop", zone.stop_rate),
        ("pick something", zone.pick_rate),
        ("keep", zone.conversion),
    ]
    values = [one.value for _, one in steps if one is not None]
    if len(values) < len(steps) or any(value is None for value in values):
        return f"{zone.name}: from passing to keeping"
    kept = min(1.0, max(0.0, values[-1] or 0.0))
    return f"Of 100 who pass {zone.name}, {100 * kept:.0f} keep something"


def steps_cross(zone: ZoneRow) -> bool:
    """Tell whether noise makes a later step of an aisle's funnel larger than an earlier one."""
    steps = (zone.stop_rate, zone.engagement, zone.pick_rate, zone.conversion)
    values = [one.value for one in steps if one is not None and one.value is not None]
    return values != sorted(values, reverse=True)


def _from_to(one: Change) -> str:
    before, now = one.before or 0.0, one.now or 0.0
    if one.unit == "visits":
        return f"from {before:.0f} to {now:.0f}"
    return f"from {_percent(before)} to {_percent(now)}"


def changes_title(against: Comparison) -> str:
    """Say what changed most clearly."""
    sure, told = len(against.sure), len(against.told)
    if not told:
        return "What changed: nothing that could be told"
    if not sure:
        return f"What changed: nothing for sure, perhaps {told} of {len(against.changes)} figures"
    perhaps = f", perhaps {told - sure} more" if told > sure else ""
    return f"What changed: {sure} of {len(against.changes)} figures for sure{perhaps}"


def figure_name(figure: str) -> str:
    """Name a figure that stores are compared by."""
    return RATE_NAMES.get(figure) or PLURAL.get(figure, figure).capitalize()


def figure_meaning(figure: str) -> str:
    """Say what it is, in a sentence."""
    if figure in STORE_FIGURES:
        return STORE_FIGURES[figure]
    return f"Share of visits: {PATTERN_WORDS.get(figure, figure)}."


def chain_title(chain: Chain) -> str:
    """Give the headline: the clearest change of a store, or who differs from the others."""
    if chain.told:
        row, one = chain.told[0]
        name = change_of(one)
        return f"{row.store}: {name[0].lower()}{name[1:]} is {one.verdict}, {_from_to(one)}"
    sides = {figure: _sides(chain, figure) for figure in chain.figures}
    figure = max(sides, key=lambda name: len(sides[name]), default="")
    if not figure or not sides[figure]:
        return "No store differs from the others beyond chance"
    return side_title(chain, figure)


def sides_title(chain: Chain) -> str:
    """Say how many stores differ from the chain in any figure."""
    number = sum(
        any(chain.side(row, figure) in {"above", "below"} for figure in chain.figures)
        for row in chain.rows
    )
    which = {0: "none differs", 1: "1 differs"}.get(number, f"{number} differ")
    return f"Stores side by side: {which} from the chain beyond chance"


def side_title(chain: Chain, figure: str) -> str:
    """Say how many stores differ from the chain in a figure."""
    sides = _sides(chain, figure)
    name = figure_name(figure)
    if not sides:
        return f"{name}: no store differs from the chain beyond chance"
    parts = [f"{sides.count(side)} {side}" for side in ("above", "below") if sides.count(side)]
    whole = _percent(chain.figures[figure].value or 0.0)
    return f"{name}: of {len(chain.rows)} stores {' and '.join(parts)} the chain's {whole}"


def busiest_title(chain: Chain) -> str:
    """Name the store with the most visits a day."""
    first = chain.rows[0]
    if first.daily is None:
        return "Store by store"
    return f"Store by store: {first.store} has the most visits, {first.daily.value:,.0f} a day"


def small_title(chain: Chain) -> str:
    """Say on how many days the stores are drawn."""
    days = (chain.until - chain.since).days + 1
    return "Visits on the day" if days == 1 else f"How the {days} days went in each store"


def day_span(row: StoreRow) -> str:
    """Say between what the visits of a store's days lay."""
    told = [max(0.0, day.visits.value) for day in row.days if day.visits]
    if not told:
        return "nothing came"
    if len(told) == 1:
        return f"{told[0]:,.0f} a day"
    return f"{min(told):,.0f} to {max(told):,.0f} a day"


def chain_changes_title(chain: Chain) -> str:
    """Say how much changed for sure."""
    every = sum(len(row.changes) for row in chain.rows)
    if not every:
        return "What changed: nothing to compare with"
    if not chain.told:
        return f"What changed: nothing for sure in {every} figures"
    return f"What changed: {len(chain.told)} of {every} figures for sure"


def chain_quality_title(chain: Chain) -> str:
    """Say whether data is whole."""
    number = len(lacking(chain)) + len(chain.silent)
    if not number:
        return f"Data quality: {_percent(chain.coverage)} of the opening hours were seen"
    which = "1 store lacks" if number == 1 else f"{number} stores lack"
    return f"Data quality: {which} days or much of the opening hours"


def lacking(chain: Chain) -> list[StoreRow]:
    """Give the stores of which days are missing, or whose devices missed much."""
    return [row for row in chain.rows if row.days_with_data < len(row.days) or row.coverage < DIM]


def listed(names: Sequence[str], kind: str) -> str:
    """Spell some names, or how many there are where they are many.

    >>> listed(["a", "b", "c", "d"], "stores")
    '4 stores'
    """
    return ", ".join(names) if len(names) <= MOST_LISTED else f"{len(names)} {kind}"


def _sides(chain: Chain, figure: str) -> list[str]:
    found = [chain.side(row, figure) for row in chain.rows]
    return [side for side in found if side in {"above", "below"}]


def segments_title(segments: Segments) -> str:
    """Name the largest segment."""
    number = len(segments.cards)
    which = "1 segment" if number == 1 else f"{number} segments"
    first = segments.cards[0]
    if first.share.value is None:
        return f"{which}; too few visits to tell how large"
    told = f"{which}: " if number > 1 else "One segment: "
    return f"{told}{_percent(first.share.value)} of the visits are {first.definition.name}"


def segment_when(card: Card) -> str:
    """Say in which parts of the day and on which weekdays a segment is larger than else."""
    weekdays = [(f"{WEEKDAYS[day]}s", share) for day, share in card.weekdays]
    found = []
    for kind, rows in (("part of the day", card.parts), ("weekday", weekdays)):
        told = [(name, one) for name, one in rows if one.value is not None]
        more = [(name, one) for name, one in told if _is_above(one, card.share)]
        if more:
            most = max(one.value or 0.0 for _, one in more)
            found.append(f"more {', '.join(name for name, _ in more)} (up to {_percent(most)})")
        elif len(told) > 1:
            found.append(f"no {kind} stands out")
    return "; ".join(found)


def _is_above(one: Share, whole: Share) -> bool:
    if None in (one.value, one.low, one.high, whole.value):
        return False
    sd = (one.high - one.low) / (2 * CLEARLY)  # type: ignore[operator] # none is None
    gap = one.value - whole.value  # type: ignore[operator] # none is None
    return gap > STANDS_OUT * sd


def segment_where(card: Card) -> str:
    """Say in which stores a segment is largest and smallest."""
    told = [(name, one) for name, one in card.stores if one.value is not None]
    if not told:
        return ", ".join(card.definition.stores)
    ordered = sorted(told, key=lambda row: -(row[1].value or 0.0))
    shown = ordered if len(ordered) <= MOST_LISTED else [ordered[0], ordered[1], ordered[-1]]
    spelt = ", ".join(f"{name} {_percent(one.value or 0.0)}" for name, one in shown)
    return (
        spelt if len(ordered) <= MOST_LISTED else f"most and least of {len(told)} stores: {spelt}"
    )


def segment_overlap(segments: Segments, card: Card) -> str:
    """Name the segment that shares most visits with this one."""
    found = [
        (part, other.definition.name)
        for other in segments.cards
        if other is not card
        and (part := segments.overlap(card.definition.id, other.definition.id)) is not None
    ]
    if not found:
        return ""
    part, name = max(found)
    return f"most with {name}: {_percent(part)} of the visits in either are in both"


def segment_life(card: Card) -> str:
    """Say where in its life a segment is."""
    last = card.life[0] if card.life else None
    since = f", {last.event} on {last.at.date()}" if last else ""
    left = (
        f"dissolves in {card.decays_in} days unless confirmed"
        if card.decays_in >= 0
        else "overdue to be confirmed"
    )
    return f"version {card.version}, {card.state}{since}; {left}"


def overlapping(segments: Segments) -> list[Card]:
    """Give the cards of which overlaps are told."""
    named = {name for pair in segments.overlaps for name in pair}
    return [card for card in segments.cards if card.definition.id in named]


def overlap_title(segments: Segments) -> str:
    """Name the two segments that overlap most."""
    names = {card.definition.id: card.definition.name for card in segments.cards}
    (one, other), part = max(segments.overlaps.items(), key=lambda item: item[1])
    return f"Most alike: {names[one]} and {names[other]}, {_percent(part)} in both"


def tinted(part: float | None) -> str:
    """Give a table cell's colours for a part."""
    if part is None:
        return ""
    ink = PAPER if part > DARK_FROM else INK
    return f"background:{tint(part)};color:{ink}"


def period(since: str, until: str) -> str:
    """Spell a period.

    >>> period("2026-03-02", "2026-03-08")
    '2 to 8 March 2026'
    >>> period("2026-03-30", "2026-04-05")
    '30 March to 5 April 2026'
    >>> period("2025-12-29", "2026-01-04")
    '29 December 2025 to 4 January 2026'
    """
    first, last = date.fromisoformat(since), date.fromisoformat(until)
    if first == last:
        return long_day(since)
    if (first.year, first.month) == (last.year, last.month):
        return f"{first.day} to {last.day} {last:%B %Y}"
    year = "" if first.year == last.year else f" {first.year}"
    return f"{first.day} {first:%B}{year} to {last.day} {last:%B %Y}"


def change_of(one: Change) -> str:
    """Name what a change is of."""
    name = RATE_NAMES.get(one.figure, one.figure)
    if one.figure == "pattern":
        share = RATE_NAMES["basket"] if one.of == "quality" else name
        return f"{share} of {PLURAL.get(one.of, one.of)}"
    if one.figure == "basket":
        return f"{name} with goods marked “{one.of}”"
    if one.figure == "tier":
        return f"{name} that are {_tier(one.of)}"
    return f"{one.of}: {name[0].lower()}{name[1:]}" if one.of else name


def change_text(one: Change) -> str:
    """Say one change in a sentence's half, with its interval."""
    return f"{change_of(one)}: {VERDICTS[one.verdict]}{_by(one)}"


def change_by(one: Change) -> str:
    """Say from what to what something changed, with the interval of the difference."""
    return _by(one).removeprefix(", ")


def scorecard_title(summary: Summary) -> str:
    """Say which place most of its passers engage with."""
    rows = [(zone.name, zone.engagement) for zone in summary.zones if zone.engagement]
    shown = [(name, rate) for name, rate in rows if rate.value is not None]
    if not shown:
        return "Aisle by aisle"
    best = _clear_winner(shown)
    if best is None:
        return "Aisle by aisle: none engages clearly more of its passers than the others"
    value = max(rate.value or 0.0 for _, rate in shown)
    return f"Aisle by aisle: {best} engages the most of its passers, {_percent(value)}"


def promotion_title(summary: Summary) -> str:
    """Say whether promotion places do more than the aisles."""
    shown = [one for one in summary.promotion if one.verdict in {"up", "down"}]
    if not shown:
        return "No difference between promotion and aisles could be told"
    one = max(shown, key=lambda row: row.clearness)
    name = RATE_NAMES[one.figure].lower()
    now, before = _percent(one.now or 0.0), _percent(one.before or 0.0)
    return f"Promotion: a {name} of {now}, against {before} in the aisles"


def tiers_title(summary: Summary) -> str:
    """Say of which price tier most baskets are."""
    if not summary.tiers:
        return "Price tiers: not told in this store"
    shown = [(row.label, row.share) for row in summary.tiers if row.share.value is not None]
    if not shown:
        return "Price tiers: too few baskets to tell"
    best = _clear_winner(shown)
    if best is None:
        return "Price tiers: none holds clearly more baskets than the others"
    value = max(one.value or 0.0 for _, one in shown)
    return f"Price tiers: {_percent(value)} of the baskets are {_tier(best)}"


def space_title(summary: Summary) -> str:
    """Name the place that brings most for its space."""
    first = summary.space[0]
    if first.index.value is None:
        return "Too few visits to hold what is kept against space"
    best = _clear_winner([(row.name, row.kept) for row in summary.space])
    if best is None:
        return "Goods kept against space: no place stands out"
    return f"{first.name} brings {first.index.value:.1f} times what its space would"


def times(share: Share) -> str:
    """Spell how many times what space would bring."""
    if share.value is None or share.low is None or share.high is None:
        return f"withheld: {share.withheld}"
    value, low, high = (max(0.0, x) for x in (share.value, share.low, share.high))
    return f"{value:.2f} ({low:.2f} to {high:.2f})"


def quality_title(summary: Summary) -> str:
    """Say whether data is whole."""
    days = len(summary.days)
    gone = days - summary.days_with_data
    if gone:
        which = "1 day" if gone == 1 else f"{gone} days"
        return f"Data quality: of {which} of {days} nothing came"
    dim = sum(one.coverage < DIM for one in summary.days)
    if dim:
        which = "1 day" if dim == 1 else f"{dim} days"
        return f"Data quality: on {which} of {days} the devices missed much"
    return f"Data quality: {_percent(summary.coverage)} of the opening hours were seen"


def short_day(day: date) -> str:
    """Spell a date in a table.

    >>> short_day(date(2026, 3, 7))
    'Sat 7 Mar'
    """
    return f"{day:%a} {day.day} {day:%b}"


def missing(day: Day) -> str:
    """Say what a day lacks."""
    if day.visits is None:
        return "all"
    names = [CHANNEL_NAMES.get(channel, channel) for channel in day.missing]
    return ", ".join(names) or ("much of the day" if day.coverage < DIM else "")


def _tier(label: str) -> str:
    return {"price-low": "cheap", "price-middle": "in the middle"}.get(label, "dear")


def _by(one: Change) -> str:
    gap = one.difference
    if gap is None or one.before is None or one.now is None:
        return ""
    if one.unit == "visits":
        return (
            f", {one.before:.0f} to {one.now:.0f}"
            f" (difference {gap.value:+.0f}, {gap.low:+.0f} to {gap.high:+.0f})"
        )
    return (
        f", {tenths(one.before)} to {tenths(one.now)} (difference {100 * gap.value:+.1f} points"
        f", {100 * gap.low:+.1f} to {100 * gap.high:+.1f})"
    )


def _clear_winner(rows: Sequence[tuple[str, Share | PatternRow]]) -> str | None:
    """Give the name of the largest share if it is clearly larger than the second."""
    ordered = sorted(rows, key=lambda row: row[1].value or 0.0, reverse=True)
    if len(ordered) == 1:
        return ordered[0][0]
    (name, first), (_, second) = ordered[:2]
    gap = (first.value or 0.0) - (second.value or 0.0)
    return name if gap > CLEARLY * math.hypot(_sd(first), _sd(second)) else None


def _sd(figure: Share | PatternRow | Estimate) -> float:
    if figure.low is None or figure.high is None:
        return math.inf
    return (figure.high - figure.low) / (2 * 1.96)


def _how_many(value: float) -> str:
    tenths = round(10 * min(1.0, max(0.0, value)))
    if tenths == 0:
        return "Hardly any"
    if tenths == 10:  # noqa: PLR2004 - ten tenths
        return "Nearly all"
    if tenths == 5:  # noqa: PLR2004 - five tenths
        return "About half of the"
    names = ("", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
    return f"About {names[tenths]} in ten"


def tenths(value: float) -> str:
    """Spell a share to a tenth of a per cent, clamped because it is shown."""
    return f"{100 * min(1.0, max(0.0, value)):.1f} %"


def _percent(value: float) -> str:
    return f"{100 * min(1.0, max(0.0, value)):.0f} %"
