"""Canary: marked tags, tracks, receipts and a password are searched in all that leaves an agent.

Each is looked for in every spelling it could have; besides, whatever looks like a picture, a hash,
a blob or a value of the agent's memory is a leak wherever it is found.
"""

from __future__ import annotations

import base64
import http.client
import json
import logging
import re
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import msgspec
import numpy as np
import pytest

from edge.rfid.epc import ProductClasses
from edge.rfid.reads import TagRead
from edge.vision.tracking import TrackPoint
from firmware_sim.goods import Goods, sgtin96
from firmware_sim.store import default_store
from wire.codec import encode
from wire.messages import Device, Health
from wire.topics import Topic

if TYPE_CHECKING:
    from tests.e2e.conftest import Outside, PartMaker

EPC = sgtin96("80614141123458", serial=123_456_789_012)
CLASS_BYTES = 7
"""Leading bytes of an SGTIN-96 that are the same for every item of a class."""
SERIAL_BITS = 38
PASSWORD = b"password-of-the-camera"
PATIENCE_S = 90.0

PICTURES = {
    "JPEG": b"\xff\xd8\xff",
    "JPEG in base64": b"/9j/",
    "PNG": b"\x89PNG",
    "PNG in base64": b"iVBORw0K",
    "NumPy": b"\x93NUMPY",
    "pickle of NumPy": b"numpy.core",
}
SHAPES = {
    "a long string without a blank": rb"[A-Za-z0-9+/_=-]{65,}",
    "a hash": rb"(?<![0-9A-Fa-f.])[0-9A-Fa-f]{16,}",  # behind a point stand a float's decimals
    "a hash as Python shows it": rb"\btag=b['\"]",
    "a value of the agent's memory": (
        rb"\b(TagRead|ItemEvent|Track\w+|Sighting|Visit|Gist|Sale|Badge|Walk|Claim|Item)\("
    ),
    "a track's number": rb"(?i)\btrack(_?id)?[\\\"']*\s*[:=#]?\s*\d",
    "an array of an image": rb"array\(\[",
}


