"""Figures of the learnt background and of the camera's condition, on the simulated store.

    .venv/bin/python tests/figures/camera_condition.py [--minutes 60] [--recall 0.9] [--only PART]

Parts: ``cost`` (ms per frame), ``hours`` (a quiet and a busy hour: what is known and wrong, false
alarms, how far the measured shift strays), ``delay`` (how long until each trouble is said),
``settle`` (how much of an empty store the setup page shows, with the shipped detector, which takes
furniture for people).
One image a scene second, drawn at the size a detector looks at; people are "found" at their true
places with ``--recall``, afresh in each image.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace

import cv2
import msgspec
import numpy as np

from edge.setup.look import around
from edge.vision.background import STRICT, Background, BackgroundParams, Box
from edge.vision.condition import Checkup, signature_of
from edge.vision.detection import UNSURE, Backdrop, Image
from edge.vision.onnx_io import load_detector, shipped_manifest
from firmware_sim.render import Renderer, project
from firmware_sim.run import Simulation
from firmware_sim.scene import CameraSpec, Figure
from firmware_sim.store import default_store

SIZE = (416, 281)
FPS = 6
HALF_M = 0.35
"""A person's box reaches so far around the axis."""
WRONG = 25
"""Levels beyond which a known pixel is not the empty room's."""
ADOPT_S = 300


def camera() -> CameraSpec:
    return replace(default_store().cameras[0].spec(), width_px=SIZE[0], height_px=SIZE[1])


def boxes(
    figures: Sequence[Figure], spec: CameraSpec, *, recall: float, rng: np.random.Generator
) -> list[Box]:
    """Give boxes around those who are found this time."""
    found = []
    for one in figures:
        if rng.random() >= recall:
            continue
        corners = [
            (one.east_m + east, one.north_m + north, up)
            for east in (-HALF_M, HALF_M)
            for north in (-HALF_M, HALF_M)
            for up in (0.0, one.height_m)
        ]
        spots = project(spec, np.array(corners))
        if not np.isnan(spots).any():
            found.append((*spots.min(0).tolist(), *spots.max(0).tolist()))
    return found


def scene(*, per_minute: float, minutes: float, seed: int) -> Iterator[tuple[int, list[Figure]]]:
    """Give who is in the store, each second; the store has filled for five minutes before."""
    store = msgspec.structs.replace(default_store(), arrivals_per_minute=per_minute)
    simulation = Simulation(store, seed=seed)
    for second in range(1, int(60 * (minutes + 5))):
        simulation.step(float(second))
        if second > ADOPT_S:
            yield second, list(simulation.figures())


def hour(name: str, *, per_minute: float, minutes: float, recall: float) -> None:
    """Learn a store's background through an hour; count what is wrong and every alarm."""
    spec, rng = camera(), np.random.default_rng(1)
    renderer = Renderer(default_store().walls(), spec, seed=3)
    room = renderer.frame([], scene_s=0.0).astype(int)
    background = Background()
    checkup = Checkup(size_px=SIZE)
    told: Counter[str] = Counter()
    known, wrong, inside, rms = [], [], [], []
    began = None
    for second, figures in scene(per_minute=per_minute, minutes=minutes, seed=5):
        began = began or second
        now_ms = 1_000 * second
        image = renderer.frame(figures, scene_s=float(second))
        found = boxes(figures, spec, recall=recall, rng=rng)
        checkup.feed(now_ms, image)
        background.feed(now_ms, image, found)
        inside.append(len(figures))
        if second % 30 == 0:
            apart = np.abs(background.picture - room).max(2)
            wrong.append(float((background.known & (apart > WRONG)).mean()))
            known.append(float(background.known.mean()))
        backdrop = background.backdrop
        if backdrop is None:
            continue
        if second - began >= ADOPT_S:
            checkup.adopt(now_ms, backdrop)
        checkup.compare(now_ms, backdrop)
        if checkup.shift is not None:
            rms.append(checkup.shift.rms_px)
        if checkup.condition is not None:
            told[checkup.condition.ill] += 1
    after = known[2 * 3 :] or known
    kept = 0.0 if checkup.kept is None else float((checkup.kept.edges > 0).mean())
    print(
        f"{name}: {minutes:g} min, {np.mean(inside):.1f} people inside (most {max(inside)}), "
        f"found {recall:.0%}\n"
        f"  background: known {np.mean(after):.1%} of the picture after 3 min, "
        f"wrong {np.mean(wrong):.3%} (most {max(wrong):.3%})\n"
        f"  signature: {kept:.1%} of its cells were the same half an hour later\n"
        f"  seconds in which something was said: {dict(told) or 'none'}; shift measured "
        f"{np.mean(rms) if rms else float('nan'):.2f} px, most {max(rms, default=0):.2f}",
        flush=True,
    )


