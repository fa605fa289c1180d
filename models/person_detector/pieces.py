"""Pieces of varied pictures to train on, each with what its camera knows of the empty room."""

# ruff: noqa: PLR2004 -- odds and sizes of variations, once each

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from models.person_detector.net import CHANNELS, NEAR, STRIDE_PX, UNIT_PX
from models.person_detector.parts import Floats, Image, Picture
from models.person_detector.photographs import elsewhere

FROM_ABOVE = ("fisheye", "overhead")
"""Cameras for which up is nowhere in the image."""
FULL_PX = 110_592
"""Of a whole picture at the net's scale, 384 by 288: what ``manifest.toml`` asks for."""


@dataclass(frozen=True, slots=True)
class Variation:
    """How much to vary; defaults were set once and not searched.

    Attributes:
        piece_px: width and height of what is cut out.
        seen: share of a body (or of its head, ``head_seen``) that must show for it to count.
        hidden: below it nobody is there; in between the net may say what it likes.
        least_px: people smaller than this are likewise left open.
        spread: standard deviation of a head's blob, in lengths of the box.
        usual_px: length of a body whose geometry counts once; a shorter one's counts more.
        around: lengths of the body around a foot within which cells point at it.
        unknown: share of pieces whose empty room is not known.
        cutouts: share of upright pieces into which a real person is pasted.
        photographs: share of pieces whose people stand in a photograph of another place.
    """

    piece_px: tuple[int, int] = (224, 160)
    seen: float = 0.2
    head_seen: float = 0.5
    hidden: float = 0.05
    least_px: float = 14.0
    spread: float = 0.055
    usual_px: float = 40.0
    around: float = 0.3
    unknown: float = 0.33
    cutouts: float = 0.25
    photographs: float = 0.4


@dataclass(frozen=True, slots=True)
class Cutout:
    """A real person, cut out.

    Attributes:
        image: (H, W, 3).
        alpha: (H, W), 0 to 1.
        person: (11,), ``COLUMNS`` without the first, in its pixels.
    """

    image: Image
    alpha: Floats
    person: Floats


def cutout_of(picture: Picture) -> Cutout | None:
    """Cut the one person out of a picture of a clip, None if nobody is in it."""
    if len(picture.people) != 1:
        return None
    image, empty = picture.image(), picture.room.image
    person = picture.people[0].copy()
    left, top, right, bottom = (int(side) for side in person[:4])
    away = cv2.absdiff(image, empty).max(axis=2)[top:bottom, left:right]
    mask = cv2.morphologyEx(
        (away > 24).astype(np.uint8), cv2.MORPH_CLOSE, np.ones((7, 7), np.uint8)
    )
    alpha = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), 1.0)
    person[[0, 2, 4, 6]] -= left
    person[[1, 3, 5, 7]] -= top
    return Cutout(image[top:bottom, left:right].copy(), alpha, person)


@dataclass(frozen=True, slots=True)
class Piece:
    """What one example teaches.

    Attributes:
        planes: (H, W, 4) uint8: blue, green, red, change.
        heat: (H/4, W/4), -1 where it is left open.
        geometry: (12, H/4, W/4): values in units of the loss, then the weights of those told at
            heads and of those told around feet.
    """

    planes: Image
    heat: Floats
    geometry: Floats


def piece_of(
    picture: Picture,
    *,
    cutouts: list[Cutout],
    photographs: list[Image],
    variation: Variation,
    rng: np.random.Generator,
) -> Piece:
    """Turn, scale, cut out, and change the light."""
    image, empty = picture.image(), picture.room.image
    above = picture.view in FROM_ABOVE
    warp = _warp(picture, shape=image.shape, above=above, variation=variation, rng=rng)
    size = variation.piece_px
    fill = (int(rng.choice([0, 114, rng.integers(256)])),) * 3
    how = cv2.INTER_AREA if rng.random() < 0.5 else cv2.INTER_LINEAR
    scale = math.sqrt(abs(np.linalg.det(warp[:, :2])))
    if scale < 0.75:  # a camera's pixels are averages
        image, empty = (cv2.GaussianBlur(one, (0, 0), 0.35 / scale) for one in (image, empty))
    cut = cv2.warpAffine(image, _centred(warp), size, flags=how, borderValue=fill)
    room = cv2.warpAffine(empty, _centred(warp), size, flags=how, borderValue=fill)
    people = _moved(with_peaks(picture.people, shape=image.shape), warp=warp, size=size)
    if photographs and rng.random() < variation.photographs:
        jpeg = photographs[rng.integers(len(photographs))]
        cut, room, people = elsewhere(cut, room, people, place=_place(jpeg, size, rng), rng=rng)
    if not above and cutouts and rng.random() < variation.cutouts:
        cut, people = _paste(cut, people, cutouts=cutouts, rng=rng)
    cut, room = _relit(cut, room, rng=rng)
    change = _change(cut, room, people=people, variation=variation, rng=rng)
    heat, geometry = targets(people, variation=variation)
    return Piece(np.dstack([cut, change]), heat, geometry)


