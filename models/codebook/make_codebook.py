"""Make ``wire/codebook_default.json`` again, from simulated visits.

Visits by the thousand with the errors of an agent on top (``aisle-sim visits``), of shops that hear
one shelf's goods. Prototypes are k-means over traits that tell of the patterns and little of how
much a shop hears: of all shops' visits at once, k-means would part those who kept one item from
those who kept more, and how many of these are told hangs on the readers a shop has. Pattern
probabilities are those of the simulator's shoppers: a demonstration, until a store has measured its
own.

    python -m models.codebook.make_codebook --out wire/codebook_default.json
    python -m models.codebook.make_codebook --judge wire/codebook_default.json

The second follows shoppers of the simulated store, who were not used: given tracks with correlated
noise, and item events of which some are missed; from there on all is the agent's own code.

sim-1, the codebook before, was k-means on 2,525 visits followed so (the default store, seeds 101 to
103, 4 h each): this script as of commit 9034f0e.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray
from scipy.cluster.vq import ClusterError, kmeans2

from edge.release.codebook import nearest_cell
from edge.rfid.items import ItemEvent
from edge.vision.tracking import TrackEnd, TrackPoint
from edge.visits.plan import Floor, FloorPlan, Zone
from edge.visits.traits import traits_of
from edge.visits.visits import Visit, Visits
from firmware_sim.run import Simulation
from firmware_sim.store import Store, default_store
from firmware_sim.truth import Handled, Seen, TruthParams, Visited, patterns
from models.codebook.measure_confusion import (
    Array,
    Columns,
    cells_of,
    shows,
    visits_of,
)
from wire.codebook import Cell, Codebook, Scaling
from wire.messages import PATTERNS

PLACING = ("duration_s", "excess_path", "stops", "engaged_s", "kept", "stop_s")
"""The traits that place a visit among the prototypes, as logarithms: they spread over orders of
magnitude. put_back_ratio is not among them: where few shelves are heard it hardly varies, so counts
did not fit what was measured in shops that hear more. Nor is moving_speed_m_s, which tells more of
the simulator than of the shopper."""
OPTIONAL = frozenset({"stop_s"})
"""Who never stopped is placed by the others."""
ROUNDS = 10
"""Lloyd steps with abstained traits left out, after k-means with them at the mean."""


@dataclass(frozen=True, slots=True)
class Sight:
    """How well the agent sees in training.

    Attributes:
        step_s: spacing of track points.
        noise_m: standard deviation of a place, each way.
        noise_s: how long an error lasts (first-order autoregression).
        pick_seen: share of picks that are heard (behaviour/NOTES.md section 4: 15 % missed).
        back_seen: share of put-backs heard, of those whose pick was.
        proof_s: how late the news of a pick comes.
        losses_per_s: how often a track is lost; it comes back as another.
        loss_s: longest time it stays away, evenly from 1 s.
    """

    step_s: float = 0.2
    noise_m: float = 0.10
    noise_s: float = 1.0
    pick_seen: float = 0.85
    back_seen: float = 0.70
    proof_s: float = 5.0
    losses_per_s: float = 0.0
    loss_s: float = 5.0


@dataclass(frozen=True, slots=True)
class Example:
    """One visit as the agent measured it, and what it truly showed."""

    visit: Visit
    truth: Visited
    traits: dict[str, float | None]
    patterns: dict[str, bool]


@dataclass(slots=True)
class _Watch:
    """Turns the simulator's truth into what trackers and readers would say."""

    sight: Sight
    rng: np.random.Generator
    ids: Iterator[int] = field(default_factory=count)
    tracks: dict[int, int] = field(default_factory=dict)
    away_until_s: dict[int, float] = field(default_factory=dict)
    errors: dict[int, Array] = field(default_factory=dict)
    began: dict[tuple[int, float, float], int] = field(default_factory=dict)
    heard: set[int] = field(default_factory=set)
    news: list[tuple[float, ItemEvent]] = field(default_factory=list)

    def see(self, seen: Seen) -> Iterator[TrackPoint | TrackEnd]:
        scene_ms = round(seen.at_s * 1_000)
        here = {number for number, _, _ in seen.people}
        for gone in sorted(set(self.errors) - here):
            del self.errors[gone]
            yield TrackEnd(self.tracks[gone], scene_ms)
        for number, east_m, north_m in seen.people:
            if number not in self.errors:
                self.tracks[number] = next(self.ids)
            elif self.rng.random() < self.sight.losses_per_s * self.sight.step_s:
                self.away_until_s[number] = seen.at_s + self.rng.uniform(1, self.sight.loss_s)
                yield TrackEnd(self.tracks[number], scene_ms)
                self.tracks[number] = next(self.ids)
            first = number not in self.errors
            error = self._error(number)
            if seen.at_s < self.away_until_s.get(number, 0.0):
                continue
            point = (east_m + float(error[0]), north_m + float(error[1]))
            if first:
                self.began[(scene_ms, *point)] = number
            yield TrackPoint(self.tracks[number], scene_ms, *point)

    def _error(self, number: int) -> Array:
        keep = math.exp(-self.sight.step_s / self.sight.noise_s)
        fresh = self.rng.normal(0, self.sight.noise_m, 2)
        last = self.errors.get(number)
        error = fresh if last is None else keep * last + math.sqrt(1 - keep * keep) * fresh
        self.errors[number] = error
        return error

    def hear(self, done: Handled) -> None:
        if done.gtin is None or done.kind == "sold":
            return
        if done.kind == "pick":
            if self.rng.random() < self.sight.pick_seen:
                self.heard.add(done.item)
                self._note(done, after_s=self.sight.proof_s)
        elif done.item in self.heard and self.rng.random() < self.sight.back_seen:
            self.heard.discard(done.item)
            self._note(done, after_s=1.0)

    def _note(self, done: Handled, *, after_s: float) -> None:
        event = ItemEvent(
            kind="picked" if done.kind == "pick" else "put_back",
            scene_ms=round(done.at_s * 1_000),
            zone=done.zone,
            product_class=done.gtin or "",
            tag=done.item.to_bytes(8, "big", signed=True),
        )
        self.news.append((done.at_s + after_s, event))

    def heard_by(self, at_s: float) -> list[ItemEvent]:
        due = [event for news_s, event in self.news if news_s <= at_s]
        self.news = [(news_s, event) for news_s, event in self.news if news_s > at_s]
        return due


