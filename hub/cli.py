"""The ``aisle-hub`` command: parse, call, print."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from hub.config import HubConfig, read_config
from hub.errors import ConfigError, HubError, NoDataError, StoreError
from hub.reports.status import status_text, when
from hub.store_io.store import RejectRow, Store

EXIT_CODES = (
    "Exit codes: 0 done; 1 a bug; 2 hub.toml or an option is wrong; "
    "3 nothing is stored for what was asked; 4 the database refused. "
    "`run` ends with 0 when it is told to stop (Ctrl-C, SIGTERM)."
)
FAILURES: tuple[tuple[type[HubError], int], ...] = (
    (ConfigError, 2),
    (NoDataError, 3),
    (StoreError, 4),
)

app = typer.Typer(
    name="aisle-hub",
    help="Collect the releases of all stores, tell patterns apart, report to merchandisers.",
    epilog=EXIT_CODES,
    no_args_is_help=True,
    rich_markup_mode=None,
)
rejects_app = typer.Typer(
    help="Messages that were refused, and why: the newest 1,000 of each agent, 200 with bytes.",
    epilog=EXIT_CODES,
    no_args_is_help=True,
)
app.add_typer(rejects_app, name="rejects")

ConfigOption = Annotated[
    Path | None, typer.Option("--config", help="hub.toml; without it the defaults hold.")
]
DbOption = Annotated[
    Path | None, typer.Option("--db", help="The database file; default aisle-hub.db.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
StoreOption = Annotated[str, typer.Option("--store", help="Name of the store.")]
DayOption = Annotated[str, typer.Option("--day", help="The store's calendar day, YYYY-MM-DD.")]


def main() -> None:
    """Run the command line."""
    app()


def _print_version(asked: bool) -> None:
    if asked:
        print(f"aisle-hub {installed_version('aislewise')}")
        raise typer.Exit


@app.callback()
def root(
    _version: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version.", callback=_print_version, is_eager=True
        ),
    ] = False,
) -> None:
    """Collect the releases of all stores, tell patterns apart, report to merchandisers."""


@app.command(epilog=EXIT_CODES)
def run(  # noqa: PLR0917 - typer passes options by name
    config: ConfigOption = None,
    db: DbOption = None,
    broker_host: Annotated[str | None, typer.Option(help="Host of the MQTT broker.")] = None,
    broker_port: Annotated[int | None, typer.Option(help="Its port; 1883, or 8883 by TLS.")] = None,
    tls: Annotated[bool | None, typer.Option("--tls/--no-tls", help="Encrypt.")] = None,
    ca_file: Annotated[str | None, typer.Option(help="Certificates to trust (PEM).")] = None,
    username: Annotated[str | None, typer.Option(help="Name at the broker.")] = None,
    password_file: Annotated[
        str | None, typer.Option(help="File whose first line is the password.")
    ] = None,
) -> None:
    """Take releases from the broker into the database until interrupted.

    A message is acknowledged after it is committed. Options override hub.toml, whose keys are
    database, busy_ms, [broker] host port tls ca_file username password_file client_id keepalive_s,
    and [batching] messages wait_ms retry_min_s retry_max_s.
    """
    logging.basicConfig(
        stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s"
    )
    with _failures():
        broker = {
            "host": broker_host,
            "port": broker_port,
            "tls": tls,
            "ca_file": ca_file,
            "username": username,
            "password_file": password_file,
        }
        chosen = _config(config, db=db, broker=broker)
        from hub.app import run as ingest  # noqa: PLC0415 - other commands start faster without

        ingest(chosen)


@app.command(epilog=EXIT_CODES)
def status(config: ConfigOption = None, db: DbOption = None, as_json: JsonOption = False) -> None:
    """Show agents, last seen, gaps, coverage and rejects."""
    with _failures(), _open(config, db) as store:
        agents, link = store.agents(now=datetime.now(tz=UTC)), store.link()
    if as_json:
        print(_json({"broker": link, "agents": agents}))
    else:
        print(status_text(agents, link=link))


@app.command(epilog=EXIT_CODES)
def patterns(
    store: StoreOption,
    day: DayOption,
    config: ConfigOption = None,
    db: DbOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show a day's shares of showroomers, wanderers and the indecisive, with 95 % intervals."""
    with _failures():
        summary, _data = _summary(store, day, config=config, db=db)
        if as_json:
            print(
                _json(
                    {
                        "visits": summary.visits,
                        "patterns": summary.patterns,
                        "dayparts": summary.dayparts,
                        "coverage": summary.coverage,
                    }
                )
            )
            return
        from hub.reports.text import patterns_text  # noqa: PLC0415 - only here

        print(patterns_text(summary))


