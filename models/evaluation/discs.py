"""The lens of a ceiling's fisheye, guessed from the round picture it leaves.

Real calibrations are better; this is for folders of pictures that come without one. The camera is
taken to look straight down, and the angle from its axis to grow evenly outwards (equidistant).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, radians

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.vision.detection import Image
from edge.vision.ground import Ground
from edge.vision.lens import Lens, View

Array = NDArray[np.float64]

DOWN = ((1.0, 0.0, 0.0), (0.0, -1.0, 0.0), (0.0, 0.0, -1.0))
HEIGHT_M = 3.0
"""Of the camera; sectors look in directions, so any will do."""


@dataclass(frozen=True, slots=True)
class DiscParams:
    """When a picture is round; chosen on fisheye renders of test parts 0 and 1.

    Attributes:
        side_px: longer side pictures are looked at in.
        dark: grey level, 0 to 255, below which a pixel may be outside.
        opened: width of what is taken for a clock's digits; share of the longer side.
        corner: side of the corners that must be dark; share of the shorter side.
        corners: so many of the four; a clock may stand in one.
        on_rim: distance from the circle within which the bright part's outline follows it, and
        follows: share of the outline, picture's borders left out, that does.
        radius: least and most, in shares of the longer side.
        middle: how far its middle may be from the picture's; share of the longer side.
        tries: circles through three points of the outline each.
        turned: length of the boxes' mean direction (a turn by 180 degrees is none) below which
            they stand all ways, and
        boxes: how many must be there to tell.
    """

    side_px: int = 320
    dark: float = 26.0
    opened: float = 0.03
    corner: float = 0.06
    corners: int = 3
    on_rim: float = 0.02
    follows: float = 0.6
    radius: tuple[float, float] = (0.3, 0.62)
    middle: float = 0.06
    tries: int = 200
    turned: float = 0.6
    boxes: int = 8


@dataclass(frozen=True, slots=True)
class Disc:
    """Where a picture is round; pixels."""

    x_px: float
    y_px: float
    radius_px: float


def disc_in(images: Sequence[Image], *, params: DiscParams | None = None) -> Disc | None:
    """Find the bright disc within black corners; None if these pictures are not plainly so.

    Args:
        images: of one camera and one shape: what any of them shows is inside.
        params: when to believe it.
    """
    limits = params or DiscParams()
    rows, cols = images[0].shape[:2]
    scale = limits.side_px / max(rows, cols)
    small = (max(1, round(cols * scale)), max(1, round(rows * scale)))
    thumbs = [cv2.resize(one, small, interpolation=cv2.INTER_AREA).max(axis=2) for one in images]
    bright = (np.max(thumbs, axis=0) > limits.dark).astype(np.uint8)
    side = 2 * round(limits.opened * limits.side_px / 2) + 1
    bright = cv2.morphologyEx(bright, cv2.MORPH_OPEN, np.ones((side, side), np.uint8))
    if _dark_corners(bright, share=limits.corner) < limits.corners:
        return None
    outline = _outline(bright)
    circle = _circle(outline, limits=limits)
    if circle is None or np.hypot(*(circle[:2] - np.array(small) / 2)) > limits.middle * max(small):
        return None
    x, y, radius = circle / scale
    return Disc(float(x), float(y), float(radius))


def turned_all_ways(boxes: Array, *, params: DiscParams | None = None) -> bool:
    """Tell whether people, (N, 5) turned boxes, lie in every direction, as from right above."""
    limits = params or DiscParams()
    lying = boxes[:, 4] + np.where(boxes[:, 2] > boxes[:, 3], 90.0, 0.0)
    mean = np.exp(2j * np.radians(lying)).mean() if len(boxes) else 1.0
    return len(boxes) >= limits.boxes and bool(abs(mean) < limits.turned)


def ground_below(disc: Disc, *, view_deg: float, size: tuple[int, int]) -> Ground:
    """Give the calibration of a camera that looks straight down and shows an angle over a disc."""
    lens = Lens("fisheye", disc.radius_px / radians(view_deg / 2), (disc.x_px, disc.y_px))
    view = View(lens, np.array(DOWN), np.array((0.0, 0.0, HEIGHT_M)))
    return Ground(size, view, heights_known=True, residual_m=0.0)


def _dark_corners(bright: NDArray[np.uint8], *, share: float) -> int:
    side = max(1, round(share * min(bright.shape)))
    ends = (slice(None, side), slice(-side, None))
    return sum(not bright[rows, cols].any() for rows in ends for cols in ends)


def _outline(bright: NDArray[np.uint8]) -> Array:
    """Give where each row and each column of the largest bright part begins and ends, (N, 2)."""
    _, parts, stats, _ = cv2.connectedComponentsWithStats(bright)
    if len(stats) == 1:
        return np.empty((0, 2))
    part = parts == 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())
    spots = []
    for across, inside in ((False, part), (True, part.T)):
        length = inside.shape[1]
        for number in np.flatnonzero(inside.any(axis=1)):
            ends = np.flatnonzero(inside[number])[[0, -1]] + (0, 1)
            spots += [
                (number + 0.5, end) if across else (end, number + 0.5)
                for end in ends.tolist()
                if 0 < end < length
            ]
    return np.array(spots, np.float64).reshape(-1, 2)


def _circle(outline: Array, *, limits: DiscParams) -> Array | None:
    """Give the circle, (3,), that most of an outline follows; None if too little does."""
    rng, side_px = np.random.default_rng(0), limits.side_px
    best, least, most = np.zeros(len(outline), np.bool_), *limits.radius
    for _ in range(limits.tries if len(outline) > 2 * limits.boxes else 0):
        circle = _through(outline[rng.choice(len(outline), 3, replace=False)])
        if not least * side_px <= circle[2] <= most * side_px:
            continue
        on = _off(outline, circle) <= limits.on_rim * side_px
        best = on if on.sum() > best.sum() else best
    if best.sum() < max(3.0, limits.follows * len(outline)):
        return None
    return _through(outline[best])


def _through(points: Array) -> Array:
    """Give the circle (x, y, radius) nearest to points, (N, 2), by least squares."""
    away = np.column_stack([2 * points, np.ones(len(points))])
    x, y, rest = np.linalg.lstsq(away, (points**2).sum(axis=1), rcond=None)[0]
    square = rest + x * x + y * y
    return np.array([x, y, square**0.5 if square > 0 else inf])


def _off(points: Array, circle: Array) -> Array:
    off: Array = np.abs(np.hypot(points[:, 0] - circle[0], points[:, 1] - circle[1]) - circle[2])
    return off
