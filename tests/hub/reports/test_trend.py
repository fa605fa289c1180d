from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest

from hub.patterns.shares import ShareParams
from hub.reports.summary import summarise
from hub.reports.trend import course, days_of, rhythm
from wire.messages import Meta

PARAMS = ShareParams()
MONDAY = date(2026, 3, 2)


def test_visits_of_the_days_lie_in_their_intervals(shop: Callable[..., Any], meta: Meta) -> None:
    made = shop()
    data = made.period(MONDAY, 14, meta=made.meta(meta))
    days = days_of(data, params=PARAMS)
    held = sum(
        day.visits is not None and day.visits.low <= made.truth[day.day] <= day.visits.high
        for day in days
    )
    assert held >= 12  # of 14; fewer than one in a hundred such fortnights hold less
    whole = summarise(data, params=PARAMS).visits
    sd = (whole.high - whole.low) / (2 * 1.96)
    assert abs(whole.value - sum(made.truth.values())) <= 3 * sd


def test_a_small_shop_is_told_by_the_week_and_says_why(
    shop: Callable[..., Any], meta: Meta
) -> None:
    made = shop(visits=130)
    data = made.period(MONDAY, 28, meta=made.meta(meta))
    by_figure = {one.figure: one for one in course(data, params=PARAMS)}
    visits, wanderer = by_figure["visits"], by_figure["wanderer"]
    assert (visits.grain, len(visits.points)) == ("day", 28)
    assert (wanderer.grain, len(wanderer.points)) == ("week", 4)
    assert "of 28 days" in wanderer.why
    assert [point.since.weekday() for point in wanderer.points] == [0] * 4


def test_a_day_without_data_is_a_gap_and_not_a_zero(shop: Callable[..., Any], meta: Meta) -> None:
    made = shop()
    data = made.period(MONDAY, 7, meta=made.meta(meta))
    gone = MONDAY + timedelta(days=2)
    left = data.only([one for one in data.releases if one.window_start.date() != gone])
    assert [day.day for day in days_of(left, params=PARAMS) if day.visits is None] == [gone]
    visits = next(one for one in course(left, params=PARAMS) if one.figure == "visits")
    assert [point.since for point in visits.points if point.value is None] == [gone]


def test_the_rhythm_of_the_week_is_a_mean_by_weekday(shop: Callable[..., Any], meta: Meta) -> None:
    made = shop(noise=0)
    data = made.period(MONDAY, 21, meta=made.meta(meta))
    rows = rhythm(data)
    saturdays = [day for day in made.truth if day.weekday() == 5]
    told = sum(row.visits.value for row in rows if row.weekday == 5)
    assert {row.days for row in rows} == {3}
    assert told == pytest.approx(sum(made.truth[day] for day in saturdays) / 3)
    assert rhythm(data.only([])) == ()
