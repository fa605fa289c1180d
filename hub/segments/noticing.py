"""How soon a segment's doubling would be noticed, told when it is defined."""

from __future__ import annotations

from hub.segments.chain import Chain, days_of
from hub.segments.definition import Definition
from hub.segments.drift import DriftParams, Foretold, foretell
from hub.segments.rules import compile_rule

ALL = ""
"""All stores together, where a store's name stands."""


def noticing(
    definition: Definition,
    *,
    chain: Chain,
    factor: float = 2.0,
    params: DriftParams | None = None,
) -> dict[str, Foretold | None]:
    """Foretell it for each store, and for all together.

    Args:
        definition: that a chain's names allow.
        chain: counts of some recent weeks.
        factor: by which the segment's share would change.
        params: what counts as drift.

    Returns:
        By store; None where the segment is too small there to be told from none.
    """
    rule = compile_rule(definition.rule)
    days = {
        store: days_of(chain, rule, store=store)
        for store in chain.stores
        if not definition.stores or store in definition.stores
    }
    found = {store: foretell([one], factor=factor, params=params) for store, one in days.items()}
    if len(days) > 1:
        found[ALL] = foretell(list(days.values()), factor=factor, params=params)
    return found


def in_a_sentence(store: str, told: Foretold | None, *, params: DriftParams | None = None) -> str:
    """Say it.

    >>> in_a_sentence("berlin-1", Foretold(400.0, 9.8, 2.0, 1.4, 7))
    'berlin-1: 9.8 of 400 visits a day; x2 would be noticed after about 7 days'
    """
    where = store or "all stores together"
    if told is None:
        return f"{where}: too few visits a day to be told from none; no change would be noticed"
    few = f"{told.members:.1f}" if told.members < 100 else f"{told.members:.0f}"  # noqa: PLR2004 - as read
    said = f"{where}: {few} of {told.visits:.0f} visits a day; x{told.factor:g} would be noticed"
    if told.days is None:
        within = (params or DriftParams()).recent_days
        return f"{said} in {within} days less than half of the time"
    return f"{said} after about {told.days} day{'s' * (told.days > 1)}"
