from __future__ import annotations

from edge.occupancy import Occupancy, ZoneCount
from edge.vision.tracking import TrackEnd, TrackPoint


def zone_at(east_m: float, _north_m: float) -> str:
    return "west" if east_m < 5 else "east" if east_m < 10 else ""


def test_dwell_is_time_between_points_in_one_zone_whatever_the_frame_rate() -> None:
    for step_ms in (100, 125, 250, 1000):
        occupancy = Occupancy(("west", "east"), zone_at=zone_at)
        for scene_ms in range(0, 10_001, step_ms):
            occupancy.feed(TrackPoint(1, scene_ms, 2.0, 1.0))
        assert occupancy.counts()[0] == ZoneCount("west", present=1, entries=1, dwell_s=10.0)


def test_a_move_is_an_entry_and_an_end_leaves() -> None:
    occupancy = Occupancy(("west", "east"), zone_at=zone_at)
    for scene_ms, east_m in ((0, 4.0), (1000, 4.5), (2000, 5.5), (3000, 6.0)):
        occupancy.feed(TrackPoint(1, scene_ms, east_m, 1.0))
    assert occupancy.counts() == (
        ZoneCount("west", present=0, entries=1, dwell_s=1.0),
        ZoneCount("east", present=1, entries=1, dwell_s=1.0),
    )
    occupancy.feed(TrackEnd(1, 3000))
    assert occupancy.counts()[1].present == 0


def test_a_gap_is_not_dwell_and_nowhere_is_no_zone() -> None:
    occupancy = Occupancy(("west",), zone_at=zone_at)
    occupancy.feed(TrackPoint(1, 0, 2.0, 1.0))
    occupancy.feed(TrackPoint(1, 60_000, 2.0, 1.0))
    occupancy.feed(TrackPoint(2, 60_000, 99.0, 1.0))
    assert occupancy.counts() == (ZoneCount("west", present=1, entries=1, dwell_s=0.0),)
