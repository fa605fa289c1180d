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
    Backdrop,
    Detection,
    Fitted,
    Floats,
    Image,
    decode_boxes,
    decode_centre_points,
    decode_yolox,
    letterbox,
    tensor,
)
from edge.vision.manifest import Boxes, CentrePoints, Manifest, parse_manifest

FATAL_ONLY = 4
"""ONNX Runtime's log level; what it refuses comes as an exception."""

TRIAL_SHAPES = ((480, 640), (432, 768))
"""Images a model is tried on: a net of free size must take both shapes."""

REFUSALS = (
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
    def begins(self) -> float:
        """Confidence above which a detection may begin a track."""
        given = self.manifest.output
        begins = given.begins if isinstance(given, CentrePoints) else None
        return self.confidence if begins is None else begins

    @property
    def point_height_m(self) -> float:
        """Height over the floor of the point a detection gives."""
        return self.manifest.output.point_height_m

    def detect(
        self, image: Image, *, backdrop: Backdrop | None = None, least: float | None = None
    ) -> list[Detection]:
        """Find the people in an image, the most confident first.

        Args:
            image: (H, W, 3) uint8, planes blue, green, red.
            backdrop: as in ``find``.
            least: as in ``find``.
        """
        return self.find(self.fit(image), backdrop=backdrop, least=least)

    def fit(self, image: Image) -> Fitted:
        """Bring an image, (H, W, 3) uint8, to the net's size; equal shapes give equal sizes."""
        asked = self.manifest.input
        rows, cols = image.shape[:2]
        return letterbox(image, fit=asked.fit(rows, cols), value=asked.letterbox_value)

    def find(
        self, fitted: Fitted, *, backdrop: Backdrop | None = None, least: float | None = None
    ) -> list[Detection]:
        """Find the people in a fitted image, the most confident first.

        Args:
            fitted: by ``fit``.
            backdrop: what the camera sees without people, of the canvas' size; nets that do not
                look at change do without.
            least: confidence below which nobody is given; ``UNSURE`` times the manifest's
                confidence if not said.

        Returns:
            In pixels of the image that was fitted.
        """
        return self.read(self.run(self.prepare(fitted, backdrop=backdrop)), of=fitted, least=least)

    def prepare(self, fitted: Fitted, *, backdrop: Backdrop | None = None) -> Floats:
        """Make the net's input of a fitted image: the first of the three steps of ``find``."""
        asked = self.manifest.input
        return tensor(
            fitted.canvas,
            planes=asked.order,
            mean=asked.means,
            scale=asked.scales,
            backdrop=backdrop,
        )

    def run(self, prepared: Floats) -> list[Floats]:
        """Run the net; the second of the three steps of ``find``."""
        given = self.manifest.output.outputs
        outputs: list[Floats] = self._session.run(
            list(given), {self.manifest.input.tensor: prepared}
        )
        return outputs

    def read(
        self, outputs: list[Floats], *, of: Fitted, least: float | None = None
    ) -> list[Detection]:
        """Make detections of what the net gave; the last of the three steps of ``find``."""
        least = UNSURE * self.confidence if least is None else least
        given = self.manifest.output
        if isinstance(given, CentrePoints):
            heat, geometry = outputs
            return decode_centre_points(
                heat,
                geometry,
                stride_px=given.stride,
                channels=given.channels,
                point=given.point,
                least=least,
                scale=of.scale,
                same_head=given.same_head,
                near_foot=given.near_foot,
            )
        if isinstance(given, Boxes):
            boxes, scores = outputs
        else:
            boxes, scores = decode_yolox(
                outputs[0],
                size=of.canvas.shape[:2],
                strides=given.strides,
                person=given.person,
                decoded=given.decoded,
            )
        return decode_boxes(boxes, scores, point=given.point, least=least, scale=of.scale)


def shipped_manifest() -> Path:
    """Give the manifest of the detector that comes with aislewise."""
    return Path(str(resources.files("models.person_detector").joinpath("manifest.toml")))


def load_detector(manifest_path: Path) -> Detector:
    """Read a manifest and the model it names, and try the model on one empty image.

    Raises:
        ModelError: either file is missing or not what it should be.
    """
    manifest = parse_manifest(
        read_model(manifest_path, what="model manifest"), path=str(manifest_path)
    )
    path = manifest_path.parent / manifest.file
    model = read_model(path, what="model")
    digest = sha256(model).hexdigest()
    if digest != manifest.sha256:
        raise ModelError(
            f"{path}: {len(model)} bytes with sha256 {digest[:12]}…, but {manifest_path.name} says "
            f"{manifest.sha256[:12]}…: cut short, or another model's; copy file and manifest again"
        )
    detector = Detector(manifest, session=session_of(model, path=path))
    _refuse_misfit(detector, path=path)
    return detector


def read_model(path: Path, *, what: str) -> bytes:
    """Give a file's bytes.

    Raises:
        ModelError: it is not there, or cannot be read.
    """
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise ModelError(
            f"{path}: no such {what}: correct the path, or install aislewise again"
        ) from error
    except OSError as error:
        raise ModelError(f"{path}: cannot read the {what}: {error.strerror}") from error


def session_of(model: bytes, *, path: Path) -> ort.InferenceSession:
    """Make what runs a model, on one thread that does not spin.

    Raises:
        ModelError: ONNX Runtime cannot read it.
    """
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    # A spinning pool would heat the box between two images.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.inter_op.allow_spinning", "0")
    options.log_severity_level = FATAL_ONLY
    try:
        return ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except REFUSALS as error:
        raise ModelError(
            f"{path}: ONNX Runtime {ort.__version__} cannot read this model "
            f"({_first_line(error)}): copy it again, or upgrade onnxruntime"
        ) from error


def _refuse_misfit(detector: Detector, *, path: Path) -> None:
    """Raise if the graph's names or shapes are not the manifest's."""
    asked = detector.manifest.input
    for rows, cols in TRIAL_SHAPES:
        fitted = detector.fit(np.full((rows, cols, 3), asked.letterbox_value, dtype=np.uint8))
        try:
            outputs = detector.run(detector.prepare(fitted))
        except (*REFUSALS, ValueError) as error:
            raise ModelError(
                f"{path}: the model does not take or give what its manifest says "
                f"({_first_line(error)}): file and manifest belong to different models"
            ) from error
        wanted = _shapes(detector.manifest, outputs=outputs, size=fitted.canvas.shape[:2])
        for name, shape, found in zip(
            detector.manifest.output.outputs, wanted, outputs, strict=True
        ):
            if found.shape != shape:
                raise ModelError(
                    f"{path}: output {name!r} has shape {found.shape}, its manifest implies "
                    f"{shape}: file and manifest belong to different models"
                )


def _shapes(
    manifest: Manifest, *, outputs: list[Floats], size: tuple[int, int]
) -> tuple[tuple[int, ...], ...]:
    """Give the shapes the outputs should have for a canvas of ``size`` (rows, columns)."""
    given, (rows, cols) = manifest.output, size
    if isinstance(given, CentrePoints):
        grid, coarse = (
            (rows // stride, cols // stride)
            for stride in (given.stride, given.finer * given.stride)
        )
        return (1, 1, *grid), (1, len(given.channels) * given.finer**2, *coarse)
    count = outputs[0].shape[1] if outputs[0].ndim > 1 else -1
    if isinstance(given, Boxes):
        return (1, count, 4), (1, count)
    if not given.decoded:
        count = sum((rows // stride) * (cols // stride) for stride in given.strides)
    return ((1, count, 5 + given.classes),)


def _first_line(error: Exception) -> str:
    return str(error).split("\n", maxsplit=1)[0]
