"""What a change of one place's goods did to its figures, beside places nothing was done to."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Self

import numpy as np
from scipy.special import bdtrc

from hub.errors import NoDataError
from hub.patterns.cells import add_cells, cells_of_days
from hub.patterns.shares import Estimate
from hub.patterns.zones import NEED_READER, add_zones
from hub.reports.beside import (
    Array,
    Beside,
    Bools,
    Course,
    Daily,
    Design,
    Place,
    PlanogramParams,
    Pooled,
    alike,
    pretended,
)
from hub.reports.figures import Verdict, Z
from hub.reports.period import PeriodData
from hub.reports.shelf import ENGAGED
from hub.reports.tidy import Row
from hub.reports.trend import SHOPPED, WEEK
from wire.messages import OUTCOMES, Release

FIGURES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "engagement": (ENGAGED, OUTCOMES),
    "exposure": (OUTCOMES, ()),
    "long_stops": (ENGAGED, ("short_stop", *ENGAGED)),
    "closure": (("kept",), ENGAGED),
    "conversion": (("kept",), OUTCOMES),
}
"""Outcomes of a share's part and of its whole; without a whole, all visits to the store.

The first one is what is asked; seconds of standing are not released by place, so that the share of
stops that were long ones stands for them.
"""
HANDS = ("closure", "conversion")
"""Need a reader."""
CHANNELS = ("zones", "day_cells", "cells")
"""What of the releases is read."""
ONE_IN_TWENTY = 0.05
"""Pretended changes that chance tells; and how rarely chance would tell as many as are told."""


@dataclass(frozen=True, slots=True)
class Block:
    """Some days of the picture: the place's own share, and what the others let expect."""

    since: date
    until: date
    own: Estimate
    expected: Estimate


@dataclass(frozen=True, slots=True)
class Effect:
    """What became of one figure.

    Attributes:
        refused: why no effect is told; what follows from one is then None.
        before: the share, as ``now``; ``expected`` is what it would be without the change.
        points: now minus expected, and
        change: as part of what was expected, with 95 % intervals.
        least: the smallest change these days could have told with the power asked for.
        wait: further days after which the change asked for can be told; 0 if it can, None if no
            wait would do.
        apart: what the place's course gained on the controls' in a week before the change, as part
            of the figure, with its 95 % interval: 0 is within it if they ran side by side.
        pretended: changes that never were (other places, an earlier day), and
        as_large: how many of them look as large as this one;
        alarms: how many would have been told.
        chance: how often chance alone makes as much.
        sure: whether a change is told with all of the page's figures in mind.
        controls: with their weights.
        verdict: ``same`` means that no change could be told; ``unknown`` that a check failed.
    """

    figure: str
    refused: str | None = None
    before: float | None = None
    now: float | None = None
    expected: float | None = None
    points: Estimate | None = None
    change: Estimate | None = None
    least: float | None = None
    wait: int | None = None
    apart: Estimate | None = None
    pretended: int = 0
    as_large: int = 0
    alarms: int = 0
    chance: float | None = None
    sure: bool = False
    controls: tuple[tuple[Place, float], ...] = ()
    blocks: tuple[Block, ...] = ()
    verdict: Verdict = "unknown"

    @property
    def side_by_side(self) -> bool:
        """Whether place and controls ran side by side before the change, as far as can be told."""
        return self.apart is not None and self.apart.low <= 0 <= self.apart.high

    @property
    def calm(self) -> bool:
        """Whether changes that never were look like changes no oftener than one in twenty."""
        chance = (
            float(bdtrc(self.alarms - 1, self.pretended, ONE_IN_TWENTY)) if self.alarms else 1.0
        )
        return chance > ONE_IN_TWENTY


# ---- from releases to days -----------------------------------------------------------------------


