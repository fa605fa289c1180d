"""A browser for the tests of our pages."""

from __future__ import annotations

import base64
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest


class Browser:
    """Chromium by the WebDriver protocol, as far as these tests need it."""

    ELEMENT = "element-6066-11e4-a52e-4f735466cecf"

    def __init__(self, driver_url: str) -> None:
        self._client = httpx.Client(base_url=driver_url, trust_env=False, timeout=150.0)
        options = {
            "args": ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        }
        asked = {
            "alwaysMatch": {
                "browserName": "chrome",
                "goog:chromeOptions": options,
                "timeouts": {"script": 120_000},
            }
        }
        made = self._ask("post", "/session", {"capabilities": asked})
        self._session = f"/session/{made['sessionId']}"

    def _ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:  # noqa: ANN401 - JSON
        answer = self._client.request(method, path, json=body)
        value = answer.json()["value"]
        assert answer.status_code == 200, value
        return value

    def resize(self, width: int, height: int) -> None:
        self._ask("post", f"{self._session}/window/rect", {"width": width, "height": height})

    def shape(self, **metrics: object) -> None:
        """Set width, height, deviceScaleFactor and mobile, as a phone has them."""
        self._devtools("Emulation.setDeviceMetricsOverride", **metrics)

    def media(self, *, kind: str = "screen", scheme: str = "light") -> None:
        """Show pages as on a screen or in print, in light or dark colours."""
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self._devtools("Emulation.setEmulatedMedia", media=kind, features=features)

    def plain(self) -> None:
        """Forget the size and way of showing that a test chose."""
        self._devtools("Emulation.clearDeviceMetricsOverride")
        self.media()
        self.scripts(run=True)

    def scripts(self, *, run: bool) -> None:
        """Let pages run scripts of their own, or not."""
        self._devtools("Emulation.setScriptExecutionDisabled", value=not run)

    def whole(self, path: Path) -> None:
        """Save a picture of the whole page, for a person to look at."""
        size = self._devtools("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1}
        shot = self._devtools("Page.captureScreenshot", clip=clip, captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(shot["data"]))

    def pdf(self, path: Path) -> None:
        """Save the page as it is printed."""
        made = self._devtools("Page.printToPDF", preferCSSPageSize=True, printBackground=True)
        path.write_bytes(base64.b64decode(made["data"]))

    def _devtools(self, command: str, **parameters: object) -> Any:  # noqa: ANN401 - JSON
        body = {"cmd": command, "params": parameters}
        return self._ask("post", f"{self._session}/goog/cdp/execute", body)

    def open(self, url: str) -> None:
        self._ask("post", f"{self._session}/url", {"url": url})

    def run(self, script: str, *given: object) -> Any:  # noqa: ANN401 - JSON
        body = {"script": script, "args": list(given)}
        return self._ask("post", f"{self._session}/execute/sync", body)

    def later(self, script: str, *given: object) -> Any:  # noqa: ANN401 - JSON
        """Run a script that gives its answer by calling the last of its ``arguments``."""
        return self._ask(
            "post", f"{self._session}/execute/async", {"script": script, "args": list(given)}
        )

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
        path.write_bytes(base64.b64decode(self._ask("get", f"{self._session}/screenshot")))

    def _find(self, selector: str) -> str:
        body = {"using": "css selector", "value": selector}
        found = self._ask("post", f"{self._session}/element", body)
        return str(found[self.ELEMENT])

    def close(self) -> None:
        self._ask("delete", self._session)
        self._client.close()


@pytest.fixture
def browser(chromium: Browser) -> Iterator[Browser]:
    """Give the one browser, which shows the next test's pages as it showed this one's at first."""
    yield chromium
    chromium.plain()


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
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
