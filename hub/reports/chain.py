"""Several stores side by side: a row for each, the chain they make, and who differs from it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from statistics import NormalDist
from typing import Literal

from hub.patterns.shares import Estimate, Share, ShareParams
from hub.patterns.zones import add_zones
from hub.reports.figures import Change, Z, change, variance_of
from hub.reports.period import PeriodData
from hub.reports.shelf import ENGAGED, STOPPED, rate
from hub.reports.summary import a_day
from hub.reports.trend import SHOPPED, Day, counted, days_of
from wire.messages import ChannelName

CHANNELS: tuple[ChannelName, ...] = ("cells", "day_cells", "zones")
"""What a chain's report is made of."""
FIGURES = ("stop_rate", "engagement", "conversion")
"""Rates of a store: over all its places with goods, or with goods and a reader."""
Side = Literal["above", "below", "like"]


@dataclass(frozen=True, slots=True)
class StoreRow:
    """One store's period.

    Attributes:
        visits: all that were counted.
        daily: by the day that brought counts; None where none did.
        figures: by name, of ``FIGURES`` and the patterns; None where no reader can tell.
        days: day by day.
        rho: what one way through the store costs at most.
        changes: since an earlier period, if one was asked for.
    """

    store: str
    visits: Estimate
    daily: Estimate | None
    coverage: float
    figures: dict[str, Share | None]
    days: tuple[Day, ...]
    simulated: bool
    standard_privacy: bool
    rho: float
    changes: tuple[Change, ...] = ()

    @property
    def days_with_data(self) -> int:
        """Give how many days brought counts."""
        return sum(day.visits is not None for day in self.days)


@dataclass(frozen=True, slots=True)
class Chain:
    """Several stores' period.

    Attributes:
        since: the first day; ``until`` the last.
        rows: busiest first.
        visits: of all stores together.
        figures: of all visits together, where ``told_by`` many stores tell.
        silent: stores that were asked for, and why nothing is told of them.
        against: first and last day of the earlier period.
    """

    since: date
    until: date
    rows: tuple[StoreRow, ...]
    visits: Estimate
    coverage: float
    figures: dict[str, Share]
    told_by: dict[str, int]
    silent: tuple[tuple[str, str], ...] = ()
    against: tuple[date, date] | None = None

    def side(self, row: StoreRow, figure: str) -> Side | None:
        """Tell whether a store differs from the chain beyond what chance makes of so many stores.

        In 19 of 20 chains of like stores none is said to differ (Bonferroni).
        """
        own, whole = row.figures.get(figure), self.figures.get(figure)
        if own is None or whole is None or None in (own.value, own.low, own.high, whole.value):
            return None
        reach = NormalDist().inv_cdf(1 - 0.025 / max(1, self.told_by[figure]))
        gap = own.value - whole.value  # type: ignore[operator] # none is None
        half = (own.high - own.low) / 2 / Z  # type: ignore[operator] # none is None
        spread = (half**2 + _variance(whole)) ** 0.5
        return "like" if abs(gap) <= reach * spread else "above" if gap > 0 else "below"

    @property
    def told(self) -> tuple[tuple[StoreRow, Change], ...]:
        """Give what changed in a store beyond what chance makes of so many, the clearest first."""
        every = [(row, one) for row in self.rows for one in row.changes if one.difference]
        least = NormalDist().inv_cdf(1 - 0.025 / max(1, len(every))) / Z
        found = [pair for pair in every if pair[1].clearness > least]
        return tuple(sorted(found, key=lambda pair: -pair[1].clearness))


def store_row(
    data: PeriodData, *, params: ShareParams, before: PeriodData | None = None
) -> StoreRow:
    """Work out one store's row.

    Args:
        data: its releases of ``CHANNELS``.
        params: when a share is shown.
        before: the same of an earlier period.
    """
    patterns = counted(data.releases, data=data, params=params)
    days, visits = days_of(data, params=params), patterns.visits
    there = sum(day.visits is not None for day in days)
    row = StoreRow(
        store=data.store,
        visits=visits,
        daily=Estimate(visits.value / there, visits.low / there, visits.high / there)
        if there
        else None,
        coverage=sum(day.coverage for day in days) / len(days),
        figures=_rates(data, params=params) | {one.name: one.share for one in patterns.shares},
        days=days,
        simulated=any(meta.simulated for meta in data.newest),
        standard_privacy=all(release.standard_privacy for release in data.releases)
        and all(meta.privacy.standard for meta in data.newest),
        rho=sum(meta.privacy.rho for meta in data.newest),
    )
    if before is None:
        return row
    return replace(row, changes=_changes(row, store_row(before, params=params)))


def chain_of(
    rows: Iterable[StoreRow],
    *,
    since: date,
    until: date,
    silent: Sequence[tuple[str, str]] = (),
    against: tuple[date, date] | None = None,
) -> Chain:
    """Put stores side by side; a chain's share weighs each store by its visits."""
    ordered = sorted(rows, key=lambda row: -(row.daily.value if row.daily else 0.0))
    value = sum(row.visits.value for row in ordered)
    half = Z * sum(variance_of(row.visits) for row in ordered) ** 0.5
    pooled, told_by = {}, {}
    for figure in dict.fromkeys(name for row in ordered for name in row.figures):
        pooled[figure], told_by[figure] = _pooled(ordered, figure)
    return Chain(
        since, until, tuple(ordered), Estimate(value, value - half, value + half),
        sum(row.coverage for row in ordered) / max(1, len(ordered)), pooled, told_by,
        tuple(silent), against,
    )  # fmt: skip


def _pooled(rows: Sequence[StoreRow], figure: str) -> tuple[Share, int]:
    told = [(row, row.figures.get(figure)) for row in rows]
    known = [
        (max(0.0, row.visits.value), one)
        for row, one in told
        if one is not None and one.value is not None
    ]
    weight = sum(visits for visits, _ in known)
    if weight <= 0:
        return Share(None, None, None, "no store tells it"), 0
    value = sum(visits * (one.value or 0.0) for visits, one in known) / weight
    half = Z * sum((visits / weight) ** 2 * _variance(one) for visits, one in known) ** 0.5
    return Share(value, value - half, value + half), len(known)


def _rates(data: PeriodData, *, params: ShareParams) -> dict[str, Share | None]:
    zones = data.zones
    shopped = [
        one
        for one in add_zones(data.releases)
        if one.zone in zones and zones[one.zone].kind in SHOPPED
    ]
    heard = {one.zone for one in shopped if zones[one.zone].has_reader}
    return {
        "stop_rate": rate(shopped, STOPPED, heard=heard, params=params),
        "engagement": rate(shopped, ENGAGED, heard=heard, params=params),
        "conversion": rate(
            [one for one in shopped if one.zone in heard], ("kept",), heard=heard, params=params
        ),
    }


def _changes(row: StoreRow, before: StoreRow) -> tuple[Change, ...]:
    then, now = (a_day(one.visits, days=one.days_with_data) for one in (before, row))
    found = [change("", "visits a day", before=then, now=now)]
    for name, share_now in row.figures.items():
        of, figure = ("", name) if name in FIGURES else (name, "pattern")
        found.append(change(of, figure, before=before.figures.get(name), now=share_now))
    return tuple(one for one in found if one is not None)


def _variance(one: Share) -> float:
    if one.value is None or one.low is None or one.high is None:
        return 0.0
    return variance_of(Estimate(one.value, one.low, one.high))
