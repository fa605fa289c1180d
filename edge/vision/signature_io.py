"""Signatures of cameras on disk, each beside the calibration it belongs to.

A file holds 48 x 64 strengths of edges of the people-free picture and one number of sharpness:
nothing a picture could be made of (``edge.vision.condition``).
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Annotated

import msgspec
import numpy as np

from edge.config import CameraConfig
from edge.errors import DeviceError
from edge.vision.condition import COLS, ROWS, Signature

_BYTES = COLS * ROWS


class _File(msgspec.Struct, frozen=True):
    calibration: str
    size_px: tuple[int, int]
    sharpness: Annotated[float, msgspec.Meta(ge=0.0)]
    edges: Annotated[bytes, msgspec.Meta(min_length=_BYTES, max_length=_BYTES)]


def load_signature(folder: Path, camera: CameraConfig) -> Signature | None:
    """Give the signature of a camera as it is calibrated now.

    Returns:
        None if there is none, if it is another calibration's, or damaged: a new one is taken then.
    """
    try:
        found = msgspec.json.decode(_path(folder, camera.name).read_bytes(), type=_File)
    except (OSError, msgspec.DecodeError):
        return None
    if found.calibration != _calibration(camera):
        return None
    edges = np.frombuffer(found.edges, np.uint8).reshape(ROWS, COLS)
    return Signature(edges, found.sharpness, found.size_px)


def save_signature(folder: Path, camera: CameraConfig, signature: Signature) -> None:
    """Keep a camera's signature in place of the last one.

    Raises:
        DeviceError: the disk refuses.
    """
    path = _path(folder, camera.name)
    content = msgspec.json.encode(
        _File(
            _calibration(camera),
            signature.size_px,
            signature.sharpness,
            signature.edges.tobytes(),
        )
    )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        half = path.with_suffix(".new")
        half.write_bytes(content)
        half.replace(path)
    except OSError as error:
        raise DeviceError(
            f"{path}: cannot be written ({error.strerror}); after a restart nobody could tell "
            "whether the camera was moved: make room, or correct the folder's owner"
        ) from error


def forget_signature(folder: Path, name: str) -> None:
    """Drop a camera's signature, so that a new one is taken: its points were checked.

    Raises:
        DeviceError: the disk refuses.
    """
    path = _path(folder, name)
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise DeviceError(f"{path}: cannot be removed ({error.strerror}); remove it") from error


def _path(folder: Path, name: str) -> Path:
    return folder / "cameras" / f"{name}.json"


def _calibration(camera: CameraConfig) -> str:
    """Name a calibration; with other points it is another one."""
    points = msgspec.to_builtins(msgspec.structs.replace(camera, name="x", source=""))
    del points["sectors"]  # how people are looked for, not how the camera hangs
    return hashlib.sha256(msgspec.json.encode(points)).hexdigest()[:16]
