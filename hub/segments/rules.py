"""Rules in CEL: compiled once, evaluated for each kind of cell in each kind of hour."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.machinery import PathFinder
from importlib.util import find_spec, module_from_spec
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hub.errors import ConfigError
from hub.segments.tokens import Names, names_of

if TYPE_CHECKING:
    import cel

Value = float | int | str | bool
Values = Mapping[str, Value]
"""What is known, by path: ``{"pattern.wanderer": 0.6, "context.hour": 17}``."""
Array = NDArray[np.float64]
Ints = NDArray[np.int64]
CELL_ROOTS = ("pattern", "trait")
"""Roots of the names a codebook cell gives values to."""


class RuleError(ConfigError):
    """A rule cannot be read, or cannot be evaluated; its text says where and what to write."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A compiled rule, and the weights it gave so far, by the values it asked for."""

    text: str
    names: Names
    program: cel.Program
    given: dict[tuple[Value | None, ...], float] = field(
        default_factory=dict, init=False, compare=False, repr=False
    )

    @property
    def tagged(self) -> bool:
        """Whether it is over a basket tag, whose visits are counted by themselves."""
        return any(path.startswith("tag.") for path in self.names.paths)


def compile_rule(text: str) -> Rule:
    """Read a rule.

    Raises:
        RuleError: it is no CEL, or a name is indexed by something that is only known later.
    """
    try:
        program = _compile(text)
    except ValueError as error:
        raise RuleError(_syntax(text, str(error))) from error
    names = names_of(text)
    if names.indexed:
        root = names.indexed[0]
        raise RuleError(f"{root}[…]: write the name itself, like {root}.name")
    return Rule(text, names, program)


def weight(rule: Rule, values: Values) -> float:
    """Give a visit's weight in the segment, 0 to 1; NaN where the rule asks for what is not known.

    Raises:
        RuleError: types do not fit, a function is unknown, or the result is no weight.
    """
    tree: dict[str, dict[str, Value]] = {path.split(".")[0]: {} for path in rule.names.paths}
    for path in rule.names.paths:
        if path in values:
            root, name = path.split(".", 1)
            tree[root][name] = values[path]
    try:
        result = rule.program.execute(tree)
    except (KeyError, ZeroDivisionError):
        return math.nan
    except (TypeError, RuntimeError, ValueError, OverflowError) as error:
        raise RuleError(_types(str(error))) from error
    if isinstance(result, bool):
        return float(result)
    if not isinstance(result, int | float) or not 0.0 <= result <= 1.0:
        raise RuleError(
            f"it gives {result!r}; a rule gives true or false, or a weight of 0.0 to 1.0"
        )
    return float(result)


def weights(rule: Rule, *, cells: Sequence[Values], contexts: Sequence[Values]) -> Array:
    """Evaluate a rule for every cell in every context.

    Each different set of the values it asks for is evaluated once, however many hours, cells and
    stores share it.

    Args:
        rule: compiled.
        cells: what is known of each cell of one codebook.
        contexts: what is known of each hour.

    Returns:
        (contexts, cells); NaN where the rule asks for what is not known.

    Raises:
        RuleError: as ``weight``.
    """
    of_cell = [p for p in rule.names.paths if p.split(".")[0] in CELL_ROOTS]
    of_hour = [p for p in rule.names.paths if p.split(".")[0] not in CELL_ROOTS]
    kinds: dict[tuple[Value | None, ...], int] = {}
    which = np.array(
        [
            kinds.setdefault(tuple(context.get(path) for path in of_hour), len(kinds))
            for context in contexts
        ],
        dtype=np.intp,
    )
    rows = np.empty((len(kinds), len(cells)))
    cell_keys = [tuple(cell.get(path) for path in of_cell) for cell in cells]
    for hour_key, row in kinds.items():
        hour = {p: v for p, v in zip(of_hour, hour_key, strict=True) if v is not None}
        for column, cell_key in enumerate(cell_keys):
            key = hour_key + cell_key
            if key not in rule.given:
                rule.given[key] = weight(rule, {**hour, **cells[column]})
            rows[row, column] = rule.given[key]
    return rows[which] if len(contexts) else np.empty((0, len(cells)))


def _compile(text: str) -> cel.Program:
    """Compile by CEL's extension module alone: its package loads a command line of its own too."""
    name = "cel.cel"
    if name not in sys.modules:
        package = find_spec("cel")
        inside = package.submodule_search_locations if package else None
        spec = PathFinder.find_spec(name, inside)
        if spec is None or spec.loader is None:
            raise ImportError(f"{name} is not there: is common-expression-language installed?")
        module = module_from_spec(spec)
        spec.loader.exec_module(module)
        sys.modules[name] = module  # it can be loaded but once
    program: cel.Program = sys.modules[name].compile(text)
    return program


def _syntax(text: str, message: str) -> str:
    head = message.rsplit("ERROR: <input>:", maxsplit=1)[-1]
    where, _, rest = head.partition(": ")
    line, _, column = where.partition(":")
    if not column.isdigit():
        return f"cannot be read: {message}"
    what = rest.split(" expecting {")[0].splitlines()[0]
    lines = [*text.splitlines(), ""]
    near = lines[min(int(line), len(lines)) - 1][max(0, int(column) - 12) : int(column) + 8]
    return f"cannot be read at line {line}, column {column}, near {near!r}: {what}"


def _types(message: str) -> str:
    first = message.split(". ", maxsplit=1)[0].removesuffix(".")
    if "+" in first or "-" in first or "*" in first or "/" in first:
        return f"{first}; numbers in arithmetic must be alike: write 1.0, not 1"
    if "Undefined" in first:
        return f"{first}; see `aisle-hub segments explain --names`"
    return f"{first}: a text is compared with a number, or a number stands for true or false"
