"""What the sources found, to finished visits: the pure middle of an agent."""

from __future__ import annotations

from edge.rfid.items import ItemEvent, Items
from edge.rfid.reads import Alive, TagRead
from edge.vision.tracking import TrackEnd, TrackPoint
from edge.visits.visits import Visit, Visits


class Pipeline:
    """Tracks and tag reads in, visits out; everything in memory."""

    def __init__(self, *, items: Items, visits: Visits) -> None:
        self._items = items
        self._visits = visits

    def feed(self, found: TrackPoint | TrackEnd | TagRead | Alive) -> list[Visit]:
        """Take what a camera's tracker or a reader's driver found."""
        if isinstance(found, TagRead | Alive):
            return self._through(self._items.feed(found))
        return self._visits.feed(found)

    def advance(self, now_ms: int) -> list[Visit]:
        """Let time pass: absence ends visits."""
        return self._through(self._items.advance(now_ms)) + self._visits.advance(now_ms)

    def flush(self) -> list[Visit]:
        """End every visit now: the agent stops."""
        return self._visits.flush()

    def _through(self, events: list[ItemEvent]) -> list[Visit]:
        return [visit for event in events for visit in self._visits.feed(event)]
