"""Who walks together: near each other for most of the time, and moving alike.

Conversion per person would punish families; rates per party count a group once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class PartyParams:
    """When two are one party. Set on seeds 101 and 102 of the simulator.

    Attributes:
        step_ms: places are compared this often,
        smooth_steps: each as the mean of so many.
        near_m: two who belong together keep within this distance most of the time: dyads walk
            0.6 to 1.5 m apart (Zanlungo et al. 2017), and more at a shelf,
        near_share: and this is most of the time.
        least_ms: of time in common; below, nothing can be told.
        moving_m_s: slower has no direction.
        aligned: least cosine of two directions that are alike.
        walked_m: so far they must have walked side by side; a queue does not.
    """

    step_ms: int = 500
    smooth_steps: int = 4
    near_m: float = 2.0
    near_share: float = 0.6
    least_ms: int = 20_000
    moving_m_s: float = 0.4
    aligned: float = 0.7
    walked_m: float = 6.0


class Track(Protocol):
    """What is compared: places by time, in order."""

    times_ms: list[int]
    east_m: list[float]
    north_m: list[float]


@dataclass(slots=True, eq=False)
class Party:
    """Those found to walk together.

    Attributes:
        size: members, those who left included.
        led: one of them has been returned as the one that stands for all.
    """

    size: int
    led: bool = False


def together(one: Track, other: Track, *, params: PartyParams) -> bool:
    """Tell whether two walk together."""
    start_ms = max(one.times_ms[0], other.times_ms[0])
    end_ms = min(one.times_ms[-1], other.times_ms[-1])
    if end_ms - start_ms < params.least_ms:
        return False
    grid = np.arange(start_ms, end_ms + 1, params.step_ms)
    first, second = _places(one, grid, params=params), _places(other, grid, params=params)
    near = np.abs(first - second) <= params.near_m
    if near.mean() < params.near_share:
        return False
    steps = np.diff(first), np.diff(second)
    least_m = params.moving_m_s * params.step_ms / 1_000
    long_m = np.minimum(np.abs(steps[0]), np.abs(steps[1]))
    alike = (steps[0] * steps[1].conj()).real >= params.aligned * np.abs(steps[0] * steps[1])
    side_by_side = near[1:] & alike & (long_m >= least_m)
    return bool(long_m[side_by_side].sum() >= params.walked_m)


def _places(
    track: Track, grid: NDArray[np.int64], *, params: PartyParams
) -> NDArray[np.complex128]:
    """Give smoothed places, east + i north; the ends, where a mean lacks points, are left out."""
    raw = np.interp(grid, track.times_ms, track.east_m) + 1j * np.interp(
        grid, track.times_ms, track.north_m
    )
    kernel = np.full(params.smooth_steps, 1 / params.smooth_steps)
    smooth: NDArray[np.complex128] = np.convolve(raw, kernel, mode="valid")
    return smooth
