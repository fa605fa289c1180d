"""Charts: a period's course, the week's rhythm, funnels, goods and baskets."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from hub.patterns.shares import Estimate, Share
from hub.reports.pictures import (
    DARK_FROM,
    INK,
    MUTED,
    PAPER,
    PATTERN_COLOURS,
    RULE,
    TINTS,
    WIDTH_IN,
    bare,
    clamp,
    svg,
)
from hub.reports.summary import ZoneRow
from hub.reports.trend import Point, Rhythm, Series
from hub.reports.words import PATTERN_NAMES, WEEKDAYS

BAR = "#2b78b4"
MARKERS = {"showroomer": "o", "wanderer": "s", "indecisive": "^"}
"""Shapes beside colours, for print in grey."""
MOST_BARS = 12
FUNNEL = (
    ("pass", None),
    ("stop", "stop_rate"),
    ("engage", "engagement"),
    ("pick", "pick_rate"),
    ("keep", "conversion"),
)


def course_picture(series: Sequence[Series]) -> str:
    """Draw visits, stop rate and patterns over the days, with bands of 95 %."""
    figure = Figure(figsize=(WIDTH_IN, 5.6), facecolor=PAPER)
    by_figure = {one.figure: one for one in series}
    patterns = [one for one in series if one.figure in PATTERN_COLOURS]
    days = [point.since for point in series[0].points] + [series[0].points[-1].until]
    panels = (
        ("visits", (0.13, 0.76, 0.84, 0.2), [by_figure["visits"]]),
        ("stop rate", (0.13, 0.46, 0.84, 0.2), [by_figure["stop_rate"]]),
        ("patterns, share of visits", (0.13, 0.12, 0.84, 0.24), patterns),
    )
    for title, place, shown in panels:
        axes = figure.add_axes(place)
        for one in shown:
            _line(axes, one)
        grain = "" if all(one.grain == "day" for one in shown) else " (by the week)"
        axes.set_title(f"{title}{grain}", loc="left", fontsize=9.5, color=MUTED)
        axes.set_xlim(min(days).toordinal() - 0.7, max(days).toordinal() + 0.7)
        ticks = _ticks(min(days), max(days))
        axes.set_xticks([day.toordinal() for day in ticks], [f"{d.day} {d:%b}" for d in ticks])
        axes.grid(axis="y", color=RULE, linewidth=0.6)
        axes.set_axisbelow(True)
        bare(axes)
        axes.tick_params(axis="x", pad=6)
        axes.set_ylim(bottom=0)
        if title != "visits":
            _percent_ticks(axes)
        if not any(point.value is not None for one in shown for point in one.points):
            axes.text(
                0.5, 0.5, "withheld: too few visits", transform=axes.transAxes, ha="center",
                color=MUTED, style="italic",
            )  # fmt: skip
    figure.legend(
        handles=_handles(figure, patterns), loc="lower center", ncols=3, frameon=False, fontsize=9
    )
    return svg(figure)


def rhythm_picture(rows: Sequence[Rhythm]) -> str:
    """Draw visits a day by weekday and part of the day as a tinted table."""
    parts = list(dict.fromkeys(row.daypart for row in rows))
    weekdays = sorted({row.weekday for row in rows})
    figure = Figure(figsize=(WIDTH_IN, 0.7 + 0.4 * len(weekdays)), facecolor=PAPER)
    axes = figure.add_axes((0.1, 0.12, 0.89, 0.86))
    top = max([1.0, *(row.visits.value for row in rows)])
    for row in rows:
        x, y = parts.index(row.daypart), weekdays.index(row.weekday)
        told = row.visits.low > 0
        level = clamp(row.visits.value / top)
        face = TINTS(level) if told else PAPER
        axes.add_patch(_box(x, y, face))
        ink = PAPER if told and level > DARK_FROM else INK if told else MUTED
        text = f"{row.visits.value:.0f}" if told else "?"
        axes.text(x + 0.5, y + 0.5, text, ha="center", va="center", color=ink, fontsize=8.5)
    axes.set_xlim(0, len(parts))
    axes.set_ylim(len(weekdays), 0)
    hourly = all(part.endswith(":00") for part in parts)
    names = [part.removesuffix(":00") if hourly else part for part in parts]
    axes.set_xticks([place + 0.5 for place in range(len(parts))], names)
    axes.set_yticks(
        [place + 0.5 for place in range(len(weekdays))], [WEEKDAYS[day][:3] for day in weekdays]
    )
    bare(axes)
    axes.spines["bottom"].set_visible(False)
    return svg(figure)


def funnel_picture(zone: ZoneRow) -> str:
    """Draw what is left of an aisle's passers at each step, with 95 % intervals."""
    figure = Figure(figsize=(WIDTH_IN, 2.1), facecolor=PAPER)
    axes = figure.add_axes((0.13, 0.04, 0.85, 0.92))
    for place, (_, rate) in enumerate(FUNNEL):
        share = Share(1.0, 1.0, 1.0) if rate is None else getattr(zone, rate)
        _bar(axes, share, place=place, text=lambda value: f"{100 * value:.0f} %", limit=1.0)
    axes.set_yticks(range(len(FUNNEL)), [step for step, _ in FUNNEL])
    axes.set_ylim(len(FUNNEL) - 0.5, -0.5)
    axes.set_xlim(0, 1.14)
    axes.set_xticks([])
    bare(axes)
    axes.spines["bottom"].set_visible(False)
    return svg(figure)


