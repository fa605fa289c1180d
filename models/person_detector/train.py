"""Train the detector on rendered parts: ``python -m models.person_detector.train --minutes 15``.

Needs torch (CPU is enough), numpy and OpenCV in a virtual environment of its own. Resumes from
``work/checkpoint.pt``; progress goes to ``work/train.log``.
"""

# ruff: noqa: PLR2004 -- odds and sizes of variations, once each

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, distributed
from torch.nn import functional

from models.person_detector.net import (
    COARSE_PX,
    FOOT_UNIT_PX,
    HEIGHT_PX,
    SIZE_UNIT_PX,
    STRIDE_PX,
    WIDTH_PX,
    PersonNet,
    places,
)

PIECE_PX = (208, 160)
FIRST_BUSY_PART, EXACT_PICTURES = 100, 70
"""See render_dataset.py: where the pictures of the demo's own room are."""
MORE_OF = (2.0, 0.5, 2.0, 1.0, 2.0, 0.5, 2.0, 1.0, 2.0, 0.5)
"""How much of each of a room's ten pictures: more of the busy, less of the quiet."""
DRAWN_AT_ONCE = 40
WORK = Path(__file__).parent / "work"
Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to train; defaults were set once and not searched.

    Attributes:
        seen: share of a body that must show for a person to count; between ``hidden`` and this
            the net may say what it likes.
        least_px: boxes lower and narrower than this are likewise left open.
        spread: standard deviation of a centre's blob, in boxes.
        averaging: of the weights kept for use.
        piece_px: width and height of what is cut out; a whole picture is the net's input itself.
        zooming: share of pieces that are scaled.
        own: share of pieces from the demo's own room.
    """

    batch: int = 16
    rate: float = 3e-3
    decay: float = 1e-4
    seen: float = 0.2
    hidden: float = 0.03
    least_px: float = 7.0
    spread: float = 0.12
    averaging: float = 0.997
    piece_px: tuple[int, int] = PIECE_PX
    zooming: float = 0.4
    own: float = 0.5
    weights: tuple[float, float, float] = (0.5, 0.3, 1.0)  # centre, size, foot


class Parts:
    """All rendered pictures in memory, as bytes; parts rendered meanwhile join in."""

    def __init__(self) -> None:
        self.images: list[NDArray[np.uint8]] = []
        self.labels: list[Floats] = []
        self.overhead: list[bool] = []
        self.own: list[float] = []
        self._known: set[Path] = set()

    def refresh(self) -> None:
        """Load what is new."""
        for path in sorted(WORK.glob("part-*.npz")):
            if path in self._known:
                continue
            with np.load(path) as data:
                images, labels, overhead = data["images"], data["labels"], data["overhead"]
            self._known.add(path)
            for number in range(len(images)):
                self.images.append(images[number])
                self.labels.append(labels[labels[:, 0] == number, 1:])
                self.overhead.append(bool(overhead[number]))
                busy = int(path.stem.removeprefix("part-")) >= FIRST_BUSY_PART
                mine = busy and number < EXACT_PICTURES
                self.own.append(MORE_OF[number % len(MORE_OF)] if mine else 0.0)

    def draw(self, count: int, *, own: float, rng: np.random.Generator) -> NDArray[np.int64]:
        """Draw pictures, a share of them from the demo's own room.

        Cameras that look straight down, the usual case, come twice.
        """
        mine = np.array(self.own)
        weight = np.where(mine > 0, 0.0, 1.0 + np.array(self.overhead))
        weight *= (1 - own) / weight.sum()
        if mine.any():
            weight += own * mine / mine.sum()
        return rng.choice(len(mine), size=count, p=weight / weight.sum())


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of a varied picture, to train on.

    Attributes:
        image: (H, W, 3) uint8.
        labels: in its pixels.
        corner: column and row of its corner in the picture, in cells of ``COARSE_PX``.
    """

    image: NDArray[np.uint8]
    labels: Floats
    corner: tuple[int, int]


