from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from edge.accounting_io import accounting
from edge.cli import app
from edge.errors import ConfigError
from edge.release.privacy import Budget, Ledger
from edge.release.state_io import save_ledger, save_wish
from wire.messages import Config

EXAMPLE = Path(__file__).parents[2] / "deploy" / "examples" / "store.toml"
NOON = datetime(2026, 3, 7, 12, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path) -> Path:
    file = tmp_path / "store.toml"
    file.write_text(EXAMPLE.read_text().replace('"/var/lib/aislewise"', f'"{tmp_path / "data"}"'))
    return file


def test_the_hub_s_wish_and_what_was_released_are_in_it(store: Path, tmp_path: Path) -> None:
    before, whose = accounting(store)
    assert whose == "store berlin-1 agent north plan 2026-11"
    ledger = Ledger()
    ledger.spend(Budget().channel("cells"), start=NOON, end=NOON + timedelta(hours=1))
    save_ledger(tmp_path / "data", ledger)
    save_wish(tmp_path / "data", Config(max_rho=0.01))
    after, _ = accounting(store)
    assert after["per_visit"]["rho"] == pytest.approx(before["per_visit"]["rho"] / 10)
    assert after["promise"]["configured_rho"] == 0.1
    assert [one["name"] for one in after["released"]] == ["cells"]
    # two shopped zones: a visit can touch no more, so less noise is needed
    (zones,) = [one for one in before["channels"] if one["name"] == "zones"]
    assert zones["clip"] == 2


def test_the_command_prints_words_and_json(store: Path) -> None:
    words = CliRunner().invoke(app, ["privacy", "-c", str(store)])
    assert words.exit_code == 0
    assert "is right in at most 58 of 100 cases" in words.output
    machine = CliRunner().invoke(app, ["privacy", "-c", str(store), "--json"])
    assert json.loads(machine.output) == accounting(store)[0]


def test_a_damaged_file_is_an_error_with_a_mend(store: Path, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "released.json").write_text("{")
    with pytest.raises(ConfigError, match="remove it"):
        accounting(store)
    assert CliRunner().invoke(app, ["privacy", "-c", str(store)]).exit_code == 2
