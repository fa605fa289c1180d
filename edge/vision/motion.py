"""How people move on a floor: they stand, or they walk; which of both is a matter of evidence.

Two Kalman filters a person, one for each way to move, that mix as people start and stop
(interacting multiple models). A place is one complex number of metres, east and 1j north; both axes
share their variances, as a sighting is as sure east as north. Plain numbers, person by person: for
the few people on a floor that is quicker than arrays.

Source: Blom & Bar-Shalom, IEEE Trans. Automatic Control 33 (1988), 780-783.
"""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass
from math import exp, expm1, log, sqrt

_RARE, _COMMON = 1e-3, 1 - 1e-3
"""Neither way to move is ever less probable than this, nor more."""
_MOST = 50.0
"""Log odds beyond which they change nothing."""
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


@dataclass(frozen=True, slots=True)
class Step:
    """What time does to everybody alike, over ``step_ms``.

    A walker's velocity is an Ornstein-Uhlenbeck process, integrated exactly (Uhlenbeck & Ornstein,
    Phys. Rev. 36 (1930), eq. 24-25).

    Attributes:
        stops: probability that one who walks stands then;
        starts: that one who stands walks.
        sway_m2: what the variance of one who stands grows by.
        kept: share of a walker's velocity that is left;
        carry_s: seconds for which it carried them.
        any_m2_s2: variance of the velocity of whoever walks, and what, for turning, a walker's
        grown_m2: variance of place,
        grown_m2_s: covariance of place and velocity,
        grown_m2_s2: and variance of velocity grow by.
    """

    stops: float
    starts: float
    sway_m2: float
    kept: float
    carry_s: float
    any_m2_s2: float
    grown_m2: float
    grown_m2_s: float
    grown_m2_s2: float

    @classmethod
    def of(cls, step_ms: int, *, params: MotionParams) -> Step:
        """Give what so many milliseconds do."""
        step_s, rate = step_ms / 1_000, 1_000 / params.memory_ms
        kept, var = exp(-rate * step_s), params.speed_sd_m_s**2
        carry_s = (1 - kept) / rate
        return cls(
            stops=-expm1(-step_ms / params.stops_ms),
            starts=-expm1(-step_ms / params.starts_ms),
            sway_m2=params.sway_m**2 * step_s,
            kept=kept,
            carry_s=carry_s,
            any_m2_s2=var,
            grown_m2=var * (2 * (step_s - carry_s) / rate - carry_s * carry_s),
            grown_m2_s=var * rate * carry_s * carry_s,
            grown_m2_s2=var * (1 - kept * kept),
        )


