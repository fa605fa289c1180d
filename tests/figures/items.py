"""Item events and whose they are, beside the simulator's truth. Simulated; nothing is written.

Seeds used for tuning: 1 to 9 (shelf, aisle), 101 to 103 (joining). The defaults here are others.

    python tests/figures/items.py aisle [--tags 60] [--rates 0.65]   # three antennas 0.5 m apart,
                                        # a till and an exit (item_scenes.py); the issue's figures
    python tests/figures/items.py shelf [--seeds 11 12 13 14] [--tags 60] [--minutes 30]  # alone
    python tests/figures/items.py still [--seeds 21 22]    # the aisle, an hour, nobody touches it
    python tests/figures/items.py joining [--seeds 104 105] [--minutes 30]

``joining`` gives the places of people as the simulator has them, with 10 cm of noise: it measures
the joining, not the tracker.
"""

from __future__ import annotations

import argparse
import importlib.util
import itertools
import math
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import msgspec
import numpy as np

from edge.rfid.driver import Empty, Read, Settings
from edge.rfid.drivers import FAMILIES
from edge.rfid.epc import ProductClasses
from edge.rfid.items import ItemEvent, ItemParams, Items, Key, Place
from edge.rfid.reads import Alive, TagRead
from edge.visits.joining import Joining, JoinParams
from edge.visits.plan import Floor, FloorPlan, Zone
from edge.visits.walks import Walk
from firmware_sim.run import Simulation
from firmware_sim.store import Store, default_store
from firmware_sim.truth import Handled, Visited

TESTS = Path(__file__).parents[1]
TICK_S = 0.05
FPS = 6
NEAR_MS = 6_000
"""A found pick is a true one if it is of the same tag and dated this close."""
SAME_MS = 5_000
"""A found event of the aisle is a true one if it is of the same kind and tag, dated this close."""
APART_M = 1.0


