"""What merchandisers read: ``patterns`` and ``report``."""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

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

if TYPE_CHECKING:  # numpy is not needed by other commands
    from hub.reports.period import PeriodData
    from hub.reports.summary import Summary

Days = tuple[date, date]
DayOption = Annotated[str, typer.Option("--day", help="The store's calendar day, YYYY-MM-DD.")]
OneDayOption = Annotated[str | None, typer.Option("--day", help="One calendar day, YYYY-MM-DD.")]
FromOption = Annotated[str | None, typer.Option("--from", help="First day of a period.")]
ToOption = Annotated[str | None, typer.Option("--to", help="Its last day.")]
AgainstOption = Annotated[
    str | None,
    typer.Option("--against", help="An earlier period to compare with: DAY..DAY, or one DAY."),
]


def patterns(
    store: StoreOption,
    day: DayOption,
    config: ConfigOption = None,
    db: DbOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show a day's shares of showroomers, wanderers and the indecisive, with 95 % intervals."""
    with failures():
        one = parse_day(day, option="--day")
        summary, _data = _summary(store, (one, one), config=config, db=db)
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
    day: OneDayOption = None,
    since: FromOption = None,
    until: ToOption = None,
    against: AgainstOption = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="Write the page here (one offline HTML file).")
    ] = None,
    csv: Annotated[
        Path | None, typer.Option("--csv", help="Write all numbers here, a row for each.")
    ] = None,
    parquet: Annotated[
        Path | None, typer.Option("--parquet", help="Write the same table here, as Parquet.")
    ] = None,
    config: ConfigOption = None,
    db: DbOption = None,
    as_json: JsonOption = False,
) -> None:
    """Report one store's day or period: as a page for merchandisers, as JSON, CSV, or text."""
    with failures():
        days = _days(day, since, until)
        summary, data = _summary(store, days, config=config, db=db)
        changes = None
        if against is not None:
            earlier = parse_days(against, option="--against")
            before, _ = _summary(store, earlier, config=config, db=db)
            from hub.reports.comparison import Comparison  # noqa: PLC0415 - only here

            changes = Comparison.of(summary, before=before)
        if as_json:
            told: dict[str, object] = {} if changes is None else {"against": changes}
            print(as_json_text(_with(summary, told)))
        if csv is not None or parquet is not None:
            from hub.reports.files_io import write_csv, write_parquet  # noqa: PLC0415 - only here
            from hub.reports.tidy import rows  # noqa: PLC0415 - only here

            table = rows(summary, changes=changes.changes if changes else ())
            if csv is not None:
                write_csv(csv, table)
            if parquet is not None:
                write_parquet(parquet, table)
        if out is not None:
            if not as_json:
                print(f"drawing the report of {store} for {days[0]} …", file=sys.stderr)
            from hub.reports.page import render  # noqa: PLC0415 - drawing takes a second to load

            _write(out, render(summary, data=data, against=changes))
        written = [str(path) for path in (out, csv, parquet) if path is not None]
        if as_json:
            return
        if written:
            print("\n".join(written))
            return
        from hub.reports.text import report_text  # noqa: PLC0415 - only here

        print(report_text(summary, against=changes))


def parse_day(text: str, *, option: str) -> date:
    """Read a day.

    Raises:
        ConfigError: it is none.
    """
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise ConfigError(f"{option} {text!r}: {error}; write it like 2026-03-07") from error


def parse_days(text: str, *, option: str) -> Days:
    """Read ``DAY..DAY`` or one day.

    Raises:
        ConfigError: it is neither, or ends before it begins.

    >>> parse_days("2026-03-01..2026-03-07", option="--against")[1]
    datetime.date(2026, 3, 7)
    """
    first, dots, last = text.partition("..")
    since = parse_day(first, option=option)
    until = parse_day(last, option=option) if dots else since
    if until < since:
        raise ConfigError(f"{option} {text!r}: ends before it begins")
    return since, until


def _days(day: str | None, since: str | None, until: str | None) -> Days:
    if day is not None and since is None and until is None:
        return parse_days(day, option="--day")
    if day is None and since is not None and until is not None:
        return parse_days(f"{since}..{until}", option="--from/--to")
    raise ConfigError("give either --day DAY, or --from DAY and --to DAY")


def _with(summary: Summary, more: dict[str, object]) -> dict[str, object]:
    import msgspec  # noqa: PLC0415 - only here

    told: dict[str, object] = msgspec.to_builtins(summary)
    return told | more


def _summary(
    store: str, days: Days, *, config: Path | None, db: Path | None
) -> tuple[Summary, PeriodData]:
    from hub.day import load_period  # noqa: PLC0415 - numpy is not needed by other commands
    from hub.patterns.shares import ShareParams  # noqa: PLC0415 - the same
    from hub.reports.summary import summarise  # noqa: PLC0415 - the same

    with opened(config, db) as there:
        data = load_period(there, store=store, since=days[0], until=days[1])
    return summarise(data, params=ShareParams()), data


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"--out {path}: {error.strerror}") from error
