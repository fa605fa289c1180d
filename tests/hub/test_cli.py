from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from hub.cli import app
from hub.ingest.judging import Arrival, Ingest, read_arrival, refuse_unread
from hub.store_io.store import Keeping, Store
from wire.messages import Meta, Release, Status

OF_THE_DAY = ("--store", "berlin-1", "--day", "2026-03-07")


@pytest.fixture
def filled(
    database: Path,
    a_day: Callable[..., list[Release]],
    arrive: Callable[..., Arrival],
    meta: Meta,
) -> Path:
    bad = Arrival("aisle/v1/berlin-1/north/release", b"no release", arrive(meta).received_at)
    arrivals = [arrive(m) for m in (Status("online"), meta, *a_day(visits=2400))]
    ingest = Ingest(known={}, zones={})
    with Store.create(database, busy_ms=200) as store:
        store.commit([d for a in [*arrivals, bad] for d in ingest.feed(read_arrival(a))])
    return database


def call(*arguments: str | Path, code: int = 0) -> str:
    result = CliRunner().invoke(app, [str(a) for a in arguments])
    assert result.exit_code == code, result.output
    return result.output


def test_every_command_has_help_with_its_exit_codes() -> None:
    for command in (
        [],
        ["run"],
        ["status"],
        ["patterns"],
        ["report"],
        ["rejects", "list"],
        ["rejects", "show"],
    ):
        assert "Exit codes" in call(*command, "--help")


def test_version() -> None:
    assert call("--version").startswith("aisle-hub 0.")


def test_status_as_text_and_json(filled: Path) -> None:
    assert "berlin-1/north" in call("status", "--db", filled)
    (agent,) = json.loads(call("status", "--db", filled, "--json"))["agents"]
    assert (agent["state"], agent["releases"], agent["missing"]) == ("online", 11, 0)
    assert agent["rejects"] == 1


def test_patterns_as_text_and_json(filled: Path) -> None:
    assert "showroomer" in call("patterns", "--db", filled, *OF_THE_DAY)
    got = json.loads(call("patterns", "--db", filled, *OF_THE_DAY, "--json"))
    assert len(got["patterns"]) == 3


def test_report_as_text_json_and_page(filled: Path, tmp_path: Path) -> None:
    assert "no reader here" in call("report", "--db", filled, *OF_THE_DAY)
    got = json.loads(call("report", "--db", filled, *OF_THE_DAY, "--json"))
    assert got["store"] == "berlin-1"
    out = tmp_path / "report.html"
    call("report", "--db", filled, *OF_THE_DAY, "--out", out)
    assert out.read_text(encoding="utf-8").rstrip().endswith("</html>")


def test_rejects_are_listed_and_shown_with_their_bytes(filled: Path) -> None:
    (row,) = json.loads(call("rejects", "list", "--db", filled, "--json"))["rejects"]
    assert "envelope" in row["reason"]
    assert "no release" in call("rejects", "show", row["sha256"][:12], "--db", filled)
    assert row["sha256"][:12] in call("rejects", "list", "--db", filled)


def test_a_reject_whose_bytes_are_no_longer_kept_says_so(tmp_path: Path) -> None:
    path = tmp_path / "hub.db"
    odd = Arrival("aisle/v1/berlin-1/north/release", b"odd", datetime(2026, 3, 8, 1, tzinfo=UTC))
    with Store.create(path, busy_ms=200, keeping=Keeping(payloads=0)) as store:
        store.commit([refuse_unread(odd, reason="odd")])
    (row,) = json.loads(call("rejects", "list", "--db", path, "--json"))["rejects"]
    assert row["bytes"] is None
    assert "no longer kept" in call("rejects", "show", row["sha256"][:12], "--db", path)


@pytest.mark.parametrize(
    ("arguments", "code", "word"),
    [
        (("report", "--store", "nowhere", "--day", "2026-03-07"), 3, "known: berlin-1"),
        (("report", "--store", "berlin-1", "--day", "2026-03-08"), 3, "2026-03-08"),
        (("report", "--store", "berlin-1", "--day", "yesterday"), 2, "2026-03-07"),
        (("report", *OF_THE_DAY, "--out", "/nonexistent/x.html"), 2, "/nonexistent"),
        (("rejects", "show", "ffff"), 3, "rejects list"),
    ],
)
def test_what_is_not_there_is_named_and_has_its_code(
    arguments: tuple[str, ...], code: int, word: str, filled: Path
) -> None:
    assert word in call(*arguments, "--db", filled, code=code)


def test_a_missing_or_broken_database_is_named(tmp_path: Path) -> None:
    path = tmp_path / "none.db"
    assert "aisle-hub run" in call("status", "--db", path, code=3)
    path.write_bytes(b"junk" * 1000)
    assert "none.db" in call("status", "--db", path, code=4)


def test_a_bad_configuration_is_named_and_exits_with_2(tmp_path: Path) -> None:
    path = tmp_path / "hub.toml"
    path.write_text("[broker]\nprot = 1")
    got = call("run", "--config", path, "--db", tmp_path / "x.db", code=2)
    assert "prot" in got
    assert "hub.toml" in got
    missing = call("run", "--password-file", tmp_path / "no", "--db", tmp_path / "x.db", code=2)
    assert "password_file" in missing
    assert "port" in call("run", "--broker-port", "0", "--db", tmp_path / "x.db", code=2)
