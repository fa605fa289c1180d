"""Whether anything has moved lately in a part of a fixed camera's picture: people never keep still.

Who stands and reads still shifts, turns a page, breathes; a sign does not. So a detection in which
nothing has moved is sooner a thing than a person, whatever it looks like.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from edge.vision.background import Box
from edge.vision.detection import Image


@dataclass(frozen=True, slots=True)
class StillnessParams:
    """When a box is still.

    Attributes:
        every_ms: between two pictures that are compared.
        levels: a pixel, at half size, has moved where a colour differs by more; three times the
            noise of a dim sensor after scaling down.
        for_ms: how long nothing may have moved.
        core: part of the box, along each side, that is asked; around it others walk by.
        moved: share of the core below which it is still. Of two people who stood and read, for
            ten and twenty seconds, never less had moved (Intel sample video "one-by-one person
            detection", 1 in 100 at .07); of a lamp post with people around, less half the time.
    """

    every_ms: int = 500
    levels: int = 9
    for_ms: int = 3_000
    core: float = 0.6
    moved: float = 0.05


class Stillness:
    """Remembers when each pixel of one fixed camera last moved; in memory only."""

    def __init__(self, params: StillnessParams | None = None) -> None:
        self._params = params or StillnessParams()
        self._then: Image | None = None
        self._then_ms = 0
        self._moved_ms = np.zeros((0, 0), np.int64)

    def feed(self, scene_ms: int, picture: Image) -> None:
        """Take a (H, W, 3) uint8 picture, if one is due; one of another size begins anew.

        A picture equal to the one before says nothing: the camera may have given it twice.
        """
        if self._then is not None and scene_ms - self._then_ms < self._params.every_ms:
            return
        now = cv2.resize(picture, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
        if self._then is None or self._then.shape != now.shape:
            self._moved_ms = np.full(now.shape[:2], scene_ms, np.int64)
        else:
            blue, green, red = cv2.split(cv2.absdiff(now, self._then))
            differ = cv2.max(cv2.max(blue, green), red)
            if not differ.any():
                return
            self._moved_ms[differ > self._params.levels] = scene_ms
        self._then, self._then_ms = np.asarray(now, np.uint8), scene_ms

    def holds(self, box: Box) -> bool:
        """Tell whether nothing has moved lately in a box, in pixels of the pictures."""
        params = self._params
        left, top, right, bottom = (side / 2 for side in box)
        wide, high = (right - left) * (1 - params.core) / 2, (bottom - top) * (1 - params.core) / 2
        rows = slice(max(0, int(top + high)), max(0, int(bottom - high) + 1))
        cols = slice(max(0, int(left + wide)), max(0, int(right - wide) + 1))
        core = self._moved_ms[rows, cols]
        lately = np.count_nonzero(core > self._then_ms - params.for_ms)
        return bool(lately < params.moved * core.size)
