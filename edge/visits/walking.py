"""Traits of the way: how long, how fast, how straight, through which zones."""

from __future__ import annotations

import math

import numpy as np

from edge.visits.measuring import Case, Trait
from edge.visits.rounds import round_m


def _duration_s(case: Case) -> float | None:
    return (case.visit.end_ms - case.visit.start_ms) / 1_000 if case.whole else None


def _path_m(case: Case) -> float | None:
    return case.visit.path_m if case.whole else None


def _moving_speed_m_s(case: Case) -> float | None:
    moves = case.moves
    if moves is None:
        return None
    moving_s = float(moves.moving.sum()) * moves.step_s
    if moving_s < case.params.least_moving_s:
        return None
    return float(moves.long_m[moves.moving].sum()) / moving_s


def _excess_path(case: Case) -> float | None:
    if not case.whole:
        return None
    chosen: list[int] = []
    for number, place in enumerate(case.places):
        if place.stop is not None and place.stop not in case.engaged:
            continue
        others = (case.places[other].at for other in chosen)
        if all(math.dist(place.at, other) > case.params.same_place_m for other in others):
            chosen.append(number)
    index = [0, *(number + 1 for number in chosen), len(case.places) + 1]
    shortest_m = round_m(case.walks_m[np.ix_(index, index)])
    if not case.params.least_round_m <= shortest_m < math.inf:
        return None
    return case.visit.path_m / shortest_m


def _straightness(case: Case) -> float | None:
    legs = [
        (walked, straight)
        for walked, straight in case.legs_m
        if walked >= case.params.least_leg_m and straight < math.inf
    ]
    walked_m = sum(walked for walked, _ in legs)
    if not walked_m:
        return None
    return min(1.0, sum(straight for _, straight in legs) / walked_m)


def _sinuosity(case: Case) -> float | None:
    path, moves = case.visit.path, case.moves
    if path is None or moves is None:
        return None
    far_m = np.concatenate([[0.0], np.cumsum(np.where(moves.moving, moves.long_m, 0.0))])
    at_m = np.arange(0.0, far_m[-1], case.params.step_m)
    east, north = path.points_m.T
    way = np.diff(np.interp(at_m, far_m, east) + 1j * np.interp(at_m, far_m, north))
    # Who stood in between turned on the spot, which is no turn of the way.
    run = np.cumsum(np.diff(moves.moving, prepend=False))
    run = run[np.searchsorted(far_m[1:], at_m, side="right").clip(max=len(run) - 1)]
    one_go = run[1:] == run[:-1]
    chords = np.abs(way[one_go])
    turns = np.cos(np.angle(way[1:] * way[:-1].conj()))[one_go[1:] & one_go[:-1]]
    if len(turns) < case.params.least_turns:
        return None
    step_m, cosine = float(chords.mean()), float(turns.mean())
    if cosine >= 1.0:
        return 0.0
    spread = float(chords.std()) / step_m
    return 2.0 / math.sqrt(step_m * ((1 + cosine) / (1 - cosine) + spread**2))


def _zone_entropy(case: Case) -> float | None:
    total_s = sum(case.zone_s.values())
    if case.shops < 2 or not total_s:  # noqa: PLR2004 - of one zone there is no mixture
        return None
    shares = [seconds / total_s for seconds in case.zone_s.values()]
    return -sum(share * math.log(share) for share in shares if share) / math.log(case.shops)


def _revisits(case: Case) -> float | None:
    return 1 - len(case.zone_s) / len(case.shopped) if case.shopped else None


def _coverage(case: Case) -> float | None:
    return len(case.zone_s) / case.shops if case.shops else None


def _promo_zone_share(case: Case) -> float | None:
    total_s = sum(case.zone_s.values())
    promos = {zone.id for zone in case.floor.plan.zones if zone.kind == "promo"}
    if not promos or not total_s:
        return None
    return sum(seconds for zone, seconds in case.zone_s.items() if zone in promos) / total_s


def _entrance_used(case: Case) -> float | None:
    doors = [zone.id for zone in case.floor.plan.zones if zone.kind in {"entrance", "exit"}]
    if not case.visit.entered or not doors:
        return None
    away_m = [case.floor.zone_distance_m(door, *case.visit.start_point) for door in doors]
    return float(away_m.index(min(away_m)))


def _party(case: Case) -> float | None:
    return float(case.visit.party)


def _carrying(case: Case) -> float | None:
    return None if case.visit.carries is None else float(CARRIES.index(case.visit.carries))


CARRIES = ("nothing", "basket", "cart")

