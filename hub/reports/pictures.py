"""The report's pictures, as SVG text without anything that reaches for a network."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Polygon

from hub.patterns.shares import Share
from hub.reports.summary import DaypartRow, PatternRow
from hub.reports.words import PATTERN_NAMES
from wire.messages import Zone

INK, MUTED, RULE, PAPER = "#1d2733", "#5b6875", "#d5dbe1", "#ffffff"
FIXTURE = "#c3c9cf"
PATTERN_COLOURS = {"showroomer": "#0072b2", "wanderer": "#d55e00", "indecisive": "#009e73"}
"""Source: Okabe and Ito's palette, distinguishable in the common kinds of colour blindness."""
TINTS = LinearSegmentedColormap.from_list("tints", ["#eaf1f7", "#8fbcdc", "#2b78b4", "#08386b"])
"""One hue from light to dark, so that print in grey keeps the order."""
STYLE: dict[str, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "aislewise",  # the same numbers give the same page
    "font.family": "sans-serif",
    "font.size": 9.5,
    "axes.edgecolor": RULE,
    "axes.labelcolor": MUTED,
    "text.color": INK,
    "xtick.color": MUTED,
    "ytick.color": INK,
    "hatch.linewidth": 0.6,
    "hatch.color": "#b4bcc4",
}
WIDTH_IN = 4.9
"""Narrow, so that letters stay readable when a phone scales the picture to its own width."""
UPRIGHT_FROM = 1.3
"""Zones so many times taller than wide are lettered upwards."""
LEGEND_STEPS = 24
ABSENT, WITHHELD = "///", "\\\\"
"""Hatches; dots would make the page five times as large."""
DARK_FROM = 0.55
"""Share of the tint scale from which letters on it are white."""


@dataclass(frozen=True, slots=True)
class Floor:
    """What is drawn of a store; polygons in metres, x east, y north."""

    outline: Sequence[tuple[float, float]]
    fixtures: Sequence[Sequence[tuple[float, float]]]
    zones: Sequence[Zone]


def style() -> AbstractContextManager[None]:
    """Give the context in which the pictures are drawn."""
    context: AbstractContextManager[None] = mpl.rc_context(STYLE)
    return context


def floor_picture(floor: Floor, *, rates: Mapping[str, Share | None], absent: str) -> str:
    """Draw the floor plan with its zones tinted by a rate.

    Args:
        floor: the plan.
        rates: by zone id; None where the rate cannot exist, for the reason ``absent``.
        absent: label of those zones in the legend.
    """
    xs = [x for x, _ in floor.outline]
    ys = [y for _, y in floor.outline]
    tall = (max(ys) - min(ys)) / (max(xs) - min(xs))
    figure = Figure(figsize=(WIDTH_IN, min(8.0, 0.86 * WIDTH_IN * tall) + 0.9), facecolor=PAPER)
    axes = figure.add_axes((0.02, 0.12, 0.96, 0.87))
    axes.add_patch(Polygon(floor.outline, facecolor="#f8f9fa", edgecolor=MUTED, linewidth=1.4))
    shown = [rate.value for rate in rates.values() if rate and rate.value is not None]
    top = max([0.1, *shown])
    for zone in floor.zones:
        _draw_zone(axes, zone, floor=floor, rates=rates, top=top)
    for fixture in floor.fixtures:
        axes.add_patch(Polygon(fixture, facecolor=FIXTURE, edgecolor="#8b949d", linewidth=0.6))
    margin = 0.03 * (max(xs) - min(xs))
    axes.set_xlim(min(xs) - margin, max(xs) + margin)
    axes.set_ylim(min(ys) - margin, max(ys) + margin)
    axes.set_aspect("equal")
    axes.set_axis_off()
    _floor_legend(figure, rates=rates, top=top, absent=absent)
    return svg(figure)


def patterns_picture(rows: Sequence[PatternRow]) -> str:
    """Draw each pattern's share as a bar with its 95 % interval."""
    figure = Figure(figsize=(WIDTH_IN, 0.55 + 0.52 * len(rows)), facecolor=PAPER)
    axes = figure.add_axes((0.24, 0.24, 0.72, 0.74))
    for place, row in enumerate(rows):
        if row.value is None or row.low is None or row.high is None:
            axes.text(0.01, place, "withheld (see below)", va="center", color=MUTED, style="italic")
            continue
        value, low, high = (clamp(x) for x in (row.value, row.low, row.high))
        colour = PATTERN_COLOURS.get(row.name, MUTED)
        axes.barh(place, value, height=0.5, color=colour, alpha=0.35)
        axes.plot([low, high], [place, place], color=colour, linewidth=2.4, solid_capstyle="butt")
        axes.plot([value], [place], "o", color=colour, markersize=6)
        axes.text(high + 0.015, place, f"{100 * value:.0f} %", va="center", weight="bold")
    axes.set_yticks(range(len(rows)), [PATTERN_NAMES.get(row.name, row.name) for row in rows])
    axes.set_ylim(len(rows) - 0.5, -0.5)
    highs = [clamp(row.high) for row in rows if row.high is not None]
    _percent_axis(axes.xaxis, axes, limit=min(1.12, max([0.5, *highs]) + 0.12))
    return svg(figure)


