"""EPC to product class: where identity stops. A serial number is formed nowhere.

Source: GS1 EPC Tag Data Standard 2.3, §14.6.1 (SGTIN-96, SGTIN-198), §14.7 (SGTIN+, DSGTIN+ and
their ++ forms, which add a host name behind the serial), §7.1.3; its examples in annex E.3 are in
tests/edge/rfid/captures.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

MIN_KEY_BYTES, MAX_KEY_BYTES = 16, 32
TAG_BYTES = 16
_MAX_CLASSES = 10_000

_SGTIN_96 = 0x30
_SGTIN_198 = 0x36
_GTIN_FROM = {0xF7: 3, 0xFD: 3, 0xFB: 8, 0xFC: 8}
"""SGTIN+ and ++, DSGTIN+ and ++: the hex digit at which the GTIN's fourteen begin, behind header,
toggle and filter; and, of the latter two, a date."""
_BYTES_96 = 12
_SERIAL_96 = 38
"""Bits of a serial, the last of the tag."""
_BYTES = {_SGTIN_96: (_BYTES_96,), _SGTIN_198: (25, 26)}
"""198 bits, padded to bytes by some tools and to words on the air."""
_SCHEMES = {
    0x2C: "gdti-96",
    0x2D: "gsrn-96",
    0x2E: "gsrnp-96",
    0x2F: "usdod-96",
    0x30: "sgtin-96",
    0x31: "sscc-96",
    0x32: "sgln-96",
    0x33: "grai-96",
    0x34: "giai-96",
    0x35: "gid-96",
    0x36: "sgtin-198",
    0x37: "grai-170",
    0x38: "giai-202",
    0x39: "sgln-195",
    0x3A: "gdti-113",
    0x3B: "adi-var",
    0x3C: "cpi-96",
    0x3D: "cpi-var",
    0x3E: "gdti-174",
    0x3F: "sgcn-96",
    0x40: "itip-110",
    0x41: "itip-212",
    0xE6: "cpi++",
    0xE7: "gsrn++",
    0xE8: "gsrnp++",
    0xE9: "sgln++",
    0xEA: "gdti++",
    0xEB: "grai++",
    0xEC: "sgcn++",
    0xED: "itip++",
    0xEE: "giai++",
    0xEF: "sscc++",
    0xF0: "cpi+",
    0xF1: "grai+",
    0xF2: "sgln+",
    0xF3: "itip+",
    0xF4: "gsrn+",
    0xF5: "gsrnp+",
    0xF6: "gdti+",
    0xF7: "sgtin+",
    0xF8: "sgcn+",
    0xF9: "sscc+",
    0xFA: "giai+",
    0xFB: "dsgtin+",
    0xFC: "dsgtin++",
    0xFD: "sgtin++",
}
"""Headers of the standard, table 14-1; all but the SGTINs say what is no single item in a shop."""
_COMPANY = ((40, 12), (37, 11), (34, 10), (30, 9), (27, 8), (24, 7), (20, 6))
"""Partition to (bits, decimal digits) of the company prefix; the item reference has the rest."""
_SERIAL_AND_PADDING = (1 << 150) - 1
_PADDING = (1 << 10) - 1
"""Twenty 7-bit characters and ten zero bits fill SGTIN-198's last 150 bits."""
_ALLOWED = frozenset(
    b"!\"%&'()*+,-./0123456789:;<=>?ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz"
)
"""GS1 AI encodable character set 82."""
_FILTERS = (
    "all others",
    "point of sale item",
    "full case for transport",
    "reserved",
    "inner pack",
    "reserved",
    "unit load",
    "component inside a product",
)
"""Source: table 10-1 of the standard."""
_BODY_BITS = 44
_BODY_DIGITS = 13


class Unread(StrEnum):
    """Why an EPC gives no product class."""

    NOT_AN_ITEM = "not_an_item"
    UNKNOWN = "unknown"
    MALFORMED = "malformed"


class Item(NamedTuple):
    """What is kept of an EPC.

    Attributes:
        product_class: GTIN-14.
        tag: keyed hash of the EPC; ties reads of one tag together for one boot.
    """

    product_class: str
    tag: bytes

    def __repr__(self) -> str:
        return f"Item({self.product_class!r})"


@dataclass(frozen=True, slots=True)
class Explained:
    """What an EPC says of its class; nothing of the one item.

    Attributes:
        scheme: of the standard; empty if its header has none.
        gtin: GTIN-14, for an item.
        why: it gives no product class, otherwise.
        filter: what kind of package the tag is on.
        company: GS1 company prefix, where its length is told.
        reference: indicator and item reference, as in the class's URI.
        pattern: URI of the class in EPCIS.
    """

    scheme: str
    gtin: str = ""
    why: str = ""
    filter: str = ""
    company: str = ""
    reference: str = ""
    pattern: str = ""


