"""What a trait is, and a visit prepared for measuring all of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from edge.rfid.items import ItemEvent
from edge.visits.path import Stay, Stop
from edge.visits.plan import Floor, Point, ZoneKind
from edge.visits.visits import Visit
from edge.visits.wares import Ware

SHOPPED: tuple[ZoneKind, ...] = ("aisle", "promo", "fitting-room")
"""Kinds of zone that people shop in."""


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
        slow_m_s: below this one stands (behaviour/NOTES.md section 5).
        least_moving_s: of less walking no speed is told.
        least_leg_m: legs shorter than this are a shuffle, not a way.
        step_m: the way is cut into equal steps for turning angles (NOTES.md section 2).
        least_turns: of fewer no sinuosity is told [D].
        again_m: a stop this near an earlier one is at the same goods,
        again_ms: and a re-approach if it was left for so long, or for another stop [D].
        decision_s: what choosing takes where the catalogue does not say: between Hoyer's 8.5 and
            Dickson & Sawyer's 12 s [K]. Never learnt from visits: a visit would then change the
            traits of others, and cost more privacy than the clip allows.
        premium_index: dearer than this times its category's mean is premium [D].
        value_edges: of the bands of a basket's value, in the shop's currency [D].
    """

    engaged_ms: int = 5_000
    short_stop_ms: int = 3_000
    long_stop_ms: int = 15_000
    till_stop_ms: int = 10_000
    same_place_m: float = 0.75
    least_round_m: float = 2.0
    most_share: float = 0.5
    slow_m_s: float = 0.4
    least_moving_s: float = 5.0
    least_leg_m: float = 2.0
    step_m: float = 0.5
    least_turns: int = 10
    again_m: float = 1.5
    again_ms: int = 10_000
    decision_s: float = 10.0
    premium_index: float = 1.15
    value_edges: tuple[float, ...] = (10.0, 25.0, 50.0, 100.0)


@dataclass(frozen=True, slots=True)
class Place:
    """Somewhere a visit stood for a purpose: a stop, or a till where it paid (``stop`` None)."""

    start_ms: int
    end_ms: int
    at: Point
    stop: Stop | None


@dataclass(frozen=True, slots=True)
class Moves:
    """The path's steps.

    Attributes:
        step_s: their length in time.
        long_m: (N,) their lengths.
        moving: (N,) whether one walked.
    """

    step_s: float
    long_m: NDArray[np.float64]
    moving: NDArray[np.bool_]


