"""Train the detector on rendered parts: ``python -m models.person_detector.train --minutes 80``.

Needs torch (CPU is enough), numpy and OpenCV in a virtual environment of its own. Resumes from
``work/checkpoint.pt``; progress goes to ``work/train.log``; parts rendered meanwhile join in.
"""

# ruff: noqa: PLR2004 -- the schedule, once

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
from torch import Tensor, distributed
from torch.nn import functional

from models.person_detector.net import NEAR, PersonNet
from models.person_detector.parts import WORK, Picture, load
from models.person_detector.photographs import load_photographs
from models.person_detector.pieces import Cutout, Variation, cutout_of, piece_of

SHARES = {"mesh": 0.8, "sim": 0.15, "clips": 0.05}
"""How many of the pieces come from which parts."""
DRAWN_AT_ONCE = 640
OFTEN = {"fisheye": 2.2, "overhead": 1.5, "oblique": 1.2, "hall": 0.45, "clip": 1.0}
"""How often a view is drawn for each of its pictures: a hall's crowds would drown the others."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to learn; defaults were set once and not searched.

    Attributes:
        averaging: of the weights kept for use.
        weights: of centre, size, foot and head in the loss, and of the foot told from around it.
    """

    batch: int = 10
    rate: float = 1.2e-3
    decay: float = 1e-4
    averaging: float = 0.9985
    weights: tuple[float, float, float, float, float] = (0.1, 0.1, 0.6, 0.3, 0.6)


class Parts:
    """All pictures, compressed, in memory."""

    def __init__(self) -> None:
        self.pictures: dict[str, list[Picture]] = {kind: [] for kind in SHARES}
        self.cutouts: list[Cutout] = []
        self.photographs = load_photographs()
        self._known: set[Path] = set()

    def refresh(self) -> None:
        """Load what is new."""
        for kind, pictures in self.pictures.items():
            for path in sorted(WORK.glob(f"{kind}-*.npz")):
                if path in self._known:
                    continue
                self._known.add(path)
                fresh = load(path)
                pictures.extend(fresh)
                if kind == "clips":
                    cut = (cutout_of(one) for one in fresh)
                    self.cutouts.extend(one for one in cut if one is not None)

    def draw(self, rng: np.random.Generator) -> list[Picture]:
        """Draw pictures for the next steps."""
        drawn = []
        there = {kind: share for kind, share in SHARES.items() if self.pictures[kind]}
        for kind, share in there.items():
            count = round(DRAWN_AT_ONCE * share / sum(there.values()))
            pictures = self.pictures[kind]
            weight = np.array([OFTEN[one.view] for one in pictures])
            chosen = rng.choice(len(pictures), size=count, p=weight / weight.sum())
            drawn.extend(pictures[n] for n in chosen)
        return [drawn[n] for n in rng.permutation(len(drawn))]


def loss_of(
    logits: Tensor, geometry: Tensor, *, heat: Tensor, truth: Tensor, recipe: Recipe
) -> tuple[Tensor, Tensor]:
    """Give the penalty-reduced focal loss per person, and the geometry's L1 per person."""
    logits = logits[:, 0]
    chance = torch.sigmoid(logits).clamp(1e-5, 1 - 1e-5)
    head = heat > 0.999
    count = head.sum().clamp(min=1)
    yes = functional.logsigmoid(logits) * (1 - chance) ** 2
    no = functional.logsigmoid(-logits) * chance**2 * (1 - heat.clamp(min=0)) ** 4
    focal = -(yes * head + no * (~head) * (heat >= 0)).sum() / count
    each = functional.smooth_l1_loss(geometry, truth[:, :-2], beta=0.1, reduction="none")
    each = each * each.new_tensor(np.repeat(recipe.weights, 2)).view(1, -1, 1, 1)
    shape = sum(
        (part * weight).sum() / weight.sum().clamp(min=1)
        for part, weight in (
            (each[:, :NEAR], truth[:, -2:-1]),
            (each[:, NEAR:], truth[:, -1:]),
        )
    )
    return focal, shape


@dataclass(frozen=True, slots=True)
class Batch:
    """What one step learns from."""

    image: Tensor
    heat: Tensor
    geometry: Tensor


def batches(
    parts: Parts, *, recipe: Recipe, variation: Variation, rng: np.random.Generator
) -> Iterator[Batch]:
    """Give varied batches for ever."""
    while True:
        parts.refresh()
        drawn = parts.draw(rng)
        for start in range(0, len(drawn) - recipe.batch + 1, recipe.batch):
            pieces = [
                piece_of(
                    one,
                    cutouts=parts.cutouts,
                    photographs=parts.photographs,
                    variation=variation,
                    rng=rng,
                )
                for one in drawn[start : start + recipe.batch]
            ]
            planes = np.stack([piece.planes for piece in pieces])  # NHWC, as the net likes it
            image = torch.from_numpy(planes).float().sub_(127.5).mul_(1 / 127.5)
            yield Batch(
                image.permute(0, 3, 1, 2),
                torch.from_numpy(np.stack([piece.heat for piece in pieces])),
                torch.from_numpy(np.stack([piece.geometry for piece in pieces])),
            )


def train(
    parts: Parts,
    *,
    minutes: float,
    recipe: Recipe,
    variation: Variation,
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
    begin, told, sums = time.monotonic(), time.monotonic(), np.zeros(3)
    with (WORK / "train.log").open("a", encoding="utf-8") as log:
        for batch in batches(parts, recipe=recipe, variation=variation, rng=rng):
            clock = torch.tensor([(time.monotonic() - begin) / (60 * minutes)])
            if ranks > 1:
                distributed.broadcast(clock, 0)
            done = float(clock)
            if done >= 1:
                break
            for group in optimiser.param_groups:
                warm = min(1.0, (step + 1) / 200)
                fall = last + (rest - last) * 0.5 * (1 + math.cos(math.pi * done))
                group["lr"] = recipe.rate * warm * fall
            logits, geometry = net(batch.image)
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
                rate = sums[2] * recipe.batch * ranks / (time.monotonic() - told)
                told = time.monotonic()
                have = sum(len(pictures) for pictures in parts.pictures.values())
                line = f"step {step} pictures {have} done {done:.2f}"
                line += f" focal {sums[0] / sums[2]:.3f} geometry {sums[1] / sums[2]:.3f}"
                print(f"{line} pieces/s {rate:.1f}", file=log, flush=True)
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
    parser.add_argument("--minutes", type=float, default=80.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--rest", type=float, default=1.0, help="share of the rate to begin with")
    parser.add_argument("--last", type=float, default=0.01, help="share of the rate at the end")
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
    recipe, variation = Recipe(), Variation()
    if arguments.whole:
        recipe = replace(recipe, batch=4)
        variation = replace(variation, piece_px=(384, 288))
    train(
        Parts(),
        minutes=arguments.minutes,
        recipe=recipe,
        variation=variation,
        seed=arguments.seed,
        rest=arguments.rest,
        last=arguments.last,
        rank=rank,
        ranks=ranks,
    )


if __name__ == "__main__":
    main()
