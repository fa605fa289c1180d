"""Tracks and item events to visits; all of it in memory, for as long as a visit lasts."""

from __future__ import annotations

from dataclasses import dataclass

from edge.rfid.items import ItemEvent


@dataclass(frozen=True, slots=True)
class Stay:
    """A visit inside a zone; leaving for less than the flicker time does not end it."""

    zone: str
    start_ms: int
    end_ms: int


@dataclass(frozen=True, slots=True)
class Stop:
    """Standing at a fixture; ``zone`` is the zone it happened in, or empty."""

    zone: str
    start_ms: int
    end_ms: int
    east_m: float
    north_m: float


@dataclass(frozen=True, slots=True)
class Visit:
    """One pass through this agent's area.

    Attributes:
        path_m: length of the smoothed path.
        entered: began in an entrance zone (else a track that appeared out of nowhere).
        left: ended in an exit or entrance zone; false marks a visit cut by a lost track.
        items: events joined to it; sold means kept and followed by a till stay.
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
