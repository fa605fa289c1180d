from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import cv2
import numpy as np
import pytest
from msgspec.structs import replace

from edge.config import StoreConfig, parse
from edge.errors import ConfigError
from edge.parts_io import Parts, eyes_of, sectors_of, tracker_of
from edge.vision.ground import Ground
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


NET = Path(__file__).parent / "vision" / "tiny_models" / "upright.onnx"
UPRIGHT = """
name = "upright"
version = "1"
file = "net.onnx"
sha256 = "{digest}"
licence = "Apache-2.0"
trained_on = "nothing"
[input]
tensor = "image"
width = 128
height = 128
mean = 0
scale = 0.003921569
[output]
kind = "yolox"
output = "output"
strides = [8]
classes = 1
point = "centre"
point_height_m = 1.0
confidence = 0.6
"""


def ringed(folder: Path, *, sectors: str, change: tuple[str, str] = ("", "")) -> StoreConfig:
    """Give a store whose detector knows red above blue, and what it is to be told of sectors."""
    (folder / "net.onnx").write_bytes(NET.read_bytes())
    digest = sha256(NET.read_bytes()).hexdigest()
    (folder / "manifest.toml").write_text(UPRIGHT.format(digest=digest))
    camera = CAMERA.format(name="one", west=0, east=6).replace(*change)
    detector = f'[detector]\nmanifest = "{folder}/manifest.toml"\n'
    return parse(STORE + detector + camera + sectors, where="store.toml")


def test_a_camera_with_sectors_sees_people_all_around(tmp_path: Path) -> None:
    image = np.zeros((480, 640, 3), np.uint8)
    for out in ((0, -1), (-1, 0), (1, 0), (0, 1)):
        for colour, near, far in (((255, 0, 0), 65, 135), ((0, 0, 255), 135, 205)):
            ends = np.add((320, 240), np.outer((near, far), out))
            cv2.line(image, *ends.tolist(), colour, thickness=50)

    def seen(sectors: str) -> int:
        config = ringed(tmp_path, sectors=sectors)
        eyes = eyes_of(config, "one", parts=Parts.build(config))
        return sum(one.confidence > 0.6 for one in eyes.sight(0, image).points)

    assert seen("") == 1
    assert seen("sectors = 8") == 4


def test_a_fisheye_that_looks_down_has_six_sectors_if_not_told(tmp_path: Path) -> None:
    config = ringed(tmp_path, sectors="")
    ground = Parts.build(config).grounds["one"]
    fisheye = replace(config.cameras[0], lens="fisheye")
    assert sectors_of(fisheye, ground=ground) == 6
    assert [sectors_of(replace(fisheye, sectors=n), ground=ground) for n in (0, 8)] == [0, 8]
    assert sectors_of(config.cameras[0], ground=ground) == 0
    unknown = Ground(ground.image_size, ground.view, heights_known=False, residual_m=0.0)
    assert sectors_of(fisheye, ground=unknown) == 0


def test_sectors_where_they_cannot_serve_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"camera 'one' has sectors, but .* height_m or hfov_deg"):
        Parts.build(ringed(tmp_path, sectors="sectors = 6", change=("height_m = 3.0", "")))
    aslant = "points = [[0, 480, 0, 4], [640, 480, 4, 4], [440, 200, 4, 9], [200, 200, 0, 9]]"
    points = CAMERA.format(name="one", west=0, east=6).splitlines()[-1]
    with pytest.raises(ConfigError, match="not in its picture"):
        Parts.build(ringed(tmp_path, sectors="sectors = 6", change=(points, aslant)))
    with pytest.raises(ConfigError, match=r"cameras\[0\]: sectors = 2: give 4 to 12, or 0"):
        ringed(tmp_path, sectors="sectors = 2")
