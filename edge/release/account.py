"""What a visit costs and what was released, in plain words for a data-protection officer."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from edge.release.privacy import DELTA, Budget, Ledger, epsilon_of
from wire.messages import ChannelName

MEANINGS: dict[ChannelName, str] = {
    "cells": "which of the typical visits it resembled most",
    "day_cells": "the same, once more for the whole day",
    "sums": "how it differed from that typical visit (durations, stops, goods kept)",
    "zones": "what it did in each zone: passed, stopped, put something back, kept something",
    "walked": "which square metres of the floor it walked on",
    "stood": "which square metres it stood on",
    "flow": "from which zone to which it went",
    "goods": "which kinds of goods it kept or put back",
    "tags": "which words of the shop's catalogue its goods bear, and how dear they are",
    "visits": "whether it was seen whole, and alone or in company",
    "groups": "mean traits of ten or more visits that are alike: research mode, outside epsilon",
}
FRAGMENTS = (2, 3)
"""Pieces of a visit whose cost is told: of visits cut by a lost track, most are cut once."""


def auc_of(rho: float) -> float:
    """Give the area under the curve of the best attack that knows all other visits.

    Holds for Gaussian noise; the discrete one's differs by less than 1e-6 where sd is 2 or more.
    """
    return _phi(math.sqrt(rho))


def right_of(rho: float) -> float:
    """Give how often that attacker is right about one visit, who would guess 1 of 2 otherwise."""
    return _phi(math.sqrt(rho / 2))


def account(
    budget: Budget,
    *,
    ledger: Ledger,
    configured_rho: float,
    hub_rho: float | None,
    groups: bool = False,
) -> dict[str, Any]:
    """Give all of it as plain values.

    Args:
        budget: in force, fitted to the store.
        ledger: what was released.
        configured_rho: of the store's own file.
        hub_rho: what the hub asked for; None if it asked for nothing.
        groups: whether the research mode is on.
    """
    spent = ledger.spent
    most = sum(one.most_rho for one in spent.values())
    return {
        "per_visit": _cost(budget.spent),
        "promise": _cost(budget.rho)
        | {"standard": budget.standard, "configured_rho": configured_rho, "hub_max_rho": hub_rho},
        "delta": DELTA,
        "groups": groups,
        "channels": [
            {
                "name": one.name,
                "tells": MEANINGS[one.name],
                "period": one.period,
                "clip": one.clip,
                "rho": one.rho,
                "share": one.rho / budget.spent,
                "sd": one.sd / one.unit,
            }
            | _cost(one.rho)
            for one in budget.channels
        ],
        "released": [
            {
                "name": name,
                "since": one.since.isoformat(),
                "until": one.until.isoformat(),
                "windows": one.windows,
                "most_rho": one.most_rho,
            }
            for name, one in spent.items()
        ],
        "released_visit_at_most": _cost(most) if most else None,
        "cut_visits": [
            {"pieces": pieces} | _cost(pieces * pieces * budget.spent) for pieces in FRAGMENTS
        ],
    }


def lines(told: dict[str, Any], *, whose: str) -> Iterator[str]:
    """Say it.

    Args:
        told: by ``account``.
        whose: store, agent and plan, for the headline.
    """
    visit, promise = told["per_visit"], told["promise"]
    yield f"Privacy of one visit, {whose}"
    yield ""
    yield "A visit is one pass through this agent's area. It exists in the agent's memory alone,"
    yield "for as long as it lasts and until its windows are released. What leaves are counts over"
    yield "many visits, each with random noise added. The noise cannot be switched off."
    yield ""
    yield "All that is ever released about one visit together costs"
    yield (
        f"  rho {visit['rho']:.3g} (zCDP), that is epsilon {visit['epsilon']:.2f} at delta "
        f"{told['delta']:g}."
    )
    yield "In words: somebody who knows every other visit exactly, and wants to know whether one"
    yield (
        f"certain visit took place, is right in at most {100 * visit['right']:.0f} of 100 cases; "
        "guessing is right in 50."
    )
    yield from _promise(promise)
    yield from _groups(told)
    yield ""
    yield "What it is spent on:"
    yield f"  {'channel':<10} {'every':<5} {'part':>5}  {'noise (sd)':>10}  tells"
    for one in told["channels"]:
        yield (
            f"  {one['name']:<10} {one['period']:<5} {one['share']:>5.0%}  {one['sd']:>10.1f}  "
            f"{one['tells']}"
        )
    yield ""
    yield from _pieces(told)
    yield ""
    yield from _released(told)


def _promise(promise: dict[str, Any]) -> Iterator[str]:
    standard = "the standard" if promise["standard"] else "WEAKER than the standard 0.1"
    asked = "nothing stricter" if promise["hub_max_rho"] is None else f"{promise['hub_max_rho']:g}"
    yield f"The agent refuses to build what would exceed rho {promise['rho']:g}: {standard}."
    yield f"(The store's file says {promise['configured_rho']:g}, the hub asked for {asked}.)"


def _groups(told: dict[str, Any]) -> Iterator[str]:
    if not told["groups"]:
        return
    yield ""
    yield "NOT IN THESE FIGURES: the store's file has switched the research mode on. Every day,"
    yield "mean traits of ten or more visits that are alike are released without noise. Nobody is"
    yield "alone in them, but no epsilon bounds what they tell. Every report is marked as weaker."


def _pieces(told: dict[str, Any]) -> Iterator[str]:
    yield "Where a camera loses somebody and finds them again as a new person, one pass is counted"
    yield "as several visits, whose costs add up, at worst:"
    for one in told["cut_visits"]:
        yield f"  {one['pieces']} pieces: rho {one['rho']:.3g}, epsilon {one['epsilon']:.2f}"
    yield "How often that happens is itself released (visits: cut). Several agents of one store,"
    yield "and several visits of one person, on whatever days, add up: rho a visit, times visits."


def _released(told: dict[str, Any]) -> Iterator[str]:
    if not told["released"]:
        yield "Nothing has been released from this data folder yet."
        return
    yield "Released from this data folder so far; each visit is in one window of each channel:"
    for one in told["released"]:
        since, until = (_short(one[name]) for name in ("since", "until"))
        yield f"  {one['name']:<10} {one['windows']:>6} windows, {since} to {until}"
    most = told["released_visit_at_most"]
    yield (
        f"No visit in them has spent more than rho {most['rho']:.3g}, epsilon "
        f"{most['epsilon']:.2f}."
    )


def _cost(rho: float) -> dict[str, float]:
    return {"rho": rho, "epsilon": epsilon_of(rho), "auc": auc_of(rho), "right": right_of(rho)}


def _short(text: str) -> str:
    return f"{datetime.fromisoformat(text).astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _phi(x: float) -> float:
    return math.erfc(-x / math.sqrt(2)) / 2
