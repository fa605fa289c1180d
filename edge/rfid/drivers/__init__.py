"""Reader families, one file each; ``edge.rfid.driver`` says what a driver is.

A new family is a file here and one line in ``FAMILIES``; ``edge/rfid/README.md`` shows the way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Protocol

from edge.rfid.driver import Driver, Settings
from edge.rfid.drivers import m100, metratec, uhfreader
from edge.rfid.epc import ProductClasses
from edge.rfid.framing import Rule, Splitter


class Factory(Protocol):
    """Makes the driver for a line that was just opened."""

    def __call__(self, settings: Settings, *, classes: ProductClasses, now_ms: int) -> Driver:
        """Give a driver that starts the reader anew."""
        ...


@dataclass(frozen=True, slots=True)
class Family:
    """A kind of readers, and how one is recognised.

    Attributes:
        driver: makes its driver.
        rule: makes its frame rule.
        hello: asks a reader who it is; sends nothing on air, which would need a region.
        is_family: whether a sound frame can come from no other family.
        bauds: of its lines, the one it leaves the factory with first.
        antennas: the most a reader can have.
        aka: what else it is called on boxes.
    """

    driver: Factory
    rule: Callable[[], Rule]
    hello: bytes
    is_family: Callable[[bytes], bool]
    bauds: tuple[int, ...]
    antennas: int
    aka: tuple[str, ...]

    def knows(self, answer: bytes) -> bool:
        """Tell whether bytes from a line are a reader of this family."""
        splitter = Splitter(self.rule())
        frames = splitter.feed(answer) + splitter.flush()
        return any(isinstance(frame, bytes) and self.is_family(frame) for frame in frames)


FAMILIES: Mapping[str, Family] = MappingProxyType(
    {
        "m100": Family(
            m100.M100,
            m100.Envelope,
            m100.HELLO,
            m100.is_family,
            m100.BAUDS,
            antennas=1,
            aka=("qm100", "yrm100", "r200", "m100_r200"),
        ),
        "metratec": Family(
            metratec.Metratec,
            metratec.Lines,
            metratec.HELLO,
            metratec.is_family,
            metratec.BAUDS,
            antennas=64,
            aka=("metratec_at", "pulsarlr", "plrm", "qrg2", "deskid", "dwarfg2"),
        ),
        "uhfreader": Family(
            uhfreader.UhfReader,
            uhfreader.Envelope,
            uhfreader.HELLO,
            uhfreader.is_family,
            uhfreader.BAUDS,
            antennas=8,
            aka=("uhfreader18", "uhfreader86", "uhfreader288", "uhfreader288mp", "ex10", "chafon"),
        ),
    }
)
"""The configuration's ``family`` to what it is; in the order they are asked on an unknown line."""
AUTO = "auto"


def named(name: str) -> Family | None:
    """Find a family by its own name or one of those on its boxes."""
    known = (family for key, family in FAMILIES.items() if name.lower() in (key, *family.aka))
    return next(known, None)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A family and a speed that a line may have.

    Attributes:
        driver: makes the driver, at an instant in wall milliseconds.
    """

    name: str
    family: Family
    baud: int
    driver: Callable[[int], Driver]


def candidates(
    settings: Settings, *, classes: ProductClasses, family: str = AUTO, baud: int | None = None
) -> tuple[Candidate, ...]:
    """Give what a line may be, in the order to be tried; one alone needs no trying.

    Args:
        settings: of the reader.
        classes: reads EPCs.
        family: a key of ``FAMILIES``, or ``auto``.
        baud: None if it is not known.
    """
    highest = max(antenna.number for antenna in settings.antennas)
    families = {
        name: known
        for name, known in FAMILIES.items()
        if family == name or (family == AUTO and highest <= known.antennas)
    }
    return tuple(
        Candidate(
            name,
            families[name],
            speed,
            partial(_make, families[name].driver, settings=settings, classes=classes),
        )
        for name, speed in _speeds(families, baud=baud)
    )


def _speeds(families: Mapping[str, Family], *, baud: int | None) -> Iterator[tuple[str, int]]:
    """Pair families with speeds: fastest first, for most readers leave the factory so."""
    every = {speed for family in families.values() for speed in family.bauds}
    for speed in sorted(every, reverse=True) if baud is None else (baud,):
        for name, family in families.items():
            if baud is not None or speed in family.bauds:
                yield name, speed


def _make(factory: Factory, now_ms: int, *, settings: Settings, classes: ProductClasses) -> Driver:
    return factory(settings, classes=classes, now_ms=now_ms)
