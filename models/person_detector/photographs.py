"""Photographs with nobody in them, to stand drawn people in: ``work/photos-0000.npz``.

``python -m models.person_detector.photographs FOLDER...`` takes what it finds there: panoramas
(``.hdr``, equirectangular) are looked at as a camera on a wall would, other pictures as they are
and, mirrored around, from three times as far.
Look through them first: whoever is in them is learnt as nobody. CARD.md names what was used.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from models.person_detector.parts import WORK, Floats, Image, encoded

WIDTH_PX, HEIGHT_PX = 400, 300
LOOKS = 100
"""At each panorama."""
DIFFERENT = 22
"""By so much a person differs from the room to be cut out of it."""


def looks(panorama: Floats, *, rng: np.random.Generator) -> Iterator[Image]:
    """Look around in a panorama, (H, W, 3) of linear light, with the eyes of cameras on a wall."""
    rows, cols = panorama.shape[:2]
    xs, ys = np.meshgrid(
        np.arange(WIDTH_PX) - WIDTH_PX / 2 + 0.5, np.arange(HEIGHT_PX) - HEIGHT_PX / 2 + 0.5
    )
    for _ in range(LOOKS):
        focal = WIDTH_PX / 2 / math.tan(math.radians(rng.uniform(55, 95)) / 2)
        pan, tilt = rng.uniform(-math.pi, math.pi), math.radians(rng.uniform(0, 60))
        rays = np.stack([xs, ys, np.full_like(xs, focal)], -1)
        down = math.cos(tilt) * rays[..., 1] + math.sin(tilt) * rays[..., 2]
        ahead = math.cos(tilt) * rays[..., 2] - math.sin(tilt) * rays[..., 1]
        around = np.arctan2(rays[..., 0], ahead) + pan
        below = np.arctan2(down, np.hypot(ahead, rays[..., 0]))
        u = ((around / (2 * math.pi)) % 1.0) * cols
        v = (0.5 + below / math.pi) * rows
        seen = cv2.remap(
            panorama, u.astype(np.float32), v.astype(np.float32), cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_WRAP,
        )  # fmt: skip
        middle = max(1e-4, float(np.median(seen)))
        exposed = seen * (0.18 * math.exp(rng.normal(0, 0.4)) / middle)
        yield (255 * np.clip(exposed / (0.3 + exposed) * 1.25, 0, 1) ** (1 / 1.8)).astype(np.uint8)


def pictures_in(folder: Path, *, rng: np.random.Generator) -> Iterator[NDArray[np.uint8]]:
    """Give what a folder holds, each as a camera would see it."""
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() == ".hdr":
            panorama = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
            if panorama is None:
                raise SystemExit(f"{path} cannot be read as a panorama; remove it")
            yield from looks(np.nan_to_num(panorama, posinf=1e4).astype(np.float32), rng=rng)
        elif path.suffix.lower() in {".jpg", ".jpeg", ".png"}:
            picture = cv2.imread(str(path), cv2.IMREAD_COLOR)
            if picture is None:
                raise SystemExit(f"{path} cannot be read as a picture; remove it")
            yield np.asarray(picture)
            rows, cols = picture.shape[:2]
            far = cv2.copyMakeBorder(picture, rows, rows, cols, cols, cv2.BORDER_REFLECT)
            yield np.asarray(cv2.resize(far, (WIDTH_PX, HEIGHT_PX), interpolation=cv2.INTER_AREA))


def elsewhere(
    image: Image, room: Image, people: Floats, *, place: Image, rng: np.random.Generator
) -> tuple[Image, Image, Floats]:
    """Take people out of their drawn room and stand them in a place; it becomes the room."""
    mask = np.zeros(image.shape[:2], np.uint8)
    for left, top, right, bottom in people[:, :4]:
        wide, tall = 0.08 * (right - left), 0.08 * (bottom - top)
        corners = (int(left - wide), int(top - tall)), (int(right + wide), int(bottom + tall))
        cv2.rectangle(mask, *corners, 255, -1)
    mask &= (cv2.absdiff(image, room).max(axis=2) > DIFFERENT).astype(np.uint8) * 255
    mask = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
    alpha = cv2.GaussianBlur(mask.astype(np.float32) / 255, (0, 0), 0.7)[:, :, None]
    light = (place.mean() + 20) / (room.mean() + 20)
    shown = np.clip(image * light ** rng.uniform(0, 0.8), 0, 255)
    people = people.copy()
    for person in people:  # who looks like the room's wall leaves too little of himself
        left, top, right, bottom = (max(0, int(side)) for side in person[:4])
        spot = mask[top:bottom, left:right]
        if spot.size and np.count_nonzero(spot) < 0.25 * person[8] * spot.size:
            person[8:10] = min(person[8], 0.1), 0.0
    return (place * (1 - alpha) + shown * alpha).astype(np.uint8), place, people


def load_photographs() -> list[Image]:
    """Read all that were written, as JPEG bytes; none if there are none."""
    photographs: list[Image] = []
    for path in sorted(WORK.glob("photos-*.npz")):
        with np.load(path) as data:
            photographs.extend(np.split(data["jpeg"], data["ends"][:-1]))
    return photographs


def main() -> None:
    """Write a part of photographs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    rng = np.random.default_rng(arguments.seed)
    jpegs = [
        encoded(picture) for folder in arguments.folders for picture in pictures_in(folder, rng=rng)
    ]
    np.savez(
        WORK / "photos-0000.npz",
        jpeg=np.concatenate(jpegs),
        ends=np.cumsum([len(one) for one in jpegs]),
    )
    print(f"{len(jpegs)} photographs")


if __name__ == "__main__":
    main()
