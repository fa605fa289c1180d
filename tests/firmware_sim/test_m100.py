import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_sim.m100 import M100, gen2_crc
from firmware_sim.radio import Reply, Round, Settings

CAPTURES = json.loads((Path(__file__).parent / "captures" / "m100_r200.json").read_text())
FRAMES = {frame["name"]: frame for frame in CAPTURES["frames"]}
EPC = bytes.fromhex("30751FEB705C5904E3D50D70")
LATER = 1_000_000


def nobody(now_ms: int, settings: Settings) -> Round:
    del settings
    return Round(end_ms=now_ms + 20, replies=())


def one_tag(now_ms: int, settings: Settings) -> Round:
    del settings
    return Round(end_ms=now_ms + 20, replies=(Reply(now_ms + 10, EPC, -55),))


def frame(code: int, params: str = "", *, kind: int = 0) -> bytes:
    body = bytes([kind, code]) + (len(params) // 2).to_bytes(2) + bytes.fromhex(params)
    return b"\xbb" + body + bytes([sum(body) & 0xFF]) + b"\x7e"


def ask(module: M100, data: bytes, *, now_ms: int = 0) -> bytes:
    return module.feed(data, now_ms=now_ms) + module.advance(now_ms + 3)


ERROR_17 = frame(0xFF, "17", kind=1)


@pytest.mark.parametrize(
    "name", [f["name"] for f in CAPTURES["frames"] if f["dir"] == "tx" and f["fields"]["cmd"] < 256]
)
def test_every_recorded_command_is_understood(name: str) -> None:
    answer = M100(nobody).feed(bytes.fromhex(FRAMES[name]["hex"]), now_ms=0)
    answer += M100(nobody).advance(LATER)
    module = M100(nobody)
    module.feed(bytes.fromhex(FRAMES[name]["hex"]), now_ms=0)
    answer = module.advance(60)
    assert answer
    assert ERROR_17 not in answer


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        ("get_hw_version_cmd", "module_info_hw_capture"),
        ("set_power_26dBm", "set_power_ok"),
        ("multi_poll_10000", "inventory_fail"),
    ],
)
def test_answers_are_the_recorded_ones(command: str, answer: str) -> None:
    module = M100(nobody)
    module.feed(bytes.fromhex(FRAMES[command]["hex"]), now_ms=0)
    assert module.advance(30).startswith(bytes.fromhex(FRAMES[answer]["hex"]))


@pytest.mark.parametrize(
    ("code", "params", "answer"),
    [
        (0x07, "03", frame(0x07, "00", kind=1)),
        (0x08, "", frame(0x08, "01", kind=1)),
        (0x07, "09", ERROR_17),
        (0xAB, "01", frame(0xAB, "00", kind=1)),
        (0xAA, "", frame(0xAA, "00", kind=1)),
        (0xAD, "FF", frame(0xAD, "00", kind=1)),
        (0xA9, "020103", frame(0xA9, "00", kind=1)),
        (0xA9, "00", frame(0xA9, "00", kind=1)),
        (0xA9, "0163", ERROR_17),
        (0xB7, "", frame(0xB7, "07D0", kind=1)),
        (0xB6, "0B00", ERROR_17),
        (0x0D, "", frame(0x0D, "1020", kind=1)),
        (0x0E, "1120", frame(0x0E, "00", kind=1)),
        (0x12, "01", frame(0x12, "00", kind=1)),
        (0xF1, "", frame(0xF1, "030601B0", kind=1)),
        (0xF0, "030601B0", frame(0xF0, "00", kind=1)),
        (0x28, "", frame(0x28, "00", kind=1)),
        (0x04, "010100", frame(0x04, "00", kind=1)),
        (0x1D, "05", frame(0x1D, "05", kind=1)),
        (0xB0, "FF", frame(0xB0, "00", kind=1)),
        (0x1A, "000401", frame(0x1A, "000401", kind=1)),
        (0x1A, "020400", frame(0x1A, "020400", kind=1)),
        (0x1A, "020500", ERROR_17),
        (0x39, "00", ERROR_17),
        (0x77, "", ERROR_17),
        (0x27, "22", ERROR_17),
    ],
)
def test_each_command_has_its_answer(code: int, params: str, answer: bytes) -> None:
    assert ask(M100(nobody), frame(code, params)) == answer


def test_a_tag_is_told_as_recorded() -> None:
    module = M100(one_tag)
    answer = module.feed(frame(0x22), now_ms=0) + module.advance(100)
    body = b"\x30\x00" + EPC
    expected = "C9" + body.hex() + f"{gen2_crc(body):04x}"
    assert answer == frame(0x22, expected, kind=2)


WHO = "0E3000" + EPC.hex()


@pytest.mark.parametrize(
    ("code", "params", "answer", "absent"),
    [
        (0x39, "00000000 01 0001 0002", (0x39, WHO + "3000" + EPC.hex()[:4]), "09"),
        (0x39, "00000000 02 0000 0002", (0x39, WHO + "E2801160"), "09"),
        (0x39, "00000000 03 0000 0002", (0xFF, "A3" + WHO), "09"),
        (0x39, "0000FFFF 03 0000 0002", (0xFF, "16" + WHO), "09"),
        (0x49, "00000000 03 0000 0002 12345678", (0xFF, "B4" + WHO), "10"),
        (0x82, "00000000 020080", (0xFF, "C4" + WHO), "13"),
        (0x65, "0000FFFF", (0xFF, "D0" + WHO), "12"),
    ],
)
def test_a_tags_memory_is_told_and_never_changed(
    code: int, params: str, answer: tuple[int, str], absent: str
) -> None:
    command = frame(code, params.replace(" ", ""))
    module = M100(one_tag)
    assert module.feed(command, now_ms=0) + module.advance(30) == frame(*answer, kind=1)
    module = M100(nobody)
    assert module.feed(command, now_ms=0) + module.advance(30) == frame(0xFF, absent, kind=1)


