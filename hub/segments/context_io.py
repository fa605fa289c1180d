"""Reads ``context.toml`` and the files and services it names."""

from __future__ import annotations

from pathlib import Path

import httpx

from hub.errors import ConfigError
from hub.segments.context import Source, SourceConfig, Surroundings, parse_context, parse_source

LARGEST_BYTES = 20_000_000
"""A year of hourly weather of a hundred stores is about 15 MB."""
TIMEOUT_S = 10.0


def read_surroundings(path: Path | None) -> Surroundings:
    """Read everything that is known beside the releases; nothing without a file.

    Raises:
        ConfigError: a file or service cannot be read, or says what cannot be understood.
    """
    if path is None:
        return Surroundings({})
    config = parse_context(_text(path), path=str(path))
    sources = tuple(_source(one, folder=path.parent) for one in config.source)
    return Surroundings(config.stores, sources)


def _source(config: SourceConfig, *, folder: Path) -> Source:
    body = _fetched(config) if config.url else _text(folder / config.csv)
    return parse_source(body, config=config)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read: {error}") from error


def _fetched(config: SourceConfig) -> str:
    body = bytearray()
    try:
        with httpx.stream("GET", config.url, timeout=TIMEOUT_S, follow_redirects=True) as answer:
            answer.raise_for_status()
            for piece in answer.iter_bytes():
                body += piece
                if len(body) > LARGEST_BYTES:
                    raise ConfigError(f"source {config.name}: over {LARGEST_BYTES:,} bytes")
        return body.decode("utf-8-sig")
    except (httpx.HTTPError, httpx.InvalidURL, UnicodeDecodeError) as error:
        raise ConfigError(f"source {config.name}: {config.url}: {error}") from error
