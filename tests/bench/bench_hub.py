"""A year of stores in the hub's database: ingest, reports and replay beside it, and what they take.

Run: ``python tests/bench/bench_hub.py [--full] [--stores 10] [--days 365] [--ingest 4000]``;
``--full`` is 100 stores. Releases are made up (all ten channels, a floor of 600 m², noise) but go
through the hub's own writer; the database is kept in the folder for temporary files, or as ``--db``
says, and used again. Every figure is one command of ``aisle-hub`` in a process of its own, from its
start to its end, the database dropped from the page cache before. Nothing is asserted: machines
differ. ``of CPU`` is processor time, which a busy machine stretches less than the clock.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from hub.ingest.judging import Arrival, Key, Noted, Stored
from hub.store_io.schema import NEWEST
from hub.store_io.store import Store
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

ROOT = Path(__file__).resolve().parents[2]
AISLE_HUB = Path(sys.executable).with_name("aisle-hub")
NAME = "store-{:03d}"
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
OLD_RULE = "pattern.showroomer > 0.6 && context.weekday in ['sat', 'sun']"
NEW_RULE = f"{OLD_RULE} && context.hour >= 17"


@dataclass(frozen=True)
class Figure:
    """One command and what is asked of it.

    Attributes:
        asked_s: seconds, where the issue names them.
    """

    name: str
    arguments: tuple[str, ...]
    asked_s: float | None = None


def main() -> None:
    """Fill, measure, print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true", help="100 stores")
    parser.add_argument("--stores", type=int, default=10)
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--ingest", type=int, default=4000, help="releases taken in; 0 for none")
    parser.add_argument("--db", type=Path)
    asked = parser.parse_args()
    stores = 100 if asked.full else asked.stores
    kept = f"aislewise-bench-{NEWEST}-{stores}x{asked.days}.db"
    path = asked.db or Path(tempfile.gettempdir()) / kept
    # as deploy/make-venv does; without, each command compiles anew what a tool forbids to keep
    subprocess.run([sys.executable, "-m", "compileall", "-q", "hub", "wire"], check=True, cwd=ROOT)
    if not path.exists():
        making = path.with_suffix(".making")
        making.unlink(missing_ok=True)
        begun_s = time.perf_counter()
        releases = fill(making, stores=stores, days=asked.days)
        took_s = time.perf_counter() - begun_s
        making.rename(path)
        print(f"filled: {releases} releases in {took_s:.0f} s, {releases / took_s:.0f} a second")
    with contextlib.closing(sqlite3.connect(path)) as db:
        (rows,) = db.execute("SELECT COUNT(*) FROM releases").fetchone()
    size = path.stat().st_size
    print(f"{path}: {size / 1e6:.0f} MB for {rows} releases, {size / rows:.0f} bytes each")
    if asked.ingest:
        ingest = [sys.executable, str(Path(__file__).with_name("bench_ingest.py"))]
        subprocess.run([*ingest, str(asked.ingest), "--db", str(path)], check=True)
    with tempfile.TemporaryDirectory() as folder:
        edited(path, folder=Path(folder))
        print(f"{'':<28}{'seconds':>8}{'asked':>7}{'of CPU':>8}{'peak MB':>9}")
        for figure in figures(Path(folder), stores=stores, days=asked.days):
            took_s, cpu_s, peak_mb = measured(path, figure)
            limit = f"{figure.asked_s:.0f}" if figure.asked_s else ""
            print(f"{figure.name:<28}{took_s:>8.2f}{limit:>7}{cpu_s:>8.2f}{peak_mb:>9.0f}")


def figures(folder: Path, *, stores: int, days: int) -> Iterator[Figure]:
    """Give the commands; reports and replay of 1, 10, 100 stores, as far as there are so many."""
    last = FIRST.date() + timedelta(days=days - 1)
    week = ("--from", str(last - timedelta(days=6)), "--to", str(last))
    month = ("--from", str(last - timedelta(days=27)), "--to", str(last))
    page = ("--out", str(folder / "page.html"))
    yield Figure("report, a store-week", ("report", "--store", NAME.format(0), *week, *page), 1)
    several = [number for number in (1, 10, 100) if number <= stores]
    for number in several:
        among = tuple(word for n in range(number) for word in ("--store", NAME.format(n)))
        yield Figure(f"report, month of {number}", ("report", *among, *month, *page), 5)
    for number in several:
        among = tuple(word for n in range(number) for word in ("--store", NAME.format(n)))
        yield Figure(f"replay, year of {number}", ("segments", "replay", "bench", *among), 10)
    yield Figure("segments look", ("segments", "look"))
    yield Figure("status", ("status",))
    yield Figure("stores", ("stores",))
    config = folder / "hub.toml"
    age = (datetime.now(tz=UTC) - FIRST).days
    config.write_text(f"[retention]\nreleases_days = {age - days // 6}\n")
    yield Figure("purge, a sixth, dry run", ("db", "purge", "--dry-run", "--config", str(config)))
    yield Figure("backup", ("db", "backup", str(folder / "backup.db")))


def measured(path: Path, figure: Figure) -> tuple[float, float, float]:
    """Run a command; give its seconds, those of the processor, and its peak memory in MB."""
    with path.open("rb") as file:
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    begun_s = time.perf_counter()
    command = [str(AISLE_HUB), *figure.arguments, "--db", str(path)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        assert process.stderr is not None
        told = process.stderr.read()
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)}: {told.decode()}")
    took_s = time.perf_counter() - begun_s
    return took_s, used.ru_utime + used.ru_stime, used.ru_maxrss / 1000


def edited(path: Path, *, folder: Path) -> None:
    """Have a segment that was changed, if it is not there yet."""
    file = folder / "bench.toml"
    file.write_text(f'[[segment]]\nid = "bench"\nname = "Bench"\nrule = "{OLD_RULE}"\n')
    for words in (("add", str(file)), ("edit", "bench", "--rule", NEW_RULE)):
        # fails where it was done before
        command = [str(AISLE_HUB), "segments", *words, "--db", str(path)]
        subprocess.run(command, check=False, capture_output=True)


def fill(path: Path, *, stores: int, days: int) -> int:
    """Write made-up releases through the hub's own writer, in the order in which they arrive."""
    vectors = Vectors()
    made = 0
    with Store.create(path, busy_ms=2000) as store:
        names = [NAME.format(number) for number in range(stores)]
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


if __name__ == "__main__":
    main()
