"""Conditions on the simulator's renders; hours of crowds: tests/figures/camera_condition.py."""

from __future__ import annotations

import math
import re
from dataclasses import replace

import cv2
import numpy as np
import pytest

from edge.vision.background import Background
from edge.vision.condition import (
    Checkup,
    Condition,
    ConditionParams,
    Shift,
    Signature,
    agreed,
    shift_between,
    signature_of,
)
from edge.vision.detection import Backdrop, Image
from firmware_sim.render import Renderer
from firmware_sim.scene import CameraSpec, Room
from firmware_sim.store import default_store

SIZE = (640, 432)
SECOND = 1_000
STORE = default_store()
ABOVE = STORE.cameras[0].spec()
SLANTED = CameraSpec(6.0, 0.3, 3.0, math.radians(60), math.pi / 2, math.radians(80), 640, 432)
MARGIN_PX = 96
GRAIN = np.random.default_rng(1).normal(0, 1.5, (4, 281, 416, 3))


def room(floor: int = 7) -> Room:
    return replace(STORE.walls(), floor=floor)


def fitted(image: Image) -> Image:
    return np.asarray(cv2.resize(image, (416, 281), interpolation=cv2.INTER_AREA))


def rendered(camera: CameraSpec, *, floor: int = 7) -> Image:
    """Give the room without people and, as a background has, nearly without noise."""
    renderer = Renderer(room(floor), camera, seed=3)
    shots = [renderer.frame([], scene_s=t).astype(float) for t in (1, 2, 3)]
    return np.asarray(np.round(np.mean(shots, axis=0)), np.uint8)


class Hung:
    """What a camera sees as it hangs, and when it is turned about its axis, shifted or zoomed."""

    def __init__(self, camera: CameraSpec) -> None:
        width, height = camera.width_px + 2 * MARGIN_PX, camera.height_px + 2 * MARGIN_PX
        hfov = 2 * math.atan(math.tan(camera.hfov / 2) * width / camera.width_px)
        self._wide = rendered(replace(camera, hfov=hfov, width_px=width, height_px=height))

    def seen(
        self, *, right_px: float = 0, down_px: float = 0, turned_deg: float = 0, larger: float = 1
    ) -> Image:
        rows, cols = self._wide.shape[:2]
        warp = cv2.getRotationMatrix2D((cols / 2, rows / 2), -turned_deg, larger)
        warp[:, 2] += right_px, down_px
        image = cv2.warpAffine(self._wide, warp, (cols, rows), flags=cv2.INTER_CUBIC)
        return fitted(image[MARGIN_PX : rows - MARGIN_PX, MARGIN_PX : cols - MARGIN_PX])


def whole(picture: Image) -> Backdrop:
    return Backdrop(picture, np.ones(picture.shape[:2], np.bool_))


def signed(picture: Image) -> Signature:
    signature = signature_of(whole(picture))
    assert signature is not None
    return signature


@pytest.fixture(scope="module")
def hung() -> Hung:
    return Hung(ABOVE)


@pytest.fixture(scope="module")
def above(hung: Hung) -> Image:
    return hung.seen()


@pytest.fixture(scope="module")
def slanted() -> Image:
    return fitted(rendered(SLANTED))


def judged(reference: Image, picture: Image) -> Condition | None:
    """Give what is said after half a minute of one people-free picture."""
    checkup = Checkup(size_px=SIZE, reference=signed(reference))
    for second in range(0, 31, 10):
        checkup.compare(second * SECOND, whole(picture))
    return checkup.condition


def noisy(image: Image, *, second: int) -> Image:
    return np.clip(image + GRAIN[second % 4], 0, 255).astype(np.uint8)


def seen(image: Image, *, seconds: int = 40) -> Condition | None:
    """Give what is said after looking at one image with a sensor's noise."""
    checkup = Checkup(size_px=SIZE)
    for second in range(seconds):
        checkup.feed(second * SECOND, noisy(image, second=second))
    return checkup.condition


def said(condition: Condition | None) -> str:
    return "" if condition is None else condition.ill


# ---- moved ------------------------------------------------------------------------------------


def measured(hung: Hung, **moved: float) -> Shift:
    reference, now = signed(hung.seen()), signed(hung.seen(**moved))
    shift = shift_between(reference, now, width_px=640, height_px=432)
    assert shift is not None
    return shift


