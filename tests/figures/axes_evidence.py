"""What a day tells of bargain hunters and quality seekers, by calculation.

No trait of price or promotion places a visit in a cell, so a day's share comes from a mean over the
day: of what baskets cost within their category, of picks on promotion, of who came to the
promotion's place, or stopped there. Here, for every such mean: how far it moves with each tendency,
how it varies from week to week with promotions alone, and what its own chance and the release's
noise, in the demo store, make of the share. Dear baskets and stops are what ``drawn.py`` of the
hub's patterns takes: each moves with little but its own tendency. Who came to a promotion would be
as good here, but where walks are drawn in full many pass it on their way.

    python tests/figures/axes_evidence.py [--visits 2400] [--days 14]
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence

import numpy as np

from edge.release.privacy import Budget
from firmware_sim.batch import Change
from models.codebook.measure_confusion import STOPPED, Columns, visits_of

SEED = 9_901
SLOPE = 1 / math.sqrt(2 * math.pi)
"""Share on one side of zero, per standard deviation that a tendency moves."""
MOVED = ("bargain", "quality", "buy", "mission", "decisive")
HIGH = 2 / 3
"""Percentile of price within the category."""
ZONE_CELLS = {"came to promotion": 12, "stopped there": 8}
"""Outcomes times four dayparts that are added up, where no reader is."""


def evidence(found: Columns) -> dict[str, np.ndarray]:
    """Give each visit's parts of the means; NaN where it has none."""
    tier, picks = found["price_tier"], found["promo_picks"]
    return {
        "basket is dear": np.where(np.isnan(tier), np.nan, tier > HIGH),
        "picked a promotion": np.where(np.isnan(picks), np.nan, picks > 0),
        "came to promotion": (np.nan_to_num(found["promo_zone_share"]) > 0).astype(float),
        "stopped there": found[STOPPED].astype(float),
    }


def noise_of(name: str, *, budget: Budget) -> float:
    """Give the noise on a day's count of it."""
    if name in ZONE_CELLS:
        return budget.channel("zones").sd * math.sqrt(ZONE_CELLS[name])
    # one label of a basket, as agents give it where prices are known
    return budget.channel("tags").sd


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--visits", type=int, default=2400)
    parser.add_argument("--days", type=int, default=14)
    given = parser.parse_args()
    budget = Budget().fitted({"zones": 5, "tags": 6})

    def days(
        *, hearing: bool, changes: Sequence[Change] = (), first: int = 0, many: int = given.days
    ) -> dict[str, np.ndarray]:
        numbers = range(first, first + many)
        return evidence(
            visits_of(SEED, days=numbers, visits=given.visits, hearing=(hearing,), changes=changes)
        )

    for hearing, shop in ((True, "all goods are heard"), (False, "one shelf's goods are heard")):
        print(f"{shop}; {given.visits} visits a day")
        print(f"{'':20}{'n a day':>8} {'mean':>6}  moves per sd of: "
              + " ".join(f"{name:>8}" for name in MOVED)
              + "   by week     sd of a day's share: chance, with noise")  # fmt: skip
        base = days(hearing=hearing)
        moves = {
            name: [days(hearing=hearing, changes=(Change(0, name, by),)) for by in (-0.5, 0.5)]
            for name in MOVED
        }
        weeks = [days(hearing=hearing, first=7 * week, many=7) for week in range(4)]
        for name, values in base.items():
            many = float((~np.isnan(values)).sum()) / given.days
            slopes = {
                moved: float(np.nanmean(up[name]) - np.nanmean(down[name]))
                for moved, (down, up) in moves.items()
            }
            chance = float(np.nanstd(values)) / math.sqrt(many)
            noise = noise_of(name, budget=budget) / many
            most = max(abs(slopes["bargain"]), abs(slopes["quality"]))
            span = [float(np.nanmean(week[name])) for week in weeks]
            if not most:
                print(f"{name:20}{many:8.0f}: none")
                continue
            print(
                f"{name:20}{many:8.0f} {np.nanmean(values):6.3f} {'':17}"
                + " ".join(f"{slopes[moved]:+8.3f}" for moved in MOVED)
                + f"   {min(span):.3f}-{max(span):.3f} {SLOPE * chance / most:16.3f}"
                f" {SLOPE * math.hypot(chance, noise) / most:8.3f}"
            )


if __name__ == "__main__":
    main()
