"""The demo's scene in one process: what the agent finds inside, beside the simulator's truth.

Real rendering, real ONNX inference, the real reader's bytes; no noise, as this never leaves the
process. Simulated data. Run: ``python tests/figures/inside.py [--minutes 14] [--seed 7]``.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import resource
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType

import cv2
import numpy as np

from edge.config import StoreConfig, parse
from edge.parts_io import Parts, eyes_of, fusion_of, items_of, visits_of
from edge.pipeline import Pipeline
from edge.rfid.driver import Empty, Read
from edge.rfid.drivers.m100 import M100
from edge.rfid.epc import ProductClasses
from edge.rfid.reads import Alive, TagRead
from edge.vision.tracking import FloorPoint, Sighting
from edge.visits.plan import Floor
from edge.visits.traits import TraitParams, kept_items, sold_items, traits_of
from edge.visits.visits import Visit
from firmware_sim.render import Renderer
from firmware_sim.run import Simulation, closing
from firmware_sim.scene import Figure
from firmware_sim.store import default_store
from firmware_sim.truth import Visited
from wire.codebook import default_codebook

ROOT = Path(__file__).parents[2]
TICK_S = 0.05
FPS = 6.0
DRAIN_S = 150.0


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=14.0)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--json", action="store_true")
    parser.add_argument(
        "--blind", action="store_true", help="places from the simulator with 10 cm of noise"
    )
    options = parser.parse_args()
    config = demo_config()
    parts = Parts.build(config)
    visits, told, cost = watch(
        config, parts=parts, minutes=options.minutes, seed=options.seed, blind=options.blind
    )
    truth = [event for event in told if isinstance(event, Visited)]
    rows = table(visits, truth=truth, floor=parts.floor)
    if options.json:
        print(json.dumps({"rows": rows} | cost))
        return
    print(f"{'simulated store, no noise':34}{'truth':>9}{'agent':>9}")
    for name, true, found in rows:
        print(f"{name:34}{true:9.1f}{found:9.1f}")
    for name, value in cost.items():
        print(f"{name:34}{value:18.2f}")


def demo_config() -> StoreConfig:
    """Give the demo's own configuration."""
    demo = _module(ROOT / "deploy" / "demo" / "run.py")
    survey = subprocess.run(
        [Path(sys.executable).parent / "aisle-sim", "survey"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    now = datetime.now(UTC)
    found = json.loads(survey.stdout)
    text = demo.agent_config(
        found,
        endpoints={
            "camera_url": "http://127.0.0.1/",
            "readers": {reader["name"]: "none" for reader in found["readers"]},
        },
        broker_port=1883,
        data_dir=Path("none"),
        clock=(1.0, now, now),
        closes=demo.OPENS + timedelta(minutes=14),
    )
    return parse(text, where="demo")


def watch(
    config: StoreConfig,
    *,
    parts: Parts,
    minutes: float,
    seed: int | None,
    blind: bool,
    positions_s: float | None = None,
) -> tuple[list[Visit], list[object], dict[str, float]]:
    """Run the scene through renderer, detector, tracker, reader driver and visits."""
    store = default_store()
    end_s = 60 * minutes
    sim = Simulation(
        store, seed=seed, closing=closing(end_s=end_s, drain_s=DRAIN_S), positions_s=positions_s
    )
    renderer = Renderer(store.walls(), store.cameras[0].spec(), seed=store.seed)
    camera = config.cameras[0].name
    eyes = eyes_of(config, camera, parts=parts)
    pipeline = Pipeline(
        fusion=fusion_of(config, parts=parts),
        items=items_of(config),
        visits=visits_of(config, parts=parts),
    )
    classes = ProductClasses(bytes(32))
    drivers = {one.name: M100(one.settings(), classes=classes, now_ms=0) for one in config.readers}
    rng = np.random.default_rng(1)
    visits: list[Visit] = []
    seen_s = frames = 0.0
    for tick in range(round(end_s / TICK_S)):
        scene_s, scene_ms = tick * TICK_S, round(1000 * tick * TICK_S)
        sim.step(scene_s)
        for name, driver in drivers.items():
            heard = sim.reader_bytes(name, commands=driver.outgoing(), scene_s=scene_s)
            for report in (*driver.feed(heard, now_ms=scene_ms), *driver.advance(scene_ms)):
                if isinstance(report, Read):
                    visits += pipeline.feed(stamped(report, name=name, scene_ms=scene_ms))
                elif isinstance(report, Empty):
                    visits += pipeline.feed(Alive(scene_ms, name, report.antenna))
        if scene_s * FPS >= frames:
            frames += 1
            if blind:
                seen = sighting(sim.figures(), scene_ms=scene_ms, rng=rng, camera=camera)
            else:
                image = as_camera(renderer.frame(sim.figures(), scene_s=scene_s))
                began_s = time.process_time()
                seen = eyes.sight(scene_ms, image)
                seen_s += time.process_time() - began_s
            began_s = time.process_time()
            visits += pipeline.feed(seen)
            seen_s += time.process_time() - began_s
        visits += pipeline.advance(scene_ms)
    visits += pipeline.advance(round(1000 * end_s) + 30_000) + pipeline.flush()
    sim.end()
    cost = {
        "ms a frame, eyes to visits": 1000 * seen_s / frames,
        "frames a second and core": frames / seen_s if seen_s else float("nan"),
        "peak memory, simulator and all, MB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        / 1024,
    }
    return visits, list(sim.truth), cost


def table(
    visits: list[Visit], *, truth: list[Visited], floor: Floor
) -> list[tuple[str, float, float]]:
    """Put truth and finding side by side."""
    params = TraitParams()
    rows: list[tuple[str, float, float]] = [("visits", len(truth), len(visits))]
    rows.append(
        ("visits seen from door to door", len(truth), sum(v.entered and v.left for v in visits))
    )
    true_stops = [(s.zone, s.start_s, s.end_s) for v in truth for s in v.stops]
    stops = [
        (s.zone, s.start_ms / 1000, s.end_ms / 1000) for v in visits for s in v.stops if s.zone
    ]
    rows.append(("stops", len(true_stops), len(stops)))
    rows.append(("stops matched (IoU >= .5)", len(true_stops), matched(true_stops, stops)))
    for zone in floor.zones.values():
        if zone.kind in ("aisle", "promo"):
            true_s = sum(visit.dwell_s.get(zone.id, 0.0) for visit in truth)
            stays = [stay for visit in visits for stay in visit.stays if stay.zone == zone.id]
            found_ms = sum(stay.end_ms - stay.start_ms for stay in stays)
            rows.append((f"dwell in {zone.id}, minutes", true_s / 60, found_ms / 60_000))
    rows += goods(visits, truth=truth, floor=floor, params=params)
    traits = [traits_of(visit, floor=floor, params=params) for visit in visits]
    whole = [t for t in traits if t["duration_s"] is not None]
    rows.append(
        (
            "duration, mean seconds",
            float(np.mean([v.exit_s - v.enter_s for v in truth])),
            float(np.mean([t["duration_s"] for t in whole])) if whole else float("nan"),
        )
    )
    placing = [scaling.trait for scaling in default_codebook().scaling]
    unplaced = sum(any(t[name] is None for name in placing) for t in traits)
    rows.append(("visits that cannot be placed", 0, unplaced))
    return rows


def goods(
    visits: list[Visit], *, truth: list[Visited], floor: Floor, params: TraitParams
) -> list[tuple[str, float, float]]:
    """Compare what happened to tagged goods; an event that visits share counts once."""
    true = Counter(h.kind for v in truth for h in v.handled if h.gtin is not None)
    found: Counter[str] = Counter()
    for event in (event for visit in visits for event in visit.items):
        found[event.kind] += event.share
    kept_true = sum(_kept(v) for v in truth)
    return [
        ("picks of tagged goods", true["pick"], found["picked"]),
        ("put back", true["put_back"], found["put_back"]),
        ("kept", kept_true, sum(one.share for v in visits for one in kept_items(v))),
        (
            "sold",
            true["sold"],
            sum(one.share for v in visits for one in sold_items(v, floor=floor, params=params)),
        ),
    ]


def _kept(visit: Visited) -> int:
    held: set[int] = set()
    for one in visit.handled:
        if one.gtin is not None and one.kind == "pick":
            held.add(one.item)
        elif one.kind == "put_back":
            held.discard(one.item)
    return len(held)


def matched(
    truth: Iterable[tuple[str, float, float]], found: Iterable[tuple[str, float, float]]
) -> int:
    """Count stops found at the right place and time, each once."""
    left, hits = list(found), 0
    for zone, start, end in truth:
        for other in left:
            shared = min(end, other[2]) - max(start, other[1])
            if other[0] == zone and shared >= 0.5 * (max(end, other[2]) - min(start, other[1])):
                left.remove(other)
                hits += 1
                break
    return hits


def sighting(
    figures: tuple[Figure, ...], *, scene_ms: int, rng: np.random.Generator, camera: str
) -> Sighting:
    """Give what a faultless detector would, with noise on the place."""
    noise = rng.normal(0.0, 0.1, (len(figures), 2))
    return Sighting(
        scene_ms,
        tuple(
            FloorPoint(one.east_m + float(east), one.north_m + float(north), 0.9)
            for one, (east, north) in zip(figures, noise, strict=True)
        ),
        camera,
    )


def stamped(read: Read, *, name: str, scene_ms: int) -> TagRead:
    """Date a read, as the reader's thread does."""
    return TagRead(scene_ms, name, read.antenna, read.product_class, read.tag, read.rssi_dbm)


def as_camera(image: np.ndarray) -> np.ndarray:
    """Give what is left of an image after the camera's JPEG."""
    _, jpeg = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 80])
    return cv2.imdecode(jpeg, cv2.IMREAD_COLOR)


def _module(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    sys.path.insert(0, str(path.parent))  # as for a program: its neighbours are found
    spec.loader.exec_module(module)
    return module


if __name__ == "__main__":
    main()
