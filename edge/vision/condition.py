"""Whether a camera still sees what it was set up for: moved, blurred, covered, dark or frozen.

A camera's *signature* is how strongly each of 64 x 48 cells of its people-free picture is edged:
no colour, no brightness, no direction, and nobody who was found or who moved, because they are not
in that picture. Whom the detector misses for minutes on one spot would be a blur of a few cells (a
cell is a shoulder wide under a camera 7 m up, three centimetres at the head under one of 2.5 m), so
what is *kept* is only what was the same half an hour later: a thing, or somebody who came back to a
hand's breadth. It may lie on disk beside the calibration; no picture can be made of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import atan2, degrees, hypot, sqrt
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.vision.detection import Backdrop, Image

Floats = NDArray[np.float32]
Ill = Literal["dark", "covered", "frozen", "blurred", "moved"]

COLS, ROWS = 64, 48
"""Cells of a signature."""
STRONGEST = 98
"""Percentile of the cells' strengths that becomes 255."""
COARSE_PX = 3.0
"""What an unsharp lens leaves of a picture a detector sees: standard deviation of the blur."""
RETELL_PX, RETELL = 3.0, 0.25
"""By so many pixels, and this share, a movement must differ from what was said to be said anew."""
CALM, CALM_COARSE = 18, 12
"""Levels by which a place may change within a handful of looks, and differ, unsharply seen, from
the people-free picture, to show nothing but the room: noise, three times over."""
CALM_LEAST = 0.1
"""Share of the picture that must be calm to tell its sharpness, and"""
EDGED_LEAST = 0.005
"""be near an edge of"""
EDGE = 40.0
"""this steepness: a step of ten levels."""
_STRIDE = 4
"""Rows and columns of which one is looked at, for what every image is asked."""
_ECC = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 60, 1e-5)
_ECC_BLUR = 3
_SAID: tuple[Ill, ...] = ("dark", "covered", "frozen", "blurred", "moved")
"""What is said first if several hold: the first ones hide the others."""


@dataclass(frozen=True, slots=True)
class ConditionParams:
    """When to say so; chosen on renders of four cameras in three rooms.

    Lengths are shares of the picture's width. Figures: ``tests/figures/camera_condition.py``.

    Attributes:
        every_ms: between two images that are looked at.
        dark: median grey level below which a picture is dark, 0 to 255.
        bright: above which it no longer is.
        plain: mean difference of neighbouring cells over their mean level below which a picture
            shows nothing; rooms had .07 and more, a taped lens with its noise .02 at most.
        busy: above which it shows something again.
        same_ms: from how long an image that is repeated, pixel by pixel, shows nobody any more:
            who is really there moves by a pixel sooner. It is not told, see ``frozen_ms``.
        frozen_ms: after how long it is. A sensor's noise differs, but encoders repeat a still scene
            up to their next whole image: mostly 10 s, those that save bytes (Axis Zipstream: 1,200
            images) up to 5 min at 4 a second. Told sooner, it would tell when an aisle is empty.
        blurred: share of its fine detail below which a picture is blurred: half is lost at a blur
            of two pixels in 640.
        sharp: above which it is sharp again.
        looks: images whose mean, where nothing moved meanwhile, tells how sharp the camera is now:
            the people-free picture takes minutes to become as blurred as what it is learnt from.
        moved: root mean square shift of the picture from which on a camera was moved: 4 px of 640,
            11 cm under a camera that sees 18 m.
        still: below which it is back.
        explained: share of what differs from the signature that a movement has to explain: goods
            and lights differ too, but no movement explains them.
        strange: likeness to the signature below which the camera sees another place.
        known: share of the cells that must be known to compare with a signature.
        compare_ms: between two comparisons.
        sure_ms: how long something must hold before it is said, and be gone before it is unsaid.
        confirm_ms: between the two looks of which the signature is kept that they agree on.
        agree: strengths of an edge, of 254, within which they do.
    """

    every_ms: int = 1_000
    dark: float = 14.0
    bright: float = 20.0
    plain: float = 0.022
    busy: float = 0.030
    same_ms: int = 20_000
    frozen_ms: int = 600_000
    blurred: float = 0.52
    sharp: float = 0.62
    looks: int = 12
    moved: float = 0.006
    still: float = 0.004
    explained: float = 0.65
    strange: float = 0.3
    known: float = 0.7
    compare_ms: int = 20_000
    sure_ms: int = 15_000
    confirm_ms: int = 1_800_000
    agree: int = 24


