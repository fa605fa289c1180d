from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.rfid.epc import Item, ProductClasses, Unread, check_digit, product_class

CAPTURES = json.loads((Path(__file__).parent / "captures" / "epc.json").read_text())
KEY = bytes(range(32))


@pytest.mark.parametrize("capture", CAPTURES["items"], ids=lambda c: c["hex"])
def test_published_items(capture: dict[str, str]) -> None:
    assert product_class(bytes.fromhex(capture["hex"])) == capture["gtin14"]


@pytest.mark.parametrize(
    ("hexes", "reason"),
    [
        ([c["hex"] for c in CAPTURES["not_items"]], Unread.NOT_AN_ITEM),
        ([c["hex"] for c in CAPTURES["malformed"]], Unread.MALFORMED),
        ([c["hex"] for c in CAPTURES["unknown"]], Unread.UNKNOWN),
        (["", "F737952114112345", "F73795211411234F38566CB0AFC4"], Unread.MALFORMED),
        (["FB342CDE795211411234528566CB0AFC4000", "FB342CDE79521141"], Unread.MALFORMED),
        (["FE342CDE795211411234538566CB0AFC4000", "00" * 12], Unread.UNKNOWN),
    ],
)
def test_what_is_no_item_says_why(hexes: list[str], reason: Unread) -> None:
    assert hexes
    for text in hexes:
        epc = bytes.fromhex(text)
        assert product_class(epc) is reason
        assert ProductClasses(KEY).read(epc) is reason


def sgtin96(company: int, item: int, *, partition: int, serial: int) -> bytes:
    bits = (40, 37, 34, 30, 27, 24, 20)[partition]
    head = (0x30 << 6 | 1 << 3 | partition) << 44 | company << (44 - bits) | item
    return (head << 38 | serial).to_bytes(12, "big")


@given(partition=st.integers(0, 6), data=st.data())
def test_digits_come_back_in_order(partition: int, data: st.DataObject) -> None:
    digits = 12 - partition
    company = data.draw(st.integers(0, 10**digits - 1))
    item = data.draw(st.integers(0, 10 ** (13 - digits) - 1))
    serial = data.draw(st.integers(0, 2**38 - 1))
    gtin = product_class(sgtin96(company, item, partition=partition, serial=serial))
    item_text = f"{item:0{13 - digits}d}"
    body = item_text[0] + f"{company:0{digits}d}" + item_text[1:]
    assert gtin == body + str(check_digit(int(body)))


@given(epc=st.binary(max_size=70))
def test_anything_gives_a_class_or_a_reason(epc: bytes) -> None:
    found = product_class(epc)
    assert isinstance(found, Unread) or (len(found) == 14 and found.isdecimal())
    read = ProductClasses(KEY).read(epc)
    if isinstance(read, Item):
        assert read.product_class == found
    else:
        assert read is found


@given(serials=st.lists(st.integers(0, 2**38 - 1), min_size=2, max_size=2, unique=True))
def test_the_hash_tells_tags_apart_and_boots_too(serials: list[int]) -> None:
    classes = ProductClasses(KEY)
    a, b = (classes.read(sgtin96(614141, 812345, partition=5, serial=s)) for s in serials)
    assert isinstance(a, Item)
    assert isinstance(b, Item)
    assert a.product_class == b.product_class
    assert a.tag != b.tag
    again = classes.read(sgtin96(614141, 812345, partition=5, serial=serials[0]))
    assert again == a
    other = ProductClasses(os.urandom(32)).read(
        sgtin96(614141, 812345, partition=5, serial=serials[0])
    )
    assert isinstance(other, Item)
    assert other.tag != a.tag


def test_nothing_shows_a_serial_or_a_hash() -> None:
    for capture in CAPTURES["items"]:
        epc = bytes.fromhex(capture["hex"])
        classes = ProductClasses(KEY)
        item = classes.read(epc)
        assert isinstance(item, Item)
        shown = repr(item) + repr(classes)
        assert capture["hex"].lower()[-12:] not in shown.lower()
        assert item.tag.hex() not in shown
        assert repr(item.tag) not in shown


def test_a_key_that_can_be_guessed_is_refused() -> None:
    with pytest.raises(ValueError, match="5 bytes, not 16 to 32"):
        ProductClasses(b"short")
