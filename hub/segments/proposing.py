"""Looks through a chain's counts for segments nobody has named yet, and for a better codebook."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np

from hub.errors import NoDataError
from hub.segments.chain import FIRST_DAY, LAST_DAY, Chain, definition_of
from hub.segments.clusters import ClusterParams, Tried, grouped, regrouped
from hub.segments.definition import Definition
from hub.segments.discovery import DiscoveryParams, Found, describe, grown
from hub.segments.hours import CellHours
from hub.segments.life import ALIVE
from hub.segments.lloyd import LloydParams, Pooled, pool, step
from hub.segments.matching import Transition, transitions
from hub.segments.rules import Array, Values, compile_rule, weights
from hub.store_io.segments import SegmentRow
from hub.store_io.store import Store
from wire.codebook import Codebook

CLEAR_SD = 3.0
"""Standard deviations of the noise by which a cell must be above nothing to be in a group [D]."""
RECENT_DAYS = 14
BEFORE_DAYS = 28
"""What became of groups is told of the recent days against so many before [D]."""


@dataclass(frozen=True, slots=True)
class Discovered:
    """What a search found.

    Attributes:
        proposals: as definitions, ready to be added.
        found: the same with what speaks for each.
        tried: every grouping of the cells, the most convincing first, believed or not.
        told: in words, what was searched and why there is nothing where there is nothing.
        became: what the groups of the weeks before became in the recent days, by the segments that
            hold much the same visits; none where no groups are believed.
        recent: first and last of the recent days.
    """

    proposals: tuple[Definition, ...]
    found: tuple[Found, ...]
    tried: tuple[Tried, ...]
    told: str
    became: tuple[Transition, ...] = ()
    recent: tuple[date, date] = (date.min, date.min)


def discover(
    chain: Chain,
    *,
    books: Sequence[Codebook],
    rows: Sequence[SegmentRow],
    recent_days: int = RECENT_DAYS,
    params: DiscoveryParams | None = None,
    clustering: ClusterParams | None = None,
) -> Discovered:
    """Search all that is loaded.

    Args:
        chain: counts of some weeks.
        books: codebooks of its agents.
        rows: segments that are there, refused ones too: what is like them is not proposed.
        recent_days: what these hold more of than the days before is proposed as new.
        params: what is proposed.
        clustering: when groups are believed.

    Raises:
        NoDataError: there are too few days.
    """
    chosen = params or DiscoveryParams()
    book = _most_used(chain, books=books)
    days = _by_day(chain, codebook=book.version)
    if len(days) < 2 * recent_days:
        raise NoDataError(
            f"{len(days)} days of codebook {book.version!r}: {2 * recent_days} needed"
        )
    dates = sorted(days)
    counts = np.array([days[day][0] for day in dates])
    noise = np.array([days[day][1] for day in dates])
    tried = grouped(book, (counts[::2].sum(axis=0), counts[1::2].sum(axis=0)), params=clustering)
    cells = chain.names.cells[book.version]
    found: list[Found] = []
    more = grown(
        counts[:-recent_days].sum(axis=0),
        counts[-recent_days:].sum(axis=0),
        variance_before=float(noise[:-recent_days].sum()),
        variance_now=float(noise[-recent_days:].sum()),
        params=chosen,
    )
    total = counts.sum(axis=0)
    if more:
        why = f"grew in the last {recent_days} days (cells {', '.join(map(str, more))})."
        found += _described([more], cells=cells, visits=total, why=why, params=chosen)
    best = tried[0] if tried and tried[0].believed(clustering or ClusterParams()) else None
    lines: _Lines | None = None
    if best is not None:
        why = (
            f"One of {best.groups} groups by {best.method}: silhouette {best.silhouette:.2f} "
            f"against {best.null:.2f} of shuffled visits, again in other days {best.again:.2f}."
        )
        groups = [
            tuple(n for n, one in enumerate(best.cells) if one == group)
            for group in sorted(set(best.cells) - {-1})
        ]
        found += _described(groups, cells=cells, visits=total, why=why, params=chosen)
        parts = slice(-recent_days - BEFORE_DAYS, -recent_days), slice(-recent_days, None)
        lines = _Lines.of(
            book,
            [counts[part].sum(axis=0) for part in parts],
            noise=[float(noise[part].sum()) for part in parts],
            tried=tried,
            params=clustering,
        )
        why = f"Came in the last {recent_days} days, in which visits group otherwise than before."
        found += _described(lines.new, cells=cells, visits=lines.visits[1], why=why, params=chosen)
    there = list(_weights([definition_of(row) for row in rows], cells=cells).values())
    kept: list[Found] = []
    for one in found:
        mine = np.isin(np.arange(len(cells)), one.cells).astype(np.float64)
        if all(_alike(mine, other, total) < chosen.same for other in there):
            kept.append(one)
            there.append(mine)
    taken = {row.segment for row in rows}
    names = [name for n in range(1, 1_000) if (name := f"found-{n}") not in taken]
    told = (
        f"{len(dates)} days, {float(total.sum()):.0f} visits, {len(book.cells)} cells; "
        f"{'cells grew' if more else 'no cell grew'}; "
        + (
            f"{best.groups} groups by {best.method}"
            if best
            else "no grouping beats shuffled visits and is found again in other days"
        )
        + (
            f"; {len(found) - len(kept)} like segments that are there"
            if len(found) > len(kept)
            else ""
        )
    )
    proposals = tuple(one.definition(name) for one, name in zip(kept, names, strict=False))
    became: tuple[Transition, ...] = ()
    if lines is not None:
        known = [definition_of(row) for row in rows if row.state in ALIVE]
        named = _weights([*known, *proposals], cells=cells)
        became = lines.named(named, same=chosen.same)
    recent = date.fromordinal(dates[-recent_days]), date.fromordinal(dates[-1])
    return Discovered(proposals, tuple(kept), tuple(tried), told, became, recent)


def bettered(
    opened: Store, *, book: Codebook, version: str, params: LloydParams | None = None
) -> tuple[Codebook, list[str]]:
    """Take one private Lloyd step over everything that is retained of a codebook.

    Returns:
        The new codebook, to be measured and then published, and what was done, in words.
    """
    releases = (
        row.release
        for store in opened.stores()
        for row in opened.releases(
            store, since=FIRST_DAY, until=LAST_DAY, channels=("day_cells", "sums")
        )
    )
    pooled: Pooled = pool(releases, book=book)
    if pooled.counts.sum() <= 0:
        raise NoDataError(f"no day of codebook {book.version!r} is stored")
    return step(book, pooled, version=version, params=params)


def books_of(opened: Store) -> list[Codebook]:
    """Give every codebook an agent ever told of."""
    found = {
        meta.codebook.version: meta.codebook
        for store in opened.stores()
        for several in opened.metas(store).values()
        for meta in several
    }
    return list(found.values())


@dataclass(frozen=True, slots=True, eq=False)
class _Lines:
    """Groups of two periods, each period's visits grouped by themselves, and their lines.

    Attributes:
        groups: by period, the weight of each cell by the group's name.
        visits: by period, in each cell.
        became: what the groups of the first became in the second.
    """

    groups: tuple[dict[str, Array], dict[str, Array]]
    visits: tuple[Array, Array]
    became: tuple[Transition, ...]

    @classmethod
    def of(
        cls,
        book: Codebook,
        visits: Sequence[Array],
        *,
        noise: Sequence[float],
        tried: Sequence[Tried],
        params: ClusterParams | None,
    ) -> _Lines:
        before, now = (
            _grouped(name, book, counts, variance=variance, tried=tried, params=params)
            for name, counts, variance in zip(("before", "now"), visits, noise, strict=True)
        )
        became = transitions(before, now, visits_before=visits[0], visits_now=visits[1])
        return cls((before, now), (visits[0], visits[1]), tuple(became))

    @property
    def new(self) -> list[tuple[int, ...]]:
        """Give the cells of the second period's groups that were none in the first."""
        names = [name for one in self.became if one.kind != "survived" for name in one.now]
        return [tuple(np.flatnonzero(self.groups[1][name]).tolist()) for name in names]

    def named(self, segments: Mapping[str, Array], *, same: float) -> tuple[Transition, ...]:
        """Call groups by the segments that hold much the same visits."""
        names: list[dict[str, str]] = []
        for groups, visits in zip(self.groups, self.visits, strict=True):
            names.append({})
            for group, mine in groups.items():
                alike = {one: _alike(mine, other, visits) for one, other in segments.items()}
                best = max(alike, key=lambda one: alike[one], default="")
                names[-1][group] = best if alike.get(best, 0.0) >= same else group
        return tuple(
            replace(
                one,
                before=tuple(names[0][group] for group in one.before),
                now=tuple(names[1][group] for group in one.now),
            )
            for one in self.became
        )


