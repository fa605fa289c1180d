from __future__ import annotations

import random
from math import hypot

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.vision.fusion import Blank, Fusion, FusionParams
from edge.vision.tracking import FloorPoint, Sighting, TrackEnd, Tracker, TrackPoint

Told = Sighting | Blank
Out = list[TrackPoint | TrackEnd]


def _walk(
    camera: str, *, fps: float, offset_ms: int, sees: tuple[float, float], sd_m: float, seed: int
) -> list[Told]:
    """One person walks east at 1 m/s; the camera sees a stretch of the way."""
    chance, told = random.Random(seed), []
    for frame in range(int(14 * fps)):
        scene_ms = offset_ms + round(1000 * frame / fps)
        east_m = scene_ms / 1000
        point = FloorPoint(east_m + chance.gauss(0, sd_m), 3 + chance.gauss(0, sd_m), 0.9, sd_m)
        points = (point,) * (sees[0] <= east_m <= sees[1])
        told.append(Sighting(scene_ms, points, camera))
    return [*told, Blank(30_000, camera)]


def _run(told: list[Told], *, cameras: str = "ab") -> Out:
    fusion, out = Fusion(Tracker(), cameras=cameras), []
    for one in told:
        out += fusion.feed(one)
    return out


def _merged(*streams: list[Told]) -> list[Told]:
    return sorted((one for stream in streams for one in stream), key=lambda one: one.scene_ms)


def test_one_person_seen_by_two_cameras_is_one_track() -> None:
    near = _walk("a", fps=6, offset_ms=0, sees=(0, 14), sd_m=0.05, seed=1)
    far = _walk("b", fps=4, offset_ms=77, sees=(0, 14), sd_m=0.3, seed=2)
    assert {event.track for event in _run(_merged(near, far))} == {1}


def test_the_surer_camera_counts_for_more() -> None:
    near = _walk("a", fps=6, offset_ms=0, sees=(0, 14), sd_m=0.03, seed=1)
    far = _walk("b", fps=6, offset_ms=77, sees=(0, 14), sd_m=0.6, seed=2)

    def error_m(told: list[Told]) -> float:
        points = [event for event in _run(told) if isinstance(event, TrackPoint)]
        away = [hypot(one.east_m - one.scene_ms / 1000, one.north_m - 3) for one in points]
        return sum(away) / len(away)

    assert error_m(_merged(near, far)) < 0.5 * error_m(_merged(far, [Blank(30_000, "a")]))


def test_the_next_camera_takes_the_track_over() -> None:
    first = _walk("a", fps=6, offset_ms=0, sees=(0, 8), sd_m=0.1, seed=1)
    second = _walk("b", fps=5, offset_ms=40, sees=(6, 14), sd_m=0.1, seed=2)
    out = _run(_merged(first, second))
    assert {event.track for event in out} == {1}
    assert max(event.scene_ms for event in out if isinstance(event, TrackPoint)) > 13_000


def test_one_camera_alone_is_never_delayed() -> None:
    fusion, tracker = Fusion(Tracker(), cameras=["a"]), Tracker()
    for one in _walk("a", fps=6, offset_ms=0, sees=(2, 9), sd_m=0.1, seed=1):
        alone = tracker.feed(one) if isinstance(one, Sighting) else tracker.advance(one.scene_ms)
        assert fusion.feed(one) == alone


def test_a_dead_camera_holds_nobody_up_for_longer_than_the_patience() -> None:
    fusion, out = Fusion(Tracker(), cameras="ab", params=FusionParams(wait_ms=1_000)), []
    for one in _walk("a", fps=4, offset_ms=0, sees=(0, 14), sd_m=0.1, seed=1)[:20]:
        out += fusion.feed(one)
    assert out == []
    due_ms = fusion.due_ms()
    assert due_ms == 1_000
    out += fusion.advance(5_500)
    assert max(event.scene_ms for event in out) == 4_500
    assert fusion.feed(Sighting(4_400, (), "b")) == []
    assert fusion.late == 1


def test_a_camera_that_says_it_is_blank_is_not_waited_for() -> None:
    fusion, out = Fusion(Tracker(), cameras="ab"), []
    for one in _walk("a", fps=4, offset_ms=0, sees=(0, 14), sd_m=0.1, seed=1)[:20]:
        out += fusion.feed(one) + fusion.feed(Blank(one.scene_ms, "b"))
    assert max(event.scene_ms for event in out) == 4_750


def test_silence_ends_tracks_too() -> None:
    fusion, out = Fusion(Tracker(), cameras="a"), []
    for one in _walk("a", fps=4, offset_ms=0, sees=(0, 14), sd_m=0.1, seed=1)[:20]:
        out += fusion.feed(one)
    while (due_ms := fusion.due_ms()) is not None:
        settled = fusion.advance(due_ms)
        assert settled
        out += settled
    assert out[-1] == TrackEnd(1, 4_750)


def test_a_camera_there_is_not_is_our_bug() -> None:
    with pytest.raises(ValueError, match="no camera is called 'c'"):
        Fusion(Tracker(), cameras="ab").feed(Blank(0, "c"))


@given(st.randoms(use_true_random=False))
@settings(max_examples=20, deadline=None)
def test_law_however_cameras_take_turns_the_tracks_are_the_same(chance: random.Random) -> None:
    streams = [
        _walk("a", fps=6, offset_ms=0, sees=(0, 8), sd_m=0.1, seed=1),
        _walk("b", fps=4, offset_ms=50, sees=(6, 14), sd_m=0.2, seed=2),
    ]
    straight = _run(_merged(*streams))
    turns = []
    while any(streams):
        turns.append(chance.choice([stream for stream in streams if stream]).pop(0))
    assert _run(turns) == straight
