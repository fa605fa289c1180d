"""A store's counts as columns: segments read a year of them, too many for a value each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec
import numpy as np
from numpy.typing import NDArray

from hub.store_io.connection import refusals, spelt
from hub.store_io.store import Store
from wire.messages import Axis

Window = tuple[datetime, datetime]
"""Its start and end, aware UTC."""


@dataclass(frozen=True, slots=True, eq=False)
class Counts:
    """Releases of one agent that count the same things, in window order.

    Attributes:
        counts: (windows, cells) noised, as released.
        sd: (windows,) of the noise on each count.
    """

    agent: str
    channel: str
    codebook: str
    axes: tuple[Axis, ...]
    windows: tuple[Window, ...]
    counts: NDArray[np.float64]
    sd: NDArray[np.float64]


TAKEN = 500
"""Rows whose counts are kept as text before they are read."""
SQL_COUNTS = """
SELECT store, agent, channel, codebook, axes, window_start, window_end, sd, counts FROM releases
WHERE window_start >= ? AND window_start < ?"""


class CountTables:
    """Reads the counts of an open database.

    Args:
        store: the database.

    Raises:
        StoreError: when the database refuses.
    """

    def __init__(self, store: Store) -> None:
        self._connection = store.connection
        # windows are the same in all stores: each is read once
        self._windows: dict[tuple[str, str], Window] = {}

    def of(
        self, store: str, *, since: datetime, until: datetime, channels: Sequence[str]
    ) -> list[Counts]:
        """Give a store's counts whose window starts in [since, until), of some channels.

        Args:
            store: one.
            since: aware.
            until: aware.
            channels: at least one.
        """
        found = self._read(
            f"{SQL_COUNTS} AND store = ?",
            (spelt(since), spelt(until), store),
            channels=channels,
        )
        return found.get(store, [])

    def of_all(
        self,
        *,
        since: datetime,
        until: datetime,
        channels: Sequence[str],
        alive: Callable[[], None] = lambda: None,
    ) -> dict[str, list[Counts]]:
        """Give the same of every store, in one pass over the file: faster than one by one.

        ``alive`` is called now and then meanwhile.
        """
        return self._read(SQL_COUNTS, (spelt(since), spelt(until)), channels=channels, alive=alive)

    def newest(self) -> datetime | None:
        """Give when the latest window of all began; None if nothing was counted yet."""
        with refusals():
            (at,) = self._connection.execute("SELECT MAX(window_start) FROM releases").fetchone()
        return None if at is None else datetime.fromisoformat(at)

    def _read(
        self,
        sql: str,
        values: Sequence[str],
        *,
        channels: Sequence[str],
        alive: Callable[[], None] = lambda: None,
    ) -> dict[str, list[Counts]]:
        groups: dict[tuple[str, ...], _Rows] = {}
        with refusals():
            cursor = self._connection.execute(
                f"{sql} AND channel IN ({', '.join('?' * len(channels))})", (*values, *channels)
            )
            for row in cursor:  # slices, as there are hundreds of thousands
                rows = groups.get(row[:5])
                if rows is None:
                    rows = groups[row[:5]] = _Rows()
                window = self._windows.get(row[5:7])
                if window is None:
                    window = self._windows[row[5:7]] = _window(*row[5:7])
                rows.windows.append(window)
                rows.sd.append(row[7])
                rows.texts.append(row[8])
                if len(rows.texts) == TAKEN:
                    rows.take()
                    alive()
        found: dict[str, list[Counts]] = {}
        for (store, *group), rows in groups.items():
            found.setdefault(store, []).append(rows.columns(*group))
        return found


class _Rows:
    """Rows of one group as they come; their counts are read some hundreds at a time."""

    def __init__(self) -> None:
        self.windows: list[Window] = []
        self.sd: list[float] = []
        self.texts: list[str] = []
        self._taken: list[NDArray[np.float64]] = []

    def take(self) -> None:
        vectors = msgspec.json.decode(f"[{','.join(self.texts)}]", type=list[list[int]])
        self._taken.append(np.array(vectors, dtype=np.float64))
        self.texts.clear()

    def columns(self, agent: str, channel: str, codebook: str, axes: str) -> Counts:
        if self.texts:
            self.take()
        order = sorted(range(len(self.windows)), key=self.windows.__getitem__)
        return Counts(
            agent,
            channel,
            codebook,
            msgspec.json.decode(axes, type=tuple[Axis, ...]),
            tuple(self.windows[number] for number in order),
            np.concatenate(self._taken)[order],
            np.array(self.sd, dtype=np.float64)[order],
        )


def _window(start: str, end: str) -> Window:
    return datetime.fromisoformat(start), datetime.fromisoformat(end)
