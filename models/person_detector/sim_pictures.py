"""Pictures of the simulator's own renderer: ``python -m models.person_detector.sim_pictures``.

The simulated store is a customer too. Writes ``work/sim-NNNN.npz`` of even seeds, or with
``--test`` ``work/test-sim-NNNN.npz`` of odd ones.
"""

from __future__ import annotations

import argparse
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from firmware_sim.render import Label, Renderer
from models.person_detector.parts import WORK, Empty, Picture, encoded, save
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


def row(label: Label, *, width_px: int, height_px: int) -> tuple[float, ...]:
    """Give one person's ``COLUMNS``, without the picture."""
    left, top, right, bottom = label.box_px
    wide = max(0.0, min(width_px, right) - max(0.0, left))
    tall = max(0.0, min(height_px, bottom) - max(0.0, top))
    inside = wide * tall / max(1e-6, (right - left) * (bottom - top))
    crown, foot = np.array(label.head_px), np.array(label.foot_px)
    head = crown + HEAD_DOWN * (foot - crown)
    return (*label.box_px, *head, *foot, label.visible, label.visible, inside)


def pictures_of(seed: int, *, view: View, exact: bool, count: int) -> list[Picture]:
    """Take pictures of one simulated store.

    Args:
        seed: even to train, odd to test.
        view: kind of camera.
        exact: the demo's own camera and furniture.
        count: how many.
    """
    scene = scene_of(seed, view=view, exact=exact)
    renderer = Renderer(scene.room, scene.camera, seed=seed)
    size = {"width_px": scene.camera.width_px, "height_px": scene.camera.height_px}
    room = Empty(encoded(renderer.frame([], scene_s=0.0)))
    taken = []
    for moment in range(count):
        crowd = CROWDS[moment % len(CROWDS)] if view == "demo" else "usual"
        image, labels = picture(scene, renderer=renderer, moment=moment, crowd=crowd)
        people = np.array([row(label, **size) for label in labels], np.float32).reshape(-1, 11)
        taken.append(Picture(encoded(image), room, people, VIEW[view]))
    return taken


def part(number: int, *, test: bool) -> Path:
    """Render one part; the number is what its seeds come from."""
    cv2.setNumThreads(1)
    taken = [
        pictures_of(
            2 * (number * len(MIX) + room) + test, view=view, exact=exact, count=PICTURES_A_ROOM
        )
        for room, (view, exact) in enumerate(MIX)
    ]
    flat = [one for room in taken for one in room]
    rows = [
        np.concatenate([np.full((len(one.people), 1), n), one.people], 1)
        for n, one in enumerate(flat)
    ]
    path = WORK / f"{'test-' if test else ''}sim-{number:04d}.npz"
    views = [f"sim {MIX[n][0]}" if test else room[0].view for n, room in enumerate(taken)]
    save(
        path,
        pictures=[one.jpeg for one in flat],
        empties=[room[0].room.jpeg for room in taken],
        scene=[n for n, room in enumerate(taken) for _ in room],
        view=views,
        labels=np.concatenate(rows),
    )
    return path


def main() -> None:
    """Render parts on several cores."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--parts", type=int, default=25)
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--test", action="store_true", help="odd seeds, to measure with")
    arguments = parser.parse_args()
    WORK.mkdir(exist_ok=True)
    numbers = range(arguments.first, arguments.first + arguments.parts)
    with ProcessPoolExecutor(arguments.cores) as pool:
        for path in pool.map(partial(part, test=arguments.test), numbers):
            print(path, flush=True)


if __name__ == "__main__":
    main()
