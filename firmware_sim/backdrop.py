"""What a camera sees of an empty room: floor, walls, furniture and light, traced once per camera.

Colours are BGR. All textures come from the room's floor seed.
"""

# ruff: noqa: PLR2004 -- sizes of goods and odds of looks are made up here, once each

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from firmware_sim.scene import Box, CameraSpec, Room

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]

CEILING_M = 3.2
LENS_UNDER_CEILING_M = 0.3
SHELF_M = 0.36
FAR_M = 1e6
NOISE_SIDE = 256


@dataclass(frozen=True, slots=True)
class Lens:
    """A pinhole camera as numbers.

    Attributes:
        eye: (3,) metres.
        axes: (3, 3): rows are image right, image up and straight ahead, in the room's frame.
        focal_px: focal length.
        middle_px: (2,) principal point; pixel (column j, row i) covers [j, j+1) x [i, i+1).
    """

    eye: NDArray[np.float64]
    axes: NDArray[np.float64]
    focal_px: float
    middle_px: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Lamps:
    """A room's light.

    Attributes:
        towards: (k, 3) unit directions to the directional lights, upwards.
        strength: (k,) how much of the floor's light each one's shadow takes away.
        contact: the same for the dark right under the feet.
        ambient: brightness of a surface that faces no lamp, against one that faces all.
        tint: (3,) colour cast.
        exposure: of the camera.
    """

    towards: Floats
    strength: Floats
    contact: float
    ambient: float
    tint: Floats
    exposure: float


@dataclass(frozen=True, slots=True)
class Backdrop:
    """The empty room in one camera.

    Attributes:
        image: (H, W, 3) uint8.
        depth_m: (H, W) distance along the optical axis; what hides people.
        floor: (H, W) uint8, 255 where a shadow can fall.
        light: (H, W) brightness that reaches a person standing there, exposure and vignette in.
    """

    image: NDArray[np.uint8]
    depth_m: Floats
    floor: NDArray[np.uint8]
    light: Floats


@dataclass(frozen=True, slots=True)
class _Hits:
    depth_m: Floats
    surface: Ints  # 0 floor, 1 wall, 2 ceiling, 3 + 2 * box side, 4 + 2 * box top
    place: Floats  # (P, 3) metres
    across: Floats  # (P,) metres along the wall or side that was hit


def lens_of(camera: CameraSpec) -> Lens:
    """Turn angles into axes."""
    cos, sin = math.cos(camera.tilt), math.sin(camera.tilt)
    east, north = math.cos(camera.pan), math.sin(camera.pan)
    ahead = np.array([sin * east, sin * north, -cos])
    up = np.array([cos * east, cos * north, sin])
    return Lens(
        eye=np.array([camera.east_m, camera.north_m, camera.height_m]),
        axes=np.stack([np.cross(ahead, up), up, ahead]),
        focal_px=camera.width_px / 2 / math.tan(camera.hfov / 2),
        middle_px=(camera.width_px / 2, camera.height_px / 2),
    )


def rays_of(lens: Lens, *, width_px: int, height_px: int) -> Floats:
    """Give the (H, W, 3) ray through each pixel's centre, 1 m long along the optical axis."""
    right = (np.arange(width_px) + 0.5 - lens.middle_px[0]) / lens.focal_px
    up = (lens.middle_px[1] - np.arange(height_px) - 0.5) / lens.focal_px
    rays = right[None, :, None] * lens.axes[0] + up[:, None, None] * lens.axes[1] + lens.axes[2]
    return np.asarray(rays, np.float32)


def lamps_of(room: Room) -> Lamps:
    """Hang the lamps of a room's seed."""
    rng = np.random.default_rng([room.floor, 0x11647])
    count = int(rng.integers(1, 3))
    turn = rng.uniform(0, 2 * math.pi, count)
    high = rng.uniform(math.radians(48), math.radians(82), count)
    towards = np.stack([np.cos(high) * np.cos(turn), np.cos(high) * np.sin(turn), np.sin(high)], 1)
    warm = rng.normal(0, 0.05)
    return Lamps(
        towards=towards.astype(np.float32),
        strength=(rng.uniform(0.08, 0.42, count) / math.sqrt(count)).astype(np.float32),
        contact=float(rng.uniform(0.25, 0.6)),
        ambient=float(rng.uniform(0.35, 0.65)),
        tint=np.array([1 - warm, 1 + rng.normal(0, 0.015), 1 + warm], np.float32),
        exposure=float(np.clip(rng.normal(1.0, 0.17), 0.6, 1.45)),
    )


