"""What the page shows of a camera: only what is known to be the room, and that seen from above."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.vision.detection import Image
from edge.vision.ground import Ground

Mask = NDArray[np.bool_]
Extent = tuple[float, float, float, float]
"""West, south, east, north; metres."""

HATCH = (150, 168)
"""Two greys of what is not known yet."""
HATCH_PX = 8


def hatched(picture: Image, known: Mask) -> Image:
    """Give the picture where it is known, and grey hatching elsewhere.

    Args:
        picture: (H, W, 3) uint8.
        known: (H, W).
    """
    rows, cols = known.shape
    stripes = (np.arange(rows)[:, None] + np.arange(cols)[None, :]) // HATCH_PX % 2
    shown = np.where(stripes == 1, HATCH[1], HATCH[0]).astype(np.uint8)[:, :, None].repeat(3, 2)
    shown[known] = picture[known]
    return shown


def from_above(
    picture: Image, known: Mask, *, ground: Ground, extent: Extent, px_per_m: float
) -> Image:
    """Lay the known picture onto the floor; what stands up leans away from the camera.

    Args:
        picture: (H, W, 3) uint8, of the shape the ground was calibrated at, any size.
        known: (H, W).
        ground: of the camera.
        extent: of the floor to show.
        px_per_m: of the result.

    Returns:
        (rows, columns, 4) uint8, north up; transparent where nothing is known.
    """
    west, south, east, north = extent
    cols, rows = round((east - west) * px_per_m), round((north - south) * px_per_m)
    across = west + (np.arange(cols) + 0.5) / px_per_m
    up = north - (np.arange(rows) + 0.5) / px_per_m
    floor = np.stack(np.meshgrid(across, up), axis=-1).reshape(-1, 2)
    scale = np.array(picture.shape[1::-1]) / np.array(ground.image_size)
    seen = (ground.image_from_floor(floor) * scale - 0.5).astype(np.float32)
    seen = np.nan_to_num(seen, nan=-1e4).reshape(rows, cols, 2)
    # Bilinear mixing reaches one pixel: what is next to the unknown is left out too.
    sure = cv2.erode(known.astype(np.uint8) * 255, np.ones((3, 3), np.uint8), borderValue=0)
    colours = cv2.remap(picture, seen[:, :, 0], seen[:, :, 1], cv2.INTER_LINEAR)
    alpha = cv2.remap(sure, seen[:, :, 0], seen[:, :, 1], cv2.INTER_NEAREST, borderValue=0)
    colours[alpha == 0] = 0
    return np.dstack([colours, alpha])


def png(image: Image) -> bytes:
    """Compress an image of three planes, or four with transparency."""
    good, data = cv2.imencode(".png", image)
    if not good:
        raise ValueError(f"no PNG of an image of shape {image.shape}")
    return bytes(data)
