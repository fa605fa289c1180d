"""Batches of visits to lines of a file."""

from __future__ import annotations

import csv
from typing import Literal, TextIO

import msgspec

from firmware_sim.batch import Batches, rows
from firmware_sim.stories import Stories


def write_visits(
    batches: Batches, *, days: int, form: Literal["csv", "jsonl"], file: TextIO
) -> None:
    """Write day after day.

    Raises:
        OSError: the file cannot be written.
    """
    encode = msgspec.json.Encoder().encode
    for number in range(days):
        columns = batches.day(number)
        if form == "jsonl":
            file.writelines(encode(row).decode() + "\n" for row in rows(columns))
            continue
        lines = csv.DictWriter(file, fieldnames=list(columns), lineterminator="\n")
        if number == 0:
            lines.writeheader()
        lines.writerows(rows(columns))


def write_stories(stories: Stories, *, days: int, file: TextIO) -> None:
    """Write day after day, a visit a line.

    Raises:
        OSError: the file cannot be written.
    """
    encode = msgspec.json.Encoder().encode
    for number in range(days):
        file.writelines(encode(story).decode() + "\n" for story in stories.day(number))
