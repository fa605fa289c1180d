"""The air between a reader's antenna and the tags: who answers in an inventory round, and how loud.

Source: rfid/physics.md; every number that is judgement there is a parameter here.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from firmware_sim.goods import TagAt
from firmware_sim.store import Point

MAX_FRAMES = 24
"""Aloha frames in one round; a population that size of Q cannot need more."""


@dataclass(frozen=True, slots=True)
class RadioParams:
    """The air.

    Attributes:
        at_1m_dbm: mean RSSI of a tag at 1 m with 20 dBm sent.
        exponent_db: loss per decade of distance, there and back (physics.md: 40).
        multipath_sd_db: redrawn per tag, channel and position (physics.md: 3 to 4).
        position_m: a tag or body that moves this far meets another multipath.
        sensitivity_dbm: tags below are not heard (RS500 -65 .. -75).
        body_db: loss when a body stands in the line; half of it near the line.
        body_m, near_m: distance of a body's centre from the line for those.
        carried_db: loss of a tag in a hand, basket or cart.
        good_read, bad_read: chance to answer in a round, in the two states of the Gilbert model;
        good_s, bad_s: mean time in each; .65 of rounds are answered (Jeffery et al. 2006).
        s1_min_s, s1_max_s: how long an S1 flag lasts (physics.md: 0.5 to 5 s).
        s2_s: how long S2 and S3 flags last without power (physics.md: over 2 s).
        slot_empty_ms, slot_clash_ms, slot_read_ms: air time of a slot with no tag, several, one.
        round_ms: carrier on, Select and Query before the slots.
    """

    at_1m_dbm: float = -50.0
    exponent_db: float = 40.0
    multipath_sd_db: float = 3.5
    position_m: float = 0.08
    sensitivity_dbm: float = -67.0
    body_db: float = 10.0
    body_m: float = 0.28
    near_m: float = 0.5
    carried_db: float = 6.0
    good_read: float = 0.95
    bad_read: float = 0.05
    good_s: float = 1.0
    bad_s: float = 0.5
    s1_min_s: float = 1.0
    s1_max_s: float = 3.0
    s2_s: float = 5.0
    slot_empty_ms: float = 0.6
    slot_clash_ms: float = 2.0
    slot_read_ms: float = 6.0
    round_ms: float = 15.0


@dataclass(frozen=True, slots=True)
class Settings:
    """What the module sends with."""

    power_dbm: float
    channel: int
    session: int
    target: int
    q: int


@dataclass(frozen=True, slots=True)
class Reply:
    """One tag, singled out."""

    at_ms: int
    epc: bytes
    rssi_dbm: int


@dataclass(frozen=True, slots=True)
class Round:
    """One inventory round."""

    end_ms: int
    replies: tuple[Reply, ...]


Air = Callable[[int, Settings], Round]
"""An antenna's field as a firmware sees it: runs one inventory round at a scene instant."""


class Flags:
    """What tags remember of being read: one for all antennas, for a tag does not know who asks.

    Args:
        params: how long flags last.
        rng: where the spread of S1 comes from.
    """

    def __init__(self, params: RadioParams, *, rng: np.random.Generator) -> None:
        self._params = params
        self._rng = rng
        self._b_until_ms: dict[tuple[bytes, int], float] = {}
        self._powered_ms: dict[bytes, int] = {}

    def asked(self, epc: bytes, *, now_ms: int, session: int) -> int:
        """Give a tag power, and tell the target it answers to: 0 for A, 1 for B."""
        unpowered_ms = now_ms - self._powered_ms.get(epc, now_ms)
        self._powered_ms[epc] = now_ms
        if unpowered_ms > 1000 * self._params.s2_s:
            self._b_until_ms.pop((epc, 2), None)
            self._b_until_ms.pop((epc, 3), None)
        return int(now_ms < self._b_until_ms.get((epc, session), -1.0))

    def read(self, epc: bytes, *, now_ms: int, session: int, target: int) -> None:
        """Flip the tag's flag of this session; S0's falls back as the round's carrier ends."""
        if target == 1:
            self._b_until_ms.pop((epc, session), None)
        elif session == 1:
            lasts_s = self._rng.uniform(self._params.s1_min_s, self._params.s1_max_s)
            self._b_until_ms[epc, 1] = now_ms + 1000.0 * float(lasts_s)
        elif session > 1:  # S2, S3: for as long as there is power
            self._b_until_ms[epc, session] = math.inf


@dataclass(slots=True, eq=False)
class _Tag:
    """Whether one antenna hears a tag well just now: Gilbert's two states."""

    good: bool
    until_ms: float


