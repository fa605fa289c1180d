from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.app import INBOX_MOST, Inbox, _Watcher
from edge.clock_io import SceneClock
from edge.config import CameraConfig
from edge.parts_io import ground_of
from edge.release.coverage import Coverage
from edge.rfid.reads import Alive
from edge.vision.background import BackgroundParams
from edge.vision.condition import ConditionParams
from edge.vision.detection import Detection, Image
from edge.vision.fusion import Blank
from edge.vision.signature_io import load_signature
from edge.vision.tracking import Sighting
from edge.vision.watching import Eyes, SightParams
from firmware_sim.camera_io import MjpegServer, jpeg_of


def test_a_full_inbox_drops_and_counts_and_never_waits() -> None:
    inbox = Inbox()
    for number in range(INBOX_MOST + 3):
        inbox.put([Alive(number, "shelf", 1)])
    assert inbox.dropped == 3
    taken = list(inbox.take(0.1))
    assert [one.scene_ms for one in taken] == list(range(INBOX_MOST))
    assert list(inbox.take(0.01)) == []


def test_what_ends_a_thread_is_raised_even_when_the_inbox_is_full() -> None:
    inbox = Inbox()
    for number in range(INBOX_MOST):
        inbox.put([Alive(number, "shelf", 1)])
    inbox.crash(KeyError("a bug"))
    with pytest.raises(KeyError):
        list(inbox.take(0.1))


# ---- a camera that sees nothing, or something else, counts nobody ------------------------------

FAST = 50.0
"""The scene's time runs so much faster here."""


def room(*, right_px: int = 0) -> Image:
    """Give a floor of tiles in many greys."""
    tiles = np.random.default_rng(4).integers(60, 180, (16, 24)).astype(np.uint8)
    grey = np.kron(tiles, np.ones((20, 20), np.uint8))[:, 40 - right_px :][:256, :384]
    return np.asarray(cv2.merge([grey, grey, grey]))


def flat(level: int) -> Image:
    return np.full((256, 384, 3), level, np.uint8)


class Always:
    """Finds one person in every image, as nets do that see ghosts."""

    confidence = 0.5
    point_height_m = 0.0

    def detect(self, _image: Image, *, least: float) -> list[Detection]:
        assert least > 0
        return [Detection(192.0, 128.0, 20.0, 20.0, 0.9)]


class Shop:
    """A camera that shows whatever ``shown`` is, and the thread that watches it."""

    def __init__(self, folder: Path) -> None:
        self.shown = room()
        self.grain = 5
        self.found: list[Sighting | Blank] = []
        self.coverage = Coverage(0)
        self.folder = folder
        self._clock = SceneClock(speed=FAST)
        self._inbox = Inbox()
        self._stack = ExitStack()
        self._stop = threading.Event()

    def open(self) -> None:
        server = self._stack.enter_context(MjpegServer())
        stop = threading.Event()

        def publish() -> None:
            grain = np.random.default_rng(1)
            while not stop.wait(0.05):
                noise = grain.integers(0, self.grain, (256, 384, 3)).astype(np.uint8)
                server.publish(jpeg_of(np.asarray(cv2.add(self.shown, noise))))

        thread = threading.Thread(target=publish)
        thread.start()
        self._stack.callback(thread.join)
        self._stack.callback(stop.set)
        self.config = CameraConfig(
            name="ceiling",
            source=server.url,
            size_px=(384, 256),
            height_m=4.0,
            points=((0, 256, 0, 0), (384, 256, 6, 0), (384, 0, 6, 4), (0, 0, 0, 4)),
        )
        eyes = Eyes(
            Always(),
            ground=ground_of(self.config),
            camera="ceiling",
            params=SightParams(adopt_ms=10_000),
            background=BackgroundParams(every_ms=500, known_ms=2_000, most_ms=4_000),
            conditions=ConditionParams(
                compare_ms=1_000, sure_ms=3_000, frozen_ms=10**9, confirm_ms=2_000
            ),
        )
        self.watcher = _Watcher(
            self.config,
            eyes=eyes,
            folder=self.folder,
            clock=self._clock,
            inbox=self._inbox,
            stop=self._stop,
        )
        self._stack.callback(self.watcher.close)
        self.watcher.start()

    def close(self) -> None:
        self._stack.close()

    def now_ms(self) -> int:
        return self._clock.now_ms()

    def turn(self) -> None:
        """Take what was found as the agent's loop does."""
        self.coverage.feed(self.now_ms(), seeing=float(self.watcher.seeing))
        for one in self._inbox.take(0.02):
            assert isinstance(one, Sighting | Blank)
            self.found.append(one)

    def wait(self, until: Callable[[], bool]) -> None:
        ends_s = time.monotonic() + 60.0
        while not until():
            assert time.monotonic() < ends_s, self.watcher.device()
            self.turn()


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    made = Shop(tmp_path)
    made.open()
    yield made
    made.close()


@pytest.mark.parametrize(
    ("shown", "said"),
    [(flat(0), "too dark"), (flat(120), "one colour"), (room(right_px=12), "was moved")],
    ids=["dark", "covered", "moved"],
)
def test_a_camera_that_is_ill_counts_nobody_until_it_is_well(
    shop: Shop, shown: Image, said: str
) -> None:
    watcher = shop.watcher
    shop.wait(lambda: load_signature(shop.folder, shop.config) is not None)
    assert watcher.seeing
    assert any(isinstance(one, Sighting) and one.points for one in shop.found)

    shop.shown = shown
    shop.wait(lambda: not watcher.seeing)
    device = watcher.device()
    assert device.state == "down"
    assert said in device.detail
    shop.turn()  # what was seen before it was said
    shop.found.clear()
    ill_ms = shop.now_ms()
    shop.wait(lambda: len(shop.found) >= 5)
    assert all(isinstance(one, Blank) for one in shop.found)
    shop.turn()
    assert shop.coverage.share(ill_ms, shop.now_ms()) < 0.5

    shop.shown = room()
    shop.wait(lambda: watcher.seeing)
    shop.found.clear()
    well_ms = shop.now_ms()
    shop.wait(lambda: any(isinstance(one, Sighting) and one.points for one in shop.found))
    assert (watcher.device().state, watcher.device().detail) == ("up", "")
    shop.turn()
    assert shop.coverage.share(well_ms, shop.now_ms()) > 0.5


def test_an_image_that_is_only_repeated_shows_nobody_and_is_not_told(shop: Shop) -> None:
    shop.wait(lambda: any(isinstance(one, Sighting) for one in shop.found))
    shop.grain = 1  # none
    shop.wait(lambda: [type(one) for one in shop.found[-10:]] == [Blank] * 10)
    device = shop.watcher.device()
    assert shop.watcher.seeing
    assert (device.state, device.detail) == ("up", "")
    shop.found.clear()
    shop.grain = 5
    shop.wait(lambda: any(isinstance(one, Sighting) for one in shop.found))
