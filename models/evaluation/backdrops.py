"""Backgrounds for footage that was taken before: what a fixed camera saw without its people.

Three ways: ``causal``, as the agent does it, from the frames before; ``median``, for few images,
of the other images of the sequence (this one left out); or none, where the camera was not fixed.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import cv2
import numpy as np

from edge.vision.detection import Backdrop, Image

Way = Literal["causal", "median", "none"]


@dataclass(frozen=True, slots=True)
class Fixed:
    """When images are one fixed camera's, and enough for a background.

    Attributes:
        thumb_px: width they are compared at.
        most: images that are looked at, evenly spread.
        alike: levels within which a pixel is the median's.
        share: of a usual image's pixels that must be; a crowd covers half a hall at most.
        least: images below which there is no background.
        causal: images from which on the agent's way has enough to learn from.
    """

    thumb_px: int = 160
    most: int = 40
    alike: int = 18
    share: float = 0.6
    least: int = 5
    causal: int = 60


def sequences(
    files: Sequence[Path], *, size_of: Callable[[Path], tuple[int, int]]
) -> list[list[Path]]:
    """Part images by what their names begin with and by size, and order them by number."""
    groups = defaultdict[tuple[str, tuple[int, int]], list[Path]](list)
    for file in files:
        groups[re.sub(r"\d+$", "", file.stem), size_of(file)].append(file)
    return [sorted(group, key=_order) for _, group in sorted(groups.items())]


def way_for(images: Sequence[Image], *, count: int, fixed: Fixed) -> Way:
    """Say how to get a sequence's background.

    Args:
        images: some of the sequence, evenly spread; of one shape.
        count: how many the sequence has.
        fixed: what is asked of them.
    """
    if count < fixed.least:
        return "none"
    thumbs = np.stack([_thumb(image, width_px=fixed.thumb_px) for image in images])
    middle = np.sort(thumbs, axis=0)[len(thumbs) // 2]
    away = [cv2.absdiff(thumb, middle).max(axis=2) for thumb in thumbs]
    share = float(np.median([(each <= fixed.alike).mean() for each in away]))
    if share < fixed.share:
        return "none"
    return "causal" if count >= fixed.causal else "median"


def spread(files: Sequence[Path], *, most: int) -> list[Path]:
    """Give at most so many files, evenly spread."""
    step = max(1.0, len(files) / most)
    return [files[int(number * step)] for number in range(int(len(files) / step))]


def medians_of_others(canvases: Sequence[Image], *, alike: int) -> list[Backdrop]:
    """Give each image the median of the other images.

    Args:
        canvases: N of one shape.
        alike: levels within which a pixel is the median's; it is known where half of the other
            images are.
    """
    ordered = np.sort(np.stack(canvases), axis=0)
    middle = (len(canvases) - 2) // 2
    low, high = ordered[middle], ordered[middle + 1]
    agree = np.zeros(low.shape[:2], dtype=np.int32)
    for canvas in canvases:
        agree += cv2.absdiff(canvas, low).max(axis=2) <= alike
    known = 2 * agree >= len(canvases)
    return [Backdrop(np.where(low < canvas, low, high), known) for canvas in canvases]


def _order(file: Path) -> tuple[int, str]:
    digits = re.search(r"\d+$", file.stem)
    return (int(digits[0]) if digits else -1, file.name)


def _thumb(image: Image, *, width_px: int) -> Image:
    height_px = max(1, round(image.shape[0] * width_px / image.shape[1]))
    small = cv2.resize(image, (width_px, height_px), interpolation=cv2.INTER_AREA)
    return np.asarray(small, dtype=np.uint8)
