from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.errors import ConfigError
from edge.visits.plan import Floor, FloorPlan, Polygon, Zone, check_plan

Box = Callable[[float, float, float, float], Polygon]


def _with(plan: FloorPlan, *zones: Zone, fixtures: tuple[Polygon, ...] | None = None) -> FloorPlan:
    return FloorPlan(
        "p2", plan.outline, (*plan.zones, *zones), plan.fixtures if fixtures is None else fixtures
    )


def test_the_usual_store_is_fine(plan: FloorPlan) -> None:
    check_plan(plan)


@pytest.mark.parametrize(
    ("zone", "says"),
    [
        (
            Zone("bow-tie", "aisle", "", ((1, 15), (3, 17), (3, 15), (1, 17))),
            r"'bow-tie' crosses itself near 2\.0 east, 16\.0 north; .*in order",
        ),
        (
            Zone("wide", "aisle", "", ((0.4, 13), (2.5, 13), (2.5, 15), (0.4, 15))),
            r"'aisle-1' and 'wide' are both 'aisle' and overlap; move",
        ),
        (
            Zone("outside", "promo", "", ((11, 15), (13, 15), (13, 17), (11, 17))),
            r"'outside' reaches outside the outline; move",
        ),
        (Zone("promo", "aisle", "", ((1, 15), (3, 15), (3, 17))), r"called 'promo'; rename"),
        (Zone("Aisle 9", "aisle", "", ((1, 15), (3, 15), (3, 17))), r"'Aisle 9': use lower-case"),
        (Zone("line", "aisle", "", ((1, 15), (3, 15))), r"'line' has 2 corners; give"),
        (Zone("flat", "aisle", "", ((1, 15), (2, 15), (3, 15))), r"'flat' .*in order"),
        (Zone("nan", "aisle", "", ((1, 15), (3, 15), (3, math.nan))), r"'nan' .*not a number"),
    ],
)
def test_a_plan_that_contradicts_itself_is_named_with_the_mend(
    plan: FloorPlan, zone: Zone, says: str
) -> None:
    with pytest.raises(ConfigError, match=says):
        check_plan(_with(plan, zone))


def test_a_fixture_outside_the_walls_is_named(plan: FloorPlan, box: Box) -> None:
    with pytest.raises(ConfigError, match="fixture 1 lies outside"):
        check_plan(_with(plan, fixtures=(box(20, 20, 21, 21),)))


def test_no_floor_left_is_an_error(plan: FloorPlan, box: Box) -> None:
    with pytest.raises(ConfigError, match="no floor to stand on"):
        Floor(_with(plan, fixtures=(box(-1, -1, 13, 19),)))


def test_zones_of_one_kind_may_touch(plan: FloorPlan, box: Box) -> None:
    check_plan(_with(plan, Zone("aisle-1b", "aisle", "", box(0.4, 14, 2.5, 16))))


def test_zones_of_two_kinds_may_overlap_and_the_smaller_one_wins(plan: FloorPlan, box: Box) -> None:
    floor = Floor(_with(plan, Zone("island", "promo", "", box(4, 9, 5, 10))))
    island, around = floor.zone_at(4.5, 9.5), floor.zone_at(4.5, 11)
    assert island is not None
    assert island.id == "island"
    assert around is not None
    assert around.id == "aisle-2"


@given(east=st.floats(-1, 13), north=st.floats(-1, 19))
def test_zone_at_agrees_with_rectangles(floor: Floor, east: float, north: float) -> None:
    found = floor.zone_at(east, north)
    inside = [
        zone.id
        for zone in floor.plan.zones
        if zone.polygon[0][0] < east < zone.polygon[2][0]
        and zone.polygon[0][1] < north < zone.polygon[2][1]
    ]
    if inside:
        assert found is not None
        assert found.id == inside[0]
    if found is not None:
        assert floor.zone_distance_m(found.id, east, north) == 0


