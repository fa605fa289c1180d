"""What operators do with segments, and what is looked after without them.

A definition is never written over: an edit adds a version, and both stay to be compared over all
that is retained.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import msgspec

from hub.errors import ConfigError, NoDataError
from hub.patterns.shares import Share, ShareParams
from hub.segments.chain import CHANNELS, Chain, days_of, definition_of, weighed
from hub.segments.checking import Finding, check, missing
from hub.segments.definition import Definition, as_toml
from hub.segments.drift import Alarm, DriftParams, detect_each, detect_together
from hub.segments.life import ALIVE, CONFIRMING, WATCHED, Act, after, confirmed_at, dissolves_at
from hub.segments.matching import Transition
from hub.segments.rules import Rule, compile_rule
from hub.segments.weighing import Day, Weighed, by_day, over, overlap
from hub.segments.words import befell
from hub.store_io.segments import SegmentEvent, SegmentRow, SegmentShare, SegmentTables

PAST = {
    "accept": "accepted",
    "refuse": "refused",
    "retire": "retired",
    "drift": "drifted",
    "dissolve": "dissolved",
    "edit": "edited",
}


LINES = frozenset({"born", "split", "merged", "died"})
"""Events by which segments come from one another."""
TOGETHER = ""
"""All stores, where a store's name stands."""


@dataclass(frozen=True, slots=True)
class Compared:
    """Two versions of a segment over the same days.

    Attributes:
        old: share of the older version, with its interval.
        new: of the newer.
        difference: newer minus older, of the same visits: its interval is narrower than theirs.
    """

    store: str
    old: Share
    new: Share
    difference: Share


@dataclass(frozen=True, slots=True)
class Looked:
    """What a look at one segment in one store found.

    Attributes:
        store: empty for all of them together.
        share: over the days that were looked at.
        alarm: a change since somebody last confirmed it.
        abstains: why nothing is told; empty otherwise.
    """

    segment: str
    version: int
    store: str
    state: str
    share: Share
    alarm: Alarm | None
    abstains: str = ""


def newest(tables: SegmentTables, segment: str) -> SegmentRow:
    """Give a segment's newest version.

    Raises:
        NoDataError: there is no such segment.
    """
    versions = tables.versions(segment)
    if not versions:
        known = ", ".join(dict.fromkeys(row.segment for row in tables.segments())) or "none"
        raise NoDataError(f"segment {segment!r} is not there; there are: {known}")
    return versions[-1]


def current(tables: SegmentTables) -> list[SegmentRow]:
    """Give the newest version of every segment."""
    return list({row.segment: row for row in tables.segments()}.values())


def proposable(tables: SegmentTables, definition: Definition, *, chain: Chain) -> list[Finding]:
    """Say what is to be known of a new segment that can be saved.

    Raises:
        ConfigError: it cannot be saved so; says why, and the mend.
    """
    if tables.versions(definition.id):
        raise ConfigError(
            f"segment {definition.id!r} is there already; `aisle-hub segments edit` makes a new "
            "version of it"
        )
    return checked(definition, chain=chain)


def propose(
    tables: SegmentTables, definition: Definition, *, chain: Chain, at: datetime, by: str = ""
) -> list[Finding]:
    """Save a new segment, proposed, and say what else is to be known of it.

    Raises:
        ConfigError: it cannot be saved so; says why, and the mend.
    """
    findings = proposable(tables, definition, chain=chain)
    _save(tables, definition, version=1, state="proposed", event="added", at=at, detail=by)
    return findings


def edit(
    tables: SegmentTables, definition: Definition, *, chain: Chain, at: datetime, by: str = ""
) -> list[Finding]:
    """Save a new version of a segment; the old one and its history stay.

    Raises:
        NoDataError: there is no such segment.
        ConfigError: it cannot be saved so, or nothing in it is new.
    """
    before = newest(tables, definition.id)
    if definition_of(before) == definition:
        raise ConfigError(f"segment {definition.id!r}: this is version {before.version} unchanged")
    findings = checked(definition, chain=chain)
    state = before.state if before.state in ALIVE else "proposed"
    version = before.version + 1
    _save(tables, definition, version=version, state=state, event="edited", at=at, detail=by)
    return findings


