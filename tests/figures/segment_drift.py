"""How soon a changed segment is noticed, and how often one that did not change is.

Organic baskets become ``--factor`` times as many from day 11 on. Days are drawn with the week's
rhythm and the overdispersion of real baskets (1.09), and noised as the agent's release is: by the
tags channel (22.4 a day at the standard budget), and by a codebook that has a cell of such baskets
(``day_cells``, 5.6 a cell). Of the visits .61 % are such as the simulated store has them
(``aisle-sim visits``), or 2.44 % as in behaviour/NOTES.md section 5. Ten stores are looked at
together too. Beside it a CUSUM that is told the share before, the share after and all noise, with
its limit set for .1 false alarms in 30 days: in the worst case no detector is sooner (Moustakides
1986, Ann. Statist. 14:1379).

    python tests/figures/segment_drift.py [--series 100] [--calm 200] [--seed 3002]

The limit was raised from 3.3 to 3.4 after seed 3001 gave .103 false alarms a month.
"""

from __future__ import annotations

import argparse
from bisect import bisect_left
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from firmware_sim.batch import WEEK
from hub.segments.drift import Alarm, detect_together
from hub.segments.weighing import Day

Array = NDArray[np.float64]
FIRST = date(2026, 3, 2)
CHANGED = 10
CELLS = 16
CHANNELS = {"tags": 22.36, "a cell": 5.59}
DAY_SD = 5.59
EXTRA = 0.09
"""Overdispersion beyond a Poisson's."""
DAYS, CALM_DAYS, MONTH = 40, 90, 30
RATE = 0.1
"""False alarms allowed in 30 days."""


def drawn(
    *, visits: int, share: float, sd: float, days: int, factor: float, rng: np.random.Generator
) -> list[Day]:
    """Give one store's days as the hub has them; ``factor`` 1 for a share that stays."""
    made = []
    for number in range(days):
        total = rng.poisson(visits * WEEK[number % 7])
        mean = max(total * share * (factor if number >= CHANGED else 1.0), 1e-9)
        members = float(rng.poisson(rng.gamma(mean / EXTRA, EXTRA)) + rng.normal(0, sd))
        made.append(
            Day(
                day=FIRST + timedelta(days=number),
                visits=float(total + rng.normal(0, DAY_SD * CELLS**0.5)),
                members=members,
                squares=members,
                var_visits=CELLS * DAY_SD**2,
                var_members=sd**2,
                cov=0.0,
            )
        )
    return made


def delay(alarm: Alarm | None) -> float:
    """Give the day on which a change was told, the first one being 1."""
    return np.inf if alarm is None else (alarm.day - FIRST).days + 1 - CHANGED


def knowing_all(
    *, visits: int, share: float, sd: float, stores: int, factor: float, rng: np.random.Generator
) -> Array:
    """Give the delays of a CUSUM that knows everything but the day."""
    rhythm = np.array(WEEK)[np.arange(CALM_DAYS) % 7] * visits * share * stores
    noise = stores * sd**2

    def steps(number: int, *, changed: int) -> Array:
        mean = rhythm * np.where(np.arange(CALM_DAYS) >= changed, factor, 1.0)
        seen = rng.normal(mean, np.sqrt((1 + EXTRA) * mean + noise), (number, CALM_DAYS))
        return _likelier(seen, rhythm, factor=factor, noise=noise)

    calm = _cusum(steps(2_000, changed=CALM_DAYS))

    def rare(limit: float) -> bool:
        told = calm >= limit
        days = np.where(told.any(axis=1), told.argmax(axis=1) + 1, CALM_DAYS).sum()
        return bool(told.any(axis=1).sum() * MONTH <= RATE * days)

    peaks = np.sort(calm.max(axis=1)).tolist()
    limit = peaks[bisect_left(peaks, True, key=rare)]
    told = _cusum(steps(2_000, changed=0)) >= limit
    found: Array = np.where(told.any(axis=1), told.argmax(axis=1) + 1.0, np.inf)
    return found


def _likelier(seen: Array, mean: Array, *, factor: float, noise: float) -> Array:
    old, new = ((1 + EXTRA) * mean * by + noise for by in (1.0, factor))
    apart: Array = (
        (seen - mean) ** 2 / old - (seen - factor * mean) ** 2 / new + np.log(old / new)
    ) / 2
    return apart


def _cusum(steps: Array) -> Array:
    level, levels = np.zeros(len(steps)), []
    for step in steps.T:
        level = np.maximum(level, 0.0) + step
        levels.append(level)
    return np.array(levels).T


def interval(found: int, total: int) -> str:
    """Give a share's 95 % interval (Wilson)."""
    z, p = 1.96, found / total
    middle = (p + z * z / 2 / total) / (1 + z * z / total)
    half = z / (1 + z * z / total) * (p * (1 - p) / total + z * z / 4 / total**2) ** 0.5
    return f"{max(0.0, middle - half):.2f}..{middle + half:.2f}"


def main() -> None:
    """Draw, detect, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--series", type=int, default=100)
    parser.add_argument("--calm", type=int, default=200)
    parser.add_argument("--factor", type=float, default=2.0)
    parser.add_argument("--seed", type=int, default=3_002)
    given = parser.parse_args()
    rng = np.random.default_rng(given.seed)
    print(f"organic baskets x{given.factor:g} from day {CHANGED + 1}; {given.series} series each")
    calm_alarms = calm_days = 0
    for visits, aim, stores in ((2400, 3, 1), (400, 12, 1), (400, 12, 10)):
        where = "one store" if stores == 1 else f"{stores} stores together"
        print(f"{visits} visits a day, {where}: to be noticed within {aim} days")
        for share in (0.0061, 0.0244):
            for name, sd in CHANNELS.items():
                of = {"visits": visits, "share": share, "sd": sd}
                found = [
                    delay(
                        detect_together(
                            [
                                drawn(days=DAYS, factor=given.factor, rng=rng, **of)
                                for _ in range(stores)
                            ]
                        )
                    )
                    for _ in range(given.series // (4 if stores > 1 else 1))
                ]
                best = knowing_all(stores=stores, factor=given.factor, rng=rng, **of)
                alarms = days = 0
                for _ in range(given.calm // 4 if stores == 1 else 0):
                    quiet = [drawn(days=CALM_DAYS, factor=1.0, rng=rng, **of)]
                    alarm = detect_together(quiet)
                    alarms += alarm is not None
                    days += (alarm.day - FIRST).days + 1 if alarm else CALM_DAYS
                calm_alarms, calm_days = calm_alarms + alarms, calm_days + days
                _tell(name, share, np.array(found), best=best, aim=aim)
    months = calm_days / MONTH
    half = 1.96 * max(calm_alarms, 1) ** 0.5
    print(
        f"false alarms: {calm_alarms} in {months:.0f} months of one store, "
        f"{calm_alarms / months:.3f} a month "
        f"({max(0.0, calm_alarms - half) / months:.3f}..{(calm_alarms + half) / months:.3f})"
    )


def _tell(name: str, share: float, found: Array, *, best: Array, aim: int) -> None:
    inside = int(((found >= 1) & (found <= aim)).sum())
    print(
        f"  {100 * share:.2f} % by {name:6}: median {np.median(found):.0f} days, "
        f"in time {inside} of {len(found)} ({interval(inside, len(found))}), "
        f"too early {int((found < 1).sum())}; "
        f"one that knows all: median {np.median(best):.0f}, in time {np.mean(best <= aim):.2f}",
        flush=True,
    )


if __name__ == "__main__":
    main()
