"""A model's manifest: what an ONNX file takes, what it gives, and which file it is."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from edge.errors import ModelError
from edge.vision.detection import BodyPoint

Pixels = Annotated[int, msgspec.Meta(ge=1, le=8192)]
Triple = tuple[float, float, float]
Share = Annotated[float, msgspec.Meta(gt=0.0, lt=1.0)]


class Input(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The image as the net wants it: (1, 3, height, width) float32, ``(pixel - mean) * scale``.

    Attributes:
        tensor: the input's name in the graph.
        letterbox: ``corner``: the image keeps its shape and lies in the top left corner.
        letterbox_value: of what the image leaves free.
    """

    tensor: str
    width: Pixels
    height: Pixels
    colour: Literal["bgr", "rgb"]
    mean: Triple
    scale: float | Triple
    letterbox: Literal["corner"] = "corner"
    letterbox_value: Annotated[int, msgspec.Meta(ge=0, le=255)] = 114


class CentrePoints(
    msgspec.Struct,
    frozen=True,
    forbid_unknown_fields=True,
    kw_only=True,
    tag_field="kind",
    tag="centre-points",
):
    """A net that marks people's centres and points from there.

    Attributes:
        stride: pixels of the net's input per cell.
        heat: name of the output with confidence at peaks and 0 elsewhere.
        geometry: name of the output with ``channels``, in pixels of the net's input.
        point: which of a person's points stands for them.
        point_height_m: height of that point over the floor.
        confidence: above which a detection is believed to be a person.
    """

    stride: Pixels
    heat: str
    geometry: str
    channels: tuple[str, ...]
    point: BodyPoint
    point_height_m: Annotated[float, msgspec.Meta(ge=0.0, le=2.5)]
    confidence: Share

    def __post_init__(self) -> None:
        """Refuse channels that do not give the point and the box."""
        for channel in (f"{self.point}_dx", f"{self.point}_dy", "width", "height"):
            if self.channels.count(channel) != 1:
                raise ValueError(f"channels must name {channel!r} once")


class Boxes(
    msgspec.Struct,
    frozen=True,
    forbid_unknown_fields=True,
    kw_only=True,
    tag_field="kind",
    tag="boxes-scores",
):
    """A net that gives boxes, with repetitions, in pixels of its input.

    Attributes:
        boxes: name of the output (1, N, 4): left, top, right, bottom.
        scores: name of the output (1, N).
        point: of the box, which stands for the person: middle of its lower edge, centre, middle
            of its upper edge.
        point_height_m: height of that point over the floor.
        confidence: above which a detection is believed to be a person.
    """

    boxes: str
    scores: str
    point: BodyPoint
    point_height_m: Annotated[float, msgspec.Meta(ge=0.0, le=2.5)]
    confidence: Share


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One model.

    Attributes:
        name: for people.
        file: the ONNX file, beside the manifest.
        sha256: of that file, 64 hexadecimal digits.
        trained_on: what it learnt from, for people.
    """

    name: str
    version: str
    file: Annotated[str, msgspec.Meta(pattern=r"^[^/\\]+$")]
    sha256: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}$")]
    licence: str
    trained_on: str
    input: Input
    output: CentrePoints | Boxes


def parse_manifest(text: bytes, *, path: str) -> Manifest:
    """Read a manifest's TOML.

    Args:
        text: the file's bytes.
        path: of the file, for the error.

    Raises:
        ModelError: not TOML, an unknown or missing key, or a value no net can have.
    """
    try:
        return msgspec.toml.decode(text, type=Manifest)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ModelError(
            f"{path}: not a model manifest: {error}. Correct it, or install the model again"
        ) from error
