from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date

import msgspec
import pytest

from hub.patterns.shares import ShareParams
from hub.reports.period import PeriodData
from hub.reports.summary import PatternRow, Summary, compare, summarise
from wire.messages import Meta, Release

DAY = date(2026, 3, 7)


@pytest.fixture
def summarised(a_day: Callable[..., list[Release]], meta: Meta) -> Summary:
    data = PeriodData("berlin-1", DAY, DAY, {"north": [meta]}, a_day(visits=2400))
    return summarise(data, params=ShareParams())


def test_the_json_has_the_shape_that_others_read(summarised: Summary) -> None:
    got = msgspec.json.decode(msgspec.json.encode(summarised))
    assert list(got)[:13] == [
        "store",
        "day",
        "standard_privacy",
        "simulated",
        "rho",
        "epsilon",
        "visits",
        "coverage",
        "patterns",
        "zones",
        "dayparts",
        "without_meta",
        "seen",
    ]
    assert set(got["visits"]) == {"value", "low", "high"}
    names = ["showroomer", "wanderer", "indecisive", "bargain", "quality"]
    assert [row["name"] for row in got["patterns"]] == names
    assert set(got["patterns"][0]) == {"name", "value", "low", "high", "withheld", "of", "lasting"}
    assert [row["name"] for row in got["dayparts"][0]["patterns"]] == names[:3]
    zone = got["zones"][1]
    assert set(zone) == {
        "id",
        "name",
        "kind",
        "has_reader",
        "outcomes",
        "passers",
        "stop_rate",
        "conversion",
        "exposure",
        "engagement",
        "pick_rate",
        "closure",
        "put_back",
    }
    assert set(zone["outcomes"]) == {"pass", "short_stop", "long_stop", "put_back", "kept"}
    assert set(zone["outcomes"]["kept"]) == {"value", "low", "high"}
    assert set(zone["stop_rate"]) == {"value", "low", "high", "withheld"}
    assert set(got["dayparts"][0]) == {"name", "visits", "patterns"}


def test_what_is_wrong_in_both_periods_alike_is_not_in_the_difference(summarised: Summary) -> None:
    def told(value: float, lasting: float) -> Summary:
        half = 1.96 * (0.02**2 + 0.03**2) ** 0.5
        row = PatternRow("bargain", value, value - half, value + half, None, lasting=lasting)
        return replace(summarised, patterns=(row,))

    halves = []
    for lasting in (0.0, 0.03**2):
        (one,) = [
            one
            for one in compare(told(0.58, lasting), told(0.5, lasting))
            if one.figure == "pattern"
        ]
        assert one.difference is not None
        halves.append((one.difference.high - one.difference.low) / 2)
    assert halves[1] == pytest.approx(1.96 * 2**0.5 * 0.02)
    assert halves[1] < 0.08 < halves[0]


def test_rates_exist_only_where_they_mean_something(summarised: Summary) -> None:
    zones = {zone.id: zone for zone in summarised.zones}
    assert zones["aisle-2"].conversion is not None
    assert zones["aisle-1"].conversion is None
    assert zones["aisle-1"].stop_rate is not None
    assert zones["till"].stop_rate is None


def test_the_figures_lie_near_what_went_in(summarised: Summary) -> None:
    assert summarised.visits.low < 2420 < summarised.visits.high
    assert summarised.coverage == pytest.approx(0.9)
    stop = {z.id: z.stop_rate.value for z in summarised.zones if z.stop_rate}
    assert stop["aisle-4"] == pytest.approx(0.5, abs=0.05)
    assert len(summarised.dayparts) == 10


def test_one_weaker_release_makes_the_day_weaker(
    a_day: Callable[..., list[Release]], meta: Meta
) -> None:
    releases = a_day()
    data = PeriodData("berlin-1", DAY, DAY, {"north": [meta]}, releases)
    assert summarise(data, params=ShareParams()).standard_privacy
    releases[3] = msgspec.structs.replace(releases[3], standard_privacy=False)
    assert not summarise(data, params=ShareParams()).standard_privacy


def test_a_shopper_pays_every_agents_budget(
    a_day: Callable[..., list[Release]], meta: Meta
) -> None:
    data = PeriodData("berlin-1", DAY, DAY, {"north": [meta], "south": [meta]}, a_day())
    got = summarise(data, params=ShareParams())
    assert got.rho == pytest.approx(0.2)
    assert got.epsilon == pytest.approx(4.2)
    assert got.coverage == pytest.approx(0.45)


def test_few_visits_are_withheld_at_the_standard_budget(
    a_day: Callable[..., list[Release]], meta: Meta
) -> None:
    data = PeriodData("berlin-1", DAY, DAY, {"north": [meta]}, a_day(visits=40))
    got = summarise(data, params=ShareParams())
    assert all(row.value is None and row.withheld for row in got.patterns)
    assert all(zone.stop_rate.value is None for zone in got.zones if zone.stop_rate)


def test_before_the_zones_arrive_there_is_a_report_without_them(
    cells: Callable[..., Release], meta: Meta
) -> None:
    data = PeriodData("berlin-1", DAY, DAY, {"north": [meta]}, [cells(1)])
    assert summarise(data, params=ShareParams()).zones == ()


def test_named_dayparts_gather_their_hours(a_day: Callable[..., list[Release]], meta: Meta) -> None:
    named = msgspec.structs.replace(meta, daypart_starts=("00:00", "14:00"))
    data = PeriodData("berlin-1", DAY, DAY, {"north": [named]}, a_day(visits=2400))
    morning, evening = summarise(data, params=ShareParams()).dayparts
    assert (morning.name, evening.name) == ("morning", "evening")
    assert morning.visits.value == pytest.approx(5 * 242, abs=120)
    whole = summarise(data, params=ShareParams()).visits.value
    assert morning.visits.value + evening.visits.value == pytest.approx(whole)
