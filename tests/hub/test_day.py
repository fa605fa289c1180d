from __future__ import annotations

from collections.abc import Callable
from datetime import date

import msgspec
import pytest

from hub.day import load_period
from hub.errors import NoDataError
from hub.ingest.judging import Arrival, Ingest, read_arrival
from hub.patterns.shares import ShareParams
from hub.reports.page import render
from hub.reports.summary import summarise
from hub.reports.text import report_text
from hub.store_io.store import Store
from wire.messages import Meta, Release, Status

DAY = date(2026, 3, 7)
Arrive = Callable[..., Arrival]


def take(store: Store, *arrivals: Arrival) -> None:
    ingest = Ingest(known={}, zones={})
    store.commit([d for arrival in arrivals for d in ingest.feed(read_arrival(arrival))])


def test_an_agent_without_meta_is_counted_and_named(
    store: Store, arrive: Arrive, meta: Meta, a_day: Callable[..., list[Release]]
) -> None:
    take(store, arrive(meta), *(arrive(one) for one in a_day(visits=2400)))
    alone = summarise(
        load_period(store, store="berlin-1", since=DAY, until=DAY), params=ShareParams()
    )
    take(store, *(arrive(one, agent="south") for one in a_day(visits=2400, seed=2)))
    data = load_period(store, store="berlin-1", since=DAY, until=DAY)
    both = summarise(data, params=ShareParams())
    assert (alone.without_meta, both.without_meta) == ((), ("south",))
    assert both.visits.value == pytest.approx(2 * alone.visits.value, rel=0.1)
    assert both.coverage == pytest.approx(alone.coverage)
    assert "Agent south has not said yet" in report_text(both)
    assert "Agent south has not said yet" in render(both, data=data)
    take(store, arrive(meta, agent="south"))
    assert load_period(store, store="berlin-1", since=DAY, until=DAY).without_meta == ()


def test_a_store_without_any_meta_names_its_agents(
    store: Store, arrive: Arrive, cells: Callable[..., Release]
) -> None:
    take(store, arrive(cells(1)), arrive(Status("online"), agent="south"))
    with pytest.raises(NoDataError, match="agent north, south was heard, but no meta"):
        load_period(store, store="berlin-1", since=DAY, until=DAY)
    with pytest.raises(NoDataError, match=r"no agent of it was ever heard; known: berlin-1"):
        load_period(store, store="hamburg-1", since=DAY, until=DAY)


@pytest.mark.parametrize("name", ["Europe", "", "/etc/passwd", "Mars/Olympus", "x" * 5_000])
def test_a_time_zone_nobody_knows_is_named(
    name: str, store: Store, arrive: Arrive, meta: Meta
) -> None:
    take(store, arrive(msgspec.structs.replace(meta, timezone=name)))
    with pytest.raises(NoDataError, match="time zone"):
        load_period(store, store="berlin-1", since=DAY, until=DAY)
