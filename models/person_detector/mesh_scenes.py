"""Rooms, streets, furniture, light and cameras of rendered scenes, and who is in them.

Even seeds train, odd ones test: colours, floors, furniture, bodies and clothes are drawn from them.
"""

# ruff: noqa: PLR2004 -- sizes and odds of made-up scenes, once each

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from models.person_detector.mesh_bodies import POSES, G, Posed, posed, stance, turn
from models.person_detector.mesh_camera import Camera
from models.person_detector.mesh_people import (
    CLOTHES, Colour, Outfit, Row, Shape, ball, block, linear, mannequin, outfit, pick, plain,
    sheet, tube,
)  # fmt: skip
from models.person_detector.mesh_render import Light, Room, Soup, Surface

Array = NDArray[np.float64]
View = Literal["fisheye", "overhead", "oblique", "hall"]
Site = Literal["shop", "clothes", "mall", "street", "office", "store"]
EYE = np.eye(3)

WALLS = tuple(linear(*c) for c in (
    (225, 222, 214), (206, 204, 198), (190, 186, 176), (236, 234, 230), (170, 176, 180),
    (200, 186, 160), (150, 160, 168), (120, 116, 110), (176, 150, 120), (130, 90, 74),
))  # fmt: skip
FLOORS = tuple(linear(*c) for c in (
    (200, 196, 186), (170, 168, 162), (140, 138, 134), (110, 108, 106), (84, 82, 82), (60, 60, 62),
    (206, 184, 150), (176, 148, 112), (140, 104, 72), (104, 74, 52), (150, 156, 162), (120, 130, 140),
    (180, 172, 150), (96, 100, 96), (222, 220, 214), (130, 112, 100),
))  # fmt: skip
GRASS = tuple(linear(*c) for c in ((70, 92, 40), (88, 104, 54), (54, 76, 34), (110, 112, 70)))
WOOD = tuple(linear(*c) for c in ((150, 108, 70), (190, 150, 106), (110, 76, 50), (214, 188, 150)))
METAL = tuple(linear(*c) for c in ((150, 152, 156), (90, 92, 96), (200, 202, 204), (40, 40, 44)))


@dataclass(slots=True)
class Person:
    """Somebody in a picture: all points of the body, its head and foot, its objects."""

    points: Array
    head: Array
    foot: Array
    objects: list[int]


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


def put(soup: Soup, shape: Shape, *, at: Array, size: tuple[float, float, float], row: Row,
        rotation: Array = EYE, part: Array | float = 2.0) -> Array:
    """Add a unit shape, scaled, turned and moved; give its points."""
    scaled = shape.vertices * size
    points = scaled @ rotation.T + at
    normals = (shape.normals / np.array(size)) @ rotation.T
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-9)
    soup.add(points, normals, scaled + 7.3, shape.faces, row=row, part=part)
    return np.asarray(points)


def box(soup: Soup, *, at: tuple[float, float, float], size: tuple[float, float, float], row: Row,
        yaw: float = 0.0, cut: float = 0.6) -> None:
    """Add a box standing with its foot's middle at `at`."""
    counts = [max(1, min(14, math.ceil(s / cut))) for s in size]
    shape, axes = block(*counts)
    middle = np.array(at) + [0, 0, size[2] / 2]
    put(soup, shape, at=middle, size=size, row=row, rotation=turn(yaw=yaw), part=axes)


def rod(soup: Soup, a: Array, b: Array, *, radius: float, row: Row, columns: int = 6) -> None:
    """Add a rod between two points."""
    step = np.asarray(b, float) - a
    length = float(np.linalg.norm(step))
    z = step / length
    flat = math.hypot(z[0], z[2])
    if flat > 0.3:
        x = np.array([z[2], 0.0, -z[0]]) / flat
    else:
        x = np.array([0.0, -z[2], z[1]]) / math.hypot(z[1], z[2])
    y = np.array([z[1] * x[2] - z[2] * x[1], z[2] * x[0] - z[0] * x[2], z[0] * x[1] - z[1] * x[0]])
    rotation = np.stack([x, y, z], 1)
    put(soup, tube(columns), at=np.asarray(a, float), size=(radius, radius, length), row=row, rotation=rotation)


def _owned(row: Row, owner: int) -> Row:
    out = row.copy()
    out[0, 1] = owner
    return out


