"""The codebook: the vocabulary of visits, by which an agent counts and a hub reads."""

from __future__ import annotations

from importlib import resources
from typing import Annotated

import msgspec

Share = Annotated[float, msgspec.Meta(ge=0.0, le=1.0)]


class Scaling(msgspec.Struct, frozen=True, forbid_unknown_fields=False):
    """How one trait becomes a coordinate: ``(f(value) - centre) / spread``, f = ln(1+x) if log.

    Attributes:
        optional: where the trait abstains, a visit is placed by the others; without it, such a
            visit is told as dropped.
    """

    trait: str
    centre: float
    spread: Annotated[float, msgspec.Meta(gt=0.0)]
    log: bool = False
    optional: bool = False


class Cell(msgspec.Struct, frozen=True):
    """One prototype visit, and how often visits nearest to it show each pattern.

    Attributes:
        prototype: scaled coordinates, one per trait of the codebook's ``scaling``.
        patterns: pattern name → probability that a visit of this cell shows it, measured on
            the simulated visits the codebook was made from.
    """

    prototype: tuple[float, ...]
    patterns: dict[str, Share]


class Codebook(msgspec.Struct, frozen=True):
    """A versioned set of prototype visits.

    Attributes:
        version: names this codebook in every release counted with it.
        scaling: the traits that place a visit, in the order of a prototype's coordinates.
        cells: 16 to 32 prototypes; a release counts the visits nearest to each.
        source: what it was made from, for people.
    """

    version: Annotated[str, msgspec.Meta(min_length=1, max_length=32)]
    scaling: Annotated[tuple[Scaling, ...], msgspec.Meta(min_length=1)]
    cells: Annotated[tuple[Cell, ...], msgspec.Meta(min_length=2, max_length=64)]
    source: str = ""

    def __post_init__(self) -> None:
        """Refuse prototypes that do not fit the scaling."""
        for number, cell in enumerate(self.cells):
            if len(cell.prototype) != len(self.scaling):
                raise ValueError(
                    f"cell {number} has {len(cell.prototype)} coordinates "
                    f"for {len(self.scaling)} traits"
                )


def default_codebook() -> Codebook:
    """Read the codebook that ships with this release of aislewise."""
    text = resources.files("wire").joinpath("codebook_default.json").read_bytes()
    return msgspec.json.decode(text, type=Codebook)
