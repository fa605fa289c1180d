from __future__ import annotations

from collections.abc import Callable
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from hub.patterns.shares import ShareParams
from hub.segments.context import Surroundings
from hub.segments.hours import Calendar, cell_hours, cells_of
from hub.segments.rules import compile_rule
from hub.segments.weighing import Day, by_day, over, overlap, ratio, weigh
from hub.store_io.counts import Counts
from wire.codebook import Codebook
from wire.messages import Release

UTC = ZoneInfo("UTC")


def days_of(rule: str, releases: list[Release], book: Codebook) -> list[Day]:
    return by_day(weighed(rule, releases, book))


def columns(releases: list[Release]) -> list[Counts]:
    """Give each release as columns of one row."""
    return [
        Counts(
            "north",
            one.channel,
            one.codebook,
            one.axes,
            ((one.window_start, one.window_end),),
            np.array([one.counts], dtype=np.float64),
            np.array([one.sd]),
        )
        for one in releases
    ]


def weighed(rule: str, releases: list[Release], book: Codebook) -> list:
    hours = cell_hours(columns(releases), store="berlin-1", calendar=Calendar(UTC, ()))
    return weigh(
        compile_rule(rule),
        hours=hours,
        cells={book.version: cells_of(book)},
        surroundings=Surroundings({}),
    )


def test_a_rule_over_cells_counts_its_cells(
    releases_of: Callable[..., list[Release]], book: Codebook
) -> None:
    releases = releases_of(1, exact=True)
    (day,) = days_of("pattern.showroomer > 0.5", releases, book)
    counts = np.array(releases[10].counts[:-1])
    assert day.visits == pytest.approx(2000)
    assert day.members == pytest.approx(counts[::2].sum())


def test_a_rule_over_hours_counts_those(
    releases_of: Callable[..., list[Release]], book: Codebook
) -> None:
    releases = releases_of(1, exact=True)
    (day,) = days_of("context.hour >= 17 && pattern.showroomer > 0.5", releases, book)
    late = sum(np.array(one.counts[:-1:2]).sum() for one in releases[8:10])
    assert day.members == pytest.approx(late)


def test_what_does_not_ask_for_the_hour_bears_the_days_noise(
    releases_of: Callable[..., list[Release]], book: Codebook
) -> None:
    releases = releases_of(1)
    (day,) = days_of("pattern.showroomer > 0.5", releases, book)
    both = 1 / (1 / 5.6**2 + 1 / (10 * 7.1**2))
    assert day.var_members == pytest.approx(4 * both)
    (hourly,) = days_of("context.hour >= 9 && pattern.showroomer > 0.5", releases, book)
    assert hourly.var_members == pytest.approx(day.var_members)
    assert hourly.members == pytest.approx(day.members)


def test_a_day_of_which_only_hours_arrived_still_counts(
    releases_of: Callable[..., list[Release]], book: Codebook
) -> None:
    hours = releases_of(1)[:10]
    (day,) = days_of("pattern.showroomer > 0.5", hours, book)
    assert day.var_members == pytest.approx(4 * 10 * 7.1**2)


def test_a_day_of_which_hours_lack_is_counted_by_itself(
    releases_of: Callable[..., list[Release]], book: Codebook
) -> None:
    releases = releases_of(1)
    (day,) = days_of("pattern.showroomer > 0.5", releases[3:], book)
    assert day.var_members == pytest.approx(4 * 5.6**2)
    assert days_of("context.hour > 12", releases[10:11], book) == []


@pytest.mark.parametrize(
    "rule",
    [
        "pattern.showroomer > 0.5",
        "pattern.wanderer",
        "context.hour >= 15 && trait.kept > 1.0",
        'context.hour >= 15 ? pattern.wanderer : (context.weekday == "tue" ? 0.2 : 0.1)',
    ],
)
def test_intervals_hold_the_expected_share_as_often_as_they_say(
    rule: str,
    releases_of: Callable[..., list[Release]],
    book: Codebook,
) -> None:
    held = shown = 0
    expected = float(np.mean([day.members / day.visits for day in _exact(rule, releases_of, book)]))
    for seed in range(150):
        days = days_of(rule, releases_of(2, seed=seed + 10, visits=800), book)
        share = over(days, params=ShareParams())
        if share.low is not None and share.high is not None:
            shown += 1
            held += share.low <= expected <= share.high
    assert shown == 150
    # sampling is the larger of two questions: soft weights are on the safe side
    assert held / shown >= 0.9


def _exact(rule: str, releases_of: Callable[..., list[Release]], book: Codebook) -> list[Day]:
    return days_of(rule, releases_of(2, seed=2, visits=400_000, exact=True), book)


def test_periods_are_sums_of_days(
    releases_of: Callable[..., list[Release]], book: Codebook
) -> None:
    days = days_of("pattern.wanderer", releases_of(6), book)
    assert len(days) == 6
    value, variance = ratio(days)
    assert value == pytest.approx(np.mean([ratio([day])[0] for day in days]), abs=0.01)
    assert variance < ratio(days[:1])[1] / 4


def test_segments_overlap_by_the_visits_that_are_in_both(
    releases_of: Callable[..., list[Release]], book: Codebook
) -> None:
    releases = releases_of(1, exact=True)
    one = weighed("pattern.showroomer > 0.5", releases, book)
    other = weighed("pattern.wanderer > 0.45", releases, book)
    none = weighed("pattern.showroomer < 0.5", releases, book)
    assert overlap(one, one) == pytest.approx(1.0)
    assert overlap(one, none) == 0.0
    assert 0.1 < overlap(one, other) < 0.9


def test_history_of_an_older_codebook_is_read_in_the_newer_ones_cells(
    releases_of: Callable[..., list[Release]], book: Codebook
) -> None:
    releases = releases_of(1, exact=True)
    hours = cell_hours(columns(releases), store="berlin-1", calendar=Calendar(UTC, ()))
    # the new one has the first four cells in one, and the others as they were
    table = np.zeros((8, 5))
    table[:4, 0] = table[4, 1] = table[5, 2] = table[6, 3] = table[7, 4] = 1.0
    newer = [{"pattern.wanderer": value} for value in (0.9, 0.1, 0.8, 0.1, 0.1)]
    weighed = weigh(
        compile_rule("pattern.wanderer > 0.5"),
        hours=hours,
        cells={"test-3": newer},
        surroundings=Surroundings({}),
        bridges={book.version: ("test-3", table)},
    )
    (day,) = by_day(weighed)
    counts = np.array(releases[10].counts)
    assert day.members == pytest.approx(counts[:4].sum() + counts[5])
