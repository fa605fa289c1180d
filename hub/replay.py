"""Judges refused messages again, as a newer hub may understand what an older one could not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from hub.ingest.judging import (
    Arrival,
    Decision,
    Ingest,
    Noted,
    Rejected,
    Repeat,
    Stored,
    read_arrival,
)
from hub.store_io.store import RejectRow, Store
from wire.messages import Meta

Verdict = Literal["stored", "stored already", "out of date", "refused", "bytes gone"]


@dataclass(frozen=True, slots=True)
class Replayed:
    """What became of one reject.

    Attributes:
        verdict: ``out of date``: a status or health of then, of no use now. ``refused`` and
            ``bytes gone`` leave the reject where it is; the others settle it.
        reason: why it is still refused.
    """

    reject: RejectRow
    verdict: Verdict
    reason: str = ""

    @property
    def settled(self) -> bool:
        """Whether the reject is, or would be, gone."""
        return self.verdict not in {"refused", "bytes gone"}


def replay(store: Store, rejects: Sequence[RejectRow], *, dry_run: bool) -> Iterator[Replayed]:
    """Judge rejects again, oldest first, each in a transaction of its own.

    Whatever is understood now is stored as if it had arrived at its first time, and the reject is
    forgotten. Done again it changes nothing.

    Args:
        store: the database, from ``Store.edit`` unless ``dry_run``.
        rejects: which.
        dry_run: only say what would come of it.

    Raises:
        StoreError: the database refuses; what was given before is done.
    """
    for row in sorted(rejects, key=lambda row: (row.first_at, row.topic, row.sha256)):
        if row.payload is None:
            yield Replayed(row, "bytes gone")
            continue
        decision = _judge(store, Arrival(row.topic, row.payload, row.first_at))
        replayed = _told(row, decision)
        if replayed.settled and not dry_run:
            store.commit([decision] if replayed.verdict == "stored" else [], settled=[row])
        yield replayed


def _judge(store: Store, arrival: Arrival) -> Decision:
    read = read_arrival(arrival)
    if not isinstance(read, Stored):
        return read
    place = (read.key.store, read.key.agent, read.release.plan)
    (decision,) = Ingest(known=store.known({read.key}), zones=store.plan_zones({place})).feed(read)
    return decision


def _told(row: RejectRow, decision: Decision) -> Replayed:
    if isinstance(decision, Rejected):
        return Replayed(row, "refused", decision.reason)
    if isinstance(decision, Repeat):
        return Replayed(row, "stored already")
    if isinstance(decision, Noted) and not isinstance(decision.message, Meta):
        return Replayed(row, "out of date")
    return Replayed(row, "stored")
