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


def _pictures(folder: Path, *, rng: np.random.Generator) -> Iterator[NDArray[np.uint8]]:
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
        encoded(picture) for folder in arguments.folders for picture in _pictures(folder, rng=rng)
    ]
    np.savez(
        WORK / "photos-0000.npz",
        jpeg=np.concatenate(jpegs),
        ends=np.cumsum([len(one) for one in jpegs]),
    )
    print(f"{len(jpegs)} photographs")


if __name__ == "__main__":
    main()
