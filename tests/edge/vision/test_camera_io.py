from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from edge.errors import DeviceError
from edge.vision.camera_io import Camera, CameraParams, probe
from firmware_sim.camera_io import MjpegServer, VideoFile, jpeg_of

QUICK = CameraParams(open_s=1.0, read_s=0.5, retry_s=0.05, retry_most_s=0.2, close_s=1.5)


@dataclass
class HttpCamera:
    """A camera that serves MJPEG on ``/video``, may be switched off and on, and can stall."""

    port: int
    lengths: bool = True
    stalled: threading.Event = field(default_factory=threading.Event)
    connections: int = 0
    _server: ThreadingHTTPServer | None = None
    _off: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/video"

    def on(self) -> None:
        camera = self
        self._off.clear()

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                camera.serve(self)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def off(self) -> None:
        self._off.set()
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def serve(self, handler: BaseHTTPRequestHandler) -> None:
        if handler.path == "/page":
            handler.send_response(200)
            handler.send_header("Content-Type", "text/html")
            handler.end_headers()
            return
        if handler.path != "/video":
            handler.send_error(404)
            return
        self.connections += 1
        handler.send_response(200)
        handler.send_header("Content-Type", 'multipart/x-mixed-replace; boundary="edge"')
        handler.end_headers()
        shade = 0
        try:
            while not self._off.wait(0.02):
                if not self.stalled.is_set():
                    shade = (shade + 1) % 256
                    handler.wfile.write(self._part(shade))
        except OSError:
            pass
        handler.close_connection = True

    def _part(self, shade: int) -> bytes:
        jpeg = cv2.imencode(".jpg", np.full((48, 64, 3), shade, np.uint8))[1].tobytes()
        length = f"Content-Length: {len(jpeg)}\r\n" if self.lengths else ""
        return f"--edge\r\nContent-Type: image/jpeg\r\n{length}\r\n".encode() + jpeg + b"\r\n"


@pytest.fixture
def http_camera() -> Iterator[HttpCamera]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    camera = HttpCamera(port)
    yield camera
    camera.off()


@pytest.fixture
def video(tmp_path: Path) -> Path:
    """Thirty frames at ten a second, each of its own grey."""
    path = tmp_path / "clip.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 10.0, (64, 48))
    for index in range(30):
        writer.write(np.full((48, 64, 3), 8 * index, np.uint8))
    writer.release()
    return path


def _now_ms() -> int:
    return time.monotonic_ns() // 1_000_000


def _first(camera: Camera, *, within_s: float = 10.0) -> tuple[int, NDArray[np.uint8]]:
    until_s = time.monotonic() + within_s
    while time.monotonic() < until_s:
        found = camera.latest(0.1)
        if found is not None:
            return found
    pytest.fail(f"no image: {camera.status()}")


def _until_down(camera: Camera, *, within_s: float = 10.0) -> str:
    until_s = time.monotonic() + within_s
    while time.monotonic() < until_s:
        status = camera.status()
        if status.state == "down":
            return status.detail
        time.sleep(0.01)
    pytest.fail("the camera did not go down")


def test_a_stream_gives_images_stamped_when_they_arrive(http_camera: HttpCamera) -> None:
    http_camera.on()
    with Camera("aisle", source=http_camera.url, now_ms=_now_ms, params=QUICK) as camera:
        assert camera.status().state in ("starting", "up")
        before_ms = _now_ms()
        first_ms, image = _first(camera)
        second_ms, _ = _first(camera)
        assert image.shape == (48, 64, 3)
        assert before_ms - 1_000 < first_ms < second_ms <= _now_ms()
        assert camera.status().state == "up"


def test_streams_without_lengths_are_read_too(http_camera: HttpCamera) -> None:
    http_camera.lengths = False
    http_camera.on()
    with Camera("aisle", source=http_camera.url, now_ms=_now_ms, params=QUICK) as camera:
        assert _first(camera)[1].shape == (48, 64, 3)


def test_the_newest_image_wins_and_the_others_are_counted(http_camera: HttpCamera) -> None:
    http_camera.on()
    with Camera("aisle", source=http_camera.url, now_ms=_now_ms, params=QUICK) as camera:
        _, first = _first(camera)
        counted = camera.status().counters
        while camera.status().counters["frames"] < counted["frames"] + 12:
            time.sleep(0.01)
        stamp_ms, last = _first(camera)
        assert int(last.mean()) - int(first.mean()) >= 11
        assert camera.status().counters["drops"] >= counted["drops"] + 11
        assert _now_ms() - stamp_ms < 1_000


def test_a_camera_that_dies_and_returns_is_read_again(http_camera: HttpCamera) -> None:
    http_camera.on()
    with Camera("aisle", source=http_camera.url, now_ms=_now_ms, params=QUICK) as camera:
        before_ms, _ = _first(camera)
        http_camera.off()
        assert "http://127.0.0.1:" in _until_down(camera)
        camera.latest(0.0)
        assert camera.latest(0.05) is None
        http_camera.on()
        after_ms, _ = _first(camera)
        assert after_ms > before_ms
        status = camera.status()
        assert (status.state, status.detail) == ("up", "")
        assert status.counters["reconnects"] >= 1


