"""The floor plan: zones, fixtures and walkable floor, in metres, x east, y north."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse.csgraph import shortest_path
from shapely.geometry import Polygon as Shape
from shapely.validation import explain_validity

from edge.errors import ConfigError
from wire.topics import NAME

Point = tuple[float, float]
Polygon = tuple[Point, ...]
ZoneKind = Literal["aisle", "promo", "till", "entrance", "exit", "fitting-room", "queue", "staff"]
"""In a ``queue`` people wait; whoever was in a ``staff`` zone works there. These two stay in the
agent: nothing is counted in them."""

CORNERS = 3
"""The least a polygon has."""


@dataclass(frozen=True, slots=True)
class Zone:
    """A named polygon with an id that stays the same across planogram edits."""

    id: str
    kind: ZoneKind
    name: str
    polygon: Polygon


@dataclass(frozen=True, slots=True)
class FloorPlan:
    """One agent's floor.

    Attributes:
        version: an edit makes a new one.
        outline: the walls.
        zones: may touch; zones of one kind do not overlap.
        fixtures: gondolas, stands and counters: floor nobody can stand on.
    """

    version: str
    outline: Polygon
    zones: tuple[Zone, ...]
    fixtures: tuple[Polygon, ...]


@dataclass(frozen=True, slots=True)
class FloorParams:
    """How finely the floor is measured.

    Attributes:
        sliver_m: how far drawn edges may overlap or stick out before it is an error: hand-drawn
            plans are good to centimetres.
        graze_m: a straight walk may touch a fixture this deep: along its edge is not through it.
        counter_m: a fixture this close to a till zone is its counter and holds no goods.
    """

    sliver_m: float = 0.05
    graze_m: float = 0.001
    counter_m: float = 0.3


def check_plan(plan: FloorPlan, *, params: FloorParams | None = None) -> None:
    """Refuse a plan that contradicts itself.

    Raises:
        ConfigError: names the zone or fixture and the mend.
    """
    sliver = (params or FloorParams()).sliver_m
    outline = _shape(plan.outline, what="the outline")
    roomy = outline.buffer(sliver)
    for number, fixture in enumerate(plan.fixtures, start=1):
        if not roomy.intersects(_shape(fixture, what=f"fixture {number}")):
            raise ConfigError(f"fixture {number} lies outside the outline; move it inside")
    _check_ids(plan.zones)
    shapes = [_shape(zone.polygon, what=f"zone {zone.id!r}") for zone in plan.zones]
    for zone, shape in zip(plan.zones, shapes, strict=True):
        if not roomy.covers(shape):
            raise ConfigError(
                f"zone {zone.id!r} reaches outside the outline; move its corners inside"
            )
    pairs = itertools.combinations(zip(plan.zones, shapes, strict=True), 2)
    for (one, one_shape), (other, other_shape) in pairs:
        if (
            one.kind == other.kind
            and not one_shape.intersection(other_shape).buffer(-sliver / 2).is_empty
        ):
            raise ConfigError(
                f"zones {one.id!r} and {other.id!r} are both {one.kind!r} and overlap; "
                f"move their common edge or give one another kind"
            )


def _check_ids(zones: Sequence[Zone]) -> None:
    seen: set[str] = set()
    for zone in zones:
        if not NAME.fullmatch(zone.id):
            raise ConfigError(
                f"zone {zone.id!r}: use lower-case letters, digits and hyphens, 32 at most"
            )
        if zone.id in seen:
            raise ConfigError(f"two zones are called {zone.id!r}; rename one")
        seen.add(zone.id)


def _shape(polygon: Polygon, *, what: str) -> Shape:
    if len(polygon) < CORNERS:
        raise ConfigError(f"{what} has {len(polygon)} corners; give it at least {CORNERS}")
    if not all(math.isfinite(value) for point in polygon for value in point):
        raise ConfigError(f"{what} has a corner that is not a number; correct it")
    shape = Shape(polygon)
    if not shape.is_valid:
        raise ConfigError(f"{what} crosses itself{_where(shape)}; give its corners in order around")
    if shape.area == 0:
        raise ConfigError(f"{what} has no area; give its corners in order")
    return shape


def _where(shape: Shape) -> str:
    """Say where a shape is wrong, as far as shapely does: ``Self-intersection[5.57 3.3]``."""
    spot = re.search(r"\[(\S+) (\S+)\]", explain_validity(shape))
    return f" near {float(spot[1]):.1f} east, {float(spot[2]):.1f} north" if spot else ""


class Floor:
    """A checked plan, prepared for questions about places on it.

    Raises:
        ConfigError: as ``check_plan``, or nobody can stand anywhere.
    """

    def __init__(self, plan: FloorPlan, *, params: FloorParams | None = None) -> None:
        self.params = params or FloorParams()
        check_plan(plan, params=self.params)
        self.plan = plan
        self.zones = {zone.id: zone for zone in plan.zones}
        self._numbers = {zone.id: number for number, zone in enumerate(plan.zones)}
        self._outline = Shape(plan.outline)
        shapes = {zone.id: Shape(zone.polygon) for zone in plan.zones}
        fixtures = [Shape(fixture) for fixture in plan.fixtures]
        tills = shapely.union_all([shapes[zone.id] for zone in plan.zones if zone.kind == "till"])
        self._fixtures = shapely.union_all(fixtures)
        self._goods = shapely.union_all(
            [one for one in fixtures if not one.dwithin(tills, self.params.counter_m)]
        )
        self._walkable = self._outline.difference(self._fixtures)
        if self._walkable.is_empty:
            raise ConfigError("the fixtures leave no floor to stand on; correct the plan")
        for shape in (self._goods, self._walkable):
            shapely.prepare(shape)
        self._zone_shapes = shapes
        # Smallest first: a promo island drawn inside an aisle wins there.
        ordered = sorted(plan.zones, key=lambda zone: (shapes[zone.id].area, zone.id))
        self._lookup = [(zone, shapes[zone.id].bounds) for zone in ordered]
        self._corners = _Corners(self._walkable, params=self.params)

    def zone_at(self, east_m: float, north_m: float) -> Zone | None:
        """Give the smallest zone that holds a point, or None."""
        for zone, (west, south, east, north) in self._lookup:
            if (
                west <= east_m <= east
                and south <= north_m <= north
                and _inside(zone.polygon, east_m, north_m)
            ):
                return zone
        return None

    def zones_at(self, points_m: NDArray[np.float64]) -> NDArray[np.int64]:
        """Give, for each of (N, 2) points, the number of the smallest zone that holds it, or -1.

        Zones are numbered as in the plan.
        """
        found = np.full(len(points_m), -1)
        east, north = points_m.T
        for zone, (low_east, low_north, high_east, high_north) in self._lookup:
            free = (found < 0) & (east >= low_east) & (east <= high_east)
            held = np.flatnonzero(free & (north >= low_north) & (north <= high_north))
            if len(held):
                held = held[_inside_all(zone.polygon, points_m[held])]
                found[held] = self._numbers[zone.id]
        return found

    def zone_distance_m(self, zone: str, east_m: float, north_m: float) -> float:
        """Give how far a point is from a zone; 0 inside, infinite if the plan lacks it."""
        shape = self._zone_shapes.get(zone)
        return math.inf if shape is None else float(shape.distance(shapely.Point(east_m, north_m)))

    def goods_distance_m(self, points_m: NDArray[np.float64]) -> NDArray[np.float64]:
        """Give each point's distance to the nearest fixture that is no till's counter.

        Args:
            points_m: (N, 2) east, north.

        Returns:
            (N,) metres; infinite where the plan has no such fixture.
        """
        if self._goods.is_empty:
            return np.full(len(points_m), np.inf)
        found: NDArray[np.float64] = shapely.distance(self._goods, shapely.points(points_m))
        return found

    def shelf_near(self, east_m: float, north_m: float, *, radius_m: float) -> Shelf:
        """Give the part of the fixtures within a radius of an antenna."""
        disc = shapely.Point(east_m, north_m).buffer(radius_m)
        part = self._goods.intersection(disc)
        return Shelf(disc if part.is_empty else part)

    def may_stand(self, east_m: float, north_m: float) -> bool:
        """Tell whether a person can be there: inside the walls, outside the fixtures."""
        return bool(shapely.covers(self._walkable, shapely.Point(east_m, north_m)))

    def walk_m(self, points: Sequence[Point]) -> NDArray[np.float64]:
        """Give the shortest walks between points over walkable floor, around the fixtures.

        A point inside a fixture starts from the nearest floor.

        Returns:
            (N, N) metres, symmetric; infinite where there is no way.
        """
        return self._corners.walk_m(np.asarray(points, dtype=np.float64).reshape(-1, 2))


@dataclass(frozen=True, slots=True)
class Shelf:
    """The goods an antenna hears."""

    shape: object

    def distance_m(self, east_m: float, north_m: float) -> float:
        """Give how far a person is from the goods."""
        return float(shapely.distance(self.shape, shapely.Point(east_m, north_m)))

    def along_m(self, antenna: Point, place: Point) -> float:
        """Give how far from an antenna the goods are that a person stands before."""
        line = shapely.shortest_line(self.shape, shapely.Point(place))
        return float(math.dist(antenna, line.coords[0]))


def _inside(polygon: Polygon, east_m: float, north_m: float) -> bool:
    """Tell whether a point is inside, counting crossings of a ray to the east."""
    inside = False
    last_east, last_north = polygon[-1]
    for east, north in polygon:
        if (north > north_m) != (last_north > north_m):
            crossing = (last_east - east) * (north_m - north) / (last_north - north) + east
            if east_m < crossing:
                inside = not inside
        last_east, last_north = east, north
    return inside


def _inside_all(polygon: Polygon, points_m: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Tell the same of (N, 2) points."""
    inside = np.zeros(len(points_m), dtype=np.bool_)
    last_east, last_north = polygon[-1]
    for east, north in polygon:
        if north != last_north:
            crosses = (north > points_m[:, 1]) != (last_north > points_m[:, 1])
            part = (points_m[:, 1] - north) / (last_north - north)
            inside ^= crosses & (points_m[:, 0] < (last_east - east) * part + east)
        last_east, last_north = east, north
    return inside


