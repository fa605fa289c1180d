"""Cameras: network streams, devices and files, each read by a thread of its own."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Literal, Protocol, Self
from urllib.parse import urlsplit

import cv2
import httpx
import numpy as np

from edge.errors import DeviceError
from edge.vision.detection import Image
from edge.vision.mjpeg import Parts, boundary_of

State = Literal["starting", "up", "down"]
Source = str | int
"""http(s) or rtsp address, device number or path, or a video file."""

_NETWORK = ("http", "https", "rtsp", "rtsps")
_MENDS = {
    401: "give user and password in the address",
    403: "give user and password in the address",
    404: "look up the stream's path on the camera's own page",
    503: "the camera is busy: close other viewers",
}
_NO_ADDRESS = "write / # ? @ [ ] and : in user and password as % and two digits"


@dataclass(frozen=True, slots=True)
class CameraParams:
    """Patience, all of it in wall time.

    Attributes:
        open_s: until a camera has to answer.
        read_s: between two images; slower than the slowest camera in use (1 a second) by far.
        retry_s: wait before the first new attempt; it doubles with each failed one
        retry_most_s: up to this.
        close_s: for a thread to end before it is left behind.
    """

    open_s: float = 5.0
    read_s: float = 5.0
    retry_s: float = 0.5
    retry_most_s: float = 30.0
    close_s: float = 1.5


@dataclass(frozen=True, slots=True)
class CameraStatus:
    """How a camera is.

    Attributes:
        detail: why it is down; never an address's password.
        counters: ``frames`` received, ``drops`` replaced by a newer one unseen, ``reconnects``
            attempted, ``damaged`` images.
    """

    state: State
    detail: str
    counters: dict[str, int]


class Camera:
    """Reads one camera in a thread of its own; the newest image wins.

    Args:
        name: as configured.
        source: where images come from.
        now_ms: the scene's clock; an image is stamped when it arrives.
        pace: of a file: ``live`` plays it at its frame rate and drops what nobody takes;
            ``every`` waits for the taker, drops nothing, and stamps by frame number.
        fps: of a file, if its own is wrong.
        params: patience.
        on_crash: takes what ends the thread unforeseen, in it; without it, Python prints that.
    """

    def __init__(
        self,
        name: str,
        *,
        source: Source,
        now_ms: Callable[[], int],
        pace: Literal["live", "every"] = "live",
        fps: float | None = None,
        params: CameraParams | None = None,
        on_crash: Callable[[BaseException], None] | None = None,
    ) -> None:
        self.name = name
        self._source = source
        self._now_ms = now_ms
        self._pace = pace
        self._fps = fps
        self._params = params or CameraParams()
        self._on_crash = on_crash
        self._good_s = 0.0
        self._change = threading.Condition()
        self._slot: tuple[int, bytes | Image] | None = None
        self._last_ms = -1
        self._state: State = "starting"
        self._detail = ""
        self._counters = Counter({"frames": 0, "drops": 0, "reconnects": 0, "damaged": 0})
        self._ended = False
        self._stop = threading.Event()
        self._open: _Images | None = None
        self._thread = threading.Thread(target=self._run, name=f"camera-{name}", daemon=True)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    def close(self) -> None:
        """Stop; a thread stuck in a driver is left behind after ``close_s``."""
        self._stop.set()
        with self._change:
            self._change.notify_all()
            images = self._open
        if images is not None:
            images.interrupt()
        if self._thread.is_alive():
            self._thread.join(self._params.close_s)

    @property
    def ended(self) -> bool:
        """Whether a file is at its end and its last image taken."""
        with self._change:
            return self._ended and self._slot is None

    def status(self) -> CameraStatus:
        """Give state and counters."""
        with self._change:
            return CameraStatus(self._state, self._detail, dict(self._counters))

    def latest(self, timeout_s: float) -> tuple[int, Image] | None:
        """Give the newest image nobody has taken yet, and its instant; instants increase.

        Args:
            timeout_s: how long to wait for one.

        Returns:
            ``(scene_ms, image)``, or None if there is none in time, also after the end, or at
            once if it was damaged or the camera is being closed.
        """
        with self._change:
            self._change.wait_for(lambda: self._slot is not None or self._stop.is_set(), timeout_s)
            taken, self._slot = self._slot, None
            self._change.notify_all()
        if taken is None:
            return None
        image = _decoded(taken[1])
        self._judge(good=image is not None)
        return None if image is None else (taken[0], image)

    def _judge(self, *, good: bool) -> None:
        """Count an image; a camera is up once it has sent a sound one, for as long as it does."""
        now_s = time.monotonic()
        with self._change:
            self._counters["damaged"] += not good
            if self._open is None:  # it went away meanwhile
                return
            if good:
                self._good_s, self._state, self._detail = now_s, "up", ""
            elif now_s - self._good_s > self._params.read_s:
                self._state = "down"
                self._detail = f"{_shown(self._source)} sends damaged images: set it to MJPEG"

    def _run(self) -> None:
        try:
            wait_s = self._params.retry_s
            while not self._stop.is_set():
                before = self._counters["frames"]
                try:
                    self._read()
                except DeviceError as error:
                    self._set(state="down", detail=str(error))
                if self._ended:
                    return
                if self._counters["frames"] > before:
                    wait_s = self._params.retry_s
                if self._stop.wait(wait_s):
                    return
                wait_s = min(2 * wait_s, self._params.retry_most_s)
                self._count("reconnects")
        except BaseException as error:
            self._set(state="down", detail=f"its thread ended: {type(error).__name__}")
            if self._on_crash is None:
                raise
            self._on_crash(error)
        finally:
            self._set(state="down", detail=self._detail or "stopped")

    def _read(self) -> None:
        """Read images until the source ends or fails."""
        with closing(_open(self._source, params=self._params, fps=self._fps)) as images:
            with self._change:
                self._open = images
                self._good_s = time.monotonic()
            began_s = time.monotonic()
            try:
                for index, image in enumerate(images):
                    if not self._offer(index, image, fps=images.fps, began_s=began_s):
                        return
            finally:
                with self._change:
                    self._open = None
            if images.fps is not None:
                self._finish()

    def _offer(
        self, index: int, image: bytes | Image, *, fps: float | None, began_s: float
    ) -> bool:
        """Put an image where ``latest`` finds it; False when the camera is being closed."""
        every = self._pace == "every" and fps is not None
        if fps is not None and not every:
            self._stop.wait(max(0.0, began_s + index / fps - time.monotonic()))
        with self._change:
            if every:
                self._change.wait_for(lambda: self._slot is None or self._stop.is_set())
            if self._stop.is_set():
                return False
            arrived_ms = round(1_000 * index / fps) if every and fps else self._now_ms()
            self._last_ms = max(arrived_ms, self._last_ms + 1)
            self._counters["frames"] += 1
            self._counters["drops"] += self._slot is not None
            self._slot = (self._last_ms, image)
            self._change.notify_all()
        return True

    def _finish(self) -> None:
        with self._change:
            self._ended = True
            self._detail = "the file is at its end"
            self._change.notify_all()

    def _set(self, *, state: State, detail: str) -> None:
        with self._change:
            self._state, self._detail = state, detail

    def _count(self, what: str) -> None:
        with self._change:
            self._counters[what] += 1


def probe(source: Source, *, params: CameraParams | None = None) -> tuple[int, int]:
    """Open a camera, take one image, close it.

    Returns:
        The image's width and height in pixels.

    Raises:
        DeviceError: names what is wrong and the mend.
    """
    with closing(_open(source, params=params or CameraParams(), fps=None)) as images:
        image = _decoded(next(iter(images)))
    if image is None:
        raise DeviceError(f"{_shown(source)} sends images that are no JPEG: set it to MJPEG")
    rows, cols = image.shape[:2]
    return cols, rows


class _Images(Protocol):
    """An open source: images until it ends (files) or fails.

    Attributes:
        fps: of a file; None for what is live.
    """

    fps: float | None

    def __iter__(self) -> Iterator[bytes | Image]: ...

    def interrupt(self) -> None:
        """Make a waiting reader return, from another thread."""

    def close(self) -> None: ...


def _open(source: Source, *, params: CameraParams, fps: float | None) -> _Images:
    kind = _scheme(source)
    if kind in ("http", "https"):
        stream = _HttpStream(str(source), params=params)
        if stream.is_multipart:
            return stream
        stream.close()
    if kind in _NETWORK:
        return _Capture(source, params=params, backend=cv2.CAP_FFMPEG)
    if isinstance(source, int) or source.isdecimal() or source.startswith("/dev/"):
        return _Capture(_device(source), params=params, backend=cv2.CAP_V4L2)
    if not Path(source).is_file():
        raise DeviceError(
            f"{_shown(source)}: no such video file; a camera's address begins with rtsp:// or "
            "http://: correct it"
        )
    return _Capture(source, params=params, backend=cv2.CAP_FFMPEG, fps=fps, is_file=True)


class _HttpStream:
    """MJPEG over HTTP."""

    def __init__(self, url: str, *, params: CameraParams) -> None:
        self.fps: float | None = None
        self._shown = _shown(url)
        self._read_s = params.read_s
        # A camera is near by: a proxy from the environment would only be in the way.
        self._client = httpx.Client(
            timeout=httpx.Timeout(params.read_s, connect=params.open_s),
            follow_redirects=True,
            trust_env=False,
        )
        try:
            self._response = self._client.send(self._client.build_request("GET", url), stream=True)
            self._delimiter = self._checked()
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            self._client.close()
            raise self._explained(error) from error
        except DeviceError:
            self.close()
            raise

    @property
    def is_multipart(self) -> bool:
        return self._delimiter is not None

    def __iter__(self) -> Iterator[bytes]:
        parts = Parts(self._delimiter or b"")
        patience_s = time.monotonic() + self._read_s
        try:
            for data in self._response.iter_raw():
                for part in parts.feed(data):
                    patience_s = time.monotonic() + self._read_s
                    yield part
                if time.monotonic() > patience_s:
                    raise DeviceError(f"{self._shown} sent no whole image for {self._read_s:g} s")
        except httpx.HTTPError as error:
            raise self._explained(error) from error
        raise DeviceError(f"{self._shown} ended its stream")

    def interrupt(self) -> None:
        stream = self._response.extensions.get("network_stream")
        line = stream.get_extra_info("socket") if stream is not None else None
        if line is not None:
            with suppress(OSError):  # the other side was faster
                line.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._response.close()
        self._client.close()

    def _checked(self) -> bytes | None:
        """Refuse an answer that can hold no stream; give the parts' delimiter if it has parts."""
        status = self._response.status_code
        if status != httpx.codes.OK:
            mend = _MENDS.get(status, "look at the camera's own page")
            raise DeviceError(
                f"{self._shown} answers {status} {self._response.reason_phrase}: {mend}"
            )
        kind = self._response.headers.get("content-type", "")
        if kind.startswith(("text/", "image/", "application/json")):
            raise DeviceError(
                f"{self._shown} answers with {kind.split(';')[0]}, not with a stream: "
                "look up the stream's path on the camera's own page"
            )
        return boundary_of(kind)

    def _explained(self, error: Exception) -> DeviceError:
        if isinstance(error, httpx.ConnectTimeout):
            return DeviceError(
                f"{self._shown} does not answer: is the camera on, the address right?"
            )
        if isinstance(error, httpx.ReadTimeout):
            return DeviceError(f"{self._shown} sent nothing for {self._read_s:g} s")
        if isinstance(error, httpx.ConnectError):
            return DeviceError(
                f"{self._shown} refuses the connection or is not known ({error}): "
                "check address and port, and that the camera is on"
            )
        if isinstance(error, httpx.InvalidURL | httpx.UnsupportedProtocol):
            return DeviceError(f"{self._shown} is no address: {_NO_ADDRESS}")  # theirs quotes it
        return DeviceError(f"{self._shown} broke the connection: {type(error).__name__}")


