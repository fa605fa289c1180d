"""Render pictures of people: ``python -m models.person_detector.render_dataset`` (RENDERING.md).

Writes ``work/mesh-NNNN.npz`` (even seeds) or, with ``--test``, ``work/test-NNNN.npz`` (odd ones).
"""

# ruff: noqa: PLR2004, E501 -- odds and sizes of made-up optics, once each, a thing a line

from __future__ import annotations

import argparse
import math
import os
import time
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from models.person_detector.mesh_camera import Camera, share
from models.person_detector.mesh_people import Person
from models.person_detector.mesh_render import PHOTO, Batch, Renderer
from models.person_detector.mesh_scenes import Scene, View, populate, scene_of
from models.person_detector.mesh_soup import Soup
from models.person_detector.parts import COLUMNS, WORK, Image, encoded, save

PICTURES, SCENES = 10, 12
VIEWS: tuple[View, ...] = ("fisheye", "overhead", "oblique", "hall")
SHARES = (0.26, 0.18, 0.30, 0.26)


@cache
def photos() -> NDArray[np.uint8]:
    """Load textures to lay on floors: CC0 photographs of scikit-image, if it is there, else noise."""
    found: list[Image] = []
    try:
        from skimage import data  # noqa: PLC0415 -- optional

        greys = (data.gravel(), data.brick(), data.grass())
        found = [cv2.cvtColor(cv2.resize(g, (PHOTO, PHOTO)), cv2.COLOR_GRAY2RGB) for g in greys]
    except ImportError:
        pass
    rng = np.random.default_rng(3)
    while len(found) < 6:
        cells = rng.uniform(60, 200, (2 ** int(rng.integers(3, 7)),) * 2 + (1,))
        tint = rng.normal(0, 6, (*cells.shape[:2], 3))
        big = cv2.resize(
            (cells + tint).astype(np.float32), (PHOTO, PHOTO), interpolation=cv2.INTER_CUBIC
        )
        found.append(np.clip(big + rng.normal(0, 8, big.shape), 0, 255).astype(np.uint8))
    return np.stack(found)


