"""Rooms, streets, furniture, light and cameras of rendered scenes, and who is in them.

Even seeds train, odd ones test: colours, floors, furniture, bodies and clothes are drawn from them.
"""

# ruff: noqa: PLR2004, E501 -- sizes and odds of made-up scenes, once each, a piece a line

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from models.person_detector.mesh_bodies import POSES, posed, stance, turn
from models.person_detector.mesh_camera import Camera
from models.person_detector.mesh_furniture import (
    GRASS,
    METAL,
    WALLS,
    WOOD,
    Spot,
    cart,
    furnish,
    shelf_row,
    stroller,
)  # fmt: skip
from models.person_detector.mesh_people import (
    CLOTHES,
    Colour,
    Person,
    box,
    linear,
    outfit,
    pick,
    plain,
    put_person,
)  # fmt: skip
from models.person_detector.mesh_soup import Light, Room, Soup, Surface

Array = NDArray[np.float64]
View = Literal["fisheye", "overhead", "oblique", "hall"]
Site = Literal["shop", "clothes", "mall", "street", "office", "store"]

FLOORS = tuple(linear(*c) for c in (
    (200, 196, 186), (170, 168, 162), (140, 138, 134), (110, 108, 106), (84, 82, 82), (60, 60, 62),
    (206, 184, 150), (176, 148, 112), (140, 104, 72), (104, 74, 52), (150, 156, 162), (120, 130, 140),
    (180, 172, 150), (96, 100, 96), (222, 220, 214), (130, 112, 100),
))  # fmt: skip


@dataclass(slots=True)
class Scene:
    """A place without its people."""

    seed: int
    view: View
    site: Site
    camera: Camera
    room: Room
    light: Light
    soup: Soup
    shade: tuple[float, float, float]
    blocked: list[tuple[float, float, float, float]] = field(default_factory=list)
    seats: list[tuple[float, float, float, float]] = field(default_factory=list)
    fronts: list[tuple[float, float, float]] = field(default_factory=list)
    spots: Array = field(default_factory=lambda: np.zeros((0, 2)))
    pixels: Array = field(default_factory=lambda: np.zeros((0, 2)))
    busy: float = 1.0
    cold: float = 0.5


def _block(scene: Scene, at: tuple[float, float], size: tuple[float, float], yaw: float) -> None:
    c, s = abs(math.cos(yaw)), abs(math.sin(yaw))
    hx, hy = (size[0] * c + size[1] * s) / 2 + 0.12, (size[0] * s + size[1] * c) / 2 + 0.12
    scene.blocked.append((at[0] - hx, at[1] - hy, at[0] + hx, at[1] + hy))


def _free(scene: Scene, x: float, y: float, margin: float = 0.1) -> bool:
    return not any(
        a - margin < x < c + margin and b - margin < y < d + margin for a, b, c, d in scene.blocked
    )


def _thing(
    scene: Scene, rng: np.random.Generator, kind: str, at: tuple[float, float], yaw: float
) -> None:
    """Add one piece of furniture."""
    h = scene.camera.place[2] * (0.98 if scene.view in ("fisheye", "overhead") else 3)
    tallest = min(scene.room.high[2], h)
    size = furnish(kind, Spot(scene.soup, rng, at, yaw, scene.seed % 2, tallest, scene.seats))
    if size is None:
        return
    _block(scene, at, size, yaw)
    if kind in ("gondola", "table", "rack", "till", "kiosk", "promo"):
        for side in (-1, 1):
            for _ in range(3):
                p = turn(yaw=yaw) @ [
                    rng.uniform(-0.45, 0.45) * size[0],
                    side * (size[1] / 2 + 0.35),
                    0,
                ]
                scene.fronts.append((at[0] + p[0], at[1] + p[1], yaw - side * math.pi / 2))


