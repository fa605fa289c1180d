"""The tidy table as CSV and Parquet."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from hub.errors import ConfigError
from hub.reports.tidy import COLUMNS, NUMBERS, Row, values


def write_csv(path: Path, rows: Sequence[Row]) -> None:
    """Write UTF-8 with a line of names; empty where withheld.

    Raises:
        ConfigError: the file cannot be written.
    """
    try:
        path.write_text(csv_text(rows), encoding="utf-8", newline="")
    except OSError as error:
        raise ConfigError(f"--csv {path}: {error.strerror}") from error


def csv_text(rows: Sequence[Row]) -> str:
    """Give the table as CSV with a line of names; empty where withheld."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    writer.writerows(values(row) for row in rows)
    return text.getvalue()


def write_parquet(path: Path, rows: Sequence[Row]) -> None:
    """Write one Parquet file: numbers as double, the rest as text.

    Raises:
        ConfigError: the file cannot be written.
    """
    import pyarrow as pa  # type: ignore[import-untyped] # noqa: PLC0415 - takes half a second, and only Parquet needs it
    import pyarrow.parquet as pq  # type: ignore[import-untyped] # noqa: PLC0415 - the same

    schema = pa.schema(
        [(name, pa.float64() if name in NUMBERS else pa.string()) for name in COLUMNS]
    )
    columns = list(zip(*(values(row) for row in rows), strict=True))
    arrays = [
        pa.array(column, type=field.type) for column, field in zip(columns, schema, strict=True)
    ]
    try:
        pq.write_table(pa.Table.from_arrays(arrays, schema=schema), path)
    except OSError as error:
        raise ConfigError(f"--parquet {path}: {error.strerror or error}") from error
