from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from hub.errors import StoreError
from hub.ingest.judging import Arrival, Key, Stored
from hub.store_io.counts import CountTables
from hub.store_io.store import Store
from wire.messages import DROPPED, Axis, Release

FIRST = datetime(2026, 3, 2, 9, tzinfo=UTC)
CELLS = ("0", "1", DROPPED)


def stored(
    seq: int, *, hour: int, channel: str = "cells", labels: tuple[str, ...] = CELLS
) -> Stored:
    start = FIRST + timedelta(hours=hour)
    release = Release(
        epoch="00000000deadbeef",
        seq=seq,
        channel=channel,  # type: ignore[arg-type]
        window_start=start,
        window_end=start + timedelta(hours=1),
        plan="plan-1",
        codebook="book-1",
        axes=(Axis("cell", labels),),
        counts=tuple(seq * 10 + n for n in range(len(labels))),
        sd=float(seq),
        rho=0.01,
        standard_privacy=True,
        coverage=1.0,
    )
    arrival = Arrival("aisle/v1/berlin-1/north/release", b"", start)
    return Stored(Key("berlin-1", "north", release.epoch, seq), release, str(seq), start, arrival)


def test_counts_come_as_columns_in_window_order(store: Store) -> None:
    store.commit([stored(1, hour=2), stored(2, hour=0), stored(3, hour=1), stored(4, hour=9)])
    (found,) = CountTables(store).of(
        "berlin-1", since=FIRST, until=FIRST + timedelta(hours=9), channels=("cells",)
    )
    assert (found.agent, found.channel, found.codebook) == ("north", "cells", "book-1")
    assert found.axes == (Axis("cell", CELLS),)
    assert [start.hour for start, _ in found.windows] == [9, 10, 11]
    assert found.windows[0][1] - found.windows[0][0] == timedelta(hours=1)
    assert np.array_equal(found.counts, [[20, 21, 22], [30, 31, 32], [10, 11, 12]])
    assert found.sd.tolist() == [2.0, 3.0, 1.0]


def test_all_stores_are_read_at_once_as_one_by_one(store: Store) -> None:
    many = [stored(seq, hour=(7 * seq) % 1200) for seq in range(1, 1200)]
    other = [stored(seq, hour=seq) for seq in range(1, 4)]
    store.commit([*many, *(replace(one, key=replace(one.key, store="paris-1")) for one in other)])
    period = {"since": FIRST, "until": FIRST + timedelta(days=60), "channels": ("cells",)}
    every = CountTables(store).of_all(**period)
    assert sorted(every) == ["berlin-1", "paris-1"]
    for name, (found,) in every.items():
        (one,) = CountTables(store).of(name, **period)
        assert found.windows == one.windows == tuple(sorted(one.windows))
        assert np.array_equal(found.counts, one.counts)
        assert np.array_equal(found.sd, one.sd)


def test_the_newest_window_is_known(store: Store) -> None:
    assert CountTables(store).newest() is None
    store.commit([stored(1, hour=9), stored(2, hour=30), stored(3, hour=1)])
    assert CountTables(store).newest() == FIRST + timedelta(hours=30)


def test_what_counts_otherwise_is_apart(store: Store) -> None:
    store.commit(
        [
            stored(1, hour=0),
            stored(2, hour=0, channel="day_cells"),
            stored(3, hour=1, labels=("0", DROPPED)),
            stored(4, hour=0, channel="zones"),
        ]
    )
    found = CountTables(store).of(
        "berlin-1", since=FIRST, until=FIRST + timedelta(days=1), channels=("cells", "day_cells")
    )
    assert sorted((one.channel, one.counts.shape) for one in found) == [
        ("cells", (1, 2)),
        ("cells", (1, 3)),
        ("day_cells", (1, 3)),
    ]
    nothing = CountTables(store).of("paris-1", since=FIRST, until=FIRST, channels=("cells",))
    assert nothing == []


def test_a_database_that_refuses_says_so(store: Store) -> None:
    store.connection.execute("DROP TABLE releases")
    with pytest.raises(StoreError):
        CountTables(store).of("berlin-1", since=FIRST, until=FIRST, channels=("cells",))
