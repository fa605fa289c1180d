from __future__ import annotations

from decimal import Decimal

from edge.release.goods import LONGEST, MOST_CLASSES, MOST_LABELS, OTHER, Goods, goods_of
from edge.rfid.catalogue import Product
from wire.messages import PRICE_TIERS


def _product(number: int, *, category: str = "wine", tags: frozenset[str] | None = None) -> Product:
    return Product(f"{number:014}", category, None, "", promo=False, tags=tags)


def test_few_classes_are_told_one_by_one() -> None:
    goods = goods_of([_product(2), _product(1)])
    assert goods.labels == (f"{1:014}", f"{2:014}")
    assert goods.label_of == {label: label for label in goods.labels}
    assert goods.tags == ()
    assert goods_of(()) == Goods()


def test_many_classes_are_told_by_category() -> None:
    many = [_product(n, category=f"c{n % 3}") for n in range(MOST_CLASSES + 1)]
    goods = goods_of(many)
    assert goods.labels == ("c0", "c1", "c2")
    assert goods.label_of[f"{4:014}"] == "c1"
    long = goods_of([*many, _product(99, category="x" * 100), _product(98, category="")])
    assert {"x" * LONGEST, OTHER} < set(long.labels)


def test_more_categories_than_a_message_carries_have_one_for_the_rest() -> None:
    goods = goods_of([_product(n, category=f"c{n:03}") for n in range(MOST_LABELS + 10)])
    assert len(goods.labels) == MOST_LABELS
    assert goods.labels[-1] == OTHER
    assert set(goods.label_of.values()) == set(goods.labels)


def test_tags_of_baskets_and_never_what_staff_wear() -> None:
    goods = goods_of(
        [
            _product(1, tags=frozenset({"organic", "children"})),
            _product(2, tags=frozenset({"organic"})),
            _product(3, tags=frozenset({"staff"})),
        ]
    )
    assert goods.tags == ("children", "organic")
    assert goods.labels == (f"{1:014}", f"{2:014}")


def test_a_basket_s_price_tier_where_a_category_has_prices_enough() -> None:
    def priced(number: int) -> Product:
        return Product(f"{number:014}", "wine", Decimal(number), "", promo=False)

    assert goods_of([priced(1), priced(2)]).tier(0.5) == ()  # two prices make no thirds
    goods = goods_of([priced(1), priced(2), priced(3), _product(4)])
    assert goods.tiers == PRICE_TIERS
    assert [goods.tier(one) for one in (0.0, 0.4, 2 / 3, 1.0)] == [
        ("price-low",),
        ("price-middle",),
        ("price-high",),
        ("price-high",),
    ]
    assert goods.tier(None) == ()
