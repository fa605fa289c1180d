"""Real processes for end-to-end tests: a broker, a hub, an agent, each killable."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent


SPEED = 7200.0
"""Two simulated hours, so two windows, a second: as many releases in a minute as in a week."""

FAST_STORE = """
store = "cut"
agent = "north"
timezone = "UTC"
opens = "00:00"
closes = "23:00"
linger_min = 0
simulated = true
data_dir = "{data}"

[broker]
port = {port}

[simulated_clock]
speed = {speed}
begins_at = 2026-03-07T00:00:00Z
anchored_at = {now}

[plan]
version = "1"
outline = [[0, 0], [6, 0], [6, 6], [0, 6]]

[[plan.zones]]
id = "aisle-1"
kind = "aisle"
polygon = [[1, 1], [3, 1], [3, 5], [1, 5]]

[[cameras]]
name = "gone"
source = "http://127.0.0.1:9/nothing"
size_px = [640, 480]
height_m = 3.0
points = [[0, 480, 0, 0], [640, 480, 6, 0], [640, 0, 6, 5], [0, 0, 0, 5]]
"""


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
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

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
def fast_store(tmp_path: Path, free_port: int) -> Path:
    """A store whose camera is gone and whose hours fly: releases without a picture."""
    path = tmp_path / "store.toml"
    path.write_text(
        FAST_STORE.format(
            data=tmp_path, port=free_port, speed=SPEED, now=datetime.now(UTC).isoformat()
        )
    )
    return path


@pytest.fixture
def free_port() -> int:
    return _a_port()


def _a_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def wait_for_port(port: int) -> None:
    for _ in range(100):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.2):
            return
        time.sleep(0.1)
    raise TimeoutError(f"nobody listens on {port}")


# ---- the demo, watched from outside --------------------------------------------------------------


@dataclass
class Outside:
    """All that could be seen of the agent from outside."""

    messages: list[tuple[str, bytes]] = field(default_factory=list)
    writable: set[str] = field(default_factory=set)
    listed: set[bytes] = field(default_factory=set)
    """What ``ps`` could show of it: command, environment, names of threads."""


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Outside, str]:
    """Run the shortened demo once; gives its folder, all that was seen of it, what it said."""
    work, port = tmp_path_factory.mktemp("demo"), _a_port()
    command = [
        *(sys.executable, "deploy/demo/run.py", "--minutes", "4", "--broker-port", str(port)),
        *("--work", str(work), "--out", str(work / "out")),
        *("--month-days", "16", "--month-visits", "150"),
    ]
    outside, done = Outside(), threading.Event()
    running = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    spies = [
        threading.Thread(target=_listen, args=(port, outside, done)),
        threading.Thread(target=_look, args=(work, outside, done)),
    ]
    for spy in spies:
        spy.start()
    try:
        said, _ = running.communicate(timeout=300)
    finally:
        done.set()
        for spy in spies:
            spy.join()
        with contextlib.suppress(ProcessLookupError):
            running.send_signal(signal.SIGINT)
    assert running.returncode == 0, said
    return work, outside, said


def _listen(port: int, outside: Outside, done: threading.Event) -> None:
    client = mqtt.Client(CallbackAPIVersion.VERSION2)
    client.on_connect = lambda c, *_: c.subscribe("#", 1)
    client.on_message = lambda _c, _u, m: outside.messages.append((m.topic, m.payload))
    client.reconnect_delay_set(1, 1)
    client.connect_async("127.0.0.1", port)
    client.loop_start()
    done.wait()
    client.disconnect()
    client.loop_stop()


def _look(work: Path, outside: Outside, done: threading.Event) -> None:
    """Note every regular file the agent has open for writing, and how it is listed."""
    while not done.wait(0.5):
        found = subprocess.run(
            ["pgrep", "-f", f"aisle-edge run --config {work}"],
            capture_output=True,
            text=True,
            check=False,
        )
        for pid in found.stdout.split():
            with contextlib.suppress(OSError):
                outside.listed |= _listed(int(pid))
                outside.writable |= _writable(int(pid))


def _listed(pid: int) -> set[bytes]:
    process = Path(f"/proc/{pid}")
    threads = {task.joinpath("comm").read_bytes() for task in process.joinpath("task").iterdir()}
    said = {process.joinpath("cmdline").read_bytes()}
    with contextlib.suppress(PermissionError):
        said.add(process.joinpath("environ").read_bytes())
    return threads | said


def _writable(pid: int) -> set[str]:
    paths = set()
    for number in Path(f"/proc/{pid}/fd").iterdir():
        info = Path(f"/proc/{pid}/fdinfo/{number.name}").read_text()
        flags = int(re.search(r"flags:\s+(\d+)", info)[1], 8)
        path = number.resolve()
        if flags & (os.O_WRONLY | os.O_RDWR) and path.is_file():
            paths.add(str(path))
    return paths
