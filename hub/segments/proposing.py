"""Looks through a chain's counts for segments nobody has named yet, and for a better codebook."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hub.errors import NoDataError
from hub.segments.chain import FIRST_DAY, LAST_DAY, Chain, definition_of, weighed
from hub.segments.clusters import ClusterParams, Tried, grouped, regrouped
from hub.segments.definition import Definition
from hub.segments.discovery import DiscoveryParams, Found, describe, grown
from hub.segments.hours import CellHours
from hub.segments.lloyd import LloydParams, Pooled, pool, step
from hub.segments.matching import Transition, transitions
from hub.segments.rules import Array, Values, compile_rule
from hub.segments.weighing import overlap
from hub.store_io.segments import SegmentRow
from hub.store_io.store import Store
from wire.codebook import Codebook

CLEAR_SD = 3.0
"""Standard deviations of the noise by which a cell must be above nothing to be in a group [D]."""


@dataclass(frozen=True, slots=True)
class Discovered:
    """What a search found.

    Attributes:
        proposals: as definitions, ready to be added.
        found: the same with what speaks for each.
        tried: every grouping of the cells, the most convincing first, believed or not.
        told: in words, what was searched and why there is nothing where there is nothing.
        became: of the groups before the recent days, among them; none where none are believed.
    """

    proposals: tuple[Definition, ...]
    found: tuple[Found, ...]
    tried: tuple[Tried, ...]
    told: str
    became: tuple[Transition, ...] = ()


def discover(
    chain: Chain,
    *,
    books: Sequence[Codebook],
    rows: Sequence[SegmentRow],
    recent_days: int = 14,
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
    became: tuple[Transition, ...] = ()
    if best is not None:
        periods = counts[:-recent_days].sum(axis=0), counts[-recent_days:].sum(axis=0)
        variances = float(noise[:-recent_days].sum()), float(noise[-recent_days:].sum())
        became = _became(book, periods, noise=variances, tried=tried, params=clustering)
        why = (
            f"One of {best.groups} groups by {best.method}: silhouette {best.silhouette:.2f} "
            f"against {best.null:.2f} of shuffled visits, again in other days {best.again:.2f}."
        )
        groups = [
            tuple(n for n, one in enumerate(best.cells) if one == group)
            for group in sorted(set(best.cells) - {-1})
        ]
        found += _described(groups, cells=cells, visits=total, why=why, params=chosen)
    kept = [one for one in found if not _known(one, chain=chain, rows=rows, params=chosen)]
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
    return Discovered(proposals, tuple(kept), tuple(tried), told, became)


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


def _became(
    book: Codebook,
    periods: tuple[Array, Array],
    *,
    noise: tuple[float, float],
    tried: Sequence[Tried],
    params: ClusterParams | None,
) -> tuple[Transition, ...]:
    """Group each period's visits by themselves, and match the groups."""
    names = []
    for when, visits, variance in zip(("before", "now"), periods, noise, strict=True):
        least = CLEAR_SD * variance**0.5
        cells = np.array(regrouped(book, visits, tried=tried, least=least, params=params))
        names.append(
            {
                f"{when}-{group}": (cells == group).astype(np.float64)
                for group in sorted(set(cells.tolist()) - {-1})
            }
        )
    return tuple(transitions(*names, visits_before=periods[0], visits_now=periods[1]))


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


def _known(
    one: Found, *, chain: Chain, rows: Sequence[SegmentRow], params: DiscoveryParams
) -> bool:
    """Tell whether a segment that is there holds much the same visits."""
    mine = [
        table
        for store in chain.stores
        for table in weighed(chain, compile_rule(one.rule), store=store)
    ]
    for row in rows:
        rule = compile_rule(definition_of(row).rule)
        paths = rule.names.paths
        if any(p.startswith("tag.") or p not in chain.names.terms for p in paths):
            continue
        other = [table for store in chain.stores for table in weighed(chain, rule, store=store)]
        if overlap(mine, other) >= params.same:
            return True
    return False
