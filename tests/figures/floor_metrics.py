"""How well tracks on the floor follow people on the floor: CLEAR MOT and IDF1, in metres.

Sources: Bernardin & Stiefelhagen, EURASIP JIVP 2008 (MOTA); Ristani et al., ECCV-W 2016 (IDF1).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from math import hypot

import numpy as np
from scipy.optimize import linear_sum_assignment

Places = Mapping[int, tuple[float, float]]
"""Identity → (east, north) at one instant."""

_FAR = 1e6


@dataclass(frozen=True, slots=True)
class Score:
    """Figures of one run; ``switches`` counts a person's change from one track to another."""

    mota: float
    idf1: float
    switches: int
    misses: int
    false_alarms: int
    people: int
    error_m: float

    def __str__(self) -> str:
        return (
            f"MOTA {self.mota:.3f}  IDF1 {self.idf1:.3f}  switches {self.switches}  "
            f"misses {self.misses}  false alarms {self.false_alarms}  of {self.people} "
            f"person-instants  mean error {self.error_m:.2f} m"
        )


def score(truth: Mapping[int, Places], tracks: Mapping[int, Places], *, within_m: float) -> Score:
    """Compare two sets of paths, instant by instant, over the truth's instants."""
    last: dict[int, int] = {}
    together: Counter[tuple[int, int]] = Counter()
    misses = false_alarms = switches = people = found = said = 0
    error = 0.0
    for instant in sorted(truth):
        true, seen = truth[instant], tracks.get(instant, {})
        people, said = people + len(true), said + len(seen)
        for pair in _near(true, seen, within_m=within_m):
            together[pair] += 1
        pairs = _follow(true, seen, last=last, within_m=within_m)
        for person, track in pairs.items():
            switches += person in last and last[person] != track
            last[person] = track
            error += _apart(true[person], seen[track])
        found += len(pairs)
        misses += len(true) - len(pairs)
        false_alarms += len(seen) - len(pairs)
    return Score(
        mota=1 - (misses + false_alarms + switches) / people,
        idf1=2 * _identified(together) / (people + said),
        switches=switches,
        misses=misses,
        false_alarms=false_alarms,
        people=people,
        error_m=error / max(1, found),
    )


def _follow(true: Places, seen: Places, *, last: dict[int, int], within_m: float) -> dict[int, int]:
    """Keep the pairs of before while they hold, then match the rest by distance."""
    pairs = {
        person: last[person]
        for person in true
        if last.get(person) in seen and _apart(true[person], seen[last[person]]) < within_m
    }
    claimed = Counter(pairs.values())
    pairs = {person: track for person, track in pairs.items() if claimed[track] == 1}
    people = [person for person in true if person not in pairs]
    free = [track for track in seen if track not in pairs.values()]
    costs = np.array([[_apart(true[p], seen[t]) for t in free] for p in people])
    if costs.size:
        costs[costs >= within_m] = _FAR
        for row, column in zip(*linear_sum_assignment(costs), strict=True):
            if costs[row, column] < _FAR:
                pairs[people[row]] = free[column]
    return pairs


def _near(true: Places, seen: Places, *, within_m: float) -> list[tuple[int, int]]:
    return [(p, t) for p in true for t in seen if _apart(true[p], seen[t]) < within_m]


def _identified(together: Counter[tuple[int, int]]) -> int:
    """Count the instants explained by the best one-to-one pairing of people and tracks."""
    people = sorted({person for person, _ in together})
    tracks = sorted({track for _, track in together})
    counts = np.array([[together[p, t] for t in tracks] for p in people])
    if not counts.size:
        return 0
    return int(counts[linear_sum_assignment(-counts)].sum())


def _apart(one: tuple[float, float], other: tuple[float, float]) -> float:
    return hypot(one[0] - other[0], one[1] - other[1])
