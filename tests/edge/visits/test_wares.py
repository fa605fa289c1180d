from __future__ import annotations

from datetime import date

import pytest

from edge.rfid.catalogue import parse_catalogue
from edge.visits.wares import Assortment, size_of

TOYS = [f"040123451000{number}" for number in ("13", "20", "37", "44")]
MANY = [*TOYS, "04012345100051"]
CATALOGUE = parse_catalogue(
    "class,category,price,size,promo,promo_from,promo_until,tags\n"
    f"{TOYS[0]},juice,2.00,1 l,no,,,\n"
    f"{TOYS[1]},juice,1.50,500 ml,yes,2026-03-01,2026-03-07,organic\n"
    f"{TOYS[2]},juice,6.00,6 x 0.5 l,no,,,\n"
    f"{TOYS[3]},badge,,,no,,,staff\n",
    where="test",
)
BEFORE, DURING = date(2026, 2, 1), date(2026, 3, 2)


def test_tiers_are_by_unit_price() -> None:
    shop = Assortment(CATALOGUE, day_of=lambda _: BEFORE)
    wares = [shop.ware(one, 0) for one in TOYS[:3]]
    # 2.00, 3.00 and 2.00 a litre
    assert [ware.tier for ware in wares if ware] == pytest.approx([1 / 3, 5 / 6, 1 / 3])
    assert [ware.price_index for ware in wares if ware] == pytest.approx([6 / 7, 9 / 7, 6 / 7])
    assert wares[1] is not None
    assert (wares[1].price, wares[1].tags) == (1.5, {"organic"})


def test_one_pack_in_another_measure_leaves_the_others_by_theirs() -> None:
    sizes = ["1 lb", "8 oz", "16 oz", "2 LB", "1 ct"]
    lines = [
        f"{one},rice,{price},{size},no"
        for one, price, size in zip(MANY, (2, 2, 3, 2, 9), sizes, strict=True)
    ]
    shop = _shop(lines)
    tiers = [ware.tier for one in MANY if (ware := shop.ware(one, 0))]
    assert tiers == [
        pytest.approx(t) if t is not None else None for t in (3 / 8, 7 / 8, 5 / 8, 1 / 8, None)
    ]
    shop = _shop([*lines[:3], f"{MANY[3]},rice,2,one,no", lines[4]])  # 3 of 5: by the pack
    tiers = [ware.tier for one in MANY if (ware := shop.ware(one, 0))]
    assert tiers == pytest.approx([0.3, 0.3, 0.7, 0.3, 0.9])


def _shop(lines: list[str]) -> Assortment:
    text = "\n".join(["class,category,price,size,promo", *lines])
    return Assortment(parse_catalogue(text, where="test"), day_of=lambda _: None)


def test_promotions_have_days() -> None:
    found = {
        day: Assortment(CATALOGUE, day_of=lambda _, day=day: day).ware(TOYS[1], 0)
        for day in (BEFORE, DURING, None)
    }
    told = {day: (ware.promo, ware.promo_expected) for day, ware in found.items() if ware}
    assert told[BEFORE] == (False, 0)
    assert told[DURING] == (True, pytest.approx(1 / 3))
    assert told[None] == (None, None)


def test_badges_and_strangers_are_no_wares() -> None:
    shop = Assortment(CATALOGUE, day_of=lambda _: BEFORE)
    assert shop.ware(TOYS[3], 0) is None
    assert shop.ware("04012345100051", 0) is None


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("500 g", ("g", 500)),
        ("1,5KG", ("g", 1500)),
        ("6 x 33 cl", ("ml", 1980)),
        ("12 pcs", ("piece", 12)),
        ("14.5 OZ", ("g", 411.075)),
        ("2 gal", ("ml", 7570.8)),
        ("0 g", None),
        ("large", None),
        ("", None),
    ],
)
def test_sizes(text: str, size: tuple[str, float] | None) -> None:
    assert size_of(text) == size
