"""How visits were seen: cut by lost tracks, and in company."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from hub.patterns.shares import Share, ShareParams, share
from wire.messages import Release


@dataclass(frozen=True, slots=True)
class Seen:
    """Of all visits that were counted.

    Attributes:
        cut: share that a lost track cut. One pass then counts as several visits, so figures per
            visit come out too low.
        followed: share that belongs to somebody else's party: figures per party are those per
            visit, divided by what is left.
    """

    cut: Share
    followed: Share


def estimate_seen(releases: Iterable[Release], *, params: ShareParams) -> Seen | None:
    """Estimate it from the releases of the channel ``visits``; None if there are none."""
    counts: list[float] = []
    variances: list[float] = []
    cut: list[float] = []
    followed: list[float] = []
    for release in releases:
        if release.channel != "visits":
            continue
        first, second = release.axes
        cells = [(one, other) for one in first.labels for other in second.labels]
        counts += release.counts
        variances += [release.sd**2] * len(cells)
        cut += [float("cut" in cell) for cell in cells]
        followed += [float("with" in cell) for cell in cells]
    if not counts:
        return None
    return Seen(
        cut=share(counts, weights=cut, variances=variances, params=params),
        followed=share(counts, weights=followed, variances=variances, params=params),
    )
