"""Codebook counts of an agent as one table: a row for each window, a column for each cell."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from zoneinfo import ZoneInfo

import numpy as np

from hub.patterns.days import Daypart, daypart_at
from hub.segments.rules import Array, Ints, Values
from hub.store_io.counts import Counts, Window
from wire.codebook import Codebook
from wire.messages import DROPPED

WHOLE_DAY_PART = 0.98
"""Hours that make up this part of the day's own window are taken to be all of it."""


@dataclass(frozen=True, slots=True, eq=False)
class CellHours:
    """One agent's counts with one codebook, by the hour and by the day.

    The day's own counts bear noise once, the hours' sum as often as there are hours.

    Attributes:
        starts: beginning of each hourly window, in the store's zone, ascending.
        ordinals: (windows,) the calendar day it begins on, as ``date.toordinal`` numbers it.
        hours: (windows,) of the clock at its beginning.
        dayparts: its daypart's name.
        counts: (windows, cells) visits, noised.
        dropped: (windows,) visits in no cell, noised alike.
        variances: (windows,) of the noise on each count.
        lengths_s: (windows,)
        days: the days that were also counted by themselves, ascending.
        day_counts: (days, cells)
        day_dropped: (days,)
        day_variances: (days,)
        day_lengths_s: (days,)
    """

    store: str
    codebook: str
    starts: tuple[datetime, ...]
    ordinals: Ints
    hours: Ints
    dayparts: tuple[str, ...]
    counts: Array
    dropped: Array
    variances: Array
    lengths_s: Array
    days: tuple[date, ...]
    day_counts: Array
    day_dropped: Array
    day_variances: Array
    day_lengths_s: Array


Local = tuple[datetime, int, int, str, float]
"""A window's beginning in the stores' zone, its day's ordinal, its hour, its daypart, seconds."""


@dataclass(frozen=True, slots=True)
class Calendar:
    """By which stores tell the time; those that share one work each window out once.

    Attributes:
        dayparts: as ``hub.patterns.days.daypart_at`` takes them.
    """

    zone: ZoneInfo
    dayparts: tuple[Daypart, ...]
    _known: dict[Window, Local] = field(default_factory=dict, init=False, compare=False, repr=False)

    def local(self, window: Window) -> Local:
        """Tell a window as the stores do."""
        known = self._known.get(window)
        if known is None:
            start, end = window
            part = daypart_at(start, end=end, dayparts=self.dayparts, zone=self.zone)
            at = start.astimezone(self.zone)
            length_s = (end - start).total_seconds()
            known = self._known[window] = at, at.toordinal(), at.hour, part.name, length_s
        return known


@dataclass(frozen=True, slots=True, eq=False)
class _Columns:
    """Counts of one channel, agent, codebook and number of cells."""

    windows: tuple[Window, ...]
    counts: Array
    dropped: Array
    variances: Array


def cell_hours(counts: Iterable[Counts], *, store: str, calendar: Calendar) -> list[CellHours]:
    """Gather ``cells`` and ``day_cells``, by agent and codebook; other channels are ignored.

    Args:
        counts: of one store.
        store: whose they are.
        calendar: the store's.
    """
    parts: dict[tuple[str, str, int], dict[str, list[_Columns]]] = {}
    for one in counts:
        if one.channel not in ("cells", "day_cells"):
            continue
        placed = np.array([label != DROPPED for label in one.axes[0].labels], dtype=bool)
        counts, dropped = one.counts[:, placed], one.counts[:, ~placed].sum(axis=1)
        columns = _Columns(one.windows, counts, dropped, one.sd**2)
        both = parts.setdefault(
            (one.agent, one.codebook, counts.shape[1]), {"cells": [], "day_cells": []}
        )
        both[one.channel].append(columns)
    return [
        _table(
            store,
            codebook,
            hours=_in_order(both["cells"], size=size),
            days=_in_order(both["day_cells"], size=size),
            calendar=calendar,
        )
        for (_agent, codebook, size), both in parts.items()
    ]


def _in_order(parts: list[_Columns], *, size: int) -> _Columns:
    """Join what differs in how its cells are labelled only."""
    if len(parts) == 1:
        return parts[0]
    windows = [window for part in parts for window in part.windows]
    order = sorted(range(len(windows)), key=lambda number: windows[number][0])
    return _Columns(
        tuple(windows[number] for number in order),
        np.concatenate([np.zeros((0, size)), *(part.counts for part in parts)])[order],
        np.concatenate([np.zeros(0), *(part.dropped for part in parts)])[order],
        np.concatenate([np.zeros(0), *(part.variances for part in parts)])[order],
    )


def _table(
    store: str, codebook: str, *, hours: _Columns, days: _Columns, calendar: Calendar
) -> CellHours:
    rows = [calendar.local(window) for window in hours.windows]
    starts, ordinals, clock, dayparts, lengths_s = zip(*rows, strict=True) if rows else ((),) * 5
    daily = [calendar.local(window) for window in days.windows]
    return CellHours(
        store,
        codebook,
        starts,
        np.array(ordinals, dtype=np.int64),
        np.array(clock, dtype=np.int64),
        dayparts,
        hours.counts,
        hours.dropped,
        hours.variances,
        np.array(lengths_s, dtype=np.float64),
        tuple(start.date() for start, *_ in daily),
        days.counts,
        days.dropped,
        days.variances,
        np.array([length_s for *_, length_s in daily], dtype=np.float64),
    )


def cells_of(book: Codebook) -> list[Values]:
    """Tell what is known of each cell: its patterns, and its prototype's traits in their units."""
    return [
        {
            **{f"pattern.{name}": share for name, share in cell.patterns.items()},
            **{
                f"trait.{scaling.trait}": _unscaled(place, book=book, number=number)
                for number, (scaling, place) in enumerate(
                    zip(book.scaling, cell.prototype, strict=True)
                )
            },
        }
        for cell in book.cells
    ]


def _unscaled(place: float, *, book: Codebook, number: int) -> float:
    scaling = book.scaling[number]
    value = scaling.centre + scaling.spread * place
    return float(np.expm1(value)) if scaling.log else float(value)
