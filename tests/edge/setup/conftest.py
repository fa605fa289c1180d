"""A small room with a camera over it, the setup page on a loopback port, and a browser."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import httpx
import numpy as np
import pytest
from numpy.typing import NDArray

from edge.setup.desk_io import Desk
from edge.setup.server_io import SetupServer
from edge.vision.detection import Detection, Image
from firmware_sim.camera_io import MjpegServer, jpeg_of
from firmware_sim.render import Renderer, project
from firmware_sim.scene import Box, CameraSpec, Room

SPEC = CameraSpec(3.0, 2.5, 3.2, 0.0, 0.0, math.radians(95), 640, 480)
ROOM = Room(6.0, 5.0, (Box(2.7, 1.0, 3.3, 4.0, 1.4, "gondola"),), 3)
MARKS = [(0.5, 1.0), (5.5, 1.0), (5.5, 4.4), (0.5, 4.4), (2.0, 0.5), (4.0, 4.5)]
"""Floor points in view, not hidden by the gondola."""

STORE = """\
# The shop's own words stay.
store = "berlin-1"
agent = "north"
timezone = "Europe/Berlin"
opens = "09:00"
closes = "20:00"
data_dir = "DATA"

[[cameras]]
name = "ceiling"             # over the wine
source = "SOURCE"
"""
PLAN = """
[plan]
version = "2026-11"          # keep zone ids
outline = [[0, 0], [6, 0], [6, 5], [0, 5]]
fixtures = [[[2.7, 1], [3.3, 1], [3.3, 4], [2.7, 4]]]

[[plan.zones]]
id = "wine"
kind = "aisle"
name = "Wine"
polygon = [[0.2, 1], [2.7, 1], [2.7, 4], [0.2, 4]]
"""


class Nobody:
    """A detector for an empty room."""

    confidence = 0.5
    point_height_m = 0.0

    def detect(self, _image: Image, *, least: float) -> list[Detection]:
        assert least > 0
        return []


class Quick:
    """Knows the left half after two images and all of it after four."""

    def __init__(self) -> None:
        self._fed = 0
        self.picture: Image = np.zeros((1, 1, 3), np.uint8)
        self.known: NDArray[np.bool_] = np.zeros((1, 1), np.bool_)

    def feed(self, _scene_ms: int, image: Image, _boxes: Sequence[object]) -> None:
        self._fed += 1
        self.picture = image.copy()
        self.known = np.zeros(image.shape[:2], np.bool_)
        if self._fed >= 2:
            self.known[:, : image.shape[1] // (2 if self._fed < 4 else 1)] = True


@dataclass
class Page:
    """The page's server, and a client that is let in."""

    server: SetupServer
    file: Path
    client: httpx.Client = field(init=False)

    def __post_init__(self) -> None:
        origin = self.server.url.rstrip("/")
        self.client = httpx.Client(
            base_url=origin, headers={"origin": origin}, trust_env=False, timeout=10.0
        )

    @property
    def token(self) -> str:
        return self.server.link.partition("#token=")[2]

    def enter(self) -> httpx.Client:
        self.client.post("/api/enter", json={"token": self.token}).raise_for_status()
        return self.client

    def wait_for_camera(self, *, settled: float, patience_s: float = 20.0) -> dict[str, Any]:
        ends_s = time.monotonic() + patience_s
        while True:
            state: dict[str, Any] = self.client.get("/api/cameras/ceiling").json()
            if state["settled"] >= settled:
                return state
            assert time.monotonic() < ends_s, state
            time.sleep(0.05)


@pytest.fixture(scope="session")
def spot_px() -> Callable[[float, float], tuple[float, float]]:
    def spot(east_m: float, north_m: float) -> tuple[float, float]:
        x, y = project(SPEC, np.array([[east_m, north_m, 0.0]]))[0]
        return float(x), float(y)

    return spot


@pytest.fixture(scope="session")
def empty_room() -> Image:
    image = Renderer(ROOM, SPEC, seed=1).frame([], scene_s=0.0)
    # Tape on the floor, so that a screenshot shows what is clicked.
    for x, y in project(SPEC, np.array([(*mark, 0.0) for mark in MARKS])):
        cv2.drawMarker(image, (round(x), round(y)), (0, 0, 255), cv2.MARKER_TILTED_CROSS, 12, 2)
    return image


@pytest.fixture(scope="session")
def camera(empty_room: Image) -> Iterator[MjpegServer]:
    """A camera that shows an empty room ten times a second."""
    ended = threading.Event()
    with MjpegServer() as server:
        jpeg = jpeg_of(empty_room)

        def show() -> None:
            while not ended.wait(0.1):
                server.publish(jpeg)

        thread = threading.Thread(target=show)
        thread.start()
        yield server
        ended.set()
        thread.join()


@pytest.fixture
def store_text(camera: MjpegServer, tmp_path: Path) -> str:
    return STORE.replace("SOURCE", camera.url).replace("DATA", str(tmp_path / "data"))


@pytest.fixture
def nobody() -> Nobody:
    return Nobody()


@pytest.fixture
def plan_text() -> str:
    return PLAN


@pytest.fixture
def points() -> list[tuple[float, float, float, float]]:
    """What store IT would read off the picture."""
    places = project(SPEC, np.array([(*mark, 0.0) for mark in MARKS]))
    return [(float(x), float(y), *mark) for (x, y), mark in zip(places, MARKS, strict=True)]


@pytest.fixture
def new_page(tmp_path: Path) -> Iterator[Callable[..., Page]]:
    """Serve the page for a file's text."""
    pages: list[Page] = []

    def serve(text: str, **changed: Any) -> Page:  # noqa: ANN401 - whatever Desk takes
        file = tmp_path / "store.toml"
        file.write_text(text, encoding="utf-8")
        given = {"finder": Nobody(), "new_background": Quick, **changed}
        server = SetupServer(Desk(file, **given))
        server.__enter__()
        pages.append(Page(server, file))
        return pages[-1]

    yield serve
    for page in pages:
        page.client.close()
        page.server.close()
