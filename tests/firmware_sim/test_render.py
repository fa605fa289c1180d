import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from firmware_sim.bodies import Parked, bodies, crown_m, look_of
from firmware_sim.render import Renderer, project
from firmware_sim.scene import Box, CameraSpec, Figure, Room

GONDOLA = Box(2.5, 2.0, 3.5, 8.0, 1.4, "gondola")
ROOM = Room(8.0, 10.0, (GONDOLA,), 3)
ABOVE = CameraSpec(4.0, 5.0, 5.0, 0.0, 0.0, math.radians(100), 320, 216)
SLANTED = CameraSpec(4.0, 0.3, 2.8, math.radians(60), math.pi / 2, math.radians(80), 320, 216)
PERSON = Figure(11, 5.0, 5.0, 0.7, 1.2, 3.0, "walk", "nothing", 1.75)

cameras = st.builds(
    CameraSpec,
    east_m=st.floats(0, 8),
    north_m=st.floats(0, 10),
    height_m=st.floats(2.3, 7.0),
    tilt=st.floats(0, math.radians(70)),
    pan=st.floats(-math.pi, math.pi),
    hfov=st.floats(math.radians(60), math.radians(110)),
    width_px=st.just(160),
    height_px=st.just(108),
)


@pytest.fixture(scope="module")
def above() -> Renderer:
    return Renderer(ROOM, ABOVE, seed=1)


@pytest.fixture(scope="module")
def slanted() -> Renderer:
    return Renderer(ROOM, SLANTED, seed=1)


def changed(
    renderer: Renderer, figures: list[Figure], *, parked: tuple[Parked, ...] = ()
) -> NDArray[np.int64]:
    full = renderer.frame(figures, scene_s=1.0, parked=parked).astype(np.int64)
    empty = renderer.frame([], scene_s=1.0).astype(np.int64)
    return np.asarray(np.abs(full - empty).max(2))


def test_the_image_of_a_camera_that_looks_down_is_a_map_with_east_on_top() -> None:
    spots = np.array([(4.0, 5.0, 0.0), (5.0, 5.0, 0.0), (4.0, 4.0, 0.0)])
    middle, east, south = project(ABOVE, spots)
    metre_px = 160 / math.tan(math.radians(50)) / 5.0
    assert middle == pytest.approx((160, 108))
    assert east == pytest.approx((160, 108 - metre_px))
    assert south == pytest.approx((160 + metre_px, 108))


def test_height_moves_a_point_away_from_the_camera_s_foot() -> None:
    foot, head = project(ABOVE, np.array([(6.0, 7.0, 0.0), (6.0, 7.0, 1.7)])) - (160, 108)
    assert head == pytest.approx(foot * 5.0 / 3.3)


def test_what_is_behind_the_lens_has_no_pixel() -> None:
    assert np.isnan(project(ABOVE, np.array([(4.0, 5.0, 6.0)]))).all()


@given(camera=cameras, east=st.floats(0, 8), north=st.floats(0, 10))
def test_straight_lines_stay_straight(camera: CameraSpec, east: float, north: float) -> None:
    ends = np.array([(east, north, 0.0), (4.0, 5.0, 1.0)])
    line = np.stack([ends[0] + share * (ends[1] - ends[0]) for share in (0.0, 0.3, 1.0)])
    pixels = project(camera, line)
    if np.isnan(pixels).any() or np.abs(pixels).max() > 1e4:
        return
    (ax, ay), (bx, by) = pixels[1] - pixels[0], pixels[2] - pixels[0]
    assert abs(ax * by - ay * bx) <= 1e-6 * (1 + math.hypot(ax, ay) * math.hypot(bx, by))


@settings(max_examples=25, deadline=None)
@given(
    camera=cameras,
    look=st.integers(0, 10_000),
    pose=st.sampled_from(["walk", "stand", "reach", "crouch"]),
    carries=st.sampled_from(["nothing", "basket", "cart"]),
    heading=st.floats(-7, 7),
)
def test_every_camera_draws_everybody_inside_their_box(
    camera: CameraSpec, look: int, pose: str, carries: str, heading: float
) -> None:
    figure = replace(PERSON, look=look, pose=pose, carries=carries, heading=heading)
    renderer = Renderer(replace(ROOM, boxes=()), camera, seed=1)
    image = renderer.frame([figure], scene_s=0.0)
    assert image.shape == (108, 160, 3)
    assert image.dtype == np.uint8
    for label in renderer.truth([figure]):
        left, top, right, bottom = label.box_px
        assert 0 <= label.visible <= 1.001
        # The crown of a tilted head and the sole under a raised foot may stick out a little.
        slack = 0.25 * max(right - left, bottom - top) + 2
        for x, y in (label.foot_px, label.head_px):
            assert left - slack <= x <= right + slack
            assert top - slack <= y <= bottom + slack


def test_a_person_changes_the_image_where_the_label_says(above: Renderer) -> None:
    label = above.truth([PERSON])[0]
    left, top, right, bottom = (round(v) for v in label.box_px)
    difference = changed(above, [PERSON])
    inside = difference[top:bottom, left:right] > 25
    assert inside.mean() > 0.25
    assert label.visible == pytest.approx(1.0, abs=0.01)
    far = difference.copy()
    far[max(0, top - 60) : bottom + 60, max(0, left - 60) : right + 60] = 0
    assert far.max() == 0


