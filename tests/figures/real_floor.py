"""Real people's floor positions through the agent's visits: visits, speeds, stops, stays.

The labelled clip of PETS 2009 (a street, so a plan without fixtures and nobody shops) as
`aisle-edge replay` takes it, beside what follows from the labels without our code. Skips where the
footage is not there.

    python tests/figures/real_floor.py [--truth ../shared/footage/pets-s2l1-first-half/truth.csv]
"""

from __future__ import annotations

import argparse
import csv
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from edge.config import parse
from edge.parts_io import Parts, visits_of
from edge.replay import Positions
from edge.visits.traits import traits_of

ROOT = Path(__file__).parents[2]
TRUTH = ROOT.parent / "shared/footage/pets-s2l1-first-half/truth.csv"
FRAMES_S = 7.0
BEGAN = datetime(2026, 3, 2, tzinfo=UTC)
"""Any day: the labels have frame numbers only."""
APART_S = 2.0
"""Speeds of the labels are over so long, so that a label's jitter is none."""


def main() -> None:
    """Print both."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--truth", type=Path, default=TRUTH)
    options = parser.parse_args()
    if not options.truth.exists():
        print(f"skipped: {options.truth} is not there")
        return
    rows = list(csv.DictReader(options.truth.read_text().splitlines()))
    labelled(rows)
    replayed(rows)


def labelled(rows: list[dict[str, str]]) -> None:
    """Tell what the labels say."""
    ways = defaultdict(list)
    for row in rows:
        ways[row["person"]].append((int(row["frame"]), float(row["east_m"]), float(row["north_m"])))
    speeds = [s for way in ways.values() for s in speeds_of(np.array(way))]
    pieces = sum(
        1 + int((np.diff([f for f, _, _ in way]) > FRAMES_S).sum()) for way in ways.values()
    )
    seconds = [(way[-1][0] - way[0][0]) / FRAMES_S for way in ways.values()]
    print(
        f"labels: {len(ways)} people, {pieces} pieces seen on end, there for "
        f"{np.median(seconds):.0f} s at the median, {np.median(speeds):.2f} m/s at the median, "
        f"{np.mean(np.array(speeds) < 0.4):.0%} of the time slower than .4 m/s"
    )


def speeds_of(way: np.ndarray) -> np.ndarray:
    """Give speeds over two seconds."""
    gap = round(APART_S * FRAMES_S)
    at = {int(frame): place for frame, *place in way}
    return np.array([
        np.hypot(*np.subtract(at[frame + gap], place)) / APART_S
        for frame, place in at.items() if frame + gap in at
    ])  # fmt: skip


def replayed(rows: list[dict[str, str]]) -> None:
    """Tell what the agent makes of them."""
    config = parse((ROOT / "deploy/examples/pets.toml").read_text(), where="pets.toml")
    parts = Parts.build(config)
    visits, reader = visits_of(config, parts=parts, hears=False), Positions(begins_at=BEGAN)
    reader.feed("time,id,east,north")
    found = []
    for row in rows:
        line = (
            f"{int(row['frame']) / FRAMES_S:.3f},{row['person']},{row['east_m']},{row['north_m']}"
        )
        for point in reader.feed(line):
            since_ms = point.scene_ms - round(1_000 * BEGAN.timestamp())
            found += visits.feed(point.at(since_ms))
    found += visits.flush()
    told = [traits_of(visit, floor=parts.floor) for visit in found]
    speeds = [one["moving_speed_m_s"] for one in told if one["moving_speed_m_s"] is not None]
    lasted = [(visit.end_ms - visit.start_ms) / 1_000 for visit in found]
    zones = [len({stay.zone for stay in visit.stays}) for visit in found]
    print(
        f"agent:  {len(found)} visits of {np.median(lasted):.0f} s at the median, "
        f"{np.median(speeds):.2f} m/s while moving ({min(speeds):.2f} to {max(speeds):.2f}), "
        f"{sum(len(visit.stops) for visit in found)} stops (no fixtures), "
        f"{np.mean(zones):.1f} zones each, {sum(visit.party > 1 for visit in found)} in company, "
        f"path {np.median([visit.path_m for visit in found]):.0f} m"
    )


if __name__ == "__main__":
    main()
