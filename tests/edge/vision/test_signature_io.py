from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest

from edge.config import CameraConfig
from edge.errors import DeviceError
from edge.vision.condition import Signature
from edge.vision.signature_io import forget_signature, load_signature, save_signature

CAMERA = CameraConfig(
    name="ceiling",
    source="rtsp://me:secret@10.0.0.9/stream",
    size_px=(640, 432),
    points=((0, 0, 0, 0), (640, 0, 6, 0), (640, 432, 6, 4), (0, 432, 0, 4)),
)
SIGNATURE = Signature(
    np.random.default_rng(1).integers(0, 256, (48, 64)).astype(np.uint8), 9.5, (416, 281)
)


def test_what_is_saved_is_found_again(tmp_path: Path) -> None:
    assert load_signature(tmp_path, CAMERA) is None
    save_signature(tmp_path, CAMERA, SIGNATURE)
    found = load_signature(tmp_path, CAMERA)
    assert found is not None
    assert (found.edges == SIGNATURE.edges).all()
    assert (found.sharpness, found.size_px) == (9.5, (416, 281))


def test_a_sharpness_that_is_not_known_is_kept(tmp_path: Path) -> None:
    save_signature(tmp_path, CAMERA, Signature(SIGNATURE.edges, 0.0, (416, 281)))
    found = load_signature(tmp_path, CAMERA)
    assert found is not None
    assert found.sharpness == 0


def test_another_calibration_makes_it_stale_another_address_does_not(tmp_path: Path) -> None:
    save_signature(tmp_path, CAMERA, SIGNATURE)
    points = (*CAMERA.points[:3], (1, 432, 0, 4))
    assert load_signature(tmp_path, msgspec.structs.replace(CAMERA, points=points)) is None
    assert load_signature(tmp_path, msgspec.structs.replace(CAMERA, source=0)) is not None
    assert load_signature(tmp_path, msgspec.structs.replace(CAMERA, sectors=6)) is not None


def test_a_damaged_file_is_as_none(tmp_path: Path) -> None:
    save_signature(tmp_path, CAMERA, SIGNATURE)
    path = tmp_path / "cameras" / "ceiling.json"
    whole = path.read_bytes()
    for content in (b"", b"{}", whole[:-40], whole.replace(b"9.5", b"-1"), b"\xff\xfe"):
        path.write_bytes(content)
        assert load_signature(tmp_path, CAMERA) is None


def test_forgetting_is_final_and_may_be_repeated(tmp_path: Path) -> None:
    save_signature(tmp_path, CAMERA, SIGNATURE)
    forget_signature(tmp_path, "ceiling")
    forget_signature(tmp_path, "ceiling")
    assert load_signature(tmp_path, CAMERA) is None


def test_nothing_but_the_signature_is_on_disk(tmp_path: Path) -> None:
    save_signature(tmp_path, CAMERA, SIGNATURE)
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert [path.name for path in files] == ["ceiling.json"]
    assert files[0].stat().st_size < 5_000
    assert b"secret" not in files[0].read_bytes()


def test_a_disk_that_refuses_is_told_of(tmp_path: Path) -> None:
    (tmp_path / "cameras").write_text("in the way")
    with pytest.raises(DeviceError, match="cannot be written"):
        save_signature(tmp_path, CAMERA, SIGNATURE)
