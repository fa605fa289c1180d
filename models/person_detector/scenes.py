"""Rooms, cameras and people to train and test on; a seed's parity goes through all of it.

Even seeds train, odd ones test: floors, light, furniture, bodies and clothes of one are never in
the other.
"""

# ruff: noqa: PLR2004 -- odds and sizes of made-up scenes, once each

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from firmware_sim.bodies import Parked
from firmware_sim.render import Label, Renderer, project
from firmware_sim.scene import Box, CameraSpec, Figure, Room

Image = NDArray[np.uint8]
Look = Literal["gondola", "promo", "till", "wall"]
View = Literal["demo", "overhead", "oblique", "hall"]
Crowd = Literal["usual", "busy", "quiet"]

VIEWS: tuple[View, ...] = ("demo", "overhead", "oblique", "hall")
STORE = (
    Box(2.5, 6.0, 3.5, 14.0, 1.4, "gondola"),
    Box(5.5, 6.0, 6.5, 14.0, 1.4, "gondola"),
    Box(8.5, 6.0, 9.5, 14.0, 1.4, "gondola"),
    Box(0.0, 6.0, 0.4, 14.0, 1.8, "wall"),
    Box(11.6, 6.0, 12.0, 14.0, 1.8, "wall"),
    Box(5.4, 3.2, 6.6, 4.2, 1.0, "promo"),
    Box(8.2, 2.6, 10.2, 3.2, 1.0, "till"),
)
DEMO_CAMERA = CameraSpec(6.0, 9.0, 7.0, 0.0, 0.0, math.radians(106), 640, 432)
ELBOW_ROOM_M = 0.22
TRIES = 60


@dataclass(frozen=True, slots=True)
class Scene:
    """A room, what looks at it, and the seed of those who walk in it."""

    room: Room
    camera: CameraSpec
    seed: int
    view: View


def scene_of(seed: int, *, view: View, exact: bool = False) -> Scene:
    """Furnish a room and hang a camera.

    Args:
        seed: even to train, odd to test.
        view: what kind of camera.
        exact: of a demo view: the demo's own room and camera, with this seed's floor and light.
    """
    rng = np.random.default_rng([seed, VIEWS.index(view)])
    if view == "demo":
        if exact or rng.random() < 0.3:
            return Scene(Room(12.0, 18.0, STORE, seed), DEMO_CAMERA, seed, view)
        return _like_demo(rng, seed=seed)
    room = _hall(rng, seed=seed) if view == "hall" else _shop(rng, seed=seed)
    return Scene(room, _camera(rng, room=room, view=view), seed, view)


def _like_demo(rng: np.random.Generator, *, seed: int) -> Scene:
    height = rng.uniform(4.5, 7.5)
    width, depth = rng.uniform(8, 15), rng.uniform(12, 20)
    camera = CameraSpec(
        width / 2 + rng.normal(0, 0.7),
        depth / 2 + rng.normal(0, 0.7),
        height,
        abs(rng.normal(0, 0.06)),
        float(rng.choice([0.0, math.pi / 2, math.pi])) + rng.normal(0, 0.05),
        math.radians(rng.uniform(90, 112)),
        *_size(rng),
    )
    return Scene(Room(width, depth, _aisles(rng, width, depth), seed), camera, seed, "demo")


def _size(rng: np.random.Generator) -> tuple[int, int]:
    sizes = [(640, 432), (640, 432), (640, 480), (640, 360), (480, 324)]
    return sizes[int(rng.integers(len(sizes)))]