@dataclass(frozen=True, slots=True, eq=False)
class Signature:
    """What is remembered of a camera's people-free picture.

    Attributes:
        edges: (48, 64) uint8, 1 to 255 by strength; 0 where nothing is known.
        sharpness: fine detail over coarse; 0 where too little in one piece is known to tell.
        size_px: width and height of the picture it was made of.
    """

    edges: NDArray[np.uint8]
    sharpness: float
    size_px: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Shift:
    """Where the picture has gone since the signature; pixels of a picture of some width.

    Attributes:
        right_px: of the picture's middle.
        down_px: likewise.
        turned_deg: clockwise.
        larger: by this factor.
        rms_px: root mean square over the picture.
        before: likeness to the signature as it is, -1 to 1.
        after: likeness with the movement taken back.
    """

    right_px: float
    down_px: float
    turned_deg: float
    larger: float
    rms_px: float
    before: float
    after: float

    @property
    def explains(self) -> float:
        """Share of what differs that the movement explains."""
        return 1 - (1 - self.after) / max(1e-6, 1 - self.before)


@dataclass(frozen=True, slots=True)
class Condition:
    """Something is wrong with a camera.

    Attributes:
        ill: what.
        said: the same in words, and its mend; continues "camera 'x' ...".
    """

    ill: Ill
    said: str


def signature_of(backdrop: Backdrop, *, params: ConditionParams | None = None) -> Signature | None:
    """Take the signature of a people-free picture; None while too little of it is known."""
    known = cv2.resize(
        backdrop.known.astype(np.float32), (COLS, ROWS), interpolation=cv2.INTER_AREA
    )
    sure = known > 0.5  # noqa: PLR2004 - most of the cell
    if sure.mean() < (params or ConditionParams()).known:
        return None
    grey = cv2.cvtColor(backdrop.picture, cv2.COLOR_BGR2GRAY).astype(np.float32)
    steep = _steepness(grey)
    # Of a picture that is partly unknown, the unknown's own edges must not show.
    marks = backdrop.known.astype(np.uint8)
    inside = cv2.erode(marks, np.ones((3, 3), np.uint8))
    root = cv2.resize(np.sqrt(steep * inside), (COLS, ROWS), interpolation=cv2.INTER_AREA)
    root /= np.maximum(known, 0.5)
    # The strongest cell may be anybody's white shirt; all others must not follow it.
    most = max(1e-6, float(np.percentile(root[sure], STRONGEST)))
    edges = np.where(sure, 1 + np.round(254 * np.minimum(root / most, 1)), 0).astype(np.uint8)
    side = 2 * round(4 * COARSE_PX) + 3
    deep = cv2.erode(marks, np.ones((side, side), np.uint8)) > 0
    return Signature(edges, _sharpness(grey, where=deep), (grey.shape[1], grey.shape[0]))


def agreed(
    one: Signature, other: Signature, *, params: ConditionParams | None = None
) -> Signature | None:
    """Give what two signatures have in common; None if that is too little."""
    limits = params or ConditionParams()
    apart = np.abs(one.edges.astype(np.int16) - other.edges)
    same = (one.edges > 0) & (other.edges > 0) & (apart <= limits.agree)
    if same.mean() < limits.known or one.size_px != other.size_px:
        return None
    edges = np.where(same, np.minimum(one.edges, other.edges), 0).astype(np.uint8)
    return Signature(edges, min(one.sharpness, other.sharpness), one.size_px)


def shift_between(was: Signature, now: Signature, *, width_px: int, height_px: int) -> Shift | None:
    """Find how the picture moved; None if nothing comparable is seen.

    Args:
        was: before.
        now: after.
        width_px: of the picture in whose pixels to tell.
        height_px: likewise.
    Source: Evangelidis and Psarakis, "Parametric image alignment using enhanced correlation
        coefficient maximization" (PAMI 2008), as OpenCV has it.
    """
    both = (was.edges > 0) & (now.edges > 0)
    if not both.any():
        return None
    one, other = (_normal(each.edges, where=both) for each in (was, now))
    before = float((one * other).sum() / both.sum())
    try:
        after, warp = cv2.findTransformECC(
            one, other, np.eye(2, 3, dtype=np.float32), cv2.MOTION_AFFINE, _ECC, None, _ECC_BLUR
        )
    except cv2.error:  # it does not converge: nothing alike
        return Shift(0, 0, 0, 1, 0, before, before)
    return _described(
        warp.astype(np.float64),
        before=before,
        after=float(after),
        cell_px=np.array([width_px / COLS, height_px / ROWS]),
    )


