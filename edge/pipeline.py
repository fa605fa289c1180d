"""What the sources found, to finished visits: the pure middle of an agent."""

from __future__ import annotations

from collections.abc import Sequence

from edge.rfid.items import ItemEvent, Items
from edge.rfid.reads import Alive, TagRead
from edge.rfid.sales import Sale
from edge.vision.fusion import Blank, Fusion
from edge.vision.tracking import Sighting, TrackEnd, TrackPoint
from edge.visits.staff import Badge
from edge.visits.visits import Visit, Visits

Found = Sighting | Blank | TrackPoint | TrackEnd | TagRead | Alive | Sale


class Pipeline:
    """Sightings and tag reads in, visits out; everything in memory.

    Args:
        badges: product classes that staff wear; their reads are no goods.
    """

    def __init__(
        self,
        *,
        fusion: Fusion,
        items: Items,
        visits: Visits,
        badges: frozenset[str] = frozenset(),
    ) -> None:
        self._fusion = fusion
        self._items = items
        self._visits = visits
        self._badges = badges

    def feed(self, found: Found) -> list[Visit]:
        """Take what a camera's eyes, another sensor, a reader's driver or a till found."""
        if isinstance(found, TagRead) and found.product_class in self._badges:
            return self._visits.feed(Badge(found.scene_ms, (found.reader, found.antenna)))
        if isinstance(found, TagRead | Alive):
            return self._through(self._items.feed(found))
        if isinstance(found, Sale | TrackPoint | TrackEnd):
            return self._visits.feed(found)
        return self._through(self._fusion.feed(found))

    def advance(self, now_ms: int) -> list[Visit]:
        """Let time pass: absence ends visits."""
        visits = self._through(self._fusion.advance(now_ms))
        visits += self._through(self._items.advance(now_ms))
        return visits + self._visits.advance(now_ms)

    def flush(self) -> list[Visit]:
        """End every visit now: the agent stops."""
        visits: list[Visit] = []
        while (due_ms := self._fusion.due_ms()) is not None:
            visits += self._through(self._fusion.advance(due_ms))
        return visits + self._through(self._items.flush()) + self._visits.flush()

    def _through(self, events: Sequence[TrackPoint | TrackEnd | ItemEvent]) -> list[Visit]:
        return [visit for event in events for visit in self._visits.feed(event)]
