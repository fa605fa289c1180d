"""How well pattern shares hold: error by axis and day, and how often intervals hold the truth.

Days of batch-simulated visits (aisle-sim visits) are counted in the codebook's cells, at promotions
and by price tier, noised as the demo store's releases are, and their shares estimated as a report
does. Shares are moved in the two ways there are:
visits chosen by what they show (from .2 to .8 of a pattern), and shoppers whose tendencies shift.
Every other day is one of a shop that hears one shelf's goods instead of all.
Neither seeds nor shifts were seen by the confusions. Truth is the share of the day's visits that
were placed; of bargain hunters that of all visits, of quality seekers that of baskets with a tier.

Then stores of four weeks each, whose days are told alone and, as reports do, with the help of the
others (hub/patterns/steady.py): what is wrong every day alike, and what is another error each day,
of the release's noise and of which cells visits fell into; then months in which shoppers' tendency
changes, on one day or from one day on, by what moves a share by a tenth.

    python tests/figures/pattern_coverage.py [--visits 2400] [--days 60] [--codebook FILE]
    python tests/figures/pattern_coverage.py --days 0 --stores 10
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path

import msgspec
import numpy as np

from edge.release.privacy import Budget
from firmware_sim.batch import TAGS, Change
from hub.patterns.cells import Patterns, add_cells, estimate_patterns
from hub.patterns.confusion import Confusion, shipped
from hub.patterns.drawn import PROMOTION, TIERS, estimate_drawn
from hub.patterns.shares import ShareParams
from hub.patterns.steady import steadied
from models.codebook.measure_confusion import (
    BOTH,
    LATENT,
    Columns,
    cells_of,
    drawn_cells_of,
    shows,
    visits_of,
)
from wire.codebook import Codebook, default_codebook
from wire.messages import DROPPED, OUTCOMES, PATTERNS, PRICE_TIERS, Axis, Release, Zone

BUDGET = Budget().fitted({"day_cells": 1, "zones": 5, "tags": 1 + len(TAGS)})
"""The standard one, in the demo store."""
DAYPARTS = 4
AXES = (*PATTERNS, "bargain", "quality")
PROMO = {"promo": Zone("promo", "promo", "", ((0, 0), (1, 0), (1, 1)))}
SHIFTS = ("buy", "mission", "decisive", "bargain", "quality")
FIT = 0.06
"""Total variation asked for, per axis and day, at 2,400 visits a day."""
MONTH = 28
POOL = 14
"""Days that visits are chosen from."""
START = datetime(2026, 2, 2, tzinfo=UTC)
CHANGED = 16
"""Day of a month on which something changes; a Wednesday."""
TENTH = 0.255
"""Of a tendency: moves the share that is on one side of zero by a tenth."""


@dataclass(frozen=True)
class Held:
    """One axis of one day."""

    axis: str
    error: float
    held: bool | None
    half: float


@dataclass(frozen=True)
class Records:
    """Visits, by what they are counted in.

    Attributes:
        cells: (V,) of the codebook; -1 for those that could not be placed.
        stopped: (V,) 0 for those that stopped at a promotion, else 1.
        tiers: (V,) of the basket; -1 for those without.
        labels: (V, A) which patterns they truly show.
    """

    cells: np.ndarray
    stopped: np.ndarray
    tiers: np.ndarray
    labels: np.ndarray

    @classmethod
    def of(cls, found: Columns, *, book: Codebook) -> Records:
        """Count simulated visits as an agent does."""
        return cls(
            cells_of(found, book=book),
            drawn_cells_of(found, drawn=PROMOTION),
            drawn_cells_of(found, drawn=TIERS),
            np.stack([shows(found, axis=axis) for axis in AXES], axis=1),
        )

    def some(self, chosen: np.ndarray) -> Records:
        """Give some of them."""
        parts = (self.cells, self.stopped, self.tiers, self.labels)
        return Records(*(part[chosen] for part in parts))

    @property
    def truth(self) -> np.ndarray:
        """Give the share of each axis."""
        own = {"bargain": self.stopped >= 0, "quality": self.tiers >= 0}
        return np.array(
            [
                self.labels[own.get(axis, self.cells >= 0), place].mean()
                for place, axis in enumerate(AXES)
            ]
        )

    def releases(self, *, book: Codebook, rng: np.random.Generator | None) -> list[Release]:
        """Release them as a day's; without ``rng`` bare."""
        placed = np.bincount(self.cells[self.cells >= 0], minlength=len(book.cells))
        stops = np.zeros((DAYPARTS, len(OUTCOMES)))
        stops[0, :2] = np.bincount(self.stopped, minlength=2)[::-1]
        tiers = np.bincount(self.tiers[self.tiers >= 0], minlength=len(PRICE_TIERS))
        cells = Axis("cell", (*map(str, range(len(placed))), DROPPED))
        zones = (
            Axis("zone", ("promo",)),
            Axis("daypart", tuple(map(str, range(DAYPARTS)))),
            Axis("outcome", OUTCOMES),
        )
        told = (
            ("day_cells", (cells,), np.append(placed, (self.cells < 0).sum())),
            ("zones", zones, stops.ravel()),
            ("tags", (Axis("tag", PRICE_TIERS),), tiers),
        )
        found = []
        for channel, axes, counts in told:
            sd = BUDGET.channel(channel).sd if rng else 1e-6
            noised = np.rint(counts + (rng.normal(0, sd, len(counts)) if rng else 0))
            found.append(
                Release(
                    epoch="0" * 16, seq=1, channel=channel, window_start=START,
                    window_end=START + timedelta(days=1), plan="1", codebook=book.version,
                    axes=axes, counts=tuple(map(int, noised)), sd=sd, rho=0.01,
                    standard_privacy=True, coverage=1.0,
                )
            )  # fmt: skip
        return found


