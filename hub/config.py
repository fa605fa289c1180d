"""``hub.toml``: where the database is, and which broker brings the releases."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec

from hub.errors import ConfigError

Port = Annotated[int, msgspec.Meta(ge=1, le=65535)]
Days = Annotated[int, msgspec.Meta(ge=0, le=36_500)]
Positive = Annotated[float, msgspec.Meta(gt=0.0)]


class Broker(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The MQTT broker.

    Attributes:
        client_id: fixed, so that the broker keeps what arrives while the hub is down.
        ca_file: certificates to trust; empty means the system's. Used when ``tls``.
        password_file: a file whose first line is the password; a secret is never in the TOML.
        keepalive_s: silence after which the broker publishes nothing more to us.
    """

    host: str = "127.0.0.1"
    port: Port = 1883
    tls: bool = False
    ca_file: str = ""
    username: str = ""
    password_file: str = ""
    client_id: Annotated[str, msgspec.Meta(min_length=1, max_length=64)] = "aisle-hub"
    keepalive_s: Annotated[int, msgspec.Meta(ge=5, le=3600)] = 30


class Batching(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How arrivals are gathered into one transaction.

    Attributes:
        messages: at most so many; the smallest broker in use keeps 100 in flight.
        wait_ms: how long the first of a batch waits for more (a commit takes a few ms).
        retry_min_s: first pause after the database or the broker refused.
        retry_max_s: the longest; pauses double up to it.
    """

    messages: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 100
    wait_ms: Annotated[int, msgspec.Meta(ge=0, le=10_000)] = 5
    retry_min_s: Positive = 0.5
    retry_max_s: Positive = 30.0


class Retention(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How long what arrived is kept; ``aisle-hub db purge`` forgets the rest.

    Attributes:
        releases_days: since a release's window began; 0 for ever. Three years by default, for
            comparisons with the same weeks of two years before.
        channels: the same for single channels, as ``walked = 120``.
        rejects_days: since a refused message came last; 0 for ever.
    """

    releases_days: Days = 1_100
    channels: dict[str, Days] = {}
    rejects_days: Days = 90

    def days_of(self, channel: str) -> int:
        """Give the days that releases of a channel are kept; 0 for ever."""
        return self.channels.get(channel, self.releases_days)


class HubConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Everything ``aisle-hub`` reads from its file.

    Attributes:
        database: path of the SQLite file.
        busy_ms: how long to wait for another process's lock.
        retention: how long what arrived is kept.
    """

    database: str = "aisle-hub.db"
    busy_ms: Annotated[int, msgspec.Meta(ge=0, le=60_000)] = 2_000
    broker: Broker = Broker()
    batching: Batching = Batching()
    retention: Retention = Retention()


def parse_config(text: str, *, path: str) -> HubConfig:
    r"""Read the text of a ``hub.toml``.

    Raises:
        ConfigError: names path and key.

    >>> parse_config('[broker]\nport = 8883\ntls = true', path="hub.toml").broker.port
    8883
    """
    try:
        return msgspec.toml.decode(text, type=HubConfig)
    except msgspec.DecodeError as error:
        raise ConfigError(f"{path}: {error}; see `aisle-hub run --help` for the keys") from error


def read_config(path: Path | None) -> HubConfig:
    """Read ``hub.toml``; no path gives the defaults.

    Raises:
        ConfigError: missing, unreadable, or wrong.
    """
    if path is None:
        return HubConfig()
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read: {error}") from error
    return parse_config(text, path=str(path))


def read_password(broker: Broker) -> str | None:
    """Give the first line of the password file, or None where none is named.

    Raises:
        ConfigError: the file is named but cannot be read, or is empty.
    """
    if not broker.password_file:
        return None
    try:
        lines = Path(broker.password_file).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"broker.password_file: {broker.password_file}: {error}") from error
    if not lines or not lines[0]:
        raise ConfigError(f"broker.password_file: {broker.password_file}: its first line is empty")
    return lines[0]
