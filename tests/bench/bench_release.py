"""How long the release and the visits take: ``python tests/bench/bench_release.py``.

In processor time. Prints one JSON object; nothing is asserted, machines differ.
"""

from __future__ import annotations

import json
import math
import secrets
import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from datetime import time as clock

import numpy as np

from edge.release.channels import Channels
from edge.release.goods import Goods
from edge.release.hours import Daypart, Hours
from edge.release.noise import discrete_gaussian
from edge.release.privacy import Budget
from edge.release.windows import Windows
from edge.vision.tracking import TrackEnd, TrackPoint
from edge.visits.path import Path, Stay, Stop
from edge.visits.plan import Floor, FloorPlan, Polygon, Zone
from edge.visits.visits import Visit, Visits
from wire.codebook import default_codebook
from wire.codec import encode
from wire.topics import Topic

NOON = datetime(2026, 3, 7, 12, tzinfo=UTC)


def _box(west: float, south: float, east: float, north: float) -> Polygon:
    return ((west, south), (east, south), (east, north), (west, north))


def _floor() -> Floor:
    """Ten aisles of 10 m between shelves, on 30 x 18 m."""
    aisles = [
        Zone(f"aisle-{n}", "aisle", "", _box(3 * n + 0.8, 4, 3 * n + 3, 14)) for n in range(10)
    ]
    doors = [
        Zone("entrance", "entrance", "", _box(0, 0, 4, 1.5)),
        Zone("exit", "exit", "", _box(26, 0, 30, 1.5)),
    ]
    shelves = tuple(_box(3 * n, 4, 3 * n + 0.8, 14) for n in range(10))
    return Floor(FloorPlan("bench", _box(0, 0, 30, 18), (*aisles, *doors), shelves))


def _median_s(work: Callable[[], object], *, times: int) -> float:
    took = []
    for _ in range(times):
        began = time.process_time()
        work()
        took.append(time.process_time() - began)
    return statistics.median(took)


def day_released() -> dict[str, float]:
    """Let out a day of a store with four aisles, 11 hours and 2,400 visits.

    Returns:
        Seconds to count a visit, and to let the day out at closing; messages and bytes of the day;
        the largest message.
    """
    aisles = [
        Zone(f"aisle-{n}", "aisle", "", _box(3 * n + 0.8, 4, 3 * n + 3, 14)) for n in range(4)
    ]
    doors = [
        Zone("promo", "promo", "", _box(4, 2, 8, 4)),
        Zone("till", "till", "", _box(8, 1, 11, 2)),
        Zone("entrance", "entrance", "", _box(0, 0, 4, 1.5)),
        Zone("exit", "exit", "", _box(8, 0, 12, 1)),
    ]
    shelves = tuple(_box(3 * n, 4, 3 * n + 0.8, 14) for n in range(4))
    floor = Floor(FloorPlan("bench", _box(0, 0, 12, 18), (*aisles, *doors), shelves))
    classes = tuple(f"{n:014}" for n in range(20))
    windows = Windows(
        floor,
        codebook=default_codebook(),
        budget=Budget(),
        hours=Hours(UTC, clock(8), clock(19), timedelta(0)),
        dayparts=tuple(Daypart(f"part-{n}", clock(6 * n)) for n in range(4)),
        goods=Goods(classes, {one: one for one in classes}, ("children", "fitness", "organic")),
        utc_of=lambda scene_ms: NOON.replace(hour=8) + timedelta(milliseconds=scene_ms),
    )
    channels = Channels(
        floor, dayparts=(Daypart("all", clock(0)),), goods=Goods(classes, {}, ("organic",))
    )
    points = np.stack([np.linspace(1, 11, 480), 3 + 2 * np.sin(np.linspace(0, 9, 480))], axis=1)
    stays = tuple(Stay(f"aisle-{n % 4}", 9_000 * n, 9_000 * n + 8_000) for n in range(10))
    stops = tuple(Stop("aisle-1", 9_000 * n, 9_000 * n + 6_000, 3.1, 5 + n) for n in range(5))
    visit = Visit(0, 120_000, 90.0, (2.0, 0.7), (11.0, 0.7), stays, stops, (), True, True)
    visit = replace(visit, path=Path(0, 250, points))
    gist = channels.gist(visit)
    took_s, messages = 0.0, []
    for number in range(2_400):
        end_ms = 16_000 * number + 120_000
        windows._held.append(replace(gist, end_ms=end_ms))  # the traits are timed below
        began = time.process_time()
        messages += windows.advance(end_ms)
        took_s += time.process_time() - began
    began = time.process_time()
    closing = windows.advance(11 * 3_600_000 + 60_000)
    closing_s = time.process_time() - began
    topic = Topic("a-store-of-a-chain", "north-entrance", "release")
    sizes = [
        len(
            encode(
                topic,
                one.message(epoch="0" * 16, seq=number + 1),
                event_id=f"{'0' * 16}-{number}",
                time=NOON,
            )
        )
        for number, one in enumerate([*messages, *closing])
    ]
    return {
        "day_of_2400_visits_counted_s": round(took_s, 3),
        "day_let_out_at_closing_s": round(closing_s, 3),
        "day_messages": len(sizes),
        "day_bytes": sum(sizes),
        "largest_message_bytes": max(sizes),
    }


