from __future__ import annotations

import random
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from itertools import count, pairwise
from math import cos, hypot, pi, sin
from types import ModuleType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.vision.tracking import (
    Bools,
    Floats,
    FloorPoint,
    Sighting,
    TrackEnd,
    Tracker,
    TrackerParams,
    TrackPoint,
)

Path = Callable[[float], tuple[float, float] | None]
"""Seconds → where a person is; None before they come and after they have left."""


def _walk(
    start: tuple[float, float], end: tuple[float, float], *, at_s: float, speed: float = 1.2
) -> Path:
    """A person who walks straight from one place to another."""
    length = hypot(end[0] - start[0], end[1] - start[1])

    def where(now_s: float) -> tuple[float, float] | None:
        share = (now_s - at_s) * speed / length
        if not 0 <= share <= 1:
            return None
        return start[0] + share * (end[0] - start[0]), start[1] + share * (end[1] - start[1])

    return where


def _stand(place: tuple[float, float], *, from_s: float, to_s: float) -> Path:
    return lambda now_s: place if from_s <= now_s <= to_s else None


def _watch(
    paths: list[Path],
    *,
    fps: float,
    for_s: float,
    miss: float = 0.0,
    noise_m: float = 0.1,
    false: float = 0.0,
    seed: int = 1,
) -> tuple[list[Sighting], dict[int, dict[int, tuple[float, float]]]]:
    """Sightings of people on their paths, and the truth at each instant."""
    chance = random.Random(seed)
    sightings, truth = [], {}
    for frame in range(int(for_s * fps)):
        now_s = frame / fps
        there = {i: place for i, path in enumerate(paths) if (place := path(now_s)) is not None}
        points = [
            FloorPoint(east + chance.gauss(0, noise_m), north + chance.gauss(0, noise_m), 0.9)
            for east, north in there.values()
            if chance.random() >= miss
        ]
        if chance.random() < false:
            points.append(FloorPoint(chance.uniform(0, 12), chance.uniform(0, 18), 0.6))
        sightings.append(Sighting(round(1000 * now_s), tuple(points)))
        truth[round(1000 * now_s)] = there
    return sightings, truth


def _run(sightings: list[Sighting], tracker: Tracker | None = None) -> list[TrackPoint | TrackEnd]:
    tracker = tracker or Tracker()
    out: list[TrackPoint | TrackEnd] = []
    for sighting in sightings:
        out += tracker.feed(sighting)
    while (due_ms := tracker.due_ms()) is not None:
        out += tracker.advance(due_ms)
    return out


def _places(out: list[TrackPoint | TrackEnd]) -> dict[int, dict[int, tuple[float, float]]]:
    places: dict[int, dict[int, tuple[float, float]]] = {}
    for event in out:
        if isinstance(event, TrackPoint):
            places.setdefault(event.scene_ms, {})[event.track] = (event.east_m, event.north_m)
    return places


def _tracks(out: list[TrackPoint | TrackEnd]) -> set[int]:
    return {event.track for event in out}


SHOPPERS: list[Path] = [
    _walk((2.0, 0.5), (3.0, 16.0), at_s=0),
    _walk((4.5, 16.0), (4.5, 1.0), at_s=1),
    _walk((3.0, 8.0), (9.0, 9.0), at_s=0, speed=0.8),
    _stand((7.0, 8.0), from_s=1, to_s=16),
    _walk((7.8, 2.0), (7.8, 15.0), at_s=3, speed=1.4),
]


@pytest.mark.parametrize("fps", [4.0, 6.0, 10.0])
@pytest.mark.parametrize(("miss", "least"), [(0.0, 0.97), (0.1, 0.92), (0.2, 0.86)])
def test_shoppers_keep_their_tracks(
    floor_metrics: ModuleType, fps: float, miss: float, least: float
) -> None:
    scores = []
    for seed in range(4):
        sightings, truth = _watch(SHOPPERS, fps=fps, for_s=20, miss=miss, false=0.1, seed=seed)
        scores.append(floor_metrics.score(truth, _places(_run(sightings)), within_m=1.0))
    # A missed sighting gives no point, so that recall is bounded by 1 - miss.
    assert sum(score.idf1 for score in scores) / 4 >= least
    assert sum(score.switches for score in scores) <= 2


