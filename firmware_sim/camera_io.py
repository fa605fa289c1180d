"""Cameras as the world meets them: an MJPEG stream over HTTP, and a video file."""

from __future__ import annotations

import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]

PATH = "/stream.mjpg"
BOUNDARY = "aisleframe"
SEND_TIMEOUT_S = 10.0  # a client that takes nothing for so long is cut off
POLL_S = 0.1  # how fast close() takes effect
CODECS = {".mp4": "mp4v", ".avi": "MJPG"}


class _Newest:
    """The newest image, and a way to wait for a newer one."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._jpeg = b""
        self._number = 0
        self._closed = False

    def put(self, jpeg: bytes) -> None:
        with self._changed:
            self._jpeg = jpeg
            self._number += 1
            self._changed.notify_all()

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def after(self, number: int) -> tuple[int, bytes] | None:
        """Wait for an image newer than one seen; None at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._number > number)
            return None if self._closed else (self._number, self._jpeg)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, address: tuple[str, int], newest: _Newest) -> None:
        self.newest = newest
        super().__init__(address, _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 -- socketserver's types
        """Stay silent: clients that hang up are what clients do."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = SEND_TIMEOUT_S

    def do_GET(self) -> None:
        if self.path.partition("?")[0] != PATH:
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", f"multipart/x-mixed-replace; boundary={BOUNDARY}")
        self.send_header("Cache-Control", "no-store")
        self.send_header("Connection", "close")
        self.end_headers()
        number = 0
        while (image := self.server.newest.after(number)) is not None:
            number, jpeg = image
            self.wfile.write(_part(jpeg))

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002, ANN401 -- http.server's names
        """Write nothing: the simulator's terminal is for its progress."""


def _part(jpeg: bytes) -> bytes:
    head = f"--{BOUNDARY}\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
    return head.encode() + jpeg + b"\r\n"


class MjpegServer:
    """A network camera: every client gets each new image, or the newest it can keep up with.

    Args:
        host: where to listen.
        port: 0 takes a free one.

    Raises:
        OSError: the port is taken.
    """

    def __init__(self, *, host: str = "127.0.0.1", port: int = 0) -> None:
        self._newest = _Newest()
        self._server = _Server((host, port), self._newest)
        self._host = host
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(POLL_S,), name="mjpeg", daemon=True
        )
        self._thread.start()

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        """What a client opens; every other path answers 404."""
        return f"http://{self._host}:{self.port}{PATH}"

    def publish(self, jpeg: bytes) -> None:
        """Show a new image; never waits for a client."""
        self._newest.put(jpeg)

    def close(self) -> None:
        """Stop listening and end every stream."""
        self._newest.close()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def jpeg_of(image: Image, *, quality: int = 85) -> bytes:
    """Compress a BGR image as a camera does."""
    good, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not good:
        raise ValueError(f"no JPEG of an image of shape {image.shape}")
    return bytes(data)


class VideoFile:
    """A recording; ``.mp4`` (MPEG-4 part 2) or ``.avi`` (Motion JPEG).

    Args:
        path: its ending chooses the codec.
        fps: images per second of playing time.
        size: width, height, pixels.

    Raises:
        ValueError: another ending.
        OSError: the file cannot be written.
    """

    def __init__(self, path: Path, *, fps: float, size: tuple[int, int]) -> None:
        if path.suffix not in CODECS:
            raise ValueError(f"{path.name}: a video file ends in {' or '.join(CODECS)}")
        self._size = size
        code = cv2.VideoWriter.fourcc(*CODECS[path.suffix])
        self._writer = cv2.VideoWriter(str(path), code, fps, size)
        if not self._writer.isOpened():
            raise OSError(f"{path} cannot be written as a video")

    def write(self, image: Image) -> None:
        """Add one BGR image."""
        if (image.shape[1], image.shape[0]) != self._size:
            raise ValueError(f"image of shape {image.shape} in a video of {self._size}")
        self._writer.write(image)

    def close(self) -> None:
        """Finish the file; before this it may not play."""
        self._writer.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
