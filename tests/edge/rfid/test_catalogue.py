from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from edge.errors import ConfigError
from edge.rfid.catalogue import parse_catalogue

HEADER = "class,category,price,size,promo\n"
DATED = "class,category,price,size,promo,promo_from,promo_until\n"
TRAIN = "04012345100013"


def test_a_catalogue() -> None:
    text = DATED + (
        "4012345100013,toys,24.90,1 piece,no,,\n"
        '04012345100044,"toys, small",,,yes,2026-03-01,2026-03-07\n'
    )
    found = parse_catalogue("\ufeff" + text, where="shop.csv")
    assert len(found) == 2
    assert TRAIN in found
    assert "04012345100020" not in found
    train = found.product(TRAIN)
    car = found.product("04012345100044")
    assert train is not None
    assert car is not None
    assert (train.category, train.price, train.size) == ("toys", Decimal("24.90"), "1 piece")
    assert (car.category, car.price) == ("toys, small", None)
    assert [car.on_promotion(date(2026, 3, day)) for day in (1, 7, 8)] == [True, True, False]
    assert not car.on_promotion(date(2026, 2, 28))
    assert not train.on_promotion(date(2026, 3, 1))
    assert found.product("04012345100020") is None


def test_tags_and_seconds_of_choosing() -> None:
    text = HEADER.replace("promo", "promo,tags,decision_s") + (
        "4012345100013,toys,24.90,,no,children organic,14.5\n4012345100044,badges,,,no,staff,\n"
    )
    found = {product.product_class: product for product in parse_catalogue(text, where="shop.csv")}
    assert found[TRAIN].tags == {"children", "organic"}
    assert found[TRAIN].decision_s == 14.5
    assert found["04012345100044"].tags == {"staff"}
    plain = parse_catalogue(HEADER + "4012345100013,toys,1,,no\n", where="shop.csv").product(TRAIN)
    assert plain is not None
    assert (plain.tags, plain.decision_s) == (None, None)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "lacks the column 'class'"),
        ("class;category;price;size;promo\n", "semicolons"),
        ("class,category,size,promo\n", "lacks the column 'price'"),
        (HEADER.replace("promo", "promo,colour"), "'colour'"),
        (HEADER.replace("promo", "promo,price"), "'price'"),
        (HEADER, "no products"),
        (HEADER + "4012345100014,toys,1,,no\n", "line 2: class '4012345100014'"),
        (HEADER + "4.0123E+12,toys,1,,no\n", "line 2: class"),
        (HEADER + "4012345100013,,1,,no\n", "line 2: the category"),
        (HEADER + "4012345100013,toys,1,,maybe\n", "write yes or no"),
        (HEADER + "4012345100013,toys,-1,,no\n", "line 2: price"),
        (HEADER + "4012345100013,toys,NaN,,no\n", "line 2: price"),
        (HEADER + "4012345100013,toys,12,50,,no\n", "has 6 columns"),
        (HEADER + 2 * "4012345100013,toys,1,,no\n", "line 3: class"),
        (HEADER + '"4012345100013,toys,1,,no\n', "correct the quotes"),
        (DATED + "4012345100013,toys,1,,no,2026-03-01,\n", "promo is not yes"),
        (DATED + "4012345100013,toys,1,,yes,2026-03-02,2026-03-01\n", "before"),
        (DATED + "4012345100013,toys,1,,yes,1.3.2026,\n", "write a day like"),
        (HEADER.replace("promo", "promo,tags") + "4012345100013,toys,1,,no,rich\n", "tag 'rich'"),
        (
            HEADER.replace("promo", "promo,decision_s") + "4012345100013,toys,1,,no,soon\n",
            "like 12",
        ),
    ],
)
def test_what_is_wrong_is_said(text: str, says: str) -> None:
    with pytest.raises(ConfigError, match=r"shop\.csv") as caught:
        parse_catalogue(text, where="shop.csv")
    assert says in str(caught.value)
