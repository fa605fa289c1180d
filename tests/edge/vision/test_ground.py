from __future__ import annotations

from dataclasses import dataclass
from math import cos, pi, sin, tan

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from edge.errors import ConfigError
from edge.vision.ground import Ground, calibrate
from edge.vision.lens import Lens, View

FLOOR = np.array([[2.0, 4.0], [10.0, 4.5], [9.5, 14.0], [2.5, 13.0], [6.0, 9.5], [4.0, 7.0]])
SIZE = (640, 432)
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Pinhole:
    """A camera written down independently of the code under test: K R (X - C)."""

    east_m: float = 6.0
    north_m: float = 9.0
    height_m: float = 7.0
    tilt: float = 0.0
    pan: float = 0.0
    hfov: float = 1.85
    width_px: int = 640
    height_px: int = 432

    @property
    def focal_px(self) -> float:
        return self.width_px / 2 / tan(self.hfov / 2)

    def project(self, floor_m: Floats, height_m: float = 0.0) -> Floats:
        ahead = [cos(self.pan) * sin(self.tilt), sin(self.pan) * sin(self.tilt), -cos(self.tilt)]
        right = [sin(self.pan), -cos(self.pan), 0.0]
        turn = np.array([right, np.cross(ahead, right), ahead])
        places = np.column_stack([floor_m, np.full(len(floor_m), height_m)])
        seen = (places - [self.east_m, self.north_m, self.height_m]) @ turn.T
        middle = np.array([self.width_px / 2, self.height_px / 2])
        return self.focal_px * seen[:, :2] / seen[:, 2:] + middle

    def depth_m(self, floor_m: Floats, height_m: float = 0.0) -> Floats:
        ahead = [cos(self.pan) * sin(self.tilt), sin(self.pan) * sin(self.tilt), -cos(self.tilt)]
        places = np.column_stack([floor_m, np.full(len(floor_m), height_m)])
        return (places - [self.east_m, self.north_m, self.height_m]) @ np.array(ahead)


def _ground(camera: Pinhole, floor: Floats = FLOOR, **known: float) -> Ground:
    size = (camera.width_px, camera.height_px)
    return Ground.from_points(camera.project(floor), floor, image_size=size, **known)


@given(
    camera=st.builds(
        Pinhole,
        tilt=st.floats(0.0, 1.0),
        pan=st.floats(-pi, pi),
        height_m=st.floats(2.5, 12.0),
        hfov=st.floats(0.6, 2.0),
    ),
    head_m=st.floats(0.0, 2.0),
    by=st.sampled_from(["height", "view"]),
)
@settings(max_examples=40, deadline=None)
def test_a_point_at_any_height_comes_down_where_it_stands(
    camera: Pinhole, head_m: float, by: str
) -> None:
    assume(camera.depth_m(FLOOR).min() > 0.3)
    assume(camera.depth_m(FLOOR, head_m).min() > 0.3)
    view = {"camera_height_m": camera.height_m}
    if by == "view":
        view = {"hfov_deg": float(np.degrees(camera.hfov))}
    ground = _ground(camera, **view)
    heads = camera.project(FLOOR, head_m)
    np.testing.assert_allclose(
        ground.floor_from_image(heads, point_height_m=head_m), FLOOR, atol=1e-3
    )
    np.testing.assert_allclose(
        ground.image_from_floor(FLOOR, point_height_m=head_m), heads, rtol=1e-3, atol=1e-1
    )
    assert ground.residual_m < 1e-3


@given(
    camera=st.builds(
        Pinhole,
        tilt=st.floats(0.5, 1.1),
        pan=st.floats(-pi, pi),
        height_m=st.floats(2.5, 9.0),
        hfov=st.just(1.2),
    )
)
@settings(max_examples=50, deadline=None)
def test_an_oblique_camera_tells_its_own_focal_length_and_place(camera: Pinhole) -> None:
    away = 7.0 * np.array([cos(camera.pan), sin(camera.pan)])
    ground = _ground(camera, FLOOR + away)
    assert ground.focal_px == pytest.approx(camera.focal_px, rel=1e-3)
    assert ground.camera_m == pytest.approx((6.0, 9.0, camera.height_m), abs=1e-2)


