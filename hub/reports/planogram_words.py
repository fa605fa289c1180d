"""What a planogram change did, in the words of the trade."""

from __future__ import annotations

from datetime import timedelta

from hub.patterns.shares import Estimate
from hub.reports.beside import Place
from hub.reports.planogram import Effect, Planogram
from hub.reports.words import RATE_NAMES, RATE_WORDS, long_day

SPACE = "\N{NO-BREAK SPACE}"
COARSE = 0.1
"""Parts larger than this need no tenths of a per cent."""
NAMES = RATE_NAMES | {"long_stops": "Long stops"}
MEANINGS = RATE_WORDS | {
    "long_stops": "visits that stopped for long, or took something in hand, of those that stopped"
}
VERDICTS = {
    "up": "up",
    "down": "down",
    "same": "no change that could be told",
    "unknown": "moved, but the checks below speak against the change as its cause",
}


def title(told: Planogram) -> str:
    """Say what became of the figure that was asked about."""
    one = told.effects[0]
    figure = NAMES[one.figure].lower()
    if one.refused and one.wait:
        return f"Too early to tell what the change in {told.name} did: look again on {_again(told)}"
    if one.refused or one.now is None or one.expected is None:
        return f"What the change in {told.name} did to its {figure} cannot be told"
    if one.verdict == "same":
        return f"No effect of the change in {told.name} on its {figure} could be told"
    if one.verdict == "unknown":
        return f"{told.name}: {figure} moved, but not surely because of the change"
    did = "raised" if one.verdict == "up" else "lowered"
    return (
        f"The change in {told.name} {did} its {figure}: {share(one.now)} "
        f"where {share(one.expected)} would be expected"
    )


def meaning(told: Planogram) -> str:
    """Say in a few sentences what to make of the figure that was asked about."""
    one = told.effects[0]
    asked = f"{100 * told.asked:.0f} %"
    if one.refused and one.wait:
        return (
            f"A change of {asked} must not be missed, and now only one of {_percent(one.least)} or "
            f"more would show: it takes {one.wait} more day{'s' * (one.wait > 1)}. What the counts "
            "already hold is not shown: who looks every day, and stops when the figure pleases, "
            "finds an effect where there is none."
        )
    if one.refused or one.change is None or one.points is None:
        return f"{_sentence(one.refused or '')} {_way_out(one)}".strip()
    size = (
        f"{points(one.points)} percentage points, or {part(one.change)} of what would be expected"
    )
    if one.verdict == "same":
        return (
            f"The difference from what would be expected is {size}: chance and noise can make it. "
            f"A change of {_percent(one.least)} or more would have shown, four times in five."
        )
    if one.verdict == "unknown":
        return f"The difference from what would be expected is {size}. {' '.join(doubts(told))}"
    return (
        f"That is {size}. Expected is what the place would show had it gone the way of "
        f"{len(one.controls)} like places nothing was done to."
    )


def doubts(told: Planogram) -> list[str]:
    """Say which checks fail."""
    one, found = told.effects[0], []
    if one.apart is not None and not one.side_by_side:
        found.append(
            f"Already before the change, {told.name} and the others did not run side by side."
        )
    if not one.calm:
        found.append("Changes that never were look like changes oftener than chance makes them.")
    return found


def side_by_side(one: Effect) -> str:
    """Say how the place ran beside its controls before the change."""
    if one.apart is None:
        return ""
    gained = f"its {NAMES[one.figure].lower()} moved by {part(one.apart)} a week against theirs"
    if one.side_by_side:
        return f"Yes, as far as can be told: {gained}."
    return f"No: already before the change, {gained}."


def pretended(one: Effect) -> str:
    """Say how changes that never were look."""
    return (
        f"Of {one.pretended} changes that never were (each of the other places, and an earlier "
        f"day), {one.as_large} look as large as this one against their own error, and "
        f"{one.alarms} would have been told; chance tells about one of twenty."
    )


