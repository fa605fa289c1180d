"""Days of batch visits as an agent would have taken them in: where each walked, stood and handled.

``batch`` knows visits by numbers; here they get a way over the floor, through the store's lanes.
Who stops at a shelf stands at one of several spots along it. Lengths of these ways are not those
of the traits, which have an agent's errors on top.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import Any

import numpy as np

from firmware_sim.batch import TAGS, Array, Batches, Columns, Marks, before_shelf, middle
from firmware_sim.floor import Floor, Point, apart
from firmware_sim.store import ShelfTable, Store

OUTCOMES = ("pass", "short_stop", "long_stop", "put_back", "kept")
"""What a visit may do in a zone, the strongest last."""
SPOT_M = 1.5
"""Between the spots along a shelf."""
STEP_M = 0.5
"""Between the points of a way."""
PASS_STEPS = 2
"""Points of a way within a zone, from which on one came to it: a second's walk."""
LONG_STOP_S = 15.0
PATTERNS = ("showroomer", "wanderer", "indecisive")
TENDENCIES = ("bargain", "quality")
"""Patterns of who leans to that side of the average shopper."""


@dataclass(frozen=True, slots=True)
class Story:
    """One visit.

    Attributes:
        day: from 0; ``second`` of the store's day at its end.
        plan: number of the planogram, from 1.
        traits: by the names of the agent's registry, None where one can't be told.
        zones: the strongest outcome in each, in the order of coming there.
        ways: between zones, in order.
        walked: the square metres on its way, by their middle (east, north).
        stood: where it stopped.
        goods: category → ``put_back`` or ``kept``.
        tags: of the basket.
        party: ``alone``, ``leads`` or ``with``.
        truth: which patterns it truly shows.
    """

    day: int
    second: float
    plan: int
    traits: dict[str, float | None]
    zones: dict[str, str]
    ways: tuple[tuple[str, str], ...]
    walked: tuple[Point, ...]
    stood: tuple[Point, ...]
    goods: dict[str, str]
    tags: tuple[str, ...]
    cut: bool
    party: str
    truth: dict[str, bool]


@dataclass(frozen=True, slots=True)
class _Leg:
    """The way between two places: its square metres, and the zones one comes to on it."""

    squares: tuple[Point, ...]
    zones: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Stop:
    """``found`` is whether the agent took it for one, and ``lasted_s`` how long by it.

    Attributes:
        past: where one strayed past before, if one did.
    """

    place: Point
    past: tuple[Point, ...]
    shelf: int
    lasted_s: float
    found: bool


@dataclass(frozen=True, slots=True)
class _Told:
    """A day's records as lists, with where along its shelf each stop is."""

    plain: dict[str, list[Any]]
    traits: dict[str, list[float | None]]
    marks: Marks
    spots: Array


