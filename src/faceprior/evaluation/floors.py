"""The floors that every model must beat: interpolation alone, and interpolation that is told the alignment."""

import numpy as np
import torch
from PIL import Image
from torch.nn import functional as F

from ..dataset.pairs import Pairs
from .models import HR_SIZE, Restored, resized


class Bicubic:
    """The LR as it lies, x8 by Pillow's BICUBIC (Table 1's row aligns first; see the registry's STN0 rows)."""

    name, sha256 = "bicubic", None

    def __call__(self, lr: np.ndarray, pairs: Pairs) -> Restored:
        return Restored(enlarge(lr), frame=as_it_lies(len(lr)))


class Lanczos:
    """The LR as it lies, enlarged by Pillow's LANCZOS: what a photo's enlargement gives."""

    name, sha256 = "lanczos", None

    def __call__(self, lr: np.ndarray, pairs: Pairs) -> Restored:
        return Restored(resized(lr, HR_SIZE, Image.Resampling.LANCZOS), frame=as_it_lies(len(lr)))


class BicubicTrue:
    """The LR x8 by Pillow's BICUBIC, then set upright by the *true* transform, bicubic, edges replicated.

    In an aligned protocol it equals `Bicubic`.
    """

    name, sha256 = "bicubic-true", None

    def __call__(self, lr: np.ndarray, pairs: Pairs) -> Restored:
        if len(lr) == 0:
            return Restored(enlarge(lr))
        x = torch.from_numpy(enlarge(lr)).permute(0, 3, 1, 2).float()
        grid = F.affine_grid(pairs.transform.cpu().float(), [len(x), 3, HR_SIZE, HR_SIZE], align_corners=False)
        y = F.grid_sample(x, grid, "bicubic", "border", align_corners=False)
        return Restored(y.round().clamp(0, 255).byte().permute(0, 2, 3, 1).numpy(), frame=pairs.transform.cpu().numpy())


def as_it_lies(count: int) -> np.ndarray:
    """The frame of what sets nothing upright, float32 (N, 2, 3)."""
    return np.repeat(np.eye(2, 3, dtype=np.float32)[None], count, 0)


def enlarge(images: np.ndarray, size: int = HR_SIZE) -> np.ndarray:
    """uint8 (N, h, w, 3) -> uint8 (N, size, size, 3), each by Pillow's BICUBIC."""
    return resized(images, size)
