"""Verifying by walking: where the people in view are now, as dots without identity or past."""

from __future__ import annotations

from dataclasses import dataclass

from edge.vision.tracking import TrackEnd, TrackPoint


@dataclass(frozen=True, slots=True)
class WalkParams:
    """When a walk ends by itself.

    Attributes:
        longest_ms: at most; the agent stands still meanwhile.
        unseen_ms: after so long without anybody asking for the dots: the page was closed.
        stale_ms: a dot not renewed for so long is not shown.
    """

    longest_ms: int = 30 * 60_000
    unseen_ms: int = 60_000
    stale_ms: int = 3_000


class Walk:
    """Keeps the newest place of each track and nothing else.

    Args:
        now_ms: when it starts.
        params: when it ends.
    """

    def __init__(self, now_ms: int, *, params: WalkParams | None = None) -> None:
        self._params = params or WalkParams()
        self._started_ms = self._asked_ms = now_ms
        self._places: dict[int, tuple[int, float, float]] = {}

    def feed(self, event: TrackPoint | TrackEnd, *, now_ms: int) -> None:
        """Take what tracking says, and when it said so."""
        if isinstance(event, TrackEnd):
            self._places.pop(event.track, None)
        else:
            self._places[event.track] = (now_ms, event.east_m, event.north_m)

    def dots(self, now_ms: int) -> list[tuple[float, float]]:
        """Give the places of those seen just now, sorted, so that their order tells nothing."""
        self._asked_ms = now_ms
        oldest_ms = now_ms - self._params.stale_ms
        fresh = [place[1:] for place in self._places.values() if place[0] >= oldest_ms]
        return sorted((round(east, 2), round(north, 2)) for east, north in fresh)

    def left_ms(self, now_ms: int) -> int:
        """Give how long it may go on while somebody looks."""
        return max(0, self._started_ms + self._params.longest_ms - now_ms)

    def is_over(self, now_ms: int) -> bool:
        """Tell whether its time is up or nobody looks any more."""
        return not self.left_ms(now_ms) or now_ms - self._asked_ms >= self._params.unseen_ms