def test_two_who_cross_at_walking_speed_do_not_swap() -> None:
    paths = [_walk((0, 0), (8, 8), at_s=0), _walk((8.6, 0), (0.6, 8), at_s=0)]
    for seed in range(10):
        sightings, _ = _watch(paths, fps=6, for_s=9, noise_m=0.08, seed=seed)
        ends: dict[int, list[tuple[float, float]]] = {}
        for event in _run(sightings):
            if isinstance(event, TrackPoint):
                ends.setdefault(event.track, []).append((event.east_m, event.north_m))
        assert len(ends) == 2
        for path in ends.values():
            assert hypot(path[-1][0] - path[0][0], path[-1][1] - path[0][1]) > 10


def test_a_track_is_given_out_from_its_first_sighting_on() -> None:
    sightings, _ = _watch([_stand((5, 5), from_s=1, to_s=5)], fps=6, for_s=6)
    tracker = Tracker()
    first = next(out for sighting in sightings if (out := tracker.feed(sighting)))
    assert [event.scene_ms for event in first] == [1000, 1167, 1333, 1500]
    assert {event.track for event in first} == {1}


def test_a_flicker_is_no_track() -> None:
    at_ten = [Sighting(100 * i, (FloorPoint(5, 5, 0.9),) * (i < 4)) for i in range(30)]
    twice = [Sighting(250 * i, (FloorPoint(5, 5, 0.9),) * (i % 8 < 2)) for i in range(30)]
    assert _run(at_ten) == []
    assert _run(twice) == []


def test_standing_still_for_a_minute_is_one_track_that_stays() -> None:
    place = (5.0, 5.0)
    sightings, _ = _watch([_stand(place, from_s=0, to_s=60)], fps=6, for_s=60, miss=0.2)
    points = [event for event in _run(sightings) if isinstance(event, TrackPoint)]
    assert {point.track for point in points} == {1}
    later = points[12:]
    assert max(hypot(p.east_m - 5, p.north_m - 5) for p in later) < 0.3
    walked = sum(hypot(b.east_m - a.east_m, b.north_m - a.north_m) for a, b in pairwise(later))
    raw = sum(
        hypot(b.points[0].east_m - a.points[0].east_m, b.points[0].north_m - a.points[0].north_m)
        for a, b in pairwise([s for s in sightings if s.points][12:])
    )
    assert walked < 0.6 * raw


def test_a_gap_shorter_than_patience_continues_the_track() -> None:
    path = _walk((1, 1), (1, 13), at_s=0, speed=1.0)
    sightings, _ = _watch([path], fps=6, for_s=12)
    hidden = [
        Sighting(s.scene_ms, () if 5_000 < s.scene_ms < 6_500 else s.points) for s in sightings
    ]
    assert _tracks(_run(hidden)) == {1}


def test_the_instants_of_a_gap_are_given_when_it_ends() -> None:
    sightings, _ = _watch([_walk((1, 1), (1, 13), at_s=0, speed=1.0)], fps=4, for_s=10)
    tracker, out = Tracker(), []
    for one in sightings:
        hidden = 5_000 < one.scene_ms < 6_000
        told = tracker.feed(Sighting(one.scene_ms, ()) if hidden else one)
        assert not (hidden and told)
        out += told
    points = [event for event in out if isinstance(event, TrackPoint)]
    assert [point.scene_ms for point in points] == [one.scene_ms for one in sightings]
    assert all(abs(p.north_m - 1 - p.scene_ms / 1000) < 0.4 for p in points)


