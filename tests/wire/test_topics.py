from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire.errors import WireError
from wire.topics import LEAVES, NAME, Leaf, Topic, parse_topic

names = st.from_regex(NAME, fullmatch=True)


@given(names, names, st.sampled_from(LEAVES))
def test_a_topic_reads_back(store: str, agent: str, leaf: Leaf) -> None:
    topic = Topic(store, agent, leaf)
    assert parse_topic(str(topic)) == topic


@pytest.mark.parametrize(
    "text",
    [
        "",
        "aisle/v1/s/a",
        "aisle/v1/s/a/release/x",
        "aisle/v2/s/a/release",
        "aisle/v1/S/a/release",
        "aisle/v1/s/+/release",
        "aisle/v1/s/a/frames",
    ],
)
def test_other_topics_are_refused(text: str) -> None:
    with pytest.raises(WireError):
        parse_topic(text)
