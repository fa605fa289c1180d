from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.rfid.items import ItemEvent
from edge.vision.tracking import TrackEnd, TrackPoint
from edge.visits.plan import Floor
from edge.visits.visits import Visit, VisitParams, Visits

Walker = Callable[..., list[TrackPoint]]
Item = TrackPoint | TrackEnd | ItemEvent

IN, OUT = (2.0, 0.4), (10.0, 0.4)
ROUND = [IN, (2, 5.5), (4.2, 5.5), (4.2, 10), 12, (4.2, 5.5), (9, 4.5), (11, 4.5), (11, 2), OUT]
ANTENNAS = {"aisle-2": (3.5, 10.0)}


def _event(
    kind: Literal["picked", "put_back", "till"], scene_ms: int, tag: bytes = b"a"
) -> ItemEvent:
    return ItemEvent(kind, scene_ms, "aisle-2", "04012345100013", tag)


def _in_order(*tracks: Sequence[TrackPoint], events: Sequence[ItemEvent] = ()) -> list[Item]:
    """Merge by time; ends and items become known some seconds after what they are dated."""
    dated: list[tuple[int, Item]] = [(p.scene_ms, p) for track in tracks for p in track]
    dated += [(event.scene_ms + 5_000, event) for event in events]
    dated += [
        (track[-1].scene_ms + 2_000, TrackEnd(track[-1].track, track[-1].scene_ms))
        for track in tracks
    ]
    return [item for _, item in sorted(dated, key=lambda pair: pair[0])]


def _run(visits: Visits, items: Iterable[Item]) -> list[Visit]:
    over = [visit for item in items for visit in visits.feed(item)]
    return over + visits.flush()


def _cut(points: list[TrackPoint], *, start_ms: int, end_ms: int, track: int) -> list[Item]:
    """Lose a track for a while; it comes back as another."""
    before = [p for p in points if p.scene_ms < start_ms]
    after = [p._replace(track=track) for p in points if p.scene_ms >= end_ms]
    return _in_order(before, after)


def test_door_to_door_is_one_whole_visit(walker: Walker, floor: Floor) -> None:
    points = walker(1, ROUND)
    (visit,) = _run(Visits(floor), _in_order(points))
    assert (visit.start_ms, visit.end_ms) == (0, points[-1].scene_ms)
    assert visit.entered
    assert visit.left
    assert [stop.zone for stop in visit.stops] == ["aisle-2"]
    assert {stay.zone for stay in visit.stays} == {"entrance", "aisle-2", "promo", "till", "exit"}


def test_a_visit_is_returned_when_due_and_not_before(walker: Walker, floor: Floor) -> None:
    visits = Visits(floor)
    points = walker(1, ROUND)
    for item in _in_order(points):
        assert visits.feed(item) == []
    end_ms = points[-1].scene_ms
    assert visits.advance(end_ms + visits.latest_ms - 1) == []
    assert visits.due_ms() == end_ms + visits.latest_ms
    assert len(visits.advance(end_ms + visits.latest_ms)) == 1
    assert visits.due_ms() is None


def test_a_new_id_after_a_loss_continues_the_visit_and_its_dwell(
    walker: Walker, floor: Floor
) -> None:
    points = walker(1, ROUND)
    whole = _run(Visits(floor), _in_order(points))
    standing_ms = next(p.scene_ms for p in points if (p.east_m, p.north_m) == (4.2, 10)) + 3_000
    lost = _run(
        Visits(floor), _cut(points, start_ms=standing_ms, end_ms=standing_ms + 5_000, track=2)
    )
    assert len(lost) == 1
    assert lost[0].stops == whole[0].stops
    assert (lost[0].start_ms, lost[0].end_ms) == (whole[0].start_ms, whole[0].end_ms)


def test_lost_again_and_again_is_still_one_visit(walker: Walker, floor: Floor) -> None:
    points = walker(1, ROUND)
    pieces = [
        [p._replace(track=number) for p in points if 0 <= p.scene_ms - 7_000 * number <= 4_500]
        for number in range(6)
    ]
    assert pieces[-1][-1] == points[-1]._replace(track=5)
    visits = _run(Visits(floor), _in_order(*pieces))
    assert len(visits) == 1
    assert visits[0].entered
    assert visits[0].left