KINDS: dict[str, tuple[str, ...]] = {
    "shop": ("gondola",) * 5
    + (
        "promo",
        "promo",
        "till",
        "sign",
        "boxes",
        "cart",
        "bin",
        "mat",
        "plant",
        "table",
        "pillar",
        "stroller",
    ),
    "clothes": ("rack",) * 4
    + (
        "round_rack",
        "round_rack",
        "table",
        "table",
        "mannequin",
        "mannequin",
        "mannequin",
        "till",
        "sign",
        "plant",
        "mat",
        "pillar",
        "chair",
        "stroller",
    ),
    "mall": (
        "kiosk",
        "plant",
        "palm",
        "bench",
        "bench",
        "pillar",
        "sign",
        "bin",
        "rail",
        "promo",
        "mannequin",
        "table",
        "chair",
        "stroller",
        "mat",
    ),
    "street": (
        "post",
        "post",
        "sign",
        "cone",
        "cone",
        "bench",
        "bin",
        "rail",
        "car",
        "tripod",
        "palm",
        "boxes",
        "cloth",
        "stroller",
    ),
    "office": (
        "table",
        "table",
        "chair",
        "chair",
        "chair",
        "plant",
        "boxes",
        "bin",
        "till",
        "pillar",
        "sign",
        "mat",
    ),
    "store": (
        "boxes",
        "boxes",
        "boxes",
        "gondola",
        "pillar",
        "rail",
        "cone",
        "post",
        "cart",
        "tripod",
        "sign",
        "cloth",
    ),
}


def _floor(rng: np.random.Generator, site: Site) -> Surface:
    a, b = pick(rng, FLOORS), pick(rng, FLOORS)
    near: Colour = tuple(float(np.clip(c * math.exp(rng.normal(0, 0.2)), 0.01, 0.9)) for c in a)  # type: ignore[assignment]
    turned = float(rng.choice([0.0, 0.0, math.pi / 4])) + rng.normal(0, 0.1)
    seed = float(rng.uniform(0, 50))
    if site == "street":
        kind = int(rng.choice([16, 4, 12, 5, 1, 13]))
        if kind == 13:
            return Surface(
                13, rng.uniform(0.3, 1.2), seed, pick(rng, GRASS), pick(rng, GRASS), turned
            )
        if kind == 5:
            return Surface(
                5,
                rng.uniform(1.5, 4),
                float(rng.integers(0, 3)),
                a,
                (rng.uniform(0, 1), 0, 0),
                turned,
            )
        grey = pick(rng, FLOORS[1:6])
        return Surface(
            kind,
            {16: rng.uniform(1, 3), 4: 1.0, 12: rng.uniform(0.08, 0.2), 1: rng.uniform(0.4, 1)}[
                kind
            ],
            seed,
            grey,
            pick(rng, FLOORS[:4]) if kind == 16 else near,
            turned,
        )
    kind = int(rng.choice([1, 1, 1, 2, 3, 3, 4, 4, 14, 15, 0, 5], p=None))
    if site == "mall" and rng.random() < 0.5:
        kind = int(rng.choice([14, 1]))
    if kind == 5:
        return Surface(
            5, rng.uniform(1, 4), float(rng.integers(0, 6)), a, (rng.uniform(0, 1), 0, 0), turned
        )
    if kind == 3:
        a, b = pick(rng, WOOD), pick(rng, WOOD)
        b = tuple(0.7 * x + 0.3 * y for x, y in zip(a, b, strict=True))  # type: ignore[assignment]
        return Surface(3, rng.uniform(0.07, 0.22), seed, a, b, turned)
    second: Colour = b if kind in (2, 14, 15) and rng.random() < 0.5 else near
    if kind == 1:
        second = tuple(c * rng.uniform(0.4, 1.3) for c in a)  # type: ignore[assignment]
    scale = {
        1: rng.uniform(0.2, 0.9),
        2: rng.uniform(0.2, 0.8),
        4: rng.uniform(0.4, 3),
        14: rng.uniform(1, 5),
        15: rng.uniform(0.3, 2),
        0: 1.0,
    }[kind]
    return Surface(kind, scale, seed, a, second, turned)


