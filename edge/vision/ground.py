"""Pixels to metres: where on the floor an image point stands."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import combinations
from math import log, log10, radians, tan
from typing import Self

import numpy as np
from numpy.typing import NDArray

from edge.errors import ConfigError

Floats = NDArray[np.float64]

MIN_PAIRS = 4
"""Point pairs that fix a homography's eight numbers."""


@dataclass(frozen=True, slots=True)
class GroundParams:
    """When a calibration is refused.

    Attributes:
        line_tolerance: points this close to one line, as a share of their spread, count as on it;
            two hundredths is what a pencil mark on a floor tile can be told from.
        max_residual_m: root mean square on the floor; above it a pair is mistyped rather than
            imprecise (a tape and a pixel of a 7 m camera make 0.05 m).
        max_focal_error: the focal length is taken from the points only if one pixel of noise on
            each moves it by less than this share; 0.1 moves a head at 1.6 m by 2 % of its
            distance from the camera's foot.
        height_error: share by which a camera's height is measured wrong: 0.2 m at 7 m.
        max_disagreement: between a given height and the one the points, or a given field of
            view, imply.
    """

    line_tolerance: float = 0.02
    max_residual_m: float = 0.5
    max_focal_error: float = 0.1
    height_error: float = 0.03
    max_disagreement: float = 0.2


@dataclass(frozen=True, slots=True, eq=False)
class Ground:
    """One camera's view of the floor; make it by ``from_points``.

    Attributes:
        image_size: (width, height) in pixels the calibration was made at.
        image_from_ground: (3, 3), scaled so that the third coordinate is positive before the lens.
        image_up: (3,), what a metre of height adds to the homogeneous image point; None where
            the points, the height and the field of view together do not say.
        residual_m: root mean square distance, on the floor, of the calibration pairs.
        focal_px: focal length; None as for ``image_up``.
        camera_m: the lens: east, north, height; None as for ``image_up``.
    """

    image_size: tuple[int, int]
    image_from_ground: Floats
    image_up: Floats | None
    residual_m: float
    focal_px: float | None
    camera_m: tuple[float, float, float] | None

    @classmethod
    def from_points(
        cls,
        image_px: Floats,
        floor_m: Floats,
        *,
        image_size: tuple[int, int],
        camera_height_m: float | None = None,
        hfov_deg: float | None = None,
        params: GroundParams | None = None,
    ) -> Self:
        """Calibrate by points whose place on the floor and in the image is known.

        Square pixels, the optical axis through the image's centre and no lens distortion are
        taken for granted.

        Args:
            image_px: (N, 2), x right, y down.
            floor_m: (N, 2), x east, y north.
            image_size: (width, height) of the images the points were taken from.
            camera_height_m: of the lens; needed (or ``hfov_deg``) for points above the floor
                where the camera looks straight down, as height and focal length look alike there.
            hfov_deg: the lens's horizontal field of view.
            params: when to refuse.

        Raises:
            ConfigError: fewer than four pairs, too many in a line, pairs that contradict each
                other, a mirrored floor, or a height no such camera can have.
        Source: Hartley & Zisserman, Multiple View Geometry, 2nd ed., algorithms 4.2 and 8.2.
        """
        limits = params or GroundParams()
        image, floor = _pairs(image_px, floor_m)
        _refuse_lines(image, what="image", tolerance=limits.line_tolerance)
        _refuse_lines(floor, what="floor", tolerance=limits.line_tolerance)
        matrix = _homography(image, floor)
        residual_m = _residual(matrix, image=image, floor=floor, limit_m=limits.max_residual_m)
        centre = (image_size[0] / 2, image_size[1] / 2)
        focal = _focal(
            matrix,
            image=image,
            floor=floor,
            image_size=image_size,
            camera_height_m=camera_height_m,
            hfov_deg=hfov_deg,
            limits=limits,
        )
        if _up(matrix, focal=focal or image_size[0], centre=centre)[1][2] < 0:
            raise ConfigError(
                "the calibration points show the floor mirrored: check that east and north are "
                "not swapped, that y counts downwards in the image, and that no axis is reversed"
            )
        if focal is None:
            return cls(image_size, matrix, None, residual_m, None, None)
        up, lens = _up(matrix, focal=focal, centre=centre)
        return cls(image_size, matrix, up, residual_m, focal, lens)

    def floor_from_image(self, points_px: Floats, *, point_height_m: float = 0.0) -> Floats:
        """Give the floor point below each image point.

        Args:
            points_px: (N, 2) float64; x right, y down, pixels of ``image_size``.
            point_height_m: height over the floor of what is seen there (a head's crown, a foot).

        Returns:
            (N, 2) float64; x east, y north, metres; nan where the ray never comes down to that
            height: at or above the horizon.

        Raises:
            ConfigError: a height above 0 and a calibration that does not tell heights, or a
                height not below the camera.
        """
        rays = _homogeneous(points_px) @ np.linalg.inv(self._plane(point_height_m)).T
        below = rays[:, 2] > np.finfo(np.float64).eps * np.abs(rays).max(axis=1, initial=0.0)
        floor = np.full((len(rays), 2), np.nan)
        floor[below] = rays[below, :2] / rays[below, 2:]
        return floor

    def image_from_floor(self, points_m: Floats, *, point_height_m: float = 0.0) -> Floats:
        """Give the image point of something at a height above each floor point.

        Args:
            points_m: (N, 2) float64; x east, y north, metres.
            point_height_m: height over the floor.

        Returns:
            (N, 2) float64; x right, y down, pixels; nan for points behind the camera.

        Raises:
            ConfigError: as ``floor_from_image``.
        """
        projected = _homogeneous(points_m) @ self._plane(point_height_m).T
        seen = projected[:, 2] > 0
        image = np.full((len(projected), 2), np.nan)
        image[seen] = projected[seen, :2] / projected[seen, 2:]
        return image

    def _plane(self, height_m: float) -> Floats:
        """Give the homography of the horizontal plane at a height."""
        if height_m == 0.0:
            return self.image_from_ground
        if self.image_up is None or self.camera_m is None:
            raise ConfigError(
                f"the calibration points alone do not say where a point {height_m:g} m above the "
                "floor is: give the camera's height (camera_height_m) or its field of view "
                "(hfov_deg)"
            )
        if not height_m < self.camera_m[2]:
            raise ConfigError(
                f"a point height of {height_m:g} m is not below the camera at "
                f"{self.camera_m[2]:.2f} m: check camera_height_m or hfov_deg"
            )
        plane = self.image_from_ground.copy()
        plane[:, 2] += height_m * self.image_up
        return plane


