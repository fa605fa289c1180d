"""One agent: the only place that puts cameras, readers, the pipeline and the door out together.

Each camera and reader has a thread of its own; what they find meets in one queue, and one loop
takes it through the pipeline. A device that dies leaves the others running.
"""

from __future__ import annotations

import logging
import queue
import secrets
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

from msgspec.structs import replace

from edge.clock_io import SceneClock, wall_ms
from edge.config import CameraConfig, ReaderConfig, StoreConfig, config_hash
from edge.errors import ConfigError, DeviceError, PrivacyError
from edge.parts_io import (
    Parts,
    badges_of,
    eyes_of,
    fusion_of,
    items_of,
    meta_of,
    sales_of,
    visits_of,
    windows_of,
)
from edge.pipeline import Found, Pipeline
from edge.process_io import lock_folder
from edge.release.released import Released
from edge.release.state_io import load_ledger, load_wish, save_ledger, save_wish
from edge.replay_live_io import Listen, Sensor
from edge.rfid.drivers import candidates
from edge.rfid.epc import ProductClasses
from edge.rfid.reader_io import Reader
from edge.rfid.sales_io import SalesFile, SalesServer, Till
from edge.uplink.mqtt_io import Uplink
from edge.uplink.outbox_io import Outbox
from edge.vision.camera_io import Camera
from edge.vision.fusion import Blank
from edge.vision.signature_io import save_signature
from edge.vision.watching import Eyes
from edge.visits.visits import Visit
from wire import messages

log = logging.getLogger(__name__)

LOOK_S = 0.25
"""Longest wait for an image before a camera's thread looks at the time instead."""
TURN_S = 0.1
"""Longest wait of the main loop."""
INBOX_MOST = 2_000
"""Batches of findings waiting for the main loop; beyond, the newest are dropped and counted."""
PAUSE_S = 5.0
"""How long a camera that gives unusable pictures is left alone."""
GRACE_MS = 5_000
"""A window waits this much longer than the last visit that may belong to it."""


class Inbox:
    """Where the threads of cameras and readers leave what they found for the main loop."""

    def __init__(self) -> None:
        self.dropped = 0
        self._queue: queue.Queue[list[Found]] = queue.Queue(INBOX_MOST)
        self._crash: BaseException | None = None

    def put(self, found: list[Found]) -> None:
        """Leave findings; never waits, a main loop that hangs must not hang the devices."""
        try:
            self._queue.put_nowait(found)
        except queue.Full:
            self.dropped += 1

    def crash(self, error: BaseException) -> None:
        """Leave what ended a thread, for the main loop to raise."""
        self._crash = error

    def take(self, timeout_s: float) -> Iterator[Found]:
        """Give what is there, after waiting for the first; bounded, so that a turn ends.

        Raises:
            BaseException: what ended a thread.
        """
        if self._crash is not None:
            raise self._crash
        for number in range(1 + self._queue.qsize()):
            try:
                batch = self._queue.get(timeout=timeout_s if number == 0 else 0.001)
            except queue.Empty:
                return
            yield from batch


