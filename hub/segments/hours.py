"""Codebook counts of an agent as one table: a row for each window, a column for each cell."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

import numpy as np

from hub.patterns.days import Daypart, daypart_of
from hub.segments.rules import Array, Values
from wire.codebook import Codebook
from wire.messages import DROPPED, Release

WHOLE_DAY_PART = 0.98
"""Hours that make up this part of the day's own window are taken to be all of it."""


@dataclass(frozen=True, slots=True, eq=False)
class CellHours:
    """One agent's counts with one codebook, by the hour and by the day.

    Those that were dropped are left out. The day's own counts bear noise once, the hours' sum as
    often as there are hours.

    Attributes:
        starts: beginning of each hourly window, in the store's zone, ascending.
        dayparts: its daypart's name.
        counts: (windows, cells) visits, noised.
        variances: (windows,) of the noise on each count.
        lengths_s: (windows,)
        days: the days that were also counted by themselves, ascending.
        day_counts: (days, cells)
        day_variances: (days,)
        day_lengths_s: (days,)
    """

    store: str
    codebook: str
    starts: tuple[datetime, ...]
    dayparts: tuple[str, ...]
    counts: Array
    variances: Array
    lengths_s: Array
    days: tuple[date, ...]
    day_counts: Array
    day_variances: Array
    day_lengths_s: Array


@dataclass(slots=True)
class _Rows:
    starts: list[datetime]
    parts: list[str]
    counts: list[list[int]]
    variances: list[float]
    lengths_s: list[float]


def cell_hours(
    releases: Iterable[tuple[str, Release]],
    *,
    store: str,
    zone: ZoneInfo,
    dayparts: Sequence[Daypart],
) -> list[CellHours]:
    """Gather ``cells`` and ``day_cells``, by agent and codebook; other channels are ignored.

    Args:
        releases: with the agent of each.
        store: whose they are.
        zone: the store's.
        dayparts: as ``hub.patterns.days.daypart_of`` takes them.
    """
    rows: dict[tuple[str, str, int], dict[str, _Rows]] = {}
    for agent, release in sorted(releases, key=lambda one: one[1].window_start):
        if release.channel not in ("cells", "day_cells"):
            continue
        labels = release.axes[0].labels
        placed = [n for n, label in zip(release.counts, labels, strict=True) if label != DROPPED]
        both = rows.setdefault(
            (agent, release.codebook, len(placed)),
            {name: _Rows([], [], [], [], []) for name in ("cells", "day_cells")},
        )
        kept = both[release.channel]
        kept.starts.append(release.window_start.astimezone(zone))
        hourly = release.channel == "cells"
        kept.parts.append(daypart_of(release, dayparts=dayparts, zone=zone).name if hourly else "")
        kept.counts.append(placed)
        kept.variances.append(release.sd**2)
        kept.lengths_s.append((release.window_end - release.window_start).total_seconds())
    return [
        _table(store, codebook, size=size, hours=both["cells"], days=both["day_cells"])
        for (_agent, codebook, size), both in rows.items()
    ]


def _table(store: str, codebook: str, *, size: int, hours: _Rows, days: _Rows) -> CellHours:
    return CellHours(
        store,
        codebook,
        tuple(hours.starts),
        tuple(hours.parts),
        np.array(hours.counts, dtype=np.float64).reshape(-1, size),
        np.array(hours.variances, dtype=np.float64),
        np.array(hours.lengths_s, dtype=np.float64),
        tuple(at.date() for at in days.starts),
        np.array(days.counts, dtype=np.float64).reshape(-1, size),
        np.array(days.variances, dtype=np.float64),
        np.array(days.lengths_s, dtype=np.float64),
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
