"""What `aisle-edge check` does: opens everything once, says what is wrong and how to mend it."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from edge.clock_io import SceneClock, wall_ms
from edge.config import CameraConfig, ReaderConfig, StoreConfig
from edge.errors import AgentError, ConfigError, DeviceError
from edge.parts_io import Parts, ground_of, read_config
from edge.release.privacy import Budget
from edge.rfid import reader_io
from edge.rfid.drivers import candidates
from edge.rfid.epc import ProductClasses
from edge.uplink import mqtt_io
from edge.uplink.outbox_io import Outbox
from edge.vision import camera_io


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was looked at, and what was found or what is wrong."""

    what: str
    found: str = ""
    error: AgentError | None = None


def checks(path: Path) -> Iterator[Outcome]:
    """Look at one thing after the other; one that fails stops only what needs it."""
    try:
        config = read_config(path)
        parts = Parts.build(config)
    except AgentError as error:
        yield Outcome(str(path), error=error)
        return
    yield Outcome(
        str(path),
        f"plan {config.plan.version!r}, {len(config.plan.zones)} zones; "
        f"{_budget(parts.budget)}; detector {parts.detector.manifest.name}",
    )
    for camera in config.cameras:
        yield _tried(f"camera {camera.name}", partial(_camera, camera))
    for reader in config.readers:
        yield _tried(f"reader {reader.name}", partial(_reader, reader))
    yield _tried(f"outbox in {config.data_dir}", partial(_outbox, config))
    yield _tried(f"broker {config.broker.host}:{config.broker.port}", partial(_broker, config))
    yield _tried("clock", partial(_clock, config))


def _tried(what: str, look: Callable[[], str]) -> Outcome:
    try:
        return Outcome(what, look())
    except AgentError as error:
        return Outcome(what, error=error)


def _budget(budget: Budget) -> str:
    standard = "the standard" if budget.standard else "WEAKER than the standard 0.10"
    return f"privacy budget rho {budget.rho:g} ({standard})"


def _camera(camera: CameraConfig) -> str:
    width, height = camera_io.probe(camera.source)
    if width * camera.size_px[1] != height * camera.size_px[0]:
        raise ConfigError(
            f"pictures are {width}x{height} pixels, but the points were read from "
            f"{camera.size_px[0]}x{camera.size_px[1]}: set the camera back or read them again"
        )
    missed_m = ground_of(camera).residual_m
    return f"{width}x{height} pixels; {len(camera.points)} floor points miss by {missed_m:.2f} m"


def _reader(reader: ReaderConfig) -> str:
    classes = ProductClasses(secrets.token_bytes(32))
    known = candidates(reader.settings(), classes=classes, family=reader.family, baud=reader.baud)
    return reader_io.probe(reader.port, candidates=known, wall_ms=wall_ms)


def _outbox(config: StoreConfig) -> str:
    outbox = Outbox(config.data_dir / "outbox.db", store=config.store, agent=config.agent)
    try:
        return outbox.notice or f"{outbox.level().waiting} releases wait for the hub"
    finally:
        outbox.close()


def _broker(config: StoreConfig) -> str:
    mqtt_io.probe(config.broker, store=config.store, agent=config.agent)
    return "lets us in"


def _clock(config: StoreConfig) -> str:
    if config.simulated_clock is not None:
        return "simulated"
    if not SceneClock(require_sync=config.clock.require_sync).synchronised():
        raise DeviceError(
            "not synchronised, so releases wait: enable NTP (timedatectl set-ntp true), or set "
            "clock.require_sync = false if this box keeps time by itself"
        )
    return "synchronised" if config.clock.require_sync else "taken on trust"
