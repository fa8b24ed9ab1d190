"""The picture of every epoch: one face a row, LR, output, HR, and both heatmaps over their images."""

from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw
from torch import Tensor, nn
from torch.nn import functional as F

from ..dataset.pairs import PairMaker

COLOURS = ((0.2, 0.6, 1.0), (1.0, 0.85, 0.1), (1.0, 0.25, 0.3), (0.25, 0.9, 0.4))  # eyes, nose, mouth, chin
TITLES = ("LR", "output", "HR", "heatmaps", "truth")
TILE, HEADER = 128, 14


@torch.no_grad()
def draw(model: nn.Module, maker: PairMaker, rows: int, path: Path) -> None:
    """Write the grid of the first `rows` faces of `maker` as a PNG."""
    training = model.training
    model.eval()
    pairs = maker.test(torch.arange(min(rows, len(maker.store))))
    out = model(pairs.lr)
    model.train(training)
    sr, hr = _unit(out.sr), _unit(pairs.hr)
    guess = overlay(sr, out.heatmaps[-1]) if out.heatmaps else sr
    columns = [F.interpolate(_unit(pairs.lr), TILE, mode="nearest"), sr, hr, guess, overlay(hr, pairs.heatmaps)]
    grid = torch.cat(columns, 3)  # N, 3, 128, 5 * 128
    pixels = (grid.permute(0, 2, 3, 1).reshape(-1, grid.shape[3], 3) * 255).round().byte().cpu().numpy()
    image = Image.fromarray(np.concatenate([np.zeros((HEADER, pixels.shape[1], 3), np.uint8), pixels]))
    pen = ImageDraw.Draw(image)
    for i, title in enumerate(TITLES):
        pen.text((i * TILE + 4, 1), title, fill=(255, 255, 255))
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.tmp")
    image.save(temporary, "png")
    temporary.replace(path)


def overlay(images: Tensor, heatmaps: Tensor) -> Tensor:
    """(N, 3, 128, 128) and (N, 4, R, R), both in [0, 1] -> the images with the components in their colours."""
    maps = F.interpolate(heatmaps.float(), images.shape[-1], mode="bilinear").clamp(0, 1)
    result = images * 0.7
    for k, colour in enumerate(COLOURS):
        alpha = 0.75 * maps[:, k : k + 1]
        result = result * (1 - alpha) + alpha * result.new_tensor(colour)[:, None, None]
    return result


def _unit(x: Tensor) -> Tensor:
    return ((x.float() + 1) / 2).clamp(0, 1)
