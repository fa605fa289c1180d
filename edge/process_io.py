"""What keeps a visit in the agent's memory: no core dump, no peeking, no values in tracebacks."""

from __future__ import annotations

import ctypes
import fcntl
import os
import resource
import sys
import threading
import traceback
from pathlib import Path
from types import TracebackType
from typing import IO

from edge.errors import DeviceError

PR_SET_DUMPABLE = 4


def guard_process() -> None:
    """Refuse core dumps and other processes' eyes; files are ours alone; crashes tell no values."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)
    os.umask(0o077)
    sys.excepthook = _tell_place
    threading.excepthook = lambda args: _tell_place(
        args.exc_type, args.exc_value, args.exc_traceback
    )
    sys.unraisablehook = lambda args: _tell_place(args.exc_type, args.exc_value, args.exc_traceback)


def lock_folder(path: Path) -> IO[bytes]:
    """Keep other agents out of a data folder for as long as the file given stays open.

    Two agents on one configuration would count every visit twice, and spend its budget twice.

    Raises:
        DeviceError: another agent has it, or the folder cannot be written.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
        # As root, a link in the agent's own folder must not lead anywhere else.
        flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        held = os.fdopen(os.open(path / "lock", flags, 0o600), "wb")
    except OSError as error:
        raise DeviceError(f"{path}: {error.strerror}; give this user write access") from error
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        held.close()
        raise DeviceError(f"another agent runs on {path}; stop it first") from error
    return held


def _tell_place(
    kind: type[BaseException], _error: BaseException | None, trace: TracebackType | None
) -> None:
    """Print where a bug struck, without its message, which may quote what was in memory."""
    for frame in traceback.extract_tb(trace):
        sys.stderr.write(f"  {frame.filename}:{frame.lineno} {frame.name}\n")
    sys.stderr.write(f"bug: {kind.__name__} (its message may quote a visit and is not shown)\n")
