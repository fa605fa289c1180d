from __future__ import annotations

import numpy as np
import pytest

from edge.errors import ConfigError
from edge.vision.background import BackgroundParams
from edge.vision.condition import ConditionParams, Signature
from edge.vision.detection import Backdrop, Detection, Fit, Fitted, Image, letterbox
from edge.vision.ground import Ground
from edge.vision.tracking import TrackEnd, Tracker, TrackPoint
from edge.vision.watching import Eyes, SightParams, floor_points

# A hundred pixels a metre, straight down, the image's top to the north.
GROUND = Ground.from_points(
    np.array([[0.0, 400.0], [600.0, 400.0], [600.0, 0.0], [0.0, 0.0]]),
    np.array([[0.0, 0.0], [6.0, 0.0], [6.0, 4.0], [0.0, 4.0]]),
    image_size=(600, 400),
    camera_height_m=4.0,
)
OBLIQUE = Ground.from_points(
    np.array([[200.0, 300.0], [400.0, 300.0], [550.0, 390.0], [50.0, 390.0]]),
    np.array([[0.0, 9.0], [4.0, 9.0], [4.0, 4.0], [0.0, 4.0]]),
    image_size=(600, 400),
)


class White:
    """Finds the white dots in an image; each is a person's ``point_height_m`` point."""

    def __init__(self, *, confidence: float = 0.5, point_height_m: float = 0.0) -> None:
        self.confidence = confidence
        self.point_height_m = point_height_m

    def detect(self, image: Image, *, least: float) -> list[Detection]:
        rows, cols = np.nonzero(image[:, :, 0] >= 255 * least)
        return [
            Detection(float(x), float(y), 20.0, 40.0, float(image[y, x, 0]) / 255)
            for y, x in zip(rows, cols, strict=True)
        ]


def _image(*dots: tuple[int, int, int], size: tuple[int, int] = (600, 400)) -> Image:
    image = np.zeros((size[1], size[0], 3), np.uint8)
    for x, y, grey in dots:
        image[y, x] = grey
    return image


def test_a_walk_in_images_is_a_track_in_metres() -> None:
    eyes, tracker, out = Eyes(White(), ground=GROUND), Tracker(), []
    for step in range(20):
        out += tracker.feed(eyes.sight(200 * step, _image((100 + 20 * step, 300, 255))))
    due_ms = tracker.due_ms()
    assert due_ms is not None
    out += tracker.advance(due_ms)
    points = [event for event in out if isinstance(event, TrackPoint)]
    assert [point.scene_ms for point in points] == [200 * step for step in range(20)]
    assert points[-1].east_m == pytest.approx(4.8, abs=0.1)
    assert points[-1].north_m == pytest.approx(1.0, abs=0.02)
    assert out[-1] == TrackEnd(1, 3_800)


def test_the_configured_confidence_rules() -> None:
    def seen(confidence: float | None) -> int:
        eyes = Eyes(White(confidence=0.9), ground=GROUND, confidence=confidence)
        return len(eyes.sight(0, _image((300, 200, 102))).points)

    assert seen(None) == 0
    assert seen(0.5) == 1


def test_a_sighting_bears_its_camera() -> None:
    assert Eyes(White(), ground=GROUND, camera="till").sight(7, _image()).camera == "till"


def test_a_thing_in_which_nothing_moves_is_told_from_a_person() -> None:
    eyes, rng, seen = Eyes(White(), ground=GROUND), np.random.default_rng(4), []
    for number in range(30):
        image = rng.integers(0, 3, (400, 600, 3), np.uint8)
        image[180:220, 280:320] = 60 * (number % 4)  # who turns about
        image[200, 300] = image[200, 100] = 255
        points = eyes.sight(200 * number, image).points
        seen.append({round(point.east_m): point.still for point in points})
    assert seen[10] == {1: False, 3: False}
    assert seen[-1] == {1: True, 3: False}


def test_points_above_the_floor_are_taken_down() -> None:
    flat = Eyes(White(), ground=GROUND).sight(0, _image((500, 300, 255)))
    high = Eyes(White(point_height_m=2.0), ground=GROUND).sight(0, _image((500, 300, 255)))
    assert (flat.points[0].east_m, flat.points[0].north_m) == pytest.approx((5.0, 1.0), abs=1e-3)
    assert (high.points[0].east_m, high.points[0].north_m) == pytest.approx((4.0, 1.5), abs=1e-3)


def test_a_stream_of_another_size_but_the_same_shape_is_scaled() -> None:
    eyes = Eyes(White(), ground=GROUND)
    half = eyes.sight(0, _image((250, 150, 255), size=(300, 200)))
    assert (half.points[0].east_m, half.points[0].north_m) == pytest.approx((5.0, 1.0), abs=1e-3)


def test_a_stream_of_another_shape_is_refused() -> None:
    eyes = Eyes(White(), ground=GROUND)
    with pytest.raises(ConfigError, match="gives 640x480 pixels but was calibrated at 600x400"):
        eyes.sight(0, _image(size=(640, 480)))


def test_detections_above_the_horizon_stand_nowhere() -> None:
    seen = [Detection(300, 390, 20, 40, 0.9), Detection(300, 10, 20, 40, 0.8)]
    points = floor_points(seen, ground=OBLIQUE, height_m=0.0)
    assert [point.confidence for point in points] == [0.9]
    assert floor_points([], ground=OBLIQUE, height_m=0.0) == ()