def backdrop_of(room: Room, *, camera: CameraSpec, lamps: Lamps) -> Backdrop:
    """Trace the empty room."""
    lens = lens_of(camera)
    rays = rays_of(lens, width_px=camera.width_px, height_px=camera.height_px)
    shape = rays.shape[:2]
    hits = _trace(room, lens=lens, rays=rays.reshape(-1, 3))
    rng = np.random.default_rng([room.floor, 0xF1008])
    noise = noise_of(rng)
    colour = _paint(room, hits=hits, rng=rng, noise=noise, rays=rays.reshape(-1, 3))
    light = _light(room, hits=hits, noise=noise, lamps=lamps) * _vignette(shape, rng=rng)
    shaded = colour * light[:, None] * lamps.tint
    floor = (hits.surface == 0).reshape(shape)
    return Backdrop(
        image=np.clip(shaded * 255, 0, 255).astype(np.uint8).reshape(*shape, 3),
        depth_m=hits.depth_m.reshape(shape),
        floor=np.where(floor, 255, 0).astype(np.uint8),
        light=light.reshape(shape),
    )


def noise_of(rng: np.random.Generator) -> Floats:
    """Make a tile of smooth noise, zero mean, about -1 to 1, that repeats without a seam."""
    total = np.zeros((NOISE_SIDE, NOISE_SIDE), np.float32)
    for octave in range(1, 6):
        side = 2 ** (octave + 2)
        coarse = rng.normal(0, 1, (side, side)).astype(np.float32)
        wrapped = np.pad(coarse, 1, mode="wrap")
        step = NOISE_SIDE // side
        big = cv2.resize(wrapped, None, fx=step, fy=step, interpolation=cv2.INTER_CUBIC)
        total += big[step:-step, step:-step] / octave
    return np.asarray(total / (2.5 * total.std()), np.float32)


def _trace(room: Room, *, lens: Lens, rays: Floats) -> _Hits:
    eye = lens.eye.astype(np.float32)
    with np.errstate(divide="ignore", invalid="ignore"):
        ceiling_m = max(CEILING_M, float(eye[2]) + LENS_UNDER_CEILING_M)
        size = np.array([room.width_m, room.depth_m, ceiling_m], np.float32)
        leaves = np.where(rays > 0, (size - eye) / rays, -eye / rays)
        leaves = np.where(np.isfinite(leaves) & (leaves > 0), leaves, FAR_M)
        axis = leaves.argmin(1)
        depth = leaves.min(1).astype(np.float32)
        surface = np.where(axis == 2, np.where(rays[:, 2] < 0, 0, 2), 1)
        sideways = axis.copy()
        for number, box in enumerate(room.boxes):
            low = np.array([box.west_m, box.south_m, 0], np.float32)
            high = np.array([box.east_m, box.north_m, box.height_m], np.float32)
            first, second = (low - eye) / rays, (high - eye) / rays
            near_all = np.minimum(first, second)
            near = np.nan_to_num(near_all, nan=-FAR_M).max(1)
            far = np.nan_to_num(np.maximum(first, second), nan=FAR_M).min(1)
            hit = (near < far) & (near > 0) & (near < depth)
            face = np.nan_to_num(near_all, nan=-FAR_M).argmax(1)
            depth = np.where(hit, near, depth).astype(np.float32)
            surface = np.where(hit, 3 + 2 * number + (face == 2), surface)
            sideways = np.where(hit, face, sideways)
    place = (eye + depth[:, None] * rays).astype(np.float32)
    across = np.where(sideways == 0, place[:, 1], place[:, 0]).astype(np.float32)
    return _Hits(depth_m=depth, surface=surface, place=place, across=across)


