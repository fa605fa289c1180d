from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from hub.errors import NoDataError, StoreError
from hub.store_io.segments import SegmentEvent, SegmentRow, SegmentShare, SegmentTables
from hub.store_io.store import Store

AT = datetime(2026, 3, 8, 1, tzinfo=UTC)
FIRST = SegmentRow("weekend", 1, 'rule = "true"', "proposed", AT)


@pytest.fixture
def tables(store: Store) -> SegmentTables:
    return SegmentTables(store)


def share(
    day: int, *, store: str = "berlin-1", version: int = 1, value: float = 0.2
) -> SegmentShare:
    return SegmentShare(store, "weekend", version, date(2026, 3, day), value, 0.01, 800.0)


def test_an_edit_makes_a_version_and_loses_nothing(tables: SegmentTables) -> None:
    second = SegmentRow("weekend", 2, 'rule = "false"', "proposed", AT + timedelta(days=1))
    made = SegmentEvent("", "weekend", 1, AT, "proposed", "by an operator")
    tables.add(FIRST, event=made)
    tables.add(second)
    with pytest.raises(StoreError, match="version 2 already"):
        tables.add(second)
    assert tables.versions("weekend") == [FIRST, second]
    assert tables.versions("nothing") == []
    assert tables.events("weekend") == [made]


def test_a_state_changes_together_with_its_event(tables: SegmentTables) -> None:
    tables.add(FIRST)
    ended = SegmentEvent("", "weekend", 1, AT, "dissolved")
    tables.set_state("weekend", version=1, state="dissolved", retired_at=AT, event=ended)
    assert tables.segments(state="proposed") == []
    (row,) = tables.segments(state="dissolved")
    assert row.retired_at == AT
    with pytest.raises(NoDataError, match="no version 7"):
        tables.set_state("weekend", version=7, state="active", event=ended)
    assert tables.events() == [ended]


def test_shares_are_written_over_and_given_by_store_and_day(tables: SegmentTables) -> None:
    tables.write_shares([share(7), share(8), share(7, store="aachen-1"), share(7, version=2)])
    tables.write_shares(
        [share(8, value=0.5), SegmentShare("b", "weekend", 1, AT.date(), None, None, 3)]
    )
    got = tables.shares("weekend", version=1, store="berlin-1")
    assert got == [share(7), share(8, value=0.5)]
    assert [one.store for one in tables.shares("weekend", version=1, until=date(2026, 3, 8))] == [
        "aachen-1",
        "berlin-1",
    ]
    assert tables.shares("weekend", version=1, store="b")[0].share is None


def test_events_of_the_chain_and_of_a_store_are_told_apart(tables: SegmentTables) -> None:
    tables.add(FIRST)
    events = [SegmentEvent(store, "weekend", 1, AT, "drifting") for store in ("", "berlin-1")]
    for event in (*events, *events):  # the same at the same instant is noted once
        tables.set_state("weekend", version=1, state="drifting", event=event)
    assert tables.events(store="") == events[:1]
    assert tables.events() == events


def test_a_reader_cannot_write(store: Store, database: Path) -> None:
    del store
    with Store.open(database, busy_ms=100) as reader, pytest.raises(StoreError, match="readonly"):
        SegmentTables(reader).add(FIRST)
    with Store.edit(database, busy_ms=100) as writer:
        SegmentTables(writer).add(FIRST)
