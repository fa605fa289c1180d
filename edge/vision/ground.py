"""Pixels to metres: where on the floor an image point stands."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import combinations
from math import inf, nan
from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray

from edge.errors import ConfigError
from edge.vision.fitting import Fit, FitParams, Free, Known, Pairs, first_lenses, fit_view, guess
from edge.vision.lens import Lens, LensKind, View

Floats = NDArray[np.float64]

MIN_PAIRS = 4
"""Point pairs that fix a homography's eight numbers."""
KINDS: tuple[LensKind, ...] = ("pinhole", "distorted", "fisheye")
"""From simple to less so."""


@dataclass(frozen=True, slots=True)
class GroundParams:
    """When a calibration is refused, and what it believes.

    Attributes:
        line_tolerance: points this close to one line, as a share of their spread, count as on it;
            two hundredths is what a pencil mark on a floor tile can be told from.
        max_residual_m: root mean square on the floor; above it a pair is mistyped rather than
            imprecise (a tape and a pixel of a 7 m camera make 0.05 m).
        mistyped_m: error of a single point from which on it may be called mistyped.
        mistyped_misfit: errors this many times what noise makes call for a culprit.
        agreement: the others agree without a culprit if their misfit falls below this share.
        max_height_error: heights over the floor are told only if the lens's own is surer than this
            share; 0.1 moves a head at 1.6 m by 2 % of its distance from the camera's foot.
        max_disagreement: between a given height and the one the points, or a given field of
            view, imply.
        distorted_pairs: from so many on a distortion may be read off the points.
        gain: a less simple lens is taken if points left out are hit this much better.
        suspects: of all points, and of all pairs of them, so many that look most like mistakes at
            a guess are tried in earnest.
        fit: what is expected of clicks, tapes and cameras.
    """

    line_tolerance: float = 0.02
    max_residual_m: float = 0.5
    mistyped_m: float = 0.3
    mistyped_misfit: float = 4.0
    agreement: float = 0.4
    max_height_error: float = 0.1
    max_disagreement: float = 0.2
    distorted_pairs: int = 6
    gain: float = 0.7
    suspects: int = 4
    fit: FitParams = field(default_factory=FitParams)


