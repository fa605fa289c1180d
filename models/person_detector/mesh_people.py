"""Clothes, hair and baggage on posed bodies, as triangles."""

# ruff: noqa: PLR2004, E501 -- sizes and odds of made-up clothes, once each, a piece a line

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from models.person_detector.mesh_bodies import G, Posed, load, turn
from models.person_detector.mesh_soup import ROW, Soup

Array = NDArray[np.float64]
Colour = tuple[float, float, float]
Row = NDArray[np.float32]
EYE = np.eye(3)


def linear(*srgb: float) -> Colour:
    """Turn 0..255 of a screen into linear light."""
    r, g, b = ((value / 255) ** 2.2 for value in srgb)
    return r, g, b


SKINS = tuple(linear(*c) for c in (
    (236, 200, 180), (226, 184, 156), (208, 160, 130), (190, 140, 108), (160, 112, 82),
    (120, 82, 60), (88, 60, 46), (64, 44, 36), (216, 170, 150), (200, 150, 125),
))  # fmt: skip
HAIRS = tuple(linear(*c) for c in (
    (22, 18, 16), (30, 24, 20), (44, 32, 24), (62, 44, 30), (90, 62, 40), (130, 98, 62),
    (176, 146, 100), (150, 146, 142), (200, 198, 194), (112, 50, 30), (16, 14, 16),
))  # fmt: skip
CLOTHES = tuple(linear(*c) for c in (
    (20, 20, 22), (28, 28, 32), (38, 38, 44), (54, 54, 58), (80, 80, 84), (120, 120, 124),
    (170, 170, 172), (214, 212, 208), (235, 234, 230), (26, 34, 58), (38, 50, 84), (60, 84, 124),
    (110, 136, 170), (160, 186, 210), (70, 52, 40), (110, 84, 62), (160, 132, 102), (206, 186, 158),
    (112, 28, 34), (160, 40, 44), (190, 84, 80), (214, 150, 156), (44, 68, 48), (84, 96, 62),
    (120, 140, 100), (96, 60, 100), (196, 160, 70), (210, 110, 50), (150, 190, 186), (60, 120, 130),
))  # fmt: skip
TROUSERS = tuple(linear(*c) for c in (
    (18, 18, 20), (26, 26, 30), (36, 36, 42), (30, 38, 58), (44, 58, 88), (70, 90, 124),
    (120, 140, 166), (62, 60, 60), (100, 98, 94), (150, 136, 112), (186, 170, 142), (80, 74, 56),
    (210, 208, 204), (64, 48, 40),
))  # fmt: skip
VIVID = tuple(linear(*c) for c in (
    (240, 96, 32), (226, 230, 60), (200, 30, 60), (30, 90, 190), (20, 140, 80), (230, 80, 150),
))  # fmt: skip


@dataclass(frozen=True, slots=True)
class Shape:
    """A mesh of unit size: vertices, normals, faces."""

    vertices: Array
    normals: Array
    faces: NDArray[np.int64]


@cache
def ball(columns: int = 12, lines: int = 8, part: float = 1.0) -> Shape:
    """Give a sphere of radius 1, or its upper `part` (1 all, 0.5 the upper half)."""
    v = np.linspace(0, math.pi * part, lines + 1)
    u = np.linspace(0, 2 * math.pi, columns + 1)
    vv, uu = np.meshgrid(v, u, indexing="ij")
    p = np.stack([np.sin(vv) * np.cos(uu), np.sin(vv) * np.sin(uu), np.cos(vv)], -1).reshape(-1, 3)
    return Shape(p, p, _grid(lines, columns))


