"""What is wrong with a segment before it is saved: found here, not by a number that stays zero."""

from __future__ import annotations

import difflib
import itertools
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from hub.segments.definition import NEEDS, Definition
from hub.segments.rules import Array, Rule, RuleError, Value, Values, compile_rule, weights
from hub.segments.vocabulary import Term, Vocabulary

MOST_CONTEXTS = 4_000
"""Different hours that are tried: 7 weekdays x 24 hours x 12 months x 2 of something else fit."""
_NO_CELL = "is told by no cell of a codebook that is in use; their share by the day is in reports"
UNPLACED = {
    "pattern.bargain": f"{_NO_CELL} (`aisle-hub patterns`)",
    "pattern.quality": f'{_NO_CELL}, and tag["price-high"] are the baskets that are dear',
}
"""What to say where a rule asks for what comes from other counts than cells."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to know of a segment.

    Attributes:
        severity: ``error`` (it is not saved), ``abstains`` (it is saved, and tells nothing until
            the stores release what it needs) or ``note``.
        text: what is the matter, and the mend.
    """

    severity: str
    text: str


def check(definition: Definition, *, vocabulary: Vocabulary) -> list[Finding]:
    """Check a segment against everything that is known.

    Returns:
        Errors first; nothing if all is well.
    """
    try:
        rule = compile_rule(definition.rule)
    except RuleError as error:
        return [Finding("error", f"the rule {error}")]
    found = list(_names(rule, definition=definition, vocabulary=vocabulary))
    if not found:
        found += _support(rule, vocabulary=vocabulary)
        found += _texts(rule, vocabulary=vocabulary)
    if not any(one.severity == "error" for one in found):
        found += _values(rule, vocabulary=vocabulary, whole=not found)
    return sorted(found, key=lambda one: ("error", "abstains", "note").index(one.severity))


def missing(definition: Definition, *, vocabulary: Vocabulary) -> list[str]:
    """List what a segment needs and the stores do not release; then it abstains."""
    names = compile_rule(definition.rule).names.paths
    paths = [*names, *(need for need in definition.needs if need not in NEEDS)]
    lacking = [path for path in dict.fromkeys(paths) if path not in vocabulary.terms]
    if "tags" in definition.needs and not _has_tags(vocabulary) and not lacking:
        lacking.append("tags")
    return lacking


def _has_tags(vocabulary: Vocabulary) -> bool:
    return any(
        term.grain == "tag" or path.startswith("trait.basket_")
        for path, term in vocabulary.terms.items()
    )


def _names(rule: Rule, *, definition: Definition, vocabulary: Vocabulary) -> Iterator[Finding]:
    for name in rule.names.bare:
        near = vocabulary.nearest(name)
        yield Finding("error", f"{name!r} is no name" + (f"; did you mean {near}?" if near else ""))
    for path in rule.names.paths:
        if path in vocabulary.terms:
            continue
        if _declared(path, definition=definition):
            yield Finding(
                "abstains",
                f"no store releases {path} yet, which this segment says it needs: "
                + _how_to_get(path),
            )
            continue
        if path in UNPLACED:
            yield Finding("error", f"which visits show {path} {UNPLACED[path]}")
            continue
        near = vocabulary.nearest(path)
        yield Finding(
            "error",
            f"{path!r} is not known"
            + (f"; did you mean {near}?" if near else "")
            + f"; if stores will release it later, say needs = [{path!r}]".replace("'", '"'),
        )


def _declared(path: str, *, definition: Definition) -> bool:
    tag_like = path.startswith(("tag.", "trait.basket_"))
    priced = path in {"trait.price_tier", "trait.premium_share", "trait.basket_value"}
    return (
        path in definition.needs
        or (tag_like and "tags" in definition.needs)
        or (priced and "prices" in definition.needs)
    )


def _how_to_get(path: str) -> str:
    if path.startswith("tag."):
        return "the shop's catalogue must tag goods, and the agent release its tags channel"
    if path in UNPLACED:
        return f"which visits show it {UNPLACED[path]}"
    if path.startswith("pattern."):
        return "a codebook that is scored on it must be published"
    if path.startswith("trait."):
        return "a codebook that places visits by it must be published"
    return "context.toml must name a source of it"


