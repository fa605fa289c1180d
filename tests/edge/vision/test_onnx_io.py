from __future__ import annotations

import re
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest

from edge.errors import ModelError
from edge.vision.detection import Backdrop
from edge.vision.onnx_io import load_detector, shipped_manifest

MODELS = Path(__file__).parent / "tiny_models"
CENTRES = """
kind = "centre-points"
stride = 4
heat = "heat"
geometry = "geometry"
channels = ["centre_dx", "centre_dy", "width", "height", "foot_dx", "foot_dy"]
point = "foot"
point_height_m = 0.0
confidence = 0.6
"""
BOXES = """
kind = "boxes-scores"
boxes = "boxes"
scores = "scores"
point = "head"
point_height_m = 1.7
confidence = 0.6
"""
CHANGE = """
kind = "centre-points"
stride = 4
heat = "heat"
geometry = "geometry"
channels = [
  "centre_dx", "centre_dy", "width", "height", "foot_dx", "foot_dy", "head_dx", "head_dy",
]
point = "foot"
point_height_m = 0.0
confidence = 0.6
"""
YOLOX = """
kind = "yolox"
output = "output"
classes = 2
person = 1
point = "foot"
point_height_m = 0.0
confidence = 0.6
"""


def _install(folder: Path, model: bytes, *, output: str, signed: bytes | None = None) -> Path:
    digest = sha256(model if signed is None else signed).hexdigest()
    (folder / "net.onnx").write_bytes(model)
    manifest = folder / "manifest.toml"
    manifest.write_text(
        f'name = "tiny"\nversion = "1"\nfile = "net.onnx"\nsha256 = "{digest}"\n'
        'licence = "Apache-2.0"\ntrained_on = "nothing"\n'
        '[input]\ntensor = "image"\nwidth = 64\nheight = 32\ncolour = "bgr"\n'
        "mean = [0, 0, 0]\nscale = 0.003921569\nletterbox_value = 0\n"
        f"[output]{output}"
    )
    return manifest


@pytest.fixture
def centres() -> bytes:
    return (MODELS / "centres.onnx").read_bytes()


def test_people_are_found_where_they_are_in_the_image(tmp_path: Path, centres: bytes) -> None:
    detector = load_detector(_install(tmp_path, centres, output=CENTRES))
    image = np.zeros((64, 128, 3), np.uint8)
    image[16:24, 40:48] = 255
    image[32:40, 80:88] = 102
    (sure, unsure) = detector.detect(image)
    assert (sure.x_px, sure.y_px) == pytest.approx((44.0, 36.0))
    assert (sure.width_px, sure.height_px) == pytest.approx((16.0, 32.0))
    assert sure.confidence == pytest.approx(1.0, abs=1e-5)
    assert unsure.confidence == pytest.approx(0.4, abs=1e-5)
    assert detector.detect(image, least=0.6) == [sure]
    assert (detector.confidence, detector.point_height_m) == (0.6, 0.0)


def test_boxes_are_found_once_each(tmp_path: Path) -> None:
    boxes = (MODELS / "boxes.onnx").read_bytes()
    detector = load_detector(_install(tmp_path, boxes, output=BOXES))
    found = detector.detect(np.full((32, 64, 3), 255, np.uint8))
    assert [(one.x_px, one.y_px) for one in found] == [(12.0, 4.0), (44.0, 4.0)]
    assert detector.detect(np.zeros((32, 64, 3), np.uint8)) == []


def _install_change(folder: Path) -> Path:
    manifest = _install(folder, (MODELS / "change.onnx").read_bytes(), output=CHANGE)
    text = manifest.read_text().replace("width = 64\nheight = 32", "pixels = 4096\nmultiple = 16")
    text = text.replace('colour = "bgr"', 'planes = ["b", "g", "r", "change"]')
    manifest.write_text(text.replace("mean = [0, 0, 0]", "mean = 0"))
    return manifest


def test_a_net_of_free_size_sees_what_changed_before_a_backdrop(tmp_path: Path) -> None:
    detector = load_detector(_install_change(tmp_path))
    image = np.full((96, 128, 3), 50, np.uint8)
    image[32:40, 64:72] = 250
    fitted = detector.fit(image)
    assert (fitted.canvas.shape, fitted.scale) == ((48, 64, 3), 0.5)
    assert detector.find(fitted) == []
    known = np.ones((48, 64), np.bool_)
    known[:8] = False
    backdrop = Backdrop(np.full((48, 64, 3), 50, np.uint8), known)
    (one,) = detector.find(fitted, backdrop=backdrop, least=0.6)
    assert detector.detect(image, backdrop=backdrop, least=0.6) == [one]
    assert (one.x_px, one.y_px) == pytest.approx((68.0, 52.0))
    assert (one.head_x_px, one.head_y_px) == pytest.approx((68.0, 20.0))
    assert (one.centre_x_px, one.centre_y_px) == pytest.approx((68.0, 36.0))
    assert one.confidence == pytest.approx(1.0, abs=1e-5)
    everything = detector.find(fitted, backdrop=backdrop, least=0.5)
    assert len(everything) == 12 * 16 - 2 * 16


