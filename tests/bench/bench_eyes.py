"""How long one picture takes, from JPEG to tracks: ``python tests/bench/bench_eyes.py``.

One thread of one core; rendered pictures of the demo's camera with ten people. Prints one JSON
object; nothing is asserted, machines differ.
"""

from __future__ import annotations

import json
import resource
import statistics
import time
from collections.abc import Callable

import cv2
import msgspec
import numpy as np

from edge.vision.ground import Ground
from edge.vision.onnx_io import load_detector, shipped_manifest
from edge.vision.tracking import Tracker, TrackerParams
from edge.vision.watching import Eyes
from firmware_sim.render import Renderer
from firmware_sim.run import Simulation
from firmware_sim.store import default_store
from firmware_sim.survey import survey

PICTURES = 60
WARM_UP = 5


def main() -> None:
    """Print milliseconds (median, CPU) and resident megabytes."""
    cv2.setNumThreads(1)
    pictures, jpegs = scene()
    camera = survey(default_store())["camera"]
    pairs = np.array([[*pair["px"], *pair["m"]] for pair in camera["points"]])
    ground = Ground.from_points(
        pairs[:, :2],
        pairs[:, 2:],
        image_size=(camera["width_px"], camera["height_px"]),
        camera_height_m=camera["height_m"],
    )
    detector = load_detector(shipped_manifest())
    eyes, tracker = Eyes(detector, ground=ground), Tracker(TrackerParams(sure=detector.confidence))
    decoded = median_ms(lambda n: cv2.imdecode(jpegs[n], cv2.IMREAD_COLOR))
    detected = median_ms(lambda n: detector.detect(pictures[n]))
    whole = median_ms(lambda n: tracker.feed(eyes.sight(1 + 125 * n, pictures[n])))
    print(
        json.dumps(
            {
                "decode_jpeg_ms": decoded,
                "detect_ms": detected,
                "detect_and_track_ms": whole,
                "track_share": max(0.0, 1 - detected / whole),
                "pictures_per_second_and_core": 1000 / (decoded + whole),
                "peak_memory_with_simulator_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
                / 1024,
            },
            indent=1,
        )
    )


def scene() -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Render a minute of the busy demo store, one picture a second."""
    store = msgspec.structs.replace(default_store(), arrivals_per_minute=8.0)
    simulation = Simulation(store)
    renderer = Renderer(store.walls(), store.cameras[0].spec(), seed=store.seed)
    simulation.step(60.0)
    pictures = []
    for second in range(PICTURES + WARM_UP):
        simulation.step(60.0 + second)
        pictures.append(renderer.frame(simulation.figures(), scene_s=float(second)))
    return pictures, [cv2.imencode(".jpg", one)[1] for one in pictures]


def median_ms(step: Callable[[int], object]) -> float:
    """Time a step on every picture; the median of CPU time."""
    spent = []
    for number in range(PICTURES + WARM_UP):
        began = time.process_time()
        step(number)
        spent.append(1000 * (time.process_time() - began))
    return round(statistics.median(spent[WARM_UP:]), 2)


if __name__ == "__main__":
    main()
