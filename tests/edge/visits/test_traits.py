from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.rfid.items import ItemEvent
from edge.visits import traits
from edge.visits.evidence import evidence_of
from edge.visits.path import Stay, Stop
from edge.visits.plan import Floor, FloorPlan
from edge.visits.traits import TRAITS, TraitParams, kept_items, outcomes_of, sold_items, traits_of
from edge.visits.trust import TRUST
from edge.visits.visits import Visit

VISIT = Visit(
    start_ms=1_000,
    end_ms=91_000,
    path_m=24.0,
    start_point=(2.0, 1.0),
    end_point=(10.0, 1.0),
    stays=(
        Stay("entrance", 1_000, 2_500),
        Stay("aisle-2", 10_000, 50_000),
        Stay("till", 60_000, 85_000),
        Stay("exit", 85_000, 91_000),
    ),
    stops=(
        Stop("aisle-2", 12_000, 16_000, 4.0, 8.0),
        Stop("aisle-2", 20_000, 40_000, 4.0, 10.0),
    ),
    items=(),
    entered=True,
    left=True,
)


def _event(
    kind: Literal["picked", "put_back", "till"], scene_ms: int, tag: bytes = b"a"
) -> ItemEvent:
    return ItemEvent(kind, scene_ms, "aisle-2", "04012345100013", tag)


def _measured(visit: Visit, floor: Floor) -> dict[str, float]:
    found = traits_of(visit, floor=floor)
    return {name: value for name, value in found.items() if value is not None}


def test_each_has_its_own_name_and_explains_itself() -> None:
    names = [trait.name for trait in TRAITS]
    assert len(set(names)) == len(names)
    for trait in TRAITS:
        told = (trait.unit, trait.meaning, trait.formula, trait.needs, trait.source, trait.abstains)
        assert all(told), trait.name
        assert trait.valid[0] < trait.valid[1], trait.name


def test_what_each_is_worth_was_measured() -> None:
    assert list(TRUST) == [trait.name for trait in TRAITS]
    unmeasured = {name for name, told in TRUST.items() if told.startswith("not measured")}
    assert unmeasured == {"entrance_used", "carrying"}
    assert TRUST["sinuosity"].startswith("not to be trusted alone")


def test_the_page_is_made_from_the_registry() -> None:
    page = Path(traits.__file__).with_name("TRAITS.md").read_text(encoding="utf-8")
    assert page == traits.markdown(), "aisle-edge traits --markdown > edge/visits/TRAITS.md"


def test_a_plain_visit(floor: Floor) -> None:
    found = _measured(VISIT, floor)
    assert found["duration_s"] == 90
    assert found["stops"] == 2
    assert found["engaged_s"] == 20  # the shorter stop is under 5 s and nothing was picked
    assert found["put_back_ratio"] == 0.5
    assert found["kept"] == 1  # 25 s at the till


def test_a_pick_makes_a_short_stop_engaged(floor: Floor) -> None:
    picked = replace(VISIT, items=(_event("picked", 13_000),))
    assert _measured(picked, floor)["engaged_s"] == 24


def test_put_back_ratio(floor: Floor) -> None:
    events = (
        _event("picked", 21_000),
        _event("put_back", 25_000),
        _event("picked", 26_000, b"b"),
    )
    found = _measured(replace(VISIT, items=events), floor)
    assert found["put_back_ratio"] == pytest.approx(1.5 / 3)
    assert found["kept"] == 1


def test_kept_counts_items_and_a_payment_stands_for_one(floor: Floor) -> None:
    two = (_event("picked", 21_000), _event("picked", 26_000, b"b"))
    hurried = tuple(stay for stay in VISIT.stays if stay.zone != "till")
    assert _measured(replace(VISIT, items=two), floor)["kept"] == 2
    assert _measured(replace(VISIT, items=two, stays=hurried), floor)["kept"] == 2
    assert _measured(replace(VISIT, stays=hurried), floor)["kept"] == 0
    through = (*hurried, Stay("till", 82_000, 85_000))
    assert _measured(replace(VISIT, stays=through), floor)["kept"] == 0


