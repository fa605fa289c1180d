"""Pattern shares out of cell counts, corrected for what cells cannot tell of a visit.

A cell's probability of a pattern holds for the mix of visits it was measured on. Where the mix is
another, the sum of those probabilities is drawn towards the old one ("classify and count"). What
stays is how visits of each kind fall into cells. So the mix is sought that explains the counts:
kinds of visits, reweighted by exp(eta · leaning), fall into cells as the confusion says; eta is
fitted to all cells at once, weighing each by the release's noise, chance, the confusion's own size
and what simulation may have wrong.

This is the probabilistic adjusted count (Bella et al. 2010, PACC) with every cell in place of one
mean score, for all patterns together, since a shift in one looks partly like a shift in another.
A prior keeps what counts cannot tell near the simulated mix. Measured in
tests/figures/pattern_coverage.py.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hub.patterns.confusion import Confusion

Array = NDArray[np.float64]
STEPS = 30
"""All counts that shares are shown for settle in fewer."""
SETTLED = 1e-7
LEAST = 1.0
"""Visits; noise alone can ask for fewer than none."""
FAR = 0.5
"""Of eta: beyond it the linear step is no longer to be trusted."""


@dataclass(frozen=True, slots=True)
class QuantifyParams:
    """How the mix of visits is sought.

    Attributes:
        prior_sd: of eta: shares of a balanced pattern are 14 points from the simulated ones, one
            standard deviation, as those drawn evenly from .25 to .75 are (behaviour/NOTES.md,
            section 5).
        cell_error: relative error of a simulated cell's probability that no number of simulated
            visits removes [D]; it bounds what a month can tell.
        slope_error: relative error of how far a share moves with the counts, where cells decide
            nothing: where visits change sides at once, and do not all lean a little more, it moves
            by a third more than is told (tests/figures/pattern_coverage.py, kind "chosen").
        other_error: of a share, where cells decide nothing, from what moves visits and is no
            pattern: half a standard deviation of buying or of looking for bargains (same figure).
        misfit: a mean squared residual beyond this, per cell, means that visits here are unlike
            the simulated ones, and the shares are withheld.
        told: at most this part of the prior's spread may be left, or the counts tell nothing.
    """

    prior_sd: float = 0.6
    cell_error: float = 0.03
    slope_error: float = 0.2
    other_error: float = 0.01
    misfit: float = 12.0
    told: float = 0.75


@dataclass(frozen=True, slots=True)
class Quantified:
    """Shares of the visits that came, by axis.

    Attributes:
        visits: that were placed.
        shares: by the confusion's axes.
        variances: of noise, sampling and correction together.
        lasting: the part of them that is the correction's: the same every day.
        misfit: mean squared residual per cell; 1 where the model holds, infinite where no mix
            was found.
        told: by axis, whether the counts tell it, or the prior did.
    """

    visits: float
    shares: tuple[float, ...]
    variances: tuple[float, ...]
    lasting: tuple[float, ...]
    misfit: float
    told: tuple[bool, ...]


def quantify(
    counts: Sequence[float],
    *,
    variances: Sequence[float],
    confusion: Confusion,
    params: QuantifyParams | None = None,
) -> Quantified:
    """Find the shares that explain counts of one codebook's cells.

    Args:
        counts: visits per cell, noised; may be negative, their sum must not.
        variances: of the noise on each.
        confusion: of the same codebook.
        params: how the mix is sought.

    Raises:
        ValueError: there are other cells in the confusion, or no visits.
    """
    chosen = params or QuantifyParams()
    n, v = np.asarray(counts, dtype=np.float64), np.asarray(variances, dtype=np.float64)
    mix = _Mix(confusion)
    if len(n) != mix.table.shape[1]:
        raise ValueError(f"{len(n)} cells, and the confusion has {mix.table.shape[1]}")
    if n.sum() <= 0:
        raise ValueError("no visits to share out")
    axes = len(confusion.axes)
    eta, visits = np.zeros(axes), float(n.sum())
    precision = np.eye(axes) / chosen.prior_sd**2
    path = _Path()
    settled = False
    for _ in range(STEPS):
        at = mix.cells(eta)
        weight = 1.0 / at.variances(visits, noise=v, cell_error=chosen.cell_error)
        slopes = np.column_stack([at.parts, visits * at.slopes])
        residual = n - visits * at.parts
        hessian = slopes.T @ (weight[:, None] * slopes)
        hessian[1:, 1:] += precision
        gradient = slopes.T @ (weight * residual)
        gradient[1:] -= precision @ eta
        step: Array = np.linalg.solve(hessian, gradient).astype(np.float64)
        settled = float(np.abs(step[1:]).max()) < SETTLED
        if settled:
            break
        move = path.move(np.append(visits, eta), step=step)
        eta = eta + move[1:]
        visits = max(LEAST, visits + float(move[0]))
    freedom = max(1, len(n) - 1 - axes)
    misfit = float((residual**2 * weight).sum()) / freedom
    # what chance makes in 19 of 20 fits is no misfit
    excess = misfit if misfit > 1 + 1.645 * (2 / freedom) ** 0.5 else 1.0
    inverse = np.linalg.inv(hessian)
    told, usual = mix.shares(eta), mix.shares(np.zeros(axes))
    spread = told.slopes @ inverse[1:, 1:] @ told.slopes.T
    # what the counts owe to who came is also in the share of who came
    reaction = told.slopes @ inverse[1:] @ (slopes.T * weight)
    common = np.einsum("jk,kj->j", reaction, told.joint - np.outer(at.parts, told.parts))
    of_visits = np.diag(spread) - 2 * common + told.parts * (1 - told.parts) / visits
    own = np.maximum(of_visits, 0.1 * np.diag(spread)) * excess
    off = (chosen.slope_error * (told.parts - usual.parts)) ** 2 + chosen.other_error**2
    lasting = (1 - told.clearness(at.parts)) ** 2 * off
    before = ((usual.slopes * chosen.prior_sd) ** 2).sum(axis=1)
    return Quantified(
        visits,
        tuple(told.parts.tolist()),
        tuple((own + lasting).tolist()),
        tuple(lasting.tolist()),
        misfit if settled else math.inf,
        tuple(bool(one) for one in np.diag(spread) < chosen.told**2 * before),
    )


class _Path:
    """Turns linear steps into moves: shorter where far, and along the secant of the last two.

    As weights move with the mix, steps alone come near slowly, or go round in a circle.

    Source: Anderson acceleration of depth 1; Walker & Ni 2011, SIAM J. Numer. Anal. 49 (4).
    """

    def __init__(self) -> None:
        self._last: tuple[Array, Array] | None = None

    def move(self, place: Array, *, step: Array) -> Array:
        """Give the move from ``place``: visits, then eta."""
        longest = max(float(np.abs(step[1:]).max()), SETTLED)
        move = step * min(1.0, FAR / longest)
        if longest >= FAR or place[0] + step[0] < LEAST:
            self._last = None
            return move
        if self._last is not None:
            before, step_before = self._last
            unit = np.append(1.0 / place[0], np.ones(len(place) - 1))
            bend = (step - step_before) * unit
            part = float(bend @ (step * unit)) / max(float(bend @ bend), SETTLED**2)
            move = step - part * (place - before + step - step_before)
            move = move * min(1.0, FAR / max(float(np.abs(move[1:]).max()), SETTLED))
        self._last = place, step
        return move


@dataclass(frozen=True, slots=True, eq=False)
class _Cells:
    """Where a mix of visits falls.

    Attributes:
        parts: (K,) part of the visits in each cell.
        slopes: (K, A) how they move with eta.
        support: how many equally weighted simulated visits this mix is worth.
    """

    parts: Array
    slopes: Array
    support: float

    def variances(self, visits: float, *, noise: Array, cell_error: float) -> Array:
        """Give the variance of each cell's count about what the mix says."""
        expected = visits * np.maximum(self.parts, 1e-6)
        return expected * (1 + visits / self.support) + (cell_error * expected) ** 2 + noise


