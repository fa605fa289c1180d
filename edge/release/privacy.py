"""What one visit may cost: the budget, its split over channels, and the ledger that holds to it.

Zero-concentrated differential privacy (zCDP), neighbours differ by one visit added or removed.
A channel adds discrete Gaussian noise to integers to which a visit adds a vector of squared length
``clip * unit²`` at most: 1 in at most ``clip`` cells, or, in ``sums``, deviations in parts of
``unit``, rounded before they are measured, so that rounding is within the bound. The cost is
rho = clip unit² / (2 sigma²). A visit is counted in one window of each channel, so its whole cost
is the sum over channels.

What counts as a visit is a track that was followed to its end. Somebody whose track is lost k - 1
times is counted as k visits, which cost up to k² rho if all fall into the same windows and cells
(group privacy: Bun & Steinke 2016, proposition 27), and k rho if none do; how often this happens
is released (``visits``). A party of k people together is k visits in the same way.

The promise is about a visit's own record. What somebody's presence changes in the records of
others (who of two took a thing, who hid whom from the camera, who walked together) is not bounded.

Source: Bun & Steinke 2016 (zCDP, composition); Canonne, Kamath & Steinke 2020, theorem 14
(discrete Gaussian, several coordinates) and proposition 12 (conversion to epsilon).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from fractions import Fraction
from typing import Literal

from edge.errors import PrivacyError
from edge.release.noise import standard_deviation
from wire import messages
from wire.messages import SUMS_UNIT, ChannelName

STANDARD_RHO = 0.10
"""A visit's whole budget by default: epsilon 2.14 at delta 1e-6."""
CEILING_RHO = 8.0
"""No store may choose a weaker budget than this: beyond it counts are as good as bare."""
FLOOR_RHO = 1e-6
"""Below this the noise drowns any shop (sd over 1,500): a mistake, not a choice."""
DELTA = 1e-6

Period = Literal["hour", "day"]


@dataclass(frozen=True, slots=True)
class Rule:
    """A channel's part of the budget: ``share`` of the total, for ``clip`` cells a visit.

    Attributes:
        unit: what is counted is told in such parts: 1 for visits.
    """

    name: ChannelName
    period: Period
    clip: int
    share: Fraction
    unit: int = 1


RULES = (
    Rule("cells", "hour", clip=1, share=Fraction(10, 100)),
    Rule("day_cells", "day", clip=1, share=Fraction(16, 100)),
    Rule("sums", "day", clip=1, share=Fraction(7, 100), unit=SUMS_UNIT),
    Rule("zones", "day", clip=12, share=Fraction(34, 100)),
    Rule("walked", "day", clip=64, share=Fraction(7, 100)),
    Rule("stood", "day", clip=8, share=Fraction(7, 100)),
    Rule("flow", "day", clip=12, share=Fraction(8, 100)),
    Rule("goods", "day", clip=4, share=Fraction(4, 100)),
    Rule("tags", "day", clip=4, share=Fraction(4, 100)),
    Rule("visits", "day", clip=1, share=Fraction(3, 100)),
)
"""How a visit's budget is split; ``tests/figures/privacy_split.py`` shows what is readable by it.

A clip is a bound for large shops: it is never more than the cells there are to touch (``fitted``).
"""


@dataclass(frozen=True, slots=True)
class ChannelBudget:
    """What one visit spends in one channel, and the noise that makes it so.

    Attributes:
        unit: what is counted is told in such parts.
        rho: cost of one visit here.
        variance: the noise's exact parameter sigma², never below ``bound / (2 rho)``.
        sd: standard deviation of the noise on each count.
    """

    name: ChannelName
    period: Period
    clip: int
    unit: int
    rho: float
    variance: Fraction
    sd: float
    standard: bool

    @property
    def bound(self) -> int:
        """The squared length of what one visit may add."""
        return self.clip * self.unit * self.unit