def main() -> None:
    """Print one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "what", choices=["aisle", "shelf", "still", "joining"], nargs="?", default="aisle"
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=None)
    parser.add_argument("--tags", type=int, nargs="+", default=[60])
    parser.add_argument("--rates", type=float, nargs="+", default=[0.65])
    parser.add_argument("--minutes", type=int, default=30)
    options = parser.parse_args()
    if options.what == "aisle":
        for tags, rate in itertools.product(options.tags, options.rates):
            aisle(options.seeds or [11, 12], tags=tags, rate=rate, minutes=options.minutes)
    elif options.what == "shelf":
        for tags in options.tags:
            shelf(options.seeds or [11, 12, 13, 14], tags=tags, minutes=options.minutes)
    elif options.what == "still":
        for tags in options.tags:
            still(options.seeds or [21, 22], tags=tags)
    else:
        joining(options.seeds or [104, 105], minutes=options.minutes)


def shelf(seeds: list[int], *, tags: int, minutes: int) -> None:
    """Score picks and returns at a shelf behind a Gilbert channel, 65 % of rounds answered."""
    scene = _module(TESTS / "edge" / "rfid" / "test_items.py")
    total: Counter[tuple[str, int]] = Counter()
    reads_n, cpu_s = 0, 0.0
    for seed in seeds:
        reads, truth = scene.shelf(seed, minutes=minutes, tags=tags)
        began_s = time.process_time()
        events = scene.play(reads, end=minutes * 60_000)
        cpu_s += time.process_time() - began_s
        reads_n += len(reads)
        for kind, counts in scene.scores(events, truth).items():
            for place, count in enumerate(counts):
                total[kind, place] += count
    for kind in ("picked", "put_back"):
        hits, false, missed = (total[kind, place] for place in range(3))
        f1 = 2 * hits / (2 * hits + false + missed)
        print(f"{tags} tags, {kind:9} F1 {f1:.3f}  hits {hits} false {false} missed {missed}")
    print(f"{1e6 * cpu_s / reads_n:.1f} us of CPU a read: {400 * cpu_s / reads_n:.1%} of a core "
          "at 400 a second")  # fmt: skip


def aisle(seeds: list[int], *, tags: int, rate: float, minutes: int) -> None:
    """Score every kind of event where antennas are 0.5 m apart; and how sure they say they are."""
    scene = _module(Path(__file__).parent / "item_scenes.py")
    counts: Counter[tuple[str, str]] = Counter()
    said: list[tuple[str, float, bool]] = []
    reads_n, cpu_s = 0, 0.0
    for seed in seeds:
        reads, truth = scene.aisle(seed, minutes=minutes, tags=tags, rate=rate)
        began_s = time.process_time()
        events = _events(reads, places=scene.PLACES, end_ms=minutes * 60_000)
        cpu_s += time.process_time() - began_s
        reads_n += len(reads)
        for event in events:
            near = [
                one
                for one in truth
                if one.kind == event.kind
                and scene.tag_of(one.tag) == event.tag
                and abs(one.scene_ms - event.scene_ms) <= SAME_MS
            ]
            counts[event.kind, "found"] += 1
            counts[event.kind, "right"] += bool(near)
            counts[event.kind, "zone"] += any(one.zone == event.zone for one in near)
            said.append((event.kind, event.confidence, bool(near)))
        for one in truth:
            counts[one.kind, "true"] += 1
    print(f"{tags} tags an antenna, {rate:.0%} read, antennas 0.5 m apart, {len(seeds)} seeds")
    for kind in ("picked", "put_back", "till", "sold", "left_unpaid"):
        true, found, right, zone = (
            counts[kind, what] for what in ("true", "found", "right", "zone")
        )
        f1 = 2 * right / max(1, true + found)
        print(
            f"  {kind:12} F1 {f1:.3f}  true {true} found {found} right {right}, in its zone {zone}"
        )
    for kind in ("picked", "put_back", "sold", "left_unpaid"):
        for low, high in itertools.pairwise((0.0, 0.6, 0.9, 0.96, 0.99, 1.01)):
            part = [one for one in said if one[0] == kind and low <= one[1] < high]
            if part:
                share, right = (float(np.mean([one[at] for one in part])) for at in (1, 2))
                print(f"  {kind:12} said {share:.2f}, right {right:.2f} of {len(part)}")
    print(f"  {1e6 * cpu_s / reads_n:.1f} us of CPU a read: {400 * cpu_s / reads_n:.1%} of a core "
          "at 400 a second")  # fmt: skip


def still(seeds: list[int], *, tags: int) -> None:
    """Count events at shelves that nobody touches."""
    scene = _module(Path(__file__).parent / "item_scenes.py")
    found: Counter[str] = Counter()
    for seed in seeds:
        reads, _ = scene.aisle(seed, minutes=60, tags=tags, touched=False)
        found.update(event.kind for event in _events(reads, places=scene.PLACES, end_ms=3_600_000))
    hours = 3 * len(seeds)
    print(f"{tags} tags an antenna, antennas 0.5 m apart: {found['picked'] / hours:.2f} picks an "
          f"hour of a shelf nobody touches ({hours} hours)")  # fmt: skip


def _events(
    reads: list[TagRead], *, places: dict[str | Key, Place], end_ms: int
) -> list[ItemEvent]:
    items = Items(ItemParams(), places)
    events = [event for one in reads for event in items.feed(one)]
    return [*events, *items.advance(end_ms), *items.flush()]


def joining(seeds: list[int], *, minutes: int) -> None:
    """Score whose a pick was taken to be, at a shelf made far too popular."""
    store = crowded_store()
    total: Counter[tuple[str, str]] = Counter()
    given: list[tuple[float, bool]] = []
    for seed in seeds:
        events, walks, truth = record(store, seed=seed, minutes=minutes)
        shares = joined(store, events=events, walks=walks)
        for at_ms, tag, picker in truth:
            near = [
                event
                for event in events
                if event.kind == "picked"
                and event.tag == tag
                and abs(event.scene_ms - at_ms) <= NEAR_MS
            ]
            total["missed", ""] += not near
            if near and picker in walks:
                found = shares.get((tag, near[0].scene_ms), {})
                crowd = crowding(walks, picker, at_ms=at_ms)
                total["n", crowd] += 1
                total["right", crowd] += max(found, key=found.__getitem__, default=None) == picker
                given += [(share, who == picker) for who, share in found.items()]
    print(f"picks missed {total['missed', '']}")
    for crowd in ("alone", "1 m or more apart", "closer"):
        n = max(1, total["n", crowd])
        print(f"{crowd:18} {total['n', crowd]:4} picks, right {total['right', crowd] / n:.3f}")
    for low in (0.0, 0.2, 0.4, 0.6, 0.8):
        part = [one for one in given if low <= one[0] < low + 0.2 + (low == 0.8)]
        if part:
            share, right = (float(np.mean([one[place] for one in part])) for place in (0, 1))
            print(f"share {share:.2f} was right {right:.2f} ({len(part)})")


def crowded_store() -> Store:
    """Give the default store with one shelf that most people come for."""
    store = default_store()
    shelves = tuple(
        msgspec.structs.replace(one, popularity=9.0, intent=0.3) if one.category == "toys" else one
        for one in store.shelves
    )
    return msgspec.structs.replace(store, shelves=shelves)


def record(
    store: Store, *, seed: int, minutes: int
) -> tuple[list[ItemEvent], dict[int, Walk], list[tuple[int, bytes, int]]]:
    """Run a store; gives item events, everybody's walk, and the true picks."""
    sim = Simulation(store, seed=seed)
    name = store.readers[0].name
    classes = ProductClasses(bytes(32))
    driver = FAMILIES["m100"].driver(Settings("EU", 20.0), classes=classes, now_ms=0)
    places: dict[str | Key, Place] = {name: Place(store.readers[0].zone, "shelf")}
    items = Items(ItemParams(), places)
    rng = np.random.default_rng(seed)
    events: list[ItemEvent] = []
    walks: dict[int, Walk] = {}
    for tick in range(round(minutes * 60 / TICK_S)):
        scene_s, scene_ms = tick * TICK_S, round(1000 * tick * TICK_S)
        sim.step(scene_s)
        heard = sim.reader_bytes(name, commands=driver.outgoing(), scene_s=scene_s)
        for report in (*driver.feed(heard, now_ms=scene_ms), *driver.advance(scene_ms)):
            if isinstance(report, Read):
                events += items.feed(
                    TagRead(scene_ms, name, report.antenna, report.product_class, report.tag,
                            report.rssi_dbm)
                )  # fmt: skip
            elif isinstance(report, Empty):
                events += items.feed(Alive(scene_ms, name, report.antenna))
        events += items.advance(scene_ms)
        if tick % round(1 / TICK_S / FPS) == 0:
            for person in sim._shoppers._everybody():  # the figure needs who is who
                east, north = person.at + rng.normal(0.0, 0.1, 2)
                walk = walks.setdefault(person.number, Walk(person.number, door_at_start=True))
                walk.add(scene_ms, float(east), float(north))
    events += items.flush()
    sim.end()
    return events, walks, list(_picks(sim, classes=classes))


