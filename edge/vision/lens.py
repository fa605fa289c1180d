"""Lenses: which way an image point looks, and a lens that hangs somewhere over the floor."""

from __future__ import annotations

from dataclasses import dataclass
from math import degrees, inf, pi, sqrt
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
LensKind = Literal["pinhole", "distorted", "fisheye"]

NEWTON_STEPS = 40
"""Far more than needed but at the rim of a lens, where each step only halves the error."""
SETTLED = 1e-9
"""Error of an inverted radius, in focal lengths: a millionth of a pixel."""
STEP = 1e-5
"""Share of a ray's length, for derivatives: about the cube root of a float's precision."""


@dataclass(frozen=True, slots=True)
class Lens:
    """How a lens bends rays onto square pixels, evenly around its axis.

    With ``s`` the tangent of a ray's angle from the axis (``fisheye``: the angle itself, radians),
    its image lies ``focal_px * s * (1 + k1 s^2 + k2 s^4)`` from the centre; k1 and k2 are those of
    OpenCV's ``calibrateCamera`` and ``fisheye.calibrate``.

    Attributes:
        kind: ``pinhole`` and ``distorted`` see less than a half-turn, ``fisheye`` more too.
        focal_px: focal length.
        centre_px: (x, y) where the axis meets the image.
        k1: radial distortion; 0 for a pinhole.
        k2: as ``k1``.

    Source: Kannala & Brandt, A generic camera model, PAMI 28 (2006); Hartley & Zisserman,
    Multiple View Geometry, 2nd ed., section 7.4.
    """

    kind: LensKind
    focal_px: float
    centre_px: tuple[float, float]
    k1: float = 0.0
    k2: float = 0.0

    def rays_from_image(self, points_px: Floats) -> Floats:
        """Give the direction each image point looks in.

        Args:
            points_px: (N, 2) float64; x right, y down.

        Returns:
            (N, 3) float64 unit vectors; x right, y down, z ahead; nan outside the lens's picture.
        """
        off = np.asarray(points_px, dtype=np.float64).reshape(-1, 2) - self.centre_px
        off /= self.focal_px
        bent = np.hypot(off[:, 0], off[:, 1])
        angle = self._angle(self._straighten(bent))
        around = off / np.where(bent > 0, bent, 1.0)[:, None]
        return np.column_stack([around * np.sin(angle)[:, None], np.cos(angle)])

    def image_from_rays(self, rays: Floats) -> Floats:
        """Give the image point of each direction.

        Args:
            rays: (N, 3) float64 of any length; x right, y down, z ahead.

        Returns:
            (N, 2) float64; x right, y down, pixels; nan for what the lens does not see.
        """
        aside = np.hypot(rays[:, 0], rays[:, 1])
        angle = np.arctan2(aside, rays[:, 2])
        around = rays[:, :2] / np.where(aside > 0, aside, 1.0)[:, None]
        image: Floats = around * self.radius_px(angle)[:, None] + np.array(self.centre_px)
        return image

    def image_per_ray(self, rays: Floats) -> Floats:
        """Give the derivative of ``image_from_rays``, (N, 2, 3): pixel axis, ray axis."""
        length = np.linalg.norm(rays, axis=1)
        steps = np.vstack([np.eye(3), -np.eye(3)]) * STEP
        around = rays[:, None, :] + steps * length[:, None, None]
        image = self.image_from_rays(around.reshape(-1, 3)).reshape(-1, 6, 2)
        slope: Floats = (image[:, :3] - image[:, 3:]) / (2 * STEP * length)[:, None, None]
        return slope.swapaxes(1, 2)

    def radius_px(self, angle: Floats) -> Floats:
        """Give how far from the centre rays at an angle (radians) from the axis land, or nan."""
        if self.kind == "fisheye":
            s = np.asarray(angle, dtype=np.float64)
        else:
            s = np.tan(np.where(angle < pi / 2, angle, np.nan))
        return self.focal_px * np.where(s < self._rim(), self._bend(s), np.nan)

    def view_deg(self, width_px: float) -> float:
        """Give the field of view over a width through the centre; nan if the lens's is less."""
        half = np.array([[self.centre_px[0] + width_px / 2, self.centre_px[1]]])
        ray = self.rays_from_image(half)[0]
        return 2 * degrees(float(np.arctan2(ray[0], ray[2])))

    def _bend(self, s: Floats) -> Floats:
        return s * (1 + s**2 * (self.k1 + s**2 * self.k2))

    def _rim(self) -> float:
        """Give the s up to which the image grows outwards: beyond, two rays meet in one point."""
        most = pi if self.kind == "fisheye" else inf
        a, b = 5 * self.k2, 3 * self.k1  # the slope is a t^2 + b t + 1, where t = s^2
        root = b * b - 4 * a
        if root < 0 or (b >= 0 and a >= 0):
            return most
        fall = sqrt(root) - b  # 0 where a or b is too small for a float to tell
        return min(most, sqrt(2 / fall)) if fall > 0 else most

    def _straighten(self, bent: Floats) -> Floats:
        """Invert ``_bend`` by Newton's method; nan where nothing lands."""
        if not (self.k1 or self.k2):
            return np.where(bent < self._rim(), bent, np.nan)
        rim = self._rim()
        s = np.minimum(bent, rim)
        for _ in range(NEWTON_STEPS):
            slope = 1 + s**2 * (3 * self.k1 + s**2 * 5 * self.k2)
            step = (bent - self._bend(s)) / np.where(slope > 0, slope, 1.0)
            s = np.clip(s + step, 0.0, rim)
        return np.where(np.abs(self._bend(s) - bent) < SETTLED * (1 + bent), s, np.nan)

    def _angle(self, s: Floats) -> Floats:
        return s if self.kind == "fisheye" else np.arctan(s)


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """A lens that hangs somewhere.

    Attributes:
        lens: bends the rays.
        turn: (3, 3) rotation; its rows are the camera's right, down and ahead as east, north, up.
        place_m: (3,) the lens: east, north, height.
    """

    lens: Lens
    turn: Floats
    place_m: Floats

    def image_from_places(self, places_m: Floats) -> Floats:
        """Project (N, 3) east, north, height to (N, 2) pixels; nan for what is not seen."""
        return self.lens.image_from_rays((places_m - self.place_m) @ self.turn.T)

    def floor_from_image(self, points_px: Floats, *, height_m: float) -> Floats:
        """Give where rays come down to a height, (N, 2) metres; nan where they never do."""
        rays = self.lens.rays_from_image(points_px) @ self.turn
        drop = self.place_m[2] - height_m
        falls = -np.sign(drop) * rays[:, 2] > np.finfo(np.float64).eps
        floor = np.full((len(rays), 2), np.nan)
        floor[falls] = self.place_m[:2] - drop / rays[falls, 2:] * rays[falls, :2]
        return floor

    def image_per_metre(self, points_m: Floats, *, height_m: float) -> Floats:
        """Give the derivative of the image by the floor, (N, 2, 2): pixel axis, floor axis."""
        places = np.column_stack([points_m, np.full(len(points_m), height_m)])
        rays = (places - self.place_m) @ self.turn.T
        slope: Floats = self.lens.image_per_ray(rays) @ self.turn[:, :2]
        return slope

    @property
    def tilt_deg(self) -> float:
        """Angle of the axis from straight down."""
        ahead = self.turn[2]
        return degrees(float(np.arctan2(np.hypot(ahead[0], ahead[1]), -ahead[2])))


def focal_of_view(kind: LensKind, *, hfov_deg: float, width_px: float) -> float:
    """Give the focal length of an undistorted lens that sees an angle over a width."""
    half = hfov_deg / 2 * pi / 180
    return float(width_px / 2 / (half if kind == "fisheye" else np.tan(half)))
