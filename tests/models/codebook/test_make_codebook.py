from __future__ import annotations

import math
import random

import numpy as np
import pytest

from edge.release.codebook import check_codebook, nearest_cell
from edge.visits.visits import Visit
from firmware_sim.store import default_store
from firmware_sim.truth import Visited
from models.codebook.make_codebook import Example, Sight, examples, judge, make
from models.codebook.measure_confusion import Columns, cells_of
from wire.codebook import default_codebook
from wire.messages import PATTERNS

VISIT = Visit(0, 60_000, 20.0, (0.0, 0.0), (1.0, 1.0), (), (), (), True, True)
TRUTH = Visited(1, "leader", 0.0, 60.0, (0.0, 0.0, 0.0, 0.0), (), {}, (), (), 0, 20.0)


def _example(rng: random.Random) -> Example:
    """Somebody who buys is quick; somebody indecisive walks far."""
    buys, dithers, stops = rng.random() < 0.5, rng.random() < 0.3, rng.randint(0, 5)
    return Example(
        VISIT,
        TRUTH,
        {
            "duration_s": (60 if buys else 300) * math.exp(rng.gauss(0, 0.2)),
            "excess_path": (3.0 if dithers else 1.2) * math.exp(rng.gauss(0, 0.1)),
            "stops": float(stops),
            "engaged_s": 30 * math.exp(rng.gauss(0, 0.5)),
            "kept": float(buys),
            "stop_s": 10 * math.exp(rng.gauss(0, 0.5)) if stops else None,
        },
        {"showroomer": not buys, "wanderer": rng.random() < 0.4, "indecisive": dithers},
    )


def _columns(found: list[Example]) -> Columns:
    traits = {
        name: np.array([one.traits[name] for one in found], dtype=float) for name in found[0].traits
    }
    truths = {f"true_{name}": np.array([one.patterns[name] for one in found]) for name in PATTERNS}
    return {"visit": np.arange(len(found)), **traits, **truths}


def test_cells_tell_what_can_be_told_and_no_more() -> None:
    rng = random.Random(1)
    found = [_example(rng) for _ in range(600)]
    book = make(_columns(found), cells=8, version="t-1", source="made up", seed=1)
    check_codebook(book)
    assert len(book.cells) == 8
    assert all(set(cell.patterns) == set(PATTERNS) for cell in book.cells)
    held_out = [_example(rng) for _ in range(600)]
    result = judge(book, held_out=held_out)
    assert result["showroomer"]["auc"] > 0.95
    assert result["indecisive"]["auc"] > 0.9
    assert result["wanderer"]["auc"] == pytest.approx(0.5, abs=0.08)  # nothing shows it
    assert result["showroomer"]["cells_say"] == pytest.approx(
        result["showroomer"]["true_share"], abs=0.05
    )


def test_a_trait_that_never_varies_does_not_break_the_scaling() -> None:
    rng = random.Random(2)
    found = _columns([_example(rng) for _ in range(200)])
    found["kept"] = np.zeros(200)
    book = make(found, cells=4, version="t-1", source="made up", seed=1)
    assert all(scaling.spread > 0 for scaling in book.scaling)


def test_who_never_stopped_is_placed_and_who_was_cut_is_not() -> None:
    rng = random.Random(3)
    found = _columns([_example(rng) for _ in range(300)])
    found["duration_s"][:100] = np.nan
    book = make(found, cells=4, version="t-1", source="made up", seed=1)
    assert [scaling.trait for scaling in book.scaling if scaling.optional] == ["stop_s"]
    cells = cells_of(found, book=book)
    assert (cells[:100] == -1).all()
    assert (cells[100:] >= 0).all()
    assert np.isfinite([cell.prototype for cell in book.cells]).all()
    # the largest cell comes first
    assert list(np.bincount(cells[100:])) == sorted(np.bincount(cells[100:]), reverse=True)


def test_simulated_visits_are_followed_through_losses() -> None:
    store = default_store()
    _, without = examples(store, seed=3, hours=0.08)
    found, measured = examples(store, seed=3, hours=0.08, sight=Sight(losses_per_s=1 / 40))
    assert measured <= 1.25 * without  # nearly nobody is counted twice
    whole = [one for one in found if one.visit.entered and one.visit.left]
    assert len(whole) >= 5
    right = [one for one in whole if abs(one.visit.end_ms / 1_000 - one.truth.exit_s) <= 3]
    assert len(right) >= 0.75 * len(whole)  # the others were lost beside somebody else


def test_what_ships_is_measured_not_placed_by_hand() -> None:
    book = default_codebook()
    assert book.version.startswith("sim-")
    assert "seed" in book.source
    centre = {scaling.trait: scaling.centre for scaling in book.scaling}
    traits: dict[str, float | None] = {
        scaling.trait: math.expm1(scaling.centre) if scaling.log else scaling.centre
        for scaling in book.scaling
    }
    assert set(centre) == set(traits)
    assert nearest_cell(traits, codebook=book) is not None
