"""Care of the file: backup, restore and purge beside a running hub, and whether it is sound."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hub.config import Retention
from hub.errors import ConfigError, NoDataError, StoreError
from hub.store_io.connection import connected, refusals, spelt, there, transaction
from hub.store_io.schema import NEWEST, Step, migrate, newer, rows_lost, version
from hub.store_io.store import Link, Store

Progress = Callable[[int, int], None]
"""Takes how much of how much is done."""
PAGES = 2_048
"""Copied between two words of progress: 8 MB."""
ROWS = 2_000
"""Forgotten in one transaction, so that ingest waits for tens of milliseconds only."""
CHECK_STEPS = 200_000
"""SQLite's virtual-machine steps between two signs of life of a check."""
SQL_STREAMS = "SELECT store, agent, epoch, at FROM marks"
SQL_MARK_AGAIN = """
INSERT INTO marks (store, agent, epoch, seq, highest, at) VALUES (?, ?, ?, 0, 0, ?)
ON CONFLICT (store, agent, epoch) DO NOTHING"""
SQL_OLD_RELEASES = "store = ? AND channel = ? AND window_start < ?"
SQL_OLD_METAS = """
at < ? AND at < (SELECT MAX(newest.at) FROM metas AS newest
    WHERE newest.store = metas.store AND newest.agent = metas.agent)
AND NOT EXISTS (SELECT 1 FROM releases WHERE releases.store = metas.store
    AND releases.agent = metas.agent
    AND (releases.plan = metas.plan OR releases.codebook = metas.codebook))"""
SQL_OLD_MARKS = """
at < ? AND at < (SELECT MAX(newest.at) FROM marks AS newest
    WHERE newest.store = marks.store AND newest.agent = marks.agent)
AND NOT EXISTS (SELECT 1 FROM releases WHERE releases.store = marks.store
    AND releases.agent = marks.agent AND releases.epoch = marks.epoch)"""


@dataclass(frozen=True, slots=True)
class Backup:
    """What was copied.

    Attributes:
        step: of the tables.
        releases: how many it holds.
    """

    path: str
    bytes: int
    step: int
    releases: int


@dataclass(frozen=True, slots=True)
class Restored:
    """What a restore did.

    Attributes:
        kept: where what was there before is now; empty if nothing was, or it was not wanted.
        agents_to_resend: agents whose releases from after the backup are asked for again.
    """

    backup: Backup
    kept: str
    agents_to_resend: int


def bring_to(path: Path, *, step: int, lose: bool, busy_ms: int) -> list[Step]:
    """Do or undo steps of a database's tables.

    Args:
        path: of the database.
        step: the number to come to, from 1.
        lose: undo even where rows are lost.
        busy_ms: how long to wait for another process's lock.

    Raises:
        NoDataError: no database there.
        ConfigError: there is no such step.
        StoreError: rows would be lost, or the database refuses; steps are whole or not done.
    """
    there(path)
    if not 1 <= step <= NEWEST:
        raise ConfigError(f"there is no step {step}: 1 to {NEWEST}")
    with connected(path, busy_ms=busy_ms) as connection, closing(connection):
        if version(connection) > NEWEST:
            raise StoreError(f"{path}: {newer(version(connection))}")
        lost = rows_lost(connection, to=step)
        if lost and not lose:
            told = ", ".join(f"{rows} of {table}" for table, rows in lost.items())
            raise StoreError(
                f"{path}: undone to step {step}, rows would be lost: {told}; make a backup "
                "(`aisle-hub db backup FILE`), then say --lose"
            )
        return migrate(connection, to=step)


def backup(store: Store, target: Path, *, progress: Progress) -> Backup:
    """Copy the database as it is at this instant into one file, while others write.

    The file appears whole or not at all.

    Args:
        store: open database.
        target: does not exist yet.
        progress: takes pages.

    Raises:
        StoreError: the target is there already, or either file refuses.
    """
    if target.exists():
        raise StoreError(f"{target}: it is there already; name another file")
    part = target.with_name(f"{target.name}.part")
    try:
        with refusals(part), closing(sqlite3.connect(part, isolation_level=None)) as copy:
            with _snapshot(store.connection):
                store.connection.backup(copy, pages=PAGES, progress=_told(progress))
            copy.execute("PRAGMA journal_mode = DELETE")  # one file, readable from anywhere
            made = _described(copy, target, size=part.stat().st_size)
        _sync(part)
        part.rename(target)
    except OSError as error:
        raise StoreError(f"{target}: {error.strerror}; name a file in a folder of yours") from error
    finally:
        part.unlink(missing_ok=True)
    return made


