"""The shipped detector, as the agent loads it, on renders of seeds that training never used."""

from __future__ import annotations

import hashlib
import tomllib
from pathlib import Path

import numpy as np
import pytest

from edge.vision.onnx_io import load_detector, shipped_manifest
from firmware_sim.render import Label, project
from firmware_sim.scene import CameraSpec
from models.person_detector.evaluate import Match, floor_of, judge, run, score
from models.person_detector.scenes import DEMO_CAMERA, VIEWS, people_of, scene_of

LARGEST_BYTES = 1_500_000
ROOMS, PICTURES = 8, 5
FIRST_SEED = 70_001
LEAST_F1 = 0.80


def test_the_file_is_the_one_the_manifest_names_and_small() -> None:
    manifest = tomllib.loads(shipped_manifest().read_text(encoding="utf-8"))
    model = (shipped_manifest().parent / manifest["file"]).read_bytes()
    assert hashlib.sha256(model).hexdigest() == manifest["sha256"]
    assert len(model) <= LARGEST_BYTES


def test_it_finds_people_under_the_demo_camera() -> None:
    detector = load_detector(shipped_manifest())
    scenes = [
        scene_of(seed, view="demo", exact=True)
        for seed in range(FIRST_SEED, FIRST_SEED + 2 * ROOMS, 2)
    ]
    outcomes, _ = run(detector, scenes, pictures=PICTURES, match=Match())
    figures = score(outcomes, confidence=detector.confidence)
    assert figures["pictures"] == ROOMS * PICTURES
    assert figures["people"] > 150
    assert figures["f1"] >= LEAST_F1, figures
    assert figures["foot_median_m"] <= 0.25, figures


def test_it_sees_nobody_in_a_blank_image() -> None:
    detector = load_detector(shipped_manifest())
    blank = np.full((432, 640, 3), 114, np.uint8)
    assert detector.detect(blank, least=detector.confidence) == []


@pytest.mark.parametrize("view", VIEWS)
def test_even_and_odd_seeds_share_nobody(view: str) -> None:
    for seed in range(20):
        scene = scene_of(seed, view=view)  # type: ignore[arg-type]  # one of VIEWS
        assert scene.room.floor % 2 == seed % 2
        figures, parked = people_of(scene, moment=1)
        assert {thing.look % 2 for thing in [*figures, *parked]} <= {seed % 2}


def test_scenes_put_people_on_free_floor() -> None:
    scene = scene_of(8, view="demo", exact=True)
    for moment in range(10):
        for figure in people_of(scene, moment=moment)[0]:
            assert not any(
                box.west_m < figure.east_m < box.east_m
                and box.south_m < figure.north_m < box.north_m
                for box in scene.room.boxes
            )


def test_floor_of_undoes_projection() -> None:
    camera = CameraSpec(3.0, 1.0, 2.6, 0.9, 1.1, 1.4, 640, 432)
    spots = np.array([(4.0, 4.0, 0.0), (3.0, 2.5, 0.0)])
    assert floor_of(camera, project(camera, spots)) == pytest.approx(spots[:, :2])


class TestJudge:
    """Counts of a made-up picture."""

    @staticmethod
    def label(east: float, north: float, *, visible: float) -> Label:
        foot, head = project(DEMO_CAMERA, np.array([(east, north, 0.0), (east, north, 1.7)]))
        box = (*np.minimum(foot, head), *np.maximum(foot, head))
        left, top, right, bottom = (float(v) for v in box)
        return Label(
            look=1,
            foot_px=(float(foot[0]), float(foot[1])),
            head_px=(float(head[0]), float(head[1])),
            box_px=(left - 9, top - 9, right + 9, bottom + 9),
            visible=visible,
        )

    def test_one_right_one_wrong_one_missed_one_ignored(self) -> None:
        from edge.vision.detection import Detection  # noqa: PLC0415 -- only this test needs it

        labels = [
            self.label(4.5, 9.0, visible=1.0),
            self.label(7.5, 12.0, visible=0.6),
            self.label(7.0, 3.0, visible=0.1),
        ]
        right, ignored = labels[0].foot_px, labels[2].foot_px
        spots = [right, ignored, (right[0], right[1] + 3), (20.0, 20.0)]
        found = [Detection(x, y, 20.0, 30.0, 0.9 - 0.1 * n) for n, (x, y) in enumerate(spots)]
        outcome = judge(found, labels, camera=DEMO_CAMERA, scale=0.65, match=Match())
        assert outcome.people == 2
        assert len(outcome.right) == 1
        assert len(outcome.wrong) == 2
        assert score([outcome], confidence=0.65)["precision"] == pytest.approx(0.5)
        assert score([outcome], confidence=0.05)["recall"] == pytest.approx(0.5)


def test_weights_and_work_are_not_shipped() -> None:
    shipped = {path.name for path in Path(shipped_manifest().parent).glob("*.onnx")}
    assert shipped == {"person_detector.onnx"}
