"""A store live: the scene's clock, cameras over HTTP, readers on ptys, the truth in a file."""

from __future__ import annotations

import math
import os
import threading
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

import msgspec

from firmware_sim.camera_io import MjpegServer, VideoFile, jpeg_of
from firmware_sim.clock_io import SceneClock
from firmware_sim.pty_io import SerialPort
from firmware_sim.render import Renderer
from firmware_sim.run import Simulation, closing
from firmware_sim.store import CameraTable, Store
from firmware_sim.truth import Run, TruthEvent, TruthWriter, Visited

TURN_S = 0.02
"""Wall time between two moves of the shoppers."""
POSITIONS_S = 0.2
"""Scene time between two lines of positions: 5 Hz."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to run.

    Attributes:
        minutes: length of the scene.
        drain_minutes: of these, the last in which nobody new comes.
        begins_at: aware instant the scene shows at its start.
        truth: where the truth goes.
        positions: whether the truth holds everybody's position.
    """

    minutes: float
    drain_minutes: float
    begins_at: datetime
    truth: Path
    positions: bool = False


@dataclass(frozen=True, slots=True)
class Ports:
    """Where the outside finds the devices.

    Attributes:
        camera_port: TCP port on loopback of the first camera, 0 for a free one; others follow.
        reader_link: path of the first reader's port; others get ``-name`` behind it.
        endpoints: file that tells who runs where, written when all are ready.
    """

    camera_port: int
    reader_link: Path
    endpoints: Path | None = None


@dataclass(slots=True)
class Progress:
    """How a run goes; the counters a person is told at the end."""

    scene_s: float = 0.0
    visits: int = 0
    inside: int = 0
    unfinished: int = 0
    frames: int = 0
    frames_skipped: int = 0
    bytes_lost: int = 0


class _Truth:
    """The truth's file."""

    def __init__(self, file: BinaryIO, *, store: Store, plan: Plan) -> None:
        self._file = file
        self._writer = TruthWriter(
            Run(
                store=store.name,
                seed=store.seed,
                begins_at=plan.begins_at,
                minutes=plan.minutes,
                zones={zone.id: zone.kind for zone in store.zones},
            )
        )
        file.write(self._writer.header())

    def write(self, events: list[TruthEvent]) -> int:
        """Add events; gives how many visits were completed."""
        for event in events:
            self._file.write(self._writer.line(event))
        if events:
            self._file.flush()
        return sum(isinstance(event, Visited) and event.finished for event in events)


