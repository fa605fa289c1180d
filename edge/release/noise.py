"""Exact discrete Gaussian noise, by integers only: no float decides how much privacy there is.

Source: Canonne, Kamath & Steinke 2020, "The Discrete Gaussian for Differential Privacy",
algorithms 1 to 3 (arXiv:2004.00010).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction

RandBelow = Callable[[int], int]
"""Uniform integers: ``randbelow(n)`` is in [0, n). An agent's is ``secrets.randbelow``."""


def discrete_gaussian(variance: Fraction, *, randbelow: RandBelow) -> int:
    """Draw an integer x with probability proportional to exp(-x²/(2 variance)).

    Args:
        variance: the parameter sigma², positive.
        randbelow: where randomness comes from.

    Raises:
        ValueError: the variance is not positive.
    """
    if variance <= 0:
        raise ValueError(f"variance {variance} is not positive")
    over, under = variance.numerator, variance.denominator
    scale = math.isqrt(over // under) + 1
    while True:
        drawn = _discrete_laplace(scale, randbelow=randbelow)
        gap = abs(drawn) * under * scale - over
        if _bernoulli_exp(gap * gap, 2 * over * under * scale * scale, randbelow=randbelow):
            return drawn


def standard_deviation(variance: Fraction) -> float:
    """Give the noise's own standard deviation, which for small sigma is below sigma.

    Computed from the probabilities themselves; above sigma² = 100 the two agree to the last bit
    of a float.
    """
    sigma2 = float(variance)
    if sigma2 > 100:  # noqa: PLR2004 - the relative gap is below exp(-2 pi² 100)
        return math.sqrt(sigma2)
    reach = range(1, math.ceil(12 * math.sqrt(sigma2)) + 12)
    weights = [math.exp(-x * x / (2 * sigma2)) for x in reach]
    second = 2 * math.fsum(x * x * w for x, w in zip(reach, weights, strict=True))
    return math.sqrt(second / (1 + 2 * math.fsum(weights)))


def _discrete_laplace(scale: int, *, randbelow: RandBelow) -> int:
    """Draw an integer x with probability proportional to exp(-|x|/scale)."""
    while True:
        low = randbelow(scale)
        if not _bernoulli_exp(low, scale, randbelow=randbelow):
            continue
        high = 0
        while _bernoulli_exp(1, 1, randbelow=randbelow):
            high += 1
        size = low + scale * high
        negative = randbelow(2) == 1
        if negative and size == 0:  # else zero would be drawn twice as often
            continue
        return -size if negative else size


def _bernoulli_exp(over: int, under: int, *, randbelow: RandBelow) -> bool:
    """Give true with probability exp(-over/under)."""
    while over > under:
        if not _bernoulli_exp(1, 1, randbelow=randbelow):
            return False
        over -= under
    tries = 1
    while randbelow(under * tries) < over:
        tries += 1
    return tries % 2 == 1
