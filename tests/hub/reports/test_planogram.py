from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from hub.errors import NoDataError
from hub.reports.beside import PlanogramParams
from hub.reports.period import PeriodData
from hub.reports.planogram import (
    CHANNELS,
    FIGURES,
    Effect,
    Planogram,
    planogram_of,
    planogram_rows,
    together,
)
from hub.reports.planogram_page import render_planogram
from hub.reports.planogram_words import outcome, planogram_text
from wire.messages import Meta

Browser = Any
MONDAY = date(2026, 3, 2)
BEFORE = 28
ON = MONDAY + timedelta(days=BEFORE)


@pytest.fixture
def store(shop: Callable[..., Any], meta: Meta) -> Callable[..., PeriodData]:
    """Give a function that makes a store's days, with ``gain`` to Aisle 2's stops from ``ON``."""

    def make(name: str, *, seed: int, after: int = 28, gain: float = 0.0) -> PeriodData:
        one = shop(seed=seed)
        own = one.meta(meta)
        releases = []
        for number in range(BEFORE + after):
            if number == BEFORE:
                one.stopping["aisle-2"] *= 1 + gain
            day = one.day(MONDAY + timedelta(days=number), meta=own)
            releases += [release for release in day if release.channel in CHANNELS]
        until = ON + timedelta(days=27)
        return PeriodData(name, MONDAY, until, {"north": [own]}, releases)

    return make


@pytest.fixture
def told(store: Callable[..., PeriodData]) -> Callable[..., Planogram]:
    def make(
        *, after: int = 28, gain: float = 0.15, stores: int = 3, zone: str = "aisle-2"
    ) -> Planogram:
        own = store("berlin-1", seed=1, after=after, gain=gain)
        others = (store(f"berlin-{n}", seed=n, after=after) for n in range(2, 1 + stores))
        return planogram_of(own, others=others, zone=zone, on=ON, params=PlanogramParams())

    return make


def test_a_change_is_found_in_releases_and_told_in_words(told: Callable[..., Planogram]) -> None:
    got = told()
    assert [one.figure for one in got.effects] == list(FIGURES)
    by_name = {one.figure: one for one in got.effects}
    engagement, exposure = by_name["engagement"], by_name["exposure"]
    assert engagement.verdict == "up"
    assert engagement.change is not None
    assert engagement.change.low < 0.15 < engagement.change.high
    assert engagement.before == pytest.approx(0.315, abs=0.01)
    assert exposure.verdict == "same"
    # shoppers drawn from the next aisle must not count twice
    assert {place.store for place, _ in exposure.controls} == {"berlin-2", "berlin-3"}
    assert {place.store for place, _ in engagement.controls} > {"berlin-1"}
    # only one place of a store has a reader
    assert "only 2 other places" in (by_name["closure"].refused or "")
    text = planogram_text(got)
    assert "raised its engagement" in text
    assert "SIMULATED" in text
    assert len(engagement.blocks) == 8
    assert engagement.blocks[4].since == ON


def test_the_page_needs_nothing_and_says_it_all(told: Callable[..., Planogram]) -> None:
    html = render_planogram(told())
    assert len(html) < 100_000
    assert not re.search(r"https?:|@import|<script|<link|url\((?!#)", html)
    assert html.count("<svg") == 1
    for words in (
        "Simulated data.",
        "The change in Aisle 2 raised its engagement",
        "changed on 30 Mar",
        "Can it be believed?",
        "side by side with the others before?",
        "changes that never were",
        "Aisle 2 of berlin-3",
    ):
        assert words in html, words


def test_too_early_is_said_with_the_day_and_without_the_figures(
    told: Callable[..., Planogram],
) -> None:
    got = told(after=3)
    first = got.effects[0]
    assert first.now is None
    assert first.wait is not None
    html = render_planogram(got)
    assert "Too early to tell what the change in Aisle 2 did: look again on" in html
    assert "<svg" not in html
    assert "Since then" not in html
    (wait,) = [
        row for row in planogram_rows(got) if (row.figure, row.item_2) == ("engagement", "wait")
    ]
    assert wait.value == first.wait


def test_figures_beside_the_one_asked_for_are_sure_only_with_it() -> None:
    asked = Effect("engagement", verdict="up", chance=0.04)
    others = [
        Effect("exposure", verdict="up", chance=0.02),
        Effect("closure", verdict="down", chance=0.03),
        Effect("conversion", verdict="same", chance=0.5),
        Effect("long_stops", refused="too early"),
    ]
    sure = together([asked, *others], params=PlanogramParams())
    assert [one.sure for one in sure] == [True, False, False, False, False]  # .02 > .05 / 3
    others[0] = replace(others[0], chance=0.01)
    sure = together([asked, *others], params=PlanogramParams())
    assert [one.sure for one in sure] == [True, True, False, False, False]  # .03 > .05 / 2
    calm = together([replace(asked, verdict="same", chance=0.3), *others], params=PlanogramParams())
    assert not any(one.sure for one in calm)
    assert [outcome(one) for one in calm[1:3]] == ["perhaps up", "perhaps down"]


