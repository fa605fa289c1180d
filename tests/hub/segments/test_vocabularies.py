"""A codebook is bettered, published and taken up, and the segments' history goes on over it."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from typer.testing import CliRunner

from hub.cli import app
from hub.ingest.judging import Arrival, Key, Noted, Stored
from hub.segments.rules import compile_rule, weights
from hub.store_io.configs import ConfigTables
from hub.store_io.store import Store
from wire.codebook import Cell, Codebook, Scaling
from wire.codec import encode
from wire.messages import DROPPED, SUMS_UNIT, Axis, Meta, Release
from wire.topics import Topic

EPOCH = "00000000deadbeef"
FIRST = datetime(2026, 3, 2, 9, tzinfo=UTC)
PLACES = ((0, 0, 0), (4, 0, 0), (0, 4, 0), (0, 0, 4), (4, 4, 0), (-4, -4, -4))
BOOK = Codebook(
    "made-1",
    tuple(Scaling(name, 5.0, 1.0) for name in ("stops", "picks", "kept")),
    tuple(
        Cell(tuple(map(float, place)), {"wanderer": 0.9 if n in {0, 3} else 0.1})
        for n, place in enumerate(PLACES)
    ),
)
CENTRES = np.array([(0.6, -0.5, 0), (4, 0, 0.7), (4, 0, -0.7), (0, 4, 0), (0, 0, 4), (4, 4, 0)])
LIKELY = np.array([0.12, 0.3, 0.3, 0.1, 0.1, 0.08])
"""The first cell's visits are beside it, two kinds are in the second, and none in the last."""


def nearest(points: np.ndarray, book: Codebook) -> np.ndarray:
    places = np.array([cell.prototype for cell in book.cells])
    return np.linalg.norm(points[:, None] - places[None], axis=2).argmin(axis=1)


def a_day(number: int, *, book: Codebook, rng: np.random.Generator) -> list[Release]:
    """Give a day of 2,000 visits as an agent counts them: its cells, and their deviations."""
    kinds = rng.choice(len(CENTRES), size=2_000, p=LIKELY)
    points = CENTRES[kinds] + rng.normal(0, 0.35, (2_000, 3))
    cells = nearest(points, book)
    counts = np.bincount(cells, minlength=len(book.cells)).astype(float)
    away = points - np.array([cell.prototype for cell in book.cells])[cells]
    away /= np.maximum(np.linalg.norm(away, axis=1), 1.0)[:, None]
    sums = np.zeros((len(book.cells), 3))
    np.add.at(sums, cells, away * SUMS_UNIT)
    labels = tuple(map(str, range(len(book.cells))))
    traits = tuple(scaling.trait for scaling in book.scaling)
    start = FIRST + timedelta(days=number)
    return [
        Release(
            epoch=EPOCH,
            seq=2 * number + 1 + at,
            channel=channel,  # type: ignore[arg-type]
            window_start=start,
            window_end=start + timedelta(hours=10),
            plan="plan-1",
            codebook=book.version,
            axes=axes,
            counts=tuple(int(n) for n in np.rint(values + rng.normal(0, sd, len(values)))),
            sd=sd,
            rho=0.01,
            standard_privacy=True,
            coverage=1.0,
        )
        for at, (channel, axes, values, sd) in enumerate(
            (
                ("day_cells", (Axis("cell", (*labels, DROPPED)),), np.append(counts, 0), 5.6),
                ("sums", (Axis("cell", labels), Axis("trait", traits)), sums.ravel(), 845.0),
            )
        )
    ]


@pytest.fixture
def fill(store: Store, meta: Meta) -> Callable[..., None]:
    """Give a function (days, book=) that stores an agent's meta and days, counted by a book."""

    def write(days: range, *, book: Codebook) -> None:
        rng = np.random.default_rng(days.start)
        at = FIRST + timedelta(days=days.start)
        topic = Topic("berlin-1", "north", "meta")
        message = msgspec.structs.replace(meta, codebook=book)
        arrival = Arrival(str(topic), encode(topic, message, event_id="1", time=at), at, True)
        store.commit([Noted(topic, message, at, arrival)])
        store.commit(
            [
                Stored(Key("berlin-1", "north", EPOCH, one.seq), one, str(one.seq), at, arrival)
                for number in days
                for one in a_day(number, book=book, rng=rng)
            ]
        )

    return write


NAMES = ("stops", "picks", "kept", "backs", "aisles")


