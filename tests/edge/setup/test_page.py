"""The page in a real browser: what store IT does, by mouse and keys."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edge.config import parse

Browser = Any
"""The conftest's."""
Page = Any
Serve = Callable[..., Page]
Visit = Callable[[str], Page]
Spot = Callable[[float, float], tuple[float, float]]
MARKS = [(0.5, 1.0), (5.5, 1.0), (5.5, 4.4), (0.5, 4.4), (2.0, 0.5), (4.0, 4.5)]


@pytest.fixture
def shop(browser: Browser, new_page: Serve) -> Visit:
    """Open the page for a file's text, as the link in the terminal does."""

    def visit(text: str) -> Page:
        page = new_page(text)
        browser.resize(1400, 950)
        browser.open(page.server.link)
        browser.wait("!document.getElementById('page').hidden")
        return page

    return visit


def calibrate(browser: Browser, spot_px: Spot, *, swapped: int = -1) -> None:
    """Click each mark in the picture and type where it is."""
    browser.wait("document.querySelector('#picture image') !== null", patience_s=30.0)
    for number, (east, north) in enumerate(MARKS):
        browser.mouse(browser.at("picture", *spot_px(east, north)))
        if number == swapped:
            east, north = north, east  # noqa: PLW2901 - as people do
        row = f'#points tr[data-row="{number}"]'
        browser.type(f'{row} input[data-key="east"]', str(east).replace(".", ","))
        browser.type(f'{row} input[data-key="north"]', str(north))


def choose_pinhole(browser: Browser) -> None:
    """Take the fastest lens; which one the points choose is test_trial's to ask."""
    browser.run("""
        const lens = document.getElementById('lens');
        lens.value = 'pinhole';
        lens.dispatchEvent(new Event('change'));""")


def text_of(browser: Browser, selector: str) -> str:
    return str(browser.run("return document.querySelector(arguments[0]).innerText", selector))


def on_floor(browser: Browser, east: float, north: float) -> tuple[float, float]:
    place: tuple[float, float] = browser.at("canvas", east, -north)
    return place


def test_from_an_unfinished_file_to_a_calibrated_camera_with_zones(
    browser: Browser,
    shop: Visit,
    store_text: str,
    spot_px: Spot,
) -> None:
    page = shop(store_text)
    assert "token" not in browser.run("return location.href")
    browser.wait("document.getElementById('settling').textContent === ''", patience_s=30.0)
    choose_pinhole(browser)
    calibrate(browser, spot_px)
    browser.type("#height", "3,2")
    browser.wait("document.querySelector('#verdict .good') !== null", patience_s=60.0)
    missed = [float(one) for one in browser.run(
        "return [...document.querySelectorAll('#points .miss')].map((cell) => cell.innerText)"
    )]  # fmt: skip
    assert len(missed) == 6
    assert max(missed) < 2.0
    assert browser.run("return document.querySelectorAll('#picture .grid-line').length") >= 9

    browser.click("#tab-plan")
    browser.type("#floor-width", "6")
    browser.type("#floor-depth", "5")
    browser.click("#outline-set")
    browser.run("document.getElementById('what').value = 'fixture'")
    browser.click('[data-tool="box"]')
    drag(browser, (2.72, 1.03), (3.32, 4.02))
    browser.run("document.getElementById('what').value = 'aisle'")
    browser.click('[data-tool="box"]')
    drag(browser, (0.21, 0.97), (2.73, 3.96))
    browser.type("#shape-name", "Wein & Käse")
    browser.click('[data-tool="polygon"]')
    for corner in [(3.3, 1.0), (5.8, 1.0), (5.8, 4.0), (3.3, 4.0), (3.3, 1.0)]:
        browser.mouse(on_floor(browser, *corner))
    browser.wait("document.querySelectorAll('#canvas .zone').length === 2")
    browser.wait("document.querySelector('#problems .good') !== null")
    browser.click("#undo")
    browser.wait("document.querySelectorAll('#canvas .zone').length === 1")
    browser.click("#redo")
    browser.wait("document.querySelectorAll('#canvas .zone').length === 2")

    browser.click("#save")
    browser.wait("document.getElementById('save-dialog').open", patience_s=30.0)
    assert "+[[plan.zones]]" in text_of(browser, "#save-diff")
    assert "stream.mjpg" not in text_of(browser, "#save-diff")
    browser.click("#save-write")
    browser.wait("document.getElementById('notice').className.includes('fine')", patience_s=30.0)

    text = page.file.read_text()
    assert text.startswith(store_text.rstrip("\n"))
    assert page.file.with_name("store.toml.bak").read_text() == store_text
    config = parse(text, where="store.toml")
    camera, plan = config.cameras[0], config.plan
    assert camera.size_px == (640, 480)
    assert camera.height_m == 3.2
    assert [point[2:] for point in camera.points] == MARKS
    for point, mark in zip(camera.points, MARKS, strict=True):
        assert point[:2] == pytest.approx(spot_px(*mark), abs=1.0)
    assert plan.version == "1"
    assert plan.outline == ((0, 0), (6, 0), (6, 5), (0, 5))
    assert plan.fixtures == (((2.7, 1), (3.3, 1), (3.3, 4), (2.7, 4)),)
    assert [(zone.id, zone.kind, zone.name, zone.polygon) for zone in plan.zones] == [
        ("wein-kase", "aisle", "Wein & Käse", ((0.2, 1), (2.7, 1), (2.7, 4), (0.2, 4))),
        ("aisle-1", "aisle", "", ((3.3, 1), (5.8, 1), (5.8, 4), (3.3, 4))),
    ]


