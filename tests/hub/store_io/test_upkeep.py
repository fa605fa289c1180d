from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hub.config import Retention
from hub.errors import NoDataError, StoreError
from hub.ingest.judging import Arrival, Ingest, read_arrival
from hub.store_io.schema import NEWEST, STEPS
from hub.store_io.store import Store
from hub.store_io.upkeep import backup, faults, purge, restore
from wire.messages import Meta, Release

AT = datetime(2026, 3, 8, 1, tzinfo=UTC)


def quiet(_done: int, _total: int) -> None:
    """Show no progress."""


def take(store: Store, *arrivals: Arrival) -> None:
    ingest = Ingest(known={}, zones={})
    store.commit([d for arrival in arrivals for d in ingest.feed(read_arrival(arrival))])


def seqs(store: Store) -> list[int]:
    rows = store.releases("berlin-1", since=AT - timedelta(days=9), until=AT)
    return sorted(row.release.seq for row in rows)


def put_back(source: Path, live: Path, *, keep: bool = False) -> object:
    return restore(source, live, busy_ms=200, keep=keep, at=AT, progress=quiet)


@pytest.fixture
def one(arrive: Callable[..., Arrival], cells: Callable[..., Release]) -> Callable[..., Arrival]:
    """Give a function (seq, agent=) that makes the arrival of a release."""
    return lambda seq, **place: arrive(cells(seq), **place)


def test_a_backup_holds_its_instant_while_others_write(
    store: Store, database: Path, tmp_path: Path, one: Callable[..., Arrival]
) -> None:
    take(store, *(one(seq) for seq in range(1, 400)))
    target = tmp_path / "backup.db"
    steps: list[int] = []
    with Store.edit(database, busy_ms=200) as writer, Store.open(database, busy_ms=200) as reader:

        def progress(done: int, _total: int) -> None:
            steps.append(done)
            take(writer, one(1000 + len(steps)))

        made = backup(reader, target, progress=progress)
    assert steps
    assert steps == sorted(steps)  # it never began anew
    assert (made.releases, made.step) == (399, NEWEST)
    assert sorted(path.name for path in tmp_path.iterdir() if "backup" in path.name) == [
        "backup.db"
    ]
    with closing(sqlite3.connect(f"file:{target}?mode=ro", uri=True)) as copy:
        assert copy.execute("PRAGMA journal_mode").fetchone() == ("delete",)
        assert copy.execute("SELECT MAX(seq) FROM releases").fetchone() == (399,)
    assert len(seqs(store)) == 399 + len(steps)


def test_a_backup_takes_the_place_of_nothing(store: Store, tmp_path: Path) -> None:
    (tmp_path / "there").write_text("dear")
    with pytest.raises(StoreError, match="there already"):
        backup(store, tmp_path / "there", progress=quiet)
    assert (tmp_path / "there").read_text() == "dear"
    with pytest.raises(StoreError, match="nowhere"):
        backup(store, tmp_path / "nowhere" / "x.db", progress=quiet)


def test_a_restore_under_an_open_hub_takes_marks_back_so_that_agents_send_again(
    store: Store, database: Path, tmp_path: Path, one: Callable[..., Arrival]
) -> None:
    take(store, *(one(seq) for seq in range(1, 6)))
    backup(store, tmp_path / "b.db", progress=quiet)
    take(store, *(one(seq) for seq in range(6, 9)), one(1, agent="south"))
    done = restore(tmp_path / "b.db", database, busy_ms=200, keep=True, at=AT, progress=quiet)
    # the hub's own connection, open all the time, sees it
    assert seqs(store) == [1, 2, 3, 4, 5]
    assert {mark.agent: mark.seq for mark in store.marks()} == {"north": 5, "south": 0}
    assert store.link("restored") is not None
    with Store.open(Path(done.kept), busy_ms=200) as before:
        assert len(seqs(before)) == 9
    take(store, *(one(seq) for seq in range(6, 9)), one(1, agent="south"))
    assert {mark.agent: mark.seq for mark in store.marks()} == {"north": 8, "south": 1}
    assert faults(store, progress=lambda: None) == []


def test_a_restore_makes_the_database_on_a_new_machine_and_brings_it_up_to_date(
    store: Store, tmp_path: Path, one: Callable[..., Arrival]
) -> None:
    take(store, one(1))
    old = tmp_path / "old.db"
    backup(store, old, progress=quiet)
    with closing(sqlite3.connect(old, isolation_level=None)) as connection:
        for step in reversed(STEPS[1:]):
            for statement in step.down:
                connection.execute(statement)
            connection.execute("DELETE FROM schema_steps WHERE number = ?", (step.number,))
    put_back(old, tmp_path / "new.db", keep=True)
    with Store.open(tmp_path / "new.db", busy_ms=200) as opened:
        assert seqs(opened) == [1]


