from __future__ import annotations

import re

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from edge.vision.boards import find_tags, tag_sheets
from edge.vision.ground import calibrate

SIZE = (1280, 720)
HEIGHT_M = 3.0
FLOOR = {
    0: (-1.5, 1.2),
    1: (0.0, 1.3),
    2: (1.5, 1.1),
    3: (-1.4, 3.0),
    4: (0.1, 3.2),
    5: (1.6, 3.1),
    6: (-0.7, 2.1),
    7: (0.8, 2.2),
}
SHEET_M = 0.297
SHEET_PX = (1050, 1485)
PX_PER_MM = 5


def tag_sheet(number: int) -> NDArray[np.uint8]:
    """Print a PDF's only page: its filled rectangles, which are the tag."""
    page = tag_sheets([number]).split(b"stream\n")[1].decode()
    width, height = SHEET_PX
    sheet = np.full((height, width), 255, dtype=np.uint8)
    for grey, rectangles in re.findall(r"([01]) g((?:\s+[-\d. ]+re)+)\s+f", page):
        for rectangle in rectangles.split("re")[:-1]:
            left, bottom, wide, high = (PX_PER_MM * float(one) for one in rectangle.split())
            rows = slice(round(height - bottom - high), round(height - bottom))
            sheet[rows, round(left) : round(left + wide)] = 255 * int(grey)
    return sheet


def _camera() -> NDArray[np.float64]:
    """Give image_from_places, (3, 4): at the origin, 3 m up, looking north and 50 degrees down."""
    down = np.radians(50.0)
    turn = np.array(
        [[1, 0, 0], [0, -np.sin(down), -np.cos(down)], [0, np.cos(down), -np.sin(down)]]
    )
    inner = np.array([[700.0, 0, SIZE[0] / 2], [0, 700.0, SIZE[1] / 2], [0, 0, 1]])
    shift = -turn @ np.array([0.0, 0.0, HEIGHT_M])
    return inner @ np.column_stack([turn, shift])


def _picture() -> NDArray[np.uint8]:
    """Render A4 sheets on a grey floor, each turned otherwise."""
    width, height = SHEET_PX
    picture = np.full((SIZE[1], SIZE[0]), 120, dtype=np.uint8)
    on_floor = _camera()[:, [0, 1, 3]]
    scale = SHEET_M / height
    for number, (east, north) in FLOOR.items():
        turned = 0.4 * number
        c, s = scale * np.cos(turned), scale * np.sin(turned)
        half_x, half_y = (width - 1) / 2, (height - 1) / 2
        placed = np.array(
            [
                [c, s, east - c * half_x - s * half_y],
                [s, -c, north - s * half_x + c * half_y],
                [0, 0, 1],
            ]
        )
        matrix = on_floor @ placed
        # Smooth first, as a lens does: each picture pixel covers several of the sheet.
        sheet = cv2.GaussianBlur(tag_sheet(number), (0, 0), 5)
        drawn = cv2.warpPerspective(sheet, matrix, SIZE, flags=cv2.INTER_LINEAR)
        covered = cv2.warpPerspective(np.full_like(sheet, 255), matrix, SIZE)
        picture[covered > 127] = drawn[covered > 127]
    return picture


def test_tags_on_the_floor_are_found_to_a_quarter_of_a_pixel_and_calibrate_the_camera() -> None:
    noise = np.random.default_rng(1).normal(0, 3, (SIZE[1], SIZE[0]))
    picture = np.clip(_picture() + noise, 0, 255).astype(np.uint8)
    found = find_tags(picture)
    assert set(found) == set(FLOOR)
    for number, (east, north) in FLOOR.items():
        x, y, w = _camera() @ [east, north, 0, 1]
        assert found[number] == pytest.approx((x / w, y / w), abs=0.25)
    order = sorted(FLOOR)
    ground, report = calibrate(
        np.array([found[one] for one in order]),
        np.array([FLOOR[one] for one in order]),
        image_size=SIZE,
    )
    assert ground.camera_m == pytest.approx((0.0, 0.0, HEIGHT_M), abs=0.1)
    assert max(report.left_out_m) < 0.05


def test_a_tag_seen_twice_is_left_out() -> None:
    sheet = cv2.resize(tag_sheet(3), (310, 438), interpolation=cv2.INTER_AREA)
    other = cv2.resize(tag_sheet(4), (310, 438), interpolation=cv2.INTER_AREA)
    assert set(find_tags(np.hstack([sheet, other]))) == {3, 4}
    assert set(find_tags(np.hstack([sheet, other, sheet]))) == {4}


def test_a_picture_without_tags_has_none() -> None:
    assert find_tags(np.full((100, 100, 3), 200, dtype=np.uint8)) == {}


def test_the_pdf_is_whole_and_true_to_size() -> None:
    file = tag_sheets(range(3))
    table = int(file.rsplit(b"startxref\n", 1)[1].split()[0])
    assert file[table : table + 4] == b"xref"
    starts = [int(start) for start in re.findall(rb"(\d{10}) 00000 n", file)]
    assert [file[start:].split(b" ", 1)[0] for start in starts] == [
        b"%d" % number for number in range(1, len(starts) + 1)
    ]
    for length, page in re.findall(rb"/Length (\d+) >>\nstream\n(.*?)\nendstream", file, re.DOTALL):
        assert int(length) == len(page)
        scale = float(page.split()[0])
        assert scale * 25.4 == pytest.approx(72, abs=1e-3)
        assert b"170 170 re" in page
    assert file.count(b"/MediaBox [0 0 595.276 841.890]") == 3


@pytest.mark.parametrize("number", [-1, 587])
def test_there_is_no_such_tag(number: int) -> None:
    with pytest.raises(ValueError, match="no tag"):
        tag_sheet(number)
