"""Bytes to frames for protocols whose frames can be told by their bytes; loses none to noise."""

from __future__ import annotations

import binascii
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Broken:
    """A place that looked like a frame and was none; or a run of bytes that never did.

    Attributes:
        why: names the first thing wrong; ``noise`` for bytes outside any frame.
        claims: length of the frame it claimed to be, bytes. What is wrong in there as well is
            not told again, but sound frames in there are found.
    """

    why: str
    claims: int = 1


NOISE = Broken("noise")


class Rule(Protocol):
    """What one protocol's frames look like."""

    def frame(self, data: bytes, at: int) -> int | Broken:
        """Give the length of the sound frame that starts here, 0 if bytes of it are missing.

        Asked first and everywhere; what it says of places where none may start is not heard.
        """
        ...

    def seek(self, data: bytes, at: int) -> int:
        """Give the next place, from ``at`` on, where a frame may start; the end if none."""
        ...


class Splitter:
    """Cuts a byte stream into frames; how the bytes arrive in pieces makes no difference.

    After a wrong byte it drops one and searches on, so a frame behind garbage is never lost. A
    piece of garbage that claims to be long holds later frames up only until ``flush``.
    """

    def __init__(self, rule: Rule) -> None:
        self._rule = rule
        self._kept = b""
        self._excused = 0
        self._noisy = False
        self.skipped = 0
        """Bytes that belonged to no frame."""

    @property
    def waiting(self) -> bool:
        """Whether the last bytes may be the start of a frame."""
        return bool(self._kept)

    def feed(self, data: bytes) -> list[bytes | Broken]:
        """Take the next bytes; gives whole, sound frames, and what was none."""
        self._kept += data
        return self._cut(whole=False)

    def flush(self) -> list[bytes | Broken]:
        """Take the line's silence: what is unfinished will not be finished."""
        return self._cut(whole=True)

    def _cut(self, *, whole: bool) -> list[bytes | Broken]:
        found: list[bytes | Broken] = []
        data, rule = self._kept, self._rule
        end, at = len(data), 0
        while at < end:
            length = rule.frame(data, at)
            if isinstance(length, int) and length:
                found.append(data[at : at + length])
                at += length
                if self._noisy:
                    self._excused, self._noisy = 0, False
                continue
            start = rule.seek(data, at)
            if start > at:
                self._skip(NOISE, at, start, found)
                at = start
            elif whole or length:
                broken = length if isinstance(length, Broken) else Broken("unfinished", end - at)
                self._skip(broken, at, at + 1, found)
                at += 1
            else:
                break
        self._kept = data[at:]
        self._excused = max(0, self._excused - at)
        return found

    def _skip(self, broken: Broken, start: int, end: int, found: list[bytes | Broken]) -> None:
        """Pass bytes over, and tell why unless it was told."""
        self.skipped += end - start
        if end <= self._excused or (broken is NOISE and self._noisy):
            return
        self._noisy = True
        if broken is not NOISE:
            self._excused = start + broken.claims
        found.append(broken)


GEN2_RESIDUE = 0xE2F0
"""``gen2_crc`` of anything followed by its own CRC."""


def gen2_crc(data: bytes) -> int:
    """Give the CRC-16 of Gen2 air interface: polynomial 1021, preset and final complement FFFF.

    Source: EPC Gen2 v2.1, annex F.

    >>> hex(gen2_crc(bytes.fromhex("340030751FEB705C5904E3D50D70")))
    '0x3a76'
    """
    return binascii.crc_hqx(data, 0xFFFF) ^ 0xFFFF


_MIRRORED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


def mcrf4xx_crc(data: bytes) -> int:
    """Give the CRC-16/MCRF4XX: reflected polynomial 8408, preset FFFF, no final complement.

    The standard library's CRC of the mirrored polynomial, over mirrored bytes. Over a frame that
    ends in its own CRC, low byte first, it is 0.

    >>> hex(mcrf4xx_crc(bytes.fromhex("04FF01")))
    '0xb41b'
    """
    crc = binascii.crc_hqx(data.translate(_MIRRORED), 0xFFFF)
    return _MIRRORED[crc & 0xFF] << 8 | _MIRRORED[crc >> 8]