def put_person(soup: Soup, wears: Outfit, body: Posed, *, place: tuple[float, float, float],
               yaw: float, owner: int, rng: np.random.Generator, bags: bool = True) -> Person:
    """Add a dressed body at a place on the floor (x, y, height of the soles)."""
    world = turn(yaw=yaw)
    shift = np.array(place) - world @ [body.foot[0], body.foot[1], 0.0]
    objects = [soup.base + len(soup.rows)]

    def out(points: Array) -> Array:
        return np.asarray(points @ world.T + shift)

    first = len(soup.rows)
    points = out(body.vertices)
    mesh = body.mesh
    soup.add(points, body.normals @ world.T, mesh.rest, mesh.faces, row=_owned(wears.row, owner),
             part=mesh.part, along=mesh.along)  # fmt: skip
    thick = float(wears.row[8, 0])
    every = [points + 0.6 * thick * (body.normals @ world.T)]
    size = body.height / 1.7
    head, skull = out(body.head[None])[0], world @ body.turns[G["head"]]
    coarse = ball(8, 5)

    def worn(shape: Shape, offset: tuple[float, float, float], scale: tuple[float, float, float], row: Row,
             frame: Array, base: Array) -> None:
        spot = base + frame @ (np.array(offset) * size)
        large = (scale[0] * size, scale[1] * size, scale[2] * size)
        every.append(put(soup, shape, at=spot, size=large, row=_owned(row, owner), rotation=frame))

    if wears.hat not in ("scarf", "hood", "beanie", "helmet"):
        if wears.hair == "long":
            drop = rng.uniform(0.1, 0.22)
            worn(coarse, (-0.05, 0, -drop * 0.6), (0.062, 0.088, drop + 0.03), wears.hair_row, skull, head)
        elif wears.hair == "bun":
            worn(coarse, (-0.1, 0, 0.05), (0.04, 0.045, 0.04), wears.hair_row, skull, head)
        elif wears.hair == "tail":
            worn(coarse, (-0.11, 0, -0.04), (0.03, 0.03, 0.11), wears.hair_row, skull, head)
    if wears.hat in ("cap", "beanie", "helmet"):
        large = {"cap": 0.108, "beanie": 0.112, "helmet": 0.128}[wears.hat]
        worn(ball(10, 4, 0.5), (-0.01, 0, 0.035), (large, large * 0.86, large * 0.95), wears.hat_row, skull, head)
        if wears.hat != "beanie":
            worn(tube(10), (0.07, 0, 0.035), (0.085, 0.075, 0.01), wears.hat_row, skull, head)
    elif wears.hat == "brim":
        worn(ball(10, 4, 0.5), (-0.01, 0, 0.05), (0.105, 0.09, 0.1), wears.hat_row, skull, head)
        worn(tube(12), (-0.01, 0, 0.05), (0.19, 0.17, 0.012), wears.hat_row, skull, head)
    elif wears.hat in ("scarf", "hood"):
        worn(ball(10, 7), (-0.035, 0, 0.0), (0.112, 0.1, 0.145), wears.hat_row, skull, head)
        worn(coarse, (-0.04, 0, -0.14), (0.1, 0.13, 0.07), wears.hat_row, skull, head)
    if wears.skirt is not None:
        every.append(_skirt(soup, wears, body, out=out, world=world, owner=owner))
    stop = len(soup.rows)
    objects = list(range(first, stop))
    if bags:
        _baggage(soup, wears, body, world=world, shift=shift, rng=rng)
    foot = np.array([place[0], place[1], 0.0])
    return Person(np.concatenate(every), head, foot, objects)


def _skirt(soup: Soup, wears: Outfit, body: Posed, *, out: object, world: Array, owner: int) -> Array:
    assert wears.skirt is not None
    length, flare = wears.skirt
    j = body.joints
    hip = (j[G["uleg.L"]] + j[G["uleg.R"]]) / 2
    knee = (j[G["lleg.L"]] + j[G["lleg.R"]]) / 2
    ankle = (j[G["foot.L"]] + j[G["foot.R"]]) / 2
    apart = [float(np.linalg.norm((j[G[n + ".L"]] - j[G[n + ".R"]])[:2])) for n in ("uleg", "lleg", "foot")]
    fore = [abs(float((j[G[n + ".L"]] - j[G[n + ".R"]])[0])) for n in ("uleg", "lleg", "foot")]
    lines, columns = 5, 14
    u = np.linspace(0, 2 * math.pi, columns + 1)
    size = body.height / 1.7
    points, normals = [], []
    for line in range(lines + 1):
        t = -0.22 + (length * 2 + 0.22) * line / lines  # 0 hip, 1 knee, 2 ankle
        if t < 1:
            middle, a, f = hip + (knee - hip) * t, np.interp(t, (0, 1), apart[:2]), np.interp(t, (0, 1), fore[:2])
        else:
            middle = knee + (ankle - knee) * (t - 1)
            a, f = np.interp(t, (1, 2), apart[1:]), np.interp(t, (1, 2), fore[1:])
        wave = 1 + 0.05 * np.sin(u * 7) * max(0.0, t)
        rx = (0.13 * size + f / 2 * 0.9 + flare * max(t, 0)) * wave
        ry = (0.105 * size + a / 2 * 0.9 + flare * max(t, 0)) * wave
        points.append(np.stack([middle[0] + rx * np.cos(u), middle[1] + ry * np.sin(u), np.full_like(u, middle[2])], 1))
        normals.append(np.stack([np.cos(u), np.sin(u), np.full_like(u, 0.15)], 1))
    flat, n = np.concatenate(points), np.concatenate(normals)
    moved = np.asarray(out(flat))  # type: ignore[operator]
    grid = sheet(lines, columns)
    tex = np.concatenate([grid[0] * [0.8, length * 0.8], np.zeros((len(flat), 1))], 1)
    soup.add(moved, n @ world.T, tex, grid[1], row=_owned(wears.skirt_row, owner), part=2.0)
    return moved


def _baggage(soup: Soup, wears: Outfit, body: Posed, *, world: Array, shift: Array, rng: np.random.Generator) -> None:
    chest = world @ body.turns[G["chest"]]
    joints = body.joints @ world.T + shift
    size = body.height / 1.7
    if wears.back == "bag":
        at = joints[G["chest"]] + chest @ (np.array([-0.19, 0, 0.12]) * size)
        put(soup, ball(8, 6), at=at, size=(0.13 * size, 0.16 * size, 0.24 * size), row=wears.back_row, rotation=chest)
    if wears.hip:
        side = 1 if rng.random() < 0.5 else -1
        hip = joints[G["pelvis"]] + world @ (np.array([0.0, side * 0.24, 0.02]) * size)
        shape, axes = block()
        put(soup, shape, at=hip, size=(0.3 * size, 0.1, 0.22 * size), row=wears.back_row, rotation=world, part=axes)
        rod(soup, hip + [0, 0, 0.1], joints[G["neck"]] + [0, 0, 0.04], radius=0.012, row=wears.back_row)
    hands = [joints[G[name]] for name in ("hand.L", "hand.R")]
    if wears.in_hand in ("bag", "two", "basket"):
        for index, hand in enumerate(hands):
            if (wears.in_hand != "two" and index == 0) or hand[2] < 0.4 * size or hand[2] > 1.1 * size:
                continue
            high = rng.uniform(0.2, 0.4)
            if wears.in_hand == "basket":
                row = wears.hand_row.copy()
                row[0, 2:] = (9, 0.05)
                box(soup, at=(hand[0], hand[1], hand[2] - 0.42), size=(0.42, 0.28, 0.24), row=row, yaw=rng.uniform(0, 3))
            else:
                wide = rng.uniform(0.2, 0.38)
                box(soup, at=(hand[0], hand[1], hand[2] - 0.12 - high), size=(wide, 0.11, high), row=wears.hand_row,
                    yaw=math.atan2(world[1, 0], world[0, 0]) + rng.normal(0, 0.3))


