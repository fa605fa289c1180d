from __future__ import annotations

import numpy as np
import pytest

from hub.segments.matching import transitions

VISITS = np.full(8, 100.0)


def of(*cells: int) -> np.ndarray:
    return np.isin(np.arange(8), cells).astype(float)


def kinds(before: dict[str, np.ndarray], now: dict[str, np.ndarray]) -> dict[tuple, str]:
    found = transitions(before, now, visits_before=VISITS, visits_now=VISITS)
    return {(one.before, one.now): one.kind for one in found}


def test_what_stays_survives_and_what_comes_is_born() -> None:
    assert kinds({"a": of(0, 1, 2)}, {"x": of(0, 1), "y": of(6)}) == {
        (("a",), ("x",)): "survived",
        ((), ("y",)): "born",
    }


def test_what_goes_dies() -> None:
    assert kinds({"a": of(0, 1)}, {"x": of(6, 7)}) == {
        (("a",), ()): "died",
        ((), ("x",)): "born",
    }


def test_what_falls_apart_is_split() -> None:
    now = {"x": of(0), "y": of(1), "z": of(2, 3)}
    assert kinds({"a": of(0, 1, 4)}, now)[("a",), ("x", "y")] == "split"


def test_what_comes_together_is_merged() -> None:
    before = {"a": of(0, 1), "b": of(2, 3), "c": of(6)}
    assert kinds(before, {"x": of(0, 1, 2, 3), "y": of(6)}) == {
        (("a", "b"), ("x",)): "merged",
        (("c",), ("y",)): "survived",
    }


def test_growth_is_of_the_share_of_visits() -> None:
    more = VISITS * np.array([3, 3, 1, 1, 1, 1, 1, 1])
    (one,) = transitions({"a": of(0, 1)}, {"a": of(0, 1)}, visits_before=VISITS, visits_now=more)
    assert one.overlap == 1.0
    assert one.growth == pytest.approx((600 / 1200) / (200 / 800))


def test_every_segment_is_accounted_for() -> None:
    rng = np.random.default_rng(1)
    for _ in range(50):
        before = {f"b{n}": (rng.random(8) < 0.4).astype(float) for n in range(3)}
        now = {f"n{n}": (rng.random(8) < 0.4).astype(float) for n in range(3)}
        found = transitions(before, now, visits_before=VISITS, visits_now=VISITS)
        assert sorted({name for one in found for name in one.before}) == sorted(before)
        assert {name for one in found for name in one.now} == set(now)