class _Capture:
    """Whatever OpenCV reads: files, devices, RTSP and other network streams."""

    def __init__(
        self,
        source: Source,
        *,
        params: CameraParams,
        backend: int,
        fps: float | None = None,
        is_file: bool = False,
    ) -> None:
        _hush()
        self._shown = _shown(source)
        self._is_file = is_file
        self._capture = cv2.VideoCapture(source, backend, _timeouts(params, backend=backend))
        if not self._capture.isOpened():
            raise DeviceError(f"{self._shown} {self._unopened()}")
        self.fps: float | None = None
        if is_file:
            self.fps = fps or float(self._capture.get(cv2.CAP_PROP_FPS))
            if not self.fps > 0:
                self.close()
                raise DeviceError(f"{self._shown} does not say its frame rate: give fps")

    def __iter__(self) -> Iterator[Image]:
        seen = 0
        while True:
            there, image = self._capture.read()
            if not there:
                break
            seen += 1
            yield image
        if self._is_file and seen:
            return
        raise DeviceError(
            f"{self._shown} gives no images: "
            + (
                "not a video OpenCV can read"
                if self._is_file
                else "busy in another program, or gone"
            )
        )

    def interrupt(self) -> None:
        """Do nothing: OpenCV's own time-outs end a waiting read."""

    def close(self) -> None:
        self._capture.release()

    def _unopened(self) -> str:
        if self._is_file:
            return "is not a video OpenCV can read: convert it to MP4 (H.264) or AVI (MJPEG)"
        return "cannot be opened: is it on, free, and the address, user and password right?"


