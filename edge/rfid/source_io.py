"""What readers, points of sale and other sensors share: a thread of its own keeps each open."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Literal

CLOSE_S = 3.0
"""For a thread to end; longer than a write may take. After this it is left behind."""


class Source(ABC):
    """Something outside that may go away and come back.

    Args:
        name: for people.
        on_crash: takes what ends the thread unforeseen, in it; without it, Python prints that.
    """

    def __init__(
        self, name: str, *, on_crash: Callable[[BaseException], None] | None = None
    ) -> None:
        self.name = name
        self.state: Literal["up", "down", "starting"] = "starting"
        self._trouble = ""
        self._on_crash = on_crash
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    @property
    def detail(self) -> str:
        """What is wrong, if anything is."""
        return self._trouble

    def start(self) -> None:
        """Begin, and go on until ``close``."""
        self._thread.start()

    def close(self) -> None:
        """Stop and wait for the thread, but not for ever."""
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join(CLOSE_S)

    @abstractmethod
    def _keep_open(self) -> None:
        """Serve what is outside whenever it is there, until ``_stop`` is set."""

    def _run(self) -> None:
        try:
            self._keep_open()
        except BaseException as error:
            self._is_down(f"its thread ended: {type(error).__name__}")
            if self._on_crash is None:
                raise
            self._on_crash(error)

    def _is_up(self) -> None:
        self.state, self._trouble = "up", ""

    def _is_down(self, why: str) -> None:
        self.state, self._trouble = "down", why
