from __future__ import annotations

from collections.abc import Callable

import pytest

from edge.vision.tracking import TrackEnd, TrackPoint
from edge.visits.plan import Floor
from edge.visits.visits import Visit, Visits

Walker = Callable[..., list[TrackPoint]]
WAY = [(2.0, 0.5), (2.0, 5.5), (4.5, 5.6), (4.5, 11.0), 12, (4.5, 5.6), (10.0, 5.4), (10.0, 0.5)]


def _visits(floor: Floor, *tracks: list[TrackPoint]) -> list[Visit]:
    visits = Visits(floor)
    for point in sorted((p for t in tracks for p in t), key=lambda p: (p.scene_ms, p.track)):
        visits.feed(point)
    for number, track in enumerate(tracks, start=1):
        visits.feed(TrackEnd(number, track[-1].scene_ms + 500))
    return sorted(visits.flush(), key=lambda visit: visit.start_ms)


def _beside(track: list[TrackPoint], number: int, off_m: float, late_ms: int) -> list[TrackPoint]:
    return [
        p._replace(track=number, scene_ms=p.scene_ms + late_ms, north_m=p.north_m + off_m)
        for p in track
    ]


def test_two_who_walk_together_are_a_party_and_one_leads(floor: Floor, walker: Walker) -> None:
    one = walker(1, WAY)
    found = _visits(floor, one, _beside(one, 2, 0.7, 600))
    assert [visit.party for visit in found] == [2, 2]
    assert sorted(visit.leads for visit in found) == [False, True]


def test_three_are_one_party(floor: Floor, walker: Walker) -> None:
    one = walker(1, WAY)
    found = _visits(floor, one, _beside(one, 2, 0.7, 600), _beside(one, 3, -0.6, 900))
    assert sum(visit.leads for visit in found) == 1
    assert max(visit.party for visit in found) == 3


@pytest.mark.parametrize(
    "other",
    [
        pytest.param([(2.4, 0.5), (2.4, 5.5), (7.5, 5.6), (7.5, 11), 12, (7.5, 5.6), (10.4, 0.5)],
                     id="came and left together, shopped apart"),
        pytest.param([(4.9, 13.5), (4.9, 10.4), 22, (4.9, 14)],
                     id="stood at the same shelf"),
    ],
)  # fmt: skip
def test_strangers_are_no_party(
    floor: Floor, walker: Walker, other: list[tuple[float, float] | float]
) -> None:
    found = _visits(floor, walker(1, WAY), walker(2, other))
    assert [(visit.party, visit.leads) for visit in found] == [(1, True)] * 2


def test_who_follows_later_is_no_party(floor: Floor, walker: Walker) -> None:
    one = walker(1, WAY)
    found = _visits(floor, one, _beside(one, 2, 0.5, 9_000))
    assert [visit.party for visit in found] == [1, 1]


def test_who_was_at_the_till_leads(floor: Floor, walker: Walker) -> None:
    way = [*WAY[:-1], (9.5, 3.5), (7.7, 3.0), (7.7, 2.0)]
    waits = walker(1, [*way, 25, (7.7, 0.8), (9.5, 0.5)])
    pays = _beside(walker(2, [*way, (9.3, 2.0), 25, (9.5, 0.5)]), 2, 0.2, 500)
    found = _visits(floor, waits, pays)
    assert [visit.party for visit in found] == [2, 2]
    assert [visit.leads for visit in found] == [False, True]