def drag(browser: Browser, start: tuple[float, float], end: tuple[float, float]) -> None:
    middle = ((start[0] + end[0]) / 2, (start[1] + end[1]) / 2)
    browser.mouse(*(on_floor(browser, *place) for place in (start, middle, end)), drag=True)


def test_a_swapped_point_is_named_and_mended(
    browser: Browser,
    shop: Visit,
    store_text: str,
    spot_px: Spot,
) -> None:
    shop(store_text)
    choose_pinhole(browser)
    calibrate(browser, spot_px, swapped=4)
    browser.wait("document.querySelector('#points .suspect') !== null", patience_s=60.0)
    assert "point 5" in text_of(browser, "#verdict").lower()
    for key, value in (("east", "2"), ("north", "0.5")):
        browser.type(f'#points tr[data-row="4"] input[data-key="{key}"]', value, clear=True)
    browser.wait("document.querySelector('#points .suspect') === null", patience_s=60.0)


def test_a_plan_image_is_scaled_and_pairs_are_clicked(
    browser: Browser,
    shop: Visit,
    store_text: str,
    spot_px: Spot,
    tmp_path: Path,
) -> None:
    import cv2  # noqa: PLC0415 - only here
    import numpy as np  # noqa: PLC0415

    drawing = np.full((600, 700, 3), 255, np.uint8)
    cv2.rectangle(drawing, (50, 50), (650, 550), (0, 0, 0), 3)  # 6 x 5 m at 100 px a metre
    cv2.imwrite(str(tmp_path / "plan.png"), drawing)
    shop(store_text)
    browser.wait("document.querySelector('#picture image') !== null", patience_s=30.0)
    browser.type("#plan-image", str(tmp_path / "plan.png"))
    browser.wait("document.querySelector('#floor image') !== null")

    def on_plan(x: float, y: float) -> tuple[float, float]:
        left, top, width = browser.run("""
            const area = document.querySelector('#floor image').getBoundingClientRect();
            return [area.left, area.top, area.width];""")
        return left + x * width / 700, top + y * width / 700

    browser.run("document.getElementById('floor').scrollIntoView()")
    browser.mouse(on_plan(50, 550))
    browser.mouse(on_plan(650, 550))
    browser.type("#plan-length", "6")
    browser.keys("\ue007")
    browser.mouse(on_plan(50, 550))  # 0 east, 0 north
    browser.wait("!document.getElementById('plan-scale').hidden")
    for east, north in MARKS[:2]:
        browser.mouse(browser.at("picture", *spot_px(east, north)))
        browser.run("document.getElementById('floor').scrollIntoView()")
        browser.mouse(on_plan(50 + 100 * east, 550 - 100 * north))
    found = browser.run("""
        const metres = '#points input[data-key=east], #points input[data-key=north]';
        return [...document.querySelectorAll(metres)].map((input) => Number(input.value));""")
    assert found == pytest.approx([0.5, 1.0, 5.5, 1.0], abs=0.06)


def test_zones_are_edited_by_keys_and_overlaps_are_shown(
    browser: Browser,
    shop: Visit,
    store_text: str,
    plan_text: str,
) -> None:
    shop(store_text + plan_text)
    browser.click("#tab-plan")
    browser.click("#shapes li:first-child button")
    assert "Zone wine" in text_of(browser, "#shape-title")
    browser.type("#shape-name", " II")
    assert "Zone wine" in text_of(browser, "#shape-title")  # saved ids stay
    browser.type("#shape-corners", "0,2 1\n2.7 1\n2.7 4\n1 4\n0.2 3", clear=True)
    browser.wait("document.querySelectorAll('#canvas .corner').length === 5")
    browser.run("document.getElementById('canvas').focus()")
    browser.keys("\ue014")  # right: 10 cm
    corners = text_of_value(browser, "#shape-corners").split()
    assert corners == ["0.3", "1", "2.8", "1", "2.8", "4", "1.1", "4", "0.3", "3"]
    browser.click("#shape-add")
    browser.type("#shape-corners", "1 1\n2 1\n2 2", clear=True)
    browser.wait("document.querySelectorAll('#canvas .shape.wrong').length === 2")
    assert "overlap" in text_of(browser, "#problems")
    browser.run("document.getElementById('canvas').focus()")
    browser.keys("\ue017")  # Delete
    browser.wait("document.querySelector('#problems .good') !== null")
    for _ in range(3):
        browser.keys("\ue009", "z")
    browser.wait("document.querySelectorAll('#canvas .shape.wrong').length === 0")


