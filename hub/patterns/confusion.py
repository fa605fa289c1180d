"""How often visits of a kind fall into each cell: measured once, shipped for what has the cells."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from importlib import resources
from typing import Annotated

import msgspec

from wire.codebook import Codebook

Row = tuple[float, ...]


class Confusion(msgspec.Struct, frozen=True):
    """Simulated visits by kind and cell.

    A kind is a set of visits alike in every axis: in which patterns they show, and how strongly
    they lean that way. What the agent does not see, or sees wrongly, is in the counts.

    Attributes:
        counted_in: what the cells are of: a codebook's version, or what else visits are counted in
            (``hub.patterns.drawn``).
        cells: fingerprint of a codebook's cells, so that another one of the same name is not taken
            for it; else the cells' names.
        axes: names of the patterns.
        labels: (kinds, axes) part of a kind's visits that show the pattern.
        leanings: (kinds, axes) how strongly, -1 to 1: along these a shop's visits may differ from
            the simulated ones.
        counts: (kinds, cells) visits.
        source: what it was measured on, for people.
    """

    counted_in: str
    cells: str
    axes: Annotated[tuple[str, ...], msgspec.Meta(min_length=1)]
    labels: tuple[Row, ...]
    leanings: tuple[Row, ...]
    counts: tuple[tuple[int, ...], ...]
    source: str = ""

    def __post_init__(self) -> None:
        """Refuse tables that do not fit each other."""
        kinds = {len(self.labels), len(self.leanings), len(self.counts)}
        widths = {len(row) for row in (*self.labels, *self.leanings)}
        if len(kinds) != 1 or widths != {len(self.axes)} or len({*map(len, self.counts)}) != 1:
            raise ValueError("labels, leanings and counts must have a row for each kind")

    def fits(self, book: Codebook) -> bool:
        """Tell whether it was measured with this very codebook."""
        return (self.counted_in, self.cells) == (book.version, fingerprint(book))


def fingerprint(book: Codebook) -> str:
    """Give what tells a codebook's cells from another's of the same name."""
    placing = (book.scaling, tuple(cell.prototype for cell in book.cells))
    return hashlib.sha256(msgspec.json.encode(placing)).hexdigest()[:16]


def shipped(book: Codebook) -> Confusion | None:
    """Read what ships with this release of aislewise for a codebook; None where nothing does."""
    return shipped_for(book.version, cells=fingerprint(book))


@lru_cache(maxsize=16)
def shipped_for(counted_in: str, *, cells: str) -> Confusion | None:
    """Read what ships for anything that visits are counted in.

    Args:
        counted_in: as ``Confusion.counted_in``.
        cells: likewise.
    """
    folder = resources.files("hub.patterns").joinpath("confusions")
    for file in sorted(folder.iterdir(), key=lambda one: one.name):
        if file.name.startswith(f"{counted_in}-") or file.name == f"{counted_in}.json":
            found = msgspec.json.decode(file.read_bytes(), type=Confusion)
            if (found.counted_in, found.cells) == (counted_in, cells):
                return found
    return None
