"""The page's server as a browser meets it, over a loopback port."""

from __future__ import annotations

import json
import math
import re
import threading
import time
from collections.abc import Callable, Iterator
from itertools import chain, cycle
from pathlib import Path
from typing import Any

import cv2
import httpx
import numpy as np
import pytest
from numpy.typing import NDArray

from edge.clock_io import SceneClock
from edge.errors import DeviceError
from edge.process_io import lock_folder
from edge.setup.desk_io import Desk
from edge.setup.picture import HATCH
from edge.setup.server_io import SetupServer
from edge.vision.background import STRICT, Background
from edge.vision.detection import Detection, Image
from edge.vision.onnx_io import load_detector, shipped_manifest
from firmware_sim.camera_io import MjpegServer, jpeg_of
from firmware_sim.render import Renderer
from firmware_sim.scene import Box, CameraSpec, Figure, Room

Serve = Callable[..., Any]
Points = list[tuple[float, float, float, float]]


def decoded(data: bytes) -> Any:  # noqa: ANN401 - OpenCV
    return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)


def hatch_of(shown: Image) -> NDArray[np.bool_]:
    """Mark what is drawn as not known: two greys no camera's picture has over a whole area."""
    return np.asarray(np.isin(shown, HATCH).all(axis=2) & (np.ptp(shown, axis=2) == 0))


def plain(page: Any, **headers: str) -> httpx.Client:  # noqa: ANN401 - conftest's Page
    return httpx.Client(base_url=page.server.url, headers=headers, trust_env=False)


# ---- who is let in


def test_a_token_opens_the_page_once(new_page: Serve, store_text: str) -> None:
    page = new_page(store_text)
    token = page.token
    assert page.client.get("/api/state").status_code == 401
    entered = page.client.post("/api/enter", json={"token": token})
    assert entered.status_code == 200
    cookie = entered.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert page.client.get("/api/state").json()["store"] == "berlin-1"
    with plain(page, origin=page.server.url.rstrip("/")) as other:
        assert other.post("/api/enter", json={"token": token}).status_code == 403
        assert other.get("/api/state").status_code == 401
        assert page.token != token
        assert other.post("/api/enter", json={"token": page.token}).status_code == 200


def test_everything_but_the_page_s_own_files_needs_a_session(
    new_page: Serve, store_text: str
) -> None:
    page = new_page(store_text)
    for path in ("/", "/app.js", "/setup.css", "/icon.svg"):
        assert page.client.get(path).status_code == 200
    for path in ("/api/state", "/api/cameras/ceiling", "/api/cameras/ceiling/room.png", "/api/walk",
                 "/api/no-such"):  # fmt: skip
        answer = page.client.get(path)
        assert (answer.status_code, path) == (401, path)
    for path in ("trial", "above.png", "problems", "review", "save", "cameras", "walk/begin",
                 "walk/end"):  # fmt: skip
        assert (page.client.post(f"/api/{path}", json={}).status_code, path) == (401, path)


def test_wrong_tokens_are_slowed_down_and_tell_nothing(new_page: Serve, store_text: str) -> None:
    page = new_page(store_text)
    tries = [page.client.post("/api/enter", json={"token": f"guess {n}"}) for n in range(6)]
    assert [one.status_code for one in tries] == [403] * 5 + [429]
    assert 0 < int(tries[-1].headers["retry-after"]) <= 60
    right = page.client.post("/api/enter", json={"token": page.token})
    assert right.status_code == 429
    assert "set-cookie" not in right.headers


@pytest.mark.parametrize("host", ["evil.example", "evil.example:PORT", "127.0.0.1:1", ""])
def test_under_another_name_nothing_is_answered(
    new_page: Serve, store_text: str, host: str
) -> None:
    page = new_page(store_text)
    page.enter()
    said = host.replace("PORT", str(page.server.port))
    for path in ("/", "/api/state"):
        assert page.client.get(path, headers={"host": said}).status_code == 421


