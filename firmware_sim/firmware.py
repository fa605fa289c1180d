"""What runs inside a simulated reader, and which one a store's table asks for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from firmware_sim.m100 import M100
from firmware_sim.metratec import Metratec
from firmware_sim.radio import Air
from firmware_sim.store import ReaderTable
from firmware_sim.uhfreader import Model, UhfReader


class Firmware(Protocol):
    """A reader's inside; ``now_ms`` is scene time."""

    baud: int

    def feed(self, data: bytes, *, now_ms: int) -> bytes:
        """Take bytes; give bytes."""

    def advance(self, now_ms: int) -> bytes:
        """Give bytes."""

    def due_ms(self) -> int | None:
        """Tell when there will be some."""

    def power_cycle(self, now_ms: int) -> None:
        """Lose power and get it back."""


def firmware(reader: ReaderTable, airs: Sequence[Air]) -> Firmware:
    """Give the firmware that a reader of the store runs.

    Args:
        reader: its table.
        airs: the field of each of its antennas.
    """
    baud = reader.speed_baud()
    if reader.family == "m100":
        return M100(airs[0], envelope=reader.envelope, baud=baud)
    if reader.family == "metratec":
        return Metratec(airs, baud=baud)
    models: dict[str, Model] = {"uhfreader18": "18", "uhfreader288": "288", "ex10": "ex10"}
    return UhfReader(airs, model=models[reader.family], baud=baud)
