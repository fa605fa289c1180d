"""Pieces of tracks to walks: a track that was lost and reappears near by is the same person."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy.optimize import linear_sum_assignment

from edge.visits.parties import Party
from edge.visits.plan import Point

NEVER = 1e9
"""Cost of a continuation that cannot be; finite, as the assignment wants it."""


@dataclass(frozen=True, slots=True)
class RejoinParams:
    """When a new track continues a lost one; all by place and time, nothing by looks.

    Attributes:
        gap_ms: longest absence. Stops behind a gondola's top or another person last seconds;
            tuned, like the tracker's births, on one run of the simulator (seed 3).
        near_m: how far apart end and start may be at once: two position errors and a step.
        speed_m_s: how much farther for every second of absence: a shopper's mean speed
            (0.85 m/s, UTHM thesis in behaviour/NOTES.md), not a hurried one's.
        lookback_ms: over which the last velocity is taken.
        coast_ms: how long that velocity is believed.
        overlap_ms: how long a lost track may go on beside the one that continues it, away from
            doors: on a false finding, or on somebody else's after an exchange.
        decide_ms: how long a new track waits for its decision: this overlap, the 5 s a tracker
            takes to own up to a loss, and a little.
    """

    gap_ms: int = 20_000
    near_m: float = 1.5
    speed_m_s: float = 0.85
    lookback_ms: int = 1_000
    coast_ms: int = 1_500
    overlap_ms: int = 3_000
    decide_ms: int = 9_000


@dataclass(slots=True, eq=False)
class Walk:
    """One person's points so far; mutable, and forgotten with the visit.

    Attributes:
        track: the track that feeds it now.
        lost: that track is over.
        decided: whether it has been settled if this walk continues another.
        door_at_start: it began at a door, where new people come from.
        door_at_end: it was last seen at a door, where people leave.
        badge_s: seconds in which a badge of staff was heard and nobody else was near.
        party: those it walks with, as far as is known.
    """

    track: int
    door_at_start: bool
    times_ms: list[int] = field(default_factory=list)
    east_m: list[float] = field(default_factory=list)
    north_m: list[float] = field(default_factory=list)
    lost: bool = False
    decided: bool = False
    door_at_end: bool = False
    badge_s: set[int] = field(default_factory=set)
    party: Party | None = None

    @property
    def start_ms(self) -> int:
        """When it began."""
        return self.times_ms[0]

    @property
    def end_ms(self) -> int:
        """When it was last seen."""
        return self.times_ms[-1]

    def add(self, scene_ms: int, east_m: float, north_m: float) -> None:
        """Take the next point; one from the past is not news."""
        if self.times_ms and scene_ms <= self.times_ms[-1]:
            return
        self.times_ms.append(scene_ms)
        self.east_m.append(east_m)
        self.north_m.append(north_m)

    def absorb(self, later: Walk) -> None:
        """Go on as a later walk did, from where this one ended."""
        after = bisect_right(later.times_ms, self.end_ms)
        self.times_ms += later.times_ms[after:]
        self.east_m += later.east_m[after:]
        self.north_m += later.north_m[after:]
        self.track = later.track
        self.lost = later.lost
        self.door_at_end = later.door_at_end
        self.badge_s |= later.badge_s
        self.party = self.party or later.party

    def place_at(self, scene_ms: int) -> Point:
        """Give where it was, between points in a straight line, beyond its ends at the end."""
        after = bisect_left(self.times_ms, scene_ms)
        if after == 0:
            return self.east_m[0], self.north_m[0]
        if after == len(self.times_ms):
            return self.east_m[-1], self.north_m[-1]
        before_ms, after_ms = self.times_ms[after - 1], self.times_ms[after]
        part = (scene_ms - before_ms) / (after_ms - before_ms)
        return (
            self.east_m[after - 1] + part * (self.east_m[after] - self.east_m[after - 1]),
            self.north_m[after - 1] + part * (self.north_m[after] - self.north_m[after - 1]),
        )

    def mean_at(self, scene_ms: int, *, half_ms: int) -> Point:
        """Give the mean place around an instant; without a point near it, as ``place_at``."""
        first = bisect_left(self.times_ms, scene_ms - half_ms)
        last = bisect_left(self.times_ms, scene_ms + half_ms + 1)
        count = last - first
        if count == 0:
            return self.place_at(scene_ms)
        return sum(self.east_m[first:last]) / count, sum(self.north_m[first:last]) / count

    def velocity_m_s(self, *, lookback_ms: int) -> Point:
        """Give the mean velocity over the last points; a single point stands still."""
        since = self.place_at(self.end_ms - lookback_ms)
        seconds = min(lookback_ms, self.end_ms - self.start_ms) / 1_000
        if seconds == 0:
            return 0.0, 0.0
        return (self.east_m[-1] - since[0]) / seconds, (self.north_m[-1] - since[1]) / seconds


def best_continuations(
    heads: Sequence[Walk], tails: Sequence[Walk], *, params: RejoinParams
) -> list[tuple[Walk, Walk]]:
    """Pair new walks with lost ones so that the whole is most plausible.

    Args:
        heads: walks that may continue another.
        tails: lost walks.
        params: how far and how long an absence may be.

    Returns:
        (head, tail) pairs, each walk at most once on either side.
    """
    if not heads or not tails:
        return []
    costs = np.array([[_cost(head, tail, params=params) for tail in tails] for head in heads])
    rows, columns = linear_sum_assignment(costs)
    return [
        (heads[row], tails[column])
        for row, column in zip(rows.tolist(), columns.tolist(), strict=True)
        if costs[row, column] < NEVER
    ]


def _cost(head: Walk, tail: Walk, *, params: RejoinParams) -> float:
    """Give how implausible it is that a head continues a tail: metres beside the expectation."""
    gap_ms = head.start_ms - tail.end_ms
    natural = head.door_at_start or tail.door_at_end
    overlap_ms = 0 if natural else params.overlap_ms
    if head is tail or not -overlap_ms < gap_ms <= params.gap_ms:
        return NEVER
    if head.start_ms <= tail.start_ms or head.end_ms <= tail.end_ms:
        return NEVER
    seconds = max(0, gap_ms) / 1_000
    ended = tail.east_m[-1], tail.north_m[-1]
    began = head.place_at(tail.end_ms)
    gap_m = math.dist(ended, began)
    # At a door a coming and a going are likelier than a gap, so only a close one joins.
    limit_m = params.near_m if natural else params.near_m + params.speed_m_s * seconds
    if gap_m > limit_m:
        return NEVER
    east_m_s, north_m_s = tail.velocity_m_s(lookback_ms=params.lookback_ms)
    coast_s = min(max(0, gap_ms), params.coast_ms) / 1_000
    expected = ended[0] + east_m_s * coast_s, ended[1] + north_m_s * coast_s
    return min(gap_m, math.dist(expected, began)) / (1 + seconds) + 0.1 * seconds
