"""The hub's database: one SQLite file, one writer, any number of readers."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from operator import itemgetter
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec

from hub.errors import NoDataError, StoreError
from hub.ingest.judging import Decision, Key, Noted, Rejected, Repeat, Stored, contiguous
from hub.store_io.connection import connected, instant, refusals, spelt, there, transaction
from hub.store_io.schema import NEWEST, migrate, newer, tables_of, version
from wire.codebook import Codebook
from wire.codec import decode
from wire.messages import Axis, Health, Meta, Release, Status
from wire.topics import parse_topic

SQL_RELEASE = """
INSERT INTO releases (store, agent, epoch, seq, channel, window_start, window_end, plan, codebook,
    axes, counts, sd, rho, standard_privacy, coverage, sha256, made_at, received_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (store, agent, epoch, seq) DO NOTHING"""
SQL_REJECT = """
INSERT INTO rejects (store, agent, topic, sha256, reason, payload, epoch, seq, first_at, last_at,
    times)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1)
ON CONFLICT (store, topic, sha256) DO UPDATE
SET last_at = excluded.last_at, times = rejects.times + 1, payload = excluded.payload"""
SQL_NEWEST_REJECTS = """
(SELECT topic, sha256 FROM rejects WHERE store = ? AND agent = ?
 ORDER BY last_at DESC, topic, sha256 LIMIT ?)"""
SQL_FORGET_REJECTS = f"""
DELETE FROM rejects WHERE store = ? AND agent = ?
AND (topic, sha256) NOT IN {SQL_NEWEST_REJECTS}"""  # noqa: S608 - our own text, no value
SQL_FORGET_BYTES = f"""
UPDATE rejects SET payload = NULL WHERE store = ? AND agent = ? AND payload IS NOT NULL
AND (topic, sha256) NOT IN {SQL_NEWEST_REJECTS}"""  # noqa: S608 - our own text, no value
SQL_AGENT = """
INSERT INTO agents (store, agent, state, last_seen_at, repeats) VALUES (?, ?, 'unknown', ?, 0)
ON CONFLICT (store, agent) DO UPDATE
SET last_seen_at = CASE WHEN excluded.last_seen_at > agents.last_seen_at
    THEN excluded.last_seen_at ELSE agents.last_seen_at END"""
SQL_META = """
INSERT INTO metas (store, agent, plan, codebook, topic, payload, at) VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (store, agent, plan, codebook) DO UPDATE
SET payload = excluded.payload, at = excluded.at WHERE excluded.at >= metas.at"""
SQL_RELEASED = """
UPDATE agents SET last_release_at = ? WHERE store = ? AND agent = ?
AND COALESCE(last_release_at, '') < ?"""
SQL_STATE = """
UPDATE agents SET state = ?, state_at = ? WHERE store = ? AND agent = ?
AND NOT (1 = ? AND state = ?)"""
SQL_HEALTH = """
INSERT INTO health (store, agent, topic, payload, at) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (store, agent) DO UPDATE SET payload = excluded.payload, at = excluded.at"""
SQL_COVERAGE = """
INSERT INTO coverage_hours (store, agent, hour, coverage_sum, reports) VALUES (?, ?, ?, ?, 1)
ON CONFLICT (store, agent, hour) DO UPDATE
SET coverage_sum = coverage_hours.coverage_sum + excluded.coverage_sum,
    reports = coverage_hours.reports + 1"""
SQL_MARK = """
INSERT INTO marks (store, agent, epoch, seq, highest, at) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (store, agent, epoch) DO UPDATE
SET seq = excluded.seq, highest = excluded.highest, at = excluded.at"""
SQL_PERIOD = """
SELECT store, agent, received_at, epoch, seq, channel, window_start, window_end, plan, codebook,
    axes, counts, sd, rho, standard_privacy, coverage FROM releases
