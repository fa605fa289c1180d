"""The shortest round a visitor could have made: from the door past some places and out."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations, pairwise

import numpy as np
from numpy.typing import NDArray

EXACT = 8
"""Up to so many places the round is the shortest there is; beyond, a good one (2-opt)."""

Matrix = Sequence[Sequence[float]]


def round_m(walks_m: NDArray[np.float64]) -> float:
    """Give the shortest path from the first to the last of (N, N) places over all others."""
    walks = walks_m.tolist()
    return exact_round_m(walks) if len(walks) - 2 <= EXACT else good_round_m(walks)


def exact_round_m(walks: Matrix) -> float:
    """Give the shortest path from the first to the last place over all others.

    Args:
        walks: (N, N) metres, N at least 2.

    Source: Held & Karp 1962, dynamic programming over sets of places.
    """
    middle = range(1, len(walks) - 1)
    best: dict[tuple[int, int], float] = {(0, 0): 0.0}
    for size in range(1, len(middle) + 1):
        grown: dict[tuple[int, int], float] = {}
        for chosen in combinations(middle, size):
            mask = sum(1 << place for place in chosen)
            for last in chosen:
                before = mask & ~(1 << last)
                ends = [place for place in chosen if place != last] or [0]
                grown[mask, last] = min(best[before, end] + walks[end][last] for end in ends)
        best = grown
    return min(length + walks[last][-1] for (_, last), length in best.items())


def good_round_m(walks: Matrix) -> float:
    """Give a short path from the first to the last place over all others.

    Nearest neighbour, then 2-opt until nothing improves; typically within 5 % of the shortest.
    """
    left = list(range(1, len(walks) - 1))
    order = [0]
    while left:
        order.append(min(left, key=lambda place: walks[order[-1]][place]))
        left.remove(order[-1])
    order.append(len(walks) - 1)
    improved = True
    while improved:
        improved = False
        for first, last in combinations(range(1, len(order) - 1), 2):
            before, after = order[first - 1], order[last + 1]
            old = walks[before][order[first]] + walks[order[last]][after]
            new = walks[before][order[last]] + walks[order[first]][after]
            if new < old - 1e-9:  # a bare < would turn rounding into an endless loop
                order[first : last + 1] = order[first : last + 1][::-1]
                improved = True
    return sum(walks[one][other] for one, other in pairwise(order))
