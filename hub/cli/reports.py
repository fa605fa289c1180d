"""What merchandisers read: ``patterns`` and ``report``."""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer

from hub.cli.terminal import (
    ConfigOption,
    DbOption,
    JsonOption,
    StoreOption,
    as_json_text,
    failures,
    opened,
)
from hub.errors import ConfigError

DayOption = Annotated[str, typer.Option("--day", help="The store's calendar day, YYYY-MM-DD.")]


def patterns(
    store: StoreOption,
    day: DayOption,
    config: ConfigOption = None,
    db: DbOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show a day's shares of showroomers, wanderers and the indecisive, with 95 % intervals."""
    with failures():
        summary, _data = _summary(store, day, config=config, db=db)
        if as_json:
            print(
                as_json_text(
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
    with failures():
        summary, data = _summary(store, day, config=config, db=db)
        if as_json:
            print(as_json_text(summary))
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


def _summary(store: str, day: str, *, config: Path | None, db: Path | None) -> tuple[Any, Any]:
    from hub.day import load_day  # noqa: PLC0415 - numpy is not needed by other commands
    from hub.patterns.shares import ShareParams  # noqa: PLC0415 - the same
    from hub.reports.summary import summarise  # noqa: PLC0415 - the same

    try:
        wanted = date.fromisoformat(day)
    except ValueError as error:
        raise ConfigError(f"--day {day!r}: {error}; write it like 2026-03-07") from error
    with opened(config, db) as there:
        data = load_day(there, store=store, day=wanted)
    return summarise(data, params=ShareParams()), data


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"--out {path}: {error.strerror}") from error
