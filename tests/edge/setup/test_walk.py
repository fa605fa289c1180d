from __future__ import annotations

from edge.setup.walk import Walk, WalkParams
from edge.vision.tracking import TrackEnd, TrackPoint

PARAMS = WalkParams(longest_ms=100_000, unseen_ms=5_000, stale_ms=3_000)


def test_dots_are_the_newest_places_in_an_order_that_tells_nothing() -> None:
    walk = Walk(0, params=PARAMS)
    walk.feed(TrackPoint(2, 0, 4.0, 1.0), now_ms=0)
    walk.feed(TrackPoint(1, 0, 5.0, 1.0), now_ms=0)
    walk.feed(TrackPoint(1, 10, 1.234, 2.0), now_ms=10)
    assert walk.dots(20) == [(1.23, 2.0), (4.0, 1.0)]
    walk.feed(TrackEnd(1, 10), now_ms=30)
    assert walk.dots(40) == [(4.0, 1.0)]


def test_a_dot_that_is_not_renewed_goes() -> None:
    walk = Walk(0, params=PARAMS)
    walk.feed(TrackPoint(1, 0, 4.0, 1.0), now_ms=0)
    assert walk.dots(3_000) == [(4.0, 1.0)]
    assert walk.dots(3_001) == []


def test_the_end_of_an_unknown_track_is_nothing() -> None:
    walk = Walk(0, params=PARAMS)
    walk.feed(TrackEnd(7, 0), now_ms=0)
    assert walk.dots(0) == []


def test_a_walk_ends_when_nobody_looks() -> None:
    walk = Walk(0, params=PARAMS)
    walk.dots(4_000)
    assert not walk.is_over(8_999)
    assert walk.is_over(9_000)


def test_a_walk_ends_after_its_longest_time_however_much_one_looks() -> None:
    walk = Walk(0, params=PARAMS)
    for now_ms in range(0, 100_000, 1_000):
        assert not walk.is_over(now_ms)
        assert walk.left_ms(now_ms) == 100_000 - now_ms
        walk.dots(now_ms)
    assert walk.is_over(100_000)


def test_thirty_minutes_is_the_most_by_default() -> None:
    assert WalkParams().longest_ms == 30 * 60 * 1_000
