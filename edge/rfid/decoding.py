"""Captured bytes of a reader, explained line by line: what store IT sends to support.

What comes out holds product classes, antennas and levels; of a rejected frame its place and what is
wrong with it, never its bytes, for there may be an item's serial in them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from edge.rfid.driver import NOT_TOLD, Driver, Empty, Read, Rejected, Report

LATER_MS = 600_000
"""Silence at the capture's end: longer than anything a driver waits for."""


@dataclass(frozen=True, slots=True)
class Line:
    """One thing a capture holds.

    Attributes:
        at: bytes of the capture up to where it was complete.
        event: ``read``; ``rejected``, a frame; ``no_class``, a sound frame whose tag has none;
            ``reader``, word of the reader about itself.
        fields: ``class``, ``antenna``, ``rssi`` (none if the reader does not tell), ``reason``,
            ``text``.
    """

    at: int
    event: str
    fields: dict[str, str | int | None]

    def row(self) -> dict[str, str | int | None]:
        """Give it flat, as it is printed."""
        return {"at": self.at, "event": self.event, **self.fields}


def decode(driver: Driver, data: bytes) -> Iterator[Line]:
    """Explain a capture.

    Fed byte by byte, which changes nothing but tells where each thing ends.

    Args:
        driver: fresh, of the capture's family.
        data: all bytes, from anywhere in a conversation.
    """
    for at in range(len(data)):
        for report in driver.feed(data[at : at + 1], now_ms=0):
            yield from _line(report, at=at + 1)
    for report in driver.advance(LATER_MS):
        yield from _line(report, at=len(data))


def _line(report: Report, *, at: int) -> Iterator[Line]:
    if isinstance(report, Read):
        level = None if report.rssi_dbm == NOT_TOLD else report.rssi_dbm
        yield Line(
            at,
            "read",
            {"class": report.product_class, "antenna": report.antenna, "rssi": level},
        )
    elif isinstance(report, Rejected):
        yield Line(at, "rejected" if report.frame else "no_class", {"reason": report.why})
    elif not isinstance(report, Empty):
        fields: dict[str, str | int | None] = {"reason": report.kind}
        if report.text:
            fields["text"] = report.text
        if report.antenna:
            fields["antenna"] = report.antenna
        yield Line(at, "reader", fields)