def vary(
    image: NDArray[np.uint8],
    labels: Floats,
    *,
    overhead: bool,
    recipe: Recipe,
    rng: np.random.Generator,
) -> Piece:
    """Mirror, shift, scale, cut out a piece, and change the light."""
    points = labels[:, :8].reshape(-1, 4, 2)
    scale, shift = np.ones(2), np.zeros(2)
    whole = np.array([WIDTH_PX, HEIGHT_PX])
    if rng.random() < 0.5:
        scale[0], shift[0] = -1, WIDTH_PX
    if overhead and rng.random() < 0.5:
        scale[1], shift[1] = -1, HEIGHT_PX
    if rng.random() < recipe.zooming:
        zoom = math.exp(rng.uniform(-0.25, 0.3))
        scale, shift = scale * zoom, shift * zoom + whole * (1 - zoom) * rng.random(2)
    points = points * scale + shift
    low, high = points[:, :2].min(1), points[:, :2].max(1)
    inside = np.clip(low, 0, whole), np.clip(high, 0, whole)
    out = labels.copy()
    out[:, 8] *= (inside[1] - inside[0]).prod(1) / np.maximum(1e-6, (high - low).prod(1))
    corner = _corner((inside[0] + inside[1]) / 2, labels=out, piece_px=recipe.piece_px, rng=rng)
    origin = COARSE_PX * np.array(corner)
    out[:, :2], out[:, 2:4] = inside[0] - origin, inside[1] - origin
    out[:, 4:8] = (points[:, 2:] - origin).reshape(-1, 4)
    # In continuous pixels x' = s x + t; OpenCV counts pixel centres, half a pixel less.
    moved = shift - origin + 0.5 * scale - 0.5
    warp = np.array([[scale[0], 0, moved[0]], [0, scale[1], moved[1]]])
    piece = cv2.warpAffine(image, warp, recipe.piece_px, borderValue=(114, 114, 114))
    return Piece(relight(piece, rng=rng), out, corner)


def _corner(
    centres: Floats, *, labels: Floats, piece_px: tuple[int, int], rng: np.random.Generator
) -> tuple[int, int]:
    """Choose where to cut: mostly around somebody."""
    wide, tall = piece_px
    most = (WIDTH_PX - wide) // COARSE_PX, (HEIGHT_PX - tall) // COARSE_PX
    shown = np.flatnonzero(labels[:, 8] > 0.2)
    if len(shown) and rng.random() < 0.75:
        x, y = centres[shown[rng.integers(len(shown))]]
        x -= rng.uniform(0.1, 0.9) * wide
        y -= rng.uniform(0.1, 0.9) * tall
        return min(max(round(x / COARSE_PX), 0), most[0]), min(
            max(round(y / COARSE_PX), 0), most[1]
        )
    return int(rng.integers(most[0] + 1)), int(rng.integers(most[1] + 1))