@dataclass(frozen=True, slots=True, eq=False)
class Ground:
    """One camera's view of the floor; make it by ``calibrate``.

    Attributes:
        image_size: (width, height) in pixels the calibration was made at.
        view: the lens and its place; where ``heights_known`` is false, one of many that show the
            floor alike.
        heights_known: whether the points, the height and the field of view together tell where
            something above the floor is.
        residual_m: root mean square distance, on the floor, of the calibration pairs.
    """

    image_size: tuple[int, int]
    view: View
    heights_known: bool
    residual_m: float

    @classmethod
    def from_points(
        cls,
        image_px: Floats,
        floor_m: Floats,
        *,
        image_size: tuple[int, int],
        lens: LensKind | Lens = "pinhole",
        camera_height_m: float | None = None,
        hfov_deg: float | None = None,
        params: GroundParams | None = None,
    ) -> Self:
        """Calibrate as ``calibrate`` does, without the report on each point.

        Raises:
            ConfigError: as ``calibrate``.
        """
        limits = params or GroundParams()
        pairs = _pairs(image_px, floor_m, image_size)
        known = Known(camera_height_m, hfov_deg, lens if isinstance(lens, Lens) else None)
        kind = lens.kind if isinstance(lens, Lens) else lens
        fit = _sound_fit(pairs, kind=kind, known=known, limits=limits)
        return cls(
            image_size,
            fit.view,
            fit.log_height_sd <= limits.max_height_error,
            _mean_square(_errors_m(fit.view, pairs)),
        )

    @property
    def focal_px(self) -> float | None:
        """Focal length; None as for ``camera_m``."""
        return self.view.lens.focal_px if self.heights_known else None

    @property
    def camera_m(self) -> tuple[float, float, float] | None:
        """The lens: east, north, height; None where the calibration does not tell heights."""
        if not self.heights_known:
            return None
        east, north, height = self.view.place_m.tolist()
        return east, north, height

    def floor_from_image(self, points_px: Floats, *, point_height_m: float = 0.0) -> Floats:
        """Give the floor point below each image point.

        Args:
            points_px: (N, 2) float64; x right, y down, pixels of ``image_size``.
            point_height_m: height over the floor of what is seen there (a head's crown, a foot).

        Returns:
            (N, 2) float64; x east, y north, metres; nan where the ray never comes down to that
            height (at or above the horizon) and outside the lens's picture.

        Raises:
            ConfigError: a height above 0 and a calibration that does not tell heights, or a
                height not below the camera.
        """
        self._refuse_height(point_height_m)
        return self.view.floor_from_image(_flat(points_px), height_m=point_height_m)

    def image_from_floor(self, points_m: Floats, *, point_height_m: float = 0.0) -> Floats:
        """Give the image point of something at a height above each floor point.

        Args:
            points_m: (N, 2) float64; x east, y north, metres.
            point_height_m: height over the floor.

        Returns:
            (N, 2) float64; x right, y down, pixels; nan for points the lens does not see, behind
            the camera above all.

        Raises:
            ConfigError: as ``floor_from_image``.
        """
        self._refuse_height(point_height_m)
        points = _flat(points_m)
        places = np.column_stack([points, np.full(len(points), point_height_m)])
        return self.view.image_from_places(places)

    def covariance_m2(
        self, points_m: Floats, *, pixel_sd: float, point_height_m: float = 0.0
    ) -> Floats:
        """Tell what noise in the image makes on the floor.

        Args:
            points_m: (N, 2) float64, floor points.
            pixel_sd: of an image point, per axis.
            point_height_m: height over the floor of what the image point shows.

        Returns:
            (N, 2, 2) float64, square metres, of east and north; nan for points the lens does not
            see.

        Raises:
            ConfigError: as ``floor_from_image``.
        """
        self._refuse_height(point_height_m)
        slope = self.view.image_per_metre(_flat(points_m), height_m=point_height_m)
        found = np.full(slope.shape, np.nan)
        seen = np.isfinite(slope).all(axis=(1, 2))
        found[seen] = pixel_sd**2 * np.linalg.inv(slope[seen].swapaxes(1, 2) @ slope[seen])
        return found

    def sd_m(self, points_m: Floats, *, pixel_sd: float, point_height_m: float = 0.0) -> Floats:
        """Give ``covariance_m2`` as one standard deviation per axis, (N,) metres.

        With ``pixel_sd = 1`` that is metres per pixel, averaged over directions.
        """
        spread = self.covariance_m2(points_m, pixel_sd=pixel_sd, point_height_m=point_height_m)
        mean: Floats = np.sqrt(np.trace(spread, axis1=1, axis2=2) / 2)
        return mean

    def _refuse_height(self, height_m: float) -> None:
        if height_m == 0.0:
            return
        if not self.heights_known:
            raise ConfigError(
                f"the calibration points alone do not say where a point {height_m:g} m above the "
                "floor is: give the lens's height (height_m) or its field of view "
                "(hfov_deg)"
            )
        if not height_m < self.view.place_m[2]:
            raise ConfigError(
                f"a point height of {height_m:g} m is not below the camera at "
                f"{self.view.place_m[2]:.2f} m: check height_m or hfov_deg"
            )


@dataclass(frozen=True, slots=True)
class Report:
    """How far a calibration can be trusted.

    Attributes:
        errors_m: of each pair on the floor; inf for one the fitted camera would not see.
        left_out_m: error of each pair by a calibration from all others: what to expect of a floor
            point nobody measured; nan with four pairs.
        worst: which pair fits the others least, from 0.
        misfit: errors as a multiple of what one pixel and two centimetres of noise make.
        why: how the lens was chosen, for people.
    """

    errors_m: tuple[float, ...]
    left_out_m: tuple[float, ...]
    worst: int
    misfit: float
    why: str


