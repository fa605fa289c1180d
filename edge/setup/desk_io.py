"""What the setup page can ask for: cameras watched in threads, the file, the walk. No HTTP here."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import IO
from zoneinfo import available_timezones

import msgspec

from edge.clock_io import SceneClock, wall_ms
from edge.config import SimulatedClock, StoreConfig, parse
from edge.errors import AgentError, ConfigError, DeviceError
from edge.parts_io import Parts, eyes_of, fusion_of
from edge.process_io import lock_folder
from edge.setup.draft import (
    CameraDraft,
    Draft,
    PlanDraft,
    Setup,
    read_setup,
    revised,
    shown_diff,
    starter,
)
from edge.setup.look import Look, Settling
from edge.setup.picture import Extent, Mask, from_above, hatched, png
from edge.setup.trial import Trial, extent_of, glance, ground_of_draft, judge
from edge.setup.walk import Walk
from edge.store_file_io import read_text, replace_text
from edge.vision.background import STRICT, Background
from edge.vision.camera_io import Camera, Source
from edge.vision.detection import Image
from edge.vision.fusion import Blank, Fusion
from edge.vision.onnx_io import load_detector, shipped_manifest
from edge.vision.signature_io import forget_signature
from edge.vision.tracking import Sighting
from edge.vision.watching import Eyes, Finder
from edge.visits.plan import Floor

LOOK_S = 0.5
"""Longest wait for an image."""
REST_S = 0.1
"""Between two looks at a camera nobody walks before: the room needs eight images a second."""
ABOVE_PX = 1_000
"""Longest side of the floor's picture from above."""
ABOVE_PX_PER_M = 60.0
STOP_AGENT = "sudo systemctl stop aisle-edge"
START_AGENT = "sudo systemctl start aisle-edge"


class CameraState(msgspec.Struct, frozen=True, kw_only=True):
    """How a camera is doing.

    Attributes:
        detail: why it is down.
        settled: share of the picture that is known to be the room.
    """

    state: str
    detail: str
    size_px: tuple[int, int] | None
    settled: float


class Review(msgspec.Struct, frozen=True, kw_only=True):
    """What saving would do.

    Attributes:
        errors: why it would be refused.
        diff: the change; empty if there is none that may be shown.
        readdressed: cameras of the file that get another address.
        digest: of the file as it is now.
    """

    errors: list[str]
    diff: str
    readdressed: list[str]
    digest: str


class WalkState(msgspec.Struct, frozen=True, kw_only=True):
    """A walk: places of people, nothing else.

    Attributes:
        left_s: until it ends by itself; 0 when none is on.
        trouble: cameras that do not see.
    """

    left_s: int
    dots: list[tuple[float, float]]
    trouble: list[str]


