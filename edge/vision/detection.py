"""What the detector says of one image, as values; how images go into a net and come out of it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import floor
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
"""(H, W, 3), planes blue, green, red."""
Bools = NDArray[np.bool_]
Floats = NDArray[np.float32]
Cells = NDArray[np.int64]

UNSURE = 0.5
"""Share of the confidence a person is believed at, down to which a detection may continue a track,
though not start one (Zhang et al., ByteTrack, ECCV 2022)."""

BodyPoint = Literal["foot", "centre", "head"]
Plane = Literal["b", "g", "r", "change"]
"""One plane of a net's input: a colour, or how much the pixel differs from the background."""

CHANGE_MOST = 127
CHANGE_KNOWN = 128
"""The plane of change is 128 + the largest difference of a colour, at most 127; 0: not known."""

ENLARGE_MOST = 2.0
"""Times a net of free size sees an image enlarged; beyond it there is nothing more to see."""


@dataclass(frozen=True, slots=True)
class Detection:
    """One person in one image, in pixels of the original image.

    Attributes:
        x_px: the person's image point, at the height the manifest's ``point`` names; x right.
        y_px: y down.
        width_px: of the person's box.
        height_px: of the person's box.
        confidence: 0 to 1.
        head_x_px: middle of the head; None where the net does not tell it.
        head_y_px: likewise.
        centre_x_px: middle of the box; None where the net does not tell it.
        centre_y_px: likewise.
        still: nothing has moved there lately.
    """

    x_px: float
    y_px: float
    width_px: float
    height_px: float
    confidence: float
    head_x_px: float | None = None
    head_y_px: float | None = None
    centre_x_px: float | None = None
    centre_y_px: float | None = None
    still: bool = False


@dataclass(frozen=True, slots=True)
class Fit:
    """How an image lies in the top left corner of a net's canvas.

    Attributes:
        width_px: of the canvas.
        height_px: of the canvas.
        scale: pixels of the canvas per pixel of the image.
    """

    width_px: int
    height_px: int
    scale: float


@dataclass(frozen=True, slots=True, eq=False)
class Fitted:
    """An image as a net sees it.

    Attributes:
        canvas: (H, W, 3) uint8.
        scale: its pixels per pixel of the image.
    """

    canvas: Image
    scale: float


@dataclass(frozen=True, slots=True, eq=False)
class Backdrop:
    """What a camera sees when nobody is there, as far as it is known.

    Attributes:
        picture: (H, W, 3) uint8, planes blue, green, red, in the light of now.
        known: (H, W); elsewhere the picture says nothing.
    """

    picture: Image
    known: Bools


def fixed_fit(rows: int, cols: int, *, width_px: int, height_px: int) -> Fit:
    """Fit images of ``rows`` x ``cols`` pixels into a canvas of one size."""
    return Fit(width_px, height_px, min(width_px / cols, height_px / rows))


