"""What every reader family's driver is: bytes and time in, reads and bytes out, nothing touched.

Laws, tested for every driver: cutting the input differently changes nothing; when the time
``due_ms`` names comes, ``advance`` settles something; the same inputs give the same outputs.
No EPC leaves a driver: it turns each into product class and keyed hash at once.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, Protocol

Region = Literal["EU", "US", "CN900", "CN800", "KR"]


@dataclass(frozen=True, slots=True)
class Read:
    """One tag's reply.

    Attributes:
        antenna: from 1.
        product_class: GTIN-14.
        tag: keyed hash of the EPC.
        rssi_dbm: at the reader's input.
    """

    antenna: int
    product_class: str
    tag: bytes = field(repr=False)
    rssi_dbm: int


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
        why: a counter's name, such as ``sum``, ``end``, ``length``, ``epc_crc``; or, for a sound
            frame whose EPC has no product class, ``not_an_item``, ``unknown``, ``malformed``.
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
            not take; ``silent`` says that it does not answer and is started anew; ``error`` gives
            another error code.
        text: for people.
    """

    kind: Literal["module", "reading", "reissued", "refused", "silent", "error"]
    text: str = ""


Report = Read | Empty | Rejected | Info


@dataclass(frozen=True, slots=True)
class Settings:
    """How a reader is set up at every start.

    Attributes:
        region: radio region; never guessed, the law differs.
        power_dbm: transmit power.
        q: Gen2 slot exponent; 2 to the q near the number of tags reads fastest, and a wrong one
            costs 3 to 4 times (Indy RS500 user manual, p. 16).
        session: Gen2 session; 0 so that tags which rest keep being seen.
    """

    region: Region
    power_dbm: float
    q: int = 5
    session: int = 0


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