class _Camera:
    """A thread that renders one camera's frames when they are due, and skips what is late."""

    def __init__(
        self,
        table: CameraTable,
        *,
        renderer: Renderer,
        server: MjpegServer,
        simulation: Simulation,
        lock: threading.Lock,
        clock: SceneClock,
    ) -> None:
        self._period_s = 1.0 / table.fps
        self._renderer = renderer
        self._server = server
        self._simulation = simulation
        self._lock = lock
        self._clock = clock
        self._over = threading.Event()
        self.frames = 0
        self.skipped = 0
        self._thread = threading.Thread(target=self._run, name=f"camera {table.name}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        number = 0
        while not self._over.is_set():
            scene_s = self._clock.scene_s()
            due_s = number * self._period_s
            if scene_s < due_s or self._clock.starts_in_s() > 0:
                if number == 0 and self.frames == 0:
                    self._shoot(0.0)  # an empty store, so that a client finds a picture at once
                    self.frames = 0
                wait_s = max(0.001, (due_s - scene_s) / self._clock.speed)
                self._over.wait(min(wait_s, 0.1))
                continue
            newest = int(scene_s / self._period_s)
            self.skipped += newest - number
            self._shoot(newest * self._period_s)
            number = newest + 1

    def _shoot(self, scene_s: float) -> None:
        with self._lock:
            figures = self._simulation.figures()
        self._server.publish(jpeg_of(self._renderer.frame(figures, scene_s=scene_s)))
        self.frames += 1


def run_live(
    store: Store,
    *,
    plan: Plan,
    ports: Ports,
    clock_of: Callable[[], SceneClock],
    stop: threading.Event,
    tell: Callable[[Progress], None],
) -> Progress:
    """Run a store on real interfaces until its scene ends or ``stop`` is set.

    Args:
        store: what to run.
        plan: how long, and where the truth goes.
        ports: where devices are offered.
        clock_of: makes the scene's clock, once all devices are ready.
        stop: ends the run early, cleanly.
        tell: is called about once a second.

    Raises:
        OSError: a port is taken, or a file can't be written.
    """
    simulation = _simulation(store, plan=plan)
    views = [
        (camera, Renderer(store.walls(), camera.spec(), seed=store.seed + number))
        for number, camera in enumerate(store.cameras)
    ]
    lock = threading.Lock()
    with ExitStack() as stack:
        truth = _Truth(stack.enter_context(plan.truth.open("wb")), store=store, plan=plan)
        servers = [
            stack.enter_context(MjpegServer(port=ports.camera_port and ports.camera_port + number))
            for number in range(len(views))
        ]
        clock = clock_of()
        cameras = [
            _Camera(
                table,
                renderer=renderer,
                server=server,
                simulation=simulation,
                lock=lock,
                clock=clock,
            )
            for (table, renderer), server in zip(views, servers, strict=True)
        ]
        links = {
            reader.name: reader_path(ports.reader_link, number=number, name=reader.name)
            for number, reader in enumerate(store.readers)
        }
        readers = [
            stack.enter_context(
                SerialPort(
                    link,
                    firmware=simulation.reader(name),
                    scene_s=clock.scene_s,
                    speed=clock.speed,
                    lock=lock,
                )
            )
            for name, link in links.items()
        ]
        for camera in cameras:
            camera.start()
            stack.callback(camera.close)
        if ports.endpoints is not None:
            _write_endpoints(
                ports.endpoints,
                cameras={
                    table.name: server.url
                    for (table, _), server in zip(views, servers, strict=True)
                },
                readers={name: str(link) for name, link in links.items()},
            )
        floor = _Floor(simulation, lock=lock, truth=truth, cameras=cameras, readers=readers)
        return floor.run(clock, end_s=plan.minutes * 60.0, stop=stop, tell=tell)


class _Floor:
    """Moves the shoppers with the clock and writes down what becomes true."""

    def __init__(
        self,
        simulation: Simulation,
        *,
        lock: threading.Lock,
        truth: _Truth,
        cameras: list[_Camera],
        readers: list[SerialPort],
    ) -> None:
        self._simulation = simulation
        self._lock = lock
        self._truth = truth
        self._cameras = cameras
        self._readers = readers
        self._progress = Progress()

    def run(
        self,
        clock: SceneClock,
        *,
        end_s: float,
        stop: threading.Event,
        tell: Callable[[Progress], None],
    ) -> Progress:
        progress, told_s = self._progress, -math.inf
        while not stop.is_set() and progress.scene_s < end_s:
            self._move(min(clock.scene_s(), end_s))
            if progress.scene_s - told_s >= clock.speed:
                told_s = progress.scene_s
                tell(progress)
            stop.wait(TURN_S)
        with self._lock:
            rest = self._simulation.end()
        progress.unfinished = len(rest)
        self._truth.write(rest)
        return progress

    def _move(self, scene_s: float) -> None:
        progress = self._progress
        with self._lock:
            events = self._simulation.step(scene_s)
            progress.inside = self._simulation.inside
        progress.scene_s = scene_s
        progress.visits += self._truth.write(events)
        progress.frames = sum(camera.frames for camera in self._cameras)
        progress.frames_skipped = sum(camera.skipped for camera in self._cameras)
        progress.bytes_lost = sum(port.lost_bytes for port in self._readers)


def record(
    store: Store, *, plan: Plan, out: Path, camera: CameraTable, tell: Callable[[Progress], None]
) -> Progress:
    """Write one camera's view of a run to a video file, as fast as it renders.

    Raises:
        OSError: a file can't be written.
        ValueError: the video's name has an ending without a codec.
    """
    end_s = plan.minutes * 60.0
    simulation = _simulation(store, plan=plan)
    renderer = Renderer(store.walls(), camera.spec(), seed=store.seed)
    progress = Progress()
    size = (camera.width_px, camera.height_px)
    with plan.truth.open("wb") as file, VideoFile(out, fps=camera.fps, size=size) as video:
        truth = _Truth(file, store=store, plan=plan)
        for number in range(int(end_s * camera.fps)):
            progress.scene_s = number / camera.fps
            progress.visits += truth.write(simulation.step(progress.scene_s))
            video.write(renderer.frame(simulation.figures(), scene_s=progress.scene_s))
            progress.frames += 1
            if progress.frames % 100 == 0:
                tell(progress)
        progress.visits += truth.write(simulation.step(end_s))
        rest = simulation.end()
        progress.unfinished = len(rest)
        truth.write(rest)
    return progress


def _simulation(store: Store, *, plan: Plan) -> Simulation:
    return Simulation(
        store,
        begins_at=plan.begins_at,
        closing=closing(end_s=plan.minutes * 60.0, drain_s=plan.drain_minutes * 60.0),
        positions_s=POSITIONS_S if plan.positions else None,
    )


def reader_path(link: Path, *, number: int, name: str) -> Path:
    """Give the path of a reader's port; the first has the plain one."""
    return link if number == 0 else link.with_name(f"{link.name}-{name}")


def _write_endpoints(path: Path, *, cameras: dict[str, str], readers: dict[str, str]) -> None:
    body = {
        "camera_url": next(iter(cameras.values()), None),
        "cameras": cameras,
        "readers": readers,
        "pid": os.getpid(),
    }
    fresh = path.with_name(f".{path.name}.new")
    fresh.write_bytes(msgspec.json.encode(body))
    fresh.replace(path)
