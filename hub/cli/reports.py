"""What merchandisers read: ``patterns`` and ``report``."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hub.cli.planogram import Asked, planogram
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
    from hub.reports.chain import Chain
    from hub.reports.comparison import Comparison
    from hub.reports.period import PeriodData
    from hub.reports.planogram import Planogram
    from hub.reports.segments import Segments
    from hub.reports.summary import Summary
    from hub.reports.tidy import Row

Days = tuple[date, date]
ContextOption = Annotated[
    Path | None,
    typer.Option("--context", help="context.toml, for segments that ask for more than releases."),
]
StoresOption = Annotated[
    list[str] | None, typer.Option("--store", help="Name of a store; again for several.")
]
DayOption = Annotated[str, typer.Option("--day", help="The store's calendar day, YYYY-MM-DD.")]
OneDayOption = Annotated[str | None, typer.Option("--day", help="One calendar day, YYYY-MM-DD.")]
FromOption = Annotated[str | None, typer.Option("--from", help="First day of a period.")]
ToOption = Annotated[str | None, typer.Option("--to", help="Its last day.")]
AgainstOption = Annotated[
    str | None,
    typer.Option("--against", help="An earlier period to compare with: DAY..DAY, or one DAY."),
]
ChangedOption = Annotated[
    str | None,
    typer.Option("--changed", help="Say what a change of this place's goods did, beside others."),
]
OnOption = Annotated[str | None, typer.Option("--on", help="The first day after that change.")]
EffectOption = Annotated[
    float | None,
    typer.Option("--effect", help="The smallest change to know of, in per cent of before: 10."),
]
BeforeOption = Annotated[
    int | None, typer.Option("--before", help="Days before the change to compare with: 28.")
]


def patterns(
    store: StoreOption,
    day: DayOption,
    config: ConfigOption = None,
    db: DbOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show a day's shares of all patterns, with 95 % intervals."""
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
    store: StoresOption = None,
    chain: Annotated[bool, typer.Option("--chain", help="Of all stores, side by side.")] = False,
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
    changed: ChangedOption = None,
    on: OnOption = None,
    effect: EffectOption = None,
    before: BeforeOption = None,
    context: ContextOption = None,
    config: ConfigOption = None,
    db: DbOption = None,
    as_json: JsonOption = False,
) -> None:
    """Report a day or period of a store, of several or of a chain: page, JSON, CSV, or text."""
    with failures():
        if changed is not None or on is not None:
            others = bool(day or since or against or chain)
            asked = _change(store, changed, on, until=until, others=others)
            asked = replace(asked, effect=effect, before=before)
            found = planogram(asked, config=config, db=db)
            _tell_planogram(found, out=out, csv=csv, parquet=parquet, as_json=as_json)
            return
        days = _days(day, since, until)
        earlier = None if against is None else parse_days(against, option="--against")
        if chain or len(store or ()) > 1:
            made = _chain(store or [], days, chain=chain, against=earlier, config=config, db=db)
            segments = None
            if as_json or any((out, csv, parquet)):
                names = [row.store for row in made.rows]
                segments = _segments(names, days, context=context, config=config, db=db)
            _tell_chain(made, segments=segments, out=out, csv=csv, parquet=parquet, as_json=as_json)
            return
        if not store:
            raise ConfigError("give --store STORE, several times for several, or --chain")
        summary, data = _summary(store[0], days, config=config, db=db)
        changes = None
        if earlier is not None:
            then, _ = _summary(store[0], earlier, config=config, db=db)
            from hub.reports.comparison import Comparison  # noqa: PLC0415 - only here

            changes = Comparison.of(summary, before=then)
        segments = None
        if as_json or any((out, csv, parquet)):
            segments = _segments(store, days, context=context, config=config, db=db)
        _tell_store(
            summary, data, changes, segments, out=out, csv=csv, parquet=parquet, as_json=as_json
        )


def _tell_store(
    summary: Summary,
    data: PeriodData,
    changes: Comparison | None,
    segments: Segments | None,
    *,
    out: Path | None,
    csv: Path | None,
    parquet: Path | None,
    as_json: bool,
) -> None:
    if as_json:
        told: dict[str, object] = {} if changes is None else {"against": changes}
        print(as_json_text(_with(summary, told, segments=segments)))
    if csv is not None or parquet is not None:
        from hub.reports.tidy import rows  # noqa: PLC0415 - only here

        told_changes = changes.changes if changes else ()
        _write_table(rows(summary, changes=told_changes, segments=segments), csv, parquet)
    if out is not None:
        from hub.reports.page import render  # noqa: PLC0415 - templates take a while to load

        _write(out, render(summary, data=data, against=changes, segments=segments))
    if as_json or _said_written(out, csv, parquet):
        return
    from hub.reports.text import report_text  # noqa: PLC0415 - only here

    print(report_text(summary, against=changes))