@pytest.mark.parametrize("px", [3, -5, 10, -30])
def test_a_shifted_camera_s_shift_is_measured(hung: Hung, px: int) -> None:
    shift = measured(hung, right_px=px)
    assert shift.right_px == pytest.approx(px, abs=0.5 + 0.05 * abs(px))
    assert shift.down_px == pytest.approx(0, abs=0.5)
    assert shift.turned_deg == pytest.approx(0, abs=0.2)
    assert shift.larger == pytest.approx(1, abs=0.01)
    assert shift.explains > 0.7


def test_turning_and_zooming_are_measured(hung: Hung) -> None:
    turned, zoomed = measured(hung, turned_deg=2), measured(hung, larger=1.05)
    assert turned.turned_deg == pytest.approx(2, abs=0.2)
    assert turned.larger == pytest.approx(1, abs=0.01)
    assert zoomed.turned_deg == pytest.approx(0, abs=0.2)
    assert zoomed.larger == pytest.approx(1.05, abs=0.01)


@pytest.mark.parametrize(
    ("moved", "words"),
    [
        ({"right_px": 10}, r"went about (9|10|11) px right:"),
        ({"right_px": -14}, r"went about 1[345] px left:"),
        ({"down_px": -30}, r"went about (29|3[0-2]) px up:"),
        ({"right_px": 20, "down_px": 20}, "about 2[01] px right and about 2[01] px down:"),
        ({"turned_deg": 2}, r"by (1\.9|2\.0|2\.1) degrees clockwise:"),
        ({"larger": 0.95}, "out by [56]%:"),
    ],
)
def test_a_moved_camera_is_told_of_in_words(
    hung: Hung, moved: dict[str, float], words: str
) -> None:
    condition = judged(hung.seen(), hung.seen(**moved))
    assert condition is not None
    assert condition.ill == "moved"
    assert re.search(words, condition.said), condition.said
    assert condition.said.endswith("run aisle-edge setup and check the points")


def test_a_camera_that_looks_elsewhere_sees_another_place(above: Image, slanted: Image) -> None:
    condition = judged(above, slanted)
    assert condition is not None
    assert condition.said.startswith("sees another place than when it was set up")


def test_a_slanted_camera_that_nods_by_a_degree_was_moved(slanted: Image) -> None:
    nodded = fitted(rendered(replace(SLANTED, tilt=math.radians(61))))
    assert said(judged(slanted, nodded)) == "moved"


def test_three_pixels_are_let_pass(hung: Hung) -> None:
    assert judged(hung.seen(), hung.seen(right_px=3)) is None


