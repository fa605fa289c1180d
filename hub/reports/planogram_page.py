"""The page of a planogram change: one picture, what it means, and whether it can be believed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date

from hub.reports import planogram_words
from hub.reports.canvas import INK, MUTED, WIDTH, Canvas, Panel
from hub.reports.page import OFFLINE, Around, filled
from hub.reports.planogram import Block, Effect, Planogram

OWN, EXPECTED = "#0072b2", "#b84f00"
"""Source: Okabe and Ito's palette, the second darker, to be read as text."""
STEPS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2)
MOST_TICKS = 6


def render_planogram(told: Planogram, *, around: Around = OFFLINE) -> str:
    """Draw the report of a change as HTML5 that needs nothing but what ``around`` brings."""
    first = told.effects[0]
    return filled(
        "planogram.html.j2",
        told=told,
        first=first,
        say=planogram_words,
        around=around,
        picture=effect_picture(first, on=told.on) if first.points and first.blocks else "",
    )


def effect_picture(effect: Effect, *, on: date) -> str:
    """Draw a share's course by the week beside the expected one, and what lies between them.

    Args:
        effect: one that was told.
        on: the first day after the change.
    """
    blocks = effect.blocks
    canvas = Canvas(height=232)
    least, top, ticks = _axis(effect)
    since, until = blocks[0].since.toordinal(), blocks[-1].until.toordinal() + 1
    panel = Panel(canvas, 44, 22, WIDTH - 44 - 62, 160, (since, until), (least, top))
    panel.grid([(tick, f"{100 * tick:g} %") for tick in ticks])
    panel.below([(at.toordinal(), f"{at.day} {at:%b}") for at in _named(blocks)])
    turn = panel.x(on.toordinal())
    canvas.line([(turn, 16), (turn, panel.top + panel.height)], colour=INK, width=1)
    canvas.text(turn, 9, f"changed on {on.day} {on:%b}", size=8.5, fill=INK)
    for colour, shape, name in ((EXPECTED, "s", "expected"), (OWN, "o", "own")):
        for chosen in ([b for b in blocks if b.since < on], [b for b in blocks if b.since >= on]):
            points = [(_middle(block), *_three(block, name)) for block in chosen]
            panel.band(points, colour=colour, shape=shape)
    _bracket(panel, effect)
    legend = [(OWN, "dot", "this place"), (EXPECTED, "s", "expected without the change")]
    canvas.legend(legend, y=canvas.height - 14)
    return canvas.svg()


def _bracket(panel: Panel, effect: Effect) -> None:
    """Draw the effect's interval beside the lines' ends, on their scale: from what is expected."""
    points, expected = effect.points, effect.expected or 0.0
    if points is None:
        return
    x, canvas = panel.left + panel.width + 9, panel.canvas
    low, middle, high = (
        panel.y(expected + value) for value in (points.low, points.value, points.high)
    )
    canvas.line([(x - 5, panel.y(expected)), (x + 5, panel.y(expected))], colour=EXPECTED, width=2)
    canvas.line([(x, low), (x, high)], colour=OWN, width=2.2)
    canvas.dot(x, middle, colour=OWN, size=3.4)
    canvas.text(x + 9, middle, f"{100 * points.value:+.1f}", anchor="start", bold=True)
    text = f"{100 * points.low:+.1f} to {100 * points.high:+.1f}"
    canvas.text(
        panel.left + panel.width + 60, panel.top - 13, "points", size=8, anchor="end", fill=MUTED
    )
    canvas.text(
        panel.left + panel.width + 60, panel.top - 3, text, size=8, anchor="end", fill=MUTED
    )


def _axis(effect: Effect) -> tuple[float, float, list[float]]:
    """Give least and greatest of the lines and the effect, rounded, and the ticks between."""
    values = [
        value
        for block in effect.blocks
        for name in ("own", "expected")
        for value in _three(block, name)
    ]
    if effect.points is not None:
        values += [(effect.expected or 0) + x for x in (effect.points.low, effect.points.high)]
    low, high = min(values), max(values)
    step = next((s for s in STEPS if (high - low) / s <= MOST_TICKS), 0.5)
    first, last = math.floor(low / step), math.ceil(high / step)
    return first * step, last * step, [round(n * step, 4) for n in range(first, last + 1)]


def _three(block: Block, name: str) -> tuple[float, float, float]:
    one = block.own if name == "own" else block.expected
    return one.low, one.value, one.high


def _middle(block: Block) -> float:
    return (block.since.toordinal() + block.until.toordinal() + 1) / 2


def _named(blocks: Sequence[Block]) -> list[date]:
    """Give every second week's first day, so that they fit."""
    return [block.since for block in blocks][:: 2 if len(blocks) > 5 else 1]  # noqa: PLR2004 - dates that fit beside each other