WHERE store = ? AND window_start >= ? AND window_start < ?"""
IN_WINDOW_ORDER = itemgetter(6, 1, 3, 4)
"""Of such rows: window_start, agent, epoch, seq."""
SQL_REJECTS = """
SELECT store, agent, topic, sha256, reason, payload, first_at, last_at, times FROM rejects"""
SQL_HANDLED = """
SELECT seq FROM releases WHERE store = ? AND agent = ? AND epoch = ? AND seq > ?
UNION
SELECT seq FROM rejects WHERE store = ? AND agent = ? AND epoch = ? AND seq > ?
ORDER BY seq"""


RETIRED = "retired"
"""State of an agent that is not expected any more, until it says something itself."""


@dataclass(frozen=True, slots=True)
class Keeping:
    """How much of what was refused is kept, so that a broken agent cannot fill the disk.

    Attributes:
        rejects: rows of each agent, the newest; oldest first to go.
        payloads: how many of those keep their bytes, about 20 kB each at most: 4 MB an agent.
    """

    rejects: int = 1_000
    payloads: int = 200


@dataclass(frozen=True, slots=True)
class Mark:
    """How far one stream of releases has been handled without a gap.

    Attributes:
        seq: everything up to here is stored or rejected.
        highest: the highest seq that arrived.
    """

    store: str
    agent: str
    epoch: str
    seq: int
    highest: int


@dataclass(frozen=True, slots=True)
class StoredRelease:
    """A release as the database gives it back."""

    store: str
    agent: str
    received_at: datetime
    release: Release


@dataclass(frozen=True, slots=True)
class AgentRow:
    """One agent's last known state.

    Attributes:
        missing: releases that did not arrive although later ones did.
        rejects: messages of this agent that were refused and are kept (``Keeping``), repeats of
            one counted once.
        day_coverage: mean of the coverage it reported in the last 24 h; None if it did not.
    """

    store: str
    agent: str
    state: str
    last_seen_at: datetime | None
    last_release_at: datetime | None
    releases: int
    missing: int
    repeats: int
    rejects: int
    day_coverage: float | None
    health: Health | None


@dataclass(frozen=True, slots=True)
class RejectRow:
    """One refused message; ``payload`` is what arrived, None where only newer bytes are kept."""

    store: str
    agent: str
    topic: str
    sha256: str
    reason: str
    payload: bytes | None
    first_at: datetime
    last_at: datetime
    times: int


@dataclass(frozen=True, slots=True)
class Holding:
    """What is stored of one store and channel; the windows' starts."""

    store: str
    channel: str
    releases: int
    first_at: datetime
    last_at: datetime


@dataclass(frozen=True, slots=True)
class Link:
    """A state of the hub's own, as whether ingest is connected, and since when."""

    state: str
    detail: str
    since: datetime


