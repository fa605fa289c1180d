from __future__ import annotations

import re
from dataclasses import replace
from math import inf

import numpy as np
import pytest
from numpy.typing import NDArray

from edge.errors import ConfigError
from edge.vision.ground import Ground, calibrate
from edge.vision.lens import Lens, View
from edge.vision.survey import hints, matched, points_of, refuse_outside, tags_of, told, verdict

HEADER = "x_px,y_px,east_m,north_m\n"


def test_points_are_read_with_a_spreadsheets_marks_and_blank_lines() -> None:
    text = "\ufeffx_px, y_px,east_m,north_m\r\n\r\n# by the door\r\n1,2.5,-3,4e0\r\n"
    assert points_of(text, where="p.csv") == [(1.0, 2.5, -3.0, 4.0)]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", r"p\.csv: the first line is ''"),
        ("x,y,e,n\n1,2,3,4\n", "first line is 'x,y,e,n', not 'x_px,y_px,east_m,north_m'"),
        ("x_px;y_px;east_m;north_m\n", "save with commas"),
        (HEADER + "1,2,3\n", r"p\.csv, line 2: '1,2,3' are not 4 numbers"),
        (HEADER + "1,2,3,4\n1,2,3,4m\n", "line 3: could not convert.*'4m'"),
        (HEADER + "1,2,nan,4\n", "line 2: '1,2,nan,4' are not 4 numbers"),
    ],
)
def test_a_wrong_file_is_named_by_its_line(text: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        points_of(text, where="p.csv")


def test_tags_of_the_picture_and_of_the_floor_are_paired() -> None:
    lying = tags_of("tag,east_m,north_m\n0,0,0\n1,1,0\n2,1,1\n3,0,1\n9,5,5\n", where="t.csv")
    seen = {n: (10.0 * n, 20.0) for n in (3, 2, 1, 0, 7)}
    assert matched(seen, lying)[1] == (10.0, 20.0, 1.0, 0.0)
    with pytest.raises(ConfigError, match=r"2 of 5 tags were found.*not found: 2, 3, 9"):
        matched({0: (1.0, 1.0), 1: (2.0, 2.0)}, lying)


@pytest.mark.parametrize("line", ["1.5,0,0", "1,2,3\n1,4,4"])
def test_a_tags_number_is_whole_and_comes_once(line: str) -> None:
    with pytest.raises(ConfigError, match="whole and comes once"):
        tags_of("tag,east_m,north_m\n" + line, where="t.csv")


def test_a_point_outside_the_picture_is_named() -> None:
    with pytest.raises(
        ConfigError, match=r"point 2 at \(700, 10\) is outside a picture of 640x480"
    ):
        refuse_outside([(1, 1, 0, 0), (700, 10, 0, 0)], size_px=(640, 480))


def _pairs(count: int, off_m: float = 0.0) -> NDArray[np.float64]:
    floor = np.array([[0, 0], [5, 0], [5, 4], [0, 4], [2.5, 2], [1, 3], [4, 1], [2.5, 0]])[:count]
    image = np.column_stack([70 + 100 * floor[:, 0], 440 - 100 * floor[:, 1]])
    floor = floor.astype(float)
    floor[-1, 0] += off_m
    return np.column_stack([image, floor])


@pytest.mark.parametrize(
    ("count", "off_m", "height_m", "says"),
    [
        (8, 0.0, 3.0, "verdict: good; people are put on the floor within about 0 cm"),
        (8, 0.0, None, r"verdict: good.*give the lens's height \(--height\)"),
        (4, 0.0, 3.0, "verdict: four points always agree"),
        (8, 0.25, 3.0, "verdict: good; .* about 10 cm"),
    ],
)
def test_the_verdict(count: int, off_m: float, height_m: float | None, says: str) -> None:
    pairs = _pairs(count, off_m)
    ground, report = calibrate(
        pairs[:, :2], pairs[:, 2:], image_size=(640, 480), lens="pinhole", height_m=height_m
    )
    lines = list(told([tuple(row) for row in pairs.tolist()], ground=ground, report=report))
    assert len(lines) == 1 + count + 3
    assert re.search(says, lines[-1]), lines[-1]


@pytest.mark.parametrize(
    ("left_out_m", "says"),
    [(0.1, "good"), (0.3, "usable; .* 30 cm.*look at point 4"), (0.5, "poor"), (inf, "poor")],
)
def test_the_worse_the_points_left_out_the_worse_the_verdict(left_out_m: float, says: str) -> None:
    pairs = _pairs(8)
    ground, report = calibrate(
        pairs[:, :2], pairs[:, 2:], image_size=(640, 480), lens="pinhole", height_m=3.0
    )
    worse = replace(report, left_out_m=(left_out_m,) * 8, worst=3)
    assert re.match(says, verdict(ground, report=worse))


@pytest.mark.parametrize(("tilt", "says"), [(20.0, ""), (60.0, "looks 60 degrees aslant")])
def test_a_camera_that_looks_aslant_is_told_of_other_detectors(tilt: float, says: str) -> None:
    turn = np.radians(tilt)
    axes = ((1, 0, 0), (0, -np.cos(turn), -np.sin(turn)), (0, np.sin(turn), -np.cos(turn)))
    view = View(Lens("pinhole", 400.0, (320.0, 240.0)), np.array(axes), np.array((0.0, 0.0, 5.0)))
    ground = Ground((640, 480), view, heights_known=True, residual_m=0.0)
    said = "; ".join(hints(ground, sectors=0, brought=False))
    assert says in said
    assert bool(said) == bool(says)
    assert hints(ground, sectors=0, brought=True) == []  # one that somebody brought, they chose
    assert hints(replace(ground, heights_known=False), sectors=0, brought=False) == []


def test_what_is_known_of_the_camera_is_noted_before_the_verdict() -> None:
    pairs = _pairs(8)
    ground, report = calibrate(
        pairs[:, :2], pairs[:, 2:], image_size=(640, 480), lens="pinhole", height_m=30.0
    )
    known = hints(ground, sectors=0, brought=False)
    lines = list(
        told([tuple(row) for row in pairs.tolist()], ground=ground, report=report, known=known)
    )
    assert lines[-2].startswith("note: at 30.0 m over the floor the lens would see 12 degrees")
