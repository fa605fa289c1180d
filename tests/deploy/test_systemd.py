"""The units call what there is: a timer whose command is gone fails at night, unseen."""

from __future__ import annotations

import configparser
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from hub.cli import app

UNITS = Path(__file__).parents[2] / "deploy" / "systemd"
HUB = sorted(UNITS.glob("aisle-hub*.service"))


def read(path: Path) -> configparser.ConfigParser:
    unit = configparser.ConfigParser(strict=False, delimiters=("=",), interpolation=None)
    unit.optionxform = str  # type: ignore[method-assign,assignment] - systemd minds the case
    unit.read(path)
    return unit


@pytest.mark.parametrize("path", HUB, ids=lambda path: path.stem)
def test_a_hub_unit_calls_a_command_with_options_it_takes(path: Path) -> None:
    program, *words = shlex.split(read(path)["Service"]["ExecStart"])
    assert program == "/opt/aislewise/.venv/bin/aisle-hub"
    command = [word for word in words[: words.index("--config")] if not word.startswith("--")]
    told = CliRunner().invoke(app, [*command, "--help"], env={"COLUMNS": "200"})
    assert told.exit_code == 0, told.output
    for option in (word for word in words if word.startswith("--")):
        assert option in told.output


def test_segments_are_looked_after_each_day() -> None:
    timer = read(UNITS / "aisle-hub-look.timer")
    assert timer["Timer"]["OnCalendar"].startswith("*-*-* ")
    assert timer["Timer"]["Persistent"] == "true"
    service = read(UNITS / "aisle-hub-look.service")
    assert "segments look" in service["Service"]["ExecStart"]
    assert service["Service"]["Type"] == "oneshot"
    hub = read(UNITS / "aisle-hub.service")["Service"]
    for key in ("User", "StateDirectory", "ProtectSystem", "NoNewPrivileges"):
        assert service["Service"][key] == hub[key]
