"""The pages in a browser, held against WCAG by axe-core: screen, dark, phone, print."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from hub.patterns.shares import ShareParams
from hub.reports.chain import chain_of, store_row
from hub.reports.comparison import Comparison
from hub.reports.page import render, render_chain
from hub.reports.summary import summarise
from wire.messages import Meta

Browser = Any
PARAMS = ShareParams()


@pytest.fixture
def store_page(shop: Callable[..., Any], meta: Meta, tmp_path: Path) -> Path:
    made = shop()
    told = made.meta(meta)
    then, now = (made.period(date(2026, 3, day), 7, meta=told) for day in (2, 9))
    before, after = (summarise(data, params=PARAMS) for data in (then, now))
    page = tmp_path / "store.html"
    page.write_text(render(after, data=now, against=Comparison.of(after, before=before)))
    return page


@pytest.fixture
def chain_page(shop: Callable[..., Any], meta: Meta, tmp_path: Path) -> Path:
    made = shop(standard=False)
    told = made.meta(meta)
    then, now = (made.period(date(2026, 3, day), 2, meta=told) for day in (2, 9))
    rows = [store_row(now, params=PARAMS, before=then)]
    days = date(2026, 3, 9), date(2026, 3, 10)
    page = tmp_path / "chain.html"
    page.write_text(render_chain(chain_of(rows, since=days[0], until=days[1], against=days)))
    return page


@pytest.mark.slow
@pytest.mark.parametrize("page", ["store_page", "chain_page"])
def test_no_rule_of_wcag_is_broken(
    page: str, request: pytest.FixtureRequest, browser: Browser, broken_rules: Callable[..., Any]
) -> None:
    browser.open(request.getfixturevalue(page).as_uri())
    assert broken_rules() == {}


@pytest.mark.parametrize("page", ["store_page", "chain_page"])
def test_nothing_is_wider_than_a_phone(
    page: str, request: pytest.FixtureRequest, browser: Browser
) -> None:
    browser.shape(width=360, height=740, deviceScaleFactor=2, mobile=True)
    browser.open(request.getfixturevalue(page).as_uri())
    assert browser.run("return document.documentElement.scrollWidth") == 360


def test_a_keyboard_reaches_every_link_and_table(store_page: Path, browser: Browser) -> None:
    browser.open(store_page.as_uri())
    reachable = browser.run(
        "return [...document.querySelectorAll('a[href], summary, [tabindex=\"0\"]')]"
        ".filter(e => e.matches('summary') || !e.closest('details:not([open])')).length"
    )
    seen = []
    for _ in range(reachable):
        browser.keys("\ue004")  # Tab
        seen.append(
            browser.run(
                "const e = document.activeElement, s = getComputedStyle(e);"
                "return [e.tagName, e.textContent.slice(0, 20), s.outlineStyle]"
            )
        )
    assert len({tuple(one) for one in seen}) == reachable
    assert {style for _, _, style in seen} == {"solid"}  # where the focus is can be seen
    browser.run("document.querySelector('summary').focus()")
    browser.keys("\ue007")  # Enter
    assert browser.run("return document.querySelector('details').open")


def test_letters_in_pictures_stay_in_them_and_apart(store_page: Path, browser: Browser) -> None:
    browser.open(store_page.as_uri())
    assert (
        browser.run(
            """
        const out = [];
        for (const svg of document.querySelectorAll('.picture svg')) {
          const frame = svg.getBoundingClientRect();
          const name = svg.parentElement.getAttribute('aria-label');
          const boxes = [...svg.querySelectorAll('text')].map(t => [t, t.getBoundingClientRect()]);
          for (const [t, b] of boxes)
            if (b.left < frame.left - 1 || b.right > frame.right + 1 || b.top < frame.top - 1 ||
                b.bottom > frame.bottom + 1) out.push(['outside', name, t.textContent]);
          boxes.forEach(([t, b], i) => boxes.slice(i + 1).forEach(([u, c]) => {
            const wide = Math.min(b.right, c.right) - Math.max(b.left, c.left);
            const high = Math.min(b.bottom, c.bottom) - Math.max(b.top, c.top);
            if (wide > 1 && high > 0.35 * Math.min(b.height, c.height))
              out.push(['over', name, t.textContent, u.textContent]);
          }));
        }
        return out;"""
        )
        == []
    )
