from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
import typer
from typer.main import get_command
from typer.testing import CliRunner

from hub.cli import app
from hub.cli.terminal import Progress, failures
from hub.ingest.judging import Arrival, Ingest, read_arrival, refuse_unread
from hub.store_io.store import Keeping, Store
from wire.codebook import default_codebook
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


def every_command(command: object) -> Iterator[list[str]]:
    """Give the words of every command and group; the program itself has none."""
    yield []
    for name, below in getattr(command, "commands", {}).items():
        yield from ([name, *words] for words in every_command(below))


def leaves() -> list[list[str]]:
    """Give the words of every command that is no group."""
    words = list(every_command(get_command(app)))
    return [one for one in words if not any(o[:-1] == one for o in words if o)]


def call(*arguments: str | Path, code: int = 0) -> str:
    result = CliRunner().invoke(app, [str(a) for a in arguments])
    assert result.exit_code == code, result.output
    return result.output


def test_every_command_has_help_with_its_exit_codes() -> None:
    commands = list(every_command(get_command(app)))
    assert len(commands) >= 20
    for command in commands:
        assert "Exit codes" in call(*command, "--help"), command


def test_every_command_that_prints_can_print_json() -> None:
    for command in leaves():
        if command != ["run"]:
            assert "--json" in call(*command, "--help"), command


def test_the_guide_has_a_line_for_every_command() -> None:
    guide = (Path(__file__).parents[2] / "hub" / "README.md").read_text()
    for command in leaves():
        assert " ".join(["`aisle-hub", *command]) in guide, command


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
    assert len(got["patterns"]) == 5


def test_report_as_text_json_and_page(filled: Path, tmp_path: Path) -> None:
    assert "no reader here" in call("report", "--db", filled, *OF_THE_DAY)
    got = json.loads(call("report", "--db", filled, *OF_THE_DAY, "--json"))
    assert got["store"] == "berlin-1"
    out = tmp_path / "report.html"
    call("report", "--db", filled, *OF_THE_DAY, "--out", out)
    assert out.read_text(encoding="utf-8").rstrip().endswith("</html>")


def test_report_of_a_chain_as_text_json_page_and_table(filled: Path, tmp_path: Path) -> None:
    chain = ("report", "--db", filled, "--chain", "--day", "2026-03-07")
    assert "berlin-1" in call(*chain)
    out, table = tmp_path / "chain.html", tmp_path / "chain.csv"
    call(*chain, "--out", out, "--csv", table)
    assert out.read_text(encoding="utf-8").rstrip().endswith("</html>")
    assert "stop_rate" in table.read_text(encoding="utf-8")
    several = ("report", "--db", filled, *OF_THE_DAY, "--store", "kiel-3")
    assert "kiel-3: store 'kiel-3': no agent" in call(*several)


def test_a_planogram_change_is_asked_of_one_place_and_day(filled: Path, tmp_path: Path) -> None:
    asked = ("report", "--db", filled, "--store", "berlin-1", "--changed", "aisle-2")
    on = ("--on", "2026-03-07")
    assert "0 days are known before the change" in call(*asked, *on)
    got = json.loads(call(*asked, *on, "--effect", "20", "--json"))
    assert (got["zone"], got["asked"], got["effects"][0]["change"]) == ("aisle-2", 0.2, None)
    out, table = tmp_path / "change.html", tmp_path / "change.csv"
    call(*asked, *on, "--out", out, "--csv", table)
    assert "cannot be told" in out.read_text(encoding="utf-8")
    assert "14 are needed" in table.read_text(encoding="utf-8")
    assert "--on DAY" in call(*asked, code=2)
    assert "--before 3" in call(*asked, *on, "--before", "3", code=2)
    assert "--to" in call(*asked, *on, "--to", "2026-06-01", code=2)
    assert "only" in call(*asked, *on, "--day", "2026-03-07", code=2)
    assert "known: aisle-1" in call(*asked[:-1], "till", *on, code=3)


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
        (("report", "--day", "2026-03-07"), 2, "--chain"),
        (("report", "--chain", *OF_THE_DAY), 2, "leave --store away"),
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