def estimated(releases: list[Release], *, book: Codebook, confusion: Confusion) -> Patterns:
    """Estimate a day's patterns."""
    found = estimate_patterns(
        add_cells(releases),
        codebooks={book.version: book},
        params=ShareParams(),
        confusions={book.version: confusion},
    )
    drawn = estimate_drawn(releases, zones=PROMO, show=ShareParams())
    return replace(found, shares=(*found.shares, *drawn))


def judge(
    records: Records, *, book: Codebook, confusion: Confusion, rng: np.random.Generator
) -> list[Held]:
    """Noise one day, estimate it and hold it against the truth."""
    found = estimated(records.releases(book=book, rng=rng), book=book, confusion=confusion)
    rows = []
    for one, true in zip(found.shares, records.truth, strict=True):
        truth, share = float(true), one.share
        if share.value is None or share.low is None or share.high is None:
            rows.append(Held(one.name, 0.0, None, 0.0))
        else:
            held = share.low <= truth <= share.high
            rows.append(Held(one.name, abs(share.value - truth), held, share.high - share.value))
    return rows


def days(
    book: Codebook, confusion: Confusion, *, visits: int, count: int, seed: int, kind: str
) -> list[Held]:
    """Judge days whose shares were moved; ``kind`` is plain, chosen or shifted."""
    rng = np.random.default_rng(seed)
    rows: list[Held] = []
    pools: list[Columns] = []
    for number in range(count):
        hearing = (number % 2 == 0,)
        if kind == "shifted":
            change = Change(0, SHIFTS[number % len(SHIFTS)], float(rng.uniform(-0.5, 0.5)))
            found = visits_of(
                seed + number,
                days=[number % 28],
                visits=visits,
                changes=(change,),
                hearing=hearing,
            )
        elif kind == "plain":
            found = visits_of(seed + number, days=[number % 28], visits=visits, hearing=hearing)
        else:
            pools = pools or [
                visits_of(seed, days=range(POOL), visits=visits, hearing=(heard,)) for heard in BOTH
            ]
            found = pools[number % 2]
        records = Records.of(found, book=book)
        if kind == "chosen":
            label = records.labels[:, number % len(AXES)]
            share, own = rng.uniform(0.2, 0.8), label.mean()
            weight = np.where(label, share / own, (1 - share) / (1 - own))
            size = len(label) // POOL
            records = records.some(rng.choice(len(label), size=size, p=weight / weight.sum()))
        rows += judge(records, book=book, confusion=confusion, rng=rng)
    return rows


@dataclass(frozen=True)
class Month:
    """One store's days, (D, A) by axis; held is 1 where the interval has the truth in it.

    What is withheld is NaN.

    Attributes:
        exact: estimates from counts without noise.
    """

    truth: np.ndarray
    exact: np.ndarray
    alone: np.ndarray
    alone_held: np.ndarray
    told: np.ndarray
    told_held: np.ndarray


