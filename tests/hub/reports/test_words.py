from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date

import pytest

from hub.patterns.shares import ShareParams
from hub.reports import words
from hub.reports.period import PeriodData
from hub.reports.summary import PatternRow, Summary, summarise
from wire.messages import PATTERNS, Meta, Release


@pytest.fixture
def summary(a_day: Callable[..., list[Release]], meta: Meta) -> Summary:
    data = PeriodData(
        "berlin-1", date(2026, 3, 7), date(2026, 3, 7), {"north": [meta]}, a_day(visits=2400)
    )
    return summarise(data, params=ShareParams())


def row(name: str, value: float, *, half: float = 0.03) -> PatternRow:
    return PatternRow(name, value, value - half, value + half, None)


@pytest.mark.parametrize(
    ("values", "title"),
    [
        ((0.31, 0.5, 0.1), "Wanderers are the largest group"),
        ((0.49, 0.5, 0.1), "No pattern stands out clearly from the others"),
    ],
)
def test_a_pattern_is_named_only_if_it_is_clearly_the_largest(
    values: tuple[float, ...], title: str, summary: Summary
) -> None:
    rows = tuple(row(n, v) for n, v in zip(PATTERNS, values, strict=True))
    rows = (*rows, row("quality", 0.9))  # its level is not to be held against the others'
    assert words.patterns_title(replace(summary, patterns=rows)) == title


@pytest.mark.parametrize(
    ("value", "start"),
    [(0.02, "Hardly any"), (0.31, "About three in ten"), (0.52, "About half"), (1.2, "Nearly all")],
)
def test_the_headline_says_how_many(value: float, start: str, summary: Summary) -> None:
    changed = replace(summary, patterns=(row("wanderer", value),))
    assert words.title(changed).startswith(start)


def test_without_readers_the_conversion_title_says_so(summary: Summary) -> None:
    without = tuple(replace(zone, conversion=None) for zone in summary.zones)
    changed = replace(summary, zones=without)
    assert "No reader" in words.conversion_title(changed)


def test_evenly_spread_hours_have_no_busiest_part(summary: Summary) -> None:
    assert words.dayparts_title(summary) == "No part of the day was clearly the busiest"
