"""The command ``aisle-edge``."""

from __future__ import annotations

import json
import logging
import secrets
import signal
import sys
from collections.abc import Callable
from functools import wraps
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ParamSpec

import typer

from edge.errors import AgentError, ConfigError, ModelError, PrivacyError
from edge.process_io import guard_process

if TYPE_CHECKING:
    from edge.config import StoreConfig
    from edge.replay_live_io import Listen

EXIT_CODES = (
    "Exit codes: 0 well, 2 the configuration or model is wrong, "
    "3 a device does not answer, 4 a release would break the privacy budget."
)
P = ParamSpec("P")

app = typer.Typer(
    help="The agent in the store: cameras and RFID readers in, anonymous releases out.",
    epilog=EXIT_CODES,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
ConfigPath = Annotated[Path, typer.Option("--config", "-c", help="The store's TOML file.")]


def main() -> None:
    """Run the command; none may leave a picture or a visit in a core dump or a traceback."""
    guard_process()
    typer.main.get_command(app)()  # app() would put a hook of its own over the guard's


def _codes(command: Callable[P, None]) -> Callable[P, None]:
    """Turn our errors into a line and the documented exit code."""

    @wraps(command)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            command(*args, **kwargs)
        except AgentError as error:
            typer.echo(f"error: {error}", err=True)
            raise typer.Exit(_code(error)) from error

    return wrapped


def _code(error: AgentError) -> int:
    if isinstance(error, ConfigError | ModelError):
        return 2
    return 4 if isinstance(error, PrivacyError) else 3


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"aisle-edge {version('aislewise')}")
        raise typer.Exit


