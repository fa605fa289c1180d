"""What the numbers mean, in the words of the trade."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date

from hub.patterns.shares import Estimate, Share
from hub.reports.summary import PatternRow, Summary

PATTERN_NAMES = {
    "showroomer": "Showroomer",
    "wanderer": "Wanderer",
    "indecisive": "Indecisive",
}
PATTERN_WORDS = {
    "showroomer": "looks closely and takes goods in hand, and keeps nothing",
    "wanderer": "walks much further than the goods at which the visit stopped would need",
    "indecisive": "puts goods back, and stays long before deciding",
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
}
CLEARLY = 1.96
"""Standard deviations of a difference from which two figures are said to differ (95 %)."""


def title(summary: Summary) -> str:
    """Give the report's headline: the best supported finding of the day."""
    shown = [row for row in summary.patterns if row.value is not None]
    if not shown:
        return "Too few visits to tell how people shopped"
    top = max(shown, key=lambda row: row.value or 0.0)
    return f"{_how_many(top.value or 0.0)} visits looked like {PLURAL[top.name]}"


def patterns_title(summary: Summary) -> str:
    """Say what the pattern shares show."""
    shown = [row for row in summary.patterns if row.value is not None]
    if not shown:
        return "The shares of the patterns can't be told from so few visits"
    best = _clear_winner([(row.name, row) for row in shown])
    if best is None:
        return "No pattern stands out clearly from the others"
    return f"{PLURAL[best].capitalize()} are the largest group"


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


def _percent(value: float) -> str:
    return f"{100 * min(1.0, max(0.0, value)):.0f} %"
