"""Eyes: one camera's images in, sightings on the floor out; and how the camera is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import isfinite
from typing import Protocol, runtime_checkable

import cv2
import numpy as np

from edge.errors import ConfigError
from edge.vision.background import Background, BackgroundParams, Box
from edge.vision.condition import (
    Checkup,
    Condition,
    ConditionParams,
    Signature,
)
from edge.vision.detection import (
    UNSURE,
    Backdrop,
    Detection,
    Fitted,
    Image,
    fixed_fit,
    letterbox,
)
from edge.vision.ground import Floats, Ground
from edge.vision.manifest import CentrePoints, Manifest
from edge.vision.stillness import Stillness
from edge.vision.tracking import FloorPoint, Sighting

PLAIN_PX = 416
"""Longer side of the background of a camera whose detector says nothing of sizes."""


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


@runtime_checkable
class Seer(Protocol):
    """A finder that is shown what changed: ``edge.vision.onnx_io.Detector``, or a test's own."""

    @property
    def confidence(self) -> float:
        """As ``Finder``'s."""
        ...

    @property
    def point_height_m(self) -> float:
        """As ``Finder``'s."""
        ...

    def fit(self, image: Image) -> Fitted:
        """Bring an image to the size it is looked at in."""
        ...

    def find(self, fitted: Fitted, *, backdrop: Backdrop | None, least: float) -> list[Detection]:
        """Find the people, in pixels of the image, before a background of the canvas' size."""
        ...


@dataclass(frozen=True, slots=True)
class SightParams:
    """How precisely a detection tells the place of a person's point in the image.

    Attributes:
        blur_px: in pixels of the calibration: a small net's grid, motion, the image's own noise.
        body_share: and this share of the box's longer side: nobody can say to the inch where
            a body stands. Both are taken together as independent errors.
        head_share: likewise of a head, which is seen where feet are often hidden.
        head_m: height over the floor of the middle of a head: statures of 1.71 m on average
            (NCD-RisC 2016, men and women of Europe), shoes, a stride, and half a head.
        head_sd_m: how much that differs between people, children and those who bend included.
        unsure: share of the confidence a person is believed at, down to which a detection may
            continue a track.
        kept: confidence from which a detection keeps its place from being learnt as background:
            what no track would begin on is sooner a thing than a person.
        adopt_ms: how long the background is learnt before the camera is compared with it; longer
            than it takes to forget whom nobody found in the first images.
    """

    blur_px: float = 1.5
    body_share: float = 0.04
    head_share: float = 0.02
    head_m: float = 1.6
    head_sd_m: float = 0.15
    unsure: float = UNSURE
    kept: float = 0.0
    adopt_ms: int = 300_000

    @classmethod
    def of(cls, manifest: Manifest) -> SightParams:
        """Take what a detector's manifest knows of its errors."""
        given = manifest.output
        if not isinstance(given, CentrePoints):
            return cls()
        usual = cls()
        return replace(
            usual,
            body_share=given.point_error or usual.body_share,
            head_share=given.head_error or usual.head_share,
            # Where a track begins on more than belief, belief is what continues it.
            unsure=usual.unsure if given.begins is None else 1.0,
            kept=given.begins or usual.kept,
        )