def settle(*, minutes: float) -> None:
    """Let the setup page's background learn an empty store, with and without letting boxes go."""
    spec = default_store().cameras[0].spec()
    renderer = Renderer(default_store().walls(), spec, seed=3)
    shots = []
    for number in range(12):  # the page learns from the mean of eight images
        eight = [renderer.frame([], scene_s=number + one / 8) for one in range(8)]
        shots.append(np.mean(eight, axis=0).round().astype(np.uint8))
    detector = load_detector(shipped_manifest())
    backgrounds = Background(replace(STRICT, furniture_spans=0)), Background(STRICT)
    rng, before = np.random.default_rng(4), []
    for second in range(1, int(60 * minutes) + 1):
        shown = shots[rng.integers(len(shots))]
        found = [around(one) for one in detector.detect(shown, least=UNSURE * detector.confidence)]
        for background in backgrounds:
            background.feed(1_000 * second, shown, before + found)
        before = found
        if second % 60 == 0:
            never, after = (float(background.known.mean()) for background in backgrounds)
            print(
                f"  after {second // 60} min {after:.0%} is shown; boxes never let go: {never:.0%}"
            )


def warped(image: Image, *, px: float = 0, degrees: float = 0, larger: float = 1) -> Image:
    """Move what a camera sees; lengths in px of 640."""
    rows, cols = image.shape[:2]
    warp = cv2.getRotationMatrix2D((cols / 2, rows / 2), -degrees, larger)
    warp[0, 2] += px * cols / 640
    return cv2.warpAffine(image, warp, (cols, rows), borderMode=cv2.BORDER_REFLECT)


def delays(*, per_minute: float, recall: float) -> None:
    """Spoil the pictures of a busy store, each in a way, and tell after how long it is said."""
    spec = camera()
    renderer = Renderer(default_store().walls(), spec, seed=3)
    shots = []
    for second, figures in scene(per_minute=per_minute, minutes=7.5, seed=6):
        rng = np.random.default_rng(second)
        found = boxes(figures, spec, recall=recall, rng=rng)
        shots.append((1_000 * second, renderer.frame(figures, scene_s=float(second)), found))
    frozen = shots[ADOPT_S][1]
    lamp = np.linspace(0.5, 1.2, SIZE[0])[None, :, None]
    troubles = {
        "nothing": lambda image: image,
        "half the lamps off": lambda image: np.clip(image * lamp, 0, 255).astype(np.uint8),
        "brightness halved": lambda image: image // 2,
        "shift 3 px": lambda image: warped(image, px=3),
        "shift 5 px": lambda image: warped(image, px=5),
        "shift 10 px": lambda image: warped(image, px=10),
        "shift 30 px": lambda image: warped(image, px=30),
        "turn 2 degrees": lambda image: warped(image, degrees=2),
        "zoom 5 %": lambda image: warped(image, larger=1.05),
        "blur 2 px": lambda image: cv2.GaussianBlur(image, (0, 0), 2 * SIZE[0] / 640),
        "blur 4 px": lambda image: cv2.GaussianBlur(image, (0, 0), 4 * SIZE[0] / 640),
        "dark": lambda image: image // 25,
        "frozen": lambda _: frozen,
        "covered": lambda image: cv2.GaussianBlur(image, (0, 0), 60) // 2 + 40,
    }
    for name, spoil in troubles.items():
        background, checkup, said = Background(), Checkup(size_px=(640, 432)), ""
        seconds = range(1, 600 if name == "frozen" else 1)
        more = [(shots[-1][0] + 1_000 * second, frozen, []) for second in seconds]
        for number, (now_ms, image, found) in enumerate([*shots, *more]):
            shown = image if number < ADOPT_S else spoil(image)
            checkup.feed(now_ms, shown)
            if not checkup.blind:
                background.feed(now_ms, shown, found)
            if number == ADOPT_S - 1:
                checkup.reference = signature_of(background.backdrop)
            checkup.compare(now_ms, background.backdrop)
            if checkup.condition is not None:
                said = f"after {number - ADOPT_S} s: {checkup.condition.said}"
                break
        print(f"  {name:20} {said or 'nothing is said in two and a half minutes'}", flush=True)


