"""How often "what changed" is told of weeks in which nothing did. Simulated throughout.

One store of five places with readers (``planogram.World``), two periods of like weekdays, every
rate of every place and the visits a day: what ``aisle-hub report --against`` compares, but for
patterns and baskets. Surely is what the page says so of; perhaps is what alone looks like a change.

    python tests/figures/what_changed.py [--cases 100] [--seed 9800]
"""

from __future__ import annotations

import argparse

import numpy as np
from planogram import DAYPARTS, SD, VISITS_SD, Array, World, between, calendar, counts_of

from hub.patterns.shares import Estimate, ShareParams
from hub.patterns.zones import ZoneSums
from hub.reports.comparison import Comparison
from hub.reports.figures import Noised
from hub.reports.summary import Summary, ZoneRow, a_day, rates_by_day, zone_row
from hub.reports.trend import Day
from hub.reports.unrest import ByDay
from wire.messages import OUTCOMES, Zone

SQUARE = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0))
PARAMS = ShareParams()
WORLDS = {
    "days alike": World(stores=1, store_sd=0, place_sd=0, weekday_sd=0),
    "with days of their own (3 %)": World(stores=1),
    "restless (6 %, lasting .7)": World(stores=1, place_sd=0.06, lasting=0.7),
}


def summaries_of(
    world: World, *, days: int, gain: float, rng: np.random.Generator
) -> tuple[Summary, Summary]:
    """Give two periods on end; in the second, more engage in the second place."""
    counts, total = counts_of(world, effect=gain, before=days, after=days, rng=rng)
    first, second = (
        _summary(counts, total, chosen=slice(at, at + days)) for at in (0, days)
    )  # fmt: skip
    return first, second


def _summary(counts: dict[str, Array], total: Array, *, chosen: slice) -> Summary:
    dates = calendar(total.shape[1])[chosen]
    by_day = [
        _zones(counts, total, chosen=slice(at, at + 1)) for at in range(chosen.start, chosen.stop)
    ]
    arrivals = [a_day(_visits(total, chosen=slice(at, at + 1)), days=1)
                for at in range(chosen.start, chosen.stop)]  # fmt: skip
    return Summary(
        "s", dates[0].isoformat(), True, True, 0.1, 2.14, _visits(total, chosen=chosen), 1.0, (),
        tuple(_zones(counts, total, chosen=chosen).values()), (),
        until=dates[-1].isoformat(),
        days=tuple(Day(day, Estimate(0, 0, 0), 1.0, ()) for day in dates),
        by_day=(ByDay.over("", "visits a day", shares=arrivals), *rates_by_day(by_day)),
    )  # fmt: skip


def _visits(total: Array, *, chosen: slice) -> Estimate:
    seen = total[0, chosen]
    return Noised(float(seen.sum()), len(seen) * VISITS_SD**2).estimate


def _zones(counts: dict[str, Array], total: Array, *, chosen: slice) -> dict[str, ZoneRow]:
    found, visits = {}, _visits(total, chosen=chosen)
    noise = ((chosen.stop - chosen.start) * DAYPARTS * SD**2,) * len(OUTCOMES)
    for place in range(len(counts["kept"])):
        sums = tuple(int(counts[name][place, chosen].sum()) for name in OUTCOMES)
        zone = Zone(f"aisle-{place}", "aisle", f"Aisle {place}", SQUARE, True)
        found[zone.id] = zone_row(
            ZoneSums(zone.id, sums, noise), zone=zone, visits=visits, params=PARAMS
        )
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=100)
    parser.add_argument("--seed", type=int, default=9_800)
    given = parser.parse_args()
    rng = np.random.default_rng(given.seed)
    print(f"SIMULATED; {given.cases} pages a row; a page's second period against its first")
    for days in (7, 28):
        for name, world in WORLDS.items():
            for gain in (0.0, 0.2):
                sure, perhaps, number, right = 0, 0, 0, 0
                for _ in range(given.cases):
                    one, two = summaries_of(world, days=days, gain=gain, rng=rng)
                    against = Comparison.of(two, before=one)
                    number = len(against.changes)
                    # of the changed place, exposure alone is as it was for certain
                    wrong = [x for x in against.sure if not gain or x.of != "Aisle 1"]
                    sure += bool(wrong)
                    perhaps += sum(not gain or x.of != "Aisle 1" for x in against.told)
                    right += any(
                        (x.of, x.figure) == ("Aisle 1", "engagement") for x in against.sure
                    )
                print(
                    f"{days:3} days, {name:30} {100 * gain:+4.0f} %: pages with a false surely "
                    f"{between(sure, of=given.cases)}; false, surely or perhaps, "
                    f"{perhaps / given.cases:.1f} of {number} figures"
                    + (f"; the change told surely {between(right, of=given.cases)}" * (gain > 0)),
                    flush=True,
                )


if __name__ == "__main__":
    main()
