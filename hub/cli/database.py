"""``aisle-hub db``: care of the database."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from hub.cli.terminal import (
    EXIT_CODES,
    ConfigOption,
    DbOption,
    DryRunOption,
    JsonOption,
    Progress,
    as_json_text,
    chosen,
    failures,
    opened,
)
from hub.store_io.schema import NEWEST, STEPS
from hub.store_io.store import Link
from hub.store_io.upkeep import backup as copy_out
from hub.store_io.upkeep import bring_to
from hub.store_io.upkeep import purge as forget
from hub.store_io.upkeep import restore as copy_in

MB = 1e6

app = typer.Typer(
    help="Care of the database; all but `migrate` beside a running hub.",
    epilog=EXIT_CODES,
    no_args_is_help=True,
)


@app.command(epilog=EXIT_CODES)
def migrate(
    to: Annotated[
        int | None, typer.Option("--to", help="Number of the step; the newest without it.", min=1)
    ] = None,
    lose: Annotated[
        bool, typer.Option("--lose", help="Undo steps even where rows are lost with them.")
    ] = False,
    config: ConfigOption = None,
    db: DbOption = None,
    as_json: JsonOption = False,
) -> None:
    """Do or undo steps of the tables; stop the hub first.

    `run` brings tables up to date by itself. Undoing is for going back to an older program: undo
    with the newer one, then install the older. What only undone tables held is lost, so make a
    backup before; it is refused without --lose.
    """
    with failures():
        taken = chosen(config, db=db)
        with Progress("changing tables") as progress:
            progress()
            changed = bring_to(
                Path(taken.database), step=to or NEWEST, lose=lose, busy_ms=taken.busy_ms
            )
    now = to or NEWEST
    if as_json:
        print(as_json_text({"step": now, "changed": [step.number for step in changed]}))
        return
    for step in changed:
        print(f"{'done' if step.number <= now else 'undone'}  {step.number} {step.name}")
    print(f"the tables are those of step {now} of {NEWEST} ({STEPS[now - 1].name})")


@app.command(epilog=EXIT_CODES)
def backup(
    file: Annotated[Path, typer.Argument(help="The copy to make; does not exist yet.")],
    config: ConfigOption = None,
    db: DbOption = None,
    as_json: JsonOption = False,
) -> None:
    """Copy the database as it is at this instant into one file, beside a running hub."""
    with failures(), opened(config, db, edit=True) as store:
        at = datetime.now(tz=UTC)
        with Progress(f"copying to {file}") as progress:
            made = copy_out(store, file, progress=progress)
        store.write_link(Link("made", str(file), at), name="backup")
    if as_json:
        print(as_json_text(made))
    else:
        print(f"{made.path}: {made.bytes / MB:.1f} MB, {made.releases} releases")


@app.command(epilog=EXIT_CODES)
def restore(
    file: Annotated[Path, typer.Argument(help="Made by `db backup`.")],
    keep: Annotated[
        bool, typer.Option("--keep/--no-keep", help="First copy what is there now beside it.")
    ] = True,
    config: ConfigOption = None,
    db: DbOption = None,
    as_json: JsonOption = False,
) -> None:
    """Put a backup in the database's place, beside a running hub or without one.

    The hub then tells all agents how far it has got, and they send what is newer once more: they
    keep what was acknowledged for 7 days. It is changed whole or not at all.
    """
    with failures():
        taken = chosen(config, db=db)
        with Progress(f"restoring {file}") as progress:
            done = copy_in(
                file,
                Path(taken.database),
                busy_ms=taken.busy_ms,
                keep=keep,
                at=datetime.now(tz=UTC),
                progress=progress,
            )
    if as_json:
        print(as_json_text(done))
        return
    print(f"{taken.database}: {done.backup.releases} releases of {done.backup.path}")
    if done.kept:
        print(f"what was there before is in {done.kept}; delete it when all is well")
    print(f"{done.agents_to_resend} agents are asked for what is newer, when the hub runs")


@app.command(epilog=EXIT_CODES)
def purge(
    dry_run: DryRunOption = False,
    config: ConfigOption = None,
    db: DbOption = None,
    as_json: JsonOption = False,
) -> None:
    """Forget what is older than [retention] in hub.toml allows, beside a running hub.

    Without hub.toml: releases 1,100 days, rejects 90. The file does not shrink: the room is used
    again. Segments and their shares stay.
    """
    with failures():
        taken = chosen(config, db=db)
        with opened(config, db, edit=not dry_run) as store, Progress("forgetting") as progress:
            gone = forget(
                store,
                taken.retention,
                now=datetime.now(tz=UTC),
                dry_run=dry_run,
                progress=progress,
            )
    if as_json:
        print(as_json_text({"dry_run": dry_run, "forgotten": gone}))
        return
    for what, rows in gone.items():
        print(f"{rows}  {what}")
    print(f"{sum(gone.values())} rows {'would be' if dry_run else 'are'} forgotten")
