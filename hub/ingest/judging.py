"""What an arriving message is: to be stored, a repeat, or to be rejected and why."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec

from wire.codec import REFUSALS, Envelope, read
from wire.errors import WireError
from wire.messages import AXES, OUTCOMES, Health, Meta, Release, Status
from wire.topics import FROM_AGENT, Topic, parse_topic

EVENT_ID = re.compile(r"([0-9a-f]{16})-([1-9][0-9]{0,15})")
"""A release's envelope id, ``{epoch}-{seq}``; longer numbers do not fit the database."""
ID_IN_RUINS = re.compile(rb'"id"\s*:\s*"([0-9a-f]{16}-[1-9][0-9]{0,15})"')
CLOCK = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")
ZONE_AXES = ("zone", "to_zone")
CORNERS = 3
SEQ_LIMIT = 10**16
SD_LIMIT = 1e9
"""Noise beyond this drowns a planet; the square of much more is no number."""
COUNT_LIMIT = 2**53
"""Counts beyond this no longer add exactly as floating-point numbers."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """Bytes as the broker delivered them.

    Attributes:
        received_at: the hub's clock, aware UTC.
        retained: the broker kept it from earlier; it does not show that the agent is there now.
    """

    topic: str
    payload: bytes
    received_at: datetime
    retained: bool = False


@dataclass(frozen=True, slots=True, order=True)
class Key:
    """What makes a release one and the same."""

    store: str
    agent: str
    epoch: str
    seq: int


@dataclass(frozen=True, slots=True)
class Stored:
    """A release to be stored."""

    key: Key
    release: Release
    sha256: str
    made_at: datetime
    arrival: Arrival


@dataclass(frozen=True, slots=True)
class Repeat:
    """A release that is stored already: dropped, counted, acknowledged again."""

    key: Key
    received_at: datetime


@dataclass(frozen=True, slots=True)
class Noted:
    """A status, meta or health message; the newest replaces the one before.

    Attributes:
        sent_at: the sender's clock, but never later than the arrival.
    """

    topic: Topic
    message: Status | Meta | Health
    sent_at: datetime
    arrival: Arrival


@dataclass(frozen=True, slots=True)
class Rejected:
    """Bytes that will not be stored as a release, kept with the reason.

    Attributes:
        store: empty where the topic could not be read; so is ``agent``.
        key: which release it was, if that could be read: then it counts as handled, because
            the agent would otherwise send it for ever.
    """

    store: str
    agent: str
    key: Key | None
    reason: str
    sha256: str
    arrival: Arrival


Read = Stored | Noted | Rejected
Decision = Stored | Repeat | Noted | Rejected


def read_arrival(arrival: Arrival) -> Read:
    """Read one message by the contract alone, without looking at what is stored."""
    try:
        topic = parse_topic(arrival.topic)
    except WireError as error:
        return _rejected(arrival, None, str(error))
    if topic.leaf not in FROM_AGENT:
        return _rejected(arrival, topic, f"an agent does not publish {topic.leaf!r}")
    try:
        envelope, message = read(topic, arrival.payload)
    except WireError as error:
        return _rejected(arrival, topic, str(error))
    sent_at = min(envelope.time.astimezone(UTC), arrival.received_at)
    if isinstance(message, Status | Meta | Health):
        fault = _meta_fault(message) if isinstance(message, Meta) else ""
        noted = Noted(topic, message, sent_at, arrival)
        return _rejected(arrival, topic, fault) if fault else noted
    if not isinstance(message, Release):  # pragma: no cover - FROM_AGENT leaves no other
        raise TypeError(f"{type(message).__name__} is no agent's message")
    fault = _fault(envelope, message)
    if fault:
        return _rejected(arrival, topic, fault)
    key = Key(topic.store, topic.agent, message.epoch, message.seq)
    return Stored(key, message, _sha256(arrival.payload), envelope.time, arrival)


def refuse_unread(arrival: Arrival, *, reason: str) -> Rejected:
    """Refuse what this program fails at, by its bytes alone."""
    try:
        topic = parse_topic(arrival.topic)
    except WireError:
        topic = None
    return _rejected(arrival, topic, reason)


class Ingest:
    """Decide over a batch of read messages, given what the database knows of their keys.

    Args:
        known: sha256 of the stored release under each key of the batch that is stored.
        zones: (store, agent, plan) → zone ids, for the floor plans that are known.
    """

    def __init__(
        self,
        *,
        known: Mapping[Key, str],
        zones: Mapping[tuple[str, str, str], frozenset[str]],
    ) -> None:
        self._known = dict(known)
        self._zones = dict(zones)

    def feed(self, item: Read) -> list[Decision]:
        """Decide over one message; earlier ones of the batch count as stored."""
        if isinstance(item, Rejected):
            return [item]
        if isinstance(item, Noted):
            if isinstance(item.message, Meta):
                place = (item.topic.store, item.topic.agent, item.message.plan)
                self._zones[place] = frozenset(zone.id for zone in item.message.zones)
            return [item]
        return [self._judge(item)]

    def _judge(self, item: Stored) -> Decision:
        there = self._known.get(item.key)
        if there == item.sha256:
            return Repeat(item.key, item.arrival.received_at)
        if there is not None:
            return self._refuse(item, "this key is stored with other bytes: is the card a clone?")
        stray = self._stray_zones(item)
        if stray:
            return self._refuse(
                item, f"zones {', '.join(stray)} are not in plan {item.release.plan!r}"
            )
        self._known[item.key] = item.sha256
        return item

    def _stray_zones(self, item: Stored) -> list[str]:
        plan = self._zones.get((item.key.store, item.key.agent, item.release.plan))
        if plan is None:  # a meta may come later than the releases it explains
            return []
        axes = [axis for axis in item.release.axes if axis.name in ZONE_AXES]
        return sorted({label for axis in axes for label in axis.labels} - plan)

    @staticmethod
    def _refuse(item: Stored, reason: str) -> Rejected:
        return Rejected(item.key.store, item.key.agent, item.key, reason, item.sha256, item.arrival)


def contiguous(mark: int, handled: list[int]) -> int:
    """Give the highest seq up to which everything is handled.

    Args:
        mark: everything up to here is handled.
        handled: ascending seqs above the mark, repeats allowed.

    >>> contiguous(2, [3, 4, 6])
    4
    """
    for seq in handled:
        if seq > mark + 1:
            break
        mark = max(mark, seq)
    return mark


def _meta_fault(meta: Meta) -> str:
    """Say why no report could be made by this meta: empty if nothing is wrong."""
    for clock in (meta.opens, meta.closes, *meta.daypart_starts):
        if not CLOCK.fullmatch(clock):
            return f"{clock!r} is no time of day"
    if any(len(polygon) < CORNERS for polygon in (meta.outline, *meta.fixtures)):
        return "an outline or fixture with less than three corners"
    if any(min(along) == max(along) for along in zip(*meta.outline, strict=True)):
        return "the outline encloses nothing"
    return ""


def _fault(envelope: Envelope, release: Release) -> str:
    """Say what the contract's types cannot: empty if nothing is wrong."""
    if envelope.id != f"{release.epoch}-{release.seq}":
        return f"envelope id {envelope.id!r} is not epoch-seq of the release"
    if release.seq >= SEQ_LIMIT:
        return f"seq {release.seq} is too large"
    if release.sd > SD_LIMIT:
        return f"noise of sd {release.sd:g} is too large"
    if any(abs(count) > COUNT_LIMIT for count in release.counts):
        return "a count is too large"
    return _axes_fault(release)


