"""What operators do to a running chain: another vocabulary, a tighter budget, a restore."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from wire.codebook import default_codebook

if TYPE_CHECKING:
    from tests.e2e.conftest import Part, PartMaker

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

MORE = 12
"""Releases to wait for."""
PATIENCE_S = 120.0


def test_what_operators_ask_reaches_the_agent_and_a_restore_loses_nothing(
    tmp_path: Path, part: PartMaker, broker: Part, free_port: int, fast_store: Path
) -> None:
    del broker
    database, copy, book = tmp_path / "hub.db", tmp_path / "copy.db", tmp_path / "v2.json"
    hub = part("hub", "aisle-hub", "run", "--db", database, "--broker-port", str(free_port))
    agent = part("agent", "aisle-edge", "run", "--config", fast_store)

    def wait(until: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not until():
            said = "\n".join(f"--- {each.log.name}\n{each.said[-2000:]}" for each in (hub, agent))
            assert time.monotonic() < deadline, said
            time.sleep(0.3)

    def operate(*words: str | Path) -> Any:  # noqa: ANN401 - JSON
        command = [str(Path(sys.executable).parent / "aisle-hub"), *map(str, words)]
        done = subprocess.run(
            [*command, "--db", str(database), "--json"], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    wait(lambda: len(stored(database)) >= MORE)

    book.write_bytes(msgspec.json.encode(msgspec.structs.replace(default_codebook(), version="v2")))
    operate("codebook", "publish", book, "--store", "cut")
    operate("agents", "tighten", "0.05", "--store", "cut", "--agent", "north")
    wait(lambda: "v2" in {codebook for _, codebook in stored(database).values()})
    wait(lambda: operate("agents", "show", "cut/north")["meta"]["privacy"]["rho"] == 0.05)

    operate("db", "backup", copy)
    before = len(stored(database))
    wait(lambda: len(stored(database)) >= before + MORE)
    operate("db", "restore", copy, "--no-keep")
    agent.kill()
    made = outbox(tmp_path / "outbox.db")
    agent.start()
    wait(lambda: made.keys() <= stored(database).keys())
    assert {key: stored(database)[key][0] for key in made} == made
    # told again, although its own file knows nothing of it
    wait(lambda: operate("codebook", "show")["used"] == {"cut/north": "v2"})
    assert operate("rejects", "list")["rejects"] == []


def stored(database: Path) -> dict[tuple[str, int], tuple[str, str]]:
    if not database.exists():
        return {}
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=10)) as db:
        try:
            rows = db.execute("SELECT epoch, seq, sha256, codebook FROM releases").fetchall()
        except sqlite3.OperationalError:  # the hub has not made its tables yet
            return {}
    return {(epoch, seq): (sha256, codebook) for epoch, seq, sha256, codebook in rows}


def outbox(path: Path) -> dict[tuple[str, int], str]:
    with closing(sqlite3.connect(path)) as db:
        (epoch,) = db.execute("SELECT epoch FROM box").fetchone()
        rows = db.execute("SELECT seq, payload FROM releases").fetchall()
    return {(epoch, seq): hashlib.sha256(payload).hexdigest() for seq, payload in rows}