def _paint(
    room: Room, *, hits: _Hits, rng: np.random.Generator, noise: Floats, rays: Floats
) -> Floats:
    colour = np.zeros_like(hits.place)
    table = rng.integers(0, 1 << 16, (64, 64))
    floor = hits.surface == 0
    colour[floor] = _floor(hits.place[floor], rng=rng, noise=noise, table=table)
    colour[floor] += _gleam(hits.place[floor], rays[floor], rng=rng)
    wall = hits.surface == 1
    colour[wall] = _wall(hits.across[wall], hits.place[wall, 2], rng=rng, noise=noise)
    ceiling = hits.surface == 2
    colour[ceiling] = np.where(
        _panels(hits.place[ceiling], spacing_m=2.4)[:, None], 1.3, rng.uniform(0.4, 0.75)
    )
    for number, box in enumerate(room.boxes):
        side, top = hits.surface == 3 + 2 * number, hits.surface == 4 + 2 * number
        colour[side] = _side(hits.across[side], hits.place[side, 2], box=box, rng=rng, noise=noise)
        colour[top] = _top(hits.place[top], box=box, rng=rng, noise=noise)
    return colour


def _at(noise: Floats, x: Floats, y: Floats) -> Floats:
    rows = np.floor(y).astype(np.int64) % NOISE_SIDE
    cols = np.floor(x).astype(np.int64) % NOISE_SIDE
    return np.asarray(noise[rows, cols])


def _hash(table: Ints, x: Ints, y: Ints) -> Floats:
    """Give a number in 0..1 that belongs to a pair of whole numbers."""
    mixed = table[y % 64, x % 64] ^ table[(x * 7 + 3) % 64, (y * 5 + 11) % 64]
    return ((mixed & 0xFFFF) / 65535.0).astype(np.float32)


def muted(rng: np.random.Generator, *, low: float, high: float, vivid: float) -> Floats:
    """Draw a colour: how bright, and at most how colourful."""
    value, saturation = rng.uniform(low, high), vivid * rng.random() ** 1.5
    wheel = np.clip(np.abs((rng.random() * 6 + np.array([2.0, 4.0, 0.0])) % 6 - 3) - 1, 0, 1)
    return np.asarray(value * (1 - saturation + saturation * wheel), np.float32)


def _floor(place: Floats, *, rng: np.random.Generator, noise: Floats, table: Ints) -> Floats:
    kind = rng.choice(["tiles", "tiles", "wood", "concrete", "carpet", "checker"])
    turn = rng.choice([0.0, 0.0, math.pi / 2, math.pi / 4])
    x = place[:, 0] * math.cos(turn) - place[:, 1] * math.sin(turn)
    y = place[:, 0] * math.sin(turn) + place[:, 1] * math.cos(turn)
    base = muted(rng, low=0.2, high=0.85, vivid=0.2)
    stains = 1 + rng.uniform(0.02, 0.1) * _at(noise, place[:, 0] * 20, place[:, 1] * 20)
    if kind in ("tiles", "checker"):
        side, joint = rng.uniform(0.25, 0.8), rng.uniform(0.006, 0.02)
        cols, rows = np.floor(x / side).astype(np.int64), np.floor(y / side).astype(np.int64)
        tone = 1 + rng.uniform(0.0, 0.1) * (_hash(table, cols, rows) - 0.5)
        if kind == "checker":
            tone = tone * np.where((cols + rows) % 2 == 0, 1.0, rng.uniform(0.55, 0.95))
        edge = np.minimum(np.mod(x, side), np.mod(y, side)) < joint
        tone = np.where(edge, tone * rng.uniform(0.6, 1.15), tone)
    elif kind == "wood":
        wide, long = rng.uniform(0.09, 0.2), rng.uniform(0.8, 1.8)
        rows = np.floor(y / wide).astype(np.int64)
        cols = np.floor(x / long + _hash(table, rows, rows) * 3).astype(np.int64)
        tone = 1 + rng.uniform(0.1, 0.3) * (_hash(table, cols, rows) - 0.5)
        tone = tone * (1 + 0.05 * _at(noise, x * 12, y * 160))
        tone = np.where(np.mod(y, wide) < 0.008, tone * 0.75, tone)
        base = base * np.array([0.65, 0.85, 1.0], np.float32)
    elif kind == "carpet":
        tone = 1 + 0.12 * _at(noise, x * 130, y * 130)
        base = base * rng.uniform(0.5, 0.9)
    else:
        tone = 1 + rng.uniform(0.05, 0.16) * _at(noise, x * 45, y * 45)
    return np.asarray(base * (tone * stains)[:, None], np.float32)