def test_a_camera_that_falls_silent_is_asked_again(http_camera: HttpCamera) -> None:
    http_camera.on()
    with Camera("aisle", source=http_camera.url, now_ms=_now_ms, params=QUICK) as camera:
        _first(camera)
        http_camera.stalled.set()
        assert "sent nothing for 0.5 s" in _until_down(camera)
        http_camera.stalled.clear()
        camera.latest(0.0)
        _first(camera)
        assert http_camera.connections >= 2


def test_a_dead_camera_does_not_hold_up_another(http_camera: HttpCamera) -> None:
    http_camera.on()
    with (
        Camera("dead", source="http://127.0.0.1:9/video", now_ms=_now_ms, params=QUICK) as dead,
        Camera("alive", source=http_camera.url, now_ms=_now_ms, params=QUICK) as alive,
    ):
        _first(alive)
        assert "refuses the connection" in _until_down(dead)
        _first(alive)


def test_closing_is_quick_even_while_a_camera_is_silent(http_camera: HttpCamera) -> None:
    http_camera.stalled.set()
    http_camera.on()
    patient = CameraParams(read_s=60.0)
    camera = Camera("aisle", source=http_camera.url, now_ms=_now_ms, params=patient)
    camera.start()
    while not http_camera.connections:
        time.sleep(0.01)
    time.sleep(0.1)
    camera.close()
    assert "camera-aisle" not in [thread.name for thread in threading.enumerate()]


def test_a_file_in_full_drops_nothing_and_counts_time_by_frames(video: Path) -> None:
    seen = []
    with Camera("clip", source=str(video), now_ms=_now_ms, pace="every") as camera:
        while not camera.ended:
            found = camera.latest(5.0)
            if found is not None:
                seen.append((found[0], round(float(found[1].mean()) / 8)))
    assert seen == [(100 * index, index) for index in range(30)]
    assert camera.status().counters == {"frames": 30, "drops": 0, "reconnects": 0, "damaged": 0}
    assert camera.latest(0.0) is None


def test_after_the_end_a_taker_waits(video: Path) -> None:
    with Camera("clip", source=str(video), now_ms=_now_ms, pace="every") as camera:
        while not camera.ended:
            camera.latest(1.0)
        began_s = time.monotonic()
        assert camera.latest(0.2) is None
        assert time.monotonic() - began_s >= 0.15


def test_what_nobody_foresaw_is_handed_over(video: Path) -> None:
    bug = KeyError("ours")

    def clock() -> int:
        raise bug

    crashes: list[BaseException] = []
    with Camera("clip", source=str(video), now_ms=clock, on_crash=crashes.append) as camera:
        _until_down(camera)
        while not crashes:
            time.sleep(0.01)
    assert crashes == [bug]


def test_the_rate_of_a_file_can_be_corrected(video: Path) -> None:
    stamps = []
    with Camera("clip", source=str(video), now_ms=_now_ms, pace="every", fps=7.0) as camera:
        while not camera.ended:
            found = camera.latest(5.0)
            if found is not None:
                stamps.append(found[0])
    assert stamps == [round(1000 * index / 7) for index in range(30)]


def test_a_file_played_live_takes_its_own_time_and_drops(video: Path) -> None:
    began_s = time.monotonic()
    with Camera("clip", source=str(video), now_ms=_now_ms, fps=60.0) as camera:
        time.sleep(0.2)
        first = _first(camera)
        while not camera.ended:
            camera.latest(0.1)
        assert time.monotonic() - began_s >= 29 / 60
        assert camera.status().counters["drops"] >= 1
        assert first[0] > 0


def test_a_device_nobody_plugged_in_is_retried_in_the_background() -> None:
    with Camera("usb", source="/dev/video97", now_ms=_now_ms, params=QUICK) as camera:
        assert "no such camera" in _until_down(camera)
        while camera.status().counters["reconnects"] < 2:
            time.sleep(0.01)


def test_a_damaged_image_is_counted_not_raised(http_camera: HttpCamera) -> None:
    http_camera._part = lambda _: b"--edge\r\nContent-Length: 3\r\n\r\nabc\r\n"
    http_camera.on()
    with Camera("aisle", source=http_camera.url, now_ms=_now_ms, params=QUICK) as camera:
        while camera.status().counters["frames"] < 3:
            assert camera.latest(0.1) is None
            assert camera.status().state != "up"
        assert camera.status().counters["damaged"] >= 1
        while camera.status().state != "down":
            camera.latest(0.1)
        assert "sends damaged images" in camera.status().detail
    with pytest.raises(DeviceError, match="no JPEG"):
        probe(http_camera.url, params=QUICK)


