"""Printed tags on the floor: the sheets, and where their centres are in an image."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.vision.detection import Image

Floats = NDArray[np.float64]

FAMILY = cv2.aruco.DICT_APRILTAG_36h11
"""Tags that differ in 11 of 36 cells at least: none is mistaken for another or for a floor tile."""
TAGS = 587
"""Tags of the family, numbered from 0."""
SHEET_PX = (1240, 1754)
"""Width and height of an A4 sheet at 150 dots per inch."""
TAG_PX = 1000
"""Side of the tag on it: 17 cm of black, and white around it, without which it is not seen."""


def find_tags(image: Image) -> dict[int, tuple[float, float]]:
    """Give the centres of the tags in an image, in pixels, by their numbers.

    The centre is where the diagonals meet, which perspective leaves in place. A tag seen twice is
    left out: one of the two is something else.

    Args:
        image: (H, W, 3) or (H, W) uint8; tags of 25 pixels and more are found.
    """
    found = cv2.aruco.DetectorParameters()
    found.cornerRefinementMethod = cv2.aruco.CORNER_REFINE_SUBPIX
    detector = cv2.aruco.ArucoDetector(cv2.aruco.getPredefinedDictionary(FAMILY), found)
    corners, numbers, _ = detector.detectMarkers(image)
    if numbers is None:
        return {}
    seen = [int(number) for number in np.ravel(numbers)]
    return {
        number: _crossing(np.asarray(quad, dtype=np.float64).reshape(4, 2))
        for number, quad in zip(seen, corners, strict=True)
        if seen.count(number) == 1
    }


def tag_sheet(number: int) -> NDArray[np.uint8]:
    """Draw a tag to print on a sheet of paper; the larger, the further it is seen.

    Args:
        number: from 0 to 586.

    Returns:
        (1754, 1240) uint8, black on white.
    """
    if not 0 <= number < TAGS:
        raise ValueError(f"there is no tag {number}")
    width, height = SHEET_PX
    sheet = np.full((height, width), 255, dtype=np.uint8)
    left, top = (width - TAG_PX) // 2, (height - TAG_PX) // 2
    family = cv2.aruco.getPredefinedDictionary(FAMILY)
    sheet[top : top + TAG_PX, left : left + TAG_PX] = cv2.aruco.generateImageMarker(
        family, number, TAG_PX
    )
    says = f"tag {number}: lay it flat, measure to its middle"
    place = (left, height - top // 2)
    cv2.putText(sheet, says, place, cv2.FONT_HERSHEY_SIMPLEX, 1.2, 0, 2, cv2.LINE_AA)
    return sheet


def _crossing(quad: Floats) -> tuple[float, float]:
    """Give where the diagonals of four corners in order meet."""
    corners = np.column_stack([quad, np.ones(4)])
    x, y, w = np.cross(np.cross(corners[0], corners[2]), np.cross(corners[1], corners[3]))
    return float(x / w), float(y / w)
