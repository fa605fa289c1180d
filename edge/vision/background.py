"""The picture of a fixed camera without its people, learnt while it watches; in memory only.

Each pixel keeps two colours and a number of votes for each; every second or two the colour that is
seen gets a vote, and the one with more votes is the background. That is a running mode: what passes
never wins, what is put down for good wins once it has been there as long as its rival (``most_ms``
ends its lead), and what comes back is remembered. Where a person was found nothing votes.

Source: the two candidates and their votes are Boyer and Moore's majority vote (1981) on the modes
of Stauffer and Grimson, "Adaptive background mixture models" (CVPR 1999).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.vision.detection import Backdrop, Bools, Floats, Image

Marks = NDArray[np.uint8]
"""(H, W), 255 where something holds."""
Box = tuple[float, float, float, float]
"""Left, top, right, bottom, pixels."""

_GRID = 12
"""Light is compared at every so many-th pixel."""
_GRID_LEAST = 50
"""Colours on that grid below which nothing is said about light."""
_LIVELY = (20, 235)
"""Levels between which a pixel's light is its lamp's, not the sensor's limits."""
_LIGHT_STEP = 0.01
"""Changes of light below this are left to the running median."""
_DETAIL_PX = 4.0
"""Detail is what differs from its surroundings: standard deviation of the blur that makes them."""
_CALM_LEAST = 0.05
"""Share of the picture that has to be calm to learn from it what noise is."""


@dataclass(frozen=True, slots=True)
class BackgroundParams:
    """How fast to believe; the defaults are the detector's, ``STRICT`` the setup page's.

    Every default is a choice made on renders (``tests/figures/camera_condition.py``).

    Attributes:
        every_ms: between two votes, in scene time; a walking shopper has left a pixel by then.
        known_ms: lead of votes after which a pixel is known.
        most_ms: votes a colour can gather; what moved is believed after half of it.
        alike: levels of the brightest-changed colour within which two colours are the same; three
            times the noise of a dim sensor after scaling down.
        grow: by how much of its size a detection's box is grown on each side.
        grow_least: and at least by this share of the picture's width.
        still_ms: how long nothing may have moved around a pixel before it votes again; 0 does not
            ask.
        move: how far around what moves, as a share of the picture's width.
        upset: share of the known pixels that disagree above which the light is taken to have
            changed, or the camera: nothing is known then, and votes count ``hurry`` times.
        hurry: see ``upset``.
        gain_most: brightness may change by this factor from one vote to the next and be followed
            as exposure; beyond, it is another picture.
        span_ms: detail is averaged over so long to tell changes by a hair.
        furniture_spans: a box in all of which nothing has changed by a hair in so many calm spans
            is furniture's, not a person's (the detector's own false alarms would else keep what
            they are for unknown for ever); 0 believes every box. Who stands at ease shifts every
            minute or two (Duarte and Zatsiorsky, Motor Control 3, 1999).
        hair: levels of averaged detail, at least, that are a change; at an edge under a camera 7 m
            up, half a centimetre.
        hair_most: where noise makes more than this, nothing is called furniture.
        noise: a change is also so many times the noise's standard deviation.
    """

    every_ms: int = 1_500
    known_ms: int = 10_000
    most_ms: int = 120_000
    alike: int = 18
    grow: float = 0.25
    grow_least: float = 0.01
    still_ms: int = 0
    move: float = 0.02
    upset: float = 0.4
    hurry: int = 4
    gain_most: float = 3.0
    span_ms: int = 30_000
    furniture_spans: int = 30
    hair: float = 1.0
    hair_most: float = 3.0
    noise: float = 6.0


STRICT = BackgroundParams(
    every_ms=1_000,
    known_ms=60_000,
    alike=14,
    grow=0.75,
    grow_least=0.03,
    still_ms=8_000,
    move=0.08,
    furniture_spans=10,
)
"""For a picture that a person looks at: nobody who was in it may show.

Who stands sways: an edge of theirs moves within eight seconds, and everything around it has to
start again; who is found is left out with wide margins; and a minute without either is asked for.
Detectors take furniture for people too: after five minutes in which not a hair has moved in all of
a box, the box is let go.
"""


