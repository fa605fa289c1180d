"""Rendered parts on disk: pictures as JPEG, the same rooms without people, and who is where."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from models.person_detector.mesh_camera import Camera

WORK = Path(__file__).parent / "work"
Image = NDArray[np.uint8]
Floats = NDArray[np.float32]
COLUMNS = (
    "picture", "left", "top", "right", "bottom", "head_x", "head_y", "foot_x", "foot_y",
    "visible", "head_visible", "inside",
)  # fmt: skip
"""Of ``labels``: continuous pixels of the picture; boxes hold hidden parts; shares 0 to 1."""


@dataclass(frozen=True)
class Empty:
    """A room with nobody in it; its image is kept once it was asked for."""

    jpeg: Image

    @cached_property
    def image(self) -> Image:
        """Give it, (H, W, 3)."""
        return np.asarray(cv2.imdecode(self.jpeg, cv2.IMREAD_COLOR))


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture, still compressed.

    Attributes:
        jpeg: of the picture.
        room: the same room through the same camera, with nobody in it.
        people: (N, 11), ``COLUMNS`` without the first.
        view: what kind of camera.
        camera: where it hangs and how it sees, of parts that tell.
    """

    jpeg: Image
    room: Empty
    people: Floats
    view: str
    camera: Camera | None = None

    def image(self) -> Image:
        """Give the picture, (H, W, 3)."""
        return np.asarray(cv2.imdecode(self.jpeg, cv2.IMREAD_COLOR))


def encoded(image: Image, *, quality: int = 95) -> Image:
    """Give an image as JPEG bytes."""
    return cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].ravel()


def save(
    path: Path,
    *,
    pictures: Sequence[Image],
    empties: Sequence[Image],
    scene: Sequence[int],
    view: Sequence[str],
    labels: Floats,
    cameras: Sequence[Camera] = (),
) -> None:
    """Write a part in one go.

    Args:
        path: of the part.
        pictures: JPEG bytes.
        empties: JPEG bytes, one for each scene.
        scene: of each picture.
        view: of each scene.
        labels: (N, 12), ``COLUMNS``.
        cameras: of each scene, or of none.
    """
    fresh = path.with_name(f"new-{path.stem}.npz")
    np.savez(
        fresh,
        jpeg=np.concatenate(pictures),
        ends=np.cumsum([len(one) for one in pictures]),
        empty_jpeg=np.concatenate(empties),
        empty_ends=np.cumsum([len(one) for one in empties]),
        scene=np.array(scene, np.int32),
        view=np.array(view),
        labels=np.asarray(labels, np.float32),
        camera=np.array([json.dumps(asdict(one)) for one in cameras], np.str_),
    )
    fresh.rename(path)


def load(path: Path) -> list[Picture]:
    """Read a part."""
    with np.load(path) as data:
        jpegs = np.split(data["jpeg"], data["ends"][:-1])
        rooms = [Empty(one) for one in np.split(data["empty_jpeg"], data["empty_ends"][:-1])]
        labels, scene, view = data["labels"], data["scene"], data["view"]
        cameras = [_camera(one) for one in data["camera"]] if "camera" in data else []
    return [
        Picture(
            jpegs[number],
            rooms[scene[number]],
            labels[labels[:, 0] == number, 1:],
            str(view[scene[number]]),
            cameras[scene[number]] if cameras else None,
        )
        for number in range(len(jpegs))
    ]


def _camera(text: str) -> Camera:
    """Read a camera as ``save`` wrote it."""
    told = json.loads(text)
    pairs = {name: tuple(told[name]) for name in ("place", "shift_px")}
    return Camera(**{**told, **pairs})
