"""``aisle-hub agents``: who sends, how they are, how another one is let in."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from hub.cli.terminal import (
    EXIT_CODES,
    ConfigOption,
    DbOption,
    JsonOption,
    OneStoreOption,
    as_json_text,
    chosen,
    failures,
    opened,
)
from hub.config import Broker
from hub.errors import ConfigError, NoDataError
from hub.reports.status import agents_text, when
from hub.store_io.configs import ConfigTables, Scope
from hub.store_io.store import AgentRow, Store
from wire.messages import Config, Meta
from wire.topics import FROM_AGENT, FROM_HUB, NAME, Topic

PASSWORD_BYTES = 18
"""144 bits: nobody guesses it."""
LARGEST_RHO = 8.0
"""No agent accepts a weaker budget than this in its own file; to ask for it tightens nothing."""
SMALLEST_RHO = 1e-6
"""Agents refuse less as a mistake."""

app = typer.Typer(
    help="Who sends, how they are, how another one is let in.",
    epilog=EXIT_CODES,
    no_args_is_help=True,
)
PlaceArgument = Annotated[str, typer.Argument(metavar="STORE/AGENT", help="As berlin-1/north.")]


@app.command("list", epilog=EXIT_CODES)
def list_(
    store: OneStoreOption = None,
    config: ConfigOption = None,
    db: DbOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show every agent: state, last seen, releases, gaps, rejects, coverage."""
    with failures(), opened(config, db) as there:
        rows = there.agents(now=datetime.now(tz=UTC))
    rows = [row for row in rows if store in {None, row.store}]
    print(as_json_text({"agents": rows}) if as_json else agents_text(rows))


