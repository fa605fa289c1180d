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
        ConfigError: it names traits this version does not measure.
    """
    known = {trait.name for trait in TRAITS}
    unknown = [scaling.trait for scaling in codebook.scaling if scaling.trait not in known]
    if unknown:
        raise ConfigError(
            f"codebook {codebook.version!r} needs traits this agent does not measure: "
            f"{', '.join(unknown)}; update the agent, or publish another codebook"
        )


def cell_axis(codebook: Codebook) -> Axis:
    """Give the axis of a ``cells`` release: cell numbers, and the dropped last."""
    return Axis("cell", (*map(str, range(len(codebook.cells))), DROPPED))


def nearest_cell(traits: Mapping[str, float | None], *, codebook: Codebook) -> int | None:
    """Give the number of the nearest prototype in scaled coordinates, the first of equals.

    Returns:
        The cell's number, or None where a trait abstains.
    """
    place: list[float] = []
    for scaling in codebook.scaling:
        value = traits[scaling.trait]
        if value is None:
            return None
        bent = math.log1p(value) if scaling.log else value
        place.append((bent - scaling.centre) / scaling.spread)
    gaps = [math.dist(place, cell.prototype) for cell in codebook.cells]
    return gaps.index(min(gaps))