def floor_of(store: Store) -> Floor:
    """Give the agent's floor of a simulated store."""
    room = store.room
    return Floor(
        FloorPlan(
            version="simulated",
            outline=_rectangle(0.0, 0.0, room.width_m, room.depth_m),
            zones=tuple(
                Zone(zone.id, zone.kind, zone.name, tuple(zone.polygon)) for zone in store.zones
            ),
            fixtures=tuple(
                _rectangle(box.west_m, box.south_m, box.east_m, box.north_m) for box in store.boxes
            ),
        )
    )


def examples(
    store: Store, *, seed: int, hours: float, sight: Sight | None = None
) -> tuple[list[Example], int]:
    """Follow a simulated store for some hours.

    Args:
        store: which.
        seed: of shoppers and errors.
        hours: of scene time.
        sight: how well the agent sees.

    Returns:
        The visits the agent measured that begin where somebody's does, and how many visits it
        measured in all.
    """
    sight = sight or Sight()
    watch = _Watch(sight, np.random.default_rng((seed, 99)))
    floor = floor_of(store)
    visits = Visits(floor, antennas={reader.zone: reader.antenna[:2] for reader in store.readers})
    simulation = Simulation(store, seed=seed, positions_s=sight.step_s)
    truths: dict[int, Visited] = {}
    over: list[Visit] = []
    for second in range(round(hours * 3_600)):
        for told in simulation.step(second + 1.0):
            if isinstance(told, Seen):
                for item in (*watch.see(told), *watch.heard_by(told.at_s)):
                    over += visits.feed(item)
            elif isinstance(told, Handled):
                watch.hear(told)
            else:
                truths[told.party + (1 if told.role == "leader" else 2)] = told
        simulation.truth.clear()
    over += visits.flush()
    found = []
    for visit in over:
        truth = truths.get(watch.began.get((visit.start_ms, *visit.start_point), -1))
        if truth is not None:
            found.append(
                Example(
                    visit,
                    truth,
                    traits_of(visit, floor=floor),
                    patterns(truth, params=TruthParams()),
                )
            )
    return found, len(over)


def make(
    found: Columns, *, cells: int, version: str, source: str, seed: int, prior: float = 10.0
) -> Codebook:
    """Place prototypes by k-means and measure what their visits show.

    Args:
        found: training visits; those with an abstaining trait that is not optional are left out.
        cells: how many prototypes.
        version: of the codebook.
        source: told to people.
        seed: of the restarts.
        prior: visits' worth of the overall share that every cell's share is drawn towards.
    """
    raw = np.column_stack([np.asarray(found[name], dtype=np.float64) for name in PLACING])
    must = [name not in OPTIONAL for name in PLACING]
    placed = ~np.isnan(raw[:, must]).any(axis=1)
    bent = np.log1p(raw[placed])
    centre, spread = np.nanmean(bent, axis=0), np.nanstd(bent, axis=0)
    spread = np.where(spread > 0, spread, 1.0)  # a trait that never varies places nobody
    prototypes = _kmeans((bent - centre) / spread, cells=cells, seed=seed)
    scaling = tuple(
        Scaling(name, round(float(c), 4), round(float(s), 4), log=True, optional=name in OPTIONAL)
        for name, c, s in zip(PLACING, centre, spread, strict=True)
    )
    rounded = [tuple(round(float(x), 3) for x in row) for row in prototypes]
    blank = Codebook(version, scaling, tuple(Cell(row, {}) for row in rounded), source)
    chosen = cells_of(found, book=blank)[placed]
    shown = {name: shows(found, axis=name)[placed] for name in PATTERNS}
    return Codebook(
        version=version,
        scaling=scaling,
        cells=tuple(
            Cell(
                row,
                {
                    name: round(
                        float(
                            (truth[chosen == number].sum() + prior * truth.mean())
                            / ((chosen == number).sum() + prior)
                        ),
                        4,
                    )
                    for name, truth in shown.items()
                },
            )
            for number, row in enumerate(rounded)
        ),
        source=source,
    )