@cache
def tube(columns: int = 10, top: float = 1.0) -> Shape:
    """Give a tube around z from 0 to 1, of radius 1 below and `top` above, with lids."""
    u = np.linspace(0, 2 * math.pi, columns + 1)
    ring = np.stack([np.cos(u), np.sin(u), np.zeros_like(u)], 1)
    up = np.array([0.0, 0.0, 1.0])
    points = np.concatenate(
        [ring, ring * [top, top, 1] + up, ring * 1e-3 + up, ring * [top, top, 1] + up]
    )
    normals = np.concatenate([ring, ring, ring * 0 + up, ring * 0 + up])
    n = columns + 1
    side, lid = _grid(1, columns), _grid(1, columns) + 2 * n
    return Shape(points, normals, np.concatenate([side, lid]))


def _grid(lines: int, columns: int) -> NDArray[np.int64]:
    i, j = np.meshgrid(np.arange(lines), np.arange(columns), indexing="ij")
    a = (i * (columns + 1) + j).ravel()
    b, c, d = a + 1, a + columns + 1, a + columns + 2
    return np.concatenate([np.stack([a, c, b], 1), np.stack([b, c, d], 1)])


def sheet(rows: int, columns: int) -> tuple[Array, NDArray[np.int64]]:
    """Give a grid over the unit square (points with u, v) and its triangles."""
    v, u = np.meshgrid(np.linspace(0, 1, rows + 1), np.linspace(0, 1, columns + 1), indexing="ij")
    return np.stack([u.ravel(), v.ravel()], 1), _grid(rows, columns)


@cache
def block(a: int = 1, b: int = 1, c: int = 1) -> tuple[Shape, Array]:
    """Give a unit box around the middle, its faces cut in so many pieces; and its faces' axes."""
    points, normals, faces, axes = [], [], [], []
    base = 0
    cuts = (a, b, c)
    for axis in range(3):
        first, second = [k for k in range(3) if k != axis]
        for sign in (-0.5, 0.5):
            uv, tri = sheet(cuts[second], cuts[first])
            p = np.zeros((len(uv), 3))
            p[:, first], p[:, second], p[:, axis] = uv[:, 0] - 0.5, uv[:, 1] - 0.5, sign
            n = np.zeros_like(p)
            n[:, axis] = 2 * sign
            points.append(p)
            normals.append(n)
            faces.append(tri + base)
            axes.append(np.full(len(uv), float(axis)))
            base += len(uv)
    shape = Shape(np.concatenate(points), np.concatenate(normals), np.concatenate(faces))
    return shape, np.concatenate(axes)


def plain(
    colour: Colour,
    *,
    owner: int = 0,
    pattern: int = 0,
    scale: float = 0.1,
    b: Colour | None = None,
    spec: float = 0.05,
    seed: float = 0.0,
    glow: bool = False,
    head: bool = False,
) -> Row:
    """Give the data row of a thing."""
    row = np.zeros((ROW, 4), np.float32)
    row[0] = (2.0 if glow else 0.0, owner, pattern, scale)
    row[1] = (*colour, spec)
    row[2] = (*(b if b is not None else colour), seed)
    row[9, 0] = 1.0 if head else 0.0
    return row


@dataclass(frozen=True, slots=True)
class Outfit:
    """All that a person wears, drawn from a seed of the right parity."""

    row: Row
    shape: int
    skirt: tuple[float, float] | None
    skirt_row: Row
    hair: str
    hair_row: Row
    hat: str
    hat_row: Row
    back: str
    back_row: Row
    in_hand: str
    hand_row: Row
    hip: bool


def pick(rng: np.random.Generator, pool: tuple[Colour, ...]) -> Colour:
    """Draw a colour near one of a pool."""
    c = np.array(pool[int(rng.integers(len(pool)))]) * math.exp(rng.normal(0, 0.18))
    c = np.clip(c * np.exp(rng.normal(0, 0.06, 3)), 0.003, 0.9)
    return float(c[0]), float(c[1]), float(c[2])


