"""Real processes for end-to-end tests: a broker, a hub, an agent, each killable."""

from __future__ import annotations

import contextlib
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

BIN = Path(sys.executable).parent


class Part:
    """One process, restartable, with its output in a file."""

    def __init__(self, name: str, command: list[str], *, log: Path, port: int = 0) -> None:
        self.log = log / f"{name}.log"
        self._port = port
        self._command = command
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        if self._port:
            wait_for_port(self._port)

    def kill(self) -> None:
        """As a power cut does."""
        if self._process:
            self._process.kill()
            self._process.wait()

    def end(self) -> int:
        """As systemd does."""
        if self._process is None:
            return 0
        self._process.send_signal(signal.SIGTERM)
        try:
            return self._process.wait(20)
        except subprocess.TimeoutExpired:
            self.kill()
            raise

    @property
    def said(self) -> str:
        return self.log.read_text(errors="replace")


PartMaker = Callable[..., Part]


@pytest.fixture
def part(tmp_path: Path) -> Iterator[PartMaker]:
    parts: list[Part] = []

    def make(name: str, *command: str | Path, port: int = 0) -> Part:
        words = [str(BIN / command[0]), *map(str, command[1:])]
        made = Part(name, words, log=tmp_path, port=port)
        parts.append(made)
        made.start()
        return made

    yield make
    for each in parts:
        each.kill()


@pytest.fixture
def broker(part: PartMaker, free_port: int) -> Part:
    return part(
        *("broker", "python", "-m", "iotcore", "--listen", "127.0.0.1", "--port", str(free_port)),
        port=free_port,
    )


@pytest.fixture
def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def wait_for_port(port: int) -> None:
    for _ in range(100):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.2):
            return
        time.sleep(0.1)
    raise TimeoutError(f"nobody listens on {port}")
