"""The shell of ``aisle-edge calibrate``: files in, a table out, ``store.toml`` written if asked."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import cv2
import msgspec
import numpy as np

from edge.config import parse
from edge.errors import ConfigError, DeviceError
from edge.parts_io import Parts
from edge.setup.draft import CameraDraft, read_setup, revised
from edge.store_file_io import read_text, replace_text
from edge.vision.boards import find_tags, tag_sheets
from edge.vision.ground import calibrate
from edge.vision.lens import Lens, LensKind
from edge.vision.signature_io import forget_signature
from edge.vision.survey import (
    Pair,
    hints,
    matched,
    points_of,
    refuse_outside,
    sectors_for,
    tags_of,
    told,
)

SHEETS = 12
"""Tags printed: eight to lay out, and some to spare."""


@dataclass(frozen=True, slots=True)
class Task:
    """What is asked for; what is None comes from the camera's table, if there is one.

    Attributes:
        points: a file of points.
        image: a picture with tags; it is read into memory and not kept.
        tags: a file of where the tags lie.
        config: the store's file.
        camera: its name there.
        size_px: of the picture the points were read from.
        lens: None for ``auto``, or as the camera's table says.
        write: put the calibration into the store's file.
    """

    points: Path | None = None
    image: Path | None = None
    tags: Path | None = None
    config: Path | None = None
    camera: str | None = None
    size_px: tuple[int, int] | None = None
    lens: LensKind | None = None
    height_m: float | None = None
    hfov_deg: float | None = None
    write: bool = False


def task_of(
    *,
    points: Path | None,
    image: Path | None,
    tags: Path | None,
    config: Path | None,
    camera: str | None,
    size: str | None,
    lens: str,
    height_m: float | None,
    hfov_deg: float | None,
    write: bool,
) -> Task:
    """Check a command line.

    Raises:
        ConfigError: words that are not understood, or that go together badly.
    """
    if points and image:
        raise ConfigError("give --points or --image with --tags, not both")
    kinds: dict[str, LensKind | None] = {
        "auto": None,
        "pinhole": "pinhole",
        "distorted": "distorted",
        "fisheye": "fisheye",
    }
    if lens not in kinds:
        raise ConfigError(f"--lens {lens}: give one of {', '.join(kinds)}")
    if write and not (config and camera):
        raise ConfigError("--write needs --config and --camera: which file, and which camera in it")
    sides = re.fullmatch(r"([1-9][0-9]{0,4})x([1-9][0-9]{0,4})", size or "1x1")
    if sides is None:
        raise ConfigError(f"--size {size}: give width and height in pixels, like 1280x720")
    size_px = (int(sides[1]), int(sides[2])) if size else None
    return Task(
        points=points,
        image=image,
        tags=tags,
        config=config,
        camera=camera,
        size_px=size_px,
        lens=kinds[lens],
        height_m=height_m,
        hfov_deg=hfov_deg,
        write=write,
    )


def calibrating(task: Task) -> Iterator[str]:
    """Calibrate a camera; give the lines that tell how well it went.

    Raises:
        ConfigError: a file is wrong, or the points are.
        DeviceError: the disk refuses.
    """
    draft, brought = _draft(task)
    pairs, size_px = _measured(task, draft)
    refuse_outside(pairs, size_px=size_px)
    table = np.array(pairs)
    height_m, hfov_deg = task.height_m or draft.height_m, task.hfov_deg or draft.hfov_deg
    ground, report = calibrate(
        table[:, :2],
        table[:, 2:],
        image_size=size_px,
        lens=_lens(task, draft, size_px),
        height_m=height_m,
        hfov_deg=hfov_deg,
    )
    sectors = sectors_for(ground.view.lens.kind, asked=draft.sectors, ground=ground)
    known = hints(ground, sectors=sectors, brought=brought)
    yield from told(pairs, ground=ground, report=report, known=known)
    if task.write and task.config:
        settled = msgspec.structs.replace(
            draft,
            size_px=size_px,
            points=tuple(pairs),
            lens=ground.view.lens.kind,
            height_m=height_m,
            hfov_deg=hfov_deg,
        )
        yield from _write(task.config, settled)


def print_tags(path: Path) -> Iterator[str]:
    """Write a PDF of sheets with tags to print.

    Raises:
        DeviceError: the disk refuses.
    """
    try:
        path.write_bytes(tag_sheets(range(SHEETS)))
    except OSError as error:
        raise DeviceError(f"{path} cannot be written: {error.strerror}") from error
    yield (
        f"{SHEETS} sheets are in {path}. Print them on matt A4 paper at 100 % (on A3 at 141 %, to "
        "be seen from farther), lay eight flat and spread over the floor the camera sees, and "
        "measure to their middles."
    )


def _draft(task: Task) -> tuple[CameraDraft, bool]:
    """Give what the store's file says of the camera, and whether it names a detector."""
    if task.config is None:
        return CameraDraft(name="camera"), False
    setup = read_setup(read_text(task.config), where=task.config.name)
    for camera in setup.draft.cameras:
        if camera.name == task.camera:
            return camera, setup.manifest is not None
    named = ", ".join(camera.name for camera in setup.draft.cameras) or "none"
    raise ConfigError(f"--camera names one of {task.config.name}: {named}")


