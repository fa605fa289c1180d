"""The tables, as numbered steps that can be done and undone.

``store`` is first in every key of what belongs to a store. Instants are UTC text of one length, so
that they sort; a release's counts are one JSON vector. Statements are of the subset that PostgreSQL
runs too (a test runs them there), its type names included; SQLite reads them by its affinities.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from hub.errors import StoreError
from hub.store_io.connection import spelt, transaction

if TYPE_CHECKING:  # it takes a fifth of a short command to load
    from sqlite_utils import Database

SQL_STEPS = """
CREATE TABLE schema_steps (number BIGINT PRIMARY KEY, name TEXT NOT NULL, applied_at TEXT NOT NULL)
"""
SQL_APPLIED = "INSERT INTO schema_steps (number, name, applied_at) VALUES (?, ?, ?)"


@dataclass(frozen=True, slots=True)
class Step:
    """One change of the tables.

    Attributes:
        number: from 1, without gaps; a step is never changed once it was published.
        down: undoes ``up``; what the tables in ``loses`` hold is lost with it.
    """

    number: int
    name: str
    up: tuple[str, ...]
    down: tuple[str, ...]
    loses: tuple[str, ...] = ()


_FIRST = (
    """
    CREATE TABLE releases (
        store TEXT NOT NULL, agent TEXT NOT NULL, epoch TEXT NOT NULL, seq BIGINT NOT NULL,
        channel TEXT, window_start TEXT, window_end TEXT, plan TEXT, codebook TEXT,
        axes TEXT, counts TEXT, sd DOUBLE PRECISION, rho DOUBLE PRECISION,
        standard_privacy BIGINT, coverage DOUBLE PRECISION, sha256 TEXT, made_at TEXT,
        received_at TEXT, PRIMARY KEY (store, agent, epoch, seq))
    """,
    """
    CREATE INDEX idx_releases_store_channel_window_start
        ON releases (store, channel, window_start)
    """,
    """
    CREATE TABLE rejects (
        store TEXT NOT NULL, agent TEXT, topic TEXT NOT NULL, sha256 TEXT NOT NULL, reason TEXT,
        payload BYTEA, epoch TEXT, seq BIGINT, first_at TEXT, last_at TEXT, times BIGINT,
        PRIMARY KEY (store, topic, sha256))
    """,
    "CREATE INDEX idx_rejects_store_agent_epoch_seq ON rejects (store, agent, epoch, seq)",
    """
    CREATE TABLE marks (
        store TEXT NOT NULL, agent TEXT NOT NULL, epoch TEXT NOT NULL, seq BIGINT, highest BIGINT,
        at TEXT, PRIMARY KEY (store, agent, epoch))
    """,
    """
    CREATE TABLE agents (
        store TEXT NOT NULL, agent TEXT NOT NULL, state TEXT DEFAULT 'unknown', state_at TEXT,
        last_seen_at TEXT, last_release_at TEXT, repeats BIGINT DEFAULT 0,
        PRIMARY KEY (store, agent))
    """,
    """
    CREATE TABLE metas (
        store TEXT NOT NULL, agent TEXT NOT NULL, plan TEXT NOT NULL, codebook TEXT NOT NULL,
        topic TEXT, payload BYTEA, at TEXT, PRIMARY KEY (store, agent, plan, codebook))
    """,
    """
    CREATE TABLE health (
        store TEXT NOT NULL, agent TEXT NOT NULL, topic TEXT, payload BYTEA, at TEXT,
        PRIMARY KEY (store, agent))
    """,
    """
    CREATE TABLE coverage_hours (
        store TEXT NOT NULL, agent TEXT NOT NULL, hour TEXT NOT NULL,
        coverage_sum DOUBLE PRECISION, reports BIGINT, PRIMARY KEY (store, agent, hour))
    """,
    "CREATE TABLE links (name TEXT PRIMARY KEY, state TEXT, detail TEXT, since TEXT)",
)
_FIRST_TABLES = (
    "releases",
    "rejects",
    "marks",
    "agents",
    "metas",
    "health",
    "coverage_hours",
    "links",
)
_SEGMENTS = (
    # a segment's rule holds for every store: its id is the chain's
    """
    CREATE TABLE segments (
        segment TEXT NOT NULL, version BIGINT NOT NULL, rule TEXT NOT NULL, state TEXT NOT NULL,
        created_at TEXT NOT NULL, retired_at TEXT, PRIMARY KEY (segment, version))
    """,
    """
    CREATE TABLE segment_shares (
        store TEXT NOT NULL, segment TEXT NOT NULL, version BIGINT NOT NULL, day TEXT NOT NULL,
        share DOUBLE PRECISION, variance DOUBLE PRECISION, visits DOUBLE PRECISION,
        PRIMARY KEY (store, segment, version, day))
    """,
    # store is empty where it happened to the whole chain
    """
    CREATE TABLE segment_events (
        store TEXT NOT NULL, segment TEXT NOT NULL, version BIGINT NOT NULL, at TEXT NOT NULL,
        event TEXT NOT NULL, detail TEXT NOT NULL,
        PRIMARY KEY (store, segment, version, at, event))
    """,
)
_CONFIGS = (
    # a codebook's version is its name in every store
    "CREATE TABLE codebooks (version TEXT PRIMARY KEY, body TEXT NOT NULL, added_at TEXT NOT NULL)",
    # agent, or both, are empty where it is asked of all of them
    """
    CREATE TABLE configs (
        store TEXT NOT NULL, agent TEXT NOT NULL, codebook TEXT, max_rho DOUBLE PRECISION,
        set_at TEXT NOT NULL, PRIMARY KEY (store, agent))
    """,
)
STEPS = (
    Step(1, "first", _FIRST, tuple(f"DROP TABLE {t}" for t in _FIRST_TABLES), _FIRST_TABLES),
    Step(
        2,
        "segments",
        _SEGMENTS,
        ("DROP TABLE segment_events", "DROP TABLE segment_shares", "DROP TABLE segments"),
        ("segments", "segment_shares", "segment_events"),
    ),
    Step(
        3,
        "configs",
        _CONFIGS,
        ("DROP TABLE configs", "DROP TABLE codebooks"),
        ("configs", "codebooks"),
    ),
    Step(
        4,
        "by_time",  # reports ask for a store's period; purge and `stores` read this index alone
        (
            "CREATE INDEX idx_releases_by_time ON releases (store, window_start, channel)",
            "DROP INDEX idx_releases_store_channel_window_start",
        ),
        (_FIRST[1], "DROP INDEX idx_releases_by_time"),
    ),
)
"""A new step is added at the end; none is ever changed."""
NEWEST = STEPS[-1].number


def version(connection: sqlite3.Connection) -> int:
    """Give the number of the last step that was done; 0 for an empty file."""
    try:
        newest = connection.execute("SELECT MAX(number) FROM schema_steps").fetchone()[0]
    except sqlite3.OperationalError:
        if _there(connection, "schema_steps"):
            raise
        # the first hubs noted their only step elsewhere
        return int(_there(connection, "_sqlite_migrations") and _there(connection, "releases"))
    return int(newest or 0)


def migrate(connection: sqlite3.Connection, *, to: int = NEWEST) -> list[Step]:
    """Do or undo steps, each whole or not at all, until the tables are those of step ``to``.

    Returns:
        The steps in the order they were done or undone.

    Raises:
        StoreError: the tables are of a newer program, which alone can undo its steps.
    """
    if not 0 <= to <= NEWEST:
        raise ValueError(f"there is no step {to}")
    changed: list[Step] = []
    while (there := version(connection)) != to:
        if there > NEWEST:
            raise StoreError(newer(there))
        step = STEPS[there] if there < to else STEPS[there - 1]
        with transaction(connection):
            if version(connection) != there:  # another program was faster
                continue
            _note_first(connection, there)
            if there < to:
                _do(connection, step.up)
                at = spelt(datetime.now(tz=UTC))
                connection.execute(SQL_APPLIED, (step.number, step.name, at))
            else:
                _do(connection, step.down)
                connection.execute("DELETE FROM schema_steps WHERE number = ?", (step.number,))
        changed.append(step)
    return changed


def rows_lost(connection: sqlite3.Connection, *, to: int) -> dict[str, int]:
    """Say how many rows of which tables undoing down to step ``to`` would lose."""
    tables = [t for step in STEPS[to : version(connection)] for t in step.loses]
    database = tables_of(connection)
    counted = {table: int(database.table(table).count) for table in tables}
    return {table: rows for table, rows in counted.items() if rows}


def newer(there: int) -> str:
    """Say what mends tables that this program is too old for."""
    return (
        f"its tables are of step {there}, this program knows {NEWEST}: use the newer aisle-hub, "
        f"or undo with it first (`aisle-hub db migrate --to {NEWEST}`)"
    )


def tables_of(connection: sqlite3.Connection) -> Database:
    """Give what looks after the tables as a whole."""
    from sqlite_utils import Database  # noqa: PLC0415 - see TYPE_CHECKING

    return Database(connection)


def _there(connection: sqlite3.Connection, table: str) -> bool:
    return bool(tables_of(connection).table(table).exists())


def _note_first(connection: sqlite3.Connection, there: int) -> None:
    """Make the list of steps where there is none yet."""
    if _there(connection, "schema_steps"):
        return
    connection.execute(SQL_STEPS)
    if there:
        at = spelt(datetime.now(tz=UTC))
        connection.execute(SQL_APPLIED, (STEPS[0].number, STEPS[0].name, at))


def _do(connection: sqlite3.Connection, statements: Iterable[str]) -> None:
    for statement in statements:
        connection.execute(statement)
