"""The durable queue of releases: one SQLite file, from the release to the hub's acknowledgement.

A file has a random epoch; within it seqs run from 1 without gaps. When the queue is full the oldest
unacknowledged release loses its payload, and a notice that it was dropped is sent in its place: the
hub rejects that under the same key and can then acknowledge past it, so nobody waits for ever.
"""

from __future__ import annotations

import errno
import secrets
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from edge.errors import DeviceError
from edge.release.released import Released
from wire.codec import encode, encode_dropped, read
from wire.errors import WireError
from wire.messages import Release
from wire.topics import Topic

DAY_MS = 86_400_000
_SCHEMA = """
CREATE TABLE IF NOT EXISTS box (
  epoch TEXT NOT NULL, next_seq INTEGER NOT NULL, acked INTEGER NOT NULL, lost INTEGER NOT NULL,
  lost_at TEXT NOT NULL, dropped INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS releases (
  seq INTEGER PRIMARY KEY, payload BLOB NOT NULL, acked_ms INTEGER);
"""
_OLD_FILES = ("", "-wal", "-shm")


@dataclass(frozen=True, slots=True)
class Sealed:
    """One release's bytes under their key, or the notice that it was dropped."""

    epoch: str
    seq: int
    payload: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Level:
    """How full the queue is.

    Attributes:
        waiting: releases the hub has not acknowledged.
        dropped: releases lost to the bound, ever.
    """

    epoch: str
    waiting: int
    dropped: int