def spellings(secret: bytes) -> Iterator[tuple[str, bytes]]:
    """Give the ways in which bytes could be written out."""
    text = secret.decode("latin-1")
    yield "raw", secret
    yield "as text", text.encode()
    yield "as text in JSON", msgspec.json.encode(text)[1:-1]
    yield "escaped as in JSON", json.dumps(text)[1:-1].encode()
    yield "escaped as in Python", repr(secret)[2:-1].encode()
    for between in ("", " ", ":", "-"):
        spelled = secret.hex(between) if between else secret.hex()
        yield f"hex {between}", spelled.encode()
        yield f"HEX {between}", spelled.upper().encode()
    for between in (",", ", "):
        yield "numbers", between.join(map(str, secret)).encode()
    for ahead in range(3):  # whatever stands before it
        for code in (base64.b64encode, base64.urlsafe_b64encode):
            first, last = -(-8 * ahead // 6), 8 * (ahead + len(secret)) // 6
            yield f"base64, {ahead} bytes on", code(bytes(ahead) + secret)[first:last]


def serials(epcs: Iterable[bytes]) -> Iterator[bytes]:
    """Give how an item's serial alone could be written."""
    for epc in epcs:
        serial = int.from_bytes(epc, "big") & ((1 << SERIAL_BITS) - 1)
        yield from (f"{serial}".encode(), f"{serial:010x}".encode(), f"{serial:010X}".encode())


class Search:
    """Finds leaks in bytes.

    Args:
        secrets: what must not be there in any spelling.
        words: nor these, as they are.
        known: values with the shape of a hash that belong where they are.
    """

    def __init__(
        self,
        secrets: Iterable[bytes],
        *,
        words: Iterable[bytes] = (),
        known: Iterable[bytes] = (),
    ) -> None:
        self._marks = {mark: how for one in secrets for how, mark in spellings(one)}
        self._marks |= dict.fromkeys(words, "as it is")
        self._known = sorted(set(known), key=len, reverse=True)

    def marks_in(self, content: bytes) -> list[str]:
        """Name the secrets and pictures in it, by how they are written."""
        read = content + b"\n" + content.replace(b"\\\\", b"\\")
        found = [f"a secret ({how})" for mark, how in self._marks.items() if mark in read]
        return found + [name for name, mark in PICTURES.items() if mark in content]

    def leaks_in(self, content: bytes) -> list[str]:
        """Name all leaks in it, shapes too."""
        rest = content
        for value in self._known:
            rest = rest.replace(value, b" ")
        shapes = [name for name, shape in SHAPES.items() if re.search(shape, rest)]
        return self.marks_in(content) + shapes


def files_of(folder: Path) -> dict[str, bytes]:
    """Give what stands in a folder: every file, and what queues of SQLite hold row by row."""
    found = {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    for path in folder.rglob("outbox.db*"):
        if path.suffix == ".db":
            with closing(sqlite3.connect(path)) as db:
                rows = db.execute("SELECT seq, payload FROM releases").fetchall()
            found |= {f"{path} row {seq}": payload for seq, payload in rows}
    return found


def names_in(payloads: Iterable[bytes]) -> set[bytes]:
    """Give the random names that belong to messages: of the message, the queue, the file."""
    found = set()
    for payload in payloads:
        said = json.loads(payload)
        data = said["data"]
        for name in (said["id"].split("-")[0], data.get("epoch"), data.get("config_hash")):
            if name:
                found.add(name.encode())
    return found


# ---- the whole chain -----------------------------------------------------------------------------


@pytest.mark.e2e
@pytest.mark.slow
def test_nothing_of_anybody_leaves_the_agent(demo: tuple[Path, Outside, str]) -> None:
    work, outside, _ = demo
    store = default_store()
    stock = Goods(store, rng=np.random.default_rng((store.seed, 2)))
    epcs = [tag.epc for tag in stock.tags(holders={})]
    assert len(epcs) >= 40
    assert PASSWORD.decode() in (work / "store.toml").read_text()
    captured = files_of(work / "agent") | {"log": (work / "logs" / "agent.log").read_bytes()}
    captured |= {f"{name} #{n}": body for n, (name, body) in enumerate(outside.messages)}
    search = Search(
        [*{epc[:CLASS_BYTES] for epc in epcs}, PASSWORD],  # the class's part is in each of its tags
        words=serials(epcs),
        known=names_in(body for _, body in outside.messages),
    )
    assert len(captured) > 20
    found = {}
    for where, content in captured.items():
        if "/cameras/" in where:  # edges of the empty room, in base64
            assert set(json.loads(content)) == {"calibration", "size_px", "sharpness", "edges"}
            leaks = search.marks_in(content)
        else:
            leaks = search.leaks_in(content.replace(str(work).encode(), b""))
        if leaks:
            found[where] = leaks
    assert found == {}
    assert any(b"aisle-edge" in said for said in outside.listed)
    assert [said for said in outside.listed if search.marks_in(said)] == []


# ---- what tills and other sensors say ------------------------------------------------------------

SALES = """
[[plan.zones]]
id = "till"
kind = "till"
polygon = [[4, 1], [5, 1], [5, 5], [4, 5]]

[sales]
port = {port}
"""
TOLD = (b"receipt-4711", b"cashier-0815", b"40123451000")
LEAKY = """
import logging, sys
from pathlib import Path
from edge.app import Agent
from edge.clock_io import SceneClock
from edge.parts_io import clock_of, read_config

class Leaky(SceneClock):
    def utc_of(self, scene_ms):
        logging.getLogger("edge").warning("track 7 since %d", scene_ms)
        return super().utc_of(scene_ms)

logging.basicConfig()
config = read_config(Path(sys.argv[1]))
agent = Agent(config, clock=Leaky(require_sync=False))
import signal
signal.signal(signal.SIGTERM, lambda *_: agent.stop())
agent.run()
"""


@pytest.mark.e2e
@pytest.mark.slow
@pytest.mark.parametrize("leaks", [False, True], ids=["ours", "a leaking build"])
def test_what_a_till_says_is_not_kept(
    tmp_path: Path, part: PartMaker, fast_store: Path, free_port: int, *, leaks: bool
) -> None:
    text = re.sub(r"speed = .*", "speed = 1.0", fast_store.read_text())
    text = text.replace('closes = "23:00"', 'closes = "23:59"')
    text = text.replace("[[cameras]]", SALES.format(port=free_port) + "\n[[cameras]]")
    text = text.replace(f"[broker]\nport = {free_port}", "[broker]\nport = 1")
    fast_store.write_text(text)
    command = ("python", "-c", LEAKY, fast_store) if leaks else (
        "aisle-edge", "run", "--config", fast_store)  # fmt: skip
    agent = part("agent", *command)
    wait_for(free_port)
    row = {
        "time": "2026-03-07T00:00:05Z",
        "till": "till",
        "class": "4012345100013",
        "quantity": "1",
        "line": "receipt-4711",
    }
    answers = [
        post(free_port, json.dumps(one).encode())
        for one in (
            row,
            row | {"till": "cashier-0815"},
            row | {"class": "4012345100014"},
            row | {"quantity": "receipt-4711"},
            row | {"time": "receipt-4711"},
            row | {"cashier-0815": "1"},
            [row, "receipt-4711"],
        )
    ]
    answers.append(post(free_port, b'{"line": "receipt-4711", '))
    time.sleep(1.0)
    assert agent.end() == 0
    assert all(not any(mark in said for mark in TOLD) for _, said in answers)
    assert {status for status, _ in answers} <= {204, 400}
    captured = files_of(tmp_path)
    del captured[str(fast_store)]
    rows = [content for where, content in captured.items() if " row " in where]
    assert rows, "the agent released nothing"
    search = Search(TOLD, known=names_in(rows))
    found = {
        where: said
        for where, content in captured.items()
        if (said := search.leaks_in(content.replace(str(tmp_path).encode(), b"")))
    }
    assert (found != {}) == leaks, found


def wait_for(port: int) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1.0).close()
        except OSError:
            assert time.monotonic() < deadline, "the agent opens no port for sales"
            time.sleep(0.2)
        else:
            return


def post(port: int, body: bytes) -> tuple[int, bytes]:
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    with closing(client):
        client.request("POST", "/sales", body, {"Content-Type": "application/json"})
        answer = client.getresponse()
        return answer.status, answer.read()


def test_a_recording_s_ids_stay_in_memory(tmp_path: Path) -> None:
    visitor, item = b"visitor-4711", b"piece-0815"
    config = tmp_path / "store.toml"
    config.write_text(
        'store = "s"\nagent = "a"\ntimezone = "UTC"\nopens = "09:00"\ncloses = "20:00"\n'
        f'data_dir = "{tmp_path}/data"\n[plan]\nversion = "1"\n'
        "outline = [[0, 0], [9, 0], [9, 9], [0, 9]]\n"
        '[[plan.zones]]\nid = "aisle"\nkind = "aisle"\n'
        "polygon = [[1, 1], [8, 1], [8, 8], [1, 8]]\n"
    )
    lines = [f"{n / 5},{visitor.decode()},{1 + n / 50},{2 + n / 60}" for n in range(300)]
    lines.insert(50, f"9,{visitor.decode()},{visitor.decode()},1")
    walks, events = tmp_path / "walks.csv", tmp_path / "items.csv"
    walks.write_text("\n".join(["time,id,east,north", *lines, ""]))
    events.write_text(
        "time,kind,class,zone,item\n"
        f"25,picked,4012345100013,aisle,{item.decode()}\n26,{item.decode()},1,2,3\n"
    )
    done = subprocess.run(
        [
            *(Path(sys.executable).parent / "aisle-edge", "replay", walks, "-c", config),
            *("--items", events, "--begins-at", "2026-03-07T12:00:00Z"),
        ],
        capture_output=True,
        check=True,
    )
    captured = files_of(tmp_path / "data") | {"said": done.stdout + done.stderr}
    rows = [content for where, content in captured.items() if " row " in where]
    assert rows
    assert b"east is not a number" in captured["said"]
    search = Search([visitor, item], known=names_in(rows))
    assert {
        where: leaks
        for where, content in captured.items()
        if (leaks := search.leaks_in(content.replace(str(tmp_path).encode(), b"")))
    } == {}


# ---- the search itself ---------------------------------------------------------------------------


def a_picture() -> bytes:
    noise = np.random.default_rng(1).integers(0, 255, (12, 16, 3)).astype(np.uint8)
    return cv2.imencode(".jpg", noise)[1].tobytes()


LEAKS: dict[str, Callable[[], str]] = {
    "hex": EPC.hex,
    "HEX in pairs": lambda: EPC.hex(" ").upper(),
    "base64": lambda: base64.b64encode(EPC).decode(),
    "base64 in something": lambda: base64.b64encode(b"tag " + EPC + b"!").decode(),
    "text": lambda: EPC.decode("latin-1"),
    "bytes": lambda: repr(EPC),
    "numbers": lambda: str(list(EPC)),
    "another item of the class": lambda: f"tag {sgtin96('80614141123458', serial=5).hex()}",
    "serial": lambda: "item 123456789012",
    "keyed hash": lambda: ProductClasses(bytes(32)).tag(EPC).hex(),
    "a read": lambda: repr(TagRead(5, "shelf", 1, "80614141123458", b"12345678", -60)),
    "a place": lambda: repr(TrackPoint(3, 17, 1.0, 2.0)),
    "a track": lambda: 'lost {"track_id": 17}',
    "a picture": lambda: base64.b64encode(a_picture()).decode(),
    "a blob": lambda: base64.b85encode(bytes(300)).decode().replace("0", "A"),
}


@pytest.mark.parametrize("leak", LEAKS)
def test_a_leaking_part_is_found_in_messages_and_logs(
    leak: str, caplog: pytest.LogCaptureFixture
) -> None:
    search = Search([EPC, EPC[:CLASS_BYTES]], words=serials([EPC]), known=[b"0" * 16])
    logging.getLogger("edge.leaky").warning("reader shelf: %s", LEAKS[leak]())
    topic = Topic("s", "a", "health")

    def message(detail: str) -> bytes:
        health = Health(1, 1.0, True, (Device("shelf", "reader", "up", detail),))
        return encode(topic, health, event_id="0" * 16, time=datetime(2026, 3, 7, tzinfo=UTC))

    assert search.leaks_in(message("does not answer; check its power, cable and baud")) == []
    assert search.leaks_in(message(LEAKS[leak]())) != []
    assert search.leaks_in(caplog.text.encode()) != []


@pytest.mark.parametrize("how", [how for how, _ in spellings(EPC)])
def test_every_spelling_is_found_in_a_file(how: str) -> None:
    for written in (mark for name, mark in spellings(EPC) if name == how):
        found = Search([EPC]).marks_in(b"\x00page " + written + b" end")
        assert any(how in one for one in found)


def test_a_picture_s_bytes_are_found() -> None:
    assert Search([]).marks_in(b"\x00" + a_picture()) == ["JPEG"]