class Optics:
    """What a camera's lens, sensor and codec make of light; one for each scene."""

    def __init__(self, scene: Scene) -> None:
        """Draw it."""
        rng = self.rng = np.random.default_rng([scene.seed, 31])
        self.camera = scene.camera
        self.factor = 1.0 if rng.random() < 0.7 else 1.25
        self.exposure = math.exp(rng.normal(-0.35, 0.33))
        keep = rng.uniform(0.45, 1.0) if rng.random() < 0.8 else rng.uniform(1.0, 1.25)
        grey = np.full((3, 3), 1 / 3, np.float32)
        self.colours = (keep * np.eye(3) + (1 - keep) * grey).astype(np.float32)
        self.white = np.exp(rng.normal(0, 0.07, 3)).astype(np.float32)
        self.gamma = 1 / 2.2 * math.exp(rng.normal(0, 0.12))
        self.fade = rng.uniform(0.3, 1.0) if rng.random() < 0.8 else 0.0
        dark = rng.random() < 0.08
        self.noise = abs(rng.normal(0, 2.5)) + (rng.uniform(2, 8) if dark else 0)
        self.exposure *= 0.35 if dark else 1
        self.coarse = rng.random() < 0.4
        self.blur = rng.uniform(0.4, 1.6) if rng.random() < 0.45 else 0.45 * (self.factor == 1.0)
        self.sharp = rng.uniform(0.3, 1.5) if rng.random() < 0.35 else 0.0
        self.quality = int(rng.integers(40, 96))
        self.vignette = rng.uniform(0, 0.5) if rng.random() < 0.5 else 0.0
        self.haze = rng.uniform(0.01, 0.1) if rng.random() < 0.35 else 0.0
        self.grey = rng.random() < 0.04
        level = np.linspace(0, 1 / 0.6, 4096)
        if self.fade:  # a soft shoulder instead of clipping
            level = np.where(level > 0.6, 0.6 + 0.4 * np.tanh((level - 0.6) / 0.4), level)
        self.table: NDArray[np.float32] = (255 * np.clip(level, 0, 1) ** self.gamma).astype(
            np.float32
        )
        self.mask = self._mask()
        self.small = rng.uniform(0.5, 0.8) if rng.random() < 0.2 else 1.0
        self.text = self._text()

    def _mask(self) -> NDArray[np.float32]:
        rng, camera = self.rng, self.camera
        y, x = np.mgrid[: camera.height_px, : camera.width_px].astype(np.float32) + 0.5
        mx, my = camera.width_px / 2 + camera.shift_px[0], camera.height_px / 2 + camera.shift_px[1]
        r = np.hypot(x - mx, y - my)
        mask = 1 - self.vignette * (r / r.max()) ** 2
        if camera.kind == "fisheye":
            edge = camera.focal_px * math.radians(rng.uniform(84, 93))
            mask = mask * np.clip((edge - r) / rng.uniform(1, 6), 0, 1)
        elif rng.random() < 0.1:
            bar = int(camera.height_px * rng.uniform(0.02, 0.12))
            mask[:bar], mask[len(mask) - (bar if rng.random() < 0.7 else 0) :] = 0, 0
        elif rng.random() < 0.06:
            bar = int(camera.width_px * rng.uniform(0.02, 0.12))
            mask[:, :bar], mask[:, mask.shape[1] - bar :] = 0, 0
        return np.asarray(mask, np.float32)

    def _text(self) -> list[tuple[str, tuple[int, int], float, int, bool]]:
        rng, camera = self.rng, self.camera
        if rng.random() > 0.35:
            return []
        words = [
            "2024-03-12 14:02:55",
            "CAM 03",
            "12/08/19 Mon",
            "IPCAM",
            "Entrance 1",
            "00:12:47",
            "REC",
            "Camera 01 Hall",
        ]
        out = []
        for _ in range(int(rng.integers(1, 4))):
            x = int(rng.choice([4, camera.width_px * 0.6])) + int(rng.integers(0, 20))
            y = int(rng.choice([14, camera.height_px - 8])) + int(rng.integers(-2, 5))
            level = int(rng.choice([255, 255, 230, 10]))
            out.append(
                (
                    str(rng.choice(words)),
                    (x, y),
                    rng.uniform(0.35, 0.7),
                    level,
                    bool(rng.random() < 0.4),
                )
            )
        return out

    def develop(  # noqa: C901 -- one step of the camera after another
        self, light: NDArray[np.float32], *, moment: int, gain: float
    ) -> Image:
        """Turn linear light into the picture that a recorder keeps (BGR)."""
        rng = np.random.default_rng([int(self.rng.bit_generator.seed_seq.entropy[0]), moment, 3])  # type: ignore[attr-defined]
        size = (self.camera.width_px, self.camera.height_px)
        linear = light * (self.exposure * gain * 0.6 * self.white) + self.haze * 0.6
        image = self.table[np.clip(4095 * linear, 0, 4095).astype(np.uint16)]
        image = cv2.transform(image, self.colours)
        if self.factor > 1:
            image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
        if self.small < 1:
            less = cv2.resize(
                image, None, fx=self.small, fy=self.small, interpolation=cv2.INTER_AREA
            )
            image = cv2.resize(less, size, interpolation=cv2.INTER_LINEAR)
        if self.blur:
            image = cv2.GaussianBlur(image, (0, 0), self.blur)
        if rng.random() < 0.05:
            length = int(rng.integers(2, 6))
            image = cv2.blur(image, (length, 1) if rng.random() < 0.5 else (1, length))
        if self.sharp:
            image = image + self.sharp * (image - cv2.GaussianBlur(image, (0, 0), 1.2))
        if self.noise > 0.3:
            grain = rng.standard_normal((size[1], size[0], 3), dtype=np.float32)
            if self.coarse:
                grain = cv2.GaussianBlur(grain, (0, 0), 0.7) * 1.6
            image = image + self.noise * grain
        image = image * self.mask[:, :, None]
        out = np.clip(image, 0, 255).astype(np.uint8)[:, :, ::-1].copy()
        if self.grey:
            out = cv2.cvtColor(cv2.cvtColor(out, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
        for words, at, height, level, ground in self.text:
            if ground:
                wide = cv2.getTextSize(words, cv2.FONT_HERSHEY_SIMPLEX, height, 1)[0]
                cv2.rectangle(
                    out,
                    (at[0] - 2, at[1] - wide[1] - 3),
                    (at[0] + wide[0] + 2, at[1] + 4),
                    (0, 0, 0),
                    -1,
                )
            cv2.putText(
                out, words, at, cv2.FONT_HERSHEY_SIMPLEX, height, (level,) * 3, 1, cv2.LINE_AA
            )
        return np.asarray(out)


def labels_of(
    people: list[Person],
    *,
    picture: int,
    camera: Camera,
    renderer: Renderer,
    batch: Batch,
    ids: NDArray[np.int64],
    heads: NDArray[np.bool_],
    factor: float,
) -> list[tuple[float, ...]]:
    """Measure boxes, points and shares of everybody in a picture."""
    rows, boxes, objects, spots = [], [], [], []
    for index, person in enumerate(people):
        px, seen = camera.project(person.points)
        if seen.mean() < 0.3:
            continue
        low, high = px[seen].min(0), px[seen].max(0)
        size = np.maximum(high - low, 1.0)
        if (
            (high < 0).any()
            or low[0] > camera.width_px
            or low[1] > camera.height_px
            or (size > 4000).any()
        ):
            continue
        ends, _ = camera.project(np.stack([person.head, person.foot]))
        spots.append((index + 1, low, high, ends))
        boxes.append((*(low - 0.5), *(low + size + 0.5)))
        objects.append(person.objects)
    if not boxes:
        return []
    alone = renderer.alone(batch, camera=camera, boxes=np.array(boxes), objects=objects)
    counts = np.bincount(ids.ravel(), minlength=len(people) + 1)
    tops = np.bincount(ids[heads], minlength=len(people) + 1)
    for (owner, low, high, ends), (body, inside, head) in zip(spots, alone, strict=True):
        rows.append((
            picture, *low, *high, *ends[0], *ends[1],
            share(counts[owner] / factor**2, body), share(tops[owner] / factor**2, head), share(inside, body),
        ))  # fmt: skip
    return rows


def shoot(
    scene: Scene, *, renderer: Renderer
) -> tuple[list[Image], Image, list[list[tuple[float, ...]]], int]:
    """Take all pictures of a scene: with people, without, their labels, the JPEG quality."""
    optics = Optics(scene)
    static = renderer.batch(scene.soup)
    base = len(scene.soup.rows)
    size = {
        "camera": scene.camera,
        "light": scene.light,
        "room": scene.room,
        "factor": optics.factor,
        "around": scene.shade,
    }
    renderer.load_rows(scene.soup.rows or [np.zeros((12, 4), np.float32)])
    nobody = renderer.still(static, **size)  # type: ignore[arg-type]
    gain = 0.45 / max(
        float(np.quantile(nobody.mean(2)[optics_view(scene, nobody, factor=optics.factor)], 0.7)),
        0.02,
    )
    gain = min(gain, 6.0) ** 0.8
    images, labels = [], []
    for moment in range(PICTURES):
        soup = Soup(base=base)
        people = populate(scene, moment=moment, soup=soup)
        if base + len(soup.rows) > 1024:
            people, soup = [], Soup(base=base)
        renderer.load_rows([*scene.soup.rows, *soup.rows] or [np.zeros((12, 4), np.float32)])
        batch = renderer.batch(soup)
        light, ids, heads = renderer.moving(batch, **size)  # type: ignore[arg-type]
        images.append(optics.develop(light, moment=moment, gain=gain))
        labels.append(
            labels_of(
                people,
                picture=0,
                camera=scene.camera,
                renderer=renderer,
                batch=batch,
                ids=ids,
                heads=heads,
                factor=optics.factor,
            )
        )
        batch.release()
    empty = optics.develop(nobody, moment=99, gain=gain)
    static.release()
    return images, empty, labels, optics.quality


def optics_view(scene: Scene, light: NDArray[np.float32], *, factor: float) -> NDArray[np.bool_]:
    """Tell which pixels a lens sees."""
    y, x = np.mgrid[: light.shape[0], : light.shape[1]]
    if scene.camera.kind != "fisheye":
        return np.asarray(x >= 0)
    r = np.hypot(x / factor - scene.camera.width_px / 2, y / factor - scene.camera.height_px / 2)
    return np.asarray(r < scene.camera.focal_px * 1.4)


_RENDERER: list[Renderer] = []


def part(number: int, test: bool) -> Path | None:  # noqa: FBT001 -- passed to a pool
    """Render one part; the number is what its seeds come from."""
    path = WORK / f"{'test' if test else 'mesh'}-{number:04d}.npz"
    if path.exists():
        return None
    cv2.setNumThreads(1)
    if not _RENDERER:
        _RENDERER.append(Renderer(photos()))
    start = time.perf_counter()
    pictures: list[Image] = []
    empties: list[Image] = []
    scenes: list[int] = []
    views: list[str] = []
    cameras: list[Camera] = []
    rows: list[tuple[float, ...]] = []
    for index in range(SCENES):
        seed = 2 * (number * SCENES + index) + int(test)
        view = VIEWS[int(np.random.default_rng([seed, 1]).choice(4, p=SHARES))]
        place = scene_of(seed, view=view)
        images, empty, labels, quality = shoot(place, renderer=_RENDERER[0])
        for image, found in zip(images, labels, strict=True):
            rows += [(float(len(scenes)), *row[1:]) for row in found]
            pictures.append(encoded(image, quality=quality))
            scenes.append(index)
        empties.append(encoded(empty, quality=quality))
        views.append(view)
        cameras.append(place.camera)
    table = np.array(rows, np.float32).reshape(-1, len(COLUMNS))
    save(
        path, pictures=pictures, empties=empties, scene=scenes, view=views, labels=table,
        cameras=cameras,
    )  # fmt: skip
    print(
        f"{path.name} {(time.perf_counter() - start) / len(pictures):.3f} s a picture, {len(rows) / len(pictures):.1f} people",
        flush=True,
    )
    return path


def main() -> None:
    """Render parts on several cores."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--parts", type=int, default=60)
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--test", action="store_true")
    arguments = parser.parse_args()
    os.environ.setdefault("LP_NUM_THREADS", "1")
    WORK.mkdir(exist_ok=True)
    numbers = range(arguments.first, arguments.first + arguments.parts)
    with ProcessPoolExecutor(arguments.cores) as pool:
        for _ in pool.map(part, numbers, [arguments.test] * len(numbers)):
            pass


if __name__ == "__main__":
    main()