@pytest.mark.parametrize("speed", [0.0, 1.0])
def test_who_was_hidden_for_some_seconds_is_the_same_person(speed: float) -> None:
    def where(now_s: float) -> tuple[float, float]:
        return 1.0, 1.0 + speed * now_s

    sightings, _ = _watch([where], fps=6, for_s=12)
    hidden = [
        Sighting(s.scene_ms, () if 4_000 < s.scene_ms < 8_000 else s.points) for s in sightings
    ]
    assert _tracks(_run(hidden)) == {1}


def test_who_comes_in_by_a_door_is_not_the_one_who_has_just_left_by_the_next() -> None:
    leaves = _walk((9, 6), (9, 0.3), at_s=0, speed=1.2)
    comes = _walk((4, 0.3), (4, 6), at_s=8.2, speed=1.2)
    sightings, _ = _watch([leaves, comes], fps=6, for_s=13)
    assert _tracks(_run(sightings)) == {1}  # on an open floor it well might be
    doors = Tracker(may_appear=lambda _, north: north < 1)
    assert _tracks(_run(sightings, doors)) == {1, 2}


def test_a_false_point_does_not_lead_a_hidden_one_away() -> None:
    sightings, _ = _watch([_stand((5, 5), from_s=0, to_s=12)], fps=6, for_s=12)
    told = []
    for one in sightings:
        points = () if 4_000 < one.scene_ms < 8_000 else one.points
        if 6_000 < one.scene_ms < 6_300:
            points = (FloorPoint(5.9, 5.2, 0.9),)
        told.append(Sighting(one.scene_ms, points))
    out = _run(told)
    assert _tracks(out) == {1}
    assert all(
        hypot(one.east_m - 5, one.north_m - 5) < 0.5 for one in out if isinstance(one, TrackPoint)
    )


def test_one_who_walks_through_another_who_stands_is_not_taken_for_them() -> None:
    paths = [_stand((5, 5), from_s=0, to_s=12), _walk((0, 5.05), (10, 5.05), at_s=1, speed=1.0)]
    for seed in range(6):
        sightings, _ = _watch(paths, fps=6, for_s=12, noise_m=0.05, miss=0.1, seed=seed)
        ends: dict[int, TrackPoint] = {}
        starts: dict[int, TrackPoint] = {}
        for event in _run(sightings):
            if isinstance(event, TrackPoint):
                starts.setdefault(event.track, event)
                ends[event.track] = event
        assert len(ends) == 2
        assert {round(starts[n].east_m) for n in ends} == {0, 5}
        for number, end in ends.items():
            walked = abs(end.east_m - starts[number].east_m)
            assert walked < 0.5 or walked > 8


def test_who_is_out_of_a_cameras_view_is_not_missed_by_it() -> None:
    def sees(camera: str, places: Floats) -> Bools:
        in_west: Bools = places[0] < 8
        return in_west if camera == "west" else ~in_west

    tracker, out = Tracker(sees=sees), []
    for step in range(20):
        out += tracker.feed(Sighting(200 * step, (FloorPoint(9, 5, 0.9),), "east"))
        out += tracker.feed(Sighting(200 * step + 100, (), "west"))
    times = [event.scene_ms for event in out if isinstance(event, TrackPoint)]
    assert times == [200 * step for step in range(20)]


def test_a_camera_noisier_than_it_says_is_found_out() -> None:
    def switches(sd_m: float) -> int:
        sightings, _ = _watch(SHOPPERS, fps=6, for_s=20, noise_m=0.25, seed=2)
        told = [
            Sighting(s.scene_ms, tuple(replace(p, sd_m=sd_m) for p in s.points)) for s in sightings
        ]
        return len(_tracks(_run(told)))

    assert switches(0.0) == switches(0.25) == len(SHOPPERS)


def test_a_lost_track_ends_where_it_was_last_seen_and_once() -> None:
    sightings, _ = _watch([_stand((5, 5), from_s=0, to_s=3)], fps=6, for_s=12)
    ends = [event for event in _run(sightings) if isinstance(event, TrackEnd)]
    assert ends == [TrackEnd(1, 3000)]


