"""A detector somebody brings: look at its ONNX file, write its manifest, and try both."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np
import onnxruntime as ort

from edge.errors import ModelError
from edge.vision.onnx_io import REFUSALS, load_detector, read_model, session_of

FAMILIES = ((8, 16, 32), (8, 16, 32, 64))
"""Strides of YOLOX's heads."""
BOX = 4
SCORED = 5
"""A box and whether there is anything, before the classes."""
COLOURS = 3
TRIES = 5
GUIDE = "models/README.md, 'Bring another detector'"

_TEXT = """\
# By aisle-edge detector, from the file's own shapes. They do not tell the order of colours (here
# blue, green, red) or their scale (0 to 255: YOLOX since 0.1.1), see {guide}.
name = {name}
version = {version}
file = {file}
sha256 = "{digest}"
licence = {licence}
trained_on = {trained_on}

[input]
tensor = {tensor}
width = {width}
height = {height}
planes = ["b", "g", "r"]
mean = 0
scale = 1

[output]
{output}point = "foot"
point_height_m = 0.0
confidence = {confidence:g}
"""


@dataclass(frozen=True, slots=True)
class Told:
    """What only a person knows of a model.

    Attributes:
        licence: of the weights.
        version: of them.
        trained_on: what they learnt from.
        confidence: above which a detection is believed to be a person.
    """

    licence: str
    version: str
    trained_on: str
    confidence: float


@dataclass(frozen=True, slots=True)
class Adopted:
    """What was written.

    Attributes:
        manifest: its path.
        kind: of output.
        ms: of one picture, this machine, the fastest of a few.
    """

    manifest: Path
    kind: str
    ms: float


def adopt(model: Path, *, told: Told) -> Adopted:
    """Write the manifest of a YOLOX or a boxes-and-scores model beside it, and try both.

    Raises:
        ModelError: not such a model, one of no fixed size, or a manifest that is there already.
    """
    path = model.with_suffix(".toml")
    if path.exists():
        raise ModelError(f"{path}: is there already: move it away, or use it as it is")
    data = read_model(model, what="model")
    session = session_of(data, path=model)
    tensor, (height, width) = _input(session, path=model)
    kind, output = _output(session, tensor=tensor, size=(height, width), path=model)
    given = {"name": model.stem, "version": told.version, "file": model.name, "tensor": tensor}
    given |= {"licence": told.licence, "trained_on": told.trained_on}
    text = _TEXT.format(
        **{name: json.dumps(value) for name, value in given.items()},
        digest=sha256(data).hexdigest(),
        width=width,
        height=height,
        output=output,
        confidence=told.confidence,
        guide=GUIDE,
    )
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ModelError(f"{path}: cannot be written: {error.strerror}") from error
    try:
        ms = _tried_ms(path, size=(height, width))
    except ModelError:
        path.unlink()
        raise
    return Adopted(path, kind, ms)


def _input(session: ort.InferenceSession, *, path: Path) -> tuple[str, tuple[int, int]]:
    """Give the input's name, and its rows and columns."""
    inputs = session.get_inputs()
    shape = inputs[0].shape
    whole = len(shape) == 4 and all(isinstance(side, int) for side in shape[1:])  # noqa: PLR2004 - picture, plane, row, column
    if len(inputs) != 1 or not whole or shape[1] != COLOURS or shape[0] not in (1, "batch", None):
        told = "; ".join(f"{one.name} {one.shape}" for one in inputs)
        raise ModelError(
            f"{path}: takes {told}, not one picture (1, 3, rows, columns) of a fixed size: export "
            f"it so, or write its manifest by hand ({GUIDE})"
        )
    return inputs[0].name, (shape[2], shape[3])


def _output(
    session: ort.InferenceSession, *, tensor: str, size: tuple[int, int], path: Path
) -> tuple[str, str]:
    """Give the kind of output, and its lines of the manifest, by a trial on a grey picture."""
    names = [one.name for one in session.get_outputs()]
    grey = np.full((1, COLOURS, *size), 114, np.float32)
    try:
        outputs = dict(zip(names, session.run(names, {tensor: grey}), strict=True))
    except REFUSALS as error:  # such as one that takes half-precision numbers
        raise ModelError(
            f"{path}: does not run on a grey picture of float32 numbers "
            f"({str(error).splitlines()[0]}): export it so ({GUIDE})"
        ) from error
    shapes = {name: np.shape(one) for name, one in outputs.items()}
    if len(names) == 1:
        count, columns = shapes[names[0]][-2:] if len(shapes[names[0]]) == COLOURS else (0, 0)
        for strides in FAMILIES:
            cells = sum((size[0] // stride) * (size[1] // stride) for stride in strides)
            if count == cells and columns > SCORED:
                # Not decoded, a centre is given from its own cell, so that none comes far.
                decoded = float(outputs[names[0]][0, :, 0].max()) > size[1] / 2
                return "yolox", (
                    f'kind = "yolox"\noutput = {json.dumps(names[0])}\nstrides = {list(strides)}\n'
                    f"classes = {columns - SCORED}\nperson = 0\ndecoded = {str(decoded).lower()}\n"
                )
    if len(names) == 2:  # noqa: PLR2004 - boxes, and scores
        boxes, scores = sorted(names, key=lambda name: -len(shapes[name]))
        if shapes[boxes] == (*shapes[scores], BOX):
            return "boxes-scores", (
                f'kind = "boxes-scores"\nboxes = {json.dumps(boxes)}\n'
                f"scores = {json.dumps(scores)}\n"
            )
    given = "; ".join(f"{name} {shape}" for name, shape in shapes.items())
    raise ModelError(
        f"{path}: gives {given}: neither YOLOX's (1, cells, 5 + classes) nor boxes (1, N, 4) and "
        f"scores (1, N): export it so ({GUIDE})"
    )


def _tried_ms(manifest: Path, *, size: tuple[int, int]) -> float:
    detector, spent = load_detector(manifest), []
    for _ in range(TRIES):
        began = time.thread_time()
        detector.detect(np.full((*size, COLOURS), 114, np.uint8))
        spent.append(1_000 * (time.thread_time() - began))
    return min(spent)
