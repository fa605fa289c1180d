import http.client
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from firmware_sim.camera_io import MjpegServer, VideoFile, jpeg_of


def grey(level: int) -> NDArray[np.uint8]:
    return np.full((48, 64, 3), level, np.uint8)


@pytest.fixture
def camera() -> Iterator[MjpegServer]:
    with MjpegServer() as server:
        yield server


class Painter:
    """Publishes ever brighter images until told to stop."""

    def __init__(self, server: MjpegServer, *, levels: list[int], pause_s: float) -> None:
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(server, levels, pause_s))
        self._thread.start()

    def _run(self, server: MjpegServer, levels: list[int], pause_s: float) -> None:
        for level in levels:
            if self._stop.wait(pause_s):
                return
            server.publish(jpeg_of(grey(level)))

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()


def read_part(response: http.client.HTTPResponse) -> bytes:
    assert response.readline().startswith(b"--")
    length = 0
    while (line := response.readline().strip()) != b"":
        name, _, value = line.partition(b": ")
        if name == b"Content-Length":
            length = int(value)
    body = response.read(length)
    assert response.readline() == b"\r\n"
    return body


def stream(
    server: MjpegServer,
) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    connection.request("GET", "/stream.mjpg")
    return connection, connection.getresponse()


def test_opencv_reads_the_stream_in_order(camera: MjpegServer) -> None:
    painter = Painter(camera, levels=list(range(10, 250, 4)), pause_s=0.02)
    capture = cv2.VideoCapture(camera.url, cv2.CAP_FFMPEG)
    try:
        assert capture.isOpened()
        levels = []
        for _ in range(10):
            good, image = capture.read()
            assert good
            assert image.shape == (48, 64, 3)
            levels.append(float(image.mean()))
        assert levels == sorted(levels)
        assert levels[-1] > levels[0]
    finally:
        capture.release()
        painter.stop()


def test_a_new_client_sees_the_newest_image_first(camera: MjpegServer) -> None:
    for level in (10, 90, 200):
        camera.publish(jpeg_of(grey(level)))
    connection, response = stream(camera)
    assert response.headers["Content-Type"].startswith("multipart/x-mixed-replace")
    assert read_part(response) == jpeg_of(grey(200))
    connection.close()


def test_several_clients_see_the_same_image(camera: MjpegServer) -> None:
    camera.publish(jpeg_of(grey(50)))
    clients = [stream(camera) for _ in range(3)]
    assert [read_part(response) for _, response in clients] == [jpeg_of(grey(50))] * 3
    camera.publish(jpeg_of(grey(60)))
    assert [read_part(response) for _, response in clients] == [jpeg_of(grey(60))] * 3
    for connection, _ in clients:
        connection.close()


def test_a_client_that_never_reads_holds_nobody_up(camera: MjpegServer) -> None:
    connection, _ = stream(camera)
    noise = np.random.default_rng(0).integers(0, 255, (480, 640, 3), np.uint8)
    for _ in range(200):
        camera.publish(jpeg_of(noise, quality=95))
    camera.publish(jpeg_of(grey(70)))
    other, response = stream(camera)
    assert read_part(response) == jpeg_of(grey(70))
    connection.close()
    other.close()


def test_other_paths_answer_404(camera: MjpegServer) -> None:
    with pytest.raises(HTTPError) as caught:
        urlopen(f"http://127.0.0.1:{camera.port}/other")
    assert caught.value.code == 404
    caught.value.close()


def test_close_ends_a_stream_and_frees_the_port() -> None:
    server = MjpegServer()
    server.publish(jpeg_of(grey(1)))
    connection, response = stream(server)
    read_part(response)
    port = server.port
    server.close()
    assert response.read() == b""
    connection.close()
    with MjpegServer(port=port) as again:
        assert again.port == port


def test_a_hung_up_client_leaves_no_thread(camera: MjpegServer) -> None:
    before = threading.active_count()
    connection, response = stream(camera)
    camera.publish(jpeg_of(grey(5)))
    read_part(response)
    response.close()
    connection.close()
    deadline = time.monotonic() + 10
    while threading.active_count() > before and time.monotonic() < deadline:
        camera.publish(jpeg_of(grey(6)))
        time.sleep(0.01)
    assert threading.active_count() == before


@pytest.mark.parametrize("ending", [".mp4", ".avi"])
def test_a_video_plays_back_what_was_written(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"clip{ending}"
    with VideoFile(path, fps=6.0, size=(64, 48)) as video:
        for level in (20, 120, 220):
            video.write(grey(level))
    capture = cv2.VideoCapture(str(path))
    means = []
    while (result := capture.read())[0]:
        means.append(float(result[1].mean()))
    assert capture.get(cv2.CAP_PROP_FPS) == pytest.approx(6.0)
    capture.release()
    assert means == pytest.approx([20, 120, 220], abs=6)


def test_a_video_refuses_what_it_cannot_hold(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="ends in"):
        VideoFile(tmp_path / "clip.webm", fps=6.0, size=(64, 48))
    with pytest.raises(OSError, match="cannot be written"):
        VideoFile(tmp_path / "no" / "clip.avi", fps=6.0, size=(64, 48))
    with (
        VideoFile(tmp_path / "clip.avi", fps=6.0, size=(32, 32)) as video,
        pytest.raises(ValueError, match="shape"),
    ):
        video.write(grey(0))
