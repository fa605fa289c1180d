"""Power cuts: the broker, the hub and the agent are killed once each while releases are made."""

from __future__ import annotations

import hashlib
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.e2e.conftest import Part, PartMaker

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

SPEED = 7200.0
"""Two simulated hours, so two windows, a second: as many releases in a minute as in a week."""
MORE = 12
"""Releases to wait for between two cuts."""
PATIENCE_S = 90.0

CONFIG = """
store = "cut"
agent = "north"
timezone = "UTC"
opens = "00:00"
closes = "23:00"
linger_min = 0
data_dir = "{data}"

[broker]
port = {port}

[simulated_clock]
speed = {speed}
begins_at = 2026-03-07T00:00:00Z
anchored_at = {now}

[plan]
version = "1"
outline = [[0, 0], [6, 0], [6, 6], [0, 6]]

[[plan.zones]]
id = "aisle-1"
kind = "aisle"
polygon = [[1, 1], [3, 1], [3, 5], [1, 5]]

[[cameras]]
name = "gone"
source = "http://127.0.0.1:9/nothing"
size_px = [640, 480]
height_m = 3.0
points = [[0, 480, 0, 0], [640, 480, 6, 0], [640, 0, 6, 5], [0, 0, 0, 5]]
"""


def test_no_release_is_lost_or_stored_twice(
    tmp_path: Path, part: PartMaker, broker: Part, free_port: int
) -> None:
    config, database = tmp_path / "store.toml", tmp_path / "hub.db"
    config.write_text(
        CONFIG.format(data=tmp_path, port=free_port, speed=SPEED, now=datetime.now(UTC).isoformat())
    )
    hub = part("hub", "aisle-hub", "run", "--db", database, "--broker-port", str(free_port))
    agent = part("agent", "aisle-edge", "run", "--config", config)

    def stored() -> dict[tuple[str, int], str]:
        return hub_keys(database)

    wait_until(lambda: len(stored()) >= MORE, parts=(hub, agent))
    for victim in (broker, hub, agent):
        before = len(stored())
        victim.kill()
        time.sleep(2.0)
        victim.start()
        wait_until(lambda: len(stored()) >= before + MORE, parts=(hub, agent))  # noqa: B023 - waited for here
    agent.kill()
    made = outbox_keys(tmp_path / "outbox.db")
    agent.start()
    wait_until(lambda: made.keys() <= stored().keys(), parts=(hub, agent))
    assert len(made) >= 4 * MORE
    assert {key: stored()[key] for key in made} == made
    with closing(sqlite3.connect(database)) as db:
        assert db.execute("SELECT count(*) FROM rejects").fetchone() == (0,)


def hub_keys(database: Path) -> dict[tuple[str, int], str]:
    if not database.exists():
        return {}
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as db:
        try:
            rows = db.execute("SELECT epoch, seq, sha256 FROM releases").fetchall()
        except sqlite3.OperationalError:  # the hub has not made its tables yet
            return {}
    return {(epoch, seq): sha256 for epoch, seq, sha256 in rows}


def outbox_keys(outbox: Path) -> dict[tuple[str, int], str]:
    with closing(sqlite3.connect(outbox)) as db:
        (epoch,) = db.execute("SELECT epoch FROM box").fetchone()
        rows = db.execute("SELECT seq, payload FROM releases").fetchall()
    return {(epoch, seq): hashlib.sha256(payload).hexdigest() for seq, payload in rows}


def wait_until(true: Callable[[], bool], *, parts: tuple[Part, ...]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not true():
        if time.monotonic() > deadline:
            said = "\n".join(f"--- {each.log.name}\n{each.said[-2000:]}" for each in parts)
            raise TimeoutError(said)
        time.sleep(0.2)
