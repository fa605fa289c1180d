"""Tag reads to item events: what happened to the goods."""

from __future__ import annotations

import math
from collections.abc import Container, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from typing import Literal

from edge.rfid.presence import Heard, PresenceParams, Silences
from edge.rfid.reads import Alive, TagRead

EventKind = Literal["picked", "put_back", "fitting_room", "till", "sold", "left_unpaid"]
PlaceKind = Literal["shelf", "fitting-room", "till", "exit"]
Key = tuple[str, int]
"""A reader's name and the number of its antenna."""


@dataclass(frozen=True, slots=True)
class Trace:
    """What the antenna of a picked item heard of it, before and from then on; memory only.

    Attributes:
        rest_dbm: mean level while it lay there.
        interval_ms: mean time between reads then.
        heard: instants and levels in dBm since the pick, until it was gone, was put back or a while
            had passed.
        until_ms: end of that while; from the last read to here there was silence.
    """

    rest_dbm: float
    interval_ms: float
    heard: tuple[tuple[int, int], ...]
    until_ms: int


@dataclass(frozen=True, slots=True)
class ItemEvent:
    """Something happened to one item.

    Attributes:
        kind: ``picked`` is dated at the last read before the evidence that proved it;
            ``put_back``, ``fitting_room``, ``till``, ``sold`` at the exit and ``left_unpaid`` at
            the first read there.
        scene_ms: when it happened, not when it was proved.
        zone: the zone of the antenna.
        product_class: GTIN-14.
        tag: keyed hash, to tie this item's events together; memory only.
        confidence: how sure it is that this happened, 0 to 1.
        misplaced: it was put back at another antenna's shelf than it was taken from.
        antenna: reader and antenna that tell it; None where another source does.
        trace: what that antenna heard of a picked item, to tell who has it.
        share: the part of the event that the visit it is joined to has in it.
    """

    kind: EventKind
    scene_ms: int
    zone: str
    product_class: str
    tag: bytes = field(repr=False)
    confidence: float = 1.0
    misplaced: bool = False
    antenna: Key | None = None
    trace: Trace | None = field(default=None, repr=False)
    share: float = 1.0


@dataclass(frozen=True, slots=True)
class Place:
    """What an antenna watches."""

    zone: str
    kind: PlaceKind


