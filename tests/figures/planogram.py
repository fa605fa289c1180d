"""How well the report of a planogram change tells what the change did. Simulated throughout.

Stores of five places with a reader each: days of visits with the week's rhythm and days of their
own (of the store, and of each place, the latter lasting over days), what visits do in each place,
promotions elsewhere, and the discrete Gaussian noise the agents add to what they release at the
standard budget (8.5 on each zone, daypart and outcome; three dayparts). In one place the share that
engages changes on one day by a known part. Three tables:

one figure: engagement, whether or not it would be refused. Held is how often the 95 % interval
    holds the true change, told how often a change is told; of no change, that is the false alarms.
a page: all five figures, refused where the page refuses them. How often any is told, surely or
    perhaps, when nothing changed; and by an engagement that did.
the wait: pages refused after seven days are looked at again on the day they name: whether they
    still refuse, and how often a change just as large as the one asked for is then told.

    python tests/figures/planogram.py [--cases 60] [--seed 9700] [--only one|page|wait]
        [--world NAME]
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray
from scipy.stats import beta

from firmware_sim.batch import WEEK
from hub.reports.beside import Daily, Place, PlanogramParams
from hub.reports.planogram import FIGURES, Effect, effect_of, effects_of
from wire.messages import OUTCOMES

FIRST = date(2026, 3, 2)
SD, VISITS_SD, DAYPARTS = 8.5, 25.0, 3
COMING = (0.5, 0.6, 0.45, 0.4, 0.55)
ENGAGING = (0.2, 0.3, 0.24, 0.27, 0.33)
KEEPING = (0.3, 0.25, 0.35, 0.28, 0.3)
ANY = replace(PlanogramParams(), effect=1e9)
"""Tells whatever there is."""
CHANGED = ("store-0", "aisle-1")


@dataclass(frozen=True)
class World:
    """What days are like.

    Attributes:
        stores: each with five places.
        visits: a day and store.
        store_sd: of a store's own days, on the log of every place's rates.
        place_sd: of a place's own, and ``lasting`` its autocorrelation from day to day.
        weekday_sd: of a place's own rhythm of the week.
        promoted: how many promotions the other places have in eight weeks: 7 to 14 days of 10 to
            30 % more who engage.
        wander: of a place's walk that never comes back, on the log, a day.
        store_wander: likewise, of a whole store's.
        season: how far apart places are in what a season adds to them; .2 on average, at its end.
    """

    stores: int = 3
    visits: int = 2400
    store_sd: float = 0.03
    place_sd: float = 0.03
    lasting: float = 0.5
    weekday_sd: float = 0.05
    promoted: float = 0.0
    wander: float = 0.0
    store_wander: float = 0.0
    season: float = 0.0


Array = NDArray[np.float64]


def logs_of(world: World, *, days: int, rng: np.random.Generator) -> Array:
    """Give (3, P, D) what days add to the log of coming, engaging and keeping."""
    shape = 3, world.stores * len(COMING)
    own = np.zeros((*shape, days))
    own[..., 0] = rng.normal(0, world.place_sd, shape)
    fresh = rng.normal(0, world.place_sd * (1 - world.lasting**2) ** 0.5, own.shape)
    for day in range(1, days):
        own[..., day] = world.lasting * own[..., day - 1] + fresh[..., day]
    shared = np.repeat(rng.normal(0, world.store_sd, (3, world.stores, days)), len(COMING), axis=1)
    rhythm = rng.normal(0, world.weekday_sd, (*shape, 7))[..., np.arange(days) % 7]
    walk = rng.normal(0, world.wander, own.shape).cumsum(axis=2)
    together = rng.normal(0, world.store_wander, (3, world.stores, days)).cumsum(axis=2)
    walk += np.repeat(together, len(COMING), axis=1)
    if world.season:
        walk += rng.normal(0.2, world.season, (*shape, 1)) * np.linspace(0, 1, days) ** 2
    level = rng.normal(0, 0.1, (*shape, 1))
    logs: Array = level + shared + own + rhythm + walk + _promotions(world, days=days, rng=rng)
    return logs


def _promotions(world: World, *, days: int, rng: np.random.Generator) -> Array:
    found = np.zeros((3, world.stores * len(COMING), days))
    for place in range(found.shape[1]):
        for _ in range(rng.poisson(world.promoted * days / 56) if place != 1 else 0):
            since, long = rng.integers(-7, days), rng.integers(7, 15)
            found[1, place, max(0, since) : since + long] += np.log(rng.uniform(1.1, 1.3))
    return found


def places_of(
    world: World, *, effect: float, before: int, after: int, rng: np.random.Generator
) -> dict[str, list[Daily]]:
    """Give every figure of every place on the released days; ``CHANGED`` is changed."""
    return figures_of(*counts_of(world, effect=effect, before=before, after=after, rng=rng))


def counts_of(
    world: World, *, effect: float, before: int, after: int, rng: np.random.Generator
) -> tuple[dict[str, Array], Array]:
    """Give what is released: (P, D) visits of each outcome, and (S, D) visits to each store."""
    days = before + after
    logs = logs_of(world, days=days, rng=rng)
    rates = [
        np.minimum(0.95, np.tile(base, world.stores)[:, None] * np.exp(log))
        for base, log in zip((COMING, ENGAGING, KEEPING), logs, strict=True)
    ]
    rates[1][1, before:] *= 1 + effect
    visits = rng.poisson(world.visits * np.array(WEEK)[np.arange(days) % 7], (world.stores, days))
    came = rng.binomial(np.repeat(visits, len(COMING), axis=0), rates[0])
    engaged = rng.binomial(came, rates[1])
    short = rng.binomial(came - engaged, 0.25)
    kept = rng.binomial(engaged, rates[2])
    back = rng.binomial(engaged - kept, 0.2)
    rest = came - engaged - short, short, engaged - kept - back, back, kept
    # a rounded normal of that width is the discrete Gaussian to 1e-9
    noise = np.rint(rng.normal(0, SD, (DAYPARTS, len(OUTCOMES), *came.shape))).sum(axis=0)
    counts: dict[str, Array] = dict(zip(OUTCOMES, np.stack(rest) + noise, strict=True))
    total: Array = visits.astype(np.float64) + np.rint(rng.normal(0, VISITS_SD, visits.shape))
    return counts, total


def figures_of(counts: dict[str, Array], total: Array) -> dict[str, list[Daily]]:
    """Give every figure of every place."""
    return {
        figure: [
            _daily(figure, counts=counts, total=total, at=at)
            for at in range(len(counts[OUTCOMES[0]]))
        ]
        for figure in FIGURES
    }  # fmt: skip


def _daily(figure: str, *, counts: dict[str, Array], total: Array, at: int) -> Daily:
    part, whole = FIGURES[figure]
    store, number = divmod(at, len(COMING))
    place = Place(f"store-{store}", f"aisle-{number}", "", "aisle", True)
    top = sum(counts[one][at] for one in part)
    one = SD**2 * DAYPARTS
    if whole:
        bottom = sum(counts[name][at] for name in whole)
        noise = len(part) * one, len(part) * one, len(whole) * one
    else:
        bottom, noise = total[store], (len(part) * one, 0.0, VISITS_SD**2)
    return Daily(place, np.asarray(top), np.asarray(bottom), np.tile(noise, (total.shape[1], 1)))


def first_days(found: dict[str, list[Daily]], days: int) -> dict[str, list[Daily]]:
    """Give the same, with only so many days."""
    return {figure: [one.first(days) for one in rows] for figure, rows in found.items()}


def calendar(days: int) -> list[date]:
    return [FIRST + timedelta(days=n) for n in range(days)]


def told(found: dict[str, list[Daily]], *, before: int, params: PlanogramParams) -> Effect:
    """Estimate engagement alone."""
    own, *others = sorted(
        found["engagement"], key=lambda one: (one.place.store, one.place.zone) != CHANGED
    )
    days = calendar(len(own.part))
    return effect_of(
        own, others=others, figure="engagement", days=days, on=days[before], params=params
    )


def page(
    found: dict[str, list[Daily]], *, before: int, params: PlanogramParams
) -> tuple[Effect, ...]:
    """Estimate a whole page."""
    near = {f: [one for one in rows if one.place.store == CHANGED[0]] for f, rows in found.items()}
    far = {f: [one for one in rows if one.place.store != CHANGED[0]] for f, rows in found.items()}
    days = calendar(len(found["engagement"][0].part))
    return effects_of(
        near, elsewhere=far, zone=CHANGED[1], days=days, on=days[before], params=params
    )


# ---- tables --------------------------------------------------------------------------------------


WORLDS = {
    "as batch visits: no days of their own": World(store_sd=0, place_sd=0, weekday_sd=0),
    "usual": World(),
    "one store alone": World(stores=1),
    "800 visits a day": World(visits=800),
    "restless places (6 %, lasting .7)": World(place_sd=0.06, lasting=0.7),
    "promotions elsewhere, one in eight weeks": World(promoted=1.0),
    "places that wander (.7 % a day)": World(wander=0.007),
    "stores that wander (.5 % a day)": World(store_wander=0.005),
    "a season: +20 % at its end, 10 % apart": World(season=0.1),
}
NULLS = ((0.0, 28), (0.0, 14))
CHANGES = ((0.1, 28), (0.2, 28), (0.3, 28), (0.2, 14), (-0.15, 28))


def between(hits: int, *, of: int) -> str:
    """Spell a part with its exact 95 % interval (Clopper and Pearson 1934)."""
    low = float(beta.ppf(0.025, hits, of - hits + 1)) if hits else 0.0
    high = float(beta.ppf(0.975, hits + 1, of - hits)) if hits < of else 1.0
    return f"{hits} of {of} = {hits / max(1, of):.3f} [{low:.3f}, {high:.3f}]"


@dataclass(frozen=True)
class Case:
    """One judged answer."""

    effect: float
    held: bool
    told: bool
    wrong: bool
    unsure: bool
    half: float
    error: float
    refused: bool

    @classmethod
    def of(cls, one: Effect, *, effect: float) -> Case:
        assert one.change is not None
        assert one.least is not None
        low, high = one.change.low, one.change.high
        return cls(
            effect,
            low <= effect <= high,
            one.verdict in {"up", "down"},
            one.verdict == ("down" if effect > 0 else "up") and effect != 0,
            one.verdict == "unknown",
            (high - low) / 2,
            abs(one.change.value - effect),
            one.least > PlanogramParams().effect,
        )

    @classmethod
    def header(cls) -> str:
        return (
            f"{'world':40} {'change':>6} {'after':>5} {'held':>6} {'told':>6} {'wrong':>6} "
            f"{'unsure':>6} {'half':>6} {'error':>6} {'refused at 10 %':>15}"
        )


def row_of(cases: Sequence[Case]) -> str:
    """Give the means of a row of the table."""
    values = [
        (one.held, one.told, one.wrong, one.unsure, one.half, one.error, one.refused)
        for one in cases
    ]
    mean = np.mean(values, axis=0)
    return " ".join(f"{x:6.3f}" for x in mean[:6]) + f" {mean[6]:15.2f}"


def one_figure(worlds: dict[str, World], *, cases: int, rng: np.random.Generator) -> None:
    print(
        f"\nONE FIGURE, engagement, 28 days before; {cases} cases a row, half as many with a change"
    )
    print(Case.header())
    every: list[Case] = []
    for name, world in worlds.items():
        of_world: list[Case] = []
        for effect, after in NULLS + CHANGES:
            number = cases if (effect, after) in NULLS else (cases + 1) // 2
            rows = [
                told(
                    places_of(world, effect=effect, before=28, after=after, rng=rng),
                    before=28, params=ANY,
                )
                for _ in range(number)
            ]  # fmt: skip
            judged = [Case.of(one, effect=effect) for one in rows if one.change]
            of_world += judged
            few = "" if len(judged) == number else f"  of {len(judged)}"
            print(f"{name:40} {100 * effect:+5.0f}% {after:5} {row_of(judged)}{few}", flush=True)
        print(f"{name}: {summary_of(of_world)}", flush=True)
        every += of_world
    print(f"all: {summary_of(every)}")
    kept = [one for one in every if not one.refused]
    print(f"not refused at 10 %: {summary_of(kept)}")


def summary_of(cases: Sequence[Case]) -> str:
    """Say how many intervals hold the truth, and how many of no change tell one."""
    calm = [one for one in cases if one.effect == 0]
    held = between(sum(one.held for one in cases), of=len(cases))
    alarms = between(sum(one.told for one in calm), of=len(calm))
    return f"held {held}; false alarms {alarms}"


def pages(worlds: dict[str, World], *, cases: int, rng: np.random.Generator) -> None:
    print(f"\nA PAGE of five figures; {cases} cases a row; 28 days before and after")
    totals = np.zeros((2, 4), dtype=int)
    for name, world in worlds.items():
        for at, effect in enumerate((0.0, 0.2)):
            found = [
                page(
                    places_of(world, effect=effect, before=28, after=28, rng=rng),
                    before=28, params=PlanogramParams(),
                )
                for _ in range(cases)
            ]  # fmt: skip
            # more who engage are more long stops and buyers too: these two stay as they were
            wrong = FIGURES.keys() if not effect else {"exposure", "closure"}
            sure = sum(any_of(one, wrong, sure=True) for one in found)
            some = sum(any_of(one, wrong, sure=False) for one in found)
            first = sum(one[0].verdict in {"up", "down"} for one in found)
            shown = sum(effect.refused is None for one in found for effect in one)
            totals[at] += sure, some, first, cases
            print(
                f"{name:40} {100 * effect:+5.0f}%: surely {sure}, surely or perhaps {some}, of "
                f"{cases} pages with {shown / cases:.1f} figures; engagement told {first}",
                flush=True,
            )
    for name, (sure, some, first, of) in zip(
        ("nothing changed, any told", "engagement +20 %, any of exposure and closure told"),
        totals.tolist(), strict=True,
    ):  # fmt: skip
        print(f"{name} surely: {between(sure, of=of)}; surely or perhaps: {between(some, of=of)}")
        print(f"    engagement told: {between(first, of=of)}")


def any_of(effects: Iterable[Effect], figures: Iterable[str], *, sure: bool) -> bool:
    """Say whether any of some figures is told."""
    chosen = set(figures)
    return any(
        one.figure in chosen and one.verdict in {"up", "down"} and (one.sure or not sure)
        for one in effects
    )


def waits(worlds: dict[str, World], *, cases: int, rng: np.random.Generator) -> None:
    asked = PlanogramParams()
    print(
        f"\nTHE WAIT; {cases} cases a row; refused after 7 days, looked at again on the day named; "
        f"true change {100 * asked.effect:+.0f} %, the one asked for"
    )
    again, found_it, refused = [0, 0], [0, 0], 0
    for name, world in worlds.items():
        kept, hits, early, never, days_more = 0, 0, 0, 0, []
        for _ in range(cases):
            full = places_of(world, effect=asked.effect, before=28, after=asked.longest, rng=rng)
            early_page = told(first_days(full, 35), before=28, params=asked)
            early += early_page.refused is not None
            never += early_page.refused is not None and early_page.wait is None
            if not early_page.wait:
                continue
            later = told(first_days(full, 35 + early_page.wait), before=28, params=asked)
            days_more.append(early_page.wait)
            kept += later.refused is None
            hits += later.verdict == "up"
        refused += early
        again[0], again[1] = again[0] + kept, again[1] + len(days_more)
        found_it[0], found_it[1] = found_it[0] + hits, found_it[1] + kept
        median = float(np.median(days_more)) if days_more else 0.0
        print(
            f"{name:40} refused {early}, {never} of them for good; wait {median:.0f} days (median);"
            f" then answered {between(kept, of=len(days_more))}; of these told "
            f"{between(hits, of=kept)}",
            flush=True,
        )
    print(f"all: refused after 7 days {between(refused, of=cases * len(worlds))}")
    print(f"    answered on the day named: {between(again[0], of=again[1])}")
    print(f"    of these told (asked: {asked.power}): {between(found_it[0], of=found_it[1])}")


TABLES = {"one": one_figure, "page": pages, "wait": waits}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=60)
    parser.add_argument("--seed", type=int, default=9_700)
    parser.add_argument("--world", default="", help="a part of the name")
    parser.add_argument("--only", choices=sorted(TABLES))
    given = parser.parse_args()
    print("SIMULATED")
    worlds = {name: world for name, world in WORLDS.items() if given.world in name}
    for name, table in TABLES.items():
        if given.only in {None, name}:
            table(worlds, cases=given.cases, rng=np.random.default_rng(given.seed))


if __name__ == "__main__":
    main()
