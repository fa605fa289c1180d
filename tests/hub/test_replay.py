from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import msgspec

from hub.ingest.judging import Arrival, Ingest, read_arrival, refuse_unread
from hub.replay import Replayed, replay
from hub.store_io.store import Keeping, Store
from wire.messages import Health, Meta, Release

AT = datetime(2026, 3, 8, 1, tzinfo=UTC)


def refuse(store: Store, *arrivals: Arrival) -> None:
    """Do what an older hub does that does not know such messages yet."""
    store.commit([refuse_unread(arrival, reason="unknown channel") for arrival in arrivals])


def take(store: Store, *arrivals: Arrival) -> None:
    ingest = Ingest(known={}, zones={})
    store.commit([d for arrival in arrivals for d in ingest.feed(read_arrival(arrival))])


def again(store: Store, *, dry_run: bool = False) -> list[Replayed]:
    return list(replay(store, store.rejects(), dry_run=dry_run))


def verdicts(found: list[Replayed]) -> list[str]:
    return [one.verdict for one in found]


def stored(store: Store) -> list[int]:
    rows = store.releases("berlin-1", since=AT - timedelta(days=9), until=AT)
    return sorted(row.release.seq for row in rows)


def test_what_is_understood_now_is_stored_and_no_reject_any_more(
    store: Store, arrive: Callable[..., Arrival], a_day: Callable[..., list[Release]], meta: Meta
) -> None:
    arrivals = [arrive(release) for release in a_day()]
    take(store, *arrivals[:4])
    refuse(store, arrive(meta), *arrivals[4:])
    before = store.marks()
    assert before[0].seq == 11
    assert verdicts(again(store, dry_run=True)) == ["stored"] * 8
    assert len(store.rejects()) == 8
    assert verdicts(again(store)) == ["stored"] * 8
    assert stored(store) == list(range(1, 12))
    assert store.metas("berlin-1") == {"north": [meta]}
    assert (store.rejects(), store.marks()) == ([], before)
    assert again(store) == []


def test_what_is_still_no_message_stays_and_says_why(
    store: Store, cells: Callable[..., Release], arrive: Callable[..., Arrival]
) -> None:
    take(store, arrive(cells(1)))
    refuse(
        store,
        arrive(cells(1, counts=(9,) * 9)),
        Arrival("aisle/v1/berlin-1/north/release", b"odd", AT),
        Arrival("somewhere/else", b"odd", AT),
    )
    found = again(store)
    assert verdicts(found) == ["refused"] * 3
    assert any("clone" in one.reason for one in found)
    assert len(store.rejects()) == 3
    assert stored(store) == [1]


def test_what_was_stored_meanwhile_or_is_of_no_use_now_is_let_go(
    store: Store, cells: Callable[..., Release], arrive: Callable[..., Arrival]
) -> None:
    refuse(store, arrive(cells(1)))
    take(store, arrive(cells(1)))
    health = Health(up_s=1, coverage=0.1, clock_synchronised=True, devices=())
    refuse(store, arrive(health))
    assert sorted(verdicts(again(store))) == ["out of date", "stored already"]
    assert store.rejects() == []
    assert store.agents(now=AT)[0].health is None


def test_bytes_that_are_no_longer_kept_are_told(
    store: Store, cells: Callable[..., Release], arrive: Callable[..., Arrival]
) -> None:
    forgetful = Store(store.connection, keeping=Keeping(payloads=0))
    refuse(forgetful, arrive(cells(1)))
    assert verdicts(again(forgetful)) == ["bytes gone"]
    assert len(store.rejects()) == 1


def test_an_old_description_does_not_replace_a_newer_one(
    store: Store, arrive: Callable[..., Arrival], meta: Meta
) -> None:
    newer = msgspec.structs.replace(meta, version="9.9.9")
    refuse(store, arrive(meta, at=AT - timedelta(days=200)))  # its envelope: 2026-03-07
    take(store, arrive(newer))
    assert verdicts(again(store)) == ["stored"]
    assert store.metas("berlin-1")["north"][0].version == "9.9.9"