def restore(
    source: Path, live: Path, *, busy_ms: int, keep: bool, at: datetime, progress: Progress
) -> Restored:
    """Put a backup in the database's place, while a hub runs or not, in one transaction.

    Marks go back with it, and for streams the backup does not know they go to zero: the running hub
    tells agents, and they send again what is newer (of 7 days).

    Args:
        source: made by ``backup``.
        live: the database; made if it is not there.
        busy_ms: how long to wait for another process's lock.
        keep: whether to copy what is there now beside it first.
        at: now.
        progress: takes pages.

    Raises:
        NoDataError: no such backup.
        StoreError: the backup is damaged, no hub's, or of a newer program; the database is as
            before.
    """
    if live.exists() and source.is_file() and source.samefile(live):
        raise StoreError(f"{source}: this is the database itself; name a backup of it")
    with _sound(source, progress=progress) as opened:
        made = _described(opened, source, size=source.stat().st_size)
        with _reopened(live, busy_ms=busy_ms) as there:
            kept = _aside(there, at=at, progress=progress) if keep and _used(there) else ""
            with refusals(live):
                streams = there.connection.execute(SQL_STREAMS).fetchall()
                opened.backup(there.connection, pages=PAGES, progress=_told(progress))
                migrate(there.connection)
                with transaction(there.connection):
                    there.connection.executemany(SQL_MARK_AGAIN, streams)
            there.write_link(Link("restored", str(source), at), name="restored")
            agents = len(there.marks())
    return Restored(made, kept, agents)


def purge(
    store: Store, retention: Retention, *, now: datetime, dry_run: bool, progress: Progress
) -> dict[str, int]:
    """Forget what is older than the policy allows, a little at a time, beside a running hub.

    Args:
        store: the database, from ``Store.edit`` unless ``dry_run``.
        retention: the policy.
        now: aware.
        dry_run: only count.
        progress: takes rows.

    Returns:
        Rows forgotten, or that would be, by table; releases by ``releases CHANNEL``.

    Raises:
        StoreError: the database refuses; what was forgotten before stays so.
    """
    jobs = list(_jobs(store, retention, now=now))
    with refusals():
        counts = [
            _count(store.connection, table, where, values) for _, table, where, values in jobs
        ]
    found: dict[str, int] = {}
    for (what, *_), rows in zip(jobs, counts, strict=True):
        found[what] = found.get(what, 0) + rows
    if dry_run:
        return {what: rows for what, rows in found.items() if rows}
    gone = 0
    forgotten: dict[str, int] = {}
    for what, table, where, values in jobs:
        for rows in _forget(store.connection, table, where, values):
            gone += rows
            forgotten[what] = forgotten.get(what, 0) + rows
            progress(min(gone, sum(counts)), sum(counts))
    return {what: rows for what, rows in forgotten.items() if rows}


def faults(store: Store, *, progress: Callable[[], None]) -> list[str]:
    """Say what is wrong with the file's pages and indexes; nothing if it is sound.

    Raises:
        StoreError: it cannot even be read.
    """
    with refusals():
        return _faults(store.connection, progress=progress)


def _jobs(
    store: Store, retention: Retention, *, now: datetime
) -> Iterator[tuple[str, str, str, tuple[str, ...]]]:
    """Give what to forget: a name for people, table, condition, its values."""
    for holding in store.holdings():
        days = retention.days_of(holding.channel)
        if days:
            before = spelt(now - timedelta(days=days))
            yield (
                f"releases {holding.channel}",
                "releases",
                SQL_OLD_RELEASES,
                (holding.store, holding.channel, before),
            )
    kept = (retention.releases_days, *retention.channels.values())
    if all(kept):
        before = spelt(now - timedelta(days=max(kept)))
        yield ("hours of coverage", "coverage_hours", "hour < ?", (before,))
        yield ("descriptions of agents", "metas", SQL_OLD_METAS, (before,))
        yield ("marks of old outboxes", "marks", SQL_OLD_MARKS, (before,))
    if retention.rejects_days:
        before = spelt(now - timedelta(days=retention.rejects_days))
        yield ("rejects", "rejects", "last_at < ?", (before,))


