"""Read a folder of labelled footage.

Three layouts, told apart by their files; coordinates are pixels, x right, y down:

- images and ``heads.csv`` (frame or file, x_px, y_px): the middle of each head; a frame is the last
  number in an image's name;
- images and ``boxes.csv`` (file, cx, cy, w, h, degrees): boxes turned clockwise about their centre;
- one video, ``truth.csv`` (frame, person, x_px, y_px, w_px, h_px, east_m, north_m: left and top of
  the box, the place on the floor; frames count from 0) and ``floor_points.csv`` (x_px, y_px,
  east_m, north_m: what to calibrate with).

An image without a row holds nobody. Of a video, the frames that ``truth.csv`` names are judged.
"""

from __future__ import annotations

import csv
import math
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.vision.detection import Image

Array = NDArray[np.float64]
IMAGES = (".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp")
VIDEOS = (".avi", ".mp4", ".mkv", ".mov", ".m4v")


class DataError(Exception):
    """The folder is not one of the layouts; the text says what to mend."""


@dataclass(frozen=True, slots=True, eq=False)
class Heads:
    """Images with head points.

    Attributes:
        truth: file → (N, 2).
    """

    files: tuple[Path, ...]
    truth: dict[Path, Array]


@dataclass(frozen=True, slots=True, eq=False)
class TurnedBoxes:
    """Images with turned boxes.

    Attributes:
        truth: file → (N, 5): centre x and y, width, height, degrees clockwise.
    """

    files: tuple[Path, ...]
    truth: dict[Path, Array]


@dataclass(frozen=True, slots=True, eq=False)
class Clip:
    """A video with boxes and places.

    Attributes:
        boxes: frame → (N, 4): left, top, width, height.
        places: frame → person → (east, north).
        points: (M, 4): x_px, y_px, east_m, north_m.
        fps: of the file.
        size: (width, height).
    """

    video: Path
    boxes: dict[int, Array]
    places: dict[int, dict[int, tuple[float, float]]]
    points: Array
    fps: float
    size: tuple[int, int]


def read_folder(folder: Path) -> Heads | TurnedBoxes | Clip:
    """Find out what a folder holds, and read all of it but the pictures.

    Raises:
        DataError: none of the layouts, or a damaged one.
    """
    if not folder.is_dir():
        raise DataError(f"{folder}: no such folder")
    names = [name for name in ("heads.csv", "boxes.csv", "truth.csv") if (folder / name).is_file()]
    if len(names) != 1:
        found = " and ".join(names) or "none of them"
        raise DataError(f"{folder}: needs one of heads.csv, boxes.csv, truth.csv; has {found}")
    if names == ["truth.csv"]:
        return _clip(folder)
    files = _with_suffix(folder, IMAGES)
    if not files:
        raise DataError(f"{folder}: no images beside {names[0]} (looked for {', '.join(IMAGES)})")
    return _heads(folder, files) if names == ["heads.csv"] else _turned(folder, files)


def read_image(path: Path) -> Image:
    """Read one picture, (H, W, 3) uint8.

    Raises:
        DataError: it cannot be decoded.
    """
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None:
        raise DataError(f"{path}: not an image that can be read")
    return np.asarray(image, dtype=np.uint8)


def frames(video: Path) -> Iterator[tuple[int, Image]]:
    """Give a video's frames with their numbers, from 0."""
    capture = cv2.VideoCapture(str(video))
    try:
        number = 0
        while True:
            there, image = capture.read()
            if not there:
                return
            yield number, image
            number += 1
    finally:
        capture.release()


def _heads(folder: Path, files: tuple[Path, ...]) -> Heads:
    path = folder / "heads.csv"
    rows = _rows(path, needs=("x_px", "y_px"))
    by_file = "file" in rows[0]
    if not by_file and "frame" not in rows[0]:
        raise DataError(f"{path}: needs a column frame or file")
    numbered = defaultdict[int, list[Path]](list)
    for file in files:
        if (number := _number(file)) is not None:
            numbered[number].append(file)
    people = defaultdict[Path, list[list[float]]](list)
    for line, row in enumerate(rows, start=2):
        if by_file:
            file = _file(folder, row["file"], path=path, line=line)
        else:
            frame = _whole(row, "frame", path=path, line=line)
            named = numbered.get(frame, [])
            if len(named) != 1:
                which = ", ".join(each.name for each in named) or "no image"
                raise DataError(
                    f"{path}: line {line}: frame {frame} is {which}; a column 'file' would tell"
                )
            file = named[0]
        people[file].append([_float(row, key, path=path, line=line) for key in ("x_px", "y_px")])
    return Heads(files, {file: _table(people.get(file), columns=2) for file in files})


