from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from html.parser import HTMLParser

import msgspec
import pytest

from hub.patterns.shares import ShareParams
from hub.reports.page import render
from hub.reports.period import PeriodData
from hub.reports.summary import summarise
from wire.messages import Meta, Release, Zone

VOID = {"meta", "br", "img", "link", "input", "hr", "use", "path", "rect", "image", "circle"}


class Page(HTMLParser):
    """Collects what a reader sees and checks that tags close."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self._open: list[str] = []
        self.feed(html)
        assert self._open == []

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not self._open or self._open[-1] != "style":
            self.words.append(data)


@pytest.fixture
def draw(a_day: Callable[..., list[Release]], meta: Meta) -> Callable[..., str]:
    def make(*, visits: int = 2400, **changes: object) -> str:
        changed = msgspec.structs.replace(meta, **changes)
        data = PeriodData(
            "berlin-1",
            date(2026, 3, 7),
            date(2026, 3, 7),
            {"north": [changed]},
            a_day(visits=visits),
        )
        return render(summarise(data, params=ShareParams()), data=data)

    return make


def test_the_page_asks_for_nothing_and_is_small(draw: Callable[..., str]) -> None:
    html = draw()
    assert len(html) < 1_500_000
    assert not re.search(r"https?:|//[a-z]|@import|url\((?!#)", html)
    page = Page(html)
    assert not {"script", "link", "img", "iframe", "object"} & set(page.tags)
    for name, value in page.attributes:
        if name in {"src", "href", "xlink:href", "data"}:
            assert value is not None
            assert value.startswith("#")
        assert not name.startswith("on")


def test_it_has_its_pictures_its_table_and_its_words(draw: Callable[..., str]) -> None:
    page = Page(draw())
    assert page.tags.count("svg") == 6  # with hatches, and a funnel for the aisle with a reader
    for words in (
        "Saturday, 7 March 2026",
        "90 % of them",
        "Aisle by aisle",
        "no reader here",
        "How to read this",
        "Glossary",
        "Privacy",
        "that is the standard budget",
    ):
        assert words in page.text
    assert "Simulated data" not in page.text
    assert "Weaker privacy" not in page.text
    # the finding: the promotion is where most stop, by construction of the day
    assert "Promotion stops the largest part of its passers" in page.text


def test_simulated_data_and_a_weaker_budget_are_said_on_every_printed_page(
    draw: Callable[..., str], meta: Meta
) -> None:
    weaker = msgspec.structs.replace(meta.privacy, standard=False, rho=6.0, epsilon=24.2)
    html = draw(simulated=True, privacy=weaker)
    head = html[html.index("<thead>") : html.index("</thead>")]  # printers repeat a table's head
    assert "Simulated data" in head
    assert "Weaker privacy than the standard" in head
    assert "ρ = 6" in head  # noqa: RUF001 - the letter the page shows
    assert "table-header-group" in html
    assert "weaker than the standard, by this store" in Page(html).text


def test_what_cannot_be_supported_is_withheld_in_words_and_pictures(
    draw: Callable[..., str],
) -> None:
    page = Page(draw(visits=40))
    assert "Too few visits to tell how people shopped" in page.text
    assert "withheld: too few visits for the privacy noise on them" in page.text
    assert "(see below)" in page.text
    assert "-" not in re.findall(r"<b>(-?)\d", draw(visits=40))


def test_names_from_the_plan_are_escaped(draw: Callable[..., str], meta: Meta) -> None:
    nasty = tuple(
        Zone(z.id, z.kind, "<script>x</script>&" if z.id == "aisle-1" else z.name, z.polygon)
        for z in meta.zones
    )
    html = draw(zones=nasty)
    assert "<script" not in html
    assert "&lt;script&gt;" in html


def test_the_same_day_gives_the_same_page(draw: Callable[..., str]) -> None:
    assert draw() == draw()
