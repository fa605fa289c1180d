"""Tag reads to item events: what happened to the goods."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Literal

from edge.rfid.reads import Alive, TagRead


@dataclass(frozen=True, slots=True)
class ItemEvent:
    """Something happened to one item.

    Attributes:
        kind: ``picked`` is dated at the last read before the silence that proved it;
            ``put_back`` and ``till`` at the first read there.
        scene_ms: when it happened, not when it was proved.
        zone: the zone of the antenna.
        product_class: GTIN-14.
        tag: keyed hash, to tie this item's events together; memory only.
    """

    kind: Literal["picked", "put_back", "till"]
    scene_ms: int
    zone: str
    product_class: str
    tag: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Place:
    """What a reader's antennas watch."""

    zone: str
    kind: Literal["shelf", "till"]


@dataclass(frozen=True, slots=True)
class ItemParams:
    """What a tag that is away sounds like, and when that is believed.

    Every silence and every level is evidence, in nats, for "away" against "there"; it is summed
    while it points to away (Page's CUSUM, Biometrika 1954) and believed from a threshold on. The
    silences to be expected are measured per antenna and tag (as in SMURF: Jeffery, Garofalakis,
    Franklin, VLDB 2006). A silence says something only while the antenna is known to hear: it is
    weighed when a read of another tag comes, and a silence of all tags is weighed not at all,
    for then the reader, its cable or its power is away. Defaults without a source are judgement,
    tuned on the simulator's seeds 1 and 2 (tests/edge/rfid/test_items.py has the figures of
    others).

    Attributes:
        picked_nats: evidence for a pick: about one false one in e^12 spells of silence.
        back_nats: evidence that an item is back.
        back_ms: and for at least this long, for a shopper passes the antenna with it.
        min_silence_ms: a silence shorter than this is never a pick by itself.
        max_silence_ms: a silence longer than this always is.
        burst_ms: how much longer than ``usual`` silences last on average, before it is measured:
            mean of the bad state of a Gilbert channel with 65 % of rounds answered.
        burst_floor_ms: never believed to be shorter.
        burst_weight: silences that ``burst_ms``, or the antenna's mean for a tag, counts for.
        usual: mean intervals between reads after which a silence starts to be one.
        carried_db: level of an item in a hand or cart against its level on the shelf: body loss
            5 to 15 dB (physics recipe) and the arm's length.
        carried_sd_db: how much that differs.
        shaded_db: level when somebody stands in front of the shelf: no evidence of a pick.
        spread_db: least standard deviation believed of an item's level.
        level_reads: reads that its mean level is taken over.
        settle_ms: a tag first seen is stock once it has been read for this long.
        settle_reads: and this many times.
        crowd: share of an antenna's tags that, silent at once, are a fault or a body in front of
            it rather than picks (physics recipe, step 6).
        crowd_least: but at least this many tags.
        crowd_nats: evidence from which a tag counts as silent there.
        lapse_ms: an antenna without any read for longer has been deaf: all silences begin anew.
            Far above a round of inventory (0.2 to 0.4 s), and short enough that the silence it
            adds to every tag proves no pick.
        forget_ms: an item away this long is sold or moved: forgotten. So is all that lay on a
            shelf whose antenna has been deaf this long; it is met anew.
    """

    picked_nats: float = 12.0
    back_nats: float = 8.0
    back_ms: int = 2000
    min_silence_ms: int = 2000
    max_silence_ms: int = 15_000
    burst_ms: float = 500.0
    burst_floor_ms: float = 450.0
    burst_weight: float = 20.0
    usual: float = 2.0
    carried_db: float = -18.0
    carried_sd_db: float = 6.0
    shaded_db: float = -7.0
    spread_db: float = 3.0
    level_reads: int = 100
    settle_ms: int = 5000
    settle_reads: int = 10
    crowd: float = 0.3
    crowd_least: int = 4
    crowd_nats: float = 4.0
    lapse_ms: int = 2000
    forget_ms: int = 3_600_000


