"""People who stand in a ring: an upright detector under a ceiling looks one sector at a time.

Seen from right above, people point away from the spot below the camera, each in another direction,
bent by the lens, and a detector that learnt from street views knows only those who stand up
straight. So the picture is looked at as by cameras that hang in the same place, each tilted towards
another side, and whom two of them see is told once. Each sector costs one look of the detector.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import cos, pi, radians, sin, tan

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.vision.detection import Backdrop, Detection, Fit, Fitted, Image, letterbox
from edge.vision.ground import Ground
from edge.vision.watching import Seer

Floats = NDArray[np.float64]

DOWN = np.array((0.0, 0.0, -1.0))
GREY = 114
"""Of what the lens does not see."""
KNOWN = 255
OUTSIDE_PX = -10.0
"""A place in no picture."""
USUAL_SECTORS = 6
"""Under a fisheye: of rendered people recall at precision .85 is .79 as it is, .85 through six, of
0.6.0 .77, .84, and .85 through eight (room known, true lens; models/person_detector/CARD.md)."""
MIDDLE, HEAD = 1, 2
"""Of a detection's marks: its point, its box's middle, its head, its box's corners."""


_Maps = tuple[cv2.typing.MatLike, cv2.typing.MatLike]
"""What ``cv2.remap`` takes."""


@dataclass(frozen=True, slots=True)
class SectorParams:
    """How sectors are cut, and put together again; chosen on rendered test parts 0 and 1.

    Angles are degrees from straight down.

    Attributes:
        near: where a sector's picture begins, and
        far: where it ends.
        below: up to where people may be found by any sector: there is no direction to stand in.
        overlap: share of its half angle by which a sector speaks for its neighbours' people.
        apart: distance below which two sectors saw one person, in widths across and heights along
            the more confident one's box; two shoppers side by side are half a width apart.
    """

    near: float = 2.5
    far: float = 87.5
    below: float = 15.0
    overlap: float = 0.6
    apart: float = 0.45


@dataclass(frozen=True, slots=True, eq=False)
class _Sector:
    """A camera that looks to one side.

    Attributes:
        axes: (3, 3), its right, down and ahead as east, north, up.
        side_px: of its square picture.
        focal_px: of its lens, which shows straight lines straight.
        outwards: (3,), level, its middle.
    """

    axes: Floats
    side_px: int
    focal_px: float
    outwards: Floats

    @classmethod
    def towards(cls, angle: float, *, near: float, far: float, side_px: int) -> _Sector:
        """Look out at an angle from north, clockwise, between two angles from straight down."""
        outwards, tilt = np.array((sin(angle), cos(angle), 0.0)), (near + far) / 2
        ahead = cos(tilt) * DOWN + sin(tilt) * outwards
        up = cos(tilt) * outwards - sin(tilt) * DOWN
        axes = np.stack([np.cross(ahead, up), -up, ahead])
        return cls(axes, side_px, side_px / 2 / tan((far - near) / 2), outwards)

    def rays(self, places_px: Floats) -> Floats:
        """Give the directions (N, 3), east, north, up, of places (N, 2) in its picture."""
        aside = (places_px - self.side_px / 2) / self.focal_px
        rays: Floats = np.column_stack([aside, np.ones(len(aside))]) @ self.axes
        return rays

    def places_px(self, rays: Floats) -> Floats:
        """Give where its picture shows directions (N, 3); nan for what is behind it."""
        seen = rays @ self.axes.T
        ahead = np.where(seen[:, 2:] > 0, seen[:, 2:], np.nan)
        places: Floats = self.focal_px * seen[:, :2] / ahead + self.side_px / 2
        return places


@dataclass(frozen=True, slots=True, eq=False)
class _Seen:
    """Somebody whom a sector saw: in the camera's picture, and in the sector's own."""

    found: Detection
    sector: _Sector
    middle: Floats
    size: Floats
    ray: Floats


