"""The report as plain text for a terminal."""

from __future__ import annotations

from hub.patterns.shares import Estimate, Share
from hub.reports import words
from hub.reports.chain import Chain
from hub.reports.comparison import Comparison
from hub.reports.summary import PatternRow, Summary

SCALE = (
    "bargain is of visits, quality of baskets with known prices; both by the day only, and on\n"
    "a simulated store's scale: hold them against the store's other days (hub/README.md, Patterns)"
)


def patterns_text(summary: Summary) -> str:
    """Give the pattern shares, for the day and by daypart."""
    lines = [
        f"{summary.store} {_when(summary)}: {count(summary.visits)} visits",
        f"coverage {100 * summary.coverage:.0f} % of the opening hours",
        *_warnings(summary),
        "",
        *(f"  {row.name:<12} {percent(row)}" for row in summary.patterns),
    ]
    for part in summary.dayparts:
        lines += ["", f"{part.name}: {count(part.visits)} visits"]
        lines += [f"  {row.name:<12} {percent(row)}" for row in part.patterns]
    return "\n".join([*lines, "", SCALE])


def report_text(summary: Summary, *, against: Comparison | None = None) -> str:
    """Give the patterns, the aisle table, and what changed since an earlier period."""
    lines = [patterns_text(summary), "", "zones: passers, stop rate, conversion"]
    for zone in summary.zones:
        rates = [
            "" if zone.stop_rate is None else f"stopped {percent(zone.stop_rate)}",
            f"kept {percent(zone.conversion)}"
            if zone.conversion
            else ("" if zone.stop_rate is None else "no reader here"),
        ]
        lines.append(
            f"  {zone.name:<16} {count(zone.passers):<18} {'; '.join(r for r in rates if r)}"
        )
    if against is not None:
        lines += ["", f"against {against.since} to {against.until}:", *against.warnings]
        lines += [
            f"  {'surely ' if one in against.sure else ''}{words.change_text(one)}"
            for one in against.changes
        ]
    return "\n".join(line.rstrip() for line in lines)


def chain_text(chain: Chain) -> str:
    """Give a line for each store, and what changed for sure."""
    names = list(chain.figures)
    heads = ["store", "visits a day", *(words.figure_name(name).lower() for name in names)]
    lines = [heads]
    for row in chain.rows:
        shares = [row.figures.get(name) for name in names]
        cells = ["no reader" if one is None else _short(one) for one in shares]
        lines.append([row.store, count(row.daily) if row.daily else "nothing came", *cells])
    widths = [max(len(line[place]) for line in lines) for place in range(len(heads))]
    return "\n".join(
        [
            f"{len(chain.rows)} stores: {count(chain.visits)} visits",
            f"coverage {100 * chain.coverage:.0f} % of the opening hours",
            "",
            *(
                "  ".join(
                    cell.ljust(width) for cell, width in zip(line, widths, strict=True)
                ).rstrip()
                for line in lines
            ),
            *(f"{store}: {why}" for store, why in chain.silent),
            *(f"surely {row.store}: {words.change_text(one)}" for row, one in chain.told),
        ]
    )


def _short(share: Share) -> str:
    return "withheld" if share.value is None else percent(share)


def _when(summary: Summary) -> str:
    if summary.until in {"", summary.day}:
        return f"on {summary.day}"
    return f"from {summary.day} to {summary.until}"


def count(estimate: Estimate) -> str:
    """Spell a count with its interval, clamped at zero because it is shown.

    >>> count(Estimate(-3.0, -12.0, 6.0))
    '0 (0 to 6)'
    """
    value, low, high = (max(0.0, x) for x in (estimate.value, estimate.low, estimate.high))
    return f"{value:,.0f} ({low:,.0f} to {high:,.0f})"


def percent(share: Share | PatternRow) -> str:
    """Spell a share with its interval, clamped to 0..100 because it is shown.

    >>> percent(Share(0.4321, 0.38, 0.49))
    '43 % (38 to 49)'
    """
    if share.value is None or share.low is None or share.high is None:
        return f"withheld: {share.withheld}"
    value, low, high = (min(1.0, max(0.0, x)) for x in (share.value, share.low, share.high))
    return f"{100 * value:.0f} % ({100 * low:.0f} to {100 * high:.0f})"


def _warnings(summary: Summary) -> list[str]:
    lines = []
    if summary.simulated:
        lines.append("SIMULATED DATA: no real shop, no real shoppers.")
    if not summary.standard_privacy:
        lines.append(
            "WEAKER PRIVACY than the standard: "
            f"rho {summary.rho:g}, epsilon {summary.epsilon:.1f} a visit."
        )
    if summary.without_meta:
        lines.append(
            f"Agent {', '.join(summary.without_meta)} has not said yet what it is (no meta): "
            "what it costs in privacy is not known here."
        )
    return lines


def both(spelt: str) -> tuple[str, str]:
    """Split a spelt figure into the figure and its interval, to set them apart on a page.

    >>> both("43 % (38 to 49)")
    ('43 %', '38 to 49')
    """
    figure, _, interval = spelt.partition(" (")
    return figure, interval.removesuffix(")")
