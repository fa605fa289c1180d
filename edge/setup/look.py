"""What setup learns from a camera's images: the room without its people, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

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


class Look:
    """Learns one camera's people-free picture.

    Args:
        finder: finds people.
        new_background: begins to learn; called again when the camera changes its size.
        every_ms: between two images that are looked at.
    """

    def __init__(
        self, finder: Finder, *, new_background: Callable[[], Settling], every_ms: int = 1_000
    ) -> None:
        self._finder = finder
        self._new_background = new_background
        self._every_ms = every_ms
        self._next_ms: int | None = None
        self._shape: tuple[int, ...] = ()
        self._background: Settling | None = None

    def wants(self, scene_ms: int) -> bool:
        """Tell whether an image of this instant would be looked at."""
        return self._next_ms is None or scene_ms >= self._next_ms

    def feed(self, scene_ms: int, image: Image) -> None:
        """Learn from an image, if one is due."""
        if not self.wants(scene_ms):
            return
        self._next_ms = scene_ms + self._every_ms
        if self._background is None or image.shape != self._shape:
            self._background, self._shape = self._new_background(), image.shape
        found = self._finder.detect(image, least=UNSURE * self._finder.confidence)
        self._background.feed(scene_ms, image, [around(one) for one in found])

    @property
    def size_px(self) -> tuple[int, int] | None:
        """Width and height of the camera's images; None before the first."""
        return (self._shape[1], self._shape[0]) if self._shape else None

    def learnt(self) -> tuple[Image, Mask] | None:
        """Give copies of the picture and of what is known of it; None before the first image."""
        if self._background is None:
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
