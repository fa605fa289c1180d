import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware_sim.radio import Reply, Round, Settings
from firmware_sim.uhfreader import Model, UhfReader, crc

VECTORS = json.loads((Path(__file__).parent / "captures" / "uhfreader.json").read_text())
EPC = bytes.fromhex("3039606303C74380001A0559")
LATER = 100_000


def nobody(now_ms: int, settings: Settings) -> Round:
    del settings
    return Round(end_ms=now_ms + 20, replies=())


def one_tag(now_ms: int, settings: Settings) -> Round:
    del settings
    return Round(end_ms=now_ms + 20, replies=(Reply(now_ms + 10, EPC, -65),))


def many(now_ms: int, settings: Settings) -> Round:
    del settings
    epcs = [bytes([n]) * 12 for n in range(40)]
    replies = tuple(Reply(now_ms + 10 * n, epc, -50) for n, epc in enumerate(epcs))
    return Round(end_ms=now_ms + 410, replies=replies)


def frame(code: int, data: str = "", *, address: int = 0) -> bytes:
    body = bytes([4 + len(data) // 2, address, code]) + bytes.fromhex(data)
    return body + crc(body).to_bytes(2, "little")


def ask(reader: UhfReader, data: bytes, *, now_ms: int = 0) -> bytes:
    return reader.feed(data, now_ms=now_ms) + reader.advance(now_ms + 3000)


def statuses(answer: bytes) -> list[tuple[int, int]]:
    """Give command and status of each frame; every one must be sound."""
    found = []
    while answer:
        one, answer = answer[: answer[0] + 1], answer[answer[0] + 1 :]
        assert crc(one[:-2]) == int.from_bytes(one[-2:], "little")
        found.append((one[2], one[3]))
    return found


@pytest.mark.parametrize("vector", VECTORS, ids=lambda v: v["name"])
def test_published_commands_are_understood(vector: dict[str, Any]) -> None:
    model: Model = vector["model"]
    reader = UhfReader((one_tag, one_tag), model=model)
    assert statuses(ask(reader, bytes.fromhex(vector["hex"])))[0][1] in vector["statuses"]


def test_a_tag_is_told_as_recorded() -> None:
    answer = ask(UhfReader((one_tag,)), frame(0x01, "0400"))
    assert answer.startswith(bytes.fromhex("1500010301010C3039606303C74380001A055940F93E"))
    assert answer.endswith(bytes.fromhex("0700010101001E4B"))
    assert ask(UhfReader((nobody,)), frame(0x01, "0400")) == bytes.fromhex("050001FBF23D")
    answer = ask(UhfReader((one_tag,), model="18"), frame(0x01))
    assert answer[:6] == bytes.fromhex("13000103010C")[:5] + b"\x0c"


def test_many_tags_come_in_several_frames_within_the_scan_time() -> None:
    answer = ask(UhfReader((many,)), frame(0x01, "0400008014"))
    assert statuses(answer) == [(1, 3)] * 7 + [(1, 1)]
    assert answer.count(bytes([12]) + bytes([39]) * 12) == 1
    cut = ask(UhfReader((many,)), frame(0x01, "0400008002"))
    assert statuses(cut)[-1] == (1, 2)
    assert len(cut) < len(answer)


def test_a_busy_reader_does_not_listen_but_stops() -> None:
    reader = UhfReader((many,))
    reader.feed(frame(0x01, "0400008014"), now_ms=0)
    assert (0x21, 0) not in statuses(reader.feed(frame(0x21), now_ms=100))
    assert statuses(reader.feed(frame(0x93), now_ms=120) + reader.advance(130)) == [(0x93, 0)]
    assert statuses(ask(reader, frame(0x21), now_ms=200)) == [(0x21, 0)]


def test_fifteen_milliseconds_of_silence_end_a_command() -> None:
    info = frame(0x21)
    reader = UhfReader((nobody,))
    assert reader.feed(info[:3], now_ms=0) == b""
    assert statuses(reader.feed(info[3:], now_ms=10) + reader.advance(50)) == [(0x21, 0)]
    reader.feed(info[:3], now_ms=100)
    assert statuses(ask(reader, info, now_ms=120)) == [(0x21, 0)]


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        (frame(0x21, address=7), []),
        (frame(0x21)[:-1] + b"\x00", [(0x00, 0xFE)]),
        (frame(0x77), [(0x00, 0xFE)]),
        (frame(0x2F, "1F"), [(0x2F, 0xFF)]),
        (frame(0x2F, "1E"), [(0x2F, 0x00)]),
        (frame(0x2F), [(0x2F, 0xFD)]),
        (frame(0x22, "4C03"), [(0x22, 0x00)]),
        (frame(0x22, "FFFF"), [(0x22, 0xFF)]),
        (frame(0x01, "0400008214"), [(0x01, 0xF8)]),
        (frame(0x01, "0407"), [(0x01, 0xFF)]),
        (frame(0x3F, "03"), [(0x3F, 0x00)]),
        (frame(0x25, "02"), [(0x25, 0xFF)]),
        (frame(0x78, "81"), [(0x78, 0x00)]),
        (frame(0x66, "00") + frame(0x01, "0400008214"), [(0x66, 0), (0x01, 0xFB)]),
    ],
)
def test_each_command_has_its_answer(command: bytes, answer: list[tuple[int, int]]) -> None:
    assert statuses(ask(UhfReader((nobody, nobody)), command)) == answer


