"""The hub's connection to the broker: messages in, acknowledgements out, never given up."""

from __future__ import annotations

import secrets
import ssl
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from hub.config import Batching, Broker
from hub.errors import ConfigError
from hub.ingest.judging import Arrival
from wire.codec import encode
from wire.messages import Ack, Config
from wire.topics import FROM_AGENT, Topic, every

ANSWER_WITHIN_S = 10.0
"""A port that takes the connection but does not speak MQTT is given up after this."""
PROBE_TURN_S = 0.2


@dataclass(frozen=True, slots=True)
class Incoming:
    """A message that the broker still holds until it is acknowledged.

    Attributes:
        connection: number of the connection it came over; ``mid`` means nothing on another.
    """

    arrival: Arrival
    mid: int
    qos: int
    connection: int


class BrokerLink:
    """One client with a fixed id; all its work is done inside ``poll``, in the caller's thread.

    Attributes:
        state: ``connecting``, ``connected``, ``away``; ``detail`` says why.
        fresh: a connection was made since ``greeted`` was called last.
    """

    def __init__(self, *, broker: Broker, batching: Batching, password: str | None) -> None:
        self.state = "connecting"
        self.detail = f"{broker.host}:{broker.port}"
        self.fresh = False
        self._broker = broker
        self._batching = batching
        self._pause_s = batching.retry_min_s
        self._next_try_s = 0.0
        self._deadline_s = 0.0
        self._connection = 0
        self._open = False
        self._refusal = ""
        self._inbox: list[Incoming] = []
        self._client = self._make_client(password)

    def poll(self, timeout_s: float) -> list[Incoming]:
        """Do network work for at most about ``timeout_s`` and give what arrived."""
        if not self._open:
            self._try_to_connect(timeout_s)
        elif self._client.loop(timeout_s) != MQTTErrorCode.MQTT_ERR_SUCCESS:
            self._lost("the connection broke")
        elif self.state == "connecting" and time.monotonic() > self._deadline_s:
            self._client.disconnect()
            self._lost("no answer; is this an MQTT port?")
        inbox, self._inbox = self._inbox, []
        return inbox

    def settle(self, items: Iterable[Incoming]) -> None:
        """Acknowledge what came over this connection; the broker repeats the rest itself."""
        for item in items:
            if item.qos and self._open and item.connection == self._connection:
                self._client.ack(item.mid, item.qos)

    def publish_acks(self, acks: Sequence[tuple[Topic, Ack]], *, now: datetime) -> None:
        """Tell agents how far the hub has got; without a connection the next one tells them."""
        if self.state != "connected":
            return
        for topic, ack in acks:
            payload = encode(topic, ack, event_id=f"{ack.epoch}-{ack.seq}", time=now)
            self._client.publish(str(topic), payload, qos=1, retain=True)

    def publish_config(self, topic: Topic, config: Config, *, now: datetime) -> bool:
        """Ask something of an agent; the broker keeps it for one that is away.

        Returns:
            whether it was sent.
        """
        if self.state != "connected":
            return False
        payload = encode(topic, config, event_id=secrets.token_hex(8), time=now)
        self._client.publish(str(topic), payload, qos=1, retain=True)
        return True

    def subscribe_anew(self) -> None:
        """Have the broker tell again what it keeps of agents; ``fresh`` follows."""
        if self._open:
            # rumqttd tells it only to who was not subscribed; what is missed meanwhile comes again
            self._client.unsubscribe([every(leaf) for leaf in FROM_AGENT])
            self._subscribe()

    def greeted(self) -> None:
        """Say that the marks were published over the fresh connection."""
        self.fresh = False

    def close(self) -> None:
        """Leave; the broker keeps the session."""
        if self._open:
            self._client.disconnect()
            self._client.loop(0.1)
        self._open = False

    def _make_client(self, password: str | None) -> mqtt.Client:
        client = _client(self._broker, password, client_id=self._broker.client_id)
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_message = self._on_message
        return client

    def _try_to_connect(self, timeout_s: float) -> None:
        wait_s = self._next_try_s - time.monotonic()
        if wait_s > 0:
            time.sleep(min(wait_s, timeout_s))
            return
        broker = self._broker
        self._connection += 1
        self._refusal = ""
        try:
            self._client.connect(broker.host, broker.port, keepalive=broker.keepalive_s)
        except (OSError, ValueError) as error:  # ValueError: a host name IDNA refuses
            self._lost(str(error))
            return
        self._open = True
        self.state = "connecting"
        self._deadline_s = time.monotonic() + ANSWER_WITHIN_S

    def _lost(self, why: str) -> None:
        self._open = False
        self.detail = f"{self._broker.host}:{self._broker.port}: {self._refusal or why}"
        self.state = "away"
        self._next_try_s = time.monotonic() + self._pause_s
        self._pause_s = min(2 * self._pause_s, self._batching.retry_max_s)

    def _on_connect(
        self,
        _client: mqtt.Client,
        _userdata: object,
        _flags: mqtt.ConnectFlags,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        if reason.is_failure:
            self._refusal = f"the broker says {reason}"
            return
        self._subscribe()

    def _subscribe(self) -> None:
        self._client.subscribe([(every(leaf), 1) for leaf in FROM_AGENT])

    def _on_subscribe(
        self,
        client: mqtt.Client,
        _userdata: object,
        _mid: int,
        reasons: list[ReasonCode],
        _properties: Properties | None,
    ) -> None:
        # only now is nothing missed: a broker drops what nobody has subscribed to
        if any(reason.is_failure for reason in reasons):
            self._refusal = "the broker refuses the subscription; check its ACL"
            client.disconnect()
            return
        self.state = "connected"
        self.detail = f"{self._broker.host}:{self._broker.port}"
        self.fresh = True
        self._pause_s = self._batching.retry_min_s

    def _on_message(
        self, _client: mqtt.Client, _userdata: object, message: mqtt.MQTTMessage
    ) -> None:
        arrival = Arrival(
            topic=message.topic,
            payload=bytes(message.payload),
            received_at=datetime.now(tz=UTC),
            retained=bool(message.retain),
        )
        self._inbox.append(Incoming(arrival, message.mid, message.qos, self._connection))


def probe(broker: Broker, *, password: str | None, within_s: float = ANSWER_WITHIN_S) -> str:
    """Connect once under another client id, beside a running hub.

    Returns:
        Why not, and after a semicolon the mend; empty if the broker lets the hub in.

    Raises:
        ConfigError: the certificates cannot be read.
    """
    client = _client(broker, password, client_id=f"{broker.client_id}-probe"[:64], clean=True)
    answers: list[ReasonCode] = []
    client.on_connect = lambda *told: answers.append(told[3])
    try:
        client.connect(broker.host, broker.port, keepalive=broker.keepalive_s)
    except (OSError, ValueError) as error:
        return f"{error}; is the broker up, and are broker.host, port and tls right?"
    deadline_s = time.monotonic() + within_s
    while not answers and time.monotonic() < deadline_s:
        if client.loop(PROBE_TURN_S) != MQTTErrorCode.MQTT_ERR_SUCCESS and not answers:
            return "the connection broke; does this port speak MQTT, and TLS or not as configured?"
    client.disconnect()
    if not answers:
        return "it takes the connection but does not answer; is this an MQTT port?"
    refused = f"the broker says {answers[0]}; are username and password_file right?"
    return refused if answers[0].is_failure else ""


def _client(
    broker: Broker, password: str | None, *, client_id: str, clean: bool = False
) -> mqtt.Client:
    client = mqtt.Client(
        CallbackAPIVersion.VERSION2,
        client_id=client_id,
        clean_session=clean,
        protocol=mqtt.MQTTv311,
        manual_ack=True,
        reconnect_on_failure=False,
    )
    if broker.username:
        client.username_pw_set(broker.username, password)
    if broker.tls:
        try:
            client.tls_set(ca_certs=broker.ca_file or None)
        except (OSError, ssl.SSLError, ValueError) as error:
            raise ConfigError(f"broker.ca_file: {broker.ca_file}: {error}") from error
    return client
