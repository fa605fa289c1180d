"""What is known of an hour: the calendar, the store, and what CSV files or services tell of it."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Annotated, Any, Literal

import msgspec

from hub.errors import ConfigError
from hub.segments.rules import Value
from wire.messages import Name

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
RESERVED = ("pattern", "trait", "tag", "context", "store")
Word = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_]{0,31}$")]


class SourceConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One source of context.

    Attributes:
        name: by which rules call it: ``weather.rain_mm``.
        kind: ``readings`` has a ``date`` and perhaps an ``hour`` (local) in each row, and what no
            row tells is unknown; ``periods`` has ``from`` and ``to`` (dates, both included), and
            outside of them ``active`` is false and the rest is empty. Either may have ``store``.
        csv: path, from the folder of ``context.toml``.
        url: of CSV, or of JSON: a list of objects.
    """

    name: Word
    kind: Literal["readings", "periods"]
    csv: str = ""
    url: str = ""

    def __post_init__(self) -> None:
        """Refuse a source without exactly one origin."""
        if bool(self.csv) == bool(self.url):
            raise ValueError(f"source {self.name}: give csv or url, one of them")
        if self.name in RESERVED:
            raise ValueError(f"source {self.name}: that name is taken")


class ContextConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``context.toml``.

    Attributes:
        stores: attributes by store, which rules call ``store.format``.
    """

    stores: dict[Name, dict[Word, float | str | bool]] = {}
    source: tuple[SourceConfig, ...] = ()


@dataclass(frozen=True, slots=True)
class Source:
    """What one source tells.

    Attributes:
        columns: its names and what they are.
        rows: by (store or "", local date, hour or -1).
        outside: what the columns of periods are between them: false, "" or 0.0.
    """

    name: str
    kind: str
    columns: tuple[str, ...]
    rows: Mapping[tuple[str, date, int], Mapping[str, Value]]
    outside: Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Everything that is known beside the releases."""

    stores: Mapping[str, Mapping[str, Value]]
    sources: tuple[Source, ...] = ()


def parse_context(text: str, *, path: str) -> ContextConfig:
    """Read ``context.toml``.

    Raises:
        ConfigError: names path and key.
    """
    try:
        return msgspec.toml.decode(text, type=ContextConfig)
    except msgspec.DecodeError as error:
        raise ConfigError(f"{path}: {error}") from error


def parse_source(body: str, *, config: SourceConfig) -> Source:
    """Read a source's CSV or JSON.

    Raises:
        ConfigError: names source, row and column.
    """
    table = _json_rows(body, config=config) if body.lstrip()[:1] == "[" else _csv_rows(body)
    keys = ("from", "to") if config.kind == "periods" else ("date",)
    columns = list(dict.fromkeys(name for row in table for name in row))
    for key in keys:
        if table and key not in columns:
            raise ConfigError(
                f"source {config.name}: no column {key!r}; there are {', '.join(columns)}"
            )
    told = [name for name in columns if name not in {*keys, "store", "hour"}]
    typed = {name: _typed([row.get(name, "") for row in table]) for name in told}
    rows: dict[tuple[str, date, int], dict[str, Value]] = {}
    for number, row in enumerate(table):
        values = {n: typed[n][number] for n in told if row.get(n, "") != ""}
        try:
            for when in _when(row, kind=config.kind):
                rows.setdefault(when, {}).update(values)
        except ValueError as error:
            raise ConfigError(f"source {config.name}: row {number + 1}: {error}") from error
    if config.kind == "periods":
        rows = {key: {**values, "active": True} for key, values in rows.items()}
        told = [*told, "active"]
        typed["active"] = [True]
    outside = {name: _nothing(typed[name]) for name in told}
    return Source(config.name, config.kind, tuple(told), rows, outside)


def values_at(
    at: datetime | date, *, store: str, daypart: str | None, surroundings: Surroundings
) -> dict[str, Value]:
    """Tell all that is known of an hour of a store, or of a whole day.

    Args:
        at: the hour's beginning in the store's zone, or the day; then what differs by the hour is
            not known.
        store: whose.
        daypart: its name; None for a day.
        surroundings: what is known beside the releases.
    """
    hour = at.hour if isinstance(at, datetime) else None
    day = at.date() if isinstance(at, datetime) else at
    values: dict[str, Value] = {
        "context.weekday": WEEKDAYS[day.weekday()],
        "context.date": day.isoformat(),
        "context.month": day.month,
        "store.name": store,
    }
    if hour is not None:
        values["context.hour"] = hour
    if daypart is not None:
        values["context.daypart"] = daypart
    for name, value in surroundings.stores.get(store, {}).items():
        values[f"store.{name}"] = value
    for source in surroundings.sources:
        if source.kind == "periods":
            for name in source.columns:
                values[f"{source.name}.{name}"] = source.outside[name]
        keys = [(whose, day, -1) for whose in ("", store)]
        if hour is not None:
            keys += [(whose, day, hour) for whose in ("", store)]
        for key in keys:
            for name, value in source.rows.get(key, {}).items():
                values[f"{source.name}.{name}"] = value
    return values


def _when(row: Mapping[str, str], *, kind: str) -> list[tuple[str, date, int]]:
    store = row.get("store", "")
    if kind == "readings":
        hour = row.get("hour", "")
        return [(store, date.fromisoformat(row["date"]), int(float(hour)) if hour else -1)]
    first, last = date.fromisoformat(row["from"]), date.fromisoformat(row["to"])
    if last < first:
        raise ValueError(f"it ends on {last}, before it begins on {first}")
    return [(store, first + timedelta(days=n), -1) for n in range((last - first).days + 1)]


def _csv_rows(body: str) -> list[dict[str, str]]:
    reader = csv.DictReader(io.StringIO(body), restkey="", restval="")
    return [
        {name.strip(): str(cell).strip() for name, cell in row.items() if name} for row in reader
    ]


def _json_rows(body: str, *, config: SourceConfig) -> list[dict[str, str]]:
    try:
        rows = msgspec.json.decode(body, type=list[dict[str, Any]])
    except msgspec.DecodeError as error:
        raise ConfigError(f"source {config.name}: no list of objects: {error}") from error
    return [
        {
            name: "" if cell is None else str(cell).lower() if isinstance(cell, bool) else str(cell)
            for name, cell in row.items()
        }
        for row in rows
    ]


def _nothing(values: Sequence[Value]) -> Value:
    first = values[0] if values else ""
    return False if isinstance(first, bool) else 0.0 if isinstance(first, float) else ""


def _typed(cells: Sequence[str]) -> list[Value]:
    """Read a column as truths or numbers where every cell that is filled is one, else as text."""
    filled = {cell.lower() for cell in cells if cell}
    if filled and filled <= {"true", "false"}:
        return [cell.lower() == "true" for cell in cells]
    try:
        return [float(cell) if cell else 0.0 for cell in cells]
    except ValueError:
        return list(cells)