def test_a_camera_that_looks_straight_down_asks_for_its_height_only_when_it_matters() -> None:
    ground = _ground(Pinhole())
    assert ground.camera_m is None
    np.testing.assert_allclose(ground.floor_from_image(Pinhole().project(FLOOR)), FLOOR, atol=1e-6)
    with pytest.raises(ConfigError, match=r"1\.6 m above the floor.*height_m"):
        ground.floor_from_image(np.zeros((1, 2)), point_height_m=1.6)


def test_points_at_and_above_the_horizon_stand_nowhere() -> None:
    camera = Pinhole(tilt=1.3, hfov=1.2)
    floor = np.array([[9.0, 6.0], [9.0, 12.0], [25.0, 5.0], [25.0, 13.0], [15.0, 9.0]])
    ground = _ground(camera, floor, camera_height_m=7.0)
    middle = camera.width_px / 2
    horizon = camera.height_px / 2 - camera.focal_px * np.tan(pi / 2 - camera.tilt)
    found = ground.floor_from_image(
        np.array([[middle, horizon - 1.0], [middle, horizon - 200.0], [middle, horizon + 1.0]])
    )
    assert np.isnan(found[:2]).all()
    assert found[2, 0] > 1_000.0
    assert np.isnan(ground.image_from_floor(np.array([[-5.0, 9.0]]))).all()


@pytest.mark.parametrize("count", [0, 1, 3])
def test_fewer_than_four_points_are_refused(count: int) -> None:
    with pytest.raises(ConfigError, match=f"{count} calibration points: measure at least 4"):
        Ground.from_points(np.ones((count, 2)), np.ones((count, 2)), image_size=SIZE)


def test_points_in_a_line_are_named() -> None:
    floor = np.array([[1.0, 1.0], [2.0, 8.0], [3.0, 1.005], [9.0, 1.0]])
    with pytest.raises(ConfigError, match="points 1, 3, 4 lie in a line"):
        _ground(Pinhole(), floor)
    floor = np.array([[1.0, 1.0], [2.0, 2.0], [3.0, 3.0], [4.0, 4.0], [5.0, 5.0]])
    with pytest.raises(ConfigError, match="points 1, 2, 3, 4, 5 lie in a line"):
        _ground(Pinhole(), floor)


def test_points_in_a_line_in_the_image_alone_are_named_too() -> None:
    image = np.array([[10.0, 10.0], [20.0, 10.0], [30.0, 10.0], [40.0, 90.0]])
    with pytest.raises(ConfigError, match=r"points 1, 2, 3 lie in a line in the picture"):
        Ground.from_points(image, FLOOR[:4], image_size=SIZE)


def test_one_point_four_times_is_refused() -> None:
    with pytest.raises(ConfigError, match="all calibration points are one point"):
        Ground.from_points(np.ones((4, 2)), FLOOR[:4], image_size=SIZE)


def test_three_in_a_line_of_five_are_fine() -> None:
    floor = np.array([[2.0, 4.0], [6.0, 4.0], [10.0, 4.0], [3.0, 12.0], [9.0, 13.0]])
    assert _ground(Pinhole(), floor).residual_m < 1e-3


def test_a_mistyped_point_is_named_with_its_error() -> None:
    camera = Pinhole(tilt=0.4)
    image = camera.project(FLOOR)
    wrong = FLOOR.copy()
    wrong[4] += [3.0, 0.0]
    with pytest.raises(
        ConfigError, match=r"point 5 is 3\.0 m off; without it the others agree within 0 cm"
    ):
        Ground.from_points(image, wrong, image_size=SIZE)


def test_a_mirrored_floor_is_refused() -> None:
    camera = Pinhole(tilt=0.4)
    with pytest.raises(ConfigError, match="mirrored: check that east and north"):
        Ground.from_points(camera.project(FLOOR), FLOOR[:, ::-1], image_size=SIZE)


