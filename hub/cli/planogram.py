"""What merchandisers ask after they rearranged a shelf: ``report --changed``."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

from hub.cli.terminal import opened
from hub.errors import ConfigError

if TYPE_CHECKING:  # numpy is not needed by other commands
    from pathlib import Path

    from hub.reports.planogram import Planogram

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
    from hub.day import load_change  # noqa: PLC0415 - other commands need no numpy
    from hub.reports.beside import PlanogramParams  # noqa: PLC0415 - the same

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
    last = asked.on + timedelta(days=params.longest - 1)
    if asked.until is not None and not asked.on <= asked.until <= last:
        raise ConfigError(f"--to {asked.until}: from {asked.on} to {last}")
    with opened(config, db) as there:
        others = len(there.stores()) - 1
        if others > 0:
            print(f"reading {others} other stores …", file=sys.stderr)
        return load_change(
            there, store=asked.store, zone=asked.zone, on=asked.on, until=asked.until, params=params
        )
