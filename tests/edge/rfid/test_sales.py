from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.errors import ProtocolError
from edge.rfid.sales import Lines, Sale, SaleParams, Sales

NOW = datetime(2026, 3, 7, 15, 0, tzinfo=UTC)
HEADER = b"time,till,class,quantity\n"
ROW = {
    "time": "2026-03-07T15:59:58+01:00",
    "till": "1",
    "class": "4012345100013",
    "quantity": "2",
}


def feed(sales: Sales, **changed: str) -> list[Sale]:
    return sales.feed(ROW | changed, now=NOW, now_ms=500_000)


def test_a_line_is_dated_in_the_scenes_time() -> None:
    assert feed(Sales({"1": "till"})) == [Sale(498_000, "till", "04012345100013", 2)]


def test_a_line_twice_counts_once_unless_it_says_that_it_is_another() -> None:
    sales = Sales({"1": "till"})
    assert len(feed(sales)) == 1
    assert feed(sales) == []
    assert len(feed(sales, line="2")) == 1
    assert feed(sales, line="2") == []
    later = NOW + timedelta(seconds=1)
    assert sales.feed(ROW, now=later, now_ms=501_000) == []


def test_a_flood_of_lines_does_not_fill_the_memory() -> None:
    sales = Sales({"1": "till"}, params=SaleParams(most_seen=100))
    for number in range(1_000):
        assert len(feed(sales, line=str(number))) == 1
    assert len(sales._seen) == 100
    assert feed(sales, line="999") == []


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"time": "15:04"}, "no instant"),
        ({"time": "2026-03-07T15:00:00"}, "no offset"),
        ({"time": "2026-03-07T15:00:06+00:00"}, "ahead"),
        ({"time": "2026-03-07T14:57:59+00:00"}, "ago"),
        ({"till": "2"}, "[sales.tills]"),
        ({"class": "4012345100014"}, "check digit"),
        ({"quantity": "0"}, "quantity"),
        ({"quantity": "-1"}, "quantity"),
        ({"quantity": "1.5"}, "quantity"),
        ({"quantity": "4012345100013"}, "quantity"),
    ],
)
def test_what_is_wrong_is_said_without_quoting_the_line(changed: dict[str, str], says: str) -> None:
    with pytest.raises(ProtocolError) as caught:
        feed(Sales({"1": "till"}), **changed)
    assert says in str(caught.value)
    assert "4012345100" not in str(caught.value)


def test_lines_of_a_file() -> None:
    lines = Lines()
    rows = lines.feed(HEADER + b"a,b,c,d\r\n\n" + HEADER + b"a,b,c\nx,\xff,c,d\ne,f,")
    assert [list(row.values()) for row in rows] == [["a", "b", "c", "d"]]
    assert lines.rejected == 2
    assert [list(row.values()) for row in lines.feed(b"g,h\n")] == [["e", "f", "g", "h"]]


def test_a_line_without_an_end_is_dropped() -> None:
    lines = Lines()
    lines.feed(HEADER + b"x" * 5000)
    assert lines.rejected == 1


@pytest.mark.parametrize("header", [b"a,b,c,d\n", b"time,till,class\n", b"time;till;class\n"])
def test_a_wrong_header(header: bytes) -> None:
    with pytest.raises(ProtocolError, match="first line"):
        Lines().feed(header)


@given(cuts=st.lists(st.integers(0, 200), max_size=8))
def test_cutting_the_bytes_differently_changes_nothing(cuts: list[int]) -> None:
    data = HEADER + b"a,b,c,d\ne,f\n" + b'"g,g",h,i,j\n' + b"k,l,m,n\no,p"
    edges = sorted({0, len(data), *(min(cut, len(data)) for cut in cuts)})
    lines, whole = Lines(), Lines()
    rows = [row for low, high in pairwise(edges) for row in lines.feed(data[low:high])]
    assert rows == whole.feed(data)
    assert lines.rejected == whole.rejected == 1
