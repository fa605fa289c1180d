"""The cameras of rendered scenes: pinhole with a little distortion, and equidistant fisheye."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

NEAREST_M = 0.05
FARTHEST_FISHEYE = math.radians(100)
"""What lies further from the axis is not drawn."""


@dataclass(frozen=True, slots=True)
class Camera:
    """Where a camera hangs and how it sees.

    Attributes:
        place: metres; floor is z = 0.
        tilt: radians from straight down.
        pan: radians from east, where the image's top points.
        turned: radians that the image is rotated about its own axis.
        kind: lens.
        focal_px: pixels (fisheye: pixels per radian).
        k1: radial distortion of a pinhole, in units of the focal length.
        width_px, height_px: size of the picture.
        shift_px: principal point, from the middle of the picture.
    """

    place: tuple[float, float, float]
    tilt: float
    pan: float
    kind: Literal["pinhole", "fisheye"]
    focal_px: float
    width_px: int
    height_px: int
    k1: float = 0.0
    turned: float = 0.0
    shift_px: tuple[float, float] = (0.0, 0.0)

    def axes(self) -> Array:
        """Give the rows right, down, forward in the world."""
        return _axes(self.tilt, self.pan, self.turned)

    def distort_limit(self) -> float:
        """Give the largest squared radius that distortion is applied to."""
        return 100.0 if self.k1 >= 0 else 0.9 / (3 * -self.k1)

    def project(self, points: Array) -> tuple[Array, NDArray[np.bool_]]:
        """Project points (N, 3) in metres: continuous pixels (N, 2), and which can be seen at all.

        Pixel column j covers [j, j + 1). Points behind a pinhole are false and of no meaning.
        """
        x, y, z = self.axes() @ (np.asarray(points, float) - self.place).T
        middle = np.array([self.width_px / 2, self.height_px / 2]) + self.shift_px
        flat = np.hypot(x, y)
        if self.kind == "fisheye":
            theta = np.arctan2(flat, z)
            scale = self.focal_px * theta / np.maximum(flat, 1e-9)
            return np.stack([x * scale, y * scale], 1) + middle, theta < FARTHEST_FISHEYE
        seen = z > NEAREST_M
        deep = np.where(seen, z, 1.0)
        bent = 1 + self.k1 * np.minimum((flat / deep) ** 2, self.distort_limit())
        scale = self.focal_px * bent / deep
        return np.stack([x * scale, y * scale], 1) + middle, seen


@lru_cache(maxsize=64)
def _axes(tilt: float, pan: float, turned: float) -> Array:
    st, ct, sp, cp = math.sin(tilt), math.cos(tilt), math.sin(pan), math.cos(pan)
    forward = np.array([st * cp, st * sp, -ct])
    right = np.array([sp, -cp, 0.0])
    down = np.cross(forward, right)
    c, s = math.cos(turned), math.sin(turned)
    return np.stack([c * right + s * down, -s * right + c * down, forward])


def share(part: float, whole: float) -> float:
    """Give a share of a silhouette, 0 to 1; nothing at all is none."""
    return min(1.0, part / whole) if whole > 0 else 0.0