def _grouped(
    name: str,
    book: Codebook,
    visits: Array,
    *,
    variance: float,
    tried: Sequence[Tried],
    params: ClusterParams | None,
) -> dict[str, Array]:
    least = CLEAR_SD * variance**0.5
    cells = np.array(regrouped(book, visits, tried=tried, least=least, params=params))
    return {
        f"{name}-{group}": (cells == group).astype(np.float64)
        for group in sorted(set(cells.tolist()) - {-1})
    }


def _alike(one: Array, other: Array, visits: Array) -> float:
    """Give what part of the visits in either of two is in both."""
    counted = np.maximum(visits, 0.0)
    either = float((np.maximum(one, other) * counted).sum())
    return float((np.minimum(one, other) * counted).sum()) / either if either > 0 else 0.0


def _weights(definitions: Sequence[Definition], *, cells: Sequence[Values]) -> dict[str, Array]:
    """Give what part of each cell is in each segment; of those that ask for cells alone."""
    known = set.intersection(*map(set, cells))
    found = {}
    for one in definitions:
        rule = compile_rule(one.rule)
        if rule.names.paths and known.issuperset(rule.names.paths):
            found[one.id] = weights(rule, cells=cells, contexts=[{}])[0]
    return found


def _most_used(chain: Chain, *, books: Sequence[Codebook]) -> Codebook:
    visits = {
        book.version: sum(
            float(table.day_counts.sum() or table.counts.sum())
            for one in chain.stores.values()
            for table in one.hours
            if table.codebook == book.version
        )
        for book in books
    }
    best = max(visits, key=lambda version: visits[version], default="")
    if not best or visits[best] <= 0:
        raise NoDataError("no visits are stored")
    return next(book for book in books if book.version == best)


