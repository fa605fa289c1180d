from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import numpy as np

from hub.patterns.shares import ShareParams
from hub.reports.ground import GroundParams, HeatMap, first_ways, heat_map, ways
from hub.reports.period import PeriodData
from wire.messages import Meta

DAY = date(2026, 3, 2)
PARAMS = GroundParams()


def mapped(data: PeriodData) -> HeatMap:
    meta = data.newest[0]
    found = heat_map(
        data.releases, channel="walked", outline=meta.outline, fixtures=meta.fixtures, params=PARAMS
    )
    assert found is not None
    return found


def test_without_visits_no_cell_is_told_in_nineteen_of_twenty_maps(
    shop: Callable[..., Any], meta: Meta
) -> None:
    wrong = 0
    for seed in range(60):
        made = shop(visits=0, seed=seed)
        found = mapped(made.period(DAY, 1, meta=made.meta(meta)))
        wrong += any(cell.told for cell in found.cells)
    assert wrong <= 8  # of 60 at .05 each: 8 or fewer in 99 of 100 runs


def test_what_is_smoothed_keeps_its_interval(shop: Callable[..., Any], meta: Meta) -> None:
    bare = mapped(shop(noise=0, seed=4).period(DAY, 1, meta=shop().meta(meta)))
    held = []
    true = {(cell.east_m, cell.north_m): cell.visits.value for cell in bare.cells}
    noised = mapped(shop(seed=9).period(DAY, 1, meta=shop().meta(meta)))
    for cell in noised.cells:
        spread = 3 * true[cell.east_m, cell.north_m] ** 0.5  # other visits of the same shop
        value = true[cell.east_m, cell.north_m]
        held.append(cell.visits.low - spread <= value <= cell.visits.high + spread)
    assert np.mean(held) > 0.9


def test_the_corner_nobody_walks_in_is_dead_and_the_rest_is_not(
    shop: Callable[..., Any], meta: Meta
) -> None:
    made = shop()
    found = mapped(made.period(DAY, 14, meta=made.meta(meta)))
    dead = [(cell.east_m, cell.north_m) for cell in found.cells if cell.dead]
    assert (11.0, 17.0) in dead
    assert all(east >= 9 and north >= 13 for east, north in dead)


def test_only_ways_that_are_there_are_told(shop: Callable[..., Any], meta: Meta) -> None:
    made = shop()
    data = made.period(DAY, 7, meta=made.meta(meta))
    found, count = ways(data.releases, zones=data.zones, params=PARAMS)
    assert count == len(found) == 10
    assert (found[0].zone, found[0].to_zone) == ("entrance", "promo")
    rows = first_ways(data.releases, zones=data.zones, params=ShareParams())
    (turn,) = [row for row in rows if row.u_turn]
    assert turn.share.low is not None
    assert turn.share.high is not None
    assert turn.share.low < 0.05 / 0.92 < turn.share.high
