"""Micro-segments: ``segments`` and what operators do with them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hub.cli.terminal import (
    EXIT_CODES,
    WRONG,
    ConfigOption,
    DbOption,
    JsonOption,
    Progress,
    as_json_text,
    failures,
    opened,
)
from hub.errors import ConfigError, NoDataError
from hub.store_io.segments import SegmentEvent, SegmentRow, SegmentTables
from hub.store_io.store import Link, Store

if TYPE_CHECKING:  # numpy, CEL and httpx take half a second, which other commands spare
    from hub.patterns.shares import Share
    from hub.segments.chain import Chain
    from hub.segments.checking import Finding
    from hub.segments.definition import Definition
    from hub.segments.drift import Foretold
    from hub.segments.life import Act
    from hub.segments.proposing import Discovered

app = typer.Typer(
    help="Micro-segments: rules over patterns, traits, tags and context, and how they live.",
    epilog=EXIT_CODES,
    no_args_is_help=True,
)

FORETOLD_FROM = timedelta(days=28)
"""Days from which it is foretold how soon a change would be noticed."""
NAMES_ONLY = ("tags",)
"""The channel that tells names which rules may use."""
ContextOption = Annotated[
    Path | None,
    typer.Option("--context", help="context.toml: attributes of stores, weather, campaigns."),
]
SegmentArgument = Annotated[str, typer.Argument(help="The segment's id.")]
StoreOption = Annotated[
    list[str] | None, typer.Option("--store", help="Of this store only; may be given again.")
]
SinceOption = Annotated[str | None, typer.Option("--since", help="From this day, YYYY-MM-DD.")]
UntilOption = Annotated[str | None, typer.Option("--until", help="Before this day, YYYY-MM-DD.")]
NoteOption = Annotated[str, typer.Option("--note", help="Who and why, for the history.")]


@app.command("list", epilog=EXIT_CODES)
def list_(
    show_templates: Annotated[
        bool, typer.Option("--templates", help="The trade's, which can be added.")
    ] = False,
    config: ConfigOption = None,
    db: DbOption = None,
    as_json: JsonOption = False,
) -> None:
    """List segments: state, newest share, and when each decays if nobody confirms it."""
    from hub.segments import desk  # noqa: PLC0415 - see TYPE_CHECKING

    with failures():
        if show_templates:
            _list_templates(as_json=as_json)
            return
        now = datetime.now(tz=UTC)
        with opened(config, db) as store_:
            tables = SegmentTables(store_)
            rows = [_listed(tables, row, now=now) for row in desk.current(tables)]
        if as_json:
            print(as_json_text({"segments": rows}))
            return
        for row in rows:
            line = f"; {row['line']}" if row["line"] else ""
            print(
                f"{row['segment']:28} v{row['version']:<3} {row['state']:10} {row['latest']}{line}"
            )
        if not rows:
            print("no segment yet; `aisle-hub segments list --templates` shows what can be added")


@app.command(epilog=EXIT_CODES)
def add(  # noqa: PLR0917 - typer passes options by name
    file: Annotated[Path | None, typer.Argument(help="TOML with [[segment]] tables.")] = None,
    template: Annotated[
        list[str] | None, typer.Option("--template", help="Add one of the trade's, by id.")
    ] = None,
    note: NoteOption = "",
    config: ConfigOption = None,
    db: DbOption = None,
    context: ContextOption = None,
    as_json: JsonOption = False,
) -> None:
    """Propose segments: checked first, saved together or not at all."""
    from hub.segments import desk  # noqa: PLC0415 - see TYPE_CHECKING

    with failures():
        definitions = _given(file, template)
        with opened(config, db, edit=True) as store_:
            chain = _load(store_, context=context, channels=NAMES_ONLY)
            tables = SegmentTables(store_)
            for one in definitions:
                desk.proposable(tables, one, chain=chain)
            told: list[dict[str, Any]] = [
                {
                    "segment": one.id,
                    "findings": desk.propose(tables, one, chain=chain, at=_now(), by=note),
                }
                for one in definitions
            ]
            recent = _recent(store_, context=context)
            for one, row in zip(definitions, told, strict=True):
                row["doubling"] = _doubling(one, recent=recent)
        if as_json:
            print(as_json_text({"added": told}))
            return
        for row in told:
            print(f"{row['segment']}: proposed; accept it with `aisle-hub segments accept`")
            _print_findings(row["findings"])
            _print_doubling(row["doubling"])


@app.command(epilog=EXIT_CODES)
def edit(  # noqa: PLR0917 - typer passes options by name
    segment: SegmentArgument,
    file: Annotated[Path | None, typer.Option("--file", help="TOML with its new table.")] = None,
    rule: Annotated[str | None, typer.Option("--rule", help="A new rule.")] = None,
    name: Annotated[str | None, typer.Option("--name", help="A new name.")] = None,
    owner: Annotated[str | None, typer.Option("--owner", help="Who acts on it.")] = None,
    action: Annotated[str | None, typer.Option("--action", help="What is done about it.")] = None,
    goal: Annotated[str | None, typer.Option("--goal", help="What should come of it.")] = None,
    stop: Annotated[str | None, typer.Option("--stop", help="When to stop.")] = None,
    note: NoteOption = "",
    config: ConfigOption = None,
    db: DbOption = None,
    context: ContextOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a new version; the old one and its history stay, and `replay` compares them."""
    from hub.segments import desk  # noqa: PLC0415 - see TYPE_CHECKING
    from hub.segments.chain import definition_of  # noqa: PLC0415 - see TYPE_CHECKING

    with failures(), opened(config, db, edit=True) as store_:
        tables = SegmentTables(store_)
        definition = definition_of(desk.newest(tables, segment))
        if file is not None:
            definition = _one_of(_given(file, None), segment=segment)
        words = {
            "rule": rule,
            "name": name,
            "owner": owner,
            "action": action,
            "goal": goal,
            "stop": stop,
        }
        changes: dict[str, object] = {k: v for k, v in words.items() if v is not None}
        chain = _load(store_, context=context, channels=NAMES_ONLY)
        definition = desk.restated(definition, changes=changes)
        findings = desk.edit(tables, definition, chain=chain, at=_now(), by=note)
        row = desk.newest(tables, segment)
    if as_json:
        print(as_json_text({"segment": segment, "version": row.version, "findings": findings}))
        return
    print(f"{segment}: version {row.version}, {row.state}")
    _print_findings(findings)


