from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from hub.checking import (
    Check,
    CheckParams,
    check_agent,
    check_asked,
    check_backup,
    check_clock,
    check_disk,
    check_rejects,
    check_run,
    check_segments,
)
from hub.store_io.store import AgentRow, Link
from wire.messages import Config, Device, Health, Meta

NOW = datetime(2026, 3, 8, 1, tzinfo=UTC)
PARAMS = CheckParams()
WELL = AgentRow(
    store="berlin-1",
    agent="north",
    state="online",
    last_seen_at=NOW,
    last_release_at=NOW,
    releases=11,
    missing=0,
    repeats=0,
    rejects=0,
    day_coverage=0.98,
    health=Health(up_s=60, coverage=1.0, clock_synchronised=True, devices=()),
)


def agent(**changes: object) -> list[Check]:
    row = AgentRow(**({name: getattr(WELL, name) for name in AgentRow.__slots__} | changes))  # type: ignore[arg-type]
    return list(check_agent(row, now=NOW, params=PARAMS))


def ago(minutes: int) -> datetime:
    return NOW - timedelta(minutes=minutes)


def test_nothing_is_expected_of_a_retired_agent() -> None:
    assert [check.state for check in agent(state="retired", last_seen_at=None)] == ["ok"]


def test_an_agent_that_is_well_is_one_line() -> None:
    (check,) = agent()
    assert (check.state, check.mend) == ("ok", "")


@pytest.mark.parametrize(
    ("changes", "state", "word"),
    [
        ({"last_seen_at": ago(6)}, "fail", "6 min ago"),
        ({"last_seen_at": None}, "fail", "never"),
        ({"missing": 3}, "warn", "3 releases"),
        ({"day_coverage": 0.7}, "warn", "70 %"),
        ({"day_coverage": 0.2}, "fail", "20 %"),
        (
            {"health": Health(up_s=1, coverage=1.0, clock_synchronised=False, devices=())},
            "fail",
            "clock",
        ),
        (
            {
                "health": Health(
                    up_s=1,
                    coverage=1.0,
                    clock_synchronised=True,
                    devices=(Device("ceiling", "camera", "down", "covered"),),
                )
            },
            "fail",
            "camera ceiling is down: covered",
        ),
    ],
)
def test_what_is_wrong_with_an_agent_is_named_with_a_mend(
    changes: dict[str, object], state: str, word: str
) -> None:
    (check,) = agent(**changes)
    assert check.state == state
    assert word in check.found
    assert check.mend


@pytest.mark.parametrize(
    ("run", "broker", "state", "word"),
    [
        (None, None, "fail", "never"),
        (Link("stopped", "", ago(200)), None, "fail", "3 h ago"),
        (Link("running", "", ago(3)), Link("connected", "b:1", NOW), "fail", "killed"),
        (Link("running", "", NOW), Link("away", "refused", NOW), "fail", "refused"),
        (Link("running", "", NOW), Link("connected", "b:1", NOW), "ok", "b:1"),
    ],
)
def test_a_hub_that_does_not_run_is_told(
    run: Link | None, broker: Link | None, state: str, word: str
) -> None:
    check = check_run(run, broker, now=NOW, params=PARAMS)
    assert check.state == state
    assert word in check.found


@pytest.mark.parametrize(
    ("free", "used", "state"),
    [(10**11, 10**9, "ok"), (10**9, 10**6, "warn"), (10**10, 10**11, "warn"), (10**6, 1, "fail")],
)
def test_room_is_judged_by_what_is_free_and_what_a_backup_needs(
    free: int, used: int, state: str
) -> None:
    assert check_disk(path="hub.db", free=free, used=used, params=PARAMS).state == state


def test_segments_in_use_want_to_be_looked_after() -> None:
    def state(last: Link | None, *, watched: int = 2) -> str:
        return check_segments(last, watched=watched, now=NOW, params=PARAMS).state

    assert state(None, watched=0) == "ok"
    assert state(None) == "warn"
    assert state(Link("looked", "", NOW - timedelta(days=1))) == "ok"
    assert state(Link("looked", "", NOW - timedelta(days=3))) == "warn"


def test_backups_grow_old() -> None:
    assert check_backup(None, now=NOW, params=PARAMS).state == "warn"
    made = Link("made", "/b.db", NOW - timedelta(days=3))
    assert check_backup(made, now=NOW, params=PARAMS).state == "ok"
    assert check_backup(made, now=NOW + timedelta(days=9), params=PARAMS).state == "warn"


def test_whose_clock_is_wrong_is_told_by_how_many_agents_are_early() -> None:
    early, right = ("a", "north"), ("b", "north")
    both = check_clock({early: 300.0, right: 400.0}, synchronised=True, params=PARAMS)
    assert (both.state, "this clock" in both.found) == ("fail", True)
    one = check_clock({early: 300.0, right: -1.0}, synchronised=True, params=PARAMS)
    assert (one.state, "a/north" in one.found) == ("warn", True)
    assert check_clock({right: -1.0}, synchronised=False, params=PARAMS).state == "warn"
    assert check_clock({right: -1.0}, synchronised=True, params=PARAMS).state == "ok"


def test_a_wish_that_is_not_followed_is_told_after_a_trading_day(meta: Meta) -> None:
    place = ("berlin-1", "north")

    def judged(asked: Config, *, hours: int = 30, uses: Callable[[], Meta] = lambda: meta) -> int:
        found = check_asked(
            place,
            asked=asked,
            asked_at=NOW - timedelta(hours=hours),
            uses=uses(),
            now=NOW,
            params=PARAMS,
        )
        return len(list(found))

    other = msgspec.structs.replace(meta.codebook, version="v2")
    assert judged(Config(other, 0.05)) == 2
    assert judged(Config(other, 0.05), hours=2) == 0
    assert judged(Config(meta.codebook, meta.privacy.rho)) == 0
    assert judged(Config()) == 0


def test_rejects_of_a_day_and_those_that_are_understood_now() -> None:
    refused = {("berlin-1", "north"): (3, "odd"), ("", ""): (1, "no topic")}
    found = list(check_rejects(refused, understood=2))
    assert [check.state for check in found] == ["warn"] * 3
    assert any("replay" in check.mend for check in found)
    assert [check.state for check in check_rejects({}, understood=0)] == ["ok"]