def month(
    book: Codebook,
    confusion: Confusion,
    *,
    visits: int,
    seed: int,
    hearing: bool,
    changes: Callable[[int], tuple[Change, ...]],
) -> Month:
    """Tell a store's days, each alone and with the help of the others."""
    rng = np.random.default_rng((seed, 1))
    alike: dict[tuple[Change, ...], list[int]] = {}
    for number in range(MONTH):
        alike.setdefault(changes(number), []).append(number)
    days: dict[int, Columns] = {}
    for change, numbers in alike.items():
        some = visits_of(seed, days=numbers, visits=visits, changes=change, hearing=(hearing,))
        for number in numbers:
            today = some["day"] == number
            days[number] = {name: values[today] for name, values in some.items()}
    truth, exact, noisy = [], [], {}
    for number, found in sorted(days.items()):
        records = Records.of(found, book=book)
        truth.append(records.truth)
        bare, released = (records.releases(book=book, rng=one) for one in (None, rng))
        exact.append(estimated(bare, book=book, confusion=confusion))
        day = date(2026, 2, 2) + timedelta(days=number)
        noisy[day] = estimated(released, book=book, confusion=confusion)
    together = steadied(noisy, show=ShareParams())

    def table(days: list[Patterns]) -> np.ndarray:
        rows = [
            [(s.value, s.low, s.high) for one in day.shares for s in [one.share]] for day in days
        ]
        return np.array(rows, dtype=np.float64)

    true = np.array(truth)
    alone, told = table(list(noisy.values())), table(list(together.values()))
    return Month(
        true,
        table(exact)[..., 0],
        alone[..., 0],
        _holds(alone, true=true),
        told[..., 0],
        _holds(told, true=true),
    )


def _holds(told: np.ndarray, *, true: np.ndarray) -> np.ndarray:
    """Tell whether intervals hold the truth; NaN where they are withheld."""
    held = (told[..., 1] <= true) & (true <= told[..., 2])
    return np.where(np.isnan(told[..., 0]), np.nan, held)


def _always(_: int, *, moved: tuple[Change, ...]) -> tuple[Change, ...]:
    return moved


def _when(day: int, *, now: Callable[[int], bool], moved: tuple[Change, ...]) -> tuple[Change, ...]:
    return moved if now(day) else ()


def stores(
    book: Codebook, confusion: Confusion, *, visits: int, count: int, seed: int
) -> list[Month]:
    """Tell months of stores whose shoppers differ from the confusion's."""
    rng = np.random.default_rng(seed)
    months = []
    for number in range(count):
        shifts = {name: float(rng.uniform(-0.5, 0.5)) for name in rng.permutation(SHIFTS)[:2]}
        moved = tuple(Change(0, name, by) for name, by in shifts.items())
        months.append(
            month(
                book, confusion, visits=visits, seed=seed + 31 * number, hearing=number % 2 == 0,
                changes=partial(_always, moved=moved),
            )
        )  # fmt: skip
    return months


def print_stores(months: list[Month]) -> None:
    """Say what the errors are made of."""
    print(f"{len(months)} stores of {MONTH} days, two tendencies of each moved by up to .5")
    print(f"{'standard deviations':12} {'wrong every day':>15} {'noise':>6} {'which cells':>11}")
    for place, axis in enumerate(AXES):
        own = [one.alone[:, place] - one.truth[:, place] for one in months]
        noise = [one.alone[:, place] - one.exact[:, place] for one in months]
        cells = [one.exact[:, place] - one.truth[:, place] for one in months]
        always = np.sqrt(np.mean([np.nanmean(one) ** 2 for one in own]))
        chance = np.sqrt(np.mean([np.nanvar(one) for one in cells]))
        print(f"{axis:19} {always:15.3f} {np.sqrt(np.mean([np.nanvar(n) for n in noise])):6.3f} "
              f"{chance:11.3f}")  # fmt: skip
    print(f"{'told':19} {'axis':12} {'mean TV':>8} {'90 %':>6} {'most':>6} {'<= .06':>6} "
          f"{'held':>6} withheld")  # fmt: skip
    for kind, name, some in (
        ("each day alone", "alone", months),
        ("with the other days", "told", months),
        ("- all goods heard", "told", months[::2]),
        ("- one shelf heard", "told", months[1::2]),
    ):
        errors = np.stack([np.abs(getattr(one, name) - one.truth) for one in some])
        held = np.stack([getattr(one, f"{name}_held") for one in some])
        for place, axis in enumerate(AXES):
            one = errors[..., place][~np.isnan(errors[..., place])]
            print(
                f"{kind:19} {axis:12} {one.mean():8.3f} {np.quantile(one, 0.9):6.3f} "
                f"{one.max():6.3f} {np.mean(one <= FIT):6.3f} {np.nanmean(held[..., place]):6.3f}"
                f" {errors[..., place].size - one.size:8}"
            )
        shown = np.isfinite(held).sum()
        print(f"{kind:19} all {shown} intervals: {np.nanmean(held):.3f} hold the truth")


