from __future__ import annotations

from collections.abc import Callable

import msgspec
import numpy as np
import pytest

from hub.patterns.shares import ShareParams
from hub.patterns.zones import add_zones, estimate_zone
from wire.messages import OUTCOMES, Release

PARAMS = ShareParams()


@pytest.fixture
def release(zones: Callable[..., Release]) -> Release:
    """Two zones, two dayparts, five outcomes: all different."""
    return zones(1, counts=tuple(range(100, 2100, 100)), zones=("aisle-1", "aisle-2"))


def test_dayparts_add_up_within_a_zone(release: Release) -> None:
    one, two = add_zones([release])
    assert one.zone == "aisle-1"
    assert one.counts == (700, 900, 1100, 1300, 1500)
    assert two.counts == (2700, 2900, 3100, 3300, 3500)
    assert one.variances == (200.0,) * 5


def test_the_order_of_axes_and_labels_does_not_matter(release: Release) -> None:
    table = np.asarray(release.counts).reshape(2, 2, 5)
    turned = np.moveaxis(table, 0, 2)[:, ::-1, :]
    zone, part, outcome = release.axes
    flipped = msgspec.structs.replace(outcome, labels=outcome.labels[::-1])
    other = msgspec.structs.replace(
        release,
        axes=(part, flipped, zone),
        counts=tuple(int(n) for n in turned.ravel()),
    )
    assert add_zones([other]) == add_zones([release])


def test_figures_are_shares_of_all_who_came_through(release: Release) -> None:
    _, sums = add_zones([release])
    got = estimate_zone(sums, has_reader=True, params=PARAMS)
    assert got.passers.value == sum(sums.counts)
    assert got.stop_rate.value == pytest.approx(1 - 2700 / 15500)
    assert got.conversion is not None
    assert got.conversion.value == pytest.approx(3500 / 15500)
    assert [o.value for o in got.outcomes] == list(sums.counts)
    assert len(got.outcomes) == len(OUTCOMES)


def test_without_a_reader_pure_noise_is_left_out_and_there_is_no_conversion(
    release: Release,
) -> None:
    sums, _ = add_zones([release])
    got = estimate_zone(sums, has_reader=False, params=PARAMS)
    assert got.conversion is None
    assert got.passers.value == 700 + 900 + 1100
    assert got.stop_rate.value == pytest.approx(2000 / 2700)
