"""Render pictures of even seeds: ``python -m models.person_detector.render_dataset``.

Writes ``work/part-*.npz``, letterboxed to the net's input, with labels in its pixels.
"""

from __future__ import annotations

import argparse
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from firmware_sim.render import Label, Renderer
from models.person_detector.scenes import Crowd, View, picture, scene_of

WORK = Path(__file__).parent / "work"
WIDTH_PX, HEIGHT_PX, FILL = 416, 288, 114
MIX: tuple[View, ...] = (
    "demo", "demo", "demo", "demo", "demo", "overhead", "overhead", "oblique", "oblique", "hall",
)  # fmt: skip
FIRST_BUSY_PART = 100
"""From here on: seven rooms in ten are the demo's own, and most pictures are busy or quiet."""
BUSY_MIX: tuple[View, ...] = (
    "demo", "demo", "demo", "demo", "demo", "demo", "demo", "demo", "overhead", "oblique",
)  # fmt: skip
EXACT = 7
BUSY_CROWDS: tuple[Crowd, ...] = (
    "busy", "quiet", "busy", "usual", "busy", "quiet", "busy", "usual", "busy", "quiet",
)  # fmt: skip
PICTURES_A_ROOM = 10
ROOMS_A_PART = 10

Image = NDArray[np.uint8]


def letterbox(image: Image) -> tuple[Image, float]:
    """Fit an image into the top left corner of the net's input; give the scale too."""
    scale = min(WIDTH_PX / image.shape[1], HEIGHT_PX / image.shape[0])
    size = (round(image.shape[1] * scale), round(image.shape[0] * scale))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    out = np.full((HEIGHT_PX, WIDTH_PX, 3), FILL, np.uint8)
    out[: size[1], : size[0]] = cv2.resize(image, size, interpolation=how)
    return out, scale


def row(label: Label, *, width_px: int, height_px: int) -> tuple[float, ...]:
    """Give left, top, right, bottom (clipped to the image), foot x, y, head x, y, visible."""
    left, top, right, bottom = label.box_px
    box = (max(0.0, left), max(0.0, top), min(width_px, right), min(height_px, bottom))
    return (*box, *label.foot_px, *label.head_px, label.visible)


def part(number: int) -> Path:
    """Render one part of the set; the number is what its seeds come from."""
    cv2.setNumThreads(1)
    images: list[Image] = []
    rows: list[NDArray[np.float64]] = []
    overhead: list[bool] = []
    for room in range(ROOMS_A_PART):
        seed = 2 * (number * ROOMS_A_PART + room)
        busy = number >= FIRST_BUSY_PART
        mix = BUSY_MIX if busy else MIX
        view = mix[room % len(mix)]
        scene = scene_of(seed, view=view, exact=busy and room < EXACT)
        renderer = Renderer(scene.room, scene.camera, seed=seed)
        for moment in range(PICTURES_A_ROOM):
            crowd = BUSY_CROWDS[moment % 10] if busy and view == "demo" else "usual"
            image, labels = picture(scene, renderer=renderer, moment=moment, crowd=crowd)
            small, scale = letterbox(image)
            size = {"width_px": scene.camera.width_px, "height_px": scene.camera.height_px}
            found = np.array([row(label, **size) for label in labels]).reshape(-1, 9)
            found[:, :8] *= scale
            rows.append(np.concatenate([np.full((len(found), 1), len(images)), found], 1))
            overhead.append(scene.camera.tilt < 0.2)  # noqa: PLR2004 -- nearly straight down
            images.append(small)
    path = WORK / f"part-{number:04d}.npz"
    fresh = WORK / f"new-{number:04d}.npz"
    np.savez(
        fresh,
        images=np.stack(images),
        labels=np.concatenate(rows).astype(np.float32),
        overhead=np.array(overhead),
    )
    fresh.rename(path)
    return path


def main() -> None:
    """Render parts on several cores."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--parts", type=int, default=40)
    parser.add_argument("--cores", type=int, default=2)
    arguments = parser.parse_args()
    WORK.mkdir(exist_ok=True)
    numbers = range(arguments.first, arguments.first + arguments.parts)
    with ProcessPoolExecutor(arguments.cores) as pool:
        for path in pool.map(part, numbers):
            print(path, flush=True)


if __name__ == "__main__":
    main()
