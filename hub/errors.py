"""What can go wrong in the hub, by what its caller does about it.

HubError
├── ConfigError     hub.toml or an option is wrong: name path and key, exit 2
├── NoDataError     nothing is stored for what was asked: exit 3
└── StoreError      the database refused: no ack, back off and retry; a command exits 4

Bytes that are no message of the contract are ``wire.errors.WireError``: rejected and kept.
"""


class HubError(Exception):
    """The root; its text names the thing and the mend."""


class ConfigError(HubError):
    """The configuration file or an option is wrong."""


class NoDataError(HubError):
    """The store, day or reject that was asked for is not in the database."""


class StoreError(HubError):
    """The database is full, locked, damaged, or of another version."""