@dataclass(slots=True)
class Gait:
    """Where one person is and how they move, as far as sightings tell; changes with each.

    Attributes:
        spot_m: where they are if they stand,
        spot_m2: and its variance.
        place_m: where they are if they walk,
        pace_m_s: their velocity then,
        place_m2: variance of the place,
        mixed_m2_s: covariance of place and velocity,
        pace_m2_s2: variance of the velocity.
        walks: probability that they walk.
    """

    spot_m: complex
    spot_m2: float
    place_m: complex
    pace_m_s: complex
    place_m2: float
    mixed_m2_s: float
    pace_m2_s2: float
    walks: float

    @classmethod
    def first_seen(cls, place_m: complex, *, variance_m2: float, params: MotionParams) -> Gait:
        """Give what is known of somebody seen once."""
        return cls(
            spot_m=place_m,
            spot_m2=variance_m2,
            place_m=place_m,
            pace_m_s=0j,
            place_m2=variance_m2,
            mixed_m2_s=0.0,
            pace_m2_s2=params.speed_sd_m_s**2,
            walks=params.stops_ms / (params.stops_ms + params.starts_ms),
        )

    def expected_m(self) -> complex:
        """Give where they are thought to be."""
        return self.spot_m + self.walks * (self.place_m - self.spot_m)

    def move(self, step: Step) -> None:
        """Carry on in time."""
        walked, starts, kept, carry_s = self.walks, step.starts, step.kept, step.carry_s
        spot_m2, place_m2, pace_m_s = self.spot_m2, self.place_m2, self.pace_m_s
        gap_m = self.place_m - self.spot_m
        apart_m, speed_m_s = abs(gap_m), abs(pace_m_s)
        # Along each axis, as all variances are.
        gap_m2 = 0.5 * apart_m * apart_m
        # Of those who walk now, the share that has just started; of who stands, that has stopped.
        self.walks = walks = walked * (1 - step.stops - starts) + starts
        came, went = starts * (1 - walked) / walks, step.stops * walked / (1 - walks)
        stayed = 1 - came
        self.spot_m += went * gap_m
        self.spot_m2 += went * (place_m2 - spot_m2 + (1 - went) * gap_m2) + step.sway_m2
        # Who walked, and is unlike those who have just started; these stood, and walk at any pace.
        place_m2 = stayed * (place_m2 + came * gap_m2) + came * spot_m2
        mixed_m2_s = stayed * (self.mixed_m2_s + 0.5 * came * (gap_m * pace_m_s.conjugate()).real)
        pace_m2_s2 = stayed * (self.pace_m2_s2 + 0.5 * came * speed_m_s * speed_m_s)
        pace_m2_s2 += came * step.any_m2_s2
        pace_m_s *= stayed
        self.place_m += carry_s * pace_m_s - came * gap_m
        self.pace_m_s = kept * pace_m_s
        moved_m2_s = mixed_m2_s + carry_s * pace_m2_s2
        self.place_m2 = place_m2 + carry_s * (mixed_m2_s + moved_m2_s) + step.grown_m2
        self.mixed_m2_s = kept * moved_m2_s + step.grown_m2_s
        self.pace_m2_s2 = kept * kept * pace_m2_s2 + step.grown_m2_s2

    def reach_m(self, far: float, variance_m2: float) -> float:
        """Give how far from ``place_m`` a sighting can be, within ``far`` times its variance."""
        # More than either way's own.
        most_m2 = self.spot_m2 + self.place_m2 + variance_m2
        return sqrt(far * most_m2) + abs(self.place_m - self.spot_m)

    def density(self, place_m: complex, variance_m2: float) -> float:
        """Tell how probable a sighting of them is at a place, per 2 pi m²."""
        off_m, sum_m2 = abs(place_m - self.spot_m), self.spot_m2 + variance_m2
        standing = exp(-0.5 * off_m * off_m / sum_m2) / sum_m2
        off_m, sum_m2 = abs(place_m - self.place_m), self.place_m2 + variance_m2
        walking = exp(-0.5 * off_m * off_m / sum_m2) / sum_m2
        return standing + self.walks * (walking - standing) + _FAINT

    def see(self, place_m: complex, variance_m2: float) -> float:
        """Weigh what is known against a sighting.

        Returns:
            What is left of its squared error, per axis, beyond what was unknown before.
        """
        walks, spot_m2, place_m2 = self.walks, self.spot_m2, self.place_m2
        off_m, sum_m2 = place_m - self.spot_m, spot_m2 + variance_m2
        gain, apart_m = spot_m2 / sum_m2, abs(off_m)
        standing_m2 = 0.5 * apart_m * apart_m
        self.spot_m += gain * off_m
        self.spot_m2 -= gain * spot_m2
        off_m, walks_sum_m2 = place_m - self.place_m, place_m2 + variance_m2
        gain, apart_m = place_m2 / walks_sum_m2, abs(off_m)
        walking_m2 = 0.5 * apart_m * apart_m
        mixed_m2_s = self.mixed_m2_s
        gain_per_s = mixed_m2_s / walks_sum_m2
        self.place_m += gain * off_m
        self.pace_m_s += gain_per_s * off_m
        self.place_m2 -= gain * place_m2
        self.mixed_m2_s -= gain * mixed_m2_s
        self.pace_m2_s2 -= gain_per_s * mixed_m2_s
        favour = standing_m2 / sum_m2 - walking_m2 / walks_sum_m2
        # No min or max: their calls, for each of twenty people, are a tenth of the tracker's time.
        if favour > _MOST:  # noqa: PLR1730 - see above
            favour = _MOST
        odds = exp(favour) * walks * sum_m2
        odds /= odds + (1 - walks) * walks_sum_m2
        self.walks = odds if _RARE < odds < _COMMON else _RARE if odds < _COMMON else _COMMON
        if walks > 0.5:  # noqa: PLR2004 - the likelier of two
            return walking_m2 - place_m2
        return standing_m2 - spot_m2


def far_ahead(gait: Gait, step_ms: int, *, params: MotionParams) -> Gait:
    """Give how somebody is seconds later, in steps within which hardly anybody stops twice."""
    later = copy(gait)
    while step_ms > 0:
        later.move(Step.of(min(step_ms, 250), params=params))
        step_ms -= 250
    return later


def sameness(then: Gait, now: Gait, *, params: MotionParams) -> float:
    """Tell how probable it is that two are one person.

    Args:
        then: carried on to the present, without what was seen meanwhile.
        now: as it knows that.
        params: motion.

    Returns:
        Log density, up to a constant.
    """
    spread_m2 = then.spot_m2 + now.spot_m2
    off_m = now.spot_m - then.spot_m
    still = exp(-_dot(off_m, off_m) / spread_m2) / spread_m2 / params.creep_m_s**2
    place_m2, pace_m2_s2 = then.place_m2 + now.place_m2, then.pace_m2_s2 + now.pace_m2_s2
    mixed_m2_s = then.mixed_m2_s + now.mixed_m2_s
    off_m, turn_m_s = now.place_m - then.place_m, now.pace_m_s - then.pace_m_s
    size = place_m2 * pace_m2_s2 - mixed_m2_s * mixed_m2_s
    square = pace_m2_s2 * _dot(off_m, off_m) + place_m2 * _dot(turn_m_s, turn_m_s)
    square -= 2 * mixed_m2_s * _dot(off_m, turn_m_s)
    moving = exp(-square / size) / size
    walk, stand = then.walks * now.walks, (1 - then.walks) * (1 - now.walks)
    return log(stand * still + walk * moving + _FAINT)


def _dot(one: complex, other: complex) -> float:
    """Give the mean over both axes of a product."""
    return 0.5 * (one.real * other.real + one.imag * other.imag)
