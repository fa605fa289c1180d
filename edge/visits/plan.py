"""The floor plan: zones, fixtures and walkable floor, in metres, x east, y north."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Polygon = tuple[tuple[float, float], ...]
ZoneKind = Literal["aisle", "promo", "till", "entrance", "exit", "fitting-room"]


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
