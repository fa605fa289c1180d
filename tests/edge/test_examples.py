from __future__ import annotations

from pathlib import Path

import pytest

from edge.config import parse

EXAMPLES = sorted((Path(__file__).parents[2] / "deploy" / "examples").glob("*.toml"))


def test_there_are_examples() -> None:
    assert {path.stem for path in EXAMPLES} >= {"store", "corridor", "pets"}


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_examples_are_valid_configurations(path: Path) -> None:
    config = parse(path.read_text(), where=path.name)
    assert config.floor_plan().zones
