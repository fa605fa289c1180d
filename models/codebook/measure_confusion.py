"""Measure how visits fall into what they are counted in: ``hub/patterns/confusions/*.json``.

That is a codebook's cells, and beside them whether a visit stopped at a promotion, and the price
tier of its basket (``hub/patterns/drawn.py``). Batch-simulated visits with the errors of an agent
on top (``aisle-sim visits``), half of them of shops that hear all goods, half of shops that hear
one shelf's; staff is left out, as the agent leaves it out. To be run again for every codebook that
is published.

    python -m models.codebook.measure_confusion --out hub/patterns/confusions
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from firmware_sim.batch import Batches, Change, Marks
from firmware_sim.store import default_store
from hub.patterns.confusion import Confusion, fingerprint
from hub.patterns.drawn import PROMOTION, TIERS, Drawn
from wire.codebook import Codebook, default_codebook

Array = NDArray[np.float64]
Columns = dict[str, NDArray[Any]]
LATENT = {
    "wanderer": ("mission", -1.0),
    "indecisive": ("decisive", -1.0),
    "bargain": ("bargain", 1.0),
    "quality": ("quality", 1.0),
}
"""The tendency behind a pattern, and its sign; a pattern without one leans by showing."""
BOTH = (True, False)
"""Shops that hear all goods, and shops that hear one shelf's."""
OTHERS = 10_000
"""Between their seeds, so that they are visited by others."""
EDGES = (-1.5, -1.0, -0.5, 0.0, 0.5, 1.0, 1.5)
"""Between kinds of a tendency, so fine that a tendency that moves as a whole moves each kind."""
SPREAD = 0.5
"""Standard deviation of all leanings: that of a pattern which half of the visits show."""
STOPPED = "stopped_at_promotion"
"""A column beside the simulator's: the agent told a stop at a promotion, or of goods of one."""


def visits_of(
    seed: int,
    *,
    days: Sequence[int],
    visits: float,
    changes: Sequence[Change] = (),
    hearing: Sequence[bool] = BOTH,
) -> Columns:
    """Simulate customers' records on some days, ``STOPPED`` among their columns.

    Args:
        seed: of the visits.
        days: numbers.
        visits: a day, on average.
        changes: what differs from some day on.
        hearing: of each kind of shop, whether all its goods are heard or one shelf's.
    """
    parts = []
    store = default_store()
    promotions = np.array([shelf.promo for shelf in store.shelves])
    for all_heard in hearing:
        batches = Batches(
            store,
            visits=visits,
            seed=seed if all_heard else seed + OTHERS,
            changes=changes,
            readers_only=not all_heard,
        )
        for day in days:
            columns, marks = batches.marked_day(day)
            parts.append(columns | {STOPPED: stopped(marks, promotions=promotions)})
    whole = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    shopping = whole["role"] != "staff"
    return {name: values[shopping] for name, values in whole.items()}