def test_sold_is_kept_and_paid(floor: Floor) -> None:
    params = TraitParams()
    items = (_event("picked", 21_000),)
    paying = replace(VISIT, items=items)
    assert sold_items(paying, floor=floor, params=params) == list(items)
    leaving = replace(paying, stays=VISIT.stays[:2])
    assert sold_items(leaving, floor=floor, params=params) == []
    heard = replace(leaving, items=(*items, _event("till", 60_000)))
    assert sold_items(heard, floor=floor, params=params) == list(items)


def test_excess_path_is_the_walk_over_the_shortest_round(floor: Floor) -> None:
    straight = replace(VISIT, stops=(), stays=(), path_m=16.0)
    assert _measured(straight, floor)["excess_path"] == pytest.approx(2.0)
    # with the stops, the same walk had more reason
    assert _measured(replace(VISIT, path_m=16.0), floor)["excess_path"] < 1.0
    once_more = replace(VISIT, path_m=48.0)
    assert _measured(once_more, floor)["excess_path"] == pytest.approx(
        2 * _measured(VISIT, floor)["excess_path"]
    )
    *_, stop = VISIT.stops
    beside, away = (replace(stop, east_m=stop.east_m + step_m) for step_m in (0.4, 1.4))
    once, twice, far = (
        _measured(replace(VISIT, stops=stops), floor)["excess_path"]
        for stops in ((stop,), (stop, beside), (stop, away))
    )
    assert twice == once
    assert far < once
    nowhere = replace(straight, end_point=straight.start_point)
    assert traits_of(nowhere, floor=floor)["excess_path"] is None


def test_a_cut_visit_abstains_where_the_plan_has_doors(floor: Floor, plan: FloorPlan) -> None:
    for cut in (replace(VISIT, entered=False), replace(VISIT, left=False)):
        found = traits_of(cut, floor=floor)
        assert found["duration_s"] is None
        assert found["excess_path"] is None
        assert found["stops"] == 2
    doorless = Floor(
        replace(plan, zones=tuple(z for z in plan.zones if z.kind not in {"entrance", "exit"}))
    )
    inside = replace(VISIT, entered=False, left=False, stays=VISIT.stays[1:3])
    assert traits_of(inside, floor=doorless)["duration_s"] == 90


def test_outcomes_are_the_strongest_of_each_zone(floor: Floor) -> None:
    assert outcomes_of(VISIT, floor=floor)["aisle-2"] == "long_stop"
    short = replace(VISIT, stops=VISIT.stops[:1])
    assert outcomes_of(short, floor=floor)["aisle-2"] == "short_stop"
    assert outcomes_of(replace(VISIT, stops=()), floor=floor)["aisle-2"] == "pass"
    back = (_event("picked", 21_000), _event("put_back", 25_000))
    assert outcomes_of(replace(VISIT, items=back), floor=floor)["aisle-2"] == "put_back"
    both = (*back, _event("picked", 26_000, b"b"))
    assert outcomes_of(replace(VISIT, items=both), floor=floor)["aisle-2"] == "kept"


def test_an_item_put_back_and_taken_again_is_kept() -> None:
    events = (_event("picked", 1), _event("put_back", 2), _event("picked", 3))
    assert kept_items(replace(VISIT, items=events)) == [events[2]]


@settings(deadline=None)
@given(
    stops=st.lists(
        st.tuples(st.floats(3.6, 5.4), st.floats(6, 14), st.integers(3_000, 60_000)), max_size=12
    ),
    kinds=st.lists(st.sampled_from(["picked", "put_back", "till"]), max_size=6),
)
def test_all_stay_within_what_is_valid(
    floor: Floor,
    stops: list[tuple[float, float, int]],
    kinds: list[Literal["picked", "put_back", "till"]],
) -> None:
    visit = replace(
        VISIT,
        stops=tuple(Stop("aisle-2", 0, ms, east, north) for east, north, ms in stops),
        items=tuple(_event(kind, number) for number, kind in enumerate(kinds)),
    )
    found = traits_of(visit, floor=floor)
    for trait in TRAITS:
        value = found[trait.name]
        assert value is None or trait.valid[0] <= value <= trait.valid[1], trait.name
    for name, evidence in evidence_of(found).items():
        assert evidence is None or 0 <= evidence <= 1, name
