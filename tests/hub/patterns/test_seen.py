from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest

from hub.patterns.seen import estimate_seen
from hub.patterns.shares import ShareParams
from wire.messages import PARTY, SEEN, Axis, Release

PARAMS = ShareParams()


@pytest.fixture
def seen(cells: Callable[..., Release]) -> Release:
    """900 visits: 90 cut, 180 in another's company."""
    return msgspec.structs.replace(
        cells(1),
        channel="visits",
        axes=(Axis("seen", SEEN), Axis("party", PARTY)),
        counts=(510, 150, 150, 30, 30, 30),
    )


def test_shares_of_cut_visits_and_of_company(seen: Release) -> None:
    got = estimate_seen([seen, seen], params=PARAMS)
    assert got is not None
    assert got.cut.value == pytest.approx(0.1)
    assert got.followed.value == pytest.approx(0.2)
    assert got.cut.low is not None
    assert got.cut.low < 0.1


def test_axes_may_come_in_another_order(seen: Release) -> None:
    turned = msgspec.structs.replace(seen, axes=seen.axes[::-1], counts=(510, 30, 150, 30, 150, 30))
    assert estimate_seen([turned], params=PARAMS) == estimate_seen([seen], params=PARAMS)


def test_without_the_channel_nothing_is_said(cells: Callable[..., Release]) -> None:
    assert estimate_seen([cells(1)], params=PARAMS) is None


def test_too_few_visits_are_withheld(seen: Release) -> None:
    few = msgspec.structs.replace(seen, counts=(5, 1, 1, 0, 0, 0))
    got = estimate_seen([few], params=PARAMS)
    assert got is not None
    assert got.cut.withheld
