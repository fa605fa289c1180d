"""Stops and parties found in simulated walks with correlated noise, beside the truth.

Everybody's true place at 5 Hz from the simulator, with first-order autoregressive noise, through
the agent's own visits; no lost tracks. Simulated data. Thresholds were set on seeds 101 and 102.
Run: ``python tests/figures/stops.py [--seeds 201 202] [--minutes 30] [--noise 0.1] [--json]``.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
from collections import Counter
from collections.abc import Iterable, Iterator

import numpy as np

from edge.vision.tracking import TrackEnd, TrackPoint
from edge.visits.path import PathParams
from edge.visits.plan import Floor
from edge.visits.visits import Visit, VisitParams, Visits
from firmware_sim.run import Simulation
from firmware_sim.store import default_store
from firmware_sim.truth import Seen, Stood, TruthEvent, Visited
from models.codebook.make_codebook import floor_of

STEP_S, NOISE_S = 0.2, 1.0
LEAST_S = 3.0
"""A stop of the truth: standing at a shelf for so long (TruthParams.short_s)."""

Span = tuple[str, float, float]
Pair = tuple[Visited, Visit]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[201, 202])
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--noise", type=float, nargs="+", default=[0.0, 0.1, 0.2, 0.3])
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    floor = floor_of(default_store())
    stories = [story(seed, minutes=options.minutes) for seed in options.seeds]
    rows = []
    for noise_m in options.noise:
        runs = [
            paired(told, floor=floor, noise_m=noise_m, seed=seed)
            for seed, told in zip(options.seeds, stories, strict=True)
        ]
        pairs = [pair for run in runs for pair in run]
        rows.append({"noise_m": noise_m, **stop_score(pairs), **party_score(runs)})
    if options.json:
        print(json.dumps(rows))
        return
    print(f"simulated store, seeds {options.seeds}, {options.minutes:g} min each")
    for row in rows:
        print("  ".join(f"{name} {value:.3g}" for name, value in row.items()))


def story(seed: int, *, minutes: float) -> list[TruthEvent]:
    """Tell who was where, and what they did."""
    simulation = Simulation(default_store(), seed=seed, positions_s=STEP_S)
    told: list[TruthEvent] = []
    for second in range(round(60 * minutes)):
        told += simulation.step(second + 1.0)
        simulation.truth.clear()
    return told


def paired(
    told: Iterable[TruthEvent],
    *,
    floor: Floor,
    noise_m: float,
    seed: int,
    params: PathParams | None = None,
) -> list[Pair]:
    """Put every visit beside what the agent made of it."""
    visits = Visits(floor, params=VisitParams(path=params or PathParams()))
    truths: dict[int, Visited] = {}
    began: dict[tuple[int, float, float], int] = {}
    over: list[Visit] = []
    known: set[int] = set()
    for item in watched(told, noise_m=noise_m, seed=seed):
        if isinstance(item, Visited):
            truths[item.party + (1 if item.role == "leader" else 2)] = item
            continue
        if isinstance(item, TrackPoint) and item.track not in known:
            known.add(item.track)
            began[item.scene_ms, item.east_m, item.north_m] = item.track
        over += visits.feed(item)
    over += visits.flush()
    found = ((truths.get(began[v.start_ms, *v.start_point]), v) for v in over)
    return [(truth, visit) for truth, visit in found if truth is not None and truth.finished]


def watched(
    told: Iterable[TruthEvent], *, noise_m: float, seed: int
) -> Iterator[TrackPoint | TrackEnd | Visited]:
    """Give what a tracker that loses nobody would say."""
    rng = np.random.default_rng((seed, 77))
    keep = math.exp(-STEP_S / NOISE_S)
    errors: dict[int, np.ndarray] = {}
    for event in told:
        if isinstance(event, Visited):
            yield event
        if not isinstance(event, Seen):
            continue
        scene_ms = round(1000 * event.at_s)
        here = {number for number, _, _ in event.people}
        for gone in sorted(set(errors) - here):
            del errors[gone]
            yield TrackEnd(gone, scene_ms)
        for number, east, north in event.people:
            fresh = rng.normal(0, noise_m, 2)
            last = errors.get(number)
            error = fresh if last is None else keep * last + math.sqrt(1 - keep**2) * fresh
            errors[number] = error
            yield TrackPoint(number, scene_ms, east + float(error[0]), north + float(error[1]))


def stop_score(pairs: list[Pair]) -> dict[str, float]:
    """Give F1 of stops at IoU >= .5 by visit, and the median error of their length."""
    true = found = hits = 0
    errors = []
    for truth, visit in pairs:
        spans = [stop for stop in truth.stops if stop.end_s - stop.start_s >= LEAST_S]
        left = [(s.zone, s.start_ms / 1000, s.end_ms / 1000) for s in visit.stops]
        true += len(spans)
        found += len(left)
        for stop in spans:
            best = max(left, key=lambda one, stop=stop: iou(stop, one), default=None)
            if best is not None and iou(stop, best) >= 0.5:
                left.remove(best)
                hits += 1
                errors.append(abs((best[2] - best[1]) - (stop.end_s - stop.start_s)))
    return {
        "stops": true,
        "precision": hits / found if found else math.nan,
        "recall": hits / true,
        "f1": 2 * hits / (true + found),
        "dwell_error_s": statistics.median(errors),
    }


def iou(stop: Stood, span: Span) -> float:
    """Give the overlap of two spans in time; 0 in different zones."""
    if stop.zone != span[0]:
        return 0.0
    shared = min(stop.end_s, span[2]) - max(stop.start_s, span[1])
    return max(0.0, shared) / (max(stop.end_s, span[2]) - min(stop.start_s, span[1]))


def party_score(runs: list[list[Pair]]) -> dict[str, float]:
    """Compare who is said to have company with who has, and the leaders with the parties."""
    sizes = [Counter(truth.party for truth, _ in run) for run in runs]
    true = [size[one.party] > 1 for size, run in zip(sizes, runs, strict=True) for one, _ in run]
    said = [visit.party > 1 for run in runs for _, visit in run]
    both = sum(one and other for one, other in zip(true, said, strict=True))
    return {
        "in_company": sum(true),
        "company_precision": both / sum(said) if sum(said) else math.nan,
        "company_recall": both / sum(true) if sum(true) else math.nan,
        "parties": sum(map(len, sizes)),
        "leads": sum(visit.leads for run in runs for _, visit in run),
    }


if __name__ == "__main__":
    main()