@dataclass(frozen=True, slots=True)
class ItemParams:
    """When an absence, a return, a sale is believed.

    Every silence and every level is evidence, in nats, for "away" against "there"; it is summed
    while it points to away (Page's CUSUM, Biometrika 1954) and believed from a threshold on. A
    silence says something only while the antenna is known to hear: it is weighed when a read of
    another tag comes, and a silence of all tags is weighed not at all, for then the reader, its
    cable or its power is away. Antennas that share a tag add up. Defaults without a source are
    judgement, tuned on the simulator's seeds 1 to 9 (tests/figures/items.py has those of others).

    Attributes:
        presence: what silences and levels say.
        picked_nats: evidence for a pick: about one false one in e^11 spells of silence.
        back_nats: evidence that an item is back.
        back_ms: and for at least this long, for a shopper passes the antenna with it.
        min_silence_ms: a silence shorter than this is never a pick by itself.
        max_silence_ms: a silence longer than this always is,
        max_intervals: if it is also longer than so many mean intervals between reads.
        check_ms: silences are weighed this often.
        gone_ms: a picked item not heard for so long has left its antenna's field: told then,
        tell_ms: or when so long has passed.
        elsewhere_s: nats for "lies elsewhere" a second of an item heard without a break, but not
            as before: who looks at a thing in hand puts it away after some seconds.
        elsewhere_ms: and for at least this long.
        laid_db: so much louder at once, an item is laid down: body and hand no longer shade it.
        elsewhere_nats: most that its level may say for or against.
        stay_gap_ms: not heard for so long, it was carried past; or for four mean intervals.
        settle_ms: a tag first seen is stock once it has been read for this long.
        settle_reads: and this many times.
        margin_db: an item belongs to another antenna that hears it louder by this much (physics
            recipe, step 3: 3 to 6 dB), on the mean of at least ``settle_reads`` reads.
        crowd: share of an antenna's tags that, silent at once, are a fault or a body in front of
            it rather than picks (physics recipe, step 6).
        crowd_least: but at least this many tags.
        crowd_nats: evidence from which a tag counts as silent there.
        dim_db: level of a tag, over the last ``dim_ms``, from which somebody stands in front of it
            or has it.
        dim_ms: and not heard for three times as long, it is silent rather than dim.
        dim_least: so many others dim at once are a body in front of them: nothing is picked then
            that is not much fainter or silent for ``max_silence_ms``; it is told afterwards.
        least_away_ms: what comes back sooner was not away; nobody looks at a thing so shortly.
        lapse_ms: an antenna without any read for longer has been deaf: all silences begin anew.
            Times the antennas that take turns at its reader. Far above a round of inventory (0.2
            to 0.4 s), and short enough that the silence it adds to every tag proves no pick.
        call_reads: reads at a till or an exit after which an item is there.
        fitting_ms: an item is in a fitting room once it was heard there for this long.
        call_gap_ms: after a silence so long at such an antenna it is there anew.
        sold_ms: so long after the last read at a till, without coming back, an item is sold where
            no exit is watched,
        left_ms: and where one is, but missed it.
        forget_ms: an item away this long is sold or moved: forgotten. So is all that lay on a
            shelf whose antenna has been deaf this long; it is met anew.
    """

    presence: PresenceParams = field(default_factory=PresenceParams)
    picked_nats: float = 11.0
    back_nats: float = 8.0
    back_ms: int = 2000
    min_silence_ms: int = 2000
    max_silence_ms: int = 15_000
    max_intervals: float = 12.0
    check_ms: int = 250
    gone_ms: int = 8000
    tell_ms: int = 25_000
    elsewhere_s: float = 0.2
    elsewhere_ms: int = 10_000
    laid_db: float = 12.0
    elsewhere_nats: float = 4.0
    stay_gap_ms: int = 3000
    settle_ms: int = 5000
    settle_reads: int = 10
    margin_db: float = 3.0
    crowd: float = 0.3
    crowd_least: int = 4
    crowd_nats: float = 4.0
    dim_db: float = -5.0
    dim_ms: int = 700
    dim_least: int = 2
    least_away_ms: int = 1500
    lapse_ms: int = 2000
    call_reads: int = 2
    fitting_ms: int = 3000
    call_gap_ms: int = 30_000
    sold_ms: int = 20_000
    left_ms: int = 180_000
    forget_ms: int = 3_600_000


class _State(Enum):
    NEW = auto()
    SHELF = auto()
    AWAY = auto()
    GONE = auto()


@dataclass(slots=True)
class _Stay:
    """What one antenna heard of an away item since it came near."""

    first_ms: int
    level_dbm: float
    variance: float = 0.0
    reads: int = 1

    def add(self, rssi_dbm: int) -> None:
        self.reads += 1
        off = rssi_dbm - self.level_dbm
        self.level_dbm += off / self.reads
        self.variance += (off * off * (1.0 - 1.0 / self.reads) - self.variance) / self.reads


@dataclass(slots=True)
class _Call:
    """An item at a till, an exit or a fitting room."""

    first_ms: int
    last_ms: int
    reads: int = 1
    told: bool = False


@dataclass(slots=True)
class _Item:
    """One tagged item.

    Attributes:
        since_ms: start of what the evidence is about: the last read that was surely on the shelf,
            or, for an item that is away, the first of its return.
        basis_ms: silence is counted from here: the last read, or the end of a crowd's silence.
        last_ms: the last read anywhere.
        nats: evidence so far, from reads and finished silences.
        ears: what each shelf antenna hears of it while it rests.
        home: the one that hears it best; None for an item never seen on a shelf.
        off_db: how much fainter it was of late than it is, at the antenna it rests at.
        trace: reads since there is evidence that it is picked.
        picked: the pick, until it is told.
        stay: reads by antenna, since an away item came near.
        calls: at tills, exits and fitting rooms.
        till: the till event that was not yet followed by a sale.
    """

    product_class: str
    state: _State
    since_ms: int
    basis_ms: int
    last_ms: int
    nats: float = 0.0
    reads: int = 0
    ears: dict[Key, Heard] = field(default_factory=dict)
    home: Key | None = None
    off_db: float = 0.0
    trace: list[tuple[int, int]] = field(default_factory=list)
    picked: ItemEvent | None = None
    tell_ms: int = 0
    stay: dict[Key, _Stay] = field(default_factory=dict)
    calls: dict[Key, _Call] = field(default_factory=dict)
    till: ItemEvent | None = None


