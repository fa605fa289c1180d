"""Write the tiny nets the detector's tests run: ``python make.py`` (needs the onnx package).

``centres.onnx`` believes the mean brightness of each 4 x 4 block and puts a person of 8 x 16
pixels there, the foot 8 pixels below; ``boxes.onnx`` gives the same three boxes for every image,
scored by the image's mean brightness. ``change.onnx`` takes any size and believes the fourth
plane. ``yolox.onnx`` has the raw head of that family: each cell's object score is the middle of
its 8, 16 or 32 pixels, and its box one cell. ``upright.onnx`` has one stride of it and knows
people standing up only: red above, blue below. ``half.onnx`` takes half-precision numbers.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

HERE = Path(__file__).parent
WIDTH, HEIGHT = 64, 32
SHAPE = "shape"  # the one constant that holds whole numbers


def _model(
    nodes: list[onnx.NodeProto],
    constants: dict[str, np.ndarray],
    outputs: dict[str, tuple[int | str, ...]],
    *,
    image: tuple[int | str, ...] = (1, 3, HEIGHT, WIDTH),
) -> bytes:
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, image)],
        [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
            for name, shape in outputs.items()
        ],
        [
            numpy_helper.from_array(value.astype(np.int64 if name == SHAPE else np.float32), name)
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


def change() -> bytes:
    """Give the net of free size that marks what has changed; the head is 6 pixels up."""
    mean = np.zeros((1, 4, 4, 4))
    mean[0, 3] = 1 / 16
    return _model(
        [
            helper.make_node("Conv", ["image", "mean"], ["heat"], strides=[4, 4]),
            helper.make_node("Conv", ["image", "zero", "what"], ["geometry"], strides=[4, 4]),
        ],
        {
            "mean": mean,
            "zero": np.zeros((8, 4, 4, 4)),
            "what": np.array([2, 2, 8, 16, 2, 10, 2, -6]),
        },
        {"heat": (1, 1, "rows", "cols"), "geometry": (1, 8, "rows", "cols")},
        image=(1, 4, "height", "width"),
    )


def yolox() -> bytes:
    """Give the net with YOLOX's raw head over two classes, the second of them people."""
    nodes, constants, rows = [], {SHAPE: np.array([1, 7, -1])}, []
    for stride in (8, 16, 32):
        middle = np.zeros((7, 3, stride, stride))
        middle[4, :, stride // 2, stride // 2] = 1 / 3
        constants |= {f"k{stride}": middle, f"b{stride}": np.array([0.5, 0.5, 0, 0, 0, 0, 1])}
        names = ["image", f"k{stride}", f"b{stride}"]
        nodes += [
            helper.make_node("Conv", names, [f"map{stride}"], strides=[stride, stride]),
            helper.make_node("Reshape", [f"map{stride}", SHAPE], [f"rows{stride}"]),
        ]
        rows.append(f"rows{stride}")
    nodes += [
        helper.make_node("Concat", rows, ["all"], axis=2),
        helper.make_node("Transpose", ["all"], ["output"], perm=[0, 2, 1]),
    ]
    cells = sum(HEIGHT // stride * (WIDTH // stride) for stride in (8, 16, 32))
    return _model(nodes, constants, {"output": (1, cells, 7)})


def upright() -> bytes:
    """Give the net that scores what is red 7 pixels above a cell's middle and blue 7 below."""
    side, stride, away = 128, 8, 7
    middle = stride // 2
    looks = np.zeros((6, 3, 2 * away + 1, middle + 1))
    red_not_blue = np.array([-0.5, 0, 0.5])
    looks[4, :, 0, middle], looks[4, :, -1, middle] = red_not_blue, -red_not_blue
    cells = (side // stride) ** 2
    nodes = [
        helper.make_node(
            "Conv",
            ["image", "looks", "box"],
            ["map"],
            strides=[stride, stride],
            pads=[away - middle, 0, away - middle + 1, 0],
        ),
        helper.make_node("Reshape", ["map", SHAPE], ["rows"]),
        helper.make_node("Transpose", ["rows"], ["output"], perm=[0, 2, 1]),
    ]
    sizes = np.log(np.array([32, 40]) / stride)
    constants = {
        "looks": looks,
        "box": np.array([0.5, 0.5, *sizes, 0, 1]),
        SHAPE: np.array([1, 6, -1]),
    }
    return _model(nodes, constants, {"output": (1, cells, 6)}, image=(1, 3, side, side))


def half() -> bytes:
    """Give back an image of half-precision numbers."""
    told = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT16, (1, 3, HEIGHT, WIDTH))
        for name in ("image", "output")
    ]
    nodes = [helper.make_node("Identity", ["image"], ["output"])]
    graph = helper.make_graph(nodes, "tiny", told[:1], told[1:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return bytes(model.SerializeToString())


if __name__ == "__main__":
    (HERE / "upright.onnx").write_bytes(upright())
    (HERE / "centres.onnx").write_bytes(centres())
    (HERE / "boxes.onnx").write_bytes(boxes())
    (HERE / "change.onnx").write_bytes(change())
    (HERE / "yolox.onnx").write_bytes(yolox())
    (HERE / "half.onnx").write_bytes(half())
