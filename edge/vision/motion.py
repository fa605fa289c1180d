"""How people move on a floor: they stand, or they walk; which of both is a matter of evidence.

Two Kalman filters a person, one for each way to move, that mix as people start and stop
(interacting multiple models). A state is a column of numbers, so that all people of a moment move
on together; both axes share their variances, as a sighting is as sure east as north.

Source: Blom & Bar-Shalom, IEEE Trans. Automatic Control 33 (1988), 780-783.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, expm1

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# Rows of a state, (11, N): where the one who stands is and where the one who walks, the walker's
# velocity, the variances of both places, the walker's covariance of place and velocity, the
# velocity's variance; the probability of walking.
SPOT, PLACE, PACE = slice(0, 2), slice(2, 4), slice(4, 6)
SPOT_VAR, PLACE_VAR, MIXED, PACE_VAR, WALKS = range(6, 11)
ROWS = 11
_BOTH, _BOTH_VARS = slice(0, 4), slice(6, 8)
"""Places of the one who stands, then of the one who walks; and their variances."""
_WAY, _WALKERS_VARS = slice(2, 6), slice(7, 10)
"""Place and velocity of the one who walks; and their variances."""

_RARE = 1e-3
"""Neither way to move is ever less probable than this."""
_FAINT = 1e-12
"""Least density, per square metre, that is told from none."""


@dataclass(frozen=True, slots=True)
class MotionParams:
    """How people move in shops.

    Attributes:
        starts_ms: mean time somebody stands; stops at shelves last 5 to 15 s (behaviour notes),
            those for others to pass a second; rather too short than too long.
        stops_ms: mean time somebody walks.
        sway_m: how far one who stands drifts in a second, along each axis.
        speed_sd_m_s: of a walker's velocity along each axis; 0.8 to 1.4 m/s in any direction.
        memory_ms: over which a walker's velocity is forgotten: aisles are longer than rooms.
        creep_m_s: along each axis, a walker's speed that cannot be told from standing.
    """

    starts_ms: int = 4_000
    stops_ms: int = 6_000
    sway_m: float = 0.05
    speed_sd_m_s: float = 0.8
    memory_ms: int = 6_000
    creep_m_s: float = 0.15


def born(places_m: Floats, variances_m2: Floats, *, params: MotionParams) -> Floats:
    """Give the states of people first seen at (2, N) places."""
    states = np.zeros((ROWS, places_m.shape[1]))
    states[SPOT] = states[PLACE] = places_m
    states[SPOT_VAR] = states[PLACE_VAR] = variances_m2
    states[PACE_VAR] = params.speed_sd_m_s**2
    states[WALKS] = params.stops_ms / (params.stops_ms + params.starts_ms)
    return states


def ahead(states: Floats, step_ms: int, *, params: MotionParams) -> Floats:
    """Carry states on in time.

    A walker's velocity is an Ornstein-Uhlenbeck process, integrated exactly (Uhlenbeck & Ornstein,
    Phys. Rev. 36 (1930), eq. 24-25).
    """
    if step_ms == 0 or not states.size:
        return states.copy()
    step_s, rate = step_ms / 1_000, 1_000 / params.memory_ms
    stops, starts = -expm1(-step_ms / params.stops_ms), -expm1(-step_ms / params.starts_ms)
    walks = states[WALKS]
    walking = walks * (1 - stops - starts) + starts
    came, went = starts * (1 - walks) / walking, stops * walks / (1 - walking)
    stayed = 1 - came
    way = states[_WAY].copy()
    gap, pace = way[:2], way[2:]
    gap -= states[SPOT]
    products = np.empty((3, 2, len(walks)))
    np.multiply(gap, gap, out=products[0])
    np.multiply(gap, pace, out=products[1])
    np.multiply(pace, pace, out=products[2])
    means = 0.5 * (products[:, 0] + products[:, 1])
    # Of all who walk now: those who did, and that those who have just started differ from them;
    # then these themselves, who stood somewhere, and walk at any pace.
    spread = np.empty((6, len(walks)))
    spread[:3] = stayed * (states[_WALKERS_VARS] + came * means)
    spread[3] = came * states[SPOT_VAR]
    spread[4] = came
    spread[5] = 1.0
    kept = exp(-rate * step_s)
    carry = (1 - kept) / rate
    var = params.speed_sd_m_s**2
    grown_m2 = var * (2 * (step_s - carry) / rate - carry * carry)
    grown_m2_s = var * rate * carry * carry
    turned = np.array(
        (
            (1.0, 2 * carry, carry * carry, 1.0, carry * carry * var, grown_m2),
            (0.0, kept, kept * carry, 0.0, kept * carry * var, grown_m2_s),
            (0.0, 0.0, kept * kept, 0.0, kept * kept * var, var * (1 - kept * kept)),
        )
    )
    out = np.empty_like(states)
    np.matmul(turned, spread, out=out[_WALKERS_VARS])
    out[SPOT] = states[SPOT] + went * gap
    apart = states[PLACE_VAR] - states[SPOT_VAR] + (1 - went) * means[0]
    out[SPOT_VAR] = states[SPOT_VAR] + went * apart + params.sway_m**2 * step_s
    pace *= stayed
    out[PLACE] = states[PLACE] - came * gap + carry * pace
    out[PACE] = kept * pace
    out[WALKS] = walking
    return out


def far_ahead(states: Floats, step_ms: int, *, params: MotionParams) -> Floats:
    """Carry states on over seconds, in steps within which hardly anybody stops twice."""
    while step_ms > 0 and states.size:
        states = ahead(states, min(step_ms, 250), params=params)
        step_ms -= 250
    return states


def densities(states: Floats, places_m: Floats, variances_m2: Floats) -> Floats:
    """Give how probable a sighting of each person (N) is at each place (2, M), per 2 pi m².

    Returns:
        (N, M).
    """
    off = places_m[:, None] - states[_BOTH].reshape(2, 2, -1, 1)
    off *= off
    spread = states[_BOTH_VARS, :, None] + variances_m2
    bells = off[:, 0] + off[:, 1]
    bells /= -2 * spread
    np.exp(bells, out=bells)
    bells /= spread
    found: Floats = bells[0]
    walking = bells[1]
    walking -= found
    walking *= states[WALKS, :, None]
    found += walking
    found += _FAINT
    return found


def corrected(states: Floats, places_m: Floats, variances_m2: Floats) -> tuple[Floats, Floats]:
    """Weigh each state against a sighting of its own at (2, N) places.

    Returns:
        The states, and what is left of each sighting's squared error, per axis, beyond the state's
        own.
    """
    out = states.copy()
    walks, variances = states[WALKS], states[_BOTH_VARS]
    off = places_m - states[_BOTH].reshape(2, 2, -1)
    total = variances + variances_m2
    gain = variances / total
    gain_pace = states[MIXED] / total[1]
    out[_BOTH] += (gain[:, None] * off).reshape(4, -1)
    out[PACE] += gain_pace * off[1]
    out[PACE_VAR] -= gain_pace * states[MIXED]
    left = 1 - gain
    out[_BOTH_VARS] *= left
    out[MIXED] *= left[1]
    off *= off
    square = 0.5 * (off[:, 0] + off[:, 1])
    misfit = square / total
    favour = np.exp(np.minimum(misfit[0] - misfit[1], 50.0))
    odds = favour * walks * total[0]
    odds /= odds + (1 - walks) * total[1]
    out[WALKS] = np.minimum(np.maximum(odds, _RARE), 1 - _RARE)
    square -= variances
    return out, np.where(walks > 0.5, square[1], square[0])  # noqa: PLR2004 - the likelier's


def places(states: Floats) -> Floats:
    """Give where people are thought to be, (2, N)."""
    found: Floats = states[SPOT] + states[WALKS] * (states[PLACE] - states[SPOT])
    return found


def sameness(then: Floats, now: Floats, *, params: MotionParams) -> Floats:
    """Tell how probable it is that each one of then (N) is each one of now (M).

    Args:
        then: states carried on to the present, without what was seen meanwhile.
        now: states that know it.
        params: motion.

    Returns:
        (N, M) log densities, up to a constant.
    """
    still = _bell(then[SPOT], then[SPOT_VAR], now[SPOT], now[SPOT_VAR]) / params.creep_m_s**2
    place = then[PLACE_VAR, :, None] + now[PLACE_VAR]
    mixed = then[MIXED, :, None] + now[MIXED]
    pace = then[PACE_VAR, :, None] + now[PACE_VAR]
    off = now[PLACE][:, None] - then[PLACE][:, :, None]
    turn = now[PACE][:, None] - then[PACE][:, :, None]
    size = place * pace - mixed * mixed
    square = pace * (off * off) - 2 * mixed * (off * turn) + place * (turn * turn)
    moving = np.exp(-_mean(square) / size) / size
    walked, walks = then[WALKS, :, None], now[WALKS]
    found: Floats = np.log((1 - walked) * (1 - walks) * still + walked * walks * moving + _FAINT)
    return found


def _bell(places_m: Floats, own: Floats, others_m: Floats, variances_m2: Floats) -> Floats:
    spread = own[:, None] + variances_m2
    off = others_m[:, None] - places_m[:, :, None]
    bell: Floats = np.exp(-_mean(off * off) / spread) / spread
    return bell


def _mean(pair: Floats) -> Floats:
    mean: Floats = pair[0] + pair[1]
    mean *= 0.5
    return mean
