"""How well pattern shares hold: error by axis and day, and how often intervals hold the truth.

Days of batch-simulated visits (aisle-sim visits) are placed in the codebook's cells, noised as a
release is, and their shares estimated as a report does. Shares are moved in the two ways there are:
visits chosen by what they show (from .2 to .8 of a pattern), and shoppers whose tendencies shift.
Every other day is one of a shop that hears one shelf's goods instead of all.
Neither seeds nor shifts were seen by the confusion. Truth is the share of the day's own visits that
were placed.

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
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from pathlib import Path

import msgspec
import numpy as np

from firmware_sim.batch import Change
from hub.patterns.cells import CellSums, Patterns, estimate_patterns
from hub.patterns.confusion import Confusion, shipped
from hub.patterns.shares import ShareParams
from hub.patterns.steady import steadied
from models.codebook.measure_confusion import BOTH, Columns, cells_of, shows, visits_of
from wire.codebook import Codebook, default_codebook

DAY_SD = 5.59
"""Noise on each cell of a day: ``day_cells`` at the standard budget."""
SHIFTS = ("buy", "mission", "decisive", "bargain", "quality")
FIT = 0.06
"""Total variation asked for, per axis and day, at 2,400 visits a day."""
MONTH = 28
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


def noised(counts: np.ndarray, *, rng: np.random.Generator) -> np.ndarray:
    """Noise a day's counts as its release."""
    return np.rint(counts + rng.normal(0, DAY_SD, len(counts))).astype(int)


def estimated(counts: np.ndarray, *, book: Codebook, confusion: Confusion) -> Patterns:
    """Estimate a day's patterns."""
    noise = (DAY_SD**2,) * len(counts)
    return estimate_patterns(
        [CellSums(book.version, tuple(map(int, counts)), noise, 0, DAY_SD**2)],
        codebooks={book.version: book},
        params=ShareParams(),
        confusions={book.version: confusion},
    )


def judge(
    cells: np.ndarray,
    labels: np.ndarray,
    *,
    axes: tuple[str, ...],
    book: Codebook,
    confusion: Confusion,
    rng: np.random.Generator,
) -> list[Held]:
    """Noise one day, estimate it and hold it against the truth."""
    counts = np.bincount(cells, minlength=len(book.cells))
    found = estimated(noised(counts, rng=rng), book=book, confusion=confusion)
    rows = []
    for one in found.shares:
        if one.name not in axes:
            continue
        truth = float(labels[:, axes.index(one.name)].mean())
        share = one.share
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
    axes = confusion.axes
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
                visits_of(seed, days=range(14), visits=visits, hearing=(heard,)) for heard in BOTH
            ]
            found = pools[number % 2]
        cells = cells_of(found, book=book)
        placed = cells >= 0
        labels = np.stack([shows(found, axis=axis) for axis in axes], axis=1)[placed]
        cells = cells[placed]
        if kind == "chosen":
            axis = number % len(axes)
            share = rng.uniform(0.2, 0.8)
            own = labels[:, axis].mean()
            weight = np.where(labels[:, axis], share / own, (1 - share) / (1 - own))
            chosen = rng.choice(len(cells), size=visits, p=weight / weight.sum())
            cells, labels = cells[chosen], labels[chosen]
        elif len(cells) > visits:
            chosen = rng.permutation(len(cells))[:visits]
            cells, labels = cells[chosen], labels[chosen]
        rows += judge(cells, labels, axes=axes, book=book, confusion=confusion, rng=rng)
    return rows


