"""SVG written straight: a page of pictures in milliseconds, without a plotting library.

Lengths are points of a picture ``WIDTH`` wide, from its north-west corner.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape

INK, MUTED, RULE, PAPER = "#1d2733", "#566370", "#d5dbe1", "#ffffff"
EDGE = "#7d8790"
FIXTURE = "#c3c9cf"
WIDTH = 353.0
"""Narrow, so that letters stay readable when a phone scales the picture to its own width."""
SIZE = 9.5
"""Of letters."""
TINT_STOPS = ((234, 241, 247), (143, 188, 220), (43, 120, 180), (8, 56, 107))
"""One hue from light to dark, so that print in grey keeps the order."""
DARK_FROM = 0.6
"""Part of the tints from which letters on them are white: there both reach a contrast of 3.9."""
ABSENT, WITHHELD, DEAD = "url(#absent)", "url(#withheld)", "url(#dead)"
HATCHES = (
    '<svg class="hidden" aria-hidden="true" width="1" height="1"><defs>'
    + "".join(
        f'<pattern id="{name}" width="5" height="5" patternUnits="userSpaceOnUse">'
        f'<path d="{path}" fill="none" stroke="{stroke}" stroke-width=".7"></path></pattern>'
        for name, path, stroke in (
            ("absent", "M-1 1L1 -1M0 5L5 0M4 6L6 4", "#a9b1b9"),
            ("withheld", "M-1 4L1 6M0 0L5 5M4 -1L6 1", "#a9b1b9"),
            ("dead", "M0 5L5 0M0 0L5 5", "#7d8790"),
        )
    )
    + "</defs></svg>"
)
"""What the fills ``ABSENT``, ``WITHHELD`` and ``DEAD`` refer to: once on a page."""
LETTER = 0.6
"""Mean width of a letter of common sans-serif fonts, in their size."""
SLACK = 1e-9
"""A value that is a tick but for rounding needs none beyond it."""
Point = tuple[float, float]


def tint(level: float) -> str:
    """Give the colour of a part, 0 to 1, of the tints.

    >>> tint(0.0)
    '#eaf1f7'
    """
    place = min(1.0, max(0.0, level)) * (len(TINT_STOPS) - 1)
    below = min(int(place), len(TINT_STOPS) - 2)
    part = place - below
    mixed = (
        round(a + part * (b - a))
        for a, b in zip(TINT_STOPS[below], TINT_STOPS[below + 1], strict=True)
    )
    return "#" + "".join(f"{one:02x}" for one in mixed)


def clamp(value: float) -> float:
    """Bring a share into 0..1 because it is shown."""
    return min(1.0, max(0.0, value))


def wide(text: str, *, size: float = SIZE) -> float:
    """Guess how wide a text is."""
    return LETTER * size * len(text)


def fitting(text: str, *, width: float, size: float = SIZE) -> str:
    """Shorten a text to a width.

    >>> fitting("Breakfast cereals and oats", width=60)
    'Breakfast…'
    """
    most = int(width / (LETTER * size))
    return text if len(text) <= most else f"{text[: max(1, most - 1)]}…"


@dataclass(slots=True)
class Canvas:
    """A picture being drawn.

    Attributes:
        height: in points.
        width: likewise.
    """

    height: float
    width: float = WIDTH
    _parts: list[str] = field(default_factory=list)

    def add(self, tag: str, **attributes: float | str) -> None:
        """Draw an element; an underscore in a name is SVG's hyphen."""
        spelt = " ".join(
            f'{name.replace("_", "-")}="{_spelt(value)}"' for name, value in attributes.items()
        )
        self._parts.append(f"<{tag} {spelt}></{tag}>")

    def rect(
        self, x: float, y: float, width: float, height: float, **attributes: float | str
    ) -> None:
        """Draw a rectangle by its north-west corner."""
        self.add("rect", x=x, y=y, width=max(0.0, width), height=max(0.0, height), **attributes)

    def line(self, points: Sequence[Point], *, colour: str, width: float = 1.4) -> None:
        """Draw a line through points."""
        self.add("path", d=path(points), fill="none", stroke=colour, stroke_width=width)

    def area(self, points: Sequence[Point], **attributes: float | str) -> None:
        """Fill a polygon."""
        self.add("path", d=f"{path(points)}Z", **attributes)

    def dot(self, x: float, y: float, *, colour: str, size: float = 2.6, shape: str = "o") -> None:
        """Draw a mark: a dot, a square ``s`` or a triangle ``^``."""
        if shape == "s":
            self.rect(x - 0.9 * size, y - 0.9 * size, 1.8 * size, 1.8 * size, fill=colour)
        elif shape == "^":
            self.area(
                [(x, y - 1.2 * size), (x + 1.1 * size, y + size), (x - 1.1 * size, y + size)],
                fill=colour,
            )
        else:
            self.add("circle", cx=x, cy=y, r=size, fill=colour)

    def text(
        self,
        x: float,
        y: float,
        text: str,
        *,
        size: float = SIZE,
        anchor: str = "middle",
        fill: str = INK,
        bold: bool = False,
        italic: bool = False,
        upright: bool = False,
        halo: bool = False,
    ) -> None:
        """Write a line of text, its middle at ``y``.

        Args:
            x: where its ``anchor`` is.
            y: its middle.
            text: is escaped.
            size: of letters.
            anchor: start, middle or end.
            fill: its colour.
            bold: heavier.
            italic: slanted.
            upright: turned to read from below.
            halo: with paper around its letters.
        """
        more: dict[str, float | str] = {"font_size": size, "text_anchor": anchor, "fill": fill}
        if bold:
            more["font_weight"] = "bold"
        if italic:
            more["font_style"] = "italic"
        if halo:
            more |= {"stroke": PAPER, "stroke_width": 2.5, "paint_order": "stroke"}
        if upright:
            more["transform"] = f"translate({_spelt(x)} {_spelt(y)}) rotate(-90)"
            x, y = 0.0, 0.0
        spelt = " ".join(f'{name.replace("_", "-")}="{_spelt(v)}"' for name, v in more.items())
        place = f'x="{_spelt(x)}" y="{_spelt(y + 0.35 * size)}"'
        self._parts.append(f"<text {place} {spelt}>{escape(text)}</text>")

    def legend(self, items: Sequence[tuple[str, str, str]], *, y: float) -> None:
        """Write what colours mean, in the middle of the picture, in rows where one is too short.

        Args:
            items: fill, shape (``box`` or one of ``dot``'s) and text.
            y: middle of the first row.
        """
        rows: list[list[tuple[str, str, str]]] = [[]]
        for item in items:
            if rows[-1] and _legend_width([*rows[-1], item]) > self.width - 8:
                rows.append([])
            rows[-1].append(item)
        for number, row in enumerate(rows):
            x, middle = (self.width - _legend_width(row)) / 2, y + 13 * number
            for fill, shape, text in row:
                if shape == "box":
                    self.rect(x, middle - 4, 14, 8, fill=PAPER)
                    self.rect(x, middle - 4, 14, 8, fill=fill, stroke=EDGE, stroke_width=0.6)
                else:
                    self.dot(x + 7, middle, colour=fill, size=3, shape=shape)
                self.text(x + 18, middle, text, size=8.5, anchor="start")
                x += 18 + wide(text, size=8.5) + 12

    def svg(self) -> str:
        """Give it as SVG for HTML, which says its width; no address is in it."""
        box = f"0 0 {_spelt(self.width)} {_spelt(self.height)}"
        return f'<svg viewBox="{box}">{"".join(self._parts)}</svg>'


