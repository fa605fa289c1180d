"""The learnt picture: small drawn rooms here; the simulator's renders in test_condition.py."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from edge.vision.background import STRICT, Background, BackgroundParams, Box
from edge.vision.detection import Image

SIZE = (120, 160)
PERSON: Box = (60.0, 40.0, 84.0, 80.0)
SPOT = (slice(40, 80), slice(60, 84))
SECOND = 1_000
LIVE = BackgroundParams(every_ms=SECOND)


def room(*, seed: int = 1) -> Image:
    noise = np.random.default_rng(seed).integers(0, 256, (*SIZE, 3), np.uint8)
    smooth = cv2.GaussianBlur(noise, (0, 0), 4).astype(np.float64)
    return np.clip(40 + (smooth - 100) * 6, 25, 190).astype(np.uint8)


ROOM = room()


class Camera:
    """Takes noisy pictures of a room, one a second."""

    def __init__(self, background: Background, *, seed: int = 2, noise: float = 2.0) -> None:
        self.background = background
        self._noise = noise
        self.now_ms = 0
        self._rng = np.random.default_rng(seed)

    def take(
        self, scene: Image | NDArray[np.float64], *, seconds: int, boxes: tuple[Box, ...] = ()
    ) -> None:
        for _ in range(seconds):
            grain = self._rng.normal(0, self._noise, scene.shape)
            shot = np.clip(scene + grain, 0, 255).astype(np.uint8)
            self.background.feed(self.now_ms, shot, boxes)
            self.now_ms += SECOND


def with_person(scene: Image = ROOM, *, dx: int = 0, colour: int = 230) -> Image:
    shown = scene.copy()
    shown[SPOT[0], SPOT[1].start + dx : SPOT[1].stop + dx] = colour
    return shown


def wrong(background: Background, *, truth: Image = ROOM, by: int = 25) -> float:
    """Give the share of the picture that is known and not the room."""
    apart = np.abs(background.picture.astype(int) - truth).max(2)
    return float((background.known & (apart > by)).mean())


def test_an_empty_room_is_known_after_ten_seconds_and_not_before() -> None:
    camera = Camera(Background(LIVE))
    camera.take(ROOM, seconds=9)
    assert not camera.background.known.any()
    camera.take(ROOM, seconds=3)
    assert camera.background.known.all()
    assert np.abs(camera.background.picture.astype(int) - ROOM).mean() < 2


def test_before_the_first_image_nothing_is_there() -> None:
    background = Background(LIVE)
    assert background.backdrop is None
    with pytest.raises(ValueError, match="no image"):
        _ = background.known


def test_pictures_of_another_shape_are_our_mistake() -> None:
    background = Background(LIVE)
    background.feed(0, ROOM, ())
    with pytest.raises(ValueError, match="shape"):
        background.feed(SECOND, ROOM[:100], ())


def test_people_who_walk_leave_nothing() -> None:
    camera = Camera(Background(LIVE))
    for dx in range(-60, 70, 10):
        camera.take(with_person(dx=dx), seconds=1)
    camera.take(ROOM, seconds=12)
    assert wrong(camera.background) == 0
    assert camera.background.known.all()


def test_who_is_found_may_stand_for_ten_minutes() -> None:
    camera = Camera(Background(LIVE))
    camera.take(ROOM, seconds=30)
    camera.take(with_person(), seconds=600, boxes=(PERSON,))
    assert camera.background.known[SPOT].all()
    assert wrong(camera.background) == 0


def test_who_is_found_two_times_in_three_may_stand_for_ten_minutes_too() -> None:
    camera = Camera(Background(LIVE))
    camera.take(ROOM, seconds=30)
    for _ in range(200):
        camera.take(with_person(), seconds=2, boxes=(PERSON,))
        camera.take(with_person(), seconds=1)
    assert wrong(camera.background) == 0


def test_a_person_there_from_the_first_image_on_is_unknown_while_found_then_forgotten() -> None:
    camera = Camera(Background(LIVE))
    camera.take(with_person(), seconds=60, boxes=(PERSON,))
    assert not camera.background.known[SPOT].any()
    camera.take(ROOM, seconds=12)
    assert camera.background.known.all()
    assert wrong(camera.background) == 0


def test_what_is_taken_for_a_person_for_a_quarter_of_an_hour_is_known_at_last() -> None:
    camera = Camera(Background(LIVE))
    camera.take(ROOM, seconds=14 * 60, boxes=(PERSON,))
    assert not camera.background.known[SPOT].any()
    camera.take(ROOM, seconds=3 * 60, boxes=(PERSON,))
    assert camera.background.known.all()


def test_a_ghost_goes_as_fast_as_it_came() -> None:
    camera = Camera(Background(LIVE))
    camera.take(with_person(), seconds=20)  # nobody found the one who stands there
    assert wrong(camera.background) > 0
    camera.take(ROOM, seconds=32)
    assert wrong(camera.background) == 0
    assert camera.background.known.all()


def test_moved_furniture_is_believed_after_a_minute_not_after_half_of_one() -> None:
    camera = Camera(Background(LIVE))
    camera.take(ROOM, seconds=300)
    moved = with_person(colour=120)
    camera.take(moved, seconds=30)
    assert wrong(camera.background) == 0
    camera.take(moved, seconds=45)
    assert wrong(camera.background, truth=moved) == 0


@pytest.mark.parametrize("gain", [0.5, 0.8, 1.3])
def test_exposure_is_followed_at_once_even_with_people_about(gain: float) -> None:
    camera = Camera(Background(LIVE))
    camera.take(ROOM, seconds=20)
    lit = np.clip(with_person() * gain, 0, 255).astype(np.uint8)
    camera.take(lit, seconds=2, boxes=(PERSON,))
    truth = np.clip(ROOM * gain, 0, 255).astype(np.uint8)
    assert camera.background.known.all()
    assert wrong(camera.background, truth=truth) < 0.01
    camera.take(ROOM, seconds=2)
    assert wrong(camera.background) < 0.01


def test_slow_daylight_is_followed() -> None:
    camera = Camera(Background(LIVE))
    camera.take(ROOM, seconds=20)
    window = np.zeros(SIZE)
    window[:, :60] = 1
    for step in range(90):
        camera.take((ROOM + 0.6 * step * window[:, :, None]).astype(np.uint8), seconds=1)
    assert wrong(camera.background, truth=(ROOM + 54 * window[:, :, None]).astype(np.uint8)) < 0.01


def test_a_lamp_over_two_thirds_of_the_room_blinds_then_is_learnt() -> None:
    camera = Camera(Background(LIVE))
    camera.take(ROOM, seconds=200)
    lamp = np.linspace(1.8, 0.9, SIZE[1])[None, :, None]
    lit = np.clip(ROOM * lamp, 0, 255).astype(np.uint8)
    camera.take(lit, seconds=2)
    assert wrong(camera.background, truth=lit) < 0.2
    camera.take(lit, seconds=60)
    assert camera.background.known.mean() > 0.99
    assert wrong(camera.background, truth=lit) < 0.01


def test_another_view_is_unknown_at_once_and_known_within_half_a_minute() -> None:
    camera = Camera(Background(LIVE))
    camera.take(ROOM, seconds=300)
    other = room(seed=9)
    camera.take(other, seconds=1)
    assert camera.background.upset
    assert not camera.background.known.any()
    camera.take(other, seconds=35)
    assert camera.background.known.mean() > 0.98
    assert wrong(camera.background, truth=other) < 0.01


def test_the_strict_picture_never_shows_somebody_who_sways_and_is_not_found() -> None:
    camera = Camera(Background(STRICT))
    for step in range(150):
        camera.take(with_person(dx=step // 4 % 2 * 2), seconds=1)
        assert wrong(camera.background) == 0
    assert camera.background.known.mean() > 0.5
    camera.take(ROOM, seconds=80)
    assert camera.background.known.all()
    assert wrong(camera.background) == 0


def taken_for_a_person(*, sways: bool, seconds: int, noise: float = 2.0) -> Background:
    """Give what the strict picture knows of something that every image is said to hold."""
    camera = Camera(Background(STRICT), noise=noise)
    shift = np.random.default_rng(3).normal(0, 0.3, seconds).cumsum() / 20
    for second in range(seconds):
        # A person's weight wanders by a fraction of a pixel, an edge's levels by a few.
        dx = shift[second] if sways else 0.0
        moved = np.array([[1, 0, dx], [0, 1, 0]])
        layer = cv2.warpAffine(np.full(SIZE, 0.0) + SILHOUETTE, moved, SIZE[::-1])
        shown = ROOM * (1 - layer[:, :, None]) + 120 * layer[:, :, None]
        camera.take(shown.astype(np.float64), seconds=1, boxes=(PERSON,))
    return camera.background


SILHOUETTE = cv2.GaussianBlur(np.pad(np.ones((40, 24)), ((40, 40), (60, 76))), (0, 0), 0.8)


def test_what_is_taken_for_a_person_but_does_not_move_by_a_hair_settles_after_six_minutes() -> None:
    assert not taken_for_a_person(sways=False, seconds=300).known[SPOT].any()
    background = taken_for_a_person(sways=False, seconds=420)
    assert background.known.all()


def test_who_stands_for_ten_minutes_and_is_found_never_shows() -> None:
    background = taken_for_a_person(sways=True, seconds=600)
    assert not background.known[SPOT].any()
    assert wrong(background) == 0


def test_a_camera_too_noisy_to_tell_a_hair_shows_nothing_of_what_is_found() -> None:
    background = taken_for_a_person(sways=False, seconds=480, noise=20.0)
    assert not background.known[SPOT].any()


@settings(max_examples=20, deadline=None)
@given(
    stamps=st.lists(st.integers(1, 3_000), min_size=1, max_size=20),
    box=st.tuples(*[st.floats(-200, 400)] * 4),
)
def test_the_same_images_teach_the_same_and_are_left_as_they_were(
    stamps: list[int], box: Box
) -> None:
    pictures = []
    for _ in range(2):
        background, now_ms, image = Background(BackgroundParams(known_ms=3_000)), 0, ROOM.copy()
        for step in stamps:
            now_ms += step
            background.feed(now_ms, image, (box,))
        assert (image == ROOM).all()
        pictures.append((background.picture, background.known))
    assert (pictures[0][0] == pictures[1][0]).all()
    assert (pictures[0][1] == pictures[1][1]).all()


def test_what_was_handed_out_does_not_change() -> None:
    camera = Camera(Background(LIVE))
    camera.take(ROOM, seconds=20)
    before = camera.background.backdrop
    assert before is not None
    copy = before.picture.copy()
    camera.take((ROOM * 0.6).astype(np.uint8), seconds=5)
    assert (before.picture == copy).all()
    assert before.known.all()
