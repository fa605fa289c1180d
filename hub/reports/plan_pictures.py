"""Pictures on the floor plan: rates by place, where visits walk and stand, ways between places."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from hub.patterns.shares import Share
from hub.reports.canvas import (
    ABSENT,
    DARK_FROM,
    DEAD,
    EDGE,
    FIXTURE,
    INK,
    MUTED,
    PAPER,
    SIZE,
    WITHHELD,
    Canvas,
    Point,
    clamp,
    fitting,
    path,
    tint,
    wide,
)
from hub.reports.ground import HeatMap, MapCell, Way
from wire.messages import Zone

UPRIGHT_FROM = 1.3
"""Zones so many times taller than wide are lettered upwards."""
LEVELS = 8
"""Tints of a map: more cannot be told apart, and squares of one tint are one shape."""
THIN, THICK = 0.8, 7.0
"""Widths of an arrow, points."""
BEND = 0.18
"""How far an arrow's middle leaves the straight way, in parts of its length."""
ARROW = "#b84f00"
HIGHEST = 576.0
"""Of a plan, points; longer floors are drawn narrower."""
BROADEST = 303.0
BELOW = 52.0
"""For the scale and the legend."""


@dataclass(frozen=True, slots=True)
class Floor:
    """What is drawn of a store; polygons in metres, x east, y north."""

    outline: Sequence[tuple[float, float]]
    fixtures: Sequence[Sequence[tuple[float, float]]]
    zones: Sequence[Zone]


def floor_picture(floor: Floor, *, rates: Mapping[str, Share | None], absent: str) -> str:
    """Draw the floor plan with its zones tinted by a rate.

    Args:
        floor: the plan.
        rates: by zone id; None where the rate cannot exist, for the reason ``absent``.
        absent: label of those zones in the legend.
    """
    plan = _Plan(floor)
    shown = [rate.value for rate in rates.values() if rate and rate.value is not None]
    top = max([0.1, *shown])
    for zone in floor.zones:
        face, _, _ = _tinted(zone, rates=rates, top=top)
        plan.shape(zone.polygon, fill=PAPER, stroke=EDGE, stroke_width=0.7)
        if face != PAPER:
            plan.shape(zone.polygon, fill=face)
    plan.furnish()
    for zone in floor.zones:
        _label(plan, zone, rates=rates, top=top)
    items = [(FIXTURE, "box", "fixture")]
    if any(rate is None for rate in rates.values()):
        items.append((ABSENT, "box", absent))
    if any(rate and rate.value is None for rate in rates.values()):
        items.append((WITHHELD, "box", "withheld"))
    ticks = [f"{100 * x:.0f} %" for x in (0, top / 2, top)] if shown else []
    return plan.finished(ticks, items=items)


def ground_picture(floor: Floor, *, ground: HeatMap, days: int, dead: bool) -> str:
    """Draw a map in squares, tinted by visits a day; blank where noise could explain them.

    Args:
        floor: the plan.
        ground: the map.
        days: that the counts are of.
        dead: whether to hatch what is dead.
    """
    plan = _Plan(floor)
    top = max([1.0, *(cell.visits.value for cell in ground.cells if cell.told)])
    by_level: dict[int, list[MapCell]] = {}
    for cell in ground.cells:
        if cell.told:
            level = min(LEVELS - 1, int(LEVELS * cell.visits.value / top))
            by_level.setdefault(level, []).append(cell)
    for level, cells in sorted(by_level.items()):
        plan.squares(cells, step=ground.step_m, fill=tint((level + 0.5) / LEVELS))
    hatched = [cell for cell in ground.cells if cell.dead and dead]
    if hatched:
        plan.squares(hatched, step=ground.step_m, fill=DEAD)
    plan.furnish()
    plan.name_zones()
    items = [(FIXTURE, "box", "fixture"), (PAPER, "box", "noise could explain it")]
    if hatched:
        items.append((DEAD, "box", "dead"))
    ticks = [f"{part * top / max(1, days):,.0f}" for part in (0, 0.5, 1)]
    return plan.finished(ticks, items=items)


