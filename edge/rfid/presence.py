"""How often and how loud an antenna hears a tag that rests, and what silences and levels say."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PresenceParams:
    """What a tag that is away sounds like. Defaults without a source are judgement.

    Attributes:
        usual: mean intervals between reads after which a silence starts to be one.
        burst_ms: how much longer than ``usual`` silences last on average, before it is measured:
            mean of the bad state of a Gilbert channel with 65 % of rounds answered.
        burst_floor_ms: never believed to be shorter,
        burst_intervals: nor than this share of the mean interval: what independent misses give an
            antenna that comes round seldom (at 65 % read, 1 / ln(1 / .35) rounds).
        burst_weight: silences that ``burst_ms``, or the antenna's mean for a tag, counts for.
        carried_db: level of an item in a hand or cart against its level on the shelf: body loss
            5 to 15 dB (physics recipe) and the arm's length.
        carried_sd_db: how much that differs.
        near_db: a body near a resting tag takes up to this much, at any time;
        shaded_db: and one in front of it this much (physics recipe: 5 to 15 dB), but then of
            others of the antenna's tags too.
        spread_db: least standard deviation believed of an item's level.
        fade: share of a resting tag's reads that are off by any amount: a null on one channel.
        fade_db: the range of that.
        alike_ms: levels heard within this time are one, for they come over one channel; readers
            hop every 0.2 to 0.4 s.
        level_reads: reads that its mean level is taken over.
    """

    usual: float = 2.0
    burst_ms: float = 500.0
    burst_floor_ms: float = 450.0
    burst_intervals: float = 0.6
    burst_weight: float = 20.0
    carried_db: float = -18.0
    carried_sd_db: float = 6.0
    near_db: float = -4.0
    shaded_db: float = -15.0
    spread_db: float = 3.0
    fade: float = 0.05
    fade_db: float = 40.0
    alike_ms: int = 400
    level_reads: int = 100


@dataclass(slots=True)
class Silences:
    """Mean by which silences exceed the usual interval, with a fading memory.

    Attributes:
        keep: share of the past kept when one is added.
    """

    keep: float
    sum_ms: float = 0.0
    count: float = 0.0

    def add(self, excess_ms: float) -> None:
        """Take one silence."""
        self.sum_ms = self.sum_ms * self.keep + excess_ms
        self.count = self.count * self.keep + 1.0

    def mean_ms(self, *, prior_ms: float, weight: float) -> float:
        """Give the mean, as if ``weight`` silences of ``prior_ms`` had come before."""
        return (self.sum_ms + prior_ms * weight) / (self.count + weight)


@dataclass(slots=True)
class Heard:
    """One tag at one antenna: the window of silence that means something adapts to it.

    As in SMURF (Jeffery, Garofalakis, Franklin, VLDB 2006), the rate of reads is measured per tag
    and antenna; here with the bursts in which they fail.

    Attributes:
        last_ms: the last read, or the end of a time in which the antenna was deaf.
        level_dbm: mean level while it rests.
        variance: of the level.
        interval_ms: mean time between reads while it rests.
        reads: so far.
        mean_ms: how long its silences exceed the usual.
    """

    last_ms: int
    level_dbm: float
    silences: Silences
    variance: float = 0.0
    interval_ms: float = 0.0
    reads: int = 1
    mean_ms: float = 0.0

    def silence_nats(self, silent_ms: float, *, params: PresenceParams) -> float:
        """Give the evidence for "away" in a silence."""
        excess_ms = silent_ms - params.usual * self.interval_ms
        return excess_ms / self.mean_ms if excess_ms > 0.0 else 0.0

    def level_nats(self, rssi_dbm: float, *, params: PresenceParams, body_db: float) -> float:
        """Give the evidence for "away" in one level: log likelihood of carried against lying.

        Args:
            rssi_dbm: the level.
            params: what is to be expected.
            body_db: what a body may take from it meanwhile; down to there, a level says nothing.
        """
        spread = max(math.sqrt(self.variance), params.spread_db)
        off = rssi_dbm - self.level_dbm
        lies = _bell(min(0.0, off - body_db), spread=spread)
        away = _bell(off - params.carried_db, spread=params.carried_sd_db)
        wide, sound = params.fade / params.fade_db, 1.0 - params.fade
        return math.log((sound * away + wide) / (sound * lies + wide))

    def learn(
        self, rssi_dbm: int, *, gap_ms: int, field: Silences, settled: bool, params: PresenceParams
    ) -> None:
        """Follow level, interval and silences of a tag that is surely there.

        Args:
            rssi_dbm: level of the read.
            gap_ms: since the one before.
            field: silences of all the antenna's tags; learns too.
            settled: whether the interval is known well enough to tell a silence.
            params: how long is remembered.
        """
        self.reads += 1
        weight = 1.0 / min(self.reads, params.level_reads)
        excess_ms = gap_ms - params.usual * self.interval_ms
        off = rssi_dbm - self.level_dbm
        self.level_dbm += weight * off
        self.variance += weight * (off * off * (1.0 - weight) - self.variance)
        self.interval_ms += weight * (gap_ms - self.interval_ms)
        if excess_ms > 0.0 and settled:
            self.silences.add(excess_ms)
            field.add(excess_ms)
        self.expect(field, params=params)

    def expect(self, field: Silences, *, params: PresenceParams) -> None:
        """Say how long silences are, from the tag's own and those of the whole antenna."""
        prior_ms = field.mean_ms(prior_ms=params.burst_ms, weight=params.burst_weight)
        mean_ms = self.silences.mean_ms(prior_ms=prior_ms, weight=params.burst_weight)
        self.mean_ms = max(
            mean_ms, params.burst_floor_ms, params.burst_intervals * self.interval_ms
        )


def _bell(off: float, *, spread: float) -> float:
    """Give the density of the normal distribution."""
    return math.exp(-off * off / (2 * spread * spread)) / (spread * math.sqrt(2 * math.pi))
