"""How the hub and its stores are: ``status``, ``stores``, ``doctor``."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

import typer

from hub.cli.terminal import (
    UNWELL,
    ConfigOption,
    DbOption,
    JsonOption,
    Progress,
    as_json_text,
    chosen,
    failures,
    opened,
    table,
)
from hub.reports.status import status_text
from hub.store_io.store import Store


@dataclass(frozen=True, slots=True)
class StoreRow:
    """One store; the hours are None while no agent has said what it is.

    Attributes:
        first_at: start of the oldest window that is stored; ``last_at`` of the newest.
        releases: by channel.
    """

    store: str
    agents: list[str]
    timezone: str | None
    opens: str | None
    closes: str | None
    simulated: bool
    first_at: datetime | None
    last_at: datetime | None
    releases: dict[str, int]


def status(config: ConfigOption = None, db: DbOption = None, as_json: JsonOption = False) -> None:
    """Show agents, last seen, gaps, coverage and rejects."""
    with failures(), opened(config, db) as store:
        agents, link = store.agents(now=datetime.now(tz=UTC)), store.link()
    if as_json:
        print(as_json_text({"broker": link, "agents": agents}))
    else:
        print(status_text(agents, link=link))


def stores(config: ConfigOption = None, db: DbOption = None, as_json: JsonOption = False) -> None:
    """Show every store: its agents, hours, and which days of which channels are there."""
    with failures(), opened(config, db) as store:
        found = _stores(store)
    if as_json:
        print(as_json_text({"stores": found}))
    elif found:
        heads = ("store", "agents", "hours", "first", "last", "releases")
        print(table(heads, [_cells(row) for row in found]))
    else:
        print("no store was heard yet")


def doctor(
    quick: Annotated[
        bool, typer.Option("--quick", help="Leave out reading the whole database.")
    ] = False,
    config: ConfigOption = None,
    db: DbOption = None,
    as_json: JsonOption = False,
) -> None:
    """Look at everything once, from disk to agents, and say how to mend what is wrong.

    Changes nothing. Ends with 5 if anything fails; warnings do not count.
    """
    with failures():
        taken = chosen(config, db=db)
        from hub.checking import CheckParams  # noqa: PLC0415 - only here
        from hub.checking_io import checks  # noqa: PLC0415 - paho is not needed by other commands

        found = []
        with Progress("looking") as progress:
            for check in checks(taken, quick=quick, alive=progress, params=CheckParams()):
                found.append(check)
                if not as_json:
                    print(f"{check.state:<4}  {check.what}: {check.found}")
                    if check.mend:
                        print(f"      → {check.mend}")
    if as_json:
        print(as_json_text({"checks": found}))
    if any(check.state == "fail" for check in found):
        raise typer.Exit(UNWELL)


def _stores(store: Store) -> list[StoreRow]:
    holdings = store.holdings()
    rows = []
    for name in store.stores():
        metas = [metas[-1] for metas in store.metas(name).values()]
        mine = [holding for holding in holdings if holding.store == name]
        rows.append(
            StoreRow(
                store=name,
                agents=store.agents_of(name),
                timezone=metas[0].timezone if metas else None,
                opens=metas[0].opens if metas else None,
                closes=metas[0].closes if metas else None,
                simulated=any(meta.simulated for meta in metas),
                first_at=min((one.first_at for one in mine), default=None),
                last_at=max((one.last_at for one in mine), default=None),
                releases={one.channel: one.releases for one in mine},
            )
        )
    return rows


def _cells(row: StoreRow) -> tuple[str, ...]:
    return (
        row.store + (" (simulated)" if row.simulated else ""),
        ", ".join(row.agents),
        f"{row.opens}-{row.closes} {row.timezone}" if row.opens else "-",
        f"{row.first_at:%Y-%m-%d}" if row.first_at else "-",
        f"{row.last_at:%Y-%m-%d}" if row.last_at else "-",
        str(sum(row.releases.values())),
    )
