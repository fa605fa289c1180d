"""What merchandisers ask after they rearranged a shelf: ``report --changed``."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

from hub.cli.terminal import opened
from hub.errors import ConfigError, NoDataError

if TYPE_CHECKING:  # numpy is not needed by other commands
    from pathlib import Path

    from hub.reports.period import PeriodData
    from hub.reports.planogram import Planogram
    from hub.store_io.store import Store

PERCENT = (1, 200)
"""Changes one may ask for."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked, as it was typed.

    Attributes:
        zone: the changed place's id.
        on: the first day after the change.
        until: the last day to look at; four weeks after the change at most.
        effect: the smallest change one wants to know of, in per cent.
        before: days before the change to compare with.
    """

    store: str
    zone: str
    on: date
    until: date | None = None
    effect: float | None = None
    before: int | None = None


def planogram(asked: Asked, *, config: Path | None, db: Path | None) -> Planogram:
    """Work out what a change did.

    Raises:
        ConfigError: an option is out of its range.
        NoDataError: nothing is stored for it.
    """
    from hub.reports.beside import PlanogramParams  # noqa: PLC0415 - other commands need no numpy
    from hub.reports.planogram import planogram_of  # noqa: PLC0415 - the same

    params = PlanogramParams()
    if asked.effect is not None:
        if not PERCENT[0] <= asked.effect <= PERCENT[1]:
            raise ConfigError(
                f"--effect {asked.effect:g}: from {PERCENT[0]} to {PERCENT[1]} per cent"
            )
        params = replace(params, effect=asked.effect / 100)
    if asked.before is not None:
        if asked.before < params.least_before:
            raise ConfigError(f"--before {asked.before}: at least {params.least_before} days")
        params = replace(params, before=asked.before)
    last = asked.on + timedelta(days=params.after - 1)
    if asked.until is not None and not asked.on <= asked.until <= last:
        raise ConfigError(f"--to {asked.until}: from {asked.on} to {last}")
    days = asked.on - timedelta(days=params.before), asked.until or last
    with opened(config, db) as there:
        data = _loaded(there, store=asked.store, days=days)
        stores = [name for name in there.stores() if name != asked.store]
        if stores:
            print(f"reading {len(stores)} other stores …", file=sys.stderr)
        others = _others(there, stores=stores, days=days)
        return planogram_of(data, others=others, zone=asked.zone, on=asked.on, params=params)


def _others(there: Store, *, stores: list[str], days: tuple[date, date]) -> Iterator[PeriodData]:
    for store in stores:
        try:
            yield _loaded(there, store=store, days=days)
        except NoDataError:  # one that was not there in those days is no control
            continue


def _loaded(there: Store, *, store: str, days: tuple[date, date]) -> PeriodData:
    from hub.day import load_period  # noqa: PLC0415 - numpy is not needed by other commands
    from hub.reports.planogram import CHANNELS  # noqa: PLC0415 - the same

    return load_period(there, store=store, since=days[0], until=days[1], channels=CHANNELS)
