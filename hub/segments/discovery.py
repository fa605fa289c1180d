"""New segments out of the cells: groups of them, and what has grown; proposed as rules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hub.segments.definition import Definition
from hub.segments.rules import Array, Values
from hub.segments.vocabulary import words_for

Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class DiscoveryParams:
    """What is proposed.

    Attributes:
        conditions: a rule has so many at most, or nobody reads it.
        fits: least F1 between a rule and the cells it is to describe, by visits [D].
        grown_sd: cells that grew by so many standard deviations are new [D]; with 32 cells one
            does so by chance in 1 of 40 comparisons.
        same: a segment that shares this part of its visits with one that is there is not proposed.
        widest: a group with more than this part of the visits is no segment [D].
    """

    conditions: int = 3
    fits: float = 0.8
    grown_sd: float = 3.4
    same: float = 0.7
    widest: float = 0.6


@dataclass(frozen=True, slots=True)
class Found:
    """Cells that belong together, described by a rule.

    Attributes:
        why: what speaks for them, for the operator.
        fit: F1 between the rule and the cells, by visits.
        share: of the visits.
        traits: what sets them apart, the strongest first, in words.
    """

    rule: str
    why: str
    fit: float
    share: float
    traits: tuple[str, ...]
    cells: tuple[int, ...]

    def definition(self, name: str) -> Definition:
        """Give the segment that is proposed."""
        return Definition(
            id=name,
            name=self.traits[0][:1].upper() + self.traits[0][1:80] if self.traits else name,
            rule=self.rule,
            about=f"{self.why} {'; '.join(self.traits)}."[:500],
        )


def describe(
    members: Sequence[int],
    *,
    cells: Sequence[Values],
    visits: Array,
    why: str,
    params: DiscoveryParams | None = None,
) -> Found | None:
    """Find the shortest rule that describes some cells, and what sets them apart.

    Args:
        members: numbers of the cells.
        cells: what is known of each, by path.
        visits: (cells,) visits in each.
        why: what speaks for them.
        params: what is proposed.

    Returns:
        None where no rule of so few conditions describes them well.
    """
    chosen = params or DiscoveryParams()
    paths = sorted(set.intersection(*(set(cell) for cell in cells)))
    table = np.array([[float(cell[path]) for path in paths] for cell in cells])
    inside = np.isin(np.arange(len(cells)), list(members))
    weight = np.maximum(visits, 0.0)
    rule, fit, held = _rule(paths, table, inside=inside, weight=weight, params=chosen)
    total = max(float(weight.sum()), 1e-9)
    if fit < chosen.fits or not rule or float(weight[held].sum()) > chosen.widest * total:
        return None
    return Found(
        rule,
        why,
        fit,
        float(weight[held].sum()) / total,
        _apart(paths, table, inside=inside, weight=weight),
        tuple(int(one) for one in np.flatnonzero(held)),
    )


def grown(
    before: Array,
    now: Array,
    *,
    variance_before: float,
    variance_now: float,
    params: DiscoveryParams | None = None,
) -> tuple[int, ...]:
    """Give the cells whose part of the visits grew by more than noise and chance explain.

    Args:
        before: (cells,) visits of a period.
        now: of the later one.
        variance_before: of the noise on each count.
        variance_now: likewise.
        params: what is proposed.
    """
    chosen = params or DiscoveryParams()
    old, new = max(float(before.sum()), 1.0), max(float(now.sum()), 1.0)
    pooled = np.maximum((before + now) / (old + new), 0.0)
    spread = pooled * (1 / old + 1 / new) + variance_before / old**2 + variance_now / new**2
    rise = (now / new - before / old) / np.sqrt(spread)
    return tuple(int(one) for one in np.flatnonzero(rise > chosen.grown_sd))


def _rule(
    paths: Sequence[str],
    table: Array,
    *,
    inside: Bools,
    weight: Array,
    params: DiscoveryParams,
) -> tuple[str, float, Bools]:
    """Add the condition that helps most, as long as one does."""
    held = np.ones(len(table), dtype=bool)
    conditions: list[str] = []
    fit = _f1(held, inside=inside, weight=weight)
    for _ in range(params.conditions):
        best: tuple[float, str, Bools] | None = None
        for column, path in enumerate(paths):
            values = np.unique(table[:, column])
            for limit in (values[1:] + values[:-1]) / 2:
                for sign, part in (
                    (">", table[:, column] > limit),
                    ("<", table[:, column] < limit),
                ):
                    tried = held & part
                    found = _f1(tried, inside=inside, weight=weight)
                    if best is None or found > best[0] + 1e-9:
                        best = found, f"{path} {sign} {_number(limit, values=values)}", tried
        if best is None or best[0] <= fit + 0.01:
            break
        fit, condition, held = best
        conditions.append(condition)
    return " && ".join(conditions), fit, held


def _number(limit: float, *, values: Array) -> str:
    """Spell a limit as shortly as still parts the same values."""
    for digits in range(1, 8):
        text = f"{limit:.{digits}g}"
        if ((values > float(text)) == (values > limit)).all():
            break
    plain = f"{float(text):f}".rstrip("0")
    return plain + "0" if plain.endswith(".") else plain


def _f1(held: Bools, *, inside: Bools, weight: Array) -> float:
    right = float(weight[held & inside].sum())
    both = float(weight[held].sum()) + float(weight[inside].sum())
    return 2 * right / both if both > 0 else 0.0


def _apart(paths: Sequence[str], table: Array, *, inside: Bools, weight: Array) -> tuple[str, ...]:
    """Say what sets some cells apart: means that differ most, in spreads of all cells."""
    every = np.average(table, axis=0, weights=weight)
    spread = np.sqrt(np.average((table - every) ** 2, axis=0, weights=weight))
    mine = np.average(table[inside], axis=0, weights=weight[inside] + 1e-9)
    differs = np.where(spread > 0, (mine - every) / np.where(spread > 0, spread, 1.0), 0.0)
    order = np.argsort(-np.abs(differs))[:3]
    return tuple(
        f"{'more' if differs[at] > 0 else 'less'} {_short(paths[at])} "
        f"({mine[at]:.2g} against {every[at]:.2g})"
        for at in order
        if abs(differs[at]) >= 0.5  # noqa: PLR2004 - half a spread is the least worth telling
    )


def _short(path: str) -> str:
    return words_for(path).removeprefix("the ").removeprefix("typical ")
