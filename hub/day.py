"""Loads what the database holds of one store's days, or of several stores'."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from hub.errors import NoDataError
from hub.patterns.days import local_day
from hub.patterns.shares import ShareParams
from hub.patterns.steady import SteadyParams
from hub.reports.chain import CHANNELS, Chain, chain_of, store_row
from hub.reports.period import PeriodData
from hub.store_io.segments import SegmentTables
from hub.store_io.store import Store
from wire.messages import AXES

if TYPE_CHECKING:
    from hub.reports.beside import PlanogramParams
    from hub.reports.planogram import Planogram
    from hub.reports.segments import Segments

READ = tuple(channel for channel in AXES if channel != "sums")
"""Channels a report is made of; the sums of traits are for segments."""
LATELY = SteadyParams().days - 1
LATELY_READ = ("day_cells", "zones", "tags")
"""Channels that tell a day's patterns."""


def load_period(
    opened: Store,
    *,
    store: str,
    since: date,
    until: date,
    channels: Sequence[str] = READ,
    lately: int = LATELY,
) -> PeriodData:
    """Give a store's metas, and the releases whose windows start on its calendar days.

    Args:
        opened: the database.
        store: its name.
        since: the first day.
        until: the last day.
        channels: what is loaded.
        lately: of so many days before, daily counts help to tell those of the period.

    Raises:
        NoDataError: the store is unknown, has no meta yet (without one its days cannot be told:
            the time zone is in it), or nothing is stored for those days.
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
    begins, ends = local_day(since, zone=zone).start, local_day(until, zone=zone).end
    rows = opened.releases(store, since=begins, until=ends, channels=channels)
    if not rows:
        days = f"{since}" if since == until else f"{since} to {until}"
        raise NoDataError(
            f"store {store!r}: no release of {days} is stored; `aisle-hub stores` shows what is"
        )
    without_meta = tuple(sorted({row.agent for row in rows} - metas.keys()))
    begins_lately = local_day(since - timedelta(days=lately), zone=zone).start
    helping = [channel for channel in LATELY_READ if channel in channels]
    before = opened.releases(store, since=begins_lately, until=begins, channels=helping)
    return PeriodData(
        store,
        since,
        until,
        metas,
        [row.release for row in rows],
        without_meta,
        [row.release for row in before],
    )


def load_chain(
    opened: Store,
    *,
    stores: Sequence[str],
    days: tuple[date, date],
    against: tuple[date, date] | None = None,
    params: ShareParams,
) -> Chain:
    """Work out several stores' rows, one after another: memory holds one of them.

    Raises:
        NoDataError: of none of them anything is stored.
    """
    rows, silent = [], []
    for store in stores:
        try:
            now = _part(opened, store, days)
        except NoDataError as error:
            silent.append((store, str(error)))
            continue
        before = None
        with suppress(NoDataError):  # one that is new since then has nothing to be compared with
            before = _part(opened, store, against) if against else None
        rows.append(store_row(now, params=params, before=before))
    if not rows:
        raise NoDataError(silent[0][1] if silent else "no store was ever heard")
    return chain_of(rows, since=days[0], until=days[1], silent=silent, against=against)


def load_change(
    opened: Store,
    *,
    store: str,
    zone: str,
    on: date,
    until: date | None = None,
    params: PlanogramParams,
) -> Planogram:
    """Work out what a change of a place's goods did, beside the places of all stores.

    Args:
        opened: the database.
        store: the changed place's.
        zone: its id.
        on: the first day after the change.
        until: the last day to look at; as long after the change as is looked at all, without.
        params: what is compared and when an effect is told.

    Raises:
        NoDataError: nothing is stored for it, or there is no such place.
    """
    from hub.reports import planogram  # noqa: PLC0415 - scipy is not always needed

    days = on - timedelta(days=params.before), until or on + timedelta(days=params.longest - 1)

    def loaded(name: str) -> PeriodData:
        return load_period(
            opened, store=name, since=days[0], until=days[1], channels=planogram.CHANNELS
        )

    def others() -> Iterator[PeriodData]:
        for name in opened.stores():
            with suppress(NoDataError):  # one that was not there in those days is no control
                if name != store:
                    yield loaded(name)

    return planogram.planogram_of(loaded(store), others=others(), zone=zone, on=on, params=params)


def load_segments(
    opened: Store,
    *,
    stores: Sequence[str],
    days: tuple[date, date],
    context: Path | None,
    now: datetime,
    params: ShareParams,
) -> Segments | None:
    """Work out the segments that live or are proposed; None where there are none.

    Args:
        opened: the database.
        stores: of these.
        days: first and last day.
        context: ``context.toml``, if rules are to know what is in it.
        now: for how long segments still live.
        params: when a share is shown.

    Raises:
        ConfigError: the context cannot be read.
    """
    tables = SegmentTables(opened)
    newest = {row.segment: row for row in tables.segments()}
    rows = [row for row in newest.values() if row.state in {"proposed", "active", "drifting"}]
    if not rows:
        return None
    from hub.reports.segments import segments_of  # noqa: PLC0415 - CEL is not always needed
    from hub.segments.chain import load  # noqa: PLC0415 - the same
    from hub.segments.context import Surroundings  # noqa: PLC0415 - the same

    surroundings = Surroundings({})
    if context is not None:
        from hub.segments.context_io import read_surroundings  # noqa: PLC0415 - loads HTTP

        surroundings = read_surroundings(context)
    chain = load(
        opened,
        surroundings=surroundings,
        stores=stores,
        since=days[0],
        until=days[1] + timedelta(days=1),
    )
    events = {row.segment: tables.events(row.segment) for row in rows}
    return segments_of(rows, events=events, chain=chain, days=days, now=now, params=params)


def _part(opened: Store, store: str, days: tuple[date, date]) -> PeriodData:
    return load_period(
        opened, store=store, since=days[0], until=days[1], channels=CHANNELS, lately=0
    )


def _why_no_meta(opened: Store, *, store: str) -> str:
    agents = opened.agents_of(store)
    if agents:
        return (
            f"store {store!r}: agent {', '.join(agents)} was heard, but no meta that says what it "
            "is has arrived: is it running? See also `aisle-hub rejects list`"
        )
    known = ", ".join(opened.stores()) or "none"
    return f"store {store!r}: no agent of it was ever heard; known: {known}"
