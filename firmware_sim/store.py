"""A store to simulate: one TOML file, read once into frozen values."""

from __future__ import annotations

import math
import re
from datetime import datetime, time
from importlib import resources
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from firmware_sim.scene import Box, CameraSpec
from firmware_sim.scene import Room as Walls

Positive = Annotated[float, msgspec.Meta(gt=0.0)]
NonNegative = Annotated[float, msgspec.Meta(ge=0.0)]
Share = Annotated[float, msgspec.Meta(ge=0.0, le=1.0)]
Name = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9-]{0,31}$")]
Clock = Annotated[str, msgspec.Meta(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]
Point = tuple[float, float]
Line = tuple[Point, Point]
Side = Literal["north", "east", "south", "west"]

OUTWARD: dict[Side, Point] = {
    "north": (0.0, 1.0),
    "east": (1.0, 0.0),
    "south": (0.0, -1.0),
    "west": (-1.0, 0.0),
}


class StoreError(Exception):
    """The store's file is wrong; the text names the key and the mend."""


class _Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A table of the file: unknown keys are refused."""


class RoomTable(_Table, frozen=True, kw_only=True):
    """The walls, and the lines over which shoppers come and go."""

    width_m: Positive
    depth_m: Positive
    floor: int
    entrance: Line
    exit: Line


class PeopleTable(_Table, frozen=True, kw_only=True):
    """What shoppers bring along.

    Attributes:
        companions: share of parties of two (behaviour/NOTES.md §4).
        carts: share with a cart (the same).
        baskets: share with a basket (Larsen et al. 2020).
    """

    companions: Share = 0.18
    carts: Share = 0.25
    baskets: Share = 0.28


class TillTable(_Table, frozen=True, kw_only=True):
    """Where customers are served and wait; ``service_s`` is the median of a lognormal."""

    counters: Annotated[tuple[Point, ...], msgspec.Meta(min_length=1)]
    queue: Annotated[tuple[Point, ...], msgspec.Meta(min_length=1)]
    service_s: Positive = 35.0


class BoxTable(_Table, frozen=True, kw_only=True):
    """A piece of furniture; see ``scene.Box``."""

    west_m: float
    south_m: float
    east_m: float
    north_m: float
    height_m: Positive
    look: Literal["gondola", "promo", "till", "wall"]


class ZoneTable(_Table, frozen=True, kw_only=True):
    """A named polygon of the floor."""

    id: Name
    kind: Literal["aisle", "promo", "till", "entrance", "exit", "fitting-room"]
    name: str
    polygon: Annotated[tuple[Point, ...], msgspec.Meta(min_length=3)]


class ShelfTable(_Table, frozen=True, kw_only=True):
    """A face of furniture that goods are taken from.

    Attributes:
        line: its two ends on the floor.
        faces: side on which the customer stands.
        popularity: relative weight among the shelves a shopper plans for.
        dwell_s: median stop of a shopper of average decisiveness.
        intent: log-odds of picking at an exploratory stop, average shopper.
        promo: drawn by bargain, not by plan.
    """

    zone: Name
    category: Name
    line: Line
    faces: Side
    popularity: Positive = 1.0
    dwell_s: Positive = 10.0
    intent: float = -0.6
    promo: bool = False


class ClassTable(_Table, frozen=True, kw_only=True):
    """A product class that carries tags."""

    gtin: Annotated[str, msgspec.Meta(pattern=r"^[0-9]{14}$")]
    name: str
    price: Positive
    promo: bool = False


class CameraTable(_Table, frozen=True, kw_only=True):
    """A camera; ``fps`` counts frames per scene second."""

    name: Name
    east_m: float
    north_m: float
    height_m: Positive
    tilt_deg: Annotated[float, msgspec.Meta(ge=0.0, lt=90.0)] = 0.0
    pan_deg: float = 0.0
    hfov_deg: Annotated[float, msgspec.Meta(gt=10.0, lt=150.0)]
    width_px: Annotated[int, msgspec.Meta(ge=64, le=4096)]
    height_px: Annotated[int, msgspec.Meta(ge=64, le=4096)]
    fps: Positive

    def spec(self) -> CameraSpec:
        """Give the renderer's value."""
        return CameraSpec(
            east_m=self.east_m,
            north_m=self.north_m,
            height_m=self.height_m,
            tilt=math.radians(self.tilt_deg),
            pan=math.radians(self.pan_deg),
            hfov=math.radians(self.hfov_deg),
            width_px=self.width_px,
            height_px=self.height_px,
        )


Place = Literal["shelf", "fitting-room", "till", "exit"]
Family = Literal["m100", "uhfreader18", "uhfreader288", "ex10", "metratec"]
ONE_ANTENNA: tuple[Family, ...] = ("m100", "uhfreader18")
BAUDS: dict[Family, int] = {
    "m100": 115_200,
    "uhfreader18": 57_600,
    "uhfreader288": 57_600,
    "ex10": 115_200,
    "metratec": 115_200,
}
"""What each leaves the factory with."""


class AntennaTable(_Table, frozen=True, kw_only=True):
    """An antenna, and the tagged goods before it; as in ``ReaderTable``."""

    zone: Name
    place: Place = "shelf"
    antenna: tuple[float, float, float]
    items: Annotated[int, msgspec.Meta(ge=0, le=500)] = 0
    reach_m: Positive = 1.6


class ReaderTable(_Table, frozen=True, kw_only=True):
    """A reader, its antennas, and the tagged goods before them.

    Attributes:
        place: what the antenna is there for.
        family: which firmware it runs; UHFReaders at speed 1 only, their time-outs are wall time.
        antenna: east, north, height.
        more: antennas at the ports from 2 on.
        envelope: the edition's first and last byte of a frame; of an m100.
        baud: of the line; without it, what the reader leaves the factory with.
        items: tagged items on the shelf behind the antenna, spread over all classes.
        reach_m: they lie within this distance of the antenna, along the shelf.
        restock_s: a sold item is replaced by a new one of its class after this long.
    """

    name: Name
    zone: Name
    place: Place = "shelf"
    family: Family = "m100"
    antenna: tuple[float, float, float]
    more: tuple[AntennaTable, ...] = ()
    envelope: Literal["BB7E", "AADD"] = "BB7E"
    baud: Annotated[int, msgspec.Meta(ge=9600, le=921600)] | None = None
    items: Annotated[int, msgspec.Meta(ge=0, le=500)] = 40
    reach_m: Positive = 1.6
    restock_s: Positive = 900.0

    def antennas(self) -> tuple[AntennaTable, ...]:
        """Give all antennas, in the order of the ports."""
        first = AntennaTable(
            zone=self.zone,
            place=self.place,
            antenna=self.antenna,
            items=self.items,
            reach_m=self.reach_m,
        )
        return (first, *self.more)

    def speed_baud(self) -> int:
        """Give the speed of its line."""
        return self.baud or BAUDS[self.family]


class Store(_Table, frozen=True, kw_only=True):
    """Everything that stays the same through a run."""

    name: Name
    timezone: str
    opens: Clock
    closes: Clock
    arrivals_per_minute: NonNegative
    seed: Annotated[int, msgspec.Meta(ge=0)]
    room: RoomTable
    people: PeopleTable = PeopleTable()
    till: TillTable
    boxes: tuple[BoxTable, ...] = ()
    zones: tuple[ZoneTable, ...]
    shelves: Annotated[tuple[ShelfTable, ...], msgspec.Meta(min_length=1)]
    classes: tuple[ClassTable, ...] = ()
    cameras: tuple[CameraTable, ...] = ()
    readers: tuple[ReaderTable, ...] = ()

    def walls(self) -> Walls:
        """Give what stands still, for the renderer."""
        return Walls(
            width_m=self.room.width_m,
            depth_m=self.room.depth_m,
            boxes=tuple(
                Box(
                    west_m=b.west_m,
                    south_m=b.south_m,
                    east_m=b.east_m,
                    north_m=b.north_m,
                    height_m=b.height_m,
                    look=b.look,
                )
                for b in self.boxes
            ),
            floor=self.room.floor,
        )

    def is_open(self, instant: datetime) -> bool:
        """Tell whether an aware instant falls within the opening hours of the store's day."""
        local = instant.astimezone(ZoneInfo(self.timezone)).time()
        return time.fromisoformat(self.opens) <= local < time.fromisoformat(self.closes)


def default_text() -> str:
    """Read the TOML of the default store."""
    return (
        resources.files("firmware_sim").joinpath("store_default.toml").read_text(encoding="utf-8")
    )


def parse_store(text: str) -> Store:
    """Read a store from its TOML.

    Raises:
        StoreError: not TOML, an unknown key, a wrong value, or parts that do not fit together.
    """
    try:
        store = msgspec.toml.decode(text, type=Store)
    except msgspec.ValidationError as error:
        raise StoreError(f"{_where(str(error))}; `aisle-sim store` prints a right one") from error
    except msgspec.DecodeError as error:
        raise StoreError(f"not TOML: {error}") from error
    _check(store)
    return store


def default_store() -> Store:
    """Read the default store."""
    return parse_store(default_text())


def check_digit(gtin: str) -> int:
    """Compute the check digit that the first 13 digits of a GTIN-14 ask for.

    >>> check_digit("0401234510001")
    3

    Source: GS1 General Specifications, section 7.9.
    """
    total = sum(int(digit) * (3 if place % 2 == 0 else 1) for place, digit in enumerate(gtin[:13]))
    return -total % 10


def _where(message: str) -> str:
    """Turn msgspec's "... - at `$.boxes[1].look`" into "boxes[1].look: ..."."""
    match = re.fullmatch(r"(.*) - at `\$\.?(.*)`", message, re.DOTALL)
    return f"{match[2] or 'top level'}: {match[1]}" if match else message


def _check(store: Store) -> None:
    """Refuse what each value alone cannot show.

    Raises:
        StoreError: names the key and the mend.
    """
    try:
        ZoneInfo(store.timezone)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise StoreError(
            f"timezone: {store.timezone!r} is unknown; use a name like Europe/Berlin"
        ) from error
    if store.opens >= store.closes:
        raise StoreError(f"closes: {store.closes} is not after opens = {store.opens}")
    _check_names(store)
    _check_places(store)
    for number, known in enumerate(store.classes):
        if int(known.gtin[13]) != check_digit(known.gtin):
            raise StoreError(
                f"classes[{number}].gtin: {known.gtin} needs check digit {check_digit(known.gtin)}"
            )
    if (
        any(one.items for reader in store.readers for one in reader.antennas())
        and not store.classes
    ):
        raise StoreError("classes: a reader has items, so at least one product class is needed")


def _check_names(store: Store) -> None:
    groups: dict[str, list[str]] = {
        "zones": [z.id for z in store.zones],
        "cameras": [c.name for c in store.cameras],
        "readers": [r.name for r in store.readers],
        "classes": [c.gtin for c in store.classes],
    }
    for key, names in groups.items():
        for name in names:
            if names.count(name) > 1:
                raise StoreError(f"{key}: {name!r} is there twice; give each its own name")
    zones = set(groups["zones"])
    for number, shelf in enumerate(store.shelves):
        if shelf.zone not in zones:
            raise StoreError(f"shelves[{number}].zone: there is no zone {shelf.zone!r}")
    _check_readers(store, zones=zones)


def _check_readers(store: Store, *, zones: set[str]) -> None:
    shelved = {shelf.zone for shelf in store.shelves}
    for number, reader in enumerate(store.readers):
        if reader.more and reader.family in ONE_ANTENNA:
            raise StoreError(f"readers[{number}].more: a {reader.family} has one antenna")
        for one in reader.antennas():
            if one.zone not in zones:
                raise StoreError(f"readers[{number}].zone: there is no zone {one.zone!r}")
            if one.items and one.zone not in shelved:
                raise StoreError(
                    f"readers[{number}].items: zone {one.zone!r} has no shelf for them"
                )


def _check_places(store: Store) -> None:
    for number, box in enumerate(store.boxes):
        if box.west_m >= box.east_m or box.south_m >= box.north_m:
            raise StoreError(f"boxes[{number}]: west_m < east_m and south_m < north_m are needed")
    points = {
        "room.entrance": store.room.entrance,
        "room.exit": store.room.exit,
        "till.counters": store.till.counters,
        "till.queue": store.till.queue,
    }
    for key, places in points.items():
        for east, north in places:
            if not (0 < east < store.room.width_m and 0 < north < store.room.depth_m):
                raise StoreError(f"{key}: ({east}, {north}) is not inside the room")
            if any(
                b.west_m <= east <= b.east_m and b.south_m <= north <= b.north_m
                for b in store.boxes
            ):
                raise StoreError(f"{key}: ({east}, {north}) is inside furniture")
