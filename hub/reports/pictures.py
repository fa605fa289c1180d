"""Charts of one store's period: patterns, course, the week's rhythm, funnels, goods, baskets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, timedelta

from hub.patterns.shares import Estimate, Share
from hub.reports.canvas import (
    DARK_FROM,
    INK,
    MUTED,
    PAPER,
    Canvas,
    Panel,
    clamp,
    fitting,
    round_ticks,
    tint,
    wide,
)
from hub.reports.summary import DaypartRow, PatternRow, ZoneRow
from hub.reports.trend import Point, Rhythm, Series
from hub.reports.words import PATTERN_NAMES, WEEKDAYS
from wire.messages import PATTERNS

BAR = "#2b78b4"
PATTERN_COLOURS = {
    "showroomer": "#0072b2",
    "wanderer": "#d55e00",
    "indecisive": "#009e73",
    "bargain": "#cc79a7",
    "quality": "#e69f00",
}
"""Source: Okabe and Ito's palette, distinguishable in the common kinds of colour blindness."""
MARKERS = {"showroomer": "o", "wanderer": "s", "indecisive": "^", "bargain": "o", "quality": "s"}
"""Shapes beside colours, for print in grey."""
DRAWN = ("bargain", "quality")
"""Told apart from the others: their level is a shop's."""
MOST_BARS = 12
FUNNEL = (
    ("pass", None),
    ("stop", "stop_rate"),
    ("engage", "engagement"),
    ("pick", "pick_rate"),
    ("keep", "conversion"),
)
LEFT, RIGHT = 48.0, 9.0
"""Room beside a chart's panel, points."""
Told = Estimate | Share | PatternRow


def patterns_picture(rows: Sequence[PatternRow]) -> str:
    """Draw each pattern's share as a bar with its 95 % interval."""
    named = [(PATTERN_NAMES.get(row.name, row.name), row) for row in rows]
    colours = [PATTERN_COLOURS.get(row.name, MUTED) for row in rows]
    said = "withheld (see below)"
    return _bars(named, top=1.0, text=_percent, colours=colours, withheld=said)


def funnel_picture(zone: ZoneRow) -> str:
    """Draw what is left of an aisle's passers at each step, with 95 % intervals."""
    rows = [
        (step, Share(1.0, 1.0, 1.0) if rate is None else getattr(zone, rate))
        for step, rate in FUNNEL
    ]
    return _bars(rows, top=1.0, text=_percent)


def bars_picture(rows: Sequence[tuple[str, Estimate | Share]], *, percent: bool) -> str:
    """Draw labelled bars with 95 % intervals, the first ``MOST_BARS``.

    Args:
        rows: label and figure.
        percent: whether they are shares.
    """
    shown = rows[:MOST_BARS]
    top = max([1e-9, *(row.high for _, row in shown if row.high is not None)])
    return _bars(shown, top=top, text=_tenths if percent else _number)


def dayparts_picture(rows: Sequence[DaypartRow]) -> str:
    """Draw visits and pattern shares for each part of the day, above one another."""
    canvas = Canvas(290)
    across = (-0.6, len(rows) - 0.4)
    most, ticks = round_ticks(max([1.0, *(row.visits.high for row in rows)]), percent=False)
    upper = _panel(canvas, "visits", top=20, height=88, xs=across, most=most)
    upper.grid(ticks)
    lower = _panel(canvas, "share of visits", top=140, height=104, xs=across, most=1.0)
    lower.grid([(0.0, "0 %"), (0.5, "50 %"), (1.0, "100 %")])
    for place, row in enumerate(rows):
        value, low, high = (
            max(0.0, x) for x in (row.visits.value, row.visits.low, row.visits.high)
        )
        left, right = upper.x(place - 0.28), upper.x(place + 0.28)
        canvas.rect(
            left, upper.y(value), right - left, upper.y(0) - upper.y(value), fill="#8b949d",
            fill_opacity=0.5,
        )  # fmt: skip
        middle = upper.x(place)
        canvas.line([(middle, upper.y(low)), (middle, upper.y(high))], colour=INK, width=1.8)
        _part(lower, row, place=place)
    slot = lower.width / max(1, len(rows))
    upper.below([])
    lower.below([(n, fitting(name, width=slot)) for n, name in enumerate(_part_labels(rows))])
    canvas.legend(_key(PATTERNS), y=276)
    return canvas.svg()


