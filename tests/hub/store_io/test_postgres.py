"""The hub's SQL is of the subset that PostgreSQL runs too: there each statement is prepared.

Skipped where no PostgreSQL is installed.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from hub.config import Retention
from hub.ingest.judging import Arrival, Ingest, read_arrival, refuse_unread
from hub.replay import replay
from hub.store_io.configs import ConfigTables, Scope
from hub.store_io.counts import CountTables
from hub.store_io.schema import STEPS, migrate
from hub.store_io.segments import SegmentEvent, SegmentRow, SegmentShare, SegmentTables
from hub.store_io.store import Link, Store
from hub.store_io.upkeep import purge
from wire.messages import Health, Meta, Release, Status

pytestmark = pytest.mark.slow

AT = datetime(2026, 3, 8, 1, tzinfo=UTC)
OF_SQLITE = ("PRAGMA", "BEGIN", "COMMIT", "ROLLBACK", "CREATE", "DROP")
"""What another database's connection would do in its own way, or what is tried as steps."""


class Recording(sqlite3.Connection):
    """Notes every statement it is given."""

    said: set[str]

    def execute(self, sql: str, *values: object) -> sqlite3.Cursor:  # type: ignore[override]
        self.said.add(sql)
        return super().execute(sql, *values)

    def executemany(self, sql: str, *values: object) -> sqlite3.Cursor:  # type: ignore[override]
        self.said.add(sql)
        return super().executemany(sql, *values)


@pytest.fixture
def statements(
    arrive: Callable[..., Arrival], a_day: Callable[..., list[Release]], meta: Meta
) -> set[str]:
    """Everything the hub says to its database."""
    with closing(sqlite3.connect(":memory:", isolation_level=None, factory=Recording)) as there:
        there.said = set()
        migrate(there)
        store = Store(there)
        _do_everything(store, arrive=arrive, a_day=a_day, meta=meta)
        found = {sql for sql in there.said if not sql.lstrip().startswith(OF_SQLITE)}
    return {sql for sql in found if "sqlite_master" not in sql}


def _do_everything(
    store: Store,
    *,
    arrive: Callable[..., Arrival],
    a_day: Callable[..., list[Release]],
    meta: Meta,
) -> None:
    health = Health(up_s=1, coverage=1.0, clock_synchronised=True, devices=())
    messages = [Status("online"), meta, health, *a_day(), *a_day()]
    ingest = Ingest(known=store.known([]), zones=store.plan_zones([("a", "b", "c")]))
    arrivals = [arrive(message) for message in messages]
    store.commit([d for a in arrivals for d in ingest.feed(read_arrival(a))])
    odd = refuse_unread(Arrival("aisle/v1/berlin-1/north/release", b"odd", AT), reason="odd")
    again = refuse_unread(arrive(a_day()[0]), reason="odd")
    store.commit([odd, again])
    store.known({d.key for d in map(read_arrival, arrivals) if hasattr(d, "key")})
    list(replay(store, store.rejects(), dry_run=False))
    store.reject(odd.sha256[:8])
    store.releases("berlin-1", since=AT, until=AT, channels=("cells", "zones"))
    store.releases("berlin-1", since=AT, until=AT)
    CountTables(store).of("berlin-1", since=AT, until=AT, channels=("cells", "tags"))
    CountTables(store).of_all(since=AT, until=AT, channels=("cells", "tags"))
    store.agents(now=AT)
    for ask in (store.stores, store.places, store.holdings, store.codebooks, store.ahead_s):
        ask()
    store.metas("berlin-1"), store.agents_of("berlin-1"), store.refused(since=AT)
    store.write_link(Link("connected", "", AT))
    store.retire("berlin-1", agent="north", at=AT)
    store.link()
    tables = ConfigTables(store)
    tables.publish(meta.codebook, scope=Scope("berlin-1"), at=AT)
    tables.tighten(0.05, scope=Scope(), at=AT)
    tables.tighten(None, scope=Scope(), at=AT)
    tables.wanted()
    segments = SegmentTables(store)
    event = SegmentEvent("", "weekend", 1, AT, "proposed")
    segments.add(SegmentRow("weekend", 1, "", "proposed", AT), event=event)
    segments.set_state("weekend", version=1, state="active")
    segments.write_shares([SegmentShare("berlin-1", "weekend", 1, AT.date(), 0.1, 0.1, 9.0)])
    segments.segments(), segments.versions("weekend"), segments.events("weekend")
    segments.shares("weekend", version=1)
    policy = Retention(releases_days=1, rejects_days=1)
    later = AT + timedelta(days=99)
    for dry_run in (True, False):
        purge(store, policy, now=later, dry_run=dry_run, progress=lambda _done, _all: None)


@pytest.fixture(scope="module")
def server() -> Iterator[Path]:
    """A PostgreSQL of its own, on a socket in this folder only."""
    binaries = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    found = binaries[-1] if binaries else shutil.which("initdb")
    if found is None or shutil.which("psql") is None:
        pytest.skip("no PostgreSQL is installed here")
    as_other: list[str] = []
    if os.geteuid() == 0:  # which PostgreSQL refuses
        if shutil.which("runuser") is None:
            pytest.skip("PostgreSQL does not run as root, and there is no runuser")
        as_other = ["runuser", "-u", "postgres", "--"]
    with TemporaryDirectory(prefix="hub-pg-") as name:
        folder = Path(name)
        if as_other:
            shutil.chown(folder, "postgres")
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": "/"}
        init = [*as_other, str(found), "-D", f"{name}/data", "-U", "hub", "-A", "trust", "-N"]
        subprocess.run(init, check=True, **quiet)  # type: ignore[call-overload]
        binary = str(Path(found).with_name("postgres"))
        options = ["-D", f"{name}/data", "-k", name, "-c", "listen_addresses=", "-F"]
        process = subprocess.Popen([*as_other, binary, *options], **quiet)  # type: ignore[call-overload]
        try:
            for _ in range(300):
                if not _psql(folder, "SELECT 1;").returncode:
                    break
                time.sleep(0.2)
            yield folder
        finally:
            pid = int((folder / "data" / "postmaster.pid").read_text().splitlines()[0])
            os.kill(pid, 2)  # fast shutdown
            process.wait(30)


def _psql(folder: Path, sql: str) -> subprocess.CompletedProcess[str]:
    command = ["psql", "-h", str(folder), "-U", "hub", "-d", "postgres", "-q", "-X"]
    return subprocess.run(
        [*command, "-v", "ON_ERROR_STOP=1"], input=sql, capture_output=True, text=True, check=False
    )


def _numbered(sql: str) -> str:
    first, *rest = sql.split("?")
    return first + "".join(f"${number}{part}" for number, part in enumerate(rest, start=1))


def test_steps_and_statements_run_on_postgresql(server: Path, statements: set[str]) -> None:
    assert len(statements) >= 45
    up = [sql for step in STEPS for sql in step.up]
    down = [sql for step in reversed(STEPS) for sql in step.down]
    prepared = [
        f"PREPARE s{number} AS {_numbered(sql)}" for number, sql in enumerate(sorted(statements))
    ]
    script = ["CREATE TABLE schema_steps (number BIGINT, name TEXT, applied_at TEXT)"]
    script += [*up, *prepared, *down, *up, *down]
    done = _psql(server, ";\n".join(script) + ";")
    assert done.returncode == 0, done.stderr
