"""Other trackers, fed with the same places on the floor; each only where it is installed.

They get what ours gets: places, and a box of half a metre where they want boxes. Nothing here
depends on them: ``make bench`` installs them (``lock/peers.txt``) or says that it cannot.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress

import numpy as np

Place = tuple[float, float]
Follow = Callable[[Sequence[Place]], dict[int, Place]]
"""One image's places → track → where, image after image."""

BODY_M = 0.5
PX_PER_M = 100.0
"""Trackers of boxes think in pixels."""
PATIENCE_S = 1.0
REACH_M = 1.0


def peers(fps: float) -> dict[str, Follow]:
    """Give a new tracker of each kind that is installed, set for a frame rate."""
    found: dict[str, Follow] = {}
    for name, make in (("norfair", norfair), ("motpy", motpy), ("ByteTrack", byte_track)):
        with suppress(ImportError):
            found[name] = make(fps)
    return found


def norfair(fps: float) -> Follow:
    """Norfair: points, Euclidean distance, gone after a second."""
    from norfair import Detection, Tracker  # noqa: PLC0415 - only where it is installed

    tracker = Tracker(
        distance_function="euclidean",
        distance_threshold=REACH_M,
        hit_counter_max=round(PATIENCE_S * fps),
        initialization_delay=2,
    )

    def follow(places: Sequence[Place]) -> dict[int, Place]:
        told = tracker.update([Detection(np.array([place])) for place in places])
        return {one.id: (float(one.estimate[0][0]), float(one.estimate[0][1])) for one in told}

    return follow


def motpy(fps: float) -> Follow:
    """Motpy: boxes in pixels, constant velocity."""
    from motpy import Detection, MultiObjectTracker  # noqa: PLC0415 - as above

    tracker = MultiObjectTracker(
        dt=1 / fps, tracker_kwargs={"max_staleness": round(PATIENCE_S * fps)}
    )
    numbers: dict[str, int] = {}

    def follow(places: Sequence[Place]) -> dict[int, Place]:
        tracker.step([Detection(box=box, score=0.9) for box in _boxes(places)])
        told = tracker.active_tracks(min_steps_alive=3)
        return {numbers.setdefault(one.id, len(numbers)): _middle(one.box) for one in told}

    return follow


def byte_track(fps: float) -> Follow:
    """ByteTrack of the package ``trackers``: boxes in pixels."""
    from supervision import Detections  # noqa: PLC0415 - as above
    from trackers import ByteTrackTracker  # noqa: PLC0415 - as above

    tracker = ByteTrackTracker(
        lost_track_buffer=round(30 * PATIENCE_S),  # counted at 30 images a second
        frame_rate=fps,
        minimum_consecutive_frames=2,
    )

    def follow(places: Sequence[Place]) -> dict[int, Place]:
        told = tracker.update(
            Detections(
                xyxy=_boxes(places),
                confidence=np.full(len(places), 0.9),
                class_id=np.zeros(len(places), dtype=int),
            )
        )
        return {
            int(number): _middle(box)
            for box, number in zip(told.xyxy, told.tracker_id, strict=True)
            if number >= 0
        }

    return follow


def _boxes(places: Sequence[Place]) -> np.ndarray:
    middles = np.array(places, dtype=float).reshape(-1, 2)
    half = np.full_like(middles, BODY_M / 2)
    return PX_PER_M * np.hstack([middles - half, middles + half])


def _middle(box: np.ndarray) -> Place:
    return (
        float(box[0] + box[2]) / 2 / PX_PER_M,
        float(box[1] + box[3]) / 2 / PX_PER_M,
    )
