"""What one visit may cost: the budget, its split over channels, and the ledger that holds to it.

Zero-concentrated differential privacy (zCDP), neighbours differ by one visit added or removed.
A channel adds discrete Gaussian noise to counts to which a visit adds at most 1 in at most
``clip`` cells, so its L2 sensitivity is sqrt(clip) and its cost is rho = clip / (2 sigma²).
A visit is counted in one window of each channel, so its whole cost is the sum over channels.

Source: Bun & Steinke 2016 (zCDP, composition); Canonne, Kamath & Steinke 2020, theorem 14
(discrete Gaussian, several coordinates) and proposition 12 (conversion to epsilon).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from edge.errors import PrivacyError
from edge.release.noise import standard_deviation
from wire import messages

STANDARD_RHO = 0.10
"""A visit's whole budget by default: epsilon 2.14 at delta 1e-6."""
CEILING_RHO = 8.0
"""No store may choose a weaker budget than this: beyond it counts are as good as bare."""
FLOOR_RHO = 1e-6
"""Below this the noise drowns any shop (sd over 1,500): a mistake, not a choice."""
DELTA = 1e-6

ChannelName = Literal["cells", "zones"]


@dataclass(frozen=True, slots=True)
class Rule:
    """A channel's part of the budget: ``share`` of the total, for ``clip`` cells a visit."""

    name: ChannelName
    period: Literal["hour", "day"]
    clip: int
    share: Fraction


RULES = (
    Rule("cells", "hour", clip=1, share=Fraction(20, 100)),
    Rule("zones", "day", clip=8, share=Fraction(40, 100)),
)
"""DESIGN.md's first split; the remaining 40 % are for channels to come and are not spent."""


@dataclass(frozen=True, slots=True)
class ChannelBudget:
    """What one visit spends in one channel, and the noise that makes it so.

    Attributes:
        rho: cost of one visit here.
        variance: the noise's exact parameter sigma², never below clip / (2 rho).
        sd: standard deviation of the noise on each count.
    """

    name: ChannelName
    period: Literal["hour", "day"]
    clip: int
    rho: float
    variance: Fraction
    sd: float
    standard: bool


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
            if rule.clip < 1 or rule.share <= 0:
                raise PrivacyError(f"channel {rule.name}: clip and share must be positive")

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

    def channel(self, name: ChannelName) -> ChannelBudget:
        """Give one channel's part.

        Raises:
            PrivacyError: nothing is set aside for it.
        """
        for rule in self.rules:
            if rule.name == name:
                return self._channel(rule)
        raise PrivacyError(f"no budget is set aside for channel {name!r}")

    def tightened(self, max_rho: float) -> Budget:
        """Give the budget under a hub's wish: the smaller of the two, never a looser one.

        Raises:
            PrivacyError: the wish is no budget at all (zero, negative, not a number).
        """
        if not max_rho >= FLOOR_RHO:
            raise PrivacyError(f"the hub asked for rho {max_rho}; {FLOOR_RHO} is the least")
        return self if max_rho >= self.rho else Budget(max_rho, self.rules)

    def message(self) -> messages.Privacy:
        """Tell the budget as the contract does, for reports and data-protection officers."""
        return messages.Privacy(
            rho=self.rho,
            epsilon=self.epsilon,
            delta=DELTA,
            standard=self.standard,
            channels=tuple(
                messages.Channel(name=c.name, period=c.period, clip=c.clip, rho=c.rho, sd=c.sd)
                for c in self.channels
            ),
        )

    def _channel(self, rule: Rule) -> ChannelBudget:
        exact = rule.clip / (2 * Fraction(self.rho) * rule.share)
        # Rounded up, so that short integers suffice and the cost never exceeds its part.
        variance = Fraction(math.ceil(exact * 10_000), 10_000)
        return ChannelBudget(
            name=rule.name,
            period=rule.period,
            clip=rule.clip,
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

    return min(at(1 + math.exp(step / 100)) for step in range(-1200, 1400))


class Ledger:
    """Holds every channel to one release per period: a visit's part is spent once.

    Windows of a channel may not overlap, or the visits in the overlap would pay twice.
    """

    def __init__(self) -> None:
        self._until_ms: dict[ChannelName, int] = {}

    def spend(self, channel: ChannelName, *, start_ms: int, end_ms: int) -> None:
        """Enter one release of a channel over scene time [start, end).

        Raises:
            PrivacyError: that period, or part of it, has been released already.
        """
        until_ms = self._until_ms.get(channel)
        if end_ms <= start_ms:
            raise PrivacyError(f"channel {channel}: an empty period cannot be released")
        if until_ms is not None and start_ms < until_ms:
            raise PrivacyError(f"channel {channel}: this period has been released already")
        self._until_ms[channel] = end_ms
