from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.vision.fixtures import FixtureParams, Fixtures
from edge.vision.tracking import FloorPoint, Sighting, Tracker, TrackerParams, TrackPoint

PARAMS = FixtureParams()
POST = 2 + 3j


def _learnt(*, ms: int = 2_000, place_m: complex = POST) -> Fixtures:
    fixtures = Fixtures()
    for at_ms in range(0, ms + 1, 200):
        fixtures.feed(at_ms, [place_m], still=[place_m])
    return fixtures


def test_a_place_that_is_seen_still_for_a_second_is_a_fixtures() -> None:
    assert _learnt(ms=800).density(POST) == 0
    assert _learnt(ms=1_000).density(POST) > 10


def test_it_is_one_for_its_own_place_only() -> None:
    fixtures = _learnt()
    assert fixtures.density(POST + 0.1) > fixtures.density(POST + 0.3) > 0
    assert fixtures.density(POST + 1) < 1e-6


def test_it_is_forgotten() -> None:
    fixtures = _learnt()
    fixtures.feed(2_000 + PARAMS.gone_ms - 1, [], still=[])
    assert fixtures.density(POST) > 0
    fixtures.feed(2_000 + PARAMS.gone_ms, [], still=[])
    assert fixtures.density(POST) == 0


def test_it_is_remembered_while_people_pass_it() -> None:
    fixtures, end_ms = _learnt(), 2_000 + PARAMS.keep_ms
    for at_ms in range(2_200, end_ms, 1_000):
        fixtures.feed(at_ms, [POST + 0.1], still=[])
    assert fixtures.density(POST) > 0
    fixtures.feed(end_ms, [POST], still=[])
    assert fixtures.density(POST) == 0  # nothing is a thing that has moved for two minutes


@given(gap_ms=st.integers(1_000, 60_000))
def test_a_gap_is_not_counted_as_stillness(gap_ms: int) -> None:
    fixtures = Fixtures()
    fixtures.feed(0, [POST], still=[POST])
    fixtures.feed(gap_ms, [POST], still=[POST])
    assert fixtures.density(POST) == 0


def _followed(*, still: bool) -> list[TrackPoint]:
    """Walk up to a post that is seen all the time, stand beside it, and go back unseen at first."""
    tracker, out = Tracker(TrackerParams()), []
    post = FloorPoint(POST.real, POST.imag, 0.9, 0.1, still=still)
    for number in range(140):
        at_ms = 150 * number
        points = [post]
        if 40 <= number < 70:
            points.append(FloorPoint(POST.real + 0.1 * (70 - number), 3.3, 0.9, 0.1))
        elif 74 <= number < 110:
            points.append(FloorPoint(POST.real + 0.1 * (number - 70), 3.3, 0.9, 0.1))
        told = tracker.feed(Sighting(at_ms, tuple(points)))
        out += [event for event in told if isinstance(event, TrackPoint)]
    return out


def test_nobody_is_born_of_a_fixture() -> None:
    first = {point.track for point in _followed(still=True) if point.scene_ms < 6_000}
    standing = {point.track for point in _followed(still=False) if point.scene_ms < 6_000}
    assert len(standing) == 1  # what moves and stays is somebody
    # Begun before it was known to be one, and then told no more.
    late = [p for p in _followed(still=True) if p.track in first and p.scene_ms > 3_000]
    assert all(abs(complex(p.east_m, p.north_m) - POST) < 0.5 for p in late)


def test_who_stands_at_a_post_and_leaves_is_not_taken_to_stay() -> None:
    tracks: dict[int, list[TrackPoint]] = {}
    for point in _followed(still=True):
        tracks.setdefault(point.track, []).append(point)
    walked = [
        points
        for points in tracks.values()
        if max(abs(one.east_m - points[0].east_m) for one in points) > 1
    ]
    assert len(walked) == 1
    assert walked[0][-1].east_m > 5


def test_who_stands_quite_still_is_still_followed() -> None:
    tracker, seen = Tracker(TrackerParams()), []
    for number in range(300):
        east, still = min(4.0, 0.15 * number), number > 60
        point = FloorPoint(east + 0.05 * (-1) ** number, 1.0, 0.9, 0.1, still=still)
        told = tracker.feed(Sighting(150 * number, (point,)))
        seen += [event for event in told if isinstance(event, TrackPoint)]
    assert {point.track for point in seen} == {1}
    assert seen[-1].scene_ms == pytest.approx(150 * 299, abs=1_000)


def test_params_have_a_say() -> None:
    slow = Fixtures(replace(PARAMS, after_ms=60_000))
    for at_ms in range(0, 30_000, 200):
        slow.feed(at_ms, [POST], still=[POST])
    assert slow.density(POST) == 0
