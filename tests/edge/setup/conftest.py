"""A small room with a camera over it, the setup page on a loopback port, and a browser."""

from __future__ import annotations

import math
import shutil
import socket
import subprocess
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


class Browser:
    """Chromium by the WebDriver protocol, as far as these tests need it."""

    ELEMENT = "element-6066-11e4-a52e-4f735466cecf"

    def __init__(self, driver_url: str) -> None:
        self._client = httpx.Client(base_url=driver_url, trust_env=False, timeout=60.0)
        options = {
            "args": ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        }
        asked = {"alwaysMatch": {"browserName": "chrome", "goog:chromeOptions": options}}
        made = self._ask("post", "/session", {"capabilities": asked})
        self._session = f"/session/{made['sessionId']}"

    def _ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:  # noqa: ANN401 - JSON
        answer = self._client.request(method, path, json=body)
        value = answer.json()["value"]
        assert answer.status_code == 200, value
        return value

    def resize(self, width: int, height: int) -> None:
        self._ask("post", f"{self._session}/window/rect", {"width": width, "height": height})

    def open(self, url: str) -> None:
        self._ask("post", f"{self._session}/url", {"url": url})

    def run(self, script: str, *given: object) -> Any:  # noqa: ANN401 - JSON
        body = {"script": script, "args": list(given)}
        return self._ask("post", f"{self._session}/execute/sync", body)

    def wait(self, script: str, *given: object, patience_s: float = 15.0) -> Any:  # noqa: ANN401 - JSON
        """Run a script until it gives something true."""
        ends_s = time.monotonic() + patience_s
        while not (value := self.run(f"return ({script})", *given)):
            assert time.monotonic() < ends_s, (script, self.run("return document.body.innerText"))
            time.sleep(0.05)
        return value

    def click(self, selector: str) -> None:
        self._ask("post", f"{self._session}/element/{self._find(selector)}/click", {})

    def type(self, selector: str, text: str, *, clear: bool = False) -> None:
        found = self._find(selector)
        if clear:
            self._ask("post", f"{self._session}/element/{found}/clear", {})
        self._ask("post", f"{self._session}/element/{found}/value", {"text": text})

    def keys(self, *keys: str) -> None:
        """Press keys together, on whatever has the focus."""
        actions = [{"type": "keyDown", "value": key} for key in keys]
        actions += [{"type": "keyUp", "value": key} for key in reversed(keys)]
        self._act([{"type": "key", "id": "keys", "actions": actions}])

    def mouse(self, *points: tuple[float, float], drag: bool = False) -> None:
        """Click a point of the window, or drag through points."""
        moves = [
            {"type": "pointerMove", "duration": 30, "x": round(x), "y": round(y)} for x, y in points
        ]
        press, lift = ({"type": kind, "button": 0} for kind in ("pointerDown", "pointerUp"))
        steps = [moves[0], press, *moves[1:], lift] if drag else [*moves, press, lift]
        self._act([{"type": "pointer", "id": "mouse", "actions": steps}])

    def _act(self, actions: list[dict[str, Any]]) -> None:
        self._ask("post", f"{self._session}/actions", {"actions": actions})

    def at(self, stage: str, x: float, y: float) -> tuple[float, float]:
        """Give where a place of a drawing is in the window."""
        script = """
            const svg = document.getElementById(arguments[0]);
            const place = new DOMPoint(arguments[1], arguments[2]);
            const spot = place.matrixTransform(svg.getScreenCTM());
            return [spot.x, spot.y];"""
        east, south = self.run(script, stage, x, y)
        return float(east), float(south)

    def picture(self, path: Path) -> None:
        import base64  # noqa: PLC0415 - only when a person wants to look

        path.write_bytes(base64.b64decode(self._ask("get", f"{self._session}/screenshot")))

    def _find(self, selector: str) -> str:
        body = {"using": "css selector", "value": selector}
        found = self._ask("post", f"{self._session}/element", body)
        return str(found[self.ELEMENT])

    def close(self) -> None:
        self._ask("delete", self._session)
        self._client.close()


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    driver = shutil.which("chromedriver")
    if driver is None or not (shutil.which("chromium") or shutil.which("google-chrome")):
        pytest.skip("Chromium and chromedriver are not installed")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    log = tmp_path_factory.mktemp("chromedriver") / "log"
    with log.open("wb") as out:
        process = subprocess.Popen([driver, f"--port={port}"], stdout=out, stderr=out)
    try:
        _wait_for_port(port)
        made = Browser(f"http://127.0.0.1:{port}")
        yield made
        made.close()
    finally:
        process.terminate()
        process.wait(10)


def _wait_for_port(port: int) -> None:
    ends_s = time.monotonic() + 20.0
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1.0).close()
        except OSError:
            assert time.monotonic() < ends_s
            time.sleep(0.05)
        else:
            return
