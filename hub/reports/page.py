"""The report as one HTML file that needs nothing else."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from jinja2 import Environment, PackageLoader, StrictUndefined

from hub.reports import words
from hub.reports.canvas import HATCHES
from hub.reports.chain import Chain
from hub.reports.chain_pictures import stores_picture, visits_picture
from hub.reports.comparison import Comparison
from hub.reports.period import PeriodData
from hub.reports.pictures import (
    bars_picture,
    course_picture,
    dayparts_picture,
    funnel_picture,
    patterns_picture,
    rhythm_picture,
    segment_picture,
)
from hub.reports.plan_pictures import Floor, floor_picture, ground_picture, ways_picture
from hub.reports.summary import RATES, Summary
from hub.reports.text import both, count, percent
from hub.reports.trend import SHOPPED
from wire.messages import OUTCOMES

if TYPE_CHECKING:  # segments need CEL, which a report without any spares
    from hub.reports.segments import Segments

MOST_FUNNELS = 4
NBSP = "\N{NO-BREAK SPACE}"
INTERVAL = re.compile(r"\(([-+]?[\d.,]+) to ([-+]?[\d.,]+)\)")
PICTURES = (
    "kept", "walked", "stood", "ways", "dayparts", "course", "rhythm", "goods", "tags", "tiers",
)  # fmt: skip
"""Those that not every page has."""


@dataclass(frozen=True, slots=True)
class Around:
    """HTML of our own around a page, as the web's choice of a period; nothing offline.

    Attributes:
        head: at the end of the page's head.
        bar: above the page.
        said: a line for screen readers, told when it changes; text.
    """

    head: str = ""
    bar: str = ""
    said: str = ""


OFFLINE = Around()


def render(
    summary: Summary,
    *,
    data: PeriodData,
    against: Comparison | None = None,
    segments: Segments | None = None,
    around: Around = OFFLINE,
) -> str:
    """Draw a period's report.

    Args:
        summary: its numbers.
        data: what they were made from: floor plan, opening hours, privacy parameters.
        against: what changed since an earlier period.
        segments: over the same days.
        around: what the web adds.

    Returns:
        HTML5; no address in it and no script but those of ``around``.
    """
    first = data.newest[0]
    shopped = [zone for zone in summary.zones if zone.kind in SHOPPED]
    return filled(
        "report.html.j2",
        summary=summary,
        shopped=shopped,
        funnels=[zone for zone in shopped if zone.has_reader][:MOST_FUNNELS],
        others=[zone for zone in summary.zones if zone.kind not in SHOPPED],
        day=words.period(summary.day, summary.until or summary.day),
        against=against,
        segments=_segments(segments),
        around=around,
        opens=first.opens,
        closes=first.closes,
        timezone=first.timezone,
        delta=first.privacy.delta,
        channels=first.privacy.channels,
        agents=len(data.metas),
        outcomes=OUTCOMES,
        rates=RATES,
        hatches=HATCHES,
        pictures=dict.fromkeys(PICTURES, "") | _pictures(summary, data=data),
    )


def render_chain(
    chain: Chain,
    *,
    segments: Segments | None = None,
    around: Around = OFFLINE,
    links: Mapping[str, str] | None = None,
) -> str:
    """Draw several stores' report.

    Args:
        chain: their rows.
        segments: over the same days and stores.
        around: as ``render``.
        links: address of each store's own report; without them names are plain.
    """
    rows = chain.rows
    return filled(
        "chain.html.j2",
        chain=chain,
        day=words.period(chain.since.isoformat(), chain.until.isoformat()),
        simulated=[row.store for row in rows if row.simulated],
        weaker=[row.store for row in rows if not row.standard_privacy],
        rho=max((row.rho for row in rows), default=0.0),
        pictures={
            name: stores_picture(chain, figure=name)
            for name in ("stop_rate", "engagement", "conversion")
            if chain.told_by.get(name)
        },
        small=[(row, visits_picture(row)) for row in rows],
        segments=_segments(segments),
        links=links,
        around=around,
        hatches=HATCHES,
    )


def filled(template: str, **values: object) -> str:
    """Fill a template; no line ends within an interval, nor before a per cent sign."""
    html = environment().get_template(template).render(values)
    return INTERVAL.sub(rf"(\1{NBSP}to{NBSP}\2)", html.replace(" %", f"{NBSP}%"))


def _segments(segments: Segments | None) -> str:
    if segments is None or not segments.cards:
        return ""
    pictures = {
        card.definition.id: segment_picture(card.course)
        if any(point.value is not None for point in card.course.points)
        and len(card.course.points) > 1
        else ""
        for card in segments.cards
    }
    template = environment().get_template("segments.html.j2")
    return template.render(segments=segments, pictures=pictures)


@cache  # it keeps the templates it compiled, .1 s for a page's
def environment() -> Environment:
    """Give what fills our templates: everything is escaped but what we made ourselves."""
    made = Environment(
        loader=PackageLoader("hub.reports", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals.update(words=words, count=count, percent=percent, both=both)
    return made


def _pictures(summary: Summary, *, data: PeriodData) -> dict[str, str]:
    first = data.newest[0]
    floor = Floor(first.outline, first.fixtures, tuple(data.zones.values()))
    days = max(1, summary.days_with_data)
    return {
        **_aisles(summary, floor=floor),
        **{
            name: ground_picture(floor, ground=ground, days=days, dead=name == "walked")
            for name, ground in (("walked", summary.walked), ("stood", summary.stood))
            if ground is not None and ground.cells
        },
        **({"ways": ways_picture(floor, ways=summary.ways, days=days)} if summary.ways else {}),
        **_charts(summary),
    }


def _aisles(summary: Summary, *, floor: Floor) -> dict[str, str]:
    shopped = [zone for zone in summary.zones if zone.kind in SHOPPED]
    stops = {zone.id: zone.stop_rate for zone in shopped}
    kept = {zone.id: zone.conversion for zone in shopped}
    pictures = {"stops": floor_picture(floor, rates=stops, absent="not counted")}
    if any(kept.values()):
        pictures["kept"] = floor_picture(floor, rates=kept, absent="no reader here")
    for zone in [zone for zone in shopped if zone.has_reader][:MOST_FUNNELS]:
        pictures[f"funnel {zone.id}"] = funnel_picture(zone)
    return pictures


def _charts(summary: Summary) -> dict[str, str]:
    pictures = {"patterns": patterns_picture(summary.patterns)}
    if summary.dayparts:
        pictures["dayparts"] = dayparts_picture(summary.dayparts)
    if summary.course:
        pictures["course"] = course_picture(summary.course)
    if summary.rhythm:
        pictures["rhythm"] = rhythm_picture(summary.rhythm)
    if summary.goods:
        rows = [(row.label, row.kept) for row in summary.goods]
        pictures["goods"] = bars_picture(rows, percent=False)
    if summary.tags:
        shares = [(row.label, row.share) for row in summary.tags]
        pictures["tags"] = bars_picture(shares, percent=True)
    if summary.tiers:
        tiers = [(words.TIER_NAMES[row.label], row.share) for row in summary.tiers]
        pictures["tiers"] = bars_picture(tiers, percent=True)
    return pictures
