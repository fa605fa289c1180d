from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.errors import PrivacyError
from edge.release.privacy import Budget, Rule
from edge.release.tallies import Tally
from wire.messages import Axis

AXES = (Axis("zone", tuple("abc")), Axis("daypart", tuple("xy")), Axis("outcome", tuple("pqrst")))
ZONES = Rule("zones", "day", clip=8, share=Fraction(1, 2))
SUMS = Rule("sums", "day", clip=1, share=Fraction(1, 2), unit=100)
BUDGET = Budget(0.1, (ZONES, SUMS))
cells = st.tuples(st.integers(0, 2), st.integers(0, 1), st.integers(0, 4))
visits = st.lists(cells, max_size=8, unique=True)


def _tally(counted: list[list[tuple[int, ...]]]) -> Tally:
    tally = Tally(BUDGET.channel("zones"), axes=AXES)
    for visit in counted:
        tally.add(visit)
    return tally


def test_counts_are_row_major() -> None:
    assert _tally([[(1, 1, 3)]]).exact()[1 * 10 + 1 * 5 + 3] == 1
    assert sum(_tally([[(0, 0, 0), (2, 1, 4)], [(0, 0, 0)]]).exact()) == 3


def test_a_window_in_progress_may_only_be_tightened() -> None:
    tally = _tally([[(0, 0, 0)]])
    tight = Budget(0.05, BUDGET.rules).channel("zones")
    tally.tighten(tight)
    assert tally.channel == tight
    assert sum(tally.exact()) == 1
    other_clip = Budget(0.01, (replace(ZONES, clip=9),)).channel("zones")
    looser_one, other = Budget(0.06, BUDGET.rules), Budget(0.01, BUDGET.rules).channel("sums")
    for looser in (looser_one.channel("zones"), other, other_clip):
        with pytest.raises(PrivacyError, match="tightened"):
            tally.tighten(looser)
    assert tally.channel == tight


@given(others=st.lists(visits, max_size=6), one=visits)
def test_one_visit_moves_the_counts_by_no_more_than_the_clip(
    others: list[list[tuple[int, ...]]], one: list[tuple[int, ...]]
) -> None:
    without, with_it = _tally(others).exact(), _tally([*others, one]).exact()
    moved = [after - before for before, after in zip(without, with_it, strict=True)]
    assert set(moved) <= {0, 1}
    assert math.sqrt(sum(step * step for step in moved)) <= math.sqrt(8)


def test_more_than_the_clip_is_refused_and_counts_nothing() -> None:
    tally = _tally([])
    nine = [(zone, part, 0) for zone in range(3) for part in range(2)] + [
        (0, 0, n) for n in (1, 2, 3)
    ]
    with pytest.raises(PrivacyError, match="8 different cells"):
        tally.add(nine)
    with pytest.raises(PrivacyError, match="8 different cells"):
        tally.add([(0, 0, 0), (0, 0, 0)])
    with pytest.raises(IndexError):
        tally.add([(0, 0, 0), (3, 0, 0)])
    with pytest.raises(IndexError):
        tally.add([(0, -1, 0)])
    assert sum(tally.exact()) == 0


def test_a_vector_no_longer_than_the_bound_is_added_whole() -> None:
    tally = Tally(BUDGET.channel("sums"), axes=(Axis("cell", ("0",)), Axis("trait", tuple("abc"))))
    places = [(0, 0), (0, 1), (0, 2)]
    tally.add(places, amounts=(60, -80, 0))
    tally.add(places, amounts=(0, 0, -100))
    assert tally.exact() == (60, -80, -100)
    for long in ((60, -80, 1), (101, 0, 0)):
        with pytest.raises(PrivacyError, match="in parts of 100"):
            tally.add(places, amounts=long)
    assert tally.exact() == (60, -80, -100)
    with pytest.raises(ValueError, match="shorter"):
        tally.add(places, amounts=(1, 2))
    assert tally.exact() == (60, -80, -100)