class Radio:
    """One antenna's field, with the memory tags and multipath have.

    Args:
        antenna: east, north, height.
        seed: of all that is random here.
        params: the air.
        flags: of the tags; shared by antennas that hear the same ones.
    """

    def __init__(
        self,
        antenna: tuple[float, float, float],
        *,
        seed: int,
        params: RadioParams = RadioParams(),
        flags: Flags | None = None,
    ) -> None:
        self._antenna = antenna
        self._params = params
        self._rng = np.random.default_rng((seed, 3))
        self._flags = flags or Flags(params, rng=self._rng)
        self._tags: dict[bytes, _Tag] = {}
        self._fades: dict[tuple[bytes, int, int, int], float] = {}

    def round(
        self,
        now_ms: int,
        *,
        tags: tuple[TagAt, ...],
        bodies: tuple[Point, ...],
        settings: Settings,
    ) -> Round:
        """Run one inventory round: framed slotted Aloha with a Q that adapts, until all are read.

        Args:
            now_ms: scene time at which the carrier comes on.
            tags: all that may be in the field.
            bodies: centres of people.
            settings: of the module.
        """
        waiting = []
        for tag in tags:
            rssi = self._rssi(tag, bodies=bodies, settings=settings)
            if rssi >= self._params.sensitivity_dbm and self._answers(
                tag.epc, now_ms=now_ms, settings=settings
            ):
                waiting.append((tag.epc, round(rssi)))
        return self._single_out(waiting, now_ms=now_ms, settings=settings)

    def _single_out(
        self, waiting: list[tuple[bytes, int]], *, now_ms: int, settings: Settings
    ) -> Round:
        params = self._params
        at_ms = now_ms + params.round_ms
        replies: list[Reply] = []
        q = settings.q
        for _ in range(MAX_FRAMES):
            slots = self._rng.integers(0, 1 << q, size=len(waiting))
            counts = np.bincount(slots, minlength=1 << q)
            clashed = []
            for slot in range(1 << q):
                if counts[slot] == 0:
                    at_ms += params.slot_empty_ms
                elif counts[slot] > 1:
                    at_ms += params.slot_clash_ms
                    clashed += [waiting[n] for n in np.flatnonzero(slots == slot)]
                else:
                    at_ms += params.slot_read_ms
                    epc, rssi = waiting[int(np.flatnonzero(slots == slot)[0])]
                    replies.append(Reply(math.ceil(at_ms), epc, rssi))
                    self._flags.read(
                        epc,
                        now_ms=math.ceil(at_ms),
                        session=settings.session,
                        target=settings.target,
                    )
            waiting = clashed
            if not waiting:
                break
            q = max(0, min(15, round(math.log2(len(waiting)))))
        return Round(end_ms=math.ceil(at_ms), replies=tuple(replies))

    def _rssi(self, tag: TagAt, *, bodies: tuple[Point, ...], settings: Settings) -> float:
        params = self._params
        distance = math.dist(self._antenna, (tag.east_m, tag.north_m, tag.height_m))
        level = params.at_1m_dbm + settings.power_dbm - 20.0
        level -= params.exponent_db * math.log10(max(distance, 0.15))
        if level < params.sensitivity_dbm - 3 * params.multipath_sd_db:
            return level
        level -= self._body_loss(tag, bodies=bodies)
        if tag.carried:
            level -= params.carried_db
        return level + self._fade(tag, channel=settings.channel)

    def _body_loss(self, tag: TagAt, *, bodies: tuple[Point, ...]) -> float:
        params = self._params
        nearest = min(
            (
                _from_line(body, start=self._antenna[:2], end=(tag.east_m, tag.north_m))
                for body in bodies
            ),
            default=math.inf,
        )
        if nearest <= params.body_m:
            return params.body_db
        return params.body_db / 2 if nearest <= params.near_m else 0.0

    def _fade(self, tag: TagAt, *, channel: int) -> float:
        cell = self._params.position_m
        key = (tag.epc, channel, round(tag.east_m / cell), round(tag.north_m / cell))
        if key not in self._fades:
            if len(self._fades) > 20_000:  # noqa: PLR2004 - bounds memory; old places are not met again
                self._fades.clear()
            self._fades[key] = float(self._rng.normal(0.0, self._params.multipath_sd_db))
        return self._fades[key]

    def _answers(self, epc: bytes, *, now_ms: int, settings: Settings) -> bool:
        tag = self._tags.get(epc)
        if tag is None:
            share = self._params.good_s / (self._params.good_s + self._params.bad_s)
            tag = _Tag(good=bool(self._rng.random() < share), until_ms=float(now_ms))
            tag.until_ms += self._stay_ms(good=tag.good)
            self._tags[epc] = tag
        while tag.until_ms <= now_ms:
            tag.good = not tag.good
            tag.until_ms += self._stay_ms(good=tag.good)
        flag = self._flags.asked(epc, now_ms=now_ms, session=settings.session)
        if flag != settings.target:
            return False
        chance = self._params.good_read if tag.good else self._params.bad_read
        return bool(self._rng.random() < chance)

    def _stay_ms(self, *, good: bool) -> float:
        mean_s = self._params.good_s if good else self._params.bad_s
        return 1.0 + float(self._rng.exponential(1000.0 * mean_s))


def _from_line(point: Point, *, start: tuple[float, ...], end: Point) -> float:
    """Distance of a point from a stretch of line."""
    east, north = end[0] - start[0], end[1] - start[1]
    length = east * east + north * north
    along = 0.0
    if length > 0:
        along = ((point[0] - start[0]) * east + (point[1] - start[1]) * north) / length
        along = min(1.0, max(0.0, along))
    return math.hypot(point[0] - start[0] - along * east, point[1] - start[1] - along * north)
