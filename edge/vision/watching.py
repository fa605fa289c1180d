"""Eyes: one camera's images in, tracks on the floor out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from math import isfinite
from typing import Protocol

import numpy as np

from edge.errors import ConfigError
from edge.vision.detection import UNSURE, Detection, Image
from edge.vision.ground import Ground
from edge.vision.tracking import (
    FloorPoint,
    Sighting,
    TrackEnd,
    Tracker,
    TrackerParams,
    TrackPoint,
)


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


class Eyes:
    """Watches one camera; the same for a live agent, a clip and the test harness.

    Args:
        detector: finds people.
        ground: where image points stand.
        params: of the tracker; ``sure`` is overruled by the confidence.
        confidence: overrules the detector's own.
        may_stand: as in ``Tracker``.
        may_appear: as in ``Tracker``.
        numbers: as in ``Tracker``.
    """

    def __init__(
        self,
        detector: Finder,
        *,
        ground: Ground,
        params: TrackerParams | None = None,
        confidence: float | None = None,
        may_stand: Callable[[float, float], bool] | None = None,
        may_appear: Callable[[float, float], bool] | None = None,
        numbers: Iterator[int] | None = None,
    ) -> None:
        self._detector = detector
        self._ground = ground
        sure = detector.confidence if confidence is None else confidence
        self._least = UNSURE * sure
        self._tracker = Tracker(
            replace(params or TrackerParams(), sure=sure),
            may_stand=may_stand,
            may_appear=may_appear,
            numbers=numbers,
        )

    def feed(self, scene_ms: int, image: Image) -> list[TrackPoint | TrackEnd]:
        """Look at one image; give what it tells of tracks.

        Raises:
            ConfigError: the image's shape is not the one the camera was calibrated at.
        """
        return self._tracker.feed(self.sight(scene_ms, image))

    def sight(self, scene_ms: int, image: Image) -> Sighting:
        """Find the people in one image and their places, without following them.

        Raises:
            ConfigError: as ``feed``.
        """
        scale = _scale(image.shape, calibrated=self._ground.image_size)
        found = self._detector.detect(image, least=self._least)
        points = floor_points(
            found, ground=self._ground, height_m=self._detector.point_height_m, scale=scale
        )
        return Sighting(scene_ms, points)

    def advance(self, now_ms: int) -> list[TrackPoint | TrackEnd]:
        """Let time pass without an image; a dead camera's tracks end too."""
        return self._tracker.advance(now_ms)

    def due_ms(self) -> int | None:
        """Give the next instant at which ``advance`` settles something."""
        return self._tracker.due_ms()


def floor_points(
    detections: Sequence[Detection], *, ground: Ground, height_m: float, scale: float = 1.0
) -> tuple[FloorPoint, ...]:
    """Put detections on the floor; those at or above the horizon stand nowhere and are left out.

    Args:
        detections: in pixels of the image.
        ground: of the camera.
        height_m: of a detection's point over the floor.
        scale: pixels of the calibration per pixel of the image.
    """
    image = np.array([(one.x_px, one.y_px) for one in detections], dtype=np.float64).reshape(-1, 2)
    floor = ground.floor_from_image(image * scale, point_height_m=height_m)
    return tuple(
        FloorPoint(east, north, one.confidence)
        for (east, north), one in zip(floor.tolist(), detections, strict=True)
        if isfinite(east)
    )


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