def _kmeans(places: Array, *, cells: int, seed: int, restarts: int = 3) -> Array:
    """Give the tightest of several k-means results, largest cell first; NaN weighs nothing."""
    told = ~np.isnan(places)
    filled = np.where(told, places, 0.0)
    best: tuple[float, Array] | None = None
    for number in range(restarts):
        try:
            centres, labels = kmeans2(
                filled, cells, minit="++", seed=seed + number, iter=25, missing="raise"
            )
        except ClusterError as error:
            print(f"restart {number}: {error}", file=sys.stderr)
            continue
        loss = float(((filled - centres[labels]) ** 2).sum())
        if best is None or loss < best[0]:
            best = loss, centres
    if best is None:
        raise SystemExit("every restart of k-means left a cell empty; give more visits")
    centres = best[1]
    for _ in range(ROUNDS):
        gaps = np.where(told[:, None], filled[:, None] - centres, 0.0)
        labels = (gaps**2).sum(axis=2).argmin(axis=1)
        for number in range(cells):
            mine = labels == number
            weight = told[mine].sum(axis=0)
            moved = filled[mine].sum(axis=0) / np.maximum(weight, 1)
            centres[number] = np.where(weight > 0, moved, centres[number])
    order = np.argsort(-np.bincount(labels, minlength=cells), kind="stable")
    return np.asarray(centres[order], dtype=np.float64)


def judge(codebook: Codebook, *, held_out: list[Example]) -> dict[str, Any]:
    """Measure a codebook on visits it was not made from.

    Returns:
        Per pattern: AUC of the cell's probability, the true share, and the share the cells say.
    """
    cells = [nearest_cell(one.traits, codebook=codebook) for one in held_out]
    placed = [(one, cell) for one, cell in zip(held_out, cells, strict=True) if cell is not None]
    result: dict[str, Any] = {
        "visits": len(held_out),
        "dropped": round(1 - len(placed) / len(held_out), 3),
    }
    for name in PATTERNS:
        score = np.array([codebook.cells[cell].patterns[name] for _, cell in placed])
        truth = np.array([one.patterns[name] for one, _ in placed])
        result[name] = {
            "auc": round(_auc(score, truth), 3),
            "true_share": round(float(truth.mean()), 3),
            "cells_say": round(float(score.mean()), 3),
        }
    result["per_cell"] = np.bincount(
        [cell for _, cell in placed], minlength=len(codebook.cells)
    ).tolist()
    return result


def _auc(score: Array, truth: NDArray[np.bool_]) -> float:
    """Give the chance that a positive scores above a negative; ties count half."""
    above = score[truth][:, None] - score[~truth][None, :]
    return float((above > 0).mean() + 0.5 * (above == 0).mean())


def _rectangle(
    west: float, south: float, east: float, north: float
) -> tuple[tuple[float, float], ...]:
    return ((west, south), (east, south), (east, north), (west, north))


def main() -> None:
    """Make a codebook, or tell how good one is."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--seed", type=int, default=301)
    parser.add_argument("--days", type=int, default=28)
    parser.add_argument("--visits", type=float, default=1_500, help="a day")
    parser.add_argument("--cells", type=int, default=20)
    parser.add_argument("--version", default="sim-2")
    parser.add_argument("--judge", type=Path, help="a codebook; follows shoppers")
    parser.add_argument("--test-seeds", type=int, nargs="+", default=[921])
    parser.add_argument("--hours", type=float, default=4.0, help="followed per test seed")
    given = parser.parse_args()
    if given.judge:
        book = msgspec.json.decode(given.judge.read_bytes(), type=Codebook)
        followed = [
            one
            for seed in given.test_seeds
            for one in examples(default_store(), seed=seed, hours=given.hours)[0]
        ]
        print(msgspec.json.format(msgspec.json.encode(judge(book, held_out=followed))).decode())
    if given.out:
        found = visits_of(given.seed, days=range(given.days), visits=given.visits, hearing=(False,))
        source = (
            f"{len(found['visit'])} simulated visits (aisle-sim visits: default store, seed "
            f"{given.seed}, {given.days} days of {given.visits:g} with one shelf's goods heard); "
            "made by models/codebook/make_codebook.py"
        )
        book = make(found, cells=given.cells, version=given.version, source=source, seed=given.seed)
        given.out.write_bytes(msgspec.json.format(msgspec.json.encode(book), indent=1) + b"\n")


if __name__ == "__main__":
    main()
