"""Furniture of rendered scenes, and trolleys, as triangles."""

# ruff: noqa: PLR2004 -- sizes and odds of made-up furniture, once each, a piece a line

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.person_detector.mesh_bodies import posed, stance, turn
from models.person_detector.mesh_people import (
    CLOTHES,
    Row,
    Shape,
    ball,
    block,
    box,
    linear,
    mannequin,
    pick,
    plain,
    put,
    put_person,
    rod,
    tube,
)  # fmt: skip
from models.person_detector.mesh_soup import Soup

Array = NDArray[np.float64]
Size = tuple[float, float]

WALLS = tuple(linear(*c) for c in (
    (225, 222, 214), (206, 204, 198), (190, 186, 176), (236, 234, 230), (170, 176, 180),
    (200, 186, 160), (150, 160, 168), (120, 116, 110), (176, 150, 120), (130, 90, 74),
))  # fmt: skip
GRASS = tuple(linear(*c) for c in ((70, 92, 40), (88, 104, 54), (54, 76, 34), (110, 112, 70)))
WOOD = tuple(linear(*c) for c in ((150, 108, 70), (190, 150, 106), (110, 76, 50), (214, 188, 150)))
METAL = tuple(linear(*c) for c in ((150, 152, 156), (90, 92, 96), (200, 202, 204), (40, 40, 44)))


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a piece of furniture is to stand.

    Attributes:
        soup: takes the triangles.
        rng: draws the looks.
        at: metres.
        yaw: its turn.
        parity: of the scene's seed.
        tallest: metres, of a pillar.
        seats: takes places to sit: x, y, yaw, height.
    """

    soup: Soup
    rng: np.random.Generator
    at: tuple[float, float]
    yaw: float
    parity: int
    tallest: float
    seats: list[tuple[float, float, float, float]]


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
    put(
        soup,
        Shape(taper, shape.normals, shape.faces),
        at=middle + np.array([0, 0, 0.27]),
        size=(long, wide, 0.5),
        row=wire,
        rotation=world,
        part=axes,
    )
    for y in (-wide / 2, wide / 2):
        rod(
            soup,
            spot(-long / 2 - 0.02, y, 0.15),
            spot(long / 2, y * 0.8, 0.12),
            radius=0.014,
            row=metal,
        )
        rod(
            soup,
            spot(-long / 2 - 0.02, y, 0.15),
            spot(-long / 2 - 0.1, y, 1.0),
            radius=0.014,
            row=metal,
        )
    rod(
        soup,
        spot(-long / 2 - 0.1, -wide / 2, 1.0),
        spot(-long / 2 - 0.1, wide / 2, 1.0),
        radius=0.022,
        row=bar,
    )
    dark = plain(linear(30, 30, 32))
    for x in (-long / 2, long / 2):
        for y in (-wide * 0.42, wide * 0.42):
            put(
                soup,
                ball(6, 4),
                at=spot(x, y, 0.06),
                size=(0.06, 0.025, 0.06),
                row=dark,
                rotation=world,
            )
    for _ in range(int(rng.integers(0, 12)) if rng.random() < 0.6 else 0):
        s = rng.uniform(0.08, 0.3, 3)
        p = spot(rng.uniform(-0.25, 0.3), rng.uniform(-0.15, 0.15), 0.46 + rng.uniform(0, 0.25))
        goods = plain(
            pick(rng, CLOTHES),
            pattern=11 if rng.random() < 0.5 else 0,
            scale=0.15,
            b=pick(rng, CLOTHES),
        )
        box(soup, at=tuple(p), size=tuple(s), row=goods, yaw=rng.uniform(0, 3))


def stroller(soup: Soup, *, at: tuple[float, float], yaw: float, rng: np.random.Generator) -> None:
    """Add a push-chair, its handle at the back."""
    world = turn(yaw=yaw)
    cloth, frame = plain(pick(rng, CLOTHES)), plain(pick(rng, METAL), spec=0.2)

    def spot(x: float, y: float, z: float) -> Array:
        return np.asarray(world @ [x, y, z] + [at[0], at[1], 0.0])

    put(
        soup,
        ball(9, 5),
        at=spot(0, 0, 0.5),
        size=(0.36, 0.22, 0.2),
        row=cloth,
        rotation=world @ turn(pitch=-0.3),
    )
    put(
        soup,
        ball(10, 4, 0.5),
        at=spot(-0.12, 0, 0.62),
        size=(0.27, 0.24, 0.32),
        row=cloth,
        rotation=world @ turn(pitch=-0.5),
    )
    if rng.random() < 0.5:
        put(
            soup,
            ball(8, 5),
            at=spot(0.1, 0, 0.62),
            size=(0.2, 0.15, 0.09),
            row=plain(pick(rng, CLOTHES)),
            rotation=world,
        )
    dark = plain(linear(26, 26, 28))
    for y in (-0.25, 0.25):
        rod(soup, spot(0.42, y * 0.7, 0.1), spot(-0.45, y, 1.0), radius=0.013, row=frame)
        rod(soup, spot(-0.35, y, 0.1), spot(0.1, y, 0.6), radius=0.013, row=frame)
        for x in (0.42, -0.35):
            put(
                soup,
                ball(8, 5),
                at=spot(x, y * 0.9, 0.11),
                size=(0.11, 0.03, 0.11),
                row=dark,
                rotation=world,
            )
    rod(soup, spot(-0.45, -0.25, 1.0), spot(-0.45, 0.25, 1.0), radius=0.018, row=dark)


def plant(soup: Soup, *, at: tuple[float, float], rng: np.random.Generator, high: float) -> None:
    """Add a plant or palm in a pot."""
    green = plain(pick(rng, GRASS), pattern=13, scale=0.1, b=pick(rng, GRASS))
    pot = plain(pick(rng, WALLS + CLOTHES))
    wide = rng.uniform(0.15, 0.35)
    put(soup, tube(10, 1.2), at=np.array([*at, 0.0]), size=(wide, wide, wide * 1.6), row=pot)
    trunk = high * rng.uniform(0.2, 0.65)
    if trunk > wide * 1.6:
        rod(
            soup,
            np.array([*at, 0.1]),
            np.array([*at, trunk]),
            radius=0.05,
            row=plain(pick(rng, WOOD)),
        )
    count, long = int(rng.integers(8, 20)), (high - trunk) * rng.uniform(0.7, 1.1) + 0.2
    for index in range(count):
        yaw, pitch = index * 2.4, rng.uniform(0.1, 1.9)
        frame = turn(yaw=yaw) @ turn(pitch=pitch)
        put(
            soup,
            ball(6, 4),
            at=np.array([*at, trunk + 0.05]) + frame @ [0, 0, long / 2],
            size=(0.04, long * rng.uniform(0.08, 0.2), long / 2),
            row=green,
            rotation=frame,
        )


def shelf_row(rng: np.random.Generator) -> Row:
    """Draw the look of shelves full of goods."""
    return plain(
        pick(rng, WALLS + METAL),
        pattern=8,
        scale=0.1,
        b=pick(rng, CLOTHES),
        seed=float(rng.uniform(0, 50)),
    )


def _gondola(here: Spot) -> Size:
    """Add a shelf of goods."""
    soup, rng, yaw = here.soup, here.rng, here.yaw
    x, y = here.at
    long, deep, high = rng.uniform(2, 7), rng.uniform(0.6, 1.2), rng.uniform(1.2, 2.1)
    box(soup, at=(x, y, 0), size=(long, deep, high), row=shelf_row(rng), yaw=yaw, cut=0.5)
    box(
        soup,
        at=(x, y, 0),
        size=(long + 0.06, deep + 0.1, 0.14),
        row=plain(pick(rng, METAL + WALLS)),
        yaw=yaw,
    )
    return (long, deep)


def _table(here: Spot) -> Size:
    """Add a table with things on it."""
    soup, rng, yaw = here.soup, here.rng, here.yaw
    x, y = here.at
    size = (rng.uniform(0.8, 2), rng.uniform(0.6, 1.1))
    high = rng.uniform(0.6, 0.95)
    row = plain(
        pick(rng, WOOD + WALLS),
        pattern=3 if rng.random() < 0.5 else 0,
        scale=0.2,
        b=pick(rng, WOOD),
    )
    box(soup, at=(x, y, high - 0.05), size=(*size, 0.05), row=row, yaw=yaw)
    world = turn(yaw=yaw)
    for sx in (-0.45, 0.45):
        for sy in (-0.45, 0.45):
            p = world @ [sx * size[0], sy * size[1], 0.0] + [x, y, 0]
            top = p + np.array([0, 0, high - 0.05])
            rod(soup, p, top, radius=0.03, row=plain(pick(rng, METAL)))
    for _ in range(int(rng.integers(0, 14))):
        p = world @ [
            rng.uniform(-0.42, 0.42) * size[0],
            rng.uniform(-0.42, 0.42) * size[1],
            0.0,
        ]
        s = rng.uniform(0.08, 0.35, 2)
        box(
            soup,
            at=(x + p[0], y + p[1], high),
            size=(s[0], s[1], rng.uniform(0.02, 0.25)),
            row=plain(
                pick(rng, CLOTHES),
                pattern=int(rng.choice([0, 0, 6, 11])),
                scale=0.1,
                b=pick(rng, CLOTHES),
            ),
            yaw=yaw,
        )
    return size


def _rack(here: Spot) -> Size:
    """Add a rail of clothes."""
    soup, rng, yaw = here.soup, here.rng, here.yaw
    x, y = here.at
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
        box(
            soup,
            at=(p[0], p[1], high - drop - 0.05),
            size=(0.04, rng.uniform(0.35, 0.5), drop),
            row=plain(colour),
            yaw=yaw + rng.normal(0, 0.12),
        )
    return (long, 0.6)


def _round_rack(here: Spot) -> Size:
    """Add a round rail of clothes."""
    soup, rng = here.soup, here.rng
    x, y = here.at
    high = rng.uniform(1.2, 1.5)
    colour = pick(rng, CLOTHES)
    for k in np.arange(0, 6.28, 0.3):
        if rng.random() < 0.2:
            colour = pick(rng, CLOTHES)
        box(
            soup,
            at=(x + 0.3 * math.cos(k), y + 0.3 * math.sin(k), high - 0.9),
            size=(0.42, 0.06, 0.85),
            row=plain(colour),
            yaw=k,
        )
    return (1.1, 1.1)


def _till(here: Spot) -> Size:
    """Add a counter with a screen."""
    soup, rng, yaw = here.soup, here.rng, here.yaw
    x, y = here.at
    size = (rng.uniform(1.2, 2.6), rng.uniform(0.6, 0.9))
    high = rng.uniform(0.85, 1.1)
    box(
        soup,
        at=(x, y, 0),
        size=(*size, high),
        row=plain(
            pick(rng, WOOD + WALLS + METAL),
            pattern=int(rng.choice([0, 3, 4])),
            scale=0.2,
            b=pick(rng, WOOD),
        ),
        yaw=yaw,
    )
    p = turn(yaw=yaw) @ [rng.uniform(-0.3, 0.3) * size[0], 0, 0]
    box(
        soup,
        at=(x + p[0], y + p[1], high),
        size=(0.05, 0.4, 0.32),
        row=plain(linear(20, 20, 22), spec=0.3),
        yaw=yaw + rng.normal(0, 0.5),
    )
    box(
        soup,
        at=(x - p[0], y - p[1], high),
        size=(0.3, 0.3, 0.15),
        row=plain(linear(40, 40, 44)),
        yaw=yaw,
    )
    return size


def _promo(here: Spot) -> Size:
    """Add a promotion stand."""
    soup, rng, yaw = here.soup, here.rng, here.yaw
    x, y = here.at
    size = (rng.uniform(0.4, 1.3), rng.uniform(0.4, 1.0))
    high = rng.uniform(0.5, 1.8)
    box(
        soup,
        at=(x, y, 0),
        size=(*size, high),
        row=shelf_row(rng)
        if rng.random() < 0.6
        else plain(pick(rng, CLOTHES), pattern=11, scale=0.5, b=pick(rng, CLOTHES)),
        yaw=yaw,
    )
    if rng.random() < 0.5:
        box(
            soup,
            at=(x, y, high),
            size=(size[0], 0.03, 0.4),
            row=plain(pick(rng, CLOTHES), pattern=11, scale=0.3, b=pick(rng, CLOTHES)),
            yaw=yaw,
        )
    return size


def _kiosk(here: Spot) -> Size:
    """Add a stall."""
    soup, rng, yaw = here.soup, here.rng, here.yaw
    x, y = here.at
    size = (rng.uniform(1.2, 2.6), rng.uniform(1.2, 2.2))
    high = rng.uniform(1.9, 2.5)
    box(
        soup,
        at=(x, y, 0),
        size=(*size, 0.9),
        row=plain(pick(rng, CLOTHES + WOOD), pattern=11, scale=0.6, b=pick(rng, WALLS)),
        yaw=yaw,
    )
    box(
        soup,
        at=(x, y, 0.9),
        size=(size[0] * 0.94, size[1] * 0.94, high - 1.2),
        row=shelf_row(rng),
        yaw=yaw,
    )
    box(soup, at=(x, y, high - 0.3), size=(*size, 0.3), row=plain(pick(rng, WALLS)), yaw=yaw)
    return size


def _pillar(here: Spot) -> Size:
    """Add a pillar."""
    soup, rng, yaw = here.soup, here.rng, here.yaw
    x, y = here.at
    wide, high = rng.uniform(0.25, 0.8), here.tallest
    size = (wide, wide)
    row = plain(
        pick(rng, WALLS), pattern=int(rng.choice([0, 0, 1, 4])), scale=0.4, b=pick(rng, WALLS)
    )
    if rng.random() < 0.5:
        box(soup, at=(x, y, 0), size=(wide, wide, high), row=row, yaw=yaw)
    else:
        for k in range(6):
            put(
                soup,
                tube(14),
                at=np.array([x, y, high * k / 6]),
                size=(wide / 2, wide / 2, high / 6),
                row=row,
            )
    return size


def _post(here: Spot) -> Size:
    """Add a post, some with a sign."""
    soup, rng, yaw = here.soup, here.rng, here.yaw
    x, y = here.at
    high = rng.uniform(0.8, 4)
    wide = rng.uniform(0.02, 0.08)
    size = (0.2, 0.2)
    for k in range(5):
        put(
            soup,
            tube(8),
            at=np.array([x, y, high * k / 5]),
            size=(wide, wide, high / 5),
            row=plain(pick(rng, METAL)),
        )
    if rng.random() < 0.6:
        box(
            soup,
            at=(x, y, high * 0.8),
            size=(rng.uniform(0.2, 0.7), 0.04, rng.uniform(0.2, 0.6)),
            row=plain(pick(rng, CLOTHES), pattern=11, scale=0.3, b=pick(rng, WALLS)),
            yaw=yaw,
        )
    return size


def _tripod(here: Spot) -> Size:
    """Add a tripod."""
    soup, rng, yaw = here.soup, here.rng, here.yaw
    x, y = here.at
    high = rng.uniform(0.9, 1.6)
    size = (0.5, 0.5)
    for k in range(3):
        turned = yaw + k * 2.094
        rod(
            soup,
            np.array([x + 0.35 * math.cos(turned), y + 0.35 * math.sin(turned), 0]),
            np.array([x, y, high * 0.75]),
            radius=0.018,
            row=plain(linear(24, 24, 26)),
        )
    rod(
        soup,
        np.array([x, y, high * 0.6]),
        np.array([x, y, high]),
        radius=0.02,
        row=plain(linear(24, 24, 26)),
    )
    box(
        soup,
        at=(x, y, high - 0.1),
        size=(0.16, 0.1, 0.12),
        row=plain(linear(30, 30, 32)),
        yaw=yaw,
    )
    return size


def _cone(here: Spot) -> Size:
    """Add a traffic cone."""
    soup, rng, yaw = here.soup, here.rng, here.yaw
    x, y = here.at
    size = (0.3, 0.3)
    high = rng.uniform(0.3, 0.75)
    put(
        soup,
        tube(10, 0.15),
        at=np.array([x, y, 0]),
        size=(0.14, 0.14, high),
        row=plain(linear(225, 90, 30), pattern=0),
    )
    put(
        soup,
        tube(10, 0.8),
        at=np.array([x, y, high * 0.45]),
        size=(0.1, 0.1, high * 0.25),
        row=plain(linear(235, 232, 225)),
    )
    box(soup, at=(x, y, 0), size=(0.32, 0.32, 0.03), row=plain(linear(40, 40, 40)), yaw=yaw)
    return size


def _bin(here: Spot) -> Size:
    """Add a bin."""
    soup, rng = here.soup, here.rng
    x, y = here.at
    size = (0.4, 0.4)
    high = rng.uniform(0.5, 1.0)
    put(
        soup,
        tube(12, rng.uniform(0.9, 1.2)),
        at=np.array([x, y, 0]),
        size=(0.2, 0.2, high),
        row=plain(pick(rng, METAL + CLOTHES)),
    )
    return size


def _bench(here: Spot) -> Size:
    """Add a bench."""
    soup, rng, yaw = here.soup, here.rng, here.yaw
    x, y = here.at
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
        here.seats.append((p[0], p[1], yaw - math.pi / 2, 0.45))
    return size


def _chair(here: Spot) -> Size:
    """Add a chair."""
    soup, rng, yaw = here.soup, here.rng, here.yaw
    x, y = here.at
    size = (0.5, 0.5)
    row = plain(pick(rng, CLOTHES + WOOD))
    world = turn(yaw=yaw)
    box(soup, at=(x, y, 0.42), size=(0.46, 0.46, 0.06), row=row, yaw=yaw)
    p = world @ [-0.22, 0, 0] + [x, y, 0.5]
    box(soup, at=tuple(p), size=(0.05, 0.45, 0.45), row=row, yaw=yaw)
    put(
        soup,
        tube(8),
        at=np.array([x, y, 0.0]),
        size=(0.04, 0.04, 0.42),
        row=plain(linear(40, 40, 42)),
    )
    box(soup, at=(x, y, 0.02), size=(0.5, 0.06, 0.05), row=plain(linear(30, 30, 32)), yaw=yaw)
    box(soup, at=(x, y, 0.02), size=(0.06, 0.5, 0.05), row=plain(linear(30, 30, 32)), yaw=yaw)
    p = world @ [0.38, 0, 0] + [x, y, 0]
    here.seats.append((p[0], p[1], yaw, 0.48))
    return size


def _boxes(here: Spot) -> Size:
    """Add a heap of boxes."""
    soup, rng, yaw = here.soup, here.rng, here.yaw
    x, y = here.at
    size = (1.0, 1.0)
    base = pick(rng, WOOD)
    for _ in range(int(rng.integers(1, 9))):
        s = rng.uniform(0.2, 0.6, 3)
        box(
            soup,
            at=(x + rng.normal(0, 0.25), y + rng.normal(0, 0.25), rng.choice([0, 0, 0.3])),
            size=tuple(s),
            row=plain(
                base if rng.random() < 0.6 else pick(rng, CLOTHES),
                pattern=int(rng.choice([0, 11])),
                scale=0.3,
                b=pick(rng, WOOD),
            ),
            yaw=yaw + rng.normal(0, 0.4),
        )
    return size


def _sign(here: Spot) -> Size:
    """Add a sign."""
    soup, rng, yaw = here.soup, here.rng, here.yaw
    x, y = here.at
    size = (0.6, 0.4)
    high = rng.uniform(0.8, 1.9)
    box(
        soup,
        at=(x, y, 0.05),
        size=(rng.uniform(0.4, 0.8), 0.05, high),
        row=plain(
            pick(rng, CLOTHES + WALLS),
            pattern=11,
            scale=rng.uniform(0.2, 0.6),
            b=pick(rng, WALLS),
            seed=rng.uniform(0, 99),
        ),
        yaw=yaw,
    )
    return size


def _rail(here: Spot) -> Size:
    """Add a railing."""
    soup, rng, yaw = here.soup, here.rng, here.yaw
    x, y = here.at
    long = rng.uniform(1.5, 5)
    size = (long, 0.2)
    world = turn(yaw=yaw)
    row = plain(pick(rng, METAL), spec=0.3)
    for k in np.linspace(-0.5, 0.5, 5):
        p = world @ [k * long, 0, 0] + [x, y, 0]
        rod(soup, p, p + np.array([0, 0, 1.0]), radius=0.02, row=row)
    for z in (0.5, 1.0):
        for k in range(5):
            rod(
                soup,
                world @ [(-0.5 + k / 5) * long, 0, z] + [x, y, 0],
                world @ [(-0.5 + (k + 1) / 5) * long, 0, z] + [x, y, 0],
                radius=0.022,
                row=row,
            )
    return size


def _car(here: Spot) -> Size:
    """Add a car."""
    soup, rng, yaw = here.soup, here.rng, here.yaw
    x, y = here.at
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
            put(
                soup,
                ball(10, 6),
                at=world @ [sx, sy, 0.32] + [x, y, 0],
                size=(0.32, 0.12, 0.32),
                row=plain(linear(22, 22, 22)),
                rotation=world,
            )
    return size


def _mannequin(here: Spot) -> Size:
    """Add a shop-window dummy."""
    soup, rng, yaw = here.soup, here.rng, here.yaw
    x, y = here.at
    size = (0.5, 0.5)
    body = posed(
        2 * int(rng.integers(200)) + here.parity,
        stance(str(rng.choice(["stand", "stand", "hips", "walk", "talk"])), rng=rng),
    )
    high = rng.choice([0.0, 0.0, 0.15, 0.4])
    if high:
        box(soup, at=(x, y, 0), size=(0.7, 0.7, high), row=plain(pick(rng, WALLS)), yaw=yaw)
    put_person(
        soup,
        mannequin(rng, parity=here.parity),
        body,
        place=(x, y, high),
        yaw=yaw,
        owner=0,
        rng=rng,
        bags=False,
    )
    return size


def _cart(here: Spot) -> Size:
    """Add trolleys."""
    soup, rng, yaw = here.soup, here.rng, here.yaw
    x, y = here.at
    size = (1.1, 0.7)
    for k in range(int(rng.choice([1, 1, 1, 4]))):
        cart(
            soup,
            at=(x + 0.3 * k * math.cos(yaw), y + 0.3 * k * math.sin(yaw)),
            yaw=yaw,
            rng=rng,
        )
    return size


def _stroller(here: Spot) -> Size:
    """Add a push-chair."""
    soup, rng, at, yaw = here.soup, here.rng, here.at, here.yaw
    size = (1.0, 0.6)
    stroller(soup, at=at, yaw=yaw, rng=rng)
    return size


def _plant(here: Spot) -> Size:
    """Add a plant."""
    soup, rng, at = here.soup, here.rng, here.at
    size = (0.6, 0.6)
    plant(soup, at=at, rng=rng, high=rng.uniform(0.6, 2.2))
    return size


def _palm(here: Spot) -> Size:
    """Add a palm in a tub."""
    soup, rng, at = here.soup, here.rng, here.at
    x, y = here.at
    size = (1.4, 1.4)
    put(
        soup,
        tube(16, 1.1),
        at=np.array([x, y, 0]),
        size=(0.7, 0.7, 0.5),
        row=plain(pick(rng, WALLS + WOOD)),
    )
    plant(soup, at=at, rng=rng, high=rng.uniform(2, 4.5))
    return size


def _mat(here: Spot) -> Size | None:
    """Add a mat."""
    soup, rng, yaw = here.soup, here.rng, here.yaw
    x, y = here.at
    box(
        soup,
        at=(x, y, 0),
        size=(rng.uniform(0.6, 2.5), rng.uniform(0.4, 1.5), 0.012),
        row=plain(
            pick(rng, CLOTHES),
            pattern=int(rng.choice([0, 6, 15, 2, 11, 10])),
            scale=0.25,
            b=pick(rng, CLOTHES),
        ),
        yaw=yaw,
    )
    return None


def _cloth(here: Spot) -> Size | None:
    """Add something dropped."""
    soup, rng, yaw = here.soup, here.rng, here.yaw
    x, y = here.at
    for _ in range(3):
        put(
            soup,
            ball(7, 4),
            at=np.array([x + rng.normal(0, 0.15), y + rng.normal(0, 0.15), 0.02]),
            size=(rng.uniform(0.1, 0.35), rng.uniform(0.08, 0.2), 0.05),
            row=plain(pick(rng, CLOTHES)),
            rotation=turn(yaw=yaw),
        )
    return None


MAKERS: dict[str, Callable[[Spot], Size | None]] = {
    "gondola": _gondola,
    "table": _table,
    "rack": _rack,
    "round_rack": _round_rack,
    "till": _till,
    "promo": _promo,
    "kiosk": _kiosk,
    "pillar": _pillar,
    "post": _post,
    "tripod": _tripod,
    "cone": _cone,
    "bin": _bin,
    "bench": _bench,
    "chair": _chair,
    "boxes": _boxes,
    "sign": _sign,
    "rail": _rail,
    "car": _car,
    "mannequin": _mannequin,
    "cart": _cart,
    "stroller": _stroller,
    "plant": _plant,
    "palm": _palm,
    "mat": _mat,
    "cloth": _cloth,
}


def furnish(kind: str, here: Spot) -> Size | None:
    """Add a piece of furniture; give the floor it takes (along and across), nothing for flat ones.

    Raises:
        KeyError: there is no such kind.
    """
    return MAKERS[kind](here)
