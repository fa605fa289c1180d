"""Where sales come from: a file the point of sale appends to, and HTTP on loopback."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from edge.complaints import Complaints
from edge.errors import ProtocolError
from edge.posts_io import PostRules, PostServer
from edge.rfid.sales import COLUMNS, MOST_LETTERS, OPTIONAL, Lines, Sale, Sales
from edge.rfid.source_io import Source

POLL_S = 0.5
"""How often the file is looked at."""
READ_BYTES = 1 << 16
MOST_BODY = 1 << 16
MOST_ROWS = 200
NO_ROW = "something was sent that is no row of the columns named; look at how it is written"


class Till:
    """Takes rows from a file or from HTTP, one at a time; what is wrong is not kept.

    Args:
        sales: checks them.
        sink: takes what was sold.
        now: the scene's milliseconds and the aware instant they stand for.

    Attributes:
        rejected: lines that were wrong; how many follows the customers, so for tests alone.
    """

    def __init__(
        self,
        sales: Sales,
        *,
        sink: Callable[[list[Sale]], None],
        now: Callable[[], tuple[int, datetime]],
    ) -> None:
        self._sales = sales
        self._sink = sink
        self._now = now
        self._lock = threading.Lock()
        self.rejected = 0
        self._complaints = Complaints()

    @property
    def trouble(self) -> str:
        """What was wrong with lines; a log that followed each line would follow each customer."""
        with self._lock:
            return self._complaints.told(self._now()[0])

    def take(self, row: dict[str, str]) -> None:
        """Take one row.

        Raises:
            ProtocolError: it is wrong; names the column, never quotes it.
        """
        with self._lock:
            now_ms, now = self._now()
            try:
                sold = self._sales.feed(row, now=now, now_ms=now_ms)
            except ProtocolError as error:
                self.rejected += 1
                self._complaints.feed(str(error), now_ms=now_ms)
                raise
        if sold:
            self._sink(sold)

    def reject(self, count: int) -> None:
        """Count lines that were no rows."""
        with self._lock:
            self.rejected += count
            if count:
                self._complaints.feed(NO_ROW, now_ms=self._now()[0])


class SalesFile(Source):
    """A file that is appended to, followed in a thread of its own from its present end.

    It may be moved away and begun anew, or cut to nothing; what it held before is not read again.
    Its folder has to be there; that the file comes with the first sale is no fault, and not told.

    Args:
        path: where; it need not be there yet.
        till: takes the rows.
        on_crash: takes what ends the thread unforeseen.
    """

    def __init__(
        self, path: Path, *, till: Till, on_crash: Callable[[BaseException], None] | None = None
    ) -> None:
        super().__init__("sales file", on_crash=on_crash)
        self._path = path
        self._till = till

    def _keep_open(self) -> None:
        """Follow one file after the other; only the first one has old sales in it."""
        from_end = True
        while not self._stop.is_set():
            try:
                with self._path.open("rb") as file:
                    self._follow(file, from_end=from_end)
                from_end = False
            except FileNotFoundError:
                from_end = False
                if self._path.parent.is_dir():
                    self._is_up()  # a state that turned with the day's first sale would tell of it
                else:
                    self._is_down(f"{self._path.parent} is not there; mount it, or name another")
            except (OSError, ProtocolError) as error:
                self._is_down(f"{self._path}: {_reason(error)}")
            self._stop.wait(POLL_S)

    def _follow(self, file: BinaryIO, *, from_end: bool) -> None:
        """Read what is appended, until another file has this one's place."""
        lines = Lines()
        if from_end:
            header = file.readline(Lines.MOST_BYTES)
            if header.endswith(b"\n"):
                lines = Lines(header)
                _to_line_end(file)
            else:
                file.seek(0)
        self._is_up()
        rejected = 0
        while not self._stop.is_set():
            replaced = self._is_replaced(file)  # asked first: what was written before is read
            while data := file.read(READ_BYTES):
                for row in lines.feed(data):
                    with suppress(ProtocolError):  # counted and told by the till
                        self._till.take(row)
            self._till.reject(lines.rejected - rejected)
            rejected = lines.rejected
            if replaced:
                return
            self._stop.wait(POLL_S)

    def _is_replaced(self, file: BinaryIO) -> bool:
        """Tell whether the path names another file by now, or this one was cut."""
        try:
            there = self._path.stat()
        except FileNotFoundError:
            return False  # moved away; the new one is not there yet
        here = os.fstat(file.fileno())
        same = os.path.samestat(here, there)
        return not same or there.st_size < file.tell()


class SalesServer(PostServer):
    """``POST /sales`` on loopback: one JSON object, or an array of them, per request.

    Args:
        port: 0 for a free one.
        till: takes the rows.
        on_crash: takes what ends the thread unforeseen.
    """

    def __init__(
        self, port: int, *, till: Till, on_crash: Callable[[BaseException], None] | None = None
    ) -> None:
        super().__init__(
            "sales port",
            address=("127.0.0.1", port),
            rules=PostRules("/sales", ("application/json",), MOST_BODY, "sales.port"),
            take=lambda body, _: _taken(body, till=till),
            on_crash=on_crash,
        )


def _taken(body: bytes, *, till: Till) -> list[str]:
    """Take a request's rows; name those that are wrong.

    Raises:
        ProtocolError: it has no rows.
    """
    try:
        rows = _rows(body)
    except ProtocolError:
        till.reject(1)
        raise
    wrong = []
    for number, row in enumerate(rows):
        try:
            till.take(row)
        except ProtocolError as error:
            wrong.append(f"row {number}: {error}")
    return [*wrong, "the other rows were taken"] if wrong else []


def _rows(body: bytes) -> Sequence[dict[str, str]]:
    """Read a request's rows; numbers may be numbers."""
    try:
        sent = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise ProtocolError("the body is no JSON; send an object or an array of them") from error
    rows = sent if isinstance(sent, list) else [sent]
    if not 1 <= len(rows) <= MOST_ROWS:
        raise ProtocolError(f"send 1 to {MOST_ROWS} rows at once")
    for number, row in enumerate(rows):
        if not isinstance(row, dict) or set(row) - {OPTIONAL} != set(COLUMNS):
            raise ProtocolError(
                f"row {number} must have {', '.join(COLUMNS)}, perhaps {OPTIONAL}, nothing else"
            )
        if not all(isinstance(value, str | int) for value in row.values()):
            raise ProtocolError(f"row {number} has a value that is neither text nor whole number")
        if any(len(str(value)) > MOST_LETTERS for value in row.values()):
            raise ProtocolError(f"row {number} has a value of over {MOST_LETTERS} letters")
    return [{name: str(value) for name, value in row.items()} for row in rows]


def _to_line_end(file: BinaryIO) -> None:
    """Go to the last line's beginning if it is still being written, else to the end."""
    end = file.seek(0, 2)
    start = max(0, end - Lines.MOST_BYTES)
    file.seek(start)
    tail = file.read(end - start)
    file.seek(start + tail.rfind(b"\n") + 1)


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)
