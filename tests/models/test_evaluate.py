"""The whole of ``make evaluate`` on tiny folders of each layout, with nets that see squares."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.vision.onnx_io import Detector, load_detector
from models.evaluate import evaluate, main
from models.evaluation.folders import DataError

NETS = Path(__file__).parents[1] / "edge" / "vision" / "tiny_models"
SQUARE_PX = 8  # a cell of the net, at half the images' size
HEAD = (4.0, -12.0)  # of a square's corner, as the net tells it
MANIFEST = """
name = "tiny"
version = "1"
file = "net.onnx"
sha256 = "{digest}"
licence = "Apache-2.0"
trained_on = "nothing"
[input]
tensor = "image"
{input}
mean = 0
scale = 0.003921569
[output]
kind = "centre-points"
stride = 4
heat = "heat"
geometry = "geometry"
channels = [{channels}]
point = "foot"
point_height_m = 0.0
confidence = 0.8
"""
CHANNELS = '"centre_dx", "centre_dy", "width", "height", "foot_dx", "foot_dy"'


def _install(folder: Path, net: str, **places: str) -> Path:
    model = (NETS / net).read_bytes()
    folder.mkdir()
    (folder / "net.onnx").write_bytes(model)
    manifest = folder / "manifest.toml"
    manifest.write_text(MANIFEST.format(digest=sha256(model).hexdigest(), **places))
    return manifest


@pytest.fixture
def bright(tmp_path: Path) -> Detector:
    """A net that sees white squares."""
    size = "width = 64\nheight = 32\ncolour = 'bgr'"
    return load_detector(
        _install(tmp_path / "bright", "centres.onnx", input=size, channels=CHANNELS)
    )


@pytest.fixture
def changed(tmp_path: Path) -> Detector:
    """A net that sees squares that differ from the background, and knows their heads."""
    size = "pixels = 2048\nmultiple = 16\nplanes = ['b', 'g', 'r', 'change']"
    channels = CHANNELS + ', "head_dx", "head_dy"'
    return load_detector(
        _install(tmp_path / "changed", "change.onnx", input=size, channels=channels)
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "footage"
    folder.mkdir()
    return folder


def _picture(squares: Sequence[tuple[int, int]], *, floor: int = 40) -> np.ndarray:
    image = np.full((64, 128, 3), floor, np.uint8)
    for col, row in squares:
        left, top = col * SQUARE_PX, row * SQUARE_PX
        image[top : top + SQUARE_PX, left : left + SQUARE_PX] = 255
    return image


def _write(path: Path, rows: Sequence[dict[str, object]]) -> None:
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def _heads(folder: Path, *, count: int, prefix: str, chance: np.random.Generator) -> None:
    rows = []
    for number in range(1, count + 1):
        squares = {(int(chance.integers(16)), int(chance.integers(2, 6))) for _ in range(2)}
        name = f"{prefix}{number:04d}.png"
        cv2.imwrite(str(folder / name), _picture(sorted(squares)))
        rows += [
            {"file": name, "x_px": 8 * col + HEAD[0], "y_px": 8 * row + HEAD[1]}
            for col, row in squares
        ]
    path = folder / "heads.csv"
    if path.exists():
        rows = list(csv.DictReader(path.read_text().splitlines())) + rows
    _write(path, rows)


def test_heads_with_a_background_from_the_other_images_of_each_sequence(
    folder: Path, changed: Detector
) -> None:
    chance = np.random.default_rng(1)
    _heads(folder, count=12, prefix="a_", chance=chance)
    _heads(folder, count=3, prefix="b_", chance=chance)
    cv2.imwrite(str(folder / "a_9999.png"), _picture([]))
    figures = evaluate(folder, detector=changed)
    assert (figures["layout"], figures["images"]) == ("images + heads.csv", 16)
    assert figures["images_without_people"] == 1
    assert figures["without_background"]["head"]["at_shipped_confidence"]["recall"] == 0.0
    behind = figures["with_background"]
    assert behind["background"] == {
        "a_0001.png and 12 more": "median of the 12 other images of the sequence",
        "b_0001.png and 2 more": "none: too few images, or not one fixed camera's",
    }
    shipped = behind["head"]["at_shipped_confidence"]
    assert shipped["precision"] == 1.0
    assert 0.7 < shipped["recall"] < 1.0  # all of a_, none of b_
    assert set(behind["ms"]) == {"prepare", "net", "read", "total"}
    assert "15 px" in figures["rules"]["head"]
    assert len(behind["head"]["over_thresholds"]) == 19


def test_many_images_are_looked_at_as_the_agent_would(folder: Path, changed: Detector) -> None:
    _heads(folder, count=62, prefix="hall_", chance=np.random.default_rng(2))
    behind = evaluate(folder, detector=changed)["with_background"]
    assert list(behind["background"].values()) == [
        "learnt from the images before, as the agent does"
    ]
    shipped = behind["head"]["at_shipped_confidence"]
    assert shipped["precision"] > 0.95
    assert 0.5 < shipped["recall"] < 0.9  # ten images pass before anything is known
    none = evaluate(folder, detector=changed, backgrounds="none")
    assert "with_background" not in none


def test_turned_boxes(folder: Path, bright: Detector) -> None:
    cv2.imwrite(str(folder / "one.png"), _picture([(4, 2), (10, 4)]))
    cv2.imwrite(str(folder / "other.png"), _picture([(4, 2)]))
    # The net's boxes are 16 x 32 upright, about the square's middle.
    rows = [
        {"file": "one.png", "cx": 36, "cy": 20, "w": 32, "h": 16, "degrees": 90},
        {"file": "one.png", "cx": 84, "cy": 36, "w": 16, "h": 32, "degrees": -90},
        {"file": "other.png", "cx": 80, "cy": 36, "w": 16, "h": 32, "degrees": 0},
    ]
    _write(folder / "boxes.csv", rows)
    figures = evaluate(folder, detector=bright)
    assert not figures["looks_at_change"]
    assert set(figures["rules"]) == {"in_box", "turned_box"}
    assert "sectors" not in figures
    looked = figures["without_background"]
    assert looked["in_box"]["people"] == 3
    assert looked["in_box"]["at_shipped_confidence"]["recall"] == pytest.approx(2 / 3, abs=1e-4)
    assert looked["in_box"]["at_shipped_confidence"]["precision"] == pytest.approx(2 / 3, abs=1e-4)
    assert looked["turned_box"]["at_shipped_confidence"]["recall"] == pytest.approx(2 / 3, abs=1e-4)
    assert looked["in_box"]["recall_at_precision_0.85_threshold_chosen_on_this_data"] is None


UPRIGHT = """
name = "upright"
version = "1"
file = "net.onnx"
sha256 = "{digest}"
licence = "Apache-2.0"
trained_on = "nothing"
[input]
tensor = "image"
width = 128
height = 128
mean = 0
scale = 0.003921569
letterbox_value = 0
[output]
kind = "yolox"
output = "output"
strides = [8]
classes = 1
point = "foot"
point_height_m = 0.0
confidence = 0.6
"""


@pytest.fixture
def upright(tmp_path: Path) -> Detector:
    """A net that knows people, red above blue, only while they stand up."""
    model, place = (NETS / "upright.onnx").read_bytes(), tmp_path / "upright"
    place.mkdir()
    (place / "net.onnx").write_bytes(model)
    (place / "manifest.toml").write_text(UPRIGHT.format(digest=sha256(model).hexdigest()))
    return load_detector(place / "manifest.toml")


def _ring(folder: Path, *, floor: int) -> None:
    """Write a ceiling fisheye's pictures of 240 px: people point away from the middle."""
    rows = []
    for number, angles in enumerate([(10.0, 62, 115, 181, 243, 300), (90.0, 200, 335)]):
        image = np.zeros((240, 240, 3), np.uint8)
        cv2.circle(image, (120, 120), 110, (floor,) * 3, -1)
        for angle in angles:
            turn = np.radians(angle)
            out, aside = (np.sin(turn), -np.cos(turn)), (np.cos(turn), np.sin(turn))
            for colour, near, far in (((255, 0, 0), 37, 55), ((0, 0, 255), 55, 73)):
                corners = [
                    [120 + along * o + across * a for o, a in zip(out, aside, strict=True)]
                    for along, across in ((near, -6), (near, 6), (far, 6), (far, -6))
                ]
                cv2.fillPoly(image, [np.round(corners).astype(np.int32)], colour)
            x, y = (120 + 55 * o for o in out)
            name = f"hall_{number}.png"
            rows.append({"file": name, "cx": x, "cy": y, "w": 12, "h": 36, "degrees": angle})
        cv2.imwrite(str(folder / name), image)
    _write(folder / "boxes.csv", rows)