def daily_of(
    data: PeriodData, *, days: Sequence[date], on: date, params: PlanogramParams
) -> dict[str, list[Daily]]:
    """Give every figure of every place with goods in a store.

    Not known are days seen for longer or shorter than is usual before the change, since then other
    parts of the day are counted, and those on which the place was drawn otherwise than now.

    Args:
        data: the store's, of at least the channels ``CHANNELS``.
        days: those to give.
        on: the first day after the change.
        params: which days count.

    Returns:
        By figure; of places without a reader there are no ``HANDS``.
    """
    by_day, drawn = data.by_day(), _drawn(data)
    known = [
        _Day.of(by_day.get(day, []), drawn=drawn, agents=len(data.metas)) for day in days
    ]  # fmt: skip
    before = np.array([day < on for day in days])
    whole = _usual([day.visits_seen for day in known], before=before, params=params)
    found: dict[str, list[Daily]] = {figure: [] for figure in FIGURES}
    for zone in data.zones.values():
        if zone.kind not in SHOPPED:
            continue
        place = Place(data.store, zone.id, zone.name or zone.id, zone.kind, zone.has_reader)
        seen = [day.seen.get(zone.id, math.nan) for day in known]
        usual = _usual(seen, before=before, params=params)
        for figure, rows in found.items():
            if zone.has_reader or figure not in HANDS:
                table = np.array([_share(day, place=place, figure=figure) for day in known])
                table[~(usual if FIGURES[figure][1] else usual & whole)] = math.nan
                rows.append(Daily(place, table[:, 0], table[:, 1], table[:, 2:]))
    return found


def _usual(seen: Sequence[float], *, before: Bools, params: PlanogramParams) -> Bools:
    """Say which days were seen for about as long as those before the change, by coverage."""
    values = np.array(seen)
    enough = values >= params.dim
    if not (enough & before).any():
        return enough
    off: Bools = abs(values - np.median(values[enough & before])) <= params.unlike
    return enough & off


_Drawn = dict[tuple[str, str], set[tuple[tuple[float, float], ...]]]
"""How a zone was drawn, by the plan's version and the zone's id; and by "" now."""


def _drawn(data: PeriodData) -> _Drawn:
    found: _Drawn = {("", zone.id): {zone.polygon} for zone in data.zones.values()}
    for meta in (meta for metas in data.metas.values() for meta in metas):
        for zone in meta.zones:
            found.setdefault((meta.plan, zone.id), set()).add(zone.polygon)
    return found


@dataclass(frozen=True, slots=True)
class _Day:
    """One day of a store.

    Attributes:
        counts: of outcomes and their variances, by zone;
        seen: what part of the day each of them was, NaN if it was drawn otherwise than now.
        visits: to the store, with their noise's variance; None if nothing tells.
        visits_seen: what part of the day they are of, over all agents.
    """

    counts: dict[str, tuple[Array, Array]]
    seen: dict[str, float]
    visits: tuple[float, float] | None
    visits_seen: float

    @classmethod
    def of(cls, releases: Sequence[Release], *, drawn: _Drawn, agents: int) -> Self:
        zones = [release for release in releases if release.channel == "zones"]
        counts = {
            sums.zone: (np.array(sums.counts, dtype=np.float64), np.array(sums.variances))
            for sums in add_zones(zones)
        }
        seen: dict[str, float] = {}
        for release in zones:
            for zone in next(axis.labels for axis in release.axes if axis.name == "zone"):
                now = drawn.get(("", zone), set())
                same = drawn.get((release.plan, zone), now) >= now
                here = release.coverage if same else math.nan
                seen[zone] = float(np.minimum(seen.get(zone, 1.0), here))
        cells = cells_of_days(releases)
        sums = add_cells(cells)
        total = float(sum(sum(one.counts) + one.dropped for one in sums))
        noise = sum(sum(one.variances) + one.dropped_variance for one in sums)
        by_agent: dict[str, list[float]] = {}
        for release in cells:
            by_agent.setdefault(release.epoch, []).append(release.coverage)
        covered = sum(sum(values) / len(values) for values in by_agent.values()) / agents
        return cls(counts, seen, (total, noise) if sums else None, covered)


