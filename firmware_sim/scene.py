"""What there is to see at one instant: the seam between shoppers, renderer and radio.

Ground plane in metres, x east, y north, z up; angles in radians, counter-clockwise from east.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Box:
    """An upright box of the store's furniture: a gondola, stand, counter or wall shelf."""

    west_m: float
    south_m: float
    east_m: float
    north_m: float
    height_m: float
    look: Literal["gondola", "promo", "till", "wall"]


@dataclass(frozen=True, slots=True)
class Figure:
    """One person as a camera sees them.

    Attributes:
        look: seed of body, clothes and hair; the same all visit long. Even seeds are for
            training, odd ones for testing.
        heading: where the person faces.
        speed_m_s: walking speed now; 0 is standing.
        gait_m: metres walked so far, which sets the legs' phase.
        pose: what arms and trunk do.
        carries: what moves along.
        height_m: body height.
    """

    look: int
    east_m: float
    north_m: float
    heading: float
    speed_m_s: float
    gait_m: float
    pose: Literal["walk", "stand", "reach", "crouch"]
    carries: Literal["nothing", "basket", "cart"]
    height_m: float


@dataclass(frozen=True, slots=True)
class CameraSpec:
    """A pinhole camera.

    Attributes:
        east_m: position of the lens.
        north_m: position of the lens.
        height_m: of the lens over the floor.
        tilt: 0 looks straight down; pi/2 looks at the horizon.
        pan: direction on the floor towards which the image's top points.
        hfov: horizontal field of view.
        width_px: image width.
        height_px: image height.
    """

    east_m: float
    north_m: float
    height_m: float
    tilt: float
    pan: float
    hfov: float
    width_px: int
    height_px: int


@dataclass(frozen=True, slots=True)
class Room:
    """What stands still.

    Attributes:
        width_m: east-west size.
        depth_m: north-south size.
        floor: seed of the floor's texture, colours and light. Even seeds are for training, odd
            ones for testing.
    """

    width_m: float
    depth_m: float
    boxes: tuple[Box, ...]
    floor: int
