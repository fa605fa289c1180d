from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from datetime import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.errors import PrivacyError
from edge.release.channels import Channels, Gist, Placing, spread
from edge.release.goods import Goods
from edge.release.hours import Daypart
from edge.release.privacy import Budget
from edge.release.tallies import Tally
from edge.rfid.items import ItemEvent
from edge.visits.path import Path, Stay, Stop
from edge.visits.plan import Floor
from edge.visits.visits import Visit
from wire.codebook import Codebook
from wire.messages import AXES, PRICE_TIERS, ChannelName

GOODS = Goods(("wine", "cheese", "bread"), {"1": "wine", "2": "wine", "3": "cheese"}, ("organic",))
PARTS = (Daypart("all", time(0)), Daypart("late", time(17)))
Visits = Callable[..., Visit]


@pytest.fixture
def channels(floor: Floor) -> Channels:
    return Channels(floor, dayparts=PARTS, goods=GOODS)


def told(
    channels: Channels, name: ChannelName, visit: Visit, codebook: Codebook, *, clip: int = 99
) -> dict[tuple[str, ...], int]:
    """Give what a visit adds by labels."""
    axes = channels[name].axes(codebook)
    shares = channels[name].shares(channels.gist(visit), Placing(codebook, 1, clip))
    return {
        tuple(axis.labels[index] for axis, index in zip(axes, cell, strict=True)): amount
        for cell, amount in shares
    }


def test_every_channel_has_the_contract_s_axes(channels: Channels, codebook: Codebook) -> None:
    assert set(channels.most) == set(AXES) - {"groups"}
    for name in channels.most:
        assert tuple(axis.name for axis in channels[name].axes(codebook)) == AXES[name]


def test_a_store_has_the_channels_it_has_something_to_tell_in(floor: Floor) -> None:
    bare = Channels(floor, dayparts=PARTS)
    assert set(AXES) - set(bare.most) == {"goods", "tags", "groups"}
    assert bare.most["zones"] == 10
    assert bare.most["flow"] == 12 * 11


def test_where_it_walked_and_stood(
    channels: Channels, codebook: Codebook, visit_at: Visits
) -> None:
    points = np.array([[0.5, 0.5], [0.6, 1.2], [0.5, 0.4], [3.9, 2.0]])
    visit = replace(visit_at(60_000), path=Path(0, 250, points))
    assert told(channels, "walked", visit, codebook) == {
        ("0", "0"): 1,
        ("1", "0"): 1,
        ("2", "3"): 1,
    }
    assert told(channels, "stood", visit, codebook) == {("8", "1"): 1}
    assert len(told(channels, "walked", visit, codebook, clip=2)) == 2
    assert told(channels, "walked", replace(visit, path=None), codebook) == {}


def test_ways_between_zones_each_once(
    channels: Channels, codebook: Codebook, visit_at: Visits
) -> None:
    order = ("entrance", "aisle-1", "aisle-1", "aisle-2", "aisle-1", "aisle-2", "exit")
    stays = tuple(Stay(zone, number, number + 1) for number, zone in enumerate(order))
    assert told(channels, "flow", replace(visit_at(60_000), stays=stays), codebook) == {
        ("entrance", "aisle-1"): 1,
        ("aisle-1", "aisle-2"): 1,
        ("aisle-2", "aisle-1"): 1,
        ("aisle-2", "exit"): 1,
    }


def test_what_became_of_goods_and_never_which_piece(
    channels: Channels, codebook: Codebook, visit_at: Visits
) -> None:
    def event(kind: str, product: str, tag: bytes, *, share: float = 1.0) -> ItemEvent:
        return ItemEvent(kind, 5, "aisle-1", product, tag, share=share)  # type: ignore[arg-type]

    items = (
        event("picked", "1", b"a"),
        event("picked", "2", b"b"),
        event("put_back", "1", b"a"),
        event("picked", "3", b"c"),
        event("put_back", "3", b"c"),
        event("picked", "unknown", b"d"),
        event("picked", "3", b"e", share=0.4),
    )
    visit = replace(visit_at(60_000), items=items)
    both = {("wine", "kept"): 1, ("cheese", "put_back"): 1}
    assert told(channels, "goods", visit, codebook) == both
    assert told(channels, "goods", visit, codebook, clip=1) == {("wine", "kept"): 1}


def test_how_visits_were_seen(channels: Channels, codebook: Codebook, visit_at: Visits) -> None:
    whole = visit_at(60_000)
    for change, seen, party in (
        ({}, "whole", "alone"),
        ({"cut": True}, "cut", "alone"),
        ({"party": 3}, "whole", "leads"),
        ({"party": 2, "leads": False, "cut": True}, "cut", "with"),
    ):
        visit = replace(whole, **change)
        assert told(channels, "visits", visit, codebook) == {(seen, party): 1}


