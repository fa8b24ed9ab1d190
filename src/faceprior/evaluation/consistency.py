"""LR consistency: does the output, degraded as its input was, give that input back?

The output is moved by the true transform and reduced. It is an upright square and the LR a tilted one, so
only LR pixels whose whole block the output covers count.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from ..dataset.degrade import quantise, reduce_to_lr
from .metrics import HR, psnr


def lr_consistency(images: Tensor, lr: Tensor, transform: Tensor) -> Tensor:
    """Outputs (N, 3, 128, 128) and LR (N, 3, h, h) as levels 0..255, the true (N, 2, 3) -> (N,) dB."""
    square = torch.cat([transform.double(), transform.new_tensor([[[0, 0, 1]]]).double().expand(len(lr), 1, 3)], 1)
    back = torch.linalg.inv(square)[:, :2].to(images.dtype)
    grid = F.affine_grid(back, [len(lr), 3, HR, HR], align_corners=False)
    moved = quantise(F.grid_sample(images, grid, "bicubic", "border", align_corners=False))
    size = lr.shape[-1]
    outside = (grid.abs() > 1).any(-1)
    # Of a size that does not divide 128 each LR pixel has every HR pixel that it touches; its windows are pooling's.
    covered = F.adaptive_max_pool2d(outside[:, None].float(), size)[:, 0] == 0
    return psnr(reduce_to_lr(moved, size), lr, covered)
