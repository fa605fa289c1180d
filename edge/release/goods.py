"""What a shop's goods are called in a release: by class, or by category where classes are many."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from edge.rfid.catalogue import STAFF, Product
from edge.visits.wares import has_tiers
from wire.messages import PRICE_TIERS

MOST_CLASSES = 40
"""Of more, each is bought too seldom to be read through the noise: categories are told."""
MOST_LABELS = 120
"""Of more categories, those last in the alphabet are told as ``OTHER``."""
LONGEST = 48
"""Characters of a category's name that are told."""
OTHER = "other"


@dataclass(frozen=True, slots=True)
class Goods:
    """The labels of a shop's goods; none without a catalogue.

    Attributes:
        labels: in a fixed order.
        label_of: product class → its label; others are not told.
        tags: words for baskets, in a fixed order; none where the catalogue has none.
        tiers: names of price tiers, cheap first; none where no category has prices enough.
    """

    labels: tuple[str, ...] = ()
    label_of: Mapping[str, str] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    tiers: tuple[str, ...] = ()

    def tier(self, price_tier: float | None) -> tuple[str, ...]:
        """Name the tier of a basket by its trait ``price_tier``; none where nothing is known."""
        if price_tier is None or not self.tiers:
            return ()
        return (self.tiers[min(len(self.tiers) - 1, int(price_tier * len(self.tiers)))],)


def goods_of(products: Iterable[Product]) -> Goods:
    """Name a catalogue's goods; what staff wear are none."""
    known = sorted(
        (one for one in products if STAFF not in (one.tags or ())),
        key=lambda one: one.product_class,
    )
    by_class = len(known) <= MOST_CLASSES
    names = {one.product_class: one.product_class if by_class else _word(one) for one in known}
    labels = sorted(set(names.values()))
    if len(labels) > MOST_LABELS:
        kept = set(labels[: MOST_LABELS - 1])
        names = {one: name if name in kept else OTHER for one, name in names.items()}
        labels = [*sorted(kept - {OTHER}), OTHER]
    tags = {tag for one in known for tag in one.tags or ()}
    # A catalogue that uses these words says itself what is cheap and what is dear.
    tiers = PRICE_TIERS if has_tiers(known) and tags.isdisjoint(PRICE_TIERS) else ()
    return Goods(tuple(labels), names, tuple(sorted(tags)), tiers)


def _word(product: Product) -> str:
    return product.category[:LONGEST] or OTHER
