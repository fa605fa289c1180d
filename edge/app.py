"""One agent: the only place that puts cameras, readers, the pipeline and the door out together.

Each camera and reader has a thread of its own; what they find meets in one queue, and one loop
takes it through the pipeline. A device that dies leaves the others running.
"""

from __future__ import annotations

import logging
import queue
import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from importlib.metadata import version
from itertools import count
from pathlib import Path
from typing import Self
from zoneinfo import ZoneInfo

import numpy as np

from edge.clock_io import SceneClock, wall_ms
from edge.config import CameraConfig, ReaderConfig, StoreConfig, config_hash, parse
from edge.errors import ConfigError, DeviceError, PrivacyError
from edge.pipeline import Pipeline
from edge.release.hours import Daypart, Hours
from edge.release.privacy import Budget
from edge.release.released import Released
from edge.release.windows import WindowParams, Windows
from edge.rfid.driver import Settings
from edge.rfid.drivers import FAMILIES
from edge.rfid.epc import ProductClasses
from edge.rfid.items import ItemParams, Items, Place
from edge.rfid.reader_io import Reader
from edge.rfid.reads import TagRead
from edge.uplink.mqtt_io import Uplink
from edge.uplink.outbox_io import Outbox
from edge.vision.camera_io import Camera
from edge.vision.ground import Ground
from edge.vision.onnx_io import Detector, load_detector, shipped_manifest
from edge.vision.tracking import TrackEnd, TrackPoint
from edge.vision.watching import Eyes
from edge.visits.plan import Floor, check_plan
from edge.visits.visits import Visit, Visits
from wire import messages
from wire.codebook import default_codebook

log = logging.getLogger(__name__)

Found = TrackPoint | TrackEnd | TagRead

LOOK_S = 0.25
"""Longest wait for an image before a camera's thread looks at the time instead."""
TURN_S = 0.1
"""Longest wait of the main loop."""
INBOX_MOST = 2_000
"""Findings waiting for the main loop; a full inbox makes cameras and readers wait, and drop."""
GRACE_MS = 5_000
"""A window waits this much longer than the last visit that may belong to it."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What a configuration describes, built and checked, with nothing opened yet."""

    floor: Floor
    detector: Detector
    grounds: dict[str, Ground]
    budget: Budget
    hours: Hours
    dayparts: tuple[Daypart, ...]

    @classmethod
    def build(cls, config: StoreConfig) -> Self:
        """Check everything that can be checked without a device.

        Raises:
            ConfigError: the plan, a camera's points or the budget are wrong.
            ModelError: the detector is.
        """
        plan = config.floor_plan()
        check_plan(plan)
        try:
            budget = Budget(config.privacy.rho)
        except PrivacyError as error:
            raise ConfigError(f"privacy.rho: {error}") from error
        return cls(
            floor=Floor(plan),
            detector=load_detector(config.detector.manifest or shipped_manifest()),
            grounds={camera.name: ground_of(camera) for camera in config.cameras},
            budget=budget,
            hours=Hours(
                ZoneInfo(config.timezone),
                time.fromisoformat(config.opens),
                time.fromisoformat(config.closes),
                timedelta(minutes=config.linger_min),
            ),
            dayparts=tuple(
                Daypart(part.name, time.fromisoformat(part.starts)) for part in config.dayparts
            ),
        )