@app.command(epilog=EXIT_CODES)
def report(  # noqa: PLR0917 - typer passes options by name
    store: StoreOption,
    day: DayOption,
    out: Annotated[
        Path | None, typer.Option("--out", help="Write the page here (one offline HTML file).")
    ] = None,
    config: ConfigOption = None,
    db: DbOption = None,
    as_json: JsonOption = False,
) -> None:
    """Report one store's day: as a page for merchandisers, as JSON, or as text."""
    with _failures():
        summary, data = _summary(store, day, config=config, db=db)
        if as_json:
            print(_json(summary))
        if out is not None:
            if not as_json:
                print(f"drawing the report of {store} for {day} …", file=sys.stderr)
            from hub.reports.page import render  # noqa: PLC0415 - drawing takes a second to load

            _write(out, render(summary, data=data))
            if not as_json:
                print(out)
        elif not as_json:
            from hub.reports.text import report_text  # noqa: PLC0415 - only here

            print(report_text(summary))


@rejects_app.command("list", epilog=EXIT_CODES)
def rejects_list(
    store: Annotated[str | None, typer.Option("--store", help="Of this store only.")] = None,
    limit: Annotated[int, typer.Option(help="At most so many, newest first.", min=1)] = 100,
    config: ConfigOption = None,
    db: DbOption = None,
    as_json: JsonOption = False,
) -> None:
    """List refused messages, newest first."""
    with _failures(), _open(config, db) as opened:
        rows = opened.rejects(store=store, limit=limit)
    if as_json:
        print(_json({"rejects": [_reject_dict(row) for row in rows]}))
        return
    for row in rows:
        print(f"{row.sha256[:12]}  {when(row.last_at)}  x{row.times}  {row.topic}  {row.reason}")
    if not rows:
        print("no message was refused")


@rejects_app.command("show", epilog=EXIT_CODES)
def rejects_show(
    sha256: Annotated[str, typer.Argument(help="The start of its sha256, from the list.")],
    config: ConfigOption = None,
    db: DbOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show one refused message with its bytes."""
    with _failures(), _open(config, db) as opened:
        row = opened.reject(sha256)
    if as_json:
        print(_json(_reject_dict(row) | {"payload": row.payload}))
        return
    print(f"topic    {row.topic}\nreason   {row.reason}\nsha256   {row.sha256}")
    print(f"arrived  {when(row.first_at)}, last {when(row.last_at)}, {row.times} times")
    if row.payload is None:
        print("bytes    no longer kept: 200 newer messages of this agent were refused since")
    else:
        print(f"bytes    {len(row.payload)}\n\n{row.payload!r}")


@contextmanager
def _failures() -> Iterator[None]:
    try:
        yield
    except HubError as error:
        print(f"aisle-hub: {error}", file=sys.stderr)
        raise typer.Exit(next(c for kind, c in FAILURES if isinstance(error, kind))) from error


def _config(path: Path | None, *, db: Path | None, broker: dict[str, Any]) -> HubConfig:
    config = read_config(path)
    given = {key: value for key, value in broker.items() if value is not None}
    if db is not None:
        config = msgspec.structs.replace(config, database=str(db))
    merged = msgspec.to_builtins(config.broker) | given
    try:
        return msgspec.structs.replace(
            config, broker=msgspec.convert(merged, type=type(config.broker))
        )
    except msgspec.ValidationError as error:
        raise ConfigError(f"broker options: {error}") from error


def _open(path: Path | None, db: Path | None) -> Store:
    config = _config(path, db=db, broker={})
    return Store.open(Path(config.database), busy_ms=config.busy_ms)


def _summary(store: str, day: str, *, config: Path | None, db: Path | None) -> tuple[Any, Any]:
    from hub.day import load_day  # noqa: PLC0415 - numpy is not needed by other commands
    from hub.patterns.shares import ShareParams  # noqa: PLC0415 - the same
    from hub.reports.summary import summarise  # noqa: PLC0415 - the same

    try:
        wanted = date.fromisoformat(day)
    except ValueError as error:
        raise ConfigError(f"--day {day!r}: {error}; write it like 2026-03-07") from error
    with _open(config, db) as opened:
        data = load_day(opened, store=store, day=wanted)
    return summarise(data, params=ShareParams()), data


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"--out {path}: {error.strerror}") from error


def _json(value: Any) -> str:  # noqa: ANN401 - whatever msgspec encodes
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode()


def _reject_dict(row: RejectRow) -> dict[str, Any]:
    return {
        "store": row.store,
        "agent": row.agent,
        "topic": row.topic,
        "reason": row.reason,
        "sha256": row.sha256,
        "bytes": None if row.payload is None else len(row.payload),
        "first_at": row.first_at,
        "last_at": row.last_at,
        "times": row.times,
    }
