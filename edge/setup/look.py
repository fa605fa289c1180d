"""What setup learns from a camera's images: the room without its people, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np

from edge.setup.picture import Mask
from edge.vision.background import Box
from edge.vision.detection import UNSURE, Detection, Image
from edge.vision.watching import Finder


class Settling(Protocol):
    """What learns a people-free picture: ``edge.vision.background.Background``."""

    @property
    def picture(self) -> Image:
        """(H, W, 3) uint8; means something only where ``known``."""
        ...

    @property
    def known(self) -> Mask:
        """(H, W) bool."""
        ...

    def feed(self, scene_ms: int, image: Image, boxes: Sequence[Box]) -> None:
        """Learn from an image in which people were found."""
        ...


@dataclass(frozen=True, slots=True)
class LookParams:
    """How often a camera is looked at.

    Attributes:
        every_ms: between two pictures the background learns from, in scene time.
        samples: images at most that make one such picture: the mean of eight has a third of a dim
            sensor's noise, which else looks as if somebody moved.
    """

    every_ms: int = 1_000
    samples: int = 8


class Look:
    """Learns one camera's people-free picture.

    Args:
        finder: finds people.
        new_background: begins to learn; called again when the camera changes its size.
        params: how often.
    """

    def __init__(
        self,
        finder: Finder,
        *,
        new_background: Callable[[], Settling],
        params: LookParams | None = None,
    ) -> None:
        self._finder = finder
        self._new_background = new_background
        self._params = params or LookParams()
        self._due_ms = self._sample_ms = 0
        self._sum = np.zeros((0, 0, 3), np.float32)
        self._samples = 0
        self._boxes: list[Box] = []
        self._background: Settling | None = None
        self._fed = False

    def feed(self, scene_ms: int, image: Image) -> None:
        """Learn from an image, unless others of the same time suffice."""
        if self._background is None or image.shape != self._sum.shape:
            self._background, self._fed = self._new_background(), False
            self._sum, self._samples = np.zeros(image.shape, np.float32), 0
            self._due_ms, self._sample_ms = scene_ms + self._params.every_ms, scene_ms
        if scene_ms < self._sample_ms:
            return
        self._sample_ms = scene_ms + self._params.every_ms // self._params.samples
        cv2.accumulate(image, self._sum)
        self._samples += 1
        if scene_ms < self._due_ms:
            return
        self._due_ms = scene_ms + self._params.every_ms
        found = self._finder.detect(image, least=UNSURE * self._finder.confidence)
        before, self._boxes = self._boxes, [around(one) for one in found]
        mean = cv2.convertScaleAbs(self._sum, alpha=1 / self._samples)
        self._background.feed(scene_ms, mean, before + self._boxes)
        self._fed = True
        self._sum[:], self._samples = 0, 0

    @property
    def size_px(self) -> tuple[int, int] | None:
        """Width and height of the camera's images; None before the first."""
        rows, cols = self._sum.shape[:2]
        return (cols, rows) if rows else None

    def learnt(self) -> tuple[Image, Mask] | None:
        """Give copies of the picture and of what is known of it; None before the first picture."""
        if self._background is None or not self._fed:
            return None
        return self._background.picture.copy(), self._background.known.copy()


def around(found: Detection) -> Box:
    """Give a person's box; where its centre is not told, one that holds it in any case."""
    x, y, reach = found.centre_x_px, found.centre_y_px, 0.5
    if x is None or y is None:  # the point may be any of the body's
        x, y, reach = found.x_px, found.y_px, 1.0
    return (
        x - reach * found.width_px,
        y - reach * found.height_px,
        x + reach * found.width_px,
        y + reach * found.height_px,
    )
