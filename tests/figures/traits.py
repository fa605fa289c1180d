"""Traits as the agent measures them, beside those of the truth: correlation and bias of each.

True places and item events of the simulator, with correlated noise, lost tracks and missed reads,
through the agent's own visits; the truth is the same formulas on the true path, the true stops and
the true events of tagged goods. No video and no tracker: what those add, tests/figures/inside.py
shows in sums. Simulated data. ``AUC`` is that of an axis' evidence against the sign of the latent
behind it. `aisle-edge traits` tells what ``--write`` wrote last. Run:

    python tests/figures/traits.py [--seeds 301 302] [--minutes 45] [--json] [--write]
"""

from __future__ import annotations

import argparse
import json
import math
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from edge.rfid.catalogue import BASKET_TAGS, parse_catalogue
from edge.rfid.items import ItemEvent
from edge.visits import traits
from edge.visits.evidence import AXES, evidence_of
from edge.visits.path import Path as Way
from edge.visits.path import PathParams, Stop, stays_of
from edge.visits.plan import Floor
from edge.visits.traits import TRAITS, traits_of
from edge.visits.visits import Visit, Visits
from edge.visits.wares import Assortment
from firmware_sim.run import Simulation
from firmware_sim.store import Store, default_store
from firmware_sim.truth import LATENTS, Handled, Seen, Visited
from models.codebook.make_codebook import Sight, _Watch, floor_of

LEAST_S = 3.0
GOOD, FAIR = 0.9, 0.7
"""Correlations from which a trait of one visit is good or fair,"""
BIASED = 0.1
"""and the bias, as part of the true standard deviation or mean, from which it is marked."""
LATENT_OF = {
    "engaged_not_buying": ("buy", -1),
    "wandering": ("mission", -1),
    "indecision": ("decisive", -1),
    "bargain": ("bargain", 1),
}
LOSSES_PER_S = 1 / 600
"""A track breaks about once in ten minutes."""

TRUST_FILE = Path(traits.__file__).with_name("trust.py")
MODULE = '''"""What one visit's value of a trait is worth, as measured; made by a script.

{count} simulated visits: true places with 10 cm of noise, broken tracks and missed reads through
the agent's own code, beside the same formulas on the truth. What is not to be trusted alone is for
means over many visits. Again: ``python tests/figures/traits.py --write``.
"""

from __future__ import annotations

from collections.abc import Mapping

TRUST: Mapping[str, str] = {{
{lines}
}}
'''

Traits = dict[str, float | None]


@dataclass(frozen=True, slots=True)
class Pair:
    """One visit: what was so, and what the agent made of it."""

    truth: Visited
    true: Traits
    seen: Traits


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[301, 302])
    parser.add_argument("--minutes", type=float, default=45.0)
    parser.add_argument("--noise", type=float, default=0.1)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--write", action="store_true", help="into edge/visits/trust.py")
    options = parser.parse_args()
    sight = Sight(noise_m=options.noise, losses_per_s=LOSSES_PER_S)
    pairs = [
        pair
        for seed in options.seeds
        for pair in paired(default_store(), seed=seed, minutes=options.minutes, sight=sight)
    ]
    rows = [row_of(trait.name, pairs) for trait in TRAITS]
    found = {"visits": len(pairs), "traits": rows, "evidence": evidence(pairs)}
    if options.write:
        TRUST_FILE.write_text(module(rows, count=len(pairs)), encoding="utf-8")
    if options.json:
        print(json.dumps(found))
        return
    print(f"simulated store, {len(pairs)} visits, {options.noise:g} m of noise; one visit's trait")
    print(f"{'':20}{'n':>6}{'abstains':>10}{'true mean':>11}{'bias':>9}{'r':>7}  for one visit")
    for row in rows:
        print(
            f"{row['trait']:20}{row['n']:6d}{row['abstains']:10.0%}{row['true_mean']:11.3g}"
            f"{row['bias']:9.3g}{row['r']:7.2f}  {row['trust']}"
        )
    for name, row in found["evidence"].items():
        print(f"evidence {name:20} told {row['told']:.0%}  AUC {row['auc']:.2f} "
              f"(from the truth's traits {row['auc_true']:.2f})")  # fmt: skip


def paired(store: Store, *, seed: int, minutes: float, sight: Sight) -> list[Pair]:
    """Follow a store, and measure every visit twice."""
    watch = _Watch(sight, np.random.default_rng((seed, 99)))
    floor, shop = floor_of(store), assortment(store)
    antennas = {reader.zone: reader.antenna[:2] for reader in store.readers}
    visits = Visits(floor, antennas=antennas, assortment=shop)
    simulation = Simulation(store, seed=seed, positions_s=sight.step_s)
    truths: dict[int, Visited] = {}
    ways: dict[int, list[tuple[int, float, float]]] = {}
    over: list[Visit] = []
    for second in range(round(60 * minutes)):
        for told in simulation.step(second + 1.0):
            if isinstance(told, Seen):
                for number, east, north in told.people:
                    ways.setdefault(number, []).append((round(1000 * told.at_s), east, north))
                for item in (*watch.see(told), *watch.heard_by(told.at_s)):
                    over += visits.feed(item)
            elif isinstance(told, Handled):
                watch.hear(told)
            else:
                truths[told.party + (1 if told.role == "leader" else 2)] = told
        simulation.truth.clear()
    over += visits.flush()
    sizes = Counter(one.party for one in truths.values())
    pairs = []
    for visit in over:
        number = watch.began.get((visit.start_ms, *visit.start_point), -1)
        truth = truths.get(number)
        if truth is not None and truth.finished:
            true = truth_of(truth, way=ways[number], floor=floor, shop=shop)
            true = replace(true, party=sizes[truth.party])
            pairs.append(Pair(truth, traits_of(true, floor=floor), traits_of(visit, floor=floor)))
    return pairs


