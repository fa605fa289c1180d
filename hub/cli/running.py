"""``aisle-hub run``."""

from __future__ import annotations

import logging
import sys
from typing import Annotated

import typer

from hub.cli.terminal import ConfigOption, DbOption, chosen, failures


def run(  # noqa: PLR0917 - typer passes options by name
    config: ConfigOption = None,
    db: DbOption = None,
    broker_host: Annotated[str | None, typer.Option(help="Host of the MQTT broker.")] = None,
    broker_port: Annotated[int | None, typer.Option(help="Its port; 1883, or 8883 by TLS.")] = None,
    tls: Annotated[bool | None, typer.Option("--tls/--no-tls", help="Encrypt.")] = None,
    ca_file: Annotated[str | None, typer.Option(help="Certificates to trust (PEM).")] = None,
    username: Annotated[str | None, typer.Option(help="Name at the broker.")] = None,
    password_file: Annotated[
        str | None, typer.Option(help="File whose first line is the password.")
    ] = None,
) -> None:
    """Take releases from the broker into the database until interrupted.

    A message is acknowledged after it is committed. Options override hub.toml, whose keys are
    database, busy_ms, [broker] host port tls ca_file username password_file client_id keepalive_s,
    [batching] messages wait_ms retry_min_s retry_max_s,
    and [retention] releases_days rejects_days channels.
    """
    logging.basicConfig(
        stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s"
    )
    with failures():
        broker = {
            "host": broker_host,
            "port": broker_port,
            "tls": tls,
            "ca_file": ca_file,
            "username": username,
            "password_file": password_file,
        }
        taken = chosen(config, db=db, broker=broker)
        from hub.app import run as ingest  # noqa: PLC0415 - other commands start faster without

        ingest(taken)
