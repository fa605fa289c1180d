"""The detector's net: an hourglass at stride 4 that marks people and points at their feet.

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
SIZE_UNIT_PX = 32.0
FOOT_UNIT_PX = 16.0
PRIOR_LOGIT = -4.6  # sigmoid = 0.01: how rare centres are at the start of training


def _conv(inputs: int, outputs: int, *, size: int, step: int = 1, groups: int = 1) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, size, step, size // 2, groups=groups, bias=False),
        nn.BatchNorm2d(outputs),
    )


class Mix(nn.Module):
    """A residual block: a wide depthwise look around, then a mix of channels."""

    def __init__(self, channels: int, *, size: int) -> None:
        super().__init__()
        self.look = _conv(channels, channels, size=size, groups=channels)
        self.mix = _conv(channels, channels, size=1)

    def forward(self, x: Tensor) -> Tensor:
        return functional.relu(x + self.mix(functional.relu(self.look(x))))


class PersonNet(nn.Module):
    """From a scaled BGR image to heat logits and geometry in units of the loss."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = _conv(3, 16, size=3, step=2)
        self.to4 = _conv(16, 24, size=3, step=2)
        self.at4 = Mix(24, size=3)
        self.to8 = _conv(24, 48, size=3, step=2)
        self.at8 = nn.Sequential(Mix(48, size=3), Mix(48, size=3))
        self.to16 = _conv(48, 96, size=3, step=2)
        self.place = _conv(96 + 2, 96, size=1)
        self.at16 = nn.Sequential(*(Mix(96, size=5) for _ in range(4)))
        self.all_over = nn.Linear(96, 96)
        self.up8 = _conv(96, 48, size=1)
        self.side8 = _conv(48, 48, size=1)
        self.back8 = nn.Sequential(Mix(48, size=5), Mix(48, size=3))
        self.up4 = _conv(48, 32, size=1)
        self.side4 = _conv(24, 32, size=1)
        self.back4 = nn.Sequential(Mix(32, size=3), Mix(32, size=3))
        self.wide = nn.Sequential(
            _conv(32, 32, size=3, groups=32), nn.ReLU(), _conv(32, 64, size=1), nn.ReLU()
        )
        self.heat = nn.Conv2d(64, 1, 1)
        self.geometry = nn.Conv2d(64, 6, 1)
        nn.init.constant_(self.heat.bias, PRIOR_LOGIT)
        rows, cols = HEIGHT_PX // 16, WIDTH_PX // 16
        down = torch.linspace(-1, 1, rows).view(1, 1, rows, 1).expand(1, 1, rows, cols)
        right = torch.linspace(-1, 1, cols).view(1, 1, 1, cols).expand(1, 1, rows, cols)
        self.register_buffer("where", torch.cat([right, down], 1).contiguous())

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Give heat logits (N, 1, H/4, W/4) and raw geometry (N, 6, H/4, W/4)."""
        x4 = self.at4(functional.relu(self.to4(functional.relu(self.stem(image)))))
        x8 = self.at8(functional.relu(self.to8(x4)))
        x16 = functional.relu(self.to16(x8))
        where = self.where.expand(x16.shape[0], -1, -1, -1)
        x16 = self.at16(functional.relu(self.place(torch.cat([x16, where], 1))))
        x16 = x16 + functional.relu(self.all_over(x16.mean((2, 3))))[:, :, None, None]
        y8 = functional.interpolate(self.up8(x16), scale_factor=2.0, mode="nearest")
        y8 = self.back8(functional.relu(y8 + self.side8(x8)))
        y4 = functional.interpolate(self.up4(y8), scale_factor=2.0, mode="nearest")
        y4 = self.wide(self.back4(functional.relu(y4 + self.side4(x4))))
        return self.heat(y4), self.geometry(y4)


class Deployed(nn.Module):
    """What the ONNX file holds: peaks only, geometry in pixels of the net's input."""

    def __init__(self, net: PersonNet) -> None:
        super().__init__()
        self.net = net
        units = [STRIDE_PX, STRIDE_PX, SIZE_UNIT_PX, SIZE_UNIT_PX, FOOT_UNIT_PX, FOOT_UNIT_PX]
        self.register_buffer("units", torch.tensor(units).view(1, 6, 1, 1))

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        logits, geometry = self.net(image)
        heat = torch.sigmoid(logits)
        peak = functional.max_pool2d(heat, 3, 1, 1)
        return torch.where(heat >= peak, heat, torch.zeros_like(heat)), geometry * self.units
