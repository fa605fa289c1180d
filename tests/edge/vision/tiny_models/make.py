"""Write the two tiny nets the detector's tests run: ``python make.py`` (needs the onnx package).

``centres.onnx`` believes the mean brightness of each 4 x 4 block and puts a person of 8 x 16
pixels there, the foot 8 pixels below; ``boxes.onnx`` gives the same three boxes for every image,
scored by the image's mean brightness.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

HERE = Path(__file__).parent
WIDTH, HEIGHT = 64, 32


def _model(
    nodes: list[onnx.NodeProto],
    constants: dict[str, np.ndarray],
    outputs: dict[str, tuple[int, ...]],
) -> bytes:
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, (1, 3, HEIGHT, WIDTH))],
        [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
            for name, shape in outputs.items()
        ],
        [
            numpy_helper.from_array(value.astype(np.float32), name)
            for name, value in constants.items()
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])
    model.ir_version = 8
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def centres() -> bytes:
    """Give the net that marks bright blocks."""
    geometry = np.array([2, 2, 8, 16, 2, 10])
    return _model(
        [
            helper.make_node("Conv", ["image", "mean"], ["heat"], strides=[4, 4]),
            helper.make_node("Conv", ["image", "zero", "what"], ["geometry"], strides=[4, 4]),
        ],
        {
            "mean": np.full((1, 3, 4, 4), 1 / 48),
            "zero": np.zeros((6, 3, 4, 4)),
            "what": geometry,
        },
        {"heat": (1, 1, HEIGHT // 4, WIDTH // 4), "geometry": (1, 6, HEIGHT // 4, WIDTH // 4)},
    )


def boxes() -> bytes:
    """Give the net that always sees the same three boxes, two of them of one person."""
    there = np.array([[[8, 4, 16, 20], [9, 5, 17, 21], [40, 4, 48, 20]]])
    return _model(
        [
            helper.make_node("ReduceMean", ["image"], ["grey"], keepdims=0),
            helper.make_node("Mul", ["grey", "each"], ["scores"]),
            helper.make_node("Mul", ["grey", "nought"], ["nothing"]),
            helper.make_node("Add", ["there", "nothing"], ["boxes"]),
        ],
        {"each": np.array([[0.9, 0.8, 0.7]]), "nought": np.zeros(1), "there": there},
        {"boxes": (1, 3, 4), "scores": (1, 3)},
    )


if __name__ == "__main__":
    (HERE / "centres.onnx").write_bytes(centres())
    (HERE / "boxes.onnx").write_bytes(boxes())
