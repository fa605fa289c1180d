"""Several cameras' sightings, each at its own pace, to one tracker in order of time."""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterable
from dataclasses import dataclass

from edge.vision.tracking import Sighting, TrackEnd, Tracker, TrackPoint

_BEFORE_ALL = -(1 << 62)


@dataclass(frozen=True, slots=True)
class Blank:
    """A camera has no more images from before an instant: dead, or only slow."""

    scene_ms: int
    camera: str


@dataclass(frozen=True, slots=True)
class FusionParams:
    """How cameras wait for each other.

    Attributes:
        wait_ms: a camera that tells neither a sighting nor a blank for so long is not waited
            for; longer than the slowest camera's second and a slow box's look at an image.
    """

    wait_ms: int = 3_000


class Fusion:
    """Puts sightings in order of time; in whatever order cameras tell them, tracks are the same.

    A sighting is held until every camera has told of its instant or a later one, so that one
    camera alone is never delayed.

    Attributes:
        late: sightings that came after the others had gone on without them; left out.

    Args:
        tracker: of all the cameras.
        cameras: their names, as in ``Sighting.camera``.
        params: patience.
    """

    def __init__(
        self, tracker: Tracker, *, cameras: Iterable[str], params: FusionParams | None = None
    ) -> None:
        self.late = 0
        self._tracker = tracker
        self._params = params or FusionParams()
        self._told_ms = dict.fromkeys(cameras, _BEFORE_ALL)
        self._held: list[Sighting] = []
        self._settled_ms = _BEFORE_ALL

    def feed(self, found: Sighting | Blank) -> list[TrackPoint | TrackEnd]:
        """Take what a camera told; give what it settles.

        Raises:
            ValueError: a camera there is not.
        """
        if found.camera not in self._told_ms:
            raise ValueError(f"no camera is called {found.camera!r}")
        self._told_ms[found.camera] = max(found.scene_ms, self._told_ms[found.camera])
        if isinstance(found, Sighting):
            if found.scene_ms < self._settled_ms:
                self.late += 1
            else:
                insort(self._held, found, key=_order)
        return self._settle(min(self._told_ms.values()))

    def advance(self, now_ms: int) -> list[TrackPoint | TrackEnd]:
        """Let time pass: whom nobody told of for long is not waited for."""
        return self._settle(now_ms - self._params.wait_ms)

    def due_ms(self) -> int | None:
        """Give the next instant at which ``advance`` settles something."""
        due = [one.scene_ms for one in self._held[:1]]
        ends_ms = self._tracker.due_ms()
        if ends_ms is not None:
            due.append(ends_ms)
        return min(due) + self._params.wait_ms if due else None

    def _settle(self, until_ms: int) -> list[TrackPoint | TrackEnd]:
        self._settled_ms = max(until_ms, self._settled_ms)
        out: list[TrackPoint | TrackEnd] = []
        while self._held and self._held[0].scene_ms <= self._settled_ms:
            out += self._tracker.feed(self._held.pop(0))
        return out + self._tracker.advance(self._settled_ms)


def _order(sighting: Sighting) -> tuple[int, str]:
    return sighting.scene_ms, sighting.camera