def _tell_chain(
    made: Chain,
    *,
    segments: Segments | None,
    out: Path | None,
    csv: Path | None,
    parquet: Path | None,
    as_json: bool,
) -> None:
    if as_json:
        print(as_json_text(_with(made, {}, segments=segments)))
    if csv is not None or parquet is not None:
        from hub.reports.tidy import chain_rows  # noqa: PLC0415 - only here

        _write_table(chain_rows(made, segments=segments), csv, parquet)
    if out is not None:
        from hub.reports.page import render_chain  # noqa: PLC0415 - only here

        _write(out, render_chain(made, segments=segments))
    if as_json or _said_written(out, csv, parquet):
        return
    from hub.reports.text import chain_text  # noqa: PLC0415 - only here

    print(chain_text(made))


def _change(
    stores: Sequence[str] | None,
    zone: str | None,
    on: str | None,
    *,
    until: str | None,
    others: bool,
) -> Asked:
    if not stores or len(stores) != 1 or zone is None or on is None:
        raise ConfigError("--changed ZONE needs --on DAY and one --store STORE")
    if others:
        raise ConfigError("--changed goes with --on, --to, --effect and --before only")
    last = None if until is None else parse_day(until, option="--to")
    return Asked(stores[0], zone, parse_day(on, option="--on"), last)


def _tell_planogram(
    found: Planogram, *, out: Path | None, csv: Path | None, parquet: Path | None, as_json: bool
) -> None:
    if as_json:
        print(as_json_text(found))
    if csv is not None or parquet is not None:
        from hub.reports.planogram import planogram_rows  # noqa: PLC0415 - only here

        _write_table(planogram_rows(found), csv, parquet)
    if out is not None:
        from hub.reports.planogram_page import render_planogram  # noqa: PLC0415 - only here

        _write(out, render_planogram(found))
    if as_json or _said_written(out, csv, parquet):
        return
    from hub.reports.planogram_words import planogram_text  # noqa: PLC0415 - only here

    print(planogram_text(found))


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


def _with(
    made: Summary | Chain, more: dict[str, object], *, segments: Segments | None
) -> dict[str, object]:
    import msgspec  # noqa: PLC0415 - only here

    told: dict[str, object] = msgspec.to_builtins(made)
    return told | more | ({"segments": segments.plain} if segments else {})


def _summary(
    store: str, days: Days, *, config: Path | None, db: Path | None
) -> tuple[Summary, PeriodData]:
    from hub.day import load_period  # noqa: PLC0415 - numpy is not needed by other commands
    from hub.patterns.shares import ShareParams  # noqa: PLC0415 - the same
    from hub.reports.summary import summarise  # noqa: PLC0415 - the same

    with opened(config, db) as there:
        data = load_period(there, store=store, since=days[0], until=days[1])
    return summarise(data, params=ShareParams()), data


def _chain(
    stores: Sequence[str],
    days: Days,
    *,
    chain: bool,
    against: Days | None,
    config: Path | None,
    db: Path | None,
) -> Chain:
    from hub.day import load_chain  # noqa: PLC0415 - numpy is not needed by other commands
    from hub.patterns.shares import ShareParams  # noqa: PLC0415 - the same

    if chain and stores:
        raise ConfigError("--chain is all stores: leave --store away")
    with opened(config, db) as there:
        chosen = stores or there.stores()
        print(f"reading {len(chosen)} stores …", file=sys.stderr)
        params = ShareParams()
        return load_chain(there, stores=chosen, days=days, against=against, params=params)


def _segments(
    stores: Sequence[str],
    days: Days,
    *,
    context: Path | None,
    config: Path | None,
    db: Path | None,
) -> Segments | None:
    from hub.day import load_segments  # noqa: PLC0415 - numpy is not needed by other commands
    from hub.patterns.shares import ShareParams  # noqa: PLC0415 - the same

    now = datetime.now(tz=UTC)
    with opened(config, db) as there:
        return load_segments(
            there, stores=stores, days=days, context=context, now=now, params=ShareParams()
        )


def _write_table(table: Sequence[Row], csv: Path | None, parquet: Path | None) -> None:
    from hub.reports.files_io import write_csv, write_parquet  # noqa: PLC0415 - only here

    if csv is not None:
        write_csv(csv, table)
    if parquet is not None:
        write_parquet(parquet, table)


def _said_written(*paths: Path | None) -> bool:
    written = [str(path) for path in paths if path is not None]
    if written:
        print("\n".join(written))
    return bool(written)


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"--out {path}: {error.strerror}") from error
