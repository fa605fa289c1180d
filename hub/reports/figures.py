"""Figures out of counts that carry noise: sums by label, ratios, differences."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import NormalDist
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from hub.patterns.shares import Estimate, Share, ShareParams
from wire.messages import AXES, ChannelName, Release

Z = 1.96
"""Half-width of a 95 % interval in standard deviations."""
Verdict = Literal["up", "down", "same", "unknown"]


@dataclass(frozen=True, slots=True)
class Noised:
    """A sum of counts, and the variance of the noise on it."""

    count: float
    variance: float

    @property
    def estimate(self) -> Estimate:
        """Give it with its 95 % interval."""
        half = Z * math.sqrt(self.variance)
        return Estimate(self.count, self.count - half, self.count + half)


def add_counts(
    releases: Iterable[Release], *, channel: ChannelName
) -> dict[tuple[str, ...], Noised]:
    """Add up one channel's counts by their labels, in the order of ``wire.messages.AXES``."""
    order = AXES[channel]
    sums: dict[int, tuple[Release, NDArray[np.float64], float]] = {}
    for release in releases:
        if release.channel != channel:
            continue
        key = id(release.axes)  # the database gives the same few axes thousands of times
        _, counts, variance = sums.get(key, (release, np.zeros(len(release.counts)), 0.0))
        sums[key] = (release, counts + release.counts, variance + release.sd**2)
    found: dict[tuple[str, ...], Noised] = {}
    for release, counts, variance in sums.values():
        names = [axis.name for axis in release.axes]
        labels = {axis.name: axis.labels for axis in release.axes}
        table = counts.reshape([len(axis.labels) for axis in release.axes])
        table = table.transpose([names.index(name) for name in order])
        for place, count in np.ndenumerate(table):
            cell = tuple(labels[name][at] for name, at in zip(order, place, strict=True))
            before = found.get(cell, Noised(0.0, 0.0))
            found[cell] = Noised(before.count + float(count), before.variance + variance)
    return found


def total_of(cells: Iterable[Noised]) -> Noised:
    """Add up counts whose noise is independent."""
    listed = list(cells)
    return Noised(sum(one.count for one in listed), sum(one.variance for one in listed))


def above_noise(cells: int) -> float:
    """Give how many standard deviations a count must be for noise not to explain it.

    In 19 of 20 pictures of so many cells, none that holds nothing is shown (Bonferroni).

    >>> round(above_noise(1), 2)
    1.64
    """
    return NormalDist().inv_cdf(1 - 0.05 / max(1, cells))


def ratio(part: Estimate, whole: Estimate, *, params: ShareParams) -> Share:
    """Estimate what share a count is of another that was counted apart.

    Both carry noise of their own; by the delta method its variance is (v_a + p² v_b) / b². To this
    comes chance, p (1 - p) / b. A share over 1 (noise, or visits told twice) has no such part.
    """
    noise_a, noise_b = variance_of(part), variance_of(whole)
    if whole.value <= 0 or whole.value < params.support_sd * math.sqrt(noise_b):
        return Share(None, None, None, "too few visits for the privacy noise on them")
    p = part.value / whole.value
    noise = (noise_a + p**2 * noise_b) / whole.value**2
    half = params.z * math.sqrt(noise + max(0.0, p * (1 - p)) / whole.value)
    if half > params.widest:
        why = f"known only to within {100 * half:.0f} points either way"
        return Share(None, None, None, why)
    return Share(p, p - half, p + half)


def variance_of(figure: Estimate) -> float:
    """Give back the variance an interval was made from."""
    return ((figure.high - figure.low) / (2 * Z)) ** 2


@dataclass(frozen=True, slots=True)
class Change:
    """One figure of two periods.

    Attributes:
        of: what it is a figure of, as a zone's or pattern's name; empty for the whole store.
        figure: its name, as in the tidy table.
        unit: ``share`` or ``visits``.
        before: of the earlier period; None if withheld.
        now: likewise.
        difference: now minus before, with its 95 % interval; None if either is withheld.
        verdict: ``same`` means that no change could be told, not that there was none.
    """

    of: str
    figure: str
    unit: Literal["share", "visits"]
    before: float | None
    now: float | None
    difference: Estimate | None
    verdict: Verdict

    @property
    def clearness(self) -> float:
        """Give the difference in half-widths of its interval; 0 where there is none."""
        if self.difference is None:
            return 0.0
        half = (self.difference.high - self.difference.low) / 2
        return abs(self.difference.value) / half if half > 0 else math.inf


def change(
    of: str, figure: str, *, before: Share | Estimate | None, now: Share | Estimate | None
) -> Change | None:
    """Compare one figure of two periods; None where it exists in neither."""
    if before is None or now is None:
        return None
    unit: Literal["share", "visits"] = "share" if isinstance(now, Share) else "visits"
    if None in (before.value, before.low, before.high, now.value, now.low, now.high):
        return Change(of, figure, unit, before.value, now.value, None, "unknown")
    one = Estimate(before.value, before.low, before.high)  # type: ignore[arg-type] # none is None
    two = Estimate(now.value, now.low, now.high)  # type: ignore[arg-type] # none is None
    gap = two.value - one.value
    half = Z * math.sqrt(variance_of(one) + variance_of(two))
    verdict: Verdict = "same" if abs(gap) <= half else "up" if gap > 0 else "down"
    difference = Estimate(gap, gap - half, gap + half)
    return Change(of, figure, unit, one.value, two.value, difference, verdict)
