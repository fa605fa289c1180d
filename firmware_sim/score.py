"""The hub's report beside the truth."""

from __future__ import annotations

from typing import Any

import msgspec

OUTCOMES = ("pass", "short_stop", "long_stop", "put_back", "kept")
PATTERNS = ("showroomer", "wanderer", "indecisive")


class ScoreError(Exception):
    """One of the two files is not what it should be; the text says which and why."""


class _Interval(msgspec.Struct, frozen=True):
    value: float | None = None
    low: float | None = None
    high: float | None = None
    withheld: str | None = None


class _Pattern(msgspec.Struct, frozen=True):
    name: str
    value: float | None = None
    low: float | None = None
    high: float | None = None
    withheld: str | None = None


class _Zone(msgspec.Struct, frozen=True):
    id: str
    has_reader: bool
    outcomes: dict[str, _Interval]


class _Report(msgspec.Struct, frozen=True):
    """What is read of ``aisle-hub report --json``."""

    visits: _Interval
    patterns: tuple[_Pattern, ...]
    zones: tuple[_Zone, ...]
    coverage: float | None = None
    standard_privacy: bool = True


class Line(msgspec.Struct, frozen=True):
    """One number of the report beside its truth; ``holds`` if the interval has the truth in it."""

    what: str
    truth: float
    value: float | None
    low: float | None
    high: float | None
    holds: bool | None
    withheld: str | None = None


class Score(msgspec.Struct, frozen=True):
    """The whole comparison.

    Attributes:
        outcomes_held: of the aisle table's numbers, how many intervals hold the truth.
        outcomes_shown: of how many.
        mean_error: mean distance of the outcome counts from the truth, visits.
    """

    lines: tuple[Line, ...]
    outcomes_held: int
    outcomes_shown: int
    mean_error: float
    standard_privacy: bool
    coverage: float | None


def score(truth: bytes, report: bytes) -> Score:
    """Compare a run's truth with the hub's report of that day.

    In a zone with a reader, the truth counts what was done to goods with tags; without one, only
    how long people stood: what no device can know is not held against the report.

    Args:
        truth: JSON Lines of ``aisle-sim``.
        report: JSON of ``aisle-hub report --json``.

    Raises:
        ScoreError: not such files.
    """
    visits = _visits(truth)
    try:
        read = msgspec.json.decode(report, type=_Report)
    except msgspec.DecodeError as error:
        raise ScoreError(f"the report is not of `aisle-hub report --json`: {error}") from error
    lines = [_line("visits", truth=len(visits), shown=read.visits)]
    for pattern in read.patterns:
        if pattern.name in PATTERNS:
            share = sum(v["patterns"][pattern.name] for v in visits) / max(1, len(visits))
            shown = _Interval(pattern.value, pattern.low, pattern.high, pattern.withheld)
            lines.append(_line(f"share of {pattern.name}s", truth=share, shown=shown))
    outcomes = [line for zone in read.zones for line in _zone(zone, visits=visits)]
    judged = [line for line in outcomes if line.holds is not None]
    errors = [abs(line.value - line.truth) for line in outcomes if line.value is not None]
    return Score(
        lines=(*lines, *outcomes),
        outcomes_held=sum(line.holds is True for line in judged),
        outcomes_shown=len(judged),
        mean_error=round(sum(errors) / max(1, len(errors)), 2),
        standard_privacy=read.standard_privacy,
        coverage=read.coverage,
    )


def table(result: Score) -> str:
    """Lay the comparison out for a terminal."""
    rows = [f"{'':<26}{'truth':>8}{'report':>9}   {'interval':<20}", "-" * 68]
    for line in result.lines:
        if line.value is None:
            rows.append(f"{line.what:<26}{_number(line.truth):>8}{'-':>9}   {line.withheld or ''}")
            continue
        between = "" if line.low is None else f"{_number(line.low)} to {_number(line.high or 0.0)}"
        mark = {True: "holds the truth", False: "MISSES the truth", None: ""}[line.holds]
        rows.append(
            f"{line.what:<26}{_number(line.truth):>8}{_number(line.value):>9}   "
            f"{between:<20}{mark}".rstrip()
        )
    rows += [
        "-" * 68,
        (
            f"{result.outcomes_held} of {result.outcomes_shown} aisle intervals hold the truth; "
            f"mean error {result.mean_error:g} visits"
        ),
    ]
    if not result.standard_privacy:
        rows.append("noise is weaker than the standard privacy budget asks for")
    return "\n".join(rows)


def _visits(truth: bytes) -> list[dict[str, Any]]:
    try:
        lines = [msgspec.json.decode(line) for line in truth.splitlines() if line.strip()]
    except msgspec.DecodeError as error:
        raise ScoreError(f"the truth is not JSON Lines: {error}") from error
    if not lines or not isinstance(lines[0], dict) or lines[0].get("kind") != "run":
        raise ScoreError("the truth does not begin with its run line; give the file of `aisle-sim`")
    return [line for line in lines if line["kind"] == "visit"]


def _zone(zone: _Zone, *, visits: list[dict[str, Any]]) -> list[Line]:
    judge = "outcome_tagged" if zone.has_reader else "outcome_seen"
    true = [visit[judge].get(zone.id) for visit in visits]
    if not any(true):
        return []
    return [
        _line(f"{zone.id}: {name.replace('_', ' ')}", truth=true.count(name), shown=shown)
        for name in OUTCOMES
        if (shown := zone.outcomes.get(name)) is not None
        and (zone.has_reader or name not in {"put_back", "kept"})
    ]


def _line(what: str, *, truth: float, shown: _Interval) -> Line:
    holds = None
    if shown.value is not None and shown.low is not None and shown.high is not None:
        holds = shown.low <= truth <= shown.high
    return Line(
        what=what,
        truth=truth,
        value=shown.value,
        low=shown.low,
        high=shown.high,
        holds=holds,
        withheld=shown.withheld,
    )


def _number(value: float) -> str:
    return f"{value:.0f}" if float(value).is_integer() or abs(value) >= 2 else f"{value:.2f}"  # noqa: PLR2004 - shares
