"""Power cuts: the broker, the hub and the agent are killed once each while releases are made."""

from __future__ import annotations

import hashlib
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.e2e.conftest import Part, PartMaker

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

MORE = 12
"""Releases to wait for between two cuts."""
PATIENCE_S = 90.0


def test_no_release_is_lost_or_stored_twice(
    tmp_path: Path, part: PartMaker, broker: Part, free_port: int, fast_store: Path
) -> None:
    database = tmp_path / "hub.db"
    hub = part("hub", "aisle-hub", "run", "--db", database, "--broker-port", str(free_port))
    agent = part("agent", "aisle-edge", "run", "--config", fast_store)

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