def calibrate(
    points_px: Floats,
    floor_m: Floats,
    *,
    image_size: tuple[int, int],
    lens: LensKind | Lens | Literal["auto"] = "auto",
    height_m: float | None = None,
    hfov_deg: float | None = None,
    params: GroundParams | None = None,
) -> tuple[Ground, Report]:
    """Calibrate a camera by points whose place on the floor and in the image is known.

    Square pixels and an optical axis through the image's centre are taken for granted, but for a
    fisheye with many points, whose centre is found too.

    Args:
        points_px: (N, 2), x right, y down; four at least, better eight.
        floor_m: (N, 2), x east, y north.
        image_size: (width, height) of the images the points were taken from.
        lens: its kind, the whole lens where its numbers are known, or ``auto``: the simplest kind
            that explains the points.
        height_m: of the lens; needed (or ``hfov_deg``) for points above the floor where the camera
            looks straight down, as height and focal length look alike there.
        hfov_deg: field of view over the image's width.
        params: when to refuse.

    Raises:
        ConfigError: fewer than four pairs, too many in a line, pairs that contradict each other
            (it names the culprit), a mirrored floor, or a height no such camera can have.
    """
    limits = params or GroundParams()
    pairs = _pairs(points_px, floor_m, image_size)
    known = Known(height_m, hfov_deg, lens if isinstance(lens, Lens) else None)
    near: View | None = None
    if isinstance(lens, Lens):
        kind, why = lens.kind, f"the {lens.kind} lens was given"
    elif lens != "auto":
        kind, why = lens, f"a {lens} lens was asked for"
    else:
        kind, why, near = _choose(pairs, known=known, limits=limits)
    others = tuple(one for one in KINDS if one != kind) if lens == "auto" else ()
    fit = _sound_fit(pairs, kind=kind, known=known, limits=limits, near=near, others=others)
    errors = _errors_m(fit.view, pairs)
    left_out_m = _left_out_m(fit, pairs)
    many = len(errors) > MIN_PAIRS
    ground = Ground(
        image_size, fit.view, fit.log_height_sd <= limits.max_height_error, _mean_square(errors)
    )
    return ground, Report(
        tuple(errors.tolist()),
        tuple(left_out_m.tolist()),
        int(np.argmax(np.hypot(*fit.left_out_sd.T) if many else errors)),
        fit.misfit,
        why,
    )


def _flat(points: Floats) -> Floats:
    return np.asarray(points, dtype=np.float64).reshape(-1, 2)


def _pairs(image_px: Floats, floor_m: Floats, image_size: tuple[int, int]) -> Pairs:
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
    return Pairs(image, floor, image_size)


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
                f"calibration points {names} lie in a line {what}: move or "
                "add points so that at least two lie well off it"
            )
    if spread == 0.0:
        raise ConfigError(f"all calibration points are one point {what}")


def _free(kind: LensKind, *, count: int, known: Known, limits: GroundParams) -> tuple[Free, ...]:
    """Tell which of a lens's numbers so many points may settle."""
    if known.lens is not None:
        return ()
    if kind == "pinhole" or (kind == "fisheye" and count < limits.distorted_pairs):
        return ("focal",)
    if kind == "distorted":
        return ("focal", "k1", "k2")
    return ("focal", "k1", "centre")


def _fit(
    pairs: Pairs, *, kind: LensKind, known: Known, limits: GroundParams, near: View | None = None
) -> Fit:
    free = _free(kind, count=len(pairs.image_px), known=known, limits=limits)
    return fit_view(pairs, kind=kind, free=free, known=known, params=limits.fit, near=near)


def _sound_fit(
    pairs: Pairs,
    *,
    kind: LensKind,
    known: Known,
    limits: GroundParams,
    near: View | None = None,
    others: tuple[LensKind, ...] = (),
) -> Fit:
    """Fit, or raise ConfigError with what is wrong.

    A mistake among the points can hide which lens it is: ``others`` may be it instead.
    """
    if known.height_m is not None and known.height_m <= 0:
        raise ConfigError(f"a height of {known.height_m:g} m: a camera hangs above the floor")
    _refuse_view(kind, known.hfov_deg)
    if kind != "fisheye":  # whose straight lines are curves
        _refuse_lines(pairs.image_px, what="in the picture", tolerance=limits.line_tolerance)
    _refuse_lines(pairs.floor_m, what="on the floor", tolerance=limits.line_tolerance)
    alone = Known(lens=known.lens)
    fit = free = _fit(pairs, kind=kind, known=alone, limits=limits, near=near)
    _refuse_mistyped(pairs, free, kinds=(kind, *others), limits=limits, known=alone)
    if free.view.place_m[2] < 0:
        raise ConfigError(
            "the calibration points show the floor mirrored: check that east and north are "
            "not swapped, that y counts downwards in the image, and that no axis is reversed"
        )
    if known != alone:
        fit = _fit(pairs, kind=kind, known=known, limits=limits)
        _refuse_contradiction(pairs, free, kind=kind, known=known, limits=limits)
    return fit


