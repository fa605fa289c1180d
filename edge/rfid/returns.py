"""When an item that was away lies on a shelf again: the one it was taken from, or another."""

from __future__ import annotations

import math
from dataclasses import dataclass

from edge.rfid.events import Key
from edge.rfid.presence import Heard, Silences
from edge.rfid.reads import TagRead
from edge.rfid.stock import Item, ItemParams, Stay, Stock


@dataclass(frozen=True, slots=True)
class Return:
    """An item is back.

    Attributes:
        key: the antenna it lies at.
        back_ms: since when.
        nats: evidence for it.
    """

    key: Key
    back_ms: int
    nats: float


class Returns:
    """Items that come back.

    Args:
        stock: what is known; followed as reads come.
        params: when a return is believed.
    """

    def __init__(self, stock: Stock, *, params: ItemParams) -> None:
        self._stock = stock
        self._params = params
        self._presence = params.presence

    def take(self, item: Item, read: TagRead, *, key: Key) -> Return | None:
        """Sum what speaks for an item lying on a shelf again, where it was or elsewhere."""
        params = self._params
        if item.picked is not None and key == item.home:
            item.trace.append((read.scene_ms, read.rssi_dbm))
        gap_ms = read.scene_ms - item.last_ms
        home = item.ears.get(item.home) if item.home is not None else None
        self._near(item, read, gap_ms=gap_ms, home=home)
        if home is not None and key == item.home:
            silence = home.silence_nats(gap_ms, params=self._presence)
            before = max(0.0, item.nats - silence)
            if before <= 0.0:
                item.since_ms = read.scene_ms
            level = home.level_nats(read.rssi_dbm, params=self._presence, body_db=0.0)
            level *= min(1.0, (read.scene_ms - home.last_ms) / self._presence.alike_ms)
            home.last_ms = read.scene_ms
            item.nats = max(0.0, before - level)
            if item.nats >= params.back_nats and read.scene_ms - item.since_ms >= params.back_ms:
                return Return(key, item.since_ms, item.nats)
        return self._elsewhere(item, read)

    def _near(self, item: Item, read: TagRead, *, gap_ms: int, home: Heard | None) -> None:
        usual_ms = 4 * home.interval_ms if home is not None else 0.0
        if gap_ms > max(self._params.stay_gap_ms, usual_ms):
            item.stay.clear()
        key = read.reader, read.antenna
        stay = item.stay.get(key)
        if stay is None or read.rssi_dbm >= stay.level_dbm + self._params.laid_db:
            item.stay[key] = Stay(read.scene_ms, float(read.rssi_dbm))
        else:
            stay.add(read.rssi_dbm)

    def _elsewhere(self, item: Item, read: TagRead) -> Return | None:
        """Believe that an item lies where it did not before."""
        params = self._params
        key = max(item.stay, key=lambda one: item.stay[one].level_dbm)
        stay = item.stay[key]
        lasted_ms = read.scene_ms - stay.first_ms
        if lasted_ms < params.elsewhere_ms or stay.reads < params.settle_reads:
            return None
        nats = params.elsewhere_s * lasted_ms / 1000 + self._like_stock(stay, key=key)
        if nats < params.back_nats:
            return None
        item.ears = {
            one: Heard(
                read.scene_ms,
                near.level_dbm,
                Silences(keep=0.99),
                variance=near.variance,
                interval_ms=(read.scene_ms - near.first_ms) / near.reads,
                reads=near.reads,
            )
            for one, near in item.stay.items()
            if near.reads > 1
        }
        for one, heard in item.ears.items():
            heard.expect(self._stock.fields[one].silences, params=self._presence)
        return Return(key, stay.first_ms, nats)

    def _like_stock(self, stay: Stay, *, key: Key) -> float:
        """Give the evidence in a mean level: as what lies here sounds, or as what is carried."""
        levels = [item.ears[key].level_dbm for item in self._stock.fields[key].resting.values()]
        if not levels:
            return 0.0
        params = self._presence
        mean = sum(levels) / len(levels)
        variance = sum((level - mean) ** 2 for level in levels) / len(levels)
        spread = max(math.sqrt(variance), params.carried_sd_db)
        off = stay.level_dbm - mean
        nats = ((off - params.carried_db) ** 2 - min(off, 0.0) ** 2) / (2 * spread * spread)
        most = self._params.elsewhere_nats
        return min(max(nats, -most), most)
