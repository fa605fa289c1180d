"""What the detector says of one image, as values; how images go into a net and come out of it."""

from __future__ import annotations

from dataclasses import dataclass
from math import hypot
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
"""(H, W, 3), planes blue, green, red."""
Floats = NDArray[np.float32]

UNSURE = 0.5
"""Share of the confidence a person is believed at, down to which a detection may continue a track,
though not start one (Zhang et al., ByteTrack, ECCV 2022)."""

BodyPoint = Literal["foot", "centre", "head"]


@dataclass(frozen=True, slots=True)
class Detection:
    """One person in one image.

    Attributes:
        x_px: the person's image point, at the height the manifest's ``point`` names; x right.
        y_px: y down.
        width_px: of the person's box, in pixels of the original image.
        height_px: of the person's box.
        confidence: 0 to 1.
    """

    x_px: float
    y_px: float
    width_px: float
    height_px: float
    confidence: float


def letterbox(image: Image, *, width_px: int, height_px: int, value: int) -> tuple[Image, float]:
    """Fit an image into the top left corner of a canvas.

    Args:
        image: (H, W, 3) uint8; left as it is.
        width_px: of the canvas.
        height_px: of the canvas.
        value: 0 to 255, of what the image leaves free.

    Returns:
        The canvas, (height_px, width_px, 3) uint8, and its pixels per pixel of the image.
    """
    rows, cols = image.shape[:2]
    scale = min(width_px / cols, height_px / rows)
    fitted = (round(cols * scale), round(rows * scale))
    canvas = np.full((height_px, width_px, 3), value, dtype=np.uint8)
    canvas[: fitted[1], : fitted[0]] = cv2.resize(
        image, fitted, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    )
    return canvas, scale


def tensor(
    canvas: Image,
    *,
    colour: Literal["bgr", "rgb"],
    mean: tuple[float, float, float],
    scale: tuple[float, float, float],
) -> Floats:
    """Give a net's input: ``(pixel - mean) * scale``, planes in the net's order of colours.

    Returns:
        (1, 3, H, W) float32.
    """
    planes = np.empty((1, 3, *canvas.shape[:2]), dtype=np.float32)
    for number in range(3):  # a plane at a time: seven times as fast as all at once
        source = number if colour == "bgr" else 2 - number
        np.subtract(canvas[:, :, source], np.float32(mean[number]), out=planes[0, number])
        planes[0, number] *= np.float32(scale[number])
    return planes


def decode_centre_points(
    heat: Floats,
    geometry: Floats,
    *,
    stride_px: int,
    channels: tuple[str, ...],
    point: BodyPoint,
    least: float,
    scale: float,
) -> list[Detection]:
    """Read a net that marks people's centres and points from there.

    Args:
        heat: (1, 1, rows, columns): confidence at peaks, 0 elsewhere.
        geometry: (1, C, rows, columns), pixels of the net's input, offsets from the cell's corner.
        stride_px: pixels of the net's input per cell.
        channels: what the C planes are: ``width``, ``height`` and ``{point}_dx``, ``{point}_dy``.
        point: which of a person's points is asked for.
        least: confidence below which nothing is given.
        scale: the net's pixels per pixel of the image.

    Returns:
        The most confident first; people of no width or height are left out.
    """
    rows, cols = np.nonzero(heat[0, 0] >= least)
    planes = dict(zip(channels, geometry[0][:, rows, cols].astype(np.float64), strict=True))
    found = np.stack(
        [
            (cols * stride_px + planes[f"{point}_dx"]) / scale,
            (rows * stride_px + planes[f"{point}_dy"]) / scale,
            planes["width"] / scale,
            planes["height"] / scale,
            heat[0, 0, rows, cols].astype(np.float64),
        ],
        axis=1,
    )
    return _detections(found)


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
    y = {"foot": bottom, "centre": (top + bottom) / 2, "head": top}[point]
    found = np.stack([(left + right) / 2, y, right - left, bottom - top, scores[0][kept]], axis=1)
    return suppress(_detections(found))


def suppress(detections: list[Detection], *, apart: float = 0.35) -> list[Detection]:
    """Keep one detection of each person.

    Args:
        detections: the most confident first.
        apart: distance below which two are one person, in widths across and heights down of the
            more confident one's box; boxes of two shoppers side by side are half a width apart.
    """
    kept: list[Detection] = []
    for one in detections:
        if all(
            hypot(
                (one.x_px - other.x_px) / other.width_px, (one.y_px - other.y_px) / other.height_px
            )
            >= apart
            for other in kept
        ):
            kept.append(one)
    return kept


def _detections(found: NDArray[np.float64]) -> list[Detection]:
    """Make values of rows x, y, width, height, confidence; sort them, drop what has no extent."""
    sound = np.isfinite(found).all(axis=1) & (found[:, 2] > 0) & (found[:, 3] > 0)
    rows = found[sound]
    order = np.lexsort((rows[:, 1], rows[:, 0], -rows[:, 4]))
    return [Detection(*row) for row in rows[order].tolist()]
