"""Rules about the whole tree that no other tool holds."""

from __future__ import annotations

import ast
import doctest
import importlib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("wire", "edge", "hub", "firmware_sim")
TOUCHES_THE_WORLD = frozenset(
    [
        "asyncio",
        "httpx",
        "iotcore",
        "logging",
        "os",
        "paho",
        "queue",
        "random",
        "requests",
        "secrets",
        "select",
        "serial",
        "shutil",
        "signal",
        "socket",
        "sqlite3",
        "sqlite_utils",
        "ssl",
        "subprocess",
        "tempfile",
        "threading",
        "time",
        "urllib",
    ]
)
EXCEPTIONS = {
    "edge/release/released.py": {"secrets"},  # the noise's default, so that nobody forgets it
    "edge/release/windows.py": {"secrets"},
}
SOURCES = [
    path
    for package in PACKAGES
    for path in sorted((ROOT / package).rglob("*.py"))
    if "__pycache__" not in path.parts
]


def is_shell(path: Path) -> bool:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return any(part.endswith("_io") or part in {"app", "cli", "__main__"} for part in parts)


def imported(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.split(".")[0])
    return found


def test_the_tree_is_there() -> None:
    assert len(SOURCES) > 60
    assert sum(is_shell(path) for path in SOURCES) > 10


@pytest.mark.parametrize(
    "path", [p for p in SOURCES if not is_shell(p)], ids=lambda p: str(p.relative_to(ROOT))
)
def test_pure_code_does_not_touch_the_world(path: Path) -> None:
    allowed = EXCEPTIONS.get(str(path.relative_to(ROOT)), set())
    assert imported(path) & TOUCHES_THE_WORLD - allowed == set()
    calls = [
        node.func.id
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    ]
    assert not {"open", "print", "input"} & set(calls)


def test_sql_stands_only_in_the_store_and_the_outbox() -> None:
    words = ("SELECT ", "INSERT INTO", "CREATE TABLE", "UPDATE ", "DELETE FROM")
    found = {
        str(path.relative_to(ROOT))
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and node.value.lstrip().startswith(words)
    }
    assert {name for name in found if not name.startswith("hub/store_io/")} == {
        "edge/uplink/outbox_io.py"
    }


def test_examples_in_docstrings_are_true() -> None:
    attempted = failed = 0
    for path in SOURCES:
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        if name.endswith("__main__"):
            continue
        result = doctest.testmod(importlib.import_module(name))
        attempted, failed = attempted + result.attempted, failed + result.failed
    assert attempted > 10
    assert failed == 0