def test_a_net_of_one_size_is_not_taken_for_one_of_free_size(
    tmp_path: Path, centres: bytes
) -> None:
    manifest = _install(tmp_path, centres, output=CENTRES)
    text = manifest.read_text().replace("width = 64\nheight = 32", "pixels = 4096\nmultiple = 16")
    manifest.write_text(text)
    with pytest.raises(ModelError, match=r"net\.onnx: .*belong to different models"):
        load_detector(manifest)


def test_a_yolox_net_works_by_its_manifest(tmp_path: Path) -> None:
    yolox = (MODELS / "yolox.onnx").read_bytes()
    detector = load_detector(_install(tmp_path, yolox, output=YOLOX))
    image = np.zeros((64, 128, 3), np.uint8)
    image[24, 88] = 255  # the middle of a cell of 8 x 8 of the net's pixels, at half the size
    image[25, 89] = image[24, 89] = image[25, 88] = 255
    (one,) = detector.detect(image)
    assert (one.x_px, one.y_px) == pytest.approx((88.0, 32.0))
    assert (one.width_px, one.height_px) == pytest.approx((16.0, 16.0))
    assert (one.centre_x_px, one.centre_y_px) == pytest.approx((88.0, 24.0))
    assert one.confidence == pytest.approx(1.0, abs=1e-5)


@pytest.mark.parametrize("change", ["strides = [8, 16]", "classes = 3", "strides = [4, 16, 32]"])
def test_a_yolox_net_of_another_head_is_refused(tmp_path: Path, change: str) -> None:
    yolox = (MODELS / "yolox.onnx").read_bytes()
    output = YOLOX.replace("classes = 2", change if "classes" in change else "classes = 2")
    manifest = _install(tmp_path, yolox, output=output)
    if "strides" in change:
        manifest.write_text(manifest.read_text() + change + "\n")
    with pytest.raises(ModelError, match=r"net\.onnx: .*belong to different models"):
        load_detector(manifest)


def test_an_image_of_any_size_will_do(tmp_path: Path, centres: bytes) -> None:
    detector = load_detector(_install(tmp_path, centres, output=CENTRES))
    for shape in ((1, 1, 3), (1080, 1920, 3), (300, 20, 3)):
        assert detector.detect(np.zeros(shape, np.uint8)) == []


def test_a_missing_manifest_and_a_missing_model_are_named(tmp_path: Path, centres: bytes) -> None:
    with pytest.raises(ModelError, match=r"none\.toml: no such model manifest: correct the path"):
        load_detector(tmp_path / "none.toml")
    manifest = _install(tmp_path, centres, output=CENTRES)
    (tmp_path / "net.onnx").unlink()
    with pytest.raises(ModelError, match=r"net\.onnx: no such model: correct the path"):
        load_detector(manifest)


def test_a_truncated_model_is_refused_by_its_hash(tmp_path: Path, centres: bytes) -> None:
    manifest = _install(tmp_path, centres[:-100], output=CENTRES, signed=centres)
    with pytest.raises(ModelError, match=r"net\.onnx: \d+ bytes with sha256 .*: cut short, or"):
        load_detector(manifest)


@pytest.mark.parametrize("model", [b"", b"this is no model", bytes(64)])
def test_a_file_that_is_no_model_is_refused_though_signed(tmp_path: Path, model: bytes) -> None:
    with pytest.raises(ModelError, match=r"net\.onnx: ONNX Runtime .* cannot read this model"):
        load_detector(_install(tmp_path, model, output=CENTRES))


def test_a_truncated_model_signed_as_such_is_refused(tmp_path: Path, centres: bytes) -> None:
    with pytest.raises(ModelError, match=r"net\.onnx: "):
        load_detector(_install(tmp_path, centres[:-100], output=CENTRES))


@pytest.mark.parametrize(
    ("was", "becomes"),
    [
        ("stride = 4", "stride = 8"),
        ('heat = "heat"', 'heat = "warmth"'),
        ('"centre_dx", "centre_dy", ', ""),
        ('geometry = "geometry"', 'geometry = "heat"'),
    ],
)
def test_another_models_manifest_is_refused(
    tmp_path: Path, centres: bytes, was: str, becomes: str
) -> None:
    manifest = _install(tmp_path, centres, output=CENTRES.replace(was, becomes))
    with pytest.raises(ModelError, match=r"net\.onnx: .*belong to different models"):
        load_detector(manifest)


@pytest.mark.parametrize(
    ("was", "becomes"), [("width = 64", "width = 96"), ('tensor = "image"', 'tensor = "picture"')]
)
def test_an_input_the_model_does_not_have_is_refused(
    tmp_path: Path, centres: bytes, was: str, becomes: str
) -> None:
    manifest = _install(tmp_path, centres, output=CENTRES)
    manifest.write_text(manifest.read_text().replace(was, becomes))
    with pytest.raises(ModelError, match=r"net\.onnx: .*belong to different models"):
        load_detector(manifest)


def test_refusals_are_silent_on_the_terminal(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(ModelError):
        load_detector(_install(tmp_path, b"no model", output=CENTRES))
    assert capfd.readouterr() == ("", "")


def test_the_detector_that_ships_loads_and_looks() -> None:
    detector = load_detector(shipped_manifest())
    assert re.fullmatch(r"\d+\.\d+\.\d+", detector.manifest.version)
    grey = np.full((432, 640, 3), 128, np.uint8)
    assert detector.detect(grey, least=0.9) == []
