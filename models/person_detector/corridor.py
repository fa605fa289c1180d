"""Label the CC BY corridor clips: ``python -m models.person_detector.corridor FOLDER``.

One person at a time before a fixed camera: whoever differs from the empty room is the person.
Clips: Intel sample videos, CC BY 4.0. Writes ``work/clips-NNNN.npz``, one part a clip.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from models.person_detector.parts import WORK, Image, encoded, save

CLIPS = (("one-by-one-person-detection.mp4", 5), ("worker-zone-detection.gif", 1))
"""File, and every how many frames one is taken."""
DIFFERENT = 28
LEAST_PX = 900
SHADOW = 0.85


def different(image: Image, empty: Image) -> NDArray[np.bool_]:
    """Give where somebody stands: (H, W), the largest thing that differs."""
    away = cv2.absdiff(cv2.GaussianBlur(image, (3, 3), 0), cv2.GaussianBlur(empty, (3, 3), 0))
    mask = (away.max(axis=2) > DIFFERENT).astype(np.uint8)
    mask = cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    mask = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones((9, 9), np.uint8))
    count, parts, sizes, _ = cv2.connectedComponentsWithStats(mask)
    if count == 1:
        return mask > 0
    largest = 1 + int(sizes[1:, cv2.CC_STAT_AREA].argmax())
    return np.asarray(parts == largest)


def frames(path: Path) -> list[Image]:
    """Read a clip."""
    clip, images = cv2.VideoCapture(str(path)), []
    while True:
        good, image = clip.read()
        if not good:
            return images
        images.append(np.asarray(image, np.uint8))


def empty_of(images: list[Image]) -> Image:
    """Give the room without people: twice a median, the second without what differed."""
    some = np.stack(images[:: max(1, len(images) // 90)])
    first = np.median(some, axis=0).astype(np.uint8)
    nearest = np.argsort([float(cv2.absdiff(one, images[0]).mean()) for one in some])
    calm = some[nearest[: max(9, len(some) // 6)]]
    start = np.median(calm, axis=0).astype(np.uint8)
    return start if len(images) > 500 else first  # noqa: PLR2004 -- the long clip begins empty


def person_row(mask: NDArray[np.bool_], *, number: int) -> tuple[float, ...] | None:
    """Give ``COLUMNS`` of the one person, None if nobody or cut off by the image."""
    rows, cols = np.nonzero(mask)
    if len(rows) < LEAST_PX:
        return None
    top, bottom, left, right = rows.min(), rows.max() + 1, cols.min(), cols.max() + 1
    tall = bottom - top
    if bottom >= mask.shape[0] - 1 or left <= 1 or right >= mask.shape[1] - 1:
        return None
    if not 1.3 * (right - left) < tall < 2.95 * (right - left):  # arms out, or a pillar too
        return None
    head_x = cols[rows < top + 0.1 * tall].mean() + 0.5
    foot_x = cols[rows > bottom - 0.08 * tall].mean() + 0.5
    head_y, foot_y = top + 0.075 * tall, bottom - 0.025 * tall
    return (number, left, top, right, bottom, head_x, head_y, foot_x, foot_y, 1.0, 1.0, 1.0)


def part(path: Path, *, step: int, number: int) -> Path:
    """Label one clip."""
    images = frames(path)
    empty = empty_of(images)
    pictures, rows = [], []
    for image in images[::step]:
        mask = different(image, empty)
        row = person_row(mask, number=len(pictures))
        if row is None and mask.sum() >= LEAST_PX // 3:
            continue  # somebody there, but not to be labelled
        if row is not None:
            rows.append(row)
        pictures.append(encoded(image))
    out = WORK / f"clips-{number:04d}.npz"
    save(
        out,
        pictures=pictures,
        empties=[encoded(empty)],
        scene=[0] * len(pictures),
        view=["clip"],
        labels=np.array(rows, np.float32).reshape(-1, 12),
    )
    return out


def main() -> None:
    """Label the clips of a folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    arguments = parser.parse_args()
    WORK.mkdir(exist_ok=True)
    for number, (name, step) in enumerate(CLIPS):
        print(part(arguments.folder / name, step=step, number=number))


if __name__ == "__main__":
    main()
