from __future__ import annotations

import pytest

from edge.config import StoreConfig, parse
from edge.errors import ConfigError
from edge.parts_io import Parts, tracker_of
from edge.vision.tracking import FloorPoint, Sighting, TrackerParams

STORE = """
store = "s"
agent = "a"
timezone = "UTC"
opens = "09:00"
closes = "20:00"

[plan]
version = "1"
outline = [[0, 0], [20, 0], [20, 6], [0, 6]]

[[plan.zones]]
id = "aisle-1"
kind = "aisle"
polygon = [[1, 1], [3, 1], [3, 5], [1, 5]]
"""
CAMERA = """
[[cameras]]
name = "{name}"
source = 0
size_px = [640, 480]
height_m = 3.0
points = [[0, 480, {west}, 0], [640, 480, {east}, 0], [640, 0, {east}, 5], [0, 0, {west}, 5]]
"""


DOOR = """
[[plan.zones]]
id = "door"
kind = "entrance"
polygon = [[0, 0], [1, 0], [1, 6], [0, 6]]
"""


def store(*wests: float, doors: bool = False) -> StoreConfig:
    cameras = [
        CAMERA.format(name=f"camera-{n}", west=west, east=west + 6) for n, west in enumerate(wests)
    ]
    return parse(STORE + DOOR * doors + "".join(cameras), where="store.toml")


def test_cameras_may_see_the_same_floor() -> None:
    assert set(Parts.build(store(0, 4, 12)).grounds) == {"camera-0", "camera-1", "camera-2"}


def test_people_appear_at_doors_and_where_the_view_ends_but_not_between_cameras() -> None:
    config = store(0, 5, doors=True)
    tracker = tracker_of(config, parts=Parts.build(config))

    def first_ms(east_m: float) -> int | None:
        camera = "camera-0" if east_m < 6 else "camera-1"
        began_ms = 1 + (tracker.due_ms() or 0)
        tracker.advance(began_ms)
        for scene_ms in range(began_ms, began_ms + 10_000, 250):
            if tracker.feed(Sighting(scene_ms, (FloorPoint(east_m, 2.5, 0.9),), camera)):
                return scene_ms - began_ms
        return None

    elsewhere_ms = TrackerParams().elsewhere_ms
    assert first_ms(0.5) == 500  # the door
    assert first_ms(5.5) == elsewhere_ms  # where one camera's view ends inside the other's
    assert first_ms(10.5) == 500  # where the last one's ends


def test_a_plan_too_large_for_the_contract_is_refused() -> None:
    shelf = "[[1, 1], [1.123456, 1], [1.123456, 1.123456], [1, 1.123456]]"
    text = STORE.replace(
        "[[plan.zones]]", f"fixtures = [{', '.join([shelf] * 400)}]\n[[plan.zones]]"
    )
    config = parse(text + CAMERA.format(name="one", west=0, east=6), where="store.toml")
    with pytest.raises(ConfigError, match="fewer or simpler polygons"):
        Parts.build(config)
