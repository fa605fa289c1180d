"""How many are in each zone now, and how long people have dwelt there: for `aisle-edge watch`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from edge.vision.tracking import TrackEnd, TrackPoint

LONGEST_STEP_MS = 2_000
"""Time between two points of one track that still counts as having stayed between them."""


@dataclass(frozen=True, slots=True)
class ZoneCount:
    """One zone's present state and its sums so far.

    Attributes:
        present: tracks in the zone at their last point.
        entries: times a track came in.
        dwell_s: person-seconds.
    """

    zone: str
    present: int
    entries: int
    dwell_s: float


class Occupancy:
    """Counts tracks in zones as they move; time is scene time, never frames."""

    def __init__(self, zones: tuple[str, ...], *, zone_at: Callable[[float, float], str]) -> None:
        self._zone_at = zone_at
        self._last: dict[int, tuple[str, int]] = {}
        self._entries = dict.fromkeys(zones, 0)
        self._dwell_ms = dict.fromkeys(zones, 0)

    def feed(self, event: TrackPoint | TrackEnd) -> None:
        """Take a point or an end; a point outside every zone counts nowhere."""
        if isinstance(event, TrackEnd):
            self._last.pop(event.track, None)
            return
        zone = self._zone_at(event.east_m, event.north_m)
        before = self._last.get(event.track)
        self._last[event.track] = (zone, event.scene_ms)
        if zone not in self._entries:
            return
        if before is None or before[0] != zone:
            self._entries[zone] += 1
        elif event.scene_ms - before[1] <= LONGEST_STEP_MS:
            self._dwell_ms[zone] += event.scene_ms - before[1]

    def counts(self) -> tuple[ZoneCount, ...]:
        """Give every zone's state, in the plan's order."""
        present = [zone for zone, _ in self._last.values()]
        return tuple(
            ZoneCount(zone, present.count(zone), entries, self._dwell_ms[zone] / 1000)
            for zone, entries in self._entries.items()
        )
