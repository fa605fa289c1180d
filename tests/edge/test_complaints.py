from __future__ import annotations

from edge.complaints import MOST, TELL_MS, Complaints


def test_kinds_are_told_together_and_in_no_order_of_time() -> None:
    complaints = Complaints()
    complaints.feed("wrong till", now_ms=10)
    complaints.feed("late", now_ms=TELL_MS - 1)
    assert complaints.told(TELL_MS - 1) == ""
    assert complaints.told(TELL_MS) == "late; wrong till"


def test_one_that_comes_again_is_no_news_and_a_new_one_waits() -> None:
    complaints = Complaints()
    complaints.feed("late", now_ms=TELL_MS)
    complaints.feed("late", now_ms=5 * TELL_MS)
    complaints.feed("wrong till", now_ms=5 * TELL_MS)
    assert [complaints.told(n * TELL_MS) for n in (1, 2, 5, 6)] == [
        "",
        "late",
        "late",
        "late; wrong till",
    ]


def test_kinds_are_bounded() -> None:
    complaints = Complaints()
    for number in range(1_000):
        complaints.feed(str(number), now_ms=0)
    assert len(complaints.told(TELL_MS).split("; ")) == MOST
