"""The floor shoppers walk on: where it is free, ways across it, and the zone of a point."""

from __future__ import annotations

import math
from dataclasses import dataclass

import jupedsim
import shapely

from firmware_sim.store import Store

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Clearances:
    """How far people keep from things, metres.

    Attributes:
        body: nobody's centre comes closer to furniture or walls.
        shelf: kept from shelves when walking along them; people then walk in the aisle's middle
            and do not hug corners (behaviour/NOTES.md §4).
        stand: the same for low stands.
        till: the same for the till, so that nobody walks through those who are being served.
        wall: the same for walls.
    """

    body: float = 0.15
    shelf: float = 0.75
    stand: float = 0.55
    till: float = 0.9
    wall: float = 0.5


class Floor:
    """Free floor of a store."""

    def __init__(self, store: Store, *, clearances: Clearances = Clearances()) -> None:
        walls = shapely.box(0.0, 0.0, store.room.width_m, store.room.depth_m)
        furniture = [
            (shapely.box(b.west_m, b.south_m, b.east_m, b.north_m), b.look) for b in store.boxes
        ]
        taken = shapely.union_all(
            [box.buffer(clearances.body, join_style="mitre") for box, _ in furniture]
        )
        keep = {
            "gondola": clearances.shelf,
            "wall": clearances.shelf,
            "promo": clearances.stand,
            "till": clearances.till,
        }
        kept = shapely.union_all(
            [box.buffer(keep[look], join_style="mitre") for box, look in furniture]
        )
        self.free = _largest(walls.difference(taken))
        self._lanes = _largest(walls.buffer(-clearances.wall, join_style="mitre").difference(kept))
        # The nearest point of an area lies on its edge, and rounding may put it outside.
        self._within_free = self.free.buffer(-0.02)
        self._within_lanes = self._lanes.buffer(-0.01)
        shapely.prepare(self.free)
        shapely.prepare(self._lanes)
        self._router = jupedsim.RoutingEngine(_largest(self._lanes.buffer(0.2, join_style="mitre")))
        polygons = {zone.id: shapely.Polygon(zone.polygon) for zone in store.zones}
        self._zones = [(name, polygon, polygon.bounds) for name, polygon in polygons.items()]
        for polygon in polygons.values():
            shapely.prepare(polygon)

    def is_free(self, point: Point) -> bool:
        """Tell whether a person can be there."""
        return bool(shapely.contains_xy(self.free, *point))

    def nearest_free(self, point: Point) -> Point:
        """Give the point itself, or the nearest where a person can be."""
        if self.is_free(point):
            return point
        return _nearest(self._within_free, point)

    def way(self, start: Point, *, goal: Point) -> list[Point]:
        """Find a way along the lanes: corners to pass, the goal last.

        Both ends may lie beside the lanes (at a shelf); the way then leaves the lane straight.
        """
        on, off = self._lane_point(start), self._lane_point(goal)
        corners = [(float(e), float(n)) for e, n in self._router.compute_waypoints(on, off)]
        return [corner for corner in [on, *corners[1:-1], off] if corner != start] + [goal]

    def zones(self, point: Point) -> list[str]:
        """List the zones a point lies in."""
        east, north = point
        return [
            name
            for name, polygon, (west_m, south_m, east_m, north_m) in self._zones
            if west_m <= east <= east_m
            and south_m <= north <= north_m
            and shapely.contains_xy(polygon, east, north)
        ]

    def _lane_point(self, point: Point) -> Point:
        if shapely.contains_xy(self._lanes, *point):
            return point
        return _nearest(self._within_lanes, point)


def _nearest(area: shapely.Geometry, point: Point) -> Point:
    found = shapely.shortest_line(area, shapely.Point(point)).coords[0]
    return float(found[0]), float(found[1])


def _largest(area: shapely.Geometry) -> shapely.Polygon:
    """Keep the part one can walk around in; slivers between furniture are dropped."""
    parts = list(shapely.get_parts(area))
    return max(parts, key=lambda part: float(part.area))


def apart(one: Point, other: Point) -> float:
    """Distance of two points."""
    return math.hypot(one[0] - other[0], one[1] - other[1])
