"""Releases a second from an agent through a real broker into a committed SQLite file.

Run: ``python tests/bench/bench_ingest.py [releases]``. Every release has another key and is
acknowledged to the broker only after its transaction has reached the disk.
"""

from __future__ import annotations

import socket
import sys
import tempfile
import threading
import time
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
from wire.topics import Topic

TOPIC = Topic("berlin-1", "north", "release")
START = datetime(2026, 3, 7, tzinfo=UTC)


def main(releases: int) -> None:
    """Publish, ingest, and print the rate."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    payloads = [payload(seq) for seq in range(1, releases + 1)]
    with (
        tempfile.TemporaryDirectory() as folder,
        IotBroker(port=port, listen="127.0.0.1"),
        Store.create(Path(folder) / "hub.db", busy_ms=2000) as store,
    ):
        batching = Batching()
        link = BrokerLink(broker=Broker(port=port), batching=batching, password=None)
        loop = IngestLoop(link=link, store=store, batching=batching)
        while link.state != "connected":
            loop.step()
        agent = threading.Thread(target=publish, args=(port, payloads))
        begun = time.perf_counter()
        agent.start()
        while loop.tally.stored < releases:
            loop.step()
        took_s = time.perf_counter() - begun
        agent.join()
        loop.finish()
        (mark,) = store.marks()
    print(
        f"{releases} releases of {len(payloads[0])} bytes in {took_s:.2f} s: "
        f"{releases / took_s:.0f} releases/s committed, contiguous to {mark.seq}"
    )


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


def publish(port: int, payloads: list[bytes]) -> None:
    """Publish as an agent does, 100 in flight."""
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id="bench-agent")
    client.max_inflight_messages_set(100)
    client.connect("127.0.0.1", port)
    client.loop_start()
    for body in payloads:
        info = client.publish(str(TOPIC), body, qos=1)
    info.wait_for_publish(60)
    client.disconnect()
    client.loop_stop()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5000)
