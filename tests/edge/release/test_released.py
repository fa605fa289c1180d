from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from dataclasses import fields, replace
from datetime import datetime, timedelta

import pytest

from edge.errors import PrivacyError
from edge.release.noise import RandBelow
from edge.release.privacy import Budget
from edge.release.released import Released, let_out
from edge.release.tallies import Tally
from wire.messages import Axis, Release


@pytest.fixture
def released(noon: datetime, seeded: Callable[[int], RandBelow]) -> Released:
    tally = Tally(Budget().channel("cells"), axes=(Axis("cell", ("0", "1", "dropped")),))
    return let_out(
        tally,
        window_start=noon,
        window_end=noon + timedelta(hours=1),
        plan="p1",
        codebook="c1",
        coverage=0.5,
        randbelow=seeded(5),
    )


def _values(released: Released) -> dict[str, object]:
    return {field.name: getattr(released, field.name) for field in fields(Released)}


@pytest.mark.parametrize("key", [None, object(), "", 0, True])
def test_nobody_else_can_build_one(released: Released, key: object) -> None:
    with pytest.raises(PrivacyError, match="let_out"):
        Released(key, **_values(released))
    with pytest.raises(TypeError):
        Released(**_values(released))


def test_none_can_be_altered_or_doubled(released: Released) -> None:
    with pytest.raises((ValueError, TypeError)):
        replace(released, counts=(1, 2, 3))
    with pytest.raises(AttributeError):
        released.counts = (1, 2, 3)
    for double in (copy.copy, copy.deepcopy, pickle.dumps):
        with pytest.raises(TypeError, match="not copied"):
            double(released)


def test_the_message_carries_everything(released: Released) -> None:
    message = released.message(epoch="0123456789abcdef", seq=7)
    assert message == Release(epoch="0123456789abcdef", seq=7, **_values(released))
    assert message.sd == pytest.approx(7.071, abs=0.001)
    assert message.rho == pytest.approx(0.01)
    assert message.standard_privacy


def test_zero_cells_are_published_with_noise(noon: datetime) -> None:
    # a hundred windows of nothing: nothing would be all zeros, clamping never negative
    empty = [
        let_out(
            Tally(Budget().channel("cells"), axes=(Axis("cell", ("0", "1", "dropped")),)),
            window_start=noon,
            window_end=noon + timedelta(hours=1),
            plan="p1",
            codebook="c1",
            coverage=1.0,
        ).counts
        for _ in range(100)
    ]
    assert all(len(counts) == 3 for counts in empty)
    drawn = [count for counts in empty for count in counts]
    assert min(drawn) < 0 < max(drawn)
    assert len(set(drawn)) > 8


@pytest.mark.parametrize("end", [timedelta(0), timedelta(hours=-1)])
def test_a_window_lasts(noon: datetime, end: timedelta) -> None:
    tally = Tally(Budget().channel("cells"), axes=(Axis("cell", ("0", "dropped")),))
    with pytest.raises(ValueError, match="not after"):
        let_out(
            tally, window_start=noon, window_end=noon + end, plan="p", codebook="", coverage=1.0
        )
    with pytest.raises(ValueError, match="time zone"):
        let_out(
            tally,
            window_start=noon.replace(tzinfo=None),
            window_end=noon + timedelta(hours=1),
            plan="p",
            codebook="",
            coverage=1.0,
        )


def test_none_can_be_filled_from_outside() -> None:
    with pytest.raises(PrivacyError):
        object.__new__(Released).__setstate__(["cells"])


def test_a_window_is_let_out_once(noon: datetime) -> None:
    tally = Tally(Budget().channel("cells"), axes=(Axis("cell", ("0", "dropped")),))
    rest = {"plan": "p", "codebook": "c", "coverage": 1.0}
    window = {"window_start": noon, "window_end": noon + timedelta(hours=1)}
    let_out(tally, **window, **rest)
    with pytest.raises(PrivacyError, match="let out before"):
        let_out(tally, **window, **rest)
