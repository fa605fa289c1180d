"""What every reader family's driver is: bytes and time in, reads and bytes out, nothing touched.

Laws, tested for every driver: cutting the input differently changes nothing; when the time
``due_ms`` names comes, ``advance`` settles something; the same inputs give the same outputs.
No EPC leaves a driver: it turns each into product class and keyed hash at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, NamedTuple, Protocol

Place = Literal["shelf", "fitting-room", "till", "exit"]
SESSIONS: Mapping[Place, int] = MappingProxyType(
    {
        "shelf": 0,  # a resting tag must be heard in every round: its silence is the news
        "fitting-room": 0,  # few tags stay for minutes; which antenna hears them loudest decides
        "till": 0,  # as there; and what lies on the counter is gone in seconds
        "exit": 1,  # many pass at once: who was read keeps still for 0.5 to 5 s, so all are heard
    }
)
"""Gen2 session for each place. S2 and S3 are for none: a resting tag would fall silent after one
read, and silence would no longer mean that it is gone (rfid/physics.md, session and target)."""
Region = Literal["EU", "US", "CN900", "CN800", "KR"]
NOT_TOLD = 0
"""Level of a reply whose reader tells none; no reply is as strong as this."""


class Read(NamedTuple):
    """One tag's reply; of all values here the one that is made hundreds of times a second.

    Attributes:
        antenna: from 1.
        product_class: GTIN-14.
        tag: keyed hash of the EPC.
        rssi_dbm: at the reader's input; ``NOT_TOLD`` if the reader does not say. UHFReader's scale
            is its own, counts up from 0 and is not published: compare it with itself only.
    """

    antenna: int
    product_class: str
    tag: bytes
    rssi_dbm: int

    def __repr__(self) -> str:
        return f"Read({self.antenna}, {self.product_class!r}, {self.rssi_dbm} dBm)"


@dataclass(frozen=True, slots=True)
class Empty:
    """A round in which no tag answered: reader and line live.

    Attributes:
        antenna: from 1.
    """

    antenna: int


@dataclass(frozen=True, slots=True)
class Rejected:
    """Something on the line, or in a tag, that was not taken.

    Attributes:
        why: a counter's name, such as ``noise``, ``sum``, ``crc``, ``length``, ``epc_crc``; or, for
            a sound frame whose EPC has no product class, ``not_an_item``, ``unknown``,
            ``malformed``.
        frame: whether the line is to blame, not the tag.
    """

    why: str
    frame: bool


@dataclass(frozen=True, slots=True)
class Info:
    """How the reader is.

    Attributes:
        kind: ``module`` gives its own words about itself; ``reading`` says that it has begun;
            ``reissued`` that the inventory was ordered anew; ``refused`` names a setting it will
            not take; ``silent`` says that it does not answer and is started anew; ``antenna`` names
            one that seems unplugged; ``full`` says that the reader had more tags than memory;
            ``error`` gives another error code.
        text: for people.
        antenna: which one it is about, from 1; 0 for none.
    """

    kind: Literal["module", "reading", "reissued", "refused", "silent", "antenna", "full", "error"]
    text: str = ""
    antenna: int = 0


Report = Read | Empty | Rejected | Info


@dataclass(frozen=True, slots=True)
class Antenna:
    """One antenna that is used.

    Tags that keep still are asked as well (targets A and B in turn), where the reader can.

    Attributes:
        number: of the port, from 1.
        session: Gen2 session, 0 to 3: how long a tag that was read keeps still.
        power_dbm: its own transmit power, where the reader can; without it, the reader's.
    """

    number: int = 1
    session: int = 0
    power_dbm: float | None = None


@dataclass(frozen=True, slots=True)
class Settings:
    """How a reader is set up at every start.

    Attributes:
        region: radio region; never guessed, the law differs.
        power_dbm: transmit power of antennas without their own.
        antennas: those used, in turn.
        q: Gen2 slot exponent; 2 to the q near the number of tags reads fastest, and a wrong one
            costs 3 to 4 times (Indy RS500 user manual, p. 16).
    """

    region: Region
    power_dbm: float
    antennas: tuple[Antenna, ...] = (Antenna(),)
    q: int = 5

    def power_at(self, number: int) -> float:
        """Give the transmit power of a port, in dBm."""
        own = (one.power_dbm for one in self.antennas if one.number == number)
        return next((power for power in own if power is not None), self.power_dbm)


class Driver(Protocol):
    """One reader on one open line; a reopened line gets a new one.

    Instants are ``wall_ms``: only time-outs hang on them.
    """

    def feed(self, data: bytes, *, now_ms: int) -> list[Report]:
        """Take bytes the reader sent."""
        ...

    def advance(self, now_ms: int) -> list[Report]:
        """Let time pass: time-outs, repeated commands, the watchdog."""
        ...

    def due_ms(self) -> int | None:
        """Give the instant at which ``advance`` next has something to do."""
        ...

    def outgoing(self) -> bytes:
        """Give, once, the bytes to be sent now."""
        ...

    def farewell(self) -> bytes:
        """Give the bytes that stop the reader, to be sent before the line is closed."""
        ...
