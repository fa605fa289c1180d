"""The ``aisle-hub`` command: parse, call, print; a module for each group of commands."""

from hub.cli.root import app, main

__all__ = ["app", "main"]  # the installed script, and tests, start here
