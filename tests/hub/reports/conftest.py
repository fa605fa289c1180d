"""Days of a shop with known rates, released with exact discrete Gaussian noise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray

from hub.patterns.confusion import shipped
from hub.reports.period import PeriodData
from wire.codebook import default_codebook
from wire.messages import DROPPED, OUTCOMES, PARTY, SEEN, Axis, ChannelName, Meta, Release, Zone

BOOK = default_codebook()
HOURS = tuple(range(9, 19))
SD: dict[ChannelName, float] = {
    "cells": 7.1, "day_cells": 5.6, "zones": 8.5, "walked": 67.6, "stood": 23.9, "flow": 27.4,
    "goods": 22.4, "tags": 22.4, "visits": 12.9,
}  # fmt: skip
"""At the standard budget, five zones shopped; edge/release/README.md."""
STOPPING = {"aisle-1": 0.3, "aisle-2": 0.45, "aisle-3": 0.35, "aisle-4": 0.4, "promo": 0.5}
COMING = {"aisle-1": 0.5, "aisle-2": 0.6, "aisle-3": 0.45, "aisle-4": 0.4, "promo": 0.8}
WAYS = {
    ("entrance", "promo"): 0.5, ("entrance", "aisle-1"): 0.35, ("entrance", "till"): 0.02,
    ("entrance", "exit"): 0.05, ("promo", "aisle-2"): 0.3, ("aisle-1", "aisle-2"): 0.25,
    ("aisle-2", "aisle-3"): 0.3, ("aisle-3", "aisle-4"): 0.25, ("aisle-4", "till"): 0.3,
    ("till", "exit"): 0.45,
}  # fmt: skip
GOODS = {"coffee": (0.12, 0.03), "tea": (0.05, 0.03), "honey": (0.02, 0.001)}
TAGS = {"organic": 0.05, "children": 0.12}
WEEK = (0.85, 0.85, 0.9, 0.95, 1.25, 1.5, 0.7)
EXIT = Zone("exit", "exit", "Exit", ((8.6, 0.0), (11.4, 0.0), (11.4, 1.3), (8.6, 1.3)))


def discrete_gaussian(sd: float, size: int, *, rng: np.random.Generator) -> NDArray[np.int64]:
    """Draw from the distribution the agents draw from, to within what a double holds."""
    grid = np.arange(-int(12 * sd) - 1, int(12 * sd) + 2)
    weights = np.exp(-(grid**2) / (2 * sd * sd))
    return rng.choice(grid, size=size, p=weights / weights.sum())


@dataclass
class Shop:
    """Makes the releases of days; every truth is an attribute.

    Attributes:
        noise: how much of the standard noise there is; 0 leaves counts bare.
        stopping: of the passers of a zone, who stop; half for long, where a reader is 15 % of
            those put back and 25 % keep.
        tiers: of the visits, whose basket is of which price tier; none are told without.
    """

    visits: int = 2400
    seed: int = 1
    noise: float = 1.0
    week: tuple[float, ...] = WEEK
    stopping: dict[str, float] = field(default_factory=lambda: dict(STOPPING))
    coming: dict[str, float] = field(default_factory=lambda: dict(COMING))
    plan: str = "plan-1"
    standard: bool = True
    tiers: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._rng = np.random.default_rng(self.seed)
        self._seq = 0
        self.truth: dict[date, int] = {}

    def meta(self, base: Meta) -> Meta:
        return msgspec.structs.replace(
            base, codebook=BOOK, zones=(*base.zones, EXIT), simulated=True, dayparts=("day",)
        )

    def period(self, since: date, days: int, *, meta: Meta) -> PeriodData:
        releases = [r for n in range(days) for r in self.day(since + timedelta(days=n), meta=meta)]
        until = since + timedelta(days=days - 1)
        return PeriodData("berlin-1", since, until, {"north": [meta]}, releases)

    def day(self, day: date, *, meta: Meta) -> list[Release]:
        """Give a day's releases."""
        rng = self._rng
        hours = np.array([0.6, 0.8, 1, 1.3, 1, 0.8, 0.9, 1.2, 1.5, 0.9])
        mean = self.visits * self.week[day.weekday()] * hours / hours.sum()
        hourly = rng.poisson(mean)
        visits = int(hourly.sum())
        self.truth[day] = visits
        confusion = shipped(BOOK)
        assert confusion is not None
        table = np.array(confusion.counts).sum(axis=0)
        labels = (*(str(k) for k in range(len(BOOK.cells))), DROPPED)
        cells = [[*rng.multinomial(n, table / table.sum()), 0] for n in hourly]
        found = [
            self._release("cells", day, [Axis("cell", labels)], row, hour=hour)
            for hour, row in zip(HOURS, cells, strict=True)
        ]
        found.append(self._release("day_cells", day, [Axis("cell", labels)], np.sum(cells, axis=0)))
        found.append(self._zones(day, visits, meta=meta))
        found += [self._floor("walked", day, visits), self._floor("stood", day, visits)]
        return [*found, *self._rest(day, visits, meta=meta)]

    def _zones(self, day: date, visits: int, *, meta: Meta) -> Release:
        rows = []
        for zone, coming in self.coming.items():
            stop = self.stopping[zone]
            shares = [1 - stop, 0.5 * stop, 0.5 * stop, 0, 0]
            if any(one.id == zone and one.has_reader for one in meta.zones):
                shares = [1 - stop, 0.3 * stop, 0.3 * stop, 0.15 * stop, 0.25 * stop]
            rows.append(self._rng.multinomial(self._rng.binomial(visits, coming), shares))
        axes = [Axis("zone", tuple(self.coming)), Axis("daypart", ("day",)),
                Axis("outcome", OUTCOMES)]  # fmt: skip
        return self._release("zones", day, axes, np.array(rows))

    def _floor(self, channel: ChannelName, day: date, visits: int) -> Release:
        """Walk everywhere but in the north-east corner; stand along the second gondola."""
        norths, easts = np.mgrid[0:18, 0:12]
        likely = 0.1 + 0.4 * np.exp(-((easts - 3) ** 2) / 20 - (norths - 8) ** 2 / 60)
        if channel == "stood":
            likely = 0.25 * np.exp(-((easts - 4) ** 2) / 2 - (norths - 10) ** 2 / 8)
        likely[(norths >= 13) & (easts >= 9)] = 0
        counts = self._rng.binomial(visits, likely)
        axes = [Axis("north_m", tuple(str(n) for n in range(18))),
                Axis("east_m", tuple(str(n) for n in range(12)))]  # fmt: skip
        return self._release(channel, day, axes, counts)

    def _rest(self, day: date, visits: int, *, meta: Meta) -> list[Release]:
        rng = self._rng
        zones = tuple(zone.id for zone in meta.zones)
        flow = [[rng.binomial(visits, WAYS.get((a, b), 0)) for b in zones] for a in zones]
        handled = [[rng.binomial(visits, back), rng.binomial(visits, kept)]
                   for kept, back in GOODS.values()]  # fmt: skip
        tags = {tag: rng.binomial(visits, share) for tag, share in TAGS.items()}
        if self.tiers:
            rest = 1 - sum(self.tiers.values())
            dear = rng.multinomial(visits, [*self.tiers.values(), rest])
            tags |= dict(zip(self.tiers, dear, strict=False))
        seen = rng.multinomial(visits, [0.7, 0.1, 0.1, 0.08, 0.01, 0.01])
        return [
            self._release("flow", day, [Axis("zone", zones), Axis("to_zone", zones)], flow),
            self._release("goods", day, [Axis("goods", tuple(GOODS)),
                                         Axis("outcome", ("put_back", "kept"))], handled),
            self._release("tags", day, [Axis("tag", tuple(tags))], [*tags.values()]),
            self._release("visits", day, [Axis("seen", SEEN), Axis("party", PARTY)], seen),
        ]  # fmt: skip

    def _release(
        self, channel: ChannelName, day: date, axes: list[Axis], counts: object,
        *, hour: int | None = None,
    ) -> Release:  # fmt: skip
        self._seq += 1
        sd = max(1e-3, SD[channel] * self.noise)
        table = np.asarray(counts, dtype=np.int64).ravel()
        if self.noise:
            table = table + discrete_gaussian(sd, table.size, rng=self._rng)
        start = datetime(day.year, day.month, day.day, hour or 0, tzinfo=UTC)
        return Release(
            epoch="00000000deadbeef", seq=self._seq, channel=channel, window_start=start,
            window_end=start + timedelta(hours=1 if hour is not None else 24), plan=self.plan,
            codebook=BOOK.version if channel in {"cells", "day_cells"} else "",
            axes=tuple(axes), counts=tuple(table.tolist()), sd=sd, rho=0.01,
            standard_privacy=self.standard, coverage=0.95,
        )  # fmt: skip


@pytest.fixture
def shop() -> Callable[..., Shop]:
    """Give a function (visits=, seed=, noise=, week=, stopping=, coming=) that makes a shop."""
    return Shop