def _by_day(chain: Chain, *, codebook: str) -> dict[int, tuple[Array, float]]:
    """Add up each day over stores and agents: visits per cell, and the noise on each."""
    days: dict[int, tuple[Array, float]] = {}
    for one in chain.stores.values():
        for table in one.hours:
            if table.codebook == codebook:
                for ordinal, counts, noise in _daily(table):
                    before = days.get(ordinal, (np.zeros(counts.shape[0]), 0.0))
                    days[ordinal] = (before[0] + counts, before[1] + noise)
    return days


def _daily(table: CellHours) -> list[tuple[int, Array, float]]:
    rows = [
        (day.toordinal(), counts, float(variance))
        for day, counts, variance in zip(
            table.days, table.day_counts, table.day_variances, strict=True
        )
    ]
    whole = {ordinal for ordinal, _, _ in rows}
    for ordinal in sorted(set(table.ordinals.tolist()) - whole):
        mine = table.ordinals == ordinal
        rows.append((ordinal, table.counts[mine].sum(axis=0), float(table.variances[mine].sum())))
    return rows


def _described(
    groups: Sequence[tuple[int, ...]],
    *,
    cells: Sequence[Values],
    visits: Array,
    why: str,
    params: DiscoveryParams,
) -> list[Found]:
    found = [
        describe(group, cells=cells, visits=visits, why=why, params=params) for group in groups
    ]
    return [one for one in found if one is not None]
