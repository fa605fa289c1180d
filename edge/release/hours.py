"""Opening hours in a store's own time zone, as edges between windows in UTC."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from itertools import pairwise


@dataclass(frozen=True, slots=True)
class Daypart:
    """A part of the local day; lasts until the next one starts."""

    name: str
    starts: time


@dataclass(frozen=True, slots=True)
class Span:
    """A half-open period [start, end), open for trade or not."""

    start: datetime
    end: datetime
    trading: bool


@dataclass(frozen=True, slots=True)
class Hours:
    """When a store trades, every day alike.

    Attributes:
        zone: the store's time zone.
        opens: local.
        closes: local, after ``opens``.
        linger: how long after closing the last shoppers may leave and still be counted.
    """

    zone: tzinfo
    opens: time
    closes: time
    linger: timedelta = timedelta(minutes=30)

    def span_at(self, instant: datetime) -> Span:
        """Give the trading day, or the night between two, that holds an instant."""
        today = instant.astimezone(self.zone).date()
        days = [self._day(today + timedelta(days=offset)) for offset in (-1, 0, 1, 2)]
        for day, following in pairwise(days):
            end = min(day.end, following.start)
            if day.start <= instant < end:
                return Span(day.start, end, trading=True)
            if end <= instant < following.start:
                return Span(end, following.start, trading=False)
        raise ValueError(f"{instant} lies in no day of {self.zone}")

    def hour_at(self, instant: datetime) -> Span:
        """Give the whole UTC hour that holds an instant, cut at opening and closing."""
        span = self.span_at(instant)
        if not span.trading:
            return span
        hour = instant.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
        start, end = max(hour, span.start), min(hour + timedelta(hours=1), span.end)
        return Span(start, end, trading=True)

    def daypart_at(self, instant: datetime, *, dayparts: Sequence[Daypart]) -> int:
        """Give the number of the daypart that holds an instant.

        Before the first one starts, the last one of the day before still lasts.
        """
        local = instant.astimezone(self.zone).time()
        begun = [number for number, part in enumerate(dayparts) if part.starts <= local]
        return begun[-1] if begun else len(dayparts) - 1

    def _day(self, day: date) -> Span:
        opens = datetime.combine(day, self.opens, tzinfo=self.zone).astimezone(UTC)
        closes = datetime.combine(day, self.closes, tzinfo=self.zone).astimezone(UTC)
        return Span(opens, closes + self.linger, trading=True)
