"""The hub's process: joins the broker, the judgement and the database."""

from __future__ import annotations

import logging
import signal
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

from hub.config import Batching, HubConfig, read_password
from hub.errors import StoreError
from hub.ingest.judging import (
    Decision,
    Ingest,
    Noted,
    Rejected,
    Stored,
    read_arrival,
    refuse_unread,
)
from hub.ingest.mqtt_io import BrokerLink, Incoming
from hub.store_io.configs import ConfigTables
from hub.store_io.store import Link, Mark, Store
from wire.messages import Ack, Config, Status
from wire.topics import Topic

LOG = logging.getLogger("aisle-hub")
IDLE_S = 0.2
"""How long the loop sleeps on a quiet line; also how late it notices a signal."""
TELL_EVERY_S = 10.0
LOOK_EVERY_S = 2.0
"""How soon agents are told what a command has changed in the database."""
ALIVE_EVERY_S = 30.0
"""How often the process notes that it is there; `doctor` and `status` read it."""
HELD_LIMIT = 10_000
"""Messages held while the database refuses; brokers keep at most some hundreds in flight."""
BUGS = (ArithmeticError, LookupError, RuntimeError, TypeError, ValueError)
"""Ours, all of them. They end in a reject, not in a crash: the broker would deliver the message
again to every new start of the hub, and one agent's message would stop all stores for ever."""


@dataclass(frozen=True, slots=True)
class Tally:
    """What ingest did since it started."""

    stored: int = 0
    repeat: int = 0
    rejected: int = 0
    noted: int = 0