def relight(image: NDArray[np.uint8], *, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Change brightness, contrast and colour cast; now and then take the colour away."""
    if rng.random() < 0.1:
        image = cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
    gain = np.exp(rng.normal(0, 0.14)) * np.exp(rng.normal(0, 0.05, 3))
    table = np.arange(256)[:, None] * gain + rng.normal(0, 8)
    return np.asarray(cv2.LUT(image, np.clip(table, 0, 255).astype(np.uint8)[:, None, :]))


def targets(labels: Floats, *, recipe: Recipe) -> tuple[Floats, Floats]:
    """Paint one piece's heat (with -1 where it is left open) and geometry with weight.

    Returns:
        (H/4, W/4) and (7, H/4, W/4): six values in units of the loss, then their weight.
    """
    rows, cols = recipe.piece_px[1] // STRIDE_PX, recipe.piece_px[0] // STRIDE_PX
    heat = np.zeros((rows, cols), np.float32)
    geometry = np.zeros((7, rows, cols), np.float32)
    ys, xs = np.mgrid[:rows, :cols] + 0.5
    for left, top, right, bottom, foot_x, foot_y, _, _, seen in labels:
        wide, tall = right - left, bottom - top
        if seen < recipe.hidden or wide <= 0 or tall <= 0:
            continue
        x, y = (left + right) / 2, (top + bottom) / 2
        if seen < recipe.seen or max(wide, tall) < recipe.least_px:
            open_ = np.s_[
                max(0, int(top // STRIDE_PX)) : max(0, int(bottom // STRIDE_PX) + 1),
                max(0, int(left // STRIDE_PX)) : max(0, int(right // STRIDE_PX) + 1),
            ]
            heat[open_] = np.where(heat[open_] < 0.3, -1, heat[open_])
            continue
        col, row = int(x // STRIDE_PX), int(y // STRIDE_PX)
        away_x = (xs - col - 0.5) * STRIDE_PX / max(3.0, recipe.spread * wide)
        away_y = (ys - row - 0.5) * STRIDE_PX / max(3.0, recipe.spread * tall)
        blob = np.exp(-0.5 * (away_x**2 + away_y**2)).astype(np.float32)
        heat = np.maximum(heat, np.where(heat < 0, np.where(blob > 0.3, blob, heat), blob))
        if not (0 <= col < cols and 0 <= row < rows):
            continue
        heat[row, col] = 1
        for i in range(max(0, row - 1), min(rows, row + 2)):
            for j in range(max(0, col - 1), min(cols, col + 2)):
                weight = 1.0 if (i, j) == (row, col) else 0.3
                if weight <= geometry[6, i, j]:
                    continue
                corner_x, corner_y = j * STRIDE_PX, i * STRIDE_PX
                geometry[:, i, j] = (
                    (x - corner_x) / STRIDE_PX,
                    (y - corner_y) / STRIDE_PX,
                    wide / SIZE_UNIT_PX,
                    tall / SIZE_UNIT_PX,
                    (foot_x - corner_x) / FOOT_UNIT_PX,
                    (foot_y - corner_y) / FOOT_UNIT_PX,
                    weight,
                )
    return heat, geometry


def loss_of(
    logits: Tensor, geometry: Tensor, *, heat: Tensor, truth: Tensor, recipe: Recipe
) -> tuple[Tensor, Tensor]:
    """Give the penalty-reduced focal loss per person, and the geometry's L1 per person."""
    logits = logits[:, 0]
    chance = torch.sigmoid(logits).clamp(1e-5, 1 - 1e-5)
    centre = heat > 0.999
    count = centre.sum().clamp(min=1)
    yes = functional.logsigmoid(logits) * (1 - chance) ** 2
    no = functional.logsigmoid(-logits) * chance**2 * (1 - heat.clamp(min=0)) ** 4
    focal = -(yes * centre + no * (~centre) * (heat >= 0)).sum() / count
    each = functional.smooth_l1_loss(geometry, truth[:, :6], beta=0.1, reduction="none")
    scale = each.new_tensor(np.repeat(recipe.weights, 2)).view(1, 6, 1, 1)
    weight = truth[:, 6:]
    return focal, (each * scale * weight).sum() / weight.sum().clamp(min=1)


@dataclass(frozen=True, slots=True)
class Batch:
    """What one step learns from."""

    image: Tensor
    where: Tensor
    heat: Tensor
    geometry: Tensor


def batches(parts: Parts, *, recipe: Recipe, rng: np.random.Generator) -> Iterator[Batch]:
    """Give varied batches for ever."""
    everywhere = places()[0]
    while True:
        parts.refresh()
        order = parts.draw(DRAWN_AT_ONCE * recipe.batch, own=recipe.own, rng=rng)
        for start in range(0, len(order), recipe.batch):
            images, heats, shapes, wheres = [], [], [], []
            for number in order[start : start + recipe.batch]:
                piece = vary(
                    parts.images[number],
                    parts.labels[number],
                    overhead=parts.overhead[number],
                    recipe=recipe,
                    rng=rng,
                )
                heat, shape = targets(piece.labels, recipe=recipe)
                images.append(piece.image.transpose(2, 0, 1))
                heats.append(heat)
                shapes.append(shape)
                col, row = piece.corner
                width, height = (side // COARSE_PX for side in recipe.piece_px)
                wheres.append(everywhere[:, row : row + height, col : col + width])
            scaled = torch.from_numpy(np.stack(images)).float().sub_(127.5).mul_(0.0078431373)
            yield Batch(
                scaled,
                torch.stack(wheres),
                torch.from_numpy(np.stack(heats)),
                torch.from_numpy(np.stack(shapes)),
            )


def train(
    parts: Parts,
    *,
    minutes: float,
    recipe: Recipe,
    seed: int,
    rest: float,
    last: float,
    rank: int = 0,
    ranks: int = 1,
) -> None:
    """Train for some minutes, with the rate falling from ``rest`` to ``last`` of the recipe's."""
    torch.manual_seed(seed)
    rng = np.random.default_rng([seed, rank])
    net = PersonNet()
    averaged = PersonNet()
    checkpoint, step = WORK / "checkpoint.pt", 0
    optimiser = torch.optim.AdamW(net.parameters(), lr=recipe.rate, weight_decay=recipe.decay)
    if checkpoint.exists():
        state = torch.load(checkpoint, map_location="cpu", weights_only=True)
        net.load_state_dict(state["net"])
        averaged.load_state_dict(state["averaged"])
        optimiser.load_state_dict(state["optimiser"])
        step = int(state["step"])
        rng = np.random.default_rng([seed, rank, step])
    else:
        averaged.load_state_dict(net.state_dict())
    net = net.to(memory_format=torch.channels_last)
    begin, told, sums = time.monotonic(), 0.0, np.zeros(3)
    with (WORK / "train.log").open("a", encoding="utf-8") as log:
        for batch in batches(parts, recipe=recipe, rng=rng):
            clock = torch.tensor([(time.monotonic() - begin) / (60 * minutes)])
            if ranks > 1:
                distributed.broadcast(clock, 0)
            done = float(clock)
            if done >= 1:
                break
            for group in optimiser.param_groups:
                warm = min(1.0, (step + 1) / 100)
                fall = last + (rest - last) * 0.5 * (1 + math.cos(math.pi * done))
                group["lr"] = recipe.rate * warm * fall
            image = batch.image.to(memory_format=torch.channels_last)
            logits, geometry = net(image, batch.where)
            focal, shape = loss_of(
                logits, geometry, heat=batch.heat, truth=batch.geometry, recipe=recipe
            )
            optimiser.zero_grad()
            (focal + shape).backward()
            _share(net, ranks=ranks)
            torch.nn.utils.clip_grad_norm_(net.parameters(), 10.0)
            optimiser.step()
            _average(averaged, net, keep=min(recipe.averaging, step / (step + 20)))
            step += 1
            sums += (focal.item(), shape.item(), 1)
            if rank == 0 and time.monotonic() - told > 30:
                told = time.monotonic()
                rate = sums[2] * recipe.batch * ranks / max(1e-9, 30.0)
                line = f"step {step} pictures {len(parts.images)} done {done:.2f}"
                line += f" focal {sums[0] / sums[2]:.3f} geometry {sums[1] / sums[2]:.3f}"
                print(f"{line} images/s {rate:.1f}", file=log, flush=True)
                sums[:] = 0
                _save(checkpoint, net, averaged, optimiser, step=step)
        if rank == 0:
            _save(checkpoint, net, averaged, optimiser, step=step)


def _share(net: PersonNet, *, ranks: int) -> None:
    """Average the gradients of all ranks."""
    if ranks == 1:
        return
    grads = [p.grad for p in net.parameters() if p.grad is not None]
    flat = torch.cat([grad.reshape(-1) for grad in grads])
    distributed.all_reduce(flat)
    flat /= ranks
    for grad, new in zip(grads, flat.split([grad.numel() for grad in grads]), strict=True):
        grad.copy_(new.view_as(grad))


def _average(averaged: PersonNet, net: PersonNet, *, keep: float) -> None:
    with torch.no_grad():
        for mine, new in zip(
            averaged.state_dict().values(), net.state_dict().values(), strict=True
        ):
            if mine.dtype.is_floating_point:
                mine.mul_(keep).add_(new, alpha=1 - keep)
            else:
                mine.copy_(new)


def _save(
    path: Path, net: PersonNet, averaged: PersonNet, optimiser: torch.optim.Optimizer, *, step: int
) -> None:
    state = {
        "net": net.state_dict(),
        "averaged": averaged.state_dict(),
        "optimiser": optimiser.state_dict(),
        "step": step,
    }
    fresh = path.with_suffix(".new")
    torch.save(state, fresh)
    fresh.replace(path)


def main() -> None:
    """Train on the parts that are there."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=15.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--rest", type=float, default=1.0, help="share of the rate to begin with")
    parser.add_argument("--last", type=float, default=0.01, help="share of the rate at the end")
    parser.add_argument("--own", type=float, default=0.5, help="share from the demo's own room")
    parser.add_argument("--whole", action="store_true", help="whole pictures, to finish with")
    arguments = parser.parse_args()
    ranks = arguments.processes
    (WORK / "meeting").unlink(missing_ok=True)
    if ranks == 1:
        work(0, arguments)
    else:
        torch.multiprocessing.spawn(work, args=(arguments,), nprocs=ranks)


def work(rank: int, arguments: argparse.Namespace) -> None:
    """Train as one of several processes that share their gradients."""
    # Several threads spin while they wait for each other; processes on a busy machine do not.
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    ranks = arguments.processes
    if ranks > 1:
        distributed.init_process_group(
            "gloo", init_method=f"file://{WORK / 'meeting'}", rank=rank, world_size=ranks
        )
    recipe = Recipe(own=arguments.own)
    if arguments.whole:
        recipe = replace(recipe, batch=4, piece_px=(WIDTH_PX, HEIGHT_PX), zooming=0.15)
    train(
        Parts(),
        minutes=arguments.minutes,
        recipe=recipe,
        seed=arguments.seed,
        rest=arguments.rest,
        last=arguments.last,
        rank=rank,
        ranks=ranks,
    )


if __name__ == "__main__":
    main()
