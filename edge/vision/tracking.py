"""Sightings on the floor to tracks: who is who, in metres and scene time; nothing by looks."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator
from copy import copy
from dataclasses import dataclass, field
from itertools import count
from math import exp, inf, log
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from edge.vision.assignment import Link, Pair, likeliest, matched, settled
from edge.vision.fixtures import FixtureParams, Fixtures
from edge.vision.motion import Gait, MotionParams, Step, far_ahead, sameness

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Sees = Callable[[str, Floats], Bools]
"""Camera, (2, N) places → (N,) whether they are in its view."""
_Spot = tuple[int, complex]
"""Instant, and where."""


@dataclass(frozen=True, slots=True)
class FloorPoint:
    """Where one detection stands on the ground plane, metres, x east, y north.

    Attributes:
        sd_m: how sure the camera is of the place, along each axis; the body's own sway, which
            is the tracker's to know, comes on top.
        still: nothing has moved there lately: it may be a thing.
    """

    east_m: float
    north_m: float
    confidence: float
    sd_m: float = 0.0
    still: bool = False


@dataclass(frozen=True, slots=True)
class Sighting:
    """All people one camera saw at one instant; empty is information too."""

    scene_ms: int
    points: tuple[FloorPoint, ...]
    camera: str = ""


class TrackPoint(NamedTuple):
    """Where a track is. ``track`` counts from 1 within one boot and never leaves the agent.

    A tuple, which is made in a third of the time: one a person and image.
    """

    track: int
    scene_ms: int
    east_m: float
    north_m: float

    def at(self, scene_ms: int) -> TrackPoint:
        """Give the same at another time, for another clock."""
        return self._replace(scene_ms=scene_ms)


@dataclass(frozen=True, slots=True)
class TrackEnd:
    """A track is over; ``scene_ms`` is when it was last seen."""

    track: int
    scene_ms: int

    def at(self, scene_ms: int) -> TrackEnd:
        """Give the same at another time, for another clock."""
        return TrackEnd(self.track, scene_ms)


@dataclass(frozen=True, slots=True)
class TrackerParams:
    """What is believed about sightings; chosen on simulated scenes with even seeds.

    Attributes:
        motion: how people move.
        seen_sd_m: error of one sighting along each axis besides the camera's own; a first
            guess, as each camera's scale of error is learnt from how tracks fit.
        learn: share of the scale one sighting renews;
        scale_least: of a camera's squared error against the guess: a detector errs the same way
            for a second or so, tracks follow it, and fit better than they are true;
        scale_most: and beyond this it is no detector.
        learn_from: sightings a track needs to teach.
        worth: twice the log of how much likelier a sighting is somebody followed than nobody:
            nine of ten found, half a false one an image on 200 m².
        fixtures: where things are taken for people;
        fixed: no track begins where so many sightings of them an image has, per 2 pi m²: within
            two and a half of their standard deviations [D].
        stays: a fixture speaks against somebody followed by no more than so large a share of how
            probable they are to be seen where they are thought to be: who stands quite still is
            followed on, and goes with any sighting that moves away [D].
        sure: confidence that may start a track; less sure points only continue one (Zhang et
            al., ByteTrack, ECCV 2022).
        confirm_sightings: after which a new track is believed,
        confirm_ms: and not before this age, so that a flicker at a high frame rate is not.
        elsewhere_ms: the age where people do not usually appear (see ``Tracker``); a
            detector's second point on one body seldom lasts as long.
        doubt_ms: an unconfirmed track not seen for this long was a flicker; bridges one miss at
            four frames a second.
        coast_ms: for so long a single sighting continues a track; after that only a new track,
            as a false point would do.
        lost_ms: a confirmed track not seen for this long is over; visits are joined over longer
            gaps later, with more knowledge than a camera has.
        rejoin: as ``worth``, of a new track to be a lost one, where nobody appears;
        rejoin_door: and where people do, or the lost one was last: of whom seven a minute may
            come in, and who may have left.
        clearance_m: no track starts this close to a track just seen: two people's centres are
            0.45 m apart shoulder to shoulder, and a second point on one leaning body as much.
        same_m: two tracks this close
        same_ms: for this long are one person seen twice; the younger ends
        young_ms: if it is younger than this.
        alike: two tracks meet if exchanging their sightings costs less than this, as twice a log
            likelihood: odds of 90 to 1.
        part_ms: a meeting is over when they have been told apart for so long; by then the ways
            they go on are known,
        meet_ms: and after so long at the latest, as prediction is worth nothing any more.
        exchange: evidence it takes then to exchange two tracks, as ``alike``.
    """

    motion: MotionParams = field(default_factory=MotionParams)
    seen_sd_m: float = 0.15
    learn: float = 0.005
    scale_least: float = 0.35
    scale_most: float = 10.0
    learn_from: int = 8
    worth: float = 13.0
    fixtures: FixtureParams = field(default_factory=FixtureParams)
    fixed: float = 1.0
    stays: float = 0.5
    sure: float = 0.4
    confirm_sightings: int = 3
    confirm_ms: int = 400
    elsewhere_ms: int = 3_000
    doubt_ms: int = 700
    coast_ms: int = 1_200
    lost_ms: int = 5_000
    rejoin: float = 14.0
    rejoin_door: float = 2.0
    clearance_m: float = 0.6
    same_m: float = 0.4
    same_ms: int = 1_000
    young_ms: int = 6_000
    alike: float = 9.0
    part_ms: int = 600
    meet_ms: int = 3_000
    exchange: float = 6.0


@dataclass(slots=True, eq=False)
class _Track:
    """One person, or what may be one.

    Attributes:
        gait: where they are and how they move, as far as is known.
        usual: it began where people appear.
        last_m: where it was last seen.
        number: 0 until confirmed.
        given_ms: up to which its points were given out.
        held: points not given out yet: it is not believed, or in a meeting.
        missed: instants at which it was looked for in vain since.
        close_to: the older track it has been next to, since ``close_ms``.
    """

    gait: Gait
    born_ms: int
    seen_ms: int
    usual: bool
    last_m: complex
    held: list[_Spot]
    sightings: int = 1
    number: int = 0
    given_ms: int = -(1 << 62)
    missed: list[int] = field(default_factory=list)
    meeting: _Meeting | None = None
    close_to: _Track | None = None
    close_ms: int = 0


@dataclass(slots=True, eq=False)
class _Meeting:
    """Tracks so close that their sightings may be exchanged, and what they were like before.

    Attributes:
        before: what its tracks were like when they came in.
        last_ms: when two of them were last too close.
    """

    began_ms: int
    last_ms: int
    before: list[_Before] = field(default_factory=list)


_Before = tuple[_Track, Gait, int]
"""A track, how it moved then, and when that was."""
_Link = Link[_Track]
_Pair = Pair[_Track]


class Tracker:
    """Follows people over the sightings of one camera, or of several in order of time.

    A confirmed track is given out from its first sighting on: the points before confirmation come
    in one go with the point that confirmed it. So do, with the next sighting, those of instants at
    which it was looked for in vain, on a straight line; and those of tracks that meet, once it is
    known by the ways they go on who was who. Within a track instants increase; between tracks
    they may not, by the time all that takes.

    Args:
        params: motion and evidence.
        may_stand: whether a person can be at (east, north); tracks are not born elsewhere.
        may_appear: whether people come into view at (east, north): doors and the image's edge;
            elsewhere a birth takes ``elsewhere_ms``. By default everywhere.
        sees: whether a camera sees a place, so that who left its view is not missed by it;
            by default all see all.
        numbers: where track numbers come from.
    """

    def __init__(
        self,
        params: TrackerParams | None = None,
        *,
        may_stand: Callable[[float, float], bool] | None = None,
        may_appear: Callable[[float, float], bool] | None = None,
        sees: Sees | None = None,
        numbers: Iterator[int] | None = None,
    ) -> None:
        self._params = params or TrackerParams()
        self._may_stand = may_stand
        self._may_appear = may_appear
        self._sees = sees
        self._numbers = count(1) if numbers is None else numbers
        self._tracks: list[_Track] = []
        self._ends_ms = inf
        self._meetings: list[_Meeting] = []
        self._scales: dict[str, float] = {}
        self._fixtures = Fixtures(self._params.fixtures)
        self._now_ms = self._seen_ms = -(1 << 62)  # before every instant

    def feed(self, sighting: Sighting) -> list[TrackPoint | TrackEnd]:
        """Take one sighting; give the points and ends it settles.

        Raises:
            ValueError: earlier than an instant fed or advanced to before.
        """
        now_ms = sighting.scene_ms
        if now_ms < self._now_ms:
            raise ValueError(f"time runs backwards: {now_ms} after {self._now_ms} ms")
        out = self.advance(now_ms)
        self._move(now_ms)
        still = [complex(one.east_m, one.north_m) for one in sighting.points if one.still]
        scale = self._scales.get(sighting.camera, 1.0)
        seen = _Seen.of(sighting, scale=scale, params=self._params)
        self._fixtures.feed(now_ms, seen.places, still=still)
        looked_for = self._looked_for(sighting.camera)
        pairs, spare = self._assign(seen, looked_for)
        self._correct(sighting.camera, pairs, seen)
        for track, _ in pairs:
            self._see(track, out)
        for track in looked_for:
            if track.seen_ms < now_ms:
                track.missed.append(now_ms)
        self._bear(seen, spare)
        return out + self._rejoin() + self._part() + self._merge()

    def advance(self, now_ms: int) -> list[TrackPoint | TrackEnd]:
        """Let time pass without a sighting; give the ends of tracks not seen for too long.

        An instant that has passed already settles nothing.
        """
        self._now_ms = max(now_ms, self._now_ms)
        if now_ms < self._ends_ms:
            return []
        out = self._end([track for track in self._tracks if now_ms >= self._until_ms(track)])
        self._ends_ms = min(map(self._until_ms, self._tracks), default=inf)
        return out

    def due_ms(self) -> int | None:
        """Give the next instant at which ``advance`` ends a track, if nothing is seen till then."""
        return min(map(self._until_ms, self._tracks), default=None)

    def _until_ms(self, track: _Track) -> int:
        patience_ms = self._params.lost_ms if track.number else self._params.doubt_ms
        return track.seen_ms + patience_ms

    # ---- which sighting is whose -----------------------------------------------------------------

    def _move(self, now_ms: int) -> None:
        """Carry all on to an instant."""
        step_ms, self._seen_ms = now_ms - self._seen_ms, now_ms
        if step_ms and self._tracks:
            step = Step.of(step_ms, params=self._params.motion)
            for track in self._tracks:
                track.gait.move(step)

    def _looked_for(self, camera: str) -> list[_Track]:
        """Give those who are in a camera's view."""
        if self._sees is None or not self._tracks:
            return self._tracks
        places = np.array([track.gait.expected_m() for track in self._tracks])
        in_view = self._sees(camera, np.array((places.real, places.imag)))
        return [self._tracks[row] for row in np.flatnonzero(in_view)]

    def _assign(self, seen: _Seen, looked_for: list[_Track]) -> tuple[list[_Pair], frozenset[int]]:
        """Give (track, point) pairs, and the sure points that are nobody's."""
        since_ms, sure = self._now_ms - self._params.coast_ms, seen.sure
        known = [track for track in looked_for if track.number and track.seen_ms >= since_ms]
        links = self._links(known, seen)
        pairs, contested = settled([link for link in links if link[1] in sure])
        chosen = likeliest(contested)
        self._note_meetings(chosen, contested)
        pairs += chosen
        if len(sure) < len(seen.places):
            taken = {track for track, _ in pairs}
            faint = [link for link in links if link[1] not in sure and link[0] not in taken]
            pairs += matched(faint)
        spare = sure - {column for _, column in pairs}
        fresh = [track for track in looked_for if not track.number]
        young = matched([link for link in self._links(fresh, seen) if link[1] in spare])
        return pairs + young, spare - {column for _, column in young}

    def _links(self, tracks: list[_Track], seen: _Seen) -> list[_Link]:
        """Give which points may be whose, at twice the negative log odds that they are.

        Against it speaks that somebody else, or nobody, is as likely to be seen there.
        """
        if not tracks or not seen.places:
            return []
        worth, places, variances = self._params.worth, seen.places, seen.variances
        fixed = [self._fixtures.density(place_m) for place_m in places]
        anywhere = exp(-0.5 * worth)
        # Whatever is likelier than that is nearer than this many times the variance, squared.
        far, most_m2 = max(0.0, worth - 2 * log(min(variances))), max(variances)
        links = []
        for track in tracks:
            gait = track.gait
            centre_m, reach_m = gait.place_m, gait.reach_m(far, most_m2)
            begin = bisect_left(seen.easts, centre_m.real - reach_m)
            end = bisect_right(seen.easts, centre_m.real + reach_m)
            for column in range(begin, end):
                place_m = places[column]
                if abs(place_m - centre_m) < reach_m:
                    density = gait.density(place_m, variances[column])
                    others = anywhere
                    if fixed[column]:
                        at_best = gait.density(gait.expected_m(), variances[column])
                        others += min(fixed[column], self._params.stays * at_best)
                    if density > others:
                        links.append((track, column, 2 * log(others / density)))
        return links

    def _correct(self, camera: str, pairs: list[_Pair], seen: _Seen) -> None:
        """Weigh tracks against their points; the camera's scale of error is learnt by their fit.

        Source: Mehra, IEEE Trans. Automatic Control 15 (1970), 175-184.
        """
        params, scale = self._params, self._scales.get(camera, 1.0)
        # One wild point is no noise: at most nine times the usual, three standard deviations.
        most, fits = 9 * scale, []
        for track, column in pairs:
            misfit = track.gait.see(seen.places[column], seen.variances[column])
            if track.sightings >= params.learn_from and track.meeting is None:
                fits.append(min(most, misfit / seen.guesses[column]))
        if fits:
            scale += (1 - (1 - params.learn) ** len(fits)) * (sum(fits) / len(fits) - scale)
            self._scales[camera] = min(params.scale_most, max(params.scale_least, scale))

    # ---- what becomes of a track -----------------------------------------------------------------

    def _see(self, track: _Track, out: list[TrackPoint | TrackEnd]) -> None:
        """Note that a track was seen; give its points if it is believed."""
        spot = self._now_ms, track.gait.expected_m()
        if track.missed:
            track.held += self._between(track, spot)
        track.held.append(spot)
        track.seen_ms, track.last_m = spot
        track.sightings += 1
        if track.number:
            self._give(track, out)

    def _is_believed(self, track: _Track) -> bool:
        params = self._params
        age_ms = track.seen_ms - track.born_ms
        return track.sightings >= params.confirm_sightings and age_ms >= params.confirm_ms

    def _between(self, track: _Track, spot: _Spot) -> list[_Spot]:
        """Give where a track was when it was missed, on a straight line up to a spot."""
        was_ms, (now_ms, place_m) = track.seen_ms, spot
        spots = []
        for at_ms in track.missed:
            if was_ms < at_ms < now_ms:
                share = (at_ms - was_ms) / (now_ms - was_ms)
                there_m = track.last_m + share * (place_m - track.last_m)
                if self._can_stand(there_m):
                    spots.append((at_ms, there_m))
        track.missed.clear()
        return spots

    def _can_stand(self, place_m: complex) -> bool:
        return self._may_stand is None or self._may_stand(place_m.real, place_m.imag)

    def _give(self, track: _Track, out: list[TrackPoint | TrackEnd]) -> None:
        """Give out the points held, or go on holding them."""
        if not track.number or track.meeting is not None:
            return
        for at_ms, place_m in track.held:
            if at_ms > track.given_ms:
                track.given_ms = at_ms
                out.append(TrackPoint(track.number, at_ms, place_m.real, place_m.imag))
        track.held.clear()

    def _bear(self, seen: _Seen, spare: frozenset[int]) -> None:
        """Begin tracks at points that nobody just seen explains, where somebody can stand."""
        now_ms, params = self._now_ms, self._params
        for column in sorted(spare, key=lambda one: (seen.doubts[one], one)):
            place_m = seen.places[column]
            if self._fixtures.density(place_m) >= params.fixed:
                continue
            if not self._can_stand(place_m) or self._is_beside(place_m):
                continue
            variance_m2 = seen.variances[column]
            gait = Gait.first_seen(place_m, variance_m2=variance_m2, params=params.motion)
            usual = self._may_appear is None or self._may_appear(place_m.real, place_m.imag)
            track = _Track(gait, now_ms, now_ms, usual, place_m, [(now_ms, place_m)])
            self._tracks.append(track)
            self._ends_ms = min(self._ends_ms, self._until_ms(track))

    def _is_beside(self, place_m: complex) -> bool:
        """Tell whether a track just seen, or just begun, is too close for another one."""
        now_ms, near_m = self._now_ms, self._params.clearance_m
        return any(
            track.seen_ms == now_ms and abs(place_m - track.last_m) < near_m
            for track in self._tracks
        )

    def _rejoin(self) -> list[TrackPoint | TrackEnd]:
        """Let tracks that are now believed continue lost ones; the others are new people."""
        now_ms = self._now_ms
        new = [track for track in self._tracks if not track.number and track.seen_ms == now_ms]
        new = [track for track in new if self._is_believed(track)]
        if not new:
            return []
        out: list[TrackPoint | TrackEnd] = []
        joined = []
        for old, young in self._continuations(new):
            self._continue(old, young, out)
            joined.append(young)
        for track in new:
            age_ms = now_ms - track.born_ms
            if track not in joined and (track.usual or age_ms >= self._params.elsewhere_ms):
                track.number = next(self._numbers)
                self._give(track, out)
        self._drop(joined)
        return out

    def _continuations(self, new: list[_Track]) -> list[tuple[_Track, _Track]]:
        """Pair lost tracks with new ones that began after they were last seen."""
        params, links = self._params, []
        for lost in self._tracks:
            if not lost.number or lost.seen_ms == self._now_ms:
                continue
            left = self._is_usual(lost.last_m)
            for place, young in enumerate(new):
                if lost.seen_ms < young.born_ms:
                    found = lost.gait.density(young.gait.expected_m(), young.gait.place_m2)
                    door = left or (self._may_appear is not None and young.usual)
                    cost = -2 * log(found) - (params.rejoin_door if door else params.rejoin)
                    if cost < 0:
                        links.append((lost, place, cost))
        return [(lost, new[place]) for lost, place in matched(links)]

    def _is_usual(self, place_m: complex) -> bool:
        return self._may_appear is not None and self._may_appear(place_m.real, place_m.imag)

    def _continue(self, track: _Track, young: _Track, out: list[TrackPoint | TrackEnd]) -> None:
        """Let a track go on as another one."""
        track.held += [*self._between(track, young.held[0]), *young.held]
        track.last_m, track.seen_ms, track.missed = young.last_m, young.seen_ms, young.missed
        track.sightings += young.sightings
        track.gait = young.gait
        self._give(track, out)

    def _end(self, over: list[_Track]) -> list[TrackPoint | TrackEnd]:
        out: list[TrackPoint | TrackEnd] = []
        for track in over:
            track.meeting = None
            if track.number:
                self._give(track, out)
                out.append(TrackEnd(track.number, track.seen_ms))
        self._drop(over)
        return out

    def _drop(self, over: list[_Track]) -> None:
        if over:
            self._tracks = [track for track in self._tracks if track not in over]

    # ---- two who come close ----------------------------------------------------------------------

    def _note_meetings(self, pairs: list[_Pair], links: list[_Link]) -> None:
        """Begin or prolong the meetings of tracks whose points could as well be exchanged."""
        costs = {(track, column): cost for track, column, cost in links}
        own, whose = dict(pairs), {column: track for track, column in pairs}
        close = []
        for track, column, cost in links:
            other = whose.get(column, track)
            if other is not track:
                # What is no link, or nobody's point, costs nothing.
                loss = cost - costs[other, column]
                if track in own:
                    loss += costs.get((other, own[track]), 0.0) - costs[track, own[track]]
                if loss < self._params.alike:
                    close.append((track, other))
        for one, other in close:
            self._meet(one, other)

    def _meet(self, one: _Track, other: _Track) -> None:
        meeting = one.meeting or other.meeting
        if meeting is None:
            meeting = _Meeting(self._now_ms, self._now_ms)
            self._meetings.append(meeting)
        elif other.meeting is not None and other.meeting is not meeting:
            second = other.meeting
            self._meetings.remove(second)
            meeting.began_ms = min(meeting.began_ms, second.began_ms)
            meeting.before += second.before
            for track, _, _ in second.before:
                track.meeting = meeting
        meeting.last_ms = self._now_ms
        for track in (one, other):
            if track.meeting is None:
                track.meeting = meeting
                meeting.before.append((track, copy(track.gait), self._now_ms))

    def _part(self) -> list[TrackPoint | TrackEnd]:
        """End the meetings that are over, and give the points held back."""
        out: list[TrackPoint | TrackEnd] = []
        params = self._params
        for meeting in list(self._meetings):
            apart_ms = self._now_ms - meeting.last_ms
            if apart_ms >= params.part_ms or self._now_ms - meeting.began_ms >= params.meet_ms:
                self._meetings.remove(meeting)
                meeting.before = [one for one in meeting.before if one[0] in self._tracks]
                self._tell_apart(meeting)
                for track, _, _ in meeting.before:
                    track.meeting = None
                    self._give(track, out)
        return out

    def _tell_apart(self, meeting: _Meeting) -> None:
        """Exchange tracks if the ways they came and go on fit better so."""
        known = [one for one in meeting.before if one[0].seen_ms >= meeting.last_ms]
        if len(known) <= 1:
            return
        now_ms, motion = self._now_ms, self._params.motion
        then = [far_ahead(gait, now_ms - at_ms, params=motion) for _, gait, at_ms in known]
        now = [track.gait for track, _, _ in known]
        same = np.array([[sameness(one, other, params=motion) for other in now] for one in then])
        came, went = linear_sum_assignment(-same)
        if 2 * (same[came, went].sum() - same.trace()) < self._params.exchange:
            return
        who = [(track.number, track.born_ms, track.given_ms) for track, _, _ in known]
        for one, other in zip(came.tolist(), went.tolist(), strict=True):
            track = known[other][0]
            track.number, track.born_ms, track.given_ms = who[one]

    def _merge(self) -> list[TrackPoint | TrackEnd]:
        """End young tracks that have stayed on top of an older one: one person, seen twice."""
        over: list[_Track] = []
        now_ms, params = self._now_ms, self._params
        for place, track in enumerate(self._tracks):
            if now_ms - track.born_ms > params.young_ms:
                track.close_to = None
                continue
            if track.seen_ms != now_ms:
                continue
            other = self._beside(track, self._tracks[:place], over=over)
            if other is None or other is not track.close_to:
                track.close_to, track.close_ms = other, now_ms
            elif now_ms - track.close_ms >= params.same_ms:
                over.append(track)
        return self._end(over)

    def _beside(self, track: _Track, older: list[_Track], *, over: list[_Track]) -> _Track | None:
        """Give the older track this one lies on, if any."""
        now_ms, near_m = self._now_ms, self._params.same_m
        for other in older:
            if (
                other.seen_ms == now_ms
                and abs(other.last_m - track.last_m) < near_m
                and other not in over
            ):
                return other
        return None


