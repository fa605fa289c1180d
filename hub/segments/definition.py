"""What an operator writes of a segment: TOML, one table ``[[segment]]`` each."""

from __future__ import annotations

import difflib
from importlib import resources
from typing import Annotated

import msgspec

from hub.errors import ConfigError
from wire.messages import Name

Words = Annotated[str, msgspec.Meta(max_length=500)]
NEEDS = ("tags", "prices", "reader")
"""What a rule may say it needs beside names: for people, and for the reason it abstains."""


class Definition(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One version of a segment, as its operator means it.

    Attributes:
        rule: CEL over pattern, trait, tag, context and the sources of ``context.toml``; true or
            false, or a weight of 0.0 to 1.0, for a visit of one cell in one hour.
        needs: what a store must release, of ``NEEDS`` and names like ``trait.price_tier``; where
            it does not, the segment abstains and says so. Names listed here need not be known yet.
        stores: where it is looked for; empty for every store.
        goal: what should become of it.
        action: what to do about it.
        owner: who does it.
        stop: when to stop doing it.
        confirm_days: without anybody's confirmation for so long, it dissolves.
    """

    id: Name
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=80)]
    rule: Annotated[str, msgspec.Meta(min_length=1, max_length=2_000)]
    about: Words = ""
    needs: tuple[str, ...] = ()
    stores: tuple[Name, ...] = ()
    goal: Words = ""
    action: Words = ""
    owner: Words = ""
    stop: Words = ""
    confirm_days: Annotated[int, msgspec.Meta(ge=1, le=3_650)] = 90

    def __post_init__(self) -> None:
        """Refuse needs that mean nothing."""
        for need in self.needs:
            if need not in NEEDS and "." not in need:
                raise ValueError(
                    f"needs {need!r}: known are {', '.join(NEEDS)} and names like trait.price_tier"
                )


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    segment: tuple[Definition, ...]


def parse_definitions(text: str, *, path: str) -> tuple[Definition, ...]:
    r"""Read ``[[segment]]`` tables.

    Raises:
        ConfigError: names path and key, and the nearest key for one that is not known.

    >>> toml = '[[segment]]\nid = "a"\nname = "A"\nrule = "pattern.wanderer > 0.5"'
    >>> parse_definitions(toml, path="a.toml")[0].confirm_days
    90
    """
    try:
        found = msgspec.toml.decode(text, type=_File).segment
    except msgspec.DecodeError as error:
        raise ConfigError(f"{path}: {error}{_nearest_key(str(error))}") from error
    ids = [one.id for one in found]
    twice = sorted({one for one in ids if ids.count(one) > 1})
    if twice:
        raise ConfigError(f"{path}: {', '.join(twice)} stands there twice")
    return found


def templates() -> tuple[Definition, ...]:
    """Read the segments the trade knows, which ship with this release of aislewise."""
    text = resources.files("hub.segments").joinpath("templates", "trade.toml").read_text("utf-8")
    return parse_definitions(text, path="templates/trade.toml")


def as_toml(definition: Definition) -> str:
    """Write a definition as a table that ``parse_definitions`` reads."""
    lines = ["[[segment]]"]
    for key, value in msgspec.to_builtins(definition).items():
        if value in ("", []):
            continue
        # JSON's strings, numbers and lists of strings are TOML's too
        lines.append(f"{key} = {msgspec.json.encode(value).decode()}")
    return "\n".join(lines) + "\n"


def _nearest_key(message: str) -> str:
    if "unknown field" not in message:
        return ""
    wrong = message.split("`")[1]
    near = difflib.get_close_matches(wrong, Definition.__struct_fields__, n=1)
    return f" (did you mean {near[0]!r}?)" if near else ""