def act(
    tables: SegmentTables, segment: str, *, what: Act, at: datetime, detail: str = ""
) -> SegmentRow:
    """Accept (or confirm), refuse or retire the newest version of a segment.

    Raises:
        NoDataError: there is no such segment.
        ConfigError: that does not follow its state.
    """
    row = newest(tables, segment)
    state = after(what, state=row.state, segment=segment)
    tables.set_state(
        segment,
        version=row.version,
        state=state,
        retired_at=at if state in {"retired", "refused", "dissolved"} else None,
        event=SegmentEvent("", segment, row.version, at, PAST[what], detail),
    )
    return newest(tables, segment)


def checked(definition: Definition, *, chain: Chain) -> list[Finding]:
    """Check a definition; what is no error is returned.

    Raises:
        ConfigError: the errors, one a line.
    """
    findings = check(definition, vocabulary=chain.names)
    errors = [one.text for one in findings if one.severity == "error"]
    if errors:
        raise ConfigError("\n".join(f"segment {definition.id!r}: {text}" for text in errors))
    return findings


def channels_of(*rows: SegmentRow) -> tuple[str, ...]:
    """Give the channels that some versions are made of."""
    tagged = any(compile_rule(definition_of(row).rule).tagged for row in rows)
    return CHANNELS if tagged else CHANNELS[:2]


def replay(
    tables: SegmentTables, row: SegmentRow, *, chain: Chain, params: ShareParams
) -> dict[str, list[Day]]:
    """Evaluate a version over all days that are loaded, and store its shares."""
    definition = definition_of(row)
    rule = compile_rule(definition.rule)
    days = {
        store: days_of(chain, rule, store=store) if _looked_for(definition, store=store) else []
        for store in chain.stores
    }
    tables.write_shares(
        share
        for store, of_store in days.items()
        for share in _rows(row, store=store, days=of_store, params=params)
    )
    return days


def compare(
    old: SegmentRow,
    new: SegmentRow,
    *,
    chain: Chain,
    params: ShareParams,
    days: Mapping[str, Sequence[Day]],
) -> list[Compared]:
    """Hold two versions against each other over the days that both have.

    Args:
        old: the older version.
        new: the newer.
        chain: counts of the days.
        params: when a share is shown.
        days: of the newer version, as ``replay`` gave them.
    """
    before = definition_of(old)
    rules = compile_rule(before.rule), compile_rule(definition_of(new).rule)
    tagged = rules[0].tagged or rules[1].tagged
    compared = []
    for store in chain.stores:
        first: Sequence[Day]
        if tagged:
            first = days_of(chain, rules[0], store=store)
            difference = Share(None, None, None, "a tag's visits are counted by themselves")
        else:
            sides = [weighed(chain, rule, store=store) for rule in rules]
            first = by_day(sides[0])
            difference = _difference(*sides, params=params)
        if not _looked_for(before, store=store):
            first = ()
        both = {day.day for day in first} & {day.day for day in days[store]}
        before_share, share = (
            over([day for day in side if day.day in both], params=params)
            for side in (first, days[store])
        )
        compared.append(Compared(store, before_share, share, difference))
    return compared