@pytest.fixture
def regroup(store: Store, meta: Meta) -> Callable[..., None]:
    """Give a function (days, places=, shares=) that stores days of 2,000 visits in some cells."""

    def write(days: range, *, places: np.ndarray, shares: np.ndarray) -> None:
        rng = np.random.default_rng(days.start)
        scaling = tuple(Scaling(name, 5.0, 1.0) for name in NAMES)
        cells = tuple(Cell(tuple(place), {}) for place in places.tolist())
        book = Codebook("made-1", scaling, cells)
        topic = Topic("berlin-1", "north", "meta")
        message = msgspec.structs.replace(meta, codebook=book)
        arrival = Arrival(str(topic), encode(topic, message, event_id="1", time=FIRST), FIRST, True)
        (like, _) = a_day(0, book=BOOK, rng=rng)
        decisions: list[Noted | Stored] = [Noted(topic, message, FIRST, arrival)]
        for number in days:
            counts = np.append(rng.multinomial(2_000, shares), 0)
            start = FIRST + timedelta(days=number)
            release = msgspec.structs.replace(
                like,
                seq=number + 1,
                window_start=start,
                window_end=start + timedelta(hours=10),
                axes=(Axis("cell", (*map(str, range(len(cells))), DROPPED)),),
                counts=tuple(int(n) for n in np.rint(counts + rng.normal(0, 5.6, len(counts)))),
            )
            key = Key("berlin-1", "north", EPOCH, release.seq)
            decisions.append(Stored(key, release, str(release.seq), FIRST, arrival))
        store.commit(decisions)

    return write


def test_groups_of_visits_are_born_and_die(regroup: Callable[..., None], database: Path) -> None:
    rng = np.random.default_rng(0)
    centres = rng.normal(0, 4, (3, 5))
    places = (centres[:, None] + rng.normal(0, 0.5, (3, 3, 5))).reshape(9, 5)
    for days, shares in ((range(28), (0.4, 0.6, 0.0)), (range(28, 42), (0.0, 0.6, 0.4))):
        regroup(days, places=places, shares=np.repeat(shares, 3) / 3)
    told = call("segments", "discover", "--db", database, "--json")
    assert "3 groups" in told["told"]
    became = sorted(told["became"], key=lambda one: one["kind"])
    assert [one["kind"] for one in became] == ["born", "died", "survived"]
    assert became[2]["overlap"] == pytest.approx(1.0, abs=0.02)
    assert became[2]["growth"] == pytest.approx(1.0, abs=0.05)
    lines = call("segments", "look", "--discover", "--db", database, "--json")["lines"]
    assert {one["event"] for one in lines} == {"born", "died"}
    assert all("weeks 14 to 15 of 2026" in one["detail"] for one in lines)


def _along() -> np.ndarray:
    """Give three pairs of cells far from one another, and a row of five with a gap."""
    rng = np.random.default_rng(0)
    pairs = [9 * np.eye(5)[n] + rng.normal(0, 0.5, (2, 5)) for n in range(3)]
    row = [5.5 * part * np.eye(5)[3] for part in (-1, -0.55, 0, 0.55, 1)]
    return np.concatenate([*pairs, np.array(row) + rng.normal(0, 0.15, (5, 5))])


PAIRS = (0.15, 0.1, 0.15, 0.1, 0.1, 0.1)
WHOLE = np.array([*PAIRS, 0.04, 0.06, 0.1, 0.06, 0.04])
APART = np.array([*PAIRS, 0.12, 0.06, 0.0, 0.04, 0.08])


def test_a_group_that_falls_apart_is_told_of_its_segment(
    regroup: Callable[..., None], database: Path
) -> None:
    places, db = _along(), ("--db", database, "--json")
    regroup(range(28), places=places, shares=WHOLE)
    assert call("segments", "look", "--discover", *db)["lines"] == []
    mother = _holding(9, places, database=database)
    call("segments", "accept", mother, *db)

    regroup(range(28, 42), places=places, shares=APART)
    lines = call("segments", "look", "--discover", *db)["lines"]
    told = {(one["segment"], one["event"]): one["detail"] for one in lines}
    ends = [_holding(cell, places, database=database) for cell in (6, 10)]
    assert len({mother, *ends}) == 3
    assert set(told) == {(mother, "split"), *((end, "born") for end in ends)}
    weeks = "in weeks 14 to 15 of 2026"
    for end in ends:
        words = told[end, "born"].removeprefix(f"split from {mother} {weeks}: ")
        assert f"{words.removesuffix(' of it')} of it in {end}" in told[mother, "split"]
    listed = {one["segment"]: one for one in call("segments", "list", *db)["segments"]}
    assert listed[ends[0]]["line"].startswith(f"born split from {mother} {weeks}: ")
    assert listed[mother]["state"] == "active"
    events = call("segments", "history", mother, *db)["events"]
    assert [one["event"] for one in events] == ["added", "accepted", "split"]
    assert call("segments", "look", "--discover", *db)["lines"] == []  # told once