@dataclass(frozen=True, slots=True)
class _Seen:
    """A sighting's points, from west to east, so that the order they come in changes nothing.

    Attributes:
        easts: where they are along one axis,
        places: and along both.
        doubts: how sure the camera is not.
        guesses: squared errors a camera's scale is learnt against.
        variances: these, scaled.
        sure: those that may start a track.
    """

    easts: tuple[float, ...] = ()
    places: tuple[complex, ...] = ()
    doubts: tuple[float, ...] = ()
    guesses: tuple[float, ...] = ()
    variances: tuple[float, ...] = ()
    sure: frozenset[int] = frozenset()

    @classmethod
    def of(cls, sighting: Sighting, *, scale: float, params: TrackerParams) -> _Seen:
        rows = [(one.east_m, one.north_m, -one.confidence, one.sd_m) for one in sighting.points]
        if not rows:
            return cls()
        rows.sort()
        easts, norths, doubts, errors = zip(*rows, strict=True)
        seen_m2, least = params.seen_sd_m**2, -params.sure
        guesses = tuple([seen_m2 + sd_m * sd_m for sd_m in errors])
        return cls(
            easts,
            tuple(map(complex, easts, norths)),
            doubts,
            guesses,
            tuple([scale * guess for guess in guesses]),
            frozenset([column for column, doubt in enumerate(doubts) if doubt <= least]),
        )
