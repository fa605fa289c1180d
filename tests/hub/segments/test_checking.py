from __future__ import annotations

import re

import pytest

from hub.errors import ConfigError
from hub.segments.checking import check, missing
from hub.segments.definition import Definition, as_toml, parse_definitions, templates
from hub.segments.vocabulary import Vocabulary
from hub.segments.words import in_words


def of(rule: str, **fields: object) -> Definition:
    return Definition("one", "One", rule, **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        ("pattern.showromer > 0.5", "did you mean pattern.showroomer"),
        ("hour > 12", "did you mean context.hour"),
        ('context.weekday == "Saturday"', 'did you mean "sat"'),
        ('store.format == "village"', "known are .*city"),
        ("pattern.wanderer > 0.99", "never true.*pattern.wanderer is 0.1 to 0.8"),
        ("context.hour < 5", "never true.*context.hour is 9 to 18"),
        ("pattern.wanderer > 0.0", "always true"),
        ("tag.organic && context.hour > 12", "released by the day.*leave context.hour out"),
        ("tag.organic && pattern.wanderer > 0.5", "counted apart"),
        ("trait.stops + 1 > 3.0", "write 1.0"),
        ("pattern.wanderer >", "line 1, column"),
        ("pattern.bargain > 0.5", "no cell.*aisle-hub patterns"),
        ("pattern.quality > 0.5", 'no cell.*tag."price-high"'),
    ],
)
def test_what_is_wrong_is_an_error_with_its_mend(rule: str, says: str, names: Vocabulary) -> None:
    found = check(of(rule), vocabulary=names)
    assert [one.severity for one in found][:1] == ["error"]
    assert re.search(says, found[0].text), found[0].text


@pytest.mark.parametrize(
    "rule",
    [
        'pattern.showroomer > 0.6 && context.weekday in ["sat", "sun"] && context.hour >= 17',
        "pattern.wanderer",
        "tag.organic",
        'tag.organic && context.weekday == "sat"',
        'store.format == "city" && context.daypart == "evening" && trait.kept > 0.5',
    ],
)
def test_what_is_right_has_no_findings(rule: str, names: Vocabulary) -> None:
    assert check(of(rule), vocabulary=names) == []


def test_a_need_that_is_declared_abstains_with_a_reason(names: Vocabulary) -> None:
    one = of("trait.basket_organic > 0.5", needs=("tags",))
    (found,) = check(one, vocabulary=names)
    assert found.severity == "abstains"
    assert "codebook" in found.text
    assert missing(one, vocabulary=names) == ["trait.basket_organic"]
    assert missing(of("tag.organic", needs=("tags",)), vocabulary=names) == []


def test_every_template_is_right_or_abstains(names: Vocabulary) -> None:
    found = {one.id: [f.severity for f in check(one, vocabulary=names)] for one in templates()}
    assert len(found) == 10
    assert not any("error" in severities for severities in found.values()), found
    assert found["weekend-window-shoppers"] == found["quick-top-up"] == found["eco-conscious"] == []
    assert found["non-gmo-premium"] == ["abstains", "abstains"]


def test_a_definition_survives_its_toml() -> None:
    for one in templates():
        assert parse_definitions(as_toml(one), path="x") == (one,)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('[[segment]]\nid="a"\nname="A"\nruel="true"', "did you mean 'rule'"),
        ('[[segment]]\nid="A b"\nname="A"\nrule="true"', "id"),
        ('[[segment]]\nid="a"\nname="A"\nrule="true"\nneeds=["luck"]', "luck"),
        ("segment", "x.toml"),
    ],
)
def test_a_wrong_file_names_path_and_key(text: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        parse_definitions(text, path="x.toml")


def test_rules_are_explained_in_plain_words(names: Vocabulary) -> None:
    rule = (
        'pattern.showroomer > 0.6 && (context.weekday in ["sat", "sun"] || context.hour >= 17)'
        " && !tag.organic"
    )
    assert in_words(rule, vocabulary=names) == (
        "the chance that a visit looked at goods in earnest and left without any is over 60 % and "
        "(the weekday is one of Saturday or Sunday or the hour is at least 17:00) and it is not so "
        "that the basket holds organic products"
    )


def test_what_words_cannot_say_is_quoted(names: Vocabulary) -> None:
    rule = "[1, 2].exists(x, x > 1)"
    assert in_words(rule, vocabulary=names) == f"`{rule}` holds"
