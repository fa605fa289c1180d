"""What really happened, as JSON Lines the agent never sees."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

import msgspec

LATENTS = ("buy", "mission", "decisive", "bargain")
"""Tendencies of a visit, standard normal each; a pattern is the sign of one, never a class."""
Outcome = Literal["pass", "short_stop", "long_stop", "put_back", "kept"]
SHOPPED_KINDS = frozenset({"aisle", "promo", "fitting-room"})
"""Kinds of zone that have outcomes; nobody shops at a till or a door."""


@dataclass(frozen=True, slots=True)
class TruthParams:
    """What counts as a stop.

    Attributes:
        short_s: a shelf stop from here on is a short stop, below it is passing (NOTES.md §2).
        long_s: and from here on a long one [D].
        engaged_s: stops that sum to this are engagement (Quividi's 5 s dwell; NOTES.md §2).
    """

    short_s: float = 3.0
    long_s: float = 15.0
    engaged_s: float = 5.0


@dataclass(frozen=True, slots=True)
class Stood:
    """Standing at a shelf; ``engaged`` for 5 s or a pick."""

    zone: str
    start_s: float
    end_s: float
    engaged: bool


@dataclass(frozen=True, slots=True)
class Handled:
    """An item picked, put back or sold; ``gtin`` only if it has a tag."""

    kind: Literal["pick", "put_back", "sold"]
    at_s: float
    zone: str
    category: str
    item: int
    gtin: str | None


@dataclass(frozen=True, slots=True)
class Visited:
    """One person's visit, door to door; a party of two is two visits.

    Attributes:
        party: number of the party; its members share ``latents`` and what is bought.
        finished: false for who was still inside when the run ended.
        bought: items the party paid for.
    """

    party: int
    role: Literal["leader", "companion"]
    enter_s: float
    exit_s: float
    latents: tuple[float, float, float, float]
    stops: tuple[Stood, ...]
    dwell_s: dict[str, float]
    entered: tuple[str, ...]
    handled: tuple[Handled, ...]
    bought: int
    path_m: float
    finished: bool = True


@dataclass(frozen=True, slots=True)
class Seen:
    """Where everybody is at one instant: (visit in progress, east, north)."""

    at_s: float
    people: tuple[tuple[int, float, float], ...]


TruthEvent = Visited | Handled | Seen


@dataclass(frozen=True, slots=True)
class Run:
    """What a truth file is about: its first line."""

    store: str
    seed: int
    begins_at: datetime
    minutes: float
    zones: dict[str, str]


def outcomes(visit: Visited, *, zones: dict[str, str], params: TruthParams) -> dict[str, Any]:
    """Give the strongest outcome of a visit in each zone it entered, by three judges.

    Args:
        visit: whose.
        zones: id to kind of every zone.
        params: thresholds.

    Returns:
        ``outcome`` counts all goods, ``outcome_tagged`` only goods with tags (what a reader could
        know), ``outcome_seen`` none (what a camera could know).
    """
    shopped = [zone for zone in visit.entered if zones[zone] in SHOPPED_KINDS]
    stood = {zone: _stood(visit, zone=zone, params=params) for zone in shopped}
    return {
        "outcome": {z: _handled(visit, zone=z, tagged=False) or stood[z] for z in shopped},
        "outcome_tagged": {z: _handled(visit, zone=z, tagged=True) or stood[z] for z in shopped},
        "outcome_seen": stood,
    }


def patterns(visit: Visited, *, params: TruthParams) -> dict[str, bool]:
    """Tell which patterns a visit shows."""
    engaged_s = sum(stop.end_s - stop.start_s for stop in visit.stops)
    return {
        "showroomer": engaged_s >= params.engaged_s and visit.bought == 0,
        "wanderer": visit.latents[LATENTS.index("mission")] < 0,
        "indecisive": visit.latents[LATENTS.index("decisive")] < 0,
    }


class TruthWriter:
    """Turns truth events into lines."""

    def __init__(self, run: Run, *, params: TruthParams = TruthParams()) -> None:
        self._run = run
        self._params = params

    def header(self) -> bytes:
        """Give the first line."""
        return _line(
            {
                "kind": "run",
                "store": self._run.store,
                "seed": self._run.seed,
                "begins_at": self._run.begins_at,
                "minutes": self._run.minutes,
                "zones": self._run.zones,
                "params": msgspec.to_builtins(self._params),
            }
        )

    def line(self, event: TruthEvent) -> bytes:
        """Give one event's line; seconds count from the run's beginning."""
        if isinstance(event, Handled):
            return _line({"kind": "item", "event": event.kind, **_item(event)})
        if isinstance(event, Seen):
            return _line(
                {
                    "kind": "positions",
                    "at_s": round(event.at_s, 2),
                    "people": [[n, round(e, 3), round(y, 3)] for n, e, y in event.people],
                }
            )
        return _line(self._visit(event))

    def _visit(self, visit: Visited) -> dict[str, Any]:
        started = self._run.begins_at + timedelta(seconds=visit.enter_s)
        return {
            "kind": "visit" if visit.finished else "unfinished",
            "party": visit.party,
            "role": visit.role,
            "entered_at": started,
            "enter_s": round(visit.enter_s, 2),
            "exit_s": round(visit.exit_s, 2),
            "latents": {
                name: round(value, 3) for name, value in zip(LATENTS, visit.latents, strict=True)
            },
            "stops": [
                {
                    "zone": stop.zone,
                    "start_s": round(stop.start_s, 2),
                    "end_s": round(stop.end_s, 2),
                    "engaged": stop.engaged,
                }
                for stop in visit.stops
            ],
            "dwell_s": {zone: round(seconds, 1) for zone, seconds in visit.dwell_s.items()},
            "zones": list(visit.entered),
            "picks": [_item(h) for h in visit.handled if h.kind == "pick"],
            "put_backs": [_item(h) for h in visit.handled if h.kind == "put_back"],
            "kept": [_item(h) for h in kept(visit)],
            "sold": [_item(h) for h in visit.handled if h.kind == "sold"],
            "bought": visit.bought,
            **outcomes(visit, zones=self._run.zones, params=self._params),
            "patterns": patterns(visit, params=self._params),
            "path_m": round(visit.path_m, 2),
        }


def kept(visit: Visited) -> list[Handled]:
    """List the picks that were not put back."""
    back = [(h.item, h.at_s) for h in visit.handled if h.kind == "put_back"]
    return [
        pick
        for pick in visit.handled
        if pick.kind == "pick"
        and not any(item == pick.item and at_s >= pick.at_s for item, at_s in back)
    ]


def _stood(visit: Visited, *, zone: str, params: TruthParams) -> Outcome:
    longest = max((s.end_s - s.start_s for s in visit.stops if s.zone == zone), default=0.0)
    if longest >= params.long_s:
        return "long_stop"
    return "short_stop" if longest >= params.short_s else "pass"


def _handled(visit: Visited, *, zone: str, tagged: bool) -> Outcome | None:
    def fits(event: Handled) -> bool:
        return event.zone == zone and (event.gtin is not None or not tagged)

    if any(fits(event) for event in kept(visit)):
        return "kept"
    if any(fits(event) for event in visit.handled if event.kind == "put_back"):
        return "put_back"
    return None


def _item(event: Handled) -> dict[str, Any]:
    return {
        "at_s": round(event.at_s, 2),
        "zone": event.zone,
        "class": event.gtin or event.category,
        "tagged": event.gtin is not None,
    }


def _line(value: dict[str, Any]) -> bytes:
    return msgspec.json.encode(value) + b"\n"