class Agent:
    """Runs until it is told to stop.

    Args:
        config: the store's file, read.
        clock: of the scene.
        listen: where another sensor sends floor positions, which take the place of cameras: the
            configuration must have none, as tracks of both would be mixed up.

    Raises:
        ConfigError: as ``Parts.build``, or a file of the data folder is damaged.
        ModelError: as ``Parts.build``.
        DeviceError: the outbox cannot be opened, or another agent has it.
    """

    def __init__(
        self, config: StoreConfig, *, clock: SceneClock, listen: Listen | None = None
    ) -> None:
        if bool(config.cameras) == bool(listen):
            raise ValueError("an agent has either cameras or another sensor")
        self._config = config
        self._clock = clock
        self._hash = config_hash(config)
        self._parts = Parts.build(config)
        self._inbox = Inbox()
        self._wishes: queue.Queue[messages.Config] = queue.Queue()
        self._stop = threading.Event()
        self._started_ms = wall_ms()
        self._unsaved: list[Released] = []
        self._ledger_is_old = False
        self._down: dict[str, str] = {}
        self._watchers = [
            _Watcher(
                camera,
                eyes=eyes_of(config, camera.name, parts=self._parts),
                folder=config.data_dir,
                clock=clock,
                inbox=self._inbox,
                stop=self._stop,
            )
            for camera in config.cameras
        ]
        self._sensors = [] if listen is None else [self._sensor(listen)]
        classes = ProductClasses(secrets.token_bytes(32))
        self._readers = [self._reader(reader, classes=classes) for reader in config.readers]
        self._till = Till(
            sales_of(config),
            sink=lambda sold: self._inbox.put(list(sold)),
            now=self._now,
        )
        self._tills = self._sales_sources()
        visits = visits_of(config, parts=self._parts, utc_of=clock.utc_of)
        self._fusion = fusion_of(config, parts=self._parts)
        self._pipeline = Pipeline(
            fusion=self._fusion, items=items_of(config), visits=visits, badges=badges_of(config)
        )
        self._lock = lock_folder(config.data_dir)
        wish = load_wish(config.data_dir)
        self._kept_wish = messages.Config()
        self._windows = windows_of(
            self._parts,
            utc_of=clock.utc_of,
            start_ms=clock.now_ms(),
            grace_ms=visits.latest_ms + GRACE_MS,
            ledger=load_ledger(config.data_dir),
        )
        self._wish(wish)
        self._outbox = Outbox(config.data_dir / "outbox.db", store=config.store, agent=config.agent)
        self._uplink = Uplink(
            self._outbox,
            store=config.store,
            agent=config.agent,
            broker=config.broker,
            meta=self._meta,
            health=self._health,
            on_config=self._wishes.put,
            utc_now=self._utc_now,
            on_crash=self._inbox.crash,
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
            stack.callback(self._lock.close)
            stack.callback(self._outbox.close)
            stack.callback(self._uplink.close)
            self._uplink.start()
            devices: tuple[_Watcher | Sensor | Reader | SalesFile | SalesServer, ...] = (
                *self._watchers,
                *self._sensors,
                *self._readers,
                *self._tills,
            )
            for device in devices:
                stack.callback(device.close)
                device.start()
            for sensor in self._sensors:
                log.info("positions are taken at http://%s:%d/positions", sensor.host, sensor.port)
            log.info("watching with %d cameras and %d readers", len(self._watchers),
                     len(self._readers))  # fmt: skip
            try:
                while not self._stop.is_set():
                    self._turn()
            finally:
                self._finish()

    def _turn(self) -> None:
        """Take what was found so far, then let time pass up to the moment before taking it."""
        now_ms = self._clock.now_ms()
        for found in self._inbox.take(TURN_S):
            self._count(self._pipeline.feed(found))
        self._count(self._pipeline.advance(now_ms))
        self._windows.feed_coverage(now_ms, seeing=self._seeing())
        self._obey()
        self._save(self._windows.advance(now_ms))
        self._tell_changes()

    def _finish(self) -> None:
        log.info("stopping: releasing what was counted")
        self._obey()
        self._count(self._pipeline.flush())
        self._save(self._windows.flush(self._clock.now_ms()))
        if self._windows.undated:
            log.error("the clock was never synchronised: what was counted has no date and is lost")
        if self._unsaved:
            log.error("%d releases could not be saved and are lost", len(self._unsaved))

    def _count(self, visits: list[Visit]) -> None:
        for visit in visits:
            self._save(self._windows.feed(visit))

    def _save(self, released: list[Released]) -> None:
        """Put releases into the outbox; what the disk refuses waits in memory."""
        self._unsaved += released
        self._ledger_is_old |= bool(released)
        while self._unsaved:
            try:
                if self._ledger_is_old:  # first of all: what may have left never leaves again
                    save_ledger(self._config.data_dir, self._windows.ledger)
                    self._ledger_is_old = False
                self._outbox.put(self._unsaved[0], at=self._utc_now().replace(microsecond=0))
            except DeviceError as error:
                self._tell("outbox", str(error))
                return
            self._tell("outbox", "")
            del self._unsaved[0]
            self._uplink.wake()

    def _obey(self) -> None:
        """Take up what the hub asked for; it may only tighten."""
        while not self._wishes.empty():
            before = self._kept_wish
            if not self._wish(self._wishes.get()) and self._kept_wish == before:
                continue
            try:
                save_wish(self._config.data_dir, self._kept_wish)
            except DeviceError as error:
                log.warning("the hub's wish holds until a restart only: %s", error)
            self._uplink.refresh()

    def _wish(self, wish: messages.Config) -> bool:
        """Take up a wish; a codebook that is refused leaves the tightening in force, and kept."""
        try:
            if wish.max_rho is not None:
                self._windows.tighten(wish.max_rho)
            self._kept_wish = replace(self._kept_wish, max_rho=wish.max_rho)
            if wish.codebook is not None:
                self._windows.renew(wish.codebook)
            self._kept_wish = replace(self._kept_wish, codebook=wish.codebook)
        except (PrivacyError, ConfigError) as error:
            log.warning("the hub's wish was refused: %s", error)
            return False
        return True

    def _waiting(self) -> str:
        until = self._windows.waits_until
        if until is None:
            return ""
        return (
            f"all up to {until:%Y-%m-%d %H:%M} UTC was released before, and nothing is counted "
            "until then; if the clock was wrong, remove released.json in the data folder"
        )

    def _seeing(self) -> float:
        return sum(one.seeing for one in self._sources()) / len(self._sources())

    def _sources(self) -> tuple[_Watcher | Sensor, ...]:
        return (*self._watchers, *self._sensors)

    def _tell_changes(self) -> None:
        for watcher in self._watchers:
            device = watcher.device()
            self._tell(f"camera {device.name}", device.detail)
        for sensor in self._sensors:
            self._tell(sensor.name, sensor.device().detail)
            self._tell(f"{sensor.name} sent", sensor.trouble)
        for reader in self._readers:
            self._tell(f"reader {reader.name}", reader.detail if reader.state == "down" else "")
        for till in self._tills:
            self._tell(till.name, till.detail if till.state == "down" else "")
        self._tell("sales", self._till.trouble)
        self._tell("release", self._waiting())
        self._tell("broker", self._uplink.detail)
        self._tell("outbox file", self._outbox.notice)

    def _tell(self, device: str, trouble: str) -> None:
        """Log a device's trouble once, and its end."""
        if self._down.get(device, "") == trouble:
            return
        self._down[device] = trouble
        if trouble:
            log.warning("%s: %s", device, trouble)
        else:
            log.info("%s: well again", device)

    def _now(self) -> tuple[int, datetime]:
        return self._clock.now_ms(), self._utc_now()

    def _utc_now(self) -> datetime:
        return self._clock.utc_of(self._clock.now_ms()) or datetime.now(UTC)

    def _sales_sources(self) -> list[SalesFile | SalesServer]:
        sales = self._config.sales
        found: list[SalesFile | SalesServer] = []
        if sales.file is not None:
            found.append(SalesFile(sales.file, till=self._till, on_crash=self._inbox.crash))
        if sales.port is not None:
            found.append(SalesServer(sales.port, till=self._till, on_crash=self._inbox.crash))
        return found

    def _sensor(self, listen: Listen) -> Sensor:
        return Sensor(
            listen,
            sink=lambda found: self._inbox.put(list(found)),
            now=self._now,
            on_crash=self._inbox.crash,
        )

    def _reader(self, reader: ReaderConfig, *, classes: ProductClasses) -> Reader:
        return Reader(
            reader.name,
            reader.port,
            candidates=candidates(
                reader.settings(), classes=classes, family=reader.family, baud=reader.baud
            ),
            sink=lambda reads: self._inbox.put(list(reads)),
            scene_ms=self._clock.now_ms,
            wall_ms=wall_ms,
            on_crash=self._inbox.crash,
        )

    def _meta(self) -> messages.Meta:
        return meta_of(
            self._config,
            config_hash=self._hash,
            codebook=self._windows.codebook,
            budget=self._windows.budget,
        )

    def _health(self) -> messages.Health:
        cameras = tuple(one.device() for one in self._sources())
        readers = tuple(
            messages.Device(one.name, "reader", one.state, one.detail, coarse(one.counters()))
            for one in self._readers
        )
        tills = tuple(
            # No counters: how many lines a till sends, or gets wrong, follows its customers.
            messages.Device(one.name, "till", one.state, one.detail)
            for one in self._tills
        )
        level = self._outbox.level()
        outbox = messages.Device(
            "outbox",
            "outbox",
            "down" if self._unsaved else "up",
            self._down.get("outbox", ""),
            {
                "waiting": level.waiting,
                "dropped": level.dropped,
                "overloaded": int(self._inbox.dropped + self._fusion.late > 0),
            }
            | self._uplink.counters(),
        )
        return messages.Health(
            up_s=(wall_ms() - self._started_ms) // 1000,
            coverage=self._seeing(),
            clock_synchronised=self._clock.synchronised(),
            devices=(*cameras, *readers, *tills, outbox),
        )


def coarse(counters: dict[str, int]) -> dict[str, int]:
    """Give counters as powers of ten: on a noisy line exact ones follow how many tags reply.

    >>> coarse({"frames_rejected": 347, "restarts": 1, "reconnects": 0})
    {'frames_rejected': 100, 'restarts': 1, 'reconnects': 0}
    """
    return {name: 10 ** (len(str(n)) - 1) if n else 0 for name, n in counters.items()}


class _Watcher:
    """One camera and its eyes, in a thread; only places on the floor come out."""

    def __init__(
        self,
        config: CameraConfig,
        *,
        eyes: Eyes,
        folder: Path,
        clock: SceneClock,
        inbox: Inbox,
        stop: threading.Event,
    ) -> None:
        self.camera = Camera(
            config.name, source=config.source, now_ms=clock.now_ms, on_crash=inbox.crash
        )
        self.trouble = ""
        self._config = config
        self._folder = folder
        self._eyes = eyes
        self._saved = eyes.signature
        self._clock = clock
        self._inbox = inbox
        self._stop = stop
        self._thread = threading.Thread(target=self._run, name=f"eyes-{config.name}", daemon=True)

    def start(self) -> None:
        """Open the camera and begin to look."""
        self.camera.start()
        self._thread.start()

    @property
    def seeing(self) -> bool:
        """Whether pictures come that can be used."""
        return self.camera.status().state == "up" and not self.trouble

    def device(self) -> messages.Device:
        """Tell how the camera is; rates in tenths, as exact ones could follow how busy it is."""
        status = self.camera.status()
        counters = status.counters
        tenths = 10 * counters["drops"] // max(1, counters["frames"])
        return messages.Device(
            self.camera.name,
            "camera",
            "down" if self.trouble else status.state,
            self.trouble or status.detail,
            {"reconnects": counters["reconnects"], "drops_percent": 10 * tenths},
        )

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
            self._inbox.crash(error)

    def _look(self) -> None:
        before_ms = self._clock.now_ms()  # later would be ahead of an image that just came
        taken = self.camera.latest(LOOK_S)
        if taken is None:
            self._inbox.put([Blank(before_ms, self.camera.name)])
            return
        try:
            found = self._eyes.sight(*taken)
        except ConfigError as error:  # the camera was set to pictures of another shape
            self.trouble = str(error)
            self._stop.wait(PAUSE_S)
            return
        condition = self._eyes.condition
        self.trouble = "" if condition is None else condition.said
        # Who is found by a camera that was moved or froze stands somewhere else, or nowhere. That
        # an image is only repeated changes nothing that is told: an empty aisle may look so.
        blank = Blank(found.scene_ms, self.camera.name)
        self._inbox.put([blank if condition or self._eyes.stale else found])
        self._keep_signature()

    def _keep_signature(self) -> None:
        """Put on disk what the eyes have adopted, so that a restart does not forget it."""
        signature = self._eyes.signature
        if signature is None or signature is self._saved:
            return
        self._saved = signature
        try:
            save_signature(self._folder, self._config, signature)
        except DeviceError as error:
            log.warning("camera %s: %s", self.camera.name, error)
