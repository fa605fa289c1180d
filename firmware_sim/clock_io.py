"""The scene's clock: wall time since an anchor, times the speed."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime


@dataclass(frozen=True, slots=True)
class SceneClock:
    """Runs evenly even if the system's clock is set meanwhile.

    Attributes:
        anchored_at: aware instant at which scene second 0 holds.
        speed: scene seconds per second.
    """

    anchored_at: datetime
    speed: float
    _start_s: float = field(init=False)

    def __post_init__(self) -> None:
        """Fix the anchor on the monotonic clock."""
        until_s = (self.anchored_at - datetime.now(UTC)).total_seconds()
        object.__setattr__(self, "_start_s", time.monotonic() + until_s)

    def scene_s(self) -> float:
        """Tell the scene's second; it stands at 0 until the anchor."""
        return max(0.0, (time.monotonic() - self._start_s) * self.speed)

    def starts_in_s(self) -> float:
        """Tell how many seconds remain until the anchor."""
        return self._start_s - time.monotonic()