@pytest.mark.parametrize(("floor", "why"), [(40, "a bright disc"), (0, "boxes turned all ways")])
def test_a_ceiling_fisheye_is_looked_at_through_sectors_too(
    folder: Path, upright: Detector, floor: int, why: str
) -> None:
    _ring(folder, floor=floor)
    figures = evaluate(folder, detector=upright)
    assert why in figures["sectors"]["because"]
    short = figures["in_short"]
    assert list(short) == ["without_background", "6_sectors_without_background"]
    native, around = short.values()
    assert around["recall_at_precision_0.85"] > 0.8
    assert native["best_f1"] < 0.4
    assert around["best_f1"] > 0.8
    assert around["ms"] > native["ms"] > 0
    (told,) = figures["sectors"]["lens_guessed"].values()
    assert told.startswith("a disc found: radius 110 px" if floor else "no disc seen")
    assert "180 degrees over it" in told


def test_sectors_are_as_told(folder: Path, upright: Detector, bright: Detector) -> None:
    _ring(folder, floor=40)
    assert list(evaluate(folder, detector=upright, sectors=0)["in_short"]) == ["without_background"]
    asked = evaluate(folder, detector=upright, sectors=8, lens_deg=160.0)
    assert "8_sectors_without_background" in asked["in_short"]
    assert "160 degrees" in str(asked["sectors"]["lens_guessed"])
    with pytest.raises(DataError, match="2 sectors: give 4 to 12"):
        evaluate(folder, detector=upright, sectors=2)
    for file in folder.iterdir():
        file.unlink()
    _clip(folder, frames=3)
    with pytest.raises(DataError, match="sectors are for images"):
        evaluate(folder, detector=bright, sectors=6)


