"""What a reader yields."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class TagRead:
    """One tag, one reply, one antenna.

    Attributes:
        scene_ms: arrival.
        reader: the reader's name in the configuration.
        antenna: from 1.
        product_class: GTIN-14.
        tag: keyed hash of the EPC, key random per boot; lives in memory only.
        rssi_dbm: at the reader's input.
    """

    scene_ms: int
    reader: str
    antenna: int
    product_class: str
    tag: bytes = field(repr=False)
    rssi_dbm: int


@dataclass(frozen=True, slots=True)
class Alive:
    """A reader looked for tags and heard none: it lives, though nothing was read.

    Attributes:
        scene_ms: arrival.
        reader: the reader's name in the configuration.
        antenna: from 1.
    """

    scene_ms: int
    reader: str
    antenna: int
