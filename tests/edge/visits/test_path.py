from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.vision.tracking import TrackPoint
from edge.visits.path import Path, PathParams, Stay, Stop, smooth_path, stays_of, stops_of
from edge.visits.plan import Floor

Walker = Callable[..., list[TrackPoint]]
PARAMS = PathParams()


def _smooth(points: list[TrackPoint]) -> Path:
    return smooth_path(
        [point.scene_ms for point in points],
        [point.east_m for point in points],
        [point.north_m for point in points],
        params=PARAMS,
    )


def _stays(points: list[TrackPoint], floor: Floor) -> list[Stay]:
    return list(stays_of(_smooth(points), floor=floor, params=PARAMS))


def _stops(points: list[TrackPoint], floor: Floor) -> list[Stop]:
    return list(stops_of(_smooth(points), floor=floor, params=PARAMS))


def test_a_straight_walk_keeps_its_length_and_ends(walker: Walker) -> None:
    path = _smooth(walker(1, [(2, 1), (2, 17)]))
    assert path.length_m == pytest.approx(16, abs=0.25)
    assert path.points_m[0].tolist() == [2, 1]
    assert path.reach_m == pytest.approx(16, abs=0.25)


def test_one_point_is_a_path_that_stands() -> None:
    path = smooth_path([5], [1.0], [2.0], params=PARAMS)
    assert path.length_m == 0
    assert path.speeds_m_s().tolist() == [0]


@given(
    noise=st.lists(st.floats(-0.3, 0.3), min_size=60, max_size=60),
    shift=st.integers(-(10**9), 10**9),
)
def test_smoothing_never_lengthens_and_does_not_know_the_hour(
    noise: list[float], shift: int
) -> None:
    times = [number * 250 for number in range(60)]
    east = [0.2 * number + wrong for number, wrong in enumerate(noise)]
    north = [0.0] * 60
    raw = float(np.abs(np.diff(east)).sum())
    path = smooth_path(times, east, north, params=PARAMS)
    assert path.length_m <= raw + 1e-9
    later = smooth_path([time + shift for time in times], east, north, params=PARAMS)
    assert np.array_equal(path.points_m, later.points_m)


@pytest.mark.parametrize("fps", [4, 6, 15])
def test_noise_hardly_lengthens_a_path_at_any_frame_rate(fps: int) -> None:
    # 10 cm correlated noise: raw grows by 30 % and more (behaviour/NOTES.md section 3)
    rng = np.random.default_rng(1)
    error = np.zeros(2)
    times, east, north = [], [], []
    keep = math.exp(-1 / fps)
    for number in range(60 * fps):
        error = keep * error + math.sqrt(1 - keep**2) * rng.normal(0, 0.1, 2)
        times.append(round(number * 1000 / fps))
        east.append(number / fps + float(error[0]))
        north.append(float(error[1]))
    path = smooth_path(times, east, north, params=PARAMS)
    assert path.length_m == pytest.approx(60, rel=0.05)


def test_dwell_is_scene_time_not_frames(walker: Walker, floor: Floor) -> None:
    points = walker(1, [(4.5, 4), (4.5, 10), 20, (4.5, 16)])
    # an overloaded box sees three points of four less
    slow = points[::4]
    full_stop, slow_stop = _stops(points, floor)[0], _stops(slow, floor)[0]
    assert full_stop.end_ms - full_stop.start_ms == pytest.approx(20_000, abs=1_500)
    assert slow_stop.end_ms - slow_stop.start_ms == pytest.approx(20_000, abs=1_500)


def test_passing_through_zones_is_stays_in_order(walker: Walker, floor: Floor) -> None:
    points = walker(1, [(2, 0.2), (2, 5), (4.5, 5.6), (4.5, 15)])
    stays = _stays(points, floor)
    assert [stay.zone for stay in stays] == ["entrance", "aisle-2"]
    assert stays[1].end_ms - stays[1].start_ms == pytest.approx(8_000, abs=600)


def test_flickering_over_a_border_is_one_stay(floor: Floor) -> None:
    times = [number * 250 for number in range(80)]
    # on the border of aisle 2 for 20 s, crossing it twice a second
    north = [6.0 + 0.2 * math.sin(math.pi * number / 2) for number in range(80)]
    path = Path(0, 250, np.column_stack([[4.5] * 80, north]))
    stays = stays_of(path, floor=floor, params=PARAMS)
    assert [stay.zone for stay in stays] == ["aisle-2"]
    assert stays[0].end_ms - stays[0].start_ms >= times[-1] - 1_000


def test_clipping_a_corner_is_no_stay(walker: Walker, floor: Floor) -> None:
    assert _stays(walker(1, [(3.2, 5.7), (3.7, 6.2), (4.1, 5.7), (9, 5.7)]), floor) == []


def test_standing_at_a_shelf_is_a_stop_and_walking_is_none(walker: Walker, floor: Floor) -> None:
    stops = _stops(walker(1, [(4, 4), (4, 10), 6, (4, 16)]), floor)
    assert [stop.zone for stop in stops] == ["aisle-2"]
    assert stops[0].east_m == pytest.approx(4)
    assert stops[0].north_m == pytest.approx(10, abs=0.15)
    assert _stops(walker(1, [(4, 4), (4, 16)]), floor) == []


@pytest.mark.parametrize(
    "place",
    [
        pytest.param((9.5, 2.0), id="waiting at the till"),
        pytest.param((9.5, 0.5), id="in the exit"),
        pytest.param((10.9, 2.9), id="queueing beside the counter"),
        pytest.param((6.0, 17.0), id="far from any shelf"),
    ],
)
def test_standing_elsewhere_is_no_stop(
    walker: Walker, floor: Floor, place: tuple[float, float]
) -> None:
    assert _stops(walker(1, [(2, 16), place, 10, (2, 16)]), floor) == []


def test_a_shuffle_does_not_split_a_stop(walker: Walker, floor: Floor) -> None:
    stops = _stops(walker(1, [(4, 4), (4, 9.5), 8, (4, 10), 8, (4, 16)]), floor)
    assert len(stops) == 1


def test_a_gap_is_bridged_and_its_time_counts(walker: Walker, floor: Floor) -> None:
    points = walker(1, [(4, 4), (4, 10), 20, (4, 16)])
    seen = [p for p in points if not 10_000 <= p.scene_ms < 15_000]
    stop = _stops(seen, floor)[0]
    assert stop.end_ms - stop.start_ms == pytest.approx(20_000, abs=1_500)
