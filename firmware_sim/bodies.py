"""People, trolleys and baskets as solids that a camera can look at.

A body is a set of ellipsoids, each stretched from one joint towards another: enough for what an
overhead camera resolves (head, hair, shoulders, arms, gait, shadow), and exact under perspective.
Colours are BGR, 0 to 1.
"""

# ruff: noqa: PLR2004 -- the sizes of a body and the odds of its clothes are made up here, once each

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from firmware_sim.scene import Figure

Floats = NDArray[np.float32]
Colour = tuple[float, float, float]
Point = tuple[float, float, float]
Pattern = Literal["plain", "stripes", "hoops", "checks", "print"]

PATTERNS: tuple[Pattern, ...] = ("plain", "plain", "plain", "stripes", "hoops", "checks", "print")
SKINS: tuple[Colour, ...] = (
    (0.72, 0.80, 0.94),
    (0.60, 0.70, 0.88),
    (0.45, 0.57, 0.78),
    (0.30, 0.42, 0.62),
    (0.20, 0.29, 0.45),
    (0.13, 0.18, 0.30),
)
HAIRS: tuple[Colour, ...] = (
    (0.04, 0.04, 0.05),
    (0.07, 0.09, 0.13),
    (0.10, 0.16, 0.26),
    (0.22, 0.36, 0.52),
    (0.40, 0.58, 0.72),
    (0.55, 0.56, 0.58),
    (0.80, 0.81, 0.82),
    (0.12, 0.20, 0.42),
)
STEP_PAIR_SHARE = 0.83  # two steps of a walk, in body heights; Bohannon 1997: 1.4 m at 1.7 m
SWING = 0.42  # hip angle at the end of a step, radians
CART_AHEAD_M = 0.62
_SHORT_M = 1e-6


@dataclass(frozen=True, slots=True)
class Look:
    """What stays the same about one person: build, hair, clothes."""

    skin: Colour
    hair: Colour
    top: Colour
    second: Colour
    bottom: Colour
    shoes: Colour
    bag: Colour
    pattern: Pattern
    period: float
    girth: float
    long_sleeves: bool
    shorts: bool
    skirt: bool
    coat: bool
    head: Literal["short", "long", "bald", "cap", "hat", "scarf", "bun"]
    bears: Literal["nothing", "backpack", "shoulder-bag"]


@dataclass(frozen=True, slots=True)
class Solids:
    """Ellipsoids in the room's frame; row i of each array is one of them.

    Attributes:
        centre: (n, 3) metres.
        inverse: (n, 3, 3): from an offset in metres to the unit sphere; its first row runs
            along the limb.
        spread: (n, 3, 3): rows are the half axes, metres, the limb's own first.
        colour: (n, 3).
        second: (n, 3): the pattern's other colour.
        pattern: (n,): index into ``PATTERNS``; only trunk and sleeves are patterned.
        casts: (n,): whether it is large enough to matter to a shadow.
        owner: (n,): whose part it is, by the figure's place in the list.
    """

    centre: Floats
    inverse: Floats
    spread: Floats
    colour: Floats
    second: Floats
    pattern: NDArray[np.int64]
    casts: NDArray[np.bool_]
    owner: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Wire:
    """A trolley or basket: see-through panels and the rods around them, in the room's frame.

    Attributes:
        panels: (p, 4, 3) corners, metres.
        rods: (r, 2, 3) ends, metres.
        goods: (g, 3) centres of what lies in it, metres.
        colour: of rods and panels.
        goods_colour: (g, 3).
        rod_m: thickness of a rod.
    """

    panels: Floats
    rods: Floats
    goods: Floats
    colour: Colour
    goods_colour: Floats
    rod_m: float


@dataclass(frozen=True, slots=True)
class Parked:
    """A trolley or basket that nobody holds."""

    look: int
    east_m: float
    north_m: float
    heading: float
    kind: Literal["basket", "cart"]


@dataclass(frozen=True, slots=True)
class _Part:
    start: Point
    end: Point
    over_m: float
    side_m: float
    front_m: float
    colour: Colour
    patterned: bool = False
    casts: bool = True


