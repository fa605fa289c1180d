from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.release.grid import MOST_CELLS, grid_of
from edge.visits.plan import FloorPlan


def test_cells_are_told_by_their_south_and_west_edges(plan: FloorPlan) -> None:
    grid = grid_of(replace(plan, outline=((-1.5, 2), (2.2, 2), (2.2, 4), (-1.5, 4))))
    north, east = grid.axes()
    assert (north.name, north.labels) == ("north_m", ("2", "3"))
    assert (east.name, east.labels) == ("east_m", ("-1.5", "-0.5", "0.5", "1.5"))
    points = np.array([[-1.4, 2.1], [2.1, 3.9], [-1.4, 2.2], [9.0, 3.0], [0.6, 1.9]])
    assert grid.touched(points) == ((0, 0), (1, 3))
    assert grid.touched(np.empty((0, 2))) == ()


@given(wide=st.floats(1, 1_500), deep=st.floats(1, 1_500))
def test_every_floor_has_a_grid_that_fits(plan: FloorPlan, wide: float, deep: float) -> None:
    grid = grid_of(replace(plan, outline=((0, 0), (wide, 0), (wide, deep), (0, deep))))
    assert grid.rows * grid.columns <= MOST_CELLS
    far = np.array([[wide * (1 - 1e-9), deep * (1 - 1e-9)]])
    assert grid.touched(far) == ((grid.rows - 1, grid.columns - 1),)
    assert grid.step_m == 1.0 or 2 * wide * deep / grid.step_m**2 > 1


@pytest.mark.parametrize(("metres", "step_m"), [(20, 1.0), (60, 2.0), (130, 4.0)])
def test_the_finest_grid_is_taken(plan: FloorPlan, metres: float, step_m: float) -> None:
    square = ((0, 0), (metres, 0), (metres, metres), (0, metres))
    assert grid_of(replace(plan, outline=square)).step_m == step_m
