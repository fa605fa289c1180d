"""What a configuration describes, built and checked before anything is opened."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Self
from zoneinfo import ZoneInfo

import msgspec
import numpy as np
from numpy.typing import NDArray

from edge.clock_io import SceneClock
from edge.config import CameraConfig, StoreConfig, parse
from edge.errors import ConfigError, PrivacyError
from edge.release.channels import Channels
from edge.release.goods import Goods, goods_of
from edge.release.groups import GROUPS
from edge.release.hours import Daypart, Hours
from edge.release.privacy import Budget, Ledger
from edge.release.windows import WindowParams, Windows
from edge.rfid.catalogue import STAFF, Catalogue, parse_catalogue
from edge.rfid.items import ItemParams, Items, Key, Place
from edge.rfid.sales import Sales
from edge.store_file_io import read_text
from edge.vision.background import BackgroundParams
from edge.vision.condition import ConditionParams
from edge.vision.fusion import Fusion
from edge.vision.ground import Ground
from edge.vision.lens import Lens, LensKind
from edge.vision.onnx_io import Detector, load_detector, shipped_manifest
from edge.vision.sectors import Sectors, looks_down
from edge.vision.signature_io import load_signature
from edge.vision.survey import sectors_for
from edge.vision.tracking import Tracker, TrackerParams
from edge.vision.watching import Eyes, Finder, Seer, SightParams
from edge.visits.plan import Floor, Point
from edge.visits.visits import Visits
from edge.visits.wares import Assortment
from wire import messages
from wire.codebook import Codebook, default_codebook
from wire.codec import decode, encode
from wire.errors import WireError
from wire.topics import Topic

DOOR_M = 1.5
"""How far from a door people are first seen: a ceiling camera sees legs before heads."""
EDGE_M = 1.0
"""How far inside the cameras' view people are first seen who walk in over its edge: a step at four
images a second, and the body's own width."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What a configuration describes, built and checked, with nothing opened yet."""

    floor: Floor
    detector: Detector
    grounds: dict[str, Ground]
    budget: Budget
    hours: Hours
    dayparts: tuple[Daypart, ...]
    goods: Goods
    groups: bool

    @classmethod
    def build(cls, config: StoreConfig) -> Self:
        """Check everything that can be checked without a device.

        Raises:
            ConfigError: the plan, a camera's points or the budget are wrong.
            ModelError: the detector is.
        """
        floor = Floor(config.floor_plan())
        goods = goods_of(catalogue_of(config) or ())
        budget = _budget(config, floor=floor, goods=goods)
        grounds = {camera.name: ground_of(camera) for camera in config.cameras}
        _refuse_meta(config, budget=budget)
        _refuse_sectors(config, grounds=grounds)
        return cls(
            floor=floor,
            detector=load_detector(config.detector.manifest or shipped_manifest()),
            grounds=grounds,
            budget=budget,
            hours=Hours(
                ZoneInfo(config.timezone),
                time.fromisoformat(config.opens),
                time.fromisoformat(config.closes),
                timedelta(minutes=config.linger_min),
            ),
            dayparts=_dayparts(config),
            goods=goods,
            groups=config.privacy.groups,
        )


def read_config(path: Path) -> StoreConfig:
    """Read a configuration file.

    Raises:
        ConfigError: it cannot be read, or is wrong.
    """
    return parse(read_text(path), where=path.name)


def clock_of(config: StoreConfig) -> SceneClock:
    """Give the clock a configuration asks for."""
    simulated = config.simulated_clock
    if simulated is None:
        return SceneClock(require_sync=config.clock.require_sync)
    return SceneClock(
        speed=simulated.speed, begins_at=simulated.begins_at, anchored_at=simulated.anchored_at
    )


def ground_of(camera: CameraConfig) -> Ground:
    """Calibrate a camera from its points.

    Raises:
        ConfigError: names the camera and what is wrong with its points.
    """
    points = np.array(camera.points, dtype=np.float64).reshape(-1, 4)
    try:
        return Ground.from_points(
            points[:, :2],
            points[:, 2:],
            image_size=camera.size_px,
            lens=lens_of(camera),
            camera_height_m=camera.height_m,
            hfov_deg=camera.hfov_deg,
        )
    except ConfigError as error:
        raise ConfigError(f"camera {camera.name!r}: {error}") from error


def lens_of(camera: CameraConfig) -> Lens | LensKind:
    """Give a camera's lens where its numbers are known, else its kind."""
    if camera.focal_px is None:
        return camera.lens
    middle = (camera.size_px[0] / 2, camera.size_px[1] / 2)
    return Lens(camera.lens, camera.focal_px, camera.centre_px or middle, camera.k1, camera.k2)


