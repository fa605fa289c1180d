"""Three shelf antennas half a metre apart, a till and an exit, and what happened there. Simulated.

Each antenna has its own round of 350 ms and a Gilbert channel of its own to every tag; neighbours
hear each other's goods. Levels fall by 40 dB a decade, fade by tag, channel and antenna, and lose
what body and hand take (numbers of ../shared/rfid/physics.md).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edge.rfid.items import Key, Place
from edge.rfid.reads import TagRead

ROUND_MS = 350
HOP_MS, CHANNELS = 400, 15
APART_M = 0.5
HEIGHTS_M = (-0.6, -0.3, 0.0, 0.3)
AT_1M_DBM, LOSS_DB, FADE_DB, SENSITIVITY_DBM = -50.0, 40.0, 3.5, -67.0
CARRIED_DB = -16.0
GOOD_READ, BAD_READ, BURST_MS = 0.95, 0.05, 500.0
EVERY_MS = 20_000
"""One item is handled so often, by a shopper of its own."""
LISTEN = ("left", "middle", "right", "till", "exit")
PLACES: dict[str | Key, Place] = {
    "left": Place("left", "shelf"),
    "middle": Place("middle", "shelf"),
    "right": Place("right", "shelf"),
    "till": Place("till", "till"),
    "exit": Place("exit", "exit"),
}


@dataclass(frozen=True, slots=True)
class Truth:
    """What happened to one tag."""

    kind: str
    scene_ms: int
    tag: int
    zone: str


@dataclass(slots=True)
class _Trip:
    """An item on its way: instants at which it is held, gone, at the till, out, or back."""

    hand_ms: int
    gone_ms: int
    till_ms: int | None
    exit_ms: int | None
    back_ms: int | None
    back_at: int


def tag_of(number: int) -> bytes:
    """Give a tag's hash."""
    return number.to_bytes(16, "big")


def aisle(
    seed: int, *, minutes: int, tags: int, rate: float = 0.65, touched: bool = True
) -> tuple[list[TagRead], list[Truth]]:
    """Make reads and truth.

    Args:
        seed: of all that is random.
        minutes: how long.
        tags: of each shelf antenna.
        rate: share of rounds answered; bursts of misses last half a second on average.
        touched: whether anybody takes anything.
    """
    rng = np.random.default_rng(seed)
    count = 3 * tags
    home = np.repeat(np.arange(3), tags)
    along = APART_M * (home - 1) + rng.uniform(-APART_M / 2, APART_M / 2, count)
    height = rng.choice(HEIGHTS_M, count)
    fade = rng.normal(0.0, FADE_DB, (5, CHANNELS, count))
    share = (rate - BAD_READ) / (GOOD_READ - BAD_READ)
    stay_ms = {True: BURST_MS * share / (1.0 - share), False: BURST_MS}
    good = rng.random((5, count)) < share
    until = rng.exponential(np.where(good, stay_ms[True], stay_ms[False]))
    trips: dict[int, _Trip] = {}
    reads: list[TagRead] = []
    truth: list[Truth] = []
    phases = rng.integers(0, ROUND_MS, 5)
    next_ms = 60_000
    for start_ms in range(0, minutes * 60_000, ROUND_MS):
        if touched and start_ms >= next_ms:
            next_ms += EVERY_MS
            number = int(rng.integers(count))
            if number not in trips:
                trips[number] = _trip(start_ms, home=int(home[number]), rng=rng)
                truth.append(Truth("picked", start_ms, number, LISTEN[home[number]]))
        for number, trip in list(trips.items()):
            truth += _told(trip, number, now_ms=start_ms)
            if trip.back_ms is not None and start_ms >= trip.back_ms:
                home[number] = trip.back_at
                along[number] = APART_M * (trip.back_at - 1) + rng.uniform(-0.25, 0.25)
                fade[:, :, number] = rng.normal(0.0, FADE_DB, (5, CHANNELS))
                del trips[number]
        for ear in range(5):
            now_ms = start_ms + int(phases[ear])
            flip = until[ear] <= now_ms
            while flip.any():
                good[ear] ^= flip
                until[ear, flip] += 1.0 + rng.exponential(
                    np.where(good[ear, flip], stay_ms[True], stay_ms[False])
                )
                flip = until[ear] <= now_ms
            level = _levels(ear, along=along, height=height, trips=trips, now_ms=now_ms, rng=rng)
            level += fade[ear, now_ms // HOP_MS * 7 % CHANNELS]
            chance = np.where(good[ear], GOOD_READ, BAD_READ)
            heard = (level >= SENSITIVITY_DBM) & (rng.random(count) < chance)
            reads += [
                TagRead(
                    now_ms + int(rng.integers(ROUND_MS)), LISTEN[ear], 1, f"{number % 6:014d}",
                    tag_of(int(number)), round(float(level[number])),
                )
                for number in np.flatnonzero(heard)
            ]  # fmt: skip
    return sorted(reads, key=lambda one: one.scene_ms), truth


def _trip(now_ms: int, *, home: int, rng: np.random.Generator) -> _Trip:
    """Say what a shopper does: keeps it (six in ten), or puts it back, sometimes next door."""
    held_ms = int(rng.integers(1_000, 6_000))
    if rng.random() < 0.6:
        gone_ms = now_ms + held_ms
        till_ms = gone_ms + int(rng.integers(30_000, 120_000)) if rng.random() < 0.85 else None
        exit_ms = (till_ms or gone_ms) + int(rng.integers(30_000, 60_000))
        return _Trip(now_ms, gone_ms, till_ms, exit_ms, None, home)
    back_ms = now_ms + int(rng.integers(4_000, 25_000))
    back_at = home
    if rng.random() < 0.15:
        back_at = 1 if home != 1 else int(rng.choice((0, 2)))
    return _Trip(now_ms, back_ms, None, None, back_ms, back_at)


def _told(trip: _Trip, number: int, *, now_ms: int) -> list[Truth]:
    """Tell what became true in this round."""
    truth = []
    if trip.back_ms is not None and now_ms >= trip.back_ms:
        truth.append(Truth("put_back", now_ms, number, LISTEN[trip.back_at]))
    if trip.till_ms is not None and trip.till_ms <= now_ms < trip.till_ms + ROUND_MS:
        truth.append(Truth("till", now_ms, number, "till"))
    if trip.exit_ms is not None and trip.exit_ms <= now_ms < trip.exit_ms + ROUND_MS:
        kind = "left_unpaid" if trip.till_ms is None else "sold"
        truth.append(Truth(kind, now_ms, number, "exit"))
    return truth


def _levels(
    ear: int,
    *,
    along: np.ndarray,
    height: np.ndarray,
    trips: dict[int, _Trip],
    now_ms: int,
    rng: np.random.Generator,
) -> np.ndarray:
    """Give every tag's mean level at one antenna; far below hearing where it is elsewhere."""
    if ear > 2:
        level = np.full(along.shape, -200.0)
    else:
        away = np.hypot(np.hypot(along - APART_M * (ear - 1), height), 0.15)
        level = AT_1M_DBM - LOSS_DB * np.log10(away)
    for number, trip in trips.items():
        if now_ms < trip.gone_ms and ear < 3:
            level[number] += CARRIED_DB + rng.normal(0.0, 3.0)
            continue
        level[number] = -200.0
        begins_ms, lasts_ms = ((trip.till_ms, 20_000), (trip.exit_ms, 4_000))[ear == 4]
        if ear > 2 and begins_ms is not None and begins_ms <= now_ms < begins_ms + lasts_ms:
            level[number] = -56.0 + rng.normal(0.0, 3.0)
    return level