@dataclass(slots=True)
class _Field:
    """One antenna: its place, the items that rest at it, its usual bursts of silence.

    Attributes:
        heard_ms: when it was last known to hear.
        woke_ms: no silence counts from before this.
        check_ms: no silence is weighed before this.
        dim: tags that are fainter than usual just now.
    """

    reader: str
    place: Place
    heard_ms: int
    silences: Silences = field(default_factory=lambda: Silences(keep=0.999))
    resting: dict[bytes, _Item] = field(default_factory=dict)
    woke_ms: int = 0
    check_ms: int = 0
    dim: int = 0


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
        self._presence = params.presence
        self._places = dict(places)
        self._known = known
        self._fields: dict[Key, _Field] = {}
        self._turns: dict[str, int] = {}
        self._items: dict[bytes, _Item] = {}
        self._exits = any(place.kind == "exit" for place in self._places.values())
        self._tills = any(place.kind == "till" for place in self._places.values())
        self._soonest_ms: float = math.inf

    def feed(self, found: TagRead | Alive) -> list[ItemEvent]:
        """Take one read, or word of a round that heard nothing; those of a reader are in order.

        Empty rounds prove that the reader lives, not that its antenna is plugged in. So they count
        only where one tag is left, whose silence nothing else could prove; where several are left,
        the reads of the others do, and all of them taken at once look like a dead antenna.
        """
        events = self.advance(found.scene_ms)
        key = found.reader, found.antenna
        there = self._fields.get(key)
        if isinstance(found, Alive):
            if there is not None and len(there.resting) == 1:
                events += self._live(there, now_ms=found.scene_ms)
            return events
        if self._known is not None and found.product_class not in self._known:
            self.unknown += 1
            return events
        if there is None:
            there = self._open(key, now_ms=found.scene_ms)
            if there is None:
                self.unplaced += 1
                return events
        events += self._live(there, now_ms=found.scene_ms)
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
            for tag, item in list(self._items.items()):
                if self._due_ms(item) <= due_ms:
                    events += self._settle(tag, item, now_ms=due_ms)
        self._soonest_ms = math.inf if due_ms is None else due_ms
        return events

    def flush(self) -> list[ItemEvent]:
        """Tell what is believed and was not told yet: the agent stops."""
        events: list[ItemEvent] = []
        for item in self._items.values():
            events += self._tell(item, now_ms=item.last_ms)
        return events

    def due_ms(self) -> int | None:
        """Give the instant at which the next item is told, sold or forgotten, if it stays away."""
        return min((self._due_ms(item) for item in self._items.values()), default=None)

    # ---- time --------------------------------------------------------------------------------

    def _due_ms(self, item: _Item) -> int:
        due_ms = self._stale_ms(item)
        if item.picked is not None:
            due_ms = min(due_ms, self._tell_ms(item))
        if item.till is not None:
            due_ms = min(due_ms, self._sold_ms(item))
        return due_ms

    def _stale_ms(self, item: _Item) -> int:
        """Give when an item is forgotten unless it, or for one on a shelf any, is read before."""
        if item.state is _State.NEW:
            return item.last_ms + self._params.max_silence_ms
        if item.state is _State.SHELF and item.home is not None:
            heard_ms = self._fields[item.home].heard_ms
            return max(heard_ms, item.last_ms) + self._params.forget_ms
        return item.last_ms + self._params.forget_ms

    def _sold_ms(self, item: _Item) -> int:
        wait_ms = self._params.left_ms if self._exits else self._params.sold_ms
        return item.last_ms + wait_ms

    def _tell_ms(self, item: _Item) -> int:
        return min(item.tell_ms, item.last_ms + self._params.gone_ms)

    def _settle(self, tag: bytes, item: _Item, *, now_ms: int) -> list[ItemEvent]:
        """Do what is due of one item."""
        if item.picked is not None and now_ms >= self._tell_ms(item):
            return self._tell(item, now_ms=now_ms)
        if item.till is not None and now_ms >= self._sold_ms(item):
            confidence = 0.7 if self._exits else item.till.confidence
            return [self._sell(item, item.till.scene_ms, zone=item.till.zone, sure=confidence)]
        self._drop(tag, item)
        return []

    def _watch(self, item: _Item) -> None:
        self._soonest_ms = min(self._soonest_ms, self._due_ms(item))

    def _drop(self, tag: bytes, item: _Item) -> None:
        if item.home is not None:
            self._fields[item.home].resting.pop(tag, None)
        del self._items[tag]

    # ---- antennas ----------------------------------------------------------------------------

    def _open(self, key: Key, *, now_ms: int) -> _Field | None:
        place = self._places.get(key) or self._places.get(key[0])
        if place is None:
            return None
        self._turns[key[0]] = self._turns.get(key[0], 0) + 1
        there = self._fields[key] = _Field(key[0], place, now_ms)
        return there

    def _live(self, there: _Field, *, now_ms: int) -> list[ItemEvent]:
        """Note that an antenna hears: believe what is due, unless it was deaf itself."""
        silent_ms = now_ms - there.heard_ms
        there.heard_ms = now_ms
        if silent_ms > self._params.lapse_ms * self._turns[there.reader]:
            self._wake(there, now_ms=now_ms)
            return []
        return self._conclude(there, now_ms=now_ms) if now_ms >= there.check_ms else []

    def _wake(self, there: _Field, *, now_ms: int) -> None:
        there.woke_ms = there.check_ms = now_ms
        for item in there.resting.values():
            item.nats = 0.0
            item.trace.clear()
            for heard in item.ears.values():
                heard.last_ms = max(heard.last_ms, now_ms)

    def _conclude(self, there: _Field, *, now_ms: int) -> list[ItemEvent]:
        """Believe what is due at one antenna, unless too many tags are silent at once."""
        params = self._params
        there.check_ms = now_ms + params.check_ms
        there.dim = sum(self._is_dim(item, now_ms=now_ms) for item in there.resting.values())
        evidence = {tag: self._evidence(item) for tag, item in there.resting.items()}
        silent = sum(nats >= params.crowd_nats for nats in evidence.values())
        if silent >= params.crowd_least and silent > params.crowd * len(evidence):
            self._excuse(
                [there.resting[tag] for tag, nats in evidence.items() if nats > 0.0], now_ms=now_ms
            )
            return []
        lost = [tag for tag, nats in evidence.items() if self._is_lost(there, tag, nats=nats)]
        events: list[ItemEvent] = []
        for tag in lost:
            events += self._pick(tag, there.resting[tag], nats=evidence[tag], now_ms=now_ms)
        return sorted(events, key=lambda event: event.scene_ms)

    def _is_dim(self, item: _Item, *, now_ms: int) -> bool:
        params = self._params
        return item.off_db <= params.dim_db and now_ms - item.last_ms <= 3 * params.dim_ms

    def _in_shade(self, there: _Field, item: _Item, *, now_ms: int) -> bool:
        """Tell whether others of an antenna's tags are faint as well."""
        return there.dim - self._is_dim(item, now_ms=now_ms) >= self._params.dim_least

    def _excuse(self, silent: list[_Item], *, now_ms: int) -> None:
        """Take back the evidence of a silence that many share; when it began is kept."""
        for item in silent:
            item.basis_ms, item.nats = now_ms, 0.0
            item.trace.clear()
            for heard in item.ears.values():
                heard.last_ms = now_ms

    def _evidence(self, item: _Item) -> float:
        """Give the evidence that an item is away: what was summed, and all open silences."""
        nats = item.nats
        for key, heard in item.ears.items():
            if heard.reads >= self._params.settle_reads:
                there = self._fields[key]
                open_ms = there.heard_ms - max(item.basis_ms, there.woke_ms)
                if open_ms > 0:
                    nats += heard.silence_nats(open_ms, params=self._presence)
        return nats

    def _is_lost(self, there: _Field, tag: bytes, *, nats: float) -> bool:
        item = there.resting[tag]
        silent_ms = there.heard_ms - max(item.basis_ms, there.woke_ms)
        if nats >= self._params.picked_nats and not self._in_shade(
            there, item, now_ms=there.heard_ms
        ):
            return item.nats >= self._params.picked_nats or silent_ms >= self._params.min_silence_ms
        assert item.home is not None
        often = self._params.max_intervals * item.ears[item.home].interval_ms
        return silent_ms >= max(self._params.max_silence_ms, often)

    # ---- shelves -----------------------------------------------------------------------------

    def _at_shelf(self, read: TagRead, there: _Field, *, key: Key) -> list[ItemEvent]:
        """Take a read of a shelf's antenna that is known to hear."""
        item = self._items.get(read.tag)
        if item is not None and item.state is _State.GONE:
            if read.scene_ms - item.last_ms <= self._params.call_gap_ms:
                return []
            self._drop(read.tag, item)
            item = None
        if item is None:
            item = self._meet(read)
        events: list[ItemEvent] = []
        if item.state is _State.SHELF:
            events = self._rest(item, read, there, key=key)
        elif item.state is _State.AWAY:
            events = self._return(item, read, key=key)
        elif item.state is _State.NEW:
            self._hear(item, read, there, key=key)
            if (
                item.reads >= self._params.settle_reads
                and read.scene_ms - item.since_ms >= self._params.settle_ms
            ):
                self._lay(item, read, key=max(item.ears, key=lambda one: _level(item.ears[one])))
        item.last_ms = item.basis_ms = read.scene_ms
        return events

    def _meet(self, read: TagRead) -> _Item:
        now_ms = read.scene_ms
        item = _Item(read.product_class, _State.NEW, now_ms, now_ms, now_ms)
        self._items[read.tag] = item
        self._watch(item)
        return item

    def _lay(self, item: _Item, read: TagRead, *, key: Key) -> None:
        """Let an item rest at an antenna."""
        item.state, item.since_ms, item.nats, item.home = _State.SHELF, read.scene_ms, 0.0, key
        item.off_db = 0.0
        for heard in item.ears.values():  # its absence was no silence
            heard.last_ms = max(heard.last_ms, read.scene_ms)
        item.trace.clear()
        item.stay.clear()
        item.calls.clear()
        item.till = None
        self._fields[key].resting[read.tag] = item

    def _hear(self, item: _Item, read: TagRead, there: _Field, *, key: Key) -> None:
        """Learn from a read of an item that surely rests."""
        item.reads += 1
        heard = item.ears.get(key)
        if heard is None:
            heard = Heard(read.scene_ms, float(read.rssi_dbm), Silences(keep=0.99))
            item.ears[key] = heard
            heard.expect(there.silences, params=self._presence)
            return
        heard.learn(
            read.rssi_dbm,
            gap_ms=read.scene_ms - heard.last_ms,
            field=there.silences,
            settled=item.state is _State.SHELF,
            params=self._presence,
        )
        heard.last_ms = read.scene_ms

    def _rest(self, item: _Item, read: TagRead, there: _Field, *, key: Key) -> list[ItemEvent]:
        """Weigh a silence and the level after it; nothing is kept below zero."""
        heard = item.ears.get(key)
        item.nats = max(0.0, self._evidence(item) + self._level(item, read, there, heard=heard))
        if item.nats <= 0.0:
            item.since_ms = read.scene_ms
            item.trace.clear()
            self._hear(item, read, there, key=key)
            self._rehome(item, read.tag, key=key)
            return []
        if heard is not None:
            heard.last_ms = read.scene_ms
        if key == item.home:
            item.trace.append((read.scene_ms, read.rssi_dbm))
        if item.nats < self._params.picked_nats or item.home is None:
            return []
        item.last_ms = item.basis_ms = read.scene_ms
        return self._conclude(self._fields[item.home], now_ms=read.scene_ms)

    def _level(self, item: _Item, read: TagRead, there: _Field, *, heard: Heard | None) -> float:
        """Give the evidence for "away" in a level; those over one channel are one."""
        if heard is None or heard.reads < self._params.settle_reads:
            return 0.0
        if item.home == (read.reader, read.antenna):
            new = -math.expm1(-(read.scene_ms - item.last_ms) / self._params.dim_ms)
            item.off_db += new * (read.rssi_dbm - heard.level_dbm - item.off_db)
        shade = self._in_shade(there, item, now_ms=read.scene_ms)
        body_db = self._presence.shaded_db if shade else self._presence.near_db
        nats = heard.level_nats(read.rssi_dbm, params=self._presence, body_db=body_db)
        return nats * min(1.0, (read.scene_ms - heard.last_ms) / self._presence.alike_ms)

    def _rehome(self, item: _Item, tag: bytes, *, key: Key) -> None:
        """Follow an item to the antenna that hears it louder by a margin."""
        home = item.home
        if home is None or key == home or item.ears[key].reads < self._params.settle_reads:
            return
        if item.ears[key].level_dbm >= item.ears[home].level_dbm + self._params.margin_db:
            self._fields[home].resting.pop(tag, None)
            self._fields[key].resting[tag] = item
            item.home = key

    def _pick(self, tag: bytes, item: _Item, *, nats: float, now_ms: int) -> list[ItemEvent]:
        """Believe a pick; it is told once the item is gone, so that its trace is whole."""
        assert item.home is not None
        there = self._fields[item.home]
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
        item.state, item.nats, item.since_ms = _State.AWAY, 0.0, now_ms
        item.stay.clear()
        item.picked, item.tell_ms = event, event.scene_ms + self._params.tell_ms
        if now_ms >= self._tell_ms(item):
            return self._tell(item, now_ms=now_ms)
        self._watch(item)
        return []

    def _tell(self, item: _Item, *, now_ms: int) -> list[ItemEvent]:
        event = item.picked
        if event is None:
            return []
        assert item.home is not None
        home = item.ears[item.home]
        until_ms = max(item.last_ms, min(now_ms, self._fields[item.home].heard_ms))
        trace = Trace(home.level_dbm, home.interval_ms, tuple(item.trace), until_ms)
        item.picked, item.trace = None, []
        return [replace(event, trace=trace)]

    def _return(self, item: _Item, read: TagRead, *, key: Key) -> list[ItemEvent]:
        """Sum what speaks for an item lying on a shelf again, where it was or elsewhere."""
        params = self._params
        if item.picked is not None and key == item.home:
            item.trace.append((read.scene_ms, read.rssi_dbm))
        gap_ms = read.scene_ms - item.last_ms
        home = item.ears.get(item.home) if item.home is not None else None
        self._near(item, read, gap_ms=gap_ms, home=home)
        if home is not None and key == item.home:
            silence = home.silence_nats(gap_ms, params=self._presence)
            before = max(0.0, item.nats - silence)
            if before <= 0.0:
                item.since_ms = read.scene_ms
            level = home.level_nats(read.rssi_dbm, params=self._presence, body_db=0.0)
            level *= min(1.0, (read.scene_ms - home.last_ms) / self._presence.alike_ms)
            home.last_ms = read.scene_ms
            item.nats = max(0.0, before - level)
            if item.nats >= params.back_nats and read.scene_ms - item.since_ms >= params.back_ms:
                return self._put_back(item, read, key=key, back_ms=item.since_ms, sure=item.nats)
        return self._elsewhere(item, read)

    def _near(self, item: _Item, read: TagRead, *, gap_ms: int, home: Heard | None) -> None:
        usual_ms = 4 * home.interval_ms if home is not None else 0.0
        if gap_ms > max(self._params.stay_gap_ms, usual_ms):
            item.stay.clear()
        key = read.reader, read.antenna
        stay = item.stay.get(key)
        if stay is None or read.rssi_dbm >= stay.level_dbm + self._params.laid_db:
            item.stay[key] = _Stay(read.scene_ms, float(read.rssi_dbm))
        else:
            stay.add(read.rssi_dbm)

    def _elsewhere(self, item: _Item, read: TagRead) -> list[ItemEvent]:
        """Believe that an item lies where it did not before."""
        params = self._params
        key = max(item.stay, key=lambda one: _level(item.stay[one]))
        stay = item.stay[key]
        lasted_ms = read.scene_ms - stay.first_ms
        if lasted_ms < params.elsewhere_ms or stay.reads < params.settle_reads:
            return []
        nats = params.elsewhere_s * lasted_ms / 1000 + self._like_stock(stay, key=key)
        if nats < params.back_nats:
            return []
        item.ears = {
            one: Heard(
                read.scene_ms,
                near.level_dbm,
                Silences(keep=0.99),
                variance=near.variance,
                interval_ms=(read.scene_ms - near.first_ms) / near.reads,
                reads=near.reads,
            )
            for one, near in item.stay.items()
            if near.reads > 1
        }
        for one, heard in item.ears.items():
            heard.expect(self._fields[one].silences, params=self._presence)
        return self._put_back(item, read, key=key, back_ms=stay.first_ms, sure=nats)

    def _like_stock(self, stay: _Stay, *, key: Key) -> float:
        """Give the evidence in a mean level: as what lies here sounds, or as what is carried."""
        levels = [item.ears[key].level_dbm for item in self._fields[key].resting.values()]
        if not levels:
            return 0.0
        params = self._presence
        mean = sum(levels) / len(levels)
        variance = sum((level - mean) ** 2 for level in levels) / len(levels)
        spread = max(math.sqrt(variance), params.carried_sd_db)
        off = stay.level_dbm - mean
        nats = ((off - params.carried_db) ** 2 - min(off, 0.0) ** 2) / (2 * spread * spread)
        most = self._params.elsewhere_nats
        return min(max(nats, -most), most)

    def _put_back(
        self, item: _Item, read: TagRead, *, key: Key, back_ms: int, sure: float
    ) -> list[ItemEvent]:
        there = self._fields[key]
        picked = item.picked
        if (
            picked is not None
            and key == item.home
            and back_ms - picked.scene_ms < self._params.least_away_ms
        ):
            item.picked = None
            self._lay(item, read, key=key)
            return []
        events = self._tell(item, now_ms=read.scene_ms)
        misplaced = item.home is not None and key != item.home
        self._lay(item, read, key=key)
        return [
            *events,
            ItemEvent(
                "put_back",
                back_ms,
                there.place.zone,
                read.product_class,
                read.tag,
                confidence=_sure(sure, of=self._params.back_nats),
                misplaced=misplaced,
                antenna=key,
            ),
        ]

    # ---- tills, exits, fitting rooms ---------------------------------------------------------

    def _at_call(self, read: TagRead, there: _Field, *, key: Key) -> list[ItemEvent]:
        """Take a read of an antenna that items only come to."""
        item = self._items.get(read.tag)
        if item is None:
            item = self._meet(read)
            item.state = _State.AWAY
        if item.state is _State.GONE or self._is_cross_read(item, read):
            return []
        now_ms = read.scene_ms
        call = item.calls.get(key)
        if call is None or now_ms - call.last_ms > self._params.call_gap_ms:
            call = item.calls[key] = _Call(now_ms, now_ms)
        else:
            call.reads += 1
            call.last_ms = now_ms
        events = [] if call.told else self._called(item, read, there, call=call)
        if item.state is not _State.SHELF:
            item.last_ms = now_ms
        return events

    def _is_cross_read(self, item: _Item, read: TagRead) -> bool:
        """Tell whether an item still rests on its shelf, heard from afar."""
        if item.state is _State.NEW:
            return item.reads > 0
        if item.state is not _State.SHELF or item.home is None:
            return False
        home = item.ears[item.home]
        there_ms = max(self._params.stay_gap_ms, round(4 * home.interval_ms))
        return (
            read.scene_ms - item.last_ms <= there_ms
            or read.rssi_dbm < home.level_dbm + self._params.margin_db
        ) and self._evidence(item) < self._params.crowd_nats

    def _called(self, item: _Item, read: TagRead, there: _Field, *, call: _Call) -> list[ItemEvent]:
        kind = there.place.kind
        lasted_ms = read.scene_ms - call.first_ms
        if call.reads < self._params.call_reads or (
            kind == "fitting-room" and lasted_ms < self._params.fitting_ms
        ):
            return []
        call.told = True
        events: list[ItemEvent] = []
        if item.state is _State.SHELF:
            nats = max(self._evidence(item), self._params.picked_nats)
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

    def _leave(self, item: _Item, read: TagRead, there: _Field, *, call: _Call) -> list[ItemEvent]:
        """Take an item out of the shop."""
        if item.till is not None:
            return [self._sell(item, call.first_ms, zone=there.place.zone, sure=1.0)]
        if item.home is None:
            return []
        item.state = _State.GONE
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

    def _sell(self, item: _Item, scene_ms: int, *, zone: str, sure: float) -> ItemEvent:
        till, item.till, item.state = item.till, None, _State.GONE
        assert till is not None
        return replace(till, kind="sold", scene_ms=scene_ms, zone=zone, confidence=sure)


def _level(heard: Heard | _Stay) -> float:
    return heard.level_dbm


def _sure(nats: float, *, of: float) -> float:
    """Give how sure evidence makes: .95 at the threshold, less for what time alone decided."""
    return 1.0 / (1.0 + math.exp(of - 3.0 - nats))
