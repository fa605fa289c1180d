from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from hub.errors import StoreError
from hub.store_io.schema import NEWEST, STEPS, migrate, rows_lost, version
from hub.store_io.store import Store

OF_THE_CHAIN = {"codebooks", "links", "schema_steps", "segments"}
"""What belongs to no store."""


@pytest.fixture
def empty() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        yield connection


def shape(connection: sqlite3.Connection) -> dict[str, str]:
    rows = connection.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL")
    return dict(rows.fetchall())


def keys(connection: sqlite3.Connection) -> dict[str, list[str]]:
    tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    found = {}
    for (table,) in tables:
        rows = connection.execute(f"PRAGMA table_info({table})").fetchall()
        found[table] = [row[1] for row in sorted(rows, key=lambda row: row[5]) if row[5]]
    return found


def test_steps_are_numbered_without_gaps() -> None:
    assert [step.number for step in STEPS] == list(range(1, NEWEST + 1))


def test_every_step_can_be_undone_and_done_again(empty: sqlite3.Connection) -> None:
    shapes = []
    for number in range(1, NEWEST + 1):
        assert [step.number for step in migrate(empty, to=number)] == [number]
        shapes.append(shape(empty))
    assert len({frozenset(one) for one in shapes}) > 1
    for number in range(NEWEST - 1, 0, -1):
        migrate(empty, to=number)
        assert shape(empty) == shapes[number - 1]
    migrate(empty, to=0)
    assert set(shape(empty)) == {"schema_steps"}
    migrate(empty)
    assert (shape(empty), version(empty)) == (shapes[-1], NEWEST)


def test_store_comes_first_in_every_key(empty: sqlite3.Connection) -> None:
    migrate(empty)
    found = keys(empty)
    assert len(found) >= 10
    assert {name for name, key in found.items() if key[0] != "store"} == OF_THE_CHAIN


def test_a_database_of_the_first_hubs_is_taken_over(empty: sqlite3.Connection) -> None:
    for statement in STEPS[0].up:
        empty.execute(statement)
    empty.execute("CREATE TABLE _sqlite_migrations (migration_set, name, applied_at)")
    empty.execute("INSERT INTO agents (store, agent) VALUES ('berlin-1', 'north')")
    assert version(empty) == 1
    assert [step.number for step in migrate(empty)] == list(range(2, NEWEST + 1))
    assert empty.execute("SELECT COUNT(*) FROM agents").fetchone() == (1,)
    assert version(empty) == NEWEST


def test_a_step_that_fails_leaves_nothing_half_done(empty: sqlite3.Connection) -> None:
    migrate(empty, to=1)
    before = shape(empty)
    empty.execute("CREATE TABLE segment_shares (x)")  # in the way of the second statement
    with pytest.raises(sqlite3.Error, match="segment_shares"):
        migrate(empty)
    empty.execute("DROP TABLE segment_shares")
    assert (shape(empty), version(empty)) == (before, 1)


def test_what_undoing_would_lose_is_told(empty: sqlite3.Connection) -> None:
    migrate(empty)
    assert rows_lost(empty, to=1) == {}
    empty.execute("INSERT INTO segments VALUES ('s', 1, '', 'active', '', NULL)")
    assert rows_lost(empty, to=1) == {"segments": 1}


def test_tables_of_a_newer_program_are_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "hub.db"
    with Store.create(path, busy_ms=100) as store:
        store.connection.execute(
            "INSERT INTO schema_steps VALUES (?, 'of the future', '')", (NEWEST + 1,)
        )
    for way in (Store.create, Store.open, Store.edit):
        with pytest.raises(StoreError, match="newer aisle-hub"):
            way(path, busy_ms=100)
