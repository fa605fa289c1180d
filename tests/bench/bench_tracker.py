"""What following twenty people costs an image: ``python tests/bench/bench_tracker.py``.

The scene ``hall`` of ``tests/figures/floor_scenes.py`` at 8 images a second, 5 cm of noise, 10 %
missed, half a false one an image, seed 1; other trackers (``floor_peers``) take turns with it on
the very same sightings, so that a busy machine slows all of them alike. Prints one JSON object.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "figures"))

from floor_peers import peers
from floor_scenes import View, hall, watch

from edge.vision.tracking import FloorPoint, Sighting, Tracker

IMAGES = 1_000
FPS = 8.0
PEERS = ("norfair", "motpy", "ByteTrack")


def main() -> None:
    """Print milliseconds an image, and how many times ours each peer takes."""
    images, _ = watch(
        hall(1, seconds=IMAGES / FPS + 1), View("a", FPS, 0.05), frames=IMAGES, seed=1
    )
    sightings = [
        Sighting(at_ms, tuple(FloorPoint(one.east_m, one.north_m, 0.9, one.sd_m) for one in seen))
        for at_ms, seen in images
    ]
    places = [[(one.east_m, one.north_m) for one in seen] for _, seen in images]
    found = median_ms(
        {"ours": (Tracker().feed, sightings)}
        | {name: (follow, places) for name, follow in peers(FPS).items()}
    )
    ours = found.pop("ours")
    print(
        json.dumps(
            {
                "ours_ms_an_image": round(ours, 3),
                "times_ours": {name: round(ms / ours, 1) for name, ms in found.items()},
                "not_installed": [name for name in PEERS if name not in found],
            },
            indent=1,
        )
    )


def median_ms(steps: dict[str, tuple[Callable, list]]) -> dict[str, float]:
    """Time steps on every item, in turns; the median of the thread's CPU time."""
    spent = {name: [] for name in steps}
    for at in range(IMAGES):
        for name, (step, items) in steps.items():
            began = time.thread_time()
            step(items[at])
            spent[name].append(1_000 * (time.thread_time() - began))
    return {name: sorted(each)[IMAGES // 2] for name, each in spent.items()}


if __name__ == "__main__":
    main()