def look(
    tables: SegmentTables,
    *,
    chain: Chain,
    at: datetime,
    params: ShareParams | None = None,
    drift: DriftParams | None = None,
) -> list[Looked]:
    """Look after every segment that is watched: shares, drift, and decay.

    Args:
        tables: the segments.
        chain: counts of all days since the segments were last confirmed, and before.
        at: now.
        params: when a share is shown.
        drift: what counts as drift.
    """
    chosen = params or ShareParams()
    found: list[Looked] = []
    for row in current(tables):
        if row.state not in ALIVE:
            continue
        definition = definition_of(row)
        events = [one for one in tables.events(row.segment) if one.version == row.version]
        confirmed = confirmed_at([(one.event, one.at) for one in events], created_at=row.created_at)
        if at >= dissolves_at(confirmed, confirm_days=definition.confirm_days):
            why = f"nobody confirmed it since {confirmed.date()}"
            act(tables, row.segment, what="dissolve", at=at, detail=why)
            continue
        lacking = missing(definition, vocabulary=chain.names)
        if lacking:
            why = f"no store releases {', '.join(lacking)}"
            found += [_abstains(row, store=store, why=why) for store in chain.stores]
            continue
        days = replay(tables, row, chain=chain, params=chosen)
        told = {(one.store, one.detail) for one in events if one.event == "drifted"}
        looked = [store for store in days if _looked_for(definition, store=store)]
        watched = {store: _watched(days[store], events=events, store=store) for store in looked}
        alarms = detect_each(watched, params=drift)
        if len(looked) > 1:
            together = [_watched(one, events=events, store=TOGETHER) for one in watched.values()]
            alarms[TOGETHER] = detect_together(together, params=drift)
            days = {**days, TOGETHER: [day for store in looked for day in days[store]]}
        for store, alarm in alarms.items():
            state: str = row.state
            if alarm is not None and row.state in WATCHED:
                state = _note_drift(tables, row, store=store, alarm=alarm, at=at, told=told)
            share = over(days[store], params=chosen)
            found.append(Looked(row.segment, row.version, store, state, share, alarm))
    return found


def note_lines(
    tables: SegmentTables,
    became: Sequence[Transition],
    *,
    recent: tuple[date, date],
    at: datetime,
    once_in: timedelta,
) -> list[SegmentEvent]:
    """Note what befell living segments as their visits group anew: births, splits, merges, deaths.

    Args:
        tables: the segments.
        became: of groups called by segments, as ``hub.segments.proposing.discover`` gives them.
        recent: first and last of the days it was seen in.
        at: now.
        once_in: what a segment was told of within this is the same again, and not noted.

    Returns:
        What was noted.
    """
    alive = {row.segment: row for row in current(tables) if row.state in ALIVE}
    noted = []
    for segment, event, detail in (
        row for one in became for row in befell(one, recent=recent, known=alive)
    ):
        told = [one for one in tables.events(segment) if one.event == event]
        if any(at - one.at < once_in or event == "born" for one in told):
            continue
        row = alive[segment]
        noted.append(SegmentEvent("", segment, row.version, at, event, detail))
        tables.set_state(segment, version=row.version, state=row.state, event=noted[-1])
    return noted


def last_line(events: Sequence[SegmentEvent]) -> str:
    """Say what last befell a segment by others: what it was split from, or is merged into."""
    told = [one for one in events if one.event in LINES]
    return f"{told[-1].event} {told[-1].detail}" if told else ""


def rules_of(rows: Iterable[SegmentRow]) -> dict[str, Rule]:
    """Compile what segments ask, by their ids."""
    return {row.segment: compile_rule(definition_of(row).rule) for row in rows}


def overlaps(
    rules: Mapping[str, Rule], *, chain: Chain, stores: Sequence[str]
) -> dict[tuple[str, str], float]:
    """Give, for each pair of segments, what part of the visits in either is in both.

    Segments over tags are left out: a tag's visits are counted by themselves.

    Args:
        rules: by segment; what they were evaluated for before is not evaluated again.
        chain: counts.
        stores: of these.
    """
    over_cells = {
        segment: [table for store in stores for table in weighed(chain, rule, store=store)]
        for segment, rule in rules.items()
        if not rule.tagged and all(path in chain.names.terms for path in rule.names.paths)
    }
    names = sorted(over_cells)
    return {
        (one, other): overlap(over_cells[one], over_cells[other])
        for number, one in enumerate(names)
        for other in names[number + 1 :]
    }


def describe(alarm: Alarm) -> str:
    """Say what drifted, for the history."""
    return (
        f"{100 * alarm.before:.1f} % before, {100 * alarm.after:.1f} % since {alarm.since} "
        f"({alarm.sds:.1f} standard deviations)"
    )


