from __future__ import annotations

import pytest

from edge.app import INBOX_MOST, Inbox
from edge.rfid.reads import Alive


def test_a_full_inbox_drops_and_counts_and_never_waits() -> None:
    inbox = Inbox()
    for number in range(INBOX_MOST + 3):
        inbox.put([Alive(number, "shelf", 1)])
    assert inbox.dropped == 3
    taken = list(inbox.take(0.1))
    assert [one.scene_ms for one in taken] == list(range(INBOX_MOST))
    assert list(inbox.take(0.01)) == []


def test_what_ends_a_thread_is_raised_even_when_the_inbox_is_full() -> None:
    inbox = Inbox()
    for number in range(INBOX_MOST):
        inbox.put([Alive(number, "shelf", 1)])
    inbox.crash(KeyError("a bug"))
    with pytest.raises(KeyError):
        list(inbox.take(0.1))