@app.callback()
def top(
    *,
    _show: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Take the options every command has."""


@app.command(epilog=EXIT_CODES)
@_codes
def run(config: ConfigPath) -> None:
    """Watch, count and release until told to stop (Ctrl-C or SIGTERM)."""
    from edge.parts_io import read_config  # noqa: PLC0415 - --help without OpenCV

    _run_agent(read_config(config), listen=None)


def _run_agent(config: StoreConfig, *, listen: Listen | None) -> None:
    from edge.app import Agent  # noqa: PLC0415 - --help without OpenCV
    from edge.parts_io import clock_of  # noqa: PLC0415

    logging.basicConfig(stream=sys.stderr, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("edge").setLevel(logging.INFO)  # libraries log addresses with passwords
    agent = Agent(config, clock=clock_of(config), listen=listen)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: agent.stop())
    agent.run()


@app.command(epilog=EXIT_CODES)
@_codes
def check(config: ConfigPath) -> None:
    """Open every camera, reader, the model and the broker; say what is wrong and how to mend it."""
    from edge.checking_io import checks  # noqa: PLC0415 - --help without OpenCV

    worst = 0
    for outcome in checks(config):
        mark = "ok  " if outcome.error is None else "FAIL"
        typer.echo(f"{mark}  {outcome.what}: {outcome.error or outcome.found}")
        if outcome.error is not None:
            worst = min(worst or 4, _code(outcome.error))
    raise typer.Exit(worst)


@app.command(epilog=EXIT_CODES)
@_codes
def watch(
    config: ConfigPath,
    video: Annotated[
        Path | None, typer.Option(help="A video file to look at instead of the first camera.")
    ] = None,
    live: Annotated[
        bool, typer.Option(help="Play a file at its own pace, dropping images as a camera would.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print only the result, as JSON.")] = False,
) -> None:
    """Show who is in which zone and for how long, live.

    Nothing is sent or written to disk; a live camera is shown on a screen only, never to a file.
    """
    from edge.watch_io import watch_camera  # noqa: PLC0415 - --help without OpenCV

    watch_camera(config, video=video, live=live, as_json=json)


@app.command(epilog=EXIT_CODES)
@_codes
def calibrate(
    *,
    points: Annotated[
        Path | None, typer.Option(help="Measured points: a CSV of x_px,y_px,east_m,north_m.")
    ] = None,
    image: Annotated[
        Path | None, typer.Option(help="A picture with printed tags; read, never kept.")
    ] = None,
    tags: Annotated[
        Path | None, typer.Option(help="Where the tags lie: a CSV of tag,east_m,north_m.")
    ] = None,
    config: Annotated[
        Path | None, typer.Option("--config", "-c", help="The store's TOML file.")
    ] = None,
    camera: Annotated[str | None, typer.Option(help="The camera's name in it.")] = None,
    size: Annotated[
        str | None, typer.Option(help="Of the picture the points were read from: 1280x720.")
    ] = None,
    lens: Annotated[str, typer.Option(help="auto, pinhole, distorted or fisheye.")] = "auto",
    height: Annotated[
        float | None, typer.Option(min=0.5, max=50, help="Lens over floor, metres.")
    ] = None,
    hfov: Annotated[
        float | None, typer.Option(min=1, max=300, help="Field of view across, degrees.")
    ] = None,
    write: Annotated[
        bool, typer.Option("--write", help="Write the camera's table; the old file stays as .bak.")
    ] = False,
    print_tags: Annotated[
        Path | None, typer.Option(help="Write sheets with tags to print, a PDF, and end.")
    ] = None,
) -> None:
    """Tell by measured points where a camera hangs, and how far off each point is.

    With --config and --camera alone, the points in the file are judged.
    """
    from edge import calibrating_io  # noqa: PLC0415 - --help without OpenCV

    if print_tags:
        lines = calibrating_io.print_tags(print_tags)
    else:
        task = calibrating_io.task_of(
            points=points,
            image=image,
            tags=tags,
            config=config,
            camera=camera,
            size=size,
            lens=lens,
            height_m=height,
            hfov_deg=hfov,
            write=write,
        )
        lines = calibrating_io.calibrating(task)
    for line in lines:
        typer.echo(line)


@app.command(epilog=EXIT_CODES)
@_codes
def setup(
    config: Annotated[Path, typer.Argument(metavar="store.toml", help="The store's TOML file.")],
    new: Annotated[bool, typer.Option("--new", help="Begin the file; it must not exist.")] = False,
    listen: Annotated[
        str,
        typer.Option(help="Address to serve on; anything but loopback opens it to the network."),
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 8765,
) -> None:
    """Calibrate cameras and draw zones in a browser; check them by walking.

    Shows a link that is good once. Cameras are shown without people, and nothing of a picture is
    stored or sent.
    """
    from edge.setup.server_io import serve_setup  # noqa: PLC0415 - --help without OpenCV

    serve_setup(config, new=new, listen=listen, port=port, tell=typer.echo)


@app.command(epilog=EXIT_CODES)
@_codes
def detector(
    model: Annotated[Path, typer.Argument(help="The ONNX file.")],
    licence: Annotated[str, typer.Option(help="Of its weights, such as Apache-2.0: read it.")],
    version: Annotated[str, typer.Option(help="Of its weights.")] = "not told",
    trained_on: Annotated[str, typer.Option(help="What it learnt from.")] = "not told",
    confidence: Annotated[
        float, typer.Option(min=0.01, max=0.99, help="From which on somebody is a person.")
    ] = 0.4,
) -> None:
    """Look at a detector you downloaded (YOLOX, boxes and scores), try it, write its manifest.

    Which detector serves which view, and how to measure one: models/README.md.
    """
    from edge.vision.adopting_io import Told, adopt  # noqa: PLC0415 - --help without OpenCV

    adopted = adopt(model, told=Told(licence, version, trained_on, confidence))
    typer.echo(f"{adopted.kind}, {adopted.ms:.0f} ms a picture here; wrote {adopted.manifest}")
    typer.echo(f'use it: under [detector] of the store file, manifest = "{adopted.manifest}"')


@app.command(name="decode", epilog=EXIT_CODES)
@_codes
def decode_capture(
    file: Annotated[
        Path | None, typer.Argument(help="Bytes as captured; without it, hex on standard input.")
    ] = None,
    *,
    family: Annotated[
        str, typer.Option("--family", help="m100, metratec or uhfreader, or a name on the box.")
    ],
) -> None:
    """Explain what a reader sent, as JSON lines: classes, antennas, levels, rejected frames.

    No serial number comes out, so the lines may be sent to support.
    """
    from edge.rfid import decoding  # noqa: PLC0415 - --help without numpy
    from edge.rfid.driver import Settings  # noqa: PLC0415
    from edge.rfid.drivers import FAMILIES, named  # noqa: PLC0415
    from edge.rfid.epc import ProductClasses  # noqa: PLC0415

    known = named(family)
    if known is None:
        raise ConfigError(f"family {family!r} is none of {', '.join(FAMILIES)}; correct its name")
    data = _hex(sys.stdin.read(), what="standard input") if file is None else _bytes(file)
    classes = ProductClasses(secrets.token_bytes(32))
    driver = known.driver(Settings("EU", 0.0), classes=classes, now_ms=0)
    for line in decoding.decode(driver, data):
        typer.echo(json.dumps(line.row()))


@app.command(name="epc", epilog=EXIT_CODES)
@_codes
def explain_epc(
    epc: Annotated[str, typer.Argument(help="The tag's EPC in hex.")],
) -> None:
    """Explain a tag's product class; its serial number is not looked at."""
    from edge.rfid.epc import explain  # noqa: PLC0415 - --help without numpy

    # The '+' schemes end anywhere; the standard prints them so, tags fill the word with zeros.
    filled = epc.ljust(-(-len(epc) // 4) * 4, "0") if epc[:1] in set("EFef") else epc
    said = explain(_hex(filled, what="the EPC"))
    told = {
        "scheme": said.scheme or "none of the standard's",
        "class": said.gtin or f"none: {said.why.replace('_', ' ')}",
        "filter": said.filter,
        "company prefix": said.company,
        "item reference": said.reference,
        "class pattern": said.pattern,
    }
    for name, value in told.items():
        if value:
            typer.echo(f"{name:<15} {value}")


@app.command(epilog=EXIT_CODES)
@_codes
def replay(
    file: Annotated[
        Path | None, typer.Argument(help="Positions: CSV or JSON Lines, or Xovis pushes.")
    ] = None,
    *,
    config: ConfigPath,
    items: Annotated[
        Path | None, typer.Option(help="Item events: a CSV of time,kind,class,zone,item.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="A new file for the releases, instead of the outbox.")
    ] = None,
    begins_at: Annotated[
        str | None, typer.Option(help="When second 0 was, ISO with an offset.")
    ] = None,
    at: Annotated[
        str, typer.Option(help="The sensor's origin on the plan and its turn: EAST,NORTH,DEGREES.")
    ] = "0,0,0",
    listen: Annotated[
        str | None,
        typer.Option(help="Instead of a file, take what a sensor posts to ADDRESS:PORT, and run."),
    ] = None,
    senders: Annotated[
        list[str] | None,
        typer.Option("--from", help="With --listen: an address that may send; this machine may."),
    ] = None,
    every: Annotated[
        float | None,
        typer.Option(min=1, help="With --listen: the sensor sends every so many seconds, always."),
    ] = None,
) -> None:
    """Count floor positions of any overhead sensor: the same visits, traits and release.

    Positions are time,id,east,north; ids are forgotten with the visit. A period is released once.
    With --listen this is an agent as `run` is, with a sensor's HTTP posts in its cameras' place.
    """
    from edge import replay_io, replay_live_io  # noqa: PLC0415 - --help without OpenCV

    if (file is None) == (listen is None):
        raise ConfigError("name either a file or --listen ADDRESS:PORT")
    if listen is not None:
        if items or out or begins_at:
            raise ConfigError("--items, --out and --begins-at are for a file; leave them out")
        heard = replay_live_io.listen_of(listen, senders=senders or (), at=at, every_s=every)
        _run_agent(replay_live_io.config_of(config), listen=heard)
        return
    if senders or every or file is None:
        raise ConfigError("--from and --every go with --listen; leave them out")
    task = replay_io.task_of(
        config, positions=file, items=items, out=out, begins_at=begins_at, at=at
    )
    for line in replay_io.replay(task):
        typer.echo(line)


@app.command(epilog=EXIT_CODES)
@_codes
def traits(
    *,
    json_: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print the page of it.")] = False,
) -> None:
    """Explain every number of a visit, and what is made of it: formula, needs, when it abstains."""
    from edge.visits import traits as registry  # noqa: PLC0415 - --help without numpy

    if markdown:
        typer.echo(registry.markdown(), nl=False)
    elif json_:
        typer.echo(json.dumps(registry.rows(), indent=1))
    else:
        for row in registry.rows():
            typer.echo(f"{row['name']:<20} {row['unit']:<9} {row['meaning']}")
            typer.echo(f"{'':<30} = {row['formula']}")
            typer.echo(f"{'':<30} needs {row['needs']}; abstains: {row['abstains']}")
            typer.echo(f"{'':<30} one visit's value: {row['trust']}")


@app.command(epilog=EXIT_CODES)
@_codes
def privacy(
    config: ConfigPath,
    *,
    json_: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Tell what one visit costs, on what, and what was released, for a data-protection officer."""
    from edge.accounting_io import accounting  # noqa: PLC0415 - --help without numpy
    from edge.release.account import lines  # noqa: PLC0415

    told, whose = accounting(config)
    if json_:
        typer.echo(json.dumps(told, indent=1))
    else:
        for line in lines(told, whose=whose):
            typer.echo(line)


def _hex(text: str, *, what: str) -> bytes:
    """Read hex; what is wrong with it is said without showing it, for it may hold serials."""
    try:
        return bytes.fromhex(text)
    except ValueError as error:
        raise ConfigError(f"{what} is not hex: pairs of 0-9 and A-F, with or without blanks") from (
            error
        )


def _bytes(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise ConfigError(f"{file}: {error.strerror}; name a file that can be read") from error


if __name__ == "__main__":
    main()