class Desk:
    """Everything behind the page.

    Args:
        path: of the store's file.
        finder: instead of the configured detector.
        new_background: instead of the strict one.
        clock: of the scene, instead of the configured one.
        rest_s: between two looks at a camera while nobody walks.

    Raises:
        ConfigError: the file cannot be read, or is wrong.
        ModelError: the detector is.
    """

    def __init__(
        self,
        path: Path,
        *,
        finder: Finder | None = None,
        new_background: Callable[[], Settling] | None = None,
        clock: SceneClock | None = None,
        rest_s: float = REST_S,
    ) -> None:
        self._path = path.resolve()
        setup = self._setup()
        self._finder = finder or load_detector(setup.manifest or shipped_manifest())
        self._new_background = new_background or (lambda: Background(STRICT))
        self._clock = clock or _clock(setup.simulated_clock)
        self._rest_s = rest_s
        self._guard = threading.RLock()
        self._brought = setup.manifest is not None
        self._addresses: dict[str, Source] = {}  # told since, not in the file yet
        self._watched: dict[str, _Watched] = {}
        self._walk: tuple[Walk, Fusion] | None = None
        self._held: IO[bytes] | None = None

    def close(self) -> None:
        """Close every camera, end the walk."""
        self.end_walk()
        with self._guard:
            watched, self._watched = list(self._watched.values()), {}
        for one in watched:
            one.close()

    def setup(self) -> Setup:
        """Read the file as it is now, with the cameras added since.

        Its ``sources`` are the file's.

        Raises:
            ConfigError: it cannot be read, or is wrong.
        """
        setup = self._setup()
        known = {camera.name for camera in setup.draft.cameras}
        added = tuple(CameraDraft(name=name) for name in self._addresses if name not in known)
        draft = msgspec.structs.replace(setup.draft, cameras=(*setup.draft.cameras, *added))
        return msgspec.structs.replace(setup, draft=draft)

    @property
    def name(self) -> str:
        """The file's name."""
        return self._path.name

    @property
    def addressed(self) -> list[str]:
        """Cameras whose address waits to be saved."""
        return list(self._addresses)

    def address_camera(self, name: str, *, source: Source, new: bool) -> None:
        """Take a camera in, or look at another address; saving writes it into the file.

        Raises:
            ConfigError: a new one's name is taken or no name, or nothing is given.
        """
        if new and name in self._setup().sources:
            raise ConfigError(f"a camera is called {name!r} already; give this one another name")
        try:
            msgspec.convert({"name": name}, CameraDraft)
        except msgspec.ValidationError as error:
            raise ConfigError(
                f"camera {name!r}: use lower-case letters, digits and hyphens, 32 at most"
            ) from error
        if source == "":
            raise ConfigError(f"camera {name!r} has no address; give one, or a device number")
        with self._guard:
            self._addresses[name] = source
        self._unwatch(name)

    def drop_camera(self, name: str) -> None:
        """Forget a camera that is not in the file yet.

        Raises:
            ConfigError: it is.
        """
        if name in self._setup().sources:
            raise ConfigError(
                f"camera {name!r} is in {self.name}: delete its [[cameras]] table there"
            )
        with self._guard:
            self._addresses.pop(name, None)
        self._unwatch(name)

    def _unwatch(self, name: str) -> None:
        with self._guard:
            watched = self._watched.pop(name, None)
        if watched is not None:
            self.end_walk()
            watched.close()

    def camera(self, name: str) -> CameraState:
        """Tell how a camera is; the first question opens it.

        Raises:
            ConfigError: there is no such camera.
        """
        watched = self._watch(name)
        status = watched.camera.status()
        learnt = watched.learnt()
        return CameraState(
            state="down" if watched.crash else status.state,
            detail=watched.crash or status.detail,
            size_px=watched.look.size_px,
            settled=0.0 if learnt is None else float(learnt[1].mean()),
        )

    def picture(self, name: str) -> bytes | None:
        """Give a PNG of the room as far as it is known, or None before the first image."""
        learnt = self._watch(name).learnt()
        return None if learnt is None else png(hatched(*learnt))

    def from_above(self, camera: CameraDraft, *, extent: Extent) -> bytes | None:
        """Give a PNG of the floor as a camera sees it, laid flat; None before the first image.

        Raises:
            ConfigError: the calibration is not sound yet, or the extent is no floor.
        """
        west, south, east, north = extent
        longest_m = max(east - west, north - south)
        if not (west < east and south < north and longest_m < ABOVE_PX):
            raise ConfigError("the floor to show has no size; draw the outline first")
        ground = ground_of_draft(camera)
        learnt = self._watch(camera.name).learnt()
        if learnt is None:
            return None
        px_per_m = min(ABOVE_PX_PER_M, ABOVE_PX / longest_m)
        return png(from_above(*learnt, ground=ground, extent=extent, px_per_m=px_per_m))

    def trial(self, camera: CameraDraft, *, plan: PlanDraft, judged: bool) -> Trial:
        """Fit a camera's points and say how well: at a glance, or as the agent will judge it."""
        fit = judge if judged else glance
        return fit(camera, extent=extent_of(plan.outline), brought=self._brought)

    def problems(self, plan: PlanDraft) -> list[str]:
        """Say what is wrong with a plan."""
        try:
            Floor(plan.floor_plan())
        except ConfigError as error:
            return [str(error)]
        return []

    def review(self, draft: Draft) -> Review:
        """Say what saving a draft would change, and why it would be refused.

        Raises:
            ConfigError: the file cannot be read.
        """
        before = _read(self._path)
        errors = []
        after = before
        try:
            after = revised(before, draft, sources=self._addresses, where=self.name)
            _refuse_unfinished(draft)
            Parts.build(parse(after, where=self.name))
        except AgentError as error:
            errors.append(str(error))
        was = read_setup(before, where=self.name).sources
        return Review(
            errors=errors,
            diff=shown_diff(before, after, name=self.name),
            readdressed=[
                camera.name
                for camera in draft.cameras
                if camera.name in was
                and self._addresses.get(camera.name, was[camera.name]) != was[camera.name]
            ],
            digest=_digest(before),
        )

    def save(self, draft: Draft, *, digest: str) -> None:
        """Write a draft into the file; what it said before goes into ``store.toml.bak``.

        Raises:
            ConfigError: the draft is wrong, or somebody else changed the file meanwhile.
            DeviceError: the disk refuses.
        """
        with self._guard:
            before = _read(self._path)
            if _digest(before) != digest:
                raise ConfigError(
                    f"{self.name} was changed by somebody else meanwhile; look at what changes "
                    "now, then write it"
                )
            after = revised(before, draft, sources=self._addresses, where=self.name)
            _refuse_unfinished(draft)
            Parts.build(parse(after, where=self.name))
            if after != before:
                replace_text(self._path, after)
                self._forget(before, after=after)
            for camera in draft.cameras:
                self._addresses.pop(camera.name, None)

    def _forget(self, before: str, *, after: str) -> None:
        """Drop what the agent remembers of cameras that are calibrated anew."""
        was, now = (read_setup(text, where=self.name) for text in (before, after))
        for camera in now.draft.cameras:
            if camera not in was.draft.cameras:
                with suppress(DeviceError):  # beside other points the agent does not believe it
                    forget_signature(now.data_dir, camera.name)

    def begin_walk(self, draft: Draft) -> None:
        """Show people as dots, by a draft's calibration, while no agent runs.

        Raises:
            ConfigError: the draft is wrong.
            DeviceError: an agent runs, which would count the walk.
        """
        config = self._config(draft)
        parts = Parts.build(config)
        with self._guard:
            self.end_walk()
            self._held = _hold(config.data_dir)
            self._walk = Walk(wall_ms()), fusion_of(config, parts=parts)
            for camera in config.cameras:
                self._watch(camera.name).eyes = eyes_of(
                    config, camera.name, parts=parts, finder=self._finder
                )

    def walk(self) -> WalkState:
        """Give the dots of now."""
        self._end_late_walk()
        with self._guard:
            if self._walk is None:
                return WalkState(left_s=0, dots=[], trouble=[])
            now_ms, (walk, _) = wall_ms(), self._walk
            dots = walk.dots(now_ms)
            troubles = [
                f"camera {name}: {one.crash or one.trouble or one.camera.status().detail}"
                for name, one in self._watched.items()
                if one.eyes and (one.crash or one.trouble or one.camera.status().detail)
            ]
            return WalkState(left_s=-(-walk.left_ms(now_ms) // 1000), dots=dots, trouble=troubles)

    def end_walk(self) -> None:
        """Forget the dots; an agent may run again."""
        with self._guard:
            for one in self._watched.values():
                one.eyes = None
            self._walk = None
            if self._held is not None:
                self._held.close()
                self._held = None

    def _end_late_walk(self) -> None:
        with self._guard:
            if self._walk is not None and self._walk[0].is_over(wall_ms()):
                self.end_walk()

    def _config(self, draft: Draft) -> StoreConfig:
        text = revised(_read(self._path), draft, sources=self._addresses, where=self.name)
        return parse(text, where=self.name)

    def _setup(self) -> Setup:
        return read_setup(_read(self._path), where=self._path.name)

    def _watch(self, name: str) -> _Watched:
        with self._guard:
            if name not in self._watched:
                sources = {**self._setup().sources, **self._addresses}
                if name not in sources:
                    raise ConfigError(f"there is no camera {name!r}; choose one from the list")
                self._watched[name] = _Watched(
                    Camera(name, source=sources[name], now_ms=self._clock.now_ms),
                    look=Look(self._finder, new_background=self._new_background),
                    clock=self._clock,
                    rest_s=self._rest_s,
                    on_found=self._follow,
                )
            return self._watched[name]

    def _follow(self, found: Sighting | Blank) -> None:
        self._end_late_walk()
        with self._guard:
            if self._walk is not None:
                walk, fusion = self._walk
                for event in fusion.feed(found):
                    walk.feed(event, now_ms=wall_ms())


class _Watched:
    """A camera that is looked at in a thread."""

    def __init__(
        self,
        camera: Camera,
        *,
        look: Look,
        clock: SceneClock,
        rest_s: float,
        on_found: Callable[[Sighting | Blank], None],
    ) -> None:
        self.camera = camera
        self.look = look
        self.eyes: Eyes | None = None
        self.trouble = ""
        self.crash = ""
        self._clock = clock
        self._rest_s = rest_s
        self._on_found = on_found
        self._guard = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"look-{camera.name}", daemon=True)
        camera.start()
        self._thread.start()

    def learnt(self) -> tuple[Image, Mask] | None:
        """Give what is known of the room."""
        with self._guard:
            return self.look.learnt()

    def close(self) -> None:
        """Close the camera; the thread ends with it."""
        self._stop.set()
        self.camera.close()
        self._thread.join(timeout=2.0)

    def _run(self) -> None:
        try:
            while not self._stop.is_set():
                self._look()
        except BaseException as error:
            self.crash = f"a bug ended its watching: {type(error).__name__}; start setup again"
            raise

    def _look(self) -> None:
        before_ms = self._clock.now_ms()
        taken = self.camera.latest(LOOK_S)
        if taken is not None:
            with self._guard:
                self.look.feed(*taken)
        if self.eyes is not None:
            self._on_found(self._seen(self.eyes, before_ms=before_ms, taken=taken))
        else:
            self._stop.wait(self._rest_s)

    def _seen(
        self, eyes: Eyes, *, before_ms: int, taken: tuple[int, Image] | None
    ) -> Sighting | Blank:
        if taken is None:
            return Blank(before_ms, self.camera.name)
        try:
            seen = eyes.sight(*taken)
        except ConfigError as error:  # pictures of another shape than was calibrated
            self.trouble = str(error)
            return Blank(before_ms, self.camera.name)
        self.trouble = ""
        return seen


def begin_file(path: Path) -> None:
    """Write a new store's file, which the folder's group may read: the agent is no root.

    Raises:
        ConfigError: it is there already.
        DeviceError: the disk refuses.
    """
    text = starter(store="my-store", timezone=_timezone())
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
            os.fchmod(file.fileno(), 0o640)
            with suppress(PermissionError):  # not root, nor of that group: the file stays ours
                os.fchown(file.fileno(), -1, path.absolute().parent.stat().st_gid)
    except FileExistsError as error:
        raise ConfigError(f"{path} is there already; leave out --new to change it") from error
    except OSError as error:
        raise DeviceError(f"{path} cannot be written: {error.strerror}") from error


def _timezone() -> str:
    """Give this machine's time zone by its name, UTC if it has none."""
    zone = Path("/etc/localtime").resolve()
    name = (
        "/".join(zone.parts[zone.parts.index("zoneinfo") + 1 :]) if "zoneinfo" in zone.parts else ""
    )
    return name if name in available_timezones() else "UTC"


def _clock(simulated: SimulatedClock | None) -> SceneClock:
    return SceneClock(speed=simulated.speed if simulated else 1.0)


def _hold(folder: Path) -> IO[bytes]:
    """Keep agents from running; a lock made by root must not keep the agent's account out later."""
    try:
        held = lock_folder(folder)
    except DeviceError as error:
        if not isinstance(error.__cause__, BlockingIOError):
            raise
        raise DeviceError(
            "the agent is running and would count this walk as a visit; stop it first: "
            f"{STOP_AGENT} — and start it again afterwards: {START_AGENT}"
        ) from error
    owner = folder.stat()
    with suppress(PermissionError):  # not root: the file is ours, as the folder is
        os.fchown(held.fileno(), owner.st_uid, owner.st_gid)
    return held


def _refuse_unfinished(draft: Draft) -> None:
    """Raise with what is still to do, in the page's words rather than the file's."""
    for camera in draft.cameras:
        if not camera.points:
            raise ConfigError(f"camera {camera.name!r} has no points yet: click some in step 1")
    if not draft.plan.outline:
        raise ConfigError("the plan has no walls yet: type their sizes in step 2")
    if not draft.plan.zones:
        raise ConfigError(
            "the plan has no zone yet: draw at least one in step 2; without any nothing is counted"
        )


def _read(path: Path) -> str:
    return read_text(path, mend="check the path, or begin one with --new")


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()
