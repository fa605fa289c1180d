"""People on a floor and what a detector would say of them, for figures of tracking; simulated.

Two kinds of scene, both 12 m by 18 m with twenty people at a time:

- ``store``: the default store's shoppers (JuPedSim), who come and go through its doors, walk round
  gondolas, stand at shelves and queue; more of them and a quicker till than in the demo.
- ``hall``: an empty floor; twenty people who are there all along walk straight to random places at
  0.5 to 1.5 m/s, stand there for up to ten seconds, and walk on, through each other if need be.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from math import exp, hypot, sqrt

import msgspec

from firmware_sim.shoppers import STEP_S, Shoppers
from firmware_sim.store import Store, default_store

WIDTH_M, DEPTH_M = 12.0, 18.0
PEOPLE = 20
ARRIVALS = 7.5
"""Parties a minute that keep about twenty people in the store"""
SERVICE_S = 5.0
"""with a till so quick that its queue does not grow for ever."""
FILL_S = 120.0
"""Before anybody looks, for the store to fill."""
HAUNTS_NOT = 0.5
"""Share of images in which a false finding that stays is not found."""
DOOR_M = 2.5
"""From the line at a door over which people come: the door's zone and a step and a half."""

Place = tuple[float, float]
Truth = dict[int, dict[int, Place]]
"""Instant in ms → person → where."""
Paths = Callable[[float], dict[int, Place]]
"""Scene seconds → person → where."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One detection: where, how sure the camera is of that, and whose it is (None: nobody's)."""

    east_m: float
    north_m: float
    sd_m: float
    person: int | None


@dataclass(frozen=True, slots=True)
class View:
    """A camera that looks at part of the floor.

    Attributes:
        fps: images a second.
        offset_ms: of its first image.
        noise_m: standard deviation of a place along each axis.
        sees: whether it looks at a place.
        miss: share of the people it does not find, each image anew.
        false: findings of nothing an image, on average, anywhere in its view.
        hides_s: how often, in seconds, each person is hidden on average, for 1 to 5 s; 0: never.
        burst_s: how long a person who is missed goes on being missed, on average (Gilbert, Bell
            System Technical Journal 39 (1960)); 0: each image is missed or not by itself.
        sway_s: over which the error of a person's place is forgotten; 0: each image errs anew.
        haunt_s: how long a false finding stays where it is, on average, in half of all images; 0:
            each is alone.
    """

    name: str
    fps: float
    noise_m: float
    offset_ms: int = 0
    sees: Callable[[float, float], bool] = lambda _east, _north: True
    miss: float = 0.1
    false: float = 0.5
    hides_s: float = 0.0
    burst_s: float = 0.0
    sway_s: float = 0.0
    haunt_s: float = 0.0


@dataclass(slots=True)
class _Look:
    """How one person is seen just now: the error of their place, and whether they are missed."""

    east_m: float
    north_m: float
    missed: bool


def watch(
    paths: Paths, camera: View, *, frames: int, seed: int
) -> tuple[list[tuple[int, list[Seen]]], Truth]:
    """Give what one camera sees, image by image, and where everybody in its view really is."""
    chance = random.Random(f"{seed} {camera.name}")
    images: list[tuple[int, list[Seen]]] = []
    truth: Truth = {}
    hidden_till: dict[int, float] = {}
    looks: dict[int, _Look] = {}
    haunted: list[tuple[float, Place]] = []
    for frame in range(frames):
        at_ms = camera.offset_ms + round(1000 * frame / camera.fps)
        there = {who: at for who, at in paths(at_ms / 1000).items() if camera.sees(*at)}
        truth[at_ms] = there
        seen = []
        for who, (east, north) in there.items():
            if camera.hides_s and chance.random() < 1 / (camera.hides_s * camera.fps):
                hidden_till[who] = at_ms + 1000 * chance.uniform(1, 5)
            hidden = hidden_till.get(who, -1) > at_ms
            look = _look(looks.get(who), hidden=hidden, camera=camera, chance=chance)
            looks[who] = look
            if look.missed or hidden:
                continue
            place = east + look.east_m, north + look.north_m
            seen.append(Seen(*place, camera.noise_m, who))
        haunted = _haunted(haunted, camera=camera, at_ms=at_ms, chance=chance)
        for _, place in haunted:
            if camera.sees(*place) and not (camera.haunt_s and chance.random() < HAUNTS_NOT):
                seen.append(Seen(*place, camera.noise_m, None))
        chance.shuffle(seen)
        images.append((at_ms, seen))
    return images, truth