def truth_of(
    truth: Visited, *, way: list[tuple[int, float, float]], floor: Floor, shop: Assortment
) -> Visit:
    """Give the visit as it was, for the agent's formulas."""
    step_ms = way[1][0] - way[0][0]
    points = np.array([(east, north) for _, east, north in way])
    path = Way(way[0][0], step_ms, points)
    stops = []
    for stop in truth.stops:
        if stop.end_s - stop.start_s >= LEAST_S:
            span = [round(1000 * at_s) for at_s in (stop.start_s, stop.end_s)]
            first, last = ((at_ms - way[0][0]) // step_ms for at_ms in span)
            east, north = points[max(0, first) : last + 1].mean(axis=0).tolist()
            stops.append(Stop(stop.zone, *span, east, north))
    kinds = {"pick": "picked", "put_back": "put_back", "sold": "sold"}
    items = tuple(
        ItemEvent(kinds[one.kind], round(1000 * one.at_s), one.zone, one.gtin,
                  one.item.to_bytes(8, "big", signed=True))
        for one in truth.handled if one.gtin is not None
    )  # fmt: skip
    wares = {one.product_class: shop.ware(one.product_class, 0) for one in items}
    return Visit(
        way[0][0], way[-1][0], truth.path_m, way[0][1:], way[-1][1:],
        stays_of(path, floor=floor, params=PathParams(smooth_ms=0)), tuple(stops), items,
        entered=True, left=True, path=path, wares=wares,
    )  # fmt: skip


def assortment(store: Store) -> Assortment:
    """Give the store's tagged goods as a catalogue; each bears two of the words for baskets."""
    lines = ["class,category,price,size,promo,tags"]
    lines += [
        f"{one.gtin},toys,{one.price},,{'yes' if one.promo else 'no'},"
        f"{BASKET_TAGS[n % 5]} {BASKET_TAGS[(n + 2) % 5]}"
        for n, one in enumerate(store.classes)
    ]
    return Assortment(parse_catalogue("\n".join(lines), where="store"), day_of=lambda _: None)


def row_of(name: str, pairs: list[Pair]) -> dict[str, float | int | str]:
    """Compare one trait over all visits in which both are told."""
    both = [(pair.true[name], pair.seen[name]) for pair in pairs]
    known = [(true, seen) for true, seen in both if true is not None and seen is not None]
    told = sum(true is not None for true, _ in both)
    true, seen = np.array(known or [(math.nan, math.nan)], dtype=float).T
    r = float(np.corrcoef(true, seen)[0, 1]) if true.std() > 0 and seen.std() > 0 else math.nan
    bias = float((seen - true).mean())
    scale = max(abs(float(true.mean())), float(true.std()))
    return {
        "trait": name,
        "n": len(known),
        "abstains": 1 - len(known) / told if told else math.nan,
        "true_mean": float(true.mean()),
        "bias": bias,
        "r": r,
        "trust": trust(r, len(known)) + (", biased" if abs(bias) > BIASED * scale else ""),
    }


def module(rows: list[dict[str, float | int | str]], *, count: int) -> str:
    """Give the table as what `aisle-edge traits` tells."""
    lines = []
    for row in rows:
        measured = (
            f" (r {row['r']:.2f}, bias {row['bias']:.2g} of a mean of {row['true_mean']:.3g})"
        )
        known = not math.isnan(row["r"])
        lines.append(f'    "{row["trait"]}": "{row["trust"]}{measured if known else ""}",')
    return MODULE.format(count=count, lines="\n".join(lines))


def trust(r: float, count: int) -> str:
    """Say what one visit's value is worth."""
    if count < 30 or math.isnan(r):
        return "not measured: too few, or always the same in the simulated store"
    return "good" if r >= GOOD else "fair" if r >= FAIR else "not to be trusted alone"


def evidence(pairs: list[Pair]) -> dict[str, dict[str, float]]:
    """Say how well each axis' evidence tells the sign of its latent."""
    rows = {}
    for axis in AXES:
        if axis.name not in LATENT_OF:
            continue
        latent, sign = LATENT_OF[axis.name]
        place = LATENTS.index(latent)
        truth = [sign * pair.truth.latents[place] > 0 for pair in pairs]
        seen = [evidence_of(pair.seen)[axis.name] for pair in pairs]
        true = [evidence_of(pair.true)[axis.name] for pair in pairs]
        rows[axis.name] = {
            "told": sum(one is not None for one in seen) / len(pairs),
            "auc": auc(seen, truth),
            "auc_true": auc(true, truth),
        }
    return rows


def auc(scores: list[float | None], truth: list[bool]) -> float:
    """Give the chance that a positive scores above a negative; ties count half."""
    known = [(one, is_so) for one, is_so in zip(scores, truth, strict=True) if one is not None]
    yes = np.array([one for one, is_so in known if is_so])[:, None]
    no = np.array([one for one, is_so in known if not is_so])[None, :]
    return float((yes > no).mean() + 0.5 * (yes == no).mean())


if __name__ == "__main__":
    main()
