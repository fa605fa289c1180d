"""The person detector: an ONNX file run by ONNX Runtime on one thread."""

from __future__ import annotations

from hashlib import sha256
from importlib import resources
from pathlib import Path

import numpy as np
import onnxruntime as ort
from onnxruntime.capi import onnxruntime_pybind11_state as ort_errors

from edge.errors import ModelError
from edge.vision.detection import (
    UNSURE,
    Detection,
    Floats,
    Image,
    decode_boxes,
    decode_centre_points,
    letterbox,
    tensor,
)
from edge.vision.manifest import CentrePoints, Manifest, parse_manifest

FATAL_ONLY = 4
"""ONNX Runtime's log level; what it refuses comes as an exception."""

_REFUSALS = (
    ort_errors.Fail,
    ort_errors.InvalidArgument,
    ort_errors.InvalidGraph,
    ort_errors.InvalidProtobuf,
    ort_errors.NotImplemented,
    ort_errors.RuntimeException,
)


class Detector:
    """Finds people in images; make it by ``load_detector``.

    Attributes:
        manifest: what the model is.
    """

    def __init__(self, manifest: Manifest, *, session: ort.InferenceSession) -> None:
        self.manifest = manifest
        self._session = session

    @property
    def confidence(self) -> float:
        """Confidence above which a detection is believed."""
        return self.manifest.output.confidence

    @property
    def point_height_m(self) -> float:
        """Height over the floor of the point a detection gives."""
        return self.manifest.output.point_height_m

    def detect(self, image: Image, *, least: float | None = None) -> list[Detection]:
        """Find the people in an image, the most confident first.

        Args:
            image: (H, W, 3) uint8, planes blue, green, red.
            least: confidence below which nobody is given; ``UNSURE`` times the manifest's
                confidence if not said.
        """
        asked, given = self.manifest.input, self.manifest.output
        canvas, scale = letterbox(
            image, width_px=asked.width, height_px=asked.height, value=asked.letterbox_value
        )
        first, second = self._run(canvas)
        floor = UNSURE * given.confidence if least is None else least
        if isinstance(given, CentrePoints):
            return decode_centre_points(
                first,
                second,
                stride_px=given.stride,
                channels=given.channels,
                point=given.point,
                least=floor,
                scale=scale,
            )
        return decode_boxes(first, second, point=given.point, least=floor, scale=scale)

    def _run(self, canvas: Image) -> tuple[Floats, Floats]:
        asked = self.manifest.input
        each = asked.scale if isinstance(asked.scale, tuple) else (asked.scale,) * 3
        image = tensor(canvas, colour=asked.colour, mean=asked.mean, scale=each)
        first, second = self._session.run(list(_outputs(self.manifest)), {asked.tensor: image})
        return first, second


def shipped_manifest() -> Path:
    """Give the manifest of the detector that comes with aislewise."""
    return Path(str(resources.files("models.person_detector").joinpath("manifest.toml")))


def load_detector(manifest_path: Path) -> Detector:
    """Read a manifest and the model it names, and try the model on one empty image.

    Raises:
        ModelError: either file is missing or not what it should be.
    """
    manifest = parse_manifest(_read(manifest_path, what="model manifest"), path=str(manifest_path))
    path = manifest_path.parent / manifest.file
    model = _read(path, what="model")
    digest = sha256(model).hexdigest()
    if digest != manifest.sha256:
        raise ModelError(
            f"{path}: {len(model)} bytes with sha256 {digest[:12]}…, but {manifest_path.name} says "
            f"{manifest.sha256[:12]}…: cut short, or another model's; copy file and manifest again"
        )
    detector = Detector(manifest, session=_session(model, path=path))
    _refuse_misfit(detector, path=path)
    return detector


def _read(path: Path, *, what: str) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise ModelError(
            f"{path}: no such {what}: correct the path, or install aislewise again"
        ) from error
    except OSError as error:
        raise ModelError(f"{path}: cannot read the {what}: {error.strerror}") from error


def _session(model: bytes, *, path: Path) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    # A spinning pool would heat the box between two images.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.inter_op.allow_spinning", "0")
    options.log_severity_level = FATAL_ONLY
    try:
        return ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except _REFUSALS as error:
        raise ModelError(
            f"{path}: ONNX Runtime {ort.__version__} cannot read this model "
            f"({_first_line(error)}): copy it again, or upgrade onnxruntime"
        ) from error


def _refuse_misfit(detector: Detector, *, path: Path) -> None:
    """Raise if the graph's names or shapes are not the manifest's."""
    asked, given = detector.manifest.input, detector.manifest.output
    try:
        first, second = detector._run(  # noqa: SLF001 - the module's own class
            np.full((asked.height, asked.width, 3), asked.letterbox_value, dtype=np.uint8)
        )
    except (*_REFUSALS, ValueError) as error:
        raise ModelError(
            f"{path}: the model does not take or give what its manifest says "
            f"({_first_line(error)}): file and manifest belong to different models"
        ) from error
    wanted: tuple[tuple[str, tuple[int, ...]], ...]
    if isinstance(given, CentrePoints):
        grid = (asked.height // given.stride, asked.width // given.stride)
        wanted = ((given.heat, (1, 1, *grid)), (given.geometry, (1, len(given.channels), *grid)))
    else:
        count = first.shape[1] if first.ndim > 1 else -1
        wanted = ((given.boxes, (1, count, 4)), (given.scores, (1, count)))
    for (name, shape), found in zip(wanted, (first, second), strict=True):
        if found.shape != shape:
            raise ModelError(
                f"{path}: output {name!r} has shape {found.shape}, its manifest implies {shape}: "
                "file and manifest belong to different models"
            )


def _outputs(manifest: Manifest) -> tuple[str, str]:
    given = manifest.output
    if isinstance(given, CentrePoints):
        return given.heat, given.geometry
    return given.boxes, given.scores


def _first_line(error: Exception) -> str:
    return str(error).split("\n", maxsplit=1)[0]
