from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.errors import ProtocolError
from edge.replay import Events, Placing, Positions, ReplayParams
from edge.vision.tracking import TrackEnd, TrackPoint

NOON = datetime(2026, 3, 7, 12, tzinfo=UTC)
NOON_MS = 1_772_884_800_000
XOVIS = {
    "live_data": {
        "package_info": {"version": "5.0"},
        "frames": [
            {
                "framenumber": 1,
                "time": NOON_MS,
                "tracked_objects": [
                    {
                        "track_id": 17,
                        "type": "PERSON",
                        "position": [1.5, 2.5, 1.7],
                        "attributes": {"person_height": 1.7},
                    },
                    {"track_id": 18, "type": "OBJECT", "position": [3.0, 2.0, 0.4]},
                ],
            },
            {
                "time": NOON_MS + 100,
                "tracked_objects": [{"track_id": 17, "type": "PERSON", "position": [1.6, 2.5]}],
            },
            {"time": NOON_MS + 200},
        ],
    }
}


def test_csv_with_a_header_in_any_order() -> None:
    reader = Positions()
    assert reader.feed("\ufeffid,time,north,east,height\n") == []
    assert reader.feed("\n") == []
    [point] = reader.feed("a7,2026-03-07T13:00:00.250+01:00,2.5,1.5,1.7\n")
    assert point == TrackPoint(0, NOON_MS + 250, 1.5, 2.5)
    assert reader.feed(f"b,{NOON_MS / 1000 + 1},0,0,1")[0].track == 1
    assert reader.feed(f"a7,{NOON_MS + 2000},0,0,1")[0].track == 0


def test_json_lines_and_seconds_since_the_beginning() -> None:
    reader = Positions(begins_at=NOON)
    line = json.dumps({"time": 1.5, "id": 3, "east": 1, "north": 2})
    assert reader.feed(line) == [TrackPoint(0, NOON_MS + 1500, 1.0, 2.0)]
    with pytest.raises(ProtocolError, match="--begins-at"):
        Positions().feed(line)


def test_xovis_pushes_are_people_only() -> None:
    found = Positions().feed(json.dumps(XOVIS))
    assert found == [
        TrackPoint(0, NOON_MS, 1.5, 2.5),
        TrackPoint(0, NOON_MS + 100, 1.6, 2.5),
    ]


def test_a_sensor_is_placed_on_the_plan() -> None:
    reader = Positions(placing=Placing(10.0, 5.0, 90.0), begins_at=NOON)
    [point] = reader.feed('{"time": 0, "id": 1, "east": 2, "north": 1}')
    assert (point.east_m, point.north_m) == pytest.approx((9.0, 7.0))


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("1,a,x,2", "east is not a number"),
        ("1,a,nan,2", "east is not a number"),
        ('{"time": 1, "id": 1, "east": 1' + "0" * 400 + ', "north": 1}', "east is not a number"),
        ('{"time": 1' + "0" * 400 + ', "id": 1, "east": 1, "north": 1}', "time is neither"),
        ("1,a,4200,2", "not metres"),
        ("1,,1,2", "id is missing"),
        ("1,a,1", "other columns"),
        ('1,a,1,"2', "quotes"),
        ("soon,a,1,2", "neither a number"),
        ("2026-03-07T12:00:00,a,1,2", "no offset"),
        ("-5,a,1,2", "centuries"),
        ("500000000,a,1,2", "centuries"),
        ("{", "not JSON"),
        (f"1,{'a' * 65},1,2", "over 64 letters"),
        ("[" * 9 + "{", "other columns"),
        ('{"live_data": {"frames": [{"time": 1, "tracked_objects": [{}]}]}}', "no push"),
        ('{"live_data": [1]}', "no push"),
        ('{"time": 1}', "id is missing"),
    ],
)
def test_what_is_wrong_is_said_without_quoting(line: str, says: str) -> None:
    reader = Positions(begins_at=NOON)
    reader.feed("time,id,east,north")
    with pytest.raises(ProtocolError, match=says) as caught:
        reader.feed(line)
    assert "4200" not in str(caught.value)
    assert reader.feed("1,a,1,2") != []


