from __future__ import annotations

import pytest

from edge.errors import ModelError
from edge.vision.manifest import Boxes, CentrePoints, parse_manifest

TEXT = """
name = "n"
version = "1"
file = "n.onnx"
sha256 = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
licence = "Apache-2.0"
trained_on = "nothing"
[input]
tensor = "image"
width = 416
height = 288
colour = "bgr"
mean = [1, 2, 3]
scale = 0.5
[output]
kind = "centre-points"
stride = 4
heat = "heat"
geometry = "geometry"
channels = ["width", "height", "foot_dx", "foot_dy"]
point = "foot"
point_height_m = 0.0
confidence = 0.3
"""


def test_a_manifest_is_read() -> None:
    manifest = parse_manifest(TEXT.encode(), path="m.toml")
    assert isinstance(manifest.output, CentrePoints)
    assert manifest.input.letterbox_value == 114
    assert manifest.input.mean == (1.0, 2.0, 3.0)


def test_a_manifest_of_boxes_is_read() -> None:
    head = TEXT[: TEXT.index("[output]")]
    text = head + (
        '[output]\nkind = "boxes-scores"\nboxes = "b"\nscores = "s"\n'
        'point = "head"\npoint_height_m = 1.7\nconfidence = 0.5\n'
    )
    manifest = parse_manifest(text.encode(), path="m.toml")
    assert isinstance(manifest.output, Boxes)
    assert manifest.output.point_height_m == 1.7


@pytest.mark.parametrize(
    ("was", "becomes", "says"),
    [
        ('name = "n"', "name = ", "not a model manifest"),
        ('version = "1"\n', "", "version"),
        ("stride = 4", "stride = 4\nanchors = 3", "anchors"),
        ('"centre-points"', '"yolo"', "yolo"),
        ('file = "n.onnx"', 'file = "../n.onnx"', "file"),
        ('sha256 = "aa', 'sha256 = "a', "sha256"),
        ("width = 416", "width = 0", "width"),
        ("confidence = 0.3", "confidence = 1.5", "confidence"),
        ('"foot_dx", ', "", "'foot_dx' once"),
        ('point = "foot"', 'point = "knee"', "knee"),
        ("mean = [1, 2, 3]", "mean = [1, 2]", "mean"),
    ],
)
def test_what_is_wrong_is_named_with_the_file(was: str, becomes: str, says: str) -> None:
    assert was in TEXT
    with pytest.raises(ModelError) as caught:
        parse_manifest(TEXT.replace(was, becomes).encode(), path="models/m.toml")
    assert "models/m.toml" in str(caught.value)
    assert says in str(caught.value)


def test_bytes_that_are_no_text_are_refused() -> None:
    with pytest.raises(ModelError, match=r"m\.toml: not a model manifest"):
        parse_manifest(b"\xff\xfe\x00name", path="m.toml")
