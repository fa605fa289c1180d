from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.errors import ConfigError
from edge.release.codebook import cell_axis, check_codebook, deviation, nearest_cell
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


@given(number=st.integers(0, 19))
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
    assert len(book.cells) == 20
    assert {scaling.trait for scaling in book.scaling} <= {trait.name for trait in TRAITS}
    assert all(set(cell.patterns) == set(PATTERNS) for cell in book.cells)
    assert cell_axis(book).labels == (*map(str, range(20)), DROPPED)


def test_an_unknown_trait_is_refused_by_name() -> None:
    odd = Codebook("c2", (Scaling("heartbeat", 0, 1),), (Cell((0.0,), {}), Cell((1.0,), {})))
    with pytest.raises(ConfigError, match=r"'c2' needs .*heartbeat; update"):
        check_codebook(odd)


@pytest.mark.parametrize(
    "scaling",
    [
        (Scaling("stops", 0, 1), Scaling("stops", 1, 1)),
        (Scaling("promo_lift", 0, 1, log=True),),
    ],
)
def test_scalings_that_cannot_be_are_refused(scaling: tuple[Scaling, ...]) -> None:
    zeros = (0.0,) * len(scaling)
    odd = Codebook("c2", scaling, (Cell(zeros, {}), Cell(zeros, {})))
    with pytest.raises(ConfigError, match=f"'c2' has traits twice.*{scaling[0].trait}"):
        check_codebook(odd)


def test_an_optional_trait_that_abstains_counts_for_no_distance() -> None:
    book = Codebook(
        "c3",
        (Scaling("duration_s", 60, 30), Scaling("price_tier", 0.5, 0.25, optional=True)),
        (Cell((0.0, -1.0), {}), Cell((1.0, 1.0), {})),
    )
    assert nearest_cell({"duration_s": 85, "price_tier": None}, codebook=book) == 1
    assert nearest_cell({"duration_s": 85, "price_tier": 0.2}, codebook=book) == 0
    assert nearest_cell({"duration_s": None, "price_tier": 0.5}, codebook=book) is None
    away = deviation({"duration_s": 75, "price_tier": None}, codebook=book, cell=1, unit=100)
    assert away == (-50, 0)
    with pytest.raises(ValueError, match="no cell"):
        deviation({"duration_s": None, "price_tier": 0.5}, codebook=book, cell=1, unit=100)


@given(
    values=st.lists(st.floats(-1e9, 1e9), min_size=2, max_size=2),
    cell=st.integers(0, 2),
    unit=st.integers(1, 1_000),
)
def test_a_deviation_is_never_longer_than_its_unit_in_whole_numbers(
    values: list[float], cell: int, unit: int
) -> None:
    traits = dict(zip(("duration_s", "kept"), map(abs, values), strict=True))
    away = deviation(traits, codebook=BOOK, cell=cell, unit=unit)
    assert sum(one * one for one in away) <= unit * unit
    place = ((math.log1p(traits["duration_s"]) - math.log(61)) / 0.5, 2 * traits["kept"] - 1)
    gap = [one - other for one, other in zip(place, BOOK.cells[cell].prototype, strict=True)]
    clipped = [one / max(1.0, math.hypot(*gap)) for one in gap]
    assert all(abs(got - unit * want) <= 1 for got, want in zip(away, clipped, strict=True))
