"""The web as a browser meets it, over a loopback port."""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from hub.errors import ConfigError
from hub.ingest.judging import Arrival, Ingest, read_arrival
from hub.store_io.store import Store
from hub.web_io import WebServer
from wire.messages import Meta, Release

Browser = Any
DAY = "/store/berlin-1?from=2026-03-07&to=2026-03-07"


@pytest.fixture
def server(
    database: Path,
    meta: Meta,
    a_day: Callable[..., list[Release]],
    arrive: Callable[..., Arrival],
) -> Iterator[WebServer]:
    ingest = Ingest(known={}, zones={})
    with Store.create(database, busy_ms=200) as store:
        arrivals = [arrive(meta), *(arrive(one) for one in a_day(visits=2400))]
        store.commit([d for one in arrivals for d in ingest.feed(read_arrival(one))])
    with WebServer(database, busy_ms=200) as running:
        yield running


@pytest.fixture
def plain(server: WebServer) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, trust_env=False, timeout=60) as client:
        yield client


def enter(client: httpx.Client, server: WebServer, token: str | None = None) -> httpx.Response:
    origin = server.url.rstrip("/")
    return client.post("/login", data={"token": token or server.token}, headers={"origin": origin})


@pytest.fixture
def inside(plain: httpx.Client, server: WebServer) -> httpx.Client:
    assert enter(plain, server).status_code == 303
    return plain


def test_nothing_is_shown_without_a_session(plain: httpx.Client, server: WebServer) -> None:
    for path in ("/", DAY, "/store/berlin-1/numbers.csv", "/no-such"):
        answer = plain.get(path)
        assert (answer.status_code, answer.headers["location"]) == (303, "/login")
    form = plain.get("/login", params={"token": server.token})
    assert form.status_code == 200
    assert server.token in form.text  # the button uses it up, not the asking
    assert "berlin-1" not in form.text


def test_a_token_lets_one_in_once_and_its_cookie_is_not_for_scripts(
    plain: httpx.Client, server: WebServer
) -> None:
    token = server.token
    entered = enter(plain, server)
    cookie = entered.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert "berlin-1" in plain.get("/").text
    with httpx.Client(base_url=server.url, trust_env=False) as other:
        assert enter(other, server, token).status_code == 403
        assert enter(other, server).status_code == 303
    plain.post("/logout", headers={"origin": server.url.rstrip("/")})
    assert plain.get("/").status_code == 303


def test_other_pages_and_other_names_are_refused(inside: httpx.Client, server: WebServer) -> None:
    assert inside.get("/", headers={"host": f"evil.example:{server.port}"}).status_code == 421
    assert inside.get("/", headers={"sec-fetch-site": "cross-site"}).status_code == 403
    assert inside.post("/logout", headers={"origin": "http://evil.example"}).status_code == 403
    assert inside.get("/").status_code == 200
    assert inside.put("/").status_code in {403, 405}


def test_the_report_is_the_offline_page_with_a_choice_of_periods(inside: httpx.Client) -> None:
    answer = inside.get(DAY)
    assert answer.status_code == 200
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["cache-control"] == "no-store"
    assert "Saturday, 7 March 2026" in answer.text
    assert 'name="against"' in answer.text
    html = answer.text.replace('<script src="/htmx.js" defer></script>', "", 1)
    assert not re.search(r"https?:|//[a-z]|<script|url\((?!#)", html)
    assert len(answer.text) < 1_500_000


def test_numbers_come_as_csv(inside: httpx.Client) -> None:
    answer = inside.get("/store/berlin-1/numbers.csv?from=2026-03-07&to=2026-03-07")
    assert answer.headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(answer.text.splitlines()))
    assert {"visits", "stop_rate"} <= {row["figure"] for row in rows}


