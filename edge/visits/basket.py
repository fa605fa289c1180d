"""Traits of what was picked and kept, by the shop's own catalogue; of baskets, never of people."""

from __future__ import annotations

import math
from collections.abc import Sequence

from edge.rfid.catalogue import BASKET_TAGS
from edge.rfid.items import ItemEvent
from edge.visits.measuring import Case, Measure, Trait, mean_of


def _basket_size(case: Case) -> float | None:
    if not case.visit.hears and not case.basket:
        return None
    return sum(event.share for event in case.basket)


def _basket_value(case: Case) -> float | None:
    wares = case.wares(case.basket)
    prices = [(share, ware.price) for share, ware in wares if ware.price is not None]
    if case.visit.wares is None or len(prices) < len(case.basket):
        return None
    return sum(share * price for share, price in prices)


def _value_band(case: Case) -> float | None:
    value = _basket_value(case)
    return None if value is None else float(sum(value >= edge for edge in case.params.value_edges))


def _picked(case: Case) -> Sequence[ItemEvent]:
    return [event for event in case.visit.items if event.kind == "picked"]


def _promo_picks(case: Case) -> float | None:
    return mean_of(
        [
            (share, float(ware.promo))
            for share, ware in case.wares(_picked(case))
            if ware.promo is not None
        ]
    )


def _promo_lift(case: Case) -> float | None:
    return mean_of(
        [
            (share, ware.promo - ware.promo_expected)
            for share, ware in case.wares(_picked(case))
            if ware.promo is not None and ware.promo_expected is not None
        ]
    )


def _price_tier(case: Case) -> float | None:
    wares = case.wares(case.basket)
    return mean_of([(share, ware.tier) for share, ware in wares if ware.tier is not None])


def _premium_share(case: Case) -> float | None:
    return mean_of(
        [
            (share, float(ware.price_index > case.params.premium_index))
            for share, ware in case.wares(case.basket)
            if ware.price_index is not None
        ]
    )


def _tagged(tag: str) -> Measure:
    def measure(case: Case) -> float | None:
        """One such item makes the basket one; several likely ones add up, up to it."""
        wares = [
            (share, ware.tags) for share, ware in case.wares(case.basket) if ware.tags is not None
        ]
        if not wares:
            return None
        missed = math.prod(1 - share for share, tags in wares if tag in tags)
        return 1.0 - missed

    return measure


_TAGS = {
    "children": "products for children",
    "ready-to-eat": "ready-to-eat food",
    "fitness": "fitness products",
    "formal": "formal wear",
    "organic": "organic or non-GMO products",
}

BASKET: tuple[Trait, ...] = (
    Trait(
        name="basket_size",
        unit="items",
        meaning="how many items went along",
        formula="kept, and what only the point of sale knows of, by share",
        source="Sorensen et al. 2017",
        needs="a reader at the shelf, or the point of sale",
        valid=(0.0, math.inf),
        abstains="no reader hears a shelf and no till told anything",
        measure=_basket_size,
    ),
    Trait(
        name="basket_value",
        unit="currency",
        meaning="what they cost by the catalogue",
        formula="sum of regular prices, by share",
        source="DESIGN.md",
        needs="as basket_size; prices in the catalogue",
        valid=(0.0, math.inf),
        abstains="there is no catalogue, or it lacks the price of one of them",
        measure=_basket_value,
    ),
    Trait(
        name="value_band",
        unit="number",
        meaning="the same in bands",
        formula="how many of 10, 25, 50 and 100 the value reaches",
        source="DESIGN.md",
        needs="as basket_value",
        valid=(0.0, 4.0),
        abstains="as basket_value",
        measure=_value_band,
    ),
    Trait(
        name="promo_picks",
        unit="1",
        meaning="which part of the picks was on promotion",
        formula="picks on promotion that day / picks",
        source="behaviour/NOTES.md section 2",
        needs="a reader at the shelf; promotions in the catalogue",
        valid=(0.0, 1.0),
        abstains="no pick the catalogue knows, or the day is not known",
        measure=_promo_picks,
    ),
    Trait(
        name="promo_lift",
        unit="1",
        meaning="how much more on promotion was picked than blind choice would; compare it: its "
        "mean is above 0 (+.09 on real receipts, +.06 against what else sells, blind .00)",
        formula="promo_picks - mean over the picks of their category's share on promotion",
        source="behaviour/NOTES.md section 2",
        needs="as promo_picks",
        valid=(-1.0, 1.0),
        abstains="as promo_picks",
        measure=_promo_lift,
    ),
    Trait(
        name="price_tier",
        unit="1",
        meaning="how dear what was kept is within its category",
        formula="mean percentile of the regular unit price among the category's classes",
        source="behaviour/NOTES.md section 2",
        needs="as basket_size; prices, and sizes where packs differ, in the catalogue",
        valid=(0.0, 1.0),
        abstains="nothing kept of a category with at least 3 prices, by its main measure of packs",
        measure=_price_tier,
    ),
    Trait(
        name="premium_share",
        unit="1",
        meaning="which part of what was kept is premium",
        formula="kept with unit price > 1.15 x the category's mean / kept",
        source="NielsenIQ's price index; limit: behaviour/NOTES.md section 2 [D]",
        needs="as price_tier",
        valid=(0.0, 1.0),
        abstains="as price_tier",
        measure=_premium_share,
    ),
    *(
        Trait(
            name=f"basket_{tag.replace('-', '_')}",
            unit="1",
            meaning=f"the basket holds {_TAGS[tag]}; it says nothing of who carries it",
            formula="1 - product of (1 - share) over such items",
            source="behaviour/NOTES.md section 3 (what a basket does not tell of people)",
            needs="as basket_size; tags in the catalogue",
            valid=(0.0, 1.0),
            abstains="nothing kept the catalogue has tags for",
            measure=_tagged(tag),
        )
        for tag in BASKET_TAGS
    ),
)
