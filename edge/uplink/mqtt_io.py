"""The agent at the broker: status, meta, health and releases out; acknowledgements and config in.

A broker's PUBACK is not durable (a killed Mosquitto lost 1000 of 1000 acknowledged messages), so a
release counts as delivered when the hub says so, and is sent again until then.
"""

from __future__ import annotations

import secrets
import ssl
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from queue import Empty, SimpleQueue
from typing import Literal

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from edge.config import Broker
from edge.errors import DeviceError
from edge.uplink.outbox_io import Outbox
from wire.codec import decode, encode
from wire.errors import WireError
from wire.messages import Ack, Config, Health, Meta, Status
from wire.topics import FROM_HUB, Leaf, Topic, parse_topic

KEEPALIVE_S = 30
TURN_S = 0.25
"""Longest wait of the sending thread; any event ends it early."""
FAULT_S = 5.0
"""Pause after the outbox's disk has failed, or a message was too large."""
FAREWELL_S = 2.0
LAST_S = 2.0
"""At the end, releases get this long to reach a broker that is there."""
CLOSE_S = 10.0
"""For the sending thread to end; it may be waiting for a slow disk."""
PROBE_S = 5.0


@dataclass(frozen=True, slots=True)
class UplinkParams:
    """How releases are sent.

    Attributes:
        in_flight: releases the broker has not confirmed.
        resend_s: unacknowledged releases are sent again after this long, and after twice as long
            each further time, so that a hub that is away for days does not flood the broker.
        resend_max_s: but at least this often.
        health_s: between health messages.
        reconnect_s: first pause before another connection; doubles each time.
        reconnect_max_s: longest such pause.
    """

    in_flight: int = 20
    resend_s: float = 60.0
    resend_max_s: float = 3600.0
    health_s: float = 60.0
    reconnect_s: int = 1
    reconnect_max_s: int = 60


@dataclass(frozen=True, slots=True)
class _Link:
    up: bool
    detail: str = ""


@dataclass(frozen=True, slots=True)
class _Confirmed:
    mid: int


@dataclass(frozen=True, slots=True)
class _Arrived:
    topic: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class _Woken:
    meta: bool = False


_Event = _Link | _Confirmed | _Arrived | _Woken


