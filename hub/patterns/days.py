"""A store's day: when it begins and ends, when it is open, and its dayparts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from wire.messages import Release


@dataclass(frozen=True, slots=True)
class Span:
    """A half-open period [start, end), aware UTC."""

    start: datetime
    end: datetime

    @property
    def seconds(self) -> float:
        """Length."""
        return (self.end - self.start).total_seconds()


@dataclass(frozen=True, slots=True)
class Daypart:
    """A named part of the day that lasts until the next one starts.

    Attributes:
        starts_min: minutes after local midnight.
    """

    name: str
    starts_min: int


def local_day(day: date, *, zone: ZoneInfo) -> Span:
    """Give a calendar day of the store; 23 or 25 hours long where clocks change."""
    midnight = datetime(day.year, day.month, day.day, tzinfo=zone)
    tomorrow = day + timedelta(days=1)
    after = datetime(tomorrow.year, tomorrow.month, tomorrow.day, tzinfo=zone)
    return Span(midnight.astimezone(UTC), after.astimezone(UTC))


def open_hours(day: date, *, opens: str, closes: str, zone: ZoneInfo) -> Span:
    """Give the opening hours of a day; closing before opening means after midnight.

    >>> open_hours(date(2026, 3, 7), opens="09:00", closes="01:00", zone=ZoneInfo("UTC")).seconds
    57600.0
    """
    start, end = minutes(opens), minutes(closes)
    if end <= start:
        end += 24 * 60
    return Span(_at(day, start, zone=zone), _at(day, end, zone=zone))


def minutes(clock: str) -> int:
    """Give the minutes after midnight of ``HH:MM``."""
    hours, mins = clock.split(":")
    return 60 * int(hours) + int(mins)


def coverage(releases: Iterable[Release], *, hours: Span, agents: int) -> float:
    """Give the share of the opening hours in which the store's agents were seeing.

    What one window covers is its coverage times its length, but no more than the part of it
    that lies in the opening hours; hours without a window are not covered.

    Args:
        releases: of one channel.
        hours: when the store was open.
        agents: how many the store has; one that sent nothing covers nothing.
    """
    covered_s = 0.0
    for release in releases:
        length_s = (release.window_end - release.window_start).total_seconds()
        overlap = min(release.window_end, hours.end) - max(release.window_start, hours.start)
        covered_s += max(0.0, min(release.coverage * length_s, overlap.total_seconds()))
    return min(1.0, covered_s / (hours.seconds * max(1, agents)))


def daypart_of(release: Release, *, dayparts: Sequence[Daypart], zone: ZoneInfo) -> Daypart:
    """Give the daypart in which the middle of a release's window lies.

    Args:
        release: an hourly one.
        dayparts: ascending; without any, the local hour is the daypart.
        zone: the store's.
    """
    return daypart_at(release.window_start, end=release.window_end, dayparts=dayparts, zone=zone)


def daypart_at(
    start: datetime, *, end: datetime, dayparts: Sequence[Daypart], zone: ZoneInfo
) -> Daypart:
    """Give the same for a window that is told by its start and end."""
    local = (start + (end - start) / 2).astimezone(zone)
    minute = 60 * local.hour + local.minute
    if not dayparts:
        return Daypart(f"{local.hour:02}:00", 60 * local.hour)
    begun = [part for part in dayparts if part.starts_min <= minute]
    # before the first one starts, the last one of the day before still lasts
    return begun[-1] if begun else dayparts[-1]


def _at(day: date, minute: int, *, zone: ZoneInfo) -> datetime:
    later = day + timedelta(days=minute // (24 * 60))
    hour, mins = divmod(minute % (24 * 60), 60)
    return datetime(later.year, later.month, later.day, hour, mins, tzinfo=zone).astimezone(UTC)
