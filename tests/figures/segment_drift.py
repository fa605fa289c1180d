"""How soon a changed segment is noticed, and how often one that did not change is.

Organic baskets become ``--factor`` times as many from day 11 on. Days are drawn with the week's
rhythm and the overdispersion of real baskets (1.09), and noised as the agent's release is: by the
tags channel (22.4 a day at the standard budget), and by a codebook that has a cell of such baskets
(``day_cells``, 5.6 a cell). Of the visits .61 % are such as the simulated store has them
(``aisle-sim visits``), or 2.44 % as in behaviour/NOTES.md section 5. Ten stores are looked at
together too. Beside it are two that know the factor and all noise, with their limits set for .1
false alarms in 30 days: one that learns the share before from the same days, by the same statistic,
and a CUSUM that is told it: in the worst case no detector is sooner (Moustakides 1986, Ann.
Statist. 14:1379).

    python tests/figures/segment_drift.py [--series 150] [--calm 100] [--seed 3004]
    python tests/figures/segment_drift.py --calibrate --seed 42     which limit gives .1
    python tests/figures/segment_drift.py --foretell --seed 41      delays, foretold and drawn
"""

from __future__ import annotations

import argparse
from bisect import bisect_left
from datetime import date, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from firmware_sim.batch import WEEK
from hub.segments.drift import DriftParams, detect_together, evidence, foretell
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
SHARES = (0.0061, 0.0244)
LEARNT = DriftParams().learn_days
CASES = ((2400, 3, 1), (400, 12, 1), (400, 12, 10))
"""Visits a day, within how many days, stores."""
RATE = 0.1
"""False alarms allowed in 30 days."""


def drawn(
    *,
    visits: int,
    share: float,
    sd: float,
    days: int,
    factor: float,
    rng: np.random.Generator,
    changed: int = CHANGED,
) -> list[Day]:
    """Give one store's days as the hub has them; ``factor`` 1 for a share that stays."""
    made = []
    for number in range(days):
        total = rng.poisson(visits * WEEK[number % 7])
        mean = max(total * share * (factor if number >= changed else 1.0), 1e-9)
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


def noticed(levels: Array) -> Array:
    """Give on which day each series was told to have changed, from 1; infinity for never."""
    told = levels > np.log(DriftParams().limit)
    found: Array = np.where(told.any(axis=1), told.argmax(axis=1) + 1.0, np.inf)
    return found


def together(stores: list[list[Day]]) -> float:
    """Give the same for several stores looked at together."""
    alarm = detect_together(stores)
    return np.inf if alarm is None else (alarm.day - FIRST).days + 1.0


def knowing_all(
    *, visits: int, share: float, sd: float, stores: int, factor: float, rng: np.random.Generator
) -> Array:
    """Give the delays of a CUSUM that knows everything but the day, from the day of a change on."""
    rhythm = np.array(WEEK)[np.arange(CHANGED, CHANGED + CALM_DAYS) % 7] * visits * share * stores
    noise = stores * sd**2

    def levels(*, changed: int) -> Array:
        seen = _seen(rhythm, noise=noise, factor=factor, changed=changed, rng=rng)
        return _cusum(_likelier(seen, rhythm, factor=factor, noise=noise))

    limit = _limit(levels(changed=CALM_DAYS))
    told = levels(changed=0) >= limit
    found: Array = np.where(told.any(axis=1), told.argmax(axis=1) + 1.0, np.inf)
    return found