def cart(soup: Soup, *, at: tuple[float, float], yaw: float, rng: np.random.Generator) -> None:
    """Add a wire trolley, its handle at the back (x is its front)."""
    metal = plain(pick(rng, METAL), spec=0.3)
    wire = plain(pick(rng, METAL), pattern=9, scale=rng.uniform(0.045, 0.07), spec=0.2)
    bar = plain(pick(rng, CLOTHES), spec=0.1)
    world = turn(yaw=yaw)

    def spot(x: float, y: float, z: float) -> Array:
        return np.asarray(world @ [x, y, z] + [at[0], at[1], 0.0])

    long, wide = rng.uniform(0.75, 0.95), rng.uniform(0.48, 0.58)
    middle = spot(0.05, 0, 0.45)
    shape, axes = block(3, 2, 2)
    taper = shape.vertices.copy()
    taper[:, 1] *= 0.82 + 0.36 * (0.5 - taper[:, 0]) * 0.5 + 0.1 * taper[:, 2]
    put(soup, Shape(taper, shape.normals, shape.faces), at=middle + [0, 0, 0.27], size=(long, wide, 0.5), row=wire, rotation=world, part=axes)
    for y in (-wide / 2, wide / 2):
        rod(soup, spot(-long / 2 - 0.02, y, 0.15), spot(long / 2, y * 0.8, 0.12), radius=0.014, row=metal)
        rod(soup, spot(-long / 2 - 0.02, y, 0.15), spot(-long / 2 - 0.1, y, 1.0), radius=0.014, row=metal)
    rod(soup, spot(-long / 2 - 0.1, -wide / 2, 1.0), spot(-long / 2 - 0.1, wide / 2, 1.0), radius=0.022, row=bar)
    dark = plain(linear(30, 30, 32))
    for x in (-long / 2, long / 2):
        for y in (-wide * 0.42, wide * 0.42):
            put(soup, ball(6, 4), at=spot(x, y, 0.06), size=(0.06, 0.025, 0.06), row=dark, rotation=world)
    for _ in range(int(rng.integers(0, 12)) if rng.random() < 0.6 else 0):
        s = rng.uniform(0.08, 0.3, 3)
        p = spot(rng.uniform(-0.25, 0.3), rng.uniform(-0.15, 0.15), 0.46 + rng.uniform(0, 0.25))
        goods = plain(pick(rng, CLOTHES), pattern=11 if rng.random() < 0.5 else 0, scale=0.15, b=pick(rng, CLOTHES))
        box(soup, at=tuple(p), size=tuple(s), row=goods, yaw=rng.uniform(0, 3))


def stroller(soup: Soup, *, at: tuple[float, float], yaw: float, rng: np.random.Generator) -> None:
    """Add a push-chair, its handle at the back."""
    world = turn(yaw=yaw)
    cloth, frame = plain(pick(rng, CLOTHES)), plain(pick(rng, METAL), spec=0.2)

    def spot(x: float, y: float, z: float) -> Array:
        return np.asarray(world @ [x, y, z] + [at[0], at[1], 0.0])

    put(soup, ball(9, 5), at=spot(0, 0, 0.5), size=(0.36, 0.22, 0.2), row=cloth, rotation=world @ turn(pitch=-0.3))
    put(soup, ball(10, 4, 0.5), at=spot(-0.12, 0, 0.62), size=(0.27, 0.24, 0.32), row=cloth, rotation=world @ turn(pitch=-0.5))
    if rng.random() < 0.5:
        put(soup, ball(8, 5), at=spot(0.1, 0, 0.62), size=(0.2, 0.15, 0.09), row=plain(pick(rng, CLOTHES)), rotation=world)
    dark = plain(linear(26, 26, 28))
    for y in (-0.25, 0.25):
        rod(soup, spot(0.42, y * 0.7, 0.1), spot(-0.45, y, 1.0), radius=0.013, row=frame)
        rod(soup, spot(-0.35, y, 0.1), spot(0.1, y, 0.6), radius=0.013, row=frame)
        for x in (0.42, -0.35):
            put(soup, ball(8, 5), at=spot(x, y * 0.9, 0.11), size=(0.11, 0.03, 0.11), row=dark, rotation=world)
    rod(soup, spot(-0.45, -0.25, 1.0), spot(-0.45, 0.25, 1.0), radius=0.018, row=dark)


def plant(soup: Soup, *, at: tuple[float, float], rng: np.random.Generator, high: float) -> None:
    """Add a plant or palm in a pot."""
    green = plain(pick(rng, GRASS), pattern=13, scale=0.1, b=pick(rng, GRASS))
    pot = plain(pick(rng, WALLS + CLOTHES))
    wide = rng.uniform(0.15, 0.35)
    put(soup, tube(10, 1.2), at=np.array([*at, 0.0]), size=(wide, wide, wide * 1.6), row=pot)
    trunk = high * rng.uniform(0.2, 0.65)
    if trunk > wide * 1.6:
        rod(soup, np.array([*at, 0.1]), np.array([*at, trunk]), radius=0.05, row=plain(pick(rng, WOOD)))
    count, long = int(rng.integers(8, 20)), (high - trunk) * rng.uniform(0.7, 1.1) + 0.2
    for index in range(count):
        yaw, pitch = index * 2.4, rng.uniform(0.1, 1.9)
        frame = turn(yaw=yaw) @ turn(pitch=pitch)
        put(soup, ball(6, 4), at=np.array([*at, trunk + 0.05]) + frame @ [0, 0, long / 2], size=(0.04, long * rng.uniform(0.08, 0.2), long / 2), row=green, rotation=frame)


def _row_goods(rng: np.random.Generator) -> Row:
    return plain(pick(rng, WALLS + METAL), pattern=8, scale=0.1, b=pick(rng, CLOTHES), seed=float(rng.uniform(0, 50)))


