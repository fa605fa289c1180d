"""The floor in square cells, for maps of where people walk and stand."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge.visits.plan import FloorPlan
from wire.messages import Axis

STEPS_M = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0)
"""Edges of a cell to choose from: a person and a trolley fill a square metre."""
MOST_CELLS = 1_200
"""Of a floor: what a message carries, and few enough that each is walked on by many."""
MOST_EDGE = 256
"""Labels an axis may have."""


@dataclass(frozen=True, slots=True)
class Grid:
    """Square cells from the south-west corner of a floor's bounds.

    Attributes:
        west_m: the bounds' west edge.
        south_m: their south edge.
        step_m: a cell's edge.
        rows: cells northwards.
        columns: cells eastwards.
    """

    west_m: float
    south_m: float
    step_m: float
    rows: int
    columns: int

    def axes(self) -> tuple[Axis, Axis]:
        """Give the axes northwards and eastwards, by the metres of south and west edges."""
        return (
            Axis("north_m", _edges(self.south_m, step_m=self.step_m, count=self.rows)),
            Axis("east_m", _edges(self.west_m, step_m=self.step_m, count=self.columns)),
        )

    def touched(self, points_m: NDArray[np.float64]) -> tuple[tuple[int, int], ...]:
        """Give the cells (row, column) that hold a point, in the order of first being touched.

        Args:
            points_m: (N, 2) east, north; those outside the bounds touch none.
        """
        corner = np.array((self.west_m, self.south_m))
        indices = np.floor((points_m - corner) / self.step_m)
        inside = ((indices >= 0) & (indices < (self.columns, self.rows))).all(axis=1)
        return tuple(
            dict.fromkeys((row, column) for column, row in indices[inside].astype(int).tolist())
        )


def grid_of(plan: FloorPlan) -> Grid:
    """Lay the finest grid over a floor that a message can carry."""
    easts, norths = zip(*plan.outline, strict=True)
    west, south = min(easts), min(norths)
    wide_m, deep_m = max(easts) - west, max(norths) - south
    for step_m in STEPS_M:
        rows, columns = math.ceil(deep_m / step_m), math.ceil(wide_m / step_m)
        if rows * columns <= MOST_CELLS and max(rows, columns) <= MOST_EDGE:
            break
    return Grid(west, south, step_m, rows, columns)


def _edges(start_m: float, *, step_m: float, count: int) -> tuple[str, ...]:
    return tuple(f"{start_m + number * step_m:g}" for number in range(count))
