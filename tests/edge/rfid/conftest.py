"""Captured frames, and a module that answers as the manual says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from edge.rfid.driver import Settings
from edge.rfid.drivers.m100 import ENVELOPES, M100
from edge.rfid.epc import ProductClasses

KEY = bytes(range(32))


@pytest.fixture(scope="session")
def captures() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(
        (Path(__file__).parent / "captures" / "m100.json").read_text()
    )
    return found


@pytest.fixture
def classes() -> ProductClasses:
    return ProductClasses(KEY)


@pytest.fixture
def driver(classes: ProductClasses) -> M100:
    return M100(Settings("EU", 20.0), classes=classes, now_ms=0)


class Module:
    """Answers every command with success, in one envelope; refuses the codes it is told to."""

    def __init__(self, header: int = 0xBB, *, refuses: frozenset[int] = frozenset()) -> None:
        self.header = header
        self.refuses = refuses
        self.heard: list[tuple[int, bytes]] = []

    def frame(self, kind: int, code: int, params: bytes) -> bytes:
        body = bytes((kind, code)) + len(params).to_bytes(2, "big") + params
        return bytes((self.header, *body, sum(body) % 256, ENVELOPES[self.header]))

    def answer(self, commands: bytes) -> bytes:
        out = b""
        while commands:
            length = 7 + int.from_bytes(commands[3:5], "big")
            frame, commands = commands[:length], commands[length:]
            if frame[0] != self.header:
                continue
            code = frame[2]
            self.heard.append((code, frame[5:-2]))
            if code in self.refuses:
                out += self.frame(1, 0xFF, b"\x17")
            elif code == 3:
                out += self.frame(1, 3, frame[5:6] + b"M100 26dBm V1.0")
            elif code != 0x27:
                out += self.frame(1, code, b"\x00")
        return out


@pytest.fixture
def module() -> Module:
    return Module()


@pytest.fixture
def r200() -> Module:
    return Module(0xAA)


@pytest.fixture
def picky() -> Module:
    return Module(refuses=frozenset({0x07}))