def _block(scene: Scene, at: tuple[float, float], size: tuple[float, float], yaw: float) -> None:
    c, s = abs(math.cos(yaw)), abs(math.sin(yaw))
    hx, hy = (size[0] * c + size[1] * s) / 2 + 0.12, (size[0] * s + size[1] * c) / 2 + 0.12
    scene.blocked.append((at[0] - hx, at[1] - hy, at[0] + hx, at[1] + hy))


def _free(scene: Scene, x: float, y: float, margin: float = 0.1) -> bool:
    return not any(a - margin < x < c + margin and b - margin < y < d + margin for a, b, c, d in scene.blocked)


def _thing(scene: Scene, rng: np.random.Generator, kind: str, at: tuple[float, float], yaw: float) -> None:
    """Add one piece of furniture."""
    soup = scene.soup
    x, y = at
    if kind == "gondola":
        long, deep, high = rng.uniform(2, 7), rng.uniform(0.6, 1.2), rng.uniform(1.2, 2.1)
        box(soup, at=(x, y, 0), size=(long, deep, high), row=_row_goods(rng), yaw=yaw, cut=0.5)
        box(soup, at=(x, y, 0), size=(long + 0.06, deep + 0.1, 0.14), row=plain(pick(rng, METAL + WALLS)), yaw=yaw)
        size = (long, deep)
    elif kind == "table":
        size = (rng.uniform(0.8, 2), rng.uniform(0.6, 1.1))
        high = rng.uniform(0.6, 0.95)
        row = plain(pick(rng, WOOD + WALLS), pattern=3 if rng.random() < 0.5 else 0, scale=0.2, b=pick(rng, WOOD))
        box(soup, at=(x, y, high - 0.05), size=(*size, 0.05), row=row, yaw=yaw)
        world = turn(yaw=yaw)
        for sx in (-0.45, 0.45):
            for sy in (-0.45, 0.45):
                p = world @ [sx * size[0], sy * size[1], 0.0] + [x, y, 0]
                rod(soup, p, p + [0, 0, high - 0.05], radius=0.03, row=plain(pick(rng, METAL)))
        for _ in range(int(rng.integers(0, 14))):
            p = world @ [rng.uniform(-0.42, 0.42) * size[0], rng.uniform(-0.42, 0.42) * size[1], 0.0]
            s = rng.uniform(0.08, 0.35, 2)
            box(soup, at=(x + p[0], y + p[1], high), size=(s[0], s[1], rng.uniform(0.02, 0.25)), row=plain(pick(rng, CLOTHES), pattern=int(rng.choice([0, 0, 6, 11])), scale=0.1, b=pick(rng, CLOTHES)), yaw=yaw)
    elif kind == "rack":
        long, high = rng.uniform(0.8, 2), rng.uniform(1.2, 1.6)
        world = turn(yaw=yaw)
        ends = [world @ [k * long / 2, 0, high] + [x, y, 0] for k in (-1, 1)]
        rod(soup, ends[0], ends[1], radius=0.02, row=plain(pick(rng, METAL), spec=0.3))
        for end in ends:
            rod(soup, np.array([end[0], end[1], 0]), end, radius=0.02, row=plain(pick(rng, METAL)))
        colour = pick(rng, CLOTHES)
        for k in np.arange(-long / 2 + 0.1, long / 2 - 0.1, rng.uniform(0.06, 0.12)):
            if rng.random() < 0.15:
                colour = pick(rng, CLOTHES)
            p = world @ [k, 0, 0] + [x, y, 0]
            drop = rng.uniform(0.6, 0.95)
            box(soup, at=(p[0], p[1], high - drop - 0.05), size=(0.04, rng.uniform(0.35, 0.5), drop), row=plain(colour), yaw=yaw + rng.normal(0, 0.12))
        size = (long, 0.6)
    elif kind == "round_rack":
        high = rng.uniform(1.2, 1.5)
        colour = pick(rng, CLOTHES)
        for k in np.arange(0, 6.28, 0.3):
            if rng.random() < 0.2:
                colour = pick(rng, CLOTHES)
            box(soup, at=(x + 0.3 * math.cos(k), y + 0.3 * math.sin(k), high - 0.9), size=(0.42, 0.06, 0.85), row=plain(colour), yaw=k)
        size = (1.1, 1.1)
    elif kind == "till":
        size = (rng.uniform(1.2, 2.6), rng.uniform(0.6, 0.9))
        high = rng.uniform(0.85, 1.1)
        box(soup, at=(x, y, 0), size=(*size, high), row=plain(pick(rng, WOOD + WALLS + METAL), pattern=int(rng.choice([0, 3, 4])), scale=0.2, b=pick(rng, WOOD)), yaw=yaw)
        p = turn(yaw=yaw) @ [rng.uniform(-0.3, 0.3) * size[0], 0, 0]
        box(soup, at=(x + p[0], y + p[1], high), size=(0.05, 0.4, 0.32), row=plain(linear(20, 20, 22), spec=0.3), yaw=yaw + rng.normal(0, 0.5))
        box(soup, at=(x - p[0], y - p[1], high), size=(0.3, 0.3, 0.15), row=plain(linear(40, 40, 44)), yaw=yaw)
    elif kind == "promo":
        size = (rng.uniform(0.4, 1.3), rng.uniform(0.4, 1.0))
        high = rng.uniform(0.5, 1.8)
        box(soup, at=(x, y, 0), size=(*size, high), row=_row_goods(rng) if rng.random() < 0.6 else plain(pick(rng, CLOTHES), pattern=11, scale=0.5, b=pick(rng, CLOTHES)), yaw=yaw)
        if rng.random() < 0.5:
            box(soup, at=(x, y, high), size=(size[0], 0.03, 0.4), row=plain(pick(rng, CLOTHES), pattern=11, scale=0.3, b=pick(rng, CLOTHES)), yaw=yaw)
    elif kind == "kiosk":
        size = (rng.uniform(1.2, 2.6), rng.uniform(1.2, 2.2))
        high = rng.uniform(1.9, 2.5)
        box(soup, at=(x, y, 0), size=(*size, 0.9), row=plain(pick(rng, CLOTHES + WOOD), pattern=11, scale=0.6, b=pick(rng, WALLS)), yaw=yaw)
        box(soup, at=(x, y, 0.9), size=(size[0] * 0.94, size[1] * 0.94, high - 1.2), row=_row_goods(rng), yaw=yaw)
        box(soup, at=(x, y, high - 0.3), size=(*size, 0.3), row=plain(pick(rng, WALLS)), yaw=yaw)
    elif kind == "pillar":
        wide, high = rng.uniform(0.25, 0.8), scene.room.high[2]
        size = (wide, wide)
        row = plain(pick(rng, WALLS), pattern=int(rng.choice([0, 0, 1, 4])), scale=0.4, b=pick(rng, WALLS))
        high = min(high, scene.camera.place[2] * (0.98 if scene.view in ("fisheye", "overhead") else 3))
        if rng.random() < 0.5:
            box(soup, at=(x, y, 0), size=(wide, wide, high), row=row, yaw=yaw)
        else:
            for k in range(6):
                put(soup, tube(14), at=np.array([x, y, high * k / 6]), size=(wide / 2, wide / 2, high / 6), row=row)
    elif kind == "post":
        high = rng.uniform(0.8, 4)
        wide = rng.uniform(0.02, 0.08)
        size = (0.2, 0.2)
        for k in range(5):
            put(soup, tube(8), at=np.array([x, y, high * k / 5]), size=(wide, wide, high / 5), row=plain(pick(rng, METAL)))
        if rng.random() < 0.6:
            box(soup, at=(x, y, high * 0.8), size=(rng.uniform(0.2, 0.7), 0.04, rng.uniform(0.2, 0.6)), row=plain(pick(rng, CLOTHES), pattern=11, scale=0.3, b=pick(rng, WALLS)), yaw=yaw)
    elif kind == "tripod":
        high = rng.uniform(0.9, 1.6)
        size = (0.5, 0.5)
        for k in range(3):
            turned = yaw + k * 2.094
            rod(soup, np.array([x + 0.35 * math.cos(turned), y + 0.35 * math.sin(turned), 0]), np.array([x, y, high * 0.75]), radius=0.018, row=plain(linear(24, 24, 26)))
        rod(soup, np.array([x, y, high * 0.6]), np.array([x, y, high]), radius=0.02, row=plain(linear(24, 24, 26)))
        box(soup, at=(x, y, high - 0.1), size=(0.16, 0.1, 0.12), row=plain(linear(30, 30, 32)), yaw=yaw)
    elif kind == "cone":
        size = (0.3, 0.3)
        high = rng.uniform(0.3, 0.75)
        put(soup, tube(10, 0.15), at=np.array([x, y, 0]), size=(0.14, 0.14, high), row=plain(linear(225, 90, 30), pattern=0))
        put(soup, tube(10, 0.8), at=np.array([x, y, high * 0.45]), size=(0.1, 0.1, high * 0.25), row=plain(linear(235, 232, 225)))
        box(soup, at=(x, y, 0), size=(0.32, 0.32, 0.03), row=plain(linear(40, 40, 40)), yaw=yaw)
    elif kind == "bin":
        size = (0.4, 0.4)
        high = rng.uniform(0.5, 1.0)
        put(soup, tube(12, rng.uniform(0.9, 1.2)), at=np.array([x, y, 0]), size=(0.2, 0.2, high), row=plain(pick(rng, METAL + CLOTHES)))
    elif kind == "bench":
        size = (rng.uniform(1.2, 2.2), 0.45)
        row = plain(pick(rng, WOOD + METAL), pattern=3, scale=0.09, b=pick(rng, WOOD))
        box(soup, at=(x, y, 0.38), size=(*size, 0.07), row=row, yaw=yaw)
        back = rng.random() < 0.5
        world = turn(yaw=yaw)
        for k in (-0.4, 0.4):
            p = world @ [k * size[0], 0, 0] + [x, y, 0]
            box(soup, at=tuple(p), size=(0.06, 0.4, 0.38), row=plain(pick(rng, METAL)), yaw=yaw)
        if back:
            p = world @ [0, 0.22, 0] + [x, y, 0.5]
            box(soup, at=tuple(p), size=(size[0], 0.05, 0.35), row=row, yaw=yaw)
        for k in (-0.3, 0.0, 0.3):
            p = world @ [k * size[0], -0.35, 0] + [x, y, 0]
            scene.seats.append((p[0], p[1], yaw - math.pi / 2, 0.45))
    elif kind == "chair":
        size = (0.5, 0.5)
        row = plain(pick(rng, CLOTHES + WOOD))
        world = turn(yaw=yaw)
        box(soup, at=(x, y, 0.42), size=(0.46, 0.46, 0.06), row=row, yaw=yaw)
        p = world @ [-0.22, 0, 0] + [x, y, 0.5]
        box(soup, at=tuple(p), size=(0.05, 0.45, 0.45), row=row, yaw=yaw)
        put(soup, tube(8), at=np.array([x, y, 0.0]), size=(0.04, 0.04, 0.42), row=plain(linear(40, 40, 42)))
        box(soup, at=(x, y, 0.02), size=(0.5, 0.06, 0.05), row=plain(linear(30, 30, 32)), yaw=yaw)
        box(soup, at=(x, y, 0.02), size=(0.06, 0.5, 0.05), row=plain(linear(30, 30, 32)), yaw=yaw)
        p = world @ [0.38, 0, 0] + [x, y, 0]
        scene.seats.append((p[0], p[1], yaw, 0.48))
    elif kind == "boxes":
        size = (1.0, 1.0)
        base = pick(rng, WOOD)
        for _ in range(int(rng.integers(1, 9))):
            s = rng.uniform(0.2, 0.6, 3)
            box(soup, at=(x + rng.normal(0, 0.25), y + rng.normal(0, 0.25), rng.choice([0, 0, 0.3])), size=tuple(s), row=plain(base if rng.random() < 0.6 else pick(rng, CLOTHES), pattern=int(rng.choice([0, 11])), scale=0.3, b=pick(rng, WOOD)), yaw=yaw + rng.normal(0, 0.4))
    elif kind == "sign":
        size = (0.6, 0.4)
        high = rng.uniform(0.8, 1.9)
        box(soup, at=(x, y, 0.05), size=(rng.uniform(0.4, 0.8), 0.05, high), row=plain(pick(rng, CLOTHES + WALLS), pattern=11, scale=rng.uniform(0.2, 0.6), b=pick(rng, WALLS), seed=rng.uniform(0, 99)), yaw=yaw)
    elif kind == "rail":
        long = rng.uniform(1.5, 5)
        size = (long, 0.2)
        world = turn(yaw=yaw)
        row = plain(pick(rng, METAL), spec=0.3)
        for k in np.linspace(-0.5, 0.5, 5):
            p = world @ [k * long, 0, 0] + [x, y, 0]
            rod(soup, p, p + [0, 0, 1.0], radius=0.02, row=row)
        for z in (0.5, 1.0):
            for k in range(5):
                rod(soup, world @ [(-0.5 + k / 5) * long, 0, z] + [x, y, 0], world @ [(-0.5 + (k + 1) / 5) * long, 0, z] + [x, y, 0], radius=0.022, row=row)
    elif kind == "car":
        size = (4.3, 1.8)
        row = plain(pick(rng, CLOTHES), spec=0.5)
        glass = plain(linear(26, 30, 34), spec=0.6)
        box(soup, at=(x, y, 0.25), size=(4.3, 1.75, 0.65), row=row, yaw=yaw)
        tall = rng.uniform(0.5, 1.1)
        box(soup, at=(x, y, 0.9), size=(rng.uniform(2, 3.6), 1.6, tall * 0.8), row=glass, yaw=yaw)
        box(soup, at=(x, y, 0.9 + tall * 0.8), size=(2, 1.55, 0.06), row=row, yaw=yaw)
        world = turn(yaw=yaw)
        for sx in (-1.3, 1.3):
            for sy in (-0.85, 0.85):
                put(soup, ball(10, 6), at=world @ [sx, sy, 0.32] + [x, y, 0], size=(0.32, 0.12, 0.32), row=plain(linear(22, 22, 22)), rotation=world)
    elif kind == "mannequin":
        size = (0.5, 0.5)
        body = posed(_dummy_shape(rng, scene), stance(str(rng.choice(["stand", "stand", "hips", "walk", "talk"])), rng=rng))
        high = rng.choice([0.0, 0.0, 0.15, 0.4])
        if high:
            box(soup, at=(x, y, 0), size=(0.7, 0.7, high), row=plain(pick(rng, WALLS)), yaw=yaw)
        put_person(soup, mannequin(rng, parity=scene.seed % 2), body, place=(x, y, high), yaw=yaw, owner=0, rng=rng, bags=False)
    elif kind == "cart":
        size = (1.1, 0.7)
        for k in range(int(rng.choice([1, 1, 1, 4]))):
            cart(soup, at=(x + 0.3 * k * math.cos(yaw), y + 0.3 * k * math.sin(yaw)), yaw=yaw, rng=rng)
    elif kind == "stroller":
        size = (1.0, 0.6)
        stroller(soup, at=at, yaw=yaw, rng=rng)
    elif kind == "plant":
        size = (0.6, 0.6)
        plant(soup, at=at, rng=rng, high=rng.uniform(0.6, 2.2))
    elif kind == "palm":
        size = (1.4, 1.4)
        put(soup, tube(16, 1.1), at=np.array([x, y, 0]), size=(0.7, 0.7, 0.5), row=plain(pick(rng, WALLS + WOOD)))
        plant(soup, at=at, rng=rng, high=rng.uniform(2, 4.5))
    elif kind == "mat":
        size = (0.0, 0.0)
        box(soup, at=(x, y, 0), size=(rng.uniform(0.6, 2.5), rng.uniform(0.4, 1.5), 0.012), row=plain(pick(rng, CLOTHES), pattern=int(rng.choice([0, 6, 15, 2, 11, 10])), scale=0.25, b=pick(rng, CLOTHES)), yaw=yaw)
        return
    elif kind == "cloth":
        size = (0.0, 0.0)
        for _ in range(3):
            put(soup, ball(7, 4), at=np.array([x + rng.normal(0, 0.15), y + rng.normal(0, 0.15), 0.02]), size=(rng.uniform(0.1, 0.35), rng.uniform(0.08, 0.2), 0.05), row=plain(pick(rng, CLOTHES)), rotation=turn(yaw=yaw))
        return
    else:
        msg = f"no furniture called {kind}"
        raise ValueError(msg)
    _block(scene, at, size, yaw)
    if kind in ("gondola", "table", "rack", "till", "kiosk", "promo"):
        for side in (-1, 1):
            for _ in range(3):
                p = turn(yaw=yaw) @ [rng.uniform(-0.45, 0.45) * size[0], side * (size[1] / 2 + 0.35), 0]
                scene.fronts.append((x + p[0], y + p[1], yaw - side * math.pi / 2))


