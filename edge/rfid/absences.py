"""When a resting item is away: silences and levels weighed at one antenna, all its tags beside."""

from __future__ import annotations

import math

from edge.rfid.events import Key
from edge.rfid.presence import Heard
from edge.rfid.reads import TagRead
from edge.rfid.stock import Field, Item, ItemParams, Stock

Loss = tuple[bytes, float]
"""A tag that is away, and the evidence in nats."""


class Absences:
    """Items that leave their shelf.

    Args:
        stock: what is known; followed as reads come.
        params: when an absence is believed.
    """

    def __init__(self, stock: Stock, *, params: ItemParams) -> None:
        self._stock = stock
        self._params = params
        self._presence = params.presence

    def live(self, there: Field, *, now_ms: int) -> list[Loss]:
        """Note that an antenna hears: believe what is due, unless it was deaf itself."""
        silent_ms = now_ms - there.heard_ms
        there.heard_ms = now_ms
        if silent_ms > self._params.lapse_ms * self._stock.turns[there.reader]:
            self._wake(there, now_ms=now_ms)
            return []
        return self._conclude(there, now_ms=now_ms) if now_ms >= there.check_ms else []

    def rest(self, item: Item, read: TagRead, there: Field, *, key: Key) -> list[Loss]:
        """Weigh a silence and the level after it; nothing is kept below zero."""
        heard = item.ears.get(key)
        item.nats = max(
            0.0, self._stock.evidence(item) + self._level(item, read, there, heard=heard)
        )
        if item.nats <= 0.0:
            item.since_ms = read.scene_ms
            item.trace.clear()
            self._stock.hear(item, read, there, key=key)
            self._stock.rehome(item, read.tag, key=key)
            return []
        if heard is not None:
            heard.last_ms = read.scene_ms
        if key == item.home:
            item.trace.append((read.scene_ms, read.rssi_dbm))
        if item.nats < self._params.picked_nats or item.home is None:
            return []
        item.last_ms = item.basis_ms = read.scene_ms
        return self._conclude(self._stock.fields[item.home], now_ms=read.scene_ms)

    def _wake(self, there: Field, *, now_ms: int) -> None:
        there.woke_ms = there.check_ms = now_ms
        for item in there.resting.values():
            item.nats = 0.0
            item.trace.clear()
            for heard in item.ears.values():
                heard.last_ms = max(heard.last_ms, now_ms)

    def _conclude(self, there: Field, *, now_ms: int) -> list[Loss]:
        """Believe what is due at one antenna, unless too many tags are silent at once."""
        params = self._params
        there.check_ms = now_ms + params.check_ms
        there.dim = sum(self._is_dim(item, now_ms=now_ms) for item in there.resting.values())
        evidence = {tag: self._stock.evidence(item) for tag, item in there.resting.items()}
        silent = sum(nats >= params.crowd_nats for nats in evidence.values())
        if silent >= params.crowd_least and silent > params.crowd * len(evidence):
            self._excuse(
                [there.resting[tag] for tag, nats in evidence.items() if nats > 0.0], now_ms=now_ms
            )
            return []
        return [
            (tag, nats) for tag, nats in evidence.items() if self._is_lost(there, tag, nats=nats)
        ]

    def _is_dim(self, item: Item, *, now_ms: int) -> bool:
        params = self._params
        return item.off_db <= params.dim_db and now_ms - item.last_ms <= 3 * params.dim_ms

    def _in_shade(self, there: Field, item: Item, *, now_ms: int) -> bool:
        """Tell whether others of an antenna's tags are faint as well."""
        return there.dim - self._is_dim(item, now_ms=now_ms) >= self._params.dim_least

    def _excuse(self, silent: list[Item], *, now_ms: int) -> None:
        """Take back the evidence of a silence that many share; when it began is kept."""
        for item in silent:
            item.basis_ms, item.nats = now_ms, 0.0
            item.trace.clear()
            for heard in item.ears.values():
                heard.last_ms = now_ms

    def _is_lost(self, there: Field, tag: bytes, *, nats: float) -> bool:
        item = there.resting[tag]
        silent_ms = there.heard_ms - max(item.basis_ms, there.woke_ms)
        if nats >= self._params.picked_nats and not self._in_shade(
            there, item, now_ms=there.heard_ms
        ):
            return item.nats >= self._params.picked_nats or silent_ms >= self._params.min_silence_ms
        assert item.home is not None
        often = self._params.max_intervals * item.ears[item.home].interval_ms
        return silent_ms >= max(self._params.max_silence_ms, often)

    def _level(self, item: Item, read: TagRead, there: Field, *, heard: Heard | None) -> float:
        """Give the evidence for "away" in a level; those over one channel are one."""
        if heard is None or heard.reads < self._params.settle_reads:
            return 0.0
        if item.home == (read.reader, read.antenna):
            new = -math.expm1(-(read.scene_ms - item.last_ms) / self._params.dim_ms)
            item.off_db += new * (read.rssi_dbm - heard.level_dbm - item.off_db)
        shade = self._in_shade(there, item, now_ms=read.scene_ms)
        body_db = self._presence.shaded_db if shade else self._presence.near_db
        nats = heard.level_nats(read.rssi_dbm, params=self._presence, body_db=body_db)
        return nats * min(1.0, (read.scene_ms - heard.last_ms) / self._presence.alike_ms)