class Agent:
    """Runs until it is told to stop.

    Args:
        config: the store's file, read.
        text: the file itself, for its hash.
        clock: of the scene.

    Raises:
        ConfigError: as ``Parts.build``.
        ModelError: as ``Parts.build``.
        DeviceError: the outbox cannot be opened.
    """

    def __init__(self, config: StoreConfig, *, text: str, clock: SceneClock) -> None:
        self._config = config
        self._clock = clock
        self._hash = config_hash(text)
        self._parts = Parts.build(config)
        self._inbox: queue.Queue[list[Found] | BaseException] = queue.Queue(INBOX_MOST)
        self._wishes: queue.Queue[messages.Config] = queue.Queue()
        self._stop = threading.Event()
        self._started_ms = wall_ms()
        self._unsaved: list[Released] = []
        self._down: dict[str, str] = {}
        numbers = count(1)
        self._watchers = [
            _Watcher(
                camera,
                eyes=eyes_of(config, camera.name, parts=self._parts, numbers=numbers),
                clock=clock,
                inbox=self._inbox,
                stop=self._stop,
            )
            for camera in config.cameras
        ]
        classes = ProductClasses(secrets.token_bytes(32))
        self._readers = [self._reader(reader, classes=classes) for reader in config.readers]
        visits = visits_of(config, parts=self._parts)
        self._pipeline = Pipeline(items=items_of(config), visits=visits)
        self._windows = windows_of(
            self._parts,
            utc_of=clock.utc_of,
            start_ms=clock.now_ms(),
            grace_ms=visits.latest_ms + GRACE_MS,
        )
        self._outbox = Outbox(config.data_dir / "outbox.db", store=config.store, agent=config.agent)
        if self._outbox.notice:
            log.warning("%s", self._outbox.notice)
        self._uplink = Uplink(
            self._outbox,
            store=config.store,
            agent=config.agent,
            broker=config.broker,
            meta=self._meta,
            health=self._health,
            on_config=self._wishes.put,
            utc_now=self._utc_now,
        )

    def stop(self) -> None:
        """End soon; safe in a signal handler."""
        self._stop.set()

    def run(self) -> None:
        """Watch, count and release until ``stop``; then release what was counted.

        Raises:
            ValueError: a bug of ours in one of the threads; the agent must be started anew.
        """
        with ExitStack() as stack:
            stack.callback(self._outbox.close)
            stack.callback(self._uplink.close)
            self._uplink.start()
            devices: tuple[_Watcher | Reader, ...] = (*self._watchers, *self._readers)
            for device in devices:
                stack.callback(device.close)
                device.start()
            log.info("watching with %d cameras and %d readers", len(self._watchers),
                     len(self._readers))  # fmt: skip
            while not self._stop.is_set():
                self._turn()
            self._finish()

    def _turn(self) -> None:
        """Take what was found so far, then let time pass up to the moment before taking it."""
        now_ms = self._clock.now_ms()
        for found in self._arrived():
            self._count(self._pipeline.feed(found))
        self._count(self._pipeline.advance(now_ms))
        self._windows.feed_coverage(now_ms, seeing=self._seeing())
        self._obey()
        self._save(self._windows.advance(now_ms))
        self._tell_changes()

    def _arrived(self) -> Iterator[Found]:
        batch = self._next(TURN_S)
        while batch is not None:
            if isinstance(batch, BaseException):
                raise batch
            yield from batch
            batch = self._next(0.0)

    def _next(self, timeout_s: float) -> list[Found] | BaseException | None:
        try:
            return self._inbox.get(timeout=timeout_s) if timeout_s else self._inbox.get_nowait()
        except queue.Empty:
            return None

    def _finish(self) -> None:
        log.info("stopping: releasing what was counted")
        self._count(self._pipeline.flush())
        self._save(self._windows.flush(self._clock.now_ms()))
        if self._unsaved:
            log.error("%d releases could not be saved and are lost", len(self._unsaved))

    def _count(self, visits: list[Visit]) -> None:
        for visit in visits:
            self._save(self._windows.feed(visit))

    def _save(self, released: list[Released]) -> None:
        """Put releases into the outbox; what the disk refuses waits in memory."""
        self._unsaved += released
        while self._unsaved:
            try:
                self._outbox.put(self._unsaved[0], at=self._utc_now())
            except DeviceError as error:
                self._tell("outbox", str(error))
                return
            self._tell("outbox", "")
            del self._unsaved[0]
            self._uplink.wake()

    def _obey(self) -> None:
        """Take up what the hub asked for; it may only tighten."""
        while not self._wishes.empty():
            wish = self._wishes.get()
            try:
                if wish.max_rho is not None:
                    self._windows.tighten(wish.max_rho)
                if wish.codebook is not None:
                    self._windows.renew(wish.codebook)
            except (PrivacyError, ConfigError) as error:
                log.warning("the hub's wish was refused: %s", error)
            self._uplink.refresh()

    def _seeing(self) -> float:
        return sum(one.camera.status().state == "up" for one in self._watchers) / len(
            self._watchers
        )

    def _tell_changes(self) -> None:
        for watcher in self._watchers:
            status = watcher.camera.status()
            self._tell(f"camera {watcher.camera.name}", status.detail)
        for reader in self._readers:
            self._tell(f"reader {reader.name}", reader.detail if reader.state == "down" else "")
        self._tell("broker", self._uplink.detail)

    def _tell(self, device: str, trouble: str) -> None:
        """Log a device's trouble once, and its end."""
        if self._down.get(device, "") == trouble:
            return
        self._down[device] = trouble
        if trouble:
            log.warning("%s: %s", device, trouble)
        else:
            log.info("%s: well again", device)

    def _utc_now(self) -> datetime:
        return self._clock.utc_of(self._clock.now_ms()) or datetime.now(UTC)

    def _reader(self, reader: ReaderConfig, *, classes: ProductClasses) -> Reader:
        settings = Settings(reader.region, reader.power_dbm)
        family = FAMILIES[reader.family]
        return Reader(
            reader.name,
            reader.port,
            driver=lambda now_ms: family(settings, classes=classes, now_ms=now_ms),
            sink=lambda reads: self._inbox.put(list(reads)),
            scene_ms=self._clock.now_ms,
            wall_ms=wall_ms,
            baud=reader.baud,
        )

    def _meta(self) -> messages.Meta:
        config, plan = self._config, self._parts.floor.plan
        reading = {reader.zone for reader in config.readers if reader.place == "shelf"}
        return messages.Meta(
            version=version("aislewise"),
            config_hash=self._hash,
            plan=plan.version,
            timezone=config.timezone,
            opens=config.opens,
            closes=config.closes,
            outline=plan.outline,
            zones=tuple(
                messages.Zone(zone.id, zone.kind, zone.name, zone.polygon, zone.id in reading)
                for zone in plan.zones
            ),
            fixtures=plan.fixtures,
            dayparts=tuple(part.name for part in config.dayparts),
            codebook=self._windows.codebook,
            privacy=self._windows.budget.message(),
            simulated=config.simulated,
            daypart_starts=tuple(part.starts for part in config.dayparts),
        )

    def _health(self) -> messages.Health:
        cameras = tuple(
            messages.Device(one.camera.name, "camera", status.state, status.detail, status.counters)
            for one in self._watchers
            for status in (one.camera.status(),)
        )
        readers = tuple(
            messages.Device(one.name, "reader", one.state, one.detail, one.counters())
            for one in self._readers
        )
        level = self._outbox.level()
        outbox = messages.Device(
            "outbox",
            "outbox",
            "down" if self._unsaved else "up",
            self._down.get("outbox", ""),
            {"waiting": level.waiting, "dropped": level.dropped} | self._uplink.counters(),
        )
        return messages.Health(
            up_s=(wall_ms() - self._started_ms) // 1000,
            coverage=self._seeing(),
            clock_synchronised=self._clock.synchronised(),
            devices=(*cameras, *readers, outbox),
        )