@dataclass(frozen=True, slots=True)
class Panel:
    """A part of a canvas with axes of its own.

    Attributes:
        left: edge of the panel; ``top``, ``width`` and ``height`` likewise.
        xs: least and greatest value from left to right.
        ys: from below to above.
    """

    canvas: Canvas
    left: float
    top: float
    width: float
    height: float
    xs: tuple[float, float]
    ys: tuple[float, float]

    def x(self, value: float) -> float:
        """Give where a value is from the left."""
        return self.left + self.width * (value - self.xs[0]) / (self.xs[1] - self.xs[0])

    def y(self, value: float) -> float:
        """Give where a value is from above."""
        return self.top + self.height * (1 - (value - self.ys[0]) / (self.ys[1] - self.ys[0]))

    def grid(self, ticks: Sequence[tuple[float, str]]) -> None:
        """Draw lines across, named on the left."""
        for value, text in ticks:
            y = self.y(value)
            self.canvas.line([(self.left, y), (self.left + self.width, y)], colour=RULE, width=0.6)
            self.canvas.text(self.left - 5, y, text, anchor="end")

    def below(self, ticks: Sequence[tuple[float, str]]) -> None:
        """Draw the line below, with names under it."""
        y = self.top + self.height
        self.canvas.line([(self.left, y), (self.left + self.width, y)], colour=EDGE, width=0.8)
        for value, text in ticks:
            self.canvas.text(self.x(value), y + 10, text, fill=MUTED)

    def band(
        self,
        points: Sequence[tuple[float, float, float, float]],
        *,
        colour: str,
        shape: str = "o",
        marks: bool = True,
    ) -> None:
        """Draw a line with its intervals: (x, low, value, high) each, and perhaps its points."""
        lows = [(self.x(x), self.y(low)) for x, low, _, _ in points]
        highs = [(self.x(x), self.y(high)) for x, _, _, high in points]
        if len(points) == 1:
            self.canvas.line([lows[0], highs[0]], colour=colour)
        else:
            self.canvas.area([*lows, *reversed(highs)], fill=colour, fill_opacity=0.18)
            self.canvas.line([(self.x(x), self.y(v)) for x, _, v, _ in points], colour=colour)
        for x, _, value, _ in points if marks or len(points) == 1 else ():
            self.canvas.dot(self.x(x), self.y(value), colour=colour, size=1.7, shape=shape)


