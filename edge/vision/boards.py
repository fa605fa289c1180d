"""Printed tags on the floor: the sheets, and where their centres are in an image.

A chessboard of tags (ChArUco) was tried and left out: on a sheet of the same size it has to be
two to four times as near, and its corners lie too close together to place a floor by.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.vision.detection import Image

Floats = NDArray[np.float64]

FAMILY = cv2.aruco.DICT_APRILTAG_36h11
"""Tags that differ in 11 of 36 cells at least: none is mistaken for another or for a floor tile."""
TAGS = 587
"""Tags of the family, numbered from 0."""
CELLS = 8
"""Of a tag's side, its black rim included."""
A4_MM = (210.0, 297.0)
TAG_MM = 170.0
"""Side of the tag on a sheet; there has to be white around it, without which it is not seen."""
POINTS_PER_MM = 72 / 25.4
"""A PDF's unit."""
NEAR_TAG_MM, TICK_MM = 3.0, 8.0
"""Ticks around a tag point to its middle."""


def find_tags(image: Image) -> dict[int, tuple[float, float]]:
    """Give the centres of the tags in an image, in pixels, by their numbers.

    The centre is where the diagonals meet, which perspective leaves in place. A tag seen twice is
    left out: one of the two is something else.

    Args:
        image: (H, W, 3) or (H, W) uint8; tags of 25 pixels and more are found.
    """
    found = cv2.aruco.DetectorParameters()
    # Lines through the rim's pixels: four times as exact on small tags as looking for corners.
    found.cornerRefinementMethod = cv2.aruco.CORNER_REFINE_CONTOUR
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


def tag_sheets(numbers: Sequence[int]) -> bytes:
    """Draw tags to print, one on a sheet of A4, as a PDF in which a millimetre is a millimetre.

    Args:
        numbers: from 0 to 586.
    """
    pages = [_sheet(number).encode() for number in numbers]
    kids = " ".join(f"{4 + 2 * place} 0 R" for place in range(len(pages)))
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R /ViewerPreferences << /PrintScaling /None >> >>",
        f"<< /Type /Pages /Count {len(pages)} /Kids [{kids}] >>".encode(),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    width, height = (side * POINTS_PER_MM for side in A4_MM)
    for place, page in enumerate(pages):
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {width:.3f} {height:.3f}] /Contents "
            f"{5 + 2 * place} 0 R /Resources << /Font << /F 3 0 R >> >> >>".encode()
        )
        objects.append(b"<< /Length %d >>\nstream\n%b\nendstream" % (len(page), page))
    return _pdf(objects)


def _sheet(number: int) -> str:
    """Give what draws a tag's sheet."""
    if not 0 <= number < TAGS:
        raise ValueError(f"there is no tag {number}")
    family = cv2.aruco.getPredefinedDictionary(FAMILY)
    cells = cv2.aruco.generateImageMarker(family, number, CELLS)
    cell, middle = TAG_MM / CELLS, (A4_MM[0] / 2, A4_MM[1] / 2)
    left, bottom = middle[0] - TAG_MM / 2, middle[1] - TAG_MM / 2
    steps = [f"0 g {left:g} {bottom:g} {TAG_MM:g} {TAG_MM:g} re f", "1 g"]
    steps += [
        f"{left + col * cell:g} {bottom + (CELLS - 1 - row) * cell:g} {cell:g} {cell:g} re"
        for row, col in zip(*np.nonzero(cells), strict=True)
    ]
    steps += ["f", "0 g 0.3 w"]
    near = TAG_MM / 2 + NEAR_TAG_MM
    for east, north in ((1, 0), (-1, 0), (0, 1), (0, -1)):
        start, end = (
            (middle[0] + away * east, middle[1] + away * north) for away in (near, near + TICK_MM)
        )
        steps.append(f"{start[0]:g} {start[1]:g} m {end[0]:g} {end[1]:g} l S")
    says = f"tag {number}: lay it flat, measure to its middle, to which the ticks point"
    size = f"the black square is {TAG_MM:g} mm wide, if printed at 100 %"
    steps += [
        f"BT /F 5 Tf {left:g} {bottom / 2:g} Td ({says}) Tj 0 -7 Td ({size}) Tj ET",
    ]
    return f"{POINTS_PER_MM:.6f} 0 0 {POINTS_PER_MM:.6f} 0 0 cm\n" + "\n".join(steps)


def _pdf(objects: Sequence[bytes]) -> bytes:
    """Put objects, of which the first is the catalogue, into a file (ISO 32000-1, 7.5)."""
    file, starts = b"%PDF-1.4\n", []
    for number, content in enumerate(objects, start=1):
        starts.append(len(file))
        file += b"%d 0 obj\n%b\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % start for start in starts)
    count = len(objects) + 1
    return file + (
        b"xref\n0 %d\n0000000000 65535 f \n%btrailer\n<< /Size %d /Root 1 0 R >>\n"
        b"startxref\n%d\n%%%%EOF\n" % (count, table, count, len(file))
    )


def _crossing(quad: Floats) -> tuple[float, float]:
    """Give where the diagonals of four corners in order meet."""
    corners = np.column_stack([quad, np.ones(4)])
    x, y, w = np.cross(np.cross(corners[0], corners[2]), np.cross(corners[1], corners[3]))
    return float(x / w), float(y / w)