def _share(day: _Day, *, place: Place, figure: str) -> tuple[float, ...]:
    counts, visits = day.counts, day.visits
    part, whole = FIGURES[figure]
    if place.zone not in counts or (not whole and visits is None):
        return (math.nan,) * 5
    seen = np.array([place.has_reader or one not in NEED_READER for one in OUTCOMES])
    number, variance = (values * seen for values in counts[place.zone])
    of_part = np.array([one in part for one in OUTCOMES])
    top, top_noise = float(number[of_part].sum()), float(variance[of_part].sum())
    if not whole and visits is not None:
        return top, visits[0], top_noise, 0.0, visits[1]
    of_whole = np.array([one in whole for one in OUTCOMES])
    return (
        top, float(number[of_whole].sum()), top_noise, top_noise, float(variance[of_whole].sum()),
    )  # fmt: skip


# ---- what is told --------------------------------------------------------------------------------


def effect_of(
    own: Daily, *, others: Sequence[Daily], figure: str, days: Sequence[date], on: date,
    params: PlanogramParams,
) -> Effect:  # fmt: skip
    """Estimate what the change did to one figure.

    Args:
        own: the changed place's days.
        others: places nothing was done to; those unlike it are left out.
        figure: its name.
        days: of all the series.
        on: the first day after the change.
        params: what is compared and when an effect is told.
    """
    nothing = Effect(figure)
    there = [day for day, part in zip(days, own.part, strict=True) if not math.isnan(part)]
    before, after = sum(day < on for day in there), sum(day >= on for day in there)
    if before < params.least_before:
        text = f"{before} days are known before the change, and {params.least_before} are needed"
        return replace(nothing, refused=text)
    known = len(days) if after >= params.least_after else sum(day < on for day in days)
    design = Design.of(days[:known], on=on)
    fit = Course.of(own.first(known), design=design, params=params)
    if fit is None:
        return replace(nothing, refused="too few visits for the privacy noise on them")
    fits = [Course.of(one.first(known), design=design, params=params) for one in others]
    controls = alike(fit, others=[one for one in fits if one], design=design, params=params)
    if len(controls) < params.least_controls:
        found = {0: "no other place was", 1: "only one other place was"}.get(
            len(controls), f"only {len(controls)} other places were"
        )
        text = f"{found} like it before the change, and {params.least_controls} are needed"
        return replace(nothing, before=fit.shares[0], refused=text)
    beside = Beside.of(fit, controls=controls, design=design, params=params)
    beside = replace(beside, days=(beside.days[0], after))
    planned = _planned(nothing, beside, params=params)
    if planned.refused:
        return planned
    return _told(planned, beside, design=design, params=params)


def _planned(effect: Effect, beside: Beside, *, params: PlanogramParams) -> Effect:
    """Say what these days can tell, and refuse what they cannot: the effect is not looked at."""
    slope, half = beside.apart(params=params)
    wait, refused = beside.wait(params=params), None
    asked = f"a change of {100 * params.effect:.0f} %"
    least = math.expm1(beside.least_told(params=params, ever=wait is None))
    if wait is None:
        refused = f"{asked} cannot be told here however long one waits: {100 * least:.0f} % can"
    elif wait:
        refused = f"{asked} can be told after {wait} more day{'s' * (wait > 1)}"
    return replace(
        effect,
        before=beside.own.shares[0],
        refused=refused,
        least=least,
        wait=wait,
        apart=Estimate(slope, slope - half, slope + half),
        controls=tuple(
            (one.daily.place, float(weight))
            for one, weight in zip(beside.controls, beside.weights, strict=True)
        ),
    )


def _told(effect: Effect, beside: Beside, *, design: Design, params: PlanogramParams) -> Effect:
    reach, now = beside.reach(params=params), beside.own.shares[1]
    expected = now * math.exp(-beside.beyond)
    low, value, high = (math.expm1(beside.beyond + by) for by in (-reach, 0.0, reach))
    others = pretended(beside, design=design, params=params)
    found = replace(
        effect,
        now=now,
        expected=expected,
        change=Estimate(value, low, high),
        points=Estimate(expected * value, expected * low, expected * high),
        pretended=len(others),
        as_large=sum(size >= beside.size for size, _ in others),
        alarms=sum(alarm for _, alarm in others),
        chance=beside.chance,
        blocks=_blocks(beside, design=design),
    )
    holds = found.side_by_side and found.calm
    verdict: Verdict = "same" if low <= 0 <= high else "up" if low > 0 else "down"
    return replace(found, verdict=verdict if holds or verdict == "same" else "unknown")


