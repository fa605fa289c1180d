"""``aisle-sim``: a simulated store with real interfaces, and the truth about it."""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from importlib import metadata
from pathlib import Path
from typing import Annotated, Literal, NoReturn
from zoneinfo import ZoneInfo

import msgspec
import typer

from firmware_sim.batch import Batches, Change
from firmware_sim.batch_io import write_stories, write_visits
from firmware_sim.bench_io import in_a_row, run_reader
from firmware_sim.clock_io import SceneClock
from firmware_sim.live_io import Plan, Ports, Progress, record, run_live
from firmware_sim.score import ScoreError, score, table
from firmware_sim.store import (
    ONE_ANTENNA,
    AntennaTable,
    Family,
    ReaderTable,
    Store,
    StoreError,
    default_store,
    default_text,
    parse_store,
)
from firmware_sim.stories import Stories
from firmware_sim.survey import survey

WRONG_FILE = 2
DEVICE_FAILED = 3

app = typer.Typer(
    no_args_is_help=True,
    help="A simulated store: shoppers, a camera over HTTP, a reader on a serial port, the truth.",
    pretty_exceptions_enable=False,
)

StoreFile = Annotated[
    Path | None, typer.Argument(help="The store's TOML; `aisle-sim store` prints the default.")
]
Minutes = Annotated[float, typer.Option(min=0.05, help="Length of the scene, minutes.")]
Drain = Annotated[
    float, typer.Option(min=0.0, help="Nobody new comes in the last of these minutes.")
]
Truth = Annotated[Path, typer.Option(help="Where the truth goes, JSON Lines.")]
Positions = Annotated[bool, typer.Option("--positions", help="Put positions at 5 Hz in the truth.")]
BeginsAt = Annotated[
    str, typer.Option(help="UTC instant the scene shows at its start, ISO; default 14:00 today.")
]
Seed = Annotated[int | None, typer.Option(min=0, help="Instead of the store's own seed.")]


def main() -> None:
    """Run the command line."""
    app()


def _version(wanted: bool) -> None:
    if wanted:
        print(f"aisle-sim {metadata.version('aislewise')}")
        raise typer.Exit


@app.callback()
def _options(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say the version.")
    ] = False,
) -> None:
    del version


@app.command()
def run(
    store_file: StoreFile = None,
    *,
    speed: Annotated[float, typer.Option(min=0.1, max=50, help="Scene seconds per second.")] = 5.0,
    minutes: Minutes = 14.0,
    drain: Drain = 2.5,
    truth: Truth = Path("truth.jsonl"),
    camera_port: Annotated[
        int, typer.Option(min=0, max=65_000, help="TCP port of the camera; 0 for a free one.")
    ] = 0,
    reader_link: Annotated[Path, typer.Option(help="Path of the reader's serial port.")] = Path(
        "aisle-reader"
    ),
    begins_at: BeginsAt = "",
    anchored_at: Annotated[
        str, typer.Option(help="UTC instant at which the scene starts, ISO; default now.")
    ] = "",
    endpoints: Annotated[
        Path | None, typer.Option(help="JSON file that says where the devices are, once ready.")
    ] = None,
    positions: Positions = False,
    seed: Seed = None,
) -> None:
    """Run a store with real interfaces until its scene ends; Ctrl-C ends it early, cleanly."""
    store = _load(store_file, seed=seed)
    plan = _plan(
        store,
        minutes=minutes,
        drain=drain,
        truth=truth,
        begins_at=begins_at,
        positions=positions,
    )
    anchor = _instant("--anchored-at", anchored_at) if anchored_at else None
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    try:
        done = run_live(
            store,
            plan=plan,
            ports=Ports(camera_port=camera_port, reader_link=reader_link, endpoints=endpoints),
            clock_of=lambda: SceneClock(anchored_at=anchor or datetime.now(UTC), speed=speed),
            stop=stop,
            tell=lambda progress: _show(progress, plan=plan, what="frames"),
        )
    except OSError as error:
        _fail(f"{error}; end what holds it, or name another", code=DEVICE_FAILED)
    _sum_up(done, plan=plan)