def _refuse_view(kind: LensKind, hfov_deg: float | None) -> None:
    most = 360 if kind == "fisheye" else 180
    if hfov_deg is not None and not 1 <= hfov_deg < most:
        raise ConfigError(
            f"a field of view of {hfov_deg:g} degrees: a {kind} lens has 1 to {most - 1}"
        )


def _refuse_contradiction(
    pairs: Pairs, free: Fit, *, kind: LensKind, known: Known, limits: GroundParams
) -> None:
    """Raise if a given height is not the one that the points or the field of view imply."""
    if known.height_m is None:
        return
    says = f"the height given is {known.height_m:g} m"
    if free.log_height_sd <= limits.max_height_error:
        height_m = free.view.place_m[2]
        if abs(height_m - known.height_m) > limits.max_disagreement * known.height_m:
            raise ConfigError(
                f"the calibration points put the camera at {height_m:.2f} m, {says}: measure the "
                "height or the points again"
            )
    if known.hfov_deg is not None:
        viewed = Known(hfov_deg=known.hfov_deg)
        height_m = _fit(pairs, kind=kind, known=viewed, limits=limits).view.place_m[2]
        if abs(height_m - known.height_m) > limits.max_disagreement * known.height_m:
            raise ConfigError(
                f"a field of view of {known.hfov_deg:g} degrees puts the camera at {height_m:.2f} "
                f"m, {says}: correct one or leave out the less certain"
            )


def _refuse_mistyped(
    pairs: Pairs, fit: Fit, *, kinds: tuple[LensKind, ...], known: Known, limits: GroundParams
) -> None:
    """Raise if pairs contradict each other, naming the culprit where the others agree."""
    errors = _errors_m(fit.view, pairs)
    residual_m = _mean_square(errors)
    bad = fit.misfit > limits.mistyped_misfit and errors.max() > limits.mistyped_m / 2
    if not bad and residual_m <= limits.max_residual_m:
        return
    for kind in kinds:
        _refuse_culprit(_culprits(pairs, fit, kind=kind, known=known, limits=limits))
        swapped = _swapped(pairs, fit, kind=kind, known=known, limits=limits)
        if swapped:
            raise ConfigError(
                f"points {swapped[0] + 1} and {swapped[1] + 1} look exchanged; with their places "
                "on the floor swapped all points agree"
            )
    worst = int(errors.argmax())
    if residual_m == inf:
        raise ConfigError(
            f"point {worst + 1} lies at or above the horizon that the other points make: check "
            "that each pair names the same spot in the image and on the floor"
        )
    if residual_m > limits.max_residual_m:
        raise ConfigError(
            f"the calibration points miss each other by {_length(residual_m)} "
            f"(at most {limits.max_residual_m:g} m is taken), point {worst + 1} the most: check "
            "that each pair names the same spot in the image and on the floor, in the same order, "
            "and the kind of lens"
        )


def _refuse_culprit(culprits: list[tuple[int, float, float]]) -> None:
    if len(culprits) == 1:
        number, off_m, others_m = culprits[0]
        off = f"is {_length(off_m)} off" if off_m < inf else "lies above the horizon"
        raise ConfigError(
            f"point {number + 1} {off}; without it the others agree within "
            f"{_length(others_m)}: measure it again"
        )
    if culprits:
        named = " or ".join(str(number + 1) for number, _, _ in culprits)
        raise ConfigError(
            f"point {named} is mistyped; measure one more point to learn which, or all of them "
            "again"
        )


def _culprits(
    pairs: Pairs, fit: Fit, *, kind: LensKind, known: Known, limits: GroundParams
) -> list[tuple[int, float, float]]:
    """Give each point without which the others agree: number, its error, theirs."""
    count = len(pairs.image_px)
    changes: list[tuple[tuple[int, ...], Pairs]] = [
        ((number,), pairs.without(number)) for number in range(count if count > MIN_PAIRS else 0)
    ]
    found = []
    for (number,), others, near in _suspects(changes, kind=kind, known=known, limits=limits):
        rest = _fit(others, kind=kind, known=known, limits=limits, near=near)
        off_m = float(_errors_m(rest.view, pairs)[number])
        agree = rest.misfit < max(1.5, limits.agreement * fit.misfit)
        if agree and off_m > limits.mistyped_m and rest.view.place_m[2] > 0:
            theirs = float(_errors_m(rest.view, others).max())
            if theirs < off_m:
                found.append((rest.misfit, number, off_m, theirs))
    least = min((misfit for misfit, *_ in found), default=0.0)
    return [tuple_[1:] for tuple_ in sorted(found) if tuple_[0] <= 2 * max(least, 1.0)]


