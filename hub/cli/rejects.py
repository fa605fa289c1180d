"""``aisle-hub rejects``: messages that were refused."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from hub.cli.terminal import (
    EXIT_CODES,
    ConfigOption,
    DbOption,
    DryRunOption,
    JsonOption,
    OneStoreOption,
    Progress,
    as_json_text,
    failures,
    opened,
)
from hub.errors import ConfigError
from hub.reports.status import when
from hub.store_io.store import RejectRow, Store

ALL = 1_000_000
"""More than are ever kept of a chain: 1,000 an agent."""

app = typer.Typer(
    help="Messages that were refused, and why: the newest 1,000 of each agent, 200 with bytes.",
    epilog=EXIT_CODES,
    no_args_is_help=True,
)
ShaArgument = Annotated[str, typer.Argument(help="The start of its sha256, from the list.")]
SomeArgument = Annotated[
    str | None, typer.Argument(help="The start of one's sha256, from the list; or use --all.")
]
AllOption = Annotated[bool, typer.Option("--all", help="All of them, or all of --store.")]


@app.command("list", epilog=EXIT_CODES)
def list_(
    store: OneStoreOption = None,
    limit: Annotated[int, typer.Option(help="At most so many, newest first.", min=1)] = 100,
    config: ConfigOption = None,
    db: DbOption = None,
    as_json: JsonOption = False,
) -> None:
    """List refused messages, newest first."""
    with failures(), opened(config, db) as there:
        rows = there.rejects(store=store, limit=limit)
    if as_json:
        print(as_json_text({"rejects": [_dict(row) for row in rows]}))
        return
    for row in rows:
        print(f"{row.sha256[:12]}  {when(row.last_at)}  x{row.times}  {row.topic}  {row.reason}")
    if not rows:
        print("no message was refused")


@app.command(epilog=EXIT_CODES)
def show(
    sha256: ShaArgument,
    config: ConfigOption = None,
    db: DbOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show one refused message with its bytes."""
    with failures(), opened(config, db) as there:
        row = there.reject(sha256)
    if as_json:
        print(as_json_text(_dict(row) | {"payload": row.payload}))
        return
    print(f"topic    {row.topic}\nreason   {row.reason}\nsha256   {row.sha256}")
    print(f"arrived  {when(row.first_at)}, last {when(row.last_at)}, {row.times} times")
    if row.payload is None:
        print("bytes    no longer kept: 200 newer messages of this agent were refused since")
    else:
        print(f"bytes    {len(row.payload)}\n\n{row.payload!r}")


@app.command(epilog=EXIT_CODES)
def replay(  # noqa: PLR0917 - typer passes options by name
    sha256: SomeArgument = None,
    every: AllOption = False,
    store: OneStoreOption = None,
    dry_run: DryRunOption = False,
    config: ConfigOption = None,
    db: DbOption = None,
    as_json: JsonOption = False,
) -> None:
    """Judge refused messages again: what this version understands is stored.

    After an update of the hub, for what newer agents had sent before. Doing it again changes
    nothing; what is still refused stays, with the reason of now.
    """
    with failures(), opened(config, db, edit=not dry_run) as there:
        from hub.replay import replay as judge_again  # noqa: PLC0415 - only here

        rows = _chosen(there, sha256, every=every, store=store)
        found = []
        with Progress("judging again") as progress:
            for one in judge_again(there, rows, dry_run=dry_run):
                found.append(one)
                progress(len(found), len(rows))
    if as_json:
        results = [
            {"sha256": one.reject.sha256, "verdict": one.verdict, "reason": one.reason}
            for one in found
        ]
        print(as_json_text({"dry_run": dry_run, "replayed": results}))
        return
    for one in found:
        print(f"{one.reject.sha256[:12]}  {one.verdict}  {one.reason}".rstrip())
    settled = sum(one.settled for one in found)
    print(f"{settled} of {len(found)} {'would be' if dry_run else 'are'} settled")


@app.command(epilog=EXIT_CODES)
def drop(  # noqa: PLR0917 - typer passes options by name
    sha256: SomeArgument = None,
    every: AllOption = False,
    store: OneStoreOption = None,
    dry_run: DryRunOption = False,
    config: ConfigOption = None,
    db: DbOption = None,
    as_json: JsonOption = False,
) -> None:
    """Forget refused messages; agents do not send them again."""
    with failures(), opened(config, db, edit=not dry_run) as there:
        rows = _chosen(there, sha256, every=every, store=store)
        if not dry_run:
            there.commit([], settled=rows)
    if as_json:
        print(as_json_text({"dry_run": dry_run, "dropped": [row.sha256 for row in rows]}))
    else:
        print(f"{len(rows)} {'would be' if dry_run else 'are'} dropped")


def _chosen(
    opened_store: Store, sha256: str | None, *, every: bool, store: str | None
) -> list[RejectRow]:
    if every == (sha256 is not None):
        raise ConfigError("name one by its sha256, or say --all (perhaps with --store)")
    if sha256 is not None:
        return [opened_store.reject(sha256)]
    return opened_store.rejects(store=store, limit=ALL)


def _dict(row: RejectRow) -> dict[str, Any]:
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
