"""Bytes to frames for protocols whose header says how long a frame is; loses no frame to noise."""

from __future__ import annotations

import binascii
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Frame:
    """A whole frame, envelope included, whose check sums are right."""

    raw: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Broken:
    """A place that looked like a frame and was none; ``why`` names the first thing wrong."""

    why: str


class Rule(Protocol):
    """What one protocol's frames look like."""

    def starts(self) -> bytes:
        """Give the bytes a frame may start with, one each."""
        ...

    def length(self, head: bytes) -> int | str:
        """Give the length of the frame that starts here, in bytes, or why it is none.

        Args:
            head: the first ``HEAD`` bytes.
        """
        ...

    def fault(self, frame: bytes) -> str:
        """Say what is wrong with a whole frame; empty if nothing is, and it is accepted."""
        ...

    @property
    def head(self) -> int:
        """How many bytes ``length`` needs."""
        ...


class Splitter:
    """Cuts a byte stream into frames; how the bytes arrive in pieces makes no difference.

    After a wrong byte it drops one and searches on, so a frame behind garbage is never lost. A
    piece of garbage that claims to be long holds later frames up only until ``flush``.
    """

    def __init__(self, rule: Rule) -> None:
        self._rule = rule
        self._kept = bytearray()
        self.skipped = 0
        """Bytes that belonged to no frame."""

    @property
    def waiting(self) -> bool:
        """Whether the last bytes may be the start of a frame."""
        return bool(self._kept)

    def feed(self, data: bytes) -> list[Frame | Broken]:
        """Take the next bytes."""
        self._kept += data
        return self._cut(whole=False)

    def flush(self) -> list[Frame | Broken]:
        """Take the line's silence: what is unfinished will not be finished."""
        return self._cut(whole=True)

    def _cut(self, *, whole: bool) -> list[Frame | Broken]:
        found: list[Frame | Broken] = []
        kept, at, rule = self._kept, 0, self._rule
        while (at := self._seek(at)) < len(kept):
            length = self._measure(at, whole=whole)
            if length is None:
                break
            why = length if isinstance(length, str) else rule.fault(bytes(kept[at : at + length]))
            if why:
                found.append(Broken(why))
                at += 1
                self.skipped += 1
            elif isinstance(length, int):
                found.append(Frame(bytes(kept[at : at + length])))
                at += length
        del kept[:at]
        return found

    def _seek(self, at: int) -> int:
        """Give the next place a frame may start, counting what is passed over."""
        places = (self._kept.find(start, at) for start in self._rule.starts())
        place = min((place for place in places if place >= 0), default=len(self._kept))
        self.skipped += place - at
        return place

    def _measure(self, at: int, *, whole: bool) -> int | str | None:
        """Give the frame's length, why there is none, or nothing if bytes are missing."""
        kept, rule = self._kept, self._rule
        if len(kept) - at >= rule.head:
            length = rule.length(bytes(kept[at : at + rule.head]))
            if isinstance(length, str) or len(kept) - at >= length:
                return length
        return "unfinished" if whole else None


def gen2_crc(data: bytes) -> int:
    """Give the CRC-16 of Gen2 air interface: polynomial 1021, preset and final complement FFFF.

    Source: EPC Gen2 v2.1, annex F.

    >>> hex(gen2_crc(bytes.fromhex("340030751FEB705C5904E3D50D70")))
    '0x3a76'
    """
    return binascii.crc_hqx(data, 0xFFFF) ^ 0xFFFF