def _support(rule: Rule, *, vocabulary: Vocabulary) -> Iterator[Finding]:
    terms = [vocabulary.terms[path] for path in rule.names.paths]
    tags = [term for term in terms if term.grain == "tag"]
    if not tags:
        return
    for term in terms:
        if term.grain == "hour":
            yield Finding(
                "error",
                f"{tags[0].path} is released by the day: which baskets held it at which "
                f"{term.path.split('.')[1]} is not known; leave {term.path} out",
            )
        elif term.grain == "cell":
            yield Finding(
                "error",
                f"tags are counted apart from the codebook: which visits with {tags[0].path} also "
                f"had {term.path} is not known; use trait.basket_… of a codebook that has it",
            )
    if len({term.path for term in tags}) > 1:
        yield Finding(
            "error",
            "each tag is counted by itself: which baskets held both of two is not known",
        )


def _texts(rule: Rule, *, vocabulary: Vocabulary) -> Iterator[Finding]:
    terms = [vocabulary.terms[path] for path in rule.names.paths]
    known = {str(v) for term in terms if term.kind == "text" for v in term.values}
    if not known or any(term.kind == "text" and not term.values for term in terms):
        return
    for text in rule.names.texts:
        if text not in known and not rule.program.functions().count("startsWith"):
            lowered = {value.lower(): value for value in known}
            near = difflib.get_close_matches(text.lower(), lowered, n=1, cutoff=0.3)
            begins = [value for low, value in lowered.items() if text.lower().startswith(low)]
            hint = begins or [lowered[one] for one in near]
            yield Finding(
                "error",
                f'"{text}" is never a value here'
                + (f'; did you mean "{hint[0]}"?' if hint else "")
                + f"; known are {', '.join(sorted(known)[:12])}",
            )


def _values(rule: Rule, *, vocabulary: Vocabulary, whole: bool) -> Iterator[Finding]:
    """Try the rule on every cell and kind of hour."""
    contexts = contexts_of(rule, vocabulary=vocabulary)
    results: list[Array] = []
    try:
        results += [
            weights(rule, cells=cells, contexts=contexts) for cells in vocabulary.cells.values()
        ]
    except RuleError as error:
        yield Finding("error", f"the rule cannot be evaluated: {error}")
        return
    if not whole or not results:
        return
    told = np.concatenate([one[~np.isnan(one)] for one in results])
    if told.size == 0:
        yield Finding("abstains", "what the rule asks for is known of no hour")
    elif not told.any():
        yield Finding("error", "never true, for any cell and hour" + _why_never(rule, vocabulary))
    elif (told == 1.0).all():
        yield Finding("error", "always true: every visit would be in it")
    else:
        yield from _by_book(results, versions=list(vocabulary.cells))


def _by_book(results: Sequence[Array], *, versions: Sequence[str]) -> Iterator[Finding]:
    for version, result in zip(versions, results, strict=True):
        told = result[~np.isnan(result)]
        if told.size == 0:
            yield Finding("note", f"codebook {version!r} does not tell what the rule asks for")
        elif not told.any():
            yield Finding("note", f"never true with codebook {version!r}")


def _why_never(rule: Rule, vocabulary: Vocabulary) -> str:
    spans = [
        f"{path} is {min(map(float, term.values)):.3g} to {max(map(float, term.values)):.3g}"
        for path in rule.names.paths
        if (term := vocabulary.terms[path]).kind == "number" and term.values
    ]
    return f"; {', '.join(spans)}" if spans else ""


def contexts_of(rule: Rule, *, vocabulary: Vocabulary) -> list[Values]:
    """List hours of every kind the rule tells apart; thinned evenly where there are too many."""
    terms = [
        vocabulary.terms[path]
        for path in rule.names.paths
        if path in vocabulary.terms and vocabulary.terms[path].grain != "cell"
    ]
    choices = [_choices(term) for term in terms]
    many = math.prod(len(choice) for choice in choices)
    step = math.ceil(many / MOST_CONTEXTS)
    rows: Iterable[tuple[Value, ...]] = itertools.islice(itertools.product(*choices), 0, None, step)
    return [dict(zip((term.path for term in terms), row, strict=True)) for row in rows]


def _choices(term: Term) -> Sequence[Value]:
    if term.path == "context.date":
        return ("2026-01-01", "2026-06-15", "2026-12-31")
    return term.values or ("",)
