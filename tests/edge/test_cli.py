from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner, Result

from edge.cli import app

SQUARE = "[[1, 1], [3, 1], [3, 5], [1, 5]]"
STORE = f"""
store = "s"
agent = "a"
timezone = "UTC"
opens = "09:00"
closes = "20:00"
data_dir = "DATA"

[clock]
require_sync = false

[broker]
port = PORT

[plan]
version = "1"
outline = [[0, 0], [6, 0], [6, 6], [0, 6]]

[[plan.zones]]
id = "aisle-1"
kind = "aisle"
polygon = {SQUARE}

[[cameras]]
name = "ceiling"
source = "SOURCE"
size_px = [640, 480]
height_m = 3.0
points = [[0, 480, 0, 0], [640, 480, 6, 0], [640, 0, 6, 5], [0, 0, 0, 5]]
"""


@pytest.fixture
def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port


@pytest.fixture
def store(tmp_path: Path, closed_port: int) -> str:
    return (
        STORE.replace("DATA", str(tmp_path / "data"))
        .replace("PORT", str(closed_port))
        .replace("SOURCE", str(tmp_path / "nothing.mp4"))
    )


def command(*words: str) -> Result:
    return CliRunner().invoke(app, list(words))


def write(tmp_path: Path, text: str) -> str:
    path = tmp_path / "store.toml"
    path.write_text(text)
    return str(path)


@pytest.mark.parametrize("name", ["run", "check", "watch", "setup", "detector"])
def test_every_command_has_help_with_the_exit_codes(name: str) -> None:
    result = command(name, "--help")
    assert result.exit_code == 0
    assert "Exit codes" in result.output


def test_version() -> None:
    assert command("--version").output.startswith("aisle-edge 0.")


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('agent = "a"', "agent = ", "not valid TOML"),
        ('agent = "a"', 'agent = "a"\nfoo = 1', "unknown key 'foo'"),
        (SQUARE, "[[1, 1], [3, 5], [3, 1], [1, 5]]", "zone 'aisle-1'.*cross"),
        (
            "[[cameras]]",
            f'[[plan.zones]]\nid = "two"\nkind = "aisle"\npolygon = {SQUARE}\n\n[[cameras]]',
            "aisle-1.*two|two.*aisle-1",
        ),
        ("[640, 0, 6, 5], [0, 0, 0, 5]", "[320, 480, 3, 0], [160, 480, 1.5, 0]", "ceiling.*line"),
        ("[640, 0, 6, 5], [0, 0, 0, 5]", "", "camera 'ceiling'.*at least 4"),
        ("[broker]", "[privacy]\nrho = 50.0\n\n[broker]", "privacy.rho.*50"),
        ("[broker]", '[detector]\nmanifest = "/no/such.toml"\n\n[broker]', "/no/such.toml"),
    ],
)
def test_a_wrong_file_is_named_with_its_mend_and_ends_with_2(
    tmp_path: Path, store: str, old: str, new: str, says: str
) -> None:
    assert old in store
    path = write(tmp_path, store.replace(old, new, 1))
    for name in ("check", "run"):
        result = command(name, "--config", path)
        assert result.exit_code == 2, result.output
        assert_says(result, says)


def test_a_file_that_is_not_there_ends_with_2(tmp_path: Path) -> None:
    result = command("run", "--config", str(tmp_path / "none.toml"))
    assert result.exit_code == 2
    assert_says(result, "none.toml cannot be read")


def test_check_names_every_device_that_is_away_and_ends_with_3(tmp_path: Path, store: str) -> None:
    reader = (
        '\n[[readers]]\nname = "shelf"\nport = "/dev/nothing"\nzone = "aisle-1"\nregion = "EU"\n'
    )
    result = command("check", "--config", write(tmp_path, store + reader))
    assert result.exit_code == 3
    assert_says(result, "ok .*store.toml")
    assert_says(result, "FAIL.*camera ceiling.*nothing.mp4: no such video file")
    assert_says(result, "FAIL.*reader shelf.*/dev/nothing")
    assert_says(result, "FAIL.*broker 127.0.0.1")
    assert_says(result, "ok .*outbox")


def test_a_detector_that_is_brought_needs_its_licence_and_gets_its_manifest(tmp_path: Path) -> None:
    net = Path(__file__).parent / "vision" / "tiny_models" / "yolox.onnx"
    model = tmp_path / "net.onnx"
    model.write_bytes(net.read_bytes())
    assert command("detector", str(model)).exit_code == 2
    result = command("detector", str(model), "--licence", "Apache-2.0")
    assert result.exit_code == 0
    assert f'manifest = "{tmp_path / "net.toml"}"' in result.output
    again = command("detector", str(model), "--licence", "Apache-2.0")
    assert again.exit_code == 2
    assert "is there already" in again.output


def test_watch_of_a_missing_file_ends_with_3(tmp_path: Path, store: str) -> None:
    result = command("watch", "--config", write(tmp_path, store), "--video", "gone.mp4")
    assert result.exit_code == 3
    assert_says(result, "gone.mp4: no such video file")


def test_a_live_camera_is_watched_on_a_screen_only(tmp_path: Path, store: str) -> None:
    for words in ((), ("--json",), ("--video", "/dev/video0", "--json")):
        result = command("watch", "--config", write(tmp_path, store), *words)
        assert result.exit_code == 2
        assert_says(result, "on a screen only")
    result = command("watch", "--config", write(tmp_path, store), "--video", "0", "--json")
    assert_says(result, "no such video file")  # nor by its number


def assert_says(result: Result, pattern: str) -> None:
    assert re.search(pattern, result.output, re.DOTALL | re.IGNORECASE), result.output


def test_setup_of_a_missing_or_present_file_ends_with_2(tmp_path: Path, store: str) -> None:
    missing = command("setup", str(tmp_path / "none.toml"))
    assert missing.exit_code == 2
    assert "--new" in missing.output
    path = write(tmp_path, store)
    again = command("setup", path, "--new")
    assert again.exit_code == 2
    assert "already" in again.output
    assert Path(path).read_text() == store


def test_setup_serves_until_it_is_told_to_stop(tmp_path: Path) -> None:
    path = tmp_path / "new.toml"
    words = [sys.executable, "-m", "edge.cli", "setup", str(path), "--new", "--port", "0"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        lines = iter(process.stdout.readline, "")
        link = next(line.strip() for line in lines if "#token=" in line)
        assert httpx.get(link.partition("#")[0], trust_env=False).status_code == 200
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
    assert 'store = "my-store"' in path.read_text()