class Background:
    """Learns one fixed camera's people-free picture.

    Args:
        params: how fast.
    """

    def __init__(self, params: BackgroundParams | None = None) -> None:
        self._params = params or BackgroundParams()
        every_ms = self._params.every_ms
        self._settled = max(1, self._params.known_ms // every_ms)
        self._most = min(255, self._params.most_ms // every_ms)
        self._next_ms: int | None = None
        self._modes: _Modes | None = None
        self._stirred: _Stirred | None = None
        self._unmoved: _Unmoved | None = None
        self._gain = 1.0
        self._backdrop: Backdrop | None = None
        self.upset = False

    @property
    def backdrop(self) -> Backdrop | None:
        """What is known; None before the first image."""
        return self._backdrop

    @property
    def picture(self) -> Image:
        """(H, W, 3) uint8; means something only where ``known``.

        Raises:
            ValueError: before the first image.
        """
        return self._learnt().picture

    @property
    def known(self) -> Bools:
        """(H, W) bool: where enough samples agreed.

        Raises:
            ValueError: before the first image.
        """
        return self._learnt().known

    def feed(self, scene_ms: int, image: Image, boxes: Sequence[Box]) -> None:
        """Learn from an image, if one is due.

        Args:
            scene_ms: when it was taken.
            image: (H, W, 3) uint8, always of the same shape; left as it is.
            boxes: of the people found in it.

        Raises:
            ValueError: the image has another shape than the first one.
        """
        if self._next_ms is not None and scene_ms < self._next_ms:
            return
        self._next_ms = scene_ms + self._params.every_ms
        if self._modes is None:
            self._begin(image)
        assert self._modes is not None
        if image.shape != self._modes.first.shape:
            raise ValueError(f"image of shape {image.shape}, not {self._modes.first.shape}")
        free = np.full(image.shape[:2], 255, np.uint8)
        if self._stirred is not None:
            still = self._stirred.feed(image)
            if self._params.still_ms:
                free = still
            if self._unmoved is not None:
                self._unmoved.feed(self._stirred)
        for box in boxes:
            rows, cols = self._around(box, cols=image.shape[1])
            if self._unmoved is None or not self._unmoved.all_of(rows, cols):
                free[rows, cols] = 0
        self._vote(image, modes=self._modes, free=free)

    def _begin(self, image: Image) -> None:
        params = self._params
        self._modes = _Modes.of(image)
        if params.still_ms or params.furniture_spans:
            self._stirred = _Stirred(
                image,
                samples=-(-params.still_ms // params.every_ms),
                alike=params.alike,
                around_px=round(params.move * image.shape[1]),
            )
            if params.furniture_spans:
                self._unmoved = _Unmoved(params)

    def _vote(self, image: Image, *, modes: _Modes, free: Marks) -> None:
        sure = cv2.bitwise_and(cv2.compare(modes.votes, self._settled, cv2.CMP_GE), free)
        self._gain = self._light(image, model=modes.first, sure=sure)
        agree = modes.agree(image, gain=self._gain, free=free, within=self._params.alike)
        asked, kept = cv2.countNonZero(sure), cv2.countNonZero(cv2.bitwise_and(sure, agree))
        self.upset = asked - kept > self._params.upset * max(1, asked)
        modes.vote(
            image,
            gain=self._gain,
            agree=agree,
            free=free,
            within=self._params.alike,
            by=self._params.hurry if self.upset else 1,
            most=self._most,
        )
        known = modes.votes >= self._settled
        self._backdrop = Backdrop(
            cv2.convertScaleAbs(modes.first, alpha=self._gain),
            np.zeros_like(known) if self.upset else known,
        )

    def _light(self, image: Image, *, model: Image, sure: Marks) -> float:
        """Give how much brighter the image is than the model, by the median over the sure."""
        grid = (slice(_GRID // 2, None, _GRID), slice(_GRID // 2, None, _GRID))
        now, then = image[grid].reshape(-1, 3), model[grid].reshape(-1, 3)
        low, high = _LIVELY
        lively = (then > low) & (then < high) & (now < high)
        lively &= sure[grid].reshape(-1, 1) > 0
        if np.count_nonzero(lively) < _GRID_LEAST:
            return self._gain
        gain = float(np.median(now[lively] / then[lively]))
        most = self._params.gain_most
        return gain if 1 / most < gain < most else 1.0

    def _around(self, box: Box, *, cols: int) -> tuple[slice, slice]:
        """Give the rows and columns of a grown box."""
        left, top, right, bottom = box
        wide = max(self._params.grow_least * cols, self._params.grow * (right - left))
        high = max(self._params.grow_least * cols, self._params.grow * (bottom - top))
        return (
            slice(max(0, round(top - high)), max(0, round(bottom + high))),
            slice(max(0, round(left - wide)), max(0, round(right + wide))),
        )

    def _learnt(self) -> Backdrop:
        if self._backdrop is None:
            raise ValueError("no image was fed yet")
        return self._backdrop


@dataclass(slots=True)
class _Modes:
    """Two colours of each pixel and the votes for them.

    Attributes:
        first: (H, W, 3) uint8, a running median of what agreed with it.
        votes: (H, W) uint8 for ``first``; never fewer than ``second_votes``.
        second: (H, W, 3) uint8, the rival.
        second_votes: (H, W) uint8.
        scratch: two (H, W, 3) uint8 to work in; new ones each time would double the cost.
    """

    first: Image
    votes: Marks
    second: Image
    second_votes: Marks
    scratch: tuple[Image, Image]

    @classmethod
    def of(cls, image: Image) -> _Modes:
        none = np.zeros(image.shape[:2], np.uint8)
        scratch = (np.empty_like(image), np.empty_like(image))
        return cls(image.copy(), none, image.copy(), none.copy(), scratch)

    def agree(self, image: Image, *, gain: float, free: Marks, within: int) -> Marks:
        """Mark the free pixels that show their first colour."""
        near = _alike(image, _lit(self.first, gain=gain), within=within, scratch=self.scratch[0])
        return np.asarray(cv2.bitwise_and(near, free))

    def vote(
        self,
        image: Image,
        *,
        gain: float,
        agree: Marks,
        free: Marks,
        within: int,
        by: int,
        most: int,
    ) -> None:
        """Count one image.

        A first colour loses votes only to a rival that gains them. Where a person was found the
        rival loses one: who is missed now and then must not win by the misses.
        """
        other = cv2.bitwise_and(free, cv2.bitwise_not(agree))
        rival = _lit(self.second, gain=gain)
        again = _alike(image, rival, within=within, scratch=self.scratch[0])
        alive = cv2.compare(self.second_votes, 0.0, cv2.CMP_GT)
        again = cv2.bitwise_and(again, cv2.bitwise_and(alive, other))
        own = _lit(image, gain=1 / gain)
        self._approach(own, where=agree if gain <= 1 else cv2.bitwise_and(agree, _uncut(image)))
        _count(self.votes, up=agree, down=again, by=by)
        _count(self.second_votes, up=again, down=cv2.bitwise_not(again), by=by)
        new = cv2.bitwise_and(other, cv2.compare(self.second_votes, 0.0, cv2.CMP_EQ))
        cv2.copyTo(own, new, self.second)
        cv2.add(self.second_votes, cv2.bitwise_and(new, 1.0), dst=self.second_votes)
        cv2.min(self.votes, float(most), dst=self.votes)
        self._swap()

    def _approach(self, image: Image, *, where: Marks) -> None:
        """Move the running median one level towards the image (McFarlane and Schofield, 1995)."""
        step, apart = self.scratch
        cv2.cvtColor(cv2.bitwise_and(where, 1.0), cv2.COLOR_GRAY2BGR, dst=step)
        cv2.bitwise_and(step, cv2.compare(image, self.first, cv2.CMP_GT, dst=apart), dst=apart)
        cv2.add(self.first, apart, dst=self.first)
        cv2.bitwise_and(step, cv2.compare(image, self.first, cv2.CMP_LT, dst=apart), dst=apart)
        cv2.subtract(self.first, apart, dst=self.first)

    def _swap(self) -> None:
        won = cv2.findNonZero(cv2.compare(self.second_votes, self.votes, cv2.CMP_GT))
        if won is None:
            return
        cols, rows = won.reshape(-1, 2).T
        for one, other in ((self.first, self.second), (self.votes, self.second_votes)):
            one[rows, cols], other[rows, cols] = other[rows, cols], one[rows, cols]


class _Stirred:
    """Marks what has been still for some samples, at half size, where noise is lower.

    Attributes:
        last: (h, w, 3) uint8, the last image at half size.
        still: (h, w) uint8, samples since something moved around there, 255 at most.
    """

    def __init__(self, image: Image, *, samples: int, alike: int, around_px: int) -> None:
        self.last = _halved(image)
        self.still: Marks = np.zeros(self.last.shape[:2], np.uint8)
        self._samples = min(samples, 255)
        self._within = alike // 2
        self._around_px = around_px

    def feed(self, image: Image) -> Marks:
        """Give (H, W) uint8, 255 where nothing has moved lately."""
        now = _halved(image)
        moved = cv2.bitwise_not(_alike(now, self.last, within=self._within))
        self.last = now
        cv2.add(self.still, 1, dst=self.still)
        self.still[self.spread(np.asarray(moved)) > 0] = 0
        still = cv2.compare(self.still, self._samples, cv2.CMP_GE)
        return np.asarray(cv2.resize(still, image.shape[1::-1], interpolation=cv2.INTER_NEAREST))

    def spread(self, marks: Marks) -> Marks:
        """Give the marks, (h, w), and all around them."""
        side = 2 * (self._around_px // 2) + 1
        return np.asarray(cv2.dilate(marks, np.ones((side, side), np.uint8)))


class _Unmoved:
    """Counts for how long a place has stayed the same to a hair, at half size.

    Means of half a minute of detail are compared with the first of them: hardly any of a sensor's
    noise is left in those, and slow light has no detail. Half minutes in which something moved
    nearby are passed over; what has changed by the next calm one begins anew, with all around it.
    """

    def __init__(self, params: BackgroundParams) -> None:
        self._params = params
        self._samples = max(1, params.span_ms // params.every_ms)
        self._sum: Floats = np.zeros((0, 0), np.float32)
        self._count = 0
        self._first: Floats | None = None
        self._last: Floats | None = None
        self._spans: Marks = np.zeros((0, 0), np.uint8)

    def feed(self, stirred: _Stirred) -> None:
        """Look at one more image."""
        grey = cv2.cvtColor(stirred.last, cv2.COLOR_BGR2GRAY).astype(np.float32)
        if not self._count:
            self._sum = np.zeros_like(grey)
        self._sum += grey - cv2.GaussianBlur(grey, (0, 0), _DETAIL_PX)
        self._count += 1
        if self._count == self._samples:
            self._compare(self._sum / np.float32(self._count), stirred)
            self._count = 0

    def all_of(self, rows: slice, cols: slice) -> bool:
        """Tell whether all of a part of the picture has stayed the same for long enough."""
        part = self._spans[
            rows.start // 2 : -(-rows.stop // 2), cols.start // 2 : -(-cols.stop // 2)
        ]
        return part.size > 0 and int(part.min()) >= self._params.furniture_spans

    def _compare(self, now: Floats, stirred: _Stirred) -> None:
        calm = stirred.still >= min(self._samples, 255)
        if self._first is None or self._last is None:
            self._first, self._last = now.copy(), now
            self._spans = calm.astype(np.uint8)
            return
        step, self._last = np.abs(now - self._last)[calm], now
        if step.size < _CALM_LEAST * calm.size:
            return
        sd = 1.4826 * float(np.median(step))  # of a normal distribution
        hair = max(self._params.hair, self._params.noise * sd)
        if hair > self._params.hair_most:
            return
        changed = calm & (np.abs(now - self._first) > hair)
        self._spans[stirred.spread(changed.astype(np.uint8)) > 0] = 0
        begun = calm & (self._spans == 0)
        self._first[begun] = now[begun]
        cv2.add(self._spans, calm.astype(np.uint8), dst=self._spans)


def _halved(image: Image) -> Image:
    size = (-(-image.shape[1] // 2), -(-image.shape[0] // 2))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA))


def _alike(image: Image, mode: Image, *, within: int, scratch: Image | None = None) -> Marks:
    """Mark the pixels no colour of which is further than ``within`` from the mode's."""
    apart = cv2.absdiff(image, mode, dst=scratch)
    cv2.threshold(apart, within, 255, cv2.THRESH_BINARY_INV, dst=apart)
    # Grey is white only where all three colours are: faster than any other "all of three".
    grey = cv2.cvtColor(apart, cv2.COLOR_BGR2GRAY)
    return np.asarray(cv2.compare(grey, 255.0, cv2.CMP_EQ))


def _count(votes: Marks, *, up: Marks, down: Marks, by: int) -> None:
    """Add and take votes where marked; cv2's arithmetic stops at 0 and 255."""
    cv2.add(votes, cv2.bitwise_and(up, float(by)), dst=votes)
    cv2.subtract(votes, cv2.bitwise_and(down, float(by)), dst=votes)


def _lit(image: Image, *, gain: float) -> Image:
    """Give an image brighter or darker; the same one where that would make no difference."""
    if abs(gain - 1) <= _LIGHT_STEP:
        return image
    return np.asarray(cv2.convertScaleAbs(image, alpha=gain))


def _uncut(image: Image) -> Marks:
    """Mark the pixels that the sensor could have shown brighter."""
    return np.asarray(cv2.inRange(image, (0, 0, 0), (_LIVELY[1],) * 3))