def learning(
    *, visits: int, share: float, sd: float, stores: int, factor: float, rng: np.random.Generator
) -> Array:
    """Give the delays of one that knows all but the day and the share before."""
    rhythm = np.array(WEEK)[np.arange(CALM_DAYS) % 7] * visits * share * stores
    noise = stores * sd**2
    weight = rhythm / ((1 + EXTRA) * rhythm + noise)

    def levels(*, changed: int) -> Array:
        seen = _seen(rhythm, noise=noise, factor=factor, changed=changed, rng=rng)
        sums, weights = np.cumsum(weight * seen, axis=1), np.cumsum(weight * rhythm)
        found = np.full(seen.shape, -np.inf)
        for last in range(LEARNT, CALM_DAYS):
            before = weights[LEARNT - 1 : last]
            since = weights[last] - before
            grown = before + factor**2 * since
            own = sums[:, LEARNT - 1 : last]
            fit = own + factor * (sums[:, last, None] - own)
            ratio = (fit**2 / grown - sums[:, last, None] ** 2 / weights[last]) / 2
            cosine = (before + factor * since) / np.sqrt(weights[last] * grown)
            tried = len(before) + DriftParams().idle_days
            found[:, last] = np.log((cosine * np.exp(ratio)).sum(axis=1) / tried)
        return found

    limit = _limit(levels(changed=CALM_DAYS))
    told = levels(changed=CHANGED) >= limit
    found: Array = np.where(told.any(axis=1), told.argmax(axis=1) + 1.0 - CHANGED, np.inf)
    return found


def _seen(
    rhythm: Array, *, noise: float, factor: float, changed: int, rng: np.random.Generator
) -> Array:
    mean = rhythm * np.where(np.arange(CALM_DAYS) >= changed, factor, 1.0)
    return rng.normal(mean, np.sqrt((1 + EXTRA) * mean + noise), (500, CALM_DAYS))


def _limit(calm: Array) -> float:
    """Give the lowest limit at which false alarms are as rare as is asked."""

    def rare(limit: float) -> bool:
        return rate(calm >= limit) <= RATE

    peaks = np.sort(calm.max(axis=1)).tolist()
    return float(peaks[bisect_left(peaks, True, key=rare)])


def rate(told: NDArray[np.bool_]) -> float:
    """Give how many first alarms come in a month of series."""
    days = np.where(told.any(axis=1), told.argmax(axis=1) + 1, told.shape[1]).sum()
    return float(told.any(axis=1).sum() * MONTH / days)


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


def calibrate(*, calm: int, rng: np.random.Generator) -> None:
    """Print how often limits are passed by one store that does not change."""
    cases = [(v, share, sd) for v in (2400, 400) for share in SHARES for sd in CHANNELS.values()]
    levels = []
    for visits, share, sd in cases:
        of: dict[str, Any] = {"visits": visits, "share": share, "sd": sd, "factor": 1.0, "rng": rng}
        levels.append(evidence([drawn(days=CALM_DAYS, **of) for _ in range(calm)]))
    print("limit  " + "  ".join(f"{v}/{100 * p:.2f}/{sd:.0f}" for v, p, sd in cases) + "  mean")
    for limit in (4.0, 4.5, 5.0, 5.5, 6.0):
        rates = [rate(level > np.log(limit)) for level in levels]
        print(f"{limit:.1f}    " + "  ".join(f"{one:11.3f}" for one in [*rates, np.mean(rates)]))


def foretold(*, series: int, factor: float, rng: np.random.Generator) -> None:
    """Print delays as foretold from four weeks, beside those of drawn changes after them."""
    known, recent = 28, DriftParams().recent_days
    print(f"x{factor:g} after {known} days: foretold (median, quartiles); drawn (likewise)")
    for visits in (400, 1_200, 2_400, 8_000):
        for share in SHARES:
            for name, sd in CHANNELS.items():
                of: dict[str, Any] = {
                    "visits": visits,
                    "share": share,
                    "sd": sd,
                    "factor": factor,
                    "rng": rng,
                }
                drawn_days = [
                    drawn(days=known + recent, changed=known, **of) for _ in range(series)
                ]
                told = [foretell([days[:known]], factor=factor) for days in drawn_days]
                said = [np.inf if one is None or one.days is None else one.days for one in told]
                found = noticed(evidence(drawn_days)) - known
                true = found[found > 0]
                print(
                    f"  {visits} a day, {100 * share:.2f} % by {name:6}: "
                    f"{_quartiles(np.array(said))}; {_quartiles(true)}",
                    flush=True,
                )


