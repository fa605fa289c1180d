"""The demo, shortened, with everything that leaves the agent captured and searched."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from firmware_sim.goods import sgtin96
from wire.codec import encode, read
from wire.topics import parse_topic

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

ROOT = Path(__file__).parents[2]
PICTURES = {"JPEG": b"\xff\xd8\xff", "PNG": b"\x89PNG", "NumPy": b"\x93NUMPY"}
CLASS_BYTES = 7
"""Leading bytes of an SGTIN-96 that are the same for every item of a class."""


@dataclass
class Outside:
    """All that could be seen of the agent from outside."""

    messages: list[tuple[str, bytes]] = field(default_factory=list)
    writable: set[str] = field(default_factory=set)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Outside, str]:
    work, port = tmp_path_factory.mktemp("demo"), _free_port()
    command = [
        *(sys.executable, "deploy/demo/run.py", "--minutes", "4", "--broker-port", str(port)),
        *("--work", str(work), "--out", str(work / "out")),
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
        said, _ = running.communicate(timeout=200)
    finally:
        done.set()
        for spy in spies:
            spy.join()
        with contextlib.suppress(ProcessLookupError):
            running.send_signal(signal.SIGINT)
    assert running.returncode == 0, said
    return work, outside, said


def test_it_leaves_a_report_and_says_where(demo: tuple[Path, Outside, str]) -> None:
    work, _, said = demo
    page = (work / "out" / "report.html").read_text()
    assert str(work / "out" / "report.html") in said
    assert "truth" in said
    assert not re.search(r"(src|href)=\"https?://", page), "the report needs the network"
    numbers = json.loads((work / "out" / "report.json").read_text())
    assert numbers["standard_privacy"] is False
    assert numbers["coverage"] > 0.5


def test_no_process_is_left(demo: tuple[Path, Outside, str]) -> None:
    work, _, _ = demo
    left = subprocess.run(["pgrep", "-f", str(work)], capture_output=True, text=True, check=False)
    assert left.stdout == ""
    assert not (work / "reader").exists()


def test_every_message_is_the_contract_and_nothing_more(demo: tuple[Path, Outside, str]) -> None:
    _, outside, _ = demo
    leaves = set()
    for name, payload in outside.messages:
        topic = parse_topic(name)
        envelope, message = read(topic, payload)
        leaves.add(topic.leaf)
        again = encode(topic, message, event_id=envelope.id, time=envelope.time)
        assert again == payload, f"{topic.leaf} carries more than the contract"
    assert leaves >= {"release", "meta", "status", "health", "ack"}


def test_no_picture_tag_or_password_leaves_the_agent(demo: tuple[Path, Outside, str]) -> None:
    work, outside, _ = demo
    files = [*(work / "agent").rglob("*"), work / "logs" / "agent.log"]
    captured = {str(path): path.read_bytes() for path in files if path.is_file()}
    captured |= {f"{name} #{n}": body for n, (name, body) in enumerate(outside.messages)}
    assert len(captured) > 5
    assert "password-of-the-camera" in (work / "store.toml").read_text()
    marks = PICTURES | {"the camera's password": b"password-of-the-camera"}
    for gtin in _gtins():
        head = sgtin96(gtin, serial=1)[:CLASS_BYTES]
        marks |= {
            f"EPC of {gtin}": head,
            f"EPC of {gtin} in hex": head.hex().encode(),
            f"EPC of {gtin} in HEX": head.hex().upper().encode(),
        }
    for where, content in captured.items():
        for what, mark in marks.items():
            assert mark not in content, f"{what} in {where}"


def test_the_search_would_find_a_leak() -> None:
    (gtin, *_) = _gtins()
    epc = sgtin96(gtin, serial=123_456)
    assert sgtin96(gtin, serial=1)[:CLASS_BYTES].hex() in f"read {epc.hex()} at -61 dBm"


@pytest.mark.skipif(os.geteuid() != 0, reason="the agent lets only root look at its files")
def test_the_agent_writes_what_it_released_and_nothing_else(
    demo: tuple[Path, Outside, str],
) -> None:
    work, outside, _ = demo
    assert outside.writable, "the agent was never seen with a file open"
    kept = r"agent/(lock|outbox\.db(-wal|-shm)?|(released|wish)\.(new|json))"
    allowed = re.compile(rf"{work}/({kept}|logs/agent\.log)")
    assert [path for path in outside.writable if not allowed.fullmatch(path)] == []


def _gtins() -> list[str]:
    survey = subprocess.run(
        [Path(sys.executable).parent / "aisle-sim", "survey"],
        capture_output=True,
        text=True,
        check=True,
    )
    return [known["gtin"] for known in json.loads(survey.stdout)["classes"]]


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
    """Note every regular file the agent has open for writing."""
    while not done.wait(0.5):
        found = subprocess.run(
            ["pgrep", "-f", f"aisle-edge run --config {work}"],
            capture_output=True,
            text=True,
            check=False,
        )
        for pid in found.stdout.split():
            with contextlib.suppress(OSError):
                outside.writable |= _writable(int(pid))


def _writable(pid: int) -> set[str]:
    paths = set()
    for number in Path(f"/proc/{pid}/fd").iterdir():
        info = Path(f"/proc/{pid}/fdinfo/{number.name}").read_text()
        flags = int(re.search(r"flags:\s+(\d+)", info)[1], 8)
        path = number.resolve()
        if flags & (os.O_WRONLY | os.O_RDWR) and path.is_file():
            paths.add(str(path))
    return paths


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]
