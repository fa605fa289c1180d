"""What the shop's catalogue says of goods, as the traits of a basket need it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from statistics import fmean

from edge.rfid.catalogue import STAFF, Catalogue, Product

DayOf = Callable[[int], date | None]
"""Scene milliseconds → day of the shop's calendar, or None while the clock is not synchronised."""

_SIZE = re.compile(r"(?:(\d+)\s*[x*]\s*)?(\d+(?:[.,]\d+)?)\s*([a-z]+)")
_UNITS: dict[str, tuple[str, float]] = {
    "mg": ("g", 0.001),
    "g": ("g", 1.0),
    "kg": ("g", 1000.0),
    "ml": ("ml", 1.0),
    "cl": ("ml", 10.0),
    "dl": ("ml", 100.0),
    "l": ("ml", 1000.0),
    "pc": ("piece", 1.0),
    "pcs": ("piece", 1.0),
    "piece": ("piece", 1.0),
    "pieces": ("piece", 1.0),
    "ct": ("piece", 1.0),
    "pk": ("piece", 1.0),
    "oz": ("g", 28.35),
    "lb": ("g", 453.6),
    "pt": ("ml", 473.2),
    "qt": ("ml", 946.4),
    "gal": ("ml", 3785.4),
}
"""American catalogues write ``oz`` for fluid ounces too; within one category it is one of them."""


@dataclass(frozen=True, slots=True)
class Ware:
    """One class of goods on one day.

    Attributes:
        category: the shop's own word.
        price: regular price of a pack, in the shop's currency.
        promo: it is on promotion; None where the day matters and is not known.
        promo_expected: share of its category that is: what a blind pick would give.
        tier: within its category's regular unit prices, the share below it (half of its equals),
            0 to 1; None where too few are known (``TierParams``), or its own is not comparable.
        price_index: its regular unit price over its category's mean.
        tags: of the catalogue; None where it has none at all.
        decision_s: what choosing in this category usually takes.
    """

    category: str
    price: float | None
    promo: bool | None
    promo_expected: float | None
    tier: float | None
    price_index: float | None
    tags: frozenset[str] | None
    decision_s: float | None


@dataclass(frozen=True, slots=True)
class TierParams:
    """When one class of a category is dear or cheap.

    Attributes:
        least: prices that a category needs.
        comparable: part of its classes whose packs must be told in one measure for prices by that
            measure; then those few in none have no tier. Asking it of all would leave one receipt
            line in three by unit price in a real chain, .8 leaves .58 (tests/figures/
            real_baskets.py); by the pack, ranks are others (correlation .5).
    """

    least: int = 3
    comparable: float = 0.8


class Assortment:
    """A catalogue, prepared.

    Args:
        catalogue: of the shop.
        day_of: for promotions with dates.
    """

    def __init__(
        self, catalogue: Catalogue, *, day_of: DayOf, params: TierParams | None = None
    ) -> None:
        self._catalogue = catalogue
        self._day_of = day_of
        chosen = params or TierParams()
        self._categories: dict[str, list[Product]] = {}
        for product in catalogue:
            if STAFF not in (product.tags or ()):
                self._categories.setdefault(product.category, []).append(product)
        self._prices: dict[str, dict[str, float]] = {
            category: prices
            if len(prices := _unit_prices(products, chosen)) >= chosen.least
            else {}
            for category, products in self._categories.items()
        }

    def ware(self, product_class: str, scene_ms: int) -> Ware | None:
        """Tell what is known of a class at an instant; None for one the catalogue lacks."""
        product = self._catalogue.product(product_class)
        if product is None or product.category not in self._categories:
            return None
        day = self._day_of(scene_ms)
        offers = [_on_promotion(one, day=day) for one in self._categories[product.category]]
        known = [offer for offer in offers if offer is not None]
        prices = self._prices[product.category]
        unit_price = prices.get(product_class)
        return Ware(
            category=product.category,
            price=None if product.price is None else float(product.price),
            promo=_on_promotion(product, day=day),
            promo_expected=fmean(known) if len(known) == len(offers) else None,
            tier=None if unit_price is None else _rank(unit_price, list(prices.values())),
            price_index=None if unit_price is None else unit_price / fmean(prices.values()),
            tags=product.tags,
            decision_s=product.decision_s,
        )


def has_tiers(products: Iterable[Product], *, params: TierParams | None = None) -> bool:
    """Tell whether any category has prices enough for some of its classes to be dear."""
    chosen = params or TierParams()
    categories: dict[str, list[Product]] = {}
    for one in products:
        categories.setdefault(one.category, []).append(one)
    return any(len(_unit_prices(some, chosen)) >= chosen.least for some in categories.values())


def size_of(text: str) -> tuple[str, float] | None:
    """Read a pack's size.

    >>> size_of("6 x 0,33 l")
    ('ml', 1980.0)
    >>> size_of("family pack") is None
    True
    """
    found = _SIZE.fullmatch(text.strip().lower())
    if found is None or found[3] not in _UNITS:
        return None
    base, factor = _UNITS[found[3]]
    amount = int(found[1] or 1) * float(found[2].replace(",", ".")) * factor
    return (base, round(amount, 6)) if amount > 0 else None


def _unit_prices(products: list[Product], params: TierParams) -> dict[str, float]:
    """Give prices by one measure, or by the pack where the sizes of a category cannot be compared.

    Free goods have no price level, so a mean of prices is never 0.
    """
    priced = {one.product_class: float(one.price) for one in products if one.price}
    sizes = {one.product_class: size for one in products if (size := size_of(one.size))}
    measures = Counter(sizes[name][0] for name in priced if name in sizes)
    for measure, count in measures.most_common(1):
        if count >= params.comparable * len(priced):
            return {
                name: price / sizes[name][1]
                for name, price in priced.items()
                if name in sizes and sizes[name][0] == measure
            }
    return priced


def _on_promotion(product: Product, *, day: date | None) -> bool | None:
    if day is not None:
        return product.on_promotion(day)
    dated = product.promo_from is not None or product.promo_until is not None
    return None if product.promo and dated else product.promo


def _rank(value: float, values: list[float]) -> float:
    below = sum(other < value for other in values)
    return (below + sum(other == value for other in values) / 2) / len(values)
