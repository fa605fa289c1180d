"""What check says of cameras' pictures; of devices that are away: test_cli.py."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.checking_io import Outcome, checks
from edge.config import parse
from edge.vision.condition import signature_of
from edge.vision.detection import Backdrop, Image
from edge.vision.onnx_io import load_detector, shipped_manifest
from edge.vision.signature_io import save_signature
from firmware_sim.camera_io import MjpegServer, jpeg_of

STORE = """
store = "s"
agent = "a"
timezone = "Europe/Berlin"
opens = "08:00"
closes = "20:00"
data_dir = "{folder}"

[detector]
manifest = "{detector}"

[plan]
version = "1"
outline = [[0, 0], [6, 0], [6, 4], [0, 4]]

[[plan.zones]]
id = "aisle-1"
kind = "aisle"
polygon = [[1, 1], [3, 1], [3, 3], [1, 3]]

[[cameras]]
name = "ceiling"
source = "{url}"
size_px = [384, 256]
height_m = 4.0
points = [[0, 256, 0, 0], [384, 256, 6, 0], [384, 0, 6, 4], [0, 0, 0, 4]]
"""
EVERY_S = 0.15
SIM_DETECTOR = shipped_manifest().parents[1] / "sim_detector" / "manifest.toml"
"""The general one takes drawn tiles for people here and there, so less of a picture settles."""


def room(*, right_px: int = 0) -> Image:
    """Give a floor of tiles in many greys."""
    tiles = np.random.default_rng(4).integers(60, 180, (16, 24)).astype(np.uint8)
    grey = np.kron(tiles, np.ones((20, 20), np.uint8))[:, 40 - right_px :][:256, :384]
    return np.asarray(cv2.merge([grey, grey, grey]))


@contextmanager
def sending(picture: Callable[[int], Image]) -> Iterator[str]:
    stop = threading.Event()
    with MjpegServer() as server:

        def run() -> None:
            number = 0
            while not stop.wait(EVERY_S):
                number += 1
                server.publish(jpeg_of(picture(number)))

        thread = threading.Thread(target=run)
        thread.start()
        try:
            yield server.url
        finally:
            stop.set()
            thread.join()


def grained(picture: Image) -> Callable[[int], Image]:
    rng = np.random.default_rng(1)
    grain = rng.integers(0, 6, (5, *picture.shape)).astype(np.uint8)
    return lambda number: np.asarray(cv2.add(picture, grain[number % 5]))


def looked(folder: Path, *, url: str) -> Outcome:
    path = folder / "store.toml"
    path.write_text(STORE.format(folder=folder, url=url, detector=SIM_DETECTOR))
    return next(one for one in checks(path) if one.what == "camera ceiling")


@pytest.mark.slow
def test_a_camera_that_sends_one_image_over_and_over_is_frozen(tmp_path: Path) -> None:
    with sending(lambda _: room()) as url:
        outcome = looked(tmp_path, url=url)
    assert "has sent the same image for 8 s" in str(outcome.error)


@pytest.mark.slow
def test_a_camera_that_was_moved_is_told_of(tmp_path: Path) -> None:
    with sending(grained(room(right_px=12))) as url:
        camera = parse(
            STORE.format(folder=tmp_path, url=url, detector=SIM_DETECTOR), where="store.toml"
        ).cameras[0]
        canvas = load_detector(SIM_DETECTOR).fit(room())
        rows, cols = (round(side * canvas.scale) for side in (256, 384))
        shown = canvas.canvas[:rows, :cols]
        signature = signature_of(Backdrop(shown, np.ones(shown.shape[:2], np.bool_)))
        assert signature is not None
        save_signature(tmp_path, camera, signature)
        outcome = looked(tmp_path, url=url)
    assert "was moved: its picture went about 1" in str(outcome.error)
    assert "px right" in str(outcome.error)