def test_other_pages_cannot_ask_with_the_person_s_cookie(new_page: Serve, store_text: str) -> None:
    page = new_page(store_text)
    client = page.enter()
    before = page.file.read_text()
    draft = client.get("/api/state").json()["draft"]
    forms = [
        {"origin": "http://evil.example"},
        {"origin": f"http://127.0.0.1:{page.server.port + 1}"},
        {"origin": "null"},
        {"content-type": "text/plain"},
        {"content-type": "application/x-www-form-urlencoded"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ]
    for headers in forms:
        body = json.dumps(draft)
        given = {"content-type": "application/json", **headers}
        answer = client.post("/api/review", content=body, headers=given)
        assert (answer.status_code, headers) == (403, headers)
    with plain(page) as no_origin:
        no_origin.cookies = client.cookies
        assert no_origin.post("/api/review", json=draft).status_code == 403
    assert (
        client.get("/api/cameras/ceiling", headers={"sec-fetch-site": "cross-site"}).status_code
        == 403
    )
    for method in ("PUT", "DELETE", "OPTIONS", "PATCH"):
        assert client.request(method, "/api/state").status_code >= 400
    assert page.file.read_text() == before


def test_nothing_is_cached_framed_or_loaded_from_elsewhere(
    new_page: Serve, store_text: str
) -> None:
    page = new_page(store_text)
    client = page.enter()
    page.wait_for_camera(settled=0.0)
    for path in ("/", "/app.js", "/api/state", "/api/cameras/ceiling/room.png", "/nowhere"):
        headers = client.get(path).headers
        assert headers["cache-control"] == "no-store"
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cross-origin-resource-policy"] == "same-origin"
        assert "server" not in headers
    for name in ("index.html", "app.js", "setup.css"):
        text = client.get(f"/{name if name != 'index.html' else ''}").text
        assert "https://" not in text


def test_questions_that_make_no_sense_are_refused(new_page: Serve, store_text: str) -> None:
    client = new_page(store_text).enter()
    said = client.post("/api/problems", json={"outline": "square"})
    assert said.status_code == 400
    assert "outline" in said.json()["error"]
    large = client.post("/api/problems", json={"version": "x" * 1_000_001})
    assert large.status_code == 413
    assert client.get("/api/cameras/other").status_code == 422
    assert "'other'" in client.get("/api/cameras/other").json()["error"]


class MistakenDesk(Desk):
    def problems(self, _plan: object) -> list[str]:
        raise KeyError("visit 3074257b")


def test_a_bug_tells_its_place_and_no_values(
    store_text: str,
    nobody: Any,  # noqa: ANN401 - conftest's Nobody
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    file = tmp_path / "store.toml"
    file.write_text(store_text)
    with SetupServer(MistakenDesk(file, finder=nobody)) as server:
        origin = server.url.rstrip("/")
        with httpx.Client(base_url=origin, headers={"origin": origin}, trust_env=False) as client:
            token = server.link.partition("#token=")[2]
            client.post("/api/enter", json={"token": token}).raise_for_status()
            answer = client.post("/api/problems", json={})
    assert answer.status_code == 500
    told = capfd.readouterr().err + caplog.text
    assert "bug: KeyError at problems" in told
    assert "3074257b" not in answer.text + told


def test_a_taken_port_and_a_strange_address_are_said(new_page: Serve, store_text: str) -> None:
    page = new_page(store_text)
    desk = Desk(page.file, finder=object())  # type: ignore[arg-type] # no camera is opened
    with pytest.raises(DeviceError, match="in use"):
        SetupServer(desk, port=page.server.port)
    with pytest.raises(DeviceError, match="--listen"):
        SetupServer(desk, listen="shop.example")


def test_addresses_of_cameras_stay_in_the_machine(new_page: Serve, store_text: str) -> None:
    page = new_page(store_text)
    client = page.enter()
    source = store_text.partition('source = "')[2].partition('"')[0]
    state = client.get("/api/state")
    camera = page.wait_for_camera(settled=0.0)
    review = client.post("/api/review", json=state.json()["draft"])
    for said in (state.text, json.dumps(camera), review.text):
        assert source not in said


# ---- what is shown


def test_no_picture_is_shown_before_it_has_settled(
    new_page: Serve, store_text: str, empty_room: Image
) -> None:
    page = new_page(store_text)
    client = page.enter()
    assert client.get("/api/cameras/ceiling/room.png").status_code in (404, 200)
    shares = set()
    ends_s = time.monotonic() + 30
    while 1.0 not in shares:
        assert time.monotonic() < ends_s
        answer = client.get("/api/cameras/ceiling/room.png")
        if answer.status_code == 404:
            continue
        shown = decoded(answer.content)
        hatch = hatch_of(shown)
        close = np.abs(shown.astype(int) - empty_room).max(axis=2) < 60  # a camera's JPEG
        assert (hatch | close).mean() > 0.99
        shares.add(round(1 - hatch.mean(), 1))
    assert {0.0, 0.5, 1.0} <= shares


def test_points_are_tried_and_the_floor_is_laid_flat(
    new_page: Serve, store_text: str, plan_text: str, points: Points
) -> None:
    page = new_page(store_text + plan_text)
    client = page.enter()
    state = client.get("/api/state").json()
    camera = {**state["draft"]["cameras"][0], "size_px": [640, 480], "points": points,
              "height_m": 3.2, "lens": "pinhole"}  # fmt: skip
    asked = {"camera": camera, "plan": state["draft"]["plan"], "judged": False}
    trial = client.post("/api/trial", json=asked)
    assert trial.json()["rms_cm"] < 0.5
    assert len(trial.json()["grid"]) == 11
    page.wait_for_camera(settled=1.0)
    asked = {"camera": camera, "extent": [0, 0, 6, 5]}
    above = decoded(client.post("/api/above.png", json=asked).content)
    assert above.shape == (300, 360, 4)
    # The tape at (2.0, 0.5) is red, and so it is where the plan says.
    blue, green, red = above[300 - 30, 120, :3].astype(int)
    assert red > 120 > max(blue, green)
    empty = client.post("/api/above.png", json={**asked, "extent": [0, 0, 0, 5]})
    assert empty.status_code == 422


def test_dots_are_places_and_nothing_else(
    new_page: Serve, store_text: str, plan_text: str, points: Points, tmp_path: Path
) -> None:
    x, y, east, north = points[4]

    class Somebody:
        confidence = 0.5
        point_height_m = 0.0

        def detect(self, _image: Image, *, least: float) -> list[Detection]:
            assert least > 0
            return [Detection(x, y, 60.0, 60.0, 0.9)]

    page = new_page(store_text + plan_text, finder=Somebody())
    client = page.enter()
    draft = client.get("/api/state").json()["draft"]
    draft["cameras"][0] |= {"size_px": [640, 480], "points": points, "height_m": 3.2}
    with lock_folder(tmp_path / "data"):
        refused = client.post("/api/walk/begin", json=draft)
    assert refused.status_code == 422
    assert "systemctl stop" in refused.json()["error"]
    begun = client.post("/api/walk/begin", json=draft)
    assert begun.status_code == 200, begun.text
    ends_s = time.monotonic() + 30
    while not (walk := client.get("/api/walk").json())["dots"]:
        assert time.monotonic() < ends_s, walk
        time.sleep(0.1)
    assert set(walk) == {"left_s", "dots", "trouble"}
    assert walk["dots"] == [pytest.approx([east, north], abs=0.15)]
    assert client.post("/api/walk/end", json={}).status_code == 200
    assert client.get("/api/walk").json() == {"left_s": 0, "dots": [], "trouble": []}


# ---- nobody is shown

SIM_DETECTOR = shipped_manifest().parents[1] / "sim_detector" / "manifest.toml"
"""The general one takes some drawn furniture for people, and what it hides never settles."""
SPEED = 20.0
SHOP = CameraSpec(3.0, 2.5, 3.2, 0.0, 0.0, math.radians(95), 320, 240)
ROOM = Room(6.0, 5.0, (Box(2.7, 1.0, 3.3, 4.0, 1.4, "gondola"),), 3)
FILM_S = 46
STANDS_S = range(12, 32)
UNLIKE = 45
"""Levels: more than sensor and JPEG make of an empty floor, less than clothes do."""


def people(second: int) -> list[Figure]:
    """One walks up and down all the time, one comes, stands for 20 seconds and leaves."""
    up = second % 10 < 5
    north = 0.2 + 0.9 * (second % 5 if up else 5 - second % 5)
    heading = math.pi / 2 if up else -math.pi / 2
    walker = Figure(7, 4.6, north, heading, 0.9, 0.9 * second, "walk", "nothing", 1.75)
    if second in STANDS_S:
        return [walker, Figure(31, 1.4, 2.5, 0.3, 0.0, 0.0, "stand", "nothing", 1.7)]
    away = min(abs(second - STANDS_S.start), abs(second - STANDS_S.stop + 1))
    if away > 5:
        return [walker]
    walking = Figure(
        31, 1.4, 2.5 - 0.5 * away, math.pi / 2, 0.5, 0.5 * second, "walk", "nothing", 1.7
    )
    return [walker, walking]


def unlike(image: Image, empty: Image) -> NDArray[np.bool_]:
    apart = np.abs(image.astype(int) - empty.astype(int)).max(axis=2)
    return np.asarray(apart > UNLIKE)


@pytest.fixture
def shop() -> Iterator[tuple[MjpegServer, Image]]:
    """A camera that shows the film a second of it at a time, then the empty room."""
    renderer = Renderer(ROOM, SHOP, seed=10)
    film = [renderer.frame(people(second), scene_s=second) for second in range(FILM_S)]
    rest = [renderer.frame([], scene_s=FILM_S + second) for second in range(8)]
    empty = np.asarray(np.mean(rest, axis=0).astype(np.uint8))
    assert all(unlike(image, empty).sum() > 300 for image in film)  # people who could show
    ended = threading.Event()
    with MjpegServer() as server:

        def show() -> None:
            for image in chain(film, cycle(rest)):
                server.publish(jpeg_of(image, quality=92))
                if ended.wait(1 / SPEED):
                    return

        thread = threading.Thread(target=show)
        thread.start()
        yield server, empty
        ended.set()
        thread.join()


def test_nobody_who_was_in_the_picture_is_ever_served(
    new_page: Serve, store_text: str, shop: tuple[MjpegServer, Image]
) -> None:
    server, empty = shop
    page = new_page(
        re.sub('source = ".*"', f'source = "{server.url}"', store_text),
        finder=load_detector(SIM_DETECTOR),
        new_background=lambda: Background(STRICT),
        clock=SceneClock(speed=SPEED),
        rest_s=0.0,
    )
    client = page.enter()
    client.get("/api/cameras/ceiling")  # opens it
    looked, settled, began_s = 0, 0.0, time.monotonic()
    over_s, ends_s = began_s + FILM_S / SPEED + 1, began_s + 120
    while settled < 0.97 or time.monotonic() < over_s:
        assert time.monotonic() < ends_s, settled
        answer = client.get("/api/cameras/ceiling/room.png")
        if answer.status_code == 200:
            looked += 1
            shown = decoded(answer.content)
            strange = (unlike(shown, empty) & ~hatch_of(shown)).sum()
            assert strange == 0, f"{strange} pixels of somebody in picture {looked}"
        settled = client.get("/api/cameras/ceiling").json()["settled"]
        time.sleep(0.05)
    assert looked > 20
