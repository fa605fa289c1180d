from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from edge.visits.traits import TRAITS
from firmware_sim.batch import Batches, Change
from firmware_sim.cli import app
from firmware_sim.floor import Floor
from firmware_sim.store import default_store
from firmware_sim.stories import OUTCOMES, PATTERNS, TENDENCIES, Stories, Story
from wire import messages

STORE = default_store()


def _batches(*changes: Change, visits: float = 600) -> Batches:
    return Batches(STORE, visits=visits, seed=4, changes=changes)


@pytest.fixture(scope="module")
def day() -> list[Story]:
    return list(Stories(STORE, batches=_batches(), seed=4).day(4))


def test_they_are_the_batchs_customers_in_the_order_of_leaving(day: list[Story]) -> None:
    columns = _batches().day(4)
    shopping = columns["role"] != "staff"
    assert len(day) == shopping.sum()
    assert [one.second for one in day] == sorted(columns["second"][shopping].tolist())
    kept = sum(one.traits["kept"] or 0 for one in day)
    assert kept == pytest.approx(np.nansum(columns["kept"][shopping]))
    shown = sum(one.truth["showroomer"] for one in day)
    assert shown == columns["true_showroomer"][shopping].sum()
    assert set(PATTERNS) == set(messages.PATTERNS)
    assert set(day[0].truth) == {*PATTERNS, *TENDENCIES}
    drawn = sum(one.truth["bargain"] for one in day)
    assert drawn == (columns["true_bargain"][shopping] > 0).sum()
    assert set(day[0].traits) <= {trait.name for trait in TRAITS}


def test_who_came_by_the_door_walks_from_it_over_free_floor(day: list[Story]) -> None:
    floor = Floor(STORE)
    whole = [one for one in day if not one.cut]
    for one in whole[:60]:
        assert (next(iter(one.zones)), one.ways[-1][1]) == ("entrance", "exit")
        walked = list(one.walked)
        steps = np.abs(np.diff(walked, axis=0)).max(axis=1)
        assert np.quantile(steps, 0.5) == 1.0  # squares side by side, but where one walks back
        assert all(floor.is_free(place) for place in one.stood)
        assert {zone for way in one.ways for zone in way} <= set(one.zones)


def test_outcomes_go_with_the_traits(day: list[Story]) -> None:
    assert messages.OUTCOMES == OUTCOMES
    shopped = {"aisle-1", "aisle-2", "aisle-3", "aisle-4", "promo"}
    for one in day:
        stopped = {zone for zone, told in one.zones.items() if told != "pass"}
        assert stopped <= shopped
        assert len(one.stood) <= (one.traits["stops"] or 0)  # false ones have no place
        assert ("kept" in one.zones.values()) == ("kept" in one.goods.values())
        assert bool(one.goods) <= bool(one.traits["picks"])
    ends = {told for one in day for told in one.zones.values()}
    assert ends == set(OUTCOMES)


def test_an_offer_draws_to_its_shelf_and_is_a_new_plan() -> None:
    def came(*changes: Change) -> tuple[float, float, set[int]]:
        stories = Stories(STORE, batches=_batches(*changes, visits=1500), seed=4)
        found = [one for number in (1, 2) for one in stories.day(number)]
        there = [one.zones["aisle-3"] for one in found if "aisle-3" in one.zones]
        engaged = sum(told in {"long_stop", "put_back", "kept"} for told in there)
        return len(there) / len(found), engaged / len(there), {one.plan for one in found}

    usual, offered = came(), came(Change(1, "offer:cleaning", 2.0))
    assert offered[0] > usual[0] + 0.03
    assert offered[1] > usual[1] + 0.01
    assert (usual[2], offered[2]) == ({1}, {2})
    assert came(Change(3, "offer:cleaning", 2.0)) == usual


def test_the_command_writes_a_line_for_each(tmp_path: Path) -> None:
    out = tmp_path / "visits.jsonl"
    run = CliRunner().invoke(
        app, ["visits", "--days", "2", "--visits", "30", "--format", "stories", "--out", str(out)]
    )
    assert run.exit_code == 0, run.output
    told = [json.loads(line) for line in out.read_text().splitlines()]
    assert {one["day"] for one in told} == {0, 1}
    assert "NaN" not in out.read_text()