def look_of(seed: int) -> Look:
    """Dress the person of a seed."""
    rng = np.random.default_rng([seed, 0xB0D7])
    grey = rng.uniform(0.03, 0.9)
    return Look(
        skin=_pick(rng, SKINS),
        hair=_pick(rng, HAIRS),
        top=_cloth(rng, bright=0.95),
        second=_cloth(rng, bright=1.0),
        bottom=_cloth(rng, bright=0.55) if rng.random() < 0.7 else (grey, grey, grey),
        shoes=_cloth(rng, bright=0.9 if rng.random() < 0.4 else 0.25),
        bag=_cloth(rng, bright=0.7),
        pattern=PATTERNS[int(rng.integers(len(PATTERNS)))],
        period=float(rng.uniform(4.0, 14.0)),
        girth=float(np.clip(rng.normal(1.0, 0.13), 0.78, 1.4)),
        long_sleeves=bool(rng.random() < 0.6),
        shorts=bool(rng.random() < 0.15),
        skirt=bool(rng.random() < 0.18),
        coat=bool(rng.random() < 0.2),
        head=_head(rng),
        bears=_bears(rng),
    )


def _head(
    rng: np.random.Generator,
) -> Literal["short", "long", "bald", "cap", "hat", "scarf", "bun"]:
    draw = rng.random()
    if draw < 0.40:
        return "short"
    if draw < 0.68:
        return "long"
    if draw < 0.76:
        return "bun"
    if draw < 0.84:
        return "bald"
    if draw < 0.91:
        return "cap"
    return "hat" if draw < 0.95 else "scarf"


def _bears(rng: np.random.Generator) -> Literal["nothing", "backpack", "shoulder-bag"]:
    draw = rng.random()
    if draw < 0.6:
        return "nothing"
    return "backpack" if draw < 0.78 else "shoulder-bag"


def _pick(rng: np.random.Generator, colours: tuple[Colour, ...]) -> Colour:
    near = np.asarray(colours[int(rng.integers(len(colours)))]) * rng.uniform(0.85, 1.1)
    return _colour(near)


def _cloth(rng: np.random.Generator, *, bright: float) -> Colour:
    hue, value = rng.random(), bright * rng.uniform(0.06, 1.0)
    saturation = rng.random() ** 2.0 * 0.9
    wheel = np.clip(np.abs((hue * 6 + np.array([2.0, 4.0, 0.0])) % 6 - 3) - 1, 0, 1)
    return _colour(value * (1 - saturation + saturation * wheel))


def _colour(values: NDArray[np.float64]) -> Colour:
    blue, green, red = (float(value) for value in np.clip(values, 0.0, 1.0))
    return blue, green, red


def bodies(figures: Sequence[Figure], *, looks: Sequence[Look]) -> Solids:
    """Pose people: joints from gait phase and pose, limbs between joints."""
    groups = [_parts(figure, look) for figure, look in zip(figures, looks, strict=True)]
    return _place(groups, figures=figures, looks=looks)


def crown_m(figure: Figure) -> float:
    """How high the top of the head is in this pose."""
    return figure.height_m * (0.68 if figure.pose == "crouch" else 1.0)


def _parts(figure: Figure, look: Look) -> list[_Part]:
    unit = figure.height_m / 1.72
    crouch = figure.pose == "crouch"
    lean = {"walk": 0.05, "stand": 0.0, "reach": 0.14, "crouch": 0.45}[figure.pose]
    hip_z = (0.42 if crouch else 0.92) * unit
    hips = (-0.12 * unit if crouch else 0.0, 0.0, hip_z)
    neck = (hips[0] + 0.54 * unit * math.sin(lean), 0.0, hip_z + 0.54 * unit * math.cos(lean))
    return [
        *_legs(figure, look, hips=hips, unit=unit),
        *_trunk(look, hips=hips, neck=neck, unit=unit),
        *_arms(figure, look, neck=neck, hips=hips, unit=unit),
        *_head_parts(look, neck=neck, lean=lean, unit=unit),
    ]


def _phase(figure: Figure) -> float:
    return 2 * math.pi * figure.gait_m / (STEP_PAIR_SHARE * figure.height_m)


