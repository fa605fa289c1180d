from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.segments.rules import RuleError, compile_rule, weight, weights
from hub.segments.tokens import names_of

CELLS = [{"pattern.wanderer": 0.1}, {"pattern.wanderer": 0.7}, {"pattern.wanderer": 0.9}]


def test_a_rule_is_evaluated_for_every_cell_in_every_hour() -> None:
    rule = compile_rule('pattern.wanderer > 0.6 && context.weekday in ["sat", "sun"]')
    hours = [{"context.weekday": day} for day in ("fri", "sat", "sat")]
    got = weights(rule, cells=CELLS, contexts=hours)
    assert got.tolist() == [[0, 0, 0], [0, 1, 1], [0, 1, 1]]


def test_what_is_not_known_is_nan_unless_the_rest_decides() -> None:
    rule = compile_rule("pattern.wanderer > 0.6 && weather.rain_mm > 1.0")
    got = weights(rule, cells=CELLS, contexts=[{}, {"weather.rain_mm": 2.0}])
    assert got[0, 0] == 0.0
    assert np.isnan(got[0, 1:]).all()
    assert got[1].tolist() == [0, 1, 1]


def test_a_number_is_a_weight() -> None:
    assert weight(compile_rule("pattern.wanderer"), CELLS[1]) == 0.7


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        ("trait.stops + 1 > 3.0", "write 1.0"),
        ("context.weekday > 2", "compared with a number"),
        ("trait.stops", "true or false, or a weight"),
        ("context.hour.year() > 3", "Undefined"),
        ("'yes'", "true or false"),
    ],
)
def test_rules_that_do_not_work_say_why(rule: str, says: str) -> None:
    values = {"trait.stops": 3.0, "context.weekday": "sat", "context.hour": 3}
    with pytest.raises(RuleError, match=says):
        weight(compile_rule(rule), values)


@pytest.mark.parametrize("rule", ["", "(", "pattern.a >", "a b", "pattern[context.x] > 1.0"])
def test_what_is_no_rule_is_refused(rule: str) -> None:
    with pytest.raises(RuleError):
        compile_rule(rule)


@given(st.text(max_size=60))
def test_any_text_is_a_rule_or_is_refused(text: str) -> None:
    try:
        rule = compile_rule(text)
    except RuleError:
        return
    try:
        got = weight(rule, {})
    except RuleError:
        return
    assert math.isnan(got) or 0 <= got <= 1


@pytest.mark.parametrize(
    ("rule", "paths", "bare"),
    [
        (
            'pattern.a > 0.1 && context.weekday.startsWith("s.x")',
            ("pattern.a", "context.weekday"),
            (),
        ),
        ('tag["ready to eat"] // pattern.b', ("tag.ready to eat",), ()),
        ("[1, 2].exists(x, x > 1) && y", (), ("y",)),
        ("\"pattern.c\" == 'trait.d'", (), ()),
    ],
)
def test_names_are_found_outside_of_texts_and_comments(
    rule: str, paths: tuple[str, ...], bare: tuple[str, ...]
) -> None:
    assert (names_of(rule).paths, names_of(rule).bare) == (paths, bare)
