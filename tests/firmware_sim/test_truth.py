from datetime import UTC, datetime

import msgspec

from firmware_sim.truth import (
    Handled,
    Run,
    Seen,
    Stood,
    TruthParams,
    TruthWriter,
    Visited,
    outcomes,
    patterns,
)

ZONES = {"a": "aisle", "b": "aisle", "c": "promo", "till": "till"}


def visit(
    *, stops: tuple[Stood, ...] = (), handled: tuple[Handled, ...] = (), bought: int = 0
) -> Visited:
    return Visited(
        party=1,
        role="leader",
        enter_s=10.0,
        exit_s=100.0,
        latents=(0.1, -0.2, 0.3, 0.0),
        stops=stops,
        dwell_s={"a": 30.0, "b": 4.0, "c": 2.0, "till": 20.0},
        entered=("a", "b", "c", "till"),
        handled=handled,
        bought=bought,
        path_m=40.0,
    )


def test_the_strongest_outcome_counts_by_what_each_judge_can_know() -> None:
    shopped = visit(
        stops=(Stood("a", 20, 40, engaged=True), Stood("b", 50, 54, engaged=False)),
        handled=(
            Handled("pick", 25, "a", "toys", 1, "04012345100013"),
            Handled("put_back", 30, "a", "toys", 1, "04012345100013"),
            Handled("pick", 35, "a", "cables", -1, None),
        ),
    )
    judged = outcomes(shopped, zones=ZONES, params=TruthParams())
    assert judged["outcome"] == {"a": "kept", "b": "short_stop", "c": "pass"}
    assert judged["outcome_tagged"]["a"] == "put_back"
    assert judged["outcome_seen"]["a"] == "long_stop"


def test_an_item_picked_again_after_putting_back_is_kept() -> None:
    again = visit(
        handled=(
            Handled("pick", 25, "a", "toys", 1, "g"),
            Handled("put_back", 30, "a", "toys", 1, "g"),
            Handled("pick", 35, "a", "toys", 1, "g"),
        )
    )
    assert outcomes(again, zones=ZONES, params=TruthParams())["outcome"]["a"] == "kept"


def test_a_showroomer_is_engaged_and_buys_nothing() -> None:
    looked = (Stood("a", 20, 26, engaged=True),)
    params = TruthParams()
    assert patterns(visit(stops=looked), params=params)["showroomer"]
    assert not patterns(visit(stops=looked, bought=1), params=params)["showroomer"]
    assert not patterns(visit(), params=params)["showroomer"]
    assert patterns(visit(), params=params)["wanderer"]
    assert not patterns(visit(), params=params)["indecisive"]


def test_every_line_is_json() -> None:
    writer = TruthWriter(
        Run(
            store="s",
            seed=1,
            begins_at=datetime(2026, 3, 7, 13, 0, tzinfo=UTC),
            minutes=2,
            zones=ZONES,
        )
    )
    events = (
        visit(),
        Handled("pick", 25, "a", "toys", 1, "04012345100013"),
        Seen(3.0, ((1, 2.0, 3.0),)),
    )
    lines = [msgspec.json.decode(writer.line(event)) for event in events]
    assert [line["kind"] for line in lines] == ["visit", "item", "positions"]
    assert lines[0]["entered_at"] == "2026-03-07T13:00:10Z"
    assert "item" not in lines[1]
    assert msgspec.json.decode(writer.header())["kind"] == "run"