def test_stores_and_agents_as_text_and_json(filled: Path) -> None:
    assert "2026-03-07" in call("stores", "--db", filled)
    (store,) = json.loads(call("stores", "--db", filled, "--json"))["stores"]
    assert (store["agents"], store["releases"]) == (["north"], {"cells": 10, "zones": 1})
    assert "berlin-1/north" in call("agents", "list", "--db", filled)
    assert (
        json.loads(call("agents", "list", "--db", filled, "--json", "--store", "x"))["agents"] == []
    )
    shown = call("agents", "show", "berlin-1/north", "--db", filled)
    assert "all up to 11 handled" in shown
    assert "rho 0.1" in shown
    got = json.loads(call("agents", "show", "berlin-1/north", "--db", filled, "--json"))
    assert got["meta"]["plan"] == "plan-1"
    assert got["asked"] == {"codebook": None, "max_rho": None}
    assert "known: berlin-1/north" in call("agents", "show", "berlin-1/x", "--db", filled, code=3)
    assert "STORE/AGENT" in call("agents", "show", "north", "--db", filled, code=2)


def test_what_enrol_says_is_what_the_shipped_examples_say(tmp_path: Path) -> None:
    deploy = Path(__file__).parents[2] / "deploy"
    hub_toml = deploy / "examples" / "hub.toml"
    asked = ("agents", "enrol", "berlin-1/north", "--config", hub_toml, "--db", tmp_path / "none")
    got = json.loads(call(*asked, "--json"))
    example = (deploy / "broker" / "aislewise.acl").read_text()
    assert "\n".join(got["acl"]) in example
    store_toml = (deploy / "examples" / "store.toml").read_text().splitlines()
    plain = [line.partition("#")[0].strip() for line in store_toml]
    assert set(got["store_toml"]) <= {*plain, ""}
    assert len(got["password"]) >= 20
    assert json.loads(call(*asked, "--json"))["password"] != got["password"]
    text = call(*asked)
    assert f"mosquitto_passwd /etc/mosquitto/aislewise.passwd {got['account']}" in text


def test_a_retired_agent_is_expected_again_only_when_it_speaks_itself(
    filled: Path, arrive: Callable[..., Arrival]
) -> None:
    call("agents", "retire", "berlin-1/north", "--db", filled)
    assert "known: berlin-1/north" in call("agents", "retire", "berlin-1/x", "--db", filled, code=3)
    states = []
    with Store.edit(filled, busy_ms=200) as store:
        for retained in (True, False):
            heard = arrive(Status("online"), retained=retained)
            store.commit(Ingest(known={}, zones={}).feed(read_arrival(heard)))
            states.append(store.agents(now=heard.received_at)[0].state)
    assert states == ["retired", "online"]


def test_an_account_that_another_agent_has_is_refused(filled: Path) -> None:
    said = call("agents", "enrol", "berlin/1-north", "--db", filled, code=2)
    assert "berlin-1/north" in said
    call("agents", "enrol", "berlin-1/north", "--db", filled)


def test_a_codebook_is_published_shown_and_named_only_once(
    filled: Path, tmp_path: Path, meta: Meta
) -> None:
    book = msgspec.structs.replace(meta.codebook, version="v2")
    path = tmp_path / "v2.json"
    path.write_bytes(msgspec.json.encode(book))
    assert "berlin-1" in call("codebook", "publish", path, "--store", "berlin-1", "--db", filled)
    got = json.loads(call("codebook", "show", "--db", filled, "--json"))
    assert got["asked"] == {"berlin-1/north": "v2"}
    assert got["used"] == {"berlin-1/north": "test-1"}
    assert "not taken yet" in call("codebook", "show", "--db", filled)
    assert "showroomer" in call("codebook", "show", "v2", "--db", filled)
    again = tmp_path / "again.json"
    again.write_text(call("codebook", "show", "v2", "--db", filled, "--json"))
    call("codebook", "publish", again, "--db", filled)
    call("codebook", "publish", default_codebook().version, "--db", filled)
    path.write_bytes(msgspec.json.encode(msgspec.structs.replace(book, source="other")))
    assert "new version" in call("codebook", "publish", path, "--db", filled, code=2)
    assert "test-1" in call("codebook", "publish", "nothing", "--db", filled, code=2)
    path.write_text("{}")
    assert "no codebook" in call("codebook", "publish", path, "--db", filled, code=2)
    assert "known" in call("codebook", "show", "v9", "--db", filled, code=3)


def test_a_codebook_that_no_message_can_carry_is_refused(
    filled: Path, tmp_path: Path, meta: Meta
) -> None:
    long = msgspec.structs.replace(meta.codebook, version="long", source="x" * 16_000)
    path = tmp_path / "long.json"
    path.write_bytes(msgspec.json.encode(long))
    assert "16000 are allowed" in call("codebook", "publish", path, "--db", filled, code=2)