def _wall(rng: np.random.Generator, site: Site) -> Surface:
    a, b = pick(rng, WALLS), pick(rng, WALLS)
    seed = float(rng.uniform(0, 50))
    if site == "shop" and rng.random() < 0.6:
        return Surface(8, 0.1, seed, a, b)
    kind = (
        int(rng.choice([0, 0, 0, 1, 12, 4, 11]))
        if site != "street"
        else int(rng.choice([12, 12, 11, 0, 1]))
    )
    return Surface(
        kind,
        {0: 1, 1: rng.uniform(0.15, 0.6), 12: 0.075, 4: 2, 11: rng.uniform(0.8, 2.5)}[kind],
        seed,
        a,
        b,
    )


def scene_of(seed: int, *, view: View) -> Scene:
    """Build a place and hang a camera in it.

    Args:
        seed: even to train, odd to test.
        view: what kind of camera.
    """
    rng = np.random.default_rng([seed, 77])
    sites: list[Site] = ["shop", "clothes", "mall", "street", "office", "store"]
    odds = {
        "fisheye": [0.3, 0.15, 0.1, 0.05, 0.25, 0.15], "overhead": [0.35, 0.15, 0.15, 0.1, 0.1, 0.15],
        "oblique": [0.3, 0.2, 0.15, 0.1, 0.1, 0.15], "hall": [0.08, 0.07, 0.4, 0.37, 0.0, 0.08],
    }[view]  # fmt: skip
    site = sites[int(rng.choice(6, p=odds))]
    camera = _camera(rng, view)
    arcade = view == "hall" and site == "mall" and rng.random() < 0.65
    h = camera.place[2]
    ceiling = h + (
        rng.uniform(0.02, 0.3) if view in ("fisheye", "overhead") else rng.uniform(0.2, 2)
    )
    if view in ("fisheye", "overhead"):
        reach = [
            float(v)
            for v in (
                rng.uniform(*((2.0, 9.0) if rng.random() < 0.6 else (4.0, 13.0)), 4)
                if view == "fisheye"
                else rng.uniform(3.0, 12.0, 4)
            )
        ]
    elif view == "oblique":
        reach = [rng.uniform(0.3, 3), rng.uniform(6, 20), rng.uniform(3, 10), rng.uniform(3, 10)]
    else:
        reach = [rng.uniform(0.5, 4), rng.uniform(25, 70), rng.uniform(8, 30), rng.uniform(8, 30)]
        if arcade:
            reach[2:] = [rng.uniform(3, 9), rng.uniform(3, 9)]
            camera = replace(camera, pan=rng.normal(0, 0.15))
    outdoors = site == "street" or (site == "mall" and not arcade and rng.random() < 0.15)
    if outdoors:
        ceiling = h + rng.uniform(3, 10)
    grey = pick(rng, WALLS)
    shiny = 0.0
    if not outdoors and rng.random() < 0.45:
        shiny = rng.uniform(0.05, 0.4)
    second = _floor(rng, site)
    ceiling_face = Surface(int(rng.choice([0, 1])), 0.6, 0.0, grey, grey)
    stained = (
        rng.uniform(0, 0.4) if rng.random() < 0.5 else 0.0,
        rng.uniform(0.3, 2.5),
        rng.uniform(0, 1) if rng.random() < 0.12 else 0.0,
        0.0,
    )
    if outdoors and rng.random() < 0.65:
        stained = (*stained[:3], 1.0)
        ceiling_face = (
            second
            if rng.random() < 0.4
            else Surface(13, rng.uniform(0.3, 1), 1.0, pick(rng, GRASS), pick(rng, GRASS))
        )
    sky = linear(*(rng.uniform(150, 235) + np.array([0, 3, 8])))
    back = (0.0, 0.0, 0.0)
    room = Room(
        (-reach[0], -reach[2], 0.0), (reach[1], reach[3], ceiling),
        (_floor(rng, site), ceiling_face, _wall(rng, site), _wall(rng, site), _wall(rng, site)),
        shiny, stained, outdoors, sky, rng.uniform(0.1, 1.2), back,
    )  # fmt: skip
    light = _light(rng, outdoors=outdoors, ceiling=ceiling)
    middle = (
        (0.0, 0.0)
        if view in ("fisheye", "overhead")
        else (min(8.0, h * math.tan(min(camera.tilt, 1.2)) * 1.0) * math.cos(camera.pan), 0.0)
    )
    half = {"fisheye": 8.0, "overhead": 8.0, "oblique": 9.0, "hall": 20.0}[view]
    if view == "hall":
        middle = (14.0 * math.cos(camera.pan), 14.0 * math.sin(camera.pan))
    scene = Scene(seed, view, site, camera, room, light, Soup(), (*middle, half))
    scene.busy = float(rng.choice([0.4, 1.0, 1.0, 1.8]))
    scene.cold = float(rng.choice([0.1, 0.4, 0.8]))
    _furnish(scene, rng)
    _spots(scene, rng)
    return scene


