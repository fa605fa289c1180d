"""Pictures on the floor plan: where visits walk and stand, and the ways between places."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, Patch, PathPatch, Polygon
from matplotlib.path import Path

from hub.reports.ground import HeatMap, MapCell, Way
from hub.reports.pictures import (
    FIXTURE,
    INK,
    MUTED,
    PAPER,
    TINTS,
    WIDTH_IN,
    Floor,
    bounds,
    svg,
)

LEVELS = 8
"""Tints of a map: more cannot be told apart, and squares of one tint are one shape."""
DEAD = "xxx"
THIN, THICK = 0.8, 7.0
"""Widths of an arrow, points."""
ARROW = "#b84f00"


def ground_picture(floor: Floor, *, ground: HeatMap, days: int, dead: bool) -> str:
    """Draw a map in squares, tinted by visits a day; blank where noise could explain them.

    Args:
        floor: the plan.
        ground: the map.
        days: that the counts are of.
        dead: whether to hatch what is dead.
    """
    figure, axes = _plan(floor)
    top = max([1.0, *(cell.visits.value for cell in ground.cells if cell.told)])
    by_level: dict[int, list[MapCell]] = {}
    for cell in ground.cells:
        if cell.told:
            level = min(LEVELS - 1, int(LEVELS * cell.visits.value / top))
            by_level.setdefault(level, []).append(cell)
    for level, cells in sorted(by_level.items()):
        tint = TINTS((level + 0.5) / LEVELS)
        axes.add_patch(PathPatch(_squares(cells, ground.step_m), facecolor=tint, linewidth=0))
    hatched = [cell for cell in ground.cells if cell.dead and dead]
    if hatched:
        path = _squares(hatched, ground.step_m)
        axes.add_patch(PathPatch(path, facecolor="none", hatch=DEAD, linewidth=0))
    _furnish(axes, floor)
    _scale(figure, top=top / max(1, days))
    handles = [
        Patch(facecolor=FIXTURE, edgecolor="#8b949d", label="fixture"),
        Patch(facecolor=PAPER, edgecolor="#7d8790", label="noise could explain it"),
    ]
    if hatched:
        handles.append(Patch(facecolor=PAPER, edgecolor="#7d8790", hatch=DEAD, label="dead"))
    _legend(figure, handles)
    return svg(figure)


def ways_picture(floor: Floor, *, ways: Sequence[Way], days: int) -> str:
    """Draw ways between places as arrows, as thick as they are used.

    Args:
        floor: the plan.
        ways: what noise cannot explain.
        days: that the counts are of.
    """
    figure, axes = _plan(floor)
    _furnish(axes, floor)
    middles = {zone.id: _middle(zone.polygon) for zone in floor.zones}
    top = max([1.0, *(way.visits.value for way in ways)])
    for way in reversed(ways):
        if way.zone not in middles or way.to_zone not in middles:
            continue
        width = THIN + (THICK - THIN) * max(0.0, way.visits.value) / top
        axes.add_patch(
            FancyArrowPatch(
                middles[way.zone], middles[way.to_zone], connectionstyle="arc3,rad=0.18",
                arrowstyle=f"-|>,head_width={0.15 + 0.05 * width},head_length={0.3 + 0.07 * width}",
                linewidth=width, color=ARROW, alpha=0.75, mutation_scale=10, shrinkA=2, shrinkB=2,
            )
        )  # fmt: skip
    text = f"thickest: {top / max(1, days):,.0f} visits a day"
    figure.text(0.5, 0.035, text, ha="center", color=MUTED, fontsize=8.5)
    return svg(figure)


def _plan(floor: Floor) -> tuple[Any, Any]:
    west, south, east, north = bounds(floor.outline)
    tall = (north - south) / (east - west)
    figure = Figure(figsize=(WIDTH_IN, min(8.0, 0.86 * WIDTH_IN * tall) + 0.9), facecolor=PAPER)
    axes = figure.add_axes((0.02, 0.12, 0.96, 0.87))
    axes.add_patch(Polygon(floor.outline, facecolor=PAPER, edgecolor=MUTED, linewidth=1.4))
    margin = 0.03 * (east - west)
    axes.set_xlim(west - margin, east + margin)
    axes.set_ylim(south - margin, north + margin)
    axes.set_aspect("equal")
    axes.set_axis_off()
    return figure, axes


def _furnish(
    axes: Any,  # noqa: ANN401 - matplotlib's types are not followed
    floor: Floor,
) -> None:
    for fixture in floor.fixtures:
        axes.add_patch(Polygon(fixture, facecolor=FIXTURE, edgecolor="#8b949d", linewidth=0.6))
    for zone in floor.zones:
        axes.add_patch(Polygon(zone.polygon, facecolor="none", edgecolor="#7d8790", linewidth=0.6))
        west, south, east, north = bounds(zone.polygon)
        upright = north - south > 1.3 * (east - west)
        # at an edge of its zone, where it hides least
        place = (west + 0.28, north - 0.25) if upright else (west + 0.2, north - 0.2)
        axes.text(
            *place, zone.name or zone.id, rotation=90 if upright else 0, ha="left", va="top",
            color=INK, fontsize=7.5, zorder=5,
            bbox={"facecolor": PAPER, "edgecolor": "none", "pad": 0.8, "alpha": 0.75},
        )  # fmt: skip


def _squares(cells: Sequence[MapCell], step: float) -> Path:
    """Join squares into one shape."""
    corners = ((0.0, 0.0), (step, 0.0), (step, step), (0.0, step), (0.0, 0.0))
    points = [(c.east_m + x, c.north_m + y) for c in cells for x, y in corners]
    codes = [Path.MOVETO, *[Path.LINETO] * 3, Path.CLOSEPOLY] * len(cells)
    return Path(points, codes)


def _scale(
    figure: Any,  # noqa: ANN401 - matplotlib's types are not followed
    *,
    top: float,
) -> None:
    bar = figure.add_axes((0.13, 0.085, 0.74, 0.018))
    for level in range(LEVELS):
        tint = TINTS((level + 0.5) / LEVELS)
        bar.bar(level + 0.5, 1, width=1, color=tint, edgecolor=tint, linewidth=0.5)
    bar.set_xlim(0, LEVELS)
    bar.set_ylim(0, 1)
    bar.set_yticks([])
    bar.set_xticks([0, LEVELS / 2, LEVELS], [f"{part * top:,.0f}" for part in (0, 0.5, 1)])
    bar.tick_params(length=2, labelsize=8.5)


def _legend(
    figure: Any,  # noqa: ANN401 - matplotlib's types are not followed
    handles: Sequence[Patch],
) -> None:
    figure.legend(
        handles=handles, loc="lower center", bbox_to_anchor=(0.5, 0.0), ncols=3, frameon=False,
        fontsize=8.5, handlelength=2.0, handleheight=1.3, columnspacing=1.0, borderpad=0.1,
    )  # fmt: skip


def _middle(polygon: Sequence[tuple[float, float]]) -> tuple[float, float]:
    west, south, east, north = bounds(polygon)
    return (west + east) / 2, (south + north) / 2
