"""What the database holds of one store's days."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from wire.codebook import Codebook
from wire.messages import Meta, Release, Zone


@dataclass(frozen=True, slots=True)
class PeriodData:
    """One store's days, the last one included; a day is a period of one.

    Attributes:
        metas: by agent, oldest first; at least one.
        releases: whose windows start on those days.
        without_meta: agents that made some of the releases, but have no meta yet.
        lately: daily counts of days before, which help to tell those of the period.
    """

    store: str
    since: date
    until: date
    metas: Mapping[str, Sequence[Meta]]
    releases: Sequence[Release]
    without_meta: tuple[str, ...] = ()
    lately: Sequence[Release] = ()

    @property
    def newest(self) -> tuple[Meta, ...]:
        """Give every agent's newest meta."""
        return tuple(metas[-1] for metas in self.metas.values())

    @property
    def zone(self) -> ZoneInfo:
        """Give the store's time zone."""
        return ZoneInfo(self.newest[0].timezone)

    @property
    def days(self) -> tuple[date, ...]:
        """Give every day of the period, with releases or without."""
        return tuple(
            self.since + timedelta(days=number)
            for number in range((self.until - self.since).days + 1)
        )

    @property
    def codebooks(self) -> dict[str, Codebook]:
        """Give every codebook an agent of the store has used, by version."""
        return {
            meta.codebook.version: meta.codebook for metas in self.metas.values() for meta in metas
        }

    @property
    def zones(self) -> dict[str, Zone]:
        """Give the newest plan's zones by id; one has a reader if any agent hears it."""
        found: dict[str, Zone] = {}
        for meta in self.newest:
            for zone in meta.zones:
                if zone.id not in found or zone.has_reader:
                    found[zone.id] = zone
        return found

    def by_day(self) -> dict[date, list[Release]]:
        """Give the releases of every day, those of the store's calendar on which they start."""
        found: dict[date, list[Release]] = {day: [] for day in self.days}
        for day, releases in self._dated(self.releases).items():
            if day in found:
                found[day] = releases
        return found

    def days_before(self) -> dict[date, list[Release]]:
        """Give ``lately`` by day."""
        return self._dated(self.lately)

    def only(self, releases: Sequence[Release]) -> PeriodData:
        """Give the same with some of the releases."""
        return replace(self, releases=releases)

    def _dated(self, releases: Sequence[Release]) -> dict[date, list[Release]]:
        zone = self.zone
        found: dict[date, list[Release]] = {}
        for release in releases:
            found.setdefault(release.window_start.astimezone(zone).date(), []).append(release)
        return found
