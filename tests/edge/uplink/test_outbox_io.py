from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge.errors import DeviceError
from edge.release.released import Released
from edge.uplink.outbox_io import Outbox
from wire.codec import Envelope, decode
from wire.messages import Release
from wire.topics import Topic

DROPPED_TYPE = "aislewise.dropped.v1"

TOPIC = Topic("berlin-1", "north", "release")
Make = Callable[[int], Released]
Open = Callable[..., Outbox]


def ms(at: datetime) -> int:
    return int(at.timestamp() * 1000)


def test_seqs_run_without_gaps_and_survive_a_restart(
    open_outbox: Open, make_released: Make, noon: datetime
) -> None:
    first = open_outbox()
    assert [first.put(make_released(n), at=noon) for n in range(3)] == [1, 2, 3]
    epoch = first.level().epoch
    first.close()
    again = open_outbox()
    assert again.put(make_released(3), at=noon) == 4
    assert again.level().epoch == epoch
    sealed = again.unacked(0, limit=10)
    assert [s.seq for s in sealed] == [1, 2, 3, 4]
    for one in sealed:
        message = decode(TOPIC, one.payload)
        assert isinstance(message, Release)
        assert (message.epoch, message.seq) == (epoch, one.seq)


def test_the_same_release_keeps_its_bytes(
    open_outbox: Open, make_released: Make, noon: datetime
) -> None:
    outbox = open_outbox()
    outbox.put(make_released(0), at=noon)
    assert outbox.unacked(0, limit=1) == outbox.unacked(0, limit=1)


def test_takes_nothing_but_releases(open_outbox: Open, noon: datetime) -> None:
    outbox = open_outbox()
    with pytest.raises(TypeError, match="Released, not dict"):
        outbox.put({"visit": 1}, at=noon)  # type: ignore[arg-type]
    assert outbox.level().waiting == 0


def test_acknowledged_are_kept_for_seven_days(
    open_outbox: Open, make_released: Make, noon: datetime
) -> None:
    outbox = open_outbox()
    for n in range(4):
        outbox.put(make_released(n), at=noon)
    epoch = outbox.level().epoch
    assert outbox.ack(epoch, 3, now_ms=ms(noon))
    assert [s.seq for s in outbox.unacked(0, limit=9)] == [4]
    assert outbox.ack(epoch, 1, now_ms=ms(noon + timedelta(days=6)))
    restored = outbox.unacked(0, limit=9)
    assert [s.seq for s in restored] == [2, 3, 4]
    assert all(isinstance(decode(TOPIC, s.payload), Release) for s in restored)


def test_forgotten_after_that_and_a_restored_hub_is_told(
    open_outbox: Open, make_released: Make, noon: datetime
) -> None:
    outbox = open_outbox()
    for n in range(3):
        outbox.put(make_released(n), at=noon)
    epoch = outbox.level().epoch
    outbox.ack(epoch, 2, now_ms=ms(noon))
    outbox.ack(epoch, 3, now_ms=ms(noon + timedelta(days=8)))
    outbox.ack(epoch, 0, now_ms=ms(noon + timedelta(days=8)))
    sealed = outbox.unacked(0, limit=9)
    assert [s.seq for s in sealed] == [1, 2, 3]
    types = [msgspec.json.decode(s.payload, type=Envelope).type for s in sealed]
    assert types == [DROPPED_TYPE, DROPPED_TYPE, "aislewise.release.v1"]


def test_marks_of_another_file_change_nothing(
    open_outbox: Open, make_released: Make, noon: datetime
) -> None:
    outbox = open_outbox()
    outbox.put(make_released(0), at=noon)
    assert not outbox.ack("0" * 16, 1, now_ms=ms(noon))
    assert outbox.level().waiting == 1


def test_an_older_copy_of_the_file_begins_a_new_epoch_and_loses_nothing(
    open_outbox: Open, make_released: Make, noon: datetime, tmp_path: Path
) -> None:
    known: dict[tuple[str, int], bytes] = {}

    def deliver(outbox: Outbox) -> None:
        """Take what a hub takes, and acknowledge as it does."""
        while sealed := outbox.unacked(0, limit=9):
            for one in sealed:
                assert known.setdefault((one.epoch, one.seq), one.payload) == one.payload
            last = max(seq for epoch, seq in known if epoch == sealed[-1].epoch)
            outbox.ack(sealed[-1].epoch, last, now_ms=ms(noon))

    outbox = open_outbox()
    outbox.put(make_released(0), at=noon)
    deliver(outbox)
    outbox.close()
    copy = (tmp_path / "outbox.db").read_bytes()
    outbox = open_outbox()
    for hour in (1, 2, 3, 4):
        outbox.put(make_released(hour), at=noon)
    deliver(outbox)
    epoch = outbox.level().epoch
    outbox.close()
    (tmp_path / "outbox.db").write_bytes(copy)
    older = open_outbox()
    for hour in (5, 6):
        older.put(make_released(hour), at=noon)
    before = [decode(TOPIC, one.payload) for one in older.unacked(0, limit=9)]
    assert not older.ack(epoch, 5, now_ms=ms(noon))
    assert older.level().epoch != epoch
    assert "older copy" in older.notice
    after = older.unacked(0, limit=9)
    assert [one.seq for one in after] == [1, 2]
    for old, new in zip(before, (decode(TOPIC, one.payload) for one in after), strict=True):
        assert isinstance(old, Release)
        assert isinstance(new, Release)
        assert (old.counts, old.window_start) == (new.counts, new.window_start)
    deliver(older)
    assert older.level().waiting == 0
    assert len(known) == 5 + 2
    assert older.put(make_released(7), at=noon) == 3


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.sampled_from(["put", "put", "ack", "reopen"]), max_size=25))
def test_whatever_happens_every_seq_above_the_mark_is_offered_once(
    steps: list[str], tmp_path: Path, make_released: Make, noon: datetime
) -> None:
    path = tmp_path / f"law-{len(list(tmp_path.iterdir()))}.db"
    outbox = Outbox(path, store="berlin-1", agent="north", max_rows=5)
    put = acked = 0
    for step in steps:
        if step == "put":
            put = outbox.put(make_released(put), at=noon)
        elif step == "ack" and put > acked:
            acked += 1
            outbox.ack(outbox.level().epoch, acked, now_ms=ms(noon))
        elif step == "reopen":
            outbox.close()
            outbox = Outbox(path, store="berlin-1", agent="north", max_rows=5)
        sealed = outbox.unacked(0, limit=100)
        assert [s.seq for s in sealed] == list(range(acked + 1, put + 1))
        assert [s.seq for s in outbox.unacked(acked + 1, limit=2)] == list(
            range(acked + 2, min(acked + 3, put) + 1)
        )
        kinds = [msgspec.json.decode(s.payload, type=Envelope).type for s in sealed]
        assert kinds.count(DROPPED_TYPE) <= outbox.level().dropped
        assert len(kinds) - kinds.count(DROPPED_TYPE) <= 5
    outbox.close()


