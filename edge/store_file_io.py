"""``store.toml`` on the disk: written whole or not at all, with what it said before kept."""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

from edge.errors import ConfigError, DeviceError


def read_text(path: Path) -> str:
    """Read a text file people wrote.

    Raises:
        ConfigError: it cannot be read.
    """
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {error}; check the path") from error


def replace_text(path: Path, text: str) -> Path:
    """Write a file anew, with the owner and rights it had; give where the old one is kept.

    Raises:
        DeviceError: the disk refuses.
    """
    try:
        backup = path.with_name(f"{path.name}.bak")
        shutil.copy2(path, backup)
        was = path.stat()
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        fresh = Path(name)
        try:
            with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
                file.write(text)
                file.flush()
                os.fchmod(file.fileno(), was.st_mode & 0o7777)
                for kept in (fresh, backup):
                    with suppress(PermissionError):  # not root: the file stays ours
                        os.chown(kept, was.st_uid, was.st_gid)
                os.fsync(file.fileno())
            fresh.replace(path)
        finally:
            fresh.unlink(missing_ok=True)
    except OSError as error:
        raise DeviceError(f"{path} cannot be written: {error.strerror}") from error
    return backup
