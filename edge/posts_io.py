"""What other programs send by HTTP: bodies posted to one path, each answered in words."""

from __future__ import annotations

import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address

from edge.errors import ProtocolError
from edge.rfid.source_io import Source

POLL_S = 0.5
"""How often the server looks whether it is to end."""
RETRY_S = 2.0
"""Between attempts at a port that another program has."""
CLIENT_S = 5.0
"""A client that says nothing for so long is let go."""
MOST_DIGITS = 9
"""Of a length that is looked at."""
MOST_DRAINED = 1 << 23
"""Bytes of a refused body that are read and dropped."""
LOOPBACK = frozenset(["127.0.0.1", "::1"])
HOSTS = frozenset([*LOOPBACK, "localhost"])


@dataclass(frozen=True, slots=True)
class PostRules:
    """What is let in.

    Attributes:
        path: the only one there is.
        kinds: content types.
        most_bytes: of a body.
        senders: addresses that may send; this machine alone by default.
        setting: what the port is called where it is chosen.
    """

    path: str
    kinds: tuple[str, ...]
    most_bytes: int
    setting: str
    senders: frozenset[str] = LOOPBACK


class PostServer(Source):
    """Takes bodies on one address; a port that another program has is tried again.

    Args:
        name: for people.
        address: to listen on, and the port; 0 for a free one.
        rules: what is let in.
        take: takes a body and its content type; gives what is wrong with parts of it that were
            left out, and raises ProtocolError where all of it was.
        on_stranger: told that somebody who may not send has tried to.
        on_crash: takes what ends the thread unforeseen.

    Attributes:
        port: its number once the server is up.
    """

    def __init__(
        self,
        name: str,
        *,
        address: tuple[str, int],
        rules: PostRules,
        take: Callable[[bytes, str], list[str]],
        on_stranger: Callable[[], None] | None = None,
        on_crash: Callable[[BaseException], None] | None = None,
    ) -> None:
        super().__init__(name, on_crash=on_crash)
        self.host, self.port = address
        self.rules = rules
        self.take = take
        self.on_stranger = on_stranger or (lambda: None)

    def _keep_open(self) -> None:
        while not self._stop.is_set():
            try:
                server = _Server(self)
            except OSError as error:
                self._is_down(
                    f"{self.rules.setting} {self.port}: {error.strerror or error}; stop the "
                    "program that has it, or choose another"
                )
                self._stop.wait(RETRY_S)
                continue
            with server:
                self.port = int(server.server_address[1])
                self._is_up()
                while not self._stop.is_set():
                    server.handle_request()
                    self._turn()

    def _turn(self) -> None:
        """Do what is to be done now and then, whether or not something came."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    timeout = POLL_S

    def __init__(self, source: PostServer) -> None:
        self.source = source
        six = ip_address(source.host).version == 6  # noqa: PLR2004 - IPv6
        self.address_family = socket.AF_INET6 if six else socket.AF_INET
        super().__init__((source.host, source.port), _Handler)

    def verify_request(self, _request: object, client_address: tuple[str, ...]) -> bool:
        """Let nobody in whom we were not told of; not even to be answered."""
        known = client_address[0].removeprefix("::ffff:") in self.source.rules.senders
        if not known:
            self.source.on_stranger()
        return known

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: a client that hangs up is no news, and what it sent is not to be shown."""


class _Handler(BaseHTTPRequestHandler):
    timeout = CLIENT_S
    server: _Server

    def do_POST(self) -> None:
        """Take a body; 204, or an error that says what is wrong and how to mend it."""
        refused = self._refusal()
        if refused is not None:
            self._answer(*refused)
            self._drain()
            return
        try:
            body = self._body(int(self.headers["Content-Length"]))
            wrong = self.server.source.take(body, self.headers.get_content_type())
        except ProtocolError as error:
            self._answer(400, str(error))
            return
        if wrong:
            self._answer(400, "\n".join(wrong))
        else:
            self._answer(204, "")

    def _refusal(self) -> tuple[int, str] | None:
        rules = self.server.source.rules
        length = self.headers.get("Content-Length", "")
        host = self.headers.get("Host", "").rsplit(":", 1)[0].strip("[]")
        here = self.client_address[0].removeprefix("::ffff:") in LOOPBACK
        if self.path != rules.path:
            return 404, f"only {rules.path} is here"
        if (here and host not in HOSTS) or "Origin" in self.headers:
            return 403, "not for web pages; send it from the program itself"
        if self.headers.get_content_type() not in rules.kinds:
            return 415, f"send Content-Type: {' or '.join(rules.kinds)}"
        if not (length.isascii() and length.isdecimal()):
            return 411, "send Content-Length"
        if len(length) > MOST_DIGITS or int(length) > rules.most_bytes:
            return 413, f"send at most {rules.most_bytes} bytes at once"
        return None

    def _body(self, length: int) -> bytes:
        with suppress(TimeoutError):
            body = self.rfile.read(length)
            if len(body) == length:
                return body
        raise ProtocolError("the body is shorter than Content-Length says")

    def _drain(self) -> None:
        """Read what was refused, or the client would be cut off before it sees why."""
        left = MOST_DRAINED
        with suppress(OSError):
            self.wfile.flush()
            self.connection.shutdown(socket.SHUT_WR)
            while left > 0 and (read := self.rfile.read1(left)):
                left -= len(read)

    def _answer(self, status: int, text: str) -> None:
        self.send_response(status)
        body = text.encode()
        if status != 204:  # noqa: PLR2004 - No Content has no length
            self.send_header("Content-Type", "text/plain; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Say nothing: requests tell of people, and nothing of a visit is logged."""
