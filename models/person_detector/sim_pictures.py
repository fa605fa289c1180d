"""Pictures of the simulator's own renderer: ``python -m models.person_detector.sim_pictures``.

The simulated store is a customer too. Writes ``work/sim-NNNN.npz`` of even seeds.
"""

from __future__ import annotations

import argparse
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import cv2
import numpy as np

from firmware_sim.render import Label, Renderer
from models.person_detector.parts import WORK, encoded, save
from models.person_detector.scenes import Crowd, View, picture, scene_of

MIX: tuple[tuple[View, bool], ...] = (
    ("demo", True), ("demo", True), ("demo", False), ("demo", False), ("demo", False),
    ("overhead", False), ("overhead", False), ("oblique", False), ("oblique", False),
    ("hall", False),
)  # fmt: skip
"""Kind of camera, and whether it is the demo's own."""
CROWDS: tuple[Crowd, ...] = (
    "usual", "busy", "usual", "quiet", "usual", "busy", "usual", "usual", "busy", "usual",
)  # fmt: skip
PICTURES_A_ROOM = 10
HEAD_DOWN = 0.07
"""From the crown to the middle of the head, in heights."""
VIEW = {"demo": "overhead", "overhead": "overhead", "oblique": "oblique", "hall": "hall"}


def row(label: Label, *, number: int, width_px: int, height_px: int) -> tuple[float, ...]:
    """Give one person's ``COLUMNS``."""
    left, top, right, bottom = label.box_px
    wide = max(0.0, min(width_px, right) - max(0.0, left))
    tall = max(0.0, min(height_px, bottom) - max(0.0, top))
    inside = wide * tall / max(1e-6, (right - left) * (bottom - top))
    crown, foot = np.array(label.head_px), np.array(label.foot_px)
    head = crown + HEAD_DOWN * (foot - crown)
    return (number, *label.box_px, *head, *foot, label.visible, label.visible, inside)


def part(number: int) -> Path:
    """Render one part; the number is what its seeds come from."""
    cv2.setNumThreads(1)
    pictures, empties, scenes, views, rows = [], [], [], [], []
    for room, (view, exact) in enumerate(MIX):
        seed = 2 * (number * len(MIX) + room)
        scene = scene_of(seed, view=view, exact=exact)
        renderer = Renderer(scene.room, scene.camera, seed=seed)
        size = {"width_px": scene.camera.width_px, "height_px": scene.camera.height_px}
        empties.append(encoded(renderer.frame([], scene_s=0.0)))
        views.append(VIEW[view])
        for moment in range(PICTURES_A_ROOM):
            crowd = CROWDS[moment] if view == "demo" else "usual"
            image, labels = picture(scene, renderer=renderer, moment=moment, crowd=crowd)
            rows.extend(row(label, number=len(pictures), **size) for label in labels)
            pictures.append(encoded(image))
            scenes.append(room)
    path = WORK / f"sim-{number:04d}.npz"
    table = np.array(rows, np.float32).reshape(-1, 12)
    save(path, pictures=pictures, empties=empties, scene=scenes, view=views, labels=table)
    return path


def main() -> None:
    """Render parts on several cores."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--parts", type=int, default=25)
    parser.add_argument("--cores", type=int, default=2)
    arguments = parser.parse_args()
    WORK.mkdir(exist_ok=True)
    numbers = range(arguments.first, arguments.first + arguments.parts)
    with ProcessPoolExecutor(arguments.cores) as pool:
        for path in pool.map(part, numbers):
            print(path, flush=True)


if __name__ == "__main__":
    main()
