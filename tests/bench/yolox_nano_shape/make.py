"""Write a net of YOLOX-nano's shape, to be timed: ``python make.py`` (needs the onnx package).

Shape only: every layer, width and size of the published net (Ge et al., YOLOX, 2021; depth 0.33,
width 0.25, depthwise convolutions, 80 classes, 416 x 416; 0.91 M parameters), but each weight is a
constant that keeps signals of an ordinary size. It finds nothing. A convolution takes the same time
whatever its weights are, so that the milliseconds are those of the real one; the file is small, as
ONNX Runtime fills the constants in when it loads it.
"""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

HERE = Path(__file__).parent
SIDE = 416
CLASSES = 80


class Graph:
    """A graph that is being written down, a layer at a time."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self.parameters = 0
        self._channels = {"images": 3}

    def op(self, kind: str, inputs: list[str], *, channels: int, **attributes: object) -> str:
        name = f"t{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [name], **attributes))
        self._channels[name] = channels
        return name

    def filled(self, shape: tuple[int, ...], value: float) -> str:
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.array(shape, np.int64), name))
        self.parameters += int(np.prod(shape))
        each = numpy_helper.from_array(np.array([value], np.float32))
        return self.op("ConstantOfShape", [name], channels=0, value=each)

    def conv(
        self,
        x: str,
        outputs: int,
        *,
        size: int = 1,
        step: int = 1,
        groups: int = 1,
        bias: float = 0.5,
    ) -> str:
        inputs = self._channels[x] // groups
        weights = self.filled((outputs, inputs, size, size), 0.5 / (inputs * size * size))
        return self.op(
            "Conv",
            [x, weights, self.filled((outputs,), bias)],
            channels=outputs,
            strides=[step, step],
            pads=[size // 2] * 4,
            group=groups,
        )

    def silu(self, x: str) -> str:
        channels = self._channels[x]
        return self.op("Mul", [x, self.op("Sigmoid", [x], channels=channels)], channels=channels)

    def base(self, x: str, outputs: int, *, size: int = 1, step: int = 1) -> str:
        return self.silu(self.conv(x, outputs, size=size, step=step))

    def deep(self, x: str, outputs: int, *, step: int = 1) -> str:
        channels = self._channels[x]
        looked = self.silu(self.conv(x, channels, size=3, step=step, groups=channels))
        return self.base(looked, outputs)

    def join(self, *parts: str) -> str:
        return self.op(
            "Concat", list(parts), channels=sum(self._channels[part] for part in parts), axis=1
        )

    def csp(self, x: str, outputs: int, *, count: int = 1, shortcut: bool = False) -> str:
        half = outputs // 2
        one, other = self.base(x, half), self.base(x, half)
        for _ in range(count):
            inner = self.deep(self.base(one, half), half)
            one = self.op("Add", [one, inner], channels=half) if shortcut else inner
        return self.base(self.join(one, other), outputs)

    def pools(self, x: str, outputs: int) -> str:
        x = self.base(x, outputs // 2)
        sizes = [
            self.op(
                "MaxPool",
                [x],
                channels=outputs // 2,
                kernel_shape=[size, size],
                pads=[size // 2] * 4,
                strides=[1, 1],
            )
            for size in (5, 9, 13)
        ]
        return self.base(self.join(x, *sizes), outputs)

    def doubled(self, x: str) -> str:
        scales = numpy_helper.from_array(np.array([1, 1, 2, 2], np.float32), f"s{len(self.nodes)}")
        self.constants.append(scales)
        return self.op(
            "Resize",
            [x, "", scales.name],
            channels=self._channels[x],
            mode="nearest",
            coordinate_transformation_mode="asymmetric",
            nearest_mode="floor",
        )

    def head(self, x: str) -> str:
        x = self.base(x, 64)
        what, where = self.deep(self.deep(x, 64), 64), self.deep(self.deep(x, 64), 64)
        box = self.conv(where, 4, bias=0.0)
        there = self.op("Sigmoid", [self.conv(where, 1, bias=-30.0)], channels=1)
        kinds = self.op("Sigmoid", [self.conv(what, CLASSES)], channels=CLASSES)
        return self.op("Reshape", [self.join(box, there, kinds), "flat"], channels=5 + CLASSES)


def _net(graph: Graph) -> None:
    even = [
        graph.op("Slice", ["images", f"from{down}{right}", "ends", "axes", "steps"], channels=3)
        for right in (0, 1)
        for down in (0, 1)
    ]
    x = graph.base(graph.join(*even), 16, size=3)
    x = graph.csp(graph.deep(x, 32, step=2), 32, shortcut=True)
    at8 = graph.csp(graph.deep(x, 64, step=2), 64, count=3, shortcut=True)
    at16 = graph.csp(graph.deep(at8, 128, step=2), 128, count=3, shortcut=True)
    at32 = graph.csp(graph.pools(graph.deep(at16, 256, step=2), 256), 256)
    low32 = graph.base(at32, 128)
    mid16 = graph.csp(graph.join(graph.doubled(low32), at16), 128)
    low16 = graph.base(mid16, 64)
    out8 = graph.csp(graph.join(graph.doubled(low16), at8), 64)
    out16 = graph.csp(graph.join(graph.deep(out8, 64, step=2), low16), 128)
    out32 = graph.csp(graph.join(graph.deep(out16, 128, step=2), low32), 256)
    rows = graph.op(
        "Concat", [graph.head(each) for each in (out8, out16, out32)], channels=0, axis=2
    )
    graph.nodes.append(helper.make_node("Transpose", [rows], ["output"], perm=[0, 2, 1]))


def yolox_nano() -> bytes:
    """Give the model's bytes."""
    graph = Graph()
    _net(graph)
    numbers = {
        "flat": [1, 5 + CLASSES, -1],
        "ends": [SIDE, SIDE],
        "axes": [2, 3],
        "steps": [2, 2],
        **{f"from{down}{right}": [down, right] for down in (0, 1) for right in (0, 1)},
    }
    graph.constants += [
        numpy_helper.from_array(np.array(value, np.int64), name) for name, value in numbers.items()
    ]
    cells = sum((SIDE // stride) ** 2 for stride in (8, 16, 32))
    made = helper.make_graph(
        graph.nodes,
        "yolox-nano-shape",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, (1, 3, SIDE, SIDE))],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, (1, cells, 5 + CLASSES))],
        graph.constants,
    )
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 13)])
    model.ir_version = 8
    onnx.checker.check_model(model)
    print(f"{graph.parameters} parameters")
    return bytes(model.SerializeToString())


MANIFEST = """name = "yolox-nano's shape"
version = "1.0.0"
file = "net.onnx"
sha256 = "{digest}"
licence = "Apache-2.0"
trained_on = "nothing: every weight is a constant; only its milliseconds mean anything"

[input]
tensor = "images"
width = 416
height = 416
planes = ["b", "g", "r"]
mean = 0
scale = 1

[output]
kind = "yolox"
output = "output"
point = "foot"
point_height_m = 0.0
confidence = 0.4
"""


if __name__ == "__main__":
    net = yolox_nano()
    (HERE / "net.onnx").write_bytes(net)
    (HERE / "manifest.toml").write_text(MANIFEST.format(digest=sha256(net).hexdigest()))