def _dummy_shape(rng: np.random.Generator, scene: Scene) -> int:
    return 2 * int(rng.integers(200)) + scene.seed % 2


KINDS: dict[str, tuple[str, ...]] = {
    "shop": ("gondola",) * 5 + ("promo", "promo", "till", "sign", "boxes", "cart", "bin", "mat", "plant", "table", "pillar", "stroller"),
    "clothes": ("rack",) * 4 + ("round_rack", "round_rack", "table", "table", "mannequin", "mannequin", "mannequin", "till", "sign", "plant", "mat", "pillar", "chair", "stroller"),
    "mall": ("kiosk", "plant", "palm", "bench", "bench", "pillar", "sign", "bin", "rail", "promo", "mannequin", "table", "chair", "stroller", "mat"),
    "street": ("post", "post", "sign", "cone", "cone", "bench", "bin", "rail", "car", "tripod", "palm", "boxes", "cloth", "stroller"),
    "office": ("table", "table", "chair", "chair", "chair", "plant", "boxes", "bin", "till", "pillar", "sign", "mat"),
    "store": ("boxes", "boxes", "boxes", "gondola", "pillar", "rail", "cone", "post", "cart", "tripod", "sign", "cloth"),
}


def _floor(rng: np.random.Generator, site: Site) -> Surface:
    a, b = pick(rng, FLOORS), pick(rng, FLOORS)
    near = tuple(float(np.clip(c * math.exp(rng.normal(0, 0.2)), 0.01, 0.9)) for c in a)
    turned = float(rng.choice([0.0, 0.0, math.pi / 4])) + rng.normal(0, 0.1)
    seed = float(rng.uniform(0, 50))
    if site == "street":
        kind = int(rng.choice([16, 4, 12, 5, 1, 13]))
        if kind == 13:
            return Surface(13, rng.uniform(0.3, 1.2), seed, pick(rng, GRASS), pick(rng, GRASS), turned)
        if kind == 5:
            return Surface(5, rng.uniform(1.5, 4), float(rng.integers(0, 3)), a, (rng.uniform(0, 1), 0, 0), turned)
        grey = pick(rng, FLOORS[1:6])
        return Surface(kind, {16: rng.uniform(1, 3), 4: 1.0, 12: rng.uniform(0.08, 0.2), 1: rng.uniform(0.4, 1)}[kind], seed, grey, pick(rng, FLOORS[:4]) if kind == 16 else near, turned)  # type: ignore[arg-type]
    kind = int(rng.choice([1, 1, 1, 2, 3, 3, 4, 4, 14, 15, 0, 5], p=None))
    if site == "mall" and rng.random() < 0.5:
        kind = int(rng.choice([14, 1]))
    if kind == 5:
        return Surface(5, rng.uniform(1, 4), float(rng.integers(0, 6)), a, (rng.uniform(0, 1), 0, 0), turned)
    if kind == 3:
        a, b = pick(rng, WOOD), pick(rng, WOOD)
        b = tuple(0.7 * x + 0.3 * y for x, y in zip(a, b, strict=True))  # type: ignore[assignment]
        return Surface(3, rng.uniform(0.07, 0.22), seed, a, b, turned)
    second: Colour = b if kind in (2, 14, 15) and rng.random() < 0.5 else near  # type: ignore[assignment]
    if kind == 1:
        second = tuple(c * rng.uniform(0.4, 1.3) for c in a)  # type: ignore[assignment]
    scale = {1: rng.uniform(0.2, 0.9), 2: rng.uniform(0.2, 0.8), 4: rng.uniform(0.4, 3), 14: rng.uniform(1, 5), 15: rng.uniform(0.3, 2), 0: 1.0}[kind]
    return Surface(kind, scale, seed, a, second, turned)


