"""What a scene is made of for the renderer: triangles with their objects' data, light, room."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

ROW = 12
"""Texels (of 4 floats) of one object's data."""
STRIDE = 12
"""Floats of a vertex: place, normal, texture, (object, part, along)."""


@dataclass(slots=True)
class Soup:
    """Triangles of many objects, in the layout of the vertex shader."""

    vertices: list[NDArray[np.float32]] = field(default_factory=list)
    faces: list[NDArray[np.int32]] = field(default_factory=list)
    rows: list[NDArray[np.float32]] = field(default_factory=list)
    count: int = 0
    base: int = 0

    def add(
        self,
        points: Array,
        normals: Array,
        tex: Array,
        faces: NDArray[np.int64],
        *,
        row: NDArray[np.float32],
        part: Array | float = 0.0,
        along: Array | float = 0.0,
    ) -> None:
        """Add an object with its data row (ROW, 4)."""
        out = np.empty((len(points), STRIDE), np.float32)
        out[:, 0:3], out[:, 3:6], out[:, 6:9] = points, normals, tex
        out[:, 9] = self.base + len(self.rows)
        out[:, 10], out[:, 11] = part, along
        self.vertices.append(out)
        self.faces.append((faces + self.count).astype(np.int32))
        self.rows.append(row)
        self.count += len(points)

    def ranges(self) -> list[tuple[int, int]]:
        """Give each object's first index and number of indices."""
        sizes = [3 * len(f) for f in self.faces]
        ends = np.cumsum(sizes, dtype=int).tolist()
        return [(end - size, size) for end, size in zip(ends, sizes, strict=True)]


@dataclass(frozen=True, slots=True)
class Light:
    """How a scene is lit; see LIGHT for the meaning of the numbers."""

    sun: tuple[float, float, float]
    sun_colour: tuple[float, float, float]
    sky: tuple[float, float, float]
    ground: tuple[float, float, float]
    fill: tuple[float, float, float, float]
    soft: tuple[float, float, float, float]
    lamps: tuple[tuple[float, float, float, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Surface:
    """A wall's, floor's or ceiling's look: pattern, its size in metres, seed, two colours, turn."""

    pattern: int
    scale: float
    seed: float
    a: tuple[float, float, float]
    b: tuple[float, float, float]
    turned: float = 0.0


@dataclass(frozen=True, slots=True)
class Room:
    """A box to be inside of; its surfaces are floor, ceiling, west, east, north and south."""

    low: tuple[float, float, float]
    high: tuple[float, float, float]
    surfaces: tuple[Surface, Surface, Surface, Surface, Surface]
    reflect: float
    dirt: tuple[float, float, float, float]
    outdoors: bool
    sky: tuple[float, float, float]
    lamp_size: float = 0.4
    back: tuple[float, float, float] = (0.0, 0.0, 0.0)