class Sectors:
    """Finds people all around a camera that looks down, by a detector that looks to one side.

    Args:
        detector: finds upright people.
        count: of sectors; four look past each other at the rim, from 68 degrees.
        ground: of the camera; tells heights.
        look_px: side of the squares the detector looks at.
        params: how to cut.
    """

    def __init__(
        self,
        detector: Seer,
        *,
        count: int,
        ground: Ground,
        look_px: int,
        params: SectorParams | None = None,
    ) -> None:
        self._detector = detector
        self._ground = ground
        self._half = pi / count
        self._params = params or SectorParams()
        near, far = radians(self._params.near), radians(self._farthest())
        self._sectors = [
            _Sector.towards(2 * number * self._half, near=near, far=far, side_px=look_px)
            for number in range(count)
        ]
        focal_px = self._sectors[0].focal_px
        # What is shrunk anyway is shrunk once, and without losing every other pixel.
        self._scale = min(1.0, focal_px / ground.view.lens.focal_px)
        self._maps = [self._map(sector) for sector in self._sectors]

    @property
    def confidence(self) -> float:
        """As the detector's."""
        return self._detector.confidence

    @property
    def point_height_m(self) -> float:
        """As the detector's."""
        return self._detector.point_height_m

    def fit(self, image: Image) -> Fitted:
        """Bring an image, (H, W, 3) uint8 of the calibration's shape, to the size of its maps."""
        rows, cols = image.shape[:2]
        width = round(self._scale * self._ground.image_size[0])
        fit = Fit(width, round(width / cols * rows), width / cols)
        return letterbox(image, fit=fit, value=GREY)

    def find(
        self, fitted: Fitted, *, backdrop: Backdrop | None = None, least: float
    ) -> list[Detection]:
        """Find the people in a fitted image, the most confident first.

        Args:
            fitted: by ``fit``.
            backdrop: what the camera sees without people, of the canvas' size.
            least: confidence below which nobody is given.

        Returns:
            In pixels of the image; a box is the upright one around what the sector's box shows.
        """
        people = []
        for sector, maps in zip(self._sectors, self._maps, strict=True):
            view = self._detector.fit(_looked(fitted.canvas, maps))
            behind = None if backdrop is None else _behind(backdrop, maps, like=view)
            found = self._detector.find(view, backdrop=behind, least=least)
            seen = self._seen(found, sector=sector, scale=self._scale / fitted.scale)
            people += [one for one in seen if self._speaks_for(one)]
        return _once_each(people, apart=self._params.apart)

    def _farthest(self) -> float:
        """Give the angle from straight down up to which the picture shows anything."""
        sides = [np.linspace(0, side, 32) for side in self._ground.image_size]
        border = [(x, y) for x in sides[0] for y in sides[1][[0, -1]]]
        border += [(x, y) for x in sides[0][[0, -1]] for y in sides[1]]
        rays = self._ground.view.lens.rays_from_image(np.array(border)) @ self._ground.view.turn
        away = np.degrees(np.arccos(np.clip(rays @ DOWN, -1, 1)))
        # A round picture ends before the border does.
        return min(self._params.far, float(np.nan_to_num(away, nan=self._params.far).max()))

    def _picture_px(self, rays: Floats) -> Floats:
        """Give where the calibrated camera shows directions; nan for what it does not see."""
        view = self._ground.view
        return view.lens.image_from_rays(rays @ view.turn.T)

    def _map(self, sector: _Sector) -> _Maps:
        """Give what makes a sector's picture of a fitted one."""
        y, x = np.mgrid[: sector.side_px, : sector.side_px] + 0.5
        places = self._picture_px(sector.rays(np.column_stack([x.ravel(), y.ravel()])))
        spots = np.where(np.isfinite(places), self._scale * places - 0.5, OUTSIDE_PX)
        both = spots.astype(np.float32).reshape(*x.shape, 2)
        return cv2.convertMaps(both, np.empty(0, np.float32), cv2.CV_16SC2)

    def _seen(
        self, found: Sequence[Detection], *, sector: _Sector, scale: float
    ) -> Iterator[_Seen]:
        """Put a sector's detections into the image, but those whom its picture cuts off.

        Args:
            found: in pixels of the sector's picture.
            sector: that saw them.
            scale: pixels of the image per pixel of the calibration.
        """
        if not found:
            return
        points = np.array([_marks(one) for one in found])
        rays = sector.rays(points.reshape(-1, 2)).reshape(*points.shape[:2], 3)
        places = scale * self._picture_px(rays.reshape(-1, 3)).reshape(points.shape)
        spans = np.ptp(places[:, 3:], axis=1).tolist()
        whole = np.isfinite(np.delete(places, HEAD, axis=1)).all(axis=(1, 2))
        for number in np.flatnonzero(whole).tolist():
            (x, y), (centre_x, centre_y), (head_x, head_y) = places[number, :3].tolist()
            headless = not np.isfinite(head_x)
            wide, high = spans[number]
            person = Detection(
                x,
                y,
                wide,
                high,
                found[number].confidence,
                head_x_px=None if headless else head_x,
                head_y_px=None if headless else head_y,
                centre_x_px=centre_x,
                centre_y_px=centre_y,
            )
            size = np.array((found[number].width_px, found[number].height_px))
            yield _Seen(person, sector, points[number, MIDDLE], size, rays[number, MIDDLE])

    def _speaks_for(self, one: _Seen) -> bool:
        """Tell whether somebody stands in the sector, in its margin, or right below the camera."""
        level = float(np.hypot(one.ray[0], one.ray[1]))
        if np.arctan2(level, -one.ray[2]) < radians(self._params.below):
            return True
        along = float(one.ray @ one.sector.outwards) / level
        return along >= cos((1 + self._params.overlap) * self._half)


