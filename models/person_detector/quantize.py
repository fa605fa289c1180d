"""Make a detector's INT8 twin: ``python -m models.person_detector.quantize --to FOLDER``.

Weights get a scale for each output channel, activations one for each tensor, taken from rendered
pictures; every convolution but the last ones, which the figures come out of, works in INT8 (QDQ
form). Needs the extras ``edge`` and ``train``. Prints JSON: size, milliseconds and, on rendered
parts that training does not use, F1, all beside the original's. What to expect: ``INT8.md``.

Source: Krishnamoorthi, Quantizing deep convolutional networks, 2018 (per-channel weights).
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path

import cv2
import numpy as np
import onnx
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QuantFormat,
    QuantType,
    quantize_static,
)
from onnxruntime.quantization.shape_inference import quant_pre_process

from edge.vision.detection import Backdrop, Floats
from edge.vision.onnx_io import Detector, load_detector, shipped_manifest
from models.person_detector.evaluate import LEVELS, Match, run, score
from models.person_detector.parts import WORK, Picture, load

METHODS = {
    "minmax": CalibrationMethod.MinMax,
    "percentile": CalibrationMethod.Percentile,
    "entropy": CalibrationMethod.Entropy,
}
OPERATIONS = ["Conv", "Relu", "Add", "Concat", "Resize", "MaxPool", "DepthToSpace"]
"""Of them, those before the last convolution: each that stays out costs a way there and back."""
WARM_UP = 5


class Pictures(CalibrationDataReader):  # type: ignore[misc]  # the library is untyped
    """Prepares pictures as the detector does; every third without a background."""

    def __init__(self, detector: Detector, *, pictures: Sequence[Picture]) -> None:
        self._name = detector.manifest.input.tensor
        self._prepared = self._prepare(detector, pictures)

    def get_next(self) -> dict[str, Floats] | None:
        """Give the next input, None at the end."""
        prepared = next(self._prepared, None)
        return None if prepared is None else {self._name: prepared}

    @staticmethod
    def _prepare(detector: Detector, pictures: Sequence[Picture]) -> Iterator[Floats]:
        for number, picture in enumerate(pictures):
            backdrop = behind(picture, detector) if number % 3 else None
            yield detector.prepare(detector.fit(picture.image()), backdrop=backdrop)


def quantize(
    manifest: Path, *, to: Path, pictures: Sequence[Picture], method: str, keep_last: bool = True
) -> Path:
    """Write the INT8 twin of a model, and its manifest.

    Args:
        manifest: of the original.
        to: folder for the twin.
        pictures: activations' ranges come from these.
        method: one of ``METHODS``.
        keep_last: the last convolutions stay in floating point.

    Returns:
        The twin's manifest.
    """
    detector = load_detector(manifest)
    original = manifest.parent / detector.manifest.file
    to.mkdir(parents=True, exist_ok=True)
    twin = to / f"{original.stem}.int8.onnx"
    with tempfile.TemporaryDirectory() as folder:
        ready = Path(folder) / "ready.onnx"
        quant_pre_process(original, ready, skip_symbolic_shape=True)
        quantize_static(
            ready,
            twin,
            Pictures(detector, pictures=pictures),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            op_types_to_quantize=OPERATIONS,
            nodes_to_exclude=_after(ready, last=keep_last),
            calibrate_method=METHODS[method],
        )
    text = manifest.read_text(encoding="utf-8")
    for key, value in (
        ("file", twin.name),
        ("sha256", sha256(twin.read_bytes()).hexdigest()),
        ("version", f"{detector.manifest.version}+int8"),
    ):
        text = re.sub(rf'^{key} = ".*"', f'{key} = "{value}"', text, flags=re.MULTILINE)
    said = to / "manifest.toml"
    said.write_text(text, encoding="utf-8")
    return said


def _after(path: Path, *, last: bool) -> list[str]:
    """Name the nodes behind the last convolutions, and those themselves if ``last``."""
    nodes = onnx.load(path).graph.node
    needed: set[str] = set()  # tensors a convolution depends on
    behind_last = []
    for node in reversed(nodes):
        leads_on = any(name in needed for name in node.output)
        if leads_on or node.op_type == "Conv":
            needed.update(node.input)
        if not leads_on and (last or node.op_type != "Conv"):
            behind_last.append(node.name)
    return behind_last


def behind(picture: Picture, detector: Detector) -> Backdrop:
    """Give a picture's background as the detector takes it."""
    canvas = detector.fit(picture.room.image).canvas
    return Backdrop(canvas, np.ones(canvas.shape[:2], dtype=np.bool_))


def net_ms(detectors: dict[str, Detector], pictures: Sequence[Picture]) -> dict[str, float]:
    """Give each net's median milliseconds of CPU on one thread, taken turn by turn."""
    spent: dict[str, list[float]] = {name: [] for name in detectors}
    for picture in pictures:
        for name, detector in detectors.items():
            prepared = detector.prepare(
                detector.fit(picture.image()), backdrop=behind(picture, detector)
            )
            began = time.thread_time()
            detector.run(prepared)
            spent[name].append(1000 * (time.thread_time() - began))
    return {name: round(statistics.median(each[WARM_UP:]), 2) for name, each in spent.items()}


def accuracy(detector: Detector, pictures: Sequence[Picture]) -> dict[str, object]:
    """Give F1 at the manifest's confidence, and the best, by kind of view."""
    told: dict[str, object] = {}
    for view in ("all", *sorted({one.view for one in pictures})):
        mine = [one for one in pictures if view in {"all", one.view}]
        outcomes, _ = run(detector, mine, backdrop=True, match=Match())
        told[view] = {
            "f1": score(outcomes, confidence=detector.confidence)["f1"],
            "best_f1": max(score(outcomes, confidence=level)["f1"] for level in LEVELS),
        }
    return told


def main() -> None:
    """Quantise, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, default=shipped_manifest(), help="a manifest.toml")
    parser.add_argument("--to", type=Path, required=True, help="folder for the twin")
    parser.add_argument("--parts", default="mesh-*", help="of work/: calibrate on these")
    parser.add_argument("--test", default="test-*", help="of work/: measure on these")
    parser.add_argument("--count", type=int, default=96, help="pictures to calibrate on")
    parser.add_argument("--method", choices=sorted(METHODS), default="minmax")
    parser.add_argument("--all", action="store_true", help="the last convolutions too")
    given = parser.parse_args()
    cv2.setNumThreads(1)
    rng = np.random.default_rng(0)
    pool = [one for path in sorted(WORK.glob(f"{given.parts}.npz")) for one in load(path)]
    chosen = [pool[number] for number in rng.permutation(len(pool))[: given.count]]
    twin = quantize(
        given.model,
        to=given.to,
        pictures=chosen,
        method=given.method,
        keep_last=not given.all,
    )
    test = [one for path in sorted(WORK.glob(f"{given.test}.npz")) for one in load(path)]
    detectors = {"original": load_detector(given.model), "int8": load_detector(twin)}
    sizes = {
        name: (manifest.parent / detectors[name].manifest.file).stat().st_size
        for name, manifest in (("original", given.model), ("int8", twin))
    }
    told = {
        "bytes": sizes,
        "net_ms": net_ms(detectors, test[:80]),
        "accuracy": {name: accuracy(each, test) for name, each in detectors.items()},
    }
    print(json.dumps(told, indent=1))


if __name__ == "__main__":
    main()