def _panels(place: Floats, *, spacing_m: float) -> NDArray[np.bool_]:
    return np.asarray(
        (np.mod(place[:, 0], spacing_m) < 0.35 * spacing_m)
        & (np.mod(place[:, 1], spacing_m) < 0.5 * spacing_m)
    )


def _gleam(place: Floats, rays: Floats, *, rng: np.random.Generator) -> Floats:
    """Mirror the lamps in the floor, blurred as a matt floor does."""
    gloss, spacing = rng.choice([0.0, 0.06, 0.16]), rng.uniform(2.0, 4.5)
    up = np.maximum(-rays[:, 2:3], 0.15)
    seen = place[:, :2] + rays[:, :2] / up * 4.0
    waves = np.cos(2 * math.pi * seen / spacing)
    bright = np.exp(rng.uniform(1.5, 4) * (waves.sum(1) - 2))
    return np.asarray((gloss * bright)[:, None] * np.ones(3), np.float32)


def _wall(across: Floats, up: Floats, *, rng: np.random.Generator, noise: Floats) -> Floats:
    base = muted(rng, low=0.35, high=0.9, vivid=0.16)
    colour = base * (1 + 0.04 * _at(noise, across * 15, up * 15))[:, None]
    for _ in range(int(rng.integers(0, 9))):
        _poster(colour, across, up, rng=rng)
    return np.asarray(colour * np.where(up < 0.1, 0.5, 1.0)[:, None], np.float32)


def _poster(colour: Floats, across: Floats, up: Floats, *, rng: np.random.Generator) -> None:
    """Hang a picture, some of them of people: what a detector must not count."""
    left, low = rng.uniform(0, 18), rng.uniform(0.5, 1.6)
    wide, tall = rng.uniform(0.4, 1.8), rng.uniform(0.5, 1.4)
    inside = (across > left) & (across < left + wide) & (up > low) & (up < low + tall)
    u, v = (across[inside] - left) / wide, (up[inside] - low) / tall
    paint = np.tile(muted(rng, low=0.2, high=1.0, vivid=0.8), (int(inside.sum()), 1))
    paint[np.mod(v * rng.uniform(3, 9), 1) < 0.3] = muted(rng, low=0.1, high=1.0, vivid=0.8)
    if rng.random() < 0.4:
        face = ((u - 0.5) / 0.16) ** 2 + ((v - 0.7) / 0.17) ** 2 < 1
        chest = ((u - 0.5) / 0.32) ** 2 + ((v - 0.2) / 0.38) ** 2 < 1
        paint[chest] = muted(rng, low=0.1, high=0.9, vivid=0.6)
        paint[face] = (0.45, 0.57, 0.78)
    colour[inside] = paint


def _side(
    across: Floats, up: Floats, *, box: Box, rng: np.random.Generator, noise: Floats
) -> Floats:
    if box.look == "till":
        base = muted(rng, low=0.25, high=0.8, vivid=0.3)
        return np.asarray(base * (1 + 0.03 * _at(noise, across * 20, up * 20))[:, None])
    table = rng.integers(0, 1 << 16, (64, 64))
    shelf = np.floor(up / SHELF_M).astype(np.int64)
    within = np.mod(up, SHELF_M) / SHELF_M
    wide = (0.07 + 0.2 * _hash(table, shelf, shelf * 3)).astype(np.float32)
    item = np.floor(across / wide).astype(np.int64)
    brand = item // (1 + (table[shelf % 64, 5] % 5))
    colours = np.stack([muted(rng, low=0.15, high=0.95, vivid=0.55) for _ in range(24)])
    goods = colours[(_hash(table, brand, shelf) * 23.9).astype(np.int64)]
    goods = goods * (0.85 + 0.3 * _hash(table, item, shelf + 7))[:, None]
    label = (within > 0.3) & (within < 0.5)
    goods = np.where(label[:, None], 0.6 * goods + 0.3, goods)
    tall = 0.55 + 0.4 * _hash(table, brand, shelf + 13)
    gap = (within > tall) | (np.mod(across / wide, 1) < 0.06)
    board = within < 0.09
    metal = rng.uniform(0.35, 0.9)
    return np.asarray(np.where(board[:, None], metal, goods * np.where(gap, 0.3, 1.0)[:, None]))


