from __future__ import annotations

from pathlib import Path

import pytest

from edge.config import parse

FOLDER = Path(__file__).parents[2] / "deploy" / "examples"
EXAMPLES = sorted(path for path in FOLDER.glob("*.toml") if path.stem != "hub")


def test_there_are_examples() -> None:
    assert {path.stem for path in EXAMPLES} >= {"store", "corridor", "pets"}


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_examples_are_valid_configurations(path: Path) -> None:
    config = parse(path.read_text(), where=path.name)
    assert config.floor_plan().zones
