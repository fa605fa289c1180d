import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware_sim.metratec import FirmwareParams, Metratec
from firmware_sim.radio import Air, Reply, Round, Settings

QUOTED = json.loads((Path(__file__).parent / "captures" / "metratec.json").read_text())
EPC = bytes.fromhex("3034257BF468D480000003EB")


def nobody(now_ms: int, settings: Settings) -> Round:
    del settings
    return Round(end_ms=now_ms + 20, replies=())


def one_tag(now_ms: int, settings: Settings) -> Round:
    del settings
    return Round(end_ms=now_ms + 20, replies=(Reply(now_ms + 10, EPC, -57),))


def ask(reader: Metratec, text: str, *, now_ms: int = 0) -> str:
    return (reader.feed(text.encode(), now_ms=now_ms) + reader.advance(now_ms + 500)).decode()


def echoing(*antennas: Air | None, version: str = "0106") -> Metratec:
    reader = Metratec(antennas or (nobody,) * 4, params=FirmwareParams(version=version))
    ask(reader, "ATE1\r")
    return reader


@pytest.mark.parametrize("quoted", QUOTED, ids=lambda q: q["name"])
def test_answers_are_those_quoted(quoted: dict[str, Any]) -> None:
    antennas = (None, one_tag, None, nobody)
    reader = echoing(*antennas, version=quoted.get("version", "0106"))
    for n, command in enumerate(quoted["before"]):
        ask(reader, command, now_ms=1000 * n + 1000)
    assert ask(reader, quoted["tx"], now_ms=10_000) == quoted["rx"]


def test_a_continuous_inventory_names_the_antenna_after_its_tags() -> None:
    reader = echoing(one_tag, nobody)
    said = ask(reader, "AT+CMINV\r")
    first, second = said.split("\r\n")[2:4]
    assert first == f"+CMINV: {EPC.hex().upper()},-57\r+CMINV: <ROUND FINISHED, ANT=1>"
    assert second == "+CMINV: <NO TAGS FOUND>\r+CMINV: <ROUND FINISHED, ANT=2>"
    refused = "+PWR: <Inventory is running>\r\nERROR\r\n"
    assert refused in ask(reader, "AT+PWR=9\r", now_ms=600)
    assert "AT+BMINV\r\nOK\r\n" in ask(reader, "AT+BMINV\r", now_ms=1200)
    assert ask(reader, "AT+BMINV\r", now_ms=3000) == (
        "+BMINV: <Inventory is not running>\r\nERROR\r\n"
    )


def test_a_report_counts_and_carries_what_was_asked_for() -> None:
    reader = echoing(one_tag)
    ask(reader, "AT+INVS=0,1,1,0,1,ALL,A,-100\r")
    line = ask(reader, "AT+INVR=200\r", now_ms=1000).split("\r\n")[1].split("\r")[0]
    epc, tid, rssi, _, _, count = line.removeprefix("+INVR: ").split(",")
    assert (epc, len(tid), rssi, count) == (EPC.hex().upper(), 24, "-57", "10")


def test_only_new_tags_are_told_once() -> None:
    reader = echoing(one_tag)
    ask(reader, "AT+INVS=1,1,0\r")
    assert ask(reader, "AT+CINV\r", now_ms=1000).count(EPC.hex().upper()) == 1


def test_settings_reach_the_air() -> None:
    heard: list[Settings] = []

    def listen(now_ms: int, settings: Settings) -> Round:
        heard.append(settings)
        return nobody(now_ms, settings)

    reader = echoing(nobody, listen)
    for n, command in enumerate(["AT+PWR=11,12\r", "AT+SES=1\r", "AT+Q=6\r", "AT+ANT=2\r"]):
        assert ask(reader, command, now_ms=1000 * n).endswith("OK\r\n")
    ask(reader, "AT+INV\r", now_ms=5000)
    ask(reader, "AT+INV\r", now_ms=6000)
    assert [(sent.power_dbm, sent.session, sent.q) for sent in heard] == [(12, 1, 6)] * 2
    ask(reader, "AT+MUX=2,2\r", now_ms=7000)
    ask(reader, "AT+MINV\r", now_ms=8000)
    ask(reader, "AT+MINV\r", now_ms=9000)
    assert {sent.target for sent in heard} == {0, 1}


def test_a_power_cut_forgets_every_setting() -> None:
    reader = echoing(nobody)
    ask(reader, "AT+REG=FCC\r")
    reader.power_cycle(1000)
    assert ask(reader, "AT+REG?\r", now_ms=2000) == "+REG: ETSI\r\nOK\r\n"


@settings(deadline=None)
@given(cuts=st.lists(st.integers(0, 60), max_size=6))
def test_cuts_change_nothing(cuts: list[int]) -> None:
    data = b"ATI\r\nAT+PWR=99\rAT+SES=2\rAT+SES?\rNOISE\r"
    whole = ask(echoing(), data.decode())
    reader = echoing()
    for start, end in zip([0, *sorted(cuts)], [*sorted(cuts), len(data)], strict=True):
        reader.feed(data[start:end], now_ms=0)
    assert reader.advance(500).decode() == whole


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("READ=TID,0,4", f"+READ: {EPC.hex().upper()},OK,E2801160"),
        ("READ=EPC,0,2,3034", f"+READ: {EPC.hex().upper()},OK,3034"),
        ("READ=USR,0,1", f"+READ: {EPC.hex().upper()},MEMORY OVERRUN"),
        ("READ=EPC,0,2,3035", "+READ: <NO TAGS FOUND>"),
        ("WRT=USR,0,12", f"+WRT: {EPC.hex().upper()},ACCESS ERROR"),
        ("KILL=12345678", f"+KILL: {EPC.hex().upper()},ACCESS ERROR"),
    ],
)
def test_a_tags_memory_is_told_and_never_changed(command: str, said: str) -> None:
    reader = echoing(one_tag)
    assert ask(reader, f"AT+{command}\r") == f"AT+{command}\r\n{said}\r\nOK\r\n"
