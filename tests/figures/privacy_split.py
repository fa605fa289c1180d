"""What is readable through the noise: ``python tests/figures/privacy_split.py [--hours 1]``.

Visits of the simulated store are counted by the agent's own channels; from what they add per visit
follows what a day or a week of so many visits adds, and how the noise compares. Errors are of the
noise and the clip alone; counts vary by chance too.

    cell     share of the visits that add to the channel's typical cell: half of all that is counted
             lies in cells as full as it or fuller
    lost     part of what visits would add that the clip cuts off
    errors   standard deviation of the noise over what the typical cell holds; of a week, 6 days
"""

from __future__ import annotations

import argparse
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import time
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from edge.release.channels import Channels, Gist, Placing
from edge.release.goods import Goods
from edge.release.hours import Daypart
from edge.release.privacy import RULES, Budget, ChannelBudget, Rule, epsilon_of
from edge.release.tallies import Cell
from edge.visits.path import Path
from edge.visits.visits import Visit
from firmware_sim.store import Store, default_store
from models.codebook.make_codebook import examples, floor_of
from wire.codebook import Codebook, default_codebook
from wire.messages import PATTERNS, SUMS_UNIT

SHOPS = (400, 1_200, 2_400, 8_000)
"""Visits a day."""
DAYS = 6
"""A week's."""
HOURS = 11
"""Windows a day of an hourly channel."""
READABLE = 0.25
PASSES = 100
BOOK = default_codebook()
FIRST = (
    Rule("cells", "hour", clip=1, share=Fraction(20, 100)),
    Rule("sums", "day", clip=1, share=Fraction(10, 100), unit=SUMS_UNIT),
    Rule("zones", "day", clip=8, share=Fraction(40, 100)),
    Rule("walked", "day", clip=16, share=Fraction(10, 100)),
    Rule("stood", "day", clip=8, share=Fraction(5, 100)),
    Rule("flow", "day", clip=8, share=Fraction(10, 100)),
    Rule("goods", "day", clip=4, share=Fraction(5, 100)),
)
"""DESIGN.md's first split; its heat, one channel of 24 cells, is two here."""
PARTS = tuple(
    Daypart(name, time(hour))
    for name, hour in (("morning", 0), ("midday", 11), ("afternoon", 14), ("evening", 17))
)


@dataclass(frozen=True, slots=True)
class Use:
    """What visits add to a channel.

    Attributes:
        cell: of the typical cell, per visit.
        lost: part that the clip cuts off.
        windows: a day.
    """

    cell: float
    lost: float
    windows: int


def use_of(channels: Channels, gists: Sequence[Gist], *, one: ChannelBudget, book: Codebook) -> Use:
    """Count visits, those of the day spread over the dayparts, without noise."""
    channel = channels[one.name]
    table = np.zeros([len(axis.labels) for axis in channel.axes(book)])
    kept = wanted = 0
    for number, gist in enumerate(gists):
        placing = Placing(book, number % len(PARTS), one.clip)
        shares = channel.shares(gist, placing)
        for cell, amount in shares:
            table[cell] += abs(amount) / one.unit
        kept += len(shares)
        wanted += len(channel.shares(gist, replace(placing, clip=10**6)))
    windows = HOURS if one.period == "hour" else 1
    filled = np.sort(table.ravel())[::-1] / len(gists)
    half = np.searchsorted(np.cumsum(filled), filled.sum() / 2)
    return Use(float(filled[half]) if filled.any() else 0.0, 1 - kept / max(1, wanted), windows)


