"""Pictures of several stores side by side."""

from __future__ import annotations

from hub.patterns.shares import Share
from hub.reports.canvas import (
    INK,
    MUTED,
    RULE,
    Canvas,
    Panel,
    clamp,
    fitting,
    span_ticks,
    wide,
)
from hub.reports.chain import Chain, StoreRow

SIDE_COLOURS = {"above": "#0072b2", "below": "#b84f00", "like": "#7d8790"}
SIDE_SHAPES = {"above": "^", "below": "s", "like": "o"}
"""Shapes beside colours, for print in grey."""
STEP = 15.0
SMALL = (150.0, 46.0)


def stores_picture(chain: Chain, *, figure: str) -> str:
    """Draw one figure of every store, the highest first, with the chain's as a line."""
    told = [(row, row.figures.get(figure)) for row in chain.rows]
    shown = [(row, one) for row, one in told if one is not None and one.value is not None]
    shown.sort(key=lambda pair: -(pair[1].value or 0.0))
    canvas = Canvas(STEP * len(shown) + 54)
    widest = min(110.0, max([30.0, *(wide(row.store, size=8.5) for row, _ in shown)]))
    ends = [clamp(end) for _, one in shown for end in (one.low or 0.0, one.high or 0.0)]
    least, most, ticks = span_ticks(min(ends, default=0.0), max(ends, default=1.0), percent=True)
    left = widest + 8
    bottom = 8 + STEP * len(shown)
    panel = Panel(canvas, left, 8, canvas.width - left - 12, bottom - 8, (least, most), (0, 1))
    for value, text in ticks:
        canvas.line([(panel.x(value), 6), (panel.x(value), bottom)], colour=RULE, width=0.6)
        canvas.text(panel.x(value), bottom + 9, text, size=8.5, fill=MUTED)
    whole = chain.figures[figure].value
    if whole is not None:
        x = panel.x(clamp(whole))
        canvas.line([(x, 2), (x, bottom)], colour=INK, width=1.0)
    for number, (row, one) in enumerate(shown):
        _dot(panel, row, one, y=8 + STEP * (number + 0.5), side=chain.side(row, figure) or "like")
    canvas.legend(
        [(SIDE_COLOURS[side], SIDE_SHAPES[side], f"{side} the chain") for side in SIDE_COLOURS],
        y=bottom + 32,
    )
    return canvas.svg()


def visits_picture(row: StoreRow) -> str:
    """Draw a store's visits by day, small: from zero to its own highest day."""
    width, height = SMALL
    canvas = Canvas(height, width)
    days = row.days
    highs = [day.visits.high for day in days if day.visits]
    first = days[0].day.toordinal()
    ends = (first - 0.5, first + len(days) - 0.5)
    panel = Panel(canvas, 3, 3, width - 6, height - 6, ends, (0.0, max([1.0, *highs])))
    runs: list[list[tuple[float, float, float, float]]] = [[]]
    for day in days:
        if day.visits is None:
            runs.append([])
            continue
        low, value, high = (
            max(0.0, x) for x in (day.visits.low, day.visits.value, day.visits.high)
        )
        runs[-1].append((day.day.toordinal(), low, value, high))
    for run in runs:
        if run:
            panel.band(run, colour=INK, marks=False)
    canvas.line([(3, height - 3), (width - 3, height - 3)], colour=MUTED, width=0.8)
    return canvas.svg()


def _dot(panel: Panel, row: StoreRow, one: Share, *, y: float, side: str) -> None:
    low, value, high = (clamp(x or 0.0) for x in (one.low, one.value, one.high))
    colour = SIDE_COLOURS[side]
    name = fitting(row.store, width=panel.left - 6, size=8.5)
    panel.canvas.text(panel.left - 5, y, name, size=8.5, anchor="end")
    panel.canvas.line([(panel.x(low), y), (panel.x(high), y)], colour=colour, width=1.6)
    panel.canvas.dot(panel.x(value), y, colour=colour, shape=SIDE_SHAPES[side])
