from __future__ import annotations

from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.setup.access import Door, DoorParams, is_our_host

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


def a_door() -> Door:
    numbers = count(1)
    return Door(lambda: f"secret-{next(numbers)}", params=DoorParams(wrong_most=3, within_ms=1_000))


def test_a_token_is_good_once_and_a_new_one_follows() -> None:
    door = a_door()
    token = door.token
    session = door.enter(token, now_ms=0)
    assert session is not None
    assert door.knows(session)
    assert door.token != token
    assert door.enter(token, now_ms=1) is None
    other = door.enter(door.token, now_ms=2)
    assert other is not None
    assert door.knows(session)
    assert door.knows(other)


def test_neither_a_token_nor_nothing_is_a_session() -> None:
    door = a_door()
    assert not door.knows(door.token)
    assert not door.knows("")


def test_after_some_wrong_tokens_even_the_right_one_waits() -> None:
    door = a_door()
    for now_ms in (0, 100, 200):
        assert door.wait_ms(now_ms) == 0
        assert door.enter("guess", now_ms=now_ms) is None
    assert door.wait_ms(300) == 700
    assert door.enter(door.token, now_ms=999) is None
    assert door.wait_ms(1_000) == 0
    assert door.enter(door.token, now_ms=1_000) is not None


def test_a_token_of_any_characters_is_looked_at() -> None:
    assert a_door().enter("\ud800 ü \0", now_ms=0) is None


@pytest.mark.parametrize(
    "host", ["127.0.0.1:8765", "localhost:8765", "LOCALHOST:8765", "[::1]:8765"]
)
def test_our_own_names_are_let_in(host: str) -> None:
    assert is_our_host(host, port=8765, names=LOOPBACK, any_address=False)


@pytest.mark.parametrize(
    "host",
    [
        "",
        "evil.example:8765",
        "127.0.0.1",
        "127.0.0.1:80",
        "127.0.0.1.evil.example:8765",
        "evil@127.0.0.1:8765",
        "127.0.0.1:8765/x",
        "192.0.2.7:8765",
        "[::1]:8765:8765",
        "127.0.0.1:99999999",
    ],
)
def test_other_names_are_not(host: str) -> None:
    assert not is_our_host(host, port=8765, names=LOOPBACK, any_address=False)


def test_listening_everywhere_bare_addresses_are_ours_but_names_are_not() -> None:
    for host, ours in [("192.0.2.7:80", True), ("[2001:db8::1]:80", True), ("a.example:80", False)]:
        assert is_our_host(host, port=80, names=LOOPBACK, any_address=True) is ours
    assert is_our_host("192.0.2.7", port=80, names=LOOPBACK, any_address=True)


@given(st.text())
def test_no_host_crashes(host: str) -> None:
    assert not is_our_host(host, port=1, names=frozenset(), any_address=False)