def _camera(rng: np.random.Generator, view: View) -> Camera:
    if view == "fisheye":
        h = rng.uniform(2.3, 5)
        tilt = abs(rng.normal(0, 0.07)) if rng.random() < 0.8 else rng.uniform(0, 0.26)
        wide, high = (416, 416) if rng.random() < 0.6 else (480, 360)
        degrees = rng.uniform(75, 92)
        side = high if rng.random() < 0.5 else wide * rng.uniform(0.75, 1.15)
        focal = side / 2 / math.radians(degrees)
        if rng.random() < 0.25:  # zoomed in: no circle to be seen
            focal *= rng.uniform(1.2, 1.7)
        shift = (rng.normal(0, 5), rng.normal(0, 5))
        return Camera(
            (0, 0, h),
            min(tilt, 0.26),
            rng.uniform(0, 6.28),
            "fisheye",
            focal,
            wide,
            high,
            turned=rng.uniform(0, 6.28),
            shift_px=shift,
        )
    wide, high = (480, 360) if rng.random() < 0.65 else (512, 288)
    if view == "overhead":
        h, tilt, hfov = (
            rng.uniform(2.3, 7),
            math.radians(abs(rng.normal(0, 12))),
            rng.uniform(60, 110),
        )
        tilt, pan, turned = min(tilt, 0.436), rng.uniform(0, 6.28), 0.0
    elif view == "oblique":
        h, tilt, hfov = rng.uniform(2.3, 7), math.radians(rng.uniform(25, 70)), rng.uniform(50, 100)
        pan, turned = rng.normal(0, 0.5), rng.normal(0, 0.03)
    else:
        h, tilt, hfov = rng.uniform(4, 9), math.radians(rng.uniform(50, 78)), rng.uniform(35, 75)
        pan, turned = rng.normal(0, 0.35), rng.normal(0, 0.02)
    focal = wide / 2 / math.tan(math.radians(hfov) / 2)
    k1 = rng.uniform(-0.08, 0.02) if rng.random() < 0.5 else 0.0
    return Camera((0, 0, h), tilt, pan, "pinhole", focal, wide, high, k1=k1, turned=turned)


def _light(rng: np.random.Generator, *, outdoors: bool, ceiling: float) -> Light:
    warm = rng.normal(0, 0.12)
    sky = np.array([1 + warm, 1, 1 - warm]) * rng.uniform(0.45, 1.0)
    around = rng.uniform(0, 6.28)
    slant = rng.uniform(0.15, 1.0) if not outdoors else rng.uniform(0.4, 1.15)
    sun = (math.sin(slant) * math.cos(around), math.sin(slant) * math.sin(around), math.cos(slant))
    strength = rng.uniform(0.0, 0.7) if not outdoors else float(rng.choice([0.0, 0.15, 0.6, 1.1]))
    tint = np.array([1 + rng.normal(0, 0.08), 1, 1 - rng.normal(0.03, 0.08)]) * strength
    hard = rng.uniform(0.001, 0.006) if rng.random() < 0.4 else rng.uniform(0.008, 0.04)
    patches = rng.uniform(0.3, 0.9) if rng.random() < 0.12 else 0.0
    ground = sky * rng.uniform(0.25, 0.6)
    lamps = []
    if not outdoors and rng.random() < 0.5:
        lamps = [
            (rng.uniform(-6, 10), rng.uniform(-6, 6), ceiling, rng.uniform(0.05, 0.5))
            for _ in range(int(rng.integers(1, 5)))
        ]
    side = rng.uniform(0, 6.28)
    return Light(
        sun, tuple(tint), tuple(sky), tuple(ground),
        (math.cos(side), math.sin(side), 0.3, rng.uniform(0, 0.5)),
        (hard, rng.uniform(0.3, 0.85), patches, rng.uniform(0, 0.45)), tuple(lamps),
    )  # fmt: skip


