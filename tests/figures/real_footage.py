"""Measure the eyes on real footage: ``python tests/figures/real_footage.py [--model MANIFEST]``.

Prints what the tracker alone makes of PETS 2009's true places, what detector and tracker make of
its pictures, and what they see in a corridor nobody has labelled. The footage is not ours to
ship: without it there is nothing to measure, and the script says so.
"""

from __future__ import annotations

import argparse
import csv
import random
import sys
import time
import tomllib
from bisect import bisect_left
from collections.abc import Iterator
from itertools import pairwise
from math import hypot
from pathlib import Path

import numpy as np
from floor_metrics import Score, score

from edge.vision.camera_io import Camera
from edge.vision.detection import Image
from edge.vision.ground import Ground
from edge.vision.onnx_io import Detector, load_detector, shipped_manifest
from edge.vision.tracking import (
    FloorPoint,
    Sighting,
    TrackEnd,
    Tracker,
    TrackerParams,
    TrackPoint,
)
from edge.vision.watching import Eyes

ROOT = Path(__file__).parents[2]
FOOTAGE = ROOT.parent / "shared" / "footage"
PETS_FPS = 7.0  # captured at about seven a second; the file's ten is wrong
WITHIN_M = 1.0

Track = list[TrackPoint | TrackEnd]
Truth = dict[int, dict[int, tuple[float, float]]]


def main() -> None:
    """Measure what there is footage for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, default=shipped_manifest(), help="a manifest.toml")
    parser.add_argument("--footage", type=Path, default=FOOTAGE)
    given = parser.parse_args()
    pets = given.footage / "pets-s2l1-first-half"
    corridor = given.footage / "corridor" / "one-by-one-person-detection.mp4"
    if not pets.is_dir() or not corridor.is_file():
        say(f"no footage in {given.footage}: nothing measured")
        return
    detector = load_detector(given.model)
    model = detector.manifest
    say(f"model {model.name} {model.version}, trained on {model.trained_on}")
    tracker_alone(pets_truth(pets))
    on_pets(pets, detector)
    on_corridor(corridor, detector)


def tracker_alone(truth: Truth, *, runs: int = 10) -> None:
    """Track the true places with a fifth of them missing and 15 cm of noise on the rest."""
    say("\nPETS, tracker alone on true places, 20 % missed, 15 cm noise, a false one in 10 images")
    for step in (1, 2):
        thinned = {at: there for index, (at, there) in enumerate(truth.items()) if not index % step}
        scores = [_on_truth(thinned, seed=seed) for seed in range(runs)]
        idf1 = [one.idf1 for one in scores]
        switches = sum(one.switches for one in scores) / runs
        say(
            f"  {PETS_FPS / step:g} images/s: IDF1 {sum(idf1) / runs:.3f} "
            f"({min(idf1):.3f} to {max(idf1):.3f}, about .889 is possible), "
            f"{switches:.1f} switches, mean of {runs}"
        )


def on_pets(folder: Path, detector: Detector) -> None:
    """Follow the people in PETS' pictures."""
    truth, ground = pets_truth(folder), pets_ground(folder)
    say(f"\nPETS, pictures; calibration misses by {ground.residual_m:.3f} m")
    eyes, tracker = Eyes(detector, ground=ground), Tracker(TrackerParams(sure=detector.confidence))
    sightings, out, took_s = [], list[TrackPoint | TrackEnd](), 0.0
    for scene_ms, image in images(folder / "video.avi", fps=PETS_FPS):
        began_s = time.perf_counter()
        sightings.append(eyes.sight(scene_ms, image))
        out += tracker.feed(sightings[-1])
        took_s += time.perf_counter() - began_s
    _say_detections(sightings, truth, sure=detector.confidence)
    say(f"  points given:  {score(truth, places(out), within_m=WITHIN_M)}")
    say(f"  gaps bridged:  {score(truth, bridged(out, truth), within_m=WITHIN_M)}")
    say(f"  {1_000 * took_s / len(sightings):.1f} ms an image, one thread")


def on_corridor(video: Path, detector: Detector) -> None:
    """Count what is seen in a clip without truth."""
    config = tomllib.loads((ROOT / "deploy/examples/corridor.toml").read_text(encoding="utf-8"))
    camera = config["cameras"][0]
    points = np.array(camera["points"])
    ground = Ground.from_points(
        points[:, :2], points[:, 2:], image_size=(768, 432), camera_height_m=camera["height_m"]
    )
    eyes, tracker = Eyes(detector, ground=ground), Tracker(TrackerParams(sure=detector.confidence))
    out, count, scene_ms = list[TrackPoint | TrackEnd](), 0, 0
    for scene_ms, image in images(video, fps=None):
        out += tracker.feed(eyes.sight(scene_ms, image))
        count += 1
    minutes = scene_ms / 60_000
    tracks = {event.track for event in out}
    seen = [len(there) for there in places(out).values()]
    say(f"\ncorridor, no truth: {count} images, {minutes:.2f} minutes")
    say(
        f"  {len(tracks) / minutes:.1f} tracks a minute, "
        f"{sum(seen) / count:.2f} people an image on average, {max(seen, default=0)} at most"
    )


