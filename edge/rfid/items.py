"""Tag reads to item events: what happened to the goods."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Literal

from edge.rfid.reads import TagRead


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
    """When an absence is believed; times in scene milliseconds.

    Attributes:
        min_silence_ms: shortest silence that is a pick.
        max_silence_ms: longest that is waited for, however badly a tag reads.
        miss: accepted chance that chance alone makes the silence, at the tag's measured rate
            (SMURF: Jeffery, Garofalakis, Franklin, VLDB 2006).
        burst: silences up to this many times the longest a tag has had while it lay there are
            taken for one more of the same: misses come in bursts, which ``miss`` does not know.
        forget: share of the longest silence that is forgotten with every read.
        settle_ms: a tag first seen is stock once it has been read for this long.
        settle_reads: and this many times.
        crowd: share of an antenna's settled tags that, silent at once, are a fault or a body in
            front of it rather than picks (physics recipe, step 6).
        crowd_least: but at least this many tags.
        return_reads: reads within ``return_ms`` that bring an item back.
        return_ms: a span.
        forget_ms: an item away this long is sold or moved: forgotten.
    """

    min_silence_ms: int = 2000
    max_silence_ms: int = 8000
    miss: float = 1e-4
    burst: float = 1.3
    forget: float = 0.002
    settle_ms: int = 5000
    settle_reads: int = 8
    crowd: float = 0.3
    crowd_least: int = 4
    return_reads: int = 4
    return_ms: int = 2000
    forget_ms: int = 3_600_000


class _State(Enum):
    NEW = auto()
    SHELF = auto()
    AWAY = auto()


@dataclass(slots=True)
class _Tag:
    """One tag at one antenna.

    Attributes:
        since_ms: first read of the present spell.
        basis_ms: silence is counted from here: the last read, or the end of a crowd's silence.
        reads: in the present spell.
        interval_ms: mean time between reads.
        longest_ms: longest silence lately, while it lay there.
    """

    product_class: str
    state: _State
    since_ms: int
    last_ms: int
    basis_ms: int
    reads: int = 1
    interval_ms: float = 0.0
    longest_ms: float = 0.0


Antenna = tuple[str, int]


class Items:
    """Presence of every tag at every antenna, and what its changes mean.

    Args:
        params: when an absence is believed.
        places: what each reader watches, by its name.
    """

    def __init__(self, params: ItemParams, places: Mapping[str, Place]) -> None:
        self._params = params
        self._places = dict(places)
        self._antennas: dict[Antenna, dict[bytes, _Tag]] = {}
        self._held_ms: dict[Antenna, int] = {}
        self._patience = math.log(1 / params.miss)

    def feed(self, read: TagRead) -> list[ItemEvent]:
        """Take one read; reads of one reader come in order of time."""
        events = self.advance(read.scene_ms)
        place = self._places[read.reader]
        tags = self._antennas.setdefault((read.reader, read.antenna), {})
        tag = tags.get(read.tag)
        if tag is None:
            tags[read.tag] = _Tag(
                read.product_class, _State.NEW, read.scene_ms, read.scene_ms, read.scene_ms
            )
            if place.kind == "till":
                events.append(_event("till", read.scene_ms, place, read.tag, read.product_class))
                self._leave(read.tag, at=(read.reader, read.antenna))
            return events
        self._hear(tag, read.scene_ms)
        if place.kind == "shelf":
            events += self._settle(tag, read, place=place)
        return events

    def advance(self, now_ms: int) -> list[ItemEvent]:
        """Let time pass: silences become picks."""
        events: list[ItemEvent] = []
        for antenna, tags in self._antennas.items():
            place = self._places[antenna[0]]
            late = [key for key, tag in tags.items() if now_ms >= self._due(tag, place)]
            if not late:
                continue
            for key in late:
                if tags[key].state is not _State.SHELF:
                    del tags[key]
            lost = [key for key in late if key in tags]
            if self._crowded(tags, now_ms=now_ms):
                for key in lost:
                    tags[key].basis_ms = now_ms
                continue
            for key in lost:
                tag = tags[key]
                tag.state, tag.reads = _State.AWAY, 0
                events.append(_event("picked", tag.last_ms, place, key, tag.product_class))
        return sorted(events, key=lambda event: event.scene_ms)

    def due_ms(self) -> int | None:
        """Give the instant of the next silence that will have lasted long enough."""
        return min(
            (
                self._due(tag, self._places[antenna[0]])
                for antenna, tags in self._antennas.items()
                for tag in tags.values()
            ),
            default=None,
        )

    def _due(self, tag: _Tag, place: Place) -> int:
        if tag.state is _State.SHELF:
            return tag.basis_ms + self._silence(tag)
        if tag.state is _State.NEW and place.kind == "shelf":
            return tag.last_ms + self._params.max_silence_ms
        return tag.last_ms + self._params.forget_ms

    def _silence(self, tag: _Tag) -> int:
        """Give how long this tag must be silent to be away."""
        params = self._params
        wanted = max(self._patience * tag.interval_ms, params.burst * tag.longest_ms)
        return round(min(max(wanted, params.min_silence_ms), params.max_silence_ms))

    def _hear(self, tag: _Tag, now_ms: int) -> None:
        gap = now_ms - tag.last_ms
        tag.reads += 1
        tag.last_ms = tag.basis_ms = now_ms
        if tag.state is _State.AWAY or tag.reads <= 1:
            return
        weight = max(0.02, 1 / tag.reads)
        tag.interval_ms += weight * (gap - tag.interval_ms)
        tag.longest_ms = max(float(gap), tag.longest_ms * (1 - self._params.forget))

    def _settle(self, tag: _Tag, read: TagRead, *, place: Place) -> list[ItemEvent]:
        params, now_ms = self._params, read.scene_ms
        if tag.state is _State.NEW:
            if tag.reads >= params.settle_reads and now_ms - tag.since_ms >= params.settle_ms:
                tag.state = _State.SHELF
        elif tag.state is _State.AWAY:
            if tag.reads == 1 or now_ms - tag.since_ms > params.return_ms:
                tag.since_ms, tag.reads = now_ms, 1
            elif tag.reads >= params.return_reads:
                tag.state = _State.SHELF
                return [_event("put_back", tag.since_ms, place, read.tag, read.product_class)]
        return []

    def _crowded(self, tags: Mapping[bytes, _Tag], *, now_ms: int) -> bool:
        settled = [tag for tag in tags.values() if tag.state is _State.SHELF]
        silent = sum(
            now_ms - tag.last_ms >= min(self._silence(tag), self._params.min_silence_ms)
            for tag in settled
        )
        return silent >= self._params.crowd_least and silent > self._params.crowd * len(settled)

    def _leave(self, key: bytes, *, at: Antenna) -> None:
        """Take an item that reached the till off every shelf."""
        for antenna, tags in self._antennas.items():
            if antenna != at:
                tags.pop(key, None)


def _event(
    kind: Literal["picked", "put_back", "till"],
    scene_ms: int,
    place: Place,
    key: bytes,
    product_class: str,
) -> ItemEvent:
    return ItemEvent(kind, scene_ms, place.zone, product_class, key)
