"""What the hub asks of agents: codebooks by version, and which agent is to use which."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import msgspec

from hub.errors import ConfigError, NoDataError
from hub.store_io.connection import refusals, spelt, transaction
from hub.store_io.store import Store
from wire.codebook import Codebook
from wire.messages import Config

SQL_ASK = """
INSERT INTO configs (store, agent, codebook, max_rho, set_at) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (store, agent) DO UPDATE
SET codebook = COALESCE(excluded.codebook, configs.codebook),
    max_rho = COALESCE(excluded.max_rho, configs.max_rho), set_at = excluded.set_at"""
SQL_WITHIN = "store = COALESCE(?, store) AND agent = COALESCE(?, agent)"
"""Rows of a scope and of all narrower ones, given None for a name that is left open."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Which agents are meant: one, all of a store, or (both empty) all there are."""

    store: str = ""
    agent: str = ""

    def __str__(self) -> str:
        """Say it in words."""
        if self.agent:
            return f"agent {self.store}/{self.agent}"
        return f"all agents of store {self.store}" if self.store else "all agents"


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked of a scope; None where nothing is."""

    scope: Scope
    codebook: str | None
    max_rho: float | None
    set_at: datetime


class ConfigTables:
    """Reads and writes what is asked of the agents.

    Args:
        store: the database; writing needs ``Store.edit``.

    Raises:
        StoreError: from every method, when the database refuses; nothing of that call is stored.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._connection = store.connection

    def publish(self, codebook: Codebook, *, scope: Scope, at: datetime) -> None:
        """Ask a scope to count by a codebook; what narrower scopes were asked before is void.

        Raises:
            ConfigError: its version names another codebook already, here or in an agent.
            NoDataError: no agent of the scope was ever heard.
        """
        self._check_known(scope)
        self._check_version(codebook)
        body = msgspec.json.encode(codebook).decode()
        with refusals(), transaction(self._connection):
            self._connection.execute(
                "INSERT INTO codebooks (version, body, added_at) VALUES (?, ?, ?)"
                " ON CONFLICT (version) DO NOTHING",
                (codebook.version, body, spelt(at)),
            )
            self._connection.execute(
                f"UPDATE configs SET codebook = NULL, set_at = ? WHERE {SQL_WITHIN}",  # noqa: S608 - our own text
                (spelt(at), scope.store or None, scope.agent or None),
            )
            self._ask(scope, codebook.version, None, at)

    def tighten(self, max_rho: float | None, *, scope: Scope, at: datetime) -> None:
        """Ask a scope to spend no more than this on a visit; the least of all wishes holds.

        Args:
            max_rho: None takes the wish back, narrower ones too; an agent follows at its restart.
            scope: of whom.
            at: now.

        Raises:
            NoDataError: no agent of the scope was ever heard.
        """
        self._check_known(scope)
        with refusals(), transaction(self._connection):
            if max_rho is None:
                self._connection.execute(
                    f"UPDATE configs SET max_rho = NULL, set_at = ? WHERE {SQL_WITHIN}",  # noqa: S608 - our own text
                    (spelt(at), scope.store or None, scope.agent or None),
                )
            else:
                self._ask(scope, None, max_rho, at)

    def asked(self) -> list[Asked]:
        """Give what is asked, widest scope first."""
        with refusals():
            rows = self._connection.execute(
                "SELECT store, agent, codebook, max_rho, set_at FROM configs ORDER BY store, agent"
            ).fetchall()
        return [
            Asked(Scope(store, agent), codebook, rho, datetime.fromisoformat(at))
            for store, agent, codebook, rho, at in rows
        ]

    def codebooks(self) -> dict[str, Codebook]:
        """Give every codebook that was published, by version, oldest first."""
        with refusals():
            rows = self._connection.execute(
                "SELECT version, body FROM codebooks ORDER BY added_at, version"
            ).fetchall()
        return {name: msgspec.json.decode(body, type=Codebook) for name, body in rows}

    def wanted(self) -> dict[tuple[str, str], Config]:
        """Give the message for every agent of which anything is or was asked."""
        asked = {one.scope: one for one in self.asked()}
        if not asked:
            return {}
        books = self.codebooks()
        found = {}
        for place in self._store.places():
            mine = [
                asked[scope]
                for scope in (Scope(*place), Scope(place[0]), Scope())
                if scope in asked
            ]
            if mine:
                version = next((one.codebook for one in mine if one.codebook), None)
                rhos = [one.max_rho for one in mine if one.max_rho is not None]
                found[place] = Config(books[version] if version else None, min(rhos, default=None))
        return found

    def _ask(self, scope: Scope, codebook: str | None, max_rho: float | None, at: datetime) -> None:
        values = (scope.store, scope.agent, codebook, max_rho, spelt(at))
        self._connection.execute(SQL_ASK, values)

    def _check_known(self, scope: Scope) -> None:
        if scope.agent and not scope.store:
            raise ConfigError(f"--agent {scope.agent}: of which store? Add --store")
        places = self._store.places()
        if scope.store and not any(store == scope.store for store, _ in places):
            known = ", ".join(sorted({store for store, _ in places})) or "none"
            raise NoDataError(
                f"store {scope.store!r}: no agent of it was ever heard; known: {known}"
            )
        if scope.agent and (scope.store, scope.agent) not in places:
            known = ", ".join(agent for store, agent in places if store == scope.store)
            raise NoDataError(f"{scope}: it was never heard; known there: {known}")

    def _check_version(self, codebook: Codebook) -> None:
        for name, there in [*self.codebooks().items(), *self._store.codebooks().items()]:
            if name == codebook.version and there != codebook:
                raise ConfigError(
                    f"codebook version {name!r} is another codebook already, by which releases "
                    "are counted: give this one a new version"
                )
