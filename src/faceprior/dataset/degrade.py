"""From a context crop to the LR face: the moved frame, 8 bit, Pillow's BICUBIC, in batched tensor operations."""

import torch
from torch import Tensor
from torch.nn import functional as F

from ..resampling import pillow_bicubic
from .context import CONTEXT, HR

LR = 16


def quantise(x: Tensor) -> Tensor:
    """Values on the 0..255 scale -> whole numbers in 0..255, still float; in place."""
    return x.round_().clamp_(0, 255)


def reduce_to_lr(hr: Tensor, size: int = LR) -> Tensor:
    """(B, C, 128, 128) on the 0..255 scale -> (B, C, size, size), 8-bit values as Pillow's `resize(..., BICUBIC)`."""
    weights = torch.from_numpy(pillow_bicubic(HR, size)).to(hr.device, hr.dtype)
    return quantise(torch.matmul(weights, quantise(torch.matmul(hr, weights.T))))  # as Pillow: 8 bit in between


def render(contexts: Tensor, inverse: Tensor) -> Tensor:
    """Renders frames from context crops.

    `contexts` uint8 (B, 3, 224, 224); `inverse` float32 (B, 2, 3) maps normalised coordinates of the wanted
    frame to normalised *upright* ones -> float32 (B, 3, 128, 128), 8-bit values on the 0..255 scale.
    """
    grid = F.affine_grid(inverse, [len(contexts), 3, HR, HR], align_corners=False) * (HR / CONTEXT)
    return quantise(F.grid_sample(contexts.float(), grid, "bicubic", "border", align_corners=False))