class _State(Enum):
    NEW = auto()
    SHELF = auto()
    AWAY = auto()


@dataclass(slots=True)
class _Burst:
    """Mean by which silences exceed the usual interval: a mean with a prior."""

    sum_ms: float
    count: float

    def add(self, excess_ms: float, *, keep: float) -> None:
        self.sum_ms = self.sum_ms * keep + excess_ms
        self.count = self.count * keep + 1.0


@dataclass(slots=True)
class _Tag:
    """One tag at one antenna.

    Attributes:
        since_ms: start of what the evidence is about: the last read that was surely on the shelf,
            or, for an item that is away, the first of its return.
        basis_ms: silence is counted from here: the last read, or the end of a silence of a crowd
            or of the whole antenna.
        reads: so far.
        interval_ms: mean time between reads while there.
        level_dbm: mean level on the shelf.
        variance: of the level.
        nats: evidence so far, from reads and finished silences.
    """

    product_class: str
    state: _State
    since_ms: int
    last_ms: int
    basis_ms: int
    level_dbm: float
    burst: _Burst
    reads: int = 1
    interval_ms: float = 0.0
    variance: float = 0.0
    nats: float = 0.0


@dataclass(slots=True)
class _Field:
    """One antenna: its place, its tags, its usual bursts of silence.

    Attributes:
        heard_ms: when it was last known to hear.
        proof_ms: no silence of a tag proves a pick before this.
        stale_ms: no tag is forgotten before this.
    """

    place: Place
    burst: _Burst
    heard_ms: int
    tags: dict[bytes, _Tag] = field(default_factory=dict)
    proof_ms: int = 0
    stale_ms: int = 0


