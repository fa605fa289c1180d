from __future__ import annotations

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.vision.assignment import Link, likeliest, matched, settled

_links = st.dictionaries(
    st.tuples(st.sampled_from("abcd"), st.integers(0, 3)), st.floats(-9, -0.1), max_size=9
).map(lambda costs: [(who, point, cost) for (who, point), cost in costs.items()])


def _least(links: list[Link[str]]) -> float:
    """The cost of the best whole, by trying all: each of four has one of four points or none."""
    costs = {(who, point): cost for who, point, cost in links}
    wholes = permutations(range(4))
    return min(
        sum(costs.get(pair, 0.0) for pair in zip("abcd", one, strict=True)) for one in wholes
    )


@given(_links)
def test_law_no_other_whole_costs_less(links: list[Link[str]]) -> None:
    costs = {(who, point): cost for who, point, cost in links}
    for pairs in (matched(links), likeliest(links)):
        assert len({who for who, _ in pairs}) == len({point for _, point in pairs}) == len(pairs)
        assert sum(costs[pair] for pair in pairs) == pytest.approx(_least(links))


def test_what_one_alone_wants_is_settled() -> None:
    links = [("a", 0, -1.0), ("b", 1, -2.0), ("c", 1, -3.0), ("c", 2, -9.0)]
    assert settled(links) == ([("a", 0)], links[1:])
    assert matched(links) == [("a", 0), ("b", 1), ("c", 2)]


def test_people_may_be_numbered_as_points_are() -> None:
    assert settled([(1, 0, -1.0), (0, 1, -2.0)]) == ([(1, 0), (0, 1)], [])