KEYS = {
    "releases": "store, agent, epoch, seq",
    "coverage_hours": "store, agent, hour",
    "metas": "store, agent, plan, codebook",
    "marks": "store, agent, epoch",
    "rejects": "store, topic, sha256",
}
"""By which rows of a table are named."""


def _count(connection: sqlite3.Connection, table: str, where: str, values: tuple[str, ...]) -> int:
    sql = f"SELECT COUNT(*) FROM {table} WHERE {where}"  # noqa: S608 - our own names
    return int(connection.execute(sql, values).fetchone()[0])


def _forget(
    connection: sqlite3.Connection, table: str, where: str, values: tuple[str, ...]
) -> Iterator[int]:
    sql = (
        f"DELETE FROM {table} WHERE ({KEYS[table]}) IN"  # noqa: S608 - our own names
        f" (SELECT {KEYS[table]} FROM {table} WHERE {where} LIMIT {ROWS})"
    )
    while True:
        with refusals(), transaction(connection):
            gone = connection.execute(sql, values).rowcount
        yield gone
        if gone < ROWS:
            return


@contextmanager
def _snapshot(connection: sqlite3.Connection) -> Iterator[None]:
    """Hold what is there now, or a copy would begin anew with every commit of another process."""
    connection.execute("BEGIN")
    try:
        connection.execute("SELECT COUNT(*) FROM links").fetchone()
        yield
    finally:
        connection.execute("ROLLBACK")


@contextmanager
def _sound(source: Path, *, progress: Progress) -> Iterator[sqlite3.Connection]:
    """Open a backup that can be relied on."""
    if not source.is_file():
        raise NoDataError(f"{source}: no backup there; `aisle-hub db backup FILE` makes one")
    with connected(source, busy_ms=0) as opened, closing(opened):
        opened.execute("PRAGMA query_only = ON")
        wrong = _faults(opened, progress=lambda: progress(0, 1))
        if wrong:
            raise StoreError(f"{source}: this backup is damaged ({wrong[0]}); take another one")
        there = version(opened)
        if not there:
            raise StoreError(f"{source}: this is no backup of a hub")
        if there > NEWEST:
            raise StoreError(f"{source}: {newer(there)}")
        yield opened


@contextmanager
def _reopened(live: Path, *, busy_ms: int) -> Iterator[Store]:
    """Open the database to be replaced."""
    try:
        store = Store.create(live, busy_ms=busy_ms)
    except StoreError as error:
        raise StoreError(
            f"{error}. If it is beyond help: stop the hub, move {live} and {live}-wal away, and "
            "restore again"
        ) from error
    with store:
        yield store


def _used(store: Store) -> bool:
    return bool(store.places())


def _aside(store: Store, *, at: datetime, progress: Progress) -> str:
    live = Path(store.connection.execute("PRAGMA database_list").fetchone()[2])
    target = live.with_name(f"{live.name}.before-{at.astimezone(UTC):%Y%m%dT%H%M%SZ}")
    return backup(store, target, progress=progress).path


def _described(connection: sqlite3.Connection, path: Path, *, size: int) -> Backup:
    (rows,) = connection.execute("SELECT COUNT(*) FROM releases").fetchone()
    return Backup(str(path), size, version(connection), int(rows))


def _faults(connection: sqlite3.Connection, *, progress: Callable[[], None]) -> list[str]:
    def alive() -> int:
        progress()
        return 0

    connection.set_progress_handler(alive, CHECK_STEPS)
    try:
        rows = connection.execute("PRAGMA integrity_check(20)").fetchall()
    except sqlite3.OperationalError:  # locked, or a failing disk: that tells nothing of the pages
        raise
    except sqlite3.DatabaseError as error:
        return [str(error)]
    finally:
        connection.set_progress_handler(None, 0)
    return [str(row[0]) for row in rows if row[0] != "ok"]


def _told(progress: Progress) -> Callable[[int, int, int], None]:
    return lambda _status, remaining, total: progress(total - remaining, total)


def _sync(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
