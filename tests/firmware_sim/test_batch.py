from __future__ import annotations

import csv
import io
import itertools
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from edge.visits.traits import TRAITS
from firmware_sim.batch import LATENTS, TAGS, Batches, Change, _rounds_m, rows
from firmware_sim.batch_io import write_visits
from firmware_sim.cli import app
from firmware_sim.store import StoreError, default_store

STORE = default_store()
KEYS = {"day", "second", "plan", "visit", "party_id", "role", "entered", "left", "cut", "leads"}


def _days(
    *numbers: int, visits: float = 2400, seed: int = 1, changes: Sequence[Change] = ()
) -> dict[str, Any]:
    batches = Batches(STORE, visits=visits, seed=seed, changes=changes)
    days = [batches.day(number) for number in numbers]
    return {name: np.concatenate([day[name] for day in days]) for name in days[0]}


@pytest.fixture(scope="module")
def week() -> dict[str, Any]:
    return _days(*range(7))


def test_it_tells_traits_by_the_registrys_names(week: dict[str, Any]) -> None:
    told = {name for name in week if not name.startswith("true_")} - KEYS
    known = {trait.name: trait.valid for trait in TRAITS}
    assert told <= set(known)
    assert len(told) >= 25
    for name in told:
        values = week[name][~np.isnan(week[name].astype(float))]
        assert (values >= known[name][0] - 1e-9).all(), name
        assert (values <= known[name][1] + 1e-9).all(), name
    assert {f"true_{name}" for name in LATENTS} <= set(week)


def test_the_same_seed_and_day_are_the_same_visits(week: dict[str, Any]) -> None:
    third = Batches(STORE, visits=2400, seed=1).day(2)
    for name, values in third.items():
        np.testing.assert_array_equal(values, week[name][week["day"] == 2])
    assert (_days(2, seed=2)["second"][:50] != third["second"][:50]).all()


def test_the_mix_is_what_was_asked_for(week: dict[str, Any]) -> None:
    shoppers = week["role"] != "staff"
    visits = {(day, n) for day, n in zip(week["day"][shoppers], week["visit"][shoppers],
                                         strict=True)}  # fmt: skip
    assert len(visits) == pytest.approx(7 * 2400, rel=0.12)  # weekdays differ, and rain
    whole = shoppers & ~week["cut"]
    assert week["cut"][shoppers].mean() == pytest.approx(0.3 / 1.15, abs=0.02)
    assert (week["party"][whole] == 2).mean() == pytest.approx(0.36 / 1.18, abs=0.02)
    latents = np.stack([week[f"true_{name}"][whole & week["leads"]] for name in LATENTS])
    assert np.corrcoef(latents)[0, 1] == pytest.approx(0.35, abs=0.03)
    assert np.corrcoef(latents)[4, :4] == pytest.approx(np.zeros(4), abs=0.03)
    assert latents.std(axis=1) == pytest.approx(np.ones(5), abs=0.03)
    picks = week["picks"][whole].sum() / week["true_picks"][whole].sum()
    assert picks == pytest.approx(0.85 + 0.02 * whole.sum() / week["true_picks"][whole].sum(),
                                  abs=0.02)  # fmt: skip


def test_latents_show_in_the_traits(week: dict[str, Any]) -> None:
    one = (week["role"] == "leader") & ~week["cut"]

    def related(latent: str, trait: str) -> float:
        known = one & ~np.isnan(week[trait].astype(float))
        return float(np.corrcoef(week[f"true_{latent}"][known], week[trait][known])[0, 1])

    assert related("mission", "duration_s") < -0.15
    assert related("mission", "excess_path") < -0.1
    assert related("buy", "picks") > 0.2
    assert related("decisive", "decision_s") < -0.1
    assert related("bargain", "promo_zone_share") > 0.1
    assert related("quality", "price_tier") > 0.4
    assert abs(related("bargain", "price_tier")) < 0.06  # two dimensions


