"""A calibration while it is being made: how far each point misses, and a grid laid over the floor.

Unlike the agent, which refuses points that contradict each other, a trial shows which one does.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from math import ceil, floor, inf, isfinite

import msgspec
import numpy as np
from numpy.typing import NDArray

from edge.errors import ConfigError
from edge.setup.draft import CameraDraft
from edge.setup.picture import Extent
from edge.vision.ground import Ground, GroundParams, calibrate
from edge.vision.lens import Lens, LensKind
from edge.vision.survey import hints, sectors_for

Floats = NDArray[np.float64]
Line = list[tuple[float, float]]

STRETCH_M = 3.0
"""How far beyond the measured points the floor is taken to matter where no outline is drawn."""
GRID_STEPS_M = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0)
GRID_LINES = 40
"""Most grid lines along an axis; a coarser step is taken rather than more."""
SAMPLE_M = 0.2
"""Between two samples of a grid line: lenses bend them."""
SAMPLES = 2_000
"""Most samples of a line; who mistypes an outline by kilometres must not wait for them."""


class PointTrial(msgspec.Struct, frozen=True, kw_only=True):
    """How one point fits.

    Attributes:
        error_cm: on the floor, from where it was measured to where the picture says it is.
        alone_cm: the same when the others were fitted without it: what to expect between points;
            None if the others do not suffice.
        seen_px: where the fit sees the measured place, None if nowhere.
    """

    error_cm: float | None
    seen_px: tuple[float, float] | None
    alone_cm: float | None = None


class GridLine(msgspec.Struct, frozen=True, kw_only=True):
    """A line of equal east or north across the picture.

    Attributes:
        axis: ``east`` for a line on which east is ``at_m``.
        pieces: polylines in pixels; a line may leave the picture and come back.
    """

    axis: str
    at_m: float
    pieces: list[Line]


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """What the page shows of a calibration.

    Attributes:
        error: why there is none, or why the agent would refuse it; empty if all is well.
        points: one each, in order; empty without a fit.
        rms_cm: of the errors.
        alone_cm: root mean square of ``alone_cm``; None if some point has none.
        suspect: number of the point, from 1, that spoils a refused fit; 0 if none.
        judged: whether the agent's own rules and the points left out were asked.
        lens: the kind that was fitted.
        why: how it was chosen.
        camera_m: east, north, height of the lens, where the points tell.
        hfov_deg: of the lens, where the points tell.
        hints: what to know of how the agent will look at it.
    """

    error: str = ""
    points: list[PointTrial] = []
    rms_cm: float | None = None
    alone_cm: float | None = None
    suspect: int = 0
    judged: bool = False
    lens: str = ""
    why: str = ""
    camera_m: tuple[float, float, float] | None = None
    hfov_deg: float | None = None
    hints: list[str] = []
    grid: list[GridLine] = []


LENIENT = replace(GroundParams(), max_residual_m=inf, mistyped_misfit=inf, max_disagreement=inf)
"""Shows what points make that the agent would refuse."""
CULPRIT = re.compile(r"\bpoint ([0-9]+) is\b")
"""How ``calibrate`` names the point that spoils the others."""


def ground_of_draft(camera: CameraDraft, *, params: GroundParams | None = None) -> Ground:
    """Fit a camera of a draft; an open lens is taken for a pinhole.

    Raises:
        ConfigError: says what is wrong with its points.
    """
    image, floor, size_px = _pairs(camera)
    return Ground.from_points(
        image,
        floor,
        image_size=size_px,
        lens=_lens(camera, size_px=size_px) or "pinhole",
        camera_height_m=camera.height_m,
        hfov_deg=camera.hfov_deg,
        params=params,
    )


def glance(camera: CameraDraft, *, extent: Extent | None, brought: bool = False) -> Trial:
    """Fit a draft's points at once, for the eye: what it is worth only ``judge`` tells.

    Args:
        camera: with the points so far.
        extent: of the floor plan, if there is one: where the grid is drawn.
        brought: whether the shop brought its own detector.
    """
    try:
        ground = ground_of_draft(camera, params=LENIENT)
    except ConfigError as error:
        return Trial(error=str(error))
    return _trial(camera, ground=ground, extent=extent, brought=brought)


def judge(camera: CameraDraft, *, extent: Extent | None, brought: bool = False) -> Trial:
    """Fit a draft's points as the agent will, and each by the others: seconds on a small box.

    Args:
        camera: with the points; if its lens is open, the points choose.
        extent: as in ``glance``.
        brought: likewise.
    """
    try:
        image, floor, size_px = _pairs(camera)
        ground, report = calibrate(
            image,
            floor,
            image_size=size_px,
            lens=_lens(camera, size_px=size_px) or "auto",
            height_m=camera.height_m,
            hfov_deg=camera.hfov_deg,
        )
    except ConfigError as error:
        seen = glance(camera, extent=extent, brought=brought)
        said = CULPRIT.search(str(error))
        suspect = int(said[1]) if said and seen.points else 0
        return msgspec.structs.replace(seen, error=str(error), suspect=suspect, judged=True)
    trial = _trial(camera, ground=ground, extent=extent, brought=brought)
    alone_cm = [_finite(100 * left_out_m) for left_out_m in report.left_out_m]
    return msgspec.structs.replace(
        trial,
        points=[
            msgspec.structs.replace(one, alone_cm=alone)
            for one, alone in zip(trial.points, alone_cm, strict=True)
        ],
        alone_cm=_finite(100 * _rms(report.left_out_m)),
        why=report.why,
        judged=True,
    )


def grid_of(ground: Ground, *, extent: Extent) -> list[GridLine]:
    """Give the lines of whole metres over a floor as the camera sees them."""
    west, south, east, north = extent
    lines = [
        _line(ground, axis="east", at_m=at_m, span=(south, north)) for at_m in _ticks(west, east)
    ]
    lines += [
        _line(ground, axis="north", at_m=at_m, span=(west, east)) for at_m in _ticks(south, north)
    ]
    return [line for line in lines if line.pieces]


def extent_of(outline: Sequence[tuple[float, float]]) -> Extent | None:
    """Give the box around an outline; None if there is none."""
    if not outline:
        return None
    east, north = zip(*outline, strict=True)
    return min(east), min(north), max(east), max(north)


def _trial(camera: CameraDraft, *, ground: Ground, extent: Extent | None, brought: bool) -> Trial:
    image, floor, _ = _pairs(camera)
    missed_m = np.linalg.norm(ground.floor_from_image(image) - floor, axis=1)
    lens = ground.view.lens
    hfov_deg = lens.view_deg(ground.image_size[0])
    sectors = sectors_for(lens.kind, asked=camera.sectors, ground=ground)
    return Trial(
        points=[
            PointTrial(error_cm=_finite(100 * float(each_m)), seen_px=_pair(seen))
            for each_m, seen in zip(missed_m, ground.image_from_floor(floor), strict=True)
        ],
        rms_cm=_finite(100 * ground.residual_m),
        lens=lens.kind,
        camera_m=ground.camera_m,
        hfov_deg=_finite(hfov_deg) if ground.heights_known else None,
        hints=hints(ground, sectors=sectors, brought=brought),
        grid=grid_of(ground, extent=extent or _around(camera)),
    )


def _pairs(camera: CameraDraft) -> tuple[Floats, Floats, tuple[int, int]]:
    if camera.size_px is None:
        raise ConfigError("no calibration points yet: click a spot on the floor, type its metres")
    points = np.array(camera.points, dtype=np.float64).reshape(-1, 4)
    return points[:, :2], points[:, 2:], camera.size_px


def _lens(camera: CameraDraft, *, size_px: tuple[int, int]) -> Lens | LensKind | None:
    if camera.focal_px is None:
        return camera.lens
    middle = (size_px[0] / 2, size_px[1] / 2)
    return Lens(
        camera.lens or "pinhole", camera.focal_px, camera.centre_px or middle, camera.k1, camera.k2
    )


def _line(ground: Ground, *, axis: str, at_m: float, span: tuple[float, float]) -> GridLine:
    along = np.linspace(*span, _samples(span[1] - span[0]))
    across = np.full(len(along), at_m)
    floor_m = np.stack([across, along] if axis == "east" else [along, across], axis=1)
    image = ground.image_from_floor(floor_m)
    width, height = ground.image_size
    with np.errstate(invalid="ignore"):
        within = (image >= 0) & (image <= (width, height))
    inside = np.logical_and(within[:, 0], within[:, 1])
    pieces: list[Line] = []
    for number in np.flatnonzero(inside):
        if number == 0 or not inside[number - 1]:
            pieces.append([])
        pieces[-1].append((round(float(image[number, 0]), 1), round(float(image[number, 1]), 1)))
    return GridLine(axis=axis, at_m=at_m, pieces=[piece for piece in pieces if len(piece) > 1])


def _samples(length_m: float) -> int:
    return max(2, ceil(min(length_m / SAMPLE_M, SAMPLES)) + 1)


def _ticks(low: float, high: float) -> list[float]:
    steps = [step for step in GRID_STEPS_M if (high - low) / step <= GRID_LINES]
    step = steps[0] if steps else high - low
    return [number * step for number in range(ceil(low / step), floor(high / step) + 1)]


def _around(camera: CameraDraft) -> Extent:
    points = np.array(camera.points, dtype=np.float64)
    west, south = points[:, 2:].min(axis=0) - STRETCH_M
    east, north = points[:, 2:].max(axis=0) + STRETCH_M
    return float(west), float(south), float(east), float(north)


def _finite(value: float) -> float | None:
    return value if isfinite(value) else None


def _pair(point: Floats) -> tuple[float, float] | None:
    return (float(point[0]), float(point[1])) if np.isfinite(point).all() else None


def _rms(values: Sequence[float]) -> float:
    return float(np.sqrt(np.mean(np.square(values))))
