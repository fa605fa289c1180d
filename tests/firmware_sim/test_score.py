import msgspec
import pytest

from firmware_sim.score import ScoreError, score, table


def truth(*kept: bool) -> bytes:
    lines: list[dict[str, object]] = [{"kind": "run"}]
    for one in kept:
        outcome = "kept" if one else "pass"
        lines.append(
            {
                "kind": "visit",
                "patterns": {"showroomer": not one, "wanderer": True, "indecisive": False},
                "outcome_tagged": {"a": outcome},
                "outcome_seen": {"b": "short_stop"},
            }
        )
    lines.append({"kind": "unfinished"})
    return b"\n".join(msgspec.json.encode(line) for line in lines)


def report(**changes: object) -> bytes:
    def shown(value: float) -> dict[str, float]:
        return {"value": value, "low": value - 1.0, "high": value + 1.0}

    return msgspec.json.encode(
        {
            "store": "demo",
            "visits": shown(4.0),
            "standard_privacy": False,
            "coverage": 1.0,
            "patterns": [
                {"name": "showroomer", "value": 0.5, "low": 0.4, "high": 0.6, "withheld": None},
                {
                    "name": "wanderer",
                    "value": None,
                    "low": None,
                    "high": None,
                    "withheld": "too few",
                },
            ],
            "zones": [
                {
                    "id": "a",
                    "has_reader": True,
                    "outcomes": {"pass": shown(2), "kept": shown(9)},
                },
                {
                    "id": "b",
                    "has_reader": False,
                    "outcomes": {"short_stop": shown(4), "kept": shown(0)},
                },
            ],
            **changes,
        }
    )


def test_intervals_that_hold_the_truth_are_marked() -> None:
    result = score(truth(True, True, False, False), report())
    holds = {line.what: line.holds for line in result.lines}
    assert holds == {
        "visits": True,
        "share of showroomers": True,
        "share of wanderers": None,
        "a: pass": True,
        "a: kept": False,
        "b: short stop": True,
    }
    assert (result.outcomes_held, result.outcomes_shown) == (2, 3)
    assert result.mean_error == pytest.approx(7 / 3, abs=0.01)


def test_the_table_says_what_is_withheld_and_what_misses() -> None:
    text = table(score(truth(True, True, False, False), report()))
    assert "too few" in text
    assert text.count("MISSES") == 1
    assert "weaker than the standard" in text


@pytest.mark.parametrize("broken", [b"", b"{", b'{"kind": "visit"}'])
def test_a_truth_that_is_none_is_refused(broken: bytes) -> None:
    with pytest.raises(ScoreError, match="truth"):
        score(broken, report())


def test_a_report_that_is_none_is_refused() -> None:
    with pytest.raises(ScoreError, match="aisle-hub report"):
        score(truth(True), b'{"zones": 1}')
