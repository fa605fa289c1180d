from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.ingest.judging import (
    Arrival,
    Decision,
    Ingest,
    Noted,
    Rejected,
    Repeat,
    Stored,
    contiguous,
    read_arrival,
)
from wire.codec import encode_dropped
from wire.messages import AXES, OUTCOMES, Axis, ChannelName, Meta, Release, Status
from wire.topics import parse_topic

TOPIC = "aisle/v1/berlin-1/north/release"
NOW = datetime(2026, 3, 8, 1, tzinfo=UTC)
EPOCH = "00000000deadbeef"


def judge(*arrivals: Arrival) -> list[Decision]:
    ingest = Ingest(known={}, zones={})
    return [decision for a in arrivals for decision in ingest.feed(read_arrival(a))]


def test_a_release_is_stored_once_and_its_repeat_told_apart(
    cells: Callable[..., Release], arrive: Callable[..., Arrival]
) -> None:
    first, again = judge(arrive(cells(1)), arrive(cells(1)))
    assert isinstance(first, Stored)
    assert isinstance(again, Repeat)
    assert first.key == again.key


def test_the_same_key_with_other_bytes_is_rejected_as_a_clone_and_counts_as_handled(
    cells: Callable[..., Release], arrive: Callable[..., Arrival]
) -> None:
    _, other = judge(arrive(cells(1)), arrive(cells(1, counts=(9,) * 9)))
    assert isinstance(other, Rejected)
    assert "clone" in other.reason
    assert other.key is not None
    assert other.key.seq == 1


def test_what_the_database_knows_decides_as_the_batch_does(
    cells: Callable[..., Release], arrive: Callable[..., Arrival]
) -> None:
    stored = read_arrival(arrive(cells(1)))
    assert isinstance(stored, Stored)
    known = Ingest(known={stored.key: stored.sha256}, zones={})
    assert isinstance(known.feed(stored)[0], Repeat)
    cloned = Ingest(known={stored.key: "other"}, zones={})
    assert isinstance(cloned.feed(stored)[0], Rejected)


def test_a_release_for_another_store_than_its_topic_is_rejected_with_its_bytes(
    cells: Callable[..., Release], payload: Callable[..., bytes]
) -> None:
    body = payload(cells(3), store="hamburg-1")
    (rejected,) = judge(Arrival(TOPIC, body, NOW))
    assert isinstance(rejected, Rejected)
    assert "hamburg-1" in rejected.reason
    assert rejected.arrival.payload == body
    # handled for the agent that sent it, or it would send it for ever
    assert rejected.key is not None
    assert (rejected.key.store, rejected.key.epoch, rejected.key.seq) == ("berlin-1", EPOCH, 3)


@pytest.mark.parametrize(
    ("body", "reason", "seq"),
    [
        (b"not json at all", "envelope", None),
        (b"", "envelope", None),
        (b"\xff\xfe\x00", "envelope", None),
        (b'{"id": "00000000deadbeef-7", "truncat', "envelope", 7),
        (b'{"id": "00000000deadbeef-7"}', "envelope", 7),
        (b'{"id": "00000000deadbeef-0"}', "envelope", None),
        (b'{"id": "' + b"9" * 20_000 + b'"}', "allowed", None),
        (b'{"id": "00000000deadbeef-8", "x": "' + b"9" * 20_000 + b'"}', "allowed", 8),
    ],
)
def test_bytes_that_are_no_release_are_rejected_with_a_reason_and_a_seq_if_it_can_be_read(
    body: bytes, reason: str, seq: int | None
) -> None:
    (rejected,) = judge(Arrival(TOPIC, body, NOW))
    assert isinstance(rejected, Rejected)
    assert reason in rejected.reason
    assert (rejected.key.seq if rejected.key else None) == seq


def test_the_notice_of_a_dropped_release_is_rejected_under_its_key() -> None:
    body = encode_dropped(parse_topic(TOPIC), event_id=f"{EPOCH}-7", time=NOW)
    (decision,) = judge(Arrival(TOPIC, body, NOW))
    assert isinstance(decision, Rejected)
    assert decision.key is not None
    assert (decision.key.epoch, decision.key.seq) == (EPOCH, 7)


def test_zones_that_are_not_in_the_plan_are_rejected_once_the_plan_is_known(
    zones: Callable[..., Release], arrive: Callable[..., Arrival], meta: Meta
) -> None:
    stray = zones(1, counts=(0,) * 20, zones=("aisle-1", "aisle-9"))
    (before,) = judge(arrive(stray))
    assert isinstance(before, Stored)
    _, after = judge(arrive(meta), arrive(stray))
    assert isinstance(after, Rejected)
    assert "aisle-9" in after.reason
    assert "aisle-1" not in after.reason


@pytest.mark.parametrize("name", AXES)
def test_every_channel_is_taken_by_its_axes_and_no_others(
    name: ChannelName, cells: Callable[..., Release], arrive: Callable[..., Arrival]
) -> None:
    axes = tuple(
        Axis(axis, OUTCOMES if name == "zones" and axis == "outcome" else ("aisle-1",))
        for axis in AXES[name]
    )
    counts = (0,) * (len(OUTCOMES) if name == "zones" else 1)
    right = msgspec.structs.replace(cells(1), channel=name, axes=axes, counts=counts)
    (stored,) = judge(arrive(right))
    assert isinstance(stored, Stored)
    odd = msgspec.structs.replace(right, axes=(*axes[:-1], Axis("face", axes[-1].labels)))
    (rejected,) = judge(arrive(odd))
    assert isinstance(rejected, Rejected)
    assert "face" in rejected.reason


