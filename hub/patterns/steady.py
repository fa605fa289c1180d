"""A day's shares in the light of the store's other days.

A day's counts alone tell a share to within some five points; most of that is chance in which cells
its visits fell into, and is another the next day. Days of a store are alike, but not the same. So
a day's share is taken to be the store's level, plus what its weekday adds, plus how the level
wanders, plus what is the day's own. How large each of these is, the days themselves say: possible
sizes are averaged, weighed by how well they explain all days. Beside them stand two things that
are rare, of any size: one day unlike all others, and a change from some day on. They are weighed
alike, so a real change shows as far as it stands out of that day's error. One such event at a
time; where there are more, every day counts as less like the others, and so they show too.

How much of a change shows on its day, and how often intervals hold on days that change and on days
that do not: tests/figures/pattern_coverage.py.

Source: Durbin & Koopman 2012, Time Series Analysis by State Space Methods, chapter 3 (level,
season, intervention), solved here as one regression, for the days are few.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import product

import numpy as np
from numpy.typing import NDArray

from hub.patterns.cells import Measured, Patterns
from hub.patterns.shares import Share, ShareParams, as_share

Array = NDArray[np.float64]
WEEK = 7
MIDDLE = 0.5
"""Where levels are looked for, ``SteadyParams.level_sd`` to either side."""
FAR = 6.0
"""Standard deviations from all that is likely: bounds of intervals lie nearer."""
HALVINGS = 14
"""Of what lies between, one wide at most: to within a ten-thousandth."""


@dataclass(frozen=True, slots=True)
class SteadyParams:
    """What days of a store may have in common; standard deviations of a share.

    Attributes:
        days: so many before the first day that is told are asked, too.
        level_sd: of stores' levels.
        own_sds: of what is a day's own, beyond the chance of who came; sizes tried [D].
        weekday_sds: of what a weekday adds; sizes tried [D].
        wander_sds: of how far the level wanders within ``wander_days``; sizes tried [D].
        odd: chance that a day is unlike all others: some eighteen days a year [D].
        turn: chance that a change begins on a day: two a year [D].
        event_sd: size of either [D].
        least: explanations less likely than this are left out.
    """

    days: int = 28
    level_sd: float = 0.3
    own_sds: tuple[float, ...] = (0.0, 0.03)
    weekday_sds: tuple[float, ...] = (0.0, 0.05)
    wander_sds: tuple[float, ...] = (0.0, 0.04)
    wander_days: float = 14.0
    odd: float = 0.05
    turn: float = 0.005
    event_sd: float = 0.1
    least: float = 1e-4


def steadied(
    by_day: Mapping[date, Patterns], *, show: ShareParams, params: SteadyParams | None = None
) -> dict[date, Patterns]:
    """Give the same days, each share that is corrected told with the help of the others.

    Args:
        by_day: what each day's counts alone say.
        show: width of the intervals, and when a share is shown.
        params: what days may have in common.
    """
    chosen = params or SteadyParams()
    told: dict[tuple[date, str], Share] = {}
    for name in dict.fromkeys(row.name for patterns in by_day.values() for row in patterns.shares):
        measured = {
            day: row.measured
            for day, patterns in sorted(by_day.items())
            for row in patterns.shares
            if row.name == name and row.measured is not None
        }
        if len(measured) > 1:
            for day, share in _told(measured, show=show, params=chosen):
                told[day, name] = share
    return {
        day: replace(
            patterns,
            shares=tuple(
                replace(row, share=told.get((day, row.name), row.share)) for row in patterns.shares
            ),
        )
        for day, patterns in by_day.items()
    }


def _told(
    measured: Mapping[date, Measured], *, show: ShareParams, params: SteadyParams
) -> Iterator[tuple[date, Share]]:
    """Tell one pattern's days, so many at a time, half as many to either side being asked."""
    days = list(measured)
    pieces = range(0, len(days), params.days) if len(days) > 2 * params.days else (0,)
    many = params.days if len(pieces) > 1 else len(days)
    for first in pieces:
        begin, end = max(0, first - params.days // 2), first + many + params.days // 2
        asked = days[begin:end]
        mixture = _explain(asked, measured=[measured[day] for day in asked], params=params)
        lows, highs = mixture.bounds(0.5 * math.erfc(show.z / math.sqrt(2)))
        values = mixture.means @ mixture.weights
        for place in range(first - begin, min(first - begin + many, len(asked))):
            value, low, high = float(values[place]), float(lows[place]), float(highs[place])
            yield asked[place], as_share(value, low, high, params=show)


@dataclass(frozen=True, slots=True, eq=False)
class _Mixture:
    """What the explanations say of each day.

    Attributes:
        weights: (M,) how likely each explanation is.
        means: (D, M)
        sds: (D, M) what the correction has wrong every day included.
    """

    weights: Array
    means: Array
    sds: Array

    def bounds(self, beyond: float) -> tuple[Array, Array]:
        """Give per day what the share is below, and above, with a chance of ``beyond`` each."""
        return self._quantile(beyond), self._quantile(1 - beyond)

    def _quantile(self, part: float) -> Array:
        low = (self.means - FAR * self.sds).min(axis=1)
        high = (self.means + FAR * self.sds).max(axis=1)
        for _ in range(HALVINGS):
            middle = (low + high) / 2
            below = _normal_cdf((middle[:, None] - self.means) / self.sds) @ self.weights < part
            low, high = np.where(below, middle, low), np.where(below, high, middle)
        found: Array = (low + high) / 2
        return found


def _explain(
    days: Sequence[date], *, measured: Sequence[Measured], params: SteadyParams
) -> _Mixture:
    """Weigh all sizes, each alone and with each event."""
    number = np.array([day.toordinal() for day in days])
    apart = np.abs(number[:, None] - number[None, :])
    off = np.array([one.value for one in measured]) - MIDDLE
    level = float(np.clip(off.mean() + MIDDLE, 0.02, 0.98))
    chance = level * (1 - level) / np.array([one.visits for one in measured])
    error = np.array([one.variance for one in measured])
    events = np.column_stack([np.eye(len(days)), number[:, None] >= number[None, 1:]])
    rare = np.repeat(
        np.log([params.odd / (1 - params.odd), params.turn / (1 - params.turn)]),
        [len(days), len(days) - 1],
    )
    logs, means, variances = [], [], []
    for own, weekday, wander in product(params.own_sds, params.weekday_sds, params.wander_sds):
        alike = params.level_sd**2 + weekday**2 * (apart % WEEK == 0)
        alike = alike + wander**2 * np.exp(-apart / params.wander_days)
        shares = alike + np.diag(chance + own**2)
        inverse = np.linalg.inv(shares + np.diag(error))
        gain = shares @ inverse
        fit = -0.5 * (off @ inverse @ off) + 0.5 * np.linalg.slogdet(inverse)[1]
        # an event adds a rank of one, so it is added to what is solved already
        seen = inverse @ events
        spread = 1 / params.event_sd**2 + (events * seen).sum(axis=0)
        size = (off @ seen) / spread
        better = 0.5 * size**2 * spread - 0.5 * np.log(params.event_sd**2 * spread) + rare
        moved = events - gain @ events
        mean, variance = gain @ off, np.diag(shares) - (gain * shares).sum(axis=1)
        logs.append(np.append(fit, fit + better))
        means.append(np.column_stack([mean, mean[:, None] + moved * size]))
        variances.append(np.column_stack([variance, variance[:, None] + moved**2 / spread]))
    likely = np.concatenate(logs)
    weights = np.exp(likely - likely.max())
    kept = weights > params.least * weights.sum()
    same = np.array([one.lasting for one in measured])
    return _Mixture(
        weights[kept] / weights[kept].sum(),
        MIDDLE + np.concatenate(means, axis=1)[:, kept],
        np.sqrt(np.concatenate(variances, axis=1)[:, kept] + same[:, None]),
    )


def _normal_cdf(x: Array) -> Array:
    """Approximate to 1.4e-4; Bowling et al. 2009, J. Ind. Eng. Manag. 2 (1)."""
    near = np.clip(x, -6, 6)
    part: Array = 1 / (1 + np.exp(-(0.07056 * near**3 + 1.5976 * near)))
    return part