def test_real_time_mode_survives_a_power_cut_and_ends_by_command() -> None:
    reader = UhfReader((one_tag, one_tag))
    ask(reader, frame(0x76, "01"))
    reader.power_cycle(5000)
    streamed = reader.advance(5500)
    assert set(statuses(streamed)) == {(0xEE, 0)}
    assert {streamed[4], streamed[25]} == {1, 2}
    assert (0x76, 0) in statuses(ask(reader, frame(0x76, "00"), now_ms=5600))
    assert reader.advance(LATER) == b""


def test_fast_inventory_is_the_ex10s() -> None:
    reader = UhfReader((one_tag,), model="ex10")
    assert statuses(ask(reader, frame(0x50, "00")))[:3] == [(0x50, 0), (0xEE, 0), (0xEE, 0)]
    assert (0x51, 0) in statuses(ask(reader, frame(0x51), now_ms=4000))
    assert reader.advance(LATER) == b""
    assert statuses(ask(UhfReader((one_tag,)), frame(0x50, "00"))) == [(0, 0xFE)]


def test_power_and_baud_outlive_a_power_cut() -> None:
    reader = UhfReader((nobody,), model="ex10")
    ask(reader, frame(0x2F, "14"))
    ask(reader, frame(0x2F, "99"), now_ms=5000)
    assert ask(reader, frame(0x21), now_ms=9000)[10] == 0x19
    assert reader.baud == 57_600
    assert statuses(ask(reader, frame(0x28, "06"), now_ms=13_000)) == [(0x28, 0)]
    assert reader.baud == 115_200
    reader.power_cycle(20_000)
    assert reader.baud == 115_200
    assert ask(reader, frame(0x21), now_ms=21_000)[10] == 0x14


def test_q_session_target_and_power_reach_the_air() -> None:
    heard: list[Settings] = []

    def listen(now_ms: int, settings: Settings) -> Round:
        heard.append(settings)
        return nobody(now_ms, settings)

    reader = UhfReader((nobody, listen))
    ask(reader, frame(0x2F, "1A"))
    ask(reader, frame(0x01, "0602018114"), now_ms=5000)
    (sent,) = heard
    assert (sent.power_dbm, sent.q, sent.session, sent.target) == (26, 6, 2, 1)


@settings(deadline=None)
@given(data=st.binary(max_size=300))
def test_noise_never_breaks_it(data: bytes) -> None:
    reader = UhfReader((nobody,))
    reader.feed(data, now_ms=0)
    reader.advance(1000)
    assert statuses(ask(reader, frame(0x21), now_ms=5000))[-1] == (0x21, 0)


@pytest.mark.parametrize(
    ("model", "command", "answer"),
    [
        ("18", frame(0x36), "00001e0a0f0000000000000800"),
        ("18", frame(0x33, "010101"), "00"),
        ("18", frame(0x40, "01"), "fe"),
        ("288", frame(0x40, "01"), "00"),
        ("288", frame(0x36), "fe"),
        ("18", frame(0x22, "3E00"), "00"),
        ("18", frame(0x22, "3F00"), "ff"),
    ],
)
def test_what_only_some_models_have(model: Model, command: bytes, answer: str) -> None:
    reader = UhfReader((one_tag,), model=model)
    said = ask(reader, command)
    assert said[3:-2].hex() == answer
    assert statuses(said)


def test_a_reader18_remembers_its_mode() -> None:
    reader = UhfReader((one_tag,), model="18")
    ask(reader, frame(0x35, "010203040506"))
    assert ask(reader, frame(0x36), now_ms=5000)[8:14] == bytes.fromhex("010203040506")