def eyes_of(
    config: StoreConfig,
    camera: str,
    *,
    parts: Parts,
    finder: Finder | None = None,
    background: BackgroundParams | None = None,
    conditions: ConditionParams | None = None,
) -> Eyes:
    """Give a camera's eyes, which know what it saw when it was calibrated, if that is on disk.

    Args:
        config: of the store.
        camera: its name.
        parts: of the store.
        finder: instead of the configured detector.
        background: as ``Eyes``.
        conditions: as ``Eyes``.
    """
    one = next(one for one in config.cameras if one.name == camera)
    ground = parts.grounds[camera]
    finds: Finder | Seer = finder or parts.detector
    count = sectors_of(one, ground=ground)
    if count and isinstance(finds, Seer):
        look_px = parts.detector.manifest.input.square_px
        finds = Sectors(finds, count=count, ground=ground, look_px=look_px)
    return Eyes(
        finds,
        ground=ground,
        confidence=config.detector.confidence,
        camera=camera,
        params=SightParams.of(parts.detector.manifest),
        signature=load_signature(config.data_dir, one),
        background=background,
        conditions=conditions,
    )


def sectors_of(camera: CameraConfig, *, ground: Ground) -> int:
    """Give through how many sectors a camera is looked at; 0: none."""
    return sectors_for(camera.lens, asked=camera.sectors, ground=ground)


def _refuse_sectors(config: StoreConfig, *, grounds: dict[str, Ground]) -> None:
    for camera in config.cameras:
        if camera.sectors and not looks_down(grounds[camera.name]):
            raise ConfigError(
                f"camera {camera.name!r} has sectors, but what is straight below it is not in its "
                "picture, or the points do not tell: remove sectors, or give height_m or hfov_deg"
            )


def tracker_of(config: StoreConfig, *, parts: Parts) -> Tracker:
    """Give what follows people over all cameras of the agent.

    People appear at doors and at the edge of what is seen; elsewhere only on more evidence.
    """
    sure = config.detector.confidence
    return Tracker(
        TrackerParams(sure=parts.detector.begins if sure is None else sure),
        may_stand=parts.floor.may_stand,
        may_appear=_entry(parts.floor, grounds=tuple(parts.grounds.values())),
        sees=lambda camera, places: _in_view(parts.grounds[camera], places.T),
    )


def fusion_of(config: StoreConfig, *, parts: Parts) -> Fusion:
    """Give what brings all cameras' sightings together."""
    return Fusion(tracker_of(config, parts=parts), cameras=parts.grounds)


def _entry(floor: Floor, *, grounds: tuple[Ground, ...]) -> Callable[[float, float], bool]:
    """Give whether people come into view at a place; everywhere, if the plan has no doors."""
    doors = [zone.id for zone in floor.plan.zones if zone.kind in ("entrance", "exit")]
    around = np.array([(EDGE_M, 0), (-EDGE_M, 0), (0, EDGE_M), (0, -EDGE_M)])

    def at_edge(east_m: float, north_m: float) -> bool:
        beside = around + np.array((east_m, north_m))
        seen = np.logical_or.reduce([_in_view(ground, beside) for ground in grounds])
        return any(floor.may_stand(*place) for place in beside[~seen].tolist())

    def may_appear(east_m: float, north_m: float) -> bool:
        near = (floor.zone_distance_m(door, east_m, north_m) <= DOOR_M for door in doors)
        return not doors or any(near) or at_edge(east_m, north_m)

    return may_appear


def _in_view(ground: Ground, points: NDArray[np.float64]) -> NDArray[np.bool_]:
    image = ground.image_from_floor(points)
    inside = (image >= 0) & (image < ground.image_size)
    return np.logical_and(inside[:, 0], inside[:, 1])


def meta_of(
    config: StoreConfig, *, config_hash: str, codebook: Codebook, budget: Budget
) -> messages.Meta:
    """Tell what an agent is, as the contract does."""
    served = [one for reader in config.readers for one in reader.served()]
    reading = {one.zone for one in served if one.place == "shelf"}
    return messages.Meta(
        version=version("aislewise"),
        config_hash=config_hash,
        plan=config.plan.version,
        timezone=config.timezone,
        opens=config.opens,
        closes=config.closes,
        outline=config.plan.outline,
        zones=tuple(
            messages.Zone(
                zone.id, zone.kind, zone.name or zone.id, zone.polygon, zone.id in reading
            )
            for zone in config.plan.zones
            if zone.kind != "queue"  # nothing is counted in these two
            if zone.kind != "staff"
        ),
        fixtures=config.plan.fixtures,
        dayparts=tuple(part.name for part in config.dayparts),
        codebook=codebook,
        privacy=_privacy(config, budget=budget),
        simulated=config.simulated,
        daypart_starts=tuple(part.starts for part in config.dayparts),
    )


