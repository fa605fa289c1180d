"""The registry of traits: named numbers of a visit, each with its meaning, formula and source.

A trait that cannot be told abstains (None); it never guesses. ``TRAITS.md`` beside this file is
made from the registry: ``aisle-edge traits --markdown > edge/visits/TRAITS.md``.
"""

from __future__ import annotations

import math
from typing import Any

from edge.rfid.items import ItemEvent
from edge.visits.basket import BASKET
from edge.visits.choosing import CHOOSING
from edge.visits.evidence import AXES
from edge.visits.measuring import Case, Trait, TraitParams, kept_items
from edge.visits.plan import Floor
from edge.visits.trust import TRUST
from edge.visits.visits import Visit
from edge.visits.walking import WALKING
from wire.messages import OUTCOMES

__all__ = [
    "TRAITS",
    "Trait",
    "TraitParams",
    "kept_items",
    "outcomes_of",
    "paid",
    "sold_items",
    "traits_of",
]

TRAITS: tuple[Trait, ...] = (*WALKING, *CHOOSING, *BASKET)
"""All of them: a new trait is one entry in its subject's module and its test."""


def traits_of(
    visit: Visit, *, floor: Floor, params: TraitParams | None = None
) -> dict[str, float | None]:
    """Measure every trait of a visit, by name."""
    case = Case(visit, floor=floor, params=params or TraitParams())
    return {trait.name: trait.measure(case) for trait in TRAITS}


def outcomes_of(visit: Visit, *, floor: Floor, params: TraitParams | None = None) -> dict[str, str]:
    """Give, for every zone a visit came to, the strongest outcome there.

    A stop's outcome is that of the longest one in the zone; goods count where they were taken.

    Returns:
        zone id → one of ``wire.messages.OUTCOMES``, in the order of first coming there.
    """
    chosen = params or TraitParams()
    found = {stay.zone: "pass" for stay in visit.stays}

    def note(zone: str, outcome: str) -> None:
        if zone in floor.zones:
            found[zone] = max(found.get(zone, "pass"), outcome, key=OUTCOMES.index)

    for stop in visit.stops:
        lasted_ms = stop.end_ms - stop.start_ms
        if lasted_ms >= chosen.long_stop_ms:
            note(stop.zone, "long_stop")
        elif lasted_ms >= chosen.short_stop_ms:
            note(stop.zone, "short_stop")
    for event in visit.items:
        if event.kind == "put_back" and event.share >= chosen.most_share:
            note(event.zone, "put_back")
    for event in kept_items(visit):
        if event.share >= chosen.most_share:
            note(event.zone, "kept")
    return found


def paid(visit: Visit, *, floor: Floor, params: TraitParams) -> bool:
    """Tell whether a visit paid: a till heard or scanned its goods, or it stood there for long."""
    return Case(visit, floor=floor, params=params).paid


def sold_items(visit: Visit, *, floor: Floor, params: TraitParams) -> list[ItemEvent]:
    """List the kept items that were sold: heard at a till, or kept by somebody who paid."""
    return Case(visit, floor=floor, params=params).sold


def rows() -> list[dict[str, Any]]:
    """Give the registry as plain values: traits first, then the evidence made of them."""
    traits = [
        {
            "name": trait.name,
            "unit": trait.unit,
            "meaning": trait.meaning,
            "formula": trait.formula,
            "needs": trait.needs,
            "valid": [end if math.isfinite(end) else None for end in trait.valid],
            "abstains": trait.abstains,
            "source": trait.source,
            "trust": TRUST[trait.name],
            "kind": "trait",
        }
        for trait in TRAITS
    ]
    evidence = [
        {
            "name": axis.name,
            "unit": "1",
            "meaning": axis.meaning,
            "formula": axis.formula,
            "needs": ", ".join(axis.needs),
            "valid": [0.0, 1.0],
            "abstains": axis.abstains,
            "source": axis.source,
            "trust": "weak for one visit: AUC .6 to .7 (behaviour/NOTES.md section 5)",
            "kind": "evidence",
        }
        for axis in AXES
    ]
    return traits + evidence


_PAGE = """# Traits

Made from the registry by `aisle-edge traits --markdown`; edit that, not this page.

A trait is a named number of one visit. It exists in the agent's memory only, for as long as the
visit is being counted. A trait that cannot be told abstains; it never guesses. Every threshold is a
default of `TraitParams`, `PathParams` or `EvidenceParams`. Sources: `behaviour/NOTES.md` and the
literature it lists; [D] is a proposal, [K] general knowledge. What one visit's value is worth was
measured on simulated visits by `tests/figures/traits.py` (r: correlation with the truth): good from
r .9, fair from .7, biased where a tenth of its mean or spread is missing or too much."""


def markdown() -> str:
    """Give the registry as a page."""
    lines = [_PAGE]
    for kind, title in (("trait", "Traits of a visit"), ("evidence", "Evidence on the axes")):
        lines += ["", f"## {title}", ""]
        for row in rows():
            if row["kind"] != kind:
                continue
            lines += [
                f"### {row['name']}",
                "",
                f"{row['meaning'][0].upper()}{row['meaning'][1:]}.",
                "",
                f"- Formula: {row['formula']}",
                f"- Unit: {row['unit']}; valid: {_span(row['valid'])}",
                f"- Needs: {row['needs']}",
                f"- Abstains: {row['abstains']}",
                f"- Source: {row['source']}",
                f"- One visit's value: {row['trust']}",
                "",
            ]
        lines.pop()
    return "\n".join(lines) + "\n"


def _span(valid: list[float | None]) -> str:
    low, high = ("" if end is None else f"{end:g}" for end in valid)
    return f"{low} to {high}" if high else f"from {low}"
