"""Measure the shipped detector on rendered pictures, with the agent's own decoding.

Prints JSON. ``--choose`` instead looks for the best confidence on even validation seeds that
training never used; the figures themselves come from odd seeds.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge.vision.detection import Detection
from edge.vision.onnx_io import Detector, load_detector, shipped_manifest
from firmware_sim.backdrop import lens_of
from firmware_sim.render import Label, Renderer
from firmware_sim.scene import CameraSpec
from models.person_detector.scenes import VIEWS, Crowd, Scene, View, picture, scene_of

TEST_SEED = 50_001  # odd: bodies, floors and furniture that training never had
CHOICE_SEED = 60_000  # even, and far above what render_dataset.py is asked for
LEAST = 0.05


@dataclass(frozen=True, slots=True)
class Match:
    """When a detection is the person: by its foot point.

    Attributes:
        near_m: on the floor, or
        near_px: in the image, whichever is easier (far away a pixel is a metre).
        seen: share of a body that must show for a miss to count.
        hidden: below it a person is not there at all.
        least_px: boxes smaller than this at the net's scale count neither way.
    """

    near_m: float = 0.75
    near_px: float = 10.0
    seen: float = 0.2
    hidden: float = 0.03
    least_px: float = 7.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """One picture's detections, judged.

    Attributes:
        people: how many should be found.
        right: confidence, error in metres, error in pixels of each that is a person.
        wrong: confidence of each that is nobody.
    """

    people: int
    right: tuple[tuple[float, float, float], ...]
    wrong: tuple[float, ...]


def floor_of(camera: CameraSpec, points_px: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give the floor points (N, 2), metres, that show at pixels (N, 2); NaN above the horizon."""
    lens = lens_of(camera)
    right = (points_px[:, 0] - lens.middle_px[0]) / lens.focal_px
    up = (lens.middle_px[1] - points_px[:, 1]) / lens.focal_px
    rays = right[:, None] * lens.axes[0] + up[:, None] * lens.axes[1] + lens.axes[2]
    down = np.where(rays[:, 2] < 0, -rays[:, 2], np.nan)
    return np.asarray(lens.eye[:2] + rays[:, :2] * (lens.eye[2] / down)[:, None])


def judge(
    detections: Sequence[Detection],
    labels: Sequence[Label],
    *,
    camera: CameraSpec,
    scale: float,
    match: Match,
) -> Outcome:
    """Pair detections with people, the most confident first."""
    there = [label for label in labels if label.visible >= match.hidden]
    counts = [_counts(label, scale=scale, match=match) for label in there]
    feet_px = np.array([label.foot_px for label in there]).reshape(-1, 2)
    feet_m = floor_of(camera, feet_px)
    free = np.ones(len(there), np.bool_)
    right, wrong = [], []
    for found in sorted(detections, key=lambda d: -d.confidence):
        spot = np.array([(found.x_px, found.y_px)])
        away_px = np.hypot(*(feet_px - spot).T)
        away_m = np.hypot(*(feet_m - floor_of(camera, spot)).T)
        good = free & ((away_m <= match.near_m) | (away_px <= match.near_px))
        if not good.any():
            wrong.append(found.confidence)
            continue
        best = int(np.where(good, away_px, np.inf).argmin())
        free[best] = False
        if counts[best]:
            right.append((found.confidence, float(away_m[best]), float(away_px[best])))
    return Outcome(people=sum(counts), right=tuple(right), wrong=tuple(wrong))


def _counts(label: Label, *, scale: float, match: Match) -> bool:
    left, top, right, bottom = label.box_px
    return label.visible >= match.seen and max(right - left, bottom - top) * scale >= match.least_px


def run(
    detector: Detector,
    scenes: Iterable[Scene],
    *,
    pictures: int,
    match: Match,
    crowd: Crowd = "usual",
) -> tuple[list[Outcome], float]:
    """Detect in some pictures of each scene; also give milliseconds a picture."""
    outcomes, spent = [], []
    for scene in scenes:
        renderer = Renderer(scene.room, scene.camera, seed=scene.seed)
        camera = scene.camera
        scale = detector.manifest.input.fit(camera.height_px, camera.width_px).scale
        for moment in range(pictures):
            image, labels = picture(scene, renderer=renderer, moment=moment, crowd=crowd)
            begin = time.perf_counter()
            found = detector.detect(image, least=LEAST)
            spent.append(time.perf_counter() - begin)
            outcomes.append(judge(found, labels, camera=camera, scale=scale, match=match))
    return outcomes, 1000 * float(np.median(spent))


def score(outcomes: Sequence[Outcome], *, confidence: float) -> dict[str, float]:
    """Give F1, precision, recall and foot error of the detections above a confidence."""
    people = sum(outcome.people for outcome in outcomes)
    right = [r for outcome in outcomes for r in outcome.right if r[0] >= confidence]
    wrong = sum(c >= confidence for outcome in outcomes for c in outcome.wrong)
    metres = [r[1] for r in right if not math.isnan(r[1])]
    return {
        "pictures": len(outcomes),
        "people": people,
        "f1": round(2 * len(right) / max(1, people + len(right) + wrong), 4),
        "precision": round(len(right) / max(1, len(right) + wrong), 4),
        "recall": round(len(right) / max(1, people), 4),
        "wrong_a_picture": round(wrong / max(1, len(outcomes)), 3),
        "foot_median_m": round(float(np.median(metres)), 3) if metres else math.nan,
        "foot_p90_m": round(float(np.quantile(metres, 0.9)), 3) if metres else math.nan,
        "foot_median_px": round(float(np.median([r[2] for r in right])), 2) if right else math.nan,
    }


def best_confidence(outcomes: Sequence[Outcome]) -> float:
    """Give the confidence with the best F1."""
    levels = [round(level, 2) for level in np.arange(0.1, 0.8, 0.02)]
    return max(levels, key=lambda level: score(outcomes, confidence=level)["f1"])


def main() -> None:
    """Print the figures of each view."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rooms", type=int, default=10)
    parser.add_argument("--pictures", type=int, default=6)
    parser.add_argument("--choose", action="store_true", help="confidence, on validation seeds")
    arguments = parser.parse_args()
    detector, match = load_detector(shipped_manifest()), Match()
    views: list[tuple[str, View, bool, Crowd]] = [
        ("demo camera", "demo", True, "usual"),
        ("demo camera, busy", "demo", True, "busy"),
        ("demo camera, quiet", "demo", True, "quiet"),
    ]
    views += [(view, view, False, "usual") for view in VIEWS]
    first = CHOICE_SEED if arguments.choose else TEST_SEED
    report: dict[str, object] = {"version": detector.manifest.version}
    gathered = {}
    for name, view, exact, crowd in views:
        seeds = range(first, first + 2 * arguments.rooms, 2)
        scenes = [scene_of(seed, view=view, exact=exact) for seed in seeds]
        gathered[name] = run(
            detector, scenes, pictures=arguments.pictures, match=match, crowd=crowd
        )
    for name, (outcomes, spent_ms) in gathered.items():
        level = best_confidence(outcomes) if arguments.choose else detector.confidence
        figures = score(outcomes, confidence=level)
        report[name] = {"confidence": level, "detect_ms": round(spent_ms, 1), **figures}
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