class _Watcher:
    """One camera and its eyes, in a thread; only tracks come out."""

    def __init__(
        self,
        config: CameraConfig,
        *,
        eyes: Eyes,
        clock: SceneClock,
        inbox: queue.Queue[list[Found] | BaseException],
        stop: threading.Event,
    ) -> None:
        self.camera = Camera(config.name, source=config.source, now_ms=clock.now_ms)
        self._eyes = eyes
        self._clock = clock
        self._inbox = inbox
        self._stop = stop
        self._thread = threading.Thread(target=self._run, name=f"eyes-{config.name}", daemon=True)

    def start(self) -> None:
        """Open the camera and begin to look."""
        self.camera.start()
        self._thread.start()

    def close(self) -> None:
        """Close the camera; the thread ends with it."""
        self._stop.set()
        self.camera.close()
        self._thread.join(timeout=2.0)

    def _run(self) -> None:
        try:
            while not self._stop.is_set():
                self._look()
        except BaseException as error:  # noqa: BLE001 - the main loop raises it again
            self._inbox.put(error)

    def _look(self) -> None:
        before_ms = self._clock.now_ms()  # later would be ahead of an image that just came
        taken = self.camera.latest(LOOK_S)
        found = self._eyes.advance(before_ms) if taken is None else self._eyes.feed(*taken)
        if found:
            self._inbox.put(list(found))


def read_config(path: Path) -> tuple[str, StoreConfig]:
    """Read a configuration file.

    Raises:
        ConfigError: it cannot be read, or is wrong.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {error}; check the path") from error
    return text, parse(text, where=path.name)


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
            camera_height_m=camera.height_m,
            hfov_deg=camera.hfov_deg,
        )
    except ConfigError as error:
        raise ConfigError(f"camera {camera.name!r}: {error}") from error


def eyes_of(config: StoreConfig, camera: str, *, parts: Parts, numbers: Iterator[int]) -> Eyes:
    """Give a camera's eyes."""
    return Eyes(
        parts.detector,
        ground=parts.grounds[camera],
        confidence=config.detector.confidence,
        may_stand=parts.floor.may_stand,
        numbers=numbers,
    )


def items_of(config: StoreConfig) -> Items:
    """Give what turns reads into item events."""
    places = {one.name: Place(one.zone, one.place) for one in config.readers}
    return Items(ItemParams(), places)


def visits_of(config: StoreConfig, *, parts: Parts) -> Visits:
    """Give what turns tracks and item events into visits."""
    antennas = {one.zone: one.antenna for one in config.readers if one.antenna is not None}
    return Visits(parts.floor, antennas=antennas)


def windows_of(
    parts: Parts, *, utc_of: Callable[[int], datetime | None], start_ms: int, grace_ms: int
) -> Windows:
    """Give what turns visits into releases."""
    return Windows(
        parts.floor,
        codebook=default_codebook(),
        budget=parts.budget,
        hours=parts.hours,
        dayparts=parts.dayparts,
        utc_of=utc_of,
        start_ms=start_ms,
        params=replace(WindowParams(), grace_ms=grace_ms),
    )
