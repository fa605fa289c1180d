"""What can go wrong in an agent, by what its caller does about it.

AgentError
├── ConfigError     the configuration is wrong: name path and key, exit 2
├── ModelError      the model or its manifest is wrong: exit 2
├── DeviceError     port, camera or broker is away: back off and retry; `check` exits 3
├── ProtocolError   a reader broke its manual: count, resynchronise, go on
└── PrivacyError    a release would exceed a visit's budget: refuse, exit 4
"""


class AgentError(Exception):
    """The root; its text names the thing and the mend."""


class ConfigError(AgentError):
    """The configuration file is wrong."""


class ModelError(AgentError):
    """The model or its manifest is missing, damaged or not what it says."""


class DeviceError(AgentError):
    """A camera, serial port, broker or disk does not answer."""


class ProtocolError(AgentError):
    """A reader sent what its manual does not allow."""


class PrivacyError(AgentError):
    """A release would spend more than one visit's budget."""
