"""Sightings on the floor to tracks: who is who, in metres and scene time; nothing by looks."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from math import hypot, inf

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
        before: track, its (11, 1) state when it came in, and when that was.
        last_ms: when two of them were last too close.
    """

    began_ms: int
    last_ms: int
    before: list[tuple[_Track, Floats, int]] = field(default_factory=list)


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
            self._learn(sighting.camera, pairs, seen)
            rows, columns = (list(each) for each in zip(*pairs, strict=True))
            self._states[:, rows] = motion.corrected(
                self._states[:, rows], seen.places[:, columns], seen.variances[columns]
            )
        found = dict(pairs)
        places = motion.places(self._states).T.tolist()
        for row in looked_for:
            if row in found:
                out += self._see(self._tracks[row], places[row])
            else:
                self._tracks[row].missed.append(now_ms)
        for column in spare:
            self._bear(seen, column)
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
        known, fresh = [], []
        for row in looked_for:
            track = self._tracks[row]
            if not track.number:
                fresh.append(row)
            elif track.seen_ms >= since_ms:
                known.append(row)
        costs = self._costs(seen)
        sure, unsure = list(range(seen.sure)), list(range(seen.sure, len(seen.variances)))
        pairs = _matched(known, sure, costs)
        self._note_meetings(known, pairs, costs[known, : seen.sure])
        if unsure:
            pairs += _matched(_without(known, {row for row, _ in pairs}), unsure, costs)
        spare = _without(sure, {column for _, column in pairs})
        newer = _matched(fresh, spare, costs)
        return pairs + newer, _without(spare, {column for _, column in newer})

    def _costs(self, seen: _Seen) -> Floats:
        """Give twice the negative log odds that a point is a track's; none above 0: nobody's.

        Returns:
            (tracks, points).
        """
        found = motion.densities(self._states, seen.places, seen.variances)
        costs: Floats = np.minimum(-2 * np.log(found) - self._params.worth, 0.0)
        return costs

    def _learn(self, camera: str, pairs: list[tuple[int, int]], seen: _Seen) -> None:
        """Renew a camera's scale of error by how its sightings fit those long followed.

        Source: Mehra, IEEE Trans. Automatic Control 15 (1970), 175-184.
        """
        params = self._params
        pairs = [
            (row, column)
            for row, column in pairs
            if self._tracks[row].sightings >= params.learn_from
            and self._tracks[row].meeting is None
        ]
        if not pairs:
            return
        rows, columns = (list(each) for each in zip(*pairs, strict=True))
        left = motion.surprise(self._states[:, rows], seen.places[:, columns])
        scale = self._scales.get(camera, 1.0)
        # One wild point is no noise: at most nine times the usual, three standard deviations.
        told = float(np.minimum(left / seen.guesses[columns], 9 * scale).mean())
        scale += (1 - (1 - params.learn) ** len(pairs)) * (told - scale)
        self._scales[camera] = min(params.scale_most, max(params.scale_least, scale))

    # ---- what becomes of a track -----------------------------------------------------------------

    def _see(self, track: _Track, place: list[float]) -> list[TrackPoint | TrackEnd]:
        """Note that a track was seen; give its points if it is believed."""
        spot = self._now_ms, place[0], place[1]
        if track.missed:
            track.held += self._between(track, spot)
        track.held.append(spot)
        track.last, track.seen_ms = spot, self._now_ms
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

    def _bear(self, seen: _Seen, column: int) -> None:
        """Begin a track, unless somebody just seen explains the point or nobody can stand there."""
        east_m, north_m = seen.places[:, column].tolist()
        if self._may_stand is not None and not self._may_stand(east_m, north_m):
            return
        for track in self._tracks:
            away_m = hypot(east_m - track.last[1], north_m - track.last[2])
            if track.seen_ms == self._now_ms and away_m < self._params.clearance_m:
                return
        usual = self._may_appear is None or self._may_appear(east_m, north_m)
        spot = self._now_ms, east_m, north_m
        self._tracks.append(_Track(self._now_ms, self._now_ms, usual, spot, [spot]))
        state = motion.born(
            seen.places[:, [column]], seen.variances[[column]], params=self._params.motion
        )
        self._states = np.hstack([self._states, state])

    def _rejoin(self) -> list[TrackPoint | TrackEnd]:
        """Let tracks that are now believed continue lost ones; the others are new people."""
        new = [
            row
            for row, track in enumerate(self._tracks)
            if not track.number and track.seen_ms == self._now_ms and self._is_believed(track)
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
        worth = np.where(doors, params.rejoin_door, params.rejoin)
        costs = np.minimum(-2 * np.log(found) - worth, 0.0)
        seen_ms = np.array([self._tracks[row].seen_ms for row in lost])
        born_ms = np.array([self._tracks[row].born_ms for row in new])
        costs[seen_ms[:, None] >= born_ms] = 0.0
        pairs = _matched(list(range(len(lost))), list(range(len(new))), costs)
        return [(lost[row], new[column]) for row, column in pairs]

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

    def _note_meetings(self, rows: list[int], pairs: list[tuple[int, int]], costs: Floats) -> None:
        """Begin or prolong the meetings of tracks whose points could as well be exchanged."""
        if (costs < 0).sum() <= len(pairs):
            return
        points = dict(pairs)
        with_nobodys = np.zeros((len(rows), costs.shape[1] + 1))
        with_nobodys[:, :-1] = costs
        taken = [points.get(row, -1) for row in rows]  # -1: the column of nobody's point
        costs = with_nobodys[:, taken]  # [i, j]: of i taking what j has
        own = costs.diagonal()
        loss = costs + costs.T - own - own[:, None]
        close = (loss < self._params.alike) & ((costs < 0) | (costs.T < 0))
        for one, other in zip(*(each.tolist() for each in close.nonzero()), strict=True):
            if one < other:
                self._meet(rows[one], rows[other])

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
        if len(known) <= 1:
            return
        motions = self._params.motion
        rows = [self._tracks.index(track) for track, _, _ in known]
        then = [
            motion.far_ahead(state, self._now_ms - at_ms, params=motions)
            for _, state, at_ms in known
        ]
        same = motion.sameness(np.hstack(then), self._states[:, rows], params=motions)
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
        for other in older:
            away_m = hypot(other.last[1] - track.last[1], other.last[2] - track.last[2])
            if other.seen_ms == self._now_ms and away_m < self._params.same_m and other not in over:
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
            (-point.confidence, point.east_m, point.north_m, point.sd_m)
            for point in sighting.points
        )
        columns = np.array(rows, dtype=np.float64).reshape(-1, 4).T
        guesses = params.seen_sd_m**2 + columns[3] ** 2
        sure = bisect_right(rows, (-params.sure, inf))
        return cls(columns[1:3], guesses, scale * guesses, sure)


def _matched(rows: list[int], columns: list[int], costs: Floats) -> list[tuple[int, int]]:
    """Pair some rows and columns of all so that the whole is likeliest.

    What costs nothing is no pair.
    """
    if not rows or not columns:
        return []
    chosen = costs[np.ix_(rows, columns)]
    came, went = linear_sum_assignment(chosen)
    worth = chosen[came, went] < 0
    return [
        (rows[row], columns[column])
        for row, column in zip(came[worth].tolist(), went[worth].tolist(), strict=True)
    ]


def _without(indices: list[int], taken: set[int]) -> list[int]:
    return [index for index in indices if index not in taken]
