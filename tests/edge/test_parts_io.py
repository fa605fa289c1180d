from __future__ import annotations

import pytest

from edge.config import StoreConfig, parse
from edge.errors import ConfigError
from edge.parts_io import Parts

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


def store(*wests: float) -> StoreConfig:
    cameras = [
        CAMERA.format(name=f"camera-{n}", west=west, east=west + 6) for n, west in enumerate(wests)
    ]
    return parse(STORE + "".join(cameras), where="store.toml")


def test_cameras_side_by_side_are_taken() -> None:
    assert set(Parts.build(store(0, 6, 12)).grounds) == {"camera-0", "camera-1", "camera-2"}


def test_cameras_that_see_the_same_floor_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"'camera-0' and 'camera-1' both see \d+ square metres"):
        Parts.build(store(0, 4))


def test_a_plan_too_large_for_the_contract_is_refused() -> None:
    shelf = "[[1, 1], [1.123456, 1], [1.123456, 1.123456], [1, 1.123456]]"
    text = STORE.replace(
        "[[plan.zones]]", f"fixtures = [{', '.join([shelf] * 400)}]\n[[plan.zones]]"
    )
    config = parse(text + CAMERA.format(name="one", west=0, east=6), where="store.toml")
    with pytest.raises(ConfigError, match="fewer or simpler polygons"):
        Parts.build(config)
