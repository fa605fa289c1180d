"""A year of 100 stores in the hub's database: its size, and how long reports wait for it.

Run: ``python tests/bench/bench_hub.py [--stores 100] [--days 365] [--db FILE]``. With ``--db`` the
database is kept, and used again if it is there. Releases are made up (all ten channels, a floor of
600 m², noise and small numbers) but go through the hub's own writer; each figure is taken in a
process of its own, the file dropped from the page cache before, so its peak memory is its own.
Nothing is asserted: machines differ. ``of CPU`` is processor time, which a busy machine stretches
less than the clock.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import os
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from hub.config import Retention
from hub.ingest.judging import Arrival, Key, Noted, Stored
from hub.store_io.store import Store
from hub.store_io.upkeep import backup, purge
from wire.codebook import default_codebook
from wire.codec import encode
from wire.messages import (
    DROPPED,
    OUTCOMES,
    PARTY,
    SEEN,
    Axis,
    Channel,
    Meta,
    Privacy,
    Release,
    Zone,
)
from wire.topics import Topic

FIRST = datetime(2025, 3, 1, tzinfo=UTC)
OPEN_HOURS = range(9, 20)
BOOK = default_codebook()
ZONES = (*(f"aisle-{n}" for n in range(1, 11)), "promo", "till", "entrance", "exit")
DAYPARTS = ("morning", "noon", "afternoon", "evening")
CELLS = (*(str(k) for k in range(len(BOOK.cells))), DROPPED)
AXES = {
    "cells": (Axis("cell", CELLS),),
    "day_cells": (Axis("cell", CELLS),),
    "sums": (
        Axis("cell", CELLS[:-1]),
        Axis("trait", tuple(scaling.trait for scaling in BOOK.scaling)),
    ),
    "zones": (Axis("zone", ZONES[:11]), Axis("daypart", DAYPARTS), Axis("outcome", OUTCOMES)),
    "walked": tuple(
        Axis(name, tuple(map(str, range(n)))) for name, n in (("north_m", 30), ("east_m", 20))
    ),
    "flow": (Axis("zone", ZONES), Axis("to_zone", ZONES)),
    "goods": (Axis("goods", tuple(f"class-{n}" for n in range(20))), Axis("outcome", OUTCOMES[3:])),
    "tags": (Axis("tag", tuple(f"tag-{n}" for n in range(8))),),
    "visits": (Axis("seen", SEEN), Axis("party", PARTY)),
}
AXES["stood"] = AXES["walked"]
DRAWN = 64
"""Different vectors of counts in each channel."""
MEASURES = (
    "store-week",
    "month-of-1",
    "month-of-10",
    "month-of-100",
    "chain-year-cells",
    "status",
    "stores",
    "purge-dry-run",
    "backup",
)


def main() -> None:
    """Fill, measure, print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stores", type=int, default=100)
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--db", type=Path)
    parser.add_argument("--measure", choices=MEASURES)
    asked = parser.parse_args()
    if asked.measure:
        print(json.dumps(measured(asked.db, asked.measure, days=asked.days)))
        return
    with contextlib.ExitStack() as stack:
        path = asked.db
        if path is None:
            path = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "year.db"
        if not path.exists():
            begun_s = time.perf_counter()
            releases = fill(path, stores=asked.stores, days=asked.days)
            took_s = time.perf_counter() - begun_s
            print(
                f"filled: {releases} releases in {took_s:.0f} s, {releases / took_s:.0f} a second"
            )
        with contextlib.closing(sqlite3.connect(path)) as db:
            (rows,) = db.execute("SELECT COUNT(*) FROM releases").fetchone()
        size = path.stat().st_size
        print(f"size: {size / 1e6:.0f} MB for {rows} releases, {size / rows:.0f} bytes each")
        print(f"{'':<18}{'seconds':>8}{'of CPU':>8}{'rows':>9}{'peak MB':>9}")
        for name in MEASURES:
            command = [sys.executable, __file__, "--db", str(path), "--measure", name]
            done = subprocess.run(
                [*command, "--days", str(asked.days)], check=True, capture_output=True, text=True
            )
            got = json.loads(done.stdout)
            print(
                f"{name:<18}{got['seconds']:>8.2f}{got['cpu']:>8.2f}{got['rows']:>9}{got['peak_mb']:>9.0f}"
            )


def fill(path: Path, *, stores: int, days: int) -> int:
    """Write made-up releases through the hub's own writer, in the order in which they arrive."""
    vectors = Vectors()
    made = 0
    with Store.create(path, busy_ms=2000) as store:
        names = [f"store-{number:03d}" for number in range(stores)]
        store.commit([noted(name) for name in names])
        for day in range(days):
            start = FIRST + timedelta(days=day)
            batch = [
                stored(name, release)
                for name in names
                for release in a_day(20 * day, start=start, vectors=vectors)
            ]
            batch.sort(key=lambda item: item.arrival.received_at)
            store.commit(batch)
            made += len(batch)
        store.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return made


class Vectors:
    """Counts of each channel, drawn once and used again, or drawing would take longest."""

    def __init__(self) -> None:
        self._rng = np.random.default_rng(1)
        self._made: dict[str, list[tuple[int, ...]]] = {}

    def one(self, channel: str, *, mean: float, sd: float) -> tuple[int, ...]:
        if channel not in self._made:
            shape = DRAWN, int(np.prod([len(axis.labels) for axis in AXES[channel]]))
            drawn = np.rint(self._rng.poisson(mean, shape) + self._rng.normal(0, sd, shape))
            self._made[channel] = [tuple(row) for row in drawn.astype(int).tolist()]
        return self._made[channel][self._rng.integers(DRAWN)]