@lru_cache(maxsize=64)
def free_fit(rows: int, cols: int, *, pixels: int, multiple: int) -> Fit:
    """Find the canvas that shows images of ``rows`` x ``cols`` pixels largest.

    Args:
        rows: of the image.
        cols: of the image.
        pixels: of the canvas, at most.
        multiple: of which both its sides are.
    """
    scale = max(
        min(pixels // (units * multiple) // multiple * multiple / cols, units * multiple / rows)
        for units in range(1, pixels // multiple**2 + 1)
    )
    scale = min(ENLARGE_MOST, scale)
    width, height = (
        multiple * -(-max(1, round(side * scale)) // multiple) for side in (cols, rows)
    )
    return Fit(width, height, scale)


def letterbox(image: Image, *, fit: Fit, value: int) -> Fitted:
    """Put an image into the top left corner of a canvas.

    Args:
        image: (H, W, 3) uint8; left as it is.
        fit: the canvas.
        value: 0 to 255, of what the image leaves free.
    """
    rows, cols = image.shape[:2]
    wide, high = (max(1, round(side * fit.scale)) for side in (cols, rows))
    canvas = np.full((fit.height_px, fit.width_px, 3), value, dtype=np.uint8)
    # Averaging by a fraction takes six times as long as halving and interpolating what is left.
    for _ in range(floor(np.log2(1 / fit.scale)) if fit.scale < 1 else 0):
        half = (max(1, image.shape[1] // 2), max(1, image.shape[0] // 2))
        image = cv2.resize(image, half, interpolation=cv2.INTER_AREA)
    canvas[:high, :wide] = cv2.resize(image, (wide, high), interpolation=cv2.INTER_LINEAR)
    return Fitted(canvas, fit.scale)


def tensor(
    canvas: Image,
    *,
    planes: tuple[Plane, ...],
    mean: tuple[float, ...],
    scale: tuple[float, ...],
    backdrop: Backdrop | None = None,
) -> Floats:
    """Give a net's input: ``(plane - mean) * scale``.

    Args:
        canvas: (H, W, 3) uint8.
        planes: what the net sees, in its order.
        mean: of each plane.
        scale: of each plane.
        backdrop: what a plane of change compares with; without it nothing is known.

    Returns:
        (1, planes, H, W) float32.
    """
    colours = dict(zip("bgr", cv2.split(canvas), strict=True))
    out = np.empty((1, len(planes), *canvas.shape[:2]), dtype=np.float32)
    for number, plane in enumerate(planes):  # a plane at a time: seven times as fast as all at once
        source = change(canvas, backdrop=backdrop) if plane == "change" else colours[plane]
        np.subtract(source, np.float32(mean[number]), out=out[0, number])
        out[0, number] *= np.float32(scale[number])
    return out


def change(canvas: Image, *, backdrop: Backdrop | None) -> NDArray[np.uint8]:
    """Tell how much each pixel differs from the background.

    Args:
        canvas: (H, W, 3) uint8.
        backdrop: of the same size.

    Returns:
        (H, W) uint8: 128 + the largest difference of a colour, at most 127; 0 where not known.
    """
    if backdrop is None:
        return np.zeros(canvas.shape[:2], dtype=np.uint8)
    blue, green, red = cv2.split(cv2.absdiff(canvas, backdrop.picture))
    most = cv2.min(cv2.max(cv2.max(blue, green), red), float(CHANGE_MOST))
    known: NDArray[np.uint8] = cv2.add(most, float(CHANGE_KNOWN)) * backdrop.known.view(np.uint8)
    return known


def decode_centre_points(
    heat: Floats,
    geometry: Floats,
    *,
    stride_px: int,
    channels: tuple[str, ...],
    point: BodyPoint,
    least: float,
    scale: float,
    same_head: float | None = None,
    near_foot: float | None = None,
) -> list[Detection]:
    """Read a net that marks people's centres and points from there.

    Args:
        heat: (1, 1, rows, columns): confidence at peaks, 0 elsewhere.
        geometry: (1, C, rows, columns), pixels of the net's input, offsets from the cell's corner;
            or (1, C n^2, rows / n, columns / n), each coarse cell's n^2 cells row by row.
        stride_px: pixels of the net's input per cell.
        channels: what the C planes are: ``width``, ``height`` and ``{point}_dx``, ``{point}_dy``.
        point: which of a person's points is asked for.
        least: confidence below which nothing is given.
        scale: the net's pixels per pixel of the image.
        same_head: distance below which a peak points at the same head as a stronger one, and goes;
            in longer sides of the larger box. None: the net sees to that itself.
        near_foot: distance, in longer sides of the box, up to which the cell that a foot was
            pointed to is asked too (``near_foot_dx``, ``near_foot_dy``); the middle of both is
            taken: one sees the body, the other the feet. None: nothing more is asked.

    Returns:
        The most confident first; people of no width or height are left out.
    """
    rows, cols = np.nonzero(heat[0, 0] >= least)
    finer = heat.shape[3] // geometry.shape[3]
    cells = geometry.reshape(len(channels), finer, finer, *geometry.shape[2:])
    place = {name: number for number, name in enumerate(channels)}

    def told(name: str, y: Cells, x: Cells) -> _Spots:
        there = cells[place[name], y % finer, x % finer, y // finer, x // finer]
        return np.asarray(there, dtype=np.float64)

    def spot(name: str, y: Cells, x: Cells) -> _Spots:
        across, down = told(f"{name}_dx", y, x), told(f"{name}_dy", y, x)
        return np.stack([x * stride_px + across, y * stride_px + down], axis=1)

    def known(name: BodyPoint) -> _Spots | None:
        return spot(name, rows, cols) / scale if f"{name}_dx" in place else None

    sizes = np.stack([told("width", rows, cols), told("height", rows, cols)], axis=1)
    points = spot(point, rows, cols)
    if near_foot is not None:
        reach = near_foot * sizes.max(axis=1, initial=0)
        last = np.array(heat.shape[:1:-1]) - 1
        x, y = np.clip(np.nan_to_num(points) // stride_px, 0, last).astype(np.int64).T
        closer = spot("near_foot", y, x)
        believed = np.hypot(*(closer - points).T) <= reach
        points = np.where(believed[:, None], (points + closer) / 2, points)
    points, sizes, heads, centres = points / scale, sizes / scale, known("head"), known("centre")
    confidence = heat[0, 0, rows, cols]
    if same_head is not None and heads is not None:
        near = same_head * sizes.max(axis=1, initial=0)
        confidence = np.where(_pointed_at(heads, confidence, near=near), np.nan, confidence)
    return _detections(points, sizes=sizes, confidence=confidence, heads=heads, centres=centres)


def _pointed_at(heads: _Spots, confidence: Floats, *, near: _Spots) -> Bools:
    """Tell whose head, (N, 2), a stronger one's is not farther from than either is ``near``."""
    order = np.argsort(-confidence, kind="stable")
    spots, reach = heads[order], near[order]
    away = np.hypot(*(spots[:, None] - spots[None]).transpose(2, 0, 1))
    same = np.tril(away < np.maximum(reach[:, None], reach[None]), k=-1)
    again = np.empty(len(order), dtype=np.bool_)
    again[order] = same.any(axis=1)
    return again


def decode_boxes(
    boxes: Floats, scores: Floats, *, point: BodyPoint, least: float, scale: float
) -> list[Detection]:
    """Read a net that gives boxes, with repetitions.

    Args:
        boxes: (1, N, 4): left, top, right, bottom in pixels of the net's input.
        scores: (1, N): confidence that the box holds a person.
        point: of the box: the middle of its lower edge, its centre, the middle of its upper edge.
        least: confidence below which nothing is given.
        scale: the net's pixels per pixel of the image.

    Returns:
        The most confident first, each person once.
    """
    kept = scores[0] >= least
    left, top, right, bottom = (boxes[0][kept].astype(np.float64) / scale).T
    centres = np.stack([(left + right) / 2, (top + bottom) / 2], axis=1)
    y = {"foot": bottom, "centre": centres[:, 1], "head": top}[point]
    found = _detections(
        np.stack([centres[:, 0], y], axis=1),
        sizes=np.stack([right - left, bottom - top], axis=1),
        confidence=scores[0][kept],
        centres=centres,
    )
    return suppress(found)


def decode_yolox(
    raw: Floats,
    *,
    size: tuple[int, int],
    strides: tuple[int, ...],
    person: int,
    decoded: bool,
) -> tuple[Floats, Floats]:
    """Make boxes and scores of a YOLOX head.

    Args:
        raw: (1, N, 5 + classes): centre, size, object and class scores of every cell, the cells
            of each stride in rows.
        size: rows and columns of the net's input, in pixels.
        strides: pixels of the net's input per cell, in the head's order.
        person: the class' number.
        decoded: centre and size are pixels already.

    Returns:
        Boxes and scores as ``decode_boxes`` takes them.

    Raises:
        ValueError: the head has another number of cells.
    Source: Ge et al., YOLOX, 2021; its reference code's ``decode_outputs``.
    """
    centres, sizes = raw[0, :, :2], raw[0, :, 2:4]
    if not decoded:
        corners, units = _cells(*size, strides=strides)
        if len(corners) != len(centres):
            raise ValueError(f"{len(centres)} cells, but strides {strides} make {len(corners)}")
        centres, sizes = (centres + corners) * units, np.exp(sizes) * units
    boxes = np.concatenate([centres - sizes / 2, centres + sizes / 2], axis=1)
    return boxes[None], (raw[0, :, 4] * raw[0, :, 5 + person])[None]


@lru_cache(maxsize=64)
def _cells(rows: int, cols: int, *, strides: tuple[int, ...]) -> tuple[Floats, Floats]:
    """Give each cell's column and row (N, 2), and its stride (N, 1)."""
    corners, units = [], []
    for stride in strides:
        down, right = np.mgrid[: rows // stride, : cols // stride]
        corners.append(np.stack([right.ravel(), down.ravel()], axis=1))
        units.append(np.full((down.size, 1), stride))
    return np.concatenate(corners).astype(np.float32), np.concatenate(units).astype(np.float32)


def suppress(detections: list[Detection], *, apart: float = 0.35) -> list[Detection]:
    """Keep one detection of each person.

    Args:
        detections: the most confident first.
        apart: distance below which two are one person, in widths across and heights down of the
            more confident one's box; boxes of two shoppers side by side are half a width apart.
    """
    rows = np.array([(one.x_px, one.y_px, one.width_px, one.height_px) for one in detections])
    free = np.ones(len(rows), dtype=np.bool_)
    kept = []
    for number, one in enumerate(detections):
        if free[number]:
            kept.append(one)
            away = (rows[:, :2] - rows[number, :2]) / rows[number, 2:]
            free &= np.hypot(away[:, 0], away[:, 1]) >= apart
    return kept


_Spots = NDArray[np.float64]


def _detections(
    points: _Spots,
    *,
    sizes: _Spots,
    confidence: Floats,
    heads: _Spots | None = None,
    centres: _Spots | None = None,
) -> list[Detection]:
    """Make values of (N, 2) and (N,) arrays; sort them, drop what has no extent or no place."""
    rows = np.hstack([points, sizes, confidence[:, None].astype(np.float64)])
    spots = [each for each in (heads, centres) if each is not None]
    sound = np.isfinite(np.hstack([rows, *spots])).all(axis=1) & (sizes > 0).all(axis=1)
    order = np.lexsort((rows[:, 1], rows[:, 0], -rows[:, 4]))
    order = order[sound[order]]
    nowhere = [(None, None)] * len(order)
    head = nowhere if heads is None else heads[order].tolist()
    centre = nowhere if centres is None else centres[order].tolist()
    return [
        Detection(*row, *at_head, *at_centre)
        for row, at_head, at_centre in zip(rows[order].tolist(), head, centre, strict=True)
    ]
