"""Who works here, and is no visit: by a badge, a staff zone, the length of the stay, restocking."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edge.rfid.items import Key
from edge.visits.path import Stay, Stop
from edge.visits.plan import Floor


@dataclass(frozen=True, slots=True)
class StaffParams:
    """When somebody is staff.

    Attributes:
        zone_ms: so long in a staff zone (Palexy: by place),
        stay_ms: or here for so long (Palexy: by stay); shoppers' visits last minutes,
        stock_ms: or so long at the goods: filling shelves [D],
        till_ms: without standing at a till for so long,
        badge_s: or in so many seconds heard wearing a badge, alone within reach of the antenna.
        badge_m: that reach; a badge hangs on the chest.
    """

    zone_ms: int = 3_000
    stay_ms: int = 2 * 3_600_000
    stock_ms: int = 30 * 60_000
    till_ms: int = 10_000
    badge_s: int = 5
    badge_m: float = 2.0


@dataclass(frozen=True, slots=True)
class Badge:
    """A badge was heard; whose it is, is not kept."""

    scene_ms: int
    antenna: Key


def is_staff(
    *,
    stays: Sequence[Stay],
    stops: Sequence[Stop],
    lasted_ms: int,
    badge_s: int,
    floor: Floor,
    params: StaffParams,
) -> bool:
    """Tell whether a walk was at work."""
    in_ms = {"staff": 0, "till": 0}
    for stay in stays:
        kind = floor.zones[stay.zone].kind
        if kind in in_ms:
            in_ms[kind] += stay.end_ms - stay.start_ms
    at_goods_ms = sum(stop.end_ms - stop.start_ms for stop in stops)
    return (
        in_ms["staff"] >= params.zone_ms
        or lasted_ms >= params.stay_ms
        or badge_s >= params.badge_s
        or (at_goods_ms >= params.stock_ms and in_ms["till"] < params.till_ms)
    )
