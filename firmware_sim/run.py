"""One simulated store, moved on by whoever holds it: no wall time, no threads, no files."""

from __future__ import annotations

from datetime import datetime
from functools import partial

import numpy as np

from firmware_sim.firmware import Firmware, firmware
from firmware_sim.radio import Flags, Radio, RadioParams, Round, Settings
from firmware_sim.scene import Figure
from firmware_sim.shoppers import Closing, Shoppers
from firmware_sim.store import Store
from firmware_sim.truth import TruthEvent

CALL_SHARE = 0.25
"""Share of the draining time that passes before everybody is asked to finish [D]."""


def closing(*, end_s: float, drain_s: float) -> Closing | None:
    """Say when arrivals stop so that the store is empty at the end; None without draining."""
    if drain_s <= 0:
        return None
    last_s = end_s - drain_s
    return Closing(last_arrival_s=last_s, last_call_s=last_s + CALL_SHARE * drain_s)


class Simulation:
    """A store with its shoppers and readers.

    Attributes:
        truth: all that became true so far, in order.
    """

    def __init__(
        self,
        store: Store,
        *,
        seed: int | None = None,
        begins_at: datetime | None = None,
        closing: Closing | None = None,
        positions_s: float | None = None,
    ) -> None:
        """Open the store.

        Args:
            store: what to simulate.
            seed: of this run; the store's own if None.
            begins_at: aware instant of scene second 0; opening hours hold if it is given.
            closing: when arrivals stop.
            positions_s: how often the truth tells where everybody is; None for never.
        """
        seed = store.seed if seed is None else seed
        self._shoppers = Shoppers(
            store, seed=seed, begins_at=begins_at, closing=closing, positions_s=positions_s
        )
        self.truth: list[TruthEvent] = []
        flags = Flags(RadioParams(), rng=np.random.default_rng((seed, 4)))
        self._readers: dict[str, Firmware] = {}
        for number, reader in enumerate(store.readers):
            radios = [
                Radio(one.antenna, seed=seed * 1000 + number + 100 * port, flags=flags)
                for port, one in enumerate(reader.antennas())
            ]
            airs = tuple(partial(self._inventory, radio) for radio in radios)
            self._readers[reader.name] = firmware(reader, airs)

    def step(self, scene_s: float) -> list[TruthEvent]:
        """Move shoppers on to a scene instant; gives (and keeps) what became true."""
        told = self._shoppers.advance(scene_s)
        self.truth += told
        return told

    def end(self) -> list[TruthEvent]:
        """Give the visits that are cut by the end of the run."""
        told = self._shoppers.end()
        self.truth += told
        return told

    @property
    def inside(self) -> int:
        """Count the people in the store."""
        return len(self._shoppers.bodies())

    def figures(self) -> tuple[Figure, ...]:
        """Show everybody as a camera sees them."""
        return self._shoppers.figures()

    def reader(self, name: str) -> Firmware:
        """Give a reader's firmware."""
        return self._readers[name]

    def reader_bytes(self, name: str, *, commands: bytes, scene_s: float) -> bytes:
        """Send a reader commands; gives what it has sent by a scene instant.

        Shoppers are moved on to that instant first, so step by a tenth of a second or less.
        """
        self.step(scene_s)
        return self._readers[name].feed(commands, now_ms=round(1000 * scene_s))

    def _inventory(self, radio: Radio, now_ms: int, settings: Settings) -> Round:
        return radio.round(
            now_ms,
            tags=self._shoppers.items(),
            bodies=self._shoppers.bodies(),
            settings=settings,
        )
