from __future__ import annotations

import math
import random
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from hub.errors import NoDataError, StoreError
from hub.ingest.judging import Arrival, Decision, Ingest, Rejected, Stored, read_arrival
from hub.store_io.store import Keeping, Mark, Store
from wire.messages import AXES, OUTCOMES, Axis, ChannelName, Health, Meta, Release, Status

NOW = datetime(2026, 3, 8, 1, tzinfo=UTC)
TOPIC = "aisle/v1/berlin-1/north/release"


def take(store: Store, *arrivals: Arrival) -> list[Mark]:
    """Do what the loop does with one batch."""
    read = [read_arrival(arrival) for arrival in arrivals]
    releases = [item for item in read if isinstance(item, Stored)]
    ingest = Ingest(
        known=store.known({item.key for item in releases}),
        zones=store.plan_zones({(r.key.store, r.key.agent, r.release.plan) for r in releases}),
    )
    decisions: list[Decision] = [d for item in read for d in ingest.feed(item)]
    return store.commit(decisions)


def day(store: Store) -> list[Release]:
    start = datetime(2026, 3, 7, tzinfo=UTC)
    rows = store.releases("berlin-1", since=start, until=start + timedelta(days=1))
    return [row.release for row in rows]


def test_a_release_comes_back_as_it_went_in(
    store: Store, a_day: Callable[..., list[Release]], arrive: Callable[..., Arrival]
) -> None:
    releases = a_day()
    take(store, *(arrive(release) for release in releases))
    assert sorted(day(store), key=lambda r: r.seq) == releases


@pytest.mark.parametrize("name", AXES)
def test_every_channel_comes_back_as_it_went_in(
    store: Store,
    cells: Callable[..., Release],
    arrive: Callable[..., Arrival],
    name: ChannelName,
) -> None:
    axes = tuple(
        Axis(axis, OUTCOMES if (name, axis) == ("zones", "outcome") else ("aisle-1", "aisle-2"))
        for axis in AXES[name]
    )
    counts = tuple(range(-1, math.prod(len(axis.labels) for axis in axes) - 1))
    release = msgspec.structs.replace(cells(1), channel=name, axes=axes, counts=counts)
    take(store, arrive(release))
    assert day(store) == [release]


def test_whatever_the_order_and_the_repeats_each_is_stored_once_and_the_mark_reaches_the_end(
    store: Store, cells: Callable[..., Release], arrive: Callable[..., Arrival]
) -> None:
    rng = random.Random(5)
    arrivals = [arrive(cells(seq)) for seq in range(1, 61)] * 5
    rng.shuffle(arrivals)
    before = 0
    while arrivals:
        batch = [arrivals.pop() for _ in range(min(len(arrivals), rng.randint(1, 20)))]
        (mark,) = take(store, *batch)
        assert mark.seq >= before
        before = mark.seq
    assert [release.seq for release in day(store)] == list(range(1, 61))
    assert before == 60
    (agent,) = store.agents(now=NOW)
    assert agent.repeats == 4 * 60
    assert agent.releases == 60
    assert agent.missing == 0


def test_a_gap_holds_the_mark_until_it_is_filled(
    store: Store, cells: Callable[..., Release], arrive: Callable[..., Arrival]
) -> None:
    assert take(store, arrive(cells(2)), arrive(cells(5)))[0].seq == 0
    assert store.agents(now=NOW)[0].missing == 3
    assert take(store, arrive(cells(1)))[0].seq == 2
    assert take(store, arrive(cells(3)))[0].seq == 3
    assert take(store, arrive(cells(4)))[0].seq == 5
    assert store.agents(now=NOW)[0].missing == 0


def test_a_reject_whose_seq_can_be_read_does_not_hold_the_mark(
    store: Store, cells: Callable[..., Release], arrive: Callable[..., Arrival]
) -> None:
    ruined = Arrival(TOPIC, b'{"id":"00000000deadbeef-2", ruined', NOW)
    (mark,) = take(store, arrive(cells(1)), ruined, arrive(cells(3)))
    assert mark.seq == 3
    (reject,) = store.rejects()
    assert reject.payload == ruined.payload
    assert reject.times == 1
    take(store, ruined)
    (reject,) = store.rejects()
    assert reject.times == 2


def test_a_clone_does_not_change_what_is_stored(
    store: Store, cells: Callable[..., Release], arrive: Callable[..., Arrival]
) -> None:
    take(store, arrive(cells(1)))
    take(store, arrive(cells(1, counts=(99,) * 9)))
    assert day(store) == [cells(1)]
    (reject,) = store.rejects()
    assert "clone" in reject.reason
    assert store.reject(reject.sha256[:8]) == reject


def test_streams_of_stores_agents_and_epochs_do_not_mix(
    store: Store, cells: Callable[..., Release], arrive: Callable[..., Arrival]
) -> None:
    marks = take(
        store,
        arrive(cells(1)),
        arrive(cells(1), agent="south"),
        arrive(cells(2), store="hamburg-1"),
    )
    assert {(m.store, m.agent): m.seq for m in marks} == {
        ("berlin-1", "north"): 1,
        ("berlin-1", "south"): 1,
        ("hamburg-1", "north"): 0,
    }
    assert {(m.store, m.agent): m.seq for m in store.marks()} == {
        (m.store, m.agent): m.seq for m in marks
    }
    assert len(day(store)) == 2