def channels_table(budget: Budget, *, channels: Channels, gists: list[Gist]) -> None:
    """Print a line a channel."""
    book = default_codebook()
    shops = "".join(f"{shop:>14,}" for shop in SHOPS)
    print(f"{'channel':<10}{'clip':>5}{'lost':>6}{'sd':>7}{'cell':>7}   day / week:{shops}")
    for one in budget.channels:
        use = use_of(channels, gists, one=one, book=book)
        sd = one.sd / one.unit * math.sqrt(use.windows)
        cells = []
        for shop in SHOPS:
            day = sd / (use.cell * shop) if use.cell else math.inf
            week = day / math.sqrt(DAYS)
            marks = "".join("*" if error <= READABLE else " " for error in (day, week))
            cells.append(f"{day:>6.0%}/{week:>4.0%}{marks}" if day < 10 else f"{'-':>13}")
        name = one.name + (" x11" if use.windows > 1 else "")
        print(
            f"{name:<10}{one.clip:>5}{use.lost:>6.0%}{sd:>7.1f}{use.cell:>7.1%}"
            f"{'':<14}{' '.join(cells)}"
        )


def axes_table(budget: Budget, *, gists: list[Gist], channels: Channels, label: str) -> None:
    """Print how far off the shares of the axes and of the codebook's cells are from noise alone."""
    book = default_codebook()
    name = "day_cells" if any(one.name == "day_cells" for one in budget.channels) else "cells"
    one = budget.channel("day_cells" if name == "day_cells" else "cells")
    variance = one.sd**2 * (HOURS if one.period == "hour" else 1)
    shares = cell_shares(gists, channels=channels, book=book)
    worst = []
    for pattern in PATTERNS:
        weights = np.array([cell.patterns[pattern] for cell in book.cells])
        spread = math.sqrt(((weights - weights @ shares) ** 2).sum())
        worst.append(spread)
    cells = len(book.cells)
    mean = math.sqrt(2 / math.pi)  # of a Gaussian's size, in standard deviations
    print(f"{label}: mean total variation of the shares from the noise alone, one day")
    for shop in SHOPS:
        sd = math.sqrt(variance) / shop
        print(
            f"  {shop:>6,} visits   axes "
            + " ".join(
                f"{name} {mean * spread * sd:.3f}"
                for name, spread in zip(PATTERNS, worst, strict=True)
            )
            + f"   all {cells} cells {cells * mean * sd / 2:.3f}"
        )


def cell_shares(gists: list[Gist], *, channels: Channels, book: Codebook) -> NDArray[np.float64]:
    """Give the shares of the codebook's cells among the placed."""
    counts = np.zeros(len(book.cells))
    for gist in gists:
        ((cell, _),) = channels["day_cells"].shares(gist, Placing(book, 0, 1))
        if cell[0] < len(counts):
            counts[cell] += 1
    return counts / counts.sum()


def sums_table(budget: Budget, *, gists: list[Gist], channels: Channels) -> None:
    """Print how well a cell's mean deviation is known, in spreads of a trait."""
    shares = cell_shares(gists, channels=channels, book=default_codebook())
    middle = float(np.median(shares))
    sums = budget.channel("sums")
    print("sums: error of a middling cell's mean, in spreads of a trait: day / week")
    for shop in SHOPS:
        day = sums.sd / sums.unit / (middle * shop)
        print(f"  {shop:>6,} visits   {day:.3f} / {day / math.sqrt(DAYS):.3f}")


def twin_table(budget: Budget) -> None:
    """Print what a day's total of ``zones`` of its own, paid out of their budget, would give.

    Both are then known twice, by the total and by the sum of the dayparts, and taken together by
    least squares.
    """
    one, parts = budget.channel("zones"), len(PARTS)
    print(f"zones: noise on a day and on one of {parts} dayparts, with a total of its own")
    for share in (0.0, 0.1, 0.2, 0.3, 0.5):
        part = one.sd**2 / (1 - share)
        total = one.sd**2 / share if share else math.inf
        day = 1 / (1 / total + 1 / (parts * part))
        daypart = part - part**2 / (total + parts * part)
        print(
            f"  total's part {share:.0%}   day {math.sqrt(day):.1f}   "
            f"daypart {math.sqrt(daypart):.1f}"
        )


