"""Tagged goods: each item's EPC (SGTIN-96), where it lies, and who carries it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from firmware_sim.store import OUTWARD, AntennaTable, ReaderTable, ShelfTable, Store

SGTIN96_HEADER = 0x30
FILTER_RETAIL = 1
"""GS1 Tag Data Standard 2.0, table 14-2: point of sale trade item."""
PREFIX_DIGITS = 7
"""Length of the company prefix written into the tags; partition 5 below."""
PARTITION = 5
PREFIX_BITS = 24
ITEM_BITS = 20
SERIAL_BITS = 38
SHELF_HEIGHTS_M = (0.4, 0.7, 1.0, 1.3)


@dataclass(frozen=True, slots=True)
class Item:
    """One tagged item.

    Attributes:
        upright: the shelf runs north, not east.
        holder: who carries it; None while it lies on the shelf.
        gone: left the store.
    """

    epc: bytes
    gtin: str
    reader: str
    zone: str
    east_m: float
    north_m: float
    height_m: float
    upright: bool
    holder: int | None = None
    gone: bool = False


@dataclass(frozen=True, slots=True)
class TagAt:
    """Where a tag is at one instant; ``carried`` is in a hand, basket or cart."""

    epc: bytes
    east_m: float
    north_m: float
    height_m: float
    carried: bool


def sgtin96(gtin: str, *, serial: int) -> bytes:
    """Encode one item of a GTIN-14 as a 96-bit EPC.

    >>> sgtin96("80614141123458", serial=6789).hex()
    '3034257bf7194e4000001a85'

    Raises:
        ValueError: the serial does not fit.
    Source: GS1 Tag Data Standard 2.0, section 14.6.1.
    """
    if not 0 <= serial < 1 << SERIAL_BITS:
        raise ValueError("serial does not fit 38 bits")
    prefix = int(gtin[1 : 1 + PREFIX_DIGITS])
    item = int(gtin[0] + gtin[1 + PREFIX_DIGITS : 13])
    word = SGTIN96_HEADER
    for value, bits in (
        (FILTER_RETAIL, 3),
        (PARTITION, 3),
        (prefix, PREFIX_BITS),
        (item, ITEM_BITS),
        (serial, SERIAL_BITS),
    ):
        word = word << bits | value
    return word.to_bytes(12, "big")


class Goods:
    """All tagged items of a store, by number."""

    def __init__(self, store: Store, *, rng: np.random.Generator) -> None:
        self._rng = rng
        self._restock_s = {reader.name: reader.restock_s for reader in store.readers}
        self._items: list[Item] = []
        self._due: list[tuple[float, Item]] = []
        self._serials: set[int] = set()
        for reader in store.readers:
            for antenna in reader.antennas():
                if antenna.items:
                    self._stock(reader, antenna, store=store)

    def at_shelf(self, zone: str, *, east_m: float, north_m: float, arm_m: float) -> list[int]:
        """List the items on the shelf within an arm's length, nearest first."""
        near = []
        for number, item in enumerate(self._items):
            if item.zone != zone or item.holder is not None or item.gone:
                continue
            distance = float(np.hypot(item.east_m - east_m, item.north_m - north_m))
            if distance <= arm_m:
                near.append((distance, number))
        return [number for _, number in sorted(near)]

    def item(self, number: int) -> Item:
        """Give one item."""
        return self._items[number]

    def pick(self, number: int, *, holder: int) -> None:
        """Put an item into somebody's hands."""
        self._items[number] = replace(self._items[number], holder=holder)

    def put_back(self, number: int) -> None:
        """Lay an item back, a hand's breadth from where it was."""
        item = self._items[number]
        shift = float(self._rng.normal(0.0, 0.05))
        along = (0.0, shift) if item.upright else (shift, 0.0)
        self._items[number] = replace(
            item, holder=None, east_m=item.east_m + along[0], north_m=item.north_m + along[1]
        )

    def sell(self, number: int, *, scene_s: float) -> None:
        """Note that an item is paid for, and order another; its buyer still carries it."""
        item = self._items[number]
        self._due.append((scene_s + self._restock_s[item.reader], item))

    def leave(self, holder: int) -> None:
        """Let a carrier go out of every reader's field, with all they carry."""
        self._items = [
            replace(item, gone=True) if item.holder == holder else item for item in self._items
        ]

    def advance(self, scene_s: float) -> None:
        """Put what was ordered long enough ago onto the shelf."""
        due = [item for at_s, item in self._due if at_s <= scene_s]
        self._due = [(at_s, item) for at_s, item in self._due if at_s > scene_s]
        for item in due:
            self._items.append(
                replace(
                    item,
                    epc=sgtin96(item.gtin, serial=self._serial()),
                    holder=None,
                    gone=False,
                )
            )

    def tags(self, *, holders: dict[int, tuple[float, float]]) -> tuple[TagAt, ...]:
        """Say where all tags of the store are now: antennas hear each other's, too.

        Args:
            holders: where each carrier stands.
        """
        return tuple(_place(item, holders=holders) for item in self._items if not item.gone)

    def _stock(self, reader: ReaderTable, place: AntennaTable, *, store: Store) -> None:
        shelf = nearest_shelf(place, store=store)
        (east_a, north_a), (east_b, north_b) = shelf.line
        upright = abs(north_b - north_a) >= abs(east_b - east_a)
        centre = place.antenna[1] if upright else place.antenna[0]
        ends = (north_a, north_b) if upright else (east_a, east_b)
        low = max(min(ends), centre - place.reach_m)
        high = min(max(ends), centre + place.reach_m)
        for number in range(place.items):
            along = low + (high - low) * (number // len(SHELF_HEIGHTS_M) + 0.5) / max(
                1, -(-place.items // len(SHELF_HEIGHTS_M))
            )
            known = store.classes[number % len(store.classes)]
            self._items.append(
                Item(
                    epc=sgtin96(known.gtin, serial=self._serial()),
                    gtin=known.gtin,
                    reader=reader.name,
                    zone=shelf.zone,
                    east_m=east_a if upright else along,
                    north_m=along if upright else north_a,
                    height_m=SHELF_HEIGHTS_M[number % len(SHELF_HEIGHTS_M)],
                    upright=upright,
                )
            )

    def _serial(self) -> int:
        while True:
            serial = int(self._rng.integers(1 << SERIAL_BITS))
            if serial not in self._serials:
                self._serials.add(serial)
                return serial


def nearest_shelf(place: AntennaTable, *, store: Store) -> ShelfTable:
    """Find the shelf of the antenna's zone whose face it is nearest to."""
    shelves = [shelf for shelf in store.shelves if shelf.zone == place.zone]

    def away(shelf: ShelfTable) -> float:
        outward = OUTWARD[shelf.faces]
        return abs(
            (place.antenna[0] - shelf.line[0][0]) * outward[0]
            + (place.antenna[1] - shelf.line[0][1]) * outward[1]
        )

    return min(shelves, key=away)


def _place(item: Item, *, holders: dict[int, tuple[float, float]]) -> TagAt:
    if item.holder is None:
        return TagAt(item.epc, item.east_m, item.north_m, item.height_m, carried=False)
    east_m, north_m = holders[item.holder]
    return TagAt(item.epc, east_m, north_m, 0.9, carried=True)
