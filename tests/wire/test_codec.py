from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args

import jsonschema
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire.asyncapi import document
from wire.codec import MAX_BYTES, TYPES, decode, encode, read
from wire.errors import WireError
from wire.messages import AXES, Axis, ChannelName, Message, Release, Status
from wire.topics import LEAVES, Leaf, Topic

GOLDEN = Path(__file__).parent / "golden"
NOON = datetime(2026, 3, 7, 12, tzinfo=UTC)


def topic(leaf: Leaf) -> Topic:
    return Topic("berlin-1", "north", leaf)


@pytest.mark.parametrize("leaf", LEAVES)
def test_every_kind_survives_the_wire(leaf: Leaf, messages: dict[Leaf, Message]) -> None:
    body = encode(topic(leaf), messages[leaf], event_id="e-1", time=NOON)
    envelope, message = read(topic(leaf), body)
    assert message == messages[leaf]
    assert (envelope.id, envelope.time) == ("e-1", NOON)


@pytest.mark.parametrize("leaf", LEAVES)
def test_golden_messages_decode_for_ever(leaf: Leaf, messages: dict[Leaf, Message]) -> None:
    body = (GOLDEN / f"{leaf}.v1.json").read_bytes()
    assert decode(topic(leaf), body) == messages[leaf]


@pytest.mark.parametrize("leaf", LEAVES)
def test_golden_messages_fit_the_published_schema(leaf: Leaf) -> None:
    api = document()
    schema: dict[str, Any] = api["components"]["messages"][leaf]["payload"] | {
        "components": api["components"]
    }
    body = msgspec.json.decode((GOLDEN / f"{leaf}.v1.json").read_bytes())
    jsonschema.Draft202012Validator(schema).validate(body)
    body["data"] = {"nonsense": 1} if leaf != "config" else 7
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(schema).validate(body)


@pytest.mark.parametrize("name", AXES)
def test_golden_releases_of_every_channel_decode_for_ever(
    name: ChannelName, channels: dict[ChannelName, Release]
) -> None:
    body = (GOLDEN / f"release-{name}.v1.json").read_bytes()
    assert decode(topic("release"), body) == channels[name]
    assert tuple(axis.name for axis in channels[name].axes) == AXES[name]


def test_a_channel_nobody_knows_is_refused_by_name() -> None:
    body = (GOLDEN / "release.v1.json").read_bytes().replace(b'"cells"', b'"faces"')
    with pytest.raises(WireError, match="faces"):
        decode(topic("release"), body)


def test_every_channel_has_axes() -> None:
    assert tuple(AXES) == get_args(ChannelName)


def test_published_document_is_the_one_the_classes_make() -> None:
    published = Path(__file__).parents[2] / "wire" / "asyncapi.json"
    assert msgspec.json.decode(published.read_bytes()) == msgspec.json.decode(
        msgspec.json.encode(document())
    ), "run: python -m wire.asyncapi > wire/asyncapi.json"


def test_unknown_fields_are_ignored() -> None:
    body = msgspec.json.decode((GOLDEN / "ack.v1.json").read_bytes())
    body["data"]["later"] = body["later"] = True
    assert decode(topic("ack"), msgspec.json.encode(body)) is not None


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"source": "/stores/other/agents/north"}, "source"),
        ({"type": "aislewise.health.v1"}, "type"),
        ({"specversion": "2.0"}, "specversion"),
        ({"time": "2026-03-07T12:00:00"}, "time"),
        ({"time": "1969-12-31T23:59:59Z"}, "time 1969"),
        ({"time": "2200-01-01T00:00:00Z"}, "time 2200"),
        ({"data": {"epoch": "00112233445566ff"}}, "missing required field"),
    ],
)
def test_refusals_name_what_is_wrong(change: dict[str, Any], says: str) -> None:
    body = msgspec.json.decode((GOLDEN / "release.v1.json").read_bytes()) | change
    with pytest.raises(WireError, match=says):
        decode(topic("release"), msgspec.json.encode(body))