def dayparts_picture(rows: Sequence[DaypartRow]) -> str:
    """Draw visits and pattern shares for each part of the day, above one another."""
    figure = Figure(figsize=(WIDTH_IN, 4.0), facecolor=PAPER)
    upper = figure.add_axes((0.13, 0.62, 0.84, 0.33))
    lower = figure.add_axes((0.13, 0.16, 0.84, 0.36))
    for place, row in enumerate(rows):
        value, low, high = (
            max(0.0, x) for x in (row.visits.value, row.visits.low, row.visits.high)
        )
        upper.bar(place, value, width=0.55, color="#8b949d", alpha=0.5)
        upper.plot([place, place], [low, high], color=INK, linewidth=1.8)
        _draw_part(lower, row, place=place)
    upper.set_title("visits", loc="left", fontsize=9.5, color=MUTED)
    lower.set_title("share of visits", loc="left", fontsize=9.5, color=MUTED)
    for axes in (upper, lower):
        axes.set_xlim(-0.6, len(rows) - 0.4)
        axes.set_xticks(range(len(rows)), _part_labels(rows) if axes is lower else [])
        axes.grid(axis="y", color=RULE, linewidth=0.6)
        axes.set_axisbelow(True)
        bare(axes)
    upper.set_ylim(bottom=0)
    lower.set_ylim(0, 1)
    lower.set_yticks([0, 0.5, 1], ["0 %", "50 %", "100 %"])
    figure.legend(
        handles=[
            Patch(color=colour, label=PATTERN_NAMES[name])
            for name, colour in PATTERN_COLOURS.items()
        ],
        loc="lower center", ncols=3, frameon=False, fontsize=9, handlelength=1.0,
    )  # fmt: skip
    return svg(figure)


def _draw_zone(
    axes: Any,  # noqa: ANN401 - matplotlib's types are not followed
    zone: Zone,
    *,
    floor: Floor,
    rates: Mapping[str, Share | None],
    top: float,
) -> None:
    rate = rates.get(zone.id)
    face: Any = PAPER  # a name or RGBA
    hatch, label, ink = "", "", MUTED
    if zone.id in rates:
        if rate is None:
            hatch = ABSENT
        elif rate.value is None:
            hatch, label = WITHHELD, "withheld"
        else:
            level = clamp(rate.value) / top
            face, label = TINTS(level), f"{100 * clamp(rate.value):.0f} %"
            ink = PAPER if level > DARK_FROM else INK
    axes.add_patch(
        Polygon(
            zone.polygon, facecolor=face, edgecolor="#7d8790", linewidth=0.7, hatch=hatch or None
        )
    )
    west, south, east, north = bounds(zone.polygon)
    upright = north - south > UPRIGHT_FROM * (east - west)
    middle = (west + east) / 2, (south + north) / 2
    covering = [f for f in map(bounds, floor.fixtures) if _holds(f, middle)]
    if covering:  # a stand inside its zone: write below it, or above it where there is more room
        below, above = covering[0][1] - south, north - covering[0][3]
        middle = (middle[0], south + below / 2 if below >= above else north - above / 2)
    parts = [part for part in (zone.name or zone.id, label) if part]
    axes.text(
        *middle, (" · " if upright or covering else "\n").join(parts),
        rotation=90 if upright else 0, ha="center", va="center", color=ink,
        fontsize=8 if covering else 9.5, weight="bold" if label.endswith("%") else "normal",
        bbox={"facecolor": PAPER, "edgecolor": "none", "pad": 1.5} if hatch else None,
    )  # fmt: skip


def bounds(polygon: Sequence[tuple[float, float]]) -> tuple[float, float, float, float]:
    """Give west, south, east and north."""
    xs, ys = [x for x, _ in polygon], [y for _, y in polygon]
    return min(xs), min(ys), max(xs), max(ys)


