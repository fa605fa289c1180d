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
from edge.parts_io import Parts, eyes_of, ground_of, read_config, sectors_of
from edge.release.privacy import Budget
from edge.rfid import reader_io
from edge.rfid.drivers import candidates
from edge.rfid.epc import ProductClasses
from edge.uplink import mqtt_io
from edge.uplink.outbox_io import Outbox
from edge.vision import camera_io
from edge.vision.background import BackgroundParams
from edge.vision.camera_io import Camera
from edge.vision.condition import ConditionParams
from edge.vision.detection import Image
from edge.vision.survey import hints

LOOK_MS, LOOK_MOST_MS = 10_000, 60_000
"""How long a camera is looked at from its first picture on, at least and at most."""
LOOKS_LEAST = 12
"""Pictures that are asked for; below, how much sooner than the agent it is judged."""
LOOK_WAIT_S = 0.5
LOOK_BACKGROUND = BackgroundParams(every_ms=500, known_ms=3_000)
LOOK_CONDITIONS = ConditionParams(frozen_ms=8_000, compare_ms=1_000, sure_ms=3_000)


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
        yield Outcome("configuration", error=error)  # which names the file
        return
    yield Outcome(
        str(path),
        f"store {config.store!r}, agent {config.agent!r}; plan {config.plan.version!r}, "
        f"{len(config.plan.zones)} zones; "
        f"{_budget(parts.budget)}; detector {parts.detector.manifest.name}",
    )
    for camera in config.cameras:
        yield _tried(f"camera {camera.name}", partial(_camera, camera, config=config, parts=parts))
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


def _camera(camera: CameraConfig, *, config: StoreConfig, parts: Parts) -> str:
    width, height = camera_io.probe(camera.source)
    if width * camera.size_px[1] != height * camera.size_px[0]:
        raise ConfigError(
            f"pictures are {width}x{height} pixels, but the points were read from "
            f"{camera.size_px[0]}x{camera.size_px[1]}: set the camera back or read them again"
        )
    missed_m = ground_of(camera).residual_m
    points = f"{len(camera.points)} floor points miss by {missed_m:.2f} m"
    ground = parts.grounds[camera.name]
    known = hints(
        ground,
        sectors=sectors_of(camera, ground=ground),
        brought=config.detector.manifest is not None,
    )
    condition = _look(camera, config=config, parts=parts)
    return "; ".join([f"{width}x{height} pixels", points, *known, condition])


def _look(camera: CameraConfig, *, config: StoreConfig, parts: Parts) -> str:
    """Watch for some seconds and say what is wrong with the pictures, as the agent would."""
    eyes = eyes_of(
        config, camera.name, parts=parts, background=LOOK_BACKGROUND, conditions=LOOK_CONDITIONS
    )
    with Camera(camera.name, source=camera.source, now_ms=wall_ms) as watched:
        seen = False
        for taken in _pictures(watched):
            eyes.sight(*taken)
            seen = True
        if not seen:
            raise DeviceError(watched.status().detail or "sent no picture: look at its own page")
    if eyes.condition is not None:
        raise DeviceError(eyes.condition.said)
    if eyes.signature is None:
        return "whether it was moved can be told once the agent has run for half an hour"
    if not eyes.compared:
        return "too little seen to tell whether it was moved: try when it is quiet"
    return "as it was when its points were taken"


def _pictures(watched: Camera) -> Iterator[tuple[int, Image]]:
    """Give pictures for a while by their own instants, however long each is looked at."""
    count = 0
    end_ms = most_ms = wall_ms() + LOOK_MOST_MS
    while not watched.ended:
        taken = watched.latest(LOOK_WAIT_S)
        if taken is None:
            if wall_ms() >= end_ms:
                return
            continue
        at_ms, _ = taken
        if not count:
            end_ms = at_ms + LOOK_MS
        count += 1
        yield taken
        if at_ms >= most_ms or (at_ms >= end_ms and count >= LOOKS_LEAST):
            return


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
