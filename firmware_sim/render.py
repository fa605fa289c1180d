"""Images of the store as its cameras take them, on the processor alone.

Bodies are traced as ellipsoids against the empty room's depth, so furniture and people hide each
other as they would; shadows, see-through trolleys and sensor noise come on top.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from firmware_sim.backdrop import Lens, backdrop_of, lamps_of, lens_of, noise_of, rays_of
from firmware_sim.bodies import (
    PATTERNS,
    Look,
    Parked,
    Solids,
    Wire,
    bodies,
    carried,
    crown_m,
    look_of,
    put,
    wire,
)
from firmware_sim.scene import CameraSpec, Figure, Room

Floats = NDArray[np.float32]
Image = NDArray[np.uint8]

BEHIND_M = 1e-6  # closer to the lens plane than this is behind it
NEAREST_M = 0.35  # what is closer to the lens plane is not drawn
NOISE_FRAMES = 6
SLACK_PX = 24  # how far the noise frames are shifted from image to image
SHADOW_SCALE = 2  # shadows are drawn at half size: they are soft
PRINT_SIZE = 0.42  # of a shirt's print, against the trunk
SOFT_SHADOW_M = 0.12


@dataclass(frozen=True, slots=True)
class Label:
    """The truth about one person in one image; all pixels continuous, origin top left.

    Attributes:
        look: the figure's seed.
        foot_px: between the soles, on the floor; may lie outside the image.
        head_px: the crown; may lie outside the image.
        box_px: left, top, right, bottom of the whole body without what it carries, hidden parts
            included; may reach outside the image.
        visible: share of the whole body that shows in the image, 0 to 1.
    """

    look: int
    foot_px: tuple[float, float]
    head_px: tuple[float, float]
    box_px: tuple[float, float, float, float]
    visible: float


@dataclass(frozen=True, slots=True)
class _Canvas:
    """What has been drawn so far: distance of what shows, and whose part it is (-1: the room)."""

    depth_m: Floats
    part: NDArray[np.int16]


@dataclass(frozen=True, slots=True)
class _Crowd:
    """Everybody's ellipsoids, and where they fall in the image.

    Attributes:
        solids: in the order of the figures.
        first: (figures + 1,) where each figure's parts begin.
        box_px: (figures, 4) left, top, right, bottom.
        ahead: (figures,) whether all of the figure is in front of the lens.
    """

    solids: Solids
    first: NDArray[np.int64]
    box_px: NDArray[np.float64]
    ahead: NDArray[np.bool_]


def project(camera: CameraSpec, points_m: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give the pixels of points in the room.

    Args:
        camera: any pinhole.
        points_m: (N, 3) east, north, up, metres.

    Returns:
        (N, 2) x right, y down; pixel (column j, row i) covers [j, j+1) x [i, i+1). NaN for what
        lies behind the lens.
    """
    lens = lens_of(camera)
    return _project(lens, np.asarray(points_m, np.float64))


def _project(lens: Lens, points: NDArray[np.float64]) -> NDArray[np.float64]:
    seen = (points - lens.eye) @ lens.axes.T
    ahead = np.where(seen[:, 2] > BEHIND_M, seen[:, 2], np.nan)
    x = lens.middle_px[0] + lens.focal_px * seen[:, 0] / ahead
    y = lens.middle_px[1] - lens.focal_px * seen[:, 1] / ahead
    return np.stack([x, y], 1)