def ways_picture(floor: Floor, *, ways: Sequence[Way], days: int) -> str:
    """Draw ways between places as arrows, as thick as they are used.

    Args:
        floor: the plan.
        ways: what noise cannot explain.
        days: that the counts are of.
    """
    plan = _Plan(floor)
    plan.furnish()
    middles = {zone.id: plan.at(_middle(zone.polygon)) for zone in floor.zones}
    top = max([1.0, *(way.visits.value for way in ways)])
    for way in reversed(ways):
        if way.zone in middles and way.to_zone in middles:
            width = THIN + (THICK - THIN) * max(0.0, way.visits.value) / top
            _arrow(plan.canvas, middles[way.zone], middles[way.to_zone], width=width)
    plan.name_zones()
    text = f"thickest: {top / max(1, days):,.0f} visits a day"
    plan.canvas.text(plan.canvas.width / 2, plan.south + 16, text, fill=MUTED, size=8.5)
    return plan.finished([], items=[])


@dataclass(slots=True)
class _Plan:
    """A canvas on which metres of the floor are drawn.

    Attributes:
        south: where the plan ends and what explains it begins, points.
    """

    floor: Floor
    canvas: Canvas = field(init=False)
    south: float = field(init=False)
    _scale: float = field(init=False)
    _west: float = field(init=False)
    _north: float = field(init=False)

    def __post_init__(self) -> None:
        west, south, east, north = bounds(self.floor.outline)
        scale = min(BROADEST / (east - west), HIGHEST / (north - south))
        self.south = 6 + scale * (north - south)
        self.canvas = Canvas(self.south + BELOW)
        self._scale = scale
        self._west = west - (self.canvas.width / scale - (east - west)) / 2
        self._north = north + 4 / scale
        self.shape(self.floor.outline, fill=PAPER, stroke=MUTED, stroke_width=1.4)

    def at(self, place: Point) -> Point:
        """Give where a place of the floor is on the canvas."""
        return (place[0] - self._west) * self._scale, (self._north - place[1]) * self._scale

    def shape(self, polygon: Sequence[Point], **attributes: float | str) -> None:
        """Draw a polygon of the floor."""
        self.canvas.area([self.at(place) for place in polygon], **attributes)

    def squares(self, cells: Sequence[MapCell], *, step: float, fill: str) -> None:
        """Draw squares as one shape."""
        side = step * self._scale
        data = ""
        for cell in cells:
            corner = self.at((cell.east_m, cell.north_m + step))
            data += f"{path([corner])}h{side:.2f}v{side:.2f}h{-side:.2f}z"
        self.canvas.add("path", d=data, fill=fill)

    def furnish(self) -> None:
        """Draw fixtures and the borders of zones."""
        for fixture in self.floor.fixtures:
            self.shape(fixture, fill=FIXTURE, stroke="#8b949d", stroke_width=0.6)
        for zone in self.floor.zones:
            self.shape(zone.polygon, fill="none", stroke=EDGE, stroke_width=0.6)

    def name_zones(self) -> None:
        """Write every zone's name at an edge of it, where it hides least."""
        for zone in self.floor.zones:
            west, south, east, north = bounds(zone.polygon)
            upright = north - south > UPRIGHT_FROM * (east - west)
            x, y = self.at((west, north))
            room = self._scale * max(north - south, east - west) - 6
            text = fitting(zone.name or zone.id, width=room, size=7.5)
            if upright:
                x, y = x + 7.5, y + 5 + wide(text, size=7.5) / 2
            else:
                x, y = x + 4 + wide(text, size=7.5) / 2, y + 8
            self.canvas.text(x, y, text, size=7.5, upright=upright, halo=True)

    def size(self, zone: Zone) -> tuple[float, float]:
        """Give how wide and how tall a zone is on the canvas."""
        west, south, east, north = bounds(zone.polygon)
        return self._scale * (east - west), self._scale * (north - south)

    def finished(self, ticks: Sequence[str], *, items: Sequence[tuple[str, str, str]]) -> str:
        """Add the scale of tints, named at its ends and middle, and the legend."""
        width = 0.74 * self.canvas.width
        left = (self.canvas.width - width) / 2
        for level in range(24 if ticks else 0):
            colour = tint((level + 0.5) / 24)
            self.canvas.rect(
                left + level * width / 24, self.south + 6, width / 24 + 0.3, 7, fill=colour
            )
        for number, text in enumerate(ticks):
            x = left + number * width / 2
            self.canvas.text(x, self.south + 20, text, size=8.5, fill=MUTED)
        if items:
            self.canvas.legend(items, y=self.south + 37)
        else:
            self.canvas.height = self.south + 28
        return self.canvas.svg()


