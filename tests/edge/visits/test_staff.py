from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from edge.vision.tracking import TrackEnd, TrackPoint
from edge.visits.plan import Floor, FloorPlan, Polygon, Zone
from edge.visits.staff import Badge, StaffParams
from edge.visits.visits import VisitParams, Visits

Walker = Callable[..., list[TrackPoint]]
KEY = ("toys", 1)
WAY = [(2.0, 0.5), (2.0, 5.5), (4.5, 5.6), (4.5, 11.0), 20, (4.5, 5.6), (10.0, 5.4), (10.0, 0.5)]


def _count(visits: Visits, points: list[TrackPoint], *badges: Badge) -> tuple[int, int]:
    """Give visits and walks of staff."""
    over = []
    for item in sorted([*points, *badges], key=lambda one: one.scene_ms):
        over += visits.feed(item)
    over += visits.flush()
    return len(over), visits.staff_walks


def test_a_shopper_is_not_staff(floor: Floor, walker: Walker) -> None:
    assert _count(Visits(floor), walker(1, WAY)) == (1, 0)


def test_who_was_in_the_stock_room_is(
    plan: FloorPlan, walker: Walker, box: Callable[..., Polygon]
) -> None:
    back = Zone("stock-room", "staff", "", box(3, 15, 6, 18))
    floor = Floor(replace(plan, zones=(*plan.zones, back)))
    there = [(4.5, 17.0), 6, *WAY[2:]]
    assert _count(Visits(floor), walker(1, there)) == (0, 1)
    assert _count(Visits(floor), walker(1, WAY)) == (1, 0)


def test_who_stays_for_hours_is(floor: Floor, walker: Walker) -> None:
    stay = VisitParams(staff=StaffParams(stay_ms=60_000))
    assert _count(Visits(floor, params=stay), walker(1, [*WAY[:4], 60, *WAY[5:]])) == (0, 1)


def test_who_fills_shelves_is_and_who_pays_is_not(floor: Floor, walker: Walker) -> None:
    filling = VisitParams(staff=StaffParams(stock_ms=40_000))
    way = [*WAY[:4], 50, *WAY[5:]]
    assert _count(Visits(floor, params=filling), walker(1, way)) == (0, 1)
    pays = [*way[:-1], (10.8, 5.0), (10.8, 2.0), 12, (10.0, 0.5)]
    assert _count(Visits(floor, params=filling), walker(1, pays)) == (1, 0)


@pytest.mark.parametrize(("heard_s", "staff"), [(4, 0), (8, 1)])
def test_a_badge_heard_near_one_alone(
    floor: Floor, walker: Walker, heard_s: int, staff: int
) -> None:
    badges = [Badge(18_000 + 250 * n, KEY) for n in range(4 * heard_s)]
    visits = Visits(floor, antennas={KEY: (3.5, 10.5)})
    assert _count(visits, walker(1, WAY), *badges) == (1 - staff, staff)


def test_a_badge_near_two_is_nobodys(floor: Floor, walker: Walker) -> None:
    badges = [Badge(18_000 + 1000 * n, KEY) for n in range(10)]
    visits = Visits(floor, antennas={KEY: (3.5, 10.5)})
    both = walker(1, WAY) + walker(2, WAY)
    assert _count(visits, sorted(both, key=lambda p: p.scene_ms), *badges) == (2, 0)
    far = Visits(floor, antennas={KEY: (11.0, 15.0)})
    assert _count(far, walker(1, WAY), *badges) == (1, 0)


def test_a_track_that_ends_in_between_keeps_what_was_heard(floor: Floor, walker: Walker) -> None:
    points = walker(1, WAY)
    cut = [p for p in points if p.scene_ms < 20_000]
    rest = [p._replace(track=2) for p in points if p.scene_ms >= 21_000]
    badges = [Badge(15_500 + 1000 * n, KEY) for n in range(13)]
    visits = Visits(floor, antennas={KEY: (3.5, 10.5)})
    items = [*cut, TrackEnd(1, 20_500), *rest, *badges]
    over = [v for i in sorted(items, key=lambda i: i.scene_ms) for v in visits.feed(i)]
    assert (len(over + visits.flush()), visits.staff_walks) == (0, 1)