def _quartiles(delays: Array) -> str:
    low, middle, high = np.quantile(delays, (0.25, 0.5, 0.75), method="nearest")
    return f"{middle:.0f} ({low:.0f} to {high:.0f})"


def main() -> None:
    """Draw, detect, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--series", type=int, default=150)
    parser.add_argument("--calm", type=int, default=100)
    parser.add_argument("--factor", type=float, default=2.0)
    parser.add_argument("--seed", type=int, default=3_004)
    parser.add_argument("--calibrate", action="store_true")
    parser.add_argument("--foretell", action="store_true")
    given = parser.parse_args()
    rng = np.random.default_rng(given.seed)
    if given.calibrate:
        calibrate(calm=given.calm, rng=rng)
    elif given.foretell:
        foretold(series=given.series, factor=given.factor, rng=rng)
    else:
        figure(series=given.series, calm=given.calm, factor=given.factor, rng=rng)


def figure(*, series: int, calm: int, factor: float, rng: np.random.Generator) -> None:
    """Print what is noticed in time, and how often nothing was."""
    print(f"organic baskets x{factor:g} from day {CHANGED + 1}; {series} series each")
    quiet: dict[int, list[Array]] = {1: [], 10: []}
    for visits, aim, stores in CASES:
        where = "one store" if stores == 1 else f"{stores} stores together"
        print(f"{visits} visits a day, {where}: to be noticed within {aim} days")
        for share in SHARES:
            for name, sd in CHANNELS.items():
                of: dict[str, Any] = {"visits": visits, "share": share, "sd": sd, "rng": rng}

                def draw(number: int, *, days: int, by: float, of: Any = of) -> list[list[Day]]:
                    return [drawn(days=days, factor=by, **of) for _ in range(number)]

                if stores == 1:
                    found = noticed(evidence(draw(series, days=DAYS, by=factor)))
                    silent = noticed(evidence(draw(calm, days=CALM_DAYS, by=1.0)))
                else:
                    found, silent = (
                        np.array([together(draw(stores, days=days, by=by)) for _ in range(number)])
                        for number, days, by in (
                            (series // 4, DAYS, factor),
                            (calm // 10, CALM_DAYS, 1.0),
                        )
                    )
                quiet[stores].append(silent)
                _tell(
                    name,
                    share,
                    found - CHANGED,
                    aim=aim,
                    best=[
                        one(stores=stores, factor=factor, **of) for one in (learning, knowing_all)
                    ],
                )
    for stores, several in quiet.items():
        of_stores = np.concatenate(several)
        alarms = int(np.isfinite(of_stores).sum())
        months = float(np.minimum(of_stores, CALM_DAYS).sum()) / MONTH
        half = 1.96 * max(alarms, 1) ** 0.5
        print(
            f"false alarms of {stores} store(s): {alarms} in {months:.0f} months, "
            f"{alarms / months:.3f} a month "
            f"({max(0.0, alarms - half) / months:.3f}..{(alarms + half) / months:.3f})"
        )


def _tell(name: str, share: float, found: Array, *, best: list[Array], aim: int) -> None:
    inside = int(((found >= 1) & (found <= aim)).sum())
    beside = "; ".join(
        f"{who}: median {np.median(one):.0f}, in time {np.mean((one >= 1) & (one <= aim)):.2f}"
        for who, one in zip(("learning the share", "knowing all"), best, strict=True)
    )
    print(
        f"  {100 * share:.2f} % by {name:6}: median {np.median(found):.0f} days, "
        f"in time {inside} of {len(found)} ({interval(inside, len(found))}), "
        f"too early {int((found < 1).sum())}; {beside}",
        flush=True,
    )


if __name__ == "__main__":
    main()
