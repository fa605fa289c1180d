from __future__ import annotations

import math
from dataclasses import replace

import pytest

from edge.rfid.items import EventKind, ItemEvent, Trace
from edge.rfid.sales import Sale
from edge.visits.joining import Joining, JoinParams
from edge.visits.plan import Floor, Point
from edge.visits.walks import Walk

ANTENNA = (3.5, 10.0)
TILL = (9.0, 2.0)
EXIT = (10.0, 0.4)
TRAIN = "04012345100013"


def stands(track: int, *places: tuple[Point, int]) -> Walk:
    """Stand at places for so many seconds each, six points a second."""
    walk, at_ms = Walk(track, door_at_start=True), 0
    for (east, north), seconds in places:
        for _ in range(6 * seconds):
            walk.add(at_ms, east, north)
            at_ms += 167
    walk.door_at_end = places[-1][0] == EXIT
    return walk


def event(kind: EventKind, scene_ms: int, *, tag: bytes = b"a", zone: str = "aisle-2") -> ItemEvent:
    return ItemEvent(kind, scene_ms, zone, TRAIN, tag)


def joining(floor: Floor) -> Joining:
    return Joining(floor, params=JoinParams(), antennas={"aisle-2": ANTENNA})


def trace(walk: Walk, *, rest_dbm: float, start_ms: int, until_ms: int) -> Trace:
    """Hear an item in somebody's hand wherever it is loud enough."""
    heard = []
    for at_ms in range(start_ms + 100, until_ms, 500):
        away_m = max(0.2, math.dist(walk.place_at(at_ms), ANTENNA))
        level = round(-65 - 40 * math.log10(away_m))
        if level >= -67:
            heard.append((at_ms, level))
    return Trace(rest_dbm, 400.0, tuple(heard), until_ms)


def shares(joined: Joining, *walks: Walk, kind: EventKind = "picked") -> list[float]:
    taken = [joined.take(walk) for walk in walks]
    return [sum(one.share for one in items if one.kind == kind) for items in taken]


def test_two_who_stand_alike_share(floor: Floor) -> None:
    one, two = stands(1, ((4.05, 9.5), 60)), stands(2, ((4.05, 10.5), 60))
    joined = joining(floor)
    joined.give(event("picked", 30_000), [one, two])
    assert shares(joined, one, two) == pytest.approx([0.5, 0.5], abs=0.01)


def test_the_shares_of_all_are_no_more_than_one(floor: Floor) -> None:
    walks = [stands(n, ((4.05 + 0.1 * n, 9.0 + 0.5 * n), 60)) for n in range(5)]
    joined = joining(floor)
    joined.give(event("picked", 30_000), walks)
    assert sum(shares(joined, *walks)) <= 1.0 + 1e-9


def test_who_goes_away_as_it_falls_silent_has_it(floor: Floor) -> None:
    leaves = stands(1, ((4.05, 9.5), 30), ((4.5, 13.5), 30))
    stays = stands(2, ((4.05, 10.5), 60))
    heard = trace(leaves, rest_dbm=-34, start_ms=25_000, until_ms=45_000)
    joined = joining(floor)
    joined.give(replace(event("picked", 25_000), trace=heard), [leaves, stays])
    mine, other = shares(joined, leaves, stays)
    assert mine > 0.9
    assert other < 0.1


def test_an_item_that_lay_far_from_the_antenna_was_taken_there(floor: Floor) -> None:
    near, far = stands(1, ((4.05, 10.0), 60)), stands(2, ((4.05, 11.3), 60))
    silent = Trace(-55.0, 400.0, (), 35_000)
    joined = joining(floor)
    joined.give(replace(event("picked", 25_000), trace=silent), [near, far])
    mine, other = shares(joined, far, near)
    assert mine > 0.9
    assert other < 0.1


def test_who_puts_it_back_had_it(floor: Floor) -> None:
    stays = stands(1, ((4.05, 9.5), 90))
    leaves = stands(2, ((4.05, 10.5), 40), ((4.5, 16.0), 50))
    joined = joining(floor)
    joined.give(event("picked", 30_000), [stays, leaves])
    joined.give(event("put_back", 60_000), [stays, leaves])
    assert shares(joined, stays, kind="put_back")[0] > 0.9


def test_who_pays_rather_has_it_than_who_does_not(floor: Floor) -> None:
    pays = stands(1, ((4.05, 9.5), 60), (TILL, 30), (EXIT, 5))
    looks = stands(2, ((4.05, 10.5), 60), (EXIT, 5))
    joined = joining(floor)
    joined.give(event("picked", 30_000), [pays, looks])
    other, mine = shares(joined, looks, pays)
    assert mine > 0.8
    assert other < 0.2


def test_a_line_of_the_till_tells_whose_it_was(floor: Floor) -> None:
    one = stands(1, ((4.05, 9.5), 60), (TILL, 30))
    two = stands(2, ((4.05, 10.5), 60), ((9.0, 4.6), 30))
    joined = joining(floor)
    joined.give(event("picked", 30_000), [one, two])
    joined.sell(Sale(75_000, "till", TRAIN, 1), [one, two])
    mine, theirs = joined.take(one), joined.take(two)
    assert [item.kind for item in mine] == ["picked", "sold"]
    assert mine[0].share > 0.9
    assert all(item.share < 0.1 for item in theirs)


def test_a_line_for_goods_without_a_tag_is_a_sale_all_the_same(floor: Floor) -> None:
    one = stands(1, (TILL, 30))
    joined = joining(floor)
    joined.sell(Sale(15_000, "till", TRAIN, 2), [one])
    assert [item.kind for item in joined.take(one)] == ["sold", "sold"]
    joined.sell(Sale(15_000, "till", TRAIN, 1), [stands(2, ((4.05, 9.5), 60))])
    assert joined.unattributed == 1


def test_what_was_paid_was_not_left_unpaid(floor: Floor) -> None:
    one = stands(1, ((4.05, 9.5), 60), (TILL, 30), (EXIT, 5))
    joined = joining(floor)
    joined.give(event("picked", 30_000), [one])
    joined.sell(Sale(75_000, "till", TRAIN, 1), [one])
    joined.give(event("left_unpaid", 91_000, zone="exit"), [one])
    assert [item.kind for item in joined.take(one)] == ["picked", "sold"]


def test_nothing_is_kept_when_all_are_gone(floor: Floor) -> None:
    one, two = stands(1, ((4.05, 9.5), 60)), stands(2, ((4.05, 10.5), 60))
    joined = joining(floor)
    joined.give(event("picked", 30_000), [one, two])
    joined.take(one)
    joined.take(two)
    assert joined._claims == []
    assert joined._open == {}
