from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.visits.plan import Floor
from edge.visits.rounds import exact_round_m, good_round_m, round_m

places = st.tuples(st.floats(0, 20), st.floats(0, 20))


def _walks(points: list[tuple[float, float]]) -> list[list[float]]:
    return [[math.dist(one, other) for other in points] for one in points]


def _by_trying(walks: list[list[float]]) -> float:
    middle = range(1, len(walks) - 1)
    return min(
        sum(walks[a][b] for a, b in itertools.pairwise((0, *order, len(walks) - 1)))
        for order in itertools.permutations(middle)
    )


@given(points=st.lists(places, min_size=2, max_size=7))
def test_the_exact_round_is_the_shortest_of_all(points: list[tuple[float, float]]) -> None:
    walks = _walks(points)
    assert exact_round_m(walks) == pytest.approx(_by_trying(walks))


@given(points=st.lists(places, min_size=2, max_size=8))
def test_the_good_round_is_never_shorter_and_seldom_much_longer(
    points: list[tuple[float, float]],
) -> None:
    walks = _walks(points)
    assert exact_round_m(walks) - 1e-9 <= good_round_m(walks)
    assert good_round_m(walks) <= 1.6 * exact_round_m(walks) + 1e-9


def test_many_places_take_the_good_way(floor: Floor) -> None:
    along = [(4.5, 6.5 + 0.8 * step) for step in (3, 1, 7, 5, 9, 0, 2, 8, 4, 6)]
    assert round_m(floor.walk_m([(4.5, 5), *along, (4.5, 16)])) == pytest.approx(11.0)


def test_straight_in_and_out(floor: Floor) -> None:
    assert round_m(floor.walk_m([(2, 1), (10, 1)])) == pytest.approx(8.0)
