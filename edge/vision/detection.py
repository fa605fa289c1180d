"""What the detector says of one image, as values."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Detection:
    """One person in one image.

    Attributes:
        x_px: the person's image point, at the height the manifest's ``point`` names; x right.
        y_px: y down.
        width_px: of the person's box, in pixels of the original image.
        height_px: of the person's box.
        confidence: 0 to 1.
    """

    x_px: float
    y_px: float
    width_px: float
    height_px: float
    confidence: float
