"""Topic names: ``aisle/v1/{store}/{agent}/{leaf}``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, get_args

from wire.errors import WireError

PREFIX = "aisle/v1"
NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
"""Store, agent and zone names: lower-case letters, digits and hyphens, 32 at most."""

Leaf = Literal["status", "meta", "release", "health", "ack", "config"]
LEAVES: tuple[Leaf, ...] = get_args(Leaf)
FROM_AGENT: tuple[Leaf, ...] = ("status", "meta", "release", "health")
FROM_HUB: tuple[Leaf, ...] = ("ack", "config")
RETAINED: frozenset[Leaf] = frozenset({"status", "meta", "ack", "config"})


@dataclass(frozen=True, slots=True)
class Topic:
    """One agent's topic.

    >>> str(Topic("berlin-1", "north", "release"))
    'aisle/v1/berlin-1/north/release'
    """

    store: str
    agent: str
    leaf: Leaf

    def __str__(self) -> str:
        """Give the topic as MQTT spells it."""
        return f"{PREFIX}/{self.store}/{self.agent}/{self.leaf}"


def parse_topic(text: str) -> Topic:
    """Read a topic name.

    Raises:
        WireError: it is not one of the contract's topics.

    >>> parse_topic("aisle/v1/berlin-1/north/ack").leaf
    'ack'
    """
    parts = text.split("/")
    if len(parts) != 5 or "/".join(parts[:2]) != PREFIX:  # noqa: PLR2004 - the five levels above
        raise WireError(f"topic {text!r} is not {PREFIX}/store/agent/leaf")
    store, agent, leaf = parts[2:]
    for name in (store, agent):
        if not NAME.fullmatch(name):
            raise WireError(f"topic {text!r}: {name!r} is not a store or agent name")
    for known in LEAVES:
        if leaf == known:
            return Topic(store, agent, known)
    raise WireError(f"topic {text!r}: unknown leaf {leaf!r}")


def every(leaf: Leaf) -> str:
    """Give the subscription for one leaf of all agents.

    >>> every("release")
    'aisle/v1/+/+/release'
    """
    return f"{PREFIX}/+/+/{leaf}"