def _furnish(scene: Scene, rng: np.random.Generator) -> None:
    room, h = scene.room, scene.camera.place[2]
    low, high = room.low, room.high
    overhead = scene.view in ("fisheye", "overhead")
    kinds = KINDS[scene.site]
    yaw0 = rng.normal(0, 0.15) + float(rng.choice([0, math.pi / 2]))
    count = int(rng.integers(1, 15)) if scene.view != "hall" else int(rng.integers(3, 24))
    if scene.site == "shop" and rng.random() < 0.6 and scene.view != "hall":  # aisles
        gap, deep, long = rng.uniform(1.3, 2.4), rng.uniform(0.5, 1.1), rng.uniform(3, 10)
        tall = rng.uniform(1.2, 2.0)
        offset = rng.uniform(-1, 1)
        for k in range(-3, 4):
            y = offset + k * (gap + deep)
            x = rng.uniform(-1, 1) + (0 if overhead else long / 2 + rng.uniform(0.5, 2))
            if not low[1] < y < high[1] or (
                abs(y) < deep / 2 + 0.25 and abs(x) < long / 2 + 0.3 and tall > h - 0.6
            ):
                continue
            row = shelf_row(rng)
            box(scene.soup, at=(x, y, 0), size=(long, deep, tall), row=row, cut=0.5)
            _block(scene, (x, y), (long, deep), 0.0)
            for _ in range(8):
                side = float(rng.choice([-1, 1]))
                scene.fronts.append(
                    (
                        x + rng.uniform(-0.48, 0.48) * long,
                        y + side * (deep / 2 + 0.33),
                        -side * math.pi / 2,
                    )
                )
        count = int(count * 0.5)
    for _ in range(count):
        kind = str(rng.choice(kinds))
        if scene.view == "hall":
            x, y = rng.uniform(2, min(high[0], 40)), rng.normal(0, 0.6 * min(7.0, high[1], -low[1]))
            x, y = (
                x * math.cos(scene.camera.pan) - y * math.sin(scene.camera.pan),
                x * math.sin(scene.camera.pan) + y * math.cos(scene.camera.pan),
            )
        else:
            x, y = (
                rng.uniform(max(low[0], -7), min(high[0], 9)),
                rng.uniform(max(low[1], -7), min(high[1], 7)),
            )
        if (
            math.hypot(x, y) < 0.9
            and kind not in ("mat", "chair", "cart", "cone", "bin", "cloth")
            and h < 3.5
        ):
            continue
        if not (low[0] < x < high[0] and low[1] < y < high[1]) or not _free(scene, x, y, 0.3):
            continue
        yaw = yaw0 + rng.normal(0, 0.1) if rng.random() < 0.7 else rng.uniform(0, 6.28)
        _thing(scene, rng, kind, (x, y), yaw)
    _on_walls(scene, rng)