def test_a_channel_of_a_later_agent_is_rejected_with_its_key_to_be_replayed(
    cells: Callable[..., Release], payload: Callable[..., bytes]
) -> None:
    body = payload(cells(4)).replace(b'"cells"', b'"later"')
    (rejected,) = judge(Arrival(TOPIC, body, NOW))
    assert isinstance(rejected, Rejected)
    assert "later" in rejected.reason
    assert rejected.key is not None
    assert (rejected.key.seq, rejected.arrival.payload) == (4, body)


def test_flow_to_a_zone_that_is_not_in_the_plan_is_rejected(
    cells: Callable[..., Release], arrive: Callable[..., Arrival], meta: Meta
) -> None:
    axes = (Axis("zone", ("aisle-1",)), Axis("to_zone", ("aisle-1", "aisle-9")))
    flow = msgspec.structs.replace(cells(1), channel="flow", axes=axes, counts=(0, 0))
    _, rejected = judge(arrive(meta), arrive(flow))
    assert isinstance(rejected, Rejected)
    assert "aisle-9" in rejected.reason


def test_an_envelope_id_that_is_not_the_releases_key_is_rejected(
    cells: Callable[..., Release], payload: Callable[..., bytes]
) -> None:
    body = payload(cells(2)).replace(b"deadbeef-2", b"deadbeef-5", 1)
    (rejected,) = judge(Arrival(TOPIC, body, NOW))
    assert isinstance(rejected, Rejected)
    assert "envelope id" in rejected.reason


@pytest.mark.parametrize(
    "change",
    [
        {"counts": (2**60, *(0,) * 8)},
        {"seq": 10**17},
        {"sd": 1e200},
        {"channel": "zones"},
    ],
)
def test_what_fits_the_types_but_not_the_sense_is_rejected(
    change: dict[str, object], cells: Callable[..., Release], arrive: Callable[..., Arrival]
) -> None:
    (rejected,) = judge(arrive(msgspec.structs.replace(cells(1), **change)))
    assert isinstance(rejected, Rejected)


def test_topics_the_hub_itself_writes_or_nobody_knows_are_rejected() -> None:
    own, unknown, bad = judge(
        Arrival("aisle/v1/berlin-1/north/ack", b"{}", NOW),
        Arrival("aisle/v1/berlin-1/north/visits", b"{}", NOW),
        Arrival("aisle/v1/Berlin 1/north/release", b"{}", NOW),
    )
    for rejected in (own, unknown, bad):
        assert isinstance(rejected, Rejected)
        assert rejected.key is None


def test_a_sender_whose_clock_is_ahead_was_not_seen_in_the_future(
    arrive: Callable[..., Arrival],
) -> None:
    early = datetime(2020, 1, 1, tzinfo=UTC)
    (noted,) = judge(arrive(Status("online"), at=early))
    assert isinstance(noted, Noted)
    assert noted.sent_at == early


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"outline": ()}, "corners"),
        ({"outline": ((0, 0), (1, 0), (2, 0))}, "encloses nothing"),
        ({"fixtures": ((),)}, "corners"),
        ({"opens": "29:59"}, "29:59"),
        ({"daypart_starts": ("00:00", "noon")}, "noon"),
    ],
)
def test_a_meta_no_report_could_be_made_by_is_rejected(
    change: dict[str, object], says: str, meta: Meta, arrive: Callable[..., Arrival]
) -> None:
    (rejected,) = judge(arrive(msgspec.structs.replace(meta, **change)))
    assert isinstance(rejected, Rejected)
    assert says in rejected.reason


@given(st.binary(max_size=300))
def test_no_bytes_make_it_raise(body: bytes) -> None:
    assert isinstance(judge(Arrival(TOPIC, body, NOW))[0], Rejected)


@given(
    st.binary(max_size=40),
    st.sampled_from(["[", '{"a":', '{"id":']),
    st.sampled_from(["release", "status", "meta", "health"]),
)
def test_no_depth_makes_it_raise(start: bytes, bracket: str, leaf: str) -> None:
    body = start + bracket.encode() * 3_000
    topic = f"aisle/v1/berlin-1/north/{leaf}"
    assert isinstance(judge(Arrival(topic, body, NOW))[0], Rejected)


@pytest.mark.parametrize("odd", ["0001-01-01T00:00:00+10:00", "9999-12-31T23:59:59-10:00"])
@pytest.mark.parametrize("field", ["time", "window_start", "window_end"])
def test_instants_at_the_calendars_ends_are_rejected_under_their_key(
    field: str, odd: str, cells: Callable[..., Release], payload: Callable[..., bytes]
) -> None:
    body = msgspec.json.decode(payload(cells(5)))
    (body if field == "time" else body["data"])[field] = odd
    (rejected,) = judge(Arrival(TOPIC, msgspec.json.encode(body), NOW))
    assert isinstance(rejected, Rejected)
    assert field in rejected.reason or "window_end" in rejected.reason
    assert rejected.key is not None
    assert rejected.key.seq == 5


@given(st.integers(0, 5), st.lists(st.integers(1, 30)))
def test_the_mark_is_the_end_of_the_unbroken_run(mark: int, seqs: list[int]) -> None:
    handled = sorted(seq for seq in seqs if seq > mark)
    got = contiguous(mark, handled)
    assert got >= mark
    assert set(range(mark + 1, got + 1)) <= set(handled)
    assert got + 1 not in handled
