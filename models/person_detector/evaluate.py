"""Measure the shipped detector on rendered parts, with the agent's own decoding.

Prints JSON. Test parts are of odd seeds: bodies, clothes, floors and furniture that training never
had, by the same renderer; this says nothing about photographs (``models.evaluate`` does).
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from edge.vision.detection import Backdrop, Detection
from edge.vision.ground import Ground
from edge.vision.lens import Lens, LensKind, View
from edge.vision.onnx_io import Detector, load_detector, shipped_manifest
from edge.vision.sectors import Sectors, looks_down
from edge.vision.watching import Seer
from models.person_detector.mesh_camera import Camera
from models.person_detector.parts import WORK, Empty, Floats, Image, Picture, encoded, load
from models.person_detector.photographs import elsewhere, pictures_in

LEAST = 0.05
UPRIGHT = ("hall", "oblique")
LEVELS = tuple(round(0.05 * level, 2) for level in range(2, 17))


@dataclass(frozen=True, slots=True)
class Match:
    """When a detection is the person: by the middle of the head (of the box, without heads).

    Attributes:
        near: in longer sides of the person's box, and
        near_px: as much more.
        seen: share of a body that must show (or half of its head) for a miss to count.
        hidden: below it a person is not there at all; in between neither way.
        least_px: people smaller than this, in the net's pixels, count neither way.
        inside: likewise people less inside the picture than this.
    """

    near: float = 0.2
    near_px: float = 4.0
    seen: float = 0.25
    hidden: float = 0.05
    least_px: float = 14.0
    inside: float = 0.35


@dataclass(frozen=True, slots=True)
class Outcome:
    """One picture's detections, judged.

    Attributes:
        people: how many should be found.
        right: confidence and foot error, in lengths of the box, of each that is a person.
        wrong: confidence of each that is nobody.
    """

    people: int
    right: tuple[tuple[float, float], ...]
    wrong: tuple[float, ...]


def judge(
    detections: Sequence[Detection], people: Floats, *, scale: float, match: Match
) -> Outcome:
    """Pair detections with people, the most confident first."""
    there = people[people[:, 8] >= match.hidden]
    long = np.maximum(there[:, 2] - there[:, 0], there[:, 3] - there[:, 1])
    seen = (there[:, 8] >= match.seen) | ((there[:, 9] >= 0.5) & (there[:, 10] >= match.inside))  # noqa: PLR2004 -- half a head
    counts = seen & (long * scale >= match.least_px) & (there[:, 10] >= match.inside)
    free = np.ones(len(there), np.bool_)
    right, wrong = [], []
    for one in sorted(detections, key=lambda d: -d.confidence):
        away = _away(one, there)
        good = free & (away <= match.near * long + match.near_px)
        if not good.any():
            wrong.append(one.confidence)
            continue
        best = int(np.where(good, away, np.inf).argmin())
        free[best] = False
        if counts[best]:
            foot = float(np.hypot(there[best, 6] - one.x_px, there[best, 7] - one.y_px))
            right.append((one.confidence, foot / float(long[best])))
    return Outcome(int(counts.sum()), tuple(right), tuple(wrong))


def _away(found: Detection, people: Floats) -> Floats:
    """Give pixels between heads, or between middles of boxes for a net that knows no heads."""
    if found.head_x_px is not None and found.head_y_px is not None:
        return np.asarray(np.hypot(people[:, 4] - found.head_x_px, people[:, 5] - found.head_y_px))
    x = found.x_px if found.centre_x_px is None else found.centre_x_px
    y = found.y_px if found.centre_y_px is None else found.centre_y_px
    middle = (people[:, :2] + people[:, 2:4]) / 2
    return np.asarray(np.hypot(middle[:, 0] - x, middle[:, 1] - y))


def run(
    detector: Detector,
    pictures: Sequence[Picture],
    *,
    backdrop: bool,
    match: Match,
    sectors: int | None = None,
) -> tuple[list[Outcome], float]:
    """Detect in pictures, with or without the room's empty picture; give milliseconds a picture.

    With sectors, pictures must tell their cameras, and these look down.
    """
    outcomes, spent, around = [], [], dict[Camera | None, Sectors]()
    for picture in pictures:
        image = picture.image()
        seer: Seer = detector
        if sectors is not None:
            if picture.camera not in around:
                around[picture.camera] = _sectors(detector, picture.camera, count=sectors)
            seer = around[picture.camera]
        behind = None
        if backdrop:
            room = seer.fit(picture.room.image).canvas
            behind = Backdrop(room, np.ones(room.shape[:2], np.bool_))
        begin = time.thread_time()
        found = seer.find(seer.fit(image), backdrop=behind, least=LEAST)
        spent.append(time.thread_time() - begin)
        scale = detector.fit(image).scale
        outcomes.append(judge(found, picture.people, scale=scale, match=match))
    return outcomes, 1000 * float(np.median(spent))


def ground_of(camera: Camera) -> Ground:
    """Give the calibration that a rendered camera would have."""
    size = (camera.width_px, camera.height_px)
    centre = (size[0] / 2 + camera.shift_px[0], size[1] / 2 + camera.shift_px[1])
    kind: LensKind = "fisheye" if camera.kind == "fisheye" else "distorted"
    view = View(
        Lens(kind, camera.focal_px, centre, camera.k1), camera.axes(), np.array(camera.place)
    )
    return Ground(size, view, heights_known=True, residual_m=0.0)


def _sectors(detector: Detector, camera: Camera | None, *, count: int) -> Sectors:
    assert camera is not None
    look_px = detector.manifest.input.square_px
    return Sectors(detector, count=count, ground=ground_of(camera), look_px=look_px)


def score(outcomes: Sequence[Outcome], *, confidence: float) -> dict[str, float]:
    """Give F1, precision, recall and foot error of the detections above a confidence."""
    people = sum(outcome.people for outcome in outcomes)
    right = [r for outcome in outcomes for r in outcome.right if r[0] >= confidence]
    wrong = sum(c >= confidence for outcome in outcomes for c in outcome.wrong)
    feet = [r[1] for r in right]
    return {
        "pictures": len(outcomes),
        "people": people,
        "f1": round(2 * len(right) / max(1, people + len(right) + wrong), 4),
        "precision": round(len(right) / max(1, len(right) + wrong), 4),
        "recall": round(len(right) / max(1, people), 4),
        "wrong_a_picture": round(wrong / max(1, len(outcomes)), 3),
        "foot_median_lengths": round(float(np.median(feet)), 3) if feet else -1.0,
        "foot_p90_lengths": round(float(np.quantile(feet, 0.9)), 3) if feet else -1.0,
    }


def recall_at(outcomes: Sequence[Outcome], *, precision: float) -> float:
    """Give the best recall of all confidences at which precision is kept."""
    people = sum(outcome.people for outcome in outcomes)
    right = np.array([one[0] for outcome in outcomes for one in outcome.right])
    wrong = np.array([one for outcome in outcomes for one in outcome.wrong])
    found = [int((right >= level).sum()) for level in right]
    said = [int((wrong >= level).sum()) for level in right]
    kept = [r for r, w in zip(found, said, strict=True) if r >= precision * (r + w)]
    return round(max(kept, default=0) / max(1, people), 4)


def before_photographs(
    pictures: Sequence[Picture], *, photographs: Sequence[Image], rng: np.random.Generator
) -> list[Picture]:
    """Stand the people of pictures in photographs of other places; upright views only."""
    moved = []
    for one in pictures:
        if one.view not in UPRIGHT:
            continue
        image = one.image()
        size = image.shape[1], image.shape[0]
        place = cv2.resize(photographs[int(rng.integers(len(photographs)))], size)
        shown, room, people = elsewhere(image, one.room.image, one.people, place=place, rng=rng)
        moved.append(
            Picture(encoded(shown), Empty(encoded(room)), people, f"{one.view}, photograph")
        )
    return moved


def _short(figures: dict[str, float]) -> dict[str, float]:
    return {name: figures[name] for name in ("f1", "precision", "recall")}


def main() -> None:
    """Print the figures of each view, with and without the empty room known."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", type=Path, nargs="*", help="work/test-*.npz if none is named")
    parser.add_argument("--manifest", type=Path, default=shipped_manifest())
    parser.add_argument("--choose", action="store_true", help="the best confidence, on these parts")
    parser.add_argument(
        "--before", type=Path, help="also stand the people in the photographs of this folder"
    )
    parser.add_argument("--view", help="only this one, such as fisheye")
    parser.add_argument(
        "--sectors", type=int, help="look at pictures of cameras that look down through so many"
    )
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    detector, match = load_detector(arguments.manifest), Match()
    pictures = [
        one for path in arguments.parts or sorted(WORK.glob("test-*.npz")) for one in load(path)
    ]
    pictures = [one for one in pictures if arguments.view in (None, one.view)]
    if arguments.sectors:
        pictures = [one for one in pictures if one.camera and looks_down(ground_of(one.camera))]
    if arguments.before:
        rng = np.random.default_rng(1)
        photographs = list(pictures_in(arguments.before, rng=rng))
        pictures += before_photographs(pictures, photographs=photographs, rng=rng)
    report: dict[str, object] = {"version": detector.manifest.version}
    for known in (False, True):
        gathered: dict[str, list[Outcome]] = {}
        for view in sorted({one.view for one in pictures}):
            alike = [one for one in pictures if one.view == view]
            gathered[view], spent_ms = run(
                detector, alike, backdrop=known, match=match, sectors=arguments.sectors
            )
        gathered["all"] = [one for outcomes in gathered.values() for one in outcomes]
        figures: dict[str, object] = {"detect_ms": round(spent_ms, 1)}
        for view, outcomes in gathered.items():
            mine = score(outcomes, confidence=detector.confidence)
            figures[view] = {**mine, "recall_at_p85": recall_at(outcomes, precision=0.85)}
        if arguments.choose:
            figures["by_confidence"] = {
                level: {
                    view: _short(score(mine, confidence=level)) for view, mine in gathered.items()
                }
                for level in LEVELS
            }
        report["empty room known" if known else "no background"] = figures
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
