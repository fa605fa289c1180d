from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from pyarrow import parquet  # type: ignore[import-untyped]
from typer.testing import CliRunner

from hub.cli import app
from hub.day import load_chain, load_period, load_segments
from hub.ingest.judging import Arrival, Ingest, read_arrival
from hub.patterns.shares import ShareParams
from hub.reports.page import render, render_chain
from hub.reports.segments import Segments
from hub.reports.summary import summarise
from hub.reports.tidy import rows
from hub.segments.definition import Definition, as_toml
from hub.store_io.segments import SegmentEvent, SegmentRow, SegmentTables
from hub.store_io.store import Store
from wire.messages import Meta

DAYS = date(2026, 3, 2), date(2026, 3, 15)
NOW = datetime(2026, 3, 16, tzinfo=UTC)
PARAMS = ShareParams()
WEEKEND = Definition(
    "weekend",
    "Weekend <lookers>",
    'context.weekday in ["sat", "sun"] && pattern.showroomer > 0.6',
    action="Staff at aisle 2",
    owner="Store manager",
    stop="Four weekends without a change",
)
ALL = (
    WEEKEND,
    Definition("lookers", "Lookers", "pattern.showroomer > 0.6"),
    Definition("organic", "Organic baskets", "tag.organic"),
    Definition("dear", "Dear baskets", "trait.price_tier > 0.6", needs=("trait.price_tier",)),
)


@pytest.fixture
def opened(
    store: Store, shop: Callable[..., object], meta: Meta, arrive: Callable[..., Arrival]
) -> Store:
    ingest = Ingest(known={}, zones={})
    for name, visits in (("berlin-1", 2400), ("kiel-3", 1200)):
        made = shop(visits=visits, seed=visits)
        told = made.meta(meta)  # type: ignore[attr-defined]
        releases = made.period(DAYS[0], 14, meta=told).releases  # type: ignore[attr-defined]
        arrivals = [arrive(one, store=name) for one in (told, *releases)]
        store.commit([d for one in arrivals for d in ingest.feed(read_arrival(one))])
    tables = SegmentTables(store)
    for one in ALL:
        event = SegmentEvent("", one.id, 1, datetime(2026, 3, 1, tzinfo=UTC), "added", "by us")
        row = SegmentRow(one.id, 1, as_toml(one), "active", event.at)
        tables.add(row, event=event)
    tables.set_state("lookers", version=1, state="retired")
    return store


def loaded(opened: Store, *stores: str) -> Segments:
    found = load_segments(opened, stores=stores, days=DAYS, context=None, now=NOW, params=PARAMS)
    assert found is not None
    return found


def test_a_card_says_how_large_when_where_and_how_it_lives(opened: Store) -> None:
    segments = loaded(opened, "berlin-1", "kiel-3")
    cards = {card.definition.id: card for card in segments.cards}
    assert set(cards) == {"weekend", "organic", "dear"}  # what is retired is not on the page
    weekend = cards["weekend"]
    assert weekend.share.value is not None
    assert weekend.a_day is not None
    assert {name for name, _ in weekend.stores} == {"berlin-1", "kiel-3"}
    by_day = dict(weekend.weekdays)
    assert by_day[0].value == 0
    assert (by_day[5].low or 0) > weekend.share.value
    assert any("looked at goods in earnest" in text for text in weekend.apart)
    assert len(weekend.course.points) == 14
    assert weekend.decays_in == 75
    organic = cards["organic"].share
    assert organic.low is not None
    assert organic.high is not None
    assert organic.low < 0.05 < organic.high  # as the shop sells it
    assert "price_tier" in cards["dear"].abstains


def test_parts_of_the_day_add_up_to_the_whole(opened: Store) -> None:
    tables = SegmentTables(opened)
    every = Definition("every", "Every visit", "true")
    tables.add(SegmentRow("every", 1, as_toml(every), "active", NOW))
    late = Definition("late", "Late visits", "context.hour >= 14")
    tables.add(SegmentRow("late", 1, as_toml(late), "active", NOW))
    cards = {card.definition.id: card for card in loaded(opened, "berlin-1").cards}
    assert [round(share.value or 0, 9) for _, share in cards["every"].parts] == [1.0] * 10
    assert [round(share.value or 0) for _, share in cards["late"].parts] == [0] * 5 + [1] * 5