def noise_draws() -> float:
    """Draws a second at the standard variance of ``zones``."""
    variance = Budget().channel("zones").variance
    took = _median_s(
        lambda: [discrete_gaussian(variance, randbelow=secrets.randbelow) for _ in range(1_000)],
        times=5,
    )
    return 1_000 / took


def crowd_points(floor: Floor, *, people: int, fps: int, seconds: int) -> float:
    """Track points a second taken with that many people on the floor, visits made included."""
    visits = Visits(floor)
    began = time.process_time()
    over = 0
    for frame in range(seconds * fps):
        scene_ms = round(frame * 1_000 / fps)
        for person in range(people):
            turn, at = divmod(frame / fps + person, 60.0)  # each walks in and out in a minute
            track = round(turn) * people + person
            along = min(at, 60 - at) / 30
            east, north = 2 + 3 * (person % 9), 0.7 + 15 * along + 0.1 * math.sin(frame)
            over += len(visits.feed(TrackPoint(track, scene_ms, east, north)))
            if at + 1 / fps >= 60:
                over += len(visits.feed(TrackEnd(track, scene_ms)))
    over += len(visits.flush())
    took = time.process_time() - began
    if not over:
        raise SystemExit("the crowd made no visits: the benchmark measures nothing")
    return people * fps * seconds / took


def visits_counted(floor: Floor) -> float:
    """Visits a second from traits to tallies, 12 stops each."""
    windows = Windows(
        floor,
        codebook=default_codebook(),
        budget=Budget(),
        hours=Hours(UTC, clock(8), clock(20)),
        dayparts=(Daypart("day", clock(0)),),
        utc_of=lambda scene_ms: NOON + timedelta(milliseconds=scene_ms),
    )
    stops = tuple(
        Stop(f"aisle-{n % 10}", 9_000 * n, 9_000 * n + 6_000, 3 * (n % 10) + 1.2, 5 + n % 7)
        for n in range(12)
    )
    stays = tuple(Stay(f"aisle-{n}", 9_000 * n, 9_000 * n + 8_000) for n in range(10))
    visit = Visit(0, 120_000, 90.0, (2.0, 0.7), (28.0, 0.7), stays, stops, (), True, True)
    windows.feed(visit)
    return 1 / _median_s(lambda: windows.feed(visit), times=50)


def main() -> None:
    """Print every figure."""
    floor = _floor()
    figures = {
        **day_released(),
        "noise_draws_per_s": round(noise_draws()),
        "crowd_30_at_8_fps_points_per_s": round(crowd_points(floor, people=30, fps=8, seconds=180)),
        "crowd_needs_points_per_s": 240,
        "visits_counted_per_s": round(visits_counted(floor)),
    }
    print(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