def _aisles(rng: np.random.Generator, width: float, depth: float) -> tuple[Box, ...]:
    boxes = []
    south, north = depth * rng.uniform(0.2, 0.4), depth * rng.uniform(0.65, 0.95)
    west, high = rng.uniform(1.5, 2.8), rng.uniform(1.2, 2.0)
    while west < width - 2:
        thick = rng.uniform(0.5, 1.2)
        boxes.append(Box(west, south, west + thick, north, high, "gondola"))
        west += thick + rng.uniform(1.4, 2.6)
    if rng.random() < 0.7:
        boxes.append(Box(0.0, south, 0.4, north, rng.uniform(1.5, 2.2), "wall"))
    if rng.random() < 0.7:
        boxes.append(Box(width - 0.4, south, width, north, rng.uniform(1.5, 2.2), "wall"))
    looks: tuple[Look, ...] = ("promo", "till", "promo", "gondola")
    for _ in range(int(rng.integers(0, 6))):
        look = looks[int(rng.integers(4))]
        side, other = rng.uniform(0.25, 1.8), rng.uniform(0.25, 1.0)
        x, y = rng.uniform(0.3, width - 2), rng.uniform(0.3, max(0.4, south - 1.2))
        boxes.append(Box(x, y, x + side, y + other, rng.uniform(0.4, 1.7), look))
    return tuple(boxes)


def _shop(rng: np.random.Generator, *, seed: int) -> Room:
    width, depth = rng.uniform(5, 16), rng.uniform(6, 18)
    boxes = _aisles(rng, width, depth) if rng.random() < 0.8 else ()
    return Room(width, depth, boxes, seed)


def _hall(rng: np.random.Generator, *, seed: int) -> Room:
    width, depth = rng.uniform(15, 40), rng.uniform(15, 40)
    boxes = []
    look: Literal["promo", "till"]
    for _ in range(int(rng.integers(0, 10))):
        x, y = rng.uniform(0, width - 2), rng.uniform(0, depth - 2)
        wide, long = rng.uniform(0.2, 3), rng.uniform(0.2, 3)
        look = "promo" if rng.random() < 0.5 else "till"
        boxes.append(Box(x, y, x + wide, y + long, rng.uniform(0.3, 2.2), look))
    return Room(width, depth, tuple(boxes), seed)


def _camera(rng: np.random.Generator, *, room: Room, view: View) -> CameraSpec:
    low, high = {"overhead": (2.4, 5.0), "oblique": (2.3, 5.0), "hall": (3.5, 8.0)}[view]
    tilt = {"overhead": (0.0, 0.3), "oblique": (0.35, 1.2), "hall": (0.7, 1.25)}[view]
    for _ in range(TRIES):
        east, north = rng.uniform(0.3, room.width_m - 0.3), rng.uniform(0.3, room.depth_m - 0.3)
        if _free(room, east, north):
            break
    inward = math.atan2(room.depth_m / 2 - north, room.width_m / 2 - east)
    wide = view == "overhead"
    return CameraSpec(
        east,
        north,
        rng.uniform(low, high),
        rng.uniform(*tilt),
        rng.uniform(0, 2 * math.pi) if wide else inward + rng.normal(0, 0.5),
        math.radians(rng.uniform(75 if wide else 50, 110 if wide else 100)),
        *_size(rng),
    )


def _free(room: Room, east: float, north: float) -> bool:
    near = ELBOW_ROOM_M
    return not any(
        b.west_m - near < east < b.east_m + near and b.south_m - near < north < b.north_m + near
        for b in room.boxes
    )


def people_of(
    scene: Scene, *, moment: int, crowd: Crowd = "usual"
) -> tuple[list[Figure], list[Parked]]:
    """Fill the room for one picture; some are empty, some hold only trolleys.

    Args:
        scene: the room.
        moment: which picture of it.
        crowd: "busy" has 8 to 22 people, many at shelves and doors; "quiet" has two at most.
    """
    if crowd != "usual":
        return _shoppers(scene, moment=moment, crowd=crowd)
    rng = np.random.default_rng([scene.seed, moment, 0xFEE7])
    parity = scene.seed % 2
    most = 14 if scene.view in ("demo", "hall") else 6
    count = 0 if rng.random() < 0.07 else int(rng.integers(1, most + 1))
    figures: list[Figure] = []
    for _ in range(count):
        spot = _spot(rng, scene, beside=figures)
        if spot is not None:
            figures.append(_figure(rng, spot, parity=parity))
    parked = []
    for _ in range(int(rng.integers(0, 4))):
        spot = _spot(rng, scene, beside=[])
        if spot is not None:
            look = 2 * int(rng.integers(1 << 20)) + parity
            kind: Literal["cart", "basket"] = "cart" if rng.random() < 0.75 else "basket"
            parked.append(Parked(look, *spot, rng.uniform(0, 2 * math.pi), kind))
    return figures, parked