class Store:
    """The open database.

    Args:
        connection: autocommitting SQLite connection (``isolation_level=None``).
        keeping: how much of what was refused is kept.

    Raises:
        StoreError: from every method, when the database refuses; nothing of that call is stored.
    """

    def __init__(self, connection: sqlite3.Connection, *, keeping: Keeping | None = None) -> None:
        self.connection = connection
        self._keeping = keeping or Keeping()

    @classmethod
    def create(cls, path: Path, *, busy_ms: int, keeping: Keeping | None = None) -> Self:
        """Open the database for ingest: make it, or bring its tables up to date."""
        with connected(path, busy_ms=busy_ms) as connection:
            tables_of(connection).enable_wal()
            # each commit reaches the disk before its messages are acknowledged
            connection.execute("PRAGMA synchronous = FULL")
            migrate(connection)
        return cls(connection, keeping=keeping)

    @classmethod
    def open(cls, path: Path, *, busy_ms: int) -> Self:
        """Open an existing database for reading.

        Raises:
            NoDataError: there is none.
            StoreError: its tables are not of this program's time.
        """
        opened = cls.edit(path, busy_ms=busy_ms)
        opened.connection.execute("PRAGMA query_only = ON")
        return opened

    @classmethod
    def edit(cls, path: Path, *, busy_ms: int) -> Self:
        """Open an existing database for a command that writes, beside a running hub or not.

        Raises:
            NoDataError: there is none.
            StoreError: its tables are not of this program's time.
        """
        with connected(there(path), busy_ms=busy_ms) as connection:
            step = version(connection)
            if step > NEWEST:
                raise StoreError(f"{path}: {newer(step)}")
            if step < NEWEST:
                raise StoreError(
                    f"{path}: its tables are older than this program; "
                    "`aisle-hub db migrate` brings them up to date, and so does `aisle-hub run`"
                )
            connection.execute("PRAGMA synchronous = FULL")
        return cls(connection)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _e: BaseException | None, _t: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self.connection.close()

    # what ingest asks and does

    def known(self, keys: Iterable[Key]) -> dict[Key, str]:
        """Give the sha256 of those of these releases that are stored."""
        found = {}
        with refusals():
            for key in keys:
                row = self.connection.execute(
                    "SELECT sha256 FROM releases"
                    " WHERE store = ? AND agent = ? AND epoch = ? AND seq = ?",
                    (key.store, key.agent, key.epoch, key.seq),
                ).fetchone()
                if row:
                    found[key] = str(row[0])
        return found

    def plan_zones(
        self, places: Iterable[tuple[str, str, str]]
    ) -> dict[tuple[str, str, str], frozenset[str]]:
        """Give the zone ids of those (store, agent, plan) whose meta is stored."""
        found = {}
        with refusals():
            for place in places:
                row = self.connection.execute(
                    "SELECT topic, payload FROM metas WHERE store = ? AND agent = ? AND plan = ?"
                    " ORDER BY at DESC LIMIT 1",
                    place,
                ).fetchone()
                if row:
                    found[place] = frozenset(zone.id for zone in _meta(row[0], row[1]).zones)
        return found

    def commit(
        self, decisions: Sequence[Decision], *, settled: Iterable[RejectRow] = ()
    ) -> list[Mark]:
        """Store a batch in one transaction and give the marks of every stream it touched.

        Args:
            decisions: over one batch.
            settled: rejects that these decisions take the place of.
        """
        with refusals(), transaction(self.connection):
            self._write_seen(decisions)
            self._write_releases([d for d in decisions if isinstance(d, Stored)])
            self._write_repeats([d for d in decisions if isinstance(d, Repeat)])
            self._write_rejects([d for d in decisions if isinstance(d, Rejected)])
            for noted in decisions:
                if isinstance(noted, Noted):
                    self._write_noted(noted)
            keys = [
                d.key
                for d in decisions
                if isinstance(d, Stored | Repeat | Rejected) and d.key is not None
            ]
            streams = sorted({(key.store, key.agent, key.epoch) for key in keys})
            marks = [self._advance_mark(stream, decisions) for stream in streams]
            self.connection.executemany(
                "DELETE FROM rejects WHERE store = ? AND topic = ? AND sha256 = ?",
                [(row.store, row.topic, row.sha256) for row in settled],
            )
            # only now: a reject that is forgotten above a gap is refused anew when it comes again
            self._forget_rejects([d for d in decisions if isinstance(d, Rejected)])
            return marks

    def write_link(self, link: Link, *, name: str = "broker") -> None:
        """Record a state of the hub's own: whether the broker is reached, unless named."""
        with refusals():
            self.connection.execute(
                "INSERT INTO links (name, state, detail, since) VALUES (?, ?, ?, ?)"
                " ON CONFLICT (name) DO UPDATE SET state = excluded.state,"
                " detail = excluded.detail, since = excluded.since",
                (name, link.state, link.detail, spelt(link.since)),
            )

    def marks(self) -> list[Mark]:
        """Give the newest stream's mark of every agent."""
        with refusals():
            rows = self.connection.execute(
                "SELECT store, agent, epoch, seq, highest FROM marks ORDER BY at"
            ).fetchall()
        return list({(row[0], row[1]): Mark(*row) for row in rows}.values())

    def _write_seen(self, decisions: Sequence[Decision]) -> None:
        seen: dict[tuple[str, str], datetime] = {}
        for decision in decisions:
            place, at = _sighting(decision)
            if place[0]:
                seen[place] = max(at, seen.get(place, at))
        self.connection.executemany(
            SQL_AGENT, [(*place, spelt(at)) for place, at in sorted(seen.items())]
        )

    def _write_releases(self, items: list[Stored]) -> None:
        self.connection.executemany(SQL_RELEASE, [_release_row(item) for item in items])
        self.connection.executemany(
            SQL_RELEASED,
            [
                (received_at, item.key.store, item.key.agent, received_at)
                for item in items
                for received_at in [spelt(item.arrival.received_at)]
            ],
        )

    def _write_repeats(self, items: list[Repeat]) -> None:
        self.connection.executemany(
            "UPDATE agents SET repeats = repeats + 1 WHERE store = ? AND agent = ?",
            [(item.key.store, item.key.agent) for item in items],
        )

    def _write_rejects(self, items: list[Rejected]) -> None:
        self.connection.executemany(
            SQL_REJECT,
            [
                (
                    item.store,
                    item.agent,
                    item.arrival.topic,
                    item.sha256,
                    item.reason,
                    item.arrival.payload,
                    item.key.epoch if item.key else None,
                    item.key.seq if item.key else None,
                    spelt(item.arrival.received_at),
                    spelt(item.arrival.received_at),
                )
                for item in items
            ],
        )

    def _forget_rejects(self, items: list[Rejected]) -> None:
        for place in sorted({(item.store, item.agent) for item in items}):
            for sql, most in (
                (SQL_FORGET_REJECTS, self._keeping.rejects),
                (SQL_FORGET_BYTES, self._keeping.payloads),
            ):
                self.connection.execute(sql, (*place, *place, most))

    def _write_noted(self, item: Noted) -> None:
        store, agent = item.topic.store, item.topic.agent
        sent_at, payload = spelt(item.sent_at), item.arrival.payload
        message = item.message
        if isinstance(message, Status):
            # a last will is published late but dated when the agent connected: use the arrival
            at = sent_at if item.arrival.retained else spelt(item.arrival.received_at)
            self.connection.execute(
                SQL_STATE,
                (message.state, at, store, agent, int(item.arrival.retained), RETIRED),
            )
        elif isinstance(message, Meta):
            self.connection.execute(
                SQL_META,
                (
                    store,
                    agent,
                    message.plan,
                    message.codebook.version,
                    item.arrival.topic,
                    payload,
                    sent_at,
                ),
            )
        else:
            # health is of now or of no use: a box whose clock is wrong still shows as covered
            received_at = item.arrival.received_at
            hour = received_at.replace(minute=0, second=0, microsecond=0)
            self.connection.execute(
                SQL_HEALTH, (store, agent, item.arrival.topic, payload, spelt(received_at))
            )
            self.connection.execute(SQL_COVERAGE, (store, agent, spelt(hour), message.coverage))

    def _advance_mark(self, stream: tuple[str, str, str], decisions: Sequence[Decision]) -> Mark:
        row = self.connection.execute(
            "SELECT seq, highest FROM marks WHERE store = ? AND agent = ? AND epoch = ?", stream
        ).fetchone()
        before, highest = row or (0, 0)
        rows = self.connection.execute(SQL_HANDLED, (*stream, before, *stream, before)).fetchall()
        handled = [int(r[0]) for r in rows]
        seq = contiguous(before, handled)
        highest = max([highest, *handled[-1:]])
        at = max(_sighting(decision)[1] for decision in decisions)
        self.connection.execute(SQL_MARK, (*stream, seq, highest, spelt(at)))
        return Mark(*stream, seq, highest)

    # what reports and status ask

    def releases(
        self, store: str, *, since: datetime, until: datetime, channels: Sequence[str] = ()
    ) -> list[StoredRelease]:
        """Give a store's releases whose window starts in [since, until), in window order.

        Args:
            store: one; a chain is read store by store, so that memory holds one of them.
            since: aware.
            until: aware.
            channels: of these only; without any, of all.
        """
        among = f" AND channel IN ({', '.join('?' * len(channels))})" if channels else ""
        with refusals():
            cursor = self.connection.execute(
                f"{SQL_PERIOD}{among}", (store, spelt(since), spelt(until), *channels)
            )
            rows = cursor.fetchall()
        rows.sort(key=IN_WINDOW_ORDER)  # here, as SQLite would copy whole rows to sort them
        axes: dict[str, tuple[Axis, ...]] = {}  # the same few, thousands of times
        counts = msgspec.json.Decoder(tuple[int, ...])
        return [_stored_release(row, axes=axes, counts=counts) for row in rows]

    def metas(self, store: str) -> dict[str, list[Meta]]:
        """Give every meta of a store by agent, oldest first."""
        with refusals():
            rows = self.connection.execute(
                "SELECT agent, topic, payload FROM metas WHERE store = ? ORDER BY agent, at",
                (store,),
            ).fetchall()
        found: dict[str, list[Meta]] = {}
        for agent, topic, payload in rows:
            found.setdefault(agent, []).append(_meta(topic, payload))
        return found

    def stores(self) -> list[str]:
        """Give the names of all stores an agent was heard from."""
        with refusals():
            rows = self.connection.execute(
                "SELECT DISTINCT store FROM agents ORDER BY store"
            ).fetchall()
        return [row[0] for row in rows]

    def places(self) -> list[tuple[str, str]]:
        """Give (store, agent) of every agent that was heard from."""
        with refusals():
            rows = self.connection.execute(
                "SELECT store, agent FROM agents ORDER BY store, agent"
            ).fetchall()
        return [(store, agent) for store, agent in rows]

    def codebooks(self) -> dict[str, Codebook]:
        """Give every codebook that agents say they used, by version."""
        with refusals():
            rows = self.connection.execute("SELECT codebook, topic, payload FROM metas").fetchall()
        one_each = {version: (topic, payload) for version, topic, payload in rows}
        return {version: _meta(*meta).codebook for version, meta in one_each.items()}

    def holdings(self) -> list[Holding]:
        """Give what is stored, by store and channel."""
        with refusals():
            rows = self.connection.execute(
                "SELECT store, channel, COUNT(*), MIN(window_start), MAX(window_start)"
                " FROM releases GROUP BY store, channel ORDER BY store, channel"
            ).fetchall()
        return [
            Holding(name, channel, n, datetime.fromisoformat(first), datetime.fromisoformat(last))
            for name, channel, n, first, last in rows
        ]

    def retire(self, store: str, *, agent: str, at: datetime) -> None:
        """Expect nothing of an agent any more; what is stored of it stays.

        Raises:
            NoDataError: it was never heard.
        """
        with refusals():
            changed = self.connection.execute(
                "UPDATE agents SET state = ?, state_at = ? WHERE store = ? AND agent = ?",
                (RETIRED, spelt(at), store, agent),
            ).rowcount
        if not changed:
            known = ", ".join(f"{name}/{one}" for name, one in self.places()) or "none"
            raise NoDataError(f"agent {store}/{agent}: it was never heard; known: {known}")

    def agents_of(self, store: str) -> list[str]:
        """Give the names of all agents of a store that were heard from."""
        with refusals():
            rows = self.connection.execute(
                "SELECT agent FROM agents WHERE store = ? ORDER BY agent", (store,)
            ).fetchall()
        return [row[0] for row in rows]

    def agents(self, *, now: datetime) -> list[AgentRow]:
        """Give the state of every agent."""
        since = spelt(datetime.fromtimestamp(now.timestamp() - 86_400, tz=UTC))
        with refusals():
            rows = self.connection.execute(
                "SELECT store, agent, state, last_seen_at, last_release_at, repeats FROM agents"
                " ORDER BY store, agent"
            ).fetchall()
            return [self._agent(row, since=since) for row in rows]

    def _agent(self, row: Sequence[Any], *, since: str) -> AgentRow:
        store, agent, state, seen, released, repeats = row
        place = (store, agent)
        releases = self._number(
            "SELECT COUNT(*) FROM releases WHERE store = ? AND agent = ?", place
        )
        # handled above the mark, against how many there would be without a gap
        missing = 0
        for epoch, mark, highest in self.connection.execute(
            "SELECT epoch, seq, highest FROM marks WHERE store = ? AND agent = ?", place
        ).fetchall():
            stream = (*place, epoch, mark)
            handled = self.connection.execute(SQL_HANDLED, (*stream, *stream)).fetchall()
            missing += highest - mark - len(handled)
        rejects = self._number("SELECT COUNT(*) FROM rejects WHERE store = ? AND agent = ?", place)
        coverage = self.connection.execute(
            "SELECT SUM(coverage_sum) / SUM(reports) FROM coverage_hours"
            " WHERE store = ? AND agent = ? AND hour >= ?",
            (*place, since),
        ).fetchone()[0]
        health = self.connection.execute(
            "SELECT topic, payload FROM health WHERE store = ? AND agent = ?", place
        ).fetchone()
        return AgentRow(
            store=store,
            agent=agent,
            state=state,
            last_seen_at=instant(seen),
            last_release_at=instant(released),
            releases=releases,
            missing=missing,
            repeats=repeats,
            rejects=rejects,
            day_coverage=coverage,
            health=_health(*health) if health else None,
        )

    def rejects(self, *, store: str | None = None, limit: int = 100) -> list[RejectRow]:
        """Give the refused messages, newest first."""
        with refusals():
            rows = self.connection.execute(
                f"{SQL_REJECTS} WHERE store = COALESCE(?, store) ORDER BY last_at DESC LIMIT ?",
                (store, limit),
            ).fetchall()
        return [_reject(row) for row in rows]

    def reject(self, sha256_start: str) -> RejectRow:
        """Give the refused message whose sha256 starts so.

        Raises:
            NoDataError: none or several do.
        """
        with refusals():
            rows = self.connection.execute(
                f"{SQL_REJECTS} WHERE SUBSTR(sha256, 1, ?) = ?",
                (len(sha256_start), sha256_start),
            ).fetchall()
        if len(rows) != 1:
            raise NoDataError(
                f"{len(rows)} rejects start with {sha256_start!r}; see `aisle-hub rejects list`"
            )
        return _reject(rows[0])

    def refused(self, *, since: datetime) -> dict[tuple[str, str], tuple[int, str]]:
        """Give how many messages of which agents were refused since, and the newest reason."""
        with refusals():
            rows = self.connection.execute(
                "SELECT store, agent, reason FROM rejects WHERE last_at >= ? ORDER BY last_at",
                (spelt(since),),
            ).fetchall()
        found: dict[tuple[str, str], tuple[int, str]] = {}
        for store, agent, reason in rows:
            found[store, agent] = (found.get((store, agent), (0, ""))[0] + 1, str(reason))
        return found

    def ahead_s(self) -> dict[tuple[str, str], float]:
        """Give by how many seconds each agent's newest release is dated after its arrival."""
        with refusals():
            rows = self.connection.execute(
                "SELECT r.store, r.agent, r.made_at, r.received_at FROM marks AS m, releases AS r"
                " WHERE r.store = m.store AND r.agent = m.agent AND r.epoch = m.epoch"
                " AND r.seq = m.highest ORDER BY r.received_at"
            ).fetchall()
        return {
            (store, agent): (
                datetime.fromisoformat(made) - datetime.fromisoformat(received)
            ).total_seconds()
            for store, agent, made, received in rows
        }

    def link(self, name: str = "broker") -> Link | None:
        """Give the last recorded state of the connection to the broker, or another named one."""
        with refusals():
            row = self.connection.execute(
                "SELECT state, detail, since FROM links WHERE name = ?", (name,)
            ).fetchone()
        return Link(row[0], row[1], datetime.fromisoformat(row[2])) if row else None

    def _number(self, sql: str, arguments: Sequence[str]) -> int:
        return int(self.connection.execute(sql, arguments).fetchone()[0])


