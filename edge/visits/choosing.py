"""Traits of stops and of what was handled there."""

from __future__ import annotations

import math
from itertools import pairwise
from statistics import fmean

from edge.visits.measuring import Case, Trait
from edge.visits.path import Stop


def _stops(case: Case) -> float | None:
    return float(len(case.visit.stops))


def _stop_s(case: Case) -> float | None:
    stops = case.visit.stops
    return fmean((stop.end_ms - stop.start_ms) / 1_000 for stop in stops) if stops else None


def _engaged_s(case: Case) -> float | None:
    return sum((stop.end_ms - stop.start_ms) / 1_000 for stop in case.engaged)


def _choices(case: Case) -> list[tuple[float, float]]:
    """Give seconds to the last pick of every stop with one, and what is usual there."""
    found = []
    for stop in case.visit.stops:
        picks = case.picks_at(stop)
        if picks:
            last = max(picks, key=lambda event: event.scene_ms)
            wares = case.wares([last])
            usual_s = wares[0][1].decision_s if wares else None
            took_s = (last.scene_ms - stop.start_ms) / 1_000
            found.append((took_s, usual_s or case.params.decision_s))
    return found


def _decision_s(case: Case) -> float | None:
    choices = _choices(case)
    return fmean(took_s for took_s, _ in choices) if choices else None


def _decision_ratio(case: Case) -> float | None:
    choices = _choices(case)
    return fmean(took_s / usual_s for took_s, usual_s in choices) if choices else None


def _reapproaches(case: Case) -> float | None:
    stops, params = case.visit.stops, case.params

    def near(one: Stop, other: Stop) -> bool:
        return (
            one.zone == other.zone
            and math.dist((one.east_m, one.north_m), (other.east_m, other.north_m))
            <= params.again_m
        )

    again = sum(
        near(before, stop) and stop.start_ms - before.end_ms >= params.again_ms
        for before, stop in pairwise(stops)
    )
    for number, stop in enumerate(stops):
        if number and not near(stops[number - 1], stop):
            again += any(near(earlier, stop) for earlier in stops[: number - 1])
    return float(again)


def _picks(case: Case) -> float | None:
    return _handled(case, "picked")


def _put_backs(case: Case) -> float | None:
    return _handled(case, "put_back")


def _handled(case: Case, kind: str) -> float | None:
    if not case.visit.hears:
        return None
    return sum(event.share for event in case.visit.items if event.kind == kind)


def _put_back_ratio(case: Case) -> float | None:
    picks = sum(event.share for event in case.visit.items if event.kind == "picked")
    puts = sum(event.share for event in case.visit.items if event.kind == "put_back")
    return (puts + 0.5) / (picks + 1)


def _kept(case: Case) -> float | None:
    kept = sum(event.share for event in case.kept)
    sold = sum(event.share for event in case.visit.items if event.kind == "sold")
    return float(max(kept, sold, case.paid))


def _sold(case: Case) -> float | None:
    told = [event.share for event in case.visit.items if event.kind == "sold"]
    if not case.visit.hears and not told:
        return None
    return max(sum(event.share for event in case.sold), sum(told))


def _momentum(case: Case) -> float | None:
    hits = [bool(case.picks_at(stop)) for stop in case.visit.stops]
    if True not in hits:
        return None
    first = hits.index(True)
    later = hits[first + 1 :]
    if not later:
        return None
    after = (sum(later) + 0.5) / (len(later) + 1)
    before = 1.5 / (first + 2)
    return after / before


def _till_wait_s(case: Case) -> float | None:
    waits = [stay.end_ms - stay.start_ms for stay in case.payments]
    return sum(waits) / 1_000 if waits else None