def _shoppers(scene: Scene, *, moment: int, crowd: Crowd) -> tuple[list[Figure], list[Parked]]:
    rng = np.random.default_rng([scene.seed, moment, 0xC0DE])
    parity = scene.seed % 2
    count = int(rng.integers(8, 23)) if crowd == "busy" else int(rng.integers(0, 3))
    figures: list[Figure] = []
    for _ in range(count):
        where = rng.random()
        if where < 0.4:
            _join(figures, _at_shelf(rng, scene, beside=figures))
            continue
        spot = _spot(rng, scene, beside=figures)
        if where > 0.88:
            spot = rng.uniform(0.3, scene.room.width_m - 0.3), rng.uniform(0.02, 1.5)
        if spot is not None and _apart(figures, *spot):
            figures.append(_figure(rng, spot, parity=parity))
    parked = []
    for _ in range(int(rng.integers(0, 3 if crowd == "busy" else 6))):
        spot = _spot(rng, scene, beside=figures)
        if spot is not None:
            look = 2 * int(rng.integers(1 << 20)) + parity
            kind: Literal["cart", "basket"] = "cart" if rng.random() < 0.75 else "basket"
            parked.append(Parked(look, *spot, rng.uniform(0, 2 * math.pi), kind))
    return figures, parked


def _join(figures: list[Figure], figure: Figure | None) -> None:
    if figure is not None and _apart(figures, figure.east_m, figure.north_m):
        figures.append(figure)


def _apart(figures: list[Figure], east: float, north: float) -> bool:
    return all(math.hypot(f.east_m - east, f.north_m - north) >= 0.38 for f in figures)


def _at_shelf(rng: np.random.Generator, scene: Scene, *, beside: list[Figure]) -> Figure | None:
    """Stand somebody before a shelf, turned to it more or less."""
    boxes = scene.room.boxes
    for _ in range(TRIES):
        box = boxes[int(rng.integers(len(boxes)))]
        away, along = rng.uniform(0.24, 0.6), rng.random()
        face = int(rng.integers(6))
        if face < 4:  # most stand along the long sides, which run south to north
            east = box.east_m + away if face % 2 else box.west_m - away
            north = box.south_m + along * (box.north_m - box.south_m)
            heading = math.pi if face % 2 else 0.0
        else:
            east = box.west_m + along * (box.east_m - box.west_m)
            north = box.north_m + away if face % 2 else box.south_m - away
            heading = -math.pi / 2 if face % 2 else math.pi / 2
        inside = 0 < east < scene.room.width_m and 0 < north < scene.room.depth_m
        if not (inside and _free(scene.room, east, north) and _apart(beside, east, north)):
            continue
        figure = _figure(rng, (east, north), parity=scene.seed % 2)
        draw = rng.random()
        pose: Literal["walk", "stand", "reach", "crouch"] = (
            "stand" if draw < 0.55 else "reach" if draw < 0.92 else "crouch"
        )
        return replace(figure, pose=pose, speed_m_s=0.0, heading=heading + rng.normal(0, 0.35))
    return None