def with_peaks(people: Floats, *, shape: tuple[int, ...]) -> Floats:
    """Add columns peak_x, peak_y: the head, or what of the picture is nearest to it."""
    rows, cols = shape[:2]
    peaks = np.clip(people[:, 4:6], 1.0, np.array([cols - 1.0, rows - 1.0]))
    return np.concatenate([people, peaks], 1).astype(np.float32)


def _warp(
    picture: Picture,
    *,
    shape: tuple[int, ...],
    above: bool,
    variation: Variation,
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """Give (2, 3) from continuous pixels of the picture to those of the piece."""
    rows, cols = shape[:2]
    zoom = math.sqrt(FULL_PX / (rows * cols)) * math.exp(rng.uniform(-0.25, 0.6))
    turn = rng.uniform(0, 2 * math.pi) if above else rng.normal(0, 0.06)
    spin = np.array([[math.cos(turn), -math.sin(turn)], [math.sin(turn), math.cos(turn)]])
    spin = spin @ np.diag([rng.choice([-1.0, 1.0]), 1.0]) * zoom
    if rng.random() < 0.3:
        spin = spin @ np.diag([math.exp(rng.normal(0, 0.06)), 1.0])
    people = picture.people
    shown = people[(people[:, 8] > variation.seen) & (people[:, 10] > 0.3)]
    if len(shown) and rng.random() < 0.8:
        one = shown[rng.integers(len(shown))]
        aim = np.array([(one[0] + one[2]) / 2, (one[1] + one[3]) / 2])
        wide = np.array(variation.piece_px) * rng.uniform(0.1, 0.9, 2)
    else:
        aim = np.array([cols, rows]) * rng.random(2)
        wide = np.array(variation.piece_px) * rng.uniform(0.2, 0.8, 2)
    shift = wide - spin @ aim
    if not above:  # stay in the picture where it is large enough
        reach = spin @ np.array([cols, rows]) if spin[0, 0] > 0 else None
        for axis in range(2):
            low = min(0.0, (spin @ np.array([cols, rows]))[axis]) if reach is None else 0.0
            high = low + abs(spin[axis, axis]) * (cols, rows)[axis]
            if high - low >= variation.piece_px[axis] and rng.random() < 0.9:
                shift[axis] = min(max(shift[axis], variation.piece_px[axis] - high), -low)
    return np.hstack([spin, shift[:, None]])


def _centred(warp: NDArray[np.float64]) -> NDArray[np.float64]:
    """Turn a map of continuous pixels into OpenCV's, which count from pixels' centres."""
    out = warp.copy()
    out[:, 2] += warp[:, :2] @ np.array([0.5, 0.5]) - 0.5
    return out


def _moved(people: Floats, *, warp: NDArray[np.float64], size: tuple[int, int]) -> Floats:
    """Carry people into the piece; their ``inside`` becomes that of the piece."""
    if not len(people):
        return people
    out = people.copy()
    left, top, right, bottom = people[:, :4].T
    corners = np.stack([left, top, right, top, right, bottom, left, bottom], 1).reshape(-1, 4, 2)
    spots = people[:, [4, 5, 6, 7, 11, 12]].reshape(-1, 3, 2)
    points = np.concatenate([corners, spots], 1)
    points = points @ warp[:, :2].T + warp[:, 2]
    head, foot, out[:, 11:13] = points[:, 4], points[:, 5], points[:, 6]
    scale = math.sqrt(abs(np.linalg.det(warp[:, :2])))
    middle = points[:, :4].mean(1)
    # A turned box grows; a body is about as long as from head to foot, and as wide as before.
    half = np.abs(points[:, :4] - middle[:, None]).max(1)
    shorter = scale * np.minimum(right - left, bottom - top)[:, None] / 2
    reach = np.maximum(np.abs(head - middle), np.abs(foot - middle)) + 0.25 * shorter
    half = np.minimum(half, np.maximum(reach, shorter))
    out[:, :2], out[:, 2:4] = middle - half, middle + half
    out[:, 4:6], out[:, 6:8] = head, foot
    low, high = np.maximum(out[:, :2], 0), np.minimum(out[:, 2:4], np.array(size))
    share = (high - low).clip(0).prod(1) / np.maximum(1e-6, (2 * half).prod(1))
    out[:, 10] = share
    out[:, 8] *= np.minimum(1.0, share / np.maximum(people[:, 10], 1e-6))
    return out


def _place(jpeg: Image, size: tuple[int, int], rng: np.random.Generator) -> Image:
    """Cut a place of some size out of a photograph."""
    photograph = np.asarray(cv2.imdecode(jpeg, cv2.IMREAD_COLOR))
    rows, cols = photograph.shape[:2]
    least = max(size[0] / cols, size[1] / rows)
    scale = least * math.exp(rng.uniform(0, 0.6))
    wide, tall = math.ceil(cols * scale), math.ceil(rows * scale)
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    photograph = cv2.resize(photograph, (wide, tall), interpolation=how)
    x, y = int(rng.integers(wide - size[0] + 1)), int(rng.integers(tall - size[1] + 1))
    place = photograph[y : y + size[1], x : x + size[0]]
    return place[:, ::-1].copy() if rng.random() < 0.5 else place.copy()


def _paste(
    image: Image, people: Floats, *, cutouts: list[Cutout], rng: np.random.Generator
) -> tuple[Image, Floats]:
    """Stand a real person in the piece."""
    one = cutouts[rng.integers(len(cutouts))]
    tall, wide = one.alpha.shape
    known = people[people[:, 8] > 0.5]
    usual = float(np.median(known[:, 3] - known[:, 1])) if len(known) else rng.uniform(35, 120)
    scale = min(1.0, max(18.0, usual * math.exp(rng.normal(0, 0.15))) / tall)
    size = max(6, round(wide * scale)), max(12, round(tall * scale))
    body = cv2.resize(one.image, size, interpolation=cv2.INTER_AREA)
    alpha = cv2.resize(one.alpha, size, interpolation=cv2.INTER_AREA)
    flip = rng.random() < 0.5
    if flip:
        body, alpha = body[:, ::-1], alpha[:, ::-1]
    body = np.clip(body * np.exp(rng.normal(0, 0.12, 3)) * math.exp(rng.normal(0, 0.2)), 0, 255)
    rows, cols = image.shape[:2]
    if size[0] >= cols or size[1] >= rows:
        return image, people
    x, y = int(rng.integers(cols - size[0])), int(rng.integers(rows - size[1]))
    out = image.copy()
    spot = out[y : y + size[1], x : x + size[0]]
    spot[:] = spot * (1 - alpha[:, :, None]) + body * alpha[:, :, None]
    person = one.person.copy()
    person[:8] *= size[1] / tall
    if flip:
        person[[0, 2]] = size[0] - person[[2, 0]]
        person[[4, 6]] = size[0] - person[[4, 6]]
    person[[0, 2, 4, 6]] += x
    person[[1, 3, 5, 7]] += y
    person = np.concatenate([person, person[4:6]])
    people = people.copy()
    if len(people):  # those behind are hidden by it
        low = np.maximum(people[:, :2], person[:2])
        high = np.minimum(people[:, 2:4], person[2:4])
        over = (high - low).clip(0).prod(1)
        area = (people[:, 2:4] - people[:, :2]).prod(1).clip(1e-6)
        people[:, 8] *= 1 - 0.8 * over / area
        covered = np.all((people[:, 4:6] > person[:2]) & (people[:, 4:6] < person[2:4]), axis=1)
        people[covered, 9] = 0
    return out, np.concatenate([people.reshape(-1, 13), person[None]]).astype(np.float32)


def _relit(image: Image, empty: Image, *, rng: np.random.Generator) -> tuple[Image, Image]:
    """Change brightness, contrast, colour, sharpness of both, and grain of the first."""
    if rng.random() < 0.12:
        image, empty = (
            cv2.cvtColor(cv2.cvtColor(one, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
            for one in (image, empty)
        )
    gain = np.exp(rng.normal(0, 0.2)) * np.exp(rng.normal(0, 0.06, 3))
    level = (np.arange(256)[:, None] / 255.0) ** math.exp(rng.normal(0, 0.2)) * 255
    table = np.clip(level * gain + rng.normal(0, 10), 0, 255).astype(np.uint8)[:, None, :]
    image, empty = np.asarray(cv2.LUT(image, table)), np.asarray(cv2.LUT(empty, table))
    if rng.random() < 0.25:
        blur = rng.uniform(0.3, 1.1)
        image, empty = cv2.GaussianBlur(image, (0, 0), blur), cv2.GaussianBlur(empty, (0, 0), blur)
    if rng.random() < 0.25:
        grain = rng.normal(0, rng.uniform(1, 7), image.shape[:2]).astype(np.int16)[:, :, None]
        image = np.clip(image + grain, 0, 255).astype(np.uint8)
    if rng.random() < 0.2:
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(35, 80))]
        image = np.asarray(cv2.imdecode(cv2.imencode(".jpg", image, quality)[1], cv2.IMREAD_COLOR))
    return image, empty


def _change(
    image: Image, room: Image, *, people: Floats, variation: Variation, rng: np.random.Generator
) -> Image:
    """Give the plane of change against a background as imperfect as a camera learns one."""
    if rng.random() < variation.unknown:
        return np.zeros(image.shape[:2], np.uint8)
    room = room.astype(np.float32)
    if rng.random() < 0.5:  # the light changed since
        room = room * math.exp(rng.normal(0, 0.05)) + rng.normal(0, 3)
    if rng.random() < 0.25:  # the camera trembles
        shift = np.array([[1, 0, rng.normal(0, 0.6)], [0, 1, rng.normal(0, 0.6)]])
        room = cv2.warpAffine(room, shift, room.shape[1::-1], borderMode=cv2.BORDER_REPLICATE)
    room = np.clip(room, 0, 255).astype(np.uint8)
    room = _remembered(image, room, people=people, rng=rng)
    away = cv2.absdiff(image, room)
    most = cv2.max(cv2.max(away[:, :, 0], away[:, :, 1]), away[:, :, 2])
    change = cv2.min(most, 127) + 128
    if rng.random() < 0.35:  # not settled everywhere
        rows, cols = change.shape
        for _ in range(int(rng.integers(1, 5))):
            wide, tall = int(rng.uniform(10, cols)), int(rng.uniform(10, rows))
            x, y = int(rng.integers(-wide // 2, cols)), int(rng.integers(-tall // 2, rows))
            change[max(0, y) : max(0, y + tall), max(0, x) : max(0, x + wide)] = 0
    return change.astype(np.uint8)


def _remembered(image: Image, room: Image, *, people: Floats, rng: np.random.Generator) -> Image:
    """Make a background wrong about people: some became part of it, some left and still show."""
    rows, cols = image.shape[:2]
    if rng.random() < 0.35:
        for person in people:
            if rng.random() < 0.3:
                left, top, right, bottom = (int(side) for side in person[:4])
                spot = np.s_[max(0, top) : max(0, bottom), max(0, left) : max(0, right)]
                room[spot] = image[spot]
    if rng.random() < 0.25:
        for _ in range(int(rng.integers(1, 4))):
            tall = int(rng.uniform(12, 80))
            wide = int(tall * rng.uniform(0.3, 0.9))
            if tall >= rows or wide >= cols:
                continue
            y, x = int(rng.integers(rows - tall)), int(rng.integers(cols - wide))
            v, u = int(rng.integers(rows - tall)), int(rng.integers(cols - wide))
            mask = np.zeros((tall, wide, 1), np.float32)
            cv2.ellipse(mask, (wide // 2, tall // 2), (wide // 2, tall // 2), 0, 0, 360, 1, -1)
            spot = room[y : y + tall, x : x + wide]
            spot[:] = spot * (1 - mask) + mask * image[v : v + tall, u : u + wide]
    return room


def targets(people: Floats, *, variation: Variation) -> tuple[Floats, Floats]:
    """Paint a piece's heat and geometry.

    Args:
        people: (N, 13) in its pixels, with peaks.
        variation: its size and who counts.

    Returns:
        (H/4, W/4) and (12, H/4, W/4).
    """
    cols, rows = (side // STRIDE_PX for side in variation.piece_px)
    heat = np.zeros((rows, cols), np.float32)
    geometry = np.zeros((len(CHANNELS) + 2, rows, cols), np.float32)
    values, told, near = geometry[:NEAR], geometry[-2], geometry[-1]
    nearest = np.full((rows, cols), np.inf, np.float32)
    units = np.array(UNIT_PX[:NEAR])
    counted = []
    for person in people:
        left, top, right, bottom = person[:4]
        visible, head_visible, inside = person[8:11]
        if visible < variation.hidden or inside <= 0:
            continue
        long = max(right - left, bottom - top)
        seen = visible >= variation.seen or (head_visible >= variation.head_seen and inside > 0.25)
        if not seen or inside < 0.2 or long < variation.least_px:
            _open(heat, person)
            continue
        counted.append((person, long))
    for person, long in counted:
        left, top, right, bottom, head_x, head_y, foot_x, foot_y = person[:8]
        x = min(max(person[11], 1.0), variation.piece_px[0] - 1.0)
        y = min(max(person[12], 1.0), variation.piece_px[1] - 1.0)
        col, row = int(x // STRIDE_PX), int(y // STRIDE_PX)
        sigma = max(3.0, variation.spread * long) / STRIDE_PX
        reach = int(4 * sigma) + 1
        low_x, low_y = max(0, col - reach), max(0, row - reach)
        spot = heat[low_y : row + reach + 1, low_x : col + reach + 1]
        ys, xs = np.ogrid[low_y : low_y + spot.shape[0], low_x : low_x + spot.shape[1]]
        blob = np.exp(-0.5 * ((xs - col) ** 2 + (ys - row) ** 2) / sigma**2).astype(np.float32)
        np.maximum(spot, np.where((spot < 0) & (blob < 0.3), spot, blob), out=spot)
        heat[row, col] = 1
        # Errors count by the length of the body: that is what they are on the floor.
        worth = min(2.0, variation.usual_px / long)
        for i in range(max(0, row - 1), min(rows, row + 2)):
            for j in range(max(0, col - 1), min(cols, col + 2)):
                weight = worth * (1.0 if (i, j) == (row, col) else 0.3)
                if weight <= told[i, j]:
                    continue
                corner = np.array([j, i]) * STRIDE_PX
                middle = np.array([(left + right) / 2, (top + bottom) / 2])
                pointed = np.concatenate(
                    [
                        middle - corner,
                        (right - left, bottom - top),
                        (foot_x, foot_y) - corner,
                        (head_x, head_y) - corner,
                    ]
                )
                values[:, i, j] = pointed / units
                told[i, j] = weight
        reach = max(STRIDE_PX, variation.around * long)
        spot = tuple(
            slice(*(min(max(0, round((at + way) / STRIDE_PX)), cells) for way in (-reach, reach)))
            for at, cells in ((foot_y, rows), (foot_x, cols))
        )
        ys, xs = (STRIDE_PX * grid.astype(np.float64) for grid in np.mgrid[spot])
        away = np.hypot(foot_x - xs - STRIDE_PX / 2, foot_y - ys - STRIDE_PX / 2)
        mine = (away <= reach) & (away < nearest[spot])
        nearest[spot][mine] = away[mine]
        spread = reach / 2.5  # about as far as heads miss the foot they point at
        bell = np.exp(-0.5 * (away / spread) ** 2) * (STRIDE_PX / spread) ** 2
        near[spot][mine] = worth * person[8] * bell[mine]
        for plane, toward in ((NEAR, foot_x - xs), (NEAR + 1, foot_y - ys)):
            geometry[plane][spot][mine] = toward[mine] / UNIT_PX[plane]
    return heat, geometry


def _open(heat: Floats, person: Floats) -> None:
    """Leave it open whether somebody hardly seen is there."""
    left, top, right, bottom = person[:4] / STRIDE_PX
    spot = np.s_[
        max(0, int(top)) : max(0, int(bottom) + 1), max(0, int(left)) : max(0, int(right) + 1)
    ]
    heat[spot] = -1