class Uplink:
    """One agent's connection, in two threads of its own; never blocks its caller.

    Args:
        outbox: where releases wait.
        store: the agent's store.
        agent: its name.
        broker: address and credentials.
        meta: gives what the agent is; asked at every connection and by ``refresh``.
        health: gives how the devices are.
        on_config: takes what the hub asks for, in a thread of the uplink.
        utc_now: aware UTC clock, for the envelopes.
        params: how releases are sent.
        on_crash: takes what ends a thread unforeseen, in it; without it, Python prints that.

    Raises:
        DeviceError: a file of the credentials cannot be read.
    """

    def __init__(
        self,
        outbox: Outbox,
        *,
        store: str,
        agent: str,
        broker: Broker,
        meta: Callable[[], Meta],
        health: Callable[[], Health],
        on_config: Callable[[Config], None],
        utc_now: Callable[[], datetime],
        params: UplinkParams = UplinkParams(),
        on_crash: Callable[[BaseException], None] | None = None,
    ) -> None:
        self.state: Literal["up", "down", "starting"] = "starting"
        self.detail = ""
        self._outbox = outbox
        self._store = store
        self._agent = agent
        self._broker = broker
        self._meta = meta
        self._health = health
        self._on_config = on_config
        self._utc_now = utc_now
        self._params = params
        self._on_crash = on_crash
        self._counters: Counter[str] = Counter()
        self._events: SimpleQueue[_Event] = SimpleQueue()
        self._stop = threading.Event()
        self._flying: dict[int, int] = {}
        self._sent = 0
        self._acked = 0
        self._resend_s = params.resend_s
        self._resend_at = 0.0
        self._health_at = 0.0
        self._client = _client(client_id(store, agent), broker, clean=False, on_crash=self._crashed)
        self._client.max_inflight_messages_set(params.in_flight)
        self._client.reconnect_delay_set(params.reconnect_s, params.reconnect_max_s)
        self._client.will_set(str(self._topic("status")), self._status("offline"), 1, retain=True)
        self._client.on_connect = self._on_connect
        self._client.on_connect_fail = self._on_connect_fail
        self._client.on_disconnect = self._on_disconnect
        self._client.on_publish = self._on_publish
        self._client.on_message = self._on_message
        self._thread = threading.Thread(target=self._run, name="uplink", daemon=True)

    def start(self) -> None:
        """Begin; a broker that is away is tried again and again."""
        try:
            self._client.connect_async(self._broker.host, self._broker.port, KEEPALIVE_S)
        except ValueError as error:  # no name at all; paho's thread tries, and says so, again
            self._events.put(_Link(up=False, detail=_absent(self._broker, _why(error))))
        self._client.loop_start()
        self._thread.start()

    def wake(self) -> None:
        """Say that the outbox has something new."""
        self._events.put(_Woken())

    def refresh(self) -> None:
        """Publish ``meta`` again: the codebook or the plan has changed."""
        self._events.put(_Woken(meta=True))

    def close(self) -> None:
        """Send what waits and say goodbye if the broker is there, and end both threads."""
        self._stop.set()
        self.wake()
        if self._thread.ident is not None:
            self._thread.join(CLOSE_S)
        if self._client.is_connected():
            said = self._publish("status", self._status("offline"), retain=True)
            try:
                said.wait_for_publish(FAREWELL_S)
            except (RuntimeError, ValueError):
                self._counters["farewells_lost"] += 1
        self._client.disconnect()
        self._client.loop_stop()

    def counters(self) -> dict[str, int]:
        """Give counts of connections and messages; none depends on a visit."""
        return dict(self._counters)

    def _run(self) -> None:
        try:
            self._serve()
            self._send_last()
        except BaseException as error:  # noqa: BLE001 - the main loop raises it again
            self._crashed(error)

    def _crashed(self, error: BaseException) -> None:
        self.state, self.detail = "down", f"its thread ended: {type(error).__name__}"
        if self._on_crash is None:
            raise error
        self._on_crash(error)

    def _serve(self) -> None:
        """Send and listen until the end."""
        while not self._stop.is_set():
            try:
                self._handle(self._next())
                if self.state == "up":
                    self._turn(time.monotonic())
                    self.detail = ""
            except (DeviceError, WireError) as error:
                self._counters["failures"] += 1
                self.detail = str(error)
                self._stop.wait(FAULT_S)

    def _send_last(self) -> None:
        """Give what was released at the end a chance to arrive before the next start."""
        until = time.monotonic() + LAST_S
        try:
            while self.state == "up" and time.monotonic() < until:
                self._send()
                if not self._flying and not self._outbox.unacked(self._sent, limit=1):
                    return
                self._handle(self._next())
        except (DeviceError, WireError):
            self._counters["failures"] += 1

    def _next(self) -> _Event | None:
        try:
            return self._events.get(timeout=TURN_S)
        except Empty:
            return None

    def _handle(self, event: _Event | None) -> None:
        if isinstance(event, _Link):
            self._relate(event)
        elif isinstance(event, _Confirmed):
            self._flying.pop(event.mid, None)
        elif isinstance(event, _Arrived):
            self._read(event)
        elif event and event.meta and self.state == "up":
            self._publish("meta", self._encode("meta", self._meta()), retain=True)

    def _relate(self, link: _Link) -> None:
        """Take up the connection, or note its loss."""
        self._counters["connects" if link.up else "disconnects"] += 1
        self.state, self.detail = ("up" if link.up else "down"), link.detail
        if not link.up:
            return
        self._sent, self._acked = 0, 0
        self._wait(time.monotonic(), anew=True)
        for leaf in FROM_HUB:
            self._client.subscribe(str(self._topic(leaf)), qos=1)
        self._publish("status", self._status("online"), retain=True)
        self._publish("meta", self._encode("meta", self._meta()), retain=True)

    def _read(self, arrived: _Arrived) -> None:
        """Take what the hub says; what is not of the contract is counted and passed over."""
        try:
            message = decode(parse_topic(arrived.topic), arrived.payload)
        except WireError:
            self._counters["messages_rejected"] += 1
            return
        if isinstance(message, Config):
            self._on_config(message)
        elif isinstance(message, Ack):
            self._take_ack(message)

    def _take_ack(self, ack: Ack) -> None:
        now_ms = int(self._utc_now().timestamp() * 1000)
        before = self._outbox.level().epoch
        if not self._outbox.ack(ack.epoch, ack.seq, now_ms=now_ms):
            self._counters["acks_of_others"] += 1
            if self._outbox.level().epoch != before:
                self._sent, self._acked = 0, 0
                self._flying.clear()
        elif ack.seq < self._acked:
            self._sent, self._acked = ack.seq, ack.seq
        elif ack.seq > self._acked:
            self._acked = ack.seq
            self._wait(time.monotonic(), anew=True)

    def _turn(self, now: float) -> None:
        if now >= self._health_at:
            self._health_at = now + self._params.health_s
            self._publish("health", self._encode("health", self._health()))
        if now >= self._resend_at:
            self._counters["resends"] += self._sent > self._acked
            self._sent = 0
            self._wait(now, anew=False)
        self._send()

    def _wait(self, now: float, *, anew: bool) -> None:
        """Set when unacknowledged releases are sent again."""
        longer = min(2 * self._resend_s, self._params.resend_max_s)
        self._resend_s = self._params.resend_s if anew else longer
        self._resend_at = now + self._resend_s

    def _send(self) -> None:
        """Send what the hub lacks and what is not on its way already."""
        flying = set(self._flying.values())
        room = self._params.in_flight - len(flying)
        if room <= 0:
            return
        for sealed in self._outbox.unacked(self._sent, limit=self._params.in_flight):
            if sealed.seq not in flying:
                if room == 0:
                    return
                info = self._publish("release", sealed.payload)
                self._flying[info.mid] = sealed.seq
                self._counters["releases_sent"] += 1
                room -= 1
            self._sent = sealed.seq

    def _topic(self, leaf: Leaf) -> Topic:
        return Topic(self._store, self._agent, leaf)

    def _status(self, state: Literal["online", "offline"]) -> bytes:
        return self._encode("status", Status(state))

    def _encode(self, leaf: Leaf, message: Status | Meta | Health) -> bytes:
        return encode(
            self._topic(leaf), message, event_id=secrets.token_hex(8), time=self._utc_now()
        )

    def _publish(self, leaf: Leaf, payload: bytes, *, retain: bool = False) -> mqtt.MQTTMessageInfo:
        return self._client.publish(str(self._topic(leaf)), payload, qos=1, retain=retain)

    # What follows runs in paho's thread, which may hold paho's locks: it only hands over.

    def _on_connect(
        self,
        _client: mqtt.Client,
        _userdata: object,
        _flags: mqtt.ConnectFlags,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        if reason.is_failure:
            self._events.put(_Link(up=False, detail=_refusal(self._broker, reason)))
        else:
            self._events.put(_Link(up=True))

    def _on_connect_fail(self, _client: mqtt.Client, _userdata: object) -> None:
        why = self._client.lost or "no connection"
        self._events.put(_Link(up=False, detail=_absent(self._broker, why)))

    def _on_disconnect(
        self,
        _client: mqtt.Client,
        _userdata: object,
        _flags: mqtt.DisconnectFlags,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        self._events.put(_Link(up=False, detail=_absent(self._broker, str(reason).lower())))

    def _on_publish(
        self,
        _client: mqtt.Client,
        _userdata: object,
        mid: int,
        _reason: ReasonCode,
        _properties: Properties,
    ) -> None:
        self._events.put(_Confirmed(mid))

    def _on_message(
        self, _client: mqtt.Client, _userdata: object, message: mqtt.MQTTMessage
    ) -> None:
        self._events.put(_Arrived(message.topic, bytes(message.payload)))


class _Client(mqtt.Client):
    """Paho's client, whose thread does not end unheard.

    Attributes:
        lost: why the last attempt to connect failed.
        on_crash: takes what ends the thread.
    """

    lost = ""
    on_crash: Callable[[BaseException], None] | None = None

    def reconnect(self) -> MQTTErrorCode:
        """Connect; what cannot be an address fails like a broker that is away, and is retried."""
        try:
            return super().reconnect()
        except OSError as error:
            self.lost = _why(error)
            raise
        except ValueError as error:  # UnicodeError, from the name, is one
            self.lost = _why(error)
            raise OSError(self.lost) from error

    def loop_forever(
        self,
        timeout: float = 1.0,
        retry_first_connection: bool = False,  # noqa: FBT001, FBT002 - paho's
    ) -> MQTTErrorCode:
        """Run until the end; paho's thread calls this."""
        try:
            return super().loop_forever(timeout, retry_first_connection)
        except BaseException as error:
            if self.on_crash is None:
                raise
            self.on_crash(error)
            return MQTTErrorCode.MQTT_ERR_UNKNOWN


def client_id(store: str, agent: str) -> str:
    """Give the fixed client id under which the broker keeps an agent's session.

    >>> client_id("berlin-1", "north")
    'aisle.berlin-1.north'
    """
    return f"aisle.{store}.{agent}"


def probe(broker: Broker, *, store: str, agent: str, timeout_s: float = PROBE_S) -> None:
    """Connect once, under an id of its own so that a running agent is not thrown out.

    Raises:
        DeviceError: names the broker and the mend.
    """
    client = _client(f"{client_id(store, agent)}-check-{secrets.token_hex(4)}", broker, clean=True)
    answers: SimpleQueue[ReasonCode] = SimpleQueue()
    client.on_connect = lambda _client, _data, _flags, reason, _properties: answers.put(reason)
    try:
        client.connect_timeout = timeout_s
        client.connect(broker.host, broker.port, KEEPALIVE_S)
        client.loop_start()
        reason = answers.get(timeout=timeout_s)
    except (OSError, ValueError, Empty) as error:
        raise DeviceError(_absent(broker, _why(error))) from error
    finally:
        client.disconnect()
        client.loop_stop()
    if reason.is_failure:
        raise DeviceError(_refusal(broker, reason))


def _client(
    name: str,
    broker: Broker,
    *,
    clean: bool,
    on_crash: Callable[[BaseException], None] | None = None,
) -> _Client:
    client = _Client(CallbackAPIVersion.VERSION2, name, clean_session=clean)
    client.on_crash = on_crash
    if broker.tls_ca is not None:
        try:
            client.tls_set(str(broker.tls_ca))
        except (OSError, ssl.SSLError) as error:
            raise DeviceError(
                f"broker.tls_ca {broker.tls_ca}: {error}; give a readable PEM file"
            ) from error
    if broker.username is not None:
        client.username_pw_set(broker.username, _password(broker))
    return client


def _password(broker: Broker) -> str | None:
    if broker.password_file is None:
        return None
    try:
        return broker.password_file.read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise DeviceError(
            f"broker.password_file {broker.password_file}: {error}; make it readable, one line"
        ) from error


def _why(error: Exception) -> str:
    if isinstance(error, ValueError) and not isinstance(error, OSError):
        return f"no address ({str(error).lower()})"
    return (getattr(error, "strerror", None) or str(error)).lower() or "no answer"


def _absent(broker: Broker, why: str) -> str:
    return (
        f"broker {broker.host}:{broker.port}: {why}; check that it runs, the address, "
        "the network and tls_ca"
    )


def _refusal(broker: Broker, reason: ReasonCode) -> str:
    return (
        f"broker {broker.host}:{broker.port} refuses this agent: {str(reason).lower()}; "
        "check username and password_file, and the broker's access rules"
    )
