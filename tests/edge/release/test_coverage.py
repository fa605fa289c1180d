from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.release.coverage import Coverage


def test_it_is_weighted_by_time() -> None:
    coverage = Coverage(0)
    coverage.feed(1_000, seeing=True)
    coverage.feed(3_000, seeing=0.5)
    coverage.feed(5_000, seeing=False)
    assert coverage.share(0, 10_000) == pytest.approx(0.3)
    assert coverage.share(1_000, 3_000) == 1
    assert coverage.share(2_000, 4_000) == pytest.approx(0.75)
    assert coverage.share(6_000, 7_000) == 0
    assert coverage.share(5, 5) == 0


def test_blind_until_told_and_seeing_until_told() -> None:
    coverage = Coverage(0)
    assert coverage.share(0, 100) == 0
    coverage.feed(50, seeing=True)
    assert coverage.share(50, 10**9) == 1


@given(
    steps=st.lists(st.tuples(st.integers(0, 1_000), st.floats(0, 1)), max_size=8),
    since=st.integers(0, 900),
    lasts=st.integers(1, 500),
)
def test_forgetting_the_past_changes_nothing_later(
    steps: list[tuple[int, float]], since: int, lasts: int
) -> None:
    kept, pruned = Coverage(0), Coverage(0)
    for scene_ms, seeing in sorted(steps):
        kept.feed(scene_ms, seeing=seeing)
        pruned.feed(scene_ms, seeing=seeing)
    pruned.forget(since)
    share = kept.share(since, since + lasts)
    assert 0 <= share <= 1
    assert pruned.share(since, since + lasts) == pytest.approx(share)


def test_nonsense_is_refused() -> None:
    coverage = Coverage(0)
    coverage.feed(100, seeing=True)
    with pytest.raises(ValueError, match=r"1\.5"):
        coverage.feed(200, seeing=1.5)
    with pytest.raises(ValueError, match="order"):
        coverage.feed(99, seeing=1)


def test_being_told_often_costs_nothing() -> None:
    coverage = Coverage(0)
    for scene_ms in range(0, 100_000, 100):
        coverage.feed(scene_ms, seeing=True)
    assert len(coverage._steps) == 2
    assert coverage.share(0, 100_000) == 1