class Checkup:
    """Watches over one camera's pictures.

    Args:
        size_px: width and height in whose pixels a movement is told: the calibration's.
        reference: signature of the calibrated camera; without one, what is moved or blurred
            cannot be told.
        params: when to say so.

    Attributes:
        reference: what the camera is compared with.
        kept: the same, once it may be kept on disk; None while only one look has shown it.
    """

    def __init__(
        self,
        *,
        size_px: tuple[int, int],
        reference: Signature | None = None,
        params: ConditionParams | None = None,
    ) -> None:
        self.reference = self.kept = reference
        self._adopted_ms = 0
        self._size_px = size_px
        self._params = params or ConditionParams()
        self._look_at_ms = 0
        self._looks: _Looks | None = None
        self._looked: _Looks | None = None
        self._last: NDArray[np.uint8] | None = None
        self._alike_since_ms = self._alike_ms = 0
        self._compare_at_ms: int | None = None
        self._shift: Shift | None = None
        self._told: Shift | None = None
        self._held = {ill: _Held(self._params.sure_ms) for ill in _SAID}
        # Sameness is already asked for over a time of its own.
        self._held["frozen"] = _Held(0)

    @property
    def condition(self) -> Condition | None:
        """What is wrong, the worst of it; None if nothing is known to be."""
        for ill in _SAID:
            if self._held[ill].said:
                return Condition(ill, self._words(ill))
        return None

    @property
    def shift(self) -> Shift | None:
        """How the picture moved, as last compared; None before that."""
        return self._shift

    @property
    def stale(self) -> bool:
        """Whether one image is repeated; never to be told: an encoder does so in an empty aisle."""
        return self._alike_ms >= self._params.same_ms

    @property
    def blind(self) -> bool:
        """Whether pictures show nothing of the room now, said or not: nothing can be learnt."""
        return self.stale or any(self._held[ill].bad for ill in ("dark", "covered"))

    def feed(self, scene_ms: int, image: Image) -> None:
        """Look at an image, (H, W, 3) uint8, with whoever is in it."""
        if scene_ms < self._look_at_ms:
            return
        limits, self._look_at_ms = self._params, scene_ms + self._params.every_ms
        whole = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
        grey = cv2.resize(whole, (COLS // 2, ROWS // 2), interpolation=cv2.INTER_AREA)
        grey = grey.astype(np.float32)
        level = float(np.median(grey))
        self._hold("dark", scene_ms, value=-level, bad=-limits.dark, well=-limits.bright)
        apart = np.abs(np.diff(grey, axis=0)).mean() + np.abs(np.diff(grey, axis=1)).mean()
        detail = float(apart) / 2 / max(1.0, float(grey.mean()))
        self._hold("covered", scene_ms, value=-detail, bad=-limits.plain, well=-limits.busy)
        self._gather(whole)
        seen = whole[::_STRIDE, ::_STRIDE]
        if self._last is None or not np.array_equal(seen, self._last):
            self._last, self._alike_since_ms = seen.copy(), scene_ms
        self._alike_ms = scene_ms - self._alike_since_ms
        self._hold("frozen", scene_ms, value=self._alike_ms, bad=limits.frozen_ms, well=1)

    def due(self, scene_ms: int) -> bool:
        """Tell whether ``compare`` would do something."""
        return self.reference is not None and (
            self._compare_at_ms is None or scene_ms >= self._compare_at_ms
        )

    def compare(self, scene_ms: int, backdrop: Backdrop) -> None:
        """Compare the people-free picture with the calibrated camera's, if that is due."""
        if self.reference is None or not self.due(scene_ms):
            return
        self._compare_at_ms = scene_ms + self._params.compare_ms
        now = signature_of(backdrop, params=self._params)
        if now is None:
            return
        width_px, height_px = self._size_px
        shift = shift_between(self.reference, now, width_px=width_px, height_px=height_px)
        if shift is None:
            return
        limits = self._params
        told = min(now.sharpness, self.reference.sharpness) > 0
        if told and self.reference.size_px == now.size_px:
            sharpness = now.sharpness / self.reference.sharpness
            if self._looked is not None:
                sharpness *= self._looked.sharpness_beside(backdrop)
            self._hold(
                "blurred", scene_ms, value=-sharpness, bad=-limits.blurred, well=-limits.sharp
            )
        moved = shift.rms_px / width_px if shift.explains >= limits.explained else 0.0
        if shift.before < limits.strange:
            moved = max(moved, 1.0)
        self._hold("moved", scene_ms, value=moved, bad=limits.moved, well=limits.still)
        self._shift = shift
        if self._told is None or abs(shift.rms_px - self._told.rms_px) > max(
            RETELL_PX, RETELL * self._told.rms_px
        ):
            self._told = shift

    def adopt(self, scene_ms: int, backdrop: Backdrop) -> None:
        """Take what is seen for how the camera should see; after a second look, for good."""
        if self.reference is None:
            self.reference, self._adopted_ms = signature_of(backdrop), scene_ms
            return
        limits = self._params
        if self.kept is not None or scene_ms - self._adopted_ms < limits.confirm_ms:
            return
        if any(held.bad or held.said for held in self._held.values()):
            return
        again = signature_of(backdrop, params=limits)
        if again is None:
            return
        self.kept = agreed(self.reference, again, params=limits)
        self.reference, self._adopted_ms = self.kept or again, scene_ms

    def _gather(self, grey: NDArray[np.uint8]) -> None:
        """Add a look to those that tell how sharp the camera is."""
        if self._looks is None or self._looks.high.shape != grey.shape:
            self._looks = _Looks(grey)
        self._looks.feed(grey)
        if self._looks.count == self._params.looks:
            self._looks, self._looked = None, self._looks

    def _hold(self, ill: Ill, scene_ms: int, *, value: float, bad: float, well: float) -> None:
        """Note a value; the larger the worse, and between ``well`` and ``bad`` nothing changes."""
        held = self._held[ill]
        held.feed(scene_ms, bad=value >= bad if not held.bad else value > well)

    def _words(self, ill: Ill) -> str:
        if ill == "dark":
            return "sees nothing, it is too dark: switch the lights on, or take the cap off"
        if ill == "covered":
            return "sees nothing but one colour: take away what covers it"
        if ill == "frozen":
            return (
                f"has sent the same image for {self._params.frozen_ms // 1000} s: walk through its "
                "view; if it says so still, take its power away for a moment"
            )
        if ill == "blurred":
            return "has become blurred: clean its lens, and set its focus"
        moved = _moved_words(self._told, limits=self._params)
        return f"{moved}: run aisle-edge setup and check the points"


class _Held:
    """Says that something is so once it held for a while, and unsays it likewise.

    Attributes:
        bad: what was fed last.
        said: what is believed.
    """

    def __init__(self, sure_ms: int) -> None:
        self.bad = False
        self.said = False
        self._sure_ms = sure_ms
        self._since_ms = 0

    def feed(self, scene_ms: int, *, bad: bool) -> None:
        if bad != self.bad:
            self.bad, self._since_ms = bad, scene_ms
        if scene_ms - self._since_ms >= self._sure_ms:
            self.said = self.bad


class _Looks:
    """A handful of looks, with whoever is in them, and where nothing moved meanwhile.

    Attributes:
        count: how many.
        high: (H, W), the brightest that was seen.
    """

    def __init__(self, grey: NDArray[np.uint8]) -> None:
        self.count = 0
        self.high = grey.copy()
        self._low = grey.copy()
        self._sum = np.zeros(grey.shape, np.float32)

    def feed(self, grey: NDArray[np.uint8]) -> None:
        self.count += 1
        cv2.accumulate(grey, self._sum)
        cv2.max(grey, self.high, dst=self.high)
        cv2.min(grey, self._low, dst=self._low)

    def sharpness_beside(self, backdrop: Backdrop) -> float:
        """Give their sharpness in shares of a people-free picture's; 1 if too little is calm."""
        if self.high.shape != backdrop.known.shape:
            return 1.0
        mean = self._sum / np.float32(self.count)
        grey = cv2.cvtColor(backdrop.picture, cv2.COLOR_BGR2GRAY).astype(np.float32)
        unsharp = [cv2.GaussianBlur(one, (0, 0), 2 * COARSE_PX) for one in (mean, grey)]
        calm = (self.high - self._low <= CALM) & backdrop.known
        calm &= cv2.absdiff(*unsharp) <= CALM_COARSE
        side = 4 * round(COARSE_PX) + 3
        inside = cv2.erode(calm.astype(np.uint8), np.ones((side, side), np.uint8)) > 0
        if inside.mean() < CALM_LEAST:
            return 1.0
        # Of a plain wall only the noise could be compared, which the mean has less of.
        edged = (_steepness(grey) >= EDGE).astype(np.uint8)
        inside &= cv2.dilate(edged, np.ones((5, 5), np.uint8)) > 0
        if inside.mean() < EDGED_LEAST:
            return 1.0
        return _sharpness(mean, where=inside) / max(1e-6, _sharpness(grey, where=inside))


def _sharpness(grey: Floats, *, where: NDArray[np.bool_]) -> float:
    """Give fine detail over coarse; 0 where nothing is asked for."""
    coarse = cv2.GaussianBlur(grey, (0, 0), COARSE_PX)
    fine_2, coarse_2 = (
        float((_steepness(np.asarray(one))[where] ** 2).sum()) for one in (grey, coarse)
    )
    return fine_2 / max(1e-6, coarse_2)


def _steepness(grey: Floats) -> Floats:
    across, down = cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1)
    return np.asarray(cv2.magnitude(across, down))


def _normal(edges: NDArray[np.uint8], *, where: NDArray[np.bool_]) -> Floats:
    """Bring to mean 0 and variance 1 where both are known; 0 says nothing elsewhere."""
    values = edges[where].astype(np.float64)
    spread = values.std()
    normal = (edges - values.mean()) / (spread if spread > 0 else 1.0)
    return np.where(where, normal, 0.0).astype(np.float32)


def _described(
    warp: NDArray[np.float64], *, before: float, after: float, cell_px: NDArray[np.float64]
) -> Shift:
    """Put a movement of cells, (2, 3), into pixels."""
    matrix = warp[:, :2] * cell_px[:, None] / cell_px[None, :]
    cols, rows = np.meshgrid(np.linspace(0, COLS - 1, 9), np.linspace(0, ROWS - 1, 9))
    cells = np.stack([cols.ravel(), rows.ravel()])
    gone = (warp[:, :2] @ cells + warp[:, 2:] - cells) * cell_px[:, None]
    right, down = gone.mean(axis=1).tolist()
    return Shift(
        right_px=right,
        down_px=down,
        turned_deg=degrees(atan2(matrix[1, 0] - matrix[0, 1], matrix[0, 0] + matrix[1, 1])),
        larger=sqrt(max(0.0, float(np.linalg.det(matrix)))),
        rms_px=float(np.sqrt((gone**2).sum(axis=0).mean())),
        before=before,
        after=after,
    )


def _moved_words(shift: Shift | None, *, limits: ConditionParams) -> str:
    if shift is None or shift.explains < limits.explained:
        return "sees another place than when it was set up"
    steps = []
    if hypot(shift.right_px, shift.down_px) >= shift.rms_px / 2:
        for px, more, less in (
            (shift.right_px, "right", "left"),
            (shift.down_px, "down", "up"),
        ):
            if abs(px) >= hypot(shift.right_px, shift.down_px) / 3:
                steps.append(f"about {abs(px):.0f} px {more if px > 0 else less}")
    if abs(shift.turned_deg) >= 0.5:  # noqa: PLR2004 - what can be measured
        way = "clockwise" if shift.turned_deg > 0 else "anticlockwise"
        steps.append(f"by {abs(shift.turned_deg):.1f} degrees {way}")
    if abs(shift.larger - 1) >= 0.01:  # noqa: PLR2004 - what can be measured
        steps.append(f"{'in' if shift.larger > 1 else 'out'} by {abs(shift.larger - 1):.0%}")
    return "was moved: its picture went " + (" and ".join(steps) or f"off by {shift.rms_px:.0f} px")
