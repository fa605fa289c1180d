"""The tables, as numbered steps that are applied once each.

``store`` is first in every key. Instants are UTC text of one length, so that they sort; a
release's counts are one JSON vector. Only SQL that PostgreSQL runs too is used outside here.
"""

from __future__ import annotations

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations


def migrations() -> Migrations:
    """Give the steps; a new one is added at the end and none is ever changed."""
    steps = Migrations("aisle-hub")

    steps(name="0001_first")(_first)
    return steps


def _first(db: Database) -> None:
    db.table("releases").create(
        {
            "store": str,
            "agent": str,
            "epoch": str,
            "seq": int,
            "channel": str,
            "window_start": str,
            "window_end": str,
            "plan": str,
            "codebook": str,
            "axes": str,
            "counts": str,
            "sd": float,
            "rho": float,
            "standard_privacy": int,
            "coverage": float,
            "sha256": str,
            "made_at": str,
            "received_at": str,
        },
        pk=("store", "agent", "epoch", "seq"),
    )
    db.table("releases").create_index(["store", "channel", "window_start"])
    db.table("rejects").create(
        {
            "store": str,
            "agent": str,
            "topic": str,
            "sha256": str,
            "reason": str,
            "payload": bytes,
            "epoch": str,
            "seq": int,
            "first_at": str,
            "last_at": str,
            "times": int,
        },
        pk=("store", "topic", "sha256"),
    )
    db.table("rejects").create_index(["store", "agent", "epoch", "seq"])
    db.table("marks").create(
        {"store": str, "agent": str, "epoch": str, "seq": int, "highest": int, "at": str},
        pk=("store", "agent", "epoch"),
    )
    db.table("agents").create(
        {
            "store": str,
            "agent": str,
            "state": str,
            "state_at": str,
            "last_seen_at": str,
            "last_release_at": str,
            "repeats": int,
        },
        pk=("store", "agent"),
        defaults={"state": "unknown", "repeats": 0},
    )
    db.table("metas").create(
        {
            "store": str,
            "agent": str,
            "plan": str,
            "codebook": str,
            "topic": str,
            "payload": bytes,
            "at": str,
        },
        pk=("store", "agent", "plan", "codebook"),
    )
    db.table("health").create(
        {"store": str, "agent": str, "topic": str, "payload": bytes, "at": str},
        pk=("store", "agent"),
    )
    db.table("coverage_hours").create(
        {"store": str, "agent": str, "hour": str, "coverage_sum": float, "reports": int},
        pk=("store", "agent", "hour"),
    )
    db.table("links").create({"name": str, "state": str, "detail": str, "since": str}, pk="name")
