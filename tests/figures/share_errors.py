"""What is wrong with a day's pattern shares, by cause: classification, sensing, the release.

The demo's scene through video, detector, tracker and reader, as ``inside.py`` runs it. Each
finished visit's true traits, and those of every visit the agent saw, are placed in the codebook's
cells; both counts are scaled to a day's visits and corrected as the hub does, and the latter again
with the release's noise. The differences are the causes:

- classification: shares told from the true traits, less the patterns the visitors truly had;
- sensing: what the agent saw, less that (lost, doubled and cut visits, missed reads, wrong places);
- release: mean size of what the noise of a day adds.

Classification and sensing are those of few visits; ``chance`` says how far visits drawn again would
move them (bootstrap, one standard deviation); for bargain hunters and quality seekers a scene has
far too few. Simulated data. Run:

    python tests/figures/share_errors.py [--seeds 7 3] [--minutes 14] [--day 2400] [--places]
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from traits_inside import STEP_S, neighbour

from edge.parts_io import Parts
from edge.release.codebook import nearest_cell
from edge.release.privacy import Budget
from edge.visits.traits import traits_of
from edge.visits.visits import Visit
from firmware_sim.store import default_store
from firmware_sim.truth import Seen, TruthParams, Visited, patterns
from hub.patterns.confusion import shipped
from hub.patterns.quantify import quantify
from wire.codebook import default_codebook

DRAWS = 60
DAY_SD = Budget().channel("day_cells").sd
Floats = NDArray[np.float64]
Cells = NDArray[np.int64]


@dataclass(slots=True)
class Day:
    """Visits as they were and as they were seen.

    Attributes:
        shown: which patterns each finished visit truly had, in the confusion's order.
        true: the cell of each by its true traits.
        seen: cells of what the agent made of them.
        unplaced: visits of the agent's that lie in no cell.
    """

    shown: list[list[bool]] = field(default_factory=list)
    true: list[int] = field(default_factory=list)
    seen: list[int] = field(default_factory=list)
    unplaced: int = 0


def main() -> None:
    """Print a row for each axis."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[7, 3])
    parser.add_argument("--minutes", type=float, default=14.0)
    parser.add_argument("--day", type=int, default=2400, help="visits the counts are scaled to")
    parser.add_argument("--places", action="store_true", help="noisy true places instead of video")
    options = parser.parse_args()
    inside = neighbour("inside")
    config = inside.demo_config()
    parts, day = Parts.build(config), Day()
    for seed in options.seeds:
        visits, told, _ = inside.watch(
            config, parts=parts, minutes=options.minutes, seed=seed, blind=options.places,
            positions_s=STEP_S,
        )  # fmt: skip
        place(day, visits=visits, told=told, parts=parts)
    source = "noisy true places" if options.places else "video"
    print(
        f"simulated store through {source} and RFID, {len(day.true)} visits, {len(day.seen)} seen "
        f"and placed, {day.unplaced} seen and not; a day of {options.day}"
    )
    tell(day, visits=options.day)


def place(day: Day, *, visits: Iterable[Visit], told: list[object], parts: Parts) -> None:
    """Put true and seen visits into cells."""
    book, beside = default_codebook(), neighbour("traits")
    axes, shop = shipped(book).axes, beside.assortment(default_store())
    ways: dict[int, list[tuple[int, float, float]]] = {}
    for one in told:
        if isinstance(one, Seen):
            for number, east, north in one.people:
                ways.setdefault(number, []).append((round(1000 * one.at_s), east, north))
    for one in told:
        if isinstance(one, Visited) and one.finished:
            way = ways[one.party + (1 if one.role == "leader" else 2)]
            so = beside.truth_of(one, way=way, floor=parts.floor, shop=shop)
            cell = nearest_cell(traits_of(so, floor=parts.floor), codebook=book)
            if cell is not None:
                shown = patterns(one, params=TruthParams())
                day.shown.append([shown[axis] for axis in axes])
                day.true.append(cell)
    for visit in visits:
        cell = nearest_cell(traits_of(visit, floor=parts.floor), codebook=book)
        if cell is None:
            day.unplaced += 1
        else:
            day.seen.append(cell)


def tell(day: Day, *, visits: int) -> None:
    """Print what each cause adds."""
    book = default_codebook()
    confusion, rng = shipped(book), np.random.default_rng(1)

    def counted(cells: Cells) -> Floats:
        return np.bincount(cells, minlength=len(book.cells)) * visits / len(cells)

    def corrected(counts: Floats, *, scatter: Floats) -> Floats:
        variances = (DAY_SD**2 + scatter).tolist()
        found = quantify(counts.tolist(), variances=variances, confusion=confusion)
        return np.array(found.shares)

    def shares(cells: Cells) -> Floats:
        counts = counted(cells)
        # Few visits that stand for many scatter more than so many would.
        more = max(0.0, visits / len(cells) - 1)
        return corrected(counts, scatter=more * np.maximum(counts, counts.mean()))

    shown, true, seen = np.array(day.shown), np.array(day.true), np.array(day.seen)
    counts = counted(seen)
    exact = corrected(counts, scatter=0 * counts)
    noised = [np.rint(counts + rng.normal(0, DAY_SD, len(counts))) for _ in range(DRAWS)]
    release = np.abs([corrected(one, scatter=0 * counts) - exact for one in noised]).mean(axis=0)
    drawn = []
    for _ in range(DRAWS):
        one, two = rng.integers(len(true), size=len(true)), rng.integers(len(seen), size=len(seen))
        by_truth = shares(true[one])
        drawn.append([by_truth - shown[one].mean(axis=0), shares(seen[two]) - by_truth])
    chance = np.array(drawn).std(axis=0)
    by_truth, by_seen, truly = shares(true), shares(seen), shown.mean(axis=0)
    print(f"{'axis':12}{'truly':>7}{'told':>7}  classification (chance)  sensing (chance)  release")
    for number, axis in enumerate(confusion.axes):
        print(
            f"{axis:12}{truly[number]:7.3f}{by_seen[number]:7.3f}"
            f"{by_truth[number] - truly[number]:+17.3f} ({chance[0, number]:.3f})"
            f"{by_seen[number] - by_truth[number]:+11.3f} ({chance[1, number]:.3f})"
            f"{release[number]:9.3f}"
        )


if __name__ == "__main__":
    main()
