"""Text files of the shop on the disk: written whole or not at all, with what they said kept."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path

from edge.errors import ConfigError, DeviceError


def read_text(path: Path, *, mend: str = "check the path") -> str:
    """Read a text file people wrote.

    Args:
        path: the file.
        mend: what to do if it cannot be read.

    Raises:
        ConfigError: it cannot be read.
    """
    try:
        return path.read_text(encoding="utf-8")
    except PermissionError as error:
        raise ConfigError(
            f"{path} may not be read by this user: run with sudo, or let the user's group read "
            "it (chgrp, chmod 640)"
        ) from error
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}; {mend}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} is not text in UTF-8; {mend}") from error


def replace_text(path: Path, text: str) -> Path:
    """Write a file anew, with the owner and rights it had; give where the old one is kept.

    A link stays a link. A backup's name that is one is not followed: whoever runs this may be root,
    and the folder somebody else's.

    Raises:
        DeviceError: the disk refuses.
    """
    path = path.resolve()
    backup = path.with_name(f"{path.name}.bak")
    try:
        was = path.stat()
        _put(backup, path.read_bytes(), like=was)
        _put(path, text.encode(), like=was)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        raise DeviceError(
            f"{path} cannot be written: {error.strerror}; run this as its owner, for example with "
            "sudo"
        ) from error
    return backup


def _put(path: Path, content: bytes, *, like: os.stat_result) -> None:
    """Put a file in place whole; it holds cameras' passwords and is never more open than it was."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    fresh = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            with suppress(PermissionError):  # not root: the file stays ours
                os.fchown(file.fileno(), like.st_uid, like.st_gid)
            os.fchmod(file.fileno(), like.st_mode & 0o7777)
            os.fsync(file.fileno())
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)