def test_with_readers_only_fewer_goods_are_heard_and_who_pays_is_seen_anyway() -> None:
    every, some = (
        Batches(STORE, visits=2400, seed=1, readers_only=only).day(0) for only in (False, True)
    )
    assert 0.1 < some["picks"].sum() / every["picks"].sum() < 0.7
    np.testing.assert_array_equal(every["true_picks"], some["true_picks"])
    paid = ~np.isnan(some["till_wait_s"])
    assert (some["kept"][paid] >= 1).all()


def test_nobody_walks_less_than_the_shortest_round(week: dict[str, Any]) -> None:
    ratio = week["excess_path"][~np.isnan(week["excess_path"].astype(float))]
    assert np.quantile(ratio, 0.02) > 0.9  # the measured path has an error
    assert (week["true_duration_s"] > 0).all()


def test_rounds_are_the_shortest_of_all() -> None:
    rng = np.random.default_rng(3)
    points = rng.uniform(0, 10, (7, 2))
    walks = np.linalg.norm(points[:, None] - points, axis=2)
    rounds = _rounds_m(walks)
    for chosen in range(1 << 5):
        places = [place for place in range(5) if chosen >> place & 1]
        tried = min(
            sum(walks[a, b] for a, b in itertools.pairwise((5, *order, 6)))
            for order in itertools.permutations(places)
        )
        assert rounds[chosen] == pytest.approx(tried)


@pytest.mark.parametrize(
    ("what", "by", "trait", "ratio"),
    [
        ("organic", 4.0, "basket_organic", 4.0),
        ("mission", -1.0, "stops", 1.2),
        ("arrivals", 2.0, None, 2.0),
        ("out:toys", 0.0, "picks", 0.6),
        ("promo", 2.0, "promo_picks", 1.6),
    ],
)
def test_a_change_shows_from_its_day_on(
    what: str, by: float, trait: str | None, ratio: float
) -> None:
    changed, same = _days(*range(12, 16), changes=[Change(14, what, by)]), _days(*range(12, 16))
    before = changed["day"] < 14
    np.testing.assert_array_equal(changed["second"][before], same["second"][same["day"] < 14])
    new, old = changed["day"] >= 14, same["day"] >= 14
    if trait is None:
        found = new.sum() / old.sum()
    else:
        found = np.nanmean(changed[trait][new]) / np.nanmean(same[trait][old])
    assert found == pytest.approx(ratio, rel=0.3)


def test_a_planogram_change_is_a_new_plan_and_wrong_changes_are_refused() -> None:
    changed = _days(0, 1, visits=300, changes=[Change(1, "planogram", 5)])
    assert set(changed["plan"][changed["day"] == 1]) == {2}
    with pytest.raises(StoreError, match="out:fish"):
        Batches(STORE, visits=1, seed=1, changes=[Change(1, "out:fish", 0.5)])
    many = STORE.shelves * 2
    with pytest.raises(StoreError, match="20"):
        Batches(type(STORE)(**{**_fields(), "shelves": many}), visits=1, seed=1)


def _fields() -> dict[str, Any]:
    return {name: getattr(STORE, name) for name in STORE.__struct_fields__}


def test_lines() -> None:
    batches = Batches(STORE, visits=40, seed=3)
    for form in ("csv", "jsonl"):
        file = io.StringIO()
        write_visits(batches, days=2, form=form, file=file)
        lines = file.getvalue().splitlines()
        told = list(csv.DictReader(lines)) if form == "csv" else [json.loads(x) for x in lines]
        assert {int(one["day"]) for one in told} == {0, 1}
        assert any(one["duration_s"] in {"", None} for one in told)
    first = next(rows(batches.day(0)))
    assert set(first) >= KEYS | {f"basket_{tag}" for tag in TAGS}
    assert not any(isinstance(x, float) and math.isnan(x) for x in first.values())


def test_the_command(tmp_path: Path) -> None:
    out = tmp_path / "visits.csv"
    run = CliRunner().invoke(
        app, ["visits", "--days", "2", "--visits", "30", "--out", str(out),
              "--change", "1:out:toys:0.5"]
    )  # fmt: skip
    assert run.exit_code == 0, run.output
    assert out.read_text().startswith("day,second,plan")
    for wrong in ("soon:organic:2", "1:organic", "1:hats:2"):
        assert CliRunner().invoke(app, ["visits", "--change", wrong]).exit_code == 2