def test_a_person_casts_a_shadow_outside_the_body(above: Renderer) -> None:
    full = above.frame([PERSON], scene_s=1.0).astype(int)
    empty = above.frame([], scene_s=1.0).astype(int)
    left, top, right, bottom = (round(v) for v in above.truth([PERSON])[0].box_px)
    darker = (empty - full).min(2) > 6
    darker[top:bottom, left:right] = False
    assert darker.sum() > 20


def test_a_gondola_hides_who_stands_behind_it(slanted: Renderer) -> None:
    behind = replace(PERSON, east_m=3.0, north_m=8.6)
    beside = replace(PERSON, east_m=4.6, north_m=8.6)
    hidden, free = slanted.truth([behind])[0], slanted.truth([beside])[0]
    assert hidden.visible < 0.75
    assert free.visible > 0.95


def test_the_nearer_person_hides_the_farther_one(slanted: Renderer) -> None:
    near = replace(PERSON, east_m=4.0, north_m=3.0)
    far = replace(PERSON, east_m=4.0, north_m=3.8)
    for order in ([near, far], [far, near]):
        shares = {label.foot_px: label.visible for label in slanted.truth(order)}
        front, back = max(shares), min(shares)
        assert shares[max(shares, key=lambda foot: foot[1])] > 0.95
        assert shares[min(shares, key=lambda foot: foot[1])] < 0.8
        assert front != back


def test_who_is_not_in_the_image_is_not_visible(slanted: Renderer) -> None:
    aside = replace(PERSON, east_m=0.3, north_m=0.6)
    assert all(label.visible == 0 for label in slanted.truth([aside]))


def test_half_a_body_at_the_border_counts_as_half(above: Renderer) -> None:
    shares = [above.truth([replace(PERSON, east_m=e)])[0].visible for e in (5.5, 7.0, 7.5, 7.9)]
    assert shares == sorted(shares, reverse=True)
    assert shares[0] > 0.9 > shares[1] > shares[2] > shares[3]


def test_the_same_instant_looks_the_same_and_the_next_differs(above: Renderer) -> None:
    again = Renderer(ROOM, ABOVE, seed=1)
    first = above.frame([PERSON], scene_s=2.0)
    assert np.array_equal(first, again.frame([PERSON], scene_s=2.0))
    assert not np.array_equal(first, above.frame([PERSON], scene_s=2.5))


def test_input_is_not_altered(above: Renderer) -> None:
    figures = [PERSON, replace(PERSON, look=4, east_m=5.8)]
    before = above.frame(figures, scene_s=3.0)
    above.truth(figures)
    assert figures == [PERSON, replace(PERSON, look=4, east_m=5.8)]
    assert np.array_equal(before, above.frame(figures, scene_s=3.0))


def test_walking_moves_the_legs(above: Renderer) -> None:
    stride = replace(PERSON, gait_m=3.4)
    one, other = (above.frame([f], scene_s=1.0).astype(int) for f in (PERSON, stride))
    assert np.abs(one - other).max() > 30


@pytest.mark.parametrize("carries", ["basket", "cart"])
def test_what_is_carried_shows(above: Renderer, carries: str) -> None:
    loaded = above.frame([replace(PERSON, carries=carries)], scene_s=1.0).astype(int)
    alone = above.frame([PERSON], scene_s=1.0).astype(int)
    assert (np.abs(loaded - alone).max(2) > 12).sum() > 15


def test_a_parked_trolley_shows_but_is_nobody(above: Renderer) -> None:
    trolley = Parked(look=3, east_m=5.5, north_m=6.0, heading=0.3, kind="cart")
    assert (changed(above, [], parked=(trolley,)) > 12).sum() > 40
    assert above.truth([]) == []


def test_looks_and_floors_vary_with_their_seeds() -> None:
    assert len({look_of(seed) for seed in range(40)}) == 40
    one, other = (
        Renderer(replace(ROOM, floor=f), ABOVE, seed=1).frame([], scene_s=0) for f in (1, 3)
    )
    assert np.abs(one.astype(int) - other).mean() > 5


def test_a_body_stands_on_the_floor_and_is_as_high_as_it_says() -> None:
    for pose in ("walk", "stand", "reach"):
        figure = replace(PERSON, pose=pose, height_m=1.8, speed_m_s=0.0)
        look = replace(look_of(3), head="short")
        solids = bodies([figure], looks=[look])
        half = np.sqrt((solids.spread[:, :, 2] ** 2).sum(1))
        assert (solids.centre[:, 2] + half).max() == pytest.approx(crown_m(figure), abs=0.06)
        assert (solids.centre[:, 2] - half).min() == pytest.approx(0.0, abs=0.03)


def test_crouching_is_lower() -> None:
    low = bodies([replace(PERSON, pose="crouch")], looks=[look_of(1)])
    high = bodies([replace(PERSON, pose="stand")], looks=[look_of(1)])
    assert low.centre[:, 2].max() < 0.75 * high.centre[:, 2].max()


def test_an_empty_room_has_no_labels(above: Renderer) -> None:
    assert above.truth([]) == []
    assert above.frame([], scene_s=0.0).std() > 5
