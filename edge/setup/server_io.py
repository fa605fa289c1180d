"""The setup page over HTTP: who may ask, and what the page's questions mean to the desk."""

from __future__ import annotations

import secrets
import socket
import sys
import threading
import traceback
from collections.abc import Awaitable, Callable
from importlib import resources
from ipaddress import ip_address
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import msgspec
import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from edge.clock_io import wall_ms
from edge.errors import AgentError, DeviceError
from edge.setup.access import Door, is_our_host
from edge.setup.desk_io import Desk, begin_file
from edge.setup.draft import CameraDraft, Draft, PlanDraft
from edge.setup.picture import Extent

COOKIE = "aisle_setup"
BODY_MOST = 1_000_000
"""Bytes of a question; a plan of thousands of corners is a tenth of it."""
KINDS = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}
POLICY = (
    # Nothing from elsewhere; blob: is a floor plan dropped in, which stays in the browser.
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = (
    ("content-security-policy", POLICY),
    ("cache-control", "no-store"),
    ("referrer-policy", "no-referrer"),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("cross-origin-resource-policy", "same-origin"),
    ("cross-origin-opener-policy", "same-origin"),
)

Ask = TypeVar("Ask")
Endpoint = Callable[[Request], Awaitable[Response]]


class _Enter(msgspec.Struct):
    token: str


class _Address(msgspec.Struct):
    name: str
    source: str | int
    new: bool


class _Dropped(msgspec.Struct):
    name: str


class _Trial(msgspec.Struct):
    camera: CameraDraft
    plan: PlanDraft
    judged: bool


class _Above(msgspec.Struct):
    camera: CameraDraft
    extent: Extent


class _Save(msgspec.Struct):
    draft: Draft
    digest: str


class SetupServer:
    """Serves the page on an address of its own thread's.

    Args:
        desk: behind the page; closed with the server.
        listen: the address; anything but loopback lets the shop's network in.
        port: 0 takes a free one.
        on_entered: told when a token was used and there is a new one.

    Raises:
        DeviceError: the address is taken or not ours.
    """

    def __init__(
        self,
        desk: Desk,
        *,
        listen: str = "127.0.0.1",
        port: int = 0,
        on_entered: Callable[[], None] | None = None,
    ) -> None:
        self._desk = desk
        self._on_entered = on_entered or (lambda: None)
        self._door = Door(lambda: secrets.token_urlsafe(24))
        self._listen = listen
        self._socket = _bound(listen, port=port)
        self.port = int(self._socket.getsockname()[1])
        self._server = uvicorn.Server(
            uvicorn.Config(
                self._app(),
                log_config=None,
                log_level="critical",  # below, it writes messages of bugs, which may quote visits
                access_log=False,
                lifespan="off",
                server_header=False,
                date_header=False,
                ws="none",
                timeout_graceful_shutdown=1,
            )
        )
        self._thread = threading.Thread(target=self.serve, name="setup-page", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def serve(self) -> None:
        """Serve until stopped; Ctrl-C stops it when called from the main thread."""
        self._server.run(sockets=[self._socket])

    def close(self) -> None:
        """Stop serving, close cameras, end the walk."""
        self._server.should_exit = True
        if self._thread.is_alive():
            self._thread.join(timeout=5.0)
        self._socket.close()
        self._desk.close()

    @property
    def url(self) -> str:
        """The page's address."""
        host = _own_address() if ip_address(self._listen).is_unspecified else self._listen
        return f"http://[{host}]:{self.port}/" if ":" in host else f"http://{host}:{self.port}/"

    @property
    def link(self) -> str:
        """The page's address with the token, good once; a browser never sends what follows #."""
        return f"{self.url}#token={self._door.token}"

    def _app(self) -> ASGIApp:
        desk = self._desk
        routes = [
            Route("/", _file("index.html")),
            *(Route(f"/{name}", _file(name)) for name in _files() if name != "index.html"),
            Route("/api/enter", self._enter, methods=["POST"]),
            Route("/api/state", _answer(lambda _: self._state())),
            Route("/api/cameras", _told(_Address, self._address), methods=["POST"]),
            Route(
                "/api/cameras/drop",
                _told(_Dropped, lambda ask: desk.drop_camera(ask.name)),
                methods=["POST"],
            ),
            Route("/api/cameras/{name}", _answer(lambda asked: desk.camera(_name(asked)))),
            Route("/api/cameras/{name}/room.png", _picture(lambda a: desk.picture(_name(a)))),
            Route(
                "/api/trial",
                _told(_Trial, lambda ask: desk.trial(ask.camera, plan=ask.plan, judged=ask.judged)),
                methods=["POST"],
            ),
            Route("/api/above.png", self._above, methods=["POST"]),
            Route("/api/problems", _told(PlanDraft, desk.problems), methods=["POST"]),
            Route("/api/review", _told(Draft, desk.review), methods=["POST"]),
            Route(
                "/api/save",
                _told(_Save, lambda ask: desk.save(ask.draft, digest=ask.digest)),
                methods=["POST"],
            ),
            Route("/api/walk", _answer(lambda _: desk.walk())),
            Route("/api/walk/begin", _told(Draft, desk.begin_walk), methods=["POST"]),
            Route(
                "/api/walk/end",
                _told(dict[str, Any], lambda _: desk.end_walk()),
                methods=["POST"],
            ),
        ]
        app = Starlette(
            routes=routes, exception_handlers={AgentError: _explain, _Refused: _refuse, 500: _bug}
        )
        names = {"localhost", socket.gethostname().lower(), f"{socket.gethostname().lower()}.local"}
        address = ip_address(self._listen)
        if address.is_loopback:
            names = {"localhost", "127.0.0.1", "::1"}
        names.add(self._listen)
        return _Guard(
            app,
            door=self._door,
            port=self.port,
            names=frozenset(names),
            any_address=address.is_unspecified,
        )

    def _state(self) -> dict[str, Any]:
        setup = self._desk.setup()
        return {
            "file": self._desk.name,
            "store": setup.store,
            "agent": setup.agent,
            "draft": setup.draft,
            "filed": list(setup.sources),
            "addressed": self._desk.addressed,
        }

    def _address(self, ask: _Address) -> None:
        self._desk.address_camera(ask.name, source=ask.source, new=ask.new)

    async def _above(self, request: Request) -> Response:
        ask = await _asked(request, _Above)
        data = await run_in_threadpool(self._desk.from_above, ask.camera, extent=ask.extent)
        return _png(data)

    async def _enter(self, request: Request) -> Response:
        ask = await _asked(request, _Enter)
        now_ms = wall_ms()
        wait_ms = self._door.wait_ms(now_ms)
        if wait_ms:
            raise _Refused(429, "too many wrong tokens; wait a minute", wait_s=-(-wait_ms // 1000))
        session = self._door.enter(ask.token, now_ms=now_ms)
        if session is None:
            raise _Refused(403, "this token is wrong or used up; take the newest in the terminal")
        self._on_entered()
        response = _json(None)
        response.set_cookie(COOKIE, session, httponly=True, samesite="strict", path="/")
        return response


def serve_setup(
    path: Path, *, new: bool, listen: str, port: int, tell: Callable[[str], None]
) -> None:
    """Serve the page until Ctrl-C; what `aisle-edge setup` does.

    Args:
        path: of the store's file.
        new: begin the file.
        listen: address.
        port: 0 takes a free one.
        tell: shows a line in the terminal.

    Raises:
        ConfigError: the file is wrong, or there already although it shall be new.
        ModelError: the detector is wrong.
        DeviceError: the address is taken, or the disk refuses.
    """
    if new:
        begin_file(path)
        tell(
            f"{path} is begun. The page adds cameras, walls and zones; what your store and this "
            "box are called, the hours and the broker you write into it with an editor."
        )

    def invite() -> None:
        tell(f"Open this in a browser (good once):\n\n    {server.link}\n")

    def again() -> None:
        tell("A browser came in. For another one:")
        invite()

    server = SetupServer(Desk(path), listen=listen, port=port, on_entered=again)
    if not ip_address(listen).is_loopback:
        tell(
            f"WARNING: listening on {listen} lets everybody in this network see the link's secret "
            "and the pages, as nothing is encrypted. Better: keep to loopback, and from your "
            f"laptop use ssh -L {server.port}:127.0.0.1:{server.port} {socket.gethostname()}"
        )
    invite()
    tell("Ctrl-C ends it.")
    try:
        server.serve()
    except KeyboardInterrupt:  # how Ctrl-C comes back after the server has ended
        tell("ended")
    finally:
        server.close()


class _Refused(Exception):  # noqa: N818 - an answer rather than an error
    def __init__(self, status: int, text: str, *, wait_s: int = 0) -> None:
        super().__init__(text)
        self.status = status
        self.wait_s = wait_s


class _Guard:
    """Lets in only our own page, asked for under our own name, by who has a session."""

    def __init__(
        self, app: ASGIApp, *, door: Door, port: int, names: frozenset[str], any_address: bool
    ) -> None:
        self._app = app
        self._door = door
        self._port = port
        self._names = names
        self._any_address = any_address

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def sealed(message: Message) -> None:
            if message["type"] == "http.response.start":
                extra = [(name.encode(), value.encode()) for name, value in HEADERS]
                message["headers"] = [*message.get("headers", []), *extra]
            await send(message)

        if scope["type"] != "http":
            return
        refused = self._refused(Request(scope))
        await (refused or self._app)(scope, receive, sealed)

    def _refused(self, request: Request) -> Response | None:
        host = request.headers.get("host", "")
        if not is_our_host(host, port=self._port, names=self._names, any_address=self._any_address):
            return _error(421, "this page answers only under the address the terminal shows")
        if not _from_our_page(request, host=host):
            return _error(403, "another page asked")
        path = request.url.path
        open_to_all = not path.startswith("/api/") or path == "/api/enter"
        if not open_to_all and not self._door.knows(request.cookies.get(COOKIE, "")):
            return _error(401, "open the link the terminal shows")
        return None


def _from_our_page(request: Request, *, host: str) -> bool:
    """Tell whether our own page asks, or a person who typed the address.

    Cookies know no ports: another page served by this machine has ours too.
    """
    site = request.headers.get("sec-fetch-site", "same-origin")
    if request.method in {"GET", "HEAD"}:
        return site in {"same-origin", "none"}
    return (
        site == "same-origin"
        and request.headers.get("origin") == f"http://{host}"
        and request.headers.get("content-type") == "application/json"
    )


def _bound(listen: str, *, port: int) -> socket.socket:
    try:
        family = socket.AF_INET6 if ip_address(listen).version == 6 else socket.AF_INET  # noqa: PLR2004 - IPv6
    except ValueError as error:
        raise DeviceError(f"--listen {listen}: give an IP address, like 127.0.0.1") from error
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((listen, port))
        bound.listen()
    except OSError as error:
        bound.close()
        raise DeviceError(
            f"{listen} port {port}: {error.strerror}; give another with --listen or --port"
        ) from error
    return bound


def _own_address() -> str:
    """Give this machine's address in its network; asking the router's table sends nothing."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        try:
            line.connect(("192.0.2.1", 9))
        except OSError:  # no network
            return "127.0.0.1"
        return str(line.getsockname()[0])


def _files() -> list[str]:
    folder = resources.files("edge.setup").joinpath("static")
    return sorted(one.name for one in folder.iterdir() if one.name.partition(".")[2] in KINDS)


def _file(name: str) -> Endpoint:
    data = resources.files("edge.setup").joinpath("static", name).read_bytes()

    async def give(_: Request) -> Response:
        return Response(data, media_type=KINDS[name.partition(".")[2]])

    return give


def _answer(look: Callable[[Request], Any]) -> Endpoint:
    async def give(request: Request) -> Response:
        return _json(await run_in_threadpool(look, request))

    return give


def _picture(look: Callable[[Request], bytes | None]) -> Endpoint:
    async def give(request: Request) -> Response:
        return _png(await run_in_threadpool(look, request))

    return give


def _told(kind: type[Ask], do: Callable[[Ask], Any]) -> Endpoint:
    async def give(request: Request) -> Response:
        return _json(await run_in_threadpool(do, await _asked(request, kind)))

    return give


async def _asked(request: Request, kind: type[Ask]) -> Ask:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_MOST:
            raise _Refused(413, "that is too much for one question")
    try:
        return msgspec.json.decode(bytes(body), type=kind)
    except msgspec.DecodeError as error:
        raise _Refused(400, f"{error}") from error


def _name(request: Request) -> str:
    return str(request.path_params["name"])


def _json(value: object) -> Response:
    return Response(msgspec.json.encode(value), media_type="application/json")


def _png(data: bytes | None) -> Response:
    if data is None:
        return _error(404, "the camera has given no picture yet")
    return Response(data, media_type="image/png")


def _error(status: int, text: str) -> Response:
    return Response(
        msgspec.json.encode({"error": text}), status_code=status, media_type="application/json"
    )


async def _explain(_: Request, error: Exception) -> Response:
    return _error(422, str(error))


async def _refuse(_: Request, error: Exception) -> Response:
    assert isinstance(error, _Refused)
    response = _error(error.status, str(error))
    if error.wait_s:
        response.headers["retry-after"] = str(error.wait_s)
    return response


async def _bug(_: Request, error: Exception) -> Response:
    """Tell where a bug struck; its message may quote what a camera saw."""
    place = traceback.extract_tb(error.__traceback__)[-1]
    text = f"bug: {type(error).__name__} at {place.name}:{place.lineno}"
    sys.stderr.write(f"{text}\n")
    return _error(500, text)
