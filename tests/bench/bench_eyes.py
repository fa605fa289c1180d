"""What the eyes cost, as ratios in one run: ``python tests/bench/bench_eyes.py``.

Our detector beside a net of YOLOX-nano's shape (``yolox_nano_shape``: same layers, no weights of
worth), turn by turn on the same rendered pictures, so that both suffer alike from what else the
machine does. Then one, two and four cameras in a process of their own, from JPEG to tracks:
pictures a second and core, and memory. Last the memory of a whole agent, all but the threads that
fetch pictures, with 30 people and more in view for two minutes (``--crowd`` for this alone). One
thread; milliseconds are CPU time. Prints one JSON object; nothing is asserted, machines differ.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np

from edge.vision.detection import Backdrop
from edge.vision.fusion import Fusion
from edge.vision.ground import Ground
from edge.vision.onnx_io import Detector, load_detector, shipped_manifest
from edge.vision.tracking import Tracker, TrackerParams
from edge.vision.watching import Eyes

PEER = Path(__file__).parent / "yolox_nano_shape" / "manifest.toml"
PICTURES = 60
WARM_UP = 5
CAMERAS = (1, 2, 4)
FPS = 8
CROWD, CROWD_MINUTES = 30, 2
STORE = """
store = "bench"
agent = "crowd"
timezone = "UTC"
opens = "00:00"
closes = "23:59"
data_dir = "{folder}/data"
clock.require_sync = false
broker.port = 1
[plan]
version = "p1"
outline = [[0, 0], [12, 0], [12, 18], [0, 18]]
zones = [
  {{ id = "aisle-1", kind = "aisle", polygon = [[0.4, 6], [2.5, 6], [2.5, 14], [0.4, 14]] }},
  {{ id = "aisle-2", kind = "aisle", polygon = [[3.5, 6], [5.5, 6], [5.5, 14], [3.5, 14]] }},
  {{ id = "aisle-3", kind = "aisle", polygon = [[6.5, 6], [8.5, 6], [8.5, 14], [6.5, 14]] }},
  {{ id = "aisle-4", kind = "aisle", polygon = [[9.5, 6], [11.6, 6], [11.6, 14], [9.5, 14]] }},
]
[[cameras]]
name = "ceiling"
source = "{folder}/none.mp4"
size_px = [{width}, {height}]
height_m = {height_m}
points = {points}
"""


def main() -> None:
    """Print everything, or one process' part of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cameras", type=int, help="watch so many, of the pictures in --folder")
    parser.add_argument("--crowd", action="store_true", help="a whole agent's memory alone")
    parser.add_argument("--folder", type=Path)
    given = parser.parse_args()
    cv2.setNumThreads(1)
    if given.folder is not None:
        own = crowd if given.crowd else lambda folder: watch(folder, cameras=given.cameras)
        print(json.dumps(own(given.folder)))
        return
    figures: dict[str, object] = {}
    if not given.crowd:
        with tempfile.TemporaryDirectory() as folder:
            figures["detectors"] = detectors(scene(Path(folder)))
            for cameras in CAMERAS:
                figures[f"{cameras} cameras"] = apart("--cameras", str(cameras), folder=folder)
    with tempfile.TemporaryDirectory() as folder:
        scene(Path(folder), least=CROWD)
        figures["agent, crowd"] = apart("--crowd", folder=folder)
    print(json.dumps(figures, indent=1))


def apart(*part: str, folder: str) -> object:
    """Measure a part in a process of its own."""
    command = [sys.executable, __file__, *part, "--folder", folder]
    return json.loads(subprocess.run(command, check=True, capture_output=True).stdout)


def detectors(pictures: list[np.ndarray]) -> dict[str, object]:
    """Time both detectors' three steps, turn by turn."""
    both = {"ours": load_detector(shipped_manifest()), "yolox_nano_shape": load_detector(PEER)}
    spent: dict[str, list[tuple[float, ...]]] = {name: [] for name in both}
    first = {name: detector.fit(pictures[0]).canvas for name, detector in both.items()}
    behind = {name: Backdrop(it, np.ones(it.shape[:2], np.bool_)) for name, it in first.items()}
    for picture in pictures:
        for name, detector in both.items():
            spent[name].append(steps_ms(detector, picture, backdrop=behind[name]))
    table = {name: np.median(rows[WARM_UP:], axis=0).round(2) for name, rows in spent.items()}
    ratios = [
        sum(peer) / sum(own)
        for own, peer in zip(*(rows[WARM_UP:] for rows in spent.values()), strict=True)
    ]
    return {
        **{
            f"{name}_ms": dict(zip(("prepare", "net", "read"), row.tolist(), strict=True))
            for name, row in table.items()
        },
        "ours_is_faster_by": round(statistics.median(ratios), 2),
    }


def steps_ms(detector: Detector, picture: np.ndarray, *, backdrop: Backdrop) -> tuple[float, ...]:
    """Time preparing, the net and reading it out."""
    times = [time.thread_time()]
    fitted = detector.fit(picture)
    prepared = detector.prepare(fitted, backdrop=backdrop)
    times.append(time.thread_time())
    outputs = detector.run(prepared)
    times.append(time.thread_time())
    detector.read(outputs, of=fitted)
    times.append(time.thread_time())
    return tuple(1000 * float(step) for step in np.diff(times))


