"""Releases a second from an agent through a real broker into a committed SQLite file.

Run: ``python tests/bench/bench_ingest.py [releases] [--db FILE]``. Every release has another key
and is acknowledged to the broker only after its transaction has reached the disk; with ``--db``
that of a hub which holds much already, and they are taken out again. Beside it, in the same run, a
subscriber that does nothing but acknowledge. The agent is a process of its own; of the hub's loop
the processor time is told too, since the rest of the machine has no part in that.
"""

from __future__ import annotations

import argparse
import contextlib
import resource
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import paho.mqtt.client as mqtt
from iotcore import Broker as IotBroker

from hub.app import IngestLoop
from hub.config import Batching, Broker
from hub.ingest.mqtt_io import BrokerLink
from hub.store_io.store import Store
from wire.codebook import default_codebook
from wire.codec import encode
from wire.messages import DROPPED, Axis, Release
from wire.topics import Topic, every

TOPIC = Topic("bench-ingest", "north", "release")
START = datetime(2026, 3, 7, tzinfo=UTC)


def main(releases: int, *, path: Path | None) -> None:
    """Publish, ingest, and print the rates."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with IotBroker(port=port, listen="127.0.0.1"):
        wall_s, cpu_s = idle(port, releases)
        print(f"a subscriber that does nothing: {rates(releases, wall_s, cpu_s)}")
        with tempfile.TemporaryDirectory() as folder:
            wall_s, cpu_s, contiguous = ingest(port, releases, path=path or Path(folder) / "hub.db")
        size = len(payload(1))
        print(f"hub, committed: {rates(releases, wall_s, cpu_s)}")
        print(f"{releases} releases of {size} bytes, contiguous to {contiguous}")
        peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
        print(f"peak memory, with broker and the other subscriber: {peak_mb:.0f} MB")


def rates(releases: int, wall_s: float, cpu_s: float) -> str:
    """Tell a rate by the clock, and by the processor time of the loop alone."""
    return (
        f"{releases / wall_s:.0f} releases/s in {wall_s:.2f} s; "
        f"{releases / cpu_s:.0f} releases per second of its processor time"
    )


def idle(port: int, releases: int) -> tuple[float, float]:
    """Take releases in and let them go."""
    left = releases

    def take(client: mqtt.Client, _userdata: object, message: mqtt.MQTTMessage) -> None:
        nonlocal left
        client.ack(message.mid, message.qos)
        left -= 1

    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id="bench-idle", manual_ack=True)
    subscribed: list[object] = []
    client.on_message = take
    client.on_subscribe = lambda *_: subscribed.append(True)
    client.connect("127.0.0.1", port)
    client.subscribe(every("release"), qos=1)
    while not subscribed:
        client.loop(0.1)
    with agent(port, releases):
        begun, cpu = time.perf_counter(), time.thread_time()
        while left:
            client.loop(0.1)
        took = time.perf_counter() - begun, time.thread_time() - cpu
    client.disconnect()
    return took


def ingest(port: int, releases: int, *, path: Path) -> tuple[float, float, int]:
    """Take releases into a database, as the hub does."""
    with Store.create(path, busy_ms=2000) as store:
        batching = Batching()
        link = BrokerLink(broker=Broker(port=port), batching=batching, password=None)
        loop = IngestLoop(link=link, store=store, batching=batching)
        while link.state != "connected":
            loop.step()
        with agent(port, releases):
            begun, cpu = time.perf_counter(), time.thread_time()
            while loop.tally.stored < releases:
                loop.step()
            took = time.perf_counter() - begun, time.thread_time() - cpu
        loop.finish()
        (seq,) = (mark.seq for mark in store.marks() if mark.store == TOPIC.store)
        for table in ("releases", "marks", "agents"):
            store.connection.execute(f"DELETE FROM {table} WHERE store = ?", (TOPIC.store,))  # noqa: S608 - our own text
    return *took, seq


@contextlib.contextmanager
def agent(port: int, releases: int) -> Iterator[None]:
    """Publish in another process; it begins when its messages are made."""
    command = [sys.executable, __file__, "publish", str(port), str(releases)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdout.readline()
        process.stdin.close()
        yield


def payload(seq: int) -> bytes:
    """Make an hour of the default codebook's cells."""
    codebook = default_codebook()
    start = START + timedelta(hours=seq)
    release = Release(
        epoch="00000000deadbeef",
        seq=seq,
        channel="cells",
        window_start=start,
        window_end=start + timedelta(hours=1),
        plan="plan-1",
        codebook=codebook.version,
        axes=(Axis("cell", (*(str(k) for k in range(len(codebook.cells))), DROPPED)),),
        counts=(7,) * (len(codebook.cells) + 1),
        sd=5.0,
        rho=0.02,
        standard_privacy=True,
        coverage=1.0,
    )
    return encode(TOPIC, release, event_id=f"{release.epoch}-{seq}", time=start)


def publish(port: int, releases: int) -> None:
    """Publish as an agent does, 100 in flight."""
    payloads = [payload(seq) for seq in range(1, releases + 1)]
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id="bench-agent")
    client.max_inflight_messages_set(100)
    client.connect("127.0.0.1", port)
    client.loop_start()
    print("ready", flush=True)
    sys.stdin.read()
    for body in payloads:
        info = client.publish(str(TOPIC), body, qos=1)
    info.wait_for_publish(600)
    client.disconnect()
    client.loop_stop()


if __name__ == "__main__":
    if sys.argv[1:2] == ["publish"]:
        publish(int(sys.argv[2]), int(sys.argv[3]))
    else:
        parser = argparse.ArgumentParser(description=__doc__)
        parser.add_argument("releases", type=int, nargs="?", default=5000)
        parser.add_argument("--db", type=Path)
        given = parser.parse_args()
        main(given.releases, path=given.db)
