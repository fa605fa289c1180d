"""The demo, shortened: what it leaves, and that all it sends and writes is what it should."""

from __future__ import annotations

import json
import os
import re
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from hub.store_io.store import Store
from wire.codec import encode, read
from wire.topics import parse_topic

if TYPE_CHECKING:
    from tests.e2e.conftest import Outside

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


def test_it_leaves_a_report_and_says_where(demo: tuple[Path, Outside, str]) -> None:
    work, _, said = demo
    page = (work / "out" / "report.html").read_text()
    assert str(work / "out" / "report.html") in said
    assert "truth" in said
    assert not re.search(r"(src|href)=\"https?://", page), "the report needs the network"
    numbers = json.loads((work / "out" / "report.json").read_text())
    assert numbers["standard_privacy"] is False
    assert numbers["coverage"] > 0.5


def test_the_month_of_three_stores_is_at_the_hub_and_on_pages(
    demo: tuple[Path, Outside, str],
) -> None:
    work, _, said = demo
    pages = sorted((work / "out").glob("month-*.html"))
    names = {page.stem.removeprefix("month-") for page in pages}
    assert names == {"market-hall", "suburb", "station", "chain", "change"}
    for page in pages:
        assert str(page) in said
        assert not re.search(r"(src|href)=\"https?://", page.read_text())
    truth = [
        json.loads(line) for line in (work / "out" / "month-truth.jsonl").read_text().splitlines()
    ]
    assert len(truth) == 3 * 16
    with Store.open(work / "hub.db", busy_ms=5_000) as hub:
        for store in ("market-hall", "suburb", "station"):
            since, until = (datetime(2026, month, 1, tzinfo=UTC) for month in (2, 3))
            releases = [one.release for one in hub.releases(store, since=since, until=until)]
            days = [one for one in releases if one.channel == "day_cells"]
            assert len(days) == 16
            assert all(one.standard_privacy for one in releases)
            true = sum(day["visits"] for day in truth if day["store"] == store)
            noise = (16 * len(days[0].counts)) ** 0.5 * days[0].sd
            assert sum(sum(one.counts) for one in days) == pytest.approx(true, abs=6 * noise)
            assert len({one.plan for one in days}) == (2 if store == "suburb" else 1)
            plans = {meta.plan for meta in hub.metas(store)["ceiling"]}
            assert plans == {one.plan for one in releases}
        assert not any(
            agent.missing or agent.rejects for agent in hub.agents(now=datetime.now(UTC))
        )


def test_no_process_is_left(demo: tuple[Path, Outside, str]) -> None:
    work, _, _ = demo
    left = subprocess.run(["pgrep", "-f", str(work)], capture_output=True, text=True, check=False)
    assert left.stdout == ""
    assert not (work / "reader").exists()


def test_every_message_is_the_contract_and_nothing_more(demo: tuple[Path, Outside, str]) -> None:
    _, outside, _ = demo
    leaves = set()
    for name, payload in outside.messages:
        topic = parse_topic(name)
        envelope, message = read(topic, payload)
        leaves.add(topic.leaf)
        again = encode(topic, message, event_id=envelope.id, time=envelope.time)
        assert again == payload, f"{topic.leaf} carries more than the contract"
    assert leaves >= {"release", "meta", "status", "health", "ack"}


@pytest.mark.skipif(os.geteuid() != 0, reason="the agent lets only root look at its files")
def test_the_agent_writes_what_it_released_and_nothing_else(
    demo: tuple[Path, Outside, str],
) -> None:
    work, outside, _ = demo
    assert outside.writable, "the agent was never seen with a file open"
    kept = r"agent/(lock|outbox\.db(-wal|-shm)?|(released|wish)\.(new|json))"
    allowed = re.compile(rf"{work}/({kept}|logs/agent\.log)")
    assert [path for path in outside.writable if not allowed.fullmatch(path)] == []