def print_changes(
    book: Codebook, confusion: Confusion, *, visits: int, count: int, seed: int
) -> None:
    """Say how much of a change shows on its day."""
    kinds = {
        "one day": lambda number: number == CHANGED,
        "from a day on": lambda number: number >= CHANGED,
    }
    print(f"{'a change of':14} {'axis':12} {'truly':>6} {'shown':>6} {'held':>6}  on its day;"
          "  held on all days")  # fmt: skip
    for kind, is_changed in kinds.items():
        for axis in AXES[1:]:
            latent, sign = LATENT[axis]
            change = (Change(0, latent, sign * TENTH),)
            months = [
                month(
                    book, confusion, visits=visits, seed=seed + 17 * number,
                    hearing=number % 2 == 0,
                    changes=partial(_when, now=is_changed, moved=change),
                )
                for number in range(count)
            ]  # fmt: skip
            place = AXES.index(axis)
            truth = np.stack([one.truth[:, place] for one in months])
            told = np.stack([one.told[:, place] for one in months])
            held = np.stack([one.told_held[:, place] for one in months])
            usual = truth[:, :CHANGED].mean()
            print(f"{kind:14} {axis:12} {(truth[:, CHANGED] - usual).mean():6.3f} "
                  f"{(told[:, CHANGED] - usual).mean():6.3f} {np.nanmean(held[:, CHANGED]):6.2f}"
                  f"{'':14}{np.nanmean(held):6.3f}")  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--visits", type=int, default=2400)
    parser.add_argument("--days", type=int, default=60)
    parser.add_argument("--stores", type=int, default=10)
    parser.add_argument("--seed", type=int, default=5_001)
    parser.add_argument("--codebook", type=Path)
    parser.add_argument("--confusion", type=Path)
    given = parser.parse_args()
    book = default_codebook()
    if given.codebook:
        book = msgspec.json.decode(given.codebook.read_bytes(), type=Codebook)
    if given.confusion:
        confusion = msgspec.json.decode(given.confusion.read_bytes(), type=Confusion)
    else:
        confusion = shipped(book)
    if given.days:
        print_days(book, confusion, given=given)
    if given.stores:
        sizes = {"visits": given.visits, "count": given.stores}
        found = stores(book, confusion, seed=given.seed + 10_000, **sizes)
        print_stores(found)
        print_changes(book, confusion, seed=given.seed + 20_000, **sizes)


def print_days(book: Codebook, confusion: Confusion, *, given: argparse.Namespace) -> None:
    """Judge single days, each by its own counts."""
    print(f"codebook {book.version}, {given.visits} visits a day, {given.days} days of each kind")
    print(f"{'kind':9} {'axis':12} {'mean |error|':>12} {'90 %':>6} {'half':>6} {'held':>6} shown")
    every: list[Held] = []
    for kind in ("plain", "chosen", "shifted"):
        rows = days(
            book, confusion, visits=given.visits, count=given.days, seed=given.seed, kind=kind
        )
        every += rows
        for axis in AXES:
            told = [row for row in rows if row.axis == axis]
            shown = [row for row in told if row.held is not None]
            errors = np.array([row.error for row in shown] or [np.nan])
            print(
                f"{kind:9} {axis:12} {errors.mean():12.3f} {np.quantile(errors, 0.9):6.3f} "
                f"{np.mean([row.half for row in shown] or [np.nan]):6.3f} "
                f"{np.mean([row.held for row in shown] or [np.nan]):6.3f} {len(shown)}/{len(told)}"
            )
    shown = [row for row in every if row.held is not None]
    print(f"all: {len(shown)} intervals, {np.mean([row.held for row in shown]):.3f} hold the truth")


if __name__ == "__main__":
    main()