def _top(place: Floats, *, box: Box, rng: np.random.Generator, noise: Floats) -> Floats:
    x, y = place[:, 0] - box.west_m, place[:, 1] - box.south_m
    plain = muted(rng, low=0.3, high=0.85, vivid=0.15)
    colour = plain * (1 + 0.05 * _at(noise, x * 25, y * 25))[:, None]
    if box.look == "till":
        belt = (x > 0.15 * (box.east_m - box.west_m)) & (y > 0.25 * (box.north_m - box.south_m))
        return np.asarray(np.where(belt[:, None], 0.1, colour))
    if box.look == "promo" or rng.random() < 0.5:
        table = rng.integers(0, 1 << 16, (64, 64))
        side = rng.uniform(0.12, 0.35)
        cols, rows = np.floor(x / side).astype(np.int64), np.floor(y / side).astype(np.int64)
        colours = np.stack([muted(rng, low=0.15, high=0.95, vivid=0.55) for _ in range(16)])
        goods = colours[(_hash(table, cols // 3, rows // 2) * 15.9).astype(np.int64)]
        edge = (np.mod(x, side) < 0.05 * side) | (np.mod(y, side) < 0.08 * side)
        filled = _hash(table, cols, rows) < rng.uniform(0.3, 1.0)
        goods = goods * np.where(edge, 0.4, 0.8 + 0.3 * _hash(table, rows, cols))[:, None]
        colour = np.where(filled[:, None], goods, colour)
    return np.asarray(colour)


def _light(room: Room, *, hits: _Hits, noise: Floats, lamps: Lamps) -> Floats:
    """How bright each place is: uneven lamps, dark corners at furniture, faces turned away."""
    x, y = hits.place[:, 0], hits.place[:, 1]
    uneven = 1 + 0.12 * _at(noise, x * 3, y * 3)
    sides = (hits.surface >= 3) & ((hits.surface - 3) % 2 == 0)
    light = uneven * np.where(sides, 0.55 + 0.3 * lamps.ambient, 1.0)
    light = light * np.where(sides, 0.7 + 0.3 * np.clip(hits.place[:, 2], 0, 1), 1.0)
    floor = hits.surface == 0
    dark = np.ones(int(floor.sum()), np.float32)
    fx, fy = x[floor], y[floor]
    for box in room.boxes:
        for towards, strength in zip(lamps.towards, lamps.strength, strict=True):
            dark *= 1 - strength * _shaded(fx, fy, box=box, towards=towards)
        out = np.hypot(
            np.maximum(np.maximum(box.west_m - fx, fx - box.east_m), 0),
            np.maximum(np.maximum(box.south_m - fy, fy - box.north_m), 0),
        )
        dark *= 1 - 0.4 * np.exp(-out / 0.12)
    light[floor] *= dark
    return np.asarray(light * lamps.exposure, np.float32)


def _shaded(x: Floats, y: Floats, *, box: Box, towards: Floats) -> Floats:
    """How deep a floor point is in a box's shadow: 1 inside, 0 outside, soft in between."""
    steps = 14
    total = np.zeros_like(x)
    for step in range(1, steps + 1):
        up = box.height_m * step / steps
        dx, dy = towards[0] / towards[2] * up, towards[1] / towards[2] * up
        inside = (
            (x + dx > box.west_m)
            & (x + dx < box.east_m)
            & (y + dy > box.south_m)
            & (y + dy < box.north_m)
        )
        total = np.maximum(total, inside * (1.15 - 0.5 * step / steps))
    return total


def _vignette(shape: tuple[int, ...], *, rng: np.random.Generator) -> Floats:
    rows = (np.arange(shape[0]) + 0.5) / shape[0] - 0.5
    cols = (np.arange(shape[1]) + 0.5) / shape[1] - 0.5
    far = rows[:, None] ** 2 + cols[None, :] ** 2
    return np.asarray(1 - rng.uniform(0.0, 0.8) * far, np.float32).reshape(-1)