class Outbox:
    """Keeps releases until the hub has them, and seven days longer for a restored hub.

    Args:
        path: the file; made if it is missing. One that is damaged is moved aside.
        store: whose releases these are.
        agent: whose releases these are.
        max_rows: bound on what is kept; 20,000 are two years of hourly and daily releases.
        keep_acked_days: how long acknowledged releases are kept.

    Raises:
        DeviceError: the file cannot be opened or made.
    """

    def __init__(
        self,
        path: Path,
        *,
        store: str,
        agent: str,
        max_rows: int = 20_000,
        keep_acked_days: int = 7,
    ) -> None:
        self.notice = ""
        """What an operator should know about how the file was found; empty if nothing."""
        self._path = path
        self._topic = Topic(store, agent, "release")
        self._max_rows = max_rows
        self._keep_ms = keep_acked_days * DAY_MS
        self._lock = threading.Lock()
        self._db = self._open()

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()

    def put(self, released: Released, *, at: datetime) -> int:
        """Give a release its seq and store it, both or neither.

        Args:
            released: what the release let out.
            at: aware UTC, from a synchronised clock; release/ holds what it cannot date.

        Raises:
            DeviceError: the disk refuses; nothing was stored, keep it and try again.
            TypeError: something other than a release.
        """
        if type(released) is not Released:
            raise TypeError(f"the outbox takes Released, not {type(released).__name__}")
        with self._transaction() as db:
            epoch, seq = db.execute("SELECT epoch, next_seq FROM box").fetchone()
            payload = encode(
                self._topic,
                released.message(epoch=epoch, seq=seq),
                event_id=f"{epoch}-{seq}",
                time=at,
            )
            self._make_room(db, at=at)
            db.execute("INSERT INTO releases (seq, payload) VALUES (?, ?)", (seq, payload))
            db.execute("UPDATE box SET next_seq = ?", (seq + 1,))
        return int(seq)

    def unacked(self, after_seq: int, *, limit: int) -> list[Sealed]:
        """Give what the hub has not acknowledged and lies above a seq, oldest first.

        Raises:
            DeviceError: the file cannot be read.
        """
        with self._transaction() as db:
            epoch, acked, lost, lost_at = db.execute(
                "SELECT epoch, acked, lost, lost_at FROM box"
            ).fetchone()
            start = max(acked, after_seq)
            gone = range(start + 1, min(lost, start + limit) + 1)
            found = [self._notice_of(epoch, seq, lost_at) for seq in gone]
            rows = db.execute(
                "SELECT seq, payload FROM releases WHERE seq > ? ORDER BY seq LIMIT ?",
                (max(start, lost), limit - len(found)),
            ).fetchall()
        return found + [Sealed(epoch, seq, payload) for seq, payload in rows]

    def ack(self, epoch: str, seq: int, *, now_ms: int) -> bool:
        """Take the hub's mark; a lower one than before means that it was restored from a backup.

        A mark above all that this file ever held means that the file is an older copy of itself
        (a card restored from a backup), whose next seqs the hub knows with other bytes. Then a new
        epoch begins, and what waits goes out under it.

        Args:
            epoch: of the mark; one of another file is passed over.
            seq: everything up to here is stored or rejected.
            now_ms: UTC milliseconds, for how long acknowledged releases are kept.

        Returns:
            whether the mark belongs to this file.

        Raises:
            DeviceError: the disk refuses; the mark is unchanged.
        """
        with self._transaction() as db:
            mine, next_seq = db.execute("SELECT epoch, next_seq FROM box").fetchone()
            if epoch != mine:
                return False
            if seq >= next_seq:
                self._begin_anew(db)
                return False
            db.execute("UPDATE box SET acked = ?", (seq,))
            db.execute("UPDATE releases SET acked_ms = NULL WHERE seq > ?", (seq,))
            db.execute(
                "UPDATE releases SET acked_ms = ? WHERE seq <= ? AND acked_ms IS NULL",
                (now_ms, seq),
            )
            old = "seq <= ? AND acked_ms < ?"
            self._forget(db, old, (seq, now_ms - self._keep_ms), at=_utc(now_ms))
        return True

    def level(self) -> Level:
        """Tell how full the queue is.

        Raises:
            DeviceError: the file cannot be read.
        """
        with self._transaction() as db:
            epoch, next_seq, acked, dropped = db.execute(
                "SELECT epoch, next_seq, acked, dropped FROM box"
            ).fetchone()
        return Level(epoch, next_seq - 1 - acked, dropped)

    def _begin_anew(self, db: sqlite3.Connection) -> None:
        """Put what waits under a new epoch, from seq 1."""
        epoch, seq, unreadable = secrets.token_hex(8), 0, 0
        waiting = db.execute(
            "SELECT payload FROM releases WHERE seq > (SELECT acked FROM box) ORDER BY seq"
        ).fetchall()
        db.execute("DELETE FROM releases")
        for (old,) in waiting:
            try:
                envelope, message = read(self._topic, old)
            except WireError:
                unreadable += 1
                continue
            assert isinstance(message, Release)
            seq += 1
            payload = encode(
                self._topic,
                msgspec.structs.replace(message, epoch=epoch, seq=seq),
                event_id=f"{epoch}-{seq}",
                time=envelope.time,
            )
            db.execute("INSERT INTO releases (seq, payload) VALUES (?, ?)", (seq, payload))
        db.execute(
            "UPDATE box SET epoch = ?, next_seq = ?, acked = 0, lost = 0, lost_at = '', "
            "dropped = dropped + ?",
            (epoch, seq + 1, unreadable),
        )
        self.notice = (
            f"{self._path} is an older copy of itself: the hub knows later releases; what waited "
            "was put under a new epoch. Releases between the copy and now may be missing, or "
            "those that waited in it counted twice"
        )

    def _make_room(self, db: sqlite3.Connection, *, at: datetime) -> None:
        """Drop the oldest while the queue is full; what the hub has goes unmourned."""
        (rows,) = db.execute("SELECT count(*) FROM releases").fetchone()
        if rows < self._max_rows:
            return
        over = rows - self._max_rows + 1
        (last,) = db.execute(
            "SELECT max(seq) FROM (SELECT seq FROM releases ORDER BY seq LIMIT ?)", (over,)
        ).fetchone()
        (missed,) = db.execute(
            "SELECT count(*) FROM releases WHERE seq <= ? AND acked_ms IS NULL", (last,)
        ).fetchone()
        db.execute("UPDATE box SET dropped = dropped + ?", (missed,))
        self._forget(db, "seq <= ?", (last,), at=at)

    @staticmethod
    def _forget(
        db: sqlite3.Connection, which: str, values: tuple[int, ...], *, at: datetime
    ) -> None:
        (last,) = db.execute(
            f"SELECT max(seq) FROM releases WHERE {which}",  # noqa: S608 - our own two clauses
            values,
        ).fetchone()
        if last is not None:
            db.execute("DELETE FROM releases WHERE seq <= ?", (last,))
            db.execute(
                "UPDATE box SET lost = max(lost, ?), lost_at = ?",
                (last, at.astimezone(UTC).isoformat()),
            )

    def _notice_of(self, epoch: str, seq: int, lost_at: str) -> Sealed:
        notice = encode_dropped(
            self._topic, event_id=f"{epoch}-{seq}", time=datetime.fromisoformat(lost_at)
        )
        return Sealed(epoch, seq, notice)

    def _open(self) -> sqlite3.Connection:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise DeviceError(f"{self._path.parent}: {_mend(error)}") from error
        try:
            return self._connect()
        except sqlite3.OperationalError as error:
            raise DeviceError(f"{self._path}: {_mend(error)}") from error
        except sqlite3.DatabaseError as error:
            aside = self._move_aside()
            self.notice = (
                f"{self._path} was damaged ({error}); it was moved to {aside.name} and a new one "
                "begun. Releases in it that the hub had not acknowledged are lost"
            )
            return self._connect()

    def _connect(self) -> sqlite3.Connection:
        db = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False, timeout=5.0)
        try:
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("PRAGMA synchronous = FULL")
            _check(db)
            db.executescript(_SCHEMA)
            db.execute(
                "INSERT INTO box SELECT ?, 1, 0, 0, '', 0 WHERE NOT EXISTS (SELECT * FROM box)",
                (secrets.token_hex(8),),
            )
        except BaseException:
            db.close()
            raise
        return db

    def _move_aside(self) -> Path:
        number = 1
        while (aside := self._path.with_name(f"{self._path.name}.damaged-{number}")).exists():
            number += 1
        for suffix in _OLD_FILES:
            old = self._path.with_name(self._path.name + suffix)
            if old.exists():
                old.rename(aside.with_name(aside.name + suffix))
        return aside

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """All or nothing, one thread at a time; what SQLite refuses becomes a DeviceError."""
        with self._lock:
            try:
                self._db.execute("BEGIN IMMEDIATE")
                try:
                    yield self._db
                except BaseException:
                    self._roll_back()
                    raise
                self._db.execute("COMMIT")
            except sqlite3.Error as error:
                self._roll_back()
                raise DeviceError(f"{self._path}: {_mend(error)}") from error

    def _roll_back(self) -> None:
        if self._db.in_transaction:
            self._db.execute("ROLLBACK")


def _check(db: sqlite3.Connection) -> None:
    (verdict,) = db.execute("PRAGMA quick_check(1)").fetchone()
    if verdict != "ok":
        raise sqlite3.DatabaseError(verdict)


def _utc(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)


def _mend(error: Exception) -> str:
    said = str(error)
    if "full" in said or "I/O" in said or getattr(error, "errno", 0) == errno.ENOSPC:
        return f"{said}; the disk is full or failing: free space, or replace the card"
    if "unable to open" in said or "readonly" in said or isinstance(error, PermissionError):
        return f"{said}; give this user write access to the folder"
    if "locked" in said:
        return f"{said}; another program holds the file: stop it"
    return f"{said}; check the disk"