def test_what_is_no_sound_backup_changes_nothing(
    store: Store, database: Path, tmp_path: Path, one: Callable[..., Arrival]
) -> None:
    take(store, *(one(seq) for seq in range(1, 300)))
    with pytest.raises(NoDataError, match="db backup"):
        put_back(tmp_path / "none.db", database)
    with pytest.raises(StoreError, match="itself"):
        put_back(database, database)
    with closing(sqlite3.connect(tmp_path / "other.db")) as other:
        other.execute("CREATE TABLE t (x)")
    with pytest.raises(StoreError, match="no backup of a hub"):
        put_back(tmp_path / "other.db", database)
    torn = tmp_path / "torn.db"
    backup(store, torn, progress=quiet)
    body = bytearray(torn.read_bytes())
    body[8192:60_000] = b"\xff" * (60_000 - 8192)
    torn.write_bytes(body)
    with pytest.raises(StoreError, match=r"torn\.db"):
        put_back(torn, database)
    assert len(seqs(store)) == 299


def test_purge_forgets_by_channel_and_age_and_counts_first(
    store: Store,
    arrive: Callable[..., Arrival],
    a_day: Callable[..., list[Release]],
    meta: Meta,
) -> None:
    take(store, arrive(meta), *(arrive(release) for release in a_day()))
    take(store, Arrival("aisle/v1/berlin-1/north/release", b"odd", AT))
    policy = Retention(releases_days=50, channels={"zones": 20}, rejects_days=20)
    later = AT + timedelta(days=30)
    counted = purge(store, policy, now=later, dry_run=True, progress=quiet)
    assert counted == {"releases zones": 1, "rejects": 1}
    assert len(seqs(store)) == 11
    told: list[tuple[int, int]] = []
    assert counted == purge(
        store, policy, now=later, dry_run=False, progress=lambda *n: told.append(n)
    )
    assert told[-1] == (2, 2)
    assert len(seqs(store)) == 10
    assert purge(store, policy, now=later, dry_run=False, progress=quiet) == {}
    much_later = AT + timedelta(days=60)
    purge(store, policy, now=much_later, dry_run=False, progress=quiet)
    assert seqs(store) == []
    # what is of the agents' present stays: which seqs were handled, and what they are
    assert store.marks()[0].seq == 11
    assert store.metas("berlin-1")


def test_zero_days_keep_for_ever(
    store: Store, arrive: Callable[..., Arrival], a_day: Callable[..., list[Release]]
) -> None:
    take(store, *(arrive(release) for release in a_day()))
    policy = Retention(releases_days=0, channels={"zones": 20}, rejects_days=0)
    later = AT + timedelta(days=9000)
    assert purge(store, policy, now=later, dry_run=False, progress=quiet) == {"releases zones": 1}


def test_a_damaged_file_is_told(store: Store, database: Path, one: Callable[..., Arrival]) -> None:
    take(store, *(one(seq) for seq in range(1, 300)))
    assert faults(store, progress=lambda: None) == []
    store.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    body = bytearray(database.read_bytes())
    body[-4096:] = b"\x00" * 4096
    database.write_bytes(body)
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        assert faults(Store(connection), progress=lambda: None)


def test_an_interrupt_leaves_no_half_of_a_copy(
    store: Store, database: Path, tmp_path: Path, one: Callable[..., Arrival]
) -> None:
    take(store, one(1))
    rows = [("x", str(number), b"\x00" * 20_000) for number in range(1_200)]
    store.connection.executemany(
        "INSERT INTO rejects (store, topic, sha256, payload) VALUES (?, 't', ?, ?)", rows
    )
    whole = tmp_path / "whole.db"
    backup(store, whole, progress=quiet)
    take(store, one(2))

    def stop(done: int, total: int) -> None:
        if 0 < done < total:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        backup(store, tmp_path / "half.db", progress=stop)
    assert not list(tmp_path.glob("half*"))
    with pytest.raises(KeyboardInterrupt):
        restore(whole, database, busy_ms=200, keep=False, at=AT, progress=stop)
    assert seqs(store) == [1, 2]
    assert faults(store, progress=lambda: None) == []
    take(store, one(3))
    put_back(whole, database)
    assert seqs(store) == [1]