def test_a_field_of_view_that_contradicts_the_height_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"view of 60 degrees puts .* the height given is 7 m"):
        _ground(Pinhole(), camera_height_m=7.0, hfov_deg=60.0)


@pytest.mark.parametrize("tilt", [0.7, 1.0])
def test_an_oblique_camera_forgives_a_height_measured_a_little_wrong(tilt: float) -> None:
    camera = Pinhole(tilt=tilt, height_m=3.0, hfov=1.2)
    floor = FLOOR + np.array([7.0, 0.0])
    ground = _ground(camera, floor, camera_height_m=3.1)
    assert ground.focal_px == pytest.approx(camera.focal_px, rel=0.03)
    found = ground.floor_from_image(camera.project(floor, 1.6), point_height_m=1.6)
    assert np.abs(found - floor).max() < 0.15


@pytest.mark.parametrize("height_m", [6.0, 14.0])
def test_a_height_the_points_contradict_is_refused(height_m: float) -> None:
    camera = Pinhole(tilt=1.0, height_m=3.0, hfov=1.2)
    with pytest.raises(ConfigError, match=r"points put the camera at 3\..* the height given is"):
        _ground(camera, FLOOR + np.array([7.0, 0.0]), camera_height_m=height_m)


def test_a_height_over_the_camera_is_refused() -> None:
    ground = _ground(Pinhole(height_m=2.0), camera_height_m=2.0)
    with pytest.raises(ConfigError, match=r"2\.5 m is not below the camera at 2\.00 m"):
        ground.floor_from_image(np.zeros((1, 2)), point_height_m=2.5)


def test_calibration_leaves_its_input_alone() -> None:
    image, floor = Pinhole().project(FLOOR), FLOOR.copy()
    before = image.copy()
    ground = Ground.from_points(image, floor, image_size=SIZE, camera_height_m=7.0)
    ground.floor_from_image(image, point_height_m=1.6)
    np.testing.assert_array_equal(image, before)
    np.testing.assert_array_equal(floor, FLOOR)


def test_a_centimetre_and_a_pixel_of_error_stay_centimetres_on_the_floor() -> None:
    noise = np.random.default_rng(7)
    camera = Pinhole()
    floor = FLOOR + noise.normal(0, 0.01, FLOOR.shape)
    image = camera.project(FLOOR) + noise.normal(0, 1.0, FLOOR.shape)
    ground = Ground.from_points(image, floor, image_size=SIZE, camera_height_m=7.0)
    found = ground.floor_from_image(camera.project(FLOOR, 1.6), point_height_m=1.6)
    assert np.abs(found - FLOOR).max() < 0.15


ROOM = np.array(
    [[-3, -2], [0, -2.5], [3, -2], [-2.5, 0.5], [2.8, 0.3], [-3, 3], [0.2, 2.7], [3, 3.0]]
)
HANGING = {
    "pinhole": Lens("pinhole", 420.0, (480.0, 480.0)),
    "distorted": Lens("distorted", 420.0, (480.0, 480.0), -0.12, 0.01),
    "fisheye": Lens("fisheye", 300.0, (483.0, 476.0), -0.02),
}


def _hanging(kind: str, *, tilt: float = 0.1) -> View:
    """A camera 3 m over the origin that leans north."""
    c, s = cos(tilt), sin(tilt)
    turn = np.array([[1.0, 0, 0], [0, -c, -s], [0, s, -c]])
    return View(HANGING[kind], turn, np.array([0.0, 0.0, 3.0]))


def _seen(view: View, floor: Floats, height_m: float = 0.0) -> Floats:
    return view.image_from_places(np.column_stack([floor, np.full(len(floor), height_m)]))