def _on_walls(scene: Scene, rng: np.random.Generator) -> None:
    """Hang doors, posters, windows and screens on the walls; put shelves before them."""
    room = scene.room
    low, high = room.low, room.high
    most = 12 if scene.site in ("mall", "street") else 6
    if scene.view == "hall":
        most = 40
    for _ in range(int(rng.integers(0, most))):
        wall = int(rng.integers(4)) if scene.view != "hall" else int(rng.choice([1, 2, 2, 3, 3]))
        along = rng.uniform(0, 1)
        x = (
            (low[0] + 0.03, high[0] - 0.03)[wall]
            if wall < 2
            else low[0] + along * (high[0] - low[0])
        )
        y = (
            (low[1] + 0.03, high[1] - 0.03)[wall - 2]
            if wall > 1
            else low[1] + along * (high[1] - low[1])
        )
        flat = wall < 2
        draw = rng.random()
        wide, tall, z = rng.uniform(0.8, 1.8), rng.uniform(1.9, 2.2), 0.0
        row = plain(pick(rng, WOOD + METAL + CLOTHES), spec=0.2)
        if draw < 0.35:
            wide, tall, z = rng.uniform(0.4, 2.5), rng.uniform(0.4, 1.6), rng.uniform(0.5, 1.6)
            row = plain(
                pick(rng, CLOTHES + WALLS),
                pattern=11,
                scale=rng.uniform(0.3, 1.2),
                b=pick(rng, CLOTHES),
                seed=rng.uniform(0, 99),
                glow=rng.random() < 0.2,
            )
        elif draw < 0.6:
            wide, tall, z = rng.uniform(1, 5), rng.uniform(1, 2.4), rng.uniform(0, 1.0)
            row = plain(
                linear(*(rng.uniform(20, 90) + np.array([0, 3, 6]))),
                pattern=4,
                scale=1.5,
                b=pick(rng, WALLS),
                spec=0.5,
            )
            if scene.site == "mall" and rng.random() < 0.5:
                row = plain(
                    pick(rng, WALLS),
                    pattern=8,
                    b=pick(rng, CLOTHES),
                    seed=rng.uniform(0, 50),
                    glow=rng.random() < 0.5,
                )
        elif draw < 0.75 and scene.site in ("shop", "mall"):
            row = shelf_row(rng)
            wide, tall = rng.uniform(2, 6), rng.uniform(1.5, 2.2)
        deep = 0.4 if draw >= 0.6 and wide > 1.9 else 0.05
        size = (deep, wide, tall) if flat else (wide, deep, tall)
        box(scene.soup, at=(x, y, z), size=size, row=row, cut=0.6)


def _spots(scene: Scene, rng: np.random.Generator) -> None:
    """Find the free floor that the camera sees."""
    room, camera = scene.room, scene.camera
    far = {"fisheye": 7.5, "overhead": 12, "oblique": 14, "hall": 45}[scene.view]
    n = 6000
    r = far * np.sqrt(rng.uniform(0, 1, n)) if scene.view != "hall" else rng.uniform(1, far, n)
    spread = 3.1416 if scene.view != "hall" else 0.9
    a = rng.uniform(-spread, spread, n) + camera.pan
    spots = np.stack([r * np.cos(a), r * np.sin(a)], 1)
    good = (spots > np.array(room.low[:2]) + 0.3).all(1) & (
        spots < np.array(room.high[:2]) - 0.3
    ).all(1)
    for a_, b_, c_, d_ in scene.blocked:
        good &= ~((spots[:, 0] > a_) & (spots[:, 0] < c_) & (spots[:, 1] > b_) & (spots[:, 1] < d_))
    spots = spots[good]
    waist = np.concatenate([spots, np.full((len(spots), 1), 0.9)], 1)
    px, seen = camera.project(waist)
    edge = 0.02 * camera.width_px
    inside = (
        seen
        & (px[:, 0] > -edge)
        & (px[:, 0] < camera.width_px + edge)
        & (px[:, 1] > -edge)
        & (px[:, 1] < camera.height_px + edge)
    )
    if scene.view == "fisheye":
        middle = np.array([camera.width_px, camera.height_px]) / 2 + camera.shift_px
        inside &= np.hypot(*(px - middle).T) < camera.focal_px * math.radians(78)
    scene.spots, scene.pixels = spots[inside], px[inside]