def _legs(figure: Figure, look: Look, *, hips: Point, unit: float) -> list[_Part]:
    parts: list[_Part] = []
    bare = look.shorts or look.skirt
    reach = SWING * min(1.0, figure.speed_m_s / 1.2)
    wide = look.girth**0.7
    for side, phase in ((1, _phase(figure)), (-1, _phase(figure) + math.pi)):
        hip = (hips[0], side * 0.095 * unit, hips[2])
        swing = reach * math.sin(phase)
        bend = reach * 1.3 * max(0.0, math.cos(phase))
        if figure.pose == "crouch":
            knee = (hips[0] + 0.36 * unit, side * 0.16 * unit, 0.46 * unit)
            ankle = (hips[0] + 0.06 * unit, side * 0.14 * unit, 0.09 * unit)
        else:
            thigh, shin = 0.43 * unit, 0.42 * unit
            knee = (
                hip[0] + thigh * math.sin(swing + 0.3 * bend),
                hip[1],
                hip[2] - thigh * math.cos(swing + 0.3 * bend),
            )
            ankle = (
                knee[0] + shin * math.sin(swing - bend),
                knee[1],
                max(0.07 * unit, knee[2] - shin * math.cos(swing - bend)),
            )
        toe = (ankle[0] + 0.15 * unit, ankle[1] * 1.15, ankle[2] - 0.04 * unit)
        heel = (ankle[0] - 0.03 * unit, ankle[1], ankle[2] - 0.03 * unit)
        shin_colour = look.skin if bare else look.bottom
        thick, thin = 0.085 * unit * wide, 0.058 * unit * wide
        parts.append(_Part(hip, knee, 0.07 * unit, thick, thick, look.bottom))
        parts.append(_Part(knee, ankle, 0.05 * unit, thin, thin, shin_colour))
        parts.append(
            _Part(heel, toe, 0.04 * unit, 0.05 * unit, 0.045 * unit, look.shoes, casts=False)
        )
    return parts


def _trunk(look: Look, *, hips: Point, neck: Point, unit: float) -> list[_Part]:
    wide = look.girth
    waist = _between(hips, neck, 0.35)
    chest = _between(hips, neck, 0.72)
    yoke = _between(hips, neck, 0.93)
    low = look.top if look.coat else look.bottom
    parts = [
        _Part(hips, waist, 0.09 * unit, 0.17 * unit * wide, 0.125 * unit * wide, low),
        _Part(waist, chest, 0.13 * unit, 0.165 * unit * wide, 0.125 * unit * wide, look.top, True),
        _Part(chest, neck, 0.08 * unit, 0.19 * unit * wide**0.6, 0.115 * unit, look.top, True),
        _Part(
            (yoke[0], -0.13 * unit, yoke[2]),
            (yoke[0], 0.13 * unit, yoke[2]),
            0.075 * unit,
            0.085 * unit,
            0.09 * unit,
            look.top,
            True,
        ),
    ]
    if look.skirt or look.coat:
        hem = (hips[0], 0.0, hips[2] * 0.55)
        cloth = look.top if look.coat else look.bottom
        parts.append(_Part(hips, hem, 0.06 * unit, 0.19 * unit * wide, 0.16 * unit * wide, cloth))
    if look.bears == "backpack":
        top = (chest[0] - 0.18 * unit, 0.0, chest[2] + 0.1 * unit)
        bottom = (waist[0] - 0.18 * unit, 0.0, waist[2])
        parts.append(_Part(top, bottom, 0.06 * unit, 0.14 * unit, 0.1 * unit, look.bag))
    if look.bears == "shoulder-bag":
        top = (waist[0], 0.24 * unit, waist[2])
        bottom = (hips[0], 0.25 * unit, hips[2] - 0.08 * unit)
        parts.append(_Part(top, bottom, 0.06 * unit, 0.07 * unit, 0.15 * unit, look.bag))
    return parts


def _arms(figure: Figure, look: Look, *, neck: Point, hips: Point, unit: float) -> list[_Part]:
    parts: list[_Part] = []
    sleeve = look.top if look.long_sleeves else look.skin
    for side in (1, -1):
        out = side * 0.2 * unit * look.girth**0.5
        shoulder = (neck[0], out, neck[2] - 0.06 * unit)
        elbow, hand = _arm(figure, shoulder, side=side, unit=unit, low=hips[2])
        parts.append(
            _Part(shoulder, elbow, 0.05 * unit, 0.055 * unit, 0.055 * unit, look.top, True)
        )
        parts.append(_Part(elbow, hand, 0.03 * unit, 0.042 * unit, 0.042 * unit, sleeve))
        parts.append(
            _Part(hand, hand, 0.06 * unit, 0.045 * unit, 0.045 * unit, look.skin, casts=False)
        )
    return parts