def test_short_pieces_in_a_chain_join_whichever_way_they_become_due(
    walker: Walker, floor: Floor
) -> None:
    # pieces of one second, a second apart: several wait for their decision at once
    points = walker(1, ROUND)
    pieces = [
        [p._replace(track=number) for p in points if 0 <= p.scene_ms - 2_000 * number < 1_000]
        for number in range(points[-1].scene_ms // 2_000 + 1)
    ]
    visits = Visits(floor)
    over = _run(visits, _in_order(*[piece for piece in pieces if piece]))
    assert len(over) == 1
    assert visits.noise_walks == 0


def test_lost_for_good_is_marked_as_cut(walker: Walker, floor: Floor) -> None:
    (visit,) = _run(Visits(floor), _in_order(walker(1, [IN, (2, 5.5), (2, 12)])))
    assert visit.entered
    assert not visit.left
    (visit,) = _run(Visits(floor), _in_order(walker(1, [(2, 12), (2, 5.5), OUT])))
    assert not visit.entered
    assert visit.left


@pytest.mark.parametrize(("away_s", "count"), [(4, 1), (60, 2)])
def test_back_at_once_is_the_same_visit_and_later_a_new_one(
    walker: Walker, floor: Floor, away_s: int, count: int
) -> None:
    out = walker(1, [(2, 0.3), (2, 5), (4.5, 5.5), (4.5, 9), (4.5, 5.5), (2, 5), (2, 0.3)])
    back_ms = out[-1].scene_ms + 1000 * away_s
    back = walker(2, [(2.2, 0.3), (2, 5), (4.5, 5.5), (10, 5.3), (10, 0.3)], start_ms=back_ms)
    visits = Visits(floor)
    over = [v for p in out for v in visits.feed(p)]
    over += visits.feed(TrackEnd(1, out[-1].scene_ms))
    over += [v for p in back for v in visits.feed(p)]
    assert len(over + visits.flush()) == count


def test_shadows_and_glimpses_are_noise(walker: Walker, floor: Floor) -> None:
    visits = Visits(floor)
    shadow = walker(1, [(7, 10), 60])
    glimpse = walker(2, [(2, 3), (2, 6)], start_ms=1_000)
    assert _run(visits, _in_order(shadow, glimpse)) == []
    assert visits.noise_walks == 2


def test_a_tracker_that_never_ends_a_track_does_not_keep_the_visit(
    walker: Walker, floor: Floor
) -> None:
    visits = Visits(floor)
    points = walker(1, ROUND)
    for point in points:
        visits.feed(point)
    params = VisitParams()
    until_ms = points[-1].scene_ms + max(params.stale_ms, params.hold_ms)
    assert len(visits.advance(until_ms)) == 1


def test_nobody_stays_for_ever(floor: Floor) -> None:
    visits = Visits(floor, params=VisitParams(longest_ms=60_000))
    over = []
    for second in range(150):
        over += visits.feed(TrackPoint(1, second * 1_000, 4.0 + second % 5, 5.5))
    assert len(over) == 2
    assert all(not visit.left for visit in over)


def test_two_people_are_two_visits(walker: Walker, floor: Floor) -> None:
    one, two = walker(1, ROUND), walker(2, ROUND, start_ms=4_000)
    assert len(_run(Visits(floor), _in_order(one, two))) == 2


def test_a_pick_goes_to_who_stands_at_the_goods(walker: Walker, floor: Floor) -> None:
    picker = walker(1, ROUND)
    pick_ms = next(p.scene_ms for p in picker if (p.east_m, p.north_m) == (4.2, 10)) + 6_000
    passer = [
        p._replace(scene_ms=p.scene_ms + pick_ms - 6_000)
        for p in walker(2, [(4.8, 4), (4.8, 16), (7.5, 16), (7.5, 5)])
    ]
    behind = walker(3, [(2.2, 5), (2.2, 10), 60, (2.2, 5)])
    visits = Visits(floor, antennas=ANTENNAS)
    over = _run(visits, _in_order(picker, passer, behind, events=[_event("picked", pick_ms)]))
    by_start = {visit.start_point: visit.items for visit in over}
    assert [event.kind for event in by_start[IN]] == ["picked"]
    assert by_start[4.8, 4] == ()
    assert by_start[2.2, 5] == ()
    assert visits.lost_items == 0


def test_news_of_a_pick_may_come_after_the_visit_ended(walker: Walker, floor: Floor) -> None:
    points = walker(1, [(4.2, 16), (4.2, 10), 4, (4.2, 12.5)])
    visits = Visits(floor, antennas=ANTENNAS)
    for item in _in_order(points):
        visits.feed(item)
    end_ms = points[-1].scene_ms
    visits.advance(end_ms + 14_000)
    visits.feed(_event("picked", end_ms - 3_000))
    (visit,) = visits.advance(end_ms + visits.latest_ms)
    assert len(visit.items) == 1


def test_an_item_stays_with_its_picker_until_it_is_put_back(walker: Walker, floor: Floor) -> None:
    one = walker(1, ROUND)
    pick_ms = next(p.scene_ms for p in one if (p.east_m, p.north_m) == (4.2, 10)) + 2_000
    # somebody else stands even closer when the thing comes back
    other = walker(2, [(4.0, 14), (3.9, 10.2), 20, (4.0, 14)], start_ms=pick_ms)
    visits = Visits(floor, antennas=ANTENNAS)
    events = [_event("picked", pick_ms), _event("put_back", pick_ms + 6_000)]
    over = _run(visits, _in_order(one, other, events=events))
    by_start = {visit.start_point: [event.kind for event in visit.items] for visit in over}
    assert by_start == {IN: ["picked", "put_back"], (4.0, 14): []}


def test_items_follow_a_visit_through_a_loss(walker: Walker, floor: Floor) -> None:
    points = walker(1, ROUND)
    pick_ms = next(p.scene_ms for p in points if (p.east_m, p.north_m) == (4.2, 10)) + 2_000
    items = _cut(points, start_ms=pick_ms + 1_000, end_ms=pick_ms + 3_000, track=2)
    events: list[Item] = [_event("picked", pick_ms), _event("put_back", pick_ms + 7_000)]
    (visit,) = _run(Visits(floor, antennas=ANTENNAS), [*items, *events])
    assert [event.kind for event in visit.items] == ["picked", "put_back"]


def test_events_of_nobody_are_counted(walker: Walker, floor: Floor) -> None:
    visits = Visits(floor, antennas=ANTENNAS)
    far = walker(1, [(7.5, 4), (7.5, 16), (7.5, 4)])
    events = [_event("picked", 5_000), _event("put_back", 9_000)]
    over = _run(visits, _in_order(far, events=events))
    assert [visit.items for visit in over] == [()]
    assert visits.lost_items == 2


def test_what_is_returned_is_forgotten(walker: Walker, floor: Floor) -> None:
    visits = Visits(floor, antennas=ANTENNAS)
    points = walker(1, ROUND)
    _run(visits, [*_in_order(points), _event("picked", 18_000)])
    joining = visits._joining
    held = [visits._walks, visits._by_track, visits._events, joining._open, joining._claims]
    assert not any(held)


PEOPLE = st.lists(
    st.tuples(
        st.sampled_from([1, 2, 3, 4]),  # aisle
        st.integers(0, 40_000),  # comes
        st.lists(st.integers(5_000, 60_000), max_size=2),  # is lost for a while
        st.integers(0, 6_000),  # so long
    ),
    min_size=1,
    max_size=4,
)


def _crowd(walker: Walker, people: list[tuple[int, int, list[int], int]]) -> list[Item]:
    tracks = []
    for number, (aisle, start_ms, losses, gap_ms) in enumerate(people):
        east = {1: 1.2, 2: 4.2, 3: 7.2, 4: 10.4}[aisle]
        legs = [IN, (east, 5.5), (east, 10), 5, (east, 5.5), (11, 4.5), (11, 2), OUT]
        points = walker(10 * number, legs, start_ms=start_ms)
        edges = [-1, *(start_ms + loss for loss in sorted(losses)), 10**9]
        for piece, (low, high) in enumerate(pairwise(edges)):
            kept = [
                p._replace(track=10 * number + piece)
                for p in points
                if low + (gap_ms if piece else 0) <= p.scene_ms < high
            ]
            if kept:
                tracks.append(kept)
    return _in_order(*tracks)


@settings(max_examples=40, deadline=None)
@given(people=PEOPLE, seed=st.integers(0, 2**16))
def test_when_advance_is_called_changes_nothing(
    walker: Walker, floor: Floor, people: list[tuple[int, int, list[int], int]], seed: int
) -> None:
    items = _crowd(walker, people)
    plain = Visits(floor)
    once = [visit for item in items for visit in plain.feed(item)]
    now_ms = max(item.scene_ms for item in items) + 60_000
    once += plain.advance(now_ms)
    rng = random.Random(seed)
    often, asked = Visits(floor), []
    last_ms = 0
    for item in items:
        asked += often.feed(item)
        if isinstance(item, TrackPoint):
            last_ms = item.scene_ms
        if rng.random() < 0.2:
            asked += often.advance(last_ms)
    asked += often.advance(now_ms)
    assert asked == once
    assert often.due_ms() is None


@settings(max_examples=40, deadline=None)
@given(people=PEOPLE)
def test_advance_to_due_settles_something(
    walker: Walker, floor: Floor, people: list[tuple[int, int, list[int], int]]
) -> None:
    visits = Visits(floor)
    for item in _crowd(walker, people):
        visits.feed(item)
    for _ in range(200):
        due_ms = visits.due_ms()
        if due_ms is None:
            break
        visits.advance(due_ms)
        after_ms = visits.due_ms()
        assert after_ms is None or after_ms > due_ms
    assert visits.due_ms() is None


@pytest.mark.parametrize("fps", [2, 3, 6])
def test_the_frame_rate_hardly_matters(walker: Walker, floor: Floor, fps: int) -> None:
    (visit,) = _run(Visits(floor), _in_order(walker(1, ROUND)[:: 6 // fps]))
    # 27.2 m with sharp corners, which nobody walks and smoothing rounds
    assert visit.path_m == pytest.approx(26, rel=0.04)
    assert len(visit.stops) == 1
