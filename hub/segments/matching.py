"""What became of segments from one period to the next: births, deaths, splits and merges.

Segments are held against each other by the visits they share, counted once over the same cells:
what part of the old one's visits are in the new one, and the other way round.

Source: Spiliopoulou et al. 2006, MONIC: modeling and monitoring cluster transitions (KDD).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from hub.segments.rules import Array

Kind = Literal["survived", "split", "merged", "died", "born"]


@dataclass(frozen=True, slots=True)
class MatchParams:
    """When two segments are one.

    Attributes:
        same: a segment survives in the one that holds this part of its visits (MONIC's tau).
        part: and is split if several hold this part of it each, together as much as ``same``.
        whole: but not if one of them holds as much as this: the rest is its fringe [D].
    """

    same: float = 0.5
    part: float = 0.25
    whole: float = 0.75


@dataclass(frozen=True, slots=True)
class Transition:
    """What became of segments.

    Attributes:
        before: names of the period before; empty for a birth.
        now: names of this period; empty for a death.
        overlap: part of the visits of ``before`` that are in ``now``.
        growth: visits of ``now`` over those of ``before``.
        parts: of a split, what part of the old one is in each of ``now``; of a merge, what part of
            each of ``before`` is in the new one; else ``overlap`` alone, or nothing.
    """

    kind: Kind
    before: tuple[str, ...]
    now: tuple[str, ...]
    overlap: float = 0.0
    growth: float = 0.0
    parts: tuple[float, ...] = ()


def transitions(
    before: Mapping[str, Array],
    now: Mapping[str, Array],
    *,
    visits_before: Array,
    visits_now: Array,
    params: MatchParams | None = None,
) -> list[Transition]:
    """Match segments of two periods.

    Args:
        before: weight of each cell, 0 to 1, by segment.
        now: the same of the later period, over the same cells.
        visits_before: in each cell; noise may make some negative.
        visits_now: in each cell, in the later period.
        params: when two are one.
    """
    chosen = params or MatchParams()
    counted = np.maximum(visits_before, 0.0)
    parts = {
        one: {other: _part(before[one], now[other], counted) for other in now} for one in before
    }
    heirs = {one: _heirs(parts[one], params=chosen) for one in before}
    found = [*_merges(heirs, parts=parts), *_followed(heirs, parts=parts)]
    after = {name for names in heirs.values() for name in names}
    found += [Transition("born", (), (name,)) for name in now if name not in after]
    sizes = {
        **{("before", name): _size(weight, visits_before) for name, weight in before.items()},
        **{("now", name): _size(weight, visits_now) for name, weight in now.items()},
    }
    return [_grown(one, sizes=sizes) for one in found]


def _part(one: Array, other: Array, visits: Array) -> float:
    """Give what part of the first one's visits is in the second."""
    mine = float((one * visits).sum())
    return float((np.minimum(one, other) * visits).sum()) / mine if mine > 0 else 0.0


def _heirs(parts: Mapping[str, float], *, params: MatchParams) -> tuple[str, ...]:
    if not parts:
        return ()
    best = max(parts, key=lambda name: parts[name])
    several = tuple(name for name, part in parts.items() if part >= params.part)
    if len(several) > 1 and parts[best] < params.whole:
        return several if sum(parts[name] for name in several) >= params.same else ()
    return (best,) if parts[best] >= params.same else ()


def _merges(
    heirs: Mapping[str, Sequence[str]], *, parts: Mapping[str, Mapping[str, float]]
) -> list[Transition]:
    found = []
    for heir in dict.fromkeys(names[0] for names in heirs.values() if len(names) == 1):
        mothers = tuple(one for one, names in heirs.items() if tuple(names) == (heir,))
        if len(mothers) > 1:
            each = tuple(parts[one][heir] for one in mothers)
            found.append(Transition("merged", mothers, (heir,), min(each), parts=each))
    return found


def _followed(
    heirs: Mapping[str, Sequence[str]], *, parts: Mapping[str, Mapping[str, float]]
) -> list[Transition]:
    only = [names[0] for names in heirs.values() if len(names) == 1]
    found = []
    for one, names in heirs.items():
        if not names:
            found.append(Transition("died", (one,), ()))
        elif len(names) > 1:
            each = tuple(parts[one][name] for name in names)
            found.append(Transition("split", (one,), tuple(names), sum(each), parts=each))
        elif only.count(names[0]) == 1:
            part = parts[one][names[0]]
            found.append(Transition("survived", (one,), tuple(names), part, parts=(part,)))
    return found


def _size(weight: Array, visits: Array) -> float:
    return float((weight * visits).sum()) / max(1.0, float(visits.sum()))


def _grown(one: Transition, *, sizes: Mapping[tuple[str, str], float]) -> Transition:
    old = sum(sizes["before", name] for name in one.before)
    new = sum(sizes["now", name] for name in one.now)
    return replace(one, growth=new / old if old > 0 else 0.0)