def populate(scene: Scene, *, moment: int, soup: Soup) -> list[Person]:
    """Put people (and what they push) into one picture of a scene."""
    rng = np.random.default_rng([scene.seed, moment, 5])
    usual = {"fisheye": (1, 12), "overhead": (1, 9), "oblique": (1, 12), "hall": (4, 34)}[
        scene.view
    ]
    if rng.random() < 0.08 or not len(scene.spots):
        return []
    count = max(1, int(rng.integers(usual[0], usual[1] + 1) * scene.busy * rng.uniform(0.4, 1.2)))
    people: list[Person] = []
    taken: list[tuple[float, float]] = []
    for index in range(min(count, 45)):
        spot = _spot(scene, rng, taken)
        if spot is None:
            continue
        x, y, yaw, pose = spot
        taken.append((x, y))
        far = (
            math.hypot(x, y) * 1.0 + scene.camera.place[2] > scene.camera.focal_px * 1.7 / 60
            and scene.view != "fisheye"
        )
        if pose == "":
            pose = str(rng.choice(POSES, p=_ODDS))
        if pose == "sit":
            pose = "stand"
        wears = outfit(rng, parity=scene.seed % 2, cold=scene.cold)
        angles = stance("sit" if pose == "seat" else pose, rng=rng)
        body = posed(wears.shape, angles, far=far)
        people.append(
            put_person(soup, wears, body, place=(x, y, 0.0), yaw=yaw, owner=index + 1, rng=rng)
        )
        if pose == "push":
            ahead = rng.uniform(0.75, 0.9)
            at = (x + ahead * math.cos(yaw), y + ahead * math.sin(yaw))
            if scene.site in ("mall", "street", "clothes") or rng.random() < 0.15:
                stroller(soup, at=at, yaw=yaw, rng=rng)
            else:
                cart(soup, at=at, yaw=yaw, rng=rng)
        elif pose == "carry":
            p = people[-1]
            f = np.array([math.cos(yaw), math.sin(yaw), 0])
            z = p.head[2] * rng.uniform(0.62, 0.72)
            at3 = np.array([x, y, z]) + f * 0.36
            box(
                soup,
                at=tuple(at3),
                size=(rng.uniform(0.15, 0.4), rng.uniform(0.2, 0.5), rng.uniform(0.05, 0.3)),
                row=plain(pick(rng, WOOD + CLOTHES)),
                yaw=yaw,
            )
        elif pose == "phone":
            pass
    return people


_ODDS = np.array([0.34, 0.14, 0.06, 0.04, 0.03, 0.08, 0.04, 0.05, 0.03, 0.09, 0.04, 0.0, 0.06])


def _spot(  # noqa: C901 -- a table of places to stand
    scene: Scene, rng: np.random.Generator, taken: list[tuple[float, float]]
) -> tuple[float, float, float, str] | None:
    for _ in range(30):
        draw = rng.random()
        yaw, pose = rng.uniform(0, 2 * math.pi), ""
        if scene.seats and draw < 0.12:
            x, y, yaw, _ = scene.seats[int(rng.integers(len(scene.seats)))]
            pose = "seat"
        elif scene.fronts and draw < 0.35:
            x, y, yaw = scene.fronts[int(rng.integers(len(scene.fronts)))]
            yaw += rng.normal(0, 0.3)
            pose = str(
                rng.choice(
                    ["stand", "reach", "reach", "reach_up", "low", "crouch", "phone", "folded"]
                )
            )
        elif taken and draw < 0.65:
            friend = taken[int(rng.integers(len(taken)))]
            angle, away = rng.uniform(0, 6.28), rng.uniform(0.42, 1.0)
            x, y = friend[0] + away * math.cos(angle), friend[1] + away * math.sin(angle)
            if rng.random() < 0.5:
                pose, yaw = "talk", angle + math.pi
        elif rng.random() < 0.5:
            x, y = scene.spots[int(rng.integers(len(scene.spots)))]
        else:
            want = rng.uniform(0, 1, 2) * [scene.camera.width_px, scene.camera.height_px]
            x, y = scene.spots[int(np.argmin(((scene.pixels - want) ** 2).sum(1)))]
            x, y = x + rng.normal(0, 0.05), y + rng.normal(0, 0.05)
        if pose != "seat" and not _free(scene, x, y, 0.0):
            continue
        if any(math.hypot(x - a, y - b) < 0.38 for a, b in taken):
            continue
        px, seen = scene.camera.project(np.array([(x, y, 1.0)]))
        rim = np.minimum(px[0], [scene.camera.width_px, scene.camera.height_px] - px[0]).min()
        if (not seen[0] or rim < 12) and rng.random() < (0.97 if rim < -30 else 0.7):
            continue
        room = scene.room
        if not (
            room.low[0] + 0.2 < x < room.high[0] - 0.2
            and room.low[1] + 0.2 < y < room.high[1] - 0.2
        ):
            continue
        return float(x), float(y), float(yaw), pose
    return None
