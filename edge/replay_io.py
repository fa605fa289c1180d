"""What `aisle-edge replay` does: a recording through the same visits, traits and release."""

from __future__ import annotations

import hashlib
import secrets
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import chain
from pathlib import Path
from typing import TypeVar

from edge.config import StoreConfig, parse
from edge.errors import ConfigError, DeviceError, ProtocolError
from edge.occupancy import Occupancy
from edge.parts_io import Parts, visits_of, windows_of
from edge.process_io import lock_folder
from edge.release.released import Released
from edge.release.state_io import load_ledger, load_wish, save_ledger
from edge.release.windows import Windows
from edge.replay import Events, Placing, Positions, Told
from edge.rfid.items import ItemEvent
from edge.store_file_io import read_text
from edge.uplink.outbox_io import Outbox
from edge.vision.tracking import TrackEnd, TrackPoint
from edge.visits.plan import Floor
from wire.codec import encode
from wire.messages import Config
from wire.topics import Topic

GRACE_MS = 5_000
"""A window waits this much longer than the last visit that may belong to it."""
SHOWN = 10
"""Bad lines that are named; the others are counted."""
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Task:
    """What to replay.

    Attributes:
        out: a file for the releases; None for the outbox.
    """

    config: Path
    positions: Path
    items: Path | None
    out: Path | None
    begins_at: datetime | None
    placing: Placing


def task_of(
    config: Path,
    *,
    positions: Path,
    items: Path | None,
    out: Path | None,
    begins_at: str | None,
    at: str,
) -> Task:
    """Read the command's texts.

    Raises:
        ConfigError: names the option and the mend.
    """
    try:
        begins = None if begins_at is None else datetime.fromisoformat(begins_at)
    except ValueError as error:
        raise ConfigError("--begins-at is not like 2026-03-07T13:00:00Z") from error
    if begins is not None and begins.tzinfo is None:
        raise ConfigError("--begins-at has no offset from UTC; add Z or +01:00")
    return Task(config, positions, items, out, begins, placing_of(at))


def placing_of(at: str) -> Placing:
    """Read where a sensor hangs.

    Raises:
        ConfigError: names the mend.
    """
    try:
        return Placing(*(float(word) for word in at.split(",", 2)))
    except (TypeError, ValueError) as error:
        raise ConfigError(f"--at {at!r} is not EAST,NORTH,DEGREES, like 3.5,2,90") from error


@dataclass(slots=True)
class _Bad:
    """Lines that were left out."""

    named: list[str] = field(default_factory=list)
    reasons: Counter[str] = field(default_factory=Counter)

    def note(self, file: Path, number: int, error: ProtocolError) -> None:
        self.reasons[str(error)] += 1
        if len(self.named) < SHOWN:
            self.named.append(f"{file.name} line {number}: {error}")


def replay(task: Task) -> Iterator[str]:
    """Replay a recording; gives what to tell, line by line.

    Exact counts are told on a screen alone, for who has the recording has them anyway.

    Raises:
        ConfigError: the configuration, the file's name or a file of the data folder is wrong.
        DeviceError: a file cannot be read or written.
        PrivacyError: the budget is none.
    """
    config = parse(read_text(task.config), where=task.config.name, needs_cameras=False)
    parts = Parts.build(config)
    bad = _Bad()
    events = list(_told(task, config=config, bad=bad))
    points = _points(task, bad=bad)
    first = next(points, None)
    if first is None:
        yield from _bad_lines(bad)
        raise ConfigError(f"{task.positions} has no position that can be read; see above")
    with ExitStack() as stack:
        stack.callback(lock_folder(config.data_dir).close)
        begins_ms = first.scene_ms

        def utc_of(scene_ms: int) -> datetime:
            return datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=begins_ms + scene_ms)

        visits = visits_of(config, parts=parts, utc_of=utc_of, hears=task.items is not None)
        windows = windows_of(
            parts,
            utc_of=utc_of,
            start_ms=0,
            grace_ms=visits.latest_ms + GRACE_MS,
            ledger=load_ledger(config.data_dir),
        )
        _obey(load_wish(config.data_dir), windows=windows)
        windows.feed_coverage(0, seeing=1.0)
        zones = Occupancy(
            tuple(zone.id for zone in parts.floor.plan.zones),
            zone_at=lambda east, north: _zone_id(parts.floor, east, north),
        )
        door = _door(task, config=config, windows=windows, stack=stack, now=utc_of)
        released = counted = newest_ms = 0
        waits = None
        for item in _merged(first, points, events, key=secrets.token_bytes(32)):
            newest_ms = max(newest_ms, item.scene_ms)
            if isinstance(item, TrackPoint | TrackEnd):
                zones.feed(item)
            for visit in visits.feed(item):
                counted += 1
                released += door(windows.feed(visit), newest_ms)
            waits = windows.waits_until
        for visit in visits.flush():
            counted += 1
            released += door(windows.feed(visit), newest_ms)
        released += door(windows.flush(newest_ms + 1), newest_ms)
    yield from _bad_lines(bad)
    if sys.stdout.isatty():
        yield f"{counted} visits; by zone: came in, seconds there"
        for zone in zones.counts():
            yield f"  {zone.zone:<32} {zone.entries:>7} {zone.dwell_s:>9.0f}"
    if waits is not None:
        yield (
            f"up to {waits:%Y-%m-%d %H:%M} UTC all was released before, so nothing was counted; a "
            "recording is released once"
        )
    yield f"{released} releases to {task.out or 'the outbox'}"