def _privacy(config: StoreConfig, *, budget: Budget) -> messages.Privacy:
    said = budget.message()
    if not config.privacy.groups:
        return said
    line = messages.Channel(
        GROUPS.name, GROUPS.period, GROUPS.clip, GROUPS.rho, GROUPS.sd, 1 / GROUPS.unit
    )
    return msgspec.structs.replace(said, standard=False, channels=(*said.channels, line))


def _refuse_meta(config: StoreConfig, *, budget: Budget) -> None:
    """Refuse a plan that the contract's ``meta`` message cannot carry."""
    topic = Topic(config.store, config.agent, "meta")
    meta = meta_of(config, config_hash="0" * 16, codebook=default_codebook(), budget=budget)
    try:
        decode(topic, encode(topic, meta, event_id="0" * 16, time=datetime.now(UTC)))
    except WireError as error:
        raise ConfigError(
            f"plan: the hub could not take it ({error}); use fewer or simpler polygons, or split "
            "the floor between two agents"
        ) from error


def budget_of(config: StoreConfig) -> Budget:
    """Give a visit's budget, fitted to the store's plan and catalogue.

    Raises:
        ConfigError: plan, catalogue or budget are wrong.
        PrivacyError: the channels would exceed the budget.
    """
    goods = goods_of(catalogue_of(config) or ())
    return _budget(config, floor=Floor(config.floor_plan()), goods=goods)


def _budget(config: StoreConfig, *, floor: Floor, goods: Goods) -> Budget:
    channels = Channels(floor, dayparts=_dayparts(config), goods=goods)
    try:
        return Budget(config.privacy.rho).fitted(channels.most)
    except PrivacyError as error:
        raise ConfigError(f"privacy.rho: {error}") from error


def _dayparts(config: StoreConfig) -> tuple[Daypart, ...]:
    return tuple(Daypart(part.name, time.fromisoformat(part.starts)) for part in config.dayparts)


def items_of(config: StoreConfig) -> Items:
    """Give what turns reads into item events."""
    places: dict[str | Key, Place] = {
        (reader.name, one.number): Place(one.zone, one.place)
        for reader in config.readers
        for one in reader.served()
    }
    return Items(ItemParams(), places, known=catalogue_of(config))


def catalogue_of(config: StoreConfig) -> Catalogue | None:
    """Read the catalogue, if there is one.

    Raises:
        ConfigError: it cannot be read, or is wrong.
    """
    path = config.catalogue
    if path is None:
        return None
    text = read_text(path, mend="check the catalogue's path, and save it as UTF-8")
    return parse_catalogue(text, where=path.name)


def badges_of(config: StoreConfig) -> frozenset[str]:
    """Give the classes of the catalogue that staff wear."""
    return frozenset(
        product.product_class
        for product in catalogue_of(config) or ()
        if STAFF in (product.tags or ())
    )


def sales_of(config: StoreConfig) -> Sales:
    """Give what checks lines of the point of sale."""
    tills = {zone.id: zone.id for zone in config.plan.zones if zone.kind == "till"}
    return Sales(config.sales.tills or tills)


def visits_of(
    config: StoreConfig,
    *,
    parts: Parts,
    utc_of: Callable[[int], datetime | None] = lambda _: None,
    hears: bool = False,
) -> Visits:
    """Give what turns tracks and item events into visits.

    Args:
        config: of the store.
        parts: of the store.
        utc_of: tells promotions' days.
        hears: goods are heard though the configuration has no reader.
    """
    antennas: dict[str | Key, Point] = {
        (reader.name, one.number): one.at
        for reader in config.readers
        for one in reader.served()
        if one.at is not None
    }
    catalogue = catalogue_of(config)
    zone = ZoneInfo(config.timezone)

    def day_of(scene_ms: int) -> date | None:
        at = utc_of(scene_ms)
        return None if at is None else at.astimezone(zone).date()

    return Visits(
        parts.floor,
        antennas=antennas,
        assortment=None if catalogue is None else Assortment(catalogue, day_of=day_of),
        hears=hears
        or any(one.place == "shelf" for reader in config.readers for one in reader.served()),
    )


def windows_of(
    parts: Parts,
    *,
    utc_of: Callable[[int], datetime | None],
    start_ms: int,
    grace_ms: int,
    ledger: Ledger | None = None,
    codebook: Codebook | None = None,
) -> Windows:
    """Give what turns visits into releases.

    Args:
        parts: of the store.
        utc_of: the scene's clock.
        start_ms: when counting begins.
        grace_ms: how long a window waits for visits that ended in it.
        ledger: what was released before.
        codebook: that the hub has published; without it, the one that ships.
    """
    return Windows(
        parts.floor,
        codebook=codebook or default_codebook(),
        budget=parts.budget,
        hours=parts.hours,
        dayparts=parts.dayparts,
        utc_of=utc_of,
        goods=parts.goods,
        groups=parts.groups,
        ledger=ledger,
        start_ms=start_ms,
        params=replace(WindowParams(), grace_ms=grace_ms),
    )
