"""``epcpy`` and ``pyepc``, which know nothing of us, on the same EPCs as ``edge.rfid.epc``."""

from __future__ import annotations

from typing import Any

import pytest
from epcpy import hex_to_tag_encodable
from epcpy.epc_schemes.giai import GIAI, GIAIFilterValue
from epcpy.epc_schemes.grai import GRAI, GRAIFilterValue
from epcpy.epc_schemes.sscc import SSCC, SSCCFilterValue
from hypothesis import given, settings
from hypothesis import strategies as st
from pyepc import SGTIN

from edge.rfid.epc import Unread, explain, product_class

# The standard allows 20 characters; pyepc 0.5.0 writes the last two of the 198 bits to the wrong
# end of the last hex digit. tests/edge/rfid/captures/epc.json has one of 20.
SERIAL = st.text(
    alphabet="!\"%&'()*+,-./0123456789:;<=>?ABCXYZ_abcxyz", min_size=1, max_size=19
).filter(lambda text: text[0] != "0")


@st.composite
def companies(draw: st.DrawFn) -> tuple[str, str]:
    """Give a company prefix, and indicator with item reference: thirteen digits together."""
    length = draw(st.integers(6, 12))
    digits = draw(st.text("0123456789", min_size=13, max_size=13))
    return digits[:length], digits[length:]


@settings(deadline=None, max_examples=150)
@given(parts=companies(), serial=st.integers(0, 2**38 - 1))
def test_sgtin_96_has_the_same_class(parts: tuple[str, str], serial: int) -> None:
    company, item = parts
    text = SGTIN(company, item[0], item[1:], str(serial)).encode(SGTIN.BinarySchemes.SGTIN_96)
    ours = product_class(bytes.fromhex(text))
    theirs: Any = hex_to_tag_encodable(text)
    assert ours == SGTIN.decode(text).gtin == theirs.gtin()
    assert explain(bytes.fromhex(text)).pattern == f"urn:epc:idpat:sgtin:{company}.{item}.*"


@settings(deadline=None, max_examples=100)
@given(parts=companies(), serial=SERIAL)
def test_sgtin_198_has_the_same_class(parts: tuple[str, str], serial: str) -> None:
    company, item = parts
    text = SGTIN(company, item[0], item[1:], serial).encode(SGTIN.BinarySchemes.SGTIN_198)
    assert product_class(bytes.fromhex(text)) == SGTIN.decode(text).gtin
    assert product_class(bytes.fromhex(text + "00")) == SGTIN.decode(text).gtin


@pytest.mark.parametrize(
    ("code", "scheme"),
    [
        (
            SSCC("urn:epc:id:sscc:0614141.1234567890").hex(filter_value=SSCCFilterValue.ALL_OTHERS),
            "sscc-96",
        ),
        (
            GRAI("urn:epc:id:grai:0614141.12345.400").hex(
                binary_coding_scheme=GRAI.BinaryCodingScheme.GRAI_96,
                filter_value=GRAIFilterValue.ALL_OTHERS,
            ),
            "grai-96",
        ),
        (
            GIAI("urn:epc:id:giai:0614141.32a%2Fb").hex(
                binary_coding_scheme=GIAI.BinaryCodingScheme.GIAI_202,
                filter_value=GIAIFilterValue.ALL_OTHERS,
            ),
            "giai-202",
        ),
    ],
)
def test_other_schemes_are_no_items(code: str, scheme: str) -> None:
    said = explain(bytes.fromhex(code))
    assert (said.scheme, said.gtin, said.why) == (scheme, "", Unread.NOT_AN_ITEM.value)


@settings(deadline=None, max_examples=100)
@given(epc=st.binary(min_size=11, max_size=11).map(lambda rest: b"\x30" + rest))
def test_where_epcpy_refuses_a_number_we_do(epc: bytes) -> None:
    try:
        theirs: str | None = hex_to_tag_encodable(epc.hex().upper()).gtin()  # type: ignore[attr-defined]
    except Exception:  # noqa: BLE001 - theirs are of many kinds
        theirs = None
    ours = product_class(epc)
    assert ours == (theirs if theirs is not None else Unread.MALFORMED)
