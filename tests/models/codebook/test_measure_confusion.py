from __future__ import annotations

import numpy as np

from edge.release.codebook import nearest_cell
from models.codebook.measure_confusion import BOTH, cells_of, confusion_of, visits_of
from wire.codebook import default_codebook


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
