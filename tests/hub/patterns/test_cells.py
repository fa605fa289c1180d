from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import msgspec
import pytest

from hub.patterns.cells import add_cells, cells_of_days, estimate_patterns
from hub.patterns.shares import ShareParams
from wire.messages import DROPPED, Axis, Meta, Release

PARAMS = ShareParams()


def test_counts_and_noise_add_up_over_windows_and_dropped_visits_stay_apart(
    cells: Callable[..., Release],
) -> None:
    counts = (10, 20, 30, 40, 50, 60, 70, 80, 5)
    (sums,) = add_cells([cells(1, counts=counts), cells(2, counts=counts)])
    assert sums.counts == tuple(2 * n for n in counts[:-1])
    assert sums.dropped == 10
    assert sums.variances == (50.0,) * 8
    assert sums.dropped_variance == 50.0


def test_visits_hold_the_dropped_and_shares_do_not(
    cells: Callable[..., Release], meta: Meta
) -> None:
    release = cells(1, counts=(0, 0, 0, 900, 0, 0, 0, 0, 100))
    got = estimate_patterns(
        add_cells([release]), codebooks={"test-1": meta.codebook}, params=PARAMS
    )
    assert got.visits.value == 1000
    shares = {row.name: row.share.value for row in got.shares}
    assert shares["showroomer"] == pytest.approx(0.4)
    assert shares["wanderer"] == pytest.approx(0.5)


def test_counts_of_a_replaced_codebook_are_read_by_their_own(
    cells: Callable[..., Release], meta: Meta
) -> None:
    small = msgspec.structs.replace(
        meta.codebook, version="test-2", cells=(meta.codebook.cells[0], meta.codebook.cells[7])
    )
    other = msgspec.structs.replace(
        cells(2),
        codebook="test-2",
        axes=(Axis("cell", ("0", "1", DROPPED)),),
        counts=(0, 500, 0),
    )
    first = cells(1, counts=(500, 0, 0, 0, 0, 0, 0, 0, 0))
    books = {"test-1": meta.codebook, "test-2": small}
    got = estimate_patterns(add_cells([first, other]), codebooks=books, params=PARAMS)
    assert got.shares[0].share.value == pytest.approx((0.1 + 0.8) / 2)


def test_an_unknown_codebook_withholds_the_shares_but_not_the_visits(
    cells: Callable[..., Release],
) -> None:
    release = cells(1, counts=(500, 0, 0, 0, 0, 0, 0, 0, 0))
    got = estimate_patterns(add_cells([release]), codebooks={}, params=PARAMS)
    assert got.visits.value == 500
    assert got.shares[0].share.withheld is not None
    assert "test-1" in got.shares[0].share.withheld


def test_a_day_s_own_count_stands_for_its_hours_and_no_hour_is_lost(
    cells: Callable[..., Release], zones: Callable[..., Release]
) -> None:
    hours = [cells(number, hour=8 + number) for number in range(1, 6)]
    day = msgspec.structs.replace(
        cells(9, hour=9), channel="day_cells", window_end=hours[2].window_end
    )
    elsewhere = msgspec.structs.replace(day, epoch="0" * 16, window_end=hours[3].window_end)
    chosen = cells_of_days([*hours, day, zones(10, counts=(0,) * 70)])
    assert chosen == [day, hours[3], hours[4]]
    (sums,) = add_cells(chosen)
    assert sums.variances == (75.0,) * 8
    assert cells_of_days([*hours, elsewhere]) == [elsewhere, *hours]
    early = msgspec.structs.replace(day, window_end=hours[2].window_end - timedelta(minutes=1))
    assert cells_of_days([*hours, early]) == [early, *hours[2:]]
