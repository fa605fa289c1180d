from __future__ import annotations

import re
from pathlib import Path

import pytest

from edge.errors import ModelError
from edge.vision.manifest import Boxes, CentrePoints, Yolox, parse_manifest
from edge.vision.watching import SightParams

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
    assert manifest.input.means == (1.0, 2.0, 3.0)
    assert manifest.input.scales == (0.5, 0.5, 0.5)
    assert manifest.input.order == ("b", "g", "r")
    assert manifest.input.fit(480, 640).width_px == 416


def test_a_manifest_may_tell_errors_and_when_a_track_begins() -> None:
    told = TEXT + "begins = 0.5\npoint_error = 0.11\nhead_error = 0.035\n"
    params = SightParams.of(parse_manifest(told.encode(), path="m.toml"))
    assert (params.body_share, params.head_share, params.unsure) == (0.11, 0.035, 1.0)
    assert params.kept == 0.5
    assert SightParams.of(parse_manifest(TEXT.encode(), path="m.toml")) == SightParams()
    with pytest.raises(ModelError, match=r"begins = 0\.2 is below confidence = 0\.3"):
        parse_manifest((TEXT + "begins = 0.2\n").encode(), path="m.toml")


@pytest.mark.parametrize(
    ("told", "wrong"),
    [
        ("geometry_stride = 6", "geometry_stride = 6 is no multiple of stride = 4"),
        ("geometry_stride = 2", "no multiple of stride = 4"),
        ("same_head = 0.2", "same_head needs the channels 'head_dx' and 'head_dy'"),
        ("near_foot = 0.3", "near_foot needs point = 'foot' and the channels 'near_foot_dx'"),
    ],
)
def test_a_manifest_whose_cells_or_heads_do_not_fit_is_refused(told: str, wrong: str) -> None:
    with pytest.raises(ModelError, match=wrong):
        parse_manifest((TEXT + told).encode(), path="m.toml")


def test_a_manifest_of_a_net_of_free_size_that_sees_change_is_read() -> None:
    text = (
        TEXT.replace("width = 416\nheight = 288", "pixels = 122880\nmultiple = 16")
        .replace('colour = "bgr"', 'planes = ["b", "g", "r", "change"]')
        .replace("mean = [1, 2, 3]", "mean = 127.5")
    )
    asked = parse_manifest(text.encode(), path="m.toml").input
    assert asked.order == ("b", "g", "r", "change")
    assert asked.means == (127.5,) * 4
    assert (asked.fit(480, 640).width_px, asked.fit(480, 640).height_px) == (400, 304)


def test_a_manifest_of_boxes_is_read() -> None:
    head = TEXT[: TEXT.index("[output]")]
    text = head + (
        '[output]\nkind = "boxes-scores"\nboxes = "b"\nscores = "s"\n'
        'point = "head"\npoint_height_m = 1.7\nconfidence = 0.5\n'
    )
    manifest = parse_manifest(text.encode(), path="m.toml")
    assert isinstance(manifest.output, Boxes)
    assert manifest.output.point_height_m == 1.7


def test_a_manifest_of_yolox_is_read() -> None:
    head = TEXT[: TEXT.index("[output]")]
    text = head + (
        '[output]\nkind = "yolox"\noutput = "output"\n'
        'point = "foot"\npoint_height_m = 0.0\nconfidence = 0.3\n'
    )
    output = parse_manifest(text.encode(), path="m.toml").output
    assert isinstance(output, Yolox)
    assert (output.strides, output.classes, output.outputs) == ((8, 16, 32), 80, ("output",))
    with pytest.raises(ModelError, match="person = 80 is none of 80 classes"):
        parse_manifest((text + "person = 80\n").encode(), path="m.toml")


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
        ("mean = [1, 2, 3]", "mean = [1, 2]", "mean has 2 numbers for 3 planes"),
        ("width = 416", "pixels = 90000", "give width and height, or pixels and multiple"),
        ("width = 416\n", "", "give width and height, or pixels and multiple"),
        ("width = 416\nheight = 288", "pixels = 256\nmultiple = 32", "pixels is less"),
        ('colour = "bgr"', 'colour = "bgr"\nplanes = ["b"]', "planes or colour"),
        ('colour = "bgr"', 'planes = ["b", "g", "b"]', "planes names one twice"),
        ('colour = "bgr"', 'planes = ["b", "g", "depth"]', "depth"),
        ('"width", "height"', '"width", "height", "head_dx"', "'head_dy' with it"),
        ('"width", "height"', '"width", "width", "height"', "'width' once"),
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


def test_the_guides_manifests_are_manifests() -> None:
    guide = (Path(__file__).parents[3] / "models" / "README.md").read_text(encoding="utf-8")
    whole, *outputs = re.findall(r"```toml\n(.*?)```", guide, flags=re.DOTALL)
    whole = whole.replace('"…"', f'"{64 * "a"}"')
    head = whole[: whole.index("[output]")]
    kinds = [
        type(parse_manifest(text.encode(), path="README.md").output)
        for text in (whole, *(head + output for output in outputs))
    ]
    assert kinds == [Yolox, Boxes, CentrePoints]
