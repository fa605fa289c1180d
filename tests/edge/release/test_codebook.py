from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.errors import ConfigError
from edge.release.codebook import cell_axis, check_codebook, nearest_cell
from edge.visits.traits import TRAITS
from wire.codebook import Cell, Codebook, Scaling, default_codebook
from wire.messages import DROPPED, PATTERNS

BOOK = Codebook(
    "c1",
    (Scaling("duration_s", math.log(61), 0.5, log=True), Scaling("kept", 0.5, 0.5)),
    (Cell((0.0, -1.0), {}), Cell((0.0, 1.0), {}), Cell((2.0, 1.0), {})),
)


def test_the_nearest_prototype_in_scaled_coordinates() -> None:
    assert nearest_cell({"duration_s": 60, "kept": 0}, codebook=BOOK) == 0
    assert nearest_cell({"duration_s": 60, "kept": 3}, codebook=BOOK) == 1
    assert nearest_cell({"duration_s": 160, "kept": 1}, codebook=BOOK) == 2
    assert nearest_cell({"duration_s": 60, "kept": 0.5}, codebook=BOOK) == 0  # the first of equals


def test_a_trait_that_abstains_places_nowhere() -> None:
    assert nearest_cell({"duration_s": None, "kept": 0}, codebook=BOOK) is None
    assert nearest_cell({"duration_s": 60, "kept": 0, "stops": None}, codebook=BOOK) == 0


@given(number=st.integers(0, 15))
def test_every_prototype_of_the_default_is_in_its_own_cell(number: int) -> None:
    book = default_codebook()
    place = zip(book.scaling, book.cells[number].prototype, strict=True)
    traits: dict[str, float | None] = {}
    for scaling, coordinate in place:
        bent = coordinate * scaling.spread + scaling.centre
        traits[scaling.trait] = math.expm1(bent) if scaling.log else bent
    assert nearest_cell(traits, codebook=book) == number


def test_the_default_codebook_is_countable_and_complete() -> None:
    book = default_codebook()
    check_codebook(book)
    assert len(book.cells) == 16
    assert {scaling.trait for scaling in book.scaling} <= {trait.name for trait in TRAITS}
    assert all(set(cell.patterns) == set(PATTERNS) for cell in book.cells)
    assert cell_axis(book).labels == (*map(str, range(16)), DROPPED)


def test_an_unknown_trait_is_refused_by_name() -> None:
    odd = Codebook("c2", (Scaling("heartbeat", 0, 1),), (Cell((0.0,), {}), Cell((1.0,), {})))
    with pytest.raises(ConfigError, match=r"'c2' needs .*heartbeat; update"):
        check_codebook(odd)
