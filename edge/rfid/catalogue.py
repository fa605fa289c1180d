"""The shop's catalogue: what a product class is, from a CSV file with a checked header."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation

from edge.errors import ConfigError
from edge.rfid.epc import check_digit

NEEDED = ("class", "category", "price", "size", "promo")
OPTIONAL = ("promo_from", "promo_until", "tags", "decision_s")
BASKET_TAGS = ("children", "ready-to-eat", "fitness", "formal", "organic")
"""What a shop may say of its goods; they describe baskets, never people."""
STAFF = "staff"
"""Tag of the class of badges that staff wear."""
GTIN_LENGTHS = (8, 12, 13, 14)
"""GTIN-8, -12 (UPC), -13 (EAN) and -14; shorter ones are filled up with zeros on the left."""
YES_NO = {"yes": True, "no": False, "": False}


@dataclass(frozen=True, slots=True)
class Product:
    """What is known of a class.

    Attributes:
        product_class: GTIN-14.
        category: the shop's own word.
        price: in the shop's currency; None where the file leaves it out.
        size: of the pack, in the shop's own words.
        promo: it is, or between the dates will be, on promotion.
        promo_from: first day of the promotion; None is since ever.
        promo_until: last day; None is for ever.
        tags: some of ``BASKET_TAGS``, or ``STAFF``; None where the file has no such column.
        decision_s: what choosing one of this category usually takes; None where not given.
    """

    product_class: str
    category: str
    price: Decimal | None
    size: str
    promo: bool
    promo_from: date | None = None
    promo_until: date | None = None
    tags: frozenset[str] | None = None
    decision_s: float | None = None

    def on_promotion(self, day: date) -> bool:
        """Tell whether it is on promotion on a day of the shop's calendar."""
        return (
            self.promo
            and (self.promo_from is None or self.promo_from <= day)
            and (self.promo_until is None or day <= self.promo_until)
        )


class Catalogue:
    """All products, by class; ``product_class in catalogue`` tells whether it is one."""

    def __init__(self, products: dict[str, Product]) -> None:
        self._products = products

    def __contains__(self, product_class: object) -> bool:
        return product_class in self._products

    def __len__(self) -> int:
        return len(self._products)

    def __iter__(self) -> Iterator[Product]:
        return iter(self._products.values())

    def product(self, product_class: str) -> Product | None:
        """Give a class's product, or None for one the catalogue lacks."""
        return self._products.get(product_class)


def parse_catalogue(text: str, *, where: str) -> Catalogue:
    """Read a catalogue.

    Args:
        text: comma-separated, the first line ``class,category,price,size,promo`` in any order, and
            ``promo_from,promo_until`` if there is a calendar: first and last day, YYYY-MM-DD; also
            ``tags``, words of ``BASKET_TAGS`` with blanks between, or ``staff`` for a badge, and
            ``decision_s``, the category's usual seconds of choosing.
        where: the file's name, for errors.

    Raises:
        ConfigError: names file, line and mend.
    """
    rows = csv.reader(io.StringIO(text.removeprefix("\ufeff")), strict=True)
    products: dict[str, Product] = {}
    try:
        columns = _header(next(rows, []), where=where)
        for row in rows:
            if not row:
                continue
            here = f"{where} line {rows.line_num}"
            if len(row) != len(columns):
                raise ConfigError(
                    f"{here} has {len(row)} columns, the header {len(columns)}; put values with a "
                    "comma between double quotes"
                )
            product = _product(dict(zip(columns, map(str.strip, row), strict=True)), here=here)
            if product.product_class in products:
                raise ConfigError(f"{here}: class {product.product_class} is there twice; drop one")
            products[product.product_class] = product
    except csv.Error as error:
        raise ConfigError(f"{where} line {rows.line_num}: {error}; correct the quotes") from error
    if not products:
        raise ConfigError(f"{where} has no products; add a line for each class")
    return Catalogue(products)


def gtin14(digits: str) -> str | None:
    """Give a GTIN as 14 digits, or None for what is none.

    >>> gtin14("4012345100013")
    '04012345100013'
    >>> gtin14("4012345100014") is None
    True
    """
    if len(digits) not in GTIN_LENGTHS or not (digits.isascii() and digits.isdecimal()):
        return None
    full = digits.zfill(14)
    return full if check_digit(int(full[:-1])) == int(full[-1]) else None


def _header(row: list[str], *, where: str) -> list[str]:
    columns = [name.strip().lower() for name in row]
    if len(columns) == 1 and ";" in columns[0]:
        raise ConfigError(f"{where} is separated by semicolons; save it with commas")
    wanted = ",".join(NEEDED)
    for name in NEEDED:
        if name not in columns:
            raise ConfigError(
                f"{where}: the first line lacks the column {name!r}; it must name {wanted}"
            )
    for name in columns:
        if name not in NEEDED + OPTIONAL or columns.count(name) > 1:
            raise ConfigError(
                f"{where}: column {name!r} is unknown or there twice; allowed are {wanted} and "
                f"{','.join(OPTIONAL)}"
            )
    return columns


def _product(row: dict[str, str], *, here: str) -> Product:
    product_class = gtin14(row["class"])
    if product_class is None:
        raise ConfigError(
            f"{here}: class {row['class']!r} is no GTIN of 8, 12, 13 or 14 digits with a right "
            "check digit; a spreadsheet may have cut zeros or rounded it"
        )
    if not row["category"]:
        raise ConfigError(f"{here}: the category is empty; give every class one")
    promo = YES_NO.get(row["promo"].lower())
    if promo is None:
        raise ConfigError(f"{here}: promo is {row['promo']!r}; write yes or no")
    begins, ends = (
        _day(row.get(name, ""), name=name, here=here) for name in ("promo_from", "promo_until")
    )
    if (begins or ends) and not promo:
        raise ConfigError(f"{here} has promotion days but promo is not yes; set one right")
    if begins and ends and ends < begins:
        raise ConfigError(f"{here}: promo_until is before promo_from; swap them")
    price = _price(row["price"], here=here)
    return Product(
        product_class,
        row["category"],
        price,
        row["size"],
        promo,
        begins,
        ends,
        tags=_tags(row["tags"], here=here) if "tags" in row else None,
        decision_s=_seconds(row.get("decision_s", ""), here=here),
    )


def _tags(text: str, *, here: str) -> frozenset[str]:
    allowed = (*BASKET_TAGS, STAFF)
    for word in text.split():
        if word not in allowed:
            raise ConfigError(f"{here}: tag {word!r} is unknown; allowed are {', '.join(allowed)}")
    return frozenset(text.split())


def _seconds(text: str, *, here: str) -> float | None:
    if not text:
        return None
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < math.inf:
        raise ConfigError(f"{here}: decision_s is {text!r}; write seconds, like 12")
    return seconds


def _price(text: str, *, here: str) -> Decimal | None:
    if not text:
        return None
    try:
        price = Decimal(text)
    except InvalidOperation:
        price = Decimal(-1)
    if not price.is_finite() or price < 0:
        raise ConfigError(f"{here}: price {text!r} is none; write it like 12.50, without currency")
    return price


def _day(text: str, *, name: str, here: str) -> date | None:
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise ConfigError(f"{here}: {name} is {text!r}; write a day like 2026-03-07") from error
