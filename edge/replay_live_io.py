"""Another sensor's floor positions as they happen, by HTTP: `aisle-edge replay --listen`."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from msgspec.structs import replace

from edge.clock_io import wall_ms
from edge.complaints import Complaints
from edge.config import StoreConfig, parse
from edge.errors import ConfigError, ProtocolError
from edge.posts_io import LOOPBACK, PostRules, PostServer
from edge.replay import Placing, Positions, decoded
from edge.replay_io import placing_of
from edge.store_file_io import read_text
from edge.vision.tracking import TrackEnd, TrackPoint
from wire import messages

ONE = "application/json"
LINES = ("application/x-ndjson", "application/jsonl")
MOST_BODY = 1 << 20
"""Bytes: a second of an Xovis sensor with 50 people is half of it."""
SHOWN = 10
"""Parts of a body that are named as wrong; the others are counted."""
STRANGER = "another address than --from's tried to send positions; it was not let in"
SINCE = datetime.fromtimestamp(0, UTC)

Sink = Callable[[Sequence[TrackPoint | TrackEnd]], None]
Now = Callable[[], tuple[int, datetime]]
"""The scene's milliseconds, and the aware instant they stand for."""


@dataclass(frozen=True, slots=True)
class Listen:
    """Where a sensor sends.

    Attributes:
        address: to listen on, and the port.
        senders: addresses that may send.
        placing: of the sensor.
        every_s: it sends at least so often, also when nobody is there, so that silence is a fault;
            None where it does not, and silence tells nothing.
    """

    address: tuple[str, int]
    senders: frozenset[str]
    placing: Placing
    every_s: float | None = None


def listen_of(
    listen: str, *, senders: Sequence[str], at: str, every_s: float | None = None
) -> Listen:
    """Read the command's texts.

    Raises:
        ConfigError: names the option and the mend.
    """
    host, _, port = listen.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not (port.isascii() and port.isdecimal() and 0 < int(port) < 1 << 16):
        raise ConfigError(f"--listen {listen!r} is not ADDRESS:PORT, like 127.0.0.1:8766")
    try:
        here = ip_address(host).is_loopback
        known = {str(ip_address(one)) for one in senders}
    except ValueError as error:
        raise ConfigError("--listen and --from take IP addresses, like 192.0.2.7") from error
    if not here and not known:
        raise ConfigError(
            f"--listen {host} is open to the network; say with --from ADDRESS which sensor may send"
        )
    return Listen((host, int(port)), LOOPBACK | known, placing_of(at), every_s)


def config_of(path: Path) -> StoreConfig:
    """Read a store's file for an agent without cameras; readers, tills and the broker are its own.

    Raises:
        ConfigError: it cannot be read, or is wrong.
    """
    return replace(parse(read_text(path), where=path.name, needs_cameras=False), cameras=())


class Sensor(PostServer):
    """``POST /positions``: one JSON object or an array of them, or JSON Lines.

    Each is a position or a push of the Xovis shape, as ``Positions`` takes them; a part that is
    wrong is left out and named by its number. An empty array or body says that nobody is there.

    Args:
        listen: where, from whom.
        sink: takes points and ends, in the scene's time.
        now: dates them.
        on_crash: as ``PostServer``.
    """

    def __init__(
        self,
        listen: Listen,
        *,
        sink: Sink,
        now: Now,
        on_crash: Callable[[BaseException], None] | None = None,
    ) -> None:
        super().__init__(
            "positions",
            address=listen.address,
            rules=PostRules("/positions", (ONE, *LINES), MOST_BODY, "--listen", listen.senders),
            take=self._take,
            on_stranger=lambda: self._complain(STRANGER),
            on_crash=on_crash,
        )
        self._every_s = listen.every_s
        self._heard_ms: int | None = None
        self._positions = Positions(placing=listen.placing)
        self._complaints = Complaints()
        self._sink = sink
        self._now = now
        self._lock = threading.Lock()

    @property
    def seeing(self) -> bool:
        """Whether positions come, or would.

        A sensor that is silent when nobody is there is taken to see: coverage that followed its
        silence would tell when the shop is empty.
        """
        return self.state == "up" and not self._silent

    @property
    def trouble(self) -> str:
        """What was wrong with what it sent."""
        return self._complaints.told(self._now()[0])

    def device(self) -> messages.Device:
        """Tell how it is; to the contract, it is a camera."""
        if self.state == "up" and self._silent:
            said = f"has sent nothing for {self._every_s:g} s: look whether it runs and where to"
            return messages.Device(self.name, "camera", "down", said)
        return messages.Device(self.name, "camera", self.state, self.detail)

    @property
    def _silent(self) -> bool:
        if self._every_s is None:
            return False
        return self._heard_ms is None or wall_ms() - self._heard_ms > 1_000 * self._every_s

    def _take(self, body: bytes, kind: str) -> list[str]:
        try:
            parts = _parts(body, kind=kind)
        except ProtocolError as error:
            self._complain(str(error))
            raise
        wrong = list[str]()
        with self._lock:
            self._heard_ms = wall_ms()
            now_ms, now = self._now()
            heard_ms = _ms(now)
            found = list[TrackPoint | TrackEnd]()
            for number, part in enumerate(parts, start=1):
                try:
                    value = decoded(part) if isinstance(part, str) else part
                    found += self._positions.take(value, heard_ms=heard_ms)
                except ProtocolError as error:
                    self._complaints.feed(str(error), now_ms=now_ms)
                    wrong.append(f"part {number}: {error}")
            self._give(found, behind_ms=heard_ms - now_ms)
        if len(wrong) > SHOWN:
            wrong[SHOWN:] = [f"and {len(wrong) - SHOWN} parts more"]
        return [*wrong, "the other parts were taken"] if wrong else []

    def _turn(self) -> None:
        """Forget who is not told of any more, although nothing comes."""
        with self._lock:
            now_ms, now = self._now()
            self._give(self._positions.advance(_ms(now)), behind_ms=_ms(now) - now_ms)

    def _give(self, found: Sequence[TrackPoint | TrackEnd], *, behind_ms: int) -> None:
        """Pass on in the scene's time what is dated in milliseconds since 1970."""
        if found:
            self._sink([_dated(one, behind_ms=behind_ms) for one in found])

    def _complain(self, text: str) -> None:
        self._complaints.feed(text, now_ms=self._now()[0])


def _parts(body: bytes, *, kind: str) -> list[object]:
    """Give a body's objects: decoded, or as lines.

    Raises:
        ProtocolError: it is not text, or no JSON.
    """
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ProtocolError("the body is not UTF-8") from error
    if kind in LINES:
        return [line for line in text.split("\n") if line.strip()]
    if not text.strip():
        return []
    value = decoded(text)
    return value if isinstance(value, list) else [value]


def _dated(one: TrackPoint | TrackEnd, *, behind_ms: int) -> TrackPoint | TrackEnd:
    at_ms = one.scene_ms - behind_ms
    if isinstance(one, TrackEnd):
        return TrackEnd(one.track, at_ms)
    return TrackPoint(one.track, at_ms, one.east_m, one.north_m)


def _ms(at: datetime) -> int:
    return (at - SINCE) // timedelta(milliseconds=1)