@pytest.mark.parametrize(
    ("path", "status", "word"),
    [
        ("/store/nowhere", 404, "nothing is stored"),
        ("/store/berlin-1?from=2026-03-08&to=2026-03-07", 400, "ends before"),
        ("/store/berlin-1?from=x&to=2026-03-07", 400, "2026-03-07"),
        ("/store/berlin-1?from=1026-03-01&to=2026-03-07", 400, "at most"),
        ("/store/berlin-1?from=2025-01-01&to=2025-01-02", 404, "All stores"),
        ("/store/berlin-1/change?zone=promo", 400, "first day after it"),
        ("/store/berlin-1/change?zone=promo&on=0001-01-01", 400, "days are stored from"),
        ("/store/berlin-1/change?zone=promo&on=2026-03-10&effect=7", 400, "one of 2, 5, 10"),
        ("/store/berlin-1/change?zone=till&on=2026-03-10", 404, "no place with goods"),
        (f"{DAY}&against=whatever", 400, "a year before"),
        ("/store/%3Cscript%3E", 404, "&lt;script&gt;"),
        ("/no-such", 404, "no such page"),
    ],
)
def test_what_is_not_there_is_said(path: str, status: int, word: str, inside: httpx.Client) -> None:
    answer = inside.get(path)
    assert answer.status_code == status
    assert word in answer.text


def test_days_are_shown_although_there_is_nothing_to_compare_them_with(
    inside: httpx.Client,
) -> None:
    answer = inside.get(f"{DAY}&against=before")
    assert answer.status_code == 200
    assert "Saturday, 7 March 2026" in answer.text
    assert "Nothing to compare with: store &#39;berlin-1&#39;: no release of 2026-03-06" in (
        answer.text
    )
    chain = inside.get("/chain?from=2026-03-07&to=2026-03-07&against=before").text
    assert "What changed: nothing to compare with" in chain
    assert "nothing of those days is stored: berlin-1" in chain


def test_a_change_of_a_shelf_is_asked_on_a_form(inside: httpx.Client) -> None:
    form = inside.get(DAY).text
    assert 'action="/store/berlin-1/change"' in form
    assert '<option value="promo">Promotion' in form
    assert '<option value="till"' not in form  # no goods there
    asked = "zone=promo&on=2026-03-08&effect=20"
    page = inside.get(f"/store/berlin-1/change?{asked}")
    assert page.status_code == 200
    assert "Planogram change · berlin-1" in page.text
    assert '<option value="promo" selected>' in page.text
    table = inside.get(f"/store/berlin-1/change.csv?{asked}")
    assert table.headers["content-disposition"].endswith('"berlin-1-promo-2026-03-08.csv"')
    rows = list(csv.DictReader(table.text.splitlines()))
    assert {row["item"] for row in rows} == {"promo"}


def test_no_connection_to_the_database_stays_open(inside: httpx.Client, database: Path) -> None:
    for path in ("/", "/store/nowhere", "/store/berlin-1/numbers.csv", "/store/berlin-1?from=x"):
        inside.get(path)
    folder = Path("/proc/self/fd")
    if not folder.exists():
        pytest.skip("open files are listed on Linux only")
    there = [one for one in list(folder.iterdir()) if one.is_symlink()]
    links = [os.readlink(one) for one in there]  # noqa: PTH115 - sockets are no paths
    assert not [one for one in links if one.startswith(str(database))]


def test_an_address_that_cannot_be_had_is_named(server: WebServer, database: Path) -> None:
    with pytest.raises(ConfigError, match="in use"):
        WebServer(database, busy_ms=200, port=server.port)
    with pytest.raises(ConfigError, match="IP address"):
        WebServer(database, busy_ms=200, listen="localhost")


def test_all_stores_stand_side_by_side(inside: httpx.Client) -> None:
    answer = inside.get("/chain?from=2026-03-07&to=2026-03-07")
    assert answer.status_code == 200
    assert 'href="/store/berlin-1?from=2026-03-07&amp;to=2026-03-07"' in answer.text
    table = inside.get("/chain/numbers.csv?from=2026-03-07&to=2026-03-07")
    assert {row["store"] for row in csv.DictReader(table.text.splitlines())} == {"", "berlin-1"}


