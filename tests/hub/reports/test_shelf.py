from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import msgspec
import pytest

from hub.patterns.shares import ShareParams
from hub.reports.page import render
from hub.reports.shelf import by_space, price_tiers, promotion
from hub.reports.summary import compare, summarise
from hub.reports.tidy import rows as rows_of
from hub.reports.words import change_of
from wire.messages import Meta

PARAMS = ShareParams()


@pytest.fixture
def two_readers(meta: Meta) -> Meta:
    zones = tuple(
        msgspec.structs.replace(zone, has_reader=zone.id in {"aisle-1", "aisle-2"})
        for zone in meta.zones
    )
    return msgspec.structs.replace(meta, zones=zones)


def test_a_promotion_is_held_against_the_aisles(shop: Callable[..., Any], meta: Meta) -> None:
    made = shop()
    data = made.period(date(2026, 3, 2), 7, meta=made.meta(meta))
    by_figure = {one.figure: one for one in promotion(data, params=PARAMS)}
    stop = by_figure["stop_rate"]
    assert stop.verdict == "up"
    assert stop.now == pytest.approx(0.5, abs=0.01)  # as the shop is made
    weights = {"aisle-1": 0.5, "aisle-2": 0.6, "aisle-3": 0.45, "aisle-4": 0.4}
    stops = {"aisle-1": 0.3, "aisle-2": 0.45, "aisle-3": 0.35, "aisle-4": 0.4}
    truth = sum(weights[one] * stops[one] for one in weights) / sum(weights.values())
    assert stop.before == pytest.approx(truth, abs=0.01)
    assert "conversion" not in by_figure  # no reader at the promotion


def test_what_is_kept_is_held_against_space(shop: Callable[..., Any], two_readers: Meta) -> None:
    made = shop()
    data = made.period(date(2026, 3, 2), 7, meta=made.meta(two_readers))
    rows = {row.id: row for row in by_space(data, params=PARAMS)}
    kept = {"aisle-1": 0.5 * 0.3, "aisle-2": 0.6 * 0.45}
    for zone, width in (("aisle-1", 2.1), ("aisle-2", 2.0)):
        row = rows[zone]
        assert row.space == pytest.approx(width / 4.1)
        truth = kept[zone] / sum(kept.values())
        assert row.kept.low is not None
        assert row.kept.high is not None
        assert row.kept.low < truth < row.kept.high
        assert row.index.value == pytest.approx((row.kept.value or 0) / row.space)
    summary = summarise(data, params=PARAMS)
    assert "Aisle 2 brings 1." in render(summary, data=data)


def test_one_reader_alone_has_no_share(shop: Callable[..., Any], meta: Meta) -> None:
    made = shop()
    data = made.period(date(2026, 3, 2), 1, meta=made.meta(meta))
    assert by_space(data, params=PARAMS) == ()


def test_baskets_are_told_by_price_tier(shop: Callable[..., Any], meta: Meta) -> None:
    made = shop(tiers={"price-low": 0.04, "price-middle": 0.12, "price-high": 0.1})
    data = made.period(date(2026, 3, 2), 14, meta=made.meta(meta))
    rows = {row.label: row.share for row in price_tiers(data, params=PARAMS)}
    for label, truth in (("price-low", 4 / 26), ("price-middle", 12 / 26), ("price-high", 10 / 26)):
        assert rows[label].low is not None
        assert rows[label].high is not None
        assert rows[label].low < truth < rows[label].high
    summary = summarise(data, params=PARAMS)
    assert [tag.label for tag in summary.tags] == ["children", "organic"]  # tiers stand apart
    page = render(summary, data=data)
    assert "of the baskets are in the middle" in page
    assert "No agent here tells how dear" not in page
    told = [row for row in rows_of(summary) if row.subject == "tier" and row.figure == "share"]
    assert [row.item for row in told] == ["price-low", "price-middle", "price-high"]


def test_a_change_of_the_price_tiers_is_told(shop: Callable[..., Any], meta: Meta) -> None:
    before = {"price-low": 0.04, "price-middle": 0.12, "price-high": 0.1}
    sides = []
    for seed, tiers in ((1, before), (2, before | {"price-high": 0.2})):
        made = shop(seed=seed, tiers=tiers)
        data = made.period(date(2026, 3, 2), 7, meta=made.meta(meta))
        sides.append(summarise(data, params=PARAMS))
    told = {one.of: one for one in compare(sides[1], sides[0]) if one.figure == "tier"}
    assert told["price-high"].verdict == "up"
    assert change_of(told["price-high"]) == "Share of baskets that are dear"


def test_without_prices_the_page_says_what_is_missing(shop: Callable[..., Any], meta: Meta) -> None:
    made = shop()
    data = made.period(date(2026, 3, 2), 1, meta=made.meta(meta))
    page = render(summarise(data, params=PARAMS), data=data)
    assert "Price tiers: not told in this store" in page
    assert "<code>catalogue</code>" in page
