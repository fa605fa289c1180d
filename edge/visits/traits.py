"""The traits of a visit: named numbers, each with its meaning, formula and source.

A trait that cannot be told abstains (None); it never guesses.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from edge.rfid.items import ItemEvent
from edge.visits.plan import Floor, Point
from edge.visits.rounds import shortest_round_m
from edge.visits.visits import Stop, Visit
from wire.messages import OUTCOMES


@dataclass(frozen=True, slots=True)
class TraitParams:
    """From where on something counts.

    Attributes:
        engaged_ms: a stop this long is engagement (Quividi: 5 s of attention).
        short_stop_ms: outcome ``short_stop``; the least a stop lasts anyway.
        long_stop_ms: outcome ``long_stop`` [D].
        till_stop_ms: a stay at the till this long is paying; walking through takes 2 to 4 s, the
            quickest payment about 10 s [K].
        same_place_m: stops closer together are one destination.
        least_round_m: of a shorter shortest round no ratio is taken.
        most_share: what a visit has so much of, it did; sums take every share as it is.
    """

    engaged_ms: int = 5_000
    short_stop_ms: int = 3_000
    long_stop_ms: int = 15_000
    till_stop_ms: int = 10_000
    same_place_m: float = 0.75
    least_round_m: float = 2.0
    most_share: float = 0.5


Measure = Callable[[Visit, Floor, TraitParams], float | None]


@dataclass(frozen=True, slots=True)
class Trait:
    """One catalogue entry.

    Attributes:
        unit: SI, or ``1`` for a pure number.
        source: where the definition comes from; behaviour/NOTES.md section 2 lists them.
        abstains: when it gives None.
    """

    name: str
    unit: str
    meaning: str
    formula: str
    source: str
    abstains: str
    measure: Measure


def traits_of(
    visit: Visit, *, floor: Floor, params: TraitParams | None = None
) -> dict[str, float | None]:
    """Measure every trait of a visit, by name."""
    chosen = params or TraitParams()
    return {trait.name: trait.measure(visit, floor, chosen) for trait in TRAITS}


def outcomes_of(visit: Visit, *, floor: Floor, params: TraitParams | None = None) -> dict[str, str]:
    """Give, for every zone a visit came to, the strongest outcome there.

    A stop's outcome is that of the longest one in the zone; goods count where they were taken.

    Returns:
        zone id → one of ``wire.messages.OUTCOMES``, in the order of first coming there.
    """
    chosen = params or TraitParams()
    found = {stay.zone: "pass" for stay in visit.stays}

    def note(zone: str, outcome: str) -> None:
        if zone in floor.zones:
            found[zone] = max(found.get(zone, "pass"), outcome, key=OUTCOMES.index)

    for stop in visit.stops:
        lasted_ms = stop.end_ms - stop.start_ms
        if lasted_ms >= chosen.long_stop_ms:
            note(stop.zone, "long_stop")
        elif lasted_ms >= chosen.short_stop_ms:
            note(stop.zone, "short_stop")
    for event in visit.items:
        if event.kind == "put_back" and event.share >= chosen.most_share:
            note(event.zone, "put_back")
    for event in kept_items(visit):
        if event.share >= chosen.most_share:
            note(event.zone, "kept")
    return found


def kept_items(visit: Visit) -> list[ItemEvent]:
    """List the picks that were not put back; sold or not, they left the shelf."""
    held: dict[bytes, ItemEvent] = {}
    for event in visit.items:
        if event.kind == "picked":
            held[event.tag] = event
        elif event.kind == "put_back":
            held.pop(event.tag, None)
    return list(held.values())


def paid(visit: Visit, *, floor: Floor, params: TraitParams) -> bool:
    """Tell whether a visit paid: a till heard or scanned its goods, or it stood there for long."""
    return any(
        event.kind in {"till", "sold"} and event.share >= params.most_share for event in visit.items
    ) or any(
        floor.zones[stay.zone].kind == "till" and stay.end_ms - stay.start_ms >= params.till_stop_ms
        for stay in visit.stays
    )


def sold_items(visit: Visit, *, floor: Floor, params: TraitParams) -> list[ItemEvent]:
    """List the kept items that were sold: heard at a till, or kept by somebody who paid."""
    if not paid(visit, floor=floor, params=params):
        return []
    unpaid = {event.tag for event in visit.items if event.kind == "left_unpaid"}
    return [event for event in kept_items(visit) if event.tag not in unpaid]


def _whole(visit: Visit, *, floor: Floor) -> bool:
    """Tell whether a visit was seen from door to door, as far as the plan has doors."""
    kinds = {zone.kind for zone in floor.plan.zones}
    return (visit.entered or "entrance" not in kinds) and (visit.left or "exit" not in kinds)


def _engaged(visit: Visit, stop: Stop, *, params: TraitParams) -> bool:
    picked = any(
        event.kind == "picked"
        and event.share >= params.most_share
        and stop.start_ms <= event.scene_ms <= stop.end_ms
        for event in visit.items
    )
    return picked or stop.end_ms - stop.start_ms >= params.engaged_ms


def _duration_s(visit: Visit, floor: Floor, params: TraitParams) -> float | None:
    del params
    return (visit.end_ms - visit.start_ms) / 1_000 if _whole(visit, floor=floor) else None


def _excess_path(visit: Visit, floor: Floor, params: TraitParams) -> float | None:
    if not _whole(visit, floor=floor):
        return None
    places = [
        (stop.east_m, stop.north_m) for stop in visit.stops if _engaged(visit, stop, params=params)
    ]
    if paid(visit, floor=floor, params=params):
        places += [
            _middle(floor.zones[stay.zone].polygon)
            for stay in visit.stays
            if floor.zones[stay.zone].kind == "till"
            and stay.end_ms - stay.start_ms >= params.till_stop_ms
        ]
    round_m = shortest_round_m(
        floor,
        start=visit.start_point,
        places=places,
        end=visit.end_point,
        same_place_m=params.same_place_m,
    )
    if not params.least_round_m <= round_m < float("inf"):
        return None
    return visit.path_m / round_m


def _middle(polygon: tuple[Point, ...]) -> Point:
    east = sum(point[0] for point in polygon) / len(polygon)
    return east, sum(point[1] for point in polygon) / len(polygon)


def _stops(visit: Visit, floor: Floor, params: TraitParams) -> float | None:
    del floor, params
    return float(len(visit.stops))


def _engaged_s(visit: Visit, floor: Floor, params: TraitParams) -> float | None:
    del floor
    return sum(
        (stop.end_ms - stop.start_ms) / 1_000
        for stop in visit.stops
        if _engaged(visit, stop, params=params)
    )


def _put_back_ratio(visit: Visit, floor: Floor, params: TraitParams) -> float | None:
    del floor, params
    picks = sum(event.share for event in visit.items if event.kind == "picked")
    puts = sum(event.share for event in visit.items if event.kind == "put_back")
    return (puts + 0.5) / (picks + 1)


def _kept(visit: Visit, floor: Floor, params: TraitParams) -> float | None:
    kept = sum(event.share for event in kept_items(visit))
    sold = sum(event.share for event in visit.items if event.kind == "sold")
    return float(max(kept, sold, paid(visit, floor=floor, params=params)))


TRAITS: tuple[Trait, ...] = (
    Trait(
        name="duration_s",
        unit="s",
        meaning="how long the visit lasted, door to door",
        formula="end - start",
        source="Sorensen et al. 2017",
        abstains="the track began or ended away from the doors the plan has",
        measure=_duration_s,
    ),
    Trait(
        name="excess_path",
        unit="1",
        meaning="how many times longer the walk was than it had to be",
        formula="L / L_shortest(entry, engaged stops, till if paid, exit) over walkable floor",
        source="Hui, Fader & Bradlow 2009 (travel and order deviation together)",
        abstains="as duration_s, or the shortest round is under 2 m or does not exist",
        measure=_excess_path,
    ),
    Trait(
        name="stops",
        unit="1",
        meaning="how often the visitor stood at a fixture",
        formula="number of times v < 0.4 m/s for >= 3 s within 1.2 m of a fixture, not waiting",
        source="behaviour/NOTES.md section 2 and 5",
        abstains="never",
        measure=_stops,
    ),
    Trait(
        name="engaged_s",
        unit="s",
        meaning="time spent at goods in earnest",
        formula="sum of stops of >= 5 s, or with a pick",
        source="Quividi (5 s of dwell)",
        abstains="never",
        measure=_engaged_s,
    ),
    Trait(
        name="put_back_ratio",
        unit="1",
        meaning="how much of what was picked went back",
        formula="(put back + 0.5) / (picked + 1)",
        source="behaviour/NOTES.md section 2; with no pick at all it is the prior, 0.5",
        abstains="never; where no reader hears the shelf it stays at the prior",
        measure=_put_back_ratio,
    ),
    Trait(
        name="kept",
        unit="1",
        meaning="items kept; at least one for who paid",
        formula="max(picks not put back, sold, 1 if at the till >= 10 s or heard there), by share",
        source="behaviour/NOTES.md section 2",
        abstains="never",
        measure=_kept,
    ),
)
"""The catalogue: a new trait is one entry here and its test."""