@app.command()
def video(
    store_file: StoreFile = None,
    *,
    out: Annotated[Path, typer.Option(help="The video: .mp4 or .avi.")] = Path("store.mp4"),
    minutes: Minutes = 2.0,
    drain: Drain = 0.0,
    truth: Truth = Path("truth.jsonl"),
    begins_at: BeginsAt = "",
    positions: Positions = False,
    seed: Seed = None,
) -> None:
    """Write the first camera's view to a video file, as fast as it renders."""
    store = _load(store_file, seed=seed)
    plan = _plan(
        store,
        minutes=minutes,
        drain=drain,
        truth=truth,
        begins_at=begins_at,
        positions=positions,
    )
    if not store.cameras:
        _fail("cameras: the store has none to record; add a [[cameras]] table", code=WRONG_FILE)
    try:
        done = record(
            store,
            plan=plan,
            out=out,
            camera=store.cameras[0],
            tell=lambda progress: _show(progress, plan=plan, what="frames"),
        )
    except (OSError, ValueError) as error:
        _fail(str(error), code=DEVICE_FAILED)
    _sum_up(done, plan=plan)


@app.command(name="reader")
def one_reader(
    *,
    family: Annotated[Family, typer.Option(help="Which firmware it runs.")] = "m100",
    envelope: Annotated[
        Literal["BB7E", "AADD"],
        typer.Option(help="First and last byte of an m100's frames; R200 modules send AADD."),
    ] = "BB7E",
    baud: Annotated[
        int | None, typer.Option(min=9600, max=921_600, help="Of the line; as sold without it.")
    ] = None,
    link: Annotated[Path, typer.Option(help="Path of its serial port.")] = Path("aisle-reader"),
    antennas: Annotated[int, typer.Option(min=1, max=8, help="In a row.")] = 1,
    apart: Annotated[float, typer.Option(min=0.1, help="Metres between two antennas.")] = 1.5,
    tags: Annotated[int, typer.Option(min=0, max=200, help="Before each antenna.")] = 8,
    seed: Annotated[int, typer.Option(min=0, help="Of all that is random.")] = 1,
) -> None:
    """Run one reader alone, its tags at rest; type unplug, plug, off, on, or end."""
    first, *more = (
        AntennaTable(zone="table", antenna=at) for at in in_a_row(antennas, apart_m=apart)
    )
    if more and family in ONE_ANTENNA:
        _fail(f"--antennas: a {family} has one", code=WRONG_FILE)
    reader = ReaderTable(
        name="reader",
        zone="table",
        family=family,
        envelope=envelope,
        baud=baud,
        antenna=first.antenna,
        more=tuple(more),
    )
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with contextlib.suppress(KeyboardInterrupt):
            run_reader(reader, link=link, tags=tags, commands=_typed(), tell=print, seed=seed)
    except OSError as error:
        _fail(f"{error}; end what holds it, or name another", code=DEVICE_FAILED)


def _typed() -> Iterator[str]:
    """Give lines as they are typed; where nobody types, wait for a signal."""
    yield from sys.stdin
    threading.Event().wait()


@app.command(name="survey")
def print_survey(store_file: StoreFile = None) -> None:
    """Print what store IT would have measured, as JSON: plan, zones, floor points, readers."""
    print(msgspec.json.format(msgspec.json.encode(survey(_load(store_file, seed=None)))).decode())