def test_it_hops_over_the_channels_it_was_given() -> None:
    channels: set[int] = set()

    def listen(now_ms: int, settings: Settings) -> Round:
        channels.add(settings.channel)
        return nobody(now_ms, settings)

    module = M100(listen)
    ask(module, frame(0x07, "03") + frame(0xA9, "040306090C") + frame(0xAD, "FF"))
    module.feed(frame(0x27, "22FFFF"), now_ms=100)
    module.advance(20_000)
    assert channels == {3, 6, 9, 12}


def test_a_tags_memory_is_reached_through_the_select_mask() -> None:
    module = M100(one_tag)
    other = "0100000020" + "6000" + "00" * 12
    ask(module, frame(0x0C, other))
    module.feed(frame(0x39, "000000000200000002"), now_ms=50)
    assert module.advance(90) == frame(0xFF, "09", kind=1)


@pytest.mark.parametrize("name", [n for n, f in FRAMES.items() if "epc_crc" in f["fields"]])
def test_the_crc_is_that_of_real_tags(name: str) -> None:
    fields = FRAMES[name]["fields"]
    assert gen2_crc(bytes.fromhex(fields["pc"] + fields["epc"])) == int(fields["epc_crc"], 16)


def test_a_poll_runs_its_rounds_and_a_stop_ends_it() -> None:
    module = M100(one_tag)
    module.feed(frame(0x27, "220005"), now_ms=0)
    assert module.advance(LATER).count(frame(0x22)[:1] + b"\x02\x22") == 5
    assert module.due_ms() is None
    module.feed(frame(0x27, "22FFFF"), now_ms=LATER)
    stopped = module.feed(frame(0x28), now_ms=LATER + 100) + module.advance(LATER + 200)
    assert frame(0x28, "00", kind=1) in stopped
    assert module.advance(2 * LATER) == b""


def test_advancing_to_the_due_instant_settles_something() -> None:
    module = M100(one_tag)
    module.feed(frame(0x27, "220002"), now_ms=0)
    sent, steps = b"", 0
    while (due := module.due_ms()) is not None:
        sent += module.advance(due)
        steps += 1
        assert steps < 20
    assert sent.count(b"\xbb\x02\x22") == 2


def test_the_other_edition_has_the_other_envelope() -> None:
    answer = ask(M100(nobody, envelope="AADD"), bytes.fromhex("AA0007000103" + "0BDD"))
    assert answer == bytes.fromhex("AA010700010009DD")


def test_sleep_swallows_the_first_byte() -> None:
    module = M100(nobody)
    assert ask(module, frame(0x17)) == frame(0x17, "00", kind=1)
    assert ask(module, frame(0xB7), now_ms=100) == b""
    assert ask(module, b"\x00" + frame(0xB7), now_ms=300) == frame(0xB7, "07D0", kind=1)


def test_a_selected_poll_hears_only_what_the_mask_fits() -> None:
    module = M100(one_tag)
    ask(module, bytes.fromhex(FRAMES["set_select_epc96"]["hex"]))
    module.feed(frame(0x22), now_ms=10)
    assert module.advance(100)[1] == 2
    other = "0100000020080000" + "FF"
    other = "01" + "00000020" + "08" + "00" + "FF"
    ask(module, frame(0x0C, other), now_ms=200)
    module.feed(frame(0x22), now_ms=300)
    assert module.advance(400) == bytes.fromhex(FRAMES["inventory_fail"]["hex"])


@given(
    noise=st.binary(max_size=12).filter(lambda data: b"\xbb" not in data),
    cuts=st.lists(st.integers(0, 60), max_size=5),
)
def test_noise_and_cuts_change_nothing(noise: bytes, cuts: list[int]) -> None:
    data = noise + frame(0xB7) + noise + frame(0x07, "03") + frame(0x77)
    whole = M100(nobody)
    expected = whole.feed(data, now_ms=0) + whole.advance(10)
    module, got = M100(nobody), b""
    for start, end in zip([0, *sorted(cuts)], [*sorted(cuts), len(data)], strict=True):
        got += module.feed(data[start:end], now_ms=0)
    assert got + module.advance(10) == expected
    assert expected.count(b"\xbb\x01") == 3


@pytest.mark.parametrize("broken", [b"\x00" * 3, bytes.fromhex("BB00B70000FF7E"), b"\xbb\x00\x07"])
def test_a_broken_frame_is_skipped(broken: bytes) -> None:
    module = M100(nobody)
    answer = module.feed(broken + frame(0xB7) * 2, now_ms=0) + module.advance(10)
    assert frame(0xB7, "07D0", kind=1) in answer


def test_query_and_power_reach_the_air() -> None:
    heard: list[Settings] = []

    def listen(now_ms: int, settings: Settings) -> Round:
        heard.append(settings)
        return nobody(now_ms, settings)

    antenna: Callable[[int, Settings], Round] = listen
    module = M100(antenna)
    ask(module, frame(0xB6, "0A28") + frame(0x0E, "11A8") + frame(0xAD, "00") + frame(0xAB, "04"))
    module.feed(frame(0x22), now_ms=10)
    assert heard == [Settings(power_dbm=26.0, channel=4, session=1, target=1, q=5)]
