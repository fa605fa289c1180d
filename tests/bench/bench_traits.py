"""How long a visit of ten minutes takes to measure: ``python tests/bench/bench_traits.py``.

Seen 8 times a second, with twelve stops and eight picks; median of processor time. Prints one JSON
object; nothing is asserted, machines differ.
"""

from __future__ import annotations

import json
import math
import random
import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

from edge.rfid.items import ItemEvent
from edge.vision.tracking import TrackPoint
from edge.visits.evidence import evidence_of
from edge.visits.path import PathParams, smooth_path, stays_of, stops_of
from edge.visits.traits import outcomes_of, traits_of
from edge.visits.visits import Visit, Visits
from firmware_sim.store import default_store
from models.codebook.make_codebook import floor_of

FPS, SECONDS, STOPS = 8, 600, 12
AISLES = (1.45, 4.5, 7.5, 10.5)


def walk() -> list[TrackPoint]:
    """Give a long way through all aisles, standing 25 s at each of twelve places."""
    chance = random.Random(1)
    places = [(2.0, 0.7)]
    for number in range(STOPS):
        aisle = AISLES[number * 3 % 4]
        places += [(aisle, 5.0 if number % 2 else 15.0), (aisle, 7.0 + 6 * chance.random())]
        places += [places[-1], (aisle, 5.0 if number % 2 else 15.0)]
    places.append((10.0, 0.7))
    legs = [math.dist(one, other) for one, other in pairwise(places)]
    waits = [25.0 if not long_m else 0.0 for long_m in legs]
    speed = sum(legs) / (SECONDS - sum(waits))
    points, at_s = [], 0.0
    for (one, other), long_m, wait_s in zip(pairwise(places), legs, waits, strict=True):
        lasts_s = wait_s or long_m / speed
        for step in range(round(lasts_s * FPS)):
            part = step / (lasts_s * FPS)
            points.append(
                TrackPoint(
                    1,
                    round(1000 * (at_s + step / FPS)),
                    one[0] + part * (other[0] - one[0]) + chance.gauss(0, 0.05),
                    one[1] + part * (other[1] - one[1]) + chance.gauss(0, 0.05),
                )
            )
        at_s += lasts_s
    return points


def median_ms(work: Callable[[], object], *, times: int = 41) -> float:
    """Give the median of the processor time."""
    took = []
    for _ in range(times):
        began = time.process_time()
        work()
        took.append(time.process_time() - began)
    return round(1000 * statistics.median(took), 2)


def main() -> None:
    """Print every figure."""
    floor = floor_of(default_store())
    visits = Visits(floor)
    points = walk()
    for point in points:
        visits.feed(point)
    [visit] = visits.flush()
    picks = tuple(
        ItemEvent("picked", stop.start_ms + 5_000, stop.zone, "04012345100013", bytes([number]))
        for number, stop in enumerate(visit.stops[:8])
    )
    visit = replace(visit, items=picks)

    def seen() -> Visit:
        params = PathParams()
        path = smooth_path(
            [p.scene_ms for p in points],
            [p.east_m for p in points],
            [p.north_m for p in points],
            params=params,
        )
        stays = stays_of(path, floor=floor, params=params)
        return replace(visit, stays=stays, stops=stops_of(path, floor=floor, params=params))

    figures = {
        "points": len(points),
        "stops": len(visit.stops),
        "path_stays_stops_ms": median_ms(seen),
        "traits_ms": median_ms(lambda: traits_of(visit, floor=floor)),
        "evidence_ms": median_ms(lambda: evidence_of(traits_of(visit, floor=floor))),
        "outcomes_ms": median_ms(lambda: outcomes_of(visit, floor=floor)),
    }
    print(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
