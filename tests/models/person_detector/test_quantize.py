from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest

from edge.vision.detection import Backdrop
from edge.vision.onnx_io import load_detector
from models.person_detector.parts import Empty, Picture, encoded

onnx = pytest.importorskip("onnx", reason="needs the extra 'train'")

MANIFEST = """
name = "small"
version = "1.0.0"
file = "small.onnx"
sha256 = "{digest}"
licence = "Apache-2.0"
trained_on = "nothing"
[input]
tensor = "image"
pixels = 4096
multiple = 16
planes = ["b", "g", "r", "change"]
mean = 127.5
scale = 0.0078431373
[output]
kind = "centre-points"
stride = 4
heat = "heat"
geometry = "geometry"
channels = ["width", "height", "foot_dx", "foot_dy"]
point = "foot"
point_height_m = 0.0
confidence = 0.5
"""


def _net() -> bytes:
    """Give a net of a stem, a residual block and two heads, with weights by chance."""
    chance = np.random.default_rng(1)
    shapes = {"stem": (16, 4, 4, 4), "look": (16, 1, 3, 3), "mix": (16, 16, 1, 1)}
    shapes |= {"hot": (1, 16, 1, 1), "what": (4, 16, 1, 1)}
    make, float_ = onnx.helper.make_node, onnx.TensorProto.FLOAT
    nodes = [
        make("Conv", ["image", "stem"], ["a"], "stem", strides=[4, 4]),
        make("Relu", ["a"], ["b"], "relu"),
        make("Conv", ["b", "look"], ["c"], "look", group=16, pads=[1, 1, 1, 1]),
        make("Conv", ["c", "mix"], ["d"], "mix"),
        make("Add", ["b", "d"], ["e"], "add"),
        make("Relu", ["e"], ["f"], "relu-of-sum"),
        make("Conv", ["f", "hot"], ["g"], "hot"),
        make("Sigmoid", ["g"], ["heat"], "sigmoid"),
        make("Conv", ["f", "what"], ["geometry"], "what"),
    ]
    value = onnx.helper.make_tensor_value_info
    graph = onnx.helper.make_graph(
        nodes,
        "small",
        [value("image", float_, (1, 4, "height", "width"))],
        [value("heat", float_, (1, 1, "r", "c")), value("geometry", float_, (1, 4, "r", "c"))],
        [
            onnx.numpy_helper.from_array(
                (chance.normal(0, 1, shape) / np.sqrt(np.prod(shape[1:]))).astype(np.float32), name
            )
            for name, shape in shapes.items()
        ],
    )
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)])
    model.ir_version = 8
    return bytes(model.SerializeToString())


@pytest.mark.filterwarnings("default")  # what is tested warns by itself
def test_the_twin_says_nearly_the_same_in_integers(tmp_path: Path) -> None:
    from models.person_detector.quantize import quantize  # noqa: PLC0415 -- needs onnx

    net = _net()
    (tmp_path / "small.onnx").write_bytes(net)
    manifest = tmp_path / "manifest.toml"
    manifest.write_text(MANIFEST.format(digest=sha256(net).hexdigest()))
    chance = np.random.default_rng(2)
    pictures = []
    for rows in (48, 64, 48, 64):
        image = np.kron(chance.integers(0, 256, (rows // 8, 8, 3)), np.ones((8, 8, 1)))
        jpeg = encoded(image.astype(np.uint8))
        empty = Empty(encoded(np.full_like(image, 128, dtype=np.uint8)))
        pictures.append(Picture(jpeg, empty, np.zeros((0, 11), np.float32), "hall"))
    twin = quantize(manifest, to=tmp_path / "twin", pictures=pictures, method="minmax")
    original, whole = load_detector(manifest), load_detector(twin)
    assert whole.manifest.version == "1.0.0+int8"
    graph = onnx.load(tmp_path / "twin" / whole.manifest.file).graph
    stays = [node for node in graph.node if node.name in {"hot", "what"}]
    quantised = {node.name for node in graph.node if node.op_type == "DequantizeLinear"}
    assert len(stays) == 2
    assert any("stem" in name for name in quantised)
    assert not any("hot" in name or "what" in name for name in quantised)
    fitted = original.fit(pictures[0].image())
    backdrop = Backdrop(np.full_like(fitted.canvas, 128), np.ones(fitted.canvas.shape[:2], bool))
    prepared = original.prepare(fitted, backdrop=backdrop)
    for one, other in zip(original.run(prepared), whole.run(prepared), strict=True):
        assert np.abs(one - other).mean() < 0.1 * one.std()
