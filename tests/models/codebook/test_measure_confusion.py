from __future__ import annotations

import numpy as np

from edge.release.codebook import nearest_cell
from edge.release.goods import Goods
from firmware_sim.batch import Batches
from firmware_sim.store import default_store
from firmware_sim.stories import Stories
from hub.patterns.drawn import PROMOTION, STOPPED, TIERS
from models.codebook.measure_confusion import (
    BOTH,
    cells_of,
    confusion_of,
    drawn_cells_of,
    visits_of,
)
from wire.codebook import default_codebook
from wire.messages import PRICE_TIERS


def test_visits_fall_where_the_agent_would_place_them() -> None:
    book = default_codebook()
    found = visits_of(3, days=[0], visits=150)
    cells = cells_of(found, book=book)
    for number, cell in enumerate(cells):
        traits = {
            scaling.trait: None if np.isnan(value) else value
            for scaling in book.scaling
            for value in [float(found[scaling.trait][number])]
        }
        placed = nearest_cell(traits, codebook=book)
        assert (-1 if placed is None else placed) == cell


def test_a_confusion_counts_every_placed_visit_once() -> None:
    book = default_codebook()
    found = visits_of(3, days=[0, 1], visits=500)
    cells = cells_of(found, book=book)
    made = confusion_of(
        found, cells=cells, counted_in=book, axes=("showroomer", "wanderer"), source="test"
    )
    assert sum(map(sum, made.counts)) == (cells >= 0).sum()
    assert made.fits(book)
    for row in made.labels:
        assert set(row) <= {0.0, 1.0}  # a kind is all of one side


def test_half_of_the_visits_are_of_shops_that_hear_one_shelf() -> None:
    found = {heard: visits_of(3, days=[0], visits=400, hearing=(heard,)) for heard in BOTH}
    picks = {heard: columns["picks"].mean() for heard, columns in found.items()}
    assert picks[False] < 0.5 * picks[True]
    both = visits_of(3, days=[0], visits=400)
    assert len(both["visit"]) == sum(len(columns["visit"]) for columns in found.values())


def test_baskets_fall_into_the_tiers_that_the_agent_names() -> None:
    found = visits_of(3, days=[0], visits=400)
    goods = Goods(tiers=PRICE_TIERS)
    cells = drawn_cells_of(found, drawn=TIERS)
    for tier, cell in zip(found["price_tier"], cells, strict=True):
        named = goods.tier(None if np.isnan(tier) else float(tier))
        assert named == (() if cell < 0 else (PRICE_TIERS[cell],))
    assert len(set(cells.tolist())) == 4


def test_who_stops_at_a_promotion_is_who_the_agent_s_outcomes_say() -> None:
    store = default_store()
    found = visits_of(3, days=[0], visits=300, hearing=(True,))
    batches = Batches(store, visits=300, seed=3)
    stories = Stories(store, batches=batches, seed=3).day(0)
    stopped = sum(story.zones.get("promo") in STOPPED for story in stories)
    assert stopped == (drawn_cells_of(found, drawn=PROMOTION) == 0).sum()
