"""Each family's driver and firmware on a line that garbles, drops, delays and falls silent.

Time is counted, not waited for. Whatever happens: nothing raises, no tag is made up where frames
have a check sum, and once the line is sound again the tags are read again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge.rfid.driver import Antenna, Driver, Read, Report, Settings
from edge.rfid.drivers import FAMILIES
from edge.rfid.epc import Item, ProductClasses
from firmware_sim.firmware import Firmware
from firmware_sim.goods import sgtin96
from firmware_sim.m100 import M100
from firmware_sim.metratec import Metratec
from firmware_sim.radio import Air, Reply, Round
from firmware_sim.radio import Settings as Asked
from firmware_sim.uhfreader import UhfReader

STEP_MS = 5
WELL_MS = 12_000
"""After this long on a sound line, reading: the longest patience of any start-up, and a rest."""
EPCS = tuple(sgtin96("80614141123458", serial=n) for n in range(1, 7))
CLASSES = ProductClasses(bytes(32))


def shelf(first: int) -> Air:
    """Three tags that always answer."""

    def air(now_ms: int, _asked: Asked) -> Round:
        replies = tuple(
            Reply(now_ms + 10 * n, epc, -50) for n, epc in enumerate(EPCS[first : first + 3])
        )
        return Round(end_ms=now_ms + 40, replies=replies)

    return air


def busy(firmware: Firmware, command: bytes) -> Firmware:
    """Leave a reader in the inventory somebody else has begun."""
    firmware.feed(command, now_ms=0)
    return firmware


FIRMWARES: dict[str, tuple[str, int, Callable[[], Firmware]]] = {
    "m100": ("m100", 1, lambda: M100(shelf(0))),
    "r200": ("m100", 1, lambda: M100(shelf(0), envelope="AADD")),
    "uhfreader18": ("uhfreader", 1, lambda: UhfReader((shelf(0),), model="18")),
    "uhfreader": ("uhfreader", 2, lambda: UhfReader((shelf(0), shelf(3)))),
    "streaming": ("uhfreader", 2, lambda: UhfReader((shelf(0), shelf(3)), streams=True)),
    "ex10": ("uhfreader", 2, lambda: UhfReader((shelf(0), shelf(3)), model="ex10", streams=True)),
    "polling": ("m100", 1, lambda: busy(M100(shelf(0)), bytes.fromhex("BB0027000322FFFF4A7E"))),
    "continuous": ("metratec", 1, lambda: busy(Metratec((shelf(0),)), b"AT+CINV\r")),
    "multiplexing": ("metratec", 2, lambda: busy(Metratec((shelf(0), shelf(3))), b"AT+CMINV\r")),
    "metratec": ("metratec", 1, lambda: Metratec((shelf(0),))),
    "metratec-mux": ("metratec", 2, lambda: Metratec((shelf(0), shelf(3)))),
}
EVERY = pytest.mark.parametrize("name", list(FIRMWARES))


@dataclass(frozen=True)
class Fault:
    """What happens to the bytes of one moment: ``at`` and ``how`` are of any size."""

    kind: str
    at: int
    how: int

    def on(self, data: bytes) -> bytes:
        if not data:
            return bytes([self.how & 0xFF]) if self.kind == "noise" else b""
        at = self.at % len(data)
        match self.kind:
            case "flip":
                return data[:at] + bytes([data[at] ^ 1 << self.how % 8]) + data[at + 1 :]
            case "drop":
                return data[:at] + data[at + 1 + self.how % 9 :]
            case "lose":
                return b""
            case "repeat":
                return data[:at] + data
            case _:
                return data[:at] + bytes([self.how & 0xFF, self.at & 0xFF]) + data[at:]


faults = st.builds(
    Fault,
    st.sampled_from(["flip", "drop", "lose", "repeat", "noise"]),
    st.integers(0, 500),
    st.integers(0, 0xFFFF),
)


class Line:
    """A reader and its driver, moment by moment."""

    def __init__(self, name: str) -> None:
        family, antennas, made = FIRMWARES[name]
        self.firmware = made()
        wanted = Settings("EU", 20.0, tuple(Antenna(n + 1) for n in range(antennas)))
        self.driver: Driver = FAMILIES[family].driver(wanted, classes=CLASSES, now_ms=0)
        self.now_ms = 0
        self._late = b""

    def turn(self, fault: Fault | None = None, *, late: bool = False) -> list[Report]:
        """Let a moment pass; what is late comes in the next."""
        self.now_ms += STEP_MS
        reports = self.driver.advance(self.now_ms)
        commands = self.driver.outgoing()
        if fault is not None and fault.at % 2:
            commands = fault.on(commands)
        data = self.firmware.feed(commands, now_ms=self.now_ms)
        if fault is not None and not fault.at % 2:
            data = fault.on(data)
        data, self._late = (b"", self._late + data) if late else (self._late + data, b"")
        return reports + (self.driver.feed(data, now_ms=self.now_ms) if data else [])

    def until_well(self) -> set[tuple[int, bytes]]:
        """Run on a sound line; gives what is read after the time a recovery takes."""
        heard: set[tuple[int, bytes]] = set()
        begun_ms = self.now_ms
        while self.now_ms < begun_ms + WELL_MS + 2000:
            found = reads(self.turn())
            if self.now_ms >= begun_ms + WELL_MS:
                heard |= {(read.antenna, read.tag) for read in found}
        return heard


def reads(reports: list[Report]) -> list[Read]:
    return [report for report in reports if isinstance(report, Read)]


def tag(epc: bytes) -> bytes:
    item = CLASSES.read(epc)
    assert isinstance(item, Item)
    return item.tag


def lying(name: str) -> set[tuple[int, bytes]]:
    """Give which tags lie before which antenna."""
    return {(n + 1, tag(epc)) for n in range(FIRMWARES[name][1]) for epc in EPCS[3 * n : 3 * n + 3]}


@EVERY
@settings(deadline=None, max_examples=12, suppress_health_check=[HealthCheck.too_slow])
@given(plan=st.lists(st.tuples(st.integers(0, 60), faults, st.booleans()), max_size=25))
def test_a_faulty_line_makes_nothing_up_and_is_read_again(
    name: str, plan: list[tuple[int, Fault, bool]]
) -> None:
    line = Line(name)
    heard: list[Read] = []
    for pause, fault, late in plan:
        for _ in range(pause):
            heard += reads(line.turn())
        heard += reads(line.turn(fault, late=late))
    if FIRMWARES[name][0] != "metratec":  # whose lines have no check sum
        assert {(read.antenna, read.tag) for read in heard} <= lying(name)
    assert line.until_well() == lying(name)


@EVERY
@settings(deadline=None, max_examples=6, suppress_health_check=[HealthCheck.too_slow])
@given(cut_ms=st.integers(0, 4000), off_ms=st.integers(0, 6000))
def test_a_power_cut_at_any_moment(name: str, cut_ms: int, off_ms: int) -> None:
    line = Line(name)
    while line.now_ms < cut_ms:
        line.turn()
    end_ms = line.now_ms + off_ms
    while line.now_ms < end_ms:  # what it sends meanwhile is lost with the power
        line.turn(Fault("lose", 0, 0))
    line.firmware.power_cycle(line.now_ms)
    assert line.until_well() == lying(name)
