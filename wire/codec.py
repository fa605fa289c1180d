"""Messages to bytes and back: JSON bodies in a CloudEvents 1.0 envelope, the only JSON on the wire.

Source: CloudEvents v1.0.2, JSON event format (structured mode).
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal

import msgspec

from wire.errors import WireError
from wire.messages import Ack, Config, Health, Message, Meta, Release, Status
from wire.topics import Leaf, Topic

MAX_BYTES: dict[Leaf, int] = {
    "status": 1_000,
    "meta": 16_000,
    "release": 16_000,
    "health": 8_000,
    "ack": 1_000,
    "config": 16_000,
}
"""Upper bounds; the smallest broker in use refuses payloads over 20 kB."""

TYPES: dict[Leaf, type[Message]] = {
    "status": Status,
    "meta": Meta,
    "release": Release,
    "health": Health,
    "ack": Ack,
    "config": Config,
}
REFUSALS = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What msgspec raises for bytes that are no message; the last where they nest without end."""
VERSION = 1
FIRST_SENT_AT = datetime(1970, 1, 1, tzinfo=UTC)
"""A box whose clock has no battery begins here, and must still be heard."""
FIRST_WINDOW_AT = datetime(2000, 1, 1, tzinfo=UTC)
LAST_AT = datetime(2200, 1, 1, tzinfo=UTC)
"""Instants from here on are nonsense; near the calendar's ends they even cannot become UTC."""


class Envelope(msgspec.Struct, frozen=True):
    """CloudEvents attributes around a body."""

    specversion: Literal["1.0"]
    id: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    source: str
    type: str
    time: Annotated[datetime, msgspec.Meta(tz=True)]
    data: msgspec.Raw
    datacontenttype: str = "application/json"


def encode(topic: Topic, message: Message, *, event_id: str, time: datetime) -> bytes:
    """Give the bytes to publish under a topic.

    Args:
        topic: whose message it is; must fit the message's class.
        message: one of ``wire.messages``.
        event_id: unique per source; releases use ``{epoch}-{seq}``.
        time: aware UTC instant at which the message was made.

    Raises:
        WireError: longer than the contract allows.
        TypeError: a message of another leaf.
    """
    if type(message) is not TYPES[topic.leaf]:
        raise TypeError(f"{type(message).__name__} does not belong under {topic.leaf!r}")
    body = msgspec.json.encode(
        Envelope(
            specversion="1.0",
            id=event_id,
            source=_source(topic),
            type=_type(topic.leaf),
            time=time,
            data=msgspec.Raw(msgspec.json.encode(message)),
        )
    )
    if len(body) > MAX_BYTES[topic.leaf]:
        raise WireError(f"{topic.leaf} of {len(body)} bytes; {MAX_BYTES[topic.leaf]} are allowed")
    return body


def encode_dropped(topic: Topic, *, event_id: str, time: datetime) -> bytes:
    """Give the notice to publish in place of a release that a full outbox had to drop.

    It is no message: the hub rejects it under the release's key, and so can acknowledge past it.
    """
    return msgspec.json.encode(
        Envelope(
            specversion="1.0",
            id=event_id,
            source=_source(topic),
            type=f"aislewise.dropped.v{VERSION}",
            time=time,
            data=msgspec.Raw(b"null"),
        )
    )


def decode(topic: Topic, payload: bytes) -> Message:
    """Read the message that was published under a topic.

    Raises:
        WireError: not JSON, not this contract, too large, or another agent's.
    """
    return read(topic, payload)[1]


def read(topic: Topic, payload: bytes) -> tuple[Envelope, Message]:
    """Read envelope and message; the envelope's ``time`` is the sender's clock.

    Raises:
        WireError: as ``decode``, or an instant that no clock of ours tells.
    """
    if len(payload) > MAX_BYTES[topic.leaf]:
        raise WireError(
            f"{topic.leaf} of {len(payload)} bytes; {MAX_BYTES[topic.leaf]} are allowed"
        )
    try:
        envelope = msgspec.json.decode(payload, type=Envelope)
    except REFUSALS as error:
        raise WireError(f"not a CloudEvents envelope: {error}") from error
    if envelope.type != _type(topic.leaf):
        raise WireError(f"type {envelope.type!r} under a {topic.leaf} topic")
    if envelope.source != _source(topic):
        raise WireError(f"source {envelope.source!r} under topic {str(topic)!r}")
    try:
        message: Message = msgspec.json.decode(envelope.data, type=TYPES[topic.leaf])
    except REFUSALS as error:
        raise WireError(f"not a {topic.leaf} message: {error}") from error
    _check_instants(envelope, message)
    return envelope, message


def _check_instants(envelope: Envelope, message: Message) -> None:
    instants = [("time", FIRST_SENT_AT, envelope.time)]
    if isinstance(message, Release):
        instants += [
            ("window_start", FIRST_WINDOW_AT, message.window_start),
            ("window_end", FIRST_WINDOW_AT, message.window_end),
        ]
    for name, first, instant in instants:
        if not first <= instant < LAST_AT:
            raise WireError(f"{name} {instant.isoformat()} is before {first:%Y} or after 2199")


def _source(topic: Topic) -> str:
    return f"/stores/{topic.store}/agents/{topic.agent}"


def _type(leaf: Leaf) -> str:
    return f"aislewise.{leaf}.v{VERSION}"
