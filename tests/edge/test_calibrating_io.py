from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from edge.calibrating_io import SHEETS
from edge.cli import app
from edge.config import parse
from edge.vision.condition import Signature
from edge.vision.signature_io import load_signature, save_signature

FOOTAGE = Path(__file__).parents[3] / "shared" / "footage" / "pets-s2l1-first-half"
STORE = """\
# our shop
store = "s"
agent = "a"
timezone = "UTC"
opens = "09:00"   # doors
closes = "20:00"

[plan]
version = "1"
outline = [[0, 0], [6, 0], [6, 6], [0, 6]]

[[plan.zones]]
id = "aisle-1"
kind = "aisle"
polygon = [[1, 1], [3, 1], [3, 5], [1, 5]]

[[cameras]]
name = "ceiling"   # over the door
source = "rtsp://user:secret@192.0.2.1/"
size_px = [640, 480]
points = [[0, 480, 0, 0], [640, 480, 6, 0], [640, 0, 6, 5], [0, 0, 0, 5]]
"""
POINTS = """\
x_px,y_px,east_m,north_m
70,440,0,0
570,440,5,0
570,40,5,4
70,40,0,4
320,240,2.5,2
170,140,1,3
470,340,4,1
"""


def calibrate(*words: object) -> Result:
    return CliRunner().invoke(app, ["calibrate", *map(str, words)])


@pytest.fixture
def points(tmp_path: Path) -> Path:
    path = tmp_path / "points.csv"
    path.write_text(POINTS)
    return path


@pytest.fixture
def store(tmp_path: Path) -> Path:
    path = tmp_path / "store.toml"
    path.write_text(STORE)
    return path


def test_points_are_judged_and_written_with_all_else_kept(store: Path, points: Path) -> None:
    store.chmod(0o640)
    words = ("--points", points, "--config", store, "--camera", "ceiling", "--height", 3.1)
    result = calibrate(*words)
    assert result.exit_code == 0, result.output
    assert re.search(r"camera: 3\.10 m over the floor.*\n.*verdict: good", result.output)
    assert store.read_text() == STORE
    result = calibrate(*words, "--write")
    assert result.exit_code == 0, result.output
    assert "secret" not in result.output
    written = store.read_text()
    camera = parse(written, where="store.toml").cameras[0]
    assert (len(camera.points), camera.height_m, camera.lens) == (7, 3.1, "pinhole")
    for kept in ("# our shop", "# doors", "# over the door", "secret"):
        assert kept in written
    assert store.with_name("store.toml.bak").read_text() == STORE
    assert store.stat().st_mode & 0o777 == 0o640
    assert sorted(one.name for one in store.parent.iterdir()) == [
        "points.csv",
        "store.toml",
        "store.toml.bak",
    ]
    assert "says so already" in calibrate(*words, "--write").output


def test_what_is_written_is_remembered_anew_even_if_it_says_the_same(
    store: Path, points: Path, tmp_path: Path
) -> None:
    store.write_text(f'data_dir = "{tmp_path}"\n{STORE}')
    words = ("--points", points, "--config", store, "--camera", "ceiling", "--height", 3.1)
    signature = Signature(np.ones((48, 64), np.uint8), 9.5, (416, 281))
    for more, said, kept in (
        (("--write",), "written to", False),
        ((), "verdict", True),
        (("--write",), "says so already", False),
    ):
        camera = parse(store.read_text(), where="store.toml").cameras[0]
        save_signature(tmp_path, camera, signature)
        result = calibrate(*words, *more)
        assert (result.exit_code, said in result.output) == (0, True), result.output
        assert (load_signature(tmp_path, camera) is not None) == kept
        assert bool(list((tmp_path / "cameras").iterdir())) == kept


def test_the_points_of_the_file_are_judged(store: Path) -> None:
    result = calibrate("--config", store, "--camera", "ceiling")
    assert "four points always agree" in result.output
    assert "--height" in result.output


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--points", "POINTS"), "--size 1280x720"),
        (("--points", "POINTS", "--size", "640"), "--size 640: give width and height"),
        (("--points", "POINTS", "--size", "400x400"), "point 1 at .* is outside"),
        (("--points", "POINTS", "--size", "640x480", "--lens", "big"), "--lens big"),
        (("--points", "POINTS", "--size", "640x480", "--write"), "--write needs --config"),
        (("--points", "/no.csv", "--size", "640x480"), "no.csv cannot be read"),
        (("--config", "STORE", "--camera", "door"), "one of store.toml: ceiling"),
        (("--size", "640x480"), "give --points"),
        (("--image", "POINTS"), "--image needs --tags"),
        (("--image", "POINTS", "--points", "POINTS"), "not both"),
    ],
)
def test_a_wrong_command_is_told_its_mend(
    store: Path, points: Path, words: tuple[str, ...], says: str
) -> None:
    places = {"POINTS": points, "STORE": store}
    result = calibrate(*(places.get(word, word) for word in words))
    assert result.exit_code == 2, result.output
    assert re.search(says, result.output, re.DOTALL), result.output


def test_a_mistyped_point_is_named_and_nothing_is_written(store: Path, points: Path) -> None:
    points.write_text(POINTS.replace("470,340,4,1", "470,340,4,2.5"))
    words = ("--points", points, "--config", store, "--camera", "ceiling", "--write")
    result = calibrate(*words, "--height", 3.1)
    assert result.exit_code == 2
    assert re.search(r"point 7 is 1\.5 m off.*measure it again", result.output), result.output
    assert store.read_text() == STORE


def test_tags_are_printed(tmp_path: Path) -> None:
    result = calibrate("--print-tags", tmp_path / "tags.pdf")
    assert result.exit_code == 0
    assert (tmp_path / "tags.pdf").read_bytes().count(b"/Type /Page ") == SHEETS
    result = calibrate("--print-tags", tmp_path)
    assert result.exit_code == 3
    assert "cannot be written" in result.output


@pytest.mark.skipif(not FOOTAGE.is_dir(), reason="the PETS footage is not part of the project")
def test_real_points_of_pets() -> None:
    result = calibrate("--points", FOOTAGE / "floor_points.csv", "--size", "768x576")
    assert result.exit_code == 0, result.output
    said = r"lens: pinhole.*\ncamera: 7\.\d+ m over.*\nnote: .* aslant.*\nverdict: good"
    assert re.search(said, result.output)
