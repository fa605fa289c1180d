"""The agent's two clocks: scene milliseconds for what is watched, and UTC for the release."""

from __future__ import annotations

import ctypes
import time
from datetime import UTC, datetime, timedelta

TIME_ERROR = 5
"""adjtimex(2)'s return value while the kernel's clock is not synchronised."""


class SceneClock:
    """Monotonic milliseconds of the scene, and the UTC instants they stand for.

    A simulated scene may run faster: instant ``anchored_at`` of the wall clock is ``begins_at`` of
    the scene, and from there the scene's time runs ``speed`` times as fast.
    """

    def __init__(
        self,
        *,
        speed: float = 1.0,
        begins_at: datetime | None = None,
        anchored_at: datetime | None = None,
        require_sync: bool = True,
    ) -> None:
        self._speed = speed
        self._origin_ns = time.monotonic_ns()
        self._require_sync = require_sync and begins_at is None
        self._simulated_from = None
        if begins_at is not None:
            ahead = (datetime.now(UTC) - (anchored_at or datetime.now(UTC))) * speed
            self._simulated_from = begins_at.astimezone(UTC) + ahead

    def now_ms(self) -> int:
        """Give the scene's milliseconds since this clock was made."""
        return int((time.monotonic_ns() - self._origin_ns) * self._speed) // 1_000_000

    def synchronised(self) -> bool:
        """Tell whether UTC can be trusted, which releases wait for."""
        return not self._require_sync or _kernel_is_synchronised()

    def utc_of(self, scene_ms: int) -> datetime | None:
        """Give the UTC instant of a scene instant, or None while the clock is not synchronised."""
        if self._simulated_from is not None:
            return self._simulated_from + timedelta(milliseconds=scene_ms)
        if not self.synchronised():
            return None
        return datetime.now(UTC) + timedelta(milliseconds=scene_ms - self.now_ms())


def wall_ms() -> int:
    """Give monotonic wall milliseconds, for time-outs and back-off."""
    return time.monotonic_ns() // 1_000_000


def _kernel_is_synchronised() -> bool:
    timex = ctypes.create_string_buffer(512)  # struct timex with modes = 0: only read
    return int(ctypes.CDLL(None).adjtimex(timex)) not in {TIME_ERROR, -1}