def _picks(sim: Simulation, *, classes: ProductClasses) -> Iterator[tuple[int, bytes, int]]:
    goods = sim._shoppers._goods
    for visit in sim.truth:
        if isinstance(visit, Visited):
            for one in visit.handled:
                if isinstance(one, Handled) and one.kind == "pick" and one.gtin is not None:
                    tag = classes.read(goods.item(one.item).epc).tag
                    yield round(1000 * one.at_s), tag, visit.party + 1  # the leader's number


def joined(
    store: Store, *, events: list[ItemEvent], walks: dict[int, Walk]
) -> dict[tuple[bytes, int], dict[int, float]]:
    """Join events as the agent does; gives (tag, instant) → who → share."""
    reader = store.readers[0]
    join = Joining(floor_of(store), params=JoinParams(), antennas={reader.zone: reader.antenna[:2]})
    waiting = sorted(walks.items(), key=lambda one: one[1].end_ms)
    shares: dict[tuple[bytes, int], dict[int, float]] = {}

    def over(now_ms: float) -> None:
        while waiting and waiting[0][1].end_ms + 15_000 <= now_ms:
            who, walk = waiting.pop(0)
            walk.door_at_end = True
            for event in join.take(walk):
                if event.kind == "picked":
                    shares.setdefault((event.tag, event.scene_ms), {})[who] = event.share

    for event in sorted(events, key=lambda one: one.scene_ms):
        over(event.scene_ms)
        join.give(event, [walk for _, walk in waiting if walk.start_ms <= event.scene_ms])
    over(math.inf)
    return shares


def floor_of(store: Store) -> Floor:
    """Give the store's plan."""
    return Floor(
        FloorPlan(
            version="figure",
            outline=(
                (0.0, 0.0),
                (store.room.width_m, 0.0),
                (store.room.width_m, store.room.depth_m),
                (0.0, store.room.depth_m),
            ),
            zones=tuple(Zone(one.id, one.kind, one.name, one.polygon) for one in store.zones),
            fixtures=tuple(
                (
                    (one.west_m, one.south_m),
                    (one.east_m, one.south_m),
                    (one.east_m, one.north_m),
                    (one.west_m, one.north_m),
                )
                for one in store.boxes
            ),
        )
    )


def crowding(walks: dict[int, Walk], picker: int, *, at_ms: int) -> str:
    """Tell how near the next shopper stood in the same aisle, before either of its shelves."""
    mine = walks[picker].mean_at(at_ms, half_ms=500)
    others = [
        place
        for who, walk in walks.items()
        if who != picker and walk.start_ms <= at_ms <= walk.end_ms
        for place in [walk.mean_at(at_ms, half_ms=500)]
        if 3.5 <= place[0] <= 5.5 and 7.0 <= place[1] <= 13.0
    ]
    if not others:
        return "alone"
    nearest_m = min(math.dist(mine, place) for place in others)
    return "1 m or more apart" if nearest_m >= APART_M else "closer"


def _module(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


if __name__ == "__main__":
    main()