def test_a_budget_is_tightened_and_lifted(filled: Path) -> None:
    assert "0.05" in call("agents", "tighten", "0.05", "--db", filled)
    asked = json.loads(call("agents", "show", "berlin-1/north", "--db", filled, "--json"))["asked"]
    assert asked["max_rho"] == 0.05
    call("agents", "tighten", "--lift", "--db", filled)
    asked = json.loads(call("agents", "show", "berlin-1/north", "--db", filled, "--json"))["asked"]
    assert asked["max_rho"] is None
    assert "lift" in call("agents", "tighten", "--db", filled, code=2)
    assert "can be asked" in call("agents", "tighten", "0", "--db", filled, code=2)
    assert "--store" in call("agents", "tighten", "1", "--agent", "north", "--db", filled, code=2)


def test_rejects_are_replayed_and_dropped_and_doing_it_again_changes_nothing(
    filled: Path, cells: Callable[..., Release], arrive: Callable[..., Arrival]
) -> None:
    with Store.edit(filled, busy_ms=200) as store:
        store.commit([refuse_unread(arrive(cells(12)), reason="of the future")])
    assert "1 of 2 would be settled" in call(
        "rejects", "replay", "--all", "--dry-run", "--db", filled
    )
    got = json.loads(call("rejects", "replay", "--all", "--db", filled, "--json"))["replayed"]
    assert sorted(one["verdict"] for one in got) == ["refused", "stored"]
    assert "0 of 1 are settled" in call("rejects", "replay", "--all", "--db", filled)
    (agent,) = json.loads(call("status", "--db", filled, "--json"))["agents"]
    assert (agent["releases"], agent["rejects"]) == (12, 1)
    assert "1 would be" in call("rejects", "drop", "--all", "--dry-run", "--db", filled)
    assert "1 are dropped" in call("rejects", "drop", "--all", "--db", filled)
    assert "0 are dropped" in call("rejects", "drop", "--all", "--db", filled)
    assert "--all" in call("rejects", "drop", "--db", filled, code=2)


def test_backup_restore_purge_and_migrate(filled: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    assert json.loads(call("db", "backup", copy, "--db", filled, "--json"))["releases"] == 11
    assert "there already" in call("db", "backup", copy, "--db", filled, code=4)
    hub_toml = tmp_path / "hub.toml"
    hub_toml.write_text(
        "[retention]\nreleases_days = 1\nrejects_days = 0\n[retention.channels]\nzones = 0"
    )
    purge = ("db", "purge", "--config", hub_toml, "--db", filled)
    assert "10 rows would be" in call(*purge, "--dry-run")
    assert json.loads(call(*purge, "--json"))["forgotten"] == {"releases cells": 10}
    said = call("db", "restore", copy, "--db", filled)
    assert "11 releases" in said
    assert "hub.db.before-" in said
    assert "known: berlin-1" in call(
        "report", "--db", copy, "--store", "x", "--day", "2026-03-07", code=3
    )
    call("agents", "tighten", "0.05", "--db", filled)
    assert "--lose" in call("db", "migrate", "--to", "1", "--db", filled, code=4)
    assert "undone" in call("db", "migrate", "--to", "1", "--lose", "--db", filled)
    assert "db migrate" in call("status", "--db", filled, code=4)
    assert json.loads(call("db", "migrate", "--db", filled, "--json"))["changed"][0] == 2
    assert "there is no step 99" in call("db", "migrate", "--to", "99", "--db", filled, code=2)
    assert "db backup" in call("db", "restore", tmp_path / "none", "--db", filled, code=3)


def test_doctor_names_what_fails_and_how_to_mend_it(
    filled: Path, tmp_path: Path, free_port: int
) -> None:
    hub_toml = tmp_path / "hub.toml"
    hub_toml.write_text(f"[broker]\nport = {free_port}")
    said = call("doctor", "--config", hub_toml, "--db", filled, code=5)
    assert "ok    database: sound" in said
    assert "systemctl start aisle-hub" in said
    assert f"broker: 127.0.0.1:{free_port}" in said
    assert "silent" in said
    checks = json.loads(
        call("doctor", "--quick", "--config", hub_toml, "--db", filled, "--json", code=5)
    )["checks"]
    assert all(bool(check["mend"]) == (check["state"] != "ok") for check in checks)
    none = call("doctor", "--config", hub_toml, "--db", tmp_path / "none.db", code=5)
    assert "no database there; name hub.toml by --config" in none


def test_an_interrupted_command_says_so_and_has_its_code() -> None:
    with pytest.raises(typer.Exit) as ended, failures():
        raise KeyboardInterrupt
    assert ended.value.exit_code == 130


def test_progress_is_shown_only_after_a_second(capsys: pytest.CaptureFixture[str]) -> None:
    with Progress("waiting") as progress:
        progress(1, 2)
    assert capsys.readouterr().err == ""