def test_silence_ends_tracks_too() -> None:
    sightings, _ = _watch([_stand((5, 5), from_s=0, to_s=3)], fps=6, for_s=3)
    tracker = Tracker()
    for sighting in sightings:
        tracker.feed(sighting)
    last_ms = sightings[-1].scene_ms
    assert tracker.due_ms() == last_ms + TrackerParams().lost_ms
    assert tracker.advance(last_ms + TrackerParams().lost_ms - 1) == []
    assert tracker.advance(last_ms + TrackerParams().lost_ms) == [TrackEnd(1, last_ms)]
    assert tracker.due_ms() is None


def test_nobody_is_born_inside_a_shelf() -> None:
    shelf = [Sighting(200 * i, (FloorPoint(3, 8, 0.9),)) for i in range(20)]
    assert _run(shelf, Tracker(may_stand=lambda east, _: not 2.5 < east < 3.5)) == []
    assert _tracks(_run(shelf)) == {1}


def test_reaching_into_a_shelf_keeps_the_track() -> None:
    inside = [Sighting(200 * i, (FloorPoint(2.3 + 0.02 * i, 8, 0.9),)) for i in range(20)]
    out = _run(inside, Tracker(may_stand=lambda east, _: not 2.5 < east < 3.5))
    assert _tracks(out) == {1}
    assert max(event.scene_ms for event in out) == 3_800


def test_away_from_the_doors_a_birth_takes_more() -> None:
    def first_ms(tracker: Tracker) -> int | None:
        for i in range(40):
            if tracker.feed(Sighting(250 * i, (FloorPoint(5, 5, 0.9),))):
                return 250 * i
        return None

    assert first_ms(Tracker(may_appear=lambda _, north: north > 4)) == 500
    assert first_ms(Tracker(may_appear=lambda _, north: north < 4)) == 3_000


def test_a_faint_point_continues_a_track_but_starts_none() -> None:
    faint = [Sighting(200 * i, (FloorPoint(5, 5, 0.3),)) for i in range(30)]
    assert _run(faint) == []
    fading = [Sighting(200 * i, (FloorPoint(5, 5, 0.9 if i < 6 else 0.3),)) for i in range(30)]
    out = _run(fading)
    assert _tracks(out) == {1}
    assert out[-1] == TrackEnd(1, 5_800)


def test_one_person_seen_twice_at_one_spot_starts_one_track() -> None:
    pair = [
        Sighting(200 * i, (FloorPoint(5 + i / 10, 5, 0.9), FloorPoint(5 + i / 10, 5.2, 0.8)))
        for i in range(30)
    ]
    assert _tracks(_run(pair)) == {1}


def test_a_young_track_that_settles_on_an_older_one_ends() -> None:
    sightings = []
    for i in range(60):
        points = [FloorPoint(5, 5, 0.9)]
        if i >= 20:
            points.append(FloorPoint(5, 5.1 + max(0.0, 0.8 - 0.1 * (i - 20)), 0.8))
        sightings.append(Sighting(200 * i, tuple(points)))
    ends = [event for event in _run(sightings) if isinstance(event, TrackEnd)]
    assert [end.track for end in ends] == [2, 1]
    assert ends[0].scene_ms < 7_000
    assert ends[1].scene_ms == 11_800


def test_a_couple_side_by_side_is_two_tracks() -> None:
    sightings, _ = _watch(
        [_walk((2, 1), (2, 15), at_s=0), _walk((2.6, 1), (2.6, 15), at_s=0)], fps=6, for_s=11
    )
    assert _tracks(_run(sightings)) == {1, 2}


def test_cameras_can_share_their_numbers() -> None:
    numbers = count(1)
    sightings, _ = _watch([_stand((5, 5), from_s=0, to_s=5)], fps=6, for_s=5)
    first = _run(sightings, Tracker(numbers=numbers))
    second = _run(sightings, Tracker(numbers=numbers))
    assert (_tracks(first), _tracks(second)) == ({1}, {2})


