import statistics
from itertools import groupby

import numpy as np
import pytest

from firmware_sim.goods import TagAt
from firmware_sim.radio import Flags, Radio, RadioParams, Settings

ANTENNA = (3.5, 10.0, 1.0)
SHELF = tuple(
    TagAt(bytes([n] * 12), 3.5, 8.5 + 3 * n / 39, (0.4, 0.7, 1.0, 1.3)[n % 4], carried=False)
    for n in range(40)
)
S0 = Settings(power_dbm=20.0, channel=3, session=0, target=0, q=4)


def rounds(
    radio: Radio, *, count: int, tags: tuple[TagAt, ...] = SHELF, settings: Settings = S0
) -> tuple[list[set[bytes]], int]:
    now_ms, found = 0, []
    for number in range(count):
        hopped = Settings(
            power_dbm=settings.power_dbm,
            channel=number // 2 % 15,
            session=settings.session,
            target=settings.target,
            q=settings.q,
        )
        done = radio.round(now_ms, tags=tags, bodies=(), settings=hopped)
        assert now_ms < done.end_ms
        assert all(now_ms < reply.at_ms <= done.end_ms for reply in done.replies)
        found.append({reply.epc for reply in done.replies})
        now_ms = done.end_ms + 8
    return found, now_ms


def test_two_of_three_answer_a_round_in_bursts() -> None:
    found, _ = rounds(Radio(ANTENNA, seed=1), count=600)
    rate = statistics.mean(len(epcs) / len(SHELF) for epcs in found)
    assert 0.58 <= rate <= 0.70
    runs = [
        len(list(run))
        for tag in SHELF
        for missed, run in groupby(tag.epc not in epcs for epcs in found)
        if missed
    ]
    # Were misses independent, a run of them would last 1 / rate rounds.
    assert statistics.mean(runs) > 1.25 / rate


def test_between_50_and_150_tags_a_second() -> None:
    found, took_ms = rounds(Radio(ANTENNA, seed=2), count=200)
    assert 50 <= 1000 * sum(map(len, found)) / took_ms <= 150


def test_nearer_is_louder_and_far_is_silent() -> None:
    def level(distance: float) -> list[int]:
        tag = (TagAt(b"a" * 12, 3.5 + distance, 10.0, 1.0, carried=False),)
        radio = Radio(ANTENNA, seed=3)
        return [
            reply.rssi_dbm
            for number in range(200)
            for reply in radio.round(
                number * 50,
                tags=tag,
                bodies=(),
                settings=Settings(power_dbm=20, channel=number % 15, session=0, target=0, q=0),
            ).replies
        ]

    assert statistics.mean(level(0.5)) > statistics.mean(level(1.5)) + 10
    assert level(6.0) == []


def test_a_body_in_the_line_takes_ten_db() -> None:
    tag = TagAt(b"a" * 12, 4.5, 10.0, 1.0, carried=False)

    def level(bodies: tuple[tuple[float, float], ...]) -> float:
        radio = Radio(ANTENNA, seed=4)
        got = [radio.round(n * 50, tags=(tag,), bodies=bodies, settings=S0) for n in range(60)]
        return statistics.mean(reply.rssi_dbm for done in got for reply in done.replies)

    assert level(()) - level(((4.0, 10.0),)) == pytest.approx(10, abs=0.5)


def test_session_one_keeps_a_read_tag_silent_for_a_while() -> None:
    settings = Settings(power_dbm=20, channel=0, session=1, target=0, q=4)
    found, _ = rounds(Radio(ANTENNA, seed=5), count=3, settings=settings)
    assert not found[0] & found[1]


def test_session_two_single_target_reads_each_tag_once() -> None:
    settings = Settings(power_dbm=20, channel=0, session=2, target=0, q=4)
    found, _ = rounds(Radio(ANTENNA, seed=6), count=60, settings=settings)
    assert sum(map(len, found)) == len(set.union(*found)) > 35


def test_neighbours_hear_each_others_tags_and_share_their_flags() -> None:
    flags = Flags(RadioParams(), rng=np.random.default_rng(1))
    one, other = (
        Radio((0.5 * n, 0.0, 1.0), seed=n, params=RadioParams(), flags=flags) for n in range(2)
    )
    tags = tuple(TagAt(bytes([n] * 12), 0.0, 0.4, 1.0, carried=False) for n in range(20))
    resting = Settings(power_dbm=20, channel=0, session=0, target=0, q=4)
    heard = {reply.epc for reply in one.round(0, tags=tags, bodies=(), settings=resting).replies}
    cross = {reply.epc for reply in other.round(50, tags=tags, bodies=(), settings=resting).replies}
    assert heard & cross
    quiet = Settings(power_dbm=20, channel=0, session=1, target=0, q=4)
    read = one.round(1000, tags=tags, bodies=(), settings=quiet).replies
    again = other.round(read[-1].at_ms + 1, tags=tags, bodies=(), settings=quiet).replies
    assert not {reply.epc for reply in read} & {reply.epc for reply in again}
    asked_b = Settings(power_dbm=20, channel=0, session=1, target=1, q=4)
    turned = other.round(read[-1].at_ms + 100, tags=tags, bodies=(), settings=asked_b).replies
    assert {reply.epc for reply in turned} <= {reply.epc for reply in (*read, *again)}
    assert turned
