"""What promotions, shelf space and prices bring: aisles, space and price tiers side by side."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass
from itertools import pairwise

from hub.patterns.shares import Estimate, Share, ShareParams, share
from hub.patterns.zones import NEED_READER, ZoneSums, add_zones
from hub.reports.figures import Change, add_counts, change
from hub.reports.period import PeriodData
from wire.messages import OUTCOMES, PRICE_TIERS

STOPPED = OUTCOMES[1:]
ENGAGED = ("long_stop", "put_back", "kept")
LEAST_PLACES = 2
"""With a reader, for one to have a share of what is kept there."""


@dataclass(frozen=True, slots=True)
class SpaceRow:
    """One place with a reader, among all that have one.

    Attributes:
        kept: its share of the visits that kept something; ``space`` its share of their floor.
        index: kept by space: 1 where goods leave as space would have it.
    """

    id: str
    name: str
    kept: Share
    space: float
    index: Share


@dataclass(frozen=True, slots=True)
class TierRow:
    """Baskets of one price tier, and their share of all that have one."""

    label: str
    visits: Estimate
    share: Share


def price_tiers(data: PeriodData, *, params: ShareParams) -> tuple[TierRow, ...]:
    """Give the baskets by price tier, cheap first; none where no agent tells of them."""
    cells = add_counts(data.releases, channel="tags")
    told = [cells[label,] for label in PRICE_TIERS if (label,) in cells]
    if len(told) < len(PRICE_TIERS):
        return ()
    counts, variances = [one.count for one in told], [one.variance for one in told]
    return tuple(
        TierRow(
            label,
            told[place].estimate,
            share(
                counts,
                weights=[float(number == place) for number in range(len(PRICE_TIERS))],
                variances=variances,
                params=params,
            ),
        )
        for place, label in enumerate(PRICE_TIERS)
    )


def promotion(data: PeriodData, *, params: ShareParams) -> tuple[Change, ...]:
    """Hold the promotion places' rates (``now``) against those of the aisles (``before``)."""
    zones = data.zones
    sums = add_zones(data.releases)
    sides = [
        [one for one in sums if one.zone in zones and zones[one.zone].kind == kind]
        for kind in ("aisle", "promo")
    ]
    if not all(sides):
        return ()
    heard = {zone.id for zone in zones.values() if zone.has_reader}
    found = []
    for figure, part in (
        ("stop_rate", STOPPED),
        ("engagement", ENGAGED),
        ("conversion", ("kept",)),
    ):
        able = [
            [one for one in side if figure != "conversion" or one.zone in heard] for side in sides
        ]
        before, now = (rate(side, part, heard=heard, params=params) for side in able)
        found.append(change("", figure, before=before, now=now))
    return tuple(one for one in found if one is not None)


def by_space(data: PeriodData, *, params: ShareParams) -> tuple[SpaceRow, ...]:
    """Hold what is kept in each place against its floor, where two or more have a reader."""
    zones = {zone.id: zone for zone in data.zones.values() if zone.has_reader}
    at = OUTCOMES.index("kept")
    sums = [
        one
        for one in add_zones(data.releases)
        if one.zone in zones and zones[one.zone].kind in {"aisle", "promo"}
    ]
    areas = [_area(zones[one.zone].polygon) for one in sums]
    if len(sums) < LEAST_PLACES or not all(areas):
        return ()
    rows = []
    for place, one in enumerate(sums):
        kept = share(
            [float(other.counts[at]) for other in sums],
            weights=[float(number == place) for number in range(len(sums))],
            variances=[other.variances[at] for other in sums],
            params=params,
        )
        space = areas[place] / sum(areas)
        name = zones[one.zone].name or one.zone
        rows.append(SpaceRow(one.zone, name, kept, space, _times(kept, 1 / space)))
    return tuple(sorted(rows, key=lambda row: -(row.index.value or 0.0)))


def rate(
    sums: Sequence[ZoneSums], part: Sequence[str], *, heard: Container[str], params: ShareParams
) -> Share | None:
    """Estimate what part of all passes of some places had one of some outcomes.

    Args:
        sums: of the places.
        part: the outcomes.
        heard: places with a reader: elsewhere what needs one is noise alone.
        params: when a share is shown.
    """
    cells = [
        (float(count), float(outcome in part), variance)
        for one in sums
        for outcome, count, variance in zip(OUTCOMES, one.counts, one.variances, strict=True)
        if outcome not in NEED_READER or one.zone in heard
    ]
    if not cells:
        return None
    counts, weights, variances = zip(*cells, strict=True)
    return share(counts, weights=weights, variances=variances, params=params)


def _times(one: Share, factor: float) -> Share:
    if one.value is None or one.low is None or one.high is None:
        return one
    return Share(one.value * factor, one.low * factor, one.high * factor)


def _area(polygon: Sequence[tuple[float, float]]) -> float:
    """Give a polygon's area by the shoelace formula."""
    corners = pairwise([*polygon, polygon[0]])
    return abs(sum(x1 * y2 - x2 * y1 for (x1, y1), (x2, y2) in corners)) / 2