CHOOSING: tuple[Trait, ...] = (
    Trait(
        name="stops",
        unit="1",
        meaning="how often the visitor stood at a fixture",
        formula="number of times v < 0.4 m/s for >= 3 s within 1.2 m of a fixture, not waiting",
        source="behaviour/NOTES.md section 2 and 5",
        needs="a camera; a plan with its fixtures",
        valid=(0.0, math.inf),
        abstains="never",
        measure=_stops,
    ),
    Trait(
        name="stop_s",
        unit="s",
        meaning="how long one stood at a fixture, on average",
        formula="mean length of the stops",
        source="behaviour/NOTES.md section 4 (decisive people stand for less long)",
        needs="a camera; a plan with its fixtures",
        valid=(0.0, math.inf),
        abstains="no stop",
        measure=_stop_s,
    ),
    Trait(
        name="engaged_s",
        unit="s",
        meaning="time spent at goods in earnest",
        formula="sum of stops of >= 5 s, or with a pick",
        source="Quividi (5 s of dwell)",
        needs="a camera; a plan with its fixtures",
        valid=(0.0, math.inf),
        abstains="never",
        measure=_engaged_s,
    ),
    Trait(
        name="decision_s",
        unit="s",
        meaning="how long choosing took",
        formula="mean over stops with a pick: last pick there - start of the stop",
        source="Hoyer 1984; Dickson & Sawyer 1990",
        needs="a camera; a reader at the shelf",
        valid=(0.0, math.inf),
        abstains="no pick during a stop",
        measure=_decision_s,
    ),
    Trait(
        name="decision_ratio",
        unit="1",
        meaning="how long choosing took against what is usual in the category",
        formula="mean over stops with a pick: seconds to the last pick / the category's seconds",
        source="behaviour/NOTES.md section 2",
        needs="a camera; a reader at the shelf; better with decision_s in the catalogue, else 10 s",
        valid=(0.0, math.inf),
        abstains="no pick during a stop",
        measure=_decision_ratio,
    ),
    Trait(
        name="reapproaches",
        unit="1",
        meaning="how often one came back to the same goods",
        formula="stops within 1.5 m of an earlier one, after another stop or 10 s away",
        source="DESIGN.md",
        needs="a camera; a plan with its fixtures",
        valid=(0.0, math.inf),
        abstains="never",
        measure=_reapproaches,
    ),
    Trait(
        name="picks",
        unit="items",
        meaning="how many items were taken in hand",
        formula="sum of the visit's shares in picks",
        source="behaviour/NOTES.md section 2",
        needs="a reader at the shelf",
        valid=(0.0, math.inf),
        abstains="no reader hears a shelf",
        measure=_picks,
    ),
    Trait(
        name="put_backs",
        unit="items",
        meaning="how many items went back to a shelf",
        formula="sum of the visit's shares in put-backs",
        source="behaviour/NOTES.md section 2",
        needs="a reader at the shelf",
        valid=(0.0, math.inf),
        abstains="no reader hears a shelf",
        measure=_put_backs,
    ),
    Trait(
        name="put_back_ratio",
        unit="1",
        meaning="how much of what was picked went back",
        formula="(put back + 0.5) / (picked + 1)",
        source="behaviour/NOTES.md section 2; with no pick at all it is the prior, 0.5",
        needs="a reader at the shelf",
        valid=(0.0, math.inf),
        abstains="never; where no reader hears the shelf it stays at the prior",
        measure=_put_back_ratio,
    ),
    Trait(
        name="kept",
        unit="1",
        meaning="items kept; at least one for who paid",
        formula="max(picks not put back, sold, 1 if at the till >= 10 s or heard there), by share",
        source="behaviour/NOTES.md section 2",
        needs="a camera and a till zone, or a reader at the shelf",
        valid=(0.0, math.inf),
        abstains="never",
        measure=_kept,
    ),
    Trait(
        name="sold",
        unit="items",
        meaning="kept items that were paid",
        formula="max(kept by who paid, heard or scanned at a till), by share",
        source="behaviour/NOTES.md section 2",
        needs="a reader at the shelf, or the point of sale",
        valid=(0.0, math.inf),
        abstains="no reader hears a shelf and no till told anything",
        measure=_sold,
    ),
    Trait(
        name="momentum",
        unit="1",
        meaning="whether a first pick makes further ones likelier; a mean over many visits tells",
        formula="((k + .5) / (n + 1)) / (1.5 / (m + 1)); k of n stops after the first one with a "
        "pick have one too, m stops up to it",
        source="Dhar, Huber & Khan 2007",
        needs="a camera; a reader at the shelf",
        valid=(0.0, math.inf),
        abstains="no pick during a stop, or no stop after it",
        measure=_momentum,
    ),
    Trait(
        name="till_wait_s",
        unit="s",
        meaning="time at the till, waiting included as far as the till's zone reaches",
        formula="sum of stays of >= 10 s in till zones",
        source="DESIGN.md",
        needs="a camera; a till zone",
        valid=(0.0, math.inf),
        abstains="no such stay",
        measure=_till_wait_s,
    ),
)