def test_time_that_runs_backwards_is_our_bug() -> None:
    tracker = Tracker()
    tracker.feed(Sighting(1_000, (FloorPoint(1, 1, 0.9),)))
    with pytest.raises(ValueError, match="time runs backwards"):
        tracker.feed(Sighting(999, ()))


def test_an_instant_that_has_passed_settles_nothing() -> None:
    tracker = Tracker()
    tracker.feed(Sighting(1_000, (FloorPoint(1, 1, 0.9),)))
    due_ms = tracker.due_ms()
    assert tracker.advance(500) == []
    assert tracker.due_ms() == due_ms


_points = st.builds(
    FloorPoint, st.floats(0, 4), st.floats(0, 4), st.floats(0.1, 1.0, allow_nan=False)
)
_scenes = st.lists(
    st.tuples(st.integers(1, 1_500), st.lists(_points, max_size=5)), min_size=1, max_size=25
)


def _sightings(scene: list[tuple[int, list[FloorPoint]]]) -> list[Sighting]:
    now_ms, sightings = 0, []
    for step_ms, points in scene:
        now_ms += step_ms
        sightings.append(Sighting(now_ms, tuple(points)))
    return sightings


@given(scene=_scenes, cuts=st.lists(st.floats(0, 1), min_size=25, max_size=25))
@settings(deadline=None)
def test_law_letting_time_pass_in_pieces_changes_nothing(
    scene: list[tuple[int, list[FloorPoint]]], cuts: list[float]
) -> None:
    sightings = _sightings(scene)
    whole, cut, last_ms = Tracker(), Tracker(), 0
    for sighting, share in zip(sightings, cuts, strict=False):
        pieces = cut.advance(last_ms + int(share * (sighting.scene_ms - last_ms)))
        assert pieces + cut.feed(sighting) == whole.feed(sighting)
        last_ms = sighting.scene_ms
    assert cut.due_ms() == whole.due_ms()


@given(scene=_scenes)
@settings(deadline=None)
def test_law_advance_at_due_settles_something(scene: list[tuple[int, list[FloorPoint]]]) -> None:
    tracker = Tracker()
    out: list[TrackPoint | TrackEnd] = []
    for sighting in _sightings(scene):
        out += tracker.feed(sighting)
    while (due_ms := tracker.due_ms()) is not None:
        out += tracker.advance(due_ms)
        after_ms = tracker.due_ms()
        assert after_ms is None or after_ms > due_ms
    ended = [event.track for event in out if isinstance(event, TrackEnd)]
    assert sorted(ended) == sorted({event.track for event in out})


@given(scene=_scenes, seed=st.integers(0, 99))
@settings(deadline=None)
def test_law_same_input_same_output_in_whatever_order_points_come(
    scene: list[tuple[int, list[FloorPoint]]], seed: int
) -> None:
    sightings = _sightings(scene)
    kept = deepcopy(sightings)
    chance = random.Random(seed)
    shuffled = [Sighting(s.scene_ms, tuple(chance.sample(s.points, len(s.points)))) for s in kept]
    once = _run(sightings)
    assert sightings == kept
    assert _run(sightings) == once
    assert _places(_run(shuffled)) == _places(once)


@given(scene=_scenes)
@settings(deadline=None)
def test_law_within_a_track_time_goes_on_and_nothing_follows_its_end(
    scene: list[tuple[int, list[FloorPoint]]],
) -> None:
    last: dict[int, int] = {}
    over: set[int] = set()
    for event in _run(_sightings(scene)):
        assert event.track not in over
        if isinstance(event, TrackEnd):
            assert event.scene_ms == last[event.track]
            over.add(event.track)
        else:
            assert event.scene_ms > last.get(event.track, -1)
            last[event.track] = event.scene_ms


def test_someone_turning_round_keeps_the_track() -> None:
    def circle(now_s: float) -> tuple[float, float]:
        return 5 + cos(2 * pi * now_s / 6), 5 + sin(2 * pi * now_s / 6)

    sightings, _ = _watch([circle], fps=4, for_s=30, miss=0.15, noise_m=0.15)
    assert _tracks(_run(sightings)) == {1}