def _note_drift(
    tables: SegmentTables,
    row: SegmentRow,
    *,
    store: str,
    alarm: Alarm,
    at: datetime,
    told: set[tuple[str, str]],
) -> str:
    detail = describe(alarm)
    if (store, detail) in told:
        return row.state
    event = SegmentEvent(store, row.segment, row.version, at, "drifted", detail)
    tables.set_state(row.segment, version=row.version, state="drifting", event=event)
    return "drifting"


def _watched(days: Sequence[Day], *, events: Iterable[SegmentEvent], store: str) -> list[Day]:
    """Give the days drift is looked for in: after a drift was accepted, those since it.

    Accepting a segment that drifted says that its new share is the right one.
    """
    drifted = [one for one in events if one.event == "drifted" and one.store == store]
    accepted = [one.at for one in events if one.event in CONFIRMING]
    settled = [one for one in drifted if accepted and one.at < max(accepted)]
    if not settled:
        return list(days)
    since = date.fromisoformat(settled[-1].detail.split("since ")[1][:10])
    return [day for day in days if day.day >= since]


def _looked_for(definition: Definition, *, store: str) -> bool:
    return not definition.stores or store in definition.stores


def _abstains(row: SegmentRow, *, store: str, why: str) -> Looked:
    share = Share(None, None, None, why)
    return Looked(row.segment, row.version, store, row.state, share, None, why)


def _rows(
    row: SegmentRow, *, store: str, days: Iterable[Day], params: ShareParams
) -> Iterable[SegmentShare]:
    for day in days:
        shown = over([day], params=params)
        variance = None
        if shown.low is not None and shown.high is not None:
            variance = ((shown.high - shown.low) / 2 / params.z) ** 2
        yield SegmentShare(
            store, row.segment, row.version, day.day, shown.value, variance, day.visits
        )


def _difference(
    first: Sequence[Weighed], second: Sequence[Weighed], *, params: ShareParams
) -> Share:
    """Estimate how much more the newer version holds: one rule, whose weight is the difference."""
    apart = [
        Weighed(a.hours, b.weights - a.weights, b.day_weights - a.day_weights)
        for a, b in zip(first, second, strict=True)
    ]
    days = by_day(apart)
    visits = sum(day.visits for day in days)
    noise = sum(day.var_visits for day in days)
    if visits <= 0 or visits < params.support_sd * noise**0.5:
        return Share(None, None, None, "too few visits for the privacy noise on them")
    value = sum(day.members for day in days) / visits
    squares = max(sum(day.squares for day in days) / visits - value**2, 0.0) / visits
    noised = sum(day.var_members - 2 * value * day.cov + value**2 * day.var_visits for day in days)
    half = params.z * (squares + max(0.0, noised) / visits**2) ** 0.5
    return Share(value, value - half, value + half)


def _save(
    tables: SegmentTables,
    definition: Definition,
    *,
    version: int,
    state: str,
    event: str,
    at: datetime,
    detail: str,
) -> None:
    tables.add(
        SegmentRow(definition.id, version, as_toml(definition), state, at),
        event=SegmentEvent("", definition.id, version, at, event, detail),
    )


def decays_in(
    row: SegmentRow, *, events: Sequence[SegmentEvent], definition: Definition, now: datetime
) -> timedelta:
    """Give how long a segment still lives if nobody confirms it."""
    told = [(one.event, one.at) for one in events if one.version == row.version]
    confirmed = confirmed_at(told, created_at=row.created_at)
    return dissolves_at(confirmed, confirm_days=definition.confirm_days) - now


def restated(definition: Definition, *, changes: dict[str, object]) -> Definition:
    """Give a definition with some fields changed.

    Raises:
        ConfigError: a field does not take that.
    """
    fields = msgspec.to_builtins(definition) | changes
    try:
        return msgspec.convert(fields, type=Definition)
    except msgspec.ValidationError as error:
        raise ConfigError(f"segment {definition.id!r}: {error}") from error
