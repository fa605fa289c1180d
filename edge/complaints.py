"""What is wrong with what others send, told so that it does not tell when somebody came."""

from __future__ import annotations

TELL_MS = 900_000
"""Complaints are told at whole quarters of an hour: at once would be as somebody pays."""
MOST = 20
"""Kinds that are told; they are our own words, of which there are fewer."""


class Complaints:
    """Each kind is told once, with those of the same quarter of an hour, however often it comes.

    Args:
        tell_ms: between two instants at which new kinds are told.
    """

    def __init__(self, *, tell_ms: int = TELL_MS) -> None:
        self._tell_ms = tell_ms
        self._due_ms: dict[str, int] = {}

    def feed(self, text: str, *, now_ms: int) -> None:
        """Take a complaint; it must quote nothing of what was sent."""
        if len(self._due_ms) < MOST:
            self._due_ms.setdefault(text, (now_ms // self._tell_ms + 1) * self._tell_ms)

    def told(self, now_ms: int) -> str:
        """Give what may be told by now, in no order that would tell which came first."""
        due_ms = self._due_ms.copy()  # at once: another thread may feed
        return "; ".join(sorted(text for text, due in due_ms.items() if due <= now_ms))
