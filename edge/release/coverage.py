"""How much of a window the agent was seeing."""

from __future__ import annotations

from itertools import pairwise


class Coverage:
    """The share of the floor that is seen, as a step function of scene time."""

    def __init__(self, start_ms: int) -> None:
        """Begin blind."""
        self._steps: list[tuple[int, float]] = [(start_ms, 0.0)]

    def feed(self, scene_ms: int, *, seeing: float) -> None:
        """Take the share seen from an instant on.

        Raises:
            ValueError: a share outside 0 to 1, or an instant before the last one.
        """
        if not 0.0 <= seeing <= 1.0:
            raise ValueError(f"a share seen of {seeing}")
        if scene_ms < self._steps[-1][0]:
            raise ValueError("coverage is told in order of time")
        if seeing != self._steps[-1][1]:  # told often, it changes seldom
            self._steps.append((scene_ms, float(seeing)))

    def share(self, start_ms: int, end_ms: int) -> float:
        """Give the time-weighted share seen in [start, end); 0 for an empty period."""
        if end_ms <= start_ms:
            return 0.0
        seen_ms = sum(
            seeing * max(0, min(until_ms, end_ms) - max(since_ms, start_ms))
            for (since_ms, seeing), (until_ms, _) in pairwise([*self._steps, (end_ms, 0.0)])
        )
        return min(1.0, seen_ms / (end_ms - start_ms))

    def forget(self, before_ms: int) -> None:
        """Drop what no later window needs."""
        while len(self._steps) > 1 and self._steps[1][0] <= before_ms:
            del self._steps[0]
