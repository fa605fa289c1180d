"""Floor positions and item events of other sensors, line by line; ids live in memory only."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast, get_args

from edge.errors import ProtocolError
from edge.rfid.catalogue import gtin14
from edge.rfid.items import EventKind
from edge.vision.tracking import TrackPoint
from wire.codec import FIRST_WINDOW_AT, LAST_AT

POSITION_COLUMNS = ("time", "id", "east", "north")
EVENT_COLUMNS = ("time", "kind", "class", "zone", "item")
MS_FROM, S_FROM = 1e11, 3e8
"""A time from here on is milliseconds, or seconds, since 1970; a smaller one since second 0."""


@dataclass(frozen=True, slots=True)
class ReplayParams:
    """What is believed of a recording.

    Attributes:
        late_ms: a line may be dated so long before an earlier one: sensors send in bundles.
        farthest_m: from the origin; beyond, units are not metres.
    """

    late_ms: int = 5_000
    farthest_m: float = 1_000.0


@dataclass(frozen=True, slots=True)
class Placing:
    """Where a sensor's origin lies on the plan, and how far its x points north of east."""

    east_m: float = 0.0
    north_m: float = 0.0
    turn_deg: float = 0.0

    def floor(self, x_m: float, y_m: float) -> tuple[float, float]:
        """Give a place on the plan."""
        turn = math.radians(self.turn_deg)
        return (
            self.east_m + x_m * math.cos(turn) - y_m * math.sin(turn),
            self.north_m + x_m * math.sin(turn) + y_m * math.cos(turn),
        )


@dataclass(frozen=True, slots=True)
class Told:
    """An item event as the file has it; ``item`` ties events of one item together."""

    at_ms: int
    kind: EventKind
    product_class: str
    zone: str
    item: str


class Positions:
    """Lines of a recording to track points, dated in milliseconds since 1970.

    Lines are CSV with ``time,id,east,north`` (other columns are left out), JSON objects with these
    keys, or JSON pushes of the Xovis shape, ``live_data.frames[].tracked_objects[]`` with
    ``track_id``, ``type``, ``position``; types other than PERSON are left out. Errors never quote
    a line.
    """

    def __init__(
        self,
        *,
        placing: Placing | None = None,
        begins_at: datetime | None = None,
        params: ReplayParams | None = None,
    ) -> None:
        """Begin before the first line.

        Args:
            placing: of the sensor.
            begins_at: aware instant that times of seconds since the beginning count from.
            params: what is believed.
        """
        self._placing = placing or Placing()
        self._begins_at = begins_at
        self._params = params or ReplayParams()
        self._columns: list[str] | None = None
        self._tracks: dict[str, int] = {}
        self._newest_ms: int | None = None

    def feed(self, line: str) -> list[TrackPoint]:
        """Take one line; a header or a blank line gives nothing.

        Raises:
            ProtocolError: what is wrong with it; nothing of it was taken.
        """
        text = line.strip().removeprefix("\ufeff")
        if not text:
            return []
        if text.startswith("{"):
            found = self._json(text)
        elif self._columns is None:
            self._columns = _header(text, needed=POSITION_COLUMNS)
            return []
        else:
            found = [self._point(_row(text, columns=self._columns))]
        for point in found:
            self._newest_ms = max(self._newest_ms or 0, point.scene_ms)
        return found

    def _json(self, text: str) -> list[TrackPoint]:
        try:
            value = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise ProtocolError("not JSON") from error
        if "live_data" not in value:
            return [self._point(value)]
        try:
            return [
                self._point(
                    {
                        "time": frame["time"],
                        "id": one["track_id"],
                        "east": one["position"][0],
                        "north": one["position"][1],
                    }
                )
                for frame in value["live_data"]["frames"]
                for one in frame.get("tracked_objects", ())
                if one.get("type", "PERSON") == "PERSON"
            ]
        except (LookupError, TypeError, AttributeError) as error:
            raise ProtocolError(
                "no push with live_data.frames[].tracked_objects[] of track_id, type, position"
            ) from error

    def _point(self, row: Mapping[str, Any]) -> TrackPoint:
        for name in POSITION_COLUMNS:
            if row.get(name) in (None, ""):
                raise ProtocolError(f"{name} is missing")
        at_ms = instant_ms(row["time"], begins_at=self._begins_at)
        x_m, y_m = (_metres(row[name], name=name) for name in ("east", "north"))
        if max(abs(x_m), abs(y_m)) > self._params.farthest_m:
            raise ProtocolError("the place is over a kilometre away: not metres")
        if self._newest_ms is not None and at_ms < self._newest_ms - self._params.late_ms:
            raise ProtocolError("time goes back; sort the lines by time")
        track = self._tracks.setdefault(str(row["id"]), len(self._tracks))
        return TrackPoint(track, at_ms, *self._placing.floor(x_m, y_m))


