"""Which point is whose: the likeliest whole; only what several want has to be searched."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TypeVar

import numpy as np
from scipy.optimize import linear_sum_assignment

_Who = TypeVar("_Who", bound=Hashable)
Link = tuple[_Who, int, float]
"""Somebody and a point that may belong together, and the cost of that, below 0."""
Pair = tuple[_Who, int]
"""Somebody and a point that do."""


def matched(links: Sequence[Link[_Who]]) -> list[Pair[_Who]]:
    """Pair people and points so that the whole costs least; what is not linked is no pair."""
    pairs, contested = settled(links)
    return pairs + likeliest(contested)


def settled(links: Sequence[Link[_Who]]) -> tuple[list[Pair[_Who]], list[Link[_Who]]]:
    """Give the pairs of whose two there is no other link, and all other links."""
    pairs = [(who, point) for who, point, _ in links]
    whos, points = _repeated([who for who, _ in pairs]), _repeated([point for _, point in pairs])
    if not whos and not points:
        return pairs, []
    clear = [pair for pair in pairs if pair[0] not in whos and pair[1] not in points]
    return clear, [link for link in links if link[0] in whos or link[1] in points]


def likeliest(links: Sequence[Link[_Who]]) -> list[Pair[_Who]]:
    """Pair as ``matched`` does, by a search over all links."""
    if not links:
        return []
    row_of = {who: row for row, who in enumerate(dict.fromkeys(link[0] for link in links))}
    place_of = {point: at for at, point in enumerate(dict.fromkeys(link[1] for link in links))}
    costs = np.zeros((len(row_of), len(place_of)))
    for who, point, cost in links:
        costs[row_of[who], place_of[point]] = cost
    came, went = linear_sum_assignment(costs)
    chosen = dict(zip(came.tolist(), went.tolist(), strict=True))
    return [(who, at) for who, at, _ in links if chosen.get(row_of[who]) == place_of[at]]


def _repeated(names: Sequence[Hashable]) -> set[Hashable]:
    if len(set(names)) == len(names):
        return set()
    once: set[Hashable] = set()
    twice: set[Hashable] = set()
    for name in names:
        (twice if name in once else once).add(name)
    return twice
