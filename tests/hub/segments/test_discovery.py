from __future__ import annotations

import numpy as np

from hub.segments.discovery import describe, grown
from hub.segments.rules import compile_rule, weight

CELLS = [
    {"trait.stops": float(k), "trait.kept": float(k % 2), "pattern.wanderer": 0.1 * k}
    for k in range(8)
]
VISITS = np.full(8, 100.0)


def test_a_group_is_described_by_a_rule_that_holds_for_it() -> None:
    found = describe([5, 7], cells=CELLS, visits=VISITS, why="because")
    assert found is not None
    rule = compile_rule(found.rule)
    assert [k for k, cell in enumerate(CELLS) if weight(rule, cell)] == [5, 7]
    assert found.fit == 1.0
    assert found.share == 0.25
    assert any("kept" in words for words in found.traits)
    proposed = found.definition("found-1")
    assert proposed.rule == found.rule
    assert "because" in proposed.about


def test_what_no_short_rule_describes_is_not_proposed() -> None:
    assert describe([0, 3, 4, 7], cells=CELLS, visits=VISITS, why="") is None


def test_most_of_the_visits_are_no_segment() -> None:
    assert describe(list(range(1, 8)), cells=CELLS, visits=VISITS, why="") is None


def test_what_grew_by_more_than_noise_is_noticed() -> None:
    rng = np.random.default_rng(1)
    false = 0
    for _ in range(100):
        before, now = (VISITS * 30 + rng.normal(0, 55, 8) for _ in range(2))
        false += bool(grown(before, now, variance_before=900.0, variance_now=900.0))
    assert false <= 3
    now = VISITS * 30 + 1_000 * (np.arange(8) == 2)
    assert grown(VISITS * 30, now, variance_before=900.0, variance_now=900.0) == (2,)