def piece(visit: Visit, *, number: int, of: int) -> Visit:
    """Give what would be seen as a visit of its own if the track was lost at even times."""
    path = visit.path
    assert path is not None
    first, last = (len(path.points_m) * end // of for end in (number, number + 1))
    from_ms, until_ms = (path.start_ms + index * path.step_ms for index in (first, last))
    points = path.points_m[first:last]
    cut = Path(from_ms, path.step_ms, points)
    stays = (
        replace(one, start_ms=max(one.start_ms, from_ms), end_ms=min(one.end_ms, until_ms))
        for one in visit.stays
        if one.start_ms < until_ms and from_ms < one.end_ms
    )
    return replace(
        visit,
        start_ms=from_ms,
        end_ms=until_ms,
        path=cut,
        path_m=cut.length_m,
        start_point=tuple(points[0].tolist()),
        end_point=tuple(points[-1].tolist()),
        stays=tuple(stays),
        stops=tuple(one for one in visit.stops if from_ms <= one.start_ms < until_ms),
        items=tuple(one for one in visit.items if from_ms <= one.scene_ms < until_ms),
        entered=visit.entered and number == 0,
        left=visit.left and number == of - 1,
        cut=True,
    )


def cost_of(visits: Sequence[Visit], *, channels: Channels, budget: Budget) -> float:
    """Give the rho that some visits of one day cost together, each as it is and not at worst."""
    gists = [channels.gist(visit) for visit in visits]
    rho = 0.0
    for one in budget.channels:
        added: Counter[Cell] = Counter()
        for gist in gists:
            added.update(dict(channels[one.name].shares(gist, Placing(BOOK, 0, one.clip))))
        rho += one.rho * sum(amount**2 for amount in added.values()) / one.bound
    return rho


def pieces_table(budget: Budget, *, channels: Channels, visits: Sequence[Visit]) -> None:
    """Print what passes cost whose track is lost, beside the worst case."""
    print(f"a pass seen as k visits of one daypart; rho of {len(visits)} simulated ones")
    print("    k    mean    95%    most   at worst k^2 rho (epsilon)")
    for of in (1, 2, 3, 4, 6):
        costs = [
            cost_of(
                [piece(one, number=number, of=of) for number in range(of)] if of > 1 else [one],
                channels=channels,
                budget=budget,
            )
            for one in visits
        ]
        worst = of * of * budget.spent
        print(
            f"  {of:>3}  {np.mean(costs):>6.3f} {np.percentile(costs, 95):>6.3f} {max(costs):>7.3f}"
            f"   {worst:.2f} ({epsilon_of(worst):.1f})"
        )


def visits_of(store: Store, *, hours: float, seed: int) -> list[Visit]:
    """Follow simulated shoppers through the agent's eyes."""
    found, _ = examples(store, seed=seed, hours=hours)
    return [one.visit for one in found]


def main() -> None:
    """Print every table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hours", type=float, default=1.0, help="scene hours to simulate")
    parser.add_argument("--seed", type=int, default=5)
    given = parser.parse_args()
    store = default_store()
    visits = visits_of(store, hours=given.hours, seed=given.seed)
    classes = sorted({event.product_class for one in visits for event in one.items})
    goods = Goods(tuple(classes), {one: one for one in classes})
    channels = Channels(floor_of(store), dayparts=PARTS, goods=goods)
    gists = [channels.gist(one) for one in visits]
    print(f"{len(visits)} simulated visits; * is an error of {READABLE:.0%} or less")
    for label, rules in (("this split", RULES), ("DESIGN.md's first split", FIRST)):
        budget = Budget(rules=rules)
        if rules is RULES:
            budget = budget.fitted(channels.most)
        print(f"\n{label}: rho {budget.spent:.3f}, epsilon {budget.epsilon:.2f} at most")
        channels_table(budget, channels=channels, gists=gists)
        axes_table(budget, gists=gists, channels=channels, label=label)
        sums_table(budget, gists=gists, channels=channels)
        if rules is RULES:
            twin_table(budget)
            pieces_table(budget, channels=channels, visits=visits[:PASSES])


if __name__ == "__main__":
    main()
