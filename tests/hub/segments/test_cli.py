from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from hub.cli import app

RULE = 'pattern.showroomer > 0.6 && context.weekday in ["sat", "sun"]'


@pytest.fixture
def run() -> Callable[..., Any]:
    def call(*arguments: object, code: int = 0) -> Any:  # noqa: ANN401 - JSON or text
        result = CliRunner().invoke(app, ["segments", *map(str, arguments)])
        assert result.exit_code == code, result.output
        return json.loads(result.stdout) if "--json" in arguments else result.output

    return call


@pytest.fixture
def toml(tmp_path: Path) -> Callable[[str], Path]:
    def write(rule: str, *, segment: str = "window") -> Path:
        path = tmp_path / "segments.toml"
        path.write_text(f"[[segment]]\nid = '{segment}'\nname = 'Window'\nrule = '''{rule}'''\n")
        return path

    return write


def test_a_segment_lives(
    filled: Callable[..., Path], run: Callable[..., Any], toml: Callable[..., Path]
) -> None:
    db = ("--db", filled(14))
    assert "proposed" in run("add", toml(RULE), *db)
    assert "active" in run("accept", "window", "--note", "Kim", *db)
    explained = run("explain", "window", *db)
    assert "Saturday" in explained
    assert "berlin-1: " in explained
    assert " would be noticed" in explained
    foretold = run("explain", "window", "--json", *db)["doubling"]["berlin-1"]
    assert foretold["factor"] == 2
    assert foretold["members"] < foretold["visits"]
    assert foretold["days"] is None or 1 <= foretold["days"] <= 28
    replayed = run("replay", "window", "--json", *db)
    assert len(replayed["days"]["berlin-1"]) == 14
    edited = run("edit", "window", "--rule", "pattern.showroomer > 0.6", "--json", *db)
    assert edited["version"] == 2
    (pair,) = run("replay", "window", "--json", *db)["compared"]
    assert pair["old"]["value"] < pair["new"]["value"]
    assert pair["difference"]["value"] == pytest.approx(pair["new"]["value"] - pair["old"]["value"])
    told = run("history", "window", "--version", 1, "--json", *db)
    assert [one["event"] for one in told["events"]] == ["added", "accepted", "edited"]
    assert len(told["shares"]) == 14  # the edit lost nothing of the old version
    assert len(run("history", "window", "--json", *db)["shares"]) == 14
    (row,) = run("list", "--json", *db)["segments"]
    assert (row["state"], row["version"]) == ("active", 2)
    assert "retired" in run("retire", "window", *db)
    run("refuse", "window", *db, code=2)


def test_a_segment_that_changes_drifts_until_somebody_accepts_it(
    filled: Callable[..., Path], run: Callable[..., Any], toml: Callable[..., Path]
) -> None:
    before = np.array([0.1, 0.15, 0.2, 0.1, 0.05, 0.2, 0.1, 0.1])
    after = np.array([0.2, 0.1, 0.25, 0.05, 0.05, 0.15, 0.1, 0.1])
    db = ("--db", filled(20, likely=lambda day: after if day >= 12 else before))
    run("add", toml("pattern.showroomer > 0.6"), *db)
    run("accept", "window", *db)
    (found,) = run("look", "--json", *db)["looked"]
    assert found["state"] == "drifting"
    assert found["alarm"]["since"] == "2026-03-14"
    run("look", *db)
    events = run("history", "window", "--json", *db)["events"]
    assert [one["event"] for one in events].count("drifted") == 1  # noted once
    run("accept", "window", *db)
    (found,) = run("look", "--json", *db)["looked"]
    assert (found["state"], found["alarm"]) == ("active", None)


def test_all_stores_are_looked_at_together_too(
    filled: Callable[..., Path], run: Callable[..., Any], toml: Callable[..., Path]
) -> None:
    filled(35, name="berlin-2", visits=300, seed=2)
    db = ("--db", filled(35, visits=300))
    run("add", toml("pattern.showroomer > 0.6"), *db)
    run("accept", "window", *db)
    told = run("look", "--discover", "--json", *db)
    looked = {one["store"]: one["share"] for one in told["looked"]}
    assert list(looked) == ["berlin-1", "berlin-2", ""]
    widths = {name: share["high"] - share["low"] for name, share in looked.items()}
    assert widths[""] < 0.8 * min(widths["berlin-1"], widths["berlin-2"])
    assert "35 days" in told["discovered"]
    assert "all together" in run("look", *db)


def test_a_hub_of_a_few_days_looks_without_a_search(
    filled: Callable[..., Path], run: Callable[..., Any]
) -> None:
    assert "not searched" in run("look", "--discover", "--db", filled(3))