def _sighting(decision: Decision) -> tuple[tuple[str, str], datetime]:
    """Say which agent this shows, and when it was there."""
    if isinstance(decision, Stored):
        return (decision.key.store, decision.key.agent), decision.arrival.received_at
    if isinstance(decision, Repeat):
        return (decision.key.store, decision.key.agent), decision.received_at
    if isinstance(decision, Rejected):
        return (decision.store, decision.agent), decision.arrival.received_at
    place = (decision.topic.store, decision.topic.agent)
    message = decision.message
    dead = isinstance(message, Status) and message.state == "offline"
    if decision.arrival.retained or dead:  # said by the broker, on the agent's behalf
        return place, decision.sent_at
    return place, decision.arrival.received_at


def _release_row(item: Stored) -> tuple[object, ...]:
    release = item.release
    return (
        item.key.store,
        item.key.agent,
        item.key.epoch,
        item.key.seq,
        release.channel,
        spelt(release.window_start),
        spelt(release.window_end),
        release.plan,
        release.codebook,
        msgspec.json.encode(release.axes).decode(),
        msgspec.json.encode(release.counts).decode(),
        release.sd,
        release.rho,
        int(release.standard_privacy),
        release.coverage,
        item.sha256,
        spelt(item.made_at),
        spelt(item.arrival.received_at),
    )


