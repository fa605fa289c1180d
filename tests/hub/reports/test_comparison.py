from __future__ import annotations

import csv
import re
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from hub.patterns.shares import ShareParams
from hub.reports.comparison import Comparison
from hub.reports.files_io import write_csv, write_parquet
from hub.reports.page import render
from hub.reports.summary import summarise
from hub.reports.text import report_text
from hub.reports.tidy import COLUMNS, rows
from wire.messages import Meta

PARAMS = ShareParams()
MONDAY = date(2026, 3, 2)


def compared(shop: Callable[..., Any], meta: Meta, **later: object) -> tuple[Any, Any, Comparison]:
    one, two = shop(seed=1), shop(seed=2, **later)
    before = summarise(one.period(MONDAY, 7, meta=one.meta(meta)), params=PARAMS)
    data = two.period(MONDAY + timedelta(days=7), 7, meta=two.meta(meta))
    now = summarise(data, params=PARAMS)
    return now, data, Comparison.of(now, before=before)


def test_what_changed_is_told_and_the_rest_is_not(shop: Callable[..., Any], meta: Meta) -> None:
    stopping = dict(shop().stopping) | {"aisle-3": 0.45}
    now, data, against = compared(shop, meta, stopping=stopping)
    first = against.told[0]
    assert (first.of, first.figure, first.verdict) == ("Aisle 3", "stop_rate", "up")
    assert first.difference is not None
    assert first.difference.low < 0.1 < first.difference.high
    others = [one for one in against.told if one.of != "Aisle 3"]
    assert len(others) <= 4  # of 24 at 1 in 20
    assert {one.of for one in against.sure} == {"Aisle 3"}
    page = render(now, data=data, against=against)
    assert re.search(r"Aisle 3: stop rate is up, from 3[3-7]\s% to 4[3-7]\s%", page)
    assert "No change that could be told" in page
    assert "no change that could be told" in report_text(now, against=against)


def test_where_nothing_changed_nothing_is_sure(shop: Callable[..., Any], meta: Meta) -> None:
    wrong = 0
    for seed in range(10, 22):
        one, two = shop(seed=seed), shop(seed=100 + seed)
        before = summarise(one.period(MONDAY, 2, meta=one.meta(meta)), params=PARAMS)
        later = two.period(MONDAY + timedelta(days=7), 2, meta=two.meta(meta))
        against = Comparison.of(summarise(later, params=PARAMS), before=before)
        wrong += bool(against.sure)
    assert wrong <= 3  # of 12 at 1 in 20: 3 or fewer in 99 of 100 runs


def test_unlike_periods_are_warned_of(shop: Callable[..., Any], meta: Meta) -> None:
    one = shop()
    data = one.period(MONDAY, 3, meta=one.meta(meta))
    three = summarise(data, params=PARAMS)
    day = summarise(data.only(data.releases[:20]), params=PARAMS)
    warnings = " ".join(Comparison.of(three, before=day).warnings)
    assert "opening hours" in warnings
    assert "overlap" in warnings


def test_the_tidy_table_is_whole_in_both_forms(
    shop: Callable[..., Any], meta: Meta, tmp_path: Path
) -> None:
    now, _, against = compared(shop, meta)
    table = rows(now, changes=against.changes)
    write_csv(tmp_path / "t.csv", table)
    write_parquet(tmp_path / "t.parquet", table)
    with (tmp_path / "t.csv").open(encoding="utf-8", newline="") as file:
        read = list(csv.DictReader(file))
    parquet = pq.read_table(tmp_path / "t.parquet").to_pylist()
    assert tuple(read[0]) == COLUMNS
    assert len(read) == len(parquet) == len(table)
    key = ("subject", "item", "item_2", "figure", "unit", "since", "until")
    keys = [tuple(row[name] for name in key) for row in parquet]
    assert len(set(keys)) == len(keys)
    (stop,) = [r for r in parquet if (r["item"], r["figure"]) == ("aisle-4", "stop_rate")]
    assert stop["low"] < 0.4 < stop["high"]
    for row in parquet:
        assert (row["value"] is None) == (row["withheld"] is not None)


def test_trade_rates_hold_the_truth(shop: Callable[..., Any], meta: Meta) -> None:
    one = shop()
    got = summarise(one.period(MONDAY, 7, meta=one.meta(meta)), params=PARAMS)
    zone = next(row for row in got.zones if row.id == "aisle-2")
    truth = {"exposure": 0.6, "engagement": 0.45 * 0.7, "closure": 0.25 / 0.7,
             "conversion": 0.1125, "put_back": 0.15 / 0.4, "pick_rate": 0.18}  # fmt: skip
    for name, value in truth.items():
        assert getattr(zone, name).value == pytest.approx(value, abs=0.02), name
    assert next(row for row in got.zones if row.id == "aisle-1").closure is None
