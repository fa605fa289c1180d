"""A store's counts as columns: segments read a year of them, too many for a value each."""

from __future__ import annotations

from collections.abc import Sequence
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


@dataclass(slots=True)
class _Rows:
    windows: list[Window]
    counts: list[str]
    sd: list[float]


SQL_COUNTS = """
SELECT agent, channel, codebook, axes, window_start, window_end, counts, sd FROM releases
WHERE store = ? AND window_start >= ? AND window_start < ?"""


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
        self._vectors = msgspec.json.Decoder(list[list[int]])

    def of(
        self, store: str, *, since: datetime, until: datetime, channels: Sequence[str]
    ) -> list[Counts]:
        """Give a store's counts whose window starts in [since, until), of some channels.

        Args:
            store: one; a chain is read store by store.
            since: aware.
            until: aware.
            channels: at least one.
        """
        found: dict[tuple[str, str, str, str], _Rows] = {}
        with refusals():
            cursor = self._connection.execute(
                f"{SQL_COUNTS} AND channel IN ({', '.join('?' * len(channels))})"
                " ORDER BY window_start",
                (store, spelt(since), spelt(until), *channels),
            )
            for *group, start, end, counts, sd in cursor:
                rows = found.setdefault(tuple(group), _Rows([], [], []))
                rows.windows.append(self._window(start, end))
                rows.counts.append(counts)
                rows.sd.append(sd)
        return [self._columns(group, rows) for group, rows in found.items()]

    def _window(self, start: str, end: str) -> Window:
        known = self._windows.get((start, end))
        if known is None:
            known = datetime.fromisoformat(start), datetime.fromisoformat(end)
            self._windows[start, end] = known
        return known

    def _columns(self, group: tuple[str, str, str, str], rows: _Rows) -> Counts:
        agent, channel, codebook, axes = group
        return Counts(
            agent,
            channel,
            codebook,
            msgspec.json.decode(axes, type=tuple[Axis, ...]),
            tuple(rows.windows),
            np.array(self._vectors.decode(f"[{','.join(rows.counts)}]"), dtype=np.float64),
            np.array(rows.sd, dtype=np.float64),
        )