def _stored_release(
    row: Sequence[Any],
    *,
    axes: dict[str, tuple[Axis, ...]],
    counts: msgspec.json.Decoder[tuple[int, ...]],
) -> StoredRelease:
    if row[10] not in axes:
        axes[row[10]] = msgspec.json.decode(row[10], type=tuple[Axis, ...])
    release = Release(
        epoch=row[3],
        seq=row[4],
        channel=row[5],
        window_start=datetime.fromisoformat(row[6]),
        window_end=datetime.fromisoformat(row[7]),
        plan=row[8],
        codebook=row[9],
        axes=axes[row[10]],
        counts=counts.decode(row[11]),
        sd=row[12],
        rho=row[13],
        standard_privacy=bool(row[14]),
        coverage=row[15],
    )
    return StoredRelease(row[0], row[1], datetime.fromisoformat(row[2]), release)


def _reject(row: Sequence[Any]) -> RejectRow:
    first, last = datetime.fromisoformat(row[6]), datetime.fromisoformat(row[7])
    return RejectRow(row[0], row[1], row[2], row[3], row[4], row[5], first, last, row[8])


def _meta(topic: str, payload: bytes) -> Meta:
    message = decode(parse_topic(topic), payload)
    if not isinstance(message, Meta):
        raise StoreError(f"a {type(message).__name__} is stored as meta of {topic}")
    return message


def _health(topic: str, payload: bytes) -> Health:
    message = decode(parse_topic(topic), payload)
    if not isinstance(message, Health):
        raise StoreError(f"a {type(message).__name__} is stored as health of {topic}")
    return message
