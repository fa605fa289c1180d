from __future__ import annotations

from itertools import count

import pytest

from hub.access import Door, DoorParams, is_our_host


@pytest.fixture
def door() -> Door:
    numbers = count()
    return Door(lambda: f"secret-{next(numbers)}", params=DoorParams(stay_ms=10_000))


def test_a_token_is_good_once(door: Door) -> None:
    token = door.token
    session = door.enter(token, now_ms=0)
    assert session is not None
    assert door.knows(session, now_ms=1)
    assert door.enter(token, now_ms=2) is None
    assert door.enter(door.token, now_ms=3) not in {None, session}


def test_a_session_ends_by_leaving_and_by_age(door: Door) -> None:
    one, two = (door.enter(door.token, now_ms=0) or "" for _ in range(2))
    door.leave(one)
    assert not door.knows(one, now_ms=1)
    assert door.knows(two, now_ms=9_999)
    assert not door.knows(two, now_ms=10_000)


def test_guessing_is_slowed_down_for_everybody(door: Door) -> None:
    for _ in range(5):
        assert door.enter("guess", now_ms=0) is None
    assert door.wait_ms(1_000) == 59_000
    assert door.enter(door.token, now_ms=1_000) is None
    assert door.enter(door.token, now_ms=60_000) is not None


@pytest.mark.parametrize(
    ("host", "ours"),
    [("127.0.0.1:80", True), ("127.0.0.1", True), ("evil.example:80", False),
     ("127.0.0.1:81", False), ("10.0.0.1:80", False), ("", False)],
)  # fmt: skip
def test_only_our_own_names_are_answered(host: str, *, ours: bool) -> None:
    names = frozenset({"127.0.0.1"})
    assert is_our_host(host, port=80, names=names, any_address=False) == ours


def test_listening_on_all_any_address_may_be_ours() -> None:
    names: frozenset[str] = frozenset()
    assert is_our_host("10.0.0.1:80", port=80, names=names, any_address=True)
    assert not is_our_host("evil.example:80", port=80, names=names, any_address=True)