def watch(folder: Path, *, cameras: int) -> dict[str, float]:
    """Look through so many cameras at the same pictures, as an agent does."""
    before_mb = resident_mb()
    jpegs = [np.fromfile(path, dtype=np.uint8) for path in sorted(folder.glob("*.jpg"))]
    detector, ground = load_detector(shipped_manifest()), ground_of(folder)
    names = [f"camera-{number}" for number in range(cameras)]
    eyes = [Eyes(detector, ground=ground, camera=name) for name in names]
    fusion = Fusion(Tracker(TrackerParams(sure=detector.confidence)), cameras=names)
    spent = []
    for number, jpeg in enumerate(jpegs):
        began = time.process_time()
        for each in eyes:
            image = cv2.imdecode(jpeg, cv2.IMREAD_COLOR)
            fusion.feed(each.sight(1 + number * 1000 // FPS, image))
        spent.append(time.process_time() - began)
    round_s = statistics.median(spent[WARM_UP:])
    return {
        "ms_a_picture": round(1000 * round_s / cameras, 2),
        "pictures_a_second_and_core": round(cameras / round_s, 1),
        "each_camera_fps": round(1 / round_s, 1),
        "memory_mb": round(resident_mb(), 1),
        "of_it_python_and_libraries_mb": round(before_mb, 1),
    }


def crowd(folder: Path) -> dict[str, float]:
    """Let a whole agent see the pictures to and fro, so that nobody jumps or leaves."""
    from edge.app import Agent  # noqa: PLC0415 - the others' memory is measured without
    from edge.config import parse  # noqa: PLC0415 - as above
    from edge.parts_io import clock_of, eyes_of  # noqa: PLC0415 - as above

    camera = json.loads((folder / "camera.json").read_text(encoding="utf-8"))
    text = STORE.format(
        folder=folder,
        width=camera["width_px"],
        height=camera["height_px"],
        height_m=camera["height_m"],
        points=[[*pair["px"], *pair["m"]] for pair in camera["points"]],
    )
    config = parse(text, where="bench")
    agent = Agent(config, clock=clock_of(config))
    eyes = eyes_of(config, "ceiling", parts=agent._parts)
    started_mb = resident_mb()
    jpegs = [np.fromfile(path, dtype=np.uint8) for path in sorted(folder.glob("*.jpg"))]
    there_and_back = [*jpegs, *jpegs[-2:0:-1]]
    visits, present = agent._pipeline._visits, []
    for number in range(60 * CROWD_MINUTES * FPS):
        scene_ms = 1 + number * 1000 // FPS
        image = cv2.imdecode(there_and_back[number % len(there_and_back)], cv2.IMREAD_COLOR)
        agent._count(agent._pipeline.feed(eyes.sight(scene_ms, image)))
        agent._count(agent._pipeline.advance(scene_ms))
        agent._save(agent._windows.advance(scene_ms))
        present.append(sum(not walk.lost for walk in visits._walks))
    return {
        "people_followed_at_once": statistics.median(present),
        "points_remembered": sum(len(walk.times_ms) for walk in visits._walks),
        "memory_mb": round(resident_mb("VmHWM"), 1),
        "of_it_before_the_first_picture_mb": round(started_mb, 1),
    }


def scene(folder: Path, *, least: int = 0) -> list[np.ndarray]:
    """Render the busy demo store; leave JPEG files and calibration points in a folder.

    Args:
        folder: for the files.
        least: people who must be there.
    """
    import msgspec  # noqa: PLC0415 - the processes whose memory is measured do without the simulator

    from firmware_sim.render import Renderer  # noqa: PLC0415 - as above
    from firmware_sim.run import Simulation  # noqa: PLC0415 - as above
    from firmware_sim.store import default_store  # noqa: PLC0415 - as above
    from firmware_sim.survey import survey  # noqa: PLC0415 - as above

    per_minute = 30.0 if least else 8.0
    store = msgspec.structs.replace(default_store(), arrivals_per_minute=per_minute)
    (folder / "camera.json").write_text(json.dumps(survey(store)["camera"]), encoding="utf-8")
    simulation = Simulation(store)
    renderer = Renderer(store.walls(), store.cameras[0].spec(), seed=store.seed)
    pictures, begin_s = [], 120.0
    simulation.step(begin_s)
    while len(simulation.figures()) < 1.4 * least:  # the detector does not find everybody
        begin_s += 1.0
        simulation.step(begin_s)
    for number in range(PICTURES + WARM_UP):
        simulation.step(begin_s + number / FPS)
        pictures.append(renderer.frame(simulation.figures(), scene_s=number / FPS))
        cv2.imwrite(str(folder / f"{number:03}.jpg"), pictures[-1])
    return pictures


def ground_of(folder: Path) -> Ground:
    """Calibrate the demo's camera."""
    camera = json.loads((folder / "camera.json").read_text(encoding="utf-8"))
    pairs = np.array([[*pair["px"], *pair["m"]] for pair in camera["points"]])
    return Ground.from_points(
        pairs[:, :2],
        pairs[:, 2:],
        image_size=(camera["width_px"], camera["height_px"]),
        camera_height_m=camera["height_m"],
    )


def resident_mb(line: str = "VmRSS") -> float:
    """Give this process' memory, or the most it had (VmHWM); Linux only."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.split(f"{line}:")[1].split()[0]) / 1024


if __name__ == "__main__":
    main()
