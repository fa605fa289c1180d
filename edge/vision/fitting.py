"""From point pairs to a lens and its place: the most likely ones, and how sure they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import exp, isfinite, log, pi
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from edge.vision.lens import Lens, LensKind, View, focal_of_view

Floats = NDArray[np.float64]
Free = Literal["focal", "k1", "k2", "centre"]

UNSEEN = 1e3
"""Error, in standard deviations, of a point the lens would not see: worse than any mistake."""
FIRST_DAMPING, MOST_DAMPING, MOST_STEPS, ENOUGH = 1e-3, 1e9, 60, 1e-6
"""Of the descent: it ends when a step gains less than this share."""
NOTHING = 1e-9
"""A millionth of a thousandth: below it a sum of squares, or what is told of a number, is none."""
FAR = 0.1
"""Share of the width at which a pair is so far off that farther makes no difference to a guess."""
BULGES = ((0.0, 0.0), (-0.2, 0.02))
"""Distortions to begin with: none, and a barrel's that no ray leaves."""
TINY = 1e-6
"""Step of derivatives by the lens's numbers."""
POSE = 6
"""Numbers of a pose: a turn and a place."""


@dataclass(frozen=True, slots=True)
class FitParams:
    """What is expected before any point is measured, as standard deviations.

    Attributes:
        pixel_sd: of a click, per axis: what people and corner finders reach.
        tape_sd_m: of a floor point, per axis.
        usual_hfov_deg: field of view that cameras sold for shops centre on.
        log_focal_sd: about it: 40 to 120 degrees lie within two of these.
        k1_sd: of radial distortion; barrels of -0.3 to 0.1 are sold.
        k2_sd: of its second term.
        centre_sd: of the axis from the image's middle, as a share of the width.
        height_sd: share by which a camera's height is measured wrong: 0.2 m at 7 m.
        hfov_sd: share by which a data sheet's focal length is wrong.
    """

    pixel_sd: float = 1.0
    tape_sd_m: float = 0.02
    usual_hfov_deg: float = 80.0
    log_focal_sd: float = 0.5
    k1_sd: float = 0.15
    k2_sd: float = 0.05
    centre_sd: float = 0.01
    height_sd: float = 0.03
    hfov_sd: float = 0.03


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """The same N points in the image, (N, 2) pixels, and on the floor, (N, 2) metres."""

    image_px: Floats
    floor_m: Floats
    image_size: tuple[int, int]

    def without(self, *left_out: int) -> Pairs:
        """Give all pairs but some."""
        return replace(
            self,
            image_px=np.delete(self.image_px, left_out, axis=0),
            floor_m=np.delete(self.floor_m, left_out, axis=0),
        )


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a camera besides its points.

    Attributes:
        height_m: of the lens over the floor.
        hfov_deg: field of view over the image's whole width.
        lens: the whole lens, from its maker or a chessboard.
    """

    height_m: float | None = None
    hfov_deg: float | None = None
    lens: Lens | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """The most likely view of some pairs.

    Attributes:
        view: the lens and its place.
        misfit: root mean square of the points' errors in standard deviations, per free number; 1
            is what noise alone makes.
        cost: sum of squares, expectations included.
        log_height_sd: how sure the lens's height is, as a share.
        left_out_sd: (N, 2) error of each pair, in standard deviations, by a fit to all others.
        left_out_px: (N, 2) the same in pixels.
    """

    view: View
    misfit: float
    cost: float
    log_height_sd: float
    left_out_sd: Floats
    left_out_px: Floats


def fit_view(
    pairs: Pairs,
    *,
    kind: LensKind,
    free: tuple[Free, ...],
    known: Known,
    params: FitParams,
    near: View | None = None,
) -> Fit:
    """Find the most likely lens and place for some pairs.

    Args:
        pairs: four or more, not all but one on a line.
        kind: of lens.
        free: what of the lens is not known; its order does not matter.
        known: what is.
        params: what is expected of the rest.
        near: where to start; without it, several fields of view are tried.

    Source: Hartley & Zisserman, Multiple View Geometry, 2nd ed., algorithms 4.1 and 8.2 and
    section 4.3 (errors on both sides).
    """
    if near is not None:
        starts = [near]
    else:
        starts = [_pose(pairs, lens) for lens in first_lenses(kind, pairs.image_size, known=known)]
        starts.sort(key=lambda view: _Errors(view, pairs, free, known, params).cost(view))
    fits = [_settle(view, pairs, free=free, known=known, params=params) for view in starts[:2]]
    return min(fits, key=lambda fit: fit.cost)


def guess(pairs: Pairs, *, lenses: Sequence[Lens]) -> tuple[float, View]:
    """Place lenses by some pairs, roughly but a hundred times as fast as ``fit_view``.

    Returns:
        How badly the best one fits, 0 to 1 (what is far off counts as 1, how far does not matter),
        and its view.
    """
    best: tuple[float, View] | None = None
    far_px = FAR * pairs.image_size[0]
    places = np.column_stack([pairs.floor_m, np.zeros(len(pairs.floor_m))])
    for lens in lenses:
        view = _pose(pairs, lens)
        apart_px = np.hypot(*(view.image_from_places(places) - pairs.image_px).T)
        share = np.minimum(np.nan_to_num(apart_px, nan=far_px) / far_px, 1.0)
        misfit = float((share**2).mean())
        if best is None or misfit < best[0]:
            best = misfit, view
    if best is None:
        raise ValueError("no lens to place")
    return best


def first_lenses(kind: LensKind, size: tuple[int, int], *, known: Known) -> list[Lens]:
    """Give lenses of a kind, one of which is near enough to begin with."""
    if known.lens is not None:
        return [known.lens]
    centre = (size[0] / 2, size[1] / 2)
    if known.hfov_deg is not None:
        views = [known.hfov_deg]
    elif kind == "fisheye":
        views = [80.0, 110.0, 140.0, 180.0, 230.0]
    else:
        views = [35.0, 55.0, 75.0, 95.0, 115.0, 135.0]
    focals = [focal_of_view(kind, hfov_deg=view, width_px=size[0]) for view in views]
    bulges = BULGES if kind == "distorted" else BULGES[:1]
    return [Lens(kind, focal, centre, *bulge) for focal in focals for bulge in bulges]


def _pose(pairs: Pairs, lens: Lens) -> View:
    """Give the place from which a lens would see the pairs, by a direct linear transform."""
    rays = lens.rays_from_image(pairs.image_px)
    rays = np.where(np.isfinite(rays), rays, [0.0, 0.0, 1.0])
    middle = pairs.floor_m.mean(axis=0)
    spread = float(np.abs(pairs.floor_m - middle).max())
    floor = np.column_stack([(pairs.floor_m - middle) / spread, np.ones(len(rays))])
    none = np.zeros_like(floor)
    x, y, z = (rays[:, axis, None] for axis in range(3))
    rows = np.vstack(
        [
            np.hstack([none, -z * floor, y * floor]),
            np.hstack([z * floor, none, -x * floor]),
            np.hstack([-y * floor, x * floor, none]),
        ]
    )
    matrix: Floats = np.linalg.eigh(rows.T @ rows)[1][:, 0].reshape(3, 3)
    if ((floor @ matrix.T) * rays).sum() < 0:
        matrix = -matrix
    scale = (np.linalg.norm(matrix[:, 0]) + np.linalg.norm(matrix[:, 1])) / 2
    axes = np.column_stack([matrix[:, :2], np.cross(matrix[:, 0], matrix[:, 1]) / scale])
    left, _, right = np.linalg.svd(axes)
    turn = left @ right
    place = -turn.T @ matrix[:, 2] / scale * spread
    return View(lens, turn, place + np.append(middle, 0.0))


def _settle(
    start: View, pairs: Pairs, *, free: tuple[Free, ...], known: Known, params: FitParams
) -> Fit:
    view = start
    for _ in range(2):  # the weights follow from the view, and the view from the weights
        errors = _Errors(view, pairs, free, known, params)
        view = _descend(view, errors)
    found, slope = errors.of(view), errors.slope(view)
    # What nothing tells gets a huge variance instead of a division by zero.
    spread = np.linalg.inv(slope.T @ slope + NOTHING * np.eye(slope.shape[1]))
    count = 2 * len(pairs.image_px)
    points, freedom = found[:count], max(1, len(found) - slope.shape[1])
    own = slope[:count].reshape(-1, 2, slope.shape[1])
    # What a fit to the others misses a pair by follows from its leverage on this one.
    leverage = own @ spread @ own.swapaxes(1, 2)
    alone = np.linalg.pinv(np.eye(2) - leverage, rcond=NOTHING, hermitian=True)
    left_out = (alone @ points.reshape(-1, 2, 1))[:, :, 0]
    return Fit(
        view,
        float(np.sqrt((points**2).sum() / freedom)),
        float((found**2).sum()),
        float(np.sqrt(abs(spread[POSE - 1, POSE - 1]))),
        left_out,
        np.asarray(
            np.linalg.solve(errors.whitening, left_out[:, :, None])[:, :, 0], dtype=np.float64
        ),
    )


def _descend(view: View, errors: _Errors) -> View:
    """Follow the errors down to their least (Levenberg and Marquardt)."""
    cost, damping = errors.cost(view), FIRST_DAMPING
    for _ in range(MOST_STEPS):
        slope = errors.slope(view)
        square = slope.T @ slope
        pull = slope.T @ errors.of(view)
        while damping < MOST_DAMPING:
            damped = square + damping * np.diag(square.diagonal() + np.finfo(np.float32).eps)
            step = np.asarray(np.linalg.solve(damped, -pull), dtype=np.float64)
            trial = errors.moved(view, step)
            less = errors.cost(trial)
            if less < cost:
                break
            damping *= 10
        else:
            return view
        gained, view, cost, damping = cost - less, trial, less, damping / 10
        if gained <= ENOUGH * cost + NOTHING**2:
            return view
    return view


class _Errors:
    """A view's errors in standard deviations, and how they change with steps away from it.

    A step's numbers are three turns (radians), the place's east, north and height (shares of the
    height; the last as a logarithm), then what is free of the lens.
    """

    def __init__(
        self,
        view: View,
        pairs: Pairs,
        free: tuple[Free, ...],
        known: Known,
        params: FitParams,
    ) -> None:
        self._pairs, self._known, self._params = pairs, known, params
        self._free = free
        self._places = np.column_stack([pairs.floor_m, np.zeros(len(pairs.floor_m))])
        self.whitening = _whitening(view, pairs, params)
        self._lens_count = len(free) + ("centre" in free)

    def of(self, view: View) -> Floats:
        rays = (self._places - view.place_m) @ view.turn.T
        height_m = abs(float(view.place_m[2]))
        return np.concatenate(
            [self._missed(view.lens, rays).ravel(), self._surprises(view.lens, height_m)]
        )

    def cost(self, view: View) -> float:
        return float((self.of(view) ** 2).sum())

    def slope(self, view: View) -> Floats:
        rays = (self._places - view.place_m) @ view.turn.T
        height_m = abs(float(view.place_m[2]))
        per_ray = np.nan_to_num(self.whitening @ view.lens.image_per_ray(rays))
        turned = np.cross(np.eye(3)[None], rays[:, None, :]).swapaxes(1, 2)
        shifted = -view.turn * height_m
        shifted[:, 2] *= np.sign(view.place_m[2])
        pose = per_ray @ np.concatenate(
            [turned, np.broadcast_to(shifted, (len(rays), 3, 3))], axis=2
        )
        missed, surprises = self._missed(view.lens, rays), self._surprises(view.lens, height_m)
        points = [pose.reshape(-1, POSE)]
        priors = [np.zeros((len(surprises), POSE))]
        priors[0][:, 5] = (self._surprises(view.lens, height_m * exp(TINY)) - surprises) / TINY
        for step in np.eye(self._lens_count) * TINY:
            lens = self._bent(view.lens, step)
            points.append((self._missed(lens, rays) - missed).reshape(-1, 1) / TINY)
            priors.append((self._surprises(lens, height_m) - surprises)[:, None] / TINY)
        return np.vstack([np.hstack(points), np.hstack(priors)])

    def moved(self, view: View, step: Floats) -> View:
        height_m = abs(float(view.place_m[2]))
        place = view.place_m + np.array([step[3] * height_m, step[4] * height_m, 0.0])
        place[2] *= exp(float(np.clip(step[5], -1, 1)))
        lens = self._bent(view.lens, step[POSE:])
        return View(lens, _rotation(step[:3]) @ view.turn, place)

    def _bent(self, lens: Lens, step: Floats) -> Lens:
        rest = step.tolist()
        focal = (
            lens.focal_px * exp(min(1.0, max(-1.0, rest.pop(0)))) if "focal" in self._free else 0.0
        )
        k1 = rest.pop(0) if "k1" in self._free else 0.0
        k2 = rest.pop(0) if "k2" in self._free else 0.0
        x, y = rest or (0.0, 0.0)
        width = self._pairs.image_size[0]
        return Lens(
            lens.kind,
            focal or lens.focal_px,
            (lens.centre_px[0] + x * width, lens.centre_px[1] + y * width),
            lens.k1 + k1,
            lens.k2 + k2,
        )

    def _missed(self, lens: Lens, rays: Floats) -> Floats:
        apart = lens.image_from_rays(rays) - self._pairs.image_px
        sds = (self.whitening @ apart[:, :, None])[:, :, 0]
        sds[~np.isfinite(sds)] = UNSEEN
        return np.clip(sds, -UNSEEN, UNSEEN)

    def _surprises(self, lens: Lens, height_m: float) -> Floats:
        """Tell how far the lens and the height are from what is known or expected of them."""
        known, params = self._known, self._params
        width = self._pairs.image_size[0]
        found = []
        if known.height_m is not None:
            found.append(log(height_m / known.height_m) / params.height_sd)
        if known.hfov_deg is not None and known.lens is None:
            edge_px = float(lens.radius_px(np.array([known.hfov_deg * pi / 360]))[0])
            near = isfinite(edge_px) and edge_px > 0
            found.append(log(edge_px / (width / 2)) / params.hfov_sd if near else UNSEEN)
        if "focal" in self._free and not found:
            usual = focal_of_view("fisheye", hfov_deg=params.usual_hfov_deg, width_px=width)
            found.append(log(lens.focal_px / usual) / params.log_focal_sd)
        found += [lens.k1 / params.k1_sd] * ("k1" in self._free)
        found += [lens.k2 / params.k2_sd] * ("k2" in self._free)
        if "centre" in self._free:
            off = np.array(lens.centre_px) - np.array(self._pairs.image_size) / 2
            found += (off / width / params.centre_sd).tolist()
        return np.array(found)


def _whitening(view: View, pairs: Pairs, params: FitParams) -> Floats:
    """Give what turns an image error into standard deviations: of the click and of the tape."""
    slope = view.image_per_metre(pairs.floor_m, height_m=0.0)
    slope = np.where(np.isfinite(slope), slope, 0.0)
    noise = params.pixel_sd**2 * np.eye(2) + params.tape_sd_m**2 * slope @ slope.swapaxes(1, 2)
    whitening: Floats = np.linalg.inv(np.linalg.cholesky(noise))
    return whitening


def _rotation(turn: Floats) -> Floats:
    """Give the rotation by a vector, Rodrigues' formula."""
    angle = float(np.linalg.norm(turn))
    if angle == 0.0:
        return np.eye(3)
    x, y, z = turn / angle
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    rotation: Floats = np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross
    return rotation
