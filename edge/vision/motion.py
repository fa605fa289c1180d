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

# Rows of a state, (11, N): of the one who stands, place and its variance; of the one who walks,
# place, velocity, the variances of both and their covariance; the probability of walking.
SPOT, SPOT_VAR = slice(0, 2), 2
PLACE, PACE = slice(3, 5), slice(5, 7)
PLACE_VAR, MIXED, PACE_VAR = 7, 8, 9
WALKS = 10
ROWS = 11

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
    walks = states[WALKS]
    on = -walks * expm1(-step_ms / params.stops_ms)  # who walks and stops
    off = -(1 - walks) * expm1(-step_ms / params.starts_ms)  # who stands and starts
    walking = walks - on + off
    came, went = off / walking, on / (1 - walking)
    gap, pace = states[PLACE] - states[SPOT], states[PACE]
    gap2, drift, pace2 = _mean(gap * gap), _mean(gap * pace), _mean(pace * pace)
    variance = params.speed_sd_m_s**2
    both = came * (1 - came)
    place_var = states[PLACE_VAR] + came * (states[SPOT_VAR] - states[PLACE_VAR]) + both * gap2
    mixed = (1 - came) * states[MIXED] + both * drift
    pace_var = states[PACE_VAR] + came * (variance - states[PACE_VAR]) + both * pace2
    kept = exp(-rate * step_s)
    carry = (1 - kept) / rate
    out = np.empty_like(states)
    out[SPOT] = states[SPOT] + went * gap
    out[SPOT_VAR] = (
        states[SPOT_VAR]
        + went * (states[PLACE_VAR] - states[SPOT_VAR])
        + went * (1 - went) * gap2
        + params.sway_m**2 * step_s
    )
    pace = (1 - came) * pace
    out[PLACE] = states[PLACE] - came * gap + carry * pace
    out[PACE] = kept * pace
    out[PLACE_VAR] = place_var + 2 * carry * mixed + carry**2 * pace_var
    out[PLACE_VAR] += variance * (2 * step_s / rate - 2 * carry / rate - carry * carry)
    out[MIXED] = kept * (mixed + carry * pace_var) + variance * rate * carry * carry
    out[PACE_VAR] = kept * kept * pace_var + variance * (1 - kept * kept)
    out[WALKS] = walking
    return out


def far_ahead(states: Floats, step_ms: int, *, params: MotionParams) -> Floats:
    """Carry states on over seconds, in steps within which hardly anybody stops twice."""
    while step_ms > 0:
        states = ahead(states, min(step_ms, 250), params=params)
        step_ms -= 250
    return states


def densities(states: Floats, places_m: Floats, variances_m2: Floats) -> Floats:
    """Give how probable a sighting of each person (N) is at each place (2, M), per 2 pi m².

    Returns:
        (N, M).
    """
    walks = states[WALKS, :, None]
    standing = _bell(states[SPOT], states[SPOT_VAR], places_m, variances_m2)
    walking = _bell(states[PLACE], states[PLACE_VAR], places_m, variances_m2)
    found: Floats = standing + walks * (walking - standing) + _FAINT
    return found


def corrected(states: Floats, places_m: Floats, variances_m2: Floats) -> Floats:
    """Weigh each state against a sighting of its own at (2, N) places."""
    out = states.copy()
    off_spot, off_place = places_m - states[SPOT], places_m - states[PLACE]
    spot_var = states[SPOT_VAR] + variances_m2
    place_var = states[PLACE_VAR] + variances_m2
    gain_spot, gain, gain_pace = (
        states[SPOT_VAR] / spot_var,
        states[PLACE_VAR] / place_var,
        states[MIXED] / place_var,
    )
    out[SPOT] += gain_spot * off_spot
    out[SPOT_VAR] *= 1 - gain_spot
    out[PLACE] += gain * off_place
    out[PACE] += gain_pace * off_place
    out[PACE_VAR] -= gain_pace * states[MIXED]
    out[[PLACE_VAR, MIXED]] *= 1 - gain
    walks = states[WALKS]
    favour = _mean(off_spot * off_spot) / spot_var - _mean(off_place * off_place) / place_var
    odds = walks / (1 - walks) * spot_var / place_var * np.exp(np.minimum(favour, 50.0))
    out[WALKS] = np.clip(odds / (1 + odds), _RARE, 1 - _RARE)
    return out


def places(states: Floats) -> Floats:
    """Give where people are thought to be, (2, N)."""
    found: Floats = states[SPOT] + states[WALKS] * (states[PLACE] - states[SPOT])
    return found


def surprise(states: Floats, places_m: Floats) -> Floats:
    """Give what is left of each sighting's squared error, per axis, beyond the state's own."""
    spot = _mean((places_m - states[SPOT]) ** 2) - states[SPOT_VAR]
    place = _mean((places_m - states[PLACE]) ** 2) - states[PLACE_VAR]
    found: Floats = np.where(states[WALKS] > 0.5, place, spot)  # noqa: PLR2004 - the likelier
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
