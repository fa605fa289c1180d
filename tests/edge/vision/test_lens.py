from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.vision.lens import Lens, View, focal_of_view

LENSES = st.one_of(
    st.builds(Lens, st.just("pinhole"), st.floats(100, 2000), st.just((320.0, 240.0))),
    st.builds(
        Lens,
        st.just("distorted"),
        st.floats(100, 2000),
        st.just((310.0, 250.0)),
        st.floats(-0.3, 0.2),
        st.floats(-0.05, 0.05),
    ),
    st.builds(
        Lens,
        st.just("fisheye"),
        st.floats(100, 2000),
        st.just((480.0, 470.0)),
        st.floats(-0.05, 0.05),
        st.floats(-0.005, 0.005),
    ),
)


@given(lens=LENSES, angle=st.floats(0.0, 3.0), around=st.floats(-3.1, 3.1))
@settings(max_examples=60, deadline=None)
def test_a_ray_that_is_seen_comes_back_from_its_image(
    lens: Lens, angle: float, around: float
) -> None:
    ray = np.array(
        [[np.sin(angle) * np.cos(around), np.sin(angle) * np.sin(around), np.cos(angle)]]
    )
    image = lens.image_from_rays(3.0 * ray)
    if np.isfinite(image).all():
        np.testing.assert_allclose(lens.rays_from_image(image), ray, atol=1e-4)
    else:
        assert lens.kind != "pinhole" or angle >= np.pi / 2


@given(lens=LENSES, x=st.floats(-2000, 3000), y=st.floats(-2000, 3000))
@settings(max_examples=60, deadline=None)
def test_an_image_point_that_looks_somewhere_is_where_that_is_seen(
    lens: Lens, x: float, y: float
) -> None:
    point = np.array([[x, y]])
    ray = lens.rays_from_image(point)
    if np.isfinite(ray).all():
        assert np.linalg.norm(ray) == pytest.approx(1.0)
        back = lens.image_from_rays(ray)
        if np.isfinite(back).all():  # at the very rim rounding decides
            np.testing.assert_allclose(back, point, atol=1e-2)
    else:
        assert lens.kind != "pinhole"


def test_a_fisheye_is_even_in_angles_and_sees_behind_itself() -> None:
    lens = Lens("fisheye", 300.0, (480.0, 480.0))
    angles = np.radians([10.0, 20.0, 100.0])
    rays = np.column_stack([np.sin(angles), np.zeros(3), np.cos(angles)])
    np.testing.assert_allclose(lens.image_from_rays(rays)[:, 0] - 480.0, 300.0 * angles)


def test_distortion_is_opencvs() -> None:
    # cv2.projectPoints of (0.4, -0.3, 1), focal length 500, centre (320, 240), k1 -0.2, k2 0.03:
    # r^2 = 0.25, 1 - 0.05 + 0.001875 = 0.951875.
    lens = Lens("distorted", 500.0, (320.0, 240.0), -0.2, 0.03)
    image = lens.image_from_rays(np.array([[0.4, -0.3, 1.0]]))
    np.testing.assert_allclose(image, [[510.375, 97.21875]])


def test_beyond_the_rim_of_a_barrel_nothing_is_seen() -> None:
    lens = Lens("distorted", 500.0, (320.0, 240.0), -0.3)
    rim = np.sqrt(1 / 0.9)  # where s (1 - 0.3 s^2) turns back
    rays = np.array([[0.99 * rim, 0.0, 1.0], [1.01 * rim, 0.0, 1.0]])
    seen = np.isfinite(lens.image_from_rays(rays)).all(axis=1)
    assert seen.tolist() == [True, False]
    assert np.isnan(lens.rays_from_image(np.array([[320.0 + 500.0 * rim, 240.0]]))).all()


@pytest.mark.parametrize("kind", ["pinhole", "fisheye"])
def test_focal_length_and_field_of_view_say_the_same(kind: str) -> None:
    focal = focal_of_view(kind, hfov_deg=100.0, width_px=640)  # type: ignore[arg-type]
    lens = Lens(kind, focal, (320.0, 240.0))  # type: ignore[arg-type]
    assert lens.view_deg(640) == pytest.approx(100.0)


def test_how_the_image_changes_along_the_floor() -> None:
    down = np.array([[1.0, 0, 0], [0, -1, 0], [0, 0, -1]])
    view = View(Lens("pinhole", 600.0, (320.0, 240.0)), down, np.array([1.0, 2.0, 3.0]))
    slope = view.image_per_metre(np.array([[1.5, 2.5]]), height_m=0.0)
    np.testing.assert_allclose(slope, [[[200.0, 0.0], [0.0, -200.0]]], rtol=1e-6, atol=1e-4)
    assert view.tilt_deg == 0.0