def _arm(
    figure: Figure, shoulder: Point, *, side: int, unit: float, low: float
) -> tuple[Point, Point]:
    front, left, up = shoulder
    if figure.carries == "cart" and figure.pose != "crouch":
        return (front + 0.16, left * 1.25, up - 0.26), (front + 0.40, left * 0.9, 1.02)
    if figure.pose == "reach" and side == 1:
        return (front + 0.27 * unit, left, up - 0.06), (front + 0.54 * unit, left * 0.7, up + 0.02)
    if figure.pose == "crouch" and side == 1:
        return (front + 0.22 * unit, left, up - 0.16), (front + 0.45 * unit, left * 0.6, up - 0.22)
    if figure.carries == "basket" and side == -1:
        return (front, left * 1.25, up - 0.27 * unit), (front + 0.05, left * 1.5, low - 0.12)
    gait = math.sin(_phase(figure)) * min(1.0, figure.speed_m_s / 1.2) * -side
    swing = 0.4 * gait if figure.pose == "walk" else 0.0
    elbow = (front + 0.28 * unit * math.sin(swing) - 0.02, left * 1.2, up - 0.28 * unit)
    hand = (
        elbow[0] + 0.24 * unit * math.sin(swing + 0.25),
        left * 1.15,
        elbow[2] - 0.24 * unit * math.cos(swing + 0.25),
    )
    return elbow, hand


def _head_parts(look: Look, *, neck: Point, lean: float, unit: float) -> list[_Part]:
    front = neck[0] + 0.03 * unit
    base = neck[2] + 0.02 * unit
    chin, top = (front, 0.0, base + 0.09 * unit), (front, 0.0, base + 0.17 * unit)
    side, deep = 0.077 * unit, 0.097 * unit
    parts = [
        _Part(neck, (front, 0.0, base + 0.07 * unit), 0.03, 0.055 * unit, 0.06 * unit, look.skin),
        _Part(chin, top, 0.075 * unit, side, deep, look.skin),
    ]
    hair = look.second if look.head in ("cap", "hat", "scarf") else look.hair
    back = front - (0.022 + 0.02 * lean) * unit
    if look.head != "bald":
        parts.append(
            _Part(
                (back, 0.0, base + 0.13 * unit),
                (back, 0.0, base + 0.19 * unit),
                0.075 * unit,
                side * 1.1,
                deep * 1.04,
                hair,
            )
        )
    if look.head in ("long", "scarf"):
        low = (back - 0.04 * unit, 0.0, base - 0.08 * unit)
        high = (back - 0.04 * unit, 0.0, base + 0.13 * unit)
        parts.append(_Part(low, high, 0.04, side * 1.15, 0.07 * unit, hair))
    if look.head == "bun":
        knot = (back - 0.1 * unit, 0.0, base + 0.2 * unit)
        parts.append(_Part(knot, knot, 0.05, 0.05, 0.05, hair, casts=False))
    if look.head in ("cap", "hat"):
        ahead = 0.09 * unit if look.head == "cap" else 0.0
        size = 0.09 if look.head == "cap" else 0.165
        brim = (front + ahead, 0.0, base + 0.185 * unit)
        parts.append(_Part(brim, brim, 0.016, size * unit, size * 1.1 * unit, hair, casts=False))
    return parts


def _between(start: Point, end: Point, share: float) -> Point:
    front, left, up = (a + share * (b - a) for a, b in zip(start, end, strict=True))
    return front, left, up


def _place(
    groups: list[list[_Part]], *, figures: Sequence[Figure], looks: Sequence[Look]
) -> Solids:
    parts = [part for group in groups for part in group]
    owner = np.repeat(np.arange(len(groups)), [len(group) for group in groups])
    table = np.array(
        [
            (*p.start, *p.end, p.over_m, p.side_m, p.front_m, *p.colour, p.patterned, p.casts)
            for p in parts
        ]
    ).reshape(-1, 14)
    start, along = table[:, :3], table[:, 3:6] - table[:, :3]
    length = np.sqrt((along * along).sum(1))
    unit = along / np.maximum(length, _SHORT_M)[:, None]
    along = np.where(length[:, None] > _SHORT_M, unit, (0.0, 0.0, 1.0))
    # A part that itself runs sideways (the shoulders) needs another second axis.
    second = np.where(np.abs(along[:, 1:2]) > 0.95, (0.0, 0.0, 1.0), (0.0, 1.0, 0.0))
    left = second - (second * along).sum(1)[:, None] * along
    left /= np.sqrt((left * left).sum(1))[:, None]
    front = np.cross(left, along)
    half = np.stack([length / 2 + table[:, 6], table[:, 7], table[:, 8]], 1)
    room = np.array([room_from_body(figure.heading) for figure in figures]).reshape(-1, 3, 3)
    axes = np.stack([along, left, front], 1) @ room[owner].transpose(0, 2, 1)
    stands = np.array([(f.east_m, f.north_m, 0.0) for f in figures]).reshape(-1, 3)
    middle = np.einsum("nij,nj->ni", room[owner], start + (table[:, 3:6] - start) / 2)
    patterns = np.array([PATTERNS.index(look.pattern) for look in looks], np.int64)
    return Solids(
        centre=(middle + stands[owner]).astype(np.float32),
        inverse=(axes / half[:, :, None]).astype(np.float32),
        spread=(axes * half[:, :, None]).astype(np.float32),
        colour=table[:, 9:12].astype(np.float32),
        second=np.array([look.second for look in looks], np.float32).reshape(-1, 3)[owner],
        pattern=np.where(table[:, 12] > 0, patterns[owner], 0),
        casts=table[:, 13] > 0,
        owner=owner,
    )