def test_light_noise_and_other_goods_are_no_movement(above: Image, slanted: Image) -> None:
    for reference in (above, slanted):
        rows, cols = reference.shape[:2]
        lamp = np.linspace(0.25, 1.2, cols)[None, :, None]
        stand = reference.copy()
        stand[rows // 3 : 2 * rows // 3, cols // 4 : cols // 2] = 120
        refit = reference.copy()
        refit[:, : cols // 4] = reference[::-1, : cols // 4]
        pictures = (reference, reference * 0.3, reference * 1.3, reference * lamp)
        for picture in (*pictures, reference + 2 * GRAIN[0], stand, refit):
            changed = np.clip(picture, 0, 255).astype(np.uint8)
            assert judged(reference, changed) is None


def test_a_camera_put_back_is_well_again(hung: Hung, above: Image) -> None:
    checkup = Checkup(size_px=SIZE, reference=signed(above))
    for second in range(0, 31, 10):
        checkup.compare(second * SECOND, whole(hung.seen(right_px=10)))
    assert said(checkup.condition) == "moved"
    for second in range(40, 71, 10):
        checkup.compare(second * SECOND, whole(above))
    assert checkup.condition is None


def test_without_a_reference_nothing_is_compared(above: Image) -> None:
    checkup = Checkup(size_px=SIZE)
    assert not checkup.due(0)
    checkup.compare(0, whole(above))
    assert checkup.condition is None


# ---- blurred ----------------------------------------------------------------------------------


@pytest.mark.parametrize("sigma_px", [2, 4])
def test_a_blurred_camera_is_told_of(above: Image, slanted: Image, sigma_px: int) -> None:
    for reference in (above, slanted):
        unsharp = cv2.GaussianBlur(reference, (0, 0), sigma_px * 416 / 640)
        condition = judged(reference, np.asarray(unsharp))
        assert said(condition) == "blurred"
        assert condition is not None
        assert "clean its lens" in condition.said


@pytest.mark.parametrize(("sigma_px", "ill"), [(2, "blurred"), (4, "blurred"), (0, "")])
def test_blur_is_told_of_before_the_people_free_picture_shows_it(
    slanted: Image, sigma_px: int, ill: str
) -> None:
    unsharp = cv2.GaussianBlur(slanted, (0, 0), sigma_px * 416 / 640) if sigma_px else slanted
    checkup = Checkup(size_px=SIZE, reference=signed(slanted))
    for second in range(80):
        there = with_somebody(np.asarray(unsharp), right_px=12 * (second % 20))
        checkup.feed(SECOND * second, noisy(there, second=second))
        checkup.compare(SECOND * second, whole(slanted))
    assert said(checkup.condition) == ill


def test_where_too_little_in_one_piece_is_known_blur_is_left_open(above: Image) -> None:
    known = np.ones(above.shape[:2], np.bool_)
    known[::12, ::12] = False
    speckled = signature_of(Backdrop(above, known))
    assert speckled is not None
    assert speckled.sharpness == 0
    checkup = Checkup(size_px=SIZE, reference=speckled)
    for at_ms in (0, 60_000):
        checkup.compare(at_ms, Backdrop(above, known))
    assert checkup.condition is None
    assert checkup.shift is not None


def test_another_size_of_picture_has_another_sharpness(above: Image) -> None:
    other = np.asarray(cv2.resize(above, (208, 140), interpolation=cv2.INTER_AREA))
    assert judged(above, other) is None


# ---- what each image shows --------------------------------------------------------------------


def test_a_dark_camera_is_told_of_after_a_while_and_no_longer_when_it_is_light(
    above: Image,
) -> None:
    dark = (above * 0.04).astype(np.uint8)
    assert seen(dark, seconds=10) is None
    assert said(seen(dark)) == "dark"
    assert seen((above * 0.3).astype(np.uint8)) is None
    checkup, told = Checkup(size_px=SIZE), []
    for second, picture in enumerate([dark] * 40 + [above] * 40):
        checkup.feed(second * SECOND, noisy(picture, second=second))
        told.append(said(checkup.condition))
    assert told.index("dark") == 15
    assert told.index("", 20) == 55


@pytest.mark.parametrize("colour", [60, 128, 250])
def test_a_covered_camera_is_told_of(above: Image, colour: int) -> None:
    tape = np.linspace(0.9, 1.0, above.shape[1])[None, :, None] * np.full(above.shape, colour)
    assert said(seen(tape.astype(np.uint8))) == "covered"


def test_a_frozen_camera_is_told_of_and_a_dark_one_is_not_called_frozen(above: Image) -> None:
    checkup = Checkup(size_px=SIZE)
    for second in range(600):
        checkup.feed(second * SECOND, above)
        assert checkup.condition is None
    checkup.feed(600 * SECOND, above)
    assert said(checkup.condition) == "frozen"
    assert checkup.blind
    checkup.feed(601 * SECOND, above // 2)
    assert checkup.condition is None
    checkup = Checkup(size_px=SIZE)
    for second in range(60):
        checkup.feed(second * SECOND, np.zeros_like(above))
    assert said(checkup.condition) == "dark"


@pytest.mark.parametrize("gop_s", [10, 300])
def test_an_encoder_that_repeats_a_still_scene_is_well(above: Image, gop_s: int) -> None:
    checkup, stale, small = Checkup(size_px=SIZE), set(), above[::3, ::3]
    for second in range(700):
        checkup.feed(second * SECOND, np.asarray(small + np.uint8(second // gop_s % 2)))
        assert checkup.condition is None
        stale.add(checkup.stale)
        assert checkup.blind == checkup.stale
    assert stale == ({False} if gop_s == 10 else {False, True})


def test_somebody_before_the_lens_covers_nothing(slanted: Image) -> None:
    image = slanted.copy()
    cv2.ellipse(image, (210, 200), (110, 190), 0, 0, 360, (70, 60, 60), -1)
    assert (np.abs(image.astype(int) - slanted).max(axis=2) > 25).mean() > 0.35
    assert seen(image) is None


# ---- signatures -------------------------------------------------------------------------------


def test_no_signature_is_taken_before_most_of_the_picture_is_known(above: Image) -> None:
    known = np.zeros(above.shape[:2], np.bool_)
    known[:, :200] = True
    assert signature_of(Backdrop(above, known)) is None
    known[:, :350] = True
    assert signature_of(Backdrop(above, known)) is not None


def test_what_is_not_known_has_no_part_in_it(above: Image) -> None:
    known = np.ones(above.shape[:2], np.bool_)
    known[100:150, 100:180] = False
    scribbled = above.copy()
    scribbled[100:150, 100:180] = np.random.default_rng(1).integers(0, 256, (50, 80, 3))
    one, other = signature_of(Backdrop(above, known)), signature_of(Backdrop(scribbled, known))
    assert one is not None
    assert other is not None
    assert (one.edges == other.edges).all()
    assert one.sharpness == other.sharpness
    assert (one.edges == 0).sum() > 50


def with_somebody(picture: Image, *, right_px: int = 0) -> Image:
    """Stand a person into a picture, whom nobody finds."""
    shown = picture.copy()
    cv2.ellipse(shown, (150 + right_px, 140), (9, 14), 20, 0, 360, (60, 40, 35), -1)
    cv2.circle(shown, (152 + right_px, 133), 5, (40, 60, 90), -1)
    return shown


def kept(*pictures: Image, seconds: int = 1_800) -> Checkup:
    checkup = Checkup(size_px=SIZE)
    for number, picture in enumerate(pictures):
        checkup.compare(number * seconds * SECOND, whole(picture))
        checkup.adopt(number * seconds * SECOND, whole(picture))
    return checkup


def test_whom_nobody_found_in_the_first_look_is_not_in_what_is_kept(above: Image) -> None:
    before = signed(with_somebody(above)).edges.astype(int)
    place = np.abs(before - signed(above).edges) > 24
    assert place.sum() >= 4
    for later in (above, with_somebody(above, right_px=30)):
        checkup = kept(with_somebody(above), later)
        assert checkup.kept is not None
        assert not checkup.kept.edges[place].any()
        assert (checkup.kept.edges > 0).mean() > 0.95
        assert checkup.condition is None


def test_nothing_is_kept_before_a_second_look_half_an_hour_later(above: Image) -> None:
    checkup = kept(above, above, seconds=1_799)
    assert checkup.kept is None
    assert checkup.reference is not None


def test_a_camera_that_was_moved_between_the_looks_is_told_of_and_not_kept(hung: Hung) -> None:
    checkup = kept(hung.seen(), *[hung.seen(right_px=12)] * 3)
    assert checkup.kept is None
    assert said(checkup.condition) == "moved"


def test_where_two_looks_have_too_little_in_common_the_second_counts_as_a_first(
    above: Image, slanted: Image
) -> None:
    one, other = signed(above), signed(slanted)
    assert agreed(one, other) is None
    checkup = Checkup(size_px=SIZE)
    checkup.adopt(0, whole(above))
    checkup.adopt(1_800 * SECOND, whole(slanted))
    assert checkup.kept is None
    checkup.adopt(3_600 * SECOND, whole(slanted))
    assert checkup.kept is not None


def test_a_signature_is_small_and_knows_no_colour_and_no_light(above: Image) -> None:
    signature = signed(above)
    assert signature.edges.shape == (48, 64)
    negative = signed(np.asarray(255 - above))
    assert np.abs(negative.edges.astype(int) - signature.edges).max() <= 1


def test_nothing_is_changed_by_looking(above: Image) -> None:
    before, backdrop = above.copy(), whole(above)
    checkup = Checkup(size_px=SIZE, reference=signed(above), params=ConditionParams())
    checkup.feed(0, above)
    checkup.compare(0, backdrop)
    assert (above == before).all()
    assert backdrop.known.all()


def test_a_bump_is_told_of_within_a_minute_and_a_half_from_live_images(hung: Hung) -> None:
    background, checkup = Background(), Checkup(size_px=SIZE)
    straight, bumped = hung.seen(), hung.seen(right_px=8, down_px=-9)
    for second in range(60, 210):
        image = noisy(straight if second < 120 else bumped, second=second)
        background.feed(second * SECOND, image, ())
        checkup.feed(second * SECOND, image)
        backdrop = background.backdrop
        assert backdrop is not None
        if second == 119:
            checkup.reference = signature_of(backdrop)
        checkup.compare(second * SECOND, backdrop)
        if checkup.condition is not None:
            break
    assert said(checkup.condition) == "moved"
    assert second > 120