@app.command(name="score")
def print_score(
    truth: Annotated[Path, typer.Argument(help="JSON Lines of `aisle-sim run`.")],
    report: Annotated[Path, typer.Argument(help="JSON of `aisle-hub report --json`.")],
    *,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Compare the hub's report with the truth."""
    try:
        result = score(truth.read_bytes(), report.read_bytes())
    except (OSError, ScoreError) as error:
        _fail(str(error), code=WRONG_FILE)
    print(msgspec.json.format(msgspec.json.encode(result)).decode() if json else table(result))


@app.command()
def visits(
    store_file: StoreFile = None,
    *,
    days: Annotated[int, typer.Option(min=1, help="How many days.")] = 7,
    visits: Annotated[float, typer.Option(min=1, help="Visits a day, on average.")] = 2400.0,
    seed: Seed = None,
    change: Annotated[
        list[str] | None,
        typer.Option(help="DAY:WHAT:BY, from a day on, like 30:organic:1.5 or 10:mission:-0.5."),
    ] = None,
    readers_only: Annotated[
        bool,
        typer.Option("--readers-only", help="Only goods before the store's antennas are heard."),
    ] = False,
    out: Annotated[Path | None, typer.Option(help="A file; without it, standard output.")] = None,
    form: Annotated[
        Literal["csv", "jsonl", "stories"],
        typer.Option("--format", help="Of lines; stories are JSON with ways over the floor."),
    ] = "csv",
) -> None:
    """Write visits by the thousand, as measured and as they truly were; no video, no devices."""
    store = _load(store_file, seed=seed)
    try:
        batches = Batches(
            store,
            visits=visits,
            seed=store.seed,
            changes=[_change(text) for text in change or ()],
            readers_only=readers_only,
        )
    except StoreError as error:
        _fail(str(error), code=WRONG_FILE)
    with contextlib.ExitStack() as stack:
        try:
            file = (
                sys.stdout
                if out is None
                else stack.enter_context(out.open("w", encoding="utf-8", newline=""))
            )
            if form == "stories":
                stories = Stories(store, batches=batches, seed=store.seed)
                write_stories(stories, days=days, file=file)
            else:
                write_visits(batches, days=days, form=form, file=file)
        except OSError as error:
            _fail(f"{error}; name a file that can be written", code=DEVICE_FAILED)


def _change(text: str) -> Change:
    day, what, by = (text.split(":", 1)[0], *text.split(":", 1)[-1].rpartition(":")[::2])
    try:
        return Change(int(day), what, float(by))
    except ValueError:
        _fail(f"--change: {text!r} is not DAY:WHAT:BY, like 30:organic:1.5", code=WRONG_FILE)


@app.command(name="store")
def print_store() -> None:
    """Print the default store's TOML, to start one's own from."""
    print(default_text(), end="")


def _load(path: Path | None, *, seed: int | None) -> Store:
    try:
        store = default_store() if path is None else parse_store(path.read_text(encoding="utf-8"))
    except (StoreError, UnicodeDecodeError) as error:
        _fail(f"{path or 'default store'}: {error}", code=WRONG_FILE)
    except OSError as error:
        _fail(f"{error}; `aisle-sim store > store.toml` makes a file", code=WRONG_FILE)
    return store if seed is None else msgspec.structs.replace(store, seed=seed)


def _plan(
    store: Store, *, minutes: float, drain: float, truth: Path, begins_at: str, positions: bool
) -> Plan:
    if drain >= minutes:
        _fail("--drain: must be shorter than --minutes, or nobody comes", code=WRONG_FILE)
    begins = (
        _instant("--begins-at", begins_at)
        if begins_at
        else datetime.now(ZoneInfo(store.timezone)).replace(
            hour=14, minute=0, second=0, microsecond=0
        )
    )
    return Plan(
        minutes=minutes,
        drain_minutes=drain,
        begins_at=begins.astimezone(UTC),
        truth=truth,
        positions=positions,
    )


def _instant(option: str, text: str) -> datetime:
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        _fail(
            f"{option}: {text!r} is not an ISO instant like 2026-03-07T13:00:00Z", code=WRONG_FILE
        )
    if instant.tzinfo is None:
        _fail(f"{option}: {text!r} has no time zone; add Z for UTC", code=WRONG_FILE)
    return instant


def _show(progress: Progress, *, plan: Plan, what: str) -> None:
    clock = plan.begins_at + timedelta(seconds=progress.scene_s)
    text = (
        f"{clock:%H:%M:%S} UTC   {progress.scene_s / 60:5.1f} of {plan.minutes:g} min   "
        f"inside {progress.inside}   visits done {progress.visits}   {what} {progress.frames}"
    )
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)
    elif progress.scene_s // 60 != (progress.scene_s - 1) // 60:
        print(text, file=sys.stderr, flush=True)


def _sum_up(done: Progress, *, plan: Plan) -> None:
    if sys.stderr.isatty():
        print(file=sys.stderr)
    print(
        f"{done.scene_s / 60:.1f} of {plan.minutes:g} scene minutes, {done.visits} visits done, "
        f"{done.unfinished} cut by the end; {done.frames} frames, {done.frames_skipped} skipped "
        f"because rendering was late; {done.bytes_lost} reader bytes lost on the line. "
        f"Truth: {plan.truth}"
    )


def _fail(text: str, *, code: int) -> NoReturn:
    print(text, file=sys.stderr)
    raise typer.Exit(code)