def _obey(wish: Config, *, windows: Windows) -> None:
    """Hold to what the hub has asked of this agent; it may only tighten."""
    if wish.max_rho is not None:
        windows.tighten(wish.max_rho)
    if wish.codebook is not None:
        windows.renew(wish.codebook)


def _points(task: Task, *, bad: _Bad) -> Iterator[TrackPoint | TrackEnd]:
    reader = Positions(placing=task.placing, begins_at=task.begins_at)
    return _parsed(task.positions, reader.feed, bad=bad)


def _told(task: Task, *, config: StoreConfig, bad: _Bad) -> Iterable[Told]:
    if task.items is None:
        return ()
    zones = frozenset(zone.id for zone in config.plan.zones)
    reader = Events(zones=zones, begins_at=task.begins_at)
    return sorted(_parsed(task.items, reader.feed, bad=bad), key=lambda told: told.at_ms)


def _parsed(path: Path, feed: Callable[[str], list[T]], *, bad: _Bad) -> Iterator[T]:
    """Read a file line by line; what cannot be read is counted."""
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            for number, line in enumerate(file, start=1):
                try:
                    found = feed(line)
                except ProtocolError as error:
                    bad.note(path, number, error)
                    continue
                yield from found
    except OSError as error:
        raise DeviceError(f"{path}: {error.strerror}; name a file that can be read") from error


def _merged(
    first: TrackPoint | TrackEnd,
    points: Iterable[TrackPoint | TrackEnd],
    events: list[Told],
    *,
    key: bytes,
) -> Iterator[TrackPoint | TrackEnd | ItemEvent]:
    """Give points and events by time, in milliseconds since the first."""
    begins_ms, coming = first.scene_ms, 0

    def event(told: Told) -> ItemEvent:
        tag = hashlib.blake2b(told.item.encode(), key=key, digest_size=8).digest()
        return ItemEvent(
            told.kind,
            told.at_ms - begins_ms,
            told.zone,
            told.product_class,
            tag if told.item else b"",
        )

    for item in chain((first,), points):
        now_ms = item.scene_ms - begins_ms
        while coming < len(events) and events[coming].at_ms - begins_ms <= now_ms:
            yield event(events[coming])
            coming += 1
        yield item.at(now_ms)
    for told in events[coming:]:
        yield event(told)


def _door(
    task: Task,
    *,
    config: StoreConfig,
    windows: Windows,
    stack: ExitStack,
    now: Callable[[int], datetime],
) -> Callable[[list[Released], int], int]:
    """Give what takes releases out; the ledger is kept first, as the agent does."""
    if task.out is None:
        outbox = Outbox(config.data_dir / "outbox.db", store=config.store, agent=config.agent)
        stack.callback(outbox.close)

        def put(one: Released, at: datetime) -> None:
            outbox.put(one, at=at)

    else:
        try:
            file = stack.enter_context(task.out.open("xb"))
        except OSError as error:
            raise DeviceError(f"{task.out}: {error.strerror}; name a new file") from error
        topic = Topic(config.store, config.agent, "release")
        epoch, seqs = secrets.token_hex(8), iter(range(1, 1 << 53))

        def put(one: Released, at: datetime) -> None:
            seq = next(seqs)
            message = one.message(epoch=epoch, seq=seq)
            try:
                file.write(encode(topic, message, event_id=f"{epoch}-{seq}", time=at) + b"\n")
            except OSError as error:
                raise DeviceError(f"{task.out}: {error.strerror}; make room") from error

    def take(released: list[Released], scene_ms: int) -> int:
        if released:
            save_ledger(config.data_dir, windows.ledger)
        for one in released:
            put(one, now(scene_ms).replace(microsecond=0))
        return len(released)

    return take


def _bad_lines(bad: _Bad) -> Iterator[str]:
    yield from bad.named
    for reason, count in bad.reasons.most_common():
        yield f"{count} lines left out: {reason}"


def _zone_id(floor: Floor, east_m: float, north_m: float) -> str:
    zone = floor.zone_at(east_m, north_m)
    return "" if zone is None else zone.id
