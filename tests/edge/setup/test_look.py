from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edge.setup.look import Look, LookParams, around
from edge.vision.background import Box
from edge.vision.detection import Detection, Image

GREY: Image = np.full((30, 40, 3), 100, np.uint8)


class Finder:
    confidence = 0.5
    point_height_m = 0.0

    def __init__(self) -> None:
        self.looked = 0

    def detect(self, _image: Image, *, least: float) -> list[Detection]:
        assert least == 0.25
        self.looked += 1
        x = float(self.looked)
        return [Detection(x, 1.0, 2.0, 4.0, 0.9, centre_x_px=x, centre_y_px=1.0)]


class Background:
    def __init__(self) -> None:
        self.fed: list[tuple[int, Image, list[Box]]] = []

    @property
    def picture(self) -> Image:
        return self.fed[-1][1]

    @property
    def known(self) -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
        return np.ones(self.picture.shape[:2], np.bool_)

    def feed(self, scene_ms: int, image: Image, boxes: Sequence[Box]) -> None:
        self.fed.append((scene_ms, image, list(boxes)))


def a_look(made: list[Background]) -> Look:
    def new() -> Background:
        made.append(Background())
        return made[-1]

    return Look(Finder(), new_background=new, params=LookParams(every_ms=1_000, samples=4))


def test_the_background_learns_from_the_mean_of_a_second() -> None:
    made: list[Background] = []
    look = a_look(made)
    for scene_ms, level in [(0, 90), (100, 255), (250, 100), (500, 110), (1_000, 100)]:
        look.feed(scene_ms, np.full((30, 40, 3), level, np.uint8))
    [(scene_ms, image, boxes)] = made[0].fed
    assert scene_ms == 1_000
    assert (image == 100).all()  # the one at 100 ms came too soon after the first
    assert boxes == [(0.0, -1.0, 2.0, 3.0)]


def test_boxes_of_the_second_before_count_too() -> None:
    made: list[Background] = []
    look = a_look(made)
    for scene_ms in range(0, 3_001, 500):
        look.feed(scene_ms, GREY)
    assert [len(boxes) for _, _, boxes in made[0].fed] == [1, 2, 2]


def test_another_size_begins_anew() -> None:
    made: list[Background] = []
    look = a_look(made)
    assert look.size_px is None
    look.feed(0, GREY)
    look.feed(1_000, GREY)
    assert look.learnt() is not None
    look.feed(2_000, np.zeros((60, 80, 3), np.uint8))
    assert look.size_px == (80, 60)
    assert look.learnt() is None
    assert len(made) == 2


def test_what_was_learnt_is_handed_out_as_a_copy() -> None:
    look = a_look([])
    assert look.learnt() is None
    look.feed(0, GREY)
    look.feed(1_000, GREY)
    learnt = look.learnt()
    assert learnt is not None
    learnt[0][:] = 0
    again = look.learnt()
    assert again is not None
    assert (again[0] == 100).all()


def test_a_box_whose_centre_is_not_told_holds_the_body_in_any_case() -> None:
    assert around(Detection(10.0, 20.0, 2.0, 4.0, 0.9)) == (8.0, 16.0, 12.0, 24.0)
    told = Detection(10.0, 20.0, 2.0, 4.0, 0.9, centre_x_px=11.0, centre_y_px=18.0)
    assert around(told) == (10.0, 16.0, 12.0, 20.0)
