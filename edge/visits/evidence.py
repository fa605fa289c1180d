"""From traits to evidence on the axes of behaviour: 0 speaks against it, 1 for it.

Evidence on one visit is weak (AUC about .6 to .7, behaviour/NOTES.md section 5): it is for shares
over many visits, never for a person. Bargain and quality are two axes, not two ends of one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import fmean

Traits = Mapping[str, float | None]


@dataclass(frozen=True, slots=True)
class EvidenceParams:
    """Where evidence is balanced: at these values a part of it is one half.

    All are medians of simulated visits (tests/figures/traits.py), [D] for a real shop.

    Attributes:
        engaged_s: of being engaged.
        duration_s: the parts of wandering,
        excess_path: beyond the shortest round.
        revisits: share.
        stop_s: the parts of indecision.
        decision_ratio: against what is usual.
        reapproaches: number.
        promo_zone_share: the parts of bargain.
    """

    engaged_s: float = 20.0
    duration_s: float = 120.0
    excess_path: float = 0.5
    revisits: float = 0.25
    stop_s: float = 12.0
    decision_ratio: float = 1.0
    reapproaches: float = 0.5
    promo_zone_share: float = 0.1


@dataclass(frozen=True, slots=True)
class Evidence:
    """One axis.

    Attributes:
        needs: traits of which at least one must be told.
    """

    name: str
    meaning: str
    formula: str
    source: str
    needs: tuple[str, ...]
    abstains: str
    measure: Callable[[Traits, EvidenceParams], float | None]


def evidence_of(traits: Traits, *, params: EvidenceParams | None = None) -> dict[str, float | None]:
    """Give the evidence on every axis, by name; None where it abstains."""
    chosen = params or EvidenceParams()
    return {axis.name: axis.measure(traits, chosen) for axis in AXES}


def _engaged_not_buying(traits: Traits, params: EvidenceParams) -> float | None:
    engaged_s, kept = traits["engaged_s"], traits["kept"]
    if engaged_s is None or kept is None or (traits["duration_s"] is None and not kept):
        return None
    return engaged_s / (engaged_s + params.engaged_s) * math.exp(-kept)


def _wandering(traits: Traits, params: EvidenceParams) -> float | None:
    excess = traits["excess_path"]
    return _mean(
        _half(traits["duration_s"], params.duration_s),
        None if excess is None else _half(max(0.0, excess - 1), params.excess_path),
        _half(traits["revisits"], params.revisits),
        traits["zone_entropy"],
        traits["coverage"],
    )


def _indecision(traits: Traits, params: EvidenceParams) -> float | None:
    if traits["picks"] is None and not traits["stops"]:
        return None
    return _mean(
        traits["put_back_ratio"] if traits["picks"] else None,
        _half(traits["stop_s"], params.stop_s),
        _half(traits["decision_ratio"], params.decision_ratio),
        _half(traits["reapproaches"], params.reapproaches) if traits["stops"] else None,
    )


def _bargain(traits: Traits, params: EvidenceParams) -> float | None:
    lift = traits["promo_lift"]
    return _mean(
        _half(traits["promo_zone_share"], params.promo_zone_share),
        None if lift is None else (1 + lift) / 2,
    )


def _quality(traits: Traits, params: EvidenceParams) -> float | None:
    del params
    return _mean(traits["price_tier"], traits["premium_share"])


def _half(value: float | None, half: float) -> float | None:
    return None if value is None else value / (value + half)


def _mean(*parts: float | None) -> float | None:
    told = [min(1.0, part) for part in parts if part is not None]
    return fmean(told) if told else None


AXES: tuple[Evidence, ...] = (
    Evidence(
        name="engaged_not_buying",
        meaning="looked at goods in earnest and left without any",
        formula="e / (e + 20 s) x exp(-kept), e engaged_s",
        source="behaviour/NOTES.md section 5 (showroomer)",
        needs=("engaged_s", "kept", "duration_s"),
        abstains="nothing was kept and the visit was cut: it may have been kept later",
        measure=_engaged_not_buying,
    ),
    Evidence(
        name="wandering",
        meaning="walked about rather than to something",
        formula="mean of those told: T / (T + 120 s), x / (x + .5) with x = excess_path - 1, "
        "revisits r / (r + .25), zone_entropy, coverage",
        source="behaviour/NOTES.md section 5 (wanderer); Hui, Fader & Bradlow 2009",
        needs=("duration_s", "excess_path", "revisits", "zone_entropy", "coverage"),
        abstains="none of these is told",
        measure=_wandering,
    ),
    Evidence(
        name="indecision",
        meaning="took long to choose, put back, came back",
        formula="mean of those told: put_back_ratio (with a pick), s / (s + 12 s) with s = stop_s, "
        "d / (d + 1) with d = decision_ratio, a / (a + .5) with a = reapproaches",
        source="behaviour/NOTES.md section 5 (indecisive)",
        needs=("put_back_ratio", "stop_s", "decision_ratio", "reapproaches"),
        abstains="no stop and no reader",
        measure=_indecision,
    ),
    Evidence(
        name="bargain",
        meaning="was drawn to promotions",
        formula="mean of those told: p / (p + .1) with p = promo_zone_share, (1 + promo_lift) / 2",
        source="behaviour/NOTES.md section 2 and 3",
        needs=("promo_zone_share", "promo_lift"),
        abstains="none of these is told",
        measure=_bargain,
    ),
    Evidence(
        name="quality",
        meaning="kept what is dear within its category",
        formula="mean of those told: price_tier, premium_share",
        source="behaviour/NOTES.md section 2 and 3",
        needs=("price_tier", "premium_share"),
        abstains="none of these is told",
        measure=_quality,
    ),
)
