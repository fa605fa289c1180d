from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.release.hours import Daypart, Hours, Span

BERLIN = Hours(ZoneInfo("Europe/Berlin"), time(8), time(20))
INDIA = Hours(ZoneInfo("Asia/Kolkata"), time(9), time(21, 15))
ALWAYS = Hours(UTC, time(0), time(23, 59))


def _at(hour: int, minute: int = 0, *, day: int = 7) -> datetime:
    return datetime(2026, 3, day, hour, minute, tzinfo=UTC)


def test_a_trading_day_ends_half_an_hour_after_closing() -> None:
    assert BERLIN.span_at(_at(12)) == Span(_at(7), _at(19, 30), trading=True)
    assert BERLIN.span_at(_at(22)) == Span(_at(19, 30), _at(7, day=8), trading=False)
    assert BERLIN.span_at(_at(3)) == Span(_at(19, 30, day=6), _at(7), trading=False)


def test_hours_are_whole_utc_hours_within_the_trading_day() -> None:
    assert BERLIN.hour_at(_at(12, 30)) == Span(_at(12), _at(13), trading=True)
    assert BERLIN.hour_at(_at(19, 10)) == Span(_at(19), _at(19, 30), trading=True)
    assert BERLIN.hour_at(_at(19, 30)).trading is False
    assert INDIA.hour_at(_at(3, 40)) == Span(_at(3, 30), _at(4), trading=True)


def test_the_clock_change_moves_the_edges() -> None:
    before = BERLIN.span_at(_at(12, day=28))
    after = BERLIN.span_at(_at(12, day=29))
    assert (before.start.hour, after.start.hour) == (7, 6)


def test_a_shop_that_hardly_closes_has_no_overlap() -> None:
    day = ALWAYS.span_at(_at(23, 59))
    assert (day.start, day.end) == (_at(0), _at(0, day=8))


@pytest.mark.parametrize("hours", [BERLIN, INDIA, ALWAYS])
@given(minutes=st.integers(0, 2 * 366 * 24 * 60))
def test_every_instant_is_in_one_span_and_spans_abut(hours: Hours, minutes: int) -> None:
    instant = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    for span_at in (hours.span_at, hours.hour_at):
        span = span_at(instant)
        assert span.start <= instant < span.end
        assert span_at(span.end).start == span.end
        assert span_at(span.end - timedelta(milliseconds=1)) == span


def test_dayparts_are_local() -> None:
    parts = (Daypart("morning", time(0)), Daypart("midday", time(11)), Daypart("evening", time(17)))
    assert BERLIN.daypart_at(_at(9, 59), dayparts=parts) == 0
    assert BERLIN.daypart_at(_at(10), dayparts=parts) == 1
    assert BERLIN.daypart_at(_at(16), dayparts=parts) == 2
    late = (Daypart("day", time(6)), Daypart("night", time(22)))
    assert BERLIN.daypart_at(_at(3), dayparts=late) == 1
