"""How far days differ by themselves: what noise and chance do not explain between like weekdays.

A rate of 7 days has privacy noise and chance in it, and also what those days have of their own:
weather, a school's holiday, who worked. The first two are known; the third shows in how unevenly a
period's days differ from the same weekdays of the other one.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np

from hub.patterns.shares import Estimate, Share
from hub.reports.figures import variance_of

LEAST_PAIRS = 4
"""Fewer days tell nothing of how days differ [D]."""
LASTING = 4.0
"""What a day has of its own lasts: .6 of it is left on the next, so that days tell so much less.

1 + 2 (.6 + .36 + …) [D]; with .7 left it would be 5.7."""


@dataclass(frozen=True, slots=True)
class ByDay:
    """One figure of one place or pattern, by the day.

    Attributes:
        of: the place's id, or the pattern's name.
        figure: its name.
        values: None where withheld, or nothing came.
        errors: standard errors of noise and chance.
    """

    of: str
    figure: str
    values: tuple[float | None, ...]
    errors: tuple[float | None, ...]

    @classmethod
    def over(cls, of: str, figure: str, *, shares: Sequence[Share | Estimate | None]) -> ByDay:
        """Take estimates of successive days."""
        found = [
            (one.value, math.sqrt(variance_of(Estimate(one.value, one.low, one.high))))
            if one and one.value is not None and one.low is not None and one.high is not None
            else (None, None)
            for one in shares
        ]
        return cls(of, figure, tuple(v for v, _ in found), tuple(e for _, e in found))


def wider(
    now: Iterable[ByDay], before: Iterable[ByDay], *, days: tuple[Sequence[date], Sequence[date]]
) -> dict[str, float]:
    """Say by what factor intervals of noise and chance are too narrow, by figure.

    Args:
        now: of the later period.
        before: of the earlier one.
        days: of the later period, and of the earlier one.

    Returns:
        At least 1 each, over all places together; figures of which too few days are known are
        missing.
    """
    pairs = _alike(*days)
    then = {(one.of, one.figure): one for one in before}
    sums: dict[str, tuple[float, int]] = {}
    for one in now:
        other = then.get((one.of, one.figure))
        gaps = _gaps(one, other, pairs=pairs) if other else []
        if len(gaps) < LEAST_PAIRS:
            continue
        gap, variance = np.array(gaps).T
        mean = float((gap / variance).sum() / (1 / variance).sum())
        so_far, freedom = sums.get(one.figure, (0.0, 0))
        more = float(((gap - mean) ** 2 / variance).sum())
        sums[one.figure] = so_far + more, freedom + len(gap) - 1
    return {
        figure: math.sqrt(1 + LASTING * max(0.0, square / freedom - 1))
        for figure, (square, freedom) in sums.items()
    }


def widened(one: Share | Estimate, *, by: float) -> Share | Estimate:
    """Widen an interval about its value."""
    if one.value is None or one.low is None or one.high is None:
        return one
    low, high = one.value - by * (one.value - one.low), one.value + by * (one.high - one.value)
    return replace(one, low=low, high=high)


def _alike(now: Sequence[date], before: Sequence[date]) -> list[tuple[int, int]]:
    """Pair days of the same weekday in their order."""
    waiting: dict[int, list[int]] = {}
    for number, day in enumerate(before):
        waiting.setdefault(day.weekday(), []).append(number)
    found = []
    for number, day in enumerate(now):
        left = waiting.get(day.weekday())
        if left:
            found.append((number, left.pop(0)))
    return found


def _gaps(
    one: ByDay, other: ByDay, *, pairs: Sequence[tuple[int, int]]
) -> list[tuple[float, float]]:
    """Give what days differ by from their pairs, and the variance of it."""
    found = []
    for here, there in pairs:
        value, earlier = one.values[here], other.values[there]
        error, then = one.errors[here], other.errors[there]
        if None not in (value, earlier, error, then):
            spread = (error or 0.0) ** 2 + (then or 0.0) ** 2
            if spread > 0:
                found.append(((value or 0.0) - (earlier or 0.0), spread))
    return found
