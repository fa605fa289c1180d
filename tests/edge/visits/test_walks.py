from __future__ import annotations

import pytest

from edge.visits.walks import RejoinParams, Walk, best_continuations

PARAMS = RejoinParams()


def _walk(
    track: int,
    start: tuple[float, float],
    end: tuple[float, float],
    *,
    start_ms: int,
    end_ms: int,
    **kwargs: bool,
) -> Walk:
    walk = Walk(track, door_at_start=kwargs.get("door_at_start", False))
    for step in range(11):
        part = step / 10
        walk.add(
            round(start_ms + part * (end_ms - start_ms)),
            start[0] + part * (end[0] - start[0]),
            start[1] + part * (end[1] - start[1]),
        )
    walk.lost = kwargs.get("lost", False)
    walk.door_at_end = kwargs.get("door_at_end", False)
    return walk


def _lost(track: int, end: tuple[float, float], *, end_ms: int = 10_000, north: float = 0) -> Walk:
    start = (end[0], end[1] - north)
    return _walk(track, start, end, start_ms=end_ms - 2_000, end_ms=end_ms, lost=True)


def _new(track: int, start: tuple[float, float], *, start_ms: int = 12_000) -> Walk:
    return _walk(track, start, start, start_ms=start_ms, end_ms=start_ms + 2_000)


def _pairs(heads: list[Walk], tails: list[Walk]) -> set[tuple[int, int]]:
    found = best_continuations(heads, tails, params=PARAMS)
    return {(head.track, tail.track) for head, tail in found}


def test_near_by_in_place_and_time_continues() -> None:
    assert _pairs([_new(2, (5, 6))], [_lost(1, (5, 5))]) == {(2, 1)}


@pytest.mark.parametrize(
    ("place", "start_ms"),
    [
        pytest.param((5.0, 9.0), 12_000, id="too far for two seconds"),
        pytest.param((5.0, 5.0), 30_001, id="too late"),
        pytest.param((5.0, 5.0), 8_000, id="not after it began"),
        pytest.param((5.0, 6.6), 9_000, id="too far beside"),
    ],
)
def test_another_place_or_time_does_not(place: tuple[float, float], start_ms: int) -> None:
    assert _pairs([_new(2, place, start_ms=start_ms)], [_lost(1, (5, 5))]) == set()


def test_a_lost_one_may_linger_on_something_else_for_a_while() -> None:
    lingering = _walk(1, (5, 3), (5, 5), start_ms=2_000, end_ms=10_000, lost=True)
    assert _pairs([_new(2, (5, 5.8), start_ms=9_000)], [lingering]) == {(2, 1)}
    later = _walk(3, (5, 5.8), (5, 5.8), start_ms=6_000, end_ms=14_000)
    assert _pairs([later], [lingering]) == set()  # too long beside each other: two people
    short = _walk(4, (5, 5.8), (5, 5.8), start_ms=9_000, end_ms=9_900)
    assert _pairs([short], [lingering]) == set()  # it was over before


def test_at_a_door_nobody_lingers() -> None:
    lingering = _walk(1, (5, 3), (5, 5), start_ms=2_000, end_ms=10_000, lost=True)
    head = _walk(2, (5, 5.2), (5, 5.2), start_ms=9_000, end_ms=14_000, door_at_start=True)
    assert _pairs([head], [lingering]) == set()


def test_what_both_saw_is_told_once() -> None:
    walk = _walk(1, (5, 3), (5, 5), start_ms=2_000, end_ms=10_000, lost=True)
    walk.absorb(_new(2, (5, 5.8), start_ms=9_000))
    assert walk.times_ms == sorted(set(walk.times_ms))
    assert walk.end_ms == 11_000


def test_the_whole_is_judged_not_who_comes_first() -> None:
    # Greedy by distance would give head 3 (0.5 m) to tail 1 and leave head 4 to tail 2, 3.5 m
    # away; together 3→2 and 4→1 are more plausible.
    tails = [_lost(1, (5.0, 5.0)), _lost(2, (5.0, 6.2))]
    heads = [_new(3, (5.0, 5.5)), _new(4, (5.0, 2.6))]
    assert _pairs(heads, tails) == {(3, 2), (4, 1)}
    assert _pairs(heads[::-1], tails[::-1]) == {(3, 2), (4, 1)}


def test_two_who_cross_keep_their_ways() -> None:
    # both are lost 0.5 m apart, walking towards and past each other
    north = _walk(1, (5, 3), (5, 5), start_ms=8_000, end_ms=10_000, lost=True)
    south = _walk(2, (5, 7.5), (5, 5.5), start_ms=8_000, end_ms=10_000, lost=True)
    above, below = _new(3, (5, 6.4), start_ms=11_400), _new(4, (5, 4.1), start_ms=11_400)
    assert _pairs([above, below], [north, south]) == {(3, 1), (4, 2)}


def test_at_a_door_only_a_close_one_continues() -> None:
    head = _walk(2, (2, 3), (2, 5), start_ms=13_000, end_ms=15_000, door_at_start=True)
    assert _pairs([head], [_lost(1, (2, 1))]) == set()
    away = _new(2, (2, 3), start_ms=13_000)
    assert _pairs([away], [_lost(1, (2, 1))]) == {(2, 1)}
    close = _walk(2, (2, 2), (2, 5), start_ms=13_000, end_ms=15_000, door_at_start=True)
    assert _pairs([close], [_lost(1, (2, 1))]) == {(2, 1)}


def test_a_walk_does_not_continue_itself() -> None:
    walk = _lost(1, (5, 5))
    assert _pairs([walk], [walk]) == set()


def test_place_at_is_linear_between_points_and_still_beyond() -> None:
    walk = _walk(1, (0, 0), (10, 0), start_ms=0, end_ms=10_000)
    assert walk.place_at(2_500) == pytest.approx((2.5, 0))
    assert walk.place_at(-5) == (0, 0)
    assert walk.place_at(10_001) == (10, 0)
    assert walk.velocity_m_s(lookback_ms=1_000) == pytest.approx((1.0, 0.0))


def test_points_from_the_past_are_ignored() -> None:
    walk = _walk(1, (0, 0), (10, 0), start_ms=0, end_ms=10_000)
    walk.add(10_000, 99, 99)
    walk.add(500, 99, 99)
    assert walk.place_at(10_000) == (10, 0)
