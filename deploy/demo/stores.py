"""The stores of the demo's month, and what both of its programs need."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

FIRST = date(2026, 2, 2)
"""A Monday."""
DAYS = 28
VISITS = 2_400
BORN, BORN_STORE = date(2026, 2, 12), "market-hall"
"""From the 11th day on twice as many of its baskets are organic."""
CHANGED, CHANGED_STORE, CHANGED_ZONE = date(2026, 2, 16), "suburb", "aisle-3"
"""From the 15th day on an offer stands there."""

TRUTH_OF = {"bargain": "visits", "quality": "baskets"}
"""What a pattern's true share is of, where not of the visits that could be placed."""


@dataclass(frozen=True, slots=True)
class Branch:
    """One store; ``changes`` as `aisle-sim visits --change` takes them, the day from 0.

    Attributes:
        size: of its visits to those of the largest.
    """

    store: str
    size: float
    seed: int
    changes: tuple[str, ...]


BRANCHES = (
    Branch(BORN_STORE, 1.0, 7_301, ("0:organic:4", "0:quality:0.3", "10:organic:2")),
    Branch(CHANGED_STORE, 0.75, 7_302, ("0:children:1.5", "0:mission:0.4", "14:offer:cleaning:2")),
    Branch("station", 0.5, 7_303, ("0:ready_to_eat:2", "0:buy:-0.3", "0:decisive:-0.2")),
)


def toml_table(header: str, values: dict[str, Any]) -> str:
    """Write one table; JSON's strings, numbers, booleans and arrays are TOML's too."""
    lines = [
        f"{key} = {value.isoformat() if isinstance(value, datetime) else json.dumps(value)}"
        for key, value in values.items()
    ]
    return "\n".join([header, *lines, ""])


def tool(name: str) -> Path:
    """Give the path of a command beside this Python."""
    return Path(sys.executable).parent / name
