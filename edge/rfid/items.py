"""Tag reads to item events: what happened to the goods."""

from __future__ import annotations

import math
from collections.abc import Container, Mapping
from dataclasses import replace

from edge.rfid.absences import Absences, Loss
from edge.rfid.events import EventKind, ItemEvent, Key, Place, PlaceKind, Trace
from edge.rfid.reads import Alive, TagRead
from edge.rfid.returns import Return, Returns
from edge.rfid.stock import Call, Field, Item, ItemParams, State, Stock

__all__ = [
    "EventKind", "ItemEvent", "ItemParams", "Items", "Key", "Place", "PlaceKind", "Trace",
]  # fmt: skip


class Items:
    """Presence of every tag at every antenna, and what its changes mean.

    Args:
        params: when something is believed.
        places: what each antenna watches, by reader and antenna; a reader's name alone stands for
            all its antennas.
        known: the product classes of the catalogue; tags of others are dropped before anything is
            kept of them. Without it, all are taken.

    Attributes:
        unknown: reads dropped for their class; depends on people, so only its order of magnitude
            may be shown.
        unplaced: reads of antennas that watch nothing.
    """

    def __init__(
        self,
        params: ItemParams,
        places: Mapping[str | Key, Place],
        *,
        known: Container[str] | None = None,
    ) -> None:
        self.unknown = 0
        self.unplaced = 0
        self._params = params
        self._known = known
        self._stock = Stock(params, places)
        self._absences = Absences(self._stock, params=params)
        self._returns = Returns(self._stock, params=params)
        self._exits = any(place.kind == "exit" for place in places.values())
        self._tills = any(place.kind == "till" for place in places.values())
        self._soonest_ms: float = math.inf

    def feed(self, found: TagRead | Alive) -> list[ItemEvent]:
        """Take one read, or word of a round that heard nothing; those of a reader are in order.

        Empty rounds prove that the reader lives, not that its antenna is plugged in. So they count
        only where one tag is left, whose silence nothing else could prove; where several are left,
        the reads of the others do, and all of them taken at once look like a dead antenna.
        """
        events = self.advance(found.scene_ms)
        key = found.reader, found.antenna
        there = self._stock.fields.get(key)
        if isinstance(found, Alive):
            if there is not None and len(there.resting) == 1:
                events += self._lost(self._absences.live(there, now_ms=found.scene_ms), found)
            return events
        if self._known is not None and found.product_class not in self._known:
            self.unknown += 1
            return events
        if there is None:
            there = self._stock.open(key, now_ms=found.scene_ms)
            if there is None:
                self.unplaced += 1
                return events
        events += self._lost(self._absences.live(there, now_ms=found.scene_ms), found)
        if there.place.kind == "shelf":
            return events + self._at_shelf(found, there, key=key)
        return events + self._at_call(found, there, key=key)

    def advance(self, now_ms: int) -> list[ItemEvent]:
        """Let time pass: what has been away for long is told, sold or forgotten.

        Time alone proves no pick; the next sign that the antenna hears does.
        """
        if now_ms < self._soonest_ms:
            return []
        events: list[ItemEvent] = []
        while (due_ms := self.due_ms()) is not None and due_ms <= now_ms:
            for tag, item in list(self._stock.items.items()):
                if self._due_ms(item) <= due_ms:
                    events += self._settle(tag, item, now_ms=due_ms)
        self._soonest_ms = math.inf if due_ms is None else due_ms
        return events

    def flush(self) -> list[ItemEvent]:
        """Tell what is believed and was not told yet: the agent stops."""
        events: list[ItemEvent] = []
        for item in self._stock.items.values():
            events += self._tell(item, now_ms=item.last_ms)
        return events

    def due_ms(self) -> int | None:
        """Give the instant at which the next item is told, sold or forgotten, if it stays away."""
        return min((self._due_ms(item) for item in self._stock.items.values()), default=None)

    # ---- time ------------------------------------------------------------------------------------

    def _due_ms(self, item: Item) -> int:
        due_ms = self._stale_ms(item)
        if item.picked is not None:
            due_ms = min(due_ms, self._tell_ms(item))
        if item.till is not None:
            due_ms = min(due_ms, self._sold_ms(item))
        return due_ms

    def _stale_ms(self, item: Item) -> int:
        """Give when an item is forgotten unless it, or for one on a shelf any, is read before."""
        if item.state is State.NEW:
            return item.last_ms + self._params.max_silence_ms
        if item.state is State.SHELF and item.home is not None:
            heard_ms = self._stock.fields[item.home].heard_ms
            return max(heard_ms, item.last_ms) + self._params.forget_ms
        return item.last_ms + self._params.forget_ms

    def _sold_ms(self, item: Item) -> int:
        wait_ms = self._params.left_ms if self._exits else self._params.sold_ms
        return item.last_ms + wait_ms

    def _tell_ms(self, item: Item) -> int:
        return min(item.tell_ms, item.last_ms + self._params.gone_ms)

    def _settle(self, tag: bytes, item: Item, *, now_ms: int) -> list[ItemEvent]:
        """Do what is due of one item."""
        if item.picked is not None and now_ms >= self._tell_ms(item):
            return self._tell(item, now_ms=now_ms)
        if item.till is not None and now_ms >= self._sold_ms(item):
            confidence = 0.7 if self._exits else item.till.confidence
            return [self._sell(item, item.till.scene_ms, zone=item.till.zone, sure=confidence)]
        self._stock.drop(tag, item)
        return []

    def _watch(self, item: Item) -> None:
        self._soonest_ms = min(self._soonest_ms, self._due_ms(item))

    # ---- shelves ---------------------------------------------------------------------------------

    def _at_shelf(self, read: TagRead, there: Field, *, key: Key) -> list[ItemEvent]:
        """Take a read of a shelf's antenna that is known to hear."""
        item = self._stock.items.get(read.tag)
        if item is not None and item.state is State.GONE:
            if read.scene_ms - item.last_ms <= self._params.call_gap_ms:
                return []
            self._stock.drop(read.tag, item)
            item = None
        if item is None:
            item = self._meet(read)
        events: list[ItemEvent] = []
        if item.state is State.SHELF:
            events = self._lost(self._absences.rest(item, read, there, key=key), read)
        elif item.state is State.AWAY:
            back = self._returns.take(item, read, key=key)
            events = [] if back is None else self._put_back(item, read, back)
        elif item.state is State.NEW:
            self._stock.hear(item, read, there, key=key)
            if (
                item.reads >= self._params.settle_reads
                and read.scene_ms - item.since_ms >= self._params.settle_ms
            ):
                self._stock.lay(
                    item, read, key=max(item.ears, key=lambda one: item.ears[one].level_dbm)
                )
        item.last_ms = item.basis_ms = read.scene_ms
        return events

    def _meet(self, read: TagRead) -> Item:
        item = self._stock.meet(read)
        self._watch(item)
        return item

    def _lost(self, losses: list[Loss], found: TagRead | Alive) -> list[ItemEvent]:
        """Believe what is away, in the order in which it went."""
        events: list[ItemEvent] = []
        for tag, nats in losses:
            events += self._pick(tag, self._stock.items[tag], nats=nats, now_ms=found.scene_ms)
        return sorted(events, key=lambda event: event.scene_ms)

    def _pick(self, tag: bytes, item: Item, *, nats: float, now_ms: int) -> list[ItemEvent]:
        """Believe a pick; it is told once the item is gone, so that its trace is whole."""
        assert item.home is not None
        there = self._stock.fields[item.home]
        there.resting.pop(tag, None)
        event = ItemEvent(
            "picked",
            item.since_ms,
            there.place.zone,
            item.product_class,
            tag,
            confidence=_sure(nats, of=self._params.picked_nats),
            antenna=item.home,
        )
        item.state, item.nats, item.since_ms = State.AWAY, 0.0, now_ms
        item.stay.clear()
        item.picked, item.tell_ms = event, event.scene_ms + self._params.tell_ms
        if now_ms >= self._tell_ms(item):
            return self._tell(item, now_ms=now_ms)
        self._watch(item)
        return []

    def _tell(self, item: Item, *, now_ms: int) -> list[ItemEvent]:
        event = item.picked
        if event is None:
            return []
        assert item.home is not None
        home = item.ears[item.home]
        until_ms = max(item.last_ms, min(now_ms, self._stock.fields[item.home].heard_ms))
        trace = Trace(home.level_dbm, home.interval_ms, tuple(item.trace), until_ms)
        item.picked, item.trace = None, []
        return [replace(event, trace=trace)]

    def _put_back(self, item: Item, read: TagRead, back: Return) -> list[ItemEvent]:
        key, there = back.key, self._stock.fields[back.key]
        picked = item.picked
        if (
            picked is not None
            and key == item.home
            and back.back_ms - picked.scene_ms < self._params.least_away_ms
        ):
            item.picked = None
            self._stock.lay(item, read, key=key)
            return []
        events = self._tell(item, now_ms=read.scene_ms)
        misplaced = item.home is not None and key != item.home
        self._stock.lay(item, read, key=key)
        return [
            *events,
            ItemEvent(
                "put_back",
                back.back_ms,
                there.place.zone,
                read.product_class,
                read.tag,
                confidence=_sure(back.nats, of=self._params.back_nats),
                misplaced=misplaced,
                antenna=key,
            ),
        ]

    # ---- tills, exits, fitting rooms -------------------------------------------------------------

    def _at_call(self, read: TagRead, there: Field, *, key: Key) -> list[ItemEvent]:
        """Take a read of an antenna that items only come to."""
        item = self._stock.items.get(read.tag)
        if item is None:
            item = self._meet(read)
            item.state = State.AWAY
        if item.state is State.GONE or self._is_cross_read(item, read):
            return []
        now_ms = read.scene_ms
        call = item.calls.get(key)
        if call is None or now_ms - call.last_ms > self._params.call_gap_ms:
            call = item.calls[key] = Call(now_ms, now_ms)
        else:
            call.reads += 1
            call.last_ms = now_ms
        events = [] if call.told else self._called(item, read, there, call=call)
        if item.state is not State.SHELF:
            item.last_ms = now_ms
        return events

    def _is_cross_read(self, item: Item, read: TagRead) -> bool:
        """Tell whether an item still rests on its shelf, heard from afar."""
        if item.state is State.NEW:
            return item.reads > 0
        if item.state is not State.SHELF or item.home is None:
            return False
        home = item.ears[item.home]
        there_ms = max(self._params.stay_gap_ms, round(4 * home.interval_ms))
        return (
            read.scene_ms - item.last_ms <= there_ms
            or read.rssi_dbm < home.level_dbm + self._params.margin_db
        ) and self._stock.evidence(item) < self._params.crowd_nats

    def _called(self, item: Item, read: TagRead, there: Field, *, call: Call) -> list[ItemEvent]:
        kind = there.place.kind
        lasted_ms = read.scene_ms - call.first_ms
        if call.reads < self._params.call_reads or (
            kind == "fitting-room" and lasted_ms < self._params.fitting_ms
        ):
            return []
        call.told = True
        events: list[ItemEvent] = []
        if item.state is State.SHELF:
            nats = max(self._stock.evidence(item), self._params.picked_nats)
            events = self._pick(read.tag, item, nats=nats, now_ms=read.scene_ms)
        events += self._tell(item, now_ms=read.scene_ms)
        item.stay.clear()
        if kind == "exit":
            return events + self._leave(item, read, there, call=call)
        event = ItemEvent(
            "till" if kind == "till" else "fitting_room",
            call.first_ms,
            there.place.zone,
            read.product_class,
            read.tag,
            antenna=(read.reader, read.antenna),
        )
        if kind == "till" and item.home is not None:
            item.till = event
            item.last_ms = read.scene_ms
            self._watch(item)
        return [*events, event]

    def _leave(self, item: Item, read: TagRead, there: Field, *, call: Call) -> list[ItemEvent]:
        """Take an item out of the shop."""
        if item.till is not None:
            return [self._sell(item, call.first_ms, zone=there.place.zone, sure=1.0)]
        if item.home is None:
            return []
        item.state = State.GONE
        return [
            ItemEvent(
                "left_unpaid",
                call.first_ms,
                there.place.zone,
                read.product_class,
                read.tag,
                confidence=0.9 if self._tills else 0.5,
                antenna=(read.reader, read.antenna),
            )
        ]

    def _sell(self, item: Item, scene_ms: int, *, zone: str, sure: float) -> ItemEvent:
        till, item.till, item.state = item.till, None, State.GONE
        assert till is not None
        return replace(till, kind="sold", scene_ms=scene_ms, zone=zone, confidence=sure)


def _sure(nats: float, *, of: float) -> float:
    """Give how sure evidence makes: .95 at the threshold, less for what time alone decided."""
    return 1.0 / (1.0 + math.exp(of - 3.0 - nats))