def _holds(box: tuple[float, float, float, float], point: tuple[float, float]) -> bool:
    return box[0] <= point[0] <= box[2] and box[1] <= point[1] <= box[3]


def _floor_legend(
    figure: Any,  # noqa: ANN401 - matplotlib's types are not followed
    *,
    rates: Mapping[str, Share | None],
    top: float,
    absent: str,
) -> None:
    if any(rate and rate.value is not None for rate in rates.values()):
        _tint_scale(figure, top=top)
    handles = [Patch(facecolor=FIXTURE, edgecolor="#8b949d", label="fixture")]
    if any(rate is None for rate in rates.values()):
        handles.append(Patch(facecolor=PAPER, edgecolor="#7d8790", hatch=ABSENT, label=absent))
    if any(rate and rate.value is None for rate in rates.values()):
        handles.append(
            Patch(facecolor=PAPER, edgecolor="#7d8790", hatch=WITHHELD, label="withheld")
        )
    figure.legend(
        handles=handles, loc="lower center", bbox_to_anchor=(0.5, 0.0), ncols=3, frameon=False,
        fontsize=8.5, handlelength=2.4, handleheight=1.4, columnspacing=1.2, borderpad=0.1,
    )  # fmt: skip


def _tint_scale(
    figure: Any,  # noqa: ANN401 - matplotlib's types are not followed
    *,
    top: float,
) -> None:
    bar = figure.add_axes((0.13, 0.085, 0.74, 0.018))
    step = top / LEGEND_STEPS
    for index in range(LEGEND_STEPS):
        tint = TINTS((index + 0.5) / LEGEND_STEPS)
        bar.bar((index + 0.5) * step, 1, width=step, color=tint, edgecolor=tint, linewidth=0.5)
    bar.set_xlim(0, top)
    bar.set_ylim(0, 1)
    bar.set_yticks([])
    bar.set_xticks([0, top / 2, top], [f"{100 * x:.0f} %" for x in (0, top / 2, top)])
    bar.tick_params(length=2, labelsize=8.5)


def _draw_part(
    axes: Any,  # noqa: ANN401 - matplotlib's types are not followed
    row: DaypartRow,
    *,
    place: int,
) -> None:
    if all(pattern.value is None for pattern in row.patterns):
        axes.text(
            place, 0.5, "withheld", ha="center", va="center", color=MUTED, style="italic",
            fontsize=8.5, rotation=90,
        )  # fmt: skip
    for index, pattern in enumerate(row.patterns):
        if pattern.value is None or pattern.low is None or pattern.high is None:
            continue
        x = place + 0.18 * (index - (len(row.patterns) - 1) / 2)
        colour = PATTERN_COLOURS.get(pattern.name, MUTED)
        axes.plot([x, x], [clamp(pattern.low), clamp(pattern.high)], color=colour, linewidth=2.2)
        axes.plot([x], [clamp(pattern.value)], "o", color=colour, markersize=5.5)


def _part_labels(rows: Sequence[DaypartRow]) -> list[str]:
    """Shorten full hours, so that a day of them stays readable."""
    names = [row.name for row in rows]
    hourly = all(name.endswith(":00") for name in names)
    return [name.removesuffix(":00") for name in names] if hourly else names


def _percent_axis(
    axis: Any,  # noqa: ANN401 - matplotlib's types are not followed
    axes: Any,  # noqa: ANN401 - matplotlib's types are not followed
    *,
    limit: float,
) -> None:
    axes.set_xlim(0, limit)
    ticks = [tick for tick in (0, 0.25, 0.5, 0.75, 1.0) if tick <= limit]
    axis.set_ticks(ticks, [f"{100 * tick:.0f} %" for tick in ticks])
    axes.grid(axis="x", color=RULE, linewidth=0.6)
    axes.set_axisbelow(True)
    bare(axes)


def bare(axes: Any) -> None:  # noqa: ANN401 - matplotlib's types are not followed
    """Leave an axes its lower line alone."""
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.tick_params(length=0)


def clamp(value: float) -> float:
    """Bring a share into 0..1 because it is shown."""
    return min(1.0, max(0.0, value))


def svg(figure: Any) -> str:  # noqa: ANN401 - matplotlib's types are not followed
    """Give a figure as SVG for HTML, which says its width; no address is in it."""
    written = io.StringIO()
    plain = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    figure.savefig(written, format="svg", metadata=plain)
    text = written.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    # inside HTML the namespaces are implied, and a page without addresses is easily checked
    text = re.sub(r' xmlns(:\w+)?="[^"]*"', "", text)
    text = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", text, count=1)
    return re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", text, count=1)