def _wall(rng: np.random.Generator, site: Site) -> Surface:
    a, b = pick(rng, WALLS), pick(rng, WALLS)
    seed = float(rng.uniform(0, 50))
    if site == "shop" and rng.random() < 0.6:
        return Surface(8, 0.1, seed, a, b)
    kind = int(rng.choice([0, 0, 0, 1, 12, 4, 11])) if site != "street" else int(rng.choice([12, 12, 11, 0, 1]))
    return Surface(kind, {0: 1, 1: rng.uniform(0.15, 0.6), 12: 0.075, 4: 2, 11: rng.uniform(0.8, 2.5)}[kind], seed, a, b)


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
    ceiling = h + (rng.uniform(0.02, 0.3) if view in ("fisheye", "overhead") else rng.uniform(0.2, 2))
    if view in ("fisheye", "overhead"):
        reach = [float(v) for v in (rng.uniform(*((2.0, 9.0) if rng.random() < 0.6 else (4.0, 13.0)), 4) if view == "fisheye" else rng.uniform(3.0, 12.0, 4))]
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
    stained = (rng.uniform(0, 0.4) if rng.random() < 0.5 else 0.0, rng.uniform(0.3, 2.5), rng.uniform(0, 1) if rng.random() < 0.12 else 0.0, 0.0)
    if outdoors and rng.random() < 0.65:
        stained = (*stained[:3], 1.0)
        ceiling_face = second if rng.random() < 0.4 else Surface(13, rng.uniform(0.3, 1), 1.0, pick(rng, GRASS), pick(rng, GRASS))
    sky = linear(*(rng.uniform(150, 235) + np.array([0, 3, 8])))
    back = (0.0, 0.0, 0.0)
    room = Room(
        (-reach[0], -reach[2], 0.0), (reach[1], reach[3], ceiling),
        (_floor(rng, site), ceiling_face, _wall(rng, site), _wall(rng, site), _wall(rng, site)),
        shiny, stained, outdoors, sky, rng.uniform(0.1, 1.2), back,
    )  # fmt: skip
    light = _light(rng, outdoors=outdoors, h=h, ceiling=ceiling)
    middle = (0.0, 0.0) if view in ("fisheye", "overhead") else (min(8.0, h * math.tan(min(camera.tilt, 1.2)) * 1.0) * math.cos(camera.pan), 0.0)
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
        return Camera((0, 0, h), min(tilt, 0.26), rng.uniform(0, 6.28), "fisheye", focal, wide, high, turned=rng.uniform(0, 6.28), shift_px=shift)
    wide, high = (480, 360) if rng.random() < 0.65 else (512, 288)
    if view == "overhead":
        h, tilt, hfov = rng.uniform(2.3, 7), math.radians(abs(rng.normal(0, 12))), rng.uniform(60, 110)
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


