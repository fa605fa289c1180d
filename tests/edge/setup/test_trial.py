from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from edge.errors import ConfigError
from edge.setup.draft import CameraDraft
from edge.setup.trial import extent_of, glance, grid_of, ground_of_draft, judge
from edge.vision.ground import Ground

Points = list[tuple[float, float, float, float]]
FLOOR = (0.0, 0.0, 6.0, 5.0)


def a_camera(points: Points, **changed: object) -> CameraDraft:
    given = {"name": "c", "size_px": (640, 480), "height_m": 3.2, "lens": "pinhole", **changed}
    return CameraDraft(points=tuple(points), **given)  # type: ignore[arg-type] # what tests vary


def test_true_points_fit_and_tell_the_camera(points: Points) -> None:
    trial = judge(a_camera(points), extent=FLOOR)
    assert trial.error == ""
    assert trial.rms_cm is not None
    assert trial.rms_cm < 0.1
    assert trial.alone_cm is not None
    assert trial.alone_cm < 0.5
    assert trial.suspect == 0
    assert trial.camera_m == pytest.approx((3.0, 2.5, 3.2), abs=0.05)
    assert trial.hfov_deg == pytest.approx(95, abs=1)
    assert trial.lens == "pinhole"
    for one, (x, y, *_) in zip(trial.points, points, strict=True):
        assert one.seen_px == pytest.approx((x, y), abs=0.5)


def test_a_mistyped_point_is_named_and_still_drawn(points: Points) -> None:
    x, y, east, north = points[2]
    wrong = [*points, (320.0, 100.0, 4.54, 2.5)]
    wrong[2] = (x, y, north, east)
    trial = judge(a_camera(wrong), extent=FLOOR)
    assert "point 3" in trial.error
    assert trial.suspect == 3
    assert len(trial.points) == 7
    errors = [one.error_cm for one in trial.points]
    assert all(error is not None for error in errors)


def test_a_glance_shows_the_same_without_judging(points: Points) -> None:
    seen = glance(a_camera(points), extent=FLOOR)
    judged = judge(a_camera(points), extent=FLOOR)
    assert not seen.judged
    assert judged.judged
    assert seen.rms_cm == pytest.approx(judged.rms_cm)
    assert seen.grid == judged.grid
    assert [one.alone_cm for one in seen.points] == [None] * 6
    assert [one.error_cm for one in seen.points] == pytest.approx(
        [one.error_cm for one in judged.points]
    )


def test_a_glance_shows_points_that_contradict_each_other(points: Points) -> None:
    x, y, east, north = points[2]
    wrong = [*points[:2], (x, y, north, east), *points[3:]]
    seen = glance(a_camera(wrong), extent=FLOOR)
    assert seen.error == ""
    assert seen.rms_cm is not None
    assert seen.rms_cm > 20


def test_four_points_have_no_error_of_their_own(points: Points) -> None:
    trial = judge(a_camera(points[:4]), extent=FLOOR)
    assert trial.error == ""
    assert trial.alone_cm is None
    assert [one.alone_cm for one in trial.points] == [None] * 4


@pytest.mark.parametrize("count", [0, 1, 3])
def test_too_few_points_are_said(points: Points, count: int) -> None:
    trial = judge(a_camera(points[:count]), extent=None)
    assert "at least 4" in trial.error
    assert trial.points == []


def test_a_camera_without_a_picture_has_no_points_yet() -> None:
    with pytest.raises(ConfigError, match="click"):
        ground_of_draft(a_camera([], size_px=None))


def test_without_a_lens_the_points_choose(points: Points) -> None:
    trial = judge(a_camera(points, lens=None), extent=FLOOR)
    assert trial.lens == "pinhole"
    assert trial.why


def test_a_lens_whose_numbers_are_known_is_taken(points: Points) -> None:
    focal_px = 320 / np.tan(np.radians(95 / 2))
    trial = judge(a_camera(points, focal_px=float(focal_px)), extent=FLOOR)
    assert trial.error == ""
    assert trial.camera_m == pytest.approx((3.0, 2.5, 3.2), abs=0.05)


def test_what_the_agent_makes_of_the_view_is_said(points: Points) -> None:
    def said(**changed: object) -> str:
        return " ".join(glance(a_camera(points, **changed), extent=FLOOR).hints)

    assert said() == ""
    assert "through 6 sectors" in said(lens="fisheye")
    assert "through 4 sectors" in said(lens="fisheye", sectors=4)
    assert said(lens="fisheye", sectors=0) == ""
    assert said(lens="fisheye", height_m=None) == ""  # which sectors need
    assert "is the height right" in said(height_m=32.0)


def test_the_grid_lies_on_whole_metres_and_in_the_picture(points: Points) -> None:
    ground = ground_of_draft(a_camera(points))
    lines = grid_of(ground, extent=FLOOR)
    assert {line.at_m for line in lines if line.axis == "east"} == {1, 2, 3, 4, 5}
    assert {line.at_m for line in lines if line.axis == "north"} == {0, 1, 2, 3, 4, 5}
    for line in lines:
        for piece in line.pieces:
            places = ground.floor_from_image(np.array(piece, np.float64))
            assert places[:, 0 if line.axis == "east" else 1] == pytest.approx(line.at_m, abs=0.01)
            assert all(0 <= x <= 640 and 0 <= y <= 480 for x, y in piece)


def test_a_large_floor_gets_a_coarser_grid() -> None:
    image = np.array([[0, 480], [640, 480], [640, 0], [0, 0]], np.float64)
    floor = np.array([[0, 0], [200, 0], [200, 150], [0, 150]], np.float64)
    ground = Ground.from_points(image, floor, image_size=(640, 480), hfov_deg=60.0)
    at = [line.at_m for line in grid_of(ground, extent=(0, 0, 200, 150)) if line.axis == "east"]
    assert {round(b - a, 6) for a, b in pairwise(at)} == {5.0}


def test_the_box_around_an_outline() -> None:
    assert extent_of([(1.0, 2.0), (4.0, 1.0), (3.0, 7.0)]) == (1.0, 1.0, 4.0, 7.0)
    assert extent_of([]) is None


def test_a_floor_of_thousands_of_kilometres_is_only_sampled(points: Points) -> None:
    ground = ground_of_draft(a_camera(points))
    near = grid_of(ground, extent=(0, 0, 200, 150))
    far = grid_of(ground, extent=(-4e6, -4e6, 4e6, 4e6))
    drawn = [sum(len(piece) for line in lines for piece in line.pieces) for lines in (near, far)]
    assert drawn[1] <= drawn[0]
