"""Where sales come from: a file the point of sale appends to, and HTTP on loopback."""

from __future__ import annotations

import json
import os
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import BinaryIO

from edge.errors import ProtocolError
from edge.rfid.sales import COLUMNS, MOST_LETTERS, OPTIONAL, Lines, Sale, Sales
from edge.rfid.source_io import Source

POLL_S = 0.5
"""How often the file is looked at, and whether the server is to end."""
RETRY_S = 2.0
"""Between attempts at a port that another program has."""
READ_BYTES = 1 << 16
MOST_BODY = 1 << 16
MOST_DIGITS = 9
"""Of a length that is looked at."""
MOST_ROWS = 200
CLIENT_S = 5.0
"""A client that says nothing for so long is let go."""
LOOPBACK = "127.0.0.1"
HOSTS = frozenset([LOOPBACK, "localhost"])


class Till:
    """Takes rows from a file or from HTTP, one at a time; what is wrong is counted, not kept.

    Args:
        sales: checks them.
        sink: takes what was sold.
        now: the scene's milliseconds and the aware instant they stand for.

    Attributes:
        trouble: what was wrong with lines, each kind once: a log that followed each line would
            follow each customer.
    """

    def __init__(
        self,
        sales: Sales,
        *,
        sink: Callable[[list[Sale]], None],
        now: Callable[[], tuple[int, datetime]],
    ) -> None:
        self.trouble = ""
        self._sales = sales
        self._sink = sink
        self._now = now
        self._lock = threading.Lock()
        self._counters: Counter[str] = Counter()

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
                self._counters["lines_rejected"] += 1
                if str(error) not in self.trouble:
                    self.trouble += f"; {error}" if self.trouble else str(error)
                raise
        if sold:
            self._sink(sold)

    def reject(self, count: int) -> None:
        """Count lines that were no rows."""
        self._counters["lines_rejected"] += count

    def counters(self) -> dict[str, int]:
        """Give counts of faults alone; sales are not counted, they are visitors'."""
        return dict(self._counters)


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


class SalesServer(Source):
    """``POST /sales`` on loopback: one JSON object, or an array of them, per request.

    A port that another program has is tried again.

    Args:
        port: 0 for a free one; ``port`` is its number once the server is up.
        till: takes the rows.
        on_crash: takes what ends the thread unforeseen.
    """

    def __init__(
        self, port: int, *, till: Till, on_crash: Callable[[BaseException], None] | None = None
    ) -> None:
        super().__init__("sales port", on_crash=on_crash)
        self.port = port
        self._till = till

    def _keep_open(self) -> None:
        while not self._stop.is_set():
            try:
                server = _Server((LOOPBACK, self.port), _Handler)
            except OSError as error:
                self._is_down(
                    f"sales.port {self.port}: {_reason(error)}; stop the program that has it, or "
                    "choose another port"
                )
                self._stop.wait(RETRY_S)
                continue
            with server:
                server.till = self._till
                self.port = int(server.server_address[1])
                self._is_up()
                while not self._stop.is_set():
                    server.handle_request()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    timeout = POLL_S
    till: Till

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: a client that hangs up is no news, and what it sent is not to be shown."""


class _Handler(BaseHTTPRequestHandler):
    timeout = CLIENT_S
    server: _Server

    def do_POST(self) -> None:
        """Take sales; 204, or an error that names row, column and mend."""
        refused = self._refusal()
        if refused is not None:
            self._answer(*refused)
            return
        try:
            rows = _rows(self._body(int(self.headers["Content-Length"])))
        except ProtocolError as error:
            self.server.till.reject(1)
            self._answer(400, str(error))
            return
        wrong = []
        for number, row in enumerate(rows):
            try:
                self.server.till.take(row)
            except ProtocolError as error:
                wrong.append(f"row {number}: {error}")
        if wrong:
            self._answer(400, "\n".join([*wrong, "the other rows were taken"]))
        else:
            self._answer(204, "")

    def _refusal(self) -> tuple[int, str] | None:
        length = self.headers.get("Content-Length", "")
        host = self.headers.get("Host", "").rsplit(":", 1)[0]
        if self.path != "/sales":
            return 404, "only /sales is here"
        if host not in HOSTS or "Origin" in self.headers:
            return 403, "not for web pages; send it from this machine's point of sale"
        if self.headers.get_content_type() != "application/json":
            return 415, "send Content-Type: application/json"
        if not (length.isascii() and length.isdecimal()):
            return 411, "send Content-Length"
        if len(length) > MOST_DIGITS or int(length) > MOST_BODY:
            return 413, f"send at most {MOST_BODY} bytes at once"
        return None

    def _body(self, length: int) -> bytes:
        with suppress(TimeoutError):
            body = self.rfile.read(length)
            if len(body) == length:
                return body
        raise ProtocolError("the body is shorter than Content-Length says")

    def _answer(self, status: int, text: str) -> None:
        self.send_response(status)
        body = text.encode()
        if status != 204:  # noqa: PLR2004 - No Content has no length
            self.send_header("Content-Type", "text/plain; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Say nothing: requests are sales, and nothing of a visit is logged."""


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