def test_probing_gives_the_size(http_camera: HttpCamera, video: Path) -> None:
    http_camera.on()
    assert probe(http_camera.url, params=QUICK) == (64, 48)
    assert probe(str(video)) == (64, 48)


def test_probing_a_wrong_path_says_404_and_where_to_look(http_camera: HttpCamera) -> None:
    http_camera.on()
    with pytest.raises(DeviceError, match=r"/nothing answers 404 .*path on the camera's own page"):
        probe(f"http://127.0.0.1:{http_camera.port}/nothing", params=QUICK)
    with pytest.raises(DeviceError, match="answers with text/html, not with a stream"):
        probe(f"http://127.0.0.1:{http_camera.port}/page", params=QUICK)


@pytest.mark.parametrize(
    "address",
    [
        "rtsp://127.0.0.1:1/user=me&password=secret&channel=1",
        "rtsp://me:sec/secret@127.0.0.1:1/stream",
        "http://me:sec#secret@127.0.0.1:1/stream",
        "rtmp://me:secret@127.0.0.1:1/x",
        "http://me:secret/x@127.0.0.1:1/stream",
        "http://me:secret[x@127.0.0.1:1/stream",
        "rtsp://me:secret\N{ACCOUNT OF}@127.0.0.1:1/stream",
    ],
)
def test_odd_addresses_keep_their_password_too(address: str) -> None:
    with pytest.raises(DeviceError) as caught:
        probe(address, params=CameraParams(open_s=0.5, read_s=0.5))
    assert "secret" not in str(caught.value)


def test_probing_a_closed_port_says_refused_and_keeps_the_password(http_camera: HttpCamera) -> None:
    for scheme in ("http", "rtsp"):
        address = f"{scheme}://me:secret@127.0.0.1:{http_camera.port}/video?token=secret"
        with pytest.raises(DeviceError, match=f"{scheme}://127.0.0.1:") as caught:
            probe(address, params=QUICK)
        assert "secret" not in str(caught.value)
        assert "me:" not in str(caught.value)


def test_probing_a_silent_camera_says_so(http_camera: HttpCamera) -> None:
    http_camera.stalled.set()
    http_camera.on()
    with pytest.raises(DeviceError, match="sent nothing for"):
        probe(http_camera.url, params=QUICK)


def test_probing_files_and_devices_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(DeviceError, match=r"none\.mp4: no such video file; .*: correct it"):
        probe(str(tmp_path / "none.mp4"))
    with pytest.raises(DeviceError, match="/dev/video97: no such camera; plugged in are"):
        probe(97)
    text = tmp_path / "text.mp4"
    text.write_bytes(b"this is no video" * 100)
    with pytest.raises(DeviceError, match="is not a video OpenCV can read"):
        probe(str(text))


def test_the_simulators_camera_is_read_like_any_other() -> None:
    with MjpegServer() as server:
        server.publish(jpeg_of(np.full((432, 640, 3), 90, np.uint8)))
        assert probe(server.url, params=QUICK) == (640, 432)
        with pytest.raises(DeviceError, match="answers 404"):
            probe(server.url + "x", params=QUICK)
        with Camera("sim", source=server.url, now_ms=_now_ms, params=QUICK) as camera:
            assert round(float(_first(camera)[1].mean())) == 90
            server.publish(jpeg_of(np.full((432, 640, 3), 120, np.uint8)))
            assert round(float(_first(camera)[1].mean())) == 120


@pytest.mark.parametrize("ending", [".avi", ".mp4"])
def test_the_simulators_recordings_are_read_in_full(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"clip{ending}"
    with VideoFile(path, fps=6.0, size=(64, 48)) as file:
        for _ in range(12):
            file.write(np.zeros((48, 64, 3), np.uint8))
    stamps = []
    with Camera("clip", source=str(path), now_ms=_now_ms, pace="every") as camera:
        while not camera.ended:
            found = camera.latest(5.0)
            if found is not None:
                stamps.append(found[0])
    assert stamps == [round(1000 * index / 6) for index in range(12)]


_NOISY = """
import sys, time
from edge.errors import DeviceError
from edge.vision.camera_io import Camera, probe
with Camera("cut", source=sys.argv[1], now_ms=lambda: 0, pace="every") as camera:
    while not camera.ended and camera.status().state != "down":
        camera.latest(0.2)
for source in ("rtsp://127.0.0.1:9/x", "/dev/null", sys.argv[2]):
    try:
        probe(source)
    except DeviceError:
        continue
    raise SystemExit(source)
"""


def test_opencv_says_nothing_on_the_terminal(video: Path, tmp_path: Path) -> None:
    cut, text = tmp_path / "cut.avi", tmp_path / "text.mp4"
    cut.write_bytes(video.read_bytes()[:9_000])
    text.write_bytes(b"this is no video" * 100)
    # A process of its own: FFmpeg reads its log level once, and the fixture has used it here.
    done = subprocess.run(
        [sys.executable, "-c", _NOISY, str(cut), str(text)],
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
