"""What all commands share: options, exit codes, JSON, progress, and how a failure is told."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Annotated, Any, Self

import msgspec
import typer

from hub.config import HubConfig, read_config
from hub.errors import ConfigError, HubError, NoDataError, StoreError
from hub.store_io.store import Store

EXIT_CODES = (
    "Exit codes: 0 done; 1 a bug; 2 hub.toml or an option is wrong; "
    "3 nothing is stored for what was asked; 4 the database refused; "
    "5 `doctor` found something that fails; 130 Ctrl-C. "
    "`run` ends with 0 when it is told to stop (Ctrl-C, SIGTERM)."
)
WRONG = 2
FAILURES: tuple[tuple[type[HubError], int], ...] = (
    (ConfigError, WRONG),
    (NoDataError, 3),
    (StoreError, 4),
)
UNWELL = 5
INTERRUPTED = 130
SHOW_AFTER_S = 1.0
SHOW_EVERY_S = 0.2
SAY_EVERY_S = 10.0
"""Where the terminal is a file: a line now and then."""

ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config", envvar="AISLE_HUB_CONFIG", help="hub.toml; without it the defaults hold."
    ),
]
DbOption = Annotated[
    Path | None, typer.Option("--db", help="The database file; default aisle-hub.db.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
StoreOption = Annotated[str, typer.Option("--store", help="Name of the store.")]
OneStoreOption = Annotated[str | None, typer.Option("--store", help="Of this store only.")]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")]


@contextmanager
def failures() -> Iterator[None]:
    """Tell what went wrong in one line, and end with its exit code."""
    try:
        yield
    except HubError as error:
        print(f"aisle-hub: {error}", file=sys.stderr)
        raise typer.Exit(next(c for kind, c in FAILURES if isinstance(error, kind))) from error
    except KeyboardInterrupt:
        print("aisle-hub: stopped", file=sys.stderr)
        raise typer.Exit(INTERRUPTED) from None


class Progress:
    """One line on stderr for what takes more than a second; gone when it is done."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._begun_s = time.monotonic()
        self._next_s = self._begun_s + SHOW_AFTER_S
        self._shown = False

    def __call__(self, done: int = 0, total: int = 0) -> None:
        """Show how much of how much is done; without a total, that it goes on."""
        now_s = time.monotonic()
        if now_s < self._next_s:
            return
        live = sys.stderr.isatty()
        self._next_s = now_s + (SHOW_EVERY_S if live else SAY_EVERY_S)
        part = f"{100 * done // total} %, " if total else ""
        line = f"{self._what} … {part}{now_s - self._begun_s:.0f} s"
        print(f"\r{line}\x1b[K" if live else line, end="" if live else "\n", file=sys.stderr)
        sys.stderr.flush()
        self._shown = live

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _e: BaseException | None, _t: TracebackType | None
    ) -> None:
        if self._shown:
            print("\r\x1b[K", end="", file=sys.stderr)


def chosen(
    path: Path | None, *, db: Path | None, broker: dict[str, Any] | None = None
) -> HubConfig:
    """Give hub.toml under the options that were given.

    Raises:
        ConfigError: either is wrong.
    """
    config = read_config(path)
    given = {key: value for key, value in (broker or {}).items() if value is not None}
    if db is not None:
        config = msgspec.structs.replace(config, database=str(db))
    merged = msgspec.to_builtins(config.broker) | given
    try:
        return msgspec.structs.replace(
            config, broker=msgspec.convert(merged, type=type(config.broker))
        )
    except msgspec.ValidationError as error:
        raise ConfigError(f"broker options: {error}") from error


def opened(path: Path | None, db: Path | None, *, edit: bool = False) -> Store:
    """Open the chosen database, for reading unless ``edit``."""
    config = chosen(path, db=db)
    way = Store.edit if edit else Store.open
    return way(Path(config.database), busy_ms=config.busy_ms)


def as_json_text(value: Any) -> str:  # noqa: ANN401 - whatever msgspec encodes
    """Spell a value as JSON for people and programs."""
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode()


def table(heads: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """Align columns.

    >>> print(table(("store", "n"), [("berlin-1", "2")]))
    store     n
    berlin-1  2
    """
    widths = [max(len(row[column]) for row in [heads, *rows]) for column in range(len(heads))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in [heads, *rows]
    )
