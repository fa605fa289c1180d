from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec
import pytest

from hub.patterns.days import Daypart, coverage, daypart_of, local_day, open_hours
from wire.messages import Release

BERLIN = ZoneInfo("Europe/Berlin")


def test_a_day_is_as_long_as_its_clock_says() -> None:
    assert local_day(date(2026, 3, 29), zone=BERLIN).seconds == 23 * 3600
    assert local_day(date(2026, 10, 25), zone=BERLIN).seconds == 25 * 3600
    assert local_day(date(2026, 3, 7), zone=BERLIN).start == datetime(2026, 3, 6, 23, tzinfo=UTC)


def test_closing_after_midnight_belongs_to_the_day_before() -> None:
    hours = open_hours(date(2026, 3, 7), opens="22:00", closes="02:00", zone=BERLIN)
    assert hours.seconds == 4 * 3600
    assert hours.start == datetime(2026, 3, 7, 21, tzinfo=UTC)


@pytest.mark.parametrize(
    ("hours_sent", "agents", "expected"),
    [(range(9, 19), 1, 0.9), (range(9, 14), 1, 0.45), (range(9, 19), 2, 0.45), ((), 1, 0.0)],
)
def test_missing_windows_and_missing_agents_are_not_covered(
    hours_sent: range, agents: int, expected: float, cells: Callable[..., Release]
) -> None:
    hours = open_hours(date(2026, 3, 7), opens="09:00", closes="19:00", zone=ZoneInfo("UTC"))
    releases = [cells(1, hour=hour) for hour in hours_sent]
    assert coverage(releases, hours=hours, agents=agents) == pytest.approx(expected)


def test_a_window_reaching_out_of_the_opening_hours_covers_what_lies_in_them(
    cells: Callable[..., Release],
) -> None:
    hours = open_hours(date(2026, 3, 7), opens="10:50", closes="11:10", zone=ZoneInfo("UTC"))
    half = msgspec.structs.replace(cells(1, hour=10), coverage=1 / 12)
    assert coverage([half], hours=hours, agents=1) == pytest.approx(5 / 20)
    whole = msgspec.structs.replace(cells(1, hour=10), coverage=1.0)
    assert coverage([whole], hours=hours, agents=1) == pytest.approx(10 / 20)


def test_an_hour_belongs_to_the_daypart_of_its_middle_in_local_time(
    cells: Callable[..., Release],
) -> None:
    parts = [Daypart("morning", 0), Daypart("midday", 11 * 60), Daypart("evening", 17 * 60)]
    names = [
        daypart_of(cells(1, hour=hour), dayparts=parts, zone=BERLIN).name
        for hour in (9, 10, 15, 16)
    ]
    assert names == ["morning", "midday", "midday", "evening"]
    late = msgspec.structs.replace(
        cells(1, hour=10),
        window_start=cells(1, hour=10).window_start - timedelta(minutes=40),
        window_end=cells(1, hour=10).window_start - timedelta(minutes=10),
    )
    assert daypart_of(late, dayparts=parts, zone=BERLIN).name == "morning"


def test_without_dayparts_the_local_hour_is_one(cells: Callable[..., Release]) -> None:
    assert daypart_of(cells(1, hour=15), dayparts=[], zone=BERLIN).name == "16:00"
