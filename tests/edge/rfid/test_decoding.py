from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

from edge.cli import app
from edge.rfid.decoding import decode
from edge.rfid.driver import Settings
from edge.rfid.drivers import FAMILIES, named
from edge.rfid.epc import ProductClasses

CAPTURES = Path(__file__).parent / "captures"
SGTIN = "BB02220011C430003074257BF7194E4000001A85AAF94D7E"
SERIALS = ("1A85", "6789", "3EC", "1004", "0559", "1705305")
"""Of the tags below, in hex and decimal."""


def run(*words: str, stdin: str | None = None) -> Result:
    return CliRunner().invoke(app, list(words), input=stdin)


def lines(result: Result) -> list[dict[str, Any]]:
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_hex_on_standard_input_with_blanks() -> None:
    bad = "BB02220011C9340030751FEB705C5904E3D50D713A76EF7E"
    told = lines(run("decode", "--family", "m100", stdin=f"{bad}\n{SGTIN[:10]} {SGTIN[10:]} BB02"))
    assert told == [
        {"at": 24, "event": "rejected", "reason": "sum"},
        {"at": 48, "event": "read", "class": "80614141123458", "antenna": 1, "rssi": -60},
        {"at": 50, "event": "rejected", "reason": "unfinished"},
    ]


@pytest.mark.parametrize("family", ["uhfreader", "uhfreader288", "chafon"])
def test_every_captured_frame_of_a_uhfreader(family: str) -> None:
    held = json.loads((CAPTURES / "uhfreader.json").read_text())
    seen = 0
    for frame in held["frames"]:
        if frame["direction"] == "to_reader":
            continue
        told = lines(run("decode", "--family", family, stdin=frame["hex"]))
        tags = frame["fields"].get("tags", [])
        assert [one["event"] for one in told] == [
            "read" if tag["epc"].startswith("30") else "no_class" for tag in tags
        ], frame["name"]
        for one, tag in zip(told, tags, strict=True):
            if one["event"] == "read":
                seen += 1
                assert one["rssi"] == tag["rssi_raw"]
                assert one["antenna"] == frame["fields"]["antenna"]
    assert seen == 1
    bad_crc, truncated = held["broken"]
    assert lines(run("decode", "--family", family, stdin=bad_crc["hex"]))[0]["reason"] == "crc"
    told = lines(run("decode", "--family", family, stdin=truncated["hex"]))
    assert [one["reason"] for one in told] == ["unfinished"]


def test_every_quoted_answer_of_a_metratec(tmp_path: Path) -> None:
    file = tmp_path / "capture.bin"
    held = json.loads((CAPTURES / "metratec.json").read_text())["answers"]
    file.write_bytes("".join(answer["rx"] for answer in held).encode())
    told = [
        {key: value for key, value in one.items() if key != "at"}
        for one in lines(run("decode", "--family", "metratec", str(file)))
    ]
    item = {"event": "read", "class": "10614141073464", "antenna": 2}
    assert told == [
        {"event": "no_class", "reason": "unknown"},
        item | {"rssi": 1755},
        {"event": "reader", "reason": "antenna", "text": "Antenna Error", "antenna": 1},
        item | {"rssi": None},
        {
            "event": "reader",
            "reason": "antenna",
            "text": "Operation Error (6AC0B)",
            "antenna": 3,
        },
    ]


@settings(deadline=None)
@given(data=st.binary(max_size=200))
@pytest.mark.parametrize("family", list(FAMILIES))
def test_any_bytes_are_explained(family: str, data: bytes) -> None:
    driver = FAMILIES[family].driver(
        Settings("EU", 0.0), classes=ProductClasses(bytes(32)), now_ms=0
    )
    for line in decode(driver, data):
        assert line.event in {"rejected", "no_class", "reader"}
        assert 0 <= line.at <= len(data)


def test_no_serial_comes_out() -> None:
    tags = {
        "m100": SGTIN,
        "uhfreader": "1500010301010C3039606303C74380001A055940F93E",
        "metratec": b"+CINV: 3034257BF468D480000003EC,-57\r+CINV: <ROUND FINISHED, ANT=2>\r".hex(),
    }
    for family, text in tags.items():
        whole = run("decode", "--family", family, stdin=text)
        broken = run("decode", "--family", family, stdin=text[:-6] + "00" + text[-4:])
        for result in (whole, broken):
            assert result.exit_code == 0
            assert not any(serial in result.output.upper() for serial in SERIALS)


def test_what_is_wrong_with_the_input_is_said_without_showing_it() -> None:
    result = run("decode", "--family", "m100", stdin="30742X7BF7194E4000001A85")
    assert result.exit_code == 2
    assert "not hex" in result.output
    assert "1A85" not in result.output
    assert run("decode", "--family", "none", stdin="").exit_code == 2
    assert run("decode", "--family", "m100", "/no/such/file").exit_code == 2


def test_names_on_boxes_lead_to_one_family_each() -> None:
    names = [name for key, family in FAMILIES.items() for name in (key, *family.aka)]
    assert len(names) == len(set(names))
    assert named("R200") is FAMILIES["m100"]
    assert named("auto") is None


@pytest.mark.parametrize(
    ("epc", "said"),
    [
        ("3074257BF7194E4000001A85", ["sgtin-96", "80614141123458", "0614141.812345.*"]),
        ("36D4257BF7194E58B266D1A800000000000000000000000000", ["sgtin-198", "unit load"]),
        ("F73795211411234538566CB0AFC4", ["sgtin+", "79521141123453"]),
        ("FB342CDE795211411234538566CB0AFC4", ["dsgtin+", "79521141123453", "reserved"]),
        ("FA3952114132E83C2BF10", ["giai+", "none: not an item"]),
        ("3174257BF4499602D2000000", ["sscc-96", "none: not an item"]),
        ("307C257BF7194E4000001A85", ["sgtin-96", "none: malformed"]),
        ("E2801160600002000000A0B1", ["none of the standard's", "none: unknown"]),
    ],
)
def test_a_tags_class_is_explained(epc: str, said: list[str]) -> None:
    result = run("epc", epc)
    assert result.exit_code == 0
    assert all(one in result.stdout for one in said)
    assert not any(serial in result.stdout.upper() for serial in ("1A85", "6789", "32A/B"))


def test_what_is_no_hex_is_refused_unseen() -> None:
    result = run("epc", "30742X7BF7194E4000001A85")
    assert result.exit_code == 2
    assert "1A85" not in result.output
