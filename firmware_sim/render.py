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
    body,
    carried,
    crown_m,
    look_of,
    wire,
)
from firmware_sim.scene import CameraSpec, Figure, Room

Floats = NDArray[np.float32]
Image = NDArray[np.uint8]

NEAREST_M = 0.35  # what is closer to the lens plane is not drawn
NOISE_FRAMES = 6
SLACK_PX = 24  # how far the noise frames are shifted from image to image
SHADOW_SCALE = 2  # shadows are drawn at half size: they are soft
SOFT_SHADOW_M = 0.12
ROOM_NOBODY = 255


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
    image: Image
    depth_m: Floats
    owner: Image


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
    ahead = np.where(seen[:, 2] > 1e-6, seen[:, 2], np.nan)
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
        self._looks: dict[int, Look] = {}
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
        canvas = self._draw(figures, parked=parked)
        image: Image = cv2.GaussianBlur(canvas.image, (3, 3), self._blur_px)
        rng = np.random.default_rng([self._seed, round(scene_s * 1000) & 0xFFFFFFFF])
        one, other = rng.integers(NOISE_FRAMES, size=2)
        (top, left), (height, width) = rng.integers(SLACK_PX, size=2), image.shape[:2]
        image = cv2.add(image, self._lighter[one][top : top + height, left : left + width])
        return np.asarray(
            cv2.subtract(image, self._darker[other][top : top + height, left : left + width])
        )

    def truth(self, figures: Sequence[Figure]) -> list[Label]:
        """Give one label per figure in front of the lens, seen or not."""
        owner = self._draw(figures, parked=()).owner
        counts = np.bincount(owner.reshape(-1), minlength=256)
        labels = []
        for number, figure in enumerate(figures):
            label = self._label(figure, seen_px=int(counts[number]))
            if label is not None:
                labels.append(label)
        return labels

    def _look(self, seed: int) -> Look:
        if seed not in self._looks:
            self._looks[seed] = look_of(seed)
        return self._looks[seed]

    def _draw(self, figures: Sequence[Figure], *, parked: Sequence[Parked]) -> _Canvas:
        if len(figures) >= ROOM_NOBODY:
            raise ValueError(f"{len(figures)} figures; a picture holds {ROOM_NOBODY - 1}")
        bodies = [body(figure, look=self._look(figure.look)) for figure in figures]
        wires = [w for w in (carried(figure) for figure in figures) if w is not None]
        wires += [wire(item) for item in parked]
        canvas = _Canvas(
            image=self._shadow(bodies, figures=figures, wires=wires),
            depth_m=self._backdrop.depth_m.copy(),
            owner=np.full(self._backdrop.floor.shape, ROOM_NOBODY, np.uint8),
        )
        for number, (solids, figure) in enumerate(zip(bodies, figures, strict=True)):
            self._trace(canvas, solids, number=number, light=self._light_at(figure))
        for frame in sorted(wires, key=self._far, reverse=True):
            self._weave(canvas, frame)
        return canvas

    def _far(self, frame: Wire) -> float:
        middle = frame.panels.reshape(-1, 3).mean(0)
        return float(np.linalg.norm(middle - self._lens.eye))

    def _light_at(self, figure: Figure) -> float:
        """How bright it is where a person stands, from the nearest pixel that shows it."""
        spot = np.array([[figure.east_m, figure.north_m, figure.height_m * 0.6]])
        x, y = _project(self._lens, spot)[0]
        if math.isnan(x):
            return self._lamps.exposure
        height, width = self._backdrop.light.shape
        row, col = min(max(int(y), 0), height - 1), min(max(int(x), 0), width - 1)
        return 0.5 * float(self._backdrop.light[row, col]) + 0.5 * self._lamps.exposure

    def _spans(self, solids: Solids) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Box each ellipsoid: (n, 4) left, top, right, bottom; and whether it can be drawn."""
        lens = self._lens
        seen = (solids.centre - lens.eye) @ lens.axes.T
        good = seen[:, 2] > NEAREST_M
        ahead = np.where(good, seen[:, 2], 1.0)
        ratio = seen[:, :2] / ahead[:, None]
        # First-order extent of an ellipsoid: |S^T v| with v the gradient of the projection.
        spread = np.linalg.inv(solids.inverse)
        half = []
        for axis in (0, 1):
            slope = lens.axes[axis] - ratio[:, axis : axis + 1] * lens.axes[2]
            half.append(np.linalg.norm(np.einsum("nij,ni->nj", spread, slope), axis=1))
        half_px = lens.focal_px * np.stack(half, 1) / ahead[:, None]
        middle = np.asarray(lens.middle_px) + lens.focal_px * ratio * (1.0, -1.0)
        return np.concatenate([middle - half_px, middle + half_px], 1), good

    def _label(self, figure: Figure, *, seen_px: int) -> Label | None:
        solids = body(figure, look=self._look(figure.look))
        spans, good = self._spans(solids)
        if not good.all():
            return None
        east, north = figure.east_m, figure.north_m
        ends = _project(
            self._lens, np.array([(east, north, 0.0), (east, north, crown_m(figure))])
        )
        if np.isnan(ends).any():
            return None
        left, top = spans[:, :2].min(0)
        right, bottom = spans[:, 2:].max(0)
        alone = _Canvas(
            image=np.zeros_like(self._backdrop.image),
            depth_m=np.full_like(self._backdrop.depth_m, np.inf),
            owner=np.full_like(self._backdrop.floor, ROOM_NOBODY),
        )
        self._trace(alone, solids, number=0, light=1.0)
        height, width = alone.owner.shape
        inside = max(0.0, min(right, width) - max(left, 0.0)) * max(
            0.0, min(bottom, height) - max(top, 0.0)
        )
        in_image = inside / max(1e-6, (right - left) * (bottom - top))
        whole_px = int((alone.owner == 0).sum())
        return Label(
            look=figure.look,
            foot_px=(float(ends[0, 0]), float(ends[0, 1])),
            head_px=(float(ends[1, 0]), float(ends[1, 1])),
            box_px=(float(left), float(top), float(right), float(bottom)),
            visible=in_image * seen_px / whole_px if whole_px else 0.0,
        )

    def _trace(self, canvas: _Canvas, solids: Solids, *, number: int, light: float) -> None:
        """Draw one body where it is in front of what is there."""
        spans, good = self._spans(solids)
        height, width = canvas.owner.shape
        if not good.all():
            return
        left, top = np.maximum(np.floor(spans[:, :2].min(0)).astype(int) - 1, 0)
        right, bottom = np.minimum(np.ceil(spans[:, 2:].max(0)).astype(int) + 1, (width, height))
        if left >= right or top >= bottom:
            return
        window = (slice(top, bottom), slice(left, right))
        rays = self._rays[window].reshape(-1, 3)
        hit = _nearest(rays, solids=solids, eye=self._lens.eye)
        behind = canvas.depth_m[window].reshape(-1)
        seen = np.flatnonzero(hit[0] < behind)
        if not len(seen):
            return
        depth, part = hit[0][seen], hit[1][seen]
        colour = self._shade(rays[seen], depth, part, solids=solids, light=light)
        shape = behind.shape[0]
        for target, value in ((canvas.depth_m, depth), (canvas.owner, number)):
            flat = target[window].reshape(shape)
            flat[seen] = value
            target[window] = flat.reshape(bottom - top, right - left)
        pixels = canvas.image[window].reshape(shape, 3)
        pixels[seen] = np.clip(colour * 255, 0, 255)
        canvas.image[window] = pixels.reshape(bottom - top, right - left, 3)

    def _shade(
        self, rays: Floats, depth: Floats, part: NDArray[np.int64], *, solids: Solids, light: float
    ) -> Floats:
        place = self._lens.eye.astype(np.float32) + depth[:, None] * rays
        turn = solids.inverse[part]
        unit = np.einsum("pij,pj->pi", turn, place - solids.centre[part])
        normal = np.einsum("pij,pi->pj", turn, unit)
        normal /= np.linalg.norm(normal, axis=1)[:, None] + 1e-9
        lamps = self._lamps
        lit = np.maximum(normal @ lamps.towards.T, 0).mean(1) + 0.5 * np.maximum(normal[:, 2], 0)
        bright = lamps.ambient + (1 - lamps.ambient) * np.minimum(lit, 1.2)
        low = np.clip(0.68 + 0.25 * place[:, 2], 0, 1.05)  # less light between shelves, near the floor
        rows = ((unit[:, 0] + 2) * 24 + part * 31).astype(np.int64) % self._cloth.shape[0]
        cols = ((unit[:, 1] + 2) * 24 + part * 17).astype(np.int64) % self._cloth.shape[1]
        folds = 1 + 0.09 * self._cloth[rows, cols]
        colour = _patterned(solids, part=part, unit=unit)
        shade = bright * low * folds * light
        return np.asarray(colour * shade[:, None] * lamps.tint, np.float32)

    def _shadow(
        self, bodies: Sequence[Solids], *, figures: Sequence[Figure], wires: Sequence[Wire]
    ) -> Image:
        """Give the empty room with everybody's shadows on its floor."""
        height, width = self._backdrop.floor.shape
        small = (height // SHADOW_SCALE, width // SHADOW_SCALE)
        dark = np.zeros(small, np.float32)
        lens, lamps = self._lens, self._lamps
        depth = float(np.median(self._backdrop.depth_m))
        soft_px = max(1.0, SOFT_SHADOW_M * lens.focal_px / depth / SHADOW_SCALE)
        for towards, strength in zip(lamps.towards, lamps.strength, strict=True):
            layer = np.zeros(small, np.uint8)
            for solids in bodies:
                self._cast(layer, solids, towards=towards)
            for frame in wires:
                self._cast_wire(layer, frame, towards=towards)
            dark += strength * cv2.GaussianBlur(layer, (0, 0), soft_px * 0.6)
        layer = np.zeros(small, np.uint8)
        for figure in figures:
            self._blob(layer, east_m=figure.east_m, north_m=figure.north_m, radius_m=0.2)
        dark += lamps.contact * cv2.GaussianBlur(layer, (0, 0), soft_px * 0.9)
        keep = np.clip(255 - dark, 40, 255).astype(np.uint8)
        keep = cv2.resize(keep, (width, height), interpolation=cv2.INTER_LINEAR)
        keep = cv2.bitwise_or(keep, cv2.bitwise_not(self._backdrop.floor))
        return np.asarray(
            cv2.multiply(self._backdrop.image, cv2.merge([keep, keep, keep]), scale=1 / 255)
        )

    def _cast(self, layer: Image, solids: Solids, *, towards: Floats) -> None:
        """Throw a body's shadow: each limb a thick line on the floor."""
        chosen = solids.casts
        centre = solids.centre[chosen].astype(np.float64)
        spread = np.linalg.inv(solids.inverse[chosen])
        radius = np.linalg.norm(spread[:, :, 1], axis=1)
        arm = spread[:, :, 0] * np.maximum(
            0.0, 1 - radius / np.linalg.norm(spread[:, :, 0], axis=1)
        )[:, None]
        fall = np.asarray(towards, np.float64) / towards[2]
        ends = []
        for sign in (-1, 1):
            tip = centre + sign * arm
            ends.append(tip - np.maximum(tip[:, 2:], 0.0) * fall)
        ahead = ((ends[0] + ends[1]) / 2 - self._lens.eye) @ self._lens.axes[2]
        pixels = np.concatenate([_project(self._lens, end) for end in ends], 1) / SHADOW_SCALE
        thick = 2 * radius * self._lens.focal_px / np.maximum(ahead, NEAREST_M) / SHADOW_SCALE
        reach = 4 * max(layer.shape)
        for line, width in zip(pixels, thick, strict=True):
            if np.isnan(line).any() or np.abs(line).max() > reach:
                continue
            x0, y0, x1, y1 = (round(float(v)) for v in line)
            cv2.line(layer, (x0, y0), (x1, y1), 255, max(1, round(float(width))))

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

    def _weave(self, canvas: _Canvas, frame: Wire) -> None:
        """Draw a see-through trolley where it is in front of what is there."""
        lens = self._lens
        corners = frame.panels.reshape(-1, 3).astype(np.float64)
        ends = frame.rods.reshape(-1, 3).astype(np.float64)
        everything = np.concatenate([corners, ends])
        depth = (everything - lens.eye) @ lens.axes[2]
        if depth.min() < NEAREST_M:
            return
        pixels = _project(lens, everything)
        height, width = canvas.owner.shape
        left, top = np.maximum(np.floor(pixels.min(0)).astype(int) - 3, 0)
        right, bottom = np.minimum(np.ceil(pixels.max(0)).astype(int) + 3, (width, height))
        if left >= right or top >= bottom:
            return
        window = (slice(top, bottom), slice(left, right))
        light = self._lamps.exposure * 255
        layer = canvas.image[window].copy()
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
        scale = lens.focal_px / float(np.median(depth))
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
        cover[canvas.depth_m[window] < np.median(depth)] = 0
        alpha = (cover.astype(np.float32) / 255)[:, :, None]
        mixed = layer * (1 - alpha) + paint * alpha
        canvas.image[window] = mixed.astype(np.uint8)


def _nearest(
    rays: Floats, *, solids: Solids, eye: NDArray[np.float64]
) -> tuple[Floats, NDArray[np.int64]]:
    """Give, for each ray, how far the first ellipsoid on it is (inf if none), and which."""
    start = np.einsum("nij,nj->ni", solids.inverse, eye.astype(np.float32) - solids.centre)
    # |o + t d| = 1 in each ellipsoid's own frame: a t^2 + 2 b t + c = 0.
    dx, dy, dz = (rays @ solids.inverse[:, row].T for row in range(3))
    square = dx * dx + dy * dy + dz * dz
    cross = dx * start[:, 0] + dy * start[:, 1] + dz * start[:, 2]
    rest = (start * start).sum(1) - 1
    inner = cross * cross - square * rest
    root = np.sqrt(np.maximum(inner, 0))
    depth = np.where(inner > 0, (-cross - root) / square, np.float32(np.inf))
    part = depth.argmin(1)
    return depth[np.arange(len(part)), part], part


def _patterned(solids: Solids, *, part: NDArray[np.int64], unit: Floats) -> Floats:
    colour = solids.colour[part]
    pattern = solids.pattern[part]
    if not solids.pattern.any():
        return colour
    along, around = np.sin(9 * unit[:, 0]) > 0, np.sin(11 * unit[:, 1]) > 0
    other = np.select(
        [pattern == PATTERNS.index(name) for name in ("stripes", "hoops", "checks", "print")],
        [around, along, along ^ around, (np.abs(unit[:, 0]) < 0.4) & (np.abs(unit[:, 1]) < 0.45)],
        default=False,
    )
    return np.asarray(np.where(other[:, None], solids.second[part], colour), np.float32)
