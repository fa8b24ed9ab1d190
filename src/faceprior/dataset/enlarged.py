"""LR faces cut out of a photo that the canvas network enlarged, as `photo/cut.py` cuts clean ones.

An augmentation of training. A face of 20 px that a network of 32 is to see comes to it through the canvas network,
which has made up what lies between 20 and 32: another picture than a photo of 32 px gives, and better than Lanczos.
"""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from ..resampling import pillow_bicubic
from .context import CONTEXT, HR
from .degrade import quantise, reduce_to_lr

NATIVE = (0.55, 1.25)  # the face's pixels in its photo, in parts of the network's
AROUND = 4  #            pixels of the photo on each side, for the canvas to see
Enlarge = Callable[[Tensor], Tensor]


def native_sizes(size: int) -> tuple[int, int]:
    """The least and the largest size of a face, in pixels of its photo, that a network of `size` is shown so."""
    return round(NATIVE[0] * size), round(NATIVE[1] * size)


@torch.no_grad()
def enlarged_lr(contexts: Tensor, inverse: Tensor, native: int, size: int, enlarge: Enlarge) -> Tensor:
    """The frames `inverse` (B, 2, 3) of contexts, uint8 (B, 3, 224, 224), reduced to `native` pixels with what lies
    around them, enlarged by `enlarge` ((B, 3, h, w) -> (B, 3, k h, k w), both on the 0..255 scale), cut and reduced to
    float32 (B, 3, size, size), 8-bit values on the 0..255 scale."""
    whole = native + 2 * AROUND
    pixels = -(-HR // native) * whole  # a whole number of rendered pixels for each of the photo's
    grown = inverse.clone()
    grown[:, :, :2] *= whole / native
    grid = F.affine_grid(grown, [len(contexts), 3, pixels, pixels], align_corners=False) * (HR / CONTEXT)
    frames = quantise(F.grid_sample(contexts.float(), grid, "bicubic", "border", align_corners=False))
    photo = _resized(frames, whole)
    picture = quantise(enlarge(photo))
    around = AROUND * picture.shape[-1] // whole
    return reduce_to_lr(_resized(picture[:, :, around:-around, around:-around], HR), size)


def _resized(x: Tensor, size: int) -> Tensor:
    """(B, C, n, n) -> (B, C, size, size) by Pillow's bicubic."""
    weights = torch.from_numpy(pillow_bicubic(x.shape[-1], size)).to(x)
    return quantise(torch.matmul(weights, quantise(torch.matmul(x, weights.T))))
