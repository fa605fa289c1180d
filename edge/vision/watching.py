"""Eyes: one camera's images in, sightings on the floor out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Protocol

import numpy as np

from edge.errors import ConfigError
from edge.vision.detection import UNSURE, Detection, Image
from edge.vision.ground import Floats, Ground
from edge.vision.tracking import FloorPoint, Sighting


class Finder(Protocol):
    """What finds people in an image: ``edge.vision.onnx_io.Detector``, or a test's own."""

    @property
    def confidence(self) -> float:
        """Confidence above which a detection is believed."""
        ...

    @property
    def point_height_m(self) -> float:
        """Height over the floor of the point a detection gives."""
        ...

    def detect(self, image: Image, *, least: float) -> list[Detection]:
        """Find the people in a (H, W, 3) uint8 image, of at least a confidence."""
        ...


@dataclass(frozen=True, slots=True)
class SightParams:
    """How precisely a detection tells the place of a person's point in the image.

    Attributes:
        blur_px: in pixels of the calibration: a small net's grid, motion, the image's own noise.
        body_share: and this share of the box's longer side: nobody can say to the inch where
            a body stands. Both are taken together as independent errors.
    """

    blur_px: float = 1.5
    body_share: float = 0.04


class Eyes:
    """One camera's: images in, sightings on the floor out; remembers nothing.

    Args:
        detector: finds people.
        ground: where image points stand.
        confidence: overrules the detector's own.
        camera: its name, which sightings bear.
        params: precision.
    """

    def __init__(
        self,
        detector: Finder,
        *,
        ground: Ground,
        confidence: float | None = None,
        camera: str = "",
        params: SightParams | None = None,
    ) -> None:
        self.camera = camera
        self._detector = detector
        self._ground = ground
        self._least = UNSURE * (detector.confidence if confidence is None else confidence)
        self._params = params or SightParams()

    def sight(self, scene_ms: int, image: Image) -> Sighting:
        """Find the people in one image and their places.

        Raises:
            ConfigError: the image's shape is not the one the camera was calibrated at.
        """
        scale = _scale(image.shape, calibrated=self._ground.image_size)
        found = self._detector.detect(image, least=self._least)
        points = floor_points(
            found,
            ground=self._ground,
            height_m=self._detector.point_height_m,
            scale=scale,
            params=self._params,
        )
        return Sighting(scene_ms, points, self.camera)


def floor_points(
    detections: Sequence[Detection],
    *,
    ground: Ground,
    height_m: float,
    scale: float = 1.0,
    params: SightParams | None = None,
) -> tuple[FloorPoint, ...]:
    """Put detections on the floor; those at or above the horizon stand nowhere and are left out.

    Args:
        detections: in pixels of the image.
        ground: of the camera.
        height_m: of a detection's point over the floor.
        scale: pixels of the calibration per pixel of the image.
        params: precision.
    """
    limits = params or SightParams()
    seen = scale * np.array(
        [(one.x_px, one.y_px, max(one.width_px, one.height_px)) for one in detections],
        dtype=np.float64,
    ).reshape(-1, 3)
    places = seen[:, :2]
    floor = ground.floor_from_image(places, point_height_m=height_m)
    error_px = np.hypot(limits.blur_px, limits.body_share * seen[:, 2])
    pixel_m = _pixel_m(places, floor, ground=ground, height_m=height_m)
    error_m = np.hypot(error_px * pixel_m, ground.residual_m)
    return tuple(
        FloorPoint(east, north, one.confidence, sd_m)
        for (east, north), sd_m, one in zip(
            floor.tolist(), error_m.tolist(), detections, strict=True
        )
        if isfinite(east) and isfinite(sd_m)
    )


def _pixel_m(places: Floats, floor: Floats, *, ground: Ground, height_m: float) -> Floats:
    """Give what one pixel makes on the floor, as the root mean square of both directions.

    nan where the next pixel's floor is beyond the horizon: such a place is anybody's guess.
    """
    steps = [
        ground.floor_from_image(places + step, point_height_m=height_m) - floor
        for step in ((0.0, -1.0), (1.0, 0.0))  # up, where floor gets farther, not down
    ]
    square = (steps[0] ** 2 + steps[1] ** 2).sum(axis=1) / 2
    size: Floats = np.sqrt(square)
    return size


def _scale(shape: tuple[int, ...], *, calibrated: tuple[int, int]) -> float:
    """Give calibration pixels per image pixel, for a stream of another size but the same shape."""
    rows, cols = shape[:2]
    width, height = calibrated
    if abs(width * rows - height * cols) > max(width, height):
        raise ConfigError(
            f"the camera gives {cols}x{rows} pixels but was calibrated at {width}x{height}: "
            "set the camera back, or measure the calibration points again"
        )
    return width / cols