def a_day(seq: int, *, start: datetime, vectors: Vectors) -> Iterator[Release]:
    """Make a trading day's releases: eleven hours of cells, and nine channels of the day."""
    for hour in OPEN_HOURS:
        seq += 1
        begins = start + timedelta(hours=hour)
        counts = vectors.one("cells", mean=14, sd=7.1)
        yield release("cells", seq, begins, hours=1, counts=counts, sd=7.1)
    for channel, mean, sd in (
        ("day_cells", 150, 5.6),
        ("sums", 0, 850.0),
        ("zones", 60, 13.1),
        ("walked", 200, 67.6),
        ("stood", 40, 23.9),
        ("flow", 50, 27.4),
        ("goods", 30, 22.4),
        ("tags", 100, 22.4),
        ("visits", 300, 12.9),
    ):
        seq += 1
        counts = vectors.one(channel, mean=mean, sd=sd)
        yield release(channel, seq, start + timedelta(hours=9), hours=11, counts=counts, sd=sd)


def release(
    channel: Any, seq: int, start: datetime, *, hours: int, counts: tuple[int, ...], sd: float
) -> Release:
    return Release(
        epoch="00000000deadbeef",
        seq=seq,
        channel=channel,
        window_start=start,
        window_end=start + timedelta(hours=hours),
        plan="plan-1",
        codebook=BOOK.version if channel in {"cells", "day_cells", "sums"} else "",
        axes=AXES[channel],
        counts=counts,
        sd=sd,
        rho=0.01,
        standard_privacy=True,
        coverage=0.97,
    )


def stored(store: str, made: Release) -> Stored:
    at = made.window_end + timedelta(minutes=5)
    digest = hashlib.sha256(f"{store}{made.seq}".encode()).hexdigest()
    arrival = Arrival(str(Topic(store, "north", "release")), b"", at)
    return Stored(Key(store, "north", made.epoch, made.seq), made, digest, at, arrival)


def noted(store: str) -> Noted:
    topic = Topic(store, "north", "meta")
    box = ((0.0, 0.0), (20.0, 0.0), (20.0, 30.0), (0.0, 30.0))
    meta = Meta(
        version="0.1.0",
        config_hash="bench",
        plan="plan-1",
        timezone="UTC",
        opens="09:00",
        closes="20:00",
        outline=box,
        zones=tuple(Zone(zone, "aisle", zone, box) for zone in ZONES),
        fixtures=(),
        dayparts=DAYPARTS,
        codebook=BOOK,
        privacy=Privacy(0.1, 2.1, 1e-6, True, (Channel("cells", "hour", 1, 0.01, 7.1),)),
        simulated=True,
        daypart_starts=("09:00", "12:00", "14:00", "17:00"),
    )
    payload = encode(topic, meta, event_id="1", time=FIRST)
    return Noted(topic, meta, FIRST, Arrival(str(topic), payload, FIRST))


def measured(path: Path, name: str, *, days: int) -> dict[str, float]:
    """Take one figure in this process."""
    with path.open("rb") as file:
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    end = FIRST + timedelta(days=days)
    begun_s, begun_cpu_s = time.perf_counter(), time.process_time()
    with Store.open(path, busy_ms=2000) as store:
        rows = run(store, name, end=end)
    took_s = time.perf_counter() - begun_s
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    cpu_s = time.process_time() - begun_cpu_s
    return {"seconds": took_s, "cpu": cpu_s, "rows": rows, "peak_mb": peak_mb}


def run(store: Store, name: str, *, end: datetime) -> int:
    if name == "store-week":
        return add_up(store, [store.stores()[0]], since=end - timedelta(days=7), until=end)
    if name.startswith("month-of-"):
        names = store.stores()[: int(name.rpartition("-")[2])]
        return add_up(store, names, since=end - timedelta(days=30), until=end)
    if name == "chain-year-cells":
        return add_up(store, store.stores(), since=FIRST, until=end, channels=("cells",))
    if name in {"status", "stores"}:
        return len(store.agents(now=end) if name == "status" else store.holdings())
    if name == "purge-dry-run":
        policy = Retention(releases_days=300)
        gone = purge(store, policy, now=end, dry_run=True, progress=lambda _done, _all: None)
        return sum(gone.values())
    with tempfile.TemporaryDirectory() as folder:
        made = backup(store, Path(folder) / "b.db", progress=lambda _done, _all: None)
    return made.releases


def add_up(
    store: Store,
    names: list[str],
    *,
    since: datetime,
    until: datetime,
    channels: tuple[str, ...] = (),
) -> int:
    """Read as a report does: store by store, every release into its channel's sums."""
    rows: Counter[str] = Counter()
    for name in names:
        sums: dict[str, np.ndarray] = {}
        for row in store.releases(name, since=since, until=until, channels=channels):
            channel, counts = row.release.channel, np.array(row.release.counts)
            sums[channel] = sums[channel] + counts if channel in sums else counts
            rows[channel] += 1
    return rows.total()


if __name__ == "__main__":
    main()
