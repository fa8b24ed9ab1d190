"""Interpolation alone: what every model must beat, as it lies and told the true transform."""

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from .context import HR


def enlarge(
    images: np.ndarray, size: int = HR, kernel: Image.Resampling = Image.Resampling.BICUBIC
) -> np.ndarray:
    """uint8 (N, h, w, 3) -> uint8 (N, size, size, 3), larger or smaller, each by one of Pillow's kernels."""
    result = np.empty((len(images), size, size, 3), np.uint8)
    for out, image in zip(result, images, strict=True):
        out[:] = np.asarray(Image.fromarray(image).resize((size, size), kernel))
    return result


def set_upright(images: np.ndarray, transform: Tensor) -> np.ndarray:
    """uint8 (N, S, S, 3) moved by the transforms (N, 2, 3), bicubic, edges replicated -> the same shape."""
    if len(images) == 0:
        return images
    x = torch.from_numpy(images).permute(0, 3, 1, 2).float()
    grid = F.affine_grid(transform.cpu().float(), list(x.shape), align_corners=False)
    y = F.grid_sample(x, grid, "bicubic", "border", align_corners=False)
    return y.round().clamp(0, 255).byte().permute(0, 2, 3, 1).numpy()
