"""What must outlive the agent: which periods were released, and what the hub asked for.

Two small files in the data folder. Neither tells anything of visits: ``released.json`` has periods,
counts of windows and costs; ``wish.json`` is the hub's own message.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TypeVar, get_args

import msgspec

from edge.errors import ConfigError, DeviceError
from edge.release.privacy import Ledger, Spent
from wire.messages import ChannelName, Config

LEDGER = "released.json"
WISH = "wish.json"
T = TypeVar("T")


class _Released(msgspec.Struct, frozen=True):
    channels: dict[str, Spent] = {}


def load_ledger(folder: Path) -> Ledger:
    """Read what earlier starts have released; nothing, if there is no file.

    Raises:
        ConfigError: the file is damaged.
    """
    found = _load(
        folder / LEDGER,
        _Released,
        lost="periods that were released before could be released again, if they are replayed",
    )
    names: tuple[ChannelName, ...] = get_args(ChannelName)
    told = found.channels if found else {}
    return Ledger({name: told[name] for name in names if name in told})


def save_ledger(folder: Path, ledger: Ledger) -> None:
    """Keep what was released; call it before a release goes anywhere.

    Raises:
        DeviceError: the disk refuses.
    """
    _save(folder / LEDGER, _Released({str(name): one for name, one in ledger.spent.items()}))


def load_wish(folder: Path) -> Config:
    """Read the hub's last wish; an empty one, if there is none.

    Raises:
        ConfigError: the file is damaged.
    """
    found = _load(
        folder / WISH,
        Config,
        lost="what the hub asked for is unknown until it is connected",
    )
    return found or Config()


def save_wish(folder: Path, wish: Config) -> None:
    """Keep the hub's wish, so that its tightening holds from a restart's first moment on.

    Raises:
        DeviceError: the disk refuses.
    """
    _save(folder / WISH, wish)


def _load(path: Path, kind: type[T], *, lost: str) -> T | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}; give this user access") from (
            error
        )
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is damaged; remove it: then {lost}") from error


def _save(path: Path, content: msgspec.Struct) -> None:
    half = path.with_suffix(".new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # As root, a link in the agent's own folder must not lead anywhere else.
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
        with os.fdopen(os.open(half, flags, 0o600), "wb") as file:
            file.write(msgspec.json.encode(content))
            file.flush()
            os.fsync(file.fileno())
        half.replace(path)
    except OSError as error:
        raise DeviceError(
            f"{path}: cannot be written ({error.strerror}); make room, or correct the folder's "
            "owner"
        ) from error
