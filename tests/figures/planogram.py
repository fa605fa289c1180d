"""How well the report of a planogram change tells what the change did. Simulated throughout.

Three stores of five places: days of visits with the week's rhythm and days of their own (of the
store, and of each place, the latter lasting over days), what visits do in each place, and the
discrete Gaussian noise the agents add to what they release at the standard budget (8.5 on each
zone, daypart and outcome; three dayparts). In one place the share that engages changes on one day
by a known part. Engagement is then estimated as ``aisle-hub report --changed`` does, whether or not
it would be refused: held is how often the 95 % interval holds the true change, and told how often a
change is told; of no change, that is the false alarm rate. Refused ones are left out of neither;
the last column is how many would be refused for a change of 10 %.

    python tests/figures/planogram.py [--cases 300]
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from firmware_sim.batch import WEEK
from hub.reports.beside import Daily, Place, PlanogramParams
from hub.reports.planogram import Effect, effect_of

FIRST = date(2026, 3, 2)
SD, DAYPARTS = 8.5, 3
COMING = (0.5, 0.6, 0.45, 0.4, 0.55)
ENGAGING = (0.2, 0.3, 0.24, 0.27, 0.33)
ANY = replace(PlanogramParams(), effect=1e9)
"""Tells whatever there is."""


@dataclass(frozen=True)
class World:
    """What days are like.

    Attributes:
        stores: each with five places.
        visits: a day and store.
        store_sd: of a store's own days, on the log of every place's share.
        place_sd: of a place's own, and ``lasting`` its autocorrelation from day to day.
        weekday_sd: of a place's own rhythm of the week.
    """

    stores: int = 3
    visits: int = 2400
    store_sd: float = 0.03
    place_sd: float = 0.03
    lasting: float = 0.5
    weekday_sd: float = 0.05


def noised(counts: NDArray[np.int64], *, rng: np.random.Generator) -> NDArray[np.float64]:
    """Add three dayparts' noise: a rounded normal of that width is the discrete one to 1e-9."""
    return counts + np.rint(rng.normal(0, SD, (DAYPARTS, *counts.shape))).sum(axis=0)


def days_of(
    world: World, *, effect: float, before: int, after: int, rng: np.random.Generator
) -> list[Daily]:
    """Give every place's released days; the first store's second place is changed."""
    days = before + after
    weekday = np.arange(days) % 7
    found = []
    for store in range(world.stores):
        visits = rng.poisson(world.visits * np.array(WEEK)[weekday])
        shared = rng.normal(0, world.store_sd, days)
        for number, (coming, engaging) in enumerate(zip(COMING, ENGAGING, strict=True)):
            own = np.zeros(days)
            own[0] = rng.normal(0, world.place_sd)
            for day in range(1, days):
                own[day] = world.lasting * own[day - 1] + rng.normal(
                    0, world.place_sd * (1 - world.lasting**2) ** 0.5
                )
            rhythm = rng.normal(0, world.weekday_sd, 7)[weekday]
            level = engaging * np.exp(rng.normal(0, 0.1) + shared + own + rhythm)
            if (store, number) == (0, 1):
                level[before:] *= 1 + effect
            passers = rng.binomial(visits, coming)
            engaged = rng.binomial(passers, np.minimum(0.95, level))
            short = rng.binomial(passers - engaged, 0.25)
            counts = noised(np.stack([passers - engaged - short, short, engaged]), rng=rng)
            variance = SD**2 * DAYPARTS
            noise = np.full((days, 3), variance) * [1, 1, 3]
            place = Place(f"store-{store}", f"aisle-{number}", "", "aisle", False)
            found.append(Daily(place, counts[2], counts.sum(axis=0), noise))
    return found


def told(
    world: World, *, effect: float, rng: np.random.Generator, before: int = 28, after: int = 28,
    params: PlanogramParams = ANY,
) -> Effect:  # fmt: skip
    """Estimate one case."""
    own, *others = sorted(
        days_of(world, effect=effect, before=before, after=after, rng=rng),
        key=lambda one: (one.place.store, one.place.zone) != ("store-0", "aisle-1"),
    )
    days = [FIRST + timedelta(days=n) for n in range(before + after)]
    return effect_of(
        own, others=others, figure="engagement", days=days, on=days[before], params=params
    )


def judge(one: Effect, *, effect: float) -> tuple[float, ...]:
    """Give what a row of the table is the mean of."""
    assert one.change is not None
    assert one.least is not None
    low, high = one.change.low, one.change.high
    return (
        low <= effect <= high,
        one.verdict in {"up", "down"},
        one.verdict == ("down" if effect > 0 else "up") and effect != 0,
        one.verdict == "unknown",
        (high - low) / 2,
        abs(one.change.value - effect),
        one.least > PlanogramParams().effect,
        effect,
    )


CASES = ((0.0, 28), (0.0, 14), (0.1, 28), (0.2, 14), (-0.15, 28), (0.4, 28))
WORLDS = {
    "as batch visits: no days of their own": World(store_sd=0, place_sd=0, weekday_sd=0),
    "usual": World(),
    "one store alone": World(stores=1),
    "800 visits a day": World(visits=800),
    "restless places (6 %, lasting .7)": World(place_sd=0.06, lasting=0.7),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=300)
    parser.add_argument("--seed", type=int, default=9_001)
    given = parser.parse_args()
    rng = np.random.default_rng(given.seed)
    print(f"SIMULATED; {given.cases} cases a row; 28 days before; engagement")
    print(
        f"{'world':40} {'change':>6} {'after':>5} {'held':>6} {'told':>6} {'wrong way':>9} "
        f"{'unsure':>6} {'half':>6} {'error':>6} {'refused at 10 %':>15}"
    )
    every = []
    for name, world in WORLDS.items():
        for effect, after in CASES:
            rows = [told(world, effect=effect, after=after, rng=rng) for _ in range(given.cases)]
            judged = [judge(one, effect=effect) for one in rows if one.change]
            every += judged
            mean = np.mean(judged, axis=0)
            print(
                f"{name:40} {100 * effect:+5.0f}% {after:5} {mean[0]:6.3f} {mean[1]:6.3f} "
                f"{mean[2]:9.3f} {mean[3]:6.3f} {mean[4]:6.3f} {mean[5]:6.3f} {mean[6]:15.2f}"
                + ("" if len(judged) == given.cases else f"  of {len(judged)}"),
                flush=True,
            )
    told_of("all", every)
    told_of("not refused at 10 %", [one for one in every if not one[6]])


def told_of(name: str, rows: list[tuple[float, ...]]) -> None:
    """Print how many intervals hold the truth, and how many of no change tell one."""
    calm = [one for one in rows if one[7] == 0]
    print(
        f"{name}: {len(rows)} intervals, {np.mean(rows, axis=0)[0]:.3f} hold the truth; "
        f"{len(calm)} of no change, {np.mean(calm, axis=0)[1]:.3f} told (false alarms)"
    )


if __name__ == "__main__":
    main()