def _pairs(image_px: Floats, floor_m: Floats) -> tuple[Floats, Floats]:
    image = np.array(image_px, dtype=np.float64).reshape(-1, 2)
    floor = np.array(floor_m, dtype=np.float64).reshape(-1, 2)
    if len(image) != len(floor):
        raise ConfigError(f"{len(image)} image points for {len(floor)} floor points: pair them up")
    if len(image) < MIN_PAIRS:
        raise ConfigError(
            f"{len(image)} calibration points: measure at least {MIN_PAIRS}, spread over the floor"
        )
    if not (np.isfinite(image).all() and np.isfinite(floor).all()):
        raise ConfigError("a calibration point is not a finite number")
    return image, floor


def _refuse_lines(points: Floats, *, what: str, tolerance: float) -> None:
    """Raise if all points but one lie on a line: what such points leave open is not computable."""
    spread = float(np.linalg.norm(points - points.mean(axis=0), axis=1).max())
    for first, second in combinations(range(len(points)), 2):
        along = points[second] - points[first]
        length = float(np.hypot(*along))
        if length <= tolerance * spread:
            continue
        offset = points - points[first]
        away = np.abs(along[0] * offset[:, 1] - along[1] * offset[:, 0]) / length
        on = np.flatnonzero(away <= tolerance * spread)
        if len(on) >= len(points) - 1:
            names = ", ".join(str(number + 1) for number in on)
            raise ConfigError(
                f"calibration points {names} lie in a line ({what} coordinates): "
                "move or add points so that at least two lie well off it"
            )
    if spread == 0.0:
        raise ConfigError(f"all calibration points are one point ({what} coordinates)")


def _homography(image: Floats, floor: Floats) -> Floats:
    """Fit image_from_ground by the normalised direct linear transform, positive at the points."""
    to_image, to_floor = _normalising(image), _normalising(floor)
    seen, stood = _homogeneous(image) @ to_image.T, _homogeneous(floor) @ to_floor.T
    zeros = np.zeros_like(stood)
    rows = np.vstack(
        [
            np.hstack([stood, zeros, -seen[:, :1] * stood]),
            np.hstack([zeros, stood, -seen[:, 1:2] * stood]),
        ]
    )
    solution = np.linalg.svd(rows)[2][-1].reshape(3, 3)
    matrix: Floats = np.linalg.inv(to_image) @ solution @ to_floor
    matrix /= np.linalg.norm(matrix[2])
    depths = _homogeneous(floor) @ matrix[2]
    if depths.sum() < 0:
        matrix, depths = -matrix, -depths
    if depths.min() <= 0 or abs(np.linalg.det(solution)) < np.finfo(np.float64).eps:
        raise ConfigError(
            "no camera can see the calibration points like that: check that each pair names the "
            "same spot in the image and on the floor, in the same order"
        )
    return matrix


