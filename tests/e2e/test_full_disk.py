"""A full disk: the agent says so, keeps its releases in memory, and loses none."""

from __future__ import annotations

import resource
import sqlite3
import time
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest

if TYPE_CHECKING:
    from tests.e2e.conftest import Part, PartMaker

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

PATIENCE_S = 60.0
UNLIMITED = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)


def test_what_the_disk_refuses_waits_in_memory(
    tmp_path: Path, part: PartMaker, fast_store: Path
) -> None:
    agent = part("agent", "aisle-edge", "run", "--config", fast_store)
    outbox = tmp_path / "outbox.db"
    wait_for_rows(outbox, 3, agent=agent)
    resource.prlimit(agent.pid, resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))
    before = rows(outbox)
    deadline = time.monotonic() + PATIENCE_S
    while "outbox: " not in agent.said:
        assert time.monotonic() < deadline, agent.said
        time.sleep(0.2)
    time.sleep(3.0)
    stuck = rows(outbox)
    resource.prlimit(agent.pid, resource.RLIMIT_FSIZE, UNLIMITED)
    wait_for_rows(outbox, len(before) + 8, agent=agent)
    assert len(stuck) <= len(before) + 3
    assert "free space" in agent.said
    assert "outbox: well again" in agent.said
    found = rows(outbox)
    assert [seq for seq, _ in found] == list(range(1, len(found) + 1))
    cells = [data for _, data in found if data["channel"] == "cells"]
    for one, following in pairwise(cells):
        closed = str(one["window_end"]).endswith("T23:00:00Z")  # the next one opens at midnight
        assert closed or one["window_end"] == following["window_start"], "a window was lost"


def rows(outbox: Path) -> list[tuple[int, dict[str, object]]]:
    if not outbox.exists():
        return []
    with closing(sqlite3.connect(f"file:{outbox}?mode=ro", uri=True)) as db:
        try:
            found = db.execute("SELECT seq, payload FROM releases ORDER BY seq").fetchall()
        except sqlite3.OperationalError:  # not made yet
            return []
    return [(seq, msgspec.json.decode(payload)["data"]) for seq, payload in found]


def wait_for_rows(outbox: Path, number: int, *, agent: Part) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while len(rows(outbox)) < number:
        assert time.monotonic() < deadline, agent.said
        time.sleep(0.2)
