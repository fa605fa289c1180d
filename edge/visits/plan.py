"""The floor plan: zones, fixtures and walkable floor, in metres, x east, y north."""

from __future__ import annotations

import itertools
import math
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra
from shapely.geometry import LineString
from shapely.geometry import Polygon as Shape
from shapely.validation import explain_validity

from edge.errors import ConfigError
from wire.topics import NAME

Point = tuple[float, float]
Polygon = tuple[Point, ...]
ZoneKind = Literal["aisle", "promo", "till", "entrance", "exit", "fitting-room"]

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
        grid_m: raster of walkable floor for shortest walks; a fifth of a narrow aisle.
        sliver_m: how far drawn edges may overlap or stick out before it is an error: hand-drawn
            plans are good to centimetres.
        cached_walks: fields of shortest walks kept in memory, one a starting cell.
        counter_m: a fixture this close to a till zone is its counter and holds no goods.
    """

    grid_m: float = 0.25
    sliver_m: float = 0.05
    cached_walks: int = 256
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
        raise ConfigError(
            f"{what} crosses itself ({explain_validity(shape)}); give its corners in order"
        )
    if shape.area == 0:
        raise ConfigError(f"{what} has no area; give its corners in order")
    return shape


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
        self._raster = _Raster(self._walkable, params=self.params)

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
        """Give the shortest walks between points over walkable floor.

        A walk in sight is its straight line; one around fixtures is measured on a raster, 16
        directions, at most 3 % too long. A point inside a fixture starts from the nearest floor.

        Returns:
            (N, N) metres, symmetric; infinite where there is no way.
        """
        count = len(points)
        walks = np.zeros((count, count))
        for one, other in itertools.combinations(range(count), 2):
            walks[one, other] = walks[other, one] = self._one_walk_m(points[one], points[other])
        return walks

    def _one_walk_m(self, start: Point, end: Point) -> float:
        straight = math.dist(start, end)
        if straight == 0 or self._walkable.covers(LineString((start, end))):
            return straight
        return max(straight, self._raster.walk_m(start, end))


@dataclass(frozen=True, slots=True)
class Shelf:
    """The goods an antenna hears."""

    shape: object

    def distance_m(self, east_m: float, north_m: float) -> float:
        """Give how far a person is from the goods."""
        return float(shapely.distance(self.shape, shapely.Point(east_m, north_m)))


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


class _Raster:
    """Walkable floor as a grid of cells joined to 16 neighbours."""

    STEPS = ((1, 0), (0, 1), (1, 1), (1, -1), (2, 1), (1, 2), (2, -1), (1, -2))

    def __init__(self, walkable: Shape, *, params: FloorParams) -> None:
        west, south, east, north = walkable.bounds
        self._cached_walks = params.cached_walks
        self._fields: OrderedDict[int, NDArray[np.float64]] = OrderedDict()
        columns = max(1, math.ceil((east - west) / params.grid_m))
        rows = max(1, math.ceil((north - south) / params.grid_m))
        east_m = west + (np.arange(columns) + 0.5) * (east - west) / columns
        north_m = south + (np.arange(rows) + 0.5) * (north - south) / rows
        grid = np.stack(np.meshgrid(east_m, north_m, indexing="ij"), axis=-1)
        free = shapely.covers(walkable, shapely.points(grid))
        if not free.any():
            raise ConfigError(
                f"nowhere is the floor between fixtures {params.grid_m} m wide; correct the plan"
            )
        self._places: NDArray[np.float64] = grid[free]
        self._graph = _graph(grid, free=free, walkable=walkable, steps=self.STEPS)

    def walk_m(self, start: Point, end: Point) -> float:
        """Give the shortest walk between two points, over the cells nearest to them."""
        first, last = self._nearest(start), self._nearest(end)
        ends_m = math.dist(start, self._places[first]) + math.dist(end, self._places[last])
        return float(self._field(first)[last]) + ends_m

    def _nearest(self, point: Point) -> int:
        gaps = self._places - np.asarray(point)
        return int(np.argmin(np.einsum("ij,ij->i", gaps, gaps)))

    def _field(self, node: int) -> NDArray[np.float64]:
        field = self._fields.pop(node, None)
        if field is None:
            field = dijkstra(self._graph, directed=False, indices=node)
            if len(self._fields) >= self._cached_walks:
                self._fields.popitem(last=False)
        self._fields[node] = field
        return field


def _graph(
    grid: NDArray[np.float64],
    *,
    free: NDArray[np.bool_],
    walkable: Shape,
    steps: Iterable[tuple[int, int]],
) -> csr_array:
    """Join free cells whose straight connection stays on walkable floor."""
    columns, rows = free.shape
    numbers = np.full(free.shape, -1)
    numbers[free] = np.arange(int(free.sum()))
    tails, heads, lengths = [], [], []
    for right, up in steps:
        here = (slice(0, columns - right), slice(max(0, -up), rows - max(0, up)))
        there = (slice(right, columns), slice(max(0, up), rows - max(0, -up)))
        both = free[here] & free[there]
        ends = np.stack([grid[here][both], grid[there][both]], axis=1)
        clear = shapely.covers(walkable, shapely.linestrings(ends))
        tails.append(numbers[here][both][clear])
        heads.append(numbers[there][both][clear])
        lengths.append(np.linalg.norm(ends[:, 1] - ends[:, 0], axis=-1)[clear])
    size = int(free.sum())
    edges = (np.concatenate(tails), np.concatenate(heads))
    return csr_array((np.concatenate(lengths), edges), shape=(size, size))
