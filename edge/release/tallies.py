"""Exact counts of one window, clipped as they are made; they never leave ``edge.release``."""

from __future__ import annotations

import math
from collections.abc import Iterable

from edge.errors import PrivacyError
from edge.release.privacy import ChannelBudget
from wire.messages import Axis


class Tally:
    """Counts of visits in one channel's cells; one visit adds 1 in at most ``clip`` cells.

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
        if (channel.name, channel.clip) != (now.name, now.clip) or channel.variance < now.variance:
            raise PrivacyError(f"channel {now.name}: a window in progress may only be tightened")
        self.channel = channel

    def add(self, cells: Iterable[tuple[int, ...]]) -> None:
        """Count one visit.

        Args:
            cells: indices along the axes, one tuple a cell.

        Raises:
            PrivacyError: more cells than the clip, or one twice: the noise would not cover it.
            IndexError: a cell outside the axes.
        """
        touched = list(cells)
        if len(touched) > self.channel.clip or len(set(touched)) != len(touched):
            raise PrivacyError(
                f"channel {self.channel.name}: a visit may add 1 to {self.channel.clip} "
                f"different cells at most"
            )
        places = [self._place(cell) for cell in touched]
        for place in places:
            self._counts[place] += 1

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

    def _place(self, cell: tuple[int, ...]) -> int:
        place = 0
        for index, length in zip(cell, self._lengths, strict=True):
            if not 0 <= index < length:
                raise IndexError(f"a cell outside {self._lengths}")  # which one is a visit's own
            place = place * length + index
        return place