def test_several_are_added_together_or_not_at_all(
    filled: Callable[..., Path], run: Callable[..., Any], toml: Callable[..., Path]
) -> None:
    db = ("--db", filled(3))
    run("add", "--template", "eco-conscious", *db)
    both = ("--template", "quick-top-up", "--template", "eco-conscious")
    assert "there already" in run("add", *both, *db, code=2)
    assert [one["segment"] for one in run("list", "--json", *db)["segments"]] == ["eco-conscious"]
    assert "not both" in run("add", toml(RULE), *both, *db, code=2)


def test_templates_are_added_and_abstain_where_nothing_is_released(
    filled: Callable[..., Path], run: Callable[..., Any]
) -> None:
    db = ("--db", filled(3))
    listed = run("list", "--templates", "--json")["templates"]
    assert len(listed) == 10
    every = [part for one in listed for part in ("--template", one["id"])]
    added = run("add", *every, "--json", *db)["added"]
    severities = {one["segment"]: [f["severity"] for f in one["findings"]] for one in added}
    assert severities["eco-conscious"] == []
    assert severities["coupon-responders"] == ["abstains"]
    run("accept", "non-gmo-premium", *db)
    looked = {one["segment"]: one for one in run("look", "--json", *db)["looked"]}
    assert "trait.price_tier" in looked["non-gmo-premium"]["abstains"]
    assert looked["eco-conscious"]["share"]["value"] == pytest.approx(0.05, abs=0.03)


def test_overlap_is_shown(
    filled: Callable[..., Path], run: Callable[..., Any], toml: Callable[..., Path]
) -> None:
    db = ("--db", filled(3))
    run("add", toml("pattern.showroomer > 0.6"), *db)
    run("add", toml("pattern.wanderer > 0.45", segment="wander"), *db)
    (pair,) = run("overlap", "--json", *db)["overlap"]
    assert (pair["one"], pair["other"]) == ("wander", "window")
    assert 0 < pair["overlap"] < 1


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        ("pattern.showromer > 0.6", "did you mean pattern.showroomer"),
        ("tag.organic && context.hour > 12", "by the day"),
    ],
)
def test_what_is_wrong_is_not_saved(
    filled: Callable[..., Path],
    run: Callable[..., Any],
    toml: Callable[..., Path],
    rule: str,
    says: str,
) -> None:
    db = ("--db", filled(2))
    assert says in run("add", toml(rule), *db, code=2)
    assert run("list", "--json", *db)["segments"] == []


def test_what_is_not_there_says_so(
    filled: Callable[..., Path], run: Callable[..., Any], tmp_path: Path
) -> None:
    db = ("--db", filled(1))
    for command in ("accept", "retire", "history", "replay"):
        assert "is not there" in run(command, "nothing-such", *db, code=3)
    run("list", "--db", tmp_path / "none.db", code=3)
    run("add", "--template", "nothing", *db, code=2)
    assert "context.weekday" in run("explain", "--names", *db)
    assert "error" in run("explain", "pattern.wanderer >", *db, code=2)
    assert "there are: " in run("explain", "nobody", *db, code=3)


def test_what_has_grown_is_found_and_proposed(
    filled: Callable[..., Path], run: Callable[..., Any]
) -> None:
    before = np.array([0.1, 0.15, 0.2, 0.1, 0.05, 0.2, 0.1, 0.1])
    after = np.array([0.1, 0.15, 0.12, 0.1, 0.13, 0.2, 0.1, 0.1])
    db = ("--db", filled(28, likely=lambda day: after if day >= 14 else before))
    found = run("discover", "--add", "--json", *db)
    assert found["found"][0]["cells"] == [4]
    assert "grew" in found["found"][0]["why"]
    (row, *_) = run("list", "--json", *db)["segments"]
    assert (row["segment"], row["state"]) == ("found-1", "proposed")
    run("refuse", "found-1", *db)
    again = run("discover", "--json", *db)
    assert found["found"][0]["rule"] not in [one["rule"] for one in again["found"]]


def test_a_codebook_is_bettered(
    filled: Callable[..., Path], run: Callable[..., Any], tmp_path: Path
) -> None:
    db = ("--db", filled(3))
    out = tmp_path / "book.json"
    told = run("codebook", "--out", out, "--version", "test-3", "--json", *db)
    assert told["cells"] == 8
    assert json.loads(out.read_text())["version"] == "test-3"
    run("codebook", "--out", out, "--version", "test-2", *db, code=2)