def bounds(polygon: Sequence[tuple[float, float]]) -> tuple[float, float, float, float]:
    """Give west, south, east and north."""
    xs, ys = [x for x, _ in polygon], [y for _, y in polygon]
    return min(xs), min(ys), max(xs), max(ys)


def _tinted(zone: Zone, *, rates: Mapping[str, Share | None], top: float) -> tuple[str, str, str]:
    """Give a zone's fill, what is written beside its name, and the colour of letters."""
    if zone.id not in rates:
        return PAPER, "", MUTED
    rate = rates[zone.id]
    if rate is None:
        return ABSENT, "", MUTED
    if rate.value is None:
        return WITHHELD, "withheld", MUTED
    level = clamp(rate.value) / top
    return tint(level), f"{100 * clamp(rate.value):.0f} %", PAPER if level > DARK_FROM else INK


def _label(plan: _Plan, zone: Zone, *, rates: Mapping[str, Share | None], top: float) -> None:
    face, label, ink = _tinted(zone, rates=rates, top=top)
    west, south, east, north = bounds(zone.polygon)
    width, height = plan.size(zone)
    upright = height > UPRIGHT_FROM * width
    middle = (west + east) / 2, (south + north) / 2
    covering = [f for f in map(bounds, plan.floor.fixtures) if _holds(f, middle)]
    if covering:  # a stand inside its zone: write below it, or above it where there is more room
        below, above = covering[0][1] - south, north - covering[0][3]
        middle = (middle[0], south + below / 2 if below >= above else north - above / 2)
    size = 8 if covering else SIZE
    room = (height if upright else width) - 4
    name = zone.name or zone.id
    joined = f"{name} · {label}" if label else name
    if upright and label:
        short = fitting(name, width=room - wide(f" · {label}", size=size), size=size)
        lines = [f"{short} · {label}"]
    elif covering and label and wide(joined, size=size) <= room:
        lines = [joined]
    else:
        lines = [fitting(name, width=room, size=size), *([label] if label else [])]
    x, y = plan.at(middle)
    for number, text in enumerate(lines):
        plan.canvas.text(
            x, y + 1.2 * size * (number - (len(lines) - 1) / 2), text, size=size, fill=ink,
            bold=label.endswith("%"), upright=upright, halo=face in {ABSENT, WITHHELD},
        )  # fmt: skip


def _arrow(canvas: Canvas, start: Point, end: Point, *, width: float) -> None:
    east, south = end[0] - start[0], end[1] - start[1]
    length = math.hypot(east, south)
    if length <= 0:
        return
    bend = (start[0] + east / 2 - BEND * south, start[1] + south / 2 + BEND * east)
    last = math.hypot(end[0] - bend[0], end[1] - bend[1])
    along = ((end[0] - bend[0]) / last, (end[1] - bend[1]) / last)
    head = 3 + 1.3 * width
    half = 1.6 + 0.75 * width
    neck = (end[0] - head * along[0], end[1] - head * along[1])
    canvas.add(
        "path",
        d=f"{path([start])}Q{bend[0]:.1f} {bend[1]:.1f} {neck[0]:.1f} {neck[1]:.1f}",
        fill="none", stroke=ARROW, stroke_width=width, stroke_opacity=0.75,
    )  # fmt: skip
    sides = [(neck[0] + s * half * along[1], neck[1] - s * half * along[0]) for s in (1, -1)]
    canvas.area([end, *sides], fill=ARROW, fill_opacity=0.9)


def _holds(box: tuple[float, float, float, float], point: tuple[float, float]) -> bool:
    return box[0] <= point[0] <= box[2] and box[1] <= point[1] <= box[3]


def _middle(polygon: Sequence[tuple[float, float]]) -> tuple[float, float]:
    west, south, east, north = bounds(polygon)
    return (west + east) / 2, (south + north) / 2