def _axes_fault(release: Release) -> str:
    names = [axis.name for axis in release.axes]
    wanted = AXES[release.channel]
    if sorted(names) != sorted(wanted):
        return f"axes {names} under channel {release.channel!r}; {sorted(wanted)} belong there"
    for axis in release.axes:
        if len(set(axis.labels)) != len(axis.labels):
            return f"axis {axis.name!r} has a label twice"
        lacking = release.channel == "zones" and not set(OUTCOMES) <= set(axis.labels)
        if axis.name == "outcome" and lacking:
            return f"axis 'outcome' has {list(axis.labels)}; it must have {list(OUTCOMES)}"
    return ""


class _Identified(msgspec.Struct, frozen=True):
    """Any JSON object that has an id."""

    id: str


def _rejected(arrival: Arrival, topic: Topic | None, reason: str) -> Rejected:
    return Rejected(
        topic.store if topic else "",
        topic.agent if topic else "",
        _key_of_ruins(topic, arrival.payload),
        reason,
        _sha256(arrival.payload),
        arrival,
    )


def _key_of_ruins(topic: Topic | None, payload: bytes) -> Key | None:
    if topic is None or topic.leaf != "release":
        return None
    try:
        text = msgspec.json.decode(payload, type=_Identified).id
    except REFUSALS:
        found = ID_IN_RUINS.search(payload)
        text = found.group(1).decode("ascii") if found else ""
    match = EVENT_ID.fullmatch(text)
    return Key(topic.store, topic.agent, match[1], int(match[2])) if match else None


def _sha256(payload: bytes) -> str:
    return hashlib.sha256(payload).hexdigest()