def shape_of(rng: np.random.Generator, *, parity: int, children: float = 0.07) -> int:
    """Draw a body of this parity."""
    store = load()
    want = rng.random() < children
    for _ in range(300):
        shape = 2 * int(rng.integers(len(store.child) // 2)) + parity
        if bool(store.child[shape]) == want:
            return shape
    return parity


def outfit(  # noqa: C901, PLR0912, PLR0915 -- one piece of clothing after another
    rng: np.random.Generator, *, parity: int, cold: float = 0.5
) -> Outfit:
    """Dress somebody.

    Args:
        rng: of that person.
        parity: of the scene's seed; picks bodies nobody of the other parity has.
        cold: share of coats and jackets.
    """
    store = load()
    shape = shape_of(rng, parity=parity)
    female = bool(store.female[shape])
    row = np.zeros((ROW, 4), np.float32)
    vivid = rng.random() < 0.04
    top = pick(rng, VIVID if vivid else CLOTHES[:14] if rng.random() < 0.5 else CLOTHES)
    second = pick(rng, CLOTHES)
    draw = rng.random()
    pattern, scale = 0, 0.1
    if draw < 0.14:
        pattern, scale = 6, rng.uniform(0.02, 0.12)
    elif draw < 0.2:
        pattern, scale = 7, rng.uniform(0.04, 0.12)
    elif draw < 0.27:
        pattern, scale = 10, rng.uniform(0.02, 0.1)
    elif draw < 0.34:
        pattern, scale = 4, rng.uniform(0.03, 0.15)
    if pattern in (4, 10) or rng.random() < 0.5:
        second = tuple(float(np.clip(c * math.exp(rng.normal(0, 0.5)), 0.003, 0.9)) for c in top)  # type: ignore[assignment]
    coat = rng.random() < cold
    skin = pick(rng, SKINS)
    bottom = pick(rng, TROUSERS if rng.random() < 0.85 else CLOTHES)
    sleeve = 0.97 if coat or rng.random() < 0.45 else rng.uniform(0.15, 0.55)
    if not coat and female and rng.random() < 0.15:
        sleeve = -1.0
    hem = rng.uniform(0.44, 0.5) if coat else rng.uniform(0.49, 0.57)
    skirt = None
    draw = rng.random()
    length = 0.99
    if female and draw < 0.28:
        skirt = (rng.uniform(0.35, 1.0), rng.uniform(0.03, 0.11))
        length = 0.99 if rng.random() < 0.4 else -1.0
    elif draw < 0.4 and not coat:
        length = rng.uniform(0.3, 0.6)
    elif coat and draw < 0.6:
        skirt = (rng.uniform(0.15, 0.6), rng.uniform(0.02, 0.06))
    robe = rng.random() < 0.03
    if robe:
        skirt, sleeve, coat = (rng.uniform(0.8, 1.05), rng.uniform(0.04, 0.1)), 0.97, True
    dress = skirt is not None and (coat or robe or rng.random() < 0.4)
    if dress:
        hem = 0.45
    hair = pick(rng, HAIRS)
    draw = rng.random()
    style = "short"
    if female:
        style = (
            "long" if draw < 0.55 else "bun" if draw < 0.72 else "tail" if draw < 0.87 else "short"
        )
    elif draw < 0.14:
        style = "bald"
    elif draw < 0.18:
        style = "long"
    thr, slope = rng.uniform(0.1, 0.4), rng.uniform(0.7, 1.1)
    if style == "bald":
        thr = rng.choice([2.0, 2.0, -0.1])
        slope = slope if thr > 1 else 1.4
    store_head = load().near
    middle = store_head.rest[store_head.part == G["head"]].mean(0)
    row[0] = (1.0, 0, pattern, scale)
    row[1] = (*top, 0.08 if coat and rng.random() < 0.2 else 0.02)
    row[2] = (*second, 0)
    row[3] = (*skin, sleeve)
    row[4] = (*bottom, length)
    row[5] = (*pick(rng, TROUSERS if rng.random() < 0.75 else CLOTHES), hem)
    row[6] = (*hair, 0)
    opening = rng.uniform(0.008, 0.05) if coat and rng.random() < 0.45 else 0.0
    row[7] = (*pick(rng, CLOTHES), opening)
    thick = rng.uniform(0.015, 0.045) if coat else rng.uniform(0.006, 0.02)
    if robe:
        thick = 0.05
    row[8] = (
        thick,
        thick * rng.uniform(0.6, 0.9),
        rng.uniform(0.006, 0.022),
        rng.uniform(0.008, 0.03),
    )
    row[9] = (middle[0], middle[2], thr, slope)
    low_pattern = 4 if rng.random() < 0.3 else 0
    row[10] = (low_pattern, 0.08, rng.choice([0, 1, 2]), rng.uniform(0.79, 0.85))
    row[11] = (*pick(rng, CLOTHES), float(coat and rng.random() < 0.35))
    skirt_colour = top if dress else bottom
    draw = rng.random()
    hat = "none"
    if robe and rng.random() < 0.7:
        hat = "scarf"
    elif draw < 0.1:
        hat = "cap"
    elif draw < 0.16 + 0.06 * cold:
        hat = "beanie"
    elif draw < 0.25:
        hat = "scarf" if female else "hood"
    elif draw < 0.27:
        hat = "brim"
    elif draw < 0.28:
        hat = "helmet"
    back = "bag" if rng.random() < 0.16 else "none"
    draw = rng.random()
    hand = "bag" if draw < 0.16 else "two" if draw < 0.22 else "basket" if draw < 0.3 else "none"
    pool = CLOTHES if rng.random() < 0.8 else VIVID
    hat_colour = top if hat == "hood" else pick(rng, pool)
    return Outfit(
        row, shape, skirt,
        plain(skirt_colour, pattern=pattern if dress else 0, scale=scale, b=second, spec=0.02),
        style, plain(hair, pattern=13, scale=0.03, b=tuple(0.6 * c for c in hair), spec=0.1, head=True),  # type: ignore[arg-type]
        hat, plain(hat_colour, pattern=13 if rng.random() < 0.5 else 0, scale=0.05, b=hat_colour, head=True),
        back, plain(pick(rng, CLOTHES if rng.random() < 0.8 else VIVID), spec=0.08),
        hand, plain(pick(rng, CLOTHES if rng.random() < 0.6 else VIVID), pattern=11 if rng.random() < 0.3 else 0,
                    scale=0.2, b=pick(rng, CLOTHES), spec=0.1),
        bool(rng.random() < 0.2),
    )  # fmt: skip


MANNEQUIN = tuple(linear(*c) for c in (
    (235, 232, 226), (214, 210, 206), (150, 150, 152), (40, 40, 42), (24, 24, 25), (222, 200, 180),
))  # fmt: skip


def mannequin(rng: np.random.Generator, *, parity: int) -> Outfit:
    """Dress a shop-window dummy: one colour of skin, no face, no hair; some wear clothes."""
    base = outfit(rng, parity=parity, cold=0.3)
    row = base.row.copy()
    colour = MANNEQUIN[int(rng.integers(len(MANNEQUIN)))]
    row[3, :3] = colour
    row[9, 2] = 3.0
    row[5, :3] = colour
    bare = rng.random() < 0.45
    if bare:
        row[0, 2], row[10, 0] = 0, 0
        row[1, :3] = row[2, :3] = row[4, :3] = row[7, :3] = colour
        row[8] = 0.001
        row[7, 3] = 0
    row[8, 3] = 0.0
    none = plain(colour)
    return Outfit(
        row, base.shape, None if bare else base.skirt, base.skirt_row, "bald", none, "none", none,
        "none", none, "none", none, hip=False,
    )  # fmt: skip


@dataclass(slots=True)
class Person:
    """Somebody in a picture: all points of the body, its head and foot, its objects."""

    points: Array
    head: Array
    foot: Array
    objects: list[int]


def put(
    soup: Soup,
    shape: Shape,
    *,
    at: Array,
    size: tuple[float, float, float],
    row: Row,
    rotation: Array = EYE,
    part: Array | float = 2.0,
) -> Array:
    """Add a unit shape, scaled, turned and moved; give its points."""
    scaled = shape.vertices * size
    points = scaled @ rotation.T + at
    normals = (shape.normals / np.array(size)) @ rotation.T
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-9)
    soup.add(points, normals, scaled + 7.3, shape.faces, row=row, part=part)
    return np.asarray(points)


def box(
    soup: Soup,
    *,
    at: tuple[float, float, float],
    size: tuple[float, float, float],
    row: Row,
    yaw: float = 0.0,
    cut: float = 0.6,
) -> None:
    """Add a box standing with its foot's middle at `at`."""
    counts = [max(1, min(14, math.ceil(s / cut))) for s in size]
    shape, axes = block(*counts)
    middle = np.array(at) + np.array([0, 0, size[2] / 2])
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
    put(
        soup,
        tube(columns),
        at=np.asarray(a, float),
        size=(radius, radius, length),
        row=row,
        rotation=rotation,
    )


def _owned(row: Row, owner: int) -> Row:
    out = row.copy()
    out[0, 1] = owner
    return out


def put_person(  # noqa: C901 -- one thing worn after another
    soup: Soup,
    wears: Outfit,
    body: Posed,
    *,
    place: tuple[float, float, float],
    yaw: float,
    owner: int,
    rng: np.random.Generator,
    bags: bool = True,
) -> Person:
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

    def worn(  # noqa: PLR0917 -- a shorthand of this function alone
        shape: Shape,
        offset: tuple[float, float, float],
        scale: tuple[float, float, float],
        row: Row,
        frame: Array,
        base: Array,
    ) -> None:
        spot = base + frame @ (np.array(offset) * size)
        large = (scale[0] * size, scale[1] * size, scale[2] * size)
        every.append(put(soup, shape, at=spot, size=large, row=_owned(row, owner), rotation=frame))

    if wears.hat not in ("scarf", "hood", "beanie", "helmet"):
        if wears.hair == "long":
            drop = rng.uniform(0.1, 0.22)
            worn(
                coarse,
                (-0.05, 0, -drop * 0.6),
                (0.062, 0.088, drop + 0.03),
                wears.hair_row,
                skull,
                head,
            )
        elif wears.hair == "bun":
            worn(coarse, (-0.1, 0, 0.05), (0.04, 0.045, 0.04), wears.hair_row, skull, head)
        elif wears.hair == "tail":
            worn(coarse, (-0.11, 0, -0.04), (0.03, 0.03, 0.11), wears.hair_row, skull, head)
    if wears.hat in ("cap", "beanie", "helmet"):
        large = {"cap": 0.108, "beanie": 0.112, "helmet": 0.128}[wears.hat]
        worn(
            ball(10, 4, 0.5),
            (-0.01, 0, 0.035),
            (large, large * 0.86, large * 0.95),
            wears.hat_row,
            skull,
            head,
        )
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


def _skirt(
    soup: Soup, wears: Outfit, body: Posed, *, out: object, world: Array, owner: int
) -> Array:
    assert wears.skirt is not None
    length, flare = wears.skirt
    j = body.joints
    hip = (j[G["uleg.L"]] + j[G["uleg.R"]]) / 2
    knee = (j[G["lleg.L"]] + j[G["lleg.R"]]) / 2
    ankle = (j[G["foot.L"]] + j[G["foot.R"]]) / 2
    apart = [
        float(np.linalg.norm((j[G[n + ".L"]] - j[G[n + ".R"]])[:2]))
        for n in ("uleg", "lleg", "foot")
    ]
    fore = [abs(float((j[G[n + ".L"]] - j[G[n + ".R"]])[0])) for n in ("uleg", "lleg", "foot")]
    lines, columns = 5, 14
    u = np.linspace(0, 2 * math.pi, columns + 1)
    size = body.height / 1.7
    points, normals = [], []
    for line in range(lines + 1):
        t = -0.22 + (length * 2 + 0.22) * line / lines  # 0 hip, 1 knee, 2 ankle
        if t < 1:
            middle, a, f = (
                hip + (knee - hip) * t,
                np.interp(t, (0, 1), apart[:2]),
                np.interp(t, (0, 1), fore[:2]),
            )
        else:
            middle = knee + (ankle - knee) * (t - 1)
            a, f = np.interp(t, (1, 2), apart[1:]), np.interp(t, (1, 2), fore[1:])
        wave = 1 + 0.05 * np.sin(u * 7) * max(0.0, t)
        rx = (0.13 * size + f / 2 * 0.9 + flare * max(t, 0)) * wave
        ry = (0.105 * size + a / 2 * 0.9 + flare * max(t, 0)) * wave
        points.append(
            np.stack(
                [
                    middle[0] + rx * np.cos(u),
                    middle[1] + ry * np.sin(u),
                    np.full_like(u, middle[2]),
                ],
                1,
            )
        )
        normals.append(np.stack([np.cos(u), np.sin(u), np.full_like(u, 0.15)], 1))
    flat, n = np.concatenate(points), np.concatenate(normals)
    moved = np.asarray(out(flat))  # type: ignore[operator]
    grid = sheet(lines, columns)
    tex = np.concatenate([grid[0] * [0.8, length * 0.8], np.zeros((len(flat), 1))], 1)
    soup.add(moved, n @ world.T, tex, grid[1], row=_owned(wears.skirt_row, owner), part=2.0)
    return moved


def _baggage(
    soup: Soup, wears: Outfit, body: Posed, *, world: Array, shift: Array, rng: np.random.Generator
) -> None:
    chest = world @ body.turns[G["chest"]]
    joints = body.joints @ world.T + shift
    size = body.height / 1.7
    if wears.back == "bag":
        at = joints[G["chest"]] + chest @ (np.array([-0.19, 0, 0.12]) * size)
        put(
            soup,
            ball(8, 6),
            at=at,
            size=(0.13 * size, 0.16 * size, 0.24 * size),
            row=wears.back_row,
            rotation=chest,
        )
    if wears.hip:
        side = 1 if rng.random() < 0.5 else -1
        hip = joints[G["pelvis"]] + world @ (np.array([0.0, side * 0.24, 0.02]) * size)
        shape, axes = block()
        put(
            soup,
            shape,
            at=hip,
            size=(0.3 * size, 0.1, 0.22 * size),
            row=wears.back_row,
            rotation=world,
            part=axes,
        )
        rod(
            soup,
            hip + np.array([0, 0, 0.1]),
            joints[G["neck"]] + [0, 0, 0.04],
            radius=0.012,
            row=wears.back_row,
        )
    hands = [joints[G[name]] for name in ("hand.L", "hand.R")]
    if wears.in_hand in ("bag", "two", "basket"):
        for index, hand in enumerate(hands):
            if (
                (wears.in_hand != "two" and index == 0)
                or hand[2] < 0.4 * size
                or hand[2] > 1.1 * size
            ):
                continue
            high = rng.uniform(0.2, 0.4)
            if wears.in_hand == "basket":
                row = wears.hand_row.copy()
                row[0, 2:] = (9, 0.05)
                box(
                    soup,
                    at=(hand[0], hand[1], hand[2] - 0.42),
                    size=(0.42, 0.28, 0.24),
                    row=row,
                    yaw=rng.uniform(0, 3),
                )
            else:
                wide = rng.uniform(0.2, 0.38)
                box(
                    soup,
                    at=(hand[0], hand[1], hand[2] - 0.12 - high),
                    size=(wide, 0.11, high),
                    row=wears.hand_row,
                    yaw=math.atan2(world[1, 0], world[0, 0]) + rng.normal(0, 0.3),
                )