@pytest.mark.parametrize("kind", ["pinhole", "distorted", "fisheye"])
def test_every_lens_is_recognised_and_found_from_noisy_points(kind: str) -> None:
    noise = np.random.default_rng(3)
    view = _hanging(kind)
    image = _seen(view, ROOM) + noise.normal(0, 1.0, ROOM.shape)
    floor = ROOM + noise.normal(0, 0.02, ROOM.shape)
    for lens in (kind, "auto"):
        ground, report = calibrate(
            image,
            floor,
            image_size=(960, 960),
            lens=lens,
            height_m=3.05,  # type: ignore[arg-type]
        )
        between = 0.7 * ROOM + [0.2, -0.1]
        found = ground.floor_from_image(_seen(view, between))
        assert np.abs(found - between).max() < 0.08, (lens, report)
        heads = ground.floor_from_image(_seen(view, 0.5 * ROOM, 1.6), point_height_m=1.6)
        assert np.abs(heads - 0.5 * ROOM).max() < 0.12, (lens, report)
        assert max(report.left_out_m) < 0.2
    assert (ground.view.lens.kind == "pinhole") == (kind == "pinhole")


def test_a_lens_whose_numbers_are_known_is_left_as_it_is() -> None:
    view = _hanging("fisheye")
    ground, _ = calibrate(_seen(view, ROOM), ROOM, image_size=(960, 960), lens=view.lens)
    assert ground.view.lens == view.lens
    assert ground.camera_m == pytest.approx((0.0, 0.0, 3.0), abs=1e-3)


def test_two_exchanged_points_are_named() -> None:
    view = _hanging("pinhole", tilt=0.3)
    order = [0, 5, 2, 3, 4, 1, 6, 7]
    with pytest.raises(ConfigError, match="points 2 and 6 look exchanged"):
        calibrate(_seen(view, ROOM), ROOM[order], image_size=(960, 960))


def test_a_strong_barrel_asked_for_by_name_is_not_refused_with_six_points() -> None:
    noise = np.random.default_rng(6)
    lens = Lens("distorted", 484.0, (651.0, 360.0), -0.29, 0.044)
    turn = np.array([[1.0, 0, 0], [0, -1, 0], [0, 0, -1]])
    view = View(lens, turn, np.array([0.0, 0.0, 5.2]))
    corners = [[60, 50], [1220, 60], [640, 130], [70, 670], [1200, 660], [650, 500]]
    floor = view.floor_from_image(np.array(corners, dtype=float), height_m=0.0)
    image = _seen(view, floor) + noise.normal(0, 1.0, floor.shape)
    ground, _ = calibrate(image, floor, image_size=(1280, 720), lens="distorted")
    assert ground.view.lens.k1 < -0.1
    assert ground.residual_m < 0.1


@pytest.mark.parametrize("kind", ["distorted", "fisheye"])
def test_a_mistake_does_not_hide_which_lens_it_is(kind: str) -> None:
    view = _hanging(kind)
    floor = ROOM.copy()
    floor[4] += [0.9, 0.0]
    with pytest.raises(ConfigError, match=r"point 5 is .* off; without it the others agree"):
        calibrate(_seen(view, ROOM), floor, image_size=(960, 960))


def test_a_point_over_the_horizon_is_named() -> None:
    view = _hanging("pinhole", tilt=1.0)
    floor = ROOM + np.array([0.0, 6.0])
    image = _seen(view, floor)
    image[6, 1] -= 400.0
    with pytest.raises(ConfigError, match=r"point 7 (is|lies)"):
        calibrate(image, floor, image_size=(960, 960), lens="pinhole")


def test_noise_in_the_image_is_told_as_noise_on_the_floor() -> None:
    view, noise = _hanging("fisheye", tilt=0.5), np.random.default_rng(4)
    ground = Ground((960, 960), view, heights_known=True, residual_m=0.0)
    place = np.array([[0.5, 3.0]])
    for height_m in (0.0, 1.6):
        clicks = _seen(view, np.repeat(place, 4000, axis=0), height_m)
        found = ground.floor_from_image(
            clicks + noise.normal(0, 2.0, clicks.shape), point_height_m=height_m
        )
        said = ground.covariance_m2(place, pixel_sd=2.0, point_height_m=height_m)[0]
        np.testing.assert_allclose(np.cov(found.T), said, rtol=0.15, atol=2e-5)
        one = ground.sd_m(place, pixel_sd=2.0, point_height_m=height_m)[0]
        assert one == pytest.approx(np.sqrt(np.trace(said) / 2))