@pytest.mark.parametrize(
    ("chosen", "page"),
    [
        ("store=berlin-1&from=2026-03-07&to=2026-03-07&against=", DAY),
        ("store=&from=2026-03-07&to=2026-03-07", "/chain?from=2026-03-07&to=2026-03-07"),
    ],
)
def test_a_choice_leads_to_its_page(chosen: str, page: str, inside: httpx.Client) -> None:
    answer = inside.get(f"/show?{chosen}")
    assert (answer.status_code, answer.headers["location"]) == (303, page)


def test_scripts_come_from_here_alone_and_are_no_more_than_htmx(inside: httpx.Client) -> None:
    answer = inside.get(DAY)
    policy = answer.headers["content-security-policy"]
    assert "script-src 'self';" in policy
    assert "unsafe-eval" not in policy
    assert re.findall(r"<script[^>]*>", answer.text) == ['<script src="/htmx.js" defer>']
    script = inside.get("/htmx.js")
    assert script.headers["content-type"].startswith("text/javascript")
    assert "htmx" in script.text


def test_a_part_of_a_page_does_not_become_the_login(plain: httpx.Client) -> None:
    answer = plain.get(DAY, headers={"hx-request": "true"})
    assert (answer.status_code, answer.headers["hx-redirect"]) == (401, "/login")


@pytest.fixture
def signed_in(browser: Browser, server: WebServer) -> Browser:
    browser.open(server.link)
    browser.click("form.login button")
    browser.wait("document.querySelector('h1').textContent === '1 store'")
    browser.click("tbody th a")
    browser.wait("document.querySelector('#asked-from') && window.htmx")
    return browser


def test_a_period_is_chosen_without_loading_the_page_anew(signed_in: Browser) -> None:
    browser = signed_in
    browser.run("window.same = true")
    browser.run("document.querySelector('#asked-from').value = '2026-03-07'")
    browser.click(".bar form button")
    browser.wait("document.querySelector('.kicker').textContent.includes('Saturday')")
    assert browser.run("return window.same") is True
    assert browser.run("return document.querySelector('#said').textContent").startswith("Shown")
    browser.run("history.back()")
    browser.wait("document.querySelector('.kicker').textContent.includes('1 to 7 March')")
    assert browser.run("return document.querySelectorAll('.bar').length") == 1


def test_what_is_not_there_and_what_a_change_did_are_told_in_place(signed_in: Browser) -> None:
    browser = signed_in
    browser.run("window.same = true")
    browser.run(
        "const chosen = document.querySelector('#asked-against'); chosen.value = 'year';"
        "chosen.dispatchEvent(new Event('change', {bubbles: true}))"
    )
    browser.wait("document.querySelector('.bar .warning')")
    assert browser.run("return window.same") is True
    assert "no release of 2025" in browser.run("return document.querySelector('#said').textContent")
    browser.run("document.querySelector('.bar details').open = true")
    browser.run("document.querySelector('#changed-on').value = '2026-03-08'")
    browser.click(".bar details button")
    browser.wait("document.querySelector('.kicker').textContent.startsWith('Planogram change')")
    assert browser.run("return window.same") is True
    assert "change of" in browser.run("return document.querySelector('#said').textContent")


def test_everything_works_without_scripts(signed_in: Browser) -> None:
    browser = signed_in
    browser.scripts(run=False)
    browser.click(".bar form button")
    browser.click("nav[aria-label='Stores and periods'] a")
    browser.click("form[action='/logout'] button")
    browser.scripts(run=True)
    browser.wait("location.pathname === '/login'")


def test_no_rule_of_wcag_is_broken(
    signed_in: Browser, server: WebServer, broken_rules: Callable[..., dict[str, object]]
) -> None:
    signed_in.run("document.querySelector('.bar details').open = true")
    assert broken_rules(".bar") == {}  # the rest is the offline page
    for page in ("", "login", "no-such"):
        signed_in.open(f"{server.url}{page}")
        assert broken_rules() == {}, page
