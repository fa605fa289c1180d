from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from edge.errors import DeviceError
from edge.process_io import lock_folder

GUARDED = "from edge.process_io import guard_process\nguard_process()\n"


def run(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", GUARDED + code], capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    "code",
    [
        "raise ValueError('tag 3074257b')",
        (
            "import threading\nt = threading.Thread(target=lambda: {}['tag 3074257b'])\n"
            "t.start()\nt.join()"
        ),
        "class Tag:\n    def __del__(self): raise ValueError('tag 3074257b')\nTag()",
    ],
    ids=["main", "thread", "where nobody can catch it"],
)
def test_a_crash_tells_its_place_and_no_values(code: str) -> None:
    said = run(code).stderr
    assert "3074257b" not in said
    assert "bug: " in said


def test_no_core_is_dumped_and_files_are_ours_alone(tmp_path: Path) -> None:
    made = tmp_path / "made"
    code = (
        "import resource\n"
        f"open({str(made)!r}, 'w').close()\n"
        "print(resource.getrlimit(resource.RLIMIT_CORE))"
    )
    assert run(code).stdout == "(0, 0)\n"
    assert made.stat().st_mode & 0o077 == 0


def test_a_second_agent_is_kept_out_until_the_first_is_gone(tmp_path: Path) -> None:
    with lock_folder(tmp_path / "data"), pytest.raises(DeviceError, match="another agent"):
        lock_folder(tmp_path / "data")
    lock_folder(tmp_path / "data").close()


def test_a_lock_that_is_a_link_is_not_followed(tmp_path: Path) -> None:
    other = tmp_path / "shadow"
    other.write_text("root")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "lock").symlink_to(other)
    with pytest.raises(DeviceError):
        lock_folder(tmp_path / "data")
    assert other.read_text() == "root"


def test_every_command_is_guarded() -> None:
    code = """
import resource, sys
from edge import cli

@cli.app.command()
def strike() -> None:
    print(resource.getrlimit(resource.RLIMIT_CORE), flush=True)
    raise ValueError("tag 3074257b")

sys.argv = ["aisle-edge", "strike"]
cli.main()
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout == "(0, 0)\n"
    assert "bug: ValueError" in done.stderr
    assert "3074257b" not in done.stderr