def _clip(folder: Path, *, frames: int) -> None:
    """Film two squares that walk to the right for six seconds; a pixel is 5 cm."""
    writer = cv2.VideoWriter(
        str(folder / "video.avi"), cv2.VideoWriter.fourcc(*"MJPG"), 10, (128, 64)
    )
    rows = []
    for frame in range(frames):
        squares = {1: (frame // 4, 2), 2: (15 - frame // 4, 5)}
        writer.write(_picture(list(squares.values())))
        for person, (col, row) in squares.items():
            foot = (8 * col + 4, 8 * row + 20)
            rows.append(
                {"frame": frame, "person": person, "x_px": foot[0] - 8, "y_px": foot[1] - 32}
                | {"w_px": 16, "h_px": 32, "east_m": 0.05 * foot[0], "north_m": -0.05 * foot[1]}
            )
    writer.release()
    _write(folder / "truth.csv", rows)
    corners = [(0, 0), (127, 0), (0, 63), (127, 63), (64, 32)]
    points = [{"x_px": x, "y_px": y, "east_m": 0.05 * x, "north_m": -0.05 * y} for x, y in corners]
    _write(folder / "floor_points.csv", points)


def test_a_clip_is_followed_on_the_floor(folder: Path, bright: Detector) -> None:
    _clip(folder, frames=60)
    figures = evaluate(folder, detector=bright)
    assert (figures["images"], figures["images_judged"]) == (60, 60)
    assert figures["frames_a_second"] == 10
    looked = figures["without_background"]
    for rule in ("centre", "floor"):
        assert looked[rule]["at_shipped_confidence"]["f1"] > 0.95, rule
    assert looked["box"]["average_precision"] > 0.5
    given = looked["tracks_on_floor"]["as_given"]
    assert given["mota"] > 0.9
    assert given["idf1"] > 0.9
    assert given["hota"] > 0.7
    assert given["people"] == 120
    slower = evaluate(folder, detector=bright, fps=5.0)
    assert slower["frames_a_second"] == 5


def test_a_clip_is_also_looked_at_before_its_background(folder: Path, changed: Detector) -> None:
    _clip(folder, frames=60)
    figures = evaluate(folder, detector=changed, fps=2.0)
    assert figures["without_background"]["floor"]["at_shipped_confidence"]["recall"] == 0.0
    behind = figures["with_background"]["floor"]["at_shipped_confidence"]
    assert 0.5 < behind["recall"] < 0.9  # ten seconds pass before anything is known


def test_a_clip_shorter_than_its_truth_is_refused(
    folder: Path, bright: Detector, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _clip(folder, frames=12)
    rows = list(csv.DictReader((folder / "truth.csv").read_text().splitlines()))
    rows[-1]["frame"] = "12"
    _write(folder / "truth.csv", rows)
    with pytest.raises(SystemExit) as ended:
        main([str(folder), "--model", str(tmp_path / "bright" / "manifest.toml")])
    assert ended.value.code == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert "video.avi: 12 frames, but truth.csv names 12" in told.err
    assert bright.confidence == 0.8


def test_the_command_prints_json(
    folder: Path, bright: Detector, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _heads(folder, count=2, prefix="x", chance=np.random.default_rng(5))
    main([str(folder), "--model", str(tmp_path / "bright" / "manifest.toml")])
    told = json.loads(capsys.readouterr().out)
    assert told["model"] == f"{bright.manifest.name} 1"
    assert told["shipped_confidence"] == 0.8
