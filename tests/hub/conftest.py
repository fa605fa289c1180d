"""Releases made up from the contract alone, and real brokers and databases to bring them to."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from iotcore import Broker as IotBroker

from hub.ingest.judging import Arrival
from hub.store_io.store import Store
from wire.codebook import Cell, Codebook, Scaling
from wire.codec import encode
from wire.messages import (
    DROPPED,
    OUTCOMES,
    Axis,
    Channel,
    Health,
    Message,
    Meta,
    Privacy,
    Release,
    Zone,
)
from wire.topics import Leaf, Topic

EPOCH = "00000000deadbeef"
DAY = datetime(2026, 3, 7, tzinfo=UTC)
NOW = datetime(2026, 3, 8, 1, tzinfo=UTC)
DAYPARTS = ("morning", "evening")

CODEBOOK = Codebook(
    version="test-1",
    scaling=(Scaling("duration_s", 5.0, 1.0, log=True),),
    cells=tuple(
        Cell((float(k),), {"showroomer": 0.1 + 0.1 * k, "wanderer": 0.5, "indecisive": 0.05})
        for k in range(8)
    ),
)


def box(west: float, south: float, east: float, north: float) -> tuple[tuple[float, float], ...]:
    return ((west, south), (east, south), (east, north), (west, north))


ZONES = (
    Zone("aisle-1", "aisle", "Aisle 1", box(0.4, 6, 2.5, 14)),
    Zone("aisle-2", "aisle", "Aisle 2", box(3.5, 6, 5.5, 14), has_reader=True),
    Zone("aisle-3", "aisle", "Aisle 3", box(6.5, 6, 8.5, 14)),
    Zone("aisle-4", "aisle", "Aisle 4", box(9.5, 6, 11.6, 14)),
    Zone("promo", "promo", "Promotion", box(4.4, 2.2, 7.6, 5.2)),
    Zone("till", "till", "Till", box(8, 1.4, 11.4, 2.6)),
    Zone("entrance", "entrance", "Entrance", box(0.6, 0, 3.4, 1.4)),
)
FIXTURES = (
    box(2.5, 6, 3.5, 14),
    box(5.5, 6, 6.5, 14),
    box(8.5, 6, 9.5, 14),
    box(5.4, 3.2, 6.6, 4.2),
)


@dataclass(frozen=True)
class Maker:
    """Makes an agent's messages."""

    store: str = "berlin-1"
    agent: str = "north"
    epoch: str = EPOCH
    standard: bool = True
    sd: float = 5.0

    def topic(self, leaf: Leaf) -> Topic:
        return Topic(self.store, self.agent, leaf)

    def meta(self, *, simulated: bool = False) -> Meta:
        return Meta(
            version="0.1.0",
            config_hash="abc",
            plan="plan-1",
            timezone="UTC",
            opens="09:00",
            closes="19:00",
            outline=box(0, 0, 12, 18),
            zones=ZONES,
            fixtures=FIXTURES,
            dayparts=DAYPARTS,
            codebook=CODEBOOK,
            privacy=Privacy(
                rho=0.1,
                epsilon=2.1,
                delta=1e-6,
                standard=self.standard,
                channels=(
                    Channel("cells", "hour", 1, 0.02, 5.0),
                    Channel("zones", "day", 8, 0.04, 10.0),
                ),
            ),
            simulated=simulated,
        )

    def cells(self, seq: int, *, counts: tuple[int, ...] | None = None, hour: int = 10) -> Release:
        start = DAY + timedelta(hours=hour)
        labels = (*(str(k) for k in range(len(CODEBOOK.cells))), DROPPED)
        return Release(
            epoch=self.epoch,
            seq=seq,
            channel="cells",
            window_start=start,
            window_end=start + timedelta(hours=1),
            plan="plan-1",
            codebook=CODEBOOK.version,
            axes=(Axis("cell", labels),),
            counts=counts or (seq,) * len(labels),
            sd=self.sd,
            rho=0.02,
            standard_privacy=self.standard,
            coverage=0.9,
        )

    def zones(
        self, seq: int, *, counts: tuple[int, ...], zones: tuple[str, ...] | None = None
    ) -> Release:
        return Release(
            epoch=self.epoch,
            seq=seq,
            channel="zones",
            window_start=DAY,
            window_end=DAY + timedelta(days=1),
            plan="plan-1",
            codebook="",
            axes=(
                Axis("zone", zones or tuple(zone.id for zone in ZONES)),
                Axis("daypart", DAYPARTS),
                Axis("outcome", OUTCOMES),
            ),
            counts=counts,
            sd=2 * self.sd,
            rho=0.04,
            standard_privacy=self.standard,
            coverage=0.9,
        )

    def a_day(self, *, visits: int = 800, seed: int = 1, first_seq: int = 1) -> list[Release]:
        """Give ten hours of cells and a day of zones, with noise."""
        rng = np.random.default_rng(seed)
        likely = np.array([0.02, 0.05, 0.1, 0.15, 0.25, 0.2, 0.13, 0.1])
        releases = []
        for index, hour in enumerate(range(9, 19)):
            counts = [*rng.multinomial(visits // 10, likely), 2]
            noised = np.rint(counts + rng.normal(0, self.sd, len(counts)))
            releases.append(
                self.cells(first_seq + index, counts=tuple(int(n) for n in noised), hour=hour)
            )
        table = np.zeros((len(ZONES), len(DAYPARTS), len(OUTCOMES)))
        for z, zone in enumerate(ZONES):
            stop = 0.2 + 0.1 * z
            shares = [1 - stop, 0.5 * stop, 0.5 * stop, 0, 0]
            if zone.has_reader:
                shares = [1 - stop, 0.4 * stop, 0.2 * stop, 0.15 * stop, 0.25 * stop]
            for d in range(len(DAYPARTS)):
                table[z, d] = rng.multinomial(visits // 3, shares)
        noised = np.rint(table + rng.normal(0, 2 * self.sd, table.shape))
        counts = tuple(int(n) for n in noised.ravel())
        return [*releases, self.zones(first_seq + 10, counts=counts)]

    def health(self, *, coverage: float = 0.9) -> Health:
        return Health(up_s=60, coverage=coverage, clock_synchronised=True, devices=())

    def payload(self, message: Message, *, at: datetime = DAY) -> bytes:
        leaf: Leaf = "release"
        event_id = "1"
        if isinstance(message, Release):
            event_id = f"{message.epoch}-{message.seq}"
        else:
            leaf = type(message).__name__.lower()  # type: ignore[assignment]
        return encode(self.topic(leaf), message, event_id=event_id, time=at)


@pytest.fixture
def meta() -> Meta:
    return Maker().meta()


@pytest.fixture
def cells() -> Callable[..., Release]:
    """Give a function (seq, counts=, hour=) that makes a cells release."""
    return Maker().cells


@pytest.fixture
def zones() -> Callable[..., Release]:
    """Give a function (seq, counts=, zones=) that makes a zones release."""
    return Maker().zones


@pytest.fixture
def a_day() -> Callable[..., list[Release]]:
    """Give a function (visits=, seed=, first_seq=) that makes a day's releases."""
    return Maker().a_day


@pytest.fixture
def payload() -> Callable[..., bytes]:
    """Give a function (message, store=, agent=) that makes the bytes on the wire."""

    def make(message: Message, *, store: str = "berlin-1", agent: str = "north") -> bytes:
        return Maker(store=store, agent=agent).payload(message)

    return make


@pytest.fixture
def arrive(payload: Callable[..., bytes]) -> Callable[..., Arrival]:
    """Give a function (message, store=, agent=, at=, retained=) that makes an arrival."""

    def make(
        message: Message,
        *,
        store: str = "berlin-1",
        agent: str = "north",
        at: datetime = NOW,
        retained: bool = False,
    ) -> Arrival:
        leaf: Leaf = type(message).__name__.lower()  # type: ignore[assignment]
        body = payload(message, store=store, agent=agent)
        return Arrival(str(Topic(store, agent, leaf)), body, at, retained)

    return make


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "hub.db"


@pytest.fixture
def store(database: Path) -> Iterator[Store]:
    with Store.create(database, busy_ms=200) as opened:
        yield opened


@pytest.fixture
def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


@pytest.fixture
def start_broker(free_port: int) -> Iterator[Callable[[], IotBroker]]:
    """Give a function that starts a broker on the same port each time."""
    started: list[IotBroker] = []

    def start() -> IotBroker:
        broker = IotBroker(port=free_port, listen="127.0.0.1")
        broker.start()
        started.append(broker)
        return broker

    yield start
    for broker in started:
        broker.stop()


@pytest.fixture
def broken_rules(
    browser: Any,  # noqa: ANN401 - a fixture's class can't be imported
) -> Callable[..., dict[str, object]]:
    """Give a function (part) that holds the open page, however shown, against WCAG 2.2 A and AA.

    It gives what is broken, by way of showing; nothing if all is well.
    """
    axe = (Path(__file__).parent / "reports" / "axe.min.js").read_text(encoding="utf-8")
    small = {"width": 360, "height": 740, "deviceScaleFactor": 2, "mobile": True}
    large = {"width": 1200, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    ways = {
        "screen": (large, {}),
        "dark": (large, {"scheme": "dark"}),
        "phone": (small, {}),
        "print": (large, {"kind": "print"}),
    }

    def check(part: str = "html") -> dict[str, object]:
        browser.run(f"{axe}; return 1")
        found = {}
        for name, (shape, media) in ways.items():
            browser.shape(**shape)
            browser.media(**media)
            # colours of phone and print are the screen's, and take the longest to check
            found[name] = browser.later(AXE, part, name in {"screen", "dark"})
        return {name: broken for name, broken in found.items() if broken}

    return check


AXE = """
// a picture is told as one, with a name of its own: what is drawn in it is not read
const page = {include: [arguments[0]], exclude: [".picture svg"]};
const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
const rules = {"color-contrast": {enabled: arguments[1]}};
const tell = ({violations}) => arguments[2](
  violations.map(rule => [rule.id, rule.nodes.map(node => node.html.slice(0, 160))])
);
axe.run(page, {runOnly: tags, rules, resultTypes: ["violations"]}).then(tell);"""
