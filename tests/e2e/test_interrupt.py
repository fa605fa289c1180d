"""Ctrl-C in the middle of the demo leaves no process and no file."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_demo_cleans_up(tmp_path: Path, number: signal.Signals) -> None:
    folder, out = tmp_path / "tmp", tmp_path / "out"
    folder.mkdir()
    demo = subprocess.Popen(
        [sys.executable, "deploy/demo/run.py", "--minutes", "4", "--out", str(out)],
        cwd=ROOT,
        env={"TMPDIR": str(folder), "PATH": "/usr/bin:/bin"},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert demo.stdout is not None
    shown = 0
    for line in demo.stdout:
        shown += "store clock" in line
        if shown == 3:  # every part is up by then
            demo.send_signal(number)
            break
    rest = demo.stdout.read()
    demo.stdout.close()
    assert demo.wait(30) == 130
    assert "every process is told to end" in rest
    left = subprocess.run(["pgrep", "-f", str(folder)], capture_output=True, text=True, check=False)
    assert left.stdout == ""
    assert list(folder.iterdir()) == []
    assert not out.exists()