@dataclass(frozen=True, slots=True, eq=False)
class _Shares:
    """What a mix of visits shows.

    Attributes:
        parts: (A,) part of the visits that shows each pattern.
        slopes: (A, A) how they move with eta.
        joint: (K, A) part that is in the cell and shows the pattern.
    """

    parts: Array
    slopes: Array
    joint: Array

    def clearness(self, cells: Array) -> Array:
        """Give, by axis, the part of who shows it that the cells tell: 1 where a cell decides."""
        within = np.where(cells > 0, (self.joint**2).T / np.maximum(cells, 1e-12), 0.0)
        spread = np.maximum(self.parts * (1 - self.parts), 1e-12)
        told: Array = np.clip((within.sum(axis=1) - self.parts**2) / spread, 0.0, 1.0)
        return told


class _Mix:
    """Kinds of visits, to be reweighted."""

    def __init__(self, confusion: Confusion) -> None:
        self.table = np.array(confusion.counts, dtype=np.float64)
        self._labels = np.array(confusion.labels, dtype=np.float64)
        self._sizes = self.table.sum(axis=1)
        leanings = np.array(confusion.leanings, dtype=np.float64)
        self._leanings = leanings - (self._sizes @ leanings) / self._sizes.sum()

    def cells(self, eta: Array) -> _Cells:
        """Say where visits fall: all that is asked at each step."""
        tilt = np.exp(self._leanings @ eta)
        total = float(tilt @ self._sizes)
        cells = (tilt @ self.table) / total
        leanings = tilt[:, None] * self._leanings
        slopes = (self.table.T @ leanings - np.outer(cells, self._sizes @ leanings)) / total
        return _Cells(cells, slopes, total**2 / float((tilt * tilt) @ self._sizes))

    def shares(self, eta: Array) -> _Shares:
        """Say what they show."""
        tilt = np.exp(self._leanings @ eta)
        kinds = tilt * self._sizes / float(tilt @ self._sizes)
        shares = kinds @ self._labels
        labels = kinds[:, None] * self._labels
        return _Shares(
            shares,
            labels.T @ self._leanings - np.outer(shares, kinds @ self._leanings),
            (self.table / self._sizes[:, None]).T @ labels,
        )