def test_a_place_is_less_sure_the_farther_away_it_is() -> None:
    def sd_m(ground: Ground, y_px: float) -> float:
        seen = [Detection(300, y_px, 0, 0, 0.9)]
        params = SightParams(blur_px=2.0, body_share=0.0)
        return floor_points(seen, ground=ground, height_m=0.0, params=params)[0].sd_m

    assert sd_m(GROUND, 200) == pytest.approx(0.02, rel=0.01)
    near_m, far_m = sd_m(OBLIQUE, 390), sd_m(OBLIQUE, 250)
    assert 0.02 < near_m < 0.1
    assert far_m > 5 * near_m


def test_the_larger_the_body_in_the_image_the_less_sure_its_place() -> None:
    def sd_m(size_px: float) -> float:
        return floor_points([Detection(300, 200, size_px, 1, 0.9)], ground=GROUND, height_m=0.0)[
            0
        ].sd_m

    assert sd_m(200) > 2 * sd_m(20) > 0


# ---- what eyes remember: the room without people ----------------------------------------------

QUICK = BackgroundParams(every_ms=200, known_ms=800)
ROOM = np.kron(
    np.random.default_rng(4).integers(40, 160, (20, 30, 3)).astype(np.uint8),
    np.ones((20, 20, 1), np.uint8),
)


class Shown:
    """Finds nobody, or always the same one; keeps what it was shown, on a canvas of 320 x 224."""

    confidence = 0.5
    point_height_m = 0.0

    def __init__(self, *found: Detection) -> None:
        self.backdrops: list[Backdrop | None] = []
        self._found = list(found)

    def detect(self, image: Image, *, least: float) -> list[Detection]:
        raise AssertionError(image.shape, least)

    def fit(self, image: Image) -> Fitted:
        return letterbox(image, fit=Fit(320, 224, 300 / image.shape[1]), value=114)

    def find(self, fitted: Fitted, *, backdrop: Backdrop | None, least: float) -> list[Detection]:
        assert fitted.canvas.shape == (224, 320, 3)
        assert least == pytest.approx(0.25)
        self.backdrops.append(backdrop)
        return self._found


def _room(number: int) -> Image:
    return np.asarray(ROOM + np.uint8(number % 3))


def test_the_detector_is_shown_the_learnt_room_on_its_own_canvas() -> None:
    detector = Shown()
    eyes = Eyes(detector, ground=GROUND, background=QUICK)
    for number in range(10):
        eyes.sight(200 * number, _room(number))
    assert detector.backdrops[0] is None
    backdrop = detector.backdrops[-1]
    assert backdrop is not None
    assert backdrop.picture.shape == (224, 320, 3)
    assert backdrop.known[:200, :300].all()
    assert not backdrop.known[200:].any()
    assert not backdrop.known[:, 300:].any()
    seen = detector.fit(ROOM).canvas[:200, :300].astype(int)
    assert np.abs(backdrop.picture[:200, :300] - seen).max() <= 4


@pytest.mark.parametrize(("confidence", "learnt"), [(0.9, False), (0.4, True)])
def test_where_somebody_is_found_surely_nothing_is_learnt(
    *, confidence: float, learnt: bool
) -> None:
    who = Detection(300.0, 250.0, 40.0, 80.0, confidence, centre_x_px=300.0, centre_y_px=210.0)
    detector = Shown(who)
    eyes = Eyes(detector, ground=GROUND, background=QUICK, params=SightParams(kept=0.6))
    for number in range(10):
        eyes.sight(200 * number, _room(number))
    backdrop = detector.backdrops[-1]
    assert backdrop is not None
    assert backdrop.known[85:125, 140:160].all() == learnt
    assert backdrop.known[85:125, 140:160].any() == learnt
    assert backdrop.known[:60, :].any()


def test_a_signature_is_kept_once_two_looks_agree_and_a_given_one_stays() -> None:
    def after(seconds: int, *, signature: Signature | None = None) -> Signature | None:
        eyes = Eyes(
            Shown(),
            ground=GROUND,
            background=QUICK,
            params=SightParams(adopt_ms=3_000),
            conditions=ConditionParams(confirm_ms=2_000),
            signature=signature,
        )
        for number in range(5 * seconds):
            eyes.sight(200 * number, _room(number))
        assert eyes.condition is None
        return eyes.signature

    assert after(4) is None
    kept = after(7)
    assert kept is not None
    assert kept.size_px == (300, 200)
    assert after(7, signature=kept) is kept


def test_a_dark_picture_teaches_nothing_and_is_told_of() -> None:
    detector = Shown()
    eyes = Eyes(
        detector, ground=GROUND, background=QUICK, conditions=ConditionParams(sure_ms=2_000)
    )
    for number in range(10):
        eyes.sight(200 * number, _room(number))
    before = detector.backdrops[-1]
    for number in range(10, 40):
        eyes.sight(200 * number, np.asarray(_room(number) // 30))
    assert eyes.condition is not None
    assert eyes.condition.ill == "dark"
    assert detector.backdrops[-1] is not None
    assert before is not None
    assert (detector.backdrops[-1].picture[:200] > 30).mean() > 0.9
