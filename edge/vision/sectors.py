"""People who stand in a ring: an upright detector under a ceiling looks one sector at a time.

Seen from right above, people point away from the spot below the camera, each in another direction,
and a detector that learnt from street views knows only those who point up. So the picture is turned
about that spot, sector by sector, and whom two neighbours both see is told once. Each sector costs
one look of the detector.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from math import ceil, cos, hypot, pi, sin

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.vision.detection import Detection, Fit, Image, letterbox
from edge.vision.ground import Ground
from edge.vision.watching import Finder

Floats = NDArray[np.float64]

GREY = 114
"""Of what no picture fills."""


@dataclass(frozen=True, slots=True)
class SectorParams:
    """How sectors are cut, and put together again.

    Attributes:
        below: what a sector shows on the other side of the spot below the camera, in shares of its
            length: who stands there would be cut through.
        aside: what it shows beyond its borders, likewise.
        overlap: share of its half angle by which a sector speaks for its neighbours' people.
        apart: distance below which two sectors saw one person, in widths across and heights along
            the more confident one's box; two shoppers side by side are half a width apart.
    """

    below: float = 0.2
    aside: float = 0.1
    overlap: float = 0.35
    apart: float = 0.45


@dataclass(frozen=True, slots=True, eq=False)
class _Turned:
    """Somebody in the picture, and the turn of the sector that shows them upright."""

    found: Detection
    middle: Floats
    upright: Floats
    size: Floats


class Sectors:
    """Finds people around the spot below a camera, by a detector that finds upright ones.

    Args:
        detector: finds upright people.
        count: of sectors, three at least.
        below: where a picture shows what is straight below the camera, as shares of its width and
            height.
        look_px: side of the squares the detector looks at.
        params: how to cut.
    """

    def __init__(
        self,
        detector: Finder,
        *,
        count: int,
        below: tuple[float, float],
        look_px: int,
        params: SectorParams | None = None,
    ) -> None:
        self._detector = detector
        self._half = pi / count
        self._turns = [_turn(2 * number * self._half) for number in range(count)]
        self._below = below
        self._look_px = look_px
        self._params = params or SectorParams()

    @property
    def confidence(self) -> float:
        """As the detector's."""
        return self._detector.confidence

    @property
    def point_height_m(self) -> float:
        """As the detector's."""
        return self._detector.point_height_m

    def detect(self, image: Image, *, least: float) -> list[Detection]:
        """Find the people in an image, the most confident first.

        Args:
            image: (H, W, 3) uint8.
            least: confidence below which nobody is given.

        Returns:
            In pixels of the image; a box is the upright one around a turned person's.
        """
        limits, (rows, cols) = self._params, image.shape[:2]
        below = np.array((self._below[0] * cols, self._below[1] * rows))
        reach = max(hypot(x - below[0], y - below[1]) for x in (0, cols) for y in (0, rows))
        side = reach * max(1 + limits.below, 2 * (sin(self._half) + limits.aside))
        scale = min(1.0, self._look_px / side)
        # Shrinking once, properly, costs less than for every sector.
        shown = letterbox(image, fit=Fit(round(scale * cols), round(scale * rows), scale), value=0)
        size = ceil(scale * side)
        foot = np.array((size / 2, size - scale * limits.below * reach))
        people = []
        for upright in self._turns:
            move = np.column_stack([upright, foot - upright @ (scale * below)])
            view = cv2.warpAffine(shown.canvas, move, (size, size), borderValue=(GREY,) * 3)
            for one in self._detector.detect(np.asarray(view, np.uint8), least=least):
                back = _back(one, upright=upright, foot=foot, below=below, scale=scale)
                if self._speaks_for(back, below=below):
                    people.append(back)
        return _once_each(people, apart=limits.apart)

    def _speaks_for(self, one: _Turned, *, below: Floats) -> bool:
        """Tell whether somebody stands in the sector, in its margin, or right below the camera."""
        across, up = one.upright @ (one.middle - below) * (1, -1)
        if hypot(across, up) < max(one.size) / 2:
            return True
        return bool(abs(np.arctan2(across, up)) <= (1 + self._params.overlap) * self._half)


def below_camera(ground: Ground) -> tuple[float, float] | None:
    """Give where a picture shows what is straight below its camera, as ``Sectors`` wants it.

    Returns:
        Shares of the picture's width and height; None where that is outside the picture, or where
        the calibration does not tell how high the camera hangs.
    """
    if ground.camera_m is None:
        return None
    spot = ground.image_from_floor(np.array([ground.camera_m[:2]]))[0] / ground.image_size
    if not ((spot >= 0) & (spot <= 1)).all():  # nan: not seen at all
        return None
    return float(spot[0]), float(spot[1])


def _turn(angle: float) -> Floats:
    """Give the (2, 2) turn that brings what lies at an angle, clockwise from up, to the top."""
    return np.array(((cos(angle), sin(angle)), (-sin(angle), cos(angle))))


def _back(one: Detection, *, upright: Floats, foot: Floats, below: Floats, scale: float) -> _Turned:
    """Put a sector's detection into the picture."""

    def place(x: float | None, y: float | None) -> Floats | None:
        if x is None or y is None:
            return None
        spot: Floats = below + (np.array((x, y)) - foot) @ upright / scale
        return spot

    point = place(one.x_px, one.y_px)
    assert point is not None
    head, centre = place(one.head_x_px, one.head_y_px), place(one.centre_x_px, one.centre_y_px)
    size = np.array((one.width_px, one.height_px)) / scale
    wide, high = np.abs(upright) @ size
    found = replace(
        one,
        x_px=float(point[0]),
        y_px=float(point[1]),
        width_px=float(wide),
        height_px=float(high),
        head_x_px=None if head is None else float(head[0]),
        head_y_px=None if head is None else float(head[1]),
        centre_x_px=None if centre is None else float(centre[0]),
        centre_y_px=None if centre is None else float(centre[1]),
    )
    return _Turned(found, point if centre is None else centre, upright, size)


def _once_each(people: Iterable[_Turned], *, apart: float) -> list[Detection]:
    """Keep the most confident look at each person."""
    kept: list[_Turned] = []
    for one in sorted(people, key=lambda each: -each.found.confidence):
        away = (hypot(*(it.upright @ (one.middle - it.middle) / it.size)) for it in kept)
        if all(far >= apart for far in away):
            kept.append(one)
    return [one.found for one in kept]
