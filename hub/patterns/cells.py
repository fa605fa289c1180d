"""Shares of the patterns, from codebook counts."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from hub.patterns.confusion import Confusion, shipped
from hub.patterns.quantify import QuantifyParams, quantify
from hub.patterns.shares import Estimate, Share, ShareParams, as_share, share, total
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
class Measured:
    """A corrected share and its error.

    Attributes:
        variance: of what is another error on another day: noise, and which cells visits fell into.
        lasting: variance of what the correction has wrong every day.
        visits: that were placed.
    """

    value: float
    variance: float
    lasting: float
    visits: float

    def shown(self, params: ShareParams) -> Share:
        """Give it with its interval."""
        half = params.z * (self.variance + self.lasting) ** 0.5
        return as_share(self.value, self.value - half, self.value + half, params=params)


@dataclass(frozen=True, slots=True)
class PatternShare:
    """One pattern's share of the visits.

    Attributes:
        measured: what a share that is corrected is made of, shown or too wide to be.
        corrected: for what the cells cannot tell of a visit; without a confusion of its codebook
            a share leans towards that of the visits the codebook was made from.
        of: what it is a share of.
    """

    name: str
    share: Share
    corrected: bool = False
    measured: Measured | None = None
    of: Literal["visits", "baskets"] = "visits"


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
    known: dict[str, tuple[list[datetime], list[datetime]]] = {}
    for day in sorted(days, key=lambda day: day.window_start):
        starts, ends = known.setdefault(day.epoch, ([], []))
        starts.append(day.window_start)
        ends.append(max([day.window_end, *ends[-1:]]))  # the latest of those begun by then

    def covered(hour: Release) -> bool:
        starts, ends = known.get(hour.epoch, ([], []))
        begun = bisect_right(starts, hour.window_start)
        return begun > 0 and hour.window_end <= ends[begun - 1]

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
    sums: Iterable[CellSums],
    *,
    codebooks: Mapping[str, Codebook],
    params: ShareParams,
    confusions: Mapping[str, Confusion] | None = None,
    quantifying: QuantifyParams | None = None,
) -> Patterns:
    """Estimate visits and pattern shares over everything that was added up.

    Args:
        sums: from ``add_cells``; of several codebooks if one was replaced meanwhile.
        codebooks: by version.
        params: when a share is shown.
        confusions: by codebook version, those that ship by default; one that was measured with
            another codebook of that name is not used.
        quantifying: how shares are corrected.
    """
    sums = list(sums)
    counts = [float(n) for one in sums for n in (*one.counts, one.dropped)]
    variances = [v for one in sums for v in (*one.variances, one.dropped_variance)]
    visits = total(counts, variances=variances, params=params)
    if confusions is None:
        found = {version: shipped(book) for version, book in codebooks.items()}
        confusions = {version: one for version, one in found.items() if one is not None}
    names = dict.fromkeys(
        (*PATTERNS, *(name for book in codebooks.values() for name in book.cells[0].patterns))
    )
    parts = [
        _Part.of(one, codebooks=codebooks, confusions=confusions, params=quantifying)
        for one in sums
    ]
    shares = [_pattern(parts, name, params=params) for name in names]
    return Patterns(visits, tuple(shares))


def corrected(
    counts: Sequence[float],
    *,
    variances: Sequence[float],
    confusion: Confusion,
    params: QuantifyParams | None = None,
) -> dict[str, Measured | str]:
    """Correct the shares of a confusion's patterns, or say why one is withheld.

    Args:
        counts: visits per cell of what the confusion is of; more than none together.
        variances: of the noise on each.
        confusion: how visits fall into the cells.
        params: how shares are corrected.
    """
    chosen = params or QuantifyParams()
    found = quantify(counts, variances=variances, confusion=confusion, params=chosen)
    if found.misfit > chosen.misfit:
        unlike = "visits here are unlike those the correction was measured on"
        return dict.fromkeys(confusion.axes, unlike)
    visits = float(sum(counts))
    return {
        axis: Measured(value, variance - lasting, lasting, visits)
        if told
        else "these counts tell too little of it"
        for axis, value, variance, lasting, told in zip(
            confusion.axes, found.shares, found.variances, found.lasting, found.told, strict=True
        )
    }


@dataclass(frozen=True, slots=True)
class _Part:
    """What one codebook's counts say; ``known`` without a book is empty."""

    sums: CellSums
    book: Codebook | None
    corrected: Mapping[str, Measured | str]

    @property
    def visits(self) -> float:
        return float(sum(self.sums.counts))

    @classmethod
    def of(
        cls,
        sums: CellSums,
        *,
        codebooks: Mapping[str, Codebook],
        confusions: Mapping[str, Confusion],
        params: QuantifyParams | None,
    ) -> _Part:
        book = codebooks.get(sums.codebook)
        if book is not None and len(book.cells) != len(sums.counts):
            book = None
        confusion = confusions.get(sums.codebook)
        usable = book is not None and confusion is not None and confusion.fits(book)
        if confusion is None or not usable or sum(sums.counts) <= 0:
            return cls(sums, book, {})
        found = corrected(sums.counts, variances=sums.variances, confusion=confusion, params=params)
        return cls(sums, book, found)


def _pattern(parts: Sequence[_Part], name: str, *, params: ShareParams) -> PatternShare:
    for part in parts:
        if part.book is None:
            why = f"codebook {part.sums.codebook!r} of these counts is not known here"
            return PatternShare(name, Share(None, None, None, why))
    visits = sum(part.visits for part in parts)
    noise = sum(sum(part.sums.variances) for part in parts)
    if visits <= 0 or visits < params.support_sd * noise**0.5:
        why = "too few visits for the privacy noise on them"
        return PatternShare(name, Share(None, None, None, why))
    if not all(name in part.corrected for part in parts):
        return PatternShare(name, _as_counted(parts, name, params=params))
    parted = []
    for part in parts:
        one = part.corrected[name]
        if isinstance(one, str):
            return PatternShare(name, Share(None, None, None, one), True)
        parted.append((part.visits / visits, one))
    measured = Measured(
        sum(weight * one.value for weight, one in parted),
        sum(weight**2 * one.variance for weight, one in parted),
        sum(weight**2 * one.lasting for weight, one in parted),
        visits,
    )
    return PatternShare(name, measured.shown(params), True, measured)


def _as_counted(parts: Sequence[_Part], name: str, *, params: ShareParams) -> Share:
    """Take each cell's own probability: right only where the mix of visits is the codebook's."""
    weights = [
        cell.patterns.get(name, 0.0)
        for part in parts
        if part.book is not None
        for cell in part.book.cells
    ]
    return share(
        [n for part in parts for n in part.sums.counts],
        weights=weights,
        variances=[v for part in parts for v in part.sums.variances],
        params=params,
    )
