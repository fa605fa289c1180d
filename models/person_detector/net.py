"""The detector's net: an hourglass that marks people and points at their feet.

Needs torch, which is in no extra a store installs; see ``train.py``.

Source: Zhou, Wang, Kraehenbuehl, Objects as Points, 2019 (heat map, offsets, penalty-reduced
focal loss).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

WIDTH_PX = 416
HEIGHT_PX = 288
STRIDE_PX = 4
COARSE_PX = 16
CELLS = 4  # of the output in one of the cells the net thinks in, which are 8 px wide
SIZE_UNIT_PX = 32.0
FOOT_UNIT_PX = 16.0
MOST_PEOPLE = 96
SAME_FEET_PX = 8.0  # 0.35 m on the floor at the demo camera; nobody stands that close
SAME_FEET = 0.3  # of the larger box, for small people
PRIOR_LOGIT = -4.6  # sigmoid = 0.01: how rare centres are at the start of training


def places() -> Tensor:
    """Give the net's sense of place: (1, 2, H/16, W/16), -1 to 1 rightwards and downwards."""
    rows, cols = HEIGHT_PX // COARSE_PX, WIDTH_PX // COARSE_PX
    down = torch.linspace(-1, 1, rows).view(1, 1, rows, 1).expand(1, 1, rows, cols)
    right = torch.linspace(-1, 1, cols).view(1, 1, 1, cols).expand(1, 1, rows, cols)
    return torch.cat([right, down], 1).contiguous()


def _conv(inputs: int, outputs: int, *, size: int, step: int = 1, groups: int = 1) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, size, step, size // 2, groups=groups, bias=False),
        nn.BatchNorm2d(outputs),
    )


class Mix(nn.Module):
    """A residual block: a look around in each channel, then a mix of channels."""

    def __init__(self, channels: int, *, size: int) -> None:
        super().__init__()
        self.look = nn.Conv2d(channels, channels, size, 1, size // 2, groups=channels, bias=False)
        self.mix = _conv(channels, channels, size=1)

    def forward(self, x: Tensor) -> Tensor:
        """Keep the shape."""
        return functional.relu(x + self.mix(self.look(x)))


class PersonNet(nn.Module):
    """From a scaled BGR image to heat logits and geometry in units of the loss."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(3, 32, 6, STRIDE_PX, 1, bias=False), nn.BatchNorm2d(32), nn.ReLU()
        )
        self.to8 = _conv(32, 64, size=3, step=2)
        self.at8 = nn.Sequential(*(Mix(64, size=3) for _ in range(3)))
        self.to16 = _conv(64, 96, size=3, step=2)
        self.place = _conv(96 + 2, 96, size=1)
        self.at16 = nn.Sequential(*(Mix(96, size=5) for _ in range(3)))
        self.up8 = _conv(96, 64, size=1)
        self.back8 = nn.Sequential(*(Mix(64, size=3) for _ in range(3)))
        self.wide = nn.Sequential(_conv(64, 128, size=1), nn.ReLU())
        self.heat = nn.Conv2d(128, 1 * CELLS, 1)
        self.geometry = nn.Conv2d(128, 6 * CELLS, 1)
        nn.init.constant_(self.heat.bias, PRIOR_LOGIT)

    def forward(self, image: Tensor, where: Tensor) -> tuple[Tensor, Tensor]:
        """Mark and point.

        Args:
            image: (N, 3, H, W) scaled; all of a picture or a piece of it.
            where: (N, 2, H/16, W/16) from ``places``, cut as the image was.

        Returns:
            Heat logits (N, 1, H/4, W/4) and raw geometry (N, 6, H/4, W/4).
        """
        x8 = self.at8(functional.relu(self.to8(self.stem(image))))
        x16 = functional.relu(self.to16(x8))
        x16 = self.at16(functional.relu(self.place(torch.cat([x16, where], 1))))
        y8 = functional.interpolate(self.up8(x16), scale_factor=2.0, mode="nearest")
        y8 = self.wide(self.back8(functional.relu(y8 + x8)))
        return (
            functional.pixel_shuffle(self.heat(y8), 2),
            functional.pixel_shuffle(self.geometry(y8), 2),
        )


class Deployed(nn.Module):
    """What the ONNX file holds: peaks only, geometry in pixels of the net's input.

    A peak also goes when a stronger one points at the same feet: a long, leaning body may have two.
    """

    def __init__(self, net: PersonNet) -> None:
        super().__init__()
        self.net = net
        units = [STRIDE_PX, STRIDE_PX, SIZE_UNIT_PX, SIZE_UNIT_PX, FOOT_UNIT_PX, FOOT_UNIT_PX]
        self.register_buffer("where", places())
        self.register_buffer("units", torch.tensor(units).view(1, 6, 1, 1))

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Give heat (N, 1, H/4, W/4), 0 where no peak is, and geometry (N, 6, H/4, W/4)."""
        logits, geometry = self.net(image, self.where)
        heat = torch.sigmoid(logits)
        peak = functional.max_pool2d(heat, 3, 1, 1)
        peaks = torch.where(heat >= peak, heat, torch.zeros_like(heat))
        shape = geometry * self.units
        return self._once_each(peaks, shape), shape

    def _once_each(self, peaks: Tensor, shape: Tensor) -> Tensor:
        """Keep the strongest of the peaks that point at the same feet; of one image."""
        best, cells = peaks.flatten().topk(MOST_PEOPLE)
        found = shape[0].flatten(1)[:, cells]  # (6, MOST_PEOPLE)
        size = found[2:4].amax(0)
        across = STRIDE_PX * (cells % (WIDTH_PX // STRIDE_PX)) + found[4]
        down = STRIDE_PX * (cells // (WIDTH_PX // STRIDE_PX)) + found[5]
        away2 = (across[:, None] - across[None]) ** 2 + (down[:, None] - down[None]) ** 2
        near = SAME_FEET * torch.maximum(size[:, None], size[None])
        same = away2 < near.clamp(0, SAME_FEET_PX) ** 2
        order = torch.arange(MOST_PEOPLE)  # topk sorts: the stronger come first
        stronger = order[None] < order[:, None]
        again = (same & stronger).any(1)
        kept = torch.where(again, torch.zeros_like(best), best)
        return torch.zeros_like(peaks).flatten().scatter(0, cells, kept).view_as(peaks)
