"""Sightings on the floor to tracks: who is who, in metres and scene time; nothing by looks."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import chain, compress, count
from math import exp, hypot, inf, log

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from edge.vision import motion
from edge.vision.motion import Floats, MotionParams

Bools = NDArray[np.bool_]
Sees = Callable[[str, Floats], Bools]
"""Camera, (2, N) places → (N,) whether they are in its view."""
_Spot = tuple[int, float, float]
"""Instant, east, north."""
_Link = tuple[int, int, float]
"""Track and point that may belong together, and the cost of that, below 0."""


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
    """One person; the state is the column of the same number in the tracker's states.

    Attributes:
        usual: it began where people appear.
        last: where it was last seen.
        number: 0 until confirmed.
        given_ms: up to which its points were given out.
        held: points not given out yet: it is not believed, or in a meeting.
        missed: instants at which it was looked for in vain since.
        close_to: the older track it has been next to, since ``close_ms``.
    """

    born_ms: int
    seen_ms: int
    usual: bool
    last: _Spot
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


_Before = tuple[_Track, Floats, int]
"""A track, its (11, 1) state then, and when that was."""


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
        self._states = np.empty((motion.ROWS, 0))
        self._state_ms = 0
        self._meetings: list[_Meeting] = []
        self._scales: dict[str, float] = {}
        self._now_ms = -(1 << 62)  # before every instant

    def feed(self, sighting: Sighting) -> list[TrackPoint | TrackEnd]:
        """Take one sighting; give the points and ends it settles.

        Raises:
            ValueError: earlier than an instant fed or advanced to before.
        """
        now_ms = sighting.scene_ms
        if now_ms < self._now_ms:
            raise ValueError(f"time runs backwards: {now_ms} after {self._now_ms} ms")
        out = self.advance(now_ms)
        step_ms, self._state_ms = now_ms - self._state_ms, now_ms
        self._states = motion.ahead(self._states, step_ms, params=self._params.motion)
        seen = _Seen.of(sighting, scale=self._scales.get(sighting.camera, 1.0), params=self._params)
        looked_for = self._looked_for(sighting.camera)
        pairs, spare = self._assign(seen, looked_for)
        if pairs:
            self._correct(sighting.camera, pairs, seen)
        found = {row for row, _ in pairs}
        easts, norths = motion.places(self._states).tolist()
        for row in looked_for:
            if row in found:
                out += self._see(self._tracks[row], (now_ms, easts[row], norths[row]))
            else:
                self._tracks[row].missed.append(now_ms)
        self._bear(seen, spare)
        return out + self._rejoin() + self._part() + self._merge()

    def advance(self, now_ms: int) -> list[TrackPoint | TrackEnd]:
        """Let time pass without a sighting; give the ends of tracks not seen for too long.

        An instant that has passed already settles nothing.
        """
        self._now_ms = max(now_ms, self._now_ms)
        return self._end([track for track in self._tracks if now_ms >= self._until_ms(track)])

    def due_ms(self) -> int | None:
        """Give the next instant at which ``advance`` ends a track, if nothing is seen till then."""
        return min((self._until_ms(track) for track in self._tracks), default=None)

    def _until_ms(self, track: _Track) -> int:
        patience_ms = self._params.lost_ms if track.number else self._params.doubt_ms
        return track.seen_ms + patience_ms

    # ---- which sighting is whose -----------------------------------------------------------------

    def _looked_for(self, camera: str) -> list[int]:
        """Give the columns of those who are in a camera's view."""
        if self._sees is None or not self._tracks:
            return list(range(len(self._tracks)))
        in_view = self._sees(camera, motion.places(self._states))
        found: list[int] = np.flatnonzero(in_view).tolist()
        return found

    def _assign(
        self, seen: _Seen, looked_for: list[int]
    ) -> tuple[list[tuple[int, int]], list[int]]:
        """Give (track, point) pairs, and the sure points that are nobody's."""
        if not looked_for:
            return [], list(range(seen.sure))
        since_ms = self._now_ms - self._params.coast_ms
        known, fresh = set(), set()
        for row in looked_for:
            track = self._tracks[row]
            if not track.number:
                fresh.add(row)
            elif track.seen_ms >= since_ms:
                known.add(row)
        links = self._links(seen)
        sure = [link for link in links if link[1] < seen.sure]
        known_sure = [link for link in sure if link[0] in known]
        pairs = _matched(known_sure)
        self._note_meetings(pairs, known_sure)
        taken = {row for row, _ in pairs}
        if seen.sure < len(seen.variances):
            unsure = (link for link in links if link[1] >= seen.sure and link[0] in known)
            pairs += _matched([link for link in unsure if link[0] not in taken])
        taken = {column for _, column in pairs}
        pairs += _matched([link for link in sure if link[0] in fresh and link[1] not in taken])
        taken = {column for _, column in pairs}
        return pairs, [column for column in range(seen.sure) if column not in taken]

    def _links(self, seen: _Seen) -> list[_Link]:
        """Give which points may be whose, at twice the negative log odds that they are."""
        worth, points = self._params.worth, len(seen.variances)
        found = motion.densities(self._states, seen.places, seen.variances).ravel()
        (near,) = (found > exp(-0.5 * worth)).nonzero()
        return [
            (*divmod(place, points), -2 * log(density) - worth)
            for place, density in zip(near.tolist(), found.take(near).tolist(), strict=True)
        ]

    def _correct(self, camera: str, pairs: list[tuple[int, int]], seen: _Seen) -> None:
        """Weigh tracks against their points; the camera's scale of error is learnt by their fit.

        Source: Mehra, IEEE Trans. Automatic Control 15 (1970), 175-184.
        """
        params = self._params
        rows, columns = (list(each) for each in zip(*pairs, strict=True))
        known = [self._tracks[row] for row in rows]
        teach = [one.sightings >= params.learn_from and one.meeting is None for one in known]
        self._states[:, rows], misfit = motion.corrected(
            self._states.take(rows, axis=1),
            seen.places.take(columns, axis=1),
            seen.variances.take(columns),
        )
        if not any(teach):
            return
        scale = self._scales.get(camera, 1.0)
        # One wild point is no noise: at most nine times the usual, three standard deviations.
        told = np.minimum(misfit / seen.guesses.take(columns), 9 * scale)
        fits = list(compress(told.tolist(), teach))
        scale += (1 - (1 - params.learn) ** len(fits)) * (sum(fits) / len(fits) - scale)
        self._scales[camera] = min(params.scale_most, max(params.scale_least, scale))

    # ---- what becomes of a track -----------------------------------------------------------------

    def _see(self, track: _Track, spot: _Spot) -> list[TrackPoint | TrackEnd]:
        """Note that a track was seen; give its points if it is believed."""
        if track.missed:
            track.held += self._between(track, spot)
        track.held.append(spot)
        track.last, track.seen_ms = spot, spot[0]
        track.sightings += 1
        return self._give(track)

    def _is_believed(self, track: _Track) -> bool:
        params = self._params
        age_ms = track.seen_ms - track.born_ms
        return track.sightings >= params.confirm_sightings and age_ms >= params.confirm_ms

    def _between(self, track: _Track, spot: _Spot) -> list[_Spot]:
        """Give where a track was when it was missed, on a straight line up to a spot."""
        if not track.missed:
            return []
        was_ms, east_m, north_m = track.last
        spots = []
        for at_ms in track.missed:
            if was_ms < at_ms < spot[0]:
                share = (at_ms - was_ms) / (spot[0] - was_ms)
                east = east_m + share * (spot[1] - east_m)
                north = north_m + share * (spot[2] - north_m)
                if self._may_stand is None or self._may_stand(east, north):
                    spots.append((at_ms, east, north))
        track.missed.clear()
        return spots

    def _give(self, track: _Track) -> list[TrackPoint | TrackEnd]:
        """Give out the points held, or go on holding them."""
        if not track.number or track.meeting is not None:
            return []
        held, track.held = track.held, []
        out: list[TrackPoint | TrackEnd] = []
        for at_ms, east_m, north_m in held:
            if at_ms > track.given_ms:
                track.given_ms = at_ms
                out.append(TrackPoint(track.number, at_ms, east_m, north_m))
        return out

    def _bear(self, seen: _Seen, spare: list[int]) -> None:
        """Begin tracks at points that nobody just seen explains, where somebody can stand."""
        columns = []
        for column in spare:
            east_m, north_m = seen.places[:, column].tolist()
            if self._may_stand is not None and not self._may_stand(east_m, north_m):
                continue
            if self._is_beside(east_m, north_m):
                continue
            usual = self._may_appear is None or self._may_appear(east_m, north_m)
            spot = self._now_ms, east_m, north_m
            self._tracks.append(_Track(self._now_ms, self._now_ms, usual, spot, [spot]))
            columns.append(column)
        if columns:
            born = motion.born(
                seen.places[:, columns], seen.variances[columns], params=self._params.motion
            )
            self._states = np.hstack([self._states, born])

    def _is_beside(self, east_m: float, north_m: float) -> bool:
        """Tell whether a track just seen, or just begun, is too close for another one."""
        return any(
            track.seen_ms == self._now_ms
            and hypot(east_m - track.last[1], north_m - track.last[2]) < self._params.clearance_m
            for track in self._tracks
        )

    def _rejoin(self) -> list[TrackPoint | TrackEnd]:
        """Let tracks that are now believed continue lost ones; the others are new people."""
        now_ms = self._now_ms
        new = [
            row
            for row, track in enumerate(self._tracks)
            if not track.number and track.seen_ms == now_ms and self._is_believed(track)
        ]
        if not new:
            return []
        out: list[TrackPoint | TrackEnd] = []
        joined = []
        for old, young in self._continuations(new):
            out += self._continue(old, young)
            joined.append(self._tracks[young])
        for row in new:
            track = self._tracks[row]
            age_ms = self._now_ms - track.born_ms
            if track not in joined and (track.usual or age_ms >= self._params.elsewhere_ms):
                track.number = next(self._numbers)
                out += self._give(track)
        self._drop(joined)
        return out

    def _continuations(self, new: list[int]) -> list[tuple[int, int]]:
        """Pair lost tracks with new ones that began after they were last seen."""
        lost = [
            row
            for row, track in enumerate(self._tracks)
            if track.number and track.seen_ms < self._now_ms
        ]
        if not lost:
            return []
        young = self._states[:, new]
        variances = young[motion.PLACE_VAR]
        found = motion.densities(self._states[:, lost], motion.places(young), variances)
        params = self._params
        came = [self._may_appear is not None and self._tracks[row].usual for row in new]
        left = [self._is_usual(*self._tracks[row].last[1:]) for row in lost]
        doors = np.logical_or.outer(left, came)
        costs = -2 * np.log(found) - np.where(doors, params.rejoin_door, params.rejoin)
        return _matched(
            [
                (row, column, cost)
                for row, line in zip(lost, costs.tolist(), strict=True)
                for column, cost in zip(new, line, strict=True)
                if cost < 0 and self._tracks[row].seen_ms < self._tracks[column].born_ms
            ]
        )

    def _is_usual(self, east_m: float, north_m: float) -> bool:
        return self._may_appear is not None and self._may_appear(east_m, north_m)

    def _continue(self, row: int, other: int) -> list[TrackPoint | TrackEnd]:
        """Let a track go on as another one."""
        track, young = self._tracks[row], self._tracks[other]
        track.held += [*self._between(track, young.held[0]), *young.held]
        track.last, track.seen_ms, track.missed = young.last, young.seen_ms, young.missed
        track.sightings += young.sightings
        self._states[:, row] = self._states[:, other]
        return self._give(track)

    def _end(self, over: list[_Track]) -> list[TrackPoint | TrackEnd]:
        out: list[TrackPoint | TrackEnd] = []
        for track in over:
            track.meeting = None
            if track.number:
                out += [*self._give(track), TrackEnd(track.number, track.seen_ms)]
        self._drop(over)
        return out

    def _drop(self, over: list[_Track]) -> None:
        if over:
            kept = [row for row, track in enumerate(self._tracks) if track not in over]
            self._tracks = [self._tracks[row] for row in kept]
            self._states = self._states[:, kept]

    # ---- two who come close ----------------------------------------------------------------------

    def _note_meetings(self, pairs: list[tuple[int, int]], links: list[_Link]) -> None:
        """Begin or prolong the meetings of tracks whose points could as well be exchanged."""
        if len(links) <= len(pairs):
            return
        costs = {(row, column): cost for row, column, cost in links}
        own, whose = dict(pairs), {column: row for row, column in pairs}
        close = set()
        for row, column, cost in links:
            other = whose.get(column, row)
            if other != row:
                # What is no link, or nobody's point, costs nothing.
                loss = cost - costs[other, column]
                if row in own:
                    loss += costs.get((other, own[row]), 0.0) - costs[row, own[row]]
                if loss < self._params.alike:
                    close.add((min(row, other), max(row, other)))
        for one, other in sorted(close):
            self._meet(one, other)

    def _meet(self, one: int, other: int) -> None:
        meetings = [self._tracks[row].meeting for row in (one, other)]
        meeting = meetings[0] or meetings[1]
        if meeting is None:
            meeting = _Meeting(self._now_ms, self._now_ms)
            self._meetings.append(meeting)
        elif meetings[1] is not None and meetings[1] is not meeting:
            self._meetings.remove(meetings[1])
            meeting.began_ms = min(meeting.began_ms, meetings[1].began_ms)
            meeting.before += meetings[1].before
            for track, _, _ in meetings[1].before:
                track.meeting = meeting
        meeting.last_ms = self._now_ms
        for row in (one, other):
            track = self._tracks[row]
            if track.meeting is None:
                track.meeting = meeting
                meeting.before.append((track, self._states[:, [row]], self._now_ms))

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
                    out += self._give(track)
        return out

    def _tell_apart(self, meeting: _Meeting) -> None:
        """Exchange tracks if the ways they came and go on fit better so."""
        known = [one for one in meeting.before if one[0].seen_ms >= meeting.last_ms]
        known.sort(key=lambda one: one[2])
        if len(known) <= 1:
            return
        rows = [self._tracks.index(track) for track, _, _ in known]
        same = motion.sameness(
            self._as_expected(known), self._states.take(rows, axis=1), params=self._params.motion
        )
        came, went = linear_sum_assignment(-same)
        if 2 * (same[came, went].sum() - same.trace()) < self._params.exchange:
            return
        who = [(track.number, track.born_ms, track.given_ms) for track, _, _ in known]
        for one, other in zip(came.tolist(), went.tolist(), strict=True):
            track = known[other][0]
            track.number, track.born_ms, track.given_ms = who[one]

    def _as_expected(self, before: list[_Before]) -> Floats:
        """Carry states from before a meeting on to now; who came later, from then on."""
        states, was_ms = np.empty((motion.ROWS, 0)), 0
        for _, state, at_ms in before:
            there = motion.far_ahead(states, at_ms - was_ms, params=self._params.motion)
            states, was_ms = np.hstack([there, state]), at_ms
        return motion.far_ahead(states, self._now_ms - was_ms, params=self._params.motion)

    def _merge(self) -> list[TrackPoint | TrackEnd]:
        """End young tracks that have stayed on top of an older one: one person, seen twice."""
        over: list[_Track] = []
        for place, track in enumerate(self._tracks):
            if track.seen_ms != self._now_ms:
                continue
            if self._now_ms - track.born_ms > self._params.young_ms:
                track.close_to = None
                continue
            other = self._beside(track, self._tracks[:place], over=over)
            if other is None or other is not track.close_to:
                track.close_to, track.close_ms = other, self._now_ms
            elif self._now_ms - track.close_ms >= self._params.same_ms:
                over.append(track)
        return self._end(over)

    def _beside(self, track: _Track, older: list[_Track], *, over: list[_Track]) -> _Track | None:
        """Give the older track this one lies on, if any."""
        now_ms, near_m, (_, east_m, north_m) = self._now_ms, self._params.same_m, track.last
        for other in older:
            _, other_m, norther_m = other.last
            if (
                other.seen_ms == now_ms
                and hypot(other_m - east_m, norther_m - north_m) < near_m
                and other not in over
            ):
                return other
        return None