def of_figure(told: Planogram, figure: str) -> Effect:
    return next(one for one in told.effects if one.figure == figure)


def test_days_seen_for_fewer_hours_than_before_are_no_change(
    store: Callable[..., PeriodData],
) -> None:
    own = store("berlin-1", seed=1, gain=-0.2)  # fewer stop in the mornings, say
    dimmed = [
        msgspec.structs.replace(one, coverage=0.6)
        if one.window_start.date() >= ON + timedelta(days=4)
        else one
        for one in own.releases
    ]
    others = [store(f"berlin-{n}", seed=n) for n in (2, 3)]
    got = planogram_of(
        own.only(dimmed), others=others, zone="aisle-2", on=ON, params=PlanogramParams()
    )
    assert of_figure(got, "engagement").refused is not None
    assert {one.verdict for one in got.effects} == {"unknown"}
    assert "seen for about as long" in planogram_text(got)


def test_an_agent_that_is_down_does_not_raise_the_exposure_of_anothers_places(
    store: Callable[..., PeriodData],
) -> None:
    own = store("berlin-1", seed=1)
    down = {ON + timedelta(days=number) for number in range(5, 17)}
    south = [
        msgspec.structs.replace(one, epoch="00000000cafecafe")
        for one in store("berlin-1", seed=9).releases
        if one.channel in {"cells", "day_cells"} and one.window_start.date() not in down
    ]
    both = replace(
        own, metas={**own.metas, "south": own.metas["north"]}, releases=[*own.releases, *south]
    )
    others = [store(f"berlin-{n}", seed=n) for n in (2, 3)]
    got = planogram_of(both, others=others, zone="aisle-2", on=ON, params=PlanogramParams())
    exposure = of_figure(got, "exposure")
    assert exposure.verdict == "same"
    assert exposure.change is not None
    assert exposure.change.low < 0 < exposure.change.high
    assert exposure.change.high - exposure.change.low < 0.1


def test_a_place_that_was_drawn_anew_has_no_time_before(store: Callable[..., PeriodData]) -> None:
    own = store("berlin-1", seed=1)
    (now,) = own.newest
    smaller = tuple(
        msgspec.structs.replace(one, polygon=one.polygon[:3]) if one.id == "aisle-2" else one
        for one in now.zones
    )
    then = msgspec.structs.replace(now, plan="plan-0", zones=smaller)
    older = [
        msgspec.structs.replace(one, plan="plan-0") if one.window_start.date() < ON else one
        for one in own.releases
    ]
    data = replace(own, metas={"north": [then, now]}, releases=older)
    for zone, refused in (("aisle-2", "0 days are known before"), ("aisle-3", "only 2 other")):
        got = planogram_of(data, others=(), zone=zone, on=ON, params=PlanogramParams())
        assert refused in (of_figure(got, "engagement").refused or "")


def test_every_number_is_a_row_with_its_reason(told: Callable[..., Planogram]) -> None:
    rows = planogram_rows(told(stores=1, after=28))
    assert {row.subject for row in rows} == {"planogram"}
    keys = [(r.figure, r.item_2, r.unit, r.since, r.until) for r in rows]
    assert len(set(keys)) == len(keys)
    assert all((row.value is None) == (row.withheld is not None) for row in rows)
    closure = [row for row in rows if row.figure == "closure" and row.item_2 == "effect"]
    assert all("no other place" in (row.withheld or "") for row in closure)


def test_places_without_goods_or_unknown_are_refused(told: Callable[..., Planogram]) -> None:
    for zone in ("till", "aisle-9"):
        with pytest.raises(NoDataError, match="aisle-1, aisle-2"):
            told(zone=zone, after=0, stores=1)


def test_no_rule_of_wcag_is_broken_and_nothing_is_wider_than_a_phone(
    told: Callable[..., Planogram],
    tmp_path: Path,
    browser: Browser,
    broken_rules: Callable[..., Any],
) -> None:
    page = tmp_path / "change.html"
    page.write_text(render_planogram(told()), encoding="utf-8")
    browser.open(page.as_uri())
    assert broken_rules() == {}
    browser.shape(width=360, height=740, deviceScaleFactor=2, mobile=True)
    browser.open(page.as_uri())
    assert browser.run("return document.documentElement.scrollWidth") == 360