class Events:
    """Lines of item events: CSV with ``time,kind,class,zone,item``."""

    def __init__(self, *, zones: frozenset[str], begins_at: datetime | None = None) -> None:
        self._zones = zones
        self._begins_at = begins_at
        self._columns: list[str] | None = None

    def feed(self, line: str) -> list[Told]:
        """Take one line; a header or a blank line gives nothing.

        Raises:
            ProtocolError: what is wrong with it.
        """
        text = line.strip().removeprefix("\ufeff")
        if not text:
            return []
        if self._columns is None:
            self._columns = _header(text, needed=EVENT_COLUMNS)
            return []
        row = _row(text, columns=self._columns)
        if row["kind"] not in get_args(EventKind):
            raise ProtocolError(f"kind is none of {', '.join(get_args(EventKind))}")
        product_class = gtin14(row["class"])
        if product_class is None:
            raise ProtocolError("class is no GTIN with a right check digit")
        if row["zone"] not in self._zones:
            raise ProtocolError("zone is not on the plan")
        return [
            Told(
                instant_ms(row["time"], begins_at=self._begins_at),
                cast("EventKind", row["kind"]),
                product_class,
                row["zone"],
                row["item"],
            )
        ]


def instant_ms(value: object, *, begins_at: datetime | None) -> int:
    """Read a time: ISO with an offset, or a number of (milli)seconds since 1970 or the beginning.

    Returns:
        Milliseconds since 1970.

    Raises:
        ProtocolError: what is wrong with it.
    """
    try:
        number = float(cast("str", value))
    except (TypeError, ValueError, OverflowError):
        return _iso_ms(str(value))
    if not math.isfinite(number) or number < 0:
        raise ProtocolError("time is not within our centuries")
    if number >= MS_FROM:
        return _of_ours(number)
    if number >= S_FROM:
        return _of_ours(1_000 * number)
    if begins_at is None:
        raise ProtocolError("time counts from the beginning; say when that was with --begins-at")
    return _of_ours(1_000 * (begins_at.timestamp() + number))


def _of_ours(at_ms: float) -> int:
    if not 1_000 * FIRST_WINDOW_AT.timestamp() <= at_ms < 1_000 * LAST_AT.timestamp():
        raise ProtocolError("time is not within our centuries")
    return round(at_ms)


def _iso_ms(text: str) -> int:
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise ProtocolError("time is neither a number nor like 2026-03-07T13:00:00.250Z") from error
    if at.tzinfo is None:
        raise ProtocolError("time has no offset from UTC; add Z or +01:00")
    return _of_ours(1_000 * at.timestamp())


def _metres(value: object, *, name: str) -> float:
    try:
        metres = float(cast("str", value))
    except (TypeError, ValueError, OverflowError):
        metres = math.nan
    if not math.isfinite(metres):
        raise ProtocolError(f"{name} is not a number")
    return metres


def _header(text: str, *, needed: tuple[str, ...]) -> list[str]:
    columns = [name.strip().lower() for name in _cells(text)]
    for name in needed:
        if columns.count(name) != 1:
            raise ProtocolError(
                f"the first line must name {','.join(needed)} (with commas), each once"
            )
    return columns


def _row(text: str, *, columns: list[str]) -> dict[str, str]:
    cells = _cells(text)
    if len(cells) != len(columns):
        raise ProtocolError("other columns than in the first line")
    return dict(zip(columns, map(str.strip, cells), strict=True))


def _cells(text: str) -> list[str]:
    try:
        return next(csv.reader([text], strict=True))
    except csv.Error as error:
        raise ProtocolError("quotes are wrong") from error
