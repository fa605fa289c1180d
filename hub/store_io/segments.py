"""The tables of micro-segments: versioned rules, shares by store and day, and what befell them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from hub.errors import NoDataError, StoreError
from hub.store_io.connection import instant, refusals, spelt, transaction
from hub.store_io.store import Store

SQL_SEGMENTS = "SELECT segment, version, rule, state, created_at, retired_at FROM segments"
SQL_SHARE = """
INSERT INTO segment_shares (store, segment, version, day, share, variance, visits)
VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (store, segment, version, day) DO UPDATE
SET share = excluded.share, variance = excluded.variance, visits = excluded.visits"""
SQL_EVENT = """
INSERT INTO segment_events (store, segment, version, at, event, detail) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (store, segment, version, at, event) DO UPDATE SET detail = excluded.detail"""


@dataclass(frozen=True, slots=True)
class SegmentRow:
    """One version of a segment.

    Attributes:
        segment: its id; the same in every store and version.
        version: from 1.
        rule: the TOML as the operator wrote it.
        state: where in its life it is, in the words of ``hub.segments``.
    """

    segment: str
    version: int
    rule: str
    state: str
    created_at: datetime
    retired_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class SegmentShare:
    """A segment's part of one store's day.

    Attributes:
        share: of the visits; None where it cannot be supported.
        variance: of ``share``, noise, sampling and correction together; None with it.
        visits: estimated visits of that day.
    """

    store: str
    segment: str
    version: int
    day: date
    share: float | None
    variance: float | None
    visits: float


@dataclass(frozen=True, slots=True)
class SegmentEvent:
    """Something that befell a segment.

    Attributes:
        store: empty for the whole chain.
        detail: for people, or JSON.
    """

    store: str
    segment: str
    version: int
    at: datetime
    event: str
    detail: str = ""


class SegmentTables:
    """Reads and writes the segments of an open database.

    Args:
        store: the database; writing needs ``Store.edit`` or ``Store.create``.

    Raises:
        StoreError: from every method, when the database refuses; nothing of that call is stored.
    """

    def __init__(self, store: Store) -> None:
        self._connection = store.connection

    def add(self, row: SegmentRow, *, event: SegmentEvent | None = None) -> None:
        """Store a new version, and what to note of it, in one transaction.

        Raises:
            StoreError: this version is there already: versions are never written over.
        """
        with refusals(), transaction(self._connection):
            if self._version(row.segment, row.version):
                raise StoreError(
                    f"segment {row.segment!r} has a version {row.version} already: "
                    "an edit makes the next one"
                )
            self._connection.execute(
                "INSERT INTO segments (segment, version, rule, state, created_at, retired_at)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                (
                    row.segment,
                    row.version,
                    row.rule,
                    row.state,
                    spelt(row.created_at),
                    spelt(row.retired_at) if row.retired_at else None,
                ),
            )
            self._write_events([event] if event else [])

    def set_state(
        self,
        segment: str,
        *,
        version: int,
        state: str,
        retired_at: datetime | None = None,
        event: SegmentEvent | None = None,
    ) -> None:
        """Give a version another state, and note why, in one transaction.

        Raises:
            NoDataError: there is no such version.
        """
        with refusals(), transaction(self._connection):
            if not self._version(segment, version):
                raise NoDataError(f"segment {segment!r} has no version {version}")
            self._connection.execute(
                "UPDATE segments SET state = ?, retired_at = ? WHERE segment = ? AND version = ?",
                (state, spelt(retired_at) if retired_at else None, segment, version),
            )
            self._write_events([event] if event else [])

    def segments(self, *, state: str | None = None) -> list[SegmentRow]:
        """Give every version of every segment, perhaps in one state only, oldest version first."""
        with refusals():
            rows = self._connection.execute(
                f"{SQL_SEGMENTS} WHERE state = COALESCE(?, state) ORDER BY segment, version",
                (state,),
            ).fetchall()
        return [_segment(row) for row in rows]

    def versions(self, segment: str) -> list[SegmentRow]:
        """Give a segment's versions, oldest first; none if there is no such segment."""
        with refusals():
            rows = self._connection.execute(
                f"{SQL_SEGMENTS} WHERE segment = ? ORDER BY version", (segment,)
            ).fetchall()
        return [_segment(row) for row in rows]

    def write_shares(self, shares: Iterable[SegmentShare]) -> None:
        """Store shares; a day that is there is written over."""
        with refusals(), transaction(self._connection):
            self._connection.executemany(
                SQL_SHARE,
                [
                    (
                        one.store,
                        one.segment,
                        one.version,
                        one.day.isoformat(),
                        one.share,
                        one.variance,
                        one.visits,
                    )
                    for one in shares
                ],
            )

    def shares(
        self,
        segment: str,
        *,
        version: int,
        store: str | None = None,
        since: date = date.min,
        until: date = date.max,
    ) -> list[SegmentShare]:
        """Give a version's shares of the days [since, until), by store and day."""
        with refusals():
            rows = self._connection.execute(
                "SELECT store, segment, version, day, share, variance, visits FROM segment_shares"
                " WHERE store = COALESCE(?, store) AND segment = ? AND version = ?"
                " AND day >= ? AND day < ? ORDER BY store, day",
                (store, segment, version, since.isoformat(), until.isoformat()),
            ).fetchall()
        return [
            SegmentShare(name, segment, version, date.fromisoformat(day), *figures)
            for name, _, _, day, *figures in rows
        ]

    def events(self, segment: str | None = None, *, store: str | None = None) -> list[SegmentEvent]:
        """Give what befell a segment, or all, oldest first.

        Args:
            segment: None for all.
            store: of this one only; "" for what befell the whole chain.
        """
        with refusals():
            rows = self._connection.execute(
                "SELECT store, segment, version, at, event, detail FROM segment_events"
                " WHERE store = COALESCE(?, store) AND segment = COALESCE(?, segment)"
                " ORDER BY at, store, segment, version, event",
                (store, segment),
            ).fetchall()
        return [
            SegmentEvent(r[0], r[1], r[2], datetime.fromisoformat(r[3]), r[4], r[5]) for r in rows
        ]

    def _version(self, segment: str, version: int) -> bool:
        found = self._connection.execute(
            "SELECT COUNT(*) FROM segments WHERE segment = ? AND version = ?", (segment, version)
        )
        return bool(found.fetchone()[0])

    def _write_events(self, events: Iterable[SegmentEvent]) -> None:
        self._connection.executemany(
            SQL_EVENT,
            [
                (one.store, one.segment, one.version, spelt(one.at), one.event, one.detail)
                for one in events
            ],
        )


def _segment(row: tuple[Any, ...]) -> SegmentRow:
    created_at = datetime.fromisoformat(row[4])
    return SegmentRow(row[0], row[1], row[2], row[3], created_at, instant(row[5]))
