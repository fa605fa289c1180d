"""Floor positions and item events of other sensors, line by line; ids live in memory only."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast, get_args

from edge.errors import ProtocolError
from edge.rfid.catalogue import gtin14
from edge.rfid.items import EventKind
from edge.vision.tracking import TrackEnd, TrackPoint
from wire.codec import FIRST_WINDOW_AT, LAST_AT

POSITION_COLUMNS = ("time", "id", "east", "north")
EVENT_COLUMNS = ("time", "kind", "class", "zone", "item")
MOST_LETTERS = 64
"""Of an id."""
MS_FROM, S_FROM = 1e11, 3e8
"""A time from here on is milliseconds, or seconds, since 1970; a smaller one since second 0."""


@dataclass(frozen=True, slots=True)
class ReplayParams:
    """What is believed of another sensor.

    Attributes:
        late_ms: a line may be dated so long before an earlier one, or before now where it comes
            live: sensors send in bundles.
        early_ms: live, so long after now: two clocks kept by NTP, and rounding.
        farthest_m: from the origin; beyond, units are not metres.
        quiet_ms: an id without a position for so long was lost. Sooner than a new one is judged
            (``RejoinParams.decide_ms``), or it could not be found to continue a lost one.
        forget_ms: and after so long it is forgotten; longer than its visit is held.
        most_ids: within ``forget_ms``; far more than a floor holds.
    """

    late_ms: int = 5_000
    early_ms: int = 2_000
    farthest_m: float = 1_000.0
    quiet_ms: int = 5_000
    forget_ms: int = 60_000
    most_ids: int = 1_000


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


@dataclass(slots=True)
class _Followed:
    """What is remembered of an id."""

    track: int
    last_ms: int
    lost: bool = False


class Positions:
    """Lines of another sensor to track points and ends, dated in milliseconds since 1970.

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
        self._ids: dict[str, _Followed] = {}
        self._next = 0
        self._newest_ms: int | None = None
        self._swept_ms = 0

    def feed(self, line: str) -> list[TrackPoint | TrackEnd]:
        """Take one line; a header or a blank line gives nothing.

        Raises:
            ProtocolError: what is wrong with it; nothing of it was taken.
        """
        text = line.strip().removeprefix("\ufeff")
        if not text:
            return []
        if text.startswith("{"):
            return self.take(decoded(text))
        if self._columns is None:
            self._columns = _header(text, needed=POSITION_COLUMNS)
            return []
        return self._followed([_row(text, columns=self._columns)], heard_ms=None)

    def take(self, value: object, *, heard_ms: int | None = None) -> list[TrackPoint | TrackEnd]:
        """Take what a line of JSON says: a position, or a push of the Xovis shape.

        Args:
            value: decoded.
            heard_ms: when it came, live; a recording's lines are dated by each other alone.

        Raises:
            ProtocolError: what is wrong with it; nothing of it was taken.
        """
        if not isinstance(value, dict):
            raise ProtocolError("neither a position nor a push: no JSON object")
        if "live_data" not in value:
            return self._followed([value], heard_ms=heard_ms)
        try:
            rows = [
                {
                    "time": frame["time"],
                    "id": one["track_id"],
                    "east": one["position"][0],
                    "north": one["position"][1],
                }
                for frame in value["live_data"]["frames"]
                for one in frame.get("tracked_objects", ())
                if one.get("type", "PERSON") == "PERSON"
            ]
        except (LookupError, TypeError, AttributeError) as error:
            raise ProtocolError(
                "no push with live_data.frames[].tracked_objects[] of track_id, type, position"
            ) from error
        return self._followed(rows, heard_ms=heard_ms)

    def advance(self, now_ms: int) -> list[TrackPoint | TrackEnd]:
        """Let time pass: ids that are not told of any more are lost, then forgotten."""
        if abs(now_ms - self._swept_ms) < 1_000:  # noqa: PLR2004 - not for every line
            return []
        self._swept_ms = now_ms
        limits, ends = self._params, list[TrackPoint | TrackEnd]()
        for name, one in list(self._ids.items()):
            quiet_ms = abs(now_ms - one.last_ms)  # a live clock may have been put back
            if quiet_ms > limits.quiet_ms and not one.lost:
                one.lost = True
                ends.append(TrackEnd(one.track, one.last_ms))
            if quiet_ms > limits.forget_ms:
                del self._ids[name]
        return ends

    def _followed(
        self, rows: Sequence[Mapping[str, Any]], *, heard_ms: int | None
    ) -> list[TrackPoint | TrackEnd]:
        """Check all rows, then follow their ids."""
        placed = [
            (str(row["id"]), *self._placed(row, heard_ms=heard_ms)) for row in map(_full, rows)
        ]
        new = {name for name, *_ in placed} - self._ids.keys()
        if len(new) + len(self._ids) > self._params.most_ids:
            raise ProtocolError("too many ids within a minute; one must stay with a person")
        points = list[TrackPoint | TrackEnd]()
        for name, at_ms, east_m, north_m in placed:
            one = self._ids.get(name)
            if one is None:
                one = self._ids[name] = _Followed(self._next, at_ms)
                self._next += 1
            one.last_ms, one.lost = max(one.last_ms, at_ms), False
            points.append(TrackPoint(one.track, at_ms, east_m, north_m))
            self._newest_ms = max(self._newest_ms or 0, at_ms)
        return points + self.advance((self._newest_ms or 0) if heard_ms is None else heard_ms)

    def _placed(self, row: Mapping[str, Any], *, heard_ms: int | None) -> tuple[int, float, float]:
        at_ms = instant_ms(row["time"], begins_at=self._begins_at)
        x_m, y_m = (_metres(row[name], name=name) for name in ("east", "north"))
        if max(abs(x_m), abs(y_m)) > self._params.farthest_m:
            raise ProtocolError("the place is over a kilometre away: not metres")
        self._check_time(at_ms, heard_ms=heard_ms)
        return (at_ms, *self._placing.floor(x_m, y_m))

    def _check_time(self, at_ms: int, *, heard_ms: int | None) -> None:
        limits = self._params
        if heard_ms is not None and not -limits.late_ms <= at_ms - heard_ms <= limits.early_ms:
            raise ProtocolError(
                f"time is over {limits.late_ms / 1_000:g} s ago or {limits.early_ms / 1_000:g} s "
                "ahead of this box's clock; keep both by NTP, and send at once"
            )
        newest_ms = self._newest_ms if heard_ms is None else None
        if newest_ms is not None and at_ms < newest_ms - limits.late_ms:
            raise ProtocolError("time goes back; sort the lines by time")


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


def decoded(text: str) -> object:
    """Decode JSON.

    Raises:
        ProtocolError: it is none.
    """
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ProtocolError("not JSON") from error


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
        raise ProtocolError(
            "time counts from a beginning; write milliseconds since 1970 or like "
            "2026-03-07T13:00:00.250Z, or of a recording say with --begins-at when that was"
        )
    return _of_ours(1_000 * (begins_at.timestamp() + number))


def _full(row: Mapping[str, Any]) -> Mapping[str, Any]:
    for name in POSITION_COLUMNS:
        if row.get(name) in (None, ""):
            raise ProtocolError(f"{name} is missing")
    if len(str(row["id"])) > MOST_LETTERS:
        raise ProtocolError(f"id has over {MOST_LETTERS} letters")
    return row


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