def course_picture(series: Sequence[Series]) -> str:
    """Draw visits, stop rate and patterns over the days, with bands of 95 %."""
    by_figure = {one.figure: one for one in series}
    patterns = [one for one in series if one.figure in PATTERNS]
    drawn = [
        one
        for one in series
        if one.figure in DRAWN and any(point.value is not None for point in one.points)
    ]
    panels = [
        ("visits", 20.0, 80.0, [by_figure["visits"]]),
        ("stop rate", 142.0, 80.0, [by_figure["stop_rate"]]),
        ("patterns, share of visits", 264.0, 92.0, patterns),
    ]
    if drawn:
        panels.append(("drawn to promotions, or to what is dear", 424.0, 92.0, drawn))
    canvas = Canvas(560 if drawn else 400)
    for title, top, height, shown in panels:
        series_panel(canvas, title, shown, top=top, height=height)
        if shown[0].figure in PATTERN_COLOURS:
            canvas.legend(_key([one.figure for one in shown]), y=top + height + 32)
    return canvas.svg()


def segment_picture(series: Series) -> str:
    """Draw a segment's share of the visits over the days, with its band of 95 %."""
    canvas = Canvas(132)
    series_panel(canvas, "share of visits", [series], top=20, height=90)
    return canvas.svg()


def series_panel(
    canvas: Canvas, title: str, shown: Sequence[Series], *, top: float, height: float
) -> None:
    """Draw the course of one or several figures into a part of a canvas.

    Args:
        canvas: to draw on.
        title: what they are, above; visits are counts, all else shares.
        shown: the figures, of the same days.
        top: upper edge of the panel, points; ``height`` its height.
        height: likewise.
    """
    first, last = shown[0].points[0].since, shown[0].points[-1].until
    highs = [point.high for one in shown for point in one.points if point.high is not None]
    percent = title != "visits"
    limit = min(1.0, max([0.01, *highs])) if percent else max([1.0, *highs])
    most, ticks = round_ticks(limit, percent=percent)
    grain = "" if all(one.grain == "day" for one in shown) else " (by the week)"
    panel = _panel(
        canvas, f"{title}{grain}", top=top, height=height, most=most,
        xs=(first.toordinal() - 0.7, last.toordinal() + 0.7),
    )  # fmt: skip
    panel.grid(ticks)
    for one in shown:
        _course(panel, one)
    if not highs:
        middle = panel.left + panel.width / 2
        canvas.text(middle, top + height / 2, "withheld: too few visits", fill=MUTED, italic=True)
    days = _named_days(first, last)
    panel.below([(day.toordinal(), f"{day.day} {day:%b}") for day in days])


def rhythm_picture(rows: Sequence[Rhythm]) -> str:
    """Draw visits a day by weekday and part of the day as a tinted table."""
    parts = list(dict.fromkeys(row.daypart for row in rows))
    weekdays = sorted({row.weekday for row in rows})
    canvas = Canvas(29.0 * len(weekdays) + 24)
    width = (canvas.width - 38) / len(parts)
    top = max([1.0, *(row.visits.value for row in rows)])
    for row in rows:
        x, y = 34 + width * parts.index(row.daypart), 2 + 29.0 * weekdays.index(row.weekday)
        told = row.visits.low > 0
        level = clamp(row.visits.value / top)
        canvas.rect(x, y, width - 1.2, 27.8, fill=tint(level) if told else PAPER)
        ink = PAPER if told and level > DARK_FROM else INK if told else MUTED
        text = f"{row.visits.value:,.0f}" if told else "?"
        canvas.text(x + width / 2, y + 14, text, size=8.5, fill=ink)
    hourly = all(part.endswith(":00") for part in parts)
    for number, part in enumerate(parts):
        name = part.removesuffix(":00") if hourly else fitting(part, width=width)
        canvas.text(34 + width * (number + 0.5), canvas.height - 9, name, fill=MUTED)
    for number, day in enumerate(weekdays):
        canvas.text(29, 16 + 29.0 * number, WEEKDAYS[day][:3], anchor="end")
    return canvas.svg()


