"""The geometry that labels of rendered pictures rest on."""

import math
from typing import Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.person_detector.mesh_bodies import GROUPS, PARENT, aim, direction, group_of, turn
from models.person_detector.mesh_camera import Camera, share

Kind = Literal["pinhole", "fisheye"]
ANGLES = st.floats(-math.pi, math.pi)


def camera(
    *,
    kind: Kind = "pinhole",
    tilt: float = 0.0,
    pan: float = 0.0,
    turned: float = 0.0,
    k1: float = 0.0,
) -> Camera:
    return Camera((1.0, 2.0, 3.0), tilt, pan, kind, 200.0, 480, 360, k1=k1, turned=turned)


@pytest.mark.parametrize("kind", ["pinhole", "fisheye"])
def test_the_floor_below_a_lens_that_looks_down_is_the_middle_of_the_picture(kind: Kind) -> None:
    px, seen = camera(kind=kind).project(np.array([(1.0, 2.0, 0.0)]))
    assert seen.all()
    assert px[0] == pytest.approx([240, 180])


def test_the_top_of_the_picture_points_where_the_camera_is_panned() -> None:
    north = camera(pan=math.pi / 2)
    px, _ = north.project(np.array([(1.0, 3.0, 0.0), (2.0, 2.0, 0.0)]))
    assert px[0] == pytest.approx([240, 180 - 200 / 3])
    assert px[1] == pytest.approx([240 + 200 / 3, 180])


def test_heads_are_above_feet_in_an_upright_oblique_picture() -> None:
    px, seen = camera(tilt=1.0).project(np.array([(6.0, 2.0, 0.0), (6.0, 2.0, 1.7)]))
    assert seen.all()
    assert px[1, 1] < px[0, 1]
    assert px[1, 0] == pytest.approx(px[0, 0])


def test_a_fisheye_is_equidistant() -> None:
    spots = [(1.0 + 3 * math.tan(angle), 2.0, 0.0) for angle in (0.3, 0.6, 1.2)]
    px, _ = camera(kind="fisheye").project(np.array(spots))
    assert np.hypot(*(px - [240, 180]).T) == pytest.approx([60, 120, 240])


def test_what_is_behind_is_not_seen() -> None:
    level = camera(tilt=math.pi / 2)
    _, seen = level.project(np.array([(0.0, 2.0, 3.0), (4.0, 2.0, 3.0)]))
    assert seen.tolist() == [False, True]


def test_barrel_distortion_pulls_inwards_and_never_folds() -> None:
    out = np.array([(1.0, 2.0 + far, 0.0) for far in np.linspace(0.1, 40, 60)])
    bent = camera(k1=-0.08).project(out)[0][:, 0] - 240
    straight = camera().project(out)[0][:, 0] - 240
    assert (np.abs(bent) < np.abs(straight)).all()
    assert (np.diff(np.abs(bent)) > 0).all()


@given(tilt=ANGLES, pan=ANGLES, turned=ANGLES)
def test_axes_are_a_rotation(tilt: float, pan: float, turned: float) -> None:
    axes = camera(tilt=tilt, pan=pan, turned=turned).axes()
    assert axes @ axes.T == pytest.approx(np.eye(3), abs=1e-9)
    assert np.linalg.det(axes) == pytest.approx(1)


@given(forward=ANGLES, out=st.floats(-1.5, 1.5), pitch=ANGLES, yaw=ANGLES)
def test_a_limb_is_turned_to_where_it_should_point(
    forward: float, out: float, pitch: float, yaw: float
) -> None:
    start, target = direction(forward=forward, out=out), turn(pitch=pitch, yaw=yaw)[:, 2]
    if start @ target > -0.99:
        assert aim(start, target) @ start == pytest.approx(target, abs=1e-6)


def test_a_forward_pitch_leans_to_the_front() -> None:
    assert (turn(pitch=0.5) @ [0, 0, 1])[0] > 0


def test_every_bone_belongs_to_a_group_and_parents_come_first() -> None:
    assert GROUPS[group_of("upperarm02.L")] == "uarm.L"
    assert GROUPS[group_of("finger3-1.R")] == "hand.R"
    assert GROUPS[group_of("jaw")] == "head"
    assert all(parent < index for index, parent in enumerate(PARENT))


def test_shares_stay_between_none_and_all() -> None:
    assert share(3.0, 2.0) == 1
    assert share(1.0, 4.0) == pytest.approx(0.25)
    assert share(1.0, 0.0) == 0