def _turned(folder: Path, files: tuple[Path, ...]) -> TurnedBoxes:
    path = folder / "boxes.csv"
    columns = ("cx", "cy", "w", "h", "degrees")
    people = defaultdict[Path, list[list[float]]](list)
    for line, row in enumerate(_rows(path, needs=("file", *columns)), start=2):
        file = _file(folder, row["file"], path=path, line=line)
        people[file].append([_float(row, key, path=path, line=line) for key in columns[:2]])
        people[file][-1] += [_length(row, key, path=path, line=line) for key in columns[2:4]]
        people[file][-1].append(_float(row, columns[4], path=path, line=line))
    return TurnedBoxes(files, {file: _table(people.get(file), columns=5) for file in files})


def _clip(folder: Path) -> Clip:
    videos = _with_suffix(folder, VIDEOS)
    if len(videos) != 1:
        raise DataError(f"{folder}: needs one video beside truth.csv, has {len(videos)}")
    path, columns = folder / "truth.csv", ("x_px", "y_px", "w_px", "h_px")
    boxes = defaultdict[int, list[list[float]]](list)
    places = defaultdict[int, dict[int, tuple[float, float]]](dict)
    needs = ("frame", "person", *columns, "east_m", "north_m")
    for line, row in enumerate(_rows(path, needs=needs), start=2):
        frame, person = (_whole(row, key, path=path, line=line) for key in needs[:2])
        if person in places[frame]:
            raise DataError(f"{path}: line {line}: person {person} is in frame {frame} twice")
        boxes[frame].append([_float(row, key, path=path, line=line) for key in columns[:2]])
        boxes[frame][-1] += [_length(row, key, path=path, line=line) for key in columns[2:]]
        east, north = (_float(row, key, path=path, line=line) for key in needs[-2:])
        places[frame][person] = (east, north)
    points_path = folder / "floor_points.csv"
    if not points_path.is_file():
        raise DataError(f"{folder}: needs floor_points.csv beside truth.csv")
    keys = ("x_px", "y_px", "east_m", "north_m")
    points = [
        [_float(row, key, path=points_path, line=line) for key in keys]
        for line, row in enumerate(_rows(points_path, needs=keys), start=2)
    ]
    fps, size = _opened(videos[0])
    return Clip(
        videos[0],
        {frame: _table(rows, columns=4) for frame, rows in boxes.items()},
        dict(places),
        _table(points, columns=4),
        fps,
        size,
    )


def _opened(video: Path) -> tuple[float, tuple[int, int]]:
    capture = cv2.VideoCapture(str(video))
    try:
        if not capture.isOpened():
            raise DataError(f"{video}: not a video that can be read")
        fps = float(capture.get(cv2.CAP_PROP_FPS))
        size = [int(capture.get(key)) for key in (3, 4)]  # CAP_PROP_FRAME_WIDTH, _HEIGHT
    finally:
        capture.release()
    return fps, (size[0], size[1])


def _with_suffix(folder: Path, suffixes: tuple[str, ...]) -> tuple[Path, ...]:
    return tuple(sorted(path for path in folder.iterdir() if path.suffix.lower() in suffixes))


def _number(file: Path) -> int | None:
    digits = re.findall(r"\d+", file.stem)
    return int(digits[-1]) if digits else None


def _rows(path: Path, *, needs: tuple[str, ...]) -> list[dict[str, str]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file, skipinitialspace=True))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path}: cannot be read: {error}") from error
    if not rows:
        raise DataError(f"{path}: no rows")
    missing = [key for key in needs if key not in rows[0]]
    if missing:
        raise DataError(f"{path}: no column {', '.join(missing)}")
    return rows


def _float(row: dict[str, str], key: str, *, path: Path, line: int) -> float:
    try:
        number = float(row[key])
    except (TypeError, ValueError) as error:
        raise DataError(f"{path}: line {line}: {key} is {row[key]!r}, not a number") from error
    if not math.isfinite(number):
        raise DataError(f"{path}: line {line}: {key} is {row[key]!r}, not a number")
    return number


def _whole(row: dict[str, str], key: str, *, path: Path, line: int) -> int:
    number = _float(row, key, path=path, line=line)
    if not number.is_integer():
        raise DataError(f"{path}: line {line}: {key} is {row[key]!r}, not a whole number")
    return int(number)


def _length(row: dict[str, str], key: str, *, path: Path, line: int) -> float:
    number = _float(row, key, path=path, line=line)
    if number < 0:
        raise DataError(f"{path}: line {line}: {key} is {row[key]!r}, less than nothing")
    return number


def _file(folder: Path, name: str, *, path: Path, line: int) -> Path:
    file = folder / (name or "")
    if not file.is_file() or file.suffix.lower() not in IMAGES:
        raise DataError(f"{path}: line {line}: {name!r} is no image in the folder")
    return file


def _table(rows: list[list[float]] | None, *, columns: int) -> Array:
    return np.array(rows or [], dtype=np.float64).reshape(-1, columns)
