"""Traits through video, beside those of the truth: what detector, tracker and reader add to each.

The demo's scene as ``inside.py`` runs it; every visit seen from door to door is paired with the
person whose true way it follows best, and both are measured by the same formulas, as in
``traits.py``. A few dozen visits: correlations are rough. Simulated data. Run:

    python tests/figures/traits_inside.py [--seeds 7 3] [--minutes 14]
"""

from __future__ import annotations

import argparse
import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import numpy as np

from edge.parts_io import Parts
from edge.visits.path import Path as Way
from edge.visits.traits import TRAITS, traits_of
from firmware_sim.store import default_store
from firmware_sim.truth import Seen, Visited

NEAR_M = 1.0
"""A visit whose mean distance from every true way is more follows nobody."""
STEP_S = 0.2


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[7, 3])
    parser.add_argument("--minutes", type=float, default=14.0)
    options = parser.parse_args()
    inside, beside = neighbour("inside"), neighbour("traits")
    config = inside.demo_config()
    parts = Parts.build(config)
    shop, pairs, over = beside.assortment(default_store()), [], 0
    for seed in options.seeds:
        visits, told, _ = inside.watch(
            config, parts=parts, minutes=options.minutes, seed=seed, blind=False,
            positions_s=STEP_S,
        )  # fmt: skip
        ways: dict[int, list[tuple[int, float, float]]] = {}
        for seen in (one for one in told if isinstance(one, Seen)):
            for number, east, north in seen.people:
                ways.setdefault(number, []).append((round(1000 * seen.at_s), east, north))
        truths = {
            one.party + (1 if one.role == "leader" else 2): one
            for one in told
            if isinstance(one, Visited) and one.finished
        }
        over += len(visits)
        for visit in visits:
            number = nearest(visit.path, ways={n: ways[n] for n in truths if n in ways})
            if number is None or not (visit.entered and visit.left):
                continue
            true = beside.truth_of(truths[number], way=ways[number], floor=parts.floor, shop=shop)
            known = traits_of(true, floor=parts.floor), traits_of(visit, floor=parts.floor)
            pairs.append(beside.Pair(truths[number], *known))
    print(f"simulated store through video, {len(pairs)} of {over} visits paired; one visit's trait")
    print(f"{'':20}{'n':>6}{'abstains':>10}{'true mean':>11}{'bias':>9}{'r':>7}")
    for row in (beside.row_of(trait.name, pairs) for trait in TRAITS):
        print(
            f"{row['trait']:20}{row['n']:6d}{row['abstains']:10.0%}{row['true_mean']:11.3g}"
            f"{row['bias']:9.3g}{row['r']:7.2f}"
        )


def nearest(path: Way, *, ways: dict[int, list[tuple[int, float, float]]]) -> int | None:
    """Give who walked where a visit was seen."""
    times = path.start_ms + path.step_ms * np.arange(len(path.points_m))
    best = NEAR_M, None
    for number, way in ways.items():
        at, east, north = np.array(way, dtype=float).T
        if at[-1] < times[0] or at[0] > times[-1]:
            continue
        away = np.hypot(
            path.points_m[:, 0] - np.interp(times, at, east),
            path.points_m[:, 1] - np.interp(times, at, north),
        )
        best = min(best, (float(away.mean()), number), key=lambda one: one[0])
    return best[1]


def neighbour(name: str) -> ModuleType:
    """Load another figure."""
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


if __name__ == "__main__":
    main()