def _swapped(
    pairs: Pairs, fit: Fit, *, kind: LensKind, known: Known, limits: GroundParams
) -> tuple[int, int] | None:
    """Give two points with whose floor places exchanged all agree."""
    count = len(pairs.image_px)
    changes: list[tuple[tuple[int, ...], Pairs]] = []
    for one, other in combinations(range(count), 2) if count > MIN_PAIRS + 1 else ():
        order = list(range(count))
        order[one], order[other] = other, one
        changes.append(((one, other), replace(pairs, floor_m=pairs.floor_m[order])))
    for (one, other), changed, near in _suspects(changes, kind=kind, known=known, limits=limits):
        again = _fit(changed, kind=kind, known=known, limits=limits, near=near)
        if again.misfit < max(1.5, limits.agreement**2 * fit.misfit):
            return one, other
    return None


def _suspects(
    changes: list[tuple[tuple[int, ...], Pairs]],
    *,
    kind: LensKind,
    known: Known,
    limits: GroundParams,
) -> list[tuple[tuple[int, ...], Pairs, View]]:
    """Give the changes to the pairs that make them agree best at a guess, and that guess."""
    guesses = []
    for what, changed in changes:
        lenses = first_lenses(kind, changed.image_size, known=known)
        guesses.append((*guess(changed, lenses=lenses), what, changed))
    guesses.sort(key=lambda one: one[0])
    return [(what, changed, view) for _, view, what, changed in guesses[: limits.suspects]]


def _left_out_m(fit: Fit, pairs: Pairs) -> Floats:
    """Give each point's error on the floor by a fit to all others; nan for four points."""
    if len(pairs.image_px) == MIN_PAIRS:
        return np.full(MIN_PAIRS, nan)
    slope = fit.view.image_per_metre(pairs.floor_m, height_m=0.0)
    off = np.full(len(slope), inf)
    seen = np.isfinite(slope).all(axis=(1, 2))
    off[seen] = np.linalg.norm(
        np.linalg.solve(slope[seen], fit.left_out_px[seen, :, None]), axis=1
    )[:, 0]
    return off


def _choose(
    pairs: Pairs, *, known: Known, limits: GroundParams
) -> tuple[LensKind, str, View | None]:
    """Choose the simplest kind of lens that explains the points; say why, and where it hangs."""
    if len(pairs.image_px) < limits.distorted_pairs:
        why = (
            f"{len(pairs.image_px)} points cannot tell lenses apart: a pinhole was taken; measure "
            f"{limits.distorted_pairs} or say which lens it is"
        )
        return "pinhole", why, None
    missed: dict[LensKind, float] = {}
    views: dict[LensKind, View] = {}
    for kind in KINDS:
        fit = _fit(pairs, kind=kind, known=known, limits=limits)
        views[kind] = fit.view
        missed[kind] = float(np.sqrt((fit.left_out_sd**2).mean()))
    chosen: LensKind = "pinhole"
    for kind in KINDS[1:]:
        if missed[kind] < limits.gain * missed[chosen]:
            chosen = kind
    others = ", ".join(f"{kind} {missed[kind]:.1f}" for kind in KINDS)
    why = (
        f"the simplest lens that explains the points is {chosen}; a point left out is missed by, "
        f"in standard deviations: {others}"
    )
    return chosen, why, views[chosen]


def _errors_m(view: View, pairs: Pairs) -> Floats:
    back = view.floor_from_image(pairs.image_px, height_m=0.0)
    errors: Floats = np.nan_to_num(np.hypot(*(back - pairs.floor_m).T), nan=inf)
    return errors


def _mean_square(errors: Floats) -> float:
    return float(np.sqrt((errors**2).mean()))


def _length(metres: float) -> str:
    return f"{metres:.1f} m" if metres >= 1 else f"{100 * metres:.0f} cm"