def _timeouts(params: CameraParams, *, backend: int) -> list[int]:
    if backend != cv2.CAP_FFMPEG:
        return []
    return [
        cv2.CAP_PROP_OPEN_TIMEOUT_MSEC,
        round(1_000 * params.open_s),
        cv2.CAP_PROP_READ_TIMEOUT_MSEC,
        round(1_000 * params.read_s),
    ]


def _device(source: Source) -> Source:
    """Give a video device as OpenCV wants it, or raise if the machine has none of that name."""
    numbered = isinstance(source, int) or source.isdecimal()
    path = Path(f"/dev/video{source}") if numbered else Path(str(source))
    if not path.exists():
        there = ", ".join(str(one) for one in sorted(Path("/dev").glob("video*"))) or "none"
        raise DeviceError(f"{path}: no such camera; plugged in are: {there}")
    if not os.access(path, os.R_OK | os.W_OK):
        raise DeviceError(f"{path}: not ours to open: add the agent's user to the group 'video'")
    return int(source) if numbered else str(source)


def _decoded(image: bytes | Image) -> Image | None:
    """Give the image of a JPEG; None if it is damaged."""
    if not isinstance(image, bytes):
        return image
    decoded: Image | None = cv2.imdecode(np.frombuffer(image, np.uint8), cv2.IMREAD_COLOR)
    return decoded


def _scheme(source: Source) -> str:
    try:
        return urlsplit(source).scheme if isinstance(source, str) else ""
    except ValueError:  # its text quotes the address
        raise DeviceError(f"a camera's source is no address: {_NO_ADDRESS}") from None


def _shown(source: Source) -> str:
    """Name a source without user, password or query; a path with = in it may hold them too."""
    if isinstance(source, int):
        return f"/dev/video{source}"
    scheme, is_address, rest = source.partition("://")
    if not is_address:
        return source
    if "@" in rest and "@" not in urlsplit(source).netloc:  # a password with / or # in it
        return f"{scheme}://(address hidden: it seems to hold a password)"
    parts = urlsplit(source)
    path = "/..." if "=" in parts.path else parts.path
    return f"{scheme}://{parts.netloc.rpartition('@')[2]}{path}"


def _hush() -> None:
    """Keep OpenCV and FFmpeg from writing to the terminal; what they refuse we say ourselves."""
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
