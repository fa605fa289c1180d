"""What `aisle-edge watch` does: a live view of zones in the terminal; writes and sends nothing."""

from __future__ import annotations

import sys
import time
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec
from rich.live import Live
from rich.table import Table

from edge.clock_io import SceneClock
from edge.errors import ConfigError
from edge.occupancy import Occupancy, ZoneCount
from edge.parts_io import Parts, eyes_of, read_config, tracker_of
from edge.vision.camera_io import Camera, probe
from edge.vision.tracking import Tracker
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
        trouble: why the camera is down, if it is.
    """

    zones: tuple[ZoneCount, ...]
    scene_s: float
    images: int
    fps: float
    coverage: float
    trouble: str = ""


def watch_camera(path: Path, *, video: Path | None, live: bool, as_json: bool) -> None:
    """Watch the first camera, or a file in its place, until it ends or Ctrl-C.

    Raises:
        ConfigError: the configuration is wrong, or a live camera is to be written to a file.
        ModelError: the detector is.
        DeviceError: the camera does not open.
    """
    recording = None if video is None else str(video.absolute())  # "0" would be a camera's number
    is_live = recording is None or recording.startswith("/dev/")
    if is_live and (as_json or not sys.stdout.isatty()):
        raise ConfigError(
            "a live camera is shown on a screen only: exact counts of people in the shop are not "
            "for files; give --video FILE to look at a recording"
        )
    config = read_config(path)
    parts = Parts.build(config)
    source = config.cameras[0].source if recording is None else recording
    probe(source)
    clock = SceneClock()
    camera = Camera(
        config.cameras[0].name,
        source=source,
        now_ms=clock.now_ms,
        pace="live" if live else "every",
    )
    eyes = eyes_of(config, config.cameras[0].name, parts=parts)
    tracker = tracker_of(config, parts=parts)
    views = _views(camera, eyes=eyes, tracker=tracker, floor=parts.floor, clock=clock)
    if as_json:
        for last in deque(views, maxlen=1):
            sys.stdout.write(msgspec.json.encode(last).decode() + "\n")
        return
    with Live(refresh_per_second=4) as screen:
        for view in views:
            screen.update(_table(view, floor=parts.floor))


def _views(
    camera: Camera, *, eyes: Eyes, tracker: Tracker, floor: Floor, clock: SceneClock
) -> Iterator[View]:
    """Give the state after every image, and once more at the end; Ctrl-C is an end too."""
    occupancy = Occupancy(
        tuple(zone.id for zone in floor.plan.zones), zone_at=lambda e, n: _zone_id(floor, e, n)
    )
    began_s, images, scene_ms = time.monotonic(), 0, 0

    def view() -> View:
        status = camera.status()
        return View(
            occupancy.counts(),
            scene_ms / 1000,
            images,
            images / (time.monotonic() - began_s),
            1 - status.counters["drops"] / max(1, status.counters["frames"]),
            status.detail or ("" if eyes.condition is None else eyes.condition.said),
        )

    with camera, suppress(KeyboardInterrupt):
        while not camera.ended:
            before_ms = clock.now_ms()
            taken = camera.latest(WAIT_S)
            if taken is not None:
                images, scene_ms = images + 1, taken[0]
            elif camera.status().state == "up":
                continue
            else:
                scene_ms = before_ms
            events = tracker.feed(eyes.sight(*taken)) if taken else tracker.advance(before_ms)
            for event in events:
                occupancy.feed(event)
            yield view()
        yield view()


def _zone_id(floor: Floor, east_m: float, north_m: float) -> str:
    zone = floor.zone_at(east_m, north_m)
    return "" if zone is None else zone.id


def _table(view: View, *, floor: Floor) -> Table:
    table = Table(
        caption=f"{view.scene_s:.0f} s watched, {view.images} pictures at {view.fps:.1f} a second, "
        f"coverage {view.coverage:.0%}" + (f"; {view.trouble}" if view.trouble else "")
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