def test_overlaps_are_told_both_ways_and_not_of_tags(opened: Store) -> None:
    tables = SegmentTables(opened)
    tables.set_state("lookers", version=1, state="active")
    segments = loaded(opened, "berlin-1")
    part = segments.overlap("weekend", "lookers")
    assert part == segments.overlap("lookers", "weekend")
    assert part is not None
    assert 0.1 < part < 0.5  # two days of seven, the fuller ones
    assert segments.overlap("weekend", "organic") is None


def test_the_pages_show_every_card(opened: Store) -> None:
    data = load_period(opened, store="berlin-1", since=DAYS[0], until=DAYS[1])
    html = render(summarise(data, params=PARAMS), data=data, segments=loaded(opened, "berlin-1"))
    chain = load_chain(opened, stores=["berlin-1", "kiel-3"], days=DAYS, params=PARAMS)
    both = render_chain(chain, segments=loaded(opened, "berlin-1", "kiel-3"))
    for page in (html, both):
        assert page.count('<article class="card">') == 3
        assert "Weekend &lt;lookers&gt;" in page
        assert "Four weekends without a change" in page
        assert "no store releases trait.price_tier" in page
        assert not re.search(r"https?:|<script", page)
    assert "kiel-3 " in both[both.index('id="segments"') :]


def test_without_segments_the_page_has_no_such_part(tmp_path: Path) -> None:
    with Store.create(tmp_path / "empty.db", busy_ms=200) as empty:
        assert (
            load_segments(empty, stores=["x"], days=DAYS, context=None, now=NOW, params=PARAMS)
            is None
        )


def test_the_tables_and_json_hold_the_segments(
    opened: Store, database: Path, tmp_path: Path
) -> None:
    period = ("--from", DAYS[0].isoformat(), "--to", DAYS[1].isoformat(), "--db", str(database))
    paths = [str(tmp_path / f"one.{kind}") for kind in ("csv", "parquet")]
    files = ("--csv", paths[0], "--parquet", paths[1])
    run = CliRunner().invoke
    asked = ("report", "--store", "berlin-1", *period)
    done = run(app, [*asked, "--json", *files])
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)["segments"]
    assert {card["definition"]["id"] for card in told["cards"]} == {"weekend", "organic", "dear"}
    table = parquet.read_table(paths[1]).to_pylist()
    with Path(paths[0]).open(newline="") as file:
        assert [row["figure"] for row in csv.DictReader(file)] == [row["figure"] for row in table]
    of = [row for row in table if row["subject"] == "segment" and row["item"] == "weekend"]
    card = loaded(opened, "berlin-1").cards
    (weekend,) = [one for one in card if one.definition.id == "weekend"]
    shares = [row for row in of if row["figure"] == "share"]
    assert (shares[0]["value"], shares[0]["low"]) == (weekend.share.value, weekend.share.low)
    assert [row["since"] for row in shares[1:]] == [
        point.since.isoformat() for point in weekend.course.points
    ]
    (life,) = [row for row in table if row["subject"] == "segment event" and row["item"] == "dear"]
    assert (life["figure"], life["item_2"], life["value"]) == ("added", "by us", 1)
    dear = next(row for row in table if row["item"] == "dear" and row["figure"] == "share")
    assert dear["value"] is None
    assert "price_tier" in dear["withheld"]

    done = run(app, ["report", "--chain", *period, "--json", "--csv", paths[0]])
    assert len(json.loads(done.stdout)["segments"]["cards"]) == 3
    with Path(paths[0]).open(newline="") as file:
        by_store = {
            row["store"]: float(row["value"])
            for row in csv.DictReader(file)
            if (row["subject"], row["item"], row["item_2"]) == ("segment", "weekend", "")
            and row["figure"] == "share"
        }
    assert set(by_store) == {"", "berlin-1", "kiel-3"}


def test_the_table_holds_overlaps(opened: Store) -> None:
    tables = SegmentTables(opened)
    tables.set_state("lookers", version=1, state="active")
    segments = loaded(opened, "berlin-1")
    data = load_period(opened, store="berlin-1", since=DAYS[0], until=DAYS[1])
    table = rows(summarise(data, params=PARAMS), segments=segments)
    (pair,) = [row for row in table if row.subject == "segment overlap"]
    assert {pair.item, pair.item_2} == {"weekend", "lookers"}
    assert pair.value == segments.overlap("weekend", "lookers")