def _look(last: _Look | None, *, hidden: bool, camera: View, chance: random.Random) -> _Look:
    """Give how a person is seen in the next image."""
    missed = chance.random() < camera.miss
    if last is not None and camera.burst_s:
        kept = _kept(camera, (1 - camera.miss) * camera.burst_s)
        missed = last.missed if chance.random() < kept else missed
    if (missed or hidden) and not camera.sway_s:
        return _Look(0.0, 0.0, missed)
    east_m, north_m = chance.gauss(0, camera.noise_m), chance.gauss(0, camera.noise_m)
    if last is not None and camera.sway_s:
        kept = _kept(camera, camera.sway_s)
        anew = sqrt(1 - kept * kept)
        east_m, north_m = kept * last.east_m + anew * east_m, kept * last.north_m + anew * north_m
    return _Look(east_m, north_m, missed)


def _kept(camera: View, mean_s: float) -> float:
    """Tell how much of what lasts for a mean time is as before in the next image."""
    return exp(-1 / (camera.fps * mean_s))


def _haunted(
    before: list[tuple[float, Place]], *, camera: View, at_ms: int, chance: random.Random
) -> list[tuple[float, Place]]:
    """Give the false findings' places and till when they stay."""
    stay = [one for one in before if one[0] > at_ms] if camera.haunt_s else []
    often = camera.false
    if camera.haunt_s:
        often /= (1 - HAUNTS_NOT) * camera.haunt_s * camera.fps
    for _ in range(_poisson(often, chance)):
        place = chance.uniform(0, WIDTH_M), chance.uniform(0, DEPTH_M)
        last_ms = 1000 * chance.expovariate(1 / camera.haunt_s) if camera.haunt_s else 0
        stay.append((at_ms + last_ms, place))
    return stay


def may_stand(east_m: float, north_m: float) -> bool:
    """Tell whether a shopper of ``store`` can be there."""
    return not any(
        box.west_m < east_m < box.east_m and box.south_m < north_m < box.north_m
        for box in _plain().boxes
    )


def may_appear(east_m: float, north_m: float) -> bool:
    """Tell whether that is near a door of ``store``."""
    return any(
        hypot(east_m - min(max(east_m, west), east), north_m - north) < DOOR_M
        for (west, north), (east, _) in (_plain().room.entrance, _plain().room.exit)
    )


@cache
def _plain() -> Store:
    return default_store()


def store(seed: int, *, seconds: float) -> Paths:
    """Give the paths of shoppers, about twenty at a time, after the store has filled."""
    plain = _plain()
    busy = msgspec.structs.replace(
        plain,
        arrivals_per_minute=ARRIVALS,
        till=msgspec.structs.replace(plain.till, service_s=SERVICE_S),
    )
    shoppers = Shoppers(busy, seed=seed)
    shoppers.advance(FILL_S)
    steps: list[dict[int, Place]] = []
    for step in range(int(seconds / STEP_S) + 2):
        shoppers.advance(FILL_S + step * STEP_S)
        steps.append({one.look: (one.east_m, one.north_m) for one in shoppers.figures()})
    return _between(steps)


def hall(seed: int, *, seconds: float) -> Paths:
    """Give the paths of people on an empty floor, who do not mind each other."""
    chance = random.Random(seed)
    walkers = [_Walker(chance) for _ in range(PEOPLE)]
    steps = [
        {number: walker.step() for number, walker in enumerate(walkers)}
        for _ in range(int(seconds / STEP_S) + 2)
    ]
    return _between(steps)


class _Walker:
    """Walks straight from place to place and stands a while at each."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._at = self._place()
        self._choose()

    def step(self) -> Place:
        if self._rest_s > 0:
            self._rest_s -= STEP_S
            return self._at
        east, north = self._goal[0] - self._at[0], self._goal[1] - self._at[1]
        left_m, step_m = hypot(east, north), self._speed_m_s * STEP_S
        if left_m <= step_m:
            self._at = self._goal
            self._choose()
            self._rest_s = self._chance.uniform(0, 10)
        else:
            self._at = (
                self._at[0] + east * step_m / left_m,
                self._at[1] + north * step_m / left_m,
            )
        return self._at

    def _place(self) -> Place:
        return self._chance.uniform(0.3, WIDTH_M - 0.3), self._chance.uniform(0.3, DEPTH_M - 0.3)

    def _choose(self) -> None:
        self._goal, self._rest_s = self._place(), 0.0
        self._speed_m_s = self._chance.uniform(0.5, 1.5)


def _between(steps: list[dict[int, Place]]) -> Paths:
    """Give places at any instant; who is gone at the next step is gone."""

    def at(seconds: float) -> dict[int, Place]:
        number = int(seconds / STEP_S + 1e-9)
        share = seconds / STEP_S - number
        one, other = steps[number], steps[number + 1]
        return {
            who: (
                east + share * (other[who][0] - east),
                north + share * (other[who][1] - north),
            )
            for who, (east, north) in one.items()
            if who in other
        }

    return at


def _poisson(mean: float, chance: random.Random) -> int:
    number, left = 0, chance.expovariate(1.0)
    while left < mean:
        number, left = number + 1, left + chance.expovariate(1.0)
    return number
