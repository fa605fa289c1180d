from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

import pytest

from edge.config import Broker as Address
from edge.errors import DeviceError
from edge.uplink.mqtt_io import Uplink, UplinkParams, probe
from edge.uplink.outbox_io import Outbox
from wire.codebook import default_codebook
from wire.codec import decode, encode
from wire.messages import Config, Health, Meta, Privacy, Status
from wire.topics import Topic

Open = Callable[..., Outbox]
Fill = Callable[[Outbox, int], None]
QUICK = UplinkParams(resend_s=1.0, health_s=0.5, reconnect_s=1, reconnect_max_s=1)


class Broker(Protocol):
    """The conftest's broker process."""

    port: int

    def start(self) -> None: ...

    def kill(self) -> None: ...


class Hub(Protocol):
    """The conftest's subscriber."""

    stored: dict[tuple[str, int], bytes]
    dropped: set[tuple[str, int]]
    repeats: int
    clashes: int
    others: list[tuple[str, bytes]]
    quiet: bool
    lock: threading.Lock

    def say(self, topic: Topic, payload: bytes) -> None: ...


def meta() -> Meta:
    return Meta(
        version="0.1.0",
        config_hash="00",
        plan="p1",
        timezone="Europe/Berlin",
        opens="09:00",
        closes="20:00",
        outline=((0.0, 0.0), (1.0, 0.0), (1.0, 1.0)),
        zones=(),
        fixtures=(),
        dayparts=("day",),
        codebook=default_codebook(),
        privacy=Privacy(rho=0.1, epsilon=2.1, delta=1e-6, standard=True, channels=()),
    )


def health() -> Health:
    return Health(up_s=1, coverage=1.0, clock_synchronised=True, devices=())


@contextmanager
def uplink_to(
    port: int,
    outbox: Outbox,
    *,
    params: UplinkParams = QUICK,
    host: str = "127.0.0.1",
    meta: Callable[[], Meta] = meta,
    on_crash: Callable[[BaseException], None] | None = None,
) -> Iterator[tuple[Uplink, list[Config]]]:
    configs: list[Config] = []
    uplink = Uplink(
        outbox,
        store="berlin-1",
        agent="north",
        broker=Address(host=host, port=port),
        meta=meta,
        health=health,
        on_config=configs.append,
        utc_now=lambda: datetime.now(UTC),
        params=params,
        on_crash=on_crash,
    )
    uplink.start()
    try:
        yield uplink, configs
    finally:
        uplink.close()


def states(hub: Hub) -> list[str]:
    topic = Topic("berlin-1", "north", "status")
    with hub.lock:
        said = [decode(topic, payload) for leaf, payload in hub.others if leaf == "status"]
    return [status.state for status in said if isinstance(status, Status)]


def test_says_what_it_is_and_how_it_is(
    broker: Broker, hub: Hub, open_outbox: Open, until: Callable[..., None]
) -> None:
    with uplink_to(broker.port, open_outbox()) as (uplink, _):
        until(lambda: sum(leaf == "health" for leaf, _ in hub.others) >= 2)
        assert uplink.state == "up"
        metas = [payload for leaf, payload in hub.others if leaf == "meta"]
        assert decode(Topic("berlin-1", "north", "meta"), metas[0]) == meta()
        assert states(hub) == ["online"]
    until(lambda: states(hub) == ["online", "offline"])


def test_releases_arrive_once_and_are_acknowledged(
    broker: Broker,
    hub: Hub,
    open_outbox: Open,
    fill: Fill,
    until: Callable[..., None],
) -> None:
    outbox = open_outbox()
    fill(outbox, 60)
    with uplink_to(broker.port, outbox, params=UplinkParams()) as (uplink, _):
        until(lambda: outbox.level().waiting == 0)
        fill(outbox, 1)
        uplink.wake()
        until(lambda: outbox.level().waiting == 0)
        assert uplink.counters()["releases_sent"] == 61
    assert len(hub.stored) == 61
    assert hub.repeats == 0


def test_a_killed_broker_loses_nothing(
    broker: Broker,
    hub: Hub,
    open_outbox: Open,
    fill: Fill,
    until: Callable[..., None],
) -> None:
    outbox = open_outbox()
    fill(outbox, 50)
    with uplink_to(broker.port, outbox) as (uplink, _):
        until(lambda: len(hub.stored) > 0)
        broker.kill()
        fill(outbox, 50)
        until(lambda: uplink.state == "down")
        assert "127.0.0.1" in uplink.detail
        broker.start()
        until(lambda: outbox.level().waiting == 0)
    assert sorted(seq for _, seq in hub.stored) == list(range(1, 101))
    assert hub.clashes == 0


def test_sent_again_until_the_hub_says_so(
    broker: Broker,
    hub: Hub,
    open_outbox: Open,
    fill: Fill,
    until: Callable[..., None],
) -> None:
    outbox = open_outbox()
    hub.quiet = True
    fill(outbox, 1)
    with uplink_to(broker.port, outbox) as (uplink, _):
        until(lambda: hub.repeats >= 1)
        hub.quiet = False
        until(lambda: outbox.level().waiting == 0)
        assert uplink.counters()["resends"] >= 1


def test_a_dropped_release_does_not_hold_up_the_rest(
    broker: Broker,
    hub: Hub,
    open_outbox: Open,
    fill: Fill,
    until: Callable[..., None],
) -> None:
    outbox = open_outbox(max_rows=3)
    fill(outbox, 6)
    with uplink_to(broker.port, outbox):
        until(lambda: outbox.level().waiting == 0)
    assert sorted(seq for _, seq in hub.dropped) == [1, 2, 3]
    assert sorted(seq for _, seq in hub.stored) == [4, 5, 6]