ODD_INSTANTS = st.one_of(
    st.sampled_from(
        [
            "0001-01-01T00:00:00+10:00",
            "9999-12-31T23:59:59-10:00",
            "1999-12-31T23:59:59Z",
            "2000-01-01T00:00:00+14:00",
            "2200-01-01T00:00:00Z",
        ]
    ),
    st.builds(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}{}{:02}:{:02}".format,
        st.one_of(st.integers(0, 1998), st.integers(2201, 9999)),
        st.integers(0, 13),
        st.integers(0, 32),
        st.integers(0, 24),
        st.integers(0, 60),
        st.integers(0, 61),
        st.sampled_from(["+", "-"]),
        st.integers(0, 24),
        st.integers(0, 60),
    ),
)


@given(start=ODD_INSTANTS, end=ODD_INSTANTS, which=st.integers(1, 3))
def test_windows_outside_our_centuries_are_refused_and_nothing_else_happens(
    start: str, end: str, which: int
) -> None:
    body = msgspec.json.decode((GOLDEN / "release.v1.json").read_bytes())
    body["data"] |= {"window_start": start} if which & 1 else {}
    body["data"] |= {"window_end": end} if which & 2 else {}
    with pytest.raises(WireError):
        decode(topic("release"), msgspec.json.encode(body))


@given(time=ODD_INSTANTS, leaf=st.sampled_from(LEAVES))
def test_what_is_read_can_become_utc(time: str, leaf: Leaf) -> None:
    body = msgspec.json.decode((GOLDEN / f"{leaf}.v1.json").read_bytes()) | {"time": time}
    try:
        envelope, _ = read(topic(leaf), msgspec.json.encode(body))
    except WireError:
        return
    assert 1970 <= envelope.time.astimezone(UTC).year < 2200


@pytest.mark.parametrize("leaf", LEAVES)
def test_a_box_without_a_battery_is_heard(leaf: Leaf) -> None:
    body = msgspec.json.decode((GOLDEN / f"{leaf}.v1.json").read_bytes())
    body["time"] = "1970-01-01T00:00:07Z"
    assert decode(topic(leaf), msgspec.json.encode(body)) is not None


@pytest.mark.parametrize("bracket", ["[", '{"a":'])
@pytest.mark.parametrize("where", ["", '{"pad":', '{"specversion":"1.0","data":'])
def test_bytes_that_nest_without_end_are_refused(where: str, bracket: str) -> None:
    with pytest.raises(WireError, match="envelope"):
        decode(topic("release"), (where + bracket * (15_000 // len(bracket))).encode())


def test_too_large_is_refused_both_ways(messages: dict[Leaf, Message]) -> None:
    release = messages["release"]
    assert isinstance(release, Release)
    labels = tuple(f"a-rather-long-label-{n}" for n in range(200))
    wide = msgspec.structs.replace(
        release,
        axes=(Axis("zone", labels), Axis("outcome", tuple("abcdefghij"))),
        counts=tuple(range(100_000, 102_000)),
    )
    with pytest.raises(WireError, match="16000 are allowed"):
        encode(topic("release"), wide, event_id="e-1", time=NOON)
    with pytest.raises(WireError, match="16000 are allowed"):
        decode(topic("release"), b" " * (MAX_BYTES["release"] + 1))


def test_counts_must_fill_the_axes(messages: dict[Leaf, Message]) -> None:
    body = encode(topic("release"), messages["release"], event_id="e-1", time=NOON)
    with pytest.raises(WireError, match="2 counts for 3 cells"):
        decode(topic("release"), body.replace(b"[12,-3,0]", b"[12,-3]"))


def test_a_message_under_the_wrong_leaf_is_our_bug() -> None:
    with pytest.raises(TypeError):
        encode(topic("ack"), Status("online"), event_id="e-1", time=NOON)


@given(st.binary(max_size=300), st.sampled_from(LEAVES))
def test_garbage_is_refused_and_nothing_else(payload: bytes, leaf: Leaf) -> None:
    with pytest.raises(WireError):
        decode(topic(leaf), payload)


def test_every_leaf_has_a_class_and_a_bound() -> None:
    assert set(TYPES) == set(MAX_BYTES) == set(LEAVES)