def stopped(marks: Marks, *, promotions: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Tell which records did more at a promotion than pass, as the agent's outcomes do.

    Args:
        marks: of a day's records.
        promotions: (S,) which shelves are one.
    """
    stops = marks.found & (marks.shelves >= 0) & promotions[marks.shelves]
    hands = (marks.heard > 0) & (marks.handled >= 0) & promotions[marks.handled]
    return np.asarray((stops | hands).any(axis=1))


def cells_of(found: Columns, *, book: Codebook) -> NDArray[np.int64]:
    """Give each visit's cell as ``edge.release.codebook.nearest_cell`` does; -1 where none."""
    prototypes = np.array([cell.prototype for cell in book.cells])
    gaps = np.zeros((len(found["visit"]), len(prototypes)))
    placed = np.ones(len(gaps), dtype=bool)
    for number, scaling in enumerate(book.scaling):
        values = np.asarray(found[scaling.trait], dtype=np.float64)
        bent = np.log1p(values) if scaling.log else values
        told = ~np.isnan(bent)
        gap = ((bent - scaling.centre) / scaling.spread)[:, None] - prototypes[None, :, number]
        gaps += np.where(told[:, None], gap**2, 0.0)
        if not scaling.optional:
            placed &= told
    nearest: NDArray[np.int64] = np.where(placed, gaps.argmin(axis=1), -1)
    return nearest


def drawn_cells_of(found: Columns, *, drawn: Drawn) -> NDArray[np.int64]:
    """Give the same for what is counted beside cells."""
    if drawn is PROMOTION:
        return np.where(found[STOPPED], 0, 1)
    tier = np.asarray(found["price_tier"], dtype=np.float64)
    many = len(drawn.cells)
    # as edge.release.goods names it
    return np.where(
        np.isnan(tier), -1, np.minimum(many - 1, np.nan_to_num(tier) * many).astype(np.int64)
    )


def shows(found: Columns, *, axis: str) -> NDArray[np.bool_]:
    """Tell which visits truly show a pattern."""
    if f"true_{axis}" in found and found[f"true_{axis}"].dtype == bool:
        return found[f"true_{axis}"]
    latent, sign = LATENT[axis]
    return np.asarray(sign * found[f"true_{latent}"] > 0)


def confusion_of(
    found: Columns,
    *,
    cells: NDArray[np.int64],
    counted_in: Codebook | Drawn,
    axes: Sequence[str],
    source: str,
) -> Confusion:
    """Count visits by kind and cell.

    Args:
        found: visits.
        cells: of each, -1 for those that are not counted.
        counted_in: what the cells are of.
        axes: patterns.
        source: what was simulated, for people.
    """
    found = {name: values[cells >= 0] for name, values in found.items()}
    cells = cells[cells >= 0]
    labels = np.stack([shows(found, axis=axis) for axis in axes], axis=1).astype(np.float64)
    leanings = np.empty_like(labels)
    kinds = np.zeros(len(cells), dtype=np.int64)
    for number, axis in enumerate(axes):
        if axis in LATENT:
            latent, sign = LATENT[axis]
            tendency = sign * np.asarray(found[f"true_{latent}"], dtype=np.float64)
            leanings[:, number] = SPREAD * tendency
            kinds = kinds * (len(EDGES) + 1) + np.digitize(tendency, EDGES)
        else:
            leanings[:, number] = labels[:, number]
            kinds = kinds * 2 + labels[:, number].astype(np.int64)
    _, kinds = np.unique(kinds, return_inverse=True)
    many = int(kinds.max()) + 1
    table = np.zeros((many, len(counted_in.cells)), dtype=np.int64)
    np.add.at(table, (kinds, cells), 1)
    sizes = table.sum(axis=1)[:, None]

    def means(values: Array) -> tuple[tuple[float, ...], ...]:
        summed = np.zeros((many, values.shape[1]))
        np.add.at(summed, kinds, values)
        return tuple(tuple(round(float(x), 4) for x in row) for row in summed / sizes)

    name, known_by = (
        (counted_in.version, fingerprint(counted_in))
        if isinstance(counted_in, Codebook)
        else (counted_in.name, counted_in.fingerprint)
    )
    return Confusion(
        counted_in=name,
        cells=known_by,
        axes=tuple(axes),
        labels=means(labels),
        leanings=means(leanings),
        counts=tuple(tuple(int(n) for n in row) for row in table),
        source=source,
    )


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--codebook", type=Path, help="JSON; without it, the one that ships")
    parser.add_argument("--out", type=Path, required=True, help="folder")
    parser.add_argument("--seed", type=int, default=71)
    parser.add_argument("--days", type=int, default=28)
    parser.add_argument("--visits", type=float, default=2_500, help="a day, of each kind of shop")
    given = parser.parse_args()
    book = (
        msgspec.json.decode(given.codebook.read_bytes(), type=Codebook)
        if given.codebook
        else default_codebook()
    )
    found = visits_of(given.seed, days=range(given.days), visits=given.visits)
    source = (
        f"aisle-sim visits: default store, seed {given.seed}, {given.days} days of "
        f"{given.visits:g} with all goods heard and with one shelf's; "
        "made by models/codebook/measure_confusion.py"
    )
    told: list[tuple[Codebook | Drawn, NDArray[np.int64], list[str]]]
    told = [(book, cells_of(found, book=book), list(book.cells[0].patterns))]
    told += [(one, drawn_cells_of(found, drawn=one), [one.axis]) for one in (PROMOTION, TIERS)]
    for counted_in, cells, axes in told:
        made = confusion_of(found, cells=cells, counted_in=counted_in, axes=axes, source=source)
        file = given.out / f"{made.counted_in}.json"
        file.write_bytes(msgspec.json.encode(made) + b"\n")
        print(f"{sum(map(sum, made.counts))} visits of {len(made.counts)} kinds → {file}")


if __name__ == "__main__":
    main()