def _blocks(beside: Beside, *, design: Design) -> tuple[Block, ...]:
    """Cut the days into weeks that begin with the change; what is left over joins its neighbour."""
    at, end = int(np.flatnonzero(design.after)[0]), len(design.days)
    starts = [0, *range(at % WEEK + WEEK, at, WEEK), *range(at, end - WEEK + 1, WEEK)]
    found, numbers = [], np.arange(end)
    for start, stop in zip(starts, [*starts[1:], end], strict=True):
        chosen = (numbers >= start) & (numbers < stop)
        own = beside.own.daily.over(chosen)
        others = [one.daily.over(chosen) for one in beside.controls]
        if own is None or any(one is None for one in others):
            continue
        log, variance = _expected(beside, [one for one in others if one])
        span = design.days[start], design.days[stop - 1]
        shown = _banded(math.log(own.share), own.variance), _banded(log, variance)
        found.append(Block(*span, *shown))
    return tuple(found)


def _expected(beside: Beside, others: Sequence[Pooled]) -> tuple[float, float]:
    """Give the log share some days would have if the place went with the others, and its variance.

    Args:
        beside: the place and its controls.
        others: the controls' shares on those days.
    """
    log, variance = math.log(beside.own.shares[0]), 0.0
    for one, course, weight in zip(others, beside.controls, beside.weights.tolist(), strict=True):
        log += weight * math.log(one.share / course.shares[0])
        variance += weight**2 * one.variance
    return log, variance


def _banded(log: float, variance: float) -> Estimate:
    half = Z * math.sqrt(variance)
    return Estimate(math.exp(log), math.exp(log - half), math.exp(log + half))


# ---- the report ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Planogram:
    """What a change did to a place: the JSON that ``aisle-hub report --changed`` prints.

    Attributes:
        zone: the changed place's id; ``name`` is what people call it.
        on: the first day after the change.
        since: first day looked at; ``until`` the last.
        asked: the smallest change one wants to know of.
        effects: the one that is asked first.
        left_out: days on which it is not known.
        simulated: if any store was; ``standard_privacy`` if all had it.
    """

    store: str
    zone: str
    name: str
    on: date
    since: date
    until: date
    asked: float
    effects: tuple[Effect, ...]
    simulated: bool
    standard_privacy: bool
    left_out: int = 0


def planogram_of(
    data: PeriodData, *, others: Iterable[PeriodData], zone: str, on: date, params: PlanogramParams
) -> Planogram:
    """Report a planogram change.

    Shoppers whom a change draws from the next aisle lower that one's exposure: of exposure only
    other stores' places are controls, where there are enough.

    Args:
        data: the changed store's days, from ``params.before`` before the change on.
        others: other stores' same days; each is read once, and may be made when asked for.
        zone: the id of the changed place.
        on: the first day after the change.
        params: what is compared and when an effect is told.

    Raises:
        NoDataError: the store has no such place with goods.
    """
    if zone not in data.zones or data.zones[zone].kind not in SHOPPED:
        known = ", ".join(sorted(one.id for one in data.zones.values() if one.kind in SHOPPED))
        raise NoDataError(f"store {data.store!r} has no place with goods {zone!r}; known: {known}")
    last = max(release.window_start.astimezone(data.zone).date() for release in data.releases)
    days = [day for day in data.days if day <= max(last, on - timedelta(days=1))]
    simulated = any(meta.simulated for meta in data.newest)
    standard = all(meta.privacy.standard for meta in data.newest)
    every = daily_of(data, days=days, on=on, params=params)
    elsewhere: dict[str, list[Daily]] = {figure: [] for figure in FIGURES}
    for other in others:
        simulated |= any(meta.simulated for meta in other.newest)
        standard &= all(meta.privacy.standard for meta in other.newest)
        for figure, rows in daily_of(other, days=days, on=on, params=params).items():
            elsewhere[figure] += rows
    shown = sum(day < on for day in days) + params.after
    while True:
        chosen = days[:shown]
        effects = effects_of(
            {figure: [one.first(len(chosen)) for one in rows] for figure, rows in every.items()},
            elsewhere={
                figure: [one.first(len(chosen)) for one in rows]
                for figure, rows in elsewhere.items()
            },
            zone=zone, days=chosen, on=on, params=params,
        )  # fmt: skip
        if shown >= len(days) or not effects[0].wait:
            break
        shown += effects[0].wait  # the days that were not enough said how many would be
    asked = next(one for one in every[effects[0].figure] if one.place.zone == zone)
    left_out = len(chosen) - int(asked.there[: len(chosen)].sum())
    return Planogram(
        data.store, zone, data.zones[zone].name or zone, on, days[0], chosen[-1], params.effect,
        effects, simulated, standard, left_out,
    )  # fmt: skip


