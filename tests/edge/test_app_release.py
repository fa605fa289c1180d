"""What an agent keeps over its restarts, for the release."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from edge.app import Agent
from edge.parts_io import clock_of, read_config
from edge.release.state_io import load_ledger, load_wish
from edge.uplink.outbox_io import Outbox
from wire.codebook import Cell, Codebook, Scaling
from wire.messages import Config

STORE = """
store = "s"
agent = "a"
timezone = "UTC"
opens = "00:00"
closes = "23:59"
data_dir = "{data}"

[clock]
require_sync = false

[broker]
port = 1

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


@pytest.fixture
def agent(tmp_path: Path) -> Callable[[], Agent]:
    file = tmp_path / "store.toml"
    file.write_text(STORE.format(data=tmp_path / "data"))

    def make() -> Agent:
        config = read_config(file)
        return Agent(config, clock=clock_of(config))

    return make


def _saved(folder: Path) -> int:
    outbox = Outbox(folder / "outbox.db", store="s", agent="a")
    try:
        return outbox.level().waiting
    finally:
        outbox.close()


def test_the_ledger_and_the_hub_s_wish_outlive_the_agent(
    tmp_path: Path, agent: Callable[[], Agent]
) -> None:
    data = tmp_path / "data"
    first = agent()
    channels = len(first._windows.budget.channels)
    first._wishes.put(Config(max_rho=0.02))
    first.stop()
    first.run()
    spent = load_ledger(data).spent
    assert len(spent) == channels
    assert {one.windows for one in spent.values()} == {1}
    assert sum(one.most_rho for one in spent.values()) <= 0.02
    assert load_wish(data) == Config(max_rho=0.02)
    assert _saved(data) == channels
    second = agent()
    assert second._windows.budget.rho == 0.02
    second.stop()
    second.run()
    again = load_ledger(data).spent
    assert {one.windows for one in again.values()} == {2}
    assert all(again[name].until > one.until for name, one in spent.items())
    assert _saved(data) == 2 * channels


def test_a_tightening_is_kept_although_the_codebook_beside_it_is_refused(
    tmp_path: Path, agent: Callable[[], Agent]
) -> None:
    strange = Codebook("v9", (Scaling("shoe_size", 40, 2),), (Cell((0.0,), {}), Cell((1.0,), {})))
    run = agent()
    run._wishes.put(Config(max_rho=0.02, codebook=strange))
    run.stop()
    run.run()
    assert load_wish(tmp_path / "data") == Config(max_rho=0.02)
    assert sum(one.most_rho for one in load_ledger(tmp_path / "data").spent.values()) <= 0.02


def test_what_waits_for_the_disk_waits_for_the_ledger_too(
    tmp_path: Path, agent: Callable[[], Agent]
) -> None:
    """A second try, with nothing new to save, must not pass the ledger by."""
    data = tmp_path / "data"
    run = agent()
    in_the_way = data / "released.new"
    in_the_way.mkdir()
    time.sleep(0.01)  # a period that lasts
    run._save(run._windows.flush(run._clock.now_ms()))
    run._save([])
    assert run._outbox.level().waiting == 0
    in_the_way.rmdir()
    run._save([])
    assert load_ledger(data).spent == run._windows.ledger.spent
    assert run._outbox.level().waiting == len(run._windows.budget.channels)
    run.stop()
    run.run()


def test_nothing_goes_anywhere_before_the_ledger_is_on_disk(
    tmp_path: Path, agent: Callable[[], Agent]
) -> None:
    data = tmp_path / "data"
    (data / "released.new").mkdir(parents=True)  # where the ledger is written first
    run = agent()
    run.stop()
    run.run()
    assert _saved(data) == 0
    assert load_ledger(data).spent == {}
