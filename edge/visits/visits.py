"""Tracks and item events to visits; all of it in memory, for as long as a visit lasts."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from edge.rfid.items import ItemEvent, Key
from edge.rfid.sales import Sale
from edge.vision.tracking import TrackEnd, TrackPoint
from edge.visits.joining import Joining, JoinParams
from edge.visits.parties import Party, PartyParams, together
from edge.visits.path import Path, PathParams, Stay, Stop, smooth_path, stays_of, stops_of
from edge.visits.plan import Floor, Point, ZoneKind
from edge.visits.staff import Badge, StaffParams, is_staff
from edge.visits.walks import RejoinParams, Walk, best_continuations
from edge.visits.wares import Assortment, Ware

__all__ = ["Stay", "Stop", "Visit", "VisitParams", "Visits"]

DOORS: tuple[ZoneKind, ...] = ("entrance", "exit")


@dataclass(frozen=True, slots=True)
class Visit:
    """One pass through this agent's area.

    Attributes:
        path_m: length of the smoothed path.
        entered: began in an entrance zone (else a track that appeared out of nowhere).
        left: ended in an exit or entrance zone; false marks a visit cut by a lost track.
        items: events joined to it, each with its share in them; sold means kept and followed by a
            till stay.
        cut: it began or ended away from the doors the plan has: a track was lost. Such visits make
            many of one, so all rates per visit come out too low by their share.
        path: smoothed; None where only what was made of it is known.
        party: how many walked together, this one included.
        leads: it stands for its party: exactly one of each, that with the goods or at the till.
            Rates per party count these alone.
        hears: a reader hears some shelf, so goods can be told of.
        wares: product class -> what the catalogue says of it; None without a catalogue.
        carries: as a sensor tells; None where none does.
    """

    start_ms: int
    end_ms: int
    path_m: float
    start_point: tuple[float, float]
    end_point: tuple[float, float]
    stays: tuple[Stay, ...]
    stops: tuple[Stop, ...]
    items: tuple[ItemEvent, ...]
    entered: bool
    left: bool
    cut: bool = False
    path: Path | None = field(default=None, repr=False, compare=False)
    party: int = 1
    leads: bool = True
    hears: bool = True
    wares: Mapping[str, Ware] | None = field(default=None, repr=False)
    carries: Literal["nothing", "basket", "cart"] | None = None


@dataclass(frozen=True, slots=True)
class VisitParams:
    """When a visit begins, goes on and is over.

    Attributes:
        path: how its path is read.
        rejoin: when a new track continues it.
        stale_ms: a track without a point for so long is taken for lost.
        longest_ms: a visit is cut after this; staff and mannequins must not fill the memory.
        least_ms: shorter than this it was noise, or somebody looking in.
        least_reach_m: one who never got so far from the first point was a shadow or a trolley.
        door_m: how far from a door zone a walk may begin or end and still have used it: an
            overhead camera loses people some steps before the wall.
        items_ms: how late the news of an item may come: the silence that proves a pick.
        joining: whose an item event is.
        party: who walks together.
        staff: who works here.
    """

    path: PathParams = field(default_factory=PathParams)
    rejoin: RejoinParams = field(default_factory=RejoinParams)
    stale_ms: int = 10_000
    longest_ms: int = 3 * 3_600_000
    least_ms: int = 5_000
    least_reach_m: float = 2.0
    door_m: float = 1.0
    items_ms: int = 15_000
    joining: JoinParams = field(default_factory=JoinParams)
    party: PartyParams = field(default_factory=PartyParams)
    staff: StaffParams = field(default_factory=StaffParams)

    @property
    def settle_ms(self) -> int:
        """How long after an instant it is certain who was where."""
        return self.rejoin.gap_ms + self.rejoin.decide_ms

    @property
    def hold_ms(self) -> int:
        """How long after its end a visit is returned."""
        return max(self.settle_ms, self.items_ms)


class Visits:
    """All visits in progress.

    Points of one track come in order of time. What is returned is forgotten. Who steps out of a
    door and comes back within seconds is still here; who comes back later is a new visit, for
    nobody is recognised.

    Attributes:
        noise_walks: walks too short to be visits,
        staff_walks: and walks of staff; they depend on people, so they are for tests and never for
            logs or health.
    """

    def __init__(
        self,
        floor: Floor,
        *,
        params: VisitParams | None = None,
        antennas: Mapping[str | Key, Point] | None = None,
        assortment: Assortment | None = None,
        hears: bool = True,
    ) -> None:
        """Begin with nobody.

        Args:
            floor: the prepared plan.
            params: thresholds.
            antennas: (reader, antenna), or the zone of a single one, → where it hangs; without it,
                whoever is in the zone or in reach of it counts as near its goods.
            assortment: what the catalogue says of goods.
            hears: a reader hears some shelf.
        """
        self.noise_walks = self.staff_walks = 0
        self._floor = floor
        self._params = params or VisitParams()
        self._joining = Joining(floor, params=self._params.joining, antennas=antennas or {})
        self._assortment = assortment
        self._hears = hears
        self._walks: list[Walk] = []
        self._by_track: dict[int, Walk] = {}
        self._events: list[tuple[int, ItemEvent | Sale | Badge]] = []
        self._antennas = dict(antennas or {})
        self._now_ms = 0
        self._soonest_ms: float = math.inf  # nothing is due before; points only put it off

    @property
    def lost_items(self) -> int:
        """Count the item events nobody could be found for; not for logs or health either."""
        return self._joining.unattributed

    @property
    def latest_ms(self) -> int:
        """How long after its end a visit may be returned; a window waits as long."""
        return self._params.hold_ms

    def feed(self, item: TrackPoint | TrackEnd | ItemEvent | Sale | Badge) -> list[Visit]:
        """Take what happened next; gives the visits that are over by then."""
        if isinstance(item, ItemEvent | Sale | Badge):
            due_ms = max(self._now_ms, item.scene_ms + self._params.settle_ms)
            self._events.append((due_ms, item))
            self._soonest_ms = min(self._soonest_ms, due_ms)
            return []
        if isinstance(item, TrackEnd):
            walk = self._by_track.get(item.track)
            if walk is not None:
                self._lose(walk)
            return []
        over = self.advance(item.scene_ms)
        walk = self._by_track.get(item.track)
        if walk is None:
            walk = self._begin(item)
        walk.lost = False
        walk.add(item.scene_ms, item.east_m, item.north_m)
        return over

    def advance(self, now_ms: int) -> list[Visit]:
        """Settle whatever is due; gives the visits that are over."""
        over: list[Visit] = []
        while self._soonest_ms <= now_ms:
            due_ms = self.due_ms()
            if due_ms is not None and due_ms <= now_ms:
                self._now_ms = max(self._now_ms, due_ms)
                over += self._settle(due_ms)
                due_ms = self.due_ms()
            self._soonest_ms = math.inf if due_ms is None else due_ms
        self._now_ms = max(self._now_ms, now_ms)
        return over

    def due_ms(self) -> int | None:
        """When something settles by itself."""
        due = [self._walk_due_ms(walk) for walk in self._walks]
        due += [due_ms for due_ms, _ in self._events]
        return min(due, default=None)

    def flush(self) -> list[Visit]:
        """End every visit now: the agent stops."""
        for walk in self._walks:
            if not walk.lost:
                self._lose(walk)
        over: list[Visit] = []
        while (due_ms := self.due_ms()) is not None:
            over += self._settle(due_ms)
        return over

    def _begin(self, point: TrackPoint) -> Walk:
        at_door = self._at_door(point.east_m, point.north_m)
        walk = Walk(point.track, at_door)
        self._walks.append(walk)
        self._by_track[point.track] = walk
        self._soonest_ms = min(self._soonest_ms, point.scene_ms)
        return walk

    def _at_door(self, east_m: float, north_m: float) -> bool:
        return any(
            zone.kind in DOORS
            and self._floor.zone_distance_m(zone.id, east_m, north_m) <= self._params.door_m
            for zone in self._floor.plan.zones
        )

    def _lose(self, walk: Walk) -> None:
        walk.lost = True
        self._soonest_ms = min(self._soonest_ms, walk.end_ms)
        walk.door_at_end = self._at_door(walk.east_m[-1], walk.north_m[-1])

    def _walk_due_ms(self, walk: Walk) -> int:
        due_ms = walk.end_ms + (self._params.hold_ms if walk.lost else self._params.stale_ms)
        due_ms = min(due_ms, walk.start_ms + self._params.longest_ms)
        if not walk.decided:
            due_ms = min(due_ms, walk.start_ms + self._params.rejoin.decide_ms)
        return due_ms

    def _settle(self, now_ms: int) -> list[Visit]:
        """Do, in a fixed order, everything due at an instant."""
        for walk in self._walks:
            if not walk.lost and walk.end_ms + self._params.stale_ms <= now_ms:
                self._lose(walk)
        self._join(now_ms)
        self._give_items(now_ms)
        over = [walk for walk in self._walks if self._is_over(walk, now_ms)]
        found = []
        for walk in over:
            self._meet(walk)
            self._forget(walk)
            found.append(self._visit(walk))
        return [visit for visit in found if visit is not None]

    def _is_over(self, walk: Walk, now_ms: int) -> bool:
        if walk.start_ms + self._params.longest_ms <= now_ms:
            return True
        return walk.lost and walk.decided and walk.end_ms + self._params.hold_ms <= now_ms

    def _join(self, now_ms: int) -> None:
        heads = [walk for walk in self._walks if not walk.decided]
        due = {
            id(walk) for walk in heads if walk.start_ms + self._params.rejoin.decide_ms <= now_ms
        }
        if not due:
            return
        tails = [walk for walk in self._walks if walk.lost]
        pairs = best_continuations(heads, tails, params=self._params.rejoin)
        merged: dict[int, Walk] = {}  # a tail may itself have just become part of another
        for head, tail in sorted(pairs, key=lambda pair: pair[0].start_ms):
            if id(head) in due:
                merged[id(head)] = merged.get(id(tail), tail)
                self._continue(merged[id(head)], head)
                due.discard(id(head))
        for head in heads:
            if id(head) in due:
                head.decided = True

    def _continue(self, earlier: Walk, later: Walk) -> None:
        """Make a later walk part of an earlier one, which takes over all that points to it."""
        self._by_track.pop(earlier.track, None)
        earlier.absorb(later)
        self._by_track[later.track] = earlier
        self._walks.remove(later)
        self._joining.merge(later, earlier=earlier)

    def _give_items(self, now_ms: int) -> None:
        due = [event for due_ms, event in self._events if due_ms <= now_ms]
        self._events = [(due_ms, event) for due_ms, event in self._events if due_ms > now_ms]
        for event in sorted(due, key=lambda event: event.scene_ms):
            if isinstance(event, Badge):
                self._note_badge(event)
            elif isinstance(event, Sale):
                self._joining.sell(event, self._walks)
            else:
                self._joining.give(event, self._walks)

    def _note_badge(self, badge: Badge) -> None:
        at = self._antennas.get(badge.antenna)
        near = [
            walk
            for walk in self._walks
            if at is not None
            and walk.start_ms <= badge.scene_ms <= walk.end_ms
            and math.dist(walk.place_at(badge.scene_ms), at) <= self._params.staff.badge_m
        ]
        if len(near) == 1:
            near[0].badge_s.add(badge.scene_ms // 1_000)

    def _meet(self, walk: Walk) -> None:
        """Find, as a walk is over, those still known who walked with it."""
        for other in self._walks:
            if other is walk or (walk.party is not None and other.party is walk.party):
                continue
            if together(walk, other, params=self._params.party):
                joint = Party(
                    sum(one.party.size if one.party else 1 for one in (walk, other)),
                    led=any(one.party.led for one in (walk, other) if one.party),
                )
                old = [one.party for one in (walk, other) if one.party]
                for one in self._walks:
                    if one in (walk, other) or one.party in old:
                        one.party = joint

    def _leads(self, walk: Walk) -> bool:
        """Choose who stands for a party: who was at a till, or came first; one of each party."""
        party = walk.party
        if party is None:
            return True
        others = [one for one in self._walks if one.party is party]
        leads = not party.led and all(self._rank(walk) <= self._rank(one) for one in others)
        party.led = party.led or leads
        return leads

    def _rank(self, walk: Walk) -> tuple[bool, int]:
        path = smooth_path(walk.times_ms, walk.east_m, walk.north_m, params=self._params.path)
        stays = stays_of(path, floor=self._floor, params=self._params.path)
        tills = [stay for stay in stays if self._floor.zones[stay.zone].kind == "till"]
        return not tills, walk.start_ms

    def _forget(self, walk: Walk) -> None:
        self._walks.remove(walk)
        if self._by_track.get(walk.track) is walk:
            del self._by_track[walk.track]

    def _visit(self, walk: Walk) -> Visit | None:
        params = self._params
        items = self._joining.take(walk)
        path = smooth_path(walk.times_ms, walk.east_m, walk.north_m, params=params.path)
        lasted_ms = walk.end_ms - walk.start_ms
        if lasted_ms < params.least_ms or path.reach_m < params.least_reach_m:
            self.noise_walks += 1
            return None
        stays = stays_of(path, floor=self._floor, params=params.path)
        stops = stops_of(path, floor=self._floor, params=params.path)
        if is_staff(
            stays=stays,
            stops=stops,
            lasted_ms=lasted_ms,
            badge_s=len(walk.badge_s),
            floor=self._floor,
            params=params.staff,
        ):
            self.staff_walks += 1
            return None
        return Visit(
            start_ms=walk.start_ms,
            end_ms=walk.end_ms,
            path_m=path.length_m,
            start_point=(walk.east_m[0], walk.north_m[0]),
            end_point=(walk.east_m[-1], walk.north_m[-1]),
            stays=stays,
            stops=stops,
            items=tuple(items),
            entered=walk.door_at_start,
            left=walk.door_at_end,
            party=walk.party.size if walk.party else 1,
            leads=self._leads(walk),
            cut=self._cut(walk),
            path=path,
            hears=self._hears,
            wares=self._wares(items),
        )

    def _cut(self, walk: Walk) -> bool:
        kinds = {zone.kind for zone in self._floor.plan.zones}
        return ("entrance" in kinds and not walk.door_at_start) or (
            "exit" in kinds and not walk.door_at_end
        )

    def _wares(self, items: Sequence[ItemEvent]) -> dict[str, Ware] | None:
        if self._assortment is None:
            return None
        found = {
            event.product_class: self._assortment.ware(event.product_class, event.scene_ms)
            for event in items
        }
        return {name: ware for name, ware in found.items() if ware is not None}
