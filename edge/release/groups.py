"""Groups of visits that are alike: a research mode, off unless the store's own file asks for it.

What is let out are means over ten or more visits, so nobody is alone in what is told: k-anonymity.
It is not differential privacy, no epsilon bounds it, and somebody who knows the other members of a
group knows the last one's traits. The sizes sum up to the exact number of visits that were placed,
so somebody who knows of all others knows whether one more took place; a mean is moved by an extreme
visit without a bound. A membership attack without such knowledge gets an AUC of about .62 on one
batch, besides what all other channels cost.

Source: Domingo-Ferrer & Torra 2005, "Ordinal, continuous and heterogeneous k-anonymity through
microaggregation" (MDAV-generic).
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from edge.errors import PrivacyError
from edge.release.codebook import place_of, trait_axis
from edge.release.privacy import ChannelBudget
from wire.codebook import Codebook
from wire.messages import SUMS_UNIT, Axis

LEAST = 10
"""Visits in a group."""
BATCH = 100
"""Visits in a day, without which nothing is told: with few, groups are of visits unlike."""
SIZE = "visits"
GROUPS = ChannelBudget(
    name="groups",
    period="day",
    clip=1,
    unit=SUMS_UNIT,
    rho=0.0,
    variance=Fraction(1, 12),  # of rounding; there is no noise
    sd=1 / 12**0.5,
    standard=False,
)
"""The mode's own line in the ledger: what it costs is outside the budget."""

Places = NDArray[np.float64]


class Batch:
    """The scaled traits of a day's visits; they never leave ``edge.release`` one by one."""

    def __init__(self, codebook: Codebook) -> None:
        self._codebook = codebook
        self._places: list[tuple[float, ...]] = []
        self._closed = False

    def add(self, traits: Mapping[str, float | None]) -> None:
        """Take a visit; one that the codebook cannot place is left out."""
        place = place_of(traits, codebook=self._codebook)
        if place is not None:
            self._places.append(tuple(0.0 if one is None else one for one in place))

    def axes(self, *, groups: int) -> tuple[Axis, Axis]:
        """Give the axes of so many groups."""
        names = (SIZE, *trait_axis(self._codebook).labels)
        return Axis("group", tuple(map(str, range(groups)))), Axis("trait", names)

    def close(self) -> list[tuple[int, ...]]:
        """Give every group's size and means once, in an order that tells nothing of who came when.

        Returns:
            None at all for fewer visits than a batch needs.

        Raises:
            PrivacyError: they were given before.
        """
        if self._closed:
            raise PrivacyError("channel groups: this window was let out before")
        self._closed = True
        if len(self._places) < BATCH:
            return []
        places = np.array(self._places)
        return sorted(
            (len(group), *np.rint(SUMS_UNIT * places[group].mean(axis=0)).astype(int).tolist())
            for group in mdav(places, least=LEAST)
        )


def mdav(places: Places, *, least: int) -> list[NDArray[np.intp]]:
    """Divide places into groups of at least so many near each other.

    Args:
        places: (N, D).
        least: of a group; N is at least as much.

    Returns:
        Indices of each group's members: between ``least`` and 2 ``least`` - 1 of them.
    """
    left = np.arange(len(places))
    groups = []
    while len(left) >= 2 * least:
        middle = places[left].mean(axis=0)
        corner = places[_by_distance(places, left, of=middle)[-1]]
        near = _by_distance(places, left, of=corner)
        groups.append(near[:least])
        left = near[least:]
        if len(left) >= 2 * least:  # and one at the other end
            near = _by_distance(places, left, of=places[left[-1]])
            groups.append(near[:least])
            left = near[least:]
    return [*groups, left]


def _by_distance(
    places: Places, which: NDArray[np.intp], *, of: NDArray[np.float64]
) -> NDArray[np.intp]:
    away = np.linalg.norm(places[which] - of, axis=1)
    return which[np.argsort(away, kind="stable")]