def test_time_does_not_go_back_far() -> None:
    reader = Positions(begins_at=NOON)
    reader.feed("time,id,east,north")
    reader.feed("10,a,1,2")
    assert reader.feed("6,b,1,2") != []
    with pytest.raises(ProtocolError, match="sort the lines"):
        reader.feed("4,b,1,2")


def test_an_id_that_is_not_told_of_is_lost_then_forgotten() -> None:
    reader = Positions(begins_at=NOON)
    reader.feed("time,id,east,north")
    assert reader.feed("0,a,1,2") == [TrackPoint(0, NOON_MS, 1.0, 2.0)]
    assert reader.feed("6,b,1,2")[1:] == [TrackEnd(0, NOON_MS)]
    assert reader.feed("7,a,1,2") == [TrackPoint(0, NOON_MS + 7_000, 1.0, 2.0)]  # the same again
    assert reader.feed("66,b,1,2")[1:] == [TrackEnd(0, NOON_MS + 7_000)]
    reader.feed("69,b,1,2")
    assert reader.feed("70,a,1,2")[0].track == 2


def test_a_live_clock_put_back_forgets_ids_all_the_same() -> None:
    reader = Positions()
    live = {"time": NOON_MS, "id": "a", "east": 1, "north": 2}
    assert len(reader.take(live, heard_ms=NOON_MS)) == 1
    assert reader.advance(NOON_MS - 3_600_000) == [TrackEnd(0, NOON_MS)]
    again = reader.take(live | {"time": NOON_MS - 3_600_000}, heard_ms=NOON_MS - 3_600_000)
    assert [point.track for point in again] == [1]


def test_live_a_line_must_be_of_now() -> None:
    reader = Positions()
    live = {"time": NOON_MS, "id": "a", "east": 1, "north": 2}
    for heard_ms in (NOON_MS + 5_001, NOON_MS - 2_001):
        with pytest.raises(ProtocolError, match="NTP"):
            reader.take(live, heard_ms=heard_ms)
    assert reader.take(live, heard_ms=NOON_MS + 5_000) == [TrackPoint(0, NOON_MS, 1.0, 2.0)]
    assert reader.take(live, heard_ms=NOON_MS - 2_000) == [TrackPoint(0, NOON_MS, 1.0, 2.0)]


def test_ids_are_bounded_by_number() -> None:
    reader = Positions(begins_at=NOON, params=ReplayParams(most_ids=3))
    reader.feed("time,id,east,north")
    for name in "abc":
        reader.feed(f"1,{name},1,2")
    with pytest.raises(ProtocolError, match="too many ids"):
        reader.feed("1,d,1,2")
    assert reader.feed("70,a,1,2")[0].track == 0
    assert reader.feed("71,d,1,2")[0].track == 3


def test_a_header_is_needed() -> None:
    with pytest.raises(ProtocolError, match="time,id,east,north"):
        Positions().feed("1;a;2;3")


def test_item_events() -> None:
    reader = Events(zones=frozenset({"toys"}), begins_at=NOON)
    assert reader.feed("time,kind,class,zone,item") == []
    [told] = reader.feed("2,picked,4012345100013,toys,box-7")
    assert (told.at_ms, told.kind, told.product_class) == (
        NOON_MS + 2000,
        "picked",
        "04012345100013",
    )
    for line, says in (
        ("2,taken,4012345100013,toys,b", "kind is none"),
        ("2,picked,4012345100014,toys,b", "class is no GTIN"),
        ("2,picked,4012345100013,wine,b", "zone is not"),
    ):
        with pytest.raises(ProtocolError, match=says):
            reader.feed(line)


@given(line=st.text(max_size=80))
def test_any_line_is_read_or_refused(line: str) -> None:
    reader = Positions(begins_at=NOON)
    reader.feed("time,id,east,north")
    try:
        found = reader.feed(line)
    except ProtocolError:
        return
    assert all(isinstance(point, TrackPoint | TrackEnd) for point in found)