def bars_picture(rows: Sequence[tuple[str, Estimate | Share]], *, percent: bool) -> str:
    """Draw labelled bars with 95 % intervals, the first ``MOST_BARS``.

    Args:
        rows: label and figure.
        percent: whether they are shares.
    """
    shown = rows[:MOST_BARS]
    figure = Figure(figsize=(WIDTH_IN, 0.3 + 0.34 * len(shown)), facecolor=PAPER)
    axes = figure.add_axes((0.3, 0.03, 0.68, 0.94))
    top = max([1e-9, *(row.high for _, row in shown if row.high is not None)])
    for place, (_, row) in enumerate(shown):
        _bar(
            axes, row, place=place, limit=top,
            text=lambda value: f"{100 * value:.1f} %" if percent else f"{value:,.0f}",
        )  # fmt: skip
    axes.set_yticks(range(len(shown)), [_short(label) for label, _ in shown])
    axes.set_ylim(len(shown) - 0.5, -0.5)
    axes.set_xlim(0, 1.22 * top)
    axes.set_xticks([])
    bare(axes)
    axes.spines["bottom"].set_visible(False)
    return svg(figure)


def _bar(
    axes: Any,  # noqa: ANN401 - matplotlib's types are not followed
    row: Estimate | Share | None,
    *,
    place: int,
    limit: float,
    text: Any,  # noqa: ANN401 - a function of a float
) -> None:
    if row is None or row.value is None or row.low is None or row.high is None:
        axes.text(0.01 * limit, place, "withheld", va="center", color=MUTED, style="italic")
        return
    value, low, high = (min(limit, max(0.0, x)) for x in (row.value, row.low, row.high))
    axes.barh(place, value, height=0.6, color=BAR, alpha=0.4)
    axes.plot([low, high], [place, place], color=BAR, linewidth=2.4, solid_capstyle="butt")
    axes.text(high + 0.02 * limit, place, text(value), va="center", weight="bold")


def _line(
    axes: Any,  # noqa: ANN401 - matplotlib's types are not followed
    series: Series,
) -> None:
    colour = PATTERN_COLOURS.get(series.figure, INK)
    marker = MARKERS.get(series.figure, "o")
    for run in _runs(series.points):
        xs = [(point.since.toordinal() + point.until.toordinal()) / 2 for point in run]
        lows, values, highs = (
            [max(0.0, getattr(point, name)) for point in run] for name in ("low", "value", "high")
        )
        axes.fill_between(xs, lows, highs, color=colour, alpha=0.18, linewidth=0)
        if len(run) == 1:
            axes.plot([xs[0], xs[0]], [lows[0], highs[0]], color=colour, linewidth=1.5, alpha=0.5)
        axes.plot(xs, values, color=colour, linewidth=1.4, marker=marker, markersize=3)


def _runs(points: Sequence[Point]) -> list[list[Point]]:
    """Cut at what is withheld, so that no line is drawn across it."""
    runs: list[list[Point]] = [[]]
    for point in points:
        if point.value is None:
            runs.append([])
        else:
            runs[-1].append(point)
    return [run for run in runs if run]


def _ticks(first: date, last: date) -> list[date]:
    """Give at most eight days to name, Mondays of a longer period."""
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    if len(days) > 8:  # noqa: PLR2004 - as the docstring says
        days = [day for day in days if day.weekday() == 0]
    step = -(-len(days) // 8)
    return days[::step]


def _percent_ticks(axes: Any) -> None:  # noqa: ANN401 - matplotlib's types are not followed
    top = min(1.0, axes.get_ylim()[1])
    axes.set_ylim(0, top)
    step = next(step for step in (0.02, 0.05, 0.1, 0.2, 0.25, 0.5, 1.0) if top / step <= 5)  # noqa: PLR2004 - lines one can count
    ticks = [number * step for number in range(int(top / step) + 1)]
    axes.set_yticks(ticks, [f"{100 * tick:.0f} %" for tick in ticks])


def _handles(
    figure: Any,  # noqa: ANN401 - matplotlib's types are not followed
    patterns: Sequence[Series],
) -> list[Any]:
    axes = figure.axes[0]
    return [
        axes.plot(
            [], [], color=PATTERN_COLOURS[one.figure], marker=MARKERS[one.figure], markersize=4,
            label=PATTERN_NAMES[one.figure],
        )[0]
        for one in patterns
    ]  # fmt: skip


def _box(x: int, y: int, face: Any) -> Any:  # noqa: ANN401 - matplotlib's types are not followed

    return Rectangle((x, y), 1, 1, facecolor=face, edgecolor=PAPER, linewidth=1.2)


def _short(label: str, most: int = 20) -> str:
    return label if len(label) <= most else f"{label[: most - 1]}…"