class ProductClasses:
    """Reads EPCs, and forgets them.

    Args:
        key: 16 to 32 random bytes, made anew at every boot and stored nowhere, so that a tag's
            hash means nothing elsewhere or tomorrow.
    """

    def __init__(self, key: bytes) -> None:
        if not MIN_KEY_BYTES <= len(key) <= MAX_KEY_BYTES:
            raise ValueError(
                f"the key has {len(key)} bytes, not {MIN_KEY_BYTES} to {MAX_KEY_BYTES}"
            )
        self._classes: dict[int, str] = {}
        self._keyed = hashlib.blake2s(key=key, digest_size=TAG_BYTES)

    def read(self, epc: bytes) -> Item | Unread:
        """Give an EPC's product class and keyed hash, or why it has none."""
        found = self.product_class(epc)
        return found if isinstance(found, Unread) else Item(found, self.tag(epc))

    def product_class(self, epc: bytes) -> str | Unread:
        """Give what the function of this name gives; a shop sees few classes, again and again."""
        if len(epc) != _BYTES_96:
            return product_class(epc)
        head = int.from_bytes(epc, "big") >> _SERIAL_96
        found = self._classes.get(head)
        if found is None:
            found = product_class(epc)
            if not isinstance(found, Unread):  # then these bits hold no serial
                if len(self._classes) >= _MAX_CLASSES:
                    self._classes.clear()
                self._classes[head] = found
        return found

    def tag(self, epc: bytes) -> bytes:
        """Give an EPC's keyed hash."""
        keyed = self._keyed.copy()
        keyed.update(epc)
        return keyed.digest()


def product_class(epc: bytes) -> str | Unread:
    """Give the GTIN-14 an EPC carries, or why it carries none.

    >>> product_class(bytes.fromhex("3074257BF7194E4000001A85"))
    '80614141123458'
    """
    if not epc:
        return Unread.MALFORMED
    header = epc[0]
    if header in _GTIN_FROM:
        return _plus(epc)
    if header not in _BYTES:
        return Unread.NOT_AN_ITEM if header in _SCHEMES else Unread.UNKNOWN
    if len(epc) not in _BYTES[header] or (header == _SGTIN_198 and not _well_ended(epc)):
        return Unread.MALFORMED
    return _sgtin(int.from_bytes(epc[:8], "big") >> 6)


def explain(epc: bytes) -> Explained:
    """Tell what can be known of an EPC's class.

    >>> explain(bytes.fromhex("3074257BF7194E4000001A85")).pattern
    'urn:epc:idpat:sgtin:0614141.812345.*'
    """
    scheme = _SCHEMES.get(epc[0], "") if epc else ""
    found = product_class(epc)
    if isinstance(found, Unread):
        return Explained(scheme, why=found.value)
    if epc[0] in _GTIN_FROM:
        return Explained(scheme, found, filter=_FILTERS[epc[1] >> 4 & 0b111])
    head = int.from_bytes(epc[:8], "big") >> 6
    digits = _COMPANY[head >> _BODY_BITS & 0b111][1]
    company, reference = found[1 : 1 + digits], found[0] + found[1 + digits : _BODY_DIGITS]
    return Explained(
        scheme,
        found,
        filter=_FILTERS[head >> (_BODY_BITS + 3) & 0b111],
        company=company,
        reference=reference,
        pattern=f"urn:epc:idpat:sgtin:{company}.{reference}.*",
    )


def check_digit(digits: int) -> int:
    """Give the check digit of a GTIN's first thirteen digits.

    Source: GS1 General Specifications §7.9.1: weights 3 and 1 from the right.

    >>> check_digit(8_061_414_112_345)
    8
    """
    text = f"{digits:013d}"
    return -(3 * sum(map(int, text[::2])) + sum(map(int, text[1::2]))) % 10


def _sgtin(head: int) -> str | Unread:
    """Read header, filter, partition, company prefix and item reference: the first 58 bits."""
    partition = head >> _BODY_BITS & 0b111
    if partition >= len(_COMPANY):
        return Unread.MALFORMED
    bits, digits = _COMPANY[partition]
    company = (head >> (_BODY_BITS - bits)) & ((1 << bits) - 1)
    item = head & ((1 << (_BODY_BITS - bits)) - 1)
    item_digits = _BODY_DIGITS - digits
    if company >= 10**digits or item >= 10**item_digits:
        return Unread.MALFORMED
    indicator, reference = divmod(item, 10 ** (item_digits - 1))
    body = (indicator * 10**digits + company) * 10 ** (item_digits - 1) + reference
    return f"{body * 10 + check_digit(body):014d}"


def _plus(epc: bytes) -> str | Unread:
    start = _GTIN_FROM[epc[0]]
    digits = epc.hex()[start : start + 14]
    if len(epc) % 2 or len(digits) < _BODY_DIGITS + 1:  # on the air, an EPC has whole words
        return Unread.MALFORMED
    if not digits.isdecimal() or check_digit(int(digits[:-1])) != int(digits[-1]):
        return Unread.MALFORMED
    return digits


def _well_ended(epc: bytes) -> bool:
    """Tell whether the 7-bit characters end in NULs alone; what they spell is not looked at."""
    tail = int.from_bytes(epc.ljust(26, b"\0"), "big") & _SERIAL_AND_PADDING
    if tail & _PADDING:
        return False
    shift = _PADDING.bit_length()
    characters = [tail >> at & 0x7F for at in range(shift, shift + 140, 7)]
    blanks = next((n for n, character in enumerate(characters) if character), len(characters))
    return all(character in _ALLOWED for character in characters[blanks:])
