"""Reports in a browser: ``web``."""

from __future__ import annotations

import socket
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hub.cli.terminal import ConfigOption, DbOption, JsonOption, as_json_text, chosen, failures

if TYPE_CHECKING:  # a web server is not needed by other commands
    from hub.web_io import WebServer


def web(  # noqa: PLR0917 - typer passes options by name
    listen: Annotated[str, typer.Option("--listen", help="IP address to answer at.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option("--port", help="0 takes a free one.", min=0, max=65535)
    ] = 8780,
    context: Annotated[
        Path | None,
        typer.Option("--context", help="context.toml, for segments that ask for more."),
    ] = None,
    config: ConfigOption = None,
    db: DbOption = None,
    as_json: JsonOption = False,
) -> None:
    """Serve the reports to browsers, read-only, until Ctrl-C."""
    from hub.web_io import serve_web  # noqa: PLC0415 - only here

    def tell(server: WebServer) -> None:
        if as_json:
            print(as_json_text({"url": server.url, "token": server.token}), flush=True)
            return
        print(f"Open this in a browser (good once):\n\n    {server.link}\n", flush=True)

    with failures():
        config_ = chosen(config, db=db)
        if not as_json and not _is_loopback(listen):
            print(
                f"WARNING: listening on {listen} lets this network see the token and the pages, as "
                "nothing is encrypted. Better: keep to loopback, and from your laptop use "
                f"ssh -L {port}:127.0.0.1:{port} {socket.gethostname()}, or put a proxy with TLS "
                "before it."
            )
        serve_web(
            Path(config_.database),
            busy_ms=config_.busy_ms,
            listen=listen,
            port=port,
            context=context,
            tell=tell,
        )


def _is_loopback(listen: str) -> bool:
    try:
        return ip_address(listen).is_loopback
    except ValueError:  # told when it is bound
        return True