@dataclass(frozen=True)
class Month:
    """One store's days, (D, A) by axis; held where the interval has the truth in it.

    Attributes:
        exact: estimates from counts without noise.
    """

    truth: np.ndarray
    exact: np.ndarray
    alone: np.ndarray
    alone_held: np.ndarray
    told: np.ndarray
    told_held: np.ndarray
    half: np.ndarray


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
    axes = confusion.axes
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
        cells = cells_of(found, book=book)
        placed = cells >= 0
        truth.append([shows(found, axis=axis)[placed].mean() for axis in axes])
        counts = np.bincount(cells[placed], minlength=len(book.cells))
        exact.append(estimated(counts, book=book, confusion=confusion))
        day = date(2026, 2, 2) + timedelta(days=number)
        noisy[day] = estimated(noised(counts, rng=rng), book=book, confusion=confusion)
    together = steadied(noisy, show=ShareParams())

    def table(days: list[Patterns]) -> np.ndarray:
        rows = [
            [
                (s.value, s.low, s.high)
                for one in day.shares
                if one.name in axes
                for s in [one.share]
            ]
            for day in days
        ]
        return np.array(rows, dtype=np.float64)

    true = np.array(truth)
    alone, told = table(list(noisy.values())), table(list(together.values()))
    return Month(
        true,
        table(exact)[..., 0],
        alone[..., 0],
        (alone[..., 1] <= true) & (true <= alone[..., 2]),
        told[..., 0],
        (told[..., 1] <= true) & (true <= told[..., 2]),
        (told[..., 2] - told[..., 1]) / 2,
    )


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


def print_stores(months: list[Month], *, axes: tuple[str, ...]) -> None:
    """Say what the errors are made of."""
    print(f"{len(months)} stores of {MONTH} days, two tendencies of each moved by up to .5")
    print(f"{'standard deviations':12} {'wrong every day':>15} {'noise':>6} {'which cells':>11}")
    for place, axis in enumerate(axes):
        own = [one.alone[:, place] - one.truth[:, place] for one in months]
        noise = [one.alone[:, place] - one.exact[:, place] for one in months]
        cells = [one.exact[:, place] - one.truth[:, place] for one in months]
        always = np.sqrt(np.mean([np.mean(one) ** 2 for one in own]))
        chance = np.sqrt(np.mean([np.var(one) for one in cells]))
        print(f"{axis:19} {always:15.3f} {np.sqrt(np.mean([np.var(n) for n in noise])):6.3f} "
              f"{chance:11.3f}")  # fmt: skip
    print(f"{'told':19} {'axis':12} {'mean TV':>8} {'90 %':>6} {'most':>6} {'<= .06':>6} "
          f"{'held':>6}")  # fmt: skip
    for name in ("alone", "told"):
        errors = np.stack([np.abs(getattr(one, name) - one.truth) for one in months])
        held = np.stack([getattr(one, f"{name}_held") for one in months])
        kind = "with the other days" if name == "told" else "each day alone"
        for place, axis in enumerate(axes):
            one = errors[..., place]
            print(
                f"{kind:19} {axis:12} {np.nanmean(one):8.3f} {np.nanquantile(one, 0.9):6.3f} "
                f"{np.nanmax(one):6.3f} {np.mean(one <= FIT):6.3f} {held[..., place].mean():6.3f}"
            )
        print(f"{kind:19} all {held.size} intervals: {held.mean():.3f} hold the truth")


def print_changes(
    book: Codebook, confusion: Confusion, *, visits: int, count: int, seed: int
) -> None:
    """Say how much of a change shows on its day."""
    axes = confusion.axes
    kinds = {
        "one day": lambda number: number == CHANGED,
        "from a day on": lambda number: number >= CHANGED,
    }
    print(f"{'a change of':14} {'axis':12} {'truly':>6} {'shown':>6} {'held':>6}  on its day;"
          "  held on all days")  # fmt: skip
    for kind, is_changed in kinds.items():
        for axis, latent in (("wanderer", "mission"), ("indecisive", "decisive")):
            change = (Change(0, latent, -TENTH),)
            months = [
                month(
                    book, confusion, visits=visits, seed=seed + 17 * number,
                    hearing=number % 2 == 0,
                    changes=partial(_when, now=is_changed, moved=change),
                )
                for number in range(count)
            ]  # fmt: skip
            place = axes.index(axis)
            truth = np.stack([one.truth[:, place] for one in months])
            told = np.stack([one.told[:, place] for one in months])
            held = np.stack([one.told_held[:, place] for one in months])
            usual = truth[:, :CHANGED].mean()
            print(f"{kind:14} {axis:12} {(truth[:, CHANGED] - usual).mean():6.3f} "
                  f"{(told[:, CHANGED] - usual).mean():6.3f} {held[:, CHANGED].mean():6.2f}"
                  f"{'':14}{held.mean():6.3f}")  # fmt: skip


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
        print_stores(found, axes=confusion.axes)
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
        for axis in confusion.axes:
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