def _light(rng: np.random.Generator, *, outdoors: bool, h: float, ceiling: float) -> Light:
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
        for _ in range(int(rng.integers(1, 5))):
            lamps.append((rng.uniform(-6, 10), rng.uniform(-6, 6), ceiling, rng.uniform(0.05, 0.5)))
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
            if not low[1] < y < high[1] or (abs(y) < deep / 2 + 0.25 and abs(x) < long / 2 + 0.3 and tall > h - 0.6):
                continue
            row = _row_goods(rng)
            box(scene.soup, at=(x, y, 0), size=(long, deep, tall), row=row, cut=0.5)
            _block(scene, (x, y), (long, deep), 0.0)
            for _ in range(8):
                side = float(rng.choice([-1, 1]))
                scene.fronts.append((x + rng.uniform(-0.48, 0.48) * long, y + side * (deep / 2 + 0.33), -side * math.pi / 2))
        count = int(count * 0.5)
    for _ in range(count):
        kind = str(rng.choice(kinds))
        if scene.view == "hall":
            x, y = rng.uniform(2, min(high[0], 40)), rng.normal(0, 0.6 * min(7.0, high[1], -low[1]))
            x, y = x * math.cos(scene.camera.pan) - y * math.sin(scene.camera.pan), x * math.sin(scene.camera.pan) + y * math.cos(scene.camera.pan)
        else:
            x, y = rng.uniform(max(low[0], -7), min(high[0], 9)), rng.uniform(max(low[1], -7), min(high[1], 7))
        if math.hypot(x, y) < 0.9 and kind not in ("mat", "chair", "cart", "cone", "bin", "cloth") and h < 3.5:
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
        x = (low[0] + 0.03, high[0] - 0.03)[wall] if wall < 2 else low[0] + along * (high[0] - low[0])
        y = (low[1] + 0.03, high[1] - 0.03)[wall - 2] if wall > 1 else low[1] + along * (high[1] - low[1])
        flat = wall < 2
        draw = rng.random()
        wide, tall, z = rng.uniform(0.8, 1.8), rng.uniform(1.9, 2.2), 0.0
        row = plain(pick(rng, WOOD + METAL + CLOTHES), spec=0.2)
        if draw < 0.35:
            wide, tall, z = rng.uniform(0.4, 2.5), rng.uniform(0.4, 1.6), rng.uniform(0.5, 1.6)
            row = plain(pick(rng, CLOTHES + WALLS), pattern=11, scale=rng.uniform(0.3, 1.2), b=pick(rng, CLOTHES), seed=rng.uniform(0, 99), glow=rng.random() < 0.2)
        elif draw < 0.6:
            wide, tall, z = rng.uniform(1, 5), rng.uniform(1, 2.4), rng.uniform(0, 1.0)
            row = plain(linear(*(rng.uniform(20, 90) + np.array([0, 3, 6]))), pattern=4, scale=1.5, b=pick(rng, WALLS), spec=0.5)
            if scene.site == "mall" and rng.random() < 0.5:
                row = plain(pick(rng, WALLS), pattern=8, b=pick(rng, CLOTHES), seed=rng.uniform(0, 50), glow=rng.random() < 0.5)
        elif draw < 0.75 and scene.site in ("shop", "mall"):
            row = _row_goods(rng)
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
    good = (spots > np.array(room.low[:2]) + 0.3).all(1) & (spots < np.array(room.high[:2]) - 0.3).all(1)
    for a_, b_, c_, d_ in scene.blocked:
        good &= ~((spots[:, 0] > a_) & (spots[:, 0] < c_) & (spots[:, 1] > b_) & (spots[:, 1] < d_))
    spots = spots[good]
    waist = np.concatenate([spots, np.full((len(spots), 1), 0.9)], 1)
    px, seen = camera.project(waist)
    edge = 0.02 * camera.width_px
    inside = seen & (px[:, 0] > -edge) & (px[:, 0] < camera.width_px + edge) & (px[:, 1] > -edge) & (px[:, 1] < camera.height_px + edge)
    if scene.view == "fisheye":
        middle = np.array([camera.width_px, camera.height_px]) / 2 + camera.shift_px
        inside &= np.hypot(*(px - middle).T) < camera.focal_px * math.radians(78)
    scene.spots, scene.pixels = spots[inside], px[inside]