def test_a_full_disk_refuses_stores_nothing_of_the_batch_and_works_again_with_room(
    tmp_path: Path, cells: Callable[..., Release], arrive: Callable[..., Arrival]
) -> None:
    Store.create(tmp_path / "small.db", busy_ms=100).close()
    connection = sqlite3.connect(tmp_path / "small.db", isolation_level=None)
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count = {pages + 2}")
    store = Store(connection)
    batch = [arrive(cells(seq)) for seq in range(1, 200)]
    with pytest.raises(StoreError, match="full"):
        take(store, *batch)
    assert day(store) == []
    assert store.marks() == []
    connection.execute("PRAGMA max_page_count = 100000")
    assert take(store, *batch)[0].seq == 199
    store.close()


def test_a_lock_of_another_process_is_a_refusal_not_a_loss(
    store: Store, database: Path, cells: Callable[..., Release], arrive: Callable[..., Arrival]
) -> None:
    other = sqlite3.connect(database, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match="locked"):
        take(store, arrive(cells(1)))
    other.execute("ROLLBACK")
    other.close()
    assert take(store, arrive(cells(1)))[0].seq == 1


def test_something_that_is_no_database_is_named(tmp_path: Path) -> None:
    path = tmp_path / "hub.db"
    path.write_bytes(b"this is no database" * 100)
    with pytest.raises(StoreError, match=r"hub\.db"):
        Store.create(path, busy_ms=100)
    with pytest.raises(StoreError, match=r"hub\.db"):
        Store.open(path, busy_ms=100)


def test_reading_makes_no_database_and_takes_no_older_one(tmp_path: Path) -> None:
    path = tmp_path / "hub.db"
    with pytest.raises(NoDataError, match="aisle-hub run"):
        Store.open(path, busy_ms=100)
    assert not path.exists()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE t (x)")
    with pytest.raises(StoreError, match="older"):
        Store.open(path, busy_ms=100)


def test_status_health_and_coverage_are_the_newest_and_a_will_is_no_sighting(
    store: Store, arrive: Callable[..., Arrival], meta: Meta
) -> None:
    later = NOW + timedelta(minutes=5)
    health = Health(up_s=1, coverage=0.5, clock_synchronised=True, devices=())
    take(store, arrive(Status("online"), at=NOW), arrive(meta, at=NOW), arrive(health, at=NOW))
    take(store, arrive(Health(up_s=2, coverage=1.0, clock_synchronised=True, devices=())))
    take(store, arrive(Status("offline"), at=later))
    (agent,) = store.agents(now=later)
    assert agent.state == "offline"
    assert agent.last_seen_at == NOW
    assert agent.health is not None
    assert agent.day_coverage == pytest.approx(0.75)
    assert store.metas("berlin-1") == {"north": [meta]}


@pytest.fixture
def small(database: Path) -> Iterator[Store]:
    """A database that keeps 5 rejects of an agent, 2 of them with bytes."""
    with Store.create(database, busy_ms=200, keeping=Keeping(rejects=5, payloads=2)) as opened:
        yield opened


def _odd(number: int, *, agent: str = "north", after_s: int | None = None) -> Arrival:
    at = NOW + timedelta(seconds=number if after_s is None else after_s)
    return Arrival(f"aisle/v1/berlin-1/{agent}/release", b"odd %d" % number, at)


def test_an_agents_rejects_are_bounded_and_the_oldest_go_first(small: Store) -> None:
    take(small, _odd(0, agent="south"))
    take(small, *(_odd(number) for number in range(4)))
    for number in range(4, 8):
        take(small, _odd(number))
    rows = [row for row in small.rejects() if "north" in row.topic]
    assert [row.payload for row in rows] == [b"odd 7", b"odd 6", None, None, None]
    assert [row.last_at.second for row in rows] == [7, 6, 5, 4, 3]
    assert [row.payload for row in small.rejects() if "south" in row.topic] == [b"odd 0"]
    take(small, _odd(3, after_s=9))  # it comes again: the newest, with its bytes
    newest = small.rejects()[0]
    assert (newest.payload, newest.times) == (b"odd 3", 2)


def test_rejects_beyond_the_bound_do_not_hold_the_mark(
    small: Store, cells: Callable[..., Release], arrive: Callable[..., Arrival]
) -> None:
    def notice(seq: int) -> Arrival:
        return Arrival(TOPIC, b'{"id": "00000000deadbeef-%d"}' % seq, NOW + timedelta(seconds=seq))

    above_a_gap = [notice(seq) for seq in range(2, 12)]
    take(small, *above_a_gap)
    (mark,) = take(small, arrive(cells(1)))
    assert (mark.seq, mark.highest) == (1, 11)
    # the agent sends again what lies above the mark
    (mark,) = take(small, *above_a_gap)
    assert mark.seq == 11
    assert len(small.rejects()) == 5


def test_a_reject_of_an_unreadable_topic_is_kept_too(store: Store) -> None:
    take(store, Arrival("aisle/v1/NO/north/release", b"x", NOW))
    (reject,) = store.rejects()
    assert (reject.store, reject.topic) == ("", "aisle/v1/NO/north/release")
    assert isinstance(read_arrival(Arrival("aisle/v1/NO/north/release", b"x", NOW)), Rejected)
    assert store.agents(now=NOW) == []