class Case:
    """One visit while it is measured; what several traits need is worked out once."""

    def __init__(self, visit: Visit, *, floor: Floor, params: TraitParams) -> None:
        self.visit = visit
        self.floor = floor
        self.params = params

    @cached_property
    def whole(self) -> bool:
        """Whether it was seen from door to door, as far as the plan has doors."""
        kinds = {zone.kind for zone in self.floor.plan.zones}
        return (self.visit.entered or "entrance" not in kinds) and (
            self.visit.left or "exit" not in kinds
        )

    # ---- way ---------------------------------------------------------------------------------

    @cached_property
    def moves(self) -> Moves | None:
        """The path's steps; None without a path."""
        path = self.visit.path
        if path is None or len(path.points_m) < 2:  # noqa: PLR2004 - one point is no step
            return None
        step_s = path.step_ms / 1_000
        long_m: NDArray[np.float64] = np.linalg.norm(np.diff(path.points_m, axis=0), axis=1)
        return Moves(step_s, long_m, long_m >= self.params.slow_m_s * step_s)

    @cached_property
    def places(self) -> tuple[Place, ...]:
        """Stops and payments, by time."""
        found = [
            Place(stop.start_ms, stop.end_ms, (stop.east_m, stop.north_m), stop)
            for stop in self.visit.stops
        ]
        if self.paid:
            found += [
                Place(stay.start_ms, stay.end_ms, self._where(stay), None) for stay in self.payments
            ]
        return tuple(sorted(found, key=lambda place: place.start_ms))

    @cached_property
    def walks_m(self) -> NDArray[np.float64]:
        """Shortest walks between entry, places and end, in that order, both ways."""
        points = [self.visit.start_point, *(one.at for one in self.places), self.visit.end_point]
        return self.floor.walk_m(points)

    @cached_property
    def legs_m(self) -> list[tuple[float, float]]:
        """Walked and shortest length of every leg between places; empty without a path."""
        path, moves = self.visit.path, self.moves
        if path is None or moves is None:
            return []
        far_m = np.concatenate([[0.0], np.cumsum(np.where(moves.moving, moves.long_m, 0.0))])
        edges = [
            (self.visit.start_ms, self.visit.start_ms),
            *((place.start_ms, place.end_ms) for place in self.places),
            (self.visit.end_ms, self.visit.end_ms),
        ]

        def at_m(scene_ms: int) -> float:
            index = (scene_ms - path.start_ms) // path.step_ms
            return float(far_m[min(max(index, 0), len(far_m) - 1)])

        return [
            (at_m(there) - at_m(gone), float(self.walks_m[number, number + 1]))
            for number, ((_, gone), (there, _)) in enumerate(pairwise(edges))
        ]

    @cached_property
    def zone_s(self) -> dict[str, float]:
        """Seconds in every zone one shops in."""
        found: dict[str, float] = {}
        for stay in self.shopped:
            found[stay.zone] = found.get(stay.zone, 0.0) + (stay.end_ms - stay.start_ms) / 1_000
        return found

    @cached_property
    def shopped(self) -> tuple[Stay, ...]:
        """Stays in zones one shops in."""
        zones = self.floor.zones
        return tuple(stay for stay in self.visit.stays if zones[stay.zone].kind in SHOPPED)

    @cached_property
    def shops(self) -> int:
        """How many such zones there are."""
        return sum(zone.kind in SHOPPED for zone in self.floor.plan.zones)

    def _where(self, stay: Stay) -> Point:
        path = self.visit.path
        if path is not None:
            first = (stay.start_ms - path.start_ms) // path.step_ms
            last = (stay.end_ms - path.start_ms) // path.step_ms
            if len(path.points_m[first:last]):
                east, north = path.points_m[first:last].mean(axis=0).tolist()
                return east, north
        polygon = self.floor.zones[stay.zone].polygon
        east = sum(point[0] for point in polygon) / len(polygon)
        return east, sum(point[1] for point in polygon) / len(polygon)

    # ---- stops and goods ---------------------------------------------------------------------

    @cached_property
    def engaged(self) -> tuple[Stop, ...]:
        """Stops in earnest: long enough, or with a pick."""
        return tuple(
            stop
            for stop in self.visit.stops
            if stop.end_ms - stop.start_ms >= self.params.engaged_ms or self.picks_at(stop)
        )

    def picks_at(self, stop: Stop) -> list[ItemEvent]:
        """List the picks during a stop that were more likely this visit's than not."""
        return [
            event
            for event in self.visit.items
            if event.kind == "picked"
            and event.share >= self.params.most_share
            and stop.start_ms <= event.scene_ms <= stop.end_ms
        ]

    @cached_property
    def payments(self) -> tuple[Stay, ...]:
        """Stays at a till that are long enough to pay."""
        return tuple(
            stay
            for stay in self.visit.stays
            if self.floor.zones[stay.zone].kind == "till"
            and stay.end_ms - stay.start_ms >= self.params.till_stop_ms
        )

    @cached_property
    def paid(self) -> bool:
        """Whether a till heard or scanned its goods, or it stood there for long."""
        return bool(self.payments) or any(
            event.kind in {"till", "sold"} and event.share >= self.params.most_share
            for event in self.visit.items
        )

    @cached_property
    def kept(self) -> list[ItemEvent]:
        """The picks that were not put back; sold or not, they left the shelf."""
        return kept_items(self.visit)

    @cached_property
    def sold(self) -> list[ItemEvent]:
        """The kept items that were sold: heard at a till, or kept by somebody who paid."""
        if not self.paid:
            return []
        unpaid = {event.tag for event in self.visit.items if event.kind == "left_unpaid"}
        return [event for event in self.kept if event.tag not in unpaid]

    @cached_property
    def basket(self) -> list[ItemEvent]:
        """What went along: the kept, and what only the point of sale knows of."""
        known = {event.tag for event in self.kept if event.tag}
        return self.kept + [
            event for event in self.visit.items if event.kind == "sold" and event.tag not in known
        ]

    def wares(self, events: Sequence[ItemEvent]) -> list[tuple[float, Ware]]:
        """Give share and ware of those events whose class the catalogue knows."""
        known = self.visit.wares or {}
        return [
            (event.share, known[event.product_class])
            for event in events
            if event.product_class in known
        ]


Measure = Callable[[Case], float | None]


@dataclass(frozen=True, slots=True)
class Trait:
    """One entry of the registry.

    Attributes:
        unit: SI, or ``1`` for a pure number.
        source: where the definition comes from; behaviour/NOTES.md section 2 lists them.
        needs: what must be installed or known to tell it.
        valid: least and largest value there can be.
        abstains: when it gives None.
    """

    name: str
    unit: str
    meaning: str
    formula: str
    source: str
    needs: str
    valid: tuple[float, float]
    abstains: str
    measure: Measure


def kept_items(visit: Visit) -> list[ItemEvent]:
    """List the picks that were not put back; sold or not, they left the shelf."""
    held: dict[bytes, ItemEvent] = {}
    for event in visit.items:
        if event.kind == "picked":
            held[event.tag] = event
        elif event.kind == "put_back":
            held.pop(event.tag, None)
    return list(held.values())


def mean_of(values: Sequence[tuple[float, float]]) -> float | None:
    """Give the mean of (weight, value) pairs; None where nothing weighs."""
    weight = sum(pair[0] for pair in values)
    return sum(pair[0] * pair[1] for pair in values) / weight if weight > 0 else None
