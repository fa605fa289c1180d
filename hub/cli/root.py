"""All commands under one name."""

from __future__ import annotations

from typing import Annotated

import typer

from hub.cli import agents, codebook, database, overview, rejects, reports, running, segments, web
from hub.cli.terminal import EXIT_CODES

app = typer.Typer(
    name="aisle-hub",
    help="Collect the releases of all stores, tell patterns apart, report to merchandisers.",
    epilog=EXIT_CODES,
    no_args_is_help=True,
    rich_markup_mode=None,
)


def main() -> None:
    """Run the command line."""
    app()


def _print_version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version as installed_version  # noqa: PLC0415 - takes 15 ms

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


for command in (
    running.run,
    overview.status,
    overview.stores,
    overview.doctor,
    reports.patterns,
    reports.report,
    web.web,
):
    app.command(epilog=EXIT_CODES)(command)
for name, group in (
    ("agents", agents.app),
    ("codebook", codebook.app),
    ("rejects", rejects.app),
    ("segments", segments.app),
    ("db", database.app),
):
    app.add_typer(group, name=name)