def _spot(
    rng: np.random.Generator, scene: Scene, *, beside: list[Figure]
) -> tuple[float, float] | None:
    room, camera = scene.room, scene.camera
    for _ in range(TRIES):
        if beside and rng.random() < 0.2:  # people also come in groups
            friend = beside[int(rng.integers(len(beside)))]
            turn, away = rng.uniform(0, 2 * math.pi), rng.uniform(0.4, 0.9)
            east = friend.east_m + away * math.cos(turn)
            north = friend.north_m + away * math.sin(turn)
        else:
            east, north = rng.uniform(0.15, room.width_m - 0.15), rng.uniform(0, room.depth_m)
        if not (0 < east < room.width_m and 0 < north < room.depth_m and _free(room, east, north)):
            continue
        if any(math.hypot(f.east_m - east, f.north_m - north) < 0.38 for f in beside):
            continue
        x, y = project(camera, np.array([(east, north, 0.9)]))[0]
        if -20 < x < camera.width_px + 20 and -20 < y < camera.height_px + 20:
            return east, north
    return None


def _figure(rng: np.random.Generator, spot: tuple[float, float], *, parity: int) -> Figure:
    pose: Literal["walk", "stand", "reach", "crouch"] = (
        "walk", "walk", "walk", "stand", "stand", "reach", "reach", "crouch",
    )[int(rng.integers(8))]  # fmt: skip
    draw = rng.random()
    carries: Literal["nothing", "basket", "cart"] = (
        "nothing" if draw < 0.55 else "basket" if draw < 0.78 else "cart"
    )
    child = rng.random() < 0.05
    return Figure(
        look=2 * int(rng.integers(1 << 20)) + parity,
        east_m=spot[0],
        north_m=spot[1],
        heading=rng.uniform(0, 2 * math.pi),
        speed_m_s=rng.uniform(0.3, 1.5) if pose == "walk" else 0.0,
        gait_m=rng.uniform(0, 20),
        pose=pose,
        carries=carries,
        height_m=rng.uniform(1.1, 1.5) if child else float(np.clip(rng.normal(1.71, 0.1), 1.5, 2)),
    )


def picture(
    scene: Scene, *, renderer: Renderer, moment: int, crowd: Crowd = "usual"
) -> tuple[Image, list[Label]]:
    """Take one picture, with what optics, shutter and compression add, and its truth."""
    figures, parked = people_of(scene, moment=moment, crowd=crowd)
    rng = np.random.default_rng([scene.seed, moment, 0xB1])
    image = renderer.frame(figures, scene_s=float(moment), parked=parked)
    if crowd != "usual" and rng.random() < 0.5:  # a good camera: nothing but compression
        return _compressed(image, rng=rng), renderer.truth(figures)
    if rng.random() < 0.3:
        image = _shadows_of_nobody(image, rng=rng)
    if rng.random() < 0.4:
        image = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.3, 1.3))
    if rng.random() < 0.15:
        image = cv2.blur(image, (int(rng.integers(1, 5)), int(rng.integers(1, 5))))
    if rng.random() < 0.5:
        gamma = math.exp(rng.normal(0, 0.3))
        table = (255 * (np.arange(256) / 255.0) ** gamma).astype(np.uint8)
        image = cv2.LUT(image, table)
    return _compressed(image, rng=rng), renderer.truth(figures)


def _compressed(image: Image, *, rng: np.random.Generator) -> Image:
    quality = int(rng.integers(45, 96))
    jpeg = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return np.asarray(cv2.imdecode(jpeg, cv2.IMREAD_COLOR))


def _shadows_of_nobody(image: Image, *, rng: np.random.Generator) -> Image:
    keep = np.ones(image.shape[:2], np.float32)
    size = image.shape[1]
    for _ in range(int(rng.integers(1, 6))):
        middle = (int(rng.integers(image.shape[1])), int(rng.integers(image.shape[0])))
        axes = (int(size * rng.uniform(0.01, 0.08)), int(size * rng.uniform(0.005, 0.03)))
        turn = rng.uniform(0, 360)
        cv2.ellipse(keep, middle, axes, turn, 0, 360, rng.uniform(0.35, 0.85), -1)
    keep = cv2.GaussianBlur(keep, (0, 0), rng.uniform(1, 5))
    return np.asarray((image * keep[:, :, None]).astype(np.uint8))