class IngestLoop:
    """Take messages from the broker, commit them in batches, and acknowledge after the commit."""

    def __init__(self, *, link: BrokerLink, store: Store, batching: Batching) -> None:
        self._link = link
        self._store = store
        self._batching = batching
        self._pending: list[Incoming] = []
        self._oldest_s = 0.0
        self._retry_at_s = 0.0
        self._pause_s = batching.retry_min_s
        self._told_state = ""
        self._look_at_s = 0.0
        self._alive_at_s = 0.0
        self._asked: dict[tuple[str, str], Config] = {}
        self._restored = store.link("restored")
        self._counts: Counter[str] = Counter()

    @property
    def tally(self) -> Tally:
        """What was done so far."""
        return Tally(**self._counts)

    def step(self) -> None:
        """Do one round: network, then a commit if a batch is due."""
        arrived = self._link.poll(self._timeout_s())
        if arrived and not self._pending:
            self._oldest_s = time.monotonic()
        self._pending.extend(arrived)
        del self._pending[HELD_LIMIT:]  # unacknowledged, so the agent sends it again
        self._tell_link()
        if self._due() and self._guarded(self._flush):
            self._pause_s = self._batching.retry_min_s
        if time.monotonic() >= self._retry_at_s:
            if self._link.fresh:
                self._guarded(self._greet)
            if time.monotonic() >= self._look_at_s:
                self._look_at_s = time.monotonic() + LOOK_EVERY_S
                self._guarded(self._look)

    def finish(self) -> None:
        """Commit what is pending, once, and leave the broker."""
        if self._pending:
            self._guarded(self._flush)
        self._link.close()
        self._guarded(lambda: self._store.write_link(Link("stopped", "", datetime.now(tz=UTC))))
        self._guarded(lambda: self._note_alive("stopped"))

    def _timeout_s(self) -> float:
        now_s = time.monotonic()
        if not self._pending:
            return IDLE_S
        if now_s < self._retry_at_s:
            return min(IDLE_S, self._retry_at_s - now_s)
        return max(0.0, self._oldest_s + self._batching.wait_ms / 1000 - now_s)

    def _due(self) -> bool:
        now_s = time.monotonic()
        if not self._pending or now_s < self._retry_at_s:
            return False
        waited = now_s - self._oldest_s >= self._batching.wait_ms / 1000
        return waited or len(self._pending) >= self._batching.messages

    def _guarded(self, action: Callable[[], None]) -> bool:
        try:
            action()
        except StoreError as error:
            LOG.error(  # noqa: TRY400 - the text names thing and mend; a trace adds nothing
                "%s; nothing is acknowledged, trying again in %.1f s", error, self._pause_s
            )
            self._retry_at_s = time.monotonic() + self._pause_s
            self._pause_s = min(2 * self._pause_s, self._batching.retry_max_s)
            return False
        return True

    def _flush(self) -> None:
        batch = self._pending[: self._batching.messages]
        try:
            done = self._commit(batch)
        except BUGS:
            for item in batch:
                self._acknowledge([item], *self._commit_alone(item))
            return
        self._acknowledge(batch, *done)

    def _commit(self, batch: Sequence[Incoming]) -> tuple[list[Decision], list[Mark]]:
        read = [read_arrival(item.arrival) for item in batch]
        releases = [item for item in read if isinstance(item, Stored)]
        ingest = Ingest(
            known=self._store.known({item.key for item in releases}),
            zones=self._store.plan_zones(
                {(r.key.store, r.key.agent, r.release.plan) for r in releases}
            ),
        )
        decisions = [decision for item in read for decision in ingest.feed(item)]
        return decisions, self._store.commit(decisions)

    def _commit_alone(self, item: Incoming) -> tuple[list[Decision], list[Mark]]:
        """Commit one message; what our own bug makes unreadable is rejected with its bytes."""
        try:
            return self._commit([item])
        except BUGS as error:
            LOG.exception("a bug of ours in reading a message of %s", item.arrival.topic)
            decisions: list[Decision] = [
                refuse_unread(item.arrival, reason=f"a bug here: {error!r}")
            ]
            return decisions, self._store.commit(decisions)

    def _acknowledge(
        self, batch: Sequence[Incoming], decisions: list[Decision], marks: list[Mark]
    ) -> None:
        """Let go of the first of the pending messages, which are committed."""
        del self._pending[: len(batch)]
        self._count(decisions)
        self._link.settle(batch)
        self._link.publish_acks(_acks(marks), now=datetime.now(tz=UTC))

    def _greet(self) -> None:
        """Say everything that agents may have missed."""
        self._link.publish_acks(_acks(self._store.marks()), now=datetime.now(tz=UTC))
        self._asked.clear()
        self._ask()
        self._link.greeted()

    def _look(self) -> None:
        """Take up what commands have changed in the database meanwhile."""
        if time.monotonic() >= self._alive_at_s:
            self._alive_at_s = time.monotonic() + ALIVE_EVERY_S
            self._note_alive("running")
        restored = self._store.link("restored")
        if restored != self._restored:
            LOG.info("the database was restored; agents are asked for what it lacks")
            self._restored, self._told_state = restored, ""
            self._link.subscribe_anew()  # for what the broker keeps of agents; then all are greeted
        self._ask()

    def _ask(self) -> None:
        """Tell agents what is asked of them now, if they were not told over this connection."""
        for place, config in ConfigTables(self._store).wanted().items():
            if self._asked.get(place) != config:
                topic = Topic(*place, "config")
                if self._link.publish_config(topic, config, now=datetime.now(tz=UTC)):
                    self._asked[place] = config

    def _note_alive(self, state: str) -> None:
        self._store.write_link(Link(state, "", datetime.now(tz=UTC)), name="run")

    def _count(self, decisions: list[Decision]) -> None:
        for decision in decisions:
            if isinstance(decision, Noted) and decision.message == Status("online"):
                # a broker may not tell a session that it resumes what it keeps for it
                self._asked.pop((decision.topic.store, decision.topic.agent), None)
            self._counts[type(decision).__name__.lower()] += 1
            if isinstance(decision, Rejected):
                LOG.warning(
                    "rejected %s of %s: %s",
                    decision.sha256[:12],
                    decision.arrival.topic,
                    decision.reason,
                )

    def _tell_link(self) -> None:
        told = f"{self._link.state} {self._link.detail}"
        if told == self._told_state:
            return
        self._told_state = told
        LOG.info("broker %s", told)
        self._guarded(
            lambda: self._store.write_link(
                Link(self._link.state, self._link.detail, datetime.now(tz=UTC))
            )
        )


def run(config: HubConfig) -> Tally:
    """Ingest until SIGINT or SIGTERM.

    Raises:
        ConfigError: a secret or certificate that is named cannot be read.
        StoreError: the database cannot be opened at all.
    """
    stop = _Stop()
    link = BrokerLink(
        broker=config.broker, batching=config.batching, password=read_password(config.broker)
    )
    with Store.create(Path(config.database), busy_ms=config.busy_ms) as store:
        loop = IngestLoop(link=link, store=store, batching=config.batching)
        told, tell_at_s = Tally(), time.monotonic() + TELL_EVERY_S
        while not stop.asked:
            loop.step()
            if time.monotonic() >= tell_at_s:
                tell_at_s += TELL_EVERY_S
                if loop.tally != told:
                    told = loop.tally
                    _tell(told)
        loop.finish()
        _tell(loop.tally)
        return loop.tally


class _Stop:
    """Whether someone asked this process to end."""

    def __init__(self) -> None:
        self.asked = False
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._ask)

    def _ask(self, _number: int, _frame: FrameType | None) -> None:
        self.asked = True


def _tell(tally: Tally) -> None:
    LOG.info(
        "releases stored %d, repeated %d, rejected %d; other messages %d",
        tally.stored,
        tally.repeat,
        tally.rejected,
        tally.noted,
    )


def _acks(marks: list[Mark]) -> list[tuple[Topic, Ack]]:
    return [(Topic(mark.store, mark.agent, "ack"), Ack(mark.epoch, mark.seq)) for mark in marks]
