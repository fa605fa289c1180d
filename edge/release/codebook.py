"""Visits to cells of the codebook: which prototype is nearest."""

from __future__ import annotations

import math
from collections.abc import Mapping

from edge.errors import ConfigError
from edge.visits.traits import TRAITS
from wire.codebook import Codebook
from wire.messages import DROPPED, Axis


def check_codebook(codebook: Codebook) -> None:
    """Refuse a codebook this agent cannot count with.

    Raises:
        ConfigError: it names traits this version does not measure, or cannot scale.
    """
    least = {trait.name: trait.valid[0] for trait in TRAITS}
    names = [scaling.trait for scaling in codebook.scaling]
    unknown = [name for name in names if name not in least]
    if unknown:
        raise ConfigError(
            f"codebook {codebook.version!r} needs traits this agent does not measure: "
            f"{', '.join(unknown)}; update the agent, or publish another codebook"
        )
    twice = sorted({name for name in names if names.count(name) > 1})
    signed = [one.trait for one in codebook.scaling if one.log and least[one.trait] < 0]
    if twice or signed:
        raise ConfigError(
            f"codebook {codebook.version!r} has traits twice, or the logarithm of one that may be "
            f"negative: {', '.join(twice + signed)}; publish another codebook"
        )


def cell_axis(codebook: Codebook) -> Axis:
    """Give the axis of a ``cells`` release: cell numbers, and the dropped last."""
    return Axis("cell", (*map(str, range(len(codebook.cells))), DROPPED))


def trait_axis(codebook: Codebook) -> Axis:
    """Give the second axis of a ``sums`` release: the traits in a prototype's order."""
    return Axis("trait", tuple(scaling.trait for scaling in codebook.scaling))


def nearest_cell(traits: Mapping[str, float | None], *, codebook: Codebook) -> int | None:
    """Give the number of the nearest prototype in scaled coordinates, the first of equals.

    An optional trait that abstains counts for no distance.

    Returns:
        The cell's number, or None where a trait abstains that is not optional.
    """
    place = place_of(traits, codebook=codebook)
    if place is None:
        return None
    told = [one for one in place if one is not None]
    if len(told) == len(place):
        gaps = [math.dist(told, cell.prototype) for cell in codebook.cells]
    else:
        gaps = [math.hypot(*_gap(place, cell.prototype)) for cell in codebook.cells]
    return gaps.index(min(gaps))


def deviation(
    traits: Mapping[str, float | None], *, codebook: Codebook, cell: int, unit: int
) -> tuple[int, ...]:
    """Give what a visit's scaled traits deviate by from a prototype, clipped to length 1.

    Args:
        traits: of a visit that was placed.
        codebook: by which it was placed.
        cell: where.
        unit: the deviation is told in integers of 1/unit; their squares sum up to unit² at most.

    Returns:
        One integer a trait, 0 where one abstains.

    Raises:
        ValueError: a trait abstains that is not optional.
    """
    place = place_of(traits, codebook=codebook)
    if place is None:
        raise ValueError("a visit that is in no cell deviates from none")
    gap = _gap(place, codebook.cells[cell].prototype)
    length = math.hypot(*gap)
    if not math.isfinite(length):
        return (0,) * len(gap)
    stretch = unit * (1 - 1e-12) / max(1.0, length)  # the last bits of a float must not exceed it
    rounded = tuple(round(one * stretch) for one in gap)
    if sum(one * one for one in rounded) <= unit * unit:
        return rounded
    return tuple(math.trunc(one * stretch) for one in gap)  # towards zero it cannot grow


def place_of(
    traits: Mapping[str, float | None], *, codebook: Codebook
) -> tuple[float | None, ...] | None:
    """Give scaled coordinates, None for an optional trait that abstains.

    Returns:
        None where a trait abstains that is not optional.
    """
    place: list[float | None] = []
    for scaling in codebook.scaling:
        value = traits[scaling.trait]
        if value is None:
            if not scaling.optional:
                return None
            place.append(None)
            continue
        bent = math.log1p(value) if scaling.log else value
        place.append((bent - scaling.centre) / scaling.spread)
    return tuple(place)


def _gap(place: tuple[float | None, ...], prototype: tuple[float, ...]) -> list[float]:
    return [
        0.0 if one is None else one - other for one, other in zip(place, prototype, strict=True)
    ]
