"""How well tracks on the floor follow people on the floor: CLEAR MOT, IDF1 and HOTA, in metres.

Sources: Bernardin & Stiefelhagen, EURASIP JIVP 2008 (MOTA); Ristani et al., ECCV-W 2016 (IDF1);
Luiten et al., IJCV 2021 (HOTA). HOTA's similarity falls from 1 to 0 over twice the distance of a
match, so that its middle threshold, .5, is that distance, as TrackEval does it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from math import hypot

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

Places = Mapping[int, tuple[float, float]]
"""Identity → (east, north) at one instant."""
Array = NDArray[np.float64]

ALPHAS = np.arange(0.05, 0.99, 0.05)
"""HOTA's thresholds of similarity."""
_FAR = 1e6


@dataclass(frozen=True, slots=True)
class Score:
    """Figures of one run; ``switches`` counts a person's change from one track to another.

    Attributes:
        hota: mean over ``ALPHAS``, as are
        det_a: its part for finding people, and
        ass_a: its part for keeping them apart.
    """

    mota: float
    idf1: float
    hota: float
    det_a: float
    ass_a: float
    switches: int
    misses: int
    false_alarms: int
    people: int
    error_m: float

    def __str__(self) -> str:
        return (
            f"MOTA {self.mota:.3f}  IDF1 {self.idf1:.3f}  HOTA {self.hota:.3f}  "
            f"switches {self.switches}  misses {self.misses}  "
            f"false alarms {self.false_alarms}  of {self.people} "
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
    hota, det_a, ass_a = _hota(truth, tracks, within_m=within_m)
    return Score(
        mota=1 - (misses + false_alarms + switches) / max(1, people),
        idf1=2 * _identified(together) / max(1, people + said),
        hota=hota,
        det_a=det_a,
        ass_a=ass_a,
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


def _hota(
    truth: Mapping[int, Places], tracks: Mapping[int, Places], *, within_m: float
) -> tuple[float, float, float]:
    """Give HOTA, DetA and AssA."""
    people = {
        name: row for row, name in enumerate(sorted({p for at in truth.values() for p in at}))
    }
    found = [tracks.get(at, {}) for at in truth]
    numbers = {name: row for row, name in enumerate(sorted({t for at in found for t in at}))}
    if not people or not numbers:
        return 0.0, 0.0, 0.0
    instants = [
        (
            np.array([people[name] for name in true], dtype=np.intp),
            np.array([numbers[name] for name in seen], dtype=np.intp),
            _similar(true, seen, within_m=within_m),
        )
        for true, seen in zip(truth.values(), found, strict=True)
    ]
    alike, person_n, track_n = _aligned(instants, shape=(len(people), len(numbers)))
    matches = np.zeros((len(ALPHAS), len(people), len(numbers)))
    for rows, columns, similar in instants:
        if not similar.size:
            continue
        best = linear_sum_assignment(-alike[np.ix_(rows, columns)] * similar)
        kept = similar[best][None] >= ALPHAS[:, None] - np.finfo(np.float64).eps
        matches[:, rows[best[0]], columns[best[1]]] += kept
    right = matches.sum(axis=(1, 2))
    det_a = right / np.maximum(1, person_n.sum() + track_n.sum() - right)
    share = matches / np.maximum(1, person_n[:, None] + track_n[None] - matches)
    ass_a = (matches * share).sum(axis=(1, 2)) / np.maximum(1, right)
    return float(np.sqrt(det_a * ass_a).mean()), float(det_a.mean()), float(ass_a.mean())


def _aligned(
    instants: list[tuple[NDArray[np.intp], NDArray[np.intp], Array]], *, shape: tuple[int, int]
) -> tuple[Array, Array, Array]:
    """Give how alike each person and track are over all time, and each one's instants."""
    together, person_n, track_n = np.zeros(shape), np.zeros(shape[0]), np.zeros(shape[1])
    for rows, columns, similar in instants:
        person_n[rows] += 1
        track_n[columns] += 1
        both = similar.sum(axis=0)[None] + similar.sum(axis=1)[:, None] - similar
        together[np.ix_(rows, columns)] += similar / np.maximum(both, np.finfo(np.float64).eps)
    return together / (person_n[:, None] + track_n[None] - together), person_n, track_n


def _similar(true: Places, seen: Places, *, within_m: float) -> Array:
    apart = np.array([[_apart(one, other) for other in seen.values()] for one in true.values()])
    return np.clip(1 - apart.reshape(len(true), len(seen)) / (2 * within_m), 0, None)


def _apart(one: tuple[float, float], other: tuple[float, float]) -> float:
    return hypot(one[0] - other[0], one[1] - other[1])