class Renderer:
    """One camera's view of one room.

    Args:
        room: what stands still; its floor seed makes textures and light.
        camera: any pinhole: 2 to 8 m high, looking down or at a slant.
        seed: of the sensor's noise and the camera's own faults.
    """

    def __init__(self, room: Room, camera: CameraSpec, *, seed: int) -> None:
        rng = np.random.default_rng([seed, room.floor, 0xCA3])
        self._lens = lens_of(camera)
        self._rays = rays_of(self._lens, width_px=camera.width_px, height_px=camera.height_px)
        self._lamps = lamps_of(room)
        self._backdrop = backdrop_of(room, camera=camera, lamps=self._lamps)
        self._cloth = noise_of(rng)
        self._squares = np.concatenate([self._rays**2, _pairs(self._rays)], 2)
        depth_m = float(np.median(self._backdrop.depth_m))
        self._soft_px = max(1.0, SOFT_SHADOW_M * self._lens.focal_px / depth_m / SHADOW_SCALE)
        self._looks: dict[int, Look] = {}
        self._wires: dict[tuple[int, str], Wire] = {}
        self._blur_px = float(rng.uniform(0.35, 0.8))
        level = rng.uniform(1.0, 5.0)
        shape = (camera.height_px + SLACK_PX, camera.width_px + SLACK_PX, 3)
        grain = [rng.normal(0, level, shape) for _ in range(NOISE_FRAMES)]
        self._lighter = [np.clip(g, 0, 255).astype(np.uint8) for g in grain]
        self._darker = [np.clip(-g, 0, 255).astype(np.uint8) for g in grain]
        self._seed = seed

    def frame(
        self, figures: Sequence[Figure], *, scene_s: float, parked: Sequence[Parked] = ()
    ) -> Image:
        """Take a picture.

        Args:
            figures: all people in the room.
            scene_s: scene time; the same instant has the same noise.
            parked: trolleys and baskets nobody holds.

        Returns:
            (H, W, 3) uint8, BGR.
        """
        image = self._draw(figures, parked=parked)
        image = cv2.GaussianBlur(image, (3, 3), self._blur_px)
        rng = np.random.default_rng([self._seed, round(scene_s * 1000) & 0xFFFFFFFF])
        one, other = rng.integers(NOISE_FRAMES, size=2)
        (top, left), (height, width) = rng.integers(SLACK_PX, size=2), image.shape[:2]
        image = cv2.add(image, self._lighter[one][top : top + height, left : left + width])
        return np.asarray(
            cv2.subtract(image, self._darker[other][top : top + height, left : left + width])
        )

    def truth(self, figures: Sequence[Figure]) -> list[Label]:
        """Give one label per figure in front of the lens, seen or not."""
        crowd = self._crowd(figures)
        part = self._trace(crowd).part
        shown = np.bincount(crowd.solids.owner[part[part >= 0]], minlength=len(figures))
        labels = (
            self._label(figure, crowd=crowd, number=number, shown_px=int(shown[number]))
            for number, figure in enumerate(figures)
        )
        return [label for label in labels if label is not None]

    def _look(self, seed: int) -> Look:
        if seed not in self._looks:
            self._looks[seed] = look_of(seed)
        return self._looks[seed]

    def _wire(self, parked: Parked, *, lifted_m: float) -> Wire:
        key = (parked.look, parked.kind)
        if key not in self._wires:
            self._wires[key] = wire(parked.look, kind=parked.kind)
        return put(self._wires[key], parked=parked, lifted_m=lifted_m)

    def _draw(self, figures: Sequence[Figure], *, parked: Sequence[Parked]) -> Image:
        crowd = self._crowd(figures)
        held = [item for item in map(carried, figures) if item is not None]
        items = [*held, *((item, 0.0) for item in parked)]
        wires = [self._wire(item, lifted_m=lifted) for item, lifted in items]
        image = self._shadow(crowd, figures=figures, wires=wires)
        canvas = self._trace(crowd)
        self._shade(image, canvas, crowd=crowd, light=self._lights(figures))
        for frame in sorted(wires, key=self._far, reverse=True):
            self._weave(image, frame, depth_m=canvas.depth_m)
        return image

    def _far(self, frame: Wire) -> float:
        east, north, up = frame.panels[0, 0] - self._lens.eye
        return float(east * east + north * north + up * up)

    def _lights(self, figures: Sequence[Figure]) -> Floats:
        """How bright it is where each figure is, from the pixel at its middle."""
        spots = np.array([(f.east_m, f.north_m, f.height_m * 0.6) for f in figures])
        spots_px = np.nan_to_num(_project(self._lens, spots.reshape(-1, 3)))
        height, width = self._backdrop.light.shape
        cols = np.clip(spots_px[:, 0], 0, width - 1).astype(np.int64)
        rows = np.clip(spots_px[:, 1], 0, height - 1).astype(np.int64)
        return np.asarray(0.5 * self._backdrop.light[rows, cols] + 0.5 * self._lamps.exposure)

    def _crowd(self, figures: Sequence[Figure]) -> _Crowd:
        solids = bodies(figures, looks=[self._look(figure.look) for figure in figures])
        first = np.searchsorted(solids.owner, np.arange(len(figures) + 1))
        if not figures:
            return _Crowd(solids, first, np.zeros((0, 4)), np.zeros(0, np.bool_))
        spans, ahead = self._spans(solids)
        box = np.concatenate(
            [
                np.minimum.reduceat(spans[:, :2], first[:-1]),
                np.maximum.reduceat(spans[:, 2:], first[:-1]),
            ],
            1,
        )
        return _Crowd(solids, first, box, np.logical_and.reduceat(ahead, first[:-1]))

    def _spans(self, solids: Solids) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Box each ellipsoid: (n, 4) left, top, right, bottom; and whether it can be drawn."""
        lens = self._lens
        seen = (solids.centre - lens.eye) @ lens.axes.T
        good = seen[:, 2] > NEAREST_M
        ahead = np.where(good, seen[:, 2], 1.0)
        ratio = seen[:, :2] / ahead[:, None]
        # First-order extent of an ellipsoid: |S v| with v the gradient of the projection.
        spread = solids.spread @ lens.axes.T
        skew = spread[:, :, :2] - spread[:, :, 2:] * ratio[:, None, :]
        half_px = lens.focal_px * np.sqrt((skew * skew).sum(1)) / ahead[:, None]
        middle = np.asarray(lens.middle_px) + lens.focal_px * ratio * (1.0, -1.0)
        return np.concatenate([middle - half_px, middle + half_px], 1), good

    def _window(self, box_px: NDArray[np.float64]) -> tuple[slice, slice]:
        """Give the rows and columns of the image a box touches; empty if it is outside."""
        height, width = self._backdrop.floor.shape
        left, top = np.clip(np.floor(box_px[:2]) - 1, 0, (width, height)).astype(int)
        right, bottom = np.clip(np.ceil(box_px[2:]) + 1, 0, (width, height)).astype(int)
        return slice(top, bottom), slice(left, right)

    def _trace(self, crowd: _Crowd) -> _Canvas:
        """Find which part of whom shows in each pixel."""
        depth_m = self._backdrop.depth_m.copy()
        canvas = _Canvas(depth_m=depth_m, part=np.full(depth_m.shape, -1, np.int16))
        quadrics = self._quadrics(crowd.solids)
        for number in np.flatnonzero(crowd.ahead):
            self._trace_one(canvas, crowd, number=int(number), quadrics=quadrics)
        return canvas

    def _quadrics(self, solids: Solids) -> tuple[Floats, Floats, Floats]:
        """Give each ellipsoid as seen along a ray: a t^2 + 2 b t + c = 0 at its surface."""
        start = np.einsum(
            "nij,nj->ni", solids.inverse, self._lens.eye.astype(np.float32) - solids.centre
        )
        form = np.einsum("nki,nkj->nij", solids.inverse, solids.inverse)
        square = np.stack(
            [
                form[:, 0, 0],
                form[:, 1, 1],
                form[:, 2, 2],
                2 * form[:, 0, 1],
                2 * form[:, 0, 2],
                2 * form[:, 1, 2],
            ]
        )
        cross = np.einsum("nki,nk->in", solids.inverse, start)
        return square, cross, (start * start).sum(1) - 1

    def _trace_one(
        self,
        canvas: _Canvas,
        crowd: _Crowd,
        *,
        number: int,
        quadrics: tuple[Floats, Floats, Floats],
    ) -> None:
        window = self._window(crowd.box_px[number])
        behind = canvas.depth_m[window]
        if not behind.size:
            return
        parts = slice(int(crowd.first[number]), int(crowd.first[number + 1]))
        square, cross, rest = (q[..., parts] for q in quadrics)
        a = self._squares[window].reshape(-1, 6) @ square
        b = self._rays[window].reshape(-1, 3) @ cross
        inner = b * b
        inner -= a * rest
        hit = np.flatnonzero(inner > 0)
        depth = np.full(inner.size, np.inf, np.float32)
        near = -(np.take(b.reshape(-1), hit) + np.sqrt(np.take(inner.reshape(-1), hit)))
        depth[hit] = near / np.take(a.reshape(-1), hit)
        depth = depth.reshape(inner.shape)
        part = depth.argmin(1)
        nearest = depth[np.arange(len(part)), part].reshape(behind.shape)
        shows = nearest < behind
        np.copyto(behind, nearest, where=shows)
        part16 = (part + parts.start).astype(np.int16).reshape(behind.shape)
        np.copyto(canvas.part[window], part16, where=shows)

    def _label(self, figure: Figure, *, crowd: _Crowd, number: int, shown_px: int) -> Label | None:
        east, north = figure.east_m, figure.north_m
        ends = _project(self._lens, np.array([(east, north, 0.0), (east, north, crown_m(figure))]))
        if np.isnan(ends).any() or not crowd.ahead[number]:
            return None
        left, top, right, bottom = (float(v) for v in crowd.box_px[number])
        shape = self._backdrop.depth_m.shape
        alone = _Canvas(
            depth_m=np.full(shape, np.inf, np.float32), part=np.full(shape, -1, np.int16)
        )
        self._trace_one(alone, crowd, number=number, quadrics=self._quadrics(crowd.solids))
        whole_px = int((alone.part >= 0).sum())
        inside = max(0.0, min(right, shape[1]) - max(left, 0.0)) * max(
            0.0, min(bottom, shape[0]) - max(top, 0.0)
        )
        in_image = inside / max(1e-6, (right - left) * (bottom - top))
        return Label(
            look=figure.look,
            foot_px=(float(ends[0, 0]), float(ends[0, 1])),
            head_px=(float(ends[1, 0]), float(ends[1, 1])),
            box_px=(left, top, right, bottom),
            visible=float(in_image * shown_px / whole_px) if whole_px else 0.0,
        )

    def _shade(self, image: Image, canvas: _Canvas, *, crowd: _Crowd, light: Floats) -> None:
        """Paint the bodies' pixels."""
        # Flat indices and np.take: ten times as fast here as indexing by rows and columns.
        shown = np.flatnonzero(canvas.part >= 0)
        part, solids, lamps = canvas.part.reshape(-1)[shown], crowd.solids, self._lamps
        ray = np.take(self._rays.reshape(-1, 3), shown, axis=0)
        depth = np.take(canvas.depth_m.reshape(-1), shown)
        place = self._lens.eye.astype(np.float32) + depth[:, None] * ray
        turn = np.take(solids.inverse, part, axis=0)
        unit = np.einsum("pij,pj->pi", turn, place - np.take(solids.centre, part, axis=0))
        normal = np.einsum("pij,pi->pj", turn, unit)
        normal /= np.sqrt(np.einsum("pi,pi->p", normal, normal))[:, None]
        lit = 0.5 * np.maximum(normal[:, 2], 0)
        for towards in lamps.towards:
            lit += np.maximum(normal @ towards, 0) / len(lamps.towards)
        bright = lamps.ambient + (1 - lamps.ambient) * np.minimum(lit, 1.2)
        # Less light arrives between shelves, near the floor.
        bright *= np.minimum(0.68 + 0.25 * place[:, 2], 1.05)
        side = self._cloth.shape[0]
        fold = ((unit[:, :2] + 2) * 24).astype(np.int64)
        fold_at = (fold[:, 0] + part * 31) % side * side + (fold[:, 1] + part * 17) % side
        bright *= 1 + 0.09 * np.take(self._cloth.reshape(-1), fold_at)
        bright *= np.take(255 * light[solids.owner], part)
        colour = _patterned(solids, part=part, unit=unit) * bright[:, None] * lamps.tint
        image.reshape(-1, 3)[shown] = np.minimum(colour, 255).astype(np.uint8)

    def _shadow(self, crowd: _Crowd, *, figures: Sequence[Figure], wires: Sequence[Wire]) -> Image:
        """Give the empty room with everybody's shadows on its floor."""
        height, width = self._backdrop.floor.shape
        small = (height // SHADOW_SCALE, width // SHADOW_SCALE)
        dark = np.zeros(small, np.float32)
        lamps = self._lamps
        for towards, strength in zip(lamps.towards, lamps.strength, strict=True):
            layer = np.zeros(small, np.uint8)
            self._cast(layer, crowd.solids, towards=towards)
            for frame in wires:
                self._cast_wire(layer, frame, towards=towards)
            dark += strength * cv2.GaussianBlur(layer, (0, 0), self._soft_px * 0.6)
        layer = np.zeros(small, np.uint8)
        for figure in figures:
            self._blob(layer, east_m=figure.east_m, north_m=figure.north_m, radius_m=0.2)
        dark += lamps.contact * cv2.GaussianBlur(layer, (0, 0), self._soft_px * 0.9)
        keep = np.clip(255 - dark, 40, 255).astype(np.uint8)
        keep = cv2.resize(keep, (width, height), interpolation=cv2.INTER_LINEAR)
        keep = cv2.bitwise_or(keep, cv2.bitwise_not(self._backdrop.floor))
        return np.asarray(
            cv2.multiply(self._backdrop.image, cv2.merge([keep, keep, keep]), scale=1 / 255)
        )

    def _cast(self, layer: Image, solids: Solids, *, towards: Floats) -> None:
        """Throw shadows: each limb a thick line on the floor."""
        chosen = np.flatnonzero(solids.casts)
        centre = solids.centre[chosen].astype(np.float64)
        spread = solids.spread[chosen].astype(np.float64)
        radius = np.sqrt((spread[:, 1] ** 2).sum(1))
        length = np.sqrt((spread[:, 0] ** 2).sum(1))
        arm = spread[:, 0] * np.maximum(0.0, 1 - radius / length)[:, None]
        fall = np.asarray(towards, np.float64) / towards[2]
        ends = np.concatenate([centre - arm, centre + arm])
        ends -= np.maximum(ends[:, 2:], 0.0) * fall
        ahead = (ends - self._lens.eye) @ self._lens.axes[2]
        thick = 2 * radius * self._lens.focal_px / np.maximum(ahead[: len(radius)], NEAREST_M)
        pixels = _project(self._lens, ends) / SHADOW_SCALE
        lines = np.concatenate([pixels[: len(radius)], pixels[len(radius) :]], 1)
        near = np.abs(np.nan_to_num(lines, nan=np.inf)).max(1, initial=0) < 4 * max(layer.shape)
        widths = np.maximum(1, thick / SHADOW_SCALE).round().astype(int)[near].tolist()
        for line, width in zip(lines[near].round().astype(int).tolist(), widths, strict=True):
            cv2.line(layer, line[:2], line[2:], 255, width)

    def _cast_wire(self, layer: Image, frame: Wire, *, towards: Floats) -> None:
        fall = np.asarray(towards, np.float64) / towards[2]
        corners = frame.panels.reshape(-1, 3).astype(np.float64)
        spots = _project(self._lens, corners - corners[:, 2:] * fall) / SHADOW_SCALE
        if np.isnan(spots).any() or np.abs(spots).max() > 4 * max(layer.shape):
            return
        hull = cv2.convexHull(spots.astype(np.float32)).round().astype(np.int32)
        cv2.fillConvexPoly(layer, hull, 150)

    def _blob(self, layer: Image, *, east_m: float, north_m: float, radius_m: float) -> None:
        angles = np.linspace(0, 2 * math.pi, 12, endpoint=False)
        ring = np.stack(
            [
                east_m + radius_m * np.cos(angles),
                north_m + radius_m * np.sin(angles),
                np.zeros(12),
            ],
            1,
        )
        spots = _project(self._lens, ring) / SHADOW_SCALE
        if np.isnan(spots).any() or np.abs(spots).max() > 4 * max(layer.shape):
            return
        cv2.fillConvexPoly(layer, spots.round().astype(np.int32), 255)

    def _weave(self, image: Image, frame: Wire, *, depth_m: Floats) -> None:
        """Draw a see-through trolley where it is in front of what is there."""
        lens = self._lens
        corners = frame.panels.reshape(-1, 3).astype(np.float64)
        ends = frame.rods.reshape(-1, 3).astype(np.float64)
        everything = np.concatenate([corners, ends])
        depth = (everything - lens.eye) @ lens.axes[2]
        if depth.min() < NEAREST_M:
            return
        pixels = _project(lens, everything)
        window = self._window(np.concatenate([pixels.min(0) - 2, pixels.max(0) + 2]))
        layer, away = image[window], float(depth.mean())
        if not layer.size:
            return
        top, left = window[0].start, window[1].start
        light = self._lamps.exposure * 255
        cover = np.zeros(layer.shape[:2], np.uint8)
        shifted = (pixels - (left, top)) * 16  # cv2 takes sixteenths of a pixel
        fixed = shifted.round().astype(np.int32)
        panels = fixed[: len(corners)].reshape(-1, 4, 2)
        for panel in panels:
            cv2.fillPoly(cover, [panel], 70, lineType=cv2.LINE_AA, shift=4)
        tone = tuple(float(min(255.0, c * light)) for c in frame.colour)
        paint = np.empty_like(layer)
        paint[:] = tone
        goods = _project(lens, frame.goods.astype(np.float64)) - (left, top)
        scale = lens.focal_px / away
        for spot, colour in zip(goods, frame.goods_colour, strict=True):
            x, y = (round(float(v) * 16) for v in spot)
            size = max(1, round(0.09 * scale * 16))
            shade = tuple(float(min(255.0, c * light)) for c in colour)
            cv2.circle(cover, (x, y), size, 230, -1, shift=4)
            cv2.circle(paint, (x, y), size, shade, -1, shift=4)
        thick_px = frame.rod_m * scale
        strong = int(min(255, 255 * max(0.35, thick_px)))
        for start, end in fixed[len(corners) :].reshape(-1, 2, 2):
            ends_px = (tuple(map(int, start)), tuple(map(int, end)))
            cv2.line(cover, *ends_px, strong, max(1, round(thick_px)), cv2.LINE_AA, shift=4)
            cv2.line(paint, *ends_px, tone, max(1, round(thick_px)), shift=4)
        cover[depth_m[window] < away] = 0
        alpha = (cover.astype(np.float32) / 255)[:, :, None]
        mixed = layer * (1 - alpha) + paint * alpha
        image[window] = mixed.astype(np.uint8)


def _pairs(rays: Floats) -> Floats:
    x, y, z = rays[:, :, 0], rays[:, :, 1], rays[:, :, 2]
    return np.stack([x * y, x * z, y * z], 2)


def _patterned(solids: Solids, *, part: NDArray[np.int16], unit: Floats) -> Floats:
    colour = np.take(solids.colour, part, axis=0)
    every = np.take(solids.pattern, part)
    worn = np.flatnonzero(every)
    if not len(worn):
        return colour
    unit, pattern = unit[worn], every[worn]
    along, around = np.sin(9 * unit[:, 0]) > 0, np.sin(11 * unit[:, 1]) > 0
    other = np.select(
        [pattern == PATTERNS.index(name) for name in ("stripes", "hoops", "checks", "print")],
        [around, along, along ^ around, np.abs(unit[:, :2]).max(1) < PRINT_SIZE],
        default=False,
    )
    chosen = worn[other]
    colour[chosen] = np.take(solids.second, part[chosen], axis=0)
    return colour
