"""Shares of showroomers, wanderers and the indecisive, from codebook counts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from hub.patterns.shares import Estimate, Share, ShareParams, share, total
from wire.codebook import Codebook
from wire.messages import DROPPED, PATTERNS, Release


@dataclass(frozen=True, slots=True)
class CellSums:
    """Counts of one codebook's cells, added up over windows and agents.

    Attributes:
        codebook: version.
        counts: visits per cell, dropped ones left out.
        dropped: visits that could not be placed or released.
        variances: of the noise, per cell and for ``dropped``.
    """

    codebook: str
    counts: tuple[int, ...]
    variances: tuple[float, ...]
    dropped: int
    dropped_variance: float


@dataclass(frozen=True, slots=True)
class PatternShare:
    """One pattern's share of the visits."""

    name: str
    share: Share


@dataclass(frozen=True, slots=True)
class Patterns:
    """What the cells of a period say.

    Attributes:
        visits: all visits that were counted, dropped ones too.
        shares: one per pattern, of the visits that were placed.
    """

    visits: Estimate
    shares: tuple[PatternShare, ...]


@dataclass(slots=True)
class _Adding:
    counts: list[int]
    variances: list[float]
    dropped: int = 0
    dropped_variance: float = 0.0


def cells_of_days(releases: Iterable[Release]) -> list[Release]:
    """Give the daily counts, and the hourly ones of times that no daily one of that agent covers.

    A day's own count bears the noise once, the sum of its hours as often as there are hours.
    """
    given = list(releases)
    days = [release for release in given if release.channel == "day_cells"]

    def covered(hour: Release) -> bool:
        return any(
            day.epoch == hour.epoch
            and day.window_start <= hour.window_start
            and hour.window_end <= day.window_end
            for day in days
        )

    hours = (release for release in given if release.channel == "cells")
    return days + [hour for hour in hours if not covered(hour)]


def add_cells(releases: Iterable[Release]) -> list[CellSums]:
    """Add up counts of codebook cells by codebook version; other channels are ignored.

    Args:
        releases: of hours or of days, but not both of the same time: ``cells_of_days``.
    """
    sums: dict[tuple[str, int], _Adding] = {}
    for release in releases:
        if release.channel not in ("cells", "day_cells"):
            continue
        labels = release.axes[0].labels
        placed = [n for n, label in zip(release.counts, labels, strict=True) if label != DROPPED]
        size = len(placed)
        adding = sums.setdefault((release.codebook, size), _Adding([0] * size, [0.0] * size))
        variance = release.sd**2
        for index, count in enumerate(placed):
            adding.counts[index] += count
            adding.variances[index] += variance
        adding.dropped += sum(release.counts) - sum(placed)
        adding.dropped_variance += variance * (len(labels) - size)
    return [
        CellSums(version, tuple(a.counts), tuple(a.variances), a.dropped, a.dropped_variance)
        for (version, _size), a in sums.items()
    ]


def estimate_patterns(
    sums: Iterable[CellSums], *, codebooks: Mapping[str, Codebook], params: ShareParams
) -> Patterns:
    """Estimate visits and pattern shares over everything that was added up.

    Args:
        sums: from ``add_cells``; of several codebooks if one was replaced meanwhile.
        codebooks: by version.
        params: when a share is shown.
    """
    sums = list(sums)
    counts = [float(n) for one in sums for n in (*one.counts, one.dropped)]
    variances = [v for one in sums for v in (*one.variances, one.dropped_variance)]
    visits = total(counts, variances=variances, params=params)
    shares = [
        PatternShare(name, _pattern(sums, name, codebooks=codebooks, params=params))
        for name in PATTERNS
    ]
    return Patterns(visits, tuple(shares))


def _pattern(
    sums: list[CellSums], name: str, *, codebooks: Mapping[str, Codebook], params: ShareParams
) -> Share:
    weights: list[float] = []
    for one in sums:
        book = codebooks.get(one.codebook)
        if book is None or len(book.cells) != len(one.counts):
            return Share(
                None, None, None, f"codebook {one.codebook!r} of these counts is not known here"
            )
        weights += [cell.patterns.get(name, 0.0) for cell in book.cells]
    return share(
        [n for one in sums for n in one.counts],
        weights=weights,
        variances=[v for one in sums for v in one.variances],
        params=params,
    )
