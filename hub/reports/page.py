"""The report as one HTML file that needs nothing else."""

from __future__ import annotations

from jinja2 import Environment, PackageLoader, StrictUndefined

from hub.reports import words
from hub.reports.pictures import (
    Floor,
    dayparts_picture,
    floor_picture,
    patterns_picture,
    style,
)
from hub.reports.summary import SHOPPED, DayData, Summary
from hub.reports.text import both, count, percent
from wire.messages import OUTCOMES


def render(summary: Summary, *, data: DayData) -> str:
    """Draw a day's report.

    Args:
        summary: its numbers.
        data: what they were made from: floor plan, opening hours, privacy parameters.

    Returns:
        HTML5; no address in it, no script.
    """
    environment = Environment(
        loader=PackageLoader("hub.reports", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    first = data.newest[0]
    zones = data.zones
    floor = Floor(first.outline, first.fixtures, tuple(zones.values()))
    shopped = [zone for zone in summary.zones if zone.kind in SHOPPED]
    stops = {zone.id: zone.stop_rate for zone in shopped}
    kept = {zone.id: zone.conversion for zone in shopped}
    with style():
        pictures = {
            "stops": floor_picture(floor, rates=stops, absent="not counted"),
            "kept": floor_picture(floor, rates=kept, absent="no reader here"),
            "patterns": patterns_picture(summary.patterns),
            "dayparts": dayparts_picture(summary.dayparts) if summary.dayparts else "",
        }
    return environment.get_template("report.html.j2").render(
        summary=summary,
        shopped=shopped,
        others=[zone for zone in summary.zones if zone.kind not in SHOPPED],
        day=words.long_day(summary.day),
        opens=first.opens,
        closes=first.closes,
        timezone=first.timezone,
        delta=first.privacy.delta,
        channels=first.privacy.channels,
        agents=len(data.metas),
        outcomes=OUTCOMES,
        words=words,
        count=count,
        percent=percent,
        both=both,
        pictures=pictures,
    )