@app.command(epilog=EXIT_CODES)
def show(
    place: PlaceArgument,
    config: ConfigOption = None,
    db: DbOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show one agent: what it is, how its devices are, what it was asked and what it uses."""
    with failures():
        scope = _scope(place)
        with opened(config, db) as there:
            row = _row(there, scope)
            meta = there.metas(scope.store).get(scope.agent, [None])[-1]
            asked = ConfigTables(there).wanted().get((scope.store, scope.agent), Config())
            marks = [mark for mark in there.marks() if (mark.store, mark.agent) == _pair(scope)]
    if as_json:
        print(as_json_text({"agent": row, "meta": meta, "asked": _asked(asked), "marks": marks}))
        return
    print(f"agent     {place}, {row.state}; last heard {when(row.last_seen_at)}")
    print(f"releases  {row.releases}, the last {when(row.last_release_at)}; missing {row.missing}")
    for mark in marks:
        print(f"stream    {mark.epoch}: all up to {mark.seq} handled, the highest {mark.highest}")
    for line in [*_of_meta(meta, asked=asked), *_of_health(row)]:
        print(line)


@app.command(epilog=EXIT_CODES)
def enrol(
    place: PlaceArgument,
    config: ConfigOption = None,
    db: DbOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say what to paste where so that the broker lets a new agent in, a new password with it.

    Nothing is changed or kept: the password is only shown here, once.
    """
    with failures():
        scope = _scope(place)
        account = f"{scope.store}-{scope.agent}"
        taken = chosen(config, db=db)
        _refuse_namesake(scope, known=_known(config, db))
    password = secrets.token_urlsafe(PASSWORD_BYTES)
    acl = acl_lines(scope, account=account)
    toml = toml_lines(scope, account=account, broker=taken.broker)
    if as_json:
        told = {"account": account, "password": password, "acl": acl, "store_toml": toml}
        print(as_json_text(told))
        return
    print("1. On the broker, at the end of /etc/mosquitto/aislewise.acl:\n")
    print("\n".join(acl))
    print("\n2. There, with the password below, and then `sudo systemctl reload mosquitto`:\n")
    print(f"sudo mosquitto_passwd /etc/mosquitto/aislewise.passwd {account}")
    print("\n3. On the agent, in /etc/aislewise/password (mode 640), shown this once:\n")
    print(password)
    print("\n4. On the agent, in /etc/aislewise/store.toml:\n")
    print("\n".join(toml))


@app.command(epilog=EXIT_CODES)
def retire(
    place: PlaceArgument,
    config: ConfigOption = None,
    db: DbOption = None,
    as_json: JsonOption = False,
) -> None:
    """Expect nothing of an agent any more, so that `doctor` is silent about it.

    What is stored of it stays. Take its account from the broker, too; if it comes online again, it
    is expected again.
    """
    with failures():
        scope = _scope(place)
        with opened(config, db, edit=True) as there:
            there.retire(scope.store, agent=scope.agent, at=datetime.now(tz=UTC))
    print(as_json_text({"retired": place}) if as_json else f"{place} is retired")


@app.command(epilog=EXIT_CODES)
def tighten(  # noqa: PLR0917 - typer passes options by name
    rho: Annotated[
        float | None, typer.Argument(help="The most that agents may spend on a visit, as 0.05.")
    ] = None,
    lift: Annotated[bool, typer.Option("--lift", help="Take the wish back.")] = False,
    store: OneStoreOption = None,
    agent: Annotated[str | None, typer.Option("--agent", help="Of this agent only.")] = None,
    config: ConfigOption = None,
    db: DbOption = None,
    as_json: JsonOption = False,
) -> None:
    """Ask agents for more privacy than their own files promise; less cannot be asked for.

    Agents take it up at once. After --lift they go back to their own file when they restart.
    """
    with failures():
        if lift == (rho is not None):
            raise ConfigError("give a rho, or --lift")
        if rho is not None and not SMALLEST_RHO <= rho <= LARGEST_RHO:
            raise ConfigError(f"rho {rho:g}: {SMALLEST_RHO:g} to {LARGEST_RHO:g} can be asked for")
        scope = Scope(store or "", agent or "")
        with opened(config, db, edit=True) as there:
            ConfigTables(there).tighten(rho, scope=scope, at=datetime.now(tz=UTC))
    if as_json:
        print(as_json_text({"scope": scope, "max_rho": rho}))
    elif lift:
        print(f"{scope}: no budget is asked for any more")
    else:
        print(f"{scope}: asked to spend at most rho {rho:g}; a running hub tells them in seconds")


def acl_lines(scope: Scope, *, account: str) -> list[str]:
    """Give the broker's rules for one agent: writes its own topics, reads what is told it."""
    return [
        f"user {account}",
        *(f"topic write {Topic(scope.store, scope.agent, leaf)}" for leaf in FROM_AGENT),
        *(f"topic read {Topic(scope.store, scope.agent, leaf)}" for leaf in FROM_HUB),
    ]


def toml_lines(scope: Scope, *, account: str, broker: Broker) -> list[str]:
    """Give the lines of store.toml by which an agent reaches the broker that the hub uses."""
    tls = ['tls_ca = "/etc/aislewise/ca.pem"'] if broker.tls else []
    return [
        f'store = "{scope.store}"',
        f'agent = "{scope.agent}"',
        "",
        "[broker]",
        f'host = "{broker.host}"',
        f"port = {broker.port}",
        *tls,
        f'username = "{account}"',
        'password_file = "/etc/aislewise/password"',
    ]


def _scope(place: str) -> Scope:
    store, slash, agent = place.partition("/")
    if not slash or not NAME.fullmatch(store) or not NAME.fullmatch(agent):
        raise ConfigError(
            f"{place!r}: write it STORE/AGENT, each of a-z, 0-9 and hyphens, 32 at most"
        )
    return Scope(store, agent)


def _pair(scope: Scope) -> tuple[str, str]:
    return scope.store, scope.agent


def _row(there: Store, scope: Scope) -> AgentRow:
    for row in there.agents(now=datetime.now(tz=UTC)):
        if (row.store, row.agent) == _pair(scope):
            return row
    known = ", ".join(f"{store}/{agent}" for store, agent in there.places()) or "none"
    raise NoDataError(f"{scope}: it was never heard; known: {known}")


def _known(config: Path | None, db: Path | None) -> list[tuple[str, str]]:
    try:
        with opened(config, db) as there:
            return there.places()
    except NoDataError:  # agents may be enrolled before the hub has run
        return []


def _refuse_namesake(scope: Scope, *, known: list[tuple[str, str]]) -> None:
    """Refuse an account that another agent has already: a-b/c and a/b-c are both a-b-c."""
    for store, agent in known:
        if f"{store}-{agent}" == f"{scope.store}-{scope.agent}" and (store, agent) != _pair(scope):
            raise ConfigError(
                f"{scope}: its account would be that of {store}/{agent}; choose another name"
            )


def _asked(asked: Config) -> dict[str, Any]:
    version = asked.codebook.version if asked.codebook else None
    return {"codebook": version, "max_rho": asked.max_rho}


def _of_meta(meta: Meta | None, *, asked: Config) -> list[str]:
    if meta is None:
        return ["meta      none has arrived: what it is cannot be told"]
    wanted = _asked(asked)
    book = f"{meta.codebook.version}, asked for {wanted['codebook'] or 'none'}"
    rho = f"rho {meta.privacy.rho:g}, asked for at most {wanted['max_rho'] or 'its own'}"
    return [
        f"version   {meta.version}; plan {meta.plan}, {len(meta.zones)} zones"
        + ("; SIMULATED" if meta.simulated else ""),
        f"hours     {meta.opens}-{meta.closes} {meta.timezone}",
        f"codebook  {book}",
        f"privacy   {rho}, epsilon {meta.privacy.epsilon:.2f} at delta {meta.privacy.delta:g}",
    ]


def _of_health(row: AgentRow) -> list[str]:
    if row.health is None:
        return ["health    none has arrived"]
    lines = [
        f"health    up {row.health.up_s // 3600} h, sees {100 * row.health.coverage:.0f} %; clock "
        + ("synchronised" if row.health.clock_synchronised else "NOT SYNCHRONISED")
    ]
    for device in row.health.devices:
        counters = ", ".join(f"{name} {value}" for name, value in sorted(device.counters.items()))
        lines.append(
            f"  {device.kind} {device.name}: {device.state} {device.detail}".rstrip()
            + (f" ({counters})" if counters else "")
        )
    return lines