class _Corners:
    """Shortest walks: straight, or from corner to corner of what stands in the way.

    Source: Lozano-Perez & Wesley 1979, visibility graphs.
    """

    def __init__(self, walkable: Shape, *, params: FloorParams) -> None:
        self._walkable = walkable
        self._sight = walkable.buffer(params.graze_m, join_style="mitre")
        shapely.prepare(self._sight)
        self._places: NDArray[np.float64] = np.unique(shapely.get_coordinates(walkable), axis=0)
        seen_m = self._seen_m(self._places, self._places)
        self._between_m: NDArray[np.float64] = shortest_path(seen_m, directed=False)

    def walk_m(self, points_m: NDArray[np.float64]) -> NDArray[np.float64]:
        """Give the (N, N) shortest walks between (N, 2) points."""
        floor_m = self._on_floor(points_m)
        off_m = np.linalg.norm(points_m - floor_m, axis=1)
        to_corners_m = self._seen_m(floor_m, self._places)
        onward_m = (to_corners_m[:, :, None] + self._between_m).min(axis=1)
        around_m = (onward_m[:, None, :] + to_corners_m).min(axis=2)
        one_way_m = np.minimum(self._mutual_m(floor_m), around_m)
        walks_m: NDArray[np.float64] = np.minimum(one_way_m, one_way_m.T) + off_m[:, None] + off_m
        np.fill_diagonal(walks_m, 0.0)
        return walks_m

    def _mutual_m(self, points_m: NDArray[np.float64]) -> NDArray[np.float64]:
        """Give (N, N) straight distances, each line looked at once."""
        one, other = np.triu_indices(len(points_m), k=1)
        lines = shapely.linestrings(np.stack([points_m[one], points_m[other]], axis=1))
        away_m = np.linalg.norm(points_m[one] - points_m[other], axis=1)
        clear = shapely.covers(self._sight, lines) | (away_m == 0)
        seen_m = np.zeros((len(points_m), len(points_m)))
        seen_m[one, other] = seen_m[other, one] = np.where(clear, away_m, np.inf)
        return seen_m

    def _seen_m(
        self, froms_m: NDArray[np.float64], tos_m: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Give (N, M) straight distances, infinite where something is in the way."""
        shape = (len(froms_m), len(tos_m), 2)
        ends = np.stack(
            [np.broadcast_to(froms_m[:, None], shape), np.broadcast_to(tos_m, shape)], axis=2
        )
        away_m: NDArray[np.float64] = np.linalg.norm(ends[:, :, 1] - ends[:, :, 0], axis=-1)
        clear = shapely.covers(self._sight, shapely.linestrings(ends))
        seen_m: NDArray[np.float64] = np.where(clear | (away_m == 0), away_m, np.inf)
        return seen_m

    def _on_floor(self, points_m: NDArray[np.float64]) -> NDArray[np.float64]:
        lines = shapely.shortest_line(self._walkable, shapely.points(points_m))
        starts: NDArray[np.float64] = shapely.get_coordinates(lines).reshape(-1, 2, 2)[:, 0]
        return starts