@app.command(epilog=EXIT_CODES)
def explain(  # noqa: PLR0917 - typer passes options by name
    segment: Annotated[str, typer.Argument(help="A segment's id, a template's, or a rule.")] = "",
    names: Annotated[bool, typer.Option("--names", help="List the names rules may use.")] = False,
    config: ConfigOption = None,
    db: DbOption = None,
    context: ContextOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say in plain words whom a segment means, what is wrong with it, how soon drift would show."""
    from hub.segments.checking import check, missing  # noqa: PLC0415 - see TYPE_CHECKING

    with failures(), opened(config, db) as store_:
        chain = _load(store_, context=context, channels=NAMES_ONLY)
        if names:
            _print_names(chain, as_json=as_json)
            return
        definition = _named(SegmentTables(store_), segment)
        findings = check(definition, vocabulary=chain.names)
        words = (
            "" if any(one.severity == "error" for one in findings) else _words(definition, chain)
        )
        told: dict[str, Any] = {
            "segment": definition.id,
            "rule": definition.rule,
            "words": words,
            "findings": findings,
            "needs_that_lack": [] if not words else missing(definition, vocabulary=chain.names),
        }
        doubling = _doubling(definition, recent=_recent(store_, context=context)) if words else {}
        told["doubling"] = doubling
    if as_json:
        print(as_json_text(told))
    else:
        print(f"{definition.name}: {definition.rule.strip()}")
        if words:
            print(f"Visits for which {words}.")
        _print_findings(findings)
        for label in ("about", "goal", "action", "owner", "stop"):
            if getattr(definition, label):
                print(f"{label:8} {getattr(definition, label)}")
        _print_doubling(doubling)
    if not words:
        raise typer.Exit(WRONG)


@app.command(epilog=EXIT_CODES)
def replay(  # noqa: PLR0917 - typer passes options by name
    segment: SegmentArgument,
    old: Annotated[int | None, typer.Option("--old", help="Version to compare with.")] = None,
    store: StoreOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    config: ConfigOption = None,
    db: DbOption = None,
    context: ContextOption = None,
    as_json: JsonOption = False,
) -> None:
    """Evaluate the newest version over all that is retained, and compare it with an older one."""
    from hub.patterns.shares import ShareParams  # noqa: PLC0415 - see TYPE_CHECKING
    from hub.segments import desk  # noqa: PLC0415 - see TYPE_CHECKING

    with failures(), opened(config, db, edit=True) as store_:
        tables = SegmentTables(store_)
        row = desk.newest(tables, segment)
        before = _version(tables, segment, old if old is not None else row.version - 1)
        needed = desk.channels_of(row, *([before] if before else []))
        chain = _load(
            store_, context=context, stores=store, since=since, until=until, channels=needed
        )
        days = desk.replay(tables, row, chain=chain, params=ShareParams())
        compared = (
            desk.compare(before, row, chain=chain, params=ShareParams(), days=days)
            if before
            else []
        )
    if as_json:
        print(
            as_json_text(
                {"segment": segment, "version": row.version, "days": days, "compared": compared}
            )
        )
        return
    for one, of_store in days.items():
        print(f"{one}: {len(of_store)} days replayed with version {row.version}")
    for pair in compared:
        print(
            f"{pair.store}: version {before.version if before else ''} {_said(pair.old)}, "
            f"version {row.version} {_said(pair.new)}, difference {_said(pair.difference)}"
        )


@app.command(epilog=EXIT_CODES)
def look(
    search: Annotated[
        bool, typer.Option("--discover", help="Search for new ones too, and propose them.")
    ] = False,
    config: ConfigOption = None,
    db: DbOption = None,
    context: ContextOption = None,
    as_json: JsonOption = False,
) -> None:
    """Look after all segments: shares, drift, decay. For a timer, once a day."""
    from hub.segments import desk  # noqa: PLC0415 - see TYPE_CHECKING

    with failures(), opened(config, db, edit=True) as store_:
        chain = _load(store_, context=context)
        found = desk.look(SegmentTables(store_), chain=chain, at=_now())
        told, lines = _search(store_, chain=chain) if search else ("", [])
        store_.write_link(Link("looked", f"{len(found)} shares", _now()), name="look")
    if as_json:
        print(as_json_text({"looked": found, "discovered": told, "lines": lines}))
        return
    for one in found:
        drift = f"  DRIFT: {desk.describe(one.alarm)}" if one.alarm else ""
        where = one.store or "all together"
        print(f"{one.segment:28} {where:16} {one.state:10} {_said(one.share)}{drift}")
    if told:
        print(told)
    for line in lines:
        print(f"{line.segment:28} {line.event} {line.detail}")


@app.command(epilog=EXIT_CODES)
def accept(
    segment: SegmentArgument,
    note: NoteOption = "",
    config: ConfigOption = None,
    db: DbOption = None,
    as_json: JsonOption = False,
) -> None:
    """Accept a proposed segment, or confirm one: after a drift, its new share is the right one."""
    _act("accept", segment, note=note, config=config, db=db, as_json=as_json)


@app.command(epilog=EXIT_CODES)
def refuse(
    segment: SegmentArgument,
    note: NoteOption = "",
    config: ConfigOption = None,
    db: DbOption = None,
    as_json: JsonOption = False,
) -> None:
    """Refuse a proposed segment; it is kept, and not proposed again."""
    _act("refuse", segment, note=note, config=config, db=db, as_json=as_json)


@app.command(epilog=EXIT_CODES)
def retire(
    segment: SegmentArgument,
    note: NoteOption = "",
    config: ConfigOption = None,
    db: DbOption = None,
    as_json: JsonOption = False,
) -> None:
    """Retire a segment: it is looked after no more, and its history stays."""
    _act("retire", segment, note=note, config=config, db=db, as_json=as_json)


@app.command(epilog=EXIT_CODES)
def history(  # noqa: PLR0917 - typer passes options by name
    segment: SegmentArgument,
    store: Annotated[str | None, typer.Option("--store", help="Of this store only.")] = None,
    version: Annotated[int | None, typer.Option("--version", help="Default: the newest.")] = None,
    config: ConfigOption = None,
    db: DbOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what befell a segment, its versions, and its share by day."""
    from hub.segments import desk  # noqa: PLC0415 - see TYPE_CHECKING

    with failures(), opened(config, db) as store_:
        tables = SegmentTables(store_)
        row = desk.newest(tables, segment)
        shares = tables.shares(segment, version=version or row.version, store=store)
        versions, events = tables.versions(segment), tables.events(segment)
    if as_json:
        print(as_json_text({"versions": versions, "events": events, "shares": shares}))
        return
    for one in versions:
        print(f"version {one.version}  {one.created_at:%Y-%m-%d %H:%M}  {one.state}")
    for event in events:
        where = event.store or "all stores"
        print(f"{event.at:%Y-%m-%d %H:%M}  v{event.version} {event.event} ({where}) {event.detail}")
    for share in shares:
        half = 1.96 * share.variance**0.5 if share.variance is not None else None
        said = "withheld" if share.share is None or half is None else _points(share.share, half)
        print(f"{share.day}  {share.store:16} {said}  of {share.visits:.0f} visits")
    if not shares:
        print("no share is stored; `aisle-hub segments replay` makes them")


@app.command(epilog=EXIT_CODES)
def overlap(  # noqa: PLR0917 - typer passes options by name
    store: StoreOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    config: ConfigOption = None,
    db: DbOption = None,
    context: ContextOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what part of the visits in either of two segments is in both."""
    from hub.segments import desk  # noqa: PLC0415 - see TYPE_CHECKING

    with failures(), opened(config, db) as store_:
        chain = _load(store_, context=context, stores=store, since=since, until=until)
        rows = [
            row
            for row in desk.current(SegmentTables(store_))
            if row.state not in {"retired", "refused"}
        ]
        found = desk.overlaps(desk.rules_of(rows), chain=chain, stores=list(chain.stores))
    if as_json:
        pairs = [{"one": a, "other": b, "overlap": part} for (a, b), part in found.items()]
        print(as_json_text({"overlap": pairs}))
        return
    for (one, other), part in sorted(found.items(), key=lambda pair: -pair[1]):
        print(f"{100 * part:5.1f} %  {one}  {other}")


@app.command(epilog=EXIT_CODES)
def discover(  # noqa: PLR0917 - typer passes options by name
    add_found: Annotated[bool, typer.Option("--add", help="Propose what is found.")] = False,
    store: StoreOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    config: ConfigOption = None,
    db: DbOption = None,
    context: ContextOption = None,
    as_json: JsonOption = False,
) -> None:
    """Search for groups of visits and for what has grown; an operator accepts or refuses them."""
    with failures(), opened(config, db, edit=True) as store_:
        chain = _load(store_, context=context, stores=store, since=since, until=until)
        found, _ = _discovered(store_, chain=chain, propose=add_found)
    if as_json:
        print(as_json_text(found))
        return
    print(found.told)
    for proposal, cells in zip(found.proposals, found.found, strict=True):
        print(f"{proposal.id}: {100 * cells.share:.1f} % of the visits: {proposal.rule}")
        print(f"  {cells.why} {'; '.join(cells.traits)}")
    for change in found.became:
        print(
            f"{change.kind}: {', '.join(change.before) or '-'} -> {', '.join(change.now) or '-'}, "
            f"{100 * change.overlap:.0f} % of its visits, {change.growth:.2f} times the share"
        )


@app.command(epilog=EXIT_CODES)
def codebook(
    out: Annotated[Path, typer.Option("--out", help="Write it here, as JSON.")],
    version: Annotated[str, typer.Option("--version", help="Its name, a new one.")],
    config: ConfigOption = None,
    db: DbOption = None,
    as_json: JsonOption = False,
) -> None:
    """Better the codebook by what its cells' sums reveal (one private Lloyd step).

    Measure the result (python -m models.codebook.measure_confusion), then publish it with
    `aisle-hub codebook`.
    """
    with failures(), opened(config, db) as store_:
        from hub.segments import proposing  # noqa: PLC0415 - see TYPE_CHECKING
        from hub.segments.chain import newest_book  # noqa: PLC0415 - see TYPE_CHECKING

        book = newest_book(store_)
        if version == book.version:
            raise ConfigError(f"--version {version}: that is the one in use; give a new name")
        made, done = proposing.bettered(store_, book=book, version=version)
        try:
            out.write_text(as_json_text(made) + "\n", encoding="utf-8")
        except OSError as error:
            raise ConfigError(f"--out {out}: {error.strerror}") from error
    if as_json:
        print(as_json_text({"version": version, "cells": len(made.cells), "done": done}))
        return
    print("\n".join(done) or "nothing was clear of the noise: the codebook is as it was")
    print(f"{len(made.cells)} cells: {out}")


def _discovered(
    store_: Store, *, chain: Chain, propose: bool
) -> tuple[Discovered, list[SegmentEvent]]:
    """Search; propose what is found, and note how segments came from one another, if told to."""
    from hub.segments import desk, proposing  # noqa: PLC0415 - see TYPE_CHECKING

    tables = SegmentTables(store_)
    found = proposing.discover(chain, books=proposing.books_of(store_), rows=desk.current(tables))
    if not propose:
        return found, []
    for one in found.proposals:
        desk.propose(tables, one, chain=chain, at=_now(), by="discovered")
    once_in = timedelta(days=proposing.RECENT_DAYS + proposing.BEFORE_DAYS)
    lines = desk.note_lines(tables, found.became, recent=found.recent, at=_now(), once_in=once_in)
    return found, lines


def _search(store_: Store, *, chain: Chain) -> tuple[str, list[SegmentEvent]]:
    """Search, propose what is found, and say what came of it."""
    try:
        found, lines = _discovered(store_, chain=chain, propose=True)
    except NoDataError as error:  # a hub of a few days has segments to look after all the same
        return f"not searched for new ones: {error}", []
    names = ", ".join(one.id for one in found.proposals) or "nothing new"
    return f"searched {found.told}: {names}", lines


def _act(
    what: Act, segment: str, *, note: str, config: Path | None, db: Path | None, as_json: bool
) -> None:
    from hub.segments import desk  # noqa: PLC0415 - see TYPE_CHECKING

    with failures(), opened(config, db, edit=True) as store_:
        row = desk.act(SegmentTables(store_), segment, what=what, at=_now(), detail=note)
    if as_json:
        print(as_json_text({"segment": row.segment, "version": row.version, "state": row.state}))
    else:
        print(f"{row.segment}: version {row.version} is {row.state}")


def _load(
    store_: Store,
    *,
    context: Path | None,
    stores: list[str] | None = None,
    since: str | None = None,
    until: str | None = None,
    channels: Sequence[str] | None = None,
) -> Chain:
    from hub.segments.chain import CHANNELS, load  # noqa: PLC0415 - see TYPE_CHECKING
    from hub.segments.context_io import read_surroundings  # noqa: PLC0415 - see TYPE_CHECKING

    with Progress("reading counts") as progress:
        return load(
            store_,
            surroundings=read_surroundings(context),
            stores=stores or (),
            since=_day(since, option="--since"),
            until=_day(until, option="--until"),
            channels=channels or CHANNELS,
            progress=progress,
        )


def _day(text: str | None, *, option: str) -> date | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise ConfigError(f"{option} {text!r}: {error}; write it like 2026-03-07") from error


def _recent(store_: Store, *, context: Path | None) -> Chain | None:
    """Load the last four weeks that are known; None if there are none."""
    from hub.store_io.counts import CountTables  # noqa: PLC0415 - see TYPE_CHECKING

    newest = CountTables(store_).newest()
    if newest is None:
        return None
    return _load(store_, context=context, since=str((newest - FORETOLD_FROM).date()))


def _doubling(definition: Definition, *, recent: Chain | None) -> dict[str, Foretold | None]:
    """Foretell when twice as many visits of a segment would be noticed, where days are known."""
    from hub.segments.checking import missing  # noqa: PLC0415 - see TYPE_CHECKING
    from hub.segments.noticing import noticing  # noqa: PLC0415 - see TYPE_CHECKING

    if recent is None or missing(definition, vocabulary=recent.names):
        return {}
    return noticing(definition, chain=recent)


def _print_doubling(told: dict[str, Foretold | None]) -> None:
    from hub.segments.noticing import in_a_sentence  # noqa: PLC0415 - see TYPE_CHECKING

    for store, one in told.items():
        print(f"  {in_a_sentence(store, one)}")


def _now() -> datetime:
    return datetime.now(tz=UTC)


def _given(file: Path | None, template: list[str] | None) -> tuple[Definition, ...]:
    from hub.segments.definition import parse_definitions, templates  # noqa: PLC0415 - see TYPE_CHECKING

    if template and file is not None:
        raise ConfigError(f"give either {file} or --template, not both")
    if template:
        known = {one.id: one for one in templates()}
        for wanted in template:
            if wanted not in known:
                raise ConfigError(f"--template {wanted}: there are {', '.join(known)}")
        return tuple(known[wanted] for wanted in dict.fromkeys(template))
    if file is None:
        raise ConfigError("give a TOML file, or --template; `segments list --templates` lists them")
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file}: cannot be read: {error}") from error
    return parse_definitions(text, path=str(file))


def _one_of(definitions: tuple[Definition, ...], *, segment: str) -> Definition:
    for one in definitions:
        if one.id == segment:
            return one
    raise ConfigError(f"the file has no segment {segment!r}")


def _named(tables: SegmentTables, text: str) -> Definition:
    from hub.segments import desk  # noqa: PLC0415 - see TYPE_CHECKING
    from hub.segments.chain import definition_of  # noqa: PLC0415 - see TYPE_CHECKING
    from hub.segments.definition import Definition, templates  # noqa: PLC0415 - see TYPE_CHECKING

    if not text:
        raise ConfigError("give a segment's id, a template's, or a rule; or --names")
    if tables.versions(text):
        return definition_of(desk.newest(tables, text))
    known = {one.id: one for one in templates()}
    if text in known:
        return known[text]
    if text.replace("-", "").isalnum() and text.islower() and text not in {"true", "false"}:
        desk.newest(tables, text)  # an id by its looks: say that it is not there
    return Definition("a-rule", "A rule", text)


def _version(tables: SegmentTables, segment: str, version: int) -> SegmentRow | None:
    found = [row for row in tables.versions(segment) if row.version == version]
    if not found and version > 0:
        raise NoDataError(f"segment {segment!r} has no version {version}")
    return found[0] if found else None


def _words(definition: Definition, chain: Chain) -> str:
    from hub.segments.words import in_words  # noqa: PLC0415 - see TYPE_CHECKING

    return in_words(definition.rule, vocabulary=chain.names)


def _listed(tables: SegmentTables, row: SegmentRow, *, now: datetime) -> dict[str, Any]:
    from hub.segments import desk  # noqa: PLC0415 - see TYPE_CHECKING
    from hub.segments.chain import definition_of  # noqa: PLC0415 - see TYPE_CHECKING

    definition = definition_of(row)
    shares = [
        one for one in tables.shares(row.segment, version=row.version) if one.share is not None
    ]
    latest = ""
    if shares:
        last = shares[-1]
        latest = f"{100 * (last.share or 0):.1f} % on {last.day} in {last.store}"
    events = tables.events(row.segment)
    left = desk.decays_in(row, events=events, definition=definition, now=now)
    return {
        "segment": row.segment,
        "name": definition.name,
        "version": row.version,
        "state": row.state,
        "rule": definition.rule,
        "latest": latest,
        "line": desk.last_line(events),
        "decays_in_days": left.days,
    }


def _list_templates(*, as_json: bool) -> None:
    from hub.segments.definition import templates  # noqa: PLC0415 - see TYPE_CHECKING

    if as_json:
        print(as_json_text({"templates": templates()}))
        return
    for one in templates():
        print(f"{one.id:28} {one.name}: {one.rule.strip()}")


def _print_names(chain: Chain, *, as_json: bool) -> None:
    if as_json:
        print(as_json_text({"names": list(chain.names.terms.values())}))
        return
    for path, term in sorted(chain.names.terms.items()):
        values = ", ".join(
            f"{value:.3g}" if isinstance(value, float) else str(value) for value in term.values[:8]
        )
        print(f"{path:28} {term.kind:7} by {term.grain:5} {term.words}: {values}")


def _print_findings(findings: list[Finding]) -> None:
    for one in findings:
        print(f"  {one.severity}: {one.text}")


def _said(share: Share) -> str:
    if share.value is None or share.low is None:
        return f"withheld ({share.withheld})"
    return _points(share.value, share.value - share.low)


def _points(value: float, half: float) -> str:
    return f"{100 * value:.1f} % ± {100 * half:.1f}"
