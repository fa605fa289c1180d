from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest
from iotcore import Broker as IotBroker

from hub.config import Batching, Broker
from hub.errors import ConfigError
from hub.ingest.mqtt_io import BrokerLink, Incoming, probe
from wire.messages import Ack
from wire.topics import Topic

BATCHING = Batching(retry_min_s=0.05, retry_max_s=0.1)
PATIENCE_S = 20.0
NOW = datetime(2026, 3, 8, 1, tzinfo=UTC)


@pytest.fixture
def make_link(free_port: int) -> Iterator[Callable[[], BrokerLink]]:
    links: list[BrokerLink] = []

    def make() -> BrokerLink:
        link = BrokerLink(broker=Broker(port=free_port), batching=BATCHING, password=None)
        links.append(link)
        return link

    yield make
    for link in links:
        link.close()


def poll(link: BrokerLink, until: Callable[[list[Incoming]], bool]) -> list[Incoming]:
    deadline = time.monotonic() + PATIENCE_S
    got: list[Incoming] = []
    while not until(got):
        assert time.monotonic() < deadline, f"{link.state} {link.detail}"
        got += link.poll(0.05)
    return got


def publish(port: int, *bodies: bytes) -> None:
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id="agent")
    client.connect("127.0.0.1", port)
    client.loop_start()
    for body in bodies:
        client.publish("aisle/v1/berlin-1/north/release", body, qos=1).wait_for_publish(10)
    client.disconnect()
    client.loop_stop()


def test_what_is_not_settled_comes_again_and_what_is_does_not(
    start_broker: Callable[[], IotBroker], make_link: Callable[[], BrokerLink], free_port: int
) -> None:
    start_broker()
    first = make_link()
    poll(first, lambda _: first.state == "connected")
    publish(free_port, b"1", b"2", b"3")
    got = poll(first, lambda got: len(got) == 3)
    first.settle(got[:2])
    first.close()
    second = make_link()  # the same client id: the broker kept the session
    again = poll(second, bool)
    assert [item.arrival.payload for item in again] == [b"3"]


def test_an_acknowledgement_is_never_given_for_another_connections_message(
    start_broker: Callable[[], IotBroker], make_link: Callable[[], BrokerLink], free_port: int
) -> None:
    start_broker()
    first = make_link()
    poll(first, lambda _: first.state == "connected")
    publish(free_port, b"1")
    (old,) = poll(first, lambda got: len(got) == 1)
    first.close()
    second = make_link()
    (again,) = poll(second, lambda got: len(got) == 1)
    assert again.arrival.payload == old.arrival.payload
    stale = Incoming(old.arrival, old.mid, old.qos, connection=99)
    second.settle([stale])
    second.close()
    third = make_link()
    (still,) = poll(third, lambda got: len(got) == 1)
    assert still.arrival.payload == b"1"


def test_acks_are_retained_for_agents_that_are_away(
    start_broker: Callable[[], IotBroker], make_link: Callable[[], BrokerLink], free_port: int
) -> None:
    start_broker()
    link = make_link()
    poll(link, lambda _: link.state == "connected")
    assert link.fresh
    link.publish_acks([(Topic("berlin-1", "north", "ack"), Ack("0" * 16, 7))], now=NOW)
    told = threading.Event()
    late = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id="late")
    late.on_message = lambda _c, _u, message: told.set() if message.retain else None
    link.poll(0.1)
    late.connect("127.0.0.1", free_port)
    late.loop_start()
    late.subscribe("aisle/v1/berlin-1/north/ack", qos=1)
    poll(link, lambda _: told.is_set())
    late.disconnect()
    late.loop_stop()


def test_a_port_that_hangs_up_is_tried_again_with_the_reason_shown(
    make_link: Callable[[], BrokerLink], free_port: int
) -> None:
    knocks = []
    with socket.create_server(("127.0.0.1", free_port)) as server:

        def hang_up() -> None:
            for _ in range(3):
                peer, _address = server.accept()
                knocks.append(1)
                peer.close()

        thread = threading.Thread(target=hang_up)
        thread.start()
        link = make_link()
        poll(link, lambda _: len(knocks) == 3 and link.state == "away")
        thread.join()
    assert str(free_port) in link.detail


def test_certificates_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    missing = str(tmp_path / "ca.pem")
    with pytest.raises(ConfigError, match=r"ca\.pem"):
        BrokerLink(broker=Broker(tls=True, ca_file=missing), batching=BATCHING, password=None)


def test_a_probe_says_whether_and_why_not_the_hub_is_let_in(
    free_port: int, start_broker: Callable[[], IotBroker]
) -> None:
    broker = Broker(port=free_port)
    assert "is the broker up" in probe(broker, password=None)
    with socket.create_server(("127.0.0.1", free_port)):
        assert "MQTT port" in probe(broker, password=None, within_s=0.5)
    start_broker()
    deadline = time.monotonic() + 20
    while probe(broker, password=None):
        assert time.monotonic() < deadline
