"""The tagged goods a shop's antennas know: where each rests, and how it is heard there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, auto

from edge.rfid.events import ItemEvent, Key, Place
from edge.rfid.presence import Heard, PresenceParams, Silences
from edge.rfid.reads import TagRead


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
        picked_nats: evidence for a pick: about one false one in e^12 spells of silence.
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
    picked_nats: float = 12.0
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


class State(Enum):
    """Where an item is: met, on a shelf, away from it, or out of the shop."""

    NEW = auto()
    SHELF = auto()
    AWAY = auto()
    GONE = auto()


@dataclass(slots=True)
class Stay:
    """What one antenna heard of an away item since it came near."""

    first_ms: int
    level_dbm: float
    variance: float = 0.0
    reads: int = 1

    def add(self, rssi_dbm: int) -> None:
        """Take one read."""
        self.reads += 1
        off = rssi_dbm - self.level_dbm
        self.level_dbm += off / self.reads
        self.variance += (off * off * (1.0 - 1.0 / self.reads) - self.variance) / self.reads


@dataclass(slots=True)
class Call:
    """An item at a till, an exit or a fitting room."""

    first_ms: int
    last_ms: int
    reads: int = 1
    told: bool = False


@dataclass(slots=True)
class Item:
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
    state: State
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
    stay: dict[Key, Stay] = field(default_factory=dict)
    calls: dict[Key, Call] = field(default_factory=dict)
    till: ItemEvent | None = None


@dataclass(slots=True)
class Field:
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
    resting: dict[bytes, Item] = field(default_factory=dict)
    woke_ms: int = 0
    check_ms: int = 0
    dim: int = 0


class Stock:
    """All items by tag, and all antennas that heard one.

    Args:
        params: when something is believed.
        places: what each antenna watches, by reader and antenna, or by reader alone.
    """

    def __init__(self, params: ItemParams, places: Mapping[str | Key, Place]) -> None:
        self.items: dict[bytes, Item] = {}
        self.fields: dict[Key, Field] = {}
        self.turns: dict[str, int] = {}
        self._params = params
        self._presence = params.presence
        self._places = dict(places)

    def open(self, key: Key, *, now_ms: int) -> Field | None:
        """Begin with an antenna; None where it watches nothing."""
        place = self._places.get(key) or self._places.get(key[0])
        if place is None:
            return None
        self.turns[key[0]] = self.turns.get(key[0], 0) + 1
        there = self.fields[key] = Field(key[0], place, now_ms)
        return there

    def meet(self, read: TagRead) -> Item:
        """Begin with an item."""
        now_ms = read.scene_ms
        item = Item(read.product_class, State.NEW, now_ms, now_ms, now_ms)
        self.items[read.tag] = item
        return item

    def lay(self, item: Item, read: TagRead, *, key: Key) -> None:
        """Let an item rest at an antenna."""
        item.state, item.since_ms, item.nats, item.home = State.SHELF, read.scene_ms, 0.0, key
        item.off_db = 0.0
        for heard in item.ears.values():  # its absence was no silence
            heard.last_ms = max(heard.last_ms, read.scene_ms)
        item.trace.clear()
        item.stay.clear()
        item.calls.clear()
        item.till = None
        self.fields[key].resting[read.tag] = item

    def hear(self, item: Item, read: TagRead, there: Field, *, key: Key) -> None:
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
            settled=item.state is State.SHELF,
            params=self._presence,
        )
        heard.last_ms = read.scene_ms

    def rehome(self, item: Item, tag: bytes, *, key: Key) -> None:
        """Follow an item to the antenna that hears it louder by a margin."""
        home = item.home
        if home is None or key == home or item.ears[key].reads < self._params.settle_reads:
            return
        if item.ears[key].level_dbm >= item.ears[home].level_dbm + self._params.margin_db:
            self.fields[home].resting.pop(tag, None)
            self.fields[key].resting[tag] = item
            item.home = key

    def evidence(self, item: Item) -> float:
        """Give the evidence that an item is away: what was summed, and all open silences."""
        nats = item.nats
        for key, heard in item.ears.items():
            if heard.reads >= self._params.settle_reads:
                there = self.fields[key]
                open_ms = there.heard_ms - max(item.basis_ms, there.woke_ms)
                if open_ms > 0:
                    nats += heard.silence_nats(open_ms, params=self._presence)
        return nats

    def drop(self, tag: bytes, item: Item) -> None:
        """Forget an item."""
        if item.home is not None:
            self.fields[item.home].resting.pop(tag, None)
        del self.items[tag]
