"""How soon a changed segment is noticed, and how often one that did not change is.

Organic baskets become ``--factor`` times as many from day 11 on. Days are batch-simulated visits
(aisle-sim visits, weekly rhythm and overdispersion of tags included); what is released of them is
noised as the agent does. Twice: by the tags channel, whose noise is large (22.4 a day at the
standard budget), and by a codebook that has cells of such baskets (``day_cells``, 5.6 a cell).
False alarms are of series of the same share, rhythm and overdispersion, drawn without simulating
each visit.

    python tests/figures/segment_drift.py [--series 30] [--calm 300]
"""

from __future__ import annotations

import argparse
from datetime import date, timedelta

import numpy as np

from firmware_sim.batch import WEEK, Batches, Change
from firmware_sim.store import default_store
from hub.segments.drift import detect
from hub.segments.weighing import Day

FIRST = date(2026, 3, 2)
CHANGED = 10
CELLS = 16
CHANNELS = {"tags": 22.36, "a codebook cell": 5.59}
DAY_SD = 5.59
HELD = 0.5
"""A basket that holds it rather than not, as the agent decides."""


def counted(*, visits: int, seed: int, days: int, factor: float) -> list[tuple[int, int]]:
    """Give each day's records and how many of their baskets hold organic goods."""
    batches = Batches(
        default_store(), visits=visits, seed=seed, changes=(Change(CHANGED, "organic", factor),)
    )
    found = []
    for number in range(days):
        day = batches.day(number)
        shopping = day["role"] != "staff"
        held = np.nan_to_num(day["basket_organic"][shopping]) >= HELD
        found.append((int(shopping.sum()), int(held.sum())))
    return found


def noised(found: list[tuple[int, int]], *, sd: float, rng: np.random.Generator) -> list[Day]:
    """Give the days as the hub has them."""
    return [
        Day(
            day=FIRST + timedelta(days=number),
            visits=total + rng.normal(0, DAY_SD * CELLS**0.5),
            members=(m := held + rng.normal(0, sd)),
            squares=m,
            var_visits=CELLS * DAY_SD**2,
            var_members=sd**2,
            cov=0.0,
        )
        for number, (total, held) in enumerate(found)
    ]


def calm(
    *, visits: int, share: float, days: int, rng: np.random.Generator
) -> list[tuple[int, int]]:
    """Give days of a share that stays, overdispersed by 1.09."""
    found = []
    for number in range(days):
        total = rng.poisson(visits * WEEK[number % 7])
        found.append((int(total), int(rng.poisson(rng.gamma(total * share / 0.09, 0.09)))))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--series", type=int, default=30)
    parser.add_argument("--calm", type=int, default=300)
    parser.add_argument("--days", type=int, default=38)
    parser.add_argument("--factor", type=float, default=2.0)
    parser.add_argument("--seed", type=int, default=3_001)
    given = parser.parse_args()
    rng = np.random.default_rng(given.seed)
    print(f"organic baskets x{given.factor:g} from day {CHANGED + 1}; {given.series} series")
    for visits in (2400, 400):
        series = [
            counted(visits=visits, seed=given.seed + n, days=given.days, factor=given.factor)
            for n in range(given.series)
        ]
        before = [day for one in series for day in one[:CHANGED]]
        share = sum(held for _, held in before) / sum(total for total, _ in before)
        print(f"{visits} visits a day, share before {100 * share:.2f} %")
        for name, sd in CHANNELS.items():
            delays = []
            for one in series:
                alarm = detect(noised(one, sd=sd, rng=rng))
                delays.append((alarm.day - FIRST).days + 1 - CHANGED if alarm else 99)
            alarms = days = 0
            for _ in range(given.calm):
                quiet = calm(visits=visits, share=share, days=90, rng=rng)
                alarm = detect(noised(quiet, sd=sd, rng=rng))
                alarms += alarm is not None
                days += (alarm.day - FIRST).days + 1 if alarm else 90
            found = np.array(delays)
            print(
                f"  by {name:16} noticed after (median, 90 %) {np.median(found):.0f}, "
                f"{np.quantile(found, 0.9):.0f} days; too early {np.mean(found < 1):.2f}, "
                f"never {np.mean(found == 99):.2f}; false alarms a month {30 * alarms / days:.3f}"
            )


if __name__ == "__main__":
    main()