def text_of_value(browser: Browser, selector: str) -> str:
    return str(browser.run("return document.querySelector(arguments[0]).value", selector))


def test_a_mistyped_address_is_corrected_and_a_camera_let_go(
    browser: Browser,
    shop: Visit,
    store_text: str,
) -> None:
    page = shop(store_text)
    browser.wait("document.querySelector('#picture image') !== null", patience_s=30.0)
    browser.click("#camera-add")
    browser.type("#camera-name", "door")
    browser.type("#camera-source", "192.0.2.1/stream\n")
    browser.wait("document.getElementById('camera-state').innerText.includes('begins with')")
    browser.click("#camera-address")
    assert "door" in text_of(browser, "#camera-title")
    browser.click("#camera-drop")
    browser.wait("document.getElementById('camera').value === 'ceiling'")
    browser.click("#camera-address")
    assert not browser.run("return document.getElementById('camera-drop').checkVisibility()")
    source = re.search(r'source = "(.*)"', store_text)
    assert source is not None
    browser.type("#camera-source", f"{source[1]}?again\n")
    browser.wait("!document.getElementById('save').disabled")
    browser.click("#save")
    browser.wait("document.getElementById('save-dialog').open")
    assert "another address" in text_of(browser, "#save-errors")
    assert page.file.read_text() == store_text


def test_a_file_that_was_changed_meanwhile_is_shown_anew(
    browser: Browser,
    shop: Visit,
    store_text: str,
    plan_text: str,
    points: list[tuple[float, float, float, float]],
) -> None:
    rows = ", ".join(str(list(point)) for point in points)
    whole = f"{store_text}size_px = [640, 480]\nheight_m = 3.2\npoints = [{rows}]\n{plan_text}"
    page = shop(whole)
    browser.click("#tab-plan")
    browser.click("#shapes li:first-child button")
    browser.type("#shape-name", " II")
    browser.click("#save")
    browser.wait("document.getElementById('save-dialog').open", patience_s=30.0)
    page.file.write_text(whole.replace('opens = "09:00"', 'opens = "08:00"'))
    browser.click("#save-write")
    browser.wait("document.getElementById('save-errors').innerText.includes('somebody else')")
    browser.wait("!document.getElementById('save-write').disabled")
    browser.click("#save-write")
    browser.wait("document.getElementById('notice').className.includes('fine')", patience_s=30.0)
    text = page.file.read_text()
    assert 'opens = "08:00"' in text
    assert 'name = "Wine II"' in text


def test_shapes_that_cross_themselves_are_told_not_lost(
    browser: Browser,
    shop: Visit,
    store_text: str,
    plan_text: str,
) -> None:
    shop(store_text + plan_text)
    browser.click("#tab-plan")
    browser.click('[data-tool="polygon"]')
    for corner in [(4.0, 1.0), (5.0, 3.0), (5.0, 1.0), (4.0, 3.0), (4.0, 1.0)]:
        browser.mouse(on_floor(browser, *corner))
    browser.wait("document.querySelector('#problems .poor') !== null")
    assert "crosses itself near 4.5 east, 2.0 north" in text_of(browser, "#problems")


def test_the_door_asks_for_a_token_and_says_when_it_is_wrong(
    browser: Browser,
    new_page: Serve,
    store_text: str,
) -> None:
    page = new_page(store_text)
    browser.resize(500, 900)
    browser.open(page.server.url)
    browser.wait("!document.getElementById('door').hidden")
    browser.type("#token", "guess\n")
    browser.wait("document.getElementById('door-error').innerText.includes('wrong')")
    browser.type("#token", page.token, clear=True)
    browser.click("#door-form button")
    browser.wait("!document.getElementById('page').hidden")
    for tab in ("calibrate", "plan", "walk"):
        browser.click(f"#tab-{tab}")
        assert browser.run("return document.documentElement.scrollWidth <= innerWidth"), tab


def test_the_page_keeps_to_its_policy_and_throws_nothing(
    browser: Browser,
    shop: Visit,
    store_text: str,
    plan_text: str,
) -> None:
    shop(store_text + plan_text)
    browser.run("""
        window.troubles = [];
        addEventListener('error', (event) => troubles.push(String(event.message)));
        addEventListener('unhandledrejection', (event) => troubles.push(String(event.reason)));
        addEventListener('securitypolicyviolation', (event) => troubles.push(event.blockedURI));""")
    for tab in ("plan", "walk", "calibrate"):
        browser.click(f"#tab-{tab}")
        time.sleep(0.3)
    loaded = browser.run("return performance.getEntriesByType('resource').map((one) => one.name)")
    own = re.compile(r"(http://127\.0\.0\.1:\d+/|blob:http://127\.0\.0\.1:)")
    assert all(own.match(name) for name in loaded)
    assert browser.run("return troubles") == []