class Stories:
    """Days of a store's customers; staff is left out, as the agent leaves it out."""

    def __init__(self, store: Store, *, batches: Batches, seed: int) -> None:
        self._batches = batches
        self._seed = seed
        self._floor = Floor(store)
        self._zones = [shelf.zone for shelf in store.shelves]
        self._spots = [
            tuple(_rounded(self._floor.nearest_free(point)) for point in _along(shelf))
            for shelf in store.shelves
        ]
        self._doors = [
            self._floor.nearest_free(middle(points))
            for points in (store.room.entrance, store.till.counters, store.room.exit)
        ]
        self._legs: dict[tuple[Point, Point], _Leg] = {}

    def day(self, number: int) -> Iterator[Story]:
        """Give one day's visits, by their end."""
        columns, marks = self._batches.marked_day(number)
        rng = np.random.default_rng((self._seed, number, 1))
        told = _Told(
            plain={name: values.tolist() for name, values in columns.items()},
            traits=_traits(columns),
            marks=marks,
            spots=rng.random(marks.shelves.shape),
        )
        for record in np.argsort(columns["second"], kind="stable").tolist():
            if told.plain["role"][record] != "staff":
                yield self._story(record, told=told)

    def _story(self, record: int, *, told: _Told) -> Story:
        plain = {name: values[record] for name, values in told.plain.items()}
        traits = {name: values[record] for name, values in told.traits.items()}
        stops = self._stops(record, told=told)
        legs = self._legs_between(stops, plain=plain, paid=traits["till_wait_s"] is not None)
        order = [zone for zone, _ in groupby(zone for leg in legs for zone in leg.zones)]
        zones = dict.fromkeys(order, OUTCOMES[0])
        for stop in stops:
            outcome = "long_stop" if stop.lasted_s >= LONG_STOP_S else "short_stop"
            _note(zones, self._zones[stop.shelf], outcome=outcome if stop.found else OUTCOMES[0])
        return Story(
            day=plain["day"],
            second=plain["second"],
            plan=plain["plan"],
            traits=traits,
            goods=self._goods(record, marks=told.marks, zones=zones),
            zones=zones,
            ways=tuple(dict.fromkeys(pairwise(order))),
            walked=tuple(dict.fromkeys(square for leg in legs for square in leg.squares)),
            stood=tuple(stop.place for stop in stops if stop.found),
            tags=tuple(tag.replace("_", "-") for tag in TAGS if traits[f"basket_{tag}"]),
            cut=plain["cut"],
            party=_party(plain["party"], leads=plain["leads"]),
            truth={name: plain[f"true_{name}"] for name in PATTERNS}
            | {name: plain[f"true_{name}"] > 0 for name in TENDENCIES},
        )

    def _stops(self, record: int, *, told: _Told) -> list[_Stop]:
        marks = told.marks

        def spot(shelf: int, part: float) -> Point:
            return self._spots[shelf][int(part * len(self._spots[shelf]))]

        return [
            _Stop(
                spot(shelf, part), (spot(past, part),) if past >= 0 else (), shelf, lasted_s, found
            )
            for shelf, past, part, lasted_s, found in zip(
                marks.shelves[record].tolist(),
                marks.past[record].tolist(),
                told.spots[record].tolist(),
                marks.dwell_s[record].tolist(),
                marks.found[record].tolist(),
                strict=True,
            )
            if shelf >= 0
        ]

    def _legs_between(
        self, stops: Sequence[_Stop], *, plain: dict[str, Any], paid: bool
    ) -> list[_Leg]:
        entrance, till, leave = self._doors
        places = [
            *([entrance] if plain["entered"] else []),
            *(place for stop in stops for place in (*stop.past, stop.place)),
            *([till] if paid else []),
            *([leave] if plain["left"] else []),
        ]
        return [self._leg(*pair) for pair in pairwise(places)]

    def _goods(self, record: int, *, marks: Marks, zones: dict[str, str]) -> dict[str, str]:
        """Tell what became of goods, and note it where they were taken."""
        found: dict[str, str] = {}
        for shelf, picks, backs in zip(
            marks.handled[record].tolist(),
            marks.heard[record].tolist(),
            marks.backs[record].tolist(),
            strict=True,
        ):
            if picks:
                outcome = "kept" if picks > backs else "put_back"
                _note(zones, self._zones[shelf], outcome=outcome)
                _note(found, marks.categories[shelf], outcome=outcome)
        return found

    def _leg(self, start: Point, goal: Point) -> _Leg:
        known = self._legs.get((start, goal))
        if known is None:
            known = self._legs[start, goal] = self._walk(start, goal)
        return known

    def _walk(self, start: Point, goal: Point) -> _Leg:
        corners = [start, *self._floor.way(start, goal=goal)]
        points = tuple(point for pair in pairwise(corners) for point in _between(*pair))
        named = [next(iter(self._floor.zones(point)), "") for point in points]
        runs = [(zone, len(list(run))) for zone, run in groupby(named)]
        # Both ends count however short: one stands there.
        ends = {named[0], named[-1]}
        zones = [zone for zone, count in runs if zone and (count >= PASS_STEPS or zone in ends)]
        squares = dict.fromkeys((int(east) + 0.5, int(north) + 0.5) for east, north in points)
        return _Leg(tuple(squares), tuple(zone for zone, _ in groupby(zones)))


def _party(size: int, *, leads: bool) -> str:
    if size == 1:
        return "alone"
    return "leads" if leads else "with"


def _note(found: dict[str, str], key: str, *, outcome: str) -> None:
    found[key] = max(found.get(key, OUTCOMES[0]), outcome, key=OUTCOMES.index)


def _traits(columns: Columns) -> dict[str, list[float | None]]:
    """Give measured columns as lists, None for NaN."""
    found = {}
    for name, values in columns.items():
        if name != "second" and not name.startswith("true_") and values.dtype.kind == "f":
            told = np.round(values, 4).astype(object)
            told[np.isnan(values)] = None
            found[name] = told.tolist()
    return found


def _along(shelf: ShelfTable) -> list[Point]:
    """Give spots before a shelf, from end to end."""
    (east, north), (east_end, north_end) = shelf.line
    count = max(1, round(apart(*shelf.line) / SPOT_M))
    parts = [(number + 0.5) / count for number in range(count)]
    return [
        before_shelf(
            shelf, at=(east + part * (east_end - east), north + part * (north_end - north))
        )
        for part in parts
    ]


def _rounded(point: Point) -> Point:
    return round(point[0], 2), round(point[1], 2)


def _between(start: Point, goal: Point) -> list[Point]:
    """Give points on a straight way, its start and goal among them."""
    steps = max(1, math.ceil(apart(start, goal) / STEP_M))
    return [
        (
            start[0] + (goal[0] - start[0]) * number / steps,
            start[1] + (goal[1] - start[1]) * number / steps,
        )
        for number in range(steps + 1)
    ]