def _normalising(points: Floats) -> Floats:
    """Give the similarity that centres points and brings their mean distance to sqrt(2)."""
    centre = points.mean(axis=0)
    scale = np.sqrt(2) / np.linalg.norm(points - centre, axis=1).mean()
    return np.array([[scale, 0, -scale * centre[0]], [0, scale, -scale * centre[1]], [0, 0, 1]])


def _residual(matrix: Floats, *, image: Floats, floor: Floats, limit_m: float) -> float:
    back = _homogeneous(image) @ np.linalg.inv(matrix).T
    apart = np.linalg.norm(back[:, :2] / back[:, 2:] - floor, axis=1)
    residual_m = float(np.sqrt((apart**2).mean()))
    if not residual_m <= limit_m:
        worst = int(apart.argmax())
        raise ConfigError(
            f"the calibration points miss each other by {residual_m:.2f} m (at most {limit_m:g} m "
            f"is taken), point {worst + 1} the most, by {apart[worst]:.2f} m: measure it again"
        )
    return residual_m


def _focal(
    matrix: Floats,
    *,
    image: Floats,
    floor: Floats,
    image_size: tuple[int, int],
    camera_height_m: float | None,
    hfov_deg: float | None,
    limits: GroundParams,
) -> float | None:
    """Give the focal length by field of view, height or, failing both, the points' perspective."""
    centre = (image_size[0] / 2, image_size[1] / 2)
    if hfov_deg is not None:
        focal = _focal_of_view(hfov_deg, width_px=image_size[0])
        height_m = _up(matrix, focal=focal, centre=centre)[1][2]
        if (
            camera_height_m is not None
            and abs(height_m - camera_height_m) > limits.max_disagreement * camera_height_m
        ):
            raise ConfigError(
                f"hfov_deg = {hfov_deg:g} puts the camera at {height_m:.2f} m, camera_height_m "
                f"says {camera_height_m:g} m: correct one or leave out the less certain"
            )
        return focal
    if camera_height_m is not None and camera_height_m <= 0:
        raise ConfigError(f"camera_height_m = {camera_height_m:g}: a camera hangs above the floor")
    if camera_height_m is not None:
        return _focal_of_height(
            matrix,
            image=image,
            floor=floor,
            height_m=camera_height_m,
            image_size=image_size,
            limits=limits,
        )
    focal_of_points = _focal_of_points(matrix, centre=centre)
    if focal_of_points is None:
        return None
    error = _focal_error(image, floor, centre=centre, focal=focal_of_points)
    return focal_of_points if error <= limits.max_focal_error else None


def _focal_of_view(hfov_deg: float, *, width_px: int) -> float:
    if not 1 <= hfov_deg < 180:  # noqa: PLR2004 - a half-turn is a pinhole's limit
        raise ConfigError(f"hfov_deg = {hfov_deg:g}: a pinhole's field of view is 1 to 179 degrees")
    return width_px / 2 / tan(radians(hfov_deg) / 2)


def _focal_of_points(matrix: Floats, *, centre: tuple[float, float]) -> float | None:
    """Solve for the focal length by which the floor's axes are orthogonal and equally long."""
    h = _centred(matrix, centre)
    flat = np.array(
        [
            h[0, 0] * h[0, 1] + h[1, 0] * h[1, 1],
            (h[0, 0] ** 2 + h[1, 0] ** 2 - h[0, 1] ** 2 - h[1, 1] ** 2) / 2,
        ]
    )
    deep = np.array([h[2, 0] * h[2, 1], (h[2, 0] ** 2 - h[2, 1] ** 2) / 2])
    square, share = float(flat @ flat), -float(flat @ deep)
    if share <= 0 or square <= 0:
        return None
    return float(np.sqrt(square / share))


def _focal_error(
    image: Floats, floor: Floats, *, centre: tuple[float, float], focal: float
) -> float:
    """Give the focal length's relative error if each image coordinate were one pixel off."""
    total = 0.0
    for moved in _moved(image):
        other = _focal_of_points(_homography(moved, floor), centre=centre)
        if other is None:
            return float("inf")
        total += (other / focal - 1.0) ** 2
    return float(np.sqrt(total))


