"""``aisle-hub codebook``: the vocabulary of visits, here and in the agents."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from hub.cli.terminal import (
    EXIT_CODES,
    ConfigOption,
    DbOption,
    JsonOption,
    OneStoreOption,
    as_json_text,
    failures,
    opened,
    table,
)
from hub.errors import ConfigError, NoDataError
from hub.store_io.configs import ConfigTables, Scope
from hub.store_io.store import Store
from wire.codebook import Codebook, default_codebook
from wire.codec import encode
from wire.errors import WireError
from wire.messages import Config
from wire.topics import Topic

app = typer.Typer(
    help="The vocabulary of visits, here and in the agents.",
    epilog=EXIT_CODES,
    no_args_is_help=True,
)


@app.command(epilog=EXIT_CODES)
def show(
    version: Annotated[
        str | None, typer.Argument(help="One of the list; as JSON it can be published again.")
    ] = None,
    config: ConfigOption = None,
    db: DbOption = None,
    as_json: JsonOption = False,
) -> None:
    """List codebooks and the agents that count by them, or show one."""
    with failures(), opened(config, db) as there:
        books = known(there)
        if version is not None:
            if version not in books:
                raise NoDataError(f"codebook {version!r}: known: {', '.join(books)}")
            print(as_json_text(books[version]) if as_json else _text(books[version]))
            return
        uses = {
            f"{store}/{agent}": metas[-1].codebook.version
            for store in there.stores()
            for agent, metas in there.metas(store).items()
        }
        wanted = {
            f"{store}/{agent}": asked.codebook.version
            for (store, agent), asked in ConfigTables(there).wanted().items()
            if asked.codebook
        }
    if as_json:
        listed = [_line(book) for book in books.values()]
        print(as_json_text({"codebooks": listed, "used": uses, "asked": wanted}))
        return
    rows = [
        (
            book.version,
            str(len(book.cells)),
            str(len(book.scaling)),
            str(sum(used == book.version for used in uses.values())),
            str(sum(asked == book.version for asked in wanted.values())),
            book.source,
        )
        for book in books.values()
    ]
    print(table(("version", "cells", "traits", "used by", "asked of", "made from"), rows))
    for place, asked in wanted.items():
        if uses.get(place) != asked:
            print(f"  {place} counts by {uses.get(place, '?')}, asked for {asked}: not taken yet")


@app.command(epilog=EXIT_CODES)
def publish(  # noqa: PLR0917 - typer passes options by name
    codebook: Annotated[
        str, typer.Argument(metavar="FILE|VERSION", help="A JSON file, or a version of the list.")
    ],
    store: OneStoreOption = None,
    agent: Annotated[str | None, typer.Option("--agent", help="Of this agent only.")] = None,
    config: ConfigOption = None,
    db: DbOption = None,
    as_json: JsonOption = False,
) -> None:
    """Ask agents to count by a codebook from their next trading day on.

    A running hub tells them in seconds, and again whenever it connects. To go back, publish the
    former version.
    """
    with failures(), opened(config, db, edit=True) as there:
        book = _read(codebook, known(there))
        _check_size(book)
        scope = Scope(store or "", agent or "")
        ConfigTables(there).publish(book, scope=scope, at=datetime.now(tz=UTC))
    if as_json:
        print(as_json_text({"scope": scope, "codebook": book.version}))
    else:
        print(f"{scope}: asked to count by {book.version} from the next trading day on")


def known(there: Store) -> dict[str, Codebook]:
    """Give every codebook by version: the one that ships, agents' own, and those published."""
    shipped = default_codebook()
    return {shipped.version: shipped} | there.codebooks() | ConfigTables(there).codebooks()


def _read(name: str, books: dict[str, Codebook]) -> Codebook:
    if name in books:
        return books[name]
    try:
        return msgspec.json.decode(Path(name).read_bytes(), type=Codebook)
    except FileNotFoundError as error:
        raise ConfigError(
            f"{name}: neither a file nor a version; known: {', '.join(books)}"
        ) from error
    except OSError as error:
        raise ConfigError(f"{name}: {error.strerror}") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{name}: no codebook: {error}") from error


def _check_size(book: Codebook) -> None:
    longest = "x" * 32
    topic = Topic(longest, longest, "config")
    try:
        encode(topic, Config(book, 1 / 3), event_id="0" * 16, time=datetime.now(tz=UTC))
    except WireError as error:
        raise ConfigError(
            f"codebook {book.version}: {error}; use fewer cells or traits, or fewer digits"
        ) from error


def _line(book: Codebook) -> dict[str, object]:
    return {
        "version": book.version,
        "cells": len(book.cells),
        "traits": [scaling.trait for scaling in book.scaling],
        "source": book.source,
    }


def _text(book: Codebook) -> str:
    traits = [scaling.trait for scaling in book.scaling]
    rows = [
        (
            str(number),
            *(f"{x:.2f}" for x in cell.prototype),
            *(f"{100 * share:.0f} %" for share in cell.patterns.values()),
        )
        for number, cell in enumerate(book.cells)
    ]
    heads = ("cell", *traits, *(book.cells[0].patterns))
    return f"{book.version}: {book.source}\n\n{table(heads, rows)}"