class Eyes:
    """One camera's: images in, sightings on the floor out.

    Remembers what the camera sees when nobody is there, in memory only: the detector is shown what
    differs from it, and a camera that was moved or blurred is noticed by it.

    Args:
        detector: finds people; one that only takes images is not shown what changed.
        ground: where image points stand.
        confidence: overrules the detector's own.
        camera: its name, which sightings bear.
        params: precision.
        signature: of the camera as it was calibrated; without one, it is taken of what is seen.
        background: how fast to learn.
        conditions: when something is wrong.
    """

    def __init__(
        self,
        detector: Finder | Seer,
        *,
        ground: Ground,
        confidence: float | None = None,
        camera: str = "",
        params: SightParams | None = None,
        signature: Signature | None = None,
        background: BackgroundParams | None = None,
        conditions: ConditionParams | None = None,
    ) -> None:
        self.camera = camera
        self._detector = detector
        self._ground = ground
        self._params = params or SightParams()
        believed = detector.confidence if confidence is None else confidence
        self._least = self._params.unsure * believed
        self._learning = background
        self._background = Background(background)
        self._stillness = Stillness()
        self._shape: tuple[int, ...] = ()
        self._learnt: Backdrop | None = None
        self._backdrop: Backdrop | None = None
        self._began_ms: int | None = None
        self._checkup = Checkup(size_px=ground.image_size, reference=signature, params=conditions)

    @property
    def condition(self) -> Condition | None:
        """What is wrong with the camera; None if nothing is known to be."""
        return self._checkup.condition

    @property
    def stale(self) -> bool:
        """Whether the camera repeats one image, which then shows nobody; as ``Checkup``."""
        return self._checkup.stale

    @property
    def signature(self) -> Signature | None:
        """What may be kept to compare with: the one given, or the one two looks agreed on."""
        return self._checkup.kept

    @property
    def compared(self) -> bool:
        """Whether enough of the room was seen to tell whether the camera is as it was."""
        return self._checkup.shift is not None

    def sight(self, scene_ms: int, image: Image) -> Sighting:
        """Find the people in one image and their places.

        Raises:
            ConfigError: the image's shape is not the one the camera was calibrated at.
        """
        scale = _scale(image.shape, calibrated=self._ground.image_size)
        fitted = self._fit(image)
        if fitted.canvas.shape != self._shape:  # the camera was set to another size
            self._background, self._shape = Background(self._learning), fitted.canvas.shape
            self._learnt = self._backdrop = None
        found = self._find(fitted, image=image)
        self._stillness.feed(scene_ms, fitted.canvas)
        found = [
            replace(one, still=True)
            if self._stillness.holds(_box(one, scale=fitted.scale))
            else one
            for one in found
        ]
        self._learn(scene_ms, _filled(fitted, image=image), found=found, scale=fitted.scale)
        points = floor_points(
            found,
            ground=self._ground,
            height_m=self._detector.point_height_m,
            scale=scale,
            params=self._params,
        )
        return Sighting(scene_ms, points, self.camera)

    def _fit(self, image: Image) -> Fitted:
        if isinstance(self._detector, Seer):
            return self._detector.fit(image)
        fit = fixed_fit(*image.shape[:2], width_px=PLAIN_PX, height_px=PLAIN_PX)
        return letterbox(image, fit=fit, value=0)

    def _find(self, fitted: Fitted, *, image: Image) -> list[Detection]:
        if isinstance(self._detector, Seer):
            return self._detector.find(fitted, backdrop=self._backdrop, least=self._least)
        return self._detector.detect(image, least=self._least)

    def _learn(
        self, scene_ms: int, shown: Image, *, found: Sequence[Detection], scale: float
    ) -> None:
        checkup, background = self._checkup, self._background
        checkup.feed(scene_ms, shown)
        if checkup.blind:
            return
        kept = self._params.kept
        boxes = [_box(one, scale=scale) for one in found if one.confidence >= kept]
        background.feed(scene_ms, shown, boxes)
        backdrop = background.backdrop
        if backdrop is None or backdrop is self._learnt:
            return
        self._learnt, self._backdrop = backdrop, _padded(backdrop, shape=self._shape)
        if self._began_ms is None:
            self._began_ms = scene_ms
        checkup.compare(scene_ms, backdrop)
        if scene_ms - self._began_ms >= self._params.adopt_ms and not background.upset:
            checkup.adopt(scene_ms, backdrop)


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
    size = np.array([max(one.width_px, one.height_px) for one in detections], dtype=np.float64)
    points = np.array([(one.x_px, one.y_px) for one in detections], dtype=np.float64)
    heads = np.array([(one.head_x_px, one.head_y_px) for one in detections], dtype=np.float64)
    blur_px = np.hypot(limits.blur_px, limits.body_share * scale * size)
    floor, error_m = _stand(scale * points, blur_px, ground=ground, height_m=height_m)
    camera = ground.camera_m
    if height_m < limits.head_m and camera is not None and camera[2] > 1.2 * limits.head_m:
        blur_px = np.hypot(limits.blur_px, limits.head_share * scale * size)
        under, sd_m = _stand(scale * heads, blur_px, ground=ground, height_m=limits.head_m)
        away_m = np.hypot(*(under - camera[:2]).T)
        sd_m = np.hypot(sd_m, limits.head_sd_m * away_m / (camera[2] - limits.head_m))
        floor, error_m = _both((floor, error_m), (under, sd_m))
    error_m = np.hypot(error_m, ground.residual_m)
    return tuple(
        FloorPoint(east, north, one.confidence, sd_m, one.still)
        for (east, north), sd_m, one in zip(
            floor.tolist(), error_m.tolist(), detections, strict=True
        )
        if isfinite(east) and isfinite(sd_m)
    )


def _stand(
    points_px: Floats, blur_px: Floats, *, ground: Ground, height_m: float
) -> tuple[Floats, Floats]:
    """Give the floor below image points (N, 2) and how sure that is (N,); nan where unknown."""
    places = points_px.reshape(-1, 2)
    floor = ground.floor_from_image(places, point_height_m=height_m)
    return floor, blur_px * _pixel_m(places, floor, ground=ground, height_m=height_m)


def _both(one: tuple[Floats, Floats], other: tuple[Floats, Floats]) -> tuple[Floats, Floats]:
    """Take two independent measurements of the same places together, each as sure as it is."""
    weights = [
        np.where(np.isfinite(sd), 1 / np.maximum(sd, 1e-6) ** 2, 0.0) for _, sd in (one, other)
    ]
    total = weights[0] + weights[1]
    with np.errstate(invalid="ignore", divide="ignore"):
        shares = [weight / total for weight in weights]
        floor = sum(
            share[:, None] * np.where(share[:, None] > 0, places, 0.0)
            for share, (places, _) in zip(shares, (one, other), strict=True)
        )
        return np.asarray(floor), np.asarray(1 / np.sqrt(total))


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


def _filled(fitted: Fitted, *, image: Image) -> Image:
    """Give the part of a canvas that the image fills."""
    rows, cols = (max(1, round(side * fitted.scale)) for side in image.shape[:2])
    return fitted.canvas[:rows, :cols]


def _box(found: Detection, *, scale: float) -> Box:
    """Give a box that holds a person, in pixels of the canvas."""
    x, y, wide, high = found.centre_x_px, found.centre_y_px, found.width_px / 2, found.height_px / 2
    if x is None or y is None:  # wherever on the body the detection's point is
        x, y, wide, high = found.x_px, found.y_px, found.width_px, found.height_px
    return (scale * (x - wide), scale * (y - high), scale * (x + wide), scale * (y + high))


def _padded(backdrop: Backdrop, *, shape: tuple[int, ...]) -> Backdrop:
    """Give the background on a canvas of the net's size; what no image fills is unknown."""
    down, right = (shape[side] - backdrop.picture.shape[side] for side in (0, 1))
    picture = cv2.copyMakeBorder(backdrop.picture, 0, down, 0, right, cv2.BORDER_CONSTANT)
    return Backdrop(np.asarray(picture), np.pad(backdrop.known, ((0, down), (0, right))))