def _bars(
    rows: Sequence[tuple[str, Told]],
    *,
    top: float,
    text: Callable[[float], str],
    colours: Sequence[str] = (),
    withheld: str = "withheld",
) -> str:
    canvas = Canvas(27.0 * len(rows) + 6)
    widest = min(118.0, max(wide(label) for label, _ in rows))
    left = widest + 9
    panel = Panel(canvas, left, 3, canvas.width - left - 42, 27.0 * len(rows), (0, top), (0, 1))
    for place, (label, row) in enumerate(rows):
        y = 3 + 27.0 * (place + 0.5)
        canvas.text(widest + 3, y, fitting(label, width=widest + 1), anchor="end")
        if row.value is None or row.low is None or row.high is None:
            canvas.text(left + 2, y, withheld, fill=MUTED, italic=True, anchor="start")
            continue
        value, low, high = (min(top, max(0.0, x)) for x in (row.value, row.low, row.high))
        colour = colours[place] if colours else BAR
        canvas.rect(left, y - 9, panel.x(value) - left, 18, fill=colour, fill_opacity=0.38)
        canvas.line([(panel.x(low), y), (panel.x(high), y)], colour=colour, width=2.6)
        canvas.text(panel.x(high) + 5, y, text(value), anchor="start", bold=True)
    canvas.line([(left, 3), (left, canvas.height - 3)], colour=MUTED, width=0.8)
    return canvas.svg()


def _panel(
    canvas: Canvas,
    title: str,
    *,
    top: float,
    height: float,
    xs: tuple[float, float],
    most: float,
) -> Panel:
    canvas.text(LEFT, top - 11, title, fill=MUTED, anchor="start")
    return Panel(canvas, LEFT, top, canvas.width - LEFT - RIGHT, height, xs, (0.0, most))


def _part(panel: Panel, row: DaypartRow, *, place: int) -> None:
    if all(pattern.value is None for pattern in row.patterns):
        panel.canvas.text(
            panel.x(place), panel.y(0.5), "withheld", size=8.5, fill=MUTED, italic=True,
            upright=True, halo=True,
        )  # fmt: skip
    for index, pattern in enumerate(row.patterns):
        if pattern.value is None or pattern.low is None or pattern.high is None:
            continue
        x = panel.x(place + 0.18 * (index - (len(row.patterns) - 1) / 2))
        colour = PATTERN_COLOURS.get(pattern.name, MUTED)
        ends = [(x, panel.y(clamp(end))) for end in (pattern.low, pattern.high)]
        panel.canvas.line(ends, colour=colour, width=2.0)
        shape = MARKERS.get(pattern.name, "o")
        panel.canvas.dot(x, panel.y(clamp(pattern.value)), colour=colour, shape=shape)


def _part_labels(rows: Sequence[DaypartRow]) -> list[str]:
    """Shorten full hours, so that a day of them stays readable."""
    names = [row.name for row in rows]
    hourly = all(name.endswith(":00") for name in names)
    return [name.removesuffix(":00") for name in names] if hourly else names


def _course(panel: Panel, series: Series) -> None:
    colour = PATTERN_COLOURS.get(series.figure, INK)
    for run in _runs(series.points):
        points = [
            (
                (point.since.toordinal() + point.until.toordinal()) / 2,
                *(
                    min(panel.ys[1], max(0.0, x))
                    for x in (point.low, point.value, point.high)
                    if x is not None
                ),
            )
            for point in run
        ]
        panel.band(points, colour=colour, shape=MARKERS.get(series.figure, "o"))  # type: ignore[arg-type] # none is None in a run


def _runs(points: Sequence[Point]) -> list[list[Point]]:
    """Cut at what is withheld, so that no line is drawn across it."""
    runs: list[list[Point]] = [[]]
    for point in points:
        if point.value is None:
            runs.append([])
        else:
            runs[-1].append(point)
    return [run for run in runs if run]


def _named_days(first: date, last: date) -> list[date]:
    """Give at most eight days to name, Mondays of a longer period."""
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    if len(days) > 8:  # noqa: PLR2004 - as the docstring says
        days = [day for day in days if day.weekday() == 0]
    step = -(-len(days) // 8)
    return days[::step]


def _key(names: Sequence[str]) -> list[tuple[str, str, str]]:
    return [(PATTERN_COLOURS[name], MARKERS[name], PATTERN_NAMES[name]) for name in names]


def _percent(value: float) -> str:
    return f"{100 * value:.0f} %"


def _tenths(value: float) -> str:
    return f"{100 * value:.1f} %"


def _number(value: float) -> str:
    return f"{value:,.0f}"
