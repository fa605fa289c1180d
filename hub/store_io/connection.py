"""What all tables share: an open file, one transaction at a time, refusals as ``StoreError``."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from hub.errors import NoDataError, StoreError

MENDS = (
    ("full", "free space on its disk; nothing is lost meanwhile, agents keep what is not stored"),
    ("locked", "another program holds it for long: is a backup being restored? Try again"),
    ("readonly", "give this user write access to the file and its folder"),
    ("unable to open", "give this user access to the file and its folder"),
    ("malformed", "the file is damaged: `aisle-hub db restore` a backup"),
    ("not a database", "this is another kind of file: name the hub's database"),
    ("disk I/O", "its disk is full or fails: free space, or move the database to another one"),
)
"""What SQLite's message contains, and what mends it."""


def there(path: Path) -> Path:
    """Give the path of a database that is there.

    Raises:
        NoDataError: it is not.
    """
    if not path.is_file():
        raise NoDataError(
            f"{path}: no database there; name hub.toml by --config or AISLE_HUB_CONFIG, or the "
            f"file by --db; `aisle-hub run --db {path}` makes it"
        )
    return path


@contextmanager
def connected(path: Path, *, busy_ms: int) -> Iterator[sqlite3.Connection]:
    """Open an autocommitting connection, and close it again if preparing it fails."""
    with refusals(path):
        connection = sqlite3.connect(path, timeout=busy_ms / 1000, isolation_level=None)
        try:
            yield connection
        except BaseException:
            connection.close()
            raise


@contextmanager
def refusals(path: Path | None = None) -> Iterator[None]:
    """Turn what SQLite refuses into a ``StoreError`` that names the mend.

    Raises:
        StoreError: the database refused.
    """
    try:
        yield
    except sqlite3.Error as error:
        where = f"{path}: " if path else ""
        mend = next((f"; {mend}" for word, mend in MENDS if word in str(error)), "")
        raise StoreError(f"{where}the database refused: {error}{mend}") from error


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """All or nothing."""
    # the write lock is taken at once, so that waiting for it can succeed
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def spelt(at: datetime) -> str:
    """Spell an instant as text of one length, so that it sorts."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def instant(text: str | None) -> datetime | None:
    """Read an instant."""
    return datetime.fromisoformat(text) if text else None