def test_sums_are_the_way_from_the_prototype(
    channels: Channels, codebook: Codebook, visit_at: Visits
) -> None:
    near = visit_at(60_000, seconds=72)  # (72 - 60) / 30 of cell 1
    assert told(channels, "sums", near, codebook) == {("1", "duration_s"): 40, ("1", "kept"): 0}
    far = visit_at(900_000, seconds=800)
    assert told(channels, "sums", far, codebook) == {("2", "duration_s"): 100, ("2", "kept"): 0}
    assert told(channels, "sums", replace(far, entered=False), codebook) == {}


def _stays(zones: list[int]) -> tuple[Stay, ...]:
    return tuple(Stay(f"aisle-{zone}", n, n + 1) for n, zone in enumerate(zones))


@settings(deadline=None, max_examples=50)
@given(
    seconds=st.integers(1, 10_000),
    zones=st.lists(st.integers(0, 9), max_size=40),
    places=st.lists(
        st.tuples(st.floats(-5, 25), st.floats(-5, 15)).map(lambda p: (p[0], p[1])), max_size=120
    ),
    goods=st.lists(st.sampled_from(["1", "2", "3"]), max_size=8),
    whole=st.booleans(),
)
def test_no_visit_adds_more_than_its_channel_s_noise_covers(
    *,
    floor: Floor,
    codebook: Codebook,
    visit_at: Visits,
    seconds: int,
    zones: list[int],
    places: list[tuple[float, float]],
    goods: list[str],
    whole: bool,
) -> None:
    channels = Channels(floor, dayparts=PARTS, goods=GOODS)
    visit = replace(
        visit_at(10**7, seconds=seconds, whole=whole),
        stays=_stays(zones),
        stops=tuple(Stop("aisle-0", 0, 9_000, *place) for place in places),
        path=Path(0, 250, np.array(places).reshape(-1, 2)),
        items=tuple(
            ItemEvent("picked", 5, "aisle-1", one, b"%d" % n) for n, one in enumerate(goods)
        ),
    )
    gist = channels.gist(visit)
    for one in Budget().fitted(channels.most).channels:
        channel = channels[one.name]
        tally = Tally(one, axes=channel.axes(codebook))
        shares = channel.shares(gist, Placing(codebook, 1, one.clip))
        tally.add([cell for cell, _ in shares], amounts=[amount for _, amount in shares])
        squares = sum(amount * amount for amount in tally.exact())
        assert squares <= one.bound
        rho = squares / (2 * one.variance)
        assert rho <= one.rho


def test_more_than_the_bound_never_gets_in(
    channels: Channels, codebook: Codebook, visit_at: Visits
) -> None:
    """A channel that forgets its clip is stopped by the tally."""
    gist = channels.gist(replace(visit_at(60_000), stays=_stays(list(range(10)))))
    budget = Budget().fitted(channels.most | {"zones": 3}).channel("zones")
    unclipped = channels["zones"].shares(gist, Placing(codebook, 1, clip=10))
    tally = Tally(budget, axes=channels["zones"].axes(codebook))
    with pytest.raises(PrivacyError):
        tally.add([cell for cell, _ in unclipped])


@given(items=st.lists(st.integers()), most=st.integers(0, 20))
def test_a_spread_is_even_and_in_order(items: list[int], most: int) -> None:
    numbered = list(enumerate(items))
    chosen = spread(numbered, most=most)
    assert len(chosen) == min(len(items), most)
    assert chosen == sorted(chosen)
    assert len(set(chosen)) == len(chosen)
    gaps = np.diff([number for number, _ in chosen])
    assert not len(gaps) or max(gaps) <= math.ceil(len(items) / most)


def test_a_price_tier_goes_before_tags_so_that_no_clip_takes_it(
    floor: Floor, codebook: Codebook
) -> None:
    channels = Channels(floor, dayparts=PARTS, goods=replace(GOODS, tiers=PRICE_TIERS))
    assert channels.most["tags"] == 2
    channel = channels["tags"]
    labels = channel.axes(codebook)[0].labels
    assert labels == (*PRICE_TIERS, "organic")
    gist = Gist(60_000, {}, {}, (), (), (), {}, ("price-high", "organic"), "whole", "alone")
    assert channel.shares(gist, Placing(codebook, 1, 1)) == [((2,), 1)]
    assert channel.shares(gist, Placing(codebook, 1, 4)) == [((2,), 1), ((3,), 1)]