def test_groups_that_come_together_are_told_of_their_segments(
    regroup: Callable[..., None], database: Path
) -> None:
    places, db = _along(), ("--db", database, "--json")
    regroup(range(28), places=places, shares=APART)
    call("segments", "look", "--discover", *db)
    ends = [_holding(cell, places, database=database) for cell in (6, 10)]
    regroup(range(28, 42), places=places, shares=WHOLE)
    lines = call("segments", "look", "--discover", *db)["lines"]
    told = {(one["segment"], one["event"]): one["detail"] for one in lines}
    (heir,) = {segment for segment, event in told if event == "born"}
    assert set(told) == {(heir, "born"), *((end, "merged") for end in ends)}
    rules = [one["rule"] for one in call("segments", "list", *db)["segments"]]
    assert len(set(rules)) == len(rules)  # nothing is proposed twice
    for end in ends:
        assert told[end, "merged"] == f"into {heir} in weeks 14 to 15 of 2026: 100 % of it"
        assert f"100 % of {end}" in told[heir, "born"]


def _holding(cell: int, places: np.ndarray, *, database: Path) -> str:
    """Give the smallest segment that holds a cell."""
    cells = [
        {f"trait.{name}": value for name, value in zip(NAMES, 5.0 + place, strict=True)}
        for place in places
    ]
    rows = call("segments", "list", "--db", database, "--json")["segments"]
    held = {
        row["segment"]: weights(compile_rule(row["rule"]), cells=cells, contexts=[{}])[0]
        for row in rows
    }
    return min((one for one in held if held[one][cell]), key=lambda one: held[one].sum())


def call(*arguments: object) -> Any:  # noqa: ANN401 - JSON or text
    result = CliRunner().invoke(app, [*map(str, arguments)])
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_a_better_codebook_is_published_and_history_goes_on(
    store: Store, database: Path, fill: Callable[..., None], tmp_path: Path
) -> None:
    db = ("--db", database, "--json")
    fill(range(28), book=BOOK)
    call("segments", "add", _segment(tmp_path), *db)
    call("segments", "accept", "roam", *db)
    file = tmp_path / "better.json"
    told = call("segments", "codebook", "--out", file, "--version", "made-2", *db)
    assert [one.split(",")[0].split(" by")[0] for one in told["done"]] == [
        "cell 0: moved",
        "cell 1: split",
        "cell 5: left out",
    ]
    made = msgspec.json.decode(file.read_bytes(), type=Codebook)
    assert np.array(made.cells[0].prototype) == pytest.approx(CENTRES[0], abs=0.15)
    call("codebook", "publish", file, *db)
    (wanted,) = ConfigTables(store).wanted().values()
    assert wanted.codebook == made

    fill(range(28, 49), book=made)
    shown = call("codebook", "show", *db)
    assert shown["used"] == {"berlin-1/north": "made-2"}
    days = call("segments", "replay", "roam", *db)["days"]["berlin-1"]
    assert len(days) == 49
    before, after = (
        sum(day["members"] for day in part) / sum(day["visits"] for day in part)
        for part in (days[:28], days[28:])
    )
    assert before == pytest.approx(0.9 * (0.12 + 0.1) + 0.1 * 0.78, abs=0.01)
    assert after == pytest.approx(before, abs=0.01)
    (looked,) = call("segments", "look", *db)["looked"]
    assert (looked["state"], looked["alarm"]) == ("active", None)
    # the next step begins with the one that is in use
    told = call("segments", "codebook", "--out", file, "--version", "made-3", *db)
    again = msgspec.json.decode(file.read_bytes(), type=Codebook)
    assert again.source.startswith("made-2")


def _segment(folder: Path) -> Path:
    path = folder / "roam.toml"
    path.write_text("[[segment]]\nid = 'roam'\nname = 'Roam'\nrule = 'pattern.wanderer'\n")
    return path
