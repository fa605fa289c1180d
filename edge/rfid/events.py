"""What happened to goods, and where antennas are: the values that leave the reading of tags."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

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
