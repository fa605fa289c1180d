"""Sightings on the floor to tracks: Kalman filter and assignment, in metres and scene time."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FloorPoint:
    """Where one detection stands on the ground plane, metres, x east, y north."""

    east_m: float
    north_m: float
    confidence: float


@dataclass(frozen=True, slots=True)
class Sighting:
    """All people one camera saw at one instant; empty is information too."""

    scene_ms: int
    points: tuple[FloorPoint, ...]


@dataclass(frozen=True, slots=True)
class TrackPoint:
    """Where a track is. ``track`` counts from 1 within one boot and never leaves the agent."""

    track: int
    scene_ms: int
    east_m: float
    north_m: float


@dataclass(frozen=True, slots=True)
class TrackEnd:
    """A track is over; ``scene_ms`` is when it was last seen."""

    track: int
    scene_ms: int