def images(video: Path, *, fps: float | None) -> Iterator[tuple[int, Image]]:
    """Give every image of a clip with its instant."""
    with Camera("clip", source=str(video), now_ms=int, pace="every", fps=fps) as camera:
        while not camera.ended:
            taken = camera.latest(5.0)
            if taken is not None:
                yield taken


def pets_truth(folder: Path) -> Truth:
    """Read who stood where, by instant."""
    truth: Truth = {}
    for row in _rows(folder / "truth.csv"):
        place = (float(row["east_m"]), float(row["north_m"]))
        truth.setdefault(_at_ms(int(row["frame"])), {})[int(row["person"])] = place
    return truth


def pets_ground(folder: Path) -> Ground:
    """Calibrate by the data set's own points."""
    rows = _rows(folder / "floor_points.csv")
    image = np.array([[float(row["x_px"]), float(row["y_px"])] for row in rows])
    floor = np.array([[float(row["east_m"]), float(row["north_m"])] for row in rows])
    return Ground.from_points(image, floor, image_size=(768, 576))


def places(out: Track) -> Truth:
    """Give each track's points by instant."""
    found: Truth = {}
    for event in out:
        if isinstance(event, TrackPoint):
            found.setdefault(event.scene_ms, {})[event.track] = (event.east_m, event.north_m)
    return found


def bridged(out: Track, truth: Truth) -> Truth:
    """Give the points and, on straight lines, the places between a track's points."""
    found = places(out)
    instants = sorted(truth)
    by_track: dict[int, list[TrackPoint]] = {}
    for event in out:
        if isinstance(event, TrackPoint):
            by_track.setdefault(event.track, []).append(event)
    for track, points in by_track.items():
        for one, other in pairwise(points):
            between = instants[bisect_left(instants, one.scene_ms + 1) :]
            for at_ms in between[: bisect_left(between, other.scene_ms)]:
                share = (at_ms - one.scene_ms) / (other.scene_ms - one.scene_ms)
                found.setdefault(at_ms, {})[track] = (
                    one.east_m + share * (other.east_m - one.east_m),
                    one.north_m + share * (other.north_m - one.north_m),
                )
    return found


def say(text: str) -> None:
    """Print a line."""
    sys.stdout.write(text + "\n")


def _on_truth(truth: Truth, *, seed: int) -> Score:
    chance, tracker, out = random.Random(seed), Tracker(TrackerParams()), []
    for at_ms, there in truth.items():
        points = [
            FloorPoint(east + chance.gauss(0, 0.15), north + chance.gauss(0, 0.15), 0.9)
            for east, north in there.values()
            if chance.random() >= 0.2
        ]
        if chance.random() < 0.1:
            points.append(FloorPoint(chance.uniform(-20, 0), chance.uniform(-15, 0), 0.9))
        out += tracker.feed(Sighting(at_ms, tuple(points)))
    return score(truth, places(out), within_m=WITHIN_M)


def _say_detections(sightings: list[Sighting], truth: Truth, *, sure: float) -> None:
    """Compare each image's believed detections with the truth, without following anybody."""
    seen = {
        one.scene_ms: {
            index: (point.east_m, point.north_m)
            for index, point in enumerate(one.points)
            if point.confidence >= sure
        }
        for one in sightings
    }
    people = sum(len(there) for there in truth.values())
    said = sum(len(seen[at]) for at in truth)
    found = sum(_paired(there, seen[at]) for at, there in truth.items())
    say(
        f"  detections alone, within {WITHIN_M:g} m: recall {found / people:.3f}, "
        f"precision {found / max(1, said):.3f}"
    )


def _paired(there: dict[int, tuple[float, float]], seen: dict[int, tuple[float, float]]) -> int:
    """Count the people who have a detection of their own near by, the nearest pairs first."""
    near = sorted(
        (hypot(place[0] - found[0], place[1] - found[1]), person, number)
        for person, place in there.items()
        for number, found in seen.items()
    )
    people, numbers = set[int](), set[int]()
    for away, person, number in near:
        if away < WITHIN_M and person not in people and number not in numbers:
            people.add(person)
            numbers.add(number)
    return len(people)


def _at_ms(frame: int) -> int:
    return round(1_000 * frame / PETS_FPS)


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


if __name__ == "__main__":
    main()