def left_out(told: Planogram) -> str:
    """Say how many days are not looked at, and why; empty without any."""
    if not told.left_out:
        return ""
    return (
        f"{told.left_out} of {(told.until - told.since).days + 1} days are left out: nothing is "
        "known of them, or the place was not seen for about as long as it used to be before the "
        "change, or was drawn otherwise on the plan."
    )


def verdict(one: Effect) -> str:
    """Say a figure's outcome."""
    return _sentence(one.refused or outcome(one))


def outcome(one: Effect) -> str:
    """Say what became of a figure that is not refused.

    >>> outcome(Effect("exposure", verdict="down"))
    'perhaps down'
    """
    perhaps = one.verdict in {"up", "down"} and not one.sure
    return f"{'perhaps ' * perhaps}{VERDICTS[one.verdict]}"


def place(told: Planogram, control: Place) -> str:
    """Name a control place."""
    return control.name if control.store == told.store else f"{control.name} of {control.store}"


def share(value: float) -> str:
    """Spell a share to a tenth of a point, not to be broken across lines.

    >>> share(0.3127).replace(SPACE, " ")
    '31.3 %'
    """
    return f"{100 * value:.1f}{SPACE}%"


def points(one: Estimate) -> str:
    """Spell a difference of shares in points, with its interval.

    >>> points(Estimate(0.031, 0.012, 0.05))
    '+3.1 (+1.2 to +5.0)'
    """
    value, low, high = (_signed(x, digits=1) for x in (one.value, one.low, one.high))
    return f"{value} ({low} to {high})"


def part(one: Estimate) -> str:
    """Spell a relative change, with its interval.

    >>> part(Estimate(0.113, 0.04, 0.18)).replace(SPACE, " ")
    '+11 % (+4 to +18)'
    """
    digits = 0 if max(abs(one.low), abs(one.high)) >= COARSE else 1
    value, low, high = (_signed(x, digits=digits) for x in (one.value, one.low, one.high))
    return f"{value}{SPACE}% ({low} to {high})"


def planogram_text(told: Planogram) -> str:
    """Give the report for a terminal."""
    lines = ["SIMULATED DATA: no real shop, no real shoppers."] if told.simulated else []
    lines += [
        f"{told.store}, {told.name}, changed on {told.on}: {told.since} to {told.until}",
        title(told),
        meaning(told),
        "",
    ]
    for one in told.effects:
        name = f"{NAMES[one.figure]:<12}"
        if one.refused or one.points is None or one.change is None:
            lines.append(f"  {name} refused: {one.refused}")
            continue
        lines.append(
            f"  {name} {share(one.now or 0)} where {share(one.expected or 0)} would be expected: "
            f"{points(one.points)} points, {part(one.change)}: {outcome(one)}"
        )
    if told.left_out:
        lines += ["", left_out(told)]
    first = told.effects[0]
    if first.apart is not None:
        lines += ["", f"side by side before? {side_by_side(first)}"]
    if first.pretended:
        lines.append(pretended(first))
    if first.controls:
        names = (f"{place(told, one)} ({100 * w:.0f} %)" for one, w in first.controls)
        lines.append(f"beside: {', '.join(names)}")
    return "\n".join(lines)


def _again(told: Planogram) -> str:
    day = told.until + timedelta(days=told.effects[0].wait or 0)
    return long_day(day.isoformat())


def _way_out(one: Effect) -> str:
    if one.wait is None and one.least is not None:
        return (
            "Ask for a larger change (--effect), or compare with a longer time before (--before)."
        )
    return ""


def _signed(value: float, *, digits: int) -> str:
    rounded = round(100 * value, digits) + 0.0  # no minus before a zero
    return f"{rounded:+.{digits}f}"


def _percent(value: float | None) -> str:
    return f"{100 * (value or 0):.0f} %"


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}." if text else ""
