"""A model's manifest: what an ONNX file takes, what it gives, and which file it is."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from edge.errors import ModelError
from edge.vision.detection import BodyPoint, Fit, Plane, fixed_fit, free_fit

Pixels = Annotated[int, msgspec.Meta(ge=1, le=8192)]
Share = Annotated[float, msgspec.Meta(gt=0.0, lt=1.0)]
Height = Annotated[float, msgspec.Meta(ge=0.0, le=2.5)]


class Input(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The image as the net wants it: (1, planes, height, width) float32, (plane - mean) * scale.

    Attributes:
        tensor: the input's name in the graph.
        width: of a net of one size, with ``height``; or
        pixels: of a net of free size: of its canvas at most, which has the image's shape
        multiple: and both sides a multiple of this.
        planes: colours, and ``change``: 128 + the difference from the background (at most 127),
            0 where no background is known.
        colour: a short form of ``planes``.
        mean: of all planes, or of each.
        scale: of all planes, or of each.
        letterbox: ``corner``: the image keeps its shape and lies in the top left corner.
        letterbox_value: of what the image leaves free.
    """

    tensor: str
    width: Pixels | None = None
    height: Pixels | None = None
    pixels: Annotated[int, msgspec.Meta(ge=256, le=1 << 24)] | None = None
    multiple: Annotated[int, msgspec.Meta(ge=1, le=128)] | None = None
    planes: tuple[Plane, ...] = ()
    colour: Literal["bgr", "rgb"] | None = None
    mean: float | tuple[float, ...]
    scale: float | tuple[float, ...]
    letterbox: Literal["corner"] = "corner"
    letterbox_value: Annotated[int, msgspec.Meta(ge=0, le=255)] = 114

    def __post_init__(self) -> None:
        """Refuse a size given twice or by half, and planes without their own mean or scale."""
        fixed, free = (self.width, self.height), (self.pixels, self.multiple)
        if not (None not in fixed and free == (None, None)) and not (
            None not in free and fixed == (None, None)
        ):
            raise ValueError("give width and height, or pixels and multiple")
        if self.pixels is not None and self.multiple and self.pixels < self.multiple**2:
            raise ValueError("pixels is less than multiple times multiple")
        if self.planes and self.colour:
            raise ValueError("give planes or colour, not both")
        if len(set(self.planes)) != len(self.planes):
            raise ValueError("planes names one twice")
        for name, each in (("mean", self.mean), ("scale", self.scale)):
            if isinstance(each, tuple) and len(each) != len(self.order):
                raise ValueError(f"{name} has {len(each)} numbers for {len(self.order)} planes")

    @property
    def order(self) -> tuple[Plane, ...]:
        """What the net's planes are."""
        if self.planes:
            return self.planes
        return ("r", "g", "b") if self.colour == "rgb" else ("b", "g", "r")

    @property
    def means(self) -> tuple[float, ...]:
        """One for each plane."""
        return self.mean if isinstance(self.mean, tuple) else (self.mean,) * len(self.order)

    @property
    def scales(self) -> tuple[float, ...]:
        """One for each plane."""
        return self.scale if isinstance(self.scale, tuple) else (self.scale,) * len(self.order)

    @property
    def square_px(self) -> int:
        """Side of the largest square that is seen without being shrunk."""
        fit = self.fit(8192, 8192)
        return min(fit.width_px, fit.height_px)

    def fit(self, rows: int, cols: int) -> Fit:
        """Give the canvas of images of ``rows`` x ``cols`` pixels."""
        if self.pixels is not None and self.multiple is not None:
            return free_fit(rows, cols, pixels=self.pixels, multiple=self.multiple)
        assert self.width is not None  # as checked above
        assert self.height is not None
        return fixed_fit(rows, cols, width_px=self.width, height_px=self.height)


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
        geometry_stride: pixels of the net's input per cell of ``geometry``, if more than
            ``stride``: each channel then comes once for each of the finer cells, row by row.
        channels: ``width``, ``height``, and ``_dx``, ``_dy`` of ``foot``, ``centre``, ``head``,
            ``near_foot``.
        point: which of a person's points stands for them.
        point_height_m: height of that point over the floor.
        confidence: above which a detection is believed to be a person.
        begins: above which one may begin a track, if not from there on: a false alarm in one place
            goes on for as long as a track.
        point_error: of the point along each axis, as measured, in longer sides of the box.
        head_error: likewise of the head.
        same_head: distance below which a peak points at the same head as a stronger one, and is
            nobody; in longer sides of the larger box. Not said: the net sees to that itself.
        near_foot: distance up to which a foot is half way to where ``near_foot_dx``,
            ``near_foot_dy`` say in the cell it was pointed to; in longer sides of the box.
    """

    stride: Pixels
    heat: str
    geometry: str
    geometry_stride: Pixels | None = None
    channels: tuple[str, ...]
    point: BodyPoint
    point_height_m: Height
    confidence: Share
    begins: Share | None = None
    point_error: Share | None = None
    head_error: Share | None = None
    same_head: Share | None = None
    near_foot: Share | None = None

    def __post_init__(self) -> None:
        """Refuse channels that do not give the point and the box, or cells that do not fit."""
        if self.finer * self.stride != (self.geometry_stride or self.stride):
            raise ValueError(
                f"geometry_stride = {self.geometry_stride} is no multiple of stride = {self.stride}"
            )
        if self.same_head is not None and "head_dx" not in self.channels:
            raise ValueError("same_head needs the channels 'head_dx' and 'head_dy'")
        if self.near_foot is not None and (
            self.point != "foot" or "near_foot_dx" not in self.channels
        ):
            raise ValueError(
                "near_foot needs point = 'foot' and the channels 'near_foot_dx' and 'near_foot_dy'"
            )
        for channel in (f"{self.point}_dx", f"{self.point}_dy", "width", "height"):
            if channel not in self.channels:
                raise ValueError(f"channels must name {channel!r} once")
        for channel in self.channels:
            other = channel[:-2] + {"dx": "dy", "dy": "dx"}.get(channel[-2:], channel[-2:])
            if self.channels.count(channel) != 1 or other not in self.channels:
                raise ValueError(f"channels must name {channel!r} once, and {other!r} with it")
        if self.begins is not None and self.begins < self.confidence:
            raise ValueError(f"begins = {self.begins} is below confidence = {self.confidence}")

    @property
    def finer(self) -> int:
        """Cells of ``heat`` along one of ``geometry``."""
        return (self.geometry_stride or self.stride) // self.stride

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names in the graph."""
        return self.heat, self.geometry


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
    point_height_m: Height
    confidence: Share

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names in the graph."""
        return self.boxes, self.scores


class Yolox(
    msgspec.Struct,
    frozen=True,
    forbid_unknown_fields=True,
    kw_only=True,
    tag_field="kind",
    tag="yolox",
):
    """A net of the YOLOX family.

    Attributes:
        output: name of the output (1, N, 5 + classes), one row a cell.
        strides: pixels of the net's input per cell, in the head's order.
        classes: how many.
        person: the class' number, from 0.
        decoded: the export decodes centre and size to pixels itself.
        point: as in ``Boxes``.
        point_height_m: height of that point over the floor.
        confidence: above which a detection is believed to be a person.
    """

    output: str
    strides: tuple[Pixels, ...] = (8, 16, 32)
    classes: Annotated[int, msgspec.Meta(ge=1)] = 80
    person: Annotated[int, msgspec.Meta(ge=0)] = 0
    decoded: bool = False
    point: BodyPoint
    point_height_m: Height
    confidence: Share

    def __post_init__(self) -> None:
        """Refuse a class that is none."""
        if self.person >= self.classes:
            raise ValueError(f"person = {self.person} is none of {self.classes} classes")

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names in the graph."""
        return (self.output,)


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
    output: CentrePoints | Boxes | Yolox


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