@dataclass(frozen=True, slots=True)
class Budget:
    """One visit's budget over every channel and period.

    Raises:
        PrivacyError: the total is outside what an agent accepts, or channels exceed it.
    """

    rho: float = STANDARD_RHO
    rules: tuple[Rule, ...] = RULES

    def __post_init__(self) -> None:
        """Refuse totals and splits that would break the promise."""
        if not FLOOR_RHO <= self.rho <= CEILING_RHO:
            raise PrivacyError(
                f"a budget of rho {self.rho} is outside {FLOOR_RHO} to {CEILING_RHO}; "
                f"the standard is {STANDARD_RHO}, larger is weaker"
            )
        spent = sum((rule.share for rule in self.rules), Fraction(0))
        if spent > 1:
            raise PrivacyError(f"channels would spend {float(spent):.0%} of a visit's budget")
        for rule in self.rules:
            if rule.clip < 1 or rule.share <= 0 or rule.unit < 1:
                raise PrivacyError(f"channel {rule.name}: clip, share and unit must be positive")
        names = [rule.name for rule in self.rules]
        if len(set(names)) < len(names):
            raise PrivacyError("a channel is there twice, and would be released twice")

    @property
    def standard(self) -> bool:
        """Whether this is the standard protection or a stronger one."""
        return self.rho <= STANDARD_RHO

    @property
    def epsilon(self) -> float:
        """The whole budget as epsilon at ``DELTA``."""
        return epsilon_of(self.rho)

    @property
    def channels(self) -> tuple[ChannelBudget, ...]:
        """Give every channel's part, in a fixed order."""
        return tuple(self._channel(rule) for rule in self.rules)

    @property
    def spent(self) -> float:
        """What a visit spends if it is counted in every channel; never more than ``rho``."""
        return float(Fraction(self.rho) * sum((rule.share for rule in self.rules), Fraction(0)))

    def channel(self, name: ChannelName) -> ChannelBudget:
        """Give one channel's part.

        Raises:
            PrivacyError: nothing is set aside for it.
        """
        for rule in self.rules:
            if rule.name == name:
                return self._channel(rule)
        raise PrivacyError(f"no budget is set aside for channel {name!r}")

    def fitted(self, most: Mapping[ChannelName, int]) -> Budget:
        """Give the budget of a store in which a visit can touch only so many cells.

        Fewer cells need less noise for the same promise. Channels that have none are left out, and
        what they would have cost is not spent.

        Args:
            most: cells by channel; from the plan and the catalogue alone, never from visits.
        """
        rules = (replace(rule, clip=min(rule.clip, most.get(rule.name, 0))) for rule in self.rules)
        return replace(self, rules=tuple(rule for rule in rules if rule.clip))

    def tightened(self, max_rho: float) -> Budget:
        """Give the budget under a hub's wish: the smaller of the two, never a looser one.

        Raises:
            PrivacyError: the wish is no budget at all (zero, negative, not a number).
        """
        if not max_rho >= FLOOR_RHO:
            raise PrivacyError(f"the hub asked for rho {max_rho}; {FLOOR_RHO} is the least")
        return self if max_rho >= self.rho else replace(self, rho=max_rho)

    def message(self) -> messages.Privacy:
        """Tell the budget as the contract does, for reports and data-protection officers."""
        return messages.Privacy(
            rho=self.rho,
            epsilon=self.epsilon,
            delta=DELTA,
            standard=self.standard,
            channels=tuple(
                messages.Channel(
                    name=c.name, period=c.period, clip=c.clip, rho=c.rho, sd=c.sd, unit=1 / c.unit
                )
                for c in self.channels
            ),
        )

    def _channel(self, rule: Rule) -> ChannelBudget:
        exact = rule.clip * rule.unit**2 / (2 * Fraction(self.rho) * rule.share)
        # Rounded up, so that short integers suffice and the cost never exceeds its part.
        variance = Fraction(math.ceil(exact * 10_000), 10_000)
        return ChannelBudget(
            name=rule.name,
            period=rule.period,
            clip=rule.clip,
            unit=rule.unit,
            rho=float(Fraction(self.rho) * rule.share),
            variance=variance,
            sd=standard_deviation(variance),
            standard=self.standard,
        )


def epsilon_of(rho: float, *, delta: float = DELTA) -> float:
    """Convert rho-zCDP to the epsilon of (epsilon, delta)-differential privacy.

    Every order above 1 gives a bound that holds; the least of a fine grid of orders is given.

    Source: Canonne, Kamath & Steinke 2020, proposition 12.

    >>> round(epsilon_of(0.1), 2)
    2.14
    """

    def at(order: float) -> float:
        slack = math.log(1 / delta) + (order - 1) * math.log1p(-1 / order) - math.log(order)
        return order * rho + slack / (order - 1)

    return min(at(1 + math.exp(step / 100)) for step in range(-1200, 1400, 5))


@dataclass(frozen=True, slots=True)
class Spent:
    """What was released of one channel, over all starts of the agent.

    Attributes:
        since: start of the first window, aware UTC.
        until: end of the last one; nothing that ended before it is released again.
        windows: how many.
        most_rho: what a visit in any of them has spent here at most.
    """

    since: datetime
    until: datetime
    windows: int
    most_rho: float


class Ledger:
    """Holds every channel to one release per period: a visit's part is spent once.

    Windows of a channel may not overlap, or the visits in the overlap would pay twice; not even
    those of an earlier start, or what is replayed would be told twice with fresh noise.

    Args:
        spent: what earlier starts have released.
    """

    def __init__(self, spent: Mapping[ChannelName, Spent] | None = None) -> None:
        self._spent = dict(spent or {})

    @property
    def spent(self) -> dict[ChannelName, Spent]:
        """What was released, by channel."""
        return dict(self._spent)

    @property
    def until(self) -> datetime | None:
        """The instant before which something was released; None if nothing ever was."""
        return max((one.until for one in self._spent.values()), default=None)

    def spend(self, channel: ChannelBudget, *, start: datetime, end: datetime) -> None:
        """Enter one release of a channel over [start, end).

        Raises:
            PrivacyError: that period, or part of it, has been released already.
        """
        name = channel.name
        before = self._spent.get(name)
        if end <= start:
            raise PrivacyError(f"channel {name}: an empty period cannot be released")
        if before is not None and start < before.until:
            raise PrivacyError(f"channel {name}: this period has been released already")
        self._spent[name] = Spent(
            since=before.since if before else start,
            until=end,
            windows=1 + (before.windows if before else 0),
            most_rho=max(channel.rho, before.most_rho if before else 0.0),
        )
