"""A period beside an earlier one."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist
from typing import Self

from hub.reports.figures import Change, Z
from hub.reports.summary import Summary, compare

COVERAGE_APART = 0.05
"""Coverages further apart than this may be why a number of visits changed."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """What changed.

    Attributes:
        since: first day of the earlier period; ``until`` its last.
        warnings: why the two may not be alike.
        changes: figure by figure.
    """

    since: str
    until: str
    warnings: tuple[str, ...]
    changes: tuple[Change, ...]

    @classmethod
    def of(cls, now: Summary, *, before: Summary) -> Self:
        """Compare two periods of a store."""
        warnings = []
        if abs(now.coverage - before.coverage) > COVERAGE_APART:
            warnings.append(
                f"The devices saw {100 * before.coverage:.0f} % of the opening hours before and "
                f"{100 * now.coverage:.0f} % now: visits were counted in unlike parts of the day."
            )
        if len(now.days) % 7 != len(before.days) % 7:
            warnings.append(
                f"The earlier period has {len(before.days)} days and this one {len(now.days)}: "
                "the days of the week weigh differently."
            )
        if now.day <= before.until:
            warnings.append("The two periods overlap: what changed is partly hidden.")
        return cls(before.day, before.until, tuple(warnings), compare(now, before))

    @property
    def told(self) -> tuple[Change, ...]:
        """Give what went up or down, the clearest first."""
        found = [one for one in self.changes if one.verdict in {"up", "down"}]
        return tuple(sorted(found, key=lambda one: one.clearness, reverse=True))

    @property
    def sure(self) -> tuple[Change, ...]:
        """Give what went up or down beyond what chance makes of so many figures.

        In 19 of 20 comparisons in which nothing changed, this is empty (Bonferroni); of ``told``,
        one in twenty unchanged figures is.
        """
        least = NormalDist().inv_cdf(1 - 0.025 / max(1, len(self.changes))) / Z
        return tuple(one for one in self.told if one.clearness > least)
