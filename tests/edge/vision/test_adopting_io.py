from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from edge.errors import ModelError
from edge.vision.adopting_io import Told, adopt
from edge.vision.manifest import Boxes, Yolox
from edge.vision.onnx_io import load_detector

NETS = Path(__file__).parent / "tiny_models"
TOLD = Told('MIT, "as is"', "2", "nothing", 0.3)


def _copied(name: str, tmp_path: Path) -> Path:
    return Path(shutil.copy(NETS / f"{name}.onnx", tmp_path / "their net.onnx"))


def test_a_yolox_file_gets_a_manifest_that_loads(tmp_path: Path) -> None:
    adopted = adopt(_copied("yolox", tmp_path), told=TOLD)
    manifest = load_detector(adopted.manifest).manifest
    given = manifest.output
    assert isinstance(given, Yolox)
    assert (adopted.kind, given.classes, given.strides, given.decoded) == (
        "yolox",
        2,
        (8, 16, 32),
        False,
    )
    assert (manifest.name, manifest.licence, given.confidence) == ("their net", TOLD.licence, 0.3)
    assert (manifest.input.width, manifest.input.height) == (64, 32)
    assert adopted.ms > 0
    with pytest.raises(ModelError, match=r"their net\.toml: is there already"):
        adopt(tmp_path / "their net.onnx", told=TOLD)


def test_boxes_and_scores_are_told_apart(tmp_path: Path) -> None:
    adopted = adopt(_copied("boxes", tmp_path), told=TOLD)
    given = load_detector(adopted.manifest).manifest.output
    assert isinstance(given, Boxes)
    assert given.outputs == ("boxes", "scores")


@pytest.mark.parametrize(
    ("net", "why"),
    [
        ("upright", r"gives output \(1, 256, 6\): neither YOLOX's"),  # one stride
        ("centres", r"gives heat \(1, 1, 8, 16\); geometry"),
        ("half", r"does not run on a grey picture of float32"),
        ("change", r"takes image \[1, 4, 'height', 'width'\], not one picture"),
    ],
)
def test_others_are_refused_by_what_they_take_and_give(net: str, why: str, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=why):
        adopt(_copied(net, tmp_path), told=TOLD)
    assert [one.name for one in tmp_path.iterdir()] == ["their net.onnx"]


def test_what_is_no_model_is_refused(tmp_path: Path) -> None:
    page = tmp_path / "net.onnx"
    with pytest.raises(ModelError, match="no such model"):
        adopt(page, told=TOLD)
    page.write_text("<html>sign in to download</html>")
    with pytest.raises(ModelError, match="cannot read this model"):
        adopt(page, told=TOLD)