def round_ticks(top: float, *, percent: bool) -> tuple[float, list[tuple[float, str]]]:
    """Give a round end of an axis from 0, and at most six lines to name.

    >>> round_ticks(0.13, percent=True)
    (0.15, [(0.0, '0 %'), (0.05, '5 %'), (0.1, '10 %'), (0.15, '15 %')])
    """
    _, end, ticks = span_ticks(0.0, top, percent=percent)
    return end, ticks


def span_ticks(
    low: float, high: float, *, percent: bool
) -> tuple[float, float, list[tuple[float, str]]]:
    """Give round ends of an axis that holds two values, and at most seven lines to name.

    >>> span_ticks(0.43, 0.47, percent=True)[2]
    [(0.43, '43 %'), (0.44, '44 %'), (0.45, '45 %'), (0.46, '46 %'), (0.47, '47 %')]
    """
    step = 0.01 if percent else 1.0
    while (high - low) / step > 5:  # noqa: PLR2004 - lines one can count
        # 1, 2, 5, 10 …
        step *= 2.5 if f"{step:e}".startswith("2") else 2.0
    first, last = math.floor(low / step + SLACK), math.ceil(high / step - SLACK)
    if percent:
        last = min(last, round(1 / step))
    values = [round(n * step, 4) for n in range(first, max(last, first + 1) + 1)]
    named = [(v, f"{100 * v:.0f} %" if percent else f"{v:,.0f}") for v in values]
    return values[0], values[-1], named


def path(points: Sequence[Point]) -> str:
    """Spell a line through points as SVG's path data."""
    return "M" + "L".join(f"{_spelt(x)} {_spelt(y)}" for x, y in points)


def _legend_width(items: Sequence[tuple[str, str, str]]) -> float:
    return sum(18 + wide(text, size=8.5) + 12 for _, _, text in items) - 12


def _spelt(value: float | str) -> str:
    return escape(value) if isinstance(value, str) else f"{round(value, 2):g}"
