"""Write the trained net as ONNX and sign it: ``python -m models.person_detector.export``."""

from __future__ import annotations

import argparse
import hashlib
import re
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.person_detector.net import CELLS, PLANES, UNIT_PX, PersonNet

HERE = Path(__file__).parent
EXAMPLE_PX = (288, 384)
FREE = {
    "image": {2: "rows", 3: "columns"},
    "heat": {2: "cell_rows", 3: "cell_columns"},
    "geometry": {2: "coarse_rows", 3: "coarse_columns"},
}


class Shipped(nn.Module):
    """What the ONNX file holds: confidence at peaks, geometry in pixels of the net's input.

    No more than that: the agent reads geometry at the few peaks only, so bringing it to the fine
    grid, or telling apart peaks at one head, costs more in the graph than after it.
    """

    def __init__(self, net: PersonNet) -> None:
        super().__init__()
        self.net = net
        units = torch.tensor(UNIT_PX).repeat_interleave(CELLS)  # powers of two: nothing is rounded
        with torch.no_grad():
            net.geometry.weight.mul_(units.view(-1, 1, 1, 1))
            net.geometry.bias.mul_(units)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Give heat (1, 1, H/4, W/4), 0 where no peak is, and geometry (1, 40, H/8, W/8)."""
        coarse: list[Tensor] = []  # before the net brings it to the fine grid
        hook = self.net.geometry.register_forward_hook(lambda *seen: coarse.append(seen[-1]))
        heat = torch.sigmoid(self.net(image)[0])
        hook.remove()
        peak = functional.max_pool2d(heat, 3, 1, 1)
        return torch.where(heat >= peak, heat, torch.zeros_like(heat)), coarse[0]


def export(weights: Path | None, *, onnx: Path) -> None:
    """Write an ONNX file of free size; without weights the net is untrained (to try things)."""
    torch.manual_seed(0)
    net = PersonNet()
    if weights is not None:
        net.load_state_dict(torch.load(weights, map_location="cpu", weights_only=True)["averaged"])
    net.eval()
    torch.onnx.export(
        Shipped(net).eval(),
        (torch.zeros(1, PLANES, *EXAMPLE_PX),),
        str(onnx),
        input_names=["image"],
        output_names=["heat", "geometry"],
        dynamic_axes=FREE,
        opset_version=17,
        dynamo=False,
    )


def sign(manifest: Path, *, onnx: Path) -> None:
    """Put the file's hash into the manifest."""
    digest = hashlib.sha256(onnx.read_bytes()).hexdigest()
    text = manifest.read_text(encoding="utf-8")
    text = re.sub(r'^sha256 = ".*"$', f'sha256 = "{digest}"', text, flags=re.MULTILINE)
    manifest.write_text(text, encoding="utf-8")


def main() -> None:
    """Export, sign and say how large the result is."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weights", type=Path, help="checkpoint of train.py; untrained without")
    parser.add_argument("--to", type=Path, default=HERE, help="folder with a manifest.toml")
    arguments = parser.parse_args()
    onnx = arguments.to / "person_detector.onnx"
    export(arguments.weights, onnx=onnx)
    sign(arguments.to / "manifest.toml", onnx=onnx)
    print(f"{onnx}: {onnx.stat().st_size} bytes")


if __name__ == "__main__":
    main()