def effects_of(
    every: Mapping[str, Sequence[Daily]], *, elsewhere: Mapping[str, Sequence[Daily]], zone: str,
    days: Sequence[date], on: date, params: PlanogramParams,
) -> tuple[Effect, ...]:  # fmt: skip
    """Estimate what the change did to every figure of a place.

    Args:
        every: by figure, the days of the changed store's places.
        elsewhere: likewise, of other stores' places.
        zone: the id of the changed place.
        days: of all the series.
        on: the first day after the change.
        params: what is compared and when an effect is told.
    """
    effects = []
    for figure, rows in every.items():
        far = elsewhere[figure]
        near = [one for one in rows if one.place.zone != zone]
        if figure == "exposure" and len(far) >= params.least_controls:
            near = []
        effects += [
            effect_of(
                one, others=[*near, *far], figure=figure, days=days, on=on, params=params
            )
            for one in rows
            if one.place.zone == zone
        ]  # fmt: skip
    return together(effects, params=params)


def together(effects: Sequence[Effect], *, params: PlanogramParams) -> tuple[Effect, ...]:
    """Say what is sure of figures that are read together.

    The first is what was asked. Only if it surely changed the others may, by Holm's steps: where
    nothing changed, 19 of 20 pages are sure of nothing.

    Source: Holm 1979; Maurer, Hothorn and Lehmacher 1995 (of what is tested in a fixed order).
    """
    first, *others = effects
    moved = first.verdict in {"up", "down"}
    sure = [first.figure] if moved else []
    rest = sorted((one.chance, one.figure) for one in others if one.chance is not None)
    for number, (chance, figure) in enumerate(rest if moved else ()):
        if chance > (1 - params.level) / (len(rest) - number):
            break
        sure.append(figure)
    return tuple(
        replace(one, sure=one.figure in sure and one.verdict in {"up", "down"}) for one in effects
    )


def planogram_rows(told: Planogram) -> list[Row]:
    """Give every number as rows of the tidy table; ``item_2`` says of what kind it is."""
    base = Row(
        told.store, told.since.isoformat(), told.until.isoformat(), "planogram", told.zone,
        "", "", "", None, None, None, None,
    )  # fmt: skip
    return [row for one in told.effects for row in _rows(one, base)]


def _rows(effect: Effect, base: Row) -> Iterator[Row]:
    share = replace(base, figure=effect.figure, unit="share")
    part = replace(share, unit="part of expected")
    for row, what, figure in (
        (share, "before", effect.before),
        (share, "now", effect.now),
        (share, "expected", effect.expected),
        (share, "effect", effect.points),
        (part, "effect", effect.change),
        (part, "least effect", effect.least),
        (part, "apart a week", effect.apart),
        (replace(share, unit="days"), "wait", effect.wait),
    ):
        yield _row(replace(row, item_2=what), figure, why=effect.refused)
    for block in effect.blocks:
        span = replace(share, since=block.since.isoformat(), until=block.until.isoformat())
        yield _row(replace(span, item_2="week"), block.own, why=None)
        yield _row(replace(span, item_2="week expected"), block.expected, why=None)


def _row(row: Row, figure: Estimate | float | None, *, why: str | None) -> Row:
    if figure is None:
        return replace(row, withheld=why or "not told")
    if isinstance(figure, Estimate):
        return replace(row, value=figure.value, low=figure.low, high=figure.high)
    return replace(row, value=float(figure))
