"""The picture of every epoch: one face a row, LR, output, HR, and both heatmaps over their images."""

from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw
from torch import Tensor, nn
from torch.nn import functional as F

from ..dataset.pairs import PairMaker
from ..files import write_atomically
from ..runtime.pictures import overlay

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
    lr = F.interpolate(pairs.lr, TILE, mode="nearest")
    lr, sr, hr = (_levels(x) for x in (lr, out.picture, pairs.hr))
    guess = _overlays(sr, out.heatmaps[-1]) if out.heatmaps else sr
    columns = [lr, sr, hr, guess, _overlays(hr, pairs.heatmaps)]
    pixels = np.concatenate(np.concatenate(columns, 2))
    image = Image.fromarray(np.concatenate([np.zeros((HEADER, pixels.shape[1], 3), np.uint8), pixels]))
    pen = ImageDraw.Draw(image)
    for i, title in enumerate(TITLES):
        pen.text((i * TILE + 4, 1), title, fill=(255, 255, 255))
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, lambda file: image.save(file, "PNG"))


def _overlays(images: np.ndarray, heatmaps: Tensor) -> np.ndarray:
    maps = heatmaps.float().cpu().numpy()
    return np.stack([overlay(image, m) for image, m in zip(images, maps, strict=True)])


def _levels(x: Tensor) -> np.ndarray:
    """(N, 3, H, W) in [-1, 1] -> uint8 (N, H, W, 3)."""
    levels = ((x.float() + 1) * 127.5).round().clamp(0, 255).byte()
    return levels.permute(0, 2, 3, 1).cpu().numpy()