WALKING: tuple[Trait, ...] = (
    Trait(
        name="duration_s",
        unit="s",
        meaning="how long the visit lasted, door to door",
        formula="end - start",
        source="Sorensen et al. 2017",
        needs="a camera",
        valid=(0.0, math.inf),
        abstains="the track began or ended away from the doors the plan has",
        measure=_duration_s,
    ),
    Trait(
        name="path_m",
        unit="m",
        meaning="how far one walked",
        formula="length of the path after a moving average of 2 s",
        source="Larson, Bradlow & Fader 2005; smoothing: behaviour/NOTES.md section 3",
        needs="a camera",
        valid=(0.0, math.inf),
        abstains="as duration_s",
        measure=_path_m,
    ),
    Trait(
        name="moving_speed_m_s",
        unit="m/s",
        meaning="how fast one walked, standing left out",
        formula="length / time of the steps with v >= 0.4 m/s",
        source="behaviour/NOTES.md section 3",
        needs="a camera",
        valid=(0.0, math.inf),
        abstains="less than 5 s of walking",
        measure=_moving_speed_m_s,
    ),
    Trait(
        name="excess_path",
        unit="1",
        meaning="how many times longer the walk was than it had to be",
        formula="L / L_shortest(entry, engaged stops, till if paid, exit) over walkable floor",
        source="Hui, Fader & Bradlow 2009 (travel and order deviation together)",
        needs="a camera; a plan with its fixtures",
        valid=(0.0, math.inf),
        abstains="as duration_s, or the shortest round is under 2 m or does not exist",
        measure=_excess_path,
    ),
    Trait(
        name="straightness",
        unit="1",
        meaning="how directly one went from stop to stop",
        formula="sum of the shortest walks between successive stops / sum of the legs walked",
        source="Benhamou 2004 (D / L of a leg), with D over walkable floor",
        needs="a camera; a plan with its fixtures",
        valid=(0.0, 1.0),
        abstains="no leg of 2 m or more",
        measure=_straightness,
    ),
    Trait(
        name="sinuosity",
        unit="1/m^0.5",
        meaning="how much the way winds",
        formula="2 [p ((1+c)/(1-c) + b^2)]^-1/2; p mean step, c mean cosine of the turns, b "
        "variation of the steps; on steps of 0.5 m, standing left out",
        source="Benhamou 2004",
        needs="a camera",
        valid=(0.0, math.inf),
        abstains="fewer than 10 turns",
        measure=_sinuosity,
    ),
    Trait(
        name="zone_entropy",
        unit="1",
        meaning="how evenly the time is spread over the zones",
        formula="-sum(p ln p) / ln(number of zones), p share of the time in a zone one shops in",
        source="behaviour/NOTES.md section 2",
        needs="a camera; two zones",
        valid=(0.0, 1.0),
        abstains="it came to no zone, or there is but one",
        measure=_zone_entropy,
    ),
    Trait(
        name="revisits",
        unit="1",
        meaning="which part of the times one came to a zone was a return",
        formula="1 - different zones / times a zone was entered",
        source="behaviour/NOTES.md section 2",
        needs="a camera",
        valid=(0.0, 1.0),
        abstains="it came to no zone",
        measure=_revisits,
    ),
    Trait(
        name="coverage",
        unit="1",
        meaning="which part of the zones was seen",
        formula="different zones entered / zones",
        source="Hui, Inman, Huang & Suher 2013",
        needs="a camera",
        valid=(0.0, 1.0),
        abstains="the plan has no zone one shops in",
        measure=_coverage,
    ),
    Trait(
        name="promo_zone_share",
        unit="1",
        meaning="which part of the time was spent at promotions",
        formula="seconds in promo zones / seconds in zones one shops in",
        source="behaviour/NOTES.md section 2",
        needs="a camera; a promo zone",
        valid=(0.0, 1.0),
        abstains="it came to no zone, or there is no promo zone",
        measure=_promo_zone_share,
    ),
    Trait(
        name="entrance_used",
        unit="number",
        meaning="by which door one came",
        formula="number of the nearest door where it began, from 0, in the plan's order",
        source="DESIGN.md",
        needs="a camera; doors on the plan",
        valid=(0.0, math.inf),
        abstains="it began away from the doors",
        measure=_entrance_used,
    ),
    Trait(
        name="party",
        unit="people",
        meaning="how many walked together, this one included",
        formula="1 + those near and moving alike (edge/visits/parties.py)",
        source="Moussaid et al. 2010; Zanlungo et al. 2017",
        needs="a camera",
        valid=(1.0, math.inf),
        abstains="never",
        measure=_party,
    ),
    Trait(
        name="carrying",
        unit="number",
        meaning="nothing (0), a basket (1) or a cart (2)",
        formula="as a sensor tells",
        source="Larsen et al. 2020",
        needs="a detector of carts and baskets, which this version has not",
        valid=(0.0, 2.0),
        abstains="nothing senses it",
        measure=_carrying,
    ),
)
