"""Bargain hunters and quality seekers, from stops at promotions and price tiers of baskets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.patterns.cells import PatternShare
from hub.patterns.confusion import Confusion, shipped_for
from hub.patterns.drawn import (
    NO_PROMOTION,
    NO_TIERS,
    PROMOTION,
    TIERS,
    Drawn,
    add_stops,
    add_tiers,
    estimate_drawn,
)
from hub.patterns.shares import ShareParams
from wire.messages import OUTCOMES, PRICE_TIERS, Axis, Meta, Release, Zone

SHOW = ShareParams()
LABELS = ("children", *PRICE_TIERS)
START = datetime(2026, 3, 7, tzinfo=UTC)
END = START + timedelta(days=1)


def ships(drawn: Drawn) -> Confusion:
    found = shipped_for(drawn.name, cells=drawn.fingerprint)
    assert found is not None, "run models/codebook/measure_confusion.py"
    return found


@pytest.fixture
def plan(meta: Meta) -> dict[str, Zone]:
    return {zone.id: zone for zone in meta.zones}


@pytest.fixture
def day(
    cells: Callable[..., Release], zones: Callable[..., Release]
) -> Callable[..., list[Release]]:
    """Give a function that makes a day of visits, stops at the promotion, and baskets by tier."""

    def make(
        *,
        visits: int = 2_400,
        stops: Sequence[int] = (0, 560, 0, 0, 0),
        tiers: Sequence[int] = (330, 400, 330),
        sd: float = 5.0,
    ) -> list[Release]:
        table = np.zeros((7, 2, len(OUTCOMES)), dtype=int)
        table[4, 1] = stops
        told = zones(2, counts=tuple(table.ravel().tolist()))
        whole = msgspec.structs.replace(
            cells(1, counts=(visits, *[0] * 8)), channel="day_cells", sd=sd,
            window_start=told.window_start, window_end=told.window_end,
        )  # fmt: skip
        baskets = msgspec.structs.replace(
            told, seq=3, channel="tags", axes=(Axis("tag", LABELS),), counts=(50, *tiers), sd=20.0
        )
        return [whole, told, baskets]

    return make


def by_name(
    releases: Sequence[Release], *, plan: dict[str, Zone]
) -> tuple[PatternShare, PatternShare]:
    bargain, quality = estimate_drawn(releases, zones=plan, show=SHOW)
    assert (bargain.name, quality.name) == ("bargain", "quality")
    return bargain, quality


def test_a_day_like_the_simulated_one_is_half_and_half(
    day: Callable[..., list[Release]], plan: dict[str, Zone]
) -> None:
    bargain, quality = by_name(day(), plan=plan)
    assert bargain.share.value == pytest.approx(0.5, abs=0.04)
    assert quality.share.value == pytest.approx(0.5, abs=0.02)
    assert (bargain.of, quality.of) == ("visits", "baskets")
    assert quality.measured is not None
    assert quality.measured.visits == 1_060


@pytest.mark.parametrize("drawn", [PROMOTION, TIERS])
def test_half_a_standard_deviation_is_told(
    drawn: Drawn, day: Callable[..., list[Release]], plan: dict[str, Zone]
) -> None:
    # what the simulator's days look like where a tendency is half a deviation higher
    moved = {"stops": (0, 690, 0, 0, 0), "tiers": (225, 385, 440)}
    found = {one.name: one.share.value for one in by_name(day(**moved), plan=plan)}
    assert found[drawn.axis] == pytest.approx(0.691, abs=0.03)


def test_stops_count_whatever_became_of_them_but_passing_does_not(
    day: Callable[..., list[Release]],
) -> None:
    spread = add_stops(day(stops=(900, 140, 140, 140, 140)), promotions={"promo": True})
    assert spread.counts == (560.0, 1840.0)
    unheard = add_stops(day(stops=(900, 140, 140, 140, 140)), promotions={"promo": False})
    assert unheard.counts == (280.0, 2120.0)
    assert unheard.variances[0] < spread.variances[0]  # what no reader tells is noise alone


@given(
    visits=st.integers(500, 20_000),
    part=st.floats(0.0, 1.0),
    sd=st.floats(0.1, 20.0),
)
def test_noise_of_stops_and_of_visits_is_that_of_their_ratio(
    visits: int, part: float, sd: float
) -> None:
    stops = round(part * visits)
    zones = Release(
        epoch="0" * 16, seq=1, channel="zones", window_start=START, window_end=END, plan="1",
        codebook="", axes=(Axis("zone", ("promo",)), Axis("outcome", OUTCOMES)),
        counts=(0, stops, 0, 0, 0), sd=3.0, rho=0.01, standard_privacy=True, coverage=1.0,
    )  # fmt: skip
    cells = msgspec.structs.replace(
        zones, channel="day_cells", axes=(Axis("cell", ("0", "dropped")),), counts=(visits, 0),
        sd=sd,
    )  # fmt: skip
    found = add_stops([zones, cells], promotions={"promo": False})
    p = stops / visits
    # told of each apart, as a quantifier takes it, and told of the ratio
    apart = (1 - p) ** 2 * found.variances[0] + p**2 * found.variances[1]
    assert apart == pytest.approx(2 * 3.0**2 + p**2 * 2 * sd**2)


def test_visits_are_those_of_the_agents_that_see_a_promotion(
    day: Callable[..., list[Release]],
) -> None:
    here, elsewhere = day(), day(visits=5_000)
    other = [
        msgspec.structs.replace(one, epoch="1" * 16) for one in elsewhere if one.channel != "zones"
    ]
    late = msgspec.structs.replace(
        here[0],
        window_start=here[0].window_end,
        window_end=here[0].window_end + timedelta(days=1),
    )
    found = add_stops([*here, *other, late], promotions={"promo": True})
    assert sum(found.counts) == 2_400


def test_what_is_missing_is_said(day: Callable[..., list[Release]], plan: dict[str, Zone]) -> None:
    aisles = {name: zone for name, zone in plan.items() if zone.kind != "promo"}
    untagged = [one for one in day() if one.channel != "tags"]
    # an agent of before price tiers were told
    older = msgspec.structs.replace(day()[2], axes=(Axis("tag", ("children",)),), counts=(50,))
    for releases in (untagged, [*untagged, older]):
        bargain, quality = by_name(releases, plan=aisles)
        assert bargain.share.withheld == NO_PROMOTION
        assert quality.share.withheld == NO_TIERS
    for releases in ([], day(visits=20, stops=(0,) * 5, tiers=(40, 50, 40))):
        bargain, quality = by_name(releases, plan=plan)
        assert "too few visits" in str(bargain.share.withheld)
        assert quality.share.value is None
    unlike = by_name(day(tiers=(600, 10, 600)), plan=plan)[1]
    assert "unlike" in str(unlike.share.withheld)


def test_days_add_up_to_a_sharper_share(
    day: Callable[..., list[Release]], plan: dict[str, Zone]
) -> None:
    week = [
        msgspec.structs.replace(
            one,
            window_start=one.window_start + timedelta(days=number),
            window_end=one.window_end + timedelta(days=number),
        )
        for number in range(7)
        for one in day()
    ]
    for one, seven in zip(by_name(day(), plan=plan), by_name(week, plan=plan), strict=True):
        assert one.measured is not None
        assert seven.measured is not None
        assert seven.measured.value == pytest.approx(one.measured.value, abs=1e-3)
        assert seven.measured.visits == 7 * one.measured.visits
        assert seven.measured.variance == pytest.approx(one.measured.variance / 7, rel=0.1)
        # what is wrong every day does not go away
        assert seven.measured.lasting == pytest.approx(one.measured.lasting, rel=0.1)


def test_two_promotions_are_added_up(day: Callable[..., list[Release]]) -> None:
    both = add_stops(day(), promotions={"promo": True, "aisle-1": True})
    assert both.counts == add_stops(day(), promotions={"promo": True}).counts
    assert both.variances[0] > add_stops(day(), promotions={"promo": True}).variances[0]


@given(st.permutations(LABELS))
def test_tiers_are_found_whatever_the_order_of_labels(labels: list[str]) -> None:
    counts = {"children": 50, "price-low": 300, "price-middle": 400, "price-high": 350}
    release = Release(
        epoch="0" * 16, seq=1, channel="tags", window_start=START, window_end=END, plan="1",
        codebook="", axes=(Axis("tag", tuple(labels)),),
        counts=tuple(counts[label] for label in labels), sd=20.0, rho=0.01,
        standard_privacy=True, coverage=1.0,
    )  # fmt: skip
    found = add_tiers([release, release], middle=0.0)
    assert found is not None
    assert found.counts == (600.0, 800.0, 700.0)
    assert found.variances == (800.0, 800.0, 800.0)


@pytest.mark.parametrize("drawn", [PROMOTION, TIERS])
def test_the_confusions_that_ship_lean_the_right_way(drawn: Drawn) -> None:
    table = np.array(ships(drawn).counts, dtype=float)
    parts = table / table.sum(axis=1)[:, None]
    # from who is drawn least to who is most: more stop at promotions, more baskets are dear
    assert (np.diff(parts[:, 0 if drawn is PROMOTION else 2]) > 0).all()
    assert table.sum() > 30_000