def test_config_reaches_the_agent_and_nonsense_does_not(
    broker: Broker, hub: Hub, open_outbox: Open, noon: datetime, until: Callable[..., None]
) -> None:
    topic = Topic("berlin-1", "north", "config")
    with uplink_to(broker.port, open_outbox()) as (uplink, configs):
        until(lambda: uplink.state == "up")
        hub.say(topic, b"{")
        until(lambda: uplink.counters().get("messages_rejected") == 1)
        hub.say(topic, encode(topic, Config(max_rho=0.05), event_id="1", time=noon))
        until(lambda: configs == [Config(max_rho=0.05)])


def test_a_vanished_agent_is_offline_by_its_last_will(
    broker: Broker, hub: Hub, open_outbox: Open, until: Callable[..., None]
) -> None:
    with uplink_to(broker.port, open_outbox()) as (uplink, _):
        until(lambda: states(hub) == ["online"])
        sock = uplink._client.socket()
        assert isinstance(sock, socket.socket)
        sock.shutdown(socket.SHUT_RDWR)
        until(lambda: states(hub) == ["online", "offline", "online"])


def test_an_absent_broker_is_a_state_and_not_a_wait(open_outbox: Open) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with uplink_to(port, open_outbox()) as (uplink, _):
        deadline = time.monotonic() + 10
        while uplink.state != "down" and time.monotonic() < deadline:
            time.sleep(0.02)
        assert uplink.state == "down"
        assert f"127.0.0.1:{port}" in uplink.detail


NO_ADDRESSES = ["hub..example.org", "", "x" * 64 + ".example.org"]


@pytest.mark.parametrize("host", NO_ADDRESSES)
def test_what_cannot_be_an_address_is_said_and_tried_again(
    host: str, open_outbox: Open, until: Callable[..., None]
) -> None:
    crashes: list[BaseException] = []
    with uplink_to(1883, open_outbox(), host=host, on_crash=crashes.append) as (uplink, _):
        until(lambda: uplink.counters().get("disconnects", 0) >= 2)
        assert uplink.state == "down"
        assert f"broker {host}:1883: no address" in uplink.detail
    assert crashes == []
    with pytest.raises(DeviceError, match=r"1883: no address .*check that it runs, the address"):
        probe(Address(host=host), store="berlin-1", agent="north")


def test_what_nobody_foresaw_is_handed_over(
    broker: Broker, open_outbox: Open, until: Callable[..., None]
) -> None:
    bug = KeyError("ours")

    def broken() -> Meta:
        raise bug

    crashes: list[BaseException] = []
    with uplink_to(broker.port, open_outbox(), meta=broken, on_crash=crashes.append) as (uplink, _):
        until(lambda: crashes == [bug])
        assert uplink.state == "down"


def test_what_is_released_at_the_end_arrives_before_the_next_start(
    broker: Broker, hub: Hub, open_outbox: Open, fill: Fill, until: Callable[..., None]
) -> None:
    outbox = open_outbox()
    with uplink_to(broker.port, outbox) as (uplink, _):
        until(lambda: uplink.state == "up")
        fill(outbox, 50)
        uplink.wake()
    until(lambda: len(hub.stored) == 50)


def test_probe_names_the_broker_and_the_mend(broker: Broker, tmp_path: Path) -> None:
    probe(Address(port=broker.port), store="berlin-1", agent="north")
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        port = deaf.getsockname()[1]
        with pytest.raises(DeviceError, match=rf"127\.0\.0\.1:{port}.*check that it runs"):
            probe(Address(port=port), store="berlin-1", agent="north")
        deaf.listen()
        with pytest.raises(DeviceError, match="no answer"):
            probe(Address(port=port), store="berlin-1", agent="north", timeout_s=0.3)
    with pytest.raises(DeviceError, match="password_file"):
        probe(
            Address(port=broker.port, username="u", password_file=tmp_path / "none"),
            store="berlin-1",
            agent="north",
        )
    with pytest.raises(DeviceError, match="tls_ca"):
        probe(
            Address(port=broker.port, tls_ca=tmp_path / "none.pem"),
            store="berlin-1",
            agent="north",
        )


def test_probe_says_when_it_is_refused() -> None:
    refusal = bytes((0x20, 2, 0, 5))

    def refuse(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(1000)
            connection.sendall(refusal)
            connection.recv(1000)

    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        thread = threading.Thread(target=refuse, args=(listener,))
        thread.start()
        port = listener.getsockname()[1]
        with pytest.raises(DeviceError, match=r"refuses this agent.*password_file"):
            probe(Address(port=port), store="berlin-1", agent="north")
        thread.join()


def test_a_failing_disk_is_told_and_survived(
    broker: Broker, hub: Hub, open_outbox: Open, fill: Fill, until: Callable[..., None]
) -> None:
    outbox = open_outbox()
    fill(outbox, 1)
    with uplink_to(broker.port, outbox) as (uplink, _):
        until(lambda: outbox.level().waiting == 0)
        outbox._db.execute("ALTER TABLE releases RENAME TO gone")
        until(lambda: "outbox.db" in uplink.detail)
        assert uplink.counters()["failures"] >= 1
        outbox._db.execute("ALTER TABLE gone RENAME TO releases")
        fill(outbox, 1)
        until(lambda: len(hub.stored) == 2)
