from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from edge.cli import app
from edge.complaints import TELL_MS
from edge.errors import ConfigError
from edge.posts_io import LOOPBACK
from edge.replay import Placing
from edge.replay_live_io import MOST_BODY, Listen, Sensor, listen_of
from edge.vision.tracking import TrackEnd, TrackPoint
from wire.codec import decode
from wire.messages import Release
from wire.topics import Topic

NOON = datetime(2026, 3, 7, 12, tzinfo=UTC)
NOON_MS = 1_772_884_800_000
SECRET = "visitor-4711"  # noqa: S105 - an id that must not come out
POSITION = {"time": NOON_MS, "id": SECRET, "east": 1.5, "north": 2.5}
PUSH = {
    "live_data": {
        "frames": [
            {
                "time": NOON_MS - 40,
                "tracked_objects": [
                    {"track_id": 17, "type": "PERSON", "position": [3.0, 4.0, 1.7]},
                    {"track_id": 18, "type": "OBJECT", "position": [3.0, 2.0, 0.4]},
                ],
            }
        ]
    }
}
EMPTY = {"live_data": {"frames": [{"time": NOON_MS, "tracked_objects": []}]}}
CONFIG = """
store = "berlin-1"
agent = "north"
timezone = "UTC"
opens = "09:00"
closes = "20:00"
data_dir = "{folder}/data"
simulated = true

[simulated_clock]
speed = 1
begins_at = 2026-03-07T12:00:00Z
anchored_at = {now}

[broker]
port = 1

[privacy]
rho = 8.0

[plan]
version = "p1"
outline = [[0, 0], [12, 0], [12, 18], [0, 18]]

[[plan.zones]]
id = "aisle-2"
kind = "aisle"
polygon = [[3.5, 6], [5.5, 6], [5.5, 14], [3.5, 14]]
"""


def wait_for(what: Callable[[], bool]) -> None:
    end_s = time.monotonic() + 180
    while not what() and time.monotonic() < end_s:
        time.sleep(0.02)
    assert what()


class Shop:
    """A sensor's server, what came out of it, and a clock cranked by hand."""

    def __init__(self, *, senders: frozenset[str] = LOOPBACK, every_s: float | None = None) -> None:
        self.found: list[TrackPoint | TrackEnd] = []
        self.now_ms = 500_000
        listen = Listen(("127.0.0.1", 0), senders, Placing(), every_s)
        self.sensor = Sensor(listen, sink=self._keep, now=self._now)

    def _keep(self, found: Sequence[TrackPoint | TrackEnd]) -> None:
        self.found += found

    def _now(self) -> tuple[int, datetime]:
        return self.now_ms, NOON + timedelta(milliseconds=self.now_ms - 500_000)

    def open(self) -> None:
        self.sensor.start()
        wait_for(lambda: self.sensor.state == "up")

    def post(self, body: object, kind: str = "application/json", **more: str) -> tuple[int, str]:
        sent = body if isinstance(body, str | bytes) else json.dumps(body)
        return post(self.sensor.port, sent, kind=kind, **more)


def post(port: int, body: str | bytes, *, kind: str, **more: str) -> tuple[int, str]:
    path = more.pop("path", "/positions")
    # Who is not let in may meet the closed door while still sending: then only we close our end.
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30)) as connection:
        connection.request("POST", path, body, {"Content-Type": kind} | more)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()


@pytest.fixture
def shop() -> Iterator[Shop]:
    made = Shop()
    made.open()
    yield made
    made.sensor.close()


def test_positions_pushes_and_lines_come_out_in_the_scene_s_time(shop: Shop) -> None:
    assert shop.post(POSITION) == (204, "")
    assert shop.post(PUSH) == (204, "")
    lines = "\n".join(json.dumps(POSITION | {"time": NOON_MS + at, "east": 2}) for at in (100, 200))
    assert shop.post(lines + "\n", "application/x-ndjson") == (204, "")
    assert shop.found == [
        TrackPoint(0, 500_000, 1.5, 2.5),
        TrackPoint(1, 499_960, 3.0, 4.0),
        TrackPoint(0, 500_100, 2.0, 2.5),
        TrackPoint(0, 500_200, 2.0, 2.5),
    ]


def test_wrong_parts_are_named_not_quoted_and_lose_nothing_else(shop: Shop) -> None:
    wrong = [
        POSITION | {"east": "4200"},
        POSITION | {"time": NOON_MS - 60_000},
        7,
        {"live_data": 1},
    ]
    status, says = shop.post([*wrong, POSITION])
    assert status == 400
    assert [line.split(":")[0] for line in says.splitlines()] == [
        *(f"part {number}" for number in range(1, 5)),
        "the other parts were taken",
    ]
    assert "NTP" in says
    assert "4200" not in says
    assert SECRET not in says
    assert shop.found == [TrackPoint(0, 500_000, 1.5, 2.5)]
    broken = f'{{"id": "{SECRET}\n{json.dumps(POSITION)}\n'
    assert shop.post(broken, "application/jsonl")[1].startswith("part 1: not JSON\n")
    assert len(shop.found) == 2
    assert shop.sensor.trouble == ""
    shop.now_ms = TELL_MS
    assert "NTP" in shop.sensor.trouble
    assert SECRET not in shop.sensor.trouble


def test_many_wrong_parts_are_counted(shop: Shop) -> None:
    says = shop.post([{}] * 500)[1].splitlines()
    assert len(says) == 12
    assert says[10] == "and 490 parts more"