@dataclass(frozen=True, slots=True)
class _Seen:
    """A sighting as arrays, the surest points first, so that their order changes nothing.

    Attributes:
        places: (2, M).
        guesses: (M,) squared errors a camera's scale is learnt against.
        variances: (M,) these, scaled.
        sure: how many may start a track.
    """

    places: Floats
    guesses: Floats
    variances: Floats
    sure: int

    @classmethod
    def of(cls, sighting: Sighting, *, scale: float, params: TrackerParams) -> _Seen:
        # The surest first; sorted by all they are, so that the order they come in changes nothing.
        rows = sorted(
            [
                (-point.confidence, point.east_m, point.north_m, point.sd_m)
                for point in sighting.points
            ]
        )
        flat = np.fromiter(chain.from_iterable(rows), dtype=np.float64, count=4 * len(rows))
        columns = np.ascontiguousarray(flat.reshape(-1, 4).T)
        guesses = params.seen_sd_m**2 + columns[3] * columns[3]
        sure = bisect_right(rows, (-params.sure, inf))
        return cls(columns[1:3], guesses, scale * guesses, sure)


def _matched(links: list[_Link]) -> list[tuple[int, int]]:
    """Pair tracks and points so that the whole is likeliest; what is not linked is no pair."""
    pairs = [(row, column) for row, column, _ in links]
    rows, columns = {row for row, _ in pairs}, {column for _, column in pairs}
    if len(rows) == len(columns) == len(pairs):
        return pairs
    row_of = {row: place for place, row in enumerate(rows)}
    column_of = {column: place for place, column in enumerate(columns)}
    costs = np.zeros((len(rows), len(columns)))
    for row, column, cost in links:
        costs[row_of[row], column_of[column]] = cost
    came, went = linear_sum_assignment(costs)
    chosen = dict(zip(came.tolist(), went.tolist(), strict=True))
    return [pair for pair in pairs if chosen.get(row_of[pair[0]]) == column_of[pair[1]]]
