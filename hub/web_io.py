"""The reports over HTTP, for reading: ``aisle-hub web``."""

from __future__ import annotations

import secrets
import socket
import sys
import threading
import time
import traceback
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from importlib import resources
from ipaddress import ip_address
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import parse_qs, quote, urlencode
from zoneinfo import ZoneInfo

import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hub.access import Door, is_our_host
from hub.day import load_chain, load_change, load_period, load_segments
from hub.errors import ConfigError, HubError, NoDataError
from hub.patterns.shares import ShareParams
from hub.reports.beside import PlanogramParams
from hub.reports.chain import Chain
from hub.reports.comparison import Comparison
from hub.reports.files_io import csv_text
from hub.reports.page import OFFLINE, Around, environment, render, render_chain
from hub.reports.period import PeriodData
from hub.reports.planogram import Planogram, planogram_rows
from hub.reports.planogram_page import render_planogram
from hub.reports.segments import Segments
from hub.reports.summary import Summary, summarise
from hub.reports.tidy import Row, chain_rows, rows
from hub.reports.trend import SHOPPED
from hub.store_io.store import Holding, Store

COOKIE = "aisle_hub"
BODY_MOST = 4_096
"""Bytes of a login: a token and its name."""
MOST_DAYS = 400
"""Of a period: what a page can show, and a reader waits for."""
EFFECTS = (2, 5, 10, 20, 50)
"""Per cent: changes one may ask for."""
POLICY = (
    # The pages carry their styles with them and load htmx from here; nothing else, and nothing
    # from elsewhere.
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
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

Endpoint = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Kept:
    """What is stored of one store: its first and last day."""

    store: str
    first: date
    last: date


@dataclass(frozen=True, slots=True)
class Asked:
    """What a reader asks for; ``against`` as it is spelt in the address."""

    store: str
    since: date
    until: date
    against: str

    @property
    def earlier(self) -> tuple[date, date] | None:
        """Give the period to compare with.

        Raises:
            ConfigError: it is none we know.
        """
        length = self.until - self.since + timedelta(days=1)
        if self.against == "":
            return None
        if self.against == "before":
            return self.since - length, self.since - timedelta(days=1)
        if self.against == "year":  # the same days of the week
            return self.since - timedelta(days=364), self.until - timedelta(days=364)
        first, dots, last = self.against.partition("..")
        if not dots:
            raise ConfigError("compare with the days before, a year before, or DAY..DAY")
        return _day(first, "against"), _day(last, "against")


@dataclass(frozen=True, slots=True)
class Change:
    """A change of a place's goods that a reader asks about.

    Attributes:
        on: the first day after it.
        effect: the smallest change to know of, in per cent.
    """

    store: str
    zone: str
    on: date
    effect: int


class WebServer:
    """Serves reports on an address of its own thread's; every answer opens the database anew.

    Args:
        database: its path.
        busy_ms: how long to wait for another process's lock.
        listen: the address; anything but loopback lets that network ask.
        port: 0 takes a free one.
        context: ``context.toml`` for segments.
        on_entered: told when a token was used and there is a new one.

    Raises:
        ConfigError: the address is taken or not ours.
    """

    def __init__(
        self,
        database: Path,
        *,
        busy_ms: int,
        listen: str = "127.0.0.1",
        port: int = 0,
        context: Path | None = None,
        on_entered: Callable[[], None] | None = None,
    ) -> None:
        self._database = database
        self._busy_ms = busy_ms
        self._context = context
        self._on_entered = on_entered or (lambda: None)
        self._door = Door(lambda: secrets.token_urlsafe(18))
        self._listen = listen
        self._socket = _bound(listen, port=port)
        self.port = int(self._socket.getsockname()[1])
        self._server = uvicorn.Server(
            uvicorn.Config(
                self._app(),
                log_config=None,
                log_level="critical",
                access_log=False,
                lifespan="off",
                server_header=False,
                date_header=False,
                ws="none",
                timeout_graceful_shutdown=1,
            )
        )
        self._thread = threading.Thread(target=self.serve, name="web", daemon=True)

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
        """Stop serving."""
        self._server.should_exit = True
        if self._thread.is_alive():
            self._thread.join(timeout=5.0)
        self._socket.close()

    @property
    def url(self) -> str:
        """The pages' address."""
        host = socket.gethostname() if ip_address(self._listen).is_unspecified else self._listen
        return f"http://[{host}]:{self.port}/" if ":" in host else f"http://{host}:{self.port}/"

    @property
    def token(self) -> str:
        """What lets the next reader in, once."""
        return self._door.token

    @property
    def link(self) -> str:
        """The login's address with the token; asking for it uses nothing up, its button does."""
        return f"{self.url}login?token={self.token}"

    def _app(self) -> ASGIApp:
        app = Starlette(
            routes=[
                Route("/", _threaded(self._stores)),
                Route("/login", self._login, methods=["GET", "POST"]),
                Route("/logout", self._logout, methods=["POST"]),
                Route("/htmx.js", _htmx),
                Route("/show", _threaded(self._show)),
                Route("/chain", _threaded(self._chain)),
                Route("/chain/numbers.csv", _threaded(self._chain_numbers)),
                Route("/store/{store}", _threaded(self._report)),
                Route("/store/{store}/numbers.csv", _threaded(self._numbers)),
                Route("/store/{store}/change", _threaded(self._change)),
                Route("/store/{store}/change.csv", _threaded(self._change_numbers)),
            ],
            exception_handlers={HubError: _explain, 404: _nothing, 500: _bug},
        )
        name = socket.gethostname().lower()
        names = {"localhost", "127.0.0.1", "::1", self._listen}
        address = ip_address(self._listen)
        if not address.is_loopback:
            names |= {name, f"{name}.local"}
        return _Guard(
            app,
            door=self._door,
            port=self.port,
            names=frozenset(names),
            any_address=address.is_unspecified,
        )

    async def _login(self, request: Request) -> Response:
        if request.method != "POST":
            token = request.query_params.get("token", "")
            return _page("login", token=token, wrong="")
        now_ms = _now_ms()
        wait_ms = self._door.wait_ms(now_ms)
        if wait_ms:
            wrong = f"too many wrong tokens; wait {-(-wait_ms // 1000)} s"
            return _page("login", 429, token="", wrong=wrong)
        session = self._door.enter(await _token_of(request), now_ms=now_ms)
        if session is None:
            wrong = "this token is wrong or used up; take the newest in the terminal"
            return _page("login", 403, token="", wrong=wrong)
        self._on_entered()
        answer = RedirectResponse("/", status_code=303)
        answer.set_cookie(COOKIE, session, httponly=True, samesite="strict", path="/")
        return answer

    async def _logout(self, request: Request) -> Response:
        self._door.leave(request.cookies.get(COOKIE, ""))
        answer = RedirectResponse("/login", status_code=303)
        answer.delete_cookie(COOKIE)
        return answer

    def _stores(self, _: Request) -> Response:
        with Store.open(self._database, busy_ms=self._busy_ms) as opened:
            kept = _kept(opened.holdings())
            known = opened.stores()
        silent = sorted(set(known) - {one.store for one in kept})
        return _page("stores", kept=kept, silent=silent, week=timedelta(days=6))

    def _show(self, request: Request) -> Response:
        """Lead from the choice of a store and period to its page."""
        every = self._every()
        name = request.query_params.get("store", "")
        kept = _whole(every) if not name else _one(every, name)
        return RedirectResponse(_address(_asked(request, kept)), status_code=303)

    def _report(self, request: Request) -> Response:
        every = self._every()
        kept = _one(every, str(request.path_params["store"]))
        asked = _asked(request, kept)
        try:
            summary, data, against, segments, lacking = self._figures(asked)
        except HubError as error:
            return self._instead(error, asked, kept=kept, every=every)
        around = _around(
            asked, kept=kept, every=every, places=self._places(kept.store), lacking=lacking
        )
        return HTMLResponse(
            render(summary, data=data, against=against, segments=segments, around=around)
        )

    def _change(self, request: Request) -> Response:
        every = self._every()
        kept = _one(every, str(request.path_params["store"]))
        asked = Asked(kept.store, kept.last - timedelta(days=6), kept.last, "")
        try:
            change = _changed(request, kept)
            told = self._told(change)
        except HubError as error:
            return self._instead(error, asked, kept=kept, every=every)
        around = _around(
            asked, kept=kept, every=every, places=self._places(kept.store), change=change
        )
        return HTMLResponse(render_planogram(told, around=around))

    def _change_numbers(self, request: Request) -> Response:
        change = _changed(request, _one(self._every(), str(request.path_params["store"])))
        name = f"{change.store}-{change.zone}-{change.on}"
        return _csv(name, planogram_rows(self._told(change)))

    def _told(self, change: Change) -> Planogram:
        params = replace(PlanogramParams(), effect=change.effect / 100)
        with Store.open(self._database, busy_ms=self._busy_ms) as opened:
            return load_change(
                opened, store=change.store, zone=change.zone, on=change.on, params=params
            )

    def _places(self, store: str) -> list[tuple[str, str]]:
        """Give ids and names of the places with goods, by the newest plans."""
        with Store.open(self._database, busy_ms=self._busy_ms) as opened:
            newest = [metas[-1] for metas in opened.metas(store).values()]
        found = {
            zone.id: zone.name or zone.id
            for meta in newest
            for zone in meta.zones
            if zone.kind in SHOPPED
        }
        return list(found.items())

    def _chain(self, request: Request) -> Response:
        every = self._every()
        kept = _whole(every)
        asked = _asked(request, kept)
        try:
            chain, segments = self._stores_of(asked, every=every)
        except HubError as error:
            return self._instead(error, asked, kept=kept, every=every)
        around = _around(asked, kept=kept, every=every)
        links = {one.store: _address(replace(asked, store=one.store)) for one in every}
        return HTMLResponse(render_chain(chain, segments=segments, around=around, links=links))

    def _instead(
        self, error: HubError, asked: Asked, *, kept: Kept, every: Sequence[Kept]
    ) -> Response:
        places = self._places(kept.store) if kept.store else []
        around = _around(asked, kept=kept, every=every, places=places, said=str(error))
        return _page("told", _status(error), around=around, text=str(error))

    def _numbers(self, request: Request) -> Response:
        asked = _asked(request, _one(self._every(), str(request.path_params["store"])))
        summary, _, against, segments, _ = self._figures(asked)
        changes = against.changes if against else ()
        return _csv(_name(asked), rows(summary, changes=changes, segments=segments))

    def _chain_numbers(self, request: Request) -> Response:
        every = self._every()
        asked = _asked(request, _whole(every))
        chain, segments = self._stores_of(asked, every=every)
        return _csv(_name(asked), chain_rows(chain, segments=segments))

    def _every(self) -> list[Kept]:
        with Store.open(self._database, busy_ms=self._busy_ms) as opened:
            return _kept(opened.holdings())

    def _stores_of(self, asked: Asked, *, every: Sequence[Kept]) -> tuple[Chain, Segments | None]:
        days = asked.since, asked.until
        names = [one.store for one in every]
        with Store.open(self._database, busy_ms=self._busy_ms) as opened:
            chain = load_chain(
                opened, stores=names, days=days, against=asked.earlier, params=ShareParams()
            )
            found = self._segments(opened, names, days)
        return chain, found

    def _segments(
        self, opened: Store, stores: Sequence[str], days: tuple[date, date]
    ) -> Segments | None:
        now = datetime.now(tz=UTC)
        return load_segments(
            opened, stores=stores, days=days, context=self._context, now=now, params=ShareParams()
        )

    def _figures(
        self, asked: Asked
    ) -> tuple[Summary, PeriodData, Comparison | None, Segments | None, str]:
        """Give a period's figures; the last says why there is nothing to compare them with."""
        earlier, then, lacking = asked.earlier, None, ""
        with Store.open(self._database, busy_ms=self._busy_ms) as opened:
            data = load_period(opened, store=asked.store, since=asked.since, until=asked.until)
            try:
                then = earlier and load_period(
                    opened, store=asked.store, since=earlier[0], until=earlier[1]
                )
            except NoDataError as error:
                lacking = str(error)
            found = self._segments(opened, [asked.store], (asked.since, asked.until))
        summary = summarise(data, params=ShareParams())
        before = summarise(then, params=ShareParams()) if then else None
        against = Comparison.of(summary, before=before) if before else None
        return summary, data, against, found, lacking


def serve_web(
    database: Path,
    *,
    busy_ms: int,
    listen: str,
    port: int,
    context: Path | None,
    tell: Callable[[WebServer], None],
) -> None:
    """Serve until Ctrl-C; what ``aisle-hub web`` does.

    Args:
        database: its path.
        busy_ms: how long to wait for another process's lock.
        listen: address.
        port: 0 takes a free one.
        context: ``context.toml`` for segments.
        tell: shows the newest link in the terminal.

    Raises:
        ConfigError: the address is taken.
        NoDataError: there is no database.
        StoreError: it is not of this program's time.
    """
    Store.open(database, busy_ms=busy_ms).close()
    server = WebServer(
        database,
        busy_ms=busy_ms,
        listen=listen,
        port=port,
        context=context,
        on_entered=lambda: tell(server),
    )
    tell(server)
    try:
        server.serve()
    finally:
        server.close()


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
            return _told(421, "this page answers only under the address the terminal shows")
        if not _from_our_page(request, host=host):
            return _told(403, "another page asked")
        if request.url.path == "/login":
            return None
        if not self._door.knows(request.cookies.get(COOKIE, ""), now_ms=_now_ms()):
            if "hx-request" in request.headers:  # a part of a page can't become the login
                return Response(status_code=401, headers={"hx-redirect": "/login"})
            return RedirectResponse("/login", status_code=303)
        return None


def _from_our_page(request: Request, *, host: str) -> bool:
    """Tell whether our own page asks, or a person who typed or followed an address."""
    site = request.headers.get("sec-fetch-site", "same-origin")
    if request.method in {"GET", "HEAD"}:
        return site in {"same-origin", "none"} or request.url.path == "/login"
    return site == "same-origin" and request.headers.get("origin") in {f"http://{host}", "null"}


def _bound(listen: str, *, port: int) -> socket.socket:
    try:
        family = socket.AF_INET6 if ip_address(listen).version == 6 else socket.AF_INET  # noqa: PLR2004 - IPv6
    except ValueError as error:
        raise ConfigError(f"--listen {listen}: give an IP address, like 127.0.0.1") from error
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((listen, port))
        bound.listen()
    except OSError as error:
        bound.close()
        raise ConfigError(
            f"{listen} port {port}: {error.strerror}; give another with --listen or --port"
        ) from error
    return bound


def _kept(holdings: list[Holding]) -> list[Kept]:
    """Give every store's days, by UTC: a picker needs no more."""
    found: dict[str, Kept] = {}
    for one in holdings:
        zone = ZoneInfo("UTC")
        first, last = one.first_at.astimezone(zone).date(), one.last_at.astimezone(zone).date()
        before = found.get(one.store, Kept(one.store, first, last))
        found[one.store] = Kept(one.store, min(first, before.first), max(last, before.last))
    return [found[store] for store in sorted(found)]


def _one(every: Sequence[Kept], store: str) -> Kept:
    found = [one for one in every if one.store == store]
    if not found:
        raise NoDataError(f"nothing is stored of a store {store!r}")
    return found[0]


def _whole(every: Sequence[Kept]) -> Kept:
    """Give the days of all stores together, under no name."""
    if not every:
        raise NoDataError("nothing is stored of any store")
    return Kept("", min(one.first for one in every), max(one.last for one in every))


def _around(
    asked: Asked,
    *,
    kept: Kept,
    every: Sequence[Kept],
    places: Sequence[tuple[str, str]] = (),
    change: Change | None = None,
    said: str = "",
    lacking: str = "",
) -> Around:
    """Give the choice above a page.

    Args:
        asked: the period that is shown, or may be next.
        kept: the days there are.
        every: of each store.
        places: ids and names, of which a change may be asked.
        change: the one that is shown.
        said: for screen readers; what is shown, without it.
        lacking: why there is nothing to compare with.
    """
    templates = environment()
    csv = _address(asked, "/numbers.csv")
    told = f"Shown: {asked.store or 'all stores'}, {asked.since} to {asked.until}"
    if change is not None:
        csv = f"/store/{quote(change.store)}/change.csv?" + urlencode(
            {"zone": change.zone, "on": change.on, "effect": change.effect}
        )
        told = f"Shown: change of {change.zone} on {change.on}"
    bar = templates.get_template("bar.html.j2").render(
        asked=asked,
        kept=kept,
        stores=[one.store for one in every],
        quick=_quick(kept),
        csv=csv,
        places=places,
        change=change,
        effects=EFFECTS,
        lacking=lacking,
    )
    head = templates.get_template("head.html.j2").render()
    nothing = f"; nothing to compare with: {lacking}" if lacking else ""
    return Around(head=head, bar=bar, said=said or told + nothing)


def _name(asked: Asked) -> str:
    return f"{asked.store or 'stores'}-{asked.since}-{asked.until}"


def _csv(name: str, table: Sequence[Row]) -> Response:
    headers = {"content-disposition": f'attachment; filename="{name}.csv"'}
    return Response(csv_text(table), media_type="text/csv; charset=utf-8", headers=headers)


def _changed(request: Request, kept: Kept) -> Change:
    """Read the address of a change."""
    given = request.query_params
    zone, on, effect = (given.get(name, "") for name in ("zone", "on", "effect"))
    if not zone or not on:
        raise ConfigError("choose the place that was changed, and the first day after it")
    if effect and effect not in {str(one) for one in EFFECTS}:
        raise ConfigError(f"effect={effect!r}: one of {', '.join(map(str, EFFECTS))} per cent")
    day = _day(on, "on")
    if not kept.first < day <= kept.last + timedelta(days=MOST_DAYS):
        raise ConfigError(f"on={day}: days are stored from {kept.first} to {kept.last}")
    return Change(kept.store, zone, day, int(effect or 10))


def _asked(request: Request, kept: Kept) -> Asked:
    """Read the address; without days, the last seven there are."""
    given = request.query_params
    until = _day(given["to"], "to") if given.get("to") else kept.last
    since = _day(given["from"], "from") if given.get("from") else until - timedelta(days=6)
    if until < since:
        raise ConfigError("the period ends before it begins; choose its first and last day")
    if (until - since).days >= MOST_DAYS:
        raise ConfigError(f"at most {MOST_DAYS} days fit a page; choose fewer")
    return Asked(kept.store, since, until, given.get("against", ""))


def _quick(kept: Kept) -> list[tuple[str, str]]:
    """Give periods to choose with one touch: name and address."""
    found = []
    for name, days in (("last day", 1), ("last 7 days", 7), ("last 28 days", 28)):
        asked = Asked(kept.store, kept.last - timedelta(days=days - 1), kept.last, "before")
        found.append((name, _address(asked)))
    return found


def _address(asked: Asked, more: str = "") -> str:
    against = f"&against={quote(asked.against)}" if asked.against else ""
    page = f"/store/{quote(asked.store)}" if asked.store else "/chain"
    return f"{page}{more}?from={asked.since}&to={asked.until}{against}"


def _day(text: str, name: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise ConfigError(f"{name}={text!r} is no day; write it like 2026-03-07") from error


async def _token_of(request: Request) -> str:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_MOST:
            return ""
    fields = parse_qs(body.decode("utf-8", "replace"))
    return fields.get("token", [""])[0].strip()


def _threaded(answer: Callable[[Request], Response]) -> Endpoint:
    async def give(request: Request) -> Response:
        return await run_in_threadpool(answer, request)

    return give


async def _htmx(_: Request) -> Response:
    text = resources.files("hub.reports").joinpath("htmx.min.js").read_bytes()
    return Response(text, media_type="text/javascript; charset=utf-8")


def _page(name: str, status: int = 200, around: Around = OFFLINE, **values: object) -> Response:
    html = environment().get_template("web.html.j2").render(page=name, around=around, **values)
    return HTMLResponse(html, status_code=status)


def _told(status: int, text: str) -> Response:
    return _page("told", status, text=text)


def _status(error: Exception) -> int:
    kinds = ((NoDataError, 404), (ConfigError, 400))
    return next((status for kind, status in kinds if isinstance(error, kind)), 503)


async def _explain(_: Request, error: Exception) -> Response:
    return _told(_status(error), str(error))


async def _nothing(_: Request, _error: Exception) -> Response:
    return _told(404, "there is no such page")


async def _bug(_: Request, error: Exception) -> Response:
    place = traceback.extract_tb(error.__traceback__)[-1]
    sys.stderr.write(f"bug: {type(error).__name__} at {place.name}:{place.lineno}\n")
    return _told(500, "a bug; the terminal of `aisle-hub web` says where")


def _now_ms() -> int:
    return time.monotonic_ns() // 1_000_000
