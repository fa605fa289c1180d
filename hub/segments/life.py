"""A segment's life: what may follow what, told by events that are only ever added.

proposed ─ accept → active ─ drift → drifting ─ accept → active
    └ refuse → refused    └────────── nobody confirms ──────→ dissolved
any of them ─ retire → retired; any but refused ─ accept → active
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal

from hub.errors import ConfigError

State = Literal["proposed", "active", "drifting", "dissolved", "retired", "refused"]
Act = Literal["accept", "refuse", "retire", "drift", "dissolve", "edit"]
WATCHED: tuple[State, ...] = ("active", "drifting")
"""States in which shares are kept up."""
ALIVE: tuple[State, ...] = ("proposed", *WATCHED)
NEXT: dict[Act, dict[State, State]] = {
    "accept": {
        "proposed": "active",
        "active": "active",
        "drifting": "active",
        "dissolved": "active",
        "retired": "active",
    },
    "refuse": {"proposed": "refused"},
    "retire": {
        "proposed": "retired",
        "active": "retired",
        "drifting": "retired",
        "dissolved": "retired",
    },
    "drift": {"active": "drifting", "drifting": "drifting"},
    "dissolve": {"active": "dissolved", "drifting": "dissolved", "proposed": "dissolved"},
}
CONFIRMING = frozenset({"accepted", "edited", "added"})
"""Events by which somebody says that a segment is wanted as it is."""


def after(act: Act, *, state: str, segment: str) -> State:
    """Give the state that follows.

    Raises:
        ConfigError: this does not follow that; says what may.

    >>> after("accept", state="drifting", segment="a")
    'active'
    """
    steps = NEXT[act]
    if state not in steps:
        able = sorted(
            name for name, possible in NEXT.items() if state in possible and name in OPERATORS
        )
        raise ConfigError(
            f"segment {segment!r} is {state}: it cannot be told to {act}"
            + (f"; possible are {', '.join(able)}" if able else "; edit it to propose it anew")
        )
    return steps[state]


OPERATORS = ("accept", "refuse", "retire")
"""What operators do; the rest follows from the data and the calendar."""


def confirmed_at(events: Sequence[tuple[str, datetime]], *, created_at: datetime) -> datetime:
    """Give when somebody last said that the segment is wanted.

    Args:
        events: (event, when) of one version, in any order.
        created_at: of that version.
    """
    return max([created_at, *(at for event, at in events if event in CONFIRMING)])


def dissolves_at(confirmed: datetime, *, confirm_days: int) -> datetime:
    """Give when a segment that nobody confirms dissolves."""
    return confirmed + timedelta(days=confirm_days)
