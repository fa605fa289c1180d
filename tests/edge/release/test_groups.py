from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.errors import PrivacyError
from edge.parts_io import budget_of, meta_of, read_config
from edge.release.account import account, lines
from edge.release.groups import BATCH, LEAST, Batch, mdav
from edge.release.hours import Daypart, Hours
from edge.release.privacy import Budget, Ledger
from edge.release.released import Released, let_out_groups
from edge.release.windows import Windows
from edge.visits.plan import Floor
from edge.visits.visits import Visit
from wire.codebook import Codebook, default_codebook

EXAMPLE = Path(__file__).parents[3] / "deploy" / "examples" / "store.toml"
NOON = datetime(2026, 3, 7, 12, tzinfo=UTC)
MINUTE = 60_000


@settings(deadline=None)
@given(count=st.integers(1, 120), least=st.integers(1, 12), seed=st.integers(0, 99))
def test_groups_are_large_enough_and_take_everybody_once(count: int, least: int, seed: int) -> None:
    places = np.random.default_rng(seed).normal(0, 1, (max(count, least), 3))
    groups = mdav(places, least=least)
    sizes = [len(group) for group in groups]
    assert min(sizes) >= least
    assert max(sizes) < 2 * least or len(groups) == 1
    assert sorted(np.concatenate(groups).tolist()) == list(range(len(places)))


def test_who_is_near_comes_together() -> None:
    rng = np.random.default_rng(1)
    middles = rng.permutation(np.repeat([[0.0, 0], [50, 0], [0, 50]], 10, axis=0))
    groups = mdav(middles + rng.normal(0, 1, (30, 2)), least=10)
    assert [len(group) for group in groups] == [10, 10, 10]
    for group in groups:
        assert len(np.unique(middles[group], axis=0)) == 1


def _filled(codebook: Codebook, count: int) -> Batch:
    batch = Batch(codebook)
    for number in range(count):
        batch.add({"duration_s": 60.0 + 30 * (number % 3), "kept": 1.0})
    batch.add({"duration_s": None, "kept": 1.0})
    return batch


def test_a_batch_tells_sizes_and_means_once(codebook: Codebook) -> None:
    batch = _filled(codebook, BATCH)
    told = batch.close()
    assert sum(size for size, *_ in told) == BATCH
    assert all(size >= LEAST for size, *_ in told)
    whole = np.average([mean for _, mean, _ in told], weights=[size for size, *_ in told])
    assert whole == pytest.approx(100 * 0.99, abs=1)
    assert {kept for *_, kept in told} == {100}
    with pytest.raises(PrivacyError, match="let out before"):
        batch.close()
    assert _filled(codebook, BATCH - 1).close() == []


def _day(
    floor: Floor, codebook: Codebook, visit_at: Callable[..., Visit], *, groups: bool, count: int
) -> tuple[list[Released], Ledger]:
    windows = Windows(
        floor,
        codebook=codebook,
        budget=Budget(0.1, Budget().rules[:2]),
        hours=Hours(UTC, time(8), time(20)),
        dayparts=(Daypart("all", time(0)),),
        utc_of=lambda ms: NOON + timedelta(milliseconds=ms),
        groups=groups,
    )
    released = [
        one
        for number in range(count)
        for one in windows.feed(visit_at(number * 10_000, seconds=30 + number % 90))
    ]
    return [*released, *windows.flush(30 * MINUTE)], windows.ledger


def test_the_mode_is_off_by_default_and_needs_a_hundred_visits(
    floor: Floor, codebook: Codebook, visit_at: Callable[..., Visit]
) -> None:
    for groups, count in ((False, BATCH), (True, BATCH - 1)):
        released, _ = _day(floor, codebook, visit_at, groups=groups, count=count)
        assert "groups" not in {one.channel for one in released}


def test_switched_on_it_is_marked_as_weaker_and_has_its_line_in_the_ledger(
    floor: Floor, codebook: Codebook, visit_at: Callable[..., Visit]
) -> None:
    released, ledger = _day(floor, codebook, visit_at, groups=True, count=BATCH)
    (groups,) = [one for one in released if one.channel == "groups"]
    assert not groups.standard_privacy
    assert (groups.rho, groups.codebook) == (0.0, codebook.version)
    assert groups.axes[1].labels == ("visits", "duration_s", "kept")
    assert sum(groups.counts[::3]) == BATCH
    assert groups.message(epoch="0" * 16, seq=1).counts == groups.counts
    assert ledger.spent["groups"].windows == 1


def test_many_groups_come_in_several_messages(codebook: Codebook) -> None:
    whole = let_out_groups(
        _filled(codebook, 3_000),
        window_start=NOON,
        window_end=NOON + timedelta(hours=1),
        plan="p",
        codebook="c",
        coverage=1.0,
    )
    assert whole is not None
    parts = whole.parts()
    assert len(parts) > 1
    assert all(len(part.axes[0].labels) <= 256 for part in parts)
    assert sum(sum(part.counts[::3]) for part in parts) == 3_000


def test_a_store_that_switches_it_on_says_so_everywhere(tmp_path: Path) -> None:
    file = tmp_path / "store.toml"
    file.write_text(EXAMPLE.read_text() + "\n[privacy]\ngroups = true\n")
    config = read_config(file)
    budget = budget_of(config)
    meta = meta_of(config, config_hash="x", codebook=default_codebook(), budget=budget)
    assert not meta.privacy.standard
    assert meta.privacy.channels[-1].name == "groups"
    usual = read_config(EXAMPLE)
    assert meta_of(
        usual, config_hash="x", codebook=default_codebook(), budget=budget
    ).privacy.standard
    told = account(budget, ledger=Ledger(), configured_rho=0.1, hub_rho=None, groups=True)
    assert "NOT IN THESE FIGURES" in "\n".join(lines(told, whose=""))
