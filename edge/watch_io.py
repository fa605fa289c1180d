"""What `aisle-edge watch` does: a live view of zones in the terminal; writes and sends nothing."""

from __future__ import annotations

import sys
import time
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import msgspec
from rich.live import Live
from rich.table import Table

from edge.app import Parts, eyes_of, read_config
from edge.clock_io import SceneClock
from edge.occupancy import Occupancy, ZoneCount
from edge.vision.camera_io import Camera, probe
from edge.vision.watching import Eyes
from edge.visits.plan import Floor

WAIT_S = 1.0
"""Longest wait for an image."""


@dataclass(frozen=True, slots=True)
class View:
    """What the terminal shows.

    Attributes:
        zones: in the plan's order.
        scene_s: watched so far.
        images: looked at.
        fps: images looked at per wall second.
        coverage: share of the images offered that were looked at.
    """

    zones: tuple[ZoneCount, ...]
    scene_s: float
    images: int
    fps: float
    coverage: float


def watch_camera(path: Path, *, video: Path | None, live: bool, as_json: bool) -> None:
    """Watch the first camera, or a file in its place, until it ends or Ctrl-C.

    Raises:
        ConfigError: the configuration is wrong.
        ModelError: the detector is.
        DeviceError: the camera does not open.
    """
    _, config = read_config(path)
    parts = Parts.build(config)
    source = config.cameras[0].source if video is None else str(video)
    probe(source)
    camera = Camera(
        config.cameras[0].name,
        source=source,
        now_ms=SceneClock().now_ms,
        pace="live" if live else "every",
    )
    eyes = eyes_of(config, config.cameras[0].name, parts=parts, numbers=count(1))
    views = _views(camera, eyes=eyes, floor=parts.floor)
    if as_json:
        view = deque(views, maxlen=1).pop()
        sys.stdout.write(msgspec.json.encode(view).decode() + "\n")
        return
    with Live(refresh_per_second=4) as screen:
        for view in views:
            screen.update(_table(view, floor=parts.floor))


def _views(camera: Camera, *, eyes: Eyes, floor: Floor) -> Iterator[View]:
    """Give the state after every image, and once more at the end; Ctrl-C is an end too."""
    occupancy = Occupancy(
        tuple(zone.id for zone in floor.plan.zones), zone_at=lambda e, n: _zone_id(floor, e, n)
    )
    began_s, images, scene_ms = time.monotonic(), 0, 0
    with camera, suppress(KeyboardInterrupt):
        while not camera.ended:
            taken = camera.latest(WAIT_S)
            if taken is None:
                continue
            images, scene_ms = images + 1, taken[0]
            for event in eyes.feed(*taken):
                occupancy.feed(event)
            counters = camera.status().counters
            yield View(
                occupancy.counts(),
                scene_ms / 1000,
                images,
                images / (time.monotonic() - began_s),
                1 - counters["drops"] / counters["frames"],
            )


def _zone_id(floor: Floor, east_m: float, north_m: float) -> str:
    zone = floor.zone_at(east_m, north_m)
    return "" if zone is None else zone.id


def _table(view: View, *, floor: Floor) -> Table:
    table = Table(
        caption=f"{view.scene_s:.0f} s watched, {view.images} pictures at {view.fps:.1f} a second, "
        f"coverage {view.coverage:.0%}"
    )
    table.add_column("zone")
    for title in ("now", "came in", "dwell so far", "a stay"):
        table.add_column(title, justify="right")
    names = {zone.id: zone.name for zone in floor.plan.zones}
    for zone in view.zones:
        mean = f"{zone.dwell_s / zone.entries:.1f} s" if zone.entries else "-"
        table.add_row(
            names[zone.zone], str(zone.present), str(zone.entries), f"{zone.dwell_s:.0f} s", mean
        )
    return table
