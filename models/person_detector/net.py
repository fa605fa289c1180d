"""The detector's net: an hourglass that marks heads and points at feet.

Needs torch, which is in no extra a store installs; see ``train.py``.

Source: Zhou, Wang, Kraehenbuehl, Objects as Points, 2019 (heat map, offsets, penalty-reduced
focal loss).
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

STRIDE_PX = 4
MULTIPLE_PX = 32
"""Both sides of a picture; the net halves it five times."""
PLANES = 4  # blue, green, red, change against the camera's background
CHANNELS = (
    "centre_dx", "centre_dy", "width", "height", "foot_dx", "foot_dy", "head_dx", "head_dy",
    "near_foot_dx", "near_foot_dy",
)  # fmt: skip
NEAR = 8  # channels before this are told at heads, those from it on around feet
CELLS = 4  # of the output in one of the cells the net thinks in, which are 8 px wide
UNIT_PX = (16.0, 16.0, 32.0, 32.0, 16.0, 16.0, 4.0, 4.0, 16.0, 16.0)
PRIOR_LOGIT = -4.6  # sigmoid = 0.01: how rare heads are at the start of training


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
    """From scaled planes to heat logits and geometry in units of the loss."""

    def __init__(self) -> None:
        super().__init__()
        self.to2 = _conv(PLANES, 16, size=3, step=2)
        self.to4 = _conv(16, 32, size=3, step=2)
        self.to8 = _conv(32, 64, size=3, step=2)
        self.at8 = nn.Sequential(*(Mix(64, size=3) for _ in range(3)))
        self.to16 = _conv(64, 112, size=3, step=2)
        self.at16 = nn.Sequential(*(Mix(112, size=5) for _ in range(4)))
        self.to32 = nn.Sequential(
            nn.Conv2d(112, 112, 5, 2, 2, groups=112, bias=False), _conv(112, 128, size=1)
        )
        self.at32 = nn.Sequential(*(Mix(128, size=5) for _ in range(3)))
        self.up16 = _conv(128, 112, size=1)
        self.back16 = nn.Sequential(*(Mix(112, size=5) for _ in range(2)))
        self.up8 = _conv(112, 64, size=1)
        self.back8 = nn.Sequential(*(Mix(64, size=3) for _ in range(3)))
        self.wide = nn.Sequential(_conv(64, 128, size=1), nn.ReLU())
        self.heat = nn.Conv2d(128, 1 * CELLS, 1)
        self.geometry = nn.Conv2d(128, len(CHANNELS) * CELLS, 1)
        nn.init.constant_(self.heat.bias, PRIOR_LOGIT)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Mark and point.

        Args:
            image: (N, 4, H, W) scaled; sides in multiples of ``MULTIPLE_PX``.

        Returns:
            Heat logits (N, 1, H/4, W/4) and raw geometry (N, 10, H/4, W/4).
        """
        x4 = functional.relu(self.to4(functional.relu(self.to2(image))))
        x8 = self.at8(functional.relu(self.to8(x4)))
        x16 = self.at16(functional.relu(self.to16(x8)))
        x32 = self.at32(functional.relu(self.to32(x16)))
        y16 = functional.interpolate(self.up16(x32), scale_factor=2.0, mode="nearest")
        y16 = self.back16(functional.relu(y16 + x16))
        y8 = functional.interpolate(self.up8(y16), scale_factor=2.0, mode="nearest")
        y8 = self.wide(self.back8(functional.relu(y8 + x8)))
        return (
            functional.pixel_shuffle(self.heat(y8), 2),
            functional.pixel_shuffle(self.geometry(y8), 2),
        )