def test_people_stand_on_floor_only(floor: Floor) -> None:
    assert floor.may_stand(4.5, 10)
    assert not floor.may_stand(3.0, 10)
    assert not floor.may_stand(-0.1, 10)


def test_distances_to_fixtures(floor: Floor) -> None:
    places = np.array([[4.0, 10.0], [3.0, 10.0], [4.5, 16.0]])
    assert floor.goods_distance_m(places) == pytest.approx([0.5, 0.0, math.hypot(1, 2)])


def test_a_till_counter_holds_no_goods(floor: Floor) -> None:
    at_counter = np.array([[10.4, 2.9]])
    assert floor.goods_distance_m(at_counter)[0] > 3
    assert not floor.may_stand(9, 2.9)


def test_without_fixtures_all_of_them_are_infinitely_far(plan: FloorPlan) -> None:
    bare = Floor(_with(plan, fixtures=()))
    assert bare.goods_distance_m(np.array([[4.0, 10.0]])).tolist() == [math.inf]


def test_a_walk_in_sight_is_straight(floor: Floor) -> None:
    assert floor.walk_m([(1, 1), (4, 5)])[0, 1] == 5.0


def test_a_walk_leads_around_a_gondola(floor: Floor) -> None:
    # from the middle of aisle 1 to the middle of aisle 2 around a corner of the gondola between
    shortest = 2 * math.dist((2.25, 10), (2.5, 6)) + 1.0
    assert floor.walk_m([(2.25, 10), (3.75, 10)])[0, 1] == pytest.approx(shortest)


@settings(max_examples=30, deadline=None)
@given(
    places=st.lists(st.tuples(st.floats(0.1, 11.9), st.floats(0.1, 17.9)), min_size=3, max_size=3)
)
def test_walks_are_a_distance(floor: Floor, places: list[tuple[float, float]]) -> None:
    walks = floor.walk_m(places)
    assert np.allclose(walks, walks.T, rtol=1e-12, atol=0)  # summed from either end
    for one in range(3):
        for other in range(3):
            assert walks[one, other] >= math.dist(places[one], places[other]) - 1e-9
    if all(floor.may_stand(*place) for place in places):
        assert walks[0, 2] <= walks[0, 1] + walks[1, 2] + 0.01


def test_a_point_within_a_fixture_starts_from_the_nearest_floor(floor: Floor) -> None:
    walk = floor.walk_m([(3.3, 10), (4.5, 10)])
    assert walk[0, 1] == pytest.approx(1.2)


def test_walks_pass_turned_fixtures_and_alcoves() -> None:
    turned = ((4.0, 3.0), (6.0, 5.0), (4.0, 7.0), (2.0, 5.0))
    shop = FloorPlan("t", ((0, 0), (8, 0), (8, 4), (10, 4), (10, 10), (0, 10)), (), (turned,))
    walks = Floor(shop).walk_m([(4, 1), (4, 9), (9, 6), (7.5, 1), (9.5, 4.5)])
    assert walks[0, 1] == pytest.approx(2 * math.dist((4, 1), (2, 5)))
    assert walks[3, 4] == pytest.approx(math.dist((7.5, 1), (8, 4)) + math.dist((8, 4), (9.5, 4.5)))


def test_where_there_is_no_way_the_walk_is_infinite(plan: FloorPlan, box: Box) -> None:
    walled = Floor(_with(plan, fixtures=(box(0, 8, 12, 9),)))
    assert walled.walk_m([(1, 1), (1, 17)])[0, 1] == math.inf


@settings(deadline=None)
@given(points=st.lists(st.tuples(st.floats(-1, 13), st.floats(-1, 19)), max_size=40))
def test_all_zones_at_once_are_as_one_by_one(
    floor: Floor, points: list[tuple[float, float]]
) -> None:
    zones = floor.plan.zones
    one_by_one = [zones.index(zone) if (zone := floor.zone_at(*at)) else -1 for at in points]
    assert floor.zones_at(np.array(points).reshape(-1, 2)).tolist() == one_by_one
