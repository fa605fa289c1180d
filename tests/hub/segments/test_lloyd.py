from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from hub.segments.lloyd import bridge, pool, step
from wire.codebook import Cell, Codebook, Scaling
from wire.messages import DROPPED, SUMS_UNIT, Axis, Release

BOOK = Codebook(
    "made-1",
    (Scaling("stops", 2.0, 1.0), Scaling("duration_s", 5.0, 1.0, log=True)),
    tuple(Cell((float(x), float(y)), {"wanderer": 0.5}) for x in (0, 4) for y in (0, 4)),
)


def release(channel: str, counts: np.ndarray, *, sd: float, day: int = 0) -> Release:
    cells = tuple(str(n) for n in range(4))
    axes = (Axis("cell", (*cells, DROPPED)),)
    if channel == "sums":
        axes = (Axis("cell", cells), Axis("trait", ("stops", "duration_s")))
    start = datetime(2026, 3, 2, 9, tzinfo=UTC) + timedelta(days=day)
    return Release(
        epoch="00000000deadbeef",
        seq=day + 1,
        channel=channel,  # type: ignore[arg-type]
        window_start=start,
        window_end=start + timedelta(hours=10),
        plan="p",
        codebook="made-1",
        axes=axes,
        counts=tuple(int(n) for n in np.rint(counts).ravel()),
        sd=sd,
        rho=0.01,
        standard_privacy=True,
        coverage=1.0,
    )


def month(visits: list[int], deviation: np.ndarray, *, seed: int = 1) -> list[Release]:
    rng = np.random.default_rng(seed)
    made = []
    for day in range(28):
        counts = np.array([*visits, 0]) + rng.normal(0, 5.6, 5)
        sums = deviation * np.array(visits)[:, None] * SUMS_UNIT + rng.normal(0, 845, (4, 2))
        made += [
            release("day_cells", counts, sd=5.6, day=day),
            release("sums", sums, sd=845, day=day),
        ]
    return made


def test_a_prototype_moves_to_where_its_visits_are() -> None:
    deviation = np.zeros((4, 2))
    deviation[1] = (0.5, -0.3)
    pooled = pool(month([200, 200, 200, 200], deviation), book=BOOK)
    assert pooled.counts.sum() == pytest.approx(28 * 800, rel=0.02)
    made, done = step(BOOK, pooled, version="made-2")
    moved = np.array(made.cells[1].prototype) - np.array(BOOK.cells[1].prototype)
    assert moved == pytest.approx((0.5, -0.3), abs=0.08)
    assert [made.cells[n].prototype for n in (0, 2, 3)] == [
        BOOK.cells[n].prototype for n in (0, 2, 3)
    ]
    assert len(done) == 1


def test_noise_alone_moves_nothing() -> None:
    for seed in range(4):
        pooled = pool(month([60, 60, 60, 60], np.zeros((4, 2)), seed=seed), book=BOOK)
        made, done = step(BOOK, pooled, version="made-2")
        assert (made.cells, done) == (BOOK.cells, [])


def test_a_crowded_cell_is_split_and_an_empty_one_left_out() -> None:
    pooled = pool(month([800, 100, 100, 1], np.zeros((4, 2))), book=BOOK)
    made, done = step(BOOK, pooled, version="made-2")
    assert len(made.cells) == 4  # one more, one less
    assert any("split" in one for one in done)
    assert any("left out" in one for one in done)
    assert made.version == "made-2"


def test_a_book_leads_to_itself() -> None:
    table = bridge(BOOK, BOOK)
    assert table is not None
    assert np.diag(table) == pytest.approx(np.ones(4))


def test_history_is_carried_to_another_book() -> None:
    finer = Codebook(
        "made-2",
        # other scaling, the same places; the third cell in two
        (Scaling("stops", 0.0, 2.0), Scaling("duration_s", 5.0, 1.0, log=True)),
        tuple(
            Cell(((x + 2) / 2, float(y)), {})
            for x, y in ((0, 0), (0, 4), (3.5, 0), (4.5, 0), (4, 4))
        ),
    )
    table = bridge(BOOK, finer)
    assert table is not None
    assert table.sum(axis=1) == pytest.approx(np.ones(4))
    assert min(table[0, 0], table[1, 1], table[3, 4]) > 0.9
    assert table[2, 2] == pytest.approx(0.5, abs=0.1)
    assert table[2, 3] == pytest.approx(0.5, abs=0.1)


def test_what_the_old_book_does_not_know_is_not_guessed() -> None:
    other = Codebook("made-2", (Scaling("kept", 0.0, 1.0),), (Cell((0.0,), {}), Cell((1.0,), {})))
    assert bridge(BOOK, other) is None