def cost() -> None:
    """Time each part, in time of the processor: other work on the machine counts less."""
    spec = camera()
    renderer = Renderer(default_store().walls(), spec, seed=3)
    shots = [renderer.frame([], scene_s=float(second)) for second in range(8)]

    def timed(call, *, times: int) -> tuple[float, float]:
        spent = []
        for number in range(times):
            began = time.thread_time()
            call(number)
            spent.append(1_000 * (time.thread_time() - began))
        return min(spent), float(np.median(spent))

    for name, params in (("background", BackgroundParams()), ("strict", STRICT)):
        background = Background(params)
        vote = timed(
            lambda number, background=background: background.feed(
                2_000 * number, shots[number % 8], [(40.0, 40.0, 70.0, 90.0)] * 8
            ),
            times=150,
        )
        per = [one * 1_000 / params.every_ms / FPS for one in vote]
        print(f"{name}: {vote[0]:.2f} ms a vote at best, {vote[1]:.2f} median; "
              f"{per[0]:.2f} and {per[1]:.2f} ms a frame at {FPS} frames a second")  # fmt: skip
    backdrop = Backdrop(shots[0], np.ones(shots[0].shape[:2], np.bool_))
    checkup = Checkup(size_px=SIZE, reference=signature_of(backdrop))
    look = timed(lambda number: checkup.feed(1_000 * number, shots[number % 8]), times=150)
    compare = timed(lambda number: checkup.compare(20_000 * number, backdrop), times=30)
    print(f"condition: {look[0]:.2f} ms each second at best, {look[1]:.2f} median; "
          f"a comparison each 20 s {compare[0]:.1f} at best, {compare[1]:.1f} median; together "
          f"{(look[0] + compare[0] / 20) / FPS:.2f} ms a frame at best")  # fmt: skip


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument("--minutes", type=float, default=60)
    asked.add_argument("--recall", type=float, default=0.9)
    asked.add_argument("--only", choices=("cost", "hours", "delay", "settle"))
    given = asked.parse_args()
    cv2.setNumThreads(1)
    if given.only in (None, "cost"):
        cost()
    if given.only in (None, "hours"):
        hour("quiet", per_minute=0.5, minutes=given.minutes, recall=given.recall)
        hour("busy", per_minute=4.0, minutes=given.minutes, recall=given.recall)
    if given.only in (None, "delay"):
        print("how long until it is said, busy store:")
        delays(per_minute=4.0, recall=given.recall)
    if given.only in (None, "settle"):
        print("how much of an empty store the setup page shows:")
        settle(minutes=min(8.0, given.minutes))


if __name__ == "__main__":
    main()
