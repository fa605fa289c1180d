"""The names a rule may use: what they mean, what they can be, and how finely a release tells."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from hub.segments.context import WEEKDAYS, Source, Surroundings
from hub.segments.hours import cells_of
from hub.segments.rules import Value, Values
from wire.codebook import Codebook
from wire.messages import Meta

Kind = Literal["number", "text", "truth"]
Grain = Literal["cell", "hour", "day", "tag"]
"""What tells a value apart: a codebook's cells, the hour, the day, or a tag's daily count."""
MOST_VALUES = 7
"""Of a number's known values so many are tried when a rule is checked."""

PATTERN_WORDS = {
    "showroomer": "looked at goods in earnest and left without any",
    "wanderer": "walked about rather than to something",
    "indecisive": "took long to choose",
    "bargain": "was drawn to promotions",
    "quality": "kept what is dear within its category",
}
CONTEXT_WORDS = {
    "context.weekday": "the weekday",
    "context.hour": "the hour",
    "context.daypart": "the part of the day",
    "context.date": "the date",
    "context.month": "the month",
    "store.name": "the store",
}
TRAIT_WORDS = {
    "duration_s": "seconds in the store",
    "path_m": "metres walked",
    "excess_path": "times longer than the way had to be",
    "stops": "stops at fixtures",
    "engaged_s": "seconds at goods in earnest",
    "put_back_ratio": "part of what was picked that went back",
    "kept": "items kept",
    "picks": "items taken in hand",
    "basket_size": "items that went along",
    "basket_value": "value of the basket",
    "promo_picks": "part of the picks on promotion",
    "price_tier": "how dear within its category, 0 to 1",
    "premium_share": "part of the basket that is premium",
}


TIER_WORDS = {"price-low": "cheap", "price-middle": "of a middle price", "price-high": "dear"}


@dataclass(frozen=True, slots=True)
class Term:
    """One name.

    Attributes:
        words: what it is, for people.
        values: that it is known to take; of a number a few, from least to greatest.
    """

    path: str
    kind: Kind
    grain: Grain
    words: str
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Every name, and the cells of every codebook in use.

    Attributes:
        cells: by codebook version.
        channels: what the agents release, by channel: hour or day.
    """

    terms: Mapping[str, Term]
    cells: Mapping[str, Sequence[Values]]
    channels: Mapping[str, str]

    def nearest(self, path: str) -> str | None:
        """Give the known name that looks most like this one."""
        near = difflib.get_close_matches(path, self.terms, n=1, cutoff=0.4)
        return near[0] if near else None


def vocabulary(
    metas: Iterable[Meta],
    *,
    surroundings: Surroundings,
    tags: Sequence[str] = (),
    stores: Sequence[str] = (),
    codebooks: Sequence[Codebook] = (),
) -> Vocabulary:
    """Gather the names that hold for a chain.

    Args:
        metas: of its agents.
        surroundings: context beside the releases.
        tags: labels that tag channels have released.
        stores: their names.
        codebooks: further ones.
    """
    metas = list(metas)
    books = {book.version: book for book in (*codebooks, *(meta.codebook for meta in metas))}
    cells = {version: cells_of(book) for version, book in books.items()}
    terms = {
        term.path: term
        for term in (*_cell_terms(cells), *_calendar(metas, stores=stores), *_tag_terms(tags))
    }
    terms |= {term.path: term for term in _outside(surroundings)}
    channels = {one.name: one.period for meta in metas for one in meta.privacy.channels}
    return Vocabulary(terms, cells, channels)


def words_for(path: str) -> str:
    """Say what a name means, known to the stores or not."""
    root, _, name = path.partition(".")
    if root == "pattern":
        return f"the chance that a visit {PATTERN_WORDS.get(name, 'shows ' + name)}"
    if root == "trait":
        words = TRAIT_WORDS.get(name, name.replace("_", " "))
        if name.startswith("basket_") and name not in TRAIT_WORDS:
            words = f"that the {name.replace('_', ' ')} products are held (0 to 1)"
        return f"the typical {words}"
    if root == "tag" and name in TIER_WORDS:
        return f"the basket is {TIER_WORDS[name]} within its categories"
    if root == "tag":
        return f"the basket holds {name.replace('_', ' ').replace('-', ' ')} products"
    return CONTEXT_WORDS.get(path, path.replace(".", "'s ").replace("_", " "))


def _cell_terms(cells: Mapping[str, Sequence[Values]]) -> Iterable[Term]:
    values: dict[str, list[float]] = {}
    for book in cells.values():
        for cell in book:
            for path, value in cell.items():
                values.setdefault(path, []).append(float(value))
    for path, found in values.items():
        yield Term(path, "number", "cell", words_for(path), _few(found))


def _calendar(metas: Sequence[Meta], *, stores: Sequence[str]) -> Iterable[Term]:
    parts = tuple(dict.fromkeys(part for meta in metas for part in meta.dayparts))
    hours = sorted({hour for meta in metas for hour in _open_hours(meta)}) or list(range(24))
    known: tuple[tuple[str, Kind, Grain, tuple[Value, ...]], ...] = (
        ("context.weekday", "text", "day", WEEKDAYS),
        ("context.hour", "number", "hour", tuple(hours)),
        ("context.daypart", "text", "hour", parts),
        ("context.date", "text", "day", ()),
        ("context.month", "number", "day", tuple(range(1, 13))),
        ("store.name", "text", "day", tuple(stores)),
    )
    for path, kind, grain, values in known:
        yield Term(path, kind, grain, words_for(path), values)


def _open_hours(meta: Meta) -> Iterable[int]:
    first, last = (int(clock[:2]) for clock in (meta.opens, meta.closes))
    if meta.closes[3:] != "00":
        last += 1
    return ((hour % 24) for hour in range(first, last + (24 if last <= first else 0)))


def _tag_terms(tags: Sequence[str]) -> Iterable[Term]:
    for tag in tags:
        yield Term(f"tag.{tag}", "truth", "tag", words_for(f"tag.{tag}"), (False, True))


def _outside(surroundings: Surroundings) -> Iterable[Term]:
    attributes: dict[str, list[Value]] = {}
    for known in surroundings.stores.values():
        for name, value in known.items():
            attributes.setdefault(f"store.{name}", []).append(value)
    for path, values in attributes.items():
        yield _term(path, values, grain="day")
    for source in surroundings.sources:
        yield from _source_terms(source)


def _source_terms(source: Source) -> Iterable[Term]:
    hourly = any(hour >= 0 for _store, _day, hour in source.rows)
    for column in source.columns:
        values = [row[column] for row in source.rows.values() if column in row]
        if source.kind == "periods":
            values.append(source.outside[column])
        yield _term(
            f"{source.name}.{column}",
            values,
            grain="hour" if hourly else "day",
        )


def _term(path: str, values: Sequence[Value], *, grain: Grain) -> Term:
    words = words_for(path)
    if all(isinstance(value, bool) for value in values):
        return Term(path, "truth", grain, words, (False, True))
    if all(isinstance(value, int | float) for value in values):
        return Term(path, "number", grain, words, _few([float(value) for value in values]))
    return Term(path, "text", grain, words, tuple(sorted({str(value) for value in values})))


def _few(values: Sequence[float]) -> tuple[float, ...]:
    found = sorted(set(values))
    if len(found) <= MOST_VALUES:
        return tuple(found)
    last = len(found) - 1
    return tuple(found[round(n * last / (MOST_VALUES - 1))] for n in range(MOST_VALUES))
