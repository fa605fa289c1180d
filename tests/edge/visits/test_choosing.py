from __future__ import annotations

from dataclasses import replace

import pytest

from edge.rfid.items import EventKind, ItemEvent
from edge.visits.evidence import evidence_of
from edge.visits.path import Stay, Stop
from edge.visits.plan import Floor
from edge.visits.traits import traits_of
from edge.visits.visits import Visit
from edge.visits.wares import Ware

TRAIN = "04012345100013"
TOYS = Stop("aisle-2", 10_000, 22_000, 4.0, 10.0)
CABLES = Stop("aisle-2", 30_000, 40_000, 5.0, 7.0)
TOYS_AGAIN = Stop("aisle-2", 50_000, 58_000, 4.2, 10.5)
VISIT = Visit(
    0, 90_000, 24.0, (2.0, 1.0), (10.0, 1.0),
    stays=(Stay("aisle-2", 8_000, 60_000), Stay("till", 65_000, 85_000)),
    stops=(TOYS, CABLES, TOYS_AGAIN), items=(), entered=True, left=True,
)  # fmt: skip


def _event(kind: EventKind, scene_ms: int, tag: bytes = b"a", share: float = 1.0) -> ItemEvent:
    return ItemEvent(kind, scene_ms, "aisle-2", TRAIN, tag, share=share)


def _ware(**known: object) -> Ware:
    ware = Ware("toys", 20.0, False, 0.5, 0.9, 1.3, frozenset({"children"}), None)
    return replace(ware, **known)


def test_coming_back_to_the_same_goods(floor: Floor) -> None:
    assert traits_of(VISIT, floor=floor)["reapproaches"] == 1
    at_once = replace(VISIT, stops=(TOYS, replace(TOYS_AGAIN, start_ms=26_000)))
    assert traits_of(at_once, floor=floor)["reapproaches"] == 0
    later = replace(VISIT, stops=(TOYS, TOYS_AGAIN))
    assert traits_of(later, floor=floor)["reapproaches"] == 1
    elsewhere = replace(VISIT, stops=(TOYS, CABLES))
    assert traits_of(elsewhere, floor=floor)["reapproaches"] == 0


def test_how_long_stops_are(floor: Floor) -> None:
    assert traits_of(VISIT, floor=floor)["stop_s"] == 10
    assert traits_of(replace(VISIT, stops=()), floor=floor)["stop_s"] is None


def test_how_long_choosing_took(floor: Floor) -> None:
    assert traits_of(VISIT, floor=floor)["decision_s"] is None
    picked = replace(VISIT, items=(_event("picked", 13_000), _event("picked", 18_000, b"b")))
    found = traits_of(picked, floor=floor)
    assert found["decision_s"] == 8
    assert found["decision_ratio"] == pytest.approx(0.8)
    known = replace(picked, wares={TRAIN: _ware(decision_s=4.0)})
    assert traits_of(known, floor=floor)["decision_ratio"] == pytest.approx(2.0)


def test_shares_add_up_and_without_a_reader_goods_are_not_told(floor: Floor) -> None:
    halves = (_event("picked", 13_000, share=0.6), _event("put_back", 15_000, share=0.6))
    found = traits_of(replace(VISIT, items=halves), floor=floor)
    assert (found["picks"], found["put_backs"], found["sold"]) == (0.6, 0.6, 0.0)
    deaf = traits_of(replace(VISIT, hears=False), floor=floor)
    for name in ("picks", "put_backs", "sold", "basket_size"):
        assert deaf[name] is None
    assert deaf["kept"] == 1  # it stood at the till


def test_momentum(floor: Floor) -> None:
    one = replace(VISIT, items=(_event("picked", 13_000),))
    more = replace(VISIT, items=(*one.items, _event("picked", 33_000, b"b")))
    found = [traits_of(visit, floor=floor)["momentum"] for visit in (VISIT, one, more)]
    assert found[0] is None
    assert found[1] == pytest.approx((0.5 / 3) / (1.5 / 2))
    assert found[2] == pytest.approx((1.5 / 3) / (1.5 / 2))
    last = replace(VISIT, items=(_event("picked", 55_000),))
    assert traits_of(last, floor=floor)["momentum"] is None


def test_what_is_in_the_basket(floor: Floor) -> None:
    items = (_event("picked", 13_000), _event("picked", 14_000, b"b", share=0.5))
    bought = replace(VISIT, items=items, wares={TRAIN: _ware()})
    found = traits_of(bought, floor=floor)
    assert found["basket_size"] == 1.5
    assert found["basket_value"] == 30
    assert found["value_band"] == 2
    assert found["basket_children"] == 1
    assert found["basket_organic"] == 0
    assert found["price_tier"] == pytest.approx(0.9)
    assert found["premium_share"] == 1
    assert found["promo_picks"] == 0
    assert found["promo_lift"] == pytest.approx(-0.5)
    assert found["sold"] == 1.5


def test_a_sale_without_a_tag_is_in_the_basket(floor: Floor) -> None:
    sold = replace(VISIT, hears=False, items=(_event("sold", 70_000, b""),))
    found = traits_of(replace(sold, wares={TRAIN: _ware()}), floor=floor)
    assert (found["basket_size"], found["basket_value"], found["sold"]) == (1, 20, 1)


def test_what_the_catalogue_lacks_is_not_told(floor: Floor) -> None:
    items = (_event("picked", 13_000),)
    for wares in (None, {}, {TRAIN: _ware(price=None, tier=None, price_index=None, tags=None)}):
        found = traits_of(replace(VISIT, items=items, wares=wares), floor=floor)
        for name in ("basket_value", "value_band", "price_tier", "premium_share",
                     "basket_children"):  # fmt: skip
            assert found[name] is None
        assert found["basket_size"] == 1
    dated = replace(VISIT, items=items, wares={TRAIN: _ware(promo=None)})
    assert traits_of(dated, floor=floor)["promo_lift"] is None
    nothing = traits_of(replace(VISIT, wares={}), floor=floor)
    assert (nothing["basket_value"], nothing["price_tier"]) == (0, None)


def test_evidence(floor: Floor) -> None:
    def of(visit: Visit) -> dict[str, float | None]:
        return evidence_of(traits_of(visit, floor=floor))

    left = of(replace(VISIT, stays=VISIT.stays[:1]))
    assert left["engaged_not_buying"] == pytest.approx(30 / 50)
    paid = of(VISIT)
    assert paid["engaged_not_buying"] is not None
    assert paid["engaged_not_buying"] < 0.3
    cut = replace(VISIT, left=False, stays=VISIT.stays[:1])
    assert of(cut)["engaged_not_buying"] is None
    assert paid["quality"] is None
    assert paid["bargain"] == 0  # there is a promotion, and it never went there
    dear = replace(VISIT, items=(_event("picked", 13_000),), wares={TRAIN: _ware(promo=True)})
    assert of(dear)["quality"] == pytest.approx(0.95)
    assert of(dear)["bargain"] == pytest.approx(0.375)
    dithering = replace(
        VISIT,
        items=(_event("picked", 20_000), _event("put_back", 21_000), _event("picked", 57_000)),
    )
    assert (of(dithering)["indecision"] or 0) > (of(dear)["indecision"] or 0)