class Items:
    """Presence of every tag at every antenna, and what its changes mean.

    Args:
        params: when an absence is believed.
        places: what each reader watches, by its name.
    """

    def __init__(self, params: ItemParams, places: Mapping[str, Place]) -> None:
        self._params = params
        self._places = dict(places)
        self._fields: dict[tuple[str, int], _Field] = {}

    def feed(self, found: TagRead | Alive) -> list[ItemEvent]:
        """Take one read, or word of a round that heard nothing; those of a reader are in order.

        Empty rounds prove that the reader lives, not that its antenna is plugged in. So they count
        only where one tag is left, whose silence nothing else could prove; where several are left,
        the reads of the others do, and all of them taken at once look like a dead antenna.
        """
        now_ms = found.scene_ms
        events = self.advance(now_ms)
        there = self._fields.get((found.reader, found.antenna))
        if isinstance(found, Alive):
            if there is not None and len(_settled(there)) == 1:
                events += self._live(there, now_ms=now_ms)
            return events
        if there is None:
            prior = self._prior(self._params.burst_ms)
            there = _Field(self._places[found.reader], prior, now_ms)
            self._fields[found.reader, found.antenna] = there
        events += self._live(there, now_ms=now_ms)
        return events + self._take(found, there)

    def advance(self, now_ms: int) -> list[ItemEvent]:
        """Let time pass: what has been away for long is forgotten.

        Time alone proves no pick; the next sign that the antenna hears does.
        """
        for there in self._fields.values():
            if now_ms >= there.stale_ms:
                for key in [k for k, t in there.tags.items() if now_ms >= self._stale(t, there)]:
                    del there.tags[key]
                there.stale_ms = min(
                    (self._stale(tag, there) for tag in there.tags.values()),
                    default=now_ms + self._params.forget_ms,
                )
        return []

    def due_ms(self) -> int | None:
        """Give the instant at which the next tag is forgotten, if it stays away."""
        dues = (
            self._stale(tag, there)
            for there in self._fields.values()
            for tag in there.tags.values()
        )
        return min(dues, default=None)

    def _prior(self, mean_ms: float) -> _Burst:
        weight = self._params.burst_weight
        return _Burst(mean_ms * weight, weight)

    def _meet(self, read: TagRead, there: _Field) -> list[ItemEvent]:
        """Take a tag never seen at this antenna."""
        burst = self._prior(there.burst.sum_ms / there.burst.count)
        tag = _Tag(
            read.product_class,
            _State.NEW,
            read.scene_ms,
            read.scene_ms,
            read.scene_ms,
            float(read.rssi_dbm),
            burst,
        )
        there.tags[read.tag] = tag
        there.stale_ms = min(there.stale_ms, self._stale(tag, there))
        if there.place.kind == "shelf":
            return []
        for other in self._fields.values():
            if other.place.kind == "shelf":
                other.tags.pop(read.tag, None)
        return [_event("till", read.scene_ms, there.place, read.tag, read.product_class)]

    def _take(self, read: TagRead, there: _Field) -> list[ItemEvent]:
        """Take a read of an antenna that is known to hear."""
        tag = there.tags.get(read.tag)
        if tag is None:
            return self._meet(read, there)
        if there.place.kind == "till":
            tag.last_ms = read.scene_ms
            return []
        events = self._hear(tag, read, there)
        if tag.state is _State.SHELF:
            there.proof_ms = min(there.proof_ms, self._due(tag))
        return events + self._conclude(there, now_ms=read.scene_ms)

    def _live(self, there: _Field, *, now_ms: int) -> list[ItemEvent]:
        """Note that an antenna hears: believe what is due, unless it was deaf itself."""
        deaf = now_ms - there.heard_ms > self._params.lapse_ms
        there.heard_ms = now_ms
        if not deaf:
            return self._conclude(there, now_ms=now_ms)
        for tag in there.tags.values():
            tag.basis_ms, tag.nats = now_ms, 0.0
        there.proof_ms = now_ms
        return []

    def _conclude(self, there: _Field, *, now_ms: int) -> list[ItemEvent]:
        """Believe what is due at one antenna, unless too many tags are silent at once."""
        if now_ms < there.proof_ms or there.place.kind == "till":
            return []
        shelf = _settled(there)
        lost = {key: tag for key, tag in shelf.items() if now_ms >= self._due(tag)}
        silent = [t for t in shelf.values() if self._evidence(t, now_ms) >= self._params.crowd_nats]
        events = []
        if lost and self._is_crowd(len(silent), of=len(shelf)):
            for tag in (*silent, *lost.values()):
                tag.basis_ms, tag.nats = now_ms, 0.0
        else:
            for key, tag in lost.items():
                tag.state, tag.nats = _State.AWAY, 0.0
                there.stale_ms = min(there.stale_ms, self._stale(tag, there))
                events.append(_event("picked", tag.since_ms, there.place, key, tag.product_class))
        there.proof_ms = min(
            (self._due(tag) for tag in _settled(there).values()),
            default=now_ms + self._params.min_silence_ms,
        )
        return sorted(events, key=lambda event: event.scene_ms)

    def _stale(self, tag: _Tag, there: _Field) -> int:
        """Give when a tag is forgotten unless it, or for one on a shelf any, is read before."""
        if there.place.kind == "shelf" and tag.state is _State.NEW:
            return tag.last_ms + self._params.max_silence_ms
        if there.place.kind == "shelf" and tag.state is _State.SHELF:
            return there.heard_ms + self._params.forget_ms
        return tag.last_ms + self._params.forget_ms

    def _due(self, tag: _Tag) -> int:
        """Give when silence, if it lasts so long, proves that an item was picked."""
        params = self._params
        missing = params.picked_nats - tag.nats
        if missing <= 0:
            return tag.last_ms
        silence = params.usual * tag.interval_ms + missing * self._burst_ms(tag)
        return tag.basis_ms + round(min(max(silence, params.min_silence_ms), params.max_silence_ms))

    def _burst_ms(self, tag: _Tag) -> float:
        return max(tag.burst.sum_ms / tag.burst.count, self._params.burst_floor_ms)

    def _hear(self, tag: _Tag, read: TagRead, there: _Field) -> list[ItemEvent]:
        gap = read.scene_ms - tag.basis_ms
        tag.last_ms = tag.basis_ms = read.scene_ms
        if tag.state is _State.AWAY:
            return self._return(tag, read, there, gap=gap)
        tag.reads += 1
        excess = gap - self._params.usual * tag.interval_ms
        if tag.state is _State.SHELF:
            self._weigh(tag, read, excess=excess)
        elif (
            tag.reads >= self._params.settle_reads
            and read.scene_ms - tag.since_ms >= self._params.settle_ms
        ):
            tag.state, tag.since_ms = _State.SHELF, read.scene_ms
        if tag.nats <= 0.0:
            self._learn(tag, read, there, gap=gap, excess=excess)
        return []

    def _weigh(self, tag: _Tag, read: TagRead, *, excess: float) -> None:
        """Add what a silence and the level after it say; nothing is kept below zero."""
        silence = max(0.0, excess) / self._burst_ms(tag)
        tag.nats = max(0.0, tag.nats + silence + self._level_nats(tag, read.rssi_dbm, shade=True))
        if tag.nats <= 0.0:
            tag.since_ms = read.scene_ms

    def _return(self, tag: _Tag, read: TagRead, there: _Field, *, gap: int) -> list[ItemEvent]:
        """Sum what speaks for an item lying on the shelf again."""
        params = self._params
        silence = max(0.0, gap - params.usual * tag.interval_ms) / self._burst_ms(tag)
        before = max(0.0, tag.nats - silence)
        if before <= 0.0:
            tag.since_ms = read.scene_ms
        level = self._level_nats(tag, read.rssi_dbm, shade=False)
        tag.nats = max(0.0, before - level)
        if tag.nats < params.back_nats or read.scene_ms - tag.since_ms < params.back_ms:
            return []
        tag.state, tag.nats = _State.SHELF, 0.0
        back_ms, tag.since_ms = tag.since_ms, read.scene_ms
        return [_event("put_back", back_ms, there.place, read.tag, tag.product_class)]

    def _level_nats(self, tag: _Tag, rssi_dbm: int, *, shade: bool) -> float:
        """Give the evidence for away in one level: log likelihood of carried against lying."""
        params = self._params
        spread = max(math.sqrt(tag.variance), params.spread_db)
        off = rssi_dbm - tag.level_dbm
        lying = off / spread
        if shade:
            lying = min(abs(lying), abs(off - params.shaded_db) / spread)
        carried = (off - params.carried_db) / params.carried_sd_db
        return (lying * lying - carried * carried) / 2 + math.log(spread / params.carried_sd_db)

    def _learn(self, tag: _Tag, read: TagRead, there: _Field, *, gap: int, excess: float) -> None:
        """Follow level, interval and silences of a tag that is surely there."""
        weight = 1.0 / min(tag.reads, self._params.level_reads)
        off = read.rssi_dbm - tag.level_dbm
        tag.level_dbm += weight * off
        tag.variance += weight * (off * off * (1.0 - weight) - tag.variance)
        tag.interval_ms += weight * (gap - tag.interval_ms)
        if excess > 0.0 and tag.state is _State.SHELF:
            tag.burst.add(excess, keep=0.99)
            there.burst.add(excess, keep=0.999)

    def _is_crowd(self, silent: int, *, of: int) -> bool:
        return silent >= self._params.crowd_least and silent > self._params.crowd * of

    def _evidence(self, tag: _Tag, now_ms: int) -> float:
        excess = now_ms - tag.basis_ms - self._params.usual * tag.interval_ms
        return tag.nats + max(0.0, excess) / self._burst_ms(tag)


def _settled(there: _Field) -> dict[bytes, _Tag]:
    return {key: tag for key, tag in there.tags.items() if tag.state is _State.SHELF}


def _event(
    kind: Literal["picked", "put_back", "till"],
    scene_ms: int,
    place: Place,
    key: bytes,
    product_class: str,
) -> ItemEvent:
    return ItemEvent(kind, scene_ms, place.zone, product_class, key)
