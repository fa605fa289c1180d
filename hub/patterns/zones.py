"""What visits did in each zone, from zone x daypart x outcome counts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from hub.patterns.shares import Estimate, Share, ShareParams, share, total
from wire.messages import OUTCOMES, Release

NEED_READER = ("put_back", "kept")
"""Outcomes that cannot happen in a zone without a reader: there the counts are noise alone."""


@dataclass(frozen=True, slots=True)
class ZoneSums:
    """Counts of one zone, added up over dayparts, windows and agents.

    Attributes:
        counts: one per outcome of ``wire.messages.OUTCOMES``, noised.
        variances: of the noise on each.
    """

    zone: str
    counts: tuple[int, ...]
    variances: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class ZoneFigures:
    """What a report says of one zone.

    Attributes:
        outcomes: in the order of ``OUTCOMES``; the strongest thing a visit did here.
        passers: every visit that came through the zone, whatever it did.
        stop_rate: share of the passers who stopped or took something in hand.
        conversion: share of the passers who kept something; None without a reader.
    """

    outcomes: tuple[Estimate, ...]
    passers: Estimate
    stop_rate: Share
    conversion: Share | None


def add_zones(releases: Iterable[Release]) -> list[ZoneSums]:
    """Add up ``zones`` releases, in the order zones first appear; other channels are ignored."""
    counts: dict[str, np.ndarray] = {}
    variances: dict[str, np.ndarray] = {}
    for release in releases:
        if release.channel != "zones":
            continue
        names = [axis.name for axis in release.axes]
        labels = {axis.name: axis.labels for axis in release.axes}
        # an outcome this version does not know makes the release unreadable, not smaller
        columns = [labels["outcome"].index(outcome) for outcome in OUTCOMES]
        table = np.asarray(release.counts, dtype=np.int64).reshape(
            [len(axis.labels) for axis in release.axes]
        )
        by_zone = np.moveaxis(
            table, [names.index("zone"), names.index("outcome"), names.index("daypart")], [0, 1, 2]
        )
        variance = release.sd**2 * by_zone.shape[2]
        for zone, rows in zip(labels["zone"], by_zone.sum(axis=2), strict=True):
            there = counts.setdefault(zone, np.zeros(len(OUTCOMES), dtype=np.int64))
            there += rows[columns]
            noise = variances.setdefault(zone, np.zeros(len(OUTCOMES)))
            noise += variance
    return [
        ZoneSums(zone, tuple(int(n) for n in row), tuple(float(v) for v in variances[zone]))
        for zone, row in counts.items()
    ]


def estimate_zone(sums: ZoneSums, *, has_reader: bool, params: ShareParams) -> ZoneFigures:
    """Estimate one zone's figures.

    Args:
        sums: from ``add_zones``.
        has_reader: whether picking something up can be noticed there.
        params: when a share is shown.
    """
    seen = [has_reader or outcome not in NEED_READER for outcome in OUTCOMES]
    counts = _chosen(sums.counts, seen)
    variances = _chosen(sums.variances, seen)
    outcomes = [outcome for outcome, here in zip(OUTCOMES, seen, strict=True) if here]
    stopped = [0.0 if outcome == "pass" else 1.0 for outcome in outcomes]
    kept = [1.0 if outcome == "kept" else 0.0 for outcome in outcomes]
    return ZoneFigures(
        outcomes=tuple(
            total([n], variances=[v], params=params)
            for n, v in zip(sums.counts, sums.variances, strict=True)
        ),
        passers=total(counts, variances=variances, params=params),
        stop_rate=share(counts, weights=stopped, variances=variances, params=params),
        conversion=share(counts, weights=kept, variances=variances, params=params)
        if has_reader
        else None,
    )


def _chosen(values: Sequence[float], chosen: Sequence[bool]) -> list[float]:
    return [float(value) for value, here in zip(values, chosen, strict=True) if here]
