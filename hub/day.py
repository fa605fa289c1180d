"""Loads what the database holds of one store's day."""

from __future__ import annotations

from datetime import date
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from hub.errors import NoDataError
from hub.patterns.days import local_day
from hub.reports.summary import DayData
from hub.store_io.store import Store


def load_day(opened: Store, *, store: str, day: date) -> DayData:
    """Give a store's metas, and the releases whose windows start on its calendar day.

    Raises:
        NoDataError: the store is unknown, has no meta yet (without one its day cannot be told:
            the time zone is in it), or nothing is stored for that day.
    """
    metas = opened.metas(store)
    if not metas:
        raise NoDataError(_why_no_meta(opened, store=store))
    name = next(iter(metas.values()))[-1].timezone
    try:
        zone = ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:  # OSError: "Europe" is a folder
        raise NoDataError(
            f"store {store!r}: this machine does not know its time zone {name!r}; "
            "correct the agent's configuration, or install tzdata here"
        ) from error
    span = local_day(day, zone=zone)
    rows = opened.releases(store, since=span.start, until=span.end)
    if not rows:
        raise NoDataError(f"store {store!r}: no release of {day} is stored")
    without_meta = tuple(sorted({row.agent for row in rows} - metas.keys()))
    return DayData(store, day, metas, [row.release for row in rows], without_meta)


def _why_no_meta(opened: Store, *, store: str) -> str:
    agents = opened.agents_of(store)
    if agents:
        return (
            f"store {store!r}: agent {', '.join(agents)} was heard, but no meta that says what it "
            "is has arrived: is it running? See also `aisle-hub rejects list`"
        )
    known = ", ".join(opened.stores()) or "none"
    return f"store {store!r}: no agent of it was ever heard; known: {known}"