def _moved(image: Floats) -> Iterator[Floats]:
    """Give the image points with one coordinate a pixel off, each in turn."""
    for index in np.ndindex(image.shape):
        moved = image.copy()
        moved[index] += 1.0
        yield moved


def _focal_of_height(
    matrix: Floats,
    *,
    image: Floats,
    floor: Floats,
    height_m: float,
    image_size: tuple[int, int],
    limits: GroundParams,
) -> float:
    """Find the focal length that agrees best with a height and with the points' perspective.

    Straight down, only the height tells; the more oblique the view, the more the points do, and
    the less the height: there it hardly changes with the focal length.
    """
    centre = (image_size[0] / 2, image_size[1] / 2)
    moved = [_homography(other, floor) for other in _moved(image)]

    def cost(focal: float, sure: Floats) -> float:
        lens_m = abs(_up(matrix, focal=focal, centre=centre)[1][2])
        apart = log(lens_m / height_m) / limits.height_error
        return float(apart**2 + ((_skew(matrix, focal=focal, centre=centre) / sure) ** 2).sum())

    def doubt(focal: float) -> Floats:
        """Give what a pixel of noise on each image coordinate does to the skew."""
        here = _skew(matrix, focal=focal, centre=centre)
        there = np.array([_skew(other, focal=focal, centre=centre) for other in moved])
        apart: Floats = np.sqrt(((there - here) ** 2).sum(axis=0))
        return apart + np.finfo(np.float32).eps

    focal = float(image_size[0])
    for _ in range(2):
        focal = _least(partial(cost, sure=doubt(focal)), width_px=image_size[0])
    lens_m = abs(_up(matrix, focal=focal, centre=centre)[1][2])
    if abs(lens_m - height_m) > limits.max_disagreement * height_m:
        raise ConfigError(
            f"the calibration points put the camera at {lens_m:.2f} m, camera_height_m says "
            f"{height_m:g} m: measure the height or the points again"
        )
    return focal


def _least(cost: Callable[[float], float], *, width_px: int) -> float:
    """Give the focal length of least cost: the best of a grid, then thirds around it."""
    # Fields of view from 170 down to 5 degrees.
    focals = np.logspace(log10(0.04 * width_px), log10(12 * width_px), 256)
    best = int(np.argmin([cost(focal) for focal in focals]))
    low, high = float(focals[max(0, best - 1)]), float(focals[min(len(focals) - 1, best + 1)])
    for _ in range(60):
        third = (high - low) / 3
        if cost(low + third) < cost(high - third):
            high -= third
        else:
            low += third
    return (low + high) / 2


def _skew(matrix: Floats, *, focal: float, centre: tuple[float, float]) -> Floats:
    """Tell how far the floor's axes are from orthogonal and from equally long; (0, 0) is right."""
    east, north = _axes(matrix, focal=focal, centre=centre)
    sizes = float(np.linalg.norm(east)), float(np.linalg.norm(north))
    return np.array([float(east @ north) / (sizes[0] * sizes[1]), log(sizes[0] / sizes[1])])


def _up(
    matrix: Floats, *, focal: float, centre: tuple[float, float]
) -> tuple[Floats, tuple[float, float, float]]:
    """Give what a metre of height adds to an image point, and the lens's place."""
    east, north = _axes(matrix, focal=focal, centre=centre)
    up = np.cross(east, north)
    up *= np.sqrt(np.linalg.norm(east) * np.linalg.norm(north)) / np.linalg.norm(up)
    image_up = np.array([focal * up[0] + centre[0] * up[2], focal * up[1] + centre[1] * up[2], 0])
    image_up[2] = up[2]
    lens = np.linalg.solve(matrix, image_up)
    height_m = -1.0 / lens[2]
    return image_up, (float(-lens[0] * height_m), float(-lens[1] * height_m), float(height_m))


def _axes(matrix: Floats, *, focal: float, centre: tuple[float, float]) -> tuple[Floats, Floats]:
    """Give the floor's east and north in the camera's frame, both scaled alike."""
    h = _centred(matrix, centre)
    h[:2] /= focal
    return h[:, 0], h[:, 1]


def _centred(matrix: Floats, centre: tuple[float, float]) -> Floats:
    moved = matrix.copy()
    moved[0] -= centre[0] * matrix[2]
    moved[1] -= centre[1] * matrix[2]
    return moved


def _homogeneous(points: Floats) -> Floats:
    flat = np.asarray(points, dtype=np.float64).reshape(-1, 2)
    return np.hstack([flat, np.ones((len(flat), 1))])
