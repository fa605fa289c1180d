from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from hub.patterns.shares import ShareParams
from hub.segments.context import Surroundings
from hub.segments.hours import Calendar, CellHours, cell_hours
from hub.segments.rules import compile_rule
from hub.segments.tagged import tag_days, tagged_days
from hub.segments.weighing import Day, by_day, every_visit, over
from hub.store_io.counts import Counts
from wire.messages import DROPPED, Axis

OPENS = datetime(2026, 3, 2, 9, tzinfo=UTC)
CALENDAR = Calendar(ZoneInfo("UTC"), ())
PLACED = (400.0, 330.0)
LOST = 270.0
TAGGED = 47.0
SD_HOUR, SD_DAY, SD_TAG = 7.1, 5.6, 22.4


def cells(channel: str, *, sd: float, part: float = 1.0, hours: int = 10, at: int = 0) -> Counts:
    """Give a release of both cells and of those in none; ``part`` of the day's visits."""
    start = OPENS + timedelta(hours=at)
    return Counts(
        "north",
        channel,
        "test-2",
        (Axis("cell", ("0", "1", DROPPED)),),
        ((start, start + timedelta(hours=hours)),),
        part * np.array([[*PLACED, LOST]]),
        np.array([sd]),
    )


def hourly() -> list[Counts]:
    return [cells("cells", sd=SD_HOUR, part=0.1, hours=1, at=hour) for hour in range(10)]


def daily() -> list[Counts]:
    return [cells("day_cells", sd=SD_DAY)]


def tags() -> Counts:
    window = (OPENS, OPENS + timedelta(hours=10))
    axes = (Axis("tag", ("organic",)),)
    return Counts("north", "tags", "", axes, (window,), np.array([[TAGGED]]), np.array([SD_TAG]))


def tables(counts: list[Counts]) -> list[CellHours]:
    return cell_hours(counts, store="berlin-1", calendar=CALENDAR)


def day_of(rule: str, counts: list[Counts]) -> Day:
    (day,) = tagged_days(
        compile_rule(rule),
        tags=tag_days([tags()], calendar=CALENDAR),
        visits=by_day(every_visit(tables(counts))),
        store="berlin-1",
        surroundings=Surroundings({}),
    )
    return day


@pytest.mark.parametrize(
    ("counts", "variance"),
    [
        (daily(), SD_DAY**2),
        (hourly(), 10 * SD_HOUR**2),
        ([*hourly(), *daily()], 1 / (1 / SD_DAY**2 + 1 / (10 * SD_HOUR**2))),
    ],
    ids=["day", "hours", "both"],
)
def test_a_tags_share_is_of_all_visits_those_in_no_cell_too(
    counts: list[Counts], variance: float
) -> None:
    day = day_of("tag.organic", counts)
    assert day.visits == pytest.approx(1000)
    assert day.members == pytest.approx(TAGGED)
    assert day.members / day.visits == pytest.approx(0.047)
    assert day.var_visits == pytest.approx(3 * variance)  # noise on two cells and on the dropped
    assert day.var_members == pytest.approx(SD_TAG**2)
    assert day.cov == 0


def test_visits_without_the_tag_bear_the_noise_of_all_visits() -> None:
    day = day_of("!tag.organic", daily())
    assert day.members == pytest.approx(953)
    assert day.var_members == pytest.approx(3 * SD_DAY**2 + SD_TAG**2)
    assert day.cov == pytest.approx(3 * SD_DAY**2)


def test_the_interval_holds_the_tags_share_as_often_as_it_says() -> None:
    rng = np.random.default_rng(7)
    held = 0
    for _ in range(400):
        (whole,) = daily()
        sold = rng.binomial(1000, TAGGED / 1000)
        days = tagged_days(
            compile_rule("tag.organic"),
            tags=tag_days([_noised(tags(), by=sold - TAGGED, rng=rng)], calendar=CALENDAR),
            visits=by_day(every_visit(tables([_noised(whole, by=0.0, rng=rng)]))),
            store="berlin-1",
            surroundings=Surroundings({}),
        )
        share = over(days, params=ShareParams())
        assert share.low is not None
        assert share.high is not None
        held += share.low <= TAGGED / 1000 <= share.high
    assert 0.92 < held / 400 < 0.98


def _noised(one: Counts, *, by: float, rng: np.random.Generator) -> Counts:
    counts = one.counts + by + rng.normal(0, one.sd[0], one.counts.shape)
    return Counts(one.agent, one.channel, one.codebook, one.axes, one.windows, counts, one.sd)


def test_a_rule_over_cells_is_still_of_placed_visits() -> None:
    (table,) = tables(daily())
    assert table.day_counts.tolist() == [list(PLACED)]
    assert table.day_dropped.tolist() == [LOST]