def _measured(task: Task, draft: CameraDraft) -> tuple[list[Pair], tuple[int, int]]:
    """Give the pairs to calibrate by, and the size of the picture they were read from."""
    if task.image:
        if task.tags is None:
            raise ConfigError("--image needs --tags: a file of where each tag lies")
        lying = tags_of(read_text(task.tags), where=task.tags.name)
        picture = cv2.imread(str(task.image), cv2.IMREAD_GRAYSCALE)
        if picture is None:
            raise ConfigError(f"{task.image} is no picture that can be read (PNG, JPEG)")
        rows, cols = picture.shape
        return matched(find_tags(np.asarray(picture, dtype=np.uint8)), lying), (cols, rows)
    if not task.points and not draft.points:
        raise ConfigError("give --points, or --image and --tags, or --config with measured points")
    size_px = task.size_px or draft.size_px
    if size_px is None:
        raise ConfigError(
            "say how large the picture is that the points were read from, like --size 1280x720"
        )
    if task.points:
        return points_of(read_text(task.points), where=task.points.name), size_px
    return list(draft.points), size_px


def _lens(
    task: Task, draft: CameraDraft, size_px: tuple[int, int]
) -> Lens | LensKind | Literal["auto"]:
    """Give what is known of the lens; new points may tell another kind than the file's."""
    if draft.focal_px is not None:
        if task.lens not in {None, draft.lens}:
            raise ConfigError(
                f"the file has focal_px for a {draft.lens} lens: take it out to try another"
            )
        middle = (size_px[0] / 2, size_px[1] / 2)
        kind = draft.lens or "pinhole"
        return Lens(kind, draft.focal_px, draft.centre_px or middle, draft.k1, draft.k2)
    fresh = task.points or task.image
    return task.lens or (None if fresh else draft.lens) or "auto"


def _write(path: Path, camera: CameraDraft) -> Iterator[str]:
    """Write a camera's table; as it hangs now it is right, so what the agent remembers goes."""
    before = read_text(path)
    whole = read_setup(before, where=path.name).draft
    cameras = tuple(camera if one.name == camera.name else one for one in whole.cameras)
    after = revised(before, msgspec.structs.replace(whole, cameras=cameras), where=path.name)
    config = parse(after, where=path.name)
    Parts.build(config)
    if after == before:
        yield f"{path} says so already"
    else:
        backup = replace_text(path, after)
        yield f"written to {path}; what it said before is in {backup.name}"
    forget_signature(config.data_dir, camera.name)
