"""Real releases, a real broker, and a subscriber that acknowledges like the hub."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import iotcore
import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from edge.release.privacy import Budget
from edge.release.released import Released, let_out
from edge.release.tallies import Tally
from edge.uplink.outbox_io import Outbox
from wire.codec import decode, encode
from wire.errors import WireError
from wire.messages import Ack, Axis, Release
from wire.topics import Topic, every, parse_topic

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)


@pytest.fixture
def noon() -> datetime:
    return NOON


@pytest.fixture
def make_released() -> Callable[[int], Released]:
    def make(hour: int) -> Released:
        tally = Tally(Budget().channel("cells"), axes=(Axis("cell", ("0", "1", "dropped")),))
        tally.add([(0,)])
        start = NOON + timedelta(hours=hour)
        return let_out(
            tally,
            window_start=start,
            window_end=start + timedelta(hours=1),
            plan="p1",
            codebook="c1",
            coverage=1.0,
        )

    return make


@pytest.fixture
def fill(make_released: Callable[[int], Released]) -> Callable[[Outbox, int], None]:
    def put(outbox: Outbox, count: int) -> None:
        for hour in range(count):
            outbox.put(make_released(hour), at=NOON)

    return put


@pytest.fixture
def open_outbox(tmp_path: Path) -> Iterator[Callable[..., Outbox]]:
    opened: list[Outbox] = []

    def open_one(*, name: str = "outbox.db", **options: int) -> Outbox:
        opened.append(Outbox(tmp_path / name, store="berlin-1", agent="north", **options))
        return opened[-1]

    yield open_one
    for outbox in opened:
        outbox.close()


class Broker:
    """A broker process that can be killed and started again on its port."""

    def __init__(self) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        self._broker: iotcore.Broker | None = None

    def start(self) -> None:
        deadline = time.monotonic() + 10
        while True:
            self._broker = iotcore.Broker(port=self.port, listen="127.0.0.1")
            try:
                self._broker.start()
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)
            else:
                return

    def kill(self) -> None:
        assert self._broker is not None
        process = self._broker._process
        process.kill()
        process.wait()
        process.stdin.close()

    def stop(self) -> None:
        if self._broker is not None:
            self._broker.stop()


@pytest.fixture
def broker() -> Iterator[Broker]:
    broker = Broker()
    broker.start()
    yield broker
    broker.stop()


class Hub:
    """Stores releases by key and acknowledges the highest contiguous seq, as the hub does."""

    def __init__(self, port: int) -> None:
        self.stored: dict[tuple[str, int], bytes] = {}
        self.dropped: set[tuple[str, int]] = set()
        self.repeats = 0
        self.clashes = 0
        self.others: list[tuple[str, bytes]] = []
        self.quiet = False
        self.lock = threading.Lock()
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, "hub", clean_session=False)
        self._client.reconnect_delay_set(1, 1)
        self._client.on_connect = self._connected
        self._client.on_message = self._received
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def say(self, topic: Topic, payload: bytes) -> None:
        self._client.publish(str(topic), payload, qos=1, retain=True)

    def _connected(self, client: mqtt.Client, *_: object) -> None:
        for leaf in ("release", "status", "meta", "health"):
            client.subscribe(every(leaf), qos=1)

    def _received(self, _client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        topic = parse_topic(message.topic)
        with self.lock:
            if topic.leaf != "release":
                self.others.append((topic.leaf, message.payload))
                return
            try:
                release = decode(topic, message.payload)
            except WireError:
                epoch, seq = message.payload.split(b'"id":"')[1].split(b'"')[0].split(b"-")
                key = (epoch.decode(), int(seq))
                self.dropped.add(key)
            else:
                assert isinstance(release, Release)
                key = (release.epoch, release.seq)
                self.repeats += key in self.stored
                self.clashes += self.stored.get(key, message.payload) != message.payload
                self.stored[key] = message.payload
            if not self.quiet:
                self.acknowledge(topic, key[0])

    def acknowledge(self, topic: Topic, epoch: str) -> None:
        seq = 0
        while (epoch, seq + 1) in self.stored or (epoch, seq + 1) in self.dropped:
            seq += 1
        target = Topic(topic.store, topic.agent, "ack")
        ack = encode(target, Ack(epoch, seq), event_id=f"{epoch}-{seq}", time=NOON)
        self.say(target, ack)


@pytest.fixture
def hub(broker: Broker) -> Iterator[Hub]:
    hub = Hub(broker.port)
    yield hub
    hub.close()


@pytest.fixture
def until() -> Callable[..., None]:
    def wait(met: Callable[[], bool], *, patience_s: float = 30.0) -> None:
        deadline = time.monotonic() + patience_s
        while not met():
            assert time.monotonic() < deadline, "it never came"
            time.sleep(0.02)

    return wait
