"""Reader families, one file each; ``edge.rfid.driver`` says what a driver is.

A new family is a file here that offers ``driver(settings, *, classes, now_ms) -> Driver``, one
line in ``FAMILIES`` and in the configuration's ``family``, and its captures under ``tests``.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Protocol

from edge.rfid.driver import Driver, Settings
from edge.rfid.drivers import m100
from edge.rfid.epc import ProductClasses


class Factory(Protocol):
    """Makes the driver for a line that was just opened."""

    def __call__(self, settings: Settings, *, classes: ProductClasses, now_ms: int) -> Driver:
        """Give a driver that starts the reader anew."""
        ...


FAMILIES: Mapping[str, Factory] = MappingProxyType({"m100": m100.M100})
"""The configuration's ``family`` to what makes its driver."""