def test_full_drops_the_oldest_and_says_so_under_its_key(
    open_outbox: Open, make_released: Make, noon: datetime
) -> None:
    outbox = open_outbox(max_rows=3)
    for n in range(5):
        outbox.put(make_released(n), at=noon)
    assert outbox.level().dropped == 2
    sealed = outbox.unacked(0, limit=9)
    notice = msgspec.json.decode(sealed[0].payload, type=Envelope)
    assert (notice.type, notice.id) == (DROPPED_TYPE, f"{sealed[0].epoch}-1")
    assert [msgspec.json.decode(s.payload, type=Envelope).type for s in sealed[2:]] == [
        "aislewise.release.v1"
    ] * 3


def test_acknowledged_make_room_before_anything_is_dropped(
    open_outbox: Open, make_released: Make, noon: datetime
) -> None:
    outbox = open_outbox(max_rows=3)
    for n in range(3):
        outbox.put(make_released(n), at=noon)
    outbox.ack(outbox.level().epoch, 2, now_ms=ms(noon))
    outbox.put(make_released(3), at=noon)
    outbox.put(make_released(4), at=noon)
    assert outbox.level().dropped == 0
    assert [s.seq for s in outbox.unacked(0, limit=9)] == [3, 4, 5]


@pytest.mark.parametrize("damage", [b"this is no database at all, " * 40, None])
def test_a_damaged_file_is_moved_aside(
    damage: bytes | None, open_outbox: Open, make_released: Make, noon: datetime, tmp_path: Path
) -> None:
    first = open_outbox()
    for n in range(40):
        first.put(make_released(n), at=noon)
    epoch = first.level().epoch
    first.close()
    path = tmp_path / "outbox.db"
    if damage is None:
        body = bytearray(path.read_bytes())
        body[4096:] = bytes(0x5A for _ in body[4096:])
        damage = bytes(body)
    path.write_bytes(damage)
    again = open_outbox()
    assert "outbox.db.damaged-1" in again.notice
    assert (tmp_path / "outbox.db.damaged-1").read_bytes() == damage
    assert again.put(make_released(0), at=noon) == 1
    assert again.level().epoch != epoch


FULL_DISK = """
import resource, signal, sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from edge.errors import DeviceError
from edge.release.privacy import Budget
from edge.release.released import let_out
from edge.release.tallies import Tally
from edge.uplink.outbox_io import Outbox
from wire.messages import Axis

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
path, noon = Path(sys.argv[1]), datetime(2026, 5, 4, 12, tzinfo=UTC)
outbox = Outbox(path, store="berlin-1", agent="north")
tally = Tally(Budget().channel("cells"), axes=(Axis("cell", ("0", "1", "dropped")),))
released = let_out(tally, window_start=noon, window_end=noon + timedelta(hours=1), plan="p1",
                   codebook="c1", coverage=1.0)
outbox.put(released, at=noon)
soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (path.with_name(path.name + "-wal").stat().st_size, hard))
try:
    outbox.put(released, at=noon)
except DeviceError as error:
    print(error)
print(outbox.level().waiting)
resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
print(outbox.put(released, at=noon))
outbox.close()
"""


def test_a_full_disk_is_named_and_loses_nothing(tmp_path: Path) -> None:
    path = tmp_path / "outbox.db"
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(path)], capture_output=True, text=True, check=True
    )
    said, waiting, seq = done.stdout.splitlines()
    assert str(path) in said
    assert "free space" in said
    assert (waiting, seq) == ("1", "2")


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DeviceError, match="file"):
        Outbox(tmp_path / "file" / "outbox.db", store="berlin-1", agent="north")


def test_written_through_to_the_disk(open_outbox: Open, tmp_path: Path) -> None:
    outbox = open_outbox()
    assert outbox._db.execute("PRAGMA synchronous").fetchone() == (2,)
    with sqlite3.connect(tmp_path / "outbox.db") as other:
        assert other.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    other.close()
