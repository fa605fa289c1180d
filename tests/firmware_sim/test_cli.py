import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import pytest
import serial
from typer.testing import CliRunner

from firmware_sim.cli import app
from firmware_sim.store import default_store, default_text, parse_store

runner = CliRunner()


def test_every_command_has_help() -> None:
    for command in ("run", "video", "reader", "survey", "score", "store"):
        result = runner.invoke(app, [command, "--help"])
        assert result.exit_code == 0
        assert "Usage" in result.output


def test_version() -> None:
    assert runner.invoke(app, ["--version"]).output.startswith("aisle-sim ")


def test_store_prints_a_store() -> None:
    assert parse_store(runner.invoke(app, ["store"]).output) == default_store()


def test_survey_prints_json(tmp_path: Path) -> None:
    path = tmp_path / "store.toml"
    path.write_text(default_text())
    found = json.loads(runner.invoke(app, ["survey", str(path)]).output)
    assert found["timezone"] == "Europe/Berlin"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["survey", "nowhere.toml"], "aisle-sim store"),
        (["run", "--begins-at", "2026-03-07T13:00:00"], "no time zone"),
        (["run", "--begins-at", "soon"], "ISO"),
        (["run", "--minutes", "2", "--drain", "2"], "--drain"),
        (["score", "nowhere", "nowhere"], "nowhere"),
    ],
)
def test_bad_input_ends_with_code_two(options: list[str], said: str) -> None:
    result = runner.invoke(app, options)
    assert result.exit_code == 2
    assert said in result.output


def test_a_broken_store_names_the_key(tmp_path: Path) -> None:
    path = tmp_path / "store.toml"
    path.write_text(default_text().replace("baud =", "bauds ="))
    result = runner.invoke(app, ["survey", str(path)])
    assert result.exit_code == 2
    assert "readers[0]" in result.output
    assert str(path) in result.output


def test_video_has_the_frames_it_should(tmp_path: Path) -> None:
    out, truth = tmp_path / "store.avi", tmp_path / "truth.jsonl"
    result = runner.invoke(
        app, ["video", "--minutes", "0.1", "--out", str(out), "--truth", str(truth)]
    )
    assert result.exit_code == 0, result.output
    video = cv2.VideoCapture(str(out))
    assert int(video.get(cv2.CAP_PROP_FRAME_COUNT)) == 36
    video.release()
    assert json.loads(truth.read_text().splitlines()[0])["kind"] == "run"


@pytest.mark.parametrize("family", ["m100", "uhfreader18", "uhfreader288", "ex10", "metratec"])
def test_a_reader_alone_obeys_the_hand_that_pulls_plugs(tmp_path: Path, family: str) -> None:
    words = ["reader", "--family", family, "--link", str(tmp_path / "port"), "--tags", "3"]
    result = runner.invoke(app, words, input="unplug\nplug\noff\non\njump\nend\n")
    assert result.exit_code == 0
    first, *told = result.output.splitlines()
    assert first.startswith(f"{family} at {tmp_path / 'port'}, ")
    assert told[:4] == ["unplug", "plug", "off", "on"]
    assert "'jump' is none of unplug, plug, off, on, end" in told[4]
    assert list(tmp_path.iterdir()) == []


def test_a_module_speaks_as_it_is_told_to(tmp_path: Path) -> None:
    link = tmp_path / "port"
    command = [
        str(Path(sys.executable).parent / "aisle-sim"),
        *("reader", "--link", str(link), "--envelope", "AADD", "--baud", "38400"),
    ]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as process:
        for _ in range(400):
            if link.exists():
                break
            time.sleep(0.1)
        with serial.Serial(str(link), 38_400, timeout=20.0) as line:
            line.write(bytes.fromhex("BB000300010004 7E AA000300010105 DD"))
            answer = line.read(14)
        process.communicate(b"end\n", timeout=30)
    assert answer[:12] == bytes.fromhex("AA0103000701") + b"V2.3.5"
    assert answer[13:] == b"\xdd"


def test_a_module_with_one_antenna_gets_no_second() -> None:
    assert runner.invoke(app, ["reader", "--antennas", "2"]).exit_code == 2


def test_a_run_is_ready_when_it_says_so_and_ends_clean_on_sigterm(tmp_path: Path) -> None:
    endpoints = tmp_path / "endpoints.json"
    command = [
        str(Path(sys.executable).parent / "aisle-sim"),
        *("run", "--minutes", "5", "--drain", "1", "--truth", str(tmp_path / "truth.jsonl")),
        *("--reader-link", str(tmp_path / "reader"), "--endpoints", str(endpoints)),
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        for _ in range(400):
            if endpoints.exists():
                break
            time.sleep(0.1)
        told = json.loads(endpoints.read_text())
        assert told["pid"] == process.pid
        assert told["readers"] == {"toys": str(tmp_path / "reader")}
        camera = cv2.VideoCapture(told["camera_url"])
        good, image = camera.read()
        camera.release()
        assert good
        assert image.shape == (432, 640, 3)
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=30)
    assert process.returncode == 0, output
    assert not os.path.lexists(tmp_path / "reader")
    assert b"scene minutes" in output