def _looked(picture: Image, maps: _Maps, *, fill: int = GREY) -> Image:
    """Give a sector's picture of a fitted one."""
    seen = cv2.remap(picture, *maps, cv2.INTER_LINEAR, borderValue=(fill,) * 3)
    return np.asarray(seen, np.uint8)


def _behind(backdrop: Backdrop, maps: _Maps, *, like: Fitted) -> Backdrop:
    """Give a sector's backdrop, on the detector's canvas."""
    picture = np.zeros_like(like.canvas)
    known = np.zeros(picture.shape[:2], np.uint8)
    seen = _looked(backdrop.picture, maps)
    side = seen.shape[0]
    picture[:side, :side] = seen
    sure = backdrop.known.view(np.uint8) * np.uint8(KNOWN)
    known[:side, :side] = _looked(sure, maps, fill=0) == KNOWN  # as is all that a pixel is mixed of
    return Backdrop(picture, known.view(np.bool_))


def looks_down(ground: Ground) -> bool:
    """Tell whether a picture shows what is straight below its camera, and heights are known."""
    if ground.camera_m is None:
        return False
    spot = ground.image_from_floor(np.array([ground.camera_m[:2]]))[0]
    return bool(((spot >= 0) & (spot <= ground.image_size)).all())  # nan: not seen at all


def _marks(one: Detection) -> Floats:
    """Give a detection's marks, (7, 2); nan for a head that is not told."""
    centre = (one.centre_x_px, one.centre_y_px)
    point, head = (one.x_px, one.y_px), (one.head_x_px, one.head_y_px)
    middle = np.array(point if None in centre else centre, np.float64)
    half = np.array((one.width_px, one.height_px)) / 2
    corners = middle + half * ((-1, -1), (1, -1), (1, 1), (-1, 1))
    return np.vstack([np.array([point, middle, head], np.float64), corners])


def _once_each(people: Iterable[_Seen], *, apart: float) -> list[Detection]:
    """Keep the most confident look at each person."""
    seen = sorted(people, key=lambda each: -each.found.confidence)
    if not seen:
        return []
    rays = np.array([one.ray for one in seen])
    # Row by row: how far everybody is from one of them, as that one's sector sees it.
    away = np.empty((len(seen), len(seen)))
    for sector in {id(one.sector): one.sector for one in seen}.values():
        own = [number for number, one in enumerate(seen) if one.sector is sector]
        middles = np.array([seen[number].middle for number in own])
        sizes = np.array([seen[number].size for number in own])
        off = (sector.places_px(rays)[None] - middles[:, None]) / sizes[:, None]
        away[own] = np.hypot(off[..., 0], off[..., 1])
    kept: list[int] = []
    for number in range(len(seen)):
        if not (away[kept, number] < apart).any():  # nan: behind that sector
            kept.append(number)
    return [seen[number].found for number in kept]
