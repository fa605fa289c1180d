"""The ingest loop against a real broker and a real database."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest
from iotcore import Broker as IotBroker

from hub.app import IngestLoop
from hub.config import Batching, Broker
from hub.errors import HubError
from hub.ingest.judging import Decision, Stored
from hub.ingest.mqtt_io import BrokerLink
from hub.store_io.configs import ConfigTables, Scope
from hub.store_io.store import Mark, Store
from hub.store_io.upkeep import backup, restore
from wire.codec import decode
from wire.messages import Ack, Config, Message, Meta, Release, Status
from wire.topics import FROM_HUB, Topic, parse_topic

BATCHING = Batching(wait_ms=2, retry_min_s=0.05, retry_max_s=0.2)
PATIENCE_S = 20.0
NOW = datetime(2026, 3, 8, 1, tzinfo=UTC)


class Agent:
    """A stand-in for an edge agent: publishes bytes, and reads its ack."""

    def __init__(self, port: int, *, payload: Callable[..., bytes], name: str = "north") -> None:
        self.acks: list[Ack] = []
        self.configs: list[Config] = []
        self._payload = payload
        self._name = name
        self._client = mqtt.Client(
            mqtt.CallbackAPIVersion.VERSION2, client_id=f"berlin-1-{name}", clean_session=False
        )
        self._client.on_message = self._on_message
        self._client.on_connect = self._on_connect
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()

    def send(self, *messages: Message) -> None:
        for message in messages:
            leaf = type(message).__name__.lower()
            self.send_bytes(leaf, self._payload(message, agent=self._name))

    def send_bytes(self, leaf: str, body: bytes) -> None:
        retain = leaf in {"status", "meta"}
        self._client.publish(f"aisle/v1/berlin-1/{self._name}/{leaf}", body, qos=1, retain=retain)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _on_connect(self, client: mqtt.Client, *_: object) -> None:
        for leaf in FROM_HUB:
            client.subscribe(str(Topic("berlin-1", self._name, leaf)), qos=1)

    def _on_message(self, _c: mqtt.Client, _u: object, message: mqtt.MQTTMessage) -> None:
        said = decode(parse_topic(message.topic), message.payload)
        if isinstance(said, Ack):
            self.acks.append(said)
        else:
            assert isinstance(said, Config)
            self.configs.append(said)


@pytest.fixture
def loop(
    store: Store, start_broker: Callable[[], IotBroker], make_loop: Callable[[Store], IngestLoop]
) -> IngestLoop:
    """A connected loop: a broker drops what is published before anyone subscribes."""
    start_broker()
    made = make_loop(store)
    turn(made, lambda: connected(store))
    return made


@pytest.fixture
def make_loop(free_port: int) -> Iterator[Callable[[Store], IngestLoop]]:
    loops: list[IngestLoop] = []

    def make(store: Store) -> IngestLoop:
        link = BrokerLink(broker=Broker(port=free_port), batching=BATCHING, password=None)
        loops.append(IngestLoop(link=link, store=store, batching=BATCHING))
        return loops[-1]

    yield make
    for loop in loops:
        loop.finish()


@pytest.fixture
def make_agent(free_port: int, payload: Callable[..., bytes]) -> Iterator[Callable[[], Agent]]:
    agents: list[Agent] = []

    def make() -> Agent:
        agents.append(Agent(free_port, payload=payload))
        return agents[-1]

    yield make
    for agent in agents:
        agent.close()


def turn(loop: IngestLoop, until: Callable[[], bool]) -> None:
    """Run the loop until something is so; give up loudly."""
    deadline = time.monotonic() + PATIENCE_S
    while not until():
        assert time.monotonic() < deadline, "it did not come about"
        loop.step()


def settle(loop: IngestLoop, *, rounds: int = 5) -> None:
    for _ in range(rounds):
        loop.step()


def test_a_day_arrives_whole_and_the_agent_is_told(
    store: Store,
    loop: IngestLoop,
    make_agent: Callable[[], Agent],
    a_day: Callable[..., list[Release]],
    meta: Meta,
) -> None:
    agent = make_agent()
    agent.send(Status("online"), meta, *a_day())
    turn(loop, lambda: bool(agent.acks) and agent.acks[-1].seq == 11)
    assert loop.tally.stored == 11
    assert store.metas("berlin-1") == {"north": [meta]}
    link = store.link()
    assert link is not None
    assert link.state == "connected"
    signs = []
    for _ in range(2):
        run = store.link("run")
        assert run is not None
        signs.append(run.state)
        loop.finish()
    assert signs == ["running", "stopped"]


def test_a_storm_of_repeats_in_any_order_stores_each_once(
    loop: IngestLoop,
    make_agent: Callable[[], Agent],
    cells: Callable[..., Release],
) -> None:
    agent = make_agent()
    storm = [cells(seq) for seq in range(1, 101)] * 4
    random.Random(2).shuffle(storm)
    agent.send(*storm)
    turn(loop, lambda: loop.tally.stored + loop.tally.repeat == 400)
    assert loop.tally.stored == 100
    turn(loop, lambda: bool(agent.acks) and agent.acks[-1].seq == 100)
    assert [ack.seq for ack in agent.acks] == sorted(ack.seq for ack in agent.acks)


def test_rejects_do_not_stop_the_stream(
    store: Store,
    loop: IngestLoop,
    make_agent: Callable[[], Agent],
    cells: Callable[..., Release],
    payload: Callable[..., bytes],
) -> None:
    agent = make_agent()
    agent.send(cells(1))
    agent.send_bytes("release", payload(cells(2), store="hamburg-1"))
    agent.send_bytes("release", b"not json")
    agent.send_bytes("release", b'{"id":"00000000deadbeef-3", "pad": "' + b"x" * 17_000 + b'"}')
    agent.send(cells(4))
    turn(loop, lambda: bool(agent.acks) and agent.acks[-1].seq == 4)
    turn(loop, lambda: loop.tally.rejected == 3)
    reasons = " / ".join(row.reason for row in store.rejects())
    for word in ("hamburg-1", "envelope", "allowed"):
        assert word in reasons


class Stumbling(Store):
    """A store with a bug: it cannot write the third release of an agent."""

    def commit(self, decisions: Sequence[Decision]) -> list[Mark]:
        if any(isinstance(one, Stored) and one.key.seq == 3 for one in decisions):
            raise OverflowError("date value out of range")
        return super().commit(decisions)


def test_a_message_our_bug_fails_at_is_rejected_alone_and_the_hub_goes_on(  # noqa: PLR0917 - fixtures
    database: Path,
    start_broker: Callable[[], IotBroker],
    make_loop: Callable[[Store], IngestLoop],
    make_agent: Callable[[], Agent],
    cells: Callable[..., Release],
    payload: Callable[..., bytes],
) -> None:
    start_broker()
    with Stumbling.create(database, busy_ms=200) as store:
        loop = make_loop(store)
        turn(loop, lambda: connected(store))
        agent = make_agent()
        agent.send(*(cells(seq) for seq in range(1, 6)))
        turn(loop, lambda: bool(agent.acks) and agent.acks[-1].seq == 5)
        (row,) = store.rejects()
        assert row.payload == payload(cells(3))
        assert row.reason == "a bug here: OverflowError('date value out of range')"
        assert (loop.tally.stored, loop.tally.rejected) == (4, 1)
        loop.finish()


def test_only_what_is_stored_is_acknowledged_while_the_disk_is_full_and_nothing_is_lost(
    tmp_path: Path,
    start_broker: Callable[[], IotBroker],
    make_loop: Callable[[Store], IngestLoop],
    make_agent: Callable[[], Agent],
    cells: Callable[..., Release],
) -> None:
    Store.create(tmp_path / "small.db", busy_ms=100).close()
    connection = sqlite3.connect(tmp_path / "small.db", isolation_level=None)
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count = {pages}")
    start_broker()
    with Store(connection) as store:
        loop, agent = make_loop(store), make_agent()
        settle(loop)
        agent.send(*(cells(seq) for seq in range(1, 91)))
        settle(loop)
        fitted = loop.tally.stored  # what the last pages had room for
        assert fitted < 90
        assert all(ack.seq <= fitted for ack in agent.acks)
        connection.execute("PRAGMA max_page_count = 100000")
        turn(loop, lambda: bool(agent.acks) and agent.acks[-1].seq == 90)
        assert loop.tally.stored == 90
        loop.finish()


def test_a_killed_broker_comes_back_and_the_agent_learns_how_far_the_hub_is(
    store: Store,
    start_broker: Callable[[], IotBroker],
    make_loop: Callable[[Store], IngestLoop],
    make_agent: Callable[[], Agent],
    cells: Callable[..., Release],
) -> None:
    broker = start_broker()
    loop, agent = make_loop(store), make_agent()
    turn(loop, lambda: connected(store))
    agent.send(*(cells(seq) for seq in range(1, 31)))
    turn(loop, lambda: loop.tally.stored == 30)
    kill(broker)
    turn(loop, lambda: away(store))
    start_broker()  # everything it knew is gone: sessions, retained messages
    turn(loop, lambda: connected(store))
    late = make_agent()
    turn(loop, lambda: bool(late.acks) and late.acks[-1].seq == 30)
    late.send(*(cells(seq) for seq in range(20, 61)))
    turn(loop, lambda: bool(late.acks) and late.acks[-1].seq == 60)
    assert loop.tally.stored == 60
    assert store.agents(now=NOW)[0].missing == 0


def test_what_a_command_asks_of_an_agent_is_told_at_once_and_on_every_connection(  # noqa: PLR0917 - fixtures
    store: Store,
    database: Path,
    start_broker: Callable[[], IotBroker],
    make_loop: Callable[[Store], IngestLoop],
    make_agent: Callable[[], Agent],
    meta: Meta,
) -> None:
    broker = start_broker()
    loop, agent = make_loop(store), make_agent()
    turn(loop, lambda: connected(store))
    agent.send(meta)
    turn(loop, lambda: store.places() == [("berlin-1", "north")])
    assert agent.configs == []
    with Store.edit(database, busy_ms=2000) as command:  # as another process does
        ConfigTables(command).publish(meta.codebook, scope=Scope(), at=NOW)
    wanted = Config(meta.codebook)
    turn(loop, lambda: agent.configs == [wanted])
    agent.close()
    later = make_agent()  # the broker resumes its session, and does not tell it
    later.send(Status("online"))
    turn(loop, lambda: wanted in later.configs)
    later.close()
    kill(broker)
    turn(loop, lambda: away(store))
    start_broker()
    turn(loop, lambda: connected(store))
    after = make_agent()
    turn(loop, lambda: wanted in after.configs)  # which had forgotten it
    with Store.edit(database, busy_ms=2000) as command:
        ConfigTables(command).tighten(0.05, scope=Scope("berlin-1", "north"), at=NOW)
    turn(loop, lambda: after.configs[-1] == Config(meta.codebook, 0.05))


def test_a_restore_under_a_running_hub_makes_agents_send_what_it_lacks(  # noqa: PLR0917 - fixtures
    loop: IngestLoop,
    store: Store,
    database: Path,
    tmp_path: Path,
    make_agent: Callable[[], Agent],
    cells: Callable[..., Release],
    meta: Meta,
) -> None:
    agent = make_agent()
    agent.send(*(cells(seq) for seq in range(1, 6)))
    turn(loop, lambda: bool(agent.acks) and agent.acks[-1].seq == 5)
    backup(store, tmp_path / "b.db", progress=lambda _done, _all: None)
    agent.send(meta, Status("online"), *(cells(seq) for seq in range(6, 9)))
    turn(loop, lambda: agent.acks[-1].seq == 8 and bool(store.metas("berlin-1")))
    restore(
        tmp_path / "b.db",
        database,
        busy_ms=2000,
        keep=False,
        at=NOW,
        progress=lambda _done, _all: None,
    )
    assert store.metas("berlin-1") == {}
    turn(loop, lambda: agent.acks[-1].seq == 5)
    turn(loop, lambda: store.metas("berlin-1") == {"north": [meta]})  # the broker tells it again
    assert connected(store)
    agent.send(*(cells(seq) for seq in range(6, 9)))
    turn(loop, lambda: agent.acks[-1].seq == 8)


def test_without_a_broker_it_keeps_trying_and_says_so(
    store: Store, make_loop: Callable[[Store], IngestLoop], start_broker: Callable[[], IotBroker]
) -> None:
    loop = make_loop(store)
    turn(loop, lambda: away(store))
    link = store.link()
    assert link is not None
    assert "refused" in link.detail
    start_broker()
    turn(loop, lambda: connected(store))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_process_ends_cleanly_and_goes_on_where_it_was(  # noqa: PLR0917 - fixtures
    number: int,
    database: Path,
    free_port: int,
    start_broker: Callable[[], IotBroker],
    make_agent: Callable[[], Agent],
    cells: Callable[..., Release],
) -> None:
    start_broker()
    agent = make_agent()
    with hub_process(database, free_port) as process:
        wait(lambda: serving(database))
        agent.send(*(cells(seq) for seq in range(1, 11)))
        wait(lambda: bool(agent.acks) and agent.acks[-1].seq == 10)
        process.send_signal(number)
        assert process.wait(PATIENCE_S) == 0
    with Store.open(database, busy_ms=500) as store:
        assert store.agents(now=NOW)[0].releases == 10
        link = store.link()
        assert link is not None
        assert link.state == "stopped"


def test_a_killed_hub_loses_nothing_that_was_not_acknowledged(
    database: Path,
    free_port: int,
    start_broker: Callable[[], IotBroker],
    make_agent: Callable[[], Agent],
    cells: Callable[..., Release],
) -> None:
    start_broker()
    agent = make_agent()
    with hub_process(database, free_port) as process:
        wait(lambda: serving(database))
        agent.send(*(cells(seq) for seq in range(1, 301)))
        wait(lambda: bool(agent.acks))
        process.kill()
    with hub_process(database, free_port):
        # what the broker had not been acknowledged, it repeats; the agent repeats the rest
        agent.send(*(cells(seq) for seq in range(1 + agent.acks[-1].seq, 301)))
        wait(lambda: agent.acks[-1].seq == 300)
    with Store.open(database, busy_ms=500) as store:
        row = store.agents(now=NOW)[0]
        assert (row.releases, row.missing, row.rejects) == (300, 0, 0)


def kill(broker: IotBroker) -> None:
    """Kill -9 the broker's process."""
    process = broker._process
    os.kill(process.pid, signal.SIGKILL)
    process.wait()


def away(store: Store) -> bool:
    link = store.link()
    return link is not None and link.state == "away"


def connected(store: Store) -> bool:
    link = store.link()
    return link is not None and link.state == "connected"


def serving(database: Path) -> bool:
    """Tell whether a hub in another process is connected."""
    with contextlib.suppress(HubError), Store.open(database, busy_ms=500) as store:
        return connected(store)
    return False


def wait(until: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not until():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.02)


@contextlib.contextmanager
def hub_process(database: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-c", "from hub.cli import main; main()"]
    process = subprocess.Popen(
        [*command, "run", "--db", str(database), "--broker-port", str(port)],
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
