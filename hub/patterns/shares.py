"""Shares of visits from noised counts, with intervals that know of noise and of sampling.

A release counts visits per cell; each cell has a weight: the probability that a visit in it shows
a pattern, or 1 and 0 for a plain proportion. The share is the weighted mean of the counts.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class ShareParams:
    """When a share is shown.

    Attributes:
        z: half-width of an interval in standard deviations; 1.96 for 95 %.
        support_sd: the visits' total must be this many standard deviations of its own noise,
            because the delta method needs a denominator that varies little; at 5 the intervals
            still hold what they promise (simulated in tests/hub/patterns/test_shares.py).
        widest: a half-width beyond this says no more than "some do" and is withheld.
    """

    z: float = 1.96
    support_sd: float = 5.0
    widest: float = 0.25


@dataclass(frozen=True, slots=True)
class Estimate:
    """A count with its 95 % interval; noise may make it negative, and it is left so."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Share:
    """A share with its 95 % interval, or the reason why it is withheld.

    Attributes:
        value: not clamped to 0..1; None when withheld, and then so are ``low`` and ``high``.
        withheld: a sentence for the reader, or None.
    """

    value: float | None
    low: float | None
    high: float | None
    withheld: str | None = None


def total(counts: Sequence[float], *, variances: Sequence[float], params: ShareParams) -> Estimate:
    """Sum noised counts.

    Args:
        counts: visits per cell, noised.
        variances: of the noise on each count.
        params: width of the interval.
    """
    value = float(sum(counts))
    half = params.z * math.sqrt(sum(variances))
    return Estimate(value, value - half, value + half)


def share(
    counts: Sequence[float],
    *,
    weights: Sequence[float],
    variances: Sequence[float],
    params: ShareParams,
) -> Share:
    """Estimate the weighted mean of counts that carry noise.

    With n the counts, s the weights, N = sum n and p = sum s n / N, the variance of p has two
    parts. Noise of variance v gives sum (s - p)^2 v / N^2, by the delta method on the ratio. Then
    the larger of two, so that the interval holds for either question: which visits happened to
    come, (sum s^2 n / N - p^2) / N, as for an expected value; and which of those in a cell really
    showed the pattern, (sum s (1 - s) n / N) / N, as for the share among the day's own visits.
    Errors of the weights themselves are not in it.

    Args:
        counts: visits per cell, noised; may be negative.
        weights: 0..1, one per cell.
        variances: of the noise on each count.
        params: when the share is shown.

    Source: Cochran, Sampling Techniques, 3rd ed., section 6.3 (variance of a ratio).

    >>> share([60, 40], weights=[1, 0], variances=[0, 0], params=ShareParams()).value
    0.6
    """
    n = np.asarray(counts, dtype=np.float64)
    s = np.asarray(weights, dtype=np.float64)
    v = np.asarray(variances, dtype=np.float64)
    visits = float(n.sum())
    if visits <= 0 or visits < params.support_sd * math.sqrt(float(v.sum())):
        return _withheld("too few visits for the privacy noise on them")
    p = float(s @ n) / visits
    noise = float(((s - p) ** 2) @ v) / visits**2
    squares = float((s**2) @ n) / visits
    # noise can push either below the zero that it cannot be
    sampling = max(0.0, squares - p**2, p - squares) / visits
    half = params.z * math.sqrt(noise + sampling)
    return as_share(p, p - half, p + half, params=params)


def as_share(value: float, low: float, high: float, *, params: ShareParams) -> Share:
    """Give a share with its interval, withheld where that says next to nothing."""
    half = (high - low) / 2
    if half > params.widest:
        return _withheld(f"known only to within {100 * half:.0f} points either way")
    return Share(value, low, high)


def _withheld(reason: str) -> Share:
    return Share(None, None, None, reason)
