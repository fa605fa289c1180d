"""The agent's one file, ``store.toml``, read once into frozen values.

Every key is documented where it stands; ``deploy/examples/store.toml`` is a filled-in one.
"""

from __future__ import annotations

import hashlib
import re
from datetime import datetime, time
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from edge.errors import ConfigError
from edge.rfid.driver import SESSIONS, Antenna, Place, Region, Settings
from edge.rfid.drivers import AUTO, FAMILIES
from edge.visits.plan import FloorPlan, Polygon, Zone, ZoneKind
from wire.topics import NAME

Name = Annotated[str, msgspec.Meta(pattern=f"^{NAME.pattern}$")]
Clock = Annotated[str, msgspec.Meta(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]
Positive = Annotated[float, msgspec.Meta(gt=0.0)]
SECTORS_LEAST = 4
"""Fewer do not reach around."""
MOST_RHO = 1.0
"""The weakest budget of a real store: epsilon 7.9 at delta 1e-6."""
PointPair = tuple[float, float, float, float]


class _Strict(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A table of the file; a key nobody knows is an error."""


class Broker(_Strict, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where releases go.

    Attributes:
        tls_ca: path of the certificate authority; TLS is used when it is given.
        username: the agent's account at the broker.
        password_file: path of a file that holds the password alone.
    """

    host: Annotated[str, msgspec.Meta(min_length=1)] = "127.0.0.1"
    port: Annotated[int, msgspec.Meta(ge=1, le=65535)] = 1883
    tls_ca: Path | None = None
    username: str | None = None
    password_file: Path | None = None


class DetectorConfig(_Strict, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which model finds people.

    Attributes:
        manifest: path of a model manifest; without it, the detector that ships is used.
        confidence: overrides the manifest's threshold.
    """

    manifest: Path | None = None
    confidence: Annotated[float, msgspec.Meta(gt=0.0, lt=1.0)] | None = None


class CameraConfig(_Strict, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One camera and how its picture lies on the floor.

    Attributes:
        source: http(s) or rtsp address, device number or path, or a video file.
        size_px: width and height of the pictures the points were read from.
        points: at least four floor points, each ``[x_px, y_px, east_m, north_m]``.
        height_m: of the lens over the floor; needed where the camera looks straight down.
        hfov_deg: horizontal field of view, instead of ``height_m``.
        lens: ``pinhole`` shows straight lines straight, ``distorted`` bends them a little,
            ``fisheye`` is round; ``aisle-edge calibrate`` finds out which.
        focal_px: focal length, where a lens's numbers are known from elsewhere; without it lens and
            place both come from the points.
        k1: radial distortion, with ``focal_px`` only; as OpenCV's.
        k2: as ``k1``.
        centre_px: where the lens's axis meets the picture, with ``focal_px`` only; by default the
            picture's middle.
        sectors: under a ceiling: the detector looks to so many sides, each straightened and turned
            upright, and each costs one look; 0: it looks at the picture as it is. Not said: six for
            a fisheye that looks down, none for others.
    """

    name: Name
    source: str | int
    size_px: tuple[Annotated[int, msgspec.Meta(gt=0)], Annotated[int, msgspec.Meta(gt=0)]]
    points: tuple[PointPair, ...]
    height_m: Positive | None = None
    hfov_deg: Annotated[float, msgspec.Meta(gt=10.0, lt=300.0)] | None = None
    lens: Literal["pinhole", "distorted", "fisheye"] = "pinhole"
    focal_px: Positive | None = None
    k1: float = 0.0
    k2: float = 0.0
    centre_px: tuple[float, float] | None = None
    sectors: Annotated[int, msgspec.Meta(ge=0, le=12)] | None = None

    def __post_init__(self) -> None:
        """Refuse so few sectors that they do not reach around."""
        if self.sectors is not None and 0 < self.sectors < SECTORS_LEAST:
            raise ValueError(f"sectors = {self.sectors}: give {SECTORS_LEAST} to 12, or 0 for none")


Power = Annotated[float, msgspec.Meta(ge=0.0, le=33.0)]


class AntennaConfig(_Strict, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One antenna of a reader that has several.

    Attributes:
        number: of the reader's port, from 1.
        zone: the zone it serves.
        place: as in ``ReaderConfig``.
        at: ``[east_m, north_m]``, as ``antenna`` in ``ReaderConfig``.
        power_dbm: its own transmit power, of families that have one for each antenna.
    """

    number: Annotated[int, msgspec.Meta(ge=1, le=64)]
    zone: Name
    place: Place = "shelf"
    at: tuple[float, float] | None = None
    power_dbm: Power | None = None


class ReaderConfig(_Strict, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One RFID reader on a serial port.

    Attributes:
        region: radio region, never guessed: the law differs.
        family: ``auto`` finds out; a name makes sure, and opens the port faster.
        baud: of the line; without it, the usual ones are tried.
        zone: the zone its antenna serves; of a reader with one.
        place: ``shelf`` watches goods leave and return; ``fitting-room`` and ``exit`` where they
            go; ``till`` confirms a sale. How tags are asked follows from it.
        antenna: ``[east_m, north_m]`` of the antenna, so that goods are looked for around it;
            without it they are taken to be anywhere in the zone.
        antennas: instead of zone, place and antenna, for a reader with several.
    """

    name: Name
    port: str
    region: Region
    family: Literal["auto", "m100", "metratec", "uhfreader"] = "auto"
    baud: Annotated[int, msgspec.Meta(ge=1200, le=921_600)] | None = None
    power_dbm: Power = 20.0
    zone: Name | None = None
    place: Place = "shelf"
    antenna: tuple[float, float] | None = None
    antennas: tuple[AntennaConfig, ...] = ()

    def served(self) -> tuple[AntennaConfig, ...]:
        """Give its antennas, each with the zone it serves."""
        if self.antennas or self.zone is None:
            return self.antennas
        return (AntennaConfig(number=1, zone=self.zone, place=self.place, at=self.antenna),)

    def settings(self) -> Settings:
        """Give what its driver sets up."""
        antennas = tuple(
            Antenna(one.number, SESSIONS[one.place], one.power_dbm) for one in self.served()
        )
        return Settings(self.region, self.power_dbm, antennas)


class SalesConfig(_Strict, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where lines of the point of sale come from, for shops whose tills have no antenna.

    Attributes:
        file: is appended to; its first line is ``time,till,class,quantity``.
        port: of ``POST http://127.0.0.1:PORT/sales``, the same as JSON.
        tills: what the point of sale calls a till → its zone; without it, it says zones' ids.
    """

    file: Path | None = None
    port: Annotated[int, msgspec.Meta(ge=1, le=65535)] | None = None
    tills: dict[str, Name] = {}


class ZoneConfig(_Strict, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A polygon on the floor, metres, corners in order."""

    id: Name
    kind: ZoneKind
    polygon: Polygon
    name: str = ""


class PlanConfig(_Strict, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The floor plan; give it a new ``version`` with every edit, and keep zone ids."""

    version: Annotated[str, msgspec.Meta(min_length=1, max_length=32)]
    outline: Polygon
    zones: tuple[ZoneConfig, ...]
    fixtures: tuple[Polygon, ...] = ()


class DaypartConfig(_Strict, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A part of the trading day; lasts until the next one starts."""

    name: Name
    starts: Clock


class PrivacyConfig(_Strict, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The budget of one visit over everything released.

    More than 0.10 is weaker than the standard and marked so in every report; more than 1.0 only a
    simulated store may choose.

    Attributes:
        groups: research mode: also release mean traits of ten or more visits that are alike. No
            epsilon bounds it, so every report is marked as weaker.
    """

    rho: Positive = 0.10
    groups: bool = False


class ClockConfig(_Strict, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """``require_sync = false`` trusts this box's clock without NTP, for example with an RTC."""

    require_sync: bool = True


class SimulatedClock(_Strict, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """For simulated stores only: the scene's time, and how much faster than the wall's it runs."""

    speed: Positive
    begins_at: datetime
    anchored_at: datetime


class StoreConfig(_Strict, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The whole file.

    Attributes:
        closes: at closing, and ``linger_min`` after it, everything counted is released.
        linger_min: how long the last shoppers may take to leave.
        data_dir: holds the outbox, and of each camera the strength of its picture's edges in 64 x
            48 cells, without people, by which it is noticed when the camera is moved.
        simulated: marks every report made from this agent.
    """

    store: Name
    agent: Name
    timezone: str
    opens: Clock
    closes: Clock
    plan: PlanConfig
    linger_min: Annotated[float, msgspec.Meta(ge=0.0, le=240.0)] = 30.0
    cameras: tuple[CameraConfig, ...] = ()
    readers: tuple[ReaderConfig, ...] = ()
    catalogue: Path | None = None
    sales: SalesConfig = SalesConfig()
    data_dir: Path = Path("/var/lib/aislewise")
    broker: Broker = Broker()
    detector: DetectorConfig = DetectorConfig()
    dayparts: tuple[DaypartConfig, ...] = (
        DaypartConfig(name="morning", starts="00:00"),
        DaypartConfig(name="midday", starts="11:00"),
        DaypartConfig(name="afternoon", starts="14:00"),
        DaypartConfig(name="evening", starts="17:00"),
    )
    privacy: PrivacyConfig = PrivacyConfig()
    clock: ClockConfig = ClockConfig()
    simulated_clock: SimulatedClock | None = None
    simulated: bool = False

    def floor_plan(self) -> FloorPlan:
        """Give the plan as the pure core knows it."""
        zones = tuple(Zone(z.id, z.kind, z.name or z.id, z.polygon) for z in self.plan.zones)
        return FloorPlan(self.plan.version, self.plan.outline, zones, self.plan.fixtures)


def parse(text: str, *, where: str, needs_cameras: bool = True) -> StoreConfig:
    """Read a configuration.

    Args:
        text: TOML.
        where: the file's name, for messages.
        needs_cameras: refuse a store without; positions may come from elsewhere.

    Raises:
        ConfigError: names the file, the key and the mend.
    """
    try:
        config = msgspec.toml.decode(text, type=StoreConfig, dec_hook=_path)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{where}: {_mend(str(error))}") from error
    except msgspec.DecodeError as error:
        raise ConfigError(f"{where} is not valid TOML: {error}; correct that line") from error
    if needs_cameras and not config.cameras:
        raise ConfigError(f"{where}: no [[cameras]]; add at least one")
    _check(config, where=where)
    return config


def config_hash(config: StoreConfig) -> str:
    """Name a version of the configuration, so that a hub sees when it was changed.

    Addresses of cameras and broker are left out: they may hold passwords, which a hash would let
    others try.
    """
    cameras = tuple(msgspec.structs.replace(one, source="") for one in config.cameras)
    shown = msgspec.structs.replace(config, cameras=cameras, broker=Broker())
    return hashlib.sha256(msgspec.json.encode(shown, enc_hook=str)).hexdigest()[:16]


def _path(kind: type, value: object) -> Path:
    if kind is not Path or not isinstance(value, str):
        raise NotImplementedError
    return Path(value)


def _mend(message: str) -> str:
    said, _, path = message.partition(" - at `$")
    key = path.rstrip("`").lstrip(".") or "the top of the file"
    unknown = re.search(r"unknown field `(.+?)`", said)
    if unknown:
        return f"unknown key {unknown[1]!r} in {key}; remove it or correct its spelling"
    missing = re.search(r"missing required field `(.+?)`", said)
    if missing:
        return f"{key} lacks the key {missing[1]!r}; add it"
    if f"matching regex '^{NAME.pattern}$'" in said:
        return f"{key}: use lower-case letters, digits and hyphens, 32 at most"
    return f"{key}: {said[0].lower()}{said[1:]}; correct the value"


def _check(config: StoreConfig, *, where: str) -> None:
    try:
        ZoneInfo(config.timezone)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ConfigError(
            f"{where}: timezone {config.timezone!r} is not known; use a name like 'Europe/Berlin'"
        ) from error
    if time.fromisoformat(config.closes) <= time.fromisoformat(config.opens):
        raise ConfigError(f"{where}: closes {config.closes} is not after opens {config.opens}")
    _check_names(config, where=where)
    _check_sales(config, where=where)
    _check_dayparts(config.dayparts, where=where)
    _check_simulated(config, where=where)


def _check_simulated(config: StoreConfig, *, where: str) -> None:
    if config.privacy.rho > MOST_RHO and not config.simulated:
        raise ConfigError(
            f"{where}: privacy.rho {config.privacy.rho} is more than {MOST_RHO}: only a simulated "
            f"store may be so weak; the standard is 0.10"
        )
    clock = config.simulated_clock
    if clock and not config.simulated:
        raise ConfigError(
            f"{where}: simulated_clock is for simulated stores; remove it, or set simulated = true"
        )
    if clock and (clock.begins_at.tzinfo is None or clock.anchored_at.tzinfo is None):
        raise ConfigError(f"{where}: simulated_clock needs instants with an offset, like ...Z")


def _check_names(config: StoreConfig, *, where: str) -> None:
    devices: tuple[CameraConfig | ReaderConfig, ...] = (*config.cameras, *config.readers)
    for camera in config.cameras:
        if camera.focal_px is None and (camera.k1 or camera.k2 or camera.centre_px):
            raise ConfigError(
                f"{where}: camera {camera.name!r} has k1, k2 or centre_px without focal_px: give "
                "all of a lens's numbers, or none and let the points tell"
            )
    names = [device.name for device in devices]
    for name in names:
        if names.count(name) > 1:
            raise ConfigError(f"{where}: two devices are called {name!r}; rename one")
    _check_readers(config, where=where)


def _check_readers(config: StoreConfig, *, where: str) -> None:
    for reader in config.readers:
        _check_antennas(reader, where=where)
    shelves = [
        zone
        for reader in config.readers
        for zone in {one.zone for one in reader.served() if one.place == "shelf"}
    ]
    for zone in shelves:
        if shelves.count(zone) > 1:
            raise ConfigError(
                f"{where}: two readers serve the shelf in zone {zone!r}, which would count its "
                "goods twice; give each reader a zone of its own"
            )
    zones = {zone.id for zone in config.plan.zones}
    for reader in config.readers:
        for one in reader.served():
            if one.zone not in zones:
                raise ConfigError(
                    f"{where}: reader {reader.name!r} serves zone {one.zone!r}, which the plan "
                    f"lacks; its zones are {', '.join(sorted(zones)) or 'none'}"
                )


def _check_antennas(reader: ReaderConfig, *, where: str) -> None:
    if (reader.zone is None) == (not reader.antennas):
        raise ConfigError(
            f"{where}: reader {reader.name!r} needs a zone, if it has one antenna, or "
            "[[readers.antennas]] with a zone each; not both"
        )
    numbers = [one.number for one in reader.antennas]
    if len(set(numbers)) < len(numbers):
        raise ConfigError(f"{where}: reader {reader.name!r} has two antennas of one number")
    if reader.family != AUTO and max(numbers, default=1) > FAMILIES[reader.family].antennas:
        raise ConfigError(
            f"{where}: reader {reader.name!r} has no antenna {max(numbers)}: {reader.family} "
            f"readers have {FAMILIES[reader.family].antennas}"
        )


def _check_sales(config: StoreConfig, *, where: str) -> None:
    tills = [zone.id for zone in config.plan.zones if zone.kind == "till"]
    for name, zone in config.sales.tills.items():
        if zone not in tills:
            raise ConfigError(
                f"{where}: sales.tills gives {name!r} the zone {zone!r}, which is no till of the "
                f"plan; its tills are {', '.join(tills) or 'none'}"
            )
    if (config.sales.file or config.sales.port) and not tills:
        raise ConfigError(f"{where}: sales without a zone of kind till; add one where people pay")


def _check_dayparts(dayparts: tuple[DaypartConfig, ...], *, where: str) -> None:
    starts = [part.starts for part in dayparts]
    names = {part.name for part in dayparts}
    if not starts or starts[0] != "00:00" or sorted(set(starts)) != starts:
        raise ConfigError(
            f"{where}: dayparts must start at 00:00 and follow each other; got {starts}"
        )
    if len(names) != len(dayparts):
        raise ConfigError(f"{where}: two dayparts have the same name; rename one")
