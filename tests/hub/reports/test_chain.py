from __future__ import annotations

import csv
import io
from collections.abc import Callable
from dataclasses import replace
from datetime import date

import pytest

from hub.patterns.shares import ShareParams
from hub.reports.chain import Chain, StoreRow, chain_of, store_row
from hub.reports.files_io import csv_text
from hub.reports.page import render_chain
from hub.reports.text import chain_text
from hub.reports.tidy import chain_rows
from wire.messages import Meta

SINCE, UNTIL = date(2026, 3, 2), date(2026, 3, 8)
PARAMS = ShareParams()


@pytest.fixture
def row(shop: Callable[..., object], meta: Meta) -> Callable[..., StoreRow]:
    """Give a function (name, visits=, seed=, stopping=, earlier=) that makes a store's row."""

    def make(name: str, *, earlier: int | None = None, **given: object) -> StoreRow:
        made = shop(**given)
        told = made.meta(meta)  # type: ignore[attr-defined]
        data = made.period(SINCE, 7, meta=told)  # type: ignore[attr-defined]
        before = None
        if earlier is not None:
            then = shop(**{**given, "visits": earlier, "seed": 99})
            before = then.period(date(2026, 2, 23), 7, meta=told)  # type: ignore[attr-defined]
        return store_row(replace(data, store=name), params=PARAMS, before=before)

    return make


def chained(*rows: StoreRow) -> Chain:
    return chain_of(rows, since=SINCE, until=UNTIL)


def test_a_store_that_stops_more_is_above_and_the_others_are_not(
    row: Callable[..., StoreRow],
) -> None:
    busy = {"aisle-1": 0.6, "aisle-2": 0.6, "aisle-3": 0.6, "aisle-4": 0.6, "promo": 0.6}
    others = [row(f"like-{seed}", seed=seed) for seed in range(1, 6)]
    chain = chained(*others, row("other", seed=9, stopping=busy))
    sides = {one.store: chain.side(one, "stop_rate") for one in chain.rows}
    assert sides.pop("other") == "above"
    assert set(sides.values()) == {"below"}  # six to one draws the chain away from each of them
    alike = chained(*others)
    assert {alike.side(one, name) for one in alike.rows for name in alike.figures} == {"like"}


def test_the_chain_weighs_stores_by_their_visits(row: Callable[..., StoreRow]) -> None:
    big, small = row("big", visits=4000, noise=0), row("small", visits=1000, noise=0, seed=2)
    chain = chained(small, big)
    assert [one.store for one in chain.rows] == ["big", "small"]
    assert chain.visits.value == big.visits.value + small.visits.value
    one, two = (part.figures["stop_rate"] for part in (big, small))
    assert one is not None
    assert two is not None
    expected = (big.visits.value * (one.value or 0) + small.visits.value * (two.value or 0)) / (
        big.visits.value + small.visits.value
    )
    assert chain.figures["stop_rate"].value == pytest.approx(expected)


def test_what_changed_in_one_store_is_said_of_it_alone(row: Callable[..., StoreRow]) -> None:
    same = [row(f"same-{seed}", seed=seed, earlier=2400) for seed in range(1, 4)]
    chain = chained(*same, row("fuller", seed=5, visits=3000, earlier=2000))
    assert {(one.store, change.figure) for one, change in chain.told} == {
        ("fuller", "visits a day")
    }


def test_the_page_and_the_table_hold_every_store(row: Callable[..., StoreRow]) -> None:
    rows = [row("berlin-1"), row("tiny", visits=40, seed=3)]
    chain = chain_of(
        rows, since=SINCE, until=UNTIL, silent=[("kiel-3", "no release of it is stored")]
    )
    html = render_chain(chain)
    assert "kiel-3: no release of it is stored" in html
    assert "withheld" in html
    assert html.count('class="picture"') == 5  # three figures, and two stores' days
    table = list(csv.DictReader(io.StringIO(csv_text(chain_rows(chain)))))
    assert {one["store"] for one in table} == {"", "berlin-1", "tiny"}
    assert sum(one["figure"] == "visits" and one["store"] == "berlin-1" for one in table) == 8
    assert "berlin-1" in chain_text(chain)


def test_hundred_stores_fit_a_page(row: Callable[..., StoreRow]) -> None:
    one = row("berlin-1")
    chain = chained(*(replace(one, store=f"store-{number:03}") for number in range(100)))
    assert len(render_chain(chain)) < 750_000
