"""Sightings on the floor to tracks: Kalman filter and assignment, in metres and scene time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from math import exp, hypot, inf, log

import numpy as np
from scipy.optimize import linear_sum_assignment


@dataclass(frozen=True, slots=True)
class FloorPoint:
    """Where one detection stands on the ground plane, metres, x east, y north.

    Attributes:
        sd_m: how sure the camera is of the place, along each axis; the body's own sway, which
            is the tracker's to know, comes on top.
    """

    east_m: float
    north_m: float
    confidence: float
    sd_m: float = 0.0


@dataclass(frozen=True, slots=True)
class Sighting:
    """All people one camera saw at one instant; empty is information too."""

    scene_ms: int
    points: tuple[FloorPoint, ...]
    camera: str = ""


@dataclass(frozen=True, slots=True)
class TrackPoint:
    """Where a track is. ``track`` counts from 1 within one boot and never leaves the agent."""

    track: int
    scene_ms: int
    east_m: float
    north_m: float


@dataclass(frozen=True, slots=True)
class TrackEnd:
    """A track is over; ``scene_ms`` is when it was last seen."""

    track: int
    scene_ms: int


@dataclass(frozen=True, slots=True)
class TrackerParams:
    """How people move and how well they are seen.

    Motion is an Ornstein-Uhlenbeck walk: a speed that forgets itself, so that a person out of
    sight slows down where they were last seen instead of sailing on through the shelves.

    Attributes:
        speed_sd_m_s: of the velocity along each axis; shoppers walk 0.8 to 1.4 m/s and stand
            half the time (behaviour notes), which makes 0.6.
        memory_ms: over which a velocity is forgotten; shorter ones swap people who cross (1.5 s:
            6 in 60 simulated crossings, 2.5 s: 3), longer ones lose those who turn.
        seen_sd_m: error of one sighting along each axis besides the camera's own; rather too
            large than too small, as a stride's sway is no walk.
        gate: squared Mahalanobis distance beyond which a sighting is another person's: 99.9 %
            of two degrees of freedom.
        reach_m: and no farther than this from where the track is thought to be: two seconds'
            walk less what is foreseen of it.
        sure: confidence that may start a track; less sure points only continue one (Zhang et
            al., ByteTrack, ECCV 2022).
        confirm_sightings: after which a new track is believed,
        confirm_ms: and not before this age, so that a flicker at a high frame rate is not.
        confirm_elsewhere: the same where people do not usually appear (see ``Tracker``); three
            seconds at six frames, which a detector's second point on one body seldom lasts.
        doubt_ms: an unconfirmed track not seen for this long was a flicker; bridges one miss at
            four frames a second.
        lost_ms: a confirmed track not seen for this long is over; visits are joined over longer
            gaps later, with more knowledge than a camera has.
        clearance_m: no track starts this close to a track just seen: two people's centres are
            0.45 m apart shoulder to shoulder, and a second point on one leaning body as much.
        same_m: two tracks this close
        same_ms: for this long are one person seen twice; the younger ends
        young_ms: if it is younger than this.
    """

    speed_sd_m_s: float = 0.6
    memory_ms: int = 2_500
    seen_sd_m: float = 0.2
    gate: float = 13.8
    reach_m: float = 2.0
    sure: float = 0.4
    confirm_sightings: int = 3
    confirm_ms: int = 400
    confirm_elsewhere: int = 18
    doubt_ms: int = 700
    lost_ms: int = 3_000
    clearance_m: float = 0.6
    same_m: float = 0.4
    same_ms: int = 1_000
    young_ms: int = 6_000


@dataclass(slots=True)
class _Track:
    """One person's state; both axes share one variance, as a sighting is as sure east as north.

    Attributes:
        at_ms: instant of the state.
        place, pace: variances of position and velocity; ``mixed`` their covariance.
        backlog: points not given out yet, because the track is not believed yet.
        needs: sightings it takes to be believed.
        number: 0 until confirmed.
        close_to: the older track it has been next to, since ``close_ms``.
    """

    at_ms: int
    east_m: float
    north_m: float
    place: float
    pace: float
    needs: int
    born_ms: int
    seen_ms: int
    east_m_s: float = 0.0
    north_m_s: float = 0.0
    mixed: float = 0.0
    sightings: int = 1
    number: int = 0
    backlog: list[tuple[int, float, float]] | None = None
    close_to: _Track | None = None
    close_ms: int = 0


class Tracker:
    """Follows people over the sightings of one camera, or of several in order of time.

    A confirmed track is given out from its first sighting on: the points before confirmation come
    in one go with the point that confirmed it. Within a track instants never decrease; between
    tracks they may, by the time a confirmation takes. A track that is not seen gives no points.

    Args:
        params: motion and evidence.
        may_stand: whether a person can be at (east, north); tracks are not born elsewhere.
        may_appear: whether people come into view at (east, north): doors and the image's edge;
            elsewhere a birth takes ``confirm_elsewhere`` sightings. By default everywhere.
        numbers: where track numbers come from; share one between the cameras of an agent.
    """

    def __init__(
        self,
        params: TrackerParams | None = None,
        *,
        may_stand: Callable[[float, float], bool] | None = None,
        may_appear: Callable[[float, float], bool] | None = None,
        numbers: Iterator[int] | None = None,
    ) -> None:
        self._params = params or TrackerParams()
        self._may_stand = may_stand
        self._may_appear = may_appear
        self._numbers = count(1) if numbers is None else numbers
        self._tracks: list[_Track] = []
        self._now_ms = -(1 << 62)  # before every instant

    def feed(self, sighting: Sighting) -> list[TrackPoint | TrackEnd]:
        """Take one sighting; give the points and ends it settles.

        Raises:
            ValueError: earlier than an instant fed or advanced to before.
        """
        if sighting.scene_ms < self._now_ms:
            raise ValueError(f"time runs backwards: {sighting.scene_ms} after {self._now_ms} ms")
        out = self.advance(sighting.scene_ms)
        points = sorted(sighting.points, key=_rank)
        sure = [i for i, point in enumerate(points) if point.confidence >= self._params.sure]
        unsure = [i for i, point in enumerate(points) if point.confidence < self._params.sure]
        known = [track for track in self._tracks if track.number]
        fresh = [track for track in self._tracks if not track.number]
        pairs = self._match(known, points, sure)
        left = _unmatched(known, [track for track, _ in pairs])
        pairs += self._match(left, points, unsure)
        spare = [i for i in sure if i not in {i for _, i in pairs}]
        newer = self._match(fresh, points, spare)
        for track, index in pairs + newer:
            out += self._see(track, points[index], sighting.scene_ms)
        taken = {index for _, index in newer}
        for index in spare:
            if index not in taken:
                self._bear(points[index], sighting.scene_ms)
        return out + self._merge(sighting.scene_ms)

    def advance(self, now_ms: int) -> list[TrackPoint | TrackEnd]:
        """Let time pass without a sighting; give the ends of tracks not seen for too long.

        An instant that has passed already settles nothing.
        """
        self._now_ms = max(now_ms, self._now_ms)
        over = [track for track in self._tracks if now_ms >= self._until_ms(track)]
        self._tracks = _unmatched(self._tracks, over)
        return [TrackEnd(track.number, track.seen_ms) for track in over if track.number]

    def due_ms(self) -> int | None:
        """Give the next instant at which ``advance`` ends a track, if nothing is seen till then."""
        return min((self._until_ms(track) for track in self._tracks), default=None)

    def _until_ms(self, track: _Track) -> int:
        patience_ms = self._params.lost_ms if track.number else self._params.doubt_ms
        return track.seen_ms + patience_ms

    def _match(
        self, tracks: list[_Track], points: list[FloorPoint], indices: list[int]
    ) -> list[tuple[_Track, int]]:
        """Assign points to tracks so that their joint likelihood is highest."""
        if not tracks or not indices:
            return []
        far = 1e6
        costs = np.full((len(tracks), len(indices)), far)
        for row, track in enumerate(tracks):
            ahead = _predicted(track, self._now_ms, params=self._params)
            for column, index in enumerate(indices):
                costs[row, column] = min(far, self._cost(ahead, points[index]))
        rows, columns = linear_sum_assignment(costs)
        return [
            (tracks[row], indices[column])
            for row, column in zip(rows, columns, strict=True)
            if costs[row, column] < far
        ]

    def _cost(self, ahead: _State, point: FloorPoint) -> float:
        """Give twice the negative log likelihood, shifted; infinite outside the gate."""
        away = hypot(point.east_m - ahead.east_m, point.north_m - ahead.north_m)
        spread = ahead.place + self._variance(point)
        distance = away * away / spread
        if distance > self._params.gate or away > self._params.reach_m:
            return inf
        return distance + 2 * log(spread)

    def _variance(self, point: FloorPoint) -> float:
        return self._params.seen_sd_m**2 + point.sd_m**2

    def _see(self, track: _Track, point: FloorPoint, now_ms: int) -> list[TrackPoint | TrackEnd]:
        """Move a track to a sighting; give its points if it is believed."""
        ahead = _predicted(track, now_ms, params=self._params)
        _correct(track, ahead, point, variance=self._variance(point))
        track.at_ms = track.seen_ms = now_ms
        track.sightings += 1
        if track.number:
            return [TrackPoint(track.number, now_ms, track.east_m, track.north_m)]
        backlog = track.backlog or []
        backlog.append((now_ms, track.east_m, track.north_m))
        old_enough = now_ms - track.born_ms >= self._params.confirm_ms
        if track.sightings < track.needs or not old_enough:
            return []
        track.number, track.backlog = next(self._numbers), None
        return [TrackPoint(track.number, at_ms, east, north) for at_ms, east, north in backlog]

    def _bear(self, point: FloorPoint, now_ms: int) -> None:
        """Begin a track, unless somebody just seen explains the point or nobody can stand there."""
        if self._may_stand is not None and not self._may_stand(point.east_m, point.north_m):
            return
        for track in self._tracks:
            away = hypot(point.east_m - track.east_m, point.north_m - track.north_m)
            if track.seen_ms == now_ms and away < self._params.clearance_m:
                return
        usual = self._may_appear is None or self._may_appear(point.east_m, point.north_m)
        needs = self._params.confirm_sightings if usual else self._params.confirm_elsewhere
        track = _Track(
            at_ms=now_ms,
            east_m=point.east_m,
            north_m=point.north_m,
            place=self._variance(point),
            pace=self._params.speed_sd_m_s**2,
            needs=needs,
            born_ms=now_ms,
            seen_ms=now_ms,
            backlog=[(now_ms, point.east_m, point.north_m)],
        )
        self._tracks.append(track)

    def _merge(self, now_ms: int) -> list[TrackPoint | TrackEnd]:
        """End young tracks that have stayed on top of an older one: one person, seen twice."""
        over: list[_Track] = []
        for place, track in enumerate(self._tracks):
            if track.seen_ms != now_ms:
                continue
            if now_ms - track.born_ms > self._params.young_ms:
                track.close_to = None
                continue
            other = self._beside(track, self._tracks[:place], over=over, now_ms=now_ms)
            if other is None or other is not track.close_to:
                track.close_to, track.close_ms = other, now_ms
            elif now_ms - track.close_ms >= self._params.same_ms:
                over.append(track)
        self._tracks = _unmatched(self._tracks, over)
        return [TrackEnd(track.number, now_ms) for track in over if track.number]

    def _beside(
        self, track: _Track, older: list[_Track], *, over: list[_Track], now_ms: int
    ) -> _Track | None:
        """Give the older track this one lies on, if any."""
        for other in older:
            away = hypot(other.east_m - track.east_m, other.north_m - track.north_m)
            if other.seen_ms == now_ms and away < self._params.same_m and other not in over:
                return other
        return None


@dataclass(frozen=True, slots=True)
class _State:
    """Where a track is thought to be at an instant."""

    east_m: float
    north_m: float
    east_m_s: float
    north_m_s: float
    place: float
    mixed: float
    pace: float


def _predicted(track: _Track, now_ms: int, *, params: TrackerParams) -> _State:
    """Carry a track's state on to an instant, exactly: two steps give what one step gives.

    Source: Uhlenbeck & Ornstein, Phys. Rev. 36 (1930), eq. 24-25; integrated over time.
    """
    rate = 1_000 / params.memory_ms
    step_s = (now_ms - track.at_ms) / 1_000
    kept = exp(-rate * step_s)
    carry = (1 - kept) / rate
    variance = params.speed_sd_m_s**2
    noise_pace = variance * (1 - kept * kept)
    noise_mixed = variance * rate * carry * carry
    noise_place = variance * (2 * step_s / rate - 2 * carry / rate - carry * carry)
    return _State(
        east_m=track.east_m + carry * track.east_m_s,
        north_m=track.north_m + carry * track.north_m_s,
        east_m_s=kept * track.east_m_s,
        north_m_s=kept * track.north_m_s,
        place=track.place + 2 * carry * track.mixed + carry**2 * track.pace + noise_place,
        mixed=kept * (track.mixed + carry * track.pace) + noise_mixed,
        pace=kept * kept * track.pace + noise_pace,
    )


def _correct(track: _Track, ahead: _State, point: FloorPoint, *, variance: float) -> None:
    """Weigh a prediction against a sighting (Kalman)."""
    spread = ahead.place + variance
    gain, gain_pace = ahead.place / spread, ahead.mixed / spread
    east, north = point.east_m - ahead.east_m, point.north_m - ahead.north_m
    track.east_m, track.north_m = ahead.east_m + gain * east, ahead.north_m + gain * north
    track.east_m_s = ahead.east_m_s + gain_pace * east
    track.north_m_s = ahead.north_m_s + gain_pace * north
    track.place = (1 - gain) * ahead.place
    track.mixed = (1 - gain) * ahead.mixed
    track.pace = ahead.pace - gain_pace * ahead.mixed


def _rank(point: FloorPoint) -> tuple[float, float, float]:
    """Order points so that the order they come in changes nothing."""
    return -point.confidence, point.east_m, point.north_m


def _unmatched(tracks: list[_Track], taken: list[_Track]) -> list[_Track]:
    gone = {id(track) for track in taken}
    return [track for track in tracks if id(track) not in gone]
