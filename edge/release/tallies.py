"""Exact counts of one window, clipped as they are made; they never leave ``edge.release``."""

from __future__ import annotations

import math
from collections.abc import Iterable

from edge.errors import PrivacyError
from edge.release.privacy import ChannelBudget
from wire.messages import Axis

Cell = tuple[int, ...]
"""Indices along a channel's axes."""


class Tally:
    """Counts of visits in one channel's cells; what one visit adds is no longer than the bound.

    Attributes:
        channel: whose noise will be added.
        axes: dimensions of the counts, row-major.
    """

    def __init__(self, channel: ChannelBudget, *, axes: tuple[Axis, ...]) -> None:
        self.channel = channel
        self.axes = axes
        self._lengths = tuple(len(axis.labels) for axis in axes)
        self._counts = [0] * math.prod(self._lengths)
        self._closed = False

    def tighten(self, channel: ChannelBudget) -> None:
        """Let out with more noise than was planned; what is counted already is covered by it too.

        Raises:
            PrivacyError: another channel or clip, or less noise.
        """
        now = self.channel
        if (channel.name, channel.bound) != (
            now.name,
            now.bound,
        ) or channel.variance < now.variance:
            raise PrivacyError(f"channel {now.name}: a window in progress may only be tightened")
        self.channel = channel

    def add(self, cells: Iterable[Cell], *, amounts: Iterable[int] | None = None) -> None:
        """Count one visit.

        Args:
            cells: where it adds something.
            amounts: what it adds there; without them, 1 each.

        Raises:
            PrivacyError: it adds more than the bound, or to one cell twice: the noise would not
                cover it.
            IndexError: a cell outside the axes.
        """
        touched = list(cells)
        added = [1] * len(touched) if amounts is None else list(amounts)
        squares = sum(amount * amount for amount in added)
        if squares > self.channel.bound or len(set(touched)) != len(touched):
            raise PrivacyError(
                f"channel {self.channel.name}: a visit may add 1 to {self.channel.clip} "
                f"different cells at most, in parts of {self.channel.unit}"
            )
        places = [(self._place(cell), amount) for cell, amount in zip(touched, added, strict=True)]
        for place, amount in places:
            self._counts[place] += amount

    def exact(self) -> tuple[int, ...]:
        """Give the counts before noise, for ``edge.release`` alone."""
        return tuple(self._counts)

    def close(self) -> tuple[int, ...]:
        """Give the counts once, to be noised: two noised copies would average to the truth.

        Raises:
            PrivacyError: they were given before.
        """
        if self._closed:
            raise PrivacyError(f"channel {self.channel.name}: this window was let out before")
        self._closed = True
        return self.exact()

    def _place(self, cell: Cell) -> int:
        place = 0
        for index, length in zip(cell, self._lengths, strict=True):
            if not 0 <= index < length:
                raise IndexError(f"a cell outside {self._lengths}")  # which one is a visit's own
            place = place * length + index
        return place