def room_from_body(heading: float) -> NDArray[np.float64]:
    """Give the (3, 3) rotation from front, left, up to east, north, up."""
    cos, sin = math.cos(heading), math.sin(heading)
    return np.array([[cos, -sin, 0.0], [sin, cos, 0.0], [0.0, 0.0, 1.0]])


def carried(figure: Figure) -> tuple[Parked, float] | None:
    """Give what a person moves along with them, and how high they lift it, metres."""
    if figure.carries == "nothing":
        return None
    cart = figure.carries == "cart"
    front, left = (CART_AHEAD_M + 0.4, 0.0) if cart else (0.08, -0.34)
    cos, sin = math.cos(figure.heading), math.sin(figure.heading)
    item = Parked(
        look=figure.look,
        east_m=figure.east_m + cos * front - sin * left,
        north_m=figure.north_m + sin * front + cos * left,
        heading=figure.heading,
        kind=figure.carries,
    )
    return item, 0.0 if cart else 0.42 * figure.height_m / 1.72


def put(frame: Wire, *, parked: Parked, lifted_m: float) -> Wire:
    """Move a trolley or basket from the origin to its place."""
    room = room_from_body(parked.heading).T.astype(np.float32)
    shift = np.array([parked.east_m, parked.north_m, lifted_m], np.float32)
    return replace(
        frame,
        panels=frame.panels @ room + shift,
        rods=frame.rods @ room + shift,
        goods=frame.goods @ room + shift,
    )


def wire(look: int, *, kind: Literal["basket", "cart"]) -> Wire:
    """Build a trolley (1.0 m high) or a basket (0.45 x 0.3 x 0.22 m) at the origin."""
    rng = np.random.default_rng([look, 0xCA47])
    cart = kind == "cart"
    low, high = (0.45, 0.92) if cart else (0.0, 0.22)
    length, width = (0.42, 0.27) if cart else (0.225, 0.15)
    corners = [(-1, -1), (-1, 1), (1, 1), (1, -1)]
    bottom = [(f * length * 0.88, s * width * 0.8, low) for f, s in corners]
    top = [(f * length, s * width, high) for f, s in corners]
    panels = [bottom, *([bottom[i], bottom[i - 1], top[i - 1], top[i]] for i in range(4))]
    rods = [(top[i], top[i - 1]) for i in range(4)] + [(bottom[i], top[i]) for i in range(4)]
    rods += [(bottom[i], bottom[i - 1]) for i in range(4)]
    if cart:
        wheels = [(f * 0.4, s * 0.24, 0.05) for f, s in corners]
        rods += [(wheels[i], wheels[i - 1]) for i in range(4)]
        rods += [(wheels[i], bottom[i]) for i in (0, 1)]
        grip = [(-length - 0.16, s * width, 1.03) for s in (-1, 1)]
        rods += [(grip[0], grip[1]), (grip[0], top[0]), (grip[1], top[1])]
    else:
        rods.append(((-0.05, -width, high + 0.12), (-0.05, width, high + 0.12)))
    count = int(rng.integers(0, 7))
    goods = [
        (rng.uniform(-0.7, 0.7) * length, rng.uniform(-0.6, 0.6) * width, low + 0.1)
        for _ in range(count)
    ]
    tone = rng.uniform(0.3, 0.75)
    plastic = _cloth(rng, bright=0.9)
    paints = [_cloth(rng, bright=1.0) for _ in range(count)]
    return Wire(
        panels=np.array(panels, np.float32),
        rods=np.array(rods, np.float32),
        goods=np.array(goods, np.float32).reshape(-1, 3),
        colour=(tone, tone, tone) if cart else plastic,
        goods_colour=np.array(paints, np.float32).reshape(-1, 3),
        rod_m=0.022 if cart else 0.02,
    )
