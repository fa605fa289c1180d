"""How well pattern shares hold: error by axis and day, and how often intervals hold the truth.

Days of batch-simulated visits (aisle-sim visits) are placed in the codebook's cells, noised as a
release is, and their shares estimated as a report does. Shares are moved in the two ways there are:
visits chosen by what they show (from .2 to .8 of a pattern), and shoppers whose tendencies shift.
Every other day is one of a shop that hears one shelf's goods instead of all.
Neither seeds nor shifts were seen by the confusion. Truth is the share of the day's own visits that
were placed.

    python tests/figures/pattern_coverage.py [--visits 2400] [--days 60] [--codebook FILE]
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np

from firmware_sim.batch import Change
from hub.patterns.cells import CellSums, estimate_patterns
from hub.patterns.confusion import Confusion, shipped
from hub.patterns.shares import ShareParams
from models.codebook.measure_confusion import BOTH, Columns, cells_of, shows, visits_of
from wire.codebook import Codebook, default_codebook

DAY_SD = 5.59
"""Noise on each cell of a day: ``day_cells`` at the standard budget."""
SHIFTS = ("buy", "mission", "decisive", "bargain", "quality")


@dataclass(frozen=True)
class Held:
    """One axis of one day."""

    axis: str
    error: float
    held: bool | None
    half: float


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
    noised = np.rint(counts + rng.normal(0, DAY_SD, len(counts))).astype(int)
    sums = CellSums(book.version, tuple(map(int, noised)), (DAY_SD**2,) * len(counts), 0, DAY_SD**2)
    found = estimate_patterns(
        [sums],
        codebooks={book.version: book},
        params=ShareParams(),
        confusions={book.version: confusion},
    )
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--visits", type=int, default=2400)
    parser.add_argument("--days", type=int, default=60)
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
