"""Lines of the point of sale: which class was sold when at which till; kept only until matched."""

from __future__ import annotations

import csv
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from edge.errors import ProtocolError
from edge.rfid.catalogue import gtin14

COLUMNS = ("time", "till", "class", "quantity")
OPTIONAL = "line"
"""A receipt's line number or any other word that makes a line unlike every other."""
MOST_LETTERS = 64


@dataclass(frozen=True, slots=True)
class Sale:
    """What one line says, in the scene's time.

    Attributes:
        scene_ms: when it was scanned or paid.
        zone: of the till.
        product_class: GTIN-14.
        quantity: at least 1.
    """

    scene_ms: int
    zone: str
    product_class: str
    quantity: int


@dataclass(frozen=True, slots=True)
class SaleParams:
    """What is believed of a point of sale.

    Attributes:
        early_s: a line may be dated so far ahead: two clocks kept by NTP, and rounding.
        late_s: and arrive so late. Visits are held for 15 s after they end, so what comes later
            finds nobody any more.
        again_s: a line that repeats another within this time is a duplicate.
        most_seen: lines that are remembered for this, some 12 MB: 20 tills with a line a second
            each. Beyond, the oldest is forgotten, and would count again.
        most_quantity: of one line; above, a price or a code has slipped into the column.
    """

    early_s: float = 5.0
    late_s: float = 120.0
    again_s: float = 900.0
    most_seen: int = 20_000
    most_quantity: int = 99


class Sales:
    """Lines to sales: checked, dated, without duplicates. Errors never quote a line.

    Args:
        tills: what the point of sale calls a till → its zone.
        params: what is believed.
    """

    def __init__(self, tills: Mapping[str, str], *, params: SaleParams | None = None) -> None:
        self._tills = dict(tills)
        self._params = params or SaleParams()
        self._seen: OrderedDict[tuple[str, ...], datetime] = OrderedDict()

    def feed(self, row: Mapping[str, str], *, now: datetime, now_ms: int) -> list[Sale]:
        """Take one line; a duplicate gives nothing.

        Args:
            row: ``time,till,class,quantity`` and perhaps ``line``.
            now: the same aware instant as ``now_ms``.
            now_ms: scene time.

        Raises:
            ProtocolError: names the column and the mend.
        """
        at = self._instant(row["time"], now=now)
        zone = self._tills.get(row["till"].strip())
        if zone is None:
            raise ProtocolError(
                "till is not in the configuration; name every till of the point of sale in "
                f"[sales.tills], which has {', '.join(sorted(self._tills)) or 'none'}"
            )
        product_class = gtin14(row["class"].strip())
        if product_class is None:
            raise ProtocolError("class is no GTIN with a right check digit; send the scanned code")
        quantity = row["quantity"].strip()
        if not (quantity.isascii() and quantity.isdecimal()) or not (
            1 <= int(quantity) <= self._params.most_quantity
        ):
            raise ProtocolError(
                f"quantity is no whole number from 1 to {self._params.most_quantity}; returns are "
                "not sales, leave them out"
            )
        key = (at.isoformat(), zone, product_class, quantity, row.get(OPTIONAL, "").strip())
        if self._is_again(key, now=now):
            return []
        ago_ms = round((now - at).total_seconds() * 1000)
        return [Sale(now_ms - ago_ms, zone, product_class, int(quantity))]

    def _instant(self, text: str, *, now: datetime) -> datetime:
        try:
            at = datetime.fromisoformat(text.strip())
        except ValueError as error:
            raise ProtocolError("time is no instant; write 2026-03-07T15:04:05+01:00") from error
        if at.tzinfo is None:
            raise ProtocolError("time has no offset; write 2026-03-07T15:04:05+01:00")
        if at > now + timedelta(seconds=self._params.early_s):
            raise ProtocolError(
                "time lies ahead of this box's clock; keep both by NTP, and check the offset"
            )
        if at < now - timedelta(seconds=self._params.late_s):
            raise ProtocolError(
                f"time is over {self._params.late_s:g} s ago; keep both clocks by NTP, check the "
                "offset, and send lines at once"
            )
        return at

    def _is_again(self, key: tuple[str, ...], *, now: datetime) -> bool:
        oldest = now - timedelta(seconds=self._params.again_s)
        while self._seen and next(iter(self._seen.values())) < oldest:
            self._seen.popitem(last=False)
        if key in self._seen:
            return True
        self._seen[key] = now
        if len(self._seen) > self._params.most_seen:
            self._seen.popitem(last=False)
        return False


class Lines:
    """Bytes of a file that is appended to, to rows; the file's first line names the columns.

    Args:
        header: the first line, where reading begins behind it.

    Raises:
        ProtocolError: the header is wrong.
    """

    MOST_BYTES = 4096

    def __init__(self, header: bytes | None = None) -> None:
        self.rejected = 0
        self._rest = b""
        self._columns: list[str] | None = None if header is None else _columns(header)

    def feed(self, data: bytes) -> list[dict[str, str]]:
        """Take what was appended; half a line waits for its other half.

        Raises:
            ProtocolError: the first line does not name the columns.
        """
        *lines, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > self.MOST_BYTES:
            self._rest = b""
            self.rejected += 1
        rows = []
        for line in lines:
            if not line.strip():
                continue
            if self._columns is None:
                self._columns = _columns(line)
                continue
            row = _row(line, columns=self._columns)
            if row is None:
                self.rejected += 1
            elif list(row.values()) != self._columns:  # a header in the middle is no line
                rows.append(row)
        return rows


def _columns(line: bytes) -> list[str]:
    names = [name.strip().lower() for name in line.decode("utf-8-sig", errors="replace").split(",")]
    if any(names.count(name) != 1 for name in COLUMNS) or set(names) - {*COLUMNS, OPTIONAL}:
        raise ProtocolError(
            f"the first line must be {','.join(COLUMNS)}, perhaps with {OPTIONAL}; write it so, "
            "with commas"
        )
    return names


def _row(line: bytes, *, columns: list[str]) -> dict[str, str] | None:
    try:
        values = next(csv.reader([line.decode("utf-8").rstrip("\r")], strict=True), [])
    except (UnicodeDecodeError, csv.Error):
        return None
    if len(values) != len(columns) or any(len(value) > MOST_LETTERS for value in values):
        return None
    return dict(zip(columns, values, strict=True))