def populate(scene: Scene, *, moment: int, soup: Soup) -> list[Person]:
    """Put people (and what they push) into one picture of a scene."""
    rng = np.random.default_rng([scene.seed, moment, 5])
    usual = {"fisheye": (1, 12), "overhead": (1, 9), "oblique": (1, 12), "hall": (4, 34)}[scene.view]
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
        far = math.hypot(x, y) * 1.0 + scene.camera.place[2] > scene.camera.focal_px * 1.7 / 60 and scene.view != "fisheye"
        if pose == "":
            pose = str(rng.choice(POSES, p=_ODDS))
        if pose == "sit":
            pose = "stand"
        wears = outfit(rng, parity=scene.seed % 2, cold=scene.cold)
        angles = stance("sit" if pose == "seat" else pose, rng=rng)
        body = posed(wears.shape, angles, far=far)
        people.append(put_person(soup, wears, body, place=(x, y, 0.0), yaw=yaw, owner=index + 1, rng=rng))
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
            box(soup, at=tuple(at3), size=(rng.uniform(0.15, 0.4), rng.uniform(0.2, 0.5), rng.uniform(0.05, 0.3)), row=plain(pick(rng, WOOD + CLOTHES)), yaw=yaw)
        elif pose == "phone":
            pass
    return people


_ODDS = np.array([0.34, 0.14, 0.06, 0.04, 0.03, 0.08, 0.04, 0.05, 0.03, 0.09, 0.04, 0.0, 0.06])


def _spot(scene: Scene, rng: np.random.Generator, taken: list[tuple[float, float]]) -> tuple[float, float, float, str] | None:
    for _ in range(30):
        draw = rng.random()
        yaw, pose = rng.uniform(0, 2 * math.pi), ""
        if scene.seats and draw < 0.12:
            x, y, yaw, _ = scene.seats[int(rng.integers(len(scene.seats)))]
            pose = "seat"
        elif scene.fronts and draw < 0.35:
            x, y, yaw = scene.fronts[int(rng.integers(len(scene.fronts)))]
            yaw += rng.normal(0, 0.3)
            pose = str(rng.choice(["stand", "reach", "reach", "reach_up", "low", "crouch", "phone", "folded"]))
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
        if not (room.low[0] + 0.2 < x < room.high[0] - 0.2 and room.low[1] + 0.2 < y < room.high[1] - 0.2):
            continue
        return float(x), float(y), float(yaw), pose
    return None
