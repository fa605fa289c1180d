from __future__ import annotations

import json
import math
from itertools import pairwise
from pathlib import Path

import pytest
from typer.testing import CliRunner

from edge.cli import app
from edge.release.state_io import save_wish
from wire.codec import decode
from wire.messages import Config, Release
from wire.topics import Topic

CONFIG = """
store = "berlin-1"
agent = "north"
timezone = "UTC"
opens = "09:00"
closes = "20:00"
data_dir = "{folder}/data"

[plan]
version = "p1"
outline = [[0, 0], [12, 0], [12, 18], [0, 18]]
fixtures = [[[2.5, 6], [3.5, 6], [3.5, 14], [2.5, 14]]]

[[plan.zones]]
id = "aisle-2"
kind = "aisle"
polygon = [[3.5, 6], [5.5, 6], [5.5, 14], [3.5, 14]]

[[plan.zones]]
id = "entrance"
kind = "entrance"
polygon = [[0.6, 0], [3.4, 0], [3.4, 1.4], [0.6, 1.4]]
"""
SECRET = "visitor-4711"  # noqa: S105 - an id that must not come out


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    (tmp_path / "store.toml").write_text(CONFIG.format(folder=tmp_path))
    lines = ["time,id,east,north"]
    way = [(2.0, 0.5), (4.2, 5.0), (4.2, 10.0), (4.2, 10.0), (2.0, 0.5)]
    for person in range(12):
        at = 60.0 * person
        for one, other in pairwise(way):
            steps = max(40, round(5 * math.dist(one, other)))
            for step in range(steps):
                east = one[0] + (other[0] - one[0]) * step / steps
                north = one[1] + (other[1] - one[1]) * step / steps
                lines.append(f"{at:.1f},{SECRET}-{person},{east:.2f},{north:.2f}")
                at += 0.2
    rows = sorted(lines[1:], key=lambda line: float(line.split(",")[0]))
    (tmp_path / "walks.csv").write_text("\n".join([lines[0], *rows, "7,broken,x,1"]) + "\n")
    (tmp_path / "items.csv").write_text(
        f"time,kind,class,zone,item\n25,picked,4012345100013,aisle-2,{SECRET}\n26,lost,1,2,3\n"
    )
    return tmp_path


def _replay(shop: Path, out: str, *more: str) -> list[str]:
    run = CliRunner().invoke(
        app,
        ["replay", str(shop / "walks.csv"), "-c", str(shop / "store.toml"), "--out",
         str(shop / out), "--begins-at", "2026-03-07T12:00:00Z", *more],
    )  # fmt: skip
    assert run.exit_code == 0, run.output
    return run.output.splitlines()


def test_a_recording_becomes_releases_and_nothing_else(shop: Path) -> None:
    said = _replay(shop, "out.jsonl", "--items", str(shop / "items.csv"))
    written = (shop / "out.jsonl").read_bytes()
    lines = written.splitlines()
    topic = Topic("berlin-1", "north", "release")
    releases = [decode(topic, line) for line in lines]
    assert all(isinstance(release, Release) for release in releases)
    channels = {release.channel for release in releases if isinstance(release, Release)}
    assert {"cells", "zones"} <= channels
    assert said[-1] == f"{len(lines)} releases to {shop / 'out.jsonl'}"
    assert any("walks.csv line" in line and "not a number" in line for line in said)
    assert any("items.csv line 3: kind is none" in line for line in said)
    # not a screen: no exact counts
    assert not any("visits" in line for line in said)
    everything = b"".join(path.read_bytes() for path in (shop / "data").rglob("*"))
    for trace in (SECRET.encode(), SECRET.encode().hex().encode(), b"4711"):
        assert trace not in written + everything + "\n".join(said).encode()


def test_a_recording_is_released_once(shop: Path) -> None:
    first = _replay(shop, "one.jsonl")
    again = _replay(shop, "two.jsonl")
    assert first[-1].split()[0] != "0"
    assert again[-1].split()[0] == "0"
    assert (shop / "two.jsonl").read_bytes() == b""
    assert any("released before" in line for line in again)


def test_the_hubs_tighter_budget_holds(shop: Path) -> None:
    _replay(shop, "one.jsonl")
    (shop / "data" / "released.json").unlink()
    save_wish(shop / "data", Config(max_rho=0.02))
    _replay(shop, "two.jsonl")
    topic = Topic("berlin-1", "north", "release")
    spent = []
    for name in ("one.jsonl", "two.jsonl"):
        releases = [decode(topic, one) for one in (shop / name).read_bytes().splitlines()]
        spent.append(max(one.rho for one in releases if isinstance(one, Release)))
    assert spent[1] < 0.3 * spent[0]


def test_into_the_outbox(shop: Path) -> None:
    run = CliRunner().invoke(
        app,
        ["replay", str(shop / "walks.csv"), "-c", str(shop / "store.toml"),
         "--begins-at", "2026-03-07T12:00:00Z"],
    )  # fmt: skip
    assert run.exit_code == 0, run.output
    assert "to the outbox" in run.output
    assert (shop / "data" / "outbox.db").exists()


def test_json_lines_give_the_same_number_of_releases(shop: Path) -> None:
    csv_said = _replay(shop, "csv.jsonl")
    (shop / "data" / "released.json").unlink()
    header, *rows = (shop / "walks.csv").read_text().splitlines()
    names = header.split(",")
    lines = [json.dumps(dict(zip(names, row.split(","), strict=True))) for row in rows]
    (shop / "walks.csv").write_text("\n".join(lines))
    assert _replay(shop, "json.jsonl")[-1].split()[0] == csv_said[-1].split()[0]


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (["--at", "1,2"], None),
        (["--at", "here"], "--at 'here'"),
        (["--begins-at", "noon"], "--begins-at is not"),
        (["--begins-at", "2026-03-07T12:00:00"], "no offset"),
        (["--items", "none.csv"], "none.csv"),
    ],
)
def test_wrong_options_are_named(shop: Path, more: list[str], says: str | None) -> None:
    run = CliRunner().invoke(
        app,
        ["replay", str(shop / "walks.csv"), "-c", str(shop / "store.toml"),
         "--begins-at", "2026-03-07T12:00:00Z", *more],
    )  # fmt: skip
    if says is None:
        assert run.exit_code == 0
    else:
        assert run.exit_code in {2, 3}
        assert says in run.output


def test_a_recording_without_a_position_is_an_error(shop: Path) -> None:
    (shop / "walks.csv").write_text("hello\n")
    run = CliRunner().invoke(
        app, ["replay", str(shop / "walks.csv"), "-c", str(shop / "store.toml")]
    )
    assert run.exit_code == 2
    assert "no position" in run.output