@pytest.mark.parametrize(
    ("body", "kind", "more", "status"),
    [
        ("{", "application/json", {}, 400),
        (b"\xff{}", "application/json", {}, 400),
        ("[" * 30_000, "application/json", {}, 400),
        (POSITION, "text/plain", {}, 415),
        (POSITION, "application/json", {"Origin": "http://shop.example"}, 403),
        (POSITION, "application/json", {"Host": "shop.example"}, 403),
        (POSITION, "application/json", {"path": "/sales"}, 404),
        ("x" * (MOST_BODY + 1), "application/json", {}, 413),
    ],
)
def test_what_is_no_body_of_ours_is_refused(
    shop: Shop, body: object, kind: str, more: dict[str, str], status: int
) -> None:
    assert shop.post(body, kind, **more)[0] == status
    assert shop.found == []
    assert shop.post(POSITION)[0] == 204


def test_ids_are_lost_and_forgotten_although_nothing_comes(shop: Shop) -> None:
    shop.post(POSITION)
    shop.now_ms += 5_500
    wait_for(lambda: len(shop.found) == 2)
    assert shop.found[1] == TrackEnd(0, 500_000)
    shop.now_ms += 60_000
    wait_for(lambda: not shop.sensor._positions._ids)


def test_nobody_is_let_in_who_was_not_named() -> None:
    shop = Shop(senders=frozenset(["192.0.2.7"]))
    shop.open()
    try:
        with pytest.raises(ConnectionError):
            shop.post(POSITION)
        shop.now_ms += TELL_MS
        wait_for(lambda: "not let in" in shop.sensor.trouble)
    finally:
        shop.sensor.close()
    assert shop.found == []


def test_silence_is_a_fault_only_of_a_sensor_that_never_is_silent(shop: Shop) -> None:
    assert shop.sensor.seeing
    assert shop.sensor.device().state == "up"
    speaks = Shop(every_s=1.0)
    speaks.open()
    try:
        assert not speaks.sensor.seeing
        assert "has sent nothing for 1 s" in speaks.sensor.device().detail
        assert speaks.post(EMPTY) == (204, "")
        assert speaks.sensor.seeing
        wait_for(lambda: speaks.sensor.device().state == "down")
        assert speaks.post("", "application/x-ndjson") == (204, "")
        assert speaks.sensor.seeing
    finally:
        speaks.sensor.close()


def test_where_to_listen() -> None:
    assert listen_of("[::1]:80", senders=(), at="0,0,0").address == ("::1", 80)
    told = listen_of("0.0.0.0:8766", senders=["192.0.2.7"], at="1,2,90")
    assert told.senders == {"127.0.0.1", "::1", "192.0.2.7"}
    for listen, senders, says in (
        ("8766", (), "--listen"),
        ("127.0.0.1:0", (), "ADDRESS:PORT"),
        ("shop:8766", (), "IP addresses"),
        ("0.0.0.0:8766", (), "--from"),
        ("0.0.0.0:8766", ["sensor"], "IP addresses"),
    ):
        with pytest.raises(ConfigError, match=says):
            listen_of(listen, senders=senders, at="0,0,0")


@pytest.mark.parametrize(
    "options",
    [
        [],
        ["walks.csv", "--listen", "127.0.0.1:8766"],
        ["--listen", "127.0.0.1:8766", "--begins-at", "2026-03-07T12:00:00Z"],
        ["walks.csv", "--every", "5"],
    ],
)
def test_options_that_do_not_go_together(options: list[str]) -> None:
    run = CliRunner().invoke(app, ["replay", "-c", "store.toml", *options])
    assert run.exit_code == 2
    assert "leave them out" in run.output or "either a file or" in run.output


@pytest.mark.slow
def test_a_live_sensor_s_visits_are_released_at_ctrl_c(tmp_path: Path) -> None:
    """30 people walk side by side for seven seconds; the noise of this budget is 1 a cell."""
    began = datetime.now(UTC)
    config = CONFIG.format(folder=tmp_path, now=began.isoformat())
    (tmp_path / "store.toml").write_text(config)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with (tmp_path / "said").open("wb") as said:
        agent = subprocess.Popen(
            [Path(sys.executable).parent / "aisle-edge", "replay", "-c", tmp_path / "store.toml",
             "--listen", f"127.0.0.1:{port}"],
            stdout=said, stderr=said, env=os.environ | {"OMP_NUM_THREADS": "1"},
        )  # fmt: skip
    try:
        wait_for(lambda: _is_open(port))
        walked_s = 0.0
        first = datetime.now(UTC)
        while walked_s < 7:
            now = datetime.now(UTC)
            walked_s = (now - first).total_seconds()
            at = NOON + (now - began)
            rows = [
                {
                    "time": at.isoformat(),
                    "id": f"{SECRET}-{n}",
                    "east": n / 3 + 1,
                    "north": walked_s,
                }
                for n in range(30)
            ]
            assert post(port, json.dumps(rows), kind="application/json")[0] == 204
            time.sleep(0.2)
        agent.send_signal(signal.SIGINT)
        assert agent.wait(180) == 0
    finally:
        agent.kill()
        agent.wait()
    counted = {one.channel: sum(one.counts) for one in _released(tmp_path / "data" / "outbox.db")}
    assert 20 < counted["day_cells"] < 40
    everything = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert b"releasing what was counted" in everything
    assert SECRET.encode() not in everything
    assert b"Traceback" not in everything


def _is_open(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def _released(path: Path) -> list[Release]:
    with sqlite3.connect(path) as outbox:
        bodies = [row[0] for row in outbox.execute("SELECT payload FROM releases")]
    topic = Topic("berlin-1", "north", "release")
    found = [decode(topic, body) for body in bodies]
    return [one for one in found if isinstance(one, Release)]
